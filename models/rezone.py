"""Another zone plan in place of the current one: an option that the planner picks.

In:     a workspace with its current run.
Out:    the current run with the other zone plan and all that hangs on it made again; a line in the audit log.
"""

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

from gis_data.errors import InputError
from gis_data.workspace import Workspace
from models.plan import Plan, Progress, silent
from models.town_plan import Job, open_job, replace_zones
from models.zone_options import answer_of, find_option, option_changes
from models.zones import Case, as_plan, make_case


def choose_option(ws: Workspace, option_id: str, *, progress: Progress = silent) -> Plan:
    """Make an option of the plan "options" the zone plan; picking another one takes it back.

    Raises
    ------
    InputError
        If there are no options, none of that id, or records have changed since they were reckoned.
    """
    started = time.perf_counter()
    job, options = _job_of(ws, "options", progress=progress)
    option = find_option(options, option_id)
    case = case_of(job, options, changes=option_changes(option))
    plan = as_plan(case, answer_of(options, option, case), seed=options.seed)
    settings = dict(plan.settings) | {"option": option_id}
    plan = dataclasses.replace(plan, settings=settings, seconds=time.perf_counter() - started)
    replace_zones(ws, job, plan, "choose", option=option_id, settings=option_changes(option))
    return plan


def _job_of(ws: Workspace, name: str, *, progress: Progress = silent) -> tuple[Job, Plan]:
    """Return the job that a plan of the current run was made from, and the plan."""
    job = open_job(ws, progress=progress)
    plan = job.plans.get(name)
    if plan is None:
        raise InputError(f"{name}.first")
    job = open_job(ws, seed=plan.seed, until=plan.settings["period_end"], progress=progress)
    if dict(plan.inputs) != dict(job.inputs):
        raise InputError(f"{name}.stale")
    return job, plan


def case_of(job: Job, plan: Plan, *, changes: Mapping[str, Any] | None = None) -> Case:
    """Return the case that a plan was made for, with some settings of its zones changed."""
    asked = {"count": plan.settings["count"], **(changes or {})}
    sections = {"zones": {**plan.settings["zones"], **asked}, "workload": plan.settings["workload"]}
    study = dataclasses.replace(job.study, settings=job.study.settings.changed(sections))
    return make_case(study, *job.ground(), period=job.period)
