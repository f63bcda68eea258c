"""How often patrols are seen: check-ins by zone, the people they reach each week, and visits to checkpoints.

In:     tables VISITS and CHECKPOINTS, the ground, a period.
Out:    one row per zone and one per checkpoint. A crew's number serves nothing here: no row is a crew's.
Method: the visibility rate (见警率) is the share of a zone's hours in which some crew checked in there, so it is the
        least that was there; reached are the people of villages where enough crews checked in that week, averaged over
        weeks. A log is counted whole, it is no sample: these shares carry no interval.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from gis_data.days import is_market_day
from gis_data.intake.visits import on_round_minutes, too_fast
from gis_data.periods import Period
from gis_data.settings import ScorecardSettings
from models.zone_counts import Note, once, unit_of_cell

Ints = NDArray[np.int64]

WEEK = pd.Timedelta(days=7)
FEWEST_WEEKS = 4  # a shorter log says nothing about a week's visits
CHECKPOINT_COLUMNS = (
    "checkpoint_id", "zone_id", "name", "min_visits_per_week", "weeks", "visits", "visits_per_week",
    "in_time_per_week", "weeks_met", "met_pct", "in_use",
)  # fmt: skip


def believable(visits: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the check-ins without those that look written afterwards or that no car could have reached in time.

    A base line on visits is an invitation to fill the log in at the desk; what intake tells of it does not count here.
    """
    rows = visits.sort_values(["crew_id", "visited_at", "checkpoint"], ignore_index=True)
    if rows.empty:
        return rows
    told = on_round_minutes(rows) | too_fast(rows, rows.geometry).reindex(rows.index, fill_value=False)
    return rows[~told]


def weeks_of(visits: pd.DataFrame, period: Period) -> Period | None:
    """Return the whole weeks that the check-ins of a period cover, from the first day on; None if fewer than four."""
    inside = visits.loc[period.holds(visits["visited_at"]), "visited_at"]
    if inside.empty:
        return None
    first, last = inside.min().normalize(), inside.max().normalize() + pd.Timedelta(days=1)
    weeks = (last - first) // WEEK
    return Period(first, first + weeks * WEEK) if weeks >= FEWEST_WEEKS else None


