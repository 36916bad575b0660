"""Why a pass failed, in words with lines: told before the exception goes on to the program.

Reads what the forward is known to have done, and the failing node's saved tensors, without running
unpack hooks. Errors of torch's are known by their text (checked with torch 2.13.0).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import partial
from operator import is_
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from gradtui.probe.explain.freed import Freed
from gradtui.probe.explain.hooks import hook_at
from gradtui.probe.explain.names import modules_in, name_in, said
from gradtui.probe.explain.saved import changed, shapes
from gradtui.probe.explain.unreached import Inner, unreached
from gradtui.probe.explain.writes import Write
from gradtui.probe.faults import of_handler
from gradtui.probe.frames import user_frames
from gradtui.probe.places import STAND_IN, of_probe
from gradtui.probe.pytorch.forward import ForwardMap
from gradtui.probe.pytorch.leaves import held_by_optimizers
from gradtui.probe.pytorch.private import backward_of, grad_fn_of, is_tensor, leaf_of
from gradtui.probe.reporter import Reporter, message_of
from gradtui.wire.messages import Explained, Node, Part, Summary, Value
from gradtui.wire.values import digits

if TYPE_CHECKING:
    from gradtui.probe.pytorch.one_pass import TorchPass

_IN_PLACE = re.compile(
    r"modified by an inplace operation: \[[^]]*\]*(?:, which is output \d+ of (?:\w+::)*(?P<maker>\w+))?"
    r".* is at version (?P<version>\d+); expected version (?P<expected>\d+)",
    re.DOTALL,
)
_AFTERWARDS = "returned nan values in its"
"""Anomaly mode's: it looks at what a node sent once that has run."""
_SECOND = "backward through the graph a second time"
_NO_GRAPH = re.compile(r"element (\d+) of tensors does not require grad")
_NOT_IN_GRAPH = ("appears to not have been used in the graph", "Tensors does not require grad")

Told = tuple[str, Sequence[Part], int | None]
"""Kind, message, and the stack of the statement at fault."""

_MAPPING = ForwardMap.__torch_function__.__code__
"""Stands between a hook of the program's and the operation that it calls; so does the stand-in."""


