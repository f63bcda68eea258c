"""The door on a small made-up station: every row accounted for, every rule of the door seen at work."""

import csv
import io
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis_data import audit
from gis_data.intake import FileReport, import_files, incidents, make_workspace, new_workspace
from gis_data.intake.headers import recognise
from gis_data.intake.sheets import Sheet
from gis_data.intake.surroundings import Surroundings
from gis_data.taxonomy import drives_allocation, with_point
from gis_data.workspace import Workspace

WEST, SOUTH = 119.80, 36.60  # a square of about 7 x 9 km
VILLAGES = [  # name, alias, population, lon, lat
    ("张家庄村", "张庄", 900, 119.81, 36.61),
    ("李家屯村", "", 1600, 119.83, 36.61),
    ("后万家埠村", "", 400, 119.85, 36.63),
    ("万家埠村", "", 500, 119.86, 36.65),
    ("东河村", "东河崖", 300, 119.87, 36.67),
    ("西河村", "", 350, 119.82, 36.67),
]
HEAD = [
    "接警单编号",
    "关联接警单编号",
    "报警时间",
    "警情类别",
    "警情类型",
    "报警方式",
    "案发地址",
    "经度",
    "纬度",
    "抓获人数",
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


@pytest.fixture
def boundary(tmp_path: Path) -> Path:
    path = tmp_path / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(WEST, SOUTH, 119.88, 36.68)], crs=4326).to_file(path)
    return path


@pytest.fixture
def ws(tmp_path: Path, boundary: Path) -> Workspace:
    made = new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)
    import_files(made, [write_xlsx(tmp_path / "村庄.xlsx", ("村庄", village_lines()))])
    return made


def take(
    ws: Workspace, tmp_path: Path, rows: list[dict[str, object]], **options
) -> tuple[FileReport, gpd.GeoDataFrame]:
    path = write_csv(tmp_path / f"警情{len(list(tmp_path.glob('*.csv')))}.csv", rows)
    report = import_files(ws, [path], **options).files[0]
    return report, ws.read("incidents")


def test_the_study_takes_the_metre_crs_of_its_place(ws: Workspace):
    assert ws.study.crs == "EPSG:4549"
    assert ws.study.boundary.area == pytest.approx(7.15e3 * 8.88e3, rel=0.01)


def test_villages_come_in_under_a_title_row_with_their_figures(ws: Workspace):
    villages = ws.read("villages").set_index("name")
    assert villages["population"].to_dict() == {name: people for name, _, people, _, _ in VILLAGES}
    assert villages.loc["李家屯村", "market_days"] == "5,10"
    assert villages.loc["东河村", "market_days"] == ""
    lonlat = villages.to_crs(4326).geometry
    np.testing.assert_allclose(lonlat.x, [lon for *_, lon, _ in VILLAGES], atol=1e-9)


def test_good_rows_are_exact_and_lie_where_they_were_written(ws: Workspace, tmp_path: Path):
    report, table = take(ws, tmp_path, [row(number) for number in range(5)])
    assert (report.rows_read, report.accepted, report.set_aside, report.refused) == (5, 5, 0, 0)
    assert set(table["precision"]) == {"exact"}
    assert set(table["village_id"]) == {"李家屯村"}
    np.testing.assert_allclose(table.to_crs(4326).geometry.y, 36.612345, atol=1e-9)
    assert table["source_row"].tolist() == [2, 3, 4, 5, 6]
    assert str(table["reported_at"].iloc[1]) == "2024-03-05 00:31:00+08:00"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_text_files_of_any_usual_encoding_read_the_same(ws: Workspace, tmp_path: Path, encoding: str):
    path = write_csv(tmp_path / "警情.csv", [row(1)], encoding=encoding)
    assert import_files(ws, [path]).files[0].accepted == 1
    assert ws.read("incidents")["channel"].tolist() == ["110"]


def test_a_call_number_is_nowhere_in_the_workspace_but_in_the_original(ws: Workspace, tmp_path: Path):
    take(ws, tmp_path, [row(1), row(1), row(2, 报警时间="昨晚"), row(3, 关联接警单编号="37028301202403050001")])
    for path in ws.root.rglob("*"):
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


