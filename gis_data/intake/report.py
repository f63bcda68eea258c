"""The account of an import: every row read is accepted, set aside with its reason, or refused.

In:     what each reader decided about each row.
Out:    frozen reports whose three counts add up to the rows read, or an AssertionError: a row must not get lost.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gis_data.catalogue import text
from gis_data.intake import values
from gis_data.intake.headers import called
from gis_data.intake.remarks import said
from gis_data.tables import COMPLETENESS
from gis_data.taxonomy import USABLE_POINT, has_a_place

ACCEPTED = "accepted"
SET_ASIDE = "set_aside"
REFUSED = "refused"
EXAMPLES = 3
ELSEWHERE = "intake.remark.mostly_outside"
FEW_OUTSIDE = 10  # rows; fewer may all be by chance from the neighbouring station
Told = tuple[str, Mapping[str, Any]]  # what is said of a whole file: a catalogue key and its values
# Fields that a file may leave empty; the rest is there in every accepted row.
ASKED = (
    "occurred_from", "occurred_to", "arrived_at", "closed_at", "subtype", "channel", "place_type", "mo", "target_type",
    "village_id",
)  # fmt: skip


@dataclass(frozen=True)
class Sorted:
    """What a reader made of one sheet.

    Attributes
    ----------
    table
        Table that the accepted rows go to.
    accepted
        Rows as the table's schema wants them.
    reasons
        For each row of the sheet: "" if accepted, else the key of its reason (``intake.reason.<key>``).
    details
        For each row: what the reason's sentence names (the unknown word, the other row), or "".
    refused
        Keys of reasons whose rows are kept nowhere, not even among the rows set aside.
    notes
        What was done to accepted rows: key -> which rows of the sheet.
    unknown
        Words that no list holds -> number of rows.
    remarks
        Catalogue keys and values about the whole sheet.
    corrections
        Points moved or dropped, as schema CORRECTIONS; None where the sheet has none.
    marks
        For each row what must outlast its setting aside: ``incident_id``, ``linked_id``, ``village_id``, ``placeless``
        (it may never have a place). None where rows have nothing of the kind.
    """

    table: str
    accepted: pd.DataFrame
    reasons: pd.Series
    details: pd.Series
    refused: tuple[str, ...] = ()
    notes: Mapping[str, pd.Series] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[Told, ...] = ()
    corrections: pd.DataFrame | None = None
    marks: pd.DataFrame | None = None


def mostly_outside(outside: pd.Series, placed: pd.Series) -> tuple[Told, ...]:
    """Return a remark where most places of a sheet lie outside: the boundary is wrong, or the file another town's."""
    rows, all_placed = int(outside.sum()), int((placed | outside).sum())
    if rows < FEW_OUTSIDE or 2 * rows <= all_placed:
        return ()
    return ((ELSEWHERE, {"rows": rows, "placed": all_placed}),)


@dataclass(frozen=True)
class Finding:
    """One reason or note, and the rows it holds for.

    Attributes
    ----------
    problem
        Key of a reason or a note (``intake.reason.<key>``).
    outcome
        What became of the rows: accepted (a note), set_aside or refused.
    examples
        Up to three row numbers, as the user's own program shows them.
    """

    problem: str
    outcome: str
    rows: int
    examples: tuple[int, ...] = ()


@dataclass(frozen=True)
class FileReport:
    """The account of one file (or one sheet of a workbook).

    Attributes
    ----------
    findings
        Reasons and notes, each with its rows.
    dropped, left_out
        Columns left behind because they name staff or hold free text; columns nobody knows.
    unknown
        Words that no list holds -> number of rows.
    remarks
        Catalogue keys and values about the whole file.
    guessed
        Columns whose header is only like a known one -> the field each was taken for.
    already
        True if the very same file was imported before: nothing was read again.
    unread
        True for a member of a zip that is no table of ours: it was left where it is.
    """

    file: str
    table: str
    import_id: str
    sha256: str
    rows_read: int = 0
    accepted: int = 0
    set_aside: int = 0
    refused: int = 0
    findings: tuple[Finding, ...] = ()
    dropped: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[Told, ...] = ()
    guessed: Mapping[str, str] = field(default_factory=dict)
    already: bool = False
    unread: bool = False
    seconds: float = 0.0

    def __post_init__(self) -> None:
        counted = self.accepted + self.set_aside + self.refused
        assert counted == self.rows_read, f"{self.file}: {self.rows_read} rows read, {counted} accounted for"

    @property
    def problems(self) -> dict[str, int]:
        """Key of a reason or a note -> number of rows."""
        return {one.problem: one.rows for one in self.findings}

    @property
    def examples(self) -> dict[str, tuple[int, ...]]:
        """Key of a reason or a note -> up to three row numbers."""
        return {one.problem: one.examples for one in self.findings}

    @property
    def replaced(self) -> int:
        """Number of accepted rows that stand in place of a row of an earlier import."""
        return self.problems.get("replaced", 0)

    def sentences(self) -> list[str]:
        """Return what a person should know about this file, one sentence each.

        That it may be the wrong file comes first, then the columns, then what most rows have.
        """
        if self.already:
            return [text("intake.already", file=self.file)]
        if self.unread:
            return [text("intake.unread", file=self.file)]
        named = {
            "intake.dropped": self.dropped,
            "intake.left_out": self.left_out,
            "intake.guessed": [f"{column} → {called(self.table, name)}" for column, name in self.guessed.items()],
            "intake.unknown": tuple(self.unknown),
        }
        first = [remark for remark in self.remarks if remark[0] == ELSEWHERE]
        lines = said(first) + [text(key, names=names) for key, names in named.items() if names]
        if self.replaced:
            lines.insert(0, text("intake.new_and_replaced", new=self.accepted - self.replaced, replaced=self.replaced))
        by_rows = sorted((one for one in self.findings if one.problem != "replaced"), key=lambda one: -one.rows)
        lines += [
            text("intake.counted", reason=text(f"intake.reason.{one.problem}"), rows=f"{one.rows:,}") for one in by_rows
        ]
        return lines + said(remark for remark in self.remarks if remark not in first)


