"""The proven bound of a few thousand units with a table of all their minutes: ``climbing``, judged over every post.

In:     a ``Problem`` and the cost of an answer.
Out:    a number no plan can fall below.
"""

from collections.abc import Callable

import numpy as np

from models.districting.bound import columns_of, continuous_knapsacks
from models.districting.climbing import Look, raise_bound, spread_posts_evenly
from models.districting.dual import Limits, Offers, bound_over
from models.districting.problem import Floats, Ints, Problem

STEPS, MORE, ROUNDS = 80, 80, 6  # 2,500 cells, 6 zones: gap 4.2, 0.99, 0.98 % after 4, 8, 11 CPU seconds; at last 0.95


def cells_bound(problem: Problem, cost: float, *, enough: Callable[[float], bool]) -> float:
    """Return a bound on every plan's cost; after each round of climbing ``enough`` is asked whether it may end."""
    if cost <= 0:
        return 0.0
    limits = Limits(problem.load, problem.lowest, problem.highest, problem.count)
    columns, size = columns_of(problem), problem.size

    def offers(posts: Ints) -> Offers:
        minutes = problem.travel_min[:, posts].T.astype(np.float32)
        units = np.tile(np.arange(size, dtype=np.int32), len(posts))
        return Offers(posts, np.arange(len(posts)) * size, units, minutes.ravel(), limits)

    def judge(v: Floats, _: Offers) -> tuple[Floats, float, Floats]:
        value = continuous_knapsacks(problem, columns, v).value
        return v, bound_over(limits, v, value), value

    look = Look(offers, judge, lambda posts: problem.travel_min[:, posts].argmin(axis=1))
    first = spread_posts_evenly(problem.neighbours, problem.count)
    mean_min = cost / float(problem.load.sum())
    return raise_bound(
        limits, look, first, mean_min=mean_min, steps=STEPS, more=MORE, rounds=ROUNDS, enough=enough
    ).bound
