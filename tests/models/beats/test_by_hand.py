"""Checkpoints by hand: they come before every rule, take their minutes, and stay when the plan is made again."""

import json
from dataclasses import replace

import pytest
import shapely

from gis_data import audit
from gis_data.errors import InputError
from models.beats.checkpoints import Wish
from models.checkpoint_edit import CheckpointChange, changed, open_checkpoints, places_of, record_checkpoints
from models.edit import Change
from models.rezone import open_edit, record_change
from models.store import load_plans
from models.town_plan import plan_town

EAST, NORTH = 486_000.0, 4_061_000.0
HERE = CheckpointChange("add", x=EAST + 900, y=NORTH + 330, name="桥头", visits=3)


@pytest.fixture(scope="module")
def opened(small_workspace):
    ws = small_workspace(counts=(40, 20, 20, 40, 40, 20, 20, 40), tolerance=0.6)
    plan_town(ws, ["beats"], seed=1)
    return ws, open_checkpoints(ws)[2]


def test_a_checkpoint_by_hand_stands_on_the_road_and_takes_its_visits(opened):
    _, hand = opened
    after = changed(hand, HERE)
    row = after.checkpoints.set_index("checkpoint_id").loc[places_of(after)["H1"]]
    assert (row["kind"], row["name"], row["min_visits_per_week"]) == ("by_hand", "桥头", 3)
    assert row.geometry.equals_exact(shapely.Point(EAST + 900, NORTH + 300), 0.01)
    was, now = (one.tables["beats"].set_index("beat_id").loc[row["beat_id"]] for one in (hand, after))
    assert now["visits_per_week"] == was["visits_per_week"] + 3
    assert now["visit_min_per_week"] <= now["standing_min_per_week"]


def test_taking_it_away_gives_the_plan_as_it_was(opened):
    _, hand = opened
    back = changed(changed(hand, HERE), CheckpointChange("remove", "H1"))
    assert back.wishes == hand.wishes
    assert back.checkpoints.equals(hand.checkpoints)
    assert back.tables["left_out"].equals(hand.tables["left_out"])
    assert back.tables["beats"].equals(hand.tables["beats"])


def test_a_wish_comes_before_the_rules_when_minutes_are_short(grid_town, make_beats, hotspot):
    """Of 240 minutes two hotspots of 84 find room; with a wish of 84 only one does."""
    town = grid_town(zones={"tolerance": 0.5})
    spots = hotspot(*((f"H{k}", 150 + 600 * k, 300, 60.0, "") for k in range(4)))
    wish = Wish("H1", "桥头", EAST + 1_200, NORTH + 300, 7)
    plan = make_beats(town, hotspots=spots, count=1, by_hand=[wish])
    assert plan.tables["left_out"]["name"].tolist() == ["H1", "H2", "H3"]
    assert plan.tables["checkpoints"]["kind"].tolist() == ["by_hand", "hotspot"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replace(HERE, x=EAST + 9_000), "500"),
        (replace(HERE, visits=0), "1 到 21"),
        (replace(HERE, visits=22), "22"),
        (CheckpointChange("remove", "H7"), "H7"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(opened, change, words):
    with pytest.raises(InputError, match=words):
        changed(opened[1], change)


def test_more_visits_than_a_beat_has_minutes_for_are_refused_with_the_minutes(opened):
    hand = changed(opened[1], replace(HERE, visits=15))
    with pytest.raises(InputError, match="只剩"):
        changed(hand, replace(HERE, x=HERE.x + 250, visits=15))


def test_a_place_without_a_name_is_called_after_the_nearest_village(opened):
    after = changed(opened[1], replace(HERE, name=" "))
    assert after.wishes[-1].name == "村1"


def test_a_recorded_checkpoint_carries_its_reason_and_stays_when_zones_change(small_workspace):
    ws = small_workspace(counts=(40, 20, 20, 40, 40, 20, 20, 40), tolerance=0.6)
    plan_town(ws, ["beats"], seed=1)
    with pytest.raises(InputError, match="理由"):
        record_checkpoints(ws, [HERE], reason=" ")
    record_checkpoints(ws, [HERE], reason="夜间有人聚集")
    hand = open_edit(ws)[2]
    record_change(ws, Change("lock", (hand.ids[0],)), reason="工作站在此")
    beats = load_plans(ws)["beats"]
    row = beats.tables["checkpoints"].set_index("kind").loc["by_hand"]
    assert "夜间有人聚集" in row["reason"]
    assert beats.settings["by_hand"] == [
        {"wish_id": "H1", "name": "桥头", "x": HERE.x, "y": HERE.y, "visits": 3, "reason": "夜间有人聚集"}
    ]
    lines = [json.loads(line) for line in (ws.root / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    said = [line["parameters"] for line in lines if line["action"] == "override"]
    assert [(one.get("plan"), one["reason"]) for one in said] == [("beats", "夜间有人聚集"), (None, "工作站在此")]
    assert audit.verify(ws.root / "audit.jsonl") is None
    assert "scorecard" in load_plans(ws)
