"""Names for nodes: the path from a variable in scope to the object, as the user would write it.

Reads namespaces, containers and instance attributes only; it never calls the program's code
(no properties, no `__getattr__`, no `__iter__` of a user's class).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import (
    BuiltinFunctionType,
    CodeType,
    FrameType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

from gradtui.probe.frames import of_module, variables

BUDGET = 50_000
"""Objects looked at in one search; beyond it deeper objects stay unnamed."""
DEEPEST = 10
"""Path components."""
LONGEST = 5_000
"""Elements of one container looked at."""

_OPAQUE: tuple[type, ...] = (str, bytes, int, float, complex, bool, type(None), type, ModuleType)
_CALLABLES = (FunctionType, BuiltinFunctionType, MethodType)

Claim = Callable[[Any, str], bool]
"""Given an object and its path: True when it is one of the wanted ones (and need not be entered)."""


def search(
    frames: list[FrameType], claim: Claim, satisfied: Callable[[], bool], deepest: int = DEEPEST
) -> None:
    """Offer every object reachable from the frames to `claim`, nearest frame and shortest path first.

    Variables that are only loop targets (`for p in parameters`) come last, and so do a notebook's
    `_` and `_12`: their names say nothing. What is no name in the source is no variable.
    `satisfied` is asked now and then, to end early. `deepest`: path components to follow.
    """
    seen: set[int] = set()
    budget = [BUDGET]
    late: list[tuple[str, Any]] = []
    for namespace, loops in _namespaces(frames):
        roots: list[tuple[str, Any]] = []
        for name, value in namespace.items():
            if type(name) is not str:
                continue
            if name.isidentifier() and not name.startswith("__") and not _opaque(value):
                nameless = name in loops or not name.strip("_0123456789")
                (late if nameless else roots).append((name, value))
        _breadth_first(roots, claim, seen, budget, deepest)
        if satisfied():
            return
    _breadth_first(late, claim, seen, budget, deepest)


def overlook(kind: type) -> None:
    """Look into no object of this type from now on: the program has it from us, and it grows."""
    global _OPAQUE
    _OPAQUE = (*_OPAQUE, kind)


def _opaque(value: Any) -> bool:
    # by type: `isinstance` asks an object for its `__class__`, which may be the program's code
    return issubclass(type(value), _OPAQUE)


def _namespaces(frames: list[FrameType]) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Locals from the innermost frame outwards, then the globals those frames see."""
    done: set[int] = set()
    for frame in frames:
        if not of_module(frame):
            yield variables(frame), loop_names(frame.f_code)
    for frame in frames:
        if id(frame.f_globals) not in done:
            done.add(id(frame.f_globals))
            yield dict(frame.f_globals), loop_names(frame.f_code) if of_module(frame) else frozenset()


def _breadth_first(
    roots: list[tuple[str, Any]], claim: Claim, seen: set[int], budget: list[int], deepest: int
) -> None:
    level = [(name, value, 0) for name, value in roots]
    while level and budget[0] > 0:
        following: list[tuple[str, Any, int]] = []
        for path, value, depth in level:
            if id(value) in seen:
                continue
            seen.add(id(value))
            budget[0] -= 1
            if claim(value, path) or depth >= deepest or budget[0] <= 0:
                continue
            following.extend((p, v, depth + 1) for p, v in _parts(path, value))
        level = following


def _parts(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What a value holds, each with the path a user would write."""
    kind = type(value)
    if issubclass(kind, (list, tuple)):
        base: Any = list if issubclass(kind, list) else tuple
        for i, item in enumerate(base.__getitem__(value, slice(LONGEST))):
            if not _opaque(item):
                yield f"{path}[{i}]", item
    elif issubclass(kind, dict):
        for key, item in list(dict.items(value))[:LONGEST]:
            if type(key) in (str, int) and not _opaque(item):
                yield f"{path}[{key!r}]", item
    if not issubclass(kind, _CALLABLES):
        yield from _attributes(path, value, kind)


def _attributes(path: str, value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    for name, item in list(_own_dict(value).items())[:LONGEST]:
        if type(name) is str and not _opaque(item):
            yield f"{path}.{name}", item
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            item = _in_slot(base, name, value)
            if not _opaque(item):
                yield f"{path}.{name}", item


def stored(value: Any, name: str) -> Any:
    """What an object keeps under a name, in its dictionary or a slot; None for nothing."""
    own = _own_dict(value)
    if name in own:
        return own[name]
    for base in type(value).__mro__:
        if name in base.__dict__:
            return _in_slot(base, name, value)
    return None


def _own_dict(value: Any) -> dict[Any, Any]:
    try:
        own = object.__getattribute__(value, "__dict__")
    except Exception:  # a property of that name
        return {}
    return own if type(own) is dict else {}


def _in_slot(base: type, name: str, value: Any) -> Any:
    member = base.__dict__.get(name)
    if type(member) is MemberDescriptorType:
        try:
            return member.__get__(value)
        except AttributeError:  # never filled
            pass
    return None


_loops: dict[CodeType, frozenset[str]] = {}


def loop_names(code: CodeType) -> frozenset[str]:
    """The variables of a code object that are stored as targets of a `for` and nowhere else."""
    found = _loops.get(code)
    if found is None:
        import dis  # late: a program without a pass never needs it

        targets: set[str] = set()
        others: set[str] = set()
        unpacking, after_iteration = 0, False
        for instruction in dis.get_instructions(code):
            name = instruction.opname
            if name == "FOR_ITER":
                after_iteration, unpacking = True, 1
            elif name.startswith("UNPACK_SEQUENCE") and after_iteration:
                unpacking += (instruction.arg or 0) - 1
            elif name.startswith("STORE_FAST_STORE_FAST"):
                names = instruction.argval if isinstance(instruction.argval, tuple) else ()
                (targets if after_iteration else others).update(names)
                unpacking -= 2
            elif name.startswith("STORE_FAST_LOAD_FAST"):
                pair = instruction.argval if isinstance(instruction.argval, tuple) else ("",)
                (targets if after_iteration else others).add(pair[0])
                unpacking -= 1
            elif name.startswith("STORE_") and isinstance(instruction.argval, str):
                (targets if after_iteration else others).add(instruction.argval)
                unpacking -= 1
            elif not name.startswith(("CACHE", "EXTENDED_ARG", "NOP")):
                after_iteration = False
            if unpacking <= 0:
                after_iteration = False
        found = _loops[code] = frozenset(targets - others)
    return found
