"""Today: what came in, what is unusual and why, what is due; and the town's last weeks on one map."""

import html
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gis_data.catalogue import language, text
from gis_data.periods import Period
from gis_data.taxonomy import with_point
from models.agenda import Due, agenda, day_of
from models.approval import runs
from views import charts, figures, patterns, today
from views.formats import day_words, moment_words, number, span_words
from views.maps.frame import TownMap
from views.maps.overview import overview_map
from views.pages import frame, work
from views.pages.address import TO
from views.station import Station, map_page, show_map, standing_decisions
from views.today import Sign
from views.village_card import last_year, village_counts
from views.workbook import WORD_TINT

MAP_PX, CHART_PX, CLASS_PX, AXIS_PX = 470, 110, 22, 95
LATELY_DAYS = 28
MOST_SIGNS = 4  # the rest are a click away: what is due stays on the first screen


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("today", station)
    with st.spinner(text("page.today.reading")):
        incidents = station.table("incidents")
    day = day_of(station.study, incidents)
    work.say_failed(station)
    st.caption(text("page.today.standing" if station.study.synthetic else "page.today.day", day=day_words(day)))
    if incidents.empty:
        st.info(text("page.no_incidents", folder=station.ws.root.name))
    else:
        _numbers(station)
    left, right = st.columns((1, 1.3), gap="medium")
    with left:
        unusual = st.container()
        items = _due(station, day)
    with right:
        _town(station)
    compared = _figures(station)
    with unusual:  # what is unusual takes the longest: all else can be read by then
        _unusual(station)
    with compared:
        _compared(station)
    due = pd.DataFrame({text("page.today.due"): [due_words(item, station.study.timezone) for item in items]})
    tables = {text("page.today.due"): due}
    if len(incidents):
        tables = {text("page.today.unusual"): _evidence(station.stamp, language(), station)[0], **tables}
    layers = {name: station.plans[name].to_frame() for name in ("hotspots", "zones") if name in station.plans}
    frame.take(station, "today", tables, layers=layers, maps={"": lambda: _map(station)}, product="weekly")


def look_ahead(station: Station) -> None:
    """Make what the page shows, so that the first who opens it finds it made.

    Who opens it meanwhile makes the other half: the page begins with the map, this with what takes longest.
    """
    incidents = station.table("incidents")
    if incidents.empty:
        return
    station.reported()
    _signs(station.stamp, language(), station)
    _evidence(station.stamp, language(), station)
    map_page(station, "today", lambda: _map(station), lang=language())
    _totals(station.stamp, language(), station)


def _numbers(station: Station) -> None:
    incidents = station.table("incidents")
    last = today.came_in(station.table("imports"), incidents)
    known = Period.of(incidents["reported_at"])
    week = _reported(station, known.end, days=7)
    shown = [
        (text("page.today.until"), day_words(known.end - pd.Timedelta(days=1)), span_words(known.start, known.end))
    ]
    if last is not None:
        said = text("page.today.import_help", files=text("list.mark").join(last.files), rows=number(last.rows),
                    accepted=number(last.accepted), aside=number(last.aside), refused=number(last.refused))  # fmt: skip
        shown += [
            (text("page.today.imported"), moment_words(last.at), said),
            (
                text("page.today.new_reports"),
                number(last.reported),
                text("page.today.new_reports_help", import_help=said, reported=number(last.reported)),
            ),
            (text("page.today.aside"), number(last.aside), said),
        ]
    shown.append((text("page.today.week"), number(week), text("page.today.week_help")))
    frame.numbers(shown)


def _reported(station: Station, end: pd.Timestamp, *, days: int) -> int:
    rows = station.reported()
    lately = Period(end - pd.Timedelta(days=days), end)
    return int(rows.loc[lately.holds(rows["reported_at"]), "count"].sum())


# ---- what is unusual ----


def _unusual(station: Station) -> None:
    st.subheader(text("page.today.unusual"), anchor=False)
    if station.table("incidents").empty:
        st.caption(text("page.today.nothing_known"))
        return
    with st.spinner(text("page.today.looking")):
        signs = _signs(station.stamp, language(), station)
        is_compared = len(_evidence(station.stamp, language(), station)[0]) > 0
    if not signs:
        st.caption(text("page.today.nothing_unusual" if is_compared else "page.today.nothing_compared"))
    for sign in signs[:MOST_SIGNS]:
        _sign_line(sign)
    if len(signs) > MOST_SIGNS:
        with st.expander(text("page.today.more", count=len(signs) - MOST_SIGNS)):
            for sign in signs[MOST_SIGNS:]:
                _sign_line(sign)


def _sign_line(sign: Sign) -> None:
    query = dict(sign.query)
    if sign.period is not None:  # the page may stand at the plan's days, which end before the latest calls
        last = sign.period.end - pd.Timedelta(days=1)
        query["days"] = TO.join(f"{day:%Y-%m-%d}" for day in (sign.period.start, last))
    _line(sign.words, sign.page, mark="▲" if sign.strong else "△", query=query)


def _compared(station: Station) -> None:
    """Show the figures behind what is, or is not, unusual."""
    if station.table("incidents").empty:
        return
    table, lines = _evidence(station.stamp, language(), station)
    if len(table):
        st.subheader(text("page.today.compared"), anchor=False)
        tint = {text(f"scorecard.word.{word}"): colour for word, colour in WORD_TINT.items()}
        frame.table(table, tint=tint)
        marks = [text("page.today.marks")] if _signs(station.stamp, language(), station) else []
        for line in (*lines, " ".join([*marks, text("page.today.how")])):
            st.caption(line)


