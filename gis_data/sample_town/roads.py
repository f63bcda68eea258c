"""The town's roads: one connected network of five classes, cut wherever there is no bridge or underpass.

In:     the plan (layout.py), the villages' lanes, a generator.
Out:    a table of road pieces from junction to junction that share their end points exactly, and the barriers.
Method: all lines are noded together on a 5 cm grid. Field tracks follow a warped lattice and end at river banks, the
        expressway's foot, villages and greenhouses. The tracks that join neighbouring villages (minimum spanning tree
        first, then more pairs until the wanted length) become village roads.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial import Delaunay
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from gis_data.sample_town import layout
from gis_data.sample_town.lanes import Village

GRID_M = 0.05
LATTICE_M = (430.0, 370.0)
LATTICE_TURN_DEG = 5.0
TRACKS_LEFT_OUT = 0.34
EXTRACT_MARGIN_M = 500.0  # an extract is cut a little outside the town
FARM_BRIDGE_SHARE = 0.3
VILLAGE_ROADS_KM = 135.0
# From most to least important; where lines overlap the first one names the road.
HIGHWAYS = ("primary", "secondary", "tertiary", "residential", "unclassified", "service", "track")
COST = {"primary": 0.5, "secondary": 0.5, "tertiary": 0.5, "residential": 0.9, "unclassified": 0.8, "track": 1.0}


@dataclass(frozen=True)
class Ground:
    """Barriers and what roads must not cut through, in metres from the anchor."""

    boundary: Polygon
    extent: Polygon
    expressway: tuple[LineString, LineString]
    expressway_middle: LineString
    river: LineString
    streams: dict[str, LineString]
    greenhouses: tuple[Polygon, ...]


def lay_ground(built_up: np.ndarray, *, rng: np.random.Generator) -> Ground:
    """Lay boundary, expressway and rivers."""
    outline = layout.boundary(built_up)
    extent = outline.convex_hull.buffer(EXTRACT_MARGIN_M)
    river = layout.wavy(layout.smooth(layout.MAIN_RIVER), rng=rng, amplitude_m=11, length_m=620)
    streams = {
        name: layout.wavy(layout.smooth(points), rng=rng, amplitude_m=10, length_m=410)
        for name, points in layout.STREAMS.items()
    }
    middle = layout.smooth(layout.EXPRESSWAY)
    lanes = tuple(middle.offset_curve(side * layout.EXPRESSWAY_HALF_M) for side in (-1, 1))
    clipped = [_longest(line.intersection(extent)) for line in (*lanes, middle, river, *streams.values())]
    clusters = tuple(
        shapely.affinity.rotate(shapely.box(x - 285, y - 115, x + 285, y + 115), rng.uniform(-6, 6))
        for x, y in layout.GREENHOUSE_CLUSTERS
    )
    return Ground(
        outline, extent, (clipped[0], clipped[1]), clipped[2], clipped[3],
        dict(zip(streams, clipped[4:], strict=True)), clusters,
    )  # fmt: skip


def build_roads(villages: Mapping[str, Village], ground: Ground, *, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Build all roads but the expressway.

    Returns
    -------
    GeoDataFrame
        One row for each piece between junctions: ``highway``, ``name``, ``ref``, ``source`` (line it was cut from),
        ``crossing`` ("bridge", "underpass" or ""), ``lit``, ``village`` (of lanes), ``length_m``, geometry in metres
        from the anchor.
    """
    lines = pd.DataFrame([*_main_lines(villages), *_seat_lines(villages), *_park_lines(), *_village_lines(villages)])
    lines["geometry"] = shapely.intersection(lines["geometry"].to_numpy(), ground.extent)
    lines["crossing"] = ""
    lines = _cut_at_barriers(lines, ground)
    tracks = _tracks(lines, villages, ground, rng=rng)
    pieces = _node(pd.concat([lines, tracks], ignore_index=True))
    pieces = _without_stubs(pieces)
    return _name_village_roads(pieces, villages)


