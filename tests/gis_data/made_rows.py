"""A small made-up station: its villages, and its incidents row by row, for tests."""

import csv
import io
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd

from gis_data.intake import FileReport, import_files
from gis_data.workspace import Workspace

SQUARE = (119.80, 36.60, 119.88, 36.68)  # degrees: about 7 x 9 km
VILLAGES = [  # name, alias, population, lon, lat
    ("张家庄村", "张庄", 900, 119.81, 36.61),
    ("李家屯村", "", 1600, 119.83, 36.61),
    ("后万家埠村", "", 400, 119.85, 36.63),
    ("万家埠村", "", 500, 119.86, 36.65),
    ("东河村", "东河崖", 300, 119.87, 36.67),
    ("西河村", "", 350, 119.82, 36.67),
]


def row(number: int, **changes: object) -> dict[str, object]:
    """Return one good incident; each on its own spot, and too long after the last to be another call about it."""
    at = pd.Timestamp("2024-03-05") + number * pd.Timedelta(minutes=31)
    good = {
        "接警单编号": f"3702830120240305{number:04d}",
        "关联接警单编号": "",
        "报警时间": f"{at:%Y-%m-%d %H:%M}",
        "警情类别": "刑事警情",
        "警情类型": "盗窃",
        "报警方式": "110",
        "案发地址": "禾川镇李家屯村东头",
        "经度": f"{119.8301 + number * 1e-5:.6f}",
        "纬度": "36.612345",
        "抓获人数": "0",
    }
    return good | changes


def write_csv(path: Path, rows: list[dict[str, object]], *, encoding: str = "utf-8-sig") -> Path:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for one in rows for name in one)))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def write_xlsx(path: Path, *sheets: tuple[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, lines in sheets:
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


def village_lines() -> list[list[object]]:
    lines: list[list[object]] = [
        ["禾川镇村庄基本情况表"],
        ["村庄", "别名", "人口", "户数", "集日", "工作区", "是否驻地", "经度", "纬度"],
    ]
    for name, alias, people, lon, lat in VILLAGES:
        lines.append([name, alias, people, people // 3, "五、十" if people > 1000 else None, "一区", "否", lon, lat])
    return lines


def take(
    ws: Workspace, tmp_path: Path, rows: list[dict[str, object]], **options
) -> tuple[FileReport, gpd.GeoDataFrame]:
    path = write_csv(tmp_path / f"警情{len(list(tmp_path.glob('*.csv')))}.csv", rows)
    report = import_files(ws, [path], **options).files[0]
    return report, ws.read("incidents")
