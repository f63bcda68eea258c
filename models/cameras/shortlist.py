"""Which of the sites are worth modelling.

In:     sites, and the road points (with their weight) and entrances that each has in sight.
Out:    the rows of the sites kept.
Method: each village keeps the sites that together have most weight in sight (greedy), its entrances first.
"""

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]

POLES_PER_ENTRANCE = 3


def best_sites(
    sites: gpd.GeoDataFrame,
    points_in_sight: sparse.csr_array,
    entrances_in_sight: sparse.csr_array,
    weight: Floats,
    *,
    per_village: int,
) -> NDArray[np.int64]:
    """Return the rows of the sites worth modelling, at most ``per_village`` of each village.

    The cheapest and nearest few poles of each entrance first, then greedily whichever pole brings most new weight
    into sight.
    """
    kept: list[int] = []
    for rows in sites.groupby("village_id", sort=True).indices.values():
        first = _for_entrances(sites, entrances_in_sight, rows)[:per_village]
        kept += _greedy(points_in_sight, weight, rows, first, per_village)
    return np.sort(np.array(kept, dtype=np.int64))


def _for_entrances(sites: gpd.GeoDataFrame, in_sight: sparse.csr_array, rows: NDArray[np.int64]) -> list[int]:
    """Return the few cheapest poles that have each entrance in sight."""
    part = in_sight[rows].tocsc()
    cost = sites["cost_cny"].to_numpy()[rows]
    chosen: list[int] = []
    for e in range(part.shape[1]):
        seers = part.indices[part.indptr[e] : part.indptr[e + 1]]
        chosen += list(rows[seers[np.argsort(cost[seers], kind="stable")[:POLES_PER_ENTRANCE]]])
    return list(dict.fromkeys(chosen))


def _greedy(
    in_sight: sparse.csr_array, weight: Floats, rows: NDArray[np.int64], chosen: list[int], limit: int
) -> list[int]:
    """Add the pole with most new weight in sight until the limit, or until nothing new comes into sight."""
    part = in_sight[rows].astype(np.float64)
    open_weight = np.where(in_sight[chosen].sum(axis=0) > 0, 0.0, weight) if chosen else weight.copy()
    while len(chosen) < limit:
        new = part @ open_weight
        best = int(new.argmax()) if len(new) else 0
        if len(new) == 0 or new[best] <= 0:
            break
        chosen.append(int(rows[best]))
        open_weight[part.indices[part.indptr[best] : part.indptr[best + 1]]] = 0.0
    return chosen
