"""Changes by hand: what the plan then sees is what the referee finds, and the next plan keeps them."""

import dataclasses
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data import audit
from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.errors import InputError
from gis_data.tables import CAMERAS
from gis_data.workspace import Workspace
from models.camera_edit import open_cameras, record_cameras
from models.cameras.hand import CameraChange, CameraGround, CameraHand, changed, state_of
from models.cameras.left_out import BEST, with_why_not
from models.cameras.private import private_ground
from models.store import load_plans
from models.town_plan import plan_town

from .referee import demand_of, planned, seen_by_night, seen_from

FIGURES = ("cameras", "sites", "views", "entrances", "blind_spots", "areas", "summary", "checklist")


def hand_of(town, plan):
    demand = demand_of(town)
    ground = private_ground(demand.areas, town.roads, town.buildings)
    on = CameraGround(demand, town.villages, town.roads, town.buildings, town.places, ground)
    return CameraHand(on, town.study.settings.cameras, plan.tables, town.cameras, plan.objective)


@pytest.fixture(scope="module")
def town(make_town):
    town = make_town(villages=2, seed=3, blocks=3)
    old = gpd.GeoDataFrame(
        {"camera_id": ["old", "never"], "status": ["working", "forbidden"], "azimuth_deg": [0.0, math.nan],
         "hfov_deg": [84.0, math.nan], "note": ["", "更衣室"]},
        geometry=[shapely.Point(town.villages["centre_x"][0] + 1.0, town.villages["centre_y"][0] - 6.0),
                  shapely.Point(town.villages["centre_x"][1], town.villages["centre_y"][1] - 50.0)],
        crs=town.roads.crs,
    )  # fmt: skip
    return dataclasses.replace(town, cameras=CAMERAS.conform(old, crs=town.roads.crs))


@pytest.fixture(scope="module")
def plan(town):
    return planned(town)


@pytest.fixture(scope="module")
def hand(town, plan):
    return hand_of(town, plan)


def new_camera(hand, k=0):
    return hand.cameras[hand.cameras["status"] == "new"].iloc[k]


def turned(camera, by_deg, dx=0.0, dy=0.0):
    place = {"x": camera["x"] + dx, "y": camera["y"] + dy}
    azimuth = (camera["azimuth_deg"] + by_deg) % 360
    return CameraChange("move", camera["camera_id"], **place, azimuth_deg=azimuth, hfov_deg=camera["hfov_deg"])


def check_against_the_referee(hand, town):
    """Coverage, entrances and blind road of the hand's tables, from the written cameras alone."""
    demand, settings = demand_of(town), hand.settings
    plan = dataclasses.make_dataclass("Written", ["to_frame"])(lambda: hand.cameras)
    at, weight = demand.points.geometry.to_numpy(), demand.points["weight"].to_numpy()
    by_day = seen_from(plan, at, town.buildings, settings.coverage_px_per_m, settings)
    by_night = seen_by_night(plan, by_day, at, town.places.geometry.to_numpy(), settings).any(axis=0)
    part = (1 - demand.night_share) * by_day.any(axis=0) + demand.night_share * by_night
    assert hand.covered_pct == pytest.approx(100 * weight @ part / weight.sum())
    road, village = demand.points["length_m"].to_numpy(), demand.points["village_id"].to_numpy()
    entrances = hand.tables["entrances"]
    guarded = seen_from(plan, entrances.geometry.to_numpy(), town.buildings, settings.entrance_px_per_m, settings)
    assert list(entrances["seen"]) == list(guarded.any(axis=0))
    for name in hand.tables["summary"]["village_id"]:
        state, own = state_of(hand, name), village == name
        assert state.seen_m == pytest.approx(road[own & by_day.any(axis=0)].sum())
        assert state.seen_at_night_m == pytest.approx(road[own & by_night].sum())
        assert state.blind_m == pytest.approx(road[own & ~by_day.any(axis=0)].sum())
        assert state.entrances_seen == guarded.any(axis=0)[entrances["village_id"] == name].sum()
    views = hand.tables["views"].query("level == 'coverage'").set_index("camera_id").geometry
    views = views[hand.cameras["camera_id"]].to_numpy()
    clear = shapely.distance(shapely.boundary(views)[:, None], at[None, :]) > 1e-6
    assert (shapely.contains(views[:, None], at[None, :]) == by_day)[clear].all()
    seen = shapely.intersection(views, hand.ground.private)
    assert hand.cameras["private_m2"].to_numpy() == pytest.approx(shapely.area(seen), abs=0.06)


