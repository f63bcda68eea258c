"""The cameras' maps: the villages the rules name, and one village's plan close up."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.catalogue import text
from gis_data.study import WGS84, Study
from models.plan import Plan
from views import camera_words as words
from views.basemap.look import BUILDING, BUILDING_EDGE, ROADS, WATER
from views.basemap.names import village_points
from views.basemap.tiles import TileSet
from views.figures import records, rule_names
from views.formats import measured, number
from views.maps.frame import Row, TownMap, finished, town_map
from views.maps.layers import because, shape_layer, sign_layer, tip_html
from views.maps.look import svg, swatch
from views.palette import BLIND, INK, SEEN, UNSEEN, VEIL, VIEW


def camera_map(
    study: Study, plan: Plan, village_id: str, tables: Mapping[str, gpd.GeoDataFrame], tiles: TileSet | None
) -> TownMap:
    """Show one village's camera plan: views, cameras, entrances seen and unseen, blind spots.

    Houses and lanes are drawn as vectors here: the tiles end where a village fills the map.
    """
    part = {name: of_village(table, village_id) for name, table in plan.tables.items()}
    shown = [part[name] for name in ("cameras", "entrances", "blind_spots") if len(part[name])]
    focus = focus_of(shown, study.crs)
    town = town_map(study, tiles, focus=focus)
    _close_ground(town, tables, focus)
    rows = [_blind_spots(town, part["blind_spots"], words.left_cny(plan)), *_views(town, part["views"])]
    if len(part.get("left_out", ())):
        rows.append(_possible_sites(town, part["left_out"]))
    rows += [*_entrances(town, part["entrances"]), *camera_rows(town, part["cameras"])]
    return finished(town, rows)


def town_camera_map(study: Study, plan: Plan, villages: gpd.GeoDataFrame, tiles: TileSet | None) -> TownMap:
    """Show which villages the rules name and which rule each, and all cameras."""
    town = town_map(study, tiles)
    points = village_points(villages.set_index("village_id"))
    new = plan.tables["summary"].set_index("village_id")["new_cameras"]
    rows = [
        *camera_rows(town, plan.to_frame(), show=False, named=True),
        *_named_villages(town, plan, points, new),
    ]
    return finished(town, rows)


def _views(town: TownMap, views: gpd.GeoDataFrame) -> list[Row]:
    rows = []
    for level, opacity in (("turning", 0.07), ("coverage", 0.16), ("recognition", 0.3)):
        part = views[(views["level"] == level) & ~views.geometry.is_empty]
        if level == "turning" and part.empty:
            continue
        style = {"color": VIEW, "weight": 0.8, "opacity": 0.6, "fillColor": VIEW, "fillOpacity": opacity}
        layer = shape_layer(part, style, css="xq-view")
        layer.add_to(town)
        rows.append(Row(swatch(VIEW, opacity=opacity), text(f"map.view.{level}"), layer))
    return rows


def camera_rows(town: TownMap, cameras: gpd.GeoDataFrame, *, show: bool = True, named: bool = False) -> list[Row]:
    """Draw cameras, new ones and those that stand, each with the way it looks; ``named`` if of named villages only."""
    standing = "map.standing_named" if named else "map.standing_cameras"
    rows = []
    for old, colour, label in ((False, VIEW, "map.new_cameras"), (True, INK, standing)):
        part = cameras[(cameras["status"] == "existing") == old]
        if len(part):
            signs = [_camera_sign(azimuth, colour) for azimuth in part["azimuth_deg"]]
            tips = [_camera_tip(row) for row in records(part)]
            more = [because(words.camera_lines(row)) for row in records(part)] if "gain_pct" in part else None
            layer = sign_layer(part.geometry, signs, tips, more=more, show=show)
            layer.add_to(town)
            rows.append(Row(_camera_sample(colour), text(label, count=len(part)), layer))
    return rows


def _entrances(town: TownMap, entrances: gpd.GeoDataFrame) -> list[Row]:
    rows = []
    for seen, key, sign in ((True, "map.entrance_seen", SEEN_SIGN), (False, "map.entrance_unseen", UNSEEN_SIGN)):
        part = entrances[entrances["seen"].astype(bool) == seen]
        tips = [
            tip_html(row["entrance_id"], [(text(key, count=""), ""), (text("map.tip.road_name"), row["road"] or "—")])
            for row in records(part)
        ]
        more = [because(words.entrance_lines(row)) for row in records(part)]
        layer = sign_layer(part.geometry, [sign] * len(part), tips, more=more)
        layer.add_to(town)
        rows.append(Row(sign, text(key, count=len(part)), layer))
    return rows


def _possible_sites(town: TownMap, sites: gpd.GeoDataFrame) -> Row:
    """Draw the poles without a camera; the card says why there is none."""
    tips = [_possible_tip(row) for row in records(sites)]
    more = [because(words.left_out_lines(row)) for row in records(sites)]
    layer = sign_layer(sites.geometry, [POSSIBLE_SIGN] * len(sites), tips, more=more)
    layer.add_to(town)
    return Row(POSSIBLE_SIGN, text("map.possible_sites", count=len(sites)), layer)


def _blind_spots(town: TownMap, blind: gpd.GeoDataFrame, left_cny: float) -> Row:
    tips = [_blind_tip(row) for row in records(blind)]
    smooth = blind.set_geometry(blind_bands(blind))
    style = {"stroke": False, "fillColor": BLIND, "fillOpacity": 0.33}
    more = [because(words.blind_lines(row, left_cny)) for row in records(blind)]
    layer = shape_layer(smooth, style, tips=tips, more=more, css="xq-blind")
    layer.add_to(town)
    return Row(swatch(BLIND, opacity=0.33, line="none"), text("map.blind_spots", count=len(blind)), layer)


def blind_bands(blind: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return blind spots as bands along their roads instead of strings of discs."""
    return gpd.GeoSeries([_band(shape.wkb) for shape in blind.geometry], index=blind.index, crs=blind.crs)


