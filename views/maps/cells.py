"""A layer of the grid: every cell tells its numbers where it is clicked, hot or not, without being a shape of its own.

In:     cells with their middle, and for each the words of a card with places for its own values.
Out:    a layer that holds each sentence once and the values by cell; ``town.js`` finds the cell under the click.
"""

import re
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
from folium.map import Layer
from folium.template import Template

from views.maps.layers import lat_lon, safe

PLACE = re.compile(r"\{(\d+)\}")


class Cells(Layer):
    """The cells of a grid; ``rows`` are latitude, longitude, the number of the card, and the values it names."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = xq.cells({{ this.options|tojson }});
        {% endmacro %}
        """
    )

    def __init__(
        self, cells: gpd.GeoDataFrame, cell_m: float, cards: Sequence[str], rows: Sequence[tuple[int, Sequence[Any]]]
    ) -> None:  # fmt: skip
        """Hold for each cell the number of its card and that card's values."""
        super().__init__(overlay=True, control=False, show=True)
        self._name = "Cells"
        places = lat_lon(_middles(cells, cell_m))
        self.options: dict[str, Any] = {
            "cards": list(cards),
            "half_m": cell_m / 2,
            "rows": [[*at, card, *map(safe, values)] for at, (card, values) in zip(places, rows, strict=True)],
        }

    def cards(self) -> list[str]:
        """Return what each cell's card shows, in the order of the cells."""
        return [filled(self.options["cards"][row[2]], row[3:]) for row in self.options["rows"]]


def filled(card: str, values: Sequence[str]) -> str:
    """Return a card with its values; they are escaped already."""
    return PLACE.sub(lambda place: values[int(place[1])], card)


def _middles(cells: gpd.GeoDataFrame, cell_m: float) -> gpd.GeoSeries:
    """Return the middle of each cell's square; at the boundary a cell may have lost a part, or taken over a sliver."""
    bounds = cells.geometry.bounds  # most cells are their whole squares: the middle one says where the grid begins
    west, south = (bounds["minx"] - cells["col"] * cell_m).median(), (bounds["miny"] - cells["row"] * cell_m).median()
    middles = gpd.points_from_xy(west + (cells["col"] + 0.5) * cell_m, south + (cells["row"] + 0.5) * cell_m)
    return gpd.GeoSeries(middles, index=cells.index, crs=cells.crs)
