"""The frame of every screen map: a map that loads nothing; its first view, scale, credit and panel of layers."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import folium
from branca.element import MacroElement
from folium.map import Layer
from folium.template import Template

from gis_data.catalogue import text
from gis_data.study import WGS84, Study
from views.basemap.tiles import TileSet
from views.maps.layers import safe, shape_layer
from views.maps.look import STYLE
from views.palette import EDGE
from views.summary import credit

FILLS = "fills"  # the pane whose colours are multiplied with the base map, so that names stay readable through them
FINEST_ZOOM = 18
TOWN_SCRIPT = Path(__file__).with_name("town.js")
PRESS_SCRIPT = Path(__file__).with_name("press.js")


class TownMap(folium.Map):
    """A folium map that loads nothing: Leaflet is written into the page."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - folium keeps them so
    default_css: list[tuple[str, str]] = []  # noqa: RUF012


@dataclass(frozen=True)
class Row:
    """One line of the panel: a layer that can be switched (``layer``), or a mere explanation."""

    sample: str
    label: str
    layer: Layer | None = None


@dataclass(frozen=True)
class Sight:
    """How a map keeps its view in the page's address.

    Attributes
    ----------
    subject
        What the map is of; a view kept for another subject is not taken up.
    name
        Name in the address's query.
    channel
        Maps of one channel move together.
    """

    subject: str = ""
    name: str = "map"
    channel: str = ""


def town_map(
    study: Study,
    tiles: TileSet | None,
    *,
    focus: Sequence[float] | None = None,
    deep: bool = False,
    sight: Sight = Sight(),
) -> TownMap:
    """Return the map of a town before its layers; ``focus`` (west, south, east, north, degrees) is a closer view.

    ``deep`` keeps the tiles beyond their finest zoom, drawn larger; a closer view that draws its own ground needs none.
    """
    outline = study.boundary_frame().to_crs(WGS84)
    west, south, east, north = focus if focus is not None else outline.total_bounds
    first = tiles.min_zoom if tiles else 12
    town = TownMap(
        location=((south + north) / 2, (west + east) / 2), tiles=None, zoom_start=first, zoom_control="topleft",
        attribution_control=False, zoom_snap=1 / 3, zoom_delta=1, wheel_px_per_zoom_level=90,
    )  # fmt: skip
    # folium keeps these two for a tile layer of its own; the map needs them itself.
    town.options |= {"min_zoom": max(first - 1, 0), "max_zoom": FINEST_ZOOM}
    town.add_child(_Leaflet())
    town.add_child(folium.map.CustomPane(FILLS, z_index=350, pointer_events=True))
    town.add_child(_FirstView([[float(south), float(west)], [float(north), float(east)]], sight))
    if tiles is not None:
        folium.TileLayer(
            tiles.url, attr="-", control=False, min_zoom=tiles.min_zoom - 1, min_native_zoom=tiles.min_zoom,
            max_zoom=FINEST_ZOOM if focus is None or deep else tiles.max_zoom, max_native_zoom=tiles.max_zoom,
            bounds=[[tiles.south, tiles.west], [tiles.north, tiles.east]],
        ).add_to(town)  # fmt: skip
    if focus is None:
        style = {"color": EDGE, "weight": 1.8, "opacity": 0.9, "fill": False}
        shape_layer(study.boundary_frame(), style, css="xq-boundary").add_to(town)
    town.add_child(_Furniture(study))
    return town


def finished(town: TownMap, rows: Sequence[Row]) -> TownMap:
    """Add the panel of layers and return the map."""
    town.add_child(_Panel(rows))
    return town


def as_html(town: TownMap) -> str:
    """Return the map as one whole page."""
    page: str = town.get_root().render()
    return page


def first_view(town: TownMap) -> list[list[float]]:
    """Return the south-west and north-east corners (latitude, longitude) that a map first shows."""
    bounds: list[list[float]] = next(c for c in town._children.values() if isinstance(c, _FirstView)).bounds
    return bounds


def furniture(town: TownMap) -> list[str]:
    """Return the credit and the mark of invented data that a map carries."""
    return [words for c in town._children.values() if isinstance(c, _Furniture) for _, _, words in c.lines]


