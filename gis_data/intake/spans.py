"""Spans: months that a file covers only in part, and days that Spring Festival moves from year to year.

In:     when the accepted rows were reported, and those imported before.
Out:    which rows lie in a month with missing days, which under the festival's sway; what to say of both.
Method: DOMAIN 2.6, pitfalls 15 and 16. A run of days without a row is a gap where chance does not leave it empty: of n
        rows on D days none falls on k given ones with the chance (1 - k/D)^n, of which there are D - k + 1 in a month.
        The festival is told where rows of the one before are there to be compared with. Nothing is set aside: rates are
        per day, and a period is compared with equally many days (``previous_period``), around the festival with days
        equally far from it (``year_before``), here (drift.py) as on every page.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.days import (
    FESTIVAL_FROM,
    FESTIVAL_TO,
    FESTIVALS_UNTIL,
    day_number,
    festival_day,
    keeps_spring_festival,
    spring_festival,
)
from gis_data.intake.report import Told

NOTE = "month_partial"
GAP = f"intake.remark.{NOTE}"
HARDLY_CHANCE = 1e-6
MOST_TOLD = 12
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Spans:
    """What the calendar does to comparisons of a file's rows.

    Attributes
    ----------
    notes
        ``month_partial``, ``festival_days``: which rows.
    remarks
        Catalogue keys and values about the whole file.
    """

    notes: dict[str, pd.Series]
    remarks: tuple[Told, ...]


def find_spans(reported: pd.Series, before: pd.Series, *, single: pd.Series, timezone: str) -> Spans:
    """Find months with missing days and days around Spring Festival.

    Parameters
    ----------
    reported, before
        Report times of this file's accepted rows, and of the rows imported earlier.
    single
        Which rows of this file are one incident each: a sheet of totals may put a whole month on its first day.
    """
    if reported.empty:
        nothing = pd.Series(False, index=reported.index)
        return Spans({"month_partial": nothing, "festival_days": nothing}, ())
    day, day_before = day_number(reported), day_number(before)
    first, last = (int(end(np.concatenate([day, day_before]))) for end in (np.min, np.max))
    size = last - first + 1
    several = (day[single.to_numpy()], day_before)
    ours, counted, earlier = (np.bincount(days - first, minlength=size) for days in (day, *several))
    partial, told = _partial_months(counted, earlier, first)
    festival, festivals = np.zeros(size, dtype=bool), list[Told]()
    if keeps_spring_festival(timezone):
        festival, festivals = _festival_days(ours, earlier, first)
    notes = {"month_partial": partial, "festival_days": festival}
    at = day - first
    return Spans({name: pd.Series(days[at], index=reported.index) for name, days in notes.items()}, (*told, *festivals))


def _partial_months(counted: Whole, earlier: Whole, first: int) -> tuple[Flags, list[Told]]:
    """Return which days lie in a month of this file's with a gap, and the gaps."""
    partial, told = np.zeros(len(counted), dtype=bool), list[Told]()
    filled = np.flatnonzero(counted) + first
    for month in np.unique(filled.astype("datetime64[D]").astype("datetime64[M]")):
        start, end = (int((month + step).astype("datetime64[D]").astype(np.int64)) for step in (0, 1))
        inside = slice(max(0, start - first), end - first)
        gap = _gap(counted[inside] + earlier[inside], max(start, first), start, end)
        if gap is None:
            continue
        partial[inside] = True
        told.append((GAP, {"month": str(month), "of": end - start, **_told_gap(gap)}))
    return partial, told[-MOST_TOLD:]


def gaps_left(told: Iterable[Told], reported: pd.Series) -> list[Told]:
    """Return remarks without the gaps that rows imported since have filled; what is left of a gap is told as it is now.

    Parameters
    ----------
    told
        Remarks of any kind.
    reported
        Report times of all incidents, each one incident.
    """
    told = list(told)
    if not any(key == GAP for key, _ in told):
        return told
    day, found = day_number(reported), list[Told]()
    for key, about in told:
        if key == GAP:
            month = np.datetime64(str(about["month"]), "M")
            start, end = (int((month + step).astype("datetime64[D]").astype(np.int64)) for step in (0, 1))
            inside = day[(day >= start) & (day < end)]
            gap = _gap(np.bincount(inside - start, minlength=end - start), start, start, end)
            if gap is not None:
                found.append((key, {**about, **_told_gap(gap)}))
        else:
            found.append((key, about))
    return found


def all_filled(told: Iterable[Told], left: Iterable[Told]) -> bool:
    """Tell whether gaps were told of a file, all of them, and none of them is left."""
    gaps = sum(1 for key, _ in told if key == GAP)
    return 0 < gaps < MOST_TOLD and all(key != GAP for key, _ in left)


def _told_gap(gap: tuple[int, int]) -> dict[str, object]:
    since, until = (str(np.datetime64(day, "D")) for day in gap)
    return {"first": since, "last": until, "days": gap[1] - gap[0] + 1}


def _gap(counts: Whole, known_from: int, start: int, end: int) -> tuple[int, int] | None:
    """Return the longest run of days of a month without a row, if chance does not leave it empty.

    Parameters
    ----------
    counts
        Rows of each day from ``known_from`` on; days that it does not reach have none.
    start, end
        First day of the month and of the next.
    """
    filled = np.flatnonzero(counts) + known_from
    if len(filled) < 2:  # totals of a month, or its first day
        return None
    edges = np.concatenate([[start - 1], filled, [end]])
    empty = np.diff(edges) - 1
    longest, days = int(empty.argmax()), end - start
    k = int(empty[longest])
    chance = (days - k + 1) * (1 - k / days) ** int(counts.sum())
    return (int(edges[longest]) + 1, int(edges[longest + 1]) - 1) if k and chance < HARDLY_CHANCE else None


def _festival_days(ours: Whole, earlier: Whole, first: int) -> tuple[Flags, list[Told]]:
    """Return which days lie under the sway of a festival that may be held against the one before, and what to say."""
    year = festival_of(np.arange(len(ours)) + first)
    had = {*year[(ours > 0) | (earlier > 0)]} - {0}
    swayed, told = np.zeros(len(ours), dtype=bool), list[Told]()
    for festival in (int(one) for one in np.unique(year[ours > 0]) if one - 1 in had):
        days = year == festival
        about = {"year": festival, "day": str(spring_festival(festival)), "before": str(spring_festival(festival - 1))}
        told.append(("intake.remark.festival_days", about | {"rows": int(ours[days].sum())}))
        swayed |= days
    return swayed, told[-MOST_TOLD:]


def festival_of(days: Whole) -> Whole:
    """Return for each day the year of the festival under whose sway it is, or 0."""
    known = pd.DatetimeIndex(days.astype("datetime64[D]"))
    year = np.zeros(len(days), dtype=np.int64)
    asked = known.year <= FESTIVALS_UNTIL  # a slip of the pen may be later
    from_festival = festival_day(known[asked])
    festival = (known[asked] - pd.to_timedelta(from_festival, unit="D")).year.to_numpy(dtype=np.int64)
    year[asked] = np.where((from_festival >= FESTIVAL_FROM) & (from_festival < FESTIVAL_TO), festival, 0)
    return year
