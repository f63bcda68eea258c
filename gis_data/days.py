"""Days that move a town's life: market days, Spring Festival, seasons and harvests; and which days to compare.

In:     local dates or times; a period of whole days.
Out:    which are market days, in which season or harvest they lie, their week from Spring Festival; the period that a
        period may fairly be compared with.
Method: lunar dates from borax (1900 to 2100). A market is named by the last digits of its lunar days: "5,10" meets on
        the 5th, 10th, 15th, 20th, 25th and 30th. Around Spring Festival a year is compared by the distance from the
        festival, which moves by up to a month, and not by the date (DOMAIN 2.6, 15 and 16).
"""

import datetime as dt
from typing import Literal

import numpy as np
import pandas as pd
from borax.calendars.lunardate import LunarDate
from numpy.typing import NDArray

from gis_data.periods import Period

Unit = Literal["days", "week", "month", "quarter", "year"]

SEASONS = ("winter", "spring", "summer", "autumn")
# First and last day (month, day) of the harvests of a plain in Shandong (DOMAIN 5.4).
HARVESTS = {"garlic": ((5, 25), (6, 4)), "wheat": ((6, 5), (6, 20)), "autumn": ((9, 10), (10, 15))}
# The days on which Spring Festival rules what happens, counted from it: two weeks of travel home and of preparing, the
# festival up to the 15th of the first month, and the return, as in the forty days of the spring travel season.
FESTIVAL_FROM, FESTIVAL_TO = -15, 25
FESTIVALS_UNTIL = 2098  # year up to which days have a festival before and after them that borax knows
FESTIVAL_ZONES = frozenset({"Asia/Shanghai", "Asia/Chongqing", "Asia/Harbin", "Asia/Urumqi", "Asia/Kashgar", "PRC"})


def day_number(times: pd.Series) -> NDArray[np.int64]:
    """Return the local days of moments, counted from 1970; of no moment one far before all others."""
    return times.dt.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64)


