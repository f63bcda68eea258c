"""Settings: every number a station may change, with its plain reason; checked, written and logged in one go."""

import math
import unicodedata
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from gis_data.catalogue import flat, sentences, text
from gis_data.change_settings import change_settings, limits_of
from gis_data.errors import PatrolError
from gis_data.intake import purge_originals
from gis_data.settings import Settings
from views.pages import frame
from views.pages.deeds import deed_button
from views.station import Station

OFTEN = (  # what a station asks for first
    "zones.count", "zones.tolerance", "zones.locked_villages", "zones.post_villages", "hotspots.expire_after_months",
    "cameras.population_over", "cameras.budget_cny", "beats.shift_h", "privacy.publish_at_least",
)  # fmt: skip
SECTIONS = ("often", "general", "hotspots", "workload", "zones", "beats", "scorecard", "cameras", "privacy")
COLUMNS = ("label", "name", "value", "default", "reason")
MOST_LETTERS = 2000
CHOICES = {"cameras.population_operator": [">", ">="], "hotspots.method": ["dbscan", "hdbscan"]}


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("settings", station)
    said = st.session_state.pop("settings done", "")
    if said:
        st.success(said)
        frame.link("plans", text("page.to_plans"), start="plan")
    values, defaults = (dict(flat(one.to_mapping())) for one in (station.study.settings, Settings()))
    moved = _moved(values)
    if moved:
        st.warning(moved)
    section = frame.choice("page.settings.section", SECTIONS, words="page.settings.sections", key="section")
    names = [name for name in values if _belongs(name, section)]
    with st.form(f"settings {section}", border=False):
        wanted = {name: _field(name, values[name], defaults[name]) for name in names}
        reason = st.text_input(text("page.settings.reason"), key=f"reason {section}", max_chars=200)
        if deed_button(text("page.settings.save"), in_form=True, type="primary"):
            _save(station, wanted, values, reason, moved)
    st.caption(text("page.settings.after"))
    _originals(station)
    with st.expander(text("page.settings.station")):
        study = station.study
        shown = [text("page.settings.name", name=study.name), text("page.settings.crs", crs=study.crs),
                 text("page.settings.timezone", timezone=study.timezone),
                 text("page.settings.folder", folder=station.ws.root.name)]  # fmt: skip
        frame.sentences(shown)
    frame.take(station, "settings", {text("page.settings.title"): _table(values, defaults)})


def _moved(values: Mapping[str, Any]) -> str:
    """Say what somebody else has changed since this session saw the form: its fields hold the new values now."""
    seen = st.session_state.get("settings seen", values)
    st.session_state["settings seen"] = values
    names = [_label(name) for name, value in values.items() if seen.get(name) != value]
    return text("page.settings.moved", names=names) if names else ""


def _table(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> pd.DataFrame:
    """Return every setting with its value, its default and why it is as it is."""
    rows = [
        (_label(name), name, _shown(value), _shown(defaults[name]), _reason(name)) for name, value in values.items()
    ]
    return pd.DataFrame(rows, columns=[text(f"page.settings.column.{name}") for name in COLUMNS])


def _belongs(name: str, section: str) -> bool:
    if section == "often":
        return name in OFTEN
    return "." not in name if section == "general" else name.startswith(f"{section}.")


def _field(name: str, value: Any, default: Any) -> Any:  # noqa: ANN401 - a setting may have any simple type
    """Show one setting: its name, why it is as it is, and a field for its value."""
    left, right = st.columns((1, 2.1), gap="medium", vertical_alignment="bottom")
    with left:
        given = _input(name, value)
    same = value == default
    mark = text("page.settings.default") if same else text("page.settings.changed", default=_shown(default))
    right.caption(f"{_reason(name)} {mark}")
    return given


def _input(name: str, value: Any) -> Any:  # noqa: ANN401
    label = _label(name)
    key = f"setting {name} {value}"  # a value that somebody else has changed since is shown, not written over
    if name in CHOICES:
        options = CHOICES[name]
        return st.selectbox(label, options, index=options.index(value) if value in options else 0, key=key)
    if isinstance(value, bool):
        return st.toggle(label, value, key=key)
    if isinstance(value, int | float):
        kind = type(value)
        low, high = (kind(limit) for limit in limits_of(name))
        step = kind(1) if kind is int else _step(value)
        return st.number_input(label, low, high, min(max(value, low), high), step, key=key, format=_format(value))
    words = ", ".join(f"{one:g}" for one in value) if isinstance(value, list) else value
    return st.text_input(label, words, key=key, max_chars=MOST_LETTERS)


def _label(name: str) -> str:
    key = f"page.settings.field.{name}"
    return text(key) if key in sentences("zh") else name


def _reason(name: str) -> str:
    key = f"settings.{name}"
    return text(key) if key in sentences("zh") else ""


def _step(value: float) -> float:
    return 10.0 ** (math.floor(math.log10(value)) - 1) if value > 0 else 1.0


def _format(value: float) -> str | None:
    return None if isinstance(value, int) else "%g"


def _shown(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, list):
        return ", ".join(f"{one:g}" for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _save(station: Station, wanted: Mapping[str, Any], old: Mapping[str, Any], reason: str, moved: str) -> None:
    try:
        changes = nested({name: _typed(value, old[name]) for name, value in wanted.items()})
        before = station.study.settings
        after = change_settings(station.ws, changes, reason=reason.strip()).study.settings
    except PatrolError as problem:
        st.error(str(problem))
        return
    if after == before:
        st.info(text("page.settings.nothing"))
        return
    st.session_state["settings done"] = " ".join(filter(None, (text("page.settings.saved"), moved)))
    del st.session_state["settings seen"]
    st.rerun()


def _typed(value: Any, old: Any) -> Any:  # noqa: ANN401
    """Return a list that was written as words as numbers; anything else as it is."""
    if not isinstance(old, list):
        return value
    try:
        return [float(part) for part in unicodedata.normalize("NFKC", str(value)).split(",") if part.strip()]
    except ValueError:
        return value  # the check of types says what is wrong with it


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted names as nested tables."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *sections, key = name.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[key] = value
    return tree


def _originals(station: Station) -> None:
    days = station.study.settings.privacy.purge_raw_after_days
    with st.expander(text("page.settings.originals")):
        st.caption(text("page.settings.originals_help", days=days))
        if deed_button(text("page.settings.purge"), key="purge"):
            gone = purge_originals(station.ws)
            st.success(text("command.purged", days=days, files=len(gone)))
