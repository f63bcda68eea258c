"""Emerging hot spots: trends with known answers, each of the 17 patterns, planted changes, and quiet towns."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.compare import rate_ratio
from analysis.emerging import PATTERNS, counts_by_slice, emerging, emerging_cells, mann_kendall, patterns, two_windows
from analysis.gi_star import GridNeighbourhood, ListedNeighbourhood, gi_star
from gis_data.errors import CrsError, SchemaError

CRS = "EPSG:4549"
WEST, SOUTH, SIDE = 487_000.0, 4_060_000.0, 250.0
EDGES = pd.date_range("2023-01-01", periods=13, freq="MS", tz="Asia/Shanghai")


def near_on(rows, cols):
    return GridNeighbourhood.of(*(x.ravel() for x in np.indices((rows, cols))))


def series(*values):
    found = mann_kendall(np.array(values, dtype=float)[:, None])
    return found.s[0], found.variance[0], found.z[0]


# --- trend ---


def test_mann_kendall_known_answers():
    assert series(1, 3, 2, 5, 4) == pytest.approx((6, 16.6667, 1.22474), abs=5e-5)
    twelve = series(10, 12, 11, 15, 14, 18, 17, 20, 22, 21, 25, 24)
    assert twelve == pytest.approx((56, 212.667, 3.77149), abs=5e-4)
    assert series(*[0] * 10) == (0, 0, 0)


@pytest.mark.parametrize(("values", "wanted"), [
    ([1, 3, 2, 5, 4], (6, 16.666666666666668, 1.224744871391589, 0.22067136191984682)),
    ([0, 0, 1, 0, 2, 1, 1, 3, 0, 2, 4, 3], (35, 198.33333333333334, 2.4142434484888695, 0.015767922944396107)),
    ([7, 7, 5, 5, 5, 3, 6, 2, 2, 1, 0, 0], (-52, 206, -3.55333837288725, 0.0003803748560675668)),
    ([3, 3, 3, 3, 1, 3, 3, 3, 3, 3], (1, 33, 0, 1)),
])  # fmt: skip
def test_mann_kendall_is_what_pymannkendall_printed(values, wanted):
    """pymannkendall 1.4.3, original_test: s, var_s, z, p; three of the series have ties."""
    assert series(*values) == pytest.approx(wanted[:3], rel=1e-12)
    assert mann_kendall(np.array(values, dtype=float)[:, None]).p_value[0] == pytest.approx(wanted[3], rel=1e-9)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 4), min_size=3, max_size=14))
def test_ties_are_counted_as_in_kendall_s_tau(values):
    found = mann_kendall(np.array(values, dtype=float)[:, None])
    n = len(values)
    assert found.s[0] == sum(np.sign(values[j] - values[i]) for i in range(n) for j in range(i + 1, n))
    if found.s[0] != 0:
        plain = stats.kendalltau(np.arange(n), values, method="asymptotic").pvalue
        assert abs(found.s[0]) / np.sqrt(found.variance[0]) == pytest.approx(stats.norm.isf(plain / 2))
    groups = np.unique(values, return_counts=True)[1]
    tied = (groups * (groups - 1) * (2 * groups + 5)).sum()
    assert found.variance[0] == pytest.approx((n * (n - 1) * (2 * n + 5) - tied) / 18)


def test_direction_needs_a_trend_beyond_chance():
    columns = np.column_stack([np.arange(10), -np.arange(10), [1, 0] * 5])
    assert mann_kendall(columns).direction(alpha=0.05).tolist() == [1, -1, 0]
    assert mann_kendall(columns[:3]).direction(alpha=0.05).tolist() == [0, 0, 0]


# --- the 17 patterns ---

NEVER = "..........", 0
DEFINED = {
    "none": [NEVER, ("h.........", 0), ("hhhhhhhh..", 1), ("c...h.....", 0), (".cc.hhhh..", 0)],
    "new_hot": [(".........h", 0), ("..c......h", 0), (".........h", 1)],
    "consecutive_hot": [("........hh", 0), ("..hhhhhhhh", 0), ("..c....hhh", 1)],
    "intensifying_hot": [("hhhhhhhhhh", 1), ("h.hhhhhhhh", 1), (".hhhhhhhhh", 1)],
    "persistent_hot": [("hhhhhhhhhh", 0), (".hhhhhhhhh", 0), ("hhhhh.hhhh", 0), ("chhhhhhhhh", 0)],
    "diminishing_hot": [("hhhhhhhhhh", -1), ("hhh.hhhhhh", -1)],
    "sporadic_hot": [("h.h......h", 0), ("h.......hh", 0), (".hhhh.hhhh", 1)],
    "oscillating_hot": [("h.c......h", 0), ("c.h....c.h", 1)],
    "historical_hot": [("hhhhhhhhh.", 0), ("hhhhhhhhhc", 1)],
}


def flags(marks):
    letters = np.array(list(marks))
    return (letters == "h")[:, None], (letters == "c")[:, None]


@pytest.mark.parametrize(("name", "marks", "trend"), [(n, *case) for n, cases in DEFINED.items() for case in cases])
def test_each_pattern_is_named_and_its_cold_twin_too(name, marks, trend):
    hot, cold = flags(marks)
    assert patterns(hot, cold, np.array([trend])).tolist() == [name]
    if marks != "hhhhhhhhhc":  # its twin ends with a first hot slice, and what is hot now is named first
        assert patterns(cold, hot, np.array([-trend])).tolist() == [name.replace("_hot", "_cold")]


def test_nine_of_ten_is_the_border_of_nearly_always():
    for slices, least in ((10, 9), (12, 11), (20, 18), (24, 22)):
        for number, name in ((least, "persistent_hot"), (least - 1, "sporadic_hot")):
            hot = np.zeros((slices, 1), dtype=bool)
            hot[: number - 1], hot[-1] = True, True
            assert patterns(hot, np.zeros_like(hot), np.zeros(1, dtype=int)).tolist() == [name]


@given(st.integers(0, 10_000))
def test_every_cell_has_exactly_one_of_the_seventeen(seed):
    rng = np.random.default_rng(seed)
    state = rng.choice(["h", "c", "."], (10, 40), p=rng.dirichlet([1, 1, 1]))
    found = patterns(state == "h", state == "c", rng.integers(-1, 2, 40))
    assert len(set(PATTERNS)) == 17
    assert set(found.tolist()) <= set(PATTERNS)
    quiet = ~((state[-1] != ".") | ((state == "h").sum(axis=0) >= 9) | ((state == "c").sum(axis=0) >= 9))
    assert np.array_equal(found == "none", quiet)


# --- from counts to patterns ---


def test_planted_places_get_their_names():
    """A 20 by 20 town of 12 slices; a blob of 3 by 3 cells for each planted history."""
    rng = np.random.default_rng(17)
    counts = rng.poisson(0.2, (12, 20, 20))
    counts[:, 2:5, 2:5] += 4
    counts[-1, 10:13, 2:5] += 4
    counts[-4:, 2:5, 10:13] += 4
    counts[:-1, 10:13, 10:13] += 4
    found = emerging(counts.reshape(12, 400), near_on(20, 20)).pattern.reshape(20, 20)
    assert (found[11, 3], found[3, 11], found[11, 11]) == ("new_hot", "consecutive_hot", "historical_hot")
    assert found[3, 3] in ("persistent_hot", "diminishing_hot"), "new blobs beside it make it less of an exception"


def test_places_that_grow_and_shrink_against_the_town_get_their_names():
    rng = np.random.default_rng(18)
    for step, name in ((1, "intensifying_hot"), (-1, "diminishing_hot")):
        counts = rng.poisson(2.0, (12, 20, 20))
        counts[:, 8:11, 8:11] += np.arange(6, 18)[::step, None, None]
        found = emerging(counts.reshape(12, 400), near_on(20, 20)).pattern.reshape(20, 20)
        assert found[9, 9] == name


def test_a_slice_is_judged_as_by_gi_star_alone():
    rng = np.random.default_rng(3)
    counts = rng.poisson(rng.gamma(0.5, 1.0, (10, 48)))
    near = near_on(6, 8)
    found = emerging(counts, near, alpha=0.3)
    alone = [gi_star(values, near) for values in counts]
    assert np.array_equal(found.z, [one.z for one in alone])
    pooled = stats.false_discovery_control(np.ravel([one.p_hot for one in alone])) <= 0.3
    assert np.array_equal(found.hot.ravel(), pooled)


def test_the_cube_is_gi_star_over_space_time_neighbours():
    """The same by an explicit matrix of neighbours: the queen's in the slice and in the one before."""
    rng = np.random.default_rng(4)
    counts = rng.poisson(rng.gamma(0.5, 1.0, (10, 30)))
    row, col = (x.ravel() for x in np.indices((5, 6)))
    queen = np.maximum(abs(row[:, None] - row), abs(col[:, None] - col)) <= 1
    here_or_before = np.eye(10) + np.eye(10, k=-1)
    known = gi_star(counts.ravel(), ListedNeighbourhood.of(np.kron(here_or_before, queen)))
    found = emerging(counts, near_on(5, 6), window="cube", alpha=0.3)
    assert found.z.ravel() == pytest.approx(known.z)
    assert np.array_equal(found.hot.ravel(), known.q_hot <= 0.3)
    assert np.array_equal(found.cold.ravel(), known.q_cold <= 0.3)


