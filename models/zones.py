"""Patrol zones: the town cut into k connected parts of equal work, with short ways and no village split.

In:     the study, villages, cells and their walkable neighbours, roads, incidents.
Out:    a ``Plan`` "zones": a row a zone, a row a unit (village; cell where there are no villages), today's work areas
        beside it, with the objective, its proven bound and the gap.
Method: balanced p-median on the graph of units (``models.districting``); d_ij are minutes by road between village
        centres, or along the cells where there are no roads. Two units touch where a pair of their cells can be walked
        without crossing a barrier off a road. The objective is printed as mean minutes from the post to the work.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data import cells as grid
from gis_data.catalogue import text
from gis_data.errors import InfeasibleError, InputError
from gis_data.periods import Period
from gis_data.settings import WorkloadSettings
from gis_data.streets import DRIVEN, RoadNetwork
from gis_data.study import Study
from gis_data.taxonomy import drives_allocation
from models.districting.feasible import heaviest_excess, needed_tolerance, zones_by_component
from models.districting.problem import Ints, Problem, neighbours_from_pairs, pieces
from models.districting.solve import EXACT_UP_TO, Solution, least_tolerance, nearest_count, solve
from models.districting.wishes import Wishes, moved, moved_by_post, obeys, with_wishes
from models.ensemble import sample_plans
from models.frontier import today_as_answer
from models.plan import Plan, silent
from models.workload import TERMS, place_in_units, unit_of_cells, unit_workload
from models.zone_tables import areas_of_today, unit_table, zone_table

ISLET_SHARE = 0.05  # of a zone's mean load: a cut-off group of cells lighter than this is no ground for a zone
Report = Callable[[str, float], None]
Note = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class _Ground:
    """What the model is built from: units with their work and place, minutes, touching pairs, remarks."""

    units: gpd.GeoDataFrame
    travel_min: NDArray[np.float64]
    pairs: Ints
    notes: tuple[Note, ...]


def plan_zones(
    study: Study,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    cell_edges: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    *,
    period: Period,
    seed: int,
    count: int | None = None,
    price_min: float = 0.0,
    locked: Sequence[str] = (),
    fixed_posts: Sequence[str] = (),
    random_plans: int = 0,
    progress: Report = silent,
) -> Plan:
    """Cut the study into patrol zones.

    Parameters
    ----------
    period
        Days whose incidents make the workload.
    count
        Number of zones; if None the setting ``zones.count``, else one for each work area of the village table.
    price_min
        Minutes of way to the work, a week, that must be saved for every village that leaves today's zone.
    locked
        Units that stay in today's zone.
    fixed_posts
        Units where a post must stand.
    random_plans
        Number of random legal plans that this one and today's areas are compared with; 0 for none.

    Raises
    ------
    InputError
        If no number of zones is known, there is no work at all, a unit is unknown, or a wish needs work areas.
    InfeasibleError
        If no plan keeps the tolerance and the wishes; the sentence names the reason and the ways out. Nothing is
        relaxed silently.
    """
    started = time.perf_counter()
    settings = study.settings
    k = zone_count(villages, count or settings.zones.count)
    incidents = incidents[period.holds(incidents["reported_at"])]
    ground = _survey(study, villages, cells, cell_edges, roads, incidents, weeks=period.weeks, count=k)
    problem = make_problem(ground.units, ground.travel_min, ground.pairs, count=k, tolerance=settings.zones.tolerance)
    wishes = _wishes(ground.units, price=price_min, locked=locked, fixed_posts=fixed_posts)
    progress("command.step.zones", 0.1)
    answer = solve(
        with_wishes(problem, wishes), seed=seed, time_limit_s=settings.zones.time_limit_s,
        start=None if wishes.today is None else today_as_answer(problem, wishes.today),
        share=lambda share: progress("command.step.zones", 0.1 + 0.8 * share),
    )  # fmt: skip
    if answer.post is None:
        raise _no_plan(problem, ground.units, answer, seed=seed)
    if not obeys(wishes, answer.post):
        raise InfeasibleError("zones.wishes", locked="、".join(locked) or "–", posts="、".join(fixed_posts) or "–")
    zones = zone_table(problem, ground.units, answer.post)
    units = unit_table(problem, ground.units, answer.post)
    today = areas_of_today(problem, ground.units, answer.post)
    progress("command.step.zones", 1.0)
    work = float(problem.load.sum())
    paid = 0.0 if wishes.today is None else price_min * moved_by_post(wishes, answer.post)
    yardstick = _yardstick(problem, answer.post, today, plans=random_plans, seed=seed)
    return Plan(
        name="zones",
        tables={"zones": zones, "units": units, "today": today},
        settings={
            "zones": dataclasses.asdict(settings.zones),
            "workload": dataclasses.asdict(settings.workload),
            "count": k,
            "wishes": {"price_min": price_min, "locked": list(locked), "fixed_posts": list(fixed_posts)},
        },
        seed=seed,
        seconds=time.perf_counter() - started,
        # With a price of moving the bound speaks of the plans that move no more villages than this one.
        objective=(answer.cost - paid) / work,
        bound=(answer.bound - paid) / work,
        unit="zones.unit.mean_min",
        ended_by=answer.ended_by,
        notes=(
            *ground.notes,
            *_proof_notes(answer),
            *_today_notes(today),
            *_moved_notes(wishes, answer.post),
            *yardstick,
        ),
    )


def explain(plan: Plan, unit_id: str) -> tuple[str, ...]:
    """Return the reasons why a unit is in its zone and not in the next one, as sentences.

    Raises
    ------
    InputError
        If the plan has no such unit.
    """
    units = plan.tables["units"].set_index("unit_id")
    if unit_id not in units.index:
        raise InputError("zones.no_unit", found=unit_id)
    row = units.loc[unit_id]
    zones = plan.to_frame().set_index("zone_id")
    values = {
        "unit": row["name"], "zone": row["zone_id"], "minutes": f"{row['travel_min']:.1f}",
        "post": zones.loc[row["zone_id"], "post_name"], "hours": f"{row['total_min'] / 60:.1f}",
        "next": row["next_zone_id"], "next_minutes": f"{row['next_travel_min']:.1f}",
        "ratio": f"{zones.loc[row['zone_id'], 'load_ratio']:.2f}",
    }  # fmt: skip
    return (text("zones.because.work", **values), text(f"zones.because.{row['reason']}", **values))


def zone_count(villages: pd.DataFrame, asked: int) -> int:
    """Return the number of zones: as asked, else one for each work area.

    Raises
    ------
    InputError
        If none is asked and the villages name no work areas.
    """
    areas = set(villages["work_area"]) - {""}
    if asked <= 0 and not areas:
        raise InputError("zones.count_missing")
    return asked if asked > 0 else len(areas)


def make_problem(
    units: pd.DataFrame, travel_min: NDArray[np.float64], pairs: Ints, *, count: int, tolerance: float
) -> Problem:
    """Return the districting problem of units with a column ``total_min``.

    Raises
    ------
    InputError
        If the units hold no work.
    InfeasibleError
        If there are fewer units than zones.
    """
    load = units["total_min"].to_numpy(dtype=np.float64)
    if load.sum() <= 0:
        raise InputError("zones.no_work")
    if count > len(units):
        raise InfeasibleError("zones.too_many", count=count, units=len(units))
    return Problem(load, travel_min, neighbours_from_pairs(len(units), pairs), count, tolerance)


def _survey(
    study: Study,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    cell_edges: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    *,
    weeks: float,
    count: int,
) -> _Ground:
    """Gather units, minutes and touching pairs from the tables."""
    settings = study.settings.workload
    work = unit_workload(incidents, villages, cells, settings, weeks=weeks)
    units = _place_units(work, villages, cells)
    pairs = touching_units(villages, cells, cell_edges)
    travel, travel_notes = _minutes_between(units, cells, cell_edges, roads, settings)
    kept, islet_notes = _without_islets(units, pairs, count) if villages.empty else (np.arange(len(units)), ())
    number = np.full(len(units), -1)
    number[kept] = np.arange(len(kept))
    pairs = number[pairs]
    counted = drives_allocation(incidents)
    unplaced = int(counted.loc[(place_in_units(counted, villages, cells) == "").to_numpy(), "count"].sum())
    basis = {"counted": int(counted["count"].sum()) - unplaced, "unplaced": unplaced, "weeks": round(weeks, 1)}
    return _Ground(
        units.iloc[kept].reset_index(drop=True),
        travel[np.ix_(kept, kept)],
        pairs[(pairs >= 0).all(axis=1)],
        (("zones.note.basis", basis), *travel_notes, *islet_notes),
    )


def _place_units(work: pd.DataFrame, villages: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the units with name, people, area, centre (x, y), centre cell and ground."""
    owner = unit_of_cells(villages, cells)
    rows = cells.groupby(owner).indices
    shapes = cells.geometry.to_numpy()
    ground = [shapely.union_all(shapes[rows[unit]]) if unit in rows else shapely.Polygon() for unit in work.index]
    units = gpd.GeoDataFrame(work.reset_index(), geometry=ground, crs=cells.crs)
    units["area_km2"] = cells["area_m2"].groupby(owner).sum().reindex(work.index).fillna(0.0).to_numpy() / 1e6
    if villages.empty:
        return units.assign(
            name=units["unit_id"], population=0, work_area="", x=cells["x"].to_numpy(), y=cells["y"].to_numpy(),
            cell=np.arange(len(cells)),
        )  # fmt: skip
    middle = villages.geometry.representative_point()
    units = units.assign(
        name=villages["name"].to_numpy(), population=villages["population"].to_numpy(),
        work_area=villages["work_area"].to_numpy(),
        x=villages["centre_x"].fillna(middle.x).to_numpy(), y=villages["centre_y"].fillna(middle.y).to_numpy(),
    )  # fmt: skip
    return units.assign(cell=[_centre_cell(unit, cells, rows) for unit in units.itertuples()])