def presence_of(
    visits: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    unit_zone: pd.Series,
    index: pd.Index,
    span: Period | None,
    settings: ScorecardSettings,
) -> tuple[pd.DataFrame, list[Note]]:
    """Return each zone's check-ins, visibility, and the share of its people (road where none) reached in a week.

    A check-in belongs to the unit (village, or cell) its point lies in; those without a point are counted in the notes.
    """
    columns = ("check_ins", "visibility_pct", "reached_pct")
    if span is None:
        return pd.DataFrame(np.nan, index=index, columns=list(columns)), [("scorecard.note.no_check_ins", {})]
    inside = visits[span.holds(visits["visited_at"])]
    unit = _unit_of(inside, cells, unit_zone)
    zone = unit.map(once(unit_zone))
    placed = pd.DataFrame({"unit": unit, "zone": zone, "at": inside["visited_at"]})[zone.isin(index).to_numpy()]
    week = (placed["at"] - span.start) // WEEK
    hours = placed["at"].dt.floor("h").groupby(placed["zone"]).nunique()
    weight = _weight(cells, villages, unit_zone)
    often = placed.groupby(["unit", week]).size() >= settings.reached_per_week
    weeks_reached = often.groupby(level=0).sum().reindex(weight.index).fillna(0)
    by_zone = once(unit_zone).reindex(weight.index).to_numpy()
    all_weeks = weight.groupby(by_zone).sum() * (span.days / 7)
    table = pd.DataFrame(
        {
            "check_ins": placed.groupby("zone").size().reindex(index).fillna(0).astype(float),
            "visibility_pct": 100 * hours.reindex(index).fillna(0) / (24 * span.days),
            "reached_pct": 100 * (weight * weeks_reached).groupby(by_zone).sum() / all_weeks.where(all_weeks > 0),
        },
        index=index,
    )
    said = {"period": str(span), "weeks": span.days // 7, "visits": len(inside), "placed": len(placed)}
    return table, [("scorecard.note.check_ins", said)]


def _unit_of(visits: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, unit_zone: pd.Series) -> pd.Series:
    """Return the unit each check-in lies in; missing where it has no point or lies outside."""
    rows = visits.reset_index(drop=True)
    ground = cells[["geometry"]].assign(unit=unit_of_cell(cells, unit_zone))
    points = rows[~rows.geometry.is_empty][["geometry"]]
    joined = gpd.sjoin(points, ground, predicate="intersects").sort_values("unit")["unit"].groupby(level=0).first()
    return joined.reindex(rows.index).set_axis(visits.index)


def _weight(cells: pd.DataFrame, villages: pd.DataFrame, unit_zone: pd.Series) -> pd.Series:
    """Return what each unit counts for: its people, or its road where the town has no people."""
    if villages["population"].sum() > 0:
        weight = villages["population"].groupby(villages["village_id"]).sum()
    else:
        weight = cells["road_m"].groupby(unit_of_cell(cells, unit_zone)).sum()
    return weight[weight.index.isin(unit_zone.index)].astype(float)


def checkpoint_visits(
    visits: gpd.GeoDataFrame, checkpoints: gpd.GeoDataFrame, span: Period | None, settings: ScorecardSettings
) -> pd.DataFrame:
    """Hold the check-ins of each checkpoint against its least number of visits, week by week.

    A check-in belongs to the checkpoint whose id it names; one that names none belongs to the nearest within
    ``checkpoint_reach_m`` of its point. Only those in the hours and on the market days it asks for meet it. Weeks count
    from the first in which an id is named (``in_use``); where none ever is, nobody was told to be there, and the table
    shows where crews went of themselves.
    """
    if checkpoints.empty or span is None:
        return pd.DataFrame(columns=list(CHECKPOINT_COLUMNS))
    names_one = span.holds(visits["visited_at"]) & visits["checkpoint"].isin(checkpoints["checkpoint_id"])
    if names_one.any():  # the weeks before are those in which nobody had been told
        weeks_before = (visits.loc[names_one, "visited_at"].min() - span.start) // WEEK
        span = Period(span.start + weeks_before * WEEK, span.end)
    inside = visits[span.holds(visits["visited_at"])]
    stop = _checkpoint_of(inside, checkpoints, reach_m=settings.checkpoint_reach_m)
    week = ((inside["visited_at"] - span.start) // WEEK).to_numpy()
    count, in_time = (np.zeros((len(checkpoints), span.days // 7), dtype=int) for _ in range(2))
    np.add.at(count, (stop[stop >= 0], week[stop >= 0]), 1)
    counted = (stop >= 0) & _in_time(inside["visited_at"], stop, checkpoints)
    np.add.at(in_time, (stop[counted], week[counted]), 1)
    least = checkpoints["min_visits_per_week"].to_numpy()
    met = (in_time >= least[:, None]).sum(axis=1)
    names = checkpoints["name"] if "name" in checkpoints else checkpoints["checkpoint_id"]
    return pd.DataFrame(
        {
            "checkpoint_id": checkpoints["checkpoint_id"].to_numpy(),
            "zone_id": checkpoints["zone_id"].to_numpy(),
            "name": names.to_numpy(),
            "min_visits_per_week": least,
            "weeks": count.shape[1],
            "visits": count.sum(axis=1),
            "visits_per_week": count.mean(axis=1),
            "in_time_per_week": in_time.mean(axis=1),
            "weeks_met": met,
            "met_pct": 100 * met / count.shape[1],
            "in_use": bool(names_one.any()),
        }
    ).sort_values(["zone_id", "checkpoint_id"], ignore_index=True)


def _in_time(at: pd.Series, stop: Ints, checkpoints: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which check-ins fall into the hours and market days that their checkpoint asks for."""
    hour, found = at.dt.hour.to_numpy(), np.ones(len(at), dtype=bool)
    for number, row in enumerate(checkpoints.reindex(columns=["hours", "market_days"], fill_value="").itertuples()):
        here = stop == number
        if row.hours:
            spans = [tuple(map(int, span.split("-"))) for span in str(row.hours).split(";")]
            open_hours = [(first <= hour) & (hour < last) if first < last else (hour >= first) | (hour < last)
                          for first, last in spans]  # fmt: skip
            found &= ~here | np.any(open_hours, axis=0)
        if row.market_days and here.any():
            found[here] &= is_market_day(at[here], str(row.market_days))
    return found


def _checkpoint_of(visits: gpd.GeoDataFrame, checkpoints: gpd.GeoDataFrame, *, reach_m: float) -> Ints:
    """Return the row of the checkpoint each check-in belongs to, -1 for none."""
    named = pd.Series(range(len(checkpoints)), index=checkpoints["checkpoint_id"].to_numpy())
    stop = visits["checkpoint"].map(named).fillna(-1).to_numpy(dtype=int)
    near = np.flatnonzero((stop < 0) & ~visits.geometry.is_empty.to_numpy())
    if len(near):
        at = np.column_stack([visits.geometry.x.to_numpy()[near], visits.geometry.y.to_numpy()[near]])
        points = np.column_stack([checkpoints.geometry.x, checkpoints.geometry.y])
        apart_m, nearest = KDTree(points).query(at)
        stop[near] = np.where(apart_m <= reach_m, nearest, -1)
    return stop


def met_by_zone(table: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Return each zone's number of checkpoints, and the share of their weeks with all visits, once they are in use."""
    judged = table[table["in_use"].astype(bool)]
    sums = judged.groupby("zone_id")[["weeks", "weeks_met"]].sum().reindex(index).astype(float)
    return pd.DataFrame(
        {
            "checkpoints": table.groupby("zone_id").size().reindex(index).fillna(0).astype("int64"),
            "checkpoints_met_pct": 100 * sums["weeks_met"] / sums["weeks"],
        },
        index=index,
    )
