"""Rows set aside: kept in a table, written into ``set_aside/`` for a spreadsheet, and read back when corrected.

In:     the rows that a reader did not accept; later the corrected csv or xlsx.
Out:    the table ASIDE (in the same transaction as everything else), one csv for each file with rows that wait.

A csv holds where, why, what to do, a key, and the columns that may be kept; never a call number, an address or a
narrative. What these gave (the salted hash of the call, the village that the address named, the shape) waits in the
table under the key, so a corrected row is still the same incident, and the original file is not needed. A new call
number may be written into the empty column. An untouched row stays where it is, unless it waited for a word or a
village that the station has made known since, or a person has emptied its reason: then it is an event of its own. A row
that a spreadsheet has only written otherwise (3/5/2024 for 2024-03-05, 119.83 for 119.830) is untouched.
"""

import csv
import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping

import geopandas as gpd
import pandas as pd
import shapely

from gis_data.catalogue import LANGUAGES, text
from gis_data.intake import privacy, values
from gis_data.intake.headers import Match
from gis_data.intake.report import Sorted
from gis_data.intake.sheets import Sheet
from gis_data.tables import ASIDE
from gis_data.workspace import Workspace, write_atomically

FIXED = ("file", "row", "reason", "advice", "key")
# An untouched row with one of these reasons may be accepted later: the lists may have grown since, or an undo has taken
# away what the row was joined to.
ALONE = "first_call_gone"
MAY_BE_KNOWN_BY_NOW = frozenset({"class_unknown", "village_unknown", "mode_unknown", ALONE})
_OURS = re.compile(r"I[0-9a-f]{12}_.*\.csv")
_MOMENT = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]*(\d{1,2})[:时](\d{1,2})(?:[:分](?:\d{1,2}(?:\.\d+)?)?秒?)?)?"
)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d{1,2})?")
_GIVEN = {"incident_id": "\x00incident", "linked_id": "\x00linked", "village": "\x00village", "was_call": "\x00call"}
# A row's key must never look like a telephone number, or the row could not come back.
_WITHOUT_DIGITS = str.maketrans("0123456789", "ghijklmnop")


def returned(sheet: Sheet) -> tuple[Sheet, pd.DataFrame | None]:
    """Return the sheet without the columns that ``set_aside/`` adds, and ``key`` and ``own`` of each row.

    ``own``: its reason was emptied. None for a sheet without such columns.
    """
    for lang in LANGUAGES:
        names = {name: text(f"intake.column.{name}", lang=lang) for name in FIXED}
        if names["key"] in sheet.frame.columns:
            back = pd.DataFrame({"key": values.as_text(sheet.frame[names["key"]]), "own": False})
            if names["reason"] in sheet.frame.columns:
                back["own"] = values.as_text(sheet.frame[names["reason"]]) == ""
            frame = sheet.frame.drop(columns=[name for name in names.values() if name in sheet.frame.columns])
            return dataclasses.replace(sheet, frame=frame), back
    return sheet, None


def waiting_of(back: pd.DataFrame, aside: pd.DataFrame) -> pd.DataFrame:
    """Return for each row that comes back what the table ASIDE knows of it, empty where nothing; and ``own``."""
    known = aside.set_index("key", drop=False).reindex(back["key"]).set_axis(back.index)
    return known.astype(object).where(known.notna(), "").assign(own=back["own"])


def unchanged(sheet: Sheet, waiting: pd.DataFrame) -> pd.Series:
    """Tell which rows are as they were set aside, as far as they mean the same."""
    now = _cells_of(sheet.frame)
    same = [_alike(cells, json.loads(old)) if old else False for cells, old in zip(now, waiting["cells"], strict=True)]
    return pd.Series(same, index=waiting.index, dtype=bool) & ~waiting["own"]


def _alike(now: Mapping[str, str], old: Mapping[str, str]) -> bool:
    """Tell whether two rows mean the same; a column that a spreadsheet has left out was empty."""
    return all(
        now.get(name, "") == old.get(name, "") or _meant(now.get(name, "")) == _meant(old.get(name, ""))
        for name in {**old, **now}
    )


def _meant(cell: str) -> tuple[float, ...] | str:
    """Return what a cell says however a spreadsheet writes it: a moment to its minute, a number by its value."""
    moment = _MOMENT.fullmatch(cell)
    if moment:
        return tuple(float(part or 0) for part in moment.groups())
    return (float(f"{float(cell):.12g}"),) if _NUMBER.fullmatch(cell) else cell


