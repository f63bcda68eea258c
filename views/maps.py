"""Maps for the screen: folium maps from finished tables. Nothing is computed but colours, degrees, places of names.

In:     a study, its tables and plans, and the tiles of ``views.basemap``.
Out:    a ``folium.Map`` that holds everything it needs: Leaflet from the wheel stands in the page itself, so that no
        request leaves the machine and a saved map opens anywhere. Only the tiles are fetched, from our own server.

Colours are told apart by colour-blind readers (Okabe & Ito; Tol), and shapes or words always repeat what colours say.
"""

import base64
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from branca.element import MacroElement
from folium.map import Layer
from folium.template import Template
from folium.utilities import JsCode

from analysis.density import CLASS_LIMITS
from gis_data.catalogue import text
from gis_data.study import WGS84, Study
from models.beats.explain import when
from models.beats.types import spoken
from models.plan import Plan
from views.basemap import BUILDING, BUILDING_EDGE, PAPER, ROADS, WATER, TileSet, village_name_boxes, village_points
from views.figures import records, rule_names
from views.quality import DROPPED
from views.summary import credit

INK, QUIET, VEIL = "#2b2a28", "#77736b", "#8d887f"
HOTSPOT, REPORTED, MAYBE = "#8e2c7e", "#2f5d8a", "#8d887f"
SEEN, UNSEEN, VIEW, BLIND = "#00785a", "#c8480a", "#1f78b4", "#c8480a"
COLD, EMERGING = "#0072b2", "#c8480a"
DENSITY = ("#fff1c4", "#fddc8a", "#fbbf5b", "#f39b3a", "#dd7221", "#b84c12", "#7f2f0b")  # one a class, the rarest last
ZONES = ("#77aadd", "#ee8866", "#44bb99", "#eedd88", "#ffaabb", "#bbcc33", "#99ddff", "#c9b3de")
BEATS = ("#0072b2", "#c8480a", "#00785a", "#8e2c7e", "#b8860b", "#cc3377", "#5c5953", "#2f5d8a")
CHECKPOINTS = {"hotspot": HOTSPOT, "market": "#b8860b", "school": "#0072b2", "back_lane": INK}
BEAT_SIMPLER_M = 3.0  # roads drawn this much simpler look the same and halve the page
FILLS = "fills"  # the pane whose colours are multiplied with the base map, so that names stay readable through them
FEW_POINTS = 6_000  # above this, points are drawn as one picture: a browser stalls on vectors
HEAT_PX = 700
FINEST_ZOOM = 18
DEGREE_DIGITS = 6
NAME_CLEAR = 0.03  # how much room around a zone's name is enough (share of the town)
MERCATOR = "EPSG:3857"

MOVES = {  # groups of the quality report; colours of Okabe & Ito
    "gcj02": "#0072b2", "bd09": "#8e2c7e", "notation": "#00785a", "outside": INK, "datum_unclear": "#b8860b",
    "default_point": "#c8480a", "village_centre": "#5c5953", "unplaced": "#5c5953",
}  # fmt: skip
MOST_MOVES, FEW_MOVES = 4_000, 1_500  # drawn at all; drawn as vectors, not on a canvas
STAYS_M = 1.0

FONT = "'Noto Sans CJK SC','Microsoft YaHei','PingFang SC','Source Han Sans SC',sans-serif"
STYLE = f"""
html, body {{ width: 100%; height: 100%; margin: 0; }}
.leaflet-container {{ background: {PAPER}; font-family: {FONT}; font-size: 12px; color: {INK}; }}
.leaflet-fills-pane {{ mix-blend-mode: multiply; }}
.xq-panel, .xq-mark {{ background: rgba(255,255,255,.94); border-radius: 4px; box-shadow: 0 1px 4px rgba(0,0,0,.18); }}
.xq-panel {{ padding: 7px 10px 8px; line-height: 1.35; max-width: 215px; max-height: 420px; overflow: auto; }}
.xq-panel summary {{ cursor: pointer; font-weight: 600; }}
.xq-panel details[open] summary {{ margin-bottom: 3px; }}
.xq-panel label, .xq-panel div.row {{ display: flex; align-items: center; gap: 6px; padding: 1px 0; }}
.xq-panel label {{ cursor: pointer; }}
.xq-panel input {{ margin: 0; accent-color: #1f5673; }}
.xq-panel svg {{ flex: none; }}
.xq-panel .note {{ color: {QUIET}; font-size: 11px; padding-top: 3px; }}
.xq-mark {{ padding: 3px 9px; color: #9a3412; font-weight: 600; }}
.xq-credit {{ background: rgba(255,255,255,.75); padding: 0 6px; font-size: 11px; color: {QUIET};
  margin: 0 !important; }}
.xq-name {{ white-space: nowrap; transform: translate(-50%, -50%); position: absolute; font-weight: 600;
  font-size: 13px; text-shadow: 0 0 3px #fff, 0 0 3px #fff, 0 0 3px #fff, 0 0 2px #fff; pointer-events: none; }}
.xq-zone {{ font-size: 14px; background: rgba(255,255,255,.82); border-radius: 3px; padding: 0 5px; }}
.xq-spot {{ font-size: 13px; color: {HOTSPOT}; transform: translate(9px, -50%); }}
.xq-spot-ink {{ font-size: 12px; background: rgba(255,255,255,.8); border-radius: 3px; padding: 0 3px; }}
.xq-count {{ width: 24px; height: 24px; border-radius: 50%; background: {VIEW}; border: 1.5px solid #fff; color: #fff;
  font: 600 12px/24px {FONT}; text-align: center; box-shadow: 0 1px 3px rgba(0,0,0,.35); }}
.xq-sign {{ transform: translate(-50%, -50%); position: absolute; line-height: 0; }}
.leaflet-tooltip, .leaflet-popup-content {{ font-family: {FONT}; font-size: 12px; line-height: 1.45; }}
.leaflet-tooltip {{ padding: 5px 8px; border-color: #d5d0c6; color: {INK}; }}
.leaflet-popup-content {{ margin: 10px 14px; min-width: 150px; max-width: 300px; }}
.xq-tip b {{ font-size: 13px; }}
.xq-tip table {{ border-collapse: collapse; margin-top: 2px; }}
.xq-tip td {{ padding: 0 8px 0 0; vertical-align: top; }}
.xq-tip td:first-child {{ color: {QUIET}; white-space: nowrap; }}
.leaflet-bar a, .leaflet-control-scale-line {{ color: {INK}; }}
path.leaflet-interactive:focus {{ outline: none; }}
"""


@dataclass(frozen=True)
class Row:
    """One line of the panel: a layer that can be switched (``layer``), or a mere explanation."""

    sample: str
    label: str
    layer: Layer | None = None


