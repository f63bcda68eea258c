"""The names on the base map: which there are, and which of them find room at a zoom."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis_data.study import Study
from views.basemap.look import EARTH_M, INK, MARGIN, NAME, TILE_PX, WATER_TEXT, Shapes, mercator
from views.fonts import Weight, pillow_font

ROOM_PX = 8  # how far a name may stand out of the town's bounds before another side is tried


@dataclass(frozen=True)
class Label:
    """A name on the map, in Web Mercator metres; smaller ``rank`` is placed first."""

    text: str
    x: float
    y: float
    rank: float
    size_px: int
    weight: Weight
    colour: str
    first_zoom: int
    dot: bool = False


def village_points(villages: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return where each village's sign stands: its known centre, else a point inside it."""
    inner = villages.geometry.representative_point()
    x, y = (villages[f"centre_{axis}"].fillna(getattr(inner, axis)) for axis in "xy")
    return gpd.GeoSeries(gpd.points_from_xy(x, y), index=villages.index, crs=villages.crs)


def labels(flat: Mapping[str, gpd.GeoDataFrame]) -> Iterator[Label]:
    """Return all names of a ground in Web Mercator: villages, rivers and the greater roads."""
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


def placed_names(labels: tuple[Label, ...], zoom: int, room: Sequence[float]) -> list[tuple[Label, float, float]]:
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
        height = size_px(label, zoom)
        size = pillow_font(height, weight=label.weight).getlength(label.text) / 2 + 3, height / 2 + 3
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


def size_px(label: Label, zoom: int) -> int:
    """Names are a little smaller on the overview zooms, where other things matter more."""
    return label.size_px - max(0, min(2, 14 - zoom))


def village_name_boxes(study: Study, villages: gpd.GeoDataFrame, zoom: int) -> Shapes:
    """Return the ground that the names of villages cover on the tiles of a zoom, Web Mercator metres."""
    if villages.empty:
        return np.array([], dtype=object)
    labels = tuple(_village_labels(villages, village_points(villages).to_crs("EPSG:3857")))
    room = mercator(study.boundary_frame()).total_bounds
    metres = EARTH_M / (TILE_PX * 2**zoom)
    boxes = []
    for label, dx, dy in placed_names(labels, zoom, room):
        height = size_px(label, zoom)
        width = pillow_font(height, weight=label.weight).getlength(label.text)
        x, y = label.x + dx * metres, label.y - dy * metres
        across, up = width / 2 * metres, height / 2 * metres
        boxes.append(shapely.box(x - across, y - up, x + across, y + up))
    return np.array(boxes, dtype=object)
