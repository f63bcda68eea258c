"""What all modes of the editing map share: the first view, the tiles below, and shapes as GeoJSON in degrees."""

import json
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gis_data.catalogue import text
from gis_data.study import WGS84, Study
from views.basemap.tiles import TileSet
from views.maps.frame import FINEST_ZOOM
from views.maps.layers import DEGREE_DIGITS
from views.summary import credit

LINE_DIGITS = 5


def geojson(shapes: Any, crs: Any) -> list[Any]:  # noqa: ANN401 - an array of shapes; any CRS
    """Return shapes as GeoJSON geometries in degrees, rounded to about a decimetre."""
    moved = gpd.GeoSeries(shapes, crs=crs).to_crs(WGS84).to_numpy()
    rounded = shapely.transform(moved, lambda xy: np.round(xy, DEGREE_DIGITS))
    return [json.loads(shape) for shape in shapely.to_geojson(rounded)]


def lines(shapes: Any, crs: Any) -> list[Any]:  # noqa: ANN401 - an array of line strings; any CRS
    """Return lines as lists of ``[latitude, longitude]``, rounded to about a metre: half as long as GeoJSON."""
    moved = gpd.GeoSeries(shapes, crs=crs).to_crs(WGS84).to_numpy()
    xy, row = shapely.get_coordinates(moved, return_index=True)
    ends = np.flatnonzero(np.diff(row)) + 1
    return [part.tolist() for part in np.split(np.round(xy[:, ::-1], LINE_DIGITS), ends)]


def spot(at: Sequence[Any], study: Study) -> shapely.Point:
    """Return the point in the study's metres that an event names as ``[latitude, longitude]``."""
    lat, lon = (float(value) for value in at)
    return gpd.GeoSeries([shapely.Point(lon, lat)], crs=WGS84).to_crs(study.crs).iloc[0]


def base(study: Study, tiles: TileSet | None, *, focus: Sequence[float] | None = None) -> dict[str, Any]:
    """Return the first view and the tiles; ``focus`` (west, south, east, north, degrees) is a closer view."""
    whole = study.boundary_frame().to_crs(WGS84).total_bounds
    west, south, east, north = (float(value) for value in (whole if focus is None else focus))
    drawn = None
    if tiles is not None:
        drawn = {
            "url": tiles.url, "minZoom": tiles.min_zoom - 1, "minNativeZoom": tiles.min_zoom, "maxZoom": FINEST_ZOOM,
            "maxNativeZoom": tiles.max_zoom, "bounds": [[tiles.south, tiles.west], [tiles.north, tiles.east]],
        }  # fmt: skip
    return {"view": [[south, west], [north, east]], "tiles": drawn, "max_zoom": FINEST_ZOOM}


def base_words(study: Study) -> dict[str, str]:
    """Return the words that every mode shows."""
    return {
        "undo": text("edit_map.undo"), "redo": text("edit_map.redo"), "about": text("edit_map.about"),
        "zoom_in": text("map.tool.zoom_in"), "zoom_out": text("map.tool.zoom_out"),
        "list_mark": text("list.mark"), "credit": credit(study),
        "mark": text("map.synthetic") if study.synthetic else "",
    }  # fmt: skip
