"""The whole file: what its accepted rows show together, and no single row shows.

In:     the accepted rows of a sheet of incidents, and the incidents of earlier imports.
Out:    notes on rows and remarks on the file: drifting shares, months with missing days and days that Spring Festival
        moves, heaped days, fields left empty and arrests counted otherwise, last weeks still coming in.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data import keys
from gis_data.catalogue import text
from gis_data.days import keeps_spring_festival
from gis_data.intake.drift import find_drift
from gis_data.intake.headers import called
from gis_data.intake.heaps import find_heaps
from gis_data.intake.lapses import Facts, find_lapses
from gis_data.intake.last_weeks import find_last_weeks
from gis_data.intake.report import Told
from gis_data.intake.spans import find_spans

Flags = NDArray[np.bool_]

DRIFTS_TOLD = 12
FROM = {"village_id": "village"}  # field of an incident -> column that it is read from, where called otherwise
KINDS = {"incident_class": "class.{}", "type": "type.{}", "rest": "intake.other"}


def look(
    ours: pd.DataFrame, kept: pd.Series, earlier: pd.DataFrame | None, *, timezone: str
) -> tuple[dict[str, pd.Series], list[Told]]:
    """Look at the accepted rows of a sheet together.

    Parameters
    ----------
    ours, kept
        The accepted rows, and which of the sheet's rows they are.
    earlier
        The incidents of all imports before, if any.

    Returns
    -------
    dict
        Note -> which rows of the sheet.
    list
        Catalogue keys and values about the file.
    """
    festival = keeps_spring_festival(timezone)
    before = ours.iloc[:0] if earlier is None else earlier
    drawn = before[~keys.among(before["incident_id"], ours["incident_id"] if len(before) else ())]
    single = (ours["count"] == 1).to_numpy()
    drift = find_drift(*(_with_word(part) for part in (ours, drawn)), by_festival=festival)
    spans = find_spans(ours["reported_at"], before["reported_at"], single=ours["count"] == 1, timezone=timezone)
    heaped, heaps = find_heaps(ours, drawn, single=single)
    facts = [Facts.of(part) for part in (ours, drawn)]
    lapsed, lapses = find_lapses(*facts)
    late, last = find_last_weeks(ours, drawn, *facts, by_festival=festival)
    notes: Mapping[str, Any] = {**drift.notes, **spans.notes, "day_heaped": heaped, **lapsed, "last_weeks": late}
    said = [*_drifts(drift.told), *spans.remarks, *_in_words([*heaps, *lapses, *last])]
    return {name: _spread(np.asarray(flags), kept) for name, flags in notes.items()}, said


def _with_word(table: pd.DataFrame) -> pd.DataFrame:
    names = ["reported_at", "incident_class", "type", "subtype", "count"]
    return pd.DataFrame(table[names]).rename(columns={"subtype": "word"})


def _spread(flags: Flags, kept: pd.Series) -> pd.Series:
    """Return flags of the kept rows as flags of all rows."""
    found = np.zeros(len(kept), dtype=bool)
    found[kept.to_numpy()] = flags
    return pd.Series(found, index=kept.index)


def _drifts(told: pd.DataFrame) -> Iterable[Told]:
    """Say which kinds drift in which month, the largest changes first."""
    for row in told.head(DRIFTS_TOLD).to_dict("records"):
        section = KINDS.get(row["column"])
        about = {
            "month": row["month"],
            "kind": text(section.format(row["kind"])) if section else row["kind"],
            "before": round(row["before_pct"], 1),
            "now": round(row["now_pct"], 1),
        }
        yield f"intake.remark.{row['note']}", about


def _in_words(told: Iterable[Told]) -> Iterable[Told]:
    """Return remarks with fields and types called as people call them."""
    for key, values in told:
        about = dict(values)
        if "field" in about:
            about["field"] = _called(about["field"])
        if "kind" in about:
            about["kind"] = text(f"type.{about['kind']}") if about["kind"] else text("intake.all_kinds")
        yield key, about


def _called(field: str) -> str:
    """Return what a field of an incident is called."""
    return text("intake.point") if field == "point" else called("incidents", FROM.get(field, field))
