"""Editing by hand on the map: click, see at once what it costs, take it back or keep it with a reason."""

import json
from types import ModuleType

import streamlit as st

from gis_data.catalogue import language, text
from gis_data.errors import PatrolError
from models.edit import Hand, Judged, judge
from models.rezone import record_change
from views import zone_figures
from views.edit_map import component, ground, roads, zones
from views.edit_map.desk import Desk, hand_after, session_desk, zone_changes
from views.edit_map.history import History
from views.pages import frame
from views.station import Station

MODES: dict[str, ModuleType] = {"zones": zones, "roads": roads}


def show(station: Station) -> None:
    """Lay out the page; nothing is kept before a reason is given."""
    frame.head("edit", station)
    if frame.plan_or_say(station, "zones") is None:
        return
    kept = st.session_state.pop("edits kept", "")
    if kept:
        st.success(kept)
    _work(station)


@st.fragment
def _work(station: Station) -> None:
    desk = session_desk()
    mode = _mode()
    try:
        base, now = (hand_after(station, history) for history in (History(), desk.history))
    except PatrolError as problem:
        st.info(str(problem))
        return
    left, right = st.columns((1.75, 1), gap="medium")
    with left:
        _map(station, desk, mode, base, now)
        frame.table(zones.load_table(base, now))
    with right:
        verdict = judge(now)
        _numbers(base, now, verdict)
        _pending(station, desk, base, verdict)


def _mode() -> str:
    chosen = st.segmented_control(
        text("page.edit.mode"), list(MODES), default="zones", key="edit mode", label_visibility="collapsed",
        format_func=lambda name: text(f"page.edit.modes.{name}"),
    )  # fmt: skip
    return chosen or "zones"


def _map(station: Station, desk: Desk, mode: str, base: Hand, now: Hand) -> None:
    colours = zones.colours(station.plans["zones"].to_frame(), base)
    data = {
        "mode": mode,
        "ground": _ground(station.stamp, mode, language(), station, base),
        "ground_key": f"{mode} {station.stamp} {language()}",
        "state": MODES[mode].state(base, now, colours),
        "words": ground.base_words(station.study) | MODES[mode].words(),
        "said": desk.said,
        "answered": desk.answered,
        "steps": len(desk.history.done),
        "can_undo": bool(desk.history.done),
        "can_redo": bool(desk.history.undone),
    }
    component.mount(data, on_edit=lambda: desk.answer(station, component.latest_event()))


@st.cache_data(max_entries=8, show_spinner=False)
def _ground(stamp: str, mode: str, lang: str, _station: Station, _hand: Hand) -> str:  # noqa: ARG001 - the cache's key
    whole = ground.base(_station.study, _station.tiles) | MODES[mode].ground(_hand)
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def _numbers(base: Hand, now: Hand, verdict: Judged) -> None:
    frame.table(zone_figures.judged_table(judge(base), None if now is base else verdict))
    if broken := zones.warnings(now, verdict):
        st.warning("\n\n".join(broken))
    st.caption(text("page.hand.bound_help"))


def _pending(station: Station, desk: Desk, base: Hand, verdict: Judged) -> None:
    """List what is not in the plan yet, and ask for the reason."""
    changes = zone_changes(desk.history)
    if not changes:
        st.caption(text("page.edit.nothing"))
        return
    st.subheader(text("page.edit.pending", count=len(changes)), anchor=False)
    frame.sentences(zones.edit_words(base, change) for change in changes)
    cut = bool(verdict.cut_off)
    insist = cut and st.checkbox(text("page.hand.insist"), key="edit insist")
    reason = st.text_input(text("page.hand.reason"), key="edit reason", max_chars=200)
    if st.button(text("page.edit.keep"), type="primary", key="edit keep",
                 disabled=not reason.strip() or (cut and not insist)):  # fmt: skip
        with st.spinner(text("page.adjust.taking")):
            record_change(station.ws, *changes, reason=reason, insist=insist)
        desk.history = History()
        st.session_state["edits kept"] = text("page.hand.recorded", reason=reason)
        st.rerun()
