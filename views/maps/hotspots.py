"""The hotspots' map: what was found, what chance explains as well, and lives that ended or moved."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd

from analysis.hotspot_table import explain
from gis_data.catalogue import text
from gis_data.study import Study
from views.basemap.tiles import TileSet
from views.figures import records
from views.maps.cells import Cells
from views.maps.frame import Row, TownMap, finished, town_map
from views.maps.incidents import incident_row
from views.maps.layers import because, shape_layer, tip_html, write_names
from views.maps.look import line_sample, swatch
from views.palette import EDGE, HOTSPOT, MAYBE


def hotspot_map(
    study: Study,
    hotspots: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    tiles: TileSet | None,
    *,
    gone: gpd.GeoDataFrame | None = None,
    ways: gpd.GeoDataFrame | None = None,
    places: Cells | None = None,
) -> TownMap:
    """Show hotspots, the clusters that chance explains as well, and the reported incidents behind them.

    ``gone`` are the last grounds of lives that ended, ``ways`` the lines of those that moved, each with a ``title``
    and a ``line`` that tells its life; ``places`` answer for all other ground.
    """
    town = town_map(study, tiles)
    if places is not None:
        places.add_to(town)  # before the incidents: it is the first to hear of a click
    rows = [
        incident_row(town, incidents),
        *(
            hotspot_row(town, hotspots, status)
            for status in ("chance", "expired", "hotspot")
            if status != "expired" or (hotspots["status"] == status).any()
        ),
        *(
            _life_row(town, lives, key)
            for key, lives in (("gone", gone), ("ways", ways))
            if lives is not None and len(lives)
        ),
        *([Row(swatch(EDGE, opacity=0.0, dash="1 2"), text("map.places"), places)] if places is not None else []),
    ]
    return finished(town, rows)


def hotspot_row(town: TownMap, hotspots: gpd.GeoDataFrame, status: str) -> Row:
    """Draw the hotspots of one status; only those found are shown from the start, and named."""
    part, found = hotspots[hotspots["status"] == status], status == "hotspot"
    colour, dash = (MAYBE, "4 3") if status == "chance" else (HOTSPOT, None if found else "4 3")
    style = {
        "color": colour,
        "weight": 2.5 if found else 1.5,
        "fillColor": colour,
        "fillOpacity": 0.22 if found else 0.08,
    }
    tips = [_hotspot_tip(row) for row in records(part)]
    more = [because(text(key, **values) for key, values in explain(row)) for _, row in part.iterrows()]
    look = style | ({"dashArray": dash} if dash else {})
    layer = shape_layer(part, look, tips=tips, more=more, show=found, css="xq-hotspot")
    layer.add_to(town)
    if found:
        write_names(layer, part.geometry.centroid, part["hotspot_id"], kind="xq-spot", crs=hotspots.crs)
    words = text(f"map.hotspot_status.{status}", count=len(part))
    return Row(swatch(colour, opacity=0.22, dash=dash or ""), words, layer)


def _life_row(town: TownMap, lives: gpd.GeoDataFrame, key: str) -> Row:
    """Draw the grounds that are hotspots no more, or the ways of those that moved; a tip tells the life."""
    is_way = key == "ways"
    dash = "" if is_way else "1 4"
    style = {"color": HOTSPOT, "weight": 3 if is_way else 1.5, "fillOpacity": 0.0, "dashArray": dash}
    tips = [tip_html(row["title"], [(row["line"], "")]) for row in records(lives)]
    layer = shape_layer(lives, style, tips=tips, css=f"xq-life-{key}")
    layer.add_to(town)
    sample = line_sample(HOTSPOT, width=3) if is_way else swatch(HOTSPOT, opacity=0.0, dash=dash)
    return Row(sample, text(f"map.life.{key}", count=len(lives)), layer)


def _hotspot_tip(row: Mapping[str, Any]) -> str:
    lines = [
        (text("map.tip.count"), f"{row['count']}"),
        (text("map.tip.expected"), f"{row['expected_count']:.1f}"),
        (text("map.tip.p"), f"{row['p_value']:.3f}"),
        (text("map.tip.hours"), row["peak_hours"] or "—"),
        (text("map.tip.density"), f"{row['density_per_km2_year']:,.0f}"),
    ]
    return tip_html(row["hotspot_id"], lines)
