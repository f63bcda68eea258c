"""Identities: hashes of call numbers held against the standard library's own HMAC."""

import hashlib
import hmac

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_data.intake.identities import hashed


@pytest.mark.parametrize("salt", ["", "盐", "s" * 64, "s" * 65, "长" * 90])  # shorter and longer than a block of 64
@given(numbers=st.lists(st.text(max_size=30), max_size=8))
def test_hashes_are_the_first_half_of_hmac_sha_256(salt: str, numbers: list[str]):
    found = hashed(pd.Series(numbers, dtype="str"), salt).tolist()
    whole = [hmac.new(salt.encode(), number.encode(), hashlib.sha256).hexdigest() for number in numbers]
    assert found == [one[:32] if number else "" for one, number in zip(whole, numbers, strict=True)]
