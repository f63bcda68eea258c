"""The page Scorecard: its words are the plan's numbers, in both languages, with and without logs."""

import re

import pytest

from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.workspace import Workspace
from models.store import load_plans
from views import score_tables
from views.figures import DASH
from views.pages.scorecard import PARTS, PATROLS, REPORTED, _parted

from .test_pages import shown, words
from .test_patterns_page import tables


@pytest.fixture(scope="module")
def card(planned_town):
    return load_plans(Workspace.open(planned_town))["scorecard"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_shows_every_table_of_the_plan(planned_town, card, lang):
    pages = [shown(planned_town, "scorecard", lang, part=part) for part in PARTS]
    said = "\n".join(map(words, pages))
    assert text("page.scorecard.help", lang=lang) in said
    key, values = next(note for note in card.notes if note[0] == "scorecard.note.feedback")
    assert text(key, lang=lang, **values) in said
    with speaking(lang):
        parted = (
            _parted(score_tables.reported(card), REPORTED, card),
            _parted(score_tables.patrols(card), PATROLS, card),
        )
        for table, parts in zip((score_tables.reported(card), score_tables.patrols(card)), parted, strict=True):
            assert set(table) == set(parts[0]) | set(parts[1]), "no column is lost"
        whole = (score_tables.base_lines, score_tables.further, score_tables.pools, score_tables.spans,
                 score_tables.feedback)  # fmt: skip
        frames = [*parted[0], *parted[1], *(made(card) for made in whole)]
        if len(card.tables["checkpoints"]):
            frames.append(score_tables.checkpoints(card))
    on_page = [table for page in pages for table in tables(page)]
    for frame in frames:
        assert [list(frame.columns), *frame.astype(str).to_numpy().tolist()] in on_page
    if lang == "en":
        names = set(card.tables["checkpoints"]["name"])
        on_page = [[[cell for cell in row if cell not in names] for row in table] for table in on_page]
        assert re.findall(r"[\u4e00-\u9fff，。；：、（）「」]", "".join(map(str, on_page))) == []


def test_zones_stand_by_number_and_never_by_merit(card):
    with speaking("zh"):
        for table in (score_tables.reported(card), score_tables.base_lines(card), score_tables.patrols(card)):
            assert table["巡区"].tolist() == sorted(table["巡区"])


def test_a_town_without_logs_says_no_data_and_why_there_is_no_audit(tiny_station):
    pages = {part: shown(tiny_station, "scorecard", part=part) for part in PARTS}
    assert "200 (173–230)" in words(pages["reported"])
    assert text("scorecard.verdict.no_data") in words(pages["base_lines"])
    assert text("scorecard.note.no_feedback") in words(pages["feedback"])
    patrols = tables(pages["found"])[0]
    at = patrols[0].index(text("scorecard.column.arrests_per_100h"))
    assert [row[at] for row in patrols[1:]] == [DASH, DASH]


def test_a_missing_scorecard_is_named_with_the_command_that_makes_it(unplanned_station):
    page = shown(unplanned_station, "scorecard")
    assert [f"plan {unplanned_station.name} scorecard" in info.value for info in page.info] == [True]
