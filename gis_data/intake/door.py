"""The door: files come in, all of them or none, and every row is accounted for.

In:     a boundary and files of any kind a station has.
Out:    a workspace; accepted rows in its tables, rows set aside in ``set_aside/`` with reason and advice, originals in
        ``raw/``, one row per file in the table imports, one entry in the audit log; and the report of all that.

Everything is read and checked before anything is written. The side files come first, the tables in one transaction
after them: a kill in between leaves side files that the next import of the same file writes again.
"""

import csv
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from gis_data.catalogue import text
from gis_data.errors import InputError, WorkspaceError
from gis_data.intake import (
    archives,
    cameras,
    headers,
    incidents,
    kinds,
    places,
    placing,
    roster,
    sheets,
    values,
    villages,
)
from gis_data.intake import boundary as boundaries
from gis_data.intake.archives import Source
from gis_data.intake.headers import Match
from gis_data.intake.own_headers import own_headers
from gis_data.intake.report import (
    EXAMPLES,
    REFUSED,
    FileReport,
    Finding,
    ImportReport,
    Sorted,
    completeness,
    findings_of,
)
from gis_data.intake.sheets import Sheet
from gis_data.settings import Settings
from gis_data.study import Study, metre_crs
from gis_data.tables import QUALITY
from gis_data.taxonomy import USABLE_POINT
from gis_data.workspace import Workspace, write_atomically

Report = Callable[[str, float], None]
ORDER = ("villages", "ground", "crews", "cameras", "incidents", "patrol_hours", "")
KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    # A row that comes again replaces the row with the same key.
    "villages": (("village_id",), ("name",)),
    "crews": (("crew_id",),),
    "cameras": (("camera_id",),),
    "patrol_hours": (("month", "village_id", "band"),),
}
# Kept out of set_aside/: what could name a person or a call; the row is found by its number in the original.
NOT_COPIED = frozenset({"call_id", "linked_call_id", "address", "narrative"})


@dataclass(frozen=True)
class Job:
    """One sheet to be read, or one ground file (``sheet`` None; ``features`` known for layer files)."""

    source: Source
    sha256: str
    sheet: Sheet | None
    match: Match | None
    features: int = 0

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


@dataclass
class Session:
    """The tables as they will be after the import, and the side files to write."""

    ws: Workspace
    changed: dict[str, Any] = field(default_factory=dict)
    side_files: dict[str, bytes] = field(default_factory=dict)
    _around: placing.Surroundings | None = None
    _made_of: tuple[int, ...] = ()

    def table(self, name: str) -> Any:  # noqa: ANN401 - frame or geo frame
        """Return a table with what this import has added so far."""
        return self.changed[name] if name in self.changed else self.ws.read(name)

    def around(self) -> placing.Surroundings:
        """Return what the places of incidents are held against; made once for all files of an import."""
        names = ("villages", "buildings", "roads", "places")
        made_of = tuple(id(self.changed.get(name)) for name in names)
        if self._around is None or self._made_of != made_of:
            tables = {name: self.table(name) for name in names}
            self._around = placing.Surroundings(self.ws.study, own_datum=self.ws.intake.get("datum", {}), **tables)
            self._made_of = made_of
        return self._around


