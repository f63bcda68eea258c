"""What patrols brought in: hours, on-the-spot arrests beside them, pooled until their interval can be read.

In:     the log of patrol hours, arrests by zone, the zones' ground, a period.
Out:    hours per zone; arrests per 100 hours of neighbouring zones together, and of the whole town over time.
Method: exact Poisson limits (Garwood 1936). How far to pool is decided by the hours and the town's total, never by what
        the single zone brought in: pooling those that happened to have few would draw them down. Arrests measure
        effort, not need; none of this is fed back.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.compare import poisson_interval, rate_ratio
from gis_data.periods import Period
from gis_data.settings import ScorecardSettings
from gis_data.taxonomy import has_a_place
from models.zone_counts import Note, once

HOURS = 100  # base of arrests per patrol hour
SPANS_MONTHS = (1, 2, 3, 6, 12, 24, 36, 60)
JOINED = "+"  # between the zones of a pool
BORDER_M = 1.0  # zones that share less than this touch at a corner


@dataclass(frozen=True)
class PatrolLog:
    """What is known of the patrols of the past: tables PATROL_HOURS and VISITS, and CHECKPOINTS of the plan "beats"."""

    hours: pd.DataFrame
    visits: gpd.GeoDataFrame
    checkpoints: gpd.GeoDataFrame


def hours_of(log: pd.DataFrame, unit_zone: pd.Series, index: pd.Index, period: Period) -> tuple[pd.Series, list[Note]]:
    """Return the patrol hours of each zone, or nothing unless the log covers every month of the period.

    A month the period cuts counts by the share of its days inside.
    """
    share = _months_inside(period)
    inside = log[log["month"].isin(share)]
    logged = inside["month"].nunique()
    if logged < len(share):
        note: Note = ("scorecard.note.no_log", {"logged": logged, "months": len(share)})
        return pd.Series(np.nan, index=index), [note]
    zone = inside["village_id"].map(once(unit_zone)).fillna("")
    hours = (inside["hours"] * inside["month"].map(share)).groupby(zone).sum()
    notes: list[Note] = []
    if hours.get("", 0.0) > 0:
        notes.append(("scorecard.note.hours_elsewhere", {"hours": round(hours[""])}))
    return hours.reindex(index).fillna(0.0), notes


def _months_inside(period: Period) -> dict[str, float]:
    """Return the months a period touches ("2023-04") and the share of each that lies inside."""
    timezone = period.start.tz
    months = pd.period_range(
        period.start.tz_localize(None), (period.end - pd.Timedelta(days=1)).tz_localize(None), freq="M"
    )
    share = {}
    for month in months:
        start, end = month.start_time.tz_localize(timezone), (month + 1).start_time.tz_localize(timezone)
        share[str(month)] = (min(end, period.end) - max(start, period.start)) / (end - start)
    return share


def pool_zones(zones: gpd.GeoDataFrame, expected: pd.Series, *, least: float) -> pd.Series:
    """Join neighbouring zones until each group expects at least ``least`` events; return each zone's group.

    Parameters
    ----------
    zones
        ``zone_id`` and polygon.
    expected
        Events expected of each zone by its exposure alone.

    Returns
    -------
    Series
        Zone -> its group's zones, "Z1+Z3". The group that expects least is joined first, to the neighbour that
        expects least. If the whole is too small, all zones are one group.
    """
    weight = {frozenset([str(zone)]): float(value) for zone, value in expected.items()}
    near = _neighbours(zones)
    while len(weight) > 1:
        smallest = min(weight, key=lambda group: (weight[group], sorted(group)))
        if weight[smallest] >= least:
            break
        others = weight.keys() - {smallest}
        around = frozenset[str]().union(*(near[zone] for zone in smallest))
        touching = [group for group in others if group & around]
        partner = min(touching or others, key=lambda group: (weight[group], sorted(group)))
        weight[smallest | partner] = weight.pop(smallest) + weight.pop(partner)
    pool = {zone: JOINED.join(sorted(group)) for group in weight for zone in group}
    return pd.Series([pool[zone] for zone in expected.index], index=expected.index, name="arrest_pool")


def _neighbours(zones: gpd.GeoDataFrame) -> dict[str, frozenset[str]]:
    """Return the zones that share a border with each zone."""
    shapes, names = zones.geometry.to_numpy(), zones["zone_id"].astype(str).tolist()
    near: dict[str, set[str]] = {name: set() for name in names}
    for i, j in zip(*zones.sindex.query(shapes, predicate="intersects").tolist(), strict=True):
        if i != j and shapes[i].intersection(shapes[j]).length >= BORDER_M:
            near[names[i]].add(names[j])
    return {name: frozenset(others) for name, others in near.items()}


def arrests_by_pool(
    arrests: pd.Series, hours: pd.Series, zones: gpd.GeoDataFrame, settings: ScorecardSettings
) -> tuple[pd.DataFrame, pd.Series]:
    """Return one row per pool with its arrests per 100 patrol hours, and the pool of each zone.

    ``readable`` tells whether the pool's hours lead to expect ``readable_count`` arrests, at which the interval
    reaches from about half to twice the number. Without a complete log each zone stands alone and has no rate.
    """
    known = bool(hours.notna().all()) and hours.sum() > 0
    expected = arrests.sum() * hours / hours.sum() if known else hours * np.nan
    least = settings.readable_count
    pool = pool_zones(zones, expected, least=least) if known else pd.Series(arrests.index, index=arrests.index)
    table = pd.DataFrame({"arrest_incidents": arrests, "patrol_hours": hours, "expected": expected})
    sums = table.groupby(pool.to_numpy(), sort=True).sum(min_count=1)
    rates = per_100h(sums["arrest_incidents"], sums["patrol_hours"], level=settings.level)
    found = pd.concat([sums, rates], axis="columns").assign(readable=(sums["expected"] >= least).to_numpy())
    return found.rename_axis("pool").reset_index(), pool


def per_100h(arrests: pd.Series, hours: pd.Series, *, level: float) -> pd.DataFrame:
    """Return arrests with limits, and per 100 patrol hours with limits; no rate where there were no hours."""
    low, high = poisson_interval(arrests, level=level)
    hundreds = hours.where(hours > 0) / HOURS
    return pd.DataFrame(
        {
            "arrest_low": low,
            "arrest_high": high,
            "arrests_per_100h": arrests / hundreds,
            "arrests_low_per_100h": low / hundreds,
            "arrests_high_per_100h": high / hundreds,
        },
        index=arrests.index,
    )


def arrests_over_time(
    scored: pd.DataFrame, log: pd.DataFrame, unit_zone: pd.Series, index: pd.Index, period: Period,
    settings: ScorecardSettings,
) -> pd.DataFrame:  # fmt: skip
    """Return the town's arrests in the shortest spans whose interval can be read, latest last.

    Spans of whole months are counted back from the period's end; what is left at its beginning has no row. The
    ``change_word`` compares a span's rate per hour with the span before (per day where no hours are known).
    """
    placed = scored[has_a_place(scored) & scored["zone_id"].isin(index)]
    arrests = placed[["count", "caught_count"]].min(axis="columns")
    spans = list(_spans(period, int(arrests.sum()), settings.readable_count))
    counts = [int(arrests[span.holds(placed["reported_at"])].sum()) for span in spans]
    hours = [float(hours_of(log, unit_zone, index, span)[0].sum(skipna=False)) for span in spans]
    table = pd.DataFrame({"arrest_incidents": counts, "patrol_hours": hours})
    days = np.array([span.days for span in spans], dtype=float)
    exposure = table["patrol_hours"].to_numpy() if table["patrol_hours"].notna().all() else days
    change = rate_ratio(counts[1:], exposure[1:], counts[:-1], exposure[:-1], level=settings.level)
    return pd.concat(
        [
            pd.DataFrame({"first_day": [f"{span.start:%Y-%m-%d}" for span in spans],
                          "last_day": [f"{span.end - pd.Timedelta(days=1):%Y-%m-%d}" for span in spans]}),
            table,
            per_100h(table["arrest_incidents"], table["patrol_hours"], level=settings.level),
            pd.DataFrame({"change_word": ["", *change.words(alpha=settings.alpha)],
                          "readable": arrests.sum() / max(len(spans), 1) >= settings.readable_count}),
        ],
        axis="columns",
    )  # fmt: skip


def _spans(period: Period, total: int, least: float) -> Iterator[Period]:
    """Cut a period into the shortest spans of whole months that expect ``least`` events; itself if none do."""
    for months in SPANS_MONTHS:
        ends = [period.end]
        while (start := ends[0] - pd.DateOffset(months=months)) >= period.start:
            ends.insert(0, start)
        if len(ends) > 2 and total * (ends[1] - ends[0]).days / period.days >= least:
            yield from (Period(a, b) for a, b in itertools.pairwise(ends))
            return
    yield period
