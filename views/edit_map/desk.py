"""The desk of one session: its history of edits, the plans as they leave them, and the answer to each event of the map.

In:     a station; events of the map (plain mappings with their ``mode`` and ``kind``).
Out:    the plans after the edits. Nothing is written before ``keep``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from gis_data.errors import PatrolError
from gis_data.study import Study
from gis_data.workspace import Workspace
from models import checkpoint_edit, edit
from models.camera_edit import open_cameras, record_cameras
from models.cameras import hand as cameras_by_hand
from models.cameras.hand import CameraChange, CameraHand
from models.checkpoint_edit import CheckpointChange, CheckpointHand, open_checkpoints, record_checkpoints
from models.edit import Change, Hand
from models.rezone import open_edit, record_change
from views.edit_map import cameras, checkpoints, zones
from views.edit_map.history import History
from views.station import Station

KEY = "edit desk"
Edit = Change | CameraChange | CheckpointChange

_EDIT_OF: dict[str, Callable[[Mapping[str, Any], Study], Edit]] = {
    "zones": zones.change_of, "cells": zones.change_of, "roads": zones.change_of, "cameras": cameras.change_of,
    "checkpoints": checkpoints.change_of,
}  # fmt: skip

Made = TypeVar("Made", Change, CameraChange, CheckpointChange)


@dataclass
class Desk:
    """One session's edits.

    ``said`` is why the last one was refused, ``answered`` the id of the last event, ``opened`` which plans are open,
    ``known`` the name of the ground that the map has drawn: it need not be sent again.
    """

    history: History = field(default_factory=History)
    said: str = ""
    answered: str = ""
    known: str = ""
    opened: set[tuple[str, str]] = field(default_factory=set)

    def answer(self, station: Station, event: Mapping[str, Any]) -> None:
        """Do what an event asks for; where that cannot be, say why and change nothing."""
        self.known = str(event.get("known", ""))
        if event["kind"] == "ground":
            return
        self.said, self.answered = "", str(event.get("id", ""))
        if event["kind"] in ("undo", "redo"):
            self.history = getattr(self.history, event["kind"])()
            return
        try:
            made = _EDIT_OF[event["mode"]](event, station.study)
            after = self.history.plus(made)
            _AFTER[type(made)](station, after)
        except PatrolError as problem:
            self.said = str(problem)
        else:
            self.history = after

    def keep(self, station: Station, *, reason: str, insist: bool) -> None:
        """Make the edits part of the plans and of the log; what is kept leaves the history.

        Raises
        ------
        PatrolError
            If an edit cannot be kept; those that could are.
        """
        for kind, record in _RECORD.items():
            if made := edits_of(self.history, kind):
                record(station.ws, made, reason, insist)
                self.history = History(tuple(edit for edit in self.history.done if not isinstance(edit, kind)))


def session_desk() -> Desk:
    """Return the desk of the running session."""
    desk: Desk = st.session_state.setdefault(KEY, Desk())
    return desk


def edits_of(history: History, kind: type[Made]) -> tuple[Made, ...]:
    """Return the edits of one plan, in order."""
    return tuple(edit for edit in history.done if isinstance(edit, kind))


def zones_after(station: Station, history: History) -> Hand:
    """Return the zone plan after the edits of a history.

    Raises
    ------
    PatrolError
        If there is no plan to edit, or an edit cannot be made.
    """
    return _zones(station.stamp, edits_of(history, Change), station.ws)


def cameras_after(station: Station, history: History) -> CameraHand:
    """Return the camera plan after the edits of a history.

    Raises
    ------
    PatrolError
        If there is no plan to edit, or an edit cannot be made.
    """
    return _cameras(station.stamp, edits_of(history, CameraChange), station.ws)


def checkpoints_after(station: Station, history: History) -> CheckpointHand:
    """Return the checkpoints after the edits of a history.

    Raises
    ------
    PatrolError
        If there is no plan to edit, or an edit cannot be made.
    """
    return _checkpoints(station.stamp, edits_of(history, CheckpointChange), station.ws)


@st.cache_resource(max_entries=64, show_spinner=False)
def _zones(stamp: str, changes: tuple[Change, ...], _ws: Workspace) -> Hand:
    if not changes:
        return open_edit(_ws)[2]
    return edit.changed(_zones(stamp, changes[:-1], _ws), changes[-1])


@st.cache_resource(max_entries=64, show_spinner=False)
def _cameras(stamp: str, changes: tuple[CameraChange, ...], _ws: Workspace) -> CameraHand:
    if not changes:
        return open_cameras(_ws)[2]
    return cameras_by_hand.changed(_cameras(stamp, changes[:-1], _ws), changes[-1])


@st.cache_resource(max_entries=64, show_spinner=False)
def _checkpoints(stamp: str, changes: tuple[CheckpointChange, ...], _ws: Workspace) -> CheckpointHand:
    if not changes:
        return open_checkpoints(_ws)[2]
    return checkpoint_edit.changed(_checkpoints(stamp, changes[:-1], _ws), changes[-1])


_AFTER: dict[type, Callable[[Station, History], Any]] = {
    Change: zones_after, CameraChange: cameras_after, CheckpointChange: checkpoints_after,
}  # fmt: skip
_RECORD: dict[type, Callable[[Workspace, tuple[Any, ...], str, bool], Any]] = {  # zones first: beats hang on them
    Change: lambda ws, made, reason, insist: record_change(ws, *made, reason=reason, insist=insist),
    CheckpointChange: lambda ws, made, reason, _: record_checkpoints(ws, made, reason=reason),
    CameraChange: lambda ws, made, reason, _: record_cameras(ws, made, reason=reason),
}
