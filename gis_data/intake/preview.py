"""The preview: how a file would be understood, before anything of it is imported.

In:     a file, and the workspace whose own headers count.
Out:    for each sheet its table, what becomes of each column, and the first rows of the columns that are kept; of all
        columns where nobody knows the table, so that a person can say which is which. Nothing is written, and no cell
        of a column about persons, no number of a person and no free text is in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from gis_data.errors import InputError
from gis_data.intake import archives, aside, headers, kinds, sheets, values
from gis_data.intake.archives import Source
from gis_data.intake.class_words import Word, words_of_sheet
from gis_data.intake.own_headers import own_headers
from gis_data.intake.privacy import NOT_COPIED
from gis_data.intake.sheets import Sheet
from gis_data.workspace import Workspace

FIRST_ROWS = 20
GROUND = "ground"

Fate = Literal["exact", "own", "guessed", "left_out", "dropped", "refused"]


@dataclass(frozen=True)
class Column:
    """One column of a sheet.

    Attributes
    ----------
    name
        The header as the file has it.
    field
        The field it fills; "" if none.
    how
        How that is known, or why the column is not kept. One refused column refuses the whole file.
    """

    name: str
    field: str
    how: Fate


@dataclass(frozen=True)
class SheetPreview:
    """One sheet, layer or member of a zip.

    Attributes
    ----------
    table
        The table it would feed; "ground" for map features with OpenStreetMap tags; "" if nobody knows.
    rows
        How many rows it has; None for an extract that is not opened for a preview.
    head
        The first rows of the columns that are kept, as text, under the file's own headers; its index is the number of
        each row as the user's own program shows it. Without rows where the file is refused.
    problem
        Why it cannot be imported, one sentence; "" if it can.
    has_shapes
        Whether its rows have a place on the map without columns that say so.
    words
        Class words of incidents that the lists do not hold.
    """

    name: str
    table: str
    rows: int | None
    columns: tuple[Column, ...]
    head: pd.DataFrame
    problem: str = ""
    has_shapes: bool = False
    words: tuple[Word, ...] = ()

    @property
    def refused(self) -> tuple[str, ...]:
        """Return the columns about persons."""
        return tuple(column.name for column in self.columns if column.how == "refused")


@dataclass(frozen=True)
class Preview:
    """One file, sheet by sheet."""

    file: str
    sheets: tuple[SheetPreview, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per column."""
        return pd.DataFrame(
            [
                {"sheet": sheet.name, "table": sheet.table, "column": one.name, "field": one.field, "how": one.how}
                for sheet in self.sheets
                for one in sheet.columns
            ],
            columns=["sheet", "table", "column", "field", "how"],
        )


def preview(path: Path, ws: Workspace) -> Preview:
    """Return how a file would be understood.

    Raises
    ------
    InputError
        If it is missing, damaged, empty or of a kind nobody here reads, or the station's own headers name a field that
        does not exist. Columns about persons raise nothing here: they are shown as refused.
    """
    own, classes = {**own_headers(ws), headers.ANY_HEADER: {}}, ws.intake.get("classes", {})
    with archives.sources([path]) as files:
        return Preview(path.name, tuple(one for source in files for one in _of_source(source, own, classes)))


def columns_as(columns: Sequence[Column], table: str, ws: Workspace) -> tuple[Column, ...]:
    """Return what becomes of the columns of a sheet once a person has said that it is this table.

    Raises
    ------
    InputError
        If the station's own headers name a field that does not exist.
    """
    names = [column.name for column in columns]
    match = headers.understood_as(names, table, own=own_headers(ws))
    fields = _fields(match)
    return tuple(_column(name, fields, match) for name in names)


def is_understood(sheet: SheetPreview, ws: Workspace, changes: Mapping[str, Mapping[str, str]]) -> bool:
    """Tell whether a sheet would be imported with more of the station's own headers (table -> header -> field).

    Raises
    ------
    InputError
        If the station's own headers name a field that does not exist.
    """
    if sheet.table == GROUND:
        return True
    own = dict(own_headers(ws))
    for table, mapping in changes.items():
        own[table] = {**own.get(table, {}), **{headers.bare(header): name for header, name in mapping.items()}}
    names = [column.name for column in sheet.columns if column.how != "refused"]
    return headers.recognise(names, has_shapes=sheet.has_shapes, own=own) is not None


def _of_source(source: Source, own: headers.Own, classes: Mapping[str, str]) -> Sequence[SheetPreview]:
    if source.kind in kinds.OSM:
        return [SheetPreview(source.name, GROUND, None, (), pd.DataFrame())]
    try:
        opened = sheets.read_sheets(source, own=own)
    except InputError as problem:
        if not source.member or problem.key not in sheets.NOT_A_TABLE:
            raise
        return [SheetPreview(source.name, "", None, (), pd.DataFrame(), str(problem))]
    is_ground = any(sheet.shapes is not None and headers.is_ground(sheet.frame.columns) for sheet in opened)
    return [_of_ground(sheet) if is_ground else _of_sheet(sheet, own, classes) for sheet in opened]


def _of_ground(sheet: Sheet) -> SheetPreview:
    """Return a layer of map features; as at the door, only a station's own columns can be about persons."""
    columns = tuple(
        Column(name, "", "refused" if not name.isascii() and headers.is_person(name) else "exact")
        if name in headers.OSM_TAGS or not name.isascii()
        else Column(name, "", "left_out")
        for name in sheet.frame.columns
    )
    return SheetPreview(sheet.name, GROUND, len(sheet.frame), columns, pd.DataFrame())


def _of_sheet(sheet: Sheet, own: headers.Own, classes: Mapping[str, str]) -> SheetPreview:
    sheet, back = aside.returned(sheet)
    names, has_shapes = list(sheet.frame.columns), sheet.shapes is not None or back is not None
    match = headers.recognise(names, has_shapes=has_shapes, own=own)
    fields = _fields(match) if match else {}
    columns = tuple(_column(name, fields, match) for name in names)
    shown = [name for name in names if name in fields and fields[name] not in NOT_COPIED]
    if match is None:  # nobody can say which column is which without seeing them
        shown = [name for name in names if not headers.may_tell_of_persons(name)]
    words: tuple[Word, ...] = ()
    if any(column.how == "refused" for column in columns):
        shown = []
    elif match is not None and match.table == "incidents":
        words = words_of_sheet(sheet.frame, match, classes)
    head = pd.DataFrame({name: _cells(sheet.frame[name].head(FIRST_ROWS)) for name in shown})
    head.index = pd.Index(sheet.rows[: len(head)], name="row")
    if match is None:
        key = "intake.unknown_table" if names else "intake.no_headers"
        problem = str(InputError(key, file=sheet.name, columns=names[:12]))
        return SheetPreview(sheet.name, "", len(sheet.frame), columns, head, problem, has_shapes)
    return SheetPreview(sheet.name, match.table, len(sheet.frame), columns, head, has_shapes=has_shapes, words=words)


def _fields(match: headers.Match) -> dict[str, str]:
    return {column: name for name, several in match.fields.items() for column in several}


def _column(name: str, fields: dict[str, str], match: headers.Match | None) -> Column:
    if headers.is_person(name):
        return Column(name, "", "refused")
    if match is None:
        return Column(name, "", "left_out")
    if name in match.dropped:
        return Column(name, "", "dropped")
    return Column(name, fields[name], match.how[name]) if name in fields else Column(name, "", "left_out")


def _cells(column: pd.Series) -> pd.Series:
    """Return cells as text; blank where free text stands in the wrong place, or a number of a person."""
    text = values.as_code(column)
    return text.mask(values.is_private(text), "")
