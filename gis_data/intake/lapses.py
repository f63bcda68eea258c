"""Lapses: what a file no longer records as it did before: fields left empty, arrests counted otherwise.

In:     the accepted rows of a file and the rows imported before.
Out:    which rows lack a field that others had; in which months the share with an arrest drifts; what to say of both.
Method: DOMAIN 2.6, pitfall 14. Each month against the twelve before it: Fisher's exact test, all tests of a kind
        together by Benjamini-Hochberg, and a change that matters. Nothing is changed: an empty field stays empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from gis_data.days import month_name, month_number
from gis_data.intake.drift import ALPHA, LEAST_ROWS, YEAR, chance_of
from gis_data.intake.heaps import days_of
from gis_data.intake.report import Told, filled_fields

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

MISSING_TIMES, MISSING_LEAST = 1.5, 0.005  # half as many again lack a field, and a row in two hundred more
ARRESTS_KEPT = 0.85
MOST_TOLD = 12
ARRESTS = "caught_count"


@dataclass(frozen=True)
class Facts:
    """What is asked of the rows of a table INCIDENTS.

    Attributes
    ----------
    day
        Local day of the report, counted from 1970.
    pattern
        Of each row, which of the patterns is its own: rows are many, patterns of filled fields few.
    asked, filled
        Whether a field is asked of a pattern, and whether it is there (patterns x fields); for ``ARRESTS`` one.
    fields
        Their names.
    """

    day: Counts
    pattern: NDArray[np.intp]
    asked: Flags
    filled: Flags
    fields: tuple[str, ...]

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Facts":
        """Return the facts of a table."""
        fields = filled_fields(table)
        fields[ARRESTS] = (table["count"] == 1, table[ARRESTS] > 0)
        flags = [flag.to_numpy() for pair in fields.values() for flag in pair]
        code = np.zeros(len(table), dtype=np.uint32)
        for place, flag in enumerate(flags):
            code |= flag.astype(np.uint32) << np.uint32(place)
        pattern, known = pd.factorize(code)
        bits = (known[:, None] >> np.arange(len(flags), dtype=np.uint32)) & 1 == 1
        return cls(days_of(table["reported_at"]), pattern, bits[:, ::2], bits[:, 1::2], tuple(fields))

    @cached_property
    def month(self) -> Counts:
        """Month of the report, counted from January 1970."""
        return month_number(self.day)

    def counts(self, place: NDArray[np.int64], size: int, rows: Flags | slice = slice(None)) -> tuple[Counts, Counts]:
        """Count some rows by a place of theirs: of how many each field is asked, and how many have it (size x fields).

        Parameters
        ----------
        place
            Of each of the rows, from 0 to ``size`` - 1.
        """
        patterns = len(self.asked)
        by_pattern = np.bincount(place * patterns + self.pattern[rows], minlength=size * patterns)
        by_pattern = by_pattern.reshape(size, patterns)
        return by_pattern @ self.asked, by_pattern @ (self.asked & self.filled)

    def holds(self, field: str) -> tuple[Flags, Flags]:
        """Return of which rows a field is asked, and which have it."""
        column = self.fields.index(field)
        return self.asked[self.pattern, column], self.filled[self.pattern, column]


def find_lapses(ours: Facts, earlier: Facts) -> tuple[dict[str, Flags], list[Told]]:
    """Test the months of a file.

    Returns
    -------
    dict
        ``field_missing``, ``arrests_drift``: which rows.
    list
        Catalogue keys and values, fields by their own names (``field``).
    """
    nobody = np.zeros(len(ours.day), dtype=bool)
    notes, told = {"field_missing": nobody, "arrests_drift": nobody.copy()}, list[Told]()
    if not len(ours.day):
        return notes, told
    table = _shares(ours, earlier)
    arrests = (table["field"] == ARRESTS).to_numpy()
    now, before = table["now"], table["before"]
    lacking = (now >= MISSING_TIMES * before) & (now >= before + MISSING_LEAST)
    drifting = (now <= ARRESTS_KEPT * before) | (now >= before / ARRESTS_KEPT)
    for note, asked, wide in (("field_missing", ~arrests, lacking), ("arrests_drift", arrests, drifting)):
        part = table[asked]
        if part.empty:
            continue
        found = part[unlikely(part, both_ways=note == "arrests_drift") & wide[asked]]
        for field, months in found.groupby("field")["month"]:
            where, filled = ours.holds(str(field))
            there = where & np.isin(ours.month, months)
            notes[note] |= there & ~filled if note == "field_missing" else there
        told += _runs(found, note)
    return notes, told


def unlikely(table: pd.DataFrame, *, both_ways: bool) -> Flags:
    """Tell which shares chance does not make (``has`` of ``rows`` against ``had`` of ``earlier``)."""
    found: Flags = stats.false_discovery_control(chance_of(table, both_ways=both_ways)) <= ALPHA
    return found


def _shares(ours: Facts, earlier: Facts) -> pd.DataFrame:
    """Count for each month of the file's, and the months before it, who lacks a field (and who has an arrest)."""
    known = [part.month for part in (ours, earlier) if len(part.day)]
    first = min(int(part.min()) for part in known)
    size = max(int(part.max()) for part in known) - first + 1
    asked, has = (sum(part) for part in zip(*(facts.counts(facts.month - first, size) for facts in (ours, earlier)),
                                            strict=True))  # fmt: skip
    hits = np.where(np.array(ours.fields) == ARRESTS, has, asked - has)
    months = np.unique(ours.month)
    at, since = months - first, np.maximum(months - first - YEAR, 0)
    upto = [np.vstack([np.zeros_like(part[:1]), np.cumsum(part, axis=0)]) for part in (hits, asked)]
    had, before = (part[at] - part[since] for part in upto)
    table = pd.DataFrame({
        "field": np.repeat(ours.fields, len(months)), "month": np.tile(months, len(ours.fields)),
        **{name: part.T.ravel() for name, part in (("has", hits[at]), ("rows", asked[at]), ("had", had),
                                                   ("earlier", before))},
    })  # fmt: skip
    table = table[(table["earlier"] >= LEAST_ROWS) & (table["rows"] >= LEAST_ROWS / 2)].reset_index(drop=True)
    return table.assign(now=table["has"] / table["rows"], before=table["had"] / table["earlier"])


def _runs(found: pd.DataFrame, note: str) -> Iterator[Told]:
    """Say of each field from which month to which it lapsed, against the year before the first."""
    found = found.sort_values(["field", "month"])
    run = ((found["field"] != found["field"].shift()) | (found["month"] != found["month"].shift() + 1)).cumsum()
    for _, part in list(found.groupby(run))[-MOST_TOLD:]:
        first, last = map(month_name, part["month"].iloc[[0, -1]])
        now, before = part["has"].sum() / part["rows"].sum(), part["before"].iloc[0]
        about = {"first": first, "last": last, "now": round(100 * now, 1), "before": round(100 * before, 1)}
        named = {} if note == "arrests_drift" else {"field": part["field"].iloc[0]}
        yield f"intake.remark.{note}", about | named
