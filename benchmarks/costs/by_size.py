"""Seconds and memory of the chief functions, from a thousand to ten million incidents.

``python -m benchmarks.costs.by_size`` writes by_size.csv beside this file; with names of functions behind it, only they
are measured and the rows of the others stay. Each size of each function runs in a process of its own: seconds are those
of the processor, megabytes the most it held beyond the table it was given. The city is always the same, 20 x 20 km with
6,400 cells of 250 m and 71 villages, and two years long, so that only the incidents grow. A size that would take more
than a limit, if seconds grow as from the last size but one to the last and megabytes as the incidents, is not run: the
note says how many hours, and how many gigabytes where only they are too many.
"""

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.change import compare_periods
from analysis.density import density_cells
from analysis.emerging import emerging_cells
from analysis.gi_star import gi_star_cells
from analysis.hotspots import find_hotspots
from analysis.hours import hours_by_weekday
from analysis.near_repeat import find_near_repeats
from analysis.scan import scan_villages
from gis_data.periods import Period
from gis_data.settings import HotspotSettings

TABLE = Path(__file__).with_suffix(".csv")
SIZES = tuple(10**power for power in range(3, 8))
LIMIT_S, LIMIT_MB = 3_600, 8_000
CRS, SIDE_M, CELL_M, VILLAGES = "EPSG:4549", 20_000, 250, 71
TYPES = ("theft", "burglary", "assault", "neighbour", "crash", "other_help")
ZONE = "Asia/Shanghai"
YEARS = Period(pd.Timestamp("2022-01-01", tz=ZONE), pd.Timestamp("2024-01-01", tz=ZONE))
MONTHS = pd.date_range(YEARS.start, YEARS.end, freq="MS")
HEADER = ("function", "incidents", "cpu_s", "peak_mb", "table_mb", "note")

Rng = np.random.Generator


def city(n: int, rng: Rng) -> gpd.GeoDataFrame:
    """Return n incidents, seven of ten at a hundred busy places, on points of whole metres, in two years."""
    busy = rng.uniform(0, SIDE_M, (100, 2))[rng.integers(100, size=n)] + rng.normal(0, 300, (n, 2))
    xy = np.where(rng.random((n, 1)) < 0.7, busy, rng.uniform(0, SIDE_M, (n, 2))).clip(0, SIDE_M - 1).round()
    from_start = pd.to_timedelta(rng.integers(0, int(YEARS.days) * 1440, n), unit="min")
    at = pd.Series(YEARS.start + from_start)
    until = at + pd.to_timedelta(np.where(rng.random(n) < 0.4, 0, rng.integers(0, 600, n)), unit="min")
    villages = np.array([f"V{number}" for number in range(VILLAGES)])
    return gpd.GeoDataFrame(
        {
            "reported_at": until, "occurred_from": at, "occurred_to": until, "count": np.ones(n, dtype=np.int64),
            "type": pd.Series(np.array(TYPES)[rng.integers(len(TYPES), size=n)], dtype="str"),
            "incident_class": "criminal",
            "village_id": pd.Series(villages[rng.integers(VILLAGES, size=n)], dtype="str"),
        },
        geometry=gpd.points_from_xy(*xy.T), crs=CRS,
    )  # fmt: skip


def cells() -> gpd.GeoDataFrame:
    """Return the squares of the grid."""
    across = SIDE_M // CELL_M
    row, col = np.divmod(np.arange(across**2), across)
    west, south = col * CELL_M, row * CELL_M
    return gpd.GeoDataFrame(
        {"cell_id": np.arange(across**2), "row": row, "col": col, "x": west + CELL_M / 2, "y": south + CELL_M / 2,
         "area_m2": float(CELL_M**2)},
        geometry=shapely.box(west, south, west + CELL_M, south + CELL_M), crs=CRS,
    )  # fmt: skip


def villages(rng: Rng) -> gpd.GeoDataFrame:
    """Return villages as points."""
    names = [f"V{number}" for number in range(VILLAGES)]
    return gpd.GeoDataFrame(
        {"village_id": names}, geometry=gpd.points_from_xy(*rng.uniform(0, SIDE_M, (2, VILLAGES))), crs=CRS
    )


def _change(incidents: gpd.GeoDataFrame, rng: Rng) -> object:  # noqa: ARG001
    middle = pd.Timestamp("2023-01-01", tz=ZONE)
    now, before = Period(middle, YEARS.end), Period(YEARS.start, middle)
    return compare_periods(incidents, now, before, by=["type", "village_id"], bands=True)


