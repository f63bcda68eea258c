"""Aoristic hours against Ratcliffe's page, METHODS A.8.7, and a count minute by minute."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.hours import (
    BANDS,
    band_weights,
    busiest_hours,
    hour_of_week_weights,
    hour_profile,
    hours_by_day_kind,
    hours_by_weekday,
)
from gis_data.days import is_market_day

DAY = "2023-05-15"  # a Monday
KNOWN = [
    ("08:00", "2023-05-15 16:00", dict.fromkeys(range(8, 16), 0.125)),
    ("01:00", "2023-05-15 02:30", {1: 2 / 3, 2: 1 / 3}),
    ("01:50", "2023-05-15 02:10", {1: 0.5, 2: 0.5}),
    ("23:30", "2023-05-16 01:15", {23: 0.285714, 0: 0.571429, 1: 0.142857}),
    ("01:00", "2023-05-15 01:00", {1: 1.0}),
    ("01:20", None, {1: 1.0}),
    ("05:00", "2023-05-15 02:00", {5: 1.0}),
]


def column(*values: str | None) -> pd.Series:
    return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"))).dt.tz_localize("Asia/Shanghai")


@pytest.mark.parametrize(("start", "end", "weights"), KNOWN)
def test_hours_have_the_known_weights(start, end, weights):
    profile = hour_profile(column(f"{DAY} {start}"), column(end))
    expected = np.zeros(24)
    expected[list(weights)] = list(weights.values())
    np.testing.assert_allclose(profile.by_hour, expected, atol=1e-6)


def test_an_eight_day_window_is_spread_over_the_week():
    weights = hour_of_week_weights(column(f"{DAY} 08:00"), column("2023-05-23 08:00"))
    np.testing.assert_allclose(weights, 1 / 168)


def test_a_window_over_sunday_midnight_goes_on_on_monday():
    weights = hour_of_week_weights(column("2023-05-14 23:00"), column("2023-05-15 01:00"))[0]
    assert {hour: weights[hour] for hour in np.flatnonzero(weights)} == {167: 0.5, 0: 0.5}


def test_times_of_no_use_are_counted_not_guessed():
    profile = hour_profile(
        column(f"{DAY} 05:00", None, f"{DAY} 06:00"), column(f"{DAY} 02:00", f"{DAY} 02:00", "2023-05-16 06:00")
    )
    assert (profile.known, profile.unknown, profile.end_before_start) == (2, 1, 1)
    assert profile.long_span_share == 0.5


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(-500, 15_000)), min_size=1, max_size=20))
def test_every_incident_weighs_one_and_equals_a_minute_by_minute_count(windows):
    first = pd.Timestamp(DAY, tz="Asia/Shanghai")
    start = pd.Series([first + pd.Timedelta(minutes=m) for m, _ in windows])
    end = pd.Series([first + pd.Timedelta(minutes=m + span) for m, span in windows])
    weights = hour_of_week_weights(start, end)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    for row, (minute, span) in zip(weights, windows, strict=True):
        if span <= 168 * 60:
            by_minute = np.arange(minute, minute + max(span, 1)) // 60 % 168
            np.testing.assert_allclose(row, np.bincount(by_minute, minlength=168) / len(by_minute), atol=1e-9)


@pytest.mark.parametrize("inside", [11, 14, 20])
def test_the_chance_of_a_peak_is_24_times_the_binomial_tail(inside):
    by_hour = np.full(24, 40 / 20)
    by_hour[6:10] = inside / 4
    peak = busiest_hours(by_hour)
    tail = stats.binomtest(inside, 40 + inside, 4 / 24, alternative="greater").pvalue
    assert (peak.start, peak.end) == (6, 10)
    assert peak.share == pytest.approx(inside / (40 + inside))
    assert peak.p_value == pytest.approx(min(1, 24 * tail))


def test_the_peak_runs_over_midnight_and_a_flat_day_has_none():
    night = np.zeros(24)
    night[[22, 23, 0, 1]] = 10
    peak = busiest_hours(night)
    assert (peak.start, peak.end, peak.share) == (22, 2, 1.0)
    assert peak.p_value < 1e-6
    flat = np.random.default_rng(2).multinomial(60, [1 / 24] * 24).astype(float)
    assert busiest_hours(flat).p_value > 0.05
    assert busiest_hours(np.zeros(24)).p_value == 1.0


# --- tables: each counted again minute by minute ---

windows_of_minutes = st.lists(
    st.tuples(st.integers(0, 40_000), st.integers(-500, 15_000), st.integers(1, 3)), min_size=1, max_size=8
)


def columns(windows):
    first = pd.Timestamp("2023-12-20 00:00", tz="Asia/Shanghai")
    start = pd.Series([first + pd.Timedelta(minutes=m) for m, _, _ in windows])
    end = pd.Series([first + pd.Timedelta(minutes=m + span) for m, span, _ in windows])
    return start, end, np.array([count for _, _, count in windows])


def minute_by_minute(start, end, count):
    """Return one row per minute of each window: the minute, and its part of the incidents."""
    parts = []
    for first, last, number in zip(start.dt.tz_localize(None), end.dt.tz_localize(None), count, strict=True):
        minutes = pd.date_range(first, max(last, first + pd.Timedelta(minutes=1)), freq="min", inclusive="left")
        parts.append(pd.DataFrame({"minute": minutes, "weight": number / len(minutes)}))
    return pd.concat(parts, ignore_index=True)


@settings(max_examples=30)
@given(windows_of_minutes)
def test_every_table_equals_a_count_minute_by_minute(windows):
    start, end, count = columns(windows)
    minutes = minute_by_minute(start, end, count)
    hour, weekday = minutes["minute"].dt.hour, minutes["minute"].dt.day_of_week + 1
    within_week = bool(((end - start) <= pd.Timedelta(days=7)).all())

    profile = hour_profile(start, end, count)
    assert (profile.known, profile.unknown) == (count.sum(), 0)
    assert profile.by_hour.sum() == pytest.approx(count.sum())
    table = hours_by_weekday(start, end, count)
    np.testing.assert_allclose(table.sum(), profile.by_hour, atol=1e-9)
    if within_week:
        by_minute = np.zeros((7, 24))
        np.add.at(by_minute, (weekday - 1, hour), minutes["weight"])
        np.testing.assert_allclose(table, by_minute, atol=1e-8)

    # A window over a week is spread evenly over the clock, but each of its days keeps its part.
    market = hours_by_day_kind(start, end, lambda days: is_market_day(days, "5,10"), count)
    day = is_market_day(minutes["minute"], "5,10")
    for kind, row in market.weight.iterrows():
        assert row.sum() == pytest.approx(minutes["weight"][day == kind].sum(), abs=1e-8)
        if within_week:
            expected = minutes[day == kind].groupby(hour)["weight"].sum().reindex(range(24), fill_value=0)
            np.testing.assert_allclose(row, expected, atol=1e-8)


@given(windows_of_minutes)
def test_bands_are_sums_of_hours_and_long_windows_a_part_of_all(windows):
    start, end, count = columns(windows)
    profile = hour_profile(start, end, count)
    weights = band_weights(start, end)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(
        weights, hour_of_week_weights(start, end).reshape(-1, 7, 4, 6).sum(axis=(1, 3)), atol=1e-9
    )
    np.testing.assert_allclose(count @ weights, profile.by_band, atol=1e-8)
    long = (end - start) > pd.Timedelta(hours=12)
    assert profile.long_span_share == pytest.approx(count[long].sum() / count.sum())
    short = hour_profile(start[~long], end[~long], count[~long])
    np.testing.assert_allclose(profile.by_hour_short, short.by_hour, atol=1e-8)


@given(windows_of_minutes)
def test_shuffled_rows_and_split_counts_change_nothing(windows):
    start, end, count = columns(windows)
    whole = hour_profile(start, end, count)
    order = np.random.default_rng(0).permutation(len(start))
    split = np.repeat(order, count[order])
    for changed in (hour_profile(start[order], end[order], count[order]), hour_profile(start[split], end[split])):
        np.testing.assert_allclose(changed.by_hour, whole.by_hour, atol=1e-8)
        assert (changed.known, changed.end_before_start) == (whole.known, whole.end_before_start)
        assert changed.long_span_share == pytest.approx(whole.long_span_share)


def test_a_window_over_midnight_gives_each_kind_of_day_its_part():
    start, end = column("2010-02-13 22:00"), column("2010-02-14 02:00")  # into the 1st of the lunar year
    found = hours_by_day_kind(start, end, lambda days: is_market_day(days, "1,6"))
    assert found.weight.loc[True, [0, 1]].tolist() == [0.25, 0.25]
    assert found.weight.loc[False, [22, 23]].tolist() == [0.25, 0.25]
    assert found.days.to_dict() == {False: 1, True: 1}


def test_days_of_a_period_are_counted_with_or_without_incidents():
    start, end = column("2023-03-05 10:00"), column("2023-03-05 10:00")
    period = (pd.Timestamp("2023-01-01", tz="Asia/Shanghai"), pd.Timestamp("2024-01-01", tz="Asia/Shanghai"))
    found = hours_by_day_kind(start, end, lambda days: days.month, period=period)
    assert found.days.tolist() == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert found.weight.to_numpy().sum() == 1
    assert found.per_day.loc[3, 10] == pytest.approx(1 / 31)


def test_the_four_bands_are_those_of_the_weekly_sheet():
    profile = hour_profile(column(*(f"{DAY} {hour:02d}:00" for hour in (0, 5, 6, 12, 17, 23))), column(*[None] * 6))
    assert dict(zip(BANDS, profile.by_band, strict=True)) == {"00-06": 2, "06-12": 1, "12-18": 2, "18-24": 1}


def test_no_incident_has_no_hours():
    empty = column()
    profile = hour_profile(empty, empty)
    assert (profile.known, profile.by_hour.sum(), profile.long_span_share) == (0, 0, 0)
    assert hours_by_weekday(empty, empty).shape == (7, 24)
    assert hours_by_day_kind(empty, empty, lambda days: days.month).weight.shape == (0, 24)
    assert band_weights(column(None), column(None)).tolist() == [[0, 0, 0, 0]]


def test_an_instant_on_the_last_second_of_an_hour_stays_in_it():
    for moment, hour in (("09:59:59", 9), ("10:00:00", 10), ("23:59:59.999999", 23)):
        by_hour = hour_profile(column(f"{DAY} {moment}"), column(f"{DAY} {moment}")).by_hour
        assert np.flatnonzero(by_hour).tolist() == [hour]


def test_over_twelve_hours_is_long_and_twelve_hours_are_not():
    start = column(f"{DAY} 08:00", f"{DAY} 08:00")
    profile = hour_profile(start, column(f"{DAY} 20:00", f"{DAY} 20:01"), [3, 1])
    assert profile.long_span_share == 0.25
    assert profile.by_hour_short.sum() == pytest.approx(3)
