"""Plans on disk: one folder a run, one pointer to the current run.

In:     a workspace and finished plans.
Out:    ``plans/<run>/<plan>.json`` (the head) beside ``plans/<run>/<plan>.<table>.parquet``; ``plans/current`` names
        the run, ``plans/approved`` the one that a person approved last (``models.approval``). The folder is written
        under a temporary name and renamed, the pointer replaced last, so that a kill at any moment leaves the last
        complete run readable. A plan in another format (of another version of this software) counts as not made: its
        page says how to make it. What hands decided in it stays: its head goes on from run to run, without its tables,
        until the plan is made again (``settings_of``).
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import geopandas as gpd
import pandas as pd

from gis_data import acting
from gis_data.errors import WorkspaceError
from gis_data.workspace import Workspace, listed, write_atomically
from models.plan import Plan

KEPT_RUNS = 5
CURRENT, APPROVED = "current", "approved"  # the pointers: files that hold a run's name
FORMAT = 3  # raise it when a page or sheet needs a table or column that older plans lack


def save_plans(ws: Workspace, plans: Mapping[str, Plan], *, run: str) -> Path:
    """Write the plans of one run and make it the current one; the newest five runs and the approved one are kept.

    Parameters
    ----------
    run
        Name of the run, sortable by time ("20260401T083000").

    Raises
    ------
    AccessError
        If a signed-in role that may only look asks for it.
    """
    acting.require("change")
    folder = ws.root / "plans"
    folder.mkdir(exist_ok=True)
    draft = folder / f".draft-{run}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for plan in plans.values():
        _write_plan(draft, plan)
    for name, head in _other_heads(current_run(ws)).items():
        if name not in plans:
            _write_head(draft, name, head | {"tables": {}})
    final = folder / _free_name(folder, run)
    draft.replace(final)
    point_at(ws, final.name, CURRENT)
    _drop_old_runs(ws)
    return final


def point_at(ws: Workspace, run: str, pointer: str) -> None:
    """Make a run the current or the approved one."""
    write_atomically(ws.root / "plans" / pointer, run)


def load_plans(ws: Workspace, run: str = "") -> dict[str, Plan]:
    """Return the plans of a run (the current one if none is named) by name; empty when nothing was planned yet.

    Raises
    ------
    WorkspaceError
        If the run is not there.
    """
    folder = run_folder(ws, run) if run else current_run(ws)
    return {} if folder is None else {name: _read_plan(folder, head) for name, head in _heads(folder).items()}


def settings_of(ws: Workspace) -> dict[str, Mapping[str, Any]]:
    """Return the settings of the current run's plans by name, of those in another format too."""
    folder = current_run(ws)
    return {} if folder is None else {name: head["settings"] for name, head in _all_heads(folder).items()}


def planned(ws: Workspace, run: str = "") -> set[str]:
    """Return the names of a run's plans (the current one's if none is named), without reading their tables."""
    folder = run_folder(ws, run) if run else current_run(ws)
    return set() if folder is None else set(_heads(folder))


def current_run(ws: Workspace) -> Path | None:
    """Return the folder of the current run, or None when nothing was planned yet.

    Raises
    ------
    WorkspaceError
        If the pointer names a run that is not there.
    """
    name = pointed_at(ws, CURRENT)
    return run_folder(ws, name) if name else None


def pointed_at(ws: Workspace, pointer: str) -> str:
    """Return the name of the current or the approved run; empty where there is none."""
    path = ws.root / "plans" / pointer
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def run_folder(ws: Workspace, run: str) -> Path:
    """Return the folder of a run.

    Raises
    ------
    WorkspaceError
        If there is no such run.
    """
    folder = ws.root / "plans" / run
    if not folder.is_dir():
        raise WorkspaceError("workspace.run_missing", folder=run)
    return folder


def run_names(ws: Workspace) -> list[str]:
    """Return the names of the runs that are kept, newest first."""
    folder = ws.root / "plans"
    runs = [path.name for path in folder.glob("*") if path.is_dir() and not path.name.startswith(".")]
    return sorted(runs, key=_order, reverse=True)


def _order(run: str) -> tuple[str, int]:
    """Return the key by which runs follow each other: time, then number of those of one second."""
    moment, _, number = run.partition("-")
    return moment, int(number) if number.isdigit() else 1


def _write_plan(folder: Path, plan: Plan) -> None:
    head = plan.head() | {"tables": {}, "format": FORMAT}
    for name, table in plan.tables.items():
        spatial = isinstance(table, gpd.GeoDataFrame)
        head["tables"][name] = {"spatial": spatial}
        table.to_parquet(folder / f"{plan.name}.{name}.parquet")
    _write_head(folder, plan.name, head)


def _write_head(folder: Path, name: str, head: Mapping[str, Any]) -> None:
    words = json.dumps(head, ensure_ascii=False, indent=1, default=_plain)
    (folder / f"{name}.json").write_text(words, encoding="utf-8")


def _heads(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the heads of a run's plans by name, those in another format left out."""
    return {name: head for name, head in _all_heads(folder).items() if head.get("format") == FORMAT}


def _other_heads(folder: Path | None) -> dict[str, dict[str, Any]]:
    """Return the heads of a run's plans that are in another format."""
    heads = {} if folder is None else _all_heads(folder)
    return {name: head for name, head in heads.items() if head.get("format") != FORMAT}


def _all_heads(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def _read_plan(folder: Path, head: dict[str, Any]) -> Plan:
    tables = {
        name: (gpd.read_parquet if about["spatial"] else pd.read_parquet)(folder / f"{head['name']}.{name}.parquet")
        for name, about in head.pop("tables").items()
    }
    for made_here in ("gap", "format"):
        head.pop(made_here)
    notes = tuple((key, values) for key, values in head.pop("notes"))
    return Plan(tables=tables, notes=notes, **head)


def _free_name(folder: Path, run: str) -> str:
    name, number = run, 1
    while (folder / name).exists():
        number += 1
        name = f"{run}-{number}"
    return name


def _drop_old_runs(ws: Workspace) -> None:
    found = [(known.st_mtime, path) for path, known in listed(ws.root / "plans") if S_ISDIR(known.st_mode)]
    kept = {pointed_at(ws, pointer) for pointer in (CURRENT, APPROVED)}
    for _, run in sorted(found)[:-KEPT_RUNS]:
        if run.name not in kept:
            shutil.rmtree(run, ignore_errors=True)


def _plain(value: Any) -> Any:  # noqa: ANN401 - numpy scalars, timestamps, tuples
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)
