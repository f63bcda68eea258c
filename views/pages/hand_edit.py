"""Changing zones by hand: choose villages and where they go, see at once what it costs, record it with a reason."""

import streamlit as st

from gis_data.catalogue import text
from gis_data.errors import PatrolError
from gis_data.workspace import Workspace
from models.edit import KINDS, Change, Hand, changed, hand_words, judge
from models.rezone import open_edit, record_change
from views import zone_figures
from views.pages import frame
from views.station import Station


def show(station: Station) -> None:
    """Lay out the form; nothing is kept before a reason is given."""
    try:
        hand = _hand(station.stamp, station.ws)
    except PatrolError as problem:
        st.info(str(problem))
        return
    left, right = st.columns((1, 1.35), gap="medium")
    with left:
        change = _ask(station, hand)
    with right:
        _judge(station, hand, change)


@st.cache_resource(max_entries=2, show_spinner=False)
def _hand(stamp: str, _ws: Workspace) -> Hand:  # noqa: ARG001 - the stamp is the cache's key
    return open_edit(_ws)[2]


def _ask(station: Station, hand: Hand) -> Change | None:
    """Return the change chosen in the form, None while something is missing."""
    kind = st.radio(
        text("page.hand.kind"), [kind for kind in KINDS if kind != "close_road"], horizontal=True, key="hand kind",
        format_func=lambda name: text(f"page.hand.kinds.{name}"),
    )  # fmt: skip
    if kind == "close":
        names = zone_figures.crossing_names(
            hand.tables.crossings, hand.tables.barriers, station.table("roads"), station.table("villages")
        )
        if not names:
            st.caption(text("page.hand.no_crossings"))
            return None
        crossing: int = st.selectbox(
            text("page.hand.crossing"), list(names), format_func=lambda number: names[number], key="hand crossing"
        )
        return Change("close", crossing_id=crossing)
    units = hand.case.ground.units
    words = {
        unit: text("page.hand.unit", name=name, zone=hand.zone_of(row))
        for row, (unit, name) in enumerate(zip(units["unit_id"], units["name"], strict=True))
    }
    chosen = st.multiselect(
        text("page.hand.villages"), list(words), format_func=lambda unit: words[unit], key="hand units",
        max_selections=1 if kind == "post" else None, placeholder=text("page.hand.choose"),
    )  # fmt: skip
    zone = ""
    if kind == "move":
        zone = st.selectbox(text("page.hand.zone"), hand.zone_ids, key="hand zone")
    return Change(kind, tuple(chosen), zone) if chosen else None


def _judge(station: Station, hand: Hand, change: Change | None) -> None:
    before = judge(hand)
    if change is None:
        frame.table(zone_figures.judged_table(before, None))
        st.caption(text("page.hand.help"))
        return
    try:
        after = judge(changed(hand, change))
    except PatrolError as problem:
        st.warning(str(problem))
        return
    frame.table(zone_figures.judged_table(before, after))
    st.caption(text("page.hand.bound_help"))
    if "balance" in after.broken:
        tolerance = f"{100 * hand.case.problem.tolerance:g}"
        st.warning(text("page.hand.unbalanced", tolerance=tolerance))
    if after.cut_off:
        st.warning(text("page.hand.cut_off", cut=hand_words(after)))
    insist = bool(after.cut_off) and st.checkbox(text("page.hand.insist"), key="hand insist")
    reason = st.text_input(text("page.hand.reason"), key="hand reason", max_chars=200)
    if st.button(text("page.hand.record"), type="primary", key="record change",
                 disabled=not reason.strip() or (bool(after.cut_off) and not insist)):  # fmt: skip
        with st.spinner(text("page.adjust.taking")):
            record_change(station.ws, change, reason=reason, insist=insist)
        st.session_state["adjusted"] = text("page.hand.recorded", reason=reason)
        st.rerun()
