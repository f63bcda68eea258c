"""Roads closed for now: which they are, and the ground as they leave it.

In:     segments of road that hands have closed, kept in the zone plan with their reason; the tables of the ground.
Out:    the same tables with nothing to patrol on a closed road, and no way over the crossings that only it carries.
Rules:  a closed road stays closed in every later plan until hands open it again. It is known by a point in its middle,
        for its number changes when the roads are imported anew; where no road is left there, the plan says so.
        Nobody patrols a closed road, so it is no work: its metres leave the workload, the beats and every card.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from gis_data import cells as grid
from gis_data.barriers import find_crossings
from models.plan import Plan

ROAD_CHANGES = ("close", "close_road", "open_road")  # kinds of changes by hand that closings tell by themselves
SAME_SPOT_M = 0.5
SAME_ROAD_M = 1.0  # a road imported anew lies where it did


@dataclass(frozen=True)
class Closing:
    """Segments of road that were closed together, and are opened together.

    Attributes
    ----------
    road_ids
        ``road_id`` of each segment (table ROADS).
    spots
        (x, y) of a point in the middle of each, metres.
    reason
        Why; "" while nobody has said it yet.
    """

    road_ids: tuple[int, ...]
    spots: tuple[tuple[float, float], ...]
    reason: str = ""

    @classmethod
    def of(cls, roads: gpd.GeoDataFrame, road_ids: Iterable[int], reason: str = "") -> "Closing":
        """Return the closing of some segments of a table of roads."""
        ids = tuple(sorted(road_ids))
        lines = roads.set_index("road_id").geometry.loc[list(ids)].to_numpy()
        middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
        return cls(ids, tuple((round(x, 2), round(y, 2)) for x, y in middle.tolist()), reason)


def closings_of(settings: Mapping[str, Any]) -> tuple[Closing, ...]:
    """Return what is closed in a plan of these settings."""
    return tuple(
        Closing(tuple(one["road_ids"]), tuple((x, y) for x, y in one["spots"]), one["reason"])
        for one in settings.get("closings", ())
    )


def roads_closed(closings: Iterable[Closing]) -> frozenset[int]:
    """Return the ids of all segments that are closed."""
    return frozenset(road for closing in closings for road in closing.road_ids)


def opened(closings: Sequence[Closing], road_ids: Collection[int]) -> tuple[Closing, ...]:
    """Return what stays closed when some segments, and those closed together with them, are opened."""
    return tuple(closing for closing in closings if not set(closing.road_ids) & set(road_ids))


Closings = tuple[Closing, ...]


def found_again(closings: Sequence[Closing], roads: gpd.GeoDataFrame) -> tuple[Closings, Closings]:
    """Return the closings by the numbers that roads have now, and those whose roads are not there any more."""
    kept, lost = [], []
    tree = shapely.STRtree(roads.geometry.to_numpy())
    number = roads["road_id"].to_numpy()
    for closing in closings:
        spot, road = tree.query_nearest(
            shapely.points(closing.spots), max_distance=SAME_ROAD_M, all_matches=False
        )  # fmt: skip
        ids = {int(number[row]) for row in road}
        if ids:
            kept.append(Closing.of(roads, ids, closing.reason))
        if len(spot) < len(closing.spots):
            gone = [k for k in range(len(closing.spots)) if k not in set(spot.tolist())]
            lost.append(Closing(tuple(closing.road_ids[k] for k in gone), tuple(closing.spots[k] for k in gone),
                                closing.reason))  # fmt: skip
    return tuple(kept), tuple(lost)


def ground_left(tables: Mapping[str, Any], closed: Collection[int], *, cell_size_m: float) -> dict[str, Any]:
    """Return the tables of a job as closed roads leave the ground.

    Parameters
    ----------
    tables
        ``cells``, ``cell_edges``, ``roads``, ``barriers`` and ``crossings`` among them.
    closed
        Ids of the segments that are closed.

    Returns
    -------
    dict
        All tables; in ``cells`` the metres of closed roads are gone, in ``cell_edges`` what only they carried over a
        barrier, and ``roads`` has a column ``closed``.
    """
    shut = tables["roads"]["road_id"].isin(list(closed))
    if not shut.any():
        return dict(tables)
    roads, cells = tables["roads"], tables["cells"]
    still = _still_crossed(tables["crossings"], tables["barriers"], roads[~shut])
    edges = grid.walkable_edges(cells, tables["barriers"], tables["crossings"][still], size=cell_size_m)
    component = connected_components(grid.edge_matrix(len(cells), edges), directed=False)[1]
    metres = np.maximum(cells["road_m"].to_numpy() - grid.road_metres(cells, roads[shut]), 0.0)
    return {
        **tables, "roads": roads.assign(closed=shut), "cell_edges": edges,
        "cells": cells.assign(component=component, road_m=metres),
    }  # fmt: skip


def closed_in(roads: pd.DataFrame) -> list[int]:
    """Return the ids of the segments that a table of roads has as closed."""
    return [] if "closed" not in roads else roads.loc[roads["closed"], "road_id"].tolist()


def _still_crossed(
    crossings: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, roads: gpd.GeoDataFrame
) -> NDArray[np.bool_]:  # fmt: skip
    """Tell at which crossings a road that is open still crosses the barrier.

    A road cut on the barrier has two segments there, and the crossing names only one: the roads left are asked.
    """
    left = find_crossings(barriers, roads, crs=str(crossings.crs))
    here, there = shapely.STRtree(left.geometry.to_numpy()).query(
        crossings.geometry.to_numpy(), predicate="dwithin", distance=SAME_SPOT_M
    )
    same = crossings["barrier_id"].to_numpy()[here] == left["barrier_id"].to_numpy()[there]
    return np.isin(np.arange(len(crossings)), here[same])


def with_closings(
    plan: Plan, closings: Sequence[Closing], roads: pd.DataFrame, *, lost: Sequence[Closing] = ()
) -> Plan:  # fmt: skip
    """Return a plan that keeps what is closed, and says so; ``lost`` is what was closed and is not found any more."""
    notes = [
        ("zones.note.closed", {"roads": road_words(roads, closing.road_ids), "reason": closing.reason})
        for closing in closings
    ] + [
        ("zones.note.closing_lost", {"roads": [f"#{road}" for road in closing.road_ids], "reason": closing.reason})
        for closing in lost
    ]  # fmt: skip
    settings = dict(plan.settings) | {"closings": [dataclasses.asdict(closing) for closing in closings]}
    return dataclasses.replace(plan, settings=settings, notes=(*plan.notes, *notes))


def road_words(roads: pd.DataFrame, road_ids: Sequence[int]) -> list[str]:
    """Return what segments of road are called: the road's name where it has one, and the segment's number."""
    name = roads.set_index("road_id")["name"]
    return [f"{name.get(road, '')} #{road}".strip() for road in road_ids]
