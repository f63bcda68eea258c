"""Grounds: one for each cluster of scikit-learn's DBSCAN on every row, drawn as said, wide ones told."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN

from analysis.chance_surface import ChanceSurface, Grid
from analysis.density_clusters import DensityFinder
from analysis.grounds import dbscan_grounds, hdbscan_grounds
from analysis.piles import PileRule


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), repeats=st.booleans())
def test_grounds_are_those_of_dbscan_on_every_row(seed, repeats):
    """A ground at the lowest threshold covers the core rows of one cluster of scikit-learn's, and no other row's."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 4_000, (6, 2))
    rows = np.vstack([centres[rng.integers(6, size=60)] + rng.normal(0, 60, (60, 2)), rng.uniform(0, 4_000, (40, 2))])
    if repeats:
        rows = rows[rng.integers(len(rows), size=150)]
    rule = PileRule(eps_m=200.0, min_count=6, max_area_km2=1e6)
    xy, weight = np.unique(rows, axis=0, return_counts=True)
    peer = DBSCAN(eps=rule.eps_m, min_samples=rule.min_count).fit(rows)
    grounds = dbscan_grounds(xy, weight.astype(float), rule).areas[: peer.labels_.max() + 1]
    assert len(grounds) == peer.labels_.max() + 1
    core = np.zeros(len(rows), dtype=bool)
    core[peer.core_sample_indices_] = True
    points = shapely.points(rows)
    owner = np.full(len(rows), -1)
    for number, ground in enumerate(grounds):
        inside = shapely.intersects(ground, points)
        assert (owner[inside] == -1).all(), "grounds of one threshold do not overlap"
        owner[inside] = number
    assert (owner[core] >= 0).all()
    pairs = set(zip(owner[core].tolist(), peer.labels_[core].tolist(), strict=True))
    assert len(pairs) == len(grounds), "one ground for each cluster"
    covered = owner >= 0
    mapping = dict(pairs)
    assert [mapping[number] for number in owner[covered].tolist()] == peer.labels_[covered].tolist()


@pytest.mark.parametrize(("rows", "clusters"), [(5, 0), (6, 1)])
def test_incidents_at_one_single_point_are_a_cluster_from_the_least_number_on(rows, clusters):
    rule = PileRule(eps_m=200.0, min_count=6, max_area_km2=1.0)
    grounds = dbscan_grounds(np.zeros((1, 2)), np.array([float(rows)]), rule).areas
    assert len(grounds) == clusters
    assert all(ground.area == pytest.approx(math.pi * 100**2, rel=0.01) for ground in grounds)


def test_a_ground_is_all_within_half_of_eps_of_a_core_row():
    rows = np.random.default_rng(1).normal(0, 80, (40, 2))
    rule = PileRule(eps_m=200.0, min_count=6, max_area_km2=1.0)
    ground = dbscan_grounds(rows, np.ones(len(rows)), rule).areas[0]
    core = rows[(cdist(rows, rows) <= 200).sum(axis=1) >= 6]
    spots = np.random.default_rng(2).uniform(-600, 600, (4_000, 2))
    distance = cdist(spots, core).min(axis=1)
    inside = shapely.contains_xy(ground, spots)
    assert inside[distance < 0.98 * 100].all()
    assert not inside[distance > 100].any()


def test_a_wide_cluster_is_told_when_nothing_tighter_stands_out_of_it():
    """An even carpet of incidents is one wide cluster; with a pile on it, the pile is its ground."""
    x, y = np.meshgrid(np.arange(0, 1_600, 80.0), np.arange(0, 1_600, 80.0))
    carpet = np.column_stack([x.ravel(), y.ravel()])
    rule = PileRule(eps_m=100.0, min_count=5, max_area_km2=0.5)
    alone = dbscan_grounds(carpet, np.ones(len(carpet)), rule)
    assert (alone.areas, alone.uncut) == ([], 1)
    pile = np.vstack([carpet, np.random.default_rng(1).normal(800, 10, (20, 2))])
    cut = dbscan_grounds(pile, np.ones(len(pile)), rule)
    assert cut.uncut == 0
    assert all(area.contains(shapely.Point(800, 800)) and area.area <= 0.5e6 for area in cut.areas)


def test_grounds_of_density_clusters_hold_their_points_and_wide_ones_are_told():
    rng = np.random.default_rng(2)
    spots = np.vstack(
        [rng.normal(900, 30, (40, 2)), rng.normal((2_500, 900), 30, (40, 2)), rng.uniform(0, 3_000, (30, 2))]
    )
    grid = Grid.over(shapely.box(0, 0, 3_000, 3_000), cell_m=12.5, margin_m=300)
    surface = ChanceSurface.around(spots, np.ones(110), grid, opportunity=[], bandwidth_m=300, detail_m=25)
    found = hdbscan_grounds(spots, np.ones(110), DensityFinder(surface, least=20, max_area_km2=0.5))
    assert len(found.areas) == 2
    assert found.uncut == 0
    for ground, at in zip(found.areas, [(900, 900), (2_500, 900)], strict=True):
        assert ground.covers(shapely.Point(at))
    narrow = hdbscan_grounds(spots, np.ones(110), DensityFinder(surface, least=20, max_area_km2=1e-4))
    assert (narrow.areas, narrow.uncut) == ([], 2)
    piles = DensityFinder(surface, least=20, max_area_km2=0.5).find(spots, np.ones(110))
    for ground, count, cells in zip(found.areas, piles.count, piles.cells, strict=True):
        assert len(cells) * grid.cell_m**2 == pytest.approx(ground.area, rel=0.05)
        assert count == pytest.approx(shapely.contains_xy(ground, spots).sum(), abs=2)
