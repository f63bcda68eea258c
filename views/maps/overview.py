"""The overview's map: incidents, hotspots, zone borders, standing cameras and villages in one view."""

from collections.abc import Mapping

import geopandas as gpd

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from views.basemap.names import village_points
from views.basemap.tiles import TileSet
from views.maps.frame import Row, TownMap, finished, town_map
from views.maps.hotspots import hotspot_row
from views.maps.incidents import incident_row
from views.maps.layers import sign_layer, tip_html
from views.maps.look import svg
from views.maps.zones import tile_names, zone_borders
from views.palette import INK


def overview_map(
    study: Study, tables: Mapping[str, gpd.GeoDataFrame], plans: Mapping[str, Plan], tiles: TileSet | None
) -> TownMap:
    """Show everything in one view: reported incidents, hotspots, zone borders, standing cameras."""
    town = town_map(study, tiles)
    rows = [incident_row(town, tables["incidents"])]
    if "zones" in plans:
        rows.append(zone_borders(town, plans["zones"].to_frame(), tile_names(study, tables, tiles)))
    if "hotspots" in plans:
        rows.append(hotspot_row(town, plans["hotspots"].to_frame(), "hotspot"))
    if len(tables["cameras"]):
        rows.append(_standing_cameras(town, tables["cameras"]))
    if len(tables["villages"]):
        rows.append(village_row(town, tables["villages"]))
    return finished(town, rows)


def _standing_cameras(town: TownMap, cameras: gpd.GeoDataFrame) -> Row:
    tips = [
        tip_html(row.camera_id, [(text("map.status"), text(f"map.camera.{row.status}"))])
        for row in cameras.drop(columns="geometry").itertuples(index=False)
    ]
    sign = _square(INK)
    layer = sign_layer(cameras.geometry, [sign] * len(cameras), tips, show=False)
    layer.add_to(town)
    return Row(sign, text("map.standing_cameras", count=len(cameras)), layer)


def village_row(town: TownMap, villages: gpd.GeoDataFrame) -> Row:
    """Draw the villages as rings; not shown from the start."""
    points = village_points(villages)
    tips = [
        tip_html(
            row.name, [(text("map.population"), f"{row.population:,}"), (text("map.households"), f"{row.households:,}")]
        )
        for row in villages.drop(columns="geometry").itertuples(index=False)
    ]
    sign = svg(f'<circle cx="8" cy="6" r="4" fill="#fff" stroke="{INK}" stroke-width="1.4"/>')
    layer = sign_layer(points, [sign] * len(villages), tips, show=False)
    layer.add_to(town)
    return Row(sign, text("map.villages", count=len(villages)), layer)


def _square(colour: str) -> str:
    return svg(f'<rect x="4" y="2.5" width="8" height="8" fill="{colour}" stroke="#fff" stroke-width="1.2"/>')
