"""Scan for what is new: SaTScan's own output, every cylinder looked at, every permutation dealt, and quiet towns."""

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

from analysis.piles import excess
from analysis.scan import COLUMNS, gumbel_tail, scan, scan_cells, scan_villages
from gis_data.errors import CrsError
from gis_data.periods import Period

CRS = "EPSG:4549"
WEST, SOUTH = 487_000.0, 4_060_000.0

# Two data sets made up for the comparison of open_cp with SaTScan 9.4.4 (PredictCode, notebooks/satscan_test1 and 3):
# each line is a place, x and y, and the times of its cases. SaTScan's answers stand in the tests.
SATSCAN_1 = """
    70 70: 804 809 813 865 985
    70 30: 811 849 976
    90 30: 824
    90 70: 884 971 992
    30 70: 845 893 937 989
    10 30: 843 846 982 995
    50 10: 868 886 913 915
    50 70: 808 860 862 936 951
    90 10: 842 854 958 961
    50 50: 962 963 971 987
    50 30: 843 948 951 986
    30 90: 805 903 924
    90 90: 871 916 927 939
    10 70: 815 837 877
    10 50: 811 814 844 847 850 966 981
    30 10: 809 812 851 911 918 979 993 995
    10 90: 838 940 976
    70 90: 851 869 889 973 987
    70 50: 872
    10 10: 802 902 930 933
    70 10: 861 861 877 907 929 942 959 972
    50 90: 840 840 863 894 978
    30 30: 924 967
    30 50: 927
    90 50: 816 840 849 887 965
"""
SATSCAN_3 = """
    70 70: 888 903 948
    70 30: 805 824 832 853 961 976 978
    90 30: 814 901 909 999
    90 70: 901 917 924 980 987
    30 70: 850 860 919 933 945 951 987 991
    10 30: 835 930 934 986
    50 10: 809 836 869 898 899 906 1000
    50 70: 808 893 932 981
    50 50: 803 908 916 974 990
    90 10: 826
    50 30: 867 944 980
    30 90: 860 869 963
    90 90: 858 903 942
    10 70: 831 849 877 967 993
    10 50: 810 849 864 873 907 954 984
    10 90: 808 812 837 886 958 983
    70 50: 818 882 922
    10 10: 808 834 851 932
    70 10: 844 867 945 981
    50 90: 801 808 839 860
    30 30: 809 955 965 999
    30 50: 866 933 936
    90 50: 818 842 938
"""


def satscan(text):
    """Return place, day and coordinates of the cases."""
    lines = [line.split(":") for line in text.strip().splitlines()]
    times = [[int(t) for t in cases.split()] for _, cases in lines]
    xy = np.array([[float(v) for v in where.split()] for where, _ in lines])
    return np.repeat(np.arange(len(lines)), [len(t) for t in times]), np.concatenate(times), xy


def look(place, day, xy, *, seed=1, **options):
    chosen = {"today": 29, "max_radius_m": 2_500.0, "permutations": 99} | options
    return scan(place, day, np.asarray(xy, dtype=float), rng=np.random.default_rng(seed), **chosen)


def some_town(seed, *, n=60, places=12, lattice=False):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 6_000, (places, 2))
    if lattice:
        xy = np.unique(rng.integers(0, 6, (places, 2)), axis=0) * 1_000.0
    return rng.integers(len(xy), size=n), rng.integers(0, 30, size=n), xy


def every_cylinder(place, day, xy, *, today, max_days, max_radius_m, max_share=0.5, min_cases=2):
    """Yield (excess, places, first day) of each cylinder, by plain loops; places equally far come together."""
    total = len(place)
    for centre in xy:
        far = np.hypot(*(xy - centre).T)
        for radius in np.unique(far[far <= max_radius_m + 1e-6].round(6)):
            inside = np.isin(place, np.flatnonzero(far <= radius + 1e-6))
            if not 0 < inside.sum() <= max_share * total:
                continue
            for first in range(today - max_days + 1, today + 1):
                recent = day >= first
                count, expected = (inside & recent).sum(), inside.sum() * recent.sum() / total
                if count >= min_cases and count > expected:
                    value = count * math.log(count / expected)
                    if total > count:
                        value += (total - count) * math.log((total - count) / (total - expected))
                    yield value, tuple(np.flatnonzero(far <= radius + 1e-6)), first


