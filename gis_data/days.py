"""Days of the lunar calendar that move a town's life: market days and Spring Festival.

In:     local dates or times.
Out:    which of them are market days; the date of Spring Festival.
Method: lunar dates from borax (1900 to 2100). A market is named by the last digits of its lunar days: "5,10" meets on
        the 5th, 10th, 15th, 20th, 25th and 30th.
"""

import datetime as dt

import numpy as np
import pandas as pd
from borax.calendars.lunardate import LunarDate
from numpy.typing import NDArray


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
