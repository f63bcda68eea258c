"""Our own base map as tiles: water, land use, roads by class, buildings and names, on calm paper.

In:     the ground's tables and the study.
Out:    ``tiles/<hash of what was drawn>/{z}/{x}/{y}.webp`` in the workspace and ``map.json`` beside them; drawn once,
        under a temporary name, and again only when the ground has changed. Nothing is fetched from anywhere.
Method: Web Mercator. Each zoom is drawn in blocks of tiles, so that memory does not grow with the town, and cut. The
        overview zooms have two pixels per screen pixel, so that they stay sharp between whole zooms.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gis_data.standing import standing
from gis_data.study import WGS84, Study
from gis_data.workspace import Workspace
from models.plan import Progress, silent
from views.fonts import pillow_font

Floats = NDArray[np.float64]
Shapes = NDArray[Any]

LAYERS = ("landuse", "water", "barriers", "buildings", "roads", "villages", "places")
DRAWING = 3  # raise it when the drawing changes, so that stations' tiles are drawn anew
TILE_PX = 256
BLOCK_TILES = 8
EARTH_M = 2 * math.pi * 6_378_137
MARGIN = 0.06  # ground shown beyond the boundary, as a share of the town's width
FIRST_VIEW_PX = (640, 480)
MOST_TILES = 1_500
FINEST_ZOOM = 16
WEBP_QUALITY = 82
ROOM_PX = 8  # how far a name may stand out of the town's bounds before another side is tried

PAPER = "#f5f3ee"
WATER, WATER_EDGE, WATER_TEXT = "#c3dae6", "#aecbdb", "#5b87a0"
BUILDING, BUILDING_EDGE = "#e0dad0", "#cfc7ba"
RAILWAY, INK, NAME, HALO = "#a9a6a0", "#4c4a46", "#6a665e", "#fbfaf7"
LAND = {
    "residential": "#ece7de", "village": "#ece7de", "industrial": "#e8e5ea", "commercial": "#efe6e2",
    "retail": "#efe6e2", "farmland": "#f0f0e2", "farmyard": "#ebe7d8", "orchard": "#e5ecd6", "vineyard": "#e5ecd6",
    "forest": "#dbe6d0", "wood": "#dbe6d0", "meadow": "#e8eed9", "grass": "#e8eed9", "grassland": "#e8eed9",
    "scrub": "#e3ead6", "park": "#dbe8d0", "cemetery": "#dfe6d8",
    "greenhouse_horticulture": "#eaf0e4", "recreation_ground": "#dbe8d0",
}  # fmt: skip


@dataclass(frozen=True)
class RoadLook:
    """How a road class looks: colours, width in screen pixels at zooms 12 to 16, and the zoom where it appears."""

    core: str
    casing: str
    width_px: tuple[float, ...]
    first_zoom: int
    dash: bool = False


ROADS: dict[str, RoadLook] = {  # drawn in this order: the greater road lies on top
    "path": RoadLook("#d3ccc0", "", (0, 0, 0, 0.8, 1.0), 15, dash=True),
    "track": RoadLook("#dad3c7", "", (0, 0, 0.6, 0.9, 1.4), 14, dash=True),
    "village": RoadLook("#ffffff", "#d9d3c8", (0, 0.7, 1.2, 2.2, 4.2), 13),
    "township": RoadLook("#ffffff", "#cfc8bb", (0.9, 1.5, 2.4, 3.8, 6.2), 12),
    "county": RoadLook("#fff6df", "#cbbf9f", (1.4, 2.2, 3.2, 4.8, 7.6), 12),
    "provincial": RoadLook("#fbe6bd", "#c9ae74", (1.9, 2.8, 4.0, 5.8, 9.0), 12),
    "expressway": RoadLook("#f2cfa6", "#c79a66", (2.2, 3.2, 4.6, 6.6, 10.0), 12),
}


@dataclass(frozen=True)
class TileSet:
    """Where drawn tiles are and what they cover (degrees)."""

    key: str
    west: float
    south: float
    east: float
    north: float
    min_zoom: int
    max_zoom: int
    tiles: int

    @property
    def url(self) -> str:
        """Address pattern under which ``views.server`` offers the tiles."""
        return f"/tiles/{self.key}/{{z}}/{{x}}/{{y}}.webp"


@dataclass(frozen=True)
class Label:
    """A name on the map, in Web Mercator metres; smaller ``rank`` is placed first."""

    text: str
    x: float
    y: float
    rank: float
    size_px: int
    weight: int
    colour: str
    first_zoom: int
    dot: bool = False


def ensure_tiles(ws: Workspace, *, progress: Progress = silent) -> TileSet:
    """Return the workspace's tiles, drawn now if the ground has changed since they were drawn."""
    key = tiles_key(ws)
    folder = ws.root / "tiles"
    found = _read_head(folder / key)
    if found is None:
        progress("map.step.tiles", 0.0)
        tables = {name: ws.read(name) for name in LAYERS} | {"villages": standing_now(ws)}
        draft = folder / f".draft-{key}"
        shutil.rmtree(draft, ignore_errors=True)
        found = draw_tiles(ws.study, tables, draft, key=key, progress=progress)
        shutil.rmtree(folder / key, ignore_errors=True)
        draft.replace(folder / key)
        progress("map.step.tiles", 1.0)
    (folder / ".current").write_text(key, encoding="utf-8")
    (folder / ".current").replace(folder / "current")
    _drop_others(folder, key)
    return found


