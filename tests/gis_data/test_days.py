"""Lunar days against known counts and dates."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_data.days import (
    FESTIVAL_FROM,
    FESTIVAL_TO,
    day_number,
    festival_day,
    harvest,
    is_market_day,
    lunar_day,
    month_name,
    month_number,
    previous_period,
    season,
    spring_festival,
    year_before,
)
from gis_data.periods import Period


def period(first, last):
    """Return the period from the first up to and with the last day."""
    return Period(
        *(pd.Timestamp(day, tz="Asia/Shanghai") for day in (first, pd.Timestamp(last) + pd.Timedelta(days=1)))
    )


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


# --- which days to compare ---


def test_days_from_spring_festival():
    days = pd.to_datetime(["2010-02-06", "2010-02-07", "2010-02-13", "2010-02-14", "2010-02-20", "2010-02-21"])
    assert festival_day(days).tolist() == [-8, -7, -1, 0, 6, 7]
    with pytest.raises(ValueError, match="missing"):
        festival_day(pd.DatetimeIndex([None]))
    assert festival_day(pd.DatetimeIndex([])).tolist() == []


@given(st.dates(dt.date(1950, 1, 1), dt.date(2090, 12, 31)))
def test_the_nearest_festival_is_never_farther_than_half_a_lunar_year(date):
    found = festival_day(pd.DatetimeIndex([date]))[0]
    distances = [(date - spring_festival(year)).days for year in range(date.year - 1, date.year + 2)]
    assert abs(found) == min(map(abs, distances))
    assert found in distances


def test_seasons_and_harvests():
    days = pd.to_datetime(["2024-02-29", "2024-03-01", "2024-06-04", "2024-06-05", "2024-06-21", "2024-10-15"])
    assert season(days).tolist() == ["winter", "spring", "summer", "summer", "summer", "autumn"]
    assert harvest(days).tolist() == ["", "", "garlic", "wheat", "", "autumn"]
    assert season(pd.to_datetime(["2024-12-01"])).tolist() == ["winter"]
    assert (season(pd.date_range("2023-01-01", "2023-12-31")) == "summer").sum() == 92


@pytest.mark.parametrize(
    ("now", "unit", "before"),
    [
        (("2024-05-01", "2024-05-12"), "month", ("2024-04-01", "2024-04-12")),  # a running month: as many days
        (("2024-05-01", "2024-05-31"), "month", ("2024-04-01", "2024-04-30")),
        (("2024-03-01", "2024-03-31"), "month", ("2024-02-01", "2024-02-29")),  # the whole shorter month, no more
        (("2024-01-01", "2024-01-09"), "month", ("2023-12-01", "2023-12-09")),
        (("2024-05-06", "2024-05-12"), "week", ("2024-04-29", "2024-05-05")),
        (("2024-05-06", "2024-05-08"), "week", ("2024-04-29", "2024-05-01")),  # a running week: the same weekdays
        (("2024-05-06", "2024-05-15"), "days", ("2024-04-26", "2024-05-05")),
        (("2024-04-01", "2024-05-10"), "quarter", ("2024-01-01", "2024-02-09")),
        (("2024-01-01", "2024-03-31"), "year", ("2023-01-01", "2023-04-01")),
    ],
)
def test_the_period_before_has_equally_many_days(now, unit, before):
    assert previous_period(period(*now), unit) == period(*before)


@pytest.mark.parametrize(
    ("now", "unit", "before", "aligned"),
    [
        (("2024-05-01", "2024-05-12"), "month", ("2023-05-01", "2023-05-12"), False),
        (("2024-05-06", "2024-05-12"), "week", ("2023-05-08", "2023-05-14"), False),
        # Spring Festival was on 26 January 2009 and 14 February 2010: 384 days.
        (("2010-02-14", "2010-02-20"), "week", ("2009-01-26", "2009-02-01"), True),
        (("2010-02-01", "2010-02-28"), "month", ("2009-01-13", "2009-02-09"), True),
        # 18 January to 14 February 2010 lies before the festival; the plain year before lay around it.
        (("2010-01-18", "2010-01-24"), "week", ("2008-12-30", "2009-01-05"), True),
        (("2010-01-01", "2010-03-31"), "quarter", ("2009-01-01", "2009-03-31"), False),
        (("2024-02-01", "2024-02-29"), "month", ("2023-01-13", "2023-02-10"), True),
    ],
)
def test_the_year_before_is_aligned_to_spring_festival(now, unit, before, aligned):
    assert year_before(period(*now), unit) == (period(*before), aligned)


@given(st.dates(dt.date(2001, 1, 1), dt.date(2060, 12, 20)), st.integers(1, 28), st.sampled_from(["days", "week"]))
def test_a_compared_period_has_as_many_days_earlier_and_no_festival_day_meets_another(date, length, unit):
    now = period(date, date + dt.timedelta(days=length - 1))
    before, aligned = year_before(now, unit)
    assert before.days == now.days
    assert before.end <= now.start
    days = [
        festival_day(pd.date_range(p.start.tz_localize(None), p.end.tz_localize(None), freq="D", inclusive="left"))
        for p in (now, before)
    ]
    ruled = [(day >= FESTIVAL_FROM) & (day < FESTIVAL_TO) for day in days]
    assert aligned or not (ruled[0].any() or ruled[1].any())
    if aligned:
        assert (days[0] == days[1])[ruled[0] | ruled[1]].all()
    assert previous_period(now, "days").end == now.start


@given(day=st.dates(dt.date(1969, 1, 1), dt.date(2101, 1, 1)))
def test_months_are_counted_from_january_1970_and_named_as_pandas_names_them(day: dt.date):
    moments = pd.Series([pd.Timestamp(day, tz="Asia/Shanghai") + pd.Timedelta(hours=23)])
    (month,) = month_number(day_number(moments))
    assert month == (day.year - 1970) * 12 + day.month - 1
    assert month_name(month) == moments.dt.strftime("%Y-%m")[0]
