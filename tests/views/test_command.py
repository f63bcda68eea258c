"""The command line: exit codes, one sentence for an error, nothing written when the input is wrong."""

import hashlib
import io
import json
import re
import subprocess
import sys
from contextvars import copy_context
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import LineString, Point, box

from gis_data.intake import import_files
from gis_data.intake.report import FileReport, Finding, ImportReport
from gis_data.workspace import Workspace
from views import command

ROOT = Path(__file__).resolve().parents[2]
COUNTED = re.compile(r"：([\d,]+) 行$")
NOTED = {
    "bd09", "cell_point", "coordinates_minutes", "coordinates_swapped", "gcj02", "midnight_repaired", "no_point",
    "time_24", "time_full_width", "year_added",
}  # fmt: skip


@pytest.fixture
def run(monkeypatch, capsys):
    """Return ``run(*arguments) -> (exit code, standard output, standard error)``."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["xunqu", *map(str, arguments)])
        try:
            copy_context().run(command.main)  # the language it speaks is not left to the next test
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


def good(folder):
    return sheet(folder / "警情.xlsx", [ROW])


def missing(folder):
    return folder / "没有.xlsx"


def with_phone(folder):
    return sheet(folder / "电话.xlsx", [ROW | {"报警人电话": "不应出现"}])


def with_phone_on_the_second_sheet(folder):
    path = folder / "两张表.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame([ROW]).to_excel(book, sheet_name="一", index=False)
        pd.DataFrame([ROW | {"报警人电话": "不应出现"}]).to_excel(book, sheet_name="二", index=False)
    return path


def headers_only(folder):
    path = folder / "只有表头.xlsx"
    pd.DataFrame(columns=list(ROW)).to_excel(path, index=False)
    return path


def blank(folder):
    path = folder / "空白.xlsx"
    pd.DataFrame().to_excel(path, index=False)
    return path


def no_bytes(folder):
    path = folder / "零字节.csv"
    path.touch()
    return path


def no_crs(folder):
    path = folder / "无坐标系.parquet"
    frame = gpd.GeoDataFrame({"highway": ["residential"]}, geometry=[LineString([(119.86, 36.61), (119.87, 36.62)])])
    frame.to_parquet(path)
    return path


FILES = {
    missing: ("没有.xlsx",),
    with_phone: ("电话.xlsx", "报警人电话"),
    with_phone_on_the_second_sheet: ("两张表.xlsx", "报警人电话"),
    headers_only: ("只有表头.xlsx",),
    blank: ("空白.xlsx",),
    no_bytes: ("零字节.csv",),
    no_crs: ("无坐标系.parquet",),
}


def said_in_one_sentence(result, words):
    code, out, err = result
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert "Traceback" not in err
    assert "不应出现" not in err, "what stands in a refused cell is never repeated"
    for word in words:
        assert word in err


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_a_file_that_cannot_be_used_is_one_sentence_and_nothing_is_written(run, station, tmp_path, make, lang):
    """Not even the good file that comes with it is taken: all or none."""
    files = [good(tmp_path), make(tmp_path)]
    before = content(tmp_path)
    said_in_one_sentence(run("--lang", lang, "import", station, *files), FILES[make])
    assert content(tmp_path) == before


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_no_workspace_appears_where_one_of_its_files_cannot_be_used(run, boundary, tmp_path, make):
    files = [good(tmp_path), make(tmp_path)]
    before, names = content(tmp_path), sorted(tmp_path.iterdir())
    said_in_one_sentence(run("new", tmp_path / "ws", *files, "--name", "甲镇", "--boundary", boundary), FILES[make])
    assert content(tmp_path) == before
    assert sorted(tmp_path.iterdir()) == names


BOUNDARIES = {
    "线.geojson": (LineString([(119.8, 36.6), (119.9, 36.7)]), 4326),
    "点.geojson": (Point(119.8, 36.6), 4326),
    # Metres in a file that says degrees: the commonest wrong CRS of all.
    "米.geojson": (box(487_000, 4_060_000, 490_000, 4_063_000), 4326),
    "无坐标系.gpkg": (box(119.85, 36.60, 119.90, 36.64), None),
}


@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")
@pytest.mark.parametrize("name", BOUNDARIES)
def test_a_boundary_that_is_no_ground_is_one_sentence_and_no_folder_appears(run, tmp_path, name):
    shape, crs = BOUNDARIES[name]
    gpd.GeoDataFrame(geometry=[shape], crs=crs).to_file(tmp_path / name)
    names = sorted(tmp_path.iterdir())
    said_in_one_sentence(run("new", tmp_path / "ws", "--name", "甲镇", "--boundary", tmp_path / name), [name])
    assert sorted(tmp_path.iterdir()) == names


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--boundary", "没有.geojson", ["没有.geojson"]),
        ("--crs", "EPSG:4326", ["EPSG:4326"]),
        ("--crs", "EPSG:999999", ["EPSG:999999"]),
        ("--timezone", "Asia/Qingdao", ["Asia/Qingdao"]),
    ],
)
def test_a_wrong_option_is_one_sentence_and_no_folder_appears(run, boundary, tmp_path, option, value, words):
    options = {"--name": "甲镇", "--boundary": boundary} | {
        option: tmp_path / value if option == "--boundary" else value
    }
    names = sorted(tmp_path.iterdir())
    said_in_one_sentence(run("new", tmp_path / "ws", *[part for pair in options.items() for part in pair]), words)
    assert sorted(tmp_path.iterdir()) == names


def test_the_exit_code_reaches_the_shell(tmp_path):
    """Through start.py's own way of running a command, in a process of its own."""
    command = [sys.executable, "-m", "views.command", "import", str(tmp_path), "没有.xlsx"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_a_wrong_setting_is_said(run, boundary, tmp_path):
    code, _, err = run("new", tmp_path / "ws", "--name", "甲镇", "--boundary", boundary, "--set", "zones.cuont=8")
    assert code == 1
    assert "zones.cuont" in err
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--until", "昨天"], ["昨天", "2024-01-01"]),
        (["--until", "2023-13-01"], ["2023-13-01"]),
        (["--until", "2023-05-01"], ["2023-05-01", "最早的一起"]),
        (["--set", "zones"], ["zones"]),
        (["--set", "zones.count=八"], ["zones.count", "整数"]),
    ],
)
def test_a_plan_asked_for_wrongly_is_one_sentence(run, station, tmp_path, asked, words):
    run("import", station, good(tmp_path))
    said_in_one_sentence(run("plan", station, "hotspots", *asked), words)


