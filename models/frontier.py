"""What a wish costs: moves against travel, balance against travel, number of zones against travel.

In:     a districting ``Problem``; for moves also today's zone of each unit.
Out:    a table, one row a plan: what was asked, travel, balance, villages moved, the proven bound, the plan's posts.
Method: moves are counted by posts (a zone is today's zone if its post stands there) and priced
        (``districting.wishes``) along a ladder of prices. Every plan that moves at most m villages
        is a plan for the budget m, so a row is the cheapest of all plans met; its bound is the highest of
        L(λ) − λ·m over the ladder (weak duality), valid also for budgets between the corners of the frontier.
        Where today's map itself keeps the tolerance it is the plan of budget 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.districting.problem import Ints, Problem, broken_rules, objective, recentred, zone_loads
from models.districting.solve import solve
from models.districting.wishes import Wishes, moved_by_post, with_wishes

PRICES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)  # of the cheapest plan's cost, a village moved


@dataclass(frozen=True)
class _Met:
    """A plan met on the way, and what its solve proved."""

    price: float
    post: Ints
    cost: float
    bound: float  # of cost + price x moves by post
    moves: int


def moves_frontier(
    problem: Problem, today: Ints, *, budgets: Sequence[int], seed: int, time_limit_s: float
) -> pd.DataFrame:
    """Return the cheapest plan found for every budget of villages that may move.

    Parameters
    ----------
    time_limit_s
        For each solve; there are as many as prices.
    """
    met: list[_Met] = []
    start = today_as_answer(problem, today)
    for price in PRICES:
        unit = price * (met[0].cost if met else 0.0)
        wishes = Wishes(today=today, price=unit)
        answer = solve(with_wishes(problem, wishes), seed=seed, time_limit_s=time_limit_s, start=start)
        if answer.post is None:
            return pd.DataFrame()
        moves, cost = moved_by_post(wishes, answer.post), objective(problem, answer.post)
        met.append(_Met(unit, answer.post, cost, answer.bound, moves))
        if moves == 0:
            break
    plans = [(plan.post, plan.cost, plan.moves) for plan in met]
    if not broken_rules(problem, start):
        plans.append((start, objective(problem, start), 0))
    rows = []
    for budget in sorted(budgets):
        bound = max(plan.bound - plan.price * budget for plan in met)
        fitting = [plan for plan in plans if plan[2] <= budget]
        if not fitting:
            rows.append(_row(problem, {"budget": budget, "moved": -1}, None, bound))
            continue
        post, _, moves = min(fitting, key=lambda plan: (plan[1], plan[2]))
        rows.append(_row(problem, {"budget": budget, "moved": moves}, post, bound))
    return pd.DataFrame(rows)


def today_as_answer(problem: Problem, today: Ints) -> Ints:
    """Return today's map as an answer, each post where it costs least (whether it keeps the rules or not)."""
    _, first, zone = np.unique(today, return_index=True, return_inverse=True)
    return recentred(problem, first[zone].astype(np.int64))


def balance_frontier(problem: Problem, *, tolerances: Sequence[float], seed: int, time_limit_s: float) -> pd.DataFrame:
    """Return the cheapest plan for every tolerance, tightest first; a wider one never costs more."""
    rows, start = [], None
    for tolerance in sorted(tolerances):
        answer = solve(replace(problem, tolerance=tolerance), seed=seed, time_limit_s=time_limit_s, start=start)
        start = answer.post if answer.post is not None else start
        rows.append(_row(problem, {"tolerance": tolerance, "ended_by": answer.ended_by}, answer.post, answer.bound))
    return pd.DataFrame(rows)


def count_table(problem: Problem, *, counts: Sequence[int], seed: int, time_limit_s: float) -> pd.DataFrame:
    """Return the cheapest plan for every number of zones."""
    rows = []
    for count in counts:
        asked = replace(problem, count=count)
        answer = solve(asked, seed=seed, time_limit_s=time_limit_s)
        rows.append(_row(asked, {"count": count, "ended_by": answer.ended_by}, answer.post, answer.bound))
    return pd.DataFrame(rows)


def _row(problem: Problem, asked: dict[str, object], post: Ints | None, bound: float) -> dict[str, object]:
    work = float(problem.load.sum())
    if post is None:
        return asked | {"travel_min": math.nan, "bound_min": bound / work, "gap": math.nan, "max_ratio": math.nan,
                        "min_ratio": math.nan, "post": None}  # fmt: skip
    cost, loads = objective(problem, post), zone_loads(problem, post) / problem.mean_load
    bound = min(bound, cost)
    gap = (cost - bound) / cost if cost > 0 else 0.0
    return asked | {"travel_min": cost / work, "bound_min": bound / work, "gap": gap, "max_ratio": float(loads.max()),
                    "min_ratio": float(loads.min()), "post": post}  # fmt: skip
