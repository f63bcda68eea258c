"""Rules of the door for one row of incidents: its place, its call, its words; and all verdicts by plain steps."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis_data.intake import aside, import_files, incidents
from gis_data.intake.headers import recognise
from gis_data.intake.sheets import Sheet
from gis_data.intake.surroundings import Surroundings
from gis_data.taxonomy import drives_allocation, with_point
from gis_data.workspace import Workspace
from tests.gis_data.made_rows import VILLAGES, row, take, write_xlsx


def test_missing_places_keep_the_row_and_its_village(town: Workspace, tmp_path: Path):
    nowhere = {"经度": "0", "纬度": "0"}
    rows = [
        row(1, 案发地址="禾川镇张庄12号", **nowhere),
        row(2, 案发地址="后万家埠村", 经度="", 纬度=""),
        row(3, 案发地址="禾川镇万家埠", **nowhere),
        row(4, 案发地址="省道旁", **nowhere),
        row(5, 案发地址="省道旁"),
        row(6, 案发地址="张家庄村", 经度="119.810000", 纬度="36.610000"),
    ]
    _, table = take(town, tmp_path, rows)
    assert table["precision"].tolist() == ["village", "village", "village", "none", "exact", "village"]
    assert table["village_id"].tolist() == ["张家庄村", "后万家埠村", "万家埠村", "", "李家屯村", "张家庄村"]
    assert table.geometry.is_empty.tolist() == [True, True, True, True, False, True]


def test_a_second_pair_of_coordinates_is_used_where_the_first_is_zero(town: Workspace, tmp_path: Path):
    head = ["报警时间", "警情类型", "经度", "纬度", "经度", "纬度"]
    lines = [["2024-03-05 10:00", "盗窃", 0, 0, 119.84, 36.64], ["2024-03-05 11:00", "盗窃", 119.85, 36.65, 0, 0]]
    import_files(town, [write_xlsx(tmp_path / "两对坐标.xlsx", ("1", [head, *lines]))])
    np.testing.assert_allclose(town.read("incidents").to_crs(4326).geometry.x, [119.84, 119.85], atol=1e-9)


def test_the_default_point_of_the_station_is_seen_and_a_busy_street_is_not(town: Workspace, tmp_path: Path):
    names = [name for name, *_ in VILLAGES]
    default = [row(n, 案发地址=names[n % 6], 经度="119.844444", 纬度="36.644444") for n in range(30)]
    market = [row(100 + n, 案发地址="李家屯村大集", 经度="119.833333", 纬度="36.613333") for n in range(40)]
    few = [row(200 + n, 案发地址=names[n % 6], 经度="119.855555", 纬度="36.655555") for n in range(9)]
    report, table = take(town, tmp_path, default + market + few + [row(300 + n) for n in range(100)])
    # Nine rows at one point that name six villages are too few for a default; it is a mast, a coarse place.
    assert table["precision"].value_counts().to_dict() == {"exact": 140, "default": 30, "cell": 9}
    # The made rows come in four runs with empty days between them, which is told of all 179.
    told = {"default_point": 30, "cell_point": 9, "month_partial": 179, "address_partial": 79}
    assert report.problems == told, "79 addresses do without the town that the hundred others name"
    spike = table[table["precision"] == "default"]
    assert spike.geometry.is_empty.all()
    assert spike["village_id"].value_counts().to_dict() == dict.fromkeys(names, 5)


def test_what_never_has_a_place_loses_it_and_the_gravest_lose_their_village(town: Workspace, tmp_path: Path):
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
    report, table = take(town, tmp_path, rows)
    assert report.accepted == 6
    assert table.geometry.is_empty.all()
    assert set(table["precision"]) == {"none"}
    assert table["village_id"].tolist() == ["李家屯村", "", "", "", "", "李家屯村"]
    assert len(with_point(drives_allocation(table))) == 0


def test_points_on_the_border_come_in_and_lie_inside(town: Workspace, tmp_path: Path):
    border = shapely.Point(town.study.boundary.exterior.interpolate(0.4, normalized=True))
    lon, lat = (
        gpd.GeoSeries([shapely.Point(border.x, border.y)], crs=town.study.crs).to_crs(4326).get_coordinates().iloc[0]
    )
    rows = [
        row(n, 经度=lon + dx, 纬度=lat + dy)
        for n, (dx, dy) in enumerate([(0, 0), (5e-6, 0), (-5e-6, 0), (0, 5e-6), (0, -5e-6)])
    ]
    report, table = take(town, tmp_path, rows)
    assert report.accepted == 5
    assert shapely.covers(town.study.boundary, table.geometry.to_numpy()).all()
    assert table.distance(border).max() < 1.5


def test_origin_follows_the_channel_and_an_unknown_channel_is_reported_and_named(town: Workspace, tmp_path: Path):
    report, table = take(
        town, tmp_path, [row(1), row(2, 报警方式="巡逻发现"), row(3, 报警方式="信鸽"), row(4, 报警方式="")]
    )
    assert table["origin"].tolist() == ["reported", "discovered", "reported", "reported"]
    assert report.problems == {"channel_unknown": 1}
    assert report.unknown == {"信鸽": 1}


def test_of_two_calls_that_name_each_other_the_first_one_counts(town: Workspace, tmp_path: Path):
    a, b, c = (str(row(n)["接警单编号"]) for n in (1, 2, 3))
    rows = [
        row(2, 关联接警单编号=a),
        row(3, 关联接警单编号=b),
        row(1, 关联接警单编号=b),
        row(4, 关联接警单编号="37028301202401019999"),
    ]
    report, table = take(town, tmp_path, rows)
    assert report.problems == {"follow_up": 2}
    assert table["source_row"].tolist() == [4, 5]
    assert table["linked_id"].ne("").all()
    later, _ = take(town, tmp_path, [row(50, 关联接警单编号=a)])  # the call it follows came with an earlier file
    assert later.problems == {"follow_up": 1}
    assert not any(number in repr(report) for number in (a, b, c))


def test_numbers_cut_by_a_spreadsheet_do_not_make_duplicates(town: Workspace, tmp_path: Path):
    head = ["接警单编号", "报警时间", "警情类型", "经度", "纬度"]
    lines = [[3.7028301202403e19, f"2024-03-05 1{n}:00", "盗窃", 119.84, 36.64] for n in range(3)]
    lines += [["37028301202403000000", f"2024-03-06 1{n}:00", "盗窃", 119.84, 36.64] for n in range(3)]
    report = import_files(town, [write_xlsx(tmp_path / "损坏编号.xlsx", ("1", [head, *lines]))]).files[0]
    assert report.accepted == 6


def test_identical_rows_without_a_number_count_each_and_come_in_once(town: Workspace, tmp_path: Path):
    bare = {"报警时间": "2024-03-05 10:00", "警情类型": "盗窃", "经度": "119.84", "纬度": "36.64"}
    first, _ = take(town, tmp_path, [bare, bare, bare])
    assert first.accepted == 3
    second, table = take(town, tmp_path, [bare, bare, bare, bare])
    assert (second.accepted, second.problems) == (4, {"replaced": 3, "said_before": 3})
    assert len(table) == 4


def test_running_numbers_are_not_call_numbers(town: Workspace, tmp_path: Path):
    def numbered(number: object, minute: int) -> dict[str, object]:
        return {"序号": number, "报警时间": f"2024-03-05 10:0{minute}", "警情类型": "盗窃"}

    assert take(town, tmp_path, [numbered(1, 1), numbered(2, 2)])[0].accepted == 2
    assert take(town, tmp_path, [numbered(1, 3), numbered(2, 4)])[0].accepted == 2
    assert take(town, tmp_path, [numbered("3702830001", 5), numbered("3702830001", 6)])[0].problems["duplicate"] == 1


def test_names_of_staff_and_free_text_are_dropped_and_told(town: Workspace, tmp_path: Path):
    report, _ = take(town, tmp_path, [row(1, 接警员="甲", 处警人2="乙", 简要案情="丙被盗", 天气="晴")])
    assert report.dropped == ("接警员", "处警人2", "简要案情")
    assert report.left_out == ("天气",)
    assert any("接警员" in line for line in report.sentences())
    seen = b"".join(path.read_bytes() for path in town.root.rglob("*") if path.is_file() and path.parent.name != "raw")
    assert "丙被盗".encode() not in seen


def test_free_text_in_a_coded_column_and_persons_as_targets_are_blanked(town: Workspace, tmp_path: Path):
    report, table = take(
        town, tmp_path, [row(1, 案发部位="某" * 41, 侵害对象="老人"), row(2, 案发部位="集市", 侵害对象="电动车")]
    )
    assert table["place_type"].tolist() == ["", "集市"]
    assert table["target_type"].tolist() == ["", "电动车"]
    assert report.problems == {"target_person": 1}


def test_an_interval_the_wrong_way_round_is_turned(town: Workspace, tmp_path: Path):
    _, table = take(town, tmp_path, [row(1, 案发时间上限="2024-03-05 02:00", 案发时间下限="2024-03-04 22:00")])
    assert table["occurred_from"].iloc[0] < table["occurred_to"].iloc[0]


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
    """Rows as (call number, number of the call it follows or 0, what is wrong with it).

    No number is 0: one that ends on 0000 is, where there are several, one that a spreadsheet has cut.
    """
    count = draw(st.integers(1, 12))
    wrong = st.sets(st.sampled_from([name for name in CHANGES if name != "good"]), max_size=2)
    return [(draw(st.integers(1, 8)), draw(st.integers(0, 8)), draw(wrong)) for _ in range(count)]


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
    changes: dict[str, object] = {"关联接警单编号": row(follows)["接警单编号"] if follows else ""}
    for name in sorted(wrong, key=list(CHANGES).index):
        changes |= {key: value for key, value in CHANGES[name].items() if key not in changes or name == "class_unknown"}
    if "class_unknown" in wrong:
        changes |= CHANGES["class_unknown"]
    if "zero" in wrong:
        changes |= CHANGES["zero"]
    return row(number, **changes)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=dirty_rows())
def test_every_row_gets_the_verdict_that_plain_steps_give(town: Workspace, rows: list[tuple[int, int, set[str]]]):
    frame = pd.DataFrame([_apply(*one) for one in rows])
    match = recognise(frame.columns, has_shapes=False)
    assert match is not None
    names = ("villages", "buildings", "roads", "places")
    around = Surroundings(town.study, *(town.read(name) for name in names))
    known = incidents.Known(around, frozenset(), "salt", {})
    found = incidents.read(
        Sheet(Path("x.csv"), "x.csv", frame, np.arange(2, len(frame) + 2)), match, known, import_id="I"
    )
    assert found.reasons.tolist() == expected(rows)
    assert len(found.accepted) == found.reasons.eq("").sum()
    assert set(found.accepted["source_row"]) == set(np.flatnonzero(found.reasons == "") + 2)


@given(
    names=st.lists(st.text(max_size=5), min_size=1, max_size=3, unique=True),
    cells=st.lists(st.text(max_size=8), min_size=3, max_size=3),
)
def test_cells_of_rows_set_aside_are_written_as_json_writes_them(names: list[str], cells: list[str]):
    frame = pd.DataFrame({name: pd.Series([*cells, '"', "\\", "1%s"], dtype="str") for name in (*names, "100%")})
    plain = [json.dumps(row, ensure_ascii=False) for row in aside._cells_of(frame)]
    assert aside._as_json(frame) == plain
    assert aside._as_json(frame[[]]) == ["{}"] * len(frame)
