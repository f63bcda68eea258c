"""The catalogue: both languages say the same things, and the code asks for no sentence that is not there."""

import ast
import re
import string
from pathlib import Path

import pytest

from gis_data import catalogue, errors
from gis_data.catalogue import LANGUAGES, sentences

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = [REPOSITORY / "app.py"] + [
    path for room in ("gis_data", "analysis", "models", "views") for path in sorted((REPOSITORY / room).rglob("*.py"))
]
ERRORS = {name for name, found in vars(errors).items() if isinstance(found, type)}
CHINESE = "[\u4e00-\u9fff，。：；（）]"
Asked = tuple[str, str, set[str] | None]  # where, a pattern of keys, the fields given (None: not known)


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def asked(path: Path) -> list[Asked]:
    """Return what a file asks of the catalogue: calls of ``text`` and errors raised, with the fields they give."""
    found: list[Asked] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        name = node.func.id
        pattern = pattern_of(node.args[0]) if name == "text" or name in ERRORS else None
        if pattern is None:
            continue
        given = {keyword.arg for keyword in node.keywords} - {"lang"}
        where = f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        found.append((where, pattern if name == "text" else f"error\\.{pattern}", None if None in given else given))
    return found


def pattern_of(key: ast.expr) -> str | None:
    """Return a pattern for a key: itself, or with each part that is only known later left open."""
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return re.escape(key.value)
    if isinstance(key, ast.JoinedStr):
        return "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in key.values)
    return None


def test_both_languages_have_the_same_keys_and_fields():
    chinese, english = ({key: fields(words) for key, words in sentences(lang).items()} for lang in LANGUAGES)
    assert chinese == english


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_is_empty_or_carries_the_other_language(lang):
    for key, words in sentences(lang).items():
        assert words.strip(), key
        own = re.sub("«[^»]*»", "", words)  # a rule is quoted as it stands
        if lang == "en" and key != "app.language":
            assert not re.search(CHINESE, own), key
            assert not re.search("[\u2018\u2019\u201c\u201d]", own), (
                f"{key}: as wide as a letter of Chinese in our font"
            )


def test_no_word_a_person_reads_stands_in_the_views():
    told_in_both = REPOSITORY / "views" / "command.py"  # its help, where no language is chosen yet
    for path in (REPOSITORY / "views").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        words = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
        found = [word for word in words if isinstance(word, str) and re.search(CHINESE, word)]
        assert found == [] or path == told_in_both, path


def test_every_sentence_the_code_asks_for_is_there_with_the_fields_it_gives():
    keys = {key: fields(words) for key, words in sentences("zh").items()}
    wanted = [one for path in SOURCES for one in asked(path)]
    assert len(wanted) > 200
    wrong = []
    for where, pattern, given in wanted:
        found = [key for key in keys if re.fullmatch(pattern, key)]
        if not found:
            wrong.append(f"{where}: no key {pattern}")
        elif len(found) == 1 and given is not None and keys[found[0]] != given:
            wrong.append(f"{where}: {found[0]} names {sorted(keys[found[0]])}, given {sorted(given)}")
    assert wrong == []


def test_every_sentence_is_asked_for():
    """The code holds its key: whole, in parts with a known beginning, or its section beside its last word."""
    words, beginnings = set(), []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
            elif isinstance(node, ast.JoinedStr) and not (pattern := pattern_of(node)).startswith(".+"):
                beginnings.append(pattern)
    asked_in_parts = re.compile("|".join(beginnings))
    unused = []
    for key in sentences("zh"):
        own = key.removeprefix("error.")
        section, _, last = key.rpartition(".")
        in_two = "." in section and {section, last} <= words
        if not (own in words or in_two or any(map(asked_in_parts.fullmatch, (key, own)))):
            unused.append(key)
    assert unused == []


def test_every_word_in_the_code_that_looks_like_a_key_is_one():
    keys = set(sentences("zh"))
    sections = {key.rpartition(".")[0] for key in keys if key.count(".") >= 2}
    wrong = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value = node.value if isinstance(node, ast.Constant) else None
            if (
                isinstance(value, str)
                and value.rpartition(".")[0] in sections
                and re.fullmatch(r"[a-z0-9_.]+[a-z0-9]", value)
            ):
                known = value in keys or any(key.startswith(f"{value}.") for key in keys)
                wrong += [] if known else [f"{path.relative_to(REPOSITORY)}:{node.lineno}: {value}"]
    assert wrong == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_problem_of_a_row_has_its_effect_and_what_to_do(lang):
    known = sentences(lang)
    named = {section: keys_under(known, f"intake.{section}.") for section in ("reason", "effect", "advice")}
    assert len(named["reason"]) > 30
    assert named["effect"] == named["reason"]
    assert named["advice"] == named["reason"]
    assert {key for key in named["effect"] if fields(known[f"intake.effect.{key}"]) != {"rows"}} == set()


def keys_under(known, prefix: str) -> set[str]:
    return {key.removeprefix(prefix) for key in known if key.startswith(prefix)}


@pytest.mark.parametrize(("lang", "written"), [("zh", "甲、乙"), ("en", "甲, 乙")])
def test_a_list_in_a_sentence_is_written_with_the_marks_of_its_language(lang: catalogue.Language, written: str):
    assert written in catalogue.text("error.zones.no_unit", lang=lang, found=["甲", "乙"])
