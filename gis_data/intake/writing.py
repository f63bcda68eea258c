"""Writing: one thing written in several ways, and rows written twice, where no number tells them apart.

In:     the words and addresses of a sheet, and what its class words were taken for; the sheet's rows.
Out:    which rows use a rarer spelling, lack the beginning or ending that most addresses have, name a crossing, or say
        word for word what a row before them says.
Method: spellings are compared without blanks, marks and remarks in brackets, and only where they were taken for one
        and the same kind. Nothing is changed: these rows are counted as they would be without the note.
"""

import re
from collections import defaultdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.intake import values

Flags = NDArray[np.bool_]

OF_THE_FILE = 0.5  # share of the addresses that end or begin alike, from which on the others are told
LEAST_ROWS = 20
_REMARK, _MARKS = re.compile(r"[(\[【〔].*?[)\]】〕]"), re.compile(r"[\W_]+")
_TOWN = re.compile(r"^.{1,12}?(?:镇|乡|街道)(?!政府|卫生|中心|小学|中学|派出所)")
_CROSSING = re.compile(r"路口|岔口|道口|十字|丁字|交叉|交汇|\D/.|./\D|\b(?:and|&) ")


def rarer_spellings(words: pd.Series, kinds: pd.Series) -> Flags:
    """Tell which rows use a rarer spelling of a word.

    Parameters
    ----------
    words
        A column of words (categories).
    kinds
        What each row was taken for (categories); "" where nobody knows.
    """
    codes = words.cat.codes.to_numpy()
    counts = np.bincount(codes, minlength=len(words.cat.categories))
    alike: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(words.cat.categories):
        if counts[place]:
            alike[_MARKS.sub("", _REMARK.sub("", word)).casefold()].append(place)
    found = np.zeros(len(words), dtype=bool)
    for key, places in alike.items():
        if len(places) == 1 or not key:
            continue
        there = np.isin(codes, places)
        taken_for = kinds[there].unique()
        if len(taken_for) == 1 and taken_for[0] != "":
            found |= there & (codes != max(places, key=lambda place: int(counts[place])))
    return found


def partial_addresses(addresses: pd.Series) -> tuple[Flags, str]:
    """Tell which rows lack the ending (behind a comma) or beginning (a town) of most addresses, and return that."""
    codes, texts = addresses.cat.codes.to_numpy(), addresses.cat.categories
    counts = np.bincount(codes, minlength=len(texts)) * (texts != "").astype(int)
    rows = int(counts.sum())
    if rows < LEAST_ROWS:
        return np.zeros(len(codes), dtype=bool), ""
    for part_of in (_ending, _town):
        parts = pd.Series([part_of(text) for text in texts])
        usual = pd.Series(counts).groupby(parts).sum().drop("", errors="ignore")
        if len(usual) and OF_THE_FILE * rows <= usual.max() < rows:
            found = (parts != usual.idxmax()).to_numpy() & (counts > 0)
            return found[codes], str(usual.idxmax())
    return np.zeros(len(codes), dtype=bool), ""


def _ending(address: str) -> str:
    head, mark, end = address.rpartition(",")
    return mark + end if head else ""


def _town(address: str) -> str:
    hit = _TOWN.match(address)
    return hit.group() if hit else ""


def crossings(addresses: pd.Series) -> Flags:
    """Tell which addresses name a crossing of two streets."""
    return values.flagged(addresses, _CROSSING.search).to_numpy(dtype=bool)


def said_before(frame: pd.DataFrame, nameless: Flags) -> Flags:
    """Tell which rows without a number of their own say in every column what a row before them says."""
    found = np.zeros(len(frame), dtype=bool)
    if nameless.any():
        found[nameless] = frame[nameless].duplicated().to_numpy()
    return found