def current_tiles(root: Path) -> TileSet | None:
    """Return the tiles drawn last, or None when there are none."""
    pointer = root / "tiles" / "current"
    if not pointer.is_file():
        return None
    return _read_head(root / "tiles" / pointer.read_text(encoding="utf-8").strip())


def tiles_key(ws: Workspace) -> str:
    """Return a hash of everything that is drawn."""
    digest = hashlib.sha256(f"{DRAWING} {ws.study.crs} ".encode() + shapely.to_wkb(ws.study.boundary))
    for name in LAYERS:
        digest.update(ws.table_hash(name).encode())
    left_out = set(ws.read("villages")["village_id"]) - set(standing_now(ws)["village_id"])
    digest.update(" ".join(sorted(left_out)).encode())
    return digest.hexdigest()[:16]


def standing_now(ws: Workspace) -> gpd.GeoDataFrame:
    """Return the villages that stand on the day of the last report."""
    villages = ws.read("villages")
    if villages[["valid_from", "valid_to"]].isna().all(axis=None):
        return villages
    last = ws.read("incidents")["reported_at"].max()
    return villages if pd.isna(last) else standing(villages, last)


def draw_tiles(
    study: Study,
    tables: Mapping[str, gpd.GeoDataFrame],
    folder: Path,
    *,
    key: str = "",
    progress: Progress = silent,
) -> TileSet:
    """Draw all tiles of a study into a new folder; tiles without anything on them are left out."""
    mpl.use("Agg")
    boundary = _mercator(study.boundary_frame()).geometry.iloc[0]
    frame = _frame(boundary)
    ground = Ground.of(tables, boundary)
    zooms = zoom_levels(frame)
    blocks = [(zoom, block) for zoom in zooms for block in _blocks(frame, zoom)]
    weight = np.cumsum([(block[2] - block[0]) * (block[3] - block[1]) for _, block in blocks])
    folder.mkdir(parents=True)
    drawn = 0
    saving: Iterator[int] = iter(())
    with ThreadPoolExecutor(
        2
    ) as pool:  # encoding runs beside drawing the next block: Pillow lets go of the interpreter
        for (zoom, block), done in zip(blocks, weight, strict=True):
            picture = draw_block(ground, zoom, block)
            drawn += sum(saving)
            saving = pool.map(_save, list(_cut(picture, zoom, block, folder)))
            progress("map.step.tiles", float(done / weight[-1]))
        drawn += sum(saving)
    found = TileSet(key, *_degrees(frame), zooms[0], zooms[-1], drawn)
    (folder / "map.json").write_text(json.dumps(asdict(found)), encoding="utf-8")
    return found


def zoom_levels(frame: Sequence[float]) -> list[int]:
    """Return the zooms to draw: from the one that shows the whole town to the finest the number of tiles allows."""
    width, height = frame[2] - frame[0], frame[3] - frame[1]
    fits = min(FIRST_VIEW_PX[0] / width, FIRST_VIEW_PX[1] / height) * EARTH_M / TILE_PX
    first = max(0, min(math.floor(math.log2(fits)), FINEST_ZOOM))
    zooms, tiles = [first], 0
    for zoom in range(first, FINEST_ZOOM + 1):
        west, north, east, south = _tile_range(frame, zoom)
        tiles += (east - west) * (south - north)
        if tiles > MOST_TILES:
            break
        zooms.append(zoom)
    return sorted(set(zooms))


# ---- the ground in Web Mercator metres ----


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
        flat = {name: _mercator(table) for name, table in (*tables.items(), ("village points", points))}
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
            labels=tuple(_labels(flat)),
        )


