"""Spoken times: what a clerk writes as it is said (3月5日23时许, 昨晚).

In:     the texts that were not read at once, and the report times around them.
Out:    year, month, day, days back and the minutes from and to that each text says; days that lack their year with it.
Method: DOMAIN 2.6, pitfall 10. A part of the day (晚) is an interval; what is not said stays missing.
"""

import re

import numpy as np
import pandas as pd

from gis_data.intake import values
from gis_data.intake.moments import assembled

DAY = pd.Timedelta(days=1)
SAME_SEASON = pd.Timedelta(days=45)

_DAYS_BACK = {"今": 0, "当": 0, "昨": 1, "前": 2}
_PARTS = {  # part of the day -> hours from, to
    "凌晨": (0, 6), "清晨": (4, 8), "早": (5, 9), "上午": (6, 12), "中午": (11, 14), "午": (11, 14), "下午": (12, 18),
    "傍晚": (17, 20), "晚": (18, 24), "夜": (18, 24), "晨": (4, 8),
}  # fmt: skip
_AFTERNOON = ("中午", "午", "下午", "傍晚", "晚", "夜")
_SPOKEN = re.compile(
    r"^(?:(?:(?P<year>\d{4})[-年/.])?(?P<month>\d{1,2})[-月/.](?P<day>\d{1,2})[日号]?|(?P<back>[今当昨前])[天日]?)?\s*"
    r"(?P<part>凌晨|清晨|早|上午|中午|午|下午|傍晚|晚|夜|晨)?[上间里晨]?\s*"
    r"(?:(?P<hour>\d{1,2})[:时点](?P<minute>\d{1,2}|半)?分?(?::\d{1,2})?)?(?:许|左右|前后|多|钟)*$"
)
_NOT_SAID = (np.nan,) * 6


def as_spoken(written: pd.Series) -> pd.DataFrame:
    """Return what texts say in a clerk's way: ``year month day back first_min last_min``, NaN where nothing is said."""
    codes, distinct = pd.factorize(written.astype(object))
    said = [_one_spoken(values.cell_text(value)) for value in distinct]
    names = ["year", "month", "day", "back", "first_min", "last_min"]
    table = np.array([*said, _NOT_SAID], dtype=float).reshape(-1, len(names))
    return pd.DataFrame(table[codes], columns=names, index=written.index)


def _one_spoken(text: str) -> tuple[float, ...]:
    hit = _SPOKEN.match(text)
    if hit is None or not any(hit.groups()):
        return _NOT_SAID
    year, month, day, back, part, hour, minute = hit.groups()
    if month and not (part or hour or "月" in text):
        return _NOT_SAID  # «3-5» alone may be anything
    if hour is None:
        first, last = (hours * 60.0 for hours in _PARTS.get(part, (0, 24)))
    else:
        first = float(_on_the_clock(int(hour), part or "")) * 60 + (30 if minute == "半" else float(minute or 0))
        last = first
        if int(hour) > 24 or first > 24 * 60:
            return _NOT_SAID
    numbers = [float(number) if number else np.nan for number in (year, month, day)]
    return (*numbers, float(_DAYS_BACK[back]) if back else np.nan, first, last)


def _on_the_clock(hour: int, part: str) -> int:
    if part in ("晚", "夜") and hour == 12:
        return 24
    if part == "凌晨" and hour == 12:
        return 0
    return hour + 12 if part in _AFTERNOON and hour < (10 if part in ("中午", "午") else 12) else hour


def date_of(year: pd.Series, month: pd.Series, day: pd.Series) -> pd.Series:
    """Return the (naive) days that numbers name; NaT where one is missing or there is no such day."""
    zero = np.zeros(len(year), dtype=np.int64)
    years, months, days = (part.fillna(0).to_numpy(dtype=np.int64) for part in (year, month, day))
    return assembled(years, months, days, zero, zero).set_axis(year.index)


def year_around(spoken: pd.DataFrame, reported: pd.Series, stamps: pd.Series) -> pd.Series:
    """Return the year of days written without one: from the call number, else from the rows before and after.

    The year is taken that brings the day within a season of a neighbour; failing that the file's only year.
    """
    asked = spoken["month"].notna() & spoken["year"].isna()
    found = pd.Series(np.nan, index=spoken.index)
    if not asked.any():
        return found
    month, day = spoken["month"][asked], spoken["day"][asked]
    years = reported.dt.year.dropna()
    if len(years) and years.min() == years.max():
        found = found.mask(asked, years.iloc[0])
    # The last one that fits counts: the number knows best, then the row before.
    for around, reach in ((reported.bfill(), SAME_SEASON), (reported.ffill(), SAME_SEASON), (stamps, 2 * DAY)):
        near = around[asked].dt.tz_localize(None)
        for shift in (-1, 1, 0):
            tried = near.dt.year + shift
            fits = (date_of(tried, month, day) - near).between(-reach, reach)
            found = found.where(~fits.reindex(found.index, fill_value=False), tried.reindex(found.index))
    return found


def year_from_report(spoken: pd.DataFrame, reported: pd.Series) -> pd.Series:
    """Return the year that puts a day without one before its report."""
    naive = reported.dt.tz_localize(None)
    this_year = naive.dt.year.where(spoken["month"].notna())
    return this_year.where(~(date_of(this_year, spoken["month"], spoken["day"]) > naive + DAY), this_year - 1)
