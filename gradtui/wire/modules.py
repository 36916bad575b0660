"""Module paths as nodes carry them (`encoder.layers.0.linear1`): what lies inside what."""

from __future__ import annotations


def inside(module: str | None, outer: str) -> bool:
    """Is it the module `outer`, or one inside it? '' stands for what lies in none."""
    if not outer:
        return module is None
    return module is not None and (module == outer or module.startswith((outer + ".", outer + "[")))


def to_leave(module: str | None, out: bool) -> str | None:
    """What `over` (the module itself) or `out` (the one around it) leaves.

    '' stands for what lies in no module; None where there is nothing but the pass to leave.
    """
    if not out:
        return module or ""
    return (module or "").rpartition(".")[0] or None
