"""What changed between two periods, and what only looks so: new codes, late reports.

In:     incidents; the period now and the one to compare it with (``gis_data.days.previous_period`` for 环比,
        ``year_before`` for 同比).
Out:    one row per group (type, area, 6-hour band) with both counts, ratio, interval and one of three words; funnel
        data of areas; warnings that a type's share jumped or that reports are still to come.
Method: exact conditional test and Clopper-Pearson limits of two Poisson rates, Benjamini & Hochberg over the rows that
        could show anything; Fisher's exact test for shares; reporting delays from right-truncated data by reverse
        hazards (Lawless 1994).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.compare import (
    Word,
    false_discovery_where,
    funnel,
    funnel_limits,
    least_p_value,
    rate_ratio,
    share_change,
)
from analysis.hours import BANDS, band_weights
from gis_data.periods import Period

Floats = NDArray[np.float64]

FEW = 10  # below this count before, no percentage is printed: 「数量少，不计百分比」 (DOMAIN 2.4)
UNKNOWN_BAND = ""
DRIFT_POINTS = 5.0
MOST_DELAY_DAYS = 60
COMPLETE = 0.95
LATE_DAYS = 1
WEEK_DAYS = 7
FUNNEL_COVERAGES = (0.95, 0.998)
ROWS_AT_ONCE = 65_536  # bounds the memory that weights of bands take

CHANGES: dict[str, str] = {
    "count": "float64",
    "count_before": "float64",
    "days": "int64",
    "days_before": "int64",
    "ratio": "float64",
    "low": "float64",
    "high": "float64",
    "change_pct": "float64",
    "p_value": "float64",
    "p_adj": "float64",
    "word": "str",
}


def compare_periods(
    incidents: pd.DataFrame,
    now: Period,
    before: Period,
    *,
    by: Sequence[str] = (),
    bands: bool = False,
    at: str = "reported_at",
    level: float = 0.95,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Compare the incidents of two periods, in all or by groups.

    Parameters
    ----------
    incidents
        Rows with ``count``, the time column ``at`` and the columns ``by`` (type, village_id, zone).
    bands
        Split each group by the 6-hour band of the occurrence too: column ``band``, "" where the hour is not known. An
        incident between two bands counts in both by its aoristic weight.

    Returns
    -------
    pandas.DataFrame
        One row per group with incidents in either period, in the order of the groups (one row without groups), with
        the columns ``CHANGES``: ``ratio`` of incidents per day with its limits, ``change_pct`` of incidents per day
        (NaN where fewer than ``FEW`` came before), ``word`` "up", "down" or "none". Over the whole table at most a
        share ``alpha`` of the changes named is expected to be chance. Limits are those of each row alone.
    """
    names = [*by, "band"] if bands else list(by)
    counts = _counts(incidents, [period.holds(incidents[at]) for period in (now, before)], by, bands=bands)
    n1, n0 = counts["count"].to_numpy(float), counts["count_before"].to_numpy(float)
    found = rate_ratio(n1, now.days, n0, before.days, level=level)
    # A sum of weights is judged like the next whole count below it.
    seen = least_p_value(np.floor(n1 + n0 + 1e-9), now.days, before.days) <= alpha
    p_adj = false_discovery_where(found.p_value, seen)
    table = counts.assign(
        days=now.days, days_before=before.days, ratio=found.ratio, low=found.low, high=found.high,
        change_pct=np.where(n0 >= FEW, 100 * (found.ratio - 1), np.nan), p_value=found.p_value, p_adj=p_adj,
        word=np.where(p_adj > alpha, "none", np.where(found.ratio > 1, "up", "down")),
    )  # fmt: skip
    return table[[*names, *CHANGES]].astype(CHANGES)


def area_funnel(
    incidents: pd.DataFrame, exposure: pd.Series, *, area: str = "village_id", alpha: float = 0.05
) -> tuple[pd.DataFrame, float]:
    """Return the areas against their expected counts, and the over-dispersion the limits are widened by.

    Parameters
    ----------
    exposure
        People, road km or another base of each area (index: area). Areas without incidents are counted as 0; incidents
        in no area of the index are left out.

    Returns
    -------
    pandas.DataFrame
        One row per area: ``count``, ``expected``, ``ratio``, the limits ``low_95``, ``high_95``, ``low_998``,
        ``high_998`` at its expected count, ``p_value``, ``p_adj``, and ``side`` "above", "below" or "inside".
    """
    count = incidents.groupby(area)["count"].sum().reindex(exposure.index, fill_value=0).to_numpy(float)
    base = np.nan_to_num(exposure.to_numpy(float))
    found = funnel(count, base)
    expected = count[base > 0].sum() * base / base.sum() if base.sum() > 0 else np.zeros(len(base))
    table = pd.DataFrame({"count": count, "expected": expected, "ratio": found.ratio}, index=exposure.index)
    for coverage in FUNNEL_COVERAGES:
        with np.errstate(invalid="ignore", divide="ignore"):
            low, high = funnel_limits(expected, coverage=coverage, overdispersion=found.overdispersion)
        digits = f"{coverage:.3f}"[2:].rstrip("0")
        table[f"low_{digits}"], table[f"high_{digits}"] = low, high
    return table.assign(p_value=found.p_value, p_adj=found.p_adj, side=found.sides(alpha=alpha)), found.overdispersion


