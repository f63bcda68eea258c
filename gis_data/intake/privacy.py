"""Privacy: what could name a person is found before any reader sees it.

In:     a sheet as its file has it.
Out:    which of its rows hold a number of a person (mobile, landline, identity number, number plate) or a name that the
        file's own columns of persons list; the sheet without those columns; names of files and sheets without either.

Such rows are refused and kept nowhere. Columns that are dropped or hashed (narrative, address, call number) are not
looked at: nothing of them is kept.
"""

import dataclasses
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.intake import headers, values
from gis_data.intake.headers import Match
from gis_data.intake.sheets import Sheet
from gis_data.letters import Flags, Letters, Whole, fixed_width, letters_in, letters_of, pieces

# Never kept in any form: what could name a person or a call. A call number is hashed, an address gives a village.
NOT_COPIED = frozenset({"call_id", "linked_call_id", "serial_no", "address", "narrative"})
MEASURES = ("lon", "lat", "reported_at", "occurred_from", "occurred_to", "arrived_at", "closed_at")
HIDDEN = "…"
_GAP = r"[-\s]?"
_NUMBER = re.compile(
    r"(?<!\d)(?<!\d\.)(?:"
    rf"1[3-9]\d{_GAP}\d{{4}}{_GAP}\d{{4}}|"  # mobile
    rf"[1-9]\d{{5}}{_GAP}(?:19|20)\d{{6}}{_GAP}\d{{3}}[\dxX]|\d{{17}}[\dxX]|"  # identity number
    rf"\(?0(?:10|2\d|[3-9]\d{{2}})\)?{_GAP}[2-9]\d{{6,7}}"  # landline
    r")(?!\d)|"
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][·•. ]?"
    r"(?=[A-Za-z\d]*\d)[A-HJ-NP-Za-hj-np-z\d]{5,6}(?![A-Za-z\d])"  # number plate
)
# All of them but a plate are at least so long, of digits and gaps only; a plate is not plain ASCII.
SHORTEST_NUMBER, ASCII_END = 10, 0x80
DAY_LENGTH, MOMENT_LENGTHS = len("2024-03-05"), (len("2024-03-05 23:10:07"), len("2024-03-05 23:10"))
_IN_A_NUMBER = np.isin(np.arange(256), np.frombuffer(b"0123456789()-xX \t\n\v\f\r\x1c\x1d\x1e\x1f", dtype=np.uint8))
_NAME_COLUMN = re.compile(r"姓名|联系人|人$|事主|失主|户主|车主|机主|name|^(caller|victim|suspect|witness|owner)s?$")
_NAME = re.compile(r"[\u4e00-\u9fff·]{2,6}|[A-Za-z]+(?:[ .]+[A-Za-z]+)+")
_NOBODY = frozenset(
    {"不详", "未知", "不明", "匿名", "无名", "群众", "路人", "本人", "保密", "过路群众", "村民", "居民", "民警", "没有"}
)


def has_number(text: str) -> bool:
    """Tell whether a text holds a number that belongs to a person."""
    return bool(_NUMBER.search(text))


def hide(text: str, names: Iterable[str] = ()) -> str:
    """Return a text (a file's or a sheet's name) with numbers of persons and the given names taken out."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, HIDDEN)
    return _NUMBER.sub(HIDDEN, text)


def drop_persons(sheet: Sheet) -> tuple[Sheet, tuple[str, ...], frozenset[str]]:
    """Return a sheet without its columns about persons, their headers, and the names that stood in them."""
    columns = [column for column in sheet.frame.columns if headers.is_person(column)]
    names: set[str] = set()
    for column in columns:
        if _NAME_COLUMN.search(headers.bare(column)):
            names |= {text for text in values.as_text(sheet.frame[column]).unique() if _NAME.fullmatch(text)}
    kept = dataclasses.replace(sheet, frame=sheet.frame.drop(columns=columns))
    return kept, tuple(columns), frozenset(names - _NOBODY)


def private_rows(sheet: Sheet, match: Match, names: Iterable[str] = ()) -> pd.Series:
    """Tell which rows hold a person's number, or one of the given names, in a column whose text is kept."""
    found = pd.Series(False, index=sheet.frame.index)
    several = sorted(names, key=len, reverse=True)
    listed = re.compile("|".join(map(re.escape, several))) if several else None
    for field, columns in match.fields.items():
        if field in NOT_COPIED:
            continue
        for column in columns:
            if field not in MEASURES or not _is_measured(sheet.frame[column]):
                found |= _by_text(sheet.frame[column], listed)
    return found


