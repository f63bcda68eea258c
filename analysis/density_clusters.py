"""Density clusters (HDBSCAN): places dense against their own surroundings, each at its own distance.

In:     distinct points in metres and the incidents at each.
Out:    the cluster of each point; for the search of hotspots, each cluster's pile on the grid of a chance surface.
Method: HDBSCAN (Campello, Moulavi & Sander 2013): all DBSCAN* clusterings, of every distance up to ``farthest_m``, as
        one tree, and the leaves of the tree, which are of a patrol's size where the excess of mass takes a whole town
        centre. A point is dense within the distance that holds ``core_count`` incidents, its own included; weights
        count wherever HDBSCAN counts points, so that a place with ten calls is ten rows and costs as much as one.

Not scikit-learn's, for three reasons, all measured: it knows no weights; it breaks ties of the mutual distance, which
are the rule and no exception, by the order of the rows (two orders of the sample town's rows agree to 0.89 by the
adjusted Rand index); and it stops with a TypeError where no cluster parts above ``cluster_selection_epsilon``. Here
all that join at one distance join at once, so that the order of rows cannot matter. Where there are no ties (a
``core_count`` of 1) the labels are scikit-learn's on every row; with ties they agree with it to 0.84 to 0.99.
"""

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from analysis.chance_surface import ChanceSurface, Floats, Ints
from analysis.piles import Piles
from analysis.reach import FARTHEST_M, NEAREST_M

CORE_COUNT = 5  # METHODS A.3.4: 5 to 10
PER_M = 1e6  # distances are compared in micrometres, so that a shift of the town changes no tie


def density_clusters(
    xy: Floats,
    weight: Floats,
    *,
    least: int,
    core_count: int = CORE_COUNT,
    joined_within_m: float = NEAREST_M,
    farthest_m: float = FARTHEST_M,
) -> Ints:
    """Return the cluster (n,) of each of n distinct points, -1 for none, numbered by their first point.

    Parameters
    ----------
    least
        Incidents that make a cluster.
    core_count
        A place is as dense as the distance to so many incidents, its own included, is short.
    joined_within_m
        Clusters that part below this distance stay one: nearer places a patrol cannot tell apart.
    farthest_m
        Places farther apart are never of one cluster. Time and memory grow with the pairs of points this near.
    """
    tree = _Tree(weight, least, joined_within_m)
    core = core_distances(xy, weight, core_count)
    alone = np.flatnonzero((weight >= least) & (core <= farthest_m))
    one, other, apart = _spanning_tree(xy, core, farthest_m)
    steps = zip(
        np.concatenate([core[alone], apart]).tolist(),
        np.concatenate([alone, one]).tolist(),
        np.concatenate([alone, other]).tolist(),
        strict=True,
    )
    for apart_m, joining in groupby(sorted(steps), key=lambda step: step[0]):
        tree.join(apart_m, [(a, b) for _, a, b in joining])
    return tree.labels()


def core_distances(xy: Floats, weight: Floats, core_count: int) -> Floats:
    """Return for each point (n,) the metres within which it has ``core_count`` incidents, its own included."""
    if len(xy) == 0:
        return np.empty(0)
    far, who = cKDTree(xy).query(xy, k=list(range(1, core_count + 1)))
    held = np.cumsum(np.append(weight, 0.0)[who], axis=1) >= core_count
    far = np.where(held.any(axis=1), far[np.arange(len(xy)), held.argmax(axis=1)], np.inf)
    rounded: Floats = np.rint(far * PER_M) / PER_M
    return rounded


def _spanning_tree(xy: Floats, core: Floats, farthest_m: float) -> tuple[Ints, Ints, Floats]:
    """Return the shortest tree (or trees) over all pairs at most ``farthest_m`` apart by the mutual distance."""
    pairs = cKDTree(xy).query_pairs(farthest_m, output_type="ndarray") if len(xy) else np.empty((0, 2), np.int64)
    apart = np.rint(np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) * PER_M) / PER_M
    mutual = np.maximum(apart, np.maximum(core[pairs[:, 0]], core[pairs[:, 1]]))
    near = mutual <= farthest_m
    graph = sparse.coo_array((mutual[near], pairs[near].T), shape=(len(xy), len(xy)))
    tree = csgraph.minimum_spanning_tree(graph.tocsr()).tocoo()
    return tree.row.astype(np.int64), tree.col.astype(np.int64), tree.data