# --- known answers ---


def test_kulldorff_s_ratio_by_hand():
    assert excess(20, 8, 100) == pytest.approx(7.14486, abs=5e-6)
    assert excess(15, 30 * 25 / 100, 100) == pytest.approx(3.20983, abs=5e-6)
    assert excess(3, 0.42, 100) == pytest.approx(3 * math.log(3 / 0.42) + 97 * math.log(97 / 99.58))


def test_satscan_s_first_data_set():
    """Clusters and ratios are SaTScan's; for its p-values, which are none of independent permutations, see below."""
    place, day, xy = satscan(SATSCAN_1)
    assert len(place) == 100
    found = look(place, day, xy, today=1000, max_days=500, max_radius_m=1e3, ties="one_by_one", permutations=999)
    first, second = found.clusters.iloc[0], found.clusters.iloc[1]
    assert tuple(p + 1 for p in first["places"]) == (23, 6, 16)
    assert (first["x"], first["y"], first["radius_m"]) == (30, 30, 20)
    assert (first["first_day"], first["days"], first["count"]) == (993, 8, 3)
    assert first["expected"] == pytest.approx(0.42)
    assert first["times_expected"] == pytest.approx(7.14, abs=0.005)
    assert first["likelihood"] == pytest.approx(3.352053, abs=5e-7)
    assert tuple(p + 1 for p in second["places"]) == (10,)
    assert (second["x"], second["y"], second["radius_m"]) == (50, 50, 0)
    assert (second["first_day"], second["days"], second["count"]) == (962, 39, 4)
    assert second["expected"] == pytest.approx(0.96)
    assert second["likelihood"] == pytest.approx(2.715606, abs=5e-7)
    assert 0.24 < first["p_value"] < 0.34, "0.288 in 4,000 permutations"
    assert 0.57 < second["p_value"] < 0.67, "0.618 in 4,000 permutations"


class SaTScanDeals:
    """Deal out days as SaTScan 9.4.4 does: replication k from seed 12345678 + k of the generator x -> 48271 x.

    Its cases stand in the order of their days, the latest first, on one day in the alphabetical order of their places'
    names; each gets a number (single precision), and the days follow the order of these numbers. Consecutive seeds make
    consecutive replications alike: the number of the latest case moves by 48271 / (2^31 - 1) = 0.00002 from one to the
    next, so that in all of them it is dealt to nearly the same place.
    """

    def __init__(self, place, day, xy):
        west_to_east = np.argsort(np.lexsort((xy[:, 1], xy[:, 0])))
        at = np.argsort(np.lexsort((day, west_to_east[place])))  # where ``scan`` has each case
        self.cases = at[sorted(range(len(place)), key=lambda case: (-day[case], str(place[case] + 1)))]
        self.replication = 0

    def choice(self, cases, *, size, replace):
        assert cases == size == len(self.cases), "all days of these data are recent"
        assert not replace
        self.replication += 1
        number, numbers = 12_345_678 + self.replication, []
        for _ in self.cases:
            number = number * 48_271 % (2**31 - 1)
            numbers.append(np.float32(number / (2**31 - 1)))
        dealt = np.empty_like(self.cases)
        dealt[self.cases[np.argsort(numbers)]] = self.cases
        return dealt


