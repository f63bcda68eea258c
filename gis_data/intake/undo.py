"""Undo: an import taken back as if it had never been.

In:     a workspace and the names of imports.
Out:    its rows gone from every table, the rows that it had replaced back, the rows that it had taken from
        ``set_aside/`` waiting again, its own rows set aside and its original gone; rows of other imports that were
        joined to one of its rows wait to come in; one entry in the audit log.

All tables change in one transaction, and the file is written anew after it: nothing of the rows is left in free pages.
Nothing is read from ``raw/`` but ground files, from which the ground of the remaining imports is made anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gis_data.errors import InputError
from gis_data.intake import aside, ground, history, store
from gis_data.intake.report import completeness
from gis_data.workspace import Workspace


@dataclass(frozen=True)
class Undone:
    """What an undo did.

    Attributes
    ----------
    import_ids, files
        What was taken back.
    removed, restored
        Table -> number of rows that went, and that came back.
    waiting_again
        Rows set aside earlier that wait for correction again.
    left_alone
        Rows set aside because they were joined to a row that went: imported again as they are, they come in.
    """

    import_ids: tuple[str, ...]
    files: tuple[str, ...]
    removed: Mapping[str, int]
    restored: Mapping[str, int]
    waiting_again: int
    left_alone: int = 0


def to_undo(ws: Workspace, *import_ids: str) -> pd.DataFrame:
    """Return the rows of table ``imports`` that an undo would take back now, for a person to see before.

    Raises
    ------
    InputError
        If there is no such import.
    """
    imports = ws.read("imports")
    return imports[imports["import_id"].isin(_chosen(imports, import_ids))]


def undo_import(ws: Workspace, *import_ids: str) -> Undone:
    """Take imports back; without a name, everything that the last command brought in.

    Raises
    ------
    InputError
        If one of them is not there.
    WorkspaceError
        If ground files of other imports, from which the ground must be made anew, are gone.
    """
    with ws.alone():
        store.recover(ws)
        imports = ws.read("imports")
        gone = _chosen(imports, import_ids)
        tables, done = _tables_without(ws, imports, gone)
        waited = ws.read("aside")
        reasons = tables["aside"].set_index("key")["reason"].reindex(waited["key"]).to_numpy()
        reopened = set(waited["import_id"][waited["moved_to"].isin(gone) | (waited["reason"] != reasons)])
        ws.commit(
            tables, "undo", inputs=dict(zip(done.files, _hashes(imports, gone), strict=True)), wipe=True,
            import_ids=done.import_ids, removed=done.removed, restored=done.restored, waiting_again=done.waiting_again,
            left_alone=done.left_alone,
        )  # fmt: skip
        store.finish(ws, only=set(gone) | reopened)
    return done


def _chosen(imports: pd.DataFrame, import_ids: Sequence[str]) -> list[str]:
    if imports.empty:
        raise InputError("intake.nothing_to_undo")
    last = imports["import_id"][imports["imported_at"] == imports["imported_at"].max()]
    chosen, known = list(dict.fromkeys(import_ids or last)), list(dict.fromkeys(imports["import_id"][::-1]))
    if unknown := [one for one in chosen if one not in known]:
        raise InputError("intake.no_such_import", found=unknown, known=known)
    return chosen


def _hashes(imports: pd.DataFrame, gone: list[str]) -> list[str]:
    return imports["sha256"][imports["import_id"].isin(gone)].tolist()


def _tables_without(ws: Workspace, imports: pd.DataFrame, gone: list[str]) -> tuple[dict[str, Any], Undone]:
    left = imports[~imports["import_id"].isin(gone)].reset_index(drop=True)
    tables: dict[str, Any] = {"imports": left}
    removed, restored = {}, {}
    for name in history.KEYS:
        current, replaced = (history.read(ws, each) for each in (name, f"superseded_{name}"))
        ours = current["import_id"].isin(gone)
        if not ours.any() and not replaced["import_id"].isin(gone).any():
            continue
        tables[name], tables[f"superseded_{name}"] = history.without(current, replaced, name, gone=gone, imports=left)
        removed[name], restored[name] = int(ours.sum()), len(tables[name]) - int((~ours).sum())
    for name in ("quality", "corrections"):
        table = ws.read(name)
        tables[name] = table[~table["import_id"].isin(gone)]
    waiting = ws.read("aside")
    again = waiting["moved_to"].isin(gone) & ~waiting["import_id"].isin(gone)
    waiting = waiting.assign(moved_to=waiting["moved_to"].mask(again, ""))
    waiting = waiting[~waiting["import_id"].isin(gone)]
    current = history.read(ws, "incidents")
    lost = current[~current["incident_id"].isin(tables.get("incidents", current)["incident_id"])]
    alone = aside.left_alone(waiting, lost)
    tables["aside"] = waiting.assign(reason=waiting["reason"].mask(alone, aside.ALONE))
    if (imports["import_id"].isin(gone) & (imports["table"] == ground.TABLE)).any():
        tables |= ground.make_tables(ws, left, [])
    if "incidents" in tables or "villages" in tables:
        settled = ws.read("settled")
        tables["incidents"], tables["settled"] = history.settle(
            tables.get("incidents", current),
            settled[~settled["import_id"].isin(gone)],
            tables.get("villages", ws.read("villages")),
        )
        tables["incidents"], tables["settled"] = history.settle_masts(tables["incidents"], tables["settled"])
        tables["completeness"] = completeness(tables["incidents"])
    files = tuple(imports["file"][imports["import_id"].isin(gone)])
    return tables, Undone(tuple(gone), files, removed, restored, int(again.sum()), int(alone.sum()))
