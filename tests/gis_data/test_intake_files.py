"""Files of every kind a station has: read the same whatever their ending and encoding; headers known or guessed."""

import csv
import datetime
import io
import struct
import tomllib
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

from gis_data import audit
from gis_data.errors import InputError, PatrolError
from gis_data.intake import headers, import_files, kinds, new_workspace, sheets
from gis_data.intake.own_headers import own_headers, save_headers
from gis_data.intake.preview import preview
from gis_data.workspace import Workspace

HEAD = ["接警单编号", "报警时间", "警情类别", "警情类型", "案发地址", "经度", "纬度"]
ROWS = [
    ["37028301202403050001", "2024-03-05 10:30", "刑事警情", "盗窃", "禾川镇李家屯村", "119.8301", "36.6123"],
    ["37028301202403060002", "2024-03-06 23:05", "治安警情", "殴打他人", "禾川镇张家庄村", "119.8402", "36.6234"],
    ["37028301202403070003", "2024-03-07 00:15", "刑事警情", "盗窃", "禾川镇东河崖", "119.8503", "36.6345"],
]
TIMES = ["2024-03-05 10:30:00+08:00", "2024-03-06 23:05:00+08:00", "2024-03-07 00:15:00+08:00"]
TITLE = ["禾川镇三月警情", "", "", "", "", "", ""]


def lines(*, title: bool = False) -> list[list[str]]:
    return ([TITLE, [""] * 7] if title else []) + [HEAD, *ROWS]


def as_csv(delimiter: str = ",", encoding: str = "utf-8", *, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting).writerows(lines())
    return out.getvalue().encode(encoding)


def as_xlsx() -> bytes:
    """Return a workbook with a merged title, its header in row 3, real dates, and a sheet of explanations."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "三月"
    for line in lines(title=True):
        sheet.append(line)
    for row in range(4, 7):
        cell = sheet.cell(row, 2)
        cell.value = datetime.datetime.fromisoformat(str(cell.value))
        for column in (6, 7):
            sheet.cell(row, column).value = float(str(sheet.cell(row, column).value))
    sheet.merge_cells("A1:G1")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xls() -> bytes:
    """Return an Excel 97 workbook with a merged title, real dates and numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xlwt

        book = xlwt.Workbook(encoding="utf-8")
        sheet = book.add_sheet("三月")
        sheet.write_merge(0, 0, 0, 6, TITLE[0])
        day = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm")
        for at, line in enumerate(lines(), start=2):
            for column, text in enumerate(line):
                if at > 2 and column == 1:
                    sheet.write(at, column, datetime.datetime.fromisoformat(text), day)
                elif at > 2 and column > 4:
                    sheet.write(at, column, float(text))
                else:
                    sheet.write(at, column, text)
        out = io.BytesIO()
        book.save(out)
    return out.getvalue()


def as_html(encoding: str = "utf-8", *, declared: str = "", layout: bool = False) -> bytes:
    head, *rows = [list(line) for line in lines()]
    cells = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td x:str>{cell}&nbsp;</td>" for cell in row) + "</tr>\n" for row in rows)
    table = f"<table border=1><tr><td colspan=7>{TITLE[0]}</td></tr><tr>{cells}</tr>{body}</table>"
    if layout:
        table = f"<table><tr><td>菜单</td><td>{table}</td></tr></table>"
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={declared}">' if declared else ""
    return f"<html><head>{meta}</head>\n<body>{table}</body></html>".encode(encoding)


def points() -> gpd.GeoDataFrame:
    frame = pd.DataFrame(ROWS, columns=HEAD).drop(columns=["经度", "纬度"])
    shapes = gpd.points_from_xy([float(row[5]) for row in ROWS], [float(row[6]) for row in ROWS])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)


def as_geojson() -> bytes:
    return points().to_json(drop_id=True, ensure_ascii=False).encode()


def as_layer(suffix: str, driver: str, folder: Path) -> bytes:
    path = folder / f"made{suffix}"
    points().to_file(path, driver=driver)
    return path.read_bytes()


