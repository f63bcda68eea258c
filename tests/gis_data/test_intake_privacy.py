"""Persons at the door: found wherever they stand, refused, and left in no byte of the workspace."""

import datetime as dt
import sqlite3
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis_data import audit
from gis_data.errors import InputError
from gis_data.intake import import_files, new_workspace, privacy, undo_import
from gis_data.workspace import Workspace
from tests.poison import OTHERS, PHONES, in_every_form, leaks, poisoned
from views.quality import quality_of
from views.quality_book import write_quality_book

GOOD = {
    "接警单编号": "37028301202403050001", "报警时间": "2024-03-05 10:11:37", "警情类别": "刑事警情", "警情类型": "盗窃",
    "报警方式": "110", "案发部位": "集市", "作案手段": "撬锁", "村庄": "东河村", "经度": "119.835", "纬度": "36.615",
}  # fmt: skip


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    boundary = tmp_path / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(119.80, 36.60, 119.88, 36.68)], crs=4326).to_file(boundary)
    made = new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)
    import_files(
        made, [csv_of(tmp_path / "村庄.csv", [{"村庄": "东河村", "人口": 900, "经度": 119.87, "纬度": 36.67}])]
    )
    return made


def csv_of(path: Path, rows: list[dict[str, object]]) -> Path:
    pd.DataFrame(rows).to_csv(path, index=False, encoding="utf-8-sig")
    return path


def good(number: int, **changes: object) -> dict[str, object]:
    day = dt.datetime(2024, 3, 1, 10, 11, 37) + dt.timedelta(days=number)
    return GOOD | {"接警单编号": f"3702830120240305{number:04d}", "报警时间": str(day)} | changes


def test_the_poisoned_file_is_refused_with_its_columns_named_and_leaves_nothing(ws: Workspace, tmp_path: Path):
    with pytest.raises(InputError, match="报警人、联系电话、身份证号、车牌号"):
        import_files(ws, [poisoned(tmp_path, good)])
    assert leaks(ws.root) == []
    assert ws.read("incidents").empty


def test_without_its_columns_about_persons_the_poisoned_file_leaves_nothing_of_them_either(
    ws: Workspace, tmp_path: Path
):
    path = poisoned(tmp_path, good)
    report = import_files(ws, [path], drop_person_columns=True).files[0]
    assert import_files(ws, [path]).files[0].already  # it would be refused, were it new
    write_quality_book(quality_of(ws.read), ws.study, ws.root / "out" / "quality.xlsx")
    assert leaks(ws.root) == []
    assert (report.rows_read, report.accepted) == (11, len(ws.read("incidents")))
    assert report.accepted >= 2
    assert report.problems["private"] >= 7
    assert not list((ws.root / "raw").glob(f"{report.import_id}*"))
    entry = audit.entries(ws.root / "audit.jsonl")[-1]
    assert list(entry["parameters"]["dropped_person_columns"].values()) == [
        ["报警人", "联系电话", "身份证号", "车牌号"]
    ]
    undo_import(ws)
    assert leaks(ws.root) == []


COLUMNS = {
    "incidents": (
        "警情类别",
        "警情类型",
        "警情子类",
        "报警方式",
        "案发部位",
        "作案手段",
        "侵害对象",
        "村庄",
        "报警时间",
        "经度",
    ),
    "villages": ("村庄", "别名", "工作区", "集日", "人口"),
    "crews": ("巡组编号", "巡逻方式", "班次"),
    "cameras": ("监控编号", "状态", "安装位置"),
    "patrol_hours": ("村庄", "时段", "月份", "巡逻时长"),
}
ROWS: dict[str, dict[str, object]] = {
    "incidents": GOOD,
    "villages": {
        "村庄": "西河村",
        "别名": "西河",
        "人口": 300,
        "经度": 119.82,
        "纬度": 36.67,
        "工作区": "一区",
        "集日": "五",
    },
    "crews": {"巡组编号": "X1", "巡逻方式": "汽车", "班次": "夜"},
    "cameras": {"监控编号": "C1", "状态": "正常", "方位角": 90, "经度": 119.84, "纬度": 36.64, "安装位置": "路口"},
    "patrol_hours": {"月份": "2024-03", "村庄": "东河村", "时段": "18-24", "巡逻时长": 2},
}


