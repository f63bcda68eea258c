"""Taking: one sheet laid over the tables, every row of it accounted for.

In:     a job (a sheet, its match, what was dropped from it) and the session of an import.
Out:    the session's tables with the accepted rows in them, the rows that they replaced and the rows set aside beside
        them; the account of the sheet.

Rows are told apart before any reader sees them: what holds a person's number or name is refused, and a row that comes
back from ``set_aside/`` untouched stays where it is. Readers see the rest and decide.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from gis_data.catalogue import text
from gis_data.intake import (
    aside,
    cameras,
    class_words,
    history,
    incidents,
    masts,
    privacy,
    roster,
    values,
    villages,
    visits,
)
from gis_data.intake.archives import Source
from gis_data.intake.headers import Match
from gis_data.intake.report import EXAMPLES, REFUSED, FileReport, Finding, Sorted, Told, findings_of
from gis_data.intake.sheets import Sheet
from gis_data.intake.surroundings import Surroundings
from gis_data.keys import among
from gis_data.side_by_side import give_back, side_by_side
from gis_data.slim import is_slim
from gis_data.tables import TABLES
from gis_data.workspace import Workspace

PRIVATE, SIGNED, RAGGED = "private", "signed", "ragged"
NUMBERS_TOLD = 20
REPLACED = "replaced"


@dataclass(frozen=True)
class Job:
    """One sheet to be read, or one ground file.

    Attributes
    ----------
    sheet
        None for a ground file.
    features
        Number of features, known for layer files.
    back
        ``key`` and ``own`` of rows that come back from ``set_aside/``; None for an ordinary sheet.
    persons, names
        Headers of columns about persons that were dropped, and the names that stood in them.
    keeps_its_original
        Whether the file may be kept as it is, known once its rows are taken.
    """

    source: Source
    sha256: str
    sheet: Sheet | None
    match: Match | None
    features: int = 0
    back: pd.DataFrame | None = None
    persons: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    keeps_its_original: bool = True

    @property
    def table(self) -> str:
        """Table the sheet feeds; "" if nobody knows."""
        if self.sheet is None:
            return "ground"
        return self.match.table if self.match else ""

    @property
    def import_id(self) -> str:
        """Short name of the file's content; the same content always has the same one."""
        return f"I{self.sha256[:12]}"

    def without_rows(self, *, dry_run: bool) -> "Job":
        """Return the job once its rows are taken: what is still asked of it needs none of them."""
        if self.sheet is None:
            return self
        nothing = dataclasses.replace(self.sheet, frame=pd.DataFrame(), rows=self.sheet.rows[:0], shapes=None)
        return dataclasses.replace(
            self, sheet=nothing, back=None, keeps_its_original=not dry_run and self._may_be_kept(self.sheet)
        )

    def _may_be_kept(self, sheet: Sheet) -> bool:
        """Tell whether the file may be kept as it is: every column is one that the tables keep, and nobody is in it."""
        match = self.match
        if (
            match is None
            or self.back is not None
            or sheet.ragged is not None
            or self.persons
            or match.dropped
            or match.left_out
        ):
            return False
        return privacy.may_be_kept(sheet)


@dataclass
class Session:
    """The tables as they will be after the import."""

    ws: Workspace
    changed: dict[str, Any] = field(default_factory=dict)
    _around: Surroundings | None = None
    _made_of: tuple[int, ...] = ()

    def table(self, name: str) -> Any:  # noqa: ANN401 - frame or geo frame
        """Return a table with what this import has added so far."""
        return self.changed[name] if name in self.changed else history.read(self.ws, name)

    def add(self, name: str, rows: Any) -> None:  # noqa: ANN401 - frame or geo frame
        """Add rows to the end of a table."""
        if len(rows):
            self.changed[name] = history.joined(self.table(name), rows)

    def around(self) -> Surroundings:
        """Return what the places of incidents are held against; made once for all files of an import."""
        names = ("villages", "buildings", "roads", "places")
        made_of = tuple(id(self.changed.get(name)) for name in names)
        if self._around is None or self._made_of != made_of:
            tables = {name: self.table(name) for name in names}
            self._around = Surroundings(self.ws.study, own_datum=self.ws.intake.get("datum", {}), **tables)
            self._made_of = made_of
        return self._around

    def make_ready(self, table: str) -> None:
        """Read and index what the places of a sheet will be held against."""
        if table == "incidents":
            self.around().make_ready()