def signed_rows(sheet: Sheet) -> pd.Series:
    """Tell which of the last rows say who made, checked or sent the table: no record, and a person's name."""
    found = pd.Series(False, index=sheet.frame.index)
    foot = sheet.frame.tail(values.FOOT)
    for column in foot.columns:
        found[foot.index] |= np.array([values.is_signature(text) for text in values.as_text(foot[column])], dtype=bool)
    return found


def may_be_kept(sheet: Sheet) -> bool:
    """Tell whether no cell at all holds a person's number or a free text; call numbers are longer than any of those."""
    if sheet.signed or signed_rows(sheet).any():
        return False
    looked_at = [column for column in sheet.frame.columns if not _is_measured(sheet.frame[column])]
    return all(_may_all_be_copied(sheet.frame[column]) for column in looked_at)


def _may_all_be_copied(cells: pd.Series) -> bool:
    """Tell whether all cells may be copied, looking at some after the other: at many at once it takes much memory."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = pd.Series(cells.cat.categories)
    return all(may_be_copied(values.as_text(cells.iloc[piece])).all() for piece in pieces(len(cells)))


def may_be_copied(text: pd.Series) -> Flags:
    """Tell which cells (``values.as_text``) may stand in a file of rows set aside: short, without a person's number."""
    return (text.str.len() <= values.LONGEST_CODE).to_numpy() & ~_by_text(text, None).to_numpy()


def _by_text(cells: pd.Series, listed: re.Pattern[str] | None) -> pd.Series:
    def hit(text: str) -> bool:
        return has_number(text) or (listed is not None and bool(listed.search(text)))

    if isinstance(cells.dtype, pd.CategoricalDtype):
        flags = np.array([hit(text) for text in values.as_text(pd.Series(cells.cat.categories))] + [False])
        return pd.Series(flags[cells.cat.codes.to_numpy()], index=cells.index)
    read = letters_of(cells)
    if read is None:
        cells = values.as_text(cells)
        read = letters_in(cells)
    asked = np.arange(len(cells)) if listed is not None else _long_digits(*read)
    codes, distinct = pd.factorize(values.as_text(cells.iloc[asked]))
    found = np.zeros(len(cells), dtype=bool)
    found[asked] = np.array([hit(one) for one in distinct], dtype=bool)[codes]
    return pd.Series(found, index=cells.index)


def _long_digits(letters: Letters, upto: Whole) -> NDArray[np.intp]:
    """Return the cells that may hold a number: not plain ASCII, or with enough digits."""
    foreign = np.zeros(len(upto) - 1, dtype=bool)
    foreign[np.searchsorted(upto, np.flatnonzero(letters >= ASCII_END), side="right") - 1] = True
    long = np.diff(upto) >= SHORTEST_NUMBER
    for width in (*MOMENT_LENGTHS, DAY_LENGTH):
        rows, table = fixed_width(letters, upto, width)
        # A moment (2024-03-05 23:10) has enough digits too, but its marks stand where none of the numbers has them.
        marked = (table[:, 4] == ord("-")) & (table[:, 7] == ord("-"))
        if width > DAY_LENGTH:
            marked &= (table[:, DAY_LENGTH] == ord(" ")) & (table[:, DAY_LENGTH + 3] == ord(":"))
        long[rows[marked]] = False
    return np.flatnonzero(foreign | (long & _runs(letters, upto)) if long.any() else foreign)


def _runs(letters: Letters, upto: Whole) -> Flags:
    """Tell which cells hold ten letters in a row of which each may stand in a number."""
    found = np.zeros(len(upto) - 1, dtype=bool)
    run, length = _IN_A_NUMBER[letters], 1
    for step in (1, 2, 4, 2):
        run, length = run[:-step] & run[step:], length + step
    assert length == SHORTEST_NUMBER
    starts = np.flatnonzero(run)
    cells = np.searchsorted(upto, starts, side="right") - 1
    found[cells[starts + length <= upto[cells + 1]]] = True
    return found


def _is_measured(cells: pd.Series) -> bool:
    """Tell whether a column holds moments or numbers with a point, as typed files have them."""
    return pd.api.types.is_float_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype)