@pytest.mark.parametrize("table", COLUMNS)
def test_a_number_in_any_kept_column_of_any_table_refuses_the_row(ws: Workspace, tmp_path: Path, table: str):
    numbers = (*PHONES, *OTHERS)
    rows = [
        ROWS[table] | {column: f"{ROWS[table].get(column, '')} {number}"}
        for column in COLUMNS[table] for number in numbers
    ]  # fmt: skip
    report = import_files(ws, [csv_of(tmp_path / "x.csv", [*rows, ROWS[table]])]).files[0]
    assert (report.table, report.refused, report.accepted) == (table, len(rows), 1)
    assert report.problems["private"] == len(rows)
    assert leaks(ws.root, set().union(*map(in_every_form, numbers))) == []


@pytest.mark.parametrize("text", [
    "370283101201", "37028301202403050001", "20240305101137", "2024-03-05 10:11", "119.813812345678", "36.61381234567",
    "110", "S208省道12号", "1.38e10", "34020000001320000001", "4061009.571", "18-24", "逢五排十", "", "鲁B区",
])  # fmt: skip
def test_what_only_looks_like_a_number_of_a_person_is_none(text: str):
    assert not privacy.has_number(text)


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.sampled_from(["", "电话", " ", "：", "王某"]),
    st.sampled_from(["", "号", "，"]),
)
def test_any_mobile_number_between_any_words_is_found_and_hidden(number: str, before: str, after: str):
    assert privacy.has_number(before + number + after)
    assert privacy.hide(before + number + after) == f"{before}…{after}"


def test_an_original_is_kept_only_where_nothing_of_it_had_to_go(ws: Workspace, tmp_path: Path):
    files = {
        "好.csv": [good(1)],
        "有简要案情.csv": [good(2, 简要案情="丙被盗")],
        "有号码.csv": [good(3, 案发地址="东河村 13812345678")],
        "有生列.csv": [good(4, 天气="晴")],
        "有人名列.csv": [good(5, 报警人="丁")],
    }
    paths = [csv_of(tmp_path / name, rows) for name, rows in files.items()]
    assert all(one.accepted == 1 for one in import_files(ws, paths, drop_person_columns=True).files)
    assert {path.name[14:] for path in (ws.root / "raw").iterdir()} == {"村庄.csv", "好.csv"}


def test_a_name_that_the_file_itself_lists_is_found_in_kept_columns_but_nobody_is_no_name(
    ws: Workspace, tmp_path: Path
):
    rows = [
        good(1, 报警人="张三"),
        good(2, 报警人="匿名", 案发部位="张三超市"),
        good(3, 报警人="不详", 案发部位="不详"),
    ]
    report = import_files(ws, [csv_of(tmp_path / "x.csv", rows)], drop_person_columns=True).files[0]
    assert (report.accepted, report.problems["private"]) == (2, 1)
    assert ws.read("incidents")["place_type"].tolist() == ["集市", "不详"]


def test_times_are_kept_to_the_minute(ws: Workspace, tmp_path: Path):
    import_files(ws, [csv_of(tmp_path / "x.csv", [good(1, 到达现场时间="2024-03-02 10:25:59")])])
    row = ws.read("incidents").iloc[0]
    assert (str(row["reported_at"]), str(row["arrived_at"])) == (
        "2024-03-02 10:11:00+08:00",
        "2024-03-02 10:25:00+08:00",
    )


def test_free_text_is_cut_out_of_the_list_of_rows_set_aside(ws: Workspace, tmp_path: Path):
    story = "某日某人在某处遇某事" * 5
    import_files(
        ws, [csv_of(tmp_path / "x.csv", [good(1, 报警时间="不详", 作案手段=story, 序号="37028301202403059999")])]
    )
    assert leaks(ws.root, [story, "3702830120240305"]) == []


def test_the_database_holds_no_table_or_column_about_persons(ws: Workspace, tmp_path: Path):
    """Whatever is written: the columns of the file itself, as SQLite tells them."""
    import_files(ws, [poisoned(tmp_path, good)], drop_person_columns=True)
    with sqlite3.connect(ws.root / "station.gpkg") as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {row[1] for name in tables for row in connection.execute(f'PRAGMA table_info("{name}")')}
    assert not {column for column in columns if any(word in column for word in ("person", "phone", "caller", "plate"))}


def test_a_book_whose_hidden_sheet_names_persons_is_refused(ws: Workspace, tmp_path: Path):
    book = openpyxl.Workbook()
    book.active.append(list(GOOD))
    book.active.append(list(GOOD.values()))
    hidden = book.create_sheet("内部")
    hidden.append(["报警时间", "警情类型", "报警人电话"])
    hidden.append(["2024-03-05 10:00", "盗窃", PHONES[0]])
    hidden.sheet_state = "hidden"
    book.save(tmp_path / "藏.xlsx")
    with pytest.raises(InputError, match="报警人电话"):
        import_files(ws, [tmp_path / "藏.xlsx"])
    assert leaks(ws.root) == []
