"""Zones against the areas of today: figures by hand, and an interval that holds what it says."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from gis_data.settings import WorkloadSettings
from models.comparison import _weekly_minutes, area_of_cells, compare_areas

# Four cells in a row, 1 minute apart; all work of two weeks written out.
TRAVEL = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
WEEKS = np.array([[10.0, 0, 0, 10], [30, 20, 0, 10]])
PLANNING = np.array([20.0, 10, 0, 10])


def compare(rng=None, weeks=WEEKS, **areas):
    sets = {name: pd.Series(list(labels)) for name, labels in areas.items()}
    return compare_areas(weeks, PLANNING, TRAVEL, sets, rng=rng or np.random.default_rng(1)).set_index("areas")


def test_balance_and_travel_are_those_by_hand():
    found = compare(plan="AABB", today="ABBB")
    # plan: A = 40+20 = 60, B = 20, mean 40; posts at cells 0 and 3, so only cell 1's 20 minutes travel, 1 minute each.
    assert found.loc["plan", "max_over_mean"] == pytest.approx(60 / 40)
    assert found.loc["plan", "min_over_mean"] == pytest.approx(20 / 40)
    assert found.loc["plan", "mean_travel_min"] == pytest.approx(20 / 80)
    # today: both areas 40; the post of B is cell 1 (planning 10, 0, 10: ties go to the first), cell 3 is 2 away.
    assert found.loc["today", "max_over_mean"] == pytest.approx(1)
    assert found.loc["today", "mean_travel_min"] == pytest.approx(20 * 2 / 80)
    assert found["weeks"].tolist() == [2, 2]


def test_no_week_follows_where_no_incident_is_left():
    none = gpd.GeoDataFrame(
        {"reported_at": pd.to_datetime([]).tz_localize("Asia/Shanghai"), "incident_class": [], "count": []},
        geometry=[],
        crs=4549,
    )
    cells = gpd.GeoDataFrame({"cell_id": ["a"]}, geometry=[box(0, 0, 1, 1)], crs=4549)
    assert _weekly_minutes(none, cells, pd.Timestamp("2024-01-01"), WorkloadSettings()).shape == (0, 1)


def test_cells_in_no_area_of_one_set_count_for_none():
    found = compare(plan="AABB", today=["", "B", "B", "B"])
    assert found.loc["plan", "max_over_mean"] == pytest.approx(1)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    truth = 3 * np.array([4.0, 3, 2, 1])
    held = 0
    for _ in range(60):
        found = compare(np.random.default_rng(1), rng.poisson(truth, (40, 4)).astype(float), plan="AABB")
        low, high = found.loc["plan", ["max_over_mean_low", "max_over_mean_high"]]
        held += low <= 7 / 5 <= high
    assert held >= 52  # 95 % of 60 is 57; fewer than 52 has a chance below 1 %


def test_a_cell_belongs_to_the_area_with_most_of_its_ground():
    cells = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10), box(40, 0, 50, 10)], crs=4549)
    areas = gpd.GeoDataFrame(geometry=[box(0, 0, 14, 10), box(14, 0, 30, 10)], crs=4549)
    assert area_of_cells(cells, areas, pd.Series(["west", "east"])).tolist() == ["west", "east", ""]
