"""A pass and a print while Python shuts down."""

import atexit

from small_engine import Value


@atexit.register
def last():
    y = Value(1.0) + Value(2.0)
    y.backward()
    print("at exit", y.data)


print("end of script")