def test_the_trend_in_the_cube_shares_no_counts_between_slices():
    """At 5 % about 4 of 100 steady cells; scores that each hold the slice before would call 14."""
    rng = np.random.default_rng(5)
    shares = [
        (emerging(rng.poisson(0.5, (12, 100)), near_on(10, 10), window="cube").trend.p_value <= 0.05).mean()
        for _ in range(60)
    ]
    assert np.mean(shares) < 0.06


def test_a_town_wide_rise_shows_in_the_cube_only():
    rng = np.random.default_rng(6)
    counts = rng.poisson(np.linspace(0.3, 4, 12)[:, None], (12, 100))
    near = near_on(10, 10)
    assert (emerging(counts, near).pattern == "none").all()
    assert (emerging(counts, near, window="cube").pattern != "none").mean() > 0.7


def test_fewer_than_ten_slices_are_refused():
    with pytest.raises(SchemaError, match="9 < 10"):
        emerging(np.zeros((9, 4), dtype=int), near_on(2, 2))


# --- two windows ---


def test_two_windows_count_the_neighbourhood_and_compare_exactly():
    rng = np.random.default_rng(8)
    counts = rng.poisson(1.0, (12, 30))
    row, col = (x.ravel() for x in np.indices((5, 6)))
    queen = np.maximum(abs(row[:, None] - row), abs(col[:, None] - col)) <= 1
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31.0])
    found = two_windows(counts, near_on(5, 6), recent=3, exposure=days)
    assert np.array_equal(found.recent, queen @ counts[9:].sum(axis=0))
    assert np.array_equal(found.recent + found.earlier, queen @ counts.sum(axis=0))
    known = rate_ratio(found.recent, 92, found.earlier, 273)
    for part in ("ratio", "low", "high", "p_value"):
        assert np.array_equal(getattr(found.ratio, part), getattr(known, part))
    by_hand = stats.binomtest(int(found.recent[7]), int(found.recent[7] + found.earlier[7]), 92 / 365, "greater")
    other = stats.binomtest(int(found.recent[7]), int(found.recent[7] + found.earlier[7]), 92 / 365, "less")
    assert found.ratio.p_value[7] == pytest.approx(min(1, 2 * min(by_hand.pvalue, other.pvalue)))


