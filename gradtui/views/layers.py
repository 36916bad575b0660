"""A layered layout of a graph: boxes in columns, every edge from left to right, around the boxes.

Pure: sizes and edges go in, whole numbers come out, the same for the same input. Nothing recurses:
graphs are deep. The method is Sugiyama's: layers, an order within each with few crossings, then
coordinates.

- K. Sugiyama, S. Tagawa, M. Toda: Methods for Visual Understanding of Hierarchical System
  Structures, IEEE Trans. SMC 11(2), 1981: the phases, and the barycentre ordering.
- E. Gansner, E. Koutsofios, S. North, K.-P. Vo: A Technique for Drawing Directed Graphs,
  IEEE Trans. Software Engineering 19(3), 1993: keeping the best order, medians, weights that
  straighten long edges.

The coordinates of one layer, given where its neighbours pull, are found exactly: a least-squares fit
under minimum distances is an isotonic regression, which pooling adjacent violators solves.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

ORDER_SWEEPS = 12
"""Sweeps over the layers that look for fewer crossings."""
PLACE_SWEEPS = 4
"""Sweeps to and fro that straighten edges."""
STRAIGHT = ((1.0, 2.0), (2.0, 8.0))
"""How hard a neighbour pulls, by how many of the two are bends of a long edge (Gansner et al., 4.2)."""

Neighbours = Callable[[int], list[int]]


class TooLarge(ValueError):
    """The drawing would need more bends than were allowed."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """The least distances, in the unit of the sizes."""

    beside: int = 16
    """Between two boxes of a layer."""
    line: int = 12
    """Between an edge that passes and what is beside it."""
    between: int = 28
    """Between two layers."""
    steep: int = 64
    """What is added at most between two layers whose edges climb far."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands. `x` and `y` are the centres of the boxes."""

    layer: tuple[int, ...]
    x: tuple[int, ...]
    y: tuple[int, ...]
    columns: tuple[tuple[int, int], ...]
    """Left and right side of each layer."""
    bends: tuple[tuple[tuple[int, int], ...], ...]
    """For each edge, the (layer, y) at which it passes straight through the layers between its ends.

    Edges of one source share their way until they part. An edge of a cycle that runs against the
    flow has none.
    """
    width: int
    height: int