def type_drift(
    incidents: pd.DataFrame,
    now: Period,
    before: Period,
    *,
    by: str = "type",
    at: str = "reported_at",
    alpha: float = 0.05,
    points: float = DRIFT_POINTS,
) -> pd.DataFrame:
    """Compare the share of each type in all incidents: a jump may be a new code table and not a new wave.

    Returns
    -------
    pandas.DataFrame
        One row per type, the largest change of share first: ``count``, ``count_before``, ``share_pct``,
        ``share_before_pct``, ``p_adj`` and ``warning``: "new" (never before), "gone", "other_grows" («other» types), or
        "jump" (by ``points`` percentage points or more); "" for none. A warning is more than chance at ``alpha``.
    """
    counts = _counts(incidents, [period.holds(incidents[at]) for period in (now, before)], [by], bands=False)
    k1, k0 = counts["count"].to_numpy(np.int64), counts["count_before"].to_numpy(np.int64)
    n1, n0 = k1.sum(), k0.sum()
    if min(n1, n0) == 0:
        p_adj, share, share_before = np.ones(len(counts)), np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    else:
        # Like a change of counts, a type too rare to show anything must not hide the others.
        seen = least_p_value(k1 + k0, n1, n0) <= alpha
        p_adj = false_discovery_where(share_change(k1, n1, k0, n0), seen)
        share, share_before = 100 * k1 / n1, 100 * k0 / n0
    step = share - share_before
    is_other = counts[by].astype(str).str.startswith("other").to_numpy()
    warning = np.select(
        [p_adj > alpha, k0 == 0, k1 == 0, is_other & (step > 0), np.abs(step) >= points],
        ["", "new", "gone", "other_grows", "jump"], "",
    )  # fmt: skip
    table = counts.assign(share_pct=share, share_before_pct=share_before, p_adj=p_adj, warning=warning)
    return table.iloc[np.argsort(-np.abs(step), kind="stable")].reset_index(drop=True)


@dataclass(frozen=True)
class ReportingDelay:
    """How late incidents are reported, and what that does to the latest period.

    Attributes
    ----------
    incidents
        Incidents with both times, up to the day of the reading.
    median_days, late_pct
        Delay from the first possible time to the report; share reported more than ``LATE_DAYS`` days later.
    completeness, missing
        Share of the period's incidents that has been reported by now, and how many are still to come.
    is_incomplete
        Less than ``COMPLETE`` of the period has been reported: its count will still grow.
    late_word
        Whether late reports became more ("up") or fewer ("down") than in the period before, among incidents at least a
        week old and reported within one; "none" if neither shows.
    """

    incidents: int
    median_days: float
    late_pct: float
    completeness: float
    missing: float
    is_incomplete: bool
    late_word: Word


def reporting_delay(
    incidents: pd.DataFrame, now: Period, before: Period, *, as_of: pd.Timestamp, alpha: float = 0.05
) -> ReportingDelay:
    """Estimate what part of the incidents that occurred in ``now`` has been reported by the day ``as_of``.

    Delays are whole days, counted up to ``MOST_DELAY_DAYS``; a delay of d days can only be seen of incidents that lie
    at least d days back, so each delay is compared with those that could have shown it.
    """
    known = incidents[incidents["occurred_from"].notna() & (incidents["reported_at"] < as_of)]
    day = known["occurred_from"].dt.normalize()
    today = (as_of - pd.Timedelta(microseconds=1)).normalize()
    delay = ((known["reported_at"].dt.normalize() - day).dt.days).clip(0, MOST_DELAY_DAYS).to_numpy(np.int64)
    age = (today - day).dt.days.to_numpy(np.int64)
    count = known["count"].to_numpy(float)
    reported = _reported_within(delay, age, count)
    held = [period.holds(known["occurred_from"]).to_numpy() for period in (now, before)]
    inside = held[0]
    reported_now = count[inside].sum()
    total = (count[inside] / reported[np.clip(age[inside], 0, MOST_DELAY_DAYS)]).sum()
    late = delay > LATE_DAYS
    # Both periods are compared by what a week shows, or the latest, not yet reported in full, would always look prompt.
    seen = (age >= WEEK_DAYS) & (delay <= WEEK_DAYS)
    return ReportingDelay(
        incidents=round(count.sum()),
        median_days=_weighted_median(delay, count),
        late_pct=100 * float(count[late].sum() / count.sum()) if count.sum() else float("nan"),
        completeness=float(reported_now / total) if total else 1.0,
        missing=float(total - reported_now),
        is_incomplete=bool(total and reported_now / total < COMPLETE),
        late_word=_word(late, count, [seen & part for part in held], alpha),
    )


