"""Rows that wait: corrected and imported again only they move; calls about one event join across imports."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.intake import import_files, undo_import
from gis_data.intake.identities import hashed
from gis_data.intake.privacy import has_number
from gis_data.workspace import Workspace
from tests.gis_data.small_station import adds_up, row, state, station, take, village_rows, waiting, with_villages


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return with_villages(tmp_path)


def aside_file(ws: Workspace) -> Path:
    return next(iter((ws.root / "set_aside").glob("*.csv")))


def corrected(ws: Workspace, **changes: dict[int, str]) -> Path:
    """Correct the first file in set_aside/ in a spreadsheet: column -> row as the file numbers it -> new cell."""
    path = aside_file(ws)
    table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    for column, cells in changes.items():
        for number, cell in cells.items():
            table.loc[table["行号"] == str(number), column] = cell
    table.to_csv(path, index=False, encoding="utf-8-sig")
    return path


def dirty(ws: Workspace) -> None:
    nowhere = {"经度": "", "纬度": "", "案发地址": "禾川镇东河村李某家"}
    rows = [
        row(1),
        row(2, 报警时间="不详", **nowhere),
        row(3, 经度="121.0"),
        row(1, 案发地址="别处"),
        row(5, 报警时间="？"),
    ]
    take(ws, "三月.csv", rows)


def test_only_the_corrected_rows_move_and_each_is_the_incident_it_was(ws: Workspace, tmp_path: Path):
    dirty(ws)
    before = {name: ws.table_hash(name) for name in ("villages", "superseded_incidents")}
    assert waiting(ws)["行号"].tolist() == ["3", "4", "5", "6"]
    path = corrected(ws, 报警时间={3: "2024-03-03 10:11:17", 6: "还是不详"})
    report = import_files(ws, [path]).files[0]
    assert (report.rows_read, report.accepted, report.set_aside, report.refused) == (4, 1, 3, 0)
    table = ws.read("incidents")
    assert table[["source_file", "source_row"]].to_numpy().tolist() == [["三月.csv", 2], ["三月.csv", 3]]
    assert table["village_id"].tolist()[1] == "东河村"  # the address named it; it is nowhere in set_aside/
    # The same row, right from the start, in another workspace with the same salt.
    right = station(tmp_path / "right")
    (right.root / "salt").write_text(ws.salt)
    take(right, "村庄.csv", village_rows())
    take(right, "三月.csv", [row(2, 经度="", 纬度="", 案发地址="禾川镇东河村李某家", 报警时间="2024-03-03 10:11:17")])
    same = ["incident_id", "reported_at", "type", "village_id", "precision"]
    assert table[same].iloc[1].tolist() == right.read("incidents")[same].iloc[0].tolist()
    # What was touched and is still wrong waits under the new import, with what was written; the rest did not move.
    left = {path.name[:13]: pd.read_csv(path, dtype=str)["行号"].tolist() for path in (ws.root / "set_aside").iterdir()}
    assert left == {ws.read("imports")["import_id"].iloc[1]: ["4", "5"], report.import_id: ["6"]}
    assert "还是不详" in waiting(ws)["报警时间"].tolist()
    assert {name: ws.table_hash(name) for name in before} == before
    assert adds_up(ws)


def test_a_correction_saved_as_a_workbook_and_undone(ws: Workspace):
    dirty(ws)
    before = state(ws)
    path = ws.root.parent / "更正.xlsx"
    table = waiting(ws)
    table.loc[table["行号"] == "4", "经度"] = "119.835"
    table["行号"] = table["行号"].astype(int)
    table.to_excel(path, index=False)
    assert import_files(ws, [path]).files[0].accepted == 1
    assert sorted(waiting(ws)["行号"]) == ["3", "5", "6"]
    assert ws.read("incidents").to_crs(4326).geometry.x.iloc[1] == pytest.approx(119.835)
    done = undo_import(ws)
    assert done.waiting_again == 1
    assert state(ws) == before


def test_a_duplicate_is_one_until_it_has_a_number_of_its_own(ws: Workspace):
    take(ws, "三月.csv", [row(1), row(1, 案发地址="张家庄村", 经度="", 纬度="")])
    kept = ws.table_hash("incidents")
    path = corrected(ws, 警情类型={3: "扒窃"})
    assert import_files(ws, [path]).files[0].problems == {"duplicate": 1}
    assert ws.table_hash("incidents") == kept
    path = corrected(ws, 接警单编号={3: row(9)["接警单编号"]})
    assert import_files(ws, [path]).files[0].accepted == 1
    assert ws.read("incidents")["village_id"].tolist() == ["李家屯村", "张家庄村"]
    assert waiting(ws).empty


def test_a_row_comes_back_though_the_digits_of_its_salted_hash_look_like_a_telephone_number(ws: Workspace):
    numbers = pd.Series([f"37028301202403{n:06d}" for n in range(20_000)], dtype="str")
    number = numbers[hashed(numbers, ws.salt).map(has_number)].iloc[0]
    take(ws, "三月.csv", [row(1), row(2, 接警单编号=number, 报警时间="不详")])
    report = import_files(ws, [corrected(ws, 报警时间={3: "2024-03-03 10:11"})]).files[0]
    assert (report.accepted, report.problems) == (1, {})


FIRST_CALL = {"报警时间": "2024-03-05 10:11", "经度": "119.8301", "纬度": "36.612345"}
OTHER_CALL = {"报警时间": "2024-03-05 10:20", "经度": "119.8309", "纬度": "36.612345"}  # 72 m and 9 minutes on


def test_other_callers_in_a_later_file_join_the_first_call_and_name_it_and_an_undo_takes_that_back(ws: Workspace):
    take(ws, "一.csv", [row(1, **FIRST_CALL), row(30)])
    before = ws.table_hash("incidents")
    far, late = OTHER_CALL | {"经度": "119.8350"}, OTHER_CALL | {"报警时间": "2024-03-05 10:42"}
    other = OTHER_CALL | {"警情类别": "治安警情", "警情类型": "赌博"}
    report = take(ws, "二.csv", [row(2, **OTHER_CALL), row(3, **far), row(4, **late), row(5, **other)]).files[0]
    assert (report.accepted, report.problems) == (3, {"same_event": 1})
    assert ws.read("aside")[["row", "reason", "detail"]].to_numpy().tolist() == [[2, "same_event", "一.csv 2"]]
    assert report.rows_read == report.accepted + report.set_aside
    undo_import(ws)
    assert ws.table_hash("incidents") == before
    assert ws.read("aside").empty


def test_a_call_that_was_joined_to_an_earlier_one_comes_in_when_a_person_says_it_is_another(ws: Workspace):
    take(ws, "一.csv", [row(1, **FIRST_CALL)])
    take(ws, "二.csv", [row(2, **OTHER_CALL)])
    assert import_files(ws, [corrected(ws, 警情类型={2: "扒窃"})]).files[0].accepted == 1
    assert ws.read("incidents")["type"].tolist() == ["theft", "pickpocketing"]


def reasons(ws: Workspace) -> list[str]:
    aside = ws.read("aside")
    return sorted(aside["reason"][aside["moved_to"] == ""])


def test_what_was_joined_to_an_undone_call_says_so_and_comes_in_when_it_comes_again_as_it_is(ws: Workspace):
    first = take(ws, "一.csv", [row(1, **FIRST_CALL), row(30)]).files[0]
    follow = row(5, 关联接警单编号=row(1)["接警单编号"], 报警时间="2024-03-07 09:00", 经度="119.8600")
    take(
        ws,
        "二.csv",
        [row(2, **OTHER_CALL), follow, row(3, **OTHER_CALL | {"经度": "119.8310"}), row(40, 报警时间="？")],
    )
    assert reasons(ws) == ["follow_up", "no_time", "same_event", "same_event"]
    done = undo_import(ws, first.import_id)
    assert (done.left_alone, done.waiting_again) == (3, 0)
    assert reasons(ws) == ["first_call_gone", "first_call_gone", "first_call_gone", "no_time"]
    assert aside_file(ws).read_text(encoding="utf-8-sig").count("并入的首报已被撤销") == 3
    report = import_files(ws, [aside_file(ws)]).files[0]
    assert (report.accepted, report.set_aside) == (2, 2)  # the event once, the call that followed one nobody knows
    assert reasons(ws) == ["no_time", "same_event"]
    undo_import(ws, report.import_id)
    assert reasons(ws) == ["first_call_gone", "first_call_gone", "first_call_gone", "no_time"]


def test_a_file_that_comes_again_with_corrections_does_not_join_itself(ws: Workspace):
    take(ws, "一.csv", [row(1, **FIRST_CALL), row(2, **OTHER_CALL)])
    report = take(ws, "一.csv", [row(1, **FIRST_CALL, 警情类型="扒窃"), row(2, **OTHER_CALL)]).files[0]
    assert (report.accepted, report.replaced, report.problems["same_event"]) == (1, 1, 1)
    assert ws.read("incidents")["type"].tolist() == ["pickpocketing"]


def test_calls_split_between_two_files_are_as_many_events_as_in_one(tmp_path: Path):
    rng = np.random.default_rng(5)
    minutes, spots = np.sort(rng.integers(0, 3000, 60)).tolist(), rng.integers(0, 4, 60)
    rows = [
        row(
            number,
            报警时间=f"{pd.Timestamp('2024-03-05 10:01') + pd.Timedelta(minutes=minute)}",
            经度=f"{119.82 + 0.002 * spot:.6f}",
        )
        for number, (minute, spot) in enumerate(zip(minutes, spots, strict=True))
    ]
    whole, split = station(tmp_path / "one"), station(tmp_path / "two")
    take(whole, "all.csv", rows)
    take(split, "1.csv", rows[:30])
    take(split, "2.csv", rows[30:])
    assert len(whole.read("incidents")) < 60
    assert set(whole.read("incidents")["source_row"]) >= set(split.read("incidents")["source_row"][:1])
    assert len(whole.read("incidents")) == len(split.read("incidents"))


@pytest.mark.parametrize("count", ["12e400", "1e30", "37990024010110001234", "inf", "nan", "-3"])
def test_a_number_that_no_count_can_be_is_the_least_count(ws: Workspace, count: str):
    report = take(ws, "一.csv", [row(1, 抓获人数=count), row(2, 抓获人数="2")]).files[0]
    assert report.accepted == 2
    assert ws.read("incidents")["caught_count"].tolist() == [0, 2]


def test_rows_that_waited_for_a_word_come_in_as_they_are_when_the_station_has_named_it(ws: Workspace):
    take(ws, "三月.csv", [row(1, 警情类别="甲", 警情类型="偷鸡摸狗"), row(2, 报警时间="不详")])
    toml = ws.root / "station.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8") + '\n[intake.classes]\n"偷鸡摸狗" = "farm_theft"\n', encoding="utf-8"
    )
    copy = ws.root.parent / "原样.csv"
    copy.write_bytes(aside_file(ws).read_bytes())
    report = import_files(Workspace.open(ws.root), [copy]).files[0]
    assert (report.accepted, report.problems) == (1, {"no_time": 1})
    assert ws.read("incidents")["type"].tolist() == ["farm_theft"]
    assert waiting(ws)["行号"].tolist() == ["3"]


def test_a_number_typed_into_a_correction_is_refused_and_the_row_waits_on(ws: Workspace):
    dirty(ws)
    before = waiting(ws)
    path = ws.root.parent / "更正.csv"
    before.assign(报警时间="2024-03-04 08:00", 警情类型="盗窃 13812345678").to_csv(path, index=False)
    report = import_files(ws, [path]).files[0]
    assert (report.accepted, report.refused) == (0, 4)
    assert waiting(ws).equals(before)
    assert not any(b"13812345678" in file.read_bytes() for file in ws.root.rglob("*") if file.is_file())


def test_a_later_file_takes_rows_off_the_list_and_its_undo_puts_them_back(ws: Workspace):
    take(ws, "一.csv", [row(1, 报警时间="不详"), row(2, 报警时间="不详"), row(3)])
    before = state(ws)
    take(ws, "二.csv", [row(1), row(2, 报警时间="不明")])
    assert waiting(ws)[["文件", "行号"]].to_numpy().tolist() == [["二.csv", "3"]]
    undo_import(ws)
    assert state(ws) == before


def test_rows_of_a_layer_keep_their_shape_while_they_wait(ws: Workspace):
    path = ws.root.parent / "村庄.geojson"
    areas = [shapely.box(119.80, 36.60, 119.82, 36.62), shapely.box(119.84, 36.64, 119.86, 36.66)]
    gpd.GeoDataFrame({"村庄": ["甲村", "乙村"], "人口": ["100", "不详"]}, geometry=areas, crs=4326).to_file(path)
    import_files(ws, [path])
    assert import_files(ws, [corrected(ws, 人口={2: "50"})]).files[0].accepted == 1
    made = ws.read("villages").set_index("name").to_crs(4326)
    assert made.loc["乙村", "population"] == 50
    assert (
        made.geometry["乙村"].equals_exact(areas[1], 1e-6)
        or made.geometry["乙村"].symmetric_difference(areas[1]).area < 1e-9
    )


def test_the_list_of_a_kind_that_may_have_no_place_shows_none(ws: Workspace):
    take(ws, "三月.csv", [row(1, 警情类别="治安警情", 警情类型="家庭暴力", 报警时间="不详", 村庄="东河村")])
    cells = waiting(ws).iloc[0]
    assert cells[["经度", "纬度", "村庄"]].tolist() == ["", "", ""]
    assert ws.read("aside")["village_id"].tolist() == [""]


def test_a_list_that_nobody_touched_is_no_import(ws: Workspace):
    dirty(ws)
    before = state(ws)
    assert [one.already for one in import_files(ws, [aside_file(ws)]).files] == [True]
    assert state(ws) == before


def test_no_key_of_a_waiting_row_can_be_taken_for_a_number_of_a_person(ws: Workspace):
    """A key of hexadecimal digits was, once in some hundred rows: R13812345678a."""
    take(ws, "三月.csv", [row(n, 报警时间="不详") for n in range(300)])
    keys = ws.read("aside")["key"]
    assert len(keys) == 300
    assert keys.is_unique
    assert not keys.str.contains(r"\d").any()


def as_a_spreadsheet_writes_them(cell: str) -> str:
    """Return a cell as a spreadsheet shows it: its own dates without seconds, numbers without trailing zeros."""
    moment = pd.to_datetime(cell, format="%Y-%m-%d %H:%M:%S", errors="coerce")
    if not pd.isna(moment):
        return f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment:%M}"
    return repr(float(cell)) if cell.replace(".", "").isdigit() and len(cell) > 1 else cell


def test_rows_that_a_spreadsheet_has_only_written_otherwise_stay_where_they_are(ws: Workspace, tmp_path: Path):
    take(ws, "一.csv", [row(1, **FIRST_CALL | {"报警时间": "2024-03-05 00:40:07"})])
    calls = [
        row(2, **OTHER_CALL | {"报警时间": "2024-03-05 00:41:30", "经度": "119.8300"}),
        row(3, 报警时间="", 经度="119.8310"),
    ]
    take(ws, "二.csv", calls)
    assert reasons(ws) == ["no_time", "same_event"]
    before, path = state(ws), tmp_path / "改正.csv"
    table = pd.read_csv(aside_file(ws), dtype=str, encoding="utf-8-sig", keep_default_na=False)
    mangled = table.map(as_a_spreadsheet_writes_them)
    assert mangled["经度"].tolist() == ["119.83", "119.831"]
    mangled.drop(columns="关联接警单编号", errors="ignore").to_csv(path, index=False, encoding="gb18030")
    report = import_files(ws, [path]).files[0]
    assert (report.accepted, report.already) == (0, True)
    assert state(ws) == before


def test_a_call_joined_to_another_comes_in_when_its_reason_is_emptied(ws: Workspace):
    take(ws, "一.csv", [row(1, **FIRST_CALL), row(2, **OTHER_CALL), row(5, 报警时间="？")])
    report = import_files(ws, [corrected(ws, 原因={3: ""})]).files[0]
    assert (report.accepted, report.set_aside) == (1, 1)
    assert reasons(ws) == ["no_time"]
