"""The way in: choose files, see how they are understood, set headers right, import, and take an import back.

What is chosen lies in the session's memory and, while it is read, in a folder that goes away: a file with columns about
persons leaves nothing behind.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import streamlit as st

from gis_data.acting import may
from gis_data.catalogue import language, text
from gis_data.errors import InputError, PatrolError
from gis_data.intake import Undone, undo_import
from gis_data.intake.archives import file_name
from gis_data.intake.headers import NEEDED, called, fields_of
from gis_data.intake.kinds import KINDS
from gis_data.intake.own_headers import save_classes, save_datum, save_headers
from gis_data.intake.preview import Column, Preview, SheetPreview, columns_as, is_understood, preview
from gis_data.workspace import Workspace
from views import figures, jobs
from views.pages import class_words, frame, work
from views.station import Station

# A shapefile is several files that belong together: it comes as a zip.
ENDINGS = [ending for endings in KINDS.values() for ending in endings if ending != ".shp"]
MOST_MB = 200  # .streamlit/config.toml says the same
ACROSS = 4
MOST_NAMED = 12
UNSURE = ("guessed", "left_out")
ROW = "#"  # no header of a file is read as bare as this

Changes = dict[str, dict[str, str]]  # table -> header -> field
SYSTEMS = ("", "wgs84", "gcj02", "bd09")  # "": told by the program


def show(station: Station, *, opened: bool) -> None:
    """Lay out the way in; what the last import or undo came to stays until the next one."""
    _say_done(station)
    if not may("change"):
        st.caption(text("error.access.change"))
        return
    with st.expander(text("page.upload.title"), expanded=opened):
        st.caption(text("page.upload.help", megabytes=MOST_MB))
        turn = st.session_state.setdefault("upload turn", 0)
        chosen = st.file_uploader(
            text("page.upload.choose"), type=ENDINGS, accept_multiple_files=True, max_upload_size=MOST_MB,
            key=f"upload {turn}",
        )  # fmt: skip
        if chosen:
            _understand(station, chosen)
        if len(station.table("imports")):
            _offer_undo(station)


def _understand(station: Station, chosen: Sequence[Any]) -> None:
    """Show how the files are understood, and import those that are, as they are shown."""
    changes: Changes = {}
    words: class_words.Chosen = {}
    systems: dict[str, str] = {}  # file -> what its degrees are in, where a person says so
    ready = []
    with_persons = False
    drop_key = f"drop {chosen[0].file_id}"
    dropping = bool(st.session_state.get(drop_key))
    deeds = st.container(horizontal=True)  # above the columns and rows, or it lies screens below them
    for file in chosen:
        try:
            seen = _preview(station, file)
        except PatrolError as problem:
            st.error(frame.unmarked(str(problem)))
            continue
        refused, alone = any(sheet.refused for sheet in seen.sheets), not any(sheet.table for sheet in seen.sheets)
        with_persons |= refused
        fits = [
            _show_sheet(
                station.ws, sheet, f"{file.file_id} {sheet.name}", changes, words, dropping=dropping, alone=alone
            )
            for sheet in sorted(seen.sheets, key=lambda sheet: not sheet.table)  # what is no table stands last
        ]
        if any(fits) and (dropping or not refused):
            ready.append(file)
            _ask_system(station.ws, seen, file, systems)
    if with_persons:
        st.checkbox(text("page.upload.drop_persons"), key=drop_key)
    left = len(chosen) - len(ready)
    label = text("page.upload.import_some", count=len(ready), left=left) if ready and left else ""
    with deeds:
        start = st.button(
            label or text("page.upload.import", count=len(chosen)), type="primary", disabled=not ready, key="import"
        )
        save = st.button(
            text("page.upload.save"),
            disabled=not (words or any(changes.values())),
            help=text("page.upload.save_help"),
            key="save",
        )
    if start:
        _import(station, ready, changes, words, systems, drop_persons=with_persons and dropping)
    if save:
        _remember(station.ws, changes, words)
        st.rerun()


def _preview(station: Station, file: Any) -> Preview:  # noqa: ANN401 - Streamlit's uploaded file
    """Return how a file is understood; read once, and again when the station's own headers have changed."""
    known = st.session_state.setdefault("previews", {})
    key = (file.file_id, station.stamp)
    if key not in known:
        known.clear() if len(known) > 50 else None
        with _on_disk([file]) as paths:
            known[key] = preview(paths[0], station.ws)
    return known[key]


