"""Two zone plans on one map: both borders, and the villages that change zone."""

import geopandas as gpd
import shapely

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from models.zones import explain
from views.basemap.tiles import TileSet
from views.figures import records
from views.maps.frame import Row, TownMap, finished, town_map
from views.maps.layers import because, shape_layer, tip_html
from views.maps.look import line_sample, swatch
from views.maps.zones import tile_names, zone_borders
from views.palette import BLUE, UNSEEN
from views.plan_words import zone_to


def two_plans_map(
    study: Study, first: Plan, second: Plan, moved: gpd.GeoDataFrame, villages: gpd.GeoDataFrame, tiles: TileSet | None
) -> TownMap:
    """Show the first plan's borders with its names, the second's as broken lines, and what moves between them."""
    town = town_map(study, tiles)
    rows = [_moved_row(town, moved, second), _second_row(town, second.to_frame())]
    names = tile_names(study, {"villages": villages}, tiles)
    return finished(town, [*rows, zone_borders(town, first.to_frame(), names)])


def _moved_row(town: TownMap, moved: gpd.GeoDataFrame, second: Plan) -> Row:
    tips = [
        tip_html(
            row["name"],
            [
                (text("page.plans.zone_from"), row["zone_id"]), (text("page.plans.zone_to"), zone_to(row)),
                (text("page.plans.work"), text("map.tip.hours_a_week", hours=f"{row['work_min'] / 60:.1f}")),
            ],
        )
        for row in records(moved)
    ]  # fmt: skip
    style = {"color": UNSEEN, "weight": 1.5, "fillColor": UNSEEN, "fillOpacity": 0.35}
    more = [because(explain(second, unit)) for unit in moved["unit_id"]]
    layer = shape_layer(moved, style, tips=tips, more=more, css="xq-changed")
    layer.add_to(town)
    return Row(swatch(UNSEEN, opacity=0.35), text("page.plans.moved_layer", count=len(moved)), layer)


def _second_row(town: TownMap, zones: gpd.GeoDataFrame) -> Row:
    borders = gpd.GeoDataFrame(geometry=[shapely.union_all(zones.geometry.boundary.to_numpy())], crs=zones.crs)
    look = {"color": BLUE, "weight": 3, "opacity": 0.9, "fill": False, "dashArray": "2 6"}
    layer = shape_layer(borders, look, css="xq-second")
    layer.add_to(town)
    return Row(line_sample(BLUE, dash="2 3", width=3), text("page.plans.second_layer"), layer)
