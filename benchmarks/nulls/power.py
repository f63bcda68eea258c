"""How strong an effect must be to be found: ``python -m benchmarks.nulls.power`` writes power.csv beside this file.

With names of methods behind it, only those are measured and the rows of the others stay.

The towns are those of the null runs, with one effect planted at a random place. A run has found it if the method, at
its level, calls the planted place (or type) and calls it the right way: something called elsewhere does not count. So
the rows of no effect are not the share of false alarms, which the null runs give, but that of alarms just there.
"""

import csv
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from analysis.change import compare_periods
from analysis.compare import wilson_interval
from analysis.emerging import emerging, two_windows
from analysis.gi_star import gi_star
from analysis.near_repeat import knox
from analysis.scan import scan
from benchmarks.nulls import hotspots as towns
from benchmarks.nulls import near_repeat_and_change as records
from benchmarks.nulls import patterns as cells

USUAL_RUNS, RUNS = 400, {"Hotspots": 100}  # a search for hotspots takes a third of a second
SEED = 20240102
RECENT = 3  # slices
WEEK = 7
REPEAT_M, REPEAT_DAYS = 100.0, 7
PLANTED_M = 75.0
TABLE = Path(__file__).with_suffix(".csv")
HEADER = ("method", "planted", "strength", "runs", "found", "low_95", "high_95")

Found = Callable[[np.random.Generator, float], bool]


def block(rng: np.random.Generator) -> tuple[int, np.ndarray]:
    """Return the middle and all cells of 3 x 3 cells anywhere in the town."""
    row, col = rng.integers(1, cells.ROWS - 1), rng.integers(1, cells.COLS - 1)
    around = (row + np.arange(-1, 2))[:, None] * cells.COLS + col + np.arange(-1, 2)
    return int(row * cells.COLS + col), around.ravel()


def hot(rng: np.random.Generator, times: float) -> bool:
    """Tell whether Gi* calls the middle of a block that adds to busy cells until it has so many times their mean."""
    middle, planted = block(rng)
    counts = cells.busy(rng)
    counts[planted] += rng.poisson((times - 1) * 0.6, 9)
    return bool(gi_star(counts, cells.NEAR).verdict()[middle] == "hot")


def emerges(rng: np.random.Generator, times: float) -> bool:
    """Tell whether the middle of a block that rose in the last slices has any hot pattern."""
    middle, planted = block(rng)
    counts = cells.slices(rng)
    counts[-RECENT:, planted] = rng.poisson(0.3 * times, (RECENT, 9))
    return bool(emerging(counts, cells.NEAR).pattern[middle].endswith("_hot"))


def changes(rng: np.random.Generator, times: float) -> bool:
    """Tell whether a block at the town's mean, risen in the last slices, is called up against the town's own level."""
    middle, planted = block(rng)
    counts = cells.steady(rng)
    counts[:, planted] = rng.poisson(0.3, (cells.SLICES, 9))
    counts[-RECENT:, planted] = rng.poisson(0.3 * times, (RECENT, 9))
    windows = two_windows(counts, cells.NEAR, recent=RECENT, exposure=counts.sum(axis=1))
    return bool(windows.ratio.words(alpha=0.10)[middle] == "up")


def is_new(rng: np.random.Generator, more: float) -> bool:
    """Tell whether the scan names a village where, with its two neighbours, so many more came in the last week."""
    xy = rng.uniform(0, 10_000, (cells.VILLAGES, 2))
    place = rng.choice(cells.VILLAGES, 300, p=rng.dirichlet(np.ones(cells.VILLAGES)))
    day = rng.choice(cells.DAYS, 300, p=rng.dirichlet(np.full(cells.DAYS, 3.0)))
    village = int(rng.integers(cells.VILLAGES))
    near = np.argsort(np.hypot(*(xy - xy[village]).T))[:3]
    place = np.r_[place, near[np.arange(int(more)) % 3]]
    day = np.r_[day, rng.integers(cells.DAYS - WEEK, cells.DAYS, int(more))]
    found = scan(place, day, xy, today=cells.DAYS - 1, max_radius_m=3_000.0, permutations=199, rng=rng).clusters
    return any(village in places for places in found.loc[found["p_value"] <= 0.05, "places"])


def repeats(rng: np.random.Generator, share_pct: float, *, events: int) -> bool:
    """Tell whether Knox raises a band within 100 m and a week where so many incidents follow another that closely."""
    centres = rng.uniform(0, records.SIDE_M, (records.VILLAGES, 2))
    busy = rng.gamma(2, 1, records.VILLAGES)
    xy = centres[rng.choice(records.VILLAGES, events, p=busy / busy.sum())] + rng.normal(0, 150, (events, 2))
    day = rng.integers(0, 365, events)
    followers = round(events * share_pct / 100)
    first = rng.integers(followers, events, followers)
    angle, reach = rng.uniform(0, 2 * np.pi, followers), REPEAT_M * np.sqrt(rng.random(followers))
    xy[:followers] = xy[first] + np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None]
    day[:followers] = day[first] + rng.integers(0, REPEAT_DAYS, followers)
    bands = knox(xy, day, rng=rng, alpha=records.ALPHA).bands
    near = (bands["to_m"] <= REPEAT_M) & (bands["to_day"] <= REPEAT_DAYS)
    return bool(bands.loc[near, "is_raised"].any())