def _centre_cell(unit: Any, cells: gpd.GeoDataFrame, rows: Mapping[str, Ints]) -> int:  # noqa: ANN401 - a table row
    own = rows.get(unit.unit_id, np.arange(len(cells)))
    near = np.hypot(cells["x"].to_numpy()[own] - unit.x, cells["y"].to_numpy()[own] - unit.y)
    return int(own[int(np.argmin(near))])


def touching_units(villages: pd.DataFrame, cells: pd.DataFrame, cell_edges: pd.DataFrame) -> Ints:
    """Return the pairs of units (row numbers) whose cells can be walked between, shape (m, 2).

    A village touches others only on the piece of ground where most of it lies: a strip of its fields behind a river
    without a bridge joins nothing.
    """
    ids = villages["village_id"] if len(villages) else cells["cell_id"].astype("str")
    owner = unit_of_cells(villages, cells).map(pd.Series(np.arange(len(ids)), index=ids)).fillna(-1).to_numpy(np.int64)
    if len(villages):
        area = cells.groupby([owner, cells["component"]])["area_m2"].sum()
        main = area.groupby(level=0).idxmax().map(lambda key: key[1])
        owner = np.where(pd.Series(owner).map(main).to_numpy() == cells["component"].to_numpy(), owner, -1)
    by_cell = pd.Series(owner, index=cells["cell_id"])
    pairs = np.column_stack([cell_edges["cell_a"].map(by_cell), cell_edges["cell_b"].map(by_cell)]).astype(np.int64)
    pairs = np.sort(pairs[(pairs >= 0).all(axis=1) & (pairs[:, 0] != pairs[:, 1])], axis=1)
    return np.unique(pairs, axis=0).reshape(-1, 2)