def month_number(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the months in which days (``day_number``) lie, counted from January 1970."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def month_name(month: int) -> str:
    """Return a month (``month_number``) as 2024-03."""
    return str(np.datetime64(int(month), "M"))


def lunar_day(dates: pd.Series | pd.DatetimeIndex) -> NDArray[np.int64]:
    """Return the day of the lunar month (1 to 30) of each local date; 0 where the date is missing."""
    local = pd.DatetimeIndex(dates).tz_localize(None).normalize()
    codes, days = pd.factorize(local)
    by_day = np.array([LunarDate.from_solar(day.date()).day for day in days] + [0], dtype=np.int64)
    return by_day[codes]  # a missing date has the code -1: the last entry


def is_market_day(dates: pd.Series | pd.DatetimeIndex, market_days: str) -> NDArray[np.bool_]:
    """Tell which local dates are market days of a village whose lunar market days end in ``market_days``.

    Parameters
    ----------
    dates
        Local dates or times; the clock time does not matter.
    market_days
        Last digits as in the VILLAGES table: "5,10"; "" for a village without a market.
    """
    digits = [int(digit) % 10 for digit in market_days.split(",") if digit.strip()]
    day = lunar_day(dates)
    found: NDArray[np.bool_] = np.isin(day % 10, digits) & (day > 0)
    return found


def spring_festival(year: int) -> dt.date:
    """Return the first day of the lunar year that begins in a solar year."""
    date: dt.date = LunarDate(year, 1, 1).to_solar_date()
    return date


def keeps_spring_festival(timezone: str) -> bool:
    """Tell whether the festival is kept where a time zone's clocks stand."""
    return timezone in FESTIVAL_ZONES


def festival_day(dates: pd.Series | pd.DatetimeIndex) -> NDArray[np.int64]:
    """Return the days from the nearest Spring Festival to each local date, negative before it.

    Raises
    ------
    ValueError
        If a date is missing.
    """
    local = pd.DatetimeIndex(dates).tz_localize(None).normalize()
    if local.hasnans:
        raise ValueError("a missing date has no distance from Spring Festival")
    years = np.arange(local.year.min() - 1, local.year.max() + 2) if len(local) else np.arange(0)
    festivals = np.array([spring_festival(int(year)) for year in years], dtype="datetime64[D]")
    day = local.to_numpy().astype("datetime64[D]")
    later = np.searchsorted(festivals, day, side="right")
    before, after = (day - festivals[later - 1]).astype(np.int64), (day - festivals[later]).astype(np.int64)
    return np.where(before <= -after, before, after)


def season(dates: pd.Series | pd.DatetimeIndex) -> NDArray[np.str_]:
    """Return the season of each local date: "spring" is March to May."""
    local = pd.DatetimeIndex(dates)
    found: NDArray[np.str_] = np.array(SEASONS)[(local.month.to_numpy() % 12) // 3]
    return found


def harvest(dates: pd.Series | pd.DatetimeIndex) -> NDArray[np.str_]:
    """Return the harvest ("garlic", "wheat", "autumn") in which each local date lies; "" outside them."""
    local = pd.DatetimeIndex(dates)
    date = local.month.to_numpy() * 100 + local.day.to_numpy()
    found = np.full(len(local), "", dtype="U6")
    for name, ((first_month, first_day), (last_month, last_day)) in HARVESTS.items():
        found[(date >= first_month * 100 + first_day) & (date <= last_month * 100 + last_day)] = name
    return found


def previous_period(now: Period, unit: Unit) -> Period:
    """Return the period to compare with for 环比: equally many days from the beginning of the unit before.

    A running month is compared with the same number of days of the month before, never with the whole of it. Where
    that month is shorter (1 to 31 March), all of it is taken; the comparison counts days.

    Parameters
    ----------
    now
        The period, from the first day of its unit, whole or still running.
    unit
        "week", "month", "quarter" and "year" step back by the calendar, "days" by the length of the period.
    """
    if unit in ("days", "week"):
        back = pd.Timedelta(days=now.days if unit == "days" else 7)
        return Period(now.start - back, now.end - back)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    start = now.start - pd.DateOffset(months=months)
    return Period(start, min(start + pd.DateOffset(days=now.days), now.start))


def year_before(now: Period, unit: Unit) -> tuple[Period, bool]:
    """Return the period to compare with for 同比, and whether it was aligned to Spring Festival.

    Days under the festival's sway, in either year, are compared with days equally far from it. Otherwise weeks and
    other numbers of days go back 52 weeks (the same weekdays), months, quarters and years one calendar year, for
    equally many days. A quarter or a year holds the whole of the festival's days and is not aligned.
    """
    if unit in ("days", "week"):
        back = pd.Timedelta(weeks=52)
        plain = Period(now.start - back, now.end - back)
    else:
        start = now.start - pd.DateOffset(years=1)
        plain = Period(start, min(start + pd.DateOffset(days=now.days), start + _unit_length(unit)))
    if unit in ("quarter", "year") or not (_near_festival(now) or _near_festival(plain)):
        return plain, False
    middle = now.start + (now.end - now.start) / 2
    festival = min(
        (spring_festival(middle.year + step) for step in (-1, 0, 1)),
        key=lambda day: abs((pd.Timestamp(day) - middle.tz_localize(None)).days),
    )
    moved = pd.DateOffset(days=(festival - spring_festival(festival.year - 1)).days)
    return Period(now.start - moved, now.end - moved), True


def _near_festival(period: Period) -> bool:
    days = pd.date_range(period.start.tz_localize(None), period.end.tz_localize(None), freq="D", inclusive="left")
    from_festival = festival_day(days)
    return bool(((from_festival >= FESTIVAL_FROM) & (from_festival < FESTIVAL_TO)).any())


def _unit_length(unit: Unit) -> pd.DateOffset:
    return pd.DateOffset(months={"month": 1, "quarter": 3, "year": 12}[unit])
