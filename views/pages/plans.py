"""Plans: computing them, each run from proposal to checked to approved, two runs beside each other, and the log."""

import streamlit as st

from gis_data import audit
from gis_data.catalogue import language, text
from gis_data.errors import PatrolError
from models import approval, store, two_plans
from models.approval import APPROVED, CHECKED, PROPOSAL, Check, Run
from models.plan import Plan
from models.reviews import let_stand
from views import figures, plan_words
from views.maps.frame import TownMap
from views.maps.two_plans import two_plans_map
from views.pages import frame, work
from views.pages.address import TO, begin_with, begin_with_some, tell
from views.pages.deeds import deed_button
from views.station import Station, show_map, standing_decisions

MAP_PX = 480
SHOWN_ENTRIES = 200
TABS = ("steps", "compare", "decisions", "log")


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("plans", station)
    _say_done()
    work.plan_form(station)
    known = approval.runs(station.ws)
    if not known:
        st.info(text("page.plans.none_yet", folder=station.ws.root.name))
        if station.table("incidents").empty:
            frame.link("data", text("page.to_data"), start="import")
    else:
        names = {run.name: plan_words.run_label(run, station.study.timezone) for run in known}
        tab = frame.choice("page.plans.tabs", TABS, words="page.plans.tab", key="plans tab", name="tab")
        if tab == "steps":
            _steps(station, known, names)
        elif tab == "compare":
            _compare(station, names)
        elif tab == "decisions":
            _decisions(station)
        else:
            _log(station)


# ---- one run's way ----


def _steps(station: Station, known: list[Run], names: dict[str, str]) -> None:
    begin_with(list(names), known[0].name, key="run")
    chosen = st.selectbox(text("page.plans.choose"), list(names), format_func=lambda name: names[name], key="run")
    tell(run=chosen)
    run = next(one for one in known if one.name == chosen)
    plans = _plans_of(station.stamp, run.name, station)
    left, right = st.columns((1.15, 1), gap="medium")
    with left:
        table = figures.plans_table(plans)
        frame.table(table, words=list(table.columns))
        frame.take(station, "plans", {text("page.plans.tab.steps"): table})
        _history(run, station.study.timezone)
    with right:
        st.subheader(text("page.plans.checks"), anchor=False)
        checks = _checks_of(station.stamp, run.name, station)
        frame.sentences(plan_words.check_line(check) for check in checks)
        _decide(station, run, checks)


def _history(run: Run, timezone: str) -> None:
    st.subheader(text("page.plans.history"), anchor=False)
    if run.steps:
        frame.sentences(plan_words.step_line(step.state, step.role, step.at, step.note, timezone) for step in run.steps)
    else:
        st.caption(text("page.plans.no_steps"))


def _decide(station: Station, run: Run, checks: tuple[Check, ...]) -> None:
    """Offer the steps that a run can take now."""
    fails = not all(check.holds for check in checks)
    needed = fails and run.state == PROPOSAL
    note = st.text_input(
        text("page.plans.note_needed" if needed else "page.plans.note"), key="step note", max_chars=200
    )
    with st.container(horizontal=True):
        if run.state == PROPOSAL and deed_button(
            text("page.plans.to.checked"), type="primary", key="to checked", disabled=needed and not note.strip()
        ):
            _take(station, run, CHECKED, note)
        if (run.state == CHECKED or (run.state == APPROVED and not run.in_force)) and deed_button(
            text("page.plans.to.approved"), deed="approve", type="primary", key="to approved"
        ):
            _take(station, run, APPROVED, note)
        if run.state != PROPOSAL and deed_button(
            text("page.plans.to.proposal"), deed="approve" if run.state == APPROVED else "change",
            key="to proposal", disabled=not note.strip(),
        ):  # fmt: skip
            _take(station, run, PROPOSAL, note)
        if not run.current and deed_button(text("page.plans.show"), key="show run"):
            approval.show_run(station.ws, run.name)
            _done(text("page.plans.now_shown"))
    st.caption(text("page.plans.roles"))


def _take(station: Station, run: Run, state: str, note: str) -> None:
    try:
        approval.take_step(station.ws, run.name, state, note=note)
    except PatrolError as problem:
        st.error(str(problem))
        return
    _done(text("page.plans.done", state=text(f"approval.state.{state}")))


def _done(words: str) -> None:
    st.session_state["step done"] = words
    st.session_state.pop("step note", None)
    st.rerun()


def _say_done() -> None:
    words = st.session_state.pop("step done", "")
    if words:
        st.success(words)


# ---- two runs ----


