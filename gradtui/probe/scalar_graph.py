"""The graph of one scalar pass, read from the engine's own objects.

Operands come in order and with duplicates (`a + a` has two): from the arguments that `__init__`
was given, else from the closure of the node's backward function (`self` first), else as the engine
keeps them, which for a set means that the order is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gradtui.probe.numbers import number
from gradtui.userapi import Shape
from gradtui.wire.messages import Value

MISSING: Any = object()


class Made:
    """What was learned when an engine's object was made. Holds ids only: it keeps nothing alive."""

    __slots__ = ("operands", "stack", "node", "name")

    def __init__(self, operands: tuple[int, ...] | None, stack: int | None) -> None:
        self.operands = operands
        self.stack = stack
        self.node = 0  # our id, given when first seen in a graph
        self.name: str | None = None


class Entry:
    """One node of the pass: the engine's object and what the watcher keeps about it meanwhile."""

    __slots__ = (
        "obj", "made", "id", "op", "operands", "value", "name", "named",
        "before", "read", "known", "gained", "ran", "ordered",
    )  # fmt: skip

    def __init__(self, obj: Any, made: Made, op: str, value: Value | None) -> None:
        self.obj = obj
        self.made = made
        self.id = made.node
        self.op = op
        self.operands: list[Entry] = []
        self.value = value
        self.name: str | None = None
        self.named = False
        self.before: Any = None  # grad as the pass began
        self.read: Any = MISSING  # grad at the last read, until the next write
        self.known: Any = None  # grad as last seen
        self.gained = 0  # contributions that arrived in this pass
        self.ran = 0  # times the engine ran it
        self.ordered = True  # is the order of its operands known?

    @property
    def leaf(self) -> bool:
        """No operands: a parameter, an input or a constant."""
        return not self.operands


def attribute(obj: Any, name: str | None) -> Any:
    """An engine's attribute, called if it is a method; MISSING where there is none."""
    if name is None:
        return MISSING
    value = getattr(obj, name, MISSING)
    return value() if callable(value) and hasattr(value, "__self__") else value


def snapshot(grad: Any) -> Any:
    """A gradient that stays what it is when the engine writes in place (arrays)."""
    return grad.copy() if hasattr(grad, "copy") and hasattr(grad, "shape") else grad


def walk(root: Any, shape: Shape, made_of: Callable[[Any], Made]) -> list[Entry]:
    """Every node below root, root first, each before the nodes it alone leads to. No recursion."""
    entries: dict[int, Entry] = {}

    def entry_of(obj: Any) -> Entry:
        op = attribute(obj, shape.op)
        text = op if isinstance(op, str) else "" if op is MISSING or op is None else _op_name(op)
        return Entry(obj, made_of(obj), text, number(attribute(obj, shape.data)))

    entries[id(root)] = entry_of(root)
    stack, order = [entries[id(root)]], []
    while stack:
        entry = stack.pop()
        order.append(entry)
        for operand in _operands(entry, shape):
            found = entries.get(id(operand))
            if found is None:
                found = entries[id(operand)] = entry_of(operand)
            entry.operands.append(found)
        stack.extend(o for o in dict.fromkeys(reversed(entry.operands)) if not o.ran)
        for operand_entry in entry.operands:
            operand_entry.ran = 1  # here only: already on the stack
    for entry in order:
        entry.ran = 0
    return order


def _op_name(op: Any) -> str:
    return getattr(op, "__name__", None) or str(op)


def _operands(entry: Entry, shape: Shape) -> list[Any]:
    """The operands of a node, in order and with duplicates as far as that can be known."""
    kept = attribute(entry.obj, shape.inputs)
    children = [] if kept is MISSING or kept is None else list(_engine_objects(kept, type(entry.obj), shape))
    if not children:
        return []
    by_id = {id(child): child for child in children}
    order = entry.made.operands
    if order is not None and set(order) == set(by_id):
        return [by_id[i] for i in order]
    order = _closure_order(entry.obj, shape, by_id)
    if order is not None:
        return [by_id[i] for i in order]
    entry.ordered = not isinstance(kept, (set, frozenset)) or len(children) == 1
    return children


def _engine_objects(kept: Any, cls: type, shape: Shape) -> Iterator[Any]:
    """The engine objects in a node's inputs; pairs of (operand, something) are looked into."""
    if isinstance(kept, dict):
        kept = list(kept)
    if not isinstance(kept, Iterable):
        kept = (kept,)
    for item in kept:
        if isinstance(item, tuple):
            item = next((part for part in item if _is_node(part, cls, shape)), None)
        if _is_node(item, cls, shape):
            yield item


def _is_node(item: Any, cls: type, shape: Shape) -> bool:
    return isinstance(item, cls) or (hasattr(type(item), shape.backward) and hasattr(item, shape.grad))


def _closure_order(obj: Any, shape: Shape, by_id: dict[int, Any]) -> tuple[int, ...] | None:
    """Operand order from the variables that the backward closure holds: `self` first, then as named."""
    function = getattr(obj, shape.step, None) if shape.step else None
    code = getattr(function, "__code__", None)
    cells = getattr(function, "__closure__", None)
    if code is None or not cells:
        return None
    held = []
    for name, cell in zip(code.co_freevars, cells):
        try:
            content = cell.cell_contents
        except ValueError:
            continue
        if id(content) in by_id and content is not obj:
            held.append((name != "self", name, id(content)))
    order = tuple(i for _, _, i in sorted(held))
    return order if set(order) == set(by_id) else None


def ordered_operands(args: Iterable[Any], kept: Any) -> tuple[int, ...] | None:
    """The ids of the operands as `__init__` was given them, None if the arguments do not tell."""
    try:
        wanted = {id(o) for o in kept} if kept else set()
    except TypeError:
        return None
    if not wanted:
        return ()
    for arg in args:
        if isinstance(arg, (tuple, list)) and arg and {id(o) for o in arg} == wanted:
            return tuple([id(o) for o in arg])
    return None