def rises(rng: np.random.Generator, times: float, *, by: tuple[str, ...]) -> bool:
    """Tell whether one month's rise is called: of the whole town, or of one type, one village, among all of them."""
    mix, busy = np.full(len(records.TYPES), 1 / len(records.TYPES)), np.full(records.VILLAGES, 1 / records.VILLAGES)
    before, now = (records.month(rng, span, mix=mix, busy=busy) for span in (records.APRIL, records.MAY))
    planted: dict[str, object] = {name: {"type": records.TYPES[0], "village_id": 0}[name] for name in by}
    mean = 5 * records.MAY.days / (len(records.TYPES) if "type" in by else 1)
    mean /= records.VILLAGES if "village_id" in by else 1
    added = now.iloc[rng.integers(0, len(now), rng.poisson((times - 1) * mean))].assign(**planted)
    table = compare_periods(
        pd.concat([before, now, added], ignore_index=True), records.MAY, records.APRIL, by=by, alpha=records.ALPHA
    )
    for name, value in planted.items():
        table = table[table[name] == value]
    return bool((table["word"] == "up").any())


def stands_out(rng: np.random.Generator, times: float) -> bool:
    """Tell whether a hotspot is where, within 75 m of a house, so many times the expected incidents fell."""
    xy, share = towns.houses(rng)
    middle = xy[rng.integers(len(xy))]
    near = np.flatnonzero(np.hypot(*(xy - middle).T) <= PLANTED_M)
    added = rng.choice(near, rng.poisson((times - 1) * 400 * share[near].sum()), p=share[near] / share[near].sum())
    town = towns.near_houses(xy, np.concatenate([rng.choice(len(xy), 400, p=share), added]), rng)
    return bool(towns.reported_in(town, rng).dwithin(shapely.Point(middle), PLANTED_M / 2).any())


CASES: tuple[tuple[str, str, tuple[float, ...], Found], ...] = (
    ("Gi*", "3 x 3 cells, times the mean of 0.6 a cell", (1, 2, 3, 4, 5, 6, 8), hot),
    ("Emerging hot spots", "3 x 3 cells in the last 3 of 12 slices, times 0.3 a cell", (1, 2, 3, 4, 5, 6), emerges),
    ("Two windows", "3 x 3 cells in the last 3 of 12 slices, times 0.3 a cell", (1, 2, 3, 4, 5, 6), changes),
    ("Scan", "so many more at 3 of 40 villages in the last week; 300 in 90 days", (0, 3, 5, 7, 9, 12), is_new),
    ("Knox, 250 incidents", "% of incidents within 100 m and 7 days of another", (0, 1, 2, 3, 4, 6, 8),
     lambda rng, share: repeats(rng, share, events=250)),
    ("Knox, 1,000 incidents", "% of incidents within 100 m and 7 days of another", (0, 1, 2, 3, 4, 6, 8),
     lambda rng, share: repeats(rng, share, events=1_000)),
    ("Change, whole town", "times 155 a month", (1, 1.1, 1.2, 1.3, 1.5, 2),
     lambda rng, times: rises(rng, times, by=())),
    ("Change, one of 6 types", "times 26 a month", (1, 1.25, 1.5, 2, 2.5, 3),
     lambda rng, times: rises(rng, times, by=("type",))),
    ("Change, one of 71 villages", "times 2.2 a month", (1, 3, 5, 7, 8, 9, 12),
     lambda rng, times: rises(rng, times, by=("village_id",))),
    ("Hotspots", "within 75 m of a house, times what its houses draw of 400", (1.5, 2, 3, 5, 8), stands_out),
)  # fmt: skip


def rows(methods: Collection[str]) -> Iterator[tuple[object, ...]]:
    """Yield a row of the table for each strength of the methods."""
    for number, (method, planted, strengths, is_found) in enumerate(CASES):
        if method not in methods:
            continue
        runs = RUNS.get(method, USUAL_RUNS)
        for step, strength in enumerate(strengths):
            rng = np.random.default_rng((SEED, number, step))
            found = sum(is_found(rng, strength) for _ in range(runs))
            low, high = (float(limit) for limit in wilson_interval(found, runs))
            yield method, planted, strength, runs, found, f"{low:.3f}", f"{high:.3f}"


def main(methods: Collection[str]) -> None:
    """Plant the effects and write the table; rows of other methods stay."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        kept = [row for row in list(csv.reader(file))[1:] if row[0] not in methods]
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerows([HEADER, *kept])
        for row in rows(methods):
            table.writerow(row)
            file.flush()
            print(f"{time.strftime('%X')}  {row}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or [case[0] for case in CASES])
