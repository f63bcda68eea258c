"""Hotspots: where residents' calls pile up more than houses, roads and places explain, and why each is one."""

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.hotspot_places import hotspot_places
from analysis.hotspot_table import STATUSES, explain
from analysis.hours import hour_profile
from gis_data.catalogue import language, text
from gis_data.settings import HotspotSettings
from models.hotspots import opportunity_of
from models.plan import Plan
from views import charts, figures, life_words
from views.maps.cells import Cells
from views.maps.frame import TownMap
from views.maps.hotspots import hotspot_map
from views.maps.place_cards import place_cells
from views.pages import frame
from views.pages.address import begin_with, tell
from views.patterns import planned_period
from views.station import Station, show_map

LISTS = ("found", "lives", "expired", "maybe")
SHOWN = ("hotspot_id", "count", "expected", "times", "p", "months", "until", "hours", "types")


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("hotspots", station)
    plan = frame.plan_or_say(station, "hotspots")
    if plan is None:
        return
    table = plan.to_frame()
    left, right = st.columns((1.55, 1), gap="small")
    with left:
        show_map(
            station, "hotspots", lambda: _map(station, plan), lang=language(), height_px=frame.MAP_PX,
            about=text("page.hotspots.map"),
        )  # fmt: skip
    with right:
        if len(table):
            _one(station, table)
        else:
            st.caption(text("page.hotspots.none"))
    _lists(plan, table)
    with st.expander(text("page.method")):
        frame.notes(plan)
    frame.take(station, "hotspots", {text("page.hotspots.title"): figures.hotspot_table(table)},
               layers={"hotspots": table}, maps={"": lambda: _map(station, plan)})  # fmt: skip


def _map(station: Station, plan: Plan) -> TownMap:
    told = {}
    if "lives" in plan.tables:
        told = life_words.on_the_map(plan.tables["lives"], plan.tables["pictures"])
    places = _places(station, plan)
    return hotspot_map(station.study, plan.to_frame(), station.reported_points(), station.tiles, places=places, **told)


def _places(station: Station, plan: Plan) -> Cells | None:
    """Let any place of the map say its numbers and why it is no hotspot, by what the plan's search went by."""
    cells, reach = station.table("cells"), plan.settings["reach"]
    if cells.empty:
        return None
    settings = HotspotSettings(**plan.settings["hotspots"])
    period = planned_period({"hotspots": plan}, station.table("incidents"))
    points = station.exact.reported_points()
    told = hotspot_places(
        cells, points[period.holds(points["reported_at"])], station.study.boundary, plan.to_frame(),
        eps_m=reach["eps_m"], least=reach["least"], settings=settings, opportunity=opportunity_of(station.table),
    )  # fmt: skip
    return place_cells(
        cells, told, cell_m=station.study.settings.cell_size_m, eps_m=reach["eps_m"], least=reach["least"],
        most_km2=settings.max_area_km2,
    )  # fmt: skip


def _lists(plan: Plan, table: gpd.GeoDataFrame) -> None:
    """Show those found, what became of them, those past their day, or those that chance explains as well."""
    found, expired, maybe = (table[table["status"] == status] for status in STATUSES)
    has = {"lives": "lives" in plan.tables and len(plan.tables["lives"]), "expired": len(expired)}
    known = [name for name in LISTS if has.get(name, True)]
    name = frame.choice("page.hotspots.lists", known, words="page.hotspots.list", key="hotspot list", name="list")
    if name == "lives":
        _lives(plan)
        return
    rows = {"found": found, "expired": expired, "maybe": maybe}[name]
    st.subheader(text(f"page.hotspots.{name}", count=len(rows)), anchor=False)
    if name != "found":
        st.caption(text(f"page.hotspots.{name}_help"))
    shown = figures.hotspot_table(rows)
    if len(shown):  # the others stand in the download
        shown = shown[[text(f"page.hotspots.column.{column}") for column in SHOWN]]
    frame.table(shown, words=list(shown.columns[-2:]))


def _lives(plan: Plan) -> None:
    """Show what became of the hotspots, month by month and in a line each."""
    told = life_words.worth_telling(plan.tables["lives"])
    window = plan.settings["hotspots"]["life_window_months"]
    st.subheader(text("page.hotspots.lives", count=len(told)), anchor=False)
    st.caption(text("page.hotspots.lives_help", months=window, others=len(plan.tables["lives"]) - len(told)))
    left, right = st.columns((1.35, 1), gap="small")
    with left:
        st.altair_chart(charts.life_chart(life_words.tiles(plan.tables["pictures"], told)))
    with right:
        table = life_words.life_table(told)
        frame.table(table, words=[table.columns[-1]])


def _one(station: Station, table: gpd.GeoDataFrame) -> None:
    """Explain one hotspot: the reasons, and its hours beside the town's."""
    names = list(table["hotspot_id"])
    begin_with(names, names[0], key="hotspot")
    chosen = st.selectbox(text("page.hotspots.choose"), names, key="hotspot")
    tell(hotspot=chosen)
    row = table.set_index("hotspot_id", drop=False).loc[chosen]
    frame.sentences(text(key, **values) for key, values in explain(row))
    hours = _hours(station, row)
    if hours["here_pct"].sum() > 0:
        st.caption(text("page.hotspots.hours"))
        st.altair_chart(charts.hours_chart(hours))
    else:
        st.caption(text("page.hotspots.no_hours"))


def _hours(station: Station, row: pd.Series) -> pd.DataFrame:
    points = station.exact.reported_points()
    inside = points[points.within(row["geometry"])]
    here, town = (
        hour_profile(part["occurred_from"], part["occurred_to"], part["count"]).by_hour for part in (inside, points)
    )
    return pd.DataFrame(
        {"hour": range(24), "here_pct": 100 * here / max(here.sum(), 1), "town_pct": 100 * town / max(town.sum(), 1)}
    )