def _minutes_between(
    units: pd.DataFrame, cells: gpd.GeoDataFrame, cell_edges: pd.DataFrame, roads: gpd.GeoDataFrame,
    settings: WorkloadSettings,
) -> tuple[NDArray[np.float64], tuple[Note, ...]]:  # fmt: skip
    """Return d_ij (from a post in j to unit i) by road; along the cells where no road leads, or there are none."""
    speed = settings.patrol_speed_km_per_h
    places = units["cell"].to_numpy(dtype=np.int64)
    if not roads["road_class"].isin(DRIVEN).any():
        walked = grid.cell_travel_min(cells, cell_edges, places, places, speed_km_per_h=speed)
        return walked.T, (("zones.note.travel_cells", {"speed": f"{speed:g}"}),)
    points = gpd.GeoSeries(gpd.points_from_xy(units["x"], units["y"]), crs=cells.crs)
    minutes = RoadNetwork.from_roads(roads).travel_min(points, points).T
    missing = np.isinf(minutes)
    if not missing.any():
        return minutes, (("zones.note.travel_roads", {}),)
    walked = grid.cell_travel_min(cells, cell_edges, places, places, speed_km_per_h=speed).T
    lost = int(missing.all(axis=1).sum() + (missing.sum(axis=1) == len(units) - 1).sum())
    note = ("zones.note.travel_mixed", {"pairs": int(missing.sum()), "units": lost, "speed": f"{speed:g}"})
    return np.where(missing, walked, minutes), (note,)


def _without_islets(units: pd.DataFrame, pairs: Ints, count: int) -> tuple[Ints, tuple[Note, ...]]:
    """Leave out groups of cells that no neighbour leads to and that are far too light to be a zone (and say so)."""
    load = units["total_min"].to_numpy()
    probe = Problem(load, np.zeros((len(load), len(load))), neighbours_from_pairs(len(load), pairs), count, 1.0)
    weight = np.bincount(probe.component, weights=load)
    light = (weight < ISLET_SHARE * load.sum() / count)[probe.component]
    if not light.any() or light.all():
        return np.arange(len(load)), ()
    share = 100 * load[light].sum() / load.sum()
    note = ("zones.note.islets", {"cells": int(light.sum()), "share_pct": f"{share:.2f}"})
    return np.flatnonzero(~light), (note,)


