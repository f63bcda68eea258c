"""The scorecard's further sheets: base lines, patrols and arrests, checkpoints, the feedback audit with its chart.

In:     a plan "scorecard" and an open workbook with its formats.
Out:    sheets of the same words as the page; nothing is computed here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from models.plan import Plan
from views import score_tables

WIDTH, FIRST_WIDTH = 18, 24
DRAWN = ("reported", "arrests")
CHART = {"width": 620, "height": 300}
GREY = "#8D887F"

New = Callable[[str], Any]


def add_sheets(book: Any, looks: Mapping[str, Any], plan: Plan, new: New) -> None:  # noqa: ANN401 - xlsxwriter has no types
    """Add the sheets; those without anything to say are left out."""
    _base_lines(looks, plan, new("scorecard.sheet.base_lines"), book)
    patrols = new("scorecard.sheet.patrols")
    row = _words(patrols, looks, score_tables.patrols(plan), 0)
    for key, table in (("pools_help", score_tables.pools(plan)), ("spans_help", score_tables.spans(plan))):
        patrols.write(row + 1, 0, text(f"scorecard.{key}"), looks["plain"])
        row = _words(patrols, looks, table, row + 2)
    patrols.write(row + 1, 0, text("scorecard.reading.arrests"), looks["plain"])
    if len(plan.tables["checkpoints"]):
        sheet = new("scorecard.sheet.checkpoints")
        _words(sheet, looks, score_tables.checkpoints(plan), 0)
        sheet.repeat_rows(0)
    if "feedback" in plan.tables:
        _feedback(book, looks, plan, new("scorecard.sheet.feedback"))


def _words(sheet: Any, looks: Mapping[str, Any], table: pd.DataFrame, first: int) -> int:  # noqa: ANN401
    """Write a table of words from a row on and return the row after it."""
    sheet.set_column(0, 0, FIRST_WIDTH)
    sheet.set_column(1, max(1, len(table.columns) - 1), WIDTH)
    for column, name in enumerate(table.columns):
        sheet.write_string(first, column, str(name), looks["head"])
    sheet.set_row(first, 34)
    for row, values in enumerate(table.itertuples(index=False), start=first + 1):
        for column, value in enumerate(values):
            sheet.write_string(row, column, str(value), looks["cell"])
    return first + 1 + len(table)


def _base_lines(looks: Mapping[str, Any], plan: Plan, sheet: Any, book: Any) -> None:  # noqa: ANN401
    table = score_tables.base_lines(plan)
    end = _words(sheet, looks, table, 0)
    sheet.set_column(1, len(table.columns) - 1, FIRST_WIDTH)
    for verdict, colour in score_tables.VERDICT_TINT.items():
        word = text(f"scorecard.verdict.{verdict}")
        tint = book.add_format({"bg_color": colour})
        rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": tint}
        sheet.conditional_format(1, 1, max(1, end - 1), len(table.columns) - 1, rule)
    for number, key in enumerate(("base_lines", "ranks"), start=end + 1):
        sheet.write(number, 0, text(f"scorecard.reading.{key}"), looks["plain"])


def _feedback(book: Any, looks: Mapping[str, Any], plan: Plan, sheet: Any) -> None:  # noqa: ANN401
    """Write the audit's sentence, its table, the months of the middle town, and a chart of each rule drawn."""
    key, values = next(note for note in plan.notes if note[0] == "scorecard.note.feedback")
    table = score_tables.feedback(plan)
    sheet.merge_range(0, 0, 0, 9, text(key, **values), looks["wrapped"])
    sheet.set_row(0, 52)
    end = _words(sheet, looks, table, 2)
    sheet.merge_range(end + 1, 0, end + 1, 9, text("scorecard.feedback.help"), looks["wrapped"])
    sheet.set_row(end + 1, 34)
    months = end + 22  # below the charts
    for number, rule in enumerate(DRAWN):
        months = _months(book, looks, plan, sheet, rule, at=(end + 3, 5 * number), first=months)


def _months(
    book: Any,  # noqa: ANN401
    looks: Mapping[str, Any],
    plan: Plan,
    sheet: Any,  # noqa: ANN401
    rule: str,
    *,
    at: tuple[int, int],
    first: int,
) -> int:
    """Write a rule's months as numbers, draw them above, and return the next free row."""
    paths = plan.tables["feedback_paths"]
    wide = paths[paths["rule"] == rule].set_index(["month", "zone_id"])["share_pct"].unstack()  # noqa: PD010
    sheet.write(first, 0, text(f"scorecard.feedback.{rule}"), looks["head"])
    for column, zone in enumerate(wide.columns, start=1):
        sheet.write(first, column, zone, looks["head"])
        sheet.write_column(first + 1, column, wide[zone].round(2).tolist(), looks["0.0"])
    sheet.write_column(first + 1, 0, wide.index.tolist(), looks["number"])
    chart = book.add_chart({"type": "line"})
    last = first + len(wide)
    for column in range(1, len(wide.columns) + 1):
        chart.add_series(
            {
                "name": [sheet.name, first, column],
                "categories": [sheet.name, first + 1, 0, last, 0],
                "values": [sheet.name, first + 1, column, last, column],
                "line": {"width": 1.5},
            }
        )
    chart.set_title({"name": text(f"scorecard.feedback.{rule}"), "name_font": {"size": 11}})
    chart.set_x_axis({"name": text("scorecard.feedback.month"), "interval_unit": 6})
    highest = 10 * float(-(-paths["share_pct"].max() // 10))
    chart.set_y_axis(
        {
            "name": text("scorecard.feedback.share"),
            "min": 0,
            "max": highest,
            "major_gridlines": {"visible": True, "line": {"color": GREY, "width": 0.25}},
        }
    )
    chart.set_size(CHART)
    sheet.insert_chart(*at, chart)
    return last + 2
