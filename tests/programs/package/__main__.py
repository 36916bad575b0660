"""What `-m package` runs; raises in the end."""

import sys

from . import helper

print(sys.argv[1:], __package__, __spec__.name, helper.double(2))
raise ValueError("as it should")
