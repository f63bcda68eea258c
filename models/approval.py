"""The way of a run of plans from proposal to checked to approved, and back; kept in the workspace, said in the log.

In:     a workspace with runs of plans.
Out:    ``plans/states.json``: every step a run took, in which role and why; ``plans/approved`` names the run in force.

Roles are words ("checker", "approver"), never names of persons. What a machine can check is checked and shown; a run
that fails a check may still be marked as checked, with a reason. A run changed by hand is a new run: a proposal again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from gis_data import acting, audit
from gis_data.errors import InputError
from gis_data.settings import ZoneSettings
from gis_data.workspace import Workspace, write_atomically
from models import store
from models.plan import Plan
from models.town_plan import PARTS

PROPOSAL, CHECKED, APPROVED = STATES = ("proposal", "checked", "approved")
ROLES = {PROPOSAL: "planner", CHECKED: "checker", APPROVED: "approver"}
ROUNDING = 5e-4  # load ratios are kept with three digits


@dataclass(frozen=True)
class Step:
    """One step of a run: the state it came to, in which role, when (UTC, ISO 8601), and why."""

    run: str
    state: str
    role: str
    at: str
    note: str = ""


@dataclass(frozen=True)
class Run:
    """A run of plans and how far it has come.

    Attributes
    ----------
    made_at
        When it was saved, UTC.
    state
        "proposal", "checked" or "approved".
    current
        Whether the pages show it.
    in_force
        Whether it is the run approved last: the one that is printed.
    """

    name: str
    made_at: pd.Timestamp
    state: str
    current: bool
    in_force: bool
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Check:
    """One thing a machine can check: its key under ``approval.check``, whether it holds, what its sentence names."""

    key: str
    holds: bool
    told: Mapping[str, Any]


def runs(ws: Workspace) -> list[Run]:
    """Return the runs that are kept, newest first."""
    taken, current, approved = _steps(ws), store.pointed_at(ws, store.CURRENT), store.pointed_at(ws, store.APPROVED)
    found = []
    for name in store.run_names(ws):
        own = tuple(step for step in taken if step.run == name)
        state = own[-1].state if own else PROPOSAL
        made_at = pd.to_datetime(name.partition("-")[0], format="%Y%m%dT%H%M%S", errors="coerce", utc=True)
        if pd.isna(made_at):  # a run that somebody named by hand
            made_at = pd.Timestamp(store.run_folder(ws, name).stat().st_mtime, unit="s", tz="UTC")
        found.append(Run(name, made_at, state, name == current, name == approved, own))
    return found


def find_run(ws: Workspace, name: str) -> Run:
    """Return a run by its name.

    Raises
    ------
    InputError
        If it is not kept.
    """
    known = {run.name: run for run in runs(ws)}
    if name not in known:
        raise InputError("approval.no_run", found=name, known=list(known) or "–")
    return known[name]


def take_step(ws: Workspace, name: str, state: str, *, note: str = "") -> Run:
    """Bring a run to a state and say so in the audit log.

    Parameters
    ----------
    note
        Why; needed to take a run back, and to mark one as checked that fails a check.

    Raises
    ------
    InputError
        If the run is not kept or already there, a reason is missing, or an unchecked run is to be approved.
    AccessError
        If the signed-in role may not take this step.
    """
    acting.require("approve" if APPROVED in (state, find_run(ws, name).state) else "change")
    note = note.strip()
    with ws.alone():
        run = find_run(ws, name)
        _refuse(ws, run, state, note)
        step = Step(name, state, ROLES[state], pd.Timestamp.now("UTC").isoformat(timespec="seconds"), note)
        kept = [asdict(one) for one in (*_steps(ws), step)]
        write_atomically(ws.root / "plans" / "states.json", json.dumps(kept, ensure_ascii=False, indent=1))
        if state == APPROVED:
            store.point_at(ws, name, store.APPROVED)
        elif run.in_force:
            store.point_at(ws, "", store.APPROVED)
        ws.log(f"run.{state}", role=step.role, run=name, note=note)
    return find_run(ws, name)


def show_run(ws: Workspace, name: str) -> None:
    """Make a kept run the one that all pages show, and say so in the audit log.

    Raises
    ------
    InputError
        If it is not kept.
    """
    with ws.alone():
        find_run(ws, name)
        store.point_at(ws, name, store.CURRENT)
        ws.log("run.shown", role=ROLES[PROPOSAL], run=name)


def run_to_print(ws: Workspace) -> str:
    """Return the name of the run that is printed: the approved one, else the current one; empty without any run."""
    approved = store.pointed_at(ws, store.APPROVED)
    known = store.run_names(ws)
    return approved if approved in known else store.pointed_at(ws, store.CURRENT)


def check_run(ws: Workspace, plans: Mapping[str, Plan]) -> tuple[Check, ...]:
    """Return everything a machine can check of a run, each with whether it holds."""
    missing = [part for part in PARTS if part not in plans]
    changed = sorted({name for part, plan in plans.items() for name, old in plan.inputs.items()
                      if (part == "cameras" or name != "cameras") and old != ws.table_hash(name)})  # fmt: skip
    broken = audit.verify(ws.root / audit.NAME)
    found = [
        Check("complete", not missing, {"missing": missing}),
        Check("fresh", not changed, {"tables": changed}),
        Check("log", broken is None, {"line": broken}),
    ]
    return (*found, *_zone_checks(plans["zones"], plans)) if "zones" in plans else tuple(found)


def _zone_checks(zones: Plan, plans: Mapping[str, Plan]) -> list[Check]:
    table = zones.to_frame()
    tolerance = float(zones.settings.get("zones", {}).get("tolerance", ZoneSettings.tolerance))
    off = table["load_ratio"].astype(float) - 1.0
    worst = table.iloc[int(off.abs().to_numpy().argmax())]
    by_hand = list(zones.settings.get("by_hand", ()))
    cut = [change for change in by_hand if change.get("insisted")]
    gap = None if zones.gap is None else 100 * zones.gap
    after = [name for name, main in (("beats", "zones"), ("scorecard", "scorecard"))
             if name in plans and not _same_zones(table, plans[name].tables[main])]  # fmt: skip
    balanced = bool(off.abs().max() <= tolerance + ROUNDING)
    ratio = {"zone": worst["zone_id"], "ratio": f"{worst['load_ratio']:.2f}", "tolerance": f"{100 * tolerance:g}"}
    return [
        Check("balance", balanced, ratio),
        Check("bound", gap is not None, {"gap": gap}),
        Check("whole", not cut, {"count": len(cut)}),
        Check("together", not after, {"parts": after}),
    ]


def _same_zones(zones: pd.DataFrame, others: pd.DataFrame) -> bool:
    """Tell whether two tables speak of the same zones by their roads, for zones are numbered alike in every plan."""
    both = zones.set_index("zone_id")["road_km"].sub(others.set_index("zone_id")["road_km"])
    return bool((both.abs() < ROUNDING).all())


def _refuse(ws: Workspace, run: Run, state: str, note: str) -> None:
    """Refuse a step that the run's state does not allow."""
    if state not in STATES:
        raise InputError("approval.no_state", found=state, known=STATES)
    if state == run.state and (state != APPROVED or run.in_force):
        raise InputError("approval.already", run=run.name)
    if state == APPROVED and run.state == PROPOSAL:
        raise InputError("approval.unchecked", run=run.name)
    fails = state == CHECKED and not all(check.holds for check in check_run(ws, store.load_plans(ws, run.name)))
    if not note and (state == PROPOSAL or fails):
        raise InputError("approval.reason")


def _steps(ws: Workspace) -> list[Step]:
    path = ws.root / "plans" / "states.json"
    return [Step(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []
