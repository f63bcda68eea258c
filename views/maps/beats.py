"""The beats' map: roads in colours that differ between neighbours, and the checkpoints."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import shapely

from gis_data.catalogue import text
from gis_data.study import Study
from models.beats.explain import explain, when
from models.beats.types import spoken
from models.plan import Plan
from views.basemap.tiles import TileSet
from views.figures import records
from views.formats import measured
from views.maps.frame import Row, TownMap, finished, town_map
from views.maps.layers import because, shape_layer, sign_layer, tip_html, write_names
from views.maps.look import line_sample, svg
from views.maps.zones import barrier_row, zone_borders, zone_colours
from views.palette import BEATS, CHECKPOINTS, ZONES

SHAPES = {  # as the colours say too; in the box of a sign
    "by_hand": '<path d="M8 0.6 L13.9 6.5 L8 12.4 L2.1 6.5 Z"/>',
    "hotspot": '<circle cx="8" cy="6.5" r="5.4"/><circle cx="8" cy="6.5" r="1.4" fill="#fff"/>',
    "market": '<rect x="3.4" y="1.9" width="9.2" height="9.2"/>',
    "school": '<path d="M8 0.8 L13.8 11.4 H2.2 Z"/>',
    "back_lane": '<circle cx="8" cy="6.5" r="3.9"/>',
}
BEAT_SIMPLER_M = 3.0  # roads drawn this much simpler look the same and halve the page


def beat_map(
    study: Study,
    plan: Plan,
    zones: gpd.GeoDataFrame,
    tables: Mapping[str, gpd.GeoDataFrame],
    tiles: TileSet | None,
) -> TownMap:
    """Show the beats as roads in colours that differ between neighbours, zone borders, and numbered checkpoints."""
    town = town_map(study, tiles)
    checkpoints = plan.tables["checkpoints"]
    rows = [_beat_roads(town, plan)]
    if len(tables["barriers"]):
        rows.append(barrier_row(town, tables["barriers"]))
    # A beat's number begins with its zone's: the zone's own name would only cover roads.
    rows += [zone_borders(town, zones, None), *checkpoint_rows(town, checkpoints)]
    return finished(town, rows)


def _beat_roads(town: TownMap, plan: Plan) -> Row:
    beats = gpd.GeoDataFrame(plan.to_frame())
    lines = shapely.simplify(shapely.line_merge(beats.geometry.to_numpy()), BEAT_SIMPLER_M)
    colours = beat_colours(beats)
    styles = [{"color": colour, "weight": 2.6, "opacity": 0.85, "fill": False} for colour in colours]
    tips = [beat_tip(row) for row in records(beats)]
    more = [because(explain(plan, beat)) for beat in beats["beat_id"]]
    simple = beats.set_geometry(gpd.GeoSeries(lines, index=beats.index, crs=beats.crs))
    layer = shape_layer(simple, styles, tips=tips, more=more, css="xq-beat")
    layer.add_to(town)
    if len(beats):
        write_names(layer, _beat_name_points(beats), beats["beat_id"], kind="xq-spot-ink")
    return Row(line_sample(BEATS[0], width=2.6), text("map.beat.layer", count=len(beats)), layer)


def beat_colours(beats: gpd.GeoDataFrame) -> list[str]:
    """Return a colour for each beat so that those that touch differ (neighbouring zones' beats hardly touch)."""
    return [BEATS[ZONES.index(colour) % len(BEATS)] for colour in zone_colours(beats)]


def _beat_name_points(beats: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the point of each beat's road that is nearest to its middle."""
    shapes = beats.geometry.to_numpy()
    points = shapely.get_point(shapely.shortest_line(shapes, shapely.centroid(shapes)), 0)
    return gpd.GeoSeries(points, index=beats.index, crs=beats.crs)


def checkpoint_rows(town: TownMap, checkpoints: gpd.GeoDataFrame) -> list[Row]:
    """Draw one layer for each kind, so that a planner can look at one alone."""
    rows = []
    for kind, colour in CHECKPOINTS.items():
        mine = checkpoints[checkpoints["kind"] == kind]
        if len(mine):
            sign = svg(f'<g fill="{colour}" stroke="#fff" stroke-width="1.4">{SHAPES[kind]}</g>', size=15)
            layer = sign_layer(mine.geometry, [sign] * len(mine), [_checkpoint_tip(row) for row in records(mine)])
            layer.add_to(town)
            kind_name = text(f"beats.kind.{kind}")
            rows.append(Row(sign, text("map.beat.checkpoints", kind=kind_name, count=len(mine)), layer))
    return rows


def beat_tip(beat: Mapping[str, Any]) -> str:
    """Return a beat's tip: of which type it is, its roads, its work, its checkpoints."""
    mark = text("list.mark")
    visits = text("map.beat.visits_value", visits=beat["visits_per_week"], minutes=f"{beat['visit_min_per_week']:.0f}")
    lines = [
        (text(f"beats.type.{beat['beat_type']}"), spoken(beat["reason"])[0]),
        (text("map.tip.road"), measured(beat["road_km"], "km", 1)),
        (text("map.beat.work"), text("map.beat.work_value", hours=f"{beat['workload_h_per_week']:.1f}")),
        (text("map.beat.ratio"), f"{beat['load_ratio']:.2f}"),
        (text("map.beat.count"), beat["checkpoints"]),
        (text("map.beat.visits"), visits),
    ]
    if beat["villages"]:
        lines.append((text("map.beat.villages"), beat["villages"].replace("、", mark)))
    return tip_html(beat["beat_id"], lines)


def _checkpoint_tip(row: Mapping[str, Any]) -> str:
    lines = [(text(f"beats.kind.{row['kind']}"), sentence) for sentence in spoken(row["reason"])]
    return tip_html(f"{row['checkpoint_id']} {row['name']}".strip(), [*lines, (text("map.beat.least"), when(row))])
