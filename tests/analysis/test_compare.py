"""Small numbers compared: known answers, peers, and properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import compare

# Benjamini & Hochberg (1995), table 1: 15 p-values, of which their procedure at 0.05 rejects 4.
BH_1995 = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
           0.7590, 1.0]  # fmt: skip

counts = st.integers(0, 300)
exposures = st.floats(0.1, 50)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.025, 5.572), (3, 0.619, 8.767), (5, 1.623, 11.668), (10, 4.795, 18.390)],
)
def test_exact_poisson_limits_are_the_published_ones(count, low, high):
    assert compare.poisson_interval(count) == pytest.approx((low, high), abs=6e-4)


@settings(deadline=None)  # the first call loads scipy's tables
@given(count=counts, level=st.sampled_from([0.8, 0.95, 0.99]))
def test_poisson_limits_leave_half_the_rest_on_each_side(count, level):
    low, high = compare.poisson_interval(count, level=level)
    assert stats.poisson.cdf(count, high) == pytest.approx((1 - level) / 2, rel=1e-6)
    if count:
        assert stats.poisson.sf(count - 1, low) == pytest.approx((1 - level) / 2, rel=1e-6)


@settings(deadline=None)  # the first call loads scipy's tables
@given(k=counts, more=counts)
def test_wilson_limits_equal_scipys(k, more):
    n = k + more
    low, high = compare.wilson_interval(k, n)
    if n == 0:
        assert np.isnan(low)
        return
    peer = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((peer.low, peer.high), abs=1e-12)


@settings(deadline=None)  # the first call loads scipy's tables
@given(n1=counts, t1=exposures, n0=counts, t0=exposures)
def test_rate_ratio_limits_equal_scipys_exact_binomial(n1, t1, n0, t0):
    found = compare.rate_ratio(n1, t1, n0, t0)
    if n1 + n0 == 0:
        assert np.isnan(found.ratio)
        assert (found.low, found.high, found.p_value) == (0, np.inf, 1)
        return
    share = t1 / (t1 + t0)
    peer = stats.binomtest(n1, n1 + n0, share).proportion_ci(method="exact")
    odds = [limit / (1 - limit) * t0 / t1 if limit < 1 else np.inf for limit in (peer.low, peer.high)]
    # scipy searches its limits to 1e-12, which odds near certainty magnify.
    assert (found.low, found.high) == pytest.approx(odds, rel=1e-6)
    tails = stats.binomtest(n1, n1 + n0, share, "less").pvalue, stats.binomtest(n1, n1 + n0, share, "greater").pvalue
    assert found.p_value == pytest.approx(min(1, 2 * min(tails)), rel=1e-9)


@pytest.mark.parametrize("share", [0.03, 0.5, 0.9])
def test_the_p_value_of_every_pair_of_small_counts_is_scipys(share):
    n1, n0 = (side.ravel() for side in np.meshgrid(np.arange(6), np.arange(6)))
    n1, n0 = n1[n1 + n0 > 0], n0[n1 + n0 > 0]
    found = compare.rate_ratio(n1, share, n0, 1 - share).p_value
    for p_value, k, n in zip(found, n1.tolist(), (n1 + n0).tolist(), strict=True):
        tails = (stats.binomtest(k, n, share, side).pvalue for side in ("less", "greater"))
        assert p_value == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-9)


@settings(deadline=None)  # the first call loads scipy's tables
@given(n1=counts, t1=exposures, n0=counts, t0=exposures)
def test_a_rise_is_called_only_when_the_interval_leaves_out_one(n1, t1, n0, t0):
    found = compare.rate_ratio(n1, t1, n0, t0)
    word = found.words(alpha=0.05).item()
    outside = "up" if found.low > 1 else "down" if found.high < 1 else "none"
    if not np.isclose(found.p_value, 0.05, rtol=1e-6):
        assert word == outside


@given(n1=counts, n0=counts, t1=exposures, t0=exposures)
def test_the_least_p_value_is_that_of_all_events_on_the_rarer_side(n1, n0, t1, t0):
    total = n1 + n0
    least = compare.least_p_value(total, t1, t0)
    every = compare.rate_ratio(np.arange(total + 1), t1, total - np.arange(total + 1), t0).p_value
    assert least == pytest.approx(min(every), rel=1e-9)


@given(n1=st.floats(0, 40), n0=st.floats(0, 40))
def test_sums_of_weights_lie_between_their_whole_neighbours(n1, n0):
    """Tails move with the weight: more now is more unusual upwards, and no jump at whole numbers."""
    tail = compare._at_least(np.array([np.floor(n1), n1, np.ceil(n1)]), np.full(3, n0), np.full(3, 0.4))
    assert tail[0] >= tail[1] - 1e-12
    assert tail[1] >= tail[2] - 1e-12
    assert compare._at_least(np.array(12.0), np.array(5.0), np.array(0.4)) == pytest.approx(stats.binom.sf(11, 17, 0.4))


@given(k1=st.integers(0, 40), r1=st.integers(0, 40), k0=st.integers(0, 40), r0=st.integers(0, 40))
def test_a_change_of_share_equals_fishers_exact_test(k1, r1, k0, r0):
    found = compare.share_change(k1, k1 + r1, k0, k0 + r0)
    tails = [stats.fisher_exact([[k1, r1], [k0, r0]], side).pvalue for side in ("less", "greater")]
    assert found == pytest.approx(min(1, 2 * min(tails)), abs=1e-9)


def test_comparisons_that_cannot_be_seen_are_left_out_of_the_adjustment():
    adjusted = compare.false_discovery_where([0.01, 0.5, 0.02, 0.5], [True, False, True, False])
    np.testing.assert_allclose(adjusted, [0.02, 1, 0.02, 1])
    assert compare.false_discovery_where([0.3], [False]).tolist() == [1.0]


# --- funnels ---


def test_the_funnel_equals_the_exact_poisson_tails_without_overdispersion():
    rng = np.random.default_rng(6)
    exposure = rng.uniform(1, 9, 30)
    count = rng.poisson(2 * exposure)
    found = compare.funnel(count, exposure)
    expected = count.sum() * exposure / exposure.sum()
    tails = np.minimum(stats.poisson.cdf(count, expected), stats.poisson.sf(count - 1, expected))
    assert found.overdispersion == 1
    np.testing.assert_allclose(found.p_value, np.minimum(1, 2 * tails))
    np.testing.assert_allclose(found.ratio, count / expected)


def test_overdispersed_areas_widen_the_funnel_and_give_few_alarms():
    rng = np.random.default_rng(8)
    exposure = np.full(200, 40.0)
    count = rng.negative_binomial(10, 10 / (10 + exposure))  # variance 40 + 160: five times Poisson's
    found = compare.funnel(count, exposure)
    residual = (count - count.mean()) / np.sqrt(count.mean())
    cut = np.clip(residual, *np.quantile(residual, [0.1, 0.9]))
    assert found.overdispersion == pytest.approx((cut**2).mean())
    assert 3 < found.overdispersion < 5, "winsorising takes the tails off"
    tails = np.minimum(stats.poisson.cdf(count, count.mean()), stats.poisson.sf(count - 1, count.mean()))
    widened = 2 * stats.norm.sf(stats.norm.isf(np.minimum(tails, 0.5)) / np.sqrt(found.overdispersion))
    np.testing.assert_allclose(found.p_value, widened)
    assert (found.p_value <= 0.05).mean() < 0.12
    assert (2 * tails <= 0.05).mean() > 0.3, "without it a third of the areas would be alarms"


def test_null_areas_are_named_at_most_at_the_stated_level():
    rng = np.random.default_rng(9)
    alarms = 0
    for _ in range(400):
        exposure = rng.uniform(200, 3000, 71)
        found = compare.funnel(rng.poisson(exposure * rng.choice([0.002, 0.01])), exposure)
        alarms += bool((found.sides(alpha=0.05) != "inside").any())
    assert alarms <= stats.binom.ppf(0.99, 400, 0.05), f"{alarms} of 400 towns"


@given(expected=st.floats(0.5, 200), coverage=st.sampled_from([0.8, 0.95, 0.998]))
def test_funnel_limits_lie_between_the_poisson_counts_around_them(expected, coverage):
    low, high = compare.funnel_limits(expected, coverage=coverage)
    for limit, tail in ((low, (1 - coverage) / 2), (high, (1 + coverage) / 2)):
        count = stats.poisson.ppf(tail, expected)
        assert max(count - 1, 0) <= limit * expected + 1e-9
        assert limit * expected <= count + 1e-9
    wide = compare.funnel_limits(expected, coverage=coverage, overdispersion=4.0)
    assert wide[1] - 1 == pytest.approx(2 * (high - 1))
    assert wide[0] == pytest.approx(max(0, 1 + 2 * (low - 1)))


def test_a_funnel_without_exposure_or_incidents_says_nothing():
    for count, exposure in (([3, 4], [0, 0]), ([0, 0], [10, 20])):
        found = compare.funnel(count, exposure)
        assert found.sides(alpha=0.05).tolist() == ["inside", "inside"]


def test_chance_alone_is_rarely_called_a_change():
    rng = np.random.default_rng(7)  # METHODS 7: at a mean of 3, half of all months differ by a third or more
    found = compare.rate_ratio(rng.poisson(3, 4000), 1.0, rng.poisson(3, 4000), 1.0)
    assert (found.p_value <= 0.05).mean() < 0.05
    assert (found.words(alpha=0.05) == "none").all()


def test_false_discovery_rejects_the_four_of_benjamini_and_hochberg():
    shuffled = np.random.default_rng(1).permutation(len(BH_1995))
    called = compare.false_discovery(np.array(BH_1995)[shuffled]) <= 0.05
    assert sorted(np.array(BH_1995)[shuffled][called]) == BH_1995[:4]
    assert compare.false_discovery([]).size == 0


def test_posterior_equals_the_known_gamma_poisson_answer():
    mean, low, high = compare.posterior(6, 6, shape=2, mean=0.5)  # METHODS A.8.13: (2 + 6) / (4 + 6)
    assert mean == pytest.approx(0.8)
    assert (low, high) == pytest.approx((stats.gamma.ppf(0.025, 8) / 10, stats.gamma.ppf(0.975, 8) / 10))
    # The predictive count of a month is negative binomial: P(0) = .466507, variance .88, 10 % to 90 % = 0 to 2.
    predictive = stats.nbinom(8, 10 / 11)
    assert predictive.pmf(0) == pytest.approx(0.466507, abs=1e-6)
    rates = np.random.default_rng(3).gamma(8, 1 / 10, 200_000)
    assert np.exp(-rates).mean() == pytest.approx(predictive.pmf(0), abs=2e-3)
    assert rates.mean() == pytest.approx(mean, abs=2e-3)


def test_fitted_prior_is_the_likeliest_negative_binomial():
    rng = np.random.default_rng(5)
    exposure = rng.uniform(1, 20, 600)
    count = rng.poisson(exposure * rng.gamma(3, 0.5, 600))
    shape, mean = compare.fit_gamma_prior(count, exposure)

    def likelihood(a, m):
        return stats.nbinom.logpmf(count, a, a / (a + m * exposure)).sum()

    best = likelihood(shape, mean)
    for a in shape * np.array([0.7, 0.95, 1, 1.05, 1.4]):
        for m in mean * np.array([0.8, 0.97, 1, 1.03, 1.2]):
            assert likelihood(a, m) <= best + 1e-6
    assert (shape, mean) == pytest.approx((3, 1.5), rel=0.15)


def test_shrunken_limits_are_the_posteriors_quantiles_by_brute_force():
    """Prior times likelihood on a fine grid, summed: no closed form is asked."""
    n, t = np.array([0, 3, 12, 40, 7]), np.array([2.0, 1.0, 5.0, 8.0, 6.0])
    shrunk = compare.shrink(n, t, level=0.9)
    rate = np.linspace(1e-6, 30, 600_001)
    prior = stats.gamma.pdf(rate, shrunk.shape, scale=shrunk.prior_mean / shrunk.shape)
    for k in range(len(n)):
        weight = prior * stats.poisson.pmf(n[k], rate * t[k])
        total = np.cumsum(weight) / weight.sum()
        assert shrunk.rate[k] == pytest.approx((rate * weight).sum() / weight.sum(), rel=1e-4)
        assert shrunk.low[k] == pytest.approx(rate[np.searchsorted(total, 0.05)], abs=2e-4)
        assert shrunk.high[k] == pytest.approx(rate[np.searchsorted(total, 0.95)], abs=2e-4)


def test_shrunken_intervals_hold_the_true_rate_as_often_as_promised():
    """Rates drawn from a gamma, as many zones as a town has villages: the fitted prior costs little coverage."""
    rng, held, rows = np.random.default_rng(12), 0, 0
    for _ in range(30):
        t, truth = rng.uniform(0.5, 8, 71), rng.gamma(2.0, 1.5, 71)
        shrunk = compare.shrink(rng.poisson(t * truth), t)
        held += int(((shrunk.low <= truth) & (truth <= shrunk.high)).sum())
        rows += 71
    assert 0.93 <= held / rows <= 0.97


def test_equal_rates_are_all_drawn_to_the_common_mean():
    exposure = np.array([2.0, 5.0, 11.0, 30.0])
    shrunk = compare.shrink(np.round(4 * exposure), exposure)
    np.testing.assert_allclose(shrunk.rate, 4.0, rtol=1e-3)


@settings(deadline=None)  # the first call loads scipy's tables
@given(st.lists(st.tuples(counts, exposures), min_size=2, max_size=12))
def test_shrunken_rates_lie_between_the_raw_rate_and_the_prior_mean(zones):
    n, t = np.array(zones, dtype=float).T
    shrunk = compare.shrink(n, t)
    if n.sum() == 0:
        assert np.isnan(shrunk.rate).all()
        return
    low, high = np.minimum(n / t, shrunk.prior_mean), np.maximum(n / t, shrunk.prior_mean)
    assert (shrunk.rate >= low * (1 - 1e-6)).all()
    assert (shrunk.rate <= high * (1 + 1e-6)).all()
    assert ((shrunk.low <= shrunk.rate) & (shrunk.rate <= shrunk.high)).all()


def test_a_zone_without_exposure_has_no_rate_and_disturbs_no_other():
    with_empty = compare.shrink([30, 12, 5, 4], [3.0, 2.0, 2.0, 0.0])
    without = compare.shrink([30, 12, 5], [3.0, 2.0, 2.0])
    assert np.isnan(with_empty.rate[3])
    np.testing.assert_allclose(with_empty.rate[:3], without.rate)


def test_ranks_are_ranges_where_intervals_overlap():
    best, worst = compare.rank_range([10, 4, 5, 1, np.nan], [12, 7, 6, 2, np.nan])
    assert best.tolist() == [1, 2, 2, 4, 1]
    assert worst.tolist() == [2, 4, 4, 5, 5]


@settings(deadline=None)  # the first call loads scipy's tables
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), min_size=1, max_size=10))
def test_every_order_the_intervals_allow_is_within_the_ranges(zones):
    low = np.array([a for a, _ in zones])
    high = low + np.array([b for _, b in zones])
    best, worst = compare.rank_range(low, high)
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = rng.uniform(low, high)
        rank = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
        assert ((best <= rank) & (rank <= worst)).all()
