"""Near repeats: whether an incident raises the risk around it for a while, and where such a window is open now.

In:     incidents of one type (a date, or a first and a last possible date) in the study's metre CRS.
Out:    one row per distance band and time band with observed and expected pairs, p-value and verdict; the windows that
        are open on a day, and the places inside them.
Method: Knox (1964) over right-open bands [a, b), the same place apart (Johnson & Bowers 2004; Ratcliffe & Rengert
        2008). Dates are permuted over the places; mean and variance are exact (Barton & David 1966); Benjamini &
        Hochberg over all bands. A date known only as an interval is drawn in it anew for each permutation.
Null:   places and dates are independent: fixed busy places and a town-wide season are part of it. A place that is busy
        in one season only is not; ``exchange`` (the quarter, say) then keeps dates inside their season.

Pairs are never stored: a block of close pairs meets all permutations at once, the permuted dates of one incident lying
side by side in memory. So memory grows with the incidents and stays bounded, time grows with the close pairs.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from analysis.compare import false_discovery
from gis_data.errors import CrsError
from gis_data.study import is_metric

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Days = NDArray[np.signedinteger]

SAME_PLACE_M = 1.0
DISTANCES_M = (0.0, SAME_PLACE_M, *(100.0 * step for step in range(1, 11)))
DAYS = (0, 7, 14, 21, 28)
FEWEST_EVENTS = 200  # METHODS A.3.6: with fewer events of one type the table says nothing
LEAST_RATIO = 1.2
METRICS = ("euclid", "manhattan")

COLUMNS: dict[str, str] = {
    "from_m": "float64",
    "to_m": "float64",
    "from_day": "int64",
    "to_day": "int64",
    "is_repeat": "bool",  # the band of the same place
    "observed": "float64",
    "expected": "float64",
    "sd": "float64",
    "z": "float64",
    "times_expected": "float64",
    "p_value": "float64",
    "p_adj": "float64",
    "is_raised": "bool",
}

# Distances are compared in micrometres: a pair 100 m apart is so in every corner of the grid, whatever its coordinates.
PER_M = 1e6
CANDIDATES = 500_000  # pairs looked at in one go
COLUMNS_AT_ONCE = 256  # draws side by side: with 255 pairs they fit the second-level cache
PAIRS_AT_ONCE = 255  # so many ones fit into a byte
DATES_BYTES = 128 * 2**20
MOMENT_DRAWS = 50

Progress = Callable[[float], None]


def _silent(share: float) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class NearRepeats:
    """Pairs of incidents by distance and time.

    Attributes
    ----------
    bands
        One row per pair of bands (columns ``COLUMNS``), the nearest and soonest first. ``observed`` is a mean over
        draws where dates are uncertain. ``is_raised``: more than ``LEAST_RATIO`` times as many pairs as by chance, and
        the adjusted p-value at most ``alpha``.
    events, uncertain
        Incidents, and those among them whose date is an interval of several days.
    enough
        False below the stated number of events: then no p-value is given and nothing is raised («too few»).
    permutations
        Permutations the p-values rest on; the least possible p-value is 1 / (permutations + 1).
    """

    bands: pd.DataFrame
    events: int
    uncertain: int
    enough: bool
    permutations: int


def find_near_repeats(
    incidents: gpd.GeoDataFrame,
    *,
    crs: str,
    rng: np.random.Generator,
    distances_m: Sequence[float] = DISTANCES_M,
    days: Sequence[int] = DAYS,
    metric: str = "euclid",
    permutations: int = 999,
    alpha: float = 0.05,
    fewest_events: int = FEWEST_EVENTS,
    exchange: ArrayLike | None = None,
    progress: Progress = _silent,
) -> NearRepeats:
    """Compare the pairs of incidents close in space and time with what chance gives.

    Parameters
    ----------
    incidents
        Incidents of one type with a usable point; ``count`` > 1 stands for so many incidents. The date is drawn
        between ``occurred_from`` (``reported_at`` where missing) and ``occurred_to`` (the same, where missing or
        earlier), by exact minutes; whole local days are compared.
    crs
        The study's CRS, in metres.
    distances_m, days
        Edges of the bands; each band holds its lower edge and not its upper one. Pairs beyond the last are not counted.
    exchange
        One label per row: dates are exchanged only between rows of the same label. Expected values then come from the
        permutations.

    Raises
    ------
    CrsError
        If the incidents are in another CRS than ``crs``, or that one is not in metres.
    """
    _require(incidents, crs, name="incidents")
    first, last = _date_interval(incidents)
    count = incidents["count"].to_numpy(np.int64)
    labels = None if exchange is None else np.repeat(pd.factorize(np.asarray(exchange), sort=True)[0], count)
    return knox(
        np.repeat(shapely.get_coordinates(incidents.geometry.to_numpy()), count, axis=0),
        np.repeat(first, count), np.repeat(last, count),
        rng=rng, distances_m=distances_m, days=days, metric=metric, permutations=permutations, alpha=alpha,
        fewest_events=fewest_events, exchange=labels, progress=progress,
    )  # fmt: skip


def knox(
    xy: ArrayLike,
    first_day: ArrayLike,
    last_day: ArrayLike | None = None,
    *,
    rng: np.random.Generator,
    distances_m: Sequence[float] = DISTANCES_M,
    days: Sequence[int] = DAYS,
    metric: str = "euclid",
    permutations: int = 999,
    alpha: float = 0.05,
    fewest_events: int = FEWEST_EVENTS,
    exchange: ArrayLike | None = None,
    progress: Progress = _silent,
) -> NearRepeats:
    """Count the pairs of n points by bands of distance and time, and compare them with chance.

    Parameters
    ----------
    xy
        (n, 2) coordinates in metres.
    first_day, last_day
        (n,) times in days from any midnight; whole days are compared. Where they differ the time is drawn evenly
        between them, and the p-value is the mean over draws: it errs on the side of «chance».
    metric
        "euclid" or "manhattan".

    Raises
    ------
    ValueError
        If the metric is unknown.
    """
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}; known are {', '.join(METRICS)}")
    events = _Events.of(xy, first_day, last_day, exchange)
    enough = len(events.xy) >= fewest_events
    simulations = permutations if enough else 0
    observed, simulated, degree = _count(events, distances_m, days, metric, simulations, rng, progress)
    mean, sd = _moments(degree, events.draws(MOMENT_DRAWS, rng), days)
    if exchange is not None and simulations:
        mean, sd = simulated.mean(axis=2), simulated.std(axis=2, ddof=1)
    p_value = np.full(mean.shape, np.nan)
    if simulations:
        # Each draw of uncertain dates meets one permutation; certain dates have one observed column for all.
        p_value = (1 + (simulated >= observed).sum(axis=2)) / (simulations + 1)
    table = _band_table(distances_m, days, observed.mean(axis=2), mean, sd, p_value, alpha=alpha)
    return NearRepeats(
        table, events=len(events.xy), uncertain=int(events.uncertain.sum()), enough=enough, permutations=simulations
    )


def _band_table(
    distances_m: Sequence[float], days: Sequence[int],
    observed: Floats, mean: Floats, sd: Floats, p_value: Floats, *, alpha: float,
) -> pd.DataFrame:  # fmt: skip
    edges_m, by_time = np.asarray(distances_m, dtype=float), len(days) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        z, ratio = ((observed - mean) / sd).ravel(), (observed / mean).ravel()
    # All bands are judged together, the same place among them: the error rate holds for the whole table.
    p_adj = p_value.ravel() if np.isnan(p_value).any() else false_discovery(p_value.ravel())
    return pd.DataFrame(
        {
            "from_m": np.repeat(edges_m[:-1], by_time),
            "to_m": np.repeat(edges_m[1:], by_time),
            "from_day": np.tile(days[:-1], len(edges_m) - 1),
            "to_day": np.tile(days[1:], len(edges_m) - 1),
            "is_repeat": np.repeat(edges_m[1:] <= SAME_PLACE_M, by_time),
            "observed": observed.ravel(),
            "expected": mean.ravel(),
            "sd": sd.ravel(),
            "z": z,
            "times_expected": ratio,
            "p_value": p_value.ravel(),
            "p_adj": p_adj,
            "is_raised": (p_adj <= alpha) & (ratio >= LEAST_RATIO),
        }
    ).astype(COLUMNS)


def active_windows(incidents: gpd.GeoDataFrame, found: NearRepeats, now: pd.Timestamp, *, crs: str) -> gpd.GeoDataFrame:
    """Return the ground around recent incidents where the risk is raised on the day ``now``.

    An incident opens a window when its age in days lies in a raised band that is joined to the nearest one
    (``near_bands``). The window reaches to the farthest such band of that age and stays until the bands at that
    distance end.

    Returns
    -------
    geopandas.GeoDataFrame
        One row per open window: ``incident`` (index label of the incident), ``since_at`` (its day), ``until_at`` (first
        day without raised risk), ``reach_m``, ``times_expected`` (the highest of its bands) and the disc; the latest
        incident first. An incident whose date is an interval counts from the last day.

    Raises
    ------
    CrsError
        If the incidents are in another CRS than ``crs``, or that one is not in metres.
    """
    _require(incidents, crs, name="incidents")
    raised = found.bands[near_bands(found.bands)]
    _, last = _date_interval(incidents)
    today = np.floor(_days_of(pd.Series([now])))[0]
    age = today - np.floor(last)
    rows = []
    for position in np.argsort(age, kind="stable"):
        open_now = raised[(raised["from_day"] <= age[position]) & (age[position] < raised["to_day"])]
        if open_now.empty:
            continue
        reach_m = open_now["to_m"].max()
        since = now.normalize() - pd.Timedelta(days=int(age[position]))
        rows.append(
            {
                "incident": incidents.index[position],
                "since_at": since,
                "until_at": since + pd.Timedelta(days=_end_of_window(raised, open_now, reach_m)),
                "reach_m": reach_m,
                "times_expected": open_now["times_expected"].max(),
                "geometry": incidents.geometry.iloc[position].buffer(reach_m),
            }
        )
    names = ["incident", "since_at", "until_at", "reach_m", "times_expected", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=names), geometry="geometry", crs=crs)


def near_bands(bands: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which bands are raised and joined to the same place, or to the nearest distance at once, by raised ones.

    Two repeats some way apart make four pairs of incidents in one band, so real near repeats throw shadows on bands far
    off: of 60 towns with planted pairs 24 had a raised band beyond 200 m, of 60 without any 1 had.
    """
    times = int((bands["from_m"] == bands["from_m"].iloc[0]).sum())
    raised = bands["is_raised"].to_numpy().reshape(-1, times)
    block, _ = ndimage.label(raised)
    is_same_place = bands["is_repeat"].to_numpy().reshape(-1, times)
    nearest = is_same_place.copy()
    nearest[int(is_same_place[:, 0].sum()), 0] = True
    joined: NDArray[np.bool_] = np.isin(block, np.unique(block[nearest & raised])) & raised
    return joined.ravel()


