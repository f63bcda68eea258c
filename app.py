"""The dashboard's door: language, workspace, page list, nothing else.

``python3 start.py serve DIR`` opens it; ``XUNQU_WORKSPACE=DIR streamlit run app.py`` works too, without the base map.
"""

import os
import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gis_data.catalogue import LANGUAGES, set_language, text
from gis_data.errors import PatrolError
from views.pages import adjust, beats, cameras, data, edit, hotspots, overview, patterns, scorecard, zones
from views.station import open_station

PAGES = {
    "overview": overview.show, "data": data.show, "patterns": patterns.show, "hotspots": hotspots.show,
    "zones": zones.show, "adjust": adjust.show, "edit": edit.show, "beats": beats.show,
    "scorecard": scorecard.show, "cameras": cameras.show,
}  # fmt: skip
SIDEBAR_PX = 215  # set here: a style sheet would come later, and maps would be fitted to a page still growing
ICON = Path(__file__).resolve().parent / "views" / "pages" / "icon.png"


def main() -> None:
    """Show the chosen page of the workspace in the chosen language."""
    st.session_state.setdefault("lang", os.environ.get("XUNQU_LANG", LANGUAGES[0]))
    set_language(st.session_state["lang"])
    root = Path(os.environ.get("XUNQU_WORKSPACE") or (sys.argv[1] if len(sys.argv) > 1 else "town"))
    try:
        station = open_station(root)
    except PatrolError as problem:
        st.error(str(problem))
        return
    st.set_page_config(
        page_title=text("app.title", town=station.study.name),
        page_icon=str(ICON),
        layout="wide",
        initial_sidebar_state=SIDEBAR_PX,
    )
    pages = [
        st.Page(
            lambda show=show: show(station), title=text(f"page.{name}.title"), url_path=name, default=name == "overview"
        )
        for name, show in PAGES.items()
    ]
    page = st.navigation({station.study.name: pages})
    st.sidebar.radio(
        text("app.language"),
        LANGUAGES,
        key="lang",
        horizontal=True,
        format_func=lambda lang: text("app.language_name", lang=lang),
    )
    try:
        page.run()
    except PatrolError as problem:
        st.error(str(problem))


main()