def test_locking_every_camera_changes_no_figure_and_the_next_plan_has_them_all(hand, plan, town):
    locked = hand
    for name in hand.cameras.query("status == 'new'")["camera_id"]:
        locked = changed(locked, CameraChange("lock", name))
    for name in FIGURES:
        before, after = (pd.DataFrame(tables[name]).drop(columns="status", errors="ignore")
                         for tables in (plan.tables, locked.tables))  # fmt: skip
        pd.testing.assert_frame_equal(before, after, check_dtype=False)
    after = planned(town, cameras=CAMERAS.conform(locked.listed, crs=town.roads.crs))
    mine = after.to_frame().query("status == 'by_hand'").set_index("camera_id")
    same = ["x", "y", "azimuth_deg", "hfov_deg", "cost_cny"]
    old = plan.to_frame().query("status == 'new'").set_index("camera_id")
    pd.testing.assert_frame_equal(pd.DataFrame(mine.loc[old.index, same]), pd.DataFrame(old[same]))
    assert after.settings["budget_cny"] == plan.settings["budget_cny"]
    assert after.tables["summary"]["cost_cny"].sum() <= plan.settings["budget_cny"]  # a pole is paid once
    assert after.objective >= plan.objective - 0.1
    assert after.to_frame()["camera_id"].is_unique


def test_a_lock_is_not_scored_and_is_what_a_full_score_after_it_finds(hand, monkeypatch):
    """A turn scores the whole plan: locked before it, without a score, or after it must be the same."""
    lock, turn = CameraChange("lock", new_camera(hand)["camera_id"]), turned(new_camera(hand, 2), 75.0)
    unlock = dataclasses.replace(lock, kind="unlock")
    scored = changed(changed(hand, lock), turn)
    with monkeypatch.context() as patch:
        patch.delattr("models.cameras.hand.scene_of_cameras")
        locked, turned_only = changed(hand, lock), changed(changed(scored, unlock), lock)
        with pytest.raises(NameError):
            changed(hand, turn)
    assert len(locked.tables["rollout"]) == len(locked.tables["curve"]) == 0 < len(hand.tables["rollout"])
    after = changed(changed(hand, turn), lock)
    assert (after.covered_pct, after.second_pct) == (scored.covered_pct, scored.second_pct)
    assert (after.cameras["status"] == "by_hand").sum() == 2
    for name in (*FIGURES, "left_out"):
        for other in (after, turned_only):
            pd.testing.assert_frame_equal(pd.DataFrame(scored.tables[name]), pd.DataFrame(other.tables[name]))


@pytest.mark.parametrize(("by_deg", "dx", "dy"), [(75.0, 0.0, 0.0), (180.0, 0.0, 0.0), (30.0, 4.0, -3.5)])
def test_a_moved_or_turned_camera_sees_what_the_referee_says(hand, town, by_deg, dx, dy):
    after = changed(hand, turned(new_camera(hand, 2), by_deg, dx, dy))
    assert after.covered_pct != hand.covered_pct
    check_against_the_referee(after, town)


def test_a_plan_made_before_it_said_why_not_is_changed_alike(hand):
    blind = hand.tables["blind_spots"].drop(columns=list(BEST))
    older = {name: table for name, table in hand.tables.items() if name != "left_out"} | {"blind_spots": blind}
    change = turned(new_camera(hand, 2), 30.0, 0.0, 0.0)
    after, same = changed(dataclasses.replace(hand, tables=with_why_not(older)), change), changed(hand, change)
    assert after.covered_pct == same.covered_pct
    assert not len(after.tables["left_out"])
    assert after.tables["blind_spots"]["best_seen_pct"].isna().all()
    assert with_why_not(hand.tables)["left_out"] is hand.tables["left_out"]


