"""The map of one zone on paper: which things are drawn, how, in which order, and what they are called.

In:     the ground's tables, the plans, a map window at a true scale.
Out:    one SVG in millimetres, placed labels, and the legend of what is really on this sheet.

Everything must survive a black-and-white copier and a torch at night: classes differ by width, casing and dash, areas
by hatching, and colour only repeats what form already says.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.catalogue import text
from views.sheets import svg
from views.sheets.frame import MapWindow, scale_bar_m
from views.sheets.labels import Label, place_labels

Shapes = NDArray[Any]

INK, RED, BLUE = "#111111", "#a3001b", "#5f9fc4"
SAMPLE_MM = (10.0, 3.6)
BLEED_MM = 2.0
NORTH_MM = (11.0, 16.0)
BAR_INSET_MM, BAR_HEIGHT_MM = 5.0, 12.5


@dataclass(frozen=True)
class RoadStyle:
    """A road on paper: its ink, the light core inside it, and the dash (all millimetres)."""

    width: float
    core: float = 0.0
    core_colour: str = "#ffffff"
    dash: str = ""


ROADS: dict[str, RoadStyle] = {
    "path": RoadStyle(0.18, dash="0.35 0.55"),
    "track": RoadStyle(0.22, dash="1.3 0.6"),
    "village": RoadStyle(0.38),
    "township": RoadStyle(0.85, core=0.5),
    "county": RoadStyle(1.15, core=0.75, core_colour="#ffe9a8"),
    "provincial": RoadStyle(1.5, core=1.0, core_colour="#f7b52c"),
    "expressway": RoadStyle(1.9, core=1.35, core_colour="#c9d7a0"),
}  # fmt: skip  # drawn in this order: the greater road lies on top
MAIN_ROADS = ("township", "county", "provincial", "expressway")

PLACES: dict[str, str] = {"police": "police", "market": "market", "hospital": "hospital", "school": "school"}


@dataclass(frozen=True)
class Picture:
    """What the template needs to set the map."""

    svg: str
    labels: list[dict[str, Any]]
    bar: dict[str, Any]
    north: dict[str, Any]
    legend: list[tuple[str, str]]


@dataclass(frozen=True)
class Scene:
    """Everything that may appear on a zone's map, in metres."""

    zone_id: str
    zones: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    hotspots: gpd.GeoDataFrame
    ground: Mapping[str, gpd.GeoDataFrame]

    @property
    def zone(self) -> pd.Series:
        """The zone's row."""
        return self.zones.set_index("zone_id", drop=False).loc[self.zone_id]


def draw_zone(scene: Scene, window: MapWindow) -> Picture:
    """Draw the map of one zone."""
    drawing = _Drawing(scene, window)
    elements = [*drawing.ground(), *drawing.roads(), *drawing.zone(), *drawing.hotspots(), *drawing.symbols()]
    bar, north = _scale_bar(window), _north(window)
    labels = _labels(drawing, [_box(bar), _box(north)])
    frame = window.frame
    return Picture(svg.picture(frame.width, frame.height, elements), labels, bar, north, drawing.legend)


