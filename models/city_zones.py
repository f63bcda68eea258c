"""Zones of a study with so many cells that no table of all their minutes fits: the same plan, by the city engine.

In:     the study, cells and their walkable neighbours, incidents; no villages.
Out:    a ``Plan`` "zones" with the tables of ``models.zones``.
Method: which engine cuts a study is decided by the number of units alone (``models.zones`` says so):

            up to 150                 exact, by branching                           ``districting.branch``
            up to 6,000               search, and a bound over the table of minutes ``districting.cells_bound``
            more (always cells)       this file                                     ``districting.city``

        Ways are minutes along the cells, around barriers, also where there are roads. What a station may wish for
        beside short ways needs that table, and is refused here.
"""

import dataclasses
import time
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_data.errors import InfeasibleError, InputError
from gis_data.progress import Share
from gis_data.settings import Settings, WorkloadSettings, ZoneSettings
from models.districting.city import solve_city
from models.districting.city_problem import CityProblem, city_from_pairs
from models.districting.layout import PricedPosts, lay_out
from models.districting.problem import Floats, Ints
from models.districting.solve import Solution
from models.plan import Plan
from models.workload import TERMS, unit_workload
from models.zone_ground import Note, basis_note, place_units, touching_units, without_islets
from models.zone_tables import NONE_DRAWN, areas_of_today, unit_table, zone_table

CITY_FROM = 6_000  # cells; the table of all minutes takes 288 MB there, and the search a few copies of it
TRIP_ROUNDS = 8
Refuse = Callable[[CityProblem, pd.DataFrame, Solution], InfeasibleError]


def plan_city(
    settings: Settings, cells: gpd.GeoDataFrame, cell_edges: pd.DataFrame, incidents: gpd.GeoDataFrame,
    *, weeks: float, count: int, seed: int, refuse: Refuse, share: Share,
) -> Plan:  # fmt: skip
    """Cut many cells into patrol zones.

    Parameters
    ----------
    incidents
        Those of the period, which lasts ``weeks``.
    refuse
        Makes the error that says why there is no plan.

    Raises
    ------
    InputError
        If the settings wish for what this size cannot give, or there is no work.
    InfeasibleError
        If no plan keeps the tolerance, or none was found.
    """
    started = time.perf_counter()
    zones = settings.zones
    check_no_wishes(zones)
    units, problem, notes = survey_city(
        cells, cell_edges, incidents, settings.workload, zones.tolerance, weeks=weeks, count=count
    )
    answer = solve_city(problem, seed=seed, time_limit_s=zones.time_limit_s, share=lambda done: share(0.9 * done))
    if answer.post is None:
        raise refuse(problem, units, answer)
    work, post = float(problem.load.sum()), answer.post
    today = areas_of_today(problem, units, post)
    plan = Plan(
        name="zones",
        tables={
            "zones": zone_table(problem, units, post),
            "units": unit_table(problem, units, post),
            "today": today.assign(**NONE_DRAWN),
        },
        settings={
            "zones": dataclasses.asdict(zones), "workload": dataclasses.asdict(settings.workload), "count": count,
        },
        seed=seed,
        seconds=time.perf_counter() - started,
        objective=answer.cost / work,
        bound=answer.bound / work,
        unit="zones.unit.mean_min",
        ended_by=answer.ended_by,
        notes=(*notes, (f"zones.note.{answer.ended_by}", {"solves": 0, "cuts": 0})),
    )  # fmt: skip
    share(1.0)
    return plan


def check_no_wishes(zones: ZoneSettings) -> None:
    """Refuse settings that the city engine cannot serve.

    Raises
    ------
    InputError
        If a village is locked or a post fixed, or moves or compactness are priced.
    """
    asked = [
        name
        for name, off in (("locked_villages", ""), ("post_villages", ""), ("move_price_min", 0.0), ("move_budget", -1),
                          ("compactness_price_min", 0.0))
        if getattr(zones, name) != off
    ]  # fmt: skip
    if asked:
        raise InputError("zones.city_wishes", names=", ".join(f"zones.{name}" for name in asked), most=CITY_FROM)


def survey_city(
    cells: gpd.GeoDataFrame, cell_edges: pd.DataFrame, incidents: gpd.GeoDataFrame, settings: WorkloadSettings,
    tolerance: float, *, weeks: float, count: int,
) -> tuple[gpd.GeoDataFrame, CityProblem, tuple[Note, ...]]:  # fmt: skip
    """Return the cells as units with their work, the problem, and remarks.

    Raises
    ------
    InputError
        If the cells hold no work.
    """
    villages = gpd.GeoDataFrame({"village_id": pd.Series(dtype="str")}, geometry=[], crs=cells.crs)
    work = unit_workload(incidents, villages, cells, settings, weeks=weeks).assign(trip_min=0.0)
    units = place_units(work, villages, cells).assign(total_min=work[list(TERMS)].sum(axis="columns").to_numpy())
    if units["total_min"].sum() <= 0:
        raise InputError("zones.no_work")
    pairs = touching_units(villages, cells, cell_edges)
    xy = cells[["x", "y"]].to_numpy()
    minutes = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) * 0.06 / settings.patrol_speed_km_per_h
    kept, islet_notes = without_islets(units["total_min"].to_numpy(), pairs, count)
    number = np.full(len(units), -1)
    number[kept] = np.arange(len(kept))
    inside = (number[pairs] >= 0).all(axis=1)
    pairs, minutes = number[pairs[inside]], minutes[inside]
    units = units.iloc[kept].reset_index(drop=True)
    units["trip_min"] = _trip_minutes(units["incidents_per_week"].to_numpy(), pairs, minutes, settings, count=count)
    units["total_min"] = units[list(TERMS)].sum(axis="columns")
    load = units["total_min"].to_numpy(dtype=np.float64)
    notes: tuple[Note, ...] = (
        basis_note(incidents, villages, cells, weeks=weeks),
        ("zones.note.travel_city", {"speed": f"{settings.patrol_speed_km_per_h:g}"}),
        *islet_notes,
    )
    return units, city_from_pairs(load, pairs, minutes, count=count, tolerance=tolerance), notes


def _trip_minutes(incidents: Floats, pairs: Ints, minutes: Floats, settings: WorkloadSettings, *, count: int) -> Floats:
    """Return the minutes a week to each cell's incidents and back, from the nearest of k posts placed for short ways.

    The posts are those of a layout by incidents whose loads need not be balanced: a p-median by alternation.
    """
    trips = 2 * settings.trips_per_incident * incidents
    if not trips.any():
        return np.zeros(len(incidents))
    weight = incidents + 1e-9 * incidents.sum() / len(incidents)
    free = city_from_pairs(weight, pairs, minutes, count=count, tolerance=1e6)
    posts = lay_out(free, rng=np.random.default_rng(0), rounds=TRIP_ROUNDS).posts
    return trips * PricedPosts(free, posts).nearest(np.zeros(count))[1]
