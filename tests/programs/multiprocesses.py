"""Work in other processes, by the start method that the first argument says."""

import multiprocessing
import os
import sys

from small_engine import Value


class Answer:
    """Pickled as `__main__.Answer`."""

    def __init__(self, number):
        self.number = number


def work(number):
    a = Value(number)
    (a * a).backward()
    print(f"worker {number}", flush=True)
    return Answer(a.grad)


if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        answers = pool.map(work, [1.0, 2.0])
    a = Value(5.0)
    (a * a).backward()
    print([answer.number for answer in answers], a.grad, os.path.basename(sys.argv[0]))
