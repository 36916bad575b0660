"""How to look at a scalar engine's leaf between passes: its number, and whether its `grad` is zero."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from gradtui.probe.numbers import is_zero, number, same
from gradtui.probe.scalar.graph import MISSING, Entry, attribute
from gradtui.userapi import Shape

_OURS = 3
"""References to an object that only its entry knows: the entry's, the asking function's, the question's."""


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
        now = number(attribute(self._entry.obj, self._shape.data))
        return not (same(now, mark) if type(now) is type(mark) is float else now == mark)

    def left(self) -> None:
        """A number is nothing to be recognised by."""
        return

    def holds(self, left: None) -> bool:  # noqa: ARG002
        """Is there a gradient that is not zero?"""
        grad = attribute(self._entry.obj, self._shape.grad)
        return grad is not MISSING and grad is not None and not is_zero(grad)

    def dropped(self) -> bool:
        """Does only the entry hold the object?"""
        obj = self._entry.obj
        return sys.getrefcount(obj) <= _OURS

    def reference(self) -> Callable[[], Any]:
        """Returns None once the object is gone, where its class can tell."""
        reference = self._entry.made.reference
        return _unknown if isinstance(reference, type) else reference

    def of_optimizers(self, views: Mapping[int, Any]) -> set[int]:  # noqa: ARG002
        """An engine of scalars has no optimizers that anybody would know."""
        return set()


def _unknown() -> bool:
    return True
