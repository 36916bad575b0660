"""What cannot be done at a stop, said to the person."""

from __future__ import annotations


class Impossible(Exception):
    """Its text says what cannot be done, why, and what can be done instead."""
