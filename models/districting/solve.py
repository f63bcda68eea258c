"""One question, the right engine: exact where the units are villages, search with a proven gap where they are cells.

In:     a ``Problem``, a seed, a time limit.
Out:    a ``Solution``: the answer, its cost, the bound no plan can beat, and how the work ended.
"""

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.districting.beside import race, ways
from models.districting.bound import lagrangian_bound
from models.districting.branch import Branched, within_reach
from models.districting.cells_bound import cells_bound
from models.districting.exact import solve_exactly
from models.districting.feasible import is_hopeless, needed_tolerance
from models.districting.partition import PLAN_NODES, whole
from models.districting.problem import SAME, Ints, Problem, broken_rules, objective
from models.districting.search import Found, search, search_many
from models.districting.turns import prove
from models.districting.watch import Watch
from models.districting.whole_zones import no_zones, zones_of

TRIES, AGREE = 4, 4  # searches for a legal plan; starts of one that come to the same best plan
RECOMBINE_S = 10.0  # never met: PLAN_NODES end it, so that more time is never worse
WORTH_STARTING_S = 1.0  # a process that proves takes half a second to start
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
    nodes
        Parts of the search tree that were looked at.
    """

    post: Ints | None
    cost: float
    bound: float
    ended_by: str
    solves: int = 0
    cuts: int = 0
    nodes: int = 0


def solve(
    problem: Problem, *, seed: int, time_limit_s: float, start: Ints | None = None, share: Share = lambda _: None
) -> Solution:
    """Return the best answer to a districting problem.

    Parameters
    ----------
    time_limit_s
        Ends the work, but decides nothing before. A plan proven within it costs the same in every run; how good one is
        that it stops hangs on the machine's speed.
    start
        A plan to begin with, for example today's; the answer is never worse. One that breaks a rule is not used.
    """
    if is_hopeless(problem):
        return Solution(None, math.inf, math.inf, "infeasible")
    if problem.size > EXACT_UP_TO:
        return _searched(problem, start, seed=seed, time_limit_s=time_limit_s, share=share)
    started = time.monotonic()
    rng = np.random.default_rng([seed, problem.size, problem.count])
    deadline, balanced, found = started + time_limit_s, math.isfinite(problem.highest), Found(None, math.inf, math.inf)
    # Many short searches, for a good plan shortens every list that proves it; again where none was legal.
    for _ in range(TRIES if balanced else 1):
        starts, moves = 2 + 2 * problem.size // 3 if balanced else 4, min(170 * problem.size, 12_000)
        found = search(problem, rng=rng, starts=starts, moves=moves, agree=AGREE, deadline=deadline)
        found = _better(problem, _recombined(problem, found, seed=seed), start)
        if found.post is not None:
            break
    share(0.3)
    if found.post is None or not balanced:
        # No answer to start from; or no balance, where the plain model is tight: OR-Library pmed4 in 0.5 s, while
        # zones without a band are too many to list.
        return _straight(problem, found.post, time_limit_s=max(0.0, deadline - time.monotonic()), seed=seed)
    best = _proven(problem, found.post, deadline=deadline, seed=seed, share=share)
    share(1.0)
    cost = objective(problem, best.post)
    return Solution(best.post, cost, min(cost, best.bound), best.ended_by, best.solves, best.cuts, best.nodes)


def _proven(problem: Problem, start: Ints, *, deadline: float, seed: int, share: Share) -> Branched:
    """Prove the best plan: by a short list here, then by all ways side by side in processes of their own."""
    first = prove(problem, start, "first", seed=seed, watch=Watch(deadline))
    if first.ended_by == "optimal" or deadline - time.monotonic() < WORTH_STARTING_S:
        return first
    share(0.4)
    more = race(problem, first.post, ways(), deadline=deadline, seed=seed, share=lambda done: share(0.4 + 0.6 * done))
    if more is None:
        more = prove(problem, first.post, "turns", seed=seed, watch=Watch(deadline))
    return replace(more, bound=max(first.bound, more.bound), solves=first.solves + more.solves)


def _recombined(problem: Problem, found: Found, *, seed: int) -> Found:
    """Return the best plan that the zones of all starts make together."""
    if len(found.plans) < 2 or found.cost == 0:  # a zone for each unit has no way at all
        return found
    zones = no_zones(problem.size).with_others(*(zones_of(problem, post) for post in found.plans))
    best = whole(zones, problem.count, (), found.cost, time_limit_s=RECOMBINE_S, seed=seed, most_nodes=PLAN_NODES)
    return found if best.post is None else replace(found, post=best.post, cost=objective(problem, best.post))


def _better(problem: Problem, found: Found, other: Ints | None) -> Found:
    """Return what was found, or another answer if that keeps the rules and costs less."""
    if other is None or broken_rules(problem, other) or objective(problem, other) >= found.cost:
        return found
    return replace(found, post=other, cost=objective(problem, other))


def _straight(problem: Problem, start: Ints | None, *, time_limit_s: float, seed: int) -> Solution:
    """Give the whole model to HiGHS."""
    open_pairs, bound = within_reach(problem), -math.inf
    if start is not None:
        proof = lagrangian_bound(problem, start, iterations=600)
        open_pairs, bound = open_pairs & proof.open_pairs, proof.value
    proven = solve_exactly(problem, start, open_pairs, time_limit_s=time_limit_s, seed=seed)
    cost = math.inf if proven.post is None else objective(problem, proven.post)
    return Solution(proven.post, cost, min(cost, max(bound, proven.bound)), proven.ended_by, proven.solves, proven.cuts)


def _searched(
    problem: Problem, start: Ints | None, *, seed: int, time_limit_s: float, share: Share = lambda _: None
) -> Solution:
    """Answer a problem of many units by search, with the bound the prices prove.

    The search has its fixed number of moves and the bound at least its first round, also where the time is over.
    """
    deadline = time.monotonic() + time_limit_s
    rng = np.random.default_rng([seed, problem.size, problem.count])
    found = search_many(problem, rng=rng)
    if found.post is None:
        found = search(problem, rng=rng, starts=4, moves=150_000)
    found = _better(problem, found, start)
    share(0.3)
    if found.post is None:
        return Solution(None, math.inf, -math.inf, "time")
    met, rounds = found.cost * (1 - SAME), itertools.count(1)

    def enough(bound: float) -> bool:
        share(1 - 0.7 / (1 + next(rounds)))
        return bound >= met or time.monotonic() > deadline

    bound = min(found.cost, cells_bound(problem, found.cost, enough=enough))
    share(1.0)
    return Solution(found.post, found.cost, bound, "optimal" if bound >= met else "gap")


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
    return search(problem, rng=rng, starts=12, moves=6_000).post is not None
