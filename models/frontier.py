"""What a wish costs: moves against travel, balance against travel, number of zones against travel.

In:     a districting ``Problem``; for moves also today's zone of each unit.
Out:    a table, one row a plan: what was asked, travel, balance, villages moved, the proven bound, the plan's posts;
        or the plan of one budget of moves.
Method: moves are priced (``districting.wishes``) along a ladder of prices. A village moves where its new post stands
        in another zone of today; a plan counts as many moves as that rule or the best match of new to old zones says,
        whichever is more. Every plan that moves at most m villages is a plan for the budget m, so a row is the
        cheapest of all plans met; its bound is the highest of L(λ) − λ·m over the ladder (weak duality). Between the
        corners of the frontier that leaves a gap, which the exact model closes with one row more: at most m of the
        pairs that leave their zone. Where today's map itself keeps the tolerance it is the plan of budget 0.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gis_data.progress import Share
from models.districting.bound import lagrangian_bound
from models.districting.branch import within_reach
from models.districting.exact import AtMost, solve_exactly
from models.districting.problem import Ints, Problem, broken_rules, objective, recentred, zone_loads
from models.districting.solve import EXACT_UP_TO, solve
from models.districting.wishes import Wishes, obeys, villages_moved, with_wishes

PRICES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)  # of the cheapest plan's cost, a village moved
FIRST_PRICE, STEEPER = 0.01, 4.0  # of one budget: where the price starts and grows by
SOLVES, ENOUGH = 8, 3  # prices tried until a plan keeps the budget, and at least before the exact model has its turn
SAME = 1e-6  # a plan this near to its bound is the best


@dataclass(frozen=True)
class _Met:
    """A plan met on the way, and what its solve proved."""

    price: float
    post: Ints
    cost: float
    bound: float  # of cost + price x moves by post
    moves: int


@dataclass(frozen=True)
class Within:
    """The cheapest plan found that moves at most ``budget`` villages; ``post`` is None where none was found.

    Attributes
    ----------
    cost, bound
        Of the problem with all wishes but the price of moving.
    least
        Fewest villages that a plan met on the way moves; -1 where no plan was found at all.
    ended_by
        "optimal", "gap" (the prices say no more), "time", or "infeasible" (proven).
    """

    post: Ints | None
    cost: float
    bound: float
    least: int
    ended_by: str


def solve_within(
    problem: Problem, wishes: Wishes, *, budget: int, seed: int, time_limit_s: float, share: Share = lambda _: None
) -> Within:
    """Return the cheapest plan that moves at most ``budget`` villages."""
    assert wishes.today is not None
    base, deadline = with_wishes(problem, wishes), time.monotonic() + time_limit_s
    today = _todays_plan(base, wishes)
    met: list[_Met] = []
    price, low, high = 0.0, 0.0, math.inf
    found = Within(None, math.inf, -math.inf, -1, "time")
    while len(met) < SOLVES and (found.post is None or len(met) < ENOUGH):
        left = max(0.0, deadline - time.monotonic())
        known = [plan.post for plan in (*met, *today)]
        plan, ended = _priced(base, wishes, price, known, seed=seed, time_limit_s=left / 3)
        if plan is None:
            return replace(found, ended_by=ended)
        met.append(plan)
        share(len(met) / (SOLVES + 1))
        found = _within(met, today, budget, "gap")
        if found.ended_by == "optimal" or left <= 0:
            return found
        low, high = (price, high) if plan.moves > budget else (low, price)
        if math.isinf(high):
            price = STEEPER * price if price else FIRST_PRICE * met[0].cost
        else:
            price = math.sqrt(low * high) if low else high / STEEPER
    return _proven(base, wishes, found, budget=budget, seed=seed, time_limit_s=deadline - time.monotonic())


def _proven(base: Problem, wishes: Wishes, found: Within, *, budget: int, seed: int, time_limit_s: float) -> Within:
    """Close the gap of a budget with the exact model, where the units are few enough."""
    if found.ended_by == "optimal" or base.size > EXACT_UP_TO or time_limit_s <= 0:
        return found
    assert wishes.today is not None
    row = AtMost(wishes.today[:, None] != wishes.today[None, :], budget)
    open_pairs = within_reach(base)
    if found.post is not None:
        open_pairs &= lagrangian_bound(base, found.post, iterations=600).open_pairs
    best = solve_exactly(base, found.post, open_pairs, time_limit_s=time_limit_s, seed=seed, at_most=row)
    if best.post is None:
        return replace(found, ended_by=best.ended_by)
    bound = min(max(found.bound, best.bound), found.cost)
    if villages_moved(wishes.today, best.post) > budget or not obeys(wishes, best.post):
        return replace(found, bound=bound)
    cost = objective(base, best.post)
    return replace(found, post=best.post, cost=cost, bound=min(bound, cost), ended_by=best.ended_by)


def _within(met: Sequence[_Met], today: Sequence[_Met], budget: int, ended_by: str) -> Within:
    bound = max(plan.bound - plan.price * budget for plan in met)
    fitting = [plan for plan in (*met, *today) if plan.moves <= budget]
    least = min(plan.moves for plan in (*met, *today))
    if not fitting:
        return Within(None, math.inf, bound, least, ended_by)
    best = min(fitting, key=lambda plan: (plan.cost, plan.moves))
    closed = best.cost - bound <= SAME * abs(best.cost)
    return Within(best.post, best.cost, min(bound, best.cost), least, "optimal" if closed else ended_by)


def _todays_plan(base: Problem, wishes: Wishes) -> list[_Met]:
    """Return today's map as a plan that moves nobody, where it keeps the rules and the wishes."""
    assert wishes.today is not None
    start = today_as_answer(base, wishes.today)
    if broken_rules(base, start) or not obeys(wishes, start):
        return []
    return [_Met(0.0, start, objective(base, start), -math.inf, 0)]


