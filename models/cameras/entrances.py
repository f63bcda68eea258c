"""How few places cut a village off: the smallest cut of the road network between the village and the world outside.

In:     built-up areas and roads with their nodes.
Out:    the least number of roads to watch so that no vehicle comes or goes unseen.
Method: Menger's theorem; maximum flow with one unit per road from all nodes more than a kilometre off to all nodes
        inside the built-up area. A village that hangs on one bridge has 1, whatever lanes lead into it: there the
        bridge can be watched in place of every lane. The plan reports it beside the count of entrances.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csgraph, csr_array

from models.cameras.demand import VEHICLE_CLASSES

OUTSIDE_M = 1000.0
MARGIN_M = 300.0


def fewest_cuts(areas: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> pd.Series:
    """Return the smallest cut per ``village_id``; 0 where no vehicle road connects the village to the outside."""
    driven = roads[roads["road_class"].isin(VEHICLE_CLASSES)].reset_index(drop=True)
    tree = shapely.STRtree(driven.geometry.to_numpy())
    cuts = {}
    for village_id, area in zip(areas["village_id"], areas.geometry, strict=True):
        near = np.sort(tree.query(area, "dwithin", OUTSIDE_M + MARGIN_M))
        cuts[village_id] = _fewest_cut(area, driven.iloc[near]) if len(near) else 0
    return pd.Series(cuts, dtype="int64")


def _fewest_cut(area: shapely.Geometry, roads: gpd.GeoDataFrame) -> int:
    lines = roads.geometry.to_numpy()
    ends = np.concatenate([roads["from_node"].to_numpy(), roads["to_node"].to_numpy()])
    nodes, number = np.unique(ends, return_inverse=True)
    at = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    place = np.empty(len(nodes), dtype=object)
    place[number] = at
    distance = shapely.distance(place, area)
    source, sink = len(nodes), len(nodes) + 1
    role = np.where(distance <= 0, sink, np.where(distance > OUTSIDE_M, source, np.arange(len(nodes))))
    if not (role == sink).any() or not (role == source).any():
        return 0
    a, b = role[number[: len(roads)]], role[number[len(roads) :]]
    joins = a != b
    a, b = np.concatenate([a[joins], b[joins]]), np.concatenate([b[joins], a[joins]])
    units = csr_array((np.ones(len(a), dtype=np.int32), (a, b)), shape=(len(nodes) + 2,) * 2)
    units.sum_duplicates()
    return int(csgraph.maximum_flow(units.tocsr(), source, sink).flow_value)