def new_workspace(
    root: Path,
    *,
    name: str,
    boundary: Path,
    where: str = "",
    timezone: str = "Asia/Shanghai",
    crs: str | None = None,
    credit: str = "© OpenStreetMap contributors",
    synthetic: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Workspace:
    """Make a workspace from a boundary file.

    Parameters
    ----------
    where
        Which rows of the boundary file: ``column=value,value``; all if empty.
    crs
        The study's projected metre CRS; chosen from the boundary if None.
    settings
        Section -> name -> value, where they differ from the defaults.

    Raises
    ------
    InputError, CrsError
        If the boundary is missing, not a polygon, or in no known CRS.
    SchemaError
        If a setting is unknown or of the wrong type.
    WorkspaceError
        If the folder already holds something.
    """
    chosen = boundaries.check_metre_crs(crs) if crs else None
    area = boundaries.read_boundary(boundary, where=where)
    chosen = chosen or metre_crs(area)
    study = Study(
        name=name,
        boundary=area.to_crs(chosen).iloc[0],
        crs=chosen,
        timezone=_known_timezone(timezone),
        synthetic=synthetic,
        credit=credit,
        settings=Settings.from_mapping(settings or {}),
    )
    return Workspace.create(root, study)


def make_workspace(
    root: Path,
    files: Sequence[Path],
    *,
    name: str,
    boundary: Path,
    where: str = "",
    timezone: str = "Asia/Shanghai",
    crs: str | None = None,
    credit: str = "© OpenStreetMap contributors",
    synthetic: bool = False,
    settings: Mapping[str, Any] | None = None,
    progress: Report = lambda _key, _share: None,
) -> ImportReport:
    """Make a workspace and import files into it; where anything is wrong, nothing is left behind.

    Raises
    ------
    PatrolError
        As ``new_workspace`` and ``import_files`` do.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise WorkspaceError("workspace.exists", folder=root)
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = root.with_name(f".{root.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        ws = new_workspace(
            draft, name=name, boundary=boundary, where=where, timezone=timezone, crs=crs, credit=credit,
            synthetic=synthetic, settings=settings,
        )  # fmt: skip
        report = import_files(ws, files, progress=progress) if files else ImportReport(())
        if root.exists():
            root.rmdir()
        draft.rename(root)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return report


def import_files(
    ws: Workspace,
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
    progress: Report = lambda _key, _share: None,
) -> ImportReport:
    """Import files of any kind; each file's kind is recognised by its content.

    Parameters
    ----------
    dry_run
        Read, check and report, and write nothing.

    Raises
    ------
    InputError
        If a file is missing, damaged, empty, unknown, or has columns about persons: then nothing is written at all.
    CrsError
        If a layer does not say in which CRS it is.
    """
    with archives.sources(paths) as files:
        return _import(ws, files, dry_run=dry_run, progress=progress)


def _import(ws: Workspace, files: Sequence[Source], *, dry_run: bool, progress: Report) -> ImportReport:
    progress("intake.step", 0.0)
    session = Session(ws)
    before = ws.read("imports")
    jobs, reports = _open_all(files, set(before["sha256"]), own_headers(ws))
    ordered = sorted(jobs, key=lambda job: ORDER.index(job.table))
    grounds: list[tuple[str, dict[str, gpd.GeoDataFrame]]] = []
    for number, job in enumerate(ordered, start=1):
        started = time.perf_counter()
        if job.sheet is None:
            layers, report = _read_ground(job, ws.study)
            grounds.append((job.source.name, layers))
        else:
            # Incidents are held against the ground, so it is made before the first of them is read.
            grounds = _lay(session, before, grounds) if job.table == "incidents" else grounds
            report = _take(session, job)
        reports.append(_timed(report, started))
        progress("intake.step", number / (len(ordered) + 1))
    _lay(session, before, grounds)
    whole = ImportReport(tuple(reports), dry_run=dry_run)
    if ordered and not dry_run:
        _settle_villages(session)
        _store(session, before, ordered, whole)
    progress("intake.step", 1.0)
    return whole


def _lay(session: Session, before: pd.DataFrame, grounds: list[Any]) -> list[Any]:
    """Make the ground tables from what was read of them; return what is then left to make: nothing."""
    if grounds:
        from gis_data.intake import ground

        session.changed |= ground.make_tables(session.ws, before, grounds)
    return []


def _open_all(files: Sequence[Source], known: set[str], own: headers.Own) -> tuple[list[Job], list[FileReport]]:
    jobs: list[Job] = []
    unread: list[FileReport] = []
    problem: InputError | None = None
    for source in files:
        sha = sheets.sha256(source.path)
        if sha in known:
            unread.append(FileReport(source.name, "", f"I{sha[:12]}", sha, already=True))
            continue
        try:
            jobs += _open(source, sha, own)
        except InputError as found:
            # A read-me beside the tables of a zip is named and left; what is damaged or names persons stops everything.
            if not source.member or found.key not in sheets.NOT_A_TABLE:
                raise
            unread.append(FileReport(source.name, "", "", sha, unread=True))
            problem = found
        known.add(sha)
    if problem is not None and not jobs and not any(one.already for one in unread):
        raise problem
    return jobs, unread


def _open(source: Source, sha: str, own: headers.Own) -> list[Job]:
    if source.kind in kinds.OSM:
        return [Job(source, sha, None, None)]
    opened = sheets.read_sheets(source, own=own)
    if any(sheet.shapes is not None and headers.is_ground(sheet.frame.columns) for sheet in opened):
        for sheet in opened:
            # Tags such as phone or operator belong to places; only a station's own columns are looked at.
            headers.refuse_persons([name for name in sheet.frame.columns if not name.isascii()], file=sheet.name)
        return [Job(source, sha, None, None, features=sum(len(sheet.frame) for sheet in opened))]
    jobs = []
    for sheet in opened:
        headers.refuse_persons(sheet.frame.columns, file=sheet.name)
        match = headers.recognise(sheet.frame.columns, has_shapes=sheet.shapes is not None, own=own)
        jobs.append(Job(source, sha, sheet, match))
    if all(job.match is None for job in jobs):
        found = [str(name) for sheet in opened for name in sheet.frame.columns]
        key = "intake.unknown_table" if found else "intake.no_headers"
        raise InputError(key, file=source.name, columns="、".join(found[:12]))
    return jobs


def _take(session: Session, job: Job) -> FileReport:
    """Read one sheet into the session and account for its rows."""
    assert job.sheet is not None
    if job.match is None:
        rows = len(job.sheet.frame)
        return FileReport(
            job.sheet.name, "", job.import_id, job.sha256, rows, refused=rows,
            findings=(Finding("sheet_unknown", REFUSED, rows, tuple(job.sheet.rows[:EXAMPLES].tolist())),),
        )  # fmt: skip
    found = _read(session, job.sheet, job.match, job.import_id)
    session.changed[found.table] = _merged(session.table(found.table), found)
    if found.corrections is not None and len(found.corrections):
        session.changed["corrections"] = _joined(session.table("corrections"), found.corrections)
    findings = findings_of(found, job.sheet.rows)
    kept = (found.reasons != "") & ~found.reasons.isin(found.refused)
    if kept.any():
        name = f"{job.import_id}_{archives.file_name(job.sheet.name.removesuffix(job.source.path.suffix))}.csv"
        session.side_files[f"set_aside/{name}"] = _set_aside_csv(job.sheet, job.match, found, kept)
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
        dropped=job.match.dropped,
        left_out=job.match.left_out,
        guessed=job.match.guessed,
        unknown=found.unknown,
        remarks=found.remarks,
    )


def _read(session: Session, sheet: Sheet, match: Match, import_id: str) -> Sorted:
    ws = session.ws
    if match.table == "villages":
        return villages.read(sheet, match, ws.study)
    if match.table == "cameras":
        return cameras.read(sheet, match, ws.study)
    if match.table == "crews":
        return roster.read_crews(sheet, match)
    if match.table == "patrol_hours":
        return roster.read_patrol_hours(sheet, match, session.table("villages"), timezone=ws.study.timezone)
    known = incidents.Known(
        around=session.around(),
        incident_ids=frozenset(session.table("incidents")["incident_id"]),
        salt=ws.salt,
        own_words=ws.intake.get("classes", {}),
    )
    return incidents.read(sheet, match, known, import_id=import_id)


def _read_ground(job: Job, study: Study) -> tuple[dict[str, gpd.GeoDataFrame], FileReport]:
    from gis_data.intake import ground

    layers, features = ground.read_file(job.source.path, study)
    near = sum(map(len, layers.values()))
    # Features far away, or of a shape that the ground has no use for, are kept nowhere: there is nothing to mend.
    read = max(job.features, features)
    refused = {"far_away": features - near, "wrong_shape": read - features}
    report = FileReport(
        job.source.name, ground.TABLE, job.import_id, job.sha256, read, accepted=near, refused=read - near,
        findings=tuple(Finding(key, REFUSED, rows) for key, rows in refused.items() if rows),
    )  # fmt: skip
    return layers, report


def _merged(old: Any, found: Sorted) -> Any:  # noqa: ANN401 - frame or geo frame
    """Return a table with the accepted rows in it; a row with a known key replaces the older row."""
    if old.empty or found.accepted.empty:
        return found.accepted if old.empty else old
    both = pd.concat([old, found.accepted], ignore_index=True)
    for key in KEYS.get(found.table, ()):
        both = both.drop_duplicates(list(key), keep="last", ignore_index=True)
    return both


def _joined(old: Any, new: Any) -> Any:  # noqa: ANN401 - frame or geo frame
    return pd.concat([old, new], ignore_index=True) if len(old) and len(new) else (new if len(new) else old)


def _settle_villages(session: Session) -> None:
    """Give incidents that came before their villages the village they lie in."""
    if "villages" not in session.changed:
        return
    table = session.table("incidents")
    homeless = (table["village_id"] == "") & table["precision"].isin(USABLE_POINT)
    if homeless.any():
        found = places.village_by_point(table.geometry[homeless], session.changed["villages"])
        session.changed["incidents"] = table.assign(village_id=table["village_id"].mask(homeless, found))


def _store(session: Session, before: pd.DataFrame, jobs: Sequence[Job], report: ImportReport) -> None:
    ws = session.ws
    for job in jobs:
        for part in archives.parts_of(job.source.path):
            _copy(part, ws.root / "raw" / f"{job.import_id}_{part.name}")
    for name, content in session.side_files.items():
        write_atomically(ws.root / name, content)
    new = [one for one in report.files if not one.already and not one.unread]
    rows = pd.DataFrame(_import_rows(new, pd.Timestamp.now(ws.study.timezone)))
    session.changed["imports"] = _joined(before, rows)
    session.changed["quality"] = _joined(ws.read("quality"), _quality(new))
    session.changed["completeness"] = completeness(session.table("incidents"))
    ws.write(session.changed)
    ws.log(
        "import",
        inputs={one.file: one.sha256 for one in new},
        outputs={name: ws.table_hash(name) for name in session.changed},
        files=[[one.file, one.table, one.rows_read, one.accepted, one.set_aside, one.refused] for one in new],
    )


def _import_rows(reports: Sequence[FileReport], now: pd.Timestamp) -> Iterator[dict[str, Any]]:
    for one in reports:
        yield {
            "import_id": one.import_id,
            "file": one.file,
            "sha256": one.sha256,
            "table": one.table,
            "rows_read": one.rows_read,
            "accepted": one.accepted,
            "set_aside": one.set_aside,
            "refused": one.refused,
            "imported_at": now,
            "remarks": json.dumps(one.remarks, ensure_ascii=False),
            "problems": json.dumps(one.problems, ensure_ascii=False),
        }


def _quality(reports: Sequence[FileReport]) -> pd.DataFrame:
    rows = [
        (one.import_id, one.file, one.table, finding.problem, finding.outcome, finding.rows,
         ",".join(map(str, finding.examples)))
        for one in reports
        for finding in one.findings
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(QUALITY.columns))


def _set_aside_csv(sheet: Sheet, match: Match, found: Sorted, kept: pd.Series) -> bytes:
    """Return the rows set aside as a csv that a spreadsheet opens: where, why, what to do, and the columns kept."""
    columns = [column for name, several in match.fields.items() if name not in NOT_COPIED for column in several]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([text(f"intake.column.{name}") for name in ("file", "row", "reason", "advice")] + columns)
    cells = [values.as_text(sheet.frame[column])[kept] for column in columns]
    for row, reason, detail, *rest in zip(
        sheet.rows[kept.to_numpy()], found.reasons[kept], found.details[kept], *cells, strict=True
    ):
        why = text(f"intake.reason.{reason}") + (f" ({detail})" if detail else "")
        writer.writerow([sheet.name, row, why, text(f"intake.advice.{reason}"), *rest])
    return out.getvalue().encode("utf-8-sig")


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.draft")
    shutil.copyfile(source, draft)
    draft.replace(target)


def _timed(report: FileReport, started: float) -> FileReport:
    from dataclasses import replace

    return replace(report, seconds=time.perf_counter() - started)


def _known_timezone(name: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise InputError("intake.timezone", found=name) from problem
    return name
