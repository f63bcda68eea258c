"""The patterns' map: density in classes, hot and cold cells, cells that change."""

import geopandas as gpd

from analysis.density import CLASS_LIMITS
from gis_data.catalogue import text
from gis_data.study import Study
from views.basemap.tiles import TileSet
from views.figures import records
from views.maps.frame import FILLS, Row, TownMap, finished, town_map
from views.maps.incidents import incident_row
from views.maps.layers import because, shape_layer, tip_html
from views.maps.look import swatch
from views.palette import COLD, DENSITY, DENSITY_OPACITY, EMERGING, HOTSPOT
from views.pattern_words import interval


def pattern_map(
    study: Study,
    hot: gpd.GeoDataFrame,
    density: gpd.GeoDataFrame,
    emerging: gpd.GeoDataFrame | None,
    incidents: gpd.GeoDataFrame,
    tiles: TileSet | None,
) -> TownMap:
    """Show density in classes that are the same on every map, hot and cold cells, cells with a pattern, incidents."""
    town = town_map(study, tiles)
    rows = [*_density_rows(town, density), incident_row(town, incidents), _verdict_row(town, hot, "cold", COLD, "3 3")]
    if emerging is not None:
        rows.append(_emerging_row(town, emerging))
    rows.append(_verdict_row(town, hot, "hot", HOTSPOT, ""))
    return finished(town, rows)


def _density_rows(town: TownMap, density: gpd.GeoDataFrame) -> list[Row]:
    """Draw the density's classes, each as one shape; below the first limit nothing is drawn."""
    shown = density[density["density_class"] > 0][["density_class", "geometry"]].dissolve("density_class")
    styles = [{"stroke": False, "fillColor": DENSITY[at - 1], "fillOpacity": DENSITY_OPACITY} for at in shown.index]
    layer = shape_layer(shown, styles, css="xq-density", pane=FILLS)
    layer.add_to(town)
    limits = [
        Row(
            swatch(colour, opacity=DENSITY_OPACITY, line="none"),
            text("page.patterns.layer.density_from", low=f"{low:,.0f}"),
        ) for low, colour in zip(CLASS_LIMITS[: max(shown.index, default=0)], DENSITY, strict=False)
    ]  # fmt: skip
    return [Row("", text("page.patterns.layer.density"), layer), *limits]


def _verdict_row(town: TownMap, cells: gpd.GeoDataFrame, verdict: str, colour: str, dash: str) -> Row:
    """Draw the hot or the cold cells."""
    part = cells[cells["verdict"] == verdict]
    names = {name: text(f"page.patterns.column.{name}") for name in ("cell", "count", "around", "z", "q")}
    tips = [
        tip_html(
            f"{names['cell']} {row['cell_id']}",
            [
                (names["count"], f"{row['count']:,}"), (names["around"], f"{row['around_count']:,}"),
                (names["z"], f"{row['z']:.1f}"), (names["q"], f"{row[f'q_{verdict}']:.3f}"),
            ],
        )
        for row in records(part)
    ]  # fmt: skip
    more = [
        because([text(f"page.patterns.why_{verdict}", z=f"{row['z']:.1f}", q=f"{row[f'q_{verdict}']:.3f}")])
        for row in records(part)
    ]
    style = {"color": colour, "weight": 1.8, "fillColor": colour, "fillOpacity": 0.2}
    look = style | ({"dashArray": dash} if dash else {})
    layer = shape_layer(part, look, tips=tips, more=more, show=verdict == "hot", css=f"xq-{verdict}")
    layer.add_to(town)
    label = text(f"page.patterns.layer.{verdict}", count=len(part))
    return Row(swatch(colour, opacity=0.2, dash=dash), label, layer)


def _emerging_row(town: TownMap, cells: gpd.GeoDataFrame) -> Row:
    """Draw the cells that have a pattern over time."""
    part = cells[cells["pattern"] != "none"]
    names = {name: text(f"page.patterns.column.{name}") for name in ("cell", "recent", "earlier", "interval", "word")}
    tips = [
        tip_html(
            text(f"page.patterns.pattern.{row['pattern']}"),
            [
                (names["cell"], row["cell_id"]), (names["recent"], f"{row['around_recent']:,}"),
                (names["earlier"], f"{row['around_earlier']:,}"),
                (names["interval"], interval(row["ratio_low"], row["ratio_high"])),
                (names["word"], text(f"scorecard.word.{row['change']}")),
            ],
        )
        for row in records(part)
    ]  # fmt: skip
    style = {"color": EMERGING, "weight": 2, "fillColor": EMERGING, "fillOpacity": 0.15, "dashArray": "6 3"}
    layer = shape_layer(part, style, tips=tips, show=False, css="xq-emerging")
    layer.add_to(town)
    label = text("page.patterns.layer.emerging", count=len(part))
    return Row(swatch(EMERGING, opacity=0.15, dash="6 3"), label, layer)
