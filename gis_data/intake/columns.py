"""Columns: a text in which all lines are equally wide, read by whole columns.

In:     UTF-8 text without its header lines, piece by piece.
Out:    its cells column by column; a column whose first rows hold few different texts as codes of its texts, read so at
        once: it is far smaller, and whatever is asked of its texts is asked once.
"""

import csv
import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from gis_data.intake.text_pieces import Stream
from gis_data.side_by_side import give_back

Keep = Callable[[Any], str]

_HEAD = 1 << 20  # bytes of the first rows
_BLOCK = 1 << 22  # bytes that are parsed at a time
_LOOKED_AT, _ROWS_PER_TEXT = 10_000, 4  # a column of words: of so many rows every text stands in four


def read_columns(pieces: Iterator[bytes], count: int, delimiter: str, *, quoted: bool) -> pa.Table:
    """Return a text's cells by columns named 0, 1, ...; those of words as codes of their texts.

    Parameters
    ----------
    pieces
        The text as UTF-8, each piece but the last one up to a line end.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a line is not as wide as ``count``, or there is none.
    """
    parts: list[list[pa.Array]] = [[] for _ in range(count)]
    for table in (_between_quotes if quoted else _by_lines)(pieces, count, delimiter):
        for part, column in zip(parts, table.columns, strict=True):
            part += column.chunks
    if not parts[0]:
        raise pa.ArrowInvalid("no rows")
    parts.reverse()
    # The pieces of each column are let go as soon as it is in one.
    columns = (pa.chunked_array(parts.pop()) for _ in range(count))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return pa.table(dict(zip(map(str, range(count)), threads.map(_in_one, columns), strict=True)))


def read_ragged(
    pieces: Iterator[bytes], count: int, delimiter: str, *, quoted: bool, most: int
) -> tuple[pa.Table, dict[int, list[str]]]:
    """Return the cells of the lines that are as wide as ``count``, as ``read_columns`` does, and the other lines.

    Parameters
    ----------
    most
        How many lines of another width are read before it is given up.

    Returns
    -------
    Table
        The cells of the lines of that width.
    dict
        Number of each other line, from 1 on -> its cells.

    Raises
    ------
    pyarrow.ArrowInvalid
        If there are more lines of another width, or none of this one.
    """
    others: dict[int, list[str]] = {}

    def keep(line: Any) -> str:  # noqa: ANN401 - Arrow's InvalidRow
        others[line.number] = next(csv.reader(io.StringIO(line.text, newline=""), delimiter=delimiter), [])
        return "skip" if len(others) <= most else "error"

    parts = list(_between_quotes(pieces, count, delimiter, quoted=quoted, keep=keep))
    if not sum(map(len, parts)):
        raise pa.ArrowInvalid("no rows")
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks(), others


def with_lines(cells: pa.Table, others: dict[int, list[str]]) -> pa.Table:
    """Return cells with the lines of another width in their places, short ones filled up and long ones cut off."""
    width = len(cells.columns)
    lines = [[*line[:width], *[""] * (width - len(line))] for line in others.values()]
    columns = [pa.array(column, type=pa.large_string()) for column in zip(*lines, strict=True)]
    coded = [pa.types.is_dictionary(column.type) for column in cells.columns]
    columns = [column.dictionary_encode() if words else column for column, words in zip(columns, coded, strict=True)]
    both = pa.concat_tables([cells, pa.table(dict(zip(cells.column_names, columns, strict=True)))])
    number = np.setdiff1d(np.arange(1, len(both) + 1), list(others))
    order = np.argsort(np.concatenate([number, list(others)]), kind="stable")
    return both.unify_dictionaries().combine_chunks().take(pa.array(order))


def _by_lines(pieces: Iterator[bytes], count: int, delimiter: str) -> Iterator[pa.Table]:
    """Give the cells of a text without quotes, which may be cut at any line end; the line ends behind it are none."""
    types, first, ends = _all_texts(count), True, b""
    for piece in pieces:
        text = (ends + piece).rstrip(b"\r\n")
        ends = (ends + piece)[len(text) :]
        ends = ends[2 if ends.startswith(b"\r\n") else 1 :]  # what follows if more text does: empty lines
        if not text:
            continue
        if first and len(text) > _HEAD and (upto := text.rfind(b"\n", 0, _HEAD) + 1):
            head = _read(text[:upto], types, delimiter)
            wordy = [name for name in types if _holds_words(head[name])]
            types |= dict.fromkeys(wordy, pa.dictionary(pa.int32(), pa.large_string()))
        first = False
        yield _read(text, types, delimiter)


def _read(text: bytes, types: dict[str, pa.DataType], delimiter: str) -> pa.Table:
    return arrow_csv.read_csv(pa.py_buffer(text), **_options(types, delimiter, quoted=False))


def _between_quotes(
    pieces: Iterator[bytes], count: int, delimiter: str, *, quoted: bool = True, keep: Keep | None = None
) -> Iterator[pa.Table]:
    """Give the cells of a text with quotes, in which a line end may stand: only its reader knows where to cut it."""
    file, wordy = pa.PythonFile(Stream(pieces), mode="r"), None
    for batch in arrow_csv.open_csv(file, **_options(_all_texts(count), delimiter, quoted=quoted, keep=keep)):
        table = pa.Table.from_batches([batch])
        if wordy is None:
            wordy = [_holds_words(column) for column in table.columns]
        yield pa.table(
            {name: table[name].dictionary_encode() if few else table[name]
             for name, few in zip(table.column_names, wordy, strict=True)}
        )  # fmt: skip


def _all_texts(count: int) -> dict[str, pa.DataType]:
    return dict.fromkeys(map(str, range(count)), pa.large_string())


def _options(
    types: dict[str, pa.DataType], delimiter: str, *, quoted: bool, keep: Keep | None = None
) -> dict[str, Any]:
    # Only one thread knows the number of a line that it is told to keep.
    return {
        "read_options": arrow_csv.ReadOptions(column_names=[*types], block_size=_BLOCK, use_threads=keep is None),
        "parse_options": arrow_csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=quoted,
            ignore_empty_lines=False,
            quote_char='"' if quoted else False,
            invalid_row_handler=keep,
        ),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=types,
            strings_can_be_null=False,
            check_utf8=False,  # it is known to be (text_pieces)
        ),
    }


def _holds_words(column: pa.ChunkedArray) -> bool:
    """Tell whether the first rows of a column hold few different texts."""
    first = column.slice(0, _LOOKED_AT)
    return bool(_ROWS_PER_TEXT * pc.count_distinct(first).as_py() <= len(first))


def _in_one(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece; one of words as codes of its texts."""
    if not pa.types.is_dictionary(column.type) and _holds_words(column):
        column = column.dictionary_encode()
    whole = (column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column).combine_chunks()
    del column
    give_back()
    return whole


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
