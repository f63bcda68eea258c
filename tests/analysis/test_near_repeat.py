"""Near repeats: published tables, a count pair by pair, all orders of a small case, and towns where nothing repeats."""

import itertools
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.near_repeat import active_windows, find_near_repeats, knox, near_bands, places_in_windows
from gis_data.errors import CrsError

CRS = "EPSG:4549"
WEST, SOUTH = 487_000.0, 4_060_000.0
FIRST = pd.Timestamp("2024-01-01", tz="Asia/Shanghai")


def rng(seed=1):
    return np.random.default_rng(seed)


def observed(found, across):
    return found.bands["observed"].to_numpy().reshape(-1, across).tolist()


def town(seed, *, n=300, repeats=0):
    """Return places and days of a town with busy places and a season, and ``repeats`` planted near repeats."""
    chance = rng(seed)
    centres = chance.uniform(0, 5_000, (8, 2))
    xy = centres[chance.integers(8, size=n)] + chance.normal(0, 300, (n, 2))
    day = np.minimum(chance.gamma(2, 60, n).astype(int), 364)
    source = chance.integers(n, size=repeats)
    again = xy[source] + chance.normal(0, 40, (repeats, 2))
    return np.vstack([xy, again]), np.r_[day, day[source] + chance.integers(0, 6, repeats)]


def incidents(xy, day, *, until=None, count=1):
    start = FIRST + pd.to_timedelta(np.asarray(day) * 24 + 10, unit="h")
    end = start if until is None else FIRST + pd.to_timedelta(np.asarray(until) * 24 + 10, unit="h")
    frame = pd.DataFrame({"reported_at": end, "occurred_from": start, "occurred_to": end, "count": count})
    points = np.add(xy, (WEST, SOUTH))
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(*points.T), crs=CRS)


# --- published answers ---


def test_the_table_of_knox_1964():
    """96 cases: 25 pairs within 1 km, 152 within 59 days, 5 both, where 0.8333 are expected: P(5 or more) = 0.00168."""
    # Any such graphs will do. Near: a chain of 26 points, the rest far apart. Soon: 16, 8, 3 and 2 cases on a day each.
    xy = np.c_[np.r_[np.arange(26) * 500.0, 1e5 + np.arange(70) * 5000.0], np.zeros(96)]
    day = np.arange(96) * 100 + 10_000
    day[[*range(6), *range(30, 40)]] = 0  # the first six of the chain: 5 pairs both near and soon
    day[40:48], day[48:51], day[51:53] = 1000, 2000, 3000
    found = knox(xy, day, rng=rng(), distances_m=[0, 1000, 1e6], days=[0, 59, 20_000], fewest_events=90)
    assert observed(found, 2) == [[5, 20], [147, 4388]]
    expected = found.bands["expected"].iloc[0]
    assert expected == pytest.approx(0.8333, abs=5e-5)
    assert stats.poisson.sf(4, expected) == pytest.approx(0.00168, abs=5e-6)
    assert found.bands["p_value"].iloc[0] < 0.02


def test_burkitt_has_13_pairs_as_pointpats_says(shared_data):
    file = shared_data / "benchmarks" / "knox_burkitt.csv"
    if not file.exists():
        pytest.skip("knox_burkitt.csv is not in ../shared/data/benchmarks")
    cases = pd.read_csv(file)
    # pointpats counts up to and with 20 units and 5 days; ours are right-open.
    found = knox(cases[["x", "y"]], cases["t"], rng=rng(), distances_m=[0, 20.000001], days=[0, 6], fewest_events=188)
    assert found.bands["observed"].item() == 13
    assert found.bands["expected"].item() == pytest.approx(3429 * 52 / math.comb(188, 2))