@st.cache_data(max_entries=4, show_spinner=False)
def _signs(stamp: str, lang: str, _station: Station) -> list[Sign]:  # noqa: ARG001 - the cache's key
    incidents, villages = _station.table("incidents"), _station.table("villages")
    names = dict(zip(villages["village_id"], villages["name"], strict=True))
    question = today.question_of(incidents, "month")
    found = [sign for unit in ("week", "month") for sign in today.change_signs(incidents, unit)]
    reported = _station.reported()
    cluster = today.news_sign(patterns.news(reported, villages, _station.study, question), names)
    found += [cluster] if cluster is not None else []
    found += today.new_hotspots(_station.plans, question.known)
    focus = patterns.focus(reported, None, villages, _station.study, question)
    return [*found, *today.high_villages(focus.funnel, names)]


@st.cache_data(max_entries=4, show_spinner=False)
def _evidence(stamp: str, lang: str, _station: Station) -> tuple[pd.DataFrame, list[str]]:  # noqa: ARG001
    """Return the last month's comparisons as a table, and what to know about them."""
    incidents = _station.table("incidents")
    found = patterns.doubts(_station.reported(), today.question_of(incidents, "month"))
    lines = [today.basis_line(incidents)]
    if found.delay is not None and found.delay.is_incomplete:
        values: dict[str, Any] = {
            "pct": f"{100 * found.delay.completeness:.0f}", "missing": f"{found.delay.missing:.0f}"
        }  # fmt: skip
        lines.append(text("page.today.late", **values))
    return today.month_table(incidents), lines


# ---- what is due ----


def _due(station: Station, day: pd.Timestamp) -> list[Due]:
    st.subheader(text("page.today.due"), anchor=False)
    items = agenda(station.ws, station.table, station.plans, runs(station.ws), day, standing_decisions(station))
    if not items:
        st.caption(text("page.today.nothing_due"))
    for item in items:
        _line(due_words(item, station.study.timezone), item.page, mark="●" if item.late else "•", late=item.late,
              query=dict(item.query))  # fmt: skip
    return items


def due_words(item: Due, timezone: str) -> str:
    """Say one thing that is due in a sentence."""
    told: dict[str, Any] = {name: _said(name, value, timezone) for name, value in item.told.items()}
    if item.day is not None:
        told["day"] = day_words(item.day)
    return text(f"agenda.{item.key}", **told)


def _said(name: str, value: object, timezone: str) -> str:
    if isinstance(value, pd.Timestamp):
        return moment_words(value.tz_convert(timezone)) if name == "run" else day_words(value)
    if name == "kind":
        return text(f"page.plans.decision.{value}")
    if name == "measures" and isinstance(value, list):
        return text("list.mark").join(text(f"agenda.measure.{measure}") for measure in value)
    if isinstance(value, list):
        return text("list.mark").join(map(str, value))
    return number(value) if isinstance(value, int) else str(value)


def _line(words: str, page: str, *, mark: str, late: bool = False, query: dict[str, str] | None = None) -> None:
    """Show one line with the way to its page."""
    words_, way = st.columns((4.4, 1), vertical_alignment="top", gap="small")
    tone = "xq-mark" if late else "xq-dot"
    words_.html(f'<div class="xq-line"><span class="{tone}">{mark}</span><span>{html.escape(words)}</span></div>')
    with way:
        frame.link(page, text(f"page.{page}.title"), **(query or {}))


# ---- the town ----


def _town(station: Station) -> None:
    show_map(station, "today", lambda: _map(station), lang=language(), height_px=MAP_PX, about=text("page.today.map"))
    if len(station.table("incidents")):
        st.caption(text("page.today.points"))


def _figures(station: Station) -> DeltaGenerator:
    """Show the town's totals; return where the comparisons go, beside them."""
    left, right = st.columns((1.3, 1), gap="medium")
    with right:
        if len(station.table("incidents")):
            st.subheader(text("page.today.months"), anchor=False)
            months, totals = _totals(station.stamp, language(), station)
            st.altair_chart(charts.month_chart(months, height_px=CHART_PX))
            st.subheader(text("page.today.classes"), anchor=False)
            height_px = CLASS_PX * totals["class"].nunique() + AXIS_PX
            st.altair_chart(charts.class_chart(totals, height_px=height_px))
        st.caption(text("page.today.two_rules"))
    return left


@st.cache_data(max_entries=4, show_spinner=False)
def _totals(stamp: str, lang: str, _station: Station) -> tuple[pd.DataFrame, pd.DataFrame]:  # noqa: ARG001
    incidents = _station.table("incidents")
    return figures.totals_by_month(incidents), figures.totals_by_class(incidents)


def _map(station: Station) -> TownMap:
    tables = {name: station.table(name) for name in ("villages", "cameras")}
    rows, counts = station.reported(), {}
    lately = rows[:0]
    if len(rows):
        known = Period.of(station.table("incidents")["reported_at"])
        lately, year = rows[rows["reported_at"] >= known.end - pd.Timedelta(days=LATELY_DAYS)], last_year(known)
        of_year = rows.loc[year.holds(rows["reported_at"]), ["village_id", "count"]]
        counts = village_counts(of_year, tables["villages"], year)
    incidents = tables | {"incidents": with_point(lately)}
    return overview_map(station.study, incidents, station.plans, station.tiles, counts)
