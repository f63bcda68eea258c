"""METIS and spopt as peers: parts of units that touch, each made by the rules it knows.

METIS (Karypis & Kumar 1998) keeps parts connected and balanced and cuts as few borders as it can; of ways it knows
nothing. spopt's Skater and Ward join what lies close together, connected, and know no balance. Its p-median with
capacities knows ways and a greatest load, but no contiguity and no least load. All get the same units and borders.
"""

import warnings
from collections.abc import Callable, Sequence

import geopandas as gpd
import libpysal
import numpy as np
import pulp
import pymetis
from numpy.typing import NDArray
from spopt.locate import PMedian
from spopt.region import Skater, WardSpatial

from benchmarks._gerrychain import WHOLE_NUMBERS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Near = Sequence[Sequence[int]]


def metis(
    load: Floats, near: Near, count: int, *, tolerance: float, seeds: range, rank: Callable[[Ints], tuple[float, ...]]
) -> Ints:  # fmt: skip
    """Return the part of each unit in the plan that ranks lowest among those of some seeds."""
    starts = np.concatenate([[0], np.cumsum([len(units) for units in near])]).astype(np.int32)
    ends = np.array([unit for units in near for unit in units], dtype=np.int32)
    work = np.maximum(np.round(load / load.sum() * WHOLE_NUMBERS * count), 1).astype(np.int32)
    graph, plans = pymetis.CSRAdjacency(starts, ends), []
    for seed in seeds:
        options = pymetis.Options(contig=1, ufactor=round(1000 * tolerance), seed=seed)
        cut = pymetis.part_graph(count, graph, vweights=work, recursive=False, options=options)
        plans.append(np.array(cut.vertex_part, dtype=np.int64))
    return min(plans, key=rank)


def skater(xy: Floats, near: Near, count: int) -> Ints:
    """Return Skater's parts (Assunção et al. 2006): a spanning tree, cut where neighbours lie least alike."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Skater(_places(xy), _borders(near), ["x", "y"], n_clusters=count, floor=len(near) // (2 * count))
        model.solve()
    return np.unique(model.labels_, return_inverse=True)[1].astype(np.int64)


def ward(xy: Floats, near: Near, count: int) -> Ints:
    """Return the parts of Ward's clustering of neighbours by place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = WardSpatial(_places(xy), _borders(near), ["x", "y"], n_clusters=count)
        model.solve()
    return np.unique(model.labels_, return_inverse=True)[1].astype(np.int64)


def p_median(travel_min: Floats, load: Floats, count: int, *, most: float, limit_s: float) -> Ints:
    """Return whom each post serves in the p-median of posts that carry no more than ``most``, or CBC's best by then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = PMedian.from_cost_matrix(
            travel_min, load, p_facilities=count, facility_capacities=np.full(len(load), most)
        )
        model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=limit_s, threads=1))
    part = np.empty(len(load), dtype=np.int64)
    for post, served in enumerate(model.fac2cli):
        part[served] = post
    return np.unique(part, return_inverse=True)[1].astype(np.int64)


def _places(xy: Floats) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"x": xy[:, 0], "y": xy[:, 1]}, geometry=gpd.points_from_xy(*xy.T))


def _borders(near: Near) -> libpysal.weights.W:
    return libpysal.weights.W({unit: list(units) for unit, units in enumerate(near)}, silence_warnings=True)