def test_burkitt_s_p_is_that_of_pointpats(shared_data):
    """pointpats 2.5.5 printed p_sim = 0.198 (np.random.seed(5), Knox(xy, t, 20, 5, permutations=999))."""
    file = shared_data / "benchmarks" / "knox_burkitt.csv"
    if not file.exists():
        pytest.skip("knox_burkitt.csv is not in ../shared/data/benchmarks")
    cases = pd.read_csv(file)
    found = knox(cases[["x", "y"]], cases["t"], rng=rng(), distances_m=[0, 20.000001], days=[0, 6], fewest_events=188)
    error = math.sqrt(2 * 0.198 * (1 - 0.198) / 1000)
    assert found.bands["p_value"].item() == pytest.approx(0.198, abs=4 * error)


def test_pairs_are_those_pointpats_counted():
    """pointpats 2.5.5: Knox(xy, day, delta, tau).statistic_ for delta 50, 100, 200, 400 m and tau 0, 3, 7, 20 days."""
    i = np.arange(60)
    xy, day = np.column_stack([(37 * i**2) % 1000, (11 * i**3 + 7 * i) % 1000]), (13 * i**2) % 60
    found = knox(xy, day, rng=rng(), distances_m=[0, 50.5, 100.5, 200.5, 400.5], days=[0, 1, 4, 8, 21])
    within = np.array(observed(found, 4)).cumsum(axis=0).cumsum(axis=1)
    assert within.tolist() == [[0, 1, 3, 9], [4, 7, 11, 33], [14, 25, 34, 104], [44, 83, 132, 376]]


@pytest.fixture(scope="module")
def arson(shared_data):
    file = shared_data / "benchmarks" / "nearrepeat_chicago_arson.csv"
    if not file.exists():
        pytest.skip("nearrepeat_chicago_arson.csv is not in ../shared/data/benchmarks")
    fires = pd.read_csv(file, header=None, names=["x", "y", "date"], parse_dates=["date"])
    day = (fires["date"] - fires["date"].min()).dt.days
    return knox(fires[["x", "y"]], day, rng=rng(), distances_m=[0, 1, 200, 400, 600, 60_000], days=[0, 1, 2, 3, 5000],
                metric="manhattan")  # fmt: skip


def test_chicago_arson_has_the_pairs_of_exact_arithmetic(arson):
    assert observed(arson, 4) == [
        [1, 2, 0, 8], [8, 1, 1, 45], [4, 0, 0, 141], [6, 0, 0, 233], [393, 710, 770, 133_658]
    ]  # fmt: skip
    assert arson.bands["observed"].sum() == math.comb(522, 2)


@pytest.mark.parametrize(
    ("from_m", "day", "pairs", "ratio"),
    # The program's «1-200 ft» are metres here; it moves one pair on an edge into the second band.
    [(0, 1, 2, 28.286), (1, 0, 9, 74.25), (1, 1, 1, 3.667), (1, 2, 1, 3.96), (200, 0, 4, 11.647), (400, 0, 6, 7.714)],
)
def test_chicago_arson_agrees_with_the_near_repeat_calculator_as_far_as_its_99_draws_do(
    arson, from_m, day, pairs, ratio
):
    """Its ratio is pairs over the mean of 99 random tables: their sum must be a likely one under our exact mean."""
    row = arson.bands[(arson.bands["from_m"] == from_m) & (arson.bands["from_day"] == day)].iloc[0]
    drawn = 99 * pairs / ratio
    assert drawn == pytest.approx(round(drawn), abs=0.02), "a whole number of pairs in 99 tables"
    likely = stats.poisson(99 * row["expected"])
    assert likely.ppf(0.001) <= round(drawn) <= likely.ppf(0.999)


