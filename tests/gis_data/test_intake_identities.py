"""Identities: hashes of call numbers held against the standard library's own HMAC."""

import hashlib
import hmac
import subprocess
import sys
from array import array

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_data.intake import hashing
from gis_data.intake.identities import hashed


@pytest.mark.parametrize("salt", ["", "盐", "s" * 64, "s" * 65, "长" * 90])  # shorter and longer than a block of 64
@given(numbers=st.lists(st.text(max_size=30), max_size=8))
def test_hashes_are_the_first_half_of_hmac_sha_256(salt: str, numbers: list[str]):
    found = hashed(pd.Series(numbers, dtype="str"), salt).tolist()
    whole = [hmac.new(salt.encode(), number.encode(), hashlib.sha256).hexdigest() for number in numbers]
    assert found == [one[:32] if number else "" for one, number in zip(whole, numbers, strict=True)]


TEXTS = [f"{number}".encode() for number in range(300)]
WHOLE = b"".join(hmac.digest(b"salt", text, "sha256") for text in TEXTS)


def begun() -> bytes:
    ends = pd.Series(TEXTS).map(len).cumsum()
    return hashing.begun(b"".join(TEXTS), array("q", ends), b"salt")()


def test_many_hashes_come_from_a_second_process(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hashing, "_LEAST_TEXTS", 300)
    monkeypatch.setattr(hashing, "digests", lambda *_: b"made here")
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert begun() == WHOLE


@pytest.mark.parametrize("program", ["false", "/nowhere/python", ""])  # dies at once, is not there, is not known
def test_hashes_are_made_here_where_there_is_no_second_process(monkeypatch: pytest.MonkeyPatch, program: str):
    monkeypatch.setattr(hashing, "_LEAST_TEXTS", 300)
    monkeypatch.setattr(sys, "executable", program)
    assert begun() == WHOLE


def test_a_second_process_ends_where_nobody_asks_for_its_hashes(monkeypatch: pytest.MonkeyPatch):
    begin, children = subprocess.Popen, []

    def kept(*args: object, **more: object) -> object:
        children.append(begin(*args, **more))
        return children[-1]

    monkeypatch.setattr(hashing, "_LEAST_TEXTS", 300)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(subprocess, "Popen", kept)
    hashing.begun(b"1" * 40_000, array("q", range(1, 40_001)), b"salt")  # more digests than a pipe holds
    assert children[0].returncode is not None
