"""The incidents' map: every reported incident by month, with hotspots, zones and villages to hold it against."""

from collections.abc import Mapping

import geopandas as gpd

from gis_data.study import Study
from models.plan import Plan
from views.basemap.tiles import TileSet
from views.maps.frame import Row, Sight, TownMap, finished, town_map
from views.maps.hotspots import hotspot_row
from views.maps.incidents import incident_row
from views.maps.overview import village_row
from views.maps.zones import tile_names, zone_borders
from views.village_card import Counted


def month_map(
    study: Study,
    incidents: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    plans: Mapping[str, Plan],
    tiles: TileSet | None,
    *,
    counts: Mapping[str, Counted],
    slider: bool = True,
    sight: Sight,
) -> TownMap:
    """Show reported incidents, with a slider over months, hotspots, zone borders and villages."""
    town = town_map(study, tiles, sight=sight)
    rows: list[Row] = [incident_row(town, incidents, slider=slider)]
    if "zones" in plans:
        rows.append(zone_borders(town, plans["zones"].to_frame(), tile_names(study, {"villages": villages}, tiles)))
    if "hotspots" in plans:
        rows.append(hotspot_row(town, plans["hotspots"].to_frame(), "hotspot"))
    if len(villages):
        rows.append(village_row(town, villages, counts))
    return finished(town, rows)
