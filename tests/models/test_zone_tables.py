"""The table of zones: what stands in a zone's row is the sum, mean or shape of what lies in it."""

import math

import geopandas as gpd
import numpy as np
import pytest
import shapely

from models.districting.problem import Problem, neighbours_from_pairs
from models.workload import TERMS
from models.zone_tables import unit_table, zone_table

KM = 1_000.0
SIDE = (4, 2)  # squares of a kilometre, from the south-west along the rows
WEST = np.array([0, 0, 3, 3, 0, 0, 3, 3])  # the post of each square: the west half's is the first, the east's the last


@pytest.fixture
def units() -> gpd.GeoDataFrame:
    column, row = np.arange(8) % SIDE[0], np.arange(8) // SIDE[0]
    rng = np.random.default_rng(5)
    table = {
        "unit_id": [f"V{number}" for number in range(8)], "name": [f"{letter}村" for letter in "甲乙丙丁戊己庚辛"],
        "population": [10, 40, 5, 5, 5, 5, 80, 5], "area_km2": 1.0, "road_km": rng.uniform(1, 9, 8),
        "incidents_per_week": rng.uniform(0, 5, 8), "x": (column + 0.5) * KM, "y": (row + 0.5) * KM,
        **{term: rng.uniform(1, 60, 8) for term in TERMS},
    }  # fmt: skip
    squares = shapely.box(column * KM, row * KM, (column + 1) * KM, (row + 1) * KM)
    frame = gpd.GeoDataFrame(table, geometry=squares, crs="EPSG:4549")
    return frame.assign(total_min=frame[list(TERMS)].sum(axis=1))


@pytest.fixture
def problem(units: gpd.GeoDataFrame) -> Problem:
    xy = units[["x", "y"]].to_numpy()
    apart = np.hypot(*np.moveaxis(xy[:, None] - xy[None], -1, 0))
    pairs = np.argwhere(np.triu(np.isclose(apart, KM)))
    return Problem(units["total_min"].to_numpy(), apart / 500, neighbours_from_pairs(8, pairs), 2, 0.5)


def test_a_zone_s_row_is_what_lies_in_it(units, problem):
    zones, inside = zone_table(problem, units, WEST), units.groupby(WEST)
    assert zones["zone_id"].tolist() == ["Z1", "Z2"]
    assert zones["post_unit"].tolist() == ["V0", "V3"]
    assert zones["members"].tolist() == ["甲村、乙村、戊村、己村", "丙村、丁村、庚村、辛村"]
    for column in ("population", "area_km2", "road_km", "incidents_per_week"):
        assert zones[column].tolist() == pytest.approx(inside[column].sum().tolist())
    for term in ("incident", "patrol", "fixed", "trip", "workload"):
        minutes = inside["total_min" if term == "workload" else f"{term}_min"].sum()
        assert zones[f"{term}_h_per_week"].tolist() == pytest.approx((minutes / 60).tolist())
    hours = zones["workload_h_per_week"]
    assert zones["share_pct"].tolist() == pytest.approx((100 * hours / hours.sum()).tolist())
    assert zones["load_ratio"].sum() == pytest.approx(2)
    assert zones["colour"].nunique() == 2


def test_ways_are_weighed_by_work_and_the_longest_is_told(units, problem):
    zones = zone_table(problem, units, WEST)
    ways = np.array([0.0, 2.0, 2.0, 0.0, 2.0, 2 * math.sqrt(2), 2 * math.sqrt(2), 2.0])
    for row, post in enumerate((0, 3)):
        mine = post == WEST
        mean = np.average(ways[mine], weights=units["total_min"][mine])
        assert zones["mean_travel_min"][row] == pytest.approx(mean)
        assert zones["max_travel_min"][row] == pytest.approx(2 * math.sqrt(2))
    assert unit_table(problem, units, WEST)["travel_min"].tolist() == pytest.approx(ways.tolist())


@pytest.mark.parametrize(
    ("post", "wanted"),
    [(WEST, [math.pi / 4, math.pi / 4]), (np.array([0, 0, 0, 0, 4, 4, 4, 4]), [4 * math.pi * 4 / 10**2] * 2)],
)
def test_compactness_is_that_of_polsby_and_popper(units, problem, post, wanted):
    """A square has π / 4, four squares in a row 4 π A / P² = 0.503; a circle would have 1 (Polsby & Popper 1991)."""
    assert zone_table(problem, units, post)["compactness"].tolist() == pytest.approx(wanted)
