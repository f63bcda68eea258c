"""What happened in each patrol zone, and what each zone has to be looked after: counts and exposures.

In:     the zones, which zone each unit (village, or cell) belongs to, incidents, villages, cells, a period.
Out:    one row per zone; an account that adds up to what was read.

An incident belongs to the zone its usable point lies in, else to its village's zone; one with neither is counted in
the notes. Types that never belong to a place (fraud, family violence ...) stay out of every zone.
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from gis_data.periods import Period
from gis_data.taxonomy import has_a_place, with_point

Note = tuple[str, Mapping[str, Any]]

COUNTS = ("reported", "discovered", "arrest_incidents", "arrested_people", "reported_with_arrest")


def zone_of(incidents: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, unit_zone: pd.Series) -> pd.Series:
    """Return the zone of each incident, row by row: by usable point, else by village; "" where neither tells."""
    rows = incidents.reset_index(drop=True)  # labels may repeat where tables were put together
    by_village = rows["village_id"].map(once(unit_zone)).fillna("")
    points = with_point(rows)
    joined = gpd.sjoin(points[["geometry"]], zones[["zone_id", "geometry"]], predicate="intersects")
    # A point on a shared border lies in both zones: the first zone takes it, so that it is counted once.
    by_point = joined.sort_values("zone_id")["zone_id"].groupby(level=0).first()
    zone: pd.Series = by_point.reindex(rows.index).fillna(by_village).astype("str")
    return zone.set_axis(incidents.index)


def once(unit_zone: pd.Series) -> pd.Series:
    """Return the zone of each unit, a unit named twice taken once."""
    return unit_zone[~unit_zone.index.duplicated()]


def unit_of_cell(cells: pd.DataFrame, unit_zone: pd.Series) -> pd.Series:
    """Return the unit each cell belongs to: its village where that is a unit, else the cell itself."""
    by_village: pd.Series = cells["village_id"].where(cells["village_id"].isin(unit_zone.index))
    return by_village.fillna(cells["cell_id"].astype(str))


def count_by_zone(scored: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Return the counts of each zone. A row that stands for several incidents has at most that many with an arrest.

    ``scored`` holds the period's incidents with their ``zone_id``.
    """
    scored = scored[has_a_place(scored)]
    reported = scored["origin"] == "reported"
    with_arrest = scored[["count", "caught_count"]].min(axis="columns")
    columns = {
        "reported": scored["count"].where(reported, 0),
        "discovered": scored["count"].where(~reported, 0),
        "arrest_incidents": with_arrest,
        "arrested_people": scored["caught_count"],
        "reported_with_arrest": with_arrest.where(reported, 0),
    }
    sums = pd.DataFrame(columns).groupby(scored["zone_id"]).sum()
    return sums.reindex(index).fillna(0).astype("int64")


def exposure_of(
    zones: gpd.GeoDataFrame, unit_zone: pd.Series, villages: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, period: Period
) -> pd.DataFrame:
    """Return what each zone has to be looked after: people, road, ground, days."""
    zone_of_unit = once(unit_zone)
    ground = cells[["road_m", "area_m2"]].groupby(unit_of_cell(cells, unit_zone).map(zone_of_unit)).sum()
    people = villages["population"].groupby(villages["village_id"].map(zone_of_unit)).sum()
    index = pd.Index(zones["zone_id"].astype("str"), name="zone_id")
    return pd.DataFrame(
        {
            "population": people.reindex(index).fillna(0).astype("int64"),
            "road_km": ground["road_m"].reindex(index).fillna(0.0) / 1_000,
            "area_km2": ground["area_m2"].reindex(index).fillna(0.0) / 1e6,
            "days": period.days,
        },
        index=index,
    )


def two_spans(
    incidents: pd.DataFrame, index: pd.Index, period: Period
) -> tuple[pd.Series, pd.Series, dict[str, str | int]]:
    """Count reported incidents in the period's latest days and in as many days just before them.

    A year against the year before where the data reach that far (the same seasons on both sides); else the whole
    period, or half of what is known.
    """
    known = incidents["reported_at"].min()
    first = min(period.start, known.normalize()) if pd.notna(known) else period.start
    days = min(365, period.days, round((period.end - first) / pd.Timedelta(days=1)) // 2)
    middle = period.end - pd.Timedelta(days=days)
    latest, before = Period(middle, period.end), Period(middle - pd.Timedelta(days=days), middle)
    reported = incidents[(incidents["origin"] == "reported") & has_a_place(incidents)]

    def count(span: Period) -> pd.Series:
        inside = reported[span.holds(reported["reported_at"])]
        return inside["count"].groupby(inside["zone_id"]).sum().reindex(index).fillna(0).astype("int64")

    return count(latest), count(before), {"latest": str(latest), "before": str(before), "days": days}


def accounts(scored: pd.DataFrame, index: pd.Index) -> list[Note]:
    """Account for every incident of the period: in a zone, of a type without a place, or in no zone."""
    placed = has_a_place(scored)
    in_zone = scored["zone_id"].isin(index)
    counted = {
        "total": int(scored["count"].sum()),
        "in_zones": int(scored.loc[placed & in_zone, "count"].sum()),
        "no_place": int(scored.loc[~placed, "count"].sum()),
        "no_zone": int(scored.loc[placed & ~in_zone, "count"].sum()),
    }
    return [("scorecard.note.accounts", counted)]
