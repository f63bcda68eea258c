"""The dashboard's door: language, workspace, page list, nothing else.

``python3 start.py serve DIR`` opens it; ``XUNQU_WORKSPACE=DIR streamlit run app.py`` works too, without the base map.
"""

import os
import sys
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote, urlsplit

import streamlit as st
from streamlit.navigation.page import Page

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gis_data.acting import actor, may
from gis_data.catalogue import LANGUAGES, Language, text
from views.access import account_line, begin
from views.pages import (
    adjust,
    beats,
    cameras,
    data,
    edit,
    frame,
    hotspots,
    incident_map,
    patterns,
    plans,
    print_out,
    scorecard,
    settings,
    today,
    villages,
    zones,
)
from views.pages.address import asked, tell
from views.pages.broken import said_in_a_sentence
from views.station import Station, open_station

GROUPS = {  # along a planner's week: look at the day, at what happened, at the ground; decide; print
    "day": {"today": today.show, "data": data.show},
    "incidents": {"map": incident_map.show, "patterns": patterns.show, "hotspots": hotspots.show},
    "zones": {
        "zones": zones.show,
        "beats": beats.show,
        "scorecard": scorecard.show,
        "adjust": adjust.show,
        "edit": edit.show,
    },
    "places": {"cameras": cameras.show, "villages": villages.show},
    "decide": {"plans": plans.show, "print": print_out.show, "settings": settings.show},
}
FIRST = "today"
SIDEBAR_PX = 190  # set here: a style sheet would come later, and maps would be fitted to a page still growing
ICON = Path(__file__).resolve().parent / "views" / "pages" / "icon.png"


def main() -> None:
    """Show the chosen page of the workspace in the chosen language."""
    spoken = os.environ.get("XUNQU_LANG", LANGUAGES[0])
    # The choice outlives its widget, which is a new one on every page.
    lang = st.session_state.get("lang") or st.session_state.get("spoken") or asked("lang", LANGUAGES, spoken)
    st.session_state["spoken"] = lang
    begin(lang)
    root = Path(os.environ.get("XUNQU_WORKSPACE") or (sys.argv[1] if len(sys.argv) > 1 else "town"))
    with said_in_a_sentence(root):
        _open(root, lang, spoken)


def _open(root: Path, lang: Language, spoken: str) -> None:
    station = open_station(root, coarse=not may("points"))
    st.set_page_config(
        page_title=text("app.title", town=station.study.name),
        page_icon=str(ICON),
        layout="wide",
        initial_sidebar_state=SIDEBAR_PX,
    )
    pages = {
        name: st.Page(
            lambda show=show: show(station),
            title=text(f"page.{name}.title"),
            url_path="" if name == FIRST else name,
            default=name == FIRST,
        )
        for group in GROUPS.values()
        for name, show in group.items()
    }
    frame.know_pages(pages)
    groups = {text(f"app.group.{key}"): [pages[name] for name in group] for key, group in GROUPS.items()}
    groups[""] = _strays(station, {name for name, page in pages.items() if name != FIRST})
    page = st.navigation(groups, expanded=True)
    st.sidebar.radio(
        text("app.language"),
        LANGUAGES,
        index=LANGUAGES.index(lang),
        key="lang",
        horizontal=True,
        label_visibility="collapsed",
        format_func=lambda lang: text("app.language_name", lang=lang),
    )
    tell(lang="" if lang == spoken else lang)
    if actor().name:
        st.sidebar.html(account_line(actor(), cell_m=station.study.settings.cell_size_m))
    page.run()


def _strays(station: Station, known: Collection[str]) -> list[Page]:
    """Return a page for an address that names none: the first page, under its own name or after a word of ours."""
    name = unquote(urlsplit(st.context.url or "").path.strip("/"))
    if not name or name in known:
        return []

    def show() -> None:
        if name != FIRST:
            st.warning(text("app.no_page"))
        today.show(station)

    return [st.Page(show, title=text(f"page.{FIRST}.title"), url_path=name, visibility="hidden")]


main()
