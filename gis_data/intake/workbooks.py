"""Workbooks: xlsx, old xls, and the web pages that systems write under the ending .xls, as plain rows of cells.

In:     a file of one of these kinds.
Out:    ``(title, records)`` for each sheet or table; nothing is interpreted here.

python-calamine reads both Excel kinds many times faster, but lays each sheet out as a full rectangle: one stray cell
in the last corner asks for 512 GB and ends the whole process, the dashboard with it. openpyxl and xlrd keep rows as
long as they are.
"""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.etree
import lxml.html
import openpyxl
import xlrd
from openpyxl.utils import range_boundaries

from gis_data.errors import InputError
from gis_data.intake import archives

Table = tuple[str, list[list[Any]]]
MOST_SPAN = 1_000
MOST_CELLS = 20_000_000
_PIECE = 1 << 20  # bytes of a sheet's text that are looked through at a time
_MERGED = re.compile(rb"<mergeCell\s+ref=\"([A-Z]+\d+:[A-Z]+\d+)\"")
_DECLARATION = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)


def read_xlsx(path: Path) -> Iterator[Table]:
    """Yield the sheets of a workbook."""
    with zipfile.ZipFile(path) as package:
        archives.refuse_bomb(package, file=path.name)
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")  # openpyxl warns of styles and validations it does not read
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        for sheet in book.worksheets:
            # What a sheet says of its own size is often wrong: too small loses rows, too large pads each with blanks.
            sheet.reset_dimensions()
            records = [_short(list(row)) for row in sheet.iter_rows(values_only=True)]
            yield sheet.title, _said_in_each_row(records, _merged(path, sheet._worksheet_path))
        book.close()


def _merged(path: Path, member: str) -> Iterator[tuple[int, int, int]]:
    """Yield column, first and last row (from 0) of the merged cells of a sheet, which openpyxl does not tell of."""
    tail = b""
    with zipfile.ZipFile(path) as package, package.open(member) as xml:
        while piece := xml.read(_PIECE):
            tail += piece
            begins = tail.find(b"<mergeCell")
            tail = tail[begins if begins >= 0 else -len(b"<mergeCell") :]
    for found in _MERGED.finditer(tail):
        left, top, _, bottom = range_boundaries(found[1].decode("ascii"))
        if left and top and bottom:
            yield left - 1, top - 1, bottom - 1


def _said_in_each_row(records: list[list[Any]], merged: Iterator[tuple[int, int, int]]) -> list[list[Any]]:
    """Return rows in which a cell that spans rows says the same in each that says anything else."""
    for column, top, bottom in merged:
        if top >= len(records) or column >= len(records[top]):
            continue
        for record in records[top + 1 : bottom + 1]:
            if record:
                record += [None] * (column + 1 - len(record))
                record[column] = records[top][column]
    return records


def read_xls(path: Path) -> Iterator[Table]:
    """Yield the sheets of an Excel 97-2003 workbook.

    Raises
    ------
    InputError
        If it is under a password.
    """
    try:
        book = xlrd.open_workbook(str(path), logfile=io.StringIO(), ragged_rows=True)
    except xlrd.XLRDError as problem:
        key = "intake.locked" if "encrypted" in str(problem) else "intake.damaged"
        raise InputError(key, file=path.name) from problem
    with book:
        for sheet in book.sheets():
            yield (
                sheet.name,
                [_short([_cell(cell, book.datemode) for cell in sheet.row(row)]) for row in range(sheet.nrows)],
            )


def read_html(text: str) -> Iterator[Table]:
    """Yield the tables of a web page; of tables inside tables the inner ones, which hold the data."""
    page = lxml.html.document_fromstring(_DECLARATION.sub("", text))
    tables = [table for table in page.iter("table") if table.find(".//table") is None]
    for number, table in enumerate(tables, start=1):
        yield f"{number}", _grid(table)


def _grid(table: lxml.html.HtmlElement) -> list[list[Any]]:
    """Return a table's cells; one that spans rows says the same in each, one that spans columns stands in the first."""
    records: list[list[Any]] = []
    hanging: dict[int, tuple[int, str]] = {}  # column -> how many more rows, and the text
    cells = 0
    for line in table.iter("tr"):
        record: list[Any] = []
        for cell in line.iterchildren("td", "th"):
            while len(record) in hanging:
                record.append(_hang(hanging, len(record)))
            said = " ".join(str(cell.text_content()).split())
            down = _span(cell, "rowspan")
            for nth in range(_span(cell, "colspan")):
                if down > 1:
                    hanging[len(record)] = (down - 1, said if nth == 0 else "")
                record.append(said if nth == 0 else None)
        while len(record) in hanging:
            record.append(_hang(hanging, len(record)))
        records.append(record)
        cells += len(record)
        if cells > MOST_CELLS:
            raise ValueError("too many cells")
    return records


def _hang(hanging: dict[int, tuple[int, str]], column: int) -> str:
    rows, said = hanging[column]
    if rows > 1:
        hanging[column] = (rows - 1, said)
    else:
        del hanging[column]
    return said


def _span(cell: lxml.html.HtmlElement, name: str) -> int:
    found = str(cell.get(name, "1")).strip()
    return min(max(int(found), 1), MOST_SPAN) if found.isascii() and found.isdigit() else 1


def _cell(cell: xlrd.sheet.Cell, datemode: int) -> Any:  # noqa: ANN401 - any cell
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            moment = xlrd.xldate_as_datetime(cell.value, datemode)
        except (ValueError, OverflowError):
            return cell.value
        return moment.time() if 0 <= cell.value < 1 else moment
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "")
    return None if cell.value == "" else cell.value


def _short(record: list[Any]) -> list[Any]:
    while record and record[-1] is None:
        record.pop()
    return record
