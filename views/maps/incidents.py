"""Reported incidents on a map by month: points while they are few, cells that grow as the map is zoomed out.

In:     incidents with their points.
Out:    a layer that carries points, or counts by cell and month at a few cell sizes; ``town.js`` draws it on one
        canvas, so that a hundred thousand incidents stall no browser, and says which cells it shows.
"""

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from folium.map import Layer
from folium.template import Template
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gis_data.catalogue import text
from gis_data.study import WGS84
from views.formats import month_words
from views.maps.frame import Row, TownMap
from views.maps.layers import MERCATOR, because, tip_html
from views.maps.look import svg, swatch
from views.palette import REPORTED

FEW_POINTS = 6_000  # above this, cells are drawn: single points would only cover each other
CELLS_M = (100, 200, 400, 800, 1_600, 3_200)  # each twice the one before
MOST_ROWS = 60_000  # of one cell size: about 600 kB of page
STEPS = 65_535  # places are written as 16 bits across the town: 30 cm in 20 km
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """Counts at one cell size: ``rows`` of column, row, month and count; ``cell`` 0 (mercator metres) for points."""

    cell: float
    step: float
    west: float
    south: float
    top: float
    shown: str
    place: str
    rows: NDArray[np.uint16]

    def as_json(self) -> dict[str, Any]:
        """Return it as the page holds it."""
        data = base64.b64encode(np.ascontiguousarray(self.rows, dtype="<u2").tobytes()).decode()
        numbers = {"cell": self.cell, "step": self.step, "west": self.west, "south": self.south, "top": self.top}
        return {name: round(value, 6) for name, value in numbers.items()} | {
            "shown": self.shown,
            "place": self.place,
            "data": data,
        }


