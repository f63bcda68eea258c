"""The component itself: our own script around Leaflet, mounted in the page without a frame; no file is asked for.

In:     what is drawn (``ground``, JSON that changes seldom) and how it stands now (``state``, small).
Out:    an event for each thing a person does, as a plain mapping with its ``kind``; ``views.edit_map.desk`` answers it.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from views import palette
from views.maps.frame import leaflet_files

HERE = Path(__file__).resolve().parent
SCRIPTS = ("core.js", "zones.js", "cells.js", "roads.js", "cameras.js", "checkpoints.js")
COLOURS = ("INK", "EDGE", "VEIL", "MARK", "VIEW", "BLIND")  # of the palette, by the names that the scripts know them by
NAME = "xunqu-edit-map"
KEY = "edit map"


def mount(data: Mapping[str, Any], *, on_edit: Callable[[], None]) -> None:
    """Show the map; ``on_edit`` runs before the page does when there is an event (``latest_event``)."""
    _component()(key=KEY, data=dict(data), on_edit_change=on_edit)


def latest_event() -> Mapping[str, Any]:
    """Return what the person has just done; an empty mapping if nothing."""
    return getattr(st.session_state.get(KEY), "edit", None) or {}


def _component() -> Callable[..., Any]:
    script, style = _files()
    html = (HERE / "edit_map.html").read_text(encoding="utf-8")
    return st.components.v2.component(NAME, html=html, css=style, js=script)


@cache
def _files() -> tuple[str, str]:
    leaflet, sheet = leaflet_files()
    ours = [(HERE / name).read_text(encoding="utf-8") for name in SCRIPTS]
    colours = [f'const {name} = "{getattr(palette, name)}";' for name in COLOURS]
    return "\n".join([leaflet, *colours, *ours]), sheet + (HERE / "edit_map.css").read_text(encoding="utf-8")
