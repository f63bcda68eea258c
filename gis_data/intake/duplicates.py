"""Duplicates: several calls about one event, where no call number says so.

In:     the good rows of a sheet: when, what, where; which call numbers and links a spreadsheet has destroyed.
Out:    for each row the row it is merged into, or -1; the event's first call stays.
Method: DOMAIN 2.6, pitfalls 6 and 7. Two calls are one event within 30 minutes and 200 m, if they are of one class and
        their types do not contradict each other. Where a place is only a village or a default point, distance says
        nothing: the village and the words of the address must be the same. A call whose link was destroyed still says
        that it follows another one, so that one is looked for in a longer time. Counts, what patrols found, and rows
        of sheets that do not list calls are never merged: there, rows alike are true multiples.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from gis_data.intake import values
from gis_data.intake.codes import REST

Rows = NDArray[np.intp]

WINDOW_MIN, WINDOW_M = 30.0, 200.0
FOLLOW_UP_MIN = 120.0
HAIR = 1e-6  # what floating point may take off a distance that is exactly the window
SPREADSHEET_DIGITS = 15
FLOAT_STEP = 2048  # of whole numbers of 20 digits (4096 above 1.8e19)
DAMAGED_SHARE, DAMAGED_ROWS = 0.5, 5
GENERIC = frozenset(REST.values()) | {"theft", "minor_theft"}


def is_damaged(numbers: pd.Series) -> pd.Series:
    """Tell which call numbers a spreadsheet has taken for numbers, so that their last digits are lost.

    A spreadsheet keeps 15 digits and fills up with zeros, or shows an exponent; a program that read the cell as a
    number leaves a multiple of a power of two. One such number may be chance, half a column is not.
    """
    if (numbers == "").all():
        return pd.Series(False, index=numbers.index)
    cut = numbers.str.contains(r"e\+", case=False) | numbers.str.fullmatch(r"\d{15}0{3,}")
    long = numbers.str.fullmatch(r"\d{16,}")
    if int(long.sum()) < DAMAGED_ROWS:
        return cut
    zeros = long & (numbers.str[SPREADSHEET_DIGITS:].str.strip("0") == "")
    tail = pd.to_numeric(numbers.str[-12:].where(long), errors="coerce")
    steps = long & (numbers.str.len() >= 19) & (tail % FLOAT_STEP == 0)
    for suspect in (zeros, steps):
        if suspect.sum() >= DAMAGED_SHARE * long.sum():
            cut |= suspect
    return cut


def merge_calls(rows: pd.DataFrame) -> pd.Series:
    """Return for each row the position of the row it is merged into, -1 for a row that stays.

    Parameters
    ----------
    rows
        ``is_call`` (a good row of a list of calls, its hour known), ``reported_at``, ``incident_class``, ``type``,
        ``x_m``, ``y_m`` (NaN without a usable point), ``village_id``, ``address``, ``follows`` (its link is destroyed).
    """
    into = np.full(len(rows), -1, dtype=np.intp)
    asked = np.flatnonzero(rows["is_call"].to_numpy(dtype=bool))
    if len(asked) < 2:
        return pd.Series(into, index=rows.index)
    calls = rows.iloc[asked]
    minute = (calls["reported_at"] - calls["reported_at"].min()).dt.total_seconds().to_numpy(dtype=float) / 60
    pairs = _pairs(calls, minute, WINDOW_MIN)
    if calls["follows"].any():
        longer = _pairs(calls, minute, FOLLOW_UP_MIN)
        pairs = np.vstack([pairs, longer[calls["follows"].to_numpy(dtype=bool)[longer[:, 1]]]])
    for first, later in _nearest_in_time(pairs, minute, calls["follows"].to_numpy(dtype=bool)):
        if into[asked[first]] < 0 and into[asked[later]] < 0:
            into[asked[later]] = asked[first]
    return pd.Series(into, index=rows.index)


def _pairs(calls: pd.DataFrame, minute: NDArray[np.float64], window_min: float) -> Rows:
    """Return all pairs (earlier, later) of calls that may be about one event."""
    here, there = np.vstack([_near(calls, minute, window_min), _alike(calls, minute, window_min)]).T
    swap = (minute[here] > minute[there]) | ((minute[here] == minute[there]) & (here > there))
    first, later = np.where(swap, there, here), np.where(swap, here, there)
    group, kind = (calls[name].to_numpy(dtype=object) for name in ("incident_class", "type"))
    vague = calls["type"].isin(GENERIC).to_numpy()
    fits = (group[first] == group[later]) & ((kind[first] == kind[later]) | vague[first] | vague[later])
    return np.column_stack([first[fits], later[fits]])


def _near(calls: pd.DataFrame, minute: NDArray[np.float64], window_min: float) -> Rows:
    """Return pairs with a point each, within the window and 200 m."""
    xy = calls[["x_m", "y_m"]].to_numpy(dtype=float)
    placed = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if len(placed) < 2:
        return np.empty((0, 2), dtype=np.intp)
    # In these units the window is a box of one: found in a box a hair wider, then cut exactly.
    box = np.column_stack([xy[placed] / WINDOW_M, minute[placed] / window_min])
    found = placed[KDTree(box).query_pairs(1.0 + HAIR, p=np.inf, output_type="ndarray").astype(np.intp)]
    apart = xy[found[:, 0]] - xy[found[:, 1]]
    late = np.abs(minute[found[:, 0]] - minute[found[:, 1]])
    return found[(np.hypot(apart[:, 0], apart[:, 1]) <= WINDOW_M) & (late <= window_min)]


def _alike(calls: pd.DataFrame, minute: NDArray[np.float64], window_min: float) -> Rows:
    """Return pairs of which at least one has no point, with the same village and the same words of address."""
    placed = np.isfinite(calls[["x_m", "y_m"]].to_numpy(dtype=float)).all(axis=1)
    named = np.flatnonzero(((calls["village_id"] != "") & (calls["address"] != "")).to_numpy())
    if len(named) < 2:
        return np.empty((0, 2), dtype=np.intp)
    group, _ = values.numbered([calls[name].iloc[named] for name in ("incident_class", "village_id", "address")])
    # Groups laid out one after the other in time, further apart than any window.
    span = float(minute.max()) + 2 * window_min
    at = group * span + minute[named]
    order = np.argsort(at, kind="stable")
    upto = np.searchsorted(at[order], at[order] + window_min + HAIR, side="right")
    counts = upto - np.arange(len(order)) - 1
    first = np.repeat(np.arange(len(order)), counts)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    found = named[order[np.column_stack([first, second])]]
    late = np.abs(minute[found[:, 0]] - minute[found[:, 1]])
    return found[~(placed[found[:, 0]] & placed[found[:, 1]]) & (late <= window_min)]


def _nearest_in_time(pairs: Rows, minute: NDArray[np.float64], follows: NDArray[np.bool_]) -> list[list[int]]:
    """Return pairs in the order of their later call; its earliest partner first, for a follow-up the latest one."""
    first, later = pairs.T
    rank = np.where(follows[later], -minute[first], minute[first])
    return pairs[np.lexsort([rank, later, minute[later]])].tolist()
