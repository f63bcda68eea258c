"""Where a camera can hang.

In:     demand (built-up areas, entrances, road points), roads, buildings, places, existing cameras.
Out:    sites (poles) with their price.
Method: street lamps and power poles beside a road, corners of public buildings, and new poles at the corner of a
        junction; where none of them can guard an entrance, a new pole beside the road. Never on a dwelling, never
        inside a building, never within 10 m of a place marked «forbidden». A site is fed from the grid where a lamp, a
        power pole or a building stands within 30 m, else by a solar panel; its picture goes by wire where a building
        stands within 60 m, else by radio; both are in its price. Sites closer than 12 m to a cheaper one are left out.
        Existing cameras are sites of price 0 (a dome turns and sees its share all round); broken ones, and those whose
        direction nobody recorded, see nothing. A camera placed by hand («planned») is taken at its price.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis_data.settings import CameraSettings
from models.cameras.demand import Demand
from models.cameras.visibility import MAX_HFOV_DEG, Lens, bearing_deg, site_xy

Floats = NDArray[np.float64]

POLE_KINDS = {"lamp": "lamp", "street_lamp": "lamp", "pole": "pole", "power_pole": "pole"}
PUBLIC_BUILDINGS = (
    "civic", "college", "commercial", "government", "hospital", "kindergarten", "office", "public", "retail", "school",
    "supermarket", "townhall", "train_station", "university",
)  # fmt: skip
ROAD_GAP_M = 20.0
CORNER_OFFSET_M = 4.0
WALL_OFFSET_M = 0.5
CLEAR_OF_WALLS_M = 0.3
SPACING_M = 12.0
AROUND_VILLAGE_M = 40.0
SEARCH_M = 60.0
POWER_M = 30.0
WIRE_M = 60.0
FORBIDDEN_M = 10.0
SAME_POLE_M = 3.0
SAME_SPOT_M = 0.05
ON_WALL_M = 1.0
LOOK_ALONG_M = 20.0


def find_sites(
    demand: Demand,
    roads: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    *,
    settings: CameraSettings,
) -> gpd.GeoDataFrame:
    """Return all candidate poles in and around the built-up areas; Point.

    Columns: ``village_id``, ``kind``, ``power`` ("grid", "solar"), ``link`` ("wire", "radio") and ``cost_cny`` for
    pole, power and link together.
    """
    ground = shapely.buffer(demand.areas.union_all(), AROUND_VILLAGE_M)
    shapely.prepare(ground)
    near = roads[shapely.intersects(roads.geometry.to_numpy(), ground) & (roads["road_class"] != "expressway")]
    found = pd.concat(
        [
            _poles(places, near, settings.mount_cny),
            _public_corners(buildings, near, ground, settings.mount_cny),
            _junctions(near, buildings, settings.pole_cny),
        ]
    )
    sites = gpd.GeoDataFrame(found, geometry="geometry", crs=demand.areas.crs).reset_index(drop=True)
    sites = sites[shapely.intersects(sites.geometry.to_numpy(), ground)]
    sites = sites[~_within(sites.geometry.to_numpy(), buildings, CLEAR_OF_WALLS_M)]
    sites = _thinned(with_supply(sites, buildings, places, settings=settings))
    return _with_village(sites, demand.areas)


def with_supply(
    sites: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, places: gpd.GeoDataFrame, *, settings: CameraSettings
) -> gpd.GeoDataFrame:
    """Add ``power`` and ``link`` and put their price into ``cost_cny``."""
    at = sites.geometry.to_numpy()
    grid = _within(at, buildings, POWER_M) | _within(at, places[places["kind"].isin(POLE_KINDS)], POWER_M)
    wire = _within(at, buildings, WIRE_M)
    extra = np.where(grid, 0.0, settings.solar_cny) + np.where(wire, 0.0, settings.radio_link_cny)
    return sites.assign(
        power=np.where(grid, "grid", "solar"), link=np.where(wire, "wire", "radio"), cost_cny=sites["cost_cny"] + extra
    )


def allowed(sites: gpd.GeoDataFrame, cameras: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Leave out the sites within 10 m of a place where no camera may be."""
    return sites[~_within(sites.geometry.to_numpy(), forbidden(cameras), FORBIDDEN_M)]


