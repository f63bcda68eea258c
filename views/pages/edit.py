"""Editing by hand on the map: click or drag, see at once what it costs, take it back or keep it with a reason."""

import html
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gis_data.catalogue import Language, language, speaking, text
from gis_data.errors import PatrolError
from models.cameras.hand import CameraChange, CameraHand
from models.checkpoint_edit import CheckpointChange
from models.edit import Change, judge
from views import zone_figures
from views.access import begin
from views.edit_map import cameras, cells, checkpoints, component, ground, roads, taken, zones
from views.edit_map.desk import Desk, Edit, cameras_after, checkpoints_after, edits_of, session_desk, zones_after
from views.edit_map.history import History
from views.figures import UNIT
from views.pages import frame
from views.pages.address import begin_with, tell
from views.pages.broken import NAME, keep, said_in_a_sentence
from views.pages.deeds import deed_button
from views.station import Station

MODES = ("zones", "cells", "roads", "checkpoints", "cameras")
NEEDS = {"zones": "zones", "cells": "zones", "roads": "zones", "checkpoints": "beats", "cameras": "cameras"}
OPEN = {"zones": zones_after, "beats": checkpoints_after, "cameras": cameras_after}
START = History()


def show(station: Station) -> None:
    """Lay out the page; nothing is kept before a reason is given."""
    frame.head("edit", station)
    kept = st.session_state.pop("edits kept", "")
    if kept:
        st.success(kept)
    session_desk().known = ""  # the page is new, and so is its map
    _work(station, language())


@st.fragment
def _work(station: Station, lang: Language) -> None:
    begin(lang)
    with said_in_a_sentence(station.ws.root):
        _lay_out(station, session_desk())


def _lay_out(station: Station, desk: Desk) -> None:
    above = st.columns((1.4, 0.9, 0.4), gap="medium", vertical_alignment="center")
    slot = above[2].container(horizontal=True, horizontal_alignment="right")
    with above[0]:
        mode = _mode(station)
    if frame.plan_or_say(station, NEEDS[mode]) is None:
        return
    try:
        _open(station, desk, NEEDS[mode])
        if mode == "cameras":
            with above[1]:
                village = _village(cameras_after(station, START))
            _cameras(station, desk, village, slot)
        elif mode == "checkpoints":
            _checkpoints(station, desk, slot)
        else:
            _zones(station, desk, mode, slot)
    except PatrolError as problem:
        st.info(str(problem))
        frame.link("plans", text("page.to_plans"), start="plan")


def _open(station: Station, desk: Desk, plan: str) -> None:
    """Open a plan once, and say so: nothing else takes long here."""
    if (station.stamp, plan) not in desk.opened:
        with st.spinner(text("page.edit.opening")):
            OPEN[plan](station, START)
        desk.opened.add((station.stamp, plan))


def _mode(station: Station) -> str:
    """Ask what to edit; cells only where villages are divided, for others are never split."""
    divided = "zones" in station.plans and "parts" in station.plans["zones"].tables
    modes = [mode for mode in MODES if mode != "cells" or divided]
    return frame.choice("page.edit.mode", modes, words="page.edit.modes", key="edit mode", name="mode")


def _village(hand: CameraHand) -> str:
    names = cameras.villages(hand)
    begin_with(list(names), next(iter(names)), key="edit village", name="village")
    chosen: str = st.selectbox(
        text("page.cameras.choose"), list(names), key="edit village", format_func=lambda village: names[village],
        label_visibility="collapsed",
    )  # fmt: skip
    tell(village=chosen)
    return chosen


