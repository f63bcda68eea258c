"""Reach: how far apart two incidents are neighbours (DBSCAN's eps), taken from the data and held against chance.

In:     incidents (points in metres, weights), the chance surface, the least incidents that make a place dense.
Out:    eps and the least count; which rule set them; how many clusters chance alone forms with them, with an interval.
Method: the knee of the k-distance curve (Ester et al. 1996; the knee as the farthest point from the chord, Satopaa et
        al. 2011), and no farther than chance allows: eps rises from ``NEAREST_M`` step by step while as many incidents
        thrown over the chance surface form at most one cluster on average.

From below, because the number of chance clusters rises and falls again: with a very large eps all incidents of a town
are one single cluster, and one is allowed. Where even ``NEAREST_M`` is too far (a city), more incidents are asked for.

Coordinates rounded to a grid (three decimals of a degree, say) keep eps above its step: else every node is a pile.
Points moved to the middle of their block cannot be told by themselves (of Chicago's robberies 28 % share a point, half
lie within 23 m of the next): there the points of all records, of any type, are what incidents can fall on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats
from scipy.spatial import cKDTree

from analysis.chance_surface import ChanceSurface, Floats
from analysis.weighted_dbscan import joined

NEAREST_M, FARTHEST_M, STEP_M = 75.0, 300.0, 5.0  # METHODS A.3.4: 75 m in a city, 300 m over villages
ALLOWED = 1.0
STEPS_APART = 1.75  # eps in steps of the grid: takes in the diagonal, and a node's ground is no less than its share
FEW_NEARER, OFTEN_REPEATED = 0.01, 0.1
Rule = Literal["given", "knee", "chance", "raised"]
MOST_DRAWS, FEWEST_DRAWS, POINTS_DRAWN = 99, 19, 2_000_000


@dataclass(frozen=True)
class Reach:
    """The distance at which incidents are neighbours, and what chance forms with it.

    Attributes
    ----------
    eps_m, least
        Two incidents this near are neighbours; so many within that distance make a place dense.
    rule
        What set eps: ``given`` by the user, the ``knee`` of the k-distance curve, or ``chance`` (the farthest with at
        most one chance cluster on average); ``raised`` when the least count had to rise instead.
    step_m
        The step of the grid that coordinates are rounded to; 0 where they are not.
    knee_m
        The knee of the k-distance curve; NaN with too few incidents for one.
    chance_clusters, low, high, draws
        Clusters that a redraw forms on average with this eps and least count, its 95 % interval (exact Poisson), and
        the redraws it rests on.
    """

    eps_m: float
    least: int
    rule: Rule
    step_m: float
    knee_m: float
    chance_clusters: float
    low: float
    high: float
    draws: int


def choose_reach(
    xy: Floats, weight: Floats, surface: ChanceSurface, *, least: int, rng: np.random.Generator, given_m: float = 0.0
) -> Reach:
    """Choose eps for incidents ``weight`` (n,) at the distinct points ``xy`` (n, 2); ``given_m`` above 0 fixes it."""
    draws = int(np.clip(POINTS_DRAWN // max(surface.total, 1), FEWEST_DRAWS, MOST_DRAWS))
    thrown = [surface.redraw(rng) for _ in range(draws)]
    knee_m, step_m = knee(k_distances(xy, weight, least)), grid_step(xy, weight)
    nearest_m = min(max(NEAREST_M, STEPS_APART * step_m), FARTHEST_M)
    wanted_m = given_m or float(np.clip(np.nan_to_num(knee_m, nan=nearest_m), nearest_m, FARTHEST_M))
    dense = [_Dense.of(points, least, upto_m=wanted_m) for points in thrown]
    if given_m > 0:
        return _reach(given_m, least, "given", step_m, knee_m, [one.clusters(given_m) for one in dense])
    best = None
    for eps_m in (*np.arange(nearest_m, wanted_m, STEP_M).tolist(), wanted_m):
        formed = _if_allowed((one.clusters(eps_m) for one in dense), draws=draws)
        if formed is None:
            break
        best = _reach(eps_m, least, "knee" if eps_m == wanted_m else "chance", step_m, knee_m, formed)
    return best or _raised(thrown, nearest_m, least, step_m, knee_m)


def grid_step(xy: Floats, weight: Floats) -> float:
    """Return the step of the grid that distinct points (n, 2) are rounded to, 0 where they are not.

    On a grid a tenth of the incidents or more share a point with another, and yet no two points are nearer than a step
    (but for one in a hundred). Houses and venues, where incidents recur too, lie some metres apart: a step that small
    changes nothing.
    """
    if len(xy) < 2 or weight[weight > 1].sum() < OFTEN_REPEATED * weight.sum():
        return 0.0
    return float(np.quantile(cKDTree(xy).query(xy, k=[2])[0], FEW_NEARER))


def k_distances(xy: Floats, weight: Floats, k: int) -> Floats:
    """Return, sorted, for each incident the metres within which it has k incidents, itself included."""
    copies = np.minimum(weight.astype(np.int64), k)  # more than k at one point change nothing: their distance is 0
    spots = np.repeat(xy, copies, axis=0)
    if len(spots) < k:
        return np.empty(0)
    far = cKDTree(spots).query(xy, k=[k])[0][:, 0]
    return np.sort(np.repeat(far, weight.astype(np.int64)))


def knee(rising: Floats) -> float:
    """Return the value of a rising curve where it lies farthest below the chord from its first to its last point."""
    if len(rising) < 3 or rising[-1] <= rising[0]:
        return float("nan")
    x = np.linspace(0.0, 1.0, len(rising))
    y = (rising - rising[0]) / (rising[-1] - rising[0])
    return float(rising[np.argmax(x - y)])


@dataclass(frozen=True)
class _Dense:
    """The points of one redraw that have the least count within some distance, and that distance, rising."""

    xy: Floats
    from_m: Floats

    @classmethod
    def of(cls, xy: Floats, least: int, *, upto_m: float) -> "_Dense":
        far = cKDTree(xy).query(xy, k=[least], distance_upper_bound=upto_m * (1 + 1e-9))[0][:, 0]
        order = np.argsort(far)[: int(np.isfinite(far).sum())]
        return cls(xy[order], far[order])

    def clusters(self, eps_m: float) -> int:
        """Return the number of clusters: groups of dense points that hang together by steps of eps."""
        return groups(self.xy[: np.searchsorted(self.from_m, eps_m * (1 + 1e-9))], eps_m)


def groups(xy: Floats, eps_m: float) -> int:
    """Return how many groups points form whose neighbours are at most ``eps_m`` apart."""
    return int(joined(xy, eps_m=eps_m).max(initial=-1)) + 1


def _raised(thrown: Sequence[Floats], eps_m: float, least: int, step_m: float, knee_m: float) -> Reach:
    """Ask for more incidents within the shortest reach until chance forms no more than one cluster."""
    around = [cKDTree(xy).query_ball_point(xy, eps_m, return_length=True) for xy in thrown]
    while True:
        least += max(least // 20, 1)
        cores = (xy[here >= least] for xy, here in zip(thrown, around, strict=True))
        formed = _if_allowed((groups(core, eps_m) for core in cores), draws=len(thrown))
        if formed is not None:
            return _reach(eps_m, least, "raised", step_m, knee_m, formed)


def _if_allowed(formed: Iterable[int], *, draws: int) -> list[int] | None:
    """Return the clusters of each redraw, or None as soon as they are sure to be more than one on average."""
    counted, total = [], 0
    for clusters in formed:
        counted.append(clusters)
        total += clusters
        if total > ALLOWED * draws:
            return None
    return counted


def _reach(eps_m: float, least: int, rule: Rule, step_m: float, knee_m: float, formed: Sequence[int]) -> Reach:
    """Add the mean number of chance clusters and its exact Poisson interval (Garwood 1936)."""
    total, draws = sum(formed), len(formed)
    low = stats.chi2.ppf(0.025, 2 * total) / 2 / draws if total else 0.0
    high = stats.chi2.ppf(0.975, 2 * total + 2) / 2 / draws
    return Reach(eps_m, least, rule, step_m, knee_m, total / draws, float(low), float(high), draws)
