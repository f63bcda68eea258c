"""Class words that the lists do not hold: which there are, in how many rows, and what the station says they mean.

In:     the class, type and subtype of rows: of a file before it is imported, of rows set aside, of incidents.
Out:    each such word once with its rows, for a person to say which type it is (``own_headers.save_classes``);
        incidents with the type that the station has given their word since.
Method: the finest word of a row stands for it, as in ``codes.resolve``. Of accepted rows only the subtype is kept, so
        only by it can they be read anew.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from gis_data.intake import aside, codes, headers, lists, privacy, values
from gis_data.intake.own_headers import own_headers
from gis_data.slim import PLACE
from gis_data.taxonomy import TYPES, has_a_place
from gis_data.workspace import Workspace

WAITS, NEW = "class_unknown", "intake.remark.word_new"
LEVELS = ("class", "type", "subtype")
# A row may count as family violence by a column of its own, whatever its word says.
STAYS = "domestic_violence"

How = Literal["unknown", "guessed", "new", "own"]


@dataclass(frozen=True)
class Word:
    """A word that the lists do not hold.

    Attributes
    ----------
    word
        The finest word of its rows.
    named
        How the file names what happened, all levels of it: class/type/subtype.
    rows
        Number of rows.
    type
        Our type that they have; "" where nobody knows one.
    how
        Nobody knows it and its rows are set aside; only its class is known; it is known, but came up in the middle of
        the records (drift.py), so that a new code table may mean something else by it; or the station has named it.
    """

    word: str
    named: str
    rows: int
    type: str
    how: How


def words_of(classes: pd.Series, types: pd.Series, subtypes: pd.Series, own: Mapping[str, str]) -> tuple[Word, ...]:
    """Return the words that a person has to name or has named, those of most rows first.

    Parameters
    ----------
    classes, types, subtypes
        Words (``values.as_words``) of each row; "" where there is none.
    own
        The station's own words -> our type.

    Raises
    ------
    InputError
        If the station's own list names a type that does not exist.
    """
    numbers, first = values.numbered((classes, types, subtypes))
    counts, ours = np.bincount(numbers), codes.own_types(own)
    found = []
    distinct = (column.iloc[first].astype("str") for column in (classes, types, subtypes))
    for count, first_word, second, third in zip(counts, *distinct, strict=True):
        said, word = (first_word, second, third), third or second or first_word
        code = codes.code_of(first_word, second, third, ours)
        if lists.plain(word) in ours:
            found.append(Word(word, "/".join(filter(None, said)), int(count), code.type, "own"))
        elif word and (code.guessed or not code.type):
            found.append(Word(word, "/".join(filter(None, said)), int(count), code.type,
                              "guessed" if code.type else "unknown"))  # fmt: skip
    return together(found)


def words_of_sheet(frame: pd.DataFrame, match: headers.Match, own: Mapping[str, str]) -> tuple[Word, ...]:
    """Return the words of a sheet of incidents, as ``words_of`` does."""

    def level(name: str) -> pd.Series:
        words = values.words_of([], np.full(len(frame), -1), frame.index)
        for column in match.fields.get(name, ()):
            words = values.first_filled(words, values.as_words(frame[column]))
        return words

    return words_of(level("class"), level("type"), level("subtype"), own)


def together(found: Iterable[Word]) -> tuple[Word, ...]:
    """Return each word once: those that most need a person first, and of these those of most rows."""
    order = {how: place for place, how in enumerate(get_args(How))}
    by_word: dict[str, list[Word]] = {}
    for one in found:
        by_word.setdefault(lists.plain(one.word), []).append(one)
    merged = []
    for several in by_word.values():
        first = min(several, key=lambda one: (order[one.how], -one.rows))
        merged.append(replace(first, rows=sum(one.rows for one in several)))
    shown = privacy.may_be_copied(pd.Series([one.word for one in merged], dtype="str"))
    shown &= privacy.may_be_copied(pd.Series([one.named for one in merged], dtype="str"))
    kept = [one for one, may in zip(merged, shown, strict=True) if may]
    return tuple(sorted(kept, key=lambda one: (order[one.how], -one.rows, one.word)))


def words_in(ws: Workspace) -> tuple[Word, ...]:
    """Return the words of the rows set aside for them, of accepted rows whose type is a guess, and the station's own.

    Raises
    ------
    InputError
        If the station's own list names a type that does not exist.
    """
    own = codes.own_types(ws.intake.get("classes", {}))
    waiting = words_of(*_waiting_words(ws, _waiting(ws)), own)
    kept = {lists.plain(word): Word(word, word, 0, code, "own") for word, code in ws.intake.get("classes", {}).items()}
    named = [replace(one, how="unknown") if one.how == "own" else one for one in waiting]  # it waits all the same
    return together([*named, *_accepted_words(ws, own), *kept.values()])


def files_to_read(ws: Workspace) -> list[Path]:
    """Return the files of ``set_aside/`` with rows whose word is known by now."""
    table = _waiting(ws)
    levels = _waiting_words(ws, table)
    found = codes.resolve(*levels, ws.intake.get("classes", {}))
    known = table[(found["type"] != "").to_numpy()]
    names = dict.fromkeys(zip(known["import_id"], known["file"], strict=True))
    paths = (ws.root / "set_aside" / aside.file_name(*each) for each in names)
    return [path for path in paths if path.is_file()]


def settle(incidents: pd.DataFrame, own: Mapping[str, str]) -> tuple[pd.DataFrame, pd.Series]:
    """Return incidents (a slim table) read anew by the station's own words, and which of them changed.

    A class that the file itself has given stays, as in ``codes.resolve``. What may have no place now loses it.
    """
    ours = codes.own_types(own)
    named = values.recoded(values.as_words(incidents["subtype"]), lambda word: ours.get(lists.plain(word), ""))
    asked = (named != "") & (incidents["type"] != STAYS)
    part = incidents.loc[asked, ["incident_class", "type"]].astype(object).assign(now=values.as_written(named[asked]))
    keys = list(part.itertuples(index=False, name=None))
    read = {key: _read_anew(*key) for key in set(keys)}
    flags = np.zeros(len(incidents), dtype=bool)
    flags[asked.to_numpy()] = [read[key] != key[:2] for key in keys]
    changed = pd.Series(flags, index=incidents.index)
    if not changed.any():
        return incidents, changed
    anew = incidents.copy()
    for place, name in enumerate(("incident_class", "type")):
        words = values.as_written(anew[name]).to_numpy(dtype=object, copy=True)
        words[asked.to_numpy()] = [read[key][place] for key in keys]
        anew[name] = values.as_words(pd.Series(words, index=anew.index, dtype="str"))
    banned = changed & ~has_a_place(anew)
    anew = anew.assign(
        **{name: anew[name].mask(banned) for name in PLACE},
        precision=values.with_word(values.as_words(anew["precision"]), banned, "none"),
        village_id=values.with_word(values.as_words(anew["village_id"]), banned, ""),
    )
    return anew, changed


def _read_anew(incident_class: str, old: str, new: str) -> tuple[str, str]:
    """Return class and type of a row whose word means this type now."""
    if codes.of_type(new, incident_class) == (incident_class, old):
        return incident_class, old
    by_file = old == codes.REST.get(incident_class) or incident_class != TYPES[old][0]
    return codes.of_type(new, incident_class if by_file else "")


def _waiting(ws: Workspace) -> pd.DataFrame:
    table = ws.read("aside")
    return table[(table["table"] == "incidents") & (table["reason"] == WAITS) & (table["moved_to"] == "")]


def _waiting_words(ws: Workspace, table: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Return class, type and subtype of rows set aside, as their columns are understood now."""
    cells: list[dict[str, str]] = [json.loads(one) for one in table["cells"]]
    own = own_headers(ws)
    fields = {names: _levels(names, own) for names in {tuple(one) for one in cells}}
    said = [
        [next((one[column] for column in fields[tuple(one)][level] if one[column]), "") for level in LEVELS]
        for one in cells
    ]
    columns = pd.DataFrame(said, columns=list(LEVELS), index=table.index, dtype="str")
    first, second, third = (values.as_words(columns[level]) for level in LEVELS)
    return first, second, third