def _compare(station: Station, names: dict[str, str]) -> None:
    if len(names) < 2:
        st.caption(text("page.plans.only_one"))
        return
    ids = list(names)
    left, right = st.columns(2)
    begin_with(ids, ids[1], key="first")
    begin_with(ids, ids[0], key="second")
    first = left.selectbox(text("page.plans.first"), ids, format_func=lambda name: names[name], key="first")
    second = right.selectbox(text("page.plans.second"), ids, format_func=lambda name: names[name], key="second")
    tell(first=first, second=second)
    one, two = (_plans_of(station.stamp, name, station) for name in (first, second))
    left, right = st.columns((1.55, 1), gap="small")
    if "zones" in one and "zones" in two:
        moved = two_plans.moved_units(one["zones"], two["zones"])
        with left:
            show_map(
                station, f"two plans {first} {second}",
                lambda: _map(station, one["zones"], two["zones"]), lang=language(), height_px=MAP_PX,
                about=text("page.plans.map"),
            )  # fmt: skip
            st.caption(text("page.plans.map_help", count=len(moved)))
            frame.table(plan_words.moved_table(moved), words=list(plan_words.moved_table(moved).columns[:3]),
                        empty="page.plans.none_moved")  # fmt: skip
    with right:
        table = plan_words.figures_table(two_plans.compare_figures(one, two))
        frame.table(table, words=[*table.columns[:2], table.columns[-1]])
        st.caption(text("page.plans.better_help"))
    zones = {"first": one, "second": two}
    layers = {name: plans["zones"].to_frame() for name, plans in zones.items() if "zones" in plans}
    maps = {"": lambda: _map(station, one["zones"], two["zones"])} if len(layers) == 2 else {}
    frame.take(station, "two_plans", {text("page.plans.tab.compare"): table}, layers=layers, maps=maps)


def _map(station: Station, first: Plan, second: Plan) -> TownMap:
    moved = two_plans.moved_units(first, second)
    return two_plans_map(station.study, first, second, moved, station.table("villages"), station.tiles)


# ---- decisions by hand ----


def _decisions(station: Station) -> None:
    """List what people decided and is in force, and let one stand for another term."""
    known = standing_decisions(station)
    months = station.study.settings.review_after_months
    st.caption(text("page.plans.decisions_help", months=months))
    table = plan_words.decision_table(known)
    frame.table(table, words=list(table.columns), empty="page.plans.no_decisions")
    frame.take(station, "decisions", {text("page.plans.tab.decisions"): table})
    if not known:
        return
    by_key = {one.key: one for one in known}
    begin_with(list(by_key), known[0].key, key="decision")
    left, right = st.columns((1, 1), gap="medium")
    chosen = left.selectbox(text("page.plans.decision_which"), list(by_key), key="decision",
                            format_func=lambda key: plan_words.decision_words(by_key[key]))  # fmt: skip
    tell(decision=chosen)
    note = right.text_input(text("page.plans.decision_note"), key="decision note", max_chars=200)
    if deed_button(text("page.plans.decision_stands"), key="decision stands", disabled=not note.strip()):
        try:
            let_stand(station.ws, by_key[chosen], note=note)
        except PatrolError as problem:
            st.error(str(problem))
            return
        st.session_state.pop("decision note", None)
        _done(text("page.plans.decision_noted", months=months))


# ---- the log ----


def _log(station: Station) -> None:
    path = station.ws.root / audit.NAME
    broken = audit.verify(path)
    if broken is None:
        st.caption(text("command.audit_ok"))
    else:
        st.error(text("error.audit.broken", file=path.name, line=broken))
    entries = audit.entries(path)
    actions = plan_words.actions_of(entries)
    begin_with_some(actions, key="actions")
    chosen = st.multiselect(
        text("page.plans.log.filter"), actions, format_func=plan_words.action_name, key="actions",
        placeholder=text("page.plans.log.all"),
    )  # fmt: skip
    tell(actions=TO.join(chosen))
    wanted = [entry for entry in entries if not chosen or entry["action"] in chosen]
    table = plan_words.log_table(wanted, station.study.timezone)
    frame.table(table.head(SHOWN_ENTRIES), words=list(table.columns))
    frame.take(station, "log", {text("page.plans.tab.log"): table})


@st.cache_resource(max_entries=6, show_spinner=False)
def _plans_of(stamp: str, run: str, _station: Station) -> dict[str, Plan]:  # noqa: ARG001 - the cache's key
    return store.load_plans(_station.ws, run)


@st.cache_data(max_entries=6, show_spinner=False)
def _checks_of(stamp: str, run: str, _station: Station) -> tuple[Check, ...]:
    return approval.check_run(_station.ws, _plans_of(stamp, run, _station))
