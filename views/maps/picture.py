"""A screen map as a picture: the same tiles, layers, names and legend, drawn without a browser.

In:     a finished ``TownMap`` and the folder of its tiles.
Out:    a png. What is switched off from the start is not drawn; nothing is computed but pixels.
"""

import base64
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import folium
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageColor, ImageDraw

from gis_data.catalogue import text
from views.basemap.look import EARTH_M, PAPER, TILE_PX, density
from views.basemap.tiles import TileSet
from views.fonts import pillow_font
from views.maps.frame import FILLS, TownMap, first_view, furniture, panel_rows
from views.maps.incidents import Incidents
from views.maps.layers import Signs
from views.palette import INK

WIDE_PX = 1_500  # about an A4 page across at 130 dots an inch
PAD_PX, LEGEND_PX, LINE_PX = 24, 300, 26
NAME = re.compile(r">([^<]+)</div>")
COLOUR = re.compile(r'(?:fill|stroke)="(#[0-9a-fA-F]{6})"')
Pixels = NDArray[np.float64]


def as_png(town: TownMap, tiles: TileSet | None, folder: Path) -> bytes:
    """Return the map as it is first seen, with legend, scale, credit and the mark of invented data."""
    sheet = _Sheet(first_view(town), tiles, folder)
    for layer in _shown(town):
        sheet.draw(layer)
    picture = sheet.finished(town)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _shown(parent: Any) -> Iterator[Any]:  # noqa: ANN401 - any folium element
    for child in parent._children.values():
        if getattr(child, "show", True):
            yield child
            yield from _shown(child)


