"""Patrol zones: how the town is cut, how even the work is, and why a village is where it is."""

import pandas as pd
import streamlit as st

from gis_data.catalogue import language, text
from models.plan import Plan
from models.zones import explain
from views import charts, figures
from views.maps.frame import TownMap
from views.maps.zones import zone_map
from views.pages import frame
from views.pages.address import begin_with, tell
from views.station import Station, show_map
from views.summary import optimality
from views.zone_book import ZONE_COLUMNS

BAR_PX, BARS_PX, AXIS_PX, MAP_PX = 24, 380, 100, 560


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("zones", station)
    plan = frame.plan_or_say(station, "zones")
    if plan is None:
        return
    frame.divided(plan)
    _numbers(plan)
    scorecard = station.plans.get("scorecard")
    left, right = st.columns((1.55, 1), gap="small")
    with left:
        show_map(
            station, "zones", lambda: _map(station, plan, scorecard), lang=language(), height_px=MAP_PX,
            about=text("page.zones.map"),
        )  # fmt: skip
    with right:
        _balance(station, plan)
        if len(station.table("villages")):
            _because(plan)
    with st.expander(text("page.method")):
        frame.notes(plan)
    tables = {text("page.zones.title"): _table(plan), text("page.zones.today.plan"): figures.today_table(
        plan.tables["today"])}  # fmt: skip
    layers = {"zones": plan.to_frame(), "units": plan.tables["units"]}
    frame.take(
        station, "zones", tables, layers=layers, maps={"": lambda: _map(station, plan, scorecard)}, product="book_a4"
    )


def _table(plan: Plan) -> pd.DataFrame:
    table = pd.DataFrame(plan.to_frame())
    shown = table[[name for name in ZONE_COLUMNS if name in table]].round(2)
    return shown.rename(columns=lambda name: text(f"zones.column.{name}"))


def _numbers(plan: Plan) -> None:
    zones = plan.to_frame()
    work = zones["workload_h_per_week"]
    gap = figures.DASH if plan.gap is None else f"{100 * plan.gap:.2f}%"
    frame.numbers(
        [
            (text("page.zones.count"), f"{len(zones)}", ""),
            (text("page.zones.mean_work"), text("page.zones.hours", hours=f"{work.mean():.1f}"), ""),
            (text("page.zones.spread"), f"{work.max() / work.mean():.2f}", ""),
            (text("page.zones.travel"), text("page.zones.minutes", minutes=f"{_mean_travel(plan):.1f}"), ""),
            (text("page.zones.gap"), gap, "" if plan.bound is None else optimality(plan)),
        ]
    )


def _mean_travel(plan: Plan) -> float:
    """Return the mean minutes to the work: each zone's mean weighted by its work."""
    zones = plan.to_frame()
    weight = zones["workload_h_per_week"]
    return float((zones["mean_travel_min"] * weight).sum() / weight.sum())


def _map(station: Station, plan: Plan, scorecard: Plan | None) -> TownMap:
    tables = {name: station.table(name) for name in ("barriers", "villages")}
    scores = None if scorecard is None else scorecard.to_frame()
    return zone_map(station.study, plan, scores, tables, station.tiles)


def _balance(station: Station, plan: Plan) -> None:
    st.subheader(text("page.zones.balance"), anchor=False)
    tolerance = station.study.settings.zones.tolerance
    work = figures.zone_work(plan.to_frame())
    height_px = min(BAR_PX * len(plan.to_frame()), BARS_PX) + AXIS_PX
    st.altair_chart(charts.balance_chart(work, tolerance=tolerance, height_px=height_px))
    st.caption(text("page.zones.balance_help", tolerance=f"{100 * tolerance:.0f}"))
    frame.table(figures.today_table(plan.tables["today"], short=True))


def _because(plan: Plan) -> None:
    """Say why a village is in its zone, and why it is not in the next one."""
    units = plan.tables["units"]
    names = dict(zip(units["unit_id"], units["name"], strict=True))
    begin_with(list(names), next(iter(names)), key="unit")
    chosen = st.selectbox(text("page.zones.why"), list(names), format_func=lambda unit: names[unit], key="unit")
    tell(unit=chosen)
    frame.sentences(explain(plan, chosen))
