"""Class words that the lists do not hold: asked for, kept in ``station.toml``, and their rows read anew."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gis_data.catalogue import language, text
from gis_data.errors import PatrolError
from gis_data.intake.class_words import Word, words_in
from gis_data.intake.own_headers import save_classes
from gis_data.taxonomy import CLASSES, TYPES
from views import jobs
from views.pages import frame
from views.pages.deeds import deed_button
from views.station import Station

ACROSS = 4
MOST_WORDS = 12
ASKED = ("unknown", "guessed")

Chosen = dict[str, str]  # word -> our type


def words_of(station: Station) -> tuple[Word, ...]:
    """Return the words of the rows that came in already; read once."""
    return tuple(station.kept("class words", lambda: words_in(station.ws)))


def ask(words: Sequence[Word], key: str, chosen: Chosen) -> None:
    """Let a person say which type each word is; note what differs from how it is taken now."""
    for start in range(0, min(len(words), MOST_WORDS), ACROSS):
        row = words[start : min(start + ACROSS, MOST_WORDS)]
        for place, one in zip(st.columns(ACROSS, vertical_alignment="bottom"), row, strict=False):
            answer = _ask_one(place, one, key)
            if answer and answer != one.type:
                chosen[one.word] = answer
    if len(words) > MOST_WORDS:
        st.caption(text("page.words.more", count=len(words) - MOST_WORDS))


def _ask_one(place: DeltaGenerator, one: Word, key: str) -> str:
    group = TYPES[one.type][0] if one.type else ""
    options = sorted(TYPES, key=lambda kind: (TYPES[kind][0] != group, list(CLASSES).index(TYPES[kind][0])))
    known = one.how in ("new", "own") or (one.how == "unknown" and one.type != "")
    names = {kind: _called(kind) for kind in options}
    if not known:
        names = {"": text(f"page.words.left.{one.how}"), **names}
    # Of accepted rows only the finest word is kept; their class says where it belongs.
    named = f"{text(f'class.{group}')}/{one.word}" if group and one.named == one.word else one.named
    label = text(f"page.words.word.{one.how}", word=named, rows=f"{one.rows:,}")
    now = list(names).index(one.type) if known else 0
    return str(place.selectbox(
        frame.unmarked(label), list(names), now, key=f"word {key} {one.word}", format_func=lambda kind: names[kind],
    ))  # fmt: skip


def show(station: Station) -> None:
    """Ask for the words of rows that came in already, and read these rows anew."""
    words, chosen = words_of(station), Chosen()
    asked = [one for one in words if one.how in ASKED]
    known = [one for one in words if one.how not in ASKED]
    if not words:
        return
    title = text("page.words.title", count=len(asked)) if asked else text("page.words.title_known", count=len(known))
    with st.expander(title, expanded=bool(asked)):
        st.caption(text("page.words.help"))
        ask(asked, "asked", chosen)
        if asked and known:
            st.markdown(text("page.words.title_known", count=len(known)))
        ask(known, "known", chosen)
        ready = [one for one in asked if one.type and one.how == "unknown"]  # named by hand, and not read anew since
        if deed_button(text("page.words.save"), key="save words", disabled=not (chosen or ready)):
            concerned = sum(one.rows for one in words if one.word in chosen or one in ready)
            _read_anew(station, chosen, concerned)


def _read_anew(station: Station, chosen: Chosen, rows: int) -> None:
    try:
        ws = save_classes(station.ws, chosen) if chosen else station.ws
        jobs.start(ws.root, ["reread", "--json"], lang=language(), about={"words": len(chosen), "rows": rows})
    except PatrolError as problem:
        st.error(frame.unmarked(str(problem)))
        return
    st.rerun()


def _called(kind: str) -> str:
    return text("page.words.type", group=text(f"class.{TYPES[kind][0]}"), type=text(f"type.{kind}"))