class _Tree:
    """The tree of clusters, built from its leaves: which points hang together as the distance grows."""

    def __init__(self, weight: Floats, least: int, joined_within_m: float) -> None:
        self.least, self.joined_within_m = least, joined_within_m
        self.top = list(range(len(weight)))
        self.members = {point: [point] for point in self.top}
        self.weight = dict(enumerate(weight.tolist()))
        self.is_leaf: dict[int, bool] = {}  # the pieces with enough incidents: whether no split lies below
        self.leaves: list[list[int]] = []

    def join(self, apart_m: float, pairs: list[tuple[int, int]]) -> None:
        """Join all pairs of points of one distance at once."""
        pieces: dict[int, set[int]] = {}
        for a, b in ((self.find(a), self.find(b)) for a, b in pairs):
            together = pieces.get(a, {a}) | pieces.get(b, {b})
            pieces.update(dict.fromkeys(together, together))
        for together in {id(one): one for one in pieces.values()}.values():
            self._merge(apart_m, sorted(together))

    def _merge(self, apart_m: float, pieces: list[int]) -> None:
        big = [piece for piece in pieces if piece in self.is_leaf]
        splits = len(big) > 1 and apart_m >= self.joined_within_m
        leaf = not splits and all(self.is_leaf[piece] for piece in big)
        if splits:
            self.leaves += [self.members[piece] for piece in big if self.is_leaf[piece]]
        into = max(pieces, key=lambda piece: len(self.members[piece]))
        gathered = self.members[into] if not splits else list(self.members[into])  # a leaf keeps the list it had
        for piece in pieces:
            if piece != into:
                self.top[piece] = into
                gathered += self.members.pop(piece)
                self.weight[into] += self.weight.pop(piece)
            self.is_leaf.pop(piece, None)
        self.members[into] = gathered
        if self.weight[into] >= self.least:
            self.is_leaf[into] = leaf

    def find(self, point: int) -> int:
        """Return the piece that a point belongs to."""
        while self.top[point] != point:
            self.top[point] = self.top[self.top[point]]
            point = self.top[point]
        return point

    def labels(self) -> Ints:
        """Return the leaf of each point."""
        tops = [self.members[piece] for piece, leaf in self.is_leaf.items() if leaf]
        labels = np.full(len(self.top), -1)
        for number, leaf in enumerate(sorted([*self.leaves, *tops], key=min)):
            labels[leaf] = number
        return labels


class DensityFinder:
    """Finds piles by ``density_clusters``: the ground within half of a cluster's own reach of its points.

    The reach of a cluster is the median distance of its points to ``CORE_COUNT`` incidents, within the bounds of eps.
    """

    def __init__(self, surface: ChanceSurface, *, least: int, max_area_km2: float) -> None:
        self.surface, self.least = surface, least
        self.max_area_km2 = max_area_km2

    def clusters(self, xy: Floats, weight: Floats) -> Iterator[tuple[Ints, float]]:
        """Yield each cluster: the numbers of its points, and its reach in metres."""
        labels = density_clusters(xy, weight, least=self.least)
        core = core_distances(xy, weight, CORE_COUNT)
        for label in range(labels.max(initial=-1) + 1):
            members = np.flatnonzero(labels == label)
            yield members, float(np.clip(np.median(core[members]), NEAREST_M, FARTHEST_M))

    def find(self, xy: Floats, weight: Floats) -> Piles:
        """Return the pile of each cluster no wider than the limit."""
        grid = self.surface.grid
        at = grid.cells_of(xy)
        counts = np.bincount(at, weight, minlength=grid.on_land.size)
        most = self.max_area_km2 * 1e6 / grid.cell_m**2
        grounds = [
            np.unique(at[members, None] + grid.disc(reach_m / 2)) for members, reach_m in self.clusters(xy, weight)
        ]
        grounds = [ground for ground in grounds if len(ground) <= most]
        expected = self.surface.expected.ravel()
        return Piles(
            np.array([counts[ground].sum() for ground in grounds]),
            np.array([expected[ground].sum() for ground in grounds]),
            grounds,
        )

    def find_by_chance(self, rng: np.random.Generator) -> Piles:
        """Return the piles of one redraw."""
        xy = self.surface.redraw(rng)
        return self.find(xy, np.ones(len(xy)))
