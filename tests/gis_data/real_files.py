"""Real files with known traps, for tests that hold what intake reports of them against a plain query of the raw file.

The data (``../shared/data``, see its README) are open police records of three American cities and the names and
outlines of Pingdu. None of it is used to set anything: only how many rows have each defect is compared.
"""

import gzip
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis_data.intake.door import import_files, new_workspace
from gis_data.taxonomy import has_a_place
from gis_data.workspace import Workspace

FIRST_ROW = 2  # of a csv, as a spreadsheet numbers it


def real(folder: Path, *names: str) -> list[Path]:
    """Return files of a set of real data, or skip naming what is missing."""
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        pytest.skip(f"real data missing in {folder.name}: {', '.join(missing)}")
    return [folder / name for name in names]


def unzipped(path: Path, folder: Path) -> Path:
    """Write the csv inside a csv.gz, unchanged."""
    csv = folder / path.name.removesuffix(".gz")
    csv.write_bytes(gzip.decompress(path.read_bytes()))
    return csv


def workspace(folder: Path, box: tuple[float, ...], timezone: str, *, own: str = "") -> Workspace:
    """Make a workspace of a box of degrees; ``own`` is what the station adds to station.toml."""
    boundary = folder / "boundary.geojson"
    # A long edge in degrees bends in metres: with many corners the box is the same in both.
    outline = shapely.segmentize(shapely.box(*box), 0.005)
    gpd.GeoDataFrame(geometry=[outline], crs=4326).to_file(boundary)
    ws = new_workspace(folder / "ws", name="city", boundary=boundary, timezone=timezone)
    toml = ws.root / "station.toml"
    toml.write_text(f"{toml.read_text(encoding='utf-8')}\n{own}\n", encoding="utf-8")
    return Workspace.open(ws.root)


def taken(ws, file):
    """Import one file; return its report, and its rows in the table by row of the file from 0."""
    report = import_files(ws, [file]).files[0]
    rows = ws.read("incidents")
    first = 0 if file.suffix == ".parquet" else FIRST_ROW
    start = rows["source_row"].min() if first == 0 else first
    rows = rows.set_index(pd.Index(rows["source_row"] - start, name="row"))
    assert report.rows_read == report.accepted + report.set_aside + report.refused
    stored = ws.read("quality").query("import_id == @report.import_id").set_index("problem")["rows"].to_dict()
    assert stored == report.problems, "the table holds what the report says"
    return report, rows


def within(lon, lat, box):
    west, south, east, north = box
    return lon.between(west, east) & lat.between(south, north)


def set_aside(ws, reason):
    """Return the rows of the file (from 0) that wait in set_aside/ for one reason."""
    aside = ws.read("aside")
    return set(aside["row"][aside["reason"] == reason] - FIRST_ROW)


def filled(ws):
    """Return how many rows have each field filled."""
    return ws.read("completeness").groupby("field")["filled"].sum().to_dict()


def tellings(rows, raw_rows):
    """Return how many of some rows of the file may have a place (the report tells of them), and how many may not."""
    known = has_a_place(rows).reindex(raw_rows)
    return int((known == True).sum()), int((known == False).sum())  # noqa: E712 - a row set aside is neither


def told_without_coordinates(report, rows, without):
    """Return how many rows of the file lack coordinates; each is told where it may have a place, none has a point."""
    placed, placeless = tellings(rows, without)
    assert report.problems["no_point"] == placed
    assert len(without) == placed + placeless
    assert rows.loc[without].geometry.is_empty.all()
    return len(without)
