"""What is said of whole files: one sentence for what differs only in a name."""

import pytest

from gis_data.catalogue import LANGUAGES, speaking
from gis_data.intake.remarks import said
from gis_data.intake.whole_file import _in_words

JUMP, MISSING = "intake.remark.share_jump", "intake.remark.field_missing"


def jump(month: str, kind: str) -> tuple[str, dict]:
    return JUMP, {"month": month, "kind": kind, "before": 6.4, "now": 35.3}


def missing(first: str, last: str, field: str) -> tuple[str, dict]:
    return MISSING, {"first": first, "last": last, "field": field, "before": 0.0, "now": 100.0}


def test_what_changes_in_one_month_is_one_sentence_and_stands_where_it_began():
    snow = ("intake.remark.coordinates_rounded", {"rows": 7, "metres": 30})
    lines = said([jump("2024-01", "盗窃"), snow, jump("2024-02", "盗窃"), jump("2024-01", "纠纷"), snow])
    assert len(lines) == 4
    assert [("盗窃" in line, "纠纷" in line) for line in lines] == [
        (True, True),
        (False, False),
        (True, False),
        (False,) * 2,
    ]
    assert lines[0].count("由 6.4% 变为 35.3%") == 2
    assert lines[1] == lines[3]


def test_columns_that_an_export_leaves_out_are_named_together():
    lines = said([missing("2024-01", "2024-02", name) for name in ("作案手段", "案发部位")])
    parts = "「作案手段」缺 100.0%（原 0.0%）、「案发部位」缺 100.0%（原 0.0%）"
    assert lines == [f"2024-01 至 2024-02：比之前十二个月缺得多的栏：{parts}。"]


def test_of_many_changes_the_largest_are_named_and_all_are_counted():
    (line,) = said([jump("2024-01", f"类{number}") for number in range(9)])
    assert [f"类{number}" in line for number in range(9)] == [True] * 6 + [False] * 3
    assert "等 9 项" in line


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_month_is_named_once_and_days_stay_a_span(lang: str):
    with speaking(lang):
        (alone,), (days,) = said([missing("2024-01", "2024-01", "x")]), said([missing("2024-01-03", "2024-01-03", "x")])
    assert (alone.count("2024-01"), days.count("2024-01-03")) == (1, 2)


def test_a_missing_village_is_called_as_its_column_is():
    ((_, values),) = _in_words([missing("2024-01", "2024-01", "village_id")])
    assert values["field"] == "所属村庄"


@pytest.mark.parametrize(("lang", "certain"), [("zh", "几乎可以肯定"), ("en", "practically certain")])
def test_odds_beyond_a_million_are_words_and_a_figure_where_it_is_asked_for(lang, certain):
    def one(odds: float, *, figures: bool = False) -> str:
        about = {"first": "2023-03-01", "last": "2023-03-31", "rows": 9, "odds": odds}
        (line,) = said([("intake.remark.gcj02", about)], figures=figures)
        return line

    with speaking(lang):
        assert [certain in one(odds) for odds in (2.0, 5.9, 6.0, 818.2)] == [False, False, True, True]
        assert "818" not in one(818.2)
        assert "818.2" in one(818.2, figures=True)
        assert ("100 " in one(2.0), "794,328 " in one(5.9)) == (True, True)
