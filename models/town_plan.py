"""The main job: from a station's files to hotspots, zones, beats, scorecard and cameras, in one go.

In:     a workspace with accepted tables.
Out:    five plans, saved together as one run; the ground (cells) is derived first and kept in the workspace.
"""

import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import pandas as pd
import shapely

from gis_data import cells as grid
from gis_data.errors import InputError, WorkspaceError
from gis_data.periods import Period
from gis_data.progress import Progress, silent
from gis_data.standing import as_of, standing
from gis_data.study import WGS84, Study
from gis_data.workspace import Workspace
from models.beats.plan import Tables, plan_beats, wishes_of
from models.borders import drawn_tables
from models.cameras.plan import plan_cameras
from models.closures import Closing, closed_in, closings_of, found_again, ground_left, roads_closed, with_closings
from models.hotspots import plan_hotspots
from models.patrol_record import PatrolLog
from models.plan import Plan
from models.scorecard import score_zones
from models.store import CURRENT, load_plans, planned, pointed_at, save_plans, settings_of
from models.village_parts import Parts
from models.zone_case import make_case
from models.zone_options import plan_options
from models.zones import plan_zones

PARTS = ("hotspots", "zones", "beats", "scorecard", "cameras")
ON_REQUEST = ("options",)  # thirty plans: a minute or two, so only when asked for
AFTER_ZONES = ("beats", "scorecard")  # what hangs on the zones
ON_ROADS = ("zones", *ON_REQUEST)  # what is reckoned on the roads that are open
GROUND = ("villages", "roads", "barriers", "crossings")
READ = (
    "incidents", "villages", "roads", "barriers", "crossings", "buildings", "landuse", "places", "cameras",
    "patrol_hours", "visits",
)  # fmt: skip

Decided = TypeVar("Decided")


