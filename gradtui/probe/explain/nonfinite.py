"""Where a NaN or Inf comes from: looked for among saved tensors, only once something is bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from gradtui.probe.explain.causes import cause_of, entries, first_of, masked_rows, number
from gradtui.probe.explain.hooks import hook_of, module_hook
from gradtui.probe.explain.names import name_in, said
from gradtui.probe.explain.recomputed import Recomputed, Seen
from gradtui.probe.explain.saved import readable
from gradtui.probe.explain.writes import Writes
from gradtui.probe.frames import user_frames
from gradtui.probe.places import Places
from gradtui.probe.pytorch.private import backward_of, leaf_of, op_of, packed, saved_names
from gradtui.probe.pytorch.private import readable as unread
from gradtui.probe.reporter import Reporter
from gradtui.wire.messages import Explained, Part, Place, Summary, Value

if TYPE_CHECKING:
    from gradtui.probe.pytorch.one_pass import TorchPass

FIRST = "the first bad forward value is that of "
TIMES = 8
"""So many contributions of a run are looked into."""

_RESULTS = ("result", "output", "result0", "grad_input")
_MODULES_HOOK = "BackwardHookFunctionBackward"
"""The node that runs a module's full backward hooks."""
_REENTRANT = "CheckpointFunctionBackward"
_BOUNDED = ("ReluBackward", "TanhBackward", "SigmoidBackward")
"""Bad where their operand is, and only there."""
_SLOTS = {
    "Addmm": {"mat1": 1, "mat2": 2}, "Baddbmm": {"batch1": 1, "batch2": 2}, "Mm": {"self": 0, "mat2": 1},
    "Bmm": {"self": 0, "mat2": 1}, "Linear": {"input": 0, "weight": 1},
}  # fmt: skip
_USUAL = {"self": 0, "input": 0, "other": 1, "exponent": 1, "target": 1}


Blame: TypeAlias = tuple[tuple[str, ...], Place | None]
"""Why a gradient is not finite, in words, and the line of the program's function that made it so."""
NOBODY: Blame = ((), None)


def bad(value: Value | None) -> bool:
    """Is a gradient or value known to hold NaN or Inf?"""
    if isinstance(value, Summary):
        return value.nonfinite > 0  # the norm of finite entries may overflow
    return value is not None and value - value != 0


class Nonfinite:
    """One for a run."""

    def __init__(self) -> None:
        self._contributions = 0
        self._told = False
        """Has a bad forward been told? Those after it are mostly its doing."""
        self.met = False
        """Was a gradient bad? Then parameters that are bad later are its doing."""

    # ---------------------------------------------------------------- backward

    def of_contribution(
        self, node: Any, sent: Sequence[Any], told: Sequence[Any], reporter: Reporter
    ) -> Blame:
        """A node turned finite gradients into these: what it saved, where the first bad entry is."""

        def blame(places: Places) -> Blame:
            if op_of(node) == _MODULES_HOOK:
                return _hook(module_hook(places.is_user), places)
            gradient = next(gradient for gradient, value in zip(sent, told) if bad(value))
            return tuple(_at_fault(gradient, list(readable(node)))), places.place_returned(backward_of(node))

        return self._blame(blame, reporter)

    def of_hook(self, nodes: Sequence[Any], i: int, reporter: Reporter) -> Blame:
        """What was sent to a node was finite, and what it received is not: which hook is between?"""
        return self._blame(lambda places: _hook(hook_of(nodes, i, places.is_user), places), reporter)

    def _blame(self, blame: Callable[[Places], Blame], reporter: Reporter) -> Blame:
        """The step is told also where its explanation fails."""
        if self._contributions >= TIMES:
            return NOBODY
        self._contributions += 1
        try:
            return blame(reporter.places)
        except Exception as error:
            reporter.fault(error, "look into a gradient that is not finite")
            return NOBODY

    # ----------------------------------------------------------------- forward

    def of_root(self, hooks: TorchPass, roots: Sequence[int], writes: Writes) -> Explained | None:
        """The root or a leaf is not finite: the first bad value of the forward that can be seen."""
        if self._told:
            return None
        root = next((i for i in roots if bad(hooks.described[i].value)), None)
        found = _bad_leaf(hooks, writes, infinite=root is not None)
        if root is None and found is None:
            return None
        self._told = True
        order = _forward_order(hooks)
        if found is not None and self.met:
            return None
        if found is None:
            assert root is not None
            facts = hooks.described[root]
            told = f"the forward value of {said(facts)} is not finite; nothing that was saved tells why"
            found = _bad_result(hooks, order) or (root, (told,), None)
            if writes.recomputed is not None and _wait(hooks, order, found, writes.recomputed):
                return None
        return _explained(hooks, found)


