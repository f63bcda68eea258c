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

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

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
    touching = sorted({(int(post[i]), int(post[j])) for i, near in enumerate(problem.neighbours) for j in near
                       if post[i] < post[j]})  # fmt: skip
    for pair in rng.permutation(len(touching)).tolist():
        a, b = touching[pair]
        members = np.flatnonzero((post == a) | (post == b))
        side = _cut_in_two(problem, members, rng=rng)
        if side is not None:
            after = post.copy()
            after[members] = members[np.argmin(side)]
            after[members[side]] = members[np.argmax(side)]
            return after
    return post


def _cut_in_two(problem: Problem, members: Ints, *, rng: np.random.Generator) -> np.ndarray | None:
    """Return which units lie on one side of a random balanced cut of a random spanning tree, or None."""
    number = np.full(problem.size, -1)
    number[members] = np.arange(len(members))
    ends = [(a, int(number[j])) for a, i in enumerate(members.tolist()) for j in problem.neighbours[i]
            if number[j] > a]  # fmt: skip
    rows, columns = np.array(ends, dtype=np.int64).T
    load, total = problem.load[members], float(problem.load[members].sum())
    for _ in range(TRIES):
        graph = csr_array((1.0 + rng.random(len(rows)), (rows, columns)), shape=(len(members), len(members)))
        order, above = breadth_first_order(minimum_spanning_tree(graph), 0, directed=False)
        below = load.copy()
        for unit in order[:0:-1].tolist():
            below[above[unit]] += below[unit]
        other = total - below
        fits = (below >= problem.lowest) & (below <= problem.highest)
        fits &= (other >= problem.lowest) & (other <= problem.highest)
        fits[0] = False
        options = np.flatnonzero(fits)
        if len(options):
            root = int(rng.choice(options))
            side = np.zeros(len(members), dtype=bool)
            side[root] = True
            for unit in order.tolist():
                side[unit] |= unit != order[0] and bool(side[above[unit]])
            return side
    return None


def _share_above(values: Floats, own: float) -> float:
    near = 1e-9 * max(1.0, abs(own))
    above, equal = (values > own + near).mean(), (np.abs(values - own) <= near).mean()
    return float(100 * (above + equal / 2))
