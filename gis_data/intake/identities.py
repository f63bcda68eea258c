"""Identities: by what a row is known when it comes again.

In:     the columns of a sheet that hold call numbers; of rows without one, everything else they say.
Out:    a salted hash for each row, and for the call that it follows up; no call number is kept.
Method: a call number is hashed by HMAC-SHA-256 (hashing.py). A row without one (or with one that a spreadsheet has cut
        to 15 digits) is known by its content: time, words and place, and how many identical rows came before it,
        because identical rows may be true multiples.
"""

from array import array
from binascii import hexlify
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from gis_data.intake import duplicates, hashing, values
from gis_data.letters import letters_in

SHORTEST_CALL_NUMBER = 8
HASH_BYTES = 16


def call_numbers(cells: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return each row's own call number and the one it follows up ("" where destroyed), and which are destroyed."""
    index = cells["lon"].index
    numbers = _text(cells, "call_id", index)
    serials = _text(cells, "serial_no", index)
    if "call_id" not in cells and (serials.str.len() >= SHORTEST_CALL_NUMBER).mean() > 0.5:
        numbers = serials
    linked = _text(cells, "linked_call_id", index)
    damaged, follows = duplicates.is_damaged(numbers), duplicates.is_damaged(linked)
    whole = pd.DataFrame({"number": _without(numbers, damaged), "linked": _without(linked, follows)})
    return whole.assign(damaged=damaged, follows=follows)


def identities(
    cells: Mapping[str, pd.Series], calls: pd.DataFrame, salt: str
) -> Callable[[], tuple[pd.Series, pd.Series]]:
    """Return the way to the salted hash of each row's own call number (or content), and of the call it follows up.

    Very many are hashed by a second process, so they are asked for early and taken late.
    """
    nameless = calls["number"] == ""
    numbers = calls["number"].copy()
    if nameless.any():
        numbers[nameless] = _content({name: cell[nameless] for name, cell in cells.items()}, calls.index[nameless])
    own, other = _begun(numbers, salt), _begun(calls["linked"], salt)
    # A row that was set aside comes again without its numbers; what they gave is known.
    given, followed = (_text(cells, name, calls.index) for name in ("incident_id", "linked_id"))

    def found() -> tuple[pd.Series, pd.Series]:
        ids = own().mask(nameless & (given != ""), given)
        return ids, other().mask((calls["linked"] == "") & (followed != ""), followed)

    return found


def _content(cells: Mapping[str, pd.Series], index: pd.Index) -> pd.Series:
    """Return what a row says, with the number of identical rows before it; arrests left out, they come later."""
    names = (
        "reported_at",
        "occurred_from",
        "class",
        "type",
        "subtype",
        "address",
        "village",
        "place_type",
        "lon",
        "lat",
    )
    joined = pd.Series("row", index=index, dtype="str")
    for name in names:
        if name in cells:
            joined = joined + "\x1f" + values.as_text(cells[name])
    return joined + "\x1f" + joined.groupby(joined).cumcount().astype("str")


def hashed(numbers: pd.Series, salt: str) -> pd.Series:
    """Return the first half of each number's HMAC-SHA-256 under the salt as hexadecimal digits; "" for no number."""
    return _begun(numbers, salt)()


def _begun(numbers: pd.Series, salt: str) -> Callable[[], pd.Series]:
    letters, upto = letters_in(numbers)
    filled = np.diff(upto) > 0
    digests = hashing.begun(letters.tobytes(), array("q", upto[1:][filled].tobytes()), salt.encode())

    def found() -> pd.Series:
        whole = np.frombuffer(digests(), dtype=np.uint8).reshape(-1, hashing.DIGEST_BYTES)
        ends = np.concatenate([[0], np.cumsum(np.where(filled, 2 * HASH_BYTES, 0))]).astype(np.int64)
        hexadecimal = pa.py_buffer(hexlify(whole[:, :HASH_BYTES].tobytes()))
        hashes = pa.LargeStringArray.from_buffers(len(numbers), pa.py_buffer(ends), hexadecimal)
        return pd.Series(pd.array(hashes, dtype="str"), index=numbers.index)

    return found


def _without(numbers: pd.Series, damaged: pd.Series) -> pd.Series:
    return numbers.mask(damaged, "") if damaged.any() else numbers


def _text(cells: Mapping[str, pd.Series], name: str, index: pd.Index) -> pd.Series:
    return cells[name] if name in cells else pd.Series("", index=index, dtype="str")
