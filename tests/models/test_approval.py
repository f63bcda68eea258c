"""A run's way: no approval without a check, no step without a line in the log, the approved run is never dropped."""

import dataclasses

import geopandas as gpd
import pytest
import shapely

from gis_data import audit
from gis_data.errors import InputError
from gis_data.study import Study
from gis_data.workspace import Workspace
from models import approval, store
from models.plan import Plan

CRS = "EPSG:4549"


@pytest.fixture
def ws(tmp_path):
    return Workspace.create(tmp_path / "town", Study("镇", shapely.box(480_000, 4_000_000, 481_000, 4_001_000), CRS))


def zones(ratios=(1.05, 0.95), *, by_hand=(), bound=5.0, road_km=(3.0, 4.0)) -> dict[str, Plan]:
    table = gpd.GeoDataFrame(
        {"zone_id": ["Z1", "Z2"], "load_ratio": list(ratios), "road_km": list(road_km)},
        geometry=[shapely.Point(0, 0), shapely.Point(1, 1)], crs=CRS,
    )  # fmt: skip
    settings = {"zones": {"tolerance": 0.1}, "by_hand": list(by_hand)}
    made = Plan("zones", {"zones": table}, settings, seed=1, seconds=0.1, objective=5.0, bound=bound)
    score = Plan("scorecard", {"scorecard": table.drop(columns="load_ratio")}, {}, seed=1, seconds=0.1)
    return {"zones": made, "scorecard": score}


def whole(plans: dict[str, Plan]) -> dict[str, Plan]:
    """Return a run in which no part is missing."""
    one = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=CRS)
    others = {name: Plan(name, {name: one}, {}, 1, 0.1) for name in ("hotspots", "cameras")}
    beats = Plan("beats", {"beats": plans["zones"].to_frame(), "zones": plans["zones"].to_frame()}, {}, 1, 0.1)
    return plans | others | {"beats": beats}


def failing(ws: Workspace, plans: dict[str, Plan]) -> set[str]:
    return {check.key for check in approval.check_run(ws, plans) if not check.holds}


def test_a_run_goes_from_proposal_to_checked_to_approved_and_each_step_is_logged_with_its_role(ws):
    store.save_plans(ws, whole(zones()), run="20260101T000000")
    (run,) = approval.runs(ws)
    assert (run.state, run.current, run.in_force) == ("proposal", True, False)
    approval.take_step(ws, run.name, "checked")
    found = approval.take_step(ws, run.name, "approved", note="所务会通过")
    assert (found.state, found.in_force) == ("approved", True)
    assert [(step.state, step.role) for step in found.steps] == [("checked", "checker"), ("approved", "approver")]
    log = audit.entries(ws.root / "audit.jsonl")[-2:]
    assert [(entry["action"], entry["role"]) for entry in log] == [
        ("run.checked", "checker"),
        ("run.approved", "approver"),
    ]
    assert audit.verify(ws.root / "audit.jsonl") is None


def test_nobody_approves_what_nobody_checked(ws):
    store.save_plans(ws, whole(zones()), run="20260101T000000")
    with pytest.raises(InputError, match="先核对"):
        approval.take_step(ws, "20260101T000000", "approved")
    assert approval.runs(ws)[0].state == "proposal"
    assert store.pointed_at(ws, store.APPROVED) == ""


def test_a_run_that_fails_a_check_needs_a_reason(ws):
    store.save_plans(ws, whole(zones((1.3, 0.7))), run="20260101T000000")
    with pytest.raises(InputError, match="理由"):
        approval.take_step(ws, "20260101T000000", "checked")
    assert approval.take_step(ws, "20260101T000000", "checked", note="河东只有一个村").state == "checked"


def test_taking_an_approved_run_back_leaves_nothing_in_force(ws):
    store.save_plans(ws, whole(zones()), run="20260101T000000")
    for state in ("checked", "approved"):
        approval.take_step(ws, "20260101T000000", state)
    with pytest.raises(InputError, match="理由"):
        approval.take_step(ws, "20260101T000000", "proposal")
    approval.take_step(ws, "20260101T000000", "proposal", note="村名有误")
    assert not approval.runs(ws)[0].in_force
    assert approval.run_to_print(ws) == "20260101T000000"  # the current one again


def test_the_approved_run_outlives_newer_ones_and_is_what_is_printed(ws):
    for second in range(9):
        store.save_plans(ws, whole(zones()), run=f"20260101T00000{second}")
        if second == 1:
            for state in ("checked", "approved"):
                approval.take_step(ws, f"20260101T00000{second}", state)
    names = [run.name for run in approval.runs(ws)]
    assert names == [f"20260101T00000{second}" for second in (8, 7, 6, 5, 4, 1)]
    assert approval.run_to_print(ws) == "20260101T000001"
    approval.show_run(ws, "20260101T000005")
    assert store.current_run(ws).name == "20260101T000005"


def test_each_check_fails_on_what_it_is_for(ws):
    good = whole(zones())
    assert failing(ws, good) == set()
    assert failing(ws, {"zones": good["zones"], "scorecard": good["scorecard"]}) == {"complete"}
    assert failing(ws, whole(zones((1.101, 0.899)))) == {"balance"}
    assert failing(ws, whole(zones((1.1004, 0.8996)))) == set()  # ratios are kept with three digits
    assert failing(ws, whole(zones(bound=None))) == {"bound"}
    assert failing(ws, whole(zones(by_hand=[{"kind": "move", "insisted": True}]))) == {"whole"}
    assert failing(ws, good | {"scorecard": zones(road_km=(4.0, 3.0))["scorecard"]}) == {"together"}
    stale = Plan("zones", good["zones"].tables, good["zones"].settings, 1, 0.1, 5.0, 5.0, inputs={"villages": "old"})
    assert failing(ws, good | {"zones": stale}) == {"fresh"}
    old_list = {name: dataclasses.replace(plan, inputs={"cameras": "old"}) for name, plan in good.items()}
    assert failing(ws, old_list) == {"fresh"}
    assert failing(ws, old_list | {"cameras": good["cameras"]}) == set()  # no other plan asks where cameras stand
    ws.log("print")
    log = ws.root / "audit.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace("create", "CREATE"), encoding="utf-8")
    assert failing(ws, good) == {"log"}
