"""Sheets: any file a station has, opened as rows under their headers, each with the number its own program shows.

In:     text (csv, tsv), xlsx, xls, HTML tables, GeoJSON, GeoPackage, shapefile, KML, FlatGeobuf, parquet; zips of them.
Out:    a ``Sheet`` for each sheet or layer; nothing is interpreted here.
"""

import csv
import dataclasses
import hashlib
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gis_data.errors import CrsError, InputError, PatrolError
from gis_data.intake import archives, columns, headers, kinds, kml, layers, values, workbooks
from gis_data.intake.archives import Source, parts_of
from gis_data.intake.text_pieces import Text, text_of
from gis_data.side_by_side import give_back

HEADER_WITHIN = 15
OSM_EXTRACT = (".osm", ".pbf")
# Why a member of a zip may stay unread while the others come in: it is no table at all.
NOT_A_TABLE = frozenset({"intake.unknown_kind", "intake.empty", "intake.no_headers", "intake.unknown_table"})
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n|\n|\r")
_PIECE = 1 << 18  # bytes that are hashed at a time: they stay near the processor
_HEAD = 1 << 20  # bytes in which the header row is looked for
_TORN_LETTER = 4  # bytes at the end in which a cut-off UTF-8 letter may lie
# Of how many lines a wrong width is looked at, and as how many of them it is a slip and no habit of the file's writer.
MOST_RAGGED, FEW_TORN, SHARE_TORN = 10_000, 3, 0.05


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
    signed
        Whether somebody's name may stand beside the table («制表人：…»), above its header or under its last row.
    ragged
        Rows of a text that have a mark too many or too few, so that nobody knows which cell is which: they are empty
        here. None where there are none.
    """

    path: Path
    name: str
    frame: pd.DataFrame
    rows: np.ndarray
    shapes: gpd.GeoSeries | None = None
    signed: bool = False
    ragged: NDArray[np.bool_] | None = None


def open_sheets(path: Path) -> list[Sheet]:
    """Open a file, or all files of a zip that can be read.

    Raises
    ------
    InputError
        If it is missing, damaged, empty, or of a kind nobody here reads.
    """
    with archives.sources([path]) as files:
        found: list[Sheet] = []
        refused: list[PatrolError] = []
        for source in files:
            try:
                found += read_sheets(source)
            except InputError as problem:
                if not source.member or problem.key not in NOT_A_TABLE:
                    raise
                refused.append(problem)
        if not found and refused:
            raise refused[0]
        return found


def read_sheets(source: Source, *, own: headers.Own = headers.NOTHING_OWN) -> list[Sheet]:
    """Read one file.

    Parameters
    ----------
    own
        The station's own headers, which count when the header row is looked for.

    Raises
    ------
    InputError
        If it is damaged, under a password, empty, or of a kind nobody here reads.
    """
    if source.kind == kinds.LOCKED:
        raise InputError("intake.locked", file=source.name)
    if source.kind not in _READERS:
        known = " ".join(ending for endings in kinds.KINDS.values() for ending in endings)
        raise InputError("intake.unknown_kind", file=source.name, known=known)
    try:
        read = [sheet for sheet in _READERS[source.kind](source, own) if len(sheet.frame)]
    except PatrolError as problem:
        raise type(problem)(problem.key, **problem.values | {"file": source.name}) from problem
    except Exception as problem:  # parsers of damaged bytes raise anything: struct.error, AssertionError, TypeError ...
        raise InputError("intake.damaged", file=source.name) from problem
    if not read:
        raise InputError("intake.empty", file=source.name)
    return read


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; of all its parts for a shapefile."""
    digest = hashlib.sha256()
    piece = bytearray(_PIECE)
    for part in parts_of(path):
        with part.open("rb", buffering=0) as file:
            while read := file.readinto(piece):
                digest.update(memoryview(piece)[:read])
    return digest.hexdigest()


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
    about = {"file": path.name, "crs": shapes.crs.to_string()[:40], "found": f"{bounds[0]:.0f}, {bounds[1]:.0f}"}
    if shapes.crs.is_geographic and (np.abs(bounds) > [180, 90, 180, 90]).any():
        swapped = (np.abs(bounds) <= [90, 180, 90, 180]).all()
        raise CrsError("crs.swapped" if swapped else "crs.range", **about)
    moved = shapes.to_crs(crs)
    if not np.isfinite(moved.total_bounds).all() and len(shapes) and np.isfinite(bounds).all():
        raise CrsError("crs.range", **about)
    return moved


