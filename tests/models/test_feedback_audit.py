"""The feedback audit: urns whose limits are known, and the loop itself in a town whose zones are all alike."""

import numpy as np
import pytest
from scipy import stats

from models.feedback_audit import MONTHS, RULES, Station, audit_feedback, follow, shrunken, simulate

FOR_EVER = 10**9
TOWN = Station(zones=6, reported_per_month=115.0, arrests_per_month=2.0, patrol_h_per_month=1250.0)
ZONES = [f"Z{k}" for k in range(1, 7)]


def one_ball(rng):
    """Draw one ball from each urn: the standard Pólya urn."""
    return lambda share: rng.multinomial(1, share).astype(float)


def start(*balls, runs):
    return [np.tile(np.array(balls, dtype=float), (runs, 1))]


def test_the_polya_urn_is_beta_binomial_after_any_number_of_draws_and_beta_in_the_limit():
    rng, runs, draws = np.random.default_rng(1), 4_000, 400
    shares = follow(start(1, 2, 3, runs=runs), one_ball(rng), periods=draws + 1, memory=FOR_EVER)
    assert shares[1, 0].tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    for zone, a in enumerate((1, 2, 3)):
        drawn = np.rint(shares[-1, :, zone] * (6 + draws) - a)
        exact = stats.betabinom(draws, a, 6 - a)
        assert np.abs(shares[-1, :, zone] * (6 + draws) - a - drawn).max() < 1e-8, "whole balls"
        steps = np.arange(draws + 1)
        apart = np.abs((drawn[:, None] <= steps).mean(axis=0) - exact.cdf(steps)).max()
        assert apart < stats.kstwobign.ppf(0.999) / np.sqrt(runs)
        limit = stats.beta(a, 6 - a)
        assert shares[-1, :, zone].mean() == pytest.approx(limit.mean(), abs=4 * limit.std() / np.sqrt(runs))
        variance_error = 4 * np.sqrt(2 / runs) * limit.var()
        assert shares[-1, :, zone].var() == pytest.approx(limit.var() * draws / (6 + draws), abs=variance_error)


def test_from_one_ball_each_any_share_is_as_likely_and_the_repair_stays_at_a_half():
    """METHODS B.1c: sd 0.2887 and 80 % of the towns outside 0.4–0.6 without the repair, 0 % with it."""
    rng, runs, draws = np.random.default_rng(2), 1_500, 2_000
    raw = follow(start(1, 1, runs=runs), one_ball(rng), periods=draws, memory=FOR_EVER)[-1, :, 0]
    assert raw.mean() == pytest.approx(0.5, abs=4 * 0.2887 / np.sqrt(runs))
    assert raw.std() == pytest.approx(0.2887, abs=0.014)
    assert (np.abs(raw - 0.5) > 0.1).mean() == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / runs))
    repaired = follow(start(1, 1, runs=runs), one_ball(rng), periods=draws, memory=FOR_EVER, corrected=True)[-1, :, 0]
    assert repaired.mean() == pytest.approx(0.5, abs=0.002)
    assert repaired.std() < 0.03
    assert round(100 * (np.abs(repaired - 0.5) > 0.1).mean()) == 0


def test_with_unequal_rates_finds_run_to_the_extreme_and_the_repair_to_the_true_share():
    """Ensign et al. (2018), theorem 3.1 and section 4: the urn degenerates; the repaired one converges to the rates."""
    rng, runs = np.random.default_rng(3), 400
    rate = np.array([0.2, 0.1])

    def found(share):
        return rng.poisson(20 * rate * share).astype(float)

    raw = follow(start(1, 1, runs=runs), found, periods=3_000, memory=FOR_EVER)[:, :, 0]
    assert np.median(raw[-1]) > 0.98
    assert (np.diff(np.median(raw[[100, 300, 1_000, 2_999]], axis=1)) > 0).all(), "and it never stops"
    repaired = follow(start(1, 1, runs=runs), found, periods=3_000, memory=FOR_EVER, corrected=True)[-1, :, 0]
    assert repaired.mean() == pytest.approx(2 / 3, abs=0.003)
    assert np.abs(repaired - 2 / 3).max() < 0.06


def test_following_the_last_period_alone_is_the_drift_of_wright_and_fisher():
    """With n arrests a period, 1 - sum(share²) falls on average by the factor 1 - 1/n each period."""
    rng, runs, n = np.random.default_rng(4), 20_000, 8
    first = [rng.multinomial(n, [0.25] * 4, size=runs).astype(float)]
    shares = follow(first, lambda share: rng.multinomial(n, share).astype(float), periods=12, memory=1)
    spread = (1 - (shares**2).sum(axis=2)).mean(axis=1)
    assert spread == pytest.approx(0.75 * (1 - 1 / n) ** np.arange(13), abs=0.006)