def plan_town(
    ws: Workspace,
    parts: Iterable[str] = PARTS,
    *,
    seed: int | None = None,
    until: str | None = None,
    changes: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> dict[str, Plan]:
    """Make the named plans, save them as the workspace's current run and return them.

    Parameters
    ----------
    parts
        Names out of ``PARTS``; a part not named keeps its plan of the current run, but for what hangs on the zones:
        it is made again with them.
    seed
        Start of every random draw; the study's setting if None.
    until
        Plan from incidents reported before this day ("2017-07-01"); all incidents if None.
    changes
        Settings of this run that differ from ``station.toml``, as nested tables.

    Raises
    ------
    InputError
        If a part is unknown, ``until`` is no day, there are no incidents to plan from, or somebody else changed the
        plans meanwhile.
    WorkspaceError
        If another version of the program kept what hands decided in a way that this one cannot read.
    """
    wanted = _ordered(parts)
    ws = ws.asking(changes or {})
    job = open_job(ws, seed=seed, until=until, progress=progress)
    wanted = _with_what_hangs_on_zones(wanted, job.plans)
    made = make_parts(job, wanted)
    with ws.alone():
        save_run(ws, job, made)
    ws.log(
        "plan", inputs=job.inputs, parts=wanted, seed=job.seed, until=until or "", changes=dict(changes or {})
    )  # fmt: skip
    return made


def open_job(ws: Workspace, *, seed: int | None = None, until: str | None = None, progress: Progress = silent) -> "Job":
    """Return what plans are made from: tables, period, seed, and the plans of the current run.

    Raises
    ------
    InputError
        If there are no incidents to plan from, or ``until`` is no day.
    """
    tables = {name: ws.read(name) for name in READ}
    if tables["incidents"].empty:
        raise InputError("plan.no_incidents", folder=ws.root)
    period = _period_of(tables["incidents"]["reported_at"], until)
    cells, edges = prepare_ground(ws, at=period.end, progress=progress)
    # A merged village is no unit any more; what happened in it is its successor's.
    tables = as_of(tables, period.end) | {"cells": cells, "cell_edges": edges}
    inputs = {name: ws.table_hash(name) for name in READ}
    seed = ws.study.settings.seed if seed is None else seed
    upon = pointed_at(ws, CURRENT)  # read first: plans that come in between are then told, never overwritten
    return Job(ws.study, tables, period, seed, load_plans(ws), settings_of(ws), progress, inputs, upon)


def _period_of(times: pd.Series, until: str | None) -> Period:
    if until is not None:
        try:
            date.fromisoformat(until)
        except ValueError as problem:
            raise InputError("plan.no_day", found=until) from problem
    period = Period.of(times, until=until)
    if period.days <= 0:
        raise InputError("plan.nothing_before", until=until, first=f"{period.start:%Y-%m-%d}")
    return period


def open_plan(
    ws: Workspace, name: str, *, made_from: Collection[str], absent: str, stale: str, progress: Progress = silent
) -> tuple["Job", Plan]:  # fmt: skip
    """Return a plan of the current run, and what it was made from.

    Parameters
    ----------
    made_from
        The tables that the plan hangs on.
    absent, stale
        The sentences for a plan that is not there or is empty, and for one whose tables have changed since.

    Raises
    ------
    InputError
        With one of the two sentences.
    """
    plan = load_plans(ws).get(name)
    if plan is None or plan.to_frame().empty:
        raise InputError(absent)
    job = open_job(ws, seed=plan.seed, until=plan.settings["period_end"], progress=progress)
    if any(plan.inputs.get(table) != job.inputs[table] for table in made_from):
        raise InputError(stale)
    return job, plan


def replace_zones(
    ws: Workspace, job: "Job", zones: Plan, action: str, *said: Mapping[str, Any]
) -> dict[str, Plan]:  # fmt: skip
    """Save another zone plan in place of the current one, with what hangs on the zones made again; log it.

    The workspace must be held alone from the opening of ``job`` on.

    Parameters
    ----------
    job
        What the zone plan was made from.
    action, said
        What the audit log says of it; a line for each of ``said``.
    """
    settings = dict(zones.settings) | _days(job.period)
    made = {"zones": dataclasses.replace(_with_borders(job, zones), settings=settings, inputs=job.inputs)}
    after = _with_what_hangs_on_zones(["zones"], job.plans)[1:]
    made |= make_parts(dataclasses.replace(job, plans={**job.plans, **made}), after)
    save_run(ws, job, made)
    for parameters in said:
        ws.log(action, inputs=job.inputs, **parameters)
    return made


def make_parts(job: "Job", parts: Iterable[str]) -> dict[str, Plan]:
    """Return the named plans, each made with those before it."""
    made: dict[str, Plan] = {}
    for part in parts:
        step = f"command.step.{part}"
        job.progress(step, 0.0)
        task = dataclasses.replace(job, plans={**job.plans, **made}, progress=_within(job.progress, step))
        task = on_zones(task) if part in AFTER_ZONES else on_open_roads(task) if part in ON_ROADS else task
        plan = _MAKERS[part](task)
        made[part] = dataclasses.replace(plan, settings=dict(plan.settings) | _days(job.period), inputs=job.inputs)
        job.progress(step, 1.0)
    return made


def on_open_roads(job: "Job", closed: Collection[int] | None = None) -> "Job":
    """Return the job on the ground that closed roads leave; those of the current zones if None."""
    shut = roads_closed(job.closings()[0]) if closed is None else closed
    return dataclasses.replace(
        job, tables=ground_left(job.tables, shut, cell_size_m=job.study.settings.cell_size_m)
    )  # fmt: skip


def on_zones(job: "Job") -> "Job":
    """Return the job on the zone plan's ground: the parts of divided villages in their place, closed roads left out."""
    zones = job.plans.get("zones")
    if zones is None:
        return job
    tables = dict(on_open_roads(job).tables)
    tables["roads"] = tables["roads"][~tables["roads"]["road_id"].isin(closed_in(tables["roads"]))]
    if "parts" in zones.tables:
        parts = Parts(zones.tables["parts"])
        tables["villages"] = parts.of_villages(tables["villages"], tables["cells"])
        tables["cells"] = parts.of_cells(tables["cells"])
        tables["incidents"] = parts.of_incidents(tables["incidents"])
    return dataclasses.replace(job, tables=tables)


def save_run(ws: Workspace, job: "Job", made: Mapping[str, Plan]) -> None:
    """Save the plans made, with the others of the job, as the workspace's current run, named by the time.

    Raises
    ------
    InputError
        If the current run is no longer the one that the job was opened on: what was decided since would be lost.
    """
    if pointed_at(ws, CURRENT) != job.upon:
        raise InputError("plan.changed_meanwhile")
    save_plans(ws, {**job.plans, **made}, run=pd.Timestamp.now("UTC").strftime("%Y%m%dT%H%M%S"))


def prepare_ground(
    ws: Workspace, *, at: pd.Timestamp | None = None, progress: Progress = silent
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return cells and their walkable neighbours, derived anew only when the ground has changed.

    Parameters
    ----------
    at
        Day for whose villages the cells are; all villages ever if None.
    """
    ever = ws.read("villages")
    villages = ever if at is None else standing(ever, at)
    stamp = ws.root / "plans" / "ground.json"
    now = {name: ws.table_hash(name) for name in GROUND} | {"cell_size_m": ws.study.settings.cell_size_m}
    if len(villages) < len(ever):
        now["villages_left_out"] = "、".join(sorted(set(ever["village_id"]) - set(villages["village_id"])))
    if stamp.exists() and json.loads(stamp.read_text(encoding="utf-8")) == now:
        return ws.read("cells"), ws.read("cell_edges")
    progress("command.step.ground", 0.0)
    cells, edges = grid.make_cells(ws.study, villages, ws.read("roads"), ws.read("barriers"), ws.read("crossings"))
    ws.write({"cells": cells, "cell_edges": edges})
    draft = stamp.with_suffix(".tmp")
    draft.write_text(json.dumps(now), encoding="utf-8")
    draft.replace(stamp)
    progress("command.step.ground", 1.0)
    return cells, edges


def is_planned(root: Path) -> bool:
    """Tell whether a folder is a workspace with a complete run of plans."""
    if not (root / "station.toml").exists():
        return False
    return set(PARTS) <= planned(Workspace.open(root))


def make_sample(root: Path, *, progress: Progress = silent) -> Workspace:
    """Write the sample town's raw files and import them as anyone's files would be."""
    from gis_data.intake import make_workspace
    from gis_data.sample_town import NOT_FOR_IMPORT, SAMPLE_NAME, SAMPLE_SEED, write_sample

    if not (root / "station.toml").exists():
        progress("command.step.sample", 0.0)
        raw = write_sample(root.parent / f"{root.name}_raw", seed=SAMPLE_SEED)
        progress("command.step.sample", 1.0)
        boundary = raw.pop("boundary")
        files = [path for name, path in raw.items() if name not in NOT_FOR_IMPORT]
        make_workspace(
            root, files, name=SAMPLE_NAME, boundary=boundary, synthetic=True,
            credit="合成数据，非真实警情", progress=progress,
        )  # fmt: skip
    return Workspace.open(root)


def as_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as one JSON object: its head, its rows, and its other tables."""
    tables = {name: _records(table) for name, table in plan.tables.items()}
    return plan.head() | {"rows": tables.pop(plan.name), "tables": tables}


def _within(progress: Progress, step: str) -> Progress:
    return lambda _key, share: progress(step, share)


def _ordered(parts: Iterable[str]) -> list[str]:
    asked = list(parts)
    known = (*PARTS, *ON_REQUEST)
    unknown = [part for part in asked if part not in known]
    if unknown:
        raise InputError("plan.unknown_part", found=", ".join(unknown), known=", ".join(known))
    return [part for part in known if part in asked]


def _with_what_hangs_on_zones(wanted: list[str], plans: Collection[str]) -> list[str]:
    """Return the parts with those that would otherwise stay as made for other zones."""
    after = [part for part in AFTER_ZONES if part in plans] if "zones" in wanted else []
    return _ordered([*wanted, *after])


@dataclass(frozen=True)
class Job:
    """What every part is made from, and the name of the run that was current then."""

    study: Study
    tables: Mapping[str, Any]
    period: Period
    seed: int
    plans: Mapping[str, Plan]
    decided: Mapping[str, Mapping[str, Any]]
    progress: Progress
    inputs: Mapping[str, str]
    upon: str

    def by_hand(self, name: str, read: Callable[[Mapping[str, Any]], Decided]) -> Decided:
        """Read from a plan's settings what hands decided, even where the plan cannot be read any more.

        Raises
        ------
        WorkspaceError
            If another version of the program kept it in a way that this one cannot read.
        """
        if name in self.plans:
            return read(self.plans[name].settings)
        try:
            return read(self.decided.get(name, {}))
        except (KeyError, TypeError, ValueError) as problem:
            raise WorkspaceError("workspace.by_hand", file=f"{name}.json") from problem

    def closings(self) -> tuple[tuple[Closing, ...], tuple[Closing, ...]]:
        """Return what the current zones have as closed, and what of it is not found among the roads any more."""
        return found_again(self.by_hand("zones", closings_of), self.tables["roads"])

    def now(self) -> gpd.GeoDataFrame:
        """Return the incidents of the planning period."""
        incidents: gpd.GeoDataFrame = self.tables["incidents"]
        return incidents[self.period.holds(incidents["reported_at"])]

    def ground(self) -> tuple[Any, ...]:
        """Return what zones are cut from: villages, cells and their neighbours, roads, the period's incidents."""
        tables = self.tables
        return tables["villages"], tables["cells"], tables["cell_edges"], tables["roads"], self.now()


def _hotspots(job: Job) -> Plan:
    return plan_hotspots(job.study, job.now(), job.tables, period=job.period, seed=job.seed, progress=job.progress)


def _zones(job: Job) -> Plan:
    plan = plan_zones(
        job.study, *job.ground(), period=job.period, seed=job.seed, buildings=job.tables["buildings"],
        progress=job.progress,
    )  # fmt: skip
    closings, lost = job.closings()  # what is closed stays closed until hands open it
    return _with_borders(job, with_closings(plan, closings, job.tables["roads"], lost=lost))


def _with_borders(job: Job, zones: Plan) -> Plan:
    """Return the zone plan with the borders that are drawn beside those of the cells."""
    tables, size = job.tables, job.study.settings.cell_size_m
    drawn = drawn_tables(zones, tables["villages"], tables["roads"], tables["barriers"], cell_size_m=size)
    return dataclasses.replace(zones, tables={**zones.tables, **drawn})


def _options(job: Job) -> Plan:
    case = make_case(job.study, *job.ground(), period=job.period, buildings=job.tables["buildings"])
    plan = plan_options(case, seed=job.seed, progress=job.progress)
    return with_closings(plan, job.closings()[0], job.tables["roads"])


def _beats(job: Job) -> Plan:
    if "zones" not in job.plans:
        raise InputError("plan.zones_first")
    hotspots = job.plans.get("hotspots")
    by_hand = job.by_hand("beats", wishes_of)  # what hands asked for stays until hands take it away
    return plan_beats(
        job.study, job.plans["zones"], None if hotspots is None else hotspots.to_frame(), Tables.of(job.tables),
        period=job.period, seed=job.seed, by_hand=by_hand, progress=job.progress,
    )  # fmt: skip


def _scorecard(job: Job) -> Plan:
    if "zones" not in job.plans:
        raise InputError("plan.zones_first")
    zones, tables = job.plans["zones"], job.tables
    return score_zones(
        zones.to_frame(), zones.tables["units"].set_index("unit_id")["zone_id"], tables["incidents"],
        tables["villages"], tables["cells"], PatrolLog(tables["patrol_hours"], tables["visits"], _checkpoints(job)),
        period=job.period, settings=job.study.settings, seed=job.seed, progress=job.progress,
    )  # fmt: skip


def _checkpoints(job: Job) -> gpd.GeoDataFrame:
    """Return the planned checkpoints (plan "beats"), where there is such a plan."""
    planned = job.plans.get("beats")
    none = gpd.GeoDataFrame({"checkpoint_id": []}, geometry=[], crs=job.study.crs)
    return none if planned is None else planned.tables.get("checkpoints", none)


def _cameras(job: Job) -> Plan:
    tables = job.tables
    return plan_cameras(
        job.study, tables["villages"], tables["cells"], tables["roads"], tables["buildings"], tables["places"],
        tables["cameras"], job.now(), period=job.period, seed=job.seed, progress=job.progress,
    )  # fmt: skip


_MAKERS: dict[str, Callable[[Job], Plan]] = {
    "hotspots": _hotspots,
    "zones": _zones,
    "beats": _beats,
    "options": _options,
    "scorecard": _scorecard,
    "cameras": _cameras,
}


def _days(period: Period) -> dict[str, str]:
    return {"period_start": f"{period.start:%Y-%m-%d}", "period_end": f"{period.end:%Y-%m-%d}"}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = pd.DataFrame(table.drop(columns="geometry", errors="ignore"))
    rows: list[dict[str, Any]] = json.loads(plain.to_json(orient="records", date_format="iso", force_ascii=False))
    if isinstance(table, gpd.GeoDataFrame) and len(table):
        shapes = shapely.set_precision(table.geometry.to_crs(WGS84).to_numpy(), 1e-6)
        for row, shape in zip(rows, shapely.to_geojson(shapes), strict=True):
            row["geometry"] = json.loads(shape) if shape else None
    return rows
