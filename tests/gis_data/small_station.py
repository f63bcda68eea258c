"""A station of three villages, and what a test of several imports asks of it."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from gis_data.intake import ImportReport, import_files, new_workspace
from gis_data.workspace import Workspace
from tests.gis_data import made_rows

VILLAGES = {"张家庄村": (119.81, 36.61), "李家屯村": (119.83, 36.61), "东河村": (119.87, 36.67)}


def row(number: int, **changes: object) -> dict[str, object]:
    """Return one good incident; each on its own day, so that no two are taken for one event."""
    day = {"报警时间": f"{pd.Timestamp('2024-03-01 10:11:17') + pd.Timedelta(days=number)}"}
    return made_rows.row(number, **(day | changes))


def csv_of(path: Path, rows: list[dict[str, object]]) -> Path:
    pd.DataFrame(rows).to_csv(path, index=False, encoding="utf-8-sig")
    return path


def village_rows() -> list[dict[str, object]]:
    return [{"村庄": name, "人口": 900, "经度": lon, "纬度": lat} for name, (lon, lat) in VILLAGES.items()]


def station(folder: Path, **options) -> Workspace:
    """Return a workspace without villages."""
    folder.mkdir(exist_ok=True)
    boundary = folder / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(119.80, 36.60, 119.88, 36.68)], crs=4326).to_file(boundary)
    return new_workspace(folder / "town", name="禾川镇", boundary=boundary, **options)


def take(ws: Workspace, name: str, rows: list[dict[str, object]], **options) -> ImportReport:
    return import_files(ws, [csv_of(ws.root.parent / name, rows)], **options)


TABLES = ("incidents", "villages", "crews", "cameras", "patrol_hours", "quality", "completeness", "imports", "aside")


def state(ws: Workspace) -> dict[str, object]:
    """Return everything that an undo must bring back, as it is read by others."""
    hashes: dict[str, object] = {name: ws.table_hash(name) for name in TABLES}
    files = {path.relative_to(ws.root).as_posix(): path.read_bytes() for path in ws.root.glob("*/*") if path.is_file()}
    return hashes | files


def waiting(ws: Workspace) -> pd.DataFrame:
    """Return the rows of all files in set_aside/, as a spreadsheet shows them."""
    files = sorted((ws.root / "set_aside").glob("*.csv"))
    found = [pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False) for path in files]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def adds_up(ws: Workspace) -> bool:
    imports = ws.read("imports")
    return bool((imports["rows_read"] == imports["accepted"] + imports["set_aside"] + imports["refused"]).all())


def with_villages(folder: Path) -> Workspace:
    """Return a workspace with its three villages."""
    made = station(folder)
    take(made, "村庄.csv", village_rows())
    return made
