"""How the base map looks: calm paper, colours, road classes, and the measures all of its parts share."""

import math
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Shapes = NDArray[Any]
Block = tuple[int, int, int, int]  # tile columns and rows: west, north, east, south (east and south not included)

TILE_PX = 256
EARTH_M = 2 * math.pi * 6_378_137
MARGIN = 0.06  # ground shown beyond the boundary, as a share of the town's width

PAPER = "#f5f3ee"
WATER, WATER_EDGE, WATER_TEXT = "#c3dae6", "#aecbdb", "#5b87a0"
BUILDING, BUILDING_EDGE = "#e0dad0", "#cfc7ba"
RAILWAY, INK, NAME, HALO = "#a9a6a0", "#4c4a46", "#6a665e", "#fbfaf7"
LAND = {
    "residential": "#ece7de", "village": "#ece7de", "industrial": "#e8e5ea", "commercial": "#efe6e2",
    "retail": "#efe6e2", "farmland": "#f0f0e2", "farmyard": "#ebe7d8", "orchard": "#e5ecd6", "vineyard": "#e5ecd6",
    "forest": "#dbe6d0", "wood": "#dbe6d0", "meadow": "#e8eed9", "grass": "#e8eed9", "grassland": "#e8eed9",
    "scrub": "#e3ead6", "park": "#dbe8d0", "cemetery": "#dfe6d8",
    "greenhouse_horticulture": "#eaf0e4", "recreation_ground": "#dbe8d0",
}  # fmt: skip


@dataclass(frozen=True)
class RoadLook:
    """How a road class looks: colours, width in screen pixels at zooms 12 to 16, and the zoom where it appears."""

    core: str
    casing: str
    width_px: tuple[float, ...]
    first_zoom: int
    dash: bool = False


ROADS: dict[str, RoadLook] = {  # drawn in this order: the greater road lies on top
    "path": RoadLook("#d3ccc0", "", (0, 0, 0, 0.8, 1.0), 15, dash=True),
    "track": RoadLook("#dad3c7", "", (0, 0, 0.6, 0.9, 1.4), 14, dash=True),
    "village": RoadLook("#ffffff", "#d9d3c8", (0, 0.7, 1.2, 2.2, 4.2), 13),
    "township": RoadLook("#ffffff", "#cfc8bb", (0.9, 1.5, 2.4, 3.8, 6.2), 12),
    "county": RoadLook("#fff6df", "#cbbf9f", (1.4, 2.2, 3.2, 4.8, 7.6), 12),
    "provincial": RoadLook("#fbe6bd", "#c9ae74", (1.9, 2.8, 4.0, 5.8, 9.0), 12),
    "expressway": RoadLook("#f2cfa6", "#c79a66", (2.2, 3.2, 4.6, 6.6, 10.0), 12),
}


def density(zoom: int) -> int:
    """Return pixels per screen pixel: the overview zooms are seen between whole zooms and must stay sharp."""
    return 2 if zoom <= 14 else 1


def mercator(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a table in Web Mercator metres."""
    return table.to_crs("EPSG:3857") if len(table) else table
