"""Charts for the screen: Altair charts from finished tables.

In:     a table with one row a mark.
Out:    an Altair chart in the catalogue's words; Streamlit carries Vega itself, so nothing is fetched.
"""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from gis_data.catalogue import text
from views.palette import HOTSPOT, INK, MARK, ORIGIN, REPORTED, SIX, VEIL, WORD_INK, WORK, line_style

TOWN, GRID, FULL = VEIL, "#e8e5df", REPORTED
MOST_MONTHS_IN_WORDS, MONTHS_PX = 30, 34
AXIS_PX = 30
PADDING_PX = {"left": 2, "right": 12, "top": 8, "bottom": 2}  # without room above, the page cuts off the upper edge

Chart = Any  # any Altair chart


def hours_chart(hours: pd.DataFrame, *, height_px: int = 150) -> Chart:
    """Draw each hour's share of the day: bars for ``here_pct``, a line for ``town_pct``."""
    axis = alt.Axis(values=[0, 6, 12, 18, 23], title=None, labelExpr="datum.value + ':00'", grid=False)
    x = alt.X("hour:Q", scale=alt.Scale(domain=[-0.5, 23.5]), axis=axis)
    tip = [
        alt.Tooltip("hour:Q", title=text("page.hotspots.hour")),
        alt.Tooltip("here_pct:Q", title=text("page.hotspots.here_pct"), format=".1f"),
        alt.Tooltip("town_pct:Q", title=text("page.hotspots.town_pct"), format=".1f"),
    ]
    y = alt.Y("here_pct:Q", title="%", axis=alt.Axis(tickCount=4))
    bars = alt.Chart(hours).mark_bar(color=HOTSPOT, opacity=0.75, width=8).encode(x=x, y=y, tooltip=tip)
    line = alt.Chart(hours).mark_line(color=TOWN, strokeWidth=1.8, interpolate="monotone").encode(x=x, y="town_pct:Q")
    return _calm(bars + line, height_px)


def life_chart(tiles: pd.DataFrame, *, row_px: int = 28) -> Chart:
    """Draw the lives of hotspots month by month (columns of ``life_words.tiles``), one row a life."""
    names = {
        name: text(f"page.hotspots.life_column.{name}") for name in ("life", "month", "count", "expected", "event")
    }
    months = alt.Axis(labelAngle=0, labelOverlap=True, labelExpr="slice(datum.value, 2)")
    lives = alt.Axis(labelLimit=120, labelOverlap=False)
    base = alt.Chart(tiles).encode(
        x=alt.X("month:O", title=None, axis=months),
        y=alt.Y("life:N", title=None, sort=list(dict.fromkeys(tiles["life"])), axis=lives),
        tooltip=[
            alt.Tooltip("life:N", title=names["life"]), alt.Tooltip("month:O", title=names["month"]),
            alt.Tooltip("event:N", title=names["event"]), alt.Tooltip("count:Q", title=names["count"]),
            alt.Tooltip("expected:Q", title=names["expected"], format=".1f"),
        ],
    )  # fmt: skip
    there = base.transform_filter("datum.count > 0").mark_rect(stroke="#fff", strokeWidth=1)
    colour = alt.condition("datum.is_hotspot", alt.value(HOTSPOT), alt.value("#e3c6de"))
    ink = alt.condition("datum.is_hotspot", alt.value("#fff"), alt.value(INK))
    words = base.mark_text(fontSize=12).encode(text="words:N", color=ink)
    height_px = row_px * tiles["life"].nunique() + AXIS_PX
    return _calm(alt.layer(there.encode(color=colour), words), height_px)


