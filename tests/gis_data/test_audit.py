"""The audit chain: whole, altered, shortened inside, torn, written by several at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gis_data import audit


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    for number in range(5):
        audit.append(path, "import", parameters={"number": number}, inputs={"a.csv": "00"}, outputs={"incidents": "11"})
    return path


def test_an_entry_says_who_when_what_and_from_what_to_what(log: Path):
    entry = audit.entries(log)[2]
    assert set(entry) == {"who", "role", "when", "action", "parameters", "inputs", "outputs", "previous"}
    assert entry["parameters"] == {"number": 2}
    assert len({entry["previous"] for entry in audit.entries(log)}) == 5


def test_an_untouched_log_is_whole_and_a_missing_one_too(log: Path, tmp_path: Path):
    assert audit.verify(log) is None
    assert audit.verify(tmp_path / "none.jsonl") is None


@pytest.mark.parametrize("line", [1, 2, 3, 4])
def test_an_altered_line_is_found_at_the_line_after_it(log: Path, line: int):
    lines = log.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b'"import"', b'"imporT"')
    log.write_bytes(b"".join(lines))
    assert audit.verify(log) == line + 1


@pytest.mark.parametrize("line", [1, 2, 3, 4])
def test_a_removed_line_is_found_where_it_was(log: Path, line: int):
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[: line - 1] + lines[line:]))
    assert audit.verify(log) == line


def test_a_line_that_is_no_json_is_named(log: Path):
    lines = log.read_bytes().splitlines(keepends=True)
    lines[2] = b"{broken\n"
    log.write_bytes(b"".join(lines))
    assert audit.verify(log) == 3


@pytest.mark.parametrize("left", [1, 30, -1])
def test_a_torn_last_line_is_named_and_the_next_entry_recovers_the_chain(log: Path, left: int):
    whole = log.read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    log.write_bytes(whole[: start + left] if left > 0 else whole[:left])
    assert audit.verify(log) == 5
    audit.append(log, "plan", parameters={})
    assert audit.verify(log) is None
    assert [entry["action"] for entry in audit.entries(log)][-2:] == [audit.RECOVERED, "plan"]
    lines = log.read_bytes().splitlines(keepends=True)
    torn = lines[4]
    log.write_bytes(b"".join([*lines[:4], b"x" + torn, *lines[5:]]))
    assert audit.verify(log) is not None  # what the torn line held is under the chain too


def test_entries_written_at_once_still_make_one_chain(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: audit.append(path, "x", parameters={"n": n}), range(60)))
    assert audit.verify(path) is None
    assert sorted(json.loads(line)["parameters"]["n"] for line in path.read_text().splitlines()) == list(range(60))


def test_the_last_lines_hash_is_what_the_next_line_names(tmp_path):
    path = tmp_path / "audit.jsonl"
    assert audit.last(path) == ""
    audit.append(path, "import", parameters={})
    named = audit.last(path)
    audit.append(path, "plan", parameters={})
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[1])["previous"] == named
