"""The ways to prove a town's best plan, and how they take turns in one process.

In:     a ``Problem``, an answer to start from, a watch.
Out:    the best answer of all turns and the highest bound.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from models.districting.branch import Branched, branch
from models.districting.listing import LISTS, PATIENT, best_by_lists
from models.districting.problem import Ints, Problem
from models.districting.recut import recut
from models.districting.watch import Watch

FIRST_S = 1.0  # of a short list, before all others: what it does not prove is worth a second process
# Ways to prove in turn, and seconds of each; a turn that ends by itself leaves its time to the next.
TURNS = (("branch", 6.0), ("lists", 60.0), ("branch", math.inf))


def prove(problem: Problem, start: Ints, way: str, *, seed: int, watch: Watch) -> Branched:
    """Prove by a short list ("first"), by "lists", by "branch", or by "turns"; the plan is never worse than the start.

    Which way is quicker does not show beforehand (70 villages: lists 5 s, branching not in 25; or 17 s and 3 s).
    """
    if way == "first":
        return best_by_lists(problem, start, watch=watch.until(time.monotonic() + FIRST_S), seed=seed, lists=LISTS[:1])
    if way == "lists":
        return best_by_lists(problem, start, watch=watch, seed=seed, lists=PATIENT)
    if way == "branch":
        return branch(problem, recut(problem, start, deadline=watch.deadline, seed=seed), watch=watch, seed=seed)
    return _by_turns(problem, start, TURNS, seed=seed, watch=watch)


def _by_turns(
    problem: Problem, start: Ints, turns: Sequence[tuple[str, float]], *, seed: int, watch: Watch
) -> Branched:
    """Try each way briefly before one goes on for long; branching goes on where it stopped."""
    best, left = Branched(start, -math.inf, "time", 0, 0, 0), None
    for way, seconds in turns:
        turn = watch.until(time.monotonic() + seconds)
        if way == "lists":
            more = best_by_lists(problem, best.post, watch=turn, seed=seed)
        else:
            first = recut(problem, best.post, deadline=turn.deadline, seed=seed) if left is None else best.post
            more = branch(problem, first, watch=turn, seed=seed, begin=left)
            left = more.left
        best = replace(more, bound=max(best.bound, more.bound), nodes=best.nodes + more.nodes,
                       solves=best.solves + more.solves, cuts=best.cuts + more.cuts)  # fmt: skip
        if best.ended_by == "optimal" or watch.over():
            break
    return best
