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
    hover_only: bool = False,
    css: str = "",
    pane: str = "overlayPane",
    show: bool = True,
) -> folium.GeoJson:
    """Return polygons or lines as a layer; a tip appears under the mouse, and stays when clicked."""
    shown = degrees(table.geometry)
    styles = [style] * len(shown) if isinstance(style, Mapping) else style
    words = [""] * len(shown) if tips is None else list(tips)
    features = [
        {
            "type": "Feature",
            "properties": {"style": dict(look) | ({"className": css} if css else {}), "tip": tip},
            "geometry": shapely.geometry.mapping(shape),
        }
        for shape, look, tip in zip(shown, styles, words, strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    bind = None if tips is None else JsCode(_BIND_HOVER if hover_only else _BIND_BOTH)
    return folium.GeoJson(
        collection, control=False, show=show, on_each_feature=bind, smooth_factor=0.6, interactive=tips is not None,
        pane=pane,
    )  # fmt: skip


_BIND_HOVER = "(feature, layer) => { layer.bindTooltip(feature.properties.tip, {sticky: true}); }"

_BIND_BOTH = """(feature, layer) => {
    layer.bindTooltip(feature.properties.tip, {sticky: true});
    layer.bindPopup(feature.properties.tip);
    layer.on("popupopen", () => layer.closeTooltip());
}"""


def sign_layer(
    points: gpd.GeoSeries, signs: Sequence[str], tips: Sequence[str], *, show: bool = True
) -> folium.FeatureGroup:
    """Return one sign (HTML or SVG) for each point, with its tip under the mouse."""
    group = folium.FeatureGroup(control=False, show=show)
    for (lat, lon), sign, tip in zip(lat_lon(points), signs, tips, strict=True):
        icon = folium.DivIcon(html=f'<div class="xq-sign">{sign}</div>', icon_size=(0, 0), class_name="xq-point")
        folium.Marker((lat, lon), icon=icon, tooltip=folium.Tooltip(tip, sticky=False)).add_to(group)
    return group


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
        folium.Marker((lat, lon), icon=folium.DivIcon(html=words, icon_size=(0, 0)), interactive=False).add_to(parent)


class Dots(Layer):
    """Many points on one canvas; they do not catch the mouse, so that what lies below stays reachable."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = (function () {
            const town = {{ this._parent.get_name() }};
            const pane = town.createPane({{ this.get_name()|tojson }});
            pane.style.zIndex = 390;
            pane.style.pointerEvents = "none";
            const look = {
                renderer: L.canvas({pane: {{ this.get_name()|tojson }}}), pane: {{ this.get_name()|tojson }},
                radius: {{ this.radius }}, stroke: false, fillColor: {{ this.colour|tojson }}, fillOpacity: 0.4,
                interactive: false,
            };
            return L.layerGroup({{ this.points|tojson }}.map((at) => L.circleMarker(at, look)));
        })();
        {% endmacro %}
        """
    )

    def __init__(self, points: list[list[float]], colour: str, *, radius: float = 2.1, show: bool = True) -> None:
        super().__init__(overlay=True, control=False, show=show)
        self._name = "Dots"
        self.points, self.colour, self.radius = points, colour, radius


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


def tip_html(title: str, lines: Iterable[tuple[str, Any]]) -> str:
    """Return a tip: a title, and a table of what and how much."""
    rows = "".join(f"<tr><td>{safe(k)}</td><td>{safe(v)}</td></tr>" for k, v in lines)
    return f'<div class="xq-tip"><b>{safe(title)}</b>{f"<table>{rows}</table>" if rows else ""}</div>'