class _Drawing:
    """The layers of one map. Each layer yields its SVG and enters itself in the legend when it is not empty."""

    def __init__(self, scene: Scene, window: MapWindow) -> None:
        self.scene, self.window = scene, window
        self.legend: list[tuple[str, str]] = []
        self.outline = window.to_paper(scene.zone.geometry)
        self.layers = {name: self.on_paper(table) for name, table in scene.ground.items()}
        self.all_zones, self.units = self.on_paper(scene.zones), self.on_paper(scene.units)
        shown = scene.hotspots[scene.hotspots["is_hotspot"]] if len(scene.hotspots) else scene.hotspots
        self.spots = self.on_paper(shown)

    def on_paper(self, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the rows inside the frame, in millimetres, cut a little outside the frame."""
        frame = self.window.frame
        near = table.iloc[np.sort(table.sindex.intersection(self.window.ground))]
        shapes = self.window.to_paper(near.geometry.to_numpy())
        cut = shapely.clip_by_rect(shapes, -BLEED_MM, -BLEED_MM, frame.width + BLEED_MM, frame.height + BLEED_MM)
        cut = np.where(shapely.get_type_id(shapes) == 0, shapes, cut)
        on_paper = near.set_geometry(gpd.GeoSeries(cut, index=near.index))
        return on_paper[~on_paper.geometry.is_empty]

    def ground(self) -> Iterator[str]:
        """Water, buildings and village borders."""
        rivers = self._barriers("river")
        water = {"fill": "#cfe4f1", "stroke": BLUE, "stroke_width": 0.2}
        yield svg.path(rivers, stroke=BLUE, stroke_width=1.0, stroke_linecap="round")
        yield svg.path(self._shapes("water"), **water)
        if len(rivers) or len(self._shapes("water")):
            self._explain("water", svg.path(_sample_area(), **water))
        buildings = {"fill": "#b5b5b5"}
        yield svg.path(self._shapes("buildings"), **buildings)
        if len(self._shapes("buildings")):
            self._explain("building", svg.path(shapely.box(3.5, 0.8, 6.5, 2.8), **buildings))
        borders = {"stroke": "#777777", "stroke_width": 0.18, "stroke_dasharray": "0.2 0.8", "stroke_linecap": "round"}
        if len(self.scene.ground["villages"]) and len(self.units):
            yield svg.path(_borders(self.units), **borders)
            self._explain("village_border", svg.path(_sample_line(), **borders))

    def roads(self) -> Iterator[str]:
        """Railways and roads, lesser below greater; casings of a class before its cores, so that junctions open."""
        for kind, style in ROADS.items():
            table = self.layers["roads"]
            lines = table.geometry.to_numpy()[(table["road_class"] == kind).to_numpy()]
            yield _road(lines, style)
        for kind, style in reversed(ROADS.items()):
            if (self.layers["roads"]["road_class"] == kind).any():
                self._explain(f"road.{kind}", _road(_sample_line(), style))
        rails = self._barriers("railway")
        if len(rails):
            yield _railway(rails)
            self._explain("railway", _railway(_sample_line()))
        bridges = [_bridge(point, self.layers["roads"]) for point in self._shapes("crossings")]
        if bridges:
            yield svg.path(np.array(bridges, dtype=object), stroke=INK, stroke_width=0.35, stroke_linecap="round")
            sample = _bridge_at(5.0, 1.8, 0.0)
            road = _road(_sample_line(), ROADS["village"])
            self._explain("crossing", road + svg.path(sample, stroke=INK, stroke_width=0.35, stroke_linecap="round"))

    def zone(self) -> Iterator[str]:
        """The neighbours' ground faded, the grid of kilometres, all zone borders once, this zone's border bold."""
        frame = self.window.frame
        page = shapely.box(-BLEED_MM, -BLEED_MM, frame.width + BLEED_MM, frame.height + BLEED_MM)
        yield svg.path(shapely.difference(page, self.outline), fill="#ffffff", fill_opacity=0.5)
        yield svg.path(self.grid_lines(), stroke="#8a8a8a", stroke_width=0.1)
        others = shapely.difference(_borders(self.all_zones), self.outline.boundary.buffer(0.01))
        thin = {"stroke": "#444444", "stroke_width": 0.4, "stroke_dasharray": "2.4 1 0.4 1"}
        bold = {"stroke": INK, "stroke_width": 0.9, "stroke_dasharray": "5 1.4 0.9 1.4", "stroke_linecap": "butt"}
        band = {"stroke": "#e0457b", "stroke_width": 2.4, "stroke_opacity": 0.3}
        if not shapely.is_empty(others):
            yield svg.path(others, **thin)
        yield svg.path(self.outline.boundary, **band)
        yield svg.path(self.outline.boundary, **bold)
        self.legend.insert(0, (_sample(svg.path(_sample_line(), **band) + svg.path(_sample_line(), **bold)),
                               text("sheet.legend.zone_border")))  # fmt: skip
        if not shapely.is_empty(others):
            self._explain("other_border", svg.path(_sample_line(), **thin))

    def hotspots(self) -> Iterator[str]:
        """Hotspots hatched, with their edge."""
        for area in self.spots.geometry:
            yield _hotspot(area)
        if len(self.spots):
            self._explain("hotspot", _hotspot(shapely.box(1, 0.4, 9, 3.2)))

    def symbols(self) -> Iterator[str]:
        """Villages, the station, the zone's post, and places a crew must know."""
        mine, far = self.villages()
        yield "".join(_dot(x, y, 0.75) for x, y in shapely.get_coordinates(far.geometry))
        yield "".join(_village(x, y) for x, y in shapely.get_coordinates(mine.geometry))
        if len(mine):
            self._explain("village", _village(5, 1.8))
        for kind, point in self.places():
            yield _place(point.x, point.y, kind)
        for kind in dict.fromkeys(kind for kind, _ in self.places()):
            self._explain(f"place.{kind}", _place(5, 1.8, kind))
        post = self.post()
        if post is not None:
            yield _post(post.x, post.y)
            self._explain("post", _post(5, 1.9))

    def villages(self) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
        """Village centres on paper: this zone's, and others in sight."""
        villages = self.scene.ground["villages"]
        inner = villages.geometry.representative_point()
        x = villages["centre_x"].fillna(pd.Series(inner.x, index=villages.index))
        y = villages["centre_y"].fillna(pd.Series(inner.y, index=villages.index))
        centres = self.on_paper(villages.set_geometry(gpd.points_from_xy(x, y, crs=villages.crs)))
        units = self.scene.units
        ids = units.loc[units["zone_id"] == self.scene.zone_id, "unit_id"]
        mine = centres["village_id"].isin(ids)
        return centres[mine], centres[~mine]

    def places(self) -> list[tuple[str, shapely.Point]]:
        """Places of the kinds a crew must know, in the zone; the station wherever it is in sight."""
        table = self.layers["places"]
        found = []
        for kind in PLACES:
            points = table.geometry[table["kind"] == kind]
            inside = points if kind == "police" else points[points.within(self.outline)]
            found += [(kind, point) for point in inside]
        return found

    def post(self) -> shapely.Point | None:
        """The zone's post on paper, if the plan names one."""
        zone = self.scene.zone
        if pd.isna(zone.get("post_x")) or pd.isna(zone.get("post_y")):
            return None
        return self.window.to_paper(shapely.Point(zone["post_x"], zone["post_y"]))

    def grid_lines(self) -> Shapes:
        """Lines of round metres east and north."""
        frame = self.window.frame
        across = [shapely.LineString([(x, 0), (x, frame.height)]) for x, _ in self.grid("x")]
        return np.array([*across, *(shapely.LineString([(0, y), (frame.width, y)]) for y, _ in self.grid("y"))], object)

    def grid(self, axis: str) -> list[tuple[float, float]]:
        """Millimetres on paper and metres on the ground of each grid line."""
        west, south, east, north = self.window.ground
        step, low, high = grid_step_m(self.window.scale), *((west, east) if axis == "x" else (south, north))
        metres = np.arange(np.ceil(low / step) * step, high, step)
        millimetres = (metres - west if axis == "x" else north - metres) * 1000 / self.window.scale
        return list(zip(millimetres.tolist(), metres.tolist(), strict=True))

    def _shapes(self, name: str) -> Shapes:
        return self.layers[name].geometry.to_numpy()

    def _barriers(self, kind: str) -> Shapes:
        table = self.layers["barriers"]
        return table.geometry.to_numpy()[(table["kind"] == kind).to_numpy()]

    def _explain(self, key: str, sample: str) -> None:
        self.legend.append((_sample(sample), text(f"sheet.legend.{key}")))


def grid_step_m(scale: int) -> int:
    """Return the step of the grid on the map, metres: never closer than 20 mm."""
    return next(step for step in (500, 1_000, 2_000, 5_000, 10_000, 20_000) if step * 1000 / scale >= 20)


def clock_hours(hours: str) -> str:
    """Write "22-02" as "22:00–02:00"; other words stay as they are."""
    return re.sub(r"\b(\d\d)-(\d\d)\b", r"\1:00–\2:00", hours)


# ---- labels ----


def _labels(drawing: _Drawing, furniture: Sequence[shapely.Geometry]) -> list[dict[str, Any]]:
    frame = drawing.window.frame
    mine, far = drawing.villages()
    markers = [point.buffer(1.3) for point in mine.geometry] + [point.buffer(1.7) for _, point in drawing.places()]
    post = drawing.post()
    wanted = [
        *(_post_label(post) if post is not None else []),
        *_hotspot_labels(drawing),
        *_village_labels(mine, size_pt=8.5, weight=700, style="name", must=True),
        *_zone_labels(drawing),
        *_line_labels(drawing.layers["barriers"], ("kind", ("river",)), size_pt=7.5, style="water"),
        *_line_labels(drawing.layers["roads"], ("road_class", MAIN_ROADS), size_pt=6, style="road"),
        *_village_labels(far, size_pt=6.5, weight=400, style="far", must=False),
    ]
    roads = drawing.layers["roads"]
    main = roads.geometry.to_numpy()[roads["road_class"].isin(MAIN_ROADS).to_numpy()]
    placed = place_labels(
        wanted, width_mm=frame.width, height_mm=frame.height,
        keep_clear=[*furniture, *markers, *([post.buffer(2)] if post is not None else [])],
        rather_not=[*main, drawing.outline.boundary, *(spot.boundary for spot in drawing.spots.geometry)],
    )  # fmt: skip
    names = [
        {
            "text": one.label.text, "left": one.left, "top": one.top, "width": one.width, "height": one.height,
            "size_pt": one.label.size_pt, "weight": one.label.weight, "style": one.label.style, "leader": one.leader,
        }
        for one in placed
    ]  # fmt: skip
    taken = [*furniture, *(one.box for one in placed)]
    return names + [label for label in _grid_labels(drawing) if not any(_box(label).intersects(box) for box in taken)]


def _village_labels(villages: gpd.GeoDataFrame, **style: Any) -> list[Label]:  # noqa: ANN401 - a label's own fields
    ordered = villages.sort_values(["population", "village_id"], ascending=[False, True])
    return [Label(name, p.x, p.y, **style) for name, p in zip(ordered["name"], ordered.geometry, strict=True)]


def _post_label(post: shapely.Point) -> list[Label]:
    return [Label(text("sheet.legend.post"), post.x, post.y, 7.5, 700, style="post")]


def _hotspot_labels(drawing: _Drawing) -> list[Label]:
    labels = []
    for row in drawing.spots.itertuples():
        words = " ".join(filter(None, (row.hotspot_id, clock_hours(row.peak_hours))))
        point = row.geometry.centroid
        labels.append(Label(words, point.x, point.y, 7.5, 700, style="hotspot", must=row.geometry.intersects(drawing.outline)))
    return labels


def _zone_labels(drawing: _Drawing) -> list[Label]:
    frame = drawing.window.frame
    page = shapely.box(0, 0, frame.width, frame.height)
    labels = []
    for name, area in zip(drawing.all_zones["zone_id"], drawing.all_zones.geometry, strict=True):
        seen = area.intersection(page)
        if name != drawing.scene.zone_id and seen.area > 300:
            point = seen.representative_point()
            labels.append(Label(name, point.x, point.y, 15, 700, style="zone", must=False, over=True))
    return labels


def _line_labels(
    table: gpd.GeoDataFrame, which: tuple[str, tuple[str, ...]], *, size_pt: float, style: str
) -> list[Label]:
    """One label for each name, in the middle of its longest piece in sight."""
    column, kinds = which
    named = table[table[column].isin(kinds) & (table["name"] != "")]
    labels = []
    for name, group in named.groupby("name", sort=True):
        pieces = shapely.get_parts(shapely.line_merge(shapely.union_all(group.geometry.to_numpy())))
        longest = max(pieces, key=lambda piece: piece.length)
        if longest.length > 25:
            point = longest.interpolate(0.5, normalized=True)
            labels.append(Label(str(name), point.x, point.y, size_pt, style=style, must=False, over=True))
    return labels


def _grid_labels(drawing: _Drawing) -> list[dict[str, Any]]:
    """Kilometres at the frame's edge, as on a topographic map."""
    frame, width, height = drawing.window.frame, 10.0, 2.6
    common = {"width": width, "height": height, "size_pt": 5.5, "weight": 400, "style": "grid", "leader": None}
    east = [{"text": f"{m / 1000:g}", "left": x - width / 2, "top": 0.3} | common for x, m in drawing.grid("x")]
    north = [{"text": f"{m / 1000:g}", "left": 0.3, "top": y - height / 2} | common for y, m in drawing.grid("y")]
    edge = width / 2
    return [label for label in east + north if label["left"] + edge < frame.width - edge and label["top"] < frame.height - 4]


# ---- scale bar and north ----


def _scale_bar(window: MapWindow) -> dict[str, Any]:
    length_m = scale_bar_m(window.scale)
    length_mm = length_m * 1000 / window.scale
    unit, per = ("km", 1000) if length_m >= 1000 else ("m", 1)
    marks = [(0, "0"), (2, f"{length_m / 2 / per:g}"), (4, f"{length_m / per:g} {unit}")]
    return {
        "left": 1.0, "top": window.frame.height - BAR_HEIGHT_MM - 1.0, "width": length_mm + 2 * BAR_INSET_MM + 3,
        "height": BAR_HEIGHT_MM, "inset": BAR_INSET_MM, "length_mm": length_mm, "length_m": length_m, "marks": marks,
        "scale": text("sheet.scale", scale=f"{window.scale:,}"),
    }  # fmt: skip


def _north(window: MapWindow) -> dict[str, Any]:
    width, height = NORTH_MM
    place = {"left": window.frame.width - width - 1.0, "top": 1.0, "width": width, "height": height}
    return place | {"letter": text("sheet.north"), "note": text("sheet.grid_north")}


def _box(place: Mapping[str, Any]) -> shapely.Geometry:
    left, top = place["left"], place["top"]
    return shapely.box(left, top, left + place["width"], top + place["height"])


# ---- shapes ----


def _borders(areas: gpd.GeoDataFrame) -> shapely.Geometry:
    """All borders as one set of lines: a border two areas share is drawn once, or its dashes would fill each other."""
    return shapely.line_merge(shapely.union_all(shapely.boundary(areas.geometry.to_numpy())))


def _road(lines: Any, style: RoadStyle) -> str:  # noqa: ANN401 - one line or many
    cap = "butt" if style.dash else "round"
    ink = svg.path(lines, stroke=INK, stroke_width=style.width, stroke_linecap=cap, **_dashed(style))
    core = svg.path(lines, stroke=style.core_colour, stroke_width=style.core, stroke_linecap="round")
    return ink + (core if style.core else "")


def _dashed(style: RoadStyle) -> dict[str, str | float]:
    return {"stroke_dasharray": style.dash} if style.dash else {}


def _railway(lines: Any) -> str:  # noqa: ANN401 - one line or many
    ink = svg.path(lines, stroke=INK, stroke_width=0.9)
    return ink + svg.path(lines, stroke="#ffffff", stroke_width=0.55, stroke_dasharray="2.2 2.2")


def _hotspot(area: shapely.Geometry) -> str:
    lines = svg.path(svg.hatch(area, spacing_mm=1.1), stroke=RED, stroke_width=0.22)
    return lines + svg.path(area, stroke=RED, stroke_width=0.5)


def _bridge(point: shapely.Point, roads: gpd.GeoDataFrame) -> shapely.Geometry:
    """A bridge or underpass: two bars beside the road, along it."""
    if roads.empty:
        return _bridge_at(point.x, point.y, 0.0)
    road = roads.geometry.iloc[roads.sindex.nearest(point, return_all=False)[1][0]]
    along = shapely.line_locate_point(road, point)
    (x1, y1), (x2, y2) = shapely.get_coordinates(shapely.line_interpolate_point(road, [max(along - 0.5, 0), along + 0.5]))
    return _bridge_at(point.x, point.y, float(np.arctan2(y2 - y1, x2 - x1)))


def _bridge_at(x: float, y: float, angle: float) -> shapely.Geometry:
    bar = np.array([(-1.6, 1.5), (-1.0, 1.0), (1.0, 1.0), (1.6, 1.5)])
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    return shapely.MultiLineString([bar @ turn + (x, y), (bar * (1, -1)) @ turn + (x, y)])


def _dot(x: float, y: float, radius: float) -> str:
    return f'<circle cx="{x:.3f}" cy="{y:.3f}" r="{radius:g}" fill="#888888"/>'


def _village(x: float, y: float) -> str:
    return (
        f'<circle cx="{x:.3f}" cy="{y:.3f}" r="1.1" fill="#ffffff" stroke="{INK}" stroke-width="0.35"/>'
        f'<circle cx="{x:.3f}" cy="{y:.3f}" r="0.45" fill="{INK}"/>'
    )


def _post(x: float, y: float) -> str:
    corners = shapely.Polygon([(x, y - 1.7), (x + 1.6, y + 1.2), (x - 1.6, y + 1.2)])
    return svg.path(corners, fill=INK, stroke="#ffffff", stroke_width=0.3)


def _place(x: float, y: float, kind: str) -> str:
    return _SYMBOLS[kind](x, y)


def _star(x: float, y: float) -> str:
    turns = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 1.45, 0.6)
    star = shapely.Polygon(np.column_stack([x + radius * np.cos(turns), y + radius * np.sin(turns)]))
    disc = f'<circle cx="{x:.3f}" cy="{y:.3f}" r="1.8" fill="#ffffff" stroke="{INK}" stroke-width="0.35"/>'
    return disc + svg.path(star, fill=INK)