class TownMap(folium.Map):
    """A folium map that loads nothing: Leaflet is written into the page."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - folium keeps them so
    default_css: list[tuple[str, str]] = []  # noqa: RUF012


# ---- the maps of the pages ----


def overview_map(
    study: Study, tables: Mapping[str, gpd.GeoDataFrame], plans: Mapping[str, Plan], tiles: TileSet | None
) -> TownMap:
    """Show everything in one view: reported incidents, hotspots, zone borders, standing cameras."""
    town = _town_map(study, tiles)
    rows = [_incident_row(town, tables["incidents"])]
    if "zones" in plans:
        rows.append(_zone_borders(town, plans["zones"].to_frame(), _tile_names(study, tables, tiles)))
    if "hotspots" in plans:
        rows.append(_hotspot_row(town, plans["hotspots"].to_frame(), "hotspot"))
    if len(tables["cameras"]):
        rows.append(_standing_cameras(town, tables["cameras"]))
    if len(tables["villages"]):
        rows.append(_village_row(town, tables["villages"]))
    return _finished(town, rows)


def hotspot_map(
    study: Study,
    hotspots: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    tiles: TileSet | None,
    *,
    gone: gpd.GeoDataFrame | None = None,
    ways: gpd.GeoDataFrame | None = None,
) -> TownMap:
    """Show hotspots, the clusters that chance explains as well, and the reported incidents behind them.

    ``gone`` are the last grounds of lives that ended, ``ways`` the lines of those that moved, each with a ``title``
    and a ``line`` that tells its life.
    """
    town = _town_map(study, tiles)
    rows = [
        _incident_row(town, incidents),
        *(
            _hotspot_row(town, hotspots, status)
            for status in ("chance", "expired", "hotspot")
            if status != "expired" or (hotspots["status"] == status).any()
        ),
        *(
            _life_row(town, lives, key)
            for key, lives in (("gone", gone), ("ways", ways))
            if lives is not None and len(lives)
        ),
    ]
    return _finished(town, rows)


def zone_map(
    study: Study,
    plan: Plan,
    scorecard: pd.DataFrame | None,
    tables: Mapping[str, gpd.GeoDataFrame],
    tiles: TileSet | None,
) -> TownMap:
    """Show the zones in colours that differ between neighbours, their units, posts, and the ground's barriers."""
    town = _town_map(study, tiles)
    zones, units = plan.to_frame(), plan.tables["units"]
    score = {} if scorecard is None else {row["zone_id"]: row for row in records(scorecard)}
    rows = [*_zone_areas(town, zones, score, _tile_names(study, tables, tiles)), _unit_borders(town, units)]
    if len(tables["barriers"]):
        rows.append(_barriers(town, tables["barriers"]))
    rows.append(_posts(town, zones, study.crs))
    return _finished(town, rows)


def beat_map(
    study: Study,
    plan: Plan,
    zones: gpd.GeoDataFrame,
    tables: Mapping[str, gpd.GeoDataFrame],
    tiles: TileSet | None,
) -> TownMap:
    """Show the beats as roads in colours that differ between neighbours, zone borders, and numbered checkpoints."""
    town = _town_map(study, tiles)
    beats, checkpoints = plan.to_frame(), plan.tables["checkpoints"]
    rows = [_beat_roads(town, beats)]
    if len(tables["barriers"]):
        rows.append(_barriers(town, tables["barriers"]))
    rows += [_zone_borders(town, zones, _tile_names(study, tables, tiles)), *_checkpoints(town, checkpoints)]
    return _finished(town, rows)


def camera_map(
    study: Study, plan: Plan, village_id: str, tables: Mapping[str, gpd.GeoDataFrame], tiles: TileSet | None
) -> TownMap:
    """Show one village's camera plan: views, cameras, entrances seen and unseen, blind spots.

    Houses and lanes are drawn as vectors here: the tiles end where a village fills the map.
    """
    part = {name: _of_village(table, village_id) for name, table in plan.tables.items()}
    shown = [part[name] for name in ("cameras", "entrances", "blind_spots") if len(part[name])]
    focus = _focus(shown, study.crs)
    town = _town_map(study, tiles, focus=focus)
    _close_ground(town, tables, focus)
    rows = [_blind_spots(town, part["blind_spots"]), *_views(town, part["views"])]
    rows += [*_entrances(town, part["entrances"]), *_cameras(town, part["cameras"])]
    return _finished(town, rows)


def town_camera_map(study: Study, plan: Plan, villages: gpd.GeoDataFrame, tiles: TileSet | None) -> TownMap:
    """Show which villages the rules name and which rule each, and all cameras."""
    town = _town_map(study, tiles)
    points = village_points(villages.set_index("village_id"))
    new = plan.tables["summary"].set_index("village_id")["new_cameras"]
    rows = [*_cameras(town, plan.to_frame(), show=False), *_named_villages(town, plan.tables["villages"], points, new)]
    return _finished(town, rows)


def correction_map(study: Study, moves: pd.DataFrame, tiles: TileSet | None) -> TownMap:
    """Show where points were written and where they are now, with a line between; points given up stay hollow."""
    town = _town_map(study, tiles)
    # What was given up is drawn first: its rings are large, and lie below the points that stayed.
    drawn = [group for group in reversed(MOVES) if (moves["group"] == group).any()]
    rows = [_moved_row(town, moves[moves["group"] == group], group, MOVES[group]) for group in drawn][::-1]
    if any(row.layer.thinned for row in rows if isinstance(row.layer, _Moves)):
        rows.append(Row("", text("map.moved.thinned", shown=f"{MOST_MOVES:,}")))
    return _finished(town, rows)


def pattern_map(
    study: Study,
    hot: gpd.GeoDataFrame,
    density: gpd.GeoDataFrame,
    emerging: gpd.GeoDataFrame | None,
    incidents: gpd.GeoDataFrame,
    tiles: TileSet | None,
) -> TownMap:
    """Show density in classes that are the same on every map, hot and cold cells, cells with a pattern, incidents."""
    town = _town_map(study, tiles)
    rows = [*_density_rows(town, density), _incident_row(town, incidents), _verdict_row(town, hot, "cold", COLD, "3 3")]
    if emerging is not None:
        rows.append(_emerging_row(town, emerging))
    rows.append(_verdict_row(town, hot, "hot", HOTSPOT, ""))
    return _finished(town, rows)


def as_html(town: TownMap) -> str:
    """Return the map as one whole page."""
    page: str = town.get_root().render()
    return page


# ---- layers ----


def _incident_row(town: TownMap, incidents: gpd.GeoDataFrame) -> Row:
    label = text("map.incidents", count=f"{int(incidents['count'].sum()):,}")
    if len(incidents) > FEW_POINTS:
        layer: Layer = _heat(incidents)
        sample = _swatch(REPORTED, opacity=0.45, line="none")
        label = text("map.incidents_density", count=f"{int(incidents['count'].sum()):,}")
    else:
        layer = _Dots(_lat_lon(incidents), REPORTED)
        sample = _svg(f'<circle cx="8" cy="6" r="3" fill="{REPORTED}" fill-opacity=".55"/>')
    layer.add_to(town)
    return Row(sample, label, layer)


def _hotspot_row(town: TownMap, hotspots: gpd.GeoDataFrame, status: str) -> Row:
    part, found = hotspots[hotspots["status"] == status], status == "hotspot"
    colour, dash = (MAYBE, "4 3") if status == "chance" else (HOTSPOT, None if found else "4 3")
    style = {
        "color": colour,
        "weight": 2.5 if found else 1.5,
        "fillColor": colour,
        "fillOpacity": 0.22 if found else 0.08,
    }
    tips = [_hotspot_tip(row) for row in records(part)]
    layer = _shapes(part, style | ({"dashArray": dash} if dash else {}), tips=tips, show=found, css="xq-hotspot")
    layer.add_to(town)
    if found:
        _names(layer, part.geometry.centroid, part["hotspot_id"], kind="xq-spot", crs=hotspots.crs)
    words = text(f"map.hotspot_status.{status}", count=len(part))
    return Row(_swatch(colour, opacity=0.22, dash=dash or ""), words, layer)


