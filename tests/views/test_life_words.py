"""Lives in words: each sentence says what the tables say, and the timeline has a tile for each month."""

import pytest

from gis_data.catalogue import LANGUAGES, speaking, text
from views import charts, life_words
from views.figures import records

from .conftest import tiny_workspace
from .tiny_plans import tiny_plans


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return tiny_plans(tiny_workspace(tmp_path_factory.mktemp("lives") / "town"))["hotspots"]


def test_only_lives_of_two_months_or_still_going_on_are_told_the_longest_first(plan):
    assert life_words.worth_telling(plan.tables["lives"])["life_id"].tolist() == ["L1", "L2"]


@pytest.mark.parametrize(("lang", "lines"), [
    ("zh", ["期初已有，中断 1 次后再现，至今仍在", "2023-03 从 L1 分出，移动 80 米，最后迹象在 2023-08",
            "2023-05 出现，最后迹象在 2023-06"]),
    ("en", ["there from the start, came back (breaks: 1), still there",
            "split from L1 in 2023-03, moved 80 m, last signs in 2023-08",
            "appeared in 2023-05, last signs in 2023-06"]),
])  # fmt: skip
def test_a_life_is_told_in_a_line(plan, lang, lines):
    with speaking(lang):
        assert [life_words.sentence(row) for row in records(plan.tables["lives"])] == lines


def test_a_life_that_merged_names_the_one_it_is_part_of_now_and_not_as_its_birth(plan):
    row = records(plan.tables["lives"])[1] | {"ended": "merged", "other": "L1"}
    with speaking("en"):
        assert life_words.sentence(row) == "appeared in 2023-03, moved 80 m, merged into L1 after 2023-08"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_timeline_has_a_tile_for_each_month_and_a_cross_at_the_end(plan, lang):
    with speaking(lang):
        told = life_words.worth_telling(plan.tables["lives"])
        tiles = life_words.tiles(plan.tables["pictures"], told)
        assert tiles["life"].tolist() == ["L1 · H1"] * 3 + ["L2"] * 3
        assert tiles["words"].tolist() == ["20", "21", "9", "9", "7", "×"]
        assert tiles["event"].iloc[1] == text("page.hotspots.event.split")
        drawn = charts.life_chart(tiles).to_dict()
    assert [layer["mark"]["type"] for layer in drawn["layer"]] == ["rect", "text"]
    assert life_words.life_table(told).iloc[:, 0].tolist() == ["L1", "L2"]
