"""Beats: how each zone is cut into stretches one crew patrols, of which type, and where crews must check in."""

from functools import partial

import streamlit as st

from gis_data.catalogue import language, text
from models.beats.plan import explain
from models.plan import Plan
from views import beat_tables, figures
from views.beat_book import beat_xlsx
from views.downloads import Download
from views.maps.beats import beat_map
from views.maps.frame import TownMap
from views.pages import frame
from views.pages.address import begin_with, tell
from views.station import Station, show_map
from views.summary import optimality

MAP_PX = 520
TABLES = ("beats", "zones", "checkpoints", "left_out")
SHOWN = ("beat_id", "beat_type", "workload", "load_ratio", "checkpoints", "visits", "villages", "reason")
WORDS = ("beat_id", "zone_type", "beat_type", "villages", "hours", "reason", "name", "why", "kind")


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("beats", station)
    plan = frame.plan_or_say(station, "beats")
    if plan is None:
        return
    zones = frame.plan_or_say(station, "zones")
    if zones is None:
        return
    _numbers(plan)
    left, right = st.columns((1.55, 1), gap="small")
    with left:
        show_map(
            station, "beats", lambda: _map(station, plan, zones), lang=language(), height_px=MAP_PX,
            about=text("page.beats.map"),
        )  # fmt: skip
    with right:
        _because(plan)
    _table(plan)
    with st.expander(text("page.method")):
        frame.notes(plan)
    tables = {text(f"page.beats.table.{name}"): getattr(beat_tables, name)(plan) for name in TABLES}
    places = {"beats": plan.to_frame(), "checkpoints": plan.tables["checkpoints"]}
    book = Download("page.download.beats", text("sheet.file_beats"), partial(beat_xlsx, plan, station.study))
    frame.take(station, "beats", tables, layers=places, maps={"": lambda: _map(station, plan, zones)}, books=[book],
               product="patrol_log")  # fmt: skip


def _numbers(plan: Plan) -> None:
    beats, checkpoints = plan.to_frame(), plan.tables["checkpoints"]
    if beats.empty:
        return
    mean, visits = beats["workload_h_per_week"].mean(), int(checkpoints["min_visits_per_week"].sum())
    spread = figures.DASH if plan.objective is None else f"{plan.objective:.2f}"
    frame.numbers(
        [
            (text("page.beats.count"), f"{len(beats)}", ""),
            (text("page.beats.mean_work"), text("page.zones.hours", hours=f"{mean:.1f}"), ""),
            (text("page.beats.spread"), spread, "" if plan.bound is None else optimality(plan)),
            (text("page.beats.checkpoints"), f"{len(checkpoints)}", ""),
            (text("page.beats.visits"), text("page.beats.visits_value", visits=visits), ""),
            (text("page.beats.left_out"), f"{len(plan.tables['left_out'])}", ""),
        ]
    )


def _map(station: Station, plan: Plan, zones: Plan) -> TownMap:
    tables = {name: station.table(name) for name in ("barriers", "villages")}
    return beat_map(station.study, plan, zones.to_frame(), tables, station.tiles)


def _because(plan: Plan) -> None:
    """Say why a zone or beat is as it is, or a checkpoint where it is."""
    known = [
        *plan.to_frame()["beat_id"],
        *plan.tables["zones"]["zone_id"],
        *plan.tables["checkpoints"]["checkpoint_id"],
    ]
    begin_with(known, known[0], key="beat")
    chosen = st.selectbox(text("page.beats.why"), known, key="beat")
    tell(beat=chosen)
    frame.sentences(explain(plan, chosen))


def _table(plan: Plan) -> None:
    """Show one of the plan's tables; of the beats what is seldom asked for stands in the download alone."""
    name = frame.choice("page.beats.tables", TABLES, words="page.beats.table", key="beats table", name="table")
    table = getattr(beat_tables, name)(plan)
    if name == "beats":
        table = table[[text(f"page.beats.column.{key}") for key in SHOWN]]
    frame.table(table, words=[text(f"page.beats.column.{key}") for key in WORDS])
