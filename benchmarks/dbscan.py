"""A million incidents clustered: rows of one point become one point with a weight, against scikit-learn.

Where rows share their points the peer cannot hold a million (its neighbour lists grow with the square of an address's
rows): it is asked at a size it can, and the million is held against the limit of ten seconds. Where no two rows share a
point it is asked about all of them. Seconds are those of the processor.
"""

from typing import Any

import geopandas as gpd
import numpy as np
from sklearn.cluster import DBSCAN

from analysis.grounds import collapse
from analysis.weighted_dbscan import weighted_dbscan
from benchmarks import timed

ROWS, PEER_ROWS = 1_000_000, 60_000
ADDRESSES_PER_ROW = 0.15
SIDE_M, EPS_M = 30_000, 100.0
LEAST = 200
LIMIT_S = 10.0


def run() -> list[dict[str, Any]]:
    """Compare answers at the peer's size, then measure a million rows, with shared points and without."""
    rng = np.random.default_rng(20240101)
    return [_against_every_row(rng), _million(rng), _million_apart(rng)]


def _against_every_row(rng: np.random.Generator) -> dict[str, Any]:
    incidents, least = _table(_shared_points(rng, PEER_ROWS)), 30
    (ours, core), ours_s = timed(lambda: _weighted(incidents, least))
    xy = np.column_stack([incidents.geometry.x, incidents.geometry.y])
    peer, peer_s = timed(lambda: DBSCAN(eps=EPS_M, min_samples=least).fit(xy))
    same_core = np.array_equal(np.flatnonzero(core), peer.core_sample_indices_)
    return _row(
        "dbscan.every_row", "scikit-learn DBSCAN on every row", f"{PEER_ROWS} rows",
        bool(same_core and _one_to_one(ours[core], peer.labels_[core])), ours_s, peer_s,
    )  # fmt: skip


def _million(rng: np.random.Generator) -> dict[str, Any]:
    incidents = _table(_shared_points(rng, ROWS))
    (labels, core), ours_s = timed(lambda: _weighted(incidents, LEAST))
    # Rows of one point share its label, and every core row has a cluster: checked, as no peer can be asked.
    equal = (labels[core] >= 0).all() and _constant_by_point(incidents, labels)
    size = f"{ROWS} rows, {incidents.geometry.nunique()} points, {labels.max() + 1} clusters"
    return _row("dbscan.million", f"limit of {LIMIT_S:.0f} s", size, bool(equal), ours_s, LIMIT_S)


def _million_apart(rng: np.random.Generator) -> dict[str, Any]:
    xy = _points(rng, ROWS)
    ours, ours_s = timed(lambda: weighted_dbscan(xy, np.ones(ROWS), eps_m=EPS_M, min_weight=LEAST))
    peer, peer_s = timed(lambda: DBSCAN(eps=EPS_M, min_samples=LEAST).fit(xy))
    size = f"{ROWS} rows, no point twice, {ours.labels.max() + 1} clusters"
    equal = np.array_equal(ours.labels, peer.labels_)
    return _row("dbscan.million_apart", "scikit-learn DBSCAN", size, bool(equal), ours_s, peer_s)


def _weighted(incidents: gpd.GeoDataFrame, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cluster of each row (-1 for none) and which rows are core."""
    points, weight, spot = collapse(incidents)
    found = weighted_dbscan(points, weight, eps_m=EPS_M, min_weight=least)
    return found.labels[spot], found.core[spot]


def _shared_points(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Return the points of rows at 600 busy places and between them; a few addresses have very many rows."""
    n = int(rows * ADDRESSES_PER_ROW)
    addresses = _points(rng, n)
    popularity = rng.pareto(1.5, n) + 0.2
    return addresses[rng.choice(n, rows, p=popularity / popularity.sum())]


def _points(rng: np.random.Generator, n: int) -> np.ndarray:
    clustered = rng.uniform(0, SIDE_M, (600, 2))[rng.integers(600, size=n)] + rng.normal(0, 150, (n, 2))
    return np.where(rng.random((n, 1)) < 0.6, clustered, rng.uniform(0, SIDE_M, (n, 2)))


def _table(xy: np.ndarray) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"count": np.ones(len(xy), dtype=np.int64)}, geometry=gpd.points_from_xy(*xy.T), crs=4549)


def _one_to_one(ours: np.ndarray, peer: np.ndarray) -> bool:
    pairs = set(zip(ours.tolist(), peer.tolist(), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def _constant_by_point(incidents: gpd.GeoDataFrame, labels: np.ndarray) -> bool:
    by_point = incidents.assign(x=incidents.geometry.x, y=incidents.geometry.y, label=labels).groupby(["x", "y"])
    return bool((by_point["label"].nunique() == 1).all())


def _row(name: str, peer: str, size: str, equal: bool, ours_s: float, peer_s: float) -> dict[str, Any]:
    return {
        "name": name,
        "peer": peer,
        "size": size,
        "ratio": round(peer_s / ours_s, 2),
        "answers_equal": equal,
        "ours_s": round(ours_s, 2),
        "peer_s": round(peer_s, 2),
    }
