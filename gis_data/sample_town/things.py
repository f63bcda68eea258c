"""What stands on the ground besides houses: schools, firms, market, greenhouses, wells, lamps and poles.

In:     the villages, the barriers and the roads of the town, a generator.
Out:    one table of things with their OpenStreetMap tags, and existing cameras. Numbers as DOMAIN 5.2.
Method: buildings stand beside a road on the first free plot of a random walk along it; wells, poles and lamps stand in
        rows along tracks, roads and lanes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from gis_data.sample_town import layout
from gis_data.sample_town.lanes import Village
from gis_data.sample_town.roads import Ground

ROAD_HALF_M = {"primary": 9.0, "secondary": 7.5, "tertiary": 6.0, "unclassified": 4.5}
NARROW_HALF_M = 3.5
CLEAR_M = 2.0
TRIES = 400
GREENHOUSES_PER_CLUSTER = (67, 67, 67, 67, 66, 66)
GREENHOUSE_ROWS, GREENHOUSE_COLS = 3, 23
WELLS, TRANSFORMERS = 900, 70
LAMP_EVERY_M, LANE_LAMP_EVERY_M, POLE_EVERY_M = 40.0, 70.0, 55.0
Tags = dict[str, str]


@dataclass(frozen=True)
class Kind:
    """One kind of building: how many, how large (along the road × away from it, metres), its tags and its name."""

    kind: str
    count: int
    size_m: tuple[float, float]
    tags: Tags
    name: str = ""
    gap_m: float = 4.0


SEAT_BUILDINGS = (
    Kind("townhall", 1, (44, 18), {"building": "government", "amenity": "townhall"}, "禾川镇人民政府", 14),
    Kind("hospital", 1, (46, 22), {"building": "hospital", "amenity": "hospital"}, "禾川镇卫生院", 12),
    Kind("middle_school", 1, (60, 26), {"building": "school", "amenity": "school"}, "禾川镇中学", 16),
    Kind("bank", 2, (18, 13), {"building": "commercial", "amenity": "bank"}, "农村商业银行"),
    Kind("supermarket", 2, (30, 22), {"building": "supermarket", "shop": "supermarket"}, "供销超市"),
    Kind("hotel", 7, (20, 12), {"building": "commercial", "tourism": "hotel"}, "旅馆"),
    Kind("karaoke", 4, (18, 12), {"building": "commercial", "amenity": "karaoke_box"}, "歌厅"),
    Kind("internet_cafe", 3, (16, 11), {"building": "commercial", "amenity": "internet_cafe"}, "网吧"),
    Kind("restaurant", 16, (13, 10), {"building": "retail", "amenity": "restaurant"}, "饭店"),
    Kind("shop", 26, (11, 9), {"building": "retail", "shop": "convenience"}, "商店"),
)
PARK_BUILDINGS = (Kind("factory", 8, (70, 38), {"building": "industrial", "man_made": "works"}, "园区企业", 10),)
ROADSIDE_BUILDINGS = (
    Kind("factory", 4, (55, 30), {"building": "industrial", "man_made": "works"}, "规上企业", 14),
    Kind("hotel", 2, (20, 12), {"building": "commercial", "tourism": "hotel"}, "旅馆", 8),
    Kind("restaurant", 14, (14, 10), {"building": "retail", "amenity": "restaurant"}, "饭店", 6),
    Kind("workshop", 25, (26, 14), {"building": "industrial"}, "作坊", 7),
    Kind("scrap_site", 6, (20, 14), {"building": "industrial", "industrial": "scrap_yard"}, "废旧金属收购站", 8),
    Kind("fuel", 3, (22, 12), {"building": "commercial", "amenity": "fuel"}, "加油站", 12),
)
FIELD_BUILDINGS = (Kind("livestock", 12, (44, 13), {"building": "farm_auxiliary"}, "养殖场", 12),)
SCHOOLS = (
    Kind("middle_school", 2, (50, 18), {"building": "school", "amenity": "school"}, "中学", 14),
    Kind("primary_school", 7, (40, 15), {"building": "school", "amenity": "school"}, "小学", 12),
    Kind("kindergarten", 20, (22, 12), {"building": "kindergarten", "amenity": "kindergarten"}, "幼儿园", 8),
)


@dataclass
class _Plots:
    """Free ground: everything solid so far, and what was built since."""

    solid: shapely.STRtree
    built: list[Polygon] = field(default_factory=list)

    def take(self, plot: Polygon) -> bool:
        """Take the plot if nothing stands on it."""
        if len(self.solid.query(plot, predicate="intersects")):
            return False
        if any(plot.dwithin(other, 2 * CLEAR_M) for other in self.built):
            return False
        self.built.append(plot)
        return True


def build_things(
    villages: Mapping[str, Village],
    names: Mapping[str, str],
    ground: Ground,
    roads: gpd.GeoDataFrame,
    *,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    """Return all things: ``kind``, ``name``, ``village`` (of houses), ``tags``; polygons and points in metres."""
    rows = [*_houses(villages), *_fixed(ground), *_greenhouses(ground)]
    plots = _Plots(shapely.STRtree([*(row["geometry"] for row in rows if _is_solid(row)), *_ways(roads, ground)]))
    shapely.prepare(ground.boundary)
    for kinds, lines in _where(roads):
        rows += [row for kind in kinds for row in _build(kind, lines, plots, ground.boundary, rng=rng)]
    rows += _schools(villages, names, plots, rng=rng)
    rows += _village_shops(villages)
    rows += _rows_of_points(roads, villages, ground, plots, rng=rng)
    return gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry")


def _row(kind: str, shape: BaseGeometry, tags: Tags, name: str = "", village: str = "") -> dict[str, object]:
    tags = tags | ({"name": name} if name else {})
    return {"kind": kind, "name": name, "village": village, "tags": tags, "geometry": shape}


def _is_solid(row: Mapping[str, object]) -> bool:
    tags = row["tags"]
    return isinstance(tags, dict) and ("building" in tags or "natural" in tags)


def _houses(villages: Mapping[str, Village]) -> list[dict[str, object]]:
    found = []
    for key, village in villages.items():
        found += [_row("house", house, {"building": "house"}, village=key) for house in village.houses]
        found.append(_row("village", village.outline, {"landuse": "residential"}, village=key))
    return found


def _fixed(ground: Ground) -> list[dict[str, object]]:
    """Return what the plan itself places: station, market, park, water."""
    west, south, east, _ = layout.MARKET_SQUARE.bounds
    sheds = [shapely.box(x, south + 6, x + 44, south + 18) for x in np.arange(west + 10, east - 50, 56)]
    station = Point(layout.STATION_POINT).buffer(11, cap_style="square")
    river = ground.river.buffer(layout.RIVER_HALF_WIDTH_M, cap_style="flat")
    return [
        _row("police", station, {"building": "government", "amenity": "police"}, "禾川派出所"),
        _row("market", layout.MARKET_SQUARE, {"amenity": "marketplace", "landuse": "retail"}, "禾川大集"),
        *(_row("shed", shed, {"building": "retail"}) for shed in sheds),
        _row("park", layout.PARK, {"landuse": "industrial"}, "禾川工业园"),
        _row("water", river, {"natural": "water", "water": "river"}, layout.MAIN_RIVER_NAME),
    ]


def _greenhouses(ground: Ground) -> list[dict[str, object]]:
    found = []
    for cluster, count in zip(ground.greenhouses, GREENHOUSES_PER_CLUSTER, strict=True):
        found.append(_row("greenhouse_field", cluster, {"landuse": "greenhouse_horticulture"}))
        corner, along, _, across = (np.array(xy) for xy in cluster.exterior.coords[:4])
        along, across = along - corner, across - corner
        for k in range(count):
            i, j = k % GREENHOUSE_COLS, k // GREENHOUSE_COLS
            u = (i + np.array([0.12, 0.88])) / GREENHOUSE_COLS
            v = (j + np.array([0.08, 0.92])) / GREENHOUSE_ROWS
            corners = [
                corner + a * along + b * across for a, b in ((u[0], v[0]), (u[1], v[0]), (u[1], v[1]), (u[0], v[1]))
            ]
            found.append(_row("greenhouse", Polygon(corners), {"building": "greenhouse"}))
    return found


def _ways(roads: gpd.GeoDataFrame, ground: Ground) -> list[BaseGeometry]:
    """Return what the roads, banks and the expressway take up."""
    half = roads["highway"].map(ROAD_HALF_M).fillna(NARROW_HALF_M).to_numpy()
    streams = [line.buffer(layout.STREAM_BANK_M) for line in ground.streams.values()]
    foot = ground.expressway_middle.buffer(layout.EXPRESSWAY_BANK_M)
    return [*shapely.buffer(roads.geometry.to_numpy(), half), *streams, foot]


def _where(roads: gpd.GeoDataFrame) -> list[tuple[tuple[Kind, ...], np.ndarray]]:
    lines = roads.geometry.to_numpy()
    highway = roads["highway"].to_numpy()
    village = roads["village"].to_numpy() != ""
    in_seat = shapely.within(lines, layout.SEAT_GROUND.buffer(250)) & ~village & (highway != "track")
    in_park = shapely.within(lines, layout.PARK.buffer(30)) & ~village
    main = np.isin(highway, ("primary", "secondary", "tertiary")) & ~in_seat & ~in_park
    return [
        (SEAT_BUILDINGS, lines[in_seat & ~in_park]),
        (PARK_BUILDINGS, lines[in_park]),
        (ROADSIDE_BUILDINGS, lines[main]),
        (FIELD_BUILDINGS, lines[highway == "track"]),
    ]


def _build(
    kind: Kind, lines: np.ndarray, plots: _Plots, inside: BaseGeometry, *, rng: np.random.Generator
) -> list[dict[str, object]]:
    """Build ``count`` of a kind, each on the first free plot along randomly chosen lines."""
    found: list[dict[str, object]] = []
    share = shapely.length(lines) / shapely.length(lines).sum()
    for _ in range(TRIES * kind.count):
        if len(found) == kind.count:
            return found
        line = lines[rng.choice(len(lines), p=share)]
        plot = _plot_beside(line, rng.uniform(0, line.length), kind, side=int(rng.choice((-1, 1))))
        if inside.contains(plot) and plots.take(plot):
            number = f"{len(found) + 1}" if kind.count > 1 else ""
            found.append(_row(kind.kind, plot, kind.tags, f"{kind.name}{number}"))
    raise RuntimeError(f"no room for {kind.count} × {kind.kind}")


def _plot_beside(line: BaseGeometry, at_m: float, kind: Kind, *, side: int) -> Polygon:
    here, ahead = (np.array(line.interpolate(at).coords[0]) for at in (min(at_m, line.length - 0.5), at_m + 0.5))
    along = (ahead - here) / max(float(np.hypot(*(ahead - here))), 1e-9)
    if not along.any():
        along = np.array([1.0, 0.0])
    out = side * np.array([-along[1], along[0]])
    near = here + out * (6.0 + kind.gap_m)
    width, depth = kind.size_m
    return Polygon([near - along * width / 2, near + along * width / 2,
                    near + along * width / 2 + out * depth, near - along * width / 2 + out * depth])  # fmt: skip


def _schools(
    villages: Mapping[str, Village], names: Mapping[str, str], plots: _Plots, *, rng: np.random.Generator
) -> list[dict[str, object]]:
    """Return schools just outside villages, the larger schools in the larger villages."""
    by_size = sorted(villages, key=lambda key: -len(villages[key].houses))
    homes = [key for key in by_size if key not in ("V001", "V002")]
    wanted = [kind for kind in SCHOOLS for _ in range(kind.count)]
    found: list[dict[str, object]] = []
    for kind in wanted:
        home = next(
            (key, plot)
            for key in homes
            for plot in [_school_plot(villages[key], kind, plots, rng=rng)]
            if plot is not None
        )
        homes.remove(home[0])
        found.append(_row(kind.kind, home[1], kind.tags, f"{names[home[0]]}{kind.name}", village=home[0]))
    return found


def _school_plot(village: Village, kind: Kind, plots: _Plots, *, rng: np.random.Generator) -> Polygon | None:
    edge = village.outline.buffer(3).exterior
    for at_m in rng.uniform(0, edge.length, 60):
        plot = _plot_beside(edge, float(at_m), kind, side=-1)
        if not plot.intersects(village.outline) and plots.take(plot):
            return plot
        plot = _plot_beside(edge, float(at_m), kind, side=1)
        if not plot.intersects(village.outline) and plots.take(plot):
            return plot
    return None


def _village_shops(villages: Mapping[str, Village]) -> list[dict[str, object]]:
    """Return one shop and one bus stop on each village's main street."""
    found = []
    for key, village in villages.items():
        street = village.main[0]
        shop = street.parallel_offset(3.0, "left").interpolate(0.5, normalized=True)
        stop = street.parallel_offset(3.0, "right").interpolate(0.45, normalized=True)
        found.append(_row("village_shop", shop, {"shop": "convenience"}, "便民超市", village=key))
        found.append(_row("bus_stop", stop, {"highway": "bus_stop"}, village=key))
    return found


