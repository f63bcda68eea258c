"""What a station asks of a plan beside short ways: keep today's map, keep a village, keep a post.

In:     a ``Problem``, today's zone of each unit, and the wishes.
Out:    a ``Problem`` whose plans obey them; every engine of this folder solves it unchanged.
Method: a zone is today's zone ℓ if its post stands in ℓ. So «unit i leaves its zone» is a property of the pair
        (i, j): today_i ≠ today_j, and a wish is a term on the minutes d_ij:

            a price of λ work-minutes a village moved          d_ij + λ / w_i   where today_i ≠ today_j
            unit i is locked to its zone                       d_ij + M         where today_i ≠ today_j
            a post must stand in unit p                        d_pj + M         for every j ≠ p

        M is more than all ways together, so a plan that pays it exists only where none obeys; ``obeys`` tells.
        Counted by the best match of new to old zones (Hungarian), no plan moves more villages than by this rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from models.districting.problem import Floats, Ints, Problem


@dataclass(frozen=True)
class Wishes:
    """What is asked beside short ways.

    Attributes
    ----------
    today
        Number of today's zone of each unit, shape (n,); None if there is no map of today.
    price
        Work-minutes that a plan must save for every village it moves.
    locked
        Units that stay in today's zone.
    fixed_posts
        Units where a post must stand, at most as many as there are zones.
    """

    today: Ints | None = None
    price: float = 0.0
    locked: Sequence[int] = ()
    fixed_posts: Sequence[int] = ()

    def __post_init__(self) -> None:
        if self.today is None and (self.price or len(self.locked)):
            raise ValueError("a price of moving and locked units need today's zones")


def with_wishes(problem: Problem, wishes: Wishes) -> Problem:
    """Return the problem whose minutes carry the wishes."""
    travel, units = problem.travel_min.copy(), np.arange(problem.size)
    forbidden = _forbidding(problem)
    if wishes.today is not None:
        leaves = wishes.today[:, None] != wishes.today[None, :]
        travel += np.where(leaves, wishes.price / _weight(problem)[:, None], 0.0)
        travel[list(wishes.locked)] += np.where(leaves[list(wishes.locked)], forbidden, 0.0)
    for p in wishes.fixed_posts:
        travel[p, units != p] += forbidden
    return replace(problem, load=_weight(problem), travel_min=travel)


def _weight(problem: Problem) -> Floats:
    """Return the loads, none zero: a village without work has a price of moving too."""
    return np.maximum(problem.load, 1e-9 * problem.mean_load)


def _forbidding(problem: Problem) -> float:
    finite = problem.travel_min[np.isfinite(problem.travel_min)]
    return 1e3 * (float(finite.max()) + 1.0)


def obeys(wishes: Wishes, post: Ints) -> bool:
    """Tell whether an answer keeps every locked unit and every fixed post."""
    posts_stand = all(post[p] == p for p in wishes.fixed_posts)
    locked = list(wishes.locked)
    return posts_stand and (not locked or wishes.today is None or bool(
        (wishes.today[post[locked]] == wishes.today[locked]).all()))  # fmt: skip


def moved_by_post(wishes: Wishes, post: Ints) -> int:
    """Return how many units leave the zone of today in which their new post stands."""
    assert wishes.today is not None
    return int((wishes.today[post] != wishes.today).sum())


def moved(today: Ints, post: Ints) -> tuple[int, dict[int, int]]:
    """Return how many units change zone, and today's zone each new zone is, by the match that moves fewest."""
    posts, zone = np.unique(post, return_inverse=True)
    olds, old = np.unique(today, return_inverse=True)
    shared = np.zeros((len(posts), len(olds)), dtype=np.int64)
    np.add.at(shared, (zone, old), 1)
    rows, columns = linear_sum_assignment(-shared)
    names = {int(posts[a]): int(olds[b]) for a, b in zip(rows, columns, strict=True)}
    return int(len(post) - shared[rows, columns].sum()), names
