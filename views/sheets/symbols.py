"""Signs on paper: how a road, a railway, a bridge, a hotspot or a village is drawn, in millimetres.

In:     shapes in millimetres of paper.
Out:    SVG elements; the same functions draw the map and the legend.

Everything must survive a black-and-white copier and a torch at night: classes differ by width, casing and dash, areas
by hatching, and colour only repeats what form already says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from views.sheets import svg

INK, RED, BLUE = "#111111", "#a3001b", "#5f9fc4"
SAMPLE_MM = (10.0, 3.6)

Style = dict[str, str | float]

WATER: Style = {"fill": "#cfe4f1", "stroke": BLUE, "stroke_width": 0.2}
RIVER: Style = {"stroke": BLUE, "stroke_width": 1.0, "stroke_linecap": "round"}
BUILDING: Style = {"fill": "#b5b5b5"}
VILLAGE_BORDER: Style = {
    "stroke": "#777777", "stroke_width": 0.2, "stroke_dasharray": "0.2 0.8", "stroke_linecap": "round"
}  # fmt: skip
OTHER_BORDER: Style = {"stroke": "#444444", "stroke_width": 0.4, "stroke_dasharray": "2.4 1 0.4 1"}
ZONE_BORDER: Style = {"stroke": INK, "stroke_width": 0.9, "stroke_dasharray": "5 1.4 0.9 1.4", "stroke_linecap": "butt"}
ZONE_BAND: Style = {"stroke": "#e0457b", "stroke_width": 2.4, "stroke_opacity": 0.3}
BEAT_BAND: Style = {"stroke_width": 1.8, "stroke_opacity": 0.7}
# Colour and dash of each band: a copier leaves light whole, middle broken, dark whole, ... so neighbours stay apart.
BEATS = (
    ("#a9daf5", ""), ("#eba53c", "2.6 1.3"), ("#4f9a72", ""),
    ("#e3b7d6", "0.9 0.9"), ("#c9bf3f", "5 1.3"), ("#5f6fc0", "2.6 1.1 0.8 1.1"),
)  # fmt: skip
CHECKPOINT_MM = 1.75
FADED: Style = {"fill": "#ffffff", "fill_opacity": 0.5}
GRID: Style = {"stroke": "#9a9a9a", "stroke_width": 0.08}


@dataclass(frozen=True)
class RoadStyle:
    """A road on paper: its ink, the light core inside it, and the dash (all millimetres)."""

    width: float
    core: float = 0.0
    core_colour: str = "#ffffff"
    dash: str = ""


# In the order of drawing: the greater road lies on top.
ROADS: dict[str, RoadStyle] = {
    "path": RoadStyle(0.18, dash="0.35 0.55"),
    "track": RoadStyle(0.22, dash="1.3 0.6"),
    "village": RoadStyle(0.38),
    "township": RoadStyle(0.85, core=0.5),
    "county": RoadStyle(1.15, core=0.75, core_colour="#ffe07a"),
    "provincial": RoadStyle(1.5, core=1.0, core_colour="#f2a61d"),
    "expressway": RoadStyle(1.9, core=1.35, core_colour="#c9d7a0"),
}
LANES_FULL_AT = 20_000
HOUSES_TO = 100_000  # on smaller scales a house is less than a tenth of a millimetre
TOWN_ROADS = ("village", "township", "county", "provincial", "expressway")  # a town's map has no room for tracks
MAIN_ROADS = ("township", "county", "provincial", "expressway")


def road(lines: Any, kind: str, *, scale: int = LANES_FULL_AT) -> str:  # noqa: ANN401 - one line or many
    """Draw the roads of one class; lanes get thinner on small scales, or a village would be one black spot."""
    style = ROADS[kind]
    width = style.width if kind in MAIN_ROADS else style.width * min(1.0, max(LANES_FULL_AT / scale, 0.5))
    ink: Style = {"stroke": INK, "stroke_width": round(width, 3), "stroke_linecap": "butt" if style.dash else "round"}
    if style.dash:
        return svg.path(lines, **ink, stroke_dasharray=style.dash)
    core: Style = {"stroke": style.core_colour, "stroke_width": style.core, "stroke_linecap": "round"}
    return svg.path(lines, **ink) + (svg.path(lines, **core) if style.core else "")


def railway(lines: Any) -> str:  # noqa: ANN401 - one line or many
    """Draw railways: black with white dashes."""
    ink = svg.path(lines, stroke=INK, stroke_width=0.9)
    return ink + svg.path(lines, stroke="#ffffff", stroke_width=0.55, stroke_dasharray="2.2 2.2")


def hotspot(area: shapely.Geometry) -> str:
    """Draw a hotspot: hatched, with its edge."""
    lines = svg.path(svg.hatch(area, spacing_mm=1.1), stroke=RED, stroke_width=0.22)
    return lines + svg.path(area, stroke=RED, stroke_width=0.5)


def beat(lines: Any, number: int) -> str:  # noqa: ANN401 - one line or many
    """Draw the band under a beat's roads, of a depth and dash that remain without colour."""
    colour, dash = BEATS[number % len(BEATS)]
    band: Style = {**BEAT_BAND, "stroke": colour, "stroke_linecap": "butt" if dash else "round"}
    return svg.path(lines, **band, **({"stroke_dasharray": dash} if dash else {}))


