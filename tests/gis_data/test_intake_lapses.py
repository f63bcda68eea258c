"""Heaped firsts of months, fields left empty, drifting arrests, last weeks, spellings, points in other villages."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.intake import elsewhere, heaps, import_files, lapses, last_weeks, values, writing
from gis_data.workspace import Workspace
from tests.gis_data.made_rows import row, take, village_lines, write_xlsx

NOTHING = np.empty(0, dtype=np.int64)


def daily(first: str, counts: np.ndarray) -> np.ndarray:
    """Return a local day for each row, counted from 1970."""
    start = int(np.datetime64(first, "D").astype(np.int64))
    return np.repeat(start + np.arange(len(counts)), counts)


def heaped(day: np.ndarray, before: np.ndarray = NOTHING) -> tuple[np.ndarray, list]:
    return heaps.heaped_days(day, before, np.ones(len(day), dtype=bool))


def test_a_heap_on_new_years_days_is_told_with_its_rows_and_nothing_else():
    rng = np.random.default_rng(1)
    counts = rng.poisson(6, 1100)
    day = daily("2021-01-01", counts)
    new_year = [int(np.datetime64(f"{year}-01-01", "D").astype(np.int64)) for year in (2021, 2022, 2023, 2024)]
    whole = np.concatenate([day, np.repeat(new_year, 25)])
    found, told = heaped(whole)
    assert found.sum() == np.isin(whole, new_year).sum()
    assert np.isin(whole[found], new_year).all()
    assert [key for key, _ in told] == ["intake.remark.first_january"]
    assert not heaped(day)[0].any()


def test_a_month_at_a_time_the_heap_grows_with_what_came_before():
    """A month alone has one first; with two years before it the firsts together show what they are."""
    rng = np.random.default_rng(2)
    counts = rng.poisson(5, 730)
    day = daily("2022-01-01", counts)
    firsts = pd.date_range("2022-01-01", "2023-12-01", freq="MS").to_numpy().astype("datetime64[D]").astype(np.int64)
    whole = np.sort(np.concatenate([day, np.repeat(firsts, 8)]))
    last = whole >= firsts[-1]
    assert heaped(whole[last], whole[~last])[0].sum() == (whole == firsts[-1]).sum()


def test_towns_without_a_heap_are_not_told_of_one():
    rng = np.random.default_rng(3)
    for number in range(200):
        mean = rng.choice([3.0, 10.0, 100.0])
        counts = rng.poisson(rng.gamma(5.0, mean / 5.0, 730) if number % 2 else mean, 730)
        assert not heaped(daily("2022-01-01", counts))[0].any()


def test_totals_on_the_first_of_each_month_are_no_heap():
    day = np.repeat(pd.date_range("2022-01-01", periods=24, freq="MS").to_numpy().astype("datetime64[D]"), 30)
    assert not heaped(day.astype(np.int64))[0].any()


def calls(first: str, days: int, per_day: float, rng: np.random.Generator, **columns: object) -> pd.DataFrame:
    day = pd.Timestamp(first, tz="Asia/Shanghai") + pd.to_timedelta(
        rng.integers(0, days, int(days * per_day)), unit="D"
    )
    usual = {"type": "theft", "incident_class": "criminal", "count": 1, "caught_count": 0, "precision": "exact",
             "village_id": "V1", "arrived_at": day, "occurred_from": day}  # fmt: skip
    table = pd.DataFrame({"reported_at": day, **usual, **columns})
    return table.sort_values("reported_at").reset_index(drop=True)


def months_of(*parts: pd.DataFrame) -> tuple[lapses.Facts, pd.DataFrame]:
    table = pd.concat(parts, ignore_index=True)
    return lapses.Facts.of(table), table


def test_a_column_that_a_new_export_leaves_out_is_told_row_by_row():
    rng = np.random.default_rng(4)
    earlier, _ = months_of(calls("2022-01-01", 365, 5, rng))
    ours, table = months_of(calls("2023-01-01", 31, 5, rng, arrived_at=pd.NaT))
    notes, told = lapses.find_lapses(ours, earlier)
    assert notes["field_missing"].sum() == len(table) == 155
    assert not notes["arrests_drift"].any()
    about = {"first": "2023-01", "last": "2023-01", "now": 100.0, "before": 0.0, "field": "arrived_at"}
    assert told == [("intake.remark.field_missing", about)]


def test_a_field_is_held_against_itself_also_where_a_file_has_no_such_column():
    """Columns that a file lacks must not move the others: what was empty all along is not missing now."""
    rng = np.random.default_rng(4)
    earlier, _ = months_of(calls("2022-01-01", 365, 5, rng))
    ours, _ = months_of(calls("2023-01-01", 31, 5, rng).drop(columns=["occurred_from", "arrived_at"]))
    _, told = lapses.find_lapses(ours, earlier)
    assert {about["field"] for _, about in told} == {"occurred_from", "arrived_at"}


def test_arrests_that_become_rare_and_then_stay_rare_are_told_until_a_year_is_used_to_them():
    rng = np.random.default_rng(5)
    before = calls("2021-01-01", 365, 20, rng)
    after = calls("2022-01-01", 730, 20, rng)
    before["caught_count"] = rng.binomial(1, 0.3, len(before))
    after["caught_count"] = rng.binomial(1, 0.15, len(after))
    ours, table = months_of(before, after)
    notes, told = lapses.find_lapses(ours, lapses.Facts.of(table.iloc[:0]))
    month = table["reported_at"].dt.strftime("%Y-%m")
    assert {"2022-01", "2022-02", "2022-03"} <= set(month[notes["arrests_drift"]])
    assert not set(month[notes["arrests_drift"]]) & {"2021-06", "2021-12", "2023-08", "2023-12"}
    key, about = told[0]
    assert (key, about["first"]) == ("intake.remark.arrests_drift", "2022-01")
    assert about["now"] < 20 < 28 < about["before"]


def test_what_is_withheld_is_not_missing():
    rng = np.random.default_rng(6)
    earlier, _ = months_of(calls("2022-01-01", 365, 5, rng))
    fraud = calls("2023-01-01", 31, 5, rng, type="fraud", precision="none", village_id="")
    notes, _ = lapses.find_lapses(lapses.Facts.of(fraud), earlier)
    assert not notes["field_missing"].any()


def last(table: pd.DataFrame, *, by_festival: bool = True) -> tuple[np.ndarray, list]:
    facts, nothing = lapses.Facts.of(table), table.iloc[:0]
    return last_weeks.find_last_weeks(table, nothing, facts, lapses.Facts.of(nothing), by_festival=by_festival)


def test_weeks_still_coming_in_are_told_and_steady_ones_are_not():
    rng = np.random.default_rng(7)
    steady = calls("2023-01-01", 300, 6, rng)
    assert not last(steady)[0].any()
    day = (steady["reported_at"].max() - steady["reported_at"]).dt.days
    late = steady[~((day < 14) & (rng.random(len(steady)) < 0.6))].reset_index(drop=True)
    found, told = last(late)
    age = (late["reported_at"].max() - late["reported_at"]).dt.days
    assert told[0][1]["days"] in (14, 28)
    assert found.sum() == (age < max(about["days"] for _, about in told)).sum()


def test_a_season_that_was_low_the_year_before_too_is_no_late_entry():
    """Of the autumn's thefts a third is left in November, every year."""
    rng = np.random.default_rng(8)
    years = [calls(f"{year}-01-01", 304, 6, rng) for year in (2022, 2023)]
    low = [calls(f"{year}-11-01", 28, 2, rng) for year in (2022, 2023)]
    both = pd.concat([*years, *low], ignore_index=True)
    assert not last(both)[0].any()
    only_now = pd.concat([*years, low[1], calls("2022-11-01", 61, 6, rng)], ignore_index=True)
    assert last(only_now)[0].any()


