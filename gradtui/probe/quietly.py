"""Loads torch where the program has not asked for it."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any


def load_torch() -> ModuleType:
    """Import torch without what it warns of, which would stand among the program's output.

    The program's filters stay, and those that torch adds. Raises `ImportError`.
    """
    mine: tuple[Any, ...] = ("ignore", None, Warning, None, 0)
    filters: list[Any] = warnings.filters  # type: ignore[assignment]
    filters.insert(0, mine)
    try:
        import torch
    finally:
        del filters[next(i for i, entry in enumerate(filters) if entry is mine)]
    return torch