def _levels(names: tuple[str, ...], own: headers.Own) -> dict[str, tuple[str, ...]]:
    match = headers.recognise(names, has_shapes=True, own=own)
    return {level: match.fields.get(level, ()) if match else () for level in LEVELS}


def _accepted_words(ws: Workspace, own: Mapping[str, str]) -> list[Word]:
    """Return the subtypes of accepted rows that were guessed, came up as new ones, or were named by the station."""
    new = _new_words(ws.read("imports"))
    quality = ws.read("quality")
    guessed = set(quality["import_id"][quality["problem"] == "type_guessed"])
    names = ["incident_class", "type", "subtype", "import_id"]
    counts = ws.read("incidents", only=names).groupby(names).size()
    found = []
    for (incident_class, kind, word, import_id), rows in counts.items():
        if lists.plain(word) in own:
            found.append(Word(word, word, int(rows), own[lists.plain(word)], "own"))
        elif word and import_id in guessed and kind == codes.REST.get(incident_class) and not codes.is_type(word):
            found.append(Word(word, word, int(rows), kind, "guessed"))
        elif word in new:
            found.append(Word(word, word, int(rows), kind, "new"))
    return found


def _new_words(imports: pd.DataFrame) -> set[str]:
    remarks = (one for written in imports["remarks"] if written for one in json.loads(written))
    return {str(about["kind"]) for key, about in remarks if key == NEW}
