"""The zones' map, and what others borrow of it: borders with names, barriers, colours that tell neighbours apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from models.zones import explain
from views.basemap.names import village_name_boxes
from views.basemap.tiles import TileSet
from views.figures import records
from views.formats import measured
from views.maps.frame import FILLS, Row, TownMap, finished, town_map
from views.maps.layers import MERCATOR, because, shape_layer, sign_layer, tip_html, write_names
from views.maps.look import line_sample, svg, swatch
from views.palette import EDGE, INK, ZONE_OPACITY, ZONES

NAME_CLEAR = 0.03  # how much room around a zone's name is enough (share of the town)


def zone_map(
    study: Study,
    plan: Plan,
    scorecard: pd.DataFrame | None,
    tables: Mapping[str, gpd.GeoDataFrame],
    tiles: TileSet | None,
) -> TownMap:
    """Show the zones in colours that differ between neighbours, their units, posts, and the ground's barriers."""
    town = town_map(study, tiles)
    zones = plan.to_frame()
    score = {} if scorecard is None else {row["zone_id"]: row for row in records(scorecard)}
    rows = [*_zone_areas(town, zones, score, tile_names(study, tables, tiles)), _unit_row(town, plan, score)]
    if len(tables["barriers"]):
        rows.append(barrier_row(town, tables["barriers"]))
    rows.append(_posts(town, zones, study.crs, score))
    return finished(town, rows)


def _zone_areas(
    town: TownMap, zones: gpd.GeoDataFrame, score: Mapping[str, Mapping[str, Any]], names: Sequence[shapely.Geometry]
) -> list[Row]:
    colours = zone_colours(zones)
    styles = [{"stroke": False, "fillColor": colour, "fillOpacity": ZONE_OPACITY} for colour in colours]
    tips = [_zone_tip(zone, score.get(zone["zone_id"], {})) for zone in records(zones)]
    layer = shape_layer(zones, styles, tips=tips, css="xq-zone-area", pane=FILLS)
    layer.add_to(town)
    row = Row(swatch(ZONES[0], opacity=ZONE_OPACITY, line="none"), text("map.zones", count=len(zones)), layer)
    return [row, zone_borders(town, zones, names)]


def zone_borders(town: TownMap, zones: gpd.GeoDataFrame, names: Sequence[shapely.Geometry] | None) -> Row:
    """Draw the zones' borders once, each zone's name inside; no names where ``names`` is None."""
    borders = gpd.GeoDataFrame(geometry=[shapely.union_all(zones.geometry.boundary.to_numpy())], crs=zones.crs)
    layer = shape_layer(borders, {"color": INK, "weight": 2, "opacity": 0.85, "fill": False}, css="xq-zone-border")
    layer.add_to(town)
    if names is not None:
        write_names(layer, name_points(zones, names), zones["zone_id"], kind="xq-zone")
    return Row(line_sample(INK, width=2), text("map.zone_borders"), layer)


def tile_names(study: Study, tables: Mapping[str, gpd.GeoDataFrame], tiles: TileSet | None) -> list[shapely.Geometry]:
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


def _unit_row(town: TownMap, plan: Plan, score: Mapping[str, Mapping[str, Any]]) -> Row:
    """Draw the units; each tells its work and its zone's numbers, why it is there and why not in the next zone."""
    units = plan.tables["units"]
    zones = {zone["zone_id"]: zone for zone in records(plan.to_frame())}
    rows, named = records(units), "name" in units
    tips = [_unit_tip(row, zones[row["zone_id"]]) for row in rows]
    more = [because(explain(plan, row["unit_id"])) if named else "" for row in rows]
    more = [f"{reasons}{_zone_tip(zones[row['zone_id']], score.get(row['zone_id'], {}))}"
            for row, reasons in zip(rows, more, strict=True)]  # fmt: skip
    style = {"color": EDGE, "weight": 0.8, "opacity": 0.5, "fillColor": "#fff", "fillOpacity": 0.0}
    layer = shape_layer(units, style, tips=tips, more=more, css="xq-unit")
    layer.add_to(town)
    key = "map.units" if named and (units["name"] != units["unit_id"]).any() else "map.cells"
    return Row(line_sample(EDGE, width=0.8), text(key), layer)


def _unit_tip(unit: Mapping[str, Any], zone: Mapping[str, Any]) -> str:
    lines = [(text("map.zone"), zone["zone_id"])]
    if pd.notna(unit.get("total_min")):
        hours = text("map.tip.hours_a_week", hours=f"{unit['total_min'] / 60:.1f}")
        lines += [(text("map.tip.workload"), hours), (text("map.tip.to_post"), measured(unit["travel_min"], "min", 1))]
    return tip_html(str(unit.get("name", unit["unit_id"])), lines)


