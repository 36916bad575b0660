"""Faults of the input that we were given: exit code 2, one clear text, no traceback."""

from __future__ import annotations


class BadInput(Exception):
    """What happened, where, and what to do about it."""
