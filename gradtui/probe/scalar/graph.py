"""The graph of one scalar pass, read from the engine's own objects.

Operands come in order and with duplicates (`a + a` has two): as the engine keeps them where that is
a sequence; for a set from the arguments that `__init__` was given, else from the closure of the
node's backward function, else as they come, which means that the order is not known.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from gradtui.probe import names
from gradtui.probe.numbers import EXACT, number, precision
from gradtui.userapi import Shape
from gradtui.wire.messages import Value

MISSING: Any = object()


Reference: TypeAlias = Callable[[], Any] | type
"""A weak reference to an object, or its class where that has none."""
Birth: TypeAlias = tuple[Reference, tuple[int, ...] | None, int | None, float | None]
"""What `Made` is made of. Most objects are never in a graph, and a tuple costs a fifth as much."""


def reference_to(obj: Any) -> Reference:
    """What tells an object from another one that is made at its address later."""
    try:
        return weakref.ref(obj)
    except TypeError:  # slots without `__weakref__`
        return type(obj)


class Made:
    """What was learned when an engine's object was made. Holds ids only: it keeps nothing alive.

    Records are found by `id()`, and an address is used again; a copy's `__init__` does not run. So
    each says whether it `fits` an object: by a weak reference, or where the class has none by type
    and by what the object kept when it was first seen in a graph.
    """

    __slots__ = ("constant", "kept", "name", "node", "operands", "reference", "sought", "stack")

    def __init__(
        self,
        reference: Reference,
        operands: tuple[int, ...] | None = None,
        stack: int | None = None,
        constant: float | None = None,
    ) -> None:
        self.reference = reference
        self.kept: tuple[int, int] | None = None  # ids of its inputs and step function
        self.operands = operands
        self.stack = stack
        self.constant = constant  # the plain number on the other side of a binary operation
        self.node = 0  # our id, given when first seen in a graph
        self.name: str | None = None
        self.sought = False  # was it among those that a search for names looked for?

    def fits(self, obj: Any, shape: Shape) -> bool:
        """Is this the record of that object, not of one that lay there before?"""
        if not isinstance(self.reference, type):
            return self.reference() is obj
        kept = (id(names.stored(obj, shape.inputs)), id(names.stored(obj, shape.step or "")))
        self.kept = self.kept or kept
        return self.reference is type(obj) and self.kept == kept


class Entry:
    """One node of the pass: the engine's object and what the watcher keeps about it meanwhile."""

    __slots__ = (
        "before",
        "gained",
        "grad",
        "id",
        "known",
        "made",
        "name",
        "named",
        "obj",
        "op",
        "operands",
        "ordered",
        "precision",
        "read",
        "slots",
        "value",
    )  # fmt: skip

    def __init__(self, obj: Any, made: Made, op: str, data: Any) -> None:
        self.obj = obj
        self.made = made
        self.id = made.node
        self.op = op
        self.operands: list[Entry] = []
        self.slots: tuple[int, ...]  # the ids of its operands; there once their order is settled
        plain = type(data) is float
        self.value: Value | None = data if plain else number(data)
        self.precision = EXACT if plain else precision(data)
        self.name: str | None = None
        self.named = False
        self.grad: Callable[[Any], Any]  # reads the object's, unseen; there while the pass is watched
        self.before: Any = None  # grad as the pass began
        self.read: Any = MISSING  # grad at the last read, until the next write
        self.known: Any = None  # grad as last seen
        self.gained = 0  # contributions that arrived in this pass
        self.ordered = True  # is the order of its operands known?

    @property
    def leaf(self) -> bool:
        """No operands: a parameter, an input or a constant."""
        return not self.operands


_PLAIN = (tuple, list, set)


