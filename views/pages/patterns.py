"""Patterns: what changed, when and where it happens, whether it is new, each figure with what it rests on."""

from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.emerging import FEWEST_SLICES
from gis_data.catalogue import language, text
from gis_data.periods import Period
from gis_data.taxonomy import with_point
from views import charts, figures, patterns
from views import pattern_words as words
from views.maps.frame import TownMap
from views.maps.patterns import pattern_map
from views.pages import frame
from views.pages.address import TO, Days, begin_with, begin_with_days, tell
from views.patterns import Question
from views.station import Station, show_map

MAP_PX = 480
FIRST_UNIT = "month"

Tables = dict[str, pd.DataFrame]  # what a part of the page shows, by its heading


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("patterns", station)
    if station.table("incidents").empty:
        st.info(text("page.no_incidents", folder=station.ws.root.name))
        return
    question = _ask(station)
    station = station.as_of(question.period.end)
    key = _key(station, question)
    rows = patterns.in_period(station.table("incidents"), question)
    if rows.empty:
        st.info(text("page.patterns.nothing"))
        return
    _numbers(station, question, rows)
    tables = _changes(station, question)
    tables |= _hours(_hours_of(key, station, question))
    tables |= _where(station, question, rows)
    slowest = st.container()  # ten thousand incidents of one type take seconds: all else is shown by then
    tables |= _focus(station, _focus_of(key, station, question))
    with slowest:
        tables |= _repeats(station, question)
    _take(station, question, rows, tables)


def _take(station: Station, question: Question, rows: gpd.GeoDataFrame, tables: Tables) -> None:
    ground = _ground_of(_key(station, question), station, question)
    layers, maps = {}, {}
    if ground is not None:
        layers = {"cells": ground.hot}
        if ground.emerging is not None:
            layers["emerging"] = ground.emerging
        maps = {"": lambda: _map(station, ground, rows)}
    frame.take(station, "patterns", tables, layers=layers, maps=maps, product="weekly")


def _map(station: Station, ground: patterns.Ground, rows: gpd.GeoDataFrame) -> TownMap:
    return pattern_map(station.study, ground.hot, ground.density, ground.emerging, with_point(rows), station.tiles)


def _ask(station: Station) -> Question:
    """Let the class set, the period and the unit of comparison be chosen."""
    incidents = station.table("incidents")
    planned, known = patterns.planned_period(station.plans, incidents), Period.of(incidents["reported_at"])
    left, middle, right = st.columns((1.2, 1.4, 1))
    sets = patterns.class_sets(incidents)
    begin_with(sets, sets[0], key="pattern set", name="set")
    chosen = left.selectbox(text("page.patterns.which"), sets, format_func=words.set_name, key="pattern set")
    (first, last), of_plan, key = _days(known), _days(planned), f"pattern days {planned} {known}"
    begin_with_days((first, last), of_plan, key=key, name="days")
    days: Any = middle.date_input(  # one day or two, because the value has two
        text("page.patterns.days_asked"), min_value=first, max_value=last, format="YYYY-MM-DD", key=key
    )
    begin_with(patterns.UNITS, FIRST_UNIT, key="pattern unit", name="unit")
    unit = right.selectbox(
        text("page.patterns.unit"), patterns.UNITS, key="pattern unit",
        format_func=lambda one: text(f"page.patterns.unit_name.{one}"),
    )  # fmt: skip
    tell(set="" if chosen == sets[0] else chosen, unit="" if unit == FIRST_UNIT else unit)
    period = planned
    if len(days) == 2:  # while only the first day is chosen, the plan's days stand
        tell(days="" if days == of_plan else TO.join(day.isoformat() for day in days))
        zone = incidents["reported_at"].dt.tz
        period = Period(pd.Timestamp(days[0], tz=zone), pd.Timestamp(days[1], tz=zone) + pd.Timedelta(days=1))
    return Question(chosen, period, unit, known)


def _days(period: Period) -> Days:
    return period.start.date(), (period.end - pd.Timedelta(days=1)).date()


