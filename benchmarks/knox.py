"""Near repeats: 999 permutations of 11 x 4 bands in one pass, against pointpats with one band; and a city's size.

pointpats needs minutes for 999 permutations of 10,000 points, so its time is measured for the table and for a few
permutations and scaled: each of its permutations costs the same. The city runs in a process of its own, for its memory.
Seconds are those of the processor, or a busy machine would spoil the difference of the two.
"""

import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from analysis.near_repeat import knox

TOWN, CITY = 10_000, 50_000
PERMUTATIONS, PEER_PERMUTATIONS = 999, 40
NEAR_M, SOON_DAYS = 500, 14
LIMIT_S = 60.0


def make_points(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n clustered points on 20 x 20 km (296,000 pairs under 500 m at 10,000) and their days of one year."""
    rng = np.random.default_rng(20240101)
    centres = rng.uniform(0, 20_000, (100, 2))
    clustered = centres[rng.integers(100, size=n)] + rng.normal(0, 190, (n, 2))
    xy = np.where(rng.random((n, 1)) < 0.7, clustered, rng.uniform(0, 20_000, (n, 2)))
    return xy, rng.integers(0, 365, n)


def run() -> list[dict[str, Any]]:
    """Compare counts and p-values of one band, then give the ratio of times, and the city's seconds and memory."""
    return [_against_pointpats(), _city_in_own_process()]


def _against_pointpats() -> dict[str, Any]:
    from pointpats.spacetime import Knox  # the bench group; imported here so that the city can run without it

    xy, day = make_points(TOWN)
    Knox(xy[:200], day[:200, None], NEAR_M, SOON_DAYS, permutations=0)  # what is loaded at the first call is not timed
    started = time.process_time()
    Knox(xy, day[:, None], NEAR_M, SOON_DAYS, permutations=0)
    table_s = time.process_time() - started
    np.random.seed(1)  # noqa: NPY002 - pointpats draws from the global generator
    started = time.process_time()
    peer = Knox(xy, day[:, None], NEAR_M, SOON_DAYS, permutations=PEER_PERMUTATIONS)
    peer_s = table_s + (time.process_time() - started - table_s) * PERMUTATIONS / PEER_PERMUTATIONS

    rng = np.random.default_rng(1)
    # pointpats counts up to and with its limits; our bands are right-open.
    one = knox(xy, day, rng=rng, distances_m=[0, NEAR_M + 1e-6], days=[0, SOON_DAYS + 1], permutations=PERMUTATIONS)
    p_value = one.bands["p_value"].item()
    error = math.sqrt(0.25 / PEER_PERMUTATIONS)
    equal = one.bands["observed"].item() == peer.statistic_ and abs(p_value - peer.p_sim) < 3 * error

    started = time.process_time()
    knox(xy, day, rng=rng, permutations=PERMUTATIONS)
    ours_s = time.process_time() - started
    return {
        "name": "knox.all_bands",
        "peer": f"pointpats, one band, scaled from {PEER_PERMUTATIONS} to {PERMUTATIONS} permutations",
        "size": f"{TOWN} points, {int(peer.observed[0].sum())} pairs under {NEAR_M} m",
        "ratio": round(peer_s / ours_s, 1),
        "answers_equal": bool(equal),
        "ours_s": round(ours_s, 2),
        "peer_s": round(peer_s, 1),
    }


def _city_in_own_process() -> dict[str, Any]:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.knox"], cwd=Path(__file__).parents[1], check=True, capture_output=True
    )
    city = json.loads(told.stdout)
    return {
        "name": "knox.city",
        "peer": f"limit of {LIMIT_S:.0f} s and 500 MB",
        "size": f"{CITY} points, {city['pairs']} pairs counted, {city['peak_mb']} MB",
        "ratio": round(LIMIT_S / city["seconds"], 1),
        "answers_equal": city["equal"] and city["peak_mb"] < 500,
        "ours_s": round(city["seconds"], 1),
        "peer_s": LIMIT_S,
    }


def _city() -> dict[str, Any]:
    """Run the city: all bands, 999 permutations; its pairs must be those of a KD-tree."""
    from scipy.spatial import KDTree

    xy, day = make_points(CITY)
    started = time.process_time()
    found = knox(xy, day, rng=np.random.default_rng(1), permutations=PERMUTATIONS).bands
    seconds = time.process_time() - started
    peak_mb = _peak_mb()
    # Scaled time as a third coordinate: nearer than 100 m and less than 1 day apart, the pairs of equal days.
    pairs = KDTree(np.c_[xy, day * 1e6]).count_neighbors(KDTree(np.c_[xy, day * 1e6]), 99.999999)
    one = knox(xy, day, rng=np.random.default_rng(1), distances_m=[0, 99.9999995], days=[0, 1], permutations=1).bands
    return {
        "seconds": seconds,
        "peak_mb": peak_mb,
        "pairs": int(found["observed"].sum()),
        "equal": bool(one["observed"].item() == (pairs - CITY) / 2),
    }


def _peak_mb() -> int:
    """Return this process's peak memory; 0 where the system does not tell."""
    status = Path("/proc/self/status")  # getrusage would answer with the parent's peak
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) // 1000 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    print(json.dumps(_city()))
