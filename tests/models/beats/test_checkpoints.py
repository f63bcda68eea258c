"""Checkpoints of the small town: what asks for one, where it stands, and what did not fit."""

import json
from dataclasses import replace

import pandas as pd
import pytest
import shapely

from gis_data.catalogue import speaking
from gis_data.tables import CHECKPOINTS
from gis_data.workspace import Workspace
from models.beats.plan import explain
from models.store import load_plans

EAST, NORTH = 486_000.0, 4_061_000.0
PLACES = (("market", "大集", 900, 330), ("school", "一小", 2100, 360), ("bank", "银行", 300, 300))


@pytest.fixture(scope="module")
def town(grid_town):
    return grid_town(zones={"tolerance": 0.5})


@pytest.fixture(scope="module")
def plan(town, make_beats, places, hotspot):
    return make_beats(town, places=places(*PLACES), hotspots=hotspot(("H1", 300, 320, 120.0, "19-23")))


def by_name(plan):
    return plan.tables["checkpoints"].set_index("name")


def test_hotspots_markets_and_schools_get_a_checkpoint_each_on_the_road(plan):
    table = by_name(plan)
    assert set(table.index) == {"H1", "大集", "一小"}
    assert table["kind"].to_dict() == {"H1": "hotspot", "大集": "market", "一小": "school"}
    assert table["min_visits_per_week"].to_dict() == {"H1": 7, "大集": 1, "一小": 2}
    assert table["hours"].to_dict() == {"H1": "19-23", "大集": "06-12", "一小": "07-08;16-17"}
    assert table.geometry["大集"].equals_exact(shapely.Point(EAST + 900, NORTH + 300), 0.01)
    segments = plan.tables["segments"].set_index("beat_id")
    for _, row in table.iterrows():
        assert segments.loc[[row["beat_id"]]].distance(row.geometry).min() < 0.01
    CHECKPOINTS.conform(plan.tables["checkpoints"], crs="EPSG:4549")


def test_a_checkpoint_says_why_and_when(plan):
    market = by_name(plan).loc["大集", "checkpoint_id"]
    with speaking("en"):
        because, when = explain(plan, market)
    assert because == "Because this is the market 大集."
    assert when == "Visits a week, at least: 1; there at 06-12 h, 12 minutes each."


def test_a_market_village_without_a_mapped_market_has_it_at_its_centre_on_its_days(town, make_beats):
    villages = town.villages.assign(market_days=["3,8", *[""] * 7])
    table = by_name(make_beats(replace(town, villages=villages)))
    assert table.loc["村0", ["kind", "market_days"]].tolist() == ["market", "3,8"]
    assert table.geometry["村0"].equals_exact(shapely.Point(EAST + 300, NORTH + 300), 0.01)


def test_a_checkpoint_never_stands_on_a_dwelling(town, make_beats, places, houses):
    house = (880.0, 290.0, 930.0, 310.0)
    plan = make_beats(town, places=places(*PLACES), houses=houses(house))
    point = by_name(plan).geometry["大集"]
    assert not point.intersects(houses(house).geometry.iloc[0])
    assert point.distance(houses(house).geometry.iloc[0]) < 6.0


def test_near_duplicates_of_the_same_hours_are_one_with_both_reasons(town, make_beats, places):
    plan = make_beats(town, places=places(("school", "一小", 2100, 360), ("school", "二小", 2140, 360),
                                          ("school", "三小", 1500, 360)))  # fmt: skip
    table = by_name(plan)
    assert len(table) == 2
    assert sorted(len(json.loads(reason)) for reason in table["reason"]) == [1, 2]


def test_what_does_not_fit_a_crews_minutes_is_listed_with_the_reason(grid_town, make_beats, places, hotspot):
    """Standing 20 minutes an hour, 6 hours, two passes: 240 minutes; a hotspot takes 84, so the third has no room."""
    town = grid_town(zones={"tolerance": 0.5})
    spots = hotspot(*((f"H{k}", 150 + 600 * k, 300, 60.0, "") for k in range(4)))
    plan = make_beats(town, hotspots=spots, places=places(*PLACES), count=1)
    placed, left = plan.tables["checkpoints"], plan.tables["left_out"]
    spent = placed["min_visits_per_week"] * placed["stop_min"]
    assert (spent.groupby(placed["beat_id"]).sum() <= 240).all()
    assert len(placed) + len(left) == 4 + 2
    assert left["name"].tolist() == ["H2", "H3"]
    with speaking("en"):
        why = explain(plan, "H3")[-1]
    assert why.startswith("No checkpoint: it needs 84 minutes, and of the 240 minutes")


def test_a_place_far_from_every_road_gets_none_and_is_listed(town, make_beats, places):
    plan = make_beats(town, places=places(("school", "远小", 300, 800)), count=2)
    assert plan.tables["left_out"]["name"].tolist() == []
    far = make_beats(town, places=places(("school", "远小", 2390, 1595)), count=2)
    assert len(far.tables["checkpoints"]) + len(far.tables["left_out"]) == 1


def test_numbers_run_through_a_zone_and_ids_name_it(plan):
    table = plan.tables["checkpoints"]
    for zone_id, mine in table.groupby("zone_id"):
        assert mine["number"].tolist() == list(range(1, len(mine) + 1))
        assert mine["checkpoint_id"].tolist() == [f"{zone_id}-C{number:02d}" for number in mine["number"]]
    assert pd.Series(table["checkpoint_id"]).is_unique


def test_the_sample_towns_checkpoints_are_on_no_dwelling_and_fit_the_minutes(planned_town):
    ws = Workspace.open(planned_town)
    plan = load_plans(ws)["beats"]
    table, beats = plan.tables["checkpoints"], plan.to_frame().set_index("beat_id")
    homes = ws.read("buildings").query("is_dwelling")
    assert shapely.STRtree(homes.geometry.to_numpy()).query(table.geometry.to_numpy(), predicate="intersects").size == 0
    assert (beats["visit_min_per_week"] <= beats["standing_min_per_week"]).all()
    hotspots = load_plans(ws)["hotspots"].to_frame().query("is_hotspot")["hotspot_id"]
    assert set(hotspots) == set(table.loc[table["kind"] == "hotspot", "name"])
    assert set(table["kind"]) == {"hotspot", "market", "school", "back_lane"}
