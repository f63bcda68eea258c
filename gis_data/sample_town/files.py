"""The raw files of the fictional town, as a station would have them: csv, xlsx, a web page called xls, geojson, osm.

In:     a seed.
Out:    a folder of files, and their paths by what they hold; the same seed gives the same bytes. ``truth`` (what was
        planted) and ``refused`` (a sheet with invented names, which intake must refuse) are not for importing.
"""

import csv
import html
import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
import xlsxwriter

from gis_data.sample_town import check_ins, layout, reference
from gis_data.sample_town.incidents import MARKET_SPAN_M, draw_incidents
from gis_data.sample_town.lanes import Village, grow_village
from gis_data.sample_town.osm_file import write_osm
from gis_data.sample_town.records import ALIASES, write_down
from gis_data.sample_town.roads import Ground, build_roads, lay_ground
from gis_data.sample_town.things import build_things, standing_cameras

NOT_FOR_IMPORT = ("truth", "refused")
CREATED = datetime(2024, 1, 2)  # inside every workbook: the same seed gives the same bytes
MARK = reference.MARK

CREWS = (
    *((f"车巡{k}组", "巡逻车", 2, 2, "06-18" if k < 3 else "18-06", "执法") for k in (1, 2, 3)),
    *((f"摩巡{k}组", "摩托车", 1, 1, "08-20", "执法") for k in (1, 2, 3, 4)),
    *((f"骑巡{k}组", "电动车", 0, 2, "06-14" if k < 4 else "17-01", "协助") for k in (1, 2, 3, 4, 5, 6)),
    *((f"巡防队{k}组", "步巡", 0, 8, "18-24", "观察报告") for k in (1, 2, 3)),
)
HOURS_PER_MONTH = 1260.0
BAND_SHARE = {"00-06": 0.18, "06-12": 0.22, "12-18": 0.25, "18-24": 0.35}
# Where the station likes to be: today's habit, not a proposal.
HABIT = {"V001": 5.0, "V002": 4.0, "V007": 2.0, "V015": 2.0, "V017": 2.0}

CHECK_IN_STREAM = 1  # a stream of chance of their own: no other file depends on them

# Heading in the file -> column of the records. Two systems, two ways to say the same.
STATION_HEADINGS = {
    "接警编号": "number", "关联接警单编号": "linked", "报警时间": "reported_at", "案发时间上限": "occurred_from",
    "案发时间下限": "occurred_to", "到达现场时间": "arrived_at", "处理完毕时间": "closed_at",
    "警情类别": "incident_class", "警情细类": "subtype", "报警方式": "channel", "所属村庄": "village",
    "案发地址": "address", "案发部位": "place",
    "经度": "lon", "纬度": "lat", "抓获现行数": "caught", "处警人": "officer", "简要案情": "story",
}  # fmt: skip
SYSTEM_HEADINGS = {
    "JJDBH": "number", "GLJJDBH": "linked", "BJSJ": "reported_at", "AFSJ": "occurred_from", "FASJZZ": "occurred_to",
    "DDXCSJ": "arrived_at", "CLWBSJ": "closed_at", "BJLB": "incident_class", "BJXL": "subtype", "BJFSBH": "channel",
    "AFDZ": "address", "AFBW": "place", "JD": "lon", "WD": "lat", "抓获人数": "caught",
}  # fmt: skip
# The county's new code table from July 2023 on.
CLASS_CODES = {"刑事警情": "100000", "治安警情": "200000", "纠纷": "200200", "交通警情": "300000", "火警": "400000",
               "群众求助": "500000", "社会联动": "600000", "举报投诉": "900000", "无效警情": "999900"}  # fmt: skip


