"""Villages in intake: which one an address names, which one stood at the time, whose people count, sheets of counts."""

from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

from gis_data.intake import import_files, make_workspace, places, undo_import
from gis_data.sample_town import reference
from gis_data.sample_town.records import ALIASES
from gis_data.workspace import Workspace


def book(path: Path, *lines: list[object]) -> Path:
    made = openpyxl.Workbook()
    for line in lines:
        made.active.append(line)
    made.save(path)
    return path


@pytest.fixture
def boundary(tmp_path: Path) -> Path:
    path = tmp_path / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(119.80, 36.60, 119.88, 36.68)], crs=4326).to_file(path)
    return path


def town(tmp_path: Path, boundary: Path, *lines: list[object]) -> Workspace:
    make_workspace(tmp_path / "town", [book(tmp_path / "村庄.xlsx", *lines)], name="禾川镇", boundary=boundary)
    return Workspace.open(tmp_path / "town")


def reference_villages() -> pd.DataFrame:
    table = reference.villages()
    return table.assign(aliases=table["village_id"].map(ALIASES).fillna(""))


FORMS = [
    "禾川镇{name}", "{name}", "{name}李某家", "禾川镇{name}村委会", "{rest}", "禾川镇{rest}王某某家附近", "{rest}12号",
    "山东省某市禾川镇{name}张三家门口", "禾川镇{name}村北大棚", "禾川镇 {name}", "禾川镇{rest}某某超市", "{name}东头",
    "{rest}村南地里", "禾川镇{rest}东头", "{rest}小学门口", "在{rest}集市", "{rest}路口",
]  # fmt: skip


def test_villages_are_found_in_addresses_as_people_write_them():
    """Every village in every form: recall at least 0.97, precision at least 0.99."""
    villages = reference_villages()
    written = pd.DataFrame(
        [(form.format(name=name, rest=name.removesuffix("村")), village)
         for form in FORMS for village, name in zip(villages["village_id"], villages["name"], strict=True)],
        columns=["address", "village"],
    )  # fmt: skip
    found = places.village_in_address(written["address"], villages)
    named = found != ""
    assert named.mean() >= 0.97
    assert (found[named] == written["village"][named]).mean() >= 0.99


@pytest.mark.parametrize(
    ("address", "village"),
    [
        ("禾川镇万埠某家", "V003"),  # by an alias
        ("禾川镇西赵家丘村", "V019"),  # merged into 前赵家丘
        ("禾川镇西高屯", "V031"),
        ("禾川镇后许家洼村许家洼某家", "V022"),  # what follows the name is somebody's
        ("禾川镇许家洼村", "V013"),
        ("禾川镇南许家洼村", ""),  # a village that nobody here knows
        ("禾川镇东大街12号", ""),
        ("禾川镇镇东村", "V001"),
        ("禾川镇镇东李某家", "V001"),
        ("金家庙镇后石家疃村", "V064"),  # a town that bears a village's name
        ("石家埠大街", ""),
        ("石家埠路口", "V062"),
        ("石家埠路88号", ""),
        ("省道旁", ""),
        ("", ""),
    ],
)
def test_an_address_names_the_village_and_no_other(address: str, village: str):
    assert places.village_in_address(pd.Series([address]), reference_villages()).tolist() == [village]


def test_a_merged_village_gives_way_on_the_day_of_the_merger(tmp_path: Path, boundary: Path):
    ws = town(
        tmp_path, boundary,
        ["村庄", "别名", "人口", "生效日期", "失效日期", "经度", "纬度"],
        ["新和村", "赵家村;钱家村", 900, "2021-01-01", None, 119.84, 36.64],
        ["赵家村", None, 500, None, "2021-01-01", 119.84, 36.641],
        ["钱家村", None, 400, None, "2021-01-01", 119.86, 36.66],
    )  # fmt: skip
    rows = [["报警时间", "警情类型", "案发地址", "经度", "纬度"],
            ["2020-06-01 10:00", "盗窃", "赵家村李某家", None, None],
            ["2022-06-01 10:00", "盗窃", "赵家村李某家", None, None],
            ["2020-06-02 10:00", "盗窃", None, 119.8601, 36.6601],
            ["2022-06-02 10:00", "盗窃", None, 119.8601, 36.6601],
            ["2022-06-03 10:00", "盗窃", "新和村", None, None]]  # fmt: skip
    report = import_files(ws, [book(tmp_path / "警情.xlsx", *rows)]).files[0]
    assert ws.read("incidents")["village_id"].tolist() == ["赵家村", "新和村", "钱家村", "新和村", "新和村"]
    assert report.problems["village_merged"] == 2
    hours = [["月份", "村庄", "时段", "时长"], ["2020-12", "钱家村", "18-24", 2.5], ["2021-01", "钱家村", "18-24", 1.5]]
    import_files(ws, [book(tmp_path / "巡逻时长.xlsx", *hours)])
    assert ws.read("patrol_hours")["village_id"].tolist() == ["钱家村", "新和村"]


