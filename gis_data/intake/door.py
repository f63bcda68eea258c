"""The door: files come in, all of them or none, and every row is accounted for.

In:     a boundary and files of any kind a station has.
Out:    a workspace; accepted rows in its tables, rows set aside in ``set_aside/`` with reason and advice, originals in
        ``raw/``, one row per file in the table imports, one entry in the audit log; and the report of all that.

Everything is read and checked before anything is written. The tables then change in one transaction, the moment at
which the import has happened; ``set_aside/`` and the audit log follow from them (store.py), after a kill as well.
"""

import dataclasses
import gc
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa

from gis_data.errors import InputError, PatrolError, WorkspaceError
from gis_data.intake import archives, aside, class_words, headers, kinds, privacy, sheets, spans, store
from gis_data.intake import boundary as boundaries
from gis_data.intake.archives import Source
from gis_data.intake.history import joined
from gis_data.intake.own_headers import own_headers
from gis_data.intake.report import REFUSED, FileReport, Finding, ImportReport, completeness, with_late_masts
from gis_data.intake.taking import Job, Session, moves_nothing, settle_masts, settle_villages, settle_words, take
from gis_data.progress import Progress, silent
from gis_data.settings import Settings
from gis_data.side_by_side import side_by_side
from gis_data.study import Study, metre_crs
from gis_data.tables import QUALITY
from gis_data.workspace import Workspace

ORDER = ("villages", "ground", "crews", "cameras", "incidents", "patrol_hours", "visits", "")


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
    progress: Progress = silent,
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
    drop_person_columns: bool = False,
    progress: Progress = silent,
) -> ImportReport:
    """Import files of any kind; each file's kind is recognised by its content.

    Incidents of earlier imports whose class word the station has named since are read anew.

    Parameters
    ----------
    dry_run
        Read, check and report, and write nothing.
    drop_person_columns
        Leave columns about persons behind, and write their names into the audit log, instead of refusing the file.

    Raises
    ------
    InputError
        If a file is missing, damaged, empty, unknown, or has columns about persons: then nothing is written at all.
    CrsError
        If a layer does not say in which CRS it is.
    """
    with archives.sources(paths) as files, nullcontext() if dry_run else ws.alone(), _memory_kept_in_hand():
        return _import(ws, files, dry_run=dry_run, drop_persons=drop_person_columns, progress=progress)


@contextmanager
def _memory_kept_in_hand() -> Iterator[None]:
    """Let Arrow allocate as the system does, and nobody look for garbage while millions of objects come and stay.

    Arrow's own allocator is slow on new memory, and keeps what was freed. Python's collector walks through all objects
    again and again, and finds none to free: a tenth of the whole time.
    """
    usual, collects = pa.default_memory_pool(), gc.isenabled()
    pa.set_memory_pool(pa.system_memory_pool())
    gc.disable()
    try:
        yield
    finally:
        pa.set_memory_pool(usual)
        if collects:
            gc.enable()


def _import(
    ws: Workspace, files: Sequence[Source], *, dry_run: bool, drop_persons: bool, progress: Progress
) -> ImportReport:
    progress("intake.step", 0.0)
    session = Session(ws)
    before = ws.read("imports")
    waiting = {sheets.sha256(path) for path in class_words.files_to_read(ws)}  # the rows may come in by now
    jobs, reports = _open_all(files, set(before["sha256"]) - waiting, own_headers(ws), drop_persons=drop_persons)
    if not dry_run:
        store.recover(ws)  # after the files were read: one of them may be a csv that it writes anew
    for job in [job for job in jobs if moves_nothing(session, job)]:
        jobs.remove(job)
        reports.append(FileReport(job.source.name, "", job.import_id, job.sha256, already=True))
    jobs.sort(key=lambda job: ORDER.index(job.table))
    read_anew = settle_words(session)
    grounds: list[tuple[str, dict[str, gpd.GeoDataFrame]]] = []
    for number, job in enumerate(jobs, start=1):
        started = time.perf_counter()
        if job.sheet is None:
            layers, report = _read_ground(job, ws.study)
            grounds.append((report.file, layers))
        else:
            # Incidents are held against the ground, so it is made before the first of them is read.
            grounds = _lay(session, before, grounds) if job.table == "incidents" else grounds
            report = take(session, job)
        reports.append(_timed(report, started))
        job = jobs[number - 1] = job.without_rows(dry_run=dry_run)
        progress("intake.step", number / (len(jobs) + 1))
    _lay(session, before, grounds)
    if jobs:
        settle_villages(session)
        reports = with_late_masts(reports, settle_masts(session))
    whole = ImportReport(tuple(reports), dry_run=dry_run, read_anew=read_anew)
    if (jobs or session.changed) and not dry_run:
        _store(session, before, jobs, whole)
    if not dry_run:
        store.purge(ws)
    progress("intake.step", 1.0)
    return dataclasses.replace(whole, files=_without_filled_gaps(session, whole.files)) if len(jobs) > 1 else whole


