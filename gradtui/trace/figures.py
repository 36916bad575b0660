"""A tensor as it was recorded, told like one that is read at a stop: as far as its numbers were kept."""

from __future__ import annotations

import math

from gradtui.wire.figures import bins_of, decades_of, figures_of, grid_of
from gradtui.wire.messages import Figures, Inspected, Summary, Value


def recorded(node: int, what: str, value: Value) -> Inspected:
    """What is known of a gradient or value that crossed the wire once."""
    if not isinstance(value, Summary):
        value = Summary((), "float64", "", values=(value,))
    told = Inspected(
        0, node, what, shape=value.shape, part=value.shape, dtype=value.dtype, device=value.device
    )
    facts = {name: getattr(told, name) for name in told.__struct_fields__}
    if value.values is not None and len(value.values) == math.prod(value.shape):
        facts["figures"] = figures_of(value.values)
        facts["bins"], facts["decades"] = bins_of(value.values), decades_of(value.values)
        facts["grid"] = grid_of(value.values, value.shape)
    elif value.norm is not None:
        facts["figures"] = Figures(
            math.prod(value.shape), 0, value.nonfinite, value.zeros or 0,
            value.norm, value.min, value.max, value.mean,
        )  # fmt: skip
        kept = "its norm" if value.min is None else "its figures"
        facts["note"] = f"read while the program ran: {kept} only; at a live stop all of it can be read"
    else:
        facts["note"] = value.note or "no number of it was read"
    return Inspected(**facts)
