"""Villages: everything that is known of one village on one page, each figure with its interval and its reason."""

import geopandas as gpd
import pandas as pd
import streamlit as st

from gis_data.catalogue import language, text
from gis_data.standing import standing
from views import village_words as words
from views.formats import DASH, number
from views.maps.frame import TownMap
from views.maps.village import village_map
from views.pages import frame
from views.pages.address import begin_with, tell
from views.station import Station, show_map
from views.village_card import VillageCard, card_of

MAP_PX = 500


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("villages", station)
    villages = station.table("villages")
    if villages.empty:
        st.info(text("page.villages.none", folder=station.ws.root.name))
        frame.link("data", text("page.to_data"))
        return
    incidents = station.table("incidents")
    if len(incidents):
        villages = standing(villages, incidents["reported_at"].max())
    card = _card(station.stamp, _choose(villages), station)
    _numbers(station, card)
    left, right = st.columns((1.35, 1), gap="medium")
    with left:
        village_id = str(card.village["village_id"])
        show_map(
            station, f"village {village_id}", lambda: _map(station, card), lang=language(), height_px=MAP_PX,
            about=text("page.villages.map"),
        )  # fmt: skip
    with right:
        _said(station, card)
    hotspots = words.hotspot_table(card)
    st.subheader(text("page.villages.hotspots"), anchor=False)
    frame.table(hotspots, words=list(hotspots.columns[-3:-1]), empty="page.villages.no_hotspots")
    name = str(card.village["name"])
    land = gpd.GeoDataFrame({"village": [name]}, geometry=[card.land], crs=station.study.crs)
    layers = {"land": land, "hotspots": card.hotspots, "beats": card.beats, "checkpoints": card.checkpoints}
    tables = {name: words.village_table(card, station.plans), text("page.villages.hotspots"): hotspots}
    frame.take(station, name, tables, layers=layers, maps={"": lambda: _map(station, card)}, product="villages")


def _choose(villages: pd.DataFrame) -> str:
    names = dict(zip(villages["village_id"], villages["name"], strict=True))
    first = max(names, key=lambda village: villages.set_index("village_id")["population"].get(village, 0))
    begin_with(list(names), first, key="village")
    left, _ = st.columns((1, 2))
    chosen: str = left.selectbox(
        text("page.villages.choose"), list(names), format_func=lambda one: names[one], key="village"
    )
    tell(village=chosen)
    return chosen


def _numbers(station: Station, card: VillageCard) -> None:
    units = station.plans["zones"].tables["units"] if "zones" in station.plans else None
    zone = DASH
    if units is not None:
        mine = units[units["unit_id"] == card.village["village_id"]]
        zone = mine["zone_id"].iloc[0] if len(mine) else DASH
    found = card.counted
    count = DASH if found is None else f"{number(found.count)} ({number(found.low)}–{number(found.high)})"
    cameras = DASH if card.camera_sum is None else number(card.camera_sum["new_cameras"])
    frame.numbers(
        [
            (text("page.villages.column.people"), number(card.village["population"]), ""),
            (text("page.villages.column.households"), number(card.village["households"]), ""),
            (text("page.villages.column.incidents"), count, text("page.villages.interval_help")),
            (text("page.villages.column.zone"), zone, ""),
            (text("page.villages.column.hotspots"), f"{len(card.hotspots)}", ""),
            (text("page.cameras.new"), cameras, ""),
        ]
    )


def _said(station: Station, card: VillageCard) -> None:
    st.subheader(text("page.villages.column.incidents"), anchor=False)
    frame.sentences([words.count_line(card.counted), words.change_line(card), words.type_line(card)])
    st.subheader(text("page.villages.why_zone"), anchor=False)
    frame.sentences(words.zone_lines(card, station.plans))
    st.subheader(text("page.villages.column.cameras"), anchor=False)
    frame.sentences(words.camera_lines(card, station.plans))
    if card.camera_sum is not None:
        frame.link("cameras", text("page.villages.to_cameras"), village=str(card.village["village_id"]))


def _map(station: Station, card: VillageCard) -> TownMap:
    return village_map(station.study, card, station.plans.get("cameras"), station.tiles)


@st.cache_data(max_entries=32, show_spinner=False)
def _card(stamp: str, village_id: str, _station: Station) -> VillageCard:  # noqa: ARG001 - the cache's key
    return card_of(village_id, _station.study, _station.table, _station.plans)
