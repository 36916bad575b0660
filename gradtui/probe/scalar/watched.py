"""The two descriptors that a pass lays over attributes of an engine's class: `grad` and the step function.

Each delegates to what was there (a slot, a property, a method, the instance's own dictionary), so
that the engine notices nothing, and is taken away again with the pass.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from threading import get_ident
from types import CodeType, FrameType, FunctionType, MemberDescriptorType
from typing import Any, Protocol

from gradtui.probe.places import of_probe
from gradtui.probe.scalar.graph import MISSING, Entry


class Current:
    """Which pass is being watched now. An engine may keep a step function for a later pass."""

    watch: Watch | None = None

    def run(self, obj: Any, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The engine calls a node's step function: a step of the pass that runs now, if it is of it."""
        watch = self.watch
        if watch is None:
            return original(*args, **kwargs)
        entry = watch.by_id.get(id(obj))
        if entry is None or get_ident() != watch.thread:
            return original(*args, **kwargs)
        return watch.run(entry, sys._getframe(1), original, args, kwargs)


class Watch(Protocol):
    """What the descriptors tell."""

    current: Current
    by_id: dict[int, Entry]
    """The nodes by the `id()` of their objects; empty once the watching is over."""
    thread: int
    """The pass's own; what others do is not told."""
    step_functions: bool
    """Have the nodes functions that run them? Else the order of reads tells which one runs."""

    def on_read(self, entry: Entry, grad: Any) -> None: ...
    def on_write(self, entry: Entry, grad: Any, over: WatchedGrad, frame: FrameType) -> None: ...
    def run(
        self,
        entry: Entry,
        frame: FrameType,
        original: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any: ...


class Watched:
    """A data descriptor over one attribute of a class that delegates to what was there.

    A pass goes through here several times a node, so the way to the value is chosen once, at the start.

    `raw(obj)`: the attribute as the engine would read it, unseen. `read(obj)`: the same, with every
    watch below this one told. `write(obj, value)` tells them too.
    """

    def __init__(self, watch: Watch, name: str, original: Any) -> None:
        self.watch = watch
        self.name = name
        self.original = original
        self.stored = hasattr(type(original), "__set__")  # a slot or a property
        self.faithful = not self.stored or type(original) is MemberDescriptorType
        """Is what is written the very object that is read?"""
        # None of these holds `self`: a cycle would keep the engine's objects until a garbage collection.
        nested = isinstance(original, Watched)  # a recording inside another
        self.raw: Callable[[Any], Any] = original.raw if nested else _reader(name, original, self.stored)
        self.read: Callable[[Any], Any] = original.__get__ if nested else self.raw
        self.write: Callable[[Any, Any], None] = original.__set__ if self.stored else _writer(name)

    def of_class(self, owner: type | None) -> Any:
        """The attribute as read from the class itself."""
        if hasattr(type(self.original), "__get__"):
            return self.original.__get__(None, owner)
        if self.original is MISSING:
            raise AttributeError(f"type object {owner!r} has no attribute {self.name!r}")
        return self.original

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        return self.of_class(owner) if obj is None else self.read(obj)

    def __set__(self, obj: Any, value: Any) -> None:
        self.write(obj, value)

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
        self._by_id, self._thread, self._on_read = watch.by_id, watch.thread, watch.on_read
        self._step_functions = watch.step_functions

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self.of_class(owner)
        value = self.read(obj)
        entry = self._by_id.get(id(obj))
        if entry is not None and get_ident() == self._thread:
            if type(value) is float and self._step_functions:
                entry.read = value  # by far the most: a call less
            else:
                self._on_read(entry, value)
        return value

    def __set__(self, obj: Any, value: Any) -> None:
        entry = self._by_id.get(id(obj))
        if entry is None or get_ident() != self._thread:
            self.write(obj, value)
        else:
            self.watch.on_write(entry, value, self, self._statement(sys._getframe(1)))

    def store(self, obj: Any, value: Any) -> None:
        """Write the gradient, unseen."""
        if isinstance(self.original, WatchedGrad):  # a recording inside another
            self.original.store(obj, value)
        else:
            self.write(obj, value)

    def _statement(self, frame: FrameType) -> FrameType:
        """The frame with the statement that writes: not the setter of a property (nor then one of ours)."""
        if self.accessors:
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
        if id(obj) not in self.watch.by_id or not callable(original):
            return original
        return partial(self.watch.current.run, obj, original)


def _reader(name: str, original: Any, stored: bool) -> Callable[[Any], Any]:
    """How to read an attribute past our descriptor."""
    if type(original) is MemberDescriptorType:
        return original.__get__

    def read(obj: Any) -> Any:
        if not stored:
            try:
                return obj.__dict__[name]
            except (AttributeError, KeyError):
                pass
        if hasattr(type(original), "__get__"):
            return original.__get__(obj, type(obj))
        if original is MISSING:
            raise AttributeError(f"{type(obj).__name__!r} object has no attribute {name!r}")
        return original

    return read


def _writer(name: str) -> Callable[[Any, Any], None]:
    """How to write an attribute that lies in the instance's own dictionary."""

    def write(obj: Any, value: Any) -> None:
        obj.__dict__[name] = value

    return write


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