Found = tuple[int, Sequence[Part], int | None]


def _explained(hooks: TorchPass, found: Found) -> Explained:
    i, message, culprit = found
    return Explained("nonfinite", hooks.number, 0, hooks.ids[i], tuple(message), culprit)


def _wait(hooks: TorchPass, order: list[int], found: Found, recomputed: Recomputed) -> bool:
    """Where a checkpoint may hide what was bad first, tell when it has been computed again."""
    hidden = [i for i in order if op_of(hooks.nodes[i]) == _REENTRANT or _is_packed(hooks.nodes[i])]
    places, reporter = hooks.reporter.places, hooks.reporter
    lines = {i: places.shown(stack) for i in hidden if (stack := hooks.described[i].stack) is not None}

    def tell(seen: Seen) -> None:
        try:
            reporter.explain(_explained(hooks, _hidden(lines, seen, places, order, found) or found))
        except Exception as error:
            reporter.fault(error, "look at what is computed again")

    return bool(hidden) and recomputed.wait(
        tell, lambda: (reporter.steps, hooks.steps), lambda: hooks.running
    )


def _is_packed(node: Any) -> bool:
    return any(packed(node, name) for name in saved_names(node))


def _hidden(
    lines: dict[int, str], seen: Seen, places: Places, forward: list[int], found: Found
) -> Found | None:
    """What checkpoints' parts have shown; `lines`: of the nodes that may belong to one.

    `found`: what is known without them, of nodes in the order of the `forward`.
    """
    if seen.born is not None:
        born, line = seen.born, places.shown(seen.born.stack)
        i = next((i for i, shown in lines.items() if shown == line), next(iter(lines), 0))
        text = entries(born.result, ~torch.isfinite(born.result), "not finite")
        head = f"{FIRST}{born.what} at "
        return i, (head, born.stack, f", as the checkpoint computed it again: {text}"), born.stack
    told = "all was finite up to here as the checkpoint computed it again: this or what follows is bad"
    if seen.inherited:  # bad came into one part, and was not yet there in the part before
        good = next((part.before for part in seen.parts if not part.inherited), None)
        into = [part.before for part in seen.parts if part.inherited and part.before in forward]
        known = isinstance(found[1][0], str) and found[1][0].startswith(FIRST)
        if good is None or (known and into and forward.index(found[0]) < forward.index(into[-1])):
            return None
        return good, (told,), None
    order = list(lines)
    last = max((at for at, i in enumerate(order) if lines[i] in seen.lines), default=len(order))
    if last + 1 >= len(order):
        return None
    return order[last + 1], (told,), None


def _forward_order(hooks: TorchPass) -> list[int]:
    inner = [i for i, node in enumerate(hooks.nodes) if leaf_of(node) is None]
    return sorted(inner, key=lambda i: hooks.nodes[i]._sequence_nr())


def _bad_leaf(hooks: TorchPass, writes: Writes, infinite: bool) -> Found | None:
    """A leaf with NaN; or with `infinite` entries, which may be a mask where the root is finite."""
    for i, leaf in enumerate(hooks.graph.leaves):
        if leaf is not None and bad(hooks.described[i].value):
            values = leaf.detach()
            if not infinite and not torch.isnan(values).any():
                continue
            text = entries(leaf, ~torch.isfinite(values), "not finite")
            message: list[Part] = [f"{hooks.described[i].name or 'a leaf'} is bad as the pass begins: {text}"]
            write = writes.last(leaf)
            if write is not None:
                message += [f"; {write.what} changed it last, at ", write.stack]
            return i, message, None if write is None else write.stack
    return None


