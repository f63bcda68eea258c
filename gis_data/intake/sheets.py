"""Sheets: any file a station has, opened as rows under their headers, each with the number its own program shows.

In:     csv, txt, xlsx, GeoJSON, GeoPackage, shapefile, KML, FlatGeobuf, parquet.
Out:    a ``Sheet`` for each sheet or layer; nothing is interpreted here.
"""

import csv
import hashlib
import io
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio

from gis_data.errors import CrsError, InputError
from gis_data.intake import headers

HEADER_WITHIN = 15
VECTOR = (".geojson", ".json", ".gpkg", ".shp", ".kml", ".fgb")
OSM_EXTRACT = (".osm", ".pbf")


@dataclass(frozen=True)
class Sheet:
    """One sheet or layer.

    Attributes
    ----------
    path, name
        The file, and how the sheet is called in reports (file name, with the sheet's name where there are several).
    frame
        Cells under the file's own headers.
    rows
        The number of each row as the user's own program shows it.
    shapes
        Geometry of each row in its own CRS, or None.
    """

    path: Path
    name: str
    frame: pd.DataFrame
    rows: np.ndarray
    shapes: gpd.GeoSeries | None = None


def open_sheets(path: Path) -> list[Sheet]:
    """Open a file.

    Raises
    ------
    InputError
        If it is missing, damaged, empty, or of a kind nobody here reads.
    CrsError
        If it holds shapes and does not say in which CRS, or its coordinates cannot be in the CRS it says.
    """
    if not path.is_file():
        raise InputError("intake.missing_file", file=path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = " ".join(sorted({*_READERS, *OSM_EXTRACT}))
        raise InputError("intake.unknown_kind", file=path.name, known=known)
    sheets = [sheet for sheet in reader(path) if len(sheet.frame)]
    if not sheets:
        raise InputError("intake.empty", file=path.name)
    return sheets


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; of all its parts for a shapefile."""
    digest = hashlib.sha256()
    for part in parts_of(path):
        digest.update(part.read_bytes())
    return digest.hexdigest()


def parts_of(path: Path) -> list[Path]:
    """Return the files that make up one file: a shapefile has several of the same name."""
    if path.suffix.lower() != ".shp":
        return [path]
    return sorted(part for part in path.parent.iterdir() if part.stem == path.stem and part.is_file())


def shapes_in(path: Path, shapes: gpd.GeoSeries, crs: str) -> gpd.GeoSeries:
    """Return shapes in another CRS, after checking that they can be in the CRS they name.

    Raises
    ------
    CrsError
        If there is no CRS, or the coordinates do not fit it.
    """
    if shapes.crs is None:
        raise CrsError("crs.absent", file=path.name)
    bounds = shapes.total_bounds
    if shapes.crs.is_geographic and (np.abs(bounds) > [180, 90, 180, 90]).any():
        raise CrsError(
            "crs.range", file=path.name, crs=shapes.crs.to_string()[:40], found=f"{bounds[0]:.0f}, {bounds[1]:.0f}"
        )
    moved = shapes.to_crs(crs)
    if not np.isfinite(moved.total_bounds).all() and len(shapes) and np.isfinite(bounds).all():
        raise CrsError(
            "crs.range", file=path.name, crs=shapes.crs.to_string()[:40], found=f"{bounds[0]:.0f}, {bounds[1]:.0f}"
        )
    return moved


def _read_text(path: Path) -> Iterator[Sheet]:
    text = _decode(path)
    head = text[:20_000]
    delimiter = max(
        ",\t;|",
        key=lambda mark: headers.known_count(
            cell for line in head.splitlines()[:HEADER_WITHIN] for cell in line.split(mark)
        ),
    )
    try:
        records: list[list[Any]] = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as problem:
        raise InputError("intake.damaged", file=path.name) from problem
    yield _sheet(path, path.name, records)


def _decode(path: Path) -> str:
    raw = path.read_bytes()
    encodings = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InputError("intake.damaged", file=path.name)


def _read_workbook(path: Path) -> Iterator[Sheet]:
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # openpyxl warns of styles and validations it does not read
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            tables = [
                (sheet.title, [list(row) for row in sheet.iter_rows(values_only=True)]) for sheet in book.worksheets
            ]
            book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as problem:
        raise InputError("intake.damaged", file=path.name) from problem
    filled = [(title, records) for title, records in tables if any(map(_is_filled, records))]
    for title, records in filled:
        yield _sheet(path, path.name if len(filled) == 1 else f"{path.name}〔{title}〕", records)


def _sheet(path: Path, name: str, records: list[list[Any]]) -> Sheet:
    """Find the header row (the one with most known headers, under any title rows) and take the rows below it."""
    texts = [["" if cell is None else str(cell).strip() for cell in record] for record in records[:HEADER_WITHIN]]
    scores = [headers.known_count(text) for text in texts]
    at = int(np.argmax(scores)) if scores else 0
    if not scores or scores[at] == 0:
        return Sheet(path, name, pd.DataFrame(index=range(sum(map(_is_filled, records)))), np.array([], dtype=int))
    width = max(len(texts[at]), *(len(record) for record in records[at:]))
    columns = _unique_names(texts[at] + [""] * (width - len(texts[at])))
    below = [(number, record) for number, record in enumerate(records[at + 1 :], start=at + 2) if _is_filled(record)]
    cells = [record + [None] * (width - len(record)) for _, record in below]
    frame = pd.DataFrame(cells, columns=columns, dtype=object)
    named = [column for column, text in zip(columns, texts[at] + [""] * width, strict=False) if text]
    return Sheet(path, name, frame[named], np.array([number for number, _ in below], dtype=int))


def _is_filled(record: list[Any]) -> bool:
    return any(cell is not None and str(cell).strip() for cell in record)


def _unique_names(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    counts: dict[str, int] = {}
    unique = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        # A second column of the same name keeps its name in brackets; brackets are not compared.
        unique.append(name if counts[name] == 1 else f"{name}({counts[name]})")
    return unique


def _read_layers(path: Path) -> Iterator[Sheet]:
    try:
        layers = [str(layer) for layer, kind in pyogrio.list_layers(path)]
        for layer in layers:
            frame = _read_layer(path, layer)
            yield _from_frame(path, path.name if len(layers) == 1 else f"{path.name}〔{layer}〕", frame)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError) as problem:
        raise InputError("intake.damaged", file=path.name) from problem


def _read_layer(path: Path, layer: str) -> Any:  # noqa: ANN401 - frame or geo frame
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL warns of what it repairs, e.g. the order of a ring's points
        try:
            return pyogrio.read_dataframe(path, layer=layer)
        except UnicodeDecodeError:  # a shapefile in GBK whose .cpg says nothing, or something else
            return pyogrio.read_dataframe(path, layer=layer, encoding="GB18030")


def _read_parquet(path: Path) -> Iterator[Sheet]:
    try:
        spatial = b"geo" in (pq.read_schema(path).metadata or {})
        frame = gpd.read_parquet(path) if spatial else pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as problem:
        raise InputError("intake.damaged", file=path.name) from problem
    yield _from_frame(path, path.name, frame)


def _from_frame(path: Path, name: str, frame: pd.DataFrame) -> Sheet:
    frame = frame.reset_index(drop=True)
    shapes = None
    if isinstance(frame, gpd.GeoDataFrame):
        shapes = frame.geometry
        frame = pd.DataFrame(frame.drop(columns=shapes.name))
    return Sheet(path, name, frame, np.arange(1, len(frame) + 1), shapes)


_READERS: dict[str, Callable[[Path], Iterator[Sheet]]] = {
    ".csv": _read_text,
    ".txt": _read_text,
    ".tsv": _read_text,
    ".xlsx": _read_workbook,
    ".xlsm": _read_workbook,
    ".parquet": _read_parquet,
    ".geoparquet": _read_parquet,
    **dict.fromkeys(VECTOR, _read_layers),
}