def test_what_is_added_and_removed_is_seen_and_not_seen_any_more(hand, town):
    guard = hand.cameras.query("status == 'new' and entrances_only > 0").iloc[0]
    without = changed(hand, CameraChange("remove", guard["camera_id"]))
    check_against_the_referee(without, town)
    assert hand.covered_pct - without.covered_pct == pytest.approx(guard["gain_pct"])
    village = guard["village_id"]
    assert len(state_of(without, village).open_entrances) == guard["entrances_only"]
    at = {name: guard[name] for name in ("x", "y", "azimuth_deg", "hfov_deg")}
    with pytest.raises(InputError, match=guard["camera_id"]):  # its place is free of new cameras now
        changed(without, CameraChange("add", **at))
    lane = town.villages[["centre_x", "centre_y"]].iloc[0] + 14.0
    more = changed(hand, CameraChange("add", x=lane.iloc[0], y=lane.iloc[1] - 30, azimuth_deg=400.0, hfov_deg=84.0))
    check_against_the_referee(more, town)
    added = more.cameras.iloc[-1] if more.cameras.iloc[-1]["status"] == "by_hand" else more.cameras.iloc[-2]
    assert (added["camera_id"], added["azimuth_deg"]) == ("V000-H1", 40.0)
    price = state_of(more, "V000").cost_cny - state_of(hand, "V000").cost_cny
    assert price == added["cost_cny"] + more.tables["sites"].set_index("site_id").loc[added["site_id"], "cost_cny"]
    back = changed(more, CameraChange("remove", "V000-H1"))
    assert list(back.listed["camera_id"]) == list(hand.listed["camera_id"])
    assert back.covered_pct == pytest.approx(hand.covered_pct)


def test_the_next_plan_keeps_what_hands_did(hand, plan, town):
    first, second = new_camera(hand), new_camera(hand, 1)
    after = changed(changed(hand, turned(first, 60.0)), CameraChange("remove", second["camera_id"]))
    again = planned(town, cameras=CAMERAS.conform(after.listed, crs=town.roads.crs)).to_frame()
    mine = again.set_index("camera_id").loc[first["camera_id"]]
    assert mine["azimuth_deg"] == pytest.approx((first["azimuth_deg"] + 60) % 360, abs=0.06)
    assert (mine["status"], mine["x"], mine["y"]) == ("by_hand", first["x"], first["y"])
    left = again[again["status"] == "new"]
    assert left.distance(shapely.Point(second["x"], second["y"])).min() > 10
    freed = changed(after, CameraChange("unlock", first["camera_id"]))
    assert first["camera_id"] not in set(freed.listed["camera_id"])


def test_other_cameras_of_an_emptied_pole_stay(hand, town):
    shared = hand.cameras.query("status == 'new'").groupby("site_id").filter(lambda own: len(own) > 1)
    one, other = shared.iloc[0], shared[shared["site_id"] == shared.iloc[0]["site_id"]].iloc[1]
    after = changed(hand, CameraChange("remove", one["camera_id"]))
    again = planned(town, cameras=CAMERAS.conform(after.listed, crs=town.roads.crs)).to_frame()
    on_pole = again[again.distance(shapely.Point(one["x"], one["y"])) < 10]
    assert other["camera_id"] in set(on_pole["camera_id"])
    assert (on_pole["status"] == "by_hand").all()


