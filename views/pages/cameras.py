"""Cameras: which villages the rules name, and what each one's plan sees, leaves blind, and costs."""

from functools import partial

import pandas as pd
import streamlit as st

from gis_data.catalogue import language, text
from models.plan import Plan
from views import charts, figures
from views.camera_book import camera_xlsx
from views.downloads import Download
from views.maps.cameras import camera_map, of_village, town_camera_map
from views.maps.frame import TownMap
from views.osm_tags import surveillance_geojson
from views.pages import frame
from views.pages.address import begin_with, tell
from views.sheets.desk import Desk
from views.sheets.products import camera_file
from views.station import Station, show_map
from views.summary import optimality

TOWN = ""
LAYERS = ("cameras", "sites", "views", "entrances", "blind_spots", "left_out", "villages")


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("cameras", station)
    plan = frame.plan_or_say(station, "cameras")
    if plan is None:
        return
    summary = plan.tables["summary"]
    chosen = _choose(summary)
    part = summary if chosen == TOWN else summary[summary["village_id"] == chosen]
    _numbers(part, chosen)
    _reasons(plan, chosen)
    left, right = st.columns((1.55, 1), gap="small")
    with left:
        show_map(
            station, f"cameras {chosen}", lambda: _map(station, plan, chosen), lang=language(), height_px=frame.MAP_PX,
            about=text("page.cameras.map"),
        )  # fmt: skip
    with right:
        if chosen == TOWN:
            _rules(plan)
        else:
            _blind(plan, chosen)
    if chosen == TOWN:
        _town_tables(plan, summary)
    else:
        _village_tables(plan, chosen)
    with st.expander(text("page.method")):
        frame.notes(plan)
    _take(station, plan, chosen)


def _take(station: Station, plan: Plan, chosen: str) -> None:
    here = {name: table if chosen == TOWN else of_village(table, chosen) for name, table in plan.tables.items()}
    tables = {text("page.cameras.by_village"): figures.camera_villages(here["summary"]),
              text("page.cameras.list"): figures.camera_table(here["cameras"]),
              text("page.cameras.blind"): figures.blind_table(here["blind_spots"])}  # fmt: skip
    layers = {name: here[name] for name in LAYERS if name in here}
    books = [
        Download("camera_book.download", text("camera_book.file"), partial(camera_xlsx, plan, station.study)),
        Download("camera_book.download_osm", "cameras.osm.geojson", partial(surveillance_geojson, plan)),
    ]
    areas = plan.tables["areas"]
    if chosen in set(areas.loc[~areas.geometry.is_empty, "village_id"]):
        sheet = partial(_sheet, station, chosen)
        books.insert(0, Download("camera_sheet.download", text("camera_sheet.file", village=chosen), sheet))
    frame.take(station, f"cameras{f'_{chosen}' if chosen else ''}", tables, layers=layers,
               maps={"": lambda: _map(station, plan, chosen)}, books=books if len(plan.to_frame()) else [],
               product="cameras")  # fmt: skip


def _sheet(station: Station, village_id: str) -> bytes:
    return camera_file(Desk.of(station.ws, station.plans), village_id).data()


def _choose(summary: pd.DataFrame) -> str:
    names = dict(zip(summary["village_id"], summary["name"], strict=True))
    left, _ = st.columns((1, 2))
    begin_with([TOWN, *names], TOWN, key="camera village", name="village")
    chosen: str = left.selectbox(
        text("page.cameras.choose"), [TOWN, *names], key="camera village",
        format_func=lambda village: names.get(village, text("page.cameras.town")),
    )  # fmt: skip
    tell(village=chosen)
    return chosen


