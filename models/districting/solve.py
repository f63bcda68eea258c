"""One question, the right engine: exact where the units are villages, search with a proven gap where they are cells.

In:     a ``Problem``, a seed, a time limit.
Out:    a ``Solution``: the answer, its cost, the bound no plan can beat, and how the work ended.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.districting.bound import lagrangian_bound
from models.districting.exact import solve_exactly
from models.districting.feasible import is_hopeless, needed_tolerance
from models.districting.problem import Ints, Problem, objective
from models.districting.search import search

EXACT_UP_TO = 150  # units; measured: 70 villages in 0.2–25 s, cells by the thousand only with a gap
Share = Callable[[float], None]


@dataclass(frozen=True)
class Solution:
    """An answer and its proof; ``post`` is None where none was found.

    Attributes
    ----------
    post
        For each unit the unit of its zone's post.
    cost, bound
        Σ w_i·d_ij of the answer, and what no answer can fall below.
    ended_by
        "optimal", "gap" (search and bound ran to their end), "time", or "infeasible" (proven).
    solves, cuts
        Runs of the exact solver and rows of contiguity it needed.
    """

    post: Ints | None
    cost: float
    bound: float
    ended_by: str
    solves: int = 0
    cuts: int = 0


def solve(problem: Problem, *, seed: int, time_limit_s: float, share: Share = lambda _: None) -> Solution:
    """Return the best answer to a districting problem."""
    if is_hopeless(problem):
        return Solution(None, math.inf, math.inf, "infeasible")
    small = problem.size <= EXACT_UP_TO
    rng = np.random.default_rng([seed, problem.size, problem.count])
    # A better start closes more pairs before the exact solve, which is where the seconds go.
    moves = min(600 * problem.size, 40_000) if small else 150_000
    found = search(problem, rng=rng, starts=12 if small else 4, moves=moves)
    share(0.3)
    if found.post is None and not small:
        return Solution(None, math.inf, -math.inf, "time")
    open_pairs = np.ones((problem.size, problem.size), dtype=bool)
    bound = -math.inf
    if found.post is not None:
        proof = lagrangian_bound(problem, found.post, iterations=600 if small else 150)
        open_pairs, bound = proof.open_pairs, proof.value
    share(0.6)
    if not small:
        assert found.post is not None
        ended = "optimal" if found.cost - bound <= 1e-9 * abs(found.cost) else "gap"
        return Solution(found.post, found.cost, bound, ended)
    proven = solve_exactly(problem, found.post, open_pairs, time_limit_s=time_limit_s, seed=seed)
    share(1.0)
    cost = math.inf if proven.post is None else objective(problem, proven.post)
    return Solution(proven.post, cost, min(cost, max(bound, proven.bound)), proven.ended_by, proven.solves, proven.cuts)


def least_tolerance(problem: Problem, *, seed: int) -> float:
    """Return the least tolerance, in whole per cent, at which the search finds an answer; inf if none up to 100 %.

    The number is one that works, not a proof that a smaller one cannot.
    """
    low, high = math.ceil(100 * (needed_tolerance(problem) - 1e-9)), 101
    while low < high:
        middle = (low + high) // 2
        if works(replace(problem, tolerance=middle / 100), seed=seed):
            high = middle
        else:
            low = middle + 1
    return low / 100 if low <= 100 else math.inf


def nearest_count(problem: Problem, *, seed: int) -> int | None:
    """Return the number of zones nearest to the asked one at which the search finds an answer, or None."""
    for step in range(1, max(problem.count, 4)):
        for count in (problem.count - step, problem.count + step):
            if 1 <= count <= problem.size and works(replace(problem, count=count), seed=seed):
                return count
    return None


def works(problem: Problem, *, seed: int) -> bool:
    """Tell whether the search finds an answer."""
    if is_hopeless(problem):
        return False
    rng = np.random.default_rng([seed, problem.size, problem.count])
    return search(problem, rng=rng, starts=3, moves=6_000).post is not None
