"""Gi*: known answers, every set of neighbours counted out, a million deals, esda's z, and towns without hot spots."""

import itertools
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist

from analysis.compare import false_discovery
from analysis.counting import count_per_cell
from analysis.gi_star import (
    GridNeighbourhood,
    ListedNeighbourhood,
    gi_star,
    gi_star_cells,
    gi_star_weighted,
    gi_star_z,
    judged,
)
from gis_data.errors import CrsError, SchemaError

CRS = "EPSG:4549"
WEST, SOUTH, SIDE = 487_000.0, 4_060_000.0, 200.0
BY_HAND = np.zeros((5, 5), dtype=int)
BY_HAND[1:4, 1:4] = 1
BY_HAND[2, 2] = 5


def grid(counts, *, land=None, reach=1):
    """Return the counts on land, flat, and who is near whom."""
    row, col = np.nonzero(np.ones(counts.shape, dtype=bool) if land is None else land)
    return counts[row, col], GridNeighbourhood.of(row, col, reach=reach)


def judge(counts, **options):
    return gi_star(*grid(counts), **options)


def some_land(rng, shape):
    land = rng.random(shape) < 0.8
    land[0, 0] = True
    return land


def town(counts, *, crs=CRS, single=False):
    """Return cells and incidents, one row for each cell with a count or one for each incident, and three far off."""
    row, col = (x.ravel() for x in np.indices(counts.shape))
    x, y = WEST + (col + 0.5) * SIDE, SOUTH + (row + 0.5) * SIDE
    squares = shapely.box(x - SIDE / 2, y - SIDE / 2, x + SIDE / 2, y + SIDE / 2)
    table = {"cell_id": np.arange(len(row)), "row": row, "col": col, "x": x, "y": y, "area_m2": SIDE**2}
    cells = gpd.GeoDataFrame(table, geometry=squares, crs=CRS)
    cell = np.repeat(np.arange(len(row)), counts.ravel()) if single else np.flatnonzero(counts.ravel())
    number = np.ones(len(cell), dtype=int) if single else counts.ravel()[cell]
    points = gpd.points_from_xy(np.r_[x[cell] + 30, WEST - 5_000], np.r_[y[cell] - 70, SOUTH])
    return cells, gpd.GeoDataFrame({"count": np.r_[number, 3]}, geometry=points, crs=crs)


def tails_by_counting_out(counts, near_matrix):
    """Return both chances of each cell by looking at every set of k other cells."""
    hot, cold = [], []
    for i, row in enumerate(near_matrix):
        others = np.delete(counts, i)
        neighbours = np.flatnonzero(np.delete(row, i))
        seen = others[neighbours].sum()
        sums = np.array([sum(chosen) for chosen in itertools.combinations(others.tolist(), len(neighbours))])
        hot.append((sums >= seen - 1e-9).mean())
        cold.append((sums <= seen + 1e-9).mean())
    return np.array(hot), np.array(cold)


def dense_queen(row, col):
    return (np.maximum(abs(row[:, None] - row), abs(col[:, None] - col)) <= 1).astype(float)


# --- known answers ---


def test_z_of_the_example_in_esda_s_docstring():
    xy = np.array([(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)], dtype=float)
    y = np.array([2, 3, 3.2, 5, 8, 7])
    near = ListedNeighbourhood.of(cdist(xy, xy) <= 15)
    z = gi_star_z(y, near.sums(y), near.number)
    published = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331]
    assert z == pytest.approx(published, abs=5e-9)