def barrier_row(town: TownMap, barriers: gpd.GeoDataFrame) -> Row:
    """Draw rivers, railways and expressways, that is what keeps neighbours apart."""
    kilometres = barriers.length / 1_000
    tips = [
        tip_html(row["name"] or kind, [(kind, text("map.barrier_length", km=f"{km:.1f}"))])
        for row, km in zip(records(barriers), kilometres, strict=True)
        for kind in [text(f"map.barrier.{row['kind']}")]
    ]
    style = {"color": "#3f5b8c", "weight": 2.2, "opacity": 0.75, "dashArray": "1 5"}
    layer = shape_layer(barriers, style, tips=tips, more=[because([text("map.barrier_why")])] * len(tips))
    layer.add_to(town)
    return Row(line_sample("#3f5b8c", dash="1 4", width=2.2), text("map.barriers"), layer)


def _posts(town: TownMap, zones: gpd.GeoDataFrame, crs: str, score: Mapping[str, Mapping[str, Any]]) -> Row:
    known = _with_post(zones)
    sign = svg(f'<path d="M3 12 V1 L13 4.5 L4.5 8 V12 Z" fill="{INK}" stroke="#fff" stroke-width="1"/>', size=18)
    points = gpd.GeoSeries(gpd.points_from_xy(known["post_x"], known["post_y"]), crs=crs)
    tips = [tip_html(text("map.post"), [(text("map.zone"), z)]) for z in known["zone_id"]]
    more = [_zone_tip(zone, score.get(zone["zone_id"], {})) for zone in records(known)]
    layer = sign_layer(points, [sign] * len(known), tips, more=more)
    layer.add_to(town)
    return Row(sign, text("map.post"), layer)


def _with_post(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the zones whose post is known."""
    if "post_x" not in zones:
        return zones.iloc[:0].assign(post_x=0.0, post_y=0.0)
    return zones[zones[["post_x", "post_y"]].notna().all(axis=1)]


def _zone_tip(zone: Mapping[str, Any], score: Mapping[str, Any]) -> str:
    lines = [
        (text("map.tip.population"), f"{zone['population']:,.0f}" if pd.notna(zone.get("population")) else "—"),
        (text("map.tip.area"), measured(zone["area_km2"], "km2", 1)),
        (text("map.tip.road"), measured(zone["road_km"], "km", 1)),
        (text("map.tip.workload"), text("map.tip.hours_a_week", hours=f"{zone['workload_h_per_week']:.1f}")),
    ]
    if score:
        count = f"{score['reported']:,} ({score['reported_low']:,.0f}–{score['reported_high']:,.0f})"
        arrests = f"{score['arrest_incidents']:,} ({score['arrest_low']:,.0f}–{score['arrest_high']:,.0f})"
        lines += [(text("map.tip.reported"), count), (text("map.tip.arrests"), arrests)]
    name = " ".join(dict.fromkeys((zone["zone_id"], zone.get("name", ""))))
    return tip_html(text("map.zone_named", zone=name), lines)


def zone_colours(zones: gpd.GeoDataFrame) -> list[str]:
    """Return a colour for each zone so that neighbours differ; as many colours are used as there are."""
    left, right = gpd.GeoSeries(zones.geometry.to_numpy()).sindex.query(zones.geometry, predicate="intersects")
    near: list[set[int]] = [set() for _ in range(len(zones))]
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        near[one].add(other)
    chosen: dict[int, int] = {}
    used = [0] * len(ZONES)
    for zone in _smallest_last(near):
        taken = {chosen[other] for other in near[zone] if other in chosen}
        free = [colour for colour in range(len(ZONES)) if colour not in taken] or list(range(len(ZONES)))
        chosen[zone] = min(free, key=lambda colour: (used[colour], colour))
        used[chosen[zone]] += 1
    return [ZONES[chosen[zone]] for zone in range(len(zones))]


def _smallest_last(near: Sequence[set[int]]) -> list[int]:
    """Return zones so that each has few neighbours before it: at most five on any map without zones in pieces.

    Method: Matula & Beck (1983): whoever has the fewest neighbours left goes last, and so on.
    """
    left = set(range(len(near)))
    order = []
    while left:
        zone = min(left, key=lambda one: (len(near[one] & left), -one))
        left.remove(zone)
        order.append(zone)
    return order[::-1]
