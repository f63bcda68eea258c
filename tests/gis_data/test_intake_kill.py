"""A kill at any point of an import or an undo leaves the state before or the state after, and the next try ends well.

The child counts its own calls into the operating system and SQLite with a profile hook, and kills itself at the n-th:
no hook stands in the product, and each of the places where something is written is met.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis_data.intake import import_files, new_workspace
from gis_data.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
KILLER = """
    import json, os, shutil, signal, sys, threading, time
    from pathlib import Path
    from gis_data import audit
    from gis_data.intake import import_files, undo_import
    from gis_data.workspace import Workspace

    ROOT, ACTION, POINTS, FILES = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), [Path(one) for one in sys.argv[4:]]
    WRITING = {"execute", "executemany", "executescript", "connect", "close", "write", "flush", "fsync", "open",
               "replace", "rename", "unlink", "mkdir", "flock", "sendfile", "commit"}
    TABLES = ("incidents", "superseded_incidents", "villages", "superseded_villages", "aside", "quality",
              "completeness", "settled")

    def act(root):
        ws = Workspace.open(root)
        if ACTION == "import":
            import_files(ws, [root / one.relative_to(ROOT) if one.is_relative_to(ROOT) else one for one in FILES])
        else:
            undo_import(ws)

    def tables(root):
        ws = Workspace.open(root)
        imports = ws.read("imports").drop(columns="imported_at")
        return {name: ws.table_hash(name) for name in TABLES} | {"imports": imports.to_csv()}

    def files(root):
        found = [path for folder in ("raw", "set_aside") for path in (root / folder).iterdir()]
        return {path.relative_to(root).as_posix(): path.read_bytes().hex() for path in found}

    def fresh(name):
        shutil.rmtree(ROOT.parent / name, ignore_errors=True)
        return Path(shutil.copytree(ROOT, ROOT.parent / name))

    def in_a_child(root, die_at=0, told=None):
        child = os.fork()
        if child == 0:
            count = 0
            def watch(frame, event, what):
                nonlocal count
                if event == "c_call" and what.__name__ in WRITING:
                    count += 1
                    if count == die_at:
                        os.kill(os.getpid(), signal.SIGKILL)
            sys.setprofile(watch)
            act(root)
            sys.setprofile(None)
            if told:
                told.write_text(str(count))
            os._exit(0)
        return child

    before, done = tables(ROOT), fresh("after")
    told = ROOT.parent / "calls.txt"
    os.waitpid(in_a_child(done, told=told), 0)
    calls, after, after_files = int(told.read_text()), tables(done), files(done)
    report = {"calls": calls, "changed": before != after, "states": []}
    for point in range(POINTS):
        root = fresh("killed")
        if point % 5 == 4:  # some at a moment, not at a call
            started = time.monotonic()
            child = in_a_child(root)
            time.sleep((point + 1) / POINTS * 0.5)
            os.kill(child, signal.SIGKILL)
        else:
            child = in_a_child(root, die_at=1 + round(point / (POINTS - 1) * (calls - 1)))
        _, status = os.waitpid(child, 0)
        left = tables(root)
        whole = audit.verify(root / "audit.jsonl")
        lines = len((root / "audit.jsonl").read_bytes().splitlines())
        if ACTION == "import" or left == before:
            act(root)
        else:  # undoing once more would undo the import before: any other command finishes what is left
            import_files(Workspace.open(root), FILES)
        entries = [e["action"] for e in audit.entries(root / "audit.jsonl") if e["action"] == ACTION]
        report["states"].append({
            "killed": os.WIFSIGNALED(status), "before": left == before, "after": left == after,
            "torn": whole not in (None, lines),
            "then": tables(root) == after, "files": files(root) == after_files,
            "chain": audit.verify(root / "audit.jsonl"),
            "logged": len(entries) - sum(e["action"] == ACTION for e in audit.entries(ROOT / "audit.jsonl")),
        })
    print(json.dumps(report))
"""


def rows(numbers: range, **changes: object) -> list[dict[str, object]]:
    return [
        {
            "接警单编号": f"3702830120240305{n:04d}",
            "报警时间": str(pd.Timestamp("2024-03-01 10:11") + pd.Timedelta(days=n)),
            "警情类别": "刑事警情", "警情类型": "盗窃", "案发地址": "东河村", "经度": 119.83 + n * 1e-5, "纬度": 36.612,
        }
        | changes
        for n in numbers
    ]  # fmt: skip


def csv_of(path: Path, table: list[dict[str, object]]) -> Path:
    pd.DataFrame(table).to_csv(path, index=False, encoding="utf-8-sig")
    return path


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Return a workspace with incidents, two of them set aside, and no villages yet."""
    boundary = tmp_path / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(119.80, 36.60, 119.88, 36.68)], crs=4326).to_file(boundary)
    made = new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)
    import_files(made, [csv_of(tmp_path / "一.csv", [*rows(range(60)), *rows(range(60, 62), 报警时间="不详")])])
    return made.root


def newer(town: Path) -> list[Path]:
    """Return villages, a file that replaces and adds rows, and a correction made in place in set_aside/."""
    village = [{"村庄": "东河村", "人口": 900, "经度": 119.87, "纬度": 36.67}]
    aside = next((town / "set_aside").iterdir())
    table = pd.read_csv(aside, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    table.loc[0, "报警时间"] = "2024-12-30 08:00"
    table.to_csv(aside, index=False, encoding="utf-8-sig")
    second = [*rows(range(40, 60), 警情类型="扒窃"), *rows(range(70, 90)), *rows(range(90, 92), 报警时间="不明")]
    return [csv_of(town.parent / "村庄.csv", village), csv_of(town.parent / "二.csv", second), aside]


def kill(town: Path, action: str, points: int, files: list[Path]) -> dict:
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLER), town, action, str(points), *files],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=500,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked child; this system has no fork")
@pytest.mark.parametrize(("action", "points"), [("import", 20), ("undo", 10)])
def test_a_kill_at_any_point_leaves_the_state_before_or_after_and_the_same_then_succeeds(town: Path, action, points):
    files = newer(town)
    if action == "undo":
        import_files(Workspace.open(town), files)
        files = [town.parent / "一.csv"]  # known: importing it changes nothing
    report = kill(town, action, points, files)
    states = report["states"]
    assert report["changed"]
    assert sum(state["killed"] for state in states) >= 0.8 * points
    assert any(state["before"] for state in states)
    assert any(state["after"] for state in states)
    for number, state in enumerate(states):
        assert state["before"] != state["after"], (number, state)
        assert (state["torn"], state["then"], state["files"], state["chain"], state["logged"]) == (
            False, True, True, None, 1,
        ), (number, state)  # fmt: skip