def _numbers(part: pd.DataFrame, chosen: str) -> None:
    first = (text("page.cameras.villages"), f"{len(part)}", "")
    standing, about = text("page.cameras.standing_named"), text("page.cameras.standing_help")
    if chosen != TOWN:
        standing, about = text("page.cameras.standing"), ""
        first = (text("page.cameras.column.rule"), figures.rule_names(part["reasons"].iloc[0]), "")
    seen, night, road = part["seen_m"].sum(), part["seen_at_night_m"].sum(), part["road_m"].sum()
    frame.numbers(
        [
            first,
            (text("page.cameras.new"), f"{part['new_cameras'].sum():,}", ""),
            (standing, f"{part['existing_cameras'].sum():,}", about),
            (text("page.cameras.entrances"), f"{part['entrances_seen'].sum():,} / {part['entrances'].sum():,}", ""),
            (
                text("page.cameras.covered"),
                f"{100 * seen / road:.0f}%" if road else figures.DASH,
                text("page.cameras.covered_help"),
            ),
            (text("page.cameras.at_night"), f"{100 * night / road:.0f}%" if road else figures.DASH, ""),
            (text("page.cameras.cost"), f"{part['cost_cny'].sum():,.0f}", ""),
        ]
    )


def _reasons(plan: Plan, chosen: str) -> None:
    """Say why the village is named; for the town, which villages are put off and why."""
    if chosen != TOWN:
        st.caption(figures.why_named(plan, chosen))
        return
    villages = plan.tables["villages"]
    later = villages[(villages["deferred"] != "") & (villages["reasons"] != "")]
    for village in figures.records(later):
        why = figures.why_named(plan, village["village_id"])
        st.caption(text("page.cameras.put_off", village=village["name"], why=why))


def _map(station: Station, plan: Plan, chosen: str) -> TownMap:
    if chosen == TOWN:
        return town_camera_map(station.study, plan, station.table("villages"), station.tiles)
    tables = {name: station.table(name) for name in ("roads", "buildings", "water")}
    return camera_map(station.study, plan, chosen, tables, station.tiles)


def _rules(plan: Plan) -> None:
    st.subheader(text("page.cameras.rules"), anchor=False)
    frame.table(figures.rules_table(plan.tables["rules"]))
    st.caption(text("page.cameras.rules_help", people=f"{plan.settings['cameras']['population_over']:,}"))
    if plan.bound is not None:
        st.caption(optimality(plan))


def _blind(plan: Plan, village_id: str) -> None:
    st.subheader(text("page.cameras.blind"), anchor=False)
    blind = plan.tables["blind_spots"]
    shown = figures.blind_table(blind[blind["village_id"] == village_id])
    frame.table(shown, words=list(shown.columns[:2]), empty="page.cameras.no_blind")
    st.caption(text("page.cameras.blind_help"))


def _town_tables(plan: Plan, summary: pd.DataFrame) -> None:
    known = ["villages"] if plan.tables["curve"].empty else ["villages", "money"]
    table = frame.choice("page.cameras.tables", known, words="page.cameras.table", key="town table", name="table")
    if table == "money":
        _money(plan)
    else:
        _villages(summary)


def _village_tables(plan: Plan, village_id: str) -> None:
    known = ["list", "law"]
    table = frame.choice("page.cameras.tables", known, words="page.cameras.table", key="village table", name="table")
    if table == "law":
        _law(plan, village_id)
    else:
        _cameras(plan, village_id)


def _money(plan: Plan) -> None:
    left, right = st.columns((1, 1), gap="medium")
    with left:
        st.subheader(text("page.cameras.money"), anchor=False)
        st.altair_chart(charts.money_chart(plan.tables["curve"], plan.settings["budget_cny"]), width="stretch")
        st.caption(text("page.cameras.money_help"))
    with right:
        st.subheader(text("page.cameras.years"), anchor=False)
        frame.table(figures.years_table(plan))
        st.caption(text("camera_book.rollout_help"))


def _law(plan: Plan, village_id: str) -> None:
    st.subheader(text("page.cameras.law"), anchor=False)
    shown = figures.card_table(plan, village_id)
    frame.table(shown, words=list(shown.columns[:3]))
    st.caption(text("page.cameras.law_help"))


def _villages(summary: pd.DataFrame) -> None:
    st.subheader(text("page.cameras.by_village"), anchor=False)
    shown = figures.camera_villages(summary)
    frame.table(shown, words=list(shown.columns[:2]))
    st.caption(text("page.cameras.entrances_help"))


def _cameras(plan: Plan, village_id: str) -> None:
    st.subheader(text("page.cameras.list"), anchor=False)
    cameras = plan.to_frame()
    shown = figures.camera_table(cameras[cameras["village_id"] == village_id])
    frame.table(shown, words=list(shown.columns[:2]))