def checkpoint(x: float, y: float) -> str:
    """Draw the disc that a checkpoint's number stands on."""
    return svg.disc(x, y, CHECKPOINT_MM, fill=INK, stroke="#ffffff", stroke_width=0.3)


def zone_border(line: shapely.Geometry) -> str:
    """Draw the bold border of the sheet's own zone."""
    return svg.path(line, **ZONE_BAND) + svg.path(line, **ZONE_BORDER)


def bridge(x: float, y: float, angle: float) -> str:
    """Draw a bridge or underpass: two bars beside the road, along its direction (radians)."""
    bar = np.array([(-1.6, 1.5), (-1.0, 1.0), (1.0, 1.0), (1.6, 1.5)])
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    bars = shapely.MultiLineString([bar @ turn + (x, y), (bar * (1, -1)) @ turn + (x, y)])
    return svg.path(bars, stroke=INK, stroke_width=0.35, stroke_linecap="round")


def village(x: float, y: float) -> str:
    """Draw a village of the sheet's zone."""
    return svg.disc(x, y, 1.1, fill="#ffffff", stroke=INK, stroke_width=0.35) + svg.disc(x, y, 0.45, fill=INK)


def far_village(x: float, y: float) -> str:
    """Draw a village of another zone."""
    return svg.disc(x, y, 0.7, fill="#888888")


def post(x: float, y: float) -> str:
    """Draw a standing post."""
    corners = shapely.Polygon([(x, y - 1.7), (x + 1.6, y + 1.2), (x - 1.6, y + 1.2)])
    return svg.path(corners, fill=INK, stroke="#ffffff", stroke_width=0.3)


def camera(x: float, y: float, *, planned: bool) -> str:
    """Draw a place with cameras: a body with its lens, filled where it stands already."""
    body = shapely.box(x - 1.0, y - 0.6, x + 0.5, y + 0.6)
    lens = shapely.Polygon([(x + 0.5, y - 0.25), (x + 1.2, y - 0.6), (x + 1.2, y + 0.6), (x + 0.5, y + 0.25)])
    return svg.path([body, lens], fill="#ffffff" if planned else INK, stroke=INK, stroke_width=0.2)


def _star(x: float, y: float) -> str:
    turns = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 1.45, 0.6)
    star = shapely.Polygon(np.column_stack([x + radius * np.cos(turns), y + radius * np.sin(turns)]))
    return svg.disc(x, y, 1.8, fill="#ffffff", stroke=INK, stroke_width=0.35) + svg.path(star, fill=INK)


def _tent(x: float, y: float) -> str:
    roof = shapely.Polygon([(x - 1.5, y - 0.2), (x, y - 1.5), (x + 1.5, y - 0.2)])
    posts = [[(x + side, y - 0.2), (x + side, y + 1.4)] for side in (-1.1, 1.1)]
    return svg.path(roof, fill=INK) + svg.path(shapely.MultiLineString(posts), stroke=INK, stroke_width=0.4)


def _cross(x: float, y: float) -> str:
    square = shapely.box(x - 1.4, y - 1.4, x + 1.4, y + 1.4)
    bars = shapely.MultiLineString([[(x - 0.9, y), (x + 0.9, y)], [(x, y - 0.9), (x, y + 0.9)]])
    return svg.path(square, fill="#ffffff", stroke=INK, stroke_width=0.3) + svg.path(bars, stroke=INK, stroke_width=0.6)


def _flag(x: float, y: float) -> str:
    pole = shapely.LineString([(x - 0.9, y - 1.6), (x - 0.9, y + 1.5)])
    cloth = shapely.box(x - 0.9, y - 1.5, x + 1.3, y)
    return svg.path(pole, stroke=INK, stroke_width=0.3) + svg.path(cloth, fill=INK)


PLACES: dict[str, Callable[[float, float], str]] = {
    "police": _star,
    "market": _tent,
    "hospital": _cross,
    "school": _flag,
}


def sample(elements: str) -> str:
    """Return a legend's sample as a picture of its own."""
    return svg.picture(*SAMPLE_MM, [elements])


SAMPLE_LINE = shapely.LineString([(0.3, 1.8), (9.7, 1.8)])
SAMPLE_AREA = shapely.box(1, 0.6, 9, 3.0)
SAMPLE_MIDDLE = (5.0, 1.8)
