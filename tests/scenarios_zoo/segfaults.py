"""Dies of a signal."""

import ctypes

SCENARIO = {"order": 7}

ctypes.string_at(0)
