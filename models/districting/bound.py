"""A proof of how good a plan is: the Lagrangian bound of the balanced p-median.

In:     a ``Problem`` and an answer to it.
Out:    a number no plan can fall below, and the pairs (unit, post) that no better plan can use.
Method: rule (2), «every unit in one zone», gets a price v_i in minutes (u_i = w_i·v_i). What is left falls apart by
        post j into a continuous knapsack that a sort solves:

            V_j(v) = min Σ_i w_i·(d_ij − v_i)·x_ij,  x_jj = 1,  0 ≤ x ≤ 1,  (1−e)W ≤ Σ_i w_i·x_ij ≤ (1+e)W
            L(v)   = Σ_i w_i·v_i + sum of the k smallest V_j                       ≤ every plan's cost

        Splitting units and contiguity are ignored, so L is a bound for the connected, unsplit problem too. v is moved
        by subgradients with Polyak's step, from v_i = half of best plus second best of d_ij + p_j over the answer's
        priced posts: the start decides how near L comes. A pair is ruled out when forcing it lifts L over the cost
        of the answer at hand (reduced costs; Validi, Buchanan & Lykhovyd 2022).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.districting.problem import SLACK, Floats, Ints, Problem, objective
from models.districting.search import fit_prices

POOL = 60  # posts that an iteration looks at (four for each zone, if that is more)
LOOK_EVERY = 10  # iterations between looks at all posts
FIRST_PACE, MOMENTUM, PATIENCE = 0.3, 0.6, 8  # Polyak's step; tuned on 1,612 cells with 6 and 42 zones; on 2,500 cells
# 300 iterations of 60 posts come nearer than 150 of 250, in the same time (gap 1.7 %, 2.0 %)


@dataclass(frozen=True)
class Bound:
    """A proven bound, and which pairs (unit, post) a plan cheaper than the answer at hand may still use."""

    value: float
    open_pairs: NDArray[np.bool_]
    minutes: Floats  # v, the prices that prove it


@dataclass(frozen=True)
class Columns:
    """Some posts j and the minutes from each to all other units, shape (n, m); a post is no other unit to itself."""

    post: Ints
    minutes: Floats

    def only(self, pool: Ints) -> "Columns":
        """Return some of the posts."""
        return Columns(self.post[pool], self.minutes[:, pool])


@dataclass(frozen=True)
class Knapsacks:
    """The cheapest zone of every post at given prices."""

    value: Floats  # V_j
    share: Floats  # x_ij, shape (n, m)
    price: Floats  # multiplier of the load row, minutes: the ratio d_ij − v_i at which the knapsack fills up


def lagrangian_bound(problem: Problem, post: Ints, *, iterations: int) -> Bound:
    """Return a bound on every plan's cost, started from the prices of an answer.

    Between full looks at all posts the iterations see only the posts that were cheapest at the last look. That value
    is too high, never the proof: the proof is taken over all posts and units at the end.
    """
    upper = objective(problem, post)
    columns = columns_of(problem)
    v = _start(problem, post)
    best_v, best, stale, pace = v, -math.inf, 0, FIRST_PACE
    direction = np.zeros(problem.size)
    for step in range(iterations):
        if step % LOOK_EVERY == 0:
            pool = _cheapest_posts(problem, columns, v)
        value, slope = _evaluate(problem, columns.only(pool), v)
        if value > best + 1e-9 * abs(upper):
            best, best_v, stale = value, v, 0
        else:
            stale += 1
        if stale >= PATIENCE:
            pace, stale, v, direction = pace / 2, 0, best_v, np.zeros(problem.size)
            pool = _cheapest_posts(problem, columns, v)
            value, slope = _evaluate(problem, columns.only(pool), v)
            best = value
        direction = slope + MOMENTUM * direction
        steepness = float((problem.load * direction**2).sum())
        if steepness < 1e-12 or upper - best <= 1e-9 * abs(upper) or pace < 1e-3:
            break
        v = v + pace * (upper - value) / steepness * direction
    return _certify(problem, columns, best_v, upper)


def _start(problem: Problem, post: Ints) -> Floats:
    """v_i = ½·(best + second best of d_ij + p_j) over the answer's posts and the prices that make its loads fit."""
    posts = np.unique(post)
    _, prices = fit_prices(problem, posts, np.zeros(len(posts)), steps=300)
    offers = np.sort(problem.travel_min[:, posts] + prices, axis=1)
    second = offers[:, 1] if len(posts) > 1 else offers[:, 0]
    return np.where(np.isfinite(second), (offers[:, 0] + second) / 2, offers[:, 0])


