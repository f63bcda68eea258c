"""The ground: an OpenStreetMap extract, or layers with OpenStreetMap tags, handed to ``gis_data.osm``.

In:     files of one import, and the ground files of earlier imports (kept in ``raw/``).
Out:    the tables roads, barriers, crossings, buildings, water, landuse, places, made anew from all of them, because a
        bridge is known only when road and river are seen together. A layer that comes again replaces the older one.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gis_data import osm
from gis_data.errors import WorkspaceError
from gis_data.study import Study
from gis_data.workspace import Workspace

TABLE = "ground"
Layers = dict[str, gpd.GeoDataFrame]


def read_file(path: Path, study: Study) -> Layers:
    """Return the layers of one ground file, cut to the study."""
    boundary = gpd.GeoSeries([study.boundary], crs=study.crs)
    return {
        name: layer for name, layer in osm.read_extract(path, boundary=boundary, crs=study.crs).items() if len(layer)
    }


def make_tables(ws: Workspace, imports: pd.DataFrame, new: Iterable[Layers]) -> Mapping[str, pd.DataFrame]:
    """Return the ground tables from all ground files, the newest import's layers before older ones."""
    layers: Layers = {}
    earlier = imports[imports["table"] == TABLE]
    for _, together in earlier.groupby("imported_at", sort=True):
        names = zip(together["import_id"], together["file"], strict=True)
        layers |= _join(read_file(_original(ws, import_id, file), ws.study) for import_id, file in names)
    layers |= _join(new)
    tables: Mapping[str, pd.DataFrame] = osm.ground_tables(layers, ws.study)
    return tables


def _join(several: Iterable[Layers]) -> Layers:
    """Put the layers of files that came together into one; a way that two files hold counts once."""
    joined: Layers = {}
    for layers in several:
        for name, layer in layers.items():
            both = pd.concat([joined[name], layer], ignore_index=True) if name in joined else layer
            joined[name] = both.drop_duplicates("osm_id") if name in joined and "osm_id" in both else both
    return joined


def _original(ws: Workspace, import_id: str, file: str) -> Path:
    path = ws.root / "raw" / f"{import_id}_{file}"
    if not path.is_file():
        raise WorkspaceError("workspace.ground_missing", file=path)
    return path
