"""The incidents' map: where calls came from, month by month, and two spans of time side by side with their test."""

from functools import partial
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.change import compare_periods
from gis_data.catalogue import language, text
from gis_data.periods import Period
from gis_data.taxonomy import with_point
from views import figures, pattern_words, patterns
from views.formats import month_words, number
from views.maps.frame import Sight, TownMap
from views.maps.month import month_map
from views.pages import frame
from views.pages.address import TO, begin_with, tell
from views.patterns import Change
from views.station import Station, show_map
from views.village_card import village_counts
from views.workbook import WORD_TINT

MAP_PX, PAIR_PX = 575, 460
MODES = ONE, TWO = ("one", "two")
DRAWN = ["reported_at", "count", "precision", "geometry"]  # of a million rows no other column is copied


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("map", station)
    incidents = station.table("incidents")
    if incidents.empty:
        frame.no_incidents(station)
        return
    left, right = st.columns((1, 2), vertical_alignment="bottom")
    sets = patterns.class_sets(incidents)
    begin_with(sets, sets[0], key="map set", name="set")
    chosen: str = left.selectbox(text("page.patterns.which"), sets, format_func=pattern_words.set_name, key="map set")
    tell(set="" if chosen == sets[0] else chosen)
    with right:
        mode = frame.choice("page.map.mode", MODES, words="page.map.modes", key="map mode", name="mode")
    rows = station.kept(f"set {chosen}", lambda: patterns.narrowed(station.reported(), chosen))
    if mode == TWO:
        _two(station, rows, chosen)
        return
    show_map(
        station, f"map {chosen}", lambda: _map(station, rows, Sight(f"incidents {chosen}")), lang=language(),
        height_px=MAP_PX, about=text("page.map.map"),
    )  # fmt: skip
    placed = station.kept(f"placed {chosen}", lambda: int(with_point(rows[DRAWN])["count"].sum()))
    months = station.kept(f"months {chosen}", lambda: figures.totals_by_month(rows))
    table = months.assign(month=months["month"].dt.strftime("%Y-%m"))
    frame.take(station, "incidents", {text("page.map.title"): table}, layers=_layers(station),
               maps={"": lambda: _map(station, rows, Sight())})  # fmt: skip
    st.caption(text("page.map.basis", total=number(rows["count"].sum()), placed=number(placed)))


def _layers(station: Station) -> dict[str, gpd.GeoDataFrame]:
    return {name: station.plans[name].to_frame() for name in ("hotspots", "zones") if name in station.plans}


def _map(station: Station, rows: gpd.GeoDataFrame, sight: Sight, *, slider: bool = True) -> TownMap:
    villages = station.table("villages")
    counts = village_counts(rows, villages, Period.of(rows["reported_at"])) if len(rows) else {}
    return month_map(
        station.study, with_point(rows[DRAWN]), villages, station.plans, station.tiles, counts=counts, slider=slider,
        sight=sight,
    )  # fmt: skip


def _two(station: Station, rows: gpd.GeoDataFrame, chosen: str) -> None:
    """Show two spans of months beside each other, and what their counts can tell apart."""
    months = _months(rows)
    spans = []
    for column, name, first in zip(st.columns(2), ("before", "now"), _halves(months), strict=True):
        with column:
            spans.append(_span(station, rows, chosen, name, months, first))
    before, now = spans
    group = "incident_class" if chosen == patterns.EVERY else "type"
    question = patterns.Question(chosen, now, "month", Period.of(rows["reported_at"]))
    found = Change(
        now, before, by_festival=False, group=group, whole=compare_periods(rows, now, before),
        table=compare_periods(rows, now, before, by=[group]),
        basis=patterns.Basis.of(rows[now.holds(rows["reported_at"])], question),
    )  # fmt: skip
    tint = {text(f"scorecard.word.{word}"): colour for word, colour in WORD_TINT.items()}
    table = pattern_words.change_table(found)
    frame.table(table, tint=tint)
    st.caption(text("page.patterns.change_help"))
    maps = {str(span): partial(_span_map, station, rows, span, Sight()) for span in spans}
    frame.take(station, "two_spans", {text("page.map.modes.two"): table}, layers=_layers(station), maps=maps)


def _span(
    station: Station, rows: gpd.GeoDataFrame, chosen: str, name: str, months: list[str], first: tuple[str, str]
) -> Period:  # fmt: skip
    """Let one span be chosen, and show its map."""
    key = f"span {name}"
    st.session_state.setdefault(key, _asked_span(name, months, first))
    chosen_span: Any = st.select_slider(  # two ends, because the value has two
        text(f"page.map.{name}"), months, key=key, format_func=lambda month: month_words(pd.Timestamp(month))
    )
    start, end = chosen_span
    tell(**{name: f"{start}{TO}{end}"})
    zone = rows["reported_at"].dt.tz
    span = Period(pd.Timestamp(start, tz=zone), pd.Timestamp(end, tz=zone) + pd.DateOffset(months=1))
    sight = Sight(f"pair {chosen}", name="map" if name == "before" else "map2", channel="pair")
    show_map(
        station, f"pair {chosen} {name} {start} {end}", partial(_span_map, station, rows, span, sight),
        lang=language(), height_px=PAIR_PX, about=text(f"page.map.pair_{name}"),
    )  # fmt: skip
    return span


def _span_map(station: Station, rows: gpd.GeoDataFrame, span: Period, sight: Sight) -> TownMap:
    return _map(station, rows[span.holds(rows["reported_at"])], sight, slider=False)


def _months(rows: pd.DataFrame) -> list[str]:
    """Return every month from the first incident to the last, as the address writes it: 2024-03."""
    at = rows["reported_at"].dt.tz_localize(None)
    return [f"{month:%Y-%m}" for month in pd.period_range(at.min(), at.max(), freq="M").to_timestamp()]


def _halves(months: list[str]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the same months of the last two years, or both halves of shorter records."""
    size = 12 if len(months) >= 24 else max(len(months) // 2, 1)
    return (months[-2 * size :][0], months[-size - 1 :][0]), (months[-size], months[-1])


def _asked_span(name: str, months: list[str], first: tuple[str, str]) -> tuple[str, str]:
    start, _, end = st.query_params.get(name, "").partition(TO)
    return (start, end) if start in months and end in months and start <= end else first