def _bad_result(hooks: TorchPass, order: list[int]) -> Found | None:
    """The first node, in the order of the forward, whose value is bad while its operands were not."""
    by_node = {id(node): i for i, node in enumerate(hooks.nodes)}
    for i in order:
        node, facts = hooks.nodes[i], hooks.described[i]
        saved = [(name, value.detach()) for name, value in readable(node) if value.is_floating_point()]
        operands = [(name, value) for name, value in saved if name not in _RESULTS]
        for name, value in operands:
            wrong = torch.isnan(value) | (value == torch.inf)
            if wrong.any():
                slot = _slot(node, name)
                made = None if slot is None else node.next_functions[slot][0]
                text = entries(value, wrong, "not finite")
                if id(made) in by_node and leaf_of(made) is None:
                    return _came_out(hooks, by_node[id(made)], text)
                what = f"what {said(facts)} saved as '{name}'"
                if slot is not None and made is None:
                    variable = _variable(hooks, value)
                    what = f"{variable or 'an operand'} (no gradient, saved as '{name}')"
                return i, (f"{what} was bad already in the forward: {text}",), None
        cause = cause_of(node, dict(saved))
        if cause is not None:
            return i, (f"{FIRST}{said(facts)}: {cause}",), facts.stack
        for name, value in saved:
            wrong = torch.isnan(value) | (value == torch.inf)
            if name in _RESULTS and wrong.any():
                text = entries(value, wrong, "not finite")
                made = node.next_functions[0][0]
                if facts.op.startswith(_BOUNDED) and id(made) in by_node and leaf_of(made) is None:
                    return _came_out(hooks, by_node[id(made)], text)
                text += masked_rows(node, value) + ("" if operands else _UNKNOWN)
                return i, (f"{FIRST}{said(facts)}: {text}",), facts.stack if operands else None
    return None


def _variable(hooks: TorchPass, value: torch.Tensor) -> str | None:
    """What the program calls a tensor that a node has saved: another object, with the same entries."""
    if hooks.frame is None:
        return None
    same = (value.data_ptr(), value.shape, value.dtype, value.stride())
    frames = user_frames(hooks.frame, hooks.reporter.places)

    def is_it(t: torch.Tensor) -> bool:
        if type(t) not in (torch.Tensor, torch.nn.Parameter) or unread(t):
            return False
        return (t.data_ptr(), t.shape, t.dtype, t.stride()) == same

    return name_in(frames, is_it)


_UNKNOWN = "; its own operands were not saved, and may have been bad before it"


def _came_out(hooks: TorchPass, i: int, text: str) -> Found:
    """A result that the next node saved is bad; were its own operands good?"""
    facts = hooks.described[i]
    told = f"{said(facts)} came out bad in the forward: {text}"
    saved = readable(hooks.nodes[i])
    known = any(value.is_floating_point() and name not in _RESULTS for name, value in saved)
    return i, (told if known else told + _UNKNOWN,), facts.stack if known else None


def _slot(node: Any, name: str) -> int | None:
    """Which operand is saved under a name; None where that is not known."""
    word = op_of(node).partition("Backward")[0]
    slot = _SLOTS.get(word, _USUAL).get(name)
    return None if slot is None or slot >= len(node.next_functions) else slot


def _at_fault(gradient: torch.Tensor, saved: list[tuple[str, torch.Tensor]]) -> Iterator[str]:
    if gradient.layout is torch.sparse_coo:
        stored = gradient.detach().coalesce().values()
        yield f"as it is stored, {entries(stored, ~torch.isfinite(stored), 'not finite')}"
        return
    wrong = ~torch.isfinite(gradient.detach())
    yield entries(gradient, wrong, "not finite")
    first = first_of(wrong)
    told = [
        f"saved {name} is {number(value.detach()[first])}"
        for name, value in saved
        if value.shape == gradient.shape and not value.is_sparse
    ]
    if told:
        yield "there " + " and ".join(told)
    for name, value in saved:
        if value.shape != gradient.shape and value.is_floating_point() and value.numel():
            value = value.detach()
            odd = (value == 0) | ~torch.isfinite(value)
            if odd.any():
                yield f"saved {name}: {entries(value, odd, 'zero or not finite')}"


def _hook(code: CodeType | None, places: Places) -> Blame:
    if code is None:
        return NOBODY
    return (f"the hook is {code.co_name} at {places.shown(places.at(code))}",), places.start(code)
