"""Run as a module: says how it finds itself, works in other processes too, and takes one pass."""

import argparse
import multiprocessing
import os
import sys

from gradtui.scalar import Value

from .helper import double

rate = 0.5


def work(number):
    return double(number)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--start", choices=["fork", "spawn"])
    start = parser.parse_args().start
    print(sys.argv, sys.path[0], __name__, __package__, __file__ == sys.argv[0], os.path.basename(__file__))
    print(__spec__.name, __spec__.parent, type(__loader__).__name__, __doc__)
    if start:
        with multiprocessing.get_context(start).Pool(1) as pool:
            print(pool.map(work, [1, 2]))
            pool.close()
            pool.join()  # so that what the worker prints comes out
    a = Value(3.0)
    (a * rate).backward()
    print(a.grad)
