"""What should be seen: the built-up area of each named village, its road entrances, and points along its roads.

In:     named villages, cells (whose village they belong to), roads, buildings, places, incidents.
Out:    ``Demand``: built-up areas, entrances and weighted points, in the study's metre CRS.
Method: built-up area = houses no more than 100 m apart joined (buffer, union, shrink back), plus 15 m round the outer
        walls so that a lane along the last houses lies inside. Entrance = a road that a vehicle can use (farm tracks
        too: a three-wheeler takes them; no expressway, no footpath) crosses the edge of the built-up area and leads
        100 m away from it, through whatever other roads; crossings within 15 m are one.
        Weight of a point = metres of road x class factor x (1 + risk); risk is a Gaussian kernel of reported
        preventable incidents of the training period, scaled so that over all points it weighs as much as the road
        itself. A market, school or the like adds metres to the road in front of it. The weight is shared between day
        and night (19 to 6 o'clock) as the same incidents are, by exact minutes (``analysis.hours``).
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csgraph
from scipy.spatial import cKDTree

from analysis.hours import hour_profile
from gis_data.taxonomy import PREVENTABLE, drives_allocation, with_point
from models.cameras.visibility import pairs_within, site_xy

Floats = NDArray[np.float64]

JOIN_M = 50.0
EDGE_BUFFER_M = 15.0
LEAST_HOUSES = 20
STEP_M = 10.0
MERGE_M = 15.0
LEADS_ON_M = 100.0
SURROUNDINGS_M = 300.0
VILLAGE_RADIUS_M = 1000.0
FRONT_M = 30.0
LAMP_M = 25.0
NIGHT_HOURS = (*range(19, 24), *range(6))

CLASS_FACTOR = {"provincial": 1.5, "county": 1.5, "township": 1.2, "village": 1.0, "track": 0.5, "path": 0.5}
VEHICLE_CLASSES = ("provincial", "county", "township", "village", "track")
PLACE_METRES = {"market": 200.0, "school": 100.0, "hospital": 60.0, "bank": 60.0, "shop": 30.0}


@dataclass(frozen=True)
class Demand:
    """What the cameras of all named villages should see.

    Attributes
    ----------
    areas
        One row per named village: ``village_id`` and its built-up area (empty where there are no buildings).
    entrances
        ``entrance_id``, ``village_id``, ``road_id``, ``road_class``, ``road``; Point.
    points
        ``village_id``, ``road_id``, ``road``, ``length_m``, ``weight``, ``lit`` (a street lamp within 25 m); Point.
    night_share
        Share of the weight that belongs to the night.
    """

    areas: gpd.GeoDataFrame
    entrances: gpd.GeoDataFrame
    points: gpd.GeoDataFrame
    night_share: float


def find_demand(
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    *,
    named: list[str],
    risk_bandwidth_m: float,
) -> Demand:
    """Find built-up areas, entrances and weighted road points of the villages whose id is in ``named``."""
    areas = built_up_areas(villages, cells, buildings, named=named)
    usable = roads[(roads["road_class"] != "expressway") & ~roads["tunnel"]]
    near = usable.iloc[shapely.STRtree(usable.geometry).query(areas.union_all(), "dwithin", SURROUNDINGS_M)]
    near = near.sort_values("road_id")
    entrances = find_entrances(areas, near[near["road_class"].isin(VEHICLE_CLASSES)])
    points = road_points(areas, near)
    points["weight"] = point_weights(points, places, incidents, risk_bandwidth_m=risk_bandwidth_m)
    lamps = site_xy(places[places["kind"] == "lamp"])
    points["lit"], entrances["lit"] = (_lit(site_xy(frame), lamps) for frame in (points, entrances))
    return Demand(areas, entrances, points, night_share(incidents))


def night_share(incidents: gpd.GeoDataFrame) -> float:
    """Return the share of reported preventable incidents that happen at night; the night's share of the hours if none.

    An incident without a time of occurrence counts at its report.
    """
    known = drives_allocation(incidents)
    known = known[known["type"].isin(PREVENTABLE)]
    start = known["occurred_from"].fillna(known["reported_at"])
    profile = hour_profile(start, known["occurred_to"].fillna(start), known["count"])
    total = float(profile.by_hour.sum())
    return float(profile.by_hour[list(NIGHT_HOURS)].sum()) / total if total > 0 else len(NIGHT_HOURS) / 24


def built_up_areas(
    villages: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, *, named: list[str]
) -> gpd.GeoDataFrame:
    """Return the built-up area of each named village.

    A settlement that holds just one village's centre is that village's; one that holds several is cut along the
    villages' territories; a hamlet without a centre belongs to the territory it lies in. Fewer than 20 buildings in
    a group off the village's largest one are farm buildings, not the village.
    """
    settlements = _settlements(buildings)
    centre = shapely.points(villages["centre_x"].to_numpy(), villages["centre_y"].to_numpy())
    held = [np.flatnonzero(shapely.dwithin(area, centre, JOIN_M)) for area in settlements]
    shapes = []
    for village_id in named:
        row = int(np.flatnonzero(villages["village_id"] == village_id)[0])
        own = [area for area, who in zip(settlements, held, strict=True) if list(who) == [row]]
        shared = [area for area, who in zip(settlements, held, strict=True) if row in who and len(who) > 1]
        loose = [area for area, who in zip(settlements, held, strict=True) if len(who) == 0]
        land = _territory(villages, cells, row)
        parts = own + list(shapely.intersection(shared, land)) + [a for a in loose if land.covers(a.centroid)]
        shapes.append(_without_farms(parts, buildings))
    return gpd.GeoDataFrame({"village_id": named}, geometry=shapes, crs=buildings.crs)


def find_entrances(areas: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the places where a vehicle can leave the named villages' built-up area on a road that leads on."""
    inside = areas.union_all()
    pieces = _outside_pieces(roads, inside)
    pieces = pieces[_leads_on(pieces, inside)]
    on_edge = pieces.assign(geometry=shapely.intersection(pieces.geometry, inside.boundary.buffer(0.01)))
    on_edge = on_edge[~on_edge.is_empty].explode(ignore_index=True)
    on_edge["geometry"] = on_edge.geometry.centroid
    merged = _merge_close(on_edge, MERGE_M)
    which = _nearest_area(areas, merged)
    merged["village_id"] = areas["village_id"].to_numpy()[which]
    merged = merged.assign(x=merged.geometry.x, y=merged.geometry.y).sort_values(["village_id", "x", "y"])
    number = merged.groupby("village_id").cumcount() + 1
    merged["entrance_id"] = merged["village_id"] + "-E" + number.astype(str)
    columns = ["entrance_id", "village_id", "road_id", "road_class", "name", "geometry"]
    return merged[columns].rename(columns={"name": "road"}).reset_index(drop=True)


