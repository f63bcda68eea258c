"""History: what an import replaced, so that it can be taken back as if it had never been.

In:     the rows of an import and the tables before it; or the imports to take back.
Out:    the tables with the rows in them, and the replaced rows beside them (``superseded_<table>``).
Method: every row knows its import. A table is what remains when its rows, of all imports in their order, are laid one
        import over the other; a row goes over those of equal key. To undo an import is to lay them again without it.
        So nothing depends on the original files, which are purged, and imports may be undone in any order.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gis_data.intake import masts, places
from gis_data.intake.values import as_words, as_written, first_filled, with_word
from gis_data.keys import among, repeated
from gis_data.slim import PLACE, is_slim, one_under_other
from gis_data.taxonomy import USABLE_POINT, has_a_place
from gis_data.workspace import Workspace

NAME = ("name",)
KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    # A row that comes again replaces the row with the same key.
    "incidents": (("incident_id",),),
    "villages": (("village_id",), NAME),
    "crews": (("crew_id",),),
    "cameras": (("camera_id",),),
    "patrol_hours": (("month", "village_id", "band"),),
    "visits": (("crew_id", "checkpoint", "visited_at"),),
}
SETTLED_BY = ["incident_id", "import_id"]
MAST = "mast"


def read(ws: Workspace, name: str) -> Any:  # noqa: ANN401 - frame or geo frame
    """Return a table as it is held while tables are changed: of incidents, which are many, a slim one."""
    return ws.read(name, slim=name.removeprefix("superseded_") == "incidents")


def joined(old: Any, new: Any) -> Any:  # noqa: ANN401 - frame or geo frame
    """Return the rows of both (pandas asks what dtype an empty frame has, so an empty one is left out)."""
    if not (len(old) and len(new)):
        return new if len(new) else old
    return one_under_other(old, new) if is_slim(old) else pd.concat([old, new], ignore_index=True)


def lay_over(old: Any, new: Any, name: str) -> tuple[Any, Any]:  # noqa: ANN401 - frame or geo frame
    """Return a table with the new rows in it, and the old rows that they replaced."""
    both = joined(old, new).reset_index(drop=True)
    kept = pd.Series(True, index=both.index)
    for key in KEYS[name]:
        if key == NAME:
            kept &= ~_named_again(both, len(both) - len(new))
            continue
        part = both[list(key)][kept]
        again = repeated(part[key[0]], keep="last") if len(key) == 1 else part.duplicated(keep="last").to_numpy()
        kept[part.index[again]] = False
    if kept.all():
        return both, both.iloc[:0]
    return both[kept].reset_index(drop=True), both[~kept].reset_index(drop=True)


def _named_again(both: pd.DataFrame, old: int) -> pd.Series:
    """Tell which of the first ``old`` rows bear a name that another import brings again; namesakes go by their id."""
    first, last = both.iloc[:old], both.iloc[old:]
    again = first["name"].isin(last["name"]) & ~first["import_id"].isin(last["import_id"])
    again &= ~first["name"].duplicated(keep=False)
    return again.reindex(both.index, fill_value=False).astype(bool)


def hide_places(replaced: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return replaced incidents without their places where the newer row says that the incident may have none."""
    if replaced.empty:
        return replaced
    banned = replaced["incident_id"].isin(new["incident_id"][~has_a_place(new)])
    return replaced.assign(
        **{name: replaced[name].mask(banned) for name in PLACE},
        precision=with_word(replaced["precision"], banned, "none"),
        village_id=with_word(replaced["village_id"], banned, ""),
    )


def known_before(old: pd.DataFrame, new: pd.DataFrame, name: str) -> pd.Series:
    """Tell which new rows replace a row of an earlier import."""
    known = pd.Series(False, index=new.index)
    for key in KEYS[name] if len(old) else ():
        if len(key) == 1:
            known |= among(new[key[0]], old[key[0]])
            continue
        earlier = pd.MultiIndex.from_frame(old[list(key)])
        known |= pd.MultiIndex.from_frame(new[list(key)]).isin(earlier)
    return known


def without(current: Any, replaced: Any, name: str, *, gone: Iterable[str], imports: pd.DataFrame) -> tuple[Any, Any]:  # noqa: ANN401
    """Return a table, and what is replaced in it, as if some imports had never been.

    Parameters
    ----------
    current, replaced
        The table and its ``superseded_`` table.
    imports
        Table IMPORTS, in the order of the imports.
    """
    versions = joined(current, replaced)
    versions = _in_order(versions[~versions["import_id"].isin(list(gone))], imports)
    table, beneath = versions.iloc[:0], versions.iloc[:0]
    for _, rows in versions.groupby(as_written(versions["import_id"]), sort=False):
        table, covered = lay_over(table, rows, name)
        beneath = joined(beneath, covered)
    return table, beneath


def settle(incidents: pd.DataFrame, settled: pd.DataFrame, villages: Any) -> tuple[pd.DataFrame, pd.DataFrame]:  # noqa: ANN401
    """Give incidents that came before their villages the village they lie in; those settled before are settled anew."""
    kept, settled = settled[settled["what"] == MAST], settled[settled["what"] != MAST]
    before = pd.MultiIndex.from_frame(settled[SETTLED_BY])
    own = pd.MultiIndex.from_frame(incidents[SETTLED_BY])
    village = with_word(incidents["village_id"], own.isin(before), "")
    homeless = (village == "") & incidents["precision"].isin(USABLE_POINT)
    near = np.full(len(incidents), "", dtype=object)
    x, y = (incidents.loc[homeless, name].to_numpy() for name in PLACE)
    near[homeless] = places.village_by_point(x, y, villages)
    village = first_filled(village, as_words(pd.Series(near, index=incidents.index, dtype="str")))
    elsewhere = settled[~before.isin(own)]
    now = pd.DataFrame(incidents.loc[homeless & (village != ""), SETTLED_BY]).assign(what="village")
    return incidents.assign(village_id=village), joined(joined(elsewhere, now), kept)


def settle_masts(incidents: pd.DataFrame, settled: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set incidents at a phone mast to its precision that came before it was known; those settled before anew."""
    kept, settled = settled[settled["what"] != MAST], settled[settled["what"] == MAST]
    before = pd.MultiIndex.from_frame(settled[SETTLED_BY])
    own = pd.MultiIndex.from_frame(incidents[SETTLED_BY])
    settled_before = own.isin(before) & (incidents["precision"] == "cell")
    precision = with_word(incidents["precision"], settled_before, "exact")
    late = masts.late_masts(incidents.assign(precision=precision))
    now = pd.DataFrame(incidents.loc[late, SETTLED_BY]).assign(what=MAST)
    elsewhere = settled[~before.isin(own)]
    return incidents.assign(precision=with_word(precision, late, "cell")), joined(joined(elsewhere, now), kept)


def _in_order(versions: Any, imports: pd.DataFrame) -> Any:  # noqa: ANN401 - frame or geo frame
    """Return rows in the order of their imports, and within one as its sheets have them."""
    first = {name: place for place, name in reversed(list(enumerate(imports["import_id"])))}
    pairs = zip(imports["import_id"], imports["file"], strict=True)
    sheets = {pair: place for place, pair in enumerate(pairs)}
    order = pd.DataFrame(
        {
            "import": as_written(versions["import_id"]).map(first).fillna(-1).to_numpy(),
            "sheet": [sheets.get(pair, 0) for pair in zip(versions["import_id"], versions["source_file"], strict=True)],
            "row": versions["source_row"].to_numpy(),
        },
        index=versions.index,
    )
    return versions.loc[order.sort_values(["import", "sheet", "row"], kind="stable").index]
