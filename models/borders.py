"""Borders to be drawn: the stepped ground of villages or zones, smooth and along rivers and roads where these are near.

In:     grounds made of cells, which leave no gap and do not overlap; the points that must stay inside; lines on the
        ground; polygons that some of them are known by.
Out:    the same grounds with the borders that maps, sheets and exports show. Plans go on counting by the cells.
Method: 1. A border runs through the middles of the cells' edges instead of their corners, so that a staircase becomes a
           slope and neither side gains; then it is simplified as a coverage (Visvalingam & Whyatt 1993; in GEOS every
           shared edge stays shared).
        2. Smooth borders, lines and known polygons cut the ground into faces. A face inside a known polygon goes to it.
           A narrow face between a border and a line goes to the other side, if the border along the line is not much
           longer than the one it replaces, and the ground that gives it stays as connected as it was.
        All borders come from one set of faces, each of which has one owner: no gap and no overlap can arise.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from models.plan import Plan

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

SIMPLER = 0.4  # of a cell: side of the square whose area a bend may have and still be straightened
FARTHEST = 1.25  # of a cell: how far a border may lie from where the cells have it
DETOUR = 1.5  # how much longer the border along a line may be than the one it replaces
SAME_M = 1e-4
GRID_M = 1e-3
GREAT_ROADS = ("provincial", "county", "township")  # borders follow these; a field track is no border anyone knows


def drawn_tables(
    plan: Plan, villages: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, *, cell_size_m: float
) -> dict[str, gpd.GeoDataFrame]:
    """Return the tables "drawn_zones" and, where units are villages, "drawn_units" of a plan "zones"."""
    zones, units = plan.to_frame(), plan.tables["units"]
    great = roads[roads["road_class"].isin(GREAT_ROADS)]
    lines = np.concatenate([barriers.geometry.to_numpy(), great.geometry.to_numpy()])
    if villages.empty:
        posts = shapely.points(zones["post_x"], zones["post_y"])
        shapes = drawn_ground(zones.geometry.to_numpy(), posts, lines, [None] * len(zones), cell_size_m=cell_size_m)
        return {"drawn_zones": gpd.GeoDataFrame(zones[["zone_id"]], geometry=shapes, crs=zones.crs)}
    areal = villages[villages.geometry.geom_type != "Point"]
    polygon = dict(zip(areal["village_id"], areal.geometry, strict=True))
    known = [polygon.get(unit) for unit in units["unit_id"]]
    shapes = drawn_ground(
        units.geometry.to_numpy(), shapely.points(units["x"], units["y"]), lines, known, cell_size_m=cell_size_m
    )
    whole = [shapely.union_all(shapes[(units["zone_id"] == zone).to_numpy()]) for zone in zones["zone_id"]]
    return {
        "drawn_units": gpd.GeoDataFrame(units[["unit_id", "zone_id"]], geometry=shapes, crs=units.crs),
        "drawn_zones": gpd.GeoDataFrame(zones[["zone_id"]], geometry=whole, crs=zones.crs),
    }


def as_drawn(plans: Mapping[str, Plan]) -> dict[str, Plan]:
    """Return the plans with the zones' and villages' borders as they are drawn, for maps, sheets and exports."""
    zones = plans.get("zones")
    if zones is None:
        return dict(plans)
    tables = dict(zones.tables)
    for name in ("zones", "units"):
        if (drawn := tables.get(f"drawn_{name}")) is not None:
            table = tables[name].drop(columns="geometry")
            tables[name] = gpd.GeoDataFrame(table, geometry=drawn.geometry.to_numpy(), crs=drawn.crs)
    return {**plans, "zones": dataclasses.replace(zones, tables=tables)}


def drawn_ground(
    grounds: Shapes, inside: Shapes, lines: Shapes, known: Sequence[shapely.Geometry | None], *, cell_size_m: float
) -> Shapes:
    """Return the grounds with the borders that are drawn.

    Parameters
    ----------
    grounds
        Polygons or multipolygons made of cells, shape (n,).
    inside
        The point of each ground that stays inside it if it was, shape (n,).
    lines
        Rivers, railways, roads that a border may follow.
    known
        The polygon that a ground is really known by, None where there is none; as long as ``grounds``.

    Returns
    -------
    ndarray
        A coverage of the same ground: no gap, no overlap, no border (but a known polygon's) farther than
        ``FARTHEST`` cells from where it was, every point on its side. Where that cannot be had, the stepped grounds.
    """
    held = shapely.covers(grounds, inside)
    near = np.zeros(len(grounds), dtype=bool)
    reach = shapely.buffer(shapely.boundary(grounds), FARTHEST * cell_size_m)
    for _ in range(3):
        smooth = _smooth(grounds, inside[near], cell_size_m)
        drawn = _following(smooth, inside[held], lines, known, reach)
        lost = held & ~shapely.covers(drawn, inside)
        if not lost.any():
            break
        near |= lost
    whole = bool(shapely.coverage_is_valid(drawn)) and not shapely.is_empty(drawn).any()
    return drawn if whole and not lost.any() else grounds


def _smooth(grounds: Shapes, keep_near: Shapes, size: float) -> Shapes:
    """Return the coverage with sloping borders; those near some points stay as they are."""
    outer = shapely.boundary(shapely.union_all(grounds))
    chains = shapely.get_parts(shapely.line_merge(shapely.union_all(shapely.boundary(grounds))))
    middle = shapely.line_interpolate_point(chains, 0.5, normalized=True)
    sloping = ~shapely.dwithin(middle, outer, SAME_M)
    keep = shapely.union_all(keep_near) if len(keep_near) else None
    if keep is not None:
        sloping &= ~shapely.dwithin(chains, keep, size)
    chains[sloping] = [_through_middles(chain) for chain in shapely.segmentize(chains[sloping], size * 1.001)]
    faces = shapely.get_parts(shapely.polygonize(chains))
    smooth = _of_owners(faces, _most_overlapped(faces, grounds), len(grounds))
    if not shapely.coverage_is_valid(smooth):
        return grounds
    if keep is not None:
        return smooth
    return np.asarray(shapely.coverage_simplify(smooth, SIMPLER * size, simplify_boundary=False), dtype=object)


def _through_middles(chain: shapely.LineString) -> shapely.LineString:
    """Return a line through the middles of a line's edges, with the same ends."""
    xy = shapely.get_coordinates(chain)
    middles = (xy[1:] + xy[:-1]) / 2
    closed = bool((xy[0] == xy[-1]).all())
    return shapely.LineString(np.vstack([middles, middles[:1]] if closed else [xy[:1], middles, xy[-1:]]))


def _most_overlapped(faces: Shapes, grounds: Shapes) -> Ints:
    """Return the ground that holds most of each face, -1 for a hole."""
    face, ground = shapely.STRtree(grounds).query(faces, predicate="intersects")
    shared = shapely.area(shapely.intersection(faces[face], grounds[ground]))
    owner, most = np.full(len(faces), -1, dtype=np.int64), np.zeros(len(faces))
    for f, g, area in zip(face.tolist(), ground.tolist(), shared.tolist(), strict=True):
        if area > most[f]:
            owner[f], most[f] = g, area
    return np.where(most > shapely.area(faces) / 2, owner, -1)


def _of_owners(faces: Shapes, owner: Ints, count: int) -> Shapes:
    found = np.empty(count, dtype=object)
    for number in range(count):
        found[number] = shapely.union_all(faces[owner == number])
    return found


def _following(
    smooth: Shapes, inside: Shapes, lines: Shapes, known: Sequence[shapely.Geometry | None], reach: Shapes
) -> Shapes:  # fmt: skip
    """Return the coverage with its borders on lines and known polygons, where these are in reach of each ground."""
    polygons = np.array([shape for shape in known if shape is not None], dtype=object)
    near = [*shapely.intersection(lines, shapely.union_all(reach)), *shapely.boundary(polygons)]
    if not any(not shapely.is_empty(line) for line in near):
        return smooth
    rulers = shapely.intersection(shapely.union_all(near), shapely.union_all(smooth))
    linework = shapely.union_all([*shapely.boundary(smooth), rulers], grid_size=GRID_M)
    faces = _Faces.of(linework, smooth, rulers)
    faces.owner[:] = _by_known(faces.shapes, faces.owner, known)
    fixed = np.zeros(len(faces.shapes), dtype=bool)
    fixed[shapely.STRtree(faces.shapes).query(inside, predicate="intersects")[1]] = True
    if len(polygons):
        fixed |= shapely.dwithin(faces.shapes, shapely.union_all(shapely.boundary(polygons)), SAME_M)
    faces.settle(np.flatnonzero(~fixed), reach)
    return _of_owners(faces.shapes, faces.owner, len(smooth))


def _by_known(faces: Shapes, owner: Ints, known: Sequence[shapely.Geometry | None]) -> Ints:
    """Return the owners with each face that lies in exactly one known polygon given to it."""
    rows = np.array([number for number, shape in enumerate(known) if shape is not None], dtype=np.int64)
    polygons = np.array([known[number] for number in rows], dtype=object)
    face, polygon = shapely.STRtree(polygons).query(shapely.point_on_surface(faces), predicate="intersects")
    once = np.bincount(face, minlength=len(faces))[face] == 1
    owner = owner.copy()
    owner[face[once]] = rows[polygon[once]]
    return owner


@dataclass(frozen=True, eq=False)
class _Faces:
    """Pieces of ground, who owns each, and the edges between them.

    Attributes
    ----------
    pair
        The two faces of each edge, shape (m, 2).
    length_m, on_line
        Of each edge; whether it lies on a line that borders may follow.
    """

    shapes: Shapes
    owner: Ints
    pair: Ints
    length_m: Floats
    on_line: Flags

    @classmethod
    def of(cls, linework: shapely.Geometry, grounds: Shapes, lines: shapely.Geometry) -> "_Faces":
        shapes = shapely.get_parts(shapely.polygonize(shapely.get_parts(linework)))
        edges = shapely.get_parts(shapely.line_merge(linework))
        middle = shapely.line_interpolate_point(edges, 0.5, normalized=True)
        edge, face = shapely.STRtree(shapes).query(middle, predicate="dwithin", distance=SAME_M)
        two = np.bincount(edge, minlength=len(edges)) == 2
        order = np.argsort(edge, kind="stable")
        pair = face[order][two[edge[order]]].reshape(-1, 2)
        on_line = shapely.dwithin(middle[two], lines, 2 * GRID_M)
        return cls(shapes, _most_overlapped(shapes, grounds), pair, shapely.length(edges[two]), on_line)

    @cached_property
    def edges_of(self) -> list[list[tuple[int, float, bool]]]:
        """The neighbours of each face, with the length of the edge and whether it lies on a line."""
        found: list[list[tuple[int, float, bool]]] = [[] for _ in self.shapes]
        ends = zip(self.pair.tolist(), self.length_m.tolist(), self.on_line.tolist(), strict=True)
        for (a, b), length, ruled in ends:
            found[a].append((b, length, ruled))
            found[b].append((a, length, ruled))
        return found

    def settle(self, movable: Ints, reach: Shapes) -> None:
        """Give faces to the other side as long as that takes borders off open ground; it ends, for less is left.

        ``reach`` is how far each owner may take; who gives is then no farther from its old border.
        """
        shapely.prepare(reach)
        order = movable[np.argsort(shapely.area(self.shapes[movable]), kind="stable")].tolist()
        moved = True
        while moved:
            moved = False
            for face in order:
                taker = self._taker(face)
                if taker >= 0 and reach[taker].covers(self.shapes[face]) and self._stays_whole(face):
                    self.owner[face], moved = taker, True

    def _taker(self, face: int) -> int:
        """Return who may take a face, -1 for nobody."""
        own, kept = self.owner[face], 0.0
        free: dict[int, float] = {}
        ruled: dict[int, float] = {}
        for other, length, on_line in self.edges_of[face]:
            if self.owner[other] == own:
                kept += length if on_line else np.inf
            elif self.owner[other] >= 0:
                side = ruled if on_line else free
                side[int(self.owner[other])] = side.get(int(self.owner[other]), 0.0) + length
        taker = max(free, key=lambda name: free[name], default=-1)
        if taker < 0 or kept == 0.0 or kept > DETOUR * (free[taker] + ruled.get(taker, 0.0)):
            return -1
        return taker

    def _stays_whole(self, face: int) -> bool:
        """Tell whether its owner's ground is in no more pieces without a face."""
        own = self.owner[face]
        wanted = {other for other, _, _ in self.edges_of[face] if self.owner[other] == own}
        edge = [wanted.pop()]
        seen = {face, *edge}
        while wanted and edge:
            for other, _, _ in self.edges_of[edge.pop()]:
                if other not in seen and self.owner[other] == own:
                    seen.add(other)
                    edge.append(other)
                    wanted.discard(other)
        return not wanted
