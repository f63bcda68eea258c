"""The workspace: what goes in comes out, GDAL can read it, and a kill leaves one whole version."""

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import tomllib
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from gis_data import audit, geopackage, table_rows, tables
from gis_data.errors import SchemaError, WorkspaceError
from gis_data.settings import CameraSettings, Settings, ZoneSettings
from gis_data.study import Study
from gis_data.workspace import Workspace, listed

CRS = "EPSG:4549"
ROOT = Path(__file__).resolve().parents[2]


def study(**changes) -> Study:
    return Study("禾川镇", shapely.box(480_000, 4_050_000, 495_000, 4_062_000), CRS, **changes)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "town", study())


def incidents(count: int) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(1)
    points = gpd.points_from_xy(rng.uniform(480_000, 495_000, count), rng.uniform(4_050_000, 4_062_000, count))
    frame = gpd.GeoDataFrame(
        {
            "incident_id": [f"i{number}" for number in range(count)],
            "reported_at": pd.date_range("2024-12-31 23:30:12.345", periods=count, freq="37min", tz="Asia/Shanghai"),
            "incident_class": "criminal",
            "type": "theft",
            "origin": "reported",
            "subtype": '盗窃\'；"x"',
            "caught_count": range(count),
        },
        geometry=points,
        crs=CRS,
    )
    frame.loc[1, "geometry"] = shapely.Point()
    frame.loc[0, "occurred_from"] = pd.Timestamp("2024-12-31 20:00", tz="Asia/Shanghai")
    return tables.INCIDENTS.conform(frame, crs=CRS)


@pytest.mark.parametrize("block", [geopackage.BLOCK_ROWS, 7])
def test_a_table_comes_back_as_it_went_in(ws: Workspace, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(geopackage, "BLOCK_ROWS", block)
    table = incidents(40)
    ws.write({"incidents": table})
    back = Workspace.open(ws.root).read("incidents")
    pd.testing.assert_frame_equal(pd.DataFrame(back), pd.DataFrame(table))
    assert back.crs == table.crs
    assert back.geometry.iloc[1].is_empty
    assert str(back["reported_at"].dt.tz) == "Asia/Shanghai"


def test_some_columns_are_those_of_the_table(ws: Workspace):
    only = ["caught_count", "reported_at"]
    assert len(ws.read("incidents", only=only)) == 0
    ws.write({"incidents": incidents(40)})
    found = ws.read("incidents", only=only)
    pd.testing.assert_frame_equal(found, pd.DataFrame(ws.read("incidents"))[only])


def test_flags_and_missing_numbers_survive(ws: Workspace):
    cameras = gpd.GeoDataFrame(
        {"camera_id": ["a", "b"], "azimuth_deg": [np.nan, 90.0]}, geometry=gpd.points_from_xy([1, 2], [3, 4]), crs=CRS
    )
    ground = {
        "road_id": [0, 1],
        "road_class": "village",
        "length_m": 1.0,
        "speed_kmh": 25.0,
        "from_node": 0,
        "to_node": 1,
    }
    line = shapely.LineString([(0, 0), (1, 1)])
    roads = gpd.GeoDataFrame({**ground, "lit": [True, False]}, geometry=[line, line], crs=CRS)
    ws.write({"cameras": cameras, "roads": roads})
    assert ws.read("roads")["lit"].tolist() == [True, False]
    assert ws.read("roads")["lit"].dtype == bool
    assert ws.read("cameras")["azimuth_deg"].isna().tolist() == [True, False]


@pytest.mark.parametrize("name", tables.TABLES)
def test_a_table_never_written_is_empty_and_conforms_before_and_after_writing(ws: Workspace, name: str):
    empty = ws.read(name)
    assert len(empty) == 0
    ws.write({name: empty})
    again = ws.read(name)
    pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(empty))


