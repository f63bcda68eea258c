"""Plans on disk: what comes back is what was saved, and a kill never shows half a run."""

from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from shapely.geometry import Point

from gis_data.errors import WorkspaceError
from models import store
from models.plan import Plan


@pytest.fixture
def ws(tmp_path):
    return SimpleNamespace(root=tmp_path)


def a_plan(name="zones", objective=2.0, bound=1.9):
    zones = gpd.GeoDataFrame({"zone_id": ["Z1", "Z2"]}, geometry=[Point(0, 0), Point(1, 2)], crs="EPSG:4549")
    units = pd.DataFrame({"unit_id": ["V001"], "total_min": [12.5]})
    return Plan(
        name=name, tables={name: zones, "units": units}, settings={"count": 2}, seed=7, seconds=0.5,
        objective=objective, bound=bound, ended_by="time", notes=(("zones.note", {"n": 3}),),
    )  # fmt: skip


def test_a_plan_comes_back_as_it_was_saved(ws):
    saved = a_plan()
    store.save_plans(ws, {"zones": saved}, run="20260101T000000")
    found = store.load_plans(ws)["zones"]
    assert found.head() == saved.head()
    assert found.gap == pytest.approx(0.05)
    for name in saved.tables:
        assert_frame_equal(pd.DataFrame(found.tables[name]), pd.DataFrame(saved.tables[name]))
    assert found.to_frame().crs == "EPSG:4549"


def test_the_last_run_is_the_current_one_and_five_are_kept(ws):
    for second in range(8):
        store.save_plans(ws, {"zones": a_plan(objective=2.0 + second)}, run=f"20260101T00000{second}")
    assert store.load_plans(ws)["zones"].objective == 9.0
    runs = [path for path in (ws.root / "plans").iterdir() if path.is_dir()]
    assert len(runs) == store.KEPT_RUNS


def test_a_kill_while_saving_leaves_the_last_complete_run(ws, monkeypatch):
    store.save_plans(ws, {"zones": a_plan()}, run="20260101T000000")

    def killed(folder, plan):
        (folder / "zones.json").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "_write_plan", killed)
    with pytest.raises(KeyboardInterrupt):
        store.save_plans(ws, {"zones": a_plan(objective=5.0)}, run="20260102T000000")
    assert store.load_plans(ws)["zones"].objective == 2.0


def test_two_runs_in_one_second_do_not_overwrite_each_other(ws):
    first = store.save_plans(ws, {"zones": a_plan()}, run="20260101T000000")
    second = store.save_plans(ws, {"zones": a_plan()}, run="20260101T000000")
    assert first != second
    assert store.current_run(ws) == second


def test_a_workspace_without_plans_has_none(ws):
    assert store.load_plans(ws) == {}


def test_a_pointer_to_a_lost_run_is_said(ws):
    (ws.root / "plans").mkdir()
    (ws.root / "plans" / "current").write_text("20260101T000000")
    with pytest.raises(WorkspaceError, match="20260101T000000"):
        store.load_plans(ws)


def test_a_plan_in_another_format_counts_as_not_made(ws):
    run = store.save_plans(ws, {"zones": a_plan(), "cameras": a_plan("cameras")}, run="20260101T000000")
    head = run / "cameras.json"
    head.write_text(head.read_text(encoding="utf-8").replace(f'"format": {store.FORMAT}', '"format": 1'))
    assert store.planned(ws) == set(store.load_plans(ws)) == {"zones"}
    head.write_text(head.read_text(encoding="utf-8").replace('"format": 1', '"unknown": 1'))
    assert store.planned(ws) == {"zones"}
