"""How to look at a scalar engine's leaf between passes: its number, and whether its `grad` is zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradtui.probe.numbers import is_zero, number
from gradtui.probe.scalar_graph import MISSING, Entry, attribute
from gradtui.userapi import Shape


class ScalarLeaf:
    """One leaf; made as a pass begins."""

    def __init__(self, entry: Entry, shape: Shape) -> None:
        self._entry = entry
        self._shape = shape

    def mark(self) -> Any:
        """Its number as the pass found it."""
        return self._entry.value

    def changed(self, mark: Any) -> bool:
        """Is it another number now?"""
        return bool(number(attribute(self._entry.obj, self._shape.data)) != mark)

    def holds(self) -> bool:
        """Is there a gradient that is not zero?"""
        grad = attribute(self._entry.obj, self._shape.grad)
        return grad is not MISSING and grad is not None and not is_zero(grad)

    def reference(self) -> Callable[[], Any]:
        """Returns None once the object is gone, where its class can tell."""
        reference = self._entry.made.reference
        return _unknown if isinstance(reference, type) else reference


def _unknown() -> bool:
    return True
