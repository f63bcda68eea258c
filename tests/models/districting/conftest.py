"""What the districting tests share: small random grounds, and a judge and a brute force that use none of our code."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
from scipy.spatial import Delaunay

from models.districting.problem import Problem, neighbours_from_pairs


def make_problem(edges, load, travel_min, *, count, tolerance) -> Problem:
    pairs = np.array(list(edges), dtype=np.int64).reshape(-1, 2)
    return Problem(
        np.asarray(load, dtype=float), np.asarray(travel_min, dtype=float), neighbours_from_pairs(len(load), pairs),
        count, tolerance,
    )  # fmt: skip


def grid_edges(width, height):
    return nx.convert_node_labels_to_integers(nx.grid_2d_graph(width, height), ordering="sorted").edges


def grid_problem(width, height, *, count, tolerance, load=None):
    """Unit squares, one minute from each to its neighbour."""
    graph = nx.Graph(grid_edges(width, height))
    travel = np.array(nx.floyd_warshall_numpy(graph, nodelist=range(width * height)))
    return make_problem(
        graph.edges, np.ones(width * height) if load is None else load, travel, count=count, tolerance=tolerance
    )


def random_problem(seed, *, size=9, count=3, tolerance=0.25, honest=False) -> Problem:
    """A random ground; minutes differ by direction.

    Honest: neighbours as on a map, four of five passable, minutes as the crow flies. Else few neighbours, and minutes
    that know nothing of who touches whom, so that the cheapest zones fall apart.
    """
    rng = np.random.default_rng(seed)
    xy = rng.random((size, 2))
    apart = np.hypot(*(xy[:, None] - xy[None]).T)
    edges = set(nx.minimum_spanning_tree(nx.from_numpy_array(apart)).edges)
    if honest:
        near = Delaunay(xy).simplices[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
        edges |= {(a, b) for a, b in np.unique(np.sort(near, axis=1), axis=0).tolist() if rng.random() < 0.8}
        travel = 10 * apart * rng.uniform(0.9, 1.1, apart.shape)
    else:
        edges |= {(i, int(j)) for i in range(size) for j in np.argsort(apart[i])[1:3]}
        travel = rng.uniform(1, 10, apart.shape)
    np.fill_diagonal(travel, 0)
    return make_problem(edges, rng.uniform(1, 4, size), travel, count=count, tolerance=tolerance)


def graph_of(problem) -> nx.Graph:
    graph = nx.Graph((i, j) for i, near in enumerate(problem.neighbours) for j in near)
    graph.add_nodes_from(range(problem.size))
    return graph


def judge(problem, post) -> dict[str, float]:
    """Cost, number of zones, worst deviation and number of pieces of an answer, from first principles."""
    zones = [np.flatnonzero(post == j) for j in np.unique(post)]
    loads = np.array([problem.load[zone].sum() for zone in zones])
    graph = graph_of(problem)
    return {
        "cost": sum(problem.load[i] * problem.travel_min[i, post[i]] for i in range(problem.size)),
        "zones": len(zones),
        "deviation": np.abs(loads / (problem.load.sum() / problem.count) - 1).max(),
        "pieces": sum(nx.number_connected_components(graph.subgraph(zone)) for zone in zones),
        "posts_inside": all(post[j] == j for j in np.unique(post)),
    }


def all_partitions(problem):
    """Every way to cut the ground into connected zones: (worst deviation, least cost), whatever the balance."""
    graph = graph_of(problem)
    mean = problem.load.sum() / problem.count
    cost = problem.load[:, None] * problem.travel_min
    whole: dict[tuple[int, ...], float] = {}
    for rest in product(range(problem.count), repeat=problem.size - 1):
        zone = np.array((0, *rest))
        numbers, first = np.unique(zone, return_index=True)
        if len(numbers) != problem.count or (np.diff(first) < 0).any():
            continue  # each partition once: zones numbered by their first unit
        least = 0.0
        for z in range(problem.count):
            members = tuple(np.flatnonzero(zone == z).tolist())
            if members not in whole:
                inside = nx.is_connected(graph.subgraph(members))
                whole[members] = cost[np.ix_(members, members)].sum(axis=0).min() if inside else np.inf
            least += whole[members]
        if np.isfinite(least):
            loads = np.bincount(zone, weights=problem.load)
            yield np.abs(loads / mean - 1).max(), least


@pytest.fixture(scope="session")
def ground():
    """Return the helpers of this file, by name."""
    from types import SimpleNamespace

    return SimpleNamespace(
        make=make_problem, grid=grid_problem, random=random_problem, judge=judge, all_partitions=all_partitions,
        graph=graph_of,
    )  # fmt: skip