def test_chicago_burglaries_equal_the_near_repeat_vignette(shared_data):
    file = shared_data / "benchmarks" / "chicago_be_month1.csv"
    if not file.exists():
        pytest.skip("chicago_be_month1.csv is not in ../shared/data/benchmarks")
    cases = pd.read_csv(file, header=None, names=["x", "y", "date"], parse_dates=["date"])
    day = (cases["date"] - cases["date"].min()).dt.days
    found = knox(cases[["x", "y"]], day, rng=rng(), distances_m=[0, 0.1, 200, 400, 600], days=[0, 7, 14, 21],
                 metric="manhattan")  # fmt: skip
    assert observed(found, 3) == [[28, 5, 5], [141, 69, 27], [186, 140, 100], [237, 192, 128]]
    published = [1.803, 0.404, 0.613, 1.412, 0.862, 0.517, 1.014, 0.950, 1.051, 0.975, 0.981, 1.007]
    np.testing.assert_allclose(found.bands["times_expected"][:3], published[:3], rtol=0.05)
    np.testing.assert_allclose(found.bands["times_expected"][3:], published[3:], rtol=0.03)


def test_bands_hold_their_lower_edge():
    """METHODS A.8.1: 100 m and 3 days apart belong to [100, 200) x [3, 6), wherever the pair lies."""
    for offset in ((0.0, 0.0), (487_000.1, 4_060_000.7)):
        pair = np.array([[0, 0], [60, 80]]) + offset
        found = knox(pair, [0, 3], rng=rng(), distances_m=[0, 100, 200], days=[0, 3, 6])
        assert observed(found, 2) == [[0, 0], [0, 1]]


# --- counted again ---


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 40)), min_size=2, max_size=40),
    st.sampled_from(["euclid", "manhattan"]),
)
def test_pairs_equal_a_count_one_by_one(events, metric):
    distances, days = [0, 1, 5, 10, 13], [0, 2, 7, 20]
    expected = np.zeros((4, 3))
    for (x1, y1, t1), (x2, y2, t2) in itertools.combinations(events, 2):
        apart = math.hypot(x1 - x2, y1 - y2) if metric == "euclid" else abs(x1 - x2) + abs(y1 - y2)
        band = np.searchsorted(distances, apart, side="right") - 1
        time = np.searchsorted(days, abs(t1 - t2), side="right") - 1
        if band < 4 and time < 3:
            expected[band, time] += 1
    xy, day = np.array(events)[:, :2], np.array(events)[:, 2]
    found = knox(xy, day, rng=rng(), distances_m=distances, days=days, metric=metric)
    assert observed(found, 3) == expected.tolist()


@pytest.mark.parametrize("seed", range(8))
def test_moments_and_p_equal_those_of_all_orders_of_five_events(seed):
    chance = rng(seed)
    xy, day = chance.integers(0, 8, (5, 2)), chance.integers(0, 9, 5)
    distances, days = [0, 3, 6], [0, 2, 5]
    every = np.array([
        knox(xy, day[list(order)], rng=rng(), distances_m=distances, days=days).bands["observed"]
        for order in itertools.permutations(range(5))
    ])  # fmt: skip
    found = knox(xy, day, rng=chance, distances_m=distances, days=days, fewest_events=5, permutations=1999).bands
    np.testing.assert_allclose(found["expected"], every.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found["sd"], every.std(axis=0), atol=1e-7)
    exact = (every >= found["observed"].to_numpy()).mean(axis=0)
    np.testing.assert_allclose(found["p_value"], exact, atol=4 * 0.5 / math.sqrt(2000))


def test_many_blocks_count_what_one_block_counts(monkeypatch):
    """Cutting pairs, permutations and memory into blocks changes no number but those of chance."""
    xy, day = town(3, n=400)
    whole = knox(xy, day, rng=rng(), permutations=99)
    monkeypatch.setattr("analysis.close_pairs.CANDIDATES", 500)
    monkeypatch.setattr("analysis.close_pairs.DATES_BYTES", 1)
    monkeypatch.setattr("analysis.close_pairs.COLUMNS_AT_ONCE", 256)
    pd.testing.assert_frame_equal(knox(xy, day, rng=rng(), permutations=99).bands, whole.bands)
    monkeypatch.setattr("analysis.close_pairs.COLUMNS_AT_ONCE", 8)
    cut = knox(xy, day, rng=rng(), permutations=99)
    exact = ["observed", "expected", "sd", "z"]
    pd.testing.assert_frame_equal(cut.bands[exact], whole.bands[exact])
    assert (cut.bands["p_value"] - whole.bands["p_value"]).abs().max() < 0.25


