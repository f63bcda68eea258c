"""Office documents of the plans: the scorecard as a spreadsheet.

In:     finished plans and the study.
Out:    an .xlsx file: the scorecard to print, base lines, patrols, checkpoints, the feedback audit, the raw numbers,
        the zones' villages, how to read it.
        Nothing is computed here but rounding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from views.score_sheets import add_sheets
from views.score_tables import zones_of
from views.score_words import count_with_interval, rate_with_interval, told_apart
from views.workbook import DECIMALS, LINE_PT, bytes_of, lines_of, made_on, new_sheet, workbook, write_lines, write_value

NAMES_WIDTH, NOTES_WIDTH = 85, 100
ROW_HEIGHT = 32  # two lines: a count, and its interval below

Row = pd.Series


@dataclass(frozen=True)
class Shown:
    """One column of the printed sheet: its heading, its width, what its cell says, and the word that tints it."""

    key: str
    width: float
    cell: Callable[[Row], Any]
    word: str = ""


def write_scorecard(scorecard: Plan, zones: Plan, study: Study, path: Path) -> Path:
    """Write the scorecard as a spreadsheet in the running language and return its path.

    The same plans give the same bytes: the file's date is the period's end.
    """
    with workbook(path, title=_title(study), made_on=made_on(scorecard)) as (book, looks):
        _print_sheet(book, looks, scorecard, study)
        add_sheets(book, looks, scorecard, lambda key: new_sheet(book, key, study))
        _raw_sheet(book, looks, scorecard.to_frame(), study)
        _villages_sheet(book, looks, zones, study)
        _notes_sheet(book, looks, scorecard, study)
    return path


def scorecard_xlsx(scorecard: Plan, zones: Plan, study: Study) -> bytes:
    """Return the scorecard as a spreadsheet."""
    return bytes_of(partial(write_scorecard, scorecard, zones, study))


def _columns(base: str, zones: int) -> list[tuple[str, list[Shown]]]:
    """Return the printed columns in their three groups: what is looked after, what was called in, what patrols did."""
    per = "per_10k_year" if base == "population" else "per_km2_year"
    exposure = [
        Shown("zone_id", 6, lambda row: row["zone_id"]),
        Shown("population", 8, lambda row: int(row["population"])),
        Shown("road_km", 7.5, lambda row: round(row["road_km"], 1)),
        Shown("area_km2", 7.5, lambda row: round(row["area_km2"], 2)),
    ]
    reported = [
        Shown("reported", 12, lambda row: count_with_interval(*row[["reported", "reported_low", "reported_high"]])),
        Shown(f"rate_{per}", 13, lambda row: rate_with_interval(*row[[f"{name}_{per}" for name in _RATE]])),
        Shown(f"shrunk_{per}", 13, lambda row: rate_with_interval(*row[[f"{name}_{per}" for name in _SHRUNK]])),
        Shown("told_apart", 11, lambda row: told_apart(row["rank_best"], row["rank_worst"], zones)),
        Shown("expected", 8, lambda row: "—" if pd.isna(row["expected"]) else round(row["expected"], 1)),
        Shown("observed_to_expected", 11, _observed_to_expected),
        Shown("expected_word", 9.5, lambda row: _word(row["expected_word"]), word="expected_word"),
        Shown("latest_before", 9, lambda row: f"{row['latest']} / {row['before']}"),
        Shown("change_word", 9.5, lambda row: _word(row["change_word"]), word="change_word"),
    ]
    found = [
        Shown("discovered", 7, lambda row: int(row["discovered"])),
        Shown("arrest_incidents", 11, lambda row: count_with_interval(*row[["arrest_incidents", *_ARREST]])),
        Shown("arrested_people", 7, lambda row: int(row["arrested_people"])),
        Shown("patrol_hours", 8, lambda row: "—" if pd.isna(row["patrol_hours"]) else round(row["patrol_hours"])),
        Shown("arrests_per_100h", 12, lambda row: rate_with_interval(*row[list(_PER_HOURS)])),
        Shown("arrest_pool", 8, lambda row: zones_of(row["arrest_pool"]) if pd.notna(row[_PER_HOURS[0]]) else "—"),
    ]
    return [("exposure", exposure), ("reported", reported), ("found", found)]


_RATE = ("rate", "rate_low", "rate_high")
_SHRUNK = ("shrunk", "shrunk_low", "shrunk_high")
_ARREST = ("arrest_low", "arrest_high")
_PER_HOURS = ("arrests_per_100h", "arrests_low_per_100h", "arrests_high_per_100h")
_OBSERVED = ("observed_to_expected", "observed_to_expected_low", "observed_to_expected_high")


def _observed_to_expected(row: Row) -> str:
    return rate_with_interval(*row[list(_OBSERVED)])


def _word(word: str) -> str:
    return text(f"scorecard.word.{word}")


def _title(study: Study) -> str:
    return text("scorecard.title", town=study.name)


def _note(plan: Plan, key: str) -> str:
    return next(text(found, **values) for found, values in plan.notes if found == key)


def _print_sheet(book: Any, looks: dict[str, Any], plan: Plan, study: Study) -> None:  # noqa: ANN401
    sheet = new_sheet(book, "scorecard.sheet.print", study)
    groups = _columns(str(plan.settings["exposure"]), len(plan.to_frame()))
    first = _headlines(sheet, looks, plan, study)
    column = 0
    for name, shown in groups:
        sheet.merge_range(
            first, column, first, column + len(shown) - 1, text(f"scorecard.group.{name}"), looks["group"]
        )
        for item in shown:
            sheet.set_column(column, column, item.width)
            sheet.write(first + 1, column, text(f"scorecard.column.{item.key}"), looks["head"])
            column += 1
    sheet.set_row(first, 20)
    sheet.set_row(first + 1, 62)
    columns = [item for _, shown in groups for item in shown]
    table = plan.to_frame()
    for number, (_, row) in enumerate(table.iterrows(), start=first + 2):
        sheet.set_row(number, ROW_HEIGHT)
        for column, item in enumerate(columns):
            sheet.write(number, column, item.cell(row), looks[_look(row, item)])
    _totals(sheet, looks, table, columns, first + 2 + len(table))
    _reading(sheet, looks, plan, first + 4 + len(table), len(columns))
    sheet.freeze_panes(first + 2, 1)
    sheet.repeat_rows(first, first + 1)


def _look(row: Row, item: Shown) -> str:
    if not item.word:
        return {"road_km": "0.0", "area_km2": "0.00"}.get(item.key, "number")
    return {"above": "above", "up": "above", "below": "below", "down": "below"}.get(row[item.word], "cell")


def _look_of_total(item: Shown) -> str:
    return {"road_km": "total 0.0", "area_km2": "total 0.00"}.get(item.key, "total")


def _headlines(sheet: Any, looks: dict[str, Any], plan: Plan, study: Study) -> int:  # noqa: ANN401
    """Write title, period and marks; return the row of the headings."""
    sheet.set_row(0, 28)
    sheet.write(0, 0, _title(study), looks["title"])
    sheet.write(1, 0, _note(plan, "scorecard.note.period") + text("scorecard.internal"), looks["plain"])
    if not study.synthetic:
        return 3
    sheet.write(2, 0, text("scorecard.synthetic"), looks["mark"])
    return 4


def _totals(sheet: Any, looks: dict[str, Any], table: pd.DataFrame, columns: list[Shown], row: int) -> None:  # noqa: ANN401
    """Write the town's sums of the columns that can be summed."""
    sheet.set_row(row, ROW_HEIGHT)
    summed = ("population", "road_km", "area_km2", "discovered", "arrested_people", "reported", "arrest_incidents")
    for column, item in enumerate(columns):
        value: Any = ""
        if item.key == "zone_id":
            value = text("scorecard.town")
        elif item.key in summed:
            value = round(float(table[item.key].sum()), 2)
        elif item.key == "latest_before":
            value = f"{table['latest'].sum()} / {table['before'].sum()}"
        elif item.key == "patrol_hours" and table[item.key].notna().all():
            value = round(float(table[item.key].sum()))
        sheet.write(row, column, value, looks[_look_of_total(item)])


