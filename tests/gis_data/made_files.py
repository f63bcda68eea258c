"""Three incidents in a file of every kind a station has, for tests."""

import csv
import datetime
import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio

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


TRUE_SUFFIX = {"csv": ".csv", "tsv": ".tsv", "semicolons": ".txt", "html": ".html"}
"""The suffix of a kind of file, where it is not the kind's own word."""
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


def zip_of_shapefile(tmp_path: Path) -> dict[str, bytes]:
    path = shapefile(tmp_path / "shp", encoding="GBK", cpg="UTF-8")
    return {f"图层/{part.name}": part.read_bytes() for part in sorted(path.parent.iterdir())}


def put(tmp_path: Path, name: str, content: bytes) -> Path:
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path