def test_five_by_five_by_hand():
    found = judge(BY_HAND)
    z = found.z.reshape(5, 5)
    assert BY_HAND.std() == pytest.approx(1.02450, abs=5e-6)
    assert (found.around[12], found.number[12], found.around[0], found.number[0]) == (13, 9, 1, 4)
    assert z[2] == pytest.approx([-0.0537, 2.1199, 3.3154, 2.1199, -0.0537], abs=5e-5)
    assert z[1] == pytest.approx([-0.5016, 1.3230, 2.1199, 1.3230, -0.5016], abs=5e-5)
    assert z[0] == pytest.approx([-0.5635, -0.5016, -0.0537, -0.5016, -0.5635], abs=5e-5)
    assert found.p_hot[12] == pytest.approx(1 / math.comb(24, 8), rel=1e-12)
    assert found.p_hot[0] == pytest.approx(1 - math.comb(15, 3) / math.comb(24, 3), rel=1e-12)
    few = math.comb(15, 3) + 8 * math.comb(15, 2)
    assert found.p_cold[0] == pytest.approx(few / math.comb(24, 3), rel=1e-12)
    assert found.p_hot[0] == pytest.approx(0.775198, abs=5e-7)
    assert found.p_cold[0] == pytest.approx(0.639822, abs=5e-7)


def test_an_empty_cell_among_empty_cells_is_not_cold():
    counts = np.zeros((9, 9), dtype=int)
    counts[4, 4] = 1
    found = judge(counts)
    far = found.around == 0
    assert far.sum() == 72
    assert (found.p_cold[far] > 0.6).all()
    assert (found.p_hot[far] == 1).all()
    assert (found.verdict(alpha=0.99) != "cold").all()


def test_benjamini_hochberg_and_yekutieli_on_the_published_p_values():
    low = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p = np.array([*low, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0])
    anything = np.arange(15.0)
    rejected = {}
    for dependence in ("positive", "any"):
        found = judged(anything, anything, np.ones(15, dtype=int), p, p[::-1], dependence=dependence)
        rejected[dependence] = int((found.q_hot <= 0.05).sum())
        assert found.q_cold[::-1] == pytest.approx(found.q_hot)
        method = {"positive": "bh", "any": "by"}[dependence]
        assert found.q_hot == pytest.approx(stats.false_discovery_control(p, method=method))
    assert rejected == {"positive": 4, "any": 3}
    assert (p <= 0.05 / 15).sum() == 3, "Bonferroni"


# --- z by other means ---


def dense_z(values, near):
    n, w, s1 = len(values), near.sum(axis=1), (near**2).sum(axis=1)
    return (near @ values - values.mean() * w) / (values.std() * np.sqrt((n * s1 - w**2) / (n - 1)))


@pytest.mark.parametrize("reach", [1, 2])
def test_z_is_that_of_the_dense_formula(reach):
    rng = np.random.default_rng(7)
    counts, land = rng.poisson(rng.gamma(0.5, 1.5, (14, 11))), some_land(rng, (14, 11))
    row, col = np.nonzero(land)
    near = (np.maximum(abs(row[:, None] - row), abs(col[:, None] - col)) <= reach).astype(float)
    values, on_grid = grid(counts, land=land, reach=reach)
    found = gi_star(values, on_grid)
    assert np.abs(found.z - dense_z(values, near)).max() < 1e-10
    listed = gi_star(values, ListedNeighbourhood.of(near))
    for name in ("around", "number", "z", "p_hot", "p_cold", "q_hot", "q_cold"):
        assert np.array_equal(getattr(found, name), getattr(listed, name)), name


# esda 2.9.0 (libpysal 4.14.1): G_Local(counts, queen with the cell itself, transform="B", star=True).Zs
ESDA_COUNTS = ["00010020", "00122000", "01041300", "00230500", "20011000", "00000007", "03000010", "00100000"]
ESDA_Z = """
    -1.022279072178 -0.957544028031 -0.009871587918  0.621910038824  0.306019225453 -0.009871587918 -0.641653214660 -0.261513251022
    -0.957544028031 -1.071874178044  0.782178454248  1.311907777760  1.841637101272  0.517313792492 -0.277280192776 -0.641653214660
    -0.957544028031 -0.542144854532  1.841637101272  2.371366424784  3.695689733564  1.311907777760  0.517313792492 -1.273434841402
    -0.325762401289 -0.277280192776  1.311907777760  1.576772439516  3.165960410052  1.047043116004  0.517313792492 -1.273434841402
    -0.641653214660 -0.542144854532 -0.012415531020  0.252449130736  1.047043116004 -0.012415531020  1.576772439516  0.937800852195
     0.306019225453 -0.277280192776 -0.542144854532 -1.071874178044 -1.071874178044 -1.071874178044  0.517313792492  1.253691665566
    -0.325762401289 -0.542144854532 -0.542144854532 -1.336738839800 -1.601603501556 -1.336738839800  0.517313792492  1.253691665566
     0.118869659556 -0.009871587918 -0.009871587918 -0.957544028031 -1.273434841402 -0.957544028031 -0.957544028031 -0.641896161600
"""  # noqa: E501


