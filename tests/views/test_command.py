"""The command line: exit codes, one sentence for an error, nothing written when the input is wrong."""

import hashlib
import json
import sys

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import LineString, box

from views import command


@pytest.fixture
def run(monkeypatch, capsys):
    """Return ``run(*arguments) -> (exit code, standard output, standard error)``."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["xunqu", *map(str, arguments)])
        try:
            command.main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def boundary(tmp_path):
    path = tmp_path / "boundary.geojson"
    gpd.GeoDataFrame(geometry=[box(119.85, 36.60, 119.90, 36.64)], crs=4326).to_file(path)
    return path


@pytest.fixture
def station(run, boundary, tmp_path):
    folder = tmp_path / "station"
    assert run("new", folder, "--name", "甲镇", "--boundary", boundary)[0] == 0
    return folder


def content(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def sheet(path, rows):
    pd.DataFrame(rows).to_excel(path, index=False)
    return path


ROW = {
    "接警编号": "37028300000000000001",
    "报警时间": "2023-05-01 10:00",
    "警情类别": "刑事警情",
    "警情细类": "入室盗窃",
}


def test_a_missing_file_is_one_sentence_and_nothing_is_written(run, station, tmp_path):
    before = content(station)
    code, out, err = run("import", station, tmp_path / "没有.xlsx")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "没有.xlsx" in err
    assert content(station) == before


def test_a_sheet_with_the_callers_phone_is_refused_whole(run, station, tmp_path):
    before = content(station)
    path = sheet(tmp_path / "警情.xlsx", [ROW | {"报警人电话": "不应出现"}])
    code, _, err = run("import", station, path)
    assert code == 1
    assert "报警人电话" in err
    assert "不应出现" not in err
    assert content(station) == before


def test_an_empty_sheet_is_said(run, station, tmp_path):
    before = content(station)
    path = tmp_path / "空.xlsx"
    pd.DataFrame(columns=list(ROW)).to_excel(path, index=False)
    code, _, err = run("import", station, path)
    assert code == 1
    assert "空.xlsx" in err
    assert content(station) == before


def test_a_boundary_that_is_a_line_is_said_and_no_folder_appears(run, tmp_path):
    path = tmp_path / "line.geojson"
    gpd.GeoDataFrame(geometry=[LineString([(119.8, 36.6), (119.9, 36.7)])], crs=4326).to_file(path)
    code, _, err = run("new", tmp_path / "ws", "--name", "甲镇", "--boundary", path)
    assert code == 1
    assert "line.geojson" in err
    assert not (tmp_path / "ws").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".ws")]


def test_a_boundary_whose_crs_cannot_be_right_is_said(run, tmp_path):
    path = tmp_path / "metres.geojson"
    # Metres in a file that says degrees: the commonest wrong CRS of all.
    gpd.GeoDataFrame(geometry=[box(487_000, 4_060_000, 490_000, 4_063_000)], crs=4326).to_file(path)
    code, _, err = run("new", tmp_path / "ws", "--name", "甲镇", "--boundary", path)
    assert code == 1
    assert "metres.geojson" in err
    assert not (tmp_path / "ws").exists()


def test_a_wrong_setting_is_said(run, boundary, tmp_path):
    code, _, err = run("new", tmp_path / "ws", "--name", "甲镇", "--boundary", boundary, "--set", "zones.cuont=8")
    assert code == 1
    assert "zones.cuont" in err
    assert not (tmp_path / "ws").exists()


def test_planning_without_incidents_says_what_to_do(run, station):
    code, _, err = run("plan", station)
    assert code == 1
    assert "import" in err


def test_a_folder_that_is_no_workspace_is_said_in_english_too(run, tmp_path):
    code, _, err = run("--lang", "en", "plan", tmp_path)
    assert code == 1
    assert "workspace" in err


def test_wrong_use_is_exit_code_two(run):
    assert run("plan")[0] == 2
    assert run("no-such-command")[0] == 2
    assert run("--lang", "fr", "audit", ".")[0] == 2


def test_an_import_as_json_adds_up_and_a_dry_run_writes_nothing(run, station, tmp_path):
    rows = [ROW, ROW | {"接警编号": "37028300000000000002", "报警时间": "不详"}]
    path = sheet(tmp_path / "警情.xlsx", rows)
    before = content(station)
    code, out, _ = run("import", station, path, "--dry-run", "--json")
    assert code == 0
    found = json.loads(out)[0]
    assert (found["rows_read"], found["accepted"], found["set_aside"], found["refused"]) == (2, 1, 1, 0)
    assert content(station) == before


def test_the_audit_chain_holds_until_a_line_is_changed(run, station, tmp_path):
    assert run("import", station, sheet(tmp_path / "警情.xlsx", [ROW]))[0] == 0
    code, out, _ = run("audit", station, "--json")
    assert (code, json.loads(out)) == (0, {"ok": True, "broken_line": None})
    log = station / "audit.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace("Asia/Shanghai", "Asia/Chongqing"), encoding="utf-8")
    code, _, err = run("audit", station)
    assert code == 1
    assert "audit.jsonl" in err
