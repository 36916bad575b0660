"""Options of its own, some of them named like gradtui's."""

import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--json", action="store_true")
parser.add_argument("rest", nargs="*")
print(parser.parse_args())
