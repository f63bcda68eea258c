"""Planned zones against the areas of today, judged on weeks that neither was made from.

In:     cells, incidents after the planning period, minutes between cells, and for each set of areas the area of every
        cell.
Out:    one row for each set: how even the work is and how far it lies from the post, with bootstrap intervals.
Method: the same units, the same workload and the same rule for the post (the cell from which the planning weeks' work
        is nearest) for both; whole weeks are redrawn with replacement (Efron & Tibshirani 1993), because incidents of
        one week hang together.
"""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data import cells as grid
from gis_data.errors import InputError
from gis_data.intake.boundary import read_areas
from gis_data.settings import WorkloadSettings
from gis_data.streets import RoadNetwork
from gis_data.taxonomy import drives_allocation, with_point
from gis_data.workspace import Workspace
from models.plan import Plan
from models.store import load_plans
from models.village_parts import Parts
from models.workload import minutes_by_class

Floats = NDArray[np.float64]

REDRAWS = 999
LEAST_WEEKS = 4


def compare_with_file(ws: Workspace, path: Path, *, column: str, seed: int) -> pd.DataFrame:
    """Hold the current zone plan against the areas in a file, on the whole weeks after the plan's period.

    Parameters
    ----------
    column
        Column of the file with each area's name.

    Raises
    ------
    InputError
        If there is no zone plan, the file or column is missing, or less than four whole weeks follow the period.
    """
    named = read_areas(path, column=column).to_crs(ws.study.crs)
    plan = load_plans(ws).get("zones")
    if plan is None:
        raise InputError("plan.zones_first")
    cells, incidents = ws.read("cells"), ws.read("incidents")
    places = with_point(drives_allocation(incidents))
    weekly = _weekly_minutes(places, cells, pd.Timestamp(plan.settings["period_end"]), ws.study.settings.workload)
    if len(weekly) < LEAST_WEEKS:
        raise InputError("plan.no_later_weeks", until=plan.settings["period_end"], weeks=len(weekly))
    before = places[places["reported_at"] < pd.Timestamp(plan.settings["period_end"], tz=ws.study.timezone)]
    cell, minutes = _cell_minutes(before, cells, ws.study.settings.workload)
    planning = _sums(cell, minutes, len(cells))
    areas = {"plan": _zone_of_cells(cells, plan), "today": area_of_cells(cells, named, named["name"])}
    return compare_areas(
        weekly, planning, _travel_between_cells(ws, cells), areas, rng=np.random.default_rng([seed, 4])
    )


