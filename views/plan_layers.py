"""Plans as map layers: zones, villages, beats and checkpoints in one GeoPackage that QGIS opens.

In:     the plans of a run, with the borders that are drawn.
Out:    one file in the study's CRS, a layer a table; reasons as sentences instead of catalogue keys.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import geopandas as gpd

from models.beats.types import spoken
from models.plan import Plan


def write_plan_layers(plans: Mapping[str, Plan], path: Path) -> Path:
    """Write the layers "zones", "units" and, where beats are planned, "beats" and "checkpoints".

    The file is new or replaced as a whole. It is never ``station.gpkg``, whose one library is Python's sqlite3.
    """
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    for name, table in _layers(plans):
        table.to_file(draft, layer=name, driver="GPKG", index=False)
    draft.replace(path)
    return path


def _layers(plans: Mapping[str, Plan]) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    zones = plans["zones"]
    yield "zones", zones.to_frame()
    yield "units", zones.tables["units"]
    if "beats" not in plans:
        return
    for name in ("beats", "checkpoints"):
        table = plans["beats"].tables[name]
        if len(table):
            yield name, table.assign(reason=[" ".join(spoken(reason)) for reason in table["reason"]])
