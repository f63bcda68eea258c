"""DBSCAN on points with weights, without neighbour lists: a million places in seconds, memory growing with the places.

In:     distinct points in metres and the incidents at each, a radius, and how many incidents make a point core.
Out:    the incidents within the radius of each point; which core points hang together; the clusters themselves.
Method: DBSCAN (Ester et al. 1996), with the numbering of scikit-learn: clusters by their first core point, a border
        point to the first cluster that reaches it. Neighbours are summed along thin strips, where all but those near
        the circle's edge are one difference of running sums; core points are joined through cells so small that
        points of one cell are always neighbours (Gunawan 2013).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRIPS_PER_EPS = 4
PAIRS_AT_ONCE = 1_000_000
FEW_POINTS = 300  # at most so many are joined by all their pairs, three times as fast as by cells
SLACK = 1e-6  # of eps: what is nearer to the edge than this is decided by the distance itself, never by a sum


@dataclass(frozen=True)
class Clusters:
    """The cluster of each point (n,), -1 for none, and whether it is core; clusters are numbered from 0."""

    labels: Ints
    core: NDArray[np.bool_]


def weighted_dbscan(xy: ArrayLike, weight: ArrayLike, *, eps_m: float, min_weight: float) -> Clusters:
    """Cluster n points: core where at least ``min_weight`` lies within ``eps_m``, itself included.

    Parameters
    ----------
    xy
        (n, 2) distinct coordinates in metres.
    weight
        (n,) incidents at each point.
    """
    points = np.asarray(xy, dtype=float).reshape(-1, 2)
    core = weight_within(points, weight, eps_m=eps_m) >= min_weight
    labels = np.full(len(points), -1)
    labels[core] = joined(points[core], eps_m=eps_m)
    labels[~core] = _first_cluster_near(points[~core], points[core], labels[core], eps_m)
    return Clusters(labels, core)


def weight_within(xy: ArrayLike, weight: ArrayLike, *, eps_m: float) -> Floats:
    """Return for each point (n,) the weight at most ``eps_m`` away, its own included."""
    points, given = np.asarray(xy, dtype=float).reshape(-1, 2), np.asarray(weight, dtype=float)
    if len(points) == 0:
        return np.zeros(0)
    strips = _Strips.of(points, eps_m)
    sorted_weight = given[strips.order]
    upto = np.concatenate([[0.0], np.cumsum(sorted_weight)])
    total = np.zeros(len(points))
    for who, low, sure_low, sure_high, high in strips.ranges(strips.xy):
        total[who] += upto[sure_high] - upto[sure_low]
        for start, end in ((low, sure_low), (sure_high, high)):
            for i, j in _expanded(start, end):
                near = _are_near(strips.xy[who[i]], strips.xy[j], eps_m)
                total[who] += np.bincount(i[near], sorted_weight[j[near]], minlength=len(who))
    within = np.empty(len(points))
    within[strips.order] = total
    return within


def joined(xy: ArrayLike, *, eps_m: float) -> Ints:
    """Return for each point (n,) the number of its group: points at most ``eps_m`` apart are in one.

    Groups are numbered by their first point.
    """
    points = np.asarray(xy, dtype=float).reshape(-1, 2)
    if len(points) == 0:
        return np.zeros(0, dtype=np.int64)
    group = _by_pairs(points, eps_m) if len(points) <= FEW_POINTS else _by_cells(points, eps_m)
    _, first, number = np.unique(group, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number].astype(np.int64)


def _by_pairs(points: Floats, eps_m: float) -> Ints:
    """Return which points hang together, from all their pairs."""
    return _components(len(points), *cKDTree(points).query_pairs(eps_m, output_type="ndarray").T)


def _by_cells(points: Floats, eps_m: float) -> Ints:
    """Return which points hang together, cell by cell: time and memory grow with the points and not with the pairs."""
    cells = _Cells.of(points, eps_m)
    pairs = [(one, other, cells.touch(one, other, way, eps_m)) for one, other, way in cells.neighbours()]
    one, other, close = (np.concatenate(part) for part in zip(*pairs, strict=True))
    group = _components(len(cells.key), one[close], other[close])
    # Most neighbours have found each other by now; only those still apart are compared point by point.
    apart = group[one] != group[other]
    one, other = one[apart], other[apart]
    close = cells.hold_near_points(one, other, eps_m)
    return _components(group.max() + 1, group[one[close]], group[other[close]])[group][cells.of_point]


def _first_cluster_near(xy: Floats, core_xy: Floats, core_labels: Ints, eps_m: float) -> Ints:
    """Return for each point the lowest label of a core point at most eps away, -1 if there is none."""
    none = np.iinfo(np.int64).max
    lowest = np.full(len(xy), none)
    if len(xy) == 0 or len(core_xy) == 0:
        return np.full(len(xy), -1)
    strips = _Strips.of(core_xy, eps_m)
    labels = core_labels[strips.order]
    run = np.concatenate([[0], np.cumsum(np.diff(labels) != 0), [-1]])
    by_strip = np.lexsort((xy[:, 0], np.floor((xy[:, 1] - strips.south) / (eps_m / STRIPS_PER_EPS))))
    xy = xy[by_strip]  # rows are found three times as fast in this order
    for who, low, sure_low, sure_high, high in strips.ranges(xy):
        sure = np.flatnonzero(sure_high > sure_low)
        lowest[who[sure]] = np.minimum(lowest[who[sure]], labels[sure_low[sure]])
        # Looking point by point is left for stretches that may hold a lower label than the one known already.
        settled = (high > low) & (run[low] == run[high - 1]) & (lowest[who] <= labels[np.minimum(low, len(labels) - 1)])
        for i, j in _expanded(low, np.where(settled, low, high)):
            near = _are_near(xy[who[i]], strips.xy[j], eps_m)
            np.minimum.at(lowest, who[i[near]], labels[j[near]])
    labelled = np.empty(len(xy), dtype=np.int64)
    labelled[by_strip] = np.where(lowest == none, -1, lowest)
    return labelled


def _expanded(start: Ints, end: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield all pairs (position, row) with row in [start, end) of that position, a bounded number at a time."""
    some = np.flatnonzero(end > start)
    upto = np.cumsum(end[some] - start[some])
    begin = 0
    while begin < len(some):
        done = upto[begin - 1] if begin else 0
        stop = max(int(np.searchsorted(upto, done + PAIRS_AT_ONCE, "right")), begin + 1)
        part = some[begin:stop]
        number = end[part] - start[part]
        first = np.repeat(start[part] - (np.cumsum(number) - number), number)
        yield np.repeat(part, number), first + np.arange(len(first))
        begin = stop


