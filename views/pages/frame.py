"""What all pages share: heading, help line, key numbers, tables, downloads, and what to do when a plan is missing."""

import hashlib
import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gis_data.catalogue import Language, language, text
from gis_data.workspace import Workspace
from models.plan import Plan
from views import figures
from views.basemap.tiles import TileSet
from views.downloads import Download, Layers, Tables, downloads_of
from views.maps.frame import TownMap
from views.maps.picture import as_png
from views.pages import broken, printed, work
from views.pages.address import begin_with, tell
from views.station import Station

MAP_PX = 510
OWN = ("browse", "enter", "no_match", "refused", "not_made", "lost")  # in the place of Streamlit's own words: page.css
TICKS = ("✓", "✗")
LOOK = Path(__file__).with_name("page.css")


def head(page: str, station: Station) -> None:
    """Write the page's heading, and one line that says what it is for."""
    st.html(_look(language()))
    scripts = _skip_link(text("app.skip")) + f"<script>{_ENDED}</script>"
    st.sidebar.html(scripts, unsafe_allow_javascript=True)  # where they take no room
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(text(f"page.{page}.title"), anchor=False)
        st.session_state["take slot"] = st.container(width="content")
    mark = f' <span class="xq-mark">{text("map.synthetic")}</span>' if station.study.synthetic else ""
    st.html(f'<p class="xq-help">{text(f"page.{page}.help")}{mark}</p>')


@cache
def _look(lang: Language) -> str:
    """Return the style of every page, and with it the words that stand in the place of Streamlit's own."""
    words = {name.replace("_", "-"): text(f"widget.{name}", lang=lang) for name in OWN}
    words["broken"] = text("app.broken", lang=lang, file=broken.NAME)
    said = "".join(f"--xq-{name}: {json.dumps(one, ensure_ascii=False)};" for name, one in words.items())
    return f"<style>:root {{ {said} }} {LOOK.read_text(encoding='utf-8')}</style>"


def _skip_link(words: str) -> str:
    """Return what puts a way past the list of pages before all else that the keyboard reaches."""
    return f"<script>{_SKIP.replace('WORDS', json.dumps(words))}</script>"


_SKIP = """
{  // a block: the script runs again with every page, and its names must not meet
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
}
"""


_ENDED = """
window.xqEnded ??= (() => {  // a page that lost its server asks whether it was turned out, and goes to sign in again
  const state = "data-test-connection-state";
  const watch = new MutationObserver(async () => {
    if (document.querySelector(`[${state}]`)?.getAttribute(state) === "CONNECTED") return;
    const answer = await fetch("/_stcore/health", {cache: "no-store"}).catch(() => null);
    if (answer?.status !== 401) return;
    location.assign(`/sign-in?ended=1&next=${encodeURIComponent(location.pathname + location.search)}`);
  });
  watch.observe(document.body, {subtree: true, attributes: true, attributeFilter: [state]});
  return watch;
})();
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
    """Return a plan, or say which command makes it; say too that the last computing failed, and why."""
    work.say_failed(station, only="plan")
    plan = station.plans.get(name)
    if plan is None:
        st.info(text("page.not_planned", plan=text(f"page.plan.{name}"), part=name, folder=station.ws.root.name))
        link("plans", text("page.to_plans"), start="plan")
    return plan


def no_incidents(station: Station) -> None:
    """Say that nothing has been imported yet, and where that is done."""
    st.info(text("page.no_incidents", folder=station.ws.root.name))
    link("data", text("page.to_data"), start="import")


def numbers(figures_: Sequence[tuple[str, str, str]]) -> None:
    """Show key numbers in one row: label, value, and what to know about it ("" for nothing)."""
    widths = [max(1.0, len(value) / 9) for _, value, _ in figures_]
    for column, (label, value, about) in zip(st.columns(widths), figures_, strict=True):
        column.metric(label, value, help=about or None)


def choice(label: str, known: Sequence[str], *, words: str, key: str, name: str = "") -> str:
    """Offer a few values beside one another; the address holds the chosen one, unless it is the first.

    Parameters
    ----------
    label, words
        Catalogue keys of what is chosen, and of the values' words (each below it).
    key, name
        The widget's key, and what the address calls the value (the key, where no name is given).
    """
    begin_with(known, known[0], key=key, name=name)
    chosen = str(st.segmented_control(
        text(label), known, key=key, required=True, label_visibility="collapsed",
        format_func=lambda one: text(f"{words}.{one}"),
    ))  # fmt: skip
    tell(**{name or key: "" if chosen == known[0] else chosen})
    return chosen


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
    """List sentences; what a file brought with it stays words, and a tick or a cross stands in the bullet's place."""
    marked = ((' class="xq-ticked"' if line[:1] in TICKS else "", line) for line in lines)
    st.html('<ul class="xq-list">' + "".join(f"<li{tick}>{html.escape(line)}</li>" for tick, line in marked) + "</ul>")


