"""torch's own databases of operations and modules, each sample run plainly and under `gradtui.record()`.

What a run leaves behind is written down to the bit: outputs, gradients, what was raised, the state of
the random generator. A sample *passes* when both runs leave the same. It is *excused* when they differ
and it belongs to an operation that is known to differ between two plain runs.
"""

from __future__ import annotations

import gc
import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import islice
from typing import Any

import torch
import torch.utils._pytree as pytree

import gradtui
from gradtui.probe.pytorch.one_pass import TorchPass
from gradtui.trace.model import Pass

BATCH = 200
"""Samples that share a recording."""
UNSTEADY = {"linalg.lstsq": "its last bits depend on where memory lies, also without a recording"}
"""Operations whose samples are excused when they differ, by the beginning of the name."""

Outcome = dict[str, Any]
"""By what it is (`output 0`, `gradient 1`, `raised`): what two runs must agree in."""


@dataclass(frozen=True)
class Sample:
    """One thing to run: a forward over inputs of its own, and what holds gradients afterwards."""

    name: str
    make: Callable[[], tuple[Callable[[], Any], list[torch.Tensor]]]
    """Called before each run, seeded: the forward, and every tensor that it is given."""


@dataclass
class Tally:
    """What became of the samples."""

    tried: int = 0
    passes: int = 0
    """Backward passes that the recording saw."""
    raised: int = 0
    """Samples that raise, recorded or not."""
    excused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.tried + other.tried,
            self.passes + other.passes,
            self.raised + other.raised,
            self.excused | other.excused,
            self.failed | other.failed,
        )


# ------------------------------------------------------------------ to the bit


def bits(x: torch.Tensor) -> tuple[Any, ...]:
    """All that can be told of a tensor: kind, layout and every bit, so that NaN equals the same NaN."""
    with torch._C.DisableTorchFunction():
        x = x.detach()
        if x.is_nested:
            return ("nested", *(bits(part) for part in x.unbind()))
        if x.layout is torch.sparse_coo:
            return ("sparse", tuple(x.shape), bits(x._indices()), bits(x._values()))
        if x.layout is not torch.strided:
            rows = x.layout in (torch.sparse_csr, torch.sparse_bsr)
            outer, inner = (x.crow_indices, x.col_indices) if rows else (x.ccol_indices, x.row_indices)
            return (str(x.layout), tuple(x.shape), bits(outer()), bits(inner()), bits(x.values()))
        plain = x.resolve_conj().resolve_neg().contiguous().reshape(-1)
        return (type(x), x.dtype, tuple(x.shape), x.stride(), digest(plain.view(torch.uint8)))


def digest(octets: torch.Tensor) -> bytes:
    """A few bytes as they are, many by their hash."""
    array = octets.numpy()
    return array.tobytes() if array.size <= 256 else hashlib.sha1(array).digest()


def differentiable(out: Any) -> list[torch.Tensor]:
    """The results that a pass can start from."""
    return [t for t in pytree.tree_leaves(out) if isinstance(t, torch.Tensor) and t.requires_grad]


def run(sample: Sample, keep: Callable[[Any], object], twice: bool) -> Outcome:
    """Forward and backward of one sample; `twice`: and backward through what that made.

    `keep` keeps the graph alive beyond the run.
    """
    outcome: Outcome = {"passes": 0}
    torch.default_generator.manual_seed(0)
    try:
        forward, given = sample.make()
        out = forward()
        tensors = [t for t in pytree.tree_leaves(out) if isinstance(t, torch.Tensor)]
        for i, t in enumerate(tensors):
            outcome[f"output {i}"] = (t.requires_grad, bits(t))
        roots = differentiable(out)
        keep(roots)
        if roots:
            gradients = [torch.randn_like(t) if t.layout is torch.strided else t.detach() for t in roots]
            outcome["passes"] = 1
            torch.autograd.backward(roots, gradients, create_graph=twice)
        again = [t.grad for t in given if t.grad is not None and t.grad.requires_grad]
        if again:
            keep(again)
            outcome["passes"] = 2
            torch.autograd.backward(again, [t.detach() for t in again])
        for i, t in enumerate(given):
            outcome[f"input {i}"] = bits(t)
            outcome[f"gradient {i}"] = None if t.grad is None else bits(t.grad)
    except Exception as error:  # noqa: BLE001 - whatever the operation raises
        outcome["raised"] = (type(error), str(error))
    outcome["random state"] = digest(torch.get_rng_state())
    return outcome


def compare(samples: Iterable[Sample], twice: bool = False) -> Tally:
    """Every sample plainly and recorded; the recording must see every pass to its end."""
    tally, rest = Tally(), iter(samples)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while (tried := tally.tried) % BATCH == 0:
            _compare(islice(rest, BATCH), tally, twice)
            if tally.tried == tried:
                break
    return tally