def _hotspots(incidents: gpd.GeoDataFrame, rng: Rng) -> object:
    land = shapely.box(0, 0, SIDE_M, SIDE_M)
    return find_hotspots(incidents, land, period=YEARS, settings=HotspotSettings(), rng=rng)


def _scan(incidents: gpd.GeoDataFrame, rng: Rng) -> object:
    last = Period(pd.Timestamp("2023-10-03", tz=ZONE), YEARS.end)
    return scan_villages(incidents, villages(rng), last, max_radius_m=3_000, rng=rng)


WORK: dict[str, Callable[[gpd.GeoDataFrame, Rng], object]] = {
    "hours_by_weekday": lambda table, _: hours_by_weekday(table["occurred_from"], table["occurred_to"], table["count"]),
    "compare_periods, type x village x band": _change,
    "gi_star_cells": lambda table, _: gi_star_cells(table, cells()),
    "density_cells": lambda table, _: density_cells(table, cells(), cell_m=CELL_M, years=YEARS.years, bandwidth_m=500),
    "emerging_cells, 24 months": lambda table, _: emerging_cells(table, cells(), MONTHS, recent=3),
    "scan_villages, 90 days, 999 permutations": _scan,
    "find_hotspots, 199 redraws, 99 resamples": _hotspots,
    "find_near_repeats, 44 bands, 999 permutations": lambda table, rng: find_near_repeats(table, crs=CRS, rng=rng),
}


def measure(function: str, n: int) -> dict[str, object]:
    """Run one function on one size in this process and return its seconds and megabytes."""
    resource.setrlimit(resource.RLIMIT_CPU, (2 * LIMIT_S, 2 * LIMIT_S))
    rng = np.random.default_rng(20240101)
    WORK[function](city(500, rng), rng)  # what is loaded at the first call is not counted
    empty_mb = _memory_mb("VmRSS")
    incidents = city(n, rng)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak so far was that of making the table
    before_mb = _memory_mb("VmRSS")
    started = time.process_time()
    WORK[function](incidents, rng)
    return {
        "cpu_s": round(time.process_time() - started, 3),
        "peak_mb": max(round(_memory_mb("VmHWM") - before_mb), 0),
        "table_mb": max(round(before_mb - empty_mb), 0),
    }


def _memory_mb(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) / 1024


def _in_own_process(function: str, n: int) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks.costs.by_size", "--measure", function, str(n)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return {"note": f"not done within {2 * LIMIT_S} s or the memory" if done.returncode < 0 else said[-1]}
    found: dict[str, object] = json.loads(done.stdout)
    return found


def rows(function: str) -> Iterator[dict[str, object]]:
    """Yield a row for each size; after one that is not done no larger one is tried."""
    seconds: list[float] = []
    held_mb = 0.0
    for n in SIZES:
        times = seconds[-1] / max(seconds[-2], 0.001) if len(seconds) > 1 else 1.0
        ahead_s, ahead_mb = seconds[-1] * times if seconds else 0.0, held_mb * 10
        row: dict[str, object] = {"function": function, "incidents": n, "note": ""}
        if ahead_s > LIMIT_S or ahead_mb > LIMIT_MB:
            memory = f", {ahead_mb / 1000:.0f} GB" if ahead_s <= LIMIT_S else ""
            row["note"] = f"not run: about {ahead_s / 3600:,.1f} h of one processor ({times:.0f} times a size){memory}"
            seconds.append(ahead_s)
            held_mb = ahead_mb
        else:
            row |= _in_own_process(function, n)
            seconds.append(float(str(row.get("cpu_s", "inf"))))
            held_mb = float(str(row.get("peak_mb", 0)))
        yield row


def main(functions: Collection[str]) -> None:
    """Measure functions and write the table; rows of others stay."""
    kept: dict[str, list[dict[str, str]]] = {}
    with TABLE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            kept.setdefault(row["function"], []).append(row)
    for function in functions:
        kept[function] = []
        for found in rows(function):
            kept[function].append({key: str(found.get(key, "")) for key in HEADER})
            sys.stdout.write(f"{time.strftime('%X')}  {found}\n")
            sys.stdout.flush()
            with TABLE.open("w", newline="", encoding="utf-8") as file:
                table = csv.DictWriter(file, HEADER, lineterminator="\n")
                table.writeheader()
                table.writerows(one for name in WORK for one in kept.get(name, []))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        sys.stdout.write(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        main(sys.argv[1:] or list(WORK))
