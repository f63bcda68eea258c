"""Space-time permutation scan: what has newly begun somewhere and still goes on.

In:     incidents by place (villages, or cells) and day, up to today.
Out:    the cylinders (a circle of places, the last so many days) with more incidents than their places and their days
        alone explain; Monte Carlo p of each.
Method: Kulldorff et al. (2005), prospective (Kulldorff 2001): every cylinder ends today. Expected is (incidents of the
        places) x (incidents of the days) / all; the excess is Kulldorff's likelihood ratio; chance is the largest
        excess anywhere after the days were dealt out anew among the incidents. So p is corrected for having looked
        everywhere. For p below 1 / (permutations + 1) a Gumbel curve through the maxima (Abrams et al. 2010).
Null:   places and days are independent: villages that are always busy, and busy days of the whole town, belong to it.
        A rise of the whole town at once is therefore never seen here; the forecast sees it.

Weekly looks at p <= 0.05 raise a false alarm about once in twenty weeks.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.spatial import KDTree

from analysis.counting import require_crs, rows_of_cells
from analysis.piles import excess
from gis_data.periods import Period
from gis_data.progress import Share, silent_share

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ties = Literal["together", "one_by_one"]

MAX_DAYS = 30
MAX_SHARE = 0.5
MIN_CASES = 2
LEAST_STEP_M = 1e-3  # distances are told apart to the millimetre, or rounding would part places on a lattice
SLACK = 1e-9  # likelihood ratios closer than this are equal


COLUMNS: dict[str, str] = {
    "centre": "int64",
    "x": "float64",
    "y": "float64",
    "radius_m": "float64",
    "places": "object",
    "first_day": "int64",
    "days": "int64",
    "count": "int64",
    "expected": "float64",
    "times_expected": "float64",
    "likelihood": "float64",
    "p_value": "float64",
    "p_gumbel": "float64",
}


@dataclass(frozen=True)
class Scan:
    """Clusters, the likeliest first, no place in two of them (columns ``COLUMNS``); the permutations' maxima (k,).

    ``centre`` and ``places`` are row numbers of the places given; ``elsewhere`` counts incidents at none of them.
    """

    clusters: pd.DataFrame
    maxima: Floats
    elsewhere: int = 0


@dataclass(frozen=True)
class Circles:
    """Around each place its neighbours by distance, (m, k) padded with m, and where along them a circle may end.

    ``end`` gives (centre, steps) of each circle, ``cases`` the incidents of its places, ``radius_m`` how far it goes.
    """

    order: Ints
    end: tuple[Ints, Ints]
    cases: Ints
    radius_m: Floats

    @classmethod
    def around(
        cls, xy: Floats, cases: Ints, *, max_radius_m: float, max_share: float = MAX_SHARE, ties: Ties = "together"
    ) -> "Circles":
        """Lay all circles no wider than ``max_radius_m`` that hold at most ``max_share`` of the incidents.

        A circle that only adds places without incidents to a smaller one is left out.
        """
        tree = KDTree(xy)
        most = min(max_share * cases.sum(), cases.sum() - 1)  # nothing can be compared with everything
        orders, ends = [], []
        for centre, near in enumerate(tree.query_ball_point(xy, max_radius_m + LEAST_STEP_M)):
            places = np.asarray(near, dtype=np.int64)
            steps = np.rint(np.hypot(*(xy[places] - xy[centre]).T) / LEAST_STEP_M)
            by_distance = np.lexsort((xy[places, 1], xy[places, 0], steps))
            places, steps = places[by_distance], steps[by_distance]
            held = cases[places].cumsum()
            may_end = held <= most
            if ties == "together":
                may_end[:-1] &= steps[1:] > steps[:-1]
            stops = np.flatnonzero(may_end)
            stops = stops[np.diff(held[stops], prepend=0) > 0]
            orders.append(places[: stops[-1] + 1] if len(stops) else places[:0])
            ends.append(np.column_stack([np.full(len(stops), centre), stops, held[stops], steps[stops]]))
        order = np.full((len(xy), max(map(len, orders))), len(xy))
        for centre, places in enumerate(orders):
            order[centre, : len(places)] = places
        centres, stops, held, steps = np.vstack(ends).T
        return cls(
            order, (centres.astype(np.int64), stops.astype(np.int64)), held.astype(np.int64), steps * LEAST_STEP_M
        )

    def inside(self, values: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the sum of the places' values (m, w) in each circle (circles, w)."""
        padded = np.vstack([values, np.zeros((1, values.shape[1]), dtype=values.dtype)])
        along: NDArray[np.int32] = padded[self.order]
        return np.cumsum(along, axis=1, dtype=np.int32)[self.end]

    def places(self, circle: int) -> Ints:
        """Return the places of one circle, the centre first."""
        centre, stop = self.end[0][circle], self.end[1][circle]
        return self.order[centre, : stop + 1]

    def touching(self, places: Ints) -> NDArray[np.bool_]:
        """Tell which circles hold any of the places."""
        return (np.cumsum(np.isin(self.order, places), axis=1) > 0)[self.end]