def _show_sheet(
    ws: Workspace, sheet: SheetPreview, key: str, changes: Changes, chosen: class_words.Chosen, *, dropping: bool,
    alone: bool,
) -> bool:  # fmt: skip
    """Show one sheet and what keeps it out, if anything does; return whether it would be imported.

    ``alone``: no sheet of its file is a table.
    """
    rows = figures.DASH if sheet.rows is None else f"{sheet.rows:,}"
    table = figures.table_name(sheet.table)
    st.markdown(f"**{frame.unmarked(text('page.upload.sheet', sheet=sheet.name, table=table, rows=rows))}**")
    if sheet.refused and not dropping:
        st.error(
            frame.unmarked(text("error.intake.person", file=sheet.name, columns=text("list.mark").join(sheet.refused)))
        )
        return False
    notice = st.empty()
    target, columns = sheet.table, sheet.columns
    if not target and sheet.columns:
        st.caption(text("page.upload.unknown"))
        target = st.selectbox(
            text("page.upload.table"), ["", *NEEDED], format_func=figures.table_name, key=f"table {key}"
        )
        columns = columns_as(columns, target, ws) if target else columns
    if target in NEEDED:
        _map_headers(columns, target, key, changes.setdefault(target, {}))
    fits = is_understood(sheet, ws, changes)
    if not fits and not sheet.columns and not alone:
        notice.caption(text("page.upload.no_table"))
    elif not fits:
        notice.warning(frame.unmarked(sheet.problem or _not_enough(sheet)))
    dropped = [column.name for column in columns if column.how in ("dropped", "refused")]
    if dropped:
        st.caption(frame.unmarked(text("intake.dropped", names=text("list.mark").join(dropped))))
    if sheet.words:
        st.caption(text("page.words.help_before"))
        class_words.ask(sheet.words, key, chosen)
    if len(sheet.head):
        about = "first_rows" if sheet.table else "first_rows_unknown"  # of a table nobody knows, all columns are shown
        st.caption(text(f"page.upload.{about}", count=len(sheet.head)))
        shown = sheet.head.reset_index(names=ROW)
        frame.table(shown.astype(str), words=list(shown.columns[1:]))
    return fits


def _not_enough(sheet: SheetPreview) -> str:
    """Say what a table needs, where a person took from a sheet what it was known by."""
    names = [column.name for column in sheet.columns]
    return str(InputError("intake.unknown_table", file=sheet.name, columns=names[:MOST_NAMED]))


def _map_headers(columns: Sequence[Column], table: str, key: str, changed: dict[str, str]) -> None:
    """Let a person say which column is which field; note what differs from how it was understood."""
    names = {name: called(table, name) for name in fields_of(table)}
    first = frozenset[str]().union(*NEEDED[table])  # what the table cannot do without is offered first
    options = ["", *sorted(names, key=lambda name: (name not in first, names[name]))]
    asked = [column for column in columns if column.how not in ("dropped", "refused")]
    asked.sort(key=lambda column: column.how not in UNSURE)  # what a person has to say stands first
    for start in range(0, len(asked), ACROSS):
        for place, column in zip(st.columns(ACROSS), asked[start : start + ACROSS], strict=False):
            mark = text(f"page.upload.how.{column.how}")
            chosen = place.selectbox(
                frame.unmarked(text("page.upload.column", column=column.name, how=mark)), options,
                index=options.index(column.field) if column.field in options else 0,
                format_func=lambda name: names[name] if name else text("page.upload.left_out"),
                key=f"field {table} {key} {column.name}",
            )  # fmt: skip
            if chosen != column.field:
                changed[column.name] = chosen


def _ask_system(ws: Workspace, seen: Preview, file: Any, systems: dict[str, str]) -> None:  # noqa: ANN401
    """Let a person say in which system a file's coordinates are; it is told by the ground where nobody does."""
    if not any(column.field == "lon" for sheet in seen.sheets for column in sheet.columns):
        return
    name = file_name(Path(file.name).name)
    said = ws.intake.get("datum", {}).get(escape(name), "")
    if said not in SYSTEMS:  # a CRS of its own, written by hand
        return
    place, _ = st.columns((1, ACROSS - 1))
    chosen = place.selectbox(
        text("page.upload.datum"), SYSTEMS[bool(said) :], index=SYSTEMS[bool(said) :].index(said),
        format_func=lambda system: text(f"page.upload.datum_of.{system or 'none'}"),
        help=text("page.upload.datum_help"), key=f"datum {file.file_id}",
    )  # fmt: skip
    if chosen != said:
        systems[name] = chosen


