"""Plans on disk: one folder a run, one pointer to the current run.

In:     a workspace and finished plans.
Out:    ``plans/<run>/<plan>.json`` (the head) beside ``plans/<run>/<plan>.<table>.parquet``; ``plans/current`` names
        the run. The folder is written under a temporary name and renamed, the pointer replaced last, so that a kill
        at any moment leaves the last complete run readable. A plan in another format (of another version of this
        software) counts as not made: its page says how to make it.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from gis_data.errors import WorkspaceError
from gis_data.workspace import Workspace
from models.plan import Plan

KEPT_RUNS = 5
FORMAT = 2  # raise it when a page or sheet needs a table or column that older plans lack


def save_plans(ws: Workspace, plans: Mapping[str, Plan], *, run: str) -> Path:
    """Write the plans of one run and make it the current one; the newest five runs are kept.

    Parameters
    ----------
    run
        Name of the run, sortable by time ("20260401T083000").
    """
    folder = ws.root / "plans"
    folder.mkdir(exist_ok=True)
    draft = folder / f".draft-{run}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for plan in plans.values():
        _write_plan(draft, plan)
    final = folder / _free_name(folder, run)
    draft.replace(final)
    pointer = folder / ".current"
    pointer.write_text(final.name, encoding="utf-8")
    pointer.replace(folder / "current")
    _drop_old_runs(folder)
    return final


def load_plans(ws: Workspace) -> dict[str, Plan]:
    """Return the plans of the current run by name; an empty dictionary when nothing was planned yet."""
    folder = current_run(ws)
    if folder is None:
        return {}
    return {path.stem: _read_plan(path) for path in sorted(folder.glob("*.json")) if _is_readable(path)}


def planned(ws: Workspace) -> set[str]:
    """Return the names of the current run's plans, without reading their tables."""
    folder = current_run(ws)
    return set() if folder is None else {path.stem for path in folder.glob("*.json") if _is_readable(path)}


def current_run(ws: Workspace) -> Path | None:
    """Return the folder of the current run, or None when nothing was planned yet.

    Raises
    ------
    WorkspaceError
        If the pointer names a run that is not there.
    """
    pointer = ws.root / "plans" / "current"
    if not pointer.exists():
        return None
    folder = ws.root / "plans" / pointer.read_text(encoding="utf-8").strip()
    if not folder.is_dir():
        raise WorkspaceError("workspace.run_missing", folder=folder.name)
    return folder


def _write_plan(folder: Path, plan: Plan) -> None:
    head = plan.head() | {"tables": {}, "format": FORMAT}
    for name, table in plan.tables.items():
        spatial = isinstance(table, gpd.GeoDataFrame)
        head["tables"][name] = {"spatial": spatial}
        table.to_parquet(folder / f"{plan.name}.{name}.parquet")
    path = folder / f"{plan.name}.json"
    path.write_text(json.dumps(head, ensure_ascii=False, indent=1, default=_plain), encoding="utf-8")


def _is_readable(path: Path) -> bool:
    return bool(json.loads(path.read_text(encoding="utf-8")).get("format") == FORMAT)


def _read_plan(path: Path) -> Plan:
    head: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    tables = {
        name: (gpd.read_parquet if about["spatial"] else pd.read_parquet)(path.with_name(f"{path.stem}.{name}.parquet"))
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


def _drop_old_runs(folder: Path) -> None:
    runs = sorted((path for path in folder.iterdir() if path.is_dir()), key=os.path.getmtime)
    for run in runs[:-KEPT_RUNS]:
        shutil.rmtree(run, ignore_errors=True)


def _plain(value: Any) -> Any:  # noqa: ANN401 - numpy scalars, timestamps, tuples
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)
