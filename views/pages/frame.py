"""What all pages share: heading, help line, key numbers, tables, downloads, and what to do when a plan is missing."""

import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from gis_data.catalogue import language, text
from models.plan import Plan
from views import figures
from views.downloads import layers_gpkg, tables_xlsx
from views.maps.frame import TownMap
from views.maps.picture import as_png
from views.station import Station

MAP_PX = 510
LOOK = Path(__file__).with_name("page.css")


def head(page: str, station: Station) -> None:
    """Write the page's heading, and one line that says what it is for."""
    st.html(_look())
    st.sidebar.html(_skip_link(text("app.skip")), unsafe_allow_javascript=True)  # where it takes no room
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(text(f"page.{page}.title"), anchor=False)
        st.session_state["take slot"] = st.container(width="content")
    mark = f' <span class="xq-mark">{text("map.synthetic")}</span>' if station.study.synthetic else ""
    st.html(f'<p class="xq-help">{text(f"page.{page}.help")}{mark}</p>')


@cache
def _look() -> str:
    return f"<style>{LOOK.read_text(encoding='utf-8')}</style>"


def _skip_link(words: str) -> str:
    """Return what puts a way past the list of pages before all else that the keyboard reaches."""
    return f"<script>{_SKIP.replace('WORDS', json.dumps(words))}</script>"


_SKIP = """
const main = document.querySelector("[data-testid=stMain]");
let skip = document.querySelector(".xq-skip");
if (!skip) {
  skip = document.createElement("button");
  skip.className = "xq-skip";
  skip.type = "button";
  document.body.prepend(skip);
}
skip.textContent = WORDS;
skip.onclick = () => { main.setAttribute("tabindex", "-1"); main.focus(); };
"""


def know_pages(pages: Mapping[str, Any]) -> None:
    """Note the pages that can be linked to (``st.Page`` by name)."""
    st.session_state["pages"] = pages


def link(page: str, label: str, **query: str) -> None:
    """Offer the way to another page, with what it shall show; words only where pages stand alone."""
    known = st.session_state.get("pages", {})
    if page in known:
        st.page_link(known[page], label=label, query_params={"lang": language(), **query})
    else:
        st.caption(label)


def plan_or_say(station: Station, name: str) -> Plan | None:
    """Return a plan, or say which command makes it."""
    plan = station.plans.get(name)
    if plan is None:
        st.info(text("page.not_planned", plan=text(f"page.plan.{name}"), part=name, folder=station.ws.root.name))
    return plan


def numbers(figures_: Sequence[tuple[str, str, str]]) -> None:
    """Show key numbers in one row: label, value, and what to know about it ("" for nothing)."""
    widths = [max(1.0, len(value) / 9) for _, value, _ in figures_]
    for column, (label, value, about) in zip(st.columns(widths), figures_, strict=True):
        column.metric(label, value, help=about or None)


def table(
    frame: pd.DataFrame, *, words: Sequence[str] = (), tint: Mapping[str, str] | None = None, empty: str = "page.empty"
) -> None:
    """Show a table, or a sentence when it has no rows."""
    if frame.empty:
        st.caption(text(empty))
    else:
        st.html(figures.as_html(frame, words=words, tint=tint))


def notes(plan: Plan) -> None:
    """List what a planner must read with a plan."""
    sentences(text(key, **values) for key, values in plan.notes)


def divided(plan: Plan) -> None:
    """Say which villages were divided, where the zones are first seen."""
    for key, values in plan.notes:
        if key == "zones.note.divided":
            st.info(text(key, **values))


def sentences(lines: Iterable[str]) -> None:
    """List sentences; what a file brought with it stays words."""
    st.html('<ul class="xq-list">' + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>")


def download(label: str, data: bytes | Callable[[], bytes], file: str) -> None:
    """Offer a file; it is made when it is asked for."""
    st.download_button(text(label), data, file, on_click="ignore", key=f"download {file}")


def take(
    station: Station,
    name: str,
    tables: Mapping[str, pd.DataFrame],
    *,
    layers: Mapping[str, gpd.GeoDataFrame] | None = None,
    draw: Callable[[], TownMap] | None = None,
    product: str = "",
) -> None:
    """Offer a page at its top right: tables as xlsx and csv, the map as a picture and a GeoPackage, the printed sheet.

    Parameters
    ----------
    name
        Begins the files' names.
    tables
        Tables by heading; those without rows are left out, the first is the one taken as csv.
    product
        Key of the sheet on the page Print.
    """
    full = {head: table for head, table in tables.items() if len(table)}
    places = {layer: table for layer, table in (layers or {}).items() if len(table)}
    with st.session_state["take slot"], st.popover(text("page.take.title"), key=f"take {name}"):
        if full:
            download("page.take.xlsx", speaking(tables_xlsx, full, station.study), f"{name}.xlsx")
            first = next(iter(full.values()))
            download("page.take.csv", lambda: figures.as_csv(first), f"{name}.csv")
        if draw is not None:
            tiles, folder = station.tiles, station.ws.root / "tiles"
            download("page.take.png", speaking(lambda: as_png(draw(), tiles, folder)), f"{name}.png")
        if places:
            download("page.take.gpkg", speaking(layers_gpkg, places, station.study), f"{name}.gpkg")
        if product:
            link("print", text("page.take.sheet"), product=product)
        st.caption(text("page.take.help"))


def speaking(make: Callable[..., bytes], *parts: Any) -> Callable[[], bytes]:  # noqa: ANN401 - the maker's arguments
    """Return a maker that speaks the page's language, in the name of its reader, although it runs outside the page."""
    context = copy_context()
    return lambda: context.copy().run(make, *parts)  # a context is entered once at a time