def test_satscan_s_p_values_are_those_of_its_own_replications():
    """It prints 0.202 and 0.581 after 248 replications, and 1.00 after 50 in the third data set.

    It stops at the 50th replication above the first cluster and gives 50 / 248, counting those above it and not those
    equal to it. Independent permutations give 0.288 and 0.618: the difference is its random numbers' alone.
    """
    place, day, xy = satscan(SATSCAN_1)
    options = {"today": 1000, "max_days": 500, "max_radius_m": 1e3, "ties": "one_by_one"}
    found = scan(place, day, xy, permutations=248, rng=SaTScanDeals(place, day, xy), **options)
    above = found.maxima[:, None] > found.clusters["likelihood"].to_numpy()[:2] + 1e-6
    assert above.sum(axis=0).tolist() == [50, 144]
    assert np.round(above.mean(axis=0), 3).tolist() == [0.202, 0.581]
    assert above[-1, 0], "the 248th is the one it stopped at"

    place, day, xy = satscan(SATSCAN_3)
    found = scan(place, day, xy, permutations=50, rng=SaTScanDeals(place, day, xy), **options | {"max_radius_m": 50})
    assert (found.maxima > found.clusters["likelihood"].iloc[0] + 1e-6).all()


def test_satscan_s_third_data_set():
    place, day, xy = satscan(SATSCAN_3)
    for ties in ("one_by_one", "together"):
        found = look(place, day, xy, today=1000, max_days=500, max_radius_m=50, ties=ties)
        first = found.clusters.iloc[0]
        assert tuple(p + 1 for p in first["places"]) == (21, 6, 22, 11)
        assert (first["x"], first["y"], first["radius_m"]) == (30, 30, 20)
        assert (first["first_day"], first["count"]) == (930, 10)
        assert first["expected"] == pytest.approx(5.46)
        assert first["likelihood"] == pytest.approx(1.622161, abs=5e-7)
        assert first["p_value"] > 0.9, "SaTScan: 1.00"


# --- by brute force ---


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.booleans(), st.sampled_from([0.5, 0.25, 1.0]))
def test_the_likeliest_cylinder_is_that_of_plain_loops(seed, lattice, max_share):
    place, day, xy = some_town(seed, lattice=lattice)
    limits = {"today": 29, "max_days": 10, "max_radius_m": 2_500.0, "max_share": max_share}
    known = list(every_cylinder(place, day, xy, **limits))
    found = look(place, day, xy, permutations=1, **limits).clusters
    if not known:
        assert found.empty
        return
    best = max(value for value, _, _ in known)
    first = found.iloc[0]
    assert first["likelihood"] == pytest.approx(best)
    alike = [(set(places), start) for value, places, start in known if value > best - 1e-9]
    busy = set(np.unique(place))
    reported = set(first["places"]) & busy
    assert any(reported == places & busy for places, _ in alike)
    recent = day >= first["first_day"]
    inside = np.isin(place, first["places"])
    assert first["count"] == (recent & inside).sum()
    assert first["expected"] == pytest.approx(recent.sum() * inside.sum() / len(place))
    assert first["days"] == 30 - first["first_day"] <= 10


def test_p_is_that_of_all_permutations():
    """Seven incidents: all 5,040 ways to deal out their days."""
    xy = np.array([(0.0, 0.0), (900.0, 0.0), (100.0, 1_400.0), (3_000.0, 3_000.0)])
    place, day = np.array([0, 0, 1, 2, 3, 3, 3]), np.array([28, 29, 29, 5, 9, 13, 25])
    limits = {"today": 29, "max_days": 10, "max_radius_m": 2_000.0}

    def largest(days):
        return max((value for value, _, _ in every_cylinder(place, np.array(days), xy, **limits)), default=0.0)

    seen = largest(day)
    exact = np.mean([largest(days) >= seen - 1e-9 for days in itertools.permutations(day)])
    found = look(place, day, xy, permutations=20_000, **limits)
    p = found.clusters["p_value"].iloc[0]
    assert seen == pytest.approx(found.clusters["likelihood"].iloc[0])
    assert p == pytest.approx(exact, abs=4.5 * math.sqrt(exact * (1 - exact) / 20_000))


