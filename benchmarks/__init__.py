"""Ratios against peers, measured in one run, answers compared before the clock is read.

Each module has ``run() -> list[dict]`` with rows ``{name, peer, size, ratio, answers_equal, ours_s, peer_s}``;
``ratio`` is the peer's time over ours. Ratios travel between machines; seconds do not.
"""

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gis_data.errors import InputError

COLUMNS = ("name", "peer", "size", "ratio", "answers_equal", "ours_s", "peer_s")


def names() -> list[str]:
    """Return the names of all benchmarks."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def run_benchmarks(wanted: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Run the named benchmarks (all if none is named) and return their rows.

    Raises
    ------
    InputError
        If a name is unknown.
    """
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        raise InputError("bench.unknown", found=", ".join(unknown), known=", ".join(names()))
    rows: list[dict[str, Any]] = []
    for name in wanted or names():
        rows += importlib.import_module(f"benchmarks.{name}").run()
    return rows


def timed(work: Any) -> tuple[Any, float]:  # noqa: ANN401 - any function without arguments
    """Return the answer and its CPU seconds, children included: the wall clock measures the neighbours too."""
    started = sum(os.times()[:4])
    answer = work()
    return answer, sum(os.times()[:4]) - started
