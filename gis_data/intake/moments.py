"""Moments: cells written as a day, with or without a clock, made into moments of local time, whole columns at a time.

In:     a column as a file gave it (text, dates, serial numbers of a spreadsheet).
Out:    the same column as moments; what cannot be read is NaT, never guessed.
Method: what is written the usual way (2024-03-05 23:10) is read out of the column's bytes; the rest text by text, each
        distinct one once.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.intake.values import as_text, is_text
from gis_data.letters import Flags, Letters, Whole, fixed_width, letters_of, number_in, pieces

EXCEL_EPOCH = pd.Timestamp("1899-12-30")
EARLIEST = pd.Timestamp("1990-01-01")  # 1899 and 1900 are what programs write for «no date»
LATEST_YEAR = 2100
_MOMENT = (
    r"^(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?: +(\d{1,2})(?::(\d{1,2}))?(?::(\d{1,2})(?:\.\d+)?)?)?(z|[+-]\d\d:?\d\d)?$"
)
_US_DATE = r"^(\d{1,2})/(\d{1,2})/(\d{4})(?: +(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?: *([ap]m))?)?$"
_COMPACT = r"^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?$"
_USUAL = {  # by length
    len("2024-03-05 23:10:07"): "%Y-%m-%d %H:%M:%S",
    len("2024-03-05 23:10"): "%Y-%m-%d %H:%M",
    len("2024-03-05"): "%Y-%m-%d",
}
_NO_TIME = np.iinfo(np.int64).min
LAST_YEAR = 9999  # of four digits
# The first day (since 1970) of each month from the year 0 on, and of the one after the last.
_MONTHS = np.arange(-1970 * 12, (LAST_YEAR + 1 - 1970) * 12 + 1).view("datetime64[M]")
_FIRST_DAYS = _MONTHS.astype("datetime64[D]").view(np.int64)


def as_moment(values: pd.Series, *, timezone: str, usual: pd.Series | None = None) -> pd.Series:
    """Return cells as moments of local time; ``usual``: their ``usual_moments``, where known.

    A time that the clock change skips moves forward; one that it repeats is read as the later one (standard time).
    """
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return pd.Series(values.dt.tz_convert(timezone).dt.as_unit("us"))
    if not pd.api.types.is_datetime64_dtype(values.dtype):
        naive = usual_moments(values) if usual is None else usual.copy()
        unusual = np.flatnonzero(naive.isna() & (values != ""))
        if len(unusual):
            codes, distinct = pd.factorize(as_text(values.iloc[unusual]))
            moments = _moments(pd.Series(distinct, dtype="str"), timezone)
            naive.iloc[unusual] = moments.to_numpy()[codes]
        values = naive
    return localised(values.where(values >= EARLIEST), timezone)


def usual_moments(values: pd.Series) -> pd.Series:
    """Return the naive moments of cells written as 2024-03-05, with or without a clock; NaT for all others."""
    found = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    if not is_text(values):
        return found
    text = letters_of(values)
    if text is not None:
        return pd.Series(_usual_in(*text), index=values.index)
    length = values.str.len()
    for characters, form in _USUAL.items():
        asked = length == characters
        if asked.any():
            read = pd.to_datetime(values[asked].astype(object), format=form, errors="coerce")
            found[asked] = read.astype("datetime64[us]")
    return found


def _usual_in(letters: Letters, upto: Whole) -> NDArray[np.datetime64]:
    found = np.full(len(upto) - 1, _NO_TIME, dtype=np.int64)
    for width in _USUAL:
        rows, table = fixed_width(letters, upto, width)
        for piece in pieces(len(rows)):
            found[rows[piece]] = _usual_us(table[piece])
    return found.view("datetime64[us]")


def _usual_us(table: Letters) -> Whole:
    """Return the moments (microseconds since 1970) that rows of so many letters spell the usual way."""
    width, fits = table.shape[1], np.ones(len(table), dtype=bool)
    for place, mark in ((4, "-"), (7, "-"), (10, " "), (13, ":"), (16, ":")):
        if place < width:
            fits &= table[:, place] == ord(mark)
    parts = []
    for start, stop in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)):
        number, digits = number_in(table[:, start:stop]) if stop <= width else (0, True)
        fits &= digits
        parts.append(number)
    year, month, day, hour, minute, second = parts
    days, exists = _days(year, month, day)
    fits &= exists & (year >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    return np.where(fits, (days * 86_400 + (hour * 3600 + minute * 60 + second)) * 1_000_000, _NO_TIME)


def _days(year: Any, month: Any, day: Any) -> tuple[Whole, Flags]:  # noqa: ANN401 - arrays of any int
    """Return the days (since 1970) that numbers name, and whether there is such a day."""
    fits = (year >= 0) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    at = np.where(fits, year * 12 + (month - 1), 0)
    first = _FIRST_DAYS[at]
    fits &= (day >= 1) & (day <= _FIRST_DAYS[at + 1] - first)
    return first + (day - 1), fits


def localised(times: pd.Series, timezone: str) -> pd.Series:
    """Return naive local times as moments; a skipped time moves forward, a repeated one is the later one."""
    known = times.dt.as_unit("us")
    standard = np.zeros(len(known), dtype=bool)
    return pd.Series(known.dt.tz_localize(timezone, ambiguous=standard, nonexistent="shift_forward"))


def assembled(year: Any, month: Any, day: Any, hour: Any, minute: Any) -> pd.Series:  # noqa: ANN401 - arrays of any int
    """Return naive moments from whole numbers; NaT where they name no day or no minute, or one before 1990."""
    days, exists = _days(year, month, day)
    fits = exists & (year >= EARLIEST.year) & (year <= LATEST_YEAR) & (hour < 24) & (minute < 60)
    found = np.where(fits, (days * 1440 + (hour * 60 + minute)) * 60_000_000, _NO_TIME)
    return pd.Series(found.view("datetime64[us]"))


def _moments(text: pd.Series, timezone: str) -> pd.Series:
    """Read distinct texts as naive local moments."""
    tidy = text.str.lower().str.replace(r"^(\d{4})[年/.](\d{1,2})[月/.](?=\d)", r"\1-\2-", regex=True)
    tidy = tidy.str.replace(r"[日t](?= *\d)", " ", regex=True).str.replace("日", "")
    tidy = tidy.str.replace(r"[时点](?=\d)|分(?=\d)", ":", regex=True).str.replace(r"[时点分秒许]+$", "", regex=True)
    iso = tidy.str.extract(_MOMENT)
    compact = tidy.str.extract(_COMPACT)
    us = tidy.str.extract(_US_DATE)
    parts = iso[[0, 1, 2, 3, 4, 5]].fillna(compact).fillna(us[[2, 0, 1, 3, 4, 5]].set_axis(range(6), axis=1))
    moments = _assemble(parts.apply(pd.to_numeric).astype("float64"), afternoon=us[6])
    moments = _shift_zone(moments, iso[6], timezone)
    serial = pd.to_numeric(text.where(text.str.fullmatch(r"\d{5}(?:\.\d+)?")), errors="coerce")
    from_excel = (EXCEL_EPOCH + pd.to_timedelta(serial, unit="D")).dt.round("s")
    return moments.fillna(from_excel)


def _assemble(parts: pd.DataFrame, *, afternoon: pd.Series) -> pd.Series:
    days = pd.to_datetime(parts[[0, 1, 2]].set_axis(["year", "month", "day"], axis=1), errors="coerce")
    hours, minutes, seconds = (parts[column].fillna(0) for column in (3, 4, 5))
    hours = hours.where(afternoon.isna(), hours % 12 + 12 * (afternoon == "pm"))
    fits = (hours <= 24) & (minutes < 60) & (seconds < 60) & ((hours < 24) | (minutes + seconds == 0))
    clock = pd.to_timedelta(hours * 3600 + minutes * 60 + seconds, unit="s")
    return (days + clock).where(fits)


def _shift_zone(moments: pd.Series, zone: pd.Series, timezone: str) -> pd.Series:
    given = zone.notna() & moments.notna()
    if not given.any():
        return moments
    stamps = moments[given].dt.strftime("%Y-%m-%dT%H:%M:%S") + zone[given].str.upper()
    local = pd.to_datetime(stamps, utc=True, format="ISO8601").dt.tz_convert(timezone).dt.tz_localize(None)
    return moments.mask(given, local.reindex(moments.index).astype(moments.dtype))
