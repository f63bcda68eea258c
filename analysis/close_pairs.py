"""Close pairs: how many incidents lie close in space and time, as they came and with their dates dealt out anew.

In:     points in metres, each with a date or a first and a last possible one; edges of distance and time bands.
Out:    pairs in each band, for the dates as they are and for each permutation; exact mean and deviation of the latter.
Method: the counting behind Knox's test (``near_repeat``); moments by Barton & David (1966).

Pairs are never stored: a block of close pairs meets all permutations at once, the permuted dates of one incident lying
side by side in memory. So memory grows with the incidents and stays bounded, time grows with the close pairs.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis_data.progress import Share

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Days = NDArray[np.signedinteger]

METRICS = ("euclid", "manhattan")
# Distances are compared in micrometres: a pair 100 m apart is so in every corner of the grid, whatever its coordinates.
PER_M = 1e6
CANDIDATES = 500_000  # pairs looked at in one go
COLUMNS_AT_ONCE = 256  # draws side by side: with 255 pairs they fit the second-level cache
PAIRS_AT_ONCE = 255  # so many ones fit into a byte
DATES_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Events:
    """Points in an order that no shift, quarter turn or shuffle of the rows changes, so that a seed means the same.

    Attributes
    ----------
    xy
        Metres (n × 2).
    first, last
        First and last possible time, in days from the earliest day.
    group
        Whose dates may be dealt out among each other; None for all.
    """

    xy: Floats
    first: Floats
    last: Floats
    group: Ints | None

    @classmethod
    def of(cls, xy: ArrayLike, first: ArrayLike, last: ArrayLike | None, group: ArrayLike | None) -> "Events":
        """Return events from places (n × 2, metres), first and last possible times (days), and groups to deal in."""
        place, start = np.asarray(xy, dtype=float).reshape(-1, 2), np.asarray(first, dtype=float).ravel()
        end = start if last is None else np.asarray(last, dtype=float).ravel()
        start = start - (origin := np.floor(start.min(initial=np.inf)) if len(start) else 0.0)
        end = end - origin
        middle = (place.min(axis=0) + place.max(axis=0)) / 2 if len(place) else np.zeros(2)
        order = np.lexsort((np.rint(np.hypot(*(place - middle).T) * PER_M), end, start))
        labels = None if group is None else np.asarray(group)[order].astype(np.int64)
        return cls(place[order], start[order], end[order], labels)

    @property
    def uncertain(self) -> NDArray[np.bool_]:
        """Tell whose day is not known."""
        return np.floor(self.first) != np.floor(self.last)

    @property
    def dtype(self) -> type[np.signedinteger]:
        """Narrowest type for a day: half the bytes are half the time."""
        return np.int16 if self.last.max(initial=0.0) < np.iinfo(np.int16).max else np.int32

    def draws(self, number: int, rng: np.random.Generator) -> Days:
        """Return (draws, n) whole days: one draw of certain dates, ``number`` draws where one is uncertain."""
        vague = np.flatnonzero(self.uncertain)
        drawn = np.tile(np.floor(self.first), (number if len(vague) else 1, 1))
        share = rng.random((len(drawn), len(vague)))
        drawn[:, vague] = np.floor(self.first[vague] + share * (self.last[vague] - self.first[vague]))
        return drawn.astype(self.dtype)

    def permuted(self, number: int, rng: np.random.Generator) -> Days:
        """Return (number, n) days: drawn anew and dealt out to the places by chance."""
        days = np.broadcast_to(self.draws(number, rng), (number, len(self.first)))
        if self.group is None:
            return rng.permuted(days, axis=1)
        dealt = days.copy()
        for label in np.unique(self.group):
            members = np.flatnonzero(self.group == label)
            dealt[:, members] = rng.permuted(dealt[:, members], axis=1)
        return dealt


# --- counting pairs ---


def count_pairs(
    events: Events,
    distances_m: Sequence[float],
    days: Sequence[int],
    metric: str,
    permutations: int,
    rng: np.random.Generator,
    progress: Share,
) -> tuple[Ints, Ints, Ints]:
    """Count the pairs of events by bands of distance and time, as they are and with their dates exchanged.

    Parameters
    ----------
    distances_m, days
        Edges of the bands, in metres and whole days; a band holds its lower edge and not its upper one.
    metric
        One of ``METRICS``.

    Returns
    -------
    tuple
        Pairs (distance band, time band, draw of uncertain dates); the same for each permutation; how many events each
        event has in each distance band (distance band, n).
    """
    pairs = _ClosePairs(events.xy, distances_m, metric)
    vague = bool(events.uncertain.any())
    step = COLUMNS_AT_ONCE // 2 if vague else COLUMNS_AT_ONCE - 1
    starts = range(0, max(permutations, 1), step)
    per_batch = max(1, DATES_BYTES // max(1, len(events.xy) * np.dtype(events.dtype).itemsize * COLUMNS_AT_ONCE))
    observed, simulated = [], []
    for at in range(0, len(starts), per_batch):
        blocks = []
        for start in starts[at : at + per_batch]:
            number = min(step, permutations - start)
            # Certain dates are seen once; uncertain ones are drawn again for each permutation.
            seen = events.draws(max(number, 1), rng) if vague or start == 0 else events.draws(1, rng)[:0]
            blocks.append((len(seen), pairs.rows(np.concatenate([seen, events.permuted(number, rng)]))))
        report = _part(progress, at / len(starts), len(blocks) / len(starts))
        counts = pairs.count([rows for _, rows in blocks], days, report)
        for (number, _), found in zip(blocks, counts, strict=True):
            observed.append(found[:, :, :number])
            simulated.append(found[:, :, number:])
    return np.concatenate(observed, axis=2), np.concatenate(simulated, axis=2), pairs.degree


class _ClosePairs:
    """Every pair closer than the last distance edge, block by block, found over a grid of that width."""

    def __init__(self, xy: Floats, distances_m: Sequence[float], metric: str) -> None:
        self.edges = np.rint(np.asarray(distances_m, dtype=float) * PER_M)
        self.metric = metric
        reach = float(distances_m[-1])
        cell = np.floor((xy - xy.min(axis=0, initial=np.inf)) / reach).astype(np.int64)
        width = cell[:, 0].max(initial=0) + 3  # an empty column at each side keeps rows of cells apart
        key = cell[:, 1] * width + cell[:, 0] + 1
        self.order = np.argsort(key, kind="stable")
        self.xy, key = xy[self.order], key[self.order]
        # Partners of a point: those after it in its own cell, the next cell, and the three cells of the next row.
        self.ranges = (
            (np.arange(1, len(key) + 1), np.searchsorted(key, key + 1, "right")),
            (np.searchsorted(key, key + width - 1), np.searchsorted(key, key + width + 1, "right")),
        )
        self.degree = np.zeros((len(self.edges) - 1, len(xy)), dtype=np.int64)
        self._degree_known = False

    def rows(self, days: Days) -> Days:
        """Return (n, draws) from (draws, n), in the order of this grid."""
        return np.ascontiguousarray(days[:, self.order].T)

    def count(self, blocks: Sequence[Days], days: Sequence[int], progress: Share) -> list[Ints]:
        """Return for each block of draws the pairs by (distance band, time band, draw)."""
        upto = [np.zeros((len(self.edges) - 1, len(days), block.shape[1]), dtype=np.int64) for block in blocks]
        for i, j, cuts, share in self._walk():
            for band in range(len(cuts) - 1):
                one, other = i[cuts[band] : cuts[band + 1]], j[cuts[band] : cuts[band + 1]]
                if not self._degree_known:
                    self.degree[band] += np.bincount(self.order[one], minlength=len(self.xy))
                    self.degree[band] += np.bincount(self.order[other], minlength=len(self.xy))
                for block, found in zip(blocks, upto, strict=True):
                    _add_close_in_time(block, one, other, days, found[band])
            progress(share)
        self._degree_known = True
        return [np.diff(found, axis=1) for found in upto]

    def _walk(self) -> Iterator[tuple[Ints, Ints, Ints, float]]:
        """Yield pairs (i, j) sorted by distance band, where each band begins, and the share of points done."""
        n = len(self.xy)
        candidates = np.cumsum(sum(np.maximum(high - low, 0) for low, high in self.ranges))
        total = int(candidates[-1]) if n else 0
        cuts = np.unique(np.r_[0, np.searchsorted(candidates, np.arange(CANDIDATES, total, CANDIDATES)), n])
        for start, stop in itertools.pairwise(cuts.tolist()):
            found = [_expand(low[start:stop], high[start:stop]) for low, high in self.ranges]
            i = np.concatenate([first for first, _ in found]) + start
            j = np.concatenate([second for _, second in found])
            band = np.searchsorted(self.edges, self._distance(i, j), side="right") - 1
            close = np.flatnonzero((band >= 0) & (band < len(self.edges) - 1))
            close = close[np.argsort(band[close].astype(np.uint8), kind="stable")]
            yield i[close], j[close], np.searchsorted(band[close], np.arange(len(self.edges))), stop / n

    def _distance(self, i: Ints, j: Ints) -> Floats:
        """Return distances in whole micrometres."""
        dx, dy = np.abs(self.xy[i] - self.xy[j]).T
        return np.rint((np.hypot(dx, dy) if self.metric == "euclid" else dx + dy) * PER_M)


def _expand(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Return (row, value) for each whole number from ``low`` to before ``high`` of each row."""
    length = np.maximum(high - low, 0)
    row = np.repeat(np.arange(len(low)), length)
    return row, np.arange(len(row)) + np.repeat(low - (np.cumsum(length) - length), length)


