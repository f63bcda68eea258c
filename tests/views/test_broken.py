"""What a page says when something goes wrong that nobody foresaw: one sentence of ours, and where the rest is kept."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gis_data.catalogue import LANGUAGES, text
from views.edit_map.desk import Desk
from views.pages import broken, edit, today
from views.station import open_station

from .test_pages import APP, shown

PERSON = "王某某 13800000000"


def fail(*_: object, **__: object) -> None:
    raise ValueError(PERSON)


@pytest.fixture
def root(tiny_station: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_station, tmp_path / "town"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_that_fails_says_so_in_one_sentence_and_where_it_failed_is_kept_without_its_words(
    root, monkeypatch, caplog, lang
):
    monkeypatch.setenv("XUNQU_WORKSPACE", str(root))
    monkeypatch.setenv("XUNQU_LANG", lang)
    monkeypatch.setattr(today, "_numbers", fail)
    page = AppTest.from_file(str(APP), default_timeout=120).run()
    assert [error.value for error in page.error] == [text("app.broken", lang=lang, file=broken.NAME)]
    assert not page.exception
    kept = (root / broken.NAME).read_text(encoding="utf-8")
    for told in (kept, caplog.text):
        assert "today.py" in told
        assert "ValueError" in told
        assert PERSON not in told
    assert (root / broken.NAME).stat().st_mode & 0o077 == 0


def test_a_part_that_runs_again_by_itself_says_it_too(root, monkeypatch):
    monkeypatch.setattr(edit, "_mode", fail)
    assert [error.value for error in shown(root, "edit").error] == [text("app.broken", file=broken.NAME)]


def test_an_event_that_no_map_of_ours_sends_is_answered_and_changes_nothing(root, monkeypatch):
    desk = Desk()
    monkeypatch.setattr(edit.component, "latest_event", lambda: {"kind": "move", "mode": "accounts"})
    edit._answering(open_station(root), desk, "zh")()
    assert desk.said == text("app.broken", file=broken.NAME)
    assert desk.history == edit.START


def test_the_newest_megabyte_of_errors_is_kept(tmp_path):
    (tmp_path / broken.NAME).write_bytes(b"old " * 300_000)
    try:
        fail()
    except ValueError as problem:
        broken.keep(tmp_path, problem)
    kept = (tmp_path / broken.NAME).read_bytes()
    assert len(kept) == broken.MOST_BYTES
    assert b"ValueError" in kept[-1000:]
    broken.keep(tmp_path / "not there", ValueError())  # a place that cannot be written to is no second error
