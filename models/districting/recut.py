"""A better plan from a good one: a few touching zones at a time are cut again, each time in the best way there is.

In:     a ``Problem``, an answer, a moment to stop.
Out:    an answer that no other cut of any two (or three) of its touching zones improves, if the time allowed.
        What is tried never depends on the time: more of it only goes further.
Method: the ground of the chosen zones is a problem of its own, with the band of the whole town; ``branch`` solves it.
"""

import itertools
import time

import numpy as np

from models.districting.branch import branch
from models.districting.problem import Ints, Problem, objective
from models.districting.watch import Watch

NODES = 60  # parts of a search tree for one cut; two or three zones of a town take 1 to 20
LONGEST = 3_000  # unfinished zones of a post in a list: few, for time is looked at between cuts only


def recut(problem: Problem, post: Ints, *, deadline: float, seed: int) -> Ints:
    """Cut pairs, then threes, of touching zones again until no cut helps; ends at a time of the monotonic clock."""
    for zones in (2, 3):
        tried: set[tuple[int, ...]] = set()
        while (group := _next_group(problem, post, zones, tried)) is not None:
            if time.monotonic() > deadline:
                return post
            tried.add(_footprint(post, group))
            post = _cut_again(problem, post, group, deadline=deadline, seed=seed)
    return post


def _next_group(problem: Problem, post: Ints, zones: int, tried: set[tuple[int, ...]]) -> tuple[int, ...] | None:
    """Return a connected group of zones, not cut in this shape before, or None."""
    touching = {(int(post[i]), int(post[j])) for i, near in enumerate(problem.neighbours) for j in near}
    for group in itertools.combinations(np.unique(post).tolist(), zones):
        joined = sum((a, b) in touching for a, b in itertools.combinations(group, 2))
        if joined >= zones - 1 and _footprint(post, group) not in tried:
            return group
    return None


def _footprint(post: Ints, group: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(np.isin(post, group)).tolist())


def _cut_again(problem: Problem, post: Ints, group: tuple[int, ...], *, deadline: float, seed: int) -> Ints:
    units = np.flatnonzero(np.isin(post, group))
    number = np.full(problem.size, -1)
    number[units] = np.arange(len(units))
    near = tuple(tuple(int(number[j]) for j in problem.neighbours[i] if number[j] >= 0) for i in units.tolist())
    part = Problem(
        problem.load[units], problem.travel_min[np.ix_(units, units)], near, len(group), problem.tolerance,
        band=problem.limits,
    )  # fmt: skip
    before = number[post[units]]
    found = branch(part, before, watch=Watch(deadline), seed=seed, most_nodes=NODES, longest=LONGEST).post
    if objective(part, found) >= objective(part, before) - 1e-9:
        return post
    better = post.copy()
    better[units] = units[found]
    return better
