"""The patterns' map: density in classes, hot and cold cells, cells that change."""

import geopandas as gpd

from analysis.density import CLASS_LIMITS
from gis_data.catalogue import text
from gis_data.study import Study
from views.basemap.tiles import TileSet
from views.maps.cell_cards import CellCards
from views.maps.cells import Cells
from views.maps.frame import FILLS, Row, TownMap, finished, town_map
from views.maps.incidents import incident_row
from views.maps.layers import shape_layer
from views.maps.look import swatch
from views.palette import COLD, DENSITY, DENSITY_OPACITY, EDGE, EMERGING, HOTSPOT
from views.patterns import Ground


def pattern_map(study: Study, ground: Ground, incidents: gpd.GeoDataFrame, tiles: TileSet | None) -> TownMap:
    """Show density in classes that are the same on every map, hot and cold cells, cells with a pattern, incidents."""
    town = town_map(study, tiles)
    cards = CellCards(ground)
    cells = _cell_row(town, study, cards)  # before the incidents: it is the first to hear of a click
    rows = [*_density_rows(town, ground.density), incident_row(town, incidents), cells,
            _verdict_row(town, cards, "cold", COLD, "3 3")]  # fmt: skip
    if ground.emerging is not None:
        rows.append(_emerging_row(town, cards))
    rows.append(_verdict_row(town, cards, "hot", HOTSPOT, ""))
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


def _cell_row(town: TownMap, study: Study, cards: CellCards) -> Row:
    """Let every cell tell its numbers, why it is hot or why it is not."""
    layer = Cells(cards.cells, study.settings.cell_size_m, cards.templates, [cards.of(at) for at in cards.rows])
    layer.add_to(town)
    return Row(
        swatch(EDGE, opacity=0.0, dash="1 2"), text("page.patterns.layer.cells", count=f"{len(cards.rows):,}"), layer
    )


def _verdict_row(town: TownMap, cards: CellCards, verdict: str, colour: str, dash: str) -> Row:
    """Draw the hot or the cold cells."""
    part = cards.cells[cards.cells["verdict"] == verdict]
    style = {"color": colour, "weight": 1.8, "fillColor": colour, "fillOpacity": 0.2}
    look = style | ({"dashArray": dash} if dash else {})
    tips, more = cards.tips(part.index)
    layer = shape_layer(part, look, tips=tips, more=more, show=verdict == "hot", css=f"xq-{verdict}")
    layer.add_to(town)
    label = text(f"page.patterns.layer.{verdict}", count=len(part))
    return Row(swatch(colour, opacity=0.2, dash=dash), label, layer)


def _emerging_row(town: TownMap, cards: CellCards) -> Row:
    """Draw the cells that have a pattern over time."""
    part = cards.cells[cards.cells["pattern"] != "none"]
    style = {"color": EMERGING, "weight": 2, "fillColor": EMERGING, "fillOpacity": 0.15, "dashArray": "6 3"}
    tips, more = cards.tips(part.index)
    layer = shape_layer(part, style, tips=tips, more=more, show=False, css="xq-emerging")
    layer.add_to(town)
    label = text("page.patterns.layer.emerging", count=len(part))
    return Row(swatch(EMERGING, opacity=0.15, dash="6 3"), label, layer)