def village_points(villages: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return where each village's sign stands: its known centre, else a point inside it."""
    inner = villages.geometry.representative_point()
    x, y = (villages[f"centre_{axis}"].fillna(getattr(inner, axis)) for axis in "xy")
    return gpd.GeoSeries(gpd.points_from_xy(x, y), index=villages.index, crs=villages.crs)


def _mercator(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return table.to_crs("EPSG:3857") if len(table) else table


def _tree(table: gpd.GeoDataFrame) -> shapely.STRtree:
    return shapely.STRtree(table.geometry.to_numpy())


def _labels(flat: Mapping[str, gpd.GeoDataFrame]) -> Iterator[Label]:
    yield from _village_labels(flat["villages"], flat["village points"].geometry)
    yield from _line_labels(flat["barriers"], "river", WATER_TEXT, 12, rank=-500)
    yield from _line_labels(flat["roads"], "provincial", "#8a7448", 13, rank=10)
    yield from _line_labels(flat["roads"], "county", "#8a7f62", 14, rank=20)
    yield from _line_labels(flat["roads"], "township", "#807b72", 15, rank=30)


def _village_labels(villages: gpd.GeoDataFrame, points: gpd.GeoSeries) -> Iterator[Label]:
    for row, point in zip(villages.itertuples(), points, strict=True):
        seat = bool(row.is_seat)
        first = 11 if seat else 12
        yield Label(
            row.name, point.x, point.y, -1e9 if seat else -row.population, 16 if seat else 13, 700 if seat else 400,
            INK if seat else NAME, first, dot=True,
        )  # fmt: skip


def _line_labels(table: gpd.GeoDataFrame, kind: str, colour: str, first_zoom: int, rank: float) -> Iterator[Label]:
    """One name for each river or road, in the middle of its longest piece."""
    column = "kind" if "kind" in table else "road_class"
    named = table[(table[column] == kind) & (table["name"] != "")]
    for name, group in named.groupby("name"):
        longest = max(group.geometry, key=lambda line: line.length)
        middle = longest.interpolate(0.5, normalized=True)
        yield Label(str(name), middle.x, middle.y, rank, 11, 400, colour, first_zoom)


# ---- drawing one block ----

Block = tuple[int, int, int, int]  # tile columns and rows: west, north, east, south (east and south not included)


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


def density(zoom: int) -> int:
    """Return pixels per screen pixel: the overview zooms are seen between whole zooms and must stay sharp."""
    return 2 if zoom <= 14 else 1


def _write(picture: Image.Image, labels: Sequence[Label], pane: _Pane, room: Sequence[float]) -> None:
    """Write the names of a zoom that reach into this block, where they can inside ``room`` (the town's bounds)."""
    pen = ImageDraw.Draw(picture)
    for label, x, y in _placed(tuple(labels), pane.zoom, room):
        at = pane.pixels(np.array([[label.x, label.y]]))[0]
        size = _size_px(label, pane.zoom) * pane.density
        if not (-12 * size < at[0] < pane.width + 12 * size and -3 * size < at[1] < pane.height + 3 * size):
            continue
        if label.dot:
            radius = 2.2 * pane.density
            pen.ellipse((*(at - radius), *(at + radius)), fill="#8d887f", outline=HALO, width=pane.density)
        pen.text(
            (at[0] + x * pane.density, at[1] + y * pane.density), label.text,
            font=pillow_font(size, weight=_weight(label)), fill=label.colour,
            stroke_width=2 * pane.density, stroke_fill=HALO, anchor="mm",
        )  # fmt: skip


def _size_px(label: Label, zoom: int) -> int:
    """Names are a little smaller on the overview zooms, where other things matter more."""
    return label.size_px - max(0, min(2, 14 - zoom))


def _weight(label: Label) -> Any:  # noqa: ANN401 - one of the font's two weights
    return 700 if label.weight == 700 else 400


def _placed(labels: tuple[Label, ...], zoom: int, room: Sequence[float]) -> list[tuple[Label, float, float]]:
    """Return the names that fit a zoom and the offset of each name's middle from its place (screen pixels).

    A name that would leave the room (the town's bounds, metres) stands on another side of its place if it can, for the
    first view ends there; one that would be cut by the edge of the drawn ground waits for the next zoom.
    """
    metre_px = TILE_PX * 2**zoom / EARTH_M
    west, north, east, south = room[0] * metre_px, -room[3] * metre_px, room[2] * metre_px, -room[1] * metre_px
    drawn_px = MARGIN * max(east - west, south - north)
    taken: list[tuple[float, float, float, float]] = []
    placed = []
    for label in sorted(labels, key=lambda one: (one.rank, one.text)):
        if zoom < label.first_zoom:
            continue
        height = _size_px(label, zoom)
        size = pillow_font(height, weight=_weight(label)).getlength(label.text) / 2 + 3, height / 2 + 3
        x, y = label.x * metre_px, -label.y * metre_px
        offsets = ((0.0, -size[1] - 3), (0.0, size[1] + 3), (size[0] + 4, 0.0), (-size[0] - 4, 0.0))
        free: list[tuple[bool, int, float, float, tuple[float, float, float, float]]] = []
        for dx, dy in offsets if label.dot else ((0.0, 0.0),):
            box = (x + dx - size[0], y + dy - size[1], x + dx + size[0], y + dy + size[1])
            if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
                out_px = max(west - box[0], north - box[1], box[2] - east, box[3] - south)
                if out_px <= drawn_px:
                    free.append((out_px > ROOM_PX, len(free), dx, dy, box))
        if free:
            _, _, dx, dy, box = min(free)
            taken.append(box)
            placed.append((label, dx, dy))
    return placed


def village_name_boxes(study: Study, villages: gpd.GeoDataFrame, zoom: int) -> Shapes:
    """Return the ground that the names of villages cover on the tiles of a zoom, Web Mercator metres."""
    if villages.empty:
        return np.array([], dtype=object)
    labels = tuple(_village_labels(villages, village_points(villages).to_crs("EPSG:3857")))
    room = _mercator(study.boundary_frame()).total_bounds
    metres = EARTH_M / (TILE_PX * 2**zoom)
    boxes = []
    for label, dx, dy in _placed(labels, zoom, room):
        height = _size_px(label, zoom)
        width = pillow_font(height, weight=_weight(label)).getlength(label.text)
        x, y = label.x + dx * metres, label.y - dy * metres
        across, up = width / 2 * metres, height / 2 * metres
        boxes.append(shapely.box(x - across, y - up, x + across, y + up))
    return np.array(boxes, dtype=object)


# ---- cutting ----


def _frame(boundary: shapely.Geometry) -> tuple[float, float, float, float]:
    west, south, east, north = boundary.bounds
    margin = MARGIN * max(east - west, north - south)
    return west - margin, south - margin, east + margin, north + margin


def _degrees(frame: Sequence[float]) -> tuple[float, float, float, float]:
    box = gpd.GeoSeries([shapely.box(*frame)], crs="EPSG:3857").to_crs(WGS84)
    west, south, east, north = (float(value) for value in box.total_bounds)
    return west, south, east, north


def _tile_range(frame: Sequence[float], zoom: int) -> Block:
    side = EARTH_M / 2**zoom
    west, north = math.floor((frame[0] + EARTH_M / 2) / side), math.floor((EARTH_M / 2 - frame[3]) / side)
    east, south = math.ceil((frame[2] + EARTH_M / 2) / side), math.ceil((EARTH_M / 2 - frame[1]) / side)
    return west, north, east, south


def _blocks(frame: Sequence[float], zoom: int) -> Iterator[Block]:
    west, north, east, south = _tile_range(frame, zoom)
    step = BLOCK_TILES // density(zoom)
    for top in range(north, south, step):
        for left in range(west, east, step):
            yield left, top, min(left + step, east), min(top + step, south)


def _cut(picture: Image.Image, zoom: int, block: Block, folder: Path) -> Iterator[tuple[Image.Image, Path]]:
    side = TILE_PX * density(zoom)
    west, north, east, south = block
    for x in range(west, east):
        (folder / str(zoom) / str(x)).mkdir(parents=True, exist_ok=True)
        for y in range(north, south):
            left, top = (x - west) * side, (y - north) * side
            yield picture.crop((left, top, left + side, top + side)), folder / str(zoom) / str(x) / f"{y}.webp"


def _save(cut: tuple[Image.Image, Path]) -> int:
    """Save one tile and return 1, or 0 for bare paper, which needs no file."""
    tile, path = cut
    if len(tile.getcolors(1) or []) == 1:
        return 0
    tile.save(path, "WEBP", quality=WEBP_QUALITY, method=2)
    return 1


def _read_head(folder: Path) -> TileSet | None:
    path = folder / "map.json"
    return TileSet(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _drop_others(folder: Path, key: str) -> None:
    for other in folder.iterdir():
        if other.is_dir() and other.name != key:
            shutil.rmtree(other, ignore_errors=True)
