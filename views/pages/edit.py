"""Editing by hand on the map: click, see at once what it costs, take it back or keep it with a reason."""

import json
from typing import Any

import streamlit as st

from gis_data.catalogue import language, text
from gis_data.errors import PatrolError
from models.edit import Hand, Judged, cut_rows, judge
from models.rezone import record_change
from views import zone_figures
from views.edit_map import component, ground, zones
from views.edit_map.desk import Desk, hand_after, session_desk, zone_changes
from views.edit_map.history import History
from views.pages import frame
from views.station import Station


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
    try:
        base, now = (hand_after(station, history) for history in (History(), desk.history))
    except PatrolError as problem:
        st.info(str(problem))
        return
    left, right = st.columns((1.75, 1), gap="medium")
    with left:
        _map(station, desk, base, now)
        frame.table(zones.load_table(base, now))
    with right:
        verdict = judge(now)
        _numbers(base, now, verdict)
        _pending(station, desk, base, verdict)


def _map(station: Station, desk: Desk, base: Hand, now: Hand) -> None:
    words = ground.base_words(station.study) | {name: _word(name) for name in zones.WORDS}
    colours = zones.colours(station.plans["zones"].to_frame(), base)
    cut = [row for rows in cut_rows(now).values() for row in rows]
    data = {
        "mode": "zones",
        "ground": _zone_ground(station.stamp, language(), station, base),
        "ground_key": f"zones {station.stamp} {language()}",
        "state": zones.state(base, now, colours, cut) | {"steps": len(desk.history.done)},
        "words": words,
        "said": desk.said,
        "answered": desk.answered,
        "steps": len(desk.history.done),
        "can_undo": bool(desk.history.done),
        "can_redo": bool(desk.history.undone),
    }
    component.mount(data, on_edit=lambda: desk.answer(station, component.latest_event()))


def _word(name: str) -> str:
    fields: dict[str, dict[str, Any]] = {
        "chosen": {"names": "{names}"},
        "more": {"count": "{count}"},
        "to_zone": {"zone": "{zone}"},
    }
    return text(f"edit_map.zones.{name}", **fields.get(name, {}))


@st.cache_data(max_entries=8, show_spinner=False)
def _zone_ground(stamp: str, lang: str, _station: Station, _hand: Hand) -> str:  # noqa: ARG001 - the cache's key
    return json.dumps(ground.base(_station.study, _station.tiles) | zones.ground(_hand), ensure_ascii=False)


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
