"""Codes: a file's own words for class, type and channel -> the house's codes.

In:     the words of a row (class, type, subtype), whatever code table the station uses.
Out:    incident_class, type, and who brought it to light; rows whose words nobody knows stay unknown.
Method: the finest word wins (subtype, then type, then class); the file's own class overrules the type's usual one.
        Open city data name a crime by one English category; ``city_categories.csv`` says which of them patrols find
        by their nature (drugs, weapons, gambling): those are «discovered» and never steer a patrol.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from gis_data.errors import InputError
from gis_data.intake import lists, values
from gis_data.taxonomy import CLASSES, TYPES

# The type of a row whose class is known and whose type is not. Disasters have no such type: they are set aside.
REST: dict[str, str] = {
    "criminal": "other_criminal",
    "public_order": "other_po",
    "dispute": "other_dispute",
    "traffic": "other_traffic",
    "fire_rescue": "rescue",
    "help": "other_help",
    "social_link": "other_link",
    "mass": "mass",
    "tip": "tip",
    "invalid": "other",
}
_SUFFIXES = ("警情", "案件", "案", "类", "事件")
# The same act under the lesser law has a type of its own (DOMAIN 2.3, rule 2).
_MINOR = {("theft", "public_order"): "minor_theft", ("fraud", "public_order"): "minor_fraud"}


@dataclass(frozen=True)
class Code:
    """The house's codes of some words; ``type`` is "" when nobody knows them; ``guessed``: only the class is known."""

    incident_class: str
    type: str
    origin: str = ""
    guessed: bool = False


UNKNOWN = Code("", "")


def resolve(classes: pd.Series, types: pd.Series, subtypes: pd.Series, own: Mapping[str, str]) -> pd.DataFrame:
    """Return the codes of each row: ``incident_class``, ``type``, ``origin`` (words), ``guessed``.

    Parameters
    ----------
    classes, types, subtypes
        Words or texts; "" where the file has no such column.
    own
        The station's own words -> our type, from ``[intake.classes]`` of ``station.toml``.

    Raises
    ------
    InputError
        If the station's own list names a type that does not exist.
    """
    ours = own_types(own)
    words = (classes, types, subtypes)
    numbers, first = values.numbered(words)
    distinct = zip(*(column.iloc[first] for column in words), strict=True)
    found = [code_of(str(c), str(t), str(s), ours) for c, t, s in distinct]
    columns = {
        name: values.words_of([getattr(code, name) for code in found], numbers, classes.index)
        for name in ("incident_class", "type", "origin")
    }
    return pd.DataFrame(columns).assign(guessed=np.array([code.guessed for code in found], dtype=bool)[numbers])


def origins(channels: pd.Series) -> pd.Series:
    """Return reported or discovered for each channel text, "" where no list holds it."""
    known = [(lists.plain(row["holds"]), row["origin"]) for row in lists.rows("channel_words.csv")]

    def one(channel: str) -> str:
        word = lists.plain(channel)
        return next((origin for holds, origin in known if holds in word), "")

    return values.recoded(values.as_words(channels), one)


def own_types(own: Mapping[str, str]) -> dict[str, str]:
    """Return the station's own words as they are compared -> our type.

    Raises
    ------
    InputError
        If a type does not exist.
    """
    for word, code in own.items():
        if code not in TYPES:
            raise InputError("intake.own_class", word=word, found=code)
    return {lists.plain(word): code for word, code in own.items()}


def is_type(word: str) -> bool:
    """Tell whether the lists hold a word as a type."""
    return bool(_lookup(word, "type"))


def of_type(code: str, own_class: str = "") -> tuple[str, str]:
    """Return class and type of a row of some type, whose file names a class or not ("")."""
    incident_class = own_class or TYPES[code][0]
    return incident_class, _MINOR.get((code, incident_class), code)


def code_of(class_word: str, type_word: str, subtype_word: str, own: Mapping[str, str]) -> Code:
    """Return the codes of one row's words; ``own`` as ``own_types`` gives it."""
    city = _city(type_word or class_word, subtype_word)
    if city is not None:
        return city
    own_class = _lookup(class_word, "class")
    for word in (subtype_word, type_word, class_word):
        code = own.get(lists.plain(word)) or _lookup(word, "type")
        if code:
            return Code(*of_type(code, own_class))
    incident_class = own_class or _lookup(type_word, "class") or _lookup(subtype_word, "class")
    if incident_class in REST:
        return Code(incident_class, REST[incident_class], guessed=bool(type_word or subtype_word))
    return UNKNOWN


def _city(category: str, subtype: str) -> Code | None:
    for holds, code in _city_list().get(lists.plain(category), ()):
        if holds in lists.plain(subtype):
            return code
    return None


@cache
def _city_list() -> dict[str, list[tuple[str, Code]]]:
    found: dict[str, list[tuple[str, Code]]] = {}
    for row in lists.rows("city_categories.csv"):
        code = Code(row["class"], row["type"], row["origin"])
        found.setdefault(lists.plain(row["category"]), []).append((lists.plain(row["subtype_holds"]), code))
    return found


@cache
def _lookup(word: str, kind: str) -> str:
    words, found = _words(kind), lists.plain(word)
    for suffix in ("", *_SUFFIXES):
        code = words.get(found.removesuffix(suffix))
        if code:
            return code
    return ""


@cache
def _words(kind: str) -> dict[str, str]:
    names = {code: code for code in CLASSES} | {zh: code for code, zh in CLASSES.items()}
    if kind == "type":
        names = {code: code for code in TYPES} | {zh: code for code, (_, zh) in TYPES.items()}
    listed = {row["word"]: row["code"] for row in lists.rows("class_words.csv") if row["kind"] == kind}
    return {lists.plain(word): code for word, code in (listed | names).items() if word}
