"""What any place of the hotspots' map says: its counts beside what is expected there, and why it is no hotspot.

In:     the cells as ``analysis.hotspot_places`` tells them.
Out:    a layer that hears every click which no hotspot has answered.
"""

from typing import Any

import geopandas as gpd
import pandas as pd

from analysis.hotspot_places import REASONS
from gis_data.catalogue import text
from views.figures import records
from views.formats import number
from views.maps.cells import Cells
from views.maps.layers import because, tip_html

NUMBERS = ("count", "expected", "limits", "densest")
LISTS = {"hotspot": "found", "expired": "expired", "chance": "maybe"}  # the page's words for a cluster's status


def place_cells(
    cells: gpd.GeoDataFrame, places: pd.DataFrame, *, cell_m: float, eps_m: float, least: int, most_km2: float
) -> Cells:
    """Let every cell tell its numbers and why it is no hotspot; ``most_km2`` is the widest that a hotspot may be."""
    said: dict[str, Any] = {"eps": f"{eps_m:.0f}", "least": str(least), "area": f"{most_km2:g}"}
    names = ("cell", *NUMBERS, "hotspot", "status")
    gaps: dict[str, Any] = {name: f"{{{place}}}" for place, name in enumerate(names)}
    lines = [(text(f"page.hotspots.place.{name}", **said), gaps[name]) for name in NUMBERS]
    title = f"{text('page.patterns.column.cell')} {gaps['cell']}"
    cards = [
        tip_html(title, lines) + because([text(f"page.hotspots.why_not.{reason}", **said, **gaps)])
        for reason in REASONS
    ]
    rows = [
        (
            REASONS.index(row["reason"]),
            [
                f"{cell}", number(row["count"]), number(row["expected"], 1), f"{row['low']:.0f}–{row['high']:.0f}",
                number(row["densest"]), row["hotspot_id"],
                text(f"page.hotspots.list.{LISTS[row['status']]}") if row["status"] else "",
            ],
        )
        for cell, row in zip(cells["cell_id"], records(places), strict=True)
    ]  # fmt: skip
    return Cells(cells, cell_m, cards, rows)
