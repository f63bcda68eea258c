"""Changes by hand: judged by arithmetic of their own, refused where they cut a zone, recorded with their reason."""

import itertools
import json
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_data import audit
from gis_data.barriers import find_crossings
from gis_data.catalogue import LANGUAGES, text
from gis_data.errors import InfeasibleError, InputError, WorkspaceError
from gis_data.workspace import Workspace
from models import store
from models.checkpoint_edit import CheckpointChange, record_checkpoints
from models.districting.problem import broken_rules, objective, recentred
from models.edit import Change, changed, judge
from models.rezone import choose_option, open_edit, record_change
from models.store import load_plans
from models.town_plan import plan_town

WIDE = {"tolerance": 0.6}


EVEN = (40, 20, 20, 40, 40, 20, 20, 40)


@pytest.fixture
def opened(small_workspace):
    """Two zones of four villages; the work wants one in the west and one in the east."""
    ws = small_workspace(counts=EVEN, **WIDE)
    return ws, open_edit(ws)[2]


@pytest.fixture(scope="module")
def hand(small_workspace):
    """Return the same, for what changes nothing on disk."""
    return open_edit(small_workspace(counts=EVEN, **WIDE))[2]


def cheapest_legal(problem, keeps=lambda post: True):
    """The least cost of all ways to cut eight villages in two zones, by trying every one."""
    best = np.inf
    for rest in itertools.product([False, True], repeat=7):
        side = np.array([False, *rest])
        if side.any():
            post = recentred(problem, np.where(side, np.flatnonzero(side)[0], 0))
            if not broken_rules(problem, post) and keeps(post):
                best = min(best, objective(problem, post))
    return best


def move_to_other(hand, unit):
    row = hand.ids.index(unit)
    other = next(zone for zone in hand.zone_ids if zone != hand.zone_of(row))
    return Change("move", (unit,), other)


def test_a_move_is_judged_at_once_and_the_bound_still_holds(hand):
    before = judge(hand)
    assert (before.broken, before.cut_off, before.gap) == ((), (), pytest.approx(0.0, abs=1e-9))
    for unit in hand.ids:
        after = changed(hand, move_to_other(hand, unit))
        now, problem = judge(after), after.case.problem
        loads = np.array([problem.load[after.post == post].sum() for post in after.posts])
        assert now.max_ratio == pytest.approx(loads.max() / loads.mean())
        way = sum(problem.load[i] * problem.travel_min[i, after.post[i]] for i in range(8)) / problem.load.sum()
        assert now.travel_min == pytest.approx(way)
        row = after.ids.index(unit)
        legal = cheapest_legal(problem, lambda post, i=row, j=after.post[row]: post[i] == post[j])
        assert hand.bound <= legal + 1e-9
        if not now.broken:
            assert now.gap == pytest.approx((way - hand.bound / problem.load.sum()) / way)


def test_a_move_that_cuts_a_zone_names_the_villages_and_is_recorded_only_when_insisted(small_workspace):
    # Without bridges the zones are the banks; the second village of a row holds its first to the rest.
    ws = small_workspace(bridges=(300.0,), counts=(60, 40, 40, 5, 5, 5, 5, 5), tolerance=0.9)
    _, plan, hand = open_edit(ws)
    cut = None
    for unit in hand.ids:
        after = judge(changed(hand, move_to_other(hand, unit)))
        if after.cut_off:
            cut = unit, after.cut_off[0]
            break
    assert cut is not None
    unit, (zone, names) = cut
    change = move_to_other(hand, unit)
    with pytest.raises(InfeasibleError, match="、".join(names)) as told:
        record_change(ws, change, reason="试")
    assert vars(told.value)["values"]["zone"] == zone
    assert load_plans(ws)["zones"].objective == plan.objective
    made = record_change(ws, change, reason="村民要求", insist=True)
    assert made.bound is None
    assert any(key == "zones.note.outside" and f"{names[0]} ({zone})" in values["cut"] for key, values in made.notes)
    for lang in LANGUAGES:
        assert all("{" not in text(key, lang=lang, **values) for key, values in made.notes)
    assert not any("、" in text(key, lang="en", **values) for key, values in made.notes)


