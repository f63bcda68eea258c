"""What a cell says of itself: counts and density as brute force finds them, and the reason that goes with them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import stats

from analysis.hotspot_places import hotspot_places
from gis_data.settings import HotspotSettings

CRS, SIDE_M, EPS_M, LEAST = "EPSG:4549", 200.0, 90.0, 12


def squares(columns: int, rows: int) -> gpd.GeoDataFrame:
    shapes = [
        shapely.box(SIDE_M * column, SIDE_M * row, SIDE_M * (column + 1), SIDE_M * (row + 1))
        for row in range(rows) for column in range(columns)
    ]  # fmt: skip
    return gpd.GeoDataFrame({"cell_id": range(100, 100 + len(shapes))}, geometry=shapes, crs=CRS)


def calls(xy: np.ndarray, count: int = 1) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"count": count}, index=range(len(xy)), geometry=gpd.points_from_xy(*xy.T), crs=CRS)


def told(cells: gpd.GeoDataFrame, incidents: gpd.GeoDataFrame, hotspots: gpd.GeoDataFrame) -> pd.DataFrame:
    return hotspot_places(
        cells, incidents, cells.union_all(), hotspots, eps_m=EPS_M, least=LEAST, settings=HotspotSettings()
    )  # fmt: skip


def no_hotspots() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"hotspot_id": [], "status": []}, geometry=[], crs=CRS)


def test_counts_density_and_expectation_are_those_of_brute_force():
    rng = np.random.default_rng(3)
    cells, xy = squares(10, 8), rng.uniform((0, 0), (2000, 1600), (400, 2))
    incidents = pd.concat([calls(xy), calls(xy[:40], count=3)], ignore_index=True)  # the same places again, thrice each
    table = told(cells, incidents, no_hotspots())
    points, weight = shapely.points(shapely.get_coordinates(incidents.geometry)), incidents["count"].to_numpy()
    for place, cell in zip(table.itertuples(), cells.geometry, strict=True):
        own = shapely.intersects(cell, points)
        assert place.count == weight[own].sum()
        near = [weight[shapely.distance(point, points) <= EPS_M].sum() for point in points[own]]
        assert place.densest == max(near, default=0)
    assert table["expected"].sum() == pytest.approx(weight.sum(), rel=0.01)
    low, high = stats.poisson.interval(0.95, table["expected"])
    assert (table["low"].to_numpy(), table["high"].to_numpy()) == (pytest.approx(low), pytest.approx(high))


def test_the_reason_is_the_first_that_holds():
    rng = np.random.default_rng(4)
    cells = squares(10, 8)
    everywhere = rng.uniform((0, 0), (2000, 1600), (160, 2))
    pile = rng.uniform((1080, 680), (1120, 720), (15, 2))  # dense, and no cluster was reported of it
    corners = np.array([[410, 410], [590, 410], [410, 590], [590, 590]]).repeat(6, axis=0)  # farther apart than eps
    hot = gpd.GeoDataFrame(
        {"hotspot_id": ["H1", "H2"], "status": ["hotspot", "chance"]},
        geometry=[shapely.box(1410, 1010, 1590, 1190), shapely.box(1450, 1050, 1650, 1150)], crs=CRS,
    )  # fmt: skip
    table = told(cells, calls(np.vstack([everywhere, pile, corners])), hot).set_index(cells["cell_id"])
    assert table.loc[135, "reason"] == "chance"
    assert table.loc[122, "reason"] == "scattered"
    assert tuple(table.loc[157, ["reason", "hotspot_id", "status"]]) == ("touches", "H1", "hotspot")
    assert tuple(table.loc[158, ["reason", "hotspot_id", "status"]]) == ("touches", "H2", "chance")
    assert (table["reason"] == "sparse").sum() > 60


def test_a_town_without_incidents_has_nothing_dense():
    table = told(squares(2, 2), calls(np.zeros((0, 2))), no_hotspots())
    assert set(table["reason"]) == {"sparse"}
    assert table[["count", "expected", "densest"]].to_numpy().sum() == 0
