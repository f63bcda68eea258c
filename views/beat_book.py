"""Beats as a spreadsheet: zones' types, beats, checkpoints, places without one, and how to read them.

In:     a plan "beats" and the study.
Out:    an .xlsx file. Nothing is computed here.
"""

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from views import beat_tables
from views.workbook import bytes_of, made_on, new_sheet, workbook, write_lines

WIDTHS = {"reason": 70, "why": 60, "villages": 40, "name": 18}
NOTE_WIDTH = 100


def write_beat_book(plan: Plan, study: Study, path: Path) -> Path:
    """Write the beats as a spreadsheet in the running language and return its path; same plan, same bytes."""
    with workbook(path, title=text("beats.book.title", town=study.name), made_on=made_on(plan)) as (book, looks):
        for name in ("beats", "checkpoints", "left_out", "zones"):
            _sheet(new_sheet(book, f"beats.book.{name}", study), looks, getattr(beat_tables, name)(plan), study)
        notes = new_sheet(book, "beats.book.notes", study)
        notes.set_column(0, 0, NOTE_WIDTH)
        write_lines(notes, looks, (text(key, **values) for key, values in plan.notes), row=0, widths=[NOTE_WIDTH])
    return path


def beat_xlsx(plan: Plan, study: Study) -> bytes:
    """Return the beats as a spreadsheet."""
    return bytes_of(partial(write_beat_book, plan, study))


def _sheet(sheet: Any, looks: dict[str, Any], table: pd.DataFrame, study: Study) -> None:  # noqa: ANN401 - untyped
    wide = {text(f"page.beats.column.{key}"): width for key, width in WIDTHS.items()}
    sheet.write(0, 0, text("beats.book.title", town=study.name), looks["title"])
    if study.synthetic:
        sheet.write(1, 0, text("scorecard.synthetic"), looks["mark"])
    for column, name in enumerate(table.columns):
        sheet.set_column(column, column, wide.get(name, 13))
        sheet.write(2, column, name, looks["head"])
        for row, value in enumerate(table[name], start=3):
            sheet.write(row, column, _number(value), looks["wrapped"])
    sheet.freeze_panes(3, 1)
    sheet.repeat_rows(2)


def _number(value: str) -> str | float:
    try:
        return float(value)
    except ValueError:
        return value
