"""What more money buys, and what to build first.

In:     the problem and the plan chosen.
Out:    the curve «what 50,000 yuan more buys»; the year in which each camera of the plan is built, with what it costs
        to build towards a fixed end.
Method: greedy order inside the final plan: entrances first, then whichever camera brings most new weight per yuan, its
        pole included with the first camera on it. The prefix of each year is held against the bound that nobody can
        beat with that year's money (linear relaxation), so the loss printed is never too small. The curve goes on
        greedily above the plan's budget, and back along the order below it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.cameras.coverage import coverage_bound
from models.cameras.problem import Choice, Floats, Ints, Problem, undominated

STEPS_BELOW, STEPS_ABOVE = 3, 4
CENT = 0.01
STATE = ("cameras", "spent_cny", "entrances", "covered_pct", "bound_pct")
CURVE = ("budget_cny", *STATE)
ROLLOUT = ("year", "budget_cny", *STATE)


@dataclass(frozen=True)
class Order:
    """New cameras in the order of building: rows of the problem, and price, weight and entrances after each."""

    rows: Ints
    price_cny: Floats
    covered_pct: Floats
    guarded: Ints

    def within(self, budget_cny: float) -> int:
        """Return how many cameras of the order the money buys."""
        return int(np.searchsorted(self.price_cny, budget_cny + CENT, side="right"))


def build_order(problem: Problem, chosen: Ints) -> Order:
    """Return the order in which to build the new cameras of a plan."""
    standing = np.flatnonzero(problem.stands)
    return add_greedily(problem, standing, chosen[~problem.stands[chosen]], np.inf)


def rollout(
    problem: Problem, order: Order, *, years: int, budget_cny: float, cordon_cny: float
) -> tuple[Ints, pd.DataFrame]:
    """Share the order out over years of equal money.

    Returns
    -------
    tuple
        The year (1, 2, ...) of each camera of the order, and a table with one row per year: ``year``, ``budget_cny``
        (up to and with the year), ``cameras``, ``spent_cny``, ``entrances``, ``covered_pct``, ``bound_pct`` (from
        ``cordon_cny`` on, of the plans that guard all entrances).
    """
    ends = [order.within(budget_cny * (k + 1) / years) for k in range(years - 1)] + [len(order.rows)]
    year = np.searchsorted(np.array(ends), np.arange(len(order.rows)), side="right") + 1
    rows = []
    for k, end in enumerate(ends):
        money = budget_cny * (k + 1) / years
        bound = coverage_bound(problem, budget_cny=money, cordon=money >= cordon_cny)
        rows.append({"year": k + 1, "budget_cny": money} | _state(problem, order, end) | {"bound_pct": bound})
    return year.astype(np.int64), pd.DataFrame(rows)


def budget_curve(
    problem: Problem, best: Choice, order: Order, *, budget_cny: float, step_cny: float, cordon_cny: float
) -> pd.DataFrame:
    """Return what less and more money than the budget would cover.

    Columns: ``budget_cny``, ``cameras``, ``spent_cny``, ``entrances``, ``covered_pct`` (a plan that exists) and
    ``bound_pct`` (no plan covers more; from ``cordon_cny`` on, none that guards all entrances). Below the budget the
    plan is cut short in its building order; above, cameras are added to it.
    """
    steps = [k for k in range(-STEPS_BELOW, STEPS_ABOVE + 1) if budget_cny + k * step_cny >= 0]
    most = budget_cny + STEPS_ABOVE * step_cny
    left = np.setdiff1d(undominated(problem), best.chosen)
    more = add_greedily(problem, best.chosen, left, most - problem.cost_cny(best.chosen))
    spent = problem.cost_cny(best.chosen)
    rows = []
    for k in steps:
        money = budget_cny + k * step_cny
        if k < 0:
            row = _state(problem, order, order.within(money))
        else:
            end = more.within(money - spent)
            added = np.concatenate([best.chosen, more.rows[:end]])
            row = {
                "cameras": len(order.rows) + end,
                "spent_cny": spent + (more.price_cny[end - 1] if end else 0.0),
                "entrances": int((np.asarray(problem.guards[added].sum(axis=0)) > 0).sum()),
                "covered_pct": problem.share_pct(added),
            }
        bound = coverage_bound(problem, budget_cny=money, cordon=money >= cordon_cny)
        rows.append({"budget_cny": money} | row | {"bound_pct": bound})
    return pd.DataFrame(rows)


def _state(problem: Problem, order: Order, end: int) -> dict[str, float | int]:
    standing = np.flatnonzero(problem.stands)
    if end == 0:
        guarded = int((np.asarray(problem.guards[standing].sum(axis=0)) > 0).sum())
        return {"cameras": 0, "spent_cny": 0.0, "entrances": guarded, "covered_pct": problem.share_pct(standing)}
    return {
        "cameras": end,
        "spent_cny": float(order.price_cny[end - 1]),
        "entrances": int(order.guarded[end - 1]),
        "covered_pct": float(order.covered_pct[end - 1]),
    }


def add_greedily(problem: Problem, standing: Ints, rows: Ints, money: float) -> Order:
    """Take cameras one by one while the money lasts: new entrances per yuan first, then new weight per yuan.

    Parameters
    ----------
    standing
        Rows already taken; ``money`` does not pay for them.
    rows
        Candidates. With endless money all of them are taken, in the order of building.
    """
    room = 1.0 - problem.share(standing)
    unguarded = np.asarray(problem.guards[standing].sum(axis=0)) == 0
    on_pole = np.bincount(problem.pole[standing[~problem.stands[standing]]], minlength=len(problem.pole_cny))
    up = on_pole > 0  # a standing camera's pole has its own price for a new one, as in the model
    sees, guards = problem.sees[rows].tocsr(), problem.guards[rows].tocsr()
    share = sees.astype(np.float64)
    left = np.ones(len(rows), dtype=bool)
    taken: list[int] = []
    price, covered, guarded = [], [], []
    spent = 0.0
    while left.any():
        cost = problem.camera_cny[rows] + np.where(up[problem.pole[rows]], 0.0, problem.pole_cny[problem.pole[rows]])
        fits = left & (spent + cost <= money + CENT) & (on_pole[problem.pole[rows]] < problem.max_per_pole)
        gain = np.minimum(share.data, room[share.indices]) * problem.weight[share.indices]
        weight = np.add.reduceat(np.append(gain, 0.0), share.indptr[:-1]) * (np.diff(share.indptr) > 0)
        entrances = guards @ unguarded.astype(np.int64)
        if np.isfinite(money):
            fits &= (weight > 0) | (entrances > 0)
        if not fits.any():
            break
        best = int(np.lexsort((-weight / np.maximum(cost, 1.0), -entrances / np.maximum(cost, 1.0), ~fits))[0])
        taken.append(best)
        left[best] = False
        pole = problem.pole[rows[best]]
        spent += float(cost[best])
        up[pole] = True
        on_pole[pole] += 1
        seen = share.indices[share.indptr[best] : share.indptr[best + 1]]
        room[seen] = np.maximum(room[seen] - share.data[share.indptr[best] : share.indptr[best + 1]], 0.0)
        unguarded[guards.indices[guards.indptr[best] : guards.indptr[best + 1]]] = False
        price.append(spent)
        covered.append(problem.pct(float(problem.weight @ (1.0 - room))))
        guarded.append(int((~unguarded).sum()))
    return Order(rows[taken].astype(np.int64), np.array(price), np.array(covered), np.array(guarded, dtype=np.int64))