def _rows_of_points(
    roads: gpd.GeoDataFrame, villages: Mapping[str, Village], ground: Ground, plots: _Plots, *, rng: np.random.Generator
) -> list[dict[str, object]]:
    highway, lines = roads["highway"].to_numpy(), roads.geometry.to_numpy()
    lit = roads["lit"].to_numpy(dtype=bool)
    tracks = lines[(highway == "track") & shapely.within(lines, ground.boundary)]
    wells = _beside(tracks, WELLS, (6.0, 18.0), rng=rng)
    posts = _beside(lines[highway == "unclassified"], TRANSFORMERS, (5.0, 8.0), rng=rng)
    served = np.isin(highway, ("secondary", "tertiary", "unclassified"))
    rows = (
        ("lamp", {"highway": "street_lamp"}, _every(lines[lit & (highway == "residential")], LAMP_EVERY_M, 3.2)),
        ("lamp", {"highway": "street_lamp"}, _every(lines[lit & (highway == "service")], LANE_LAMP_EVERY_M, 2.2)),
        ("pole", {"power": "pole"}, _every(lines[served], POLE_EVERY_M, 5.5)),
        ("well", {"man_made": "water_well"}, wells),
        ("transformer", {"power": "transformer"}, posts),
    )  # fmt: skip
    solid = shapely.STRtree([*(house for village in villages.values() for house in village.houses), *plots.built])
    found = []
    for kind, tags, points in rows:
        blocked, _ = solid.query(points, predicate="dwithin", distance=0.4)
        free = np.delete(points, np.unique(blocked))
        found += [_row(kind, point, tags) for point in free]
    return found


