"""Gini and Lorenz: the answers of the authors' R package, sums by hand, and towns where chance alone concentrates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.concentration import gini, gini_generalised, lorenz, measure_concentration

PLACES = st.lists(st.integers(0, 9), min_size=2, max_size=30).filter(lambda counts: sum(counts) >= 2)


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("count", "plain", "generalised", "unbiased"),
    [
        # Examples of the R package lorenzgini 0.1.2.
        ([10, 8, 2] + 7 * [0], 0.78, 0.78, 0.78 * 10 / 9),
        ([5, 2, 1] + 7 * [0], 0.80, 0.75, 0.75 * 8 / 7),
        ([10] + 9 * [0], 0.90, 0.90, 1.0),
        ([10] + 99 * [0], 0.99, 0.90, 1.0),
        # Its figure 2: 0.78 as printed; 0.56 by its own formula, though its caption says .58.
        ([3, 1, 1] + 7 * [0], 0.78, 0.56, 0.70),
        # One robbery in each of ten places, then in five of them: as equal as it can be, both times.
        (10 * [1], 0.0, 0.0, 0.0),
        (5 * [1] + 5 * [0], 0.5, 0.0, 0.0),
    ],
)
def test_gini_of_the_published_examples(count, plain, generalised, unbiased):
    assert gini(count) == pytest.approx(plain)
    assert gini_generalised(count, unbiased=False) == pytest.approx(generalised, abs=1e-12)
    assert gini_generalised(count) == pytest.approx(unbiased, abs=1e-12)


@given(PLACES)
def test_gini_is_half_the_mean_difference_and_twice_the_area_of_the_curve(counts):
    count = np.array(counts, dtype=float)
    assert gini(count) == pytest.approx(np.abs(count[:, None] - count).mean() / 2 / count.mean(), abs=1e-12)
    curve = lorenz(count)
    area = np.trapezoid(curve["incident_share"], curve["place_share"])
    assert gini(count) == pytest.approx(2 * area - 1, abs=1e-12)
    # Generalised: the area between the curve and the most equal one, over all the area above that.
    most_equal = 1 - min(1, count.sum() / len(count)) / 2
    assert gini_generalised(count, unbiased=False) == pytest.approx((area - most_equal) / (1 - most_equal), abs=1e-9)


@given(PLACES, st.integers(0, 20))
def test_figures_stay_in_their_range_whatever_the_order_and_the_empty_places(counts, empty):
    found = gini_generalised(np.array(counts))
    assert -1e-9 <= found <= 1 + 1e-9
    assert gini_generalised(np.array(counts)[rng().permutation(len(counts))]) == pytest.approx(found)
    if sum(counts) <= len(counts):
        with_empty = gini_generalised(np.array(counts + empty * [0]))
        assert with_empty == pytest.approx(found, abs=1e-9), "empty places say nothing once places outnumber incidents"


@given(PLACES)
def test_the_curve_runs_from_nothing_to_all_and_never_under_the_most_equal(counts):
    curve = lorenz(counts)
    assert curve.iloc[0].tolist() == [0, 0, 0]
    assert curve.iloc[-1].tolist() == pytest.approx([1, 1, 1])
    assert (np.diff(curve["incident_share"], 2) <= 1e-12).all(), "busiest places first"
    if sum(counts) <= len(counts):
        at_counts = curve["place_share"] <= sum(counts) / len(counts) + 1e-9
        assert (curve["incident_share"] >= curve["most_equal_share"] - 1e-9)[
            at_counts | (curve["incident_share"] == 1)
        ].all()


def test_a_bundle_of_venues_is_more_than_chance():
    counts = rng(3).multinomial(120, [0.5 / 10] * 10 + [0.5 / 190] * 190)
    found = measure_concentration(counts, rng=rng())
    assert (found.places, found.incidents) == (200, 120)
    assert found.p_value == 1 / 1000
    assert found.gini_unbiased > found.chance_high
    assert found.low < found.gini_unbiased < found.high
    held = np.sort(counts)[::-1].cumsum()
    assert found.half_in_pct == 100 * (np.flatnonzero(held >= 60)[0] + 1) / 200


def test_places_alike_are_more_than_chance_at_most_at_the_stated_level():
    """400 towns; also where places differ in size and the size is given."""
    alarms = 0
    for seed in range(400):
        chance = rng(seed)
        size = chance.gamma(2, 1, 71) if seed % 2 else np.ones(71)
        counts = chance.multinomial(chance.integers(20, 200), size / size.sum())
        found = measure_concentration(counts, rng=chance, exposure=size, simulations=199)
        alarms += found.p_value <= 0.05
    assert alarms <= stats.binom.ppf(0.99, 400, 0.05), f"{alarms} of 400 towns"


def test_the_order_of_the_places_changes_nothing():
    counts = rng(2).poisson(2, 50)
    assert measure_concentration(counts, rng=rng()) == measure_concentration(rng(3).permutation(counts), rng=rng())


def test_too_little_to_be_unequal_says_nothing():
    for counts in ([0, 0, 0], [1, 0, 0], [7]):
        found = measure_concentration(counts, rng=rng())
        assert np.isnan(found.gini_unbiased)
        assert found.p_value == 1
    with pytest.raises(ValueError, match="at least one place"):
        measure_concentration([], rng=rng())