def take(session: Session, job: Job) -> FileReport:
    """Read one sheet into the session and account for its rows."""
    assert job.sheet is not None
    if job.match is None:
        rows = len(job.sheet.frame)
        return FileReport(
            job.sheet.name, "", job.import_id, job.sha256, rows, refused=rows,
            findings=(Finding("sheet_unknown", REFUSED, rows, tuple(job.sheet.rows[:EXAMPLES].tolist())),),
        )  # fmt: skip
    found, waiting = _sort(session, job)
    found, (which, waits) = side_by_side(
        partial(_lay, session, job, found, waiting), partial(_rows_aside, job, found, waiting, session.ws.study.crs)
    )
    findings = findings_of(found, job.sheet.rows)
    _put_aside(session, job, found, waiting, which, waits)
    if found.corrections is not None:
        session.add("corrections", found.corrections)
    kept = (found.reasons != "") & ~found.reasons.isin(found.refused)
    return FileReport(
        file=job.sheet.name,
        table=found.table,
        import_id=job.import_id,
        sha256=job.sha256,
        rows_read=len(job.sheet.frame),
        accepted=int((found.reasons == "").sum()),
        set_aside=int(kept.sum()),
        refused=sum(one.rows for one in findings if one.outcome == REFUSED),
        findings=findings,
        dropped=(*(privacy.hide(name, job.names) for name in job.persons), *job.match.dropped),
        left_out=job.match.left_out,
        guessed=job.match.guessed,
        unknown=found.unknown,
        remarks=found.remarks,
    )


def moves_nothing(session: Session, job: Job) -> bool:
    """Tell whether a sheet brings rows back from ``set_aside/`` and nobody has touched any of them."""
    if job.sheet is None or job.back is None:
        return False
    return bool(aside.untouched(job.sheet, aside.waiting_of(job.back, session.table("aside"))).all())


def settle_words(session: Session) -> int:
    """Read accepted rows anew by the words that the station has named since; return how many incidents changed."""
    own, rows = session.ws.intake.get("classes", {}), 0
    for name in ("superseded_incidents", "incidents") if own else ():
        after, changed = class_words.settle(session.table(name), own)
        rows = int(changed.sum())
        if rows:
            session.changed[name] = after
    return rows


def settle_villages(session: Session) -> None:
    """Give incidents that came before their villages the village they lie in."""
    if "villages" in session.changed:
        session.changed["incidents"], session.changed["settled"] = history.settle(
            session.table("incidents"), session.table("settled"), session.table("villages")
        )


def settle_masts(session: Session) -> pd.DataFrame:
    """Set incidents at a mast that several imports have shown to the precision of one.

    Returns
    -------
    DataFrame
        The incidents that stood for a place until now: ``import_id``, ``source_file``, ``source_row``.
    """
    table = session.table("incidents")
    if "incidents" not in session.changed or table["source_file"].nunique() < 2:
        return table.loc[[], ["import_id", "source_file", "source_row"]]
    before = session.table("settled")
    session.changed["incidents"], session.changed["settled"] = history.settle_masts(table, before)
    changed = values.differ(session.changed["incidents"]["precision"], table["precision"]).to_numpy()
    return pd.DataFrame(table.loc[changed, ["import_id", "source_file", "source_row"]])


def _sort(session: Session, job: Job) -> tuple[Sorted, pd.DataFrame | None]:
    """Return what became of each row, and what waited under the keys of rows that come back."""
    assert job.sheet is not None
    assert job.match is not None
    sheet, match, waiting = job.sheet, job.match, None
    stays = pd.Series(False, index=sheet.frame.index)
    _, private = side_by_side(
        partial(session.make_ready, match.table), partial(privacy.private_rows, sheet, match, job.names)
    )
    if job.back is not None:
        waiting = aside.waiting_of(job.back, session.table("aside"))
        stays = aside.untouched(sheet, waiting)
        # After the look for persons' numbers: of the digits of a salted hash some look like one.
        sheet, match = aside.with_given(sheet, match, waiting, crs=session.ws.study.crs)
    ragged = pd.Series(False if sheet.ragged is None else sheet.ragged, index=sheet.frame.index)
    signed = privacy.signed_rows(sheet) & ~private & ~stays & ~ragged
    read = ~private & ~stays & ~signed & ~ragged
    found = _read(session, _part(sheet, read), match, job, waiting) if read.any() else _nothing(session, match.table)
    give_back()
    reasons = pd.Series("", index=sheet.frame.index, dtype="str")
    reasons = reasons.mask(ragged, RAGGED).mask(private, PRIVATE).mask(signed, SIGNED)
    details = pd.Series("", index=sheet.frame.index, dtype="str")
    if waiting is not None:
        reasons = reasons.mask(stays & ~private, waiting["reason"])
        details = details.mask(stays & ~private, waiting["detail"])
    found = _spread(found, read, reasons.astype("str"), details.astype("str"))
    told = _told_ragged(sheet.rows[ragged.to_numpy()])
    return (dataclasses.replace(found, remarks=(*told, *found.remarks)) if told else found), waiting


