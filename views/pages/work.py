"""Long work on a page: a form that starts it, what is being done and how long it may take, and a way to stop it."""

import html
import json
from typing import Any

import streamlit as st

from gis_data.catalogue import Language, language, sentences, text
from gis_data.errors import PatrolError
from models.town_plan import ON_REQUEST, PARTS
from views import figures, jobs
from views.access import begin as begin_run
from views.jobs import DONE, RUNNING, Work
from views.pages.broken import said_in_a_sentence
from views.pages.deeds import deed_button
from views.quality import COUNTS
from views.station import Station

LOOK_EVERY_S = 1.0
READS = ("import", "reread")  # commands that account for files
START = "start"  # what an address asks a page to hold open: the form that starts this work


def plan_form(station: Station) -> None:
    """Offer to compute plans, or show the work that is going on."""
    now = jobs.current(station.ws.root)
    if now is not None:
        watch(station)
    if now is not None and now.state == RUNNING:
        return
    ready = len(station.table("incidents")) > 0
    asked = st.query_params.get(START) == "plan"  # another page sent its reader here to compute
    with st.expander(text("page.work.plan"), expanded=ready and (asked or not station.plans)):
        st.caption(text("page.work.plan_help"))
        parts = st.multiselect(
            text("page.work.parts"), (*PARTS, *ON_REQUEST), default=list(PARTS), key="plan parts",
            format_func=lambda part: text(f"page.plan.{part}"),
        )  # fmt: skip
        if not ready:
            st.caption(text("page.work.no_incidents"))
        if deed_button(text("page.work.start"), type="primary", key="start plan", disabled=not (parts and ready)):
            st.query_params.pop(START, None)
            begin(station, ["plan", *[part for part in (*PARTS, *ON_REQUEST) if part in parts]])


def begin(station: Station, command: list[str]) -> None:
    """Start a command and show the page anew."""
    try:
        jobs.start(station.ws.root, command, lang=language())
    except PatrolError as problem:
        st.error(str(problem))
        return
    st.rerun()


def watch(station: Station) -> None:
    """Show the work that is going on, or what it came to."""
    now = jobs.current(station.ws.root)
    if now is None:
        return
    if now.state == RUNNING:
        _running(station, language())
    else:
        _ended(station, now)


@st.fragment(run_every=LOOK_EVERY_S)
def _running(station: Station, lang: Language) -> None:
    """Show progress every second; only this part of the page is drawn again."""
    begin_run(lang)
    with said_in_a_sentence(station.ws.root):
        _progress(station)


def _progress(station: Station) -> None:
    now = jobs.current(station.ws.root)
    if now is None or now.state != RUNNING:
        st.rerun()
    left, right = st.columns((5, 1), vertical_alignment="center")
    with left:
        st.progress(min(now.share, 1.0), progress_line(now))
    with right:
        if deed_button(text("page.work.stop"), key="stop work", help=text("page.work.stop_help")):
            jobs.stop(station.ws.root)
            st.rerun()
    st.caption(text("page.work.usable"))


def progress_line(now: Work) -> str:
    """Say what is being done, for how long, and how long it may still take."""
    known = now.step in sentences("zh")
    step = text(now.step) if known else text("page.work.starting")
    went = text("page.work.seconds", seconds=f"{now.seconds:.0f}")
    if now.left_s is None:
        return text("page.work.going", work=_name(now), step=step, went=went)
    left = text("page.work.seconds", seconds=f"{max(now.left_s, 1):.0f}")
    return text("page.work.going_left", work=_name(now), step=step, went=went, left=left)


def say_failed(station: Station, *, only: str = "") -> None:
    """Say that the last piece of work failed, why, and what the pages show now; nothing where it did not.

    Parameters
    ----------
    only
        Say it of this command alone.
    """
    now = jobs.current(station.ws.root)
    if now is not None and now.state == jobs.FAILED and only in ("", now.command[0]):
        state = text("page.work.stored" if now.stored else "page.work.as_before")
        st.error(f"{failed_line(now)} {state}")


def failed_line(now: Work) -> str:
    """Say that work failed, at which step and why; the program's last words say what to do."""
    said = now.problem.strip().splitlines()
    values: dict[str, Any] = {"work": _name(now), "went": text("page.work.seconds", seconds=f"{now.seconds:.0f}"),
              "problem": said[-1] if said else text("page.work.no_word")}  # fmt: skip
    if now.step in sentences("zh"):
        return text("page.work.failed_at", step=text(now.step), **values)
    return text("page.work.failed", **values)


def _ended(station: Station, now: Work) -> None:
    values: dict[str, Any] = {"work": _name(now), "went": text("page.work.seconds", seconds=f"{now.seconds:.0f}")}
    with st.container(horizontal=True, vertical_alignment="center"):
        if now.state == DONE:
            st.success(text("page.work.done", **values))
        elif now.state == jobs.STOPPED:
            st.warning(text("page.work.stopped_stored" if now.stored else "page.work.stopped", **values))
        else:
            st.error(failed_line(now))
        if now.state == DONE and now.said.strip():
            with st.popover(text("page.work.said")):
                st.html(f'<pre class="xq-said">{html.escape(_said(now))}</pre>')
        put_away_button(station)


def put_away_button(station: Station) -> None:
    """Offer to put away what work came to."""
    if deed_button(text("page.work.put_away"), key="put away"):
        jobs.put_away(station.ws.root)
        st.rerun()


def account_of(now: Work) -> tuple[list[str], list[str]]:
    """Return what an import that has ended read, a line a file, and what it noticed in the files."""
    accounts, noticed = [], []
    for row in json.loads(now.said):
        if not row["rows_read"]:  # known already, or not read: its sentence is its account
            accounts += row["sentences"]
            continue
        counts: dict[str, Any] = {name: f"{row[name]:,}" for name in COUNTS}
        accounts.append(
            text(
                "command.imported",
                file=figures.file_called(row["file"]),
                table=figures.table_name(row["table"]),
                **counts,
            )
        )
        noticed += row["sentences"]
    return accounts, noticed


def _said(now: Work) -> str:
    """Return what work said in words; one that reads files speaks to programs, and a person reads its account."""
    if now.command[0] not in READS:
        return now.said.strip()
    accounts, noticed = account_of(now)
    return "\n".join([*accounts, *noticed])


def _name(now: Work) -> str:
    return text(f"page.work.name.{now.command[0]}")
