"""The reach: the knee of the curve, chance below it, and the traps on the way."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN

from analysis.chance_surface import ChanceSurface, Grid
from analysis.reach import FARTHEST_M, NEAREST_M, STEPS_APART, choose_reach, grid_step, groups, k_distances, knee

SIDE = 4_000.0


def surface_of(xy, weight=None):
    grid = Grid.over(shapely.box(0, 0, SIDE, SIDE), cell_m=30.0, margin_m=300.0)
    weight = np.ones(len(xy)) if weight is None else weight
    return ChanceSurface.around(xy, weight, grid, opportunity=[], bandwidth_m=300.0, detail_m=25.0)


def chosen(xy, *, least=8, seed=1, given_m=0.0):
    weight = np.ones(len(xy))
    rng = np.random.default_rng(seed)
    return choose_reach(xy, weight, surface_of(xy), least=least, rng=rng, given_m=given_m)


def clusters_in_redraws(xy, eps_m, least, *, draws=80):
    """Return how many clusters scikit-learn's DBSCAN forms in each of many redraws of the chance surface."""
    surface, rng = surface_of(xy), np.random.default_rng(99)
    labels = [DBSCAN(eps=eps_m, min_samples=least).fit(surface.redraw(rng)).labels_ for _ in range(draws)]
    return np.array([found.max() + 1 for found in labels])


def even(n, seed=1):
    return np.random.default_rng(seed).uniform(0, SIDE, (n, 2))


def test_chance_forms_at_most_one_cluster_with_the_eps_chosen_and_more_with_a_longer_one():
    xy = even(600)
    found = chosen(xy)
    assert found.rule == "chance"
    assert NEAREST_M <= found.eps_m < FARTHEST_M
    assert found.chance_clusters <= 1
    seen = clusters_in_redraws(xy, found.eps_m, 8)
    assert found.low - 0.15 <= seen.mean() <= found.high + 0.15
    assert clusters_in_redraws(xy, found.eps_m + 15, 8).mean() > 1


def test_one_town_wide_cluster_is_not_taken_for_a_single_chance_cluster():
    """With 300 m all incidents of this town hang together: one cluster, and yet not the eps to take."""
    xy = even(900)
    assert clusters_in_redraws(xy, FARTHEST_M, 8, draws=5).tolist() == [1] * 5
    assert chosen(xy).eps_m < 150


def test_a_crowded_town_asks_for_more_incidents_instead():
    xy = even(3_000)
    found = chosen(xy)
    assert (found.rule, found.eps_m) == ("raised", NEAREST_M)
    assert found.least > 8
    assert found.chance_clusters <= 1
    fewer = found.least - 2
    assert clusters_in_redraws(xy, NEAREST_M, fewer, draws=10).mean() > 1


def test_the_knee_is_taken_where_chance_would_allow_more():
    rng = np.random.default_rng(3)
    xy = np.vstack([centre + rng.normal(0, 25, (30, 2)) for centre in rng.uniform(500, 3_500, (6, 2))])
    found = chosen(np.vstack([xy, even(12, 4)]))
    assert found.rule == "knee"
    assert found.eps_m == pytest.approx(np.clip(found.knee_m, NEAREST_M, FARTHEST_M))


@pytest.mark.parametrize(("east_m", "north_m"), [(100.0, 100.0), (91.2, 111.0)], ids=["metres", "degrees"])
def test_coordinates_rounded_to_a_grid_keep_the_reach_above_its_step(east_m, north_m):
    """Three decimals of a degree at 35 degrees north are 91 by 111 m."""
    step = np.array([east_m, north_m])
    xy, weight = np.unique(np.rint(even(600) / step) * step, axis=0, return_counts=True)
    assert grid_step(xy, weight) == pytest.approx(east_m)
    rng = np.random.default_rng(1)
    found = choose_reach(xy, weight.astype(float), surface_of(xy, weight), least=8, rng=rng)
    assert found.step_m == pytest.approx(east_m)
    assert found.eps_m == pytest.approx(STEPS_APART * east_m)
    assert found.eps_m > np.hypot(east_m, north_m)
    assert found.chance_clusters <= 1
    given = choose_reach(xy, weight.astype(float), surface_of(xy, weight), least=8, rng=rng, given_m=80.0)
    assert (given.eps_m, given.rule) == (80.0, "given")


def test_points_that_recur_or_lie_apart_by_themselves_are_on_no_grid():
    """Houses ten metres apart with several incidents each; and scattered incidents, none of which shares a point."""
    houses = even(300)
    at, count = np.unique(np.random.default_rng(2).integers(300, size=500), return_counts=True)
    assert STEPS_APART * grid_step(houses[at], count) < NEAREST_M
    scattered = np.arange(40)[:, None] * [400.0, 300.0]
    assert grid_step(scattered, np.ones(40)) == 0
    assert grid_step(scattered[:1], np.array([9.0])) == 0


def test_an_eps_given_by_the_user_stands_and_its_chance_clusters_are_told():
    xy = even(600)
    found = chosen(xy, given_m=200.0)
    assert (found.eps_m, found.rule, found.least) == (200.0, "given", 8)
    assert found.chance_clusters == pytest.approx(clusters_in_redraws(xy, 200.0, 8).mean(), rel=0.1)
    assert found.low < found.chance_clusters < found.high


def test_the_interval_is_garwoods_for_a_poisson_mean():
    """Garwood (1936): the limits are those means under which the total seen is just too high, or just too low."""
    found = chosen(even(600))
    total = round(found.chance_clusters * found.draws)
    assert stats.poisson.sf(total - 1, found.low * found.draws) == pytest.approx(0.025)
    assert stats.poisson.cdf(total, found.high * found.draws) == pytest.approx(0.025)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 9))
def test_k_distances_are_those_of_every_single_incident(seed, k):
    rng = np.random.default_rng(seed)
    xy, weight = rng.uniform(0, 500, (20, 2)), rng.integers(1, 12, 20).astype(float)
    rows = np.repeat(xy, weight.astype(int), axis=0)
    plain = np.sort(np.sort(cdist(rows, rows), axis=1)[:, k - 1])
    np.testing.assert_allclose(k_distances(xy, weight, k), plain, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 40))
def test_groups_are_counted_as_dbscan_counts_them(seed, n):
    xy = np.random.default_rng(seed).uniform(0, 600, (n, 2))
    peer = DBSCAN(eps=80.0, min_samples=1).fit(xy).labels_.max() + 1 if n else 0
    assert groups(xy, 80.0) == peer


def test_the_knee_of_two_straight_lines_is_where_they_meet():
    assert knee(np.concatenate([np.linspace(0, 10, 90), np.linspace(12, 200, 10)])) == pytest.approx(10, abs=2)
    assert math.isnan(knee(np.ones(5)))
    assert math.isnan(knee(np.empty(0)))


def test_too_few_incidents_for_any_cluster_leave_nothing_to_choose():
    found = chosen(even(5))
    assert (found.eps_m, found.chance_clusters) == (NEAREST_M, 0.0)
    assert math.isnan(found.knee_m)