class _Sheet:
    """The picture while it is drawn; places are degrees turned into pixels of one zoom."""

    def __init__(self, bounds: list[list[float]], tiles: TileSet | None, folder: Path) -> None:
        (south, west), (north, east) = bounds
        wide = (WIDE_PX - 2 * PAD_PX) / max((east - west) / 360, 1e-9) / TILE_PX
        most, least = (tiles.max_zoom, tiles.min_zoom) if tiles else (18, 0)
        self.zoom = min(max(round(math.log2(wide / density(14))), least), most)
        self.side = TILE_PX * density(self.zoom)
        corner = self._mercator(np.array([[west, north], [east, south]]))
        self.left, self.top = np.floor(corner[0] - PAD_PX)
        width, height = (np.ceil(corner[1] + PAD_PX) - (self.left, self.top)).astype(int)
        self.picture = Image.new("RGBA", (int(width), int(height)), PAPER)
        self.ratio = width / WIDE_PX
        if tiles is not None:
            self._tiles(folder / tiles.key)

    def _mercator(self, lon_lat: Pixels) -> Pixels:
        size = self.side * 2**self.zoom
        x = (lon_lat[:, 0] + 180) / 360
        y = (1 - np.arcsinh(np.tan(np.radians(lon_lat[:, 1]))) / math.pi) / 2
        return np.column_stack([x, y]) * size

    def _pixels(self, lon_lat: Any) -> list[tuple[float, float]]:  # noqa: ANN401 - rows of longitude and latitude
        xy = self._mercator(np.asarray(lon_lat, dtype=float)[:, :2]) - (self.left, self.top)
        return [(float(x), float(y)) for x, y in xy]

    def _tiles(self, folder: Path) -> None:
        width, height = self.picture.size
        for x in range(int(self.left // self.side), int((self.left + width) // self.side) + 1):
            for y in range(int(self.top // self.side), int((self.top + height) // self.side) + 1):
                path = folder / str(self.zoom) / str(x) / f"{y}.webp"
                if path.is_file():
                    at = (int(x * self.side - self.left), int(y * self.side - self.top))
                    self.picture.paste(Image.open(path).convert("RGBA"), at)

    def draw(self, layer: Any) -> None:  # noqa: ANN401 - any folium element
        """Draw one layer; elements of other kinds are no layers of ours."""
        if isinstance(layer, folium.GeoJson):
            self._shapes(layer.data["features"], under_names=layer.options.get("pane") == FILLS)
        elif isinstance(layer, Incidents):
            self._incidents(layer)
        elif isinstance(layer, Signs):
            for lat, lon, sign, *_ in layer.rows:
                self._dot(lon, lat, _colour(sign), 5 * self.ratio)
        elif isinstance(layer, folium.Marker):
            self._name(layer)

    def _shapes(self, features: list[dict[str, Any]], *, under_names: bool) -> None:
        cover = Image.new("RGBA", self.picture.size, (0, 0, 0, 0))
        pen = ImageDraw.Draw(cover)
        for feature in features:
            self._shape(pen, feature["geometry"], feature["properties"]["style"])
        if under_names:  # multiplied, as on the screen, so that names of the tiles stay readable
            paper = Image.alpha_composite(Image.new("RGBA", cover.size, "#ffffff"), cover)
            self.picture = ImageChops.multiply(self.picture, paper)
        else:
            self.picture = Image.alpha_composite(self.picture, cover)

    def _shape(self, pen: ImageDraw.ImageDraw, geometry: dict[str, Any], style: dict[str, Any]) -> None:
        lines, rings = _lines_of(geometry["type"], geometry["coordinates"])
        if style.get("fill", True) and style.get("fillOpacity", 0.2) > 0:
            fill = _rgba(style.get("fillColor") or style.get("color", INK), style.get("fillOpacity", 0.2))
            for ring in rings:
                pen.polygon(self._pixels(ring), fill=fill)
        if style.get("stroke", True):
            ink = _rgba(style.get("color", INK), style.get("opacity", 1.0))
            width = max(1, round(style.get("weight", 1) * self.ratio))
            for line in (*lines, *rings):
                pen.line(self._pixels(line), fill=ink, width=width, joint="curve")

    def _incidents(self, layer: Incidents) -> None:
        cover = Image.new("RGBA", self.picture.size, (0, 0, 0, 0))
        pen, colour = ImageDraw.Draw(cover), layer.options["colour"]
        first, last = layer.options["range"]
        for level in layer.options["levels"][:1]:
            rows = np.frombuffer(base64.b64decode(level["data"]), dtype="<u2").reshape(-1, 4).astype(float)
            rows = rows[(rows[:, 2] >= first) & (rows[:, 2] <= last)]
            step, top = level["cell"] or level["step"], max(level["top"] * (last - first + 1), 1)
            places, inverse = np.unique(rows[:, :2], axis=0, return_inverse=True)
            counts = np.bincount(inverse.ravel(), weights=rows[:, 3])
            corner = np.column_stack([level["west"] + places[:, 0] * step, level["south"] + places[:, 1] * step])
            for (x, y), count in zip(self._of_metres(corner), counts, strict=True):
                if level["cell"]:
                    side = level["cell"] * self.side * 2**self.zoom / EARTH_M
                    shade = 0.12 + 0.7 * min(1.0, math.sqrt(count / top))
                    pen.rectangle((x, y - side, x + side, y), fill=_rgba(colour, shade))
                else:
                    radius = 2.6 * self.ratio
                    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_rgba(colour, 0.45))
        self.picture = Image.alpha_composite(self.picture, cover)

    def _of_metres(self, xy: Pixels) -> Pixels:
        scale = self.side * 2**self.zoom / EARTH_M
        pixels = np.column_stack([xy[:, 0] + EARTH_M / 2, EARTH_M / 2 - xy[:, 1]]) * scale
        return pixels - (self.left, self.top)

    def _dot(self, lon: float, lat: float, colour: str, radius: float) -> None:
        ((x, y),) = self._pixels([[lon, lat]])
        box = (x - radius, y - radius, x + radius, y + radius)
        ImageDraw.Draw(self.picture).ellipse(box, fill=colour, outline="#ffffff", width=max(1, round(self.ratio)))

    def _name(self, marker: Any) -> None:  # noqa: ANN401 - folium has no types
        for icon in marker._children.values():
            found = NAME.search(str(icon.options.get("html", "")))
            if found:
                lat, lon = marker.location
                ((x, y),) = self._pixels([[lon, lat]])
                font = pillow_font(round(15 * self.ratio), weight=700)
                ImageDraw.Draw(self.picture).text(
                    (x, y), found[1], font=font, fill=INK, anchor="mm", stroke_width=3, stroke_fill="#ffffff"
                )

    def finished(self, town: TownMap) -> Image.Image:
        """Add legend, scale and whom the data is owed to, at the right of the map."""
        rows = [row for row in panel_rows(town) if row.layer is None or row.layer.show]
        legend_px, line_px = round(LEGEND_PX * self.ratio), round(LINE_PX * self.ratio)
        width, height = self.picture.size
        whole = Image.new("RGB", (width + legend_px, max(height, line_px * (len(rows) + 6))), "#ffffff")
        whole.paste(self.picture.convert("RGB"), (0, 0))
        pen, font = ImageDraw.Draw(whole), pillow_font(round(14 * self.ratio))
        left, top = width + line_px // 2, line_px // 2
        pen.text((left, top), text("map.legend_words"), font=pillow_font(round(15 * self.ratio), weight=700), fill=INK)
        for number, row in enumerate(rows, start=1):
            y = top + number * line_px
            pen.rectangle((left, y + line_px * 0.2, left + line_px * 0.7, y + line_px * 0.65), fill=_colour(row.sample))
            pen.text((left + line_px, y), row.label, font=font, fill=INK)
        y = top + (len(rows) + 1) * line_px
        self._scale(pen, left, y + line_px)
        for number, words in enumerate(furniture(town), start=2):
            pen.text((left, y + number * line_px), words, font=font, fill="#77736b")
        return whole

    def _scale(self, pen: ImageDraw.ImageDraw, left: float, y: float) -> None:
        middle = math.pi * (1 - 2 * (self.top + self.picture.size[1] / 2) / (self.side * 2**self.zoom))
        metres_px = EARTH_M / (self.side * 2**self.zoom) / math.cosh(middle)
        length = max(step for step in (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000) if step / metres_px < LEGEND_PX
                     * self.ratio * 0.6 or step == 50)  # fmt: skip
        right = left + length / metres_px
        pen.line([(left, y - 8), (left, y), (right, y), (right, y - 8)], fill=INK, width=2)
        words = f"{length / 1000:g} km" if length >= 1000 else f"{length} m"
        pen.text((right + 8, y), words, font=pillow_font(round(13 * self.ratio)), fill=INK, anchor="lb")


def _lines_of(kind: str, places: Any) -> tuple[list[Any], list[Any]]:  # noqa: ANN401 - GeoJSON's nested lists
    """Return the lines and the outer rings of a geometry."""
    if kind == "LineString":
        return [places], []
    if kind == "MultiLineString":
        return list(places), []
    if kind == "Polygon":
        return list(places[1:]), list(places[:1])
    if kind == "MultiPolygon":
        return [hole for part in places for hole in part[1:]], [part[0] for part in places if part]
    return [], []


def _colour(sign: str) -> str:
    """Return the colour that a sign is told by."""
    found = [colour for colour in COLOUR.findall(sign) if colour.lower() != "#ffffff"]
    return found[0] if found else INK


def _rgba(colour: str, opacity: float) -> tuple[int, int, int, int]:
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue, round(255 * opacity)
