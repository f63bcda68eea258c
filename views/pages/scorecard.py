"""Scorecard: what residents reported, what patrols did, which base lines are met, and why arrests may not steer."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from gis_data.catalogue import text
from models.feedback_audit import COVERAGE
from models.plan import Plan
from views import charts, figures, score_tables
from views.documents import scorecard_xlsx
from views.downloads import Download
from views.pages import frame
from views.public_card import public_xlsx
from views.station import Station
from views.workbook import WORD_TINT

FUNNEL_PX, FEEDBACK_PX = 250, 240
PARTS = ("reported", "base_lines", "found", "feedback")
REPORTED = ("zone_id", "reported", "shrunk", "observed_to_expected", "expected_word", "latest_before", "change_word")
PATROLS = ("zone_id", "patrol_hours", "patrol_passes_per_week", "visibility_pct", "reached_pct", "arrest_incidents",
           "arrests_per_100h")  # fmt: skip
CHARTED = ("reported", "arrests")


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("scorecard", station)
    plan = frame.plan_or_say(station, "scorecard")
    if plan is None:
        return
    _numbers(plan)
    part = frame.choice("page.scorecard.parts", PARTS, words="page.scorecard.part", key="scorecard part", name="part")
    {"reported": _reported, "base_lines": _base_lines, "found": _patrols, "feedback": _feedback}[part](plan)
    _take(station, plan)
    with st.expander(text("page.method")):
        frame.notes(plan)


def _numbers(plan: Plan) -> None:
    table = plan.to_frame()
    verdicts = plan.tables["base_lines"]["verdict"].value_counts()
    judged = sum(int(verdicts.get(name, 0)) for name in ("met", "not_met", "not_readable"))
    hours = table["patrol_hours"].sum(skipna=False)
    spread = plan.settings["overdispersion"]
    frame.numbers(
        [
            (text("page.scorecard.reported"), f"{table['reported'].sum():,}", text("page.scorecard.reported_help")),
            (text("page.scorecard.arrests"), f"{table['arrest_incidents'].sum():,}", ""),
            (text("page.scorecard.hours"), figures.DASH if hours != hours else f"{hours:,.0f}", ""),
            (text("page.scorecard.met"), f"{verdicts.get('met', 0)} / {judged}", text("page.scorecard.met_help")),
            (text("page.scorecard.spread"), f"{spread:.1f}", text("page.scorecard.spread_help")),
        ]
    )


def _reported(plan: Plan) -> None:
    st.subheader(text("scorecard.group.reported"), anchor=False)
    tint = {text(f"scorecard.word.{word}"): colour for word, colour in WORD_TINT.items()}
    shown, rest = _parted(score_tables.reported(plan), REPORTED, plan)
    frame.table(shown, tint=tint)
    st.caption(text("page.scorecard.shrunk_help"))
    st.caption(text("scorecard.reading.ranks"))
    with st.expander(text("page.scorecard.further")):
        frame.table(rest)
        frame.table(score_tables.further(plan))


def _parted(table: pd.DataFrame, names: Sequence[str], plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the columns that are looked at first, as many as an upright tablet is wide, and the others by zone."""
    per = score_tables.per_of(plan)
    heads = [text(f"scorecard.column.{f'shrunk_{per}' if name == 'shrunk' else name}") for name in names]
    return table[heads], table[[heads[0], *(head for head in table if head not in heads)]]


def _base_lines(plan: Plan) -> None:
    left, right = st.columns((1.7, 1), gap="small")
    with left:
        st.subheader(text("scorecard.sheet.base_lines"), anchor=False)
        tint = {text(f"scorecard.verdict.{verdict}"): colour for verdict, colour in score_tables.VERDICT_TINT.items()}
        frame.table(score_tables.base_lines(plan), tint=tint)
        st.caption(text("scorecard.reading.base_lines"))
    with right:
        st.subheader(text("scorecard.funnel.title"), anchor=False)
        st.altair_chart(charts.funnel_chart(plan.tables["funnel"], plan.to_frame(), height_px=FUNNEL_PX))
        st.caption(text("scorecard.funnel.help"))


def _patrols(plan: Plan) -> None:
    st.subheader(text("scorecard.group.found"), anchor=False)
    shown, rest = _parted(score_tables.patrols(plan), PATROLS, plan)
    frame.table(shown)
    st.caption(text("scorecard.reading.arrests"))
    with st.expander(text("page.scorecard.further_patrols")):
        frame.table(rest)
    left, right = st.columns((1, 1.35), gap="small")
    with left:
        st.caption(text("scorecard.pools_help"))
        frame.table(score_tables.pools(plan))
    with right:
        st.caption(text("scorecard.spans_help"))
        frame.table(score_tables.spans(plan))
    if len(plan.tables["checkpoints"]):
        with st.expander(text("scorecard.sheet.checkpoints")):
            frame.table(score_tables.checkpoints(plan))


def _feedback(plan: Plan) -> None:
    st.subheader(text("scorecard.sheet.feedback"), anchor=False)
    key, values = next(note for note in plan.notes if "feedback" in note[0])
    st.markdown(text(key, **values))
    if "feedback" not in plan.tables:
        return
    paths = plan.tables["feedback_paths"]
    most = max(100 * COVERAGE / 2, float(paths[["share_pct", "high_pct"]].to_numpy().max()))
    for column, rule in zip(st.columns(len(CHARTED), gap="small"), CHARTED, strict=True):
        with column:
            st.caption(text(f"scorecard.feedback.{rule}"))
            st.altair_chart(charts.feedback_chart(paths, rule=rule, most_pct=most, height_px=FEEDBACK_PX))
    st.caption(text("scorecard.feedback.help"))
    with st.expander(text("scorecard.feedback.table")):
        frame.table(score_tables.feedback(plan))


def _take(station: Station, plan: Plan) -> None:
    tables = {text("scorecard.group.reported"): score_tables.reported(plan),
              text("page.scorecard.further"): score_tables.further(plan),
              text("scorecard.sheet.base_lines"): score_tables.base_lines(plan),
              text("scorecard.group.found"): score_tables.patrols(plan)}  # fmt: skip
    public = partial(public_xlsx, plan, station.study)
    books = [Download("page.download.public_card", text("sheet.file_public_card"), public)]
    layers = {}
    if "zones" in station.plans:
        zones = station.plans["zones"]
        whole = partial(scorecard_xlsx, plan, zones, station.study)
        books.insert(0, Download("page.download.scorecard", text("sheet.file_scorecard"), whole))
        layers = {"zones": zones.to_frame()[["zone_id", "geometry"]].merge(plan.to_frame(), on="zone_id")}
    frame.take(station, "scorecard", tables, layers=layers, books=books, product="scorecard")
