"""Nine villages under one budget, all entrances guarded: one model of all against a curve per village and a knapsack.

The peer is the usual way: what each village covers at seven budgets (gap 1 %), then the best split of the money by
dynamic programming over those points. Both keep the same budget; the objectives are compared.
"""

import time
from typing import Any

import numpy as np

from benchmarks.camera_model import priced_village
from models.cameras.coverage import cheapest_cordon, most_covered
from models.cameras.problem import Problem, joined

VILLAGES, POINTS, GAP = 9, 7, 1e-3
BUDGET_PER_CORDON = 1.8
STEP_CNY = 100.0


def run() -> list[dict[str, Any]]:
    """Solve both ways and give the ratio of CPU times, the gap, and the ratio of the weights seen."""
    villages = [priced_village(seed) for seed in range(VILLAGES)]
    started = time.process_time()
    one = joined(villages)
    cordon = cheapest_cordon(one, time_limit_s=60)
    budget = BUDGET_PER_CORDON * cordon.objective
    best = most_covered(one, budget_cny=budget, cordon=cordon, gap=GAP, time_limit_s=300)
    ours_s = time.process_time() - started
    weight = best.objective / 100 * one.weight.sum()

    started = time.process_time()
    theirs = _knapsack([_curve(village) for village in villages], budget)
    peer_s = time.process_time() - started
    return [
        {
            "name": "camera_town",
            "peer": "a curve per village and a knapsack",
            "size": f"{VILLAGES} villages, {one.sees.shape[0]} cameras, {one.guards.shape[1]} entrances",
            "ratio": round(peer_s / ours_s, 2),
            "answers_equal": bool(weight >= theirs - 1e-6),
            "ours_s": round(ours_s, 2),
            "peer_s": round(peer_s, 2),
            "objective_ratio": round(weight / theirs, 4),
            "gap": round((best.bound - best.objective) / best.bound, 6),
        }
    ]


def _curve(problem: Problem) -> list[tuple[float, float]]:
    """Return (money, weight) at seven budgets from the cordon's price to 2.6 times it."""
    cordon = cheapest_cordon(problem, time_limit_s=60)
    points = []
    for budget in cordon.objective * np.linspace(1.0, 2.6, POINTS):
        best = most_covered(problem, budget_cny=budget, cordon=cordon, gap=0.01, time_limit_s=60)
        points.append((problem.cost_cny(best.chosen), best.objective / 100 * float(problem.weight.sum())))
    return points


def _knapsack(curves: list[list[tuple[float, float]]], budget: float) -> float:
    """Return the most weight when each village gets exactly one of its points."""
    size = int(budget // STEP_CNY) + 1
    best = np.full(size, -np.inf)
    best[0] = 0.0
    for curve in curves:
        after = np.full(size, -np.inf)
        for money, weight in curve:
            steps = int(np.ceil(money / STEP_CNY))
            if steps < size:
                after[steps:] = np.maximum(after[steps:], best[: size - steps] + weight)
        best = after
    return float(best.max())