def test_gdal_reads_the_file_as_a_geopackage(ws: Workspace):
    """GDAL is the peer: it is what QGIS opens the file with."""
    table = incidents(40)
    ws.write({"incidents": table, "crews": tables.CREWS.empty()})
    layers = dict(pyogrio.list_layers(ws.root / "station.gpkg"))
    assert layers == {"boundary": "Unknown", "incidents": "Point", "crews": None}
    seen = pyogrio.read_dataframe(ws.root / "station.gpkg", layer="incidents")
    assert seen.crs == table.crs
    assert seen.geometry.iloc[1].is_empty
    assert shapely.equals_exact(seen.geometry.to_numpy(), table.geometry.to_numpy(), 0).all()
    pd.testing.assert_series_equal(
        seen["reported_at"].dt.tz_convert("Asia/Shanghai").dt.as_unit("us"), table["reported_at"], check_freq=False
    )
    assert seen["caught_count"].tolist() == table["caught_count"].tolist()
    boundary = pyogrio.read_dataframe(ws.root / "station.gpkg", layer="boundary")
    assert boundary.geometry.iloc[0].equals(study().boundary)


def test_what_qgis_has_edited_is_read(ws: Workspace):
    """QGIS (GDAL) writes an envelope before each geometry, which our own writer does not."""
    ws.write({"cells": _cells()})
    path = ws.root / "station.gpkg"
    edited = pyogrio.read_dataframe(path, layer="cells")
    edited["geometry"] = edited.geometry.translate(10, 0)
    pyogrio.write_dataframe(edited, path, layer="cells", GEOMETRY_NAME="geometry", SPATIAL_INDEX="YES")
    assert ws.read("cells").total_bounds.tolist() == [10, 0, 210, 100]
    ws.write({"cells": edited.assign(geometry=edited.geometry.translate(1000, 0))})
    window = pyogrio.read_dataframe(path, layer="cells", bbox=(1000, 0, 1300, 100))
    assert len(window) == 2  # the index that came with the edit is gone, too


def _cells() -> gpd.GeoDataFrame:
    boxes = [shapely.box(100 * i, 0, 100 * i + 100, 100) for i in range(2)]
    plain = {"cell_id": [0, 1], "row": 0, "col": [0, 1], "x": [50.0, 150.0], "y": 50.0, "area_m2": 1e4}
    return tables.CELLS.conform(gpd.GeoDataFrame(plain, geometry=boxes, crs=CRS), crs=CRS)


