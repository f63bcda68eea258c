"""Draws the ground of the base map, a block of tiles at a time: water, land use, buildings, roads by class, names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from PIL import Image, ImageDraw

from views.basemap.look import (
    BUILDING,
    BUILDING_EDGE,
    EARTH_M,
    HALO,
    LAND,
    PAPER,
    RAILWAY,
    ROADS,
    TILE_PX,
    WATER,
    WATER_EDGE,
    Block,
    Floats,
    RoadLook,
    Shapes,
    density,
    mercator,
)
from views.basemap.names import Label, labels, placed_names, size_px, village_points
from views.fonts import pillow_font


@dataclass(frozen=True)
class Ground:
    """Everything that is drawn, in Web Mercator metres, each layer with an index for the blocks."""

    boundary: shapely.Geometry
    land: Mapping[str, shapely.STRtree]
    water: shapely.STRtree
    rivers: shapely.STRtree
    railways: shapely.STRtree
    buildings: shapely.STRtree
    roads: Mapping[str, shapely.STRtree]
    labels: tuple[Label, ...]

    @classmethod
    def of(cls, tables: Mapping[str, gpd.GeoDataFrame], boundary: shapely.Geometry) -> "Ground":
        """Project the tables and sort them by how they are drawn."""
        points = tables["villages"].set_geometry(village_points(tables["villages"]))
        flat = {name: mercator(table) for name, table in (*tables.items(), ("village points", points))}
        barriers, roads, land = flat["barriers"], flat["roads"], flat["landuse"]
        colours = land["kind"].map(LAND)
        return cls(
            boundary=boundary,
            land={str(colour): _tree(part) for colour, part in land.groupby(colours, sort=False)},
            water=_tree(flat["water"]),
            rivers=_tree(barriers[barriers["kind"] == "river"]),
            railways=_tree(barriers[barriers["kind"] == "railway"]),
            buildings=_tree(flat["buildings"]),
            roads={name: _tree(roads[roads["road_class"] == name]) for name in ROADS},
            labels=tuple(labels(flat)),
        )


def _tree(table: gpd.GeoDataFrame) -> shapely.STRtree:
    return shapely.STRtree(table.geometry.to_numpy())


def draw_block(ground: Ground, zoom: int, block: Block) -> Image.Image:
    """Draw a block of tiles of one zoom."""
    pane = _Pane(zoom, block)
    for colour, tree in ground.land.items():
        pane.fill(tree, colour)
    pane.fill(ground.water, WATER, edge=WATER_EDGE)
    pane.line(ground.rivers, WATER, max(1.0, 0.6 * (zoom - 10)))
    if zoom >= 14:
        pane.fill(ground.buildings, BUILDING, edge=BUILDING_EDGE if zoom >= 16 else "", least_px=1.5)
    shown = [(look, ground.roads[name]) for name, look in ROADS.items() if zoom >= look.first_zoom]
    for look, tree in shown:
        if look.casing:
            pane.line(tree, look.casing, _road_width(look, zoom) + (1.6 if zoom >= 14 else 1.0))
    pane.line(ground.railways, RAILWAY, 2.0)
    pane.line(ground.railways, PAPER, 1.0, dash=(4.0, 4.0))
    for look, tree in shown:
        pane.line(tree, look.core, _road_width(look, zoom), dash=(3.0, 2.0) if look.dash else None)
    pane.veil(ground.boundary)
    picture = pane.picture()
    _write(picture, ground.labels, pane, ground.boundary.bounds)
    return picture


def _road_width(look: RoadLook, zoom: int) -> float:
    return look.width_px[max(0, min(zoom - 12, len(look.width_px) - 1))] or 0.6


class _Pane:
    """A canvas over one block; geometry is taken from an index, simplified to the pixel and drawn."""

    def __init__(self, zoom: int, block: Block) -> None:
        self.zoom = zoom
        self.density = density(zoom)
        self.metre_px = TILE_PX * 2**zoom * self.density / EARTH_M  # pixels a mercator metre
        west, north, east, south = block
        self.left, self.top = west * TILE_PX * self.density, north * TILE_PX * self.density
        self.width, self.height = (east - west) * TILE_PX * self.density, (south - north) * TILE_PX * self.density
        self.window = shapely.box(*self._ground(-16, self.height + 16), *self._ground(self.width + 16, -16))
        self.figure = Figure(figsize=(self.width / 100, self.height / 100), dpi=100, facecolor=PAPER)
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, self.width), ylim=(self.height, 0))
        self.axes.set_axis_off()

    def _ground(self, x: float, y: float) -> tuple[float, float]:
        return (x + self.left) / self.metre_px - EARTH_M / 2, EARTH_M / 2 - (y + self.top) / self.metre_px

    def pixels(self, xy: Floats) -> Floats:
        """Return mercator metres as pixels of this pane."""
        across = (xy[:, 0] + EARTH_M / 2) * self.metre_px - self.left
        return np.column_stack([across, (EARTH_M / 2 - xy[:, 1]) * self.metre_px - self.top])

    def near(self, tree: shapely.STRtree) -> Shapes:
        """Return the shapes in sight, simplified to a third of a pixel."""
        found = np.sort(tree.query(self.window))
        shapes: Shapes = shapely.simplify(tree.geometries[found], 0.35 / self.metre_px, preserve_topology=False)
        return shapes[~shapely.is_empty(shapes)]

    def fill(self, tree: shapely.STRtree, colour: str, *, edge: str = "", least_px: float = 0.5) -> None:
        """Fill polygons; those smaller than a few pixels are left out."""
        found = np.sort(tree.query(self.window))
        shapes = tree.geometries[found]
        large = shapely.area(shapes) * self.metre_px**2 >= least_px
        parts = shapely.get_parts(shapely.simplify(shapes[large], 0.35 / self.metre_px))
        look: dict[str, Any] = {
            "facecolors": colour,
            "edgecolors": edge or "none",
            "linewidths": 0.43 * self.density if edge else 0,
        }
        holed = shapely.get_num_interior_rings(parts) > 0
        self._add(PathCollection([self.outline(part) for part in parts[holed]], **look))
        self._add(PolyCollection(self._pieces(parts[~holed]), **look))  # thousands of houses: 3 times faster so

    def line(
        self, tree: shapely.STRtree, colour: str, width_px: float, dash: tuple[float, float] | None = None
    ) -> None:
        """Draw lines of one look."""
        pieces = self._pieces(shapely.get_parts(self.near(tree)))
        point = 0.72 * self.density  # one screen pixel in points, at 100 dots an inch
        lines = LineCollection(pieces, colors=colour, linewidths=width_px * point, capstyle="round", joinstyle="round")
        if dash is not None:
            lines.set_capstyle("butt")
            lines.set_linestyle((0, (dash[0] / width_px, dash[1] / width_px)))
        self._add(lines)

    def veil(self, boundary: shapely.Geometry) -> None:
        """Fade what lies outside the boundary."""
        outside = self.window.difference(boundary)
        parts = [part for part in shapely.get_parts(outside) if part.geom_type == "Polygon" and not part.is_empty]
        if parts:
            self._add(PathCollection([self.outline(part) for part in parts], facecolors=PAPER, alpha=0.62))

    def _pieces(self, shapes: Shapes) -> list[Floats]:
        """Return the pixels of each shape."""
        xy, index = shapely.get_coordinates(shapes, return_index=True)
        return np.split(self.pixels(xy), np.flatnonzero(np.diff(index)) + 1) if len(xy) else []

    def outline(self, polygon: shapely.Polygon) -> Outline:
        """Return a polygon with its holes as a path in pixels."""
        rings = [polygon.exterior, *polygon.interiors]
        points = [self.pixels(shapely.get_coordinates(ring)) for ring in rings]
        codes = [np.full(len(ring), Outline.LINETO, dtype=np.uint8) for ring in points]
        for ring in codes:
            ring[0], ring[-1] = Outline.MOVETO, Outline.CLOSEPOLY
        return Outline(np.concatenate(points), np.concatenate(codes))

    def _add(self, collection: Any) -> None:  # noqa: ANN401 - any matplotlib collection
        self.axes.add_collection(collection, autolim=False)

    def picture(self) -> Image.Image:
        """Return what was drawn."""
        self.canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(self.canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        return Image.fromarray(pixels[:, :, :3])


def _write(picture: Image.Image, labels: Sequence[Label], pane: _Pane, room: Sequence[float]) -> None:
    """Write the names of a zoom that reach into this block, where they can inside ``room`` (the town's bounds)."""
    pen = ImageDraw.Draw(picture)
    for label, x, y in placed_names(tuple(labels), pane.zoom, room):
        at = pane.pixels(np.array([[label.x, label.y]]))[0]
        size = size_px(label, pane.zoom) * pane.density
        if not (-12 * size < at[0] < pane.width + 12 * size and -3 * size < at[1] < pane.height + 3 * size):
            continue
        if label.dot:
            radius = 2.2 * pane.density
            pen.ellipse((*(at - radius), *(at + radius)), fill="#8d887f", outline=HALO, width=pane.density)
        pen.text(
            (at[0] + x * pane.density, at[1] + y * pane.density), label.text,
            font=pillow_font(size, weight=label.weight), fill=label.colour,
            stroke_width=2 * pane.density, stroke_fill=HALO, anchor="mm",
        )  # fmt: skip