def scan(
    place: ArrayLike,
    day: ArrayLike,
    xy: Floats,
    *,
    today: int,
    max_days: int = MAX_DAYS,
    max_radius_m: float,
    max_share: float = MAX_SHARE,
    min_cases: int = MIN_CASES,
    ties: Ties = "together",
    clusters: int = 5,
    permutations: int = 999,
    rng: np.random.Generator,
    progress: Share = silent_share,
) -> Scan:
    """Scan incidents for clusters that are alive today.

    Parameters
    ----------
    place, day
        For each incident (n,) the row of its place in ``xy`` and the number of its day, none after ``today``.
    xy
        Places (m, 2), metres.
    max_days, max_radius_m, max_share
        The longest cylinder, the widest, and the largest share of all incidents its places may have.
    ties
        Places equally far from a centre join a circle "together", so that nothing depends on where north is, or
        "one_by_one" from the south-west, as SaTScan has it.
    clusters
        How many to report at most.

    Returns
    -------
    Scan
        p of a secondary cluster is its rank among the permutations' likeliest ones, so it errs on the safe side.
    """
    # Places are numbered from west to east and cases sorted, so that the same incidents in another order of rows meet
    # the same permutations.
    by_place = np.lexsort((xy[:, 1], xy[:, 0]))
    places, days = np.argsort(by_place)[np.asarray(place, dtype=np.int64)], np.asarray(day, dtype=np.int64)
    order = np.lexsort((days, places))
    places, days, points = places[order], days[order], np.asarray(xy, dtype=float)[by_place]
    # Only days with incidents can begin a cylinder: a longer one that adds empty days is the same cylinder.
    firsts = np.unique(days[days > today - max_days])[::-1]
    if len(firsts) == 0:
        return Scan(_table([]), np.zeros(permutations))
    at_place = np.bincount(places, minlength=len(points))
    circles = Circles.around(points, at_place, max_radius_m=max_radius_m, max_share=max_share, ties=ties)
    window = np.where(days >= firsts[-1], np.searchsorted(-firsts, -days), len(firsts))
    cylinders = _Cylinders(circles, window, len(firsts), min_cases)
    # Only the recent days are dealt: who gets none of them is in no cylinder, whatever older day is his.
    recent = np.flatnonzero(window < len(firsts))
    likelihood = cylinders.likelihood(places[recent], window[recent])
    maxima = _dealt(cylinders, places, window[recent], permutations, rng, progress)
    rows = []
    for circle, length in _likeliest(circles, likelihood, clusters):
        first = int(firsts[length])
        held = _excess(circles.cases[circle], circles.places(circle), places, days >= first, maxima)
        rows.append(_ground(circles, circle, points, by_place) | {"first_day": first, "days": today - first + 1} | held)
    return Scan(_table(rows), maxima)


