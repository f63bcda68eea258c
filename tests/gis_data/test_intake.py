"""The door on a small made-up station: every row accounted for, and what an import leaves behind."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gis_data import audit
from gis_data.intake import import_files, new_workspace
from gis_data.workspace import Workspace
from tests.gis_data.made_rows import VILLAGES, row, take, write_csv


def test_the_study_takes_the_metre_crs_of_its_place(town: Workspace):
    assert town.study.crs == "EPSG:4549"
    assert town.study.boundary.area == pytest.approx(7.15e3 * 8.88e3, rel=0.01)


def test_villages_come_in_under_a_title_row_with_their_figures(town: Workspace):
    villages = town.read("villages").set_index("name")
    assert villages["population"].to_dict() == {name: people for name, _, people, _, _ in VILLAGES}
    assert villages.loc["李家屯村", "market_days"] == "5,10"
    assert villages.loc["东河村", "market_days"] == ""
    lonlat = villages.to_crs(4326).geometry
    np.testing.assert_allclose(lonlat.x, [lon for *_, lon, _ in VILLAGES], atol=1e-9)


def test_good_rows_are_exact_and_lie_where_they_were_written(town: Workspace, tmp_path: Path):
    report, table = take(town, tmp_path, [row(number) for number in range(5)])
    assert (report.rows_read, report.accepted, report.set_aside, report.refused) == (5, 5, 0, 0)
    assert set(table["precision"]) == {"exact"}
    assert set(table["village_id"]) == {"李家屯村"}
    np.testing.assert_allclose(table.to_crs(4326).geometry.y, 36.612345, atol=1e-9)
    assert table["source_row"].tolist() == [2, 3, 4, 5, 6]
    assert str(table["reported_at"].iloc[1]) == "2024-03-05 00:31:00+08:00"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_text_files_of_any_usual_encoding_read_the_same(town: Workspace, tmp_path: Path, encoding: str):
    path = write_csv(tmp_path / "警情.csv", [row(1)], encoding=encoding)
    assert import_files(town, [path]).files[0].accepted == 1
    assert town.read("incidents")["channel"].tolist() == ["110"]


def test_a_call_number_is_nowhere_in_the_workspace_but_in_the_original(town: Workspace, tmp_path: Path):
    take(town, tmp_path, [row(1), row(1), row(2, 报警时间="昨晚"), row(3, 关联接警单编号="37028301202403050001")])
    for path in town.root.rglob("*"):
        if path.is_file() and path.parent.name != "raw":
            assert b"3702830120240305" not in path.read_bytes(), path


def test_hashed_ids_differ_between_stations_and_agree_within_one(tmp_path: Path, boundary: Path):
    ids = []
    for name in ("a", "b"):
        made = new_workspace(tmp_path / name, name=name, boundary=boundary)
        ids.append(take(made, tmp_path, [row(1)])[1]["incident_id"].iloc[0])
        again, _ = take(made, tmp_path, [row(1, 抓获人数="1")])
        assert again.problems == {"replaced": 1}
    assert ids[0] != ids[1]


def test_rows_are_set_aside_each_with_its_reason_and_found_again(town: Workspace, tmp_path: Path):
    report, table = take(
        town, tmp_path,
        [row(1), row(2, 报警时间="昨晚"), row(3, 警情类别="说不清", 警情类型="不知道"), row(4, 经度="120.5"),
         row(1, 案发地址="别处"), row(6, 关联接警单编号=row(1)["接警单编号"]), row(7, 警情类型="张三13812345678")],
    )  # fmt: skip
    reasons = ("no_time", "class_unknown", "outside", "duplicate", "follow_up", "private")
    assert report.problems == dict.fromkeys(reasons, 1)
    assert (report.accepted, report.set_aside, report.refused, len(table)) == (1, 5, 1, 1)
    assert report.unknown == {"说不清/不知道": 1}
    aside = pd.read_csv(next((town.root / "set_aside").glob("*.csv")), dtype=str, encoding="utf-8-sig")
    assert aside["行号"].tolist() == ["3", "4", "5", "6", "7"]
    assert (
        aside["原因"]
        .str.startswith(("没有可用的报警时间", "警情类别不认识 (说不清/不知道)", "位置在辖区之外", "重复", "关联"))
        .all()
    )
    assert aside.loc[[3, 4], "原因"].str.contains(r"\(2\)").all()
    assert aside["怎么办"].notna().all()
    assert not {"关联接警单编号", "案发地址"} & set(aside.columns)
    assert aside["接警单编号"].isna().all()  # empty, for a new number
    assert "138" not in aside.to_csv()


def test_the_same_file_again_changes_nothing_and_says_so(town: Workspace, tmp_path: Path):
    path = write_csv(tmp_path / "x.csv", [row(1), row(2)])
    import_files(town, [path])
    before = {file: file.read_bytes() for file in town.root.rglob("*") if file.is_file()}
    copy = tmp_path / "换个名字.csv"
    copy.write_bytes(path.read_bytes())
    report = import_files(town, [path, copy])
    assert [one.already for one in report.files] == [True, True]
    assert "以前导入过" in report.files[0].sentences()[0]
    assert {file: file.read_bytes() for file in town.root.rglob("*") if file.is_file()} == before


def test_a_dry_run_reports_the_same_and_writes_nothing(town: Workspace, tmp_path: Path):
    path = write_csv(tmp_path / "x.csv", [row(1), row(2, 报警时间=""), row(1)])
    before = {file: file.read_bytes() for file in town.root.rglob("*") if file.is_file()}
    dry = import_files(town, [path], dry_run=True)
    assert {file: file.read_bytes() for file in town.root.rglob("*") if file.is_file()} == before
    real = import_files(town, [path])
    columns = ["rows_read", "accepted", "set_aside", "refused", "problems"]
    assert dry.to_frame()[columns].equals(real.to_frame()[columns])


def test_imports_are_listed_kept_and_audited(town: Workspace, tmp_path: Path):
    path = write_csv(tmp_path / "x.csv", [row(1), row(2, 报警时间="")])
    report = import_files(town, [path]).files[0]
    listed = town.read("imports").iloc[-1]
    assert (listed["file"], listed["rows_read"], listed["accepted"], listed["set_aside"]) == ("x.csv", 2, 1, 1)
    assert (town.root / "raw" / f"{report.import_id}_x.csv").read_bytes() == path.read_bytes()
    assert audit.verify(town.root / "audit.jsonl") is None
    entry = audit.entries(town.root / "audit.jsonl")[-1]
    assert entry["inputs"] == {"x.csv": report.sha256}
    assert entry["outputs"]["incidents"] == town.table_hash("incidents")


def test_own_words_come_from_station_toml(town: Workspace, tmp_path: Path):
    path = town.root / "station.toml"
    path.write_text(
        path.read_text(encoding="utf-8") + '\n[intake.classes]\n"偷鸡摸狗" = "farm_theft"\n', encoding="utf-8"
    )
    _, table = take(Workspace.open(town.root), tmp_path, [row(1, 警情类型="偷鸡摸狗")])
    assert table["type"].tolist() == ["farm_theft"]