class Explainer:
    """Explains the errors of one watcher's passes."""

    def __init__(self, reporter: Reporter, forward: ForwardMap) -> None:
        self._reporter = reporter
        self._forward = forward
        self.freed = Freed()
        """Which pass freed which nodes."""
        self._done = 0
        """`id()` of the exception that was told last: it may leave several nested passes."""

    def forget_last(self) -> None:
        """A pass begins: what leaves it is told, also at an address that an exception had before."""
        self._done = 0

    # ------------------------------------------------------------------ errors

    def failed(self, error: Exception, hooks: TorchPass, outputs: Any, inputs: Any) -> int | None:
        """Tell why the pass failed. Returns the index of the node that ran, -1 for none; None if it was
        told already, or is no fault."""
        if id(error) == self._done or of_handler(error):
            return None
        self._done = id(error)
        afterwards = type(error) is RuntimeError and _AFTERWARDS in str(error)
        i = hooks.last if afterwards else hooks.running
        hook, at = hook_at(error, hooks.nodes, i, self._reporter.places.is_user)
        i = i if at is None else at
        kind, message, culprit = self._told(error, hooks, outputs, inputs, i)
        if culprit is None and hook is not None:
            culprit = self._reporter.places.at(hook)
        node = 0 if i is None else hooks.ids[i]
        self._send(kind, hooks.number, hooks.steps, node, message, culprit)
        return -1 if i is None else i

    def not_begun(self, error: Exception, outputs: Any, frame: FrameType, at: tuple[int, int]) -> bool:
        """Tell why a pass could not begin; `at`: the last pass and its steps."""
        match = _NO_GRAPH.search(str(error)) if type(error) is RuntimeError else None
        if match is None:
            return False
        kind, message, culprit = self._no_graph(outputs, int(match[1]), frame)
        self._send(kind, *at, 0, message, culprit)
        return True

    def _send(
        self, kind: str, number: int, step: int, node: int, message: Sequence[Part], culprit: int | None
    ) -> None:
        self._reporter.explain(Explained(kind, number, step, node, tuple(message), culprit))

    def _told(self, error: Exception, hooks: TorchPass, outputs: Any, inputs: Any, i: int | None) -> Told:
        text = str(error) if type(error) is RuntimeError else ""
        if i is not None:
            match = _IN_PLACE.search(text)
            if match:
                return self._in_place(hooks, i, match)
            if _SECOND in text:
                return self._second(hooks, i)
        match = _NO_GRAPH.search(text)
        if match and hooks.frame is not None:
            return self._no_graph(outputs, int(match[1]), hooks.frame)
        if i is None and any(part in text for part in _NOT_IN_GRAPH) and inputs:
            return self._not_in_graph(hooks, inputs)
        return self._broken(error, hooks, i)

    # ---------------------------------------------------------------- in place

    def _in_place(self, hooks: TorchPass, i: int, match: re.Match[str]) -> Told:
        facts, maker = hooks.described[i], match["maker"]
        version, expected = int(match["version"]), int(match["expected"])
        found = changed(hooks.nodes[i], version)
        writes: list[Write] = []
        name, what = None, "a tensor"
        if found is not None:
            slot, tensor = found
            writes = self._forward.deeds.writes.since(tensor, expected)
            name = self._name(hooks, tensor, writes)
            unnamed = f"the output of {maker}" if maker else "a tensor"
            if slot.startswith("result") and facts.name:
                unnamed = facts.name
            what = f"{name or unnamed} (its saved '{slot}')"
        message: list[Part] = [f"{said(facts)} needs {what} as it was when "]
        message += ["the forward saved it"] if facts.stack is None else [facts.stack, " saved it"]
        message.append(f" (version {expected}); ")
        if not writes:
            message.append(
                f"it has been changed in place since (it is at version {version}), by something beside "
                "torch's functions or before watching began"
            )
            return "inplace", message, None
        first, last = writes[0], writes[-1]
        message += [f"it was changed in place by {self._by(first)} at ", first.stack]
        if last.stack != first.stack:
            message += [f", and last by {self._by(last)} at ", last.stack]
        message.append(f" (version {version}). {self._advice(first, name)}")
        return "inplace", message, first.stack

    def _by(self, write: Write) -> str:
        return "the optimizer's step" if self._in_optimizer(write) else write.what

    def _in_optimizer(self, write: Write) -> bool:
        return self._reporter.places.inside(write.stack, "torch/optim")

    def _advice(self, write: Write, name: str | None) -> str:
        if self._in_optimizer(write):
            return (
                "Call backward before the step that changes the weights of its graph, or make the graph anew"
            )
        name = name if name is not None and name.isidentifier() else "the tensor"
        return f"Let the operation make a new tensor, or give it a clone of {name}"

    def _name(self, hooks: TorchPass, tensor: torch.Tensor, writes: list[Write]) -> str | None:
        """A leaf's name, or that of the variable a result was stored in; else of one that holds it now."""
        storage = _storage(tensor)
        for node, facts in zip(hooks.nodes, hooks.described):
            variable = leaf_of(node)
            if variable is not None and facts.named and _storage(variable) == storage:
                return facts.name
        made = _stored_in(hooks, tensor, len(writes))
        if made is not None:
            return made
        frames = user_frames(hooks.frame, self._reporter.places) if hooks.frame is not None else []
        written = {id(t) for write in writes if (t := write.tensor()) is not None}
        return name_in(frames, lambda t: id(t) in written) or name_in(
            frames, lambda t: _storage(t) == storage and (t.is_nested or t.shape == tensor.shape)
        )

    # -------------------------------------------------------------- freed graph

    def _second(self, hooks: TorchPass, i: int) -> Told:
        node, facts = hooks.nodes[i], hooks.described[i]
        first = self.freed.by(node._sequence_nr(), hooks.number)
        saved = ", ".join(f"'{name}'" for name in shapes(node, freed=True))
        what = f"the tensors that {said(facts)} saved" + (f" ({saved})" if saved else "")
        message: list[Part] = [what, *self._made(facts), " are gone: "]
        if first is None:
            message.append("an earlier backward went through here and freed them")
            return "freed-graph", message, None
        number, stack = first
        message += [f"pass {number} at ", stack, " went through here and freed them. "]
        message.append(
            "Pass retain_graph=True there, or cut off (detach) what this pass takes over from that one"
        )
        return "freed-graph", message, stack

    def _made(self, facts: Node) -> list[Part]:
        return [] if facts.stack is None else [" at ", facts.stack]

    # ------------------------------------------------------------------ no graph

    def _no_graph(self, outputs: Any, element: int, frame: FrameType) -> Told:
        roots = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
        root = roots[element] if element < len(roots) else None
        frames = user_frames(frame, self._reporter.places)
        name = (name_in(frames, lambda t: t is root) if root is not None else None) or "the result"
        cuts = self._forward.deeds.cuts
        cut = cuts.of(root)
        if cut is not None:
            stack, lines = self._forward.deeds.place(cut)
            head = f"the graph of {name} was cut by {cut.how} at "
            frozen = self._frozen(frames, held_by_optimizers())
            besides: list[Part] = ["; besides, ", *frozen[0]] if frozen is not None else []
            return "cut-graph", [head, *lines, ": nothing before it gets a gradient", *besides], stack
        if cuts.left is not None:
            stack, lines = self._forward.deeds.place(cuts.left)
            head = (
                f"{name} was made from numbers without a graph: the last that had one left it by "
                f"{cuts.left.how} at "
            )
            return "cut-graph", [head, *lines], stack
        return self._nothing_requires(name, frames)

    def _nothing_requires(self, name: str, frames: list[FrameType]) -> Told:
        told = f"nothing that {name} was made from requires a gradient: "
        frozen = self._frozen(frames, held_by_optimizers()) or self._frozen(frames)
        if frozen is not None:
            parts, stack = frozen
            return "cut-graph", [told, *parts], stack
        stack = self._reporter.places.stack(frames[0]) if frames else None
        return "cut-graph", [f"{told}no tensor before it has requires_grad=True"], stack

    def _frozen(
        self, frames: list[FrameType], held: Collection[int] | None = None
    ) -> tuple[list[Part], int | None] | None:
        """The modules in scope of which all is frozen, in words, and the line that froze the first.

        `held`: only those of which some parameter is among these.
        """
        deeds, parts, culprit = self._forward.deeds, list[Part](), None
        seen: set[int] = set()
        for path, module in modules_in(frames):
            leaves = [(name, p) for name, p in torch.nn.Module.named_parameters(module) if id(p) not in seen]
            if not leaves or any(p.requires_grad for _, p in leaves):
                continue
            if held is not None and not any(id(p) in held for _, p in leaves):
                continue
            seen.update(id(p) for _, p in leaves)
            name, leaf = leaves[0]
            are = f" and {len(leaves) - 1} more are frozen" if len(leaves) > 1 else " is frozen"
            parts += ["; " if parts else "", f"{path}.{name}{are}", *deeds.frozen(leaf)]
            culprit = culprit or deeds.frozen_at(leaf)
        return (parts, culprit) if parts else None

    def _not_in_graph(self, hooks: TorchPass, inputs: Any) -> Told:
        assert hooks.frame is not None
        frames = user_frames(hooks.frame, self._reporter.places)
        leaves = {id(leaf_of(node)) for node in hooks.nodes}
        inner = {id(node) for node in hooks.nodes}
        for tensor in inputs:
            if not is_tensor(tensor) or id(tensor) in leaves or id(grad_fn_of(tensor)) in inner:
                continue
            name = name_in(frames, partial(is_, tensor)) or "a tensor asked for"
            why = unreached(tensor, None, self._forward, Inner(hooks.graph.sequence_numbers), True)
            message = [f"{name} is not in the graph of this pass: ", *why.message]
            return why.kind, message, why.culprit
        return "unused-parameter", ["a tensor asked for is not in the graph of this pass"], None

    # --------------------------------------------------------------- the node's own

    def _broken(self, error: Exception, hooks: TorchPass, i: int | None) -> Told:
        culprit = self._raised_at(error)
        what = message_of(error).splitlines()[0]
        if i is None:
            return "failed-node", [f"the pass was ended by {what}"], culprit
        node, facts = hooks.nodes[i], hooks.described[i]
        got = ", ".join(_brief(value) for value in hooks.received_by(i))
        saved = ", ".join(f"{name} {text}" for name, text in shapes(node).items())
        value = "" if got or not isinstance(facts.value, Summary) else f" of {_shape(facts.value)}"
        message: list[Part] = [f"{said(facts)}{value}", *self._made(facts)]
        message.append(
            ", and".join(filter(None, (got and f" received {got}", saved and f" has saved {saved}")))
        )
        message.append(f"; it was ended by {what}")
        if culprit is None:
            culprit = self._reporter.places.returned(backward_of(node))
        return "failed-node", message, culprit

    def _raised_at(self, error: Exception) -> int | None:
        """The innermost line of the program's own on the way from the pass to the exception."""
        places, found = self._reporter.places, None
        traceback = error.__traceback__
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if of_probe(code):
                found = found if code is _MAPPING or code.co_name == STAND_IN else None
            elif places.is_user(code):
                found = places.at(code, traceback.tb_lasti)
            traceback = traceback.tb_next
        return found


def _stored_in(hooks: TorchPass, tensor: torch.Tensor, writes: int) -> str | None:
    """The variable that a result was stored in, before it was changed in place so many times.

    Each change puts a node before the one that was there.
    """
    names = {id(node): facts.name for node, facts in zip(hooks.nodes, hooks.described) if facts.named}
    node = grad_fn_of(tensor)
    for _ in range(writes + 1):
        if node is None:
            return None
        if id(node) in names:
            return names[id(node)]
        node = node.next_functions[0][0] if node.next_functions else None
    return None


def _brief(value: Value | None) -> str:
    if not isinstance(value, Summary):
        return "no gradient"
    norm = "" if value.norm is None else f" of norm {digits(value.norm, 4)}"
    return _shape(value) + norm


def _shape(value: Summary) -> str:
    return f"{value.dtype}{list(value.shape)}"


def _storage(tensor: torch.Tensor) -> int:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):
        return id(tensor)
