"""Aoristic hours of a million time windows, against a plain numpy histogram of their start hours.

The peer answers a lesser question from the same two columns; the answers are compared on windows shorter than the rest
of their start hour, whose weight lies in that hour only, and on windows of whole minutes spread minute by minute.
"""

import time
from typing import Any

import numpy as np
import pandas as pd

from analysis.hours import hour_profile

ROWS, CHECKED = 1_000_000, 2_000
DAYS = 730
REPEATS = 5


def run() -> list[dict[str, Any]]:
    """Compare answers, then give the ratio of times (above 1/3: within three times the histogram)."""
    rng = np.random.default_rng(20240101)
    start_min = rng.integers(0, DAYS * 1440, ROWS)
    span_min = np.where(rng.random(ROWS) < 0.4, 0, rng.exponential(300, ROWS).astype(int))
    start, end = _times(start_min), _times(start_min + span_min)

    within = start_min % 60 + span_min <= 60
    equal = np.allclose(hour_profile(start[within], end[within]).by_hour, _start_hours(start[within]))
    by_minute = np.zeros(24)
    for first, span in zip(start_min[:CHECKED], span_min[:CHECKED], strict=True):
        minutes = np.arange(first, first + max(span, 1)) // 60 % 24
        by_minute += np.bincount(minutes, minlength=24) / len(minutes)
    equal &= np.allclose(hour_profile(start[:CHECKED], end[:CHECKED]).by_hour, by_minute)

    ours_s = min(_seconds(lambda: hour_profile(start, end)) for _ in range(REPEATS))
    peer_s = min(_seconds(lambda: _start_hours(start)) for _ in range(REPEATS))
    return [
        {
            "name": "aoristic",
            "peer": "numpy histogram of start hours",
            "size": f"{ROWS} windows, mean {span_min.mean():.0f} minutes",
            "ratio": round(peer_s / ours_s, 2),
            "answers_equal": bool(equal),
            "ours_s": round(ours_s, 3),
            "peer_s": round(peer_s, 3),
        }
    ]


def _start_hours(start: pd.Series) -> np.ndarray:
    return np.histogram(start.dt.hour, bins=24, range=(0, 24))[0]


def _times(minutes: np.ndarray) -> pd.Series:
    return pd.Series(pd.Timestamp("2023-01-01", tz="Asia/Shanghai") + pd.to_timedelta(minutes, unit="min"))


def _seconds(work: Any) -> float:  # noqa: ANN401 - any function without arguments
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