def _read_text(source: Source, own: headers.Own) -> Iterator[Sheet]:
    text = text_of(source.path)
    if text is None:
        raise InputError("intake.damaged", file=source.name)
    pieces = text.pieces()
    first = next(pieces, b"")
    whole = len(first) <= _HEAD and next(pieces, None) is None
    head = first[:_HEAD].decode("utf-8", errors="ignore")
    known, lines = headers.names_of(own), head[:20_000].splitlines()[:HEADER_WITHIN]

    def fit(mark: str) -> tuple[int, int]:
        cells = (cell.strip().strip('"') for line in lines for cell in line.split(mark))
        return headers.known_count(cells, own=known), sum(line.count(mark) for line in lines)

    delimiter = max(",\t;|", key=fit)
    sheet = _regular_sheet(source, text, head, delimiter, own, whole=whole)
    if sheet is None:
        records: list[list[Any]] = list(csv.reader(text.lines(), delimiter=delimiter))
        sheet = _without_torn(_sheet(source, source.name, records, own), records, own)
    yield sheet


def _without_torn(sheet: Sheet, records: list[list[Any]], own: headers.Own) -> Sheet:
    """Return the sheet of a text's lines without the cells of those that have a mark too many or too few."""
    at, names = _header_row(records, own)
    lines = {int(number): records[number - 1] for number in sheet.rows}
    others = {number: line for number, line in lines.items() if at is not None and len(line) != len(names)}
    torn = np.isin(sheet.rows, list(_torn(others, len(names), len(lines))))
    if not torn.any():
        return sheet
    frame = sheet.frame.copy()
    frame.loc[torn] = None
    return dataclasses.replace(sheet, frame=frame, ragged=torn)


def _torn(lines: Mapping[int, Sequence[str]], width: int, total: int) -> set[int]:
    """Return which of the lines that are not as wide as the header have a mark too many or too few.

    Blanks behind the last column are none too many, and where many lines are short their last cells were left out. A
    line of one or two cells is a note or a total under the table.
    """
    long = {number for number, line in lines.items() if any(cell.strip() for cell in line[width:])}
    short = {number for number, line in lines.items() if len(line) < width and sum(map(bool, line)) > 2}
    few = len(short) <= max(FEW_TORN, SHARE_TORN * total) and 2 * len(short) < total
    return long | (short if few else set())


def _regular_sheet(
    source: Source, text: Text, head: str, delimiter: str, own: headers.Own, *, whole: bool
) -> Sheet | None:
    """Return the sheet of a text in which all lines under the header are as wide as it, read by whole columns.

    None for any other text: Python's own reader then takes it line by line. Both read quotes in the same way.
    """
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    records, lines_upto = [], []
    for record in itertools.islice(reader, HEADER_WITHIN + 1):
        records.append(record)
        lines_upto.append(reader.line_num)
    if not whole and len(records) <= HEADER_WITHIN:
        return None
    at, names = _header_row(records, own)
    if at is None or len(records) == at + 1:
        return None
    try:
        below = _below(text.pieces(), lines_upto[at])
        cells = columns.read_columns(below, len(names), delimiter, quoted=text.quoted)
    except pa.ArrowInvalid:
        return _ragged_sheet(source, text, names, delimiter, lines_upto[at], records[:at])
    return _of_columns(source, cells, names, at, signed=_is_signed(records[:at]), torn=set())


def _ragged_sheet(
    source: Source, text: Text, names: list[str], delimiter: str, lines: int, above: list[list[str]]
) -> Sheet | None:
    """Return the sheet of a text of which a few lines are wider or narrower than its header; None for any other.

    ``lines``: how many lines the header and the records above it take.
    """
    try:
        below = _below(text.pieces(), lines)
        cells, others = columns.read_ragged(below, len(names), delimiter, quoted=text.quoted, most=MOST_RAGGED)
    except pa.ArrowInvalid:
        return None
    total = len(cells) + sum(any(map(str.strip, line)) for line in others.values())
    torn = _torn(others, len(names), total)
    lines_in = {number: [] if number in torn else line for number, line in others.items()}
    signed = _is_signed([*above, *others.values()])
    return _of_columns(source, columns.with_lines(cells, lines_in), names, len(above), signed=signed, torn=torn)


