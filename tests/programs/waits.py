"""A pass of three steps, and then nothing for a long time."""

import time

from small_engine import Value

(Value(1.0) + Value(2.0)).backward()
time.sleep(1000)
