"""Printing: what can be printed, how it will look, each file to take along, and all of them into one folder."""

from stat import S_ISREG

import pandas as pd
import streamlit as st

from gis_data.catalogue import language, text
from gis_data.errors import PatrolError
from gis_data.workspace import listed
from models import approval
from views import jobs
from views.downloads import Download
from views.formats import moment_words
from views.pages import frame, work
from views.pages.address import begin_with, tell
from views.pages.deeds import deed_button
from views.pages.printed import desk_of
from views.sheets.products import PRODUCTS, File, Product
from views.station import Station

PICTURE_PX = 620


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("print", station)
    work.watch(station)
    run = approval.run_to_print(station.ws)
    _which(station, run)
    desk = desk_of(station, run)
    known = [product for product in PRODUCTS if not product.lacks(desk)]
    if not known:
        st.info(text("page.no_plans", folder=station.ws.root.name))
        frame.link("plans", text("page.to_plans"))
        return
    left, right = st.columns((1, 1.25), gap="medium")
    with left:
        chosen = _list(known)
        _all(station)
    with right:
        _picture(station, run, _file(list(chosen.files(desk))))


def _which(station: Station, run: str) -> None:
    """Say which version is printed, and that it is only a proposal where nobody has approved it."""
    if not run:
        return
    state = approval.find_run(station.ws, run)
    made = moment_words(state.made_at.tz_convert(station.study.timezone))
    key = "page.print.in_force" if state.in_force else "page.print.proposal"
    (st.caption if state.in_force else st.warning)(text(key, made=made, state=text(f"approval.state.{state.state}")))


def _list(known: list[Product]) -> Product:
    """List the products, and return the chosen one."""
    by_key = {one.key: one for one in known}
    begin_with(list(by_key), known[0].key, key="product")
    chosen = by_key[
        st.radio(
            text("page.print.choose"), list(by_key), key="product", format_func=lambda key: by_key[key].title,
            captions=[one.about for one in known],
        )
    ]  # fmt: skip
    tell(product=chosen.key)
    return chosen


def _file(files: list[File]) -> File:
    """Return the file to look at: the only one, or the one chosen."""
    if len(files) == 1:
        tell(file="")
        return files[0]
    by_name = {file.name: file for file in files}
    first = next((file.name for file in files if file.has_picture), files[0].name)
    names, key = list(by_name), f"file of {files[0].name}"
    begin_with(names, first, key=key, name="file")
    chosen = st.selectbox(text("page.print.file"), names, key=key)
    tell(file="" if chosen == first else chosen)
    return by_name[chosen]


def _picture(station: Station, run: str, file: File) -> None:
    stem, _, kind = file.name.rpartition(".")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(stem, anchor=False)
        frame.download(station, Download("page.print.take", file.name, file.data, kind.upper()), main=True)
    if not file.has_picture:
        st.caption(text("page.print.no_picture"))
        return
    try:
        with st.spinner(text("page.print.drawing")):
            png = _png(station.stamp, run, language(), file.name, file)
    except PatrolError as problem:  # the other sheets can still be chosen
        st.error(str(problem))
        return
    st.image(png, width=PICTURE_PX)
    st.caption(text("page.print.picture_help"))


def _all(station: Station) -> None:
    now = jobs.current(station.ws.root)
    busy = now is not None and now.state == jobs.RUNNING
    if deed_button(text("page.print.all"), key="print all", disabled=busy, help=text("page.print.all_help")):
        work.begin(station, ["print"])
    files = {path.name: known.st_mtime for path, known in listed(station.ws.out, "[!.]*") if S_ISREG(known.st_mode)}
    if files:
        with st.expander(text("page.print.out", count=len(files))):
            table = pd.DataFrame(
                {
                    text("page.print.file"): list(files),
                    text("page.print.written"): [
                        f"{pd.Timestamp(written, unit='s', tz=station.study.timezone):%Y-%m-%d %H:%M}"
                        for written in files.values()
                    ],
                }
            )
            frame.table(table, words=list(table.columns))


@st.cache_data(max_entries=24, show_spinner=False)
def _png(stamp: str, run: str, lang: str, name: str, _file: File) -> bytes:  # noqa: ARG001 - the cache's key
    return _file.picture()
