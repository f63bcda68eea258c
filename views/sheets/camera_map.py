"""The map of one village's cameras on paper: views by day, blind road, numbered poles and entrances.

In:     the camera plan's tables and the ground's tables in metres, a map window at a true scale.
Out:    one SVG in millimetres, placed labels, and the legend of what is really on this sheet.

Colour only repeats what form says: entrances watched are discs, open ones diamonds, new poles squares, standing ones
hexagons; a view is tinted, where it recognises people hatched one way, blind road hatched the other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from models.plan import Plan
from views.sheets import svg, symbols
from views.sheets.details import Detail
from views.sheets.drawing import Drawing, Scene
from views.sheets.frame import MapDrawing, MapWindow
from views.sheets.zone_map import finished

VIEW, SEEN, OPEN, RELEASED, BLIND = "#1f5f8a", "#1d6b3a", "#b00020", "#6b6b6b", "#a8642a"
DISC_MM, SQUARE_MM, DIAMOND_MM = 1.75, 1.6, 2.5
ARROW_MM = 4.0
DETAIL: symbols.Style = {"stroke": "#6b2f8a", "stroke_width": 0.5}
SMOOTH_M = (6.0, -9.0)  # a band instead of a string of discs


def village_scene(plan: Plan, village_id: str, ground: Mapping[str, gpd.GeoDataFrame]) -> Scene:
    """Return what may appear on the map of a village: its built-up area, and as numbered marks entrances and poles."""
    areas: gpd.GeoDataFrame = plan.tables["areas"]
    own = areas[areas["village_id"] == village_id].rename(columns={"village_id": "zone_id"})
    none = gpd.GeoDataFrame({"unit_id": [], "zone_id": [], "beat_id": []}, geometry=[], crs=areas.crs)
    spots, no_signs = none.assign(hotspot_id="", peak_hours=""), none.assign(planned=False)
    return Scene(village_id, own, none, spots, none, marks(plan, village_id), no_signs, ground)


def marks(plan: Plan, village_id: str) -> gpd.GeoDataFrame:
    """Return the numbered marks of a village's map: ``kind``, ``number``; Point."""
    entrances, poles = of_village(plan, "entrances", village_id), poles_of(plan, village_id)
    state = np.select([entrances["seen"].astype(bool), entrances["released"] != ""], ["seen", "released"], "open")
    table = pd.DataFrame({
        "kind": [*state, *np.where(poles["kind"] == "existing", "standing", "pole")],
        "number": [*entrances["entrance_id"].str.rpartition("-E")[2], *poles["number"]],
    })  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=[*entrances.geometry, *poles.geometry], crs=entrances.crs)


def poles_of(plan: Plan, village_id: str) -> gpd.GeoDataFrame:
    """Return a village's poles in use with the ``number`` they have on its sheet: 1, 2, ... in the cameras' order."""
    cameras = in_order(of_village(plan, "cameras", village_id))
    order = cameras["site_id"].drop_duplicates()
    sites: gpd.GeoDataFrame = plan.tables["sites"]
    found = sites.set_index("site_id", drop=False).loc[order]
    return found.assign(number=np.arange(1, len(found) + 1)).reset_index(drop=True)


def of_village(plan: Plan, name: str, village_id: str) -> gpd.GeoDataFrame:
    """Return the rows of one of the plan's tables that belong to a village."""
    table: gpd.GeoDataFrame = plan.tables[name]
    return table[table["village_id"] == village_id]


