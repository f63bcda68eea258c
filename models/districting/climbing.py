"""How the prices of ``dual`` are climbed over a ground too large to look at all its posts in every step.

In:     how a ground shows posts (``Look``), the mean minutes of a plan, when to stop.
Out:    the best prices and the bound they prove.
Method: 1. From even prices, v_i is moved by the profit of the nearest post: (V_j − median V)/W, which levels whole
           quarters of a city at once.
        2. ``climb`` over posts spread evenly.
        3. The prices are judged over all posts. The cheapest ones join, hopeless ones leave; ``climb`` again from here
           (column generation), until the bound stands still.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.districting.dual import Limits, Offers, climb, falling
from models.districting.problem import Floats, Ints

LEVELLINGS = 3
FIRST_HEATS, NEXT_HEATS = (0.1, 0.002), (0.02, 0.0005)  # first and last τ, in mean minutes
JOIN, HOPELESS = 25, 0.3  # posts a zone that join in a round; the lag (in mean minutes, V/W) at which one leaves
POSTS_A_ZONE, LEAST_POSTS = 30, 350  # of the evenly spread
STILL = 2e-4  # gain of a round, as a share of the bound, under which the climb ends


@dataclass(frozen=True)
class Look:
    """How a ground shows its posts.

    Attributes
    ----------
    offers
        Some posts with the minutes to the units around them.
    judge
        The bound that prices prove over all posts, and the value of every post; the prices may be lowered for it.
    nearest
        The place, among some posts, of the post nearest to each unit.
    """

    offers: Callable[[Ints], Offers]
    judge: Callable[[Floats, Offers], tuple[Floats, float, Floats]]
    nearest: Callable[[Ints], Ints]


@dataclass(frozen=True)
class Climbed:
    """Prices and the bound they prove."""

    v: Floats
    bound: float


def raise_bound(
    limits: Limits, look: Look, first_posts: Ints, *, mean_min: float, steps: int, more: int, rounds: int,
    enough: Callable[[float], bool],
) -> Climbed:  # fmt: skip
    """Climb in rounds; after each ``enough`` is asked whether the bound (or the time) is enough.

    Parameters
    ----------
    steps, more, rounds
        Steps of the first climb, of each further one, and how many of these at most.
    """
    offers = look.offers(first_posts)
    v = _levelled(offers, np.full(len(limits.load), mean_min), look.nearest(offers.post), mean_min)
    best, pool = Climbed(v, -math.inf), first_posts
    for number in range(rounds + 1):
        first, last = NEXT_HEATS if number else FIRST_HEATS
        heats = falling(first * mean_min, last * mean_min, more if number else steps)
        v, _ = climb(offers, v, heats=heats)
        v, bound, value = look.judge(v, offers)
        gained = bound - best.bound
        best = Climbed(v, bound) if gained > 0 else best
        if number == rounds or enough(best.bound) or gained < STILL * abs(bound):
            break
        pool = _next_pool(limits, pool, value, lag=HOPELESS * mean_min * limits.mean_load)
        offers = look.offers(pool)
    return best


def _levelled(offers: Offers, v: Floats, nearest: Ints, mean_min: float) -> Floats:
    for _ in range(LEVELLINGS):
        value, _ = offers.knapsacks(v)
        offers.q = None
        profit = (value - np.median(value)) / offers.limits.mean_load
        v = v + 0.8 * np.clip(profit, -mean_min, mean_min)[nearest]
    return v


def _next_pool(limits: Limits, pool: Ints, value: Floats, *, lag: float) -> Ints:
    """Keep the posts that may still count, and add the cheapest of all."""
    joins = min(JOIN * limits.count, len(value) - 1)
    kth = float(np.partition(value, limits.count - 1)[limits.count - 1])
    cheapest = np.argpartition(value, joins)[:joins]
    return np.union1d(pool[value[pool] <= kth + lag], cheapest)


def spread_posts_evenly(neighbours: tuple[tuple[int, ...], ...], count: int) -> Ints:
    """Return units spread evenly over the ground: the closest net of steps that holds few enough for the zones."""
    most, hops = max(LEAST_POSTS, POSTS_A_ZONE * count), 0
    while len(chosen := _apart(neighbours, hops)) > most:
        hops += 1
    return chosen


def _apart(neighbours: tuple[tuple[int, ...], ...], hops: int) -> Ints:
    """Return units none of which lies within some steps of another."""
    free, chosen = [True] * len(neighbours), []
    for i in range(len(neighbours)):
        if free[i]:
            chosen.append(i)
            seen, edge = {i}, [i]
            for _ in range(hops):
                edge = [m for j in edge for m in neighbours[j] if m not in seen]
                seen.update(edge)
            for m in seen:
                free[m] = False
    return np.array(chosen, dtype=np.int64)
