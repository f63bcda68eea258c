"""Sheets as an office lays them out: headers of two rows, merged cells, totals and signed lines at the foot."""

import io
import json
from pathlib import Path

import openpyxl
import pytest

from gis_data.errors import CrsError
from gis_data.intake import import_files, new_workspace, sheets
from gis_data.workspace import Workspace
from tests.gis_data.made_files import ROWS, put

UPPER = ["序号", "报警情况", None, None, "地点", None, None, "抓获现行数"]
LOWER = [None, "接警单编号", "报警时间", "警情类别", "案发地址", "经度", "纬度", None]
BOTH = ["序号", "接警单编号", "报警时间", "警情类别", "案发地址", "经度", "纬度", "抓获现行数"]
MERGED = ("A1:H1", "A2:A3", "B2:D2", "E2:G2", "H2:H3")
SIGNED = "制表人：章甲乙    审核人：卫丙丁"


def lines() -> list[list[str | int | None]]:
    number, when, kind, _, where, lon, lat = range(7)
    return [
        [at, row[number], row[when], row[kind], row[where], row[lon], row[lat], 1] for at, row in enumerate(ROWS, 1)
    ]


def as_book(records: list[list[str | int | None]], merged: tuple[str, ...]) -> bytes:
    book = openpyxl.Workbook()
    for record in records:
        book.active.append(record)
    for place in merged:
        book.active.merge_cells(place)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_text(records: list[list[str | int | None]]) -> bytes:
    return "\n".join(",".join("" if cell is None else str(cell) for cell in record) for record in records).encode("gbk")


@pytest.mark.parametrize("kind", ["xlsx, merged", "xlsx", "csv"])
def test_a_header_of_two_rows_gives_every_column_and_what_stands_at_the_foot_is_no_record(
    ws: Workspace, tmp_path: Path, kind: str
):
    records = [["三月警情登记表"], UPPER, LOWER, *lines(), ["合计", 3], [SIGNED]]
    merged = MERGED if "merged" in kind else ()
    content = as_text(records) if kind == "csv" else as_book(records, merged)
    path = put(tmp_path, f"三月.{kind[:4].strip(',')}", content)
    (sheet,) = sheets.open_sheets(path)
    assert list(sheet.frame.columns) == BOTH
    assert sheet.rows[0] == 4

    (report,) = import_files(ws, [path]).files
    assert (report.rows_read, report.accepted, report.refused) == (5, 3, 1)
    assert report.problems["signed"] == report.problems["total_row"] == 1
    assert ws.read("incidents")["caught_count"].tolist() == [1, 1, 1]
    assert not report.unknown
    for kept in (one for one in ws.root.rglob("*") if one.is_file()):
        assert not any(name.encode() in kept.read_bytes() for name in ("章甲乙", "卫丙丁")), kept


def test_subheadings_below_the_fuller_row_belong_to_the_header(tmp_path: Path):
    upper = ["接警单编号", "报警时间", "警情类别", "地点", None, None, "抓获现行数"]
    lower = [None, None, None, "案发地址", "经度", "纬度", None]
    path = put(tmp_path, "三月.csv", as_text([upper, lower, *(line[1:] for line in lines())]))
    (sheet,) = sheets.open_sheets(path)
    assert list(sheet.frame.columns) == BOTH[1:]
    assert sheet.frame["抓获现行数"].tolist() == ["1", "1", "1"]


def test_a_row_of_data_is_no_second_header(tmp_path: Path):
    """A village may be called like a header, and its row may be nearly empty."""
    path = put(tmp_path, "村.csv", as_text([["村庄", "人口", None], ["村庄", 5, None], [None, None, "经度"]]))
    (sheet,) = sheets.open_sheets(path)
    assert sheet.frame["村庄"].tolist() == ["村庄", ""]


def test_a_merged_cell_says_the_same_in_each_row_of_a_workbook(ws: Workspace, tmp_path: Path):
    records = [
        ["警务区", "村庄", "人口", "经度", "纬度"],
        ["第1警务区", "东河村", 500, 119.83, 36.61],
        [None, "西河村", 400, 119.84, 36.62],
        ["第2警务区", "南河村", 300, 119.85, 36.63],
    ]
    import_files(ws, [put(tmp_path, "村.xlsx", as_book(records, ("A2:A3", "A4:A90")))])
    villages = ws.read("villages")
    assert dict(zip(villages["name"], villages["work_area"], strict=True)) == {
        "东河村": "第1警务区",
        "西河村": "第1警务区",
        "南河村": "第2警务区",
    }


# --- a wrong boundary


def test_a_file_that_lies_elsewhere_says_first_that_the_boundary_may_be_wrong(ws: Workspace, tmp_path: Path):
    head = ["村庄", "人口", "经度", "纬度"]
    away = [head, *([f"村{at}", 500, 121.5 + at / 100, 36.6] for at in range(12)), ["近村", 500, 119.84, 36.62]]
    (report,) = import_files(ws, [put(tmp_path, "村.csv", as_text(away))]).files
    assert report.sentences()[0].startswith("有坐标的 13 行里，12 行在辖区之外：多半是建库时给错了边界")
    few = [head, *away[1:4], *([f"里{at}", 500, 119.83 + at / 1000, 36.62] for at in range(12))]
    (report,) = import_files(ws, [put(tmp_path, "村2.csv", as_text(few))]).files
    assert report.problems["outside"] == 3
    assert not report.remarks


def test_a_boundary_with_latitude_first_is_told_so(tmp_path: Path):
    ring = [[36.6, 119.8], [36.7, 119.8], [36.7, 119.9], [36.6, 119.8]]
    shape = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path = put(tmp_path, "界.geojson", json.dumps({"type": "FeatureCollection", "features": [shape]}).encode())
    with pytest.raises(CrsError, match=r"界\.geojson .*37, 120.*经纬度写反"):
        new_workspace(tmp_path / "town", name="某镇", boundary=path)
