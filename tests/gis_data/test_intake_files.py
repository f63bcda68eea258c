"""Files of every kind a station has: read the same whatever their ending and encoding."""

import csv
import io
import struct
import warnings
from pathlib import Path

import geopandas as gpd
import openpyxl
import pyogrio
import pytest

from gis_data.errors import InputError
from gis_data.intake import headers, import_files, kinds, sheets
from gis_data.workspace import Workspace
from tests.gis_data.made_files import MADE, TIMES, TRUE_SUFFIX, as_xlsx, as_zip, points, put, shapefile


def check_whole(ws: Workspace, path: Path) -> None:
    """Check that a file gives exactly the three incidents, each at its place and time."""
    read = [one for one in import_files(ws, [path]).files if one.table == "incidents"]
    assert [(one.rows_read, one.accepted, one.set_aside, one.refused) for one in read] == [(3, 3, 0, 0)]
    table = ws.read("incidents")
    assert sorted(table["reported_at"].astype(str)) == TIMES
    assert sorted(table["type"]) == ["assault", "theft_other", "theft_other"] or set(table["type"]) >= {"assault"}
    lonlat = table.to_crs(4326).geometry
    assert sorted(lonlat.x.round(4)) == [119.8301, 119.8402, 119.8503]
    assert sorted(lonlat.y.round(4)) == [36.6123, 36.6234, 36.6345]


@pytest.mark.parametrize("made", MADE)
def test_every_kind_of_file_gives_the_same_incidents(ws: Workspace, tmp_path: Path, made: str):
    word = made.split()[0]
    check_whole(ws, put(tmp_path, f"三月{TRUE_SUFFIX.get(word, f'.{word}')}", MADE[made](tmp_path)))


@pytest.mark.parametrize(
    ("made", "suffix", "kind"),
    [
        ("xlsx", ".xls", "xlsx"),
        ("xlsx", ".csv", "xlsx"),
        ("xls", ".xlsx", "xls"),
        ("xls", ".txt", "xls"),
        ("csv GBK", ".xlsx", "text"),
        ("csv utf-8", ".xls", "text"),
        ("tsv GB18030", ".xls", "text"),
        ("html utf-8", ".xls", "html"),
        ("html that says nothing, GBK", ".xls", "html"),
        ("html that says GBK", ".csv", "html"),
        ("geojson", ".txt", "geojson"),
        ("geojson", ".kml", "geojson"),
        ("gpkg", ".xls", "gpkg"),
        ("fgb", ".csv", "fgb"),
        ("kml", ".xml", "kml"),
        ("parquet", ".csv", "parquet"),
        ("zip", ".xlsx", "zip"),
        ("csv utf-8", "", "text"),
        ("xlsx", ".XLSX", "xlsx"),
    ],
)
def test_content_decides_and_not_the_ending(ws: Workspace, tmp_path: Path, made: str, suffix: str, kind: str):
    path = put(tmp_path, f"三月{suffix}", MADE[made](tmp_path))
    assert kinds.kind_of(path) == kind
    check_whole(ws, path)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"%PDF-1.7 ...", "intake.unknown_kind"),
        (b"\x89PNG\r\n\x1a\n", "intake.unknown_kind"),
        (b"Rar!\x1a\x07\x00", "intake.unknown_kind"),
        (as_zip({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}), "intake.unknown_kind"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "intake.unknown_kind"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "intake.locked"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le") * 99, "intake.damaged"),
        (b"PK\x03\x04 torn", "intake.damaged"),
        (as_xlsx()[:3000], "intake.damaged"),
        (b"", "intake.empty"),
        (b"<html><body>no table</body></html>", "intake.empty"),
        ("报警时间,警情类别\n昨天,盗".encode()[:-1], "intake.damaged"),
        (b"\xff\xff\x00\x01" * 50, "intake.damaged"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(ws: Workspace, tmp_path: Path, content: bytes, key: str):
    with pytest.raises(InputError) as told:
        import_files(ws, [put(tmp_path, "表.xls", content)])
    assert told.value.key == key
    assert "表.xls" in str(told.value)


def test_a_stray_cell_in_the_last_corner_costs_nothing(ws: Workspace, tmp_path: Path):
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx()))
    book.active.cell(1_048_576, 16_384).value = " "
    path = tmp_path / "三月.xlsx"
    book.save(path)
    check_whole(ws, path)


def test_several_sheets_are_told_apart_and_row_numbers_are_those_of_excel(ws: Workspace, tmp_path: Path):
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx()))
    book.copy_worksheet(book.active).title = "四/月".replace("/", "月之")
    book.create_sheet("空")
    path = tmp_path / "季度.xlsx"
    book.save(path)
    found = sheets.open_sheets(path)
    assert [sheet.name for sheet in found] == ["季度.xlsx〔三月〕", "季度.xlsx〔四月之月〕"]
    assert found[0].rows.tolist() == [4, 5, 6]


def test_an_html_cell_over_several_rows_counts_in_each_and_one_over_columns_in_the_first(tmp_path: Path):
    page = (
        "<table><tr><th>村庄<th>报警时间<th>警情类别<th>备用</tr>"
        "<tr><td rowspan=2>东河村<td>2024-03-05<td colspan=2>盗窃</tr><tr><td>2024-03-06<td>诈骗<td>x</tr></table>"
    )
    (sheet,) = sheets.open_sheets(put(tmp_path, "a.xls", page.encode()))
    assert sheet.frame["村庄"].tolist() == ["东河村", "东河村"]
    assert sheet.frame["警情类别"].tolist() == ["盗窃", "诈骗"]
    assert sheet.frame["备用"].tolist() == [None, "x"]


