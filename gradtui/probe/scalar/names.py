"""Names for the nodes of a scalar graph: a variable's path, a label, or the expression written out."""

from __future__ import annotations

from types import FrameType
from typing import Any

from gradtui.probe import names
from gradtui.probe.frames import user_frames, variables
from gradtui.probe.places import Places
from gradtui.probe.scalar.engines import Engines
from gradtui.probe.scalar.graph import Entry
from gradtui.probe.scalar.operations import needs_constant, side_of, sign_of
from gradtui.probe.written import written_out


class ScalarNames:
    """Names the nodes of every pass. Remembers how deep a search has to go, so that loops stay cheap.

    Objects made at the same place of the program are found at the same depth: parameters deep in a
    model, inputs in a list, constants nowhere. Only what was made at a place not seen before is
    searched for as deep as names go.
    """

    def __init__(self, engines: Engines, places: Places) -> None:
        self._engines = engines
        self._places = places
        self._depths: dict[int | None, int] = {}  # by stack

    def settle(self, entries: list[Entry], order: list[Entry], caller: FrameType) -> None:
        """Give every entry its name, searching from the frame that called backward.

        `order`: the entries once more, operands first.
        """
        frames = user_frames(caller, self._places)
        self._forget_stale(entries, frames)
        wanted = {id(e.obj): e for e in entries if e.made.name is None}
        new = [e for e in wanted.values() if not e.made.sought]
        if wanted:
            self._search(wanted, new, frames)
        for entry in order:
            self._settle(entry)

    def _settle(self, entry: Entry) -> None:
        label = names.stored(entry.obj, "label")
        named = entry.made.name or (label if type(label) is str and label else None)
        if named is not None:
            entry.name, entry.named = named, True
        elif not entry.operands:
            entry.name = f"{entry.value:g}" if isinstance(entry.value, float) else None
        elif needs_constant(entry.op, len(entry.operands)):
            entry.name = self._with_constant(entry)
        else:
            entry.name = written_out(sign_of(entry.op) or entry.op, [o.name for o in entry.operands])

    def _with_constant(self, entry: Entry) -> str | None:
        """`w - 2`, `2 - w` or `-w`: which of them the engine's function that made the node tells."""
        side = side_of(self._places.engine_functions(entry.made.stack), entry.op)
        operand, sign = entry.operands[0].name, sign_of(entry.op) or entry.op
        if side == "neg":
            return written_out("neg", [operand])
        if side is None or entry.made.constant is None:
            return None
        constant = f"{entry.made.constant:g}"
        return written_out(sign, [constant, operand] if side == "left" else [operand, constant])

    def _forget_stale(self, entries: list[Entry], frames: list[FrameType]) -> None:
        """Forget names that two nodes claim, and those of variables that hold another engine object now."""
        holders: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.made.name is not None:
                holders.setdefault(entry.made.name, []).append(entry)
        for name, claiming in holders.items():
            held = _variable(name, frames) if name.isidentifier() else None
            moved = self._engines.shape_of(type(held)) is not None and held is not claiming[0].obj
            if moved or len(claiming) > 1:
                for entry in claiming:
                    entry.made.name, entry.made.sought = None, False

    def _search(self, wanted: dict[int, Entry], new: list[Entry], frames: list[FrameType]) -> None:
        deepest = max([self._depths.get(e.made.stack, names.DEEPEST) for e in new], default=1)
        shape_of = self._engines.shape_of

        def claim(obj: Any, path: str) -> bool:
            entry = wanted.pop(id(obj), None)
            if entry is not None:
                entry.made.name = path
                return True
            return shape_of(type(obj)) is not None  # paths through other values say nothing

        names.search(frames, claim, lambda: not wanted, deepest)
        for entry in new:
            entry.made.sought = True
            path, stack = entry.made.name or "", entry.made.stack
            depth = max(1, path.count(".") + path.count("["))
            self._depths[stack] = max(self._depths.get(stack, 1), depth)


def _variable(name: str, frames: list[FrameType]) -> Any:
    """What a variable holds in the nearest frame that has it, None where none has."""
    for frame in frames:
        found = variables(frame)
        if name in found:
            return found[name]
    return next((f.f_globals[name] for f in frames if name in f.f_globals), None)
