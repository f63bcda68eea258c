"""All that is known of one village, for one page: people, incidents with intervals, zone and beat, hotspots, cameras.

In:     a village, and a station's tables and plans.
Out:    a frozen ``VillageCard`` of finished numbers and small tables.
Method: the last year of records against the year before by the exact comparison of two Poisson counts
        (``analysis.compare``); against the other villages by the funnel over people. Only what residents reported and
        may be tied to a place is counted (rules 1, 2).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.change import area_funnel
from analysis.compare import poisson_interval, rate_ratio
from gis_data.cells import village_territories
from gis_data.periods import Period
from gis_data.study import Study
from gis_data.taxonomy import drives_allocation, with_point
from models.plan import Plan
from views.figures import records

ALPHA = 0.05


@dataclass(frozen=True)
class Counted:
    """Incidents of one year: the count, its 95 % limits, and what people lead to expect with the funnel's limits."""

    period: Period
    count: int
    low: float
    high: float
    expected: float
    funnel_low: float
    funnel_high: float
    side: str


@dataclass(frozen=True)
class Changed:
    """A year against the year before: both counts, the ratio with its limits, and the word."""

    before: Period
    count_before: int
    ratio: float
    low: float
    high: float
    word: str


@dataclass(frozen=True)
class VillageCard:
    """One village.

    Attributes
    ----------
    land
        Its ground: the cells of the village, or its polygon.
    points
        Reported incidents of the year inside it that may be drawn.
    types
        Reported incidents of the year by type, most first.
    hotspots, beats, checkpoints
        Rows of the plans that touch it.
    camera_rules
        The village's row of the camera plan's rules; None without that plan.
    camera_sum
        Its row of the camera plan's summary; None where no rule names it.
    """

    village: Mapping[str, Any]
    land: Any
    counted: Counted | None
    changed: Changed | None
    types: pd.Series
    points: gpd.GeoDataFrame
    hotspots: gpd.GeoDataFrame
    beats: gpd.GeoDataFrame
    checkpoints: gpd.GeoDataFrame
    camera_rules: Mapping[str, Any] | None
    camera_sum: Mapping[str, Any] | None


def card_of(village_id: str, study: Study, read: Callable[[str], Any], plans: Mapping[str, Plan]) -> VillageCard:
    """Return everything that is known of a village."""
    villages, incidents = read("villages"), read("incidents")
    row = villages[villages["village_id"] == village_id].iloc[0]
    land = land_of(village_id, row, villages, read("cells"))
    reported = drives_allocation(incidents)
    counted = changed = None
    types, points = pd.Series(dtype="int64"), reported.iloc[:0]
    if len(incidents):
        known = Period.of(incidents["reported_at"])
        now = last_year(known)
        of_year = reported[now.holds(reported["reported_at"])]
        mine = of_year[of_year["village_id"] == village_id]
        counted = village_counts(of_year, villages, now)[village_id]
        changed = _changed(village_id, reported, counted.count, now, known)
        types = mine.groupby("type")["count"].sum().sort_values(ascending=False, kind="stable")
        points = with_point(mine)
    return VillageCard(
        records(villages[villages["village_id"] == village_id])[0], land, counted, changed, types, points,
        hotspots=_touching(plans, "hotspots", "hotspots", land, study), beats=beats_of(plans, village_id, study),
        checkpoints=checkpoints_on(plans, land, study),
        camera_rules=_row(plans, "villages", village_id), camera_sum=_row(plans, "summary", village_id),
    )  # fmt: skip


def land_of(village_id: str, row: pd.Series, villages: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> Any:  # noqa: ANN401
    """Return a village's ground: its polygon where there is one, else its cells, else a circle about its centre."""
    if row["geometry"] is not None and row["geometry"].geom_type in ("Polygon", "MultiPolygon"):
        return row["geometry"]
    mine = cells[cells["village_id"] == village_id] if len(cells) else cells
    if len(mine):
        return village_territories(mine, villages).geometry.iloc[0]
    return row["geometry"].buffer(500)


def last_year(known: Period) -> Period:
    """Return the last year of the records, or all of them where they are shorter."""
    return Period(max(known.start, known.end - pd.DateOffset(years=1)), known.end)


def village_counts(rows: pd.DataFrame, villages: pd.DataFrame, now: Period) -> dict[str, Counted]:
    """Return what each village reported in a period, with its limits and what its people lead to expect.

    ``rows`` are the reported incidents of that period.
    """
    ids, people = villages["village_id"], villages.set_index("village_id")["population"]
    counts = rows.groupby("village_id")["count"].sum().reindex(ids, fill_value=0).astype(int)
    found = pd.DataFrame({"count": counts, "expected": np.nan, "low_95": np.nan, "high_95": np.nan, "side": "inside"})
    if (people > 0).any():
        found = area_funnel(rows, people)[0].loc[ids]
    low, high = poisson_interval(counts)
    return {
        village: Counted(now, count, float(least), float(most), row["expected"], row["low_95"], row["high_95"],
                         side=row["side"])
        for village, count, least, most, row in zip(ids, counts, low, high, records(found), strict=True)
    }  # fmt: skip


def _changed(village_id: str, reported: pd.DataFrame, count: int, now: Period, known: Period) -> Changed | None:
    before = Period(now.start - pd.DateOffset(years=1), now.start)
    if before.start < known.start:
        return None
    rows = reported[before.holds(reported["reported_at"]) & (reported["village_id"] == village_id)]
    old = int(rows["count"].sum())
    found = rate_ratio(count, now.days, old, before.days)
    word = str(found.words(alpha=ALPHA))
    return Changed(before, old, float(found.ratio), float(found.low), float(found.high), word)


def checkpoints_on(plans: Mapping[str, Plan], land: Any, study: Study) -> gpd.GeoDataFrame:  # noqa: ANN401 - a geometry
    """Return the checkpoints that stand on a village's ground."""
    return _touching(plans, "beats", "checkpoints", land, study)


def _touching(plans: Mapping[str, Plan], plan: str, table: str, land: Any, study: Study) -> gpd.GeoDataFrame:  # noqa: ANN401
    if plan not in plans or table not in plans[plan].tables:
        return gpd.GeoDataFrame(geometry=[], crs=study.crs)
    found = gpd.GeoDataFrame(plans[plan].tables[table])
    rows: gpd.GeoDataFrame = found[found.intersects(land)]
    return rows


def beats_of(plans: Mapping[str, Plan], village_id: str, study: Study) -> gpd.GeoDataFrame:
    """Return the beats that walk the village's roads, the one with most of them first."""
    none = gpd.GeoDataFrame({"beat_id": []}, geometry=[], crs=study.crs)
    if "beats" not in plans:
        return none
    segments = plans["beats"].tables["segments"]
    mine = segments[segments["unit_id"] == village_id].groupby("beat_id")["length_m"].sum().sort_values(ascending=False)
    table = plans["beats"].to_frame().set_index("beat_id", drop=False)
    found = [beat for beat in mine.index if beat in table.index]
    rows: gpd.GeoDataFrame = table.loc[found].assign(village_road_m=mine.loc[found].to_numpy())
    return rows


def _row(plans: Mapping[str, Plan], table: str, village_id: str) -> Mapping[str, Any] | None:
    if "cameras" not in plans:
        return None
    rows = plans["cameras"].tables[table]
    mine = rows[rows["village_id"] == village_id]
    return None if mine.empty else records(mine)[0]
