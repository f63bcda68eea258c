"""One village close up: its ground, incidents, hotspots, beats, checkpoints and cameras."""

import geopandas as gpd
import pandas as pd

from gis_data.catalogue import text
from gis_data.study import WGS84, Study
from models.plan import Plan
from views.basemap.tiles import TileSet
from views.figures import records
from views.maps.beats import beat_tip, checkpoint_rows
from views.maps.cameras import camera_rows
from views.maps.frame import Row, TownMap, finished, town_map
from views.maps.hotspots import hotspot_row
from views.maps.incidents import incident_row
from views.maps.layers import shape_layer
from views.maps.look import line_sample, swatch
from views.palette import BEATS, INK
from views.village_card import VillageCard


def village_map(study: Study, card: VillageCard, cameras: Plan | None, tiles: TileSet | None) -> TownMap:
    """Show a village with everything the plans have in it."""
    land = gpd.GeoDataFrame(geometry=[card.land], crs=study.crs)
    focus = [float(value) for value in land.to_crs(WGS84).total_bounds]
    town = town_map(study, tiles, focus=focus, deep=True)
    rows = [_land_row(town, land)]
    if len(card.beats):
        rows.append(_beat_row(town, card.beats))
    rows.append(incident_row(town, card.points))
    if len(card.hotspots):
        rows += [hotspot_row(town, card.hotspots, status) for status in dict.fromkeys(card.hotspots["status"])]
    if len(card.checkpoints):
        rows += checkpoint_rows(town, card.checkpoints)
    if cameras is not None:
        mine = cameras.to_frame()
        rows += camera_rows(town, mine[mine["village_id"] == card.village["village_id"]])
    return finished(town, rows)


def _land_row(town: TownMap, land: gpd.GeoDataFrame) -> Row:
    style = {"color": INK, "weight": 2, "dashArray": "6 4", "fillOpacity": 0.0, "fill": False}
    layer = shape_layer(land, style, css="xq-village")
    layer.add_to(town)
    return Row(swatch("#ffffff", opacity=0.0, line=INK, dash="4 2"), text("page.villages.land"), layer)


def _beat_row(town: TownMap, beats: pd.DataFrame) -> Row:
    styles = [
        {"color": BEATS[number % len(BEATS)], "weight": 2.4, "opacity": 0.7, "fill": False}
        for number in range(len(beats))
    ]
    tips = [beat_tip(row) for row in records(beats)]
    layer = shape_layer(gpd.GeoDataFrame(beats, geometry="geometry"), styles, tips=tips, show=False)
    layer.add_to(town)
    return Row(line_sample(BEATS[0], width=2.4), text("page.villages.beats_layer", count=len(beats)), layer)
