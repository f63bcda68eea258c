"""Heaps of days: dates put on the first of a month or of January because nobody knew the day.

In:     when the accepted rows were reported and when they happened, of a file and of the imports before it.
Out:    which rows lie on such a first; what to say of them.
Method: the firsts of January are held together against the days around them, and the firsts of the other months
        likewise: a Poisson chance, widened by as much as ordinary days differ more than Poisson's law lets them. Told,
        not mended: which of the rows truly belong there cannot be seen from here.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from gis_data.days import day_number
from gis_data.intake.report import Told

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

AROUND = 7  # days on either side
TIMES = 1.1
HARDLY_CHANCE = 1e-6
LEAST_EXPECTED = 5.0
YEARS = tuple(int(np.datetime64(year, "D").astype(int)) for year in ("1990-01-01", "2101-01-01"))


def days_of(times: pd.Series) -> Whole:
    """Return the local days of moments, counted from 1970; of no moment, or one in no year of ours, -1."""
    day = day_number(times)
    return np.where((day >= YEARS[0]) & (day < YEARS[1]), day, -1)


def heaped_days(day: Whole, before: Whole, single: Flags) -> tuple[Flags, list[Told]]:
    """Tell which rows lie on a heaped first of January or of another month.

    Parameters
    ----------
    day, before
        Local days, counted from 1970, of this file's rows and of rows imported earlier; -1 for none.
    single
        Which rows of this file are one incident each: a sheet of totals may put a whole month on its first day.
    """
    found = np.zeros(len(day), dtype=bool)
    counted = np.concatenate([day[single & (day >= 0)], before[before >= 0]])
    if not len(counted):
        return found, []
    first = int(counted.min())
    counts = np.bincount(counted - first)
    dates = (np.arange(len(counts)) + first).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    is_first, january = dates == months, months.astype(np.int64) % 12 == 0
    usual, spread = _usual(counts, ~is_first)
    told: list[Told] = []
    for name, pool in (("first_january", is_first & january), ("first_other", is_first & ~january)):
        pool &= np.isfinite(usual)
        heap, expected = float(counts[pool].sum()), float(usual[pool].sum())
        chance = special.gammainc(heap / spread, TIMES * expected / spread) if heap else 1.0
        if expected >= LEAST_EXPECTED and chance < HARDLY_CHANCE:
            ours = single & (day >= 0)
            ours[ours] = pool[day[ours] - first]
            found |= ours
            told.append((f"intake.remark.{name}", {"rows": int(ours.sum()), "times": round(heap / expected, 2)}))
    return found, told if found.any() else []


def _usual(counts: Whole, ordinary: Flags) -> tuple[NDArray[np.float64], float]:
    """Return the mean of the ordinary days around each day (NaN where few are known), and the dispersion."""
    window = np.ones(2 * AROUND + 1)
    window[AROUND] = 0.0
    known, rows = (np.convolve(part, window, mode="full")[AROUND:-AROUND] for part in (ordinary, counts * ordinary))
    usual = np.where(known >= AROUND - 1, rows / np.maximum(known, 1), np.nan)
    asked = ordinary & (usual > 0)
    pearson = (counts[asked] - usual[asked]) ** 2 / usual[asked]
    return usual, max(1.0, float(pearson.mean())) if asked.any() else 1.0


def find_heaps(rows: pd.DataFrame, before: pd.DataFrame, *, single: Flags) -> tuple[Flags, list[Told]]:
    """Tell which rows were reported or happened on a heaped first, and what to say of it.

    Parameters
    ----------
    rows, before
        ``reported_at`` and, where known, ``occurred_from``.
    """
    found, told = np.zeros(len(rows), dtype=bool), list[Told]()
    for name in ("reported_at", "occurred_from"):
        if name in rows and len(rows):
            earlier = days_of(before[name]) if len(before) else np.empty(0, dtype=np.int64)
            flags, said = heaped_days(days_of(rows[name]), earlier, single)
            found |= flags
            told += [(key, {"field": name, **about}) for key, about in said]
    return found, told
