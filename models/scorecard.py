"""The scorecard of the patrol zones: what residents reported, what patrols found, each with its exposure and interval.

In:     the zones, which zone each unit belongs to, all incidents, villages, cells, patrol hours, a period.
Out:    a ``Plan`` "scorecard": one row per zone. Nothing here is a mark for a person, and nothing here is fed back.
Method: exact Poisson limits, exact conditional tests with false discoveries held over the zones, gamma-Poisson
        shrinkage, ranks as ranges (``analysis.compare``).

An incident belongs to the zone its usable point lies in, else to its village's zone; one with neither is counted in
the notes, so that the rows add up to what was read. Types that never belong to a place (fraud, family violence ...)
stay out of every zone, as residents' calls and as arrests.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.compare import poisson_interval, rank_range, rate_ratio, shrink, wilson_interval
from gis_data.periods import Period
from gis_data.settings import ScorecardSettings
from gis_data.taxonomy import has_a_place, with_point
from models.plan import Plan, silent

PEOPLE = 10_000  # base of a rate per head
HOURS = 100  # base of arrests per patrol hour
DAYS_A_YEAR = 365.25
Report = Callable[[str, float], None]
Note = tuple[str, Mapping[str, Any]]


def score_zones(
    zones: gpd.GeoDataFrame,
    unit_zone: pd.Series,
    incidents: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    patrol_hours: pd.DataFrame,
    *,
    period: Period,
    settings: ScorecardSettings,
    progress: Report = silent,
) -> Plan:
    """Score the zones over a period.

    Parameters
    ----------
    zones
        ``zone_id`` and the zone's polygon.
    unit_zone
        Zone of each unit (village, or cell where there are no villages), by unit id.
    incidents
        Incidents of every origin. Those before the period serve only the comparison with earlier days.
    """
    started = time.perf_counter()
    progress("command.step.scorecard", 0.0)
    incidents = incidents.assign(zone_id=zone_of(incidents, zones, unit_zone))
    scored = incidents[period.holds(incidents["reported_at"])]
    table = _exposure(zones, unit_zone, villages, cells, period)
    base = "population" if table["population"].sum() > 0 else "area_km2"
    table = table.join(_counts(scored))
    table = table.fillna(dict.fromkeys(_COUNTS, 0)).astype(dict.fromkeys(_COUNTS, "int64"))
    hours, notes_hours = _hours(patrol_hours, unit_zone, table.index, period)
    latest, before, spans = _two_spans(incidents, table.index, period)
    table = pd.concat(
        [
            table,
            _rates(table, base, period, settings),
            _against_expected(table, base, settings),
            _changes(latest, before, settings),
            _arrests(table, hours, settings),
        ],
        axis="columns",
    )
    progress("command.step.scorecard", 1.0)
    return Plan(
        name="scorecard",
        tables={"scorecard": table.rename_axis("zone_id").reset_index()},
        settings={"scorecard": dataclasses.asdict(settings), "exposure": base},
        seed=0,
        seconds=time.perf_counter() - started,
        notes=(
            ("scorecard.note.period", {"period": str(period), "days": period.days}),
            *_accounts(scored, table.index),
            ("scorecard.note.change", spans),
            (f"scorecard.note.base_{base}", {}),
            *notes_hours,
        ),
    )


def zone_of(incidents: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, unit_zone: pd.Series) -> pd.Series:
    """Return the zone of each incident: by usable point, else by village; "" where neither tells."""
    by_village = incidents["village_id"].map(unit_zone[~unit_zone.index.duplicated()]).fillna("")
    points = with_point(incidents)
    joined = gpd.sjoin(points[["geometry"]], zones[["zone_id", "geometry"]], predicate="intersects")
    # A point on a shared border lies in both zones: the first zone takes it, so that it is counted once.
    by_point = joined.sort_values("zone_id")["zone_id"].groupby(level=0).first()
    zone: pd.Series = by_point.reindex(incidents.index).fillna(by_village).astype("str")
    return zone


_COUNTS = ("reported", "discovered", "arrest_incidents", "arrested_people", "reported_with_arrest")


def _counts(scored: pd.DataFrame) -> pd.DataFrame:
    """Return the counts of each zone. A row that stands for several incidents has at most that many with an arrest."""
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
    return pd.DataFrame(columns).groupby(scored["zone_id"]).sum()


def _exposure(
    zones: gpd.GeoDataFrame,
    unit_zone: pd.Series,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    period: Period,
) -> pd.DataFrame:
    """Return what each zone has to be looked after: people, road, ground, days."""
    by_village = unit_zone[~unit_zone.index.duplicated()]
    zone_of_cell = cells["village_id"].map(by_village).fillna(cells["cell_id"].astype(str).map(by_village))
    ground = cells[["road_m", "area_m2"]].groupby(zone_of_cell).sum()
    people = villages["population"].groupby(villages["village_id"].map(by_village)).sum()
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


def _rates(table: pd.DataFrame, base: str, period: Period, settings: ScorecardSettings) -> pd.DataFrame:
    """Return the count's limits, the yearly rate and the shrunken rate with limits, and the rank as a range."""
    low, high = poisson_interval(table["reported"], level=settings.level)
    name, per = ("per_10k_year", PEOPLE) if base == "population" else ("per_km2_year", 1)
    years = table[base] * period.days / DAYS_A_YEAR / per
    usable = years.where(years > 0)  # a zone without people has no rate per head
    shrunk = shrink(table["reported"], years, level=settings.level)
    best, worst = rank_range(low / usable, high / usable)
    return pd.DataFrame(
        {
            "reported_low": low,
            "reported_high": high,
            f"rate_{name}": table["reported"] / usable,
            f"rate_low_{name}": low / usable,
            f"rate_high_{name}": high / usable,
            f"shrunk_{name}": shrunk.rate,
            f"shrunk_low_{name}": shrunk.low,
            f"shrunk_high_{name}": shrunk.high,
            "rank_best": best,
            "rank_worst": worst,
        },
        index=table.index,
    )


