"""What is said of whole files: each remark as a sentence, those that only differ in a name as one sentence together.

In:     remarks: catalogue keys and their values, as they were stored.
Out:    sentences in the reader's language.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gis_data.catalogue import text

# Remark -> values that all its parts must share to be said in one sentence; its parts are named in the rest of them.
GATHERED = {
    "intake.remark.share_jump": ("month",),
    "intake.remark.word_new": ("month",),
    "intake.remark.field_missing": ("first", "last"),
}
CERTAIN_LOG10 = 6.0  # a million times likelier: nobody weighs the figure any more
MOST_PARTS = 6  # the largest come first
_MONTH = re.compile(r"\d{4}-\d\d")


def said(remarks: Iterable[tuple[str, Mapping[str, Any]]], *, figures: bool = False) -> list[str]:
    """Return the sentences, each where the first of its parts stood; ``figures``: odds beyond doubt too."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for number, (key, values) in enumerate(remarks):
        shared = tuple(values[name] for name in GATHERED[key]) if key in GATHERED else (number,)
        groups.setdefault((key, *shared), []).append(_with_odds(_with_span(values), figures=figures))
    return [_sentence(str(key), parts) for (key, *_), parts in groups.items()]


def _sentence(key: str, parts: list[Mapping[str, Any]]) -> str:
    if len(parts) == 1:
        return text(key, **parts[0])
    name = key.rpartition(".")[2]
    named = text("list.mark").join(text(f"intake.remark_part.{name}", **part) for part in parts[:MOST_PARTS])
    if len(parts) > MOST_PARTS:
        named = text("intake.remark_more", parts=named, count=len(parts))
    return text(f"intake.remark_together.{name}", **{**parts[0], "parts": named})


def _with_span(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the ``span`` of months from first to last: one month is named once."""
    first, last = values.get("first"), values.get("last")
    if not (isinstance(first, str) and isinstance(last, str)):
        return dict(values)
    alone = first == last and _MONTH.fullmatch(first)
    return dict(values) | {"span": first if alone else text("intake.span", first=first, last=last)}


def _with_odds(values: dict[str, Any], *, figures: bool) -> dict[str, Any]:
    """Return the values with how ``likely`` a verdict is in words, where its decimal logarithm is among them."""
    if "odds" not in values:
        return values
    odds = float(values["odds"])
    if odds < CERTAIN_LOG10:
        likely = text("intake.remark_odds.times", times=f"{10**odds:,.{0 if odds >= 1 else 1}f}")
    elif figures:
        likely = text("intake.remark_odds.figure", odds=odds)
    else:
        likely = text("intake.remark_odds.certain")
    return values | {"likely": likely}
