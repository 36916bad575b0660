"""What is read of a gradient while the program runs is what a slow and careful look gives, for every kind of tensor."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gradtui.probe.pytorch import summaries
from gradtui.probe.pytorch.later import Later
from gradtui.probe.pytorch.reading import Reader
from gradtui.wire.messages import Summary

torch.manual_seed(0)
MANY = torch.randn(12, 10)


class Logging(torch.Tensor):
    """A subclass that takes operations into its own hands."""

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError("read")


def inference() -> torch.Tensor:
    with torch.inference_mode():
        return MANY * 2


def early(make: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Torch warns that such tensors are not finished."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


KINDS: dict[str, torch.Tensor] = {
    **{str(dtype): MANY.to(dtype) for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)},
    **{str(dtype): (MANY * 9).to(dtype) for dtype in (torch.int8, torch.int64, torch.bool, torch.complex64)},
    "float8": MANY.to(torch.float8_e4m3fn),
    "few": MANY[:3],
    "empty": MANY[:0],
    "one": MANY[0, 0],
    "transposed": MANY.t(),
    "expanded": MANY[0, 0].expand(100),
    "strided": torch.randn(24, 10)[::2],
    "conjugate": torch.randn(100, dtype=torch.complex64).conj(),
    "negative": torch.randn(100, dtype=torch.complex64).conj().imag,
    "with a graph": (MANY.clone().requires_grad_() * 2),
    "parameter": torch.nn.Parameter(MANY),
    "sparse": MANY.to_sparse(),
    "csr": early(lambda: MANY.to_sparse_csr()),
    "nested": early(lambda: torch.nested.nested_tensor([MANY, MANY[:5]])),
    "meta": MANY.to("meta"),
    "subclass": torch.Tensor._make_subclass(Logging, MANY),
    "inference": inference(),
    "nan": MANY.clone().fill_diagonal_(torch.nan),
    "inf": MANY.clone().fill_diagonal_(-torch.inf),
    "squares too large": MANY * 1e30,
    "half too large": (MANY * 3e4).half(),
    "zeros": torch.zeros(100),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("brief", [True, False])
def test_it_is_what_a_careful_look_gives(kind: str, brief: bool) -> None:
    tensor = KINDS[kind]
    careful = summaries._read(tensor, False, brief)
    assert repr(summaries.read(tensor, False, brief)) == repr(careful)  # in text NaN equals NaN
    reader = Reader(brief, Later())
    for _ in range(2):
        assert repr(reader(tensor, False)) == repr(careful)
        if brief:
            (got,), _ = reader.step((tensor,), (), ())
            assert repr(got) == repr(careful)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"sparse", "csr", "nested", "subclass"}))
def test_a_view_of_what_was_received_is_what_a_careful_look_gives(kind: str) -> None:
    tensor = KINDS[kind]
    views = [tensor.detach(), tensor.unsqueeze(0)]
    if tensor.dim() == 2 and type(tensor) is torch.Tensor:
        views += [tensor.t(), tensor[1:], tensor[:, ::2]]
    for view in views:
        reader = Reader(True, Later())
        _, (told,) = reader.step((tensor,), (view,), (1,))
        careful = summaries._read(view, False, True)
        assert told is not None
        if careful.norm is not None and careful.norm == careful.norm and told.norm != careful.norm:
            assert told.norm == pytest.approx(careful.norm, rel=1e-6)  # added up in another order
        else:
            assert repr(told) == repr(careful)


def test_nothing_is_read_where_the_program_would_see_it() -> None:
    class Seeing(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            raise AssertionError(f"seen: {func}")

    with Seeing():
        (told,), _ = Reader(True, Later()).step((MANY,), (), ())
    assert told == Summary((12, 10), "float32", "cpu", note="under a dispatch mode")
    (told,), _ = Reader(True, Later()).step((MANY,), (), ())
    assert told is not None
    assert told.norm == MANY.norm().item()

    seen: list[Any] = []

    def square(x: torch.Tensor) -> torch.Tensor:
        seen.extend(Reader(True, Later()).step((x,), (), ())[0])
        return (x * x).sum()

    torch.func.vmap(torch.func.grad(square))(MANY)
    assert [summary.note for summary in seen] == ["inside vmap or grad"]