def _numbers(station: Station, question: Question, rows: pd.DataFrame) -> None:
    basis = patterns.Basis.of(rows, question)
    key = _key(station, question)
    shown = [
        (text("page.patterns.incidents"), f"{basis.incidents:,}", ""),
        (text("page.patterns.with_place"), f"{basis.incidents - basis.no_place:,}", ""),
        (text("page.patterns.with_time"), f"{basis.incidents - basis.no_time:,}", ""),
    ]
    ground, news = _ground_of(key, station, question), _news_of(key, station, question)
    hot = figures.DASH if ground is None else f"{int((ground.hot['verdict'] == 'hot').sum()):,}"
    newest = figures.DASH if news is None else text(f"page.patterns.newest_{'yes' if words.is_new(news) else 'no'}")
    frame.numbers([*shown, (text("page.patterns.hot_cells"), hot, ""), (text("page.patterns.newest"), newest, "")])


def _changes(station: Station, question: Question) -> Tables:
    st.subheader(text("page.patterns.changed"), anchor=False)
    incidents = station.table("incidents")
    names, tables = ("page.patterns.versus_before", "page.patterns.versus_year"), {}
    for column, name, change in zip(st.columns(2), names, patterns.changes(incidents, question), strict=True):
        with column:
            st.markdown(f"**{text(name)}**")
            if change.table is not None:
                tables[text(name)] = words.change_table(change)
                frame.table(tables[text(name)])
            st.caption(words.change_line(change))
    st.caption(text("page.patterns.change_help"))
    st.markdown(f"**{text('page.patterns.doubts')}**")
    found = patterns.doubts(incidents, question)
    frame.sentences(words.doubt_lines(found))
    if found.drift is not None:
        st.caption(words.doubt_basis(found))
    return tables


def _hours(hours: patterns.Hours) -> Tables:
    st.subheader(text("page.patterns.when"), anchor=False)
    left, right = st.columns((1.7, 1))
    with left:
        st.markdown(f"**{text('page.patterns.week')}**")
        st.altair_chart(charts.week_chart(words.week_tiles(hours)))
    with right:
        st.markdown(f"**{text('page.patterns.bands')}**")
        bands = words.band_table(hours)
        frame.table(bands)
        st.caption(words.long_windows_line(hours))
    if hours.market is not None:
        frame.sentences([words.market_line(hours.market)])
    st.caption(words.basis_line(hours.basis))
    return {text("page.patterns.bands"): bands}


def _where(station: Station, question: Question, rows: gpd.GeoDataFrame) -> Tables:
    """Show the map; beside it whether something is new; below what emerges."""
    ground = _ground_of(_key(station, question), station, question)
    left, right = st.columns((1.55, 1), gap="small")
    with left:
        st.subheader(text("page.patterns.where"), anchor=False)
        if ground is None:
            st.info(text("page.patterns.no_ground", folder=station.ws.root.name))
        else:
            show_map(
                station, f"patterns {question.class_set} {question.period}",
                lambda: _map(station, ground, rows),
                lang=language(), height_px=MAP_PX, about=text("page.patterns.map"),
            )  # fmt: skip
            st.caption(words.basis_line(ground.basis))
            st.caption(
                text("page.patterns.hot_help", cells=f"{len(ground.hot):,}", bandwidth=f"{ground.bandwidth_m:.0f}")
            )
    with right:
        tables = _news(station, question)
        if ground is not None:
            tables |= _hot(station, ground)
    return tables if ground is None else tables | _emerging(station, ground)


def _hot(station: Station, ground: patterns.Ground) -> Tables:
    verdict = ground.hot["verdict"]
    st.subheader(
        text("page.patterns.hot", count=int((verdict == "hot").sum()), cold=int((verdict == "cold").sum())),
        anchor=False,
    )
    shown = words.hot_table(ground, _villages(station))
    frame.table(shown, words=list(shown.columns[:2]))
    return {text("page.patterns.hot_cells"): shown}


def _news(station: Station, question: Question) -> Tables:
    st.subheader(text("page.patterns.news_title"), anchor=False)
    news = _news_of(_key(station, question), station, question)
    if news is None:
        st.caption(text("page.patterns.no_news"))
        return {}
    frame.sentences([words.news_line(news)])
    shown = words.news_table(news, _villages(station)) if len(news.scan.clusters) else pd.DataFrame()
    if len(shown):
        frame.table(shown, words=list(shown.columns[:1]))
    st.caption(words.basis_line(news.basis))
    return {text("page.patterns.news_title"): shown}