def test_rows_are_set_aside_each_with_its_reason_and_found_again(ws: Workspace, tmp_path: Path):
    report, table = take(
        ws, tmp_path,
        [row(1), row(2, 报警时间="昨晚"), row(3, 警情类别="说不清", 警情类型="不知道"), row(4, 经度="120.5"),
         row(1, 案发地址="别处"), row(6, 关联接警单编号=row(1)["接警单编号"]), row(7, 警情类型="张三13812345678")],
    )  # fmt: skip
    reasons = ("no_time", "class_unknown", "outside", "duplicate", "follow_up", "private")
    assert report.problems == dict.fromkeys(reasons, 1)
    assert (report.accepted, report.set_aside, report.refused, len(table)) == (1, 5, 1, 1)
    assert report.unknown == {"说不清/不知道": 1}
    aside = pd.read_csv(next((ws.root / "set_aside").glob("*.csv")), dtype=str, encoding="utf-8-sig")
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


def test_missing_places_keep_the_row_and_its_village(ws: Workspace, tmp_path: Path):
    nowhere = {"经度": "0", "纬度": "0"}
    rows = [
        row(1, 案发地址="禾川镇张庄12号", **nowhere),
        row(2, 案发地址="后万家埠村", 经度="", 纬度=""),
        row(3, 案发地址="禾川镇万家埠", **nowhere),
        row(4, 案发地址="省道旁", **nowhere),
        row(5, 案发地址="省道旁"),
        row(6, 案发地址="张家庄村", 经度="119.810000", 纬度="36.610000"),
    ]
    _, table = take(ws, tmp_path, rows)
    assert table["precision"].tolist() == ["village", "village", "village", "none", "exact", "village"]
    assert table["village_id"].tolist() == ["张家庄村", "后万家埠村", "万家埠村", "", "李家屯村", "张家庄村"]
    assert table.geometry.is_empty.tolist() == [True, True, True, True, False, True]


def test_a_second_pair_of_coordinates_is_used_where_the_first_is_zero(ws: Workspace, tmp_path: Path):
    head = ["报警时间", "警情类型", "经度", "纬度", "经度", "纬度"]
    lines = [["2024-03-05 10:00", "盗窃", 0, 0, 119.84, 36.64], ["2024-03-05 11:00", "盗窃", 119.85, 36.65, 0, 0]]
    import_files(ws, [write_xlsx(tmp_path / "两对坐标.xlsx", ("1", [head, *lines]))])
    np.testing.assert_allclose(ws.read("incidents").to_crs(4326).geometry.x, [119.84, 119.85], atol=1e-9)


def test_the_default_point_of_the_station_is_seen_and_a_busy_street_is_not(ws: Workspace, tmp_path: Path):
    names = [name for name, *_ in VILLAGES]
    default = [row(n, 案发地址=names[n % 6], 经度="119.844444", 纬度="36.644444") for n in range(30)]
    market = [row(100 + n, 案发地址="李家屯村大集", 经度="119.833333", 纬度="36.613333") for n in range(40)]
    few = [row(200 + n, 案发地址=names[n % 6], 经度="119.855555", 纬度="36.655555") for n in range(9)]
    report, table = take(ws, tmp_path, default + market + few + [row(300 + n) for n in range(100)])
    # Nine rows at one point that name six villages are too few for a default; it is a mast, a coarse place.
    assert table["precision"].value_counts().to_dict() == {"exact": 140, "default": 30, "cell": 9}
    # The made rows come in four runs with empty days between them, which is told of all 179.
    assert report.problems == {"default_point": 30, "cell_point": 9, "month_partial": 179}
    spike = table[table["precision"] == "default"]
    assert spike.geometry.is_empty.all()
    assert spike["village_id"].value_counts().to_dict() == dict.fromkeys(names, 5)


def test_what_never_has_a_place_loses_it_and_the_gravest_lose_their_village(ws: Workspace, tmp_path: Path):
    words = [
        ("刑事警情", "电信网络诈骗"),
        ("治安警情", "家庭暴力"),
        ("刑事警情", "强奸"),
        ("群众求助", "自杀"),
        ("群体性事件", ""),
        ("举报投诉", "举报线索"),
    ]
    rows = [row(n, 警情类别=group, 警情类型=kind) for n, (group, kind) in enumerate(words)]
    rows[1]["经度"] = "121.5"  # outside the boundary as well: it has no place, so it cannot be outside
    report, table = take(ws, tmp_path, rows)
    assert report.accepted == 6
    assert table.geometry.is_empty.all()
    assert set(table["precision"]) == {"none"}
    assert table["village_id"].tolist() == ["李家屯村", "", "", "", "", "李家屯村"]
    assert len(with_point(drives_allocation(table))) == 0


