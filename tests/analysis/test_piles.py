"""Chance: the surface of expected incidents, the piles that redraws form, and how unusual each is."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from analysis.chance_surface import ChanceSurface, Grid, opportunity_surface
from analysis.piles import Chance, GridFinder, PileRule, by_chance, excess, most_unusual

WEST, SOUTH, SIDE = 487_000.0, 4_060_000.0, 3_000.0
LAND = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)


def even(n, rng):
    return rng.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (n, 2))


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
    redrawn = grid.cells_of(surface.redraw(np.random.default_rng(1)))
    assert len(redrawn) == surface.total
    assert grid.on_land.ravel()[redrawn].all()


def test_redraws_average_to_the_expected_incidents():
    xy, grid = even(200, np.random.default_rng(4)), grid_over(cell_m=500.0)
    surface = ChanceSurface.around(xy, np.ones(200), grid, opportunity=[], bandwidth_m=600, detail_m=50)
    rng = np.random.default_rng(5)
    counts = [np.bincount(grid.cells_of(surface.redraw(rng)), minlength=grid.on_land.size) for _ in range(400)]
    mean = np.mean(counts, axis=0)
    sd = np.sqrt(surface.expected.ravel() / 400)
    assert (np.abs(mean - surface.expected.ravel()) < 5 * sd + 1e-12).all()


@pytest.mark.parametrize("cell_m", [100.0, 500.0], ids=["fewer incidents than cells", "more"])
def test_redraws_counted_by_cell_are_poisson_around_the_expected_incidents(cell_m):
    xy, grid = even(200, np.random.default_rng(4)), grid_over(cell_m=cell_m)
    surface = ChanceSurface.around(xy, np.ones(200), grid, opportunity=[], bandwidth_m=600, detail_m=50)
    rng, drawn = np.random.default_rng(5), np.zeros((400, grid.on_land.size))
    for draw in drawn:
        cells, number = surface.recount(rng)
        assert number.sum() == 200
        assert (np.diff(cells) > 0).all()
        draw[cells] = number
    expected = surface.expected.ravel()
    assert (np.abs(drawn.mean(axis=0) - expected) < 5 * np.sqrt(expected / 400) + 1e-12).all()
    spread = (drawn.var(axis=0) / np.maximum(expected * (1 - expected / 200), 1e-12))[expected > 0]
    assert spread.mean() == pytest.approx(1.0, abs=0.05)


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


def test_a_wide_kernel_on_blocks_is_the_kernel_on_cells():
    rng = np.random.default_rng(8)
    grid = Grid.over(LAND, cell_m=12.5, margin_m=600)
    values = np.zeros(grid.on_land.shape)
    values.ravel()[rng.choice(np.flatnonzero(grid.on_land), 200)] = rng.integers(1, 5, 200)
    plain = ndimage.gaussian_filter(values, 300 / 12.5, mode="constant")
    assert np.abs(grid.smooth(values, 300) - plain)[grid.on_land].max() < 0.03 * plain.max()


def test_the_surface_of_some_months_keeps_the_opportunity_and_follows_their_level():
    rng = np.random.default_rng(9)
    grid, xy = grid_over(), even(300, rng)
    west = xy[:, 0] < WEST + SIDE / 2
    surface = ChanceSurface.around(xy, np.ones(300), grid, opportunity=[even(200, rng)], bandwidth_m=300, detail_m=50)
    half = surface.at_level_of(xy[west], np.ones(west.sum()))
    assert half.total == west.sum()
    east = shapely.box(WEST + SIDE / 2 + 900, SOUTH, WEST + SIDE, SOUTH + SIDE)
    assert half.inside(east) < 0.05 * surface.inside(east)
    again = surface.at_level_of(xy, np.ones(300))
    np.testing.assert_allclose(again.expected, surface.expected)


def plain_piles(counts, shape, rule, cell_m):
    """Return the cells of each pile, threshold by threshold, worked over all pairs of cells."""
    row_column = np.column_stack(np.unravel_index(np.arange(counts.size), shape))
    filled = np.flatnonzero(counts)
    around = (cdist(row_column[filled], row_column[filled]) * cell_m <= rule.eps_m + 1e-6) @ counts[filled]
    threshold, wanted = rule.min_count, []
    while threshold <= around.max():
        core = filled[around >= threshold]
        ground = np.flatnonzero(cdist(row_column, row_column[core]).min(axis=1) * cell_m <= rule.eps_m / 2 + 1e-6)
        joined = cdist(row_column[ground], row_column[ground], metric="chebyshev") <= 1
        piece = connected_components(csr_array(joined), directed=False)[1]
        piles = [ground[piece == number] for number in range(piece.max() + 1)]
        wanted += [pile for pile in piles if len(pile) * cell_m**2 <= rule.max_area_km2 * 1e6]
        threshold = math.ceil(threshold * 1.25)
    return sorted(pile.tolist() for pile in wanted)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.sampled_from([20, 50, 400]))
def test_piles_on_the_grid_are_those_of_the_rule_worked_cell_by_cell(seed, n):
    """With 20 incidents their surroundings are looked up, with 400 they come from running sums."""
    rng = np.random.default_rng(seed)
    grid = Grid.over(shapely.box(0, 0, 1_200, 1_200), cell_m=40.0, margin_m=400.0)
    rule = PileRule(eps_m=160.0, min_count=8, max_area_km2=0.25)
    surface = ChanceSurface(grid, rng.uniform(0.01, 0.1, grid.on_land.shape), 300.0, np.ones(grid.on_land.shape))
    finder = GridFinder(surface, rule)
    for _ in range(2):  # the arrays kept between draws are clean again
        centre = rng.uniform(200, 1_000, (3, 2))
        xy = centre[rng.integers(3, size=n)] + rng.normal(0, 70, (n, 2)).clip(-180, 180)
        weight = rng.integers(1, 3, n).astype(float)
        counts = np.bincount(grid.cells_of(xy), weight, minlength=grid.on_land.size)
        found = finder.find(xy, weight)
        wanted = plain_piles(counts, grid.on_land.shape, rule, 40.0)
        assert sorted(cells.tolist() for cells in found.cells) == wanted
        for cells, count, expected in zip(found.cells, found.count, found.expected, strict=True):
            assert count == counts[cells].sum()
            assert expected == pytest.approx(surface.expected.ravel()[cells].sum())


def test_two_full_spots_far_apart_are_two_piles():
    grid = Grid.over(shapely.box(0, 0, 1_200, 1_200), cell_m=40.0, margin_m=400.0)
    rule = PileRule(eps_m=160.0, min_count=8, max_area_km2=0.25)
    surface = ChanceSurface(grid, np.full(grid.on_land.shape, 0.05), 300.0, np.ones(grid.on_land.shape))
    xy, weight = np.array([[300.0, 300.0], [900.0, 900.0]]), np.array([8.0, 9.0])
    counts = np.bincount(grid.cells_of(xy), weight, minlength=grid.on_land.size)
    found = GridFinder(surface, rule).find(xy, weight)
    assert sorted(found.count.tolist()) == [8.0, 9.0]
    assert sorted(cells.tolist() for cells in found.cells) == plain_piles(counts, grid.on_land.shape, rule, 40.0)


def test_nothing_piles_up_in_an_empty_draw():
    grid = grid_over()
    surface = ChanceSurface(grid, np.ones(grid.on_land.shape), 300.0, np.ones(grid.on_land.shape))
    found = GridFinder(surface, PileRule(600.0, 5, 0.5)).find(np.empty((0, 2)), np.empty(0))
    assert (len(found.count), len(found.expected), found.cells) == (0, 0, [])


def test_of_piles_that_share_ground_the_most_unusual_is_reported():
    grounds = [np.array([1, 2, 3]), np.array([3, 4]), np.array([7]), np.array([4, 8])]
    assert most_unusual(np.array([2.0, 5.0, 1.0, 3.0]), grounds) == [1, 2]


def test_p_counts_the_redraws_with_any_pile_as_unusual():
    chance = Chance(largest=np.array([1.0, 4.0, 0.0]), every=np.array([1.0, 4.0, 2.0, 0.5]))
    assert chance.p_value(np.array([0.9, 2.0, 9.0])).tolist() == [3 / 4, 2 / 4, 1 / 4]
    assert chance.piles_a_draw(np.array([0.9, 2.0, 9.0])).tolist() == [1.0, 2 / 3, 0.0]


def test_redraws_of_one_surface_reach_the_level_they_state():
    """The largest pile of one more redraw is among the upper tenth of others a tenth of the time."""
    rng = np.random.default_rng(10)
    xy, grid = even(120, rng), grid_over(cell_m=200 / 6)
    surface = ChanceSurface.around(xy, np.ones(120), grid, opportunity=[], bandwidth_m=600, detail_m=50)
    finder = GridFinder(surface, PileRule(200.0, 4, 0.5))
    alarms = 0
    for _ in range(60):
        draws = by_chance(finder, simulations=20, rng=rng, progress=lambda share: None)
        alarms += Chance(draws.largest[1:], draws.every).p_value(draws.largest[:1])[0] <= 0.10
    assert stats.binom.sf(alarms - 1, 60, 0.10) > 0.01
    assert alarms > 0
