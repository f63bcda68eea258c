"""The scorecard of the patrol zones: what residents reported, what patrols found, each with its exposure and interval.

In:     the zones, which zone each unit belongs to, all incidents, villages, cells, the patrol log, a period.
Out:    a ``Plan`` "scorecard": one row per zone, base lines, arrests pooled until they can be read, checkpoints, the
        funnel, and the feedback audit. Nothing here is a mark for a person, and nothing here is fed back.
Method: exact Poisson limits, exact conditional tests with false discoveries held over the zones, gamma-Poisson
        shrinkage (Clayton & Kaldor 1987), funnel limits (Spiegelhalter 2005), ranks as ranges (``analysis.compare``).
"""

import dataclasses
import time

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.compare import funnel, funnel_limits, poisson_interval, rank_range, rate_ratio, shrink, wilson_interval
from gis_data.periods import Period
from gis_data.progress import Progress, silent
from gis_data.settings import ScorecardSettings, Settings, WorkloadSettings
from models.base_lines import judge
from models.feedback_audit import Audit, Station, audit_feedback
from models.patrol_record import PatrolLog, arrests_by_pool, arrests_over_time, hours_of
from models.plan import Plan
from models.presence import believable, checkpoint_visits, met_by_zone, presence_of, weeks_of
from models.zone_counts import Note, accounts, count_by_zone, exposure_of, two_spans, zone_of

PEOPLE = 10_000  # base of a rate per head
DAYS_A_YEAR = 365.25
FAR_OUT = 0.998  # of the areas lie inside the outer limits of a funnel by chance (Spiegelhalter 2005)
FUNNEL_STEPS = 60
AUDIT_STREAM = 6  # of the seed's random numbers: the other parts have their own


