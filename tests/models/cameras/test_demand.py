"""Demand: how many ways lead into a village, and that the points weigh what their roads do."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.tables import PLACES, ROADS
from models.cameras.demand import CLASS_FACTOR, Demand, find_demand


def demand_of(town, **changes) -> Demand:
    town = dataclasses.replace(town, **changes)
    return find_demand(*town.tables[:5], town.incidents, named=list(town.villages["village_id"]), risk_bandwidth_m=75.0)


def with_roads(town, *edges):
    """Add roads (class, start, end) given relative to the first village's centre; ends on known nodes are joined."""
    centre = shapely.get_coordinates(town.villages.geometry.iloc[0])[0]
    lines = [shapely.LineString([np.add(centre, a), np.add(centre, b)]) for _, a, b in edges]
    more = gpd.GeoDataFrame(
        {
            "road_id": 1000 + np.arange(len(edges)),
            "road_class": [kind for kind, _, _ in edges],
            "length_m": shapely.length(lines),
            "speed_kmh": 25.0,
            "from_node": 2000 + 2 * np.arange(len(edges)),
            "to_node": 2001 + 2 * np.arange(len(edges)),
        },
        geometry=lines,
        crs=town.roads.crs,
    )
    return ROADS.conform(gpd.GeoDataFrame(pd.concat([town.roads, more])), crs=town.roads.crs)


@pytest.fixture(scope="module")
def town(make_town):
    return make_town()


def test_four_roads_lead_in(town):
    entrances = demand_of(town).entrances
    assert sorted(entrances["road_class"]) == ["township", "township", "track", "village"]
    assert entrances["entrance_id"].is_unique


def test_entrances_lie_on_a_road_15_m_outside_the_last_walls(town):
    entrances = demand_of(town).entrances
    assert shapely.distance(entrances.geometry.to_numpy(), town.roads.union_all()).max() < 0.1
    away = shapely.distance(entrances.geometry.to_numpy(), town.buildings.union_all())
    assert (away >= 13).all()  # arcs of three segments lose a little
    assert (away < 25).all()


@pytest.mark.parametrize(
    ("edge", "more"),
    [
        (("village", (-90, -54), (-400, -54)), 1),
        (("track", (-90, -54), (-400, -54)), 1),
        (("path", (-90, -54), (-400, -54)), 0),
        (("expressway", (-90, -54), (-400, -54)), 0),
        (("village", (-90, -54), (-160, -54)), 0),  # a stub that ends in the field
        (("village", (-400, 400), (400, 400)), 0),  # passes by
    ],
    ids=["lane", "track", "path", "expressway", "stub", "passes by"],
)
def test_which_roads_are_entrances(town, edge, more):
    assert len(demand_of(town, roads=with_roads(town, edge)).entrances) == 4 + more


def test_a_lane_round_the_outside_is_no_entrance(town):
    corners = [(-130, -60), (-130, 60), (-90, 60)]
    ring = [
        ("village", (-90, -60), corners[0]),
        ("village", corners[0], corners[1]),
        ("village", corners[1], corners[2]),
    ]
    assert len(demand_of(town, roads=with_roads(town, *ring)).entrances) == 4


def test_crossings_within_15_m_are_one_entrance(town):
    beside = with_roads(town, ("village", (-90, -54), (-400, -54)), ("village", (-90, -44), (-400, -44)))
    apart = with_roads(town, ("village", (-90, -54), (-400, -54)), ("village", (-90, -24), (-400, -24)))
    assert len(demand_of(town, roads=beside).entrances) == 5
    assert len(demand_of(town, roads=apart).entrances) == 6


def test_points_stand_for_all_road_inside_and_nothing_else(town):
    demand = demand_of(town)
    inside = shapely.intersection(town.roads.geometry.to_numpy(), demand.areas.geometry.iloc[0])
    assert demand.points["length_m"].sum() == pytest.approx(shapely.length(inside).sum(), abs=5)
    assert demand.points["length_m"].between(5, 15).mean() > 0.95


def test_risk_weighs_as_much_as_the_road(town):
    points = demand_of(town).points
    base = (points["length_m"] * points["road_class"].map(CLASS_FACTOR)).sum()
    assert points["weight"].sum() == pytest.approx(2 * base + 0, rel=1e-9)
    quiet = demand_of(town, incidents=town.incidents.iloc[:0]).points
    assert quiet["weight"].sum() == pytest.approx(base)


def test_a_market_adds_its_metres_to_the_road_in_front(town):
    centre = town.villages.geometry.iloc[0]
    market = PLACES.conform(
        gpd.GeoDataFrame({"place_id": [99], "kind": ["market"]}, geometry=[centre], crs=town.roads.crs),
        crs=town.roads.crs,
    )
    plain, busy = demand_of(town).points, demand_of(town, places=market).points
    gained = busy["weight"] - plain["weight"]
    assert gained.sum() == pytest.approx(200)
    assert shapely.distance(busy.geometry.to_numpy()[gained > 0], centre).max() <= 30


def test_discovered_incidents_and_arrests_weigh_nothing(town, make_incidents):
    centre = [shapely.get_coordinates(town.villages.geometry.iloc[0])[0]]
    found = make_incidents(centre, count=500, rng=np.random.default_rng(9), origin="discovered")
    more = gpd.GeoDataFrame(pd.concat([town.incidents, found]), crs=town.roads.crs)
    assert demand_of(town, incidents=more).points["weight"].equals(demand_of(town).points["weight"])


def test_villages_without_roads_or_without_buildings_have_no_points_but_stay_listed(make_town):
    town = make_town(villages=2)
    left = town.buildings[town.buildings.geometry.centroid.x < town.villages["centre_x"].mean()]
    demand = demand_of(town, buildings=left)
    assert list(demand.areas["village_id"]) == ["V000", "V001"]
    assert demand.areas.geometry.iloc[1].is_empty
    assert set(demand.points["village_id"]) == {"V000"}
    roadless = demand_of(town, roads=town.roads[town.roads.geometry.centroid.x > town.villages["centre_x"].mean()])
    assert set(roadless.points["village_id"]) == set(roadless.entrances["village_id"]) == {"V001"}


def test_one_settlement_of_two_villages_is_shared_and_its_inner_border_is_no_entrance(make_town):
    town = make_town()
    twin = gpd.GeoDataFrame(pd.concat([town.villages, town.villages]), crs=town.villages.crs).reset_index(drop=True)
    shift = np.array([-60.0, 60.0])
    twin["village_id"], twin["name"] = ["V000", "V001"], ["东", "西"]
    twin["centre_x"] = twin["centre_x"] + shift
    twin["geometry"] = gpd.points_from_xy(twin["centre_x"], twin["centre_y"])
    one, two = demand_of(town), demand_of(town, villages=twin)
    assert len(two.entrances) == len(one.entrances)
    assert set(two.entrances["village_id"]) == {"V000", "V001"}
    assert two.areas.area.sum() == pytest.approx(one.areas.area.sum())


def test_a_shed_in_the_fields_is_not_the_village(town):
    shed = shapely.affinity.translate(town.buildings.geometry.iloc[0], 500, 0)
    more = gpd.GeoDataFrame(
        pd.concat([town.buildings, town.buildings.iloc[:1].assign(geometry=[shed])]), crs=town.roads.crs
    )
    assert demand_of(town, buildings=more).areas.area.sum() == pytest.approx(demand_of(town).areas.area.sum())
