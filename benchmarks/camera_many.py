"""A hundred villages under one budget: a price of money for all against one model of all.

One model of twenty villages is the peer (forty did not end in minutes); the hundred are run alone, with their bound
and the memory above that of twenty. Neither plan may see more than the other's bound.
"""

import resource
import time
from typing import Any

from benchmarks.camera_model import priced_village
from models.cameras.coverage import cheapest_cordon, most_covered
from models.cameras.many import ManyChoice, most_covered_by_price
from models.cameras.problem import Problem, joined

FEW, MANY = 20, 100
BUDGET_PER_CORDON = 1.8


def run() -> list[dict[str, Any]]:
    """Solve twenty villages both ways and a hundred by the price alone."""
    few = [priced_village(seed) for seed in range(FEW)]
    ours, budget, ours_s = _by_price(few)
    started = time.process_time()
    one = joined(few)
    cordon = cheapest_cordon(one, time_limit_s=60)
    best = most_covered(one, budget_cny=budget, cordon=cordon, gap=1e-3, time_limit_s=300)
    peer_s = time.process_time() - started
    theirs, bound = (share / 100 * float(one.weight.sum()) for share in (best.objective, best.bound))
    equal = ours.bound >= theirs - 1e-6 and bound >= ours.weight - 1e-6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    many, _, many_s = _by_price(few + [priced_village(seed) for seed in range(FEW, MANY)])
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return [
        _row(f"{FEW} villages", "one model of all", ours, ours_s, peer_s, equal=equal)
        | {"objective_ratio": round(ours.weight / theirs, 4)},
        _row(f"{MANY} villages", "none", many, many_s, None, equal=True) | {"memory_mb_above": round(more)},
    ]


def _by_price(villages: list[Problem]) -> tuple[ManyChoice, float, float]:
    started = time.process_time()
    least = sum(cheapest_cordon(problem, time_limit_s=60).objective for problem in villages)
    budget = BUDGET_PER_CORDON * least
    choice = most_covered_by_price(villages, budget_cny=budget, time_limit_s=60)
    return choice, budget, time.process_time() - started


def _row(
    size: str, peer: str, choice: ManyChoice, ours_s: float, peer_s: float | None, *, equal: bool
) -> dict[str, Any]:
    return {
        "name": "camera_many",
        "peer": peer,
        "size": size,
        "ratio": None if peer_s is None else round(peer_s / ours_s, 2),
        "answers_equal": equal,
        "ours_s": round(ours_s, 1),
        "peer_s": None if peer_s is None else round(peer_s, 1),
        "gap": round(choice.gap, 5),
    }
