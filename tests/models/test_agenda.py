"""What is due: nothing is forgotten, nothing is called late before it is."""

from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest

from gis_data.catalogue import text
from gis_data.tables import TABLES
from models import agenda
from models.approval import Run
from models.plan import Plan

ZONE = "Asia/Shanghai"


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz=ZONE)


@pytest.fixture
def tables():
    empty = {name: pd.DataFrame({column: [] for column in TABLES[name].columns}) for name in ("incidents", "aside")}
    incidents = pd.DataFrame({"reported_at": [day("2024-01-01 08:00"), day("2024-05-31 23:10")]})
    return empty | {"incidents": incidents}


def due(tmp_path, tables, plans=None, runs=(), at="2024-06-20") -> dict[str, agenda.Due]:
    privacy = SimpleNamespace(purge_raw_after_days=90)
    ws = SimpleNamespace(root=tmp_path, study=SimpleNamespace(settings=SimpleNamespace(privacy=privacy)))
    found = agenda.agenda(ws, tables.__getitem__, plans or {}, list(runs), day(at))
    assert [one.late for one in found] == sorted((one.late for one in found), reverse=True)
    return {one.key: one for one in found}


def hotspots(expires: list[str], status: list[str]) -> Plan:
    table = gpd.GeoDataFrame({"hotspot_id": [f"H{i}" for i in range(len(expires))], "status": status,
                              "expires_at": pd.DatetimeIndex(expires, tz=ZONE)})  # fmt: skip
    return Plan("hotspots", {"hotspots": table}, {"period_end": "2024-06-01"}, 1, 0.1)


def test_an_import_is_due_a_month_after_the_last_call_and_late_the_day_after(tmp_path, tables):
    assert due(tmp_path, tables, at="2024-07-01")["import.next"].day == day("2024-07-01")
    late = due(tmp_path, tables, at="2024-07-02")["import.late"]
    assert (late.late, late.told["days"]) == (True, 32)
    nothing = due(tmp_path, tables | {"incidents": tables["incidents"].iloc[:0]})
    assert set(nothing) == {"import.first"}


def test_rows_set_aside_are_due_until_they_came_again(tmp_path, tables):
    rows = pd.DataFrame({"moved_to": ["", "I7", ""], "file": "a.csv", "reason": "no_time"})
    assert due(tmp_path, tables | {"aside": rows})["aside"].told == {"rows": 2, "files": 1}
    assert "aside" not in due(tmp_path, tables | {"aside": rows.iloc[1:2]})
    settled = rows.assign(reason=["same_event", "no_time", "no_place"])
    assert due(tmp_path, tables | {"aside": settled})["aside"].told == {"rows": 1, "files": 1}
    assert "aside" not in due(tmp_path, tables | {"aside": settled.iloc[:1]})


@pytest.mark.parametrize("reason", agenda.SETTLED)
def test_what_nobody_has_to_mend_is_what_the_advice_leaves_alone(reason):
    assert "不用处理" in text(f"intake.advice.{reason}", lang="zh")


def test_plans_are_due_when_calls_have_run_a_month_ahead_of_them(tmp_path, tables):
    assert due(tmp_path, tables)["plan.first"].late
    plans = {"hotspots": hotspots([], [])}
    assert "plan.again" not in due(tmp_path, tables, plans)
    old = {"hotspots": Plan("hotspots", plans["hotspots"].tables, {"period_end": "2024-04-01"}, 1, 0.1)}
    assert due(tmp_path, tables, old)["plan.again"].told["end"] == day("2024-04-01")


def test_the_shortest_months_file_makes_the_plans_due(tmp_path, tables):
    for last, is_due in (("2023-02-28 10:00", True), ("2023-02-27 23:59", False)):
        calls = tables["incidents"].iloc[:1].assign(reported_at=pd.DatetimeIndex([last], tz=ZONE))
        plan = {"hotspots": Plan("hotspots", hotspots([], []).tables, {"period_end": "2023-02-01"}, 1, 0.1)}
        found = due(tmp_path, tables | {"incidents": calls}, plan)
        assert ("plan.again" in found) == is_due, last
        assert not is_due or found["plan.again"].query == {"start": "plan"}


def test_only_hotspots_that_end_soon_are_told_and_what_chance_explains_never(tmp_path, tables):
    ends = ["2024-07-01", "2024-07-01", "2024-06-01", "2025-01-01", "2024-07-01"]
    plan = hotspots(ends, ["hotspot", "hotspot", "hotspot", "hotspot", "chance"])
    found = due(tmp_path, tables, {"hotspots": plan})
    assert found["hotspot.soon"].told["names"] == ["H0", "H1"]
    assert (found["hotspot.late"].told["names"], found["hotspot.late"].late) == (["H2"], True)


def test_the_current_run_waits_to_be_checked_then_approved_then_for_nothing(tmp_path, tables):
    def run(state: str, *, in_force: bool = False) -> Run:
        return Run("r", day("2024-06-01"), state, current=True, in_force=in_force)

    assert "run.first_check" in due(tmp_path, tables, runs=[run("proposal")])
    other = Run("old", day("2024-05-01"), "approved", current=False, in_force=True)
    assert "run.approve" in due(tmp_path, tables, runs=[run("checked"), other])
    assert not any(key.startswith("run.") for key in due(tmp_path, tables, runs=[run("approved", in_force=True)]))


def test_zones_are_gathered_under_the_base_line_they_miss(tmp_path, tables):
    lines = pd.DataFrame({"zone_id": ["Z1", "Z2", "Z2"], "measure": ["reached_pct", "reached_pct", "change_ratio"],
                          "verdict": ["not_met", "not_met", "not_readable"]})  # fmt: skip
    plan = Plan("scorecard", {"scorecard": lines, "base_lines": lines}, {"period_end": "2024-06-01"}, 1, 0.1)
    assert due(tmp_path, tables, {"scorecard": plan})["base_line"].told == {
        "zones": ["Z1", "Z2"],
        "measures": ["reached_pct"],
    }
