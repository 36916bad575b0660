"""The two descriptors that a pass lays over attributes of an engine's class: `grad` and the step function.

Each delegates to what was there (a slot, a property, a method, the instance's own dictionary), so
that the engine notices nothing, and is taken away again with the pass.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from types import CodeType, FrameType, FunctionType
from typing import Any, Protocol

from gradtui.probe.places import of_probe
from gradtui.probe.scalar_graph import MISSING, Entry


class Current:
    """Which pass is being watched now. An engine may keep a step function for a later pass."""

    watch: Watch | None = None

    def run(self, obj: Any, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The engine calls a node's step function: a step of the pass that runs now, if it is of it."""
        watch = self.watch
        entry = watch.entry_of(obj) if watch is not None else None
        if watch is None or entry is None:
            return original(*args, **kwargs)
        return watch.run(entry, original, *args, **kwargs)


class Watch(Protocol):
    """What the descriptors tell."""

    current: Current

    def entry_of(self, obj: Any) -> Entry | None: ...
    def on_read(self, entry: Entry, grad: Any) -> None: ...
    def on_write(self, entry: Entry, grad: Any, store: Callable[[Any], None], frame: FrameType) -> None: ...
    def run(self, entry: Entry, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any: ...


class Watched:
    """A data descriptor over one attribute of a class that delegates to what was there."""

    def __init__(self, watch: Watch, name: str, original: Any) -> None:
        self.watch = watch
        self.name = name
        self.original = original
        self.stored = hasattr(type(original), "__set__")  # a slot or a property

    def raw(self, obj: Any) -> Any:
        """The attribute as the engine would read it, unseen."""
        if isinstance(self.original, Watched):  # a recording inside another
            return self.original.raw(obj)
        if not self.stored:
            try:
                return obj.__dict__[self.name]
            except (AttributeError, KeyError):
                pass
        if hasattr(type(self.original), "__get__"):
            return self.original.__get__(obj, type(obj))
        if self.original is MISSING:
            raise AttributeError(f"{type(obj).__name__!r} object has no attribute {self.name!r}")
        return self.original

    def of_class(self, owner: type | None) -> Any:
        """The attribute as read from the class itself."""
        if hasattr(type(self.original), "__get__"):
            return self.original.__get__(None, owner)
        if self.original is MISSING:
            raise AttributeError(f"type object {owner!r} has no attribute {self.name!r}")
        return self.original

    def read(self, obj: Any) -> Any:
        """The attribute, with every watch below this one told."""
        return self.original.__get__(obj) if isinstance(self.original, Watched) else self.raw(obj)

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        return self.of_class(owner) if obj is None else self.read(obj)

    def __set__(self, obj: Any, value: Any) -> None:
        if self.stored:
            self.original.__set__(obj, value)
        else:
            obj.__dict__[self.name] = value

    def __delete__(self, obj: Any) -> None:
        if self.stored:
            self.original.__delete__(obj)
        elif self.name in obj.__dict__:
            del obj.__dict__[self.name]
        else:
            raise AttributeError(self.name)


class WatchedGrad(Watched):
    """Sees each read and write of a gradient. Lies over the attribute that really holds it."""

    def __init__(self, watch: Watch, name: str, original: Any, accessors: Iterable[CodeType]) -> None:
        super().__init__(watch, name, original)
        self.accessors = frozenset(accessors)

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self.of_class(owner)
        value = self.read(obj)
        entry = self.watch.entry_of(obj)
        if entry is not None:
            self.watch.on_read(entry, value)
        return value

    def __set__(self, obj: Any, value: Any) -> None:
        entry = self.watch.entry_of(obj)
        if entry is None:
            super().__set__(obj, value)
            return
        frame = self._writer(sys._getframe(1))
        self.watch.on_write(entry, value, partial(super().__set__, obj), frame)

    def store(self, obj: Any, value: Any) -> None:
        """Write the gradient, unseen."""
        if isinstance(self.original, WatchedGrad):  # a recording inside another
            self.original.store(obj, value)
        else:
            super().__set__(obj, value)

    def _writer(self, frame: FrameType) -> FrameType:
        """The frame with the statement that writes: not the setter of a property, not one of ours."""
        while frame.f_back is not None and (frame.f_code in self.accessors or of_probe(frame.f_code)):
            frame = frame.f_back
        return frame


class WatchedStep(Watched):
    """Hands out a node's step function so that calling it runs the node as a step."""

    def of_class(self, owner: type | None) -> Any:
        """`Value._backward(node)` runs the node too."""
        original = super().of_class(owner)
        if not isinstance(original, FunctionType):
            return original

        current = self.watch.current

        def step(obj: Any, *args: Any, **kwargs: Any) -> Any:
            return current.run(obj, partial(original, obj), *args, **kwargs)

        return step

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self.of_class(owner)
        original = self.read(obj)
        if self.watch.entry_of(obj) is None or not callable(original):
            return original
        return partial(self.watch.current.run, obj, original)


def lookup(cls: type, name: str) -> Any:
    """What the class or a base holds under a name, MISSING for nothing."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return MISSING


def storage(cls: type, name: str) -> tuple[str, list[CodeType]]:
    """Under which name an attribute's value really lies, and the accessors on the way.

    A property that only hands out another attribute (`return self._grad`) leads to that one.
    """
    original = lookup(cls, name)
    if not isinstance(original, property) or not isinstance(original.fget, FunctionType):
        return name, []
    accessors = [f.__code__ for f in (original.fget, original.fset) if isinstance(f, FunctionType)]
    names = original.fget.__code__.co_names
    simple = len(names) == 1 and not isinstance(lookup(cls, names[0]), (property, FunctionType))
    return (names[0] if simple else name), accessors