def test_points_and_arrests_that_follow_later_are_told():
    rng = np.random.default_rng(9)
    table = calls("2023-01-01", 300, 10, rng)
    age = (table["reported_at"].max() - table["reported_at"]).dt.days
    table["caught_count"] = rng.binomial(1, np.where(age < 14, 0.05, 0.3))
    table["precision"] = np.where((age < 7) & (rng.random(len(table)) < 0.5), "village", "exact")
    found, told = last(table)
    assert {key.rpartition(".")[2] for key, _ in told} == {"last_fields", "last_arrests"}
    arrests = next(about for key, about in told if key.endswith("arrests"))
    assert arrests["now"] < 15 < 25 < arrests["before"]
    assert found.sum() == (age < arrests["days"]).sum()


def test_the_weeks_of_spring_festival_are_not_taken_for_late_entries():
    rng = np.random.default_rng(10)
    table = pd.concat([calls("2023-10-01", 123, 6, rng), calls("2024-02-01", 14, 1, rng)], ignore_index=True)
    assert not last(table)[0].any()
    assert last(table, by_festival=False)[0].any()


def test_an_older_file_that_comes_later_says_nothing_of_the_end():
    rng = np.random.default_rng(11)
    older, newer = calls("2022-01-01", 300, 6, rng), calls("2023-01-01", 100, 6, rng)
    older = older[older["reported_at"] < older["reported_at"].max() - pd.Timedelta(days=10)]
    older = pd.concat([older, calls("2022-10-18", 10, 1, rng)], ignore_index=True)
    assert last(older)[0].any()
    facts = [lapses.Facts.of(part) for part in (older, newer)]
    assert not last_weeks.find_last_weeks(older, newer, *facts, by_festival=True)[0].any()


