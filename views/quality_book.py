"""The quality report as a spreadsheet: files, problems, class words to be named, completeness, trend, corrected points.

In:     a finished ``QualityReport`` and the study.
Out:    an .xlsx file whose cells are the report's numbers; nothing is computed here.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from gis_data.study import Study
from views.figures import records, table_name
from views.formats import headed
from views.quality import COUNTS, FIELDS, MEASURES, QualityReport
from views.workbook import DEGREES, ONE_DECIMAL, bytes_of, new_sheet, workbook, write_cells, write_lines, write_value


def write_quality_book(report: QualityReport, study: Study, path: Path) -> Path:
    """Write the report as a spreadsheet in the running language and return its path; same report, same bytes."""
    last = report.files["imported_at"].max()
    made_on = None if pd.isna(last) else last.tz_localize(None).to_pydatetime()
    with workbook(path, title=text("quality.title", town=study.name), made_on=made_on) as (book, looks):
        for name, make in _SHEETS.items():
            make(new_sheet(book, f"quality.sheet.{name}", study), looks, report)
    return path


def quality_xlsx(report: QualityReport, study: Study) -> bytes:
    """Return the report as a spreadsheet."""
    return bytes_of(partial(write_quality_book, report, study))


def _files(sheet: Any, looks: dict[str, Any], report: QualityReport) -> None:  # noqa: ANN401 - xlsxwriter has no types
    columns = (("file", 34), ("table", 12), ("imported_at", 18), *((name, 11) for name in COUNTS))
    rows = [
        [row["file"], table_name(row["table"]), f"{row['imported_at']:%Y-%m-%d %H:%M}", *(row[name] for name in COUNTS)]
        for row in records(report.files)
    ]
    end = _table(sheet, looks, columns, rows)
    write_value(sheet, end, 0, text("quality.total"), looks["total"])
    for column, (name, _) in enumerate(columns[1:], start=1):
        write_value(sheet, end, column, report.sums.get(name, ""), looks["total"])
    for number, line in enumerate([text("page.data.files_help"), *report.sentences(figures=True)], start=end + 2):
        sheet.merge_range(number, 0, number, len(columns) - 1, line, looks["wrapped"])
        sheet.set_row(number, 32)


def _problems(sheet: Any, looks: dict[str, Any], report: QualityReport) -> None:  # noqa: ANN401
    columns = (
        ("file", 30), ("table", 10), ("problem", 30), ("outcome", 10), ("rows", 9), ("share", 10), ("examples", 16),
        ("effect", 46), ("advice", 40),
    )  # fmt: skip
    rows = [
        [
            row["file"], table_name(row["table"]), headed(text(f"intake.reason.{row['problem']}")),
            text(f"page.data.outcome.{row['outcome']}"), row["rows"], row["share_pct"], row["examples"],
            text(f"intake.effect.{row['problem']}", rows=f"{row['rows']:,}"), text(f"intake.advice.{row['problem']}"),
        ]
        for row in records(report.problems)
    ]  # fmt: skip
    end = _table(sheet, looks, columns, rows, numbers={"share": ONE_DECIMAL})
    write_lines(sheet, looks, [text("quality.share_note")], row=end + 1, widths=[width for _, width in columns])


def _completeness(sheet: Any, looks: dict[str, Any], report: QualityReport) -> None:  # noqa: ANN401
    wide = report.completeness.pivot_table(index="month", columns="field", values="filled_pct", aggfunc="first")
    fields = [name for name in FIELDS if name in wide.columns]
    names = [text("page.data.column.month"), *(text(f"page.data.field.{name}") for name in fields)]
    rows = [[month, *wide.loc[month, fields]] for month in wide.index]
    widths: list[float] = [12] * len(names)
    end = write_cells(sheet, looks, names, widths, rows, [ONE_DECIMAL] * len(names))
    write_lines(sheet, looks, [text("page.data.completeness_help")], row=end + 1, widths=widths)


def _trend(sheet: Any, looks: dict[str, Any], report: QualityReport) -> None:  # noqa: ANN401
    words = ("file", "imported_at", "months", "rows_read")
    names = [text(f"page.data.column.{name}") for name in words]
    names += [f"{text(f'page.data.measure.{name}')} (%)" for name in MEASURES]
    rows = [
        [
            row["file"], f"{row['imported_at']:%Y-%m-%d %H:%M}", f"{row['first_month']} – {row['last_month']}",
            row["rows_read"], *(row[name] for name in MEASURES),
        ]
        for row in records(report.trend)
    ]  # fmt: skip
    widths = [30, 18, 20, 9, *[14] * len(MEASURES)]
    end = write_cells(sheet, looks, names, widths, rows, [*["number"] * len(words), *[ONE_DECIMAL] * len(MEASURES)])
    write_lines(sheet, looks, [text("page.data.trend_help")], row=end + 1, widths=widths)


def _moves(sheet: Any, looks: dict[str, Any], report: QualityReport) -> None:  # noqa: ANN401
    columns = (
        ("file", 30), ("row", 8), ("kind", 40), ("from_lon", 13), ("from_lat", 13), ("to_lon", 13), ("to_lat", 13),
        ("moved_m", 12),
    )  # fmt: skip
    mark = text("list.mark")
    rows = [
        [
            row["file"], row["row"], mark.join(text(f"intake.reason.{kind}") for kind in row["kind"].split(";")),
            *(row[name] for name in ("from_lon", "from_lat", "to_lon", "to_lat", "moved_m")),
        ]
        for row in records(report.moves)
    ]  # fmt: skip
    degrees = dict.fromkeys(("from_lon", "from_lat", "to_lon", "to_lat"), DEGREES)
    _table(sheet, looks, columns, rows, numbers=degrees | {"moved_m": ONE_DECIMAL})


def _words(sheet: Any, looks: dict[str, Any], report: QualityReport) -> None:  # noqa: ANN401
    columns = (("word", 30), ("named", 40), ("rows", 9), ("taken_as", 30))
    rows = [
        [one.word, one.named, one.rows, text(f"type.{one.type}") if one.type else text("page.words.left.unknown")]
        for one in report.words
    ]
    end = _table(sheet, looks, columns, rows)
    write_lines(sheet, looks, [text("page.words.help_book")], row=end + 1, widths=[width for _, width in columns])


_SHEETS = {
    "files": _files, "problems": _problems, "words": _words, "completeness": _completeness, "trend": _trend,
    "moves": _moves,
}  # fmt: skip


def _table(
    sheet: Any,  # noqa: ANN401 - xlsxwriter has no types
    looks: dict[str, Any],
    columns: Sequence[tuple[str, float]],
    rows: Sequence[Sequence[Any]],
    *,
    numbers: dict[str, str] | None = None,
) -> int:
    """Write a table under the catalogue's headings; return the row below it."""
    names = [text(f"page.data.column.{name}") for name, _ in columns]
    formats = [(numbers or {}).get(name, "number") for name, _ in columns]
    return write_cells(sheet, looks, names, [width for _, width in columns], rows, formats)
