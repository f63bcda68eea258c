"""Grounds: the areas of clusters, drawn from the incidents themselves.

In:     distinct points in metres and the incidents at each; the rule of a cluster.
Out:    one area per cluster no wider than the limit, and how many wider ones hold nothing tighter.
Method: DBSCAN (Ester et al. 1996) at rising thresholds, or HDBSCAN's leaves; the ground is all within half of the
        cluster's reach of its points.

Wide clusters are taken apart by asking for more incidents within the radius, and not by a smaller radius, because
points are often snapped to a road or a block: below that step every block would be a cluster.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from analysis.chance_surface import Floats, Ints
from analysis.density_clusters import DensityFinder
from analysis.piles import PileRule
from analysis.weighted_dbscan import joined, weight_within

DISC_SEGMENTS = 8  # a quarter circle in 8 lines: 0.6 % short in area


@dataclass(frozen=True)
class Grounds:
    """Areas of the clusters; ``uncut`` is the number of clusters wider than the limit with nothing tighter inside."""

    areas: list[shapely.Geometry]
    uncut: int


def collapse(incidents: gpd.GeoDataFrame) -> tuple[Floats, Floats, Ints]:
    """Return distinct points (n, 2), the incidents at each (n,), and for each row the number of its point (rows,)."""
    points = shapely.get_coordinates(incidents.geometry.to_numpy())
    # A point read as one complex number sorts by x, then y, as its row would, seven times as fast.
    distinct, spot = np.unique(points.view(np.complex128).ravel(), return_inverse=True)
    xy = distinct.view(np.float64).reshape(-1, 2)
    return xy, np.bincount(spot, incidents["count"], minlength=len(xy)).astype(float), spot.astype(np.int64)


def dbscan_grounds(xy: Floats, weight: Floats, rule: PileRule) -> Grounds:
    """Return the ground of each DBSCAN cluster, threshold by threshold: all within half of eps of a core point.

    Core points of two clusters of one threshold are more than eps apart, so their grounds never overlap and every
    incident on a ground belongs to its cluster; grounds of a higher threshold lie inside those of a lower one.
    """
    areas, wide, cut = [], [], np.zeros(len(xy), dtype=bool)
    for threshold, members in _clusters(xy, weight, rule):
        area = _ground(xy[members], rule.eps_m, rule.max_area_km2)
        if area is not None:
            areas.append(area)
            cut[members] = True
        elif threshold == rule.min_count:
            wide.append(members)
    return Grounds(areas, uncut=sum(not cut[members].any() for members in wide))


def hdbscan_grounds(xy: Floats, weight: Floats, finder: DensityFinder) -> Grounds:
    """Return the ground of each of HDBSCAN's leaves."""
    drawn = [_ground(xy[members], reach_m, finder.max_area_km2) for members, reach_m in finder.clusters(xy, weight)]
    return Grounds([area for area in drawn if area is not None], uncut=sum(area is None for area in drawn))


def _clusters(xy: Floats, weight: Floats, rule: PileRule) -> Iterator[tuple[int, Ints]]:
    """Yield each cluster's threshold and the numbers of its core points, the lowest threshold first."""
    around = weight_within(xy, weight, eps_m=rule.eps_m)
    for threshold in rule.thresholds(around.max(initial=0.0)):
        core = np.flatnonzero(around >= threshold)
        cluster = joined(xy[core], eps_m=rule.eps_m)
        ends = np.bincount(cluster).cumsum()[:-1]
        for members in np.split(core[np.argsort(cluster, kind="stable")], ends):
            yield threshold, members


def _ground(xy: Floats, reach_m: float, max_area_km2: float) -> shapely.Geometry | None:
    """Return the ground around points, or None where it is wider than the limit."""
    if _least_area_m2(xy, reach_m / 2) > max_area_km2 * 1e6:
        return None  # no need to draw the ground of a town-wide cluster, only to refuse it
    # Drawing one disc per point and joining them is 10 to 80 times faster than buffering a MultiPoint.
    area = shapely.union_all(shapely.buffer(shapely.points(xy), reach_m / 2, quad_segs=DISC_SEGMENTS))
    return area if area.area <= max_area_km2 * 1e6 else None


def _least_area_m2(xy: Floats, radius_m: float) -> float:
    """Return an area that discs around the points cover at least: a square with a point in it is inside its disc."""
    side_m = radius_m / math.sqrt(2)
    return len(np.unique(np.floor(xy / side_m), axis=0)) * side_m**2
