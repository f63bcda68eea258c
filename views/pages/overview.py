"""The overview: what came in, what became of every row, and how far the plans are."""

import streamlit as st

from gis_data.catalogue import language, text
from gis_data.periods import Period
from views import charts, figures, maps
from views.pages import frame
from views.station import Station, show_map


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("overview", station)
    incidents = station.table("incidents")
    if incidents.empty:
        st.info(text("page.no_incidents", folder=station.ws.root.name))
    else:
        _numbers(station)
    left, right = st.columns((1.55, 1), gap="small")
    with left:
        show_map(
            station, "overview", lambda: _map(station), lang=language(), height_px=frame.MAP_PX,
            about=text("page.overview.map"),
        )  # fmt: skip
    with right:
        st.subheader(text("page.overview.classes"), anchor=False)
        st.altair_chart(charts.class_chart(figures.totals_by_class(incidents), height_px=300))
        st.caption(text("page.overview.two_rules"))
    st.subheader(text("page.overview.plans"), anchor=False)
    plans = figures.plans_table(station.plans)
    frame.table(plans, words=list(plans.columns[:4]))
    _imports(station)
    for name, plan in station.plans.items():
        if plan.notes:
            with st.expander(text("page.overview.notes", plan=text(f"page.plan.{name}"))):
                frame.notes(plan)


def _numbers(station: Station) -> None:
    incidents = station.table("incidents")
    by_origin = incidents.groupby("origin")["count"].sum()
    caught = incidents.loc[incidents["caught_count"] > 0, "count"].sum()
    villages = station.table("villages")
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


def _map(station: Station) -> maps.TownMap:
    tables = {name: station.table(name) for name in ("villages", "cameras")}
    return maps.overview_map(
        station.study, tables | {"incidents": station.reported_points()}, station.plans, station.tiles
    )


def _imports(station: Station) -> None:
    st.subheader(text("page.overview.imports"), anchor=False)
    table = figures.imports_table(station.table("imports"))
    st.caption(text("page.overview.imports_help"))
    frame.table(table, words=[*table.columns[:2], *table.columns[-1:]])
