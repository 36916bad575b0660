"""Tests import their helpers from this folder (`running.py`); nothing else is shared."""

import os
import signal

os.environ.pop("PYTHONUNBUFFERED", None)  # it would hide a flush that is missing

# Started in the background or by `nohup`, signals are ignored, and children would inherit that.
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