def _without_filled_gaps(session: Session, reports: Sequence[FileReport]) -> tuple[FileReport, ...]:
    """Return the reports without missing days that a later file of the same import has brought."""
    if not any(spans.NOTE in one.problems for one in reports):
        return tuple(reports)
    table = session.table("incidents")
    reported = table["reported_at"][table["count"] == 1]
    found = []
    for one in reports:
        remarks = tuple(spans.gaps_left(one.remarks, reported))
        filled = spans.all_filled(one.remarks, remarks)
        kept = tuple(finding for finding in one.findings if not (filled and finding.problem == spans.NOTE))
        found.append(dataclasses.replace(one, remarks=remarks, findings=kept))
    return tuple(found)


def _lay(session: Session, before: pd.DataFrame, grounds: list[Any]) -> list[Any]:
    """Make the ground tables from what was read of them; return what is then left to make: nothing."""
    if grounds:
        from gis_data.intake import ground

        session.changed |= ground.make_tables(session.ws, before, grounds)
    return []


def _open_all(
    files: Sequence[Source], known: set[str], own: headers.Own, *, drop_persons: bool
) -> tuple[list[Job], list[FileReport]]:
    jobs: list[Job] = []
    unread: list[FileReport] = []
    problem: PatrolError | None = None
    for source in files:
        sha, opened = side_by_side(
            partial(sheets.sha256, source.path), partial(_tried, source, own, drop_persons=drop_persons)
        )
        if sha in known:
            unread.append(FileReport(source.name, "", f"I{sha[:12]}", sha, already=True))
            continue
        if isinstance(opened, PatrolError):
            # A read-me beside the tables of a zip is named and left; what is damaged or names persons stops everything.
            if not source.member or opened.key not in sheets.NOT_A_TABLE:
                raise opened
            unread.append(FileReport(source.name, "", "", sha, unread=True))
            problem = opened
        else:
            jobs += [dataclasses.replace(job, sha256=sha) for job in opened]
        known.add(sha)
    if problem is not None and not jobs and not any(one.already for one in unread):
        raise problem
    return jobs, unread


def _tried(source: Source, own: headers.Own, *, drop_persons: bool) -> list[Job] | PatrolError:
    """Return a file's jobs, or why it cannot be read: of one that was imported before nobody asks."""
    try:
        return _open(source, own, drop_persons=drop_persons)
    except PatrolError as problem:
        return problem