def as_kml(*, extended: bool = True) -> bytes:
    places = []
    for row in ROWS:
        pairs = dict(zip(HEAD[:5], row[:5], strict=True))
        if extended:
            data = "".join(f'<Data name="{name}"><value>{value}</value></Data>' for name, value in pairs.items())
            inner = f"<description>巡逻员的话</description><ExtendedData>{data}</ExtendedData>"
        else:
            inner = f"<description>{chr(10).join(f'{name}：{value}' for name, value in pairs.items())}</description>"
        inner += f"<Point><coordinates>{row[5]},{row[6]},0</coordinates></Point>"
        places.append(f"<Placemark><name>标签</name>{inner}</Placemark>")
    body = f"<Document><Folder><name>三月</name>{''.join(places)}</Folder></Document>"
    return f'<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2">{body}</kml>'.encode()


def as_zip(members: dict[str, bytes], *, raw_names: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    made = out.getvalue()
    if raw_names:  # names in GBK without the flag that says UTF-8, as Windows in Chinese writes them
        for name in members:
            utf8, gbk = name.encode(), name.encode("gb18030")
            assert len(utf8) == len(gbk), "only to be used where lengths agree"
            made = made.replace(utf8, gbk)
    return made


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    boundary = tmp_path / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(119.80, 36.60, 119.88, 36.68)], crs=4326).to_file(boundary)
    return new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)


def put(tmp_path: Path, name: str, content: bytes) -> Path:
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


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


MADE: dict[str, Callable[[Path], bytes]] = {
    "csv utf-8": lambda _: as_csv(),
    "csv with BOM": lambda _: as_csv(encoding="utf-8-sig"),
    "csv GBK": lambda _: as_csv(encoding="gbk"),
    "csv utf-16": lambda _: as_csv(encoding="utf-16"),
    "tsv GB18030": lambda _: as_csv("\t", "gb18030"),
    "tsv all quoted": lambda _: as_csv("\t", quoting=csv.QUOTE_ALL),
    "semicolons": lambda _: as_csv(";"),
    "xlsx": lambda _: as_xlsx(),
    "xls": lambda _: as_xls(),
    "html utf-8": lambda _: as_html(),
    "html that says GBK": lambda _: as_html("gbk", declared="gb2312"),
    "html that says nothing, GBK": lambda _: as_html("gbk"),
    "html that says UTF-8 and is GBK": lambda _: as_html("gbk", declared="utf-8"),
    "html in a page of frames": lambda _: as_html(layout=True),
    "geojson": lambda _: as_geojson(),
    "gpkg": lambda folder: as_layer(".gpkg", "GPKG", folder),
    "fgb": lambda folder: as_layer(".fgb", "FlatGeobuf", folder),
    "kml": lambda _: as_kml(),
    "kml with notes": lambda _: as_kml(extended=False),
    "parquet": lambda folder: _parquet(folder),
    "zip": lambda _: as_zip({"a/三月.csv": as_csv(encoding="gbk")}),
}


def _parquet(folder: Path) -> bytes:
    path = folder / "made.parquet"
    points().to_parquet(path)
    return path.read_bytes()


TRUE_SUFFIX = {"csv": ".csv", "tsv": ".tsv", "semicolons": ".txt", "html": ".html"}


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


def shapefile(folder: Path, *, encoding: str, cpg: str | None) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "警情.shp"
    # Ten bytes is all that a column's name may have: three letters of UTF-8.
    short = points().rename(columns=dict(zip(HEAD, ["JJDBH", "BJSJ", "BJLB", "类型", "地点"], strict=False)))
    pyogrio.write_dataframe(short, path, encoding=encoding)
    note = path.with_suffix(".cpg")
    note.unlink(missing_ok=True)
    if cpg is not None:
        note.write_text(cpg)
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    raw[29] = 0  # the code page mark of the .dbf itself says nothing, as most programs leave it
    path.with_suffix(".dbf").write_bytes(bytes(raw))
    return path


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


# --- zips


def zip_of_shapefile(tmp_path: Path) -> dict[str, bytes]:
    path = shapefile(tmp_path / "shp", encoding="GBK", cpg="UTF-8")
    return {f"图层/{part.name}": part.read_bytes() for part in sorted(path.parent.iterdir())}


