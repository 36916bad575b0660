"""How small a terminal the screen can be drawn on: asked wherever one is opened, in either process."""

from __future__ import annotations

SMALLEST = (60, 16)
"""Columns and rows."""