def road_points(areas: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return points every 10 m or so along the roads inside each built-up area, each with the metres it stands for."""
    columns = ["village_id", "road_id", "road", "road_class", "length_m", "geometry"]
    inside = [_pieces_inside(area, roads).assign(village_id=area.village_id) for area in areas.itertuples()]
    pieces = pd.concat([gpd.GeoDataFrame(columns=columns, geometry="geometry", crs=areas.crs), *inside])
    lengths = shapely.length(pieces.geometry.to_numpy())
    counts = np.maximum(np.round(lengths / STEP_M), 1).astype(np.int64)
    row = np.repeat(np.arange(len(pieces)), counts)
    place = (np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + 0.5) / counts[row]
    at = shapely.line_interpolate_point(pieces.geometry.to_numpy()[row], place, normalized=True)
    table = pd.DataFrame(pieces.drop(columns="geometry")).iloc[row].assign(length_m=(lengths / counts)[row])
    return gpd.GeoDataFrame(table, geometry=at, crs=areas.crs)[columns].reset_index(drop=True)


def point_weights(
    points: gpd.GeoDataFrame, places: gpd.GeoDataFrame, incidents: gpd.GeoDataFrame, *, risk_bandwidth_m: float
) -> pd.Series:
    """Return what each point counts: metres of road, raised by class, nearby reported incidents, and what is there."""
    base = points["length_m"] * points["road_class"].map(CLASS_FACTOR)
    usable = with_point(drives_allocation(incidents))
    usable = usable[usable["type"].isin(PREVENTABLE)]
    risk = _kernel(site_xy(points), site_xy(usable), usable["count"].to_numpy(dtype=float), risk_bandwidth_m)
    town = (base * risk).sum()
    scale = base.sum() / town if town > 0 else 0.0
    weight: pd.Series = base * (1 + scale * risk) + _place_metres(points, places)
    return weight


def _settlements(buildings: gpd.GeoDataFrame) -> NDArray[np.object_]:
    if len(buildings) == 0:
        return np.array([], dtype=object)
    grown = shapely.union_all(shapely.buffer(buildings.geometry.to_numpy(), JOIN_M, quad_segs=3))
    joined = shapely.buffer(grown, EDGE_BUFFER_M - JOIN_M, quad_segs=3)
    outer = shapely.polygons(shapely.get_exterior_ring(shapely.get_parts(joined)))
    solid: NDArray[np.object_] = shapely.get_parts(shapely.union_all(outer))
    return solid


def _territory(villages: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, row: int) -> shapely.Geometry:
    """Return the village's polygon, else its cells, else the ground nearest to its centre."""
    village = villages.iloc[row]
    if village.geometry.geom_type in ("Polygon", "MultiPolygon"):
        return village.geometry
    own = cells[cells["village_id"] == village["village_id"]] if len(cells) else cells
    if len(own):
        return own.union_all()
    centre = shapely.Point(village["centre_x"], village["centre_y"])
    others = shapely.MultiPoint(villages[["centre_x", "centre_y"]].to_numpy())
    around = centre.buffer(VILLAGE_RADIUS_M)
    if len(villages) < 2:
        return around
    regions = shapely.get_parts(shapely.voronoi_polygons(others, extend_to=around))
    return shapely.union_all(regions[shapely.contains(regions, centre)]).intersection(around)


def _without_farms(parts: list[shapely.Geometry], buildings: gpd.GeoDataFrame) -> shapely.Geometry:
    """Keep the polygon with most buildings and others with at least ``LEAST_HOUSES``."""
    polygons = shapely.get_parts(np.array(parts, dtype=object)) if parts else np.array([], dtype=object)
    polygons = polygons[shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON]
    if len(polygons) == 0:
        return shapely.MultiPolygon()
    centroids = shapely.STRtree(shapely.centroid(buildings.geometry.to_numpy()))
    houses = np.bincount(centroids.query(polygons, "intersects")[0], minlength=len(polygons))
    kept = (houses >= LEAST_HOUSES) | (np.arange(len(polygons)) == houses.argmax())
    return shapely.union_all(polygons[kept & (houses > 0)])


def _outside_pieces(roads: gpd.GeoDataFrame, inside: shapely.Geometry) -> gpd.GeoDataFrame:
    outside = roads[["road_id", "road_class", "name", "geometry"]].copy()
    shapely.prepare(inside)
    outside["geometry"] = shapely.difference(outside.geometry.to_numpy(), inside)
    return outside[~outside.is_empty].explode(ignore_index=True)


def _leads_on(pieces: gpd.GeoDataFrame, inside: shapely.Geometry) -> NDArray[np.bool_]:
    """Tell which pieces hang together with a road 100 m away; stubs and lanes round the edge lead nowhere."""
    if len(pieces) == 0:
        return np.zeros(0, dtype=bool)
    lines = pieces.geometry.to_numpy()
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    node = np.unique(np.round(shapely.get_coordinates(ends), 2), axis=0, return_inverse=True)[1].ravel()
    start, stop = node[: len(lines)], node[len(lines) :]
    size = int(node.max()) + 1
    graph = coo_array((np.ones(len(lines)), (start, stop)), shape=(size, size))
    label = csgraph.connected_components(graph, directed=False)[1][start]
    xy, piece = shapely.get_coordinates(lines, return_index=True)
    away = shapely.distance(shapely.points(xy), inside)
    furthest = np.zeros(label.max() + 1)
    np.maximum.at(furthest, label[piece], away)
    return np.asarray(furthest[label] >= LEADS_ON_M)


def _merge_close(crossings: gpd.GeoDataFrame, distance_m: float) -> gpd.GeoDataFrame:
    """Keep of crossings that lie close together the one nearest to their middle."""
    if len(crossings) == 0:
        return crossings
    xy = site_xy(crossings)
    pairs = pairs_within(xy, xy, distance_m)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy)))
    group = csgraph.connected_components(graph, directed=False)[1]
    middle = np.column_stack([np.bincount(group, xy[:, k]) / np.bincount(group) for k in (0, 1)])
    off = np.hypot(*(xy - middle[group]).T)
    first = pd.Series(off).groupby(group).idxmin().to_numpy()
    return crossings.iloc[np.sort(first)].reset_index(drop=True)