def _life_row(town: TownMap, lives: gpd.GeoDataFrame, key: str) -> Row:
    """Draw the grounds that are hotspots no more, or the ways of those that moved; a tip tells the life."""
    is_way = key == "ways"
    dash = "" if is_way else "1 4"
    style = {"color": HOTSPOT, "weight": 3 if is_way else 1.5, "fillOpacity": 0.0, "dashArray": dash}
    tips = [_tip(row["title"], [(row["line"], "")]) for row in records(lives)]
    layer = _shapes(lives, style, tips=tips, css=f"xq-life-{key}")
    layer.add_to(town)
    sample = _line_sample(HOTSPOT, width=3) if is_way else _swatch(HOTSPOT, opacity=0.0, dash=dash)
    return Row(sample, text(f"map.life.{key}", count=len(lives)), layer)


def _density_rows(town: TownMap, density: gpd.GeoDataFrame) -> list[Row]:
    """Draw the density's classes, each as one shape; below the first limit nothing is drawn."""
    shown = density[density["density_class"] > 0][["density_class", "geometry"]].dissolve("density_class")
    styles = [{"stroke": False, "fillColor": DENSITY[at - 1], "fillOpacity": 0.6} for at in shown.index]
    layer = _shapes(shown, styles, css="xq-density", pane=FILLS)
    layer.add_to(town)
    limits = [
        Row(
            _swatch(colour, opacity=0.6, line="none"), text("page.patterns.layer.density_from", low=f"{low:,.0f}")
        ) for low, colour in zip(CLASS_LIMITS[: max(shown.index, default=0)], DENSITY, strict=False)
    ]  # fmt: skip
    return [Row("", text("page.patterns.layer.density"), layer), *limits]


def _verdict_row(town: TownMap, cells: gpd.GeoDataFrame, verdict: str, colour: str, dash: str) -> Row:
    """Draw the hot or the cold cells."""
    part = cells[cells["verdict"] == verdict]
    names = {name: text(f"page.patterns.column.{name}") for name in ("cell", "count", "around", "z", "q")}
    tips = [
        _tip(
            f"{names['cell']} {row['cell_id']}",
            [
                (names["count"], f"{row['count']:,}"), (names["around"], f"{row['around_count']:,}"),
                (names["z"], f"{row['z']:.1f}"), (names["q"], f"{row[f'q_{verdict}']:.3f}"),
            ],
        )
        for row in records(part)
    ]  # fmt: skip
    style = {"color": colour, "weight": 1.8, "fillColor": colour, "fillOpacity": 0.2}
    layer = _shapes(
        part, style | ({"dashArray": dash} if dash else {}), tips=tips, show=verdict == "hot", css=f"xq-{verdict}"
    )
    layer.add_to(town)
    label = text(f"page.patterns.layer.{verdict}", count=len(part))
    return Row(_swatch(colour, opacity=0.2, dash=dash), label, layer)


def _emerging_row(town: TownMap, cells: gpd.GeoDataFrame) -> Row:
    """Draw the cells that have a pattern over time."""
    part = cells[cells["pattern"] != "none"]
    tips = [_tip(text(f"page.patterns.pattern.{row['pattern']}"), []) for row in records(part)]
    style = {"color": EMERGING, "weight": 2, "fillColor": EMERGING, "fillOpacity": 0.15, "dashArray": "6 3"}
    layer = _shapes(part, style, tips=tips, show=False, css="xq-emerging")
    layer.add_to(town)
    label = text("page.patterns.layer.emerging", count=len(part))
    return Row(_swatch(EMERGING, opacity=0.15, dash="6 3"), label, layer)


def _zone_areas(
    town: TownMap, zones: gpd.GeoDataFrame, score: Mapping[str, Mapping[str, Any]], names: Sequence[shapely.Geometry]
) -> list[Row]:
    colours = zone_colours(zones)
    styles = [{"stroke": False, "fillColor": colour, "fillOpacity": 0.62} for colour in colours]
    tips = [_zone_tip(zone, score.get(zone["zone_id"], {})) for zone in records(zones)]
    layer = _shapes(zones, styles, tips=tips, css="xq-zone-area", pane=FILLS)
    layer.add_to(town)
    row = Row(_swatch("#77aadd", opacity=0.62, line="none"), text("map.zones", count=len(zones)), layer)
    return [row, _zone_borders(town, zones, names)]


def _zone_borders(town: TownMap, zones: gpd.GeoDataFrame, names: Sequence[shapely.Geometry]) -> Row:
    borders = gpd.GeoDataFrame(geometry=[shapely.union_all(zones.geometry.boundary.to_numpy())], crs=zones.crs)
    layer = _shapes(borders, {"color": INK, "weight": 2, "opacity": 0.85, "fill": False}, css="xq-zone-border")
    layer.add_to(town)
    _names(layer, name_points(zones, names), zones["zone_id"], kind="xq-zone")
    return Row(_line_sample(INK, width=2), text("map.zone_borders"), layer)


def _tile_names(study: Study, tables: Mapping[str, gpd.GeoDataFrame], tiles: TileSet | None) -> list[shapely.Geometry]:
    """Return what villages' names cover on the tiles of the first view (it lies between two whole zooms)."""
    zooms = [] if tiles is None else [tiles.min_zoom, tiles.min_zoom + 1]
    return [box for zoom in zooms for box in village_name_boxes(study, tables["villages"], zoom)]


def name_points(zones: gpd.GeoDataFrame, names: Sequence[shapely.Geometry]) -> gpd.GeoSeries:
    """Return a place for each zone's name: near the middle, and clear of other names, of posts and of the border.

    ``names`` are the boxes that villages' names cover, in Web Mercator metres.
    """
    flat = zones.to_crs(MERCATOR)
    west, south, east, north = flat.total_bounds
    enough = NAME_CLEAR * max(east - west, north - south)
    known = _with_post(zones)
    posts = gpd.GeoSeries(gpd.points_from_xy(known["post_x"], known["post_y"]), crs=zones.crs).to_crs(MERCATOR)
    others = shapely.GeometryCollection([*names, *posts])
    found = []
    for zone in flat.geometry:
        across, up = (np.linspace(low, high, 25) for low, high in zip(zone.bounds[:2], zone.bounds[2:], strict=True))
        grid = shapely.points(*(axis.ravel() for axis in np.meshgrid(across, up)))
        inside = np.append(grid[shapely.contains(zone, grid)], zone.representative_point())
        clear = np.fmin(shapely.distance(inside, others), shapely.distance(inside, zone.boundary))  # nan: no others
        found.append(inside[int(np.argmax(np.fmin(clear, enough) - shapely.distance(inside, zone.centroid) / 20))])
    return gpd.GeoSeries(found, index=zones.index, crs=MERCATOR)


