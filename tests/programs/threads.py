"""A thread that runs a pass after the script's last line, and a daemon that never ends."""

import threading
import time

from small_engine import Value


def last():
    threading.main_thread().join()
    (Value(1.0) + Value(2.0)).backward()
    print("thread done")


def for_ever():
    while True:
        time.sleep(0.01)


threading.Thread(target=for_ever, daemon=True).start()
threading.Thread(target=last).start()
print("script done")