def _every(lines: np.ndarray, step_m: float, offset_m: float) -> np.ndarray:
    """Return points beside the lines, one every so many metres, on their left."""
    found: list[np.ndarray] = []
    for line in lines:
        at_m = np.arange(step_m / 2, line.length, step_m)
        here = shapely.get_coordinates(shapely.line_interpolate_point(line, at_m))
        ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, np.minimum(at_m + 0.5, line.length)))
        along = (ahead - here) / np.maximum(np.hypot(*(ahead - here).T), 1e-9)[:, None]
        found.append(here + offset_m * np.column_stack([-along[:, 1], along[:, 0]]))
    return shapely.points(np.vstack(found))


def _beside(lines: np.ndarray, count: int, offset_m: tuple[float, float], *, rng: np.random.Generator) -> np.ndarray:
    """Return random points at some distance beside the lines."""
    share = shapely.length(lines) / shapely.length(lines).sum()
    chosen = lines[rng.choice(len(lines), count, p=share)]
    at_m = rng.uniform(0.0, 1.0, count) * shapely.length(chosen)
    here = shapely.get_coordinates(shapely.line_interpolate_point(chosen, at_m))
    angle = rng.uniform(0, 2 * np.pi, count)
    reach_m = rng.uniform(*offset_m, count)
    return shapely.points(here + reach_m[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))