def test_a_memory_of_three_periods_forgets_the_fourth():
    found = iter([[4.0, 0.0], [0.0, 4.0], [0.0, 4.0], [0.0, 4.0], [1.0, 1.0]])
    shares = follow([np.array([next(found)])], lambda share: np.array([next(found)]), periods=4, memory=3)
    assert shares[:, 0, 0].tolist() == pytest.approx([0.5, 1.0, 0.5, 1 / 3, 0.0])


def test_where_nothing_is_found_patrols_stay_where_they_are():
    nothing = np.zeros((3, 4))
    shares = follow([np.array([[2.0, 1, 1, 0]] * 3)], lambda share: nothing, periods=5, memory=2)
    assert shares[1:, :, :] == pytest.approx(np.tile([0.5, 0.25, 0.25, 0.0], (5, 3, 1)))


def test_shrunken_counts_are_marshalls():
    count = np.random.default_rng(5).poisson([[3, 30, 12, 9]] * 50).astype(float)
    for row, found in zip(count, shrunken(count), strict=True):
        mean = row.sum() / 4  # Marshall (1991), equations 6 to 8, with one unit of exposure each
        prior_variance = ((row - mean) ** 2).sum() / 4 - mean
        assert prior_variance > 0
        assert found == pytest.approx(mean + (row - mean) * prior_variance / (prior_variance + mean))
    assert shrunken(np.array([[5.0, 6, 5, 4], [0, 0, 0, 0]])).tolist() == [[5, 5, 5, 5], [0, 0, 0, 0]]


@pytest.mark.parametrize("rule", RULES)
def test_no_zone_is_favoured_and_the_patrol_is_all_there(rule):
    shares = simulate(TOWN, rule, runs=2_000, rng=np.random.default_rng(6))
    assert shares.shape == (MONTHS + 1, 2_000, 6)
    assert shares.sum(axis=2) == pytest.approx(np.ones((MONTHS + 1, 2_000)))
    mean = shares[-1].mean(axis=0)
    assert mean == pytest.approx(np.full(6, 1 / 6), abs=4.5 * shares[-1].std() / np.sqrt(2_000))


def test_arrests_run_away_where_reported_incidents_stay_in_the_sampling_band():
    ends = audit_feedback(TOWN, ZONES, rng=np.random.default_rng(7)).ends.set_index("rule")
    fair, year = 100 / 6, 12 * TOWN.reported_per_month / 6
    band = 100 * stats.poisson.ppf([0.05, 0.95], year) / (6 * year)  # what unshrunken counts of a year would do
    assert band[0] < ends.loc["reported", "low_pct"] < fair < ends.loc["reported", "high_pct"] < band[1]
    assert ends.loc["reported", "deserted_pct"] == 0
    assert ends.loc["arrests", "most_pct"] > 2.5 * fair
    assert ends.loc["arrests", "high_pct"] - ends.loc["arrests", "low_pct"] > 10 * (band[1] - band[0])
    # The urn keeps all its memory; a station that looks back a year only runs away faster.
    assert ends.loc["arrests_per_hour", "most_pct"] < 1.5 * fair


def test_the_middle_town_is_one_of_the_towns_and_sums_to_the_whole():
    audit = audit_feedback(TOWN, ZONES, rng=np.random.default_rng(8))
    assert audit.zones.groupby("rule")["share_pct"].sum().to_numpy() == pytest.approx([100] * 3)
    assert audit.zones["zone_id"].unique().tolist() == ZONES
    last = audit.paths[audit.paths["month"] == MONTHS].set_index(["rule", "zone_id"])["share_pct"]
    assert last.sort_index().equals(audit.zones.set_index(["rule", "zone_id"])["share_pct"].sort_index())
    begun = audit.paths[audit.paths["month"] == 0]
    assert begun[["share_pct", "low_pct", "high_pct"]].to_numpy() == pytest.approx(np.full((18, 3), 100 / 6))


def test_a_city_keeps_only_the_paths_that_can_be_drawn():
    many = [f"Z{k:03d}" for k in range(300)]
    audit = audit_feedback(Station(300, 50_000, 800, 40_000), many, rng=np.random.default_rng(9))
    assert (len(audit.zones), audit.runs) == (3 * 300, 100)
    shown = audit.paths[audit.paths["rule"] == "arrests"]["zone_id"].unique()
    end = audit.zones[audit.zones["rule"] == "arrests"].set_index("zone_id")["share_pct"]
    assert len(shown) == 12
    assert end[shown].max() == end.max()
    assert end[shown].min() == end.min()


@pytest.mark.parametrize("station", [Station(1, 90, 2, 100), Station(6, 90, 0, 100), Station(6, 90, 2, 0)])
def test_with_one_zone_no_arrests_or_no_patrol_there_is_nothing_to_follow(station):
    assert audit_feedback(station, ZONES[: station.zones], rng=np.random.default_rng(1)) is None
