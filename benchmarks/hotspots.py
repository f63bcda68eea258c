"""Clustering incidents that share addresses: weights on distinct points, as we do, against DBSCAN on every row."""

import time
from typing import Any

import numpy as np
from sklearn.cluster import DBSCAN

ROWS, ADDRESSES = 40_000, 6_000
EPS_M, LEAST = 100.0, 40


def run() -> list[dict[str, Any]]:
    """Cluster the same incidents both ways, compare the cluster of every row, then give the ratio of times."""
    rng = np.random.default_rng(20240101)
    centres = rng.uniform(0, 20_000, (300, 2))
    addresses = centres[rng.integers(300, size=ADDRESSES)] + rng.normal(0, 150, (ADDRESSES, 2))
    popularity = rng.pareto(1.5, ADDRESSES) + 0.2
    xy = addresses[rng.choice(ADDRESSES, ROWS, p=popularity / popularity.sum())]

    started = time.perf_counter()
    distinct, spot, weight = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    found = DBSCAN(eps=EPS_M, min_samples=LEAST).fit(distinct, sample_weight=weight)
    ours_s = time.perf_counter() - started

    started = time.perf_counter()
    peer = DBSCAN(eps=EPS_M, min_samples=LEAST).fit(xy)
    peer_s = time.perf_counter() - started

    core = np.isin(spot, found.core_sample_indices_)
    same_core = np.array_equal(np.flatnonzero(core), peer.core_sample_indices_)
    pairs = set(zip(found.labels_[spot][core].tolist(), peer.labels_[core].tolist(), strict=True))
    one_to_one = len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    return [
        {
            "name": "hotspots.repeated_points",
            "peer": "scikit-learn DBSCAN on every row",
            "size": f"{ROWS} rows at {len(distinct)} points",
            "ratio": round(peer_s / ours_s, 2),
            "answers_equal": bool(same_core and one_to_one),
            "ours_s": round(ours_s, 3),
            "peer_s": round(peer_s, 3),
        }
    ]
