"""Rounded coordinates: told as a property of the file, and no reason to see masts, defaults or centres in it."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.intake import import_files
from gis_data.sample_town import reference
from gis_data.study import Study
from gis_data.workspace import Workspace

CRS = reference.CRS
VILLAGES = reference.villages()
X, Y = reference.to_grid(np.zeros((1, 2)))[0]
GROUND = shapely.box(X - 9e3, Y - 8e3, X + 9e3, Y + 8e3)


@pytest.fixture
def ws(tmp_path):
    made = Workspace.create(tmp_path / "town", Study("禾川镇", GROUND, CRS))
    table = VILLAGES.assign(lon=VILLAGES["lon"].round(3), lat=VILLAGES["lat"].round(3))  # centres lie on the grid too
    table = table.rename(
        columns={"village_id": "村庄编号", "name": "村名", "population": "人口", "lon": "经度", "lat": "纬度"}
    )
    table[["村庄编号", "村名", "人口", "经度", "纬度"]].to_csv(tmp_path / "村庄.csv", index=False)
    import_files(made, [tmp_path / "村庄.csv"])
    return made


def calls(count: int, *, decimals: int, seed: int = 1, spread_m: float = 220.0) -> pd.DataFrame:
    """Calls about houses of all villages, each with a house number, evenly over five whole months."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, len(VILLAGES), count)
    xy = VILLAGES[["x_m", "y_m"]].to_numpy()[at] + rng.uniform(-spread_m, spread_m, (count, 2))
    lon, lat = np.round(reference.to_degrees(xy), decimals).T
    moment = pd.date_range("2022-01-01 08:13", "2022-05-31 20:17", periods=count)
    names = VILLAGES["name"].to_numpy()[at]
    return pd.DataFrame(
        {
            "接警编号": [f"379900{seed}{n:09d}1357" for n in range(count)],
            "报警时间": moment.strftime("%Y-%m-%d %H:%M"),
            "警情类别": "纠纷",
            "所属村庄": names,
            "案发地址": [f"{name}{n}号" for n, name in enumerate(names)],
            "经度": lon,
            "纬度": lat,
        }
    )


def take(ws, tmp_path, frame):
    path = tmp_path / "警情.csv"
    frame.to_csv(path, index=False)
    report = import_files(ws, [path]).files[0]
    return report, ws.read("incidents").sort_values("source_row", ignore_index=True)


def test_three_decimals_are_good_to_a_road_and_say_nothing_else(ws, tmp_path):
    report, rows = take(ws, tmp_path, calls(3000, decimals=3))
    assert report.problems == {"coordinates_rounded": 3000}
    assert report.remarks == (("intake.remark.coordinates_rounded", {"rows": 3000, "metres": 111}),)
    assert set(rows["precision"]) == {"road"}
    assert rows.geometry.x.nunique() < 1500, "many rows share a point, and it is no spike"


def test_four_decimals_and_a_handful_of_rows_are_left_alone(ws, tmp_path):
    report, rows = take(ws, tmp_path, calls(3000, decimals=4))
    assert report.problems == {}
    assert set(rows["precision"]) == {"exact"}
    report, _ = take(ws, tmp_path, calls(12, decimals=3, seed=2))
    assert "coordinates_rounded" not in report.problems


def test_two_decimals_tell_no_road_and_no_village(ws, tmp_path):
    frame = calls(600, decimals=2)
    frame.loc[:99, ["所属村庄", "案发地址"]] = ""
    report, rows = take(ws, tmp_path, frame)
    assert report.problems["coordinates_coarse"] == 600
    assert set(rows["precision"]) == {"cell"}
    assert (rows["village_id"] == "").tolist() == [True] * 100 + [False] * 500


def test_few_rounded_rows_in_a_finer_file_are_masts_as_before(ws, tmp_path):
    report, rows = take(ws, tmp_path, pd.concat([calls(500, decimals=6), calls(40, decimals=3, seed=2)]))
    assert report.problems["cell_point"] == 40
    assert set(rows["precision"][500:]) <= {"cell", "village"}, "some stand at a centre"
    assert (rows["precision"][:500] == "exact").all()


def test_a_default_of_the_whole_town_is_still_told_in_a_rounded_file(ws, tmp_path):
    frame = calls(1000, decimals=3)
    frame.loc[::10, ["经度", "纬度"]] = (119.881, 36.611)
    report, rows = take(ws, tmp_path, frame)
    assert report.problems["default_point"] >= 100
    assert (rows["precision"][::10] == "default").all()
    assert report.problems["default_point"] <= 105, "who really lives in that cell is lost with it"


def test_centres_are_told_where_a_program_writes_them(ws, tmp_path):
    frame = calls(3000, decimals=3)
    centre = VILLAGES.set_index("name").loc[frame["所属村庄"], ["lon", "lat"]].round(3).to_numpy()
    written = np.arange(3000) % 4 == 0
    frame.loc[written, ["经度", "纬度"]] = centre[written]
    report, rows = take(ws, tmp_path, frame)
    told = (rows["precision"] == "village").to_numpy()
    assert told[written].all()
    assert told[~written].mean() < 0.1
    assert report.problems["village_centre"] == told.sum()


def test_metres_cut_to_hundreds_are_a_grid_too(ws, tmp_path):
    frame = calls(800, decimals=6)
    there = gpd.GeoSeries(gpd.points_from_xy(frame["经度"], frame["纬度"]), crs=4326).to_crs(CRS)
    frame["经度"], frame["纬度"] = there.x.round(-2).astype(int), there.y.round(-2).astype(int)
    report, rows = take(ws, tmp_path, frame)
    assert report.problems["coordinates_rounded"] == (rows["precision"] == "road").sum() == 800
    assert report.remarks == (("intake.remark.coordinates_rounded", {"rows": 800, "metres": 100}),)
    frame["经度"], frame["纬度"] = there.x.round(0).astype(int), there.y.round(0).astype(int)
    report, rows = take(ws, tmp_path, frame.assign(接警编号=frame["接警编号"].str[::-1]))
    assert "coordinates_rounded" not in report.problems