# --- what must change nothing ---


@pytest.mark.parametrize("change", ["shift", "turn", "shuffle", "split"])
def test_a_shift_a_quarter_turn_a_shuffle_or_split_counts_change_nothing(change):
    xy, day = town(5, n=220, repeats=20)
    frame = incidents(xy, day, until=day + rng(2).integers(0, 3, len(day)), count=rng(3).integers(1, 3, len(xy)))
    if change == "shift":
        other = frame.set_geometry(frame.translate(12_345.678, -987.654))
    elif change == "turn":
        other = frame.set_geometry(frame.rotate(90, origin=(WEST, SOUTH)))
    elif change == "shuffle":
        other = frame.sample(frac=1, random_state=4)
    else:
        other = frame.loc[frame.index.repeat(frame["count"])].assign(count=1)
    one, two = (find_near_repeats(table, crs=CRS, rng=rng(), permutations=99) for table in (frame, other))
    assert one.events == two.events == frame["count"].sum()
    pd.testing.assert_frame_equal(one.bands, two.bands)


def test_another_crs_raises():
    xy, day = town(1, n=5)
    frame = incidents(xy, day)
    found = find_near_repeats(frame, crs=CRS, rng=rng())
    with pytest.raises(CrsError, match=r"EPSG:4326.*EPSG:4549"):
        find_near_repeats(frame.to_crs(4326), crs=CRS, rng=rng())
    with pytest.raises(CrsError, match="EPSG:4326"):
        find_near_repeats(frame.to_crs(4326), crs="EPSG:4326", rng=rng())
    with pytest.raises(CrsError, match="EPSG:4528"):
        active_windows(frame.to_crs(4528), found, FIRST, crs=CRS)
    with pytest.raises(CrsError, match="EPSG:3857"):
        places_in_windows(frame.to_crs(3857), active_windows(frame, found, FIRST, crs=CRS))


def test_an_unknown_metric_is_named():
    with pytest.raises(ValueError, match="chebyshev"):
        knox([[0, 0]], [0], rng=rng(), metric="chebyshev")


# --- what is found, and what is not ---


def test_planted_near_repeats_are_found_near_and_soon_only():
    found = knox(*town(7, n=400, repeats=80), rng=rng())
    raised = found.bands[found.bands["is_raised"]]
    assert (raised["to_day"] == 7).all()
    assert {100.0} <= set(raised["to_m"]) <= {100.0, 200.0}


def test_exact_repeats_are_a_band_of_their_own():
    xy, day = town(8, n=300)
    again = rng(1).integers(300, size=40)
    found = knox(np.vstack([xy, xy[again]]), np.r_[day, day[again] + 2], rng=rng())
    assert found.bands.loc[found.bands["is_raised"], ["is_repeat", "to_m", "to_day"]].to_numpy().tolist() == [
        [True, 1.0, 7]
    ]


def test_too_few_events_say_nothing():
    found = knox(*town(7, n=150, repeats=49), rng=rng())
    assert (found.events, found.enough, found.permutations) == (199, False, 0)
    assert found.bands["p_value"].isna().all()
    assert not found.bands["is_raised"].any()
    assert found.bands["observed"].sum() > 0, "the counts are shown all the same"
    assert knox(*town(7, n=150, repeats=50), rng=rng()).enough
    nobody = knox(np.empty((0, 2)), [], rng=rng())
    assert (nobody.events, nobody.bands["observed"].sum()) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("vague", [False, True])
