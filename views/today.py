"""What the page Today shows: what the last import brought, and what is unusual, each line with its interval.

In:     a station's tables and plans.
Out:    frozen results and signs in words, and the last month as a small frame.
Method: the tests and intervals are those of ``views.patterns`` (exact comparison of counts with false discoveries held
        down, the scan of villages); nothing is tested twice here, lines are only picked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from gis_data.periods import Period
from models.plan import Plan
from views import patterns
from views.figures import records
from views.formats import DASH, day_words, headed, number, span_words
from views.pattern_words import ALPHA, interval, p_value
from views.patterns import EVERY, News, Question

COLUMNS = ("class", "count", "before", "before_ratio", "year", "year_ratio")
NEW_LIFE_MONTHS = 2  # a hotspot first seen in the last two months is news


@dataclass(frozen=True)
class CameIn:
    """What the last import of calls brought: its files, rows, and the days of its calls."""

    at: pd.Timestamp
    files: tuple[str, ...]
    rows: int
    accepted: int
    aside: int
    refused: int
    reported: int
    period: Period | None


@dataclass(frozen=True)
class Sign:
    """Something unusual: what it says, and the page, the query and the days that show it."""

    words: str
    page: str
    query: Mapping[str, str]
    strong: bool = True
    period: Period | None = None


def came_in(imports: pd.DataFrame, incidents: pd.DataFrame) -> CameIn | None:
    """Return what the last import of incidents brought; None before the first one."""
    calls = imports[imports["table"] == "incidents"]
    if calls.empty:
        return None
    last = calls[calls["imported_at"] == calls["imported_at"].max()]
    rows = incidents[incidents["import_id"].isin(last["import_id"])]
    reported = int(rows.loc[rows["origin"] == "reported", "count"].sum())
    return CameIn(
        last["imported_at"].iloc[0], tuple(dict.fromkeys(last["file"])), int(last["rows_read"].sum()),
        int(last["accepted"].sum()), int(last["set_aside"].sum()), int(last["refused"].sum()), reported,
        Period.of(rows["reported_at"]) if len(rows) else None,
    )  # fmt: skip


def question_of(incidents: pd.DataFrame, unit: Any) -> Question:  # noqa: ANN401 - a unit of the calendar
    """Return the question of the last year of records, in the given unit."""
    known = Period.of(incidents["reported_at"])
    start = max(known.start, known.end - pd.DateOffset(years=1))
    return Question(EVERY, Period(start, known.end), unit, known)


def change_signs(incidents: Any, unit: Any) -> Iterator[Sign]:  # noqa: ANN401 - a geo frame; a unit
    """Yield the classes that the last week or month told apart from the one before or a year before."""
    question = question_of(incidents, unit)
    for kind, change in zip(("before", "year"), patterns.changes(incidents, question), strict=True):
        if change.table is None:
            continue
        for row in records(change.table[change.table["word"] != "none"]):
            values: dict[str, Any] = {
                "group": headed(text(f"class.{row[change.group]}")), "count": number(row["count"]),
                "before": number(row["count_before"]), "word": text(f"scorecard.word.{row['word']}"),
                "interval": interval(row["low"], row["high"]), "unit": text(f"page.patterns.unit_name.{unit}"),
            }  # fmt: skip
            words = text(f"page.today.sign.{kind}", **values)
            query = {"part": "changed", "set": row[change.group], "unit": unit}
            yield Sign(words, "patterns", query, period=question.period)


def month_table(incidents: Any) -> pd.DataFrame:  # noqa: ANN401 - a geo frame
    """Return the last month by class against the month before (环比) and a year before (同比), with words."""
    both = patterns.changes(incidents, question_of(incidents, "month"))
    known = [change.table for change in both if change.table is not None and change.whole is not None]
    if not known:
        return pd.DataFrame()
    names = {name: text(f"page.today.column.{name}") for name in COLUMNS}
    order = known[0].sort_values("count", ascending=False, kind="stable")["incident_class"]
    rows = []
    for group in ("", *order):
        row = {names["class"]: headed(text(f"class.{group}" if group else "page.patterns.together"))}
        for kind, change in zip(("before", "year"), both, strict=True):
            if change.table is None or change.whole is None:
                continue
            found = change.table[change.table["incident_class"] == group] if group else change.whole
            one = records(found)[0] if len(found) else None
            row.setdefault(names["count"], DASH if one is None else number(one["count"]))
            row[names[kind]] = DASH if one is None else text(f"scorecard.word.{one['word']}")
            row[names[f"{kind}_ratio"]] = DASH if one is None else interval(one["low"], one["high"])
        rows.append(row)
    return pd.DataFrame(rows).fillna(DASH)


def basis_line(incidents: Any) -> str:  # noqa: ANN401 - a geo frame
    """Say which days the month's comparison is of."""
    now = question_of(incidents, "month").now
    return text("page.today.basis", period=span_words(now.start, now.end))


def news_sign(news: News | None, villages: Mapping[str, str]) -> Sign | None:
    """Return the likeliest new cluster if chance does not explain it."""
    if news is None or news.scan.clusters.empty or news.scan.clusters["p_value"].iloc[0] > ALPHA:
        return None
    row = news.scan.clusters.iloc[0]
    names = text("list.mark").join(villages.get(place, place) for place in row["places"][:5])
    since = news.basis.period.start + pd.Timedelta(days=int(row["first_day"]))
    words = text(
        "page.today.sign.cluster", names=names, since=day_words(since), count=number(row["count"]),
        expected=number(row["expected"], 1), p=p_value(float(row["p_value"])),
    )  # fmt: skip
    return Sign(words, "patterns", {"part": "news"}, period=news.basis.period)


def new_hotspots(plans: Mapping[str, Plan], known: Period) -> Iterator[Sign]:
    """Yield the hotspots first seen in the last months of the records."""
    plan = plans.get("hotspots")
    if plan is None or "lives" not in plan.tables:
        return
    first = f"{known.end - pd.DateOffset(months=NEW_LIFE_MONTHS):%Y-%m}"
    lives = plan.tables["lives"]
    young = lives[(lives["first_month"] >= first) & (lives["ended"] == "") & ~lives["from_start"].astype(bool)]
    for row in records(young):
        name = row["hotspot_id"] or row["life_id"]
        words = text("page.today.sign.hotspot", name=name, month=row["first_month"], most=number(row["most"]))
        yield Sign(words, "hotspots", {"hotspot": row["hotspot_id"]} if row["hotspot_id"] else {})


def high_villages(funnel: pd.DataFrame, villages: Mapping[str, str]) -> Iterator[Sign]:
    """Yield the villages that report more than their people lead to expect, the farthest out first."""
    high = funnel[funnel["side"] == "above"] if len(funnel) else funnel
    ordered = high.assign(times=high["count"] / high["expected"]).sort_values("times", ascending=False)
    for row in records(ordered.rename_axis("village_id").reset_index()):
        words = text(
            "page.today.sign.village", name=villages.get(row["village_id"], row["village_id"]),
            count=number(row["count"]), expected=number(row["expected"], 1),
            limits=f"{number(row['low_95'] * row['expected'])}–{number(row['high_95'] * row['expected'])}",
        )  # fmt: skip
        yield Sign(words, "villages", {"village": row["village_id"]}, strong=False)
