"""Weighted DBSCAN: the same clusters, numbers and border points as scikit-learn's, and sums as counted pair by pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from sklearn.cluster import DBSCAN

from analysis import weighted_dbscan as module
from analysis.weighted_dbscan import joined, weight_within, weighted_dbscan


def assert_like_scikit_learn(xy, weight, *, eps_m, least):
    ours = weighted_dbscan(xy, weight, eps_m=eps_m, min_weight=least)
    peer = DBSCAN(eps=eps_m, min_samples=least, algorithm="kd_tree").fit(xy, sample_weight=weight)
    np.testing.assert_array_equal(np.flatnonzero(ours.core), peer.core_sample_indices_)
    np.testing.assert_array_equal(ours.labels, peer.labels_)
    return ours


@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 300), eps_m=st.sampled_from([33.3, 100.0, 150.0, 400.0]),
    least=st.integers(1, 30), spread=st.sampled_from(["even", "lattice", "piles"]), few=st.sampled_from([0, 300]),
)  # fmt: skip
def test_clusters_are_those_of_scikit_learn(seed, n, eps_m, least, spread, few):
    rng = np.random.default_rng(seed)
    xy = {
        "even": lambda: rng.uniform(0, 2_000, (n, 2)),
        "lattice": lambda: 500_000 + 50.0 * rng.integers(0, 30, (n, 2)),  # many pairs exactly 100 and 150 m apart
        "piles": lambda: rng.integers(0, 6, (n, 2)) * 300.0 + rng.normal(0, 40, (n, 2)).round(1),
    }[spread]()
    xy = rng.permutation(np.unique(xy, axis=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEW_POINTS", few)  # joined by cells, or by all their pairs
        assert_like_scikit_learn(xy, rng.integers(1, 6, len(xy)), eps_m=eps_m, least=least)


def test_clusters_of_twenty_thousand_points_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    xy = np.vstack([
        rng.uniform(0, 12_000, (12_000, 2)),
        rng.uniform(0, 12_000, (60, 2))[rng.integers(60, size=8_000)] + rng.normal(0, 120, (8_000, 2)),
    ])  # fmt: skip
    found = assert_like_scikit_learn(xy, rng.integers(1, 4, len(xy)), eps_m=100.0, least=30)
    assert found.labels.max() > 20
    assert (found.labels[~found.core] >= 0).sum() > 500  # border points are among them


def test_a_point_exactly_at_the_radius_is_a_neighbour():
    xy = np.array([[0.0, 0.0], [60.0, 80.0], [60.0, -80.1]])
    np.testing.assert_array_equal(weight_within(xy, [1, 10, 100], eps_m=100.0), [11, 11, 100])
    np.testing.assert_array_equal(joined(xy, eps_m=100.0), [0, 0, 1])


def test_a_border_point_between_two_clusters_goes_to_the_first():
    west, east = np.column_stack([np.arange(5.0), np.zeros(5)]), np.column_stack([np.arange(190.0, 195.0), np.zeros(5)])
    between = np.array([[97.0, 0.0]])
    for first, second in ((west, east), (east, west)):
        found = weighted_dbscan(np.vstack([between, first, second]), np.ones(11), eps_m=93.5, min_weight=4)
        assert found.labels.tolist() == [0, *[0] * 5, *[1] * 5]
        assert not found.core[0]


@pytest.mark.parametrize("eps_m", [80.0, 100.0, 333.0])
def test_weights_are_those_counted_pair_by_pair(eps_m):
    rng = np.random.default_rng(5)
    xy, weight = rng.uniform(0, 1_500, (400, 2)), rng.uniform(0, 3, 400)
    near = np.hypot(*(xy[:, None] - xy[None]).T) <= eps_m
    np.testing.assert_allclose(weight_within(xy, weight, eps_m=eps_m), near @ weight, rtol=1e-12)


@pytest.mark.parametrize("mean_neighbours", [1.5, 3.0, 4.5])  # around 4.5 chains grow long and hang by single pairs
def test_groups_are_those_of_a_graph_of_all_close_pairs(mean_neighbours):
    n, eps_m = 4_000, 100.0
    side_m = eps_m * np.sqrt(np.pi * n / mean_neighbours)
    xy = np.random.default_rng(7).uniform(0, side_m, (n, 2))
    close = KDTree(xy).sparse_distance_matrix(KDTree(xy), eps_m)
    _, expected = connected_components(close, directed=False)
    np.testing.assert_array_equal(joined(xy, eps_m=eps_m), expected)


def test_no_points_have_no_clusters():
    found = weighted_dbscan(np.empty((0, 2)), [], eps_m=100.0, min_weight=3)
    assert len(found.labels) == len(found.core) == 0
