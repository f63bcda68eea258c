"""Density: the kernels' known values, borders, every pair summed up, and totals that stay."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import KernelDensity

from analysis.density import CLASS_LIMITS, Ground, density, density_cells, density_class
from gis_data.errors import CrsError

CRS = "EPSG:4549"
WEST, SOUTH = 487_000.0, 4_060_000.0
EDGES = ("uniform", "spread", "none")
KERNELS = {"gaussian": 1.0, "quartic": 2.6}  # how much larger a bandwidth of the same width is


def ground(rows, cols, *, cell_m=50.0, land=None, west=WEST, south=SOUTH):
    return Ground(west, south, cell_m, np.ones((rows, cols)) if land is None else land)


def middle(place, row, col):
    return np.array([[place.west + (col + 0.5) * place.cell_m, place.south + (row + 0.5) * place.cell_m]])


def per_m2(place, xy, **options):
    """Return density per m2 of incidents of one year."""
    chosen = {"years": 1.0, "bandwidth_m": 100.0, "edge": "none"} | options
    return density(np.asarray(xy, dtype=float), np.ones(len(xy)), place, **chosen).per_km2_year / 1e6


def some_town(rng, *, n=400, rows=30, cols=36, cell_m=50.0):
    """Return ragged ground with cells that are part land, and incidents on it away from bin borders."""
    land = np.where(rng.random((rows, cols)) < 0.1, 0.0, rng.choice([1.0, 1.0, 0.4], (rows, cols)))
    land[:6, :9] = 0.0
    place = ground(rows, cols, cell_m=cell_m, land=land)
    row, col = np.nonzero(land)
    chosen = rng.integers(len(row), size=n)
    offset = rng.uniform(0.01, 0.99, (n, 2)) * cell_m
    return place, np.column_stack([col, row])[chosen] * cell_m + offset + (WEST, SOUTH)


# --- known answers ---


def test_gaussian_at_and_beside_a_lone_incident():
    place = ground(121, 121, cell_m=10.0)
    found = per_m2(place, middle(place, 60, 60))
    assert found[60, 60] == pytest.approx(1.591549e-5, rel=5e-7)
    assert found[60, 70] == pytest.approx(9.653235e-6, rel=5e-7)
    assert found[70, 60] == found[60, 70] == found[60, 50]


def test_quartic_at_and_beside_a_lone_incident():
    place = ground(203, 203, cell_m=1.0)
    found = per_m2(place, middle(place, 101, 101), kernel="quartic")
    assert found[101, 101] == pytest.approx(9.549297e-5, abs=5e-11)
    assert found[101, 151] == pytest.approx(5.371479e-5, abs=5e-11)
    assert found[101, 202] == pytest.approx(0, abs=1e-18)


@pytest.mark.parametrize("kernel", list(KERNELS))
def test_on_a_straight_border_the_correction_doubles_exactly(kernel):
    """The border runs through the middle of column 40: half of its cells is land."""
    land = np.ones((81, 81))
    land[:, :40], land[:, 40] = 0.0, 0.5
    place = ground(81, 81, cell_m=20.0, land=land)
    incident = middle(place, 40, 40)
    plain, uniform, spread = (per_m2(place, incident, kernel=kernel, edge=e)[40, 40] for e in ("none", *EDGES[:2]))
    assert uniform / plain == pytest.approx(2, rel=1e-9)
    assert spread / plain == pytest.approx(2, rel=1e-9)


# --- every pair summed up ---


@pytest.mark.parametrize("kernel", list(KERNELS))
@pytest.mark.parametrize(("cell_m", "bandwidth_m"), [(40.0, 300.0), (100.0, 250.0), (200.0, 150.0)])
def test_error_against_the_exact_sum_stays_below_half_a_percent_of_the_peak(kernel, cell_m, bandwidth_m):
    rng = np.random.default_rng(3)
    size = int(4_000 / cell_m)
    place = ground(size, size, cell_m=cell_m)
    xy = np.vstack([rng.normal(2_000, 350, (1_500, 2)), rng.uniform(0, 4_000, (500, 2))])
    xy = xy[((xy > 0) & (xy < 4_000)).all(axis=1)] + (WEST, SOUTH)
    bandwidth = bandwidth_m * KERNELS[kernel]
    found = per_m2(place, xy, bandwidth_m=bandwidth, kernel=kernel)
    row, col = (x.ravel() for x in np.indices((size, size)))
    u = cdist(np.column_stack([WEST + (col + 0.5) * cell_m, SOUTH + (row + 0.5) * cell_m]), xy) / bandwidth
    heights = {"gaussian": np.exp(-(u**2) / 2) / (2 * np.pi), "quartic": 3 / np.pi * np.maximum(1 - u**2, 0) ** 2}
    exact = heights[kernel].sum(axis=1) / bandwidth**2
    assert np.abs(found.ravel() - exact).max() <= 0.005 * exact.max()


def test_gaussian_is_that_of_scikit_learn():
    rng = np.random.default_rng(4)
    xy = rng.normal(1_000, 250, (800, 2))
    place = Ground(0.0, 0.0, 40.0, np.ones((50, 50)))
    row, col = (x.ravel() for x in np.indices((50, 50)))
    peer = KernelDensity(bandwidth=200.0).fit(xy).score_samples(np.column_stack([col + 0.5, row + 0.5]) * 40.0)
    exact = len(xy) * np.exp(peer)
    assert np.abs(per_m2(place, xy, bandwidth_m=200.0).ravel() - exact).max() <= 0.005 * exact.max()


def test_corrections_are_those_of_the_mass_summed_cell_by_cell():
    place, xy = some_town(np.random.default_rng(5))
    bandwidth = 400.0  # eight cells: bins are the cells themselves
    row, col = (x.ravel() for x in np.indices(place.land.shape))
    centre = np.column_stack([col, row]) * 50.0 + 25.0
    kernel = np.exp(-(cdist(centre, centre) ** 2) / (2 * bandwidth**2)) / (2 * np.pi * bandwidth**2) * 2_500
    land = place.land.ravel()
    at = np.floor((xy - (WEST, SOUTH)) / 50.0).astype(int) @ [1, 36]
    xy = centre[at] + (WEST, SOUTH)
    mass = kernel @ land
    uniform = kernel @ np.bincount(at, minlength=len(land)) / mass / 2_500
    spread = kernel @ np.bincount(at, 1 / mass[at], minlength=len(land)) / 2_500
    for edge, known in (("uniform", uniform), ("spread", spread)):
        found = per_m2(place, xy, bandwidth_m=bandwidth, edge=edge).ravel()
        assert np.array_equal(np.isnan(found), land == 0)
        assert found[land > 0] == pytest.approx(known[land > 0], rel=1e-6)


@pytest.mark.parametrize(("kernel", "height"), [("gaussian", 1 / (2 * np.pi)), ("quartic", 3 / np.pi)])
def test_a_lone_incident_anywhere_in_its_cell_is_off_by_less_than_half_a_percent_of_its_peak(kernel, height):
    rng = np.random.default_rng(6)
    place = ground(15, 15, cell_m=200.0)
    row, col = (x.ravel() for x in np.indices((15, 15)))
    centre = np.column_stack([col, row]) * 200.0 + 100.0
    for bandwidth_m in (150.0, 700.0):
        for xy in rng.uniform(1_400, 1_600, (20, 2)):
            u = np.hypot(*(centre - xy).T) / bandwidth_m
            shape = np.exp(-(u**2) / 2) if kernel == "gaussian" else np.maximum(1 - u**2, 0) ** 2
            found = per_m2(place, xy[None] + np.array([WEST, SOUTH]), bandwidth_m=bandwidth_m, kernel=kernel).ravel()
            assert np.abs(found * bandwidth_m**2 / height - shape).max() <= 0.005


# --- totals and evenness ---


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from(list(KERNELS)))
def test_spread_keeps_the_number_of_incidents_on_land(seed, kernel):
    place, xy = some_town(np.random.default_rng(seed))
    found = per_m2(place, xy, bandwidth_m=400.0 * KERNELS[kernel], kernel=kernel, edge="spread")
    assert (np.nan_to_num(found) * place.land).sum() * 50.0**2 == pytest.approx(len(xy), rel=1e-9)


def test_uniform_leaves_an_even_town_even_where_the_others_do_not():
    land = np.ones((30, 30))
    land[:12, 18:] = 0.0
    place = ground(30, 30, land=land)
    row, col = np.nonzero(land)
    everywhere = np.vstack([middle(place, r, c) for r, c in zip(row, col, strict=True)])
    even, spread, lost = (per_m2(place, everywhere, bandwidth_m=400.0, edge=edge)[land > 0] for edge in EDGES)
    assert even == pytest.approx(np.full(len(row), 1 / 2_500))
    assert lost.min() < 0.3 / 2_500
    assert np.ptp(spread) > 0.1 / 2_500


def test_incidents_off_the_land_are_counted_as_elsewhere():
    land = np.ones((10, 10))
    land[0] = 0.0
    place = ground(10, 10, land=land)
    points = np.vstack([middle(place, 5, 5), middle(place, 0, 3), middle(place, 5, 40), middle(place, -1, 5)])
    found = density(points, np.array([2.0, 3.0, 4.0, 5.0]), place, years=1.0, bandwidth_m=400.0, edge="spread")
    assert found.elsewhere == 12.0
    assert np.nansum(found.per_km2_year * land) * 2_500 / 1e6 == pytest.approx(2.0)
    assert (found.kernel, found.bandwidth_m, found.edge) == ("gaussian", 400.0, "spread")


def test_no_incidents_are_a_density_of_zero():
    place = ground(5, 5)
    for kernel in KERNELS:
        assert (per_m2(place, np.empty((0, 2)), kernel=kernel, edge="uniform") == 0).all()


def test_a_density_is_per_km2_and_year_and_proportional_to_weights():
    place = ground(40, 40)
    spot = middle(place, 20, 20)
    one = density(spot, np.ones(1), place, years=1.0, bandwidth_m=200.0, edge="none").per_km2_year
    six = density(spot, np.full(1, 6.0), place, years=2.0, bandwidth_m=200.0, edge="none").per_km2_year
    assert six == pytest.approx(3 * one)
    assert one[20, 20] == pytest.approx(1e6 / (2 * np.pi * 200.0**2), rel=1e-6)


# --- nothing depends on where north is or how rows are kept ---


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from(list(KERNELS)), st.sampled_from(EDGES))
def test_shifting_rotating_and_permuting_change_nothing(seed, kernel, edge):
    rng = np.random.default_rng(seed)
    place, xy = some_town(rng, n=60)
    found = per_m2(place, xy, kernel=kernel, edge=edge, bandwidth_m=170.0)
    near = {"rel": 1e-9, "abs": found[place.land > 0].max() * 1e-12, "nan_ok": True}
    shifted = Ground(WEST + 1234.5, SOUTH - 876.25, 50.0, place.land)
    moved = per_m2(shifted, xy + np.array([1234.5, -876.25]), kernel=kernel, edge=edge, bandwidth_m=170.0)
    assert moved == pytest.approx(found, **near)
    # A quarter turn to the left takes (x, y) to (-y, x); rows count northwards, so columns become rows.
    height = place.land.shape[0] * 50.0
    turned_xy = np.column_stack([WEST + height - (xy[:, 1] - SOUTH), SOUTH + xy[:, 0] - WEST])
    turned = per_m2(ground(1, 1, land=place.land.T[:, ::-1]), turned_xy, kernel=kernel, edge=edge, bandwidth_m=170.0)
    assert turned == pytest.approx(found.T[:, ::-1], **near)
    order = rng.permutation(len(xy))
    assert per_m2(place, xy[order], kernel=kernel, edge=edge, bandwidth_m=170.0) == pytest.approx(found, **near)


def town(*, crs=CRS, single=False):
    row, col = (x.ravel() for x in np.indices((6, 7)))
    land = np.flatnonzero(~((row < 2) & (col > 4)))
    row, col = row[land] + 3, col[land] + 2  # a grid whose first rows and columns hold no land
    west, south = WEST + col * 200.0, SOUTH + row * 200.0
    squares = shapely.box(west, south, west + 200, south + 200)
    table = {"cell_id": np.arange(len(row)), "row": row, "col": col, "x": west + 100, "y": south + 100}
    cells = gpd.GeoDataFrame(table | {"area_m2": 40_000.0}, geometry=squares, crs=CRS)
    spots = np.array([(WEST + 750, SOUTH + 1_230), (WEST + 1_310, SOUTH + 1_500)])
    count = np.array([3, 4])
    if single:
        spots, count = np.repeat(spots, count, axis=0), np.ones(7, dtype=int)
    return cells, gpd.GeoDataFrame({"count": count}, geometry=gpd.points_from_xy(*spots.T), crs=crs)


def test_splitting_a_count_into_rows_changes_nothing():
    cells, merged = town()
    _, single = town(single=True)
    how = {"cell_m": 200.0, "years": 0.5, "bandwidth_m": 150.0}
    found = density_cells(merged, cells, **how)
    pd.testing.assert_frame_equal(found, density_cells(single, cells, **how))
    top = found.loc[found["density_per_km2_year"].idxmax()]
    assert top.geometry.contains(shapely.Point(WEST + 1_310, SOUTH + 1_500))


def test_a_table_of_cells_gives_the_density_of_its_grid_in_any_order():
    cells, incidents = town()
    how = {"cell_m": 200.0, "years": 1.0, "bandwidth_m": 150.0, "edge": "none"}
    found = density_cells(incidents, cells, **how)
    xy, near = found[["x", "y"]].to_numpy(), np.column_stack([incidents.geometry.x, incidents.geometry.y])
    exact = np.exp(-(cdist(xy, near) ** 2) / (2 * 150.0**2)) @ [3, 4] / (2 * np.pi * 0.15**2)
    assert np.abs(found["density_per_km2_year"] - exact).max() < 0.005 * 4 / (2 * np.pi * 0.15**2)
    other = density_cells(incidents, cells.sample(frac=1.0, random_state=2), **how).sort_index()
    pd.testing.assert_frame_equal(found, other)


def test_the_land_of_a_table_s_cells_is_their_area_even_where_middles_lie_in_water():
    cells, _ = town()
    cells.loc[3, "area_m2"], cells.loc[4, "area_m2"] = 10_000.0, 47_000.0  # a quarter, and one that took in a sliver
    cells.loc[[3, 9], "x"] += 190.0
    cells.loc[4, "y"] -= 130.0
    found = Ground.of_cells(cells, cell_m=200.0)
    assert (found.west, found.south) == (WEST, SOUTH)
    assert found.land[cells["row"], cells["col"]].tolist() == [0.25 if i == 3 else 1.0 for i in range(len(cells))]
    assert found.land.sum() == len(cells) - 0.75


def test_another_crs_is_an_error_that_names_both():
    cells, incidents = town()
    with pytest.raises(CrsError, match=r"EPSG:4326.*EPSG:4549"):
        density_cells(incidents.to_crs("EPSG:4326"), cells, cell_m=200.0, years=1.0, bandwidth_m=150.0)


def test_classes_have_the_same_limits_on_every_map():
    assert CLASS_LIMITS == (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
    assert density_class(np.array([0, 4.99, 5, 19.9, 500, 1e6, np.nan])).tolist() == [0, 0, 1, 2, 7, 7, -1]
    place = ground(9, 9, land=np.eye(9))
    found = density(middle(place, 4, 4), np.full(1, 30.0), place, years=1.0, bandwidth_m=100.0, edge="none")
    assert found.classes()[4, 4] == 6
    assert (found.classes()[~np.eye(9, dtype=bool)] == -1).all()
