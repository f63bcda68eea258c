"""Partition: a connected graph of weighted units cut into k connected parts of even load, as compact as may be.

In:     a ``Problem`` and a random generator.
Out:    the part of each unit; every part is connected.

    load L_b = Σ_{u ∈ b} w_u,  mean W = Σ w_u / k
    min  max_b max(L_b, (1+e)·W)                                (1) no part above the tolerance e
    then Σ_b Σ_{u ∈ b} w_u·|x_u − x̄_b|²                         (2) compact: least moment of inertia (Hess et al. 1965)
    s.t. every part is connected                                (3)

Method: recombination (DeFord, Duchin & Solomon 2021): two parts that touch are joined, a random spanning tree is drawn,
        and of all its edges the one is cut that leaves the pair best by (1), then (2). Both sums of every cut come from
        one walk through the tree. Several starts; the best is kept.
Bound:  on (1) with e = 0: no plan's heaviest part can be lighter than W, than the heaviest unit, or than the k-th and
        (k+1)-th heaviest units together, of which two must share a part.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, triu
from scipy.sparse.csgraph import depth_first_order, minimum_spanning_tree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Price = tuple[float, float]

STARTS, MOST_STARTS = 6, 10  # more than the first only while no plan keeps the tolerance
ROUNDS_PER_PART = 12
FIRST_TREES = 4
SAME = 1e-12  # gains smaller than this are rounding
LIGHT = 1e-9  # weight of a unit without work in the moment of inertia, as a share of the mean


@dataclass(frozen=True, eq=False)
class Problem:
    """One graph to cut.

    Attributes
    ----------
    load
        w_u, work of each unit, shape (n,).
    xy
        Middle of each unit in metres, shape (n, 2).
    pairs
        Units that touch, each pair once, shape (m, 2). The graph is connected.
    count
        k, the number of parts, at most n.
    tolerance
        e, share by which a part may exceed the mean without any price.
    """

    load: Floats
    xy: Floats
    pairs: Ints
    count: int
    tolerance: float

    def of(self, members: Ints, count: int) -> "Problem":
        """Return the same problem for some of the units and another number of parts."""
        number = np.full(len(self.load), -1)
        number[members] = np.arange(len(members))
        pairs = number[self.pairs]
        return Problem(self.load[members], self.xy[members], pairs[(pairs >= 0).all(axis=1)], count, self.tolerance)

    @property
    def mean(self) -> float:
        """W, the load of a part if all were equal."""
        return float(self.load.sum()) / self.count

    @property
    def allowed(self) -> float:
        """Load up to which a part costs nothing: the tolerance, or what no plan can avoid."""
        return max((1 + self.tolerance) * self.mean, self.bound) * (1 + SAME)

    @property
    def bound(self) -> float:
        """Load that the heaviest part of no plan can fall below."""
        heaviest = np.sort(self.load)[::-1]
        shared = heaviest[self.count - 1] + heaviest[self.count] if len(heaviest) > self.count else 0.0
        return float(max(self.mean, heaviest[0], shared))

    @cached_property
    def graph(self) -> csr_array:
        """Units that touch, as a symmetric matrix of ones."""
        a, b = self.pairs.T
        size = len(self.load)
        return csr_array((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), shape=(size, size))

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """The units that each unit touches."""
        graph = self.graph
        return tuple(map(tuple, (part.tolist() for part in np.split(graph.indices, graph.indptr[1:-1]))))

    @cached_property
    def moments(self) -> Floats:
        """w, w·x, w·y and w·(x²+y²) of each unit about the middle of all, shape (n, 4)."""
        weight = np.maximum(self.load, LIGHT * max(self.mean, 1.0))
        x, y = (self.xy - self.xy.mean(axis=0)).T
        return np.column_stack([weight, weight * x, weight * y, weight * (x**2 + y**2)])


def divide(problem: Problem, *, rng: np.random.Generator) -> Ints:
    """Return the part (0 … k−1) of each unit, the best of several starts."""
    if problem.count == 1:
        return np.zeros(len(problem.load), dtype=np.int64)
    best, least = np.empty(0, dtype=np.int64), (math.inf, math.inf)
    for start in range(MOST_STARTS):
        part = _polished(problem, _improved(problem, _first_parts(problem, rng), rng))
        if price(problem, part) < least:
            best, least = part, price(problem, part)
        if start + 1 >= STARTS and least[0] <= problem.allowed:
            break
    return best


def price(problem: Problem, part: Ints) -> Price:
    """Return (1) and (2) of a plan."""
    load = np.bincount(part, weights=problem.load, minlength=problem.count)
    sums = np.zeros((problem.count, 4))
    np.add.at(sums, part, problem.moments)
    return max(float(load.max()), problem.allowed), float(inertia(sums).sum())


def inertia(moments: Floats) -> Floats:
    """Return Σ w·|x − x̄|² of sets of units from their summed moments, shape (..., 4)."""
    weight = np.maximum(moments[..., 0], 1e-300)
    return moments[..., 3] - (moments[..., 1] ** 2 + moments[..., 2] ** 2) / weight


def _first_parts(problem: Problem, rng: np.random.Generator) -> Ints:
    """Cut one part of about the mean load off the rest, again and again."""
    last = problem.count - 1
    part = np.full(len(problem.load), last, dtype=np.int64)
    for number in range(last):
        rest = np.flatnonzero(part == last)
        cuts = [_Cuts.drawn(problem, rest, rng).nearest_to_mean(least_rest=last - number) for _ in range(FIRST_TREES)]
        part[min(cuts, key=lambda cut: cut[0])[1]] = number
    return part


def _improved(problem: Problem, part: Ints, rng: np.random.Generator) -> Ints:
    """Recombine pairs of parts that touch, every other time the heaviest with another."""
    a, b = problem.pairs.T
    for turn in range(ROUNDS_PER_PART * problem.count):
        touching = part[a] != part[b]
        pairs = np.unique(np.sort(np.column_stack([part[a], part[b]])[touching], axis=1), axis=0)
        if turn % 2 == 0:
            load = np.bincount(part, weights=problem.load, minlength=problem.count)
            pairs = pairs[(pairs == load.argmax()).any(axis=1)]
        first, second = pairs[rng.integers(len(pairs))]
        here, there = part == first, part == second
        better, taken = _Cuts.drawn(problem, np.flatnonzero(here | there), rng).most_even()
        if better < _price_of_pair(problem, here, there):
            part = np.where(here, second, part)
            part[taken] = first
    return part


def _polished(problem: Problem, part: Ints) -> Ints:
    """Move single units over a border as long as that makes the loads more even, or the parts more compact."""
    part = part.copy()
    a, b = np.vstack([problem.pairs, problem.pairs[:, ::-1]]).T
    near = problem.neighbours
    for _ in range(len(part)):
        border = part[a] != part[b]
        moves = np.unique(np.column_stack([a[border], part[b[border]]]), axis=0)
        uneven, spread = _gains(problem, part, moves)
        better = (uneven < -SAME) | ((uneven <= SAME) & (spread < -SAME))
        for i in np.lexsort((spread, uneven)):
            unit, there = moves[i]
            if better[i] and _stays_whole(near, part, int(unit)):
                part[unit] = there
                break
        else:
            break
    return part


def _gains(problem: Problem, part: Ints, moves: Ints) -> tuple[Floats, Floats]:
    """Return how much each move (unit, other part) worsens evenness and compactness, as shares of all."""
    load = np.bincount(part, weights=problem.load, minlength=problem.count)
    sums = np.zeros((problem.count, 4))
    np.add.at(sums, part, problem.moments)
    unit, there = moves.T
    here, work, moment = part[unit], problem.load[unit], problem.moments[unit]
    before = _outside(problem, load[here], load[there])
    after = _outside(problem, load[here] - work, load[there] + work)
    old, new = inertia(sums), (inertia(sums[here] - moment), inertia(sums[there] + moment))
    spread = (new[0] + new[1] - old[here] - old[there]) / max(float(old.sum()), LIGHT)
    return np.round((after - before) / problem.mean**2, 12), spread


def _stays_whole(near: tuple[tuple[int, ...], ...], part: Ints, unit: int) -> bool:
    """Tell whether a part is still connected, and still there, without one of its units."""
    here = int(part[unit])
    wanted = {other for other in near[unit] if part[other] == here}
    if not wanted:
        return False
    edge = [wanted.pop()]
    seen = {unit, *edge}
    while wanted and edge:
        for other in near[edge.pop()]:
            if other not in seen and part[other] == here:
                seen.add(other)
                edge.append(other)
                wanted.discard(other)
    return not wanted


def _price_of_pair(problem: Problem, here: NDArray[np.bool_], there: NDArray[np.bool_]) -> Price:
    sums = np.stack([problem.moments[here].sum(axis=0), problem.moments[there].sum(axis=0)])
    load = float(problem.load[here].sum()), float(problem.load[there].sum())
    return float(_outside(problem, *load)), float(inertia(sums).sum())


def _outside(problem: Problem, *loads: Any) -> Any:  # noqa: ANN401 - numbers or arrays
    """Return by how much parts leave the band of the tolerance about the mean: the sum of squares."""
    over = (np.maximum(np.abs(load - problem.mean) - problem.tolerance * problem.mean, 0) for load in loads)
    return sum(part**2 for part in over)


@dataclass(frozen=True, eq=False)
class _Cuts:
    """A spanning tree of some connected units, and the two sides that the cut of each edge leaves.

    ``order`` holds the units as a walk from the root meets them, so that what hangs below the i-th is
    ``order[i:end[i]]``; the cut above it takes these off the rest.
    """

    problem: Problem
    order: Ints
    end: Ints

    @classmethod
    def drawn(cls, problem: Problem, members: Ints, rng: np.random.Generator) -> "_Cuts":
        """Draw the tree: the minimum spanning tree under random weights."""
        inner = problem.graph[members][:, members].tocsr()
        upper = triu(inner, format="csr")
        upper.data = 1.0 - rng.random(upper.nnz)
        tree = minimum_spanning_tree(upper)
        order, parent = depth_first_order(tree, int(rng.integers(len(members))), directed=False)
        size, above = [1] * len(members), parent.tolist()
        for unit in order[:0:-1].tolist():
            size[above[unit]] += size[unit]
        return cls(problem, members[order], np.arange(len(order)) + np.array(size)[order])

    @cached_property
    def moments(self) -> tuple[Floats, Floats]:
        """Summed moments of both sides of each cut; the first row is no cut."""
        summed = np.vstack([np.zeros(4), np.cumsum(self.problem.moments[self.order], axis=0)])
        below = summed[self.end] - summed[:-1]
        return below, summed[-1] - below

    @cached_property
    def loads(self) -> tuple[Floats, Floats]:
        """Load of both sides of each cut; the first row is no cut."""
        summed = np.r_[0.0, np.cumsum(self.problem.load[self.order])]
        below = summed[self.end] - summed[:-1]
        return below, summed[-1] - below

    @cached_property
    def spread(self) -> Floats:
        """Moment of inertia of both sides of each cut."""
        below, rest = self.moments
        return inertia(below) + inertia(rest)

    def most_even(self) -> tuple[Price, Ints]:
        """Return the price of the best cut into two whole parts, and the units below it."""
        outside = _outside(self.problem, *self.loads)
        i = 1 + int(np.lexsort((self.spread[1:], outside[1:]))[0])
        return (float(outside[i]), float(self.spread[i])), self.order[i : self.end[i]]

    def nearest_to_mean(self, *, least_rest: int) -> tuple[Price, Ints]:
        """Return the price of the best cut that takes one part off and leaves units for ``least_rest`` more."""
        below = self.end - np.arange(len(self.order))
        rest = len(self.order) - below
        aside = np.concatenate([np.where(rest < least_rest, np.inf, 0.0), np.where(below < least_rest, np.inf, 0.0)])
        load, allowed = np.concatenate(self.loads), self.problem.tolerance * self.problem.mean
        outside = np.maximum(np.abs(load - self.problem.mean) - allowed, 0) + aside
        outside[[0, len(below)]] = np.inf
        i = int(np.lexsort((np.tile(self.spread, 2), outside))[0])
        row = i % len(below)
        inside = self.order[row : self.end[row]]
        side = inside if i < len(below) else np.setdiff1d(self.order, inside)
        return (float(outside[i]), float(self.spread[row])), side
