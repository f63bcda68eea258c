"""Which cameras to put up: the cheapest cordon, then the most weighted coverage within one budget, proven.

In:     ``Problem``: what each candidate camera sees and guards, what it and its pole cost, what each point weighs.
Out:    ``Choice``: the cameras taken, what they cover, and the bound that no plan within the budget can beat.
Method: maximal covering location (Church & ReVelle 1974) with poles, for all villages in one model, on HiGHS.

    cordon     min  price                              s.t. (2) (3) (6)
    coverage   max  sum_i w_i y_i                      s.t. (1)-(6)

    y_i <= sum_j a_ij x_j                  all i       (1) what the cameras see of a point; a turning one sees a share
    x_j <= z_s                    j on s               (2) a camera needs its pole
    sum_{j on s} x_j <= M z_s     all s                (3) no more than M cameras on a pole
    price = sum_j c_j x_j + sum_s f_s z_s <= B         (4) budget
    x, z in {0, 1}, 0 <= y <= 1                        (5) y comes out whole by itself
    sum_{j guards e} x_j >= 1     all e                (6) the cordon: every entrance that a candidate can guard

Reductions are exact: points seen by the same cameras are one row;
a camera that sees no more than another on the SAME pole at no lower price is left out (across poles the pole's price
and (3) would make that wrong). Refused: a curve per village and a knapsack, 12 times slower and 1.2 % worse.
"""

import numpy as np

from gis_data.errors import InfeasibleError
from models.cameras.model import Model
from models.cameras.problem import PROVEN, Choice, Ints, Problem, undominated, without_idle


def cheapest_cordon(problem: Problem, *, time_limit_s: float) -> Choice:
    """Return the cheapest cameras that guard every guardable entrance.

    Raises
    ------
    InfeasibleError
        If the limit of cameras per pole leaves an entrance unguarded.
    """
    candidates = undominated(problem)
    model = Model(problem, candidates, with_points=False)
    model.require_cordon()
    solved = model.solve(model.price, maximise=False, gap=PROVEN, time_limit_s=time_limit_s)
    if solved is None:
        raise InfeasibleError("cameras.cordon_poles", limit=problem.max_per_pole)
    chosen = _with_standing(problem, candidates[solved.taken])
    return Choice(chosen, problem.cost_cny(chosen), solved.bound, solved.ended_by)


def most_covered(
    problem: Problem,
    *,
    budget_cny: float,
    gap: float,
    time_limit_s: float,
    cordon: Choice | None = None,
    start: Choice | None = None,
) -> Choice:
    """Return the cameras within the budget that see most weight; with ``cordon``, all its entrances stay guarded.

    The answer is never worse than ``start``, a choice known to be within the budget.

    Raises
    ------
    InfeasibleError
        If the budget is smaller than the price of the cordon.
    """
    if cordon is not None and cordon.objective > budget_cny + PROVEN:
        raise InfeasibleError("cameras.budget", budget=f"{budget_cny:,.0f}", least=f"{cordon.objective:,.0f}")
    candidates = undominated(problem)
    model = Model(problem, candidates, with_points=True)
    model.limit(model.price, high=budget_cny)
    if cordon is not None:
        model.require_cordon()
    known = start or cordon
    if known is not None:
        model.start_from(np.isin(candidates, known.chosen))
    solved = model.solve(model.weight, maximise=True, gap=gap, time_limit_s=time_limit_s)
    if solved is None:
        raise InfeasibleError("cameras.no_answer", seconds=f"{time_limit_s:.0f}")
    chosen = without_idle(problem, _with_standing(problem, candidates[solved.taken]))
    objective = problem.share_pct(chosen)
    bound = max(problem.pct(model.standing_weight + solved.bound), objective)
    return Choice(chosen, objective, bound, solved.ended_by)


def coverage_bound(problem: Problem, *, budget_cny: float, cordon: bool = False) -> float:
    """Return what no plan within the budget can cover, in per cent (linear relaxation).

    With ``cordon``, no plan that guards all entrances; the budget must pay for that.
    """
    model = Model(problem, undominated(problem), with_points=True)
    model.limit(model.price, high=budget_cny)
    if cordon:
        model.require_cordon()
    relaxed = model.relaxed(model.weight, maximise=True)
    return problem.pct(model.standing_weight + (relaxed or 0.0))


def _with_standing(problem: Problem, new: Ints) -> Ints:
    return np.union1d(np.flatnonzero(problem.stands), new).astype(np.int64)