def _reading(sheet: Any, looks: dict[str, Any], plan: Plan, row: int, width: int) -> None:  # noqa: ANN401
    """Write under the table how it must be read, on the sheet that will be passed around alone."""
    for number, line in enumerate(_reading_lines(plan)):
        sheet.merge_range(row + number, 0, row + number, width - 1, line, looks["wrapped"])
        sheet.set_row(row + number, 18)


def _raw_sheet(book: Any, looks: dict[str, Any], table: pd.DataFrame, study: Study) -> None:  # noqa: ANN401
    sheet = new_sheet(book, "scorecard.sheet.raw", study)
    sheet.set_row(0, 62)
    for column, name in enumerate(table.columns):
        sheet.set_column(column, column, 13)
        sheet.write(0, column, text(f"scorecard.column.{name}"), looks["head"])
        sheet.write(1, column, name, looks["code"])
        for row, value in enumerate(table[name], start=2):
            write_value(sheet, row, column, value, looks[_number_look(name)])
    sheet.freeze_panes(2, 1)
    sheet.autofilter(1, 0, 1 + len(table), len(table.columns) - 1)
    sheet.repeat_rows(0, 1)


def _number_look(name: str) -> str:
    """Return the number format that a column's unit asks for."""
    for unit in sorted(DECIMALS, key=len, reverse=True):
        if name.endswith(f"_{unit}"):
            return DECIMALS[unit]
    if name in ("expected", "patrol_hours"):
        return DECIMALS["pct"]
    return DECIMALS["per_100h"] if name.endswith(("_low", "_high", "_expected", "_ratio")) else "number"


