"""The desk of one session: its history of edits, the plans as they leave them, and the answer to each event of the map.

In:     a station; events of the map (plain mappings with their ``mode`` and ``kind``).
Out:    the plans after the edits. Nothing is written before ``keep``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from gis_data.errors import PatrolError
from gis_data.study import Study
from gis_data.workspace import Workspace
from models import edit
from models.camera_edit import open_cameras, record_cameras
from models.cameras import hand as cameras_by_hand
from models.cameras.hand import CameraChange, CameraHand
from models.edit import Change, Hand
from models.rezone import open_edit, record_change
from views.edit_map import cameras, zones
from views.edit_map.history import History
from views.station import Station

KEY = "edit desk"
Edit = Change | CameraChange

_EDIT_OF: dict[str, Callable[[Mapping[str, Any], Study], Edit]] = {
    "zones": zones.change_of, "roads": zones.change_of, "cameras": cameras.change_of,
}  # fmt: skip


@dataclass
class Desk:
    """One session's edits.

    ``said`` is why the last one was refused, ``answered`` the id of the last event, ``opened`` which plans are open.
    """

    history: History = field(default_factory=History)
    said: str = ""
    answered: str = ""
    opened: set[tuple[str, str]] = field(default_factory=set)

    def answer(self, station: Station, event: Mapping[str, Any]) -> None:
        """Do what an event asks for; where that cannot be, say why and change nothing."""
        self.said, self.answered = "", str(event.get("id", ""))
        if event["kind"] in ("undo", "redo"):
            self.history = getattr(self.history, event["kind"])()
            return
        try:
            made = _EDIT_OF[event["mode"]](event, station.study)
            after = self.history.plus(made)
            if isinstance(made, CameraChange):
                cameras_after(station, after)
            else:
                zones_after(station, after)
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
        if moved := zone_changes(self.history):
            record_change(station.ws, *moved, reason=reason, insist=insist)
            self.history = History(camera_changes(self.history))
        if moved_cameras := camera_changes(self.history):
            record_cameras(station.ws, moved_cameras, reason=reason)
        self.history = History()


def session_desk() -> Desk:
    """Return the desk of the running session."""
    desk: Desk = st.session_state.setdefault(KEY, Desk())
    return desk


def zone_changes(history: History) -> tuple[Change, ...]:
    """Return the edits that change the zones, in order."""
    return tuple(made for made in history.done if isinstance(made, Change))


def camera_changes(history: History) -> tuple[CameraChange, ...]:
    """Return the edits that change the cameras, in order."""
    return tuple(made for made in history.done if isinstance(made, CameraChange))


def zones_after(station: Station, history: History) -> Hand:
    """Return the zone plan after the edits of a history.

    Raises
    ------
    PatrolError
        If there is no plan to edit, or an edit cannot be made.
    """
    return _zones(station.stamp, zone_changes(history), station.ws)


def cameras_after(station: Station, history: History) -> CameraHand:
    """Return the camera plan after the edits of a history.

    Raises
    ------
    PatrolError
        If there is no plan to edit, or an edit cannot be made.
    """
    return _cameras(station.stamp, camera_changes(history), station.ws)


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