def _line(
    source: str,
    highway: str,
    line: BaseGeometry,
    *,
    name: str = "",
    ref: str = "",
    lit: bool = False,
    village: str = "",
) -> dict[str, object]:
    return {
        "source": source,
        "highway": highway,
        "name": name,
        "ref": ref,
        "lit": lit,
        "village": village,
        "geometry": line,
    }


def _main_lines(villages: Mapping[str, Village]) -> list[dict[str, object]]:
    found = [
        _line("provincial", "primary", layout.smooth(layout.PROVINCIAL), name=layout.PROVINCIAL_NAME, ref="S901"),
        _line("county", "secondary", layout.smooth(layout.COUNTY), name=layout.COUNTY_NAME, ref="X902"),
    ]
    main = [line["geometry"] for line in found]
    for number, (name, stops) in enumerate(layout.TOWNSHIP.items(), start=1):
        route = LineString(_through_villages(stops, villages))
        found.append(_line(f"township{number}", "tertiary", _join_main(route, main), name=name, ref=f"Y90{number}"))
    return found


def _through_villages(stops: tuple[object, ...], villages: Mapping[str, Village]) -> list[tuple[float, float]]:
    """Return the points of a township road: through each village along its main streets."""
    middles = [villages[stop].centre if isinstance(stop, str) else np.array(stop) for stop in stops]
    route: list[tuple[float, float]] = []
    for at, stop in enumerate(stops):
        if not isinstance(stop, str):
            route.append(tuple(middles[at]))
            continue
        before, after = middles[max(at - 1, 0)], middles[min(at + 1, len(stops) - 1)]
        ends = np.array(list(villages[stop].ends.values()))
        inward = ends[np.hypot(*(ends - before).T).argmin()]
        outward = ends[np.hypot(*(ends - after).T).argmin()]
        route += [tuple(inward), tuple(villages[stop].centre), tuple(outward)]
    return list(dict.fromkeys(route))


def _join_main(route: LineString, main: list[BaseGeometry]) -> LineString:
    """Move the first and last point onto the main road they are meant to meet."""
    xy = shapely.get_coordinates(route)
    for at in (0, -1):
        near = min(main, key=Point(xy[at]).distance)
        if Point(xy[at]).distance(near) < 150:
            xy[at] = shapely.get_coordinates(near.interpolate(near.project(Point(xy[at]))))[0]
    return LineString(xy)


def _seat_lines(villages: Mapping[str, Village]) -> list[dict[str, object]]:
    """Return the streets of the seat between its two villages, and the market street."""
    found = [_line("market", "residential", LineString(layout.MARKET_STREET), name="集市街", lit=True)]
    both = shapely.union_all([villages["V001"].outline, villages["V002"].outline])
    for number, x in enumerate(layout.SEAT_STREETS_X, start=1):
        open_ground = LineString([(x, -420), (x, 330)]).difference(both)
        middle = min(shapely.get_parts(open_ground), key=lambda part: part.distance(Point(x, -80)))
        south, north = middle.bounds[1], middle.bounds[3]
        street = LineString([(x, max(south, -230)), (x, min(north, 160))])
        found.append(_line(f"seat{number}", "residential", street, name=f"振兴{number}路", lit=True))
    return found


def _park_lines() -> list[dict[str, object]]:
    west, south, east, north = layout.PARK.bounds
    rows = [LineString([(west + 30, y), (east - 30, y)]) for y in (north - 230, south + 330)]
    cols = [LineString([(x, south + 330), (x, north - 230)]) for x in (west + 30, west + 420, east - 30)]
    return [_line(f"park{k}", "service", line, name="园区内部路", lit=True) for k, line in enumerate(rows + cols)]