def test_every_member_of_a_zip_is_a_file_of_its_own(ws: Workspace, tmp_path: Path):
    other = as_csv().replace(b"3702830120240", b"9902830120240")
    people = "村庄,人口,经度,纬度\n东河村,300,119.85,36.63\n".encode("gb18030")
    content = as_zip(
        {"表/三月.xls": as_html("gbk"), "村庄.csv": people, "读我.txt": "说明".encode(), "__MACOSX/._x": b"x",
         "内.zip": as_zip({"a.csv": other}), **zip_of_shapefile(tmp_path)}
    )  # fmt: skip
    report = import_files(ws, [put(tmp_path, "全部.zip", content)])
    found = {one.file: (one.table, one.rows_read, one.accepted, one.unread) for one in report.files}
    assert found["全部.zip/村庄.csv"] == ("villages", 1, 1, False)
    assert found["全部.zip/读我.txt"] == ("", 0, 0, True)
    assert found["全部.zip/内.zip"] == ("", 0, 0, True)
    assert found["全部.zip/表/三月.xls"][:2] == ("incidents", 3)
    assert found["全部.zip/图层/警情.shp"][:2] == ("incidents", 3)
    assert len(found) == 5
    assert "全部.zip/读我.txt 看不出是什么表，没有读。" in report.to_frame()["notes"].tolist()
    assert set(ws.read("imports")["file"]) == {name for name, one in found.items() if one[0]}
    assert set(ws.read("incidents")["source_file"]) <= set(found)
    again = import_files(ws, [put(tmp_path, "又一次.zip", content)])
    assert {one.already for one in again.files if not one.unread} == {True}


def test_names_that_windows_wrote_in_gbk_are_read(ws: Workspace, tmp_path: Path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("AAAA.csv", as_csv())
    content = out.getvalue().replace(b"AAAA.csv", "三月.csv".encode("gbk"))
    report = import_files(ws, [put(tmp_path, "a.zip", content)])
    assert [one.file for one in report.files] == ["a.zip/三月.csv"]


@pytest.mark.parametrize("name", ["../三月.csv", "a/../../b.csv", "/etc/a.csv", "C:/a.csv", "..\\a.csv"])
def test_a_zip_with_a_name_that_leads_out_is_refused_and_writes_nothing(ws: Workspace, tmp_path: Path, name: str):
    path = put(tmp_path, "a.zip", as_zip({"good.csv": as_csv(), name: as_csv()}))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="指向文件夹之外"):
        import_files(ws, [path])
    assert sorted(tmp_path.rglob("*")) == before
    assert ws.read("incidents").empty


def test_a_bomb_is_not_unpacked(ws: Workspace, tmp_path: Path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
        for _ in range(256):
            member.write(bytes(1 << 20))
    for name in ("bomb.zip", "bomb.csv"):
        with pytest.raises(InputError, match="不予解开"):
            import_files(ws, [put(tmp_path, name, out.getvalue())])
    with pytest.raises(InputError, match="不予解开"):
        import_files(ws, [put(tmp_path, "many.zip", as_zip({f"{n}.csv": b"a" for n in range(1_001)}))])


def test_a_workbook_may_be_a_bomb_too(tmp_path: Path):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx())) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))
        with archive.open("xl/media/x.xml", "w") as member:
            for _ in range(256):
                member.write(bytes(1 << 20))
    with pytest.raises(InputError, match="不予解开"):
        sheets.open_sheets(put(tmp_path, "a.xlsx", out.getvalue()))