def balance_chart(work: pd.DataFrame, *, tolerance: float | None, height_px: int = 240) -> Chart:
    """Draw hours of work a week for each zone (columns ``zone_id``, ``term``, ``hours``) with the mean and its band."""
    order = list(dict.fromkeys(work["zone_id"]))
    mean = float(work.groupby("zone_id")["hours"].sum().mean())
    names = {term: text(f"page.zones.term.{term.split('_')[0]}") for term in WORK}
    bars = (
        alt.Chart(work.assign(name=work["term"].map(names), rank=work["term"].map({t: i for i, t in enumerate(WORK)})))
        .mark_bar(height={"band": 0.66})
        .encode(
            y=alt.Y("zone_id:N", sort=order, title=None, axis=alt.Axis(labelOverlap=False)),
            x=alt.X("hours:Q", title=text("page.zones.hours_a_week"), stack="zero"),
            color=alt.Color(
                "name:N", title=None, scale=alt.Scale(domain=list(names.values()), range=list(WORK.values())),
                legend=alt.Legend(orient="top", direction="horizontal", labelLimit=160),
            ),
            order="rank:Q",
            tooltip=[
                alt.Tooltip("zone_id:N", title=text("map.zone")), alt.Tooltip("name:N", title=" "),
                alt.Tooltip("hours:Q", title=text("page.zones.hours_a_week"), format=".1f"),
            ],
        )
    )  # fmt: skip
    rule = alt.Chart(pd.DataFrame({"x": [mean]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="x:Q")
    layers = [bars, rule]
    if tolerance is not None:
        band = pd.DataFrame({"low": [mean * (1 - tolerance)], "high": [mean * (1 + tolerance)]})
        layers.insert(0, alt.Chart(band).mark_rect(color="#000", opacity=0.06).encode(x="low:Q", x2="high:Q"))
    return _calm(alt.layer(*layers), height_px)


def frontier_chart(points: pd.DataFrame, *, x: str, whole: bool, height_px: int = 220) -> Chart:
    """Draw what other plans cost: ``travel_min`` over ``asked``, the proven bound under it, the plan in use filled.

    Parameters
    ----------
    points
        Columns ``asked``, ``travel_min``, ``bound_min``, ``words`` (the tip), ``in_use``.
    x
        Title of the axis.
    whole
        Whether ``asked`` counts whole things.
    """
    axis = alt.Axis(format="d" if whole else "~g", tickMinStep=1 if whole else 0.01, grid=False)
    low, high = float(points["bound_min"].min()), float(points["travel_min"].max())
    room = 0.08 * max(high - low, 0.05)
    scale = alt.Scale(domain=[low - room, high + room], nice=False)
    base = alt.Chart(points).encode(
        x=alt.X("asked:Q", title=x, axis=axis, scale=alt.Scale(zero=False, padding=12)),
        tooltip=[alt.Tooltip("words:N", title=" ")],
    )
    y = alt.Y("travel_min:Q", title=text("page.adjust.axis.travel"), scale=scale, axis=alt.Axis(tickCount=5))
    bound = base.mark_line(color=TOWN, strokeDash=[4, 3], strokeWidth=1.3).encode(y=alt.Y("bound_min:Q", scale=scale))
    line = base.mark_line(color=FULL, strokeWidth=1.8).encode(y=y)
    fill = alt.condition(alt.datum.in_use, alt.value(MARK), alt.value("#ffffff"))
    dots = base.mark_point(size=70, filled=True, opacity=1, stroke=FULL, strokeWidth=1.6).encode(y=y, color=fill)
    return _calm(alt.layer(bound, line, dots), height_px)


def class_chart(totals: pd.DataFrame, *, height_px: int = 260) -> Chart:
    """Draw incidents by class and origin (columns ``class``, ``origin``, ``count``)."""
    names = {origin: text(f"page.origin.{origin}") for origin in ORIGIN}
    order = totals.groupby("class")["count"].sum().sort_values(ascending=False).index.tolist()
    chart = (
        alt.Chart(totals.assign(name=totals["origin"].map(names)))
        .mark_bar(height={"band": 0.7})
        .encode(
            y=alt.Y("class:N", sort=order, title=None, axis=alt.Axis(labelLimit=180, labelOverlap=False)),
            x=alt.X("count:Q", title=None, stack="zero"),
            color=alt.Color(
                "name:N", title=None, scale=alt.Scale(domain=list(names.values()), range=list(ORIGIN.values())),
                legend=alt.Legend(orient="top", columns=1),
            ),
            tooltip=[
                alt.Tooltip("class:N", title=text("page.today.class")), alt.Tooltip("name:N", title=" "),
                alt.Tooltip("count:Q", title=text("page.today.count"), format=","),
            ],
        )
    )  # fmt: skip
    return _calm(chart, height_px)


def month_chart(months: pd.DataFrame, *, height_px: int = 120) -> Chart:
    """Draw reported incidents by month (columns ``month``, ``count``)."""
    chart = (
        alt.Chart(months)
        .mark_bar(color=ORIGIN["reported"], opacity=0.85)
        .encode(
            x=alt.X("yearmonth(month):T", title=None, axis=alt.Axis(format="%Y-%m", tickCount=6, grid=False)),
            y=alt.Y("count:Q", title=None, axis=alt.Axis(tickCount=3)),
            tooltip=[
                alt.Tooltip("yearmonth(month):T", title=text("page.today.month"), format="%Y-%m"),
                alt.Tooltip("count:Q", title=text("page.origin.reported"), format=","),
            ],
        )
    )
    return _calm(chart, height_px)


def completeness_chart(completeness: pd.DataFrame, *, fields: Mapping[str, str], row_px: int = 24) -> Chart:
    """Draw the share of filled rows (``month``, ``field``, ``filled_pct``) as tiles; ``fields``: names in order."""
    known = completeness[completeness["field"].isin(list(fields))]
    table = known.assign(name=known["field"].map(fields), words=known["filled_pct"].map("{:.0f}".format))
    x = alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    y = alt.Y("name:N", sort=list(fields.values()), title=None, axis=alt.Axis(labelLimit=150, labelOverlap=False))
    colour = alt.Color(
        "filled_pct:Q",
        title=None,
        legend=None,
        scale=alt.Scale(domain=[0, 50, 100], range=["#f0c9b0", "#f7f5ef", FULL], interpolate="rgb"),
    )
    tip = [
        alt.Tooltip("month:O", title=text("page.data.column.month")),
        alt.Tooltip("name:N", title=text("page.data.column.field")),
        alt.Tooltip("filled:Q", title=text("page.data.column.filled"), format=","),
        alt.Tooltip("rows:Q", title=text("page.data.column.rows"), format=","),
        alt.Tooltip("filled_pct:Q", title="%", format=".1f"),
    ]
    base = alt.Chart(table).encode(x=x, y=y)
    layers = [base.mark_rect(stroke="#fff", strokeWidth=1).encode(color=colour, tooltip=tip)]
    if table["month"].nunique() <= MOST_MONTHS_IN_WORDS:
        ink = alt.condition("datum.filled_pct > 80", alt.value("#fff"), alt.value(INK))
        layers.append(base.mark_text(fontSize=11).encode(text="words:N", color=ink, tooltip=tip))
    return _calm(alt.layer(*layers), row_px * table["field"].nunique() + MONTHS_PX)


def trend_chart(shares: pd.DataFrame, *, measures: Mapping[str, str], height_px: int = 230) -> Chart:
    """Draw shares from import to import (columns ``label``, ``file``, ``measure``, ``pct``), one line a measure."""
    table = shares[shares["measure"].isin(list(measures))].dropna(subset="pct")
    table = table.assign(name=table["measure"].map(measures))
    order = list(dict.fromkeys(shares["label"]))
    scale = alt.Scale(domain=list(measures.values()), range=list(SIX[: len(measures)]))
    legend = alt.Legend(orient="top", direction="horizontal", labelLimit=170)
    chart = (
        alt.Chart(table)
        .mark_line(point={"size": 55, "filled": True}, strokeWidth=2)
        .encode(
            x=alt.X("label:O", sort=order, title=None, axis=alt.Axis(labelAngle=0, labelLimit=170, labelOverlap=True)),
            y=alt.Y("pct:Q", title="%", scale=alt.Scale(domain=[0, 100]), axis=alt.Axis(tickCount=5)),
            color=alt.Color("name:N", title=None, scale=scale, legend=legend),
            shape=alt.Shape("name:N", title=None, scale=alt.Scale(domain=list(measures.values())), legend=legend),
            tooltip=[
                alt.Tooltip("file:N", title=text("page.data.column.file")), alt.Tooltip("name:N", title=" "),
                alt.Tooltip("pct:Q", title="%", format=".1f"),
            ],
        )
    )  # fmt: skip
    return _calm(chart, height_px)


def week_chart(tiles: pd.DataFrame, *, height_px: int = 230) -> Chart:
    """Draw incidents by hour and weekday (columns ``weekday``, ``hour``, ``count``) as tiles."""
    names = {column: text(f"page.patterns.column.{column}") for column in ("weekday", "hour", "count")}
    hour = alt.Axis(labelAngle=0, labelExpr="datum.value % 3 == 0 ? datum.value : ''")
    chart = (
        alt.Chart(tiles)
        .mark_rect(stroke="#fff", strokeWidth=1)
        .encode(
            x=alt.X("hour:O", title=None, axis=hour),
            y=alt.Y("weekday:N", sort=list(dict.fromkeys(tiles["weekday"])), title=None),
            color=alt.Color(
                "count:Q", title=names["count"],
                scale=alt.Scale(range=["#f7f5ef", FULL, "#12263a"], domainMin=0, interpolate="rgb"),
                legend=alt.Legend(gradientLength=height_px - 60, gradientThickness=10, tickCount=4),
            ),
            tooltip=[
                alt.Tooltip("weekday:N", title=names["weekday"]), alt.Tooltip("hour:O", title=names["hour"]),
                alt.Tooltip("count:Q", title=names["count"], format=".1f"),
            ],
        )
    )  # fmt: skip
    return _calm(chart, height_px)


def lorenz_chart(curve: pd.DataFrame, *, height_px: int = 230) -> Chart:
    """Draw a Lorenz curve (``place_share``, ``incident_share``, ``most_equal_share``), the busiest places first."""
    table = curve.assign(**{name: 100 * curve[name] for name in curve.columns})
    names = [text(f"page.patterns.column.{name}") for name in ("place_share", "incident_share")]
    x = alt.X("place_share:Q", title=names[0], scale=alt.Scale(domain=[0, 100]), axis=alt.Axis(tickCount=5))
    base = alt.Chart(table).encode(x=x)
    tip = [
        alt.Tooltip(f"{name}:Q", title=title, format=".1f")
        for name, title in zip(("place_share", "incident_share"), names, strict=True)
    ]
    y = alt.Y("incident_share:Q", title=names[1], scale=alt.Scale(domain=[0, 100]), axis=alt.Axis(tickCount=5))
    line = base.mark_line(color=FULL, strokeWidth=2.2).encode(y=y, tooltip=tip)
    equal = base.mark_line(color=TOWN, strokeWidth=1.5, strokeDash=[4, 3]).encode(y="most_equal_share:Q")
    return _calm(equal + line, height_px)


def funnel_chart(curve: pd.DataFrame, zones: pd.DataFrame, *, height_px: int = 300) -> Chart:
    """Draw observed over expected against the expected count, inside the limits of chance.

    ``curve``: ``expected``, ``low``, ``high``, ``far_low``, ``far_high``; ``zones``: a scorecard.
    """
    x = alt.X(
        "expected:Q", title=text("scorecard.column.expected"), scale=alt.Scale(zero=False),
        axis=alt.Axis(tickCount=5, grid=False),
    )  # fmt: skip
    y_title = text("scorecard.funnel.ratio")
    base = alt.Chart(curve).encode(x=x)
    lines = [
        base.mark_line(color=TOWN, strokeWidth=1.4, strokeDash=dash).encode(
            y=alt.Y(f"{name}:Q", title=y_title, scale=alt.Scale(zero=False))
        )
        for names, dash in ((("low", "high"), [1, 0]), (("far_low", "far_high"), [4, 3]))
        for name in names
    ]
    shown = zones.assign(word=zones["expected_word"].map(lambda word: text(f"scorecard.word.{word}")))
    words = [text(f"scorecard.word.{word}") for word in WORD_INK]
    points = alt.Chart(shown.dropna(subset="observed_to_expected")).encode(
        x=x,
        y="observed_to_expected:Q",
        color=alt.Color(
            "word:N", title=None, scale=alt.Scale(domain=words, range=list(WORD_INK.values())),
            legend=alt.Legend(orient="top", direction="horizontal", columns=2, labelLimit=150),
        ),
        tooltip=[
            alt.Tooltip("zone_id:N", title=text("scorecard.column.zone_id")),
            alt.Tooltip("reported:Q", title=text("page.origin.reported"), format=","),
            alt.Tooltip("expected:Q", title=text("scorecard.column.expected"), format=",.1f"),
            alt.Tooltip("observed_to_expected:Q", title=y_title, format=".2f"),
        ],
    )  # fmt: skip
    one = alt.Chart(pd.DataFrame({"y": [1.0]})).mark_rule(color=GRID, strokeWidth=1.5).encode(y="y:Q")
    marks = [
        points.mark_point(size=70, filled=True, opacity=1),
        points.mark_text(dx=14, fontSize=12, stroke="#fff", strokeWidth=4).encode(text="zone_id:N"),
        points.mark_text(dx=14, fontSize=12).encode(text="zone_id:N"),
    ]
    return _calm(alt.layer(one, *lines, *marks), height_px)


def feedback_chart(paths: pd.DataFrame, *, rule: str, most_pct: float, height_px: int = 230) -> Chart:
    """Draw each zone's share of the patrol, month by month, in the middle town, over the range of 90 % of all zones."""
    table = paths[paths["rule"] == rule]
    order = list(dict.fromkeys(table["zone_id"]))
    x = alt.X(
        "month:Q",
        title=text("scorecard.feedback.month"),
        scale=alt.Scale(nice=False),
        axis=alt.Axis(values=[0, 6, 12, 18, 24, 30, 36], grid=False),
    )
    scale = alt.Scale(domain=[0, most_pct])
    y = alt.Y("low_pct:Q", title=text("scorecard.feedback.share"), scale=scale, axis=alt.Axis(tickCount=5))
    colours, dashes = (list(styles) for styles in zip(*map(line_style, range(len(order))), strict=True))
    legend = alt.Legend(orient="top", columns=4, symbolType="stroke")
    band = alt.Chart(table.drop_duplicates("month")).mark_area(color=TOWN, opacity=0.18)
    lines = alt.Chart(table).mark_line(strokeWidth=1.8).encode(
        x=x,
        y=alt.Y("share_pct:Q", scale=scale),
        color=alt.Color("zone_id:N", title=None, scale=alt.Scale(domain=order, range=colours), legend=legend),
        strokeDash=alt.StrokeDash("zone_id:N", title=None, scale=alt.Scale(domain=order, range=dashes), legend=legend),
        tooltip=[
            alt.Tooltip("zone_id:N", title=text("scorecard.column.zone_id")),
            alt.Tooltip("month:Q", title=text("scorecard.feedback.month")),
            alt.Tooltip("share_pct:Q", title="%", format=".1f"),
        ],
    )  # fmt: skip
    fair = 100 / max(1, paths["zone_id"].nunique())
    rule_line = alt.Chart(pd.DataFrame({"y": [fair]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(y="y:Q")
    return _calm(band.encode(x=x, y=y, y2="high_pct:Q") + rule_line + lines, height_px)


def money_chart(curve: pd.DataFrame, budget_cny: float, *, height_px: int = 220) -> Chart:
    """Draw what each budget covers (columns of the camera plan's ``curve``), the bound above it, a dot at the plan."""
    x = alt.X("wan:Q", title=text("page.cameras.money_axis"), scale=alt.Scale(zero=False, nice=False))
    title = text("page.cameras.seen_axis")
    names = {"covered_pct": text("page.cameras.seen_line"), "bound_pct": text("page.cameras.bound_line")}
    long = curve.assign(wan=curve["budget_cny"] / 1e4).melt(["wan", "budget_cny"], list(names), "line", "pct")
    long["line"] = long["line"].map(names)
    base = alt.Chart(long).encode(x=x, y=alt.Y("pct:Q", title=title, scale=alt.Scale(zero=False)))
    dashes = alt.Scale(domain=list(names.values()), range=[[1, 0], [4, 4]])
    lines = base.mark_line(color=FULL, strokeWidth=2).encode(
        strokeDash=alt.StrokeDash("line:N", title=None, scale=dashes, legend=alt.Legend(symbolType="stroke")),
        tooltip=[
            alt.Tooltip("wan:Q", title=text("page.cameras.money_axis"), format=".1f"),
            alt.Tooltip("pct:Q", title=title, format=".1f"), alt.Tooltip("line:N", title=" "),
        ],
    )  # fmt: skip
    here = long[(long["budget_cny"] == budget_cny) & (long["line"] == names["covered_pct"])]
    dot = alt.Chart(here).mark_point(filled=True, size=90, color=FULL, opacity=1).encode(x=x, y="pct:Q")
    return _calm(lines + dot, height_px)


def _calm(chart: Chart, height_px: int) -> Chart:
    look = {"gridColor": GRID, "domain": False, "ticks": False, "labelColor": "#55524c", "titleColor": "#55524c"}
    return (
        chart.properties(height=height_px, padding=PADDING_PX)
        .configure_view(strokeWidth=0)
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", **look)
        .configure_legend(labelFontSize=12, labelColor="#55524c", symbolType="square", offset=4)
    )
