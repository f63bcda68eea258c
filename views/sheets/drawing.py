"""The layers of a map on paper, of one zone or of the whole town: which things are drawn, in which order.

In:     the ground's tables and the plans in metres, a map window at a true scale.
Out:    one SVG in millimetres, and the legend of what is really on this sheet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.catalogue import text
from views.basemap.names import village_points
from views.sheets import svg, symbols
from views.sheets.content import Picture
from views.sheets.frame import MapWindow
from views.sheets.index_grid import grid_lines

Shapes = NDArray[Any]

BLEED_MM = 2.0
DISC_ROUNDS = 40


@dataclass(frozen=True)
class Scene:
    """Everything that may appear on a map, in metres; ``zone_id`` is "" on the map of the whole town."""

    zone_id: str
    zones: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    hotspots: gpd.GeoDataFrame
    beats: gpd.GeoDataFrame
    checkpoints: gpd.GeoDataFrame
    cameras: gpd.GeoDataFrame  # one row a place: ``planned``
    ground: Mapping[str, gpd.GeoDataFrame]

    @property
    def zone(self) -> pd.Series:
        """The zone's row."""
        return self.zones.set_index("zone_id", drop=False).loc[self.zone_id]

    @property
    def area(self) -> shapely.Geometry:
        """The ground that the map is about."""
        return self.zone.geometry if self.zone_id else shapely.union_all(self.zones.geometry.to_numpy())


