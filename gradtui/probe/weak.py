"""What is remembered of objects that may go away, by their `id()`: forgotten once they have gone."""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

T = TypeVar("T")
_Object = TypeVar("_Object")
CROWD = 4_096
"""Entries from which those of objects that are gone are looked for."""


class Reference(weakref.ref[_Object]):
    """A weak reference of ours, known as such: `torch.utils.swap_tensors` refuses a tensor that has one."""

    __slots__ = ()


class Remembered(Generic[T]):
    """A fact of each object. Keeps none alive; a fact is its object's own, not of what lies there later."""

    def __init__(self) -> None:
        self._facts: dict[int, tuple[weakref.ref[object], T]] = {}
        self._crowd = CROWD

    def __len__(self) -> int:
        return len(self._facts)

    def get(self, obj: object) -> T | None:
        """What is remembered of an object, None if nothing is."""
        known = self._facts.get(id(obj))
        return known[1] if known is not None and known[0]() is obj else None

    def by_id(self, number: int) -> T | None:
        """The same, for one that was known by its `id()` and may be gone: then None."""
        known = self._facts.get(number)
        return known[1] if known is not None and known[0]() is not None else None

    def set(self, obj: object, fact: T) -> None:
        """Remember it."""
        self._facts[id(obj)] = (Reference(obj), fact)
        if len(self._facts) > self._crowd:
            self._facts = {key: known for key, known in self._facts.items() if known[0]() is not None}
            self._crowd = max(CROWD, 2 * len(self._facts))

    def items(self) -> list[tuple[object, T]]:
        """All objects that are still there, with what is remembered of them."""
        found = [(reference(), fact) for reference, fact in self._facts.values()]
        return [(obj, fact) for obj, fact in found if obj is not None]

    def clear(self) -> None:
        """Forget all."""
        self._facts.clear()
