"""A file poisoned with invented persons, and the search for them: in bytes, packed, drawn, stored or escaped.

The search opens what hides text from a plain look at the bytes: archives (a workbook and a document are some), streams
and words of a PDF, texts of a picture, tables of SQLite and Parquet, numbered letters of JSON, XML and addresses.
"""

import base64
import binascii
import gzip
import html
import io
import re
import sqlite3
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pypdfium2
from PIL import Image

NAMES = ("欧阳测试", "司徒样例", "诸葛假名")
PHONES = ("13800001111", "159-2222-3333", "１７７４４４４５５５５")
OTHERS = ("370283199001011234", "37028319900101123X", "0532-88123456", "053288123456", "鲁B12345", "鲁BD12345")
CODES = ("utf-8", "gbk", "utf-16-le", "utf-16-be")


def in_every_form(number: str) -> set[str]:
    """Return a number as it is, in plain digits, and without its marks."""
    plain = number.translate(str.maketrans("０１２３４５６７８９", "0123456789"))
    return {number, plain, plain.replace("-", "")}


SECRETS = {form for one in (*NAMES, *PHONES, *OTHERS) for form in in_every_form(one)}


def poisoned(folder: Path, good: Callable[[int], dict[str, object]]) -> Path:
    """Write a workbook with fake persons in every column, kept ones too, in its sheets' names and in its own name.

    Parameters
    ----------
    good
        Makes a row that would come in, from its number.
    """
    rows = [good(number) for number in range(8)]
    poison = [f"{name}{number}" for name, number in zip(NAMES * 3, (*PHONES, *OTHERS), strict=True)]
    for at, column in enumerate(good(0)):
        rows[at % 8] |= {column: f"{rows[at % 8][column]}{poison[at % 9]}"}
    for at, row in enumerate(rows):
        row |= {"报警人": NAMES[at % 3], "联系电话": PHONES[at % 3], "身份证号": OTHERS[0], "车牌号": OTHERS[4]}
        row |= _free_text(at, poison)
    # These come in: what is poisoned in them is in columns that are hashed, cut to a village, or left behind.
    rows += [good(20) | {"报警人": NAMES[0], "作案手段": f"{NAMES[1]}所为"}]
    rows += [good(20 + n) | {"报警人": NAMES[n % 3]} | _free_text(n, poison) for n in range(1, 3)]
    path = folder / f"{NAMES[0]}的警情{PHONES[0]}.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame(rows).to_excel(book, sheet_name=f"{NAMES[1]}{PHONES[0]}", index=False)
        pd.DataFrame([{f"说明{NAMES[2]}": PHONES[1]}]).to_excel(book, sheet_name=NAMES[2], index=False)
    return path


def _free_text(at: int, poison: list[str]) -> dict[str, object]:
    return {
        "接警员": NAMES[0],
        "简要案情": poison[at % 9],
        "案发地址": f"东河村{poison[(at + 1) % 9]}家",
        "天气": poison[at % 9],
    }


def leaks(folder: Path, secrets: Iterable[str] = SECRETS) -> list[str]:
    """Return the files under a folder whose name or content holds a secret, each with what it holds."""
    wanted = list(secrets)
    found = []
    for path in sorted(folder.rglob("*")):
        told = {secret for secret in wanted if secret in path.name}
        told |= held_by(path.read_bytes(), wanted) if path.is_file() else set()
        found += [f"{path.relative_to(folder)}: {', '.join(sorted(told))}"] if told else []
    return found


def held_by(data: bytes, secrets: Iterable[str] = SECRETS) -> set[str]:
    """Return which secrets stand in some bytes, or in anything that is packed into them."""
    codes = {secret: [secret.encode(code) for code in CODES] for secret in secrets}
    found: set[str] = set()
    for part in _unpacked(data):
        written = part.encode() if isinstance(part, str) else part
        found |= {secret for secret, forms in codes.items() if any(form in written for form in forms)}
    return found


def _unpacked(data: bytes) -> Iterator[bytes | str]:
    """Yield bytes, and everything inside them as it reads once opened."""
    yield data
    yield from _spelt_out(data)
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name
                yield from _unpacked(archive.read(name))
    elif data.startswith(b"%PDF"):
        yield from _of_pdf(data)
    elif data.startswith(b"SQLite format 3"):
        yield from _of_database(data)
    elif data.startswith(b"PAR1"):
        yield pd.read_parquet(io.BytesIO(data)).map(str).to_csv()
    elif data.startswith(b"\x89PNG"):
        yield " ".join(map(str, Image.open(io.BytesIO(data)).info.items()))
    elif data.startswith(b"\x1f\x8b"):
        yield from _unpacked(gzip.decompress(data))


def _spelt_out(data: bytes) -> Iterator[str]:
    """Yield a text with its numbered letters as letters (JSON, XML, addresses), and what it carries in base 64."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    spelt = re.sub(r"\\u([0-9a-fA-F]{4})", lambda hit: chr(int(hit[1], 16)), text)
    yield urllib.parse.unquote(html.unescape(spelt))
    for packed in re.findall(r"base64,([A-Za-z0-9+/]{16,}={0,2})", text):
        try:
            yield from map(repr, _unpacked(base64.b64decode(packed)))
        except binascii.Error:
            continue


def _of_pdf(data: bytes) -> Iterator[bytes | str]:
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        try:
            yield zlib.decompress(stream)
        except zlib.error:
            continue
    with pypdfium2.PdfDocument(data) as pages:
        yield str(pages.get_metadata_dict())
        for page in pages:
            yield "".join(page.get_textpage().get_text_range().split())  # a line may break anywhere


def _of_database(data: bytes) -> Iterator[str]:
    """Yield all cells: a long text may lie in pieces on several pages of the file."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "copy").write_bytes(data)
        connection = sqlite3.connect(Path(folder) / "copy")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            yield repr(connection.execute(f'SELECT * FROM "{name}"').fetchall())
        connection.close()