class Drawing:
    """The layers of one map. Each layer yields its SVG and enters itself in the legend when it is not empty."""

    def __init__(self, scene: Scene, window: MapWindow) -> None:
        self.scene, self.window = scene, window
        self.legend: list[tuple[str, str]] = []
        self.outline = window.to_paper(scene.area)
        self.page = shapely.box(0, 0, window.frame.width, window.frame.height)
        coarse = not scene.zone_id and window.scale > symbols.HOUSES_TO
        ground = _coarse(scene.ground) if coarse else scene.ground
        self.layers = {name: self.on_paper(table) for name, table in ground.items()}
        self.all_zones, self.units = self.on_paper(scene.zones), self.on_paper(scene.units)
        self.spots = self.on_paper(scene.hotspots)
        self.cameras = self.on_paper(scene.cameras.iloc[:0] if coarse else scene.cameras)
        self.beats, self.checkpoints = self.on_paper(scene.beats), self.on_paper(scene.checkpoints)

    def picture(self) -> Picture:
        """Return all layers, the lowest first, without words."""
        frame = self.window.frame
        return Picture(svg.picture(frame.width, frame.height, self.layers_drawn()), frame.width, frame.height)

    def layers_drawn(self) -> Iterator[str]:
        """Draw layer after layer."""
        yield from self.draw_ground()
        yield from self.draw_beats()
        yield from self.draw_roads()
        yield from self.draw_zone()
        yield from self.draw_hotspots()
        yield from self.draw_cameras()
        yield from self.draw_symbols()
        yield from self.draw_checkpoints()

    def on_paper(self, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the rows inside the frame, in millimetres, cut a little outside the frame."""
        near = table.iloc[np.sort(table.sindex.intersection(self.window.ground))]
        shapes = self.window.to_paper(near.geometry.to_numpy())
        cut = shapely.intersection(shapes, self.page.buffer(BLEED_MM, join_style="mitre"))
        on_paper = near.set_geometry(gpd.GeoSeries(cut, index=near.index))
        return on_paper[~on_paper.geometry.is_empty]

    def draw_ground(self) -> Iterator[str]:
        """Water, buildings and village borders."""
        rivers, water, buildings = self.barriers("river"), self.shapes("water"), self.shapes("buildings")
        yield svg.path(rivers, **symbols.RIVER) + svg.path(water, **symbols.WATER)
        if len(rivers) or len(water):
            self._explain("water", svg.path(symbols.SAMPLE_AREA, **symbols.WATER))
        yield svg.path(buildings, **symbols.BUILDING)
        if len(buildings):
            self._explain("building", svg.path(shapely.box(3.5, 0.8, 6.5, 2.8), **symbols.BUILDING))
        if self.scene.zone_id and len(self.scene.ground["villages"]) and len(self.units):
            yield svg.path(_borders(self.units), **symbols.VILLAGE_BORDER)
            self._explain("village_border", svg.path(symbols.SAMPLE_LINE, **symbols.VILLAGE_BORDER))

    def draw_beats(self) -> Iterator[str]:
        """Draw a band below the roads of each beat, in as many colours as the zone has beats."""
        for number, lines in enumerate(self.beats.geometry):
            yield symbols.beat(shapely.line_merge(lines), number)
        if len(self.beats):
            under = symbols.road(symbols.SAMPLE_LINE, "village")
            self._explain("beat", symbols.beat(symbols.SAMPLE_LINE, 0) + under)

    def draw_checkpoints(self) -> Iterator[str]:
        """Discs for the checkpoints, with a line to where one stands that had to give way; numbers are labels."""
        for point, (x, y) in zip(self.checkpoints.geometry, self.discs.tolist(), strict=True):
            yield svg.path(shapely.LineString([point, (x, y)]), stroke=symbols.INK, stroke_width=0.25)
            yield symbols.checkpoint(x, y)
        if len(self.checkpoints):
            self._explain("checkpoint", symbols.checkpoint(*symbols.SAMPLE_MIDDLE))

    def draw_roads(self) -> Iterator[str]:
        """Roads, lesser below greater; railways; where a road crosses a barrier."""
        classes = self.layers["roads"]["road_class"]
        shown = symbols.ROADS if self.scene.zone_id else symbols.TOWN_ROADS
        for kind in shown:
            yield symbols.road(self.shapes("roads")[(classes == kind).to_numpy()], kind, scale=self.window.scale)
        for kind in reversed(shown):
            if (classes == kind).any():
                self._explain(f"road.{kind}", symbols.road(symbols.SAMPLE_LINE, kind, scale=self.window.scale))
        rails = self.barriers("railway")
        if len(rails):
            yield symbols.railway(rails)
            self._explain("railway", symbols.railway(symbols.SAMPLE_LINE))
        crossings = self.shapes("crossings")
        yield "".join(symbols.bridge(point.x, point.y, self._direction(point)) for point in crossings)
        if len(crossings):
            under = symbols.road(symbols.SAMPLE_LINE, "village")
            self._explain("crossing", under + symbols.bridge(*symbols.SAMPLE_MIDDLE, 0.0))

    def draw_zone(self) -> Iterator[str]:
        """Fade the neighbours' ground; draw the kilometre grid, all zone borders once, and this zone's border bold."""
        bleed = self.page.buffer(BLEED_MM, join_style="mitre")
        yield svg.path(shapely.difference(bleed, self.outline), **symbols.FADED)
        yield svg.path(self._grid_lines(), **symbols.GRID)
        own = self.outline.boundary if self.scene.zone_id else _borders(self.all_zones)
        others = shapely.difference(_borders(self.all_zones), own.buffer(0.01))
        yield svg.path(others, **symbols.OTHER_BORDER)
        yield symbols.zone_border(own)
        named = "zone_border" if self.scene.zone_id else "zones_border"
        self.legend.insert(0, _entry(named, symbols.zone_border(symbols.SAMPLE_LINE)))
        if not others.is_empty:
            self._explain("other_border", svg.path(symbols.SAMPLE_LINE, **symbols.OTHER_BORDER))

    def draw_hotspots(self) -> Iterator[str]:
        """Hotspots hatched, with their edge."""
        yield "".join(symbols.hotspot(area) for area in self.spots.geometry)
        if len(self.spots):
            self._explain("hotspot", symbols.hotspot(shapely.box(1, 0.4, 9, 3.2)))

    def draw_cameras(self) -> Iterator[str]:
        """Places with cameras, existing and planned."""
        for planned, kind in ((False, "camera"), (True, "camera_planned")):
            places = self.cameras.geometry[self.cameras["planned"] == planned]
            yield "".join(symbols.camera(point.x, point.y, planned=planned) for point in places)
            if len(places):
                self._explain(kind, symbols.camera(*symbols.SAMPLE_MIDDLE, planned=planned))

    def draw_symbols(self) -> Iterator[str]:
        """Villages, the station, the zone's post, and places a crew must know."""
        mine, far = self.villages
        yield "".join(symbols.far_village(x, y) for x, y in shapely.get_coordinates(far.geometry))
        yield "".join(symbols.village(x, y) for x, y in shapely.get_coordinates(mine.geometry))
        if len(mine):
            self._explain("village", symbols.village(*symbols.SAMPLE_MIDDLE))
        yield "".join(symbols.PLACES[kind](point.x, point.y) for kind, point in self.places)
        for kind in dict.fromkeys(kind for kind, _ in self.places):
            self._explain(f"place.{kind}", symbols.PLACES[kind](*symbols.SAMPLE_MIDDLE))
        yield "".join(symbols.post(post.x, post.y) for post in self.posts)
        if self.posts:
            self._explain("post", symbols.post(*symbols.SAMPLE_MIDDLE))

    @cached_property
    def villages(self) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
        """Village centres on paper: this zone's, and others in sight."""
        villages = self.scene.ground["villages"]
        centres = self.on_paper(villages.set_geometry(village_points(villages)))
        units = self.scene.units
        if not self.scene.zone_id:
            return centres, centres.iloc[:0]
        mine = centres["village_id"].isin(units.loc[units["zone_id"] == self.scene.zone_id, "unit_id"])
        return centres[mine], centres[~mine]

    @cached_property
    def discs(self) -> NDArray[np.float64]:
        """Where the checkpoints' discs stand: those that would cover each other are pushed apart."""
        at = shapely.get_coordinates(self.checkpoints.geometry.to_numpy())
        for _ in range(DISC_ROUNDS):
            apart = at[:, None] - at[None]
            gap = np.hypot(*np.moveaxis(apart, -1, 0))
            close = (gap < 2 * symbols.CHECKPOINT_MM) & ~np.eye(len(at), dtype=bool)
            if not close.any():
                break
            # Two on one spot part sideways, the first to the left.
            side = np.sign(np.arange(len(at))[:, None] - np.arange(len(at)))[..., None] * (1.0, 0.0)
            away = np.where((gap > 1e-6)[..., None], apart / np.maximum(gap, 1e-6)[..., None], side)
            at = at + (away * ((2 * symbols.CHECKPOINT_MM + 0.1 - gap) / 2 * close)[..., None]).sum(axis=1)
        return at

    @cached_property
    def places(self) -> list[tuple[str, shapely.Point]]:
        """Places of the kinds a crew must know, in the zone; the station wherever it is in sight."""
        table = self.layers["places"]
        found = []
        for kind in symbols.PLACES:
            points = table.geometry[table["kind"] == kind]
            found += [(kind, point) for point in points if kind == "police" or point.within(self.outline)]
        return found

    @cached_property
    def posts(self) -> list[shapely.Point]:
        """The posts on paper that the plan names: the zone's, or all of them on the map of the town."""
        zones = self.scene.zones
        if "post_x" not in zones:
            return []
        mine = zones if not self.scene.zone_id else zones[zones["zone_id"] == self.scene.zone_id]
        placed = mine.dropna(subset=["post_x", "post_y"])
        return list(self.window.to_paper(shapely.points(placed[["post_x", "post_y"]].to_numpy(float))))

    def shapes(self, name: str) -> Shapes:
        """Return a layer's shapes on paper."""
        found: Shapes = self.layers[name].geometry.to_numpy()
        return found

    def barriers(self, kind: str) -> Shapes:
        """Return the barriers of one kind on paper."""
        return self.shapes("barriers")[(self.layers["barriers"]["kind"] == kind).to_numpy()]

    def _direction(self, point: shapely.Point) -> float:
        roads = self.layers["roads"]
        if roads.empty:
            return 0.0
        road = roads.geometry.iloc[roads.sindex.nearest(point, return_all=False)[1][0]]
        along = shapely.line_locate_point(road, point)
        ends = shapely.line_interpolate_point(road, [max(along - 0.5, 0.0), along + 0.5])
        (x1, y1), (x2, y2) = shapely.get_coordinates(ends)
        return float(np.arctan2(y2 - y1, x2 - x1))

    def _grid_lines(self) -> Shapes:
        width, height = self.window.frame.width, self.window.frame.height
        lines = [shapely.LineString([(x, 0), (x, height)]) for x, _ in grid_lines(self.window, "x")]
        lines += [shapely.LineString([(0, y), (width, y)]) for y, _ in grid_lines(self.window, "y")]
        return np.array(lines, dtype=object)

    def _explain(self, key: str, drawn: str) -> None:
        self.legend.append(_entry(key, drawn))


def _coarse(ground: Mapping[str, gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Return what the map of a whole city has room for: a house would be a speck, a village's lanes one black spot."""
    roads, places = ground["roads"], ground["places"]
    return {
        **ground,
        "buildings": ground["buildings"].iloc[:0],
        "roads": roads[roads["road_class"].isin(symbols.MAIN_ROADS)],
        "places": places[places["kind"] != "school"],
    }


def _entry(key: str, drawn: str) -> tuple[str, str]:
    return symbols.sample(drawn), text(f"sheet.legend.{key}")


def _borders(areas: gpd.GeoDataFrame) -> shapely.Geometry:
    """All borders as one set of lines: a border two areas share is drawn once, or its dashes would fill each other."""
    return shapely.line_merge(shapely.union_all(shapely.boundary(areas.geometry.to_numpy())))
