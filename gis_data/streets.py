"""Streets: OSM ways become road segments between junctions, and segments become travel minutes.

In:     ways with OSM tags as lines in the study's CRS; later the ROADS table.
Out:    the ROADS table; a ``RoadNetwork`` that gives minutes by road between any points.
Method: ways are split where they share a vertex with another way, never where they merely cross: a bridge and the
        road beneath it do not meet. Shortest paths by Dijkstra (scipy.sparse.csgraph).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely import STRtree

from gis_data.tables import ROADS

if TYPE_CHECKING:
    import networkx as nx

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

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
ONE_WAY, AGAINST, NO = frozenset({"yes", "true", "1", "-1", "reverse"}), ("-1", "reverse"), ("no", "false", "0")
UNPAVED = frozenset(
    {"unpaved", "dirt", "earth", "ground", "grass", "mud", "sand", "compacted", "gravel", "fine_gravel"}
)
YARDS = frozenset({"driveway", "parking_aisle", "drive-through", "emergency_access"})  # service roads nobody patrols
DRIVEN = ("provincial", "county", "township", "village", "track")
ACCESS_MIN_PER_KM = 12.0  # from a point to the nearest road on foot, 5 km/h
MPH_KM_PER_H = 1.609344
FRAGMENT_M = 1000.0  # a loose piece of network shorter than this is a gap in the map, not a place to start from
AT_JUNCTION_M = 1.0  # this close to its end, a point on a one-way segment stands on the junction
ROWS_AT_ONCE = 256  # starts in one run of Dijkstra: keeps a city's matrix of all nodes out of memory


def road_table(ways: gpd.GeoDataFrame, *, crs: str) -> gpd.GeoDataFrame:
    """Split ways at shared vertices and return the ROADS table.

    Parameters
    ----------
    ways
        Lines in the study's CRS with the columns osm_id, highway, name, oneway, junction, bridge, tunnel, maxspeed,
        surface, tracktype, service, lit (missing tags as empty text). Ways whose highway tag is no road (steps,
        platform, proposed) are left out.
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
    flip = known["oneway"].isin(AGAINST).to_numpy()[owner]
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
    classes = classes.mask(tags["highway"].eq("service") & tags["service"].isin(YARDS), "path")
    usual = tags["highway"].map(lambda tag: CLASS_OF_HIGHWAY[tag][1])
    paved = ~tags["surface"].isin(UNPAVED) & (tags["surface"].ne("") | tags["tracktype"].eq("grade1"))
    oneway = tags["oneway"].str.lower()
    round_about = tags["junction"].isin({"roundabout", "circular"})
    return pd.DataFrame(
        {
            "osm_id": tags["osm_id"],
            "name": tags["name"],
            "highway": tags["highway"],
            "road_class": classes,
            "speed_kmh": _posted_kmh(tags["maxspeed"]).fillna(usual),
            "oneway": oneway.isin(ONE_WAY) | ((classes == "expressway") | round_about) & ~oneway.isin(NO),
            "lit": tags["lit"].isin({"yes", "24/7", "automatic", "sunset-sunrise", "True"}),
            "closed_in_rain": (classes == "track") & ~paved,
            "bridge": ~tags["bridge"].str.lower().isin({"", *NO}),
            "tunnel": ~tags["tunnel"].str.lower().isin({"", *NO}),
        }
    )