def _dealt(
    cylinders: "_Cylinders", places: Ints, window: Ints, permutations: int, rng: np.random.Generator, progress: Share
) -> Floats:
    """Return the largest excess of each permutation, the days of ``window`` dealt out anew among the places."""
    maxima = np.empty(permutations)
    for done in range(permutations):
        dealt = rng.choice(len(places), size=len(window), replace=False)
        maxima[done] = cylinders.largest(places[dealt], window)
        progress((done + 1) / permutations)
    return maxima


def _ground(circles: Circles, circle: int, points: Floats, names: Ints) -> dict[str, Any]:
    """Return where a circle lies, its places by the numbers that the caller knows them by."""
    members = circles.places(circle)
    x, y = points[members[0]]
    return {
        "centre": names[members[0]], "x": x, "y": y, "radius_m": circles.radius_m[circle],
        "places": tuple(names[members].tolist()),
    }  # fmt: skip


def _excess(cases: int, members: Ints, places: Ints, recent: NDArray[np.bool_], maxima: Floats) -> dict[str, float]:
    """Return what the recent incidents at the members are above their share of all recent ones, and by what chance."""
    count, expected = int(np.isin(places[recent], members).sum()), cases * int(recent.sum()) / len(places)
    likelihood = float(excess(count, expected, len(places)))
    return {
        "count": count,
        "expected": expected,
        "times_expected": count / expected,
        "likelihood": likelihood,
        "p_value": (1 + int((maxima >= likelihood - SLACK).sum())) / (len(maxima) + 1),
        "p_gumbel": gumbel_tail(maxima, likelihood),
    }


class _Cylinders:
    """All cylinders with what does not change under permutation: expected counts, and the logarithms of them."""

    def __init__(self, circles: Circles, window: Ints, windows: int, min_cases: int) -> None:
        self.circles, self.windows = circles, windows
        total = len(window)
        in_window = np.bincount(window, minlength=windows + 1)[:windows].cumsum()
        expected = circles.cases[:, None] * in_window / total
        self.least = np.maximum(np.floor(expected) + 1, min_cases).astype(np.int32)
        # c ln(c / mu) + (C - c) ln((C - c) / (C - mu)), split into what depends on the count c alone and on mu alone
        counts = np.arange(total + 1)
        self.of_count = special.xlogy(counts, counts) + special.xlogy(total - counts, total - counts)
        outside = np.log(total - expected)
        self.per_case = np.log(expected) - outside
        self.fixed = total * outside

    def counts(self, places: Ints, window: Ints) -> NDArray[np.int32]:
        """Return the incidents in each cylinder (circles, windows) of recent ones at places[i] in window[i]."""
        size = len(self.circles.order) * self.windows
        held = np.bincount(places * self.windows + window, minlength=size).reshape(-1, self.windows)
        return self.circles.inside(held.cumsum(axis=1, dtype=np.int32))

    def likelihood(self, places: Ints, window: Ints) -> Floats:
        """Return the log likelihood ratio of each cylinder, 0 where it holds no more than expected."""
        count = self.counts(places, window)
        value = np.zeros(count.shape)
        high = count >= self.least
        value[high] = self.of_count[count[high]] - count[high] * self.per_case[high] - self.fixed[high]
        return value

    def largest(self, places: Ints, window: Ints) -> float:
        """Return the largest log likelihood ratio."""
        count = self.counts(places, window).ravel()
        high = np.flatnonzero(count >= self.least.ravel())
        if len(high) == 0:
            return 0.0
        cases = count[high]
        value = self.of_count[cases] - cases * self.per_case.ravel()[high] - self.fixed.ravel()[high]
        return float(value.max())