def _unit_borders(town: TownMap, units: gpd.GeoDataFrame) -> Row:
    names = units["name"] if "name" in units else units["unit_id"]
    tips = [_tip(str(name), [(text("map.zone"), zone)]) for name, zone in zip(names, units["zone_id"], strict=True)]
    style = {"color": "#5c5953", "weight": 0.8, "opacity": 0.5, "fill": False}
    layer = _shapes(units, style, tips=tips, hover_only=True)
    layer.add_to(town)
    key = "map.units" if "name" in units and (units["name"] != units["unit_id"]).any() else "map.cells"
    return Row(_line_sample("#5c5953", width=0.8), text(key), layer)


def _barriers(town: TownMap, barriers: gpd.GeoDataFrame) -> Row:
    tips = [
        _tip(row.name or text(f"map.barrier.{row.kind}"), [])
        for row in barriers.drop(columns="geometry").itertuples(index=False)
    ]
    layer = _shapes(
        barriers, {"color": "#3f5b8c", "weight": 2.2, "opacity": 0.75, "dashArray": "1 5"}, tips=tips, hover_only=True
    )
    layer.add_to(town)
    return Row(_line_sample("#3f5b8c", dash="1 4", width=2.2), text("map.barriers"), layer)


def _posts(town: TownMap, zones: gpd.GeoDataFrame, crs: str) -> Row:
    known = _with_post(zones)
    sign = _svg('<path d="M3 12 V1 L13 4.5 L4.5 8 V12 Z" fill="#2b2a28" stroke="#fff" stroke-width="1"/>', size=18)
    points = gpd.GeoSeries(gpd.points_from_xy(known["post_x"], known["post_y"]), crs=crs)
    layer = _signs(
        points, [sign] * len(known), [_tip(text("map.post"), [(text("map.zone"), z)]) for z in known["zone_id"]]
    )
    layer.add_to(town)
    return Row(sign, text("map.post"), layer)


