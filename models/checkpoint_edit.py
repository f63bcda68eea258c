"""Checkpoints asked for by hand: placed in memory at once, recorded with a reason.

In:     a workspace with its current run.
Out:    the checkpoints as they would be; the current run with them, and the scorecard that hangs on them.
Method: a wish comes before every rule and takes its beat's standing minutes like any checkpoint, so what a rule asks
        for may have to go; the beats themselves do not change.
"""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd

from gis_data.errors import InputError
from gis_data.progress import Progress, silent
from gis_data.workspace import Workspace
from models.beats.checkpoints import Wish
from models.beats.plan import Tables, checkpoints_of, placed_figures, wishes_of
from models.beats.tables import with_visits
from models.beats.types import spoken, unpacked
from models.plan import Plan
from models.town_plan import Job, make_parts, on_zones, open_plan, save_run

MADE_FROM = ("incidents", "villages", "roads", "buildings", "places")
MOST_VISITS = 21  # three a day


@dataclass(frozen=True)
class CheckpointChange:
    """One change by hand to the checkpoints.

    Attributes
    ----------
    kind
        "add" or "remove" (what was added by hand).
    wish_id
        Which one; not for "add".
    x, y
        Where, metres in the study's CRS; the point moves to the nearest road of its zone.
    name
        What crews call the place; the nearest village's name if "".
    visits
        Least number of visits a week.
    """

    kind: str
    wish_id: str = ""
    x: float = 0.0
    y: float = 0.0
    name: str = ""
    visits: int = 1

    def to_mapping(self) -> dict[str, Any]:
        """Return it as the audit log keeps it."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class CheckpointHand:
    """The checkpoints of a beats plan as hands left them.

    ``tables`` are the plan's, with ``beats``, ``checkpoints`` and ``left_out`` as they are with the wishes.
    """

    job: Job
    ground: Tables
    tables: Mapping[str, Any]
    wishes: tuple[Wish, ...]

    @property
    def checkpoints(self) -> gpd.GeoDataFrame:
        """The checkpoints placed."""
        table: gpd.GeoDataFrame = self.tables["checkpoints"]
        return table


def open_checkpoints(ws: Workspace, *, progress: Progress = silent) -> tuple[Job, Plan, CheckpointHand]:
    """Return the current beats plan ready for checkpoints by hand, with what it was made from.

    Raises
    ------
    InputError
        If there is no beats plan, or records have changed since it was made.
    """
    job, plan = open_plan(
        ws, "beats", made_from=MADE_FROM, absent="checkpoints.hand.no_plan", stale="checkpoints.hand.stale",
        progress=progress,
    )  # fmt: skip
    ground = Tables.of(on_zones(job).tables)
    return job, plan, CheckpointHand(job, ground, plan.tables, wishes_of(plan.settings))


def changed(hand: CheckpointHand, change: CheckpointChange) -> CheckpointHand:
    """Return the checkpoints after a change.

    Raises
    ------
    InputError
        If no checkpoint can be there (with the reason), or what is to be removed was not added by hand.
    """
    if change.kind == "remove":
        if change.wish_id not in {wish.wish_id for wish in hand.wishes}:
            raise InputError("checkpoints.hand.none", found=change.wish_id)
        return _placed(hand, tuple(wish for wish in hand.wishes if wish.wish_id != change.wish_id))
    if change.kind != "add" or not 1 <= change.visits <= MOST_VISITS:
        raise InputError("checkpoints.hand.visits", found=change.visits, most=MOST_VISITS)
    wish = Wish(_free_id(hand.wishes), change.name.strip() or _near(hand, change), change.x, change.y, change.visits)
    after = _placed(hand, (*hand.wishes, wish))
    if wish.wish_id not in places_of(after):
        left = after.tables["left_out"]
        why = next(
            row for row, reason in zip(left["why"], left["reason"], strict=True) if _wish_of(reason) == wish.wish_id
        )
        raise InputError("checkpoints.hand.refused", why=" ".join(spoken(why)))
    return after


def places_of(hand: CheckpointHand) -> dict[str, str]:
    """Return the wishes that have a checkpoint, and which."""
    table = hand.checkpoints
    found = zip(table["reason"], table["checkpoint_id"], strict=True)
    return {wish: str(point) for reason, point in found for wish in _wishes_in(reason)}


def record_checkpoints(
    ws: Workspace, changes: Sequence[CheckpointChange], *, reason: str, progress: Progress = silent
) -> Plan:  # fmt: skip
    """Make changes by hand part of the beats plan, and say so in the audit log, a line for each.

    Raises
    ------
    InputError
        If there is no reason, or a change cannot be made.
    """
    started = time.perf_counter()
    if not reason.strip():
        raise InputError("edit.reason")
    with ws.alone():
        job, plan, hand = open_checkpoints(ws, progress=progress)
        known = {wish.wish_id for wish in hand.wishes}
        for change in changes:
            hand = changed(hand, change)
        new = (wish if wish.wish_id in known else replace(wish, reason=reason.strip()) for wish in hand.wishes)
        hand = _placed(hand, tuple(new))
        settings = dict(plan.settings) | {"by_hand": [dataclasses.asdict(wish) for wish in hand.wishes]}
        made = {"beats": replace(plan, tables=hand.tables, settings=settings, notes=tuple(_notes(plan, hand)),
                                 seconds=time.perf_counter() - started)}  # fmt: skip
        if "scorecard" in job.plans:
            made |= make_parts(replace(job, plans={**job.plans, **made}), ["scorecard"])
        save_run(ws, job, made)
        for change in changes:
            ws.log("override", inputs=job.inputs, plan="beats", change=change.to_mapping(), reason=reason.strip())
    return made["beats"]


def _notes(plan: Plan, hand: CheckpointHand) -> list[tuple[str, Mapping[str, Any]]]:
    now = placed_figures(hand.checkpoints, hand.tables["left_out"])
    return [(key, {**values, **now} if key == "beats.note.checkpoints" else values) for key, values in plan.notes]


def _placed(hand: CheckpointHand, wishes: tuple[Wish, ...]) -> CheckpointHand:
    study, hotspots = hand.job.study, hand.job.plans.get("hotspots")
    clusters = None if hotspots is None else hotspots.to_frame()
    points, left_out = checkpoints_of(hand.tables["segments"], clusters, hand.ground, study, wishes)
    beats = with_visits(hand.tables["beats"], points, study.settings.beats)
    tables = {**hand.tables, "beats": beats, "checkpoints": points, "left_out": left_out}
    return replace(hand, tables=tables, wishes=wishes)


def _wishes_in(packed: str) -> list[str]:
    return [values["wish"] for key, values in unpacked(packed) if key == "beats.because.checkpoint.by_hand"]


def _wish_of(packed: str) -> str:
    return next(iter(_wishes_in(packed)), "")


def _free_id(wishes: Sequence[Wish]) -> str:
    taken = {wish.wish_id for wish in wishes}
    return next(name for number in range(1, len(wishes) + 2) if (name := f"H{number}") not in taken)


def _near(hand: CheckpointHand, change: CheckpointChange) -> str:
    villages = hand.ground.villages
    if villages.empty:
        return ""
    away = (villages["centre_x"] - change.x) ** 2 + (villages["centre_y"] - change.y) ** 2
    return str(villages["name"].iloc[int(away.to_numpy().argmin())])
