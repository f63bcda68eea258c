"""The boundary (辖区边界): a file of polygons becomes one polygon with a known CRS.

In:     GeoJSON, GeoPackage, shapefile, KML or GeoParquet; optionally which part of it (``district=010,011``).
Out:    one (Multi)Polygon in WGS-84 degrees or the file's own CRS, as a GeoSeries of one.
"""

import re
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from gis_data.errors import CrsError, InputError
from gis_data.intake import sheets, values
from gis_data.study import WGS84, is_metric, require_polygon

_CONDITION = re.compile(r"^\s*(?P<column>[^=\s]+)\s*(?:=|\s+in\s+)\s*\(?(?P<values>[^()]*)\)?\s*$", re.IGNORECASE)


def read_boundary(path: Path, *, where: str = "") -> gpd.GeoSeries:
    """Return the united polygons of a file.

    Parameters
    ----------
    where
        Which rows: ``column=value,value``; all if empty.

    Raises
    ------
    InputError
        If the file is missing, damaged or empty, or holds something else than polygons; or the condition fits no row.
    CrsError
        If the file does not say in which CRS it is, or its coordinates cannot be in that CRS.
    """
    layer = _layer(path)
    assert layer.shapes is not None
    shapes = layer.shapes[_chosen(layer.frame, where, path).to_numpy()] if where else layer.shapes
    shapes = sheets.shapes_in(
        path, shapes, WGS84 if shapes.crs is not None and shapes.crs.is_geographic else _crs(shapes)
    )
    for shape in shapes:
        require_polygon(shape if shape is not None else shapely.Point(), file=path.name)
    mended = shapely.make_valid(shapely.force_2d(shapes.to_numpy()), method="structure", keep_collapsed=False)
    united = shapely.union_all(mended)
    return gpd.GeoSeries([require_polygon(united, file=path.name)], crs=shapes.crs)


def read_areas(path: Path, *, column: str) -> gpd.GeoDataFrame:
    """Return the polygons of a file with their ``name``, as areas to compare with.

    Raises
    ------
    InputError
        If the file is missing, damaged or has no such column or no polygons.
    """
    layer = _layer(path)
    shapes, frame = layer.shapes, layer.frame
    assert shapes is not None
    if column not in frame.columns:
        known = list(frame.columns)
        raise InputError("boundary.no_column", file=path.name, column=column, columns=known)
    for shape in shapes:
        require_polygon(shape if shape is not None else shapely.Point(), file=path.name)
    names = values.as_text(frame[column]).to_numpy()
    return gpd.GeoDataFrame({"name": names}, geometry=shapely.make_valid(shapes.to_numpy()), crs=shapes.crs)


def check_metre_crs(crs: str) -> str:
    """Return a CRS a person asked for, if it is projected in metres.

    Raises
    ------
    CrsError
        If it is unknown, or not in metres.
    """
    try:
        metric = is_metric(crs)
    except Exception as problem:  # pyproj raises several kinds
        raise CrsError("crs.not_metric", crs=crs) from problem
    if not metric:
        raise CrsError("crs.not_metric", crs=crs)
    return crs


def _layer(path: Path) -> sheets.Sheet:
    """Return the first layer of a file; an extract of OSM, which the import reads, is none here."""
    try:
        layers = [sheet for sheet in sheets.open_sheets(path) if sheet.shapes is not None]
    except InputError as problem:
        if problem.key != "intake.unknown_kind":
            raise
        layers = []
    if not layers:
        raise InputError("boundary.not_polygon", file=path.name, found=path.suffix)
    return layers[0]


def _crs(shapes: gpd.GeoSeries) -> str:
    return "" if shapes.crs is None else shapes.crs.to_wkt()


def _chosen(frame: pd.DataFrame, where: str, path: Path) -> pd.Series:
    found = _CONDITION.match(where)
    if found is None or found["column"] not in frame.columns:
        raise InputError("boundary.where", file=path.name, where=where, columns=list(frame.columns))
    wanted = [value.strip().strip("'\"") for value in found["values"].split(",")]
    cells = values.as_text(frame[found["column"]])
    absent = sorted(set(wanted) - set(cells))
    if absent:
        raise InputError("boundary.where_empty", file=path.name, column=found["column"], values=absent)
    return cells.isin(wanted)
