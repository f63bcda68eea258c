"""The districting problem: units with work, minutes between them, who touches whom, and how many zones.

In:     arrays that ``models.zones`` (or a test, or a benchmark) has made from tables.
Out:    a frozen ``Problem``, and the functions that judge an answer to it.
Method: capacitated p-median (Hess et al. 1965) on a graph, the letters used in all files of this folder:

        min  Σ_ij c_ij·x_ij            c_ij = w_i·d_ij                     (1) work times minutes from the zone's post
        s.t. Σ_j x_ij = 1              every unit i                        (2) a unit is in one zone, never split
             x_ij ≤ x_jj               every pair                          (3) only to a unit that is a post
             Σ_j x_jj = k                                                  (4) k zones
             (1−e)·W·x_jj ≤ Σ_i w_i·x_ij ≤ (1+e)·W·x_jj,  W = Σ_i w_i / k  (5) balance
             the units of a zone are connected                             (6) contiguity

An answer is an array ``post``: ``post[i]`` is the unit where the post of i's zone stands, so a zone is named by it.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SAME = 1e-9  # two costs nearer than this share are one
SLACK = 1e-6  # of the mean load: the feasibility tolerance of the solver, used alike by search, bound and judge


class Districted(ABC):
    """What every problem is, whatever its size: the work of its units and how full a zone may be.

    Attributes
    ----------
    load
        w_i, work of each unit in minutes a week, shape (n,).
    count
        k, the number of zones.
    tolerance
        e, greatest share by which a zone's load may differ from the mean; ``math.inf`` for no balance at all.
    neighbours
        For each unit the units it touches, without a barrier between them.
    band
        Least and greatest load of a zone where they are not (1 ± e)·W of these units: a part of a larger ground.
    """

    load: Floats
    count: int
    tolerance: float
    neighbours: tuple[tuple[int, ...], ...]
    band: tuple[float, float] | None = None

    @abstractmethod
    def ways(self, posts: Ints) -> Floats:
        """Return the minutes from some posts to all units, shape (n, m)."""

    @abstractmethod
    def own_ways(self, post: Ints) -> Floats:
        """Return the minutes of each unit to its post, shape (n,)."""

    @property
    def size(self) -> int:
        """Number of units n."""
        return len(self.load)

    @property
    def mean_load(self) -> float:
        """W, the load of a zone if all were equal."""
        return float(self.load.sum()) / self.count

    @property
    def limits(self) -> tuple[float, float]:
        """Least and greatest load of a zone, as asked."""
        if self.band is not None:
            return self.band
        return max(0.0, (1 - self.tolerance) * self.mean_load), (1 + self.tolerance) * self.mean_load

    @property
    def lowest(self) -> float:
        """Least load a zone may have, within the solver's tolerance."""
        return max(0.0, self.limits[0] - SLACK * self.mean_load)

    @property
    def highest(self) -> float:
        """Greatest load a zone may have, within the solver's tolerance."""
        return self.limits[1] + SLACK * self.mean_load

    @cached_property
    def component(self) -> Ints:
        """Number of the connected piece of ground each unit lies on."""
        rows = np.repeat(np.arange(self.size), [len(near) for near in self.neighbours])
        columns = np.array([j for near in self.neighbours for j in near], dtype=np.int64)
        graph = csr_array((np.ones(len(rows)), (rows, columns)), shape=(self.size, self.size))
        return connected_components(graph, directed=False)[1].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Problem(Districted):
    """One districting problem.

    Attributes
    ----------
    load, neighbours, count, tolerance, band
        As in every ``Districted``.
    travel_min
        d_ij, minutes from a post in unit j to unit i, shape (n, n), 0 on the diagonal, inf where there is no way.
        A pair in different components is set to inf here: no zone can hold both.
    """

    load: Floats
    travel_min: Floats
    neighbours: tuple[tuple[int, ...], ...]
    count: int
    tolerance: float
    band: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        same = self.component[:, None] == self.component[None, :]
        travel = np.where(same, self.travel_min, np.inf)
        np.fill_diagonal(travel, 0.0)
        object.__setattr__(self, "travel_min", travel)

    def ways(self, posts: Ints) -> Floats:
        """Return the minutes from some posts to all units, shape (n, m)."""
        return self.travel_min[:, posts]

    def own_ways(self, post: Ints) -> Floats:
        """Return the minutes of each unit to its post, shape (n,)."""
        return self.travel_min[np.arange(self.size), post]

    @cached_property
    def cost(self) -> Floats:
        """c_ij = w_i·d_ij; inf where there is no way, also for a unit without work."""
        with np.errstate(invalid="ignore"):
            product = self.load[:, None] * self.travel_min
        return np.where(np.isinf(self.travel_min), np.inf, product)

    @cached_property
    def neighbour_bits(self) -> tuple[int, ...]:
        """The neighbours of each unit as one integer, bit j set for unit j: set operations cost one instruction."""
        return tuple(sum(1 << j for j in near) for near in self.neighbours)


