"""The catalogue: every sentence a person reads, by key, in Chinese and in English.

In:     a key such as "zones.summary" and the values its sentence names.
Out:    the sentence in the language of the running context (Chinese unless switched).

The sentences themselves are data, kept with the faces that show them (``views/text/zh.toml`` and
``en.toml``). They are read here, at the bottom of the house, so that an error raised in any room can
speak in whole sentences without importing upward.
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

_FOLDER = Path(__file__).resolve().parent.parent / "views" / "text"
_language: ContextVar[Language] = ContextVar("language", default="zh")


def text(key: str, *, lang: Language | None = None, **values: Any) -> str:  # noqa: ANN401 - any value can be printed
    """Return the sentence for ``key`` with its named fields filled in; a list or tuple is written with list marks.

    Raises
    ------
    KeyError
        If the key is missing from the catalogue or the sentence names a field that is not given.
    """
    known = sentences(lang or language())
    told = {
        name: known["list.mark"].join(map(str, value)) if isinstance(value, (list, tuple)) else value
        for name, value in values.items()
    }
    return known[key].format(**told) if values else known[key]


def language() -> Language:
    """Return the language of the running context."""
    return _language.get()


def set_language(lang: Language) -> None:
    """Speak ``lang`` from here on in this context (a command, or one dashboard session)."""
    _language.set(lang)


@contextmanager
def speaking(lang: Language) -> Iterator[None]:
    """Speak ``lang`` inside a ``with`` block."""
    token = _language.set(lang)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def sentences(lang: Language) -> Mapping[str, str]:
    """Return all sentences of one language as a flat mapping: ``"section.key" -> sentence``."""
    tree = tomllib.loads((_FOLDER / f"{lang}.toml").read_text(encoding="utf-8"))
    return dict(flat(tree))


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each leaf of nested tables by its dotted name."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