def _zones(station: Station, desk: Desk, mode: str, slot: DeltaGenerator) -> None:
    base, now = (zones_after(station, history) for history in (START, desk.history))
    colours = zones.colours(station.plans["zones"].to_frame(), base)
    module = {"zones": zones, "cells": cells, "roads": roads}[mode]
    verdict = judge(now)
    judged = zone_figures.judged_table(judge(base), None if now is base else verdict)
    broken = zones.warnings(now, verdict)
    _brief(_figures(judged.loc[["travel", "gap", "busiest", "quietest"]]), warned=bool(broken))
    left, right = st.columns((1.7, 1), gap="medium")
    with left:
        whole = ground.base(station.study, station.tiles)
        # Cells moved to another part change what the units are, and so what is drawn; the cells stay what they are.
        other = mode != "cells" and now.ground_key[1] != base.ground_key[1]
        what = f"{mode} {hash(now.ground_key[1])}" if other else mode
        drawn = _ground(station.stamp, what, language(), lambda: whole | module.ground(now if other else base))
        _map(station, desk, mode, drawn, module.state(base, now, colours), module.words())
        table = zones.load_table(base, now)
        frame.table(table)
    with right:
        frame.table(judged)
        if broken:
            st.warning("\n\n".join(broken))
        if now.closings:
            st.markdown(f"**{text('page.edit.closed')}**")
            closed = roads.closed_table(now)
            frame.table(closed, words=[str(name) for name in closed])
        _pending(station, desk)
        st.caption(text("page.hand.bound_help"))
    frame.take(station, f"edit_{mode}", {text(f"page.edit.modes.{mode}"): table},
               layers=partial(taken.zone_layers, station, now),
               maps={"": partial(taken.draw_zones, station, now)}, slot=slot)  # fmt: skip


def _cameras(station: Station, desk: Desk, village: str, slot: DeltaGenerator) -> None:
    base, now = (cameras_after(station, history) for history in (START, desk.history))
    tables = {name: station.table(name) for name in ("roads", "buildings", "water")}
    table, unseen = cameras.village_table(base, now, village), cameras.open_entrances(now, village)
    _brief(_figures(table.loc[["covered", "entrances", "cameras", "cost"]]), warned=bool(unseen))
    left, right = st.columns((1.7, 1), gap="medium")
    with left:
        draw = lambda: cameras.ground(base, station.study, tables, village)  # noqa: E731
        drawn = _ground(station.stamp, f"cameras {village}", language(), draw)
        _map(station, desk, "cameras", drawn, cameras.state(now, village), cameras.words())
    with right:
        frame.table(table)
        if unseen:
            st.warning(text("page.edit.open_entrances", entrances=text("list.mark").join(unseen)))
        _pending(station, desk)
    frame.take(station, f"edit_cameras_{village}", {text("page.edit.modes.cameras"): table},
               layers=partial(taken.camera_layers, now, village),
               maps={"": partial(taken.draw_cameras, station, now, village)}, slot=slot)  # fmt: skip


def _checkpoints(station: Station, desk: Desk, slot: DeltaGenerator) -> None:
    base, now = (checkpoints_after(station, history) for history in (START, desk.history))
    areas = station.plans["zones"].to_frame()
    changed, gone = checkpoints.beat_table(base, now, changed=True), checkpoints.displaced(base, now)
    counts = [str(len(hand.checkpoints)) for hand in (base, now)]
    total = pd.DataFrame([[text("edit_map.beat.points"), *counts]])
    heads = changed.columns
    of_beats = [(f"{beat} {heads[1]} {points} {heads[2]} {minutes}", True)
                for beat, points, minutes, _ in changed.itertuples(index=False)]  # fmt: skip
    _brief([*_figures(total), *of_beats], warned=bool(gone))
    left, right = st.columns((1.7, 1), gap="medium")
    with left:
        whole = ground.base(station.study, station.tiles)
        draw = lambda: whole | checkpoints.ground(base, areas)  # noqa: E731
        drawn = _ground(station.stamp, "checkpoints", language(), draw)
        _map(station, desk, "checkpoints", drawn, checkpoints.state(now), checkpoints.words())
        table = checkpoints.beat_table(base, now)
        frame.table(table)
    with right:
        if now is not base:
            frame.table(changed)
        if gone:
            st.warning("\n\n".join(gone))
        _pending(station, desk)
    frame.take(station, "edit_checkpoints", {text("page.edit.modes.checkpoints"): table},
               layers=partial(taken.checkpoint_layers, now),
               maps={"": partial(taken.draw_checkpoints, station, now)}, slot=slot)  # fmt: skip


