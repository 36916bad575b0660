"""Between the norms that a breakpoint calls quiet it does not hold, whatever else is so of the gradient."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradtui.probe.breakpoints import FINITE, Armed, holds
from gradtui.probe.pytorch.later import Later
from gradtui.probe.pytorch.reading import Reader
from gradtui.probe.pytorch.summaries import summarize
from gradtui.session.breakpoints import parse

TESTS = ["nonfinite", "zero", "norm>1", "norm<1", "norm>inf", "norm<inf", "norm>0", "min<-1", "max>2"]
entries = st.floats(width=32) | st.sampled_from([0.0, math.nan, math.inf, 1.0, 1e-45, 3e38])


@given(
    st.lists(st.sampled_from(TESTS), min_size=1, max_size=3, unique=True),
    st.lists(entries, min_size=1, max_size=6),
)
def test_what_is_quiet_holds_nowhere(tests: list[str], numbers: list[float]) -> None:
    point = parse(" ".join(tests), 1)
    value = summarize(torch.tensor(numbers), True)
    low, high = Armed(point).quiet
    assert value is not None
    assert value.norm is not None
    if low <= value.norm <= high:
        assert not all(holds(test, value) for test in point.tests)


@pytest.mark.parametrize("text", ["nonfinite", "norm>1e9", "op=Tanh*", "nonfinite norm>1e5"])
def test_ordinary_gradients_are_quiet(text: str) -> None:
    low, high = Armed(parse(text, 1)).quiet
    assert low <= 1e-3 < 1e3 <= high


@pytest.mark.parametrize("text", ["max>2", "if sent[0].abs().max() > 10"])
def test_what_norms_do_not_tell_is_never_quiet(text: str) -> None:
    low, high = Armed(parse(text, 1)).quiet
    assert low > high
    reader = Reader(True, Later())
    reader.listen((low, high), True)
    assert reader.loud


@pytest.mark.parametrize("entries", [65, 10_000])
def test_a_reader_is_loud_with_what_is_not_quiet_also_when_it_comes_again(entries: int) -> None:
    reader, ordinary, large = Reader(True, Later()), torch.ones(entries), torch.full((entries,), 1e6)
    for gradient, loud in [(ordinary, False), (large, True), (large, True), (ordinary, False)]:
        reader.listen((0.0, 1e6), True)
        reader.step((gradient,), (), ())
        assert reader.loud == loud
    quiet = (0.0, math.inf)
    reader.listen(quiet, True)
    reader.step((large,), (large.view(-1, 5),), (7,))
    assert not reader.loud
    reader.listen(quiet, True)
    _, told = reader.step((large,), (large.mul_(math.nan),), (7,))
    assert reader.loud
    assert told[0] is not None
    assert told[0].nonfinite == entries


def test_one_that_is_done_asks_nothing() -> None:
    armed = Armed(parse("norm>1", 1))
    armed.done = True
    assert armed.quiet == FINITE