class Incidents(Layer):
    """Incidents by month on one canvas; they do not catch the mouse, so that what lies below stays reachable."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = xq.incidents({{ this.options|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, levels: list[Level], months: list[str], *, slider: bool, span: tuple[int, int] | None) -> None:
        super().__init__(overlay=True, control=False, show=True)
        self._name = "Incidents"
        words = {
            "said": text("map.months.said", span="{span}", total="{total}", shown="{shown}"),
            "from": text("map.months.from"),
            "to": text("map.months.to"),
            "card": _card(),
        }
        self.options: dict[str, Any] = {
            "levels": [level.as_json() for level in levels], "months": months, "slider": slider and len(months) > 1,
            "range": list(span or (0, len(months) - 1)), "colour": REPORTED, "words": words,
        }  # fmt: skip


def _card() -> str:
    """Return the card of a place; ``town.js`` fills in its numbers (the limits by Byar's formula, in whole ones)."""
    lines = [
        (text("map.months.span"), "{span}"), (text("map.tip.count"), "{total}"),
        (text("map.months.limits"), "{low}–{high}"),
    ]  # fmt: skip
    return tip_html("{place}", lines) + because([text("map.months.only_counts")])


def incident_row(
    town: TownMap, incidents: gpd.GeoDataFrame, *, slider: bool = False, span: tuple[int, int] | None = None
) -> Row:
    """Draw reported incidents; with a ``slider`` from month to month (``span``: where it stands at first)."""
    count = f"{int(incidents['count'].sum()):,}"
    months, number = months_of(incidents)
    levels = list(levels_of(incidents, number))
    layer = Incidents(levels, months, slider=slider, span=span)
    layer.add_to(town)
    few = bool(levels) and levels[0].cell == 0
    sample = svg(f'<circle cx="8" cy="6" r="3" fill="{REPORTED}" fill-opacity=".55"/>')
    return Row(sample if few or not levels else swatch(REPORTED, opacity=0.45, line="none"),
               text("map.incidents" if few or not levels else "map.incidents_cells", count=count), layer)  # fmt: skip


def months_of(incidents: pd.DataFrame) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of the months from the first incident to the last, and each incident's number among them."""
    at = incidents["reported_at"].dropna()
    if at.empty:
        return [month_words(pd.Timestamp("2000-01-01"))], np.zeros(len(incidents), dtype=np.int64)
    local = incidents["reported_at"].dt.tz_localize(None)
    number = (local.dt.year * 12 + local.dt.month - 1).fillna(0).to_numpy(dtype=np.int64)
    first, last = int(number[number > 0].min()), int(number.max())
    names = [
        month_words(pd.Timestamp(year=month // 12, month=month % 12 + 1, day=1)) for month in range(first, last + 1)
    ]
    return names, np.maximum(number - first, 0)


def levels_of(incidents: gpd.GeoDataFrame, month: NDArray[np.int64]) -> Iterator[Level]:
    """Yield the points where they are few, else the cell sizes whose counts are short enough, the finest first."""
    if incidents.empty:
        return
    # Numbers alone: a million new points would take a second.
    x, y = _to_mercator(incidents.crs).transform(*shapely.get_coordinates(incidents.geometry.to_numpy()).T)
    weight = incidents["count"].to_numpy()
    west, south, size = float(x.min()), float(y.min()), float(max(np.ptp(x), np.ptp(y), 1.0))
    if len(incidents) <= FEW_POINTS:
        step = size / STEPS
        yield _level(0.0, step, _piles(x - west, y - south, step, month, weight), west, south,
                     text("map.months.points"), text("map.months.dot"))  # fmt: skip
        return
    stretch = 1 / math.cos(math.radians(incidents.geometry.iloc[[0]].to_crs(WGS84).y.iloc[0]))
    piles = _piles(x - west, y - south, CELLS_M[0] * stretch, month, weight)
    for metres in CELLS_M:
        if metres > CELLS_M[0]:
            piles = piles.doubled()
        cell = metres * stretch
        if size / cell > STEPS:
            continue
        words = (text(f"map.months.{name}", metres=f"{metres:,}") for name in ("cells", "cell"))
        level = _level(cell, cell, piles, west, south, *words)
        if len(level.rows) <= MOST_ROWS or metres == CELLS_M[-1]:
            yield level


@lru_cache
def _to_mercator(crs: CRS) -> Transformer:
    return Transformer.from_crs(crs, MERCATOR, always_xy=True)


@dataclass(frozen=True)
class _Piles:
    """Incidents by cell and month: each once, in the order of column, row and month."""

    column: NDArray[np.int64]
    row: NDArray[np.int64]
    month: NDArray[np.int64]
    count: Floats

    @classmethod
    def of(cls, column: NDArray[np.int64], row: NDArray[np.int64], month: NDArray[np.int64], count: Any) -> "_Piles":  # noqa: ANN401
        keys, inverse = np.unique((column << 40) | (row << 20) | month, return_inverse=True)
        summed = np.bincount(inverse, weights=count).astype(float)
        return cls(keys >> 40, (keys >> 20) & 0xFFFFF, keys & 0xFFFFF, summed)

    def doubled(self) -> "_Piles":
        """Return the same by cells twice as wide."""
        return _Piles.of(self.column >> 1, self.row >> 1, self.month, self.count)


def _piles(x: Floats, y: Floats, step: float, month: NDArray[np.int64], weight: Any) -> _Piles:  # noqa: ANN401
    return _Piles.of((x // step).astype(np.int64), (y // step).astype(np.int64), month, weight)


def _level(cell: float, step: float, piles: _Piles, west: float, south: float, shown: str, place: str) -> Level:
    """Lay out counts by place and month; places follow each other, so that the page can add them up in one pass."""
    counts = np.minimum(piles.count, STEPS)
    rows = np.column_stack([piles.column, piles.row, piles.month, counts]).astype(np.uint16)
    places = (piles.column << 20) | piles.row
    total = np.bincount(np.cumsum(np.diff(places, prepend=places[:1]) != 0), weights=counts)
    top = float(np.quantile(total, 0.99)) / (int(piles.month.max()) + 1)
    return Level(cell, step, west, south, top, shown, place, rows)
