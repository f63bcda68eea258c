"""A few lines of a text with a mark too many or too few: told by number, kept nowhere, and no other row is touched."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gis_data.intake import import_files
from gis_data.intake.sheets import open_sheets
from gis_data.workspace import Workspace
from tests.gis_data.small_station import row, station

ROWS = 60


def lines_of(*, quoted: bool, rows: int = ROWS) -> list[str]:
    out = io.StringIO()
    table = [row(number, 案发部位="路口,东" if quoted and number % 7 == 0 else "路口") for number in range(rows)]
    writer = csv.DictWriter(out, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue().splitlines()


def torn(line: str, how: str) -> str:
    cells = line.split(",")
    return ",".join(cells[:2] + cells[3:]) if how == "few" else ",".join([*cells[:3], "乙某", *cells[3:]])


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return station(tmp_path)


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("large", [False, True])
def test_torn_lines_are_told_by_number_and_no_other_row_is_touched(ws: Workspace, tmp_path, quoted, large, monkeypatch):
    if large:  # as a file is read that is too large for one look
        monkeypatch.setattr("gis_data.intake.sheets._HEAD", 3_000)
    lines = lines_of(quoted=quoted)
    odd = {9: "few", 23: "many", 24: "few"}  # by the number that a spreadsheet shows
    dirty = [torn(line, odd[number]) if number in odd else line for number, line in enumerate(lines, start=1)]
    (tmp_path / "脏.csv").write_text("\n".join(dirty) + "\n", encoding="utf-8-sig")
    report = import_files(ws, [tmp_path / "脏.csv"]).files[0]
    assert (report.rows_read, report.refused) == (ROWS, 3)
    assert report.examples["ragged"] == tuple(odd)
    assert "第 9、23、24 行" in " ".join(report.sentences())
    clean = station(tmp_path / "clean")
    (clean.root / "salt").write_text(ws.salt)
    kept = [line for number, line in enumerate(lines, start=1) if number not in odd]
    (tmp_path / "净.csv").write_text("\n".join(kept) + "\n", encoding="utf-8-sig")
    assert import_files(clean, [tmp_path / "净.csv"]).files[0].accepted == report.accepted == ROWS - 3
    names = ["incident_id", "reported_at", "type", "village_id", "precision", "place_type", "geometry"]
    ours, theirs = (one.read("incidents")[names].astype(str) for one in (ws, clean))
    assert ours.equals(theirs)
    assert not any("乙某".encode() in path.read_bytes() for path in ws.root.rglob("*") if path.is_file())


@pytest.mark.parametrize("ending", [",,", ", ,"])
def test_blanks_behind_the_last_column_are_none_too_many(tmp_path: Path, ending: str):
    lines = lines_of(quoted=False)
    lines[4] += ending
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    (sheet,) = open_sheets(tmp_path / "a.csv")
    assert sheet.ragged is None
    assert sheet.frame["案发部位"].tolist() == ["路口"] * ROWS
    assert sheet.rows.tolist() == list(range(2, ROWS + 2))


def test_where_many_lines_are_short_their_last_cells_were_left_out(tmp_path: Path):
    lines = [line.removesuffix("路口").rstrip(",") if number % 2 else line
             for number, line in enumerate(lines_of(quoted=False), start=1)]  # fmt: skip
    lines[0] = lines_of(quoted=False)[0]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    (sheet,) = open_sheets(tmp_path / "a.csv")
    assert sheet.ragged is None
    assert sheet.frame["案发部位"].fillna("").tolist() == ["路口", ""] * (ROWS // 2)


def test_a_note_under_the_table_is_no_torn_line(tmp_path: Path):
    (tmp_path / "a.csv").write_text("\n".join([*lines_of(quoted=False), "合计,60", "制表：内勤"]), encoding="utf-8")
    (sheet,) = open_sheets(tmp_path / "a.csv")
    assert sheet.ragged is None
    assert len(sheet.frame) == ROWS + 2


def test_a_large_torn_file_is_read_by_columns_too(tmp_path: Path, monkeypatch):
    """Line by line it would take many times the memory."""
    monkeypatch.setattr("gis_data.intake.sheets._sheet", None)
    lines = lines_of(quoted=False)
    dirty = [*lines, *lines[1:] * 300]
    at = np.random.default_rng(1).choice(np.arange(2, len(dirty)), 40, replace=False)
    for place in at:
        dirty[place] = torn(dirty[place], "many" if place % 2 else "few")
    (tmp_path / "a.csv").write_text("\n".join(dirty), encoding="utf-8")
    (sheet,) = open_sheets(tmp_path / "a.csv")
    assert sheet.rows[sheet.ragged].tolist() == sorted((at + 1).tolist())
    right = pd.read_csv(io.StringIO("\n".join(np.delete(dirty, at))), dtype=str, keep_default_na=False)
    whole = sheet.frame[~sheet.ragged].astype(str).reset_index(drop=True)
    assert whole.equals(right.astype(str))