def _of_columns(source: Source, cells: pa.Table, names: list[str], at: int, *, signed: bool, torn: set[int]) -> Sheet:
    """Return a sheet of the cells under a header (record ``at``); ``torn``: numbers of lines, from 1 on."""
    ragged = np.zeros(len(cells), dtype=bool)
    ragged[np.array(sorted(torn), dtype=int) - 1] = True
    filled = columns.filled(cells) | ragged
    numbers = np.flatnonzero(filled) + at + 2
    named = [place for place, name in enumerate(names) if name]
    cells = cells.select(named).rename_columns(_unique_names([names[place] for place in named]))
    if not filled.all():
        cells = cells.filter(pa.array(filled))
    frame = cells.to_pandas()
    del cells
    give_back()
    ragged_rows = ragged[filled] if torn else None
    return Sheet(source.path, source.name, frame, numbers, signed=signed, ragged=ragged_rows)


def _below(pieces: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """Give a text without its first lines, which lie in its first piece."""
    first = next(pieces)
    ends = [end.end() for end in itertools.islice(_LINE_END.finditer(first), lines)]
    if len(ends) == lines:
        yield first[ends[-1] :]
        yield from pieces


def _decode(source: Source, *, declared: str = "") -> str:
    """Return a file's text: in the encoding it declares if that fits, else UTF-8, else GB18030."""
    raw = source.path.read_bytes()
    encodings = ["utf-16"] if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in ([declared] if declared else []) + encodings:
        try:
            text = raw.decode(encoding)
        except LookupError:  # an encoding that nobody knows
            continue
        except UnicodeDecodeError as problem:
            if encoding == "utf-8-sig" and len(raw) - _TORN_LETTER < problem.start:
                break  # UTF-8 whose last letter is cut off; as GB18030 every letter would be another one
            continue
        if "\x00" not in text:
            return text
    raise InputError("intake.damaged", file=source.name)


def _read_html(source: Source, own: headers.Own) -> Iterator[Sheet]:
    declared = _CHARSET.search(source.path.read_bytes()[:4096])
    encoding = declared[1].decode("ascii").lower() if declared else ""
    # Pages that say gb2312 use letters beyond it.
    text = _decode(source, declared="gb18030" if encoding in ("gb2312", "gbk") else encoding)
    yield from _sheets(source, workbooks.read_html(text), own)


def _read_xlsx(source: Source, own: headers.Own) -> Iterator[Sheet]:
    yield from _sheets(source, workbooks.read_xlsx(source.path), own)


def _read_xls(source: Source, own: headers.Own) -> Iterator[Sheet]:
    yield from _sheets(source, workbooks.read_xls(source.path), own)


def _sheets(source: Source, tables: Iterator[workbooks.Table], own: headers.Own) -> Iterator[Sheet]:
    filled = [(title, records) for title, records in tables if any(map(_is_filled, records))]
    for title, records in filled:
        yield _sheet(source, _name(source, title, alone=len(filled) == 1), records, own)


def _name(source: Source, title: str, *, alone: bool) -> str:
    return source.name if alone else f"{source.name}〔{archives.file_name(title)}〕"


def _sheet(source: Source, name: str, records: list[list[Any]], own: headers.Own) -> Sheet:
    """Find the header row (the one with most known headers, under any title rows) and take the rows below it."""
    at, names = _header_row(records, own)
    if at is None:
        nothing = pd.DataFrame(index=range(sum(map(_is_filled, records))))
        return Sheet(source.path, name, nothing, np.array([], dtype=int))
    below = [(number, record) for number, record in enumerate(records[at + 1 :], start=at + 2) if _is_filled(record)]
    named = [place for place, text in enumerate(names) if text]
    cells = [[record[place] if place < len(record) else None for place in named] for _, record in below]
    frame = pd.DataFrame(cells, columns=_unique_names([names[place] for place in named]), dtype=object)
    numbers = np.array([number for number, _ in below], dtype=int)
    return Sheet(source.path, name, frame, numbers, signed=_is_signed([*records[:at], *records[-values.FOOT :]]))


def _is_signed(records: list[list[Any]]) -> bool:
    return any(values.is_signature(values.cell_text(cell)) for record in records for cell in record)


def _header_row(records: list[list[Any]], own: headers.Own) -> tuple[int | None, list[str]]:
    """Return which record is the header row, and its cells; None if no record holds a known header."""
    known = headers.names_of(own)
    texts = [["" if cell is None else _one_line(cell) for cell in record] for record in records[:HEADER_WITHIN]]
    scores = [headers.known_count(text, own=known) for text in texts]
    at = int(np.argmax(scores)) if scores else 0
    if scores and not scores[at] and headers.ANY_HEADER in own:
        like = [_looks_like_headers(text, max(map(_filled_cells, texts))) for text in texts[:-1]]
        return (like.index(True), texts[like.index(True)]) if any(like) else (None, [])
    return _both_rows(texts, at, known) if scores and scores[at] else (None, [])


def _both_rows(texts: list[list[str]], at: int, known: frozenset[str]) -> tuple[int, list[str]]:
    """Return the last header row and the headers, those of a second header row among them.

    In a header of two rows «地点» stands over «村庄» and «地址», and «抓获现行数» stands once over both rows: its other
    cell is empty. The row above gives known headers only, as a title may stand there; the row below is a header row
    where it fills nothing but the cells under such a heading.
    """
    names = list(texts[at])
    if at + 1 < len(texts):
        below = texts[at + 1]
        filled = [place for place, cell in enumerate(below) if cell]
        if headers.known_count(below, own=known) and all(_is_under_a_heading(names, place) for place in filled):
            return at + 1, [lower or upper for upper, lower in itertools.zip_longest(names, below, fillvalue="")]
    above = texts[at - 1] if at else []
    names += [""] * (len(above) - len(names))
    for place, cell in enumerate(above):
        if not names[place] and headers.known_count([cell], own=known) and not values.is_signature(cell):
            names[place] = cell
    return at, names


def _is_under_a_heading(names: list[str], place: int) -> bool:
    """Tell whether a cell stands under a heading that spans several columns: all but its first cell are empty."""
    return place >= len(names) or not names[place] or (place + 1 < len(names) and not names[place + 1])


def _looks_like_headers(text: list[str], widest: int) -> bool:
    """Tell whether a row could name columns: as wide as any, all different, and none of them a number or a moment."""
    filled = [cell for cell in text if cell]
    return len(filled) == widest >= 2 and len(set(filled)) == widest and not any(cell[0].isdigit() for cell in filled)


def _filled_cells(text: list[str]) -> int:
    return sum(1 for cell in text if cell)


def _one_line(cell: object) -> str:
    """Return a header without the line breaks that make a narrow column look well."""
    return " ".join(str(cell).split())


def _is_filled(record: list[Any]) -> bool:
    return any(cell is not None and str(cell).strip() for cell in record)


def _unique_names(names: list[str]) -> list[str]:
    """Return the names, a repeated one with its number in brackets; brackets are not compared."""
    unique: list[str] = []
    taken = set(names)
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        chosen = name if counts[name] == 1 else f"{name}({counts[name]})"
        while counts[name] > 1 and chosen in taken:  # the file has a column of that very name
            counts[name] += 1
            chosen = f"{name}({counts[name]})"
        taken.add(chosen)
        unique.append(chosen)
    return unique


def _read_layers(source: Source, _: headers.Own) -> Iterator[Sheet]:
    read = kml.read_kml(source.path) if source.kind == "kml" else layers.read_layers(source.path, source.kind)
    found = [(layer, frame) for layer, frame in read if len(frame)]
    for layer, frame in found:
        yield _from_frame(source, _name(source, layer, alone=len(found) == 1), frame)


def _read_parquet(source: Source, _: headers.Own) -> Iterator[Sheet]:
    spatial = b"geo" in (pq.read_schema(source.path).metadata or {})
    frame = gpd.read_parquet(source.path) if spatial else pd.read_parquet(source.path)
    yield _from_frame(source, source.name, frame)


def _from_frame(source: Source, name: str, frame: pd.DataFrame) -> Sheet:
    frame = frame.reset_index(drop=True)
    shapes = None
    if isinstance(frame, gpd.GeoDataFrame):
        shapes = frame.geometry
        frame = pd.DataFrame(frame.drop(columns=shapes.name))
    frame.columns = pd.Index(_unique_names([_one_line(column) for column in frame.columns]))
    return Sheet(source.path, name, frame, np.arange(1, len(frame) + 1), shapes)


_READERS: dict[str, Callable[[Source, headers.Own], Iterator[Sheet]]] = {
    "text": _read_text,
    "xlsx": _read_xlsx,
    "xls": _read_xls,
    "html": _read_html,
    "parquet": _read_parquet,
    **dict.fromkeys(kinds.LAYERS, _read_layers),
}
