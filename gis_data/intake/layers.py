"""Layers: map files of any usual kind as frames, with Chinese text whatever their encoding claims.

In:     GeoJSON, GeoPackage, shapefile, FlatGeobuf (KML: ``kml``).
Out:    ``(layer, frame)`` for each layer; nothing is interpreted here.

A shapefile's .cpg is missing or wrong more often than right. The bytes of the .dbf decide: UTF-8 if all of them are,
else GB18030, unless only single letters lie outside ASCII and the .cpg names a Western code page.
"""

import re
import shutil
import struct
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyogrio

from gis_data.intake import archives

_HIGH = re.compile(rb"[\x80-\xff]+")
_WESTERN = re.compile(r"8859|1252|1250|latin|850|437", re.IGNORECASE)


def read_layers(path: Path, kind: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the layers of a map file."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="xunqu-") as folder:
        warnings.simplefilter("ignore")  # GDAL warns of what it repairs, e.g. the order of a ring's points
        options = {}
        if kind == "shp":
            options = {"encoding": dbf_encoding(path)}
            path = _without_half_letters(path, options["encoding"], Path(folder))
        for layer, _ in pyogrio.list_layers(path):
            yield str(layer), pyogrio.read_dataframe(path, layer=str(layer), **options)


def dbf_encoding(path: Path) -> str:
    """Return the encoding of a shapefile's text, by the bytes of its .dbf."""
    raw = _table(path)
    cells = [raw[start:end].rstrip(b" \x00") for start, end in _text_places(raw)]
    claimed = _claimed(path)
    if all(_decodes(cell, "utf-8") for cell in cells):
        return "UTF-8"
    runs = [len(run) for cell in cells for run in _HIGH.findall(cell)]
    single = sum(length == 1 for length in runs) > len(runs) / 2
    return claimed if single and _WESTERN.search(claimed) else "GB18030"


def _decodes(cell: bytes, encoding: str) -> bool:
    """Tell whether a cell is text in an encoding, but for a letter that the column's width cut off at its end."""
    try:
        cell.decode(encoding)
    except UnicodeDecodeError as problem:
        return problem.start >= len(cell) - 3 and problem.reason in (
            "unexpected end of data",
            "incomplete multibyte sequence",
        )
    return True


def _without_half_letters(path: Path, encoding: str, folder: Path) -> Path:
    """Return the shapefile, or a copy whose names and cells end in whole letters: GDAL's reader stops at half ones."""
    raw = bytearray(_table(path))
    torn = False
    for start, end in _text_places(bytes(raw)):
        cell = bytes(raw[start:end])
        whole = cell.decode(encoding, errors="ignore").encode(encoding)
        if whole != cell:
            blank = b"\x00" if start < int.from_bytes(raw[8:10], "little") else b" "
            raw[start:end] = whole[: len(cell)].ljust(len(cell), blank)
            torn = True
    if not torn:
        return path
    for part in archives.parts_of(path):
        if part.suffix.lower() != ".dbf":
            shutil.copyfile(part, folder / part.name)
    (folder / path.with_suffix(".dbf").name).write_bytes(bytes(raw))
    return folder / path.name


def _claimed(path: Path) -> str:
    note = _beside(path, ".cpg")
    return note.read_bytes()[:40].decode("ascii", errors="ignore").strip() if note else ""


def _table(path: Path) -> bytes:
    table = _beside(path, ".dbf")
    return table.read_bytes() if table else b""


def _beside(path: Path, suffix: str) -> Path | None:
    return next((part for part in archives.parts_of(path) if part.suffix.lower() == suffix), None)


def _text_places(raw: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the column names and the text cells of a .dbf begin and end."""
    if len(raw) < 32:
        return
    rows, head, width = struct.unpack("<IHH", raw[4:12])
    texts = []
    at = 1
    for place in range(32, min(head, len(raw)) - 31, 32):
        if raw[place] == 0x0D:
            break
        name = raw[place : place + 11].split(b"\x00")[0]
        yield place, place + len(name)
        if raw[place + 11 : place + 12] == b"C":
            texts.append((at, at + raw[place + 16]))
        at += raw[place + 16]
    if width:
        for row in range(head, min(head + rows * width, len(raw)), width):
            yield from ((row + start, min(row + end, len(raw))) for start, end in texts)
