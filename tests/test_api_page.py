"""The page of functions (docs/api.md): every example runs by itself and prints what the page says."""

import doctest
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.md"
SECTIONS = re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def test_the_page_holds_the_dozen():
    assert len(SECTIONS) >= 12


@pytest.mark.parametrize(("title", "body"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_the_example_of_a_function_prints_what_the_page_says(title, body):
    (example,) = re.findall(r"^```pycon\n(.*?)^```$", body, flags=re.MULTILINE | re.DOTALL)
    for name in re.findall(r"`([\w.]+)`", title):
        module, function = name.rsplit(".", 1)
        assert re.search(rf"^>>> from {re.escape(module)} import .*\b{function}\b", example, flags=re.MULTILINE)
        assert f"{function}(" in example
    told: list[str] = []
    test = doctest.DocTestParser().get_doctest(example, {}, title, str(PAGE), 0)
    result = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert result.attempted > 0
    assert not result.failed, "".join(told)
