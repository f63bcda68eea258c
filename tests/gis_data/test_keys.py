"""Which of very many keys come again: held against pandas' own answer."""

import hashlib

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_data import keys


def hashes(*numbers: int) -> pd.Series:
    return pd.Series([hashlib.md5(str(number).encode()).hexdigest() for number in numbers], dtype="str")


@pytest.mark.parametrize("keep", ["first", "last"])
@given(numbers=st.lists(st.integers(0, 12), max_size=30), shift=st.integers(0, 3))
def test_keys_that_come_again_are_pandas_own(keep: str, numbers: list[int], shift: int):
    column = hashes(*numbers).iloc[shift:]
    assert keys.repeated(column, keep=keep).tolist() == column.duplicated(keep=keep).tolist()
    names = pd.Series([str(number) for number in numbers], dtype="str")
    assert keys.repeated(names, keep=keep).tolist() == names.duplicated(keep=keep).tolist()


def test_equal_numbers_of_different_keys_are_not_taken_for_one_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keys, "_ODD", keys._ODD * 0)
    assert keys.repeated(hashes(1, 2, 3, 1)).tolist() == [False, False, False, True]
