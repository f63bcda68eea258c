"""Calendar: months that a file covers only in part, and days that Spring Festival moves from year to year.

In:     when the accepted rows were reported, and those imported before.
Out:    which rows lie in a month with missing days, which under the festival's sway; what to say of both.
Method: DOMAIN 2.6, pitfalls 15 and 16. A run of days without a row is a gap where chance does not leave it empty: of n
        rows on D days none falls on k given ones with the chance (1 - k/D)^n, of which there are D - k + 1 in a month.
        The festival is told where rows of the one before are there to be compared with. Nothing is set aside: rates are
        per day, and a period is compared with equally many days (``previous_period``), around the festival with days
        equally far from it (``year_before``), here (drift.py) as on every page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.days import (
    FESTIVAL_FROM,
    FESTIVAL_TO,
    FESTIVALS_UNTIL,
    festival_day,
    keeps_spring_festival,
    spring_festival,
)

HARDLY_CHANCE = 1e-6
MOST_TOLD = 12
Days = NDArray[np.datetime64]


@dataclass(frozen=True)
class Calendar:
    """What the calendar does to comparisons of a file's rows.

    Attributes
    ----------
    notes
        ``month_partial``, ``festival_days``: which rows.
    remarks
        Catalogue keys and values about the whole file.
    """

    notes: dict[str, pd.Series]
    remarks: tuple[tuple[str, Mapping[str, Any]], ...]


def find_gaps(reported: pd.Series, before: pd.Series, *, single: pd.Series, timezone: str) -> Calendar:
    """Find months with missing days and days around Spring Festival.

    Parameters
    ----------
    reported, before
        Report times of this file's accepted rows, and of the rows imported earlier.
    single
        Which rows of this file are one incident each: a sheet of totals may put a whole month on its first day.
    """
    day = _days(reported)
    partial, told = _partial_months(day, day[single.to_numpy()], _days(before))
    festival, festivals = np.zeros(len(day), dtype=bool), list[tuple[str, dict[str, Any]]]()
    if keeps_spring_festival(timezone):
        festival, festivals = _festival_days(day, _days(before))
    notes = {"month_partial": partial, "festival_days": festival}
    return Calendar(
        {name: pd.Series(flags, index=reported.index) for name, flags in notes.items()}, (*told, *festivals)
    )


def _days(times: pd.Series) -> Days:
    return times.dt.tz_localize(None).to_numpy().astype("datetime64[D]")


def _partial_months(
    day: Days, single: Days, before: Days
) -> tuple[NDArray[np.bool_], list[tuple[str, dict[str, Any]]]]:
    """Return which of this file's rows lie in a month with a gap, and the gaps."""
    every = np.concatenate([single, before])
    partial, told = np.zeros(len(day), dtype=bool), []
    if not len(single):
        return partial, []
    month_of = day.astype("datetime64[M]")
    for month in np.unique(single.astype("datetime64[M]")):
        gap = _gap(every[every.astype("datetime64[M]") == month], month)
        if gap is None:
            continue
        partial |= month_of == month
        first, last = gap
        of = int(((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int))
        about = {"month": str(month), "first": str(first), "last": str(last), "of": of}
        told.append(("intake.remark.month_partial", about | {"days": int((last - first).astype(int)) + 1}))
    return partial, told[-MOST_TOLD:]


def _gap(day: Days, month: np.datetime64) -> tuple[np.datetime64, np.datetime64] | None:
    """Return the longest run of days of a month without a row, if chance does not leave it empty."""
    first, end = month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]")
    filled = np.unique(day)
    if len(filled) < 2:  # totals of a month, or its first day
        return None
    edges = np.concatenate([[first - 1], filled, [end]])
    empty = np.diff(edges).astype(int) - 1
    longest, days = int(empty.argmax()), int((end - first).astype(int))
    k = int(empty[longest])
    chance = (days - k + 1) * (1 - k / days) ** len(day)
    return (edges[longest] + 1, edges[longest + 1] - 1) if k and chance < HARDLY_CHANCE else None


def _festival_days(day: Days, before: Days) -> tuple[NDArray[np.bool_], list[tuple[str, dict[str, Any]]]]:
    """Return which rows lie under the sway of a festival that may be held against the one before, and what to say."""
    festival, at = _festival_of(day)
    had = {*np.unique(festival), *np.unique(_festival_of(before)[0])} - {0}
    flags, told = np.zeros(len(day), dtype=bool), []
    for year in (int(year) for year in np.unique(festival) if year - 1 in had):
        ours = (festival == year)[at]
        about = {"year": year, "day": str(spring_festival(year)), "before": str(spring_festival(year - 1))}
        told.append(("intake.remark.festival_days", about | {"rows": int(ours.sum())}))
        flags |= ours
    return flags, told[-MOST_TOLD:]


def _festival_of(day: Days) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return for each distinct day the year of the festival under whose sway it is, or 0; and each row's day."""
    known, at = np.unique(day, return_inverse=True)
    year = np.zeros(len(known), dtype=np.int64)
    asked = known.astype("datetime64[Y]").astype(np.int64) + 1970 <= FESTIVALS_UNTIL  # a slip of the pen may be later
    from_festival = festival_day(pd.DatetimeIndex(known[asked]))
    festival = pd.DatetimeIndex(known[asked] - from_festival.astype("timedelta64[D]")).year.to_numpy(dtype=np.int64)
    year[asked] = np.where((from_festival >= FESTIVAL_FROM) & (from_festival < FESTIVAL_TO), festival, 0)
    return year, at
