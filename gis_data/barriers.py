"""Barriers: rivers, railways and expressways that a patrol crosses only where a road does.

In:     tagged lines and the ROADS table.
Out:    the tables BARRIERS and CROSSINGS.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.streets import DRIVEN
from gis_data.tables import BARRIERS, CROSSINGS

Shapes = NDArray[np.object_]

LOOK_M = 2.0  # how far along a road and a barrier one looks to see which bank a road comes from


def find_barriers(lines: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, *, crs: str) -> gpd.GeoDataFrame:
    """Return the lines nobody crosses off a road: rivers and canals, railways in use, expressways.

    Streams and ditches are no barrier; a river in a culvert or a railway in a tunnel is none either. Of expressways
    only the main carriageways count: a ramp always lies beside one.
    """
    open_air = lines["tunnel"].isin({"", "no"})
    kinds = (
        ("river", lines[lines["waterway"].isin({"river", "canal"}) & open_air]),
        ("railway", lines[lines["railway"].isin({"rail", "light_rail", "narrow_gauge"}) & open_air]),
        ("expressway", roads[(roads["highway"] == "motorway") & ~roads["tunnel"]]),
    )
    parts = [frame[["name", "geometry"]].assign(kind=kind) for kind, frame in kinds]
    table = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=crs)
    return BARRIERS.conform(table.assign(barrier_id=range(len(table))), crs=crs)


def find_crossings(barriers: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, *, crs: str) -> gpd.GeoDataFrame:
    """Return the points where a road that can be driven crosses a barrier: bridge, ford, underpass, level crossing.

    A road may be cut exactly on the barrier (a level crossing is a shared vertex): segments that end on it count when
    they leave to both sides.
    """
    driven = roads[roads["road_class"].isin(DRIVEN)]
    lines, walls = driven.geometry.to_numpy(), barriers.geometry.to_numpy()
    barrier, road = shapely.STRtree(lines).query(walls, predicate="intersects")
    points, pair = shapely.get_parts(shapely.intersection(lines[road], walls[barrier]), return_index=True)
    points, barrier, road = shapely.point_on_surface(points), barrier[pair], road[pair]
    frame = gpd.GeoDataFrame(
        {
            "barrier_id": barriers["barrier_id"].to_numpy()[barrier],
            "road_id": driven["road_id"].to_numpy()[road],
            "spot": shapely.to_wkb(shapely.set_precision(points, 0.01)),
            "across": shapely.crosses(lines[road], walls[barrier]),
            "bank": _bank(lines[road], walls[barrier], points),
        },
        geometry=points,
        crs=crs,
    )
    banks = frame[~frame["across"]].groupby("spot")["bank"].agg(["min", "max"])
    joined = banks.index[(banks["min"] < 0) & (banks["max"] > 0)]
    frame = frame[frame["across"] | frame["spot"].isin(joined)].drop_duplicates(["barrier_id", "spot"])
    return CROSSINGS.conform(frame.assign(crossing_id=np.arange(len(frame))), crs=crs)


def _bank(roads: Shapes, walls: Shapes, points: Shapes) -> NDArray[np.float64]:
    """Return on which bank (-1 or 1) each road lies that ends on a barrier; 0 where it cannot be told."""
    there = shapely.line_locate_point(walls, points)
    from_x, from_y = _xy(walls, np.maximum(there - LOOK_M, 0))
    to_x, to_y = _xy(walls, np.minimum(there + LOOK_M, shapely.length(walls)))
    here, length = shapely.line_locate_point(roads, points), shapely.length(roads)
    x, y = _xy(roads, np.where(here < length / 2, np.minimum(here + LOOK_M, length), np.maximum(here - LOOK_M, 0)))
    side = (to_x - from_x) * (y - from_y) - (to_y - from_y) * (x - from_x)
    return np.sign(np.where(np.abs(side) < 1e-6, 0.0, side))


def _xy(lines: Shapes, at_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = shapely.line_interpolate_point(lines, at_m)
    return shapely.get_x(points), shapely.get_y(points)