def standing_sites(
    cameras: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    *,
    settings: CameraSettings,
) -> gpd.GeoDataFrame:
    """Return the existing cameras in and around the built-up areas as sites of price 0.

    ``turns`` marks those with a view too wide for a lens (a dome). ``usable`` is False for broken ones and for those
    without a recorded direction: they are kept in the list and see nothing. One on a wall is moved half a metre off
    it. Cameras placed by hand are among them, with their pole's price and ``must``.
    """
    ground = shapely.buffer(areas.union_all(), AROUND_VILLAGE_M)
    near = cameras[shapely.intersects(cameras.geometry.to_numpy(), ground) & (cameras["status"] != "forbidden")]
    turns, must = near["hfov_deg"].gt(MAX_HFOV_DEG), near["status"] == "planned"
    known = turns | (near["azimuth_deg"].notna() & near["hfov_deg"].notna())
    table = pd.DataFrame(near[["camera_id", "azimuth_deg", "hfov_deg", "status"]])
    table = table.assign(
        kind=np.where(must, "by_hand", "existing"), cost_cny=0.0, usable=known & (near["status"] != "broken"),
        turns=turns, must=must, power="grid", link="wire",
    )  # fmt: skip
    off_wall = near.geometry.to_numpy().copy()
    for row in np.flatnonzero(_within(off_wall, buildings, CLEAR_OF_WALLS_M)):
        off_wall[row] = off_walls(off_wall[row], buildings)
    sites = gpd.GeoDataFrame(table, geometry=off_wall, crs=areas.crs).reset_index(drop=True)
    hangs = _hangs(sites.geometry.to_numpy(), buildings, places)
    bought = sites.assign(cost_cny=np.where(hangs, settings.mount_cny, settings.pole_cny))
    bought = with_supply(bought, buildings, places, settings=settings)
    new = sites["must"].to_numpy(dtype=bool)
    for column in ("cost_cny", "power", "link"):
        sites[column] = np.where(new, bought[column], sites[column])
    return _with_village(sites, areas)


def on_shared_poles(sites: gpd.GeoDataFrame, configurations: pd.DataFrame) -> NDArray[np.int64]:
    """Return the pole of each configuration, that of a camera placed by hand being the first pole in its place.

    One pole is paid once, whoever hangs on it.
    """
    site = configurations["site"].to_numpy(dtype=np.int64, copy=True)
    must = np.flatnonzero(configurations["must"].eq(True))
    if len(must) == 0:
        return site
    poles, xy = np.flatnonzero(sites["kind"] != "existing"), site_xy(sites)
    near = cKDTree(xy[poles]).query_ball_point(xy[site[must]], SAME_SPOT_M)
    site[must] = [poles[min(found)] for found in near]
    return site


def roadside_sites(
    entrances: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    *,
    settings: CameraSettings,
) -> gpd.GeoDataFrame:
    """Return spots for new poles beside the road, for entrances that no other site can guard.

    Three for each: the nearest, the nearest with mains power, and the nearest that is far enough off to look out along
    the road.
    """
    found = []
    for entrance in entrances.geometry:
        spots = _guarding_spots(entrance, roads, buildings, settings=settings)
        fed = spots[_within(spots, buildings, POWER_M)]
        far = spots[shapely.distance(spots, entrance) >= LOOK_ALONG_M]
        found += [*spots[:1], *fed[:1], *far[:1]]
    spots = shapely.points(np.unique(shapely.get_coordinates(np.array(found, dtype=object)), axis=0))
    sites = with_supply(_frame("roadside", spots, settings.pole_cny, areas.crs), buildings, places, settings=settings)
    return _with_village(sites, areas)


def nearest_buildable(
    entrance: shapely.Point,
    roads: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    cameras: gpd.GeoDataFrame,
    *,
    settings: CameraSettings,
) -> shapely.Point | None:
    """Return the nearest allowed roadside spot, with power or without, from which a pole would guard the entrance."""
    spots = _guarding_spots(entrance, roads, buildings, settings=settings)
    spots = spots[~_within(spots, forbidden(cameras), FORBIDDEN_M)]
    return spots[0] if len(spots) else None