@dataclass(frozen=True)
class ImportReport:
    """The account of one import, file by file; ``read_anew``: incidents of earlier ones whose word is known by now."""

    files: tuple[FileReport, ...]
    dry_run: bool = False
    read_anew: int = 0

    def to_frame(self) -> pd.DataFrame:
        """Return one row per file."""
        return pd.DataFrame(
            [
                {
                    "file": one.file,
                    "table": one.table,
                    "rows_read": one.rows_read,
                    "accepted": one.accepted,
                    "set_aside": one.set_aside,
                    "refused": one.refused,
                    "new": one.accepted - one.replaced,
                    "replaced": one.replaced,
                    "problems": json.dumps(one.problems, ensure_ascii=False),
                    "examples": json.dumps(one.examples),
                    "already": one.already,
                    "notes": " ".join(one.sentences()),
                    "sentences": one.sentences(),
                    "seconds": round(one.seconds, 3),
                    "import_id": one.import_id,
                }
                for one in self.files
            ]
        )


def findings_of(found: Sorted, rows: np.ndarray) -> tuple[Finding, ...]:
    """Return every reason and note of a sheet, with its number of rows and the first of them.

    Parameters
    ----------
    rows
        Number of each row as the user's own program shows it.
    """
    reasons = found.reasons[found.reasons != ""].value_counts().index
    outcomes = {str(key): REFUSED if key in found.refused else SET_ASIDE for key in reasons}
    flagged = [(key, outcome, found.reasons == key) for key, outcome in outcomes.items()]
    flagged += [(key, ACCEPTED, flags) for key, flags in found.notes.items() if flags.any()]
    return tuple(
        Finding(key, outcome, int(flags.sum()), tuple(rows[flags.to_numpy()][:EXAMPLES].tolist()))
        for key, outcome, flags in flagged
    )


def with_late_masts(reports: Sequence[FileReport], late: pd.DataFrame) -> list[FileReport]:
    """Return the reports with the rows that all imports together have shown to stand at a mast.

    Rows of these files are counted with the file's own; those of earlier imports are remarked on in the last report.

    Parameters
    ----------
    late
        ``import_id``, ``source_file``, ``source_row`` of each such row.
    """
    found, left = list(reports), len(late)
    for number, one in enumerate(found):
        ours = (late["import_id"] == one.import_id) & (late["source_file"] == one.file)
        if ours.any():
            found[number] = _with_more(one, "cell_point", sorted(late["source_row"][ours].tolist()))
            left -= int(ours.sum())
    if left:
        last = max(number for number, one in enumerate(found) if not one.already and not one.unread)
        remark = ("intake.remark.masts_before", {"rows": left})
        found[last] = dataclasses.replace(found[last], remarks=(*found[last].remarks, remark))
    return found


def _with_more(report: FileReport, note: str, rows: Sequence[int]) -> FileReport:
    """Return a report with more rows under a note."""
    before = next((one for one in report.findings if one.problem == note), Finding(note, ACCEPTED, 0))
    examples = tuple(sorted((*before.examples, *rows))[:EXAMPLES])
    after = Finding(note, ACCEPTED, before.rows + len(rows), examples)
    return dataclasses.replace(report, findings=(*(one for one in report.findings if one is not before), after))


def filled_fields(incidents: pd.DataFrame) -> dict[str, tuple[pd.Series, pd.Series]]:
    """Return for each field that may be left empty of which incidents it is asked, and which have it filled.

    Point and village are asked only of incidents that may have a place: what is withheld is not missing.
    """
    everywhere, placed = pd.Series(True, index=incidents.index), has_a_place(incidents)
    # In one order for all tables: two are compared by the place of a field in it.
    found = {
        name: (everywhere, values.is_filled(incidents[name]) if name in incidents else ~everywhere) for name in ASKED
    }
    found["village_id"] = (placed, found["village_id"][1])
    return found | {"point": (placed, incidents["precision"].isin(USABLE_POINT))}


def completeness(incidents: pd.DataFrame) -> pd.DataFrame:
    """Return how many rows of each import and month have each field filled (table COMPLETENESS)."""
    own = incidents["import_id"].astype("category")
    own = own.cat.reorder_categories(sorted(own.cat.categories))
    keys = [own, incidents["reported_at"].dt.strftime("%Y-%m").rename("month")]
    parts = []
    for name, (asked, flags) in filled_fields(incidents).items():
        counted = flags[asked].groupby(keys).agg(rows="size", filled="sum")
        parts.append(counted.reset_index().assign(field=name))
    return pd.concat(parts, ignore_index=True)[list(COMPLETENESS.columns)]