def untouched(sheet: Sheet, waiting: pd.DataFrame) -> pd.Series:
    """Tell which rows are as they were set aside, for a reason that only a correction can remove."""
    return unchanged(sheet, waiting) & ~waiting["reason"].isin(MAY_BE_KNOWN_BY_NOW)


def with_given(sheet: Sheet, match: Match, waiting: pd.DataFrame, *, crs: str) -> tuple[Sheet, Match]:
    """Return the sheet with what waited under the keys as further columns, and its match."""
    frame = sheet.frame.assign(
        **{
            _GIVEN["incident_id"]: waiting["incident_id"],
            _GIVEN["linked_id"]: waiting["linked_id"],
            _GIVEN["village"]: waiting["village_id"],
            # Its number is not shown, so nothing else says that it may be joined to another call again.
            _GIVEN["was_call"]: waiting["reason"].where(waiting["reason"] == ALONE, "").replace(ALONE, "1"),
        }
    )
    fields = {name: (*match.fields.get(name, ()), column) for name, column in _GIVEN.items()}
    shapes = sheet.shapes
    if waiting["shape"].astype(bool).any():
        shapes = gpd.GeoSeries(shapely.from_wkt([one or "POINT EMPTY" for one in waiting["shape"]]), crs=crs)
        shapes = shapes.set_axis(frame.index)
    return (
        dataclasses.replace(sheet, frame=frame, shapes=shapes),
        dataclasses.replace(match, fields={**match.fields, **fields}),
    )


def rows_of(
    sheet: Sheet, match: Match, found: Sorted, which: pd.Series, *, import_id: str, crs: str, origin: pd.DataFrame
) -> pd.DataFrame:
    """Return rows as the table ASIDE keeps them.

    Parameters
    ----------
    which
        The rows that are set aside.
    origin
        ``file`` and ``row`` of each row, as the user's own program shows them.
    """
    given = set(_GIVEN.values())
    fields = {column: name for name, columns in match.fields.items() for column in columns if column not in given}
    kept = [column for column, name in fields.items() if name not in privacy.NOT_COPIED]
    # A number that was lost or is wrong can be written anew; what stood there is not shown.
    asked = [column for column, name in fields.items() if name == "call_id"][:1]
    frame = sheet.frame.loc[which, kept].copy()
    marks = _marks(found)[which]
    hidden = marks["placeless"].astype(bool)
    for column in kept:
        if fields[column] in ("lon", "lat", "village"):
            frame[column] = values.as_text(frame[column]).mask(hidden, "")
    frame = frame.assign(**dict.fromkeys(asked, ""))
    shapes = pd.Series("", index=frame.index)
    if sheet.shapes is not None:
        moved = sheet.shapes[which].to_crs(crs)
        shapes = pd.Series([one.wkt if one is not None else "" for one in moved], index=frame.index).mask(hidden, "")
    where = origin[which]
    names = zip(where["file"].tolist(), where["row"].tolist(), range(len(where)), strict=True)
    digests = [hashlib.sha256(f"{import_id}/{file}/{row}/{n}".encode()).hexdigest()[:12] for file, row, n in names]
    keys = [f"R{digest.translate(_WITHOUT_DIGITS)}" for digest in digests]
    made = pd.DataFrame(
        {
            "key": keys,
            "import_id": import_id,
            "file": where["file"],
            "row": where["row"],
            "reason": found.reasons[which],
            "detail": _copied(found.details[which]),
            "table": found.table,
            "cells": _as_json(frame),
            "incident_id": marks["incident_id"],
            "linked_id": marks["linked_id"],
            "village_id": marks["village_id"].mask(hidden, ""),
            "shape": shapes,
            "moved_to": "",
        }
    )
    return made[list(ASIDE.columns)].reset_index(drop=True)


def moved(aside: pd.DataFrame, keys: Iterable[str], incident_ids: Iterable[str], *, to: str) -> pd.DataFrame:
    """Return the table with rows marked as come again: those named, and those of the same call in a later file."""
    asked = aside["incident_id"]
    same_call = asked.isin(set(incident_ids)) & (asked != "") & (aside["import_id"] != to)
    gone = (aside["key"].isin(set(keys)) | (same_call & (aside["reason"] != "duplicate"))) & (aside["moved_to"] == "")
    return aside.assign(moved_to=aside["moved_to"].mask(gone, to))