def words(*texts: str) -> pd.Series:
    return values.as_words(pd.Series(texts, dtype="str"))


def test_spellings_of_one_kind_are_told_and_brackets_that_make_another_kind_are_not():
    said = words("入室 盗窃", "入室盗窃", "入室盗窃", "入室盗窃（未遂）", "盗窃", "盗窃(治安)", "盗窃")
    kinds = words("burglary", "burglary", "burglary", "burglary", "theft", "minor_theft", "theft")
    assert writing.rarer_spellings(said, kinds).tolist() == [True, False, False, True, False, False, False]
    assert not writing.rarer_spellings(said, words(*[""] * 7)).any()


@pytest.mark.parametrize(
    ("usual", "short", "part"),
    [("禾川镇李家屯村{}号", "李家屯村{}号", "禾川镇"), ("{} Main St,MKE", "{} Main St", ",MKE")],
)
def test_addresses_without_the_town_of_the_others_are_told(usual: str, short: str, part: str):
    said = [usual.format(number) for number in range(40)] + [short.format(number) for number in range(7)] + [""]
    found, told = writing.partial_addresses(words(*said))
    assert (found.sum(), told) == (7, part)
    assert found[40:47].all()
    assert not writing.partial_addresses(words(*said[:40]))[0].any(), "nobody is the odd one out"


def test_crossings_are_known_and_halves_of_numbers_and_outlets_are_not():
    said = ["东风路与西岭路交叉口", "李家屯村十字路口", "A ST / B ST", "1500 1/2 K ST", "李家屯村东头", "镇政府"]
    assert writing.crossings(words(*said)).tolist() == [True, True, True, False, False, False]


SQUARES = [shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)]


