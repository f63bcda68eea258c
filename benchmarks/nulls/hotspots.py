"""Null towns for hotspots with their defaults: ``python -m benchmarks.nulls.hotspots`` writes hotspots.csv beside this.

A run goes on where the table ends, as a town's chance is its own; after a change of answers begin anew by removing it.

In a null town incidents fall as chance has it: anywhere on even land; or at the houses of villages of which some are
busier than others, several at one house by chance; the houses are known to the search. A town is an alarm if any
hotspot is reported in it. The column above_level says whether more alarms than the level allows were seen, at 1 %.

The villages stand a kilometre apart, as what is expected follows differences wider than ``null_bandwidth_m`` (300 m)
only: a village four times as busy as another 400 m away is a hotspot by definition, and no null town.
"""

import csv
import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import stats

from analysis.hotspot_life import follow_hotspots
from analysis.hotspots import find_hotspots
from gis_data.periods import Period
from gis_data.settings import HotspotSettings

SEED = 20240103
TABLE = Path(__file__).with_suffix(".csv")
AT_ONCE = 20
GOALS = ((0, 1_000), (1, 1_000), (2, 100), (3, 100), (2, 1_000), (3, 1_000))  # a case, and the towns it shall have
HEADER = ("method", "null_town", "level", "towns", "alarms", "share", "low_95", "high_95", "above_level", "measured")
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


HDBSCAN = dataclasses.replace(DEFAULTS, method="hdbscan")
CASES: tuple[tuple[str, str, Alarm], ...] = (
    ("Hotspots, any", "houses of unlike villages", lambda rng: not reported_in(at_houses(rng), rng).empty),
    ("Hotspots, any", "even land", lambda rng: not reported_in(even(rng), rng).empty),
    ("Lives of hotspots, any in 2 years", "houses of unlike villages",
     lambda rng: lives_in(at_houses(rng, period=TWO_YEARS, n=600), rng)),
    ("Hotspots, any, HDBSCAN", "houses of unlike villages",
     lambda rng: not reported_in(at_houses(rng), rng, settings=HDBSCAN).empty),
)  # fmt: skip


def alarm(case_and_town: tuple[int, int]) -> bool:
    """Tell whether a town of a case is an alarm; a town's chance is its own, whoever makes it."""
    case, town = case_and_town
    return CASES[case][-1](np.random.default_rng((SEED, case, town)))


def counted() -> dict[tuple[str, str], tuple[int, int]]:
    """Return towns and alarms of each case that the table holds."""
    if not TABLE.exists():
        return {}
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(row["method"], row["null_town"]): (int(row["towns"]), int(row["alarms"])) for row in rows}


def row(method: str, null_town: str, towns: int, alarms: int) -> tuple[object, ...]:
    """Return the row of so many alarms in so many towns, with the exact interval (Clopper & Pearson 1934)."""
    test = stats.binomtest(alarms, towns, DEFAULTS.alpha, alternative="greater")
    interval = stats.binomtest(alarms, towns).proportion_ci(method="exact")
    share = (f"{value:.4f}" for value in (alarms / towns, interval.low, interval.high))
    return method, null_town, DEFAULTS.alpha, towns, alarms, *share, test.pvalue < 0.01, time.strftime("%Y-%m-%d")


def main() -> None:
    """Make the towns, those of the slow cases last, and keep the table as they are made."""
    found = counted()
    with ProcessPoolExecutor(max_workers=2) as pool:
        for case, goal in GOALS:
            name = CASES[case][:2]
            while (towns := found.get(name, (0, 0))[0]) < goal:
                more = [(case, town) for town in range(towns, min(towns + AT_ONCE, goal))]
                found[name] = towns + len(more), found.get(name, (0, 0))[1] + sum(pool.map(alarm, more))
                write(found)
                print(f"{time.strftime('%X')}  {name}: {found[name]}", flush=True)


def write(found: dict[tuple[str, str], tuple[int, int]]) -> None:
    """Write the table at once, so that it is whole whenever a run is stopped."""
    half = TABLE.with_suffix(".part")
    with half.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEADER)
        table.writerows(row(*case[:2], *found[case[:2]]) for case in CASES if case[:2] in found)
    half.replace(TABLE)


if __name__ == "__main__":
    main()
