"""Duplicates: several calls about one event, where no call number says so.

In:     the good rows of a sheet: when, what, where; which call numbers and links a spreadsheet has destroyed.
Out:    for each row the row it is merged into, or -1; the event's first call stays.
Method: DOMAIN 2.6, pitfalls 6 and 7. Two calls are one event within 30 minutes and 200 m, if they are of one class and
        their types do not contradict each other. Where a place is only a village or a default point, distance says
        nothing: the village and the words of the address must be the same. A call whose link was destroyed still says
        that it follows another one, so that one is looked for in a longer time. Counts, what patrols found, and rows
        of sheets that do not list calls are never merged: there, rows alike are true multiples.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.intake import values
from gis_data.intake.codes import REST
from gis_data.letters import Letters, Whole, all_digits, letters_in, number_in
from gis_data.side_by_side import side_by_side

Rows = NDArray[np.intp]

WINDOW_MIN, WINDOW_M = 30.0, 200.0
FOLLOW_UP_MIN = 120.0
SPREADSHEET_DIGITS = 15
SURE_ZEROS = 3
FLOAT_DIGITS, FLOAT_TWOS = 19, 11  # whole numbers of 20 digits are multiples of 2048 as floats (of 4096 above 1.8e19)
DAMAGED_SHARE, DAMAGED_ROWS = 0.5, 5
GENERIC = frozenset(REST.values()) | {"theft", "minor_theft"}


def is_damaged(numbers: pd.Series) -> pd.Series:
    """Tell which call numbers a spreadsheet has taken for numbers, so that their last digits are lost.

    A spreadsheet keeps 15 digits and fills up with zeros, or shows an exponent; a program that read the cell as a
    number leaves a multiple of a power of two. One such number may be chance, half a column is not. Fewer are the first
    calls of their series (…00000) where others begin one (…00001 to …00009) at least as often, and each is there once.
    """
    letters, upto = letters_in(numbers)
    starts, ends, whole = upto[:-1], upto[1:], all_digits(letters, upto)
    lengths = ends - starts
    cut = np.zeros(len(numbers), dtype=bool)
    other = np.flatnonzero(~whole & (lengths > 0))
    cut[other] = numbers.iloc[other].str.contains(r"e\+", case=False).to_numpy(dtype=bool)
    long = np.flatnonzero(whole & (lengths > SPREADSHEET_DIGITS))
    zeros = long[letters[starts[long] + SPREADSHEET_DIGITS] == ord("0")]
    zeros = zeros[(numbers.iloc[zeros].str[SPREADSHEET_DIGITS:].str.strip("0") == "").to_numpy(dtype=bool)]
    sure = zeros[lengths[zeros] >= SPREADSHEET_DIGITS + SURE_ZEROS]
    if 0 < len(sure) < DAMAGED_SHARE * len(long) and len(sure) <= _beginnings(letters, starts, lengths, long):
        sure = sure[numbers.iloc[sure].duplicated(keep=False).to_numpy()]
    cut[sure] = True
    steps = long[lengths[long] >= FLOAT_DIGITS]
    for digits in (4, FLOAT_TWOS):  # of few rows the last four digits are a multiple of 2**4; overflow keeps multiples
        tail, _ = number_in(letters[ends[steps, None] - np.arange(digits, 0, -1)])
        steps = steps[tail % 2**digits == 0]
    for suspect in (zeros, steps):
        if len(long) >= DAMAGED_ROWS and len(suspect) >= DAMAGED_SHARE * len(long):
            cut[suspect] = True
    return pd.Series(cut, index=numbers.index)


def _beginnings(letters: Letters, starts: Whole, lengths: Whole, long: NDArray[np.intp]) -> int:
    """Count the long numbers of which only the last of the digits that a spreadsheet loses is not zero."""
    found = 0
    for length in np.unique(lengths[long]):
        rows = long[lengths[long] == length]
        lost = letters[starts[rows, None] + np.arange(SPREADSHEET_DIGITS, length)] == ord("0")
        found += int((lost[:, :-1].all(axis=1) & ~lost[:, -1]).sum())
    return found


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
    minute = _minutes(calls["reported_at"])
    pairs = _pairs(calls, minute, WINDOW_MIN)
    if calls["follows"].any():
        longer = _pairs(calls, minute, FOLLOW_UP_MIN)
        pairs = np.vstack([pairs, longer[calls["follows"].to_numpy(dtype=bool)[longer[:, 1]]]])
    merged: dict[int, int] = {}
    for first, later in _nearest_in_time(pairs, minute, calls["follows"].to_numpy(dtype=bool)):
        if first not in merged and later not in merged:
            merged[later] = first
    if merged:
        into[asked[[*merged]]] = asked[[*merged.values()]]
    return pd.Series(into, index=rows.index)


def merge_into_earlier(rows: pd.DataFrame, earlier: pd.DataFrame) -> pd.Series:
    """Return for each row the position of the earlier incident it is another call about, -1 for a row that stays.

    Parameters
    ----------
    rows
        As for ``merge_calls``.
    earlier
        Incidents of earlier imports with a usable point and hour: ``reported_at``, ``incident_class``, ``type``,
        ``x_m``, ``y_m``. Their addresses are not kept, so only time and place can tell.
    """
    into = pd.Series(-1, index=rows.index)
    asked = np.flatnonzero(rows["is_call"].to_numpy(dtype=bool))
    if not len(asked) or earlier.empty:
        return into
    names = ["reported_at", "incident_class", "type", "x_m", "y_m"]
    both = pd.concat([part[names].astype({"incident_class": object, "type": object}) for part in
                      (earlier, rows.iloc[asked])], ignore_index=True)  # fmt: skip
    minute = _minutes(both["reported_at"])
    pairs = np.sort(_pairs(both.assign(village_id="", address=""), minute, WINDOW_MIN), axis=1)
    pairs = pairs[(pairs[:, 0] < len(earlier)) & (pairs[:, 1] >= len(earlier))]
    pairs = pairs[np.lexsort([minute[pairs[:, 0]], pairs[:, 1]])]
    later, at = np.unique(pairs[:, 1], return_index=True)
    into.iloc[asked[later - len(earlier)]] = pairs[at, 0]
    return into


def _minutes(at: pd.Series) -> NDArray[np.float64]:
    """Return minutes since the first of the moments, of which none is missing."""
    us = (at - at.min()).dt.as_unit("us").to_numpy().view(np.int64)
    return us / 1e6 / 60


def _pairs(calls: pd.DataFrame, minute: NDArray[np.float64], window_min: float) -> Rows:
    """Return all pairs (earlier, later) of calls that may be about one event."""
    group, (kind, kinds) = pd.factorize(calls["incident_class"])[0], pd.factorize(calls["type"])
    found = side_by_side(
        partial(_near, calls, group, minute, window_min), partial(_alike, calls, group, minute, window_min)
    )
    here, there = np.vstack(found).T
    swap = (minute[here] > minute[there]) | ((minute[here] == minute[there]) & (here > there))
    first, later = np.where(swap, there, here), np.where(swap, here, there)
    vague = pd.Index(kinds).isin(GENERIC)[kind]
    fits = (kind[first] == kind[later]) | vague[first] | vague[later]
    return np.column_stack([first[fits], later[fits]])


def _near(calls: pd.DataFrame, group: Rows, minute: NDArray[np.float64], window_min: float) -> Rows:
    """Return pairs of one class with a point each, within the window and 200 m."""
    x, y = (calls[name].to_numpy(dtype=float) for name in ("x_m", "y_m"))
    placed = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    parts = [np.empty((0, 2), dtype=np.intp)]
    for here, there in _in_window(group, minute, placed, window_min):
        near = np.abs(x[here] - x[there]) <= WINDOW_M
        here, there = here[near], there[near]
        near = np.hypot(x[here] - x[there], y[here] - y[there]) <= WINDOW_M
        parts.append(np.column_stack([here[near], there[near]]))
    return np.vstack(parts)


def _alike(calls: pd.DataFrame, group: Rows, minute: NDArray[np.float64], window_min: float) -> Rows:
    """Return pairs of one class of which at least one has no point, with the same village and words of address."""
    placed = np.isfinite(calls[["x_m", "y_m"]].to_numpy(dtype=float)).all(axis=1)
    named = np.flatnonzero(((calls["village_id"] != "") & (calls["address"] != "")).to_numpy())
    same, _ = values.numbered([pd.Series(group), calls["village_id"], calls["address"]])
    parts = [np.empty((0, 2), dtype=np.intp)]
    for here, there in _in_window(same, minute, named, window_min):
        asked = ~(placed[here] & placed[there])
        parts.append(np.column_stack([here[asked], there[asked]]))
    return np.vstack(parts)


def _in_window(group: Rows, minute: NDArray[np.float64], rows: Rows, window_min: float) -> Iterator[tuple[Rows, Rows]]:
    """Give all pairs of some rows of one group within a time: of neighbours in time, then of every second one ..."""
    order = rows[np.argsort(minute[rows], kind="stable")]
    if len(group) and group.max() < 1 << 16:
        group = group.astype(np.uint16)  # which numpy sorts digit by digit
    order = order[np.argsort(group[order], kind="stable")]
    group, minute = group[order], minute[order]
    at, step = np.arange(len(order)), 1
    while len(at := at[at + step < len(order)]):
        at = at[group[at] == group[at + step]]
        at = at[minute[at + step] - minute[at] <= window_min]
        yield order[at], order[at + step]
        step += 1


def _nearest_in_time(pairs: Rows, minute: NDArray[np.float64], follows: NDArray[np.bool_]) -> list[list[int]]:
    """Return pairs in the order of their later call; its earliest partner first, for a follow-up the latest one."""
    first, later = pairs.T
    rank = np.where(follows[later], -minute[first], minute[first])
    return pairs[np.lexsort([rank, later, minute[later]])].tolist()