class Reader:
    """Reads an engine's objects.

    `made_of`: what is known of an object. `op_of`: the op of one that does not name it.
    """

    def __init__(self, shape: Shape, made_of: Callable[[Any], Made], op_of: Callable[[Made], str]) -> None:
        self._shape = shape
        self._made_of = made_of
        self._op_of = op_of

    def walk(self, root: Any) -> list[Entry]:
        """Every node below root, root first, each before the nodes it alone leads to. No recursion."""
        entries = {id(root): self._entry(root)}
        stack, order, listed = [entries[id(root)]], [], {id(root)}
        while stack:
            entry = stack.pop()
            order.append(entry)
            operands = self._operands(entry)
            for operand in operands:
                found = entries.get(id(operand))
                if found is None:
                    found = entries[id(operand)] = self._entry(operand)
                entry.operands.append(found)
            if operands and not entry.op:
                entry.op = self._op_of(entry.made)
            for operand in reversed(operands):
                if id(operand) not in listed:
                    listed.add(id(operand))
                    stack.append(entries[id(operand)])
        return order

    def _entry(self, obj: Any) -> Entry:
        op = attribute(obj, self._shape.op)
        return Entry(obj, self._made_of(obj), _text(op), attribute(obj, self._shape.data))

    def _operands(self, entry: Entry) -> list[Any]:
        """The operands of a node, in order and with duplicates as far as that can be known."""
        kept = attribute(entry.obj, self._shape.inputs)
        cls, kind = type(entry.obj), type(kept)
        if kept is MISSING or kept is None:
            return []
        children = [item for item in kept if type(item) is cls] if kind in _PLAIN else []
        if kind not in _PLAIN or len(children) != len(kept):
            children = list(self._engine_objects(kept, cls))
        if not children or not isinstance(kept, (set, frozenset)):
            return children
        by_id = {id(child): child for child in children}
        order = entry.made.operands
        if order is None or set(order) != by_id.keys():
            order, entry.ordered = _closure_order(entry.obj, self._shape, by_id)
        return [by_id[i] for i in order] if order else children

    def _engine_objects(self, kept: Any, cls: type) -> Iterator[Any]:
        """The engine objects in a node's inputs; pairs of (operand, something) are looked into."""
        if isinstance(kept, dict):
            kept = list(kept)
        if not isinstance(kept, Iterable):
            kept = (kept,)
        for item in kept:
            if isinstance(item, tuple):
                item = next((part for part in item if self._is_node(part, cls)), None)
            if self._is_node(item, cls):
                yield item

    def _is_node(self, item: Any, cls: type) -> bool:
        return isinstance(item, cls) or (
            hasattr(type(item), self._shape.backward) and hasattr(item, self._shape.grad)
        )


_DATA = (float, str, tuple, set, list)


def attribute(obj: Any, name: str | None) -> Any:
    """An engine's attribute, called if it is a method; MISSING where there is none."""
    if name is None:
        return MISSING
    value = getattr(obj, name, MISSING)
    if type(value) in _DATA:  # by far the most
        return value
    return value() if callable(value) and hasattr(value, "__self__") else value


def _text(op: Any) -> str:
    """An op as text; a function or class that stands for one by its name."""
    if type(op) is str:
        return op
    if op is MISSING or op is None:
        return ""
    text = op if isinstance(op, str) else getattr(op, "__name__", None) or str(op)
    return str.__str__(text)  # of a class of the program's own: the plain text


def _closure_order(obj: Any, shape: Shape, by_id: dict[int, Any]) -> tuple[tuple[int, ...], bool]:
    """Operands from the variables that the backward closure holds, `self` first; () if it does not hold them.

    Whether that is their order: only where there is one, or two of which one is `self`.
    """
    held = [
        (name != "self", name, id(content))
        for name, content in closure(obj, shape.step)
        if id(content) in by_id and content is not obj
    ]
    held.sort()
    order = tuple([i for _, _, i in held])
    if set(order) != by_id.keys():
        return (), len(by_id) == 1
    return order, len(order) == 1 or (len(order) == 2 and not held[0][0])


def closure(obj: Any, step: str | None) -> Iterator[tuple[str, Any]]:
    """The variables that a node's step function holds."""
    function = getattr(obj, step, None) if step else None
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if isinstance(cells, tuple) and code is not None:
        for name, cell in zip(code.co_freevars, cells):
            try:
                yield name, cell.cell_contents
            except ValueError:  # not filled yet
                continue


def ordered_operands(args: Iterable[Any], kept: Any) -> tuple[int, ...] | None:
    """The ids of the operands as `__init__` was given them, None if the arguments do not tell."""
    try:
        wanted = set(map(id, kept)) if kept is not None else set()
    except TypeError:
        return None
    if not wanted:
        return ()
    loose = []
    for arg in args:
        if isinstance(arg, (tuple, list)) and arg:
            order = tuple(map(id, arg))
            if wanted == set(order):
                return order
        elif id(arg) in wanted:
            loose.append(id(arg))
    return tuple(loose) if wanted == set(loose) else None


def constant_operand(frame: Any) -> float | None:
    """The plain number that a running binary operation was given: `x ** 3` keeps it nowhere else."""
    code = frame.f_code
    if code.co_argcount < 2:
        return None
    other = frame.f_locals.get(code.co_varnames[1])
    return float(other) if type(other) in (int, float) else None


def users_first(entries: list[Entry]) -> list[Entry]:
    """A topological order, each node before its operands (Kahn's algorithm)."""
    waiting = {entry.id: 0 for entry in entries}
    for entry in entries:
        for operand in entry.operands:
            waiting[operand.id] += 1
    ready = [e for e in entries if not waiting[e.id]]
    order = []
    while ready:
        entry = ready.pop()
        order.append(entry)
        for operand in entry.operands:
            waiting[operand.id] -= 1
            if not waiting[operand.id]:
                ready.append(operand)
    return order