def _emerging(station: Station, ground: patterns.Ground) -> Tables:
    st.subheader(text("page.patterns.emerging"), anchor=False)
    if ground.emerging is None:
        st.caption(text("page.patterns.too_short", slices=FEWEST_SLICES))
        return {}
    shown = words.emerging_table(ground.emerging, _villages(station))
    frame.table(shown, words=[*shown.columns[:3], *shown.columns[-1:]])
    st.caption(words.basis_line(ground.emerging_basis))
    st.caption(f"{words.slices_line(ground, recent=patterns.RECENT_SLICES)} {text('page.patterns.emerging_help')}")
    return {text("page.patterns.emerging"): shown}


def _repeats(station: Station, question: Question) -> Tables:
    """Show near repeats of one type, and where a window is open."""
    kinds = patterns.repeat_kinds(station.table("incidents"), question)
    st.subheader(text("page.patterns.repeats"), anchor=False)
    if kinds.empty:
        st.caption(text("page.empty"))
        return {}
    named = {kind or patterns.EVERY: text(f"type.{kind}" if kind else "page.patterns.whole_set")
             for kind in kinds.index}  # fmt: skip
    choice, _ = st.columns((1, 2))
    key, first = f"pattern type {question.class_set}", next(iter(named))
    begin_with(list(named), first, key=key, name="type")
    count = {one: f"{found:,}" for one, found in zip(named, kinds, strict=True)}
    chosen: str = choice.selectbox(
        text("page.patterns.repeat_kind"), list(named), key=key,
        format_func=lambda one: text("page.patterns.repeat_kind_count", kind=named[one], count=count[one]),
    )  # fmt: skip
    tell(type="" if chosen == first else chosen)
    kind = "" if chosen == patterns.EVERY else chosen
    with st.spinner(text("page.patterns.counting")):
        found = _repeats_of(_key(station, question), kind, station, question)
    table = words.repeat_table(found) if found.found.enough else pd.DataFrame()
    if found.found.enough:
        frame.table(table)
        st.caption(text("page.patterns.repeats_help", uncertain=f"{found.found.uncertain:,}"))
    else:
        st.caption(words.too_few_line(found))
    st.caption(words.basis_line(found.basis, kind=found.kind))
    st.markdown(f"**{text('page.patterns.active', day=f'{found.today:%Y-%m-%d}')}**")
    shown = words.active_table(found)
    frame.table(shown, words=[*shown.columns[:1], *shown.columns[-1:]], empty="page.patterns.no_window")
    return {text("page.patterns.repeats"): table, text("page.patterns.active_sheet"): shown}


def _focus(station: Station, focus: patterns.Focus) -> Tables:
    st.subheader(text("page.patterns.focus"), anchor=False)
    left, right = st.columns((1.4, 1))
    with left:
        tables = {text("page.patterns.focus"): words.focus_table(focus)}
        frame.table(tables[text("page.patterns.focus")])
        st.caption(text("page.patterns.focus_help"))
        st.caption(words.basis_line(focus.basis))
        if len(focus.funnel):
            st.markdown(f"**{text('page.patterns.areas')}**")
            shown = tables[text("page.patterns.areas")] = words.funnel_table(focus, _villages(station))
            st.caption(words.funnel_line(focus, len(shown)))
            if len(shown):
                frame.table(shown, words=[shown.columns[0], shown.columns[-1]])
            st.caption(words.basis_line(focus.funnel_basis))
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
    return None if cells.empty else patterns.ground(_station.table("incidents"), cells, _station.study, _question)


@st.cache_data(max_entries=32, show_spinner=False)
def _news_of(key: str, _station: Station, _question: Question) -> patterns.News | None:  # noqa: ARG001
    return patterns.news(_station.table("incidents"), _station.table("villages"), _station.study, _question)


@st.cache_data(max_entries=32, show_spinner=False)
def _repeats_of(key: str, kind: str, _station: Station, _question: Question) -> patterns.Repeats:  # noqa: ARG001
    return patterns.repeats(_station.table, _station.study, _question, kind)


@st.cache_data(max_entries=32, show_spinner=False)
def _focus_of(key: str, _station: Station, _question: Question) -> patterns.Focus:
    ground = _ground_of(key, _station, _question)
    hot = None if ground is None else ground.hot
    return patterns.focus(_station.table("incidents"), hot, _station.table("villages"), _station.study, _question)