def test_origin_follows_the_channel_and_an_unknown_channel_is_reported_and_named(ws: Workspace, tmp_path: Path):
    report, table = take(
        ws, tmp_path, [row(1), row(2, 报警方式="巡逻发现"), row(3, 报警方式="信鸽"), row(4, 报警方式="")]
    )
    assert table["origin"].tolist() == ["reported", "discovered", "reported", "reported"]
    assert report.problems == {"channel_unknown": 1}
    assert report.unknown == {"信鸽": 1}


def test_of_two_calls_that_name_each_other_the_first_one_counts(ws: Workspace, tmp_path: Path):
    a, b, c = (str(row(n)["接警单编号"]) for n in (1, 2, 3))
    rows = [
        row(2, 关联接警单编号=a),
        row(3, 关联接警单编号=b),
        row(1, 关联接警单编号=b),
        row(4, 关联接警单编号="37028301202401019999"),
    ]
    report, table = take(ws, tmp_path, rows)
    assert report.problems == {"follow_up": 2}
    assert table["source_row"].tolist() == [4, 5]
    assert table["linked_id"].ne("").all()
    later, _ = take(ws, tmp_path, [row(50, 关联接警单编号=a)])  # the call it follows came with an earlier file
    assert later.problems == {"follow_up": 1}
    assert c not in report.problems


def test_numbers_cut_by_a_spreadsheet_do_not_make_duplicates(ws: Workspace, tmp_path: Path):
    head = ["接警单编号", "报警时间", "警情类型", "经度", "纬度"]
    lines = [[3.7028301202403e19, f"2024-03-05 1{n}:00", "盗窃", 119.84, 36.64] for n in range(3)]
    lines += [["37028301202403000000", f"2024-03-06 1{n}:00", "盗窃", 119.84, 36.64] for n in range(3)]
    report = import_files(ws, [write_xlsx(tmp_path / "损坏编号.xlsx", ("1", [head, *lines]))]).files[0]
    assert report.accepted == 6


def test_identical_rows_without_a_number_count_each_and_come_in_once(ws: Workspace, tmp_path: Path):
    bare = {"报警时间": "2024-03-05 10:00", "警情类型": "盗窃", "经度": "119.84", "纬度": "36.64"}
    first, _ = take(ws, tmp_path, [bare, bare, bare])
    assert first.accepted == 3
    second, table = take(ws, tmp_path, [bare, bare, bare, bare])
    assert (second.accepted, second.problems) == (4, {"replaced": 3})
    assert len(table) == 4


def test_running_numbers_are_not_call_numbers(ws: Workspace, tmp_path: Path):
    def numbered(number: object, minute: int) -> dict[str, object]:
        return {"序号": number, "报警时间": f"2024-03-05 10:0{minute}", "警情类型": "盗窃"}

    assert take(ws, tmp_path, [numbered(1, 1), numbered(2, 2)])[0].accepted == 2
    assert take(ws, tmp_path, [numbered(1, 3), numbered(2, 4)])[0].accepted == 2
    assert take(ws, tmp_path, [numbered("3702830001", 5), numbered("3702830001", 6)])[0].problems["duplicate"] == 1


def test_names_of_staff_and_free_text_are_dropped_and_told(ws: Workspace, tmp_path: Path):
    report, _ = take(ws, tmp_path, [row(1, 接警员="甲", 处警人2="乙", 简要案情="丙被盗", 天气="晴")])
    assert report.dropped == ("接警员", "处警人2", "简要案情")
    assert report.left_out == ("天气",)
    assert any("接警员" in line for line in report.sentences())
    seen = b"".join(path.read_bytes() for path in ws.root.rglob("*") if path.is_file() and path.parent.name != "raw")
    assert "丙被盗".encode() not in seen