@pytest.mark.parametrize("outlined", [True, False])
def test_a_point_in_another_village_than_the_one_named_is_told(outlined: bool):
    shapes = SQUARES if outlined else [square.centroid for square in SQUARES]
    villages = gpd.GeoDataFrame(
        {"village_id": ["A", "B"], "centre_x": [500.0, 1500.0], "centre_y": [500.0, 500.0]}, geometry=shapes, crs=4549
    )
    x = np.array([400.0, 1020.0, 1490.0, 1490.0, np.nan, 1490.0, 1490.0])
    named = words("A", "A", "A", "B", "A", "", "C")
    asked = np.ones(7, dtype=bool)
    found, border = elsewhere.in_other_village(x, np.full(7, 500.0), named, asked, villages)
    # By centres alone the second is not told: it is as far from either.
    assert found.tolist() == [False, outlined, True, False, False, False, False]
    assert border.tolist() == [False, outlined, False, False, False, False, False]
    assert not elsewhere.in_other_village(x, x, named, ~asked, villages)[0].any()


def test_a_village_listed_in_pieces_is_one_village(ws: Workspace, tmp_path: Path):
    shapes = [shapely.box(119.81, 36.61, 119.82, 36.62), shapely.box(119.84, 36.61, 119.85, 36.62),
              shapely.box(119.84, 36.63, 119.85, 36.64), shapely.box(119.86, 36.66, 119.92, 36.67)]  # fmt: skip
    names = ["张家庄村", "张家庄村", "李家屯村", "东河村"]
    gpd.GeoDataFrame({"村庄": names, "人口": [900, 900, 400, 300]}, geometry=shapes, crs=4326).to_file(
        tmp_path / "村界.geojson"
    )
    report = import_files(ws, [tmp_path / "村界.geojson"]).files[0]
    assert (report.rows_read, report.accepted) == (4, 4)
    assert report.problems == {"village_parts": 2, "village_beyond": 1}
    villages = ws.read("villages").set_index("name")
    assert villages["population"].to_dict() == {"张家庄村": 900, "李家屯村": 400, "东河村": 300}
    assert villages.geometry["张家庄村"].geom_type == "MultiPolygon"
    assert "village_namesake" not in report.problems


def test_a_village_that_no_list_holds_is_told(town: Workspace, tmp_path: Path):
    rows = [row(number, 所属村庄="张家庄村") for number in range(5)]
    rows += [row(10 + number, 所属村庄="小泊子村", 案发地址="") for number in range(3)]
    report, table = take(town, tmp_path, rows)
    assert report.problems["village_unlisted"] == 3
    assert report.examples["village_unlisted"] == (7, 8, 9)
    assert (table["village_id"].iloc[5:] == "李家屯村").all(), "by their points"


def test_an_address_in_which_no_village_is_recognised_is_told_where_no_point_helps(town: Workspace, tmp_path: Path):
    nowhere = {"案发地址": "外地某小区", "经度": "", "纬度": ""}
    rows = [
        row(0),
        row(1, 案发地址="外地某小区"),
        row(2, **nowhere),
        row(3, **nowhere | {"案发地址": "张家庄村李某家"}),
    ]
    report, table = take(town, tmp_path, rows)
    assert report.problems["address_unmatched"] == 1
    assert report.examples["address_unmatched"] == (4,)
    assert table["village_id"].tolist() == ["李家屯村", "李家屯村", "", "张家庄村"]


def test_a_default_point_outside_the_town_counts_for_the_villages_that_are_named(town: Workspace, tmp_path: Path):
    """The county's command centre, where nobody clicked a point; a row that names no village stays outside."""
    county, alone = {"经度": "120.500000", "纬度": "36.900000"}, {"经度": "120.6", "纬度": "36.9"}
    names = ("张家庄村", "李家屯村", "东河村", "西河村", "万家埠村")
    rows = [row(number, 案发地址=f"禾川镇{names[number % 5]}李某家", **county) for number in range(30)]
    rows += [row(30, 案发地址="外地某小区", **county), row(31, 案发地址="张家庄村", **alone)]
    report, table = take(town, tmp_path, [*rows, *(row(number) for number in range(40, 60))])
    assert (report.problems["default_point"], report.problems["outside"]) == (30, 2)
    assert "no_point" not in report.problems
    assert report.set_aside == 2
    there = table[table["precision"] == "default"]
    assert sorted(there["village_id"].unique()) == sorted(names)
    assert there.geometry.is_empty.all()


