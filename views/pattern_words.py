"""The page Patterns in words: small tables and sentences over the results of ``views.patterns``.

In:     finished results.
Out:    frames of words and sentences in the running language. Nothing is computed here but rounding and sums.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.hours import BANDS, LONG_SPAN_MIN
from analysis.near_repeat import FEWEST_EVENTS
from gis_data.catalogue import text
from gis_data.taxonomy import CLASSES
from views.figures import DASH, percent, records
from views.formats import headed
from views.patterns import Basis, Change, Doubts, Focus, Ground, Hours, MarketDays, News, Repeats

ALPHA = 0.05
MOST_NAMES = 8

# ---- what every figure says ----


def set_name(class_set: str) -> str:
    """Return what a class set is called."""
    return text(f"class.{class_set}" if class_set in CLASSES else f"page.patterns.set.{class_set}")


def basis_line(basis: Basis, *, period: str = "", kind: str = "") -> str:
    """Say what a figure rests on: class set (or one type), period, n, and what had no usable place or time."""
    return text(
        "page.patterns.basis", set=text(f"type.{kind}") if kind else set_name(basis.class_set),
        period=period or str(basis.period), incidents=f"{basis.incidents:,}", used=f"{basis.used:,}",
        no_place=f"{basis.no_place:,}", no_time=f"{basis.no_time:,}",
    )  # fmt: skip


# ---- what changed ----


def change_table(change: Change) -> pd.DataFrame:
    """Return both counts, the change in percent unless counts are few, the interval and one of three words."""
    if change.table is None or change.whole is None:
        return pd.DataFrame()
    rows = [_change_row(text("page.patterns.together"), row) for row in records(change.whole)]
    section = "class" if change.group == "incident_class" else "type"
    ordered = change.table.sort_values("count", ascending=False, kind="stable")
    rows += [_change_row(headed(text(f"{section}.{row[change.group]}")), row) for row in records(ordered)]
    return _named(pd.DataFrame(rows))


def _change_row(name: str, row: Mapping[str, float]) -> dict[str, str]:
    few = math.isnan(row["change_pct"])
    return {
        "group": name,
        "count": f"{row['count']:,.0f}",
        "count_before": f"{row['count_before']:,.0f}",
        "change": text("page.patterns.few") if few else f"{row['change_pct']:+.0f}%",
        "interval": interval(row["low"], row["high"]),
        "word": text(f"scorecard.word.{row['word']}"),
    }


def interval(low: float, high: float) -> str:
    """Return the limits of a ratio; the upper one may be open."""
    return f"{low:.2f}–{'∞' if math.isinf(high) else f'{high:.2f}'}"


def change_line(change: Change) -> str:
    """Say what a comparison rests on, and how it was aligned; or that records do not reach back."""
    both = text("page.patterns.against", now=str(change.now), before=str(change.before))
    if change.table is None:
        return text("page.patterns.no_records", before=str(change.before))
    line = basis_line(change.basis, period=both)
    return f"{line}{text('page.patterns.by_festival')}" if change.by_festival else line


def doubt_lines(found: Doubts) -> Iterator[str]:
    """Yield what only looks like change, or that nothing does."""
    if found.drift is None or found.delay is None:
        yield text("page.patterns.no_doubts", before=str(found.before))
        return
    jumps = found.drift[found.drift["warning"] != ""]
    for row in records(jumps):
        yield text(
            f"page.patterns.drift.{row['warning']}", type=text(f"type.{row['type']}"),
            share=f"{row['share_pct']:.1f}", before=f"{row['share_before_pct']:.1f}",
        )  # fmt: skip
    if jumps.empty:
        yield text("page.patterns.no_drift", types=len(found.drift))
    delay = found.delay
    values: dict[str, Any] = {
        "pct": f"{100 * delay.completeness:.1f}", "missing": f"{delay.missing:.1f}", "count": f"{delay.incidents:,}",
        "late": percent(delay.late_pct),
    }  # fmt: skip
    yield text("page.patterns.incomplete" if delay.is_incomplete else "page.patterns.complete", **values)
    if delay.late_word != "none":
        yield text(f"page.patterns.late.{delay.late_word}")


# ---- when ----


def band_table(hours: Hours) -> pd.DataFrame:
    """Return the weight of the four 6-hour bands, with and without long windows."""
    short = hours.profile.by_hour_short.reshape(len(BANDS), -1).sum(axis=1)
    total, sharp = max(hours.profile.by_band.sum(), 1e-9), max(short.sum(), 1e-9)
    rows = [
        {
            "band": band,
            "count": f"{all_of_it:,.0f}",
            "share": percent(100 * all_of_it / total),
            "share_short": percent(100 * part / sharp),
        }
        for band, all_of_it, part in zip(BANDS, hours.profile.by_band, short, strict=True)
    ]
    return _named(pd.DataFrame(rows))


def week_tiles(hours: Hours) -> pd.DataFrame:
    """Return one row per weekday and hour: ``weekday`` (its name), ``hour``, ``count``."""
    names = {day: text(f"page.patterns.weekday.{day}") for day in hours.week.index}
    long = hours.week.reset_index().melt("weekday", var_name="hour", value_name="count")
    return long.assign(weekday=long["weekday"].map(names), hour=long["hour"].astype(int))


def long_windows_line(hours: Hours) -> str:
    """Say how much of the weight comes from long windows, and how many incidents have no time."""
    return text(
        "page.patterns.long_windows", pct=percent(100 * hours.profile.long_span_share),
        hours=f"{LONG_SPAN_MIN / 60:.0f}", backwards=f"{hours.profile.end_before_start:,}",
    )  # fmt: skip


def market_line(market: MarketDays) -> str:
    """Compare market days with other days in one sentence."""
    total, days = market.by_kind.weight.sum(axis=1), market.by_kind.days
    found = market.ratio
    ratio, seen = float(found.ratio), float(found.p_value) <= ALPHA
    word = "none" if not seen else "up" if ratio > 1 else "down"
    return text(
        f"page.patterns.market.{word}", villages=market.villages, ratio=f"{ratio:.2f}",
        interval=interval(float(found.low), float(found.high)),
        count=f"{total[True]:,.0f}", days=f"{days[True]:,.0f}",
        other=f"{total[False]:,.0f}", other_days=f"{days[False]:,.0f}",
    )  # fmt: skip


# ---- where ----


def hot_table(ground: Ground, villages: Mapping[str, str]) -> pd.DataFrame:
    """Return the hot cells, the surest first."""
    hot = ground.hot[ground.hot["verdict"] == "hot"].sort_values(["q_hot", "around_count"], ascending=[True, False])
    rows = [
        {
            "cell": f"{row['cell_id']}",
            "village": villages.get(row["village_id"], DASH),
            "count": f"{row['count']:,}",
            "around": f"{row['around_count']:,}",
            "z": f"{row['z']:.1f}",
            "q": p_value(row["q_hot"]),
        }
        for row in records(hot)
    ]
    return _named(pd.DataFrame(rows))


def emerging_table(emerging: gpd.GeoDataFrame, villages: Mapping[str, str]) -> pd.DataFrame:
    """Return the cells that have a pattern or have changed, with both counts."""
    shown = emerging[(emerging["pattern"] != "none") | (emerging["change"] != "none")]
    rows = [
        {
            "cell": f"{row['cell_id']}",
            "village": villages.get(row["village_id"], DASH),
            "pattern": pattern_name(row["pattern"]),
            "recent": f"{row['around_recent']:,}",
            "earlier": f"{row['around_earlier']:,}",
            "interval": interval(row["ratio_low"], row["ratio_high"]),
            "word": text(f"scorecard.word.{row['change']}"),
        }
        for row in records(shown.sort_values("around_recent", ascending=False, kind="stable"))
    ]
    return _named(pd.DataFrame(rows))


def pattern_name(pattern: str, *, none: str = DASH) -> str:
    """Return what one of the 17 patterns is called."""
    return none if pattern == "none" else text(f"page.patterns.pattern.{pattern}")


def slices_line(ground: Ground, *, recent: int) -> str:
    """Say how time was sliced."""
    unit = text(f"page.patterns.slices.{ground.slice_unit}", slices=ground.slices)
    return text("page.patterns.sliced", unit=unit, recent=recent)


# ---- is something new? ----


def news_line(news: News) -> str:
    """Answer whether something is new, with p."""
    clusters = news.scan.clusters
    if clusters.empty:
        return text("page.patterns.news.empty")
    key = "page.patterns.news.yes" if is_new(news) else "page.patterns.news.no"
    return text(key, p=p_value(float(clusters["p_value"].iloc[0])), looks=f"{1 / ALPHA:.0f}")


def is_new(news: News) -> bool:
    """Tell whether the likeliest cluster is more than chance."""
    clusters = news.scan.clusters
    return len(clusters) > 0 and bool(clusters["p_value"].iloc[0] <= ALPHA)


def news_table(news: News, villages: Mapping[str, str]) -> pd.DataFrame:
    """Return the likeliest clusters: where, since when, seen, expected, p."""
    first = news.basis.period.start
    rows = [
        {
            "villages": _names([villages.get(place, place) for place in row["places"]]),
            "since": f"{first + pd.Timedelta(days=row['first_day']):%Y-%m-%d}",
            "count": f"{row['count']:,}",
            "expected": f"{row['expected']:.1f}",
            "p": p_value(row["p_value"]),
        }
        for row in records(news.scan.clusters)
    ]
    return _named(pd.DataFrame(rows))


# ---- near repeats ----


def repeat_table(found: Repeats) -> pd.DataFrame:
    """Return pairs seen over pairs expected, the pairs and the adjusted p: a row a distance, a column a time band."""
    rows: dict[str, dict[str, str]] = {}
    for row, is_near in zip(records(found.found.bands), found.near, strict=True):
        where = _distance(row["from_m"], row["to_m"], is_repeat=row["is_repeat"])
        days = text("page.patterns.days", first=row["from_day"], last=row["to_day"] - 1)
        ratio = DASH if not math.isfinite(row["times_expected"]) else f"{row['times_expected']:.2f}"
        pairs, p = f"{row['observed']:,.0f}", p_value(row["p_adj"])
        words = text("page.patterns.repeats_cell", ratio=ratio, pairs=pairs, p=p)
        mark = "▲ " if is_near else "△ " if row["is_raised"] else ""
        rows.setdefault(where, {})[days] = f"{mark}{words}"
    head = text("page.patterns.column.distance")
    return pd.DataFrame([{head: where} | cells for where, cells in rows.items()])


def _distance(from_m: float, to_m: float, *, is_repeat: bool) -> str:
    return text("page.patterns.same_place") if is_repeat else f"{from_m:,.0f}–{to_m:,.0f}\u00a0m"


def too_few_line(found: Repeats) -> str:
    """Say that there are too few incidents of a type for near repeats."""
    return text("page.patterns.too_few", events=f"{found.found.events:,}", fewest=FEWEST_EVENTS)


def active_table(found: Repeats) -> pd.DataFrame:
    """Return the villages with an open window, until when, how much raised, and the named places inside."""
    rows = []
    for row in records(found.villages):
        inside = found.places[found.places["village_id"] == row["village_id"]]["name"]
        rows.append(
            {
                "village": row["name"],
                "windows": f"{row['windows']:,}",
                "until": f"{row['until_at']:%Y-%m-%d}",
                "times": f"{row['times_expected']:.1f}",
                "places": _names(list(dict.fromkeys(inside))) or DASH,
            }
        )
    return _named(pd.DataFrame(rows))


# ---- concentration ----


def focus_table(focus: Focus) -> pd.DataFrame:
    """Return Gini, corrected for sparse data, with its interval and that of chance, for cells and villages."""
    rows = []
    for key, found in (("cells", focus.cells), ("villages", focus.villages)):
        if found is None:
            continue
        rows.append(
            {
                "over": text(f"page.patterns.over.{key}", places=f"{found.places:,}"),
                "gini_unbiased": f"{found.gini_unbiased:.2f} ({found.low:.2f}–{found.high:.2f})",
                "chance": f"{found.chance_low:.2f}–{found.chance_high:.2f}",
                "p": p_value(found.p_value),
                "gini": f"{found.gini:.2f}",
                "half": percent(found.half_in_pct),
            }
        )
    return _named(pd.DataFrame(rows))


def funnel_table(focus: Focus, villages: Mapping[str, str]) -> pd.DataFrame:
    """Return the villages above or below what their people lead to expect."""
    outside = focus.funnel[focus.funnel["side"] != "inside"] if len(focus.funnel) else focus.funnel
    rows = [
        {
            "village": villages.get(row["village_id"], row["village_id"]),
            "count": f"{row['count']:,.0f}",
            "expected": f"{row['expected']:.1f}",
            "limits": f"{row['low_95'] * row['expected']:.0f}–{row['high_95'] * row['expected']:.0f}",
            "word": text(f"page.patterns.side.{row['side']}"),
        }
        for row in records(outside.rename_axis("village_id").reset_index())
    ]
    return _named(pd.DataFrame(rows))


def funnel_line(focus: Focus, outside: int) -> str:
    """Say how many villages leave the funnel, and how far it was widened."""
    values: dict[str, Any] = {"villages": len(focus.funnel), "outside": outside, "times": f"{focus.overdispersion:.1f}"}
    return text("page.patterns.funnel", **values)


# ---- small words ----


def p_value(p: float) -> str:
    """Return p with three digits; "<0.001" below."""
    if np.isnan(p):
        return DASH
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def _names(names: list[str]) -> str:
    shown = text("list.mark").join(names[:MOST_NAMES])
    return (
        text("page.patterns.and_more", names=shown, more=len(names) - MOST_NAMES) if len(names) > MOST_NAMES else shown
    )


def _named(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns=lambda key: text(f"page.patterns.column.{key}"))