def panel_rows(town: TownMap) -> list[Row]:
    """Return the rows of a finished map's panel."""
    return [row for c in town._children.values() if isinstance(c, _Panel) for row in c.rows]


class _Leaflet(MacroElement):
    """Writes Leaflet, what every map can do (``town.js``) and our style into the page's head."""

    _template = Template(
        "{% macro header(this, kwargs) %}"
        "<script>{{ this.script }}</script><style>{{ this.style }}</style>"
        "{% endmacro %}"
    )

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Leaflet"
        leaflet, sheet = leaflet_files()
        self.script, self.style = f"{leaflet}\n{TOWN_SCRIPT.read_text(encoding='utf-8')}", sheet + STYLE


@cache
def leaflet_files() -> tuple[str, str]:
    """Return Leaflet's script, with what we change in it, and its style sheet with its pictures inside."""
    spec = find_spec("xstatic.pkg.leaflet")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("xstatic.pkg.leaflet")
    folder = Path(spec.origin).parent / "data"
    sheet = (folder / "leaflet.css").read_text(encoding="utf-8")
    script = (folder / "leaflet.js").read_text(encoding="utf-8").replace("//# sourceMappingURL=leaflet.js.map", "")
    script = f"{script}\n{PRESS_SCRIPT.read_text(encoding='utf-8')}"
    return script, re.sub(r"url\((images/[^)]+)\)", lambda found: f"url({_data_url(folder / found[1])})", sheet)


def _data_url(path: Path) -> str:
    return f"data:image/{path.suffix[1:]};base64,{base64.b64encode(path.read_bytes()).decode()}"


class _FirstView(MacroElement):
    """Fits the map to its subject before any layer is there, so that no tile is asked for in vain."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "xq.start({{ this._parent.get_name() }}, {{ this.options|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, bounds: list[list[float]], sight: Sight) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "FirstView"
        self.bounds = bounds
        words = {name: text(f"map.tool.{name}") for name in ("close", "measure", "zoom_in", "zoom_out")}
        subject = hashlib.sha256((sight.subject or f"{bounds}").encode()).hexdigest()[:6]
        self.options = {
            "name": sight.name, "subject": subject, "channel": sight.channel, "words": words, "bounds": bounds,
        }  # fmt: skip


class _Furniture(MacroElement):
    """Metric scale, our own credit line, and the mark of invented data."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        L.control.scale({imperial: false, maxWidth: 140}).addTo({{ this._parent.get_name() }});
        {%- for corner, css, words in this.lines %}
        (function () {
            const line = L.control({position: {{ corner|tojson }}});
            line.onAdd = () => {
                const box = L.DomUtil.create("div", {{ css|tojson }});
                box.textContent = {{ words|tojson }};
                return box;
            };
            line.addTo({{ this._parent.get_name() }});
        })();
        {%- endfor %}
        {% endmacro %}
        """
    )

    def __init__(self, study: Study) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Furniture"
        owed = credit(study)
        self.lines = [("bottomright", "xq-credit", owed)] if owed else []
        if study.synthetic:
            self.lines.append(("bottomright", "xq-mark", text("map.synthetic")))


class _Panel(MacroElement):
    """Legend and layer switches in one: each row explains a sign, and shows or hides its layer."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "xq.panel({{ this._parent.get_name() }}, "
        "[{% for row in this.rows %}{{ row.layer.get_name() if row.layer else 'null' }},{% endfor %}], "
        "{{ this.content|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Panel"
        self.rows = rows
        lines = [self._line(number, row) for number, row in enumerate(rows)]
        summary = f"<summary>{safe(text('map.legend'))}</summary>"
        self.content = f"<details open>{summary}{''.join(lines)}</details>"

    @staticmethod
    def _line(number: int, row: Row) -> str:
        words = f"{row.sample}<span>{safe(row.label)}</span>"
        if row.layer is None:
            return f'<div class="row">{words}</div>'
        ticked = "checked" if row.layer.show else ""
        return f'<label><input type="checkbox" data-layer="{number}" {ticked}/>{words}</label>'
