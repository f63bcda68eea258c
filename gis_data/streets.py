"""Streets: OSM ways become road segments between junctions, and segments become travel minutes.

In:     ways with OSM tags as lines in the study's CRS; later the ROADS table.
Out:    the ROADS table; a ``RoadNetwork`` that gives minutes by road between any points.
Method: ways are split where they share a vertex with another way, never where they merely cross: a bridge and the
        road beneath it do not meet. Shortest paths by Dijkstra (scipy.sparse.csgraph).
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely import STRtree

from gis_data.tables import ROADS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# highway tag -> road class, default speed in km/h (DOMAIN 5.2)
CLASS_OF_HIGHWAY: dict[str, tuple[str, float]] = {
    "motorway": ("expressway", 100.0),
    "motorway_link": ("expressway", 60.0),
    "trunk": ("provincial", 60.0),
    "trunk_link": ("provincial", 40.0),
    "primary": ("provincial", 60.0),
    "primary_link": ("provincial", 40.0),
    "secondary": ("county", 50.0),
    "secondary_link": ("county", 40.0),
    "tertiary": ("township", 40.0),
    "tertiary_link": ("township", 30.0),
    "unclassified": ("village", 30.0),
    "residential": ("village", 25.0),
    "living_street": ("village", 15.0),
    "road": ("village", 25.0),
    "service": ("village", 15.0),
    "track": ("track", 15.0),
    "path": ("path", 5.0),
    "footway": ("path", 5.0),
    "pedestrian": ("path", 5.0),
    "cycleway": ("path", 10.0),
    "bridleway": ("path", 5.0),
}
UNPAVED = frozenset(
    {"unpaved", "dirt", "earth", "ground", "grass", "mud", "sand", "compacted", "gravel", "fine_gravel"}
)
DRIVEN = ("provincial", "county", "township", "village", "track")
ACCESS_MIN_PER_KM = 12.0  # from a point to the nearest road on foot, 5 km/h


def road_table(ways: gpd.GeoDataFrame, *, crs: str) -> gpd.GeoDataFrame:
    """Split ways at shared vertices and return the ROADS table.

    Parameters
    ----------
    ways
        Lines in the study's CRS with the columns osm_id, highway, name, oneway, bridge, tunnel, maxspeed, surface, lit
        (missing tags as empty text). Ways whose highway tag is no road (steps, platform, proposed) are left out.
    """
    known = ways[ways["highway"].isin(CLASS_OF_HIGHWAY)].explode(index_parts=False, ignore_index=True)
    known = known[known.geometry.geom_type == "LineString"].reset_index(drop=True)
    if known.empty:
        return ROADS.empty(crs=crs)
    xy, way = shapely.get_coordinates(known.geometry.to_numpy(), return_index=True)
    xy, way = _without_repeats(xy, way)
    vertex = _vertex_ids(xy)
    start = np.flatnonzero(np.r_[True, way[1:] != way[:-1]])
    last = np.r_[start[1:], len(way)] - 1
    junction = np.bincount(vertex)[vertex] > 1
    junction[start] = junction[last] = True
    breaks = np.flatnonzero(junction)
    inside = way[breaks[:-1]] == way[breaks[1:]]
    first, end = breaks[:-1][inside], breaks[1:][inside]
    lines, owner = _pieces(xy, first, end), way[first]
    table = gpd.GeoDataFrame(_attributes(known, owner), geometry=lines, crs=crs)
    flip = known["oneway"].isin(["-1", "reverse"]).to_numpy()[owner]
    table.loc[flip, "geometry"] = shapely.reverse(table.geometry.to_numpy()[flip])
    table["from_node"] = np.where(flip, vertex[end], vertex[first])
    table["to_node"] = np.where(flip, vertex[first], vertex[end])
    table["length_m"] = table.geometry.length
    table["road_id"] = np.arange(len(table))
    return ROADS.conform(table, crs=crs)


def _without_repeats(xy: Floats, way: Ints) -> tuple[Floats, Ints]:
    repeat = np.r_[False, (way[1:] == way[:-1]) & (np.abs(np.diff(xy, axis=0)).max(axis=1) < 1e-3)]
    return xy[~repeat], way[~repeat]


def _vertex_ids(xy: Floats) -> Ints:
    # OSM stores 1e-7 degrees (about a centimetre); equal nodes are equal to the millimetre after projection.
    _, ids = np.unique(np.round(xy, 3), axis=0, return_inverse=True)
    return np.asarray(ids).reshape(-1)


def _pieces(xy: Floats, first: Ints, end: Ints) -> NDArray[np.object_]:
    sizes = end - first + 1
    owner = np.repeat(np.arange(len(sizes)), sizes)
    offset = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.asarray(shapely.linestrings(xy[np.repeat(first, sizes) + offset], indices=owner))


def _attributes(known: gpd.GeoDataFrame, owner: Ints) -> pd.DataFrame:
    tags = known.drop(columns="geometry").iloc[owner].reset_index(drop=True)
    classes = tags["highway"].map(lambda tag: CLASS_OF_HIGHWAY[tag][0])
    usual = tags["highway"].map(lambda tag: CLASS_OF_HIGHWAY[tag][1])
    posted = pd.to_numeric(tags["maxspeed"].str.extract(r"^(\d+)")[0], errors="coerce")
    yes = {"yes", "true", "1", "-1", "reverse"}
    return pd.DataFrame(
        {
            "osm_id": tags["osm_id"],
            "name": tags["name"],
            "highway": tags["highway"],
            "road_class": classes,
            "speed_kmh": posted.where(posted.between(5, 130)).fillna(usual),
            "oneway": tags["oneway"].isin(yes) | (classes == "expressway") & (tags["oneway"] != "no"),
            "lit": tags["lit"].isin({"yes", "24/7", "automatic"}),
            "closed_in_rain": (classes == "track") & (tags["surface"].isin(UNPAVED) | (tags["surface"] == "")),
            "bridge": ~tags["bridge"].isin({"", "no"}),
            "tunnel": ~tags["tunnel"].isin({"", "no"}),
        }
    )


@dataclass(frozen=True)
class RoadNetwork:
    """The roads a patrol can drive, as a graph of minutes.

    Attributes
    ----------
    node_xy
        Coordinates of the junctions, metres, shape (n, 2).
    minutes
        Sparse matrix of shape (n, n): minutes along each segment, one-way respected.
    roads
        The segments behind it.
    start, end
        Node index of each segment's first and last point.
    """

    node_xy: Floats
    minutes: csr_array
    roads: gpd.GeoDataFrame
    start: Ints
    end: Ints

    @classmethod
    def from_roads(cls, roads: gpd.GeoDataFrame) -> "RoadNetwork":
        """Build the network; footpaths and expressways without ramps are not driven by a local patrol."""
        driven = roads[roads["road_class"].isin(DRIVEN)].reset_index(drop=True)
        ends = np.concatenate([driven["from_node"].to_numpy(), driven["to_node"].to_numpy()])
        names, index = np.unique(ends, return_inverse=True)
        start, end = index[: len(driven)], index[len(driven) :]
        lines = driven.geometry.to_numpy()
        node_xy = np.zeros((len(names), 2))
        node_xy[start] = shapely.get_coordinates(shapely.get_point(lines, 0))
        node_xy[end] = shapely.get_coordinates(shapely.get_point(lines, -1))
        cost = (driven["length_m"] / driven["speed_kmh"] * 0.06).to_numpy()
        both = ~driven["oneway"].to_numpy()
        rows, cols = np.r_[start, end[both]], np.r_[end, start[both]]
        return cls(node_xy, _cheapest(rows, cols, np.r_[cost, cost[both]], len(names)), driven, start, end)

    @property
    def components(self) -> Ints:
        """Number of the connected piece that each node belongs to."""
        return np.asarray(connected_components(self.minutes, directed=False)[1])

    def snap(self, points: gpd.GeoSeries) -> tuple[Ints, Floats]:
        """Return for each point its nearest segment and the distance to it in metres."""
        shapes = points.to_numpy()
        tree = STRtree(self.roads.geometry.to_numpy())
        (_, segment), distance = tree.query_nearest(shapes, return_distance=True, all_matches=False)
        return segment, distance

    def travel_min(self, from_points: gpd.GeoSeries, to_points: gpd.GeoSeries) -> Floats:
        """Return minutes by road from each point to each other point, shape (n, m); infinite where no road leads.

        A point off the road walks to the nearest segment at 5 km/h, then drives to either end of it.
        """
        starts, start_min = self._entries(from_points)
        stops, stop_min = self._entries(to_points)
        nodes, index = np.unique(starts, return_inverse=True)
        between = dijkstra(self.minutes, directed=True, indices=nodes)[index.reshape(starts.shape)]
        ways = [
            start_min[:, i, None] + between[:, i][:, stops[:, j]] + stop_min[None, :, j] for i in (0, 1) for j in (0, 1)
        ]
        return np.minimum(np.min(ways, axis=0), self._along_one_segment(from_points, to_points))

    def _entries(self, points: gpd.GeoSeries) -> tuple[Ints, Floats]:
        segment, distance = self.snap(points)
        road = self.roads.iloc[segment]
        along = shapely.line_locate_point(road.geometry.to_numpy(), points.to_numpy())
        per_m = 0.06 / road["speed_kmh"].to_numpy()
        walk = distance / 1000 * ACCESS_MIN_PER_KM
        minutes = np.column_stack([walk + along * per_m, walk + (road["length_m"].to_numpy() - along) * per_m])
        return np.column_stack([self.start[segment], self.end[segment]]), minutes

    def _along_one_segment(self, from_points: gpd.GeoSeries, to_points: gpd.GeoSeries) -> Floats:
        found = []
        for points in (from_points, to_points):
            segment, distance = self.snap(points)
            along = shapely.line_locate_point(self.roads.geometry.to_numpy()[segment], points.to_numpy())
            found.append((segment, along, distance / 1000 * ACCESS_MIN_PER_KM))
        (one, here, walk), (other, there, walk_on) = found
        per_m = 0.06 / self.roads["speed_kmh"].to_numpy()[one]
        direct = walk[:, None] + np.abs(here[:, None] - there) * per_m[:, None] + walk_on
        return np.where(one[:, None] == other, direct, np.inf)


def _cheapest(rows: Ints, cols: Ints, cost: Floats, size: int) -> csr_array:
    # Two roads between the same junctions: the sparse matrix would add them, the quicker one is meant.
    order = np.lexsort((cost, cols, rows))
    rows, cols, cost = rows[order], cols[order], np.maximum(cost[order], 1e-9)
    first = np.r_[True, (np.diff(rows) != 0) | (np.diff(cols) != 0)]
    return csr_array((cost[first], (rows[first], cols[first])), shape=(size, size))
