"""Emerging hot spots: since when a place is hot, whether it gets hotter, and whether it has changed at all.

In:     counts per slice of time and cell (months, say), and who is near whom.
Out:    for each cell one of 17 patterns (eight hot, eight cold, none), and beside it an exact comparison of the last
        slices with those before, with both counts.
Method: Gi* with exact chances in every slice (``analysis.gi_star``), Benjamini & Hochberg over all slices and cells at
        once; Mann (1945) and Kendall (1975) on each cell's z; the patterns are those of Esri's Emerging Hot Spot
        Analysis. Two windows: conditional binomial test (``analysis.compare.rate_ratio``).

A small town has too few incidents for seventeen words: the counts of both windows say how much a pattern rests on.

Two ways to look at a slice. "slice" compares it with itself only, so that a town-wide season or rise is no pattern.
"cube" is Esri's default: each slice with the one before it, against all slices, so that a town-wide rise shows. Its
trend is taken over slices alone nevertheless: scores that share every second slice would call 14 % of steady cells a
trend at 5 % (measured on null towns).
"""

from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.compare import RateRatio, false_discovery, rate_ratio
from analysis.counting import rows_of_cells
from analysis.gi_star import GridNeighbourhood, Neighbourhood, exact_tails, gi_star_z, whole
from gis_data.errors import SchemaError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Window = Literal["slice", "cube"]

KINDS = ("new", "consecutive", "intensifying", "persistent", "diminishing", "sporadic", "oscillating", "historical")
PATTERNS = (*(f"{kind}_hot" for kind in KINDS), *(f"{kind}_cold" for kind in KINDS), "none")
NEARLY_ALWAYS = 0.9
FEWEST_SLICES = 10


@dataclass(frozen=True)
class MannKendall:
    """Kendall's S of each series, its variance with ties, the standard score with continuity, two-sided p; all (n,)."""

    s: Floats
    variance: Floats
    z: Floats
    p_value: Floats

    def direction(self, *, alpha: float = 0.05) -> Ints:
        """Return 1 where a series rises, -1 where it falls, 0 where chance may do as much."""
        return np.where(self.p_value <= alpha, np.sign(self.s), 0).astype(np.int64)


@dataclass(frozen=True)
class Emerging:
    """Gi* of each slice and cell (slices, n), the trend of z and the pattern of each cell (n,)."""

    z: Floats
    hot: Flags
    cold: Flags
    trend: MannKendall
    pattern: NDArray[np.str_]


@dataclass(frozen=True)
class TwoWindows:
    """Incidents around each cell (n,) in the last slices and in those before, and the ratio of their rates."""

    recent: Ints
    earlier: Ints
    ratio: RateRatio


def emerging(
    count: ArrayLike, near: Neighbourhood, *, window: Window = "slice", alpha: float = 0.10, trend_alpha: float = 0.05
) -> Emerging:
    """Name the pattern of each cell over slices of equal length.

    Parameters
    ----------
    count
        Whole counts (slices, n), the oldest slice first.
    window
        What a slice is compared with (see above).
    alpha
        Share of the hot (and of the cold) slices of cells that may be chance.

    Raises
    ------
    SchemaError
        If there are fewer than ten slices, or a count is no whole number.
    """
    counts = whole(count)
    if len(counts) < FEWEST_SLICES:
        raise SchemaError("table.values", table="slices", problems=f"slices: {len(counts)} < {FEWEST_SLICES}")
    z, p_hot, p_cold = _by_slice(counts, near) if window == "slice" else _by_cube(counts, near)
    hot, cold = (false_discovery(p.ravel()).reshape(p.shape) <= alpha for p in (p_hot, p_cold))
    # Against the cube, a slice's own z rises and falls with the sum around the cell.
    trend = mann_kendall(z if window == "slice" else [near.sums(values.astype(float)) for values in counts])
    return Emerging(z, hot, cold, trend, patterns(hot, cold, trend.direction(alpha=trend_alpha)))