def can_guard(distance_m: Floats, *, settings: CameraSettings) -> NDArray[np.bool_]:
    """Tell from which distances a lens aimed straight at an entrance recognises who passes."""
    lenses = [Lens.of(hfov, settings) for hfov in settings.lens_hfov_deg]
    level = settings.entrance_px_per_m
    return np.any([(distance_m >= lens.near_m) & (distance_m <= lens.reach_m(level)) for lens in lenses], axis=0)


def _guarding_spots(
    entrance: shapely.Point, roads: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, *, settings: CameraSettings
) -> NDArray[np.object_]:
    """Return the roadside spots that see the entrance well enough, the nearest first."""
    near = roads.geometry.to_numpy()[shapely.dwithin(roads.geometry.to_numpy(), entrance, SEARCH_M)]
    walls = buildings.geometry.to_numpy()[shapely.dwithin(buildings.geometry.to_numpy(), entrance, 2 * SEARCH_M)]
    spots = _roadside(near, step_m=5.0)
    distance = shapely.distance(spots, entrance)
    spots = spots[can_guard(distance, settings=settings) & ~_within(spots, buildings, CLEAR_OF_WALLS_M)]
    lines = shapely.shortest_line(spots, entrance)
    free = np.setdiff1d(np.arange(len(lines)), shapely.STRtree(walls).query(lines, predicate="intersects")[0])
    return spots[free][np.argsort(shapely.length(lines[free]), kind="stable")]


