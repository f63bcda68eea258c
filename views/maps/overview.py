"""The overview's map: incidents, hotspots, zone borders, standing cameras and villages in one view."""

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import geopandas as gpd

from gis_data.catalogue import language, text
from gis_data.study import Study
from gis_data.tables import STANDING
from models.plan import Plan
from views.basemap.names import village_points
from views.basemap.tiles import TileSet
from views.figures import records
from views.formats import number
from views.maps.frame import Row, TownMap, finished, town_map
from views.maps.hotspots import hotspot_row
from views.maps.incidents import incident_row
from views.maps.layers import because, safe, sign_layer, tip_html
from views.maps.look import svg
from views.maps.zones import tile_names, zone_borders
from views.palette import INK
from views.village_card import Counted
from views.village_words import count_line


def overview_map(
    study: Study,
    tables: Mapping[str, gpd.GeoDataFrame],
    plans: Mapping[str, Plan],
    tiles: TileSet | None,
    counts: Mapping[str, Counted] | None = None,
) -> TownMap:
    """Show everything in one view: reported incidents, hotspots, zone borders, standing cameras, villages."""
    town = town_map(study, tiles)
    rows = [incident_row(town, tables["incidents"])]
    if "zones" in plans:
        rows.append(zone_borders(town, plans["zones"].to_frame(), tile_names(study, tables, tiles)))
    if "hotspots" in plans:
        rows.append(hotspot_row(town, plans["hotspots"].to_frame(), "hotspot"))
    cameras = tables["cameras"]
    if len(standing := cameras[cameras["status"].isin(STANDING)]):
        rows.append(_standing_cameras(town, standing))
    if len(tables["villages"]):
        rows.append(village_row(town, tables["villages"], counts or {}))
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


def village_row(town: TownMap, villages: gpd.GeoDataFrame, counts: Mapping[str, Counted]) -> Row:
    """Draw the villages as rings, each with what it reported, what its people lead to expect, and the way to its page.

    Not shown from the start.
    """
    rows = records(villages.drop(columns="geometry"))
    tips = [_village_tip(row, counts.get(row["village_id"])) for row in rows]
    more = [because([count_line(counts.get(row["village_id"]))]) + _way(row["village_id"]) for row in rows]
    sign = svg(f'<circle cx="8" cy="6" r="4" fill="#fff" stroke="{INK}" stroke-width="1.4"/>')
    layer = sign_layer(village_points(villages), [sign] * len(villages), tips, more=more, show=False)
    layer.add_to(town)
    return Row(sign, text("map.villages", count=len(villages)), layer)


def _village_tip(row: Mapping[str, Any], found: Counted | None) -> str:
    lines = [(text("map.population"), number(row["population"])), (text("map.households"), number(row["households"]))]
    if found is not None:
        lines.append((text("map.tip.reported"), f"{number(found.count)} ({number(found.low)}–{number(found.high)})"))
        if not math.isnan(found.expected):
            lines += [(text("map.tip.expected"), number(found.expected, 1)),
                      (text("map.tip.word"), text(f"page.villages.side.{found.side}"))]  # fmt: skip
    return tip_html(row["name"], lines)


def _way(village_id: str) -> str:
    """Return the link to a village's page, out of the map's own frame."""
    query = urlencode({"village": village_id, "lang": language()})
    return f'<p><a href="/villages?{query}">{safe(text("map.to_village"))}</a></p>'


def _square(colour: str) -> str:
    return svg(f'<rect x="4" y="2.5" width="8" height="8" fill="{colour}" stroke="#fff" stroke-width="1.2"/>')