def _tent(x: float, y: float) -> str:
    roof = shapely.Polygon([(x - 1.5, y - 0.2), (x, y - 1.5), (x + 1.5, y - 0.2)])
    posts = shapely.MultiLineString([[(x - 1.1, y - 0.2), (x - 1.1, y + 1.4)], [(x + 1.1, y - 0.2), (x + 1.1, y + 1.4)]])
    return svg.path(roof, fill=INK) + svg.path(posts, stroke=INK, stroke_width=0.4)


def _cross(x: float, y: float) -> str:
    square = shapely.box(x - 1.4, y - 1.4, x + 1.4, y + 1.4)
    bars = shapely.MultiLineString([[(x - 0.9, y), (x + 0.9, y)], [(x, y - 0.9), (x, y + 0.9)]])
    return svg.path(square, fill="#ffffff", stroke=INK, stroke_width=0.3) + svg.path(bars, stroke=INK, stroke_width=0.6)


def _flag(x: float, y: float) -> str:
    pole = shapely.LineString([(x - 0.9, y - 1.6), (x - 0.9, y + 1.5)])
    cloth = shapely.box(x - 0.9, y - 1.5, x + 1.3, y)
    return svg.path(pole, stroke=INK, stroke_width=0.3) + svg.path(cloth, fill=INK)


_SYMBOLS: dict[str, Callable[[float, float], str]] = {
    "police": _star, "market": _tent, "hospital": _cross, "school": _flag
}  # fmt: skip


def _sample(elements: str) -> str:
    return svg.picture(*SAMPLE_MM, [elements])


def _sample_line() -> shapely.Geometry:
    return shapely.LineString([(0.3, 1.8), (9.7, 1.8)])


def _sample_area() -> shapely.Geometry:
    return shapely.box(1, 0.6, 9, 3.0)
