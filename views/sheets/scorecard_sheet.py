"""Scorecard sheet (巡区成绩单): the scorecard's tables on paper, with how they must be read.

In:     the plan "scorecard".
Out:    lying pages. Zones stand by number and are never ranked.
"""

import pandas as pd

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from views import score_tables
from views.sheets.content import Block, Heading, Table, TextPage, Words

READING = ("ranks", "base_lines", "arrests")


def scorecard_pages(plan: Plan, study: Study) -> tuple[TextPage, ...]:
    """Return the scorecard: what residents reported, what patrols did, base lines."""
    level = f"{100 * plan.settings['scorecard']['level']:g}"
    reading = [text("scorecard.reading.intervals", level_pct=level), *(text(f"scorecard.reading.{k}") for k in READING)]
    blocks: tuple[Block, ...] = (
        *(Words(line, quiet=True) for line in reading),
        Heading(text("scorecard.group.reported")),
        table_of(score_tables.reported(plan)),
        Heading(text("scorecard.group.found")),
        table_of(score_tables.patrols(plan)),
        Heading(text("scorecard.sheet.base_lines")),
        table_of(score_tables.base_lines(plan)),
    )
    return (TextPage(text("scorecard.title", town=study.name), blocks, lying=True, fit=True),)


def table_of(frame: pd.DataFrame) -> Table:
    """Return a frame of words as a table: the first column to the left, the others as wide as they need."""
    rows = tuple(tuple(str(value) for value in row) for row in frame.itertuples(index=False, name=None))
    widths = (0.0, *(1.0,) * (len(frame.columns) - 1))
    return Table(tuple(map(str, frame.columns)), rows, widths, empty=text("page.empty"))
