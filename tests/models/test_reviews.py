"""Decisions by hand: each has a day on which it is looked at again, and none that is over is asked about."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from gis_data import acting, audit
from gis_data.acting import STATION, Actor
from gis_data.change_settings import change_settings
from gis_data.errors import AccessError, InputError
from gis_data.settings import Settings
from gis_data.study import Study
from gis_data.workspace import Workspace
from models import agenda, reviews
from models.edit import Change
from models.plan import Plan
from models.rezone import record_change
from models.store import load_plans

ZONE = "Asia/Shanghai"


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz=ZONE)


def plan(name: str, by_hand: list[dict], **tables) -> Plan:
    return Plan(name, tables, {"by_hand": by_hand}, 1, 0.1)


UNITS = pd.DataFrame({"unit_id": ["V1", "V2"], "name": ["东河", "西河"]})
MOVED = {"kind": "move", "units": ["V1"], "zone_id": "Z2", "crossing_id": -1, "road_ids": [], "reason": "汛期"}
CAMERAS = pd.DataFrame(
    {"camera_id": ["C1", "C2", "C3"], "status": ["working", "planned", "forbidden"], "note": ["", "村里要求", "坟地"]}
)


def entry(when: str, action: str, **parameters) -> dict:
    return {"when": when, "action": action, "parameters": parameters}


def found(plans=None, cameras=CAMERAS.iloc[:0], settings=None, entries=(), today="2026-07-01"):
    settings = Settings.from_mapping(settings or {})
    return reviews.decisions(plans or {}, cameras, settings, list(entries), today=day(today))


def test_every_kind_of_decision_is_found_with_the_day_of_its_entry():
    changes = [
        MOVED, MOVED | {"units": ["V2"]}, MOVED | {"kind": "lock", "units": ["V2"], "reason": "村里要求"},
        MOVED | {"kind": "unlock", "units": ["V2"], "reason": "不用了"},
        MOVED | {"kind": "close_road", "units": [], "road_ids": [7], "reason": "桥在修"},
    ]  # fmt: skip
    zones = plan("zones", changes, zones=None, units=UNITS)
    closed = {"closings": [{"road_ids": [7], "spots": [[0.0, 0.0]], "reason": "桥在修"}]}
    plans = {
        "zones": replace(zones, settings=dict(zones.settings) | closed),
        "beats": plan("beats", [{"wish_id": "H1", "name": "校门", "x": 0, "y": 0, "visits": 2, "reason": "放学拥堵"}]),
    }  # fmt: skip
    entries = [
        entry("2026-01-31T17:00:00+00:00", "override", reason="汛期", change={}),  # the 1st of February at the station
        entry("2026-02-03T01:00:00+00:00", "override", reason="桥在修", change={}),
        entry("2026-02-04T01:00:00+00:00", "override", plan="beats", reason="放学拥堵"),
        entry("2026-02-05T01:00:00+00:00", "override", plan="cameras", reason="村里要求"),
        entry("2026-02-06T01:00:00+00:00", "override", plan="cameras", reason="坟地"),
        entry("2026-02-07T01:00:00+00:00", "settings", changes={"cameras.deferred_villages": ["", "东河=村部要搬"]}),
    ]
    told = found(plans, CAMERAS, {"cameras": {"deferred_villages": "东河=村部要搬"}}, entries)
    assert [(one.kind, one.names, one.reason, one.due_on) for one in told] == [
        ("zones", ("东河", "西河"), "汛期", day("2026-08-01")),
        ("closed_roads", ("#7",), "桥在修", day("2026-08-03")),
        ("beats", ("校门",), "放学拥堵", day("2026-08-04")),
        ("cameras", ("C2",), "村里要求", day("2026-08-05")),
        ("cameras", ("C3",), "坟地", day("2026-08-06")),
        ("deferred_villages", ("东河",), "村部要搬", day("2026-08-07")),
    ]


def test_a_setting_counts_from_the_entry_that_said_it_first_and_anew_when_it_was_said_again():
    setting = "cameras.deferred_villages"
    entries = [
        entry("2026-01-10T01:00:00+00:00", "settings", changes={setting: ["", "东河=等路"]}),
        entry("2026-03-10T01:00:00+00:00", "settings", changes={setting: ["东河=等路", "东河=等路;西河=等电"]}),
    ]
    settings = {"cameras": {"deferred_villages": "东河=等路;西河=等电"}, "review_after_months": 2}
    assert {one.names[0]: one.due_on for one in found(settings=settings, entries=entries)} == {
        "东河": day("2026-03-10"), "西河": day("2026-05-10")
    }  # fmt: skip
    again = [
        *entries,
        entry("2026-04-01T01:00:00+00:00", "settings", changes={setting: ["东河=等路;西河=等电", "西河=等电"]}),
        entry("2026-04-20T01:00:00+00:00", "settings", changes={setting: ["西河=等电", "西河=等电;东河=等路"]}),
    ]
    assert {one.names[0]: one.due_on for one in found(settings=settings, entries=again)}["东河"] == day("2026-06-20")


@pytest.mark.parametrize(
    ("reason", "due"),
    [
        ("等新路，2027-03-31 通车", "2027-03-31"),
        ("2025-12-01 村民来电，等到 2026-05-01", "2026-05-01"),
        ("2025-12-01 村民来电", "2026-07-10"),  # a day before the decision is no term
        ("编号 2026-13-99", "2026-07-10"),
        ("单号 12026-05-011", "2026-07-10"),
    ],
)
def test_the_day_that_a_reason_names_is_the_day_of_its_review(reason, due):
    settings = {"cameras": {"deferred_villages": f"东河={reason}"}}
    entries = [
        entry("2026-01-10T01:00:00+00:00", "settings",
              changes={"cameras.deferred_villages": ["", f"东河={reason}"]})
    ]  # fmt: skip
    assert found(settings=settings, entries=entries)[0].due_on == day(due)


def test_what_the_log_does_not_know_is_due_today():
    (one,) = found(settings={"cameras": {"also_villages": "东河=水库"}}, today="2026-07-01")
    assert (one.decided_on, one.due_on) == (None, day("2026-07-01"))


def test_a_decision_that_was_taken_back_is_not_asked_about():
    entries = [entry("2026-01-10T01:00:00+00:00", "override", reason="汛期", change={})]
    assert found({"zones": plan("zones", [], zones=None, units=UNITS)}, entries=entries) == []


def test_a_review_is_logged_with_its_reason_and_starts_a_new_term(tmp_path):
    import shapely

    study = Study("禾川镇", shapely.box(500_000, 4_075_000, 506_000, 4_079_000), "EPSG:4549", synthetic=True)
    ws = Workspace.create(tmp_path / "town", study)
    ws = change_settings(ws, {"cameras": {"deferred_villages": "东河=等路"}}, reason="村委会")
    log = ws.root / "audit.jsonl"

    def now() -> reviews.Decision:
        today = pd.Timestamp.now(ZONE).normalize()
        return reviews.decisions({}, CAMERAS.iloc[:0], ws.study.settings, audit.entries(log), today=today)[0]

    first = now()
    assert first.due_on == pd.Timestamp.now(ZONE).normalize() + pd.DateOffset(months=6)
    with pytest.raises(InputError):
        reviews.let_stand(ws, first, note=" ")
    acting.act_as(Actor("看图人", "viewer"))
    with pytest.raises(AccessError):
        reviews.let_stand(ws, first, note="仍然")
    acting.act_as(STATION)
    reviews.let_stand(ws, first, note="路还没修")
    assert audit.verify(log) is None
    last = audit.entries(log)[-1]
    assert (last["action"], last["parameters"]["reason"]) == ("review", "路还没修")
    entries = [*audit.entries(log)[:-1], last | {"when": "2026-05-31T20:00:00+00:00"}]
    moved = reviews.decisions({}, CAMERAS.iloc[:0], ws.study.settings, entries, today=day("2026-06-02"))[0]
    assert moved.due_on == day("2026-12-01")
    assert moved.key == first.key


def test_due_are_those_whose_day_is_near_and_late_those_whose_day_is_over(tmp_path):
    now = pd.Timestamp.now(ZONE).normalize()
    privacy = SimpleNamespace(purge_raw_after_days=90)
    ws = SimpleNamespace(root=tmp_path, study=SimpleNamespace(settings=SimpleNamespace(privacy=privacy)))
    tables = {
        "incidents": pd.DataFrame({"reported_at": []}),
        "aside": pd.DataFrame({"moved_to": [], "reason": [], "file": []}),
    }

    def decided(kind: str, in_days: int, *, known: bool = True) -> reviews.Decision:
        made = now - pd.Timedelta(days=100) if known else None
        return reviews.Decision(kind, ("东河",), "等路", made, now + pd.Timedelta(days=in_days))

    standing = [
        decided("zones", -1), decided("beats", 0), decided("cameras", 45), decided("deferred_villages", 46),
        decided("also_villages", 0, known=False),
    ]  # fmt: skip
    found = agenda.agenda(ws, tables.__getitem__, {}, [], day("2024-01-01"), standing)
    told = {one.told["kind"]: (one.key, one.late, dict(one.query)) for one in found if one.key.startswith("review")}
    shown = {"tab": "decisions"}
    assert told == {
        "zones": ("review.late", True, shown), "beats": ("review.soon", False, shown),
        "cameras": ("review.soon", False, shown), "also_villages": ("review.undated", False, shown),
    }  # fmt: skip


def test_a_change_that_was_really_recorded_is_found_with_today_as_its_day(planned_town, tmp_path):
    """The plan and the log are written by the page's own way."""
    root = Path(shutil.copytree(planned_town, tmp_path / "town"))
    ws = Workspace.open(root)
    units = load_plans(ws)["zones"].tables["units"]
    unit = units.iloc[10]
    change = Change("lock", (unit["unit_id"],))
    record_change(ws, change, reason="村委会要求，看到 2099-01-31")
    today = pd.Timestamp.now(ws.study.timezone).normalize()
    (one,) = reviews.decisions(
        load_plans(ws), ws.read("cameras"), ws.study.settings, audit.entries(root / "audit.jsonl"), today=today
    )
    assert (one.kind, one.names, one.decided_on) == ("zones", (unit["name"],), today)
    assert one.due_on == pd.Timestamp("2099-01-31", tz=ws.study.timezone)