def neighbours_from_pairs(size: int, pairs: Ints) -> tuple[tuple[int, ...], ...]:
    """Return each unit's neighbours from an array of touching pairs, shape (m, 2)."""
    near: list[set[int]] = [set() for _ in range(size)]
    for a, b in pairs.tolist():
        if a != b:
            near[a].add(b)
            near[b].add(a)
    return tuple(tuple(sorted(units)) for units in near)


def objective(problem: Problem, post: Ints) -> float:
    """Return the cost (1) of an answer."""
    return float(problem.cost[np.arange(problem.size), post].sum())


def zone_loads(problem: Problem, post: Ints) -> Floats:
    """Return the load of each zone, ordered by the unit number of its post."""
    _, zone = np.unique(post, return_inverse=True)
    return np.bincount(zone, weights=problem.load).astype(np.float64)


def worst_deviation(problem: Problem, post: Ints) -> float:
    """Return the greatest relative distance of a zone's load from the mean."""
    return float(np.abs(zone_loads(problem, post) / problem.mean_load - 1).max())


def pieces(problem: Districted, members: Ints) -> list[Ints]:
    """Return the connected pieces of a set of units, the largest first."""
    left, found = set(members.tolist()), []
    while left:
        piece = _reachable(problem, min(left), left)
        left -= piece
        found.append(np.array(sorted(piece), dtype=np.int64))
    return sorted(found, key=len, reverse=True)


def _reachable(problem: Districted, start: int, allowed: set[int]) -> set[int]:
    seen, edge = {start}, [start]
    while edge:
        for j in problem.neighbours[edge.pop()]:
            if j in allowed and j not in seen:
                seen.add(j)
                edge.append(j)
    return seen


def broken_rules(problem: Problem, post: Ints) -> list[str]:
    """Return the names of the rules that an answer breaks: "count", "post", "way", "balance", "contiguity"."""
    broken = []
    posts = np.unique(post)
    if len(posts) != problem.count:
        broken.append("count")
    if (post[posts] != posts).any():
        broken.append("post")
    if not math.isfinite(objective(problem, post)):
        broken.append("way")
    loads = zone_loads(problem, post)
    if (loads < problem.lowest).any() or (loads > problem.highest).any():
        broken.append("balance")
    if any(len(pieces(problem, np.flatnonzero(post == j))) > 1 for j in posts):
        broken.append("contiguity")
    return broken


def recentred(problem: Problem, post: Ints) -> Ints:
    """Return the same zones with each post in the unit that costs least (ties: the lowest unit number)."""
    better = post.copy()
    for j in np.unique(post):
        members = np.flatnonzero(post == j)
        totals = problem.cost[np.ix_(members, members)].sum(axis=0)
        better[members] = members[int(np.argmin(totals))]
    return better
