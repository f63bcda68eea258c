"""Cells: the square grid on which ground is counted, and which neighbours can be walked to.

In:     the study's boundary, villages, roads, barriers and crossings.
Out:    CELLS (each belongs to one village) and CELL_EDGES (rook neighbours not parted by a barrier, except where a
        road crosses it).
Method: villages given as polygons own the cells whose middle they hold; villages given as points own the cells that are
        nearest along the walkable grid (multi-source Dijkstra), so that every territory is in one piece and no
        territory reaches across a river without a bridge.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from gis_data.errors import InputError
from gis_data.streets import DRIVEN
from gis_data.study import Study
from gis_data.tables import CELL_EDGES, CELLS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLIVER_SHARE = 0.10  # a cell with less land than this joins its fullest neighbour
ONE_WALL_M = 60.0  # barriers of one kind this close are one wall: two carriageways, two tracks, ways joined end to end


def make_cells(
    study: Study,
    villages: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    crossings: gpd.GeoDataFrame,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the tables CELLS and CELL_EDGES of a study.

    Every square metre inside the boundary belongs to exactly one cell; cells are numbered row by row from the south.
    """
    cells = _land_squares(study)
    edges = walkable_edges(cells, barriers, crossings, size=study.settings.cell_size_m)
    matrix = edge_matrix(len(cells), edges)
    cells["component"] = connected_components(matrix, directed=False)[1]
    cells["road_m"] = road_metres(cells, roads)
    cells["village_id"] = _owners(cells, villages, matrix)
    return CELLS.conform(cells, crs=study.crs), CELL_EDGES.conform(edges)


def locate(cells: gpd.GeoDataFrame, points: gpd.GeoSeries) -> Ints:
    """Return the cell that holds each point, -1 where there is none."""
    tree = shapely.STRtree(cells.geometry.to_numpy())
    found = np.full(len(points), -1, dtype=np.int64)
    point, cell = tree.query(points.to_numpy(), predicate="intersects")
    # On a shared edge the cell with the lower number takes the point, so that sums stay sums.
    order = np.lexsort((-cell, point))
    found[point[order]] = cells["cell_id"].to_numpy()[cell[order]]
    return found


