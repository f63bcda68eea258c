"""Barriers: rivers, railways and expressways that a patrol crosses only where a road does.

In:     tagged lines and the ROADS table.
Out:    the tables BARRIERS and CROSSINGS.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.streets import DRIVEN
from gis_data.tables import BARRIERS, CROSSINGS


def find_barriers(lines: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, *, crs: str) -> gpd.GeoDataFrame:
    """Return the lines nobody crosses off a road: rivers and canals, railways in use, expressways.

    Streams and ditches are no barrier; a river in a culvert (tunnel) is none either.
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
    """Return the points where a road that can be driven crosses a barrier.

    A road may be cut exactly on the barrier (a level crossing is a shared vertex): segments that end on it count when
    they leave to both sides.
    """
    driven = roads[roads["road_class"].isin(DRIVEN)].reset_index(drop=True)
    lines = driven.geometry.to_numpy()
    tree = shapely.STRtree(lines)
    barrier, road = tree.query(barriers.geometry.to_numpy(), predicate="intersects")
    walls = barriers.geometry.to_numpy()[barrier]
    meeting = shapely.intersection(lines[road], walls)
    frame = gpd.GeoDataFrame(
        {"barrier_id": barriers["barrier_id"].to_numpy()[barrier], "road_id": driven["road_id"].to_numpy()[road]},
        geometry=shapely.point_on_surface(meeting),
        crs=crs,
    )
    frame = frame[_goes_across(lines[road], walls, frame)].reset_index(drop=True)
    frame = frame.assign(crossing_id=np.arange(len(frame)), name="")
    return CROSSINGS.conform(frame, crs=crs)


def _goes_across(roads: np.ndarray, walls: np.ndarray, frame: gpd.GeoDataFrame) -> np.ndarray:
    across = shapely.crosses(roads, walls)
    # A segment that only ends on the barrier crosses it together with another one that ends at the same point.
    ends = pd.Series(shapely.to_wkb(shapely.set_precision(frame.geometry.to_numpy(), 0.01)), index=frame.index)
    met = ends.map(ends[~across].value_counts()).fillna(0).to_numpy()
    return across | (met >= 2)
