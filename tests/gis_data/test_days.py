"""Lunar days against known counts and dates."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from gis_data.days import is_market_day, lunar_day, spring_festival


@pytest.mark.parametrize(("year", "gaps"), [(2009, {5: 67, 4: 6}), (2010, {5: 68, 4: 5})])
def test_a_market_on_twos_and_sevens_meets_74_times(year, gaps):
    days = pd.date_range(f"{year}-01-01", f"{year}-12-31")
    market = days[is_market_day(days, "2,7")]
    assert len(market) == 74
    between = pd.Series(np.diff(market) // np.timedelta64(1, "D")).astype(int)
    assert between.value_counts().to_dict() == gaps


@pytest.mark.parametrize("date", [dt.date(2008, 2, 7), dt.date(2009, 1, 26), dt.date(2010, 2, 14), dt.date(2011, 2, 3)])
def test_spring_festival(date):
    assert spring_festival(date.year) == date


def test_a_market_on_tens_meets_on_the_20th_and_30th_too():
    days = pd.date_range("2023-01-01", "2023-12-31")
    market = is_market_day(days, "5,10")
    assert set(lunar_day(days)[market]) == {5, 10, 15, 20, 25, 30}
    assert set(lunar_day(days)[~market]) == set(range(1, 30)) - {5, 10, 15, 20, 25}


def test_the_local_date_counts_whatever_the_clock():
    # 14 February 2010, the 1st of the 1st lunar month: in UTC most of that day's night still is the 13th.
    times = pd.Series(pd.to_datetime(["2010-02-14 00:30", "2010-02-14 23:59", None])).dt.tz_localize("Asia/Shanghai")
    assert lunar_day(times).tolist() == [1, 1, 0]
    assert is_market_day(times, "1,6").tolist() == [True, True, False]
    assert not is_market_day(times, "5,10").any(), "a missing date is no market day"


def test_a_village_without_market_has_none():
    assert not is_market_day(pd.date_range("2023-01-01", periods=60), "").any()
    assert is_market_day(pd.DatetimeIndex([]), "1,6").tolist() == []