def _by_slice(counts: Ints, near: Neighbourhood) -> tuple[Floats, Floats, Floats]:
    """Return z, p_hot, p_cold of each slice against itself, each (slices, n)."""
    found = []
    for values in counts:
        around = near.sums(values.astype(float))
        tails = exact_tails(values, np.rint(around).astype(np.int64) - values, near.number - 1)
        found.append((gi_star_z(values.astype(float), around, near.number), *tails))
    z, p_hot, p_cold = (np.array(part) for part in zip(*found, strict=True))
    return z, p_hot, p_cold


def _by_cube(counts: Ints, near: Neighbourhood) -> tuple[Floats, Floats, Floats]:
    """Return z, p_hot, p_cold of each slice and the one before it against all slices, each (slices, n)."""
    around = np.array([near.sums(values.astype(float)) for values in counts])
    number = np.tile(near.number, (len(counts), 1))
    around[1:] += around[:-1].copy()
    number[1:] *= 2
    own = counts.ravel()
    p_hot, p_cold = exact_tails(own, np.rint(around.ravel()).astype(np.int64) - own, number.ravel() - 1)
    z = gi_star_z(own.astype(float), around.ravel(), number.ravel())
    return z.reshape(counts.shape), p_hot.reshape(counts.shape), p_cold.reshape(counts.shape)


def mann_kendall(series: ArrayLike) -> MannKendall:
    """Test each column of ``series`` (times, n) for a trend, whatever its shape; equal values are ties."""
    x = np.asarray(series, dtype=float)
    times = len(x)
    s = np.zeros(x.shape[1:])
    equal = np.ones(x.shape)  # how many values of its series equal each value, itself included
    for first in range(times - 1):
        step = np.sign(x[first + 1 :] - x[first])
        s += step.sum(axis=0)
        equal[first] += (step == 0).sum(axis=0)
        equal[first + 1 :] += step == 0
    # A group of t ties takes t(t-1)(2t+5) away; each of its t members brings a t-th of that.
    ties = ((equal - 1) * (2 * equal + 5)).sum(axis=0)
    variance = (times * (times - 1) * (2 * times + 5) - ties) / 18
    z = np.divide(s - np.sign(s), np.sqrt(variance), out=np.zeros(s.shape), where=variance > 0)
    return MannKendall(s, variance, z, 2 * stats.norm.sf(np.abs(z)))


def patterns(hot: Flags, cold: Flags, direction: Ints) -> NDArray[np.str_]:
    """Return the pattern of each cell (n,).

    Parameters
    ----------
    hot, cold
        Which slices of which cell are hot and cold (slices, n), the oldest first.
    direction
        1 where a cell's z rises, -1 where it falls, 0 elsewhere (n,).

    Notes
    -----
    The first that fits, here for hot; for cold the same with falling z as growing:
    new: the last slice and none before. consecutive: one unbroken run of two or more up to the last, less than 90 % of
    all. Hot in 90 % or more with the last: intensifying, diminishing, or persistent by the trend. oscillating: the last
    is hot, an earlier one was cold. sporadic: the last is hot, off and on before. historical: 90 % or more, not the
    last.
    """
    of_hot, of_cold = _kind(hot, cold, direction), _kind(cold, hot, -direction)
    named = np.where(of_hot != "", np.char.add(of_hot, "_hot"), np.char.add(of_cold, "_cold"))
    return np.where((of_hot == "") & (of_cold == ""), "none", named)


def _kind(hot: Flags, opposite: Flags, growing: Ints) -> NDArray[np.str_]:
    """Return which of ``KINDS`` each cell is with regard to its hot slices, "" where it is none."""
    number, last = hot.sum(axis=0), hot[-1]
    # Compared in whole slices: 0.9 times 10 must be 9.
    always = 10 * number >= round(10 * NEARLY_ALWAYS) * len(hot)
    run = np.cumprod(hot[::-1], axis=0).sum(axis=0)
    kinds = [
        ("new", last & (number == 1)),
        ("consecutive", last & (run == number) & ~always),
        ("intensifying", last & always & (growing > 0)),
        ("diminishing", last & always & (growing < 0)),
        ("persistent", last & always),
        ("oscillating", last & opposite.any(axis=0)),
        ("sporadic", last),
        ("historical", ~last & always),
    ]
    return np.select([where for _, where in kinds], [kind for kind, _ in kinds], default="")


