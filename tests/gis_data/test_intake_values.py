"""Cells: what real files write, read as text, numbers, words and codes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_data.intake import codes, values
from gis_data.intake.roster import band
from gis_data.intake.villages import market_days


def test_numbers_of_twenty_digits_stay_whole_as_text_and_show_when_a_spreadsheet_cut_them():
    cells = pd.Series(
        ["33090013101313002369", 3.3090013101313002e19, 1234567890123, 12.0, "  12 ３ ", None, 1.5], dtype=object
    )
    assert values.as_text(cells).tolist() == [
        "33090013101313002369", "3.3090013101313004e+19", "1234567890123", "12", "12 3", "", "1.5",
    ]  # fmt: skip


def test_numbers_are_read_with_separators_and_units():
    cells = pd.Series(["2,527", "119.85", "30人", "", "无", None, 7], dtype=object)
    assert values.as_number(cells).fillna(-1).tolist() == [2527, 119.85, 30, -1, -1, -1, 7]


def test_mobile_and_identity_numbers_are_seen_inside_other_text():
    cells = pd.Series(
        ["盗窃", "联系13812345678", "370283198001011234", "37028319800101123X", "20240305231007123", "1381234567"]
    )
    assert values.is_private(cells).tolist() == [False, True, True, True, False, False]


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("五、十", "5,10"),
        ("逢五排十", "5,10"),
        ("5,10", "5,10"),
        ("农历2、7", "2,7"),
        ("", ""),
        ("1/6", "1,6"),
        ("3，13，23，8", "3,8"),
        ("无", ""),
    ],
)
def test_market_days_are_last_digits(written: str, days: str):
    assert market_days(written) == days


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("18-24", "18-24"),
        ("18:00-24:00", "18-24"),
        ("18时至24时", "18-24"),
        ("18:00—00:00", "18-24"),
        ("0-6", "00-06"),
        ("06～12", "06-12"),
        ("18-23", ""),
        ("夜间", ""),
    ],
)
def test_bands_are_six_hours(written: str, found: str):
    assert band(written) == found


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("刑事警情", "盗窃", "入室盗窃"), ("criminal", "burglary")),
        (("刑事", "盗窃案", ""), ("criminal", "theft")),
        (("治安警情", "盗窃", ""), ("public_order", "minor_theft")),
        (("治安警情", "诈骗", ""), ("public_order", "minor_fraud")),
        (("", "100100", ""), ("criminal", "theft")),
        (("治安警情", "", "盗窃电瓶"), ("public_order", "ebike_theft")),
        (("纠纷", "其它", ""), ("dispute", "other_dispute")),
        (("交通", "", ""), ("traffic", "other_traffic")),
        (("火警", "", ""), ("fire_rescue", "fire")),
        (("", "THEFT", "POCKET-PICKING"), ("criminal", "pickpocketing")),
        (("", "NON - CRIMINAL", ""), ("invalid", "other")),
        (("说不清", "不知道", ""), ("", "")),
        (("灾害事故", "别的", ""), ("", "")),
        (("", "", ""), ("", "")),
    ],
)  # fmt: skip
def test_words_become_codes_the_finest_first(words: tuple[str, str, str], code: tuple[str, str]):
    found = codes.resolve(*(pd.Series([word]) for word in words), {}).iloc[0]
    assert (found.incident_class, found.type) == code


def test_every_word_of_the_lists_names_a_code_that_exists():
    from gis_data.intake import lists
    from gis_data.taxonomy import CLASSES, TYPES

    assert {row["code"] for row in lists.rows("class_words.csv") if row["kind"] == "type"} <= set(TYPES)
    assert {row["code"] for row in lists.rows("class_words.csv") if row["kind"] == "class"} <= set(CLASSES)
    for row in lists.rows("city_categories.csv"):
        assert row["type"] in TYPES
        assert row["class"] in CLASSES
        assert row["origin"] in ("reported", "discovered")


def test_a_station_may_add_words_of_its_own():
    found = codes.resolve(pd.Series([""]), pd.Series(["偷鸡"]), pd.Series([""]), {"偷鸡": "farm_theft"}).iloc[0]
    assert (found.incident_class, found.type) == ("criminal", "farm_theft")


def test_channels_tell_who_brought_it_to_light():
    found = codes.origins(
        pd.Series(["110", "电话报警", "来所报案", "短信", "巡逻发现", "盘查", "民警工作中发现", "天知道", ""])
    )
    assert found.tolist() == ["reported"] * 4 + ["discovered"] * 3 + ["", ""]


TEXTS = st.lists(st.sampled_from(["", " 盗窃 ", "盗窃", "ＡＢ", "AB", "打架"]), min_size=1, max_size=20)


@given(texts=TEXTS, seed=st.integers(0, 99))
def test_words_are_changed_as_plain_texts_would_be(texts: list[str], seed: int):
    plain = pd.Series([values.cell_text(text) for text in texts], dtype="str")
    words = values.as_words(pd.Series(texts, dtype="str"))
    where = np.random.default_rng(seed).random(len(texts)) < 0.5
    assert values.as_written(words).tolist() == plain.tolist()
    assert values.as_text(pd.Series(texts, dtype="category")).tolist() == plain.tolist()
    for word in ("", "家庭暴力", "盗窃"):
        assert values.as_written(values.with_word(words, where, word)).tolist() == plain.mask(where, word).tolist()
    other = values.as_words(plain[::-1].reset_index(drop=True))
    filled = plain.where(plain != "", values.as_written(other))
    assert values.as_written(values.first_filled(words, other)).tolist() == filled.tolist()
    assert values.as_written(values.stacked(words, plain)).tolist() == [*plain, *plain]
    assert values.differ(words, other).tolist() == [one != two for one, two in zip(plain, plain[::-1], strict=True)]


@pytest.mark.parametrize(
    "cells",
    [
        ["119.844", "", "-36.6", "0.0", "119°50′", " 7 ", "1e3", "12345678901234567890", ".5", "5."],
        ["1.2.3", "4"],  # no number among plain letters: the column is read the slow way
        ["2024-03-05", "119.844123456789"],
    ],
)
def test_plainly_written_numbers_are_those_pandas_reads(cells: list[str]):
    column = pd.Series(cells, dtype="str")
    found, wanted = values.plain_numbers(column), pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    read = ~np.isnan(found)
    np.testing.assert_array_equal(found[read], wanted[read])
    assert read.sum() == (6 if len(cells) > 2 else 0)
