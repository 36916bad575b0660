"""Recording changes no bit: every operation and module that torch tests itself with, against a plain run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import chain

import pytest
import torch
from opinfo import Tally, compare, modules, of_module, of_operation, operations

PARTS = 16
EVERY = 16
"""Of other dtypes, and backward through backward, every sixteenth operation is tried."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The tensors are small: more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str, Tally], None]:
    """Has the count printed at the end of the run, and fails for what failed."""

    def told(what: str, tally: Tally) -> None:
        record_property("transparency", (what, asdict(tally)))
        assert tally.tried
        assert tally.passes
        assert tally.failed == {}

    return told


@pytest.mark.parametrize("part", range(PARTS))
def test_every_operation(part: int, tell: Callable[[str, Tally], None]) -> None:
    some = operations(torch.float64)[part::PARTS]
    tell("operations, float64", compare(chain.from_iterable(of_operation(op, torch.float64) for op in some)))


@pytest.mark.parametrize("part", range(PARTS))
def test_every_module(part: int, tell: Callable[[str, Tally], None]) -> None:
    some = modules()[part::PARTS]
    tell("modules, float64", compare(chain.from_iterable(of_module(info, torch.float64) for info in some)))


@pytest.mark.parametrize("dtype", [torch.complex128, torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_other_dtypes(dtype: torch.dtype, tell: Callable[[str, Tally], None]) -> None:
    some = operations(dtype)[::EVERY]
    name = str(dtype).removeprefix("torch.")
    tell(f"operations, {name}", compare(chain.from_iterable(of_operation(op, dtype) for op in some)))


def test_backward_through_backward(tell: Callable[[str, Tally], None]) -> None:
    some = operations(torch.float64)[1::EVERY]
    samples = chain.from_iterable(of_operation(op, torch.float64) for op in some)
    tell("operations, twice backward", compare(samples, twice=True))