def test_free_text_in_a_coded_column_and_persons_as_targets_are_blanked(ws: Workspace, tmp_path: Path):
    report, table = take(
        ws, tmp_path, [row(1, 案发部位="某" * 41, 侵害对象="老人"), row(2, 案发部位="集市", 侵害对象="电动车")]
    )
    assert table["place_type"].tolist() == ["", "集市"]
    assert table["target_type"].tolist() == ["", "电动车"]
    assert report.problems == {"target_person": 1}


def test_an_interval_the_wrong_way_round_is_turned(ws: Workspace, tmp_path: Path):
    _, table = take(ws, tmp_path, [row(1, 案发时间上限="2024-03-05 02:00", 案发时间下限="2024-03-04 22:00")])
    assert table["occurred_from"].iloc[0] < table["occurred_to"].iloc[0]


def test_points_on_the_border_come_in_and_lie_inside(ws: Workspace, tmp_path: Path):
    border = shapely.Point(ws.study.boundary.exterior.interpolate(0.4, normalized=True))
    lon, lat = (
        gpd.GeoSeries([shapely.Point(border.x, border.y)], crs=ws.study.crs).to_crs(4326).get_coordinates().iloc[0]
    )
    rows = [
        row(n, 经度=lon + dx, 纬度=lat + dy)
        for n, (dx, dy) in enumerate([(0, 0), (5e-6, 0), (-5e-6, 0), (0, 5e-6), (0, -5e-6)])
    ]
    report, table = take(ws, tmp_path, rows)
    assert report.accepted == 5
    assert shapely.covers(ws.study.boundary, table.geometry.to_numpy()).all()
    assert table.distance(border).max() < 1.5


def test_the_same_file_again_changes_nothing_and_says_so(ws: Workspace, tmp_path: Path):
    path = write_csv(tmp_path / "x.csv", [row(1), row(2)])
    import_files(ws, [path])
    before = {file: file.read_bytes() for file in ws.root.rglob("*") if file.is_file()}
    copy = tmp_path / "换个名字.csv"
    copy.write_bytes(path.read_bytes())
    report = import_files(ws, [path, copy])
    assert [one.already for one in report.files] == [True, True]
    assert "以前导入过" in report.files[0].sentences()[0]
    assert {file: file.read_bytes() for file in ws.root.rglob("*") if file.is_file()} == before


def test_a_dry_run_reports_the_same_and_writes_nothing(ws: Workspace, tmp_path: Path):
    path = write_csv(tmp_path / "x.csv", [row(1), row(2, 报警时间=""), row(1)])
    before = {file: file.read_bytes() for file in ws.root.rglob("*") if file.is_file()}
    dry = import_files(ws, [path], dry_run=True)
    assert {file: file.read_bytes() for file in ws.root.rglob("*") if file.is_file()} == before
    real = import_files(ws, [path])
    columns = ["rows_read", "accepted", "set_aside", "refused", "problems"]
    assert dry.to_frame()[columns].equals(real.to_frame()[columns])


def test_imports_are_listed_kept_and_audited(ws: Workspace, tmp_path: Path):
    path = write_csv(tmp_path / "x.csv", [row(1), row(2, 报警时间="")])
    report = import_files(ws, [path]).files[0]
    listed = ws.read("imports").iloc[-1]
    assert (listed["file"], listed["rows_read"], listed["accepted"], listed["set_aside"]) == ("x.csv", 2, 1, 1)
    assert (ws.root / "raw" / f"{report.import_id}_x.csv").read_bytes() == path.read_bytes()
    assert audit.verify(ws.root / "audit.jsonl") is None
    entry = audit.entries(ws.root / "audit.jsonl")[-1]
    assert entry["inputs"] == {"x.csv": report.sha256}
    assert entry["outputs"]["incidents"] == ws.table_hash("incidents")


