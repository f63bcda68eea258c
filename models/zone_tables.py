"""The tables of a zone plan: zones, units with the reason of their place, and today's areas beside them.

In:     a districting problem, its units as a table, and the answer.
Out:    tables in the study's CRS, ready to be drawn and printed; nothing downstream has to compute.
"""

import math
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.catalogue import text
from models.districting.problem import Districted, Floats, Ints, Problem, pieces, recentred
from models.workload import TERMS
from models.zone_wishes import root_mean_square_km

SHOWN_TERMS = (*TERMS, "total_min")
# What ``areas_of_today`` is given beside it where no random plans were drawn.
NONE_DRAWN = {"beats_travel_pct": math.nan, "beats_balance_pct": math.nan, "random_plans": 0, "random_distinct": 0}


def zone_table(
    problem: Districted, units: gpd.GeoDataFrame, post: Ints, *, order: Ints | None = None
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return one row a zone, Z1 in the north-west (or by ``order`` of posts), with its ground, work, ways and post."""
    order = posts_in_order(units, post) if order is None else order
    names = dict(zip(order.tolist(), zone_ids(len(order)), strict=True))
    ways = problem.own_ways(post)
    rows = [_zone_row(problem, units, ways, np.flatnonzero(post == j), j, names[j]) for j in order.tolist()]
    zones = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=units.crs)
    zones["load_ratio"] = zones["workload_h_per_week"] / zones["workload_h_per_week"].mean()
    zones["share_pct"] = 100 * zones["workload_h_per_week"] / zones["workload_h_per_week"].sum()
    zones["colour"] = colours(problem, post, order)
    return zones[[*(name for name in zones.columns if name != "geometry"), "geometry"]]


def posts_in_order(units: pd.DataFrame, post: Ints) -> Ints:
    """Return the posts in reading order from north-west to south-east, so that numbers stay where they are."""
    posts = np.unique(post)
    x, y = units["x"].to_numpy(), units["y"].to_numpy()
    return posts[np.lexsort((posts, np.round(x[posts] - y[posts], 3)))]


def zone_ids(count: int) -> list[str]:
    """Return Z1, Z2 ...; padded (Z01) from ten zones on, so that text sorts as numbers do."""
    width = len(str(count))
    return [f"Z{number:0{width}d}" for number in range(1, count + 1)]


def _zone_row(
    problem: Districted, units: gpd.GeoDataFrame, ways: Floats, members: Ints, j: int, zone_id: str
) -> dict[str, Any]:
    mine, travel = units.iloc[members], ways[members]
    ground = shapely.union_all(mine.geometry.to_numpy())
    load = problem.load[members]
    main = mine.sort_values(["population", "total_min", "unit_id"], ascending=[False, False, True]).iloc[0]
    villages = bool(units["population"].sum() > 0)
    return {
        "zone_id": zone_id,
        "name": text("zones.name", village=_short(main["name"])) if villages else zone_id,
        "units": len(members),
        "members": "、".join(mine["name"]) if villages else "",
        "population": int(mine["population"].sum()),
        "area_km2": float(mine["area_km2"].sum()),
        "road_km": float(mine["road_km"].sum()),
        "incidents_per_week": float(mine["incidents_per_week"].sum()),
        "incident_h_per_week": float(mine["incident_min"].sum()) / 60,
        "patrol_h_per_week": float(mine["patrol_min"].sum()) / 60,
        "fixed_h_per_week": float(mine["fixed_min"].sum()) / 60,
        "trip_h_per_week": float(mine["trip_min"].sum()) / 60,
        "workload_h_per_week": float(mine["total_min"].sum()) / 60,
        "mean_travel_min": float((load * travel).sum() / load.sum()) if load.sum() > 0 else float(travel.mean()),
        "max_travel_min": float(travel.max()),
        "post_unit": units["unit_id"].iloc[j],
        "post_name": units["name"].iloc[j],
        "post_x": float(units["x"].iloc[j]),
        "post_y": float(units["y"].iloc[j]),
        "compactness": 4 * math.pi * ground.area / ground.length**2 if ground.length > 0 else 0.0,
        "geometry": ground,
    }


def _short(name: str) -> str:
    return name[:-1] if name.endswith("村") and len(name) > 2 else name


def colours(problem: Districted, post: Ints, order: Ints) -> list[int]:
    """Return a colour number for each zone, as few as come easily, none shared by zones that touch."""
    touching: dict[int, set[int]] = {int(j): set() for j in order}
    for i, near in enumerate(problem.neighbours):
        touching[int(post[i])] |= {int(post[other]) for other in near} - {int(post[i])}
    chosen: dict[int, int] = {}
    for j in order.tolist():
        used = {chosen[other] for other in touching[j] if other in chosen}
        chosen[j] = next(number for number in range(len(order)) if number not in used)
    return [chosen[j] for j in order.tolist()]


def unit_table(
    problem: Districted, units: gpd.GeoDataFrame, post: Ints, *, order: Ints | None = None
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return one row a unit: its zone, work, minutes to the post, the next best zone, and why it is not there."""
    order = posts_in_order(units, post) if order is None else order
    names = np.array(zone_ids(len(order)), dtype=object)
    place = {int(j): number for number, j in enumerate(order)}
    zone = np.array([place[int(j)] for j in post])
    other = problem.ways(order).copy()
    own = other[np.arange(problem.size), zone]
    other[np.arange(problem.size), zone] = np.inf
    following = other.argmin(axis=1)
    other_ways = other[np.arange(problem.size), following]
    reasons = _Reasons(problem, post, own, other_ways)
    table = units[["unit_id", "name", "population", "area_km2", "road_km", "incidents_per_week", *SHOWN_TERMS]]
    table = table.assign(
        zone_id=names[zone],
        x=units["x"],
        y=units["y"],
        travel_min=own,
        next_zone_id=names[following],
        next_travel_min=other_ways,
        reason=[reasons.of(i, int(order[following[i]])) for i in range(problem.size)],
    )
    return gpd.GeoDataFrame(table, geometry=units.geometry, crs=units.crs)


class _Reasons:
    """Why a unit is not in the next best zone: the first rule that forbids it."""

    def __init__(self, problem: Districted, post: Ints, own_ways: Floats, other_ways: Floats) -> None:
        self.problem, self.post = problem, post
        self.longer = (own_ways > other_ways).tolist()
        self.load = {int(j): float(problem.load[post == j].sum()) for j in np.unique(post)}

    def of(self, i: int, other: int) -> str:
        """Return the reason's name: a key under ``zones.because``."""
        problem, own, work = self.problem, int(self.post[i]), float(self.problem.load[i])
        if i == own:
            return "post"
        if len(self.load) == 1 or not self.longer[i]:
            return "nearest"
        if all(self.post[near] != other for near in problem.neighbours[i]):
            return "not_adjacent"
        rest = np.array([m for m in np.flatnonzero(self.post == own) if m != i])
        if len(pieces(problem, rest)) > 1:
            return "breaks"
        if self.load[own] - work < problem.lowest:
            return "leaves_light"
        return "makes_heavy" if self.load[other] + work > problem.highest else "whole"


def areas_of_today(problem: Districted, units: pd.DataFrame, post: Ints) -> pd.DataFrame:
    """Return balance and ways of the plan and, where every unit names its work area, of today's areas beside it."""
    rows = [balance_row(problem, units, "plan", post)]
    if (units["work_area"] != "").all() and isinstance(problem, Problem):
        first = units.groupby("work_area").ngroup().to_numpy()
        old = recentred(problem, np.array([int(np.argmax(first == z)) for z in first]))
        rows.append(balance_row(problem, units, "work_area", old))
    return pd.DataFrame(rows)


def balance_row(problem: Districted, units: pd.DataFrame, name: str, post: Ints) -> dict[str, Any]:
    """Judge a partition and its posts."""
    _, zone = np.unique(post, return_inverse=True)
    load = np.bincount(zone, weights=problem.load)
    travel = problem.own_ways(post)
    reached = np.isfinite(travel)
    return {
        "map": name,
        "zones": len(load),
        "max_ratio": float(load.max() / load.mean()),
        "min_ratio": float(load.min() / load.mean()),
        "mean_travel_min": float(travel[reached] @ problem.load[reached] / problem.load[reached].sum()),
        "ground_rms_km": root_mean_square_km(units, post),
        "unreached_units": int((~reached).sum()),
        "pieces": sum(len(pieces(problem, np.flatnonzero(zone == z))) for z in range(len(load))),
    }
