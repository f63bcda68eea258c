"""What no plan can do, told before solving: a unit too heavy, a piece of ground that makes no whole number of zones.

In:     a ``Problem`` or a ``CityProblem``.
Out:    the least tolerance that these two reasons leave, and how many zones each piece of ground takes.
        It is a necessary tolerance; whether a plan exists at it is for the search to show.
"""

import math

import numpy as np

from models.districting.problem import SLACK, Districted, Floats, Ints


def heaviest_excess(problem: Districted) -> float:
    """Return by how much of the mean load the heaviest unit alone exceeds a zone's mean (negative: it does not)."""
    return float(problem.load.max()) / problem.mean_load - 1


def needed_tolerance(problem: Districted) -> float:
    """Return a tolerance below which no plan exists, whatever the search does."""
    return max(0.0, heaviest_excess(problem), zones_by_component(problem)[1])


def is_hopeless(problem: Districted) -> bool:
    """Tell whether the two reasons alone rule out every plan."""
    return needed_tolerance(problem) > problem.tolerance + SLACK


def zones_by_component(problem: Districted) -> tuple[Ints, float]:
    """Return how many zones each connected piece of ground takes, and the worst deviation this forces.

    Dynamic programming over the pieces: best[z] = least worst deviation with z zones on the pieces so far.
    The deviation is inf where there are more pieces than zones, or more zones than units.
    """
    sizes = np.bincount(problem.component)
    loads = np.bincount(problem.component, weights=problem.load)
    best = np.full(problem.count + 1, math.inf)
    best[0], choices = 0.0, []
    for size, load in zip(sizes.tolist(), loads.tolist(), strict=True):
        deviation = _deviations(load, size, problem)
        worst = np.array([[max(best[z - m], deviation[m]) if m <= z else math.inf for m in range(len(deviation))]
                          for z in range(problem.count + 1)])  # fmt: skip
        choices.append(worst.argmin(axis=1))
        best = worst.min(axis=1)
    counts, left = [], problem.count
    for choice in reversed(choices):
        counts.append(int(choice[left]))
        left -= counts[-1]
    return np.array(counts[::-1], dtype=np.int64), float(best[problem.count])


def _deviations(load: float, size: int, problem: Districted) -> Floats:
    """Deviation of the mean zone of one piece if it is cut into 0, 1, 2 ... zones; 0 zones cannot serve it."""
    most = min(size, problem.count)
    if math.isinf(problem.tolerance):
        return np.array([math.inf] + [0.0] * most)
    return np.array([math.inf] + [abs(load / (m * problem.mean_load) - 1) for m in range(1, most + 1)])