def test_files_may_come_in_any_order_and_sheets_in_one_book(tmp_path: Path, boundary: Path):
    head = ["报警时间", "警情类型", "案发地址"]
    book = write_xlsx(
        tmp_path / "两个月.xlsx",
        ("1月", [["一月警情"], head, ["2024-01-05 10:00", "盗窃", "东河崖"]]),
        (
            "2月",
            [
                head,
                ["2024-02-05 10:00", "盗窃", "西河村"],
                [None, None, None],
                ["2024-02-06 10:00", "打架", "李家屯村"],
            ],
        ),
        ("说明", [["本表由系统导出"]]),
    )
    hours = write_csv(
        tmp_path / "巡逻时长.csv",
        [{"月份": "2024年1月", "村庄": "东河崖", "时段": "18-24", "巡逻时长": 2.5}] * 2
        + [{"月份": "2024-01", "村庄": "火星", "时段": "18-24", "巡逻时长": 1}],
    )
    crews = write_xlsx(
        tmp_path / "巡防力量.xlsx",
        (
            "1",
            [
                ["巡组编号", "巡逻方式", "民警数", "辅警数", "班次"],
                ["X1", "汽车", 1, 2, "夜"],
                ["X2", "骑马", 1, 2, "夜"],
            ],
        ),
    )
    cameras = tmp_path / "监控.geojson"
    gpd.GeoDataFrame(
        {"监控编号": ["C1", "C2"], "方位角": [90, 400], "状态": ["正常", "故障"]},
        geometry=gpd.points_from_xy([119.84, 119.84], [36.64, 36.65]),
        crs=4326,
    ).to_file(cameras)
    villages = write_xlsx(tmp_path / "村庄.xlsx", ("村庄", village_lines()))
    report = make_workspace(
        tmp_path / "town", [hours, book, cameras, crews, villages], name="禾川镇", boundary=boundary
    )
    ws = Workspace.open(tmp_path / "town")
    counted = {one.file: (one.table, one.rows_read, one.accepted, dict(one.problems)) for one in report.files}
    assert counted == {
        "村庄.xlsx": ("villages", 6, 6, {}),
        "巡防力量.xlsx": ("crews", 2, 1, {"mode_unknown": 1}),
        "监控.geojson": ("cameras", 2, 1, {"bad_angle": 1}),
        "两个月.xlsx〔1月〕": ("incidents", 1, 1, {"no_point": 1}),
        "两个月.xlsx〔2月〕": ("incidents", 2, 2, {"no_point": 2}),
        "两个月.xlsx〔说明〕": ("", 1, 0, {"sheet_unknown": 1}),
        "巡逻时长.csv": ("patrol_hours", 3, 2, {"village_unknown": 1}),
    }
    assert ws.read("incidents")["village_id"].tolist() == ["东河村", "西河村", "李家屯村"]
    assert ws.read("incidents")["source_row"].tolist() == [3, 2, 4]
    assert ws.read("patrol_hours").drop(columns=["source_file", "source_row", "import_id"]).to_dict("records") == [
        {"month": "2024-01", "village_id": "东河村", "band": "18-24", "hours": 5.0}
    ]
    assert ws.read("crews")[["crew_id", "mode", "officers"]].to_numpy().tolist() == [["X1", "vehicle", 1]]
    assert ws.read("cameras")["status"].tolist() == ["working"]
    assert not list(tmp_path.glob(".town*"))


def test_a_newer_village_table_replaces_rows_by_name_and_settles_incidents(tmp_path: Path, boundary: Path):
    made = new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)
    _, table = take(made, tmp_path, [row(1, 案发地址="")])
    assert table["village_id"].tolist() == [""]
    import_files(made, [write_xlsx(tmp_path / "v1.xlsx", ("1", village_lines()))])
    assert made.read("incidents")["village_id"].tolist() == ["李家屯村"]
    newer = [["村名", "人口", "经度", "纬度"], ["东河村", 310, 119.87, 36.67], ["新村", 50, 119.86, 36.61]]
    import_files(made, [write_xlsx(tmp_path / "v2.xlsx", ("1", newer))])
    people = made.read("villages").set_index("name")["population"]
    assert (people["东河村"], people["新村"], len(people)) == (310, 50, 7)


def test_village_polygons_take_the_points_inside_them(tmp_path: Path, boundary: Path):
    made = new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)
    path = tmp_path / "villages.gpkg"
    areas = [shapely.box(119.80, 36.60, 119.87, 36.68), shapely.box(119.87, 36.60, 119.88, 36.68)]
    gpd.GeoDataFrame({"name": ["大村", "小村"], "population": [10, 20]}, geometry=areas, crs=4326).to_crs(4549).to_file(
        path
    )
    import_files(made, [path])
    # 119.8655 is nearer to the middle of 小村 and lies in 大村
    _, table = take(made, tmp_path, [row(1, 经度="119.8655", 案发地址=""), row(2, 经度="119.8755", 案发地址="")])
    assert table["village_id"].tolist() == ["大村", "小村"]