def test_a_locked_zip_says_so(ws: Workspace, tmp_path: Path):
    content = bytearray(as_zip({"a.csv": as_csv()}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    with pytest.raises(InputError, match="密码"):
        import_files(ws, [put(tmp_path, "a.zip", bytes(content))])


def test_persons_and_damage_inside_a_zip_stop_the_whole_import(ws: Workspace, tmp_path: Path):
    persons = "报警时间,警情类别,报警人电话\n2024-03-05,盗窃,1\n".encode()
    for bad, words in ((persons, "个人信息"), (as_xlsx()[:3000], "打不开")):
        with pytest.raises(InputError, match=words):
            import_files(ws, [put(tmp_path, "a.zip", as_zip({"good.csv": as_csv(), "bad.xlsx": bad}))])
        assert ws.read("incidents").empty


def test_a_zip_of_nothing_known_says_what_its_files_lack(ws: Workspace, tmp_path: Path):
    with pytest.raises(PatrolError, match=r"a\.zip/读我\.txt"):
        import_files(ws, [put(tmp_path, "a.zip", as_zip({"读我.txt": "你好".encode()}))])


def test_ground_out_of_a_zip_is_found_again_by_later_imports(ws: Workspace, tmp_path: Path):
    def layer(column: str, value: str, shape: shapely.Geometry) -> bytes:
        return gpd.GeoDataFrame({"osm_id": ["1"], column: [value]}, geometry=[shape], crs=4326).to_json().encode()

    road = layer("highway", "primary", shapely.LineString([(119.82, 36.64), (119.86, 36.64)]))
    river = layer("waterway", "river", shapely.LineString([(119.84, 36.62), (119.84, 36.66)]))
    import_files(ws, [put(tmp_path, "地图.zip", as_zip({"路/roads.json": road}))])
    assert len(ws.read("roads")) == 1
    import_files(ws, [put(tmp_path, "rivers.txt", river)])
    assert (len(ws.read("roads")) >= 1, len(ws.read("barriers")) >= 1) == (True, True)


def test_a_boundary_may_come_as_a_zipped_shapefile(tmp_path: Path):
    folder = tmp_path / "b"
    folder.mkdir()
    gpd.GeoSeries([shapely.box(119.8, 36.6, 119.9, 36.7)], crs=4326).to_file(folder / "边界.shp")
    members = {part.name: part.read_bytes() for part in folder.iterdir()}
    made = new_workspace(
        tmp_path / "t", name="a", boundary=put(tmp_path, "边界.zip", as_zip({"读我": b"hi", **members}))
    )
    assert made.study.crs == "EPSG:4549"


# --- headers


def columns_of(*names: str) -> headers.Match:
    match = headers.recognise(["报警时间", "警情类别", *names], has_shapes=False)
    assert match is not None
    return match


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("案发地点名称", "address"),
        ("首次反馈时间点", "closed_at"),
        ("所在村庄名称", "village"),
        ("到达现场的时间", "arrived_at"),
        ("抓获人数合计", "caught_count"),
        ("案发经度", "lon"),
        ("location_descriptions", "place_type"),
        ("latitude_wgs84", "lat"),
        ("处警民警", "dropped"),
        ("警情内容摘要", "dropped"),
        ("案情备注", "dropped"),
        ("离场时间", None),
        ("案发地点所在村庄", None),
        ("没人认识", None),
        ("xy", None),
    ],
)
def test_a_header_like_a_known_one_is_guessed_only_when_one_field_can_be_meant(header: str, field: str | None):
    match = columns_of(header)
    if field == "dropped":
        assert match.dropped == (header,)
    elif field is None:
        assert match.left_out == (header,)
    else:
        assert (match.fields[field], match.how[header]) == ((header,), "guessed")
        assert match.guessed == {header: field}


@pytest.mark.parametrize(
    ("header", "field"),
    [("到达现场时问", "arrived_at"), ("作案手断", "mo"), ("案发地点名", "address"), ("发案地纸", "address")],
)
def test_one_wrong_letter_is_forgiven(header: str, field: str):
    assert columns_of(header).guessed == {header: field}


def test_a_guess_never_displaces_a_known_header_and_two_guesses_cancel_out():
    match = columns_of("首次报警时间", "案发地点名称", "发案地点名称")
    assert match.fields["reported_at"] == ("报警时间",)
    assert match.left_out == ("首次报警时间", "案发地点名称", "发案地点名称")


@pytest.mark.parametrize("header", ["报警人联系电话", "嫌疑人案发地址", "户主姓名", "报警人案发地点", "caller_address"])
def test_a_column_about_persons_is_never_guessed(header: str):
    assert columns_of(header).left_out == (header,)
    with pytest.raises(InputError, match="个人信息"):
        headers.refuse_persons(["报警时间", header], file="a")


def test_a_table_is_not_made_of_guesses_alone():
    assert headers.recognise(["更新日期x", "房屋的类型"], has_shapes=False) is None
    match = headers.recognise(["报警时间", "事件类别"], has_shapes=False)
    assert match is not None
    assert match.guessed == {"事件类别": "class"}