def _told_ragged(rows: np.ndarray) -> tuple[Told, ...]:
    """Say which lines have a mark too many or too few: nothing of them is kept, so their numbers are all there is."""
    if not len(rows):
        return ()
    named = text("list.mark").join(map(str, rows[:NUMBERS_TOLD]))
    named = text("intake.remark_more", parts=named, count=len(rows)) if len(rows) > NUMBERS_TOLD else named
    return (("intake.remark.ragged", {"numbers": named, "rows": len(rows)}),)


def _part(sheet: Sheet, which: pd.Series) -> Sheet:
    """Return some rows of a sheet."""
    if which.all():
        return sheet
    shapes = None if sheet.shapes is None else sheet.shapes[which.to_numpy()].reset_index(drop=True)
    frame = sheet.frame[which].reset_index(drop=True)
    return dataclasses.replace(sheet, frame=frame, rows=sheet.rows[which.to_numpy()], shapes=shapes, ragged=None)


def _nothing(session: Session, table: str) -> Sorted:
    study = session.ws.study
    none = pd.Series([], dtype="str")
    return Sorted(table, TABLES[table].empty(crs=study.crs, timezone=study.timezone), none, none)


def _spread(found: Sorted, read: pd.Series, reasons: pd.Series, details: pd.Series) -> Sorted:
    """Return what was found of the rows that a reader has seen as a finding of all rows."""
    refused = tuple(dict.fromkeys((*found.refused, PRIVATE, SIGNED, RAGGED)))
    if read.all():
        return dataclasses.replace(found, refused=refused)
    reasons, details = reasons.copy(), details.copy()
    reasons[read], details[read] = found.reasons.to_numpy(), found.details.to_numpy()
    notes = {key: _at(read, flags, False).astype(bool) for key, flags in found.notes.items()}
    marks = None
    if found.marks is not None:
        empty = {name: False if name == "placeless" else "" for name in found.marks}
        marks = pd.DataFrame({name: _at(read, found.marks[name], missing) for name, missing in empty.items()})
    return dataclasses.replace(found, reasons=reasons, details=details, refused=refused, notes=notes, marks=marks)


def _at(read: pd.Series, cells: pd.Series, missing: Any) -> pd.Series:  # noqa: ANN401 - any cell
    spread = pd.Series(missing, index=read.index, dtype=object)
    spread[read] = cells.to_numpy()
    return spread


def _read(session: Session, sheet: Sheet, match: Match, job: Job, waiting: pd.DataFrame | None) -> Sorted:
    ws = session.ws
    if match.table == "villages":
        return villages.read(sheet, match, ws.study)
    if match.table == "cameras":
        return cameras.read(sheet, match, ws.study)
    if match.table == "crews":
        return roster.read_crews(sheet, match)
    if match.table == "patrol_hours":
        return roster.read_patrol_hours(sheet, match, session.table("villages"), timezone=ws.study.timezone)
    if match.table == "visits":
        return visits.read(sheet, match, session.around())
    table = session.table("incidents")
    ours = set(table["incident_id"][table["import_id"] == job.import_id])
    if waiting is not None:  # a duplicate stays one until it has a number of its own
        ours |= set(waiting["incident_id"][waiting["reason"] == "duplicate"]) - {""}
    known = incidents.Known(
        around=session.around(),
        incident_ids=frozenset(table["incident_id"]),
        salt=ws.salt,
        own_words=ws.intake.get("classes", {}),
        this_import=frozenset(ours),
        earlier=table,
        comes_back=waiting is not None and bool((waiting["reason"] == "same_event").any()),
        masts=masts.known_masts(table),
    )
    return incidents.read(sheet, match, known, import_id=job.import_id)