def test_rows_with_totals_and_without_people_or_place_are_set_aside(tmp_path: Path, boundary: Path):
    made = new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)
    lines = [
        ["村名", "人口", "经度", "纬度"],
        ["甲村", 1, 119.85, 36.65],
        ["甲村", 2, 119.86, 36.65],
        ["乙村", "不详", 119.85, 36.65],
        ["丙村", 3, 121.0, 36.65],
        ["丁村", 4, None, None],
        ["合计", 10, None, None],
        [None, 5, 119.85, 36.65],
    ]
    report = import_files(made, [write_xlsx(tmp_path / "v.xlsx", ("1", lines))]).files[0]
    assert report.problems == {
        "duplicate": 1,
        "no_population": 1,
        "outside": 1,
        "no_place": 1,
        "total_row": 1,
        "no_name": 1,
    }
    assert report.accepted == 1


def test_open_city_data_come_in_with_arrests_as_counts_and_nature_as_origin(tmp_path: Path, boundary: Path):
    made = new_workspace(tmp_path / "city", name="c", boundary=boundary)
    frame = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(["2016-01-01", "2016-01-01", "2016-01-02", "2016-01-03"]),
            "category": pd.Categorical(["THEFT", "NARCOTICS", "BATTERY", "NEW CATEGORY"]),
            "arrest": [False, True, True, False],
            "domestic": [False, False, True, False],
            "lon": [119.84, 119.84, 119.85, 119.85],
            "lat": [36.64, 36.64, 36.65, 36.65],
        }
    )
    path = tmp_path / "city.parquet"
    frame.to_parquet(path)
    report = import_files(made, [path]).files[0]
    table = made.read("incidents")
    assert table[["type", "origin", "caught_count", "precision"]].to_numpy().tolist() == [
        ["theft", "reported", 0, "exact"],
        ["drugs", "discovered", 1, "exact"],
        ["domestic_violence", "reported", 1, "none"],
    ]
    assert report.unknown == {"NEW CATEGORY": 1}


def test_own_words_come_from_station_toml(ws: Workspace, tmp_path: Path):
    path = ws.root / "station.toml"
    path.write_text(
        path.read_text(encoding="utf-8") + '\n[intake.classes]\n"偷鸡摸狗" = "farm_theft"\n', encoding="utf-8"
    )
    _, table = take(Workspace.open(ws.root), tmp_path, [row(1, 警情类型="偷鸡摸狗")])
    assert table["type"].tolist() == ["farm_theft"]


CHANGES = {
    "good": {},
    "no_time": {"报警时间": "昨晚"},
    "class_unknown": {"警情类别": "甲", "警情类型": "乙"},
    "outside": {"经度": "121.0"},
    "private": {"报警方式": "13912345678"},
    "zero": {"经度": "0", "纬度": "0"},
    "secret": {"警情类别": "治安警情", "警情类型": "家庭暴力", "经度": "121.0"},
}
ORDER = ("private", "no_time", "class_unknown", "outside")


@st.composite
def dirty_rows(draw: st.DrawFn) -> list[tuple[int, int, set[str]]]:
    """Rows as (call number, number of the call it follows or -1, what is wrong with it)."""
    count = draw(st.integers(1, 12))
    wrong = st.sets(st.sampled_from([name for name in CHANGES if name != "good"]), max_size=2)
    return [(draw(st.integers(0, 7)), draw(st.integers(-1, 7)), draw(wrong)) for _ in range(count)]


def expected(rows: list[tuple[int, int, set[str]]]) -> list[str]:
    """Say in plain steps what the door must decide; a call's time is its number, so a call follows a smaller one."""
    first, reasons = set(), []
    for number, _, wrong in rows:
        reason = next(
            (
                name
                for name in ORDER
                if name in wrong
                and not (name == "outside" and {"secret", "zero"} & wrong and "class_unknown" not in wrong)
            ),
            "",
        )
        if not reason:
            reason = "duplicate" if number in first else ""
            first.add(number)
        reasons.append(reason)
    kept = {number for (number, _, _), reason in zip(rows, reasons, strict=True) if not reason}
    return [
        "follow_up" if not reason and follows in kept and follows < number else reason
        for (number, follows, _), reason in zip(rows, reasons, strict=True)
    ]