def _with_post(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the zones whose post is known."""
    if "post_x" not in zones:
        return zones.iloc[:0].assign(post_x=0.0, post_y=0.0)
    return zones[zones[["post_x", "post_y"]].notna().all(axis=1)]


def _beat_roads(town: TownMap, beats: gpd.GeoDataFrame) -> Row:
    lines = shapely.simplify(shapely.line_merge(beats.geometry.to_numpy()), BEAT_SIMPLER_M)
    # Neighbouring zones' beats hardly touch: the colours only have to differ between beats that do.
    colours = [BEATS[ZONES.index(colour) % len(BEATS)] for colour in zone_colours(beats)]
    styles = [{"color": colour, "weight": 2.6, "opacity": 0.85, "fill": False} for colour in colours]
    tips = [_beat_tip(row) for row in records(beats)]
    layer = _shapes(beats.set_geometry(gpd.GeoSeries(lines, index=beats.index, crs=beats.crs)), styles, tips=tips,
                    css="xq-beat")  # fmt: skip
    layer.add_to(town)
    if len(beats):
        _names(layer, _beat_name_points(beats), beats["beat_id"], kind="xq-spot-ink")
    return Row(_line_sample(BEATS[0], width=2.6), text("map.beat.layer", count=len(beats)), layer)


def _beat_name_points(beats: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the point of each beat's road that is nearest to its middle."""
    shapes = beats.geometry.to_numpy()
    points = shapely.get_point(shapely.shortest_line(shapes, shapely.centroid(shapes)), 0)
    return gpd.GeoSeries(points, index=beats.index, crs=beats.crs)


def _checkpoints(town: TownMap, checkpoints: gpd.GeoDataFrame) -> list[Row]:
    """Draw one layer for each kind, so that a planner can look at one alone."""
    rows = []
    for kind, colour in CHECKPOINTS.items():
        mine = checkpoints[checkpoints["kind"] == kind]
        if len(mine):
            sign = _svg(f'<circle cx="6" cy="6" r="4.6" fill="{colour}" stroke="#fff" stroke-width="1.4"/>', size=13)
            layer = _signs(mine.geometry, [sign] * len(mine), [_checkpoint_tip(row) for row in records(mine)])
            layer.add_to(town)
            kind_name = text(f"beats.kind.{kind}")
            rows.append(Row(sign, text("map.beat.checkpoints", kind=kind_name, count=len(mine)), layer))
    return rows


def _standing_cameras(town: TownMap, cameras: gpd.GeoDataFrame) -> Row:
    tips = [
        _tip(row.camera_id, [(text("map.status"), text(f"map.camera.{row.status}"))])
        for row in cameras.drop(columns="geometry").itertuples(index=False)
    ]
    sign = _square(INK)
    layer = _signs(cameras.geometry, [sign] * len(cameras), tips, show=False)
    layer.add_to(town)
    return Row(sign, text("map.standing_cameras", count=len(cameras)), layer)


def _village_row(town: TownMap, villages: gpd.GeoDataFrame) -> Row:
    points = village_points(villages)
    tips = [
        _tip(
            row.name, [(text("map.population"), f"{row.population:,}"), (text("map.households"), f"{row.households:,}")]
        )
        for row in villages.drop(columns="geometry").itertuples(index=False)
    ]
    sign = _svg(f'<circle cx="8" cy="6" r="4" fill="#fff" stroke="{INK}" stroke-width="1.4"/>')
    layer = _signs(points, [sign] * len(villages), tips, show=False)
    layer.add_to(town)
    return Row(sign, text("map.villages", count=len(villages)), layer)


def _moved_row(town: TownMap, moves: pd.DataFrame, group: str, colour: str) -> Row:
    layer = (_Moves.given_up if group in DROPPED else _Moves.moved)(moves, colour)
    layer.add_to(town)
    return Row(_svg(_move_sample(group, colour)), moves_label(moves, group), layer)


def moves_label(moves: pd.DataFrame, group: str) -> str:
    """Say how many points of a group there are, and how far they were moved where they were."""
    count = f"{len(moves):,}"
    if group in DROPPED:
        return text(f"map.dropped.{group}", count=count)
    if group == "notation":
        return text("map.moved.notation", count=count)
    return text(f"map.moved.{group}", count=count, metres=f"{moves['moved_m'].median():,.0f}")


def _move_sample(group: str, colour: str) -> str:
    if group in DROPPED:
        return f'<circle cx="8" cy="6.5" r="5" fill="none" stroke="{colour}" stroke-width="1.6" {_DASHED}/>'
    if group == "notation":
        return f'<circle cx="8" cy="6.5" r="3.4" fill="{colour}"/>'
    return (
        f'<path d="M3 6.5 H13" stroke="{colour}" stroke-width="1.4"/><circle cx="13" cy="6.5" r="2.6" fill="{colour}"/>'
        f'<circle cx="3" cy="6.5" r="2.4" fill="#fff" stroke="{colour}" stroke-width="1.2"/>'
    )


def _views(town: TownMap, views: gpd.GeoDataFrame) -> list[Row]:
    rows = []
    for level, opacity in (("turning", 0.07), ("coverage", 0.16), ("recognition", 0.3)):
        part = views[(views["level"] == level) & ~views.geometry.is_empty]
        if level == "turning" and part.empty:
            continue
        style = {"color": VIEW, "weight": 0.8, "opacity": 0.6, "fillColor": VIEW, "fillOpacity": opacity}
        layer = _shapes(part, style, css="xq-view")
        layer.add_to(town)
        rows.append(Row(_swatch(VIEW, opacity=opacity), text(f"map.view.{level}"), layer))
    return rows


def _cameras(town: TownMap, cameras: gpd.GeoDataFrame, *, show: bool = True) -> list[Row]:
    rows = []
    for old, colour, label in ((False, VIEW, "map.new_cameras"), (True, INK, "map.standing_cameras")):
        part = cameras[(cameras["status"] == "existing") == old]
        if len(part):
            signs = [_camera_sign(azimuth, colour) for azimuth in part["azimuth_deg"]]
            layer = _signs(part.geometry, signs, [_camera_tip(row) for row in records(part)], show=show)
            layer.add_to(town)
            rows.append(Row(_camera_sample(colour), text(label, count=len(part)), layer))
    return rows


def _entrances(town: TownMap, entrances: gpd.GeoDataFrame) -> list[Row]:
    rows = []
    for seen, key, sign in ((True, "map.entrance_seen", _SEEN_SIGN), (False, "map.entrance_unseen", _UNSEEN_SIGN)):
        part = entrances[entrances["seen"].astype(bool) == seen]
        tips = [_tip(text(key, count=""), [(text("map.tip.road_name"), road or "—")]) for road in part["road"]]
        layer = _signs(part.geometry, [sign] * len(part), tips)
        layer.add_to(town)
        rows.append(Row(sign, text(key, count=len(part)), layer))
    return rows


def _blind_spots(town: TownMap, blind: gpd.GeoDataFrame) -> Row:
    tips = [_blind_tip(row) for row in records(blind)]
    smooth = blind.set_geometry(blind.geometry.buffer(6).buffer(-9))  # a band instead of a string of discs
    style = {"stroke": False, "fillColor": BLIND, "fillOpacity": 0.33}
    layer = _shapes(smooth, style, tips=tips, css="xq-blind", hover_only=True)
    layer.add_to(town)
    return Row(_swatch(BLIND, opacity=0.33, line="none"), text("map.blind_spots", count=len(blind)), layer)


def _close_ground(town: TownMap, tables: Mapping[str, gpd.GeoDataFrame], focus: Sequence[float] | None) -> None:
    """Draw the houses, water and roads around a village, sharp at any zoom."""
    if focus is None:
        return
    looks = [("water", {"stroke": False, "fillColor": WATER, "fillOpacity": 1})]
    looks.append(("buildings", {"color": BUILDING_EDGE, "weight": 0.8, "fillColor": BUILDING, "fillOpacity": 1}))
    for name, look in looks:
        _joined(_near(tables[name], focus), look).add_to(town)
    roads = _near(tables["roads"], focus)
    for name, road in ROADS.items():
        part = roads[roads["road_class"] == name]
        width, dash = max(road.width_px[-1], 1.5), {"dashArray": "5 4"} if road.dash else {}
        if road.casing:
            _joined(part, {"color": road.casing, "weight": width + 2, "opacity": 1, "fill": False}).add_to(town)
        _joined(part, {"color": road.core, "weight": width, "opacity": 1, "fill": False} | dash).add_to(town)


def _near(table: gpd.GeoDataFrame, focus: Sequence[float]) -> gpd.GeoDataFrame:
    """Return the rows within about the width of the view around a view (degrees)."""
    window = gpd.GeoSeries([shapely.box(*focus)], crs=WGS84).to_crs(table.crs).iloc[0]
    west, south, east, north = window.bounds
    around = 0.6 * max(east - west, north - south)
    return table.iloc[np.sort(table.sindex.query(window.buffer(around)))]


def _joined(table: gpd.GeoDataFrame, look: Mapping[str, Any]) -> folium.GeoJson:
    """Return all shapes as one: thousands of houses are then one path for the browser."""
    parts = shapely.get_parts(table.geometry.to_numpy())
    polygons = len(parts) > 0 and parts[0].geom_type == "Polygon"
    whole = shapely.multipolygons(parts) if polygons else shapely.multilinestrings(parts)
    return _shapes(gpd.GeoDataFrame(geometry=[whole], crs=table.crs), look, css="xq-ground")


def _named_villages(town: TownMap, named: pd.DataFrame, points: gpd.GeoSeries, new: pd.Series) -> list[Row]:
    """Show the villages that a rule names as discs with the number of new cameras, the others as rings."""
    rows = []
    for chosen, key in ((False, "map.village_not_named"), (True, "map.village_named")):
        part = named[named["named"].astype(bool) == chosen]
        signs = [
            f'<div class="xq-count">{int(new.get(village, 0))}</div>' if chosen else _OTHER_SIGN
            for village in part["village_id"]
        ]
        layer = _signs(points.loc[part["village_id"]], signs, [_village_tip(row) for row in records(part)])
        layer.add_to(town)
        rows.append(Row(_NAMED_SIGN if chosen else _OTHER_SIGN, text(key, count=len(part)), layer))
    return rows


# ---- what a tip says ----


def _hotspot_tip(row: Mapping[str, Any]) -> str:
    lines = [
        (text("map.tip.count"), f"{row['count']}"),
        (text("map.tip.expected"), f"{row['expected_count']:.1f}"),
        (text("map.tip.p"), f"{row['p_value']:.3f}"),
        (text("map.tip.hours"), row["peak_hours"] or "—"),
        (text("map.tip.density"), f"{row['density_per_km2_year']:,.0f}"),
    ]
    return _tip(row["hotspot_id"], lines)


def _zone_tip(zone: Mapping[str, Any], score: Mapping[str, Any]) -> str:
    lines = [
        (text("map.tip.population"), f"{zone['population']:,.0f}" if pd.notna(zone.get("population")) else "—"),
        (text("map.tip.area"), f"{zone['area_km2']:.1f} km²"),
        (text("map.tip.road"), f"{zone['road_km']:.1f} km"),
        (text("map.tip.workload"), text("map.tip.hours_a_week", hours=f"{zone['workload_h_per_week']:.1f}")),
    ]
    if score:
        count = f"{score['reported']:,} ({score['reported_low']:,.0f}–{score['reported_high']:,.0f})"
        arrests = f"{score['arrest_incidents']:,} ({score['arrest_low']:,.0f}–{score['arrest_high']:,.0f})"
        lines += [(text("map.tip.reported"), count), (text("map.tip.arrests"), arrests)]
    return _tip(text("map.zone_named", zone=" ".join(dict.fromkeys((zone["zone_id"], zone.get("name", ""))))), lines)


def _beat_tip(beat: Mapping[str, Any]) -> str:
    mark = text("beats.list_mark")
    visits = text("map.beat.visits_value", visits=beat["visits_per_week"], minutes=f"{beat['visit_min_per_week']:.0f}")
    lines = [
        (text(f"beats.type.{beat['beat_type']}"), spoken(beat["reason"])[0]),
        (text("map.tip.road"), f"{beat['road_km']:.1f} km"),
        (text("map.beat.work"), text("map.beat.work_value", hours=f"{beat['workload_h_per_week']:.1f}")),
        (text("map.beat.ratio"), f"{beat['load_ratio']:.2f}"),
        (text("map.beat.count"), beat["checkpoints"]),
        (text("map.beat.visits"), visits),
    ]
    if beat["villages"]:
        lines.append((text("map.beat.villages"), beat["villages"].replace("、", mark)))
    return _tip(beat["beat_id"], lines)


def _checkpoint_tip(row: Mapping[str, Any]) -> str:
    lines = [(text(f"beats.kind.{row['kind']}"), sentence) for sentence in spoken(row["reason"])]
    return _tip(f"{row['checkpoint_id']} {row['name']}".strip(), [*lines, (text("map.beat.least"), when(row))])


def _camera_tip(row: Mapping[str, Any]) -> str:
    lines = [(text("map.tip.azimuth"), f"{row['azimuth_deg']:.0f}°"), (text("map.tip.hfov"), f"{row['hfov_deg']:.0f}°")]
    if pd.notna(row.get("cost_cny")):
        lines.append((text("map.tip.cost"), f"{row['cost_cny']:,.0f}"))
    return _tip(str(row["camera_id"]), lines)


def _blind_tip(row: Mapping[str, Any]) -> str:
    lines = [
        (text("map.tip.length"), f"{row['length_m']:.0f} m"),
        (text("map.tip.weight"), f"{row['weight_pct']:.2f}%"),
    ]
    return _tip(row["blind_spot_id"], lines)


def _village_tip(row: Mapping[str, Any]) -> str:
    lines = [
        (text("map.population"), f"{row['population']:,}"),
        (text("map.tip.rules"), rule_names(row["reasons"]) or "—"),
    ]
    return _tip(row["name"], lines)


def _safe(value: Any) -> str:  # noqa: ANN401 - any value can be printed
    """Return words that stay words in HTML, and in the JavaScript template text that folium puts tips in."""
    return html.escape(str(value)).translate({ord(mark): f"&#{ord(mark)};" for mark in "`$\\"})


def _tip(title: str, lines: Iterable[tuple[str, Any]]) -> str:
    rows = "".join(f"<tr><td>{_safe(k)}</td><td>{_safe(v)}</td></tr>" for k, v in lines)
    return f'<div class="xq-tip"><b>{_safe(title)}</b>{f"<table>{rows}</table>" if rows else ""}</div>'


# ---- colours of zones ----


def zone_colours(zones: gpd.GeoDataFrame) -> list[str]:
    """Return a colour for each zone so that neighbours differ; as many colours are used as there are."""
    touching = gpd.sjoin(zones[["geometry"]], zones[["geometry"]], predicate="intersects")
    order = {zone: number for number, zone in enumerate(zones.index)}
    chosen: dict[int, int] = {}
    used = [0] * len(ZONES)
    for zone, number in order.items():
        near = touching.loc[[zone], "index_right"].map(order)
        taken = {chosen[other] for other in near if other in chosen}
        free = [colour for colour in range(len(ZONES)) if colour not in taken] or list(range(len(ZONES)))
        chosen[number] = min(free, key=lambda colour: (used[colour], colour))
        used[chosen[number]] += 1
    return [ZONES[chosen[number]] for number in range(len(zones))]


# ---- the frame of every map ----


def _town_map(study: Study, tiles: TileSet | None, *, focus: Sequence[float] | None = None) -> TownMap:
    outline = study.boundary_frame().to_crs(WGS84)
    west, south, east, north = focus if focus is not None else outline.total_bounds
    first = tiles.min_zoom if tiles else 12
    town = TownMap(
        location=((south + north) / 2, (west + east) / 2), tiles=None, zoom_start=first, zoom_control="topleft",
        attribution_control=False, zoom_snap=1 / 3, zoom_delta=1, wheel_px_per_zoom_level=90,
    )  # fmt: skip
    # folium keeps these two for a tile layer of its own; the map needs them itself.
    town.options |= {"min_zoom": max(first - 1, 0), "max_zoom": FINEST_ZOOM}
    town.add_child(_Leaflet())
    town.add_child(folium.map.CustomPane(FILLS, z_index=350, pointer_events=True))
    town.add_child(_FirstView([[float(south), float(west)], [float(north), float(east)]]))
    if tiles is not None:
        folium.TileLayer(
            tiles.url, attr="-", control=False, min_zoom=tiles.min_zoom - 1, min_native_zoom=tiles.min_zoom,
            max_zoom=FINEST_ZOOM if focus is None else tiles.max_zoom, max_native_zoom=tiles.max_zoom,
            bounds=[[tiles.south, tiles.west], [tiles.north, tiles.east]],
        ).add_to(town)  # fmt: skip
    if focus is None:
        style = {"color": "#5c5953", "weight": 1.8, "opacity": 0.9, "fill": False}
        _shapes(study.boundary_frame(), style, css="xq-boundary").add_to(town)
    town.add_child(_Furniture(study))
    return town


def _finished(town: TownMap, rows: Sequence[Row]) -> TownMap:
    town.add_child(_Panel(rows))
    return town


class _Leaflet(MacroElement):
    """Writes Leaflet and our style into the page's head."""

    _template = Template(
        "{% macro header(this, kwargs) %}"
        "<script>{{ this.script }}</script><style>{{ this.style }}</style>"
        "{% endmacro %}"
    )

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Leaflet"
        self.script, sheet = leaflet_files()
        self.style = sheet + STYLE


@cache
def leaflet_files() -> tuple[str, str]:
    """Return Leaflet's script and style sheet from the wheel, the sheet with its pictures inside."""
    spec = find_spec("xstatic.pkg.leaflet")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("xstatic.pkg.leaflet")
    folder = Path(spec.origin).parent / "data"
    sheet = (folder / "leaflet.css").read_text(encoding="utf-8")
    script = (folder / "leaflet.js").read_text(encoding="utf-8").replace("//# sourceMappingURL=leaflet.js.map", "")
    return script, re.sub(r"url\((images/[^)]+)\)", lambda found: f"url({_data_url(folder / found[1])})", sheet)


def _data_url(path: Path) -> str:
    return f"data:image/{path.suffix[1:]};base64,{base64.b64encode(path.read_bytes()).decode()}"


class _FirstView(MacroElement):
    """Fits the map to its subject before any layer is there, so that no tile is asked for in vain."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "{{ this._parent.get_name() }}.fitBounds({{ this.bounds|tojson }}, {animate: false, padding: [8, 8]});"
        "{% endmacro %}"
    )

    def __init__(self, bounds: list[list[float]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "FirstView"
        self.bounds = bounds


class _Furniture(MacroElement):
    """Metric scale, our own credit line, and the mark of invented data."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        L.control.scale({imperial: false, maxWidth: 140}).addTo({{ this._parent.get_name() }});
        {%- for corner, css, words in this.lines %}
        (function () {
            const line = L.control({position: {{ corner|tojson }}});
            line.onAdd = () => {
                const box = L.DomUtil.create("div", {{ css|tojson }});
                box.textContent = {{ words|tojson }};
                return box;
            };
            line.addTo({{ this._parent.get_name() }});
        })();
        {%- endfor %}
        {% endmacro %}
        """
    )

    def __init__(self, study: Study) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Furniture"
        owed = credit(study)
        self.lines = [("bottomright", "xq-credit", owed)] if owed else []
        if study.synthetic:
            self.lines.append(("bottomright", "xq-mark", text("map.synthetic")))


class _Panel(MacroElement):
    """Legend and layer switches in one: each row explains a sign, and shows or hides its layer."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        (function () {
            const town = {{ this._parent.get_name() }};
            const layers = [{% for row in this.rows %}{{ row.layer.get_name() if row.layer else "null" }},{% endfor %}];
            const panel = L.control({position: "topright"});
            panel.onAdd = function () {
                const box = L.DomUtil.create("div", "xq-panel");
                box.innerHTML = {{ this.content|tojson }};
                L.DomEvent.disableClickPropagation(box);
                L.DomEvent.disableScrollPropagation(box);
                box.querySelectorAll("input").forEach((input) => input.addEventListener("change", () => {
                    const layer = layers[Number(input.dataset.layer)];
                    if (input.checked) { town.addLayer(layer); } else { town.removeLayer(layer); }
                }));
                return box;
            };
            panel.addTo(town);
        })();
        {% endmacro %}
        """
    )

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Panel"
        self.rows = rows
        lines = [self._line(number, row) for number, row in enumerate(rows)]
        summary = f"<summary>{_safe(text('map.legend'))}</summary>"
        self.content = f"<details open>{summary}{''.join(lines)}</details>"

    @staticmethod
    def _line(number: int, row: Row) -> str:
        words = f"{row.sample}<span>{_safe(row.label)}</span>"
        if row.layer is None:
            return f'<div class="row">{words}</div>'
        ticked = "checked" if row.layer.show else ""
        return f'<label><input type="checkbox" data-layer="{number}" {ticked}/>{words}</label>'


class _Dots(Layer):
    """Many points on one canvas; they do not catch the mouse, so that what lies below stays reachable."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = (function () {
            const town = {{ this._parent.get_name() }};
            const pane = town.createPane({{ this.get_name()|tojson }});
            pane.style.zIndex = 390;
            pane.style.pointerEvents = "none";
            const look = {
                renderer: L.canvas({pane: {{ this.get_name()|tojson }}}), pane: {{ this.get_name()|tojson }},
                radius: {{ this.radius }}, stroke: false, fillColor: {{ this.colour|tojson }}, fillOpacity: 0.4,
                interactive: false,
            };
            return L.layerGroup({{ this.points|tojson }}.map((at) => L.circleMarker(at, look)));
        })();
        {% endmacro %}
        """
    )

    def __init__(self, points: list[list[float]], colour: str, *, radius: float = 2.1, show: bool = True) -> None:
        super().__init__(overlay=True, control=False, show=show)
        self._name = "Dots"
        self.points, self.colour, self.radius = points, colour, radius


class _Moves(Layer):
    """Points before (hollow) and after (solid) with a line between; points given up are hollow and dashed."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = (function () {
            const colour = {{ this.colour|tojson }}, few = {{ this.few|tojson }};
            const drawn = few ? {className: "xq-moved"} : {renderer: L.canvas()};
            const ring = {color: colour, weight: 1.2, fillColor: "#fff", fillOpacity: 0.85, radius: 2.6};
            const given = {color: colour, weight: 1.6, dashArray: "3 2", fillColor: "#fff", fillOpacity: 0.15};
            const disc = {stroke: false, fillColor: colour, fillOpacity: 0.95, radius: 3.2};
            const marks = {{ this.moves|tojson }}.map(([before, after, radius, tip]) => {
                const parts = [];
                if (radius) {
                    parts.push(L.circleMarker(before, {...drawn, ...given, radius}));
                } else {
                    if (before) {
                        parts.push(L.polyline([before, after], {...drawn, color: colour, weight: 1.2, opacity: 0.75}));
                        parts.push(L.circleMarker(before, {...drawn, ...ring}));
                    }
                    parts.push(L.circleMarker(after, {...drawn, ...disc}));
                }
                parts.forEach((part) => part.bindTooltip(tip, {sticky: true}));
                return parts;
            });
            return L.layerGroup(marks.flat());
        })();
        {% endmacro %}
        """
    )

    def __init__(self, moves: list[list[Any]], colour: str, *, thinned: bool) -> None:
        super().__init__(overlay=True, control=False, show=True)
        self._name = "Moves"
        self.moves, self.colour, self.thinned, self.few = moves, colour, thinned, len(moves) <= FEW_MOVES

    @classmethod
    def moved(cls, table: pd.DataFrame, colour: str) -> "_Moves":
        """Return points that were moved, or only written in another way (then there is no line)."""
        shown = table.iloc[:: -(-len(table) // MOST_MOVES)]
        marks = []
        for row in records(shown.round(DEGREE_DIGITS)):
            before, after = [row["from_lat"], row["from_lon"]], [row["to_lat"], row["to_lon"]]
            stays = not np.isfinite(before).all() or row["moved_m"] < STAYS_M
            lines = [(text("map.moved.why"), _kinds(row["kind"]))]
            if not stays:
                lines.append((text("map.moved.distance"), text("map.moved.metres", metres=f"{row['moved_m']:,.0f}")))
            tip = _tip(text("map.moved.row", file=row["file"], row=row["row"]), lines)
            marks.append([None if stays else before, after, 0, tip])
        return cls(marks, colour, thinned=len(shown) < len(table))

    @classmethod
    def given_up(cls, table: pd.DataFrame, colour: str) -> "_Moves":
        """Return the places of points that are points no longer, larger where many rows share one."""
        known = table[np.isfinite(table[["from_lon", "from_lat"]]).all(axis=1)].round(DEGREE_DIGITS)
        spots = known.groupby(["from_lat", "from_lon", "kind"]).size().rename("rows").reset_index()
        shown = spots.sort_values("rows", ascending=False, kind="stable").head(MOST_MOVES)
        marks = []
        for row in records(shown):
            radius = round(min(3.5 + 0.9 * float(np.sqrt(row["rows"])), 15.0), 1)
            lines = [(text("map.moved.why"), _kinds(row["kind"]))]
            tip = _tip(text("map.moved.rows", count=f"{row['rows']:,}"), lines)
            marks.append([[row["from_lat"], row["from_lon"]], None, radius, tip])
        return cls(marks, colour, thinned=len(spots) > MOST_MOVES)


def _kinds(kinds: str) -> str:
    return text("hotspots.because.list_mark").join(text(f"intake.reason.{kind}") for kind in kinds.split(";"))


def _heat(points: gpd.GeoDataFrame) -> folium.raster_layers.ImageOverlay:
    """Return points as one picture of their density, the square root taken so that quiet ground still shows."""
    flat = points.geometry.to_crs(MERCATOR)
    west, south, east, north = flat.total_bounds
    pad = 0.02 * max(east - west, north - south, 1.0)
    edges = (west - pad, south - pad, east + pad, north + pad)
    step = max(edges[2] - edges[0], edges[3] - edges[1]) / HEAT_PX
    shape = (int(np.ceil((edges[3] - edges[1]) / step)), int(np.ceil((edges[2] - edges[0]) / step)))
    box = ((edges[1], edges[1] + shape[0] * step), (edges[0], edges[0] + shape[1] * step))
    heat, _, _ = np.histogram2d(flat.y, flat.x, bins=shape, range=box, weights=points["count"])
    from scipy.ndimage import gaussian_filter

    smooth = np.sqrt(gaussian_filter(heat, 4.0))
    share = np.clip(smooth / max(float(np.quantile(smooth[smooth > 0], 0.995)), 1e-9), 0, 1)
    colour = [int(REPORTED[at : at + 2], 16) for at in (1, 3, 5)]
    picture = np.zeros((*shape, 4), dtype=np.uint8)
    picture[..., :3], picture[..., 3] = colour, (share * 190).astype(np.uint8)
    corners = gpd.GeoSeries(gpd.points_from_xy(box[1], box[0]), crs=MERCATOR).to_crs(WGS84)
    bounds = [[corners.y.iloc[0], corners.x.iloc[0]], [corners.y.iloc[1], corners.x.iloc[1]]]
    # Rows are even in Mercator already: nothing is to be reprojected.
    return folium.raster_layers.ImageOverlay(picture[::-1], bounds, control=False, pixelated=False)


def _shapes(
    table: gpd.GeoDataFrame,
    style: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    tips: Iterable[str] | None = None,
    hover_only: bool = False,
    css: str = "",
    pane: str = "overlayPane",
    show: bool = True,
) -> folium.GeoJson:
    """Return polygons or lines as a layer; a tip appears under the mouse, and stays when clicked."""
    shown = _degrees(table.geometry)
    styles = [style] * len(shown) if isinstance(style, Mapping) else style
    words = [""] * len(shown) if tips is None else list(tips)
    features = [
        {
            "type": "Feature",
            "properties": {"style": dict(look) | ({"className": css} if css else {}), "tip": tip},
            "geometry": shapely.geometry.mapping(shape),
        }
        for shape, look, tip in zip(shown, styles, words, strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    bind = None if tips is None else JsCode(_BIND_HOVER if hover_only else _BIND_BOTH)
    return folium.GeoJson(
        collection, control=False, show=show, on_each_feature=bind, smooth_factor=0.6, interactive=tips is not None,
        pane=pane,
    )  # fmt: skip


_BIND_HOVER = "(feature, layer) => { layer.bindTooltip(feature.properties.tip, {sticky: true}); }"
_BIND_BOTH = """(feature, layer) => {
    layer.bindTooltip(feature.properties.tip, {sticky: true});
    layer.bindPopup(feature.properties.tip);
    layer.on("popupopen", () => layer.closeTooltip());
}"""


def _signs(
    points: gpd.GeoSeries, signs: Sequence[str], tips: Sequence[str], *, show: bool = True
) -> folium.FeatureGroup:
    group = folium.FeatureGroup(control=False, show=show)
    for (lat, lon), sign, tip in zip(_lat_lon(points), signs, tips, strict=True):
        icon = folium.DivIcon(html=f'<div class="xq-sign">{sign}</div>', icon_size=(0, 0), class_name="xq-point")
        folium.Marker((lat, lon), icon=icon, tooltip=folium.Tooltip(tip, sticky=False)).add_to(group)
    return group


def _names(
    parent: Any,  # noqa: ANN401 - a map or a layer
    points: gpd.GeoSeries,
    names: Iterable[str],
    *,
    kind: str = "",
    crs: Any = None,  # noqa: ANN401 - any CRS
) -> None:
    places = points if crs is None else gpd.GeoSeries(points, crs=crs)
    for (lat, lon), name in zip(_lat_lon(places), names, strict=True):
        words = f'<div class="xq-name {kind}">{_safe(name)}</div>'
        folium.Marker((lat, lon), icon=folium.DivIcon(html=words, icon_size=(0, 0)), interactive=False).add_to(parent)


# ---- geometry on its way to the browser ----


def _degrees(shapes: gpd.GeoSeries) -> list[shapely.Geometry]:
    rounded = shapely.transform(shapes.to_crs(WGS84).to_numpy(), lambda xy: np.round(xy, DEGREE_DIGITS))
    return list(rounded)


def _lat_lon(points: gpd.GeoSeries | gpd.GeoDataFrame) -> list[list[float]]:
    places = points.geometry.to_crs(WGS84)
    return np.round(np.column_stack([places.y, places.x]), DEGREE_DIGITS).tolist()


def _of_village(table: pd.DataFrame, village_id: str) -> Any:  # noqa: ANN401 - a frame, or a geo frame
    return table[table["village_id"] == village_id] if "village_id" in table else table.iloc[:0]


def _focus(shown: Sequence[gpd.GeoDataFrame], crs: str) -> Sequence[float] | None:
    shapes = [
        shape
        for table in shown
        if isinstance(table, gpd.GeoDataFrame)
        for shape in table.geometry
        if not shape.is_empty
    ]
    if not shapes:
        return None
    box = gpd.GeoSeries([shapely.box(*shapely.total_bounds(shapes))], crs=crs).to_crs(WGS84)
    return [float(value) for value in box.total_bounds]


# ---- samples of the legend ----


def _svg(body: str, *, size: int = 16) -> str:
    return f'<svg width="{size}" height="{round(size * 0.8)}" viewBox="0 0 16 13" aria-hidden="true">{body}</svg>'


def _swatch(colour: str, *, opacity: float, line: str = "", dash: str = "") -> str:
    edge = f'stroke="{line or colour}" stroke-width="1.4" stroke-dasharray="{dash}"'
    return _svg(f'<rect x="1" y="1.5" width="14" height="9" rx="1.5" fill="{colour}" fill-opacity="{opacity}" {edge}/>')


def _line_sample(colour: str, *, dash: str = "", width: float = 1.6) -> str:
    return _svg(f'<path d="M0 6 H16" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"/>')


def _square(colour: str) -> str:
    return _svg(f'<rect x="4" y="2.5" width="8" height="8" fill="{colour}" stroke="#fff" stroke-width="1.2"/>')


def _camera_sign(azimuth_deg: float, colour: str) -> str:
    turn = 0.0 if pd.isna(azimuth_deg) else float(azimuth_deg)
    wedge = (
        f'<path d="M8 6.5 L4 0.2 L12 0.2 Z" fill="{colour}" fill-opacity=".85" transform="rotate({turn:.0f} 8 6.5)"/>'
    )
    return (
        '<svg width="22" height="18" viewBox="0 0 16 13" aria-hidden="true" overflow="visible">'
        f'{wedge}<circle cx="8" cy="6.5" r="2.6" fill="{colour}" stroke="#fff" stroke-width="1.1"/></svg>'
    )


def _camera_sample(colour: str) -> str:
    wedge = f'<path d="M4 6.5 L15.5 1 L15.5 12 Z" fill="{colour}" fill-opacity=".6"/>'
    return _svg(f'{wedge}<circle cx="4.5" cy="6.5" r="3" fill="{colour}"/>')


_DASHED = 'stroke-dasharray="3 2"'
_SEEN_SIGN = _svg(f'<circle cx="8" cy="6.5" r="5" fill="{SEEN}" stroke="#fff" stroke-width="1.3"/>')
_UNSEEN_SIGN = _svg(f'<path d="M8 0.5 L14.5 12 L1.5 12 Z" fill="{UNSEEN}" stroke="#fff" stroke-width="1.3"/>')
_NAMED_SIGN = _svg(f'<circle cx="8" cy="6.5" r="5" fill="{VIEW}" stroke="#fff" stroke-width="1.3"/>')
_OTHER_SIGN = _svg(f'<circle cx="8" cy="6.5" r="3.2" fill="#fff" stroke="{VEIL}" stroke-width="1.3"/>')
