"""What a station asks of a plan beside short ways: keep today's map, keep a village, keep a post.

In:     a ``Problem``, today's zone of each unit, and the wishes.
Out:    a ``Problem`` whose plans obey them; every engine of this folder solves it unchanged.
Method: a zone is today's zone ℓ if its post stands in ℓ. So «unit i leaves its zone» is a property of the pair
        (i, j): today_i ≠ today_j, and a wish is a term on the minutes d_ij:

            a price of λ work-minutes a village moved          d_ij + λ / w_i   where today_i ≠ today_j
            unit i is locked to its zone                       d_ij + M / w_i   where today_i ≠ today_j
            a post must stand in unit p                        d_pj + M / w_p   for every j ≠ p
            a price of another property of the pair            d_ij + extra_ij

        M is more than all ways together, so a plan that pays it exists only where none obeys; ``obeys`` tells.
        Where two new posts stand in one zone of today this rule may count fewer villages than the best match of new to
        old zones (Hungarian); ``villages_moved`` is the greater of the two.
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
    extra_min
        Priced minutes of each pair (unit, post) for anything else, shape (n, n).
    """

    today: Ints | None = None
    price: float = 0.0
    locked: Sequence[int] = ()
    fixed_posts: Sequence[int] = ()
    extra_min: Floats | None = None

    def __post_init__(self) -> None:
        if self.today is None and (self.price or len(self.locked)):
            raise ValueError("a price of moving and locked units need today's zones")


def with_wishes(problem: Problem, wishes: Wishes) -> Problem:
    """Return the problem whose minutes carry the wishes."""
    weight, units = weight_of(problem), np.arange(problem.size)
    travel = problem.travel_min if wishes.extra_min is None else problem.travel_min + wishes.extra_min
    cost = weight[:, None] * travel
    leaves = None if wishes.today is None else wishes.today[:, None] != wishes.today[None, :]
    if leaves is not None:
        cost = cost + np.where(leaves, wishes.price, 0.0)
    forbidden = float(np.where(np.isfinite(cost), cost, 0.0).max(axis=1).sum()) + problem.mean_load
    if leaves is not None:
        cost[list(wishes.locked)] += np.where(leaves[list(wishes.locked)], forbidden, 0.0)
    for p in wishes.fixed_posts:
        cost[p, units != p] += forbidden
    return replace(problem, load=weight, travel_min=cost / weight[:, None])


def weight_of(problem: Problem) -> Floats:
    """Return the loads, none zero: a village without work has a price too."""
    return np.maximum(problem.load, 1e-9 * problem.mean_load)


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


def paid(problem: Problem, wishes: Wishes, post: Ints) -> float:
    """Return what an answer pays in work-minutes for its wishes: moves and other priced properties."""
    moves = 0.0 if wishes.today is None else wishes.price * moved_by_post(wishes, post)
    if wishes.extra_min is None:
        return moves
    return moves + float((weight_of(problem) * wishes.extra_min[np.arange(problem.size), post]).sum())


def villages_moved(today: Ints, post: Ints) -> int:
    """Return how many units a plan moves, by the post's zone or by the best match, whichever is more."""
    return max(int((today[post] != today).sum()), moved(today, post)[0])


def moved(today: Ints, post: Ints) -> tuple[int, dict[int, int]]:
    """Return how many units change zone, and today's zone each new zone is, by the match that moves fewest."""
    posts, zone = np.unique(post, return_inverse=True)
    olds, old = np.unique(today, return_inverse=True)
    shared = np.zeros((len(posts), len(olds)), dtype=np.int64)
    np.add.at(shared, (zone, old), 1)
    rows, columns = linear_sum_assignment(-shared)
    names = {int(posts[a]): int(olds[b]) for a, b in zip(rows, columns, strict=True)}
    return int(len(post) - shared[rows, columns].sum()), names