def two_windows(
    count: ArrayLike,
    near: Neighbourhood,
    *,
    recent: int,
    exposure: ArrayLike | None = None,
    level: float = 0.95,
) -> TwoWindows:
    """Compare the last ``recent`` slices with all before, around each cell.

    Parameters
    ----------
    exposure
        Length of each slice (slices,), in days say; the town's total per slice instead asks whether a cell's share of
        the town has changed. Default: all slices alike.

    Notes
    -----
    ``ratio.words(alpha=0.10)`` says "up", "down" or "none" with false discoveries held over the cells.
    """
    counts = whole(count)
    around = np.array([np.rint(near.sums(values.astype(float))) for values in counts]).astype(np.int64)
    length = np.ones(len(counts)) if exposure is None else np.asarray(exposure, dtype=float)
    now, before = around[-recent:].sum(axis=0), around[:-recent].sum(axis=0)
    ratio = rate_ratio(now, length[-recent:].sum(), before, length[:-recent].sum(), level=level)
    return TwoWindows(now, before, ratio)


def counts_by_slice(incidents: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, edges: pd.DatetimeIndex) -> Ints:
    """Return the incidents of each slice in each cell (slices, n); slice i runs from edges[i] up to edges[i + 1].

    An incident stands in the slice in which it began, or was reported where that is not known.

    Raises
    ------
    CrsError
        If the two tables are in different coordinate reference systems.
    """
    row = rows_of_cells(incidents, cells)
    when = incidents["occurred_from"].fillna(incidents["reported_at"])
    at = np.asarray(edges.searchsorted(when, side="right")) - 1
    inside = (row >= 0) & (at >= 0) & (at < len(edges) - 1)
    flat = at[inside] * len(cells) + row[inside]
    weight = incidents["count"].to_numpy()[inside]
    slices = len(edges) - 1
    return np.bincount(flat, weight, minlength=slices * len(cells)).astype(np.int64).reshape(slices, len(cells))


def emerging_cells(
    incidents: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    edges: pd.DatetimeIndex,
    *,
    recent: int,
    reach: int = 1,
    window: Window = "slice",
    alpha: float = 0.10,
) -> gpd.GeoDataFrame:
    """Name each cell's pattern and compare its last slices with those before.

    Parameters
    ----------
    incidents
        Reported incidents with a usable point; ``count`` gives the incidents a row stands for.
    edges
        Borders of the slices, one more than slices, in the incidents' time zone.
    recent
        How many of the last slices are «now».

    Returns
    -------
    geopandas.GeoDataFrame
        ``cells`` with count, pattern, hot_slices, cold_slices, trend_z, trend_p; around_recent and around_earlier
        (incidents of the neighbourhood in both windows), ratio, ratio_low, ratio_high, change ("up", "down", "none").

    Raises
    ------
    CrsError
        If the two tables are in different coordinate reference systems.
    SchemaError
        If there are fewer than ten slices.
    """
    counts = counts_by_slice(incidents, cells, edges)
    near = GridNeighbourhood.of(cells["row"], cells["col"], reach=reach)
    found = emerging(counts, near, window=window, alpha=alpha)
    days = np.diff(edges) / np.timedelta64(1, "D")
    windows = two_windows(counts, near, recent=recent, exposure=days)
    return cells.assign(
        count=counts.sum(axis=0),
        pattern=found.pattern,
        hot_slices=found.hot.sum(axis=0),
        cold_slices=found.cold.sum(axis=0),
        trend_z=found.trend.z,
        trend_p=found.trend.p_value,
        around_recent=windows.recent,
        around_earlier=windows.earlier,
        ratio=windows.ratio.ratio,
        ratio_low=windows.ratio.low,
        ratio_high=windows.ratio.high,
        change=windows.ratio.words(alpha=alpha),
    )
