"""Raises an exception group with a note, where Python has them, while another exception is handled."""

try:
    raise OSError(2, "gone")
except OSError:
    if "ExceptionGroup" not in dir(__builtins__):
        raise SystemExit(0)
    error = ExceptionGroup("two", [ValueError(1), TypeError("b")])
    error.add_note("a note")
    raise error
