"""Near repeats: whether an incident raises the risk around it for a while, and where such a window is open now.

In:     incidents of one type (a date, or a first and a last possible date) in the study's metre CRS.
Out:    one row per distance band and time band with observed and expected pairs, p-value and verdict; the windows that
        are open on a day, and the places inside them.
Method: Knox (1964) over right-open bands [a, b), the same place apart (Johnson & Bowers 2004; Ratcliffe & Rengert
        2008). Dates are permuted over the places; mean and variance are exact (Barton & David 1966); Benjamini &
        Hochberg over all bands. A date known only as an interval is drawn in it anew for each permutation.
Null:   places and dates are independent: fixed busy places and a town-wide season are part of it. A place that is busy
        in one season only is not; ``exchange`` (the quarter, say) then keeps dates inside their season.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from analysis.close_pairs import METRICS, Events, count_pairs, exact_moments
from analysis.compare import false_discovery
from gis_data.errors import CrsError
from gis_data.progress import Share, silent_share
from gis_data.study import is_metric

Floats = NDArray[np.float64]

SAME_PLACE_M = 1.0
DISTANCES_M = (0.0, SAME_PLACE_M, *(100.0 * step for step in range(1, 11)))
DAYS = (0, 7, 14, 21, 28)
FEWEST_EVENTS = 200  # METHODS A.3.6: with fewer events of one type the table says nothing
LEAST_RATIO = 1.2

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

MOMENT_DRAWS = 50


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
    progress: Share = silent_share,
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
    progress: Share = silent_share,
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
    events = Events.of(xy, first_day, last_day, exchange)
    enough = len(events.xy) >= fewest_events
    simulations = permutations if enough else 0
    observed, simulated, degree = count_pairs(events, distances_m, days, metric, simulations, rng, progress)
    mean, sd = exact_moments(degree, events.draws(MOMENT_DRAWS, rng), days)
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


# --- small things ---


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
