"""The word lists of the door: what headers, classes, channels and yes-or-no cells are called in real files.

In:     the csv files beside this module (a station's own words may be added to them, or to ``[intake.classes]``).
Out:    the lists as plain dictionaries, read once.
"""

import csv
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def plain(word: str) -> str:
    """Return a word as it is compared: full-width made half-width, lower case, no space around it."""
    return unicodedata.normalize("NFKC", word).strip().casefold()


def rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of one list."""
    with (_FOLDER / name).open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


@cache
def words(field: str) -> dict[str, str]:
    """Return the known words of one coded field: mode, powers, status or flag."""
    return {plain(row["word"]): row["value"] for row in rows("value_words.csv") if row["field"] == field}