def _open(source: Source, own: headers.Own, *, drop_persons: bool) -> list[Job]:
    if source.kind in kinds.OSM:
        return [Job(source, "", None, None)]
    opened = sheets.read_sheets(source, own=own)
    if any(sheet.shapes is not None and headers.is_ground(sheet.frame.columns) for sheet in opened):
        for sheet in opened:
            # Tags such as phone or operator belong to places; only a station's own columns are looked at.
            headers.refuse_persons([name for name in sheet.frame.columns if not name.isascii()], file=sheet.name)
        return [Job(source, "", None, None, features=sum(len(sheet.frame) for sheet in opened))]
    jobs = []
    for sheet in opened:
        persons: tuple[str, ...] = ()
        names: frozenset[str] = frozenset()
        if drop_persons:
            sheet, persons, names = privacy.drop_persons(sheet)
        headers.refuse_persons(sheet.frame.columns, file=sheet.name)
        sheet, back = aside.returned(sheet)
        match = headers.recognise(sheet.frame.columns, has_shapes=sheet.shapes is not None or back is not None, own=own)
        jobs.append(Job(source, "", sheet, match, back=back, persons=persons, names=names))
    if all(job.match is None for job in jobs):
        found = [str(name) for sheet in opened for name in sheet.frame.columns]
        key = "intake.unknown_table" if found else "intake.no_headers"
        raise InputError(key, file=source.name, columns=found[:12])
    return _nameless(jobs)


def _nameless(jobs: Sequence[Job]) -> list[Job]:
    """Return the sheets of one file, each knowing the names of persons in any of them, and none called by one."""
    names = frozenset().union(*(job.names for job in jobs))
    return [
        dataclasses.replace(
            job,
            names=names,
            sheet=job.sheet and dataclasses.replace(job.sheet, name=privacy.hide(job.sheet.name, names)),
        )
        for job in jobs
    ]


def _read_ground(job: Job, study: Study) -> tuple[dict[str, gpd.GeoDataFrame], FileReport]:
    from gis_data.intake import ground

    layers, features = ground.read_file(job.source.path, study)
    near = sum(map(len, layers.values()))
    # Features far away, or of a shape that the ground has no use for, are kept nowhere: there is nothing to mend.
    read = max(job.features, features)
    refused = {"far_away": features - near, "wrong_shape": read - features}
    report = FileReport(
        privacy.hide(job.source.name), ground.TABLE, job.import_id, job.sha256, read, accepted=near,
        refused=read - near,
        findings=tuple(Finding(key, REFUSED, rows) for key, rows in refused.items() if rows),
    )  # fmt: skip
    return layers, report


def _store(session: Session, before: pd.DataFrame, jobs: Sequence[Job], report: ImportReport) -> None:
    """Write everything: originals first, the tables in one transaction, then what follows from them."""
    ws = session.ws
    for job in {job.sha256: job for job in jobs if _keeps_original(job, jobs)}.values():
        for part in archives.parts_of(job.source.path):
            _copy(part, ws.root / "raw" / f"{job.import_id}_{privacy.hide(part.name)}")
    new = [one for one in report.files if not one.already and not one.unread]
    rows = pd.DataFrame(_import_rows(new, pd.Timestamp.now(ws.study.timezone)))
    waited = session.ws.read("aside")
    session.changed["imports"] = joined(before, rows)
    session.changed["quality"] = joined(ws.read("quality"), _quality(new))
    session.changed["completeness"] = completeness(session.table("incidents"))
    persons = {job.sheet.name: [privacy.hide(name, job.names) for name in job.persons] for job in jobs if job.sheet}
    ws.commit(
        session.changed,
        "import",
        inputs={one.file: one.sha256 for one in new},
        files=[[one.file, one.table, one.rows_read, one.accepted, one.set_aside, one.refused] for one in new],
        dropped_person_columns={file: columns for file, columns in persons.items() if columns},
    )
    now = session.table("aside").set_index("key")["moved_to"].reindex(waited["key"]).to_numpy()
    store.finish(ws, only={job.import_id for job in jobs} | set(waited["import_id"][waited["moved_to"] != now]))


def _keeps_original(job: Job, jobs: Sequence[Job]) -> bool:
    return all(other.keeps_its_original for other in jobs if other.sha256 == job.sha256)


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


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.draft")
    shutil.copyfile(source, draft)
    draft.replace(target)


def _timed(report: FileReport, started: float) -> FileReport:
    return dataclasses.replace(report, seconds=time.perf_counter() - started)


def _known_timezone(name: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise InputError("intake.timezone", found=name) from problem
    return name