def compare_areas(
    weekly_min: Floats,
    planning_min: Floats,
    travel_min: Floats,
    areas: Mapping[str, pd.Series],
    *,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return balance and mean travel of each set of areas on the later weeks.

    Parameters
    ----------
    weekly_min
        Work of each later week in each cell, minutes, shape (weeks, cells).
    planning_min
        Work of each cell in the planning period; it places the posts, shape (cells,).
    travel_min
        Minutes from cell to cell, shape (cells, cells).
    areas
        Name of the set -> area of each cell; "" for a cell in no area, which then counts for no set.
    rng
        Chance of the redraws.

    Returns
    -------
    DataFrame
        ``areas``, ``count``, ``weeks``, ``max_over_mean``, ``min_over_mean`` and ``mean_travel_min``, each figure with
        its 95 % interval in ``_low`` and ``_high``.
    """
    in_all = np.all([labels.ne("").to_numpy() for labels in areas.values()], axis=0)
    weeks = len(weekly_min)
    draws = rng.integers(weeks, size=(REDRAWS, weeks))
    times_drawn = np.apply_along_axis(np.bincount, 1, draws, minlength=weeks).astype(np.float64)
    rows = []
    for name, labels in areas.items():
        code, known = pd.factorize(labels[in_all])
        post_min = _minutes_from_post(planning_min[in_all], travel_min[np.ix_(in_all, in_all)], code, len(known))
        load = np.stack([_sums(code, week, len(known)) for week in weekly_min[:, in_all]])
        spent = weekly_min[:, in_all] @ post_min
        figures = _figures(np.ones((1, weeks)), load, spent)
        redrawn = _figures(times_drawn, load, spent)
        row: dict[str, object] = {"areas": name, "count": len(known), "weeks": weeks}
        for figure, values in figures.items():
            row[figure] = float(values[0])
            row[f"{figure}_low"], row[f"{figure}_high"] = np.quantile(redrawn[figure], [0.025, 0.975]).tolist()
        rows.append(row)
    return pd.DataFrame(rows)


def area_of_cells(cells: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, names: pd.Series) -> pd.Series:
    """Return for each cell the area that holds the most of its ground, "" where none does."""
    shapes = cells.geometry.to_numpy()
    cell, area = shapely.STRtree(areas.geometry.to_numpy()).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[cell], areas.geometry.to_numpy()[area]))
    pairs = pd.DataFrame({"cell": cell, "name": names.to_numpy()[area], "shared": shared})
    largest = pairs[pairs["shared"] > 0].sort_values(["cell", "shared"], kind="stable").groupby("cell")["name"].last()
    return largest.reindex(range(len(cells))).fillna("").astype("str")


def _minutes_from_post(load: Floats, travel_min: Floats, code: NDArray[np.int64], count: int) -> Floats:
    """Return for each cell the minutes from its area's post: the cell from which the area's work is nearest."""
    minutes = np.zeros(len(load))
    for area in range(count):
        own = np.flatnonzero(code == area)
        within = travel_min[np.ix_(own, own)]
        usable = np.where(np.isfinite(within), within, np.nanmax(within[np.isfinite(within)], initial=0.0))
        post = int(np.argmin(usable @ (load[own] + 1e-9)))
        minutes[own] = usable[post]
    return minutes


def _sums(code: NDArray[np.int64], values: Floats, count: int) -> Floats:
    return np.bincount(code, values, minlength=count).astype(np.float64)


def _figures(times_drawn: Floats, load: Floats, spent: Floats) -> dict[str, Floats]:
    total = times_drawn @ load
    return {
        "max_over_mean": total.max(axis=1) / total.mean(axis=1),
        "min_over_mean": total.min(axis=1) / total.mean(axis=1),
        "mean_travel_min": times_drawn @ spent / total.sum(axis=1),
    }


def _weekly_minutes(
    places: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, first_day: pd.Timestamp, settings: WorkloadSettings
) -> Floats:
    """Return the work of each whole week from a day on, in each cell, shape (weeks, cells)."""
    day = (places["reported_at"].dt.tz_localize(None).dt.normalize() - first_day) // pd.Timedelta(days=1)
    weeks = int(day.max() + 1) // 7 if len(day) else 0  # an import taken back may leave none
    later = places[((day >= 0) & (day < 7 * weeks)).to_numpy()]
    cell, minutes = _cell_minutes(later, cells, settings)
    week = (day.loc[later.index] // 7).to_numpy(dtype=np.int64)
    flat = _sums(week * len(cells) + cell, minutes, max(weeks, 0) * len(cells))
    return flat.reshape(-1, len(cells))


def _cell_minutes(
    places: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, settings: WorkloadSettings
) -> tuple[NDArray[np.int64], Floats]:
    """Return the cell of each incident and the minutes it asks for; 0 minutes in cell 0 for one outside all cells."""
    cell = grid.locate(cells, places.geometry)
    each = places["incident_class"].map(minutes_by_class(settings)).astype("float64").fillna(settings.minutes_other)
    minutes = (places["count"] * each).to_numpy(dtype=float)
    return np.maximum(cell, 0), np.where(cell >= 0, minutes, 0.0)


def _zone_of_cells(cells: gpd.GeoDataFrame, plan: Plan) -> pd.Series:
    zone = plan.tables["units"].set_index("unit_id")["zone_id"]
    if "parts" in plan.tables:
        cells = Parts(plan.tables["parts"]).of_cells(cells)
    by_village = cells["village_id"].map(zone)
    return by_village.fillna(cells["cell_id"].astype("str").map(zone)).fillna("").astype("str")


def _travel_between_cells(ws: Workspace, cells: gpd.GeoDataFrame) -> Floats:
    roads = ws.read("roads")
    if roads.empty:
        ids = cells["cell_id"].to_numpy()
        return grid.cell_travel_min(cells, ws.read("cell_edges"), ids, ids)
    middles = gpd.GeoSeries.from_xy(cells["x"], cells["y"], crs=ws.study.crs)
    return RoadNetwork.from_roads(roads).travel_min(middles, middles)