def _village_lines(villages: Mapping[str, Village]) -> list[dict[str, object]]:
    found = []
    for key, village in villages.items():
        found += [
            _line(f"{key}m{k}", "residential", line, lit=True, village=key) for k, line in enumerate(village.main)
        ]
        found += [
            _line(f"{key}l{k}", "service", line, lit=bool(lit), village=key)
            for k, (line, lit) in enumerate(zip(village.lanes, village.lit, strict=True))
        ]
        found.append(_line(f"{key}r", "track", LineString(village.outline.exterior.coords)))
    return found


def _cut_at_barriers(lines: pd.DataFrame, ground: Ground) -> pd.DataFrame:
    """Cut the main roads at the barriers: the piece over a river is a bridge, under the expressway an underpass."""
    main = lines["highway"].isin(("primary", "secondary", "tertiary"))
    # A bridge spans the banks, measured along its own road, so that also an oblique road touches no water beside it.
    waters = shapely.union_all([ground.river.buffer(layout.RIVER_BANK_M), *_stream_banks(ground)])
    over = shapely.intersection(lines.geometry[main].to_numpy(), waters)
    under = shapely.intersection(
        lines.geometry[main].to_numpy(), ground.expressway_middle.buffer(layout.EXPRESSWAY_BANK_M)
    )
    rest = shapely.difference(
        lines.geometry[main].to_numpy(),
        shapely.union_all([waters, ground.expressway_middle.buffer(layout.EXPRESSWAY_BANK_M)]),
    )
    parts = [
        lines[main].assign(geometry=shapes, crossing=crossing)
        for shapes, crossing in ((rest, ""), (over, "bridge"), (under, "underpass"))
    ]
    inside = lines[~main].assign(geometry=shapely.difference(lines.geometry[~main].to_numpy(), waters))
    return _exploded(pd.concat([*parts, inside], ignore_index=True))


def _stream_banks(ground: Ground) -> list[BaseGeometry]:
    return [line.buffer(layout.STREAM_BANK_M) for line in ground.streams.values()]


def _exploded(lines: pd.DataFrame) -> pd.DataFrame:
    parts, at = shapely.get_parts(lines["geometry"].to_numpy(), return_index=True)
    found = lines.iloc[at].assign(geometry=parts).reset_index(drop=True)
    return found[shapely.length(found["geometry"].to_numpy()) > GRID_M]


