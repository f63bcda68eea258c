"""Null towns for Gi*, emerging hot spots, two windows and the scan: ``python -m benchmarks.nulls.patterns``.

Each town is made so that the method's null is true: counts independent of place (even, or with busy cells anywhere),
the same in every slice, days independent of villages. A town is an alarm if the method calls anything in it at its
level; the share of alarms, or of single cells where a single p is meant, must not exceed the level. The table goes to
patterns.csv beside this file; its last column says whether more alarms than the level allows were seen, at 1 %.

Two choices that are no defaults stand in the table too: mid-p, and the trend in Esri's cube.
"""

import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import stats

from analysis.compare import wilson_interval
from analysis.emerging import emerging, two_windows
from analysis.gi_star import GridNeighbourhood, gi_star, gi_star_weighted
from analysis.scan import scan

TOWNS = 1_000
SEED = 20240101
ROWS, COLS, SLICES, VILLAGES, DAYS = 20, 20, 12, 40, 90
TABLE = Path(__file__).with_suffix(".csv")
HEADER = ("method", "null_town", "level", "towns", "share", "low_95", "high_95", "above_level")

Town = Callable[[np.random.Generator], float]
NEAR = GridNeighbourhood.of(*np.divmod(np.arange(ROWS * COLS), COLS))


def even(rng: np.random.Generator) -> np.ndarray:
    """Return sparse counts that are alike everywhere."""
    return rng.poisson(0.3, ROWS * COLS)


def slices(rng: np.random.Generator) -> np.ndarray:
    """Return slices of a town that is alike everywhere and always."""
    return rng.poisson(0.3, (SLICES, ROWS * COLS))


def busy(rng: np.random.Generator) -> np.ndarray:
    """Return counts with busy cells anywhere, beside each other by chance only."""
    return rng.poisson(rng.gamma(0.4, 1.5, ROWS * COLS))


def steady(rng: np.random.Generator) -> np.ndarray:
    """Return slices of a town whose busy cells stay busy and whose months go up and down together."""
    level = np.outer(rng.gamma(8.0, 1 / 8.0, SLICES), rng.gamma(0.5, 0.6, ROWS * COLS))
    return rng.poisson(level)


def scanned(rng: np.random.Generator) -> bool:
    """Tell whether the scan calls anything new where busy villages and busy days are independent."""
    xy = rng.uniform(0, 10_000, (VILLAGES, 2))
    place = rng.choice(VILLAGES, 300, p=rng.dirichlet(np.ones(VILLAGES)))
    day = rng.choice(DAYS, 300, p=rng.dirichlet(np.full(DAYS, 3.0)))
    found = scan(place, day, xy, today=DAYS - 1, max_radius_m=3_000.0, permutations=99, rng=rng)
    return bool((found.clusters["p_value"] <= 0.05).any())


def weighted(rng: np.random.Generator) -> float:
    """Return the share of cells called by shared deals of half counts."""
    return float((gi_star_weighted(busy(rng) / 2, NEAR, draws=999, rng=rng).p_hot <= 0.05).mean())


def changed(rng: np.random.Generator) -> bool:
    """Tell whether a cell is called changed against the town's own ups and downs."""
    counts = steady(rng)
    windows = two_windows(counts, NEAR, recent=3, exposure=counts.sum(axis=1))
    return bool((windows.ratio.words(alpha=0.10) != "none").any())


CASES: tuple[tuple[str, str, float, Town], ...] = (
    ("Gi*, a cell's p_hot", "even", 0.05, lambda rng: float((gi_star(even(rng), NEAR).p_hot <= 0.05).mean())),
    ("Gi*, a cell's p_hot", "busy cells", 0.05, lambda rng: float((gi_star(busy(rng), NEAR).p_hot <= 0.05).mean())),
    ("Gi*, a cell's p_cold", "busy cells", 0.05, lambda rng: float((gi_star(busy(rng), NEAR).p_cold <= 0.05).mean())),
    ("Gi* weighted, a cell's p_hot", "busy cells", 0.05, weighted),
    ("Gi* mid-p, a cell's p_hot", "busy cells", 0.05,
     lambda rng: float((gi_star(busy(rng), NEAR, mid_p=True).p_hot <= 0.05).mean())),
    ("Gi*, any hot cell", "even", 0.10, lambda rng: (gi_star(even(rng), NEAR).verdict() == "hot").any()),
    ("Gi*, any hot cell", "busy cells", 0.10, lambda rng: (gi_star(busy(rng), NEAR).verdict() == "hot").any()),
    ("Gi*, any cold cell", "busy cells", 0.10, lambda rng: (gi_star(busy(rng), NEAR).verdict() == "cold").any()),
    ("Emerging, any hot slice", "even", 0.10, lambda rng: emerging(slices(rng), NEAR).hot.any()),
    ("Emerging, a cell's trend", "even", 0.05,
     lambda rng: float((emerging(slices(rng), NEAR).trend.p_value <= 0.05).mean())),
    ("Emerging in the cube, a cell's trend", "even", 0.05,
     lambda rng: float((emerging(slices(rng), NEAR, window="cube").trend.p_value <= 0.05).mean())),
    ("Two windows, any changed cell", "steady busy cells", 0.10, changed),
    ("Scan, any cluster", "busy villages, busy days", 0.05, scanned),
)  # fmt: skip


def rows(towns: int = TOWNS) -> Iterator[tuple[object, ...]]:
    """Yield a row of the table for each case."""
    for number, (method, null_town, level, town) in enumerate(CASES):
        rng = np.random.default_rng((SEED, number))
        called = np.array([float(town(rng)) for _ in range(towns)])
        share = called.mean()
        if np.isin(called, (0.0, 1.0)).all():
            low, high = (float(limit) for limit in wilson_interval(called.sum(), towns))
            above = stats.binom.sf(called.sum() - 1, towns, level) < 0.01
        else:  # cells of one town are not independent: the towns are the sample
            error = called.std(ddof=1) / np.sqrt(towns)
            low, high = share - 1.96 * error, share + 1.96 * error
            above = share - 2.33 * error > level
        yield method, null_town, level, towns, f"{share:.4f}", f"{low:.4f}", f"{high:.4f}", bool(above)


def main() -> None:
    """Make all towns and write the table."""
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEADER)
        for row in rows():
            table.writerow(row)
            print(f"{time.strftime('%X')}  {row}")


if __name__ == "__main__":
    main()
