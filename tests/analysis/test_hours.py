"""Aoristic hours against Ratcliffe's page and METHODS A.8.7."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.hours import busiest_hours, hour_of_week_weights, hour_profile

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