def _tracks(
    lines: pd.DataFrame, villages: Mapping[str, Village], ground: Ground, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the field tracks: a warped lattice without what lies in water, villages or greenhouses."""
    edges, source = _lattice(rng)
    kept = rng.random(len(edges)) > TRACKS_LEFT_OUT
    kept &= ~_beside_main_road(edges, lines)
    edges, source = edges[kept], source[kept]
    water = ground.river.buffer(layout.RIVER_BANK_M)
    foot = ground.expressway_middle.buffer(layout.EXPRESSWAY_BANK_M)
    outlines = [village.outline for village in villages.values()]
    solid = shapely.union_all([water, foot, layout.PARK, layout.SEAT_GROUND, *outlines, *ground.greenhouses])
    tracks = pd.DataFrame({"source": source, "geometry": shapely.difference(edges, solid), "crossing": ""})
    tracks["geometry"] = shapely.intersection(tracks["geometry"].to_numpy(), ground.extent)
    banks = shapely.union_all(_stream_banks(ground))
    wet = shapely.intersects(tracks["geometry"].to_numpy(), banks)
    bridged = wet & (rng.random(len(tracks)) < FARM_BRIDGE_SHARE)
    shapes = tracks["geometry"].to_numpy()
    dry = tracks.assign(geometry=shapely.difference(shapes, banks))
    over = tracks[bridged].assign(geometry=shapely.intersection(shapes[bridged], banks), crossing="bridge")
    rings = [LineString(cluster.exterior.coords) for cluster in ground.greenhouses]
    round_houses = pd.DataFrame({"source": [f"g{k}" for k in range(len(rings))], "crossing": "", "geometry": rings})
    found = _exploded(pd.concat([dry, over, round_houses], ignore_index=True))
    return found.assign(highway="track", name="", ref="", lit=False, village="")


def _lattice(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    step = np.array(LATTICE_M)
    i, j = np.mgrid[-21:22, -19:20]
    flat = np.stack([i * step[0], j * step[1]], axis=-1).astype(float)
    turn = np.radians(LATTICE_TURN_DEG)
    xy = flat @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    phase = rng.uniform(0, 2 * np.pi, 4)
    xy = xy + 75 * np.stack([
        np.sin(xy[..., 1] / 610 + phase[0]) + np.sin(xy[..., 0] / 930 + phase[1]),
        np.sin(xy[..., 0] / 700 + phase[2]) + np.sin(xy[..., 1] / 870 + phase[3]),
    ], axis=-1) + rng.normal(0, 14, xy.shape)  # fmt: skip
    east = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=2).reshape(-1, 2, 2))
    north = shapely.linestrings(np.stack([xy[:, :-1], xy[:, 1:]], axis=2).reshape(-1, 2, 2))
    names = [f"te{b}" for b in j[:-1].ravel()] + [f"tn{a}" for a in i[:, :-1].ravel()]
    return np.concatenate([east, north]), np.array(names, dtype=object)


def _beside_main_road(edges: np.ndarray, lines: pd.DataFrame) -> np.ndarray:
    """Tell which lattice edges would run alongside a main road."""
    main = lines["geometry"][lines["highway"].isin(("primary", "secondary", "tertiary"))].to_numpy()
    strip = shapely.buffer(shapely.union_all(main), 110)
    inside = shapely.length(shapely.intersection(edges, strip))
    return inside > 0.62 * shapely.length(edges)


def _node(lines: pd.DataFrame) -> gpd.GeoDataFrame:
    """Cut all lines at their common points, on a grid, and give each piece the tags of its best line."""
    order = lines["highway"].map({name: rank for rank, name in enumerate(HIGHWAYS)})
    lines = lines.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)
    shapes = lines["geometry"].to_numpy()
    noded = shapely.get_parts(shapely.union_all(shapes, grid_size=GRID_M))
    middles = shapely.line_interpolate_point(noded, 0.5, normalized=True)
    piece, line = shapely.STRtree(shapes).query(middles, predicate="dwithin", distance=4 * GRID_M)
    best = np.full(len(noded), len(lines))
    np.minimum.at(best, piece, line)
    found = lines.iloc[best].assign(geometry=noded).reset_index(drop=True)
    along = shapely.line_locate_point(shapes[best], middles)
    found = found.assign(order=best, along=along).sort_values(["order", "along"], kind="stable")
    frame = gpd.GeoDataFrame(found.drop(columns=["along"]).reset_index(drop=True), geometry="geometry")
    return frame.assign(length_m=frame.length)


def ends(pieces: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the junctions at which pieces start and end (equal points have equal numbers)."""
    lines = pieces["geometry"].to_numpy()
    first, last = (shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1))
    keys = np.round(np.concatenate([first, last]) / GRID_M).astype(np.int64)
    _, number = np.unique(keys, axis=0, return_inverse=True)
    number = number.ravel()
    return number[: len(lines)], number[len(lines) :]


