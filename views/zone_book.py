"""The zone plan as a spreadsheet: zones with every term of their work, villages with their reason, comparisons, notes.

In:     the plan "zones", the plan "options" if there is one, and the study.
Out:    an .xlsx file of four sheets. Nothing is computed here but rounding.
"""

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from models.zones import explain
from views import figures, zone_figures
from views.workbook import bytes_of, made_on, new_sheet, workbook, write_lines, write_value

NOTES_WIDTH = 100
ZONE_COLUMNS = {
    "zone_id": 7, "name": 14, "units": 7, "population": 9, "area_km2": 9, "road_km": 9, "incidents_per_week": 10,
    "incident_h_per_week": 10, "patrol_h_per_week": 10, "fixed_h_per_week": 10, "trip_h_per_week": 10,
    "workload_h_per_week": 11, "load_ratio": 9, "mean_travel_min": 10, "max_travel_min": 10, "post_name": 14,
}  # fmt: skip
UNIT_COLUMNS = {
    "zone_id": 7, "name": 16, "population": 9, "road_km": 9, "incidents_per_week": 10, "incident_min": 10,
    "patrol_min": 10, "fixed_min": 10, "trip_min": 10, "total_min": 10, "travel_min": 10, "next_zone_id": 9,
}  # fmt: skip
WHOLE = ("units", "population")


def write_zone_book(zones: Plan, options: Plan | None, study: Study, path: Path) -> Path:
    """Write the zone plan as a spreadsheet in the running language and return its path.

    The same plans give the same bytes: the file's date is the period's end.
    """
    with workbook(path, title=text("zones.book.title", town=study.name), made_on=made_on(zones)) as (book, looks):
        _table(new_sheet(book, "zones.book.zones", study), looks, zones.to_frame(), ZONE_COLUMNS)
        units = zones.tables["units"].sort_values(["zone_id", "name"], ignore_index=True)
        sheet = new_sheet(book, "zones.book.units", study)
        _table(sheet, looks, units, UNIT_COLUMNS)
        _reasons(sheet, looks, zones, units)
        _comparisons(new_sheet(book, "zones.book.compare", study), looks, zones, options)
        _notes(new_sheet(book, "zones.book.notes", study), looks, zones)
    return path


def zone_book_bytes(zones: Plan, options: Plan | None, study: Study) -> bytes:
    """Return the spreadsheet's bytes."""
    return bytes_of(partial(write_zone_book, zones, options, study))


def _table(sheet: Any, looks: dict[str, Any], table: pd.DataFrame, columns: dict[str, int]) -> None:  # noqa: ANN401
    sheet.set_row(0, 45)
    known = [(name, width) for name, width in columns.items() if name in table]
    for column, (name, width) in enumerate(known):
        sheet.set_column(column, column, width)
        sheet.write(0, column, text(f"zones.column.{name}"), looks["head"])
        look = looks["number"] if name in WHOLE else looks["0.00"]
        for row, value in enumerate(table[name], start=1):
            write_value(sheet, row, column, value, looks["cell"] if isinstance(value, str) else look)
    sheet.freeze_panes(1, 2)
    sheet.repeat_rows(0)


def _reasons(sheet: Any, looks: dict[str, Any], plan: Plan, units: pd.DataFrame) -> None:  # noqa: ANN401
    column = len(UNIT_COLUMNS)
    sheet.set_column(column, column, 70)
    sheet.write(0, column, text("page.zones.why"), looks["head"])
    for row, unit in enumerate(units["unit_id"], start=1):
        write_value(sheet, row, column, explain(plan, unit)[-1], looks["wrapped"])


def _comparisons(sheet: Any, looks: dict[str, Any], zones: Plan, options: Plan | None) -> None:  # noqa: ANN401
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 9, 13)
    tables = [figures.today_table(zones.tables["today"])]
    if options is not None:
        tables.append(zone_figures.options_table(options.to_frame(), zones))
    row = 0
    for table in tables:
        sheet.set_row(row, 45)
        for column, name in enumerate(table.columns):
            sheet.write(row, column, name, looks["head"])
            for below, value in enumerate(table[name], start=1):
                write_value(sheet, row + below, column, value, looks["cell"])
        row += len(table) + 2


def _notes(sheet: Any, looks: dict[str, Any], plan: Plan) -> None:  # noqa: ANN401
    sheet.set_column(0, 0, NOTES_WIDTH)
    lines = [text(key, **values) for key, values in plan.notes]
    for section in ("workload", "zones"):
        lines += [
            text("scorecard.setting", name=f"{section}.{name}", value=value, why=text(f"settings.{section}.{name}"))
            for name, value in plan.settings.get(section, {}).items()
        ]
    write_lines(sheet, looks, lines, row=0, widths=[NOTES_WIDTH])
