"""Letters: columns of very many texts looked at as one run of bytes, without an object for each cell.

In:     a column of texts.
Out:    its bytes and where each cell starts; of these which cells are digits only, those of one width, whole numbers.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Letters = NDArray[np.uint8]
Flags = NDArray[np.bool_]

ZERO = ord("0")
_PIECE = 1 << 15  # rows whose numbers stay near the processor while they are worked on


def letters_of(values: pd.Series) -> tuple[Letters, Whole] | None:
    """Return the bytes of a column of texts one after the other, and where each cell starts (and the last one ends).

    None for a column of objects, or one with missing cells.
    """
    if not isinstance(values.dtype, pd.StringDtype):
        return None
    column = pa.array(values)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if not pa.types.is_large_string(column.type) or column.null_count:
        return None
    _, starts, data = column.buffers()
    upto = np.frombuffer(starts, dtype=np.int64)[column.offset : column.offset + len(column) + 1]
    if not len(column) or data is None:
        return np.empty(0, dtype=np.uint8), np.zeros(len(column) + 1, dtype=np.int64)
    return np.frombuffer(data, dtype=np.uint8)[upto[0] : upto[-1]], upto - upto[0]


def letters_in(text: pd.Series) -> tuple[Letters, Whole]:
    """Return the bytes of any column of texts, and where each cell starts (and the last one ends)."""
    found = letters_of(text.astype("str"))
    assert found is not None, "a missing text is empty"
    return found


def all_digits(letters: Letters, upto: Whole) -> Flags:
    """Tell which cells hold digits only; a cell without anything does not."""
    found = np.diff(upto) > 0
    other = np.flatnonzero(letters - np.uint8(ZERO) > 9)  # wraps round below «0»
    found[np.searchsorted(upto, other, side="right") - 1] = False
    return found


def fixed_width(letters: Letters, upto: Whole, width: int) -> tuple[NDArray[np.intp], Letters]:
    """Return the cells of so many bytes, and their bytes as a table of one row each."""
    lengths = np.diff(upto)
    rows = np.flatnonzero(lengths == width)
    if len(rows) * width == len(letters):  # all others are empty
        return rows, letters.reshape(len(rows), width)
    return rows, letters[upto[rows][:, None] + np.arange(width)]


def number_in(table: Letters) -> tuple[NDArray[np.int32], Flags]:
    """Return the whole number (of nine digits at most) that each row of bytes spells, and whether all are digits."""
    number = np.zeros(len(table), dtype=np.int32)
    digits = np.ones(len(table), dtype=bool)
    for place in range(table.shape[1]):
        digit = table[:, place] - np.uint8(ZERO)  # wraps round below «0»
        digits &= digit <= 9
        number = number * 10 + digit
    return number, digits


def pieces(rows: int) -> Iterator[slice]:
    """Give so many rows piece by piece: what is worked out on the way then needs little memory, and less time."""
    for start in range(0, rows, _PIECE):
        yield slice(start, min(rows, start + _PIECE))
