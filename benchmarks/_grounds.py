"""Grounds that zones are cut from: a town of villages, a grid of cells, a city of a hundred thousand of them.

Loads are uneven: log-normal with sigma 0.9, as a town has with one market and many hamlets; of cells in clusters.
"""

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Delaunay

from models.districting.city_problem import CityProblem, city_from_pairs
from models.districting.problem import Ints, Problem, neighbours_from_pairs

VILLAGES, TOLERANCE, UNEVEN = 70, 0.05, 0.9
CITY, CITY_ZONES, CITY_INCIDENTS = (250, 400), 300, 1_000_000


def town(seed: int, count: int) -> Problem:
    """Return 70 uneven villages: neighbours as on a map, a river that three bridges cross, minutes along neighbours."""
    rng = np.random.default_rng(seed)
    xy = villages(rng)
    triangles = Delaunay(xy).simplices[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    pairs = np.unique(np.sort(triangles, axis=1), axis=0)
    north = xy[:, 1] > 5_000
    over = np.flatnonzero(north[pairs[:, 0]] != north[pairs[:, 1]])
    bridges = over[np.argsort(xy[pairs[over], 0].mean(axis=1))[:: max(len(over) // 3, 1)]]
    pairs = np.delete(pairs, np.setdiff1d(over, bridges), axis=0)
    graph = nx.Graph()
    for a, b in pairs.tolist():
        graph.add_edge(a, b, weight=float(np.hypot(*(xy[a] - xy[b]))) * 1.2 / 25_000 * 60)
    minutes = np.asarray(nx.floyd_warshall_numpy(graph, nodelist=range(VILLAGES)))
    load = 100 * rng.lognormal(0, UNEVEN, VILLAGES)
    return Problem(load, minutes, neighbours_from_pairs(VILLAGES, pairs), count, TOLERANCE)


def villages(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return where a town's villages lie, metres."""
    return rng.uniform(0, 10_000, (VILLAGES, 2))


def cells(seed: int, side: int, count: int) -> Problem:
    """Return a grid of cells half a minute apart, a river that four bridges cross, and incidents in clusters."""
    rng, size = np.random.default_rng(seed), side * side
    pairs = _grid_pairs(side, side)
    place = np.column_stack(np.divmod(np.arange(size), side))
    rate = 0.3 + sum(3 * np.exp(-((place - spot) ** 2).sum(axis=1) / (2 * (side / 25) ** 2))
                     for spot in rng.uniform(0, side, (side // 2, 2)))  # fmt: skip
    load = rng.poisson(rate) + 0.2
    graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    minutes = 0.5 * dijkstra(graph, directed=False)
    return Problem(load.astype(np.float64), minutes, neighbours_from_pairs(size, pairs), count, TOLERANCE)


def _grid_pairs(rows: int, columns: int) -> Ints:
    """Return the touching cells of a grid with a river across its middle that four bridges cross."""
    number = np.arange(rows * columns).reshape(rows, columns)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    down = np.column_stack([number[:-1].ravel(), number[1:].ravel()])
    over, bridges = down[:, 0] // columns == rows // 2 - 1, [int(columns * share) for share in (0.1, 0.35, 0.6, 0.9)]
    return np.vstack([across, down[~over | np.isin(down[:, 0] % columns, bridges)]])


def city(seed: int) -> tuple[CityProblem, NDArray[np.float64]]:
    """Return a city and its cells' rows and columns; a million incidents are counted into it."""
    rows, columns = CITY
    row, column = np.floor(city_points(seed)).astype(np.int64).T
    load = np.bincount(row * columns + column, minlength=rows * columns) + 0.2 * CITY_INCIDENTS / (rows * columns)
    pairs = _grid_pairs(rows, columns)
    ground = city_from_pairs(load, pairs, np.full(len(pairs), 0.5), count=CITY_ZONES, tolerance=TOLERANCE)
    return ground, np.column_stack(np.divmod(np.arange(rows * columns), columns)).astype(np.float64)


def city_points(seed: int) -> NDArray[np.float64]:
    """Return where a million incidents lie, in rows and columns of cells: most of them around sixty spots."""
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, 1, (60, 2)) * CITY
    around = rng.integers(60, size=CITY_INCIDENTS)
    points = spots[around] + rng.normal(0, max(CITY) / 50, (CITY_INCIDENTS, 2))
    anywhere = (rng.random(CITY_INCIDENTS) < 0.3) | ((points < 0) | (points >= CITY)).any(axis=1)
    points[anywhere] = rng.uniform(0, 1, (int(anywhere.sum()), 2)) * CITY
    return points