def test_guesses_stand_in_the_report(ws: Workspace, tmp_path: Path):
    path = put(
        tmp_path,
        "a.csv",
        "报警时间,警情类别,警情类型,案发经度,案发纬度\n2024-03-05 10:00,刑事警情,盗窃,119.83,36.61\n".encode(),
    )
    (one,) = import_files(ws, [path]).files
    assert one.accepted == 1
    assert one.guessed == {"案发经度": "lon", "案发纬度": "lat"}
    assert any("案发经度 → 经度" in line for line in one.sentences())


def add_to_toml(ws: Workspace, text: str) -> Workspace:
    path = ws.root / "station.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return Workspace.open(ws.root)


OWN = "登记时刻,性质,何处,横,纵\n2024-03-05 10:00,盗窃,东河村,119.83,36.61\n".encode()


def test_a_stations_own_headers_make_a_sheet_of_strange_words_known(ws: Workspace, tmp_path: Path):
    path = put(tmp_path, "a.csv", OWN)
    with pytest.raises(InputError):
        import_files(ws, [path])
    ws = add_to_toml(
        ws, '\n[intake.headers]\n"登记时刻" = "reported_at"\n"横" = "lon"\n"纵" = "lat"\n'
        '[intake.headers.incidents]\n"性质" = "type"\n"何处" = ""\n',
    )  # fmt: skip
    (one,) = import_files(ws, [path]).files
    assert (one.table, one.accepted, one.left_out, one.guessed) == ("incidents", 1, ("何处",), {})
    match = headers.recognise(["登记时刻", "性质"], has_shapes=False, own=own_headers(ws))
    assert match is not None
    assert set(match.how.values()) == {"own"}


def test_an_own_header_goes_before_the_list_and_can_forbid_a_guess():
    own = {"incidents": {"案发地点": "village", "发生的时间": ""}}
    match = headers.recognise(["报警时间", "警情类别", "案发地点", "发生的时间"], has_shapes=False, own=own)
    assert match is not None
    assert match.fields["village"] == ("案发地点",)
    assert match.left_out == ("发生的时间",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[intake.headers]\n"时刻" = "when"\n', "when"),
        ('[intake.headers.incidents]\n"时刻" = "population"\n', "population"),
        ('[intake.headers.villagers]\n"时刻" = "name"\n', "villagers"),
        ('[intake.headers]\n"时刻" = 5\n', "5"),
        ('[intake]\nheaders = "x"\n', "headers"),
    ],
)
def test_a_wrong_own_header_is_one_sentence_that_names_it(ws: Workspace, tmp_path: Path, text: str, named: str):
    ws = add_to_toml(ws, "\n" + text)
    with pytest.raises(InputError, match=named) as told:
        import_files(ws, [put(tmp_path, "a.csv", as_csv())])
    assert told.value.key == "intake.own_header"


def test_an_own_header_cannot_let_a_column_about_persons_in(ws: Workspace, tmp_path: Path):
    with pytest.raises(InputError, match="报警人电话"):
        save_headers(ws, "incidents", {"报警人电话": "address"})
    ws = add_to_toml(ws, '\n[intake.headers]\n"报警人电话" = "address"\n')
    with pytest.raises(InputError, match="个人信息"):
        import_files(ws, [put(tmp_path, "a.csv", as_csv())])


def test_saved_headers_are_read_next_time_and_the_rest_of_the_file_is_kept(ws: Workspace, tmp_path: Path):
    ws = add_to_toml(ws, '\n[intake.classes]  # 本所用词\n"拿东西" = "theft_other"\n')
    path = ws.root / "station.toml"
    before = path.read_text(encoding="utf-8")
    ws = save_headers(ws, "incidents", {"登记时刻": "reported_at", "性质": "type"})
    ws = save_headers(ws, "incidents", {"性质": "class", '怪"列\\名 [x]': "address"})
    ws = save_headers(ws, "villages", {"号": "village_id"})
    after = path.read_text(encoding="utf-8")
    assert after.startswith(before)
    assert tomllib.loads(after)["intake"] == {
        "classes": {"拿东西": "theft_other"},
        "headers": {
            "incidents": {"登记时刻": "reported_at", "性质": "class", '怪"列\\名 [x]': "address"},
            "villages": {"号": "village_id"},
        },
    }
    log = audit.entries(ws.root / "audit.jsonl")
    assert [entry["parameters"]["table"] for entry in log if entry["action"] == "headers"] == ["incidents"] * 2 + [
        "villages"
    ]
    assert audit.verify(ws.root / "audit.jsonl") is None
    assert not list(ws.root.glob(".*.draft"))