def write_sample(folder: Path, *, seed: int) -> dict[str, Path]:
    """Write all raw files into ``folder`` and return them by what they hold."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    table = reference.villages()
    villages = _grow_villages(table, rng=rng)
    ground = lay_ground(np.array([village.outline for village in villages.values()], dtype=object), rng=rng)
    roads = build_roads(villages, ground, rng=rng)
    names = dict(zip(table["village_id"], table["name"], strict=True))
    things = build_things(villages, names, ground, roads, rng=rng)
    happened = draw_incidents(villages, things, roads, ground, rng=rng)
    records = _in_files(write_down(happened, table, reference.SAMPLE_NAME, rng=rng))
    visits = check_ins.draw_check_ins(
        villages, table, things, HABIT, rng=np.random.default_rng([seed, CHECK_IN_STREAM])
    )
    return {
        "boundary": _write_boundary(folder / "辖区边界.geojson", ground),
        "villages": _write_villages(folder / "村庄基本情况.xlsx", table),
        "ground": write_osm(folder / "禾川镇.osm", roads, ground, things),
        "crews": _write_crews(folder / "巡防力量.xlsx"),
        "patrol_hours": _write_hours(folder / "巡逻时长.csv", table, rng=rng),
        "cameras": _write_cameras(folder / "已建监控.csv", standing_cameras(villages, roads, rng=rng)),
        "visits": _write_visits(folder / "巡逻打卡.csv", visits),
        **_write_incidents(folder, records),
        "refused": _write_refused(folder / "示例_含个人信息_应被拒绝.xlsx"),
        "truth": _write_truth(folder / "真值", records, visits, ground, villages),
    }


def _grow_villages(table: pd.DataFrame, *, rng: np.random.Generator) -> dict[str, Village]:
    columns = (table[name].tolist() for name in ("village_id", "x_m", "y_m", "households", "is_seat"))
    return {
        key: grow_village(np.array([x_m, y_m]), households, is_seat=bool(is_seat), rng=rng)
        for key, x_m, y_m, households, is_seat in zip(*columns, strict=True)
    }


def _write_boundary(path: Path, ground: Ground) -> Path:
    xy = np.round(reference.to_degrees(shapely.get_coordinates(ground.boundary)), 7)
    feature = {
        "type": "Feature",
        "properties": {"name": reference.SAMPLE_NAME, "note": MARK},
        "geometry": {"type": "Polygon", "coordinates": [xy.tolist()]},
    }
    return _write_text(path, json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False))


def _write_villages(path: Path, table: pd.DataFrame) -> Path:
    written = table.assign(
        number=np.arange(1, len(table) + 1),
        aliases=table["village_id"].map(ALIASES).fillna(""),
        area="第" + table["work_area"] + "工作区",
        seat=np.where(table["is_seat"] == 1, "是", ""),
    )
    columns = ["number", "village_id", "name", "aliases", "population", "households", "area", "market_days", "seat",
               "lon", "lat"]  # fmt: skip
    rows = written[columns].to_numpy(dtype=object).tolist()
    total = ["", "", "合计", "", int(table["population"].sum()), int(table["households"].sum()), "", "", "", "", ""]
    head = ["序号", "村庄编号", "村庄", "别名", "人口", "户数", "工作区", "集日", "是否驻地", "经度", "纬度"]
    return _write_book(path, f"{reference.SAMPLE_NAME}村庄基本情况", head, [*rows, total])


def _write_crews(path: Path) -> Path:
    head = ["巡组编号", "巡逻方式", "民警数", "辅警数", "班次", "执法权限"]
    return _write_book(path, f"{reference.SAMPLE_NAME}巡防力量", head, [list(crew) for crew in CREWS])


def _write_hours(path: Path, table: pd.DataFrame, *, rng: np.random.Generator) -> Path:
    habit = table["population"].to_numpy() ** 0.7 * table["village_id"].map(HABIT).fillna(1.0).to_numpy()
    share = habit / habit.sum()
    rows: list[list[object]] = [["月份", "村庄", "时段", "巡逻时长"]]
    for month in pd.period_range(f"{reference.YEARS[0]}-01", f"{reference.YEARS[-1]}-12", freq="M"):
        for band, part in BAND_SHARE.items():
            hours = np.round(HOURS_PER_MONTH * part * share * rng.gamma(8.0, 1 / 8.0, len(share)) * 2) / 2
            named = zip(table["name"], hours, strict=True)
            rows += [[str(month), name, band, hour] for name, hour in named if hour > 0]
    return _write_csv(path, rows, encoding="gb18030")


def _write_visits(path: Path, visits: pd.DataFrame) -> Path:
    written = visits.assign(at=visits["at"].dt.strftime("%Y-%m-%d %H:%M"))
    rows = written[["crew_id", "checkpoint", "at", "lon", "lat"]].to_numpy(dtype=object).tolist()
    return _write_csv(path, [["巡组编号", "必到点", "打卡时间", "经度", "纬度"], *rows], encoding="utf-8-sig")


def _write_cameras(path: Path, cameras: pd.DataFrame) -> Path:
    degrees = np.round(reference.to_degrees(cameras[["x_m", "y_m"]].to_numpy()), 6)
    rows: list[list[object]] = [["点位编号", "安装位置", "经度", "纬度", "方位角", "视场角", "状态"]]
    columns = (cameras[name].tolist() for name in ("site", "azimuth_deg", "hfov_deg", "status"))
    for number, (site, azimuth, hfov, status) in enumerate(zip(*columns, strict=True)):
        seen = ["", ""] if np.isnan(azimuth) else [azimuth, hfov]
        rows.append([f"JK{number + 1:03d}", site, *degrees[number].tolist(), *seen, status])
    return _write_csv(path, rows, encoding="utf-8-sig")


def _in_files(records: pd.DataFrame) -> pd.DataFrame:
    """Add the file that each record is in (the one in whose time it was reported) and its row there."""
    starts, names, _ = zip(*INCIDENT_FILES, strict=True)
    at = np.searchsorted(pd.DatetimeIndex(starts), records["moment"], side="right") - 1
    at[records["moment"].dt.strftime("%Y-%m") == HALF_DAY_MONTH] = len(INCIDENT_FILES) - 1
    filed = records.assign(file=np.array(names, dtype=object)[at])
    return filed.assign(row=filed.groupby("file").cumcount() + FIRST_ROW)


def _write_incidents(folder: Path, records: pd.DataFrame) -> dict[str, Path]:
    return {
        f"incidents_{number}": write(folder / name, records[records["file"] == name])
        for number, (_, name, write) in enumerate(INCIDENT_FILES, start=1)
    }


def _station_book(path: Path, rows: pd.DataFrame) -> Path:
    return _write_book(path, f"{reference.SAMPLE_NAME}派出所警情登记表", *_table(rows, STATION_HEADINGS))


def _damaged_book(path: Path, rows: pd.DataFrame) -> Path:
    """Write call numbers as a spreadsheet keeps them that took them for numbers: 15 digits and zeros."""
    numbers = {name: rows[name].map(lambda text: float(text) if text else "") for name in ("number", "linked")}
    damaged = rows.assign(incident_class=rows["incident_class"].map(CLASS_CODES), **numbers)
    return _write_book(path, f"{reference.SAMPLE_NAME}派出所警情登记表", *_table(damaged, STATION_HEADINGS))


def _gbk_csv(path: Path, rows: pd.DataFrame) -> Path:
    head, body = _table(rows, STATION_HEADINGS)
    return _write_csv(path, [head, *body], encoding="gb18030")


def _half_day_page(path: Path, rows: pd.DataFrame) -> Path:
    """Write a web page called .xls, all times on a clock of twelve hours, «AM» and «PM» lost; typed ones stay."""
    names = ("reported_at", "occurred_from", "occurred_to", "arrived_at", "closed_at")
    read = {name: pd.to_datetime(rows[name], format="%Y-%m-%d %H:%M", errors="coerce") for name in names}
    halved = {name: times.dt.strftime("%Y-%m-%d %I:%M").fillna(rows[name]) for name, times in read.items()}
    return _write_page(path, *_table(rows.assign(**halved), STATION_HEADINGS))


def _coded_csv(path: Path, rows: pd.DataFrame) -> Path:
    return _system_csv(path, rows.assign(incident_class=rows["incident_class"].map(CLASS_CODES)))


def _system_csv(path: Path, rows: pd.DataFrame) -> Path:
    head, body = _table(rows, SYSTEM_HEADINGS)
    return _write_csv(path, [head, *body], encoding="utf-8-sig")


def _table(rows: pd.DataFrame, headings: dict[str, str]) -> tuple[list[object], list[list[object]]]:
    rows = rows.assign(
        officer="值班一组", story=MARK,
        caught=rows["caught"].where(rows["caught"] > 0, 0),
    )  # fmt: skip
    return list(headings), rows[list(headings.values())].to_numpy(dtype=object).tolist()


# From which day on the records are in which file, and who writes it.
INCIDENT_FILES: tuple[tuple[str, str, Callable[[Path, pd.DataFrame], Path]], ...] = (
    ("2022-01-01", "2022年上半年警情.xlsx", _station_book),
    ("2022-07-01", "2022年下半年警情.csv", _gbk_csv),
    ("2023-01-01", "2023年1-6月警情导出.csv", _system_csv),
    ("2023-07-01", "2023年7-11月警情导出.csv", _coded_csv),
    ("2023-12-01", "2023年12月警情.xlsx", _damaged_book),
    ("2100-01-01", "2022年8月警情.xls", _half_day_page),
)
HALF_DAY_MONTH = "2022-08"  # was exported on its own, into the last of the files
FIRST_ROW = 3  # under a title and the headings


def _write_refused(path: Path) -> Path:
    head = ["接警编号", "报警时间", "警情类别", "报警人", "报警人电话", "所属村庄"]
    rows: list[list[object]] = [
        ["37990024010110001234", "2024-01-01 10:00", "群众求助", "样例甲", "00000000000", "镇东村"],
        ["37990024010111301235", "2024-01-01 11:30", "纠纷", "样例乙", "00000000000", "镇西村"],
    ]
    return _write_book(path, "本表含（虚构的）个人信息，导入时应被拒绝", head, rows)


def _write_truth(
    folder: Path, records: pd.DataFrame, visits: pd.DataFrame, ground: Ground, villages: dict[str, Village]
) -> Path:
    """Write what was planted: the places as json, every record as csv. Methods are scored against them."""
    folder.mkdir(exist_ok=True)
    columns = {
        "文件": "file", "行号": "row", "接警编号": "number", "关联": "linked", "类型": "type",
        "真实经度": "true_lon", "真实纬度": "true_lat",
        "村庄编号": "village_id", "埋设": "planted", "错误": "error",
        "坐标系": "system", "跟进": "follow_up", "无年份": "no_year", "报警时刻": "moment", "同一事件": "same_as",
        "报警零点": "midnight", "发案零点": "occurred_midnight", "全角": "full_width", "二十四点": "at_24",
    }  # fmt: skip
    head, body = _table(records.assign(moment=records["moment"].dt.strftime("%Y-%m-%d %H:%M")), columns)
    _write_csv(folder / "逐条真值.csv", [head, *body], encoding="utf-8-sig")
    _write_csv(folder / "打卡真值.csv", _check_in_truth(visits), encoding="utf-8-sig")
    street = shapely.LineString([(x, layout.MARKET_MIDDLE[1]) for x in MARKET_SPAN_M])
    series = records[(records["planted"] == "moving_series") & ~records["follow_up"]]
    truth = {
        "note": MARK,
        "market_street": _lonlat(street),
        "park_gate": _lonlat(shapely.Point(layout.PARK_GATE)),
        "greenhouse_season": _lonlat(ground.greenhouses[layout.SEASONAL_CLUSTER].centroid),
        "false_station_default": _lonlat(shapely.Point(layout.STATION_POINT)),
        "moving_series": series[["number", "true_lon", "true_lat"]].round(6).to_numpy(dtype=object).tolist(),
        "check_ins": visits.groupby(["system", "error"]).size().rename("rows").reset_index().to_dict("records"),
        "villages_built_up_m2": {key: round(village.outline.area) for key, village in villages.items()},
    }
    return _write_text(folder / "埋设.json", json.dumps(truth, ensure_ascii=False, indent=1))


def _check_in_truth(visits: pd.DataFrame) -> list[list[object]]:
    rows = visits.assign(row=np.arange(FIRST_ROW, FIRST_ROW + len(visits)))
    names = ["row", "crew_id", "true_lon", "true_lat", "system", "error"]
    return [
        ["行号", "巡组编号", "真实经度", "真实纬度", "坐标系", "错误"],
        *rows[names].to_numpy(dtype=object).tolist(),
    ]


def _lonlat(shape: shapely.Geometry) -> list[list[float]]:
    return np.round(reference.to_degrees(shapely.get_coordinates(shape)), 6).tolist()


def _write_book(path: Path, title: str, head: Sequence[object], rows: Sequence[Sequence[object]]) -> Path:
    """Write a workbook as offices make them: a merged title over everything, then the headings."""
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"created": CREATED, "comments": MARK})
        sheet = book.add_worksheet("Sheet1")
        centre = book.add_format({"align": "center", "bold": True})
        sheet.merge_range(0, 0, 0, len(head) - 1, f"{title}（{MARK}）", centre)
        sheet.write_row(1, 0, head, book.add_format({"bold": True, "border": 1}))
        for number, row in enumerate(rows, start=2):
            sheet.write_row(number, 0, row)
    return path


def _write_csv(path: Path, rows: Sequence[Sequence[object]], *, encoding: str) -> Path:
    """Write a csv with the mark in a line above the headings."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([MARK])
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def _write_page(path: Path, head: Sequence[object], rows: Sequence[Sequence[object]]) -> Path:
    """Write a table as web systems export one: a page in GBK that says so, to be opened by a spreadsheet."""
    lines = [f"<tr><td colspan={len(head)}>{html.escape(MARK)}</td></tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in (head, *rows)]
    table = "<table border=1>\r\n" + "\r\n".join(lines) + "\r\n</table>"
    meta = '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">'
    path.write_bytes(f"<html><head>{meta}</head><body>{table}</body></html>".encode("gb18030"))
    return path


def _write_text(path: Path, content: str) -> Path:
    path.write_text(content + "\n", encoding="utf-8", newline="\n")
    return path
