"""Leaves with another exit code than 0."""

import sys

SCENARIO = {"order": 5}

print("about to leave")
sys.exit(3)