def in_order(cameras: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return cameras by their number: new ones first, those that stand already last."""
    number = pd.to_numeric(cameras["camera_id"].str.extract(r"(\d+)$")[0], errors="coerce")
    keys = cameras.assign(_old=cameras["status"] == "existing", _number=number)
    order = keys.sort_values(["_old", "_number", "camera_id"], kind="stable").index
    return cameras.loc[order]


def draw_village(
    plan: Plan, scene: Scene, window: MapWindow, *, details: Sequence[Detail] = (), whole: bool = True
) -> MapDrawing:
    """Draw the map of one village's cameras.

    ``details`` are framed on it; a map that is not the ``whole`` one has no index squares: the list's are the whole's.
    """
    drawn = finished(VillageDrawing(plan, scene, window, details=details))
    return drawn if whole else replace(drawn, labels=[one for one in drawn.labels if one["label"]["style"] != "index"])


class VillageDrawing(Drawing):
    """The layers of one village's map."""

    def __init__(self, plan: Plan, scene: Scene, window: MapWindow, *, details: Sequence[Detail] = ()) -> None:
        super().__init__(scene, window)
        self.details = details
        own = {name: of_village(plan, name, scene.zone_id) for name in ("cameras", "views", "entrances", "blind_spots")}
        smooth = own["blind_spots"].buffer(SMOOTH_M[0]).buffer(SMOOTH_M[1])
        own["blind_spots"] = own["blind_spots"].set_geometry(smooth)
        own["views"] = own["views"][~own["views"].geometry.is_empty]
        self.own = {name: self.on_paper(table) for name, table in own.items()}
        self.entrances = own["entrances"]

    def layers_drawn(self) -> Iterator[str]:
        """Draw layer after layer."""
        yield from self.draw_ground()
        yield from self.draw_roads()
        yield from self.draw_blind()
        yield from self.draw_views()
        yield from self.draw_edge()
        yield from self.draw_details()
        yield from self.draw_symbols()
        yield from self.draw_buildable()
        yield from self.draw_marks()

    def draw_blind(self) -> Iterator[str]:
        """Road that no camera sees, hatched."""
        yield "".join(_blind(area) for area in self.own["blind_spots"].geometry)
        if len(self.own["blind_spots"]):
            self._explain("blind", _blind(symbols.SAMPLE_AREA))

    def draw_views(self) -> Iterator[str]:
        """Ground that cameras see by day, and where they recognise people; an arrow where each one looks."""
        views = self.own["views"]
        for level, draw in _VIEWS.items():
            part = views.geometry[views["level"] == level]
            yield "".join(draw(area) for area in part)
            if len(part):
                self._explain(f"view_{level}", draw(symbols.SAMPLE_AREA))
        turn = self.window.turn_deg
        aims = self.own["cameras"][~self.own["cameras"]["turns"].astype(bool)].dropna(subset="azimuth_deg")
        yield "".join(_arrow(p.x, p.y, a - turn) for p, a in zip(aims.geometry, aims["azimuth_deg"], strict=True))
        if len(aims):
            self._explain("aim", _arrow(3.0, 1.8, 90.0))

    def draw_edge(self) -> Iterator[str]:
        """Draw the index grid and the edge of the built-up area, to which the entrances belong."""
        yield svg.path(self._grid_lines(), **symbols.GRID)
        yield svg.path(self.outline.boundary, **symbols.OTHER_BORDER)
        self._explain("built_up", svg.path(symbols.SAMPLE_LINE, **symbols.OTHER_BORDER))

    def draw_details(self) -> Iterator[str]:
        """Draw a frame round each piece of ground that has a larger map."""
        for detail in self.details:
            yield svg.path(self.window.to_paper(detail.area).boundary, **DETAIL)
        if self.details:
            self._explain("detail", svg.path(shapely.box(1, 0.6, 9, 3.0).boundary, **DETAIL))

    def draw_buildable(self) -> Iterator[str]:
        """For an entrance that no camera sees, the nearest place where a pole could stand and see it."""
        far = self.entrances.dropna(subset=["build_x", "build_y"])
        spots = shapely.points(far[["build_x", "build_y"]].to_numpy())
        for start, spot in zip(*(self.window.to_paper(np.asarray(one)) for one in (far.geometry, spots)), strict=True):
            yield svg.path(shapely.LineString([start, spot]), stroke=OPEN, stroke_width=0.2, stroke_dasharray="0.8 0.6")
            yield _cross(spot.x, spot.y)
        if len(far):
            self._explain("buildable", _cross(*symbols.SAMPLE_MIDDLE))

    def draw_marks(self) -> Iterator[str]:
        """Signs for entrances and poles, with a line to where one stands that had to give way; numbers are labels."""
        kinds = self.checkpoints["kind"].tolist()
        for kind, point, (x, y) in zip(kinds, self.checkpoints.geometry, self.discs.tolist(), strict=True):
            yield svg.path(shapely.LineString([point, (x, y)]), stroke=symbols.INK, stroke_width=0.25)
            yield _MARKS[kind](x, y)
        for kind in _MARKS:
            if kind in kinds:
                self._explain(f"mark_{kind}", _MARKS[kind](*symbols.SAMPLE_MIDDLE))


def _blind(area: shapely.Geometry) -> str:
    return svg.path(svg.hatch(area, spacing_mm=0.9, slope=-1.0), stroke=BLIND, stroke_width=0.14)


def _coverage(area: shapely.Geometry) -> str:
    return svg.path(area, fill=VIEW, fill_opacity=0.2, stroke=VIEW, stroke_width=0.15)


def _recognition(area: shapely.Geometry) -> str:
    lines = svg.path(svg.hatch(area, spacing_mm=0.7), stroke=VIEW, stroke_width=0.12)
    return lines + svg.path(area, stroke=VIEW, stroke_width=0.25)


def _turning(area: shapely.Geometry) -> str:
    return svg.path(area, fill=VIEW, fill_opacity=0.08, stroke=VIEW, stroke_width=0.2, stroke_dasharray="1 0.7")


_VIEWS: dict[str, Callable[[shapely.Geometry], str]] = {
    "turning": _turning, "coverage": _coverage, "recognition": _recognition
}  # fmt: skip


def _arrow(x: float, y: float, azimuth_deg: float) -> str:
    """Draw where a camera looks: a line from its pole with a head (paper's y runs down)."""
    angle = np.radians(azimuth_deg)
    ahead, aside = np.array([np.sin(angle), -np.cos(angle)]), np.array([np.cos(angle), np.sin(angle)])
    tip = np.array([x, y]) + ARROW_MM * ahead
    head = shapely.Polygon([tip, tip - 1.1 * ahead + 0.5 * aside, tip - 1.1 * ahead - 0.5 * aside])
    shaft = shapely.LineString([(x, y), tip - ahead])
    return svg.path(shaft, stroke=symbols.INK, stroke_width=0.25) + svg.path(head, fill=symbols.INK)


def _seen(x: float, y: float) -> str:
    return svg.disc(x, y, DISC_MM, fill=SEEN, stroke="#ffffff", stroke_width=0.3)


def _diamond(x: float, y: float, **style: str | float) -> str:
    corners = [(x, y - DIAMOND_MM), (x + DIAMOND_MM, y), (x, y + DIAMOND_MM), (x - DIAMOND_MM, y)]
    return svg.path(shapely.Polygon(corners), **style)


def _open(x: float, y: float) -> str:
    return _diamond(x, y, fill=OPEN, stroke=symbols.INK, stroke_width=0.35)


def _released(x: float, y: float) -> str:
    return _diamond(x, y, fill=RELEASED, stroke="#ffffff", stroke_width=0.3)


def _pole(x: float, y: float) -> str:
    square = shapely.box(x - SQUARE_MM, y - SQUARE_MM, x + SQUARE_MM, y + SQUARE_MM)
    return svg.path(square, fill=symbols.INK, stroke="#ffffff", stroke_width=0.3)


def _standing(x: float, y: float) -> str:
    turns = np.arange(6) * np.pi / 3
    corners = np.column_stack([x + 2.0 * np.cos(turns), y + 1.8 * np.sin(turns)])
    return svg.path(shapely.Polygon(corners), fill="#555555", stroke=symbols.INK, stroke_width=0.35)


def _cross(x: float, y: float) -> str:
    bars = shapely.MultiLineString([[(x - 1.2, y), (x + 1.2, y)], [(x, y - 1.2), (x, y + 1.2)]])
    return svg.path(bars, stroke=OPEN, stroke_width=0.5)


_MARKS: dict[str, Callable[[float, float], str]] = {
    "seen": _seen, "open": _open, "released": _released, "pole": _pole, "standing": _standing
}  # fmt: skip
