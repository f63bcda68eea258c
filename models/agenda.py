"""What is due at a station: imports, plans, approvals, reviews, hotspots that expire, base lines that are not met.

In:     the workspace's tables and plans, its runs, and a day.
Out:    a list of ``Due``, what is late first; each names the page where it is done.

Nothing here is new: every line repeats a table or a plan, so that a planner need not look for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from gis_data.study import Study
from gis_data.workspace import Workspace, listed
from models.approval import APPROVED, PROPOSAL, Run
from models.plan import Plan
from models.reviews import Decision

IMPORT_EVERY_DAYS = 31  # a station hands in its calls by the month
PLAN_EVERY_DAYS = 28  # a month's calls, be it February's, are reason enough to plan again
EXPIRES_SOON_DAYS = 45  # a hotspot that ends before the next two imports is worth a look now
# Rows that say again what is counted already, or that are no record: nobody has anything to mend (intake.advice).
SETTLED = ("duplicate", "far_away", "follow_up", "replaced", "same_event", "total_row")
Tables = Callable[[str], Any]
IMPORT, PLAN = {"start": "import"}, {"start": "plan"}  # the forms that a page holds open for whoever comes to use them


@dataclass(frozen=True)
class Due:
    """One thing to do: its key under ``agenda``, what its sentence names, the day it is due, and the page for it.

    ``query`` is what the page is asked to show.
    """

    key: str
    page: str
    told: Mapping[str, Any] = field(default_factory=dict)
    day: pd.Timestamp | None = None
    late: bool = False
    query: Mapping[str, str] = field(default_factory=dict)


def day_of(study: Study, incidents: pd.DataFrame) -> pd.Timestamp:
    """Return today's date at the station; of invented data the day after the last record, where its calendar stands."""
    if study.synthetic and len(incidents):
        return incidents["reported_at"].max().normalize() + pd.Timedelta(days=1)
    return pd.Timestamp.now(study.timezone).normalize()


def agenda(
    ws: Workspace, read: Tables, plans: Mapping[str, Plan], runs: list[Run], day: pd.Timestamp,
    standing: Sequence[Decision] = (),
) -> list[Due]:  # fmt: skip
    """Return what is due on a day, what is late first, then by day.

    Parameters
    ----------
    read
        Returns a table of the workspace by name.
    standing
        Decisions in force (``models.reviews``); their days are real ones, whatever day the records stand at.
    """
    now = pd.Timestamp.now(day.tz).normalize()
    incidents = read("incidents")
    found = [
        *_imports(incidents, day), *_aside(read("aside")), *_plans(incidents, plans), *_runs(runs),
        *_hotspots(plans, day), *_base_lines(plans), *_originals(ws, day), *_reviews(standing, now),
    ]  # fmt: skip
    return sorted(found, key=lambda one: (not one.late, one.day is None, one.day if one.day is not None else day))


def _imports(incidents: pd.DataFrame, day: pd.Timestamp) -> Iterator[Due]:
    if incidents.empty:
        yield Due("import.first", "data", late=True, query=IMPORT)
        return
    last = incidents["reported_at"].max().normalize()
    until = last + pd.Timedelta(days=IMPORT_EVERY_DAYS)
    late = day > until
    values = {"last": last, "days": (day - last).days}
    yield Due("import.late" if late else "import.next", "data", values, until, late, IMPORT)


def _aside(aside: pd.DataFrame) -> Iterator[Due]:
    waiting = aside[(aside["moved_to"].fillna("") == "") & ~aside["reason"].isin(SETTLED)]
    if len(waiting):
        told = {"rows": len(waiting), "files": waiting["file"].nunique()}
        yield Due("aside", "data", told, query={"part": "problems"})


def _plans(incidents: pd.DataFrame, plans: Mapping[str, Plan]) -> Iterator[Due]:
    ends = [plan.settings["period_end"] for plan in plans.values() if "period_end" in plan.settings]
    if incidents.empty or not plans:
        if len(incidents):
            yield Due("plan.first", "plans", late=True, query=PLAN)
        return
    last = incidents["reported_at"].max()
    end = pd.Timestamp(min(ends), tz=last.tz) if ends else last
    if last.normalize() + pd.Timedelta(days=1) - end >= pd.Timedelta(days=PLAN_EVERY_DAYS):
        yield Due("plan.again", "plans", {"last": last.normalize(), "end": end}, late=True, query=PLAN)


def _runs(runs: list[Run]) -> Iterator[Due]:
    current = next((run for run in runs if run.current), None)
    if current is None or current.in_force:
        return
    step = "approve" if current.state != PROPOSAL else "check"
    first = "" if any(run.in_force for run in runs) else "first_"
    yield Due(f"run.{first}{step}", "plans", {"run": current.made_at}, late=current.state == APPROVED)


def _hotspots(plans: Mapping[str, Plan], day: pd.Timestamp) -> Iterator[Due]:
    if "hotspots" not in plans:
        return
    table = plans["hotspots"].to_frame()
    found = table[(table["status"] == "hotspot") & (table["expires_at"] <= day + pd.Timedelta(days=EXPIRES_SOON_DAYS))]
    for moment in sorted(found["expires_at"].unique()):
        part = found[found["expires_at"] == moment]
        key = "hotspot.late" if moment < day else "hotspot.soon"
        yield Due(key, "hotspots", {"names": list(part["hotspot_id"])}, moment.normalize(), moment < day)


def _reviews(standing: Sequence[Decision], now: pd.Timestamp) -> Iterator[Due]:
    for one in standing:
        if one.due_on > now + pd.Timedelta(days=EXPIRES_SOON_DAYS):
            continue
        told: dict[str, Any] = {"kind": one.kind, "names": list(one.names), "reason": one.reason}
        late = one.due_on < now
        key = "review.undated" if one.decided_on is None else "review.late" if late else "review.soon"
        if one.decided_on is not None:
            told["decided"] = one.decided_on
        yield Due(key, "plans", told, one.due_on, late, {"tab": "decisions"})


def _base_lines(plans: Mapping[str, Plan]) -> Iterator[Due]:
    if "scorecard" not in plans:
        return
    verdicts = plans["scorecard"].tables["base_lines"]
    for measure, part in verdicts[verdicts["verdict"] == "not_met"].groupby("measure", sort=False):
        told = {"zones": list(part["zone_id"]), "measures": [measure]}
        yield Due("base_line", "scorecard", told, query={"part": "base_lines"})


def _originals(ws: Workspace, day: pd.Timestamp) -> Iterator[Due]:
    kept = ws.study.settings.privacy.purge_raw_after_days
    now = pd.Timestamp.now("UTC")
    changed = [pd.Timestamp(known.st_mtime, unit="s", tz="UTC") for _, known in listed(ws.root / "raw")]
    old = [at for at in changed if (now - at).days > kept]
    if old:
        yield Due("originals", "settings", {"files": len(old), "days": kept}, day, late=True)