def _apply(number: int, follows: int, wrong: set[str]) -> dict[str, object]:
    changes: dict[str, object] = {"关联接警单编号": row(follows)["接警单编号"] if follows >= 0 else ""}
    for name in sorted(wrong, key=list(CHANGES).index):
        changes |= {key: value for key, value in CHANGES[name].items() if key not in changes or name == "class_unknown"}
    if "class_unknown" in wrong:
        changes |= CHANGES["class_unknown"]
    if "zero" in wrong:
        changes |= CHANGES["zero"]
    return row(number, **changes)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=dirty_rows())
def test_every_row_gets_the_verdict_that_plain_steps_give(ws: Workspace, rows: list[tuple[int, int, set[str]]]):
    frame = pd.DataFrame([_apply(*one) for one in rows])
    match = recognise(frame.columns, has_shapes=False)
    assert match is not None
    villages = VILLAGE_TABLE.setdefault("v", ws.read("villages"))
    around = Surroundings(ws.study, villages, *(ws.read(name) for name in ("buildings", "roads", "places")))
    known = incidents.Known(around, frozenset(), "salt", {})
    found = incidents.read(
        Sheet(Path("x.csv"), "x.csv", frame, np.arange(2, len(frame) + 2)), match, known, import_id="I"
    )
    assert found.reasons.tolist() == expected(rows)
    assert len(found.accepted) == found.reasons.eq("").sum()
    assert set(found.accepted["source_row"]) == set(np.flatnonzero(found.reasons == "") + 2)


VILLAGE_TABLE: dict[str, gpd.GeoDataFrame] = {}


def test_a_slice_of_chicago_comes_in_whole(tmp_path: Path, shared_data: Path):
    full = pd.read_parquet(shared_data / "chicago" / "chicago_west_2016_2017.parquet")
    part = full.iloc[::20]
    path = tmp_path / "slice.parquet"
    part.to_parquet(path)
    report = make_workspace(
        tmp_path / "w", [path], name="West", boundary=shared_data / "chicago" / "districts.parquet",
        where="district in ('010','011','012')", timezone="America/Chicago",
    ).files[0]  # fmt: skip
    table = Workspace.open(tmp_path / "w").read("incidents")
    assert report.rows_read == len(part) == report.accepted + report.set_aside
    assert report.set_aside <= 2
    assert report.unknown == {}
    outside = report.problems.get("outside", 0)
    assert abs(int(table["caught_count"].sum()) - int(part["arrest"].sum())) <= outside
    drugs = part["category"].isin(["NARCOTICS", "OTHER NARCOTIC VIOLATION"]) & ~part["domestic"]
    assert abs(int((table["type"] == "drugs").sum()) - int(drugs.sum())) <= outside
    assert (table[table["type"] == "drugs"]["origin"] == "discovered").all()
    assert int((table["type"] == "domestic_violence").sum()) == int(part["domestic"].sum())


def test_openstreetmap_layers_become_ground_and_may_come_one_by_one(tmp_path: Path, shared_data: Path):
    folder = shared_data / "osm_liechtenstein"
    box = tmp_path / "b.geojson"
    gpd.GeoSeries([shapely.box(9.50, 47.13, 9.53, 47.15)], crs=4326).to_file(box)
    at_once = make_workspace(
        tmp_path / "a", [folder / "roads.parquet", folder / "waterways.parquet"], name="a", boundary=box
    )
    make_workspace(tmp_path / "b", [folder / "roads.parquet"], name="b", boundary=box)
    one, two = Workspace.open(tmp_path / "a"), Workspace.open(tmp_path / "b")
    assert {report.table for report in at_once.files} == {"ground"}
    assert [report.rows_read for report in at_once.files] == [6954, 454]
    assert len(two.read("crossings")) == 0
    import_files(two, [folder / "waterways.parquet"])
    for name in ("roads", "barriers", "crossings"):
        assert len(one.read(name)) == len(two.read(name)) > 0
