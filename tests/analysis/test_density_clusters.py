"""HDBSCAN with weights: scikit-learn's labels where it has no ties to break, and towns that one eps cannot cut."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.metrics import adjusted_rand_score

from analysis.density_clusters import core_distances, density_clusters

EVERY_PAIR = {"joined_within_m": 0.0, "farthest_m": 1e9}


def collapsed(rows):
    xy, spot, weight = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    return xy, weight.astype(float), spot.ravel()


def peer_labels(rows, least, core_count):
    found = HDBSCAN(min_cluster_size=least, min_samples=core_count, cluster_selection_method="leaf", copy=True)
    return found.fit(rows).labels_


def same_partition(one, other):
    """Tell whether two labellings agree, noise included, up to the numbers of the clusters."""
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist())) and all(
        (a < 0) == (b < 0) for a, b in pairs
    )


def crowd(rng, n=160):
    """Return rows of several densities, many of them at the same points."""
    centres, width = rng.uniform(0, 3_000, (5, 2)), rng.uniform(10, 200, 5)
    of = rng.integers(5, size=n)
    rows = np.vstack([centres[of] + rng.normal(0, 1, (n, 2)) * width[of, None], rng.uniform(0, 3_000, (n // 4, 2))])
    return rows[rng.integers(len(rows), size=2 * n)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), least=st.integers(4, 15))
def test_labels_are_those_of_scikit_learn_on_every_row(seed, least):
    """With a core count of 1 there are no ties; so the weights must give what the rows give."""
    rows = crowd(np.random.default_rng(seed))
    xy, weight, spot = collapsed(rows)
    ours = density_clusters(xy, weight, least=least, core_count=1, **EVERY_PAIR)[spot]
    peer = peer_labels(rows, least, 1)
    if peer.max() < 1:  # scikit-learn names no single cluster of all
        return
    assert same_partition(ours, peer)


def test_real_calls_get_scikit_learns_labels_on_every_row(shared_data):
    path = shared_data / "chicago" / "chicago_west_2016_2017.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not in {path.parent}")
    calls = pd.read_parquet(path).query("district == '011' and lon == lon").head(2_000)
    places = gpd.points_from_xy(calls["lon"], calls["lat"], crs=4326).to_crs(32616)
    rows = np.column_stack([places.x, places.y])
    xy, weight, spot = collapsed(rows)
    assert weight.max() > 10, "addresses with many calls"
    ours = density_clusters(xy, weight, least=20, core_count=1, **EVERY_PAIR)[spot]
    assert same_partition(ours, peer_labels(rows, 20, 1))
    # With a core count of 5 distances tie: scikit-learn lets the order of the rows decide, we join all at once.
    ours = density_clusters(xy, weight, least=20, core_count=5, **EVERY_PAIR)[spot]
    assert adjusted_rand_score(ours, peer_labels(rows, 20, 5)) > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_places_of_unlike_density_are_told_apart_where_no_single_eps_can(seed):
    """Two bars in one street, and a hamlet: short eps miss the hamlet, long ones join the bars."""
    rng = np.random.default_rng(seed)
    bars = [rng.normal((x, 1_000), 15, (60, 2)) for x in (1_000, 1_340)]
    street = np.column_stack([rng.uniform(1_030, 1_310, 6), rng.normal(1_000, 10, 6)])
    hamlet = rng.normal((3_000, 3_000), 220, (40, 2))
    rows, truth = np.vstack([*bars, hamlet, street]), np.repeat([0, 1, 2], [60, 60, 40])

    def right(labels):
        """Tell whether each place has one cluster of its own that holds most of it."""
        held = [np.bincount(labels[:160][truth == place] + 1, minlength=labels.max() + 2)[1:] for place in range(3)]
        own = {int(counts.argmax()) for counts in held if counts.any()}
        return len(own) == 3 and all(counts.max() > 0.6 * (truth == place).sum() for place, counts in enumerate(held))

    assert right(density_clusters(rows, np.ones(len(rows)), least=20))
    for least in (5, 10, 15, 20):
        for eps in range(10, 400, 5):
            assert not right(DBSCAN(eps=eps, min_samples=least).fit(rows).labels_), (eps, least)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_neither_the_order_of_points_nor_a_shift_or_quarter_turn_changes_a_cluster(seed):
    rng = np.random.default_rng(seed)
    xy, weight, _ = collapsed(crowd(rng).round(3))
    found = density_clusters(xy, weight, least=8)
    order = rng.permutation(len(xy))
    shuffled = np.empty(len(xy), dtype=int)
    shuffled[order] = density_clusters(xy[order], weight[order], least=8)
    assert same_partition(found, shuffled)
    moved = np.column_stack([-xy[:, 1] + 40_500_000.0, xy[:, 0] + 4_050_000.0])
    assert same_partition(found, density_clusters(moved, weight, least=8))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_core_distances_are_those_of_every_row(seed):
    rows = crowd(np.random.default_rng(seed), n=60)
    xy, weight, spot = collapsed(rows)
    plain = np.sort(cdist(rows, rows), axis=1)[:, 4]
    np.testing.assert_allclose(core_distances(xy, weight, 5)[spot], plain, atol=2e-6)


def test_places_nearer_than_a_patrol_can_tell_apart_stay_one():
    rng = np.random.default_rng(6)
    rows = np.vstack([rng.normal((x, 0), 4, (30, 2)) for x in (0, 60, 600)])
    apart = density_clusters(rows, np.ones(90), least=15, joined_within_m=0.0)
    joined = density_clusters(rows, np.ones(90), least=15)
    assert len({apart[:30].max(), apart[30:60].max(), apart[60:].max()}) == 3
    assert len(set(joined[:60]) - {-1}) == 1
    assert joined[:60].max() != joined[60:].max()


def test_one_dense_place_alone_is_a_cluster_and_places_out_of_reach_are_never_one():
    rng = np.random.default_rng(7)
    rows = rng.normal(0, 20, (40, 2))
    assert (density_clusters(rows, np.ones(40), least=20) == 0).mean() > 0.9
    two = np.vstack([rng.normal((x, 0), 20, (12, 2)) for x in (0, 900)])
    assert (density_clusters(two, np.ones(24), least=20) == -1).all(), "24 incidents, but 900 m apart"


@pytest.mark.parametrize("n", [0, 1, 3])
def test_few_points_are_no_cluster(n):
    assert density_clusters(np.zeros((n, 2)) + np.arange(n)[:, None], np.ones(n), least=5).tolist() == [-1] * n


def test_one_point_with_enough_incidents_is_a_cluster_of_its_own():
    xy = np.array([[0.0, 0.0], [900.0, 0.0], [905.0, 0.0]])
    assert density_clusters(xy, np.array([8.0, 1.0, 1.0]), least=6).tolist() == [0, -1, -1]
