"""Layers of a screen map from plain tables: shapes, signs, names, many points; tips; geometry in degrees."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import shapely
from folium.map import Layer
from folium.template import Template
from folium.utilities import JsCode

from gis_data.study import WGS84

MERCATOR = "EPSG:3857"
DEGREE_DIGITS = 6


def shape_layer(
    table: gpd.GeoDataFrame,
    style: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    tips: Iterable[str] | None = None,
    more: Iterable[str] | None = None,
    css: str = "",
    pane: str = "overlayPane",
    show: bool = True,
) -> folium.GeoJson:
    """Return polygons or lines as a layer; a tip appears under the mouse, with ``more`` in the card when clicked."""
    shown = degrees(table.geometry)
    styles = [style] * len(shown) if isinstance(style, Mapping) else style
    words = [""] * len(shown) if tips is None else list(tips)
    reasons = [""] * len(shown) if more is None else list(more)
    features = [
        {
            "type": "Feature",
            "properties": {"style": dict(look) | ({"className": css} if css else {}), "tip": tip, "more": reason},
            "geometry": shapely.geometry.mapping(shape),
        }
        for shape, look, tip, reason in zip(shown, styles, words, reasons, strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    bind = None if tips is None else JsCode(_BIND)
    return folium.GeoJson(
        collection, control=False, show=show, on_each_feature=bind, smooth_factor=0.6, interactive=tips is not None,
        pane=pane,
    )  # fmt: skip


_BIND = """(feature, layer) => {
    xq.tells(layer, feature.properties.tip, feature.properties.more);
}"""


def sign_layer(
    points: gpd.GeoSeries,
    signs: Sequence[str],
    tips: Sequence[str],
    *,
    more: Sequence[str] | None = None,
    show: bool = True,
) -> "Signs":
    """Return one sign (HTML or SVG) for each point, with its tip under the mouse and, with ``more``, in the card."""
    reasons = [""] * len(tips) if more is None else more
    rows = [[*at, *words] for at, *words in zip(lat_lon(points), signs, tips, reasons, strict=True)]
    return Signs(rows, show=show)


class Signs(Layer):
    """Signs at points; each tells its tip under the mouse, and in the card when it is clicked."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = xq.signs({{ this.rows|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, rows: list[list[Any]], *, show: bool = True) -> None:
        super().__init__(overlay=True, control=False, show=show)
        self._name = "Signs"
        self.rows = rows


def write_names(
    parent: Any,  # noqa: ANN401 - a map or a layer
    points: gpd.GeoSeries,
    names: Iterable[str],
    *,
    kind: str = "",
    crs: Any = None,  # noqa: ANN401 - any CRS
) -> None:
    """Write a name at each point of a map or a layer; names do not catch the mouse."""
    places = points if crs is None else gpd.GeoSeries(points, crs=crs)
    for (lat, lon), name in zip(lat_lon(places), names, strict=True):
        words = f'<div class="xq-name {kind}">{safe(name)}</div>'
        folium.Marker(
            (lat, lon), icon=folium.DivIcon(html=words, icon_size=(0, 0)), interactive=False, keyboard=False
        ).add_to(parent)


def degrees(shapes: gpd.GeoSeries) -> list[shapely.Geometry]:
    """Return shapes in WGS 84 degrees, rounded to about a decimetre."""
    rounded = shapely.transform(shapes.to_crs(WGS84).to_numpy(), lambda xy: np.round(xy, DEGREE_DIGITS))
    return list(rounded)


def lat_lon(points: gpd.GeoSeries | gpd.GeoDataFrame) -> list[list[float]]:
    """Return points as ``[latitude, longitude]`` in degrees, as Leaflet takes them."""
    places = points.geometry.to_crs(WGS84)
    return np.round(np.column_stack([places.y, places.x]), DEGREE_DIGITS).tolist()


def safe(value: Any) -> str:  # noqa: ANN401 - any value can be printed
    """Return words that stay words in HTML, and in the JavaScript template text that folium puts tips in."""
    return html.escape(str(value)).translate({ord(mark): f"&#{ord(mark)};" for mark in "`$\\"})


def because(sentences: Iterable[str]) -> str:
    """Return reasons as the card shows them below the numbers."""
    lines = "".join(f"<li>{safe(line)}</li>" for line in sentences)
    return f'<ul class="xq-because">{lines}</ul>' if lines else ""


def tip_html(title: str, lines: Iterable[tuple[str, Any]]) -> str:
    """Return a tip: a title, and a table of what and how much."""
    rows = "".join(f"<tr><td>{safe(k)}</td><td>{safe(v)}</td></tr>" for k, v in lines)
    return f'<div class="xq-tip"><b>{safe(title)}</b>{f"<table>{rows}</table>" if rows else ""}</div>'
