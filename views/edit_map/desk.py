"""The desk of one session: its history of edits, the plan as they leave it, and the answer to each event of the map.

In:     a station; events of the map (plain mappings).
Out:    what the map shows (``data``) and the plan after the edits (``hand``). Nothing is written here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from gis_data.errors import PatrolError
from gis_data.workspace import Workspace
from models.edit import Change, Hand, changed
from models.rezone import open_edit
from views.edit_map import zones
from views.edit_map.history import History
from views.station import Station

KEY = "edit desk"


@dataclass
class Desk:
    """One session's edits; ``said`` is why the last one was refused, ``answered`` the id of the last event."""

    history: History = field(default_factory=History)
    said: str = ""
    answered: str = ""

    def answer(self, station: Station, event: Mapping[str, Any]) -> None:
        """Do what an event asks for; where that cannot be, say why and change nothing."""
        self.said, self.answered = "", str(event.get("id", ""))
        if event["kind"] in ("undo", "redo"):
            self.history = getattr(self.history, event["kind"])()
            return
        edit = zones.change_of(event)
        after = self.history.plus(edit)
        try:
            hand_after(station, after)
        except PatrolError as problem:
            self.said = str(problem)
        else:
            self.history = after


def session_desk() -> Desk:
    """Return the desk of the running session."""
    desk: Desk = st.session_state.setdefault(KEY, Desk())
    return desk


def hand_after(station: Station, history: History) -> Hand:
    """Return the plan after the edits of a history.

    Raises
    ------
    PatrolError
        If there is no plan to edit, or an edit cannot be made.
    """
    return _hand(station.stamp, zone_changes(history), station.ws)


def zone_changes(history: History) -> tuple[Change, ...]:
    """Return the edits that change the zones, in order."""
    return tuple(edit for edit in history.done if isinstance(edit, Change))


@st.cache_resource(max_entries=64, show_spinner=False)
def _hand(stamp: str, changes: tuple[Change, ...], _ws: Workspace) -> Hand:
    if not changes:
        return open_edit(_ws)[2]
    return changed(_hand(stamp, changes[:-1], _ws), changes[-1])
