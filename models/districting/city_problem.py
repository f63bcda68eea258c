"""A districting problem too large for a table of all pairs: minutes are walked on a sparse graph when they are wanted.

In:     work of each unit, the graph of units that touch with the minutes between them, the number of zones.
Out:    a frozen ``CityProblem``, and the functions that judge an answer to it; letters and rules as in ``problem``.

d_ij is the shortest way on the graph itself, so a barrier is a detour for the crew and a wall for the zone alike.
A hundred thousand units take 2 MB here; their table of pairs would take 80 GB.
"""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from models.districting.problem import Districted, Floats, Ints


@dataclass(frozen=True, eq=False)
class CityProblem(Districted):
    """Units by the ten thousand.

    Attributes
    ----------
    load, count, tolerance
        As in every ``Districted``.
    walk_min
        Minutes between units that touch, symmetric, positive, shape (n, n), sparse.
    """

    load: Floats
    walk_min: csr_array
    count: int
    tolerance: float

    @cached_property
    def component(self) -> Ints:
        """Number of the connected piece of ground each unit lies on."""
        return connected_components(self.walk_min, directed=False)[1].astype(np.int64)

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:  # type: ignore[override]  # a field elsewhere
        """For each unit the units it touches."""
        ends, first = self.walk_min.indices.tolist(), self.walk_min.indptr.tolist()
        return tuple(tuple(ends[a:b]) for a, b in itertools.pairwise(first))

    def ways(self, posts: Ints) -> Floats:
        """Return the minutes from some posts to all units, shape (n, m)."""
        return minutes_from(self, posts).T

    def own_ways(self, post: Ints) -> Floats:
        """Return the minutes of each unit to its post, shape (n,)."""
        return minutes_to_post(self, post)

    @cached_property
    def longest_step(self) -> float:
        """Greatest minutes between two units that touch."""
        return float(self.walk_min.data.max(initial=0.0))


def city_from_pairs(load: Floats, pairs: Ints, minutes: Floats, *, count: int, tolerance: float) -> CityProblem:
    """Return the ground of touching pairs, shape (m, 2), with the minutes between them, shape (m,)."""
    ends = (np.concatenate([pairs[:, 0], pairs[:, 1]]), np.concatenate([pairs[:, 1], pairs[:, 0]]))
    graph = csr_array((np.concatenate([minutes, minutes]), ends), shape=(len(load), len(load)))
    return CityProblem(load, graph, count, tolerance)


def minutes_from(ground: CityProblem, posts: Ints) -> Floats:
    """Return the minutes from posts to all units, shape (m, n)."""
    return np.asarray(dijkstra(ground.walk_min, indices=posts))


def members_of(zone: Ints, count: int) -> list[Ints]:
    """Return the units of zones 0 ... count − 1, each sorted."""
    order = np.argsort(zone, kind="stable")
    return np.split(order, np.searchsorted(zone[order], np.arange(1, count)))


def minutes_to_post(ground: CityProblem, post: Ints) -> Floats:
    """Return d_ij of every unit to its zone's post, by the shortest way on the whole ground.

    No unit's way is longer than the longest inside its zone, so no post looks farther than that.
    """
    minutes = np.full(ground.size, np.inf)
    posts, zone = np.unique(post, return_inverse=True)
    for j, units in zip(posts.tolist(), members_of(zone, len(posts)), strict=True):
        place, farthest = int(np.searchsorted(units, j)), np.inf
        if place < len(units) and units[place] == j:
            farthest = float(dijkstra(ground.walk_min[units][:, units], indices=place).max())
        ways = dijkstra(ground.walk_min, indices=j, limit=farthest * (1 + 1e-9))
        minutes[units] = ways[units]
    return minutes


def broken_rules_of(ground: CityProblem, post: Ints) -> list[str]:
    """Return the names of the rules that an answer breaks: "count", "post", "balance", "contiguity"."""
    broken = []
    posts, zone = np.unique(post, return_inverse=True)
    if len(posts) != ground.count:
        broken.append("count")
    if (post[posts] != posts).any():
        broken.append("post")
    loads = np.bincount(zone, weights=ground.load)
    if (loads < ground.lowest).any() or (loads > ground.highest).any():
        broken.append("balance")
    if len(np.unique(_piece_of(ground, zone))) > len(posts):
        broken.append("contiguity")
    return broken


def _piece_of(ground: CityProblem, zone: Ints) -> Ints:
    """Return the connected piece of its zone that each unit lies on, in numbers of the whole ground."""
    edges = ground.walk_min.tocoo()
    inside = zone[edges.row] == zone[edges.col]
    kept = csr_array((np.ones(int(inside.sum())), (edges.row[inside], edges.col[inside])), shape=edges.shape)
    return connected_components(kept, directed=False)[1].astype(np.int64)


def main_pieces(ground: CityProblem, zone: Ints, posts: Ints) -> np.ndarray:
    """Tell which units are joined to the post of their zone by units of the zone; ``posts[z]`` is zone z's."""
    piece = _piece_of(ground, zone)
    return piece == piece[posts[zone]]