def _lay(session: Session, job: Job, found: Sorted, waiting: pd.DataFrame | None) -> Sorted:
    """Lay the accepted rows over the table, keep what they replace, and note which rows did."""
    assert job.sheet is not None
    name, old = found.table, session.table(found.table)
    places = _places_in_sheet(found, job.sheet.rows)
    accepted = _with_origin(found.accepted, job, places, waiting)
    if name == "incidents":
        accepted = _to_the_minute(accepted, session.ws.study.timezone)
    again = history.known_before(old[old["import_id"] != job.import_id], accepted, name)
    replaced = pd.Series(False, index=found.reasons.index)
    replaced.iloc[places[again.to_numpy()]] = True
    if len(accepted):
        session.changed[name], covered = history.lay_over(old, accepted, name)
        if name == "incidents":
            covered = history.hide_places(covered, accepted)
        session.add(f"superseded_{name}", covered)
    return dataclasses.replace(found, accepted=accepted, notes={**found.notes, REPLACED: replaced})


def _places_in_sheet(found: Sorted, rows: np.ndarray) -> np.ndarray:
    """Return the position in the sheet of each accepted row; of the first one where a reader has added several up."""
    kept = np.flatnonzero((found.reasons == "").to_numpy())
    if len(kept) == len(found.accepted):
        return kept
    place = {int(row): at for at, row in reversed(list(enumerate(rows)))}
    return np.array([place[int(row)] for row in found.accepted["source_row"]], dtype=int)


def _with_origin(accepted: Any, job: Job, places: np.ndarray, waiting: pd.DataFrame | None) -> Any:  # noqa: ANN401
    """Return accepted rows with the file and row they come from; a row from ``set_aside/`` keeps its first one."""
    assert job.sheet is not None
    if waiting is None:
        file, rows = pd.Series(job.sheet.name, index=accepted.index, dtype="str"), job.sheet.rows[places]
    else:
        origin = _origin(job, waiting).iloc[places]
        file, rows = origin["file"].astype("str").set_axis(accepted.index), origin["row"].to_numpy()
    own = pd.Series(job.import_id, index=accepted.index, dtype="str")
    if is_slim(accepted):
        file, own = values.as_words(file), values.as_words(own)
    return accepted.assign(source_file=file, source_row=rows, import_id=own)


def _origin(job: Job, waiting: pd.DataFrame | None) -> pd.DataFrame:
    assert job.sheet is not None
    own = pd.DataFrame({"file": job.sheet.name, "row": job.sheet.rows}, index=job.sheet.frame.index)
    if waiting is None:
        return own
    known = waiting["key"] != ""
    return own.assign(file=own["file"].mask(known, waiting["file"]), row=own["row"].mask(known, waiting["row"]))


def _to_the_minute(table: pd.DataFrame, timezone: str) -> pd.DataFrame:
    """Return incidents without seconds: a minute is enough to plan by, and fewer people fit a minute than a second."""
    moments = {
        # In UTC, where no minute is there twice.
        name: table[name].dt.tz_convert("UTC").dt.floor("min").dt.tz_convert(timezone)
        for name, column in TABLES["incidents"].columns.items()
        if column.kind == "time"
    }
    return table.assign(**moments)


def _rows_aside(
    job: Job, found: Sorted, waiting: pd.DataFrame | None, crs: str
) -> tuple[pd.Series, pd.DataFrame | None]:
    """Return which rows were not accepted and do not lie in ``set_aside/`` as they are, and them as it keeps them."""
    assert job.sheet is not None
    assert job.match is not None
    which = (found.reasons != "") & ~found.reasons.isin(found.refused)
    if waiting is not None:
        which &= ~(aside.unchanged(job.sheet, waiting) & (found.reasons == waiting["reason"]))
    if not which.any():
        return which, None
    origin = _origin(job, waiting)
    return which, aside.rows_of(job.sheet, job.match, found, which, import_id=job.import_id, crs=crs, origin=origin)


def _put_aside(
    session: Session, job: Job, found: Sorted, waiting: pd.DataFrame | None, which: pd.Series,
    waits: pd.DataFrame | None,
) -> None:  # fmt: skip
    """Keep the rows that were not accepted, and let those go that came again."""
    keys: Iterable[str] = () if waiting is None else set(waiting["key"][which | (found.reasons == "")]) - {""}
    table = session.table("aside")
    came: Iterable[str] = ()
    if found.marks is not None:
        asked = among(found.marks["incident_id"], table["incident_id"][table["incident_id"] != ""])
        reasons = found.reasons[asked]
        came = found.marks["incident_id"][asked][reasons.isin(["", *found.reasons[which].unique()])]
    after = aside.moved(table, keys, came, to=job.import_id)
    if not after["moved_to"].equals(table["moved_to"]):
        session.changed["aside"] = after
    if waits is not None:
        session.add("aside", waits)