@lru_cache(maxsize=4096)
def _band(spot: bytes) -> shapely.Geometry:
    """Return one spot's band: from one edit by hand to the next nearly all spots stay as they are."""
    return shapely.buffer(shapely.buffer(shapely.from_wkb(spot), 6, quad_segs=16), -9, quad_segs=16)


def _close_ground(town: TownMap, tables: Mapping[str, gpd.GeoDataFrame], focus: Sequence[float] | None) -> None:
    for whole, look in close_layers(tables, focus):
        shape_layer(whole, look, css="xq-ground").add_to(town)


def close_layers(
    tables: Mapping[str, gpd.GeoDataFrame], focus: Sequence[float] | None
) -> Iterator[tuple[gpd.GeoDataFrame, dict[str, Any]]]:
    """Yield the water, houses and roads around a village, sharp at any zoom, each as one shape with its look."""
    if focus is None:
        return
    yield _joined(_near(tables["water"], focus)), {"stroke": False, "fillColor": WATER, "fillOpacity": 1}
    house = {"color": BUILDING_EDGE, "weight": 0.8, "fillColor": BUILDING, "fillOpacity": 1}
    yield _joined(_near(tables["buildings"], focus)), house
    roads = _near(tables["roads"], focus)
    for name, road in ROADS.items():
        part = _joined(roads[roads["road_class"] == name])
        width, dash = max(road.width_px[-1], 1.5), {"dashArray": "5 4"} if road.dash else {}
        if road.casing:
            yield part, {"color": road.casing, "weight": width + 2, "opacity": 1, "fill": False}
        yield part, {"color": road.core, "weight": width, "opacity": 1, "fill": False} | dash


def _near(table: gpd.GeoDataFrame, focus: Sequence[float]) -> gpd.GeoDataFrame:
    """Return the rows within about the width of the view around a view (degrees)."""
    window = gpd.GeoSeries([shapely.box(*focus)], crs=WGS84).to_crs(table.crs).iloc[0]
    west, south, east, north = window.bounds
    around = 0.6 * max(east - west, north - south)
    return table.iloc[np.sort(table.sindex.query(window.buffer(around)))]