def columns_of(problem: Problem, posts: Ints | None = None, open_pairs: NDArray[np.bool_] | None = None) -> Columns:
    """Return some posts (all if None) with the minutes of the pairs still open."""
    posts = np.arange(problem.size) if posts is None else posts
    others = problem.travel_min[:, posts]
    if open_pairs is not None:
        others = np.where(open_pairs[:, posts], others, np.inf)
    others[posts, np.arange(len(posts))] = np.inf
    return Columns(posts, others)


def _cheapest_posts(problem: Problem, columns: Columns, v: Floats) -> Ints:
    keep = min(problem.size, max(POOL, 4 * problem.count))
    if keep == problem.size:
        return columns.post
    return np.sort(np.argpartition(continuous_knapsacks(problem, columns, v).value, keep - 1)[:keep])


def _evaluate(problem: Problem, columns: Columns, v: Floats) -> tuple[float, Floats]:
    """Return L(v) over some posts, and its slope 1 − Σ_j x_ij for each unit."""
    solved = continuous_knapsacks(problem, columns, v)
    chosen = np.argpartition(solved.value, problem.count - 1)[: problem.count]
    used = solved.share[:, chosen].sum(axis=1)
    used[columns.post[chosen]] += 1
    return float((problem.load * v).sum() + solved.value[chosen].sum()), 1 - used


def continuous_knapsacks(problem: Problem, columns: Columns, v: Floats) -> Knapsacks:
    """Solve every post's continuous knapsack: fill by ratio d_ij − v_i, at least to (1−e)W, at most to (1+e)W."""
    ratio = columns.minutes - v[:, None]
    order = np.argsort(ratio, axis=0)
    ratio = np.take_along_axis(ratio, order, axis=0)
    load = problem.load[order]
    filled = np.cumsum(load, axis=0)
    own = problem.load[columns.post]
    wish = np.where(ratio < 0, load, 0.0).sum(axis=0)
    low, high = problem.lowest - own, problem.highest - own
    target = np.clip(wish, low, high)
    taken = np.clip(target - (filled - load), 0.0, load)
    taken = np.where(np.isfinite(ratio), taken, 0.0)
    value = (np.where(taken > 0, ratio, 0.0) * taken).sum(axis=0) - own * v[columns.post]
    impossible = (high < 0) | (taken.sum(axis=0) < low - SLACK * problem.mean_load)
    share = np.empty_like(taken)
    np.put_along_axis(share, order, np.divide(taken, load, out=np.zeros_like(taken), where=load > 0), axis=0)
    return Knapsacks(np.where(impossible, np.inf, value), share, _fill_price(ratio, filled, wish, target))


def _fill_price(ratio: Floats, filled: Floats, wish: Floats, target: Floats) -> Floats:
    """Return the ratio of the last unit taken where the load row binds, else 0."""
    last = np.minimum((filled < target[None, :]).sum(axis=0), len(ratio) - 1)
    critical = ratio[last, np.arange(ratio.shape[1])]
    return np.where((target == wish) | ~np.isfinite(critical), 0.0, critical)


def _certify(problem: Problem, columns: Columns, v: Floats, upper: float) -> Bound:
    """Evaluate L(v) over all units, and rule out the pairs that would lift it over ``upper``.

    Weak duality holds for any price q_j of the load row, so the pair's toll max(0, w_i·(d_ij − v_i − q_j)) is valid.
    """
    solved = continuous_knapsacks(problem, columns, v)
    order = np.sort(solved.value)
    value = float((problem.load * v).sum() + order[: problem.count].sum())
    to_open = np.maximum(0.0, solved.value - order[problem.count - 1])
    with np.errstate(invalid="ignore"):
        toll = problem.load[:, None] * (problem.travel_min - v[:, None] - solved.price[None, :])
    toll = np.where(np.isfinite(problem.travel_min), np.maximum(0.0, toll), np.inf)
    np.fill_diagonal(toll, 0.0)
    room = upper * (1 + 1e-7) + 1e-9 - value
    open_pairs = to_open[None, :] + toll <= room
    open_pairs &= np.diag(open_pairs)[None, :]
    return Bound(min(value, upper), open_pairs, v)