def test_zeros_are_told_as_such_and_the_other_pair_of_coordinates_is_taken(town: Workspace, tmp_path: Path):
    zero = {"经度": "0.000000", "纬度": "0"}
    rows = [row(number, 定位X坐标="0", 定位Y坐标="0") for number in range(5)]
    rows += [row(5, **zero, 定位X坐标="119.8311", 定位Y坐标="36.6131"), row(6, **zero, 定位X坐标="0", 定位Y坐标="0")]
    rows += [row(7, 经度="", 纬度="", 定位X坐标="", 定位Y坐标="")]
    report, table = take(town, tmp_path, rows)
    assert {name: report.examples[name] for name in ("no_point", "coordinates_zero", "coordinates_second")} == {
        "no_point": (8, 9), "coordinates_zero": (8,), "coordinates_second": (7,),
    }  # fmt: skip
    assert table.geometry.is_empty.tolist() == [False] * 6 + [True] * 2


def test_a_layer_with_points_at_the_origin_has_no_place_there(town: Workspace, tmp_path: Path):
    cells = [{name: row(number)[name] for name in ("报警时间", "警情类别", "警情类型")} for number in range(3)]
    points = [shapely.Point(119.83, 36.61), shapely.Point(0, 0), shapely.Point(119.831, 36.611)]
    gpd.GeoDataFrame(cells, geometry=points, crs=4326).to_file(tmp_path / "警情.geojson")
    report = import_files(town, [tmp_path / "警情.geojson"]).files[0]
    assert (report.accepted, report.examples["coordinates_zero"]) == (3, (2,))


def test_a_phone_located_just_beyond_the_border_counts_for_the_village_that_is_named(town: Workspace, tmp_path: Path):
    """Of the same call without a village, or of one located far away, nobody knows that it is ours."""
    west, far = {"经度": "119.7901", "纬度": "36.64"}, {"经度": "119.70", "纬度": "36.64"}
    by_phone = {"定位方式": "手机基站定位"}
    rows = [row(0, **west, **by_phone), row(1, **far, **by_phone), row(2, **west, 定位方式="人工标注")]
    rows += [row(3, **west | {"案发地址": "外地"}, **by_phone), row(4, **by_phone)]
    report, table = take(town, tmp_path, rows)
    assert report.problems["outside"] == 3
    assert report.examples["cell_point"] == (2, 6)
    assert table["precision"].astype(str).tolist() == ["village", "cell"]
    assert table.geometry.is_empty.tolist() == [True, False]


@pytest.mark.parametrize("total", ["合计", "合 计", "总计：", "小计"])
def test_a_total_below_the_table_is_no_incident_that_lacks_its_time(town: Workspace, tmp_path: Path, total: str):
    rows = [row(0), row(1), dict.fromkeys(row(0), "") | {"接警单编号": total, "案发地址": "2"}]
    report, _ = take(town, tmp_path, rows)
    assert report.examples == {"total_row": (4,)}
    assert report.set_aside == 1


def test_the_report_says_where_a_point_lies_elsewhere(ws: Workspace, tmp_path: Path):
    import_files(ws, [write_xlsx(tmp_path / "村庄.xlsx", ("村庄", village_lines()))])
    far = {"案发地址": "张家庄村", "经度": "119.8105", "纬度": "36.6105"}
    report, _ = take(ws, tmp_path, [row(0), row(1, 案发地址="张家庄村"), row(2, **far)])
    assert report.problems["village_elsewhere"] == 1
    assert report.examples["village_elsewhere"] == (3,)