def _joined(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return all shapes as one: thousands of houses are then one path for the browser."""
    parts = shapely.get_parts(table.geometry.to_numpy())
    polygons = len(parts) > 0 and parts[0].geom_type == "Polygon"
    whole = shapely.multipolygons(parts) if polygons else shapely.multilinestrings(parts)
    return gpd.GeoDataFrame(geometry=[whole], crs=table.crs)


def _named_villages(town: TownMap, plan: Plan, points: gpd.GeoSeries, new: pd.Series) -> list[Row]:
    """Show the villages that a rule names as discs with the number of new cameras, the others as rings."""
    rows, named = [], plan.tables["villages"]
    for chosen, key in ((False, "map.village_not_named"), (True, "map.village_named")):
        part = named[named["named"].astype(bool) == chosen]
        signs = [
            f'<div class="xq-count">{int(new.get(village, 0))}</div>' if chosen else _OTHER_SIGN
            for village in part["village_id"]
        ]
        tips = [_village_tip(row) for row in records(part)]
        more = [because(words.village_lines(plan, village)) for village in part["village_id"]]
        layer = sign_layer(points.loc[part["village_id"]], signs, tips, more=more)
        layer.add_to(town)
        rows.append(Row(_NAMED_SIGN if chosen else _OTHER_SIGN, text(key, count=len(part)), layer))
    return rows


def of_village(table: pd.DataFrame, village_id: str) -> Any:  # noqa: ANN401 - a frame, or a geo frame
    """Return a table's rows of one village; none where the table does not tell villages apart."""
    return table[table["village_id"] == village_id] if "village_id" in table else table.iloc[:0]


def focus_of(shown: Sequence[gpd.GeoDataFrame], crs: str) -> Sequence[float] | None:
    """Return the view (west, south, east, north, degrees) that holds all shapes; None where there is none."""
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


def _camera_tip(row: Mapping[str, Any]) -> str:
    lines = [(text("map.tip.azimuth"), f"{row['azimuth_deg']:.0f}°"), (text("map.tip.hfov"), f"{row['hfov_deg']:.0f}°")]
    if pd.notna(row.get("cost_cny")):
        lines.append((text("map.tip.cost"), f"{row['cost_cny']:,.0f}"))
    return tip_html(str(row["camera_id"]), lines)


def _possible_tip(row: Mapping[str, Any]) -> str:
    lines = [
        (text("map.tip.kind"), text(f"page.cameras.site.{row['kind']}")),
        (text("map.tip.would_add"), f"{row['gain_pct']:.2f}%"),
        (text("map.tip.cost"), number(row["cost_cny"])),
    ]
    return tip_html(text("map.tip_possible", site=row["site_id"]), lines)


def _blind_tip(row: Mapping[str, Any]) -> str:
    lines = [
        (text("map.tip.length"), measured(row["length_m"], "m")),
        (text("map.tip.weight"), f"{row['weight_pct']:.2f}%"),
    ]
    return tip_html(row["blind_spot_id"], lines)


def _village_tip(row: Mapping[str, Any]) -> str:
    lines = [
        (text("map.population"), f"{row['population']:,}"),
        (text("map.tip.rules"), rule_names(row["reasons"]) or "—"),
    ]
    return tip_html(row["name"], lines)


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
    return svg(f'{wedge}<circle cx="4.5" cy="6.5" r="3" fill="{colour}"/>')


SEEN_SIGN = svg(f'<circle cx="8" cy="6.5" r="5" fill="{SEEN}" stroke="#fff" stroke-width="1.3"/>')
UNSEEN_SIGN = svg(f'<path d="M8 0.5 L14.5 12 L1.5 12 Z" fill="{UNSEEN}" stroke="#fff" stroke-width="1.3"/>')
POSSIBLE_SIGN = svg(f'<path d="M8 2.5 L12 6.5 L8 10.5 L4 6.5 Z" fill="#fff" stroke="{INK}" stroke-width="1.1"/>')
_NAMED_SIGN = svg(f'<circle cx="8" cy="6.5" r="5" fill="{VIEW}" stroke="#fff" stroke-width="1.3"/>')
_OTHER_SIGN = svg(f'<circle cx="8" cy="6.5" r="3.2" fill="#fff" stroke="{VEIL}" stroke-width="1.3"/>')