def test_secondary_clusters_share_no_place_and_are_the_likeliest_left():
    place, day, xy = some_town(3, n=150)
    limits = {"today": 29, "max_days": 12, "max_radius_m": 2_500.0}
    found = look(place, day, xy, permutations=9, clusters=4, **limits).clusters
    assert len(found) == 4
    assert found["likelihood"].is_monotonic_decreasing
    assert found["p_value"].is_monotonic_increasing
    taken: set[int] = set()
    for row in found.itertuples():
        left = [value for value, places, _ in every_cylinder(place, day, xy, **limits) if taken.isdisjoint(places)]
        assert row.likelihood == pytest.approx(max(left))
        assert taken.isdisjoint(row.places)
        taken.update(row.places)


# --- what is new is found, what is old is not ---


def test_a_planted_rise_is_found_and_an_always_busy_place_is_not():
    rng = np.random.default_rng(5)
    xy = rng.uniform(0, 10_000, (70, 2))
    weights = np.where(np.arange(70) == 7, 20.0, 1.0)
    place, day = rng.choice(70, 900, p=weights / weights.sum()), rng.integers(0, 180, 900)
    quiet = look(place, day, xy, today=179, permutations=199).clusters
    assert quiet["p_value"].iloc[0] > 0.05
    near = np.argsort(np.hypot(*(xy - xy[30]).T))[:3]
    extra = rng.choice(near, 14)
    risen = look(np.r_[place, extra], np.r_[day, rng.integers(172, 180, 14)], xy, today=179, permutations=199).clusters
    assert risen["p_value"].iloc[0] == 1 / 200
    assert set(near) & set(risen["places"].iloc[0])
    assert 1 <= risen["days"].iloc[0] <= 10
    assert (risen["p_value"].iloc[1:] > 0.05).all()


def test_a_rise_that_has_ended_is_not_new():
    rng = np.random.default_rng(6)
    place, day, xy = rng.integers(20, size=300), rng.integers(0, 120, 300), rng.uniform(0, 6_000, (20, 2))
    past = np.r_[day, rng.integers(40, 46, 15)]
    found = look(np.r_[place, np.full(15, 4)], past, xy, today=119, permutations=99).clusters
    assert found["p_value"].iloc[0] > 0.05


def test_in_null_towns_alarms_stay_at_their_level():
    """120 towns with busy places and busy days, independent of each other; 13 alarms at 5 % have a chance below 1 %."""
    rng = np.random.default_rng(77)
    alarms = 0
    for _ in range(120):
        xy = rng.uniform(0, 6_000, (15, 2))
        place = rng.choice(15, 120, p=rng.dirichlet(np.ones(15)))
        day = rng.choice(60, 120, p=rng.dirichlet(np.full(60, 2.0)))
        found = scan(place, day, xy, today=59, max_radius_m=2_000.0, permutations=39, rng=rng).clusters
        alarms += bool((found["p_value"] <= 0.05).any())
    assert stats.binom.sf(alarms - 1, 120, 0.05) > 0.01, f"{alarms} of 120 towns"


def test_gumbel_tail_is_that_of_its_own_curve():
    draws = np.random.default_rng(2).gumbel(3.0, 0.7, 50_000)
    assert gumbel_tail(draws, 6.0) == pytest.approx(stats.gumbel_r.sf(6.0, 3.0, 0.7), rel=0.05)
    assert math.isnan(gumbel_tail(np.zeros(5), 1.0))


