"""Workload: the minutes a week that each village (or cell, where there are no villages) asks of the patrols.

In:     incidents, villages, cells, the workload settings, and how many weeks the incidents cover.
Out:    one row a unit, every term a column in minutes a week; balance can so be read as hours.
Method: the way to the incidents is the fourth term; it needs minutes by road and is added by ``models.zone_ground``.
        Incidents that residents reported (``drives_allocation``), count divided by weeks, times the minutes of their
        class; patrol = road km ÷ patrol speed × passes a week; fixed duties for each village. The weekly count is the
        plain mean: over a year or two it moves a zone's load by less than the tolerance, and every minute can be
        checked by hand. Shrinkage belongs to the scorecard, where single zones are judged.
"""

import geopandas as gpd
import pandas as pd

from gis_data import cells as grid
from gis_data.settings import WorkloadSettings
from gis_data.taxonomy import drives_allocation, with_point

TERMS = ("incident_min", "patrol_min", "fixed_min", "trip_min")  # the last is added by models.zone_ground


def unit_workload(
    incidents: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    settings: WorkloadSettings,
    *,
    weeks: float,
) -> pd.DataFrame:
    """Return the workload of each unit.

    Parameters
    ----------
    incidents
        All incidents of the period; those that may not drive allocation are left out here.
    weeks
        Length of the period.

    Returns
    -------
    DataFrame
        Index ``unit_id``; ``incidents_per_week``, ``road_km``, and in minutes a week ``incident_min``, ``patrol_min``
        and ``fixed_min``.
    """
    counted = drives_allocation(incidents)
    unit = place_in_units(counted, villages, cells)
    count = counted["count"].astype("float64")
    # Without any incident the column of classes stays text when mapped, and text times a count is an error.
    each = counted["incident_class"].map(minutes_by_class(settings)).astype("float64").fillna(settings.minutes_other)
    minutes = count * each
    table = pd.DataFrame(index=unit_ids(villages, cells))
    table["incidents_per_week"] = count.groupby(unit).sum() / weeks
    table["incident_min"] = minutes.groupby(unit).sum() / weeks
    table = table.fillna(0.0)
    table["road_km"] = (cells["road_m"].groupby(unit_of_cells(villages, cells)).sum() / 1000).reindex(table.index)
    table["road_km"] = table["road_km"].fillna(0.0)
    table["patrol_min"] = table["road_km"] / settings.patrol_speed_km_per_h * 60 * settings.patrol_passes_per_week
    table["fixed_min"] = settings.fixed_min_per_week_per_village if len(villages) else 0.0
    if "share" in villages:  # parts of a divided village share its duties
        table["fixed_min"] *= villages["share"].to_numpy()
    return table


def minutes_by_class(settings: WorkloadSettings) -> dict[str, float]:
    """Return the minutes that one incident of each class takes."""
    names = ("criminal", "public_order", "dispute", "traffic", "fire_rescue", "help", "accident")
    return {name: getattr(settings, f"minutes_{name}") for name in names}


def unit_ids(villages: pd.DataFrame, cells: pd.DataFrame) -> pd.Index:
    """Return the ids of the units: villages, or cells where there are no villages."""
    ids = villages["village_id"] if len(villages) else cells["cell_id"].astype("str")
    return pd.Index(ids, name="unit_id")


def unit_of_cells(villages: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    """Return the unit that each cell belongs to ("" for none)."""
    return cells["village_id"] if len(villages) else cells["cell_id"].astype("str")


def place_in_units(incidents: gpd.GeoDataFrame, villages: pd.DataFrame, cells: gpd.GeoDataFrame) -> pd.Series:
    """Return the unit of each incident: by usable point, else by village; "" where neither tells."""
    known = unit_ids(villages, cells)
    named = incidents["village_id"].where(incidents["village_id"].isin(known), "") if len(villages) else ""
    unit = pd.Series(named, index=incidents.index, dtype="str")
    points = with_point(incidents)
    cell = pd.Series(grid.locate(cells, points.geometry), index=points.index)
    by_point = cell[cell >= 0].map(unit_of_cells(villages, cells).set_axis(cells["cell_id"]))
    unit.loc[by_point.index] = by_point
    return unit
