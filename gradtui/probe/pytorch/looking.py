"""A tensor, or a slice of it, in figures, bars and a grid of numbers: read in pieces, kept nowhere.

A tensor of any size takes the memory of a piece or two: what is large is read piece by piece, twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from gradtui.probe.pytorch.private import readable, untouched
from gradtui.probe.slices import parse_slice
from gradtui.wire.figures import MOST, SIDE, bins_of, decades, decades_of, edges_between, figures_of
from gradtui.wire.messages import Bins, Figures, Grid

PIECE = 1 << 20
"""Entries that are looked at together."""
DENSE = 1 << 22
"""Entries up to which a sparse tensor is written out in full."""
_POWERS = 400
"""More than the powers of ten below 1 that a number can have."""
_SHAPED = (16, 64)
"""Rows and columns in which a long vector is pictured."""


def look(tensor: torch.Tensor, part: str = "") -> dict[str, Any]:
    """The fields of an `Inspected` that are a tensor's. Raises `ValueError`, `IndexError` for a bad slice."""
    with untouched(), torch.no_grad():
        facts: dict[str, Any] = {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "device": str(tensor.device),
            "shape": () if tensor.is_nested else tuple(tensor.shape),
        }
        why_not = readable(tensor)
        sparse = why_not == "sparse" and tensor.numel() <= DENSE
        if why_not and not sparse:
            return {**facts, "note": f"{why_not}: its entries are not read"}
        notes = ["sparse: what is not stored is shown as 0"] if sparse else []
        try:
            whole = tensor.detach().to_dense() if sparse else tensor.detach()
            chosen = whole[parse_slice(part)] if part.strip() else whole
            if chosen.is_complex():
                notes.append("complex: the magnitudes are shown")
            facts.update(_read(chosen, notes))
        except (RuntimeError, NotImplementedError, TypeError) as error:
            return {**facts, "note": str(error).splitlines()[0][:200]}
        return {**facts, "part": tuple(chosen.shape), "note": "; ".join(notes)}


def _read(part: torch.Tensor, notes: list[str]) -> dict[str, Any]:
    if part.numel() <= MOST:
        values = _real(part).reshape(-1).tolist()
        numbers = [float(value) for value in values]
        found: dict[str, Any] = {
            "figures": figures_of(numbers),
            "bins": bins_of(numbers),
            "decades": decades_of(numbers),
        }
    else:
        figures, bins, powers = _in_pieces(part)
        found = {"figures": figures, "bins": bins, "decades": powers}
    if not part.numel():
        return found
    grid = found["grid"] = _corner(part)
    if len(grid.values) < part.numel():
        notes.append(_left_out(part, grid))
        found["picture"] = _picture(part)
    return found


def _real(part: torch.Tensor) -> torch.Tensor:
    if part.is_complex():
        return part.abs()
    return part.to(torch.uint8) if part.dtype is torch.bool else part


# ------------------------------------------------------------------ piece by piece


