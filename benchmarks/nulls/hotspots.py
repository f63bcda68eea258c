"""Null towns for hotspots with their defaults: ``python -m benchmarks.nulls.hotspots`` writes hotspots.csv beside this.

In a null town incidents fall as chance has it: anywhere on even land; or at the houses of villages of which some are
busier than others, several at one house by chance; the houses are known to the search. A town is an alarm if any
hotspot is reported in it. The column above_level says whether more alarms than the level allows were seen, at 1 %.

The villages stand a kilometre apart, as what is expected follows differences wider than ``null_bandwidth_m`` (300 m)
only: a village four times as busy as another 400 m away is a hotspot by definition, and no null town.
"""

import csv
import dataclasses
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import stats

from analysis.compare import wilson_interval
from analysis.hotspot_life import follow_hotspots
from analysis.hotspots import find_hotspots
from gis_data.periods import Period
from gis_data.settings import HotspotSettings

SEED = 20240103
TABLE = Path(__file__).with_suffix(".csv")
HEADER = ("method", "null_town", "level", "towns", "share", "low_95", "high_95", "above_level", "measured")
SIDE_M, VILLAGES, HOUSES, VILLAGE_M = 4_000.0, 16, 900, 120.0
LAND = shapely.box(0, 0, SIDE_M, SIDE_M)
START = pd.Timestamp("2023-01-01", tz="Asia/Shanghai")
YEAR, TWO_YEARS = (Period(START, START + pd.DateOffset(years=years)) for years in (1, 2))
DEFAULTS = HotspotSettings(resamples=0)

Town = tuple[gpd.GeoDataFrame, list[gpd.GeoDataFrame]]
Alarm = Callable[[np.random.Generator], bool]


def incidents(xy: np.ndarray, period: Period, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return incidents at these points at any time of a period."""
    when = period.start + pd.to_timedelta(rng.uniform(0, period.days * 1_440, len(xy)).astype(int), unit="min")
    table = pd.DataFrame({"reported_at": when, "occurred_from": when, "occurred_to": when, "count": 1, "type": "theft"})
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(*xy.T), crs=4549)


def even(rng: np.random.Generator, *, period: Period = YEAR, n: int = 400) -> Town:
    """Return a town whose incidents fall anywhere."""
    return incidents(rng.uniform(0, SIDE_M, (n, 2)), period, rng), []


def houses(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the houses of sixteen villages, a kilometre apart, and the share of a town's incidents that each draws."""
    centres = 1_000.0 * np.column_stack(np.divmod(np.arange(VILLAGES), 4)) + 500 + rng.uniform(-50, 50, (VILLAGES, 2))
    village = rng.integers(VILLAGES, size=HOUSES)
    xy = (centres[village] + rng.normal(0, VILLAGE_M, (HOUSES, 2))).clip(0, SIDE_M)
    share = rng.gamma(4.0, 0.25, VILLAGES)[village]
    return xy, share / share.sum()


def at_houses(rng: np.random.Generator, *, period: Period = YEAR, n: int = 400) -> Town:
    """Return a town whose incidents fall at houses, which are known."""
    xy, share = houses(rng)
    return near_houses(xy, rng.choice(HOUSES, n, p=share), rng, period=period)


def near_houses(xy: np.ndarray, at: np.ndarray, rng: np.random.Generator, *, period: Period = YEAR) -> Town:
    """Return a town of the houses ``xy`` with an incident some metres from each house that ``at`` numbers."""
    spots = (xy[at] + rng.normal(0, 5, (len(at), 2))).clip(0, SIDE_M)
    return incidents(spots, period, rng), [gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=4549)]


def reported_in(town: Town, rng: np.random.Generator, *, settings: HotspotSettings = DEFAULTS) -> gpd.GeoDataFrame:
    """Return the hotspots that are reported in a town."""
    rows, layers = town
    found = find_hotspots(rows, LAND, period=YEAR, settings=settings, rng=rng, opportunity=layers).table
    return found[found["status"] != "chance"]


def lives_in(town: Town, rng: np.random.Generator) -> bool:
    """Tell whether any life of a hotspot is told in a town of two years."""
    rows, layers = town
    found = find_hotspots(rows, LAND, period=TWO_YEARS, settings=DEFAULTS, rng=rng, opportunity=layers)
    return not follow_hotspots(found, period=TWO_YEARS, settings=DEFAULTS, rng=rng).lives.empty


HDBSCAN = dataclasses.replace(DEFAULTS, method="hdbscan", simulations=99)
CASES: tuple[tuple[str, str, int, Alarm], ...] = (
    ("Hotspots, any", "houses of unlike villages", 1_000, lambda rng: not reported_in(at_houses(rng), rng).empty),
    ("Lives of hotspots, any in 2 years", "houses of unlike villages", 100,
     lambda rng: lives_in(at_houses(rng, period=TWO_YEARS, n=600), rng)),
    ("Hotspots, any, HDBSCAN", "houses of unlike villages", 100,
     lambda rng: not reported_in(at_houses(rng), rng, settings=HDBSCAN).empty),
    ("Hotspots, any", "even land", 1_000, lambda rng: not reported_in(even(rng), rng).empty),
)  # fmt: skip


def alarm(case_and_town: tuple[int, int]) -> bool:
    """Tell whether a town of a case is an alarm; a town's chance is its own, whoever makes it."""
    case, town = case_and_town
    return CASES[case][3](np.random.default_rng((SEED, case, town)))


def rows() -> Iterator[tuple[object, ...]]:
    """Yield a row of the table for each case."""
    with ProcessPoolExecutor(max_workers=2) as pool:
        for case, (method, null_town, towns, _) in enumerate(CASES):
            yield row(method, null_town, towns, sum(pool.map(alarm, [(case, town) for town in range(towns)])))


def row(method: str, null_town: str, towns: int, alarms: int) -> tuple[object, ...]:
    """Return the row of so many alarms in so many towns."""
    low, high = (float(limit) for limit in wilson_interval(alarms, towns))
    above = bool(stats.binom.sf(alarms - 1, towns, DEFAULTS.alpha) < 0.01)
    share = (f"{value:.4f}" for value in (alarms / towns, low, high))
    return method, null_town, DEFAULTS.alpha, towns, *share, above, time.strftime("%Y-%m-%d")


def main() -> None:
    """Make all towns and write the table."""
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEADER)
        for one in rows():
            table.writerow(one)
            file.flush()
            print(f"{time.strftime('%X')}  {one}", flush=True)


if __name__ == "__main__":
    main()