def _priced(
    base: Problem, wishes: Wishes, price: float, known: Sequence[Ints], *, seed: int, time_limit_s: float
) -> tuple[_Met | None, str]:
    """Solve with one price of moving, from the best of the plans already known."""
    assert wishes.today is not None
    priced = with_wishes(base, Wishes(today=wishes.today, price=price))
    start = min(known, key=lambda post: objective(priced, post), default=today_as_answer(base, wishes.today))
    answer = solve(priced, seed=seed, time_limit_s=time_limit_s, start=start)
    if answer.post is None:
        return None, answer.ended_by
    moves = villages_moved(wishes.today, answer.post)
    return _Met(price, answer.post, objective(base, answer.post), answer.bound, moves), answer.ended_by


def moves_frontier(
    problem: Problem, today: Ints, *, budgets: Sequence[int], seed: int, time_limit_s: float,
    share: Share = lambda _: None,
) -> pd.DataFrame:  # fmt: skip
    """Return the cheapest plan found for every budget of villages that may move; a larger one never costs more.

    Parameters
    ----------
    problem
        May carry wishes already; its minutes are those that are judged.
    time_limit_s
        For each solve; there are as many as prices and budgets.
    """
    wishes = Wishes(today=today)
    first, met = _todays_plan(problem, wishes), list[_Met]()
    for step in PRICES:
        price = step * (met[0].cost if met else 0.0)
        known = [plan.post for plan in (*met, *first)]
        plan, _ = _priced(problem, wishes, price, known, seed=seed, time_limit_s=time_limit_s)
        if plan is None:
            return pd.DataFrame()
        met.append(plan)
        share(len(met) / (len(PRICES) + len(budgets)))
        if plan.moves == 0:
            break
    # Of the budgets that no plan met keeps only the largest is worth proving: none for it is none for less.
    hopeless = [budget for budget in sorted(budgets) if _within(met, first, budget, "gap").post is None]
    rows = []
    for number, budget in enumerate([*hopeless[-1:], *(b for b in sorted(budgets) if b not in hopeless)]):
        found = _within(met, first, budget, "gap")
        found = _proven(problem, wishes, found, budget=budget, seed=seed, time_limit_s=time_limit_s)
        if found.post is not None:
            first.append(_Met(0.0, found.post, found.cost, -math.inf, villages_moved(today, found.post)))
        for asked in hopeless[:-1] if number == 0 and hopeless else []:
            less = _within(met, first, asked, found.ended_by)
            rows.append(_moves_row(problem, today, asked, less))
        rows.append(_moves_row(problem, today, budget, found))
        share((len(PRICES) + number + 1) / (len(PRICES) + len(budgets)))
    return _with_bounds_of_milder(rows)


def _moves_row(problem: Problem, today: Ints, budget: int, found: Within) -> dict[str, object]:
    moves = -1 if found.post is None else villages_moved(today, found.post)
    return _row(problem, {"budget": budget, "moved": moves, "ended_by": found.ended_by}, found.post, found.bound)


def today_as_answer(problem: Problem, today: Ints) -> Ints:
    """Return today's map as an answer, each post where it costs least (whether it keeps the rules or not)."""
    _, first, zone = np.unique(today, return_index=True, return_inverse=True)
    return recentred(problem, first[zone].astype(np.int64))


def balance_frontier(
    problem: Problem, *, tolerances: Sequence[float], seed: int, time_limit_s: float, share: Share = lambda _: None
) -> pd.DataFrame:
    """Return the cheapest plan for every tolerance, tightest first; a wider one never costs more."""
    rows, start = [], None
    for number, tolerance in enumerate(sorted(tolerances)):
        answer = solve(replace(problem, tolerance=tolerance), seed=seed, time_limit_s=time_limit_s, start=start)
        start = answer.post if answer.post is not None else start
        rows.append(_row(problem, {"tolerance": tolerance, "ended_by": answer.ended_by}, answer.post, answer.bound))
        share((number + 1) / len(tolerances))
    return _with_bounds_of_milder(rows)


def _with_bounds_of_milder(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Lift each bound to that of the milder wish below it: a plan that keeps the stricter one keeps both."""
    table = pd.DataFrame(rows)
    lifted = table["bound_min"][::-1].cummax()[::-1]
    table["bound_min"] = np.fmin(lifted, table["travel_min"].fillna(math.inf))
    table["gap"] = (table["travel_min"] - table["bound_min"]) / table["travel_min"].where(table["travel_min"] > 0, 1.0)
    return table


def count_table(
    problem: Problem, *, counts: Sequence[int], seed: int, time_limit_s: float, share: Share = lambda _: None
) -> pd.DataFrame:
    """Return the cheapest plan for every number of zones."""
    rows = []
    for number, count in enumerate(counts):
        asked = replace(problem, count=count)
        answer = solve(asked, seed=seed, time_limit_s=time_limit_s)
        rows.append(_row(asked, {"count": count, "ended_by": answer.ended_by}, answer.post, answer.bound))
        share((number + 1) / len(counts))
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