def test_the_same_file_again_is_told_as_such(run, station, tmp_path):
    run("import", station, good(tmp_path))
    code, out, _ = run("import", station, tmp_path / "警情.xlsx")
    assert (code, "以前导入过" in out) == (0, True)


def test_a_role_that_does_not_exist_is_said_before_a_password_is_asked(run, station):
    said_in_one_sentence(run("accounts", station, "--add", "wang", "--role", "boss"), ["boss", "planner"])


def test_planning_without_incidents_says_what_to_do(run, station):
    code, _, err = run("plan", station)
    assert code == 1
    assert "import" in err


def test_a_folder_that_is_no_workspace_is_said_in_english_too(run, tmp_path):
    code, _, err = run("--lang", "en", "plan", tmp_path)
    assert code == 1
    assert "workspace" in err


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
    assert (code, json.loads(out)) == (0, {"ok": True, "broken_line": None, "purged": []})
    log = station / "audit.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace("Asia/Shanghai", "Asia/Chongqing"), encoding="utf-8")
    code, _, err = run("audit", station)
    assert code == 1
    assert "audit.jsonl" in err


def test_undo_takes_the_last_import_back_or_the_one_named(run, station, tmp_path):
    first = json.loads(run("import", station, sheet(tmp_path / "一.xlsx", [ROW]), "--json")[1])[0]
    corrected = sheet(tmp_path / "二.xlsx", [ROW | {"警情细类": "扒窃"}, ROW | {"接警编号": "37028300000000000002"}])
    code, out, _ = run("import", station, corrected)
    assert (code, out.splitlines()[1].strip()) == (0, "新增 1 条，更新 1 条。")
    assert out.count("更新") == 1, "and no second line says the same"
    code, out, _ = run("undo", station, "--json")
    done = json.loads(out)
    assert (code, done["files"], done["removed"], done["restored"]) == (
        0, ["二.xlsx"], {"incidents": 2}, {"incidents": 1},
    )  # fmt: skip
    code, out, _ = run("undo", station, first["import_id"])
    assert (code, out) == (0, "已撤销：一.xlsx。去掉 1 行，恢复 0 行，0 行重新待更正。\n")
    assert run("audit", station)[0] == 0
    code, out, err = run("--lang", "en", "undo", station)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "nothing to undo" in err