def test_a_village_merged_twice_ends_in_the_last_one():
    villages = pd.DataFrame(
        {"village_id": ["a", "b", "c"], "name": ["甲庄村", "乙庄村", "丙庄村"], "aliases": ["", "甲庄村", "乙庄"],
         "valid_to": pd.to_datetime(["2019-01-01", "2021-01-01", None])}
    )  # fmt: skip
    at = pd.to_datetime(pd.Series(["2018-05-01", "2020-05-01", "2022-05-01"]))
    assert places.valid_then(pd.Series(["a", "a", "a"]), at, villages).tolist() == ["a", "b", "c"]


def test_residents_go_before_registered_people_and_the_report_says_so(tmp_path: Path, boundary: Path):
    lines = [
        ["村庄", "户籍人口", "常住人口", "经度", "纬度"],
        ["甲村", 1000, 800, 119.84, 36.64],
        ["乙村", 500, None, 119.85, 36.65],
        ["丙村", None, 300, 119.86, 36.66],
    ]
    report = make_workspace(
        tmp_path / "town", [book(tmp_path / "村庄.xlsx", *lines)], name="禾川镇", boundary=boundary
    ).files[0]
    assert Workspace.open(tmp_path / "town").read("villages")["population"].tolist() == [800, 500, 300]
    assert report.problems == {"population_resident": 1, "population_registered": 1}
    assert report.examples == {"population_resident": (2,), "population_registered": (3,)}


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([[2.5, 1.0, 3.5, 2.0, 0.5, 4.0]] * 4, {}),
        ([[2, 1, 3, 2, 5, 4]] * 4, {"hours_whole": 24}),
        ([[2.5] * 5 + [1.5]] * 4, {}),
        ([[2.5] * 6, [2.5, 1.0, 3.5, 2.0, 0.5, 4.0], [1.5] * 6, [2.5, 1, 3, 2, 2, 2]], {"hours_identical": 12}),
    ],
)
def test_patrol_hours_filled_in_afterwards_are_told(
    tmp_path: Path, boundary: Path, hours: list[list[float]], expected: dict[str, int]
):
    names = [f"{sign}家村" for sign in "赵钱孙李周吴"]
    ws = town(
        tmp_path, boundary, ["村庄", "人口", "经度", "纬度"],
        *([name, 100, 119.82 + n / 100, 36.64] for n, name in enumerate(names)),
    )  # fmt: skip
    bands = ("00-06", "06-12", "12-18", "18-24")
    lines = [["2024-01", name, band, hour] for band, row in zip(bands, hours, strict=True)
             for name, hour in zip(names, row, strict=True)]  # fmt: skip
    report = import_files(ws, [book(tmp_path / "时长.xlsx", ["月份", "村庄", "时段", "时长"], *lines)]).files[0]
    assert report.problems == expected


@pytest.mark.parametrize(
    "head", [["日期", "父类", "子类", "地点", "次数"], ["日期", "警情父类", "警情子类", "地点", "次数"]]
)
def test_a_sheet_of_counts_comes_in_at_village_level(tmp_path: Path, boundary: Path, head: list[object]):
    """The second form: counts by day, class and place, with a running number before them."""
    ws = town(tmp_path, boundary, ["村庄", "人口", "经度", "纬度"], ["赵家村", 500, 119.84, 36.64],
              ["钱家村", 400, 119.86, 36.66])  # fmt: skip
    lines = [
        [1, "2024-03-01", "传统侵财", "盗窃电动车", "赵家村", 3],
        [2, "2024-03-01", "传统侵财", "盗窃电动车", "钱家村", 1],
        [3, "2024年3月1日", "纠纷", "邻里纠纷", "赵家村", 12],
        [4, "2024-03-02", "人身伤害", "", "钱家村", 2],
        [5, "2024-03-02", "涉赌", "", "赵家村", None],
        [6, "2024-03-02", "新型侵财", "", "赵家村", 4],
        [7, "2024-03-02", "新型侵财", "", "赵家村", 4],
    ]
    report = import_files(ws, [book(tmp_path / "态势.xlsx", ["禾川镇警情态势"], ["序号", *head], *lines)]).files[0]
    table = ws.read("incidents")
    assert (report.rows_read, report.accepted) == (7, 7)
    assert table["count"].tolist() == [3, 1, 12, 2, 1, 4, 4]
    assert (
        table["type"].tolist()
        == ["ebike_theft", "ebike_theft", "neighbour", "injury", "gambling"] + ["telecom_fraud"] * 2
    )
    assert table["precision"].tolist() == ["village"] * 5 + ["none"] * 2  # fraud has no place
    assert table["village_id"].tolist() == ["赵家村", "钱家村", "赵家村", "钱家村", "赵家村", "赵家村", "赵家村"]
    assert table.geometry.is_empty.all()
    assert report.problems["midnight_unknown"] == 7
    assert table["incident_id"].is_unique


