"""Finding scalar engines: classes of the lecture's shape, as they are made or among those that exist.

A class is an engine when it defines `backward`, an arithmetic operator, and speaks of `grad`,
`data`, `_prev` and `_backward` in its code. It is *adopted* by wrapping two of its methods, in
place and reversibly: `__init__` (to learn operands and lines) and `backward` (a pass begins).
A class that is not complete yet when it is made (a dataclass, methods assigned later) gets its
operators wrapped instead, until the first arithmetic.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from gradtui import userapi
from gradtui.userapi import LECTURE, Shape

ARITHMETIC = ("__add__", "__mul__", "__sub__", "__truediv__", "__pow__", "__neg__", "__radd__", "__rmul__")
_WORDS = {"grad", "data", "_prev", "_backward"}
_NOT_ENGINES = ("torch", "numpy", "jax", "tensorflow", "builtins", "pandas", "scipy", "sympy")

RunPass = Callable[..., Any]


class Engines:
    """Knows every adopted class and undoes every wrapping, in reverse."""

    def __init__(
        self,
        made: Callable[[Any, tuple[Any, ...], dict[str, Any]], None],
        run_pass: RunPass,
        engine_codes: Callable[[list[CodeType]], None],
    ) -> None:
        self._made = made
        self._run_pass = run_pass
        self._engine_codes = engine_codes
        self._undo: list[tuple[type, str, Any]] = []
        self._adopted: dict[type, Shape] = {}
        self._build_class = builtins.__build_class__

    # -------------------------------------------------------------- lifetime

    def start(self, scan: bool) -> None:
        """Watch classes being made; with `scan`, look among those that exist as well."""
        build = self._build_class

        @functools.wraps(build)
        def build_class(*args: Any, **kwargs: Any) -> Any:
            made = build(*args, **kwargs)
            if isinstance(made, type):
                self.consider(made)
            return made

        builtins.__build_class__ = build_class
        userapi.on_engine.append(self.adopt)
        for cls, shape in userapi.registered.items():
            self.adopt(cls, shape)
        if scan:
            for cls in _all_classes():
                self.consider(cls)

    def stop(self) -> None:
        """Hand everything back, the last wrapping first."""
        userapi.on_engine.remove(self.adopt)
        builtins.__build_class__ = self._build_class
        for cls, name, original in reversed(self._undo):
            setattr(cls, name, original)
        self._undo.clear()
        self._adopted.clear()

    # -------------------------------------------------------------- adoption

    def consider(self, cls: type) -> None:
        """Adopt a class of the lecture's shape; leave any other alone."""
        if cls.__module__.partition(".")[0] in _NOT_ENGINES or not _speaks_of_gradients(cls):
            return
        if not any(_defined(cls, name) for name in ARITHMETIC):
            return
        if _defined(cls, "backward") and _defined(cls, "__init__"):
            self.adopt(cls, LECTURE)
        else:
            self._adopt_at_first_arithmetic(cls)

    def adopt(self, cls: type, shape: Shape) -> None:
        """Wrap `__init__` and `backward` where the class (or a base of the user's) defines them."""
        if cls in self._adopted:
            return
        self._adopted[cls] = shape
        self._engine_codes(list(_codes(cls)))
        for owner in _own_bases(cls):
            if owner is not cls and owner in self._adopted:
                continue
            if "__init__" in owner.__dict__:
                self._wrap_init(owner)
            if shape.backward in owner.__dict__:
                self._wrap_backward(owner, shape)
            self._adopted.setdefault(owner, shape)

    def shape_of(self, obj: Any) -> Shape | None:
        """The shape of an engine's object, None for anything else."""
        for cls in type(obj).__mro__:
            if cls in self._adopted:
                return self._adopted[cls]
        return None

    def _wrap_init(self, cls: type) -> None:
        original = cls.__dict__["__init__"]
        if not isinstance(original, FunctionType):
            return
        made = self._made

        @functools.wraps(original)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            made(self, args, kwargs)

        self._replace(cls, "__init__", __init__)

    def _wrap_backward(self, cls: type, shape: Shape) -> None:
        original = cls.__dict__[shape.backward]
        if not isinstance(original, FunctionType):
            return
        run_pass = self._run_pass

        @functools.wraps(original)
        def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
            return run_pass(self, shape, original, args, kwargs)

        self._replace(cls, shape.backward, backward)

    def _adopt_at_first_arithmetic(self, cls: type) -> None:
        for name in ARITHMETIC:
            original = cls.__dict__.get(name)
            if isinstance(original, FunctionType):
                self._replace(cls, name, self._adopting(original))

    def _adopting(self, original: FunctionType) -> Callable[..., Any]:
        @functools.wraps(original)
        def operator(obj: Any, *args: Any) -> Any:
            cls = type(obj)
            if cls not in self._adopted and callable(getattr(cls, LECTURE.backward, None)):
                self.adopt(cls, LECTURE)
            return original(obj, *args)

        return operator

    def _replace(self, cls: type, name: str, wrapper: Any) -> None:
        self._undo.append((cls, name, cls.__dict__[name]))
        setattr(cls, name, wrapper)


# ------------------------------------------------------------------ recognition


def _own_bases(cls: type) -> Iterator[type]:
    for base in cls.__mro__:
        if base is not object and base.__module__.partition(".")[0] not in ("builtins", "typing", "abc"):
            yield base


def _defined(cls: type, name: str) -> bool:
    return any(isinstance(base.__dict__.get(name), FunctionType) for base in _own_bases(cls))


def _speaks_of_gradients(cls: type) -> bool:
    """Do the names used in the class's code hold `grad`, `data`, `_prev` and `_backward`?"""
    missing = set(_WORDS)
    for base in _own_bases(cls):
        missing -= set(base.__dict__)
        missing -= set(base.__dict__.get("__annotations__", ()))
        slots = base.__dict__.get("__slots__", ())
        missing -= {slots} if isinstance(slots, str) else set(slots)
        for code in _codes(base):
            missing.difference_update(code.co_names)
            missing.difference_update(c for c in code.co_consts if isinstance(c, str))
            if not missing:
                return True
    return not missing


def _codes(cls: type) -> Iterator[CodeType]:
    """The code objects of a class's methods, nested functions included."""
    stack: list[Any] = []
    for base in _own_bases(cls):
        for member in base.__dict__.values():
            member = getattr(member, "__func__", member)
            while hasattr(member, "__wrapped__"):
                member = member.__wrapped__
            for function in (member, getattr(member, "fget", None), getattr(member, "fset", None)):
                if isinstance(function, FunctionType):
                    stack.append(function.__code__)
    while stack:
        code = stack.pop()
        yield code
        stack.extend(c for c in code.co_consts if isinstance(c, CodeType))


def _all_classes() -> Iterator[type]:
    """Every class that exists now."""
    seen: set[type] = set()
    stack = type.__subclasses__(object)
    while stack:
        cls = stack.pop()
        if cls in seen:
            continue
        seen.add(cls)
        yield cls
        if not issubclass(cls, type):
            stack.extend(type.__subclasses__(cls))
