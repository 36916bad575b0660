"""Rows made when they are drawn: a file or a graph may have thousands, a screen shows fifty."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from gradtui.views.rows import Row


class LazyRows(Sequence[Row]):
    """A subclass says how many there are, and makes each."""

    @abstractmethod
    def _row(self, at: int) -> Row:
        """The row at a place that there is, counted from 0."""

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self._row(at) for at in range(len(self))[index]]
        return self._row(range(len(self))[index])
