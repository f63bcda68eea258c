"""GerryChain as a peer: ReCom in short bursts, for the connected and balanced plan that is least by any measure."""

import contextlib
import functools
import itertools
import random
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import networkx as nx
import numpy as np
from gerrychain import Graph, Partition
from gerrychain.constraints import contiguous, within_percent_of_ideal_population
from gerrychain.optimization import SingleMetricOptimizer
from gerrychain.partition import recursive_tree_part
from gerrychain.proposals import recom
from gerrychain.tree import bipartition_tree
from gerrychain.updaters import Tally
from numpy.typing import NDArray

BURST = 10  # steps
WHOLE_NUMBERS = 10_000  # GerryChain wants whole people: a part's mean load is given as so many


def short_bursts(
    load: NDArray[np.float64],
    edges: Iterable[tuple[int, int]],
    count: int,
    *,
    tolerance: float,
    bursts: int,
    measure: Callable[[NDArray[np.int64]], float],
) -> NDArray[np.int64]:
    """Return the part of each unit in the best plan found.

    Parameters
    ----------
    load, edges
        The units' loads, and which units touch.
    count, tolerance
        How many parts, and by how much of the mean a part's load may differ from it.
    measure
        What shall be least, from the part of each unit.
    """
    work = np.maximum(np.round(load / load.sum() * WHOLE_NUMBERS * count), 1).astype(int)
    graph = nx.Graph()
    # In this order: GerryChain numbers nodes as they come.
    graph.add_nodes_from((unit, {"work": people}) for unit, people in enumerate(work.tolist()))
    graph.add_edges_from(edges)

    def measured(partition: Partition) -> float:
        return measure(_parts(partition))

    def halved(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes on what the library gives
        # Without another pair it stops with an error where two parts cannot be cut again within the tolerance.
        return bipartition_tree(*args, **kwargs, allow_pair_reselection=True)

    def proposal(partition: Partition, *, rng: random.Random | int | None = None) -> Partition:
        return recom(partition, "work", WHOLE_NUMBERS, tolerance, 1, bipartition_tree_fn=halved, rng=rng)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = _first_plan(Graph.from_networkx(graph), count, tolerance)
        rules = [within_percent_of_ideal_population(first, tolerance), contiguous]
        search = SingleMetricOptimizer(proposal, rules, first, measured, maximize=False, rng=1)
        for _ in search.short_bursts(BURST, bursts):
            pass
    return _parts(search.best_part)


def _first_plan(graph: Graph, count: int, tolerance: float) -> Partition:
    """Return a random plan; many short tries, for one try may cut itself into a corner and give up after a minute."""
    halved = functools.partial(bipartition_tree, max_attempts=200, warn_attempts=10**6)
    cut = functools.partial(recursive_tree_part, bipartition_tree_fn=halved)
    updaters = {"population": Tally("work", alias="population")}
    for seed in itertools.count():
        with contextlib.suppress(RuntimeError):
            return Partition.from_random_assignment(
                graph, count, tolerance, "work", updaters, partition_fn=cut, rng=seed
            )
    raise AssertionError


def _parts(partition: Partition) -> NDArray[np.int64]:
    names = [partition.assignment[unit] for unit in range(len(partition.graph.nodes))]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
