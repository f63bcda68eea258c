"""The last weeks: rows that are still coming in when a file is made.

In:     the accepted rows of a file and the rows imported before.
Out:    where the file holds the end of all data: which rows are of kinds that are fewer there than before, or lack what
        rows before them have; what to say of it.
Method: the last one, two and four weeks against the eight before them, of each type and of all, and where there is one
        against the same weeks of the year before: exact tests, all together by Benjamini-Hochberg, and a fifth fewer at
        least. Reports that come late (fraud), points and arrests that follow later leave the end of a file too low:
        a period to judge by, or to try a forecast on, is better ended before it. Weeks under Spring Festival's sway
        show nothing of the kind.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from gis_data.intake import values
from gis_data.intake.drift import ALPHA, LEAST_ROWS
from gis_data.intake.lapses import ARRESTS, MISSING_LEAST, MISSING_TIMES, Facts, unlikely
from gis_data.intake.report import Told
from gis_data.intake.spans import festival_of

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

TAILS, BASE_UNTIL = (7, 14, 28), 84  # days back from the end: the tails asked about; from the last of them on the base
KEPT = 0.8
SAME_WEEKS = 364
ALL = ""


def find_last_weeks(
    rows: pd.DataFrame, before: pd.DataFrame, ours: Facts, earlier: Facts, *, by_festival: bool
) -> tuple[Flags, list[Told]]:
    """Test the end of all data.

    Parameters
    ----------
    rows, before
        ``type`` and ``count`` of this file's rows and of those imported earlier.
    by_festival
        Whether Spring Festival is kept.
    """
    found, told = np.zeros(len(rows), dtype=bool), list[Told]()
    day = np.concatenate([earlier.day, ours.day])
    if not len(ours.day) or ours.day.max() < day.max() or day.max() - day.min() < BASE_UNTIL - 1:
        return found, told
    end = int(day.max())
    if by_festival and festival_of(np.arange(end - TAILS[-1], end + 1)).any():
        return found, told
    with_year = end - day.min() >= SAME_WEEKS + BASE_UNTIL - 1
    single = (rows["count"] == 1).to_numpy()
    for kind, days, now, usual in _fewer(*_kinds_by_age(rows, before, ours, earlier, end), with_year=with_year):
        found |= ((rows["type"] == kind).to_numpy() | (kind == ALL)) & (ours.day > end - days) & single
        about = {"kind": kind, "now": round(now * 7 / days, 1), "usual": round(usual * 7 / days, 1)}
        told.append(("intake.remark.last_weeks", about | _span(end, days)))
    for field, days, now, usual in _emptier(ours, earlier, end):
        asked, filled = ours.holds(field)
        found |= asked & (~filled | (field == ARRESTS)) & (ours.day > end - days)
        about = {"field": field, "now": round(100 * now, 1), "before": round(100 * usual, 1)}
        told.append((f"intake.remark.last_{'arrests' if field == ARRESTS else 'fields'}", about | _span(end, days)))
    return found, told


def _span(end: int, days: int) -> dict[str, Any]:
    first, last = (str(np.datetime64(day, "D")) for day in (end - days + 1, end))
    return {"days": days, "first": first, "last": last}


def _kinds_by_age(
    rows: pd.DataFrame, before: pd.DataFrame, ours: Facts, earlier: Facts, end: int
) -> tuple[pd.Series, Counts]:
    """Return the type of each single incident near the end, in this year and the one before, and its days from it."""
    parts, ages = [], []
    for table, facts in ((before, earlier), (rows, ours)):
        age = end - facts.day
        asked = (age < BASE_UNTIL) | ((age >= SAME_WEEKS) & (age < SAME_WEEKS + BASE_UNTIL))
        near = np.flatnonzero(asked)
        near = near[(table["count"].iloc[near] == 1).to_numpy()]
        parts.append(table["type"].iloc[near])
        ages.append(age[near])
    return values.stacked(values.as_written(parts[0]), parts[1]), np.concatenate(ages)


def _place(age: Counts) -> NDArray[np.intp]:
    """Return in which tail's days each row lies, the longest tail's base last."""
    return np.searchsorted(TAILS, age, side="right")


def _fewer(kinds: pd.Series, age: Counts, *, with_year: bool) -> list[tuple[str, int, float, float]]:
    """Return the kinds that are fewer at the end than before it: kind, days of the longest tail, rows, usual rows."""
    names, size = list(kinds.cat.categories), len(TAILS) + 1
    code = np.asarray(kinds.cat.codes, dtype=np.int64)
    counts = []
    for back in (0, SAME_WEEKS):
        asked = (age >= back) & (age < back + BASE_UNTIL)
        found = np.bincount(code[asked] * size + _place(age[asked] - back), minlength=len(names) * size)
        counts.append(_up_to_each_tail(found.reshape(-1, size)))
    now, then = (np.vstack([part.sum(axis=0), part]) for part in counts)
    parts = []
    for place, days in enumerate(TAILS):
        table = pd.DataFrame({"kind": [ALL, *names], "days": days, "has": now[:, place], "base": now[:, -1]})
        table["had"], table["then"] = then[:, place], then[:, -1]
        parts.append(table.iloc[[0, *(1 + n for n, name in enumerate(names) if name)]])
    table = pd.concat(parts, ignore_index=True)
    table = table[table["base"] >= LEAST_ROWS].reset_index(drop=True)
    if table.empty:
        return []
    plain = table["days"] / (BASE_UNTIL - TAILS[-1])
    compared = (with_year & (table["then"] >= LEAST_ROWS)).to_numpy()
    usual = table["base"] * np.where(compared, table["had"] / table["then"].clip(lower=1), plain)
    p = stats.binom.cdf(table["has"], table["has"] + table["base"], plain / (1 + plain))
    if compared.any():
        part = table[compared]
        p[compared] = stats.hypergeom.cdf(
            part["has"], part[["has", "base", "had", "then"]].sum(axis=1), part["has"] + part["had"],
            part["has"] + part["base"],
        )  # fmt: skip
    told = table.assign(usual=usual)[(stats.false_discovery_control(p) <= ALPHA) & (table["has"] <= KEPT * usual)]
    told = told.drop_duplicates("kind", keep="last")
    return [(str(k), int(d), float(n), float(u)) for k, d, n, u in told[["kind", "days", "has", "usual"]].to_numpy()]


def _up_to_each_tail(counts: Counts) -> Counts:
    """Return counts by days of the tails and the base, as counts of each whole tail and the base."""
    return np.column_stack([np.cumsum(counts[:, :-1], axis=1), counts[:, -1]])


def _emptier(ours: Facts, earlier: Facts, end: int) -> list[tuple[str, int, float, float]]:
    """Return the fields left empty, and arrests not yet made, more often at the end than before, with both shares."""
    wanted, there = [], []
    for facts in (ours, earlier):
        near = (age := end - facts.day) < BASE_UNTIL
        counted = facts.counts(_place(age[near]), len(TAILS) + 1, near)
        wanted.append(counted[0])
        there.append(counted[1])
    asked = np.sum(wanted, axis=0)
    lacking = asked - np.sum(there, axis=0)
    asked, lacking = (_up_to_each_tail(part.T) for part in (asked, lacking))
    table = pd.DataFrame({
        "field": np.repeat(ours.fields, len(TAILS)), "days": np.tile(TAILS, len(ours.fields)),
        "has": lacking[:, :-1].ravel(), "rows": asked[:, :-1].ravel(),
        "had": np.repeat(lacking[:, -1], len(TAILS)), "earlier": np.repeat(asked[:, -1], len(TAILS)),
    })  # fmt: skip
    table = table[(table["rows"] >= LEAST_ROWS / 2) & (table["earlier"] >= LEAST_ROWS)]
    if table.empty:
        return []
    now, before = table["has"] / table["rows"], table["had"] / table["earlier"]
    wide = (now >= MISSING_TIMES * before) & (now >= before + MISSING_LEAST)
    wide = wide.where(table["field"] != ARRESTS, 1 - now <= KEPT * (1 - before))
    shown = (part.where(table["field"] != ARRESTS, 1 - part) for part in (now, before))
    table = table.assign(**dict(zip(("now", "before"), shown, strict=True)))
    told = table[unlikely(table, both_ways=False) & wide].drop_duplicates("field", keep="last")
    return [(str(f), int(d), float(n), float(b)) for f, d, n, b in told[["field", "days", "now", "before"]].to_numpy()]
