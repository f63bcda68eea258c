"""The ground: OpenStreetMap extracts and layers with OpenStreetMap tags, handed to ``gis_data.osm``.

In:     files of one import, and the ground files of earlier imports (kept in ``raw/``).
Out:    the tables roads, barriers, crossings, buildings, water, landuse, places, made anew from all of them, because a
        bridge is known only when road and river are seen together. A layer file of the same name replaces the older
        one; a whole extract replaces everything before it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from gis_data import osm
from gis_data.errors import InputError, WorkspaceError
from gis_data.intake.sheets import OSM_EXTRACT
from gis_data.study import Study
from gis_data.tables import TABLES
from gis_data.workspace import Workspace

TABLE = "ground"
MADE = ("roads", "barriers", "crossings", "buildings", "water", "landuse", "places")
Layers = dict[str, gpd.GeoDataFrame]
Source = tuple[str, Layers | Path]  # a file's name, and what it holds or where it lies


def read_file(path: Path, study: Study) -> tuple[Layers, int]:
    """Return the features of one file that lie in or near the study, and how many it holds.

    Raises
    ------
    InputError
        If it cannot be read, or none of its features is near.
    """
    layers = osm.read_extract(path, boundary=None, crs=study.crs)
    near = study.boundary.buffer(osm.MARGIN_M)
    shapely.prepare(near)
    kept = {name: layer[shapely.intersects(near, layer.geometry.to_numpy())] for name, layer in layers.items()}
    if not any(map(len, kept.values())):
        raise InputError("intake.ground_empty", file=path.name)
    return kept, sum(map(len, layers.values()))


def make_tables(ws: Workspace, imports: pd.DataFrame, new: Sequence[Source]) -> Mapping[str, pd.DataFrame]:
    """Return the ground tables from all ground files, those of earlier imports and the new ones."""
    earlier = imports[imports["table"] == TABLE]
    sources: list[Source] = []
    for _, together in earlier.groupby("imported_at", sort=True):
        pairs = zip(together["import_id"], together["file"], strict=True)
        sources = _after(sources, [(file, _original(ws, import_id, file)) for import_id, file in pairs])
    parts = [_layers(content, ws.study) for _, content in _after(sources, new)]
    if not parts:
        return {name: TABLES[name].empty(crs=ws.study.crs, timezone=ws.study.timezone) for name in MADE}
    joined = {name: gpd.GeoDataFrame(pd.concat([part[name] for part in parts], ignore_index=True)) for name in parts[0]}
    tables: Mapping[str, pd.DataFrame] = osm.ground_tables(joined, ws.study)
    return tables


def _original(ws: Workspace, import_id: str, file: str) -> Path:
    """Return where a file of an earlier import is kept; one out of a zip has its own name there, not the zip's."""
    kept = sorted((ws.root / "raw").glob(f"{import_id}_*"), key=lambda path: path.suffix.lower() != ".shp")
    return kept[0] if kept else ws.root / "raw" / f"{import_id}_{file}"


def _after(older: Sequence[Source], newer: Sequence[Source]) -> list[Source]:
    """Return what counts after one more import: files that came together never replace each other."""
    names = {name for name, _ in newer}
    if any(Path(name).suffix.lower() in OSM_EXTRACT for name in names):
        return list(newer)
    return [source for source in older if source[0] not in names] + list(newer)


def _layers(content: Layers | Path, study: Study) -> Layers:
    if not isinstance(content, Path):
        return content
    if not content.is_file():
        raise WorkspaceError("workspace.ground_missing", file=content)
    return read_file(content, study)[0]