def _add_close_in_time(dates: Days, one: Ints, other: Ints, days: Sequence[int], upto: Ints) -> None:
    """Add to ``upto`` (time edge, draw) the pairs less than each edge apart; ``dates`` is (n, draws)."""
    top = np.iinfo(dates.dtype).max
    for start in range(0, len(one), PAIRS_AT_ONCE):
        apart = dates[one[start : start + PAIRS_AT_ONCE]]
        apart -= dates[other[start : start + PAIRS_AT_ONCE]]
        np.abs(apart, out=apart)
        for edge, day in enumerate(days):
            if day <= 0:  # nothing is less than no days apart, and the first edge is a fifth of the work
                continue
            upto[edge] += np.add.reduce((apart < min(day, top)).view(np.uint8), axis=0, dtype=np.uint8)


# --- exact moments ---


def exact_moments(degree: Ints, drawn: Days, days: Sequence[int]) -> tuple[Floats, Floats]:
    """Return exact mean and standard deviation of the pairs in each (distance band, time band) (Barton & David 1966).

    Pairs close in space are the edges of one graph on n points, pairs close in time those of another laid over it by
    chance: m edges each, and a ordered pairs of edges that share a point. Over several draws of uncertain dates the
    mean is the mean of means, and the variance the mean variance plus the variance of means.
    """
    n = degree.shape[1]
    m_space, a_space = _edges(degree)
    means, variances = [], []
    for dates in drawn:
        m_time, a_time = _edges(np.diff(_time_degrees(np.sort(dates), days), axis=0))
        mean = np.outer(m_space, m_time) / max(n * (n - 1) / 2, 1)
        touching = np.outer(a_space, a_time) / max(n * (n - 1) * (n - 2), 1)
        free = np.outer(m_space * (m_space - 1) - a_space, m_time * (m_time - 1) - a_time)
        apart = 4 * free / max(n * (n - 1) * (n - 2) * (n - 3), 1)
        means.append(mean)
        variances.append(touching + apart + mean - mean**2)
    total = np.mean(variances, axis=0) + np.var(means, axis=0)
    return np.mean(means, axis=0), np.sqrt(np.maximum(total, 0.0))


def _edges(degree: NDArray[np.integer]) -> tuple[Floats, Floats]:
    """Return edges, and ordered pairs of edges sharing a point, of graphs given by (graph, n) degrees."""
    points = degree.astype(np.float64)
    return points.sum(axis=1) / 2, (points * (points - 1)).sum(axis=1)


def _time_degrees(dates: Days, days: Sequence[int]) -> Ints:
    """Return (edge, n): how many others of the sorted dates are less than each edge away."""
    day = dates.astype(np.int64)
    found = [
        np.searchsorted(day, day + edge) - np.searchsorted(day, day - edge, side="right") - 1 if edge > 0 else 0 * day
        for edge in days
    ]
    return np.array(found)


def _part(progress: Share, start: float, share: float) -> Share:
    """Return a reporter for one part of the work."""
    return lambda done: progress(start + share * done)
