"""Text pieces: a text file of any size as UTF-8, piece by piece, so that it never lies in memory as a whole.

In:     a file of text (csv, tsv) in UTF-8, with or without its mark, UTF-16 or GB18030.
Out:    its encoding and whether it holds quotes, by one walk over it; its text as UTF-8, each piece of whole lines.
"""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

PIECE = 1 << 24  # bytes that are read at a time
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TORN_LETTER = 4  # bytes at the end in which a cut-off UTF-8 letter may lie
_MIDDLE, _FIRST_OF_TWO = 0x80, 0xC0  # from which on bytes are the middle, and the first, of a letter of several


@dataclass(frozen=True)
class Text:
    """What a file of text is like.

    Attributes
    ----------
    path
        The file.
    encoding
        Encoding in which all of it can be read.
    quoted
        Whether it holds a quotation mark.
    """

    path: Path
    encoding: str
    quoted: bool

    def pieces(self) -> Iterator[bytes]:
        """Give the text as UTF-8 without its mark, in pieces that end at a line end (the last one at the text's)."""
        rest = b""
        for piece in _utf8(self.path, self.encoding):
            whole = piece.rfind(b"\n") + 1
            if whole:
                yield rest + piece[:whole]
                rest = piece[whole:]
            else:
                rest += piece
        if rest:
            yield rest

    def lines(self) -> Iterator[str]:
        """Give the text line by line, line ends as they are."""
        with self.path.open(encoding="utf-8-sig" if self.encoding == "utf-8" else self.encoding, newline="") as file:
            yield from file


class Stream(io.RawIOBase):
    """Pieces of bytes as a file to be read once from its begin."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Take the pieces; none is asked for before it is read."""
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill a buffer as far as the piece at hand goes."""
        while not len(self._rest):
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken


def text_of(path: Path) -> Text | None:
    """Return how a file of text can be read: as UTF-16 by its mark, as UTF-8, as GB18030; None where as none."""
    with path.open("rb") as file:
        mark = file.read(len(_UTF_16[0]))
    try:
        return _tried(path, "utf-16" if mark in _UTF_16 else "utf-8")
    except UnicodeDecodeError as problem:
        # UTF-8 whose last letter is cut off; as GB18030 every letter would be another one.
        if mark in _UTF_16 or problem.start > path.stat().st_size - _TORN_LETTER:
            return None
    try:
        return _tried(path, "gb18030")
    except UnicodeDecodeError:
        return None


def _tried(path: Path, encoding: str) -> Text | None:
    """Walk over a file in one encoding; None where it holds a zero, which no text does."""
    quoted = False
    for piece in _utf8(path, encoding):
        if b"\x00" in piece:
            return None
        quoted = quoted or b'"' in piece
    return Text(path, encoding, quoted)


def _utf8(path: Path, encoding: str) -> Iterator[bytes]:
    """Give a file as UTF-8 without its mark, cut anywhere between two letters."""
    with path.open("rb", buffering=0) as file:
        if encoding != "utf-8":
            decoder = codecs.getincrementaldecoder(encoding)()
            while raw := file.read(PIECE):
                yield decoder.decode(raw).encode()
            yield decoder.decode(b"", final=True).encode()
            return
        at, rest = (len(codecs.BOM_UTF8) if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0), b""
        file.seek(at)
        while raw := file.read(PIECE):
            raw = rest + raw
            end = _last_start(raw)
            yield _checked(raw[:end], at)
            rest, at = raw[end:], at + end
        yield _checked(rest, at)


def _last_start(raw: bytes) -> int:
    """Return where the last letter of UTF-8 starts, if it may be cut off; else where the bytes end."""
    for back in range(1, min(_TORN_LETTER, len(raw)) + 1):
        if raw[-back] < _FIRST_OF_TWO:  # a letter of one byte ends here, or the middle of another one stands here
            if raw[-back] < _MIDDLE:
                break
            continue
        return len(raw) - back
    return len(raw)


def _checked(raw: bytes, at: int) -> bytes:
    """Return bytes that are UTF-8; raise for all others, with the place of the first of them in the file."""
    ends = np.array([0, len(raw)], dtype=np.int64)
    try:  # by Arrow, which makes no text of them
        pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, pa.py_buffer(ends), pa.py_buffer(raw)]).cast(
            pa.large_string()
        )
    except pa.ArrowInvalid:
        try:
            raw.decode()
        except UnicodeDecodeError as problem:
            raise UnicodeDecodeError("utf-8", raw, at + problem.start, at + problem.end, problem.reason) from problem
    return raw