def _counts(incidents: pd.DataFrame, held: Sequence[pd.Series], by: Sequence[str], *, bands: bool) -> pd.DataFrame:
    """Return ``count`` and ``count_before`` of each group that has any, in the order of the groups."""
    either = held[0] | held[1]
    rows = incidents[either]
    inside = [part[either].to_numpy() for part in held]
    code, table = _groups(rows, by)
    names = [*BANDS, UNKNOWN_BAND] if bands else [UNKNOWN_BAND]
    both = np.zeros((2, (len(table) + 1) * len(names)))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        share = _band_shares(rows.iloc[part]) if bands else np.ones((len(code[part]), 1))
        at = (code[part, None] * len(names) + np.arange(len(names))).ravel()
        share *= rows["count"].to_numpy(float)[part, None]
        for summed, counted in zip(both, inside, strict=True):
            summed += np.bincount(at, (share * counted[part, None]).ravel(), minlength=len(summed))
    table = table.loc[table.index.repeat(len(names))].reset_index(drop=True)
    if bands:
        table["band"] = np.tile(np.array(names), len(table) // len(names))
    table["count"], table["count_before"] = both[:, len(names) :]  # before these stand the rows of no group
    if not by and not bands:
        return table
    table = table[(table["count"] + table["count_before"]) > 0]
    return table.sort_values([*by, *(["band"] if bands else [])], kind="stable", ignore_index=True)


def _groups(rows: pd.DataFrame, by: Sequence[str]) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return for each row the number of its group, counted from 1 (0 where a name is missing), and the groups."""
    if not by:
        return np.ones(len(rows), dtype=np.int64), pd.DataFrame(index=range(1))
    groups = rows.groupby(list(by), observed=True)
    code: NDArray[np.int64] = np.asarray(groups.ngroup().fillna(-1), dtype=np.int64) + 1
    return code, groups.size().index.to_frame(index=False)


def _band_shares(rows: pd.DataFrame) -> Floats:
    """Return the aoristic weight of each row in each band, and last what its hour is not known of."""
    share = band_weights(rows["occurred_from"], rows["occurred_to"])
    share = np.column_stack([share, 1 - share.sum(axis=1)])
    share[np.abs(share) < 1e-12] = 0.0
    return share


def _reported_within(delay: NDArray[np.int64], age: NDArray[np.int64], count: Floats) -> Floats:
    """Return the share of incidents reported within d = 0, 1, ... days, from delays cut off by today.

    The chance that a delay is d, given that it is at most d, is estimated from the incidents at least d days old.
    """
    within = np.ones(MOST_DELAY_DAYS + 1)
    sizes = (MOST_DELAY_DAYS + 2, MOST_DELAY_DAYS + 1)
    at = (np.clip(age, -1, MOST_DELAY_DAYS) + 1) * sizes[1] + delay
    by_age = np.bincount(at, count, minlength=sizes[0] * sizes[1]).reshape(sizes)  # the first row: not yet
    for days in range(MOST_DELAY_DAYS, 0, -1):
        could = by_age[days + 1 :, : days + 1].sum(axis=0)
        exactly = could[days] / could.sum() if could.any() else 0.0
        within[days - 1] = within[days] * (1 - exactly)
    return np.maximum(within, 1e-3)


def _word(late: NDArray[np.bool_], count: Floats, held: Sequence[NDArray[np.bool_]], alpha: float) -> Word:
    part = [round(count[inside & late].sum()) for inside in held]
    whole = [round(count[inside].sum()) for inside in held]
    if min(whole) == 0 or share_change(part[0], whole[0], part[1], whole[1]) > alpha:
        return "none"
    return "up" if part[0] / whole[0] > part[1] / whole[1] else "down"


def _weighted_median(values: NDArray[np.int64], weight: Floats) -> float:
    if weight.sum() == 0:
        return float("nan")
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
