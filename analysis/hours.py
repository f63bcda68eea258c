"""Hours of the day when things happen, although often only «between then and then» is known.

In:     start and end of each incident's time window (local clock), and the incidents a row stands for.
Out:    the weight of each hour, of each hour and weekday, of each hour by kind of day (market day, season); the share
        of the weight that comes from long windows; the four 6-hour bands; the busiest four hours, if any stand out.
Method: aoristic weights by exact overlap (Ratcliffe & McCullagh 1998; Ashby & Bowers 2013), an incident's weights
        summing to 1; a window over a week says nothing about the hour and is spread evenly (rule of the R package
        aoristic). A window is the difference of two ramps, so all windows together are a few sums per hour of the
        calendar: time grows with the windows, not with the hours they span.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEK_HOURS = 168
PEAK_HOURS = 4
LONG_SPAN_MIN = 12 * 60.0
BAND_HOURS = 6
BANDS = ("00-06", "06-12", "12-18", "18-24")
WEEKDAYS = range(1, 8)  # Monday is 1

HOUR_US = 3_600_000_000
SHORTEST_US = 1_000_000  # a window under a second is an instant
MISSING = np.iinfo(np.int64).min  # how a missing time reads as an integer
# Hour 0 of the calendar is Monday 1 January 1900, so that hour modulo 168 is the hour of the week.
EPOCH_US = 613_608 * HOUR_US
ROWS_AT_ONCE = 65_536


@dataclass(frozen=True)
class HourProfile:
    """Weight of each hour of the day; how many incidents it rests on; how vague their times are.

    Attributes
    ----------
    by_hour
        (24,) weights; their sum is ``known``.
    known, unknown, end_before_start
        Incidents with a start; without one (they are counted, not guessed); with an end before it.
    long_span_share
        Share of the known incidents, and so of the weight, that comes from windows over twelve hours. These flatten
        every hour: ``by_hour_short`` is the profile without them.
    """

    by_hour: Floats
    known: int
    unknown: int
    end_before_start: int
    long_span_share: float
    by_hour_short: Floats

    @property
    def by_band(self) -> Floats:
        """Weight of the four 6-hour bands ``BANDS`` of the weekly sheet."""
        return self.by_hour.reshape(-1, BAND_HOURS).sum(axis=1)


@dataclass(frozen=True)
class DayHours:
    """Weight of each hour by kind of day, and how many days of each kind there were.

    ``weight`` has one row per kind and columns 0 to 23; ``per_day`` divides it by the days of that kind, so that 60
    market days and 305 others can be compared.
    """

    weight: pd.DataFrame
    days: pd.Series

    @property
    def per_day(self) -> pd.DataFrame:
        """Weight per day of each kind; NaN where the period had no such day."""
        return self.weight.div(self.days.where(self.days > 0), axis=0)


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
    return _row_weights(start, end, unit=1, period=WEEK_HOURS)


def band_weights(start: pd.Series, end: pd.Series) -> Floats:
    """Return the (n, 4) weights of the 6-hour bands ``BANDS``; each row sums to 1, and to 0 without a start."""
    known = start.notna().to_numpy()
    weights = np.zeros((len(known), len(BANDS)))
    weights[known] = _row_weights(start[known], end[known], unit=BAND_HOURS, period=24)
    return weights


def hour_profile(start: pd.Series, end: pd.Series, count: ArrayLike | None = None) -> HourProfile:
    """Return the aoristic profile of the day; incidents without a start are counted, not guessed.

    Parameters
    ----------
    start, end
        First and last possible time of each row.
    count
        Incidents each row stands for (one if not given).
    """
    windows = _Windows.of(start, end, count)
    vague = windows.some(windows.longer(LONG_SPAN_MIN / 60))
    by_hour, vague_by_hour = (part.week().reshape(7, 24).sum(axis=0) for part in (windows, vague))
    return HourProfile(
        by_hour=by_hour,
        known=round(windows.total),
        unknown=round(windows.unknown),
        end_before_start=round(windows.end_before_start),
        long_span_share=vague.total / windows.total if windows.total else 0.0,
        by_hour_short=np.maximum(by_hour - vague_by_hour, 0.0),
    )


def hours_by_weekday(start: pd.Series, end: pd.Series, count: ArrayLike | None = None) -> pd.DataFrame:
    """Return the weight of each hour (columns 0 to 23) on each weekday (rows 1, Monday, to 7)."""
    week = _Windows.of(start, end, count).week().reshape(7, 24)
    return pd.DataFrame(week, index=pd.Index(WEEKDAYS, name="weekday"), columns=pd.RangeIndex(24, name="hour"))


def hours_by_day_kind(
    start: pd.Series,
    end: pd.Series,
    kind: Callable[[pd.DatetimeIndex], ArrayLike],
    count: ArrayLike | None = None,
    *,
    period: tuple[pd.Timestamp, pd.Timestamp] | None = None,
) -> DayHours:
    """Return the weight of each hour by kind of day.

    Parameters
    ----------
    kind
        Says of local days (midnights without time zone) which kind each is: market day or not, season, holiday. A
        window over midnight gives each day its part; one over a week gives each of its days its part, evenly over the
        clock.
    period
        First day, and first day after, whose days are counted; by default the days on which any window touches.
        Weight outside it stays in the table.
    """
    first_hour, weight = _Windows.of(start, end, count).calendar()
    by_day = weight.reshape(-1, 24)
    midnight = pd.Timestamp("1900-01-01") + pd.Timedelta(hours=first_hour)
    days = pd.date_range(midnight, periods=len(by_day), freq="D")
    kinds = np.asarray(kind(days))
    table = pd.DataFrame(by_day, columns=pd.RangeIndex(24, name="hour")).groupby(kinds).sum()
    if period is not None:
        low, high = (day.tz_localize(None).normalize() for day in period)
        kinds = np.asarray(kind(pd.date_range(low, high - pd.Timedelta(days=1), freq="D")))
    number = pd.Series(kinds).value_counts()
    every = table.index.union(number.index).rename("kind")
    return DayHours(table.reindex(every, fill_value=0.0), number.reindex(every, fill_value=0).rename("days"))


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


@dataclass(frozen=True)
class _Windows:
    """Time windows in microseconds of the local clock since 1970, and the incidents each stands for (None: one)."""

    first: Ints
    last: Ints
    weight: Floats | None
    unknown: float = 0.0
    end_before_start: float = 0.0

    @classmethod
    def of(cls, start: pd.Series, end: pd.Series, count: ArrayLike | None) -> "_Windows":
        weight = None if count is None else np.asarray(count, dtype=float)
        first, last = _local_us(start), _local_us(end)
        unknown = 0.0
        if len(first) and first.min() == MISSING:
            known = first != MISSING
            unknown = _total(weight, ~known)
            first, last, weight = first[known], last[known], None if weight is None else weight[known]
        backwards = (last < first) & (last != MISSING) if len(last) and (last - first).min() < 0 else None
        # A missing time is the least integer: this mends missing ends and ends before the start at once.
        return cls(first, np.maximum(first, last), weight, unknown, _total(weight, backwards))

    @property
    def total(self) -> float:
        """Return the incidents all windows stand for."""
        return float(len(self.first)) if self.weight is None else float(self.weight.sum())

    def longer(self, hours: float) -> NDArray[np.bool_]:
        """Tell which windows are longer than so many hours."""
        found: NDArray[np.bool_] = self.last - self.first > hours * HOUR_US
        return found

    def some(self, chosen: NDArray[np.bool_]) -> "_Windows":
        """Return the chosen windows."""
        return _Windows(self.first[chosen], self.last[chosen], None if self.weight is None else self.weight[chosen])

    def week(self) -> Floats:
        """Return the (168,) weights of the hours of the week."""
        vague = self.longer(WEEK_HOURS)
        sharp, spread = (self.some(~vague), self.some(vague).total) if vague.any() else (self, 0.0)
        begin, weight = sharp.by_unit(hours=1)
        hour = (np.arange(len(weight)) + begin) % WEEK_HOURS
        by_hour: Floats = np.asarray(np.bincount(hour, weight, minlength=WEEK_HOURS) + spread / WEEK_HOURS, np.float64)
        return by_hour

    def calendar(self) -> tuple[int, Floats]:
        """Return the weights of the hours of the calendar, whole days, and the number of the first hour."""
        vague = self.longer(WEEK_HOURS)
        begin, weight = self.some(~vague).by_unit(hours=1)
        day, by_day = self.some(vague).by_unit(hours=24)
        parts = [(begin // 24 * 24, np.r_[np.zeros(begin % 24), weight]), (day * 24, np.repeat(by_day / 24, 24))]
        parts = [(hour, part) for hour, part in parts if part.any()]
        start = min((hour for hour, _ in parts), default=0)
        end = max((hour + int(np.flatnonzero(part)[-1]) for hour, part in parts), default=start - 1)
        total = np.zeros((end // 24 + 1) * 24 - start)
        for hour, part in parts:
            inside = part[: len(total) + start - hour]
            total[hour - start : hour - start + len(inside)] += inside
        return start, total

    def by_unit(self, *, hours: int) -> tuple[int, Floats]:
        """Return the weight of each ``hours`` of the calendar by exact overlap, and the number of the first.

        A window [s, e) is the ramp that rises by 1 / (e - s) from s on, less the one that rises from e on. A ramp gives
        the unit it begins in the part that is left of it, and each later unit a whole step.
        """
        if len(self.first) == 0:
            return 0, np.zeros(0)
        unit_us = hours * HOUR_US
        origin = (int(self.first.min()) + EPOCH_US) // unit_us
        zero = origin * unit_us - EPOCH_US
        bins = int(self.last.max() - zero) // unit_us + 1
        step, part = np.zeros(bins), np.zeros(bins)
        for at in range(0, len(self.first), ROWS_AT_ONCE):  # what is read and written again stays in the cache
            rows = slice(at, at + ROWS_AT_ONCE)
            first, last = (self.first[rows] - zero) / unit_us, (self.last[rows] - zero) / unit_us
            span = last - first
            instant = span < SHORTEST_US / unit_us
            np.copyto(span, np.inf, where=instant)
            weight = 1.0 if self.weight is None else self.weight[rows]
            slope = weight / span
            at_once = instant * weight  # an instant is no ramp: all its weight lies in the unit it begins in
            for sign, time, whole in ((1.0, first, at_once), (-1.0, last, 0.0)):
                number = time.astype(np.int64)
                part += sign * np.bincount(number, slope * (number + 1 - time) + whole, minlength=bins)
                step += sign * np.bincount(number, slope, minlength=bins)
        return origin, np.maximum(part + np.cumsum(step) - step, 0.0)


def _total(weight: Floats | None, chosen: NDArray[np.bool_] | None) -> float:
    if chosen is None:
        return 0.0
    return float(chosen.sum() if weight is None else weight[chosen].sum())


def _row_weights(start: pd.Series, end: pd.Series, *, unit: int, period: int) -> Floats:
    """Return (n, period / unit) weights: the share of each row's window in each part of a repeating period, in hours.

    The hours of a part in [0, t) are those of the whole periods before t and what t has of its own.
    """
    windows = _Windows.of(start, end, None)
    low = np.arange(0, period, unit, dtype=float)

    def until(time: Floats) -> Floats:
        return (time // period * unit)[:, None] + np.clip((time % period)[:, None] - low, 0.0, unit)

    first = (windows.first + EPOCH_US) % (period * HOUR_US) / HOUR_US
    span = (windows.last - windows.first) / HOUR_US
    weights = until(first + span) - until(first)
    instant, vague = span < SHORTEST_US / HOUR_US, span > WEEK_HOURS
    weights[instant] = 0.0
    weights[instant, (first[instant] // unit).astype(np.int64)] = 1.0
    weights[~instant] /= span[~instant, None]
    weights[vague] = unit / period
    return weights


def _local_us(times: pd.Series) -> Ints:
    """Return microseconds of the local clock since 1970; the least integer where the time is missing."""
    local = times.dt.tz_localize(None) if times.dt.tz is not None else times
    return local.to_numpy().astype("datetime64[us]", copy=False).view(np.int64)
