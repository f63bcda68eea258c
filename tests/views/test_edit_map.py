"""The editing map without a browser: one history, what is drawn, and how each event is answered."""

import json
import shutil

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape

from gis_data.catalogue import LANGUAGES, text
from gis_data.workspace import Workspace
from models.edit import judge
from models.store import load_plans
from views.edit_map import cameras, checkpoints, roads, zones
from views.edit_map.desk import KEY, Desk, cameras_after, checkpoints_after, zones_after
from views.edit_map.history import History
from views.station import open_station

from .test_pages import shown, words


@pytest.fixture(scope="module")
def station(planned_town):
    return open_station(planned_town)


@pytest.fixture(scope="module")
def hand(station):
    return zones_after(station, History())


@given(st.lists(st.sampled_from(["undo", "redo", 1, 2, 3])))
def test_a_history_goes_back_and_forth_as_two_stacks_do(steps):
    history, done, undone = History(), [], []
    for step in steps:
        if step == "undo":
            history = history.undo()
            undone += [done.pop()] if done else []
        elif step == "redo":
            history = history.redo()
            done += [undone.pop()] if undone else []
        else:
            history = history.plus(step)
            done, undone = [*done, step], []
    assert (list(history.done), list(history.undone)) == (done, undone)


def test_every_border_is_drawn_once_and_nothing_else(hand):
    ground = zones.ground(hand)
    outlines = [shape(unit["shape"]) for unit in ground["units"]]
    lines = [(a, b, shape(line)) for a, b, line in ground["pairs"]]
    assert sum(line.length * (1 if a < 0 else 2) for a, _, line in lines) == pytest.approx(
        sum(outline.length for outline in outlines), rel=1e-4
    )
    for a, b, line in lines:
        for row in {a, b} - {-1}:
            assert shapely.distance(outlines[row].boundary, line.interpolate(0.5, normalized=True)) < 2e-6
    assert sum(outline.area for outline in outlines) == pytest.approx(shapely.union_all(outlines).area, rel=1e-4), (
        "units overlap"
    )


def test_a_move_is_done_undone_and_done_again_and_the_state_follows(station, hand):
    desk, unit = Desk(), hand.ids[0]
    other = next(zone for zone in hand.zone_ids if zone != hand.zone_of(0))
    desk.answer(station, {"mode": "zones", "kind": "move", "units": [unit], "zone": other, "id": "a"})
    assert (desk.said, desk.answered) == ("", "a")

    def now():
        after = zones_after(station, desk.history)
        state = zones.state(hand, after, ["#fff"] * len(hand.zone_ids))
        assert [state["zones"][zone]["id"] for zone in state["zone"]] == [
            after.zone_of(k) for k in range(len(hand.ids))
        ]
        return after.zone_of(0), [
            row for row, pair in enumerate(zip(state["zone"], state["was"], strict=True)) if len(set(pair)) > 1
        ]

    assert now() == (other, [0])
    desk.answer(station, {"kind": "undo", "known": "ground 1"})
    assert desk.known == "ground 1"
    assert now() == (hand.zone_of(0), [])
    desk.answer(station, {"kind": "redo"})
    assert now() == (other, [0])
    desk.answer(station, {"kind": "ground", "known": ""})
    assert (now(), desk.known) == ((other, [0]), "")


def test_what_cannot_be_is_said_and_changes_nothing(station, hand):
    desk = Desk()
    desk.answer(station, {"mode": "zones", "kind": "lock", "units": [hand.ids[0]]})
    before = desk.history
    other = next(zone for zone in hand.zone_ids if zone != hand.zone_of(0))
    for event, said in (
        ({"mode": "zones", "kind": "move", "units": [hand.ids[0]], "zone": other}, "已锁定"),
        ({"mode": "zones", "kind": "move", "units": ["<script>"], "zone": other}, "<script>"),
        ({"mode": "zones", "kind": "move", "units": [hand.ids[1]], "zone": "Z99"}, "Z99"),
        ({"mode": "zones", "kind": "post", "units": []}, "先选"),
    ):
        desk.answer(station, event)
        assert said in desk.said
        assert desk.history == before
    desk.answer(station, {"kind": "undo"})
    assert (desk.said, desk.history.done) == ("", ())


