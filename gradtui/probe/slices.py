"""Slices as a person writes them: `[0, :, 3]`, `..., -1`, `::2`. Read, never evaluated."""

from __future__ import annotations

from types import EllipsisType
from typing import TypeAlias

Part: TypeAlias = "int | slice | EllipsisType"


def parse_slice(text: str) -> tuple[Part, ...]:
    """What stands between the brackets; () for all. Raises `ValueError` with what was not understood."""
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1].strip()
    if not inner:
        return ()
    parts = tuple([_part(part.strip(), text) for part in inner.rstrip(",").split(",")])
    if parts.count(...) > 1:
        raise ValueError(f"'{text}' has two `...`; one stands for all that is not named")
    return parts


def _part(part: str, text: str) -> Part:
    if part == "...":
        return ...
    try:
        if ":" not in part:
            return int(part)
        bounds = [int(bound) if bound.strip() else None for bound in part.split(":")]
    except ValueError:
        raise ValueError(
            f"'{text}' is no slice: '{part}' is no number, no a:b:step and no `...`; write [0, :, 3]"
        ) from None
    if len(bounds) > 3 or (len(bounds) == 3 and bounds[2] is not None and bounds[2] < 1):
        raise ValueError(f"'{text}' is no slice: '{part}' needs start:stop:step with a step above 0")
    return slice(*bounds)