def test_null_towns_report_a_near_repeat_at_most_at_the_stated_level(vague):
    """200 towns with busy places and a season; more than 18 alarms have a chance of under 1 % at the level of 5 %."""
    alarms = 0
    for seed in range(200):
        xy, day = town(seed, n=220)
        last = day + rng(seed).integers(0, 10, len(day)) if vague else None
        found = knox(xy, day, last, rng=rng(seed), permutations=399, distances_m=[0, 1, 100, 200, 400])
        alarms += bool(found.bands["is_raised"].any())
    assert alarms <= stats.binom.ppf(0.99, 200, 0.05), f"{alarms} of 200 towns"


def test_a_season_at_one_place_is_no_near_repeat_once_dates_stay_in_their_quarter():
    chance = rng(11)
    early, late = chance.normal(0, 150, (150, 2)), chance.normal(3_000, 150, (150, 2))
    day = np.r_[chance.integers(0, 90, 150), chance.integers(180, 270, 150)]
    xy = np.vstack([early, late])
    plain = knox(xy, day, rng=rng(), permutations=199).bands
    kept = knox(xy, day, rng=rng(), permutations=199, exchange=day // 90).bands
    assert plain["is_raised"].any(), "moving busy places are dependence of place and date"
    assert not kept["is_raised"].any()
    assert (plain["observed"] == kept["observed"]).all()
    # The two places never meet, so what chance gives is the sum of what it gives at each of them.
    each = [knox(xy[part], day[part], rng=rng()).bands["expected"] for part in (slice(150), slice(150, 300))]
    near = kept["to_m"] <= 500
    np.testing.assert_allclose(kept["expected"][near], sum(each)[near], rtol=0.1, atol=0.3)


def test_the_order_of_rows_and_the_names_of_seasons_change_nothing():
    xy, day = town(6, n=240)
    season = np.array(["spring", "autumn", "winter", "a fourth", "and a last"])[day // 90]
    one = knox_of(incidents(xy, day), season)
    order = rng(9).permutation(len(day))
    pd.testing.assert_frame_equal(one, knox_of(incidents(xy, day).iloc[order], season[order]))


def knox_of(frame, season):
    return find_near_repeats(frame, crs=CRS, rng=rng(), exchange=season, permutations=99).bands


# --- uncertain dates ---


def test_uncertain_dates_are_drawn_inside_their_interval():
    """Two events at one place, one on day 10, the other on any of days 10 to 13: a quarter chance for each gap."""
    found = knox([[0, 0], [0, 0]], [10.5, 10.0], [10.5, 13.9999999], rng=rng(), distances_m=[0, 1],
                 days=[0, 1, 2, 3, 4], fewest_events=2, permutations=9_999)  # fmt: skip
    assert found.uncertain == 1
    np.testing.assert_allclose(found.bands["observed"], 0.25, atol=0.02)
    assert found.bands["observed"].sum() == pytest.approx(1)
    assert found.bands["expected"].sum() == pytest.approx(1)


def test_times_within_one_day_are_certain():
    xy, day = town(2, n=250)
    sure = knox(xy, day, rng=rng(), permutations=99)
    same_day = knox(xy, day + 0.25, day + 0.75, rng=rng(), permutations=99)
    assert same_day.uncertain == 0
    pd.testing.assert_frame_equal(sure.bands, same_day.bands)


def test_a_missing_or_earlier_end_leaves_the_date_certain():
    frame = incidents(*town(2, n=6))
    frame.loc[0, "occurred_to"] = pd.NaT
    frame.loc[1, "occurred_to"] = frame.loc[1, "occurred_from"] - pd.Timedelta(days=9)
    frame.loc[2, ["occurred_from", "occurred_to"]] = pd.NaT
    assert find_near_repeats(frame, crs=CRS, rng=rng()).uncertain == 0
    frame.loc[3, "occurred_to"] = frame.loc[3, "occurred_from"] + pd.Timedelta(days=1)
    assert find_near_repeats(frame, crs=CRS, rng=rng()).uncertain == 1


# --- open windows ---


@pytest.fixture
def two_bands():
    """Near repeats raised within 200 m for the first week and within 100 m for two weeks."""
    found = knox(*town(1, n=210), rng=rng(), distances_m=[0, 1, 100, 200, 300], days=[0, 7, 14, 21], permutations=1)
    near, soon = found.bands["to_m"], found.bands["to_day"]
    found.bands["is_raised"] = ((near <= 200) & (soon <= 7)) | ((near == 100) & (soon <= 14))
    found.bands["times_expected"] = 1000 / near + 10 / soon
    return found


def test_a_window_is_open_while_the_age_lies_in_a_raised_band(two_bands):
    now = FIRST + pd.Timedelta(days=30, hours=9)
    frame = incidents([[0, 0]] * 6, [31, 30, 24, 23, 17, 16])  # ages -1, 0, 6, 7, 13, 14 days
    windows = active_windows(frame, two_bands, now, crs=CRS)
    assert windows["incident"].tolist() == [1, 2, 3, 4]
    assert windows["reach_m"].tolist() == [200, 200, 100, 100]
    days_left = (windows["until_at"] - now.normalize()).dt.days
    assert days_left.tolist() == [7, 1, 7, 1]
    assert windows.area.iloc[0] == pytest.approx(math.pi * 200**2, rel=0.01)
    assert windows.crs == CRS


def test_places_inside_open_windows_are_listed_with_the_strongest_reason(two_bands):
    now = FIRST + pd.Timedelta(days=30)
    windows = active_windows(incidents([[0, 0], [150, 0]], [29, 20]), two_bands, now, crs=CRS)
    places = gpd.GeoDataFrame(
        {"name": ["between", "west", "far"]}, crs=CRS,
        geometry=gpd.points_from_xy(WEST + np.array([100, -150, 900]), [SOUTH] * 3),
    )  # fmt: skip
    listed = places_in_windows(places, windows)
    assert listed["name"].tolist() == ["between", "west"]
    assert listed["windows"].tolist() == [2, 1]
    assert (listed["times_expected"] == windows["times_expected"].max()).all()
    assert listed["until_at"].iloc[0] == windows["until_at"].max()


def test_nothing_raised_opens_no_window():
    frame = incidents(*town(1, n=5))
    windows = active_windows(frame, find_near_repeats(frame, crs=CRS, rng=rng()), FIRST, crs=CRS)
    assert len(windows) == 0
    assert places_in_windows(frame, windows).empty


def test_a_raised_band_far_off_opens_no_window(two_bands):
    now = FIRST + pd.Timedelta(days=30)
    frame = incidents([[0, 0], [500, 0]], [15, 27])  # ages 15 and 3 days
    bands = two_bands.bands
    shadow = (bands["to_m"] == 300) & (bands["from_day"] == 14)
    bands.loc[shadow, "is_raised"] = True
    assert active_windows(frame, two_bands, now, crs=CRS)["incident"].tolist() == [1]
    bridge = (bands["to_m"] <= 300) & (bands["from_day"] == 7)
    bands.loc[bridge, "is_raised"] = True
    assert active_windows(frame, two_bands, now, crs=CRS)["incident"].tolist() == [1, 0]


def test_only_bands_joined_to_the_nearest_are_near():
    raised = np.array([[0, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1]], dtype=bool)
    joined = np.array([[0, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    bands = pd.DataFrame(
        {"from_m": np.repeat([0.0, 1.0, 100.0, 200.0], 4), "is_repeat": np.arange(16) < 4, "is_raised": raised.ravel()}
    )
    assert near_bands(bands).tolist() == joined.ravel().tolist()
    without = bands.assign(is_raised=bands["is_raised"] & (bands["from_m"] >= 100))
    assert not near_bands(without).any()