def test_the_table_of_work_gives_each_zones_share_of_the_mean(station, hand):
    table = zones.load_table(hand, hand)
    load = np.array([hand.case.problem.load[hand.post == post].sum() for post in hand.posts])
    assert table.iloc[:, 1].astype(float).tolist() == pytest.approx((load / 60).tolist(), abs=0.05)
    assert table.iloc[:, 2].astype(float).tolist() == pytest.approx((load / load.mean()).tolist(), abs=0.005)
    assert table.iloc[:, 2].astype(float).max() == pytest.approx(judge(hand).max_ratio, abs=0.005)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_shows_the_map_the_figures_and_that_nothing_has_changed(planned_town, lang):
    said = words(shown(planned_town, "edit", lang))
    assert text("page.edit.nothing", lang=lang) in said
    assert text("page.hand.figure.gap", lang=lang) in said


def test_without_a_plan_the_page_says_what_to_do_first(unplanned_station):
    assert "plan town zones" in words(shown(unplanned_station, "edit"))


def test_edits_are_kept_together_with_one_reason_a_line_of_the_log_each(planned_town, tmp_path):
    root = tmp_path / "town"
    shutil.copytree(planned_town, root)
    station = open_station(root)
    hand = zones_after(station, History())
    light = min(range(len(hand.ids)), key=lambda row: hand.case.problem.load[row])
    other = next(zone for zone in hand.zone_ids if zone != hand.zone_of(light))
    desk = Desk()
    desk.answer(station, {"mode": "zones", "kind": "move", "units": [hand.ids[light]], "zone": other})
    desk.answer(station, {"mode": "zones", "kind": "lock", "units": [hand.ids[light]]})
    page = shown(root, "edit", session={KEY: desk})
    assert page.button(key="edit keep").disabled
    page.text_input(key="edit reason").input("走访后调整").run()
    if page.checkbox:
        page.checkbox(key="edit insist").check().run()
    page.button(key="edit keep").click().run(timeout=120)
    assert not page.exception
    assert "走访后调整" in page.success[0].value
    assert desk.history.done == ()
    kept = load_plans(Workspace.open(root))["zones"]
    assert kept.tables["units"].set_index("unit_id").loc[hand.ids[light], "zone_id"] == other
    lines = [json.loads(line) for line in (root / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-2:]]
    assert [line["parameters"]["change"]["kind"] for line in lines] == ["move", "lock"]
    assert {line["parameters"]["reason"] for line in lines} == {"走访后调整"}


def test_a_road_is_closed_by_its_number_and_shown_closed_until_it_is_taken_back(station, hand):
    ground, desk = roads.ground(hand), Desk()
    driven = hand.tables.roads[hand.tables.roads["road_class"] != "expressway"]
    assert {road["id"] for road in ground["roads"]} <= set(driven["road_id"])
    names = [name for _, name, _ in ground["crossings"]]
    assert len(names) == len(hand.tables.crossings)
    assert all("近" in name and "#" in name for name in names)
    assert any("禾川河" in name for name in names)
    road = ground["roads"][7]
    desk.answer(station, {"mode": "roads", "kind": "close_road", "roads": [road["id"]]})
    assert roads.state(hand, zones_after(station, desk.history), ["#fff"] * len(hand.zone_ids))["closed"] == [
        road["id"]
    ]
    assert f"#{road['id']}" in zones.edit_words(hand, desk.history.done[0])
    desk.answer(station, {"mode": "roads", "kind": "close_road", "roads": [road["id"]]})
    assert desk.said
    desk.answer(station, {"kind": "undo"})
    assert roads.state(hand, zones_after(station, desk.history), ["#fff"] * len(hand.zone_ids))["closed"] == []


@pytest.fixture(scope="module")
def cameras_hand(station):
    return cameras_after(station, History())


@pytest.fixture(scope="module")
def village(cameras_hand):
    counts = cameras_hand.cameras.loc[cameras_hand.cameras["status"] == "new", "village_id"].value_counts()
    return counts.index[-1]


