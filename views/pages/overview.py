"""The overview: what came in, what became of every row, and how far the plans are."""

import streamlit as st

from gis_data.catalogue import language, text
from gis_data.periods import Period
from gis_data.standing import standing
from views import charts, figures
from views.maps.frame import TownMap
from views.maps.overview import overview_map
from views.pages import frame
from views.station import Station, show_map

CLASS_PX, AXIS_PX, MAP_PX = 22, 95, 560


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("overview", station)
    incidents = station.table("incidents")
    if incidents.empty:
        st.info(text("page.no_incidents", folder=station.ws.root.name))
    else:
        if not station.plans:
            st.info(text("page.no_plans", folder=station.ws.root.name))
        _numbers(station)
    left, right = st.columns((1.55, 1), gap="small")
    with left:
        show_map(
            station, "overview", lambda: _map(station), lang=language(), height_px=MAP_PX,
            about=text("page.overview.map"),
        )  # fmt: skip
    with right:
        if len(incidents):
            _charts(station)
        st.caption(text("page.overview.two_rules"))
    st.subheader(text("page.overview.plans"), anchor=False)
    plans = figures.plans_table(station.plans)
    frame.table(plans, words=list(plans.columns[:4]))
    _imports(station)
    with st.expander(text("page.method")):
        for name in figures.PARTS:
            if name in station.plans and station.plans[name].notes:
                st.markdown(f"**{text(f'page.plan.{name}')}**")
                frame.notes(station.plans[name])


def _charts(station: Station) -> None:
    incidents = station.table("incidents")
    st.subheader(text("page.overview.classes"), anchor=False)
    totals = figures.totals_by_class(incidents)
    st.altair_chart(charts.class_chart(totals, height_px=CLASS_PX * totals["class"].nunique() + AXIS_PX))
    st.subheader(text("page.overview.months"), anchor=False)
    st.altair_chart(charts.month_chart(figures.totals_by_month(incidents)))


def _numbers(station: Station) -> None:
    incidents = station.table("incidents")
    by_origin = incidents.groupby("origin")["count"].sum()
    caught = incidents.loc[incidents["caught_count"] > 0, "count"].sum()
    villages = standing(station.table("villages"), incidents["reported_at"].max())  # people of merged ones counted once
    frame.numbers(
        [
            (text("page.overview.period"), str(Period.of(incidents["reported_at"])), ""),
            (text("page.origin.reported"), f"{by_origin.get('reported', 0):,}", ""),
            (text("page.origin.discovered"), f"{by_origin.get('discovered', 0):,}", ""),
            (text("page.overview.with_arrest"), f"{caught:,}", ""),
            (text("page.overview.on_map"), f"{station.reported_points()['count'].sum():,}", ""),
            (text("page.overview.people"), f"{villages['population'].sum():,}" if len(villages) else figures.DASH, ""),
        ]
    )


def _map(station: Station) -> TownMap:
    tables = {name: station.table(name) for name in ("villages", "cameras")}
    return overview_map(station.study, tables | {"incidents": station.reported_points()}, station.plans, station.tiles)


def _imports(station: Station) -> None:
    st.subheader(text("page.overview.imports"), anchor=False)
    table = figures.imports_table(station.table("imports"))
    st.caption(text("page.overview.imports_help"))
    frame.table(table, words=[*table.columns[:2], *table.columns[-1:]])
