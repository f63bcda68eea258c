"""Adjusting zones: what other plans would cost and which becomes the plan."""

from functools import partial

import streamlit as st

from gis_data.catalogue import text
from models.plan import Plan
from models.rezone import choose_option
from models.town_plan import plan_town
from models.zone_options import KINDS
from views import charts, figures, zone_figures
from views.downloads import Download
from views.pages import frame
from views.pages.address import begin_with, tell
from views.pages.deeds import deed_button
from views.station import Station
from views.zone_book import zone_book_bytes

CHART_PX = 215


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("adjust", station)
    plan = frame.plan_or_say(station, "zones")
    if plan is None:
        return
    said = st.session_state.pop("adjusted", "")
    if said:
        st.success(said)
    frame.divided(plan)
    _today(plan)
    _options(station, plan)
    frame.link("edit", text("page.adjust.by_hand"))
    with st.expander(text("page.method")):
        frame.notes(plan)
    _take(station, plan)


def _take(station: Station, plan: Plan) -> None:
    options = station.plans.get("options")
    tables = {text("page.zones.today.plan"): figures.today_table(plan.tables["today"])}
    if options is not None:
        tables[text("page.adjust.title")] = zone_figures.options_table(options.to_frame(), plan)
    book = Download("page.download.zones", text("sheet.file_zones"),
                    partial(zone_book_bytes, plan, options, station.study))  # fmt: skip
    frame.take(station, "adjust", tables, layers={"zones": plan.to_frame()}, books=[book], product="book_a4")


def _today(plan: Plan) -> None:
    """Hold the plan and today's areas beside each other and against random plans."""
    today = plan.tables["today"]
    frame.table(figures.today_table(today))
    drawn = int(today["random_plans"].iloc[0])
    if drawn:
        st.caption(text("page.adjust.yardstick", plans=drawn, distinct=int(today["random_distinct"].iloc[0])))


def _options(station: Station, plan: Plan) -> None:
    options = station.plans.get("options")
    if options is None:
        st.info(text("page.adjust.none"))
        _reckon(station, "page.adjust.reckon")
        return
    st.caption(text("page.adjust.options_help"))
    table = options.to_frame()
    points = zone_figures.option_points(table, plan)
    for column, kind in zip(st.columns(len(KINDS)), KINDS, strict=True):
        mine = points[points["kind"] == kind]
        with column:
            st.markdown(f"**{text(f'page.adjust.kind.{kind}')}**")
            if mine.empty:
                st.caption(text(f"page.adjust.no_{kind}"))
            else:
                x = text(f"page.adjust.axis.{kind}")
                st.altair_chart(charts.frontier_chart(mine, x=x, whole=kind != "balance", height_px=CHART_PX))
    _pick(station, options, plan)
    frame.table(zone_figures.options_table(table, plan), words=[text("page.adjust.column.option")])
    _reckon(station, "page.adjust.again")
    frame.notes(options)


def _pick(station: Station, options: Plan, plan: Plan) -> None:
    """Let the planner make one option the plan."""
    found = options.to_frame()
    found = found[found["found"]]
    words = {row["option_id"]: zone_figures.option_words(row) for row in figures.records(found)}
    now = zone_figures.option_of(found, plan)
    left, right = st.columns((3, 1), vertical_alignment="bottom")
    ids = list(words)
    begin_with(ids, now if now in ids else ids[0], key="option")
    with left:
        chosen: str = st.selectbox(
            text("page.adjust.choose"), ids, format_func=lambda option: words[option], key="option"
        )
    tell(option="" if chosen == now else chosen)
    with right:
        if deed_button(text("page.adjust.take"), type="primary", disabled=chosen == now, key="take option"):
            with st.spinner(text("page.adjust.taking")):
                made = choose_option(station.ws, chosen)
            again = zone_figures.settings_words(made)
            st.session_state["adjusted"] = text("page.adjust.taken", option=words[chosen], set=again)
            st.rerun()


def _reckon(station: Station, label: str) -> None:
    if not deed_button(text(label), type="primary", key="reckon options"):
        return
    bar = st.progress(0.0, text("page.adjust.reckoning"))

    def progress(_: str, share: float) -> None:
        bar.progress(share, text("page.adjust.reckoning"))

    plan_town(station.ws, ["options"], progress=progress)
    st.rerun()