def places_in_windows(places: gpd.GeoDataFrame, windows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the places that touch an open window: with ``windows``, ``until_at``, ``times_expected`` of the strongest.

    ``places`` may be villages, buildings, cells or venues; the most windows come first, then the strongest.

    Raises
    ------
    CrsError
        If the two tables are in different CRSs.
    """
    if windows.crs is not None:
        _require(places, windows.crs.to_string(), name="places")
    tree = shapely.STRtree(places.geometry.to_numpy())
    window, place = tree.query(windows.geometry.to_numpy(), predicate="intersects")
    hits = pd.DataFrame({"place": place, "until_at": windows["until_at"].to_numpy()[window],
                         "times_expected": windows["times_expected"].to_numpy()[window]})  # fmt: skip
    summed = hits.groupby("place").agg(
        windows=("until_at", "size"), until_at=("until_at", "max"), times_expected=("times_expected", "max")
    )
    listed = places.iloc[summed.index.to_numpy()].assign(
        **{str(name): values.to_numpy() for name, values in summed.items()}
    )
    return listed.sort_values(["windows", "times_expected"], ascending=False, kind="stable")


# --- dates ---


def _date_interval(incidents: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return first and last possible time in days; a last time missing or before the first is the first."""
    first = incidents["occurred_from"].fillna(incidents["reported_at"])
    last = incidents["occurred_to"]
    return _days_of(first), _days_of(last.where(last >= first, first))


def _days_of(times: pd.Series) -> Floats:
    local = times.dt.tz_localize(None) if times.dt.tz is not None else times
    return (local.to_numpy().astype("datetime64[us]").astype(np.int64) / 86_400e6).astype(np.float64)


@dataclass(frozen=True)
class _Events:
    """Points in an order that no shift, quarter turn or shuffle of the rows changes, so that a seed means the same."""

    xy: Floats
    first: Floats
    last: Floats
    group: Ints | None

    @classmethod
    def of(cls, xy: ArrayLike, first: ArrayLike, last: ArrayLike | None, group: ArrayLike | None) -> "_Events":
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


def _count(
    events: _Events,
    distances_m: Sequence[float],
    days: Sequence[int],
    metric: str,
    permutations: int,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[Ints, Ints, Ints]:
    """Return pairs by (distance band, time band, draw), the same for permutations, and degrees (distance band, n)."""
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

    def count(self, blocks: Sequence[Days], days: Sequence[int], progress: Progress) -> list[Ints]:
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


def _moments(degree: Ints, drawn: Days, days: Sequence[int]) -> tuple[Floats, Floats]:
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


# --- small things ---


def _part(progress: Progress, start: float, share: float) -> Progress:
    """Return a reporter for one part of the work."""
    return lambda done: progress(start + share * done)


def _end_of_window(raised: pd.DataFrame, open_now: pd.DataFrame, reach_m: float) -> int:
    """Return the day after which risk at this distance is no longer raised, going on from the band open now."""
    same = raised[raised["to_m"] == reach_m]
    end = int(open_now.loc[open_now["to_m"] == reach_m, "to_day"].iloc[0])
    while (same["from_day"] == end).any():
        end = int(same.loc[same["from_day"] == end, "to_day"].iloc[0])
    return end


def _require(table: gpd.GeoDataFrame, crs: str, *, name: str) -> None:
    if table.crs is None or not pyproj.CRS(table.crs).equals(pyproj.CRS(crs), ignore_axis_order=True):
        raise CrsError("crs.differ", table=name, found="?" if table.crs is None else table.crs.to_string(), wanted=crs)
    if not is_metric(crs):
        raise CrsError("crs.not_metric", crs=crs)