def unmarked(words: str) -> str:
    """Return words in which nothing is markdown: headers and file names are a stranger's text."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>$~:#|" else letter for letter in words)


def take(
    station: Station,
    name: str,
    tables: Tables,
    *,
    layers: Layers | Callable[[], Layers] | None = None,
    maps: Mapping[str, Callable[[], TownMap]] | None = None,
    books: Sequence[Download] = (),
    product: str = "",
    slot: DeltaGenerator | None = None,
) -> None:
    """Offer all that a page can be taken away as, in one menu at its top right.

    Parameters
    ----------
    name, tables, layers
        As ``views.downloads.downloads_of`` takes them.
    maps
        What draws the page's maps, by what each shows ("" for the only one).
    books
        Documents made for this page alone.
    product
        Key of the sheet on the page Print, whose first page of paper is offered too.
    slot
        Where the menu stands, for a part of a page that is drawn again by itself.
    """
    tiles, folder = station.tiles, station.ws.root / "tiles"
    pictures = {part: partial(_picture, draw, tiles, folder) for part, draw in (maps or {}).items()}
    found = [*downloads_of(name, station.study, tables=tables, layers=layers or {}, pictures=pictures), *books]
    sheet = printed.sheet_of(station, product) if product else None
    if not found and sheet is None:
        return
    with (
        st.session_state["take slot"] if slot is None else slot,
        st.popover(text("page.take.title"), key=f"take {name}"),
    ):
        for one in found:
            download(station, one)
        if sheet is not None:
            download(station, sheet)
            link("print", text("page.take.sheet"), product=product)
        st.caption(text("page.take.help"))


def download(station: Station, one: Download, *, main: bool = False) -> None:
    """Offer a file; it is made when it is asked for, in the reader's language and name, and the log says so."""
    label = text("page.take.part", what=text(one.label), part=one.part) if one.part else text(one.label)
    make = speaking(_taken, station.ws, one)
    st.download_button(label, make, one.file, on_click="ignore", key=f"download {one.file}",
                       type="primary" if main else "secondary")  # fmt: skip


def _taken(ws: Workspace, one: Download) -> bytes:
    """Make a file, and note who takes away what, with the hash by which the file is known again."""
    content = one.make()
    ws.log("take", file=one.file, outputs={one.file: hashlib.sha256(content).hexdigest()})
    return content


def _picture(draw: Callable[[], TownMap], tiles: TileSet | None, folder: Path) -> bytes:
    return as_png(draw(), tiles, folder)


def speaking(make: Callable[..., bytes], *parts: Any) -> Callable[[], bytes]:  # noqa: ANN401 - the maker's arguments
    """Return a maker that speaks the page's language, in the name of its reader, although it runs outside the page."""
    context = copy_context()
    return lambda: context.copy().run(make, *parts)  # a context is entered once at a time