def _no_plan(problem: Problem, units: pd.DataFrame, answer: Solution, *, seed: int) -> InfeasibleError:
    """Return the error that says which rule no plan can keep, and the ways out that were tried and work."""
    small = problem.size <= EXACT_UP_TO
    least = least_tolerance(problem, seed=seed) if small else needed_tolerance(problem)
    other = nearest_count(problem, seed=seed) if small else None
    values: dict[str, Any] = {
        "count": problem.count, "tolerance_pct": f"{100 * problem.tolerance:g}", "other": other or "–",
        "least_pct": f"{100 * least:.0f}" if np.isfinite(least) else "–",
        "mean_h": f"{problem.mean_load / 60:.1f}",
    }  # fmt: skip
    if heaviest_excess(problem) > problem.tolerance:
        heaviest = int(problem.load.argmax())
        hours, limit = problem.load[heaviest] / 60, (1 + problem.tolerance) * problem.mean_load / 60
        values |= {"unit": units["name"].iloc[heaviest], "hours": f"{hours:.1f}", "limit_h": f"{limit:.1f}"}
        return InfeasibleError("zones.unit_too_heavy", **values)
    if zones_by_component(problem)[1] > problem.tolerance:
        return InfeasibleError("zones.cut_off", **(values | _lightest_piece(problem, units)))
    if answer.ended_by == "infeasible":
        return InfeasibleError("zones.infeasible", **values)
    return InfeasibleError("zones.not_found", **values)


def _wishes(units: pd.DataFrame, *, price: float, locked: Sequence[str], fixed_posts: Sequence[str]) -> Wishes:
    """Return the wishes by row numbers; today's zones are the work areas, where every unit names one."""
    rows = pd.Series(np.arange(len(units)), index=units["unit_id"])
    for unit in (*locked, *fixed_posts):
        if unit not in rows.index:
            raise InputError("zones.no_unit", found=unit)
    named = bool((units["work_area"] != "").all())
    if not named and (price or locked):
        raise InputError("zones.today_missing")
    today: Ints | None = units.groupby("work_area").ngroup().to_numpy().astype(np.int64) if named else None
    return Wishes(today, price, tuple(rows[list(locked)].tolist()), tuple(rows[list(fixed_posts)].tolist()))


def _moved_notes(wishes: Wishes, post: Ints) -> tuple[Note, ...]:
    if wishes.today is None:
        return ()
    return (("zones.note.moved", {"moved": moved(wishes.today, post)[0], "units": len(post)}),)


def _yardstick(problem: Problem, post: Ints, today: pd.DataFrame, *, plans: int, seed: int) -> tuple[Note, ...]:
    """Compare the plan, and today's areas, with random legal plans."""
    if not plans or problem.count < 2:
        return ()
    sample = sample_plans(problem, post, plans=plans, thin=5, rng=np.random.default_rng([seed, plans]))
    notes = []
    for name, way, ratio in zip(today["map"], today["mean_travel_min"], today["max_ratio"], strict=True):
        travel, balance = sample.beaten(travel_min=float(way), max_ratio=float(ratio))
        values = {"plans": plans, "distinct": sample.distinct, "travel_pct": f"{travel:.0f}",
                  "balance_pct": f"{balance:.0f}"}  # fmt: skip
        notes.append((f"zones.note.random_{name}", values))
    return tuple(notes)


def _lightest_piece(problem: Problem, units: pd.DataFrame) -> dict[str, Any]:
    parts = pieces(problem, np.arange(problem.size))
    lightest = min(parts, key=lambda part: float(problem.load[part].sum()))
    names = [str(name) for name in units["name"].iloc[lightest[:3]]]
    hours = problem.load[lightest].sum() / 60
    return {"parts": len(parts), "piece": "、".join(names), "units": len(lightest), "hours": f"{hours:.1f}"}


def _proof_notes(answer: Solution) -> tuple[Note, ...]:
    if answer.solves:
        return ((f"zones.note.{answer.ended_by}", {"solves": answer.solves, "cuts": answer.cuts}),)
    return ((f"zones.note.{answer.ended_by}", {"solves": 0, "cuts": 0}),)


def _today_notes(today: pd.DataFrame) -> tuple[Note, ...]:
    if len(today) < 2:
        return ()
    ours, old = today.iloc[0], today.iloc[1]
    values = {
        "areas": int(old["zones"]), "old_max": f"{old['max_ratio']:.2f}", "old_min": f"{old['min_ratio']:.2f}",
        "old_travel": f"{old['mean_travel_min']:.1f}", "max": f"{ours['max_ratio']:.2f}",
        "min": f"{ours['min_ratio']:.2f}", "travel": f"{ours['mean_travel_min']:.1f}",
    }  # fmt: skip
    return (("zones.note.today", values),)


__all__ = ["TERMS", "explain", "make_problem", "plan_zones", "touching_units", "zone_count"]
