"""The account of an import: every row read is accepted, set aside with its reason, or refused.

In:     what each reader decided about each row.
Out:    frozen reports whose three counts add up to the rows read, or an AssertionError: a row must not get lost.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from gis_data.catalogue import text

SET_ASIDE = "set_aside"
REFUSED = "refused"


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
        What was done to accepted rows: key -> number of rows.
    unknown
        Words that no list holds -> number of rows.
    """

    table: str
    accepted: pd.DataFrame
    reasons: pd.Series
    details: pd.Series
    refused: tuple[str, ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FileReport:
    """The account of one file (or one sheet of a workbook).

    Attributes
    ----------
    problems
        Key of a reason or a note -> number of rows.
    dropped, left_out
        Columns left behind because they name staff or hold free text; columns nobody knows.
    unknown
        Words that no list holds -> number of rows.
    already
        True if the very same file was imported before: nothing was read again.
    """

    file: str
    table: str
    import_id: str
    sha256: str
    rows_read: int = 0
    accepted: int = 0
    set_aside: int = 0
    refused: int = 0
    problems: Mapping[str, int] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)
    already: bool = False
    seconds: float = 0.0

    def __post_init__(self) -> None:
        counted = self.accepted + self.set_aside + self.refused
        assert counted == self.rows_read, f"{self.file}: {self.rows_read} rows read, {counted} accounted for"

    def sentences(self) -> list[str]:
        """Return what a person should know about this file, one sentence each."""
        if self.already:
            return [text("intake.already", file=self.file)]
        lines = [text(f"intake.reason.{key}") + f": {rows}" for key, rows in self.problems.items()]
        named = {
            "intake.dropped": self.dropped,
            "intake.left_out": self.left_out,
            "intake.unknown": tuple(self.unknown),
        }
        return lines + [text(key, names="、".join(names)) for key, names in named.items() if names]


@dataclass(frozen=True)
class ImportReport:
    """The account of one import, file by file."""

    files: tuple[FileReport, ...]
    dry_run: bool = False

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
                    "problems": json.dumps(dict(one.problems), ensure_ascii=False),
                    "already": one.already,
                    "notes": " ".join(one.sentences()),
                    "seconds": round(one.seconds, 3),
                    "import_id": one.import_id,
                }
                for one in self.files
            ]
        )


def count_reasons(found: Sorted) -> tuple[int, int, dict[str, int]]:
    """Return the number of rows set aside, of rows refused, and rows by reason or note."""
    counts: dict[str, int] = {
        str(key): int(rows) for key, rows in found.reasons[found.reasons != ""].value_counts().items()
    }
    refused = sum(rows for key, rows in counts.items() if key in found.refused)
    notes = {key: rows for key, rows in found.notes.items() if rows}
    return sum(counts.values()) - refused, refused, counts | notes