def _against_expected(table: pd.DataFrame, base: str, settings: ScorecardSettings) -> pd.DataFrame:
    """Return observed over expected; expected is the town's count by the zone's share of the exposure.

    The test holds the zone against the rest of the town (the zone is part of its own expected count); its limits t
    of zone over rest become limits of observed over expected by 1 / (w + (1 - w) / t), w the zone's share.
    """
    n, exposure = table["reported"], table[base].astype(float)
    share = exposure / exposure.sum() if exposure.sum() > 0 else exposure * np.nan
    rest = rate_ratio(n, exposure, n.sum() - n, exposure.sum() - exposure, level=settings.level)
    with np.errstate(divide="ignore"):
        low, high = (1 / (share + (1 - share) / limit) for limit in (rest.low, rest.high))
    words = pd.Series(rest.words(alpha=settings.alpha), index=table.index).map(
        {"up": "above", "down": "below", "none": "none"}
    )
    return pd.DataFrame(
        {
            "expected": n.sum() * share,
            "observed_to_expected": n / (n.sum() * share).where(lambda expected: expected > 0),
            "observed_to_expected_low": low,
            "observed_to_expected_high": high,
            "expected_word": words,
        },
        index=table.index,
    )


def _two_spans(
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


def _changes(latest: pd.Series, before: pd.Series, settings: ScorecardSettings) -> pd.DataFrame:
    change = rate_ratio(latest, 1.0, before, 1.0, level=settings.level)
    return pd.DataFrame(
        {
            "latest": latest,
            "before": before,
            "change_ratio": change.ratio,
            "change_low": change.low,
            "change_high": change.high,
            "change_word": change.words(alpha=settings.alpha),
        },
        index=latest.index,
    )


def _arrests(table: pd.DataFrame, hours: pd.Series, settings: ScorecardSettings) -> pd.DataFrame:
    """Return what patrols achieved beside the hours it took; arrests measure effort, not need."""
    low, high = poisson_interval(table["arrest_incidents"], level=settings.level)
    share_low, share_high = wilson_interval(table["reported_with_arrest"], table["reported"], level=settings.level)
    hundreds = hours.where(hours > 0) / HOURS
    return pd.DataFrame(
        {
            "arrest_low": low,
            "arrest_high": high,
            "reported_with_arrest_pct": 100 * table["reported_with_arrest"] / table["reported"].where(lambda n: n > 0),
            "reported_with_arrest_low_pct": 100 * share_low,
            "reported_with_arrest_high_pct": 100 * share_high,
            "patrol_hours": hours,
            "arrests_per_100h": table["arrest_incidents"] / hundreds,
            "arrests_low_per_100h": low / hundreds,
            "arrests_high_per_100h": high / hundreds,
        },
        index=table.index,
    )


def _hours(
    patrol_hours: pd.DataFrame, unit_zone: pd.Series, index: pd.Index, period: Period
) -> tuple[pd.Series, list[Note]]:
    """Return the patrol hours of each zone, or nothing unless the log covers every month of the period.

    A month the period cuts counts by the share of its days inside.
    """
    timezone = period.start.tz
    months = pd.period_range(
        period.start.tz_localize(None), (period.end - pd.Timedelta(days=1)).tz_localize(None), freq="M"
    )
    share = {}
    for month in months:
        start, end = month.start_time.tz_localize(timezone), (month + 1).start_time.tz_localize(timezone)
        share[str(month)] = (min(end, period.end) - max(start, period.start)) / (end - start)
    log = patrol_hours[patrol_hours["month"].isin(share)]
    logged = log["month"].nunique()
    if logged < len(months):
        return pd.Series(np.nan, index=index), [("scorecard.note.no_log", {"logged": logged, "months": len(months)})]
    zone = log["village_id"].map(unit_zone[~unit_zone.index.duplicated()]).fillna("")
    hours = (log["hours"] * log["month"].map(share)).groupby(zone).sum()
    notes: list[Note] = []
    if hours.get("", 0.0) > 0:
        notes.append(("scorecard.note.hours_elsewhere", {"hours": round(hours[""])}))
    return hours.reindex(index).fillna(0.0), notes


def _accounts(scored: pd.DataFrame, index: pd.Index) -> list[Note]:
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
