"""Patterns: what changed, when and where it happens, whether it is new, each figure with what it rests on."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.emerging import FEWEST_SLICES
from gis_data.catalogue import language, text
from gis_data.days import Unit
from gis_data.periods import Period
from gis_data.taxonomy import with_point
from views import charts, patterns
from views import pattern_words as words
from views.formats import day_words
from views.maps.frame import TownMap
from views.maps.patterns import pattern_map
from views.pages import frame
from views.pages.address import TO, Days, begin_with, begin_with_days, tell
from views.patterns import Question
from views.station import Station, show_map

MAP_PX = 440
FIRST_UNIT: Unit = "month"
PARTS = ("where", "when", "changed", "news", "repeats", "focus")

Tables = dict[str, pd.DataFrame]  # what a part of the page shows, by its heading


def show(station: Station) -> None:
    """Lay out the page: the question, then one of its parts."""
    frame.head("patterns", station)
    if station.table("incidents").empty:
        frame.no_incidents(station)
        return
    question = _ask(station)
    station = station.as_of(question.period.end)
    rows = patterns.in_period(station.table("incidents"), question)
    if rows.empty:
        st.info(text("page.patterns.nothing"))
        return
    part = frame.choice("page.patterns.parts", PARTS, words="page.patterns.part", key="pattern part", name="part")
    tables = {
        "where": _where, "when": _when, "changed": _changed, "news": _news, "repeats": _repeats, "focus": _focus,
    }[part](station, question, rows)  # fmt: skip
    _take(station, question, rows, part, tables)


def _take(station: Station, question: Question, rows: gpd.GeoDataFrame, part: str, tables: Tables) -> None:
    ground = _ground_of(_key(station, question), station, question) if part == "where" else None
    layers, maps = {}, {}
    if ground is not None:
        layers = {"cells": ground.hot}
        if ground.emerging is not None:
            layers["emerging"] = ground.emerging
        maps = {"": lambda: _map(station, ground, rows)}
    frame.take(station, f"patterns_{part}", tables, layers=layers, maps=maps, product="weekly")


def _map(station: Station, ground: patterns.Ground, rows: gpd.GeoDataFrame) -> TownMap:
    return pattern_map(station.study, ground, with_point(rows), station.tiles)


def _ask(station: Station) -> Question:
    """Let the class set and the period be chosen."""
    incidents = station.table("incidents")
    planned, known = patterns.planned_period(station.plans, incidents), Period.of(incidents["reported_at"])
    left, right, _ = st.columns((1.2, 1.4, 1))
    sets = patterns.class_sets(incidents)
    begin_with(sets, sets[0], key="pattern set", name="set")
    chosen = left.selectbox(text("page.patterns.which"), sets, format_func=words.set_name, key="pattern set")
    (first, last), of_plan, key = _days(known), _days(planned), f"pattern days {planned} {known}"
    begin_with_days((first, last), of_plan, key=key, name="days")
    days: Any = right.date_input(  # one day or two, because the value has two
        text("page.patterns.days_asked"), min_value=first, max_value=last, format="YYYY-MM-DD", key=key
    )
    tell(set="" if chosen == sets[0] else chosen)
    period = planned
    if len(days) == 2:  # while only the first day is chosen, the plan's days stand
        tell(days="" if days == of_plan else TO.join(day.isoformat() for day in days))
        zone = incidents["reported_at"].dt.tz
        period = Period(pd.Timestamp(days[0], tz=zone), pd.Timestamp(days[1], tz=zone) + pd.Timedelta(days=1))
    if period.end < known.end:
        st.caption(text("page.patterns.newer", last=day_words(known.end - pd.Timedelta(days=1))))
    return Question(chosen, period, FIRST_UNIT, known)


def _days(period: Period) -> Days:
    return period.start.date(), (period.end - pd.Timedelta(days=1)).date()


def _basis(basis: patterns.Basis) -> None:
    """Say once, above all of a part, what its figures rest on."""
    st.caption(words.basis_line(basis))


def _where(station: Station, question: Question, rows: gpd.GeoDataFrame) -> Tables:
    """Show the map, and beside it the hot cells."""
    ground = _ground_of(_key(station, question), station, question)
    if ground is None:
        st.info(text("page.patterns.no_ground", folder=station.ws.root.name))
        return {}
    _basis(ground.basis)
    left, right = st.columns((1.55, 1), gap="small")
    with left:
        show_map(
            station, f"patterns {question.class_set} {question.period}", lambda: _map(station, ground, rows),
            lang=language(), height_px=MAP_PX, about=text("page.patterns.map"),
        )  # fmt: skip
    with right:
        verdict = ground.hot["verdict"]
        st.subheader(
            text("page.patterns.hot", count=int((verdict == "hot").sum()), cold=int((verdict == "cold").sum())),
            anchor=False,
        )
        shown = words.hot_table(ground, _villages(station))
        frame.table(shown, words=list(shown.columns[:2]))
        st.caption(text("page.patterns.hot_help", cells=f"{len(ground.hot):,}", bandwidth=f"{ground.bandwidth_m:.0f}"))
    return {text("page.patterns.hot_cells"): shown}


def _when(station: Station, question: Question, _: gpd.GeoDataFrame) -> Tables:
    hours = _hours_of(_key(station, question), station, question)
    _basis(hours.basis)
    left, right = st.columns((1.7, 1))
    with left:
        st.subheader(text("page.patterns.week"), anchor=False)
        st.altair_chart(charts.week_chart(words.week_tiles(hours)))
    with right:
        st.subheader(text("page.patterns.bands"), anchor=False)
        bands = words.band_table(hours)
        frame.table(bands)
        st.caption(words.long_windows_line(hours))
    if hours.market is not None:
        frame.sentences([words.market_line(hours.market)])
    return {text("page.patterns.bands"): bands}


def _changed(station: Station, question: Question, _: gpd.GeoDataFrame) -> Tables:
    """Compare with the unit before and a year before; each comparison has days, and so a basis, of its own."""
    choice, about = st.columns((1, 2.4), vertical_alignment="bottom")
    begin_with(patterns.UNITS, FIRST_UNIT, key="pattern unit", name="unit")
    unit: Any = choice.selectbox(
        text("page.patterns.unit"), patterns.UNITS, key="pattern unit",
        format_func=lambda one: text(f"page.patterns.unit_name.{one}"),
    )  # fmt: skip
    tell(unit="" if unit == FIRST_UNIT else unit)
    about.caption(text("page.patterns.change_help"))
    question, incidents = replace(question, unit=unit), station.table("incidents")
    names, tables = ("page.patterns.versus_before", "page.patterns.versus_year"), {}
    for column, name, change in zip(st.columns(2), names, patterns.changes(incidents, question), strict=True):
        with column:
            st.subheader(text(name), anchor=False)
            if change.table is not None:
                tables[text(name)] = words.change_table(change)
                frame.table(tables[text(name)])
            st.caption(words.change_line(change))
    st.subheader(text("page.patterns.doubts"), anchor=False)
    frame.sentences(words.doubt_lines(patterns.doubts(incidents, question)))
    return tables


def _news(station: Station, question: Question, _: gpd.GeoDataFrame) -> Tables:
    """Answer whether something is new among the villages, and which cells change over time."""
    news = _news_of(_key(station, question), station, question)
    ground = _ground_of(_key(station, question), station, question)
    if news is None:
        st.caption(text("page.patterns.no_news"))
        tables = {}
    else:
        _basis(news.basis)
        st.subheader(text("page.patterns.news_title"), anchor=False)
        frame.sentences([words.news_line(news)])
        shown = words.news_table(news, _villages(station)) if len(news.scan.clusters) else pd.DataFrame()
        if len(shown):
            frame.table(shown, words=list(shown.columns[:1]))
        tables = {text("page.patterns.news_title"): shown}
    return tables if ground is None else tables | _emerging(station, ground)


def _emerging(station: Station, ground: patterns.Ground) -> Tables:
    st.subheader(text("page.patterns.emerging"), anchor=False)
    if ground.emerging is None:
        st.caption(text("page.patterns.too_short", slices=FEWEST_SLICES))
        return {}
    shown = words.emerging_table(ground.emerging, _villages(station))
    frame.table(shown, words=[*shown.columns[:3], *shown.columns[-1:]], empty="page.patterns.none_emerging")
    lines = (
        text("page.patterns.used", used=f"{ground.emerging_basis.used:,}"),
        words.slices_line(ground, recent=patterns.RECENT_SLICES), text("page.patterns.emerging_help"),
    )  # fmt: skip
    st.caption(" ".join(lines))
    return {text("page.patterns.emerging"): shown}


def _repeats(station: Station, question: Question, _: gpd.GeoDataFrame) -> Tables:
    """Show near repeats of one type, and first where a window is open."""
    kinds = patterns.repeat_kinds(station.table("incidents"), question)
    if kinds.empty:
        st.caption(text("page.empty"))
        return {}
    left, right = st.columns((1, 2), gap="medium")
    with left:
        kind = _kind(kinds, question)
    with st.spinner(text("page.patterns.counting")):
        found = _repeats_of(_key(station, question), kind, station, question)
    with right:
        st.subheader(text("page.patterns.active", day=f"{found.today:%Y-%m-%d}"), anchor=False)
        active = words.active_table(found)
        frame.table(active, words=[*active.columns[:1], *active.columns[-1:]], empty="page.patterns.no_window")
    st.caption(words.basis_line(found.basis, kind=found.kind))
    table = words.repeat_table(found) if found.found.enough else pd.DataFrame()
    if found.found.enough:
        frame.table(table)
        st.caption(text("page.patterns.repeats_help", uncertain=f"{found.found.uncertain:,}"))
    else:
        st.caption(words.too_few_line(found))
    return {text("page.patterns.repeats"): table, text("page.patterns.active_sheet"): active}


def _kind(kinds: pd.Series, question: Question) -> str:
    """Let one type be chosen, or the whole set ("")."""
    named = {kind or patterns.EVERY: text(f"type.{kind}" if kind else "page.patterns.whole_set")
             for kind in kinds.index}  # fmt: skip
    key, first = f"pattern type {question.class_set}", next(iter(named))
    begin_with(list(named), first, key=key, name="type")
    count = {one: f"{found:,}" for one, found in zip(named, kinds, strict=True)}
    chosen: str = st.selectbox(
        text("page.patterns.repeat_kind"), list(named), key=key,
        format_func=lambda one: text("page.patterns.repeat_kind_count", kind=named[one], count=count[one]),
    )  # fmt: skip
    tell(type="" if chosen == first else chosen)
    return "" if chosen == patterns.EVERY else chosen


def _focus(station: Station, question: Question, _: gpd.GeoDataFrame) -> Tables:
    focus = _focus_of(_key(station, question), station, question)
    _basis(focus.basis)
    left, right = st.columns((1.4, 1))
    with left:
        st.subheader(text("page.patterns.focus"), anchor=False)
        tables = {text("page.patterns.focus"): words.focus_table(focus)}
        frame.table(tables[text("page.patterns.focus")])
        st.caption(text("page.patterns.focus_help"))
        if len(focus.funnel):
            st.subheader(text("page.patterns.areas"), anchor=False)
            shown = tables[text("page.patterns.areas")] = words.funnel_table(focus, _villages(station))
            if len(shown):
                frame.table(shown, words=[shown.columns[0], shown.columns[-1]])
            used = text("page.patterns.used", used=f"{focus.funnel_basis.used:,}")
            st.caption(f"{words.funnel_line(focus, len(shown))} {used}")
    with right:
        if len(focus.curve):
            st.caption(text("page.patterns.curve"))
            st.altair_chart(charts.lorenz_chart(focus.curve))
    return tables


def _villages(station: Station) -> dict[str, str]:
    villages = station.table("villages")
    return dict(zip(villages["village_id"], villages["name"], strict=True))


# ---- results kept while the station stays as it is; what begins with _ is no part of the key ----


def _key(station: Station, question: Question) -> str:
    return f"{station.stamp} {question.class_set} {question.period}"


@st.cache_data(max_entries=32, show_spinner=False)
def _hours_of(key: str, _station: Station, _question: Question) -> patterns.Hours:  # noqa: ARG001
    return patterns.hours(_station.table("incidents"), _station.table("villages"), _question)


@st.cache_data(max_entries=32, show_spinner=False)
def _ground_of(key: str, _station: Station, _question: Question) -> patterns.Ground | None:  # noqa: ARG001
    cells = _station.table("cells")
    return None if cells.empty else patterns.ground(_station.exact.table("incidents"), cells, _station.study, _question)


@st.cache_data(max_entries=32, show_spinner=False)
def _news_of(key: str, _station: Station, _question: Question) -> patterns.News | None:  # noqa: ARG001
    return patterns.news(_station.table("incidents"), _station.table("villages"), _station.study, _question)


@st.cache_data(max_entries=32, show_spinner=False)
def _repeats_of(key: str, kind: str, _station: Station, _question: Question) -> patterns.Repeats:  # noqa: ARG001
    return patterns.repeats(_station.exact.table, _station.study, _question, kind)


@st.cache_data(max_entries=32, show_spinner=False)
def _focus_of(key: str, _station: Station, _question: Question) -> patterns.Focus:
    ground = _ground_of(key, _station, _question)
    hot = None if ground is None else ground.hot
    return patterns.focus(_station.table("incidents"), hot, _station.table("villages"), _station.study, _question)
