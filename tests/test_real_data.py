"""The same commands on real data: one police district of Chicago, and the ground of Liechtenstein with its Rhine."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.intake import make_workspace
from gis_data.workspace import Workspace
from models import town_plan
from models.comparison import compare_with_file


@pytest.fixture(scope="module")
def district(shared_data, tmp_path_factory):
    """Return a workspace of Chicago's 11th district, planned from 2016 and the first half of 2017."""
    source = shared_data / "chicago"
    folder = tmp_path_factory.mktemp("chicago")
    rows = pd.read_parquet(source / "chicago_west_2016_2017.parquet")
    rows[rows["district"] == "011"].to_parquet(folder / "incidents.parquet")
    make_workspace(
        folder / "ws", [folder / "incidents.parquet"], name="District 011", boundary=source / "districts.parquet",
        where="district=011", timezone="America/Chicago", credit="City of Chicago",
        settings={"cell_size_m": 300.0, "zones": {"count": 5, "tolerance": 0.1, "time_limit_s": 5.0},
                  "hotspots": {"simulations": 39}},
    )  # fmt: skip
    ws = Workspace.open(folder / "ws")
    return ws, town_plan.plan_town(ws, ["hotspots", "zones", "scorecard"], until="2017-07-01")


def test_a_district_of_chicago_gets_hotspots_zones_and_a_scorecard(district):
    _, plans = district
    assert plans["hotspots"].to_frame()["is_hotspot"].any()
    zones, card = plans["zones"].to_frame(), plans["scorecard"].to_frame()
    assert len(zones) == len(card) == 5
    assert zones["load_ratio"].between(0.9 - 1e-6, 1.1 + 1e-6).all()
    assert plans["zones"].bound <= plans["zones"].objective
    assert card["arrested_people"].sum() > 0


def test_new_zones_are_held_against_the_citys_beats_on_later_months(district, shared_data):
    ws, _ = district
    table = compare_with_file(ws, shared_data / "chicago" / "beats.parquet", column="beat", seed=1)
    ours, theirs = table[table["areas"] == "plan"].iloc[0], table[table["areas"] == "today"].iloc[0]
    assert ours["weeks"] == theirs["weeks"] > 20
    assert ours["max_over_mean"] < theirs["max_over_mean"]
    assert ours["max_over_mean_low"] <= ours["max_over_mean"] <= ours["max_over_mean_high"]


@pytest.fixture(scope="module")
def rhine(shared_data, tmp_path_factory):
    """Return a workspace of Liechtenstein's valley: real ground, incidents drawn at real buildings."""
    source = shared_data / "osm_liechtenstein"
    folder = tmp_path_factory.mktemp("rhine")
    buildings = gpd.read_parquet(source / "buildings.parquet").to_crs(32632)
    hull = shapely.union_all(buildings.geometry.centroid.buffer(500).to_numpy()).convex_hull
    gpd.GeoSeries([hull], crs=32632).to_crs(4326).to_frame("geometry").to_file(folder / "boundary.geojson")
    places = gpd.read_parquet(source / "places.parquet")
    named = places[places["place"].isin(["village", "town"])]
    pd.DataFrame(
        {"村庄": named["name"], "人口": 2000, "户数": 800, "经度": named.geometry.x, "纬度": named.geometry.y}
    ).to_excel(folder / "villages.xlsx", index=False)
    rng = np.random.default_rng(5)
    spots = buildings.sample(600, random_state=3).geometry.centroid.to_crs(4326)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 364 * 1440, 600), unit="min")
    pd.DataFrame(
        {"接警编号": [f"{n:020d}" for n in range(600)], "报警时间": when.strftime("%Y-%m-%d %H:%M"),
         "警情类别": "刑事警情", "警情细类": "入室盗窃", "报警方式": "110报警", "经度": spots.x, "纬度": spots.y}
    ).to_csv(folder / "incidents.csv", index=False, encoding="utf-8-sig")  # fmt: skip
    layers = sorted(path for path in source.glob("*.parquet") if path.stem != "places")
    make_workspace(
        folder / "ws", [folder / "villages.xlsx", folder / "incidents.csv", *layers], name="Liechtenstein",
        boundary=folder / "boundary.geojson", timezone="Europe/Vaduz",
        settings={"zones": {"count": 4, "tolerance": 0.25, "time_limit_s": 10.0}, "cell_size_m": 250.0,
                  "cameras": {"population_over": 1999, "budget_cny": 600000.0}},
    )  # fmt: skip
    return Workspace.open(folder / "ws")


def test_no_zone_crosses_the_rhine_without_a_bridge(rhine):
    plan = town_plan.plan_town(rhine, ["zones"])["zones"]
    cells, edges = rhine.read("cells"), rhine.read("cell_edges")
    zone = cells["village_id"].map(plan.tables["units"].set_index("unit_id")["zone_id"])
    middles = cells[["x", "y"]].to_numpy()
    river = shapely.union_all(rhine.read("barriers").query("kind == 'river'").geometry.to_numpy())
    bridges = rhine.read("crossings").geometry
    inside = edges[zone.to_numpy()[edges["cell_a"]] == zone.to_numpy()[edges["cell_b"]]]
    steps = shapely.linestrings(np.stack([middles[inside["cell_a"]], middles[inside["cell_b"]]], axis=1))
    over = shapely.intersects(steps, river)
    assert over.any(), "the valley has bridges inside zones"
    size = rhine.study.settings.cell_size_m
    distance = gpd.GeoSeries(steps[over], crs=bridges.crs).distance(shapely.union_all(bridges.to_numpy()))
    assert (distance <= 2 * size).all()