def test_columns_about_persons_are_left_behind_on_request_and_their_names_logged(run, station, tmp_path):
    path = with_phone(tmp_path)
    assert run("import", station, path)[0] == 1
    code, out, _ = run("import", station, path, "--drop-person-columns", "--json")
    assert (code, json.loads(out)[0]["accepted"]) == (0, 1)
    assert "报警人电话" in json.loads(out)[0]["notes"]
    entry = json.loads((station / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert entry["parameters"]["dropped_person_columns"] == {"电话.xlsx": ["报警人电话"]}
    assert not any("不应出现".encode() in path.read_bytes() for path in station.rglob("*") if path.is_file())


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self):
        return True


def test_on_a_terminal_an_undo_names_what_goes_and_asks(run, station, tmp_path, monkeypatch):
    run("import", station, sheet(tmp_path / "一.xlsx", [ROW, ROW | {"接警编号": "37028300000000000002"}]))
    before = content(station)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    code, out, err = run("undo", station)
    assert (code, out.strip()) == (1, "")
    assert all(word in err for word in ("1 个文件", "2 行", "一.xlsx", "确定撤销"))
    assert content(station) == before
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    code, out, _ = run("undo", station, "--json")
    assert (code, json.loads(out)["removed"]) == (0, {"incidents": 2})


def test_no_answer_to_the_question_stops_in_the_language_spoken(run, station, tmp_path, monkeypatch):
    run("import", station, good(tmp_path))
    before = content(station)
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    code, _, err = run("undo", station)
    assert (code, err.splitlines()[-1]) == (1, "已中止。")
    assert content(station) == before


def test_the_answer_takes_back_what_was_named_and_not_what_came_in_meanwhile(run, station, tmp_path, monkeypatch):
    run("import", station, good(tmp_path))
    newer = sheet(tmp_path / "新.xlsx", [ROW | {"接警编号": "37028300000000000002"}])

    class Slow(Terminal):
        """Somebody else's import comes in before this person answers."""

        def readline(self, *size):
            import_files(Workspace.open(station), [newer])
            return super().readline(*size)

    monkeypatch.setattr(sys, "stdin", Slow("y\n"))
    code, out, _ = run("undo", station, "--json")
    assert (code, json.loads(out)["files"]) == (0, ["警情.xlsx"])
    assert Workspace.open(station).read("imports")["file"].tolist() == ["新.xlsx"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_with_nobody_to_ask_the_import_that_made_the_workspace_stays_unless_told(run, boundary, tmp_path, lang):
    """The undo typed twice: the first takes the month back, the second would leave nothing."""
    folder = tmp_path / "镇"
    run("new", folder, sheet(tmp_path / "一.xlsx", [ROW]), "--name", "甲镇", "--boundary", boundary)
    run("import", folder, sheet(tmp_path / "二.xlsx", [ROW | {"接警编号": "37028300000000000002"}]))
    assert "二.xlsx" in run("undo", folder)[1]
    before = content(folder)
    said_in_one_sentence(run("--lang", lang, "undo", folder), ["一.xlsx", "镇", "--yes"])
    assert content(folder) == before
    assert "一.xlsx" in run("undo", folder, "--yes")[1]


def test_an_import_says_what_was_done_to_the_rows_most_rows_first_and_not_more_than_fits(run, boundary, tmp_path):
    times = ["不详", "2023-05-01 24:00", "２０２３-05-02 10:00", "2023-05-03 24:00"]
    rows = [ROW | {"接警编号": f"3702830000000000001{n}", "报警时间": when} for n, when in enumerate(times)]
    run("new", tmp_path / "镇", "--name", "甲镇", "--boundary", boundary)
    _, out, _ = run("import", tmp_path / "镇", sheet(tmp_path / "警情.xlsx", rows), "--dry-run")
    told = json.loads(run("import", tmp_path / "镇", tmp_path / "警情.xlsx", "--dry-run", "--json")[1])[0]
    counted = [int(found[1]) for line in out.splitlines()[1:] if (found := COUNTED.search(line))]
    assert counted == sorted(json.loads(told["problems"]).values(), reverse=True)
    assert "  写成 24:00，计到次日零点：2 行" in out.splitlines()


def test_notes_that_do_not_fit_are_counted(capsys):
    findings = tuple(Finding(key, "accepted", rows) for rows, key in enumerate(sorted(NOTED)[:10], start=1))
    one = FileReport("警情.csv", "incidents", "I1", "", rows_read=10, accepted=10, findings=findings)
    command._say_report(ImportReport((one,)), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [int(COUNTED.search(line)[1]) for line in lines[1:9]] == [10, 9, 8, 7, 6, 5, 4, 3]
    assert lines[9:] == ["  … 其余 2 条见质量报告"]


def test_a_file_that_is_not_there_is_said_before_the_weeks_that_are_not(run, station):
    said_in_one_sentence(run("compare", station, "没有.geojson", "--column", "名称"), ["没有.geojson"])


def test_a_map_given_as_boundary_is_told_the_kinds_a_boundary_may_have(run, tmp_path):
    path = tmp_path / "镇.osm"
    path.write_text('<?xml version="1.0"?><osm version="0.6"></osm>', encoding="utf-8")
    result = run("new", tmp_path / "ws", "--name", "甲镇", "--boundary", path)
    said_in_one_sentence(result, ["镇.osm", ".geojson", ".parquet"])
    assert result[2].count(".osm") == 1 + result[2].count("（是 .osm）"), "it is not among what may be given"


def test_removing_an_account_where_there_is_none_says_how_to_add_one(run, station):
    said_in_one_sentence(run("accounts", station, "--remove", "bob"), ["bob", "--add"])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--lang", "zh", "new", "ws", "--name", "甲镇"], ["缺少 --boundary"]),
        (["--lang", "en", "new", "ws", "--name", "甲镇"], ["lacks --boundary"]),
        (["plan"], ["plan 缺少 DIR"]),
        (["import", "ws"], ["import 缺少 FILE"]),
        (["plan", "ws", "--foo"], ["plan 没有 --foo 这个选项"]),
        (["--foo", "plan", "ws"], ["没有 --foo 这个选项"]),
        (["plann", "ws"], ["没有 plann 这个命令"]),
        (["--lang", "en", "plann", "ws"], ["no command plann"]),
        (["audit", "ws", "ws2"], ["audit 多写了 ws2"]),
        (["serve", "ws", "--port", "八"], ["serve 的 --port", "serve --help"]),
        (["--lang", "en", "plan", "ws", "--seed", "x"], ["cannot take that value for --seed"]),
        (["--lang", "fr", "audit", "ws"], ["--lang"]),
        (["serve", "ws", "--port"], ["--port 后面少了值"]),
        (["undo", "ws", "--yes=1"], ["--yes 后面不带值"]),
    ],
)
def test_a_wrong_use_is_one_sentence_in_the_language_spoken(run, asked, words):
    code, out, err = run(*asked)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert all(word in err for word in words)


def test_without_a_command_the_help_is_shown(run):
    code, out, err = run()
    assert (code, out) == (2, "")
    assert all(name in err for name in ("import", "plan", "undo"))