def test_z_is_what_esda_printed():
    counts = np.array([[int(digit) for digit in row] for row in ESDA_COUNTS])
    z = np.array(ESDA_Z.split(), dtype=float)
    assert np.abs(judge(counts).z - z).max() < 1e-10


# --- exact chances by other means ---


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(3, 4), (2, 6), (1, 8), (4, 3)]))
def test_exact_chances_are_those_of_every_set_counted_out(seed, shape):
    rng = np.random.default_rng(seed)
    counts, land = rng.poisson(rng.gamma(0.6, 2.0, shape)), some_land(rng, shape)
    values, near = grid(counts, land=land)
    hot, cold = tails_by_counting_out(values, dense_queen(*np.nonzero(land)))
    found = gi_star(values, near)
    assert found.p_hot == pytest.approx(hot, rel=1e-12)
    assert found.p_cold == pytest.approx(cold, rel=1e-12)


def test_mid_p_takes_half_of_the_ties_from_both_tails():
    counts = np.random.default_rng(5).poisson(0.7, (6, 6))
    plain, middle = judge(counts), judge(counts, mid_p=True)
    tie = plain.p_hot + plain.p_cold - 1
    assert middle.p_hot == pytest.approx(plain.p_hot - tie / 2, abs=1e-14)
    assert middle.p_cold == pytest.approx(plain.p_cold - tie / 2, abs=1e-14)
    assert middle.p_hot + middle.p_cold == pytest.approx(np.ones(36))


def test_exact_chances_are_those_of_a_million_permutations():
    rng = np.random.default_rng(2024)
    counts = rng.poisson(rng.gamma(0.5, 1.0, (20, 20)))
    values, near = grid(counts)
    found = gi_star(values, near)
    for own in (0, 2):
        pool = np.repeat(np.arange(counts.max() + 1), np.bincount(values)).astype(np.int16)
        pool = np.delete(pool, np.flatnonzero(pool == own)[0])
        sums = np.vstack([first_of_permutations(pool, 8, 50_000, rng) for _ in range(20)])
        for k in (3, 5, 8):
            mine = (values == own) & (near.number == k + 1)
            seen = found.around[mine] - own
            drawn = np.sort(sums[:, k - 1])
            hot = 1 - np.searchsorted(drawn, seen, side="left") / 1e6
            cold = np.searchsorted(drawn, seen, side="right") / 1e6
            for exact, million in ((found.p_hot[mine], hot), (found.p_cold[mine], cold)):
                error = np.sqrt(exact * (1 - exact) / 1e6)
                assert (np.abs(exact - million) <= 4.5 * error + 1e-6).all()


def first_of_permutations(pool, k, size, rng):
    """Return the running sums of the first k places of ``size`` permutations (Fisher-Yates, stopped after k)."""
    deck = np.tile(pool, (size, 1))
    every = np.arange(size)
    for place in range(k):
        other = rng.integers(place, len(pool), size)
        deck[every, place], deck[every, other] = deck[every, other], deck[every, place].copy()
    return deck[:, :k].astype(int).cumsum(axis=1)


def test_small_chances_keep_their_digits_on_a_large_grid():
    """A full neighbourhood of tens among 40,000 cells: the chance is that of choosing just these eight."""
    counts = np.zeros((200, 200), dtype=int)
    counts[50:53, 50:53] = 10
    found = judge(counts)
    assert found.p_hot[51 * 200 + 51] == pytest.approx(1 / math.comb(39_999, 8), rel=1e-11)