def left_alone(aside: pd.DataFrame, lost: pd.DataFrame) -> pd.Series:
    """Tell which rows wait because they were joined to incidents that are lost (rows of INCIDENTS)."""
    places = set(lost["source_file"].astype(object) + " " + lost["source_row"].astype(str).astype(object))
    waits = (aside["table"] == "incidents") & (aside["moved_to"] == "")
    joined = (aside["reason"] == "same_event") & aside["detail"].astype(object).isin(places)
    return waits & (joined | (aside["reason"] == "follow_up") & aside["linked_id"].isin(lost["incident_id"]))


def write_files(ws: Workspace, *, only: Iterable[str] | None = None) -> None:
    """Make ``set_aside/`` hold one csv for each import and file with rows that wait, and no other of ours.

    Parameters
    ----------
    only
        Imports whose files may have changed; None for all. A csv that somebody is correcting is left alone otherwise.
    """
    aside = ws.read("aside")
    waiting = aside[aside["moved_to"] == ""]
    wanted = {file_name(import_id, file): rows for (import_id, file), rows in waiting.groupby(["import_id", "file"])}
    folder = ws.root / "set_aside"
    allowed = None if only is None else set(only)
    for path in folder.iterdir():
        ours = _OURS.fullmatch(path.name) and (allowed is None or path.name[:13] in allowed)
        if ours and path.name not in wanted:
            path.unlink()
    for name, rows in wanted.items():
        if allowed is None or name[:13] in allowed:
            content = _csv(rows)
            path = folder / name
            if not path.is_file() or path.read_bytes() != content:
                write_atomically(path, content)


def _marks(found: Sorted) -> pd.DataFrame:
    if found.marks is not None:
        return found.marks
    empty = pd.DataFrame("", index=found.reasons.index, columns=["incident_id", "linked_id", "village_id"])
    return empty.assign(placeless=False)


def _cells_of(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return each row's cells as text; what is long or holds a person's number is left empty."""
    texts = {str(column): _copied(values.as_text(frame[column])).tolist() for column in frame.columns}
    return [dict(zip(texts, cells, strict=True)) for cells in zip(*texts.values(), strict=True)]


def _as_json(frame: pd.DataFrame) -> list[str]:
    """Return each row's cells (``_cells_of``) as ``json.dumps`` writes them, a whole column at a time."""
    # No line end stands inside a text that is written as JSON, so there the column falls into its texts again.
    write = json.JSONEncoder(ensure_ascii=False, separators=("\n", ": ")).encode
    columns = [write(_copied(values.as_text(frame[name])).tolist())[1:-1].split("\n") for name in frame.columns]
    row = ", ".join(write(str(name)).replace("%", "%%") + ": %s" for name in frame.columns)
    return [f"{{{row}}}" % cells for cells in zip(*columns, strict=True)] if columns else ["{}"] * len(frame)


def _copied(text: pd.Series) -> pd.Series:
    shown = privacy.may_be_copied(text)
    return text if shown.all() else text.where(shown, "")


def file_name(import_id: str, file: str) -> str:
    """Return the name of the csv of a file's rows that wait."""
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", file)
    stem = stem if "〔" in stem else stem.rsplit(".", 1)[0] or stem
    return f"{import_id}_{stem[-80:]}.csv"


def _csv(rows: pd.DataFrame) -> bytes:
    """Return rows that wait as a csv that a spreadsheet opens."""
    cells: list[Mapping[str, str]] = [json.loads(one) for one in rows["cells"]]
    columns = list(dict.fromkeys(name for one in cells for name in one))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([text(f"intake.column.{name}") for name in FIXED] + columns)
    fixed = zip(rows["file"], rows["row"], rows["reason"], rows["detail"], rows["key"], strict=True)
    for (file, row, reason, detail, key), one in zip(fixed, cells, strict=True):
        why = text(f"intake.reason.{reason}") + (f" ({detail})" if detail else "")
        advice = text(f"intake.advice.{reason}")
        writer.writerow([file, row, why, advice, key, *(one.get(name, "") for name in columns)])
    return out.getvalue().encode("utf-8-sig")
