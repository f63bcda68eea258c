"""What a cell of the patterns' map says: its counts, the test of its surroundings, why it is hot and why not.

In:     the cells of ``views.patterns.Ground``.
Out:    a few cards with places for values, and each cell's card and values; the same words for all cells.
"""

from typing import Any

import pandas as pd

from gis_data.catalogue import text
from views.figures import records
from views.maps.cells import filled
from views.maps.layers import because, safe, tip_html
from views.pattern_words import interval, p_value, pattern_name
from views.patterns import Ground

VERDICTS = ("hot", "cold", "none")
HOT_NUMBERS = ("count", "around", "z", "q", "fewest")
TIME_NUMBERS = ("recent", "earlier", "interval", "word", "hot", "cold", "pattern")


class CellCards:
    """The cards of a grid: ``cells`` has the columns of both tables, ``rows`` are their records in order."""

    def __init__(self, ground: Ground) -> None:
        hot, emerging = ground.hot, ground.emerging
        over_time = ("pattern", "change", "hot_slices", "cold_slices", "around_recent", "around_earlier", "ratio_low",
                     "ratio_high")  # fmt: skip
        self.cells = hot if emerging is None else hot.assign(**{name: emerging[name] for name in over_time})
        self.rows = records(self.cells.drop(columns="geometry"))
        self._with_time = emerging is not None
        self._tips, self._reasons = zip(*map(self._template, VERDICTS), strict=True)

    @property
    def templates(self) -> list[str]:
        """The whole cards, numbers and reasons, with places for values."""
        return [tip + reasons for tip, reasons in zip(self._tips, self._reasons, strict=True)]

    def of(self, row: dict[str, Any]) -> tuple[int, list[str]]:
        """Return the number of a cell's card and its values."""
        p = row["q_cold"] if row["verdict"] == "cold" else row["q_hot"]
        values = [f"{row['cell_id']}", f"{row['count']:,}", f"{row['around_count']:,}", f"{row['z']:.1f}", p_value(p),
                  f"{row['fewest_count']:,}", f"{row['around_cells']}"]  # fmt: skip
        if self._with_time:
            values += [f"{row['around_recent']:,}", f"{row['around_earlier']:,}",
                       interval(row["ratio_low"], row["ratio_high"]), text(f"scorecard.word.{row['change']}"),
                       f"{row['hot_slices']}", f"{row['cold_slices']}",
                       pattern_name(row["pattern"], none=text("page.patterns.no_pattern"))]  # fmt: skip
        return VERDICTS.index(row["verdict"]), values

    def tips(self, index: pd.Index) -> tuple[list[str], list[str]]:
        """Return the tips and the reasons of some cells."""
        cards = [self.of(self.rows[place]) for place in self.cells.index.get_indexer(index)]
        values = [[safe(value) for value in values] for _, values in cards]
        return (
            [filled(self._tips[card], of_cell) for (card, _), of_cell in zip(cards, values, strict=True)],
            [filled(self._reasons[card], of_cell) for (card, _), of_cell in zip(cards, values, strict=True)],
        )

    def _template(self, verdict: str) -> tuple[str, str]:
        place: dict[str, Any] = {name: f"{{{number}}}" for number, name in enumerate(
            ("cell", *HOT_NUMBERS, "cells", *TIME_NUMBERS))}  # fmt: skip
        shown = (*HOT_NUMBERS, "pattern") if self._with_time else HOT_NUMBERS
        names = {name: text(f"page.patterns.column.{name}") for name in ("cell", *shown)}
        lines = [(names[name], place[name]) for name in shown]
        reasons = [text(f"page.patterns.why_{verdict}", **place)]
        if self._with_time:
            reasons.append(text("page.patterns.why_over_time", **place))
        return tip_html(f"{names['cell']} {place['cell']}", lines), because(reasons)