def test_the_town_s_total_as_exposure_asks_for_a_change_of_share():
    counts = np.vstack([np.full((6, 9), 2), np.full((6, 9), 6)])
    near = GridNeighbourhood.of(np.zeros(9, dtype=int), np.arange(9) * 5)
    assert (two_windows(counts, near, recent=6).ratio.words(alpha=0.1) == "up").all()
    of_town = two_windows(counts, near, recent=6, exposure=counts.sum(axis=1)).ratio
    assert of_town.ratio == pytest.approx(np.ones(9))
    assert (of_town.words(alpha=0.1) == "none").all()


def test_in_null_towns_patterns_and_changes_stay_at_their_level():
    """60 towns of steady busy and quiet cells, dealt out at random: above 12 alarms at 10 % a chance below 1 %."""
    rng = np.random.default_rng(21)
    near = near_on(12, 12)
    hot_towns = changed_towns = 0
    for _ in range(60):
        counts = rng.poisson(0.3, (12, 144))
        hot_towns += bool(emerging(counts, near).hot.any())
        steady = rng.poisson(rng.gamma(0.5, 0.6, 144), (12, 144))
        changed_towns += bool((two_windows(steady, near, recent=3).ratio.words(alpha=0.10) != "none").any())
    assert stats.binom.sf(hot_towns - 1, 60, 0.10) > 0.01, f"{hot_towns} of 60 towns"
    assert stats.binom.sf(changed_towns - 1, 60, 0.10) > 0.01, f"{changed_towns} of 60 towns"


