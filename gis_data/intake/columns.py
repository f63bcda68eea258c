"""Columns: a text in which all lines are equally wide, read by whole columns.

In:     UTF-8 text without its header lines.
Out:    its cells column by column; a column whose first rows hold few different texts as codes of its texts, read so at
        once: it is far smaller, and whatever is asked of its texts is asked once.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

_HEAD = 1 << 20  # bytes of the first rows
_BLOCK = 1 << 22  # bytes that are parsed at a time
_LOOKED_AT, _ROWS_PER_TEXT = 10_000, 4  # a column of words: of so many rows every text stands in four


def read_columns(text: memoryview, count: int, delimiter: str, *, quoted: bool) -> pa.Table:
    """Return a text's cells by columns named 0, 1, ...; those of words as codes of their texts.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a line is not as wide as ``count``.
    """
    names = [str(place) for place in range(count)]
    types = dict.fromkeys(names, pa.large_string())
    upto = bytes(text[:_HEAD]).rfind(b"\n") + 1
    if upto and not quoted and len(text) > _HEAD:  # without quotes a text may be cut off at any line end
        head = _read(text[:upto], types, delimiter, quoted=False)
        wordy = [name for name in names if _holds_words(head[name])]
        types |= dict.fromkeys(wordy, pa.dictionary(pa.int32(), pa.large_string()))
    table = _read(text, types, delimiter, quoted=quoted)
    with ThreadPoolExecutor() as threads:
        whole = pa.table(dict(zip(names, threads.map(_in_one, table.columns), strict=True)))
    del table
    pa.default_memory_pool().release_unused()  # what the threads have freed is of no use to anybody else
    return whole


def _read(text: memoryview, types: dict[str, pa.DataType], delimiter: str, *, quoted: bool) -> pa.Table:
    return arrow_csv.read_csv(
        pa.py_buffer(text),
        read_options=arrow_csv.ReadOptions(column_names=[*types], block_size=_BLOCK),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=quoted,
            ignore_empty_lines=False,
            quote_char='"' if quoted else False,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=types,
            strings_can_be_null=False,
            check_utf8=False,  # it is known to be (_as_utf8)
        ),
    )


def _holds_words(column: pa.ChunkedArray) -> bool:
    """Tell whether the first rows of a column hold few different texts."""
    first = column.slice(0, _LOOKED_AT)
    return bool(_ROWS_PER_TEXT * pc.count_distinct(first).as_py() <= len(first))


def _in_one(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece; one of words as codes of its texts."""
    if not pa.types.is_dictionary(column.type) and _holds_words(column):
        column = column.dictionary_encode()
    return (column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column).combine_chunks()


def filled(cells: pa.Table) -> np.ndarray:
    """Tell which rows hold more than blanks."""
    filled = np.zeros(len(cells), dtype=bool)
    for column in cells.columns:
        rest = np.flatnonzero(~filled)
        if not len(rest):
            break
        part = column if len(rest) == len(cells) else column.take(rest)
        if pa.types.is_dictionary(part.type):
            part = part.cast(pa.large_string())
        filled[rest] = np.asarray(pc.not_equal(pc.utf8_trim_whitespace(part), ""))
    return filled
