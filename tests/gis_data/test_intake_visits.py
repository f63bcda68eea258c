"""Check-ins: honest ones are left alone, those written afterwards are told."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from gis_data.coordinates import wgs84_to_gcj02
from gis_data.intake import import_files, undo_import
from gis_data.study import Study
from gis_data.tables import ROADS
from gis_data.workspace import Workspace

CRS = "EPSG:4549"
X, Y = 490_000.0, 4_054_000.0


@pytest.fixture
def ws(tmp_path):
    return Workspace.create(tmp_path / "town", Study("镇", shapely.box(X - 7e3, Y - 6e3, X + 7e3, Y + 6e3), CRS))


def honest(crew: str, *, days: int = 20, seed: int = 1) -> pd.DataFrame:
    """Six check-ins a day, half an hour or more apart, a kilometre from one to the next, at any minute."""
    rng = np.random.default_rng(seed)
    rows = []
    for day in pd.date_range("2023-12-01", periods=days):
        at = day + pd.Timedelta(hours=18)
        for stop in range(6):
            at += pd.Timedelta(minutes=int(rng.integers(30, 55)))
            rows.append((crew, f"必到点{stop}", f"{at:%Y-%m-%d %H:%M}", X + 1000 * stop, Y))
    return pd.DataFrame(rows, columns=["巡组编号", "必到点", "打卡时间", "X坐标", "Y坐标"])


def take(ws, tmp_path, frame):
    path = tmp_path / "巡逻签到.csv"
    frame.to_csv(path, index=False, encoding="utf-8-sig")
    (report,) = import_files(ws, [path]).files
    return report, ws.read("visits")


def test_honest_check_ins_come_in_without_a_note(ws, tmp_path):
    report, visits = take(ws, tmp_path, pd.concat([honest("车巡1组"), honest("车巡2组", seed=2)]))
    assert (report.table, report.rows_read, report.accepted) == ("visits", 240, 240)
    assert report.problems == {}
    assert visits["crew_id"].value_counts().to_dict() == {"车巡1组": 120, "车巡2组": 120}
    assert str(visits["visited_at"].dt.tz) == "Asia/Shanghai"


def test_a_log_filled_in_afterwards_is_told_by_its_round_minutes(ws, tmp_path):
    made_up = honest("车巡3组", seed=3)
    made_up["打卡时间"] = pd.to_datetime(made_up["打卡时间"]).dt.round("30min").dt.strftime("%Y-%m-%d %H:%M")
    report, _ = take(ws, tmp_path, pd.concat([honest("车巡1组"), made_up.drop_duplicates(["必到点", "打卡时间"])]))
    assert report.problems["visits_round"] == len(made_up.drop_duplicates(["必到点", "打卡时间"]))


def test_a_few_round_minutes_say_nothing(ws, tmp_path):
    few = honest("车巡1组", days=3)
    few["打卡时间"] = pd.to_datetime(few["打卡时间"]).dt.round("30min").dt.strftime("%Y-%m-%d %H:%M")
    report, _ = take(ws, tmp_path, few.drop_duplicates(["必到点", "打卡时间"]))
    assert "visits_round" not in report.problems


def test_a_crew_cannot_be_everywhere_at_once(ws, tmp_path):
    frame = honest("车巡1组", days=2)
    rows = [["车巡1组", "远处", "2023-12-01 18:00", X + 6000, Y], ["车巡1组", "近处", "2023-12-01 18:01", X, Y]]
    leap = pd.DataFrame(rows, columns=frame.columns)
    report, _ = take(ws, tmp_path, pd.concat([frame, leap]))
    assert report.problems == {"visits_too_fast": 1}
    assert report.examples["visits_too_fast"] == (len(frame) + 3,)


def test_other_crews_do_not_make_a_crew_fast_and_a_second_crew_may_be_there_at_the_same_minute(ws, tmp_path):
    rows = [["车巡1组", "甲", "2023-12-01 18:00", X, Y], ["车巡2组", "乙", "2023-12-01 18:00", X + 6000, Y]]
    report, _ = take(ws, tmp_path, pd.DataFrame(rows, columns=["巡组编号", "必到点", "打卡时间", "X坐标", "Y坐标"]))
    assert report.problems == {}


def test_rows_without_crew_or_time_or_twice_are_set_aside_and_the_import_can_be_undone(ws, tmp_path):
    frame = honest("车巡1组", days=1).astype(object)
    frame.loc[0, "巡组编号"] = ""
    frame.loc[1, "打卡时间"] = "昨晚"
    frame = pd.concat([frame, frame.iloc[[5]]])
    report, visits = take(ws, tmp_path, frame)
    assert report.problems == {"no_name": 1, "no_visit_time": 1, "duplicate": 1}
    assert (report.accepted, report.set_aside, len(visits)) == (4, 3, 4)
    undo_import(ws)
    assert ws.read("visits").empty


def test_points_are_not_needed(ws, tmp_path):
    report, visits = take(ws, tmp_path, honest("车巡1组", days=2).drop(columns=["X坐标", "Y坐标"]))
    assert report.accepted == 12
    assert visits.geometry.is_empty.all()


def test_a_crew_whose_device_shifts_points_is_moved_back_by_the_ground_and_by_the_other_crews(ws, tmp_path):
    """Where no ground is known nothing is moved; with roads there, one crew's points in GCJ-02 are."""
    frame = pd.concat([honest("车巡1组"), honest("车巡2组", seed=2)], ignore_index=True)
    to_degrees = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(frame["X坐标"].to_numpy(), frame["Y坐标"].to_numpy())
    shifted = frame["巡组编号"].eq("车巡2组").to_numpy()
    lon[shifted], lat[shifted] = wgs84_to_gcj02(lon[shifted], lat[shifted])
    frame = frame.drop(columns=["X坐标", "Y坐标"]).assign(经度=lon.round(6), 纬度=lat.round(6))
    report, visits = take(ws, tmp_path, frame)
    assert "gcj02" not in report.problems
    undo_import(ws)
    line = shapely.LineString([(X - 6e3, Y), (X + 6e3, Y)])
    road = gpd.GeoDataFrame(
        {"road_id": [1], "road_class": ["township"], "length_m": [12e3], "speed_kmh": [40.0], "from_node": [0],
         "to_node": [1]}, geometry=[line], crs=CRS,
    )  # fmt: skip
    ws.write({"roads": ROADS.conform(road, crs=CRS)})
    report, visits = take(ws, tmp_path, frame)
    assert report.problems == {"gcj02": 120}
    assert visits.geometry.y.sub(Y).abs().max() < 0.2
