"""Many villages under one budget: each solved by itself at a common price of money.

In:     the problem of every village (they share nothing but the budget).
Out:    a ``Choice`` per village, the price of money, and a bound no plan of all villages within the budget can beat.
Method: Lagrangian relaxation of the budget (Fisher 1981): at a price of t weight per yuan each village maximises its
        weight less t times its money, so

            best plan <= sum_v max_v(weight - t money) + t B      for every t >= 0.

        The first price is what the last yuan of a greedy plan brings; it is closed in on from there until the money
        spent meets the budget (a price far too low makes a model a hundred times slower). The best plan within the
        budget is kept and what money it leaves is spent greedily. Memory is one village's model at a time; time grows
        with the villages, where one model of all grows faster. Below about thirty villages one model is better: its
        gap is smaller.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gis_data.errors import InfeasibleError
from models.cameras.coverage import cheapest_cordon
from models.cameras.model import Model
from models.cameras.money import add_greedily
from models.cameras.problem import PROVEN, Ints, Problem, undominated

ROUNDS = 9
STEP = 1.15
GAP = 2e-3
PRICE_GAP = 1e-3


@dataclass(frozen=True)
class ManyChoice:
    """Rows taken in each village's problem, with weight seen, what no plan can beat, and the money spent."""

    chosen: tuple[Ints, ...]
    weight: float
    bound: float
    spent_cny: float

    @property
    def gap(self) -> float:
        """Relative distance between weight and bound."""
        return (self.bound - self.weight) / self.bound if self.bound > 0 else 0.0


def most_covered_by_price(problems: Sequence[Problem], *, budget_cny: float, time_limit_s: float) -> ManyChoice:
    """Return the cameras of all villages that see most weight within one budget, every entrance guarded.

    Parameters
    ----------
    time_limit_s
        Limit for one village at one price.

    Raises
    ------
    InfeasibleError
        If the budget is smaller than the price of all cordons.
    """
    cordons = [cheapest_cordon(problem, time_limit_s=time_limit_s) for problem in problems]
    least = sum(cordon.objective for cordon in cordons)
    if least > budget_cny + PROVEN:
        raise InfeasibleError("cameras.budget", budget=f"{budget_cny:,.0f}", least=f"{least:,.0f}")
    best, ratio = _fill(problems, _total(problems, tuple(cordon.chosen for cordon in cordons), np.inf), budget_cny)
    t = ratio or _dearest(problems)
    low, high, bound = 0.0, np.inf, np.inf
    for _ in range(ROUNDS):
        answer = _at_price(problems, t, budget_cny, time_limit_s)
        bound = min(bound, answer.bound)
        if answer.spent_cny <= budget_cny + PROVEN:
            high = t
            filled, _ = _fill(problems, answer, budget_cny)
            best = filled if filled.weight > best.weight else best
        else:
            low = t
        if bound - best.weight <= PRICE_GAP * bound:
            break
        t = (low + high) / 2 if low > 0 and np.isfinite(high) else (high / STEP if np.isfinite(high) else low * STEP)
    return dataclasses.replace(best, bound=max(bound, best.weight))


def parts_of(problem: Problem, village: Ints) -> tuple[list[Problem], list[Ints]]:
    """Return the problem of each village and the rows of ``problem`` it is made of.

    A point that cameras of two villages see is in both: the bound stays one, for it then counts such a point twice.
    """
    parts, rows = [], []
    for number in np.unique(village):
        own = np.flatnonzero(village == number)
        sees, guards = problem.sees[own].tocsc(), problem.guards[own].tocsc()
        points, doors = (np.flatnonzero(np.diff(matrix.indptr)) for matrix in (sees, guards))
        poles, pole = np.unique(problem.pole[own], return_inverse=True)
        parts.append(
            Problem(
                sees=sees[:, points].tocsr(),
                guards=guards[:, doors].tocsr(),
                weight=problem.weight[points],
                camera_cny=problem.camera_cny[own],
                pole_cny=problem.pole_cny[poles],
                pole=pole.astype(np.int64),
                stands=problem.stands[own],
                must=problem.must[own],
                required=problem.required[doors],
                max_per_pole=problem.max_per_pole,
            )
        )
        rows.append(own)
    return parts, rows


def _at_price(problems: Sequence[Problem], t: float, budget_cny: float, time_limit_s: float) -> ManyChoice:
    """Solve every village at a price of t weight per yuan; the bound holds for all plans within the budget."""
    chosen, bound = [], t * budget_cny
    for problem in problems:
        candidates = undominated(problem)
        model = Model(problem, candidates, with_points=True)
        model.require_cordon()
        value = model.weight - t * model.price
        solved = model.solve(value, maximise=True, gap=GAP, time_limit_s=time_limit_s)
        if solved is None:
            raise InfeasibleError("cameras.no_answer", seconds=f"{time_limit_s:.0f}")
        chosen.append(np.union1d(np.flatnonzero(problem.stands), candidates[solved.taken]).astype(np.int64))
        bound += model.standing_weight + solved.bound
    return _total(problems, tuple(chosen), bound)


def _total(problems: Sequence[Problem], chosen: tuple[Ints, ...], bound: float) -> ManyChoice:
    pairs = list(zip(problems, chosen, strict=True))
    spent = sum(problem.cost_cny(rows) for problem, rows in pairs)
    weight = sum(float(problem.weight @ problem.share(rows)) for problem, rows in pairs)
    return ManyChoice(chosen, weight, bound, spent)


def _fill(problems: Sequence[Problem], answer: ManyChoice, budget_cny: float) -> tuple[ManyChoice, float]:
    """Spend what is left one camera at a time, each in whichever village its yuan brings most weight.

    Returns the plan, and what the last yuan brought (0 where nothing was left to buy).
    """
    left = budget_cny - answer.spent_cny
    chosen = list(answer.chosen)
    orders = [
        add_greedily(problem, rows, np.setdiff1d(undominated(problem), rows), left)
        for problem, rows in zip(problems, chosen, strict=True)
    ]
    price = [np.diff(order.price_cny, prepend=0.0) for order in orders]
    gain = [
        np.diff(order.covered_pct, prepend=problem.share_pct(rows)) * float(problem.weight.sum()) / 100
        for problem, rows, order in zip(problems, chosen, orders, strict=True)
    ]
    taken = [0] * len(orders)
    ratio = 0.0
    while True:
        offers = [
            (gain[v][k] / max(price[v][k], 1.0), v)
            for v, k in enumerate(taken)
            if k < len(price[v]) and price[v][k] <= left + PROVEN
        ]
        if not offers:
            break
        ratio, village = max(offers)
        left -= float(price[village][taken[village]])
        taken[village] += 1
    rows = [np.union1d(c, o.rows[:k]).astype(np.int64) for c, o, k in zip(chosen, orders, taken, strict=True)]
    return _total(problems, tuple(rows), answer.bound), ratio


def _dearest(problems: Sequence[Problem]) -> float:
    """Return a price at which nothing beyond the cordon is worth its money: the most weight a yuan buys anywhere."""
    most = 0.0
    for problem in problems:
        weight = np.asarray(problem.sees @ problem.weight)
        most = max(most, float((weight / np.maximum(problem.camera_cny, 1.0)).max(initial=0.0)))
    return most