def _posted_kmh(maxspeed: pd.Series) -> pd.Series:
    """Return the posted limit ("50", "30 mph", "50;30") in km/h; NaN where none can be read."""
    found = maxspeed.str.extract(r"^\s*(\d+\.?\d*)\s*(mph)?")
    limit = pd.to_numeric(found[0], errors="coerce") * np.where(found[1].notna(), MPH_KM_PER_H, 1.0)
    return limit.where(limit.between(5, 130))


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
    usable
        Which segments a place may be reached from (``snap``).
    closed
        Which segments are not driven for now (``without``).
    """

    node_xy: Floats
    minutes: csr_array
    roads: gpd.GeoDataFrame
    start: Ints
    end: Ints
    usable: Flags
    closed: Flags

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
        none = np.zeros(len(driven), dtype=bool)
        minutes = _minutes(driven, start, end, len(names))
        return cls(node_xy, minutes, driven, start, end, _usable(driven, minutes, start, end), none)

    def without(self, road_ids: Collection[int]) -> "RoadNetwork":
        """Return the network with some segments closed to driving; places stay where they are on it.

        From a place on a closed segment one walks along it to either end. So no way gets shorter, however many
        segments are closed and in whatever order.
        """
        closed = self.closed | self.roads["road_id"].isin(list(road_ids)).to_numpy()
        left = ~closed
        minutes = _minutes(self.roads[left], self.start[left], self.end[left], len(self.node_xy))
        return replace(self, minutes=minutes, closed=closed)

    @property
    def components(self) -> Ints:
        """Number of the connected piece that each node belongs to."""
        return np.asarray(connected_components(self.minutes, directed=False)[1])

    def snap(self, points: gpd.GeoSeries) -> tuple[Ints, Floats]:
        """Return for each point the nearest segment (its row in ``roads``) and the distance to it in metres.

        Segments that cannot be left and reached again, and loose pieces under a kilometre, are passed over: they come
        from gaps in the map, and a village must not be cut off because a stray track lies nearest.
        """
        usable = np.flatnonzero(self.usable)
        tree = STRtree(self.roads.geometry.to_numpy()[usable])
        (_, segment), distance = tree.query_nearest(points.to_numpy(), return_distance=True, all_matches=False)
        return usable[segment], distance

    def travel_min(self, from_points: gpd.GeoSeries, to_points: gpd.GeoSeries) -> Floats:
        """Return minutes by road from each point to each other point, shape (n, m); infinite where no road leads.

        A point off the road walks to the nearest segment at 5 km/h, then drives along it to either end (one-way
        segments only forwards).
        """
        if self.roads.empty:
            return np.full((len(from_points), len(to_points)), np.inf)
        starts, stops = self._place(from_points), self._place(to_points)
        found = self._along_one_segment(starts, stops)
        for first in range(0, len(from_points), ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            self._improve(found[rows], starts.rows(rows), stops)
        return found

    def as_graph(self) -> "nx.MultiDiGraph":
        """Return the network as osmnx has it, for its statistics, plots and routes."""
        import osmnx  # half a second to import, and no part of the main job

        nodes = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*self.node_xy.T), crs=self.roads.crs)
        nodes = nodes.assign(x=self.node_xy[:, 0], y=self.node_xy[:, 1])
        edges = self.roads.assign(
            u=self.start, v=self.end, length=self.roads["length_m"], travel_time=self._segment_min() * 60
        )[~self.closed]
        back = edges[~edges["oneway"]].assign(u=lambda t: t["v"], v=edges["u"], geometry=lambda t: t.reverse())
        both = pd.concat([edges, back], ignore_index=True)
        both["key"] = both.groupby(["u", "v"]).cumcount()
        return osmnx.convert.graph_from_gdfs(nodes, both.set_index(["u", "v", "key"]))

    def _segment_min(self) -> Floats:
        driven_min = _driven_min(self.roads)
        walked_min = self.roads["length_m"].to_numpy() / 1000 * ACCESS_MIN_PER_KM
        return np.where(self.closed, np.maximum(walked_min, driven_min), driven_min)

    def _place(self, points: gpd.GeoSeries) -> "_OnRoad":
        segment, distance_m = self.snap(points)
        along_m = shapely.line_locate_point(self.roads.geometry.to_numpy()[segment], points.to_numpy())
        share = along_m / np.maximum(self.roads["length_m"].to_numpy()[segment], 1e-9)
        return _OnRoad(segment, np.clip(share, 0, 1), distance_m / 1000 * ACCESS_MIN_PER_KM)

    def _improve(self, found: Floats, starts: "_OnRoad", stops: "_OnRoad") -> None:
        """Lower ``found`` where the way over the ends of the segments is quicker."""
        cost = self._segment_min()
        a, b = starts.segment, stops.segment
        back, past = self._closed_min(a, starts.share), self._closed_min(b, 1 - stops.share)
        leave = ((self.end[a], (1 - starts.share) * cost[a]), (self.start[a], starts.share * cost[a] + back))
        enter = ((self.start[b], stops.share * cost[b]), (self.end[b], (1 - stops.share) * cost[b] + past))
        for node, first_min in leave:
            from_nodes, row = np.unique(node, return_inverse=True)
            between = dijkstra(self.minutes, directed=True, indices=from_nodes)
            for other, last_min in enter:
                ends_min = (starts.walk_min + first_min)[:, None] + (stops.walk_min + last_min)
                np.minimum(found, between[:, other][row] + ends_min, out=found)

    def _closed_min(self, segment: Ints, share: Floats) -> Floats:
        """Return what it costs to go this share of a segment backwards: nothing more, or infinity if one-way."""
        road = self.roads.iloc[segment]
        against = self._one_way[segment] & (share * road["length_m"].to_numpy() > AT_JUNCTION_M)
        return np.where(against, np.inf, 0.0)

    @property
    def _one_way(self) -> Flags:
        """Which segments are driven in one direction only; on foot there is none such."""
        return self.roads["oneway"].to_numpy(dtype=bool) & ~self.closed

    def _along_one_segment(self, starts: "_OnRoad", stops: "_OnRoad") -> Floats:
        found = np.full((len(starts.segment), len(stops.segment)), np.inf)
        ahead = stops.share - starts.share[:, None]
        road, cost = self.roads.iloc[starts.segment], self._segment_min()[starts.segment]
        forwards = ahead * road["length_m"].to_numpy()[:, None] >= -AT_JUNCTION_M
        meets = (starts.segment[:, None] == stops.segment) & (forwards | ~self._one_way[starts.segment][:, None])
        minutes = starts.walk_min[:, None] + np.abs(ahead) * cost[:, None] + stops.walk_min
        found[meets] = minutes[meets]
        return found


@dataclass(frozen=True)
class _OnRoad:
    """Where points stand on the network: segment, share of its length, and minutes to walk there."""

    segment: Ints
    share: Floats
    walk_min: Floats

    def rows(self, rows: slice) -> "_OnRoad":
        return _OnRoad(self.segment[rows], self.share[rows], self.walk_min[rows])


def _driven_min(roads: pd.DataFrame) -> Floats:
    return (roads["length_m"] / roads["speed_kmh"] * 0.06).to_numpy()


def _minutes(roads: pd.DataFrame, start: Ints, end: Ints, nodes: int) -> csr_array:
    cost, both = _driven_min(roads), ~roads["oneway"].to_numpy(dtype=bool)
    return _cheapest(np.r_[start, end[both]], np.r_[end, start[both]], np.r_[cost, cost[both]], nodes)


def _usable(roads: pd.DataFrame, minutes: csr_array, start: Ints, end: Ints) -> Flags:
    """Tell which segments can be left and reached again and are part of no loose fragment."""
    if roads.empty:
        return np.zeros(0, dtype=bool)
    piece = connected_components(minutes, directed=True, connection="strong")[1]
    here = piece[start]
    whole = here == piece[end]
    length_m = np.bincount(here[whole], weights=roads["length_m"].to_numpy()[whole], minlength=piece.max() + 1)
    usable = whole & (length_m[here] >= min(FRAGMENT_M, length_m.max()))
    return usable if usable.any() else np.ones(len(here), dtype=bool)


def _cheapest(rows: Ints, cols: Ints, cost: Floats, size: int) -> csr_array:
    # Two roads between the same junctions: the sparse matrix would add them, the quicker one is meant.
    order = np.lexsort((cost, cols, rows))
    rows, cols, cost = rows[order], cols[order], np.maximum(cost[order], 1e-9)
    first = np.r_[True, (np.diff(rows) != 0) | (np.diff(cols) != 0)][: len(rows)]
    return csr_array((cost[first], (rows[first], cols[first])), shape=(size, size))