def test_where_no_camera_may_be_it_is_refused_in_one_sentence(hand, town):
    camera = new_camera(hand)
    look = {"azimuth_deg": camera["azimuth_deg"], "hfov_deg": camera["hfov_deg"]}
    house = town.buildings.geometry.iloc[0]
    never = hand.listed.geometry[hand.listed["status"] == "forbidden"].iloc[0]
    corner, middle = shapely.Point(house.bounds[0] - 0.1, house.bounds[1] + 2), house.centroid
    places = {"住房": corner, "住房上": middle, "更衣室": never, "40 米": shapely.Point(never.x + 600, never.y)}
    with speaking("zh"):
        for word, point in places.items():
            with pytest.raises(InputError, match=word):
                changed(hand, CameraChange("move", camera["camera_id"], point.x, point.y, **look))
        for change, word in (
            (CameraChange("add", **look), "没有写明位置"),
            (CameraChange("lock", "V000-C99"), "V000-C99"),
            (CameraChange("remove", "old"), "现有摄像机"),
            (CameraChange("unlock", camera["camera_id"]), "没有改动"),
            (turned(camera, 0.0), "没有改动"),
            (dataclasses.replace(turned(camera, 5.0), hfov_deg=50.0), "84°、24°"),
            (CameraChange("paint", camera["camera_id"]), "paint"),
        ):
            with pytest.raises(InputError, match=word):
                changed(hand, change)


def test_a_full_pole_takes_no_more(hand):
    camera, full = new_camera(hand), hand
    for k in range(1, 5):
        place = {"x": camera["x"], "y": camera["y"], "azimuth_deg": 73.0 * k, "hfov_deg": 84.0}
        if (full.cameras["site_id"] == camera["site_id"]).sum() >= hand.settings.max_cameras_per_pole:
            with pytest.raises(InputError, match="max_cameras_per_pole"):
                changed(full, CameraChange("add", **place))
            return
        full = changed(full, CameraChange("add", **place))
    pytest.fail("the pole took all")


def test_a_recorded_change_is_in_the_plan_the_list_the_log_and_the_next_plan(make_town, town, tmp_path):
    town = dataclasses.replace(make_town(seed=3, blocks=2), cameras=town.cameras)
    ws = Workspace.create(tmp_path / "town", town.study)
    names = ("villages", "roads", "buildings", "places", "cameras", "incidents")
    ws.write({name: getattr(town, name) for name in names})
    (tmp_path / "town" / "plans").mkdir(exist_ok=True)
    plan_town(ws, ["cameras"], until="2024-01-01")
    _, _plan, hand = open_cameras(ws)
    change = turned(new_camera(hand), 90.0)
    with pytest.raises(InputError):
        record_cameras(ws, [change], reason=" ")
    record_cameras(ws, [change], reason="树挡住了")
    made = load_plans(ws)["cameras"]
    assert (made.ended_by, made.bound, made.settings["by_hand"][0]["reason"]) == ("hand", None, "树挡住了")
    assert made.objective == pytest.approx(changed(hand, change).covered_pct)
    for lang in LANGUAGES:
        assert all("{" not in text(key, lang=lang, **values) for key, values in made.notes)
    assert "cameras.by_hand.move" in dict(made.notes)
    row = ws.read("cameras").set_index("camera_id").loc[change.camera_id]
    assert (row["status"], row["note"]) == ("planned", "树挡住了")
    assert ws.read("cameras").set_index("camera_id").loc["never", "note"] == "更衣室"
    entry = audit.entries(ws.root / "audit.jsonl")[-1]
    assert (entry["action"], entry["parameters"]["reason"]) == ("override", "树挡住了")
    assert entry["parameters"]["changes"][0]["camera_id"] == change.camera_id
    record_cameras(ws, [CameraChange("lock", new_camera(hand, 2)["camera_id"])], reason="已谈妥")
    assert dict(load_plans(ws)["cameras"].notes)["cameras.wishes"] == dict(made.notes)["cameras.wishes"]
    again = plan_town(ws, ["cameras"], until="2024-01-01")["cameras"].to_frame()
    assert np.isclose(again.set_index("camera_id").loc[change.camera_id, "azimuth_deg"], change.azimuth_deg % 360)
    ws.write({"places": town.places.iloc[1:]})
    with pytest.raises(InputError):
        open_cameras(ws)