def test_cameras_views_and_entrances_of_one_village_are_drawn_as_planned(cameras_hand, village):
    state, tables = cameras.state(cameras_hand, village), cameras_hand.tables
    mine = tables["cameras"][tables["cameras"]["village_id"] == village]
    assert [camera["id"] for camera in state["cameras"]] == mine["camera_id"].tolist()
    assert [camera["fixed"] for camera in state["cameras"]] == (mine["status"] == "existing").tolist()
    row = tables["summary"].set_index("village_id").loc[village]
    assert (len(state["entrances"]), sum(e["seen"] for e in state["entrances"])) == (
        row["entrances"], row["entrances_seen"],
    )  # fmt: skip
    table = cameras.village_table(cameras_hand, cameras_hand, village)
    assert f"{row['entrances_seen']} / {row['entrances']}" in table.iloc[:, 1].tolist()


def test_a_camera_turned_on_the_map_stays_where_it_is_and_one_dragged_goes_there(station, cameras_hand, village):
    desk = Desk()
    camera = next(one for one in cameras.state(cameras_hand, village)["cameras"] if not one["fixed"])
    asked = {"mode": "cameras", "kind": "move", "camera": camera["id"], "at": camera["at"], "hfov": camera["hfov"]}
    desk.answer(station, asked | {"azimuth": (camera["azimuth"] + 90) % 360})
    assert desk.said == ""
    before, after = (
        hand.cameras.set_index("camera_id").loc[camera["id"]]
        for hand in (cameras_hand, cameras_after(station, desk.history))
    )
    assert after.geometry.equals(before.geometry)
    assert after["azimuth_deg"] == pytest.approx((before["azimuth_deg"] + 90) % 360, abs=0.1)
    move = cameras.change_of(asked | {"azimuth": 0.0}, station.study)
    assert shapely.Point(move.x, move.y).distance(before.geometry) < 0.2
    desk.answer(station, {"kind": "undo"})
    assert cameras_after(station, desk.history) is cameras_hand


def test_a_camera_put_on_a_house_is_refused_in_a_sentence(station, cameras_hand, village):
    desk = Desk()
    spot = cameras_hand.cameras.set_index("village_id").loc[[village]].geometry.iloc[0]
    houses = cameras_hand.ground.buildings
    homes = houses[houses["is_dwelling"]]
    home = homes.geometry.iloc[[int(homes.distance(spot).argmin())]].representative_point().to_crs("EPSG:4326").iloc[0]
    desk.answer(
        station, {"mode": "cameras", "kind": "add", "at": [home.y, home.x], "azimuth": 0, "hfov": 84.0}
    )  # fmt: skip
    assert "住房" in desk.said
    assert desk.history == History()


def test_a_click_adds_a_checkpoint_on_the_nearest_road_and_says_what_it_costs_the_beat(station):
    desk, base = Desk(), checkpoints_after(station, History())
    spot = base.tables["beats"].geometry.iloc[0].representative_point()
    at = gpd.GeoSeries([spot], crs=station.study.crs).to_crs("EPSG:4326").iloc[0]
    asked = {"mode": "checkpoints", "kind": "add", "at": [at.y, at.x], "name": "桥头", "visits": 2}
    desk.answer(station, asked)
    assert desk.said == ""
    now = checkpoints_after(station, desk.history)
    mine = [point for point in checkpoints.state(now)["points"] if point["wish"]]
    assert [point["wish"] for point in mine] == ["H1"]
    assert "桥头" in mine[0]["tip"]
    table = checkpoints.beat_table(base, now, changed=True)
    stop = station.study.settings.beats.stop_min
    before, after = (float(part) for part in table.iloc[0, 2].split(" → "))
    displaced = checkpoints.displaced(base, now)
    assert displaced or after - before == pytest.approx(2 * stop, abs=1)
    assert "桥头" in checkpoints.edit_words(desk.history.done[0])
    desk.answer(station, asked | {"at": [at.y + 1, at.x]})
    assert "500" in desk.said
    desk.answer(station, asked | {"kind": "remove", "wish": "H1"})
    assert checkpoints.state(checkpoints_after(station, desk.history)) == checkpoints.state(base)
