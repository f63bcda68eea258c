"""What an import or an undo leaves outside the tables, made to follow them.

In:     a workspace whose tables were just changed (``Workspace.commit``), or one that was killed after that.
Out:    ``set_aside/`` and ``raw/`` as the tables say, the audit entry written. Doing it twice changes nothing, so a
        kill in between is made good by doing it again.

``raw/`` keeps an original only where every column of it is one that the tables keep, and no cell holds a person's
number or a free text; of every other file nothing is kept. Only the ground is ever made anew from originals; those of
incidents and check-ins go after some months (``purge``), and imports are undone without them.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from gis_data.intake import aside
from gis_data.workspace import Workspace

_ORIGINAL = re.compile(r"(I[0-9a-f]{12})_.+")
PURGED = ("incidents", "visits")  # what tells of events and of crews; ground, villages and rosters are kept


def recover(ws: Workspace) -> None:
    """Finish what a kill has left undone."""
    if ws.is_behind():
        finish(ws)


def finish(ws: Workspace, *, only: Iterable[str] | None = None) -> None:
    """Bring files and audit log to what the tables say.

    Parameters
    ----------
    only
        Imports whose rows set aside may have changed; None for all.
    """
    aside.write_files(ws, only=only)
    _tidy_raw(ws)
    ws.catch_up()


def purge(ws: Workspace, *, now: pd.Timestamp | None = None) -> tuple[str, ...]:
    """Remove originals of incidents and check-ins older than the station keeps them, and log which.

    Returns
    -------
    tuple of str
        Names of the files removed.
    """
    gone = _due(ws, now or pd.Timestamp.now(ws.study.timezone))
    if gone:
        days = ws.study.settings.privacy.purge_raw_after_days
        # Logged first: a kill in between leaves a file to be removed by the next purge, never a removal untold.
        ws.log("purge", files=[path.name for path in gone], older_than_days=days)
        for path in gone:
            path.unlink(missing_ok=True)
    return tuple(path.name for path in gone)


def purge_originals(ws: Workspace) -> tuple[str, ...]:
    """Purge outside an import; return the names of the files removed."""
    if not _due(ws, pd.Timestamp.now(ws.study.timezone)):
        return ()  # a workspace on a medium that cannot be written is only read
    with ws.alone():
        return purge(ws)


def _due(ws: Workspace, now: pd.Timestamp) -> list[Path]:
    imports = ws.read("imports")
    oldest = now - pd.Timedelta(days=ws.study.settings.privacy.purge_raw_after_days)
    old = imports[imports["table"].isin(PURGED) & (imports["imported_at"] < oldest)]
    named = ((path, _ORIGINAL.fullmatch(path.name)) for path in sorted((ws.root / "raw").iterdir()))
    return [path for path, name in named if name and name[1] in set(old["import_id"])]


def _tidy_raw(ws: Workspace) -> None:
    """Remove originals of no import: of one that was undone, or killed before its tables were written."""
    known = set(ws.read("imports")["import_id"])
    for path in (ws.root / "raw").iterdir():
        named = _ORIGINAL.fullmatch(path.name)
        if path.name.endswith(".draft") or (named and named[1] not in known):
            path.unlink()