def _likeliest(circles: Circles, likelihood: Floats, wanted: int) -> list[tuple[int, int]]:
    """Return (circle, window) of the likeliest cylinders of which no two share a place."""
    found: list[tuple[int, int]] = []
    free = likelihood.copy()
    size = circles.end[1]
    while len(found) < wanted and free.size and free.max() > SLACK:
        circle, window = np.nonzero(free >= free.max() - SLACK)
        # Of equal ones the smallest and shortest: it names the fewest places.
        best = np.lexsort((window, circles.end[0][circle], circles.radius_m[circle], size[circle]))[0]
        found.append((int(circle[best]), int(window[best])))
        free[circles.touching(circles.places(int(circle[best])))] = 0.0
    return found


def gumbel_tail(maxima: Floats, value: float) -> float:
    """Return the chance of a maximum of at least ``value``, by a Gumbel curve with the maxima's mean and variance."""
    scale = float(maxima.std()) * math.sqrt(6) / math.pi if len(maxima) > 1 else 0.0
    if scale == 0:
        return math.nan
    mode = float(maxima.mean()) - np.euler_gamma * scale
    return -math.expm1(-math.exp(-(value - mode) / scale))


def scan_villages(
    incidents: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    period: Period,
    *,
    max_radius_m: float,
    rng: np.random.Generator,
    **options: Any,  # noqa: ANN401 - as of scan
) -> Scan:
    """Scan villages; ``places`` in the answer are village ids, days are counted from the period's first (0).

    Parameters
    ----------
    incidents
        Reported incidents; ``village_id`` tells the village, ``reported_at`` the day (what the station knew that day),
        ``count`` the incidents a row stands for.
    period
        The days looked at; the last one is today.
    options
        As of ``scan``.

    Raises
    ------
    CrsError
        If the two tables are in different coordinate reference systems.
    """
    require_crs(incidents, villages, name="incidents")
    middle = villages.geometry.representative_point()
    xy = np.column_stack([middle.x, middle.y])
    if "centre_x" in villages:
        centre = villages[["centre_x", "centre_y"]].to_numpy()
        xy = np.where(np.isnan(centre).any(axis=1, keepdims=True), xy, centre)
    ids = villages["village_id"].to_numpy()
    row = pd.Index(ids).get_indexer(incidents["village_id"])
    return _scanned(incidents, row, xy, ids, period, max_radius_m=max_radius_m, rng=rng, **options)


def scan_cells(
    incidents: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    period: Period,
    *,
    max_radius_m: float,
    rng: np.random.Generator,
    **options: Any,  # noqa: ANN401 - as of scan
) -> Scan:
    """Scan the cells that have any incident; ``places`` in the answer are cell ids. Otherwise as ``scan_villages``.

    Raises
    ------
    CrsError
        If the two tables are in different coordinate reference systems.
    """
    row = rows_of_cells(incidents, cells)
    busy = np.unique(row[row >= 0])
    row = np.where(row >= 0, np.searchsorted(busy, row), -1)
    xy, ids = cells[["x", "y"]].to_numpy()[busy], cells["cell_id"].to_numpy()[busy]
    return _scanned(incidents, row, xy, ids, period, max_radius_m=max_radius_m, rng=rng, **options)


def _scanned(
    incidents: gpd.GeoDataFrame,
    row: Ints,
    xy: Floats,
    ids: NDArray[Any],
    period: Period,
    **options: Any,  # noqa: ANN401
) -> Scan:
    within = period.holds(incidents["reported_at"]).to_numpy()
    known = within & (row >= 0)
    count = incidents["count"].to_numpy()
    # By the local clock: days of elapsed time would slip where clocks are put forward.
    day = (incidents["reported_at"].dt.tz_localize(None) - period.start.tz_localize(None)).dt.days.to_numpy()
    found = scan(
        np.repeat(row[known], count[known]), np.repeat(day[known], count[known]), xy, today=period.days - 1, **options
    )
    clusters = found.clusters.assign(
        centre=ids[found.clusters["centre"].to_numpy()],
        places=pd.Series([tuple(ids[list(places)].tolist()) for places in found.clusters["places"]], dtype=object),
    )
    return Scan(clusters, found.maxima, int(count[within & (row < 0)].sum()))


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