def test_a_wide_neighbourhood_neither_overflows_nor_vanishes():
    rng = np.random.default_rng(8)
    counts = rng.poisson(1.0, (40, 40))
    values, near = grid(counts, reach=5)
    found = gi_star(values, near)
    middle = 20 * 40 + 20
    draws = rng.multivariate_hypergeometric(np.bincount(np.delete(values, middle)), 120, size=200_000)
    sums = draws @ np.arange(draws.shape[1])
    seen = found.around[middle] - values[middle]
    assert found.p_hot[middle] == pytest.approx((sums >= seen).mean(), abs=0.005)


# --- weights ---


def test_shared_deals_agree_with_every_set_counted_out_for_weights():
    rng = np.random.default_rng(12)
    weights = np.where(rng.random((3, 4)) < 0.4, 0.0, rng.integers(1, 7, (3, 4)) / 6)
    values, near = grid(weights)
    hot, cold = tails_by_counting_out(values, dense_queen(*np.nonzero(np.ones((3, 4)))))
    found = gi_star_weighted(values, near, draws=100_000, rng=rng)
    assert found.p_hot == pytest.approx(hot, abs=0.01)
    assert found.p_cold == pytest.approx(cold, abs=0.01)


def test_shared_deals_agree_with_the_exact_law_for_whole_counts():
    rng = np.random.default_rng(6)
    counts = rng.poisson(rng.gamma(0.5, 1.0, (25, 25)))
    exact = judge(counts)
    values, near = grid(counts.astype(float))
    found = gi_star_weighted(values, near, draws=40_000, rng=rng)
    for drawn, known in ((found.p_hot, exact.p_hot), (found.p_cold, exact.p_cold)):
        error = np.sqrt(known * (1 - known) / 40_000)
        # Far out in a tail one deal more exceeds its standard error: a few deals are always allowed.
        assert (np.abs(drawn - known) <= 4.5 * error + 2e-4).all()
    assert found.z == pytest.approx(exact.z)


def test_weights_that_differ_by_rounding_are_ties():
    thirds = np.array([[0.1, 0.2, 0.3], [0.3, 0.0, 0.0], [0.0, 0.0, 0.0]])
    values, near = grid(thirds)
    found = gi_star_weighted(values, near, draws=20_000, rng=np.random.default_rng(1))
    exact, _ = grid((thirds * 10).round().astype(int))
    known = gi_star(exact, near)
    assert found.p_hot == pytest.approx(known.p_hot, abs=0.02)
    assert found.p_cold == pytest.approx(known.p_cold, abs=0.02)


def test_the_same_seed_gives_the_same_answer_and_the_mid_p_lies_between():
    values, near = grid(np.random.default_rng(4).random((8, 8)))
    first, again = (gi_star_weighted(values, near, draws=500, rng=np.random.default_rng(9)) for _ in range(2))
    middle = gi_star_weighted(values, near, draws=500, rng=np.random.default_rng(9), mid_p=True)
    assert np.array_equal(first.p_hot, again.p_hot)
    assert (middle.p_hot < first.p_hot).all()
    assert middle.p_hot + middle.p_cold == pytest.approx(np.ones(64))


# --- properties ---


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_shifting_rotating_and_permuting_change_nothing(seed):
    rng = np.random.default_rng(seed)
    counts, land = rng.poisson(0.8, (7, 9)), some_land(rng, (7, 9))
    row, col = np.nonzero(land)
    values = counts[row, col]
    found = gi_star(values, GridNeighbourhood.of(row, col))
    order = rng.permutation(len(values))
    others = {
        "shifted": (np.arange(len(values)), row + 31, col - 17),
        "rotated": (np.arange(len(values)), col, 6 - row),
        "permuted": (order, row[order], col[order]),
    }
    for name, (chosen, rows, cols) in others.items():
        other = gi_star(values[chosen], GridNeighbourhood.of(rows, cols))
        for part in ("around", "number", "p_hot", "p_cold", "q_hot", "q_cold"):
            assert np.array_equal(getattr(found, part)[chosen], getattr(other, part)), (name, part)
        assert found.z[chosen] == pytest.approx(other.z, abs=1e-12), name


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_splitting_a_count_into_rows_changes_nothing_and_no_incident_is_lost(seed):
    counts = np.random.default_rng(seed).poisson(0.8, (5, 6))
    cells, merged = town(counts)
    _, single = town(counts, single=True)
    found = gi_star_cells(merged, cells)
    pd.testing.assert_frame_equal(found, gi_star_cells(single.sample(frac=1.0, random_state=seed), cells))
    assert np.array_equal(found["count"].to_numpy().reshape(5, 6), counts)
    per_cell, elsewhere = count_per_cell(single, cells)
    assert elsewhere == 3
    assert per_cell.sum() + elsewhere == single["count"].sum() == merged["count"].sum()