def village_territories(cells: gpd.GeoDataFrame, villages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the villages with the ground of their cells as polygon."""
    ground = cells[cells["village_id"] != ""].dissolve("village_id")[["geometry"]]
    table = villages.drop(columns="geometry").merge(ground, left_on="village_id", right_index=True, how="inner")
    return gpd.GeoDataFrame(table, geometry="geometry", crs=cells.crs)


def edge_matrix(size: int, edges: pd.DataFrame) -> csr_array:
    """Return the walkable neighbourhood as a symmetric sparse matrix of ones; cell ids are row numbers."""
    a, b = edges["cell_a"].to_numpy(), edges["cell_b"].to_numpy()
    ones = np.ones(2 * len(edges))
    return csr_array((ones, (np.r_[a, b], np.r_[b, a])), shape=(size, size))


def cell_travel_min(
    cells: gpd.GeoDataFrame, edges: pd.DataFrame, from_cells: Ints, to_cells: Ints, *, speed_km_per_h: float = 25.0
) -> Floats:
    """Return minutes between cells along walkable neighbours, for a study without roads; shape (n, m)."""
    xy = cells[["x", "y"]].to_numpy()
    a, b = edges["cell_a"].to_numpy(), edges["cell_b"].to_numpy()
    minutes = np.hypot(*(xy[a] - xy[b]).T) * 0.06 / speed_km_per_h
    matrix = csr_array((np.r_[minutes, minutes], (np.r_[a, b], np.r_[b, a])), shape=(len(cells), len(cells)))
    return np.asarray(dijkstra(matrix, indices=from_cells))[:, to_cells]


def _land_squares(study: Study) -> gpd.GeoDataFrame:
    size = study.settings.cell_size_m
    west, south, east, north = study.boundary.bounds
    cols = np.arange(np.floor(west / size), np.ceil(east / size))
    rows = np.arange(np.floor(south / size), np.ceil(north / size))
    row, col = (grid.ravel() for grid in np.meshgrid(rows, cols, indexing="ij"))
    squares = shapely.box(col * size, row * size, (col + 1) * size, (row + 1) * size)
    shapely.prepare(study.boundary)
    touched = shapely.intersects(squares, study.boundary)
    row, col, squares = row[touched], col[touched], squares[touched]
    inside = shapely.covered_by(squares, study.boundary)
    land = squares.copy()
    land[~inside] = shapely.intersection(squares[~inside], study.boundary)
    frame = gpd.GeoDataFrame({"row": row - rows[0], "col": col - cols[0]}, geometry=land, crs=study.crs)
    frame["geometry"] = _polygons_only(frame.geometry.to_numpy())
    frame = frame[frame.area > 0].reset_index(drop=True)
    return _numbered(_without_slivers(frame, size), origin=(cols[0], rows[0]), size=size)


def _polygons_only(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    mixed = np.array([shape.geom_type == "GeometryCollection" for shape in shapes])
    shapes = shapes.copy()
    for index in np.flatnonzero(mixed):
        parts = [part for part in shapes[index].geoms if "Polygon" in part.geom_type]
        shapes[index] = shapely.union_all(parts) if parts else shapely.Polygon()
    return shapes


def _without_slivers(frame: gpd.GeoDataFrame, size: float) -> gpd.GeoDataFrame:
    area = frame.area.to_numpy()
    sliver = area < SLIVER_SHARE * size**2
    place = {(row, col): index for index, (row, col) in enumerate(zip(frame["row"], frame["col"], strict=True))}
    host = np.arange(len(frame))
    for index in np.flatnonzero(sliver):
        row, col = frame["row"].iloc[index], frame["col"].iloc[index]
        keys = ((row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1))
        near = [place[key] for key in keys if key in place and not sliver[place[key]]]
        if near:
            host[index] = max(near, key=area.__getitem__)
    if (host == np.arange(len(frame))).all():
        return frame
    joined = frame[["geometry"]].assign(host=host).dissolve("host", method="unary")
    return gpd.GeoDataFrame(frame.drop(columns="geometry").loc[joined.index], geometry=joined.geometry)


def _numbered(frame: gpd.GeoDataFrame, *, origin: tuple[float, float], size: float) -> gpd.GeoDataFrame:
    frame = frame.sort_values(["row", "col"]).reset_index(drop=True)
    x, y = (frame["col"] + origin[0] + 0.5) * size, (frame["row"] + origin[1] + 0.5) * size
    on_land = shapely.contains_xy(frame.geometry.to_numpy(), x, y)
    inside = frame.geometry.representative_point()
    return frame.assign(
        cell_id=np.arange(len(frame)),
        x=np.where(on_land, x, inside.x),
        y=np.where(on_land, y, inside.y),
        area_m2=frame.area,
    )


def walkable_edges(
    cells: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, crossings: gpd.GeoDataFrame, *, size: float
) -> pd.DataFrame:
    """Return the pairs of neighbouring cells (CELL_EDGES) that no barrier parts except where a road crosses it."""
    a, b = _rook_neighbours(cells)
    shapes = cells.geometry.to_numpy()
    border_m = shapely.length(shapely.intersection(shapes[a], shapes[b]))
    touching = border_m > 1e-6
    a, b, border_m = a[touching], b[touching], border_m[touching]
    open_ = ~_blocked(cells, a, b, barriers, crossings, size=size)
    return pd.DataFrame({"cell_a": a[open_], "cell_b": b[open_], "border_m": border_m[open_]})


def _rook_neighbours(cells: gpd.GeoDataFrame) -> tuple[Ints, Ints]:
    shapes = cells.geometry.to_numpy()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="touches")
    return a[a < b], b[a < b]


def _blocked(
    cells: gpd.GeoDataFrame, a: Ints, b: Ints, barriers: gpd.GeoDataFrame, crossings: gpd.GeoDataFrame, *, size: float
) -> NDArray[np.bool_]:
    """Tell which steps between cell middles meet a wall that no road crosses in either cell."""
    # A wall drawn exactly through a row of middles must leave each of them on one bank: look from a hand's breadth off.
    xy = cells[["x", "y"]].to_numpy() + np.array([0.11, 0.07])
    steps = shapely.linestrings(np.stack([xy[a], xy[b]], axis=1))
    wall = _walls(barriers)
    barrier, step = shapely.STRtree(steps).query(barriers.geometry.to_numpy(), predicate="intersects")
    meets = pd.DataFrame({"step": step, "wall": wall[barrier]}).drop_duplicates()
    gates = _gates(cells, a, b, meets, barriers, wall, crossings, size=size)
    closed = ~(_has(gates, a[meets["step"]], meets["wall"]) | _has(gates, b[meets["step"]], meets["wall"]))
    blocked = np.zeros(len(steps), dtype=bool)
    blocked[meets["step"][closed]] = True
    return blocked


def _walls(barriers: gpd.GeoDataFrame) -> Ints:
    """Return which wall each barrier is part of: one river has many ways, one expressway two carriageways."""
    lines, kind = barriers.geometry.to_numpy(), barriers["kind"].to_numpy()
    a, b = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=ONE_WALL_M)
    same = kind[a] == kind[b]
    near = csr_array((np.ones(same.sum()), (a[same], b[same])), shape=(len(lines), len(lines)))
    return np.asarray(connected_components(near, directed=False)[1], dtype=np.int64)


def _gates(
    cells: gpd.GeoDataFrame, a: Ints, b: Ints, meets: pd.DataFrame, barriers: gpd.GeoDataFrame, wall: Ints,
    crossings: gpd.GeoDataFrame, *, size: float,
) -> pd.MultiIndex:  # fmt: skip
    """Return the pairs (cell, wall) in which a road crosses that wall.

    Where a wall only cuts the corner of the crossing's cell, none of its steps meets the wall: the crossing then counts
    for the neighbours within half a cell as well.
    """
    crossed = pd.Series(wall, index=barriers["barrier_id"]).loc[crossings["barrier_id"]].to_numpy()
    home = pd.MultiIndex.from_arrays([locate(cells, crossings.geometry), crossed], names=["cell", "wall"])
    ends = np.concatenate([a[meets["step"]], b[meets["step"]]])
    at_wall = pd.MultiIndex.from_arrays([ends, np.tile(meets["wall"], 2)])
    idle = ~home.isin(at_wall)
    tree = shapely.STRtree(cells.geometry.to_numpy())
    crossing, cell = tree.query(crossings.geometry.to_numpy()[idle], predicate="dwithin", distance=size / 2)
    lent = pd.MultiIndex.from_arrays([cells["cell_id"].to_numpy()[cell], crossed[idle][crossing]])
    return home.append(lent).unique()


def _has(gates: pd.MultiIndex, cell: Ints, wall: pd.Series) -> NDArray[np.bool_]:
    return np.asarray(pd.MultiIndex.from_arrays([cell, wall]).isin(gates))


def road_metres(cells: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> Floats:
    """Return the metres of road to patrol in each cell."""
    driven = roads[roads["road_class"].isin(DRIVEN)].geometry.to_numpy()
    shapes = cells.geometry.to_numpy()
    cell, road = shapely.STRtree(driven).query(shapes, predicate="intersects")
    pieces, pair = shapely.get_parts(shapely.intersection(driven[road], shapes[cell]), return_index=True)
    metres, cell = shapely.length(pieces), cell[pair]
    pieces, cell, metres = pieces[metres > 0], cell[metres > 0], metres[metres > 0]
    # A road along the edge of two cells is found in both; its metres belong to the cell that owns the edge.
    middle = gpd.GeoSeries(shapely.line_interpolate_point(pieces, 0.5, normalized=True))
    owner = locate(cells, middle)
    metres[(owner >= 0) & (owner != cell)] = 0.0
    return np.bincount(cell, weights=metres, minlength=len(cells)).astype(np.float64)


def _owners(cells: gpd.GeoDataFrame, villages: gpd.GeoDataFrame, matrix: csr_array) -> NDArray[np.object_]:
    if villages.empty:
        return np.full(len(cells), "", dtype=object)
    if len(villages) > len(cells):
        raise InputError("streets.few_cells", villages=len(villages), cells=len(cells))
    names = villages["village_id"].to_numpy(dtype=object)
    owner = np.full(len(cells), -1)
    middles = gpd.points_from_xy(cells["x"], cells["y"])
    areal = (villages.geometry.geom_type != "Point").to_numpy()
    if areal.any():
        tree = shapely.STRtree(villages.geometry.to_numpy()[areal])
        cell, village = tree.query(middles, predicate="intersects")
        owner[cell[::-1]] = np.flatnonzero(areal)[village[::-1]]
    seeds = _centre_cells(cells, villages, owner)
    owner[seeds] = np.arange(len(villages))
    free = owner < 0
    if free.any():
        owner[free] = _nearest_along_grid(cells, matrix, owner)[free]
    return names[owner]


def _centre_cells(cells: gpd.GeoDataFrame, villages: gpd.GeoDataFrame, owner: NDArray[np.int64]) -> Ints:
    """Give each village its own centre cell; where two centres share one, the later village takes the next nearest."""
    centre = villages.geometry.representative_point()
    xy = np.column_stack([centre.x, centre.y])
    middle = cells[["x", "y"]].to_numpy()
    taken: set[int] = set()
    seeds = []
    for index, point in enumerate(xy):
        nearest = np.argsort(np.hypot(*(middle - point).T), kind="stable")
        own = [cell for cell in nearest[: len(taken) + 9] if owner[cell] in (-1, index) and cell not in taken]
        seed = int(own[0] if own else next(cell for cell in nearest if cell not in taken))
        taken.add(seed)
        seeds.append(seed)
    return np.array(seeds)


def _nearest_along_grid(cells: gpd.GeoDataFrame, matrix: csr_array, owner: NDArray[np.int64]) -> Ints:
    xy = cells[["x", "y"]].to_numpy()
    coo = matrix.tocoo()
    weight = np.hypot(*(xy[coo.row] - xy[coo.col]).T)
    graph = csr_array((weight, (coo.row, coo.col)), shape=matrix.shape)
    known = np.flatnonzero(owner >= 0)
    distance, _, source = dijkstra(graph, indices=known, min_only=True, return_predecessors=True)
    found = np.where(np.isfinite(distance), owner[np.where(source >= 0, source, 0)], -1)
    # Ground that no village reaches (behind a river with no bridge in the study) goes to the nearest as the crow flies.
    for cell in np.flatnonzero(found < 0):
        found[cell] = owner[known[np.argmin(np.hypot(*(xy[known] - xy[cell]).T))]]
    return found
