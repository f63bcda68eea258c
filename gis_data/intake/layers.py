"""Layers: map files of any usual kind as frames, with Chinese text whatever their encoding claims.

In:     GeoJSON, GeoPackage, shapefile, KML, FlatGeobuf.
Out:    ``(layer, frame)`` for each layer; nothing is interpreted here, but for one kind: a KML keeps a person's notes
        in one text, and lines in it such as «人口：900» are columns of their own.

A shapefile's .cpg is missing or wrong more often than right. The bytes of the .dbf decide: UTF-8 if all of them are,
else GB18030, unless only single letters lie outside ASCII and the .cpg names a Western code page.
"""

import re
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import lxml.etree
import pandas as pd
import pyogrio

from gis_data.intake import headers, workbooks

# Columns that GDAL adds to each KML layer: how a place is drawn; and times, which few files have.
_KML_DRAWING = (
    "altitudeMode", "tessellate", "extrude", "visibility", "drawOrder", "icon", "snippet", "timestamp", "begin", "end",
)  # fmt: skip
_PAIR = re.compile(r"^\s*([^:：=]{1,20}?)\s*[:：=]\s*(.*?)\s*$")
_HIGH = re.compile(rb"[\x80-\xff]+")
_WESTERN = re.compile(r"8859|1252|1250|latin|850|437", re.IGNORECASE)


def read_layers(path: Path, kind: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the layers of a map file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL warns of what it repairs, e.g. the order of a ring's points
        for layer, _ in pyogrio.list_layers(path):
            options = {"encoding": dbf_encoding(path)} if kind == "shp" else {}
            frame = pyogrio.read_dataframe(path, layer=str(layer), **options)
            yield str(layer), _without_drawing(frame) if kind == "kml" else frame


def dbf_encoding(path: Path) -> str:
    """Return the encoding of a shapefile's text, by the bytes of its .dbf."""
    text = b"\n".join(_dbf_cells(path))
    claimed = _claimed(path)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "UTF-8"
    runs = [len(run) for run in _HIGH.findall(text)]
    single = sum(length == 1 for length in runs) > len(runs) / 2
    return claimed if single and _WESTERN.search(claimed) else "GB18030"


def _claimed(path: Path) -> str:
    for suffix in (".cpg", ".CPG"):
        note = path.with_suffix(suffix)
        if note.is_file():
            return note.read_bytes()[:40].decode("ascii", errors="ignore").strip()
    return ""


def _dbf_cells(path: Path) -> Iterator[bytes]:
    """Yield the column names and the text cells of a .dbf, without the half letters that its widths cut off."""
    table = next((path.with_suffix(suffix) for suffix in (".dbf", ".DBF") if path.with_suffix(suffix).is_file()), None)
    raw = table.read_bytes() if table else b""
    if len(raw) < 32:
        return
    rows, start, width = struct.unpack("<IHH", raw[4:12])
    fields = []
    at = 1
    for place in range(32, min(start, len(raw)) - 31, 32):
        if raw[place] == 0x0D:
            break
        name, size = raw[place : place + 11].split(b"\x00")[0], raw[place + 16]
        yield name if len(name) < 10 else name[:-4]
        if raw[place + 11 : place + 12] == b"C":
            fields.append((at, size))
        at += size
    for row in range(start, min(start + rows * width, len(raw)), max(width, 1)):
        for at, size in fields:
            cell = raw[row + at : row + at + size]
            filled = not cell.endswith((b" ", b"\x00"))
            yield cell[:-4] if filled and cell[-1:] >= b"\x80" else cell.rstrip(b" \x00")


def _without_drawing(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a KML layer without what it says on drawing, and with the columns that its notes hold."""
    empty = [name for name in _KML_DRAWING if name in frame and _says_nothing(name, frame[name])]
    frame = frame.drop(columns=empty)
    notes = next((name for name in frame.columns if str(name).casefold() == "description"), None)
    if notes is None:
        return frame
    found = [_pairs(str(note)) if isinstance(note, str) else {} for note in frame[notes]]
    columns: dict[str, list[Any]] = {}
    for name in dict.fromkeys(name for pairs in found for name in pairs):
        if name not in frame:
            columns[name] = [pairs.get(name) for pairs in found]
    # The note itself is free text: «remarks» is what the tables drop.
    renamed = frame.rename(columns={notes: "remarks"}) if "remarks" not in frame else frame.drop(columns=notes)
    return gpd.GeoDataFrame(renamed.assign(**columns)) if columns else renamed


def _says_nothing(name: str, column: pd.Series) -> bool:
    return name not in ("timestamp", "begin", "end") or bool(column.isna().all())


def _pairs(note: str) -> dict[str, str]:
    """Return the lines of a note that are «known header: value», and the table rows that are."""
    lines = [note]
    if "<" in note:
        try:
            rows = [record for _, table in workbooks.read_html(note) for record in table]
            page = lxml.html.document_fromstring(re.sub(r"<(br|/p|/div|/tr)\b[^>]*>", "\n", note))
            lines = [f"{record[0]}:{record[1]}" for record in rows if len(record) == 2] + [str(page.text_content())]
        except (lxml.etree.LxmlError, ValueError):
            lines = [note]
    matches = (_PAIR.match(line) for text in lines for line in re.split(r"[\r\n;；]+", text))
    pairs = {match[1]: match[2] for match in matches if match}
    return {name: value for name, value in pairs.items() if headers.known_count([name])}