def test_cells_may_come_in_any_order_and_with_gaps_in_their_ids():
    cells, incidents = town(BY_HAND)
    some = cells[cells["row"] > 0].sample(frac=1.0, random_state=1)
    found = gi_star_cells(incidents, some)
    centre = found[(found["row"] == 2) & (found["col"] == 2)].iloc[0]
    assert (centre["count"], centre["around_count"], centre["around_cells"]) == (5, 13, 9)
    assert centre["p_hot"] == pytest.approx(1 / math.comb(19, 8))


def test_the_planted_spot_of_a_table_is_marked_hot():
    counts = np.random.default_rng(2).poisson(0.3, (20, 20))
    counts[9:12, 4:7] += 3
    cells, incidents = town(counts)
    found = gi_star_cells(incidents, cells).set_index(["row", "col"])
    assert found.loc[(10, 5), "verdict"] == "hot"
    assert (found["verdict"] == "hot").sum() <= 25, "the spot and the cells whose neighbourhoods reach into it"


def test_another_crs_is_an_error_that_names_both():
    cells, incidents = town(BY_HAND)
    with pytest.raises(CrsError, match=r"EPSG:4326.*EPSG:4549"):
        gi_star_cells(incidents.to_crs("EPSG:4326"), cells)
    with pytest.raises(CrsError, match=r"\?.*EPSG:4549"):
        gi_star_cells(incidents.set_crs(None, allow_override=True), cells)


@pytest.mark.parametrize(("counts", "found"), [([1.0, 0.5], r"0\.5"), ([2, -1], "-1")])
def test_what_is_no_count_is_refused(counts, found):
    with pytest.raises(SchemaError, match=found):
        gi_star(counts, GridNeighbourhood.of([0, 0], [0, 1]))


def test_a_lone_cell_an_even_town_and_an_empty_town_say_nothing():
    for counts in (np.array([[4]]), np.full((3, 3), 2), np.zeros((4, 4), dtype=int)):
        values, near = grid(counts)
        rng = np.random.default_rng(1)
        for found in (gi_star(values, near), gi_star_weighted(values, near, draws=99, rng=rng)):
            assert (found.z == 0).all()
            assert (found.p_hot == 1).all()
            assert (found.p_cold == 1).all()
            assert (found.verdict() == "none").all()


# --- towns without hot spots ---


def test_in_null_towns_chances_and_discoveries_stay_at_their_level():
    """150 towns dealt out at random, busy places included. At 10 % more than 24 alarms have a chance below 1 %."""
    rng = np.random.default_rng(99)
    land = some_land(np.random.default_rng(1), (15, 15))
    row, col = np.nonzero(land)
    near = GridNeighbourhood.of(row, col)
    alarms, low = 0, []
    for _ in range(150):
        found = gi_star(rng.poisson(rng.gamma(0.5, 0.8, len(row))), near)
        low.append([(found.p_hot <= 0.05).mean(), (found.p_cold <= 0.05).mean()])
        alarms += bool((found.verdict(alpha=0.10) == "hot").any())
    assert stats.binom.sf(alarms - 1, 150, 0.10) > 0.01, f"{alarms} of 150 towns"
    assert (np.mean(low, axis=0) <= 0.052).all()
    assert false_discovery(np.array([0.2, 1.0]))[0] == pytest.approx(0.4)
