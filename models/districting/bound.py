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

NEAREST_ZONES = 3.0  # zones' worth of units per post that the iterations look at; the proof looks at all units


@dataclass(frozen=True)
class Bound:
    """A proven bound, and which pairs (unit, post) a plan cheaper than the answer at hand may still use."""

    value: float
    open_pairs: NDArray[np.bool_]


@dataclass(frozen=True)
class _Columns:
    """The nearest units of each post: indices, minutes and loads, shape (m, n), the post itself left out."""

    unit: Ints
    minutes: Floats
    load: Floats


@dataclass(frozen=True)
class _Knapsacks:
    value: Floats  # V_j
    share: Floats  # x_ij of the nearest units, shape (m, n)
    price: Floats  # multiplier of the load row, minutes: the ratio d_ij − v_i at which the knapsack fills up


def lagrangian_bound(problem: Problem, post: Ints, *, iterations: int) -> Bound:
    """Return a bound on every plan's cost, started from the prices of an answer."""
    upper = objective(problem, post)
    columns = _nearest_columns(problem, max(200, round(NEAREST_ZONES * problem.size / problem.count)))
    v = _start(problem, post)
    best_v, best, stale, pace = v, -math.inf, 0, 1.0
    direction = np.zeros(problem.size)
    for _ in range(iterations):
        value, slope = _evaluate(problem, columns, v)
        if value > best + 1e-9 * abs(upper):
            best, best_v, stale = value, v, 0
        else:
            stale += 1
        if stale >= 12:
            pace, stale, v, direction = pace / 2, 0, best_v, np.zeros(problem.size)
            value, slope = _evaluate(problem, columns, v)
        direction = slope + 0.6 * direction
        steepness = float((problem.load * direction**2).sum())
        if steepness < 1e-12 or upper - best <= 1e-9 * abs(upper) or pace < 1e-3:
            break
        v = v + pace * (1.02 * upper - value) / steepness * direction
    return _certify(problem, best_v, upper)


def _start(problem: Problem, post: Ints) -> Floats:
    """v_i = ½·(best + second best of d_ij + p_j) over the answer's posts and the prices that make its loads fit."""
    posts = np.unique(post)
    _, prices = fit_prices(problem, posts, np.zeros(len(posts)), steps=300)
    offers = np.sort(problem.travel_min[:, posts] + prices, axis=1)
    second = offers[:, 1] if len(posts) > 1 else offers[:, 0]
    return np.where(np.isfinite(second), (offers[:, 0] + second) / 2, offers[:, 0])


def _nearest_columns(problem: Problem, most: int) -> _Columns:
    others = problem.travel_min.copy()
    np.fill_diagonal(others, np.inf)
    keep = min(most, problem.size - 1)
    unit = np.argpartition(others, keep - 1, axis=0)[:keep] if keep > 0 else np.empty((0, problem.size), dtype=np.int64)
    return _Columns(unit, np.take_along_axis(others, unit, axis=0), problem.load[unit])


def _evaluate(problem: Problem, columns: _Columns, v: Floats) -> tuple[float, Floats]:
    """Return L(v) over the columns, and its slope 1 − Σ_j x_ij for each unit."""
    solved = _knapsacks(problem, columns, v)
    chosen = np.argpartition(solved.value, problem.count - 1)[: problem.count]
    used = np.bincount(columns.unit[:, chosen].ravel(), solved.share[:, chosen].ravel(), minlength=problem.size)
    used[chosen] += 1
    return float((problem.load * v).sum() + solved.value[chosen].sum()), 1 - used


def _knapsacks(problem: Problem, columns: _Columns, v: Floats) -> _Knapsacks:
    """Solve every post's continuous knapsack: fill by ratio d_ij − v_i, at least to (1−e)W, at most to (1+e)W."""
    ratio = columns.minutes - v[columns.unit]
    order = np.argsort(ratio, axis=0)
    ratio = np.take_along_axis(ratio, order, axis=0)
    load = np.take_along_axis(columns.load, order, axis=0)
    filled = np.cumsum(load, axis=0)
    wish = np.where(ratio < 0, load, 0.0).sum(axis=0)
    low, high = problem.lowest - problem.load, problem.highest - problem.load
    target = np.clip(wish, low, high)
    taken = np.clip(target - (filled - load), 0.0, load)
    taken = np.where(np.isfinite(ratio), taken, 0.0)
    value = np.where(taken > 0, ratio, 0.0) * taken
    total = value.sum(axis=0) - problem.load * v
    impossible = (high < 0) | (taken.sum(axis=0) < low - SLACK * problem.mean_load)
    share_sorted = np.divide(taken, load, out=np.zeros_like(taken), where=load > 0)
    share = np.empty_like(share_sorted)
    np.put_along_axis(share, order, share_sorted, axis=0)
    price = _fill_price(ratio, filled, wish, target)
    return _Knapsacks(np.where(impossible, np.inf, total), share, price)


def _fill_price(ratio: Floats, filled: Floats, wish: Floats, target: Floats) -> Floats:
    """Return the ratio of the last unit taken where the load row binds, else 0."""
    if not len(ratio):
        return np.zeros(len(target))
    last = np.minimum((filled < target[None, :]).sum(axis=0), len(ratio) - 1)
    critical = ratio[last, np.arange(ratio.shape[1])]
    return np.where((target == wish) | ~np.isfinite(critical), 0.0, critical)


def _certify(problem: Problem, v: Floats, upper: float) -> Bound:
    """Evaluate L(v) over all units, and rule out the pairs that would lift it over ``upper``.

    Weak duality holds for any price q_j of the load row, so the pair's toll max(0, w_i·(d_ij − v_i − q_j)) is valid.
    """
    columns = _nearest_columns(problem, problem.size)
    solved = _knapsacks(problem, columns, v)
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
    return Bound(min(value, upper), open_pairs)