def _are_near(one: Floats, other: Floats, eps_m: float) -> NDArray[np.bool_]:
    step = one - other
    near: NDArray[np.bool_] = step[:, 0] ** 2 + step[:, 1] ** 2 <= eps_m**2
    return near


def _half_chord(radius_m: float, distance_m: Floats) -> Floats:
    half: Floats = np.sqrt(np.maximum(radius_m**2 - distance_m**2, 0.0))
    return half


def _components(number: int, one: Ints, other: Ints) -> Ints:
    links = sparse.coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(number, number))
    return csgraph.connected_components(links, directed=False)[1].astype(np.int64)


@dataclass(frozen=True)
class _Strips:
    """Points sorted by strips along x, and by x within a strip: a stretch of a strip is a range of rows."""

    order: Ints
    xy: Floats
    key: Floats
    south: float
    west: float
    pitch: float
    eps_m: float

    @classmethod
    def of(cls, xy: Floats, eps_m: float) -> "_Strips":
        west, south = xy.min(axis=0)
        # Strips are laid behind each other on one line, so far apart that no stretch reaches into the next.
        pitch = float(np.ptp(xy[:, 0])) + 4 * eps_m
        key = np.floor((xy[:, 1] - south) / (eps_m / STRIPS_PER_EPS)) * pitch + (xy[:, 0] - west)
        order = np.argsort(key, kind="stable")
        return cls(order, xy[order], key[order], south, west, pitch, eps_m)

    def ranges(self, xy: Floats) -> Iterator[tuple[Ints, Ints, Ints, Ints, Ints]]:
        """Yield, strip by strip, which points of ``xy`` it may have neighbours of, and four row numbers for each.

        All neighbours lie between the outer two rows; everything between the inner two is a neighbour.
        """
        height = self.eps_m / STRIPS_PER_EPS
        own = np.floor((xy[:, 1] - self.south) / height)
        above = xy[:, 1] - self.south - own * height
        x = np.clip(xy[:, 0] - self.west, -2 * self.eps_m, self.pitch - 2 * self.eps_m)
        for step in range(-STRIPS_PER_EPS - 1, STRIPS_PER_EPS + 2):
            edges = np.abs([step * height - above, (step + 1) * height - above])
            nearest = np.zeros(len(xy)) if step == 0 else edges.min(axis=0)
            who = np.flatnonzero(nearest <= self.eps_m * (1 + SLACK))
            at = (own[who] + step) * self.pitch + x[who]
            outer = _half_chord(self.eps_m * (1 + SLACK), nearest[who])
            inner = _half_chord(self.eps_m * (1 - SLACK), edges.max(axis=0)[who])
            low, high = np.searchsorted(self.key, at - outer), np.searchsorted(self.key, at + outer, "right")
            sure_low, sure_high = low.copy(), low.copy()
            some = np.flatnonzero(inner > 0)
            sure_low[some] = np.searchsorted(self.key, (at - inner)[some])
            sure_high[some] = np.searchsorted(self.key, (at + inner)[some], "right")
            yield who, low, sure_low, sure_high, high