# --- tables ---


def town(*, crs=CRS, single=False):
    """Return cells, and incidents at a cell in every month and at another in the last only."""
    row, col = (x.ravel() for x in np.indices((8, 9)))
    x, y = WEST + (col + 0.5) * SIDE, SOUTH + (row + 0.5) * SIDE
    squares = shapely.box(x - SIDE / 2, y - SIDE / 2, x + SIDE / 2, y + SIDE / 2)
    cells = gpd.GeoDataFrame({"cell_id": np.arange(72) + 5, "row": row, "col": col}, geometry=squares, crs=CRS)
    places, months, numbers = [], [], []
    for cell, active, number in ((20, range(12), 3), (50, [11], 9), (51, [11], 6), (60, [0, 4], 1)):
        for month in active:
            places.append(cell)
            months.append(month)
            numbers.append(number)
    times = 1 if not single else np.array(numbers)
    cell, month = np.repeat(places, times), np.repeat(months, times)
    when = pd.Series(EDGES[month] + pd.Timedelta(days=3))
    began = when.where(np.arange(len(when)) % 2 == 0, pd.NaT)
    frame = {"reported_at": when, "occurred_from": began, "count": 1 if single else np.array(numbers)}
    return cells, gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(x[cell], y[cell]), crs=crs)


def test_incidents_stand_in_their_slice_and_none_is_lost():
    cells, incidents = town()
    counts = counts_by_slice(incidents, cells, EDGES)
    assert counts.shape == (12, 72)
    assert counts.sum() == incidents["count"].sum() == 12 * 3 + 9 + 6 + 2
    assert counts[:, 20].tolist() == [3] * 12
    assert counts[11, [50, 51]].tolist() == [9, 6]
    on_the_border = incidents.iloc[[0]].assign(occurred_from=EDGES[5])
    assert np.argwhere(counts_by_slice(on_the_border, cells, EDGES)).tolist() == [[5, 20]]
    outside = incidents.iloc[[0, 0]].assign(occurred_from=[EDGES[12], EDGES[0] - pd.Timedelta(seconds=1)])
    assert counts_by_slice(outside, cells, EDGES).sum() == 0


def test_the_table_names_patterns_and_shows_both_windows():
    cells, incidents = town()
    found = emerging_cells(incidents, cells, EDGES, recent=1)
    assert set(found["pattern"]) <= set(PATTERNS)
    grown = found.iloc[50]
    assert (grown["around_recent"], grown["around_earlier"], grown["change"]) == (15, 2, "up")
    assert grown["ratio"] == pytest.approx(15 / 31 / (2 / 334))
    assert grown["ratio_low"] < grown["ratio"] < grown["ratio_high"]
    assert found["count"].sum() == incidents["count"].sum()


def test_splitting_permuting_and_rotating_change_nothing():
    cells, merged = town()
    _, single = town(single=True)
    found = emerging_cells(merged, cells, EDGES, recent=2, window="cube")
    again = emerging_cells(single.sample(frac=1.0, random_state=3), cells, EDGES, recent=2, window="cube")
    pd.testing.assert_frame_equal(found, again)
    turned = cells.assign(row=cells["col"], col=7 - cells["row"]).sample(frac=1.0, random_state=4)
    other = emerging_cells(merged, turned, EDGES, recent=2, window="cube").sort_index()
    pd.testing.assert_frame_equal(found.drop(columns=["row", "col"]), other.drop(columns=["row", "col"]))


def test_another_crs_is_an_error_that_names_both():
    cells, incidents = town()
    with pytest.raises(CrsError, match=r"EPSG:4326.*EPSG:4549"):
        emerging_cells(incidents.to_crs("EPSG:4326"), cells, EDGES, recent=1)