def _import(
    station: Station, chosen: Sequence[Any], changes: Changes, words: class_words.Chosen, systems: Mapping[str, str],
    *, drop_persons: bool,
) -> None:  # fmt: skip
    """Start the import beside the page: the command reads the files, which go away as soon as it has ended."""
    folder = Path(mkdtemp(prefix="xunqu-"))
    try:
        ws = _remember(station.ws, changes, words)
        for file, system in systems.items():
            ws = save_datum(ws, file, system)
        command = ["import", "--json", *(["--drop-person-columns"] if drop_persons else [])]
        st.session_state.pop("upload done", None)
        st.query_params.pop(work.START, None)
        jobs.start(station.ws.root, command, lang=language(), files=_write(folder, chosen), clear=[folder])
    except PatrolError as problem:
        shutil.rmtree(folder, ignore_errors=True)
        st.error(frame.unmarked(str(problem)))
        return
    _start_anew()


def _remember(ws: Workspace, changes: Changes, words: class_words.Chosen) -> Workspace:
    for table, mapping in changes.items():
        if mapping:
            ws = save_headers(ws, table, mapping)
    return save_classes(ws, words) if words else ws


def _offer_undo(station: Station) -> None:
    imports = station.table("imports")
    last = imports[imports["imported_at"] == imports["imported_at"].max()]
    files, import_ids = (list(dict.fromkeys(last[name])) for name in ("file", "import_id"))
    named = text("list.mark").join(map(figures.file_called, files))
    when = f"{last['imported_at'].iloc[0]:%Y-%m-%d %H:%M}"
    # Of a name of its own, so that it is shut after an undo and does not at once offer the next one.
    with st.popover(text("page.upload.undo"), key=" ".join(["popover", *import_ids])):
        st.write(frame.unmarked(text("page.upload.undo_what", when=when, count=len(import_ids), files=named)))
        # Where a newer import comes in before the click, this button is gone and the page names that one instead.
        if st.button(text("page.upload.undo_sure"), key=" ".join(["undo", *import_ids])):
            try:
                st.session_state["upload done"] = undo_import(station.ws, *import_ids)
                jobs.put_away(station.ws.root)
            except PatrolError as problem:
                st.error(frame.unmarked(str(problem)))
                return
            _start_anew()


def _start_anew() -> None:
    """Show the page anew, with the new numbers and no file chosen."""
    st.session_state["upload turn"] += 1
    st.session_state.pop("previews", None)
    st.rerun()


def _say_done(station: Station) -> None:
    """Say what the last import or undo came to, or how far the work is that is going on."""
    now = jobs.current(station.ws.root)
    if now is not None and now.state == jobs.DONE and now.command[0] in work.READS:
        _say_imported(station, now)
    elif now is not None:
        work.watch(station)
    done: Undone | None = st.session_state.get("upload done")
    if done is not None:
        counted: dict[str, Any] = {
            "removed": f"{sum(done.removed.values()):,}",
            "restored": f"{sum(done.restored.values()):,}",
        }
        files = text("list.mark").join(map(figures.file_called, done.files))
        st.success(frame.unmarked(text("command.undone", files=files, waiting=done.waiting_again, **counted)))
        if done.left_alone:
            st.warning(text("command.left_alone", rows=done.left_alone))


def _say_imported(station: Station, now: jobs.Work) -> None:
    """Say what came in, a line a file, and what to do next; what was noticed on the way is there for who asks."""
    accounts, noticed = work.account_of(now)
    with st.container(horizontal=True, vertical_alignment="center"):
        said = text("page.upload.done", count=len({row["import_id"] for row in json.loads(now.said)}))
        st.success(text("page.words.done", **now.about) if "words" in now.about else said)
        work.put_away_button(station)
    frame.sentences(accounts)
    with st.container(horizontal=True, vertical_alignment="center"):
        if any(row["set_aside"] for row in json.loads(now.said)):
            st.button(text("page.upload.to_aside"), key="to aside", on_click=_to_problems)
        if len(station.table("incidents")):
            frame.link("plans", text("page.upload.to_plan_again" if station.plans else "page.to_plans"), start="plan")
    if noticed:
        with st.expander(text("page.upload.noticed", count=len(noticed))):
            frame.sentences(noticed)


def _to_problems() -> None:
    st.session_state["data part"] = "problems"


@contextmanager
def _on_disk(files: Sequence[Any]) -> Iterator[list[Path]]:
    """Give chosen files as paths under their own names, for as long as the block runs."""
    with TemporaryDirectory(prefix="xunqu-") as folder:
        yield _write(Path(folder), files)


def _write(folder: Path, files: Sequence[Any]) -> list[Path]:
    paths = []
    for number, file in enumerate(files):
        path = folder / str(number) / file_name(Path(file.name).name)
        path.parent.mkdir()
        path.write_bytes(file.getbuffer())
        paths.append(path)
    return paths