def layout(
    sizes: Sequence[tuple[int, int]],
    edges: Sequence[tuple[int, int]],
    gaps: Gaps = Gaps(),
    most: int = 200_000,
) -> Layout:
    """Lay out boxes of these (width, height), joined by edges (from, to) that index them.

    Boxes stand as far right as their edges allow: an input is beside its first use. The order of the
    edges is kept where crossings do not forbid it. Raises `TooLarge` for more than `most` bends.
    """
    layer = layers_of(len(sizes), edges)
    web = _Web(sizes, edges, layer, most)
    order = _ordered(web)
    y = _placed(web, order, gaps)
    columns = _columns(web, order, y, gaps)
    x = [sum(columns[at]) // 2 for at in layer]
    bends = tuple(tuple((web.layer[b], y[b]) for b in way) for way in web.ways)
    height = max((y[v] + web.height[v] - web.height[v] // 2 for v in range(len(y))), default=0)
    width = columns[-1][1] if columns else 0
    return Layout(tuple(layer), tuple(x), tuple(y[: len(sizes)]), tuple(columns), bends, width, height)


# ----------------------------------------------------------------------- layers


def layers_of(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Longest-path layering counted from the right: a node stands one layer before its first user.

    In a cycle the node with the lowest index is placed first, and some edges run against the flow.
    """
    before: list[list[int]] = [[] for _ in range(count)]
    open_edges = [0] * count
    for source, target in edges:
        if source != target:
            before[target].append(source)
            open_edges[source] += 1
    distance = [0] * count
    done = [False] * count
    ready = [v for v in range(count) if not open_edges[v]]
    next_forced = 0
    for _ in range(count):
        while not ready:
            if not done[next_forced]:
                ready.append(next_forced)
            next_forced += 1
        v = ready.pop()
        done[v] = True
        for source in before[v]:
            if not done[source]:
                distance[source] = max(distance[source], distance[v] + 1)
                open_edges[source] -= 1
                if not open_edges[source]:
                    ready.append(source)
    last = max(distance, default=0)
    return [last - d for d in distance]


class _Web:
    """Boxes and bends together, joined by segments that each span one layer."""

    def __init__(
        self, sizes: Sequence[tuple[int, int]], edges: Sequence[tuple[int, int]], layer: list[int], most: int
    ) -> None:
        self.boxes = len(sizes)
        self.layer = list(layer)
        self.width = [width for width, _ in sizes]
        self.height = [height for _, height in sizes]
        self.left: list[list[int]] = [[] for _ in sizes]
        self.right: list[list[int]] = [[] for _ in sizes]
        self.ways: list[list[int]] = []
        """The bends of each edge."""
        self._most = most
        trunks: dict[tuple[int, int], list[int]] = {}
        parallel: dict[tuple[int, int], int] = {}
        for source, target in edges:
            which = parallel.get((source, target), 0)
            parallel[source, target] = which + 1
            trunk = trunks.setdefault((source, which), [])
            self.ways.append(self._way(trunk, source, target))

    def _way(self, trunk: list[int], source: int, target: int) -> list[int]:
        """Lead one edge along the trunk of its source, made longer where it has to be."""
        between = self.layer[target] - self.layer[source] - 1
        if between < 0:
            return []
        while len(trunk) < between:
            bend = len(self.layer)
            if bend - self.boxes >= self._most:
                raise TooLarge(f"the drawing needs more than {self._most:,} bends")
            self.layer.append(self.layer[source] + len(trunk) + 1)
            self.width.append(0)
            self.height.append(0)
            self.left.append([])
            self.right.append([])
            self._join(trunk[-1] if trunk else source, bend)
            trunk.append(bend)
        self._join(trunk[between - 1] if between else source, target)
        return trunk[:between]

    def _join(self, a: int, b: int) -> None:
        self.right[a].append(b)
        self.left[b].append(a)

    def pull(self, a: int, b: int) -> float:
        """How hard these neighbours want to be at one height."""
        return STRAIGHT[a >= self.boxes][b >= self.boxes]


# ------------------------------------------------------------------------ order


def _ordered(web: _Web) -> list[list[int]]:
    """The order of each layer from top to bottom: the best of what the sweeps went through."""
    order = _first_order(web)
    best, fewest = [list(row) for row in order], _crossings(web, order)
    stale = 0
    for sweep in range(ORDER_SWEEPS):
        if not fewest or stale == 4:
            break
        _sweep(web, order, to_right=bool(sweep % 2))
        crossings = _crossings(web, order)
        stale += 1
        if crossings < fewest:
            best, fewest, stale = [list(row) for row in order], crossings, 0
    return best


def _first_order(web: _Web) -> list[list[int]]:
    """As a walk from the right meets them, in the order of the edges: a tree comes out uncrossed."""
    order: list[list[int]] = [[] for _ in range(max(web.layer, default=-1) + 1)]
    seen = bytearray(len(web.layer))
    starts = [v for v in range(web.boxes) if not web.right[v]]
    for start in [*starts, *range(web.boxes)]:
        stack = [start]
        while stack:
            v = stack.pop()
            if not seen[v]:
                seen[v] = 1
                order[web.layer[v]].append(v)
                stack.extend(reversed(web.left[v]))
    return order


def _sweep(web: _Web, order: list[list[int]], to_right: bool) -> None:
    """Sort each layer by the barycentre of its neighbours in the layer before; others keep their place."""
    position = [0] * len(web.layer)
    beside = web.left if to_right else web.right
    for row in order if to_right else reversed(order):
        centre = {v: sum(position[u] for u in beside[v]) / len(beside[v]) for v in row if beside[v]}
        moved = iter(sorted(centre, key=centre.__getitem__))
        row[:] = [next(moved) if v in centre else v for v in row]
        for i, v in enumerate(row):
            position[v] = i


def _crossings(web: _Web, order: list[list[int]]) -> int:
    """Pairs of segments that cross: inversions, counted by insertion."""
    position = [0] * len(web.layer)
    for row in order:
        for i, v in enumerate(row):
            position[v] = i
    count = 0
    for row in order:
        ends: list[int] = []
        for v in row:
            reached = sorted(position[u] for u in web.right[v])
            count += sum(len(ends) - bisect_right(ends, end) for end in reached)
            for end in reached:
                insort(ends, end)
    return count


# ------------------------------------------------------------------ coordinates


def _placed(web: _Web, order: list[list[int]], gaps: Gaps) -> list[int]:
    """The height of each box and bend: pulled to its neighbours, never too near to the next one."""
    y = [0.0] * len(web.layer)
    offsets = [_offsets(web, row, gaps) for row in order]
    for row, offset in zip(order, offsets):
        for v, at in zip(row, offset):
            y[v] = at - offset[-1] / 2
    to_right, to_left = range(len(order)), range(len(order) - 1, -1, -1)
    depths = _depths(web, order)
    wholly = [(to_left, lambda v: _users(web, v)), (to_right, lambda v: _stream(web, v, depths))]
    nearby = [(rows, lambda v: web.left[v] + web.right[v]) for rows in (to_left, to_right)]
    for rows, neighbours in wholly * PLACE_SWEEPS + nearby * PLACE_SWEEPS + wholly[1:]:
        for at in rows:
            _place_row(web, order[at], offsets[at], y, neighbours)
    whole = [int(at // 1) for at in (at + 0.5 for at in y)]
    top = min((whole[v] - web.height[v] // 2 for v in range(len(y))), default=0)
    return [at - top for at in whole]


def _depths(web: _Web, order: list[list[int]]) -> list[int]:
    """The longest way to each box or bend from the left."""
    depths = [0] * len(web.layer)
    for row in order:
        for v in row:
            depths[v] = max((depths[u] + 1 for u in web.left[v]), default=0)
    return depths


def _stream(web: _Web, v: int, depths: list[int]) -> list[int]:
    """What stands to the left and comes far, boxes before bends: a main stream goes straight past its inlets.

    The first bend of a long edge asks for nothing: where that edge runs is for its length to say.
    """
    left = web.left[v]
    if v >= web.boxes and left[0] < web.boxes and any(u >= web.boxes for u in web.right[v]):
        return []
    far = max((depths[u] for u in left), default=0) / 2
    return [u for u in left if u < web.boxes and depths[u] >= far] or left


def _users(web: _Web, v: int) -> list[int]:
    """What stands to the right; of a bend the next bend, so that a long edge is one line."""
    bends = [u for u in web.right[v] if u >= web.boxes] if v >= web.boxes else []
    return bends or web.right[v]


def _offsets(web: _Web, row: list[int], gaps: Gaps) -> list[int]:
    """How far each member of a layer is from the first where they stand as near as they may."""
    offsets = [0]
    for a, b in pairwise(row):
        gap = gaps.beside if a < web.boxes and b < web.boxes else gaps.line
        # halves are rounded up on both sides: a box of odd height has its centre half a unit off
        offsets.append(offsets[-1] + (web.height[a] + 1) // 2 + (web.height[b] + 1) // 2 + gap)
    return offsets


def _place_row(web: _Web, row: list[int], offsets: list[int], y: list[float], neighbours: Neighbours) -> None:
    """Move one layer to where its neighbours pull it."""
    wanted, weights = [], []
    for v, offset in zip(row, offsets):
        near = neighbours(v)
        wanted.append((_median([y[u] for u in near]) if near else y[v]) - offset)
        weights.append(sum(web.pull(u, v) for u in near) if near else 0.01)
    for v, offset, at in zip(row, offsets, _isotonic(wanted, weights)):
        y[v] = at + offset


def _median(values: list[float]) -> float:
    values.sort()
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _isotonic(wanted: list[float], weights: list[float]) -> list[float]:
    """The rising sequence nearest to what is wanted, by weighted squares: pool adjacent violators."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(wanted, weights):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            value_before, weight_before, count = blocks.pop()
            total = weight_before + block[1]
            mean = (value_before * weight_before + block[0] * block[1]) / total
            block = (mean, total, count + block[2])
        blocks.append(block)
    return [value for value, _, count in blocks for _ in range(count)]


def _columns(web: _Web, order: list[list[int]], y: list[int], gaps: Gaps) -> list[tuple[int, int]]:
    """Left and right side of each layer; further apart where edges between them climb far."""
    columns: list[tuple[int, int]] = []
    at = 0
    for row in order:
        width = max(web.width[v] for v in row)
        columns.append((at, at + width))
        climb = max((abs(y[u] - y[v]) for v in row for u in web.right[v]), default=0)
        at += width + gaps.between + min(gaps.steep, climb // 4)
    return columns
