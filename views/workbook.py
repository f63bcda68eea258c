"""What our spreadsheets share: how a file is made, its formats and sheets, and how a value is written.

In:     a title, the day it is dated, and words and numbers that are ready.
Out:    an .xlsx file; the same content gives the same bytes. Nothing is computed here.
"""

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import xlsxwriter

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan

FONT = "Microsoft YaHei"
A4, A3 = 9, 8
LINE_PT = 15.0
DARK, LIGHT, RED, LINE = "#1F3A5F", "#E8EEF5", "#C00000", "#9AA7B5"
# Tints that differ in print without colour too; the word stands in the cell beside the number.
WORD_TINT = {"above": "#F6D9C6", "up": "#F6D9C6", "below": "#D3E3F1", "down": "#D3E3F1"}
DECIMALS = {"per_10k_year": "0.0", "per_km2_year": "0.0", "per_100h": "0.00", "pct": "0.0", "km": "0.0", "km2": "0.00"}
DEGREES, ONE_DECIMAL = "0.000000", "0.0"


@contextmanager
def workbook(path: Path, *, title: str, made_on: datetime | None) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Open a new spreadsheet with its formats by name; a kill leaves the old file or the new one, never half of one.

    ``made_on`` is the date written into the file: without one of our own two runs would never give the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    with xlsxwriter.Workbook(draft, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": title} | ({} if made_on is None else {"created": made_on}))
        yield book, looks_of(book)
    draft.replace(path)


def bytes_of(write: Callable[[Path], Path]) -> bytes:
    """Return what a function writes into the file it is given."""
    with TemporaryDirectory() as folder:
        return write(Path(folder) / "book.xlsx").read_bytes()


def made_on(plan: Plan) -> datetime:
    """Return the day after the plan's period."""
    return datetime.fromisoformat(str(plan.settings.get("period_end", "2000-01-01")))


def looks_of(book: Any) -> dict[str, Any]:  # noqa: ANN401 - xlsxwriter has no types
    """Return the formats that all our spreadsheets share, by name."""
    base = {"font_name": FONT, "font_size": 10, "valign": "vcenter"}
    lined = base | {"border": 1, "border_color": LINE, "text_wrap": True}
    boxed = lined | {"align": "center"}
    looks = {
        "title": base | {"font_size": 16, "bold": True, "font_color": DARK},
        "plain": base,
        "wrapped": base | {"text_wrap": True, "valign": "top"},
        "mark": base | {"bold": True, "font_color": RED},
        "group": boxed | {"bold": True, "font_color": "white", "bg_color": DARK},
        "head": boxed | {"bold": True, "bg_color": LIGHT},
        "code": boxed | {"font_size": 8, "font_color": "#666666"},
        "cell": boxed,
        "left": lined,
        DEGREES: lined | {"num_format": DEGREES},
        "number": boxed | {"num_format": "#,##0"},
        "total": boxed | {"bold": True, "top": 2, "num_format": "#,##0"},
        "total 0.0": boxed | {"bold": True, "top": 2, "num_format": "#,##0.0"},
        "total 0.00": boxed | {"bold": True, "top": 2, "num_format": "#,##0.00"},
        "above": boxed | {"bg_color": WORD_TINT["above"], "bold": True},
        "below": boxed | {"bg_color": WORD_TINT["below"], "bold": True},
    }
    made = {name: book.add_format(look) for name, look in looks.items()}
    return made | {number: book.add_format(boxed | {"num_format": number}) for number in set(DECIMALS.values())}


def new_sheet(book: Any, key: str, study: Study, *, internal: bool = True) -> Any:  # noqa: ANN401
    """Return a sheet set up for A4 across, one page wide, with page numbers and marks on each page."""
    sheet = book.add_worksheet(text(key))
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.hide_gridlines(2)
    mark = text("scorecard.synthetic") if study.synthetic else ""
    keep = text("scorecard.internal_mark") if internal else ""
    sheet.set_footer(f"&L{keep}&C&P / &N&R{mark}")
    return sheet


def write_value(sheet: Any, row: int, column: int, value: Any, look: Any) -> None:  # noqa: ANN401
    """Write words as words (a name from a file never becomes a formula), a missing number as a blank."""
    if isinstance(value, str):
        sheet.write_string(row, column, value, look)
    elif pd.isna(value):
        sheet.write_blank(row, column, None, look)
    elif value == float("inf"):
        sheet.write_string(row, column, "∞", look)
    else:
        sheet.write_number(row, column, float(value), look)


def write_lines(sheet: Any, looks: dict[str, Any], lines: Iterable[str], *, row: int, widths: Sequence[float]) -> None:  # noqa: ANN401
    """Write a sentence a row across columns of some widths, each row as high as its sentence is long.

    A spreadsheet program other than the one it was written for does not measure wrapped words again.
    """
    for number, line in enumerate(lines, start=row):
        if len(widths) > 1:
            sheet.merge_range(number, 0, number, len(widths) - 1, line, looks["wrapped"])
        else:
            sheet.write_string(number, 0, line, looks["wrapped"])
        sheet.set_row(number, LINE_PT * lines_of(line, sum(widths)))


def lines_of(words: str, width: float) -> int:
    """Return how many lines words take in a cell so many digits wide; a Chinese sign is two digits."""
    digits = sum(2.0 if unicodedata.east_asian_width(sign) in "WFA" else 1.0 for sign in words)
    return max(1, math.ceil(digits / (0.9 * width)))


def write_cells(
    sheet: Any,  # noqa: ANN401 - xlsxwriter has no types
    looks: dict[str, Any],
    names: Sequence[str],
    widths: Sequence[float],
    rows: Sequence[Sequence[Any]],
    formats: Sequence[str],
) -> int:
    """Write a table with its headings from the first row on; return the row below it."""
    for column, (name, width) in enumerate(zip(names, widths, strict=True)):
        sheet.set_column(column, column, width)
        write_value(sheet, 0, column, name, looks["head"])
    for number, row in enumerate(rows, start=1):
        for column, (value, look) in enumerate(zip(row, formats, strict=True)):
            write_value(sheet, number, column, value, looks["left" if isinstance(value, str) else look])
        wrapped = [lines_of(value, width) for value, width in zip(row, widths, strict=True) if isinstance(value, str)]
        lines = max(wrapped, default=1)
        if lines > 1:
            sheet.set_row(number, LINE_PT * lines)
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    if rows:
        sheet.autofilter(0, 0, len(rows), len(names) - 1)
    return len(rows) + 1
