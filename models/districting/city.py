"""Zones of a city: a hundred thousand units and hundreds of zones, with the proven gap.

In:     a ``CityProblem``, a seed, a time limit.
Out:    a ``Solution`` as from ``solve``: the answer, its cost, the bound no plan can beat.
Method: ``layout`` (prices and posts), ``border`` (balance and short ways by single moves), both again from the posts
        in the middle of the settled zones; then ``city_bound``.
"""

import itertools
import math
import time

import numpy as np

from models.districting.border import settle_borders
from models.districting.city_bound import city_bound
from models.districting.city_problem import CityProblem, broken_rules_of, minutes_to_post
from models.districting.feasible import is_hopeless
from models.districting.layout import central_posts, joined_to_posts, lay_out
from models.districting.problem import SAME, Floats, Ints
from models.districting.solve import Share, Solution

ROUNDS = 20  # of the layout: 100,000 cells, 300 zones: 4.060 minutes after 10, 4.049 after 20, a second each
TRIES, SETTLINGS, STILL = 3, 4, 1e-4
PROVING = 0.8  # of the time limit: a further round of the bound that would end after it is not begun


def solve_city(ground: CityProblem, *, seed: int, time_limit_s: float, share: Share = lambda _: None) -> Solution:
    """Return a plan of a large ground and the proven bound.

    The plan and one round of the bound are made however short the time; more time goes to the bound, so it never
    makes the plan worse.
    """
    if is_hopeless(ground):
        return Solution(None, math.inf, math.inf, "infeasible")
    started = time.monotonic()
    rng = np.random.default_rng([seed, ground.size, ground.count])
    post, minutes = None, np.empty(0)
    for _ in range(TRIES):
        post, minutes = _planned(ground, rng=rng)
        if post is not None:
            break
    share(0.3)
    if post is None:
        return Solution(None, math.inf, -math.inf, "time")
    cost, rounds, last = float(minutes @ ground.load), itertools.count(1), time.monotonic()

    def enough(bound: float) -> bool:
        nonlocal last
        now = time.monotonic()
        taken, last = now - last, now
        share(1 - 0.7 / (1 + next(rounds)))
        return bound >= cost * (1 - SAME) or now - started + PROVING * taken > time_limit_s

    bound = min(cost, city_bound(ground, np.unique(post, return_inverse=True)[1], minutes, enough=enough))
    share(1.0)
    return Solution(post, cost, bound, "optimal" if bound >= cost * (1 - SAME) else "gap")


def _planned(ground: CityProblem, *, rng: np.random.Generator) -> tuple[Ints | None, Floats]:
    """Return an answer that keeps every rule and the minutes of each unit to its post, or None."""
    layout = lay_out(ground, rng=rng, rounds=ROUNDS)
    posts, zone = layout.posts, joined_to_posts(ground, layout.zone, layout.posts)
    best, best_minutes, least = None, np.empty(0), math.inf
    for _ in range(SETTLINGS):
        zone = settle_borders(ground, zone, posts, rng=rng).zone
        posts = central_posts(ground, zone, posts)
        post = posts[zone]
        minutes = minutes_to_post(ground, post)
        cost = float(minutes @ ground.load)
        if broken_rules_of(ground, post) or cost >= least * (1 - STILL):
            break
        best, best_minutes, least = post, minutes, cost
    return best, best_minutes
