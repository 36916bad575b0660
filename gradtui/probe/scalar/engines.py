"""Finding scalar engines: classes of the lecture's shape, as they are made or among those that exist.

A class has the shape when its code speaks of `grad`, `data`, `_prev` and `_backward`. It is complete
with an arithmetic operator, `backward` and `__init__`; then it is *adopted* by wrapping two of its
methods, in place and reversibly: `__init__` (to learn operands and lines) and `backward` (a pass
begins). A class that is not complete when it is made (its methods are assigned later, a decorator
writes its `__init__`) is looked at again whenever one of its objects is made or computed with.
"""

from __future__ import annotations

import builtins
import dataclasses
import functools
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from gradtui import userapi
from gradtui.userapi import LECTURE, Shape

ARITHMETIC = ("__add__", "__mul__", "__sub__", "__truediv__", "__pow__", "__neg__", "__radd__", "__rmul__")
_WORDS = {"grad", "data", "_prev", "_backward"}
_NOT_ENGINES = ("torch", "numpy", "jax", "tensorflow", "builtins", "pandas", "scipy", "sympy")

OnMade = Callable[[Any, Shape, tuple[Any, ...], dict[str, Any]], None]
"""An engine's object was made, with these arguments."""
RunPass = Callable[[Any, Shape, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""The program called `backward` of an engine's object: run the original, and report."""


class Engines:
    """Knows every adopted class and undoes every wrapping, in reverse."""

    def __init__(self, made: OnMade, run_pass: RunPass, adopted: Callable[[type, Shape], None]) -> None:
        self._made = made
        self._run_pass = run_pass
        self._tell = adopted
        self._undo: list[tuple[type, str, Any, Any]] = []
        self._shapes: dict[type, Shape] = {}
        self._incomplete: set[type] = set()
        self._by_type: dict[type, Shape | None] = {}
        self._build_class = builtins.__build_class__
        self._process_dataclass: Any = None

    # -------------------------------------------------------------- lifetime

    def start(self, scan: bool) -> None:
        """Watch classes being made; with `scan`, look among those that exist as well."""
        self._watch_classes()
        self._watch_dataclasses()
        userapi.on_engine.append(self.adopt)
        for cls, shape in userapi.registered.items():
            self.adopt(cls, shape)
        if scan:
            for cls in _all_classes():
                self.consider(cls)

    def stop(self) -> None:
        """Hand everything back, the last wrapping first."""
        userapi.on_engine.remove(self.adopt)
        if self._process_dataclass is not None:
            dataclasses._process_class = self._process_dataclass  # type: ignore[attr-defined]
        builtins.__build_class__ = self._build_class
        self._release(lambda _: True)
        self._shapes.clear()
        self._by_type.clear()
        self._incomplete.clear()

    def _watch_classes(self) -> None:
        build = self._build_class

        @functools.wraps(build)
        def build_class(*args: Any, **kwargs: Any) -> Any:
            made = build(*args, **kwargs)
            if isinstance(made, type):
                self.consider(made)
            return made

        builtins.__build_class__ = build_class

    def _watch_dataclasses(self) -> None:
        """The decorator writes `__init__`, or (`slots=True`) copies the class and throws it away.

        `_process_class` is private to `dataclasses`: there from Python 3.7 to 3.14.
        """
        process = self._process_dataclass = getattr(dataclasses, "_process_class", None)
        if process is None:
            return

        @functools.wraps(process)
        def process_class(cls: type, *args: Any, **kwargs: Any) -> Any:
            self._release(lambda wrapped: wrapped is cls)  # or the copy would carry our wrappers
            made = process(cls, *args, **kwargs)
            if isinstance(made, type):
                self.consider(made)
            return made

        dataclasses._process_class = process_class  # type: ignore[attr-defined]

    # -------------------------------------------------------------- adoption

    def consider(self, cls: type) -> None:
        """Adopt a class of the lecture's shape, at once or when it is complete; leave any other alone."""
        try:
            if _home(cls) in _NOT_ENGINES or not _speaks_of_gradients(cls):
                return
        except Exception:  # a class that will not even be looked at is no engine
            return
        if _complete(cls):
            self.adopt(cls, LECTURE)
            return
        self._incomplete.add(cls)
        for name in ("__init__", *ARITHMETIC):
            original = cls.__dict__.get(name)
            if isinstance(original, FunctionType):
                self._replace(cls, name, self._looking_again(original, name == "__init__"))

    def adopt(self, cls: type, shape: Shape) -> None:
        """Wrap `__init__` and `backward` where the class (or a base of the user's) defines them."""
        self._release(lambda wrapped: wrapped in self._incomplete and wrapped in cls.__mro__)
        self._incomplete.discard(cls)
        self._shapes[cls] = shape
        self._by_type.clear()
        self._tell(cls, shape)
        for owner in _own_bases(cls):
            for name, wrap in (("__init__", self._wrapped_init), (shape.backward, self._wrapped_backward)):
                original = owner.__dict__.get(name)
                if isinstance(original, FunctionType):
                    self._shapes.setdefault(owner, shape)
                    if not self._is_ours(owner, name):
                        self._replace(owner, name, wrap(original))

    def shape_of(self, kind: type) -> Shape | None:
        """The shape of an engine's class, None for any other class."""
        try:
            return self._by_type[kind]
        except KeyError:
            shape = next((self._shapes[c] for c in kind.__mro__ if c in self._shapes), None)
            self._by_type[kind] = shape
            return shape

    def _wrapped_init(self, original: FunctionType) -> Callable[..., None]:
        made, shape_of, known = self._made, self.shape_of, self._by_type

        @functools.wraps(original)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            shape = known.get(type(self)) or shape_of(type(self))
            if shape is not None:
                made(self, shape, args, kwargs)

        return __init__

    def _wrapped_backward(self, original: FunctionType) -> Callable[..., Any]:
        run_pass, shape_of = self._run_pass, self.shape_of

        @functools.wraps(original)
        def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
            shape = shape_of(type(self))
            if shape is None:
                return original(self, *args, **kwargs)
            return run_pass(self, shape, original, args, kwargs)

        return backward

    def _looking_again(self, original: FunctionType, is_init: bool) -> Callable[..., Any]:
        """A method of a class that was not complete: adopt the class as soon as it is."""

        @functools.wraps(original)
        def method(obj: Any, *args: Any, **kwargs: Any) -> Any:
            out = original(obj, *args, **kwargs)
            kind = type(obj)
            if self.shape_of(kind) is None and _complete(kind):
                self.adopt(kind, LECTURE)
            if is_init:
                self._made(obj, self.shape_of(kind) or LECTURE, args, kwargs)
            return out

        return method

    # ------------------------------------------------------------- wrapping

    def _replace(self, cls: type, name: str, wrapper: Any) -> None:
        self._undo.append((cls, name, cls.__dict__[name], wrapper))
        setattr(cls, name, wrapper)

    def _is_ours(self, cls: type, name: str) -> bool:
        return any(c is cls and cls.__dict__.get(name) is wrapper for c, _, _, wrapper in self._undo)

    def _release(self, which: Callable[[type], bool]) -> None:
        """Undo the wrappings of some classes; what the program has replaced since stays as it is."""
        kept = []
        for cls, name, original, wrapper in reversed(self._undo):
            if not which(cls):
                kept.append((cls, name, original, wrapper))
            elif cls.__dict__.get(name) is wrapper:
                setattr(cls, name, original)
        self._undo = kept[::-1]


# ------------------------------------------------------------------ recognition


def _own_bases(cls: type) -> Iterator[type]:
    for base in cls.__mro__:
        if base is not object and _home(base) not in ("builtins", "typing", "abc"):
            yield base


def _home(cls: type) -> str:
    """The top-level package that a class comes from."""
    module = cls.__dict__.get("__module__")
    return module.partition(".")[0] if isinstance(module, str) else ""


def _defined(cls: type, name: str) -> bool:
    return any(isinstance(base.__dict__.get(name), FunctionType) for base in _own_bases(cls))


def _complete(cls: type) -> bool:
    """Can objects of the class be made, computed with and differentiated?"""
    return (
        _defined(cls, LECTURE.backward)
        and _defined(cls, "__init__")
        and any(_defined(cls, name) for name in ARITHMETIC)
    )


def _speaks_of_gradients(cls: type) -> bool:
    """Do the names used in the class's code hold `grad`, `data`, `_prev` and `_backward`?

    Reading all its code takes up to a millisecond, and a process has thousands of classes: one that
    neither keeps operands nor walks them is left at the first glance.
    """
    if not any(_keeps_operands(base) for base in _own_bases(cls)):
        return False
    missing = set(_WORDS)
    for base in _own_bases(cls):
        missing -= set(base.__dict__)
        missing -= _fields(base)
        for code in codes(base):
            missing.difference_update(code.co_names)
            missing.difference_update(c for c in code.co_consts if isinstance(c, str))
            if not missing:
                return True
    return not missing


def _keeps_operands(cls: type) -> bool:
    """Is `_prev` a field, or spoken of where objects are made or a pass is run?"""
    if LECTURE.inputs in cls.__dict__ or LECTURE.inputs in _fields(cls):
        return True
    functions = [cls.__dict__.get(name) for name in ("__init__", LECTURE.backward)]
    return any(
        LECTURE.inputs in code.co_names for function in functions for code in _nested(_unwrapped(function))
    )


def _fields(cls: type) -> set[str]:
    """Names of fields that a class declares: annotated or as slots."""
    members = cls.__dict__  # `inspect.get_annotations` could run a class's own code
    annotations, slots = members.get("__annotations__"), members.get("__slots__", ())
    declared = set(annotations) if isinstance(annotations, dict) else set()
    return declared | ({slots} if isinstance(slots, str) else set(slots))


def codes(cls: type) -> Iterator[CodeType]:
    """The code objects of a class's methods, nested functions included."""
    functions: list[CodeType] = []
    for base in _own_bases(cls):
        for member in base.__dict__.values():
            if isinstance(member, (staticmethod, classmethod)):
                member = member.__func__
            for function in (member.fget, member.fset) if isinstance(member, property) else (member,):
                functions.extend(_unwrapped(function))
    return _nested(functions)


def _unwrapped(function: Any) -> list[CodeType]:
    """The code of a function and of those that it wraps."""
    found = []
    while isinstance(function, FunctionType):
        found.append(function.__code__)
        function = function.__dict__.get("__wrapped__")
    return found


def _nested(stack: list[CodeType]) -> Iterator[CodeType]:
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
