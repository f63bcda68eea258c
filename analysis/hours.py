"""Hours of the day when things happen, although often only «between then and then» is known.

In:     start and end of each incident's time window (local clock).
Out:    the weight of each hour, an incident's weights summing to 1; the busiest four hours, if any stand out.
Method: aoristic weights by exact overlap (Ratcliffe & McCullagh 1998); a window over a week says nothing about
        the hour and is spread evenly (rule of the R package aoristic).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

WEEK_HOURS = 168
PEAK_HOURS = 4
LONG_SPAN_MIN = 12 * 60.0


@dataclass(frozen=True)
class HourProfile:
    """Weight of each hour of the day; how many incidents it rests on; how vague their times are."""

    by_hour: Floats
    known: int
    unknown: int
    end_before_start: int
    long_span_share: float


@dataclass(frozen=True)
class Peak:
    """The busiest window: hours [start, end) on the clock, its share of the weight, chance of such a share if flat."""

    start: int
    end: int
    share: float
    p_value: float


def hour_of_week_weights(start: pd.Series, end: pd.Series) -> Floats:
    """Return the (n, 168) weights of the hours of the week, Monday 00:00 first; each row sums to 1.

    An end that is missing or lies before the start gives all weight to the start's hour.
    """
    first, span = _minutes(start, end)
    bins = np.arange(WEEK_HOURS) * 60.0
    weights = np.zeros((len(first), WEEK_HOURS))
    for offset in (0.0, WEEK_HOURS * 60.0):  # a window that runs past Sunday midnight goes on on Monday
        low = np.maximum(first[:, None], bins + offset)
        high = np.minimum((first + span)[:, None], bins + 60.0 + offset)
        weights += np.clip(high - low, 0.0, None)
    instant, vague = span == 0, span > WEEK_HOURS * 60
    weights[instant, (first[instant] // 60).astype(int)] = 1.0
    weights[~instant & ~vague] /= span[~instant & ~vague, None]
    weights[vague] = 1 / WEEK_HOURS
    return weights


def hour_profile(start: pd.Series, end: pd.Series) -> HourProfile:
    """Return the aoristic profile of the day; incidents without a start are counted, not guessed."""
    known = start.notna()
    start, end = start[known], end[known]
    _, span = _minutes(start, end)
    by_hour = hour_of_week_weights(start, end).reshape(-1, 7, 24).sum(axis=(0, 1))
    return HourProfile(
        by_hour=by_hour,
        known=int(known.sum()),
        unknown=int((~known).sum()),
        end_before_start=int((end < start).sum()),
        long_span_share=float((span > LONG_SPAN_MIN).mean()) if len(span) else 0.0,
    )


def busiest_hours(by_hour: Floats) -> Peak:
    """Return the four-hour window (over midnight too) with the most weight.

    The p-value is a Bonferroni bound over the 24 windows: would a flat day give any window so much?
    """
    total = float(by_hour.sum())
    around = np.concatenate([by_hour, by_hour[: PEAK_HOURS - 1]])
    windows = np.convolve(around, np.ones(PEAK_HOURS), mode="valid")
    start = int(np.argmax(np.round(windows, 9)))
    best = float(windows[start])
    p_value = 1.0
    if total > 0:
        # Weights are fractions of incidents: rounded down, so that the window is never given more than it holds.
        p_value = min(1.0, 24 * float(stats.binom.sf(np.floor(best + 1e-9) - 1, round(total), PEAK_HOURS / 24)))
    return Peak(start, (start + PEAK_HOURS) % 24, best / total if total else 0.0, p_value)


def _minutes(start: pd.Series, end: pd.Series) -> tuple[Floats, Floats]:
    """Return minutes since Monday 00:00 of the start, and the span in minutes (0 where the end is of no use)."""
    start, end = (times.dt.tz_localize(None) if times.dt.tz is not None else times for times in (start, end))
    since_midnight = (start - start.dt.normalize()).dt.total_seconds() / 60
    first: Floats = (since_midnight + start.dt.day_of_week * 1440).to_numpy(np.float64)
    span = ((end - start).dt.total_seconds() / 60).fillna(0.0)
    return first, np.maximum(span.to_numpy(np.float64), 0.0)