@dataclass(frozen=True)
class _Cells:
    """Points sorted by cells whose diagonal is eps: cell k holds the rows ``start[k]`` to ``end[k]`` of ``xy``."""

    xy: Floats
    key: Ints
    start: Ints
    end: Ints
    columns: int
    of_point: Ints

    @classmethod
    def of(cls, xy: Floats, eps_m: float) -> "_Cells":
        side = eps_m / math.sqrt(2) * (1 - SLACK)
        column, row = np.floor((xy - xy.min(axis=0)) / side).astype(np.int64).T
        columns = int(column.max()) + 3  # two empty ones, so that no neighbour is found across the border
        key, of_point, number = np.unique(row * columns + column, return_inverse=True, return_counts=True)
        end = np.cumsum(number)
        return cls(xy[np.argsort(of_point, kind="stable")], key, end - number, end, columns, of_point)

    def neighbours(self) -> Iterator[tuple[Ints, Ints, Floats]]:
        """Yield pairs of cells that may hold points within eps, direction by direction, each pair once."""
        for row, column in ((0, 1), (0, 2), *((row, column) for row in (1, 2) for column in range(-2, 3))):
            wanted = self.key + row * self.columns + column
            found = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
            one = np.flatnonzero(self.key[found] == wanted)
            yield one, found[one], np.sign([column, row])

    def touch(self, one: Ints, other: Ints, way: Floats, eps_m: float) -> NDArray[np.bool_]:
        """Tell which pairs of cells are near by the point of each that lies farthest towards the other."""
        along = self.xy @ way
        by_cell = np.lexsort((along, np.repeat(np.arange(len(self.key)), self.end - self.start)))
        first, last = by_cell[self.start], by_cell[self.end - 1]
        return _are_near(self.xy[last[one]], self.xy[first[other]], eps_m)

    def hold_near_points(self, one: Ints, other: Ints, eps_m: float) -> NDArray[np.bool_]:
        """Tell which pairs of cells hold any two points within eps, by comparing all."""
        near = np.zeros(len(one), dtype=bool)
        for pair, row in _expanded(self.start[one], self.end[one]):
            for i, j in _expanded(self.start[other[pair]], self.end[other[pair]]):
                near[pair[i[_are_near(self.xy[row[i]], self.xy[j], eps_m)]]] = True
        return near