def test_rows_come_back_whole_and_in_order_across_blocks(ws: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(table_rows, "BLOCK_ROWS", 7)
    for count in (7, 40):
        ws.write({"incidents": incidents(count)})
        pd.testing.assert_frame_equal(ws.read("incidents"), incidents(count))


def test_blocks_that_cannot_be_joined_are_read_all_the_same(ws: Workspace, monkeypatch: pytest.MonkeyPatch):
    """GDAL is the peer: in every block of seven stands something that text joined by marks would lose."""
    monkeypatch.setattr(table_rows, "BLOCK_ROWS", 7)
    ws.write({"incidents": incidents(40)})
    path = ws.root / "station.gpkg"
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM incidents WHERE fid IN (2, 9, 10)")
        file.execute("UPDATE incidents SET fid = -5 WHERE fid = 1")
        file.execute("UPDATE incidents SET subtype = 'a' || char(31) || 'b' WHERE fid = 4")
        file.execute("UPDATE incidents SET geometry = NULL WHERE fid = 12")
    moved = pyogrio.read_dataframe(path, layer="incidents", fids=[20]).geometry.iloc[0]
    box = b"".join(np.float64(value).tobytes() for value in (moved.x, moved.x, moved.y, moved.y))
    with closing(sqlite3.connect(path)) as file, file:  # QGIS may write an envelope, and big-endian shapes
        (blob,) = file.execute("SELECT geometry FROM incidents WHERE fid = 20").fetchone()
        enveloped = blob[:3] + b"\x03" + blob[4:8] + box + blob[8:]
        file.execute("UPDATE incidents SET geometry = ? WHERE fid = 20", (enveloped,))
        backwards = shapely.to_wkb(moved, byte_order=0)
        file.execute("UPDATE incidents SET geometry = ? WHERE fid = 30", (blob[:8] + backwards,))
    found, peer = ws.read("incidents"), pyogrio.read_dataframe(path, layer="incidents", fid_as_index=True)
    assert peer.index.is_monotonic_increasing
    assert found["incident_id"].tolist() == peer["incident_id"].tolist()
    assert found["subtype"].tolist() == peer["subtype"].tolist()
    assert found["caught_count"].tolist() == peer["caught_count"].tolist()
    same = shapely.equals_exact(found.geometry.to_numpy(), peer.geometry.to_numpy(), 0)
    assert (same | peer.geometry.isna().to_numpy() & found.geometry.is_empty.to_numpy()).all()
    assert found.geometry.is_empty.sum() == 1


def test_what_another_program_wrote_its_own_way_is_read(ws: Workspace):
    """SQLite takes a number into a column of text, a moment without a zone, and a column that nobody asked for."""
    ws.write({"incidents": incidents(3)})
    with closing(sqlite3.connect(ws.root / "station.gpkg")) as file, file:
        file.execute("ALTER TABLE incidents ADD COLUMN remark TEXT DEFAULT 'x'")
        file.execute("UPDATE incidents SET channel = NULL WHERE fid = 1")
        file.execute("ALTER TABLE incidents RENAME COLUMN mo TO gone")
        file.execute("ALTER TABLE incidents ADD COLUMN mo")  # no type: it keeps a number as a number
        file.execute("UPDATE incidents SET mo = 7, reported_at = '2024-05-01T12:00:00' WHERE fid = 2")
    found = ws.read("incidents")
    assert found["mo"].tolist() == ["", "7", ""]
    assert found["reported_at"][1] == pd.Timestamp("2024-05-01T12:00", tz="UTC")
    assert found["channel"].tolist() == ["", "", ""]
    assert "remark" not in found


def test_a_hash_follows_the_content_and_nothing_else(ws: Workspace):
    table = incidents(10)
    nothing = ws.table_hash("incidents")
    ws.write({"incidents": table})
    first = ws.table_hash("incidents")
    ws.write({"crews": tables.CREWS.empty()})
    ws.write({"incidents": table})
    assert ws.table_hash("incidents") == first != nothing
    ws.write({"incidents": table.assign(caught_count=table["caught_count"].where(table.index != 9, 10))})
    assert ws.table_hash("incidents") != first


def test_a_table_outside_its_schema_changes_nothing(ws: Workspace):
    ws.write({"incidents": incidents(3)})
    with pytest.raises(SchemaError, match="caught_count"):
        ws.write({"crews": tables.CREWS.empty(), "incidents": incidents(3).assign(caught_count=-1)})
    assert len(ws.read("incidents")) == 3
    assert "crews" not in dict(pyogrio.list_layers(ws.root / "station.gpkg"))


def test_settings_study_and_reasons_stand_in_station_toml(tmp_path: Path):
    settings = Settings(zones=ZoneSettings(count=7), cameras=CameraSettings(lens_hfov_deg=(90.0,)))
    made = Workspace.create(tmp_path / "w", study(settings=settings, synthetic=True, credit='a "b" ©', timezone="UTC"))
    assert Workspace.open(made.root).study == made.study
    written = (made.root / "station.toml").read_text(encoding="utf-8")
    assert tomllib.loads(written)["settings"]["zones"]["count"] == 7
    assert "count = 7  # 默认 0" in written


def test_settings_edited_by_hand_are_used_and_a_wrong_one_is_named(ws: Workspace):
    path = ws.root / "station.toml"
    written = path.read_text(encoding="utf-8")
    path.write_text(written.replace("cell_size_m = 200.0", "cell_size_m = 150"), encoding="utf-8")
    assert Workspace.open(ws.root).study.settings.cell_size_m == 150.0
    path.write_text(written.replace("cell_size_m = 200.0", "cel_size_m = 150"), encoding="utf-8")
    with pytest.raises(SchemaError, match="cel_size_m"):
        Workspace.open(ws.root)


def test_a_folder_that_is_no_workspace_is_named(tmp_path: Path):
    with pytest.raises(WorkspaceError, match=r"nowhere.*不是工作区"):
        Workspace.open(tmp_path / "nowhere")


def test_another_version_is_named_with_both_numbers(ws: Workspace):
    path = ws.root / "station.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("version = 1", "version = 99"), encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"版本 99.*版本 1"):
        Workspace.open(ws.root)


def test_a_damaged_head_is_named(ws: Workspace):
    (ws.root / "station.toml").write_text("version = = 1", encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"station\.toml 已损坏"):
        Workspace.open(ws.root)


def test_a_folder_in_use_is_not_taken(ws: Workspace):
    with pytest.raises(WorkspaceError, match="不是空的"):
        Workspace.create(ws.root, study())


def test_salt_is_secret_in_a_real_study_and_constant_in_the_synthetic_one(tmp_path: Path):
    salts = {Workspace.create(tmp_path / f"w{i}", study(synthetic=i > 1)).salt for i in range(4)}
    assert len(salts) == 3


def test_actions_go_into_the_chain(ws: Workspace):
    ws.log("plan", parts=["zones"], seed=3, inputs={"incidents": "ab"})
    assert audit.verify(ws.root / "audit.jsonl") is None
    assert [entry["action"] for entry in audit.entries(ws.root / "audit.jsonl")] == ["create", "plan"]


def test_a_file_that_goes_away_while_its_folder_is_read_is_left_out(tmp_path: Path):
    (tmp_path / "b.csv").write_text("12")
    (tmp_path / "a.csv").symlink_to("gone")
    (tmp_path / "c.txt").touch()
    assert [(path.name, known.st_size) for path, known in listed(tmp_path, "*.csv")] == [("b.csv", 2)]
    assert list(listed(tmp_path / "nowhere")) == []


def test_readers_see_whole_versions_while_a_writer_writes(ws: Workspace):
    table = incidents(1500)
    ws.write({"incidents": table})
    stop, seen = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            seen.append(tuple(ws.read("incidents")["source_row"].unique()))

    reader = threading.Thread(target=look)
    reader.start()
    version = 0
    while version < 7 or (len(seen) < 4 and reader.is_alive()):  # a busy machine may let the reader wait
        version += 1
        ws.write({"incidents": table.assign(source_row=version)})
    stop.set()
    reader.join()
    assert all(len(versions) == 1 for versions in seen)
    assert len(seen) > 3


KILLER = """
    import json, os, random, signal, sys, time
    import pandas as pd
    from pathlib import Path
    from gis_data.workspace import Workspace

    def version(number):
        crews = pd.DataFrame({"crew_id": [f"c{i}" for i in range(3000)], "mode": "foot", "officers": number})
        return {"crews": crews, "patrol_hours": pd.DataFrame(
            {"month": "2024-01", "village_id": [f"v{i}" for i in range(3000)], "band": "00-06",
             "hours": float(number)})}

    root, chance, told = Path(sys.argv[1]), random.Random(7), []
    Workspace.open(root).write(version(0))
    for _ in range(12):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            ws = Workspace.open(root)
            number = int(ws.read("crews")["officers"].iloc[0])
            while True:
                number += 1
                ws.write(version(number))
                os.write(writing, f"{number}\\n".encode())
        os.close(writing)
        os.read(reading, 1)
        time.sleep(chance.uniform(0, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        rest = os.read(reading, 65536).decode().split()
        os.close(reading)
        ws = Workspace.open(root)
        crews, hours = ws.read("crews"), ws.read("patrol_hours")
        told.append({
            "crews": [len(crews), *sorted(set(crews["officers"].tolist()))],
            "hours": [len(hours), *sorted(set(hours["hours"].astype(int).tolist()))],
            "acknowledged": int(rest[-1]) if rest else 0,
        })
    print(json.dumps(told))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked writer; this system has no fork")
def test_a_kill_at_any_moment_leaves_one_complete_version_of_all_tables(ws: Workspace):
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLER), str(ws.root)],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=600,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    for state in json.loads(run.stdout):
        rows, *versions = state["crews"]
        assert rows == 3000
        assert len(versions) == 1
        assert state["hours"] == state["crews"]  # both tables are of the same transaction
        assert versions[0] >= state["acknowledged"]  # what was told as written is there
