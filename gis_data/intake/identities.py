"""Identities: by what a row is known when it comes again.

In:     the columns of a sheet that hold call numbers; of rows without one, everything else they say.
Out:    a salted hash for each row, and for the call that it follows up; no call number is kept.
Method: a call number is hashed by HMAC-SHA-256 (RFC 2104). A row without one (or with one that a spreadsheet has cut to
        15 digits) is known by its content: time, words and place, and how many identical rows came before it, because
        identical rows may be true multiples.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gis_data.intake import duplicates, values
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


def identities(cells: Mapping[str, pd.Series], calls: pd.DataFrame, salt: str) -> tuple[pd.Series, pd.Series]:
    """Return the salted hash of each row's own call number (or content), and of the call it follows up."""
    nameless = calls["number"] == ""
    numbers = calls["number"].copy()
    if nameless.any():
        numbers[nameless] = _content({name: cell[nameless] for name, cell in cells.items()}, calls.index[nameless])
    # A row that was set aside comes again without its numbers; what they gave is known.
    given, followed = (_text(cells, name, calls.index) for name in ("incident_id", "linked_id"))
    ids = hashed(numbers, salt).mask(nameless & (given != ""), given)
    return ids, hashed(calls["linked"], salt).mask((calls["linked"] == "") & (followed != ""), followed)


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
    letters, upto = letters_in(numbers)
    filled = np.diff(upto) > 0
    text, ends = letters.tobytes(), upto[1:][filled].tolist()
    inner, outer = _padded(salt.encode())
    start, digests = 0, []
    for end in ends:
        first, second = inner.copy(), outer.copy()
        first.update(text[start:end])
        second.update(first.digest())
        digests.append(second.digest())
        start = end
    halves = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, outer.digest_size)[:, :HASH_BYTES]
    upto = np.concatenate([[0], np.cumsum(np.where(filled, 2 * HASH_BYTES, 0))]).astype(np.int64)
    hexadecimal = pa.py_buffer(halves.tobytes().hex().encode())
    hashed = pa.LargeStringArray.from_buffers(len(numbers), pa.py_buffer(upto), hexadecimal)
    return pd.Series(pd.array(hashed, dtype="str"), index=numbers.index)


def _padded(secret: bytes) -> list[Any]:
    """Return SHA-256 started with the inner and the outer pad (RFC 2104); hmac starts both anew for each message."""
    block = hashlib.sha256().block_size
    secret = (hashlib.sha256(secret).digest() if len(secret) > block else secret).ljust(block, b"\x00")
    return [hashlib.sha256(bytes(byte ^ pad for byte in secret)) for pad in (0x36, 0x5C)]


def _without(numbers: pd.Series, damaged: pd.Series) -> pd.Series:
    return numbers.mask(damaged, "") if damaged.any() else numbers


def _text(cells: Mapping[str, pd.Series], name: str, index: pd.Index) -> pd.Series:
    return cells[name] if name in cells else pd.Series("", index=index, dtype="str")