def pieces(part: torch.Tensor) -> Iterator[torch.Tensor]:
    """All entries as vectors in double precision, a bounded number at a time, in no order to rely on."""
    if part.numel() <= PIECE:
        flat = _real(part).reshape(-1)
        yield (flat if flat.device.type in ("cpu", "cuda") else flat.cpu()).double()
    elif part.is_contiguous():
        for flat in torch.split(part.view(-1), PIECE):
            yield from pieces(flat)
    else:
        dim = max(range(part.dim()), key=lambda d: part.shape[d])
        for half in torch.split(part, (part.shape[dim] + 1) // 2, dim):
            yield from pieces(half)


def _in_pieces(part: torch.Tensor) -> tuple[Figures, Bins | None, Bins | None]:
    nan = infinite = zeros = finite = 0
    low, high, total = math.inf, -math.inf, 0.0
    for piece in pieces(part):
        good = _finite(piece)
        if good.numel() < piece.numel():
            bad = int(piece.isnan().sum())
            nan, infinite = nan + bad, infinite + piece.numel() - good.numel() - bad
        if good.numel():
            least, most = torch.aminmax(good)
            low, high = min(low, least.item()), max(high, most.item())
            zeros += good.numel() - int(torch.count_nonzero(good))
            finite, total = finite + good.numel(), total + float(good.sum())
    if not finite:
        return Figures(part.numel(), nan, infinite), None, None
    mean, size, norm, spread = total / finite, max(abs(low), abs(high)) or 1.0, 0.0, 0.0
    edges = edges_between(low, high, finite)
    counts = torch.zeros(len(edges) - 1, dtype=torch.float64, device="cpu")
    powers = torch.zeros(2 * _POWERS, dtype=torch.int64, device="cpu")
    for piece in pieces(part):
        good = _finite(piece)
        # scaled: the squares of the largest and the smallest numbers are none
        norm = math.hypot(norm, float(torch.linalg.vector_norm(good / size)))
        spread = math.hypot(spread, float(torch.linalg.vector_norm((good - mean) / size)))
        if len(edges) > 2:
            counts += torch.histc(good, len(counts), low, high).cpu()
        sizes = good[good != 0].abs_().log10_().floor_().long().add_(_POWERS)
        powers += torch.bincount(sizes, minlength=2 * _POWERS).cpu()
    told = (finite,) if len(edges) == 2 else tuple([int(count) for count in counts.tolist()])
    by_power = {i - _POWERS: count for i, count in enumerate(powers.tolist()) if count}
    figures = Figures(
        part.numel(), nan, infinite, zeros, size * norm, low, high, mean, size * spread / math.sqrt(finite)
    )
    return figures, Bins(edges, told), decades(by_power)


def _finite(piece: torch.Tensor) -> torch.Tensor:
    good = torch.isfinite(piece)
    return piece if bool(good.all()) else piece[good]


# ------------------------------------------------------------------------- the grid


def _last_two(part: torch.Tensor) -> torch.Tensor:
    """The last two dimensions, of the others the first entry."""
    return part[(0,) * (part.dim() - 2)] if part.dim() > 2 else part


def _corner(part: torch.Tensor) -> Grid:
    """The first entries, in rows of the last dimension."""
    if part.dim() < 2:
        corner = part.reshape(1, -1)[:, :MOST]
    elif part.numel() <= MOST:
        corner = part.reshape(-1, part.shape[-1])
    else:
        corner = _last_two(part)[:SIDE, :SIDE]
    values = [float(value) for value in _real(corner).reshape(-1).tolist()]
    return Grid(corner.shape[0], corner.shape[1], tuple(values))


def _left_out(part: torch.Tensor, grid: Grid) -> str:
    if part.dim() < 2:
        return f"values: the first {grid.columns:,} of {part.numel():,}"
    of = "x".join(map(str, part.shape[-2:]))
    where = f" at [{', '.join(['0'] * (part.dim() - 2))}]" if part.dim() > 2 else ""
    return f"values: the first {grid.rows}x{grid.columns} of {of}{where}; a slice shows others"


def _picture(part: torch.Tensor) -> Grid:
    """The last two dimensions in few cells: each the entry largest in magnitude, NaN before any."""
    if part.dim() < 2:
        rows, columns = _SHAPED
        rows = min(rows, part.numel() // columns)
        return Grid(rows, columns, tuple(_extremes(part.reshape(-1), rows * columns)))
    plane = _last_two(part)
    bands = [_real(band) for band in plane.tensor_split(min(SIDE, plane.shape[0]))]
    high = torch.stack([band.amax(0) for band in bands])
    low = torch.stack([band.amin(0) for band in bands])
    split = min(SIDE, plane.shape[1])
    high = torch.stack([band.amax(1) for band in high.tensor_split(split, 1)], 1).double()
    low = torch.stack([band.amin(1) for band in low.tensor_split(split, 1)], 1).double()
    cells = torch.where(high.abs() >= low.abs(), high, low).reshape(-1).tolist()
    return Grid(high.shape[0], high.shape[1], tuple(cells))


def _extremes(flat: torch.Tensor, count: int) -> list[float]:
    """Of each of `count` parts of a vector, alike in size, the entry largest in magnitude."""
    cells = []
    for piece in flat.tensor_split(count):
        real = _real(piece)
        high, low = float(real.max()), float(real.min())
        cells.append(high if abs(high) >= abs(low) else low)
    return cells
