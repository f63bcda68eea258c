"""Class words that the lists do not hold: listed with their rows, named once, and their rows read anew."""

from pathlib import Path

import pytest

from gis_data import audit
from gis_data.errors import InputError
from gis_data.intake import files_to_read, import_files, undo_import
from gis_data.intake.class_words import words_in
from gis_data.intake.own_headers import save_classes
from gis_data.intake.preview import preview
from gis_data.workspace import Workspace
from tests.gis_data.small_station import csv_of, row, state, station, take, village_rows, waiting, with_villages

WORDS = [  # class, subtype
    *[("甲", "偷鸡/摸狗")] * 3, *[("治安警情", "撬门")] * 2, ("治安警情", "打架斗殴"), ("刑事警情", "打老婆"),
    ("", "撬门"),
]  # fmt: skip
NAMED = {"偷鸡/摸狗": "farm_theft", "撬门": "trespass", "打老婆": "domestic_violence"}


def rows() -> list[dict[str, object]]:
    named = [{"警情类别": group, "警情类型": "", "警情细类": word} for group, word in WORDS]
    return [row(number, **one) for number, one in enumerate(named, start=1)]


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return with_villages(tmp_path)


def seen(words) -> list[tuple[str, int, str, str]]:
    return [(one.word, one.rows, one.type, one.how) for one in words]


def test_a_preview_counts_the_words_that_a_person_has_to_name(ws: Workspace):
    path = csv_of(ws.root.parent / "三月.csv", rows())
    (sheet,) = preview(path, ws).sheets
    assert [one.named for one in sheet.words][:2] == ["甲/偷鸡/摸狗", "撬门"]
    before = [("偷鸡/摸狗", 3, "", "unknown"), ("撬门", 3, "", "unknown"), ("打老婆", 1, "other_criminal", "guessed")]
    assert seen(sheet.words) == before
    ws = save_classes(ws, {"撬门": "trespass"})
    (sheet,) = preview(path, ws).sheets
    assert seen(sheet.words) == [before[0], before[2], ("撬门", 3, "trespass", "own")]


def test_rows_read_anew_are_what_they_were_had_the_words_been_known(ws: Workspace, tmp_path: Path):
    take(ws, "三月.csv", rows())
    assert seen(words_in(ws)) == [
        ("偷鸡/摸狗", 3, "", "unknown"), ("撬门", 3, "", "unknown"), ("打老婆", 1, "other_criminal", "guessed"),
    ]  # fmt: skip
    ws = save_classes(ws, NAMED)
    report = import_files(ws, files_to_read(ws))
    assert (report.read_anew, [(one.rows_read, one.accepted) for one in report.files]) == (3, [(4, 4)])
    assert waiting(ws).empty
    right = station(tmp_path / "right")
    (right.root / "salt").write_text(ws.salt)
    take(right, "村庄.csv", village_rows())
    right = save_classes(right, NAMED)
    take(right, "三月.csv", rows())
    names = ["incident_id", "incident_class", "type", "subtype", "village_id", "precision", "geometry", "source_row"]
    ours, theirs = (one.read("incidents")[names].sort_values("source_row", ignore_index=True) for one in (ws, right))
    assert ours.astype(str).equals(theirs.astype(str))
    assert ours.geometry.is_empty.sum() == 1, "what may have no place has lost it"
    assert {(one.word, one.how) for one in words_in(ws)} == {(word, "own") for word in NAMED}


def test_a_second_reading_changes_nothing_and_an_undo_sets_the_rows_aside_again(ws: Workspace):
    take(ws, "三月.csv", rows())
    ws = save_classes(ws, {"偷鸡/摸狗": "farm_theft"})
    before = state(ws)
    import_files(ws, files_to_read(ws))
    after = state(ws)
    assert files_to_read(ws) == []
    assert import_files(ws, []).read_anew == 0
    assert state(ws) == after
    undo_import(ws)
    assert state(ws) == before


def test_a_word_named_wrongly_can_be_named_again(ws: Workspace):
    take(ws, "三月.csv", rows())
    ws = save_classes(ws, {"偷鸡/摸狗": "neighbour"})
    import_files(ws, files_to_read(ws))
    ws = save_classes(ws, {"偷鸡/摸狗": "theft"})
    assert import_files(ws, []).read_anew == 3
    table = ws.read("incidents")
    now = table[table["subtype"] == "偷鸡/摸狗"]
    assert set(zip(now["incident_class"], now["type"], strict=True)) == {("criminal", "theft")}
    assert (ws.root / "station.toml").read_text(encoding="utf-8").count("偷鸡/摸狗") == 1
    assert [one["action"] for one in audit.entries(ws.root / audit.NAME)][-2:] == ["classes", "import"]


def test_the_class_that_a_file_gives_stays_whatever_the_word_means(ws: Workspace):
    take(ws, "三月.csv", [row(1, 警情类别="治安警情", 警情类型="", 警情细类="顺走")])
    ws = save_classes(ws, {"顺走": "theft"})
    for changed in (1, 0):
        assert import_files(ws, []).read_anew == changed
        assert ws.read("incidents")[["incident_class", "type"]].to_numpy().tolist() == [["public_order", "minor_theft"]]


def test_family_violence_by_a_column_of_its_own_stays_so(ws: Workspace):
    take(ws, "三月.csv", [row(1, 警情类别="治安警情", 警情类型="", 警情细类="推搡", 是否家庭暴力="是")])
    assert ws.read("incidents")["type"].tolist() == ["domestic_violence"]
    ws = save_classes(ws, {"推搡": "assault"})
    assert import_files(ws, []).read_anew == 0
    assert ws.read("incidents")["type"].tolist() == ["domestic_violence"]


def test_a_list_that_was_brought_back_too_early_is_read_when_its_word_is_known(ws: Workspace):
    take(ws, "三月.csv", rows()[:3])
    import_files(ws, list((ws.root / "set_aside").glob("*.csv")))
    ws = save_classes(ws, NAMED)
    assert [one.accepted for one in import_files(ws, files_to_read(ws)).files] == [3]
    assert waiting(ws).empty


def test_a_word_with_a_persons_number_is_not_shown(ws: Workspace):
    path = csv_of(ws.root.parent / "三月.csv", [row(1, 警情类别="甲", 警情类型="", 警情细类="找13812345678")])
    (sheet,) = preview(path, ws).sheets
    assert sheet.words == ()


def test_no_word_can_be_named_a_type_that_does_not_exist(ws: Workspace):
    with pytest.raises(InputError, match="theft_other"):
        save_classes(ws, {"拿东西": "theft_other"})
    assert "拿东西" not in (ws.root / "station.toml").read_text(encoding="utf-8")
