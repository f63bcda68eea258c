"""KML: the places that a person has marked in Ovital, Google Earth or a handheld, with all that they wrote to them.

In:     a .kml file.
Out:    ``(folder, frame)`` for each folder with places: name, what ExtendedData holds, lines of a note such as
        «人口：900» as columns of their own, the rest as «remarks» (which all tables drop), and the shape in WGS-84.

GDAL's reader turns each Chinese column name into underscores, so that nobody could tell 警情类别 from 联系电话.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import lxml.etree
import lxml.html
import pandas as pd
import shapely

from gis_data.intake import headers, workbooks
from gis_data.study import WGS84

_PAIR = re.compile(r"^\s*([^:：=]{1,20}?)\s*[:：=]\s*(.*?)\s*$")
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li)\b[^>]*>", re.IGNORECASE)


def read_kml(path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the folders of a file."""
    safe = lxml.etree.XMLParser(resolve_entities=False, no_network=True)
    page = lxml.etree.parse(str(path), safe)
    folders: dict[Any, list[dict[str, Any]]] = {}
    for place in page.iter("{*}Placemark"):
        folders.setdefault(place.getparent(), []).append(_row(place))
    for number, (folder, rows) in enumerate(folders.items(), start=1):
        name = f"{number} {_text(folder, 'name')}".strip()
        yield name, gpd.GeoDataFrame(pd.DataFrame(rows, dtype=object), geometry="geometry", crs=WGS84)


def _row(place: lxml.etree.Element) -> dict[str, Any]:
    row: dict[str, Any] = {"name": _text(place, "name")}
    for entry in place.iterfind("{*}ExtendedData//{*}Data"):
        row[entry.get("name", "")] = _text(entry, "value")
    for entry in place.iterfind("{*}ExtendedData//{*}SimpleData"):
        row[entry.get("name", "")] = "".join(entry.itertext()).strip()
    note = _text(place, "description")
    row |= {name: value for name, value in pairs_in(note).items() if name not in row}
    if note:
        row.setdefault("remarks", note)
    shapes = [_shape(part) for part in place.iterchildren() if lxml.etree.QName(part).localname in _SHAPES]
    return {**row, "geometry": shapes[0] if shapes else None}


def pairs_in(note: str) -> dict[str, str]:
    """Return the lines of a note that are «known header: value», and its table rows that are."""
    lines = [note]
    if "<" in note:
        rows = [record for _, table in workbooks.read_html(note) for record in table]
        words = str(lxml.html.document_fromstring(_BREAK.sub("\n", note)).text_content())
        lines = [f"{record[0]}:{record[1]}" for record in rows if len(record) == 2] + [words]
    matches = (_PAIR.match(line) for text in lines for line in re.split(r"[\r\n;；]+", text))
    pairs = {match[1]: match[2] for match in matches if match}
    return {name: value for name, value in pairs.items() if headers.known_count([name])}


def _text(element: lxml.etree.Element, name: str) -> str:
    return str(element.findtext(f"{{*}}{name}") or "").strip()


def _shape(element: lxml.etree.Element) -> shapely.Geometry:
    kind = lxml.etree.QName(element).localname
    if kind == "MultiGeometry":
        parts = [_shape(part) for part in element.iterchildren() if lxml.etree.QName(part).localname in _SHAPES]
        return shapely.union_all(parts) if parts else shapely.Point()
    if kind == "Polygon":
        outer = _corners(element.find("{*}outerBoundaryIs//{*}coordinates"))
        inner = [_corners(hole) for hole in element.iterfind("{*}innerBoundaryIs//{*}coordinates")]
        return shapely.Polygon(outer, inner)
    corners = _corners(element.find("{*}coordinates"))
    return shapely.Point(corners[0]) if kind == "Point" and corners else _SHAPES[kind](corners)


def _corners(element: lxml.etree.Element | None) -> list[tuple[float, float]]:
    words = str(element.text or "").split() if element is not None else []
    numbers = [word.split(",") for word in words]
    return [(float(number[0]), float(number[1])) for number in numbers]


_SHAPES = {
    "Point": shapely.Point,
    "LineString": shapely.LineString,
    "LinearRing": shapely.LinearRing,
    "Polygon": shapely.Polygon,
    "MultiGeometry": shapely.GeometryCollection,
}