def _villages_sheet(book: Any, looks: dict[str, Any], zones: Plan, study: Study) -> None:  # noqa: ANN401
    sheet = new_sheet(book, "scorecard.sheet.villages", study)
    units = zones.tables["units"]
    for column, (key, width) in enumerate((("zone_id", 8), ("villages", 10), ("village_names", NAMES_WIDTH))):
        sheet.set_column(column, column, width)
        sheet.write(0, column, text(f"scorecard.column.{key}"), looks["head"])
    names = units.groupby("zone_id")["name"].agg(list)
    for row, zone in enumerate(zones.to_frame()["zone_id"], start=1):
        inside = names.get(zone, [])
        sheet.write(row, 0, zone, looks["cell"])
        sheet.write(row, 1, len(inside), looks["number"])
        names_here = text("list.mark").join(inside)
        sheet.write(row, 2, names_here, looks["wrapped"])
        sheet.set_row(row, LINE_PT * lines_of(names_here, NAMES_WIDTH))
    sheet.freeze_panes(1, 1)


def _notes_sheet(book: Any, looks: dict[str, Any], plan: Plan, study: Study) -> None:  # noqa: ANN401
    sheet = new_sheet(book, "scorecard.sheet.notes", study)
    sheet.set_column(0, 0, NOTES_WIDTH)
    sheet.write(0, 0, _title(study), looks["title"])
    write_lines(sheet, looks, _note_lines(plan, study), row=1, widths=[NOTES_WIDTH])


def _note_lines(plan: Plan, study: Study) -> Iterator[str]:
    if study.synthetic:
        yield text("scorecard.synthetic")
    yield from (text(key, **values) for key, values in plan.notes)
    yield from _reading_lines(plan)
    yield from (
        text(f"scorecard.method.{key}")
        for key in ("interval", "expected", "shrunk", "change", "pooled", "base_lines", "feedback", "not_said")
    )
    for name, value in plan.settings["scorecard"].items():
        yield text("scorecard.setting", name=f"scorecard.{name}", value=value, why=text(f"settings.scorecard.{name}"))


def _reading_lines(plan: Plan) -> Iterator[str]:
    yield text("scorecard.reading.intervals", level_pct=f"{100 * plan.settings['scorecard']['level']:g}")
    yield from (text(f"scorecard.reading.{key}") for key in ("ranks", "base_lines", "arrests"))
