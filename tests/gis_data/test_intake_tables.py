"""Tables of every kind come in, in any order: villages, incidents, patrols, cameras, ground, open city data."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from gis_data.intake import import_files, make_workspace, new_workspace
from gis_data.workspace import Workspace
from tests.gis_data.made_rows import row, take, village_lines, write_csv, write_xlsx


def all_tables(folder: Path) -> list[Path]:
    """Write a file of every table, the villages last, each with something that does not belong."""
    head = ["报警时间", "警情类型", "案发地址"]
    february = [["2024-02-05 10:00", "盗窃", "西河村"], [None] * 3, ["2024-02-06 10:00", "打架", "李家屯村"]]
    book = write_xlsx(
        folder / "两个月.xlsx",
        ("1月", [["一月警情"], head, ["2024-01-05 10:00", "盗窃", "东河崖"]]),
        ("2月", [head, *february]),
        ("说明", [["本表由系统导出"]]),
    )
    evening = {"月份": "2024年1月", "村庄": "东河崖", "时段": "18-24", "巡逻时长": 2.5}
    hours = write_csv(folder / "巡逻时长.csv", [evening, evening, evening | {"月份": "2024-01", "村庄": "火星"}])
    crew_head = ["巡组编号", "巡逻方式", "民警数", "辅警数", "班次"]
    crew_lines = [["X1", "汽车", 1, 2, "夜"], ["X2", "骑马", 1, 2, "夜"]]
    crews = write_xlsx(folder / "巡防力量.xlsx", ("1", [crew_head, *crew_lines]))
    cameras = folder / "监控.geojson"
    gpd.GeoDataFrame(
        {"监控编号": ["C1", "C2"], "方位角": [90, 400], "状态": ["正常", "故障"]},
        geometry=gpd.points_from_xy([119.84, 119.84], [36.64, 36.65]),
        crs=4326,
    ).to_file(cameras)
    return [hours, book, cameras, crews, write_xlsx(folder / "村庄.xlsx", ("村庄", village_lines()))]


def test_files_may_come_in_any_order_and_sheets_in_one_book(tmp_path: Path, boundary: Path):
    report = make_workspace(tmp_path / "town", all_tables(tmp_path), name="禾川镇", boundary=boundary)
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
