"""Drift: words and shares that change from one month to the next as chance and season do not make them.

In:     the accepted rows of a file (month, class, type, own word, count) and the rows imported before.
Out:    for every row whether its class or type jumps in its month, whether «other» grows, whether its word is new; and
        the months and kinds to tell, with their shares.
Method: DOMAIN 2.6, pitfall 14. Each share of a month against the three months before (for «other», which creeps, the
        twelve months before), each word against all months before: Fisher's exact test, all tests of a kind together by
        Benjamini-Hochberg. A season is no drift: what the same month of the year before shows too is not told (equally
        many days of it, around Spring Festival the days equally far from it: pitfalls 15 and 16).
        Nothing is changed: what a code meant cannot be seen from here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from gis_data.days import FESTIVALS_UNTIL, day_number, month_name, month_number, year_before
from gis_data.intake import values
from gis_data.intake.codes import REST
from gis_data.intake.history import joined
from gis_data.periods import Period

Counts = NDArray[np.int64]

ALPHA = 0.01
JUMP = 2.0  # a share at least doubles, or halves
GROWTH = 1.5
JUST_BEFORE, YEAR = 3, 12
TERMS = 40
LEAST_ROWS = 50  # of the months before, and half as many of the month itself


@dataclass(frozen=True)
class Drift:
    """What drifts in one file.

    Attributes
    ----------
    notes
        ``share_jump``, ``rest_growing``, ``word_new``: which rows.
    told
        ``note``, ``month``, ``kind`` (class, type or word), ``before_pct``, ``now_pct``; the largest change first.
    """

    notes: dict[str, pd.Series]
    told: pd.DataFrame


def find_drift(rows: pd.DataFrame, before: pd.DataFrame, *, by_festival: bool) -> Drift:
    """Test the months of a file.

    Parameters
    ----------
    rows, before
        ``reported_at``, ``incident_class``, ``type``, ``word``, ``count``; rows of this file, rows imported earlier.
    by_festival
        Whether Spring Festival is kept: the year before is then looked at on days equally far from it.
    """
    every = joined(*(part[["reported_at", "count"]] for part in (before, rows))).reset_index(drop=True)
    for name in ("incident_class", "type", "word"):
        every[name] = values.stacked(before[name], rows[name])
    every["ours"] = np.arange(len(every)) >= len(before)
    every["month"], rest = month_number(day_number(every["reported_at"])), set(REST.values())
    every["rest"] = values.recoded(every["type"], lambda kind: "rest" if kind in rest else "")
    ours = every["ours"].to_numpy(dtype=bool)
    months = np.unique(every.loc[ours, "month"])
    found = [
        _tested(every, ("incident_class", "type"), months, "share_jump", back=JUST_BEFORE, by_festival=by_festival),
        _tested(every, ("rest",), months, "rest_growing", back=YEAR, by_festival=by_festival),
        _tested(every, ("word",), months, "word_new", back=None, by_festival=by_festival),
    ]
    notes, told = {}, []
    for note, table in zip(("share_jump", "rest_growing", "word_new"), found, strict=True):
        flags = np.zeros(len(every), dtype=bool)
        for column, part in table.groupby("column"):
            for month, kind in zip(part["month"], part["kind"], strict=True):
                flags |= ((every["month"] == month) & (every[str(column)] == kind)).to_numpy()
        notes[note] = pd.Series(flags[ours], index=rows.index)
        told.append(table.assign(note=note))
    return Drift(notes, _as_told(pd.concat(told, ignore_index=True)))


def _tested(
    every: pd.DataFrame, columns: tuple[str, ...], months: Counts, note: str, *, back: int | None, by_festival: bool
) -> pd.DataFrame:
    """Return the months and kinds of a note: ``column month kind before now``."""
    parts = [_shares(every, column, months, back=back) for column in columns]
    table = pd.concat(parts, ignore_index=True)
    if note == "word_new":
        table = table[table["had"] == 0]
    if note == "rest_growing":
        table = table[table["now"] >= GROWTH * table["before"]]
    if table.empty:
        return table
    p = chance_of(table, both_ways=note == "share_jump")
    wide = (table["now"] >= JUMP * table["before"]) | (table["now"] <= table["before"] / JUMP)
    kept = (stats.false_discovery_control(p) <= ALPHA) & (wide if note == "share_jump" else True)
    table = table[kept]
    if note == "word_new":  # told in its first month only
        return table.sort_values("month").drop_duplicates(["column", "kind"])
    return table[~_same_last_year(every, table, by_festival=by_festival)]


def _shares(every: pd.DataFrame, column: str, months: Counts, *, back: int | None) -> pd.DataFrame:
    """Count each kind in each month and in the months before it."""
    names = ["column", "month", "kind", "has", "had", "rows", "earlier", "now", "before"]
    if not len(months):
        return pd.DataFrame(columns=names)
    first, last = every["month"].min(), every["month"].max()
    codes, kinds = pd.factorize(np.asarray(every[column].cat.codes))
    kinds = np.asarray(every[column].cat.categories, dtype=object)[kinds]
    at, size = (every["month"] - first).to_numpy() * len(kinds) + codes, (last - first + 1) * len(kinds)
    counts = np.bincount(at, weights=every["count"], minlength=size).astype(np.int64).reshape(-1, len(kinds))
    totals, named = counts.sum(axis=1), np.flatnonzero(kinds != "")
    parts = []
    for month in months:
        place = int(month - first)
        past = slice(max(0, place - back) if back else 0, place)
        rows, earlier = int(totals[place]), int(totals[past].sum())
        if earlier < LEAST_ROWS or rows < LEAST_ROWS / 2:
            continue
        now, had = counts[place, named], counts[past][:, named].sum(axis=0)
        there = np.flatnonzero((now > 0) | (had > 0))
        now, had = now[there], had[there]
        same = (np.full(len(there), value) for value in (month, rows, earlier))
        parts.append((next(same), named[there], now, had, next(same), next(same), now / rows, had / earlier))
    if not parts:
        return pd.DataFrame(columns=names)
    month, kind, *rest = (np.concatenate(part) for part in zip(*parts, strict=True))
    return pd.DataFrame(dict(zip(names, (column, month, kinds[kind], *rest), strict=True)))


def chance_of(table: pd.DataFrame, *, both_ways: bool) -> NDArray[np.float64]:
    """Return Fisher's chance of so many of a kind in its month, given all margins; twice the smaller tail both ways.

    Only a tail that can be small is worked out to its end, for 1 otherwise: the median of a hypergeometric law lies
    within one of its mean, so a tail that holds both is half of all at least.
    """
    has, had, rows, earlier = (table[name].to_numpy(dtype=np.int64) for name in ("has", "had", "rows", "earlier"))
    mean = (has + had) * rows / (rows + earlier)
    p = np.ones(len(table))
    for asked, tail in ((has > mean - 1, "sf"), (has < mean + 1, "cdf"))[: 1 + both_ways]:
        law = [margin[asked] for margin in (rows + earlier, has + had, rows)]
        least = _tail_at_least(has[asked], *law, up=tail == "sf") * (1 + both_ways)
        small = least <= ALPHA
        at = has[asked][small] - (tail == "sf")
        least[small] = getattr(stats.hypergeom, tail)(at, *(margin[small] for margin in law)) * (1 + both_ways)
        p[asked] = np.minimum(p[asked], least)
    return p


def _tail_at_least(at: Counts, total: Counts, kind: Counts, drawn: Counts, *, up: bool) -> NDArray[np.float64]:
    """Return the chance of ``at`` and the few counts beyond it: a bound from below of the whole tail.

    A tail that is surely larger than any level asked about need not be summed to its end: Benjamini-Hochberg at a level
    asks of a larger chance only that it is larger.
    """
    rest = total - kind - drawn
    part = np.exp(sum(
        sign * special.gammaln(number + 1.0)
        for number, sign in ((kind, 1), (at, -1), (kind - at, -1), (total - kind, 1), (drawn - at, -1), (rest + at, -1),
                             (total, -1), (drawn, 1), (total - drawn, 1))
    ))  # fmt: skip
    found, at = part.copy(), at.copy()
    for _ in range(TERMS):
        if up:
            part = part * (kind - at) * (drawn - at) / ((at + 1.0) * (rest + at + 1.0))
            at += 1
        else:
            part = part * at * (rest + at) / ((kind - at + 1.0) * (drawn - at + 1.0))
            at -= 1
        part[~np.isfinite(part) | (part < 0)] = 0.0
        found += part
    return found


def _same_last_year(every: pd.DataFrame, table: pd.DataFrame, *, by_festival: bool) -> pd.Series:
    """Tell which kinds had a share like this in the same days of the year before."""
    at = every["reported_at"]
    then = {month: every[_year_before(month, at, by_festival).holds(at)] for month in table["month"].unique()}
    flags = []
    for column, month, kind, now, before in table[["column", "month", "kind", "now", "before"]].itertuples(index=False):
        part = then[month]
        rows = int(part["count"].sum())
        share = part["count"][part[column] == kind].sum() / rows if rows >= LEAST_ROWS / 2 else np.nan
        middle = np.sqrt(max(now, 1e-9) * max(before, 1e-9))
        flags.append(bool(share >= middle if now > before else share <= middle))
    return pd.Series(flags, index=table.index, dtype=bool)


def _year_before(month: int, at: pd.Series, by_festival: bool) -> Period:
    """Return the days of the year before that a month, as far as it has come, is held against."""
    start = pd.Timestamp(month_name(month), tz=at.dt.tz)
    end = min(start + pd.DateOffset(months=1), at.max().normalize() + pd.DateOffset(days=1))
    if by_festival and start.year <= FESTIVALS_UNTIL:
        return year_before(Period(start, end), "month")[0]
    return Period(*(moment - pd.DateOffset(years=1) for moment in (start, end)))


def _as_told(found: pd.DataFrame) -> pd.DataFrame:
    size, months = (found["now"] - found["before"]).abs(), found["month"].map(month_name)
    told = pd.DataFrame(
        {"note": found["note"], "month": months, "kind": found["kind"], "column": found["column"],
         "before_pct": 100 * found["before"], "now_pct": 100 * found["now"]}
    )  # fmt: skip
    return told.loc[size.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)