def _compare(samples: Iterator[Sample], tally: Tally, twice: bool) -> None:
    """One batch.

    A recording looks for names in everything that the variables of its callers hold. What many samples
    share is therefore behind iterators and functions, or each of them would be looked at in every pass.
    """
    keep = [].append
    plain = [(sample, run(sample, keep, twice)) for sample in samples]
    names = [sample.name for sample, _ in plain]
    before_and_after = iter(plain)
    del plain
    recording = recorded()
    for sample, before in before_and_after:
        next(recording)
        after = run(sample, keep, twice)
        seen, wrong = next(recording)
        _judge(sample, before, after, seen, wrong, tally)
    recording.close()
    if left := hooked() and gc.collect() >= 0 and hooked():
        tally.failed[f"{names[0]} to {names[-1]}"] = f"hooks of {left} passes are left on the graphs"


def recorded() -> Iterator[Any]:
    """A recording: goes on to the next sample, then tells the passes and faults that it has seen of it."""
    with gradtui.record() as trace:
        while True:
            passes, notices = len(trace.passes), len(trace.notices)
            yield None
            said = [notice.message for notice in list(trace.notices)[notices:]]
            yield trace.passes[passes:], [text for text in said if text.startswith("gradtui could not")]


def _judge(
    sample: Sample, before: Outcome, after: Outcome, seen: list[Pass], wrong: list[str], tally: Tally
) -> None:
    if len(seen) != before["passes"]:
        wrong.append(f"{before['passes']} passes, {len(seen)} seen")
    if any(p.ended is None or not (p.steps or p.ended.error) for p in seen):
        wrong.append("a pass without steps or end")
    differing = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    wrong += [f"{key}: {shown(before, key)} became {shown(after, key)}" for key in sorted(differing)]
    tally.tried += 1
    tally.passes += len(seen)
    tally.raised += "raised" in before
    if wrong:
        reasons = [why for op, why in UNSTEADY.items() if sample.name.startswith(op)]
        where = tally.excused if reasons else tally.failed
        where[sample.name] = reasons[0] if reasons else "; ".join(wrong)


def hooked() -> int:
    """Passes whose hooks some graph still holds: a hook keeps its pass alive."""
    return [*map(type, gc.get_objects())].count(TorchPass)


def shown(outcome: Outcome, key: str) -> str:
    return repr(outcome.get(key))[:300]


# ------------------------------------------------------------------- databases


@cache
def operations(dtype: torch.dtype) -> list[Any]:
    """The differentiable operations of `op_db`, and custom Functions and operators as torch tests them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.autograd_function_db import autograd_function_db
        from torch.testing._internal.common_methods_invocations import op_db
        from torch.testing._internal.custom_op_db import custom_op_db
    known = [op for op in op_db if op.supports_autograd and dtype in op.supported_backward_dtypes("cpu")]
    return [
        *known,
        *(
            op
            for op in [*autograd_function_db, *custom_op_db]
            if op.supports_autograd and op.supports_dtype(dtype, "cpu")
        ),
    ]


@cache
def modules() -> list[Any]:
    """The modules of `module_db`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_modules import module_db
    return list(module_db)


def of_operation(op: Any, dtype: torch.dtype) -> Iterator[Sample]:
    """Every sample of an operation."""
    torch.manual_seed(0)
    for i, sample in enumerate(op.sample_inputs("cpu", dtype, requires_grad=True)):
        yield Sample(
            f"{op.full_name} sample {i}", partial(_call, op, sample.input, sample.args, sample.kwargs)
        )


def _call(op: Any, *inputs: Any) -> tuple[Callable[[], Any], list[torch.Tensor]]:
    (first, args, kwargs), given = anew(inputs)
    return partial(op, first, *args, **kwargs), given


def of_module(info: Any, dtype: torch.dtype) -> Iterator[Sample]:
    """Every input of a module, trained and evaluated; the module is made anew for each run."""
    for training in (True, False):
        torch.manual_seed(0)
        inputs = info.module_inputs_func(
            info, device="cpu", dtype=dtype, requires_grad=True, training=training
        )
        for i, given in enumerate(inputs):
            yield Sample(
                f"{info.name} {'training' if training else 'evaluation'} {i}",
                partial(_module, info, given, dtype, training),
            )


def _module(
    info: Any, sample: Any, dtype: torch.dtype, training: bool
) -> tuple[Callable[[], Any], list[torch.Tensor]]:
    made, forward = sample.constructor_input, sample.forward_input
    module = info.module_cls(*made.args, **made.kwargs).to(dtype).train(training)
    (args, kwargs), given = anew((forward.args, forward.kwargs))
    return partial(module, *args, **kwargs), [*module.parameters(), *module.buffers(), *given]


def anew(inputs: Any) -> tuple[Any, list[torch.Tensor]]:
    """The same inputs as leaves of their own: a run may change them in place."""
    leaves, structure = pytree.tree_flatten(inputs)
    fresh = [
        x.detach().clone().requires_grad_(x.requires_grad) if isinstance(x, torch.Tensor) else x
        for x in leaves
    ]
    return pytree.tree_unflatten(fresh, structure), [x for x in fresh if isinstance(x, torch.Tensor)]