NAMESAKES = (
    ["村庄编号", "村庄", "工作区", "人口", "生效日期", "失效日期", "经度", "纬度"],
    ["A1", "石桥村", "东片区", 500, None, None, 119.82, 36.62],
    ["B1", "石桥村", "西片区", 400, None, None, 119.86, 36.66],
    ["C1", "柳树村", "东片区", 300, None, None, 119.84, 36.64],
    ["D1", "王家村", "东片区", 300, None, "2023-01-01", 119.83, 36.63],
    ["D2", "王家村", "东片区", 300, "2023-01-01", None, 119.83, 36.65],
)


def test_of_two_villages_of_one_name_the_one_meant_is_taken_or_none(tmp_path: Path, boundary: Path):
    """By work area, by number, by point, by the time; where nothing decides, no village, and the row is counted."""
    ws = town(tmp_path, boundary, *NAMESAKES)
    calls = [["报警时间", "警情类型", "所属村庄", "所属工作区", "案发地址", "经度", "纬度"],
             ["2022-06-01 10:00", "盗窃", "石桥村", "西片区", None, None, None],
             ["2022-06-02 10:00", "盗窃", None, None, "东片区石桥村李某家", None, None],
             ["2022-06-03 10:00", "盗窃", "B1", None, None, None, None],
             ["2022-06-04 10:00", "盗窃", "石桥村", None, None, 119.8601, 36.6602],
             ["2022-06-05 10:00", "盗窃", "王家村", None, None, None, None],
             ["2023-06-05 10:00", "盗窃", "王家村", None, None, None, None],
             ["2022-06-06 10:00", "盗窃", "石桥村", None, None, None, None],
             ["2022-06-07 10:00", "盗窃", "柳树村", None, None, None, None]]  # fmt: skip
    report = import_files(ws, [book(tmp_path / "警情.xlsx", *calls)]).files[0]
    assert ws.read("incidents")["village_id"].tolist() == ["B1", "A1", "B1", "B1", "D1", "D2", "", "C1"]
    assert (report.problems["village_ambiguous"], report.examples["village_ambiguous"]) == (1, (8,))
    hours = [["月份", "村庄", "时段", "时长"], ["2022-12", "石桥村", "18-24", 2.5], ["2022-12", "柳树村", "18-24", 1.5]]
    report = import_files(ws, [book(tmp_path / "巡逻时长.xlsx", *hours)]).files[0]
    assert report.problems == {"village_unknown": 1}


def test_a_village_listed_twice_at_one_place_or_without_numbers_is_one(tmp_path: Path, boundary: Path):
    lines = [NAMESAKES[0], ["1", "甲村", "", 100, None, None, 119.82, 36.62],
             ["2", "甲村", "", 100, None, None, 119.8201, 36.6201], [None, "乙村", "", 100, None, None, 119.83, 36.62],
             [None, "乙村", "", 100, None, None, 119.86, 36.66]]  # fmt: skip
    report = make_workspace(
        tmp_path / "town", [book(tmp_path / "村庄.xlsx", *lines)], name="禾川镇", boundary=boundary
    ).files[0]
    assert (report.accepted, report.problems) == (2, {"duplicate": 2})


def test_a_table_with_namesakes_replaces_an_older_one_by_name_and_is_undone(tmp_path: Path, boundary: Path):
    ws = town(tmp_path, boundary, ["村庄", "人口", "经度", "纬度"], ["石桥村", 900, 119.84, 36.64])
    before = ws.table_hash("villages")
    import_files(ws, [book(tmp_path / "新.xlsx", *NAMESAKES)])
    assert ws.read("villages")["village_id"].tolist() == ["A1", "B1", "C1", "D1", "D2"]
    import_files(ws, [book(tmp_path / "一个.xlsx", NAMESAKES[0], [*NAMESAKES[1][:3], 600, *NAMESAKES[1][4:]])])
    people = ws.read("villages").set_index("village_id")["population"]
    assert sorted(people.index) == ["A1", "B1", "C1", "D1", "D2"]
    assert (people["A1"], people["B1"]) == (600, 400)
    undo_import(ws)
    assert ws.read("villages").set_index("village_id").loc["A1", "population"] == 500
    undo_import(ws)
    assert ws.table_hash("villages") == before
