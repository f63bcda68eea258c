"""Another zone plan in place of the current one: an option that the planner picks, or a change by hand.

In:     a workspace with its current run.
Out:    the current run with the other zone plan and all that hangs on it made again; a line in the audit log.
"""

import dataclasses
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from gis_data.errors import InfeasibleError, InputError
from gis_data.progress import Progress, silent
from gis_data.workspace import Workspace
from models.closures import closings_of, roads_closed, with_closings
from models.edit import Change, GroundTables, Hand, as_changed_plan, changed, few, judge, open_hand
from models.plan import Plan
from models.town_plan import Job, on_open_roads, open_plan, replace_zones
from models.village_parts import Parts
from models.zone_case import Case, make_case
from models.zone_options import answer_of, find_option, option_changes
from models.zones import as_plan

MADE_FROM = ("incidents", "villages", "roads", "barriers", "crossings")  # tables a zone plan hangs on


def choose_option(ws: Workspace, option_id: str, *, progress: Progress = silent) -> Plan:
    """Make an option of the plan "options" the zone plan; picking another one takes it back.

    Raises
    ------
    InputError
        If there are no options, none of that id, or records have changed since they were reckoned.
    """
    started = time.perf_counter()
    with ws.alone():
        job, options = open_plan(
            ws, "options", made_from=MADE_FROM, absent="options.first", stale="options.stale", progress=progress
        )
        option, closings = find_option(options, option_id), closings_of(options.settings)
        if closings != job.closings()[0]:
            raise InputError("options.stale")
        case = case_of(job, options, roads_closed(closings), None, changes=option_changes(option))
        plan = as_plan(case, answer_of(options, option, case), seed=options.seed)
        plan = with_closings(plan, closings, job.tables["roads"])
        settings = dict(plan.settings) | {"option": option_id}
        plan = dataclasses.replace(plan, settings=settings, seconds=time.perf_counter() - started)
        replace_zones(ws, job, plan, "choose", {"option": option_id, "settings": option_changes(option)})
    return plan


def open_edit(ws: Workspace, *, progress: Progress = silent) -> tuple[Job, Plan, Hand]:
    """Return the current zone plan ready to be changed by hand, with what it was made from.

    Raises
    ------
    InputError
        If there is no zone plan, or records have changed since it was made.
    """
    job, plan = open_plan(
        ws, "zones", made_from=MADE_FROM, absent="plan.zones_first", stale="zones.stale", progress=progress
    )
    return job, plan, open_hand(plan, partial(case_of, job, plan), GroundTables.of(job.tables))


def record_change(
    ws: Workspace, *changes: Change, reason: str, insist: bool = False, progress: Progress = silent
) -> Plan:  # fmt: skip
    """Make changes by hand part of the zone plan, in their order, and say so in the audit log, a line for each.

    Parameters
    ----------
    reason
        Why; recorded with every change.
    insist
        Keep changes that together cut villages off from their zone's post.

    Raises
    ------
    InputError
        If there is no reason, or a change cannot be made (``models.edit.changed``).
    InfeasibleError
        If villages are cut off after the last change and it is not insisted on.
    """
    started = time.perf_counter()
    if not reason.strip():
        raise InputError("edit.reason")
    with ws.alone():
        job, plan, hand = open_edit(ws, progress=progress)
        for change in changes:
            hand = changed(hand, change)
        verdict = judge(hand)
        if verdict.cut_off and not insist:
            zone, names = verdict.cut_off[0]
            raise InfeasibleError("edit.cut_off", zone=zone, names=few(names))
        made = as_changed_plan(hand, plan, changes, reason=reason.strip(), insist=insist)
        made = dataclasses.replace(made, seconds=time.perf_counter() - started)
        figures = {"travel_min": verdict.travel_min, "bound_min": verdict.bound_min, "max_ratio": verdict.max_ratio}
        said = [{"change": change.to_mapping(), "reason": reason.strip(), "insisted": insist} for change in changes]
        said[-1] |= {"after": figures}
        replace_zones(ws, job, made, "override", *said)
    return made


def case_of(
    job: Job, plan: Plan, closed: frozenset[int], parts: Parts | None, *, changes: Mapping[str, Any] | None = None
) -> Case:  # fmt: skip
    """Return the case that a plan was made for, with some roads closed, villages divided, settings of zones changed."""
    asked = {"count": plan.settings["count"], **(changes or {})}
    sections = {"zones": {**plan.settings["zones"], **asked}, "workload": plan.settings["workload"]}
    study = dataclasses.replace(job.study, settings=job.study.settings.changed(sections))
    ground = on_open_roads(job, closed).ground()
    return make_case(study, *ground, period=job.period, buildings=job.tables["buildings"], parts=parts)