def _without_stubs(pieces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Drop short dead ends of tracks, and pieces that hang together with nothing."""
    for _ in range(3):
        start, end = ends(pieces)
        degree = np.bincount(np.concatenate([start, end]))
        dead = (degree[start] == 1) | (degree[end] == 1)
        pieces = pieces[~(dead & (pieces["highway"] == "track").to_numpy() & (pieces["length_m"] < 110).to_numpy())]
    start, end = ends(pieces)
    part = _components(start, end)
    size = np.bincount(part, weights=pieces["length_m"])
    return pieces[part == size.argmax()].reset_index(drop=True)


def _components(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    from scipy.sparse.csgraph import connected_components

    size = int(max(start.max(), end.max())) + 1
    _, label = connected_components(coo_matrix((np.ones(len(start)), (start, end)), shape=(size, size)), directed=False)
    return label[start]


def _name_village_roads(pieces: gpd.GeoDataFrame, villages: Mapping[str, Village]) -> gpd.GeoDataFrame:
    """Turn the tracks that villages use to reach each other into village roads."""
    walk = pieces[pieces["highway"] != "service"]
    start, end = ends(pieces)
    start, end = start[walk.index], end[walk.index]
    cost = walk["length_m"].to_numpy() * walk["highway"].map(COST).to_numpy()
    size = int(max(start.max(), end.max())) + 1
    graph, piece_at = _graph(start, end, cost, size)
    pairs, routes = _routes(graph, piece_at, start, end, walk, villages)
    highway = pieces["highway"].to_numpy(dtype=object).copy()
    length = pieces["length_m"].to_numpy()
    for _, route in sorted(zip(pairs, routes, strict=True), key=lambda found: found[0]):
        if length[highway == "unclassified"].sum() > VILLAGE_ROADS_KM * 1000:
            break
        at = walk.index.to_numpy()[route]
        highway[at[highway[at] == "track"]] = "unclassified"
    return pieces.assign(highway=highway)


def _graph(
    start: np.ndarray, end: np.ndarray, cost: np.ndarray, size: int
) -> tuple[csr_matrix, dict[tuple[int, int], int]]:
    """Return the network as a matrix (the cheaper of parallel pieces), and which piece joins two junctions."""
    at: dict[tuple[int, int], int] = {}
    for k in np.argsort(-cost, kind="stable").tolist():
        a, b = int(start[k]), int(end[k])
        at[a, b] = at[b, a] = k
    pairs = np.array(list(at), dtype=np.int64)
    return csr_matrix((cost[list(at.values())], pairs.T), shape=(size, size)), at


def _routes(
    graph: csr_matrix,
    piece_at: dict[tuple[int, int], int],
    start: np.ndarray,
    end: np.ndarray,
    walk: pd.DataFrame,
    villages: Mapping[str, Village],
) -> tuple[list[tuple[int, float]], list[list[int]]]:
    """Return routes between neighbouring villages with their rank: the spanning tree first, then by distance."""
    centres = np.array([village.centre for village in villages.values()])
    homes = _nearest_junction(centres, start, end, walk)
    cost, before = dijkstra(graph, directed=False, indices=homes, return_predecessors=True)
    corners = Delaunay(centres).simplices
    near = sorted({tuple(sorted((int(t[a]), int(t[b])))) for t in corners for a, b in ((0, 1), (1, 2), (0, 2))})
    between = np.array([cost[a, homes[b]] for a, b in near])
    tree = minimum_spanning_tree(coo_matrix((between, np.array(near).T), shape=(len(homes), len(homes))).tocsr())
    in_tree = set(zip(*(side.tolist() for side in tree.nonzero()), strict=True))
    ranks = [(0 if pair in in_tree else 1, float(value)) for pair, value in zip(near, between, strict=True)]
    return ranks, [_walk_back(before[a], homes[a], homes[b], piece_at) for a, b in near]


def _nearest_junction(centres: np.ndarray, start: np.ndarray, end: np.ndarray, walk: pd.DataFrame) -> np.ndarray:
    streets = (walk["village"] != "").to_numpy() | walk["highway"].eq("tertiary").to_numpy()
    lines = walk["geometry"].to_numpy()
    points = np.concatenate([shapely.get_point(lines, 0)[streets], shapely.get_point(lines, -1)[streets]])
    numbers = np.concatenate([start[streets], end[streets]])
    return numbers[shapely.STRtree(points).query_nearest(shapely.points(centres), all_matches=False)[1]]


def _walk_back(before: np.ndarray, home: int, to: int, piece_at: dict[tuple[int, int], int]) -> list[int]:
    route = []
    while to != home and before[to] >= 0:
        route.append(piece_at[int(before[to]), int(to)])
        to = before[to]
    return route


def _longest(shape: BaseGeometry) -> LineString:
    return max(shapely.get_parts(shape), key=lambda part: part.length)