def forbidden(cameras: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the places where no camera may be."""
    return cameras[cameras["status"] == "forbidden"]


def _hangs(points: NDArray[np.object_], buildings: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Tell which points need no new pole: beside a lamp or power pole, or half a metre off a public building."""
    on_pole = _within(points, places[places["kind"].isin(POLE_KINDS)], SAME_POLE_M)
    return on_pole | _within(points, _public(buildings), ON_WALL_M)


def _public(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return buildings[buildings["kind"].isin(PUBLIC_BUILDINGS) & ~buildings["is_dwelling"]]


def _poles(places: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, cost_cny: float) -> gpd.GeoDataFrame:
    poles = places[places["kind"].isin(POLE_KINDS)]
    beside = _within(poles.geometry.to_numpy(), roads, ROAD_GAP_M)
    kinds = poles["kind"].map(POLE_KINDS)[beside].to_numpy()
    return _frame(kinds, poles.geometry.to_numpy()[beside], cost_cny, places.crs)


def _public_corners(
    buildings: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, ground: shapely.Geometry, cost_cny: float
) -> gpd.GeoDataFrame:
    """Return spots half a metre off the corners of public buildings that stand beside a road."""
    public = _public(buildings)
    public = public[shapely.intersects(public.geometry.to_numpy(), ground)]
    outline = shapely.buffer(shapely.convex_hull(public.geometry.to_numpy()), WALL_OFFSET_M, join_style="mitre")
    corners = shapely.points(np.unique(np.round(shapely.get_coordinates(outline), 3), axis=0))
    corners = corners[_within(corners, roads, ROAD_GAP_M)]
    return _frame("corner", corners, cost_cny, roads.crs)


def _junctions(roads: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, cost_cny: float) -> gpd.GeoDataFrame:
    """Return for each junction the corner 4 m from its middle, in the widest gap between roads that is not built on."""
    ends = _road_ends(roads)
    degree = ends.groupby("node")["bearing"].transform("size")
    corners = [_corners(x, y, group) for (x, y), group in _by_node(ends[degree >= 3])]
    spots = shapely.points(np.concatenate([*corners, np.empty((0, 2))]))
    node = np.repeat(np.arange(len(corners)), [len(group) for group in corners])
    clear = ~_within(spots, buildings, CLEAR_OF_WALLS_M)
    first = np.unique(node[clear], return_index=True)[1]
    return _frame("junction", spots[clear][first], cost_cny, roads.crs)


def _frame(kind: str | NDArray[np.object_], at: NDArray[np.object_], cost_cny: float, crs: object) -> gpd.GeoDataFrame:
    columns = {"kind": np.broadcast_to(np.asarray(kind, dtype=object), len(at)), "cost_cny": np.full(len(at), cost_cny)}
    return gpd.GeoDataFrame(columns, geometry=at, crs=crs)


def _by_node(ends: pd.DataFrame) -> list[tuple[tuple[float, float], Floats]]:
    return [
        ((group["x"].iloc[0], group["y"].iloc[0]), group["bearing"].to_numpy()) for _, group in ends.groupby("node")
    ]


def _road_ends(roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return both ends of every road: its node, place, and the bearing in which the road leaves."""
    lines = roads.geometry.to_numpy()
    look = np.minimum(shapely.length(lines), 15.0)
    at = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    ahead = np.concatenate([shapely.line_interpolate_point(lines, look), shapely.line_interpolate_point(lines, -look)])
    xy = shapely.get_coordinates(at)
    node = np.concatenate([roads["from_node"].to_numpy(), roads["to_node"].to_numpy()])
    bearing = bearing_deg(xy, shapely.get_coordinates(ahead))
    return pd.DataFrame({"node": node, "x": xy[:, 0], "y": xy[:, 1], "bearing": bearing})


def _corners(x: float, y: float, bearings: Floats) -> Floats:
    """Return the corners of a junction, the one in the widest gap between its roads first."""
    sorted_bearings = np.sort(bearings)
    gaps = np.diff(np.append(sorted_bearings, sorted_bearings[0] + 360))
    middle = np.radians(sorted_bearings + gaps / 2)[np.argsort(-gaps, kind="stable")]
    return np.array([x, y]) + CORNER_OFFSET_M * np.column_stack([np.sin(middle), np.cos(middle)])


def _roadside(lines: NDArray[np.object_], *, step_m: float) -> NDArray[np.object_]:
    """Return points every few metres on both sides of the roads, 4 m from the middle."""
    sides = [shapely.offset_curve(lines, CORNER_OFFSET_M), shapely.offset_curve(lines, -CORNER_OFFSET_M)]
    curves = shapely.get_parts(np.concatenate(sides))
    curves = curves[~shapely.is_empty(curves)]
    count = np.maximum(shapely.length(curves) / step_m, 1).astype(np.int64) + 1
    row = np.repeat(np.arange(len(curves)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    spots: NDArray[np.object_] = shapely.line_interpolate_point(curves[row], number * step_m)
    return spots


def _within(points: NDArray[np.object_], what: gpd.GeoDataFrame, distance_m: float) -> NDArray[np.bool_]:
    """Tell which points lie within a distance of any road, or of any building."""
    near = np.zeros(len(points), dtype=bool)
    near[shapely.STRtree(what.geometry.to_numpy()).query(points, "dwithin", distance_m)[0]] = True
    return near


def off_walls(point: shapely.Point, buildings: gpd.GeoDataFrame) -> shapely.Point:
    """Move a wall-mounted camera half a metre in front of its wall."""
    touching = buildings.geometry.to_numpy()[shapely.dwithin(buildings.geometry.to_numpy(), point, CLEAR_OF_WALLS_M)]
    if len(touching) == 0:
        return point
    ring = shapely.get_exterior_ring(shapely.get_parts(shapely.buffer(shapely.union_all(touching), WALL_OFFSET_M)))
    nearest = ring[np.argmin(shapely.distance(ring, point))]
    return shapely.line_interpolate_point(nearest, shapely.line_locate_point(nearest, point))


def _thinned(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Leave out sites closer than 12 m to a cheaper one (ties: lamp, pole, corner, junction; then west to east)."""
    rank = sites["kind"].map({"lamp": 0, "pole": 1, "corner": 2, "junction": 3})
    order = sites.assign(rank=rank, x=sites.geometry.x, y=sites.geometry.y).sort_values(["cost_cny", "rank", "x", "y"])
    xy = site_xy(order)
    near = cKDTree(xy).query_ball_point(xy, SPACING_M) if len(xy) else []
    kept = np.zeros(len(order), dtype=bool)
    for row, others in enumerate(near):
        kept[row] = not kept[others].any()
    return sites.loc[order.index[kept]]


def _with_village(sites: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    filled = areas[~areas.is_empty]
    distance = shapely.distance(sites.geometry.to_numpy()[:, None], filled.geometry.to_numpy()[None, :])
    village = filled["village_id"].to_numpy()[distance.argmin(axis=1)] if len(sites) else []
    return sites.assign(village_id=village).reset_index(drop=True)
