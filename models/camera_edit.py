"""Changes by hand to the camera plan of a workspace: opened, judged in memory, recorded with a reason.

In:     a workspace with its current run.
Out:    the current run with the changed camera plan; the list of cameras that the next plan keeps; a line in the log.
"""

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gis_data.errors import InputError
from gis_data.progress import Progress, silent
from gis_data.workspace import Workspace
from models.cameras.demand import find_demand
from models.cameras.hand import CameraChange, CameraGround, CameraHand, changed, kept_rows
from models.cameras.left_out import with_why_not
from models.cameras.plan import night_figures, yuan
from models.cameras.private import private_ground
from models.plan import Plan
from models.town_plan import Job, open_plan, save_run

MADE_FROM = ("incidents", "villages", "roads", "buildings", "places", "cameras")


def open_cameras(ws: Workspace, *, progress: Progress = silent) -> tuple[Job, Plan, CameraHand]:
    """Return the current camera plan ready to be changed by hand, with what it was made from.

    Raises
    ------
    InputError
        If there is no camera plan, no camera in it, or records have changed since it was made.
    """
    job, plan = open_plan(
        ws, "cameras", made_from=MADE_FROM, absent="cameras.hand.no_plan", stale="cameras.hand.stale", progress=progress
    )
    settings = job.study.settings.changed({"cameras": dict(plan.settings["cameras"])}).cameras
    tables = job.tables
    demand = find_demand(
        tables["villages"], tables["cells"], tables["roads"], tables["buildings"], tables["places"], job.now(),
        named=sorted(plan.tables["summary"]["village_id"]), risk_bandwidth_m=settings.risk_bandwidth_m,
    )  # fmt: skip
    private = private_ground(demand.areas, tables["roads"], tables["buildings"])
    ground = CameraGround(
        demand, tables["villages"], tables["roads"], tables["buildings"], tables["places"], private
    )  # fmt: skip
    known = with_why_not(plan.tables)
    return job, plan, CameraHand(ground, settings, known, ws.read("cameras"), float(plan.objective or 0.0))


def record_cameras(
    ws: Workspace, changes: Sequence[CameraChange], *, reason: str, progress: Progress = silent
) -> Plan:  # fmt: skip
    """Make changes by hand part of the camera plan and of the list of cameras, and say so in the audit log.

    The next plan keeps them: what hands placed or locked is taken at its price, where hands took a camera away none is
    put.

    Raises
    ------
    InputError
        If there is no reason, nothing to record, or a change cannot be made (``models.cameras.hand.changed``).
    """
    started = time.perf_counter()
    if not reason.strip():
        raise InputError("edit.reason")
    if not changes:
        raise InputError("cameras.hand.nothing", camera="")
    with ws.alone():
        job, plan, hand = open_cameras(ws, progress=progress)
        for change in changes:
            hand = changed(hand, change)
        told = [change.to_mapping() for change in changes]
        listed = kept_rows(ws.read("cameras"), hand, reason.strip())
        said: dict[str, Any] = {"plan": "cameras", "changes": told, "reason": reason.strip()}
        ws.commit({"cameras": listed}, "override", inputs=job.inputs, **said)
        made = dataclasses.replace(
            _changed_plan(plan, hand, told, reason.strip()),
            inputs=dict(job.inputs) | {"cameras": ws.table_hash("cameras")},
            seconds=time.perf_counter() - started,
        )
        save_run(ws, job, {"cameras": made})
        ws.catch_up()
    return made


def _changed_plan(plan: Plan, hand: CameraHand, told: list[dict[str, Any]], reason: str) -> Plan:
    """Return the plan as hands left it; its bound spoke of the plan before, so that it has none until the next one."""
    done = [*plan.settings.get("by_hand", ()), *({**change, "reason": reason} for change in told)]
    return dataclasses.replace(
        plan,
        tables=hand.tables,
        settings={**plan.settings, "by_hand": done},
        objective=hand.covered_pct,
        bound=None,
        ended_by="hand",
        notes=tuple(_notes(plan, hand, done)),
    )


def _notes(plan: Plan, hand: CameraHand, done: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the plan's notes with the figures of now, then what hands did and why."""
    summary, entrances = hand.tables["summary"], hand.tables["entrances"]
    open_ones = entrances.loc[~entrances["seen"].astype(bool), "entrance_id"]
    spent, private = summary["cost_cny"].sum(), summary["private_m2"].sum()
    now: dict[str, dict[str, Any]] = {
        "cameras.budget": {"spent": yuan(spent)},
        "cameras.cordon": {"seen": len(entrances) - len(open_ones), "entrances": len(entrances)},
        "cameras.night": night_figures(summary),
        "cameras.wishes": {"private_m2": f"{private:,.0f}"},
    }
    if math.isfinite(hand.second_pct):
        now["cameras.wishes"]["second_pct"] = f"{hand.second_pct:.1f}"
    for key, values in plan.notes:
        if key not in _OF_THE_MODEL and not key.startswith("cameras.by_hand."):
            yield key, {**values, **now.get(key, {})}
    if len(open_ones):
        yield "cameras.open_entrances", {"count": len(open_ones), "entrances": list(open_ones)}
    for change in done:
        yield f"cameras.by_hand.{change['kind']}", {"camera": change["camera_id"], "reason": change["reason"]}


_OF_THE_MODEL = ("cameras.cordon_price", "cameras.wish_bounds", "cameras.unseen_entrances", "cameras.open_entrances")