def _nearest_area(areas: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> NDArray[np.int64]:
    filled = np.flatnonzero(~areas.is_empty)
    if len(points) == 0:
        return np.zeros(0, dtype=np.int64)
    distance = shapely.distance(points.geometry.to_numpy()[:, None], areas.geometry.to_numpy()[None, filled])
    nearest: NDArray[np.int64] = filled[distance.argmin(axis=1)]
    return nearest


def _pieces_inside(area: object, roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shape = area.geometry  # type: ignore[attr-defined]
    touched = roads.iloc[np.sort(shapely.STRtree(roads.geometry).query(shape, "intersects"))]
    pieces = touched[["road_id", "road_class", "name"]].rename(columns={"name": "road"})
    cut = gpd.GeoDataFrame(pieces, geometry=shapely.intersection(touched.geometry.to_numpy(), shape), crs=roads.crs)
    cut = cut[~cut.is_empty].explode(ignore_index=True)
    return cut[(cut.geom_type == "LineString") & (cut.length > 1)]


def _kernel(at: Floats, events: Floats, count: Floats, bandwidth_m: float) -> Floats:
    if len(at) == 0 or len(events) == 0:
        return np.zeros(len(at))
    distance = cKDTree(at).sparse_distance_matrix(cKDTree(events), 3 * bandwidth_m, output_type="coo_matrix")
    share = np.exp(-0.5 * (distance.data / bandwidth_m) ** 2) * count[distance.col]
    return np.bincount(distance.row, share, minlength=len(at)).astype(np.float64)


def _lit(at: Floats, lamps: Floats) -> NDArray[np.bool_]:
    if len(at) == 0 or len(lamps) == 0:
        return np.zeros(len(at), dtype=bool)
    return np.asarray(cKDTree(lamps).query(at, distance_upper_bound=LAMP_M)[0] <= LAMP_M)


def _place_metres(points: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> Floats:
    """Share each place's metres among the road points in front of it (within 30 m, or the nearest within 60 m)."""
    extra = np.zeros(len(points))
    known = places[places["kind"].isin(PLACE_METRES)]
    if len(points) == 0 or len(known) == 0:
        return extra
    xy = site_xy(points)
    tree = cKDTree(xy)
    for place, metres in zip(site_xy(known), known["kind"].map(PLACE_METRES), strict=True):
        front = tree.query_ball_point(place, FRONT_M) or tree.query_ball_point(place, 2 * FRONT_M)
        if front:
            extra[front] += metres / len(front)
    return extra
