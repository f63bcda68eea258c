"""A yardstick for a map: how it compares with many random legal plans of the same ground.

In:     a districting ``Problem``, a random generator, the number of plans.
Out:    travel and balance of each random plan, and the share of them that a given map beats.
Method: recombination of two touching zones by a random spanning tree (ReCom: DeFord, Duchin & Solomon 2021): draw a
        touching pair, join it, draw a spanning tree (least tree of random weights), find the edges whose removal
        leaves both sides within the band, cut one at random. The chain starts at a given plan and a plan is taken
        every ``thin`` steps. It is a sample of legal plans, not the uniform one: a statement against it is a
        yardstick, no test of significance.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.districting.problem import Floats, Ints, Problem, broken_rules, objective, recentred, zone_loads

TRIES = 40  # trees drawn for a pair before another pair is drawn


@dataclass(frozen=True)
class Ensemble:
    """Random legal plans: mean minutes to the post and the busiest zone over the mean, one value a plan."""

    travel_min: Floats
    max_ratio: Floats
    plans: int
    distinct: int

    def beaten(self, *, travel_min: float, max_ratio: float) -> tuple[float, float]:
        """Return the share of the plans, in per cent, that a map beats in travel and in balance; a tie counts half."""
        return _share_above(self.travel_min, travel_min), _share_above(self.max_ratio, max_ratio)


def sample_plans(problem: Problem, start: Ints, *, plans: int, thin: int, rng: np.random.Generator) -> Ensemble:
    """Draw random legal plans.

    Raises
    ------
    ValueError
        If the plan to start from breaks a rule.
    """
    if broken := broken_rules(problem, start):
        raise ValueError(f"the plan to start from breaks {broken}")
    post, work = start, float(problem.load.sum())
    travel, ratio, seen = np.empty(plans), np.empty(plans), set()
    for number in range(plans):
        for _ in range(thin):
            post = recombined(problem, post, rng=rng)
        best = recentred(problem, post)
        travel[number] = objective(problem, best) / work
        ratio[number] = float(zone_loads(problem, best).max()) / problem.mean_load
        seen.add(best.tobytes())
    return Ensemble(travel, ratio, plans, len(seen))


def recombined(problem: Problem, post: Ints, *, rng: np.random.Generator) -> Ints:
    """Return the plan after one step of the chain (the same plan if no pair drawn could be cut again)."""
    ends = _edges(problem)
    zone = post[ends]
    border = zone[:, 0] != zone[:, 1]
    touching = np.unique(np.sort(zone[border], axis=1), axis=0)
    for pair in rng.permutation(len(touching)).tolist():
        inside = np.isin(zone, touching[pair]).all(axis=1)
        members = np.flatnonzero(np.isin(post, touching[pair]))
        side = _cut_in_two(problem, members, ends[inside], rng=rng)
        if side is not None:
            after = post.copy()
            after[members] = members[np.argmin(side)]
            after[members[side]] = members[np.argmax(side)]
            return after
    return post


@lru_cache(maxsize=1)
def _edges(problem: Problem) -> Ints:
    """Return the touching pairs, shape (m, 2), the lower number first."""
    pairs = [(i, j) for i, near in enumerate(problem.neighbours) for j in near if i < j]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _cut_in_two(problem: Problem, members: Ints, edges: Ints, *, rng: np.random.Generator) -> NDArray[np.bool_] | None:
    """Return which units lie on one side of a random balanced cut of a random spanning tree, or None."""
    number = np.full(problem.size, -1)
    number[members] = np.arange(len(members))
    edges = number[edges]
    load = problem.load[members]
    total = float(load.sum())
    # Both sides fit where the one below the edge does and leaves the other enough.
    least, most = max(problem.lowest, total - problem.highest), min(problem.highest, total - problem.lowest)
    for _ in range(TRIES):
        order, above = _random_tree(len(members), edges[rng.permutation(len(edges))].tolist())
        below = load.tolist()
        for unit in order[:0:-1]:
            below[above[unit]] += below[unit]
        options = [unit for unit in order[1:] if least <= below[unit] <= most]
        if options:
            root = options[int(rng.integers(len(options)))]
            side = [False] * len(members)
            side[root] = True
            for unit in order[1:]:
                side[unit] = side[unit] or side[above[unit]]
            return np.array(side)
    return None


def _random_tree(size: int, edges: list[list[int]]) -> tuple[list[int], list[int]]:
    """Return the tree that the edges, taken in their order, span (Kruskal): units from the root on, and their parents.

    In plain Python: for the dozens of units of two zones it takes a fifth of the time of building sparse matrices.
    """
    group = list(range(size))
    near: list[list[int]] = [[] for _ in range(size)]
    for a, b in edges:
        root, other = a, b
        while group[root] != root:
            group[root] = root = group[group[root]]
        while group[other] != other:
            group[other] = other = group[group[other]]
        if root != other:
            group[root] = other
            near[a].append(b)
            near[b].append(a)
    order, above = [0], [-1] * size
    for unit in order:
        for after in near[unit]:
            if after != above[unit]:
                above[after] = unit
                order.append(after)
    return order, above


def _share_above(values: Floats, own: float) -> float:
    near = 1e-9 * max(1.0, abs(own))
    above, equal = (values > own + near).mean(), (np.abs(values - own) <= near).mean()
    return float(100 * (above + equal / 2))
