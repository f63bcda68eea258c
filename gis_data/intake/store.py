"""What an import or an undo leaves outside the tables, made to follow them.

In:     a workspace whose tables were just changed (``Workspace.commit``), or one that was killed after that.
Out:    ``set_aside/`` and ``raw/`` as the tables say, the audit entry written. Doing it twice changes nothing, so a
        kill in between is made good by doing it again.

``raw/`` keeps an original only where every column of it is one that the tables keep, and no cell holds a person's
number or a free text; of every other file nothing is kept. Only the ground is ever made anew from originals.
"""

import re
from collections.abc import Iterable

from gis_data.intake import aside
from gis_data.workspace import Workspace

_ORIGINAL = re.compile(r"(I[0-9a-f]{12})_.+")


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


def _tidy_raw(ws: Workspace) -> None:
    """Remove originals of no import: of one that was undone, or killed before its tables were written."""
    known = set(ws.read("imports")["import_id"])
    for path in (ws.root / "raw").iterdir():
        named = _ORIGINAL.fullmatch(path.name)
        if path.name.endswith(".draft") or (named and named[1] not in known):
            path.unlink()