def standing_cameras(
    villages: Mapping[str, Village], roads: gpd.GeoDataFrame, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the 14 cameras the town has: ten in the seat, four at junctions; two broken, one dome without azimuth."""
    seat_streets = [line for key in ("V001", "V002") for line in villages[key].main]
    spots = [line.interpolate(at, normalized=True) for line in seat_streets for at in (0.15, 0.85)]
    spots += [Point(layout.MARKET_STREET[0]), Point(-300.0, 24.0)]
    main = shapely.union_all(roads.geometry[roads["highway"] == "primary"].to_numpy())
    crossing = roads[
        (roads["highway"].isin(("secondary", "tertiary"))) & shapely.dwithin(main, roads.geometry.to_numpy(), 1)
    ]
    corners = [shapely.get_point(line, at) for line in crossing.geometry for at in (0, -1)]
    junctions = _apart([point for point in corners if point.dwithin(main, 1.0)], 300.0)[:4]
    places = ["镇驻地街口"] * len(spots) + ["省道路口"] * len(junctions)
    xy = shapely.get_coordinates([*spots, *junctions]) + rng.uniform(3.0, 4.0, (len(places), 2))
    azimuth = np.round(rng.uniform(0, 360, len(places)))
    table = pd.DataFrame({"x_m": xy[:, 0], "y_m": xy[:, 1], "site": places, "azimuth_deg": azimuth, "hfov_deg": 60.0})
    table["status"] = "正常"
    table.loc[[3, 11], "status"] = "故障"
    table.loc[9, ["azimuth_deg", "hfov_deg"]] = np.nan
    return table


def _apart(points: Sequence[Point], distance_m: float) -> list[Point]:
    kept: list[Point] = []
    for point in points:
        if all(point.distance(other) > distance_m for other in kept):
            kept.append(point)
    return kept


def points_of(things: gpd.GeoDataFrame, kinds: Iterable[str]) -> gpd.GeoDataFrame:
    """Return the things of some kinds with a point for each (the middle of buildings)."""
    found = things[things["kind"].isin(list(kinds))]
    return found.assign(geometry=shapely.centroid(found.geometry.to_numpy()))
