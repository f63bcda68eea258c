"""Arrests beside the hours they took, pooled until they can be read."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gis_data.periods import Period
from gis_data.settings import ScorecardSettings
from models.patrol_record import JOINED, arrests_by_pool, arrests_over_time, pool_zones

SETTINGS = ScorecardSettings()
CHINA = "Asia/Shanghai"


def row_of_zones(count):
    """Zones side by side, Z01 in the west."""
    names = [f"Z{k + 1:02d}" for k in range(count)]
    return gpd.GeoDataFrame(
        {"zone_id": names}, geometry=[shapely.box(1000 * k, 0, 1000 * (k + 1), 1000) for k in range(count)],
        crs="EPSG:4549",
    )  # fmt: skip


def by_zone(*values):
    return pd.Series(values, index=row_of_zones(len(values))["zone_id"].tolist(), dtype=float)


def test_a_zone_that_expects_too_little_joins_its_smaller_neighbour():
    pool = pool_zones(row_of_zones(5), by_zone(12, 3, 8, 20, 11), least=10)
    assert pool.tolist() == ["Z01", "Z02+Z03", "Z02+Z03", "Z04", "Z05"]
    assert pool_zones(row_of_zones(3), by_zone(2, 30, 2), least=10).tolist() == ["Z01+Z02+Z03"] * 3
    assert pool_zones(row_of_zones(4), by_zone(1, 1, 1, 1), least=10).tolist() == ["Z01+Z02+Z03+Z04"] * 4


@given(st.lists(st.floats(0, 30), min_size=1, max_size=12), st.randoms())
def test_pools_are_connected_large_enough_and_do_not_hang_on_the_order_of_the_zones(expected, random):
    zones, need = row_of_zones(len(expected)), by_zone(*expected)
    pool = pool_zones(zones, need, least=10)
    sums = need.groupby(pool).sum()
    assert (sums >= 10).all() or len(sums) == 1
    for name in sums.index:
        members = sorted(int(zone[1:]) for zone in name.split(JOINED))
        assert members == list(range(members[0], members[-1] + 1)), "neighbours only"
        assert pool[[f"Z{member:02d}" for member in members]].eq(name).all()
    order = list(range(len(expected)))
    random.shuffle(order)
    assert pool_zones(zones.iloc[order], need.iloc[order], least=10)[need.index].equals(pool)


def test_zones_on_islands_are_pooled_all_the_same():
    zones = row_of_zones(3).iloc[[0, 2]]
    assert pool_zones(zones, pd.Series({"Z01": 4.0, "Z03": 9.0}), least=10).tolist() == ["Z01+Z03"] * 2


def test_twenty_four_arrests_a_year_over_eight_zones_are_read_in_pools():
    """DOMAIN 0.2: 0.25 a month and zone. Of a year, eight zones make two pools of the same hours."""
    arrests, hours = by_zone(0, 5, 3, 2, 6, 1, 4, 3), by_zone(*[500.0] * 8)
    table, pool = arrests_by_pool(arrests, hours, row_of_zones(8), SETTINGS)
    assert pool.iloc[0] == "Z01+Z02+Z03+Z04"
    assert table["expected"].tolist() == [12, 12]
    assert table["readable"].all()
    assert table["arrest_incidents"].tolist() == [10, 14]
    assert table["arrests_per_100h"].tolist() == pytest.approx([0.5, 0.7])
    # Garwood's limits of 10, over 20 hundreds of hours (DOMAIN 7: 4.80–18.39).
    assert (20 * table.loc[0, ["arrests_low_per_100h", "arrests_high_per_100h"]]).round(2).tolist() == [4.8, 18.39]


def test_how_far_to_pool_is_decided_by_hours_and_not_by_luck():
    hours = by_zone(400.0, 100.0, 500.0, 1000.0)
    for lucky in ((20, 0, 0, 0), (0, 20, 0, 0), (5, 5, 5, 5)):
        _, pool = arrests_by_pool(by_zone(*lucky), hours, row_of_zones(4), SETTINGS)
        assert pool.tolist() == ["Z01+Z02+Z03"] * 3 + ["Z04"]


def test_pools_hold_every_arrest_and_every_hour():
    rng = np.random.default_rng(2)
    arrests, hours = by_zone(*rng.poisson(4, 9)), by_zone(*rng.uniform(0, 900, 9))
    table, _ = arrests_by_pool(arrests, hours, row_of_zones(9), SETTINGS)
    assert (table["arrest_incidents"].sum(), table["patrol_hours"].sum()) == (arrests.sum(), pytest.approx(hours.sum()))


def test_true_pooled_rates_lie_in_the_limits_as_often_as_promised():
    """Where all zones have one rate per hour, pools chosen by hours are fair: 95 % of limits and more hold it."""
    rng, held, rows = np.random.default_rng(3), 0, 0
    zones, hours = row_of_zones(8), by_zone(300, 500, 700, 400, 600, 200, 800, 500)
    for _ in range(120):
        table, _ = arrests_by_pool(by_zone(*rng.poisson(hours / 160)), hours, zones, SETTINGS)
        inside = (table["arrests_low_per_100h"] <= 100 / 160) & (table["arrests_high_per_100h"] >= 100 / 160)
        held, rows = held + inside.sum(), rows + len(table)
    assert rows > 120
    assert held / rows >= 0.93


@pytest.mark.parametrize("hours", [(np.nan,) * 3, (0.0,) * 3])
def test_without_hours_there_are_counts_and_no_rates(hours):
    table, pool = arrests_by_pool(by_zone(3, 0, 9), by_zone(*hours), row_of_zones(3), SETTINGS)
    assert pool.tolist() == ["Z01", "Z02", "Z03"]
    assert table["arrest_incidents"].tolist() == [3, 0, 9]
    assert table["arrests_per_100h"].isna().all()
    assert not table["readable"].any()


def test_too_few_arrests_in_the_whole_town_are_one_pool_that_cannot_be_read():
    table, _ = arrests_by_pool(by_zone(1, 0, 2), by_zone(10, 20, 30), row_of_zones(3), SETTINGS)
    assert len(table) == 1
    assert not table["readable"].any()
    assert table.loc[0, "arrests_per_100h"] == pytest.approx(5)


# ---- over time ----


def caught_on(*days):
    times = pd.to_datetime(list(days)).tz_localize(CHINA)
    return pd.DataFrame(
        {"incident_class": "criminal", "type": "theft", "zone_id": "Z01", "count": 1, "caught_count": 1,
         "reported_at": times}
    )  # fmt: skip


def log_of(months, hours=100.0):
    return pd.DataFrame({"month": months, "village_id": "V", "band": "18-24", "hours": hours})


def over_time(arrests, period, log):
    unit_zone, index = pd.Series({"V": "Z01"}), pd.Index(["Z01"])
    return arrests_over_time(arrests, log, unit_zone, index, period, SETTINGS)


def span(start, end):
    return Period(pd.Timestamp(start, tz=CHINA), pd.Timestamp(end, tz=CHINA))


MONTHS = [f"2023-{month:02d}" for month in range(1, 13)]


def test_time_is_pooled_to_the_shortest_spans_that_can_be_read():
    days = [f"2023-{1 + k % 12:02d}-15" for k in range(42)]  # 3.5 a month: 10.5 a quarter
    table = over_time(caught_on(*days), span("2023-01-01", "2024-01-01"), log_of(MONTHS))
    assert table["first_day"].tolist() == ["2023-01-01", "2023-04-01", "2023-07-01", "2023-10-01"]
    assert table["arrest_incidents"].tolist() == [12, 12, 9, 9]
    assert table["patrol_hours"].tolist() == pytest.approx([300] * 4)
    assert table["arrests_per_100h"].tolist() == pytest.approx([4, 4, 3, 3])
    assert table["readable"].all()
    few = over_time(caught_on(*days[:12]), span("2023-01-01", "2024-01-01"), log_of(MONTHS))
    assert few[["first_day", "last_day", "arrest_incidents"]].to_numpy().tolist() == [["2023-01-01", "2023-12-31", 12]]
    assert not over_time(caught_on(*days[:9]), span("2023-01-01", "2024-01-01"), log_of(MONTHS))["readable"].any()


def test_the_word_of_a_span_is_the_exact_test_of_its_rate_per_hour():
    quarters = {"2023-02-10": 11, "2023-05-10": 12, "2023-08-10": 36, "2023-11-10": 30}
    arrests = caught_on(*(day for day, count in quarters.items() for _ in range(count)))
    year = span("2023-01-01", "2024-01-01")
    table = over_time(arrests, year, log_of(MONTHS))
    months = table.groupby(table["first_day"].str[5:7].astype(int).sub(1) // 3)["arrest_incidents"].sum()
    assert months.tolist() == list(quarters.values())
    words = table["change_word"].tolist()
    assert words[0] == ""
    n = table["arrest_incidents"].astype(int).tolist()
    p = [stats.binomtest(now, now + then).pvalue for then, now in itertools.pairwise(n)]
    held = stats.false_discovery_control(p) <= 0.05
    assert [word != "none" for word in words[1:]] == held.tolist()
    assert "up" in words
    # With three times the patrol in the second half of the year, three times the arrests are no change.
    more = over_time(arrests, year, log_of(MONTHS, hours=[50.0] * 6 + [150.0] * 6))
    assert more.loc[more["first_day"] == "2023-07-01", "change_word"].tolist() == ["none"]


def test_a_year_without_arrests_is_one_row_of_nought():
    table = over_time(caught_on(), span("2023-01-01", "2024-01-01"), log_of(MONTHS))
    assert table["arrest_incidents"].tolist() == [0]
    assert (table["arrest_low"][0], round(table["arrest_high"][0], 2)) == (0, 3.69)
