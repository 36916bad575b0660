"""A pass and a print while Python shuts down, and a finaliser that prints when all else is gone."""

import atexit

from small_engine import Value


class Last:
    def __del__(self):
        print("finaliser")


@atexit.register
def last():
    y = Value(1.0) + Value(2.0)
    y.backward()
    print("at exit", y.data)


last_of_all = Last()
last_of_all.itself = last_of_all
print("end of script")