# --- properties ---


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.booleans())
def test_shifting_and_permuting_rows_change_nothing(seed, lattice):
    place, day, xy = some_town(seed, lattice=lattice)
    rng = np.random.default_rng(seed)
    found = look(place, day, xy)
    order, renamed = rng.permutation(len(place)), rng.permutation(len(xy))
    shifted = look(place, day + 365, xy + np.array([487_000.25, 4_060_000.5]), today=29 + 365)
    permuted = look(np.argsort(renamed)[place[order]], day[order], xy[renamed])
    for other, back in ((shifted, np.arange(len(xy))), (permuted, renamed)):
        assert other.maxima == pytest.approx(found.maxima, abs=1e-9)
        for name in ("likelihood", "count", "days", "expected", "p_value"):
            assert other.clusters[name].to_numpy() == pytest.approx(found.clusters[name].to_numpy()), name
        assert [{int(back[p]) for p in places} for places in other.clusters["places"]] == [
            set(places) for places in found.clusters["places"]
        ]


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.booleans())
def test_a_quarter_turn_changes_no_cluster(seed, lattice):
    place, day, xy = some_town(seed, lattice=lattice)
    found, turned = look(place, day, xy).clusters, look(place, day, np.column_stack([-xy[:, 1], xy[:, 0]])).clusters
    if found.empty:
        assert turned.empty
        return
    assert turned["likelihood"].iloc[0] == pytest.approx(found["likelihood"].iloc[0])
    assert abs(turned["p_value"].iloc[0] - found["p_value"].iloc[0]) < 0.35, "other permutations, the same chance"


def test_one_by_one_depends_on_where_north_is_and_together_does_not():
    place, day, xy = satscan(SATSCAN_1)
    turned = np.column_stack([-xy[:, 1], xy[:, 0]])
    how = {"today": 1000, "max_days": 500, "max_radius_m": 1e3, "permutations": 1}
    together = [look(place, day, where, **how).clusters["likelihood"].iloc[0] for where in (xy, turned)]
    one_by_one = [
        look(place, day, where, ties="one_by_one", **how).clusters["likelihood"].iloc[0] for where in (xy, turned)
    ]
    assert together[0] == pytest.approx(together[1])
    assert one_by_one[0] != pytest.approx(one_by_one[1])


def test_quiet_days_no_incidents_and_a_town_of_one_place_say_nothing():
    xy = np.array([(0.0, 0.0), (900.0, 0.0)])
    for place, day in (([], []), ([0, 1, 1], [2, 3, 4]), ([0, 0, 0], [3, 28, 29])):
        found = look(np.array(place, dtype=int), np.array(day, dtype=int), xy, max_days=10)
        assert found.clusters.empty
        assert list(found.clusters.columns) == list(COLUMNS)
        assert (found.maxima == 0).all()


def test_a_circle_never_holds_all_incidents_whatever_share_is_allowed():
    place, day, xy = some_town(2)
    found = look(place, day, xy, max_days=40, max_radius_m=20_000.0, max_share=1.0).clusters
    assert np.isfinite(found["likelihood"]).all()
    assert all(np.isin(place, places).sum() < len(place) for places in found["places"])


def test_progress_is_told():
    told = []
    look(*some_town(1), permutations=4, progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]


# --- tables ---

PERIOD = Period(pd.Timestamp("2024-01-01", tz="Asia/Shanghai"), pd.Timestamp("2024-03-01", tz="Asia/Shanghai"))


def town(*, crs=CRS, single=False):
    """Return villages, cells and incidents: steady ones, six in the last two days at V3, some left out."""
    rng = np.random.default_rng(9)
    xy = np.array([WEST, SOUTH]) + np.array([(500, 500), (2_500, 700), (700, 2_900), (2_700, 2_700), (1_700, 1_500)])
    ids = [f"V{number}" for number in range(5)]
    table = {"village_id": ids, "centre_x": xy[:, 0] + 1.0, "centre_y": np.nan}
    table["centre_y"] = np.where(np.arange(5) == 2, np.nan, xy[:, 1])
    villages = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(*xy.T), crs=CRS)
    row, col = (x.ravel() for x in np.indices((4, 4)))
    squares = shapely.box(WEST + col * 1e3, SOUTH + row * 1e3, WEST + (col + 1) * 1e3, SOUTH + (row + 1) * 1e3)
    grid = {"cell_id": np.arange(16) + 100, "x": WEST + col * 1e3 + 500, "y": SOUTH + row * 1e3 + 500}
    cells = gpd.GeoDataFrame(grid, geometry=squares, crs=CRS)
    village = np.r_[rng.integers(5, size=40), [3, 3], [1, 1], [2]]
    day = np.r_[rng.integers(0, 60, 40), [58, 59], [-1, 60], [30]]
    count = np.r_[np.ones(40, dtype=int), [4, 3], [5, 5], [2]]
    name = np.array(ids, dtype=object)[village]
    name[-1] = ""
    where = xy[village] + rng.uniform(-80, 80, (len(village), 2))
    where[-1] = WEST - 9_000
    if single:
        name, day, where = (np.repeat(x, count, axis=0) for x in (name, day, where))
        count = np.ones(len(name), dtype=int)
    when = PERIOD.start + pd.to_timedelta(day * 24 + 23, unit="h")
    frame = {"village_id": name, "reported_at": when, "count": count}
    return villages, cells, gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(*where.T), crs=crs)