def _brief(figures: Iterable[tuple[str, bool]], *, warned: bool) -> None:
    """Say what matters most above the map, where the screen is too narrow for the tables beside it.

    ``figures``: words, and whether the edits change them.
    """
    told = [text("page.edit.warned")] if warned else []
    told += [f"<b>{html.escape(words)}</b>" if changed else html.escape(words) for words, changed in figures]
    st.html(f'<p class="xq-brief">{" · ".join(told)}</p>')


def _figures(table: pd.DataFrame) -> Iterator[tuple[str, bool]]:
    for name, *stages in table.itertuples(index=False):
        values = list(dict.fromkeys(stages))
        yield f"{UNIT.sub('', name)} {' → '.join(values)}", len(values) > 1


def _map(
    station: Station, desk: Desk, mode: str, drawn: tuple[str, str], state: Mapping[str, Any], words: Mapping[str, str]
) -> None:  # fmt: skip
    data = {
        "mode": mode, "ground_key": drawn[0], "ground": "" if drawn[0] == desk.known else drawn[1], "state": state,
        "words": ground.base_words(station.study) | dict(words), "said": desk.said, "answered": desk.answered,
        "steps": len(desk.history.done), "can_undo": bool(desk.history.done), "can_redo": bool(desk.history.undone),
    }  # fmt: skip
    component.mount(data, on_edit=_answering(station, desk, language()))


def _answering(station: Station, desk: Desk, lang: Language) -> Callable[[], None]:
    """Return what runs before the page does when there is an event, and must know its language too."""

    def answer() -> None:
        with speaking(lang):
            try:
                desk.answer(station, component.latest_event())
            except Exception as problem:  # the map says it itself
                keep(station.ws.root, problem)
                desk.said = text("app.broken", file=NAME)

    return answer


@st.cache_data(max_entries=16, show_spinner=False)
def _ground(stamp: str, what: str, lang: str, _draw: Callable[[], dict[str, Any]]) -> tuple[str, str]:
    """Return what does not change with an edit, under a name of its own, as JSON."""
    return f"{stamp} {what} {lang}", json.dumps(_draw(), ensure_ascii=False, separators=(",", ":"))


def _pending(station: Station, desk: Desk) -> None:
    """List what is not in the plans yet, and ask for the reason."""
    done = desk.history.done
    if not done:
        st.caption(f"{text('page.edit.nothing')} {text('page.edit.kept_on')}")
        return
    st.subheader(text("page.edit.pending", count=len(done)), anchor=False)
    frame.sentences(_words(station, made) for made in done)
    cut = bool(edits_of(desk.history, Change)) and bool(judge(zones_after(station, desk.history)).cut_off)
    insist = cut and st.checkbox(text("page.hand.insist"), key="edit insist")
    reason = st.text_input(text("page.hand.reason"), key="edit reason", max_chars=200)
    if deed_button(text("page.edit.keep"), type="primary", key="edit keep",
                   disabled=not reason.strip() or (cut and not insist)):  # fmt: skip
        with st.spinner(text("page.adjust.taking")):
            desk.keep(station, reason=reason, insist=insist)
        st.session_state["edits kept"] = text("page.hand.recorded", reason=reason)
        st.rerun()


def _words(station: Station, made: Edit) -> str:
    if isinstance(made, CameraChange):
        return cameras.edit_words(made)
    if isinstance(made, CheckpointChange):
        return checkpoints.edit_words(made)
    return zones.edit_words(zones_after(station, START), made)