def test_a_recorded_change_keeps_the_zones_numbers_renews_the_scorecard_and_stands_in_the_log(opened):
    ws, hand = opened
    before = load_plans(ws)
    legal = next(unit for unit in hand.ids if not judge(changed(hand, move_to_other(hand, unit))).broken)
    change = move_to_other(hand, legal)
    with pytest.raises(InputError, match="理由"):
        record_change(ws, change, reason="  ")
    record_change(ws, change, reason="走访后调整")
    after = load_plans(ws)
    zone = [plans["zones"].tables["units"].set_index("unit_id")["zone_id"] for plans in (before, after)]
    assert zone[1][legal] == change.zone_id
    assert (zone[0].drop(legal) == zone[1].drop(legal)).all()
    counts = after["zones"].tables["units"].groupby("zone_id").size()
    assert after["zones"].to_frame().set_index("zone_id")["units"].to_dict() == counts.to_dict()
    assert after["scorecard"].to_frame()["reported"].sum() == before["scorecard"].to_frame()["reported"].sum()
    assert after["scorecard"].to_frame()["reported"].tolist() != before["scorecard"].to_frame()["reported"].tolist()
    assert after["zones"].bound <= after["zones"].objective
    line = json.loads((ws.root / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["action"], line["parameters"]["reason"]) == ("override", "走访后调整")
    assert line["parameters"]["change"]["units"] == [legal]
    assert audit.verify(ws.root / "audit.jsonl") is None
    again = open_edit(ws)[2]
    assert [change["reason"] for change in again.done] == ["走访后调整"]
    assert judge(again).travel_min == pytest.approx(after["zones"].objective)


def test_a_post_set_by_hand_stays_and_is_never_nearer_than_the_best(opened):
    ws, hand = opened
    unit = next(unit for row, unit in enumerate(hand.ids) if row not in hand.posts)
    after = changed(hand, Change("post", (unit,)))
    assert judge(after).travel_min >= judge(hand).travel_min - 1e-9
    record_change(ws, Change("post", (unit,)), reason="有现成警务室")
    zones = load_plans(ws)["zones"].to_frame()
    assert unit in set(zones["post_unit"])
    assert zones["zone_id"].tolist() == list(hand.zone_ids)


def test_a_locked_village_does_not_move_until_it_is_unlocked(opened):
    ws, hand = opened
    unit = hand.ids[2]
    record_change(ws, Change("lock", (unit,)), reason="工作站在此")
    locked = open_edit(ws)[2]
    with pytest.raises(InputError, match="已锁定"):
        changed(locked, move_to_other(locked, unit))
    record_change(ws, Change("unlock", (unit,)), reason="工作站迁走")
    free = open_edit(ws)[2]
    changed(free, move_to_other(free, unit))


def test_closing_the_only_bridge_names_who_is_cut_off_and_the_open_bound_holds(small_workspace):
    ws = small_workspace(counts=(60, 5, 5, 60, 60, 5, 5, 60), **WIDE)
    hand = open_edit(ws)[2]
    crossings = hand.tables.crossings
    assert len(crossings) == 2
    one = changed(hand, Change("close", crossing_id=int(crossings["crossing_id"].iloc[0])))
    assert (one.case.problem.travel_min >= hand.case.problem.travel_min - 1e-9).all()
    assert judge(one).travel_min > judge(hand).travel_min
    assert hand.bound <= cheapest_legal(one.case.problem) + 1e-9
    both = changed(one, Change("close", crossing_id=int(crossings["crossing_id"].iloc[1])))
    cut = judge(both)
    assert len(cut.cut_off) == 2
    assert cut.bound_min is None
    bank = {hand.case.ground.units["name"].iloc[row]: row // 4 for row in range(8)}
    for (_, names), post in zip(cut.cut_off, both.posts, strict=True):
        assert all(bank[name] != post // 4 for name in names)


def test_cells_of_a_town_without_villages_are_moved_together(small_workspace):
    ws = small_workspace(counts=EVEN, villages=False, **WIDE)
    hand = open_edit(ws)[2]
    problem, own = hand.case.problem, np.array([hand.zone_of(row) for row in range(len(hand.ids))])
    assert problem.size == 96
    border = [row for row in np.flatnonzero(own == "Z1") if any(own[near] == "Z2" for near in problem.neighbours[row])]
    cells = tuple(hand.ids[row] for row in border if row not in hand.posts)
    assert len(cells) > 4
    after = changed(hand, Change("move", cells, "Z2"))
    verdict = judge(after)
    moved = np.isin(hand.ids, cells)
    load = {zone: problem.load[np.where(moved, "Z2", own) == zone].sum() for zone in ("Z1", "Z2")}
    assert verdict.max_ratio == pytest.approx(2 * max(load.values()) / sum(load.values()))
    assert verdict.cut_off == ()
    record_change(ws, Change("move", cells, "Z2"), reason="沿大路分", insist=True)
    kept = load_plans(ws)["zones"]
    assert set(kept.tables["units"].set_index("unit_id").loc[list(cells), "zone_id"]) == {"Z2"}
    said = next(values for key, values in kept.notes if key == "zones.note.by_hand.move")
    assert len(said["names"]) <= 10
    assert str(len(cells)) in said["names"][-1]


@pytest.fixture(scope="module")
def driven(small_workspace):
    """Return a hand on a town whose two bridges meet the roads of both banks at their junctions."""
    return open_edit(small_workspace(bridges=(600.0, 1800.0), counts=EVEN, **WIDE))[2]


def road_between(hand, a, b):
    """The segment that joins two points, in metres from the town's corner."""
    roads = hand.tables.roads
    wanted = shapely.LineString([(486_000.0 + x, 4_061_000.0 + y) for x, y in (a, b)])
    return int(roads.loc[roads.geometry.apply(wanted.equals), "road_id"].iloc[0])


def closing(hand, *road_ids):
    return changed(hand, Change("close_road", road_ids=road_ids))


def test_a_closed_road_sends_everyone_the_long_way(driven):
    bridge, bank = road_between(driven, (600, 300), (600, 1300)), road_between(driven, (600, 300), (1200, 300))
    at_25_km_per_h = 0.06 / 25
    now = driven.case.problem.travel_min
    assert now[4, 0] == pytest.approx((300 + 1000 + 300) * at_25_km_per_h)
    assert closing(driven, bridge).case.problem.travel_min[4, 0] == pytest.approx(4000 * at_25_km_per_h)
    # The road that village 1 stands on is gone: it walks 300 m to the junction, 12 minutes a kilometre.
    without = closing(driven, bank).case.problem.travel_min
    assert without[1, 0] == pytest.approx(300 * at_25_km_per_h + 0.3 * 12)
    assert without[2, 0] == pytest.approx((300 + 1000 + 1200 + 1000 + 300) * at_25_km_per_h)


def test_closing_the_road_of_a_bridge_is_closing_the_bridge(driven):
    crossing = driven.tables.crossings.iloc[0]
    by_bridge = changed(driven, Change("close", crossing_id=int(crossing["crossing_id"])))
    by_road = closing(driven, int(crossing["road_id"]))
    np.testing.assert_array_equal(by_road.case.problem.travel_min, by_bridge.case.problem.travel_min)
    assert by_road.case.problem.neighbours == by_bridge.case.problem.neighbours
    assert by_road.case.problem.neighbours != driven.case.problem.neighbours


@pytest.mark.parametrize("half", [0, 1])
def test_a_bridge_cut_on_its_river_falls_with_either_half(small_workspace, half):
    ws = small_workspace(bridges=(600.0, 1800.0), counts=EVEN, **WIDE)
    roads = ws.read("roads")
    bridges = roads[roads.geometry.length == 1000.0]
    middle = bridges.geometry.centroid
    shapes = [
        shapely.LineString([line.coords[k], spot.coords[0]])
        for line, spot in zip(bridges.geometry, middle, strict=True) for k in (0, 1)
    ]  # fmt: skip
    halves = gpd.GeoDataFrame(bridges.loc[bridges.index.repeat(2)].drop(columns="geometry"), geometry=shapes,
                              crs=roads.crs)  # fmt: skip
    # A line of each half starts at its bank; the middle of bridge m is junction 90 + m.
    halves["from_node"] = np.ravel(bridges[["from_node", "to_node"]])
    halves["to_node"], halves["length_m"] = [90, 90, 91, 91], 500.0
    halves["road_id"] = np.arange(100, 104)
    roads = pd.concat([roads.drop(bridges.index), halves], ignore_index=True)
    ws.write({"roads": roads, "crossings": find_crossings(ws.read("barriers"), roads, crs=str(roads.crs))})
    plan_town(ws, ["zones"], seed=1)
    hand = open_edit(ws)[2]
    assert len(hand.tables.crossings) == 2
    cut = closing(hand, 100 + half, 102 + half)
    assert not {(row, near) for row in range(4) for near in cut.case.problem.neighbours[row] if near >= 4}


@settings(max_examples=12, deadline=None)
@given(shut=st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True))
def test_closing_roads_makes_no_way_shorter_and_no_work_and_the_bound_holds(driven, shut):
    hand, gone = driven, []
    for road in driven.tables.roads["road_id"].iloc[shut]:
        before = hand.case
        hand = closing(hand, int(road))
        gone.append(int(road))
        after, now = judge(hand), hand.case
        assert (now.problem.travel_min >= before.problem.travel_min - 1e-9).all()
        assert hand.bound <= cheapest_legal(now.problem) + 1e-6
        assert after.broken or after.bound_min <= after.travel_min
        km = float(driven.tables.roads.set_index("road_id").loc[int(road), "length_m"]) / 1000
        less = before.ground.units["patrol_min"].sum() - now.ground.units["patrol_min"].sum()
        assert less == pytest.approx(km / 25 * 60 * 2)  # twice a week at 25 km/h
        rest = ["incident_min", "fixed_min"]
        assert now.ground.units[rest].equals(before.ground.units[rest])
    together = closing(driven, *gone)
    assert judge(together) == judge(hand)
    assert judge(changed(together, Change("open_road", road_ids=tuple(gone[:1])))) == judge(driven)


def test_a_road_closed_by_hand_stays_closed_and_no_beat_has_it(small_workspace):
    ws = small_workspace(bridges=(600.0, 1800.0), counts=EVEN, **WIDE)
    plan_town(ws, ["beats"], seed=1)
    _, _, hand = open_edit(ws)
    road = road_between(hand, (600, 300), (600, 1300))
    assert road in set(load_plans(ws)["beats"].tables["segments"]["road_id"])
    change = Change("close_road", road_ids=(road,))
    verdict = judge(changed(hand, change))
    made = record_change(ws, change, reason="桥面维修", insist=bool(verdict.cut_off))
    assert road not in set(load_plans(ws)["beats"].tables["segments"]["road_id"])
    again = open_edit(ws)[2]
    assert judge(again) == verdict
    assert again.closed_roads == {road}
    with pytest.raises(InputError, match="已经封闭"):
        closing(again, road)
    line = json.loads((ws.root / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["action"], line["parameters"]["reason"]) == ("override", "桥面维修")
    assert line["parameters"]["change"]["road_ids"] == [road]
    closed = [values for key, values in made.notes if key == "zones.note.closed"]
    said = [text("zones.note.closed", lang=lang, **values) for values in closed for lang in LANGUAGES]
    assert len(said) == 2
    assert all(f"#{road}" in sentence and "桥面维修" in sentence for sentence in said)


@pytest.fixture(scope="module")
def one_shut(small_workspace):
    """A town with all its plans, in which hands have closed one of two bridges."""
    ws = small_workspace(bridges=(600.0, 1800.0), counts=EVEN, **WIDE)
    plan_town(ws, ["beats"], seed=1)
    road = road_between(open_edit(ws)[2], (600, 300), (600, 1300))
    record_change(ws, Change("close_road", road_ids=(road,)), reason="桥面维修", insist=True)
    return ws.root, road


@pytest.fixture
def shut_bridge(one_shut, tmp_path):
    root, road = one_shut
    shutil.copytree(root, tmp_path / "town")
    return Workspace.open(tmp_path / "town"), road


def kilometres(ws):
    """The road of each zone, as the zones, the beats and the scorecard have it."""
    plans = load_plans(ws)
    tables = [plans["zones"].to_frame(), plans["beats"].tables["zones"], plans["scorecard"].to_frame()]
    return [table.set_index("zone_id")["road_km"].to_dict() for table in tables]


def test_a_closed_road_stays_closed_in_later_plans_and_is_nobodys_work(shut_bridge):
    ws, road = shut_bridge
    whole = ws.read("cells")["road_m"].sum() / 1000
    for again in range(2):
        zones, beats, scored = kilometres(ws)
        assert beats == pytest.approx(zones)
        assert scored == pytest.approx(zones)
        assert sum(zones.values()) == pytest.approx(whole - 1.0), again
        assert road not in set(load_plans(ws)["beats"].tables["segments"]["road_id"])
        made = plan_town(ws, ["zones", "beats", "scorecard"], seed=1)["zones"]
    assert [(key, values["reason"]) for key, values in made.notes if key.endswith("closed")] == [
        ("zones.note.closed", "桥面维修")
    ]
    assert made.bound is not None
    hand = open_edit(ws)[2]
    assert hand.closed_roads == {road}
    assert hand.case.problem.travel_min[4, 0] == pytest.approx(4000 * 0.06 / 25)


def test_what_hands_decided_outlives_plans_of_an_older_format(shut_bridge, monkeypatch):
    ws, road = shut_bridge
    wish = CheckpointChange("add", x=486_900.0, y=4_061_330.0, name="桥头", visits=3)
    record_checkpoints(ws, [wish], reason="夜间有人聚集")
    monkeypatch.setattr(store, "FORMAT", store.FORMAT + 1)
    assert load_plans(ws) == {}
    plan_town(ws, ["hotspots"], seed=1)  # a run without the two in between
    assert set(load_plans(ws)) == {"hotspots"}
    plan_town(ws, ["zones", "beats"], seed=1)
    plans = load_plans(ws)
    assert open_edit(ws)[2].closed_roads == {road}
    assert road not in set(plans["beats"].tables["segments"]["road_id"])
    kept = plans["beats"].tables["checkpoints"].set_index("kind").loc["by_hand"]
    assert kept["name"] == "桥头"
    assert "夜间有人聚集" in kept["reason"]
    assert [one["reason"] for one in store.settings_of(ws)["zones"]["closings"]] == ["桥面维修"]


@pytest.mark.parametrize(
    ("name", "settings"), [("zones", {"closings": [[3, 4]]}), ("beats", {"by_hand": [{"at": "桥头"}]})]
)
def test_decisions_that_another_version_kept_otherwise_are_told_with_their_file(shut_bridge, name, settings):
    ws, _ = shut_bridge
    folder = store.current_run(ws)
    assert folder is not None
    head = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    (folder / f"{name}.json").write_text(json.dumps(head | {"format": 0, "settings": settings}), encoding="utf-8")
    with pytest.raises(WorkspaceError, match=f"{name}.json"):
        plan_town(ws, [name], seed=1)
    (folder / f"{name}.json").unlink()
    assert name in plan_town(ws, [name], seed=1)


def test_an_opened_road_is_work_and_way_again_and_the_log_says_why(shut_bridge):
    ws, road = shut_bridge
    hand = open_edit(ws)[2]
    free = changed(hand, Change("open_road", road_ids=(road,)))
    assert free.case.problem.travel_min[4, 0] == pytest.approx(1600 * 0.06 / 25)
    assert free.bound <= cheapest_legal(free.case.problem) + 1e-6
    with pytest.raises(InputError, match="没有封闭"):
        changed(free, Change("open_road", road_ids=(road,)))
    record_change(ws, Change("open_road", road_ids=(road,)), reason="桥修好了", insist=True)
    zones, beats, scored = kilometres(ws)
    assert sum(zones.values()) == pytest.approx(ws.read("cells")["road_m"].sum() / 1000)
    assert beats == pytest.approx(zones)
    assert scored == pytest.approx(zones)
    made = load_plans(ws)["zones"]
    assert made.settings["closings"] == []
    assert not any(key.endswith("closed") for key, _ in made.notes)
    line = json.loads((ws.root / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["parameters"]["change"]["kind"], line["parameters"]["reason"]) == ("open_road", "桥修好了")
    assert judge(open_edit(ws)[2]) == judge(free)


def test_a_closed_road_is_found_again_under_another_number_and_told_where_it_is_gone(shut_bridge):
    ws, road = shut_bridge
    roads = ws.read("roads")
    anew = roads.iloc[::-1].assign(road_id=range(50, 50 + len(roads))).reset_index(drop=True)
    number = int(anew.loc[anew.geometry.geom_equals(roads.set_index("road_id").geometry[road]), "road_id"].iloc[0])
    ws.write({"roads": anew, "crossings": find_crossings(ws.read("barriers"), anew, crs=str(roads.crs))})
    plan_town(ws, ["zones"], seed=1)
    assert open_edit(ws)[2].closed_roads == {number}
    left = anew[anew["road_id"] != number].reset_index(drop=True)
    ws.write({"roads": left, "crossings": find_crossings(ws.read("barriers"), left, crs=str(roads.crs))})
    made = plan_town(ws, ["zones"], seed=1)["zones"]
    assert made.settings["closings"] == []
    assert [values["reason"] for key, values in made.notes if key == "zones.note.closing_lost"] == ["桥面维修"]


def test_another_number_of_zones_is_scored_at_once_and_beats_nobody_made_are_not(small_workspace):
    """The card of the zones before stood beside the new ones, and printing them ended in a traceback."""
    ws = small_workspace(counts=EVEN, count=2, tolerance=0.6, time_limit_s=1.0)
    plan_town(ws, ["zones"], seed=1, changes={"zones": {"count": 3}})
    plans = load_plans(ws)
    assert plans["scorecard"].to_frame()["zone_id"].tolist() == plans["zones"].to_frame()["zone_id"].tolist()
    assert len(plans["zones"].to_frame()) == 3
    assert "beats" not in plans
    assert audit.entries(ws.root / "audit.jsonl")[-1]["parameters"]["parts"] == ["zones", "scorecard"]


def test_options_reckoned_with_other_roads_closed_are_stale(small_workspace):
    ws = small_workspace(counts=EVEN, count=2, tolerance=0.6, time_limit_s=1.0)
    plan_town(ws, ["options"], seed=1)
    option = load_plans(ws)["options"].to_frame().query("found")["option_id"].iloc[0]
    road = int(open_edit(ws)[2].tables.roads["road_id"].iloc[0])
    record_change(ws, Change("close_road", road_ids=(road,)), reason="修路", insist=True)
    with pytest.raises(InputError, match="封闭"):
        choose_option(ws, option)
    record_change(ws, Change("open_road", road_ids=(road,)), reason="修好", insist=True)
    assert choose_option(ws, option).settings["closings"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [(Change("close_road", road_ids=(77,)), "77"), (Change("close_road"), "先选"),
     (Change("move", ("V99",), "Z1"), "V99"),
     (Change("move", ("V1",), "Z9"), "Z9"), (Change("move", (), "Z1"), "先选"),
     (Change("close", crossing_id=77), "77")],
)  # fmt: skip
def test_what_is_not_there_is_refused_in_a_sentence(hand, change, words):
    with pytest.raises(InputError, match=words):
        changed(hand, change)


def test_a_move_to_where_it_is_and_one_that_empties_a_zone_are_refused(hand):
    with pytest.raises(InputError, match="没有改动"):
        changed(hand, Change("move", (hand.ids[0],), hand.zone_of(0)))
    members = tuple(unit for row, unit in enumerate(hand.ids) if hand.zone_of(row) == "Z1")
    with pytest.raises(InputError, match="Z1"):
        changed(hand, Change("move", members, "Z2"))


def test_a_plan_older_than_the_records_is_not_changed(opened):
    ws, hand = opened
    ws.write({"incidents": ws.read("incidents").iloc[:-5]})
    with pytest.raises(InputError, match="plan DIR zones"):
        record_change(ws, move_to_other(hand, hand.ids[0]), reason="试")