def test_villages_and_cells_find_the_same_rise_and_every_incident_is_accounted_for():
    villages, cells, incidents = town()
    for places, table, one in ((scan_villages, villages, "V3"), (scan_cells, cells, 110)):
        found = places(incidents, table, PERIOD, max_radius_m=900.0, permutations=99, rng=np.random.default_rng(1))
        first = found.clusters.iloc[0]
        assert (first["centre"], first["places"]) == (one, (one,))
        assert (first["first_day"], first["days"]) == (58, 2)
        assert first["count"] >= 7
        assert first["p_value"] == 0.01
        assert found.elsewhere == 2


def test_villages_stand_at_their_centre_or_else_inside_their_ground():
    villages, _, incidents = town()
    how = {"max_radius_m": 1.0, "permutations": 1, "clusters": 9, "min_cases": 1}
    found = scan_villages(incidents, villages, PERIOD, rng=np.random.default_rng(1), **how).clusters
    inside = villages.geometry.x.set_axis(villages["village_id"])
    assert found.set_index("centre")["x"].to_dict() == {"V3": inside["V3"] + 1.0, "V2": inside["V2"]}


def test_days_are_those_of_the_local_clock():
    villages, _, incidents = town()
    zurich = Period(pd.Timestamp("2024-03-01", tz="Europe/Zurich"), pd.Timestamp("2024-04-02", tz="Europe/Zurich"))
    old = pd.to_datetime(["2024-03-05 12:00", "2024-03-08 12:00", "2024-03-10 12:00"]).tz_localize("Europe/Zurich")
    new = pd.Timestamp("2024-04-01 00:10", tz="Europe/Zurich")  # clocks were put forward the night before
    frame = incidents.iloc[[0] * 5].assign(village_id=["V0", "V1", "V2", "V3", "V3"], count=1)
    frame["reported_at"] = [*old, new, new]
    how = {"max_radius_m": 1.0, "permutations": 1, "rng": np.random.default_rng(1)}
    found = scan_villages(frame, villages, zurich, **how).clusters.iloc[0]
    assert (found["places"], found["first_day"], found["days"]) == (("V3",), 31, 1)


def test_splitting_a_count_into_rows_changes_nothing():
    villages, _, merged = town()
    _, _, single = town(single=True)
    found, other = (
        scan_villages(frame, villages, PERIOD, max_radius_m=2_000.0, permutations=19, rng=np.random.default_rng(1))
        for frame in (merged, single.sample(frac=1.0, random_state=2))
    )
    pd.testing.assert_frame_equal(found.clusters, other.clusters)
    assert np.array_equal(found.maxima, other.maxima)
    assert found.elsewhere == other.elsewhere == 2


def test_another_crs_is_an_error_that_names_both():
    villages, cells, incidents = town()
    for places, table in ((scan_villages, villages), (scan_cells, cells)):
        with pytest.raises(CrsError, match=r"EPSG:4326.*EPSG:4549"):
            places(incidents.to_crs("EPSG:4326"), table, PERIOD, max_radius_m=900.0, rng=np.random.default_rng(1))