def test_an_html_page_reads_no_file_and_grows_no_bomb(tmp_path: Path):
    secret = put(tmp_path, "secret.txt", b"secret")
    table = "<table><tr><th>村庄<th>人口</tr><tr><td>&x;<td>5</tr></table>"
    page = f'<!DOCTYPE html [<!ENTITY x SYSTEM "{secret.as_uri()}">]>{table}'
    (sheet,) = sheets.open_sheets(put(tmp_path, "a.xls", page.encode()))
    assert "secret" not in str(sheet.frame.to_dict())
    wide = "<table><tr><th>村庄<th>人口</tr>" + "<tr><td rowspan=60000 colspan=99999>a</tr>" * 40_000 + "</table>"
    with pytest.raises(InputError, match="打不开"):
        sheets.open_sheets(put(tmp_path, "b.xls", wide.encode()))


# --- shapefiles


@pytest.mark.parametrize("cpg", [None, "UTF-8", "ISO-8859-1", "GBK", "936", "nonsense", ""])
def test_a_gbk_shapefile_reads_right_whatever_its_cpg_says(ws: Workspace, tmp_path: Path, cpg: str | None):
    check_whole(ws, shapefile(tmp_path / "shp", encoding="GBK", cpg=cpg))


@pytest.mark.parametrize("cpg", [None, "UTF-8", "GBK", "ISO-8859-1"])
def test_a_utf8_shapefile_reads_right_whatever_its_cpg_says(ws: Workspace, tmp_path: Path, cpg: str | None):
    check_whole(ws, shapefile(tmp_path / "shp", encoding="UTF-8", cpg=cpg))


def test_a_western_shapefile_keeps_its_letters(tmp_path: Path):
    path = tmp_path / "dörfer.shp"
    frame = gpd.GeoDataFrame(
        {"name": ["Schaanwäldli", "Gübel"]}, geometry=gpd.points_from_xy([9, 9], [47, 47]), crs=4326
    )
    pyogrio.write_dataframe(frame, path, encoding="ISO-8859-1")
    assert sheets.open_sheets(path)[0].frame["name"].tolist() == ["Schaanwäldli", "Gübel"]


def test_a_letter_cut_in_half_by_the_width_of_a_dbf_column_does_not_change_the_encoding(tmp_path: Path):
    path = shapefile(tmp_path / "shp", encoding="GBK", cpg=None)
    table = path.with_suffix(".dbf")
    raw = bytearray(table.read_bytes())
    start, width = struct.unpack("<HH", raw[8:12])
    at = 1  # the fourth column of text holds the address: fill it to its last byte, the last letter cut in half
    sizes = [raw[place + 16] for place in range(32, start - 1, 32)]
    at += sum(sizes[:4])
    for row in range(start, start + 3 * width, width):
        torn = ("x" * (1 - sizes[4] % 2) + "村" * 200).encode("gbk")[: sizes[4]]
        raw[row + at : row + at + sizes[4]] = torn
    table.write_bytes(bytes(raw))
    found = sheets.open_sheets(path)[0].frame
    assert found["类型"].tolist() == ["盗窃", "殴打他人", "盗窃"]
    assert set(found["地点"].str.strip("x村")) == {""}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_column_name_cut_in_half_is_read_and_guessed(tmp_path: Path):
    path = tmp_path / "警情.shp"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the writer says that it cut the name
        pyogrio.write_dataframe(points()[["报警时间", "geometry"]].assign(BJLB="盗窃"), path, encoding="UTF-8")
    (sheet,) = sheets.open_sheets(path)
    assert list(sheet.frame.columns) == ["报警时", "BJLB"]
    match = headers.recognise(sheet.frame.columns, has_shapes=True)
    assert match is not None
    assert match.guessed == {"报警时": "reported_at"}


def test_an_import_of_a_shapefile_ignores_other_files_of_its_name(ws: Workspace, tmp_path: Path):
    path = shapefile(tmp_path / "shp", encoding="GBK", cpg=None)
    before = sheets.sha256(path)
    path.with_suffix(".csv").write_text("a")
    assert sheets.sha256(path) == before


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_text_longer_than_its_first_look_is_read_as_the_standard_library_reads_it(tmp_path: Path, ends: str):
    head = "报警时间,警情类别,案发地址"
    lines = [
        head,
        *(f"2024-01-{n % 28 + 1:02d} 08:10,{('盗窃', '抢夺')[n % 2]},李家屯村{n}号" for n in range(25_000)),
    ]
    lines[20_000] = "2024-01-01 09:00,第三种词,"  # a word that the first rows do not know
    content = ends.join(lines).encode()
    assert len(content) > 1 << 20
    (sheet,) = sheets.open_sheets(put(tmp_path, "长.csv", content))
    wanted = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert sheet.frame.astype(object).to_numpy().tolist() == wanted[1:]
    assert sheet.rows.tolist() == list(range(2, len(wanted) + 1))
