"""Weekly analysis (警情周分析): the week in the order stations know, in whole sentences; small counts without per cent.

In:     a finished ``Weekly``.
Out:    pages for PDF and docx. Nothing is computed here but differences and shares of its counts.
"""

from itertools import pairwise
from typing import Any

import pandas as pd
import shapely

from gis_data.catalogue import text
from gis_data.study import Study
from models.weekly import ARRIVAL_MIN, TREND_WEEKS, Weekly
from views.figures import records
from views.sheets import svg
from views.sheets.content import Block, Heading, Mark, Picture, Table, TextPage, Words
from views.sheets.symbols import INK

LEAST_FOR_PERCENT = 10
ANALYSED = ("criminal", "public_order", "dispute", "traffic")
TREND_MM = (160.0, 26.0)
DAYS = 7


def weekly_pages(weekly: Weekly, study: Study) -> tuple[TextPage, ...]:
    """Return the analysis of one week."""
    shown = [name for name in ANALYSED if _count(weekly, name) != (0, 0)]
    parts = [block for number, name in enumerate(shown) for block in _part(weekly, name, number)]
    blocks = (*_overview(weekly), Heading(text("weekly.analysis")), *parts, *_arrival(weekly))
    return (TextPage(text("weekly.title", town=study.name), blocks, period_words(weekly)),)


def period_words(weekly: Weekly) -> str:
    """Say which days the week has."""
    return str(weekly.week)


def change_words(kind: str, this: int, before: int) -> str:
    """Return the standard sentence of a kind of calls (DOMAIN 2.4): no per cent where the week before had few."""
    values: dict[str, Any] = {"kind": kind, "this": this, "per_day": f"{this / DAYS:.1f}", "before": before}
    if this == before:
        return text("weekly.same", **values)
    way = "more" if this > before else "fewer"
    difference = abs(this - before)
    if before < LEAST_FOR_PERCENT:
        return text(f"weekly.{way}_few", **values, difference=difference)
    return text(f"weekly.{way}", **values, difference=difference, pct=f"{100 * difference / before:.1f}")


def _overview(weekly: Weekly) -> list[Block]:
    (calls, _), (valid, valid_before) = weekly.calls, weekly.valid
    lines = [change_words(text("weekly.all"), *weekly.calls)]
    if calls:
        share = f"{100 * valid / calls:.0f}" if calls >= LEAST_FOR_PERCENT else ""
        lines.append(text("weekly.valid", valid=valid, before=valid_before) + (
            text("weekly.valid_share", pct=share) if share else text("weekly.few")))  # fmt: skip
    said = [
        row for row in records(weekly.classes) if row["incident_class"] != "invalid" and row["this"] + row["before"]
    ]
    sentences = [
        change_words(_name(row["incident_class"]), row["this"], row["before"]) + text(f"weekly.word.{row['word']}")
        for row in said
    ]  # a line each: on one line they read as one long word
    return [
        Heading(text("weekly.overview")), Words("".join(lines)), *map(Words, sentences or [text("weekly.none")]),
        Words(text("weekly.compared") + text("weekly.chance"), quiet=True), _class_table(weekly), _bars(weekly),
    ]  # fmt: skip


def _class_table(weekly: Weekly) -> Table:
    """Return the counts, a class a line: side by side the classes' names do not fit a page."""
    head = tuple(text(f"weekly.{column}") for column in ("class", "before", "this", "difference"))
    counts = [(_name(row["incident_class"]), row["before"], row["this"]) for row in records(weekly.classes)]
    total = (text("weekly.total"), weekly.classes["before"].sum(), weekly.classes["this"].sum())
    rows = tuple((name, f"{before}", f"{this}", _signed(this - before)) for name, before, this in (*counts, total))
    return Table(head, rows, widths=(3, 1, 1, 1), numbers=(1, 2, 3))


def _part(weekly: Weekly, name: str, number: int) -> list[Block]:
    """Return the part about one class: total, trend, areas, types, hours."""
    this, before = _count(weekly, name)
    blocks: list[Block] = [
        Heading(text("weekly.part", number=text("weekly.numbers")[number], kind=_name(name))),
        Words(change_words(_name(name), this, before)),
        _trend(weekly, name),
        Words(text("weekly.trend", weeks=TREND_WEEKS), quiet=True),
    ]
    zones = weekly.zones[weekly.zones["incident_class"] == name]
    if len(zones):
        blocks += [Words(text("weekly.areas"), strong=True), *(Words(line) for line in _areas(zones))]
    types = weekly.types[weekly.types["incident_class"] == name].sort_values(["this", "type"], ascending=[False, True])
    head = tuple(text(f"weekly.{column}") for column in ("type", "before", "this", "difference"))
    rows = tuple(
        (text(f"type.{row['type']}"), f"{row['before']}", f"{row['this']}", _signed(row["this"] - row["before"]))
        for row in records(types)
    )
    blocks += [Words(text("weekly.types"), strong=True), Table(head, rows, widths=(3, 1, 1, 1), numbers=(1, 2, 3))]
    return [*blocks, Words(text("weekly.hours"), strong=True), Words(_hours(weekly, name, this))]


