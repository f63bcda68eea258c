"""Hotspots: planted ones found, none in null towns, and every figure counted again by other means."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN

from analysis.chance_surface import ChanceSurface, Grid, PileRule, excess, grid_piles, opportunity_surface
from analysis.hotspots import cluster_areas, explain, find_hotspots, types_of
from gis_data.settings import HotspotSettings

CRS = "EPSG:4549"
WEST, SOUTH, SIDE = 487_000.0, 4_060_000.0, 3_000.0
LAND = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
SETTINGS = HotspotSettings(simulations=39)
FIRST = pd.Timestamp("2024-01-01", tz="Asia/Shanghai")


def incidents(xy, *, count=1, hour=None, kind="theft"):
    """Return incidents at these points, one a day, at the same hour or spread over the day."""
    number = np.arange(len(xy))
    hours = number * 7 % 24 if hour is None else np.full(len(xy), hour)
    when = FIRST + pd.to_timedelta(number % 365 * 24 + hours, unit="h")
    frame = pd.DataFrame({"reported_at": when, "occurred_from": when, "occurred_to": when, "count": count})
    return gpd.GeoDataFrame(frame.assign(type=kind), geometry=gpd.points_from_xy(*np.transpose(xy)), crs=CRS)


def even(n, rng, *, side=SIDE):
    return rng.uniform((WEST, SOUTH), (WEST + side, SOUTH + side), (n, 2))


def town(rng, *, planted=40, background=150):
    """Return incidents of an even town with ``planted`` more around one market place."""
    market = rng.normal((WEST + 2100, SOUTH + 900), 40, (planted, 2))
    return incidents(np.vstack([even(background, rng), market]))


def find(frame, *, land=LAND, seed=1, years=1.0, chosen=SETTINGS, opportunity=()):
    return find_hotspots(
        frame, land, years=years, settings=chosen, rng=np.random.default_rng(seed), opportunity=opportunity
    )


# --- what is found ---


def test_a_planted_cluster_is_the_only_hotspot_and_holds_what_was_planted():
    found = find(town(np.random.default_rng(3)))
    hot = found[found["is_hotspot"]]
    assert len(hot) == 1
    assert hot.geometry.iloc[0].contains(shapely.Point(WEST + 2100, SOUTH + 900))
    assert 36 <= hot["count"].iloc[0] <= 46, "40 planted, and what chance puts among them"
    assert hot["p_value"].iloc[0] == 1 / 40, "no redraw was as unusual"
    assert found["hotspot_id"].iloc[0] == "H1"


def test_null_towns_report_a_hotspot_at_most_at_the_stated_level():
    """60 towns whose incidents fall on houses as chance has it; at 5 % more than 7 alarms have a chance of 0.9 %."""
    chosen = HotspotSettings(simulations=19, min_incidents_per_year=4.0)
    rng = np.random.default_rng(11)
    side, alarms = 1_500.0, 0
    land = shapely.box(WEST, SOUTH, WEST + side, SOUTH + side)
    for number in range(60):
        centres = even(5, rng, side=side)
        houses = centres[rng.integers(5, size=300)] + rng.normal(0, 120, (300, 2))
        houses = houses[shapely.contains_xy(land, houses)]
        spots = houses[rng.integers(len(houses), size=80)] + rng.uniform(-5, 5, (80, 2))
        layer = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*houses.T), crs=CRS)
        found = find(incidents(spots), land=land, seed=number, chosen=chosen, opportunity=[layer])
        alarms += bool(found["is_hotspot"].any())
    assert stats.binom.sf(alarms - 1, 60, chosen.alpha) > 0.01, f"{alarms} of 60 towns"


def test_a_village_is_no_hotspot_where_its_houses_are_known_and_one_where_they_are_not():
    rng = np.random.default_rng(4)
    village = rng.normal((WEST + 800, SOUTH + 2000), 90, (120, 2))
    spots = np.vstack([village[rng.integers(120, size=60)] + rng.normal(0, 8, (60, 2)), even(40, rng)])
    houses = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*village.T).buffer(5), crs=CRS)
    assert find(incidents(spots))["is_hotspot"].any()
    assert not find(incidents(spots), opportunity=[houses])["is_hotspot"].any()


def test_a_wide_cluster_is_taken_apart_into_its_tight_piles():
    """Two piles joined by a bridge of incidents: at the lowest threshold they are one cluster, too wide to use."""
    rng = np.random.default_rng(5)
    piles = [rng.normal((WEST + x, SOUTH + 1500), 30, (40, 2)) for x in (700, 2300)]
    road = np.column_stack([np.linspace(WEST + 700, WEST + 2300, 90), np.full(90, SOUTH + 1500)])
    found = find(incidents(np.vstack([*piles, road])))
    assert (found["area_km2"] <= SETTINGS.max_area_km2).all()
    for x in (700, 2300):
        assert found.contains(shapely.Point(WEST + x, SOUTH + 1500)).sum() == 1


# --- each figure, counted again ---


def test_count_share_area_and_density_are_those_of_shapely():
    frame = town(np.random.default_rng(3))
    years = 0.5
    found = find(frame, years=years)
    assert len(found) > 1
    for row in found.itertuples():
        inside = sum(row.geometry.covers(point) for point in frame.geometry)
        assert row.count == inside
        assert row.share_pct == pytest.approx(100 * inside / len(frame))
        assert row.area_km2 == pytest.approx(row.geometry.area / 1e6)
        assert row.density_per_km2_year == pytest.approx(inside / (row.geometry.area / 1e6) / years)
    assert found["hotspot_id"].tolist() == [f"H{number}" for number in range(1, len(found) + 1)]


def test_ground_beyond_the_border_counts_for_no_area():
    """A pile on the western border: half of its disc lies outside."""
    spots = np.random.default_rng(6).normal((WEST, SOUTH + 1500), 1, (30, 2))
    elsewhere = even(60, np.random.default_rng(7), side=SIDE - 600) + np.array([600, 0])
    found = find(incidents(np.vstack([spots, elsewhere])))
    row = found[found.distance(shapely.Point(WEST, SOUTH + 1500)) < 1].iloc[0]
    assert row["count"] == 30, "incidents a metre outside still count"
    assert row.geometry.within(LAND.buffer(1e-6))
    assert row["area_km2"] == pytest.approx(math.pi * 0.1**2 / 2, rel=0.05)


def test_incidents_far_from_the_land_are_left_out():
    far = np.random.default_rng(6).normal((WEST - 900, SOUTH + 1500), 5, (60, 2))
    near = town(np.random.default_rng(3))
    both = pd.concat([near, incidents(far)], ignore_index=True)
    pd.testing.assert_frame_equal(pd.DataFrame(find(both)), pd.DataFrame(find(near)))


def test_hours_types_and_months_are_those_of_the_rows_inside():
    rng = np.random.default_rng(8)
    here = (WEST + 1500, SOUTH + 1500)
    night = pd.concat(
        [
            incidents(rng.normal(here, 20, (30, 2)), hour=1),
            incidents(rng.normal(here, 20, (12, 2)), hour=2, kind="assault"),
        ],
        ignore_index=True,
    )
    frame = pd.concat([night, incidents(even(80, rng))], ignore_index=True)
    row = find(frame).iloc[0]
    inside = frame[frame.intersects(row.geometry)]
    assert row.geometry.covers(shapely.points(here))
    assert types_of(row["main_types"])[:2] == [("theft", row["count"] - 12), ("assault", 12)]
    start, end = map(int, row["peak_hours"].split("-"))
    assert (end - start) % 24 == 4
    assert {1, 2} <= {(start + step) % 24 for step in range(4)}
    assert row["months_active"] == inside["reported_at"].dt.month.nunique()
    assert (row["first_at"], row["last_at"]) == (inside["reported_at"].min(), inside["reported_at"].max())


def test_one_address_with_all_incidents_is_told():
    spot = np.tile((WEST + 1500, SOUTH + 1500), (30, 1))
    row = find(incidents(np.vstack([spot, even(60, np.random.default_rng(9))]))).iloc[0]
    assert row["one_point_pct"] == pytest.approx(100 * 30 / row["count"])
    assert [key for key, _ in explain(row) if key.endswith("one_point")]


def test_a_row_of_ten_is_ten_rows():
    rng = np.random.default_rng(10)
    spots = np.vstack([rng.normal((WEST + 900, SOUTH + 900), 30, (8, 2)), even(20, rng)])
    found = find(incidents(spots, count=10), years=1.0)
    rows = find(incidents(np.repeat(spots, 10, axis=0)), years=1.0)
    same = ["hotspot_id", "is_hotspot", "count", "share_pct", "expected_count", "p_value"]
    pd.testing.assert_frame_equal(pd.DataFrame(found[same]), pd.DataFrame(rows[same]))


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_is_found_where_nothing_clusters(count):
    found = find(incidents(even(count, np.random.default_rng(2)) if count else np.empty((0, 2))))
    assert len(found) == 0
    assert {"hotspot_id", "is_hotspot", "p_value", "geometry"} <= set(found.columns)


# --- what must not matter ---


def figures(found):
    return pd.DataFrame(found.drop(columns=["geometry", "hotspot_id"])).reset_index(drop=True)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.tuples(st.integers(-300, 300), st.integers(-300, 300)))
def test_shifting_the_town_by_whole_cells_changes_no_figure(seed, steps):
    frame = town(np.random.default_rng(seed), background=60)
    dx, dy = (step * 200.0 for step in steps)
    moved = frame.set_geometry(frame.translate(dx, dy))
    here, there = find(frame), find(moved, land=shapely.affinity.translate(LAND, dx, dy))
    pd.testing.assert_frame_equal(figures(here), figures(there), rtol=1e-6)
    assert shapely.equals_exact(here.translate(dx, dy).to_numpy(), there.geometry.to_numpy(), 1e-3).all()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_rows_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    frame = town(rng, background=60)
    pd.testing.assert_frame_equal(figures(find(frame)), figures(find(frame.iloc[rng.permutation(len(frame))])))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_quarter_turn_keeps_every_cluster_and_its_counts(seed):
    """The land is a square about its middle; only the redraws fall elsewhere, so p may move a little."""
    frame = town(np.random.default_rng(seed), background=60)
    middle = (WEST + SIDE / 2, SOUTH + SIDE / 2)
    turned = frame.set_geometry(frame.rotate(90, origin=middle))
    columns = ["count", "area_km2", "expected_count", "main_types", "peak_hours"]
    here, there = (find(one)[columns].sort_values(["count", "area_km2"], ignore_index=True) for one in (frame, turned))
    # Discs are drawn as polygons, and their vertices turn with them; a point on an edge may fall either side.
    pd.testing.assert_frame_equal(pd.DataFrame(here), pd.DataFrame(there), rtol=1e-6)


def test_the_same_seed_gives_the_same_p_values_and_others_nearly():
    frame = town(np.random.default_rng(3), planted=14)
    one, again, other = find(frame, seed=1), find(frame, seed=1), find(frame, seed=2)
    pd.testing.assert_series_equal(one["p_value"], again["p_value"])
    assert (one["p_value"] - other["p_value"]).abs().max() < 0.3


# --- the clusters are DBSCAN's ---


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
    grounds = list(cluster_areas(xy, weight.astype(float), rule))[: peer.labels_.max() + 1]
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
    grounds = list(cluster_areas(np.zeros((1, 2)), np.array([float(rows)]), rule))
    assert len(grounds) == clusters
    assert all(ground.area == pytest.approx(math.pi * 100**2, rel=0.01) for ground in grounds)


def test_a_ground_is_all_within_half_of_eps_of_a_core_row():
    rows = np.random.default_rng(1).normal(0, 80, (40, 2))
    rule = PileRule(eps_m=200.0, min_count=6, max_area_km2=1.0)
    ground = next(cluster_areas(rows, np.ones(len(rows)), rule))
    core = rows[(cdist(rows, rows) <= 200).sum(axis=1) >= 6]
    spots = np.random.default_rng(2).uniform(-600, 600, (4_000, 2))
    distance = cdist(spots, core).min(axis=1)
    inside = shapely.contains_xy(ground, spots)
    assert inside[distance < 0.98 * 100].all()
    assert not inside[distance > 100].any()


# --- chance ---


def grid_over(land=LAND, cell_m=100.0):
    return Grid.over(land, cell_m=cell_m, margin_m=600.0)


def test_excess_is_the_log_ratio_of_two_poisson_likelihoods():
    count, expected, total = 12, 4.5, 80
    rate_in, rate_out = count / expected, (total - count) / (total - expected)
    ratio = stats.poisson.logpmf(count, expected * rate_in) - stats.poisson.logpmf(count, expected)
    ratio += stats.poisson.logpmf(total - count, (total - expected) * rate_out)
    ratio -= stats.poisson.logpmf(total - count, total - expected)
    assert excess(count, expected, total) == pytest.approx(ratio)
    assert excess(4, 4.5, total) == 0
    assert excess(80, 4.5, total) == pytest.approx(80 * math.log(80 / 4.5))


@given(st.integers(1, 60), st.floats(0.01, 50))
def test_more_incidents_on_the_same_ground_are_more_unusual(count, expected):
    assert excess(count + 1, expected, 100) >= excess(count, expected, 100) >= 0


def test_expected_incidents_add_up_to_those_observed_and_lie_on_land_only():
    rng = np.random.default_rng(3)
    xy, grid = even(90, rng), grid_over()
    weight = rng.integers(1, 4, 90).astype(float)
    surface = ChanceSurface.around(xy, weight, grid, opportunity=[even(200, rng)], bandwidth_m=300, detail_m=50)
    assert surface.expected.sum() == pytest.approx(weight.sum())
    assert surface.total == weight.sum()
    assert (surface.expected[~grid.on_land] == 0).all()
    assert surface.inside(LAND.buffer(500)) == pytest.approx(weight.sum())
    west, east = (shapely.box(WEST + x, SOUTH, WEST + x + SIDE / 2, SOUTH + SIDE) for x in (0, SIDE / 2))
    assert surface.inside(west) + surface.inside(east) == pytest.approx(weight.sum())
    redrawn = surface.redraw(np.random.default_rng(1))
    assert redrawn.sum() == surface.total
    assert (redrawn[~grid.on_land.ravel()] == 0).all()


def test_redraws_average_to_the_expected_incidents():
    xy, grid = even(200, np.random.default_rng(4)), grid_over(cell_m=500.0)
    surface = ChanceSurface.around(xy, np.ones(200), grid, opportunity=[], bandwidth_m=600, detail_m=50)
    rng = np.random.default_rng(5)
    mean = np.mean([surface.redraw(rng) for _ in range(400)], axis=0)
    sd = np.sqrt(surface.expected.ravel() / 400)
    assert (np.abs(mean - surface.expected.ravel()) < 5 * sd + 1e-12).all()


def test_incidents_that_fall_on_houses_make_houses_the_opportunity():
    rng = np.random.default_rng(6)
    houses, grid = even(60, rng), grid_over(cell_m=50.0)
    on_houses = grid.cells_of(houses[rng.integers(60, size=400)])
    built = opportunity_surface(on_houses, np.ones(400), grid, [houses], detail_m=50)
    even_cells = grid.cells_of(even(400, rng))
    open_land = opportunity_surface(even_cells, np.ones(400), grid, [houses], detail_m=50)
    at = grid.cells_of(houses)
    assert built.sum() == pytest.approx(1)
    assert open_land.sum() == pytest.approx(1)
    assert built.ravel()[at].mean() > 3 * open_land.ravel()[at].mean()
    assert built[grid.on_land].min() >= 0.009 / grid.on_land.sum(), "no place on land is impossible"


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_piles_on_the_grid_are_those_of_the_rule_worked_cell_by_cell(seed):
    rng = np.random.default_rng(seed)
    grid = Grid.over(shapely.box(0, 0, 1_200, 1_200), cell_m=40.0, margin_m=400.0)
    rule = PileRule(eps_m=160.0, min_count=8, max_area_km2=0.25)
    centre = rng.uniform(200, 1_000, (3, 2))
    xy = centre[rng.integers(3, size=70)] + rng.normal(0, 70, (70, 2)).clip(-180, 180)
    counts = np.bincount(grid.cells_of(xy), minlength=grid.on_land.size)
    expected = rng.uniform(0.01, 0.1, counts.size)
    found = [
        sorted(zip(*map(np.ndarray.tolist, piles), strict=True)) for piles in grid_piles(counts, expected, grid, rule)
    ]
    row_column = np.column_stack(np.unravel_index(np.arange(counts.size), grid.on_land.shape))
    filled = np.flatnonzero(counts)
    around = (cdist(row_column[filled], row_column[filled]) * 40 <= 160 + 1e-6) @ counts[filled]
    threshold, wanted = 8, []
    while threshold <= around.max():
        core = filled[around >= threshold]
        ground = np.flatnonzero(cdist(row_column, row_column[core]).min(axis=1) * 40 <= 80 + 1e-6)
        joined = cdist(row_column[ground], row_column[ground], metric="chebyshev") <= 1
        piece = connected_components(csr_array(joined), directed=False)[1]
        piles = [ground[piece == number] for number in range(piece.max() + 1)]
        narrow = [pile for pile in piles if len(pile) * 40**2 <= 0.25e6]
        wanted.append(sorted((float(counts[pile].sum()), expected[pile].sum()) for pile in narrow))
        threshold = math.ceil(threshold * 1.25)
    assert len(found) == len(wanted)
    for ours, plain in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.array(ours).reshape(-1, 2), np.array(plain).reshape(-1, 2))
