"""Tests import their helpers from this folder (`running.py`); nothing else is shared."""

import os

os.environ.pop("PYTHONUNBUFFERED", None)  # it would hide a flush that is missing
