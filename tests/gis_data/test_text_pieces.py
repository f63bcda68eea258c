"""Text files read piece by piece: the same text as in one go, wherever the pieces are cut."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_data.errors import InputError
from gis_data.intake import columns, text_pieces
from gis_data.intake.sheets import open_sheets
from gis_data.intake.text_pieces import Stream, text_of

LETTERS = st.text(alphabet=st.sampled_from("ab1,;\t\"' \r\n村é😀\ufeff"), max_size=60)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("pieces") / "a.csv"


@settings(max_examples=60)
@given(LETTERS, st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]), st.integers(1, 9))
def test_pieces_are_the_text_in_one_go(file, text, encoding, size):
    text += "\nand so on"  # of a few bytes that are no UTF-8 nobody can tell whether they are a letter cut off
    file.write_bytes(text.encode(encoding))
    # Python's own decoders, tried in the same order on all bytes at once.
    tried = ("utf-16",) if encoding == "utf-16" else ("utf-8-sig", "gb18030")
    whole = next(found for found in (decoded(file.read_bytes(), name) for name in tried) if found is not None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text_pieces, "PIECE", size)
        read = text_of(file)
        assert read is not None
        pieces = list(read.pieces())
        assert b"".join(pieces).decode() == whole
        assert all(piece.endswith(b"\n") for piece in pieces[:-1])
        assert read.quoted == ('"' in whole)
        assert list(read.lines()) == list(io.StringIO(whole, newline=""))
        assert Stream(iter(pieces)).readall().decode() == whole


def decoded(raw, encoding):
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf_8_with_its_last_letter_cut_off_is_no_gb18030(tmp_path, mark):
    path = tmp_path / "a.csv"
    path.write_bytes(f"{mark}报警时间,警情类别\n2024-03-05 10:30,盗窃".encode()[:-1])
    with pytest.raises(InputError) as told:
        open_sheets(path)
    assert told.value.key == "intake.damaged"


def test_a_zero_is_no_text_in_any_encoding(tmp_path):
    for encoding in ("utf-8", "gb18030", "utf-16"):
        path = tmp_path / encoding
        path.write_bytes("报警时间,警情类别\n2024-03-05 10:30,\0盗窃\n".encode(encoding))
        assert text_of(path) is None, encoding


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_columns_are_those_of_pythons_reader_wherever_the_text_is_cut(monkeypatch, quoting, end):
    monkeypatch.setattr(columns, "_BLOCK", 1 << 12)
    monkeypatch.setattr(columns, "_HEAD", 1 << 10)
    marks = ('"', ",", end) if quoting == csv.QUOTE_ALL else ("", "、", " ")
    rows = [[str(n), ("盗窃", "诈骗", "")[n % 3], f"东{marks[0]}村{n}{marks[1]}西{marks[2]}"] for n in range(2_000)]
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator=end).writerows(rows)
    text = out.getvalue().encode()
    lines = text.splitlines(keepends=True)
    pieces = (b"".join(lines[at : at + 7]) for at in range(0, len(lines), 7))
    read = columns.read_columns(pieces, 3, ",", quoted=quoting == csv.QUOTE_ALL)
    frame = read.to_pandas()
    assert isinstance(frame["1"].dtype, pd.CategoricalDtype)
    assert frame.astype(object).to_numpy().tolist() == rows
