"""Raises after a pass, with a cause, a context and a message of two lines."""

from small_engine import Value

y = Value(1.0) + Value(2.0)
y.backward()


def inner():
    return {}["no such key"]


def outer():
    try:
        inner()
    except KeyError as error:
        raise ValueError("first line\nsecond line, with a lone surrogate \udcff") from error


outer()
