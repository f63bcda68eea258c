"""Phone masts: known by what all imports together say of a point, told, and taken back with the import."""

import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.intake import import_files, undo_import
from gis_data.sample_town import reference
from gis_data.study import Study
from gis_data.workspace import Workspace

VILLAGES = reference.villages()
X, Y = reference.to_grid(np.zeros((1, 2)))[0]
MAST = (119.871234, 36.618765)
VILLAGE_COLUMNS = {
    "village_id": "村庄编号", "name": "村名", "population": "人口", "lon": "经度", "lat": "纬度",
}  # fmt: skip


@pytest.fixture
def ws(tmp_path):
    ground = shapely.box(X - 9e3, Y - 8e3, X + 9e3, Y + 8e3)
    made = Workspace.create(tmp_path / "town", Study("禾川镇", ground, reference.CRS))
    VILLAGES.rename(columns=VILLAGE_COLUMNS)[list(VILLAGE_COLUMNS.values())].to_csv(tmp_path / "村庄.csv", index=False)
    import_files(made, [tmp_path / "村庄.csv"])
    return made


def month(tmp_path, number: int, there: list[int], *, point=MAST, others: int = 20):
    """Write a month of calls: some at one point, naming villages by their place in the list; others somewhere."""
    rng = np.random.default_rng(number)
    at = [*there, *rng.integers(0, len(VILLAGES), others)]
    xy = VILLAGES[["x_m", "y_m"]].to_numpy()[at] + rng.uniform(-200, 200, (len(at), 2))
    lonlat = np.round(reference.to_degrees(xy), 6)
    lonlat[: len(there)] = point
    moment = pd.Timestamp(f"2022-{number:02d}-01 08:13") + pd.to_timedelta(np.arange(len(at)) * 197, unit="min")
    frame = pd.DataFrame(
        {
            "接警编号": [f"379900{number:02d}{n:09d}357" for n in range(len(at))],
            "报警时间": moment.strftime("%Y-%m-%d %H:%M"),
            "警情类别": "纠纷",
            "所属村庄": VILLAGES["name"].to_numpy()[at],
            "经度": lonlat[:, 0],
            "纬度": lonlat[:, 1],
        }
    )
    frame.to_csv(tmp_path / f"{number}月.csv", index=False)
    return tmp_path / f"{number}月.csv"


def coarse(ws):
    """Return how many rows of each file are good to a mast only."""
    rows = ws.read("incidents")
    return rows[rows["precision"] == "cell"].groupby("source_file").size().to_dict()


def test_a_mast_that_no_file_shows_alone_is_known_by_two_and_undone_with_the_second(ws, tmp_path):
    first = import_files(ws, [month(tmp_path, 1, [3, 8])]).files[0]
    assert "cell_point" not in first.problems
    before = ws.read("incidents")
    second = import_files(ws, [month(tmp_path, 2, [15, 8])]).files[0]
    assert second.problems["cell_point"] == 2
    assert second.examples["cell_point"] == (2, 3)
    assert ("intake.remark.masts_before", {"rows": 2}) in second.remarks
    assert coarse(ws) == {"1月.csv": 2, "2月.csv": 2}
    third = import_files(ws, [month(tmp_path, 3, [40])]).files[0]
    assert third.problems["cell_point"] == 1, "a mast known is known at once"
    assert not any(key == "intake.remark.masts_before" for key, _ in third.remarks)
    undo_import(ws)
    undo_import(ws)
    after = ws.read("incidents")
    assert after["precision"].tolist() == before["precision"].tolist()
    assert coarse(ws) == {}


def test_files_of_one_command_are_looked_at_together_and_each_tells_its_own_rows(ws, tmp_path):
    reports = import_files(ws, [month(tmp_path, 1, [3, 8]), month(tmp_path, 2, [15, 8])]).files
    assert [one.problems.get("cell_point") for one in reports] == [2, 2]
    assert coarse(ws) == {"1月.csv": 2, "2月.csv": 2}
    quality = ws.read("quality").query("problem == 'cell_point'")
    assert quality.set_index("file")["rows"].to_dict() == {"1月.csv": 2, "2月.csv": 2}


def test_a_place_where_things_happen_again_and_again_is_no_mast(ws, tmp_path):
    """One village's shop, or a crossing that two villages claim, however often it comes."""
    for number, there in ((1, [3] * 5), (2, [3, 8] * 4), (3, [3] * 6)):
        report = import_files(ws, [month(tmp_path, number, there)]).files[0]
        assert "cell_point" not in report.problems
    assert coarse(ws) == {}


def test_a_row_that_says_it_came_over_a_mast_shows_the_mast(ws, tmp_path):
    path = month(tmp_path, 1, [3])
    frame = pd.read_csv(path, dtype=str).assign(定位方式=lambda table: ["基站定位"] + ["人工标注"] * (len(table) - 1))
    frame.to_csv(path, index=False)
    assert import_files(ws, [path]).files[0].problems["cell_point"] == 1
    later = import_files(ws, [month(tmp_path, 2, [8])]).files[0]
    assert later.problems["cell_point"] == 1