def _areas(zones: pd.DataFrame) -> list[str]:
    """Say which zones had none, as many, fewer, more; each with its counts."""
    groups: dict[str, list[str]] = {"zero": [], "flat": [], "down": [], "up": []}
    for row in records(zones):
        this, before = row["this"], row["before"]
        state = "zero" if this == 0 else "flat" if this == before else "up" if this > before else "down"
        counts = {"zone": row["zone_id"], "before": before, "this": this}
        groups[state].append(row["zone_id"] if this == before == 0 else text("weekly.zone", **counts))
    return [
        text(f"weekly.area.{state}", zones=text("list.mark").join(names)) for state, names in groups.items() if names
    ]


def _hours(weekly: Weekly, name: str, this: int) -> str:
    if name not in weekly.bands.index:
        return text("weekly.none")
    bands = weekly.bands.loc[name]
    said = text("list.mark").join(text(f"weekly.band.{band}", count=f"{bands[band]:.1f}") for band in range(4))
    unknown = this - float(bands.to_numpy().sum())
    return said + (text("weekly.no_hour", count=f"{unknown:.0f}") if unknown >= 0.5 else text("weekly.stop"))


def _arrival(weekly: Weekly) -> list[Block]:
    if not weekly.arrival:
        return []
    bounds = [0, *ARRIVAL_MIN]
    head = [text("weekly.minutes", low=low, high=high) for low, high in pairwise(bounds)]
    head.append(text("weekly.minutes_more", low=bounds[-1]))
    rows = (tuple(f"{n}" for n in weekly.arrival),)
    note = Words(text("weekly.arrival_help", known=sum(weekly.arrival), calls=weekly.calls[0]), quiet=True)
    return [Heading(text("weekly.arrival")), Table(tuple(head), rows, numbers=tuple(range(len(head)))), note]


def _count(weekly: Weekly, name: str) -> tuple[int, int]:
    (row,) = records(weekly.classes[weekly.classes["incident_class"] == name])
    return row["this"], row["before"]


def _name(incident_class: str) -> str:
    return text(f"class.{incident_class}")


def _signed(difference: int) -> str:
    return f"{difference:+d}".replace("-", "−") if difference else "0"


# ---- two drawings: black and white, form before colour ----

BARS_WIDTH_MM, BAR_MM, BAR_STEP_MM, BAR_LEFT_MM = 160.0, 2.4, 7.0, 32.0


def _bars(weekly: Weekly) -> Picture:
    """Draw two bars for each class: last week hollow, this week filled."""
    classes = weekly.classes
    shown = classes[classes["this"] + classes["before"] > 0]
    most = max(int(shown[["this", "before"]].to_numpy().max(initial=1)), 1)
    elements, marks = [], []
    for number, row in enumerate(records(shown)):
        top = number * BAR_STEP_MM + 1
        marks.append(Mark(BAR_LEFT_MM - 2, top + BAR_MM, _name(row["incident_class"]), 8, "right"))
        for below, when, fill in ((0.0, "before", "#ffffff"), (BAR_MM + 0.2, "this", INK)):
            width = row[when] / most * 110
            bar = shapely.box(BAR_LEFT_MM, top + below, BAR_LEFT_MM + max(width, 0.05), top + below + BAR_MM)
            elements.append(svg.path(bar, fill=fill, stroke=INK, stroke_width=0.2))
            marks.append(Mark(BAR_LEFT_MM + width + 1.2, top + below + BAR_MM / 2, f"{row[when]}"))
    height = len(shown) * BAR_STEP_MM + 6
    marks.append(Mark(BAR_LEFT_MM, height - 2.5, text("weekly.bars")))
    return Picture(svg.picture(BARS_WIDTH_MM, height, elements), BARS_WIDTH_MM, height, tuple(marks))


def _trend(weekly: Weekly, name: str) -> Picture:
    """Draw the counts of fifteen weeks, each with its number."""
    counts = weekly.trend.loc[weekly.trend["incident_class"] == name, ["week", "count"]]
    width, height = TREND_MM
    most, step = max(int(counts["count"].max()), 1), (width - 10) / (len(counts) - 1)
    points = [(5 + number * step, height - 7 - n / most * (height - 12)) for number, n in enumerate(counts["count"])]
    elements = [svg.path(shapely.LineString(points), stroke=INK, stroke_width=0.35)]
    elements += [svg.disc(x, y, 0.7, fill=INK) for x, y in points]
    marks = []
    for (x, y), row in zip(points, records(counts), strict=True):
        marks.append(Mark(x, y - 2.4, f"{row['count']}", 7, "middle"))
        marks.append(Mark(x, height - 2, f"{row['week']:%m-%d}", 6, "middle"))
    return Picture(svg.picture(width, height, elements), width, height, tuple(marks))
