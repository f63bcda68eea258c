"""History: what an import replaced, so that it can be taken back as if it had never been.

In:     the rows of an import and the tables before it; or the imports to take back.
Out:    the tables with the rows in them, and the replaced rows beside them (``superseded_<table>``).
Method: every row knows its import. A table is what remains when its rows, of all imports in their order, are laid one
        import over the other; a row goes over those of equal key. To undo an import is to lay them again without it.
        So nothing depends on the original files, which are purged, and imports may be undone in any order.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import shapely

from gis_data.intake import masts, places
from gis_data.keys import repeated
from gis_data.taxonomy import USABLE_POINT, has_a_place

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


def joined(old: Any, new: Any) -> Any:  # noqa: ANN401 - frame or geo frame
    """Return the rows of both (pandas asks what dtype an empty frame has, so an empty one is left out)."""
    return pd.concat([old, new], ignore_index=True) if len(old) and len(new) else (new if len(new) else old)


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
    return both[kept].reset_index(drop=True), both[~kept].reset_index(drop=True)


def _named_again(both: pd.DataFrame, old: int) -> pd.Series:
    """Tell which of the first ``old`` rows bear a name that another import brings again; namesakes go by their id."""
    first, last = both.iloc[:old], both.iloc[old:]
    again = first["name"].isin(last["name"]) & ~first["import_id"].isin(last["import_id"])
    again &= ~first["name"].duplicated(keep=False)
    return again.reindex(both.index, fill_value=False).astype(bool)


def hide_places(replaced: Any, new: Any) -> Any:  # noqa: ANN401 - geo frames
    """Return replaced incidents without their places where the newer row says that the incident may have none."""
    if replaced.empty:
        return replaced
    banned = replaced["incident_id"].isin(new["incident_id"][~has_a_place(new)])
    return replaced.assign(
        geometry=replaced.geometry.where(~banned, shapely.Point()),
        precision=replaced["precision"].mask(banned, "none"),
        village_id=replaced["village_id"].mask(banned, ""),
    )


def known_before(old: pd.DataFrame, new: pd.DataFrame, name: str) -> pd.Series:
    """Tell which new rows replace a row of an earlier import."""
    known = pd.Series(False, index=new.index)
    for key in KEYS[name] if len(old) else ():
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
    for _, rows in versions.groupby("import_id", sort=False):
        table, covered = lay_over(table, rows, name)
        beneath = joined(beneath, covered)
    return table, beneath


def settle(incidents: Any, settled: pd.DataFrame, villages: Any) -> tuple[Any, pd.DataFrame]:  # noqa: ANN401
    """Give incidents that came before their villages the village they lie in; those settled before are settled anew."""
    kept, settled = settled[settled["what"] == MAST], settled[settled["what"] != MAST]
    before = pd.MultiIndex.from_frame(settled[SETTLED_BY])
    own = pd.MultiIndex.from_frame(incidents[SETTLED_BY])
    village = incidents["village_id"].mask(own.isin(before), "")
    homeless = (village == "") & incidents["precision"].isin(USABLE_POINT)
    points = incidents.geometry[homeless]
    village = village.where(~homeless, "").astype("str")
    village[homeless] = places.village_by_point(points.x.to_numpy(), points.y.to_numpy(), villages)
    elsewhere = settled[~before.isin(own)]
    now = pd.DataFrame(incidents.loc[homeless & (village != ""), SETTLED_BY]).assign(what="village")
    return incidents.assign(village_id=village), joined(joined(elsewhere, now), kept)


def settle_masts(incidents: Any, settled: pd.DataFrame) -> tuple[Any, pd.DataFrame]:  # noqa: ANN401
    """Set incidents at a phone mast to its precision that came before it was known; those settled before anew."""
    kept, settled = settled[settled["what"] != MAST], settled[settled["what"] == MAST]
    before = pd.MultiIndex.from_frame(settled[SETTLED_BY])
    own = pd.MultiIndex.from_frame(incidents[SETTLED_BY])
    precision = incidents["precision"].mask(own.isin(before) & (incidents["precision"] == "cell"), "exact")
    late = masts.late_masts(incidents.assign(precision=precision))
    now = pd.DataFrame(incidents.loc[late, SETTLED_BY]).assign(what=MAST)
    elsewhere = settled[~before.isin(own)]
    return incidents.assign(precision=precision.mask(late, "cell")), joined(joined(elsewhere, now), kept)


def _in_order(versions: Any, imports: pd.DataFrame) -> Any:  # noqa: ANN401 - frame or geo frame
    """Return rows in the order of their imports, and within one as its sheets have them."""
    first = {name: place for place, name in reversed(list(enumerate(imports["import_id"])))}
    pairs = zip(imports["import_id"], imports["file"], strict=True)
    sheets = {pair: place for place, pair in enumerate(pairs)}
    order = pd.DataFrame(
        {
            "import": versions["import_id"].map(first).fillna(-1).to_numpy(),
            "sheet": [sheets.get(pair, 0) for pair in zip(versions["import_id"], versions["source_file"], strict=True)],
            "row": versions["source_row"].to_numpy(),
        },
        index=versions.index,
    )
    return versions.loc[order.sort_values(["import", "sheet", "row"], kind="stable").index]