def score_zones(
    zones: gpd.GeoDataFrame,
    unit_zone: pd.Series,
    incidents: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    log: PatrolLog,
    *,
    period: Period,
    settings: Settings,
    seed: int,
    progress: Progress = silent,
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
    log
        Patrol hours, check-ins and planned checkpoints; each may be empty.
    seed
        Start of the feedback audit's chance; nothing else here is drawn.
    """
    started = time.perf_counter()
    progress("command.step.scorecard", 0.0)
    card, work = settings.scorecard, settings.workload
    incidents = incidents.assign(zone_id=zone_of(incidents, zones, unit_zone))
    scored = incidents[period.holds(incidents["reported_at"])]
    ground = exposure_of(zones, unit_zone, villages, cells, period)
    reported, base, notes_reported = _reported(ground, incidents, scored, period, card)
    patrols, tables, notes_patrols = _patrols(
        reported, zones, unit_zone, scored, villages, cells, log, period, settings
    )
    table = reported.join(patrols)
    curve, overdispersion = _funnel(table, base, card)
    audit = _audit(table, period, seed)
    progress("command.step.scorecard", 1.0)
    return Plan(
        name="scorecard",
        tables={
            "scorecard": table.rename_axis("zone_id").reset_index(),
            "base_lines": judge(table, card, work),
            **tables,
            "funnel": curve,
            **audit_tables(audit),
        },
        settings={
            "scorecard": dataclasses.asdict(card),
            "exposure": base,
            "overdispersion": overdispersion,
            "patrol_speed_km_per_h": work.patrol_speed_km_per_h,
        },
        seed=seed,
        seconds=time.perf_counter() - started,
        notes=(*notes_reported, *notes_patrols, _audit_note(audit)),
    )


def _reported(
    ground: pd.DataFrame, incidents: pd.DataFrame, scored: pd.DataFrame, period: Period, settings: ScorecardSettings
) -> tuple[pd.DataFrame, str, list[Note]]:
    """Return what residents reported, by zone, and what it was measured against."""
    base = "population" if ground["population"].sum() > 0 else "area_km2"
    table = ground.join(count_by_zone(scored, ground.index))
    latest, before, spans = two_spans(incidents, ground.index, period)
    parts = [
        table,
        _rates(table, base, period, settings),
        _against_expected(table, base, settings),
        _changes(latest, before, settings),
    ]
    notes: list[Note] = [
        ("scorecard.note.period", {"period": str(period), "days": period.days}),
        *accounts(scored, ground.index),
        ("scorecard.note.change", spans),
        (f"scorecard.note.base_{base}", {}),
    ]
    return pd.concat(parts, axis="columns"), base, notes


def _patrols(
    table: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    unit_zone: pd.Series,
    scored: pd.DataFrame,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    log: PatrolLog,
    period: Period,
    settings: Settings,
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], list[Note]]:
    """Return what patrols did and brought in, by zone, and the tables behind it."""
    card, index = settings.scorecard, table.index
    hours, notes_hours = hours_of(log.hours, unit_zone, index, period)
    pools, pool = arrests_by_pool(table["arrest_incidents"], hours, zones, card)
    visits = believable(log.visits)
    weeks = weeks_of(visits, period)
    checkpoints = checkpoint_visits(visits, log.checkpoints, weeks, card)
    seen, notes_seen = presence_of(visits, cells, villages, unit_zone, index, weeks, card)
    if len(visits) < len(log.visits):
        notes_seen.append(("scorecard.note.unbelievable", {"visits": len(log.visits) - len(visits)}))
    parts = [
        _arrests(table, hours, pools, pool, card),
        _passes(hours, table["road_km"], period, settings.workload),
        seen,
        met_by_zone(checkpoints, index),
    ]
    spans = arrests_over_time(scored, log.hours, unit_zone, index, period, card)
    notes = [*notes_hours, *_pooling_note(pools, card), *notes_seen, *_checkpoint_note(checkpoints, log.checkpoints)]
    tables = {"arrest_pools": pools, "arrest_spans": spans, "checkpoints": checkpoints}
    return pd.concat(parts, axis="columns"), tables, notes


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


def _funnel(table: pd.DataFrame, base: str, settings: ScorecardSettings) -> tuple[pd.DataFrame, float]:
    """Return the limits of observed over expected along the expected count, and how much more than chance zones vary.

    The limits are Poisson's alone, so that a zone outside them differs from the town; whether zones differ more than
    chance allows, which a few zones may do for good reasons, is the over-dispersion beside them.
    """
    expected = table["expected"].dropna()
    expected = expected[expected > 0]
    columns = ["expected", "low", "high", "far_low", "far_high"]
    if expected.empty:
        return pd.DataFrame(columns=columns, dtype=float), 1.0
    steps = np.linspace(max(0.5, 0.6 * expected.min()), 1.2 * expected.max(), FUNNEL_STEPS)
    limits = [*funnel_limits(steps, coverage=settings.level), *funnel_limits(steps, coverage=FAR_OUT)]
    found = funnel(table["reported"], table[base])
    return pd.DataFrame(dict(zip(columns, [steps, *limits], strict=True))), found.overdispersion


def _arrests(
    table: pd.DataFrame, hours: pd.Series, pools: pd.DataFrame, pool: pd.Series, settings: ScorecardSettings
) -> pd.DataFrame:
    """Return what patrols achieved beside the hours it took; the rate is that of the zone's pool."""
    low, high = poisson_interval(table["arrest_incidents"], level=settings.level)
    share_low, share_high = wilson_interval(table["reported_with_arrest"], table["reported"], level=settings.level)
    rates = pools.set_index("pool")[["arrests_per_100h", "arrests_low_per_100h", "arrests_high_per_100h"]]
    return pd.DataFrame(
        {
            "arrest_low": low,
            "arrest_high": high,
            "reported_with_arrest_pct": 100 * table["reported_with_arrest"] / table["reported"].where(lambda n: n > 0),
            "reported_with_arrest_low_pct": 100 * share_low,
            "reported_with_arrest_high_pct": 100 * share_high,
            "patrol_hours": hours,
            "arrest_pool": pool.to_numpy(),
            **{name: rates[name].reindex(pool.to_numpy()).to_numpy() for name in rates},
        },
        index=table.index,
    )


def _passes(hours: pd.Series, road_km: pd.Series, period: Period, work: WorkloadSettings) -> pd.DataFrame:
    """Return patrol hours per km of road and week, and how often these would pass each of its km at patrol speed."""
    per_km_week = hours / road_km.where(road_km > 0) / period.weeks
    passes = per_km_week * work.patrol_speed_km_per_h
    return pd.DataFrame({"patrol_h_per_km_week": per_km_week, "patrol_passes_per_week": passes})


def _audit(table: pd.DataFrame, period: Period, seed: int) -> Audit | None:
    months = 12 * period.days / DAYS_A_YEAR
    station = Station(
        zones=len(table),
        reported_per_month=float(table["reported"].sum() / months),
        arrests_per_month=float(table["arrest_incidents"].sum() / months),
        patrol_h_per_month=float(table["patrol_hours"].sum() / months),
    )
    return audit_feedback(station, table.index.tolist(), rng=np.random.default_rng([seed, AUDIT_STREAM]))


def audit_tables(audit: Audit | None) -> dict[str, pd.DataFrame]:
    """Return the tables of the feedback audit, none where there was nothing to follow."""
    if audit is None:
        return {}
    return {"feedback": audit.ends, "feedback_zones": audit.zones, "feedback_paths": audit.paths}


def _pooling_note(pools: pd.DataFrame, settings: ScorecardSettings) -> list[Note]:
    if pools["arrests_per_100h"].isna().all():
        return []
    said = {"count": f"{settings.readable_count:g}", "pools": len(pools)}
    return [("scorecard.note.pooled" if pools["readable"].all() else "scorecard.note.unreadable", said)]


def _checkpoint_note(table: pd.DataFrame, planned: pd.DataFrame) -> list[Note]:
    if planned.empty:
        return [("scorecard.note.no_checkpoints", {})]
    if table.empty:
        return []
    key = "checkpoints" if table["in_use"].all() else "checkpoints_unused"
    return [(f"scorecard.note.{key}", {"checkpoints": len(table), "weeks": int(table["weeks"].max())})]


def _audit_note(audit: Audit | None) -> Note:
    """Say where the patrol of the middle town went, and where that of 90 % of all zones."""
    if audit is None:
        return "scorecard.note.no_feedback", {}
    ends = audit.ends.set_index("rule")
    chased = audit.zones[audit.zones["rule"] == "arrests"].set_index("zone_id")["share_pct"]
    said = {
        f"{rule}_{name}": f"{ends[f'{name}_pct'][rule]:.{digits}f}"
        for rule, digits in (("reported", 1), ("arrests", 0))
        for name in ("low", "high")
    }
    return "scorecard.note.feedback", said | {
        "zone": str(chased.idxmax()),
        "share": f"{chased.max():.0f}",
        "fair": f"{ends['fair_pct']['arrests']:.1f}",
        "deserted": f"{ends['deserted_pct']['arrests']:.1f}",
        "runs": audit.runs,
    }