def test_saved_headers_fail_whole(ws: Workspace):
    path = ws.root / "station.toml"
    for text in ('\n[intake]\nheaders = {incidents = {"a" = "address"}}\n',):
        ws = add_to_toml(ws, text)
        before = path.read_bytes()
        with pytest.raises(InputError, match="逐行"):
            save_headers(ws, "incidents", {"b": "address"})
        with pytest.raises(InputError, match="nowhere"):
            save_headers(ws, "incidents", {"b": "nowhere"})
        with pytest.raises(InputError, match="people"):
            save_headers(ws, "people", {"b": "address"})
        assert path.read_bytes() == before


# --- preview


def test_a_preview_shows_each_column_and_the_kept_cells_only(ws: Workspace, tmp_path: Path):
    ws = save_headers(ws, "incidents", {"性质": "type"})
    head = "接警单编号,报警时间,警情类别,性质,到场的时间,案发地址,报警内容,接警员,怪列\n"
    rows = "".join(
        f"3702830120240305{n:04d},2024-03-05 10:{n:02d},刑事警情,盗窃{n},,李某家,李某说,王五,怪\n" for n in range(30)
    )
    found = preview(put(tmp_path, "a.csv", (head + rows).encode("gbk")), ws)
    (sheet,) = found.sheets
    assert (sheet.name, sheet.table, sheet.rows, sheet.refused) == ("a.csv", "incidents", 30, ())
    how = {one.name: (one.field, one.how) for one in sheet.columns}
    assert how == {
        "接警单编号": ("call_id", "exact"),
        "报警时间": ("reported_at", "exact"),
        "警情类别": ("class", "exact"),
        "性质": ("type", "own"),
        "到场的时间": ("arrived_at", "guessed"),
        "案发地址": ("address", "exact"),
        "报警内容": ("", "dropped"),
        "接警员": ("", "dropped"),
        "怪列": ("", "left_out"),
    }
    assert list(sheet.head.columns) == ["报警时间", "警情类别", "性质", "到场的时间"]
    assert (len(sheet.head), sheet.head.index[0], sheet.head["性质"].iloc[19]) == (20, 2, "盗窃19")
    assert len(found.to_frame()) == 9
    assert ws.read("imports").empty


def test_a_preview_shows_persons_as_refused_and_no_cell_at_all(ws: Workspace, tmp_path: Path):
    content = "报警时间,警情类别,报警人电话\n2024-03-05,盗窃,13800001111\n".encode()
    (sheet,) = preview(put(tmp_path, "a.csv", content), ws).sheets
    assert sheet.refused == ("报警人电话",)
    assert {one.name: one.how for one in sheet.columns}["报警人电话"] == "refused"
    assert sheet.head.empty
    assert "138" not in repr(sheet)


def test_a_preview_blanks_numbers_of_persons_and_free_text(ws: Workspace, tmp_path: Path):
    content = f"报警时间,警情类别,警情类型\n2024-03-05,盗窃,找13800001111\n2024-03-06,盗窃,{'长' * 90}\n".encode()
    (sheet,) = preview(put(tmp_path, "a.csv", content), ws).sheets
    assert sheet.head["警情类型"].tolist() == ["", ""]


def test_a_preview_of_a_zip_goes_member_by_member(ws: Workspace, tmp_path: Path):
    content = as_zip({"三月.xls": as_xls(), "读我.txt": "你好".encode(), "a.osm": b"<osm version='0.6'></osm>"})
    found = {one.name: one for one in preview(put(tmp_path, "a.zip", content), ws).sheets}
    assert found["a.zip/三月.xls"].table == "incidents"
    assert "读我" in found["a.zip/读我.txt"].problem
    assert (found["a.zip/a.osm"].table, found["a.zip/a.osm"].rows) == ("ground", None)


def test_a_preview_of_a_strange_table_leaves_every_column_out(ws: Workspace, tmp_path: Path):
    (sheet,) = preview(put(tmp_path, "a.csv", "序号,村庄,电话号\n1,a,2\n".encode()), ws).sheets
    assert sheet.table == ""
    assert {one.how for one in sheet.columns} == {"left_out", "refused"}
