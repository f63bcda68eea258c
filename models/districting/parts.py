"""Parts of the ground that lie together, nested in each other by the minutes between their units.

In:     a ``Problem``, some units.
Out:    two halves of them, or all parts that joining the nearest two again and again makes.
Method: average linkage (Sokal & Michener 1958) of the minutes both ways; units without a way between them join last.
"""

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from models.districting.problem import Bools, Ints, Problem


def halves(problem: Problem, units: Ints) -> tuple[Ints, Ints]:
    """Return the two parts that join last."""
    joined = _joined(problem, units)
    return joined[-2], joined[-1]


def nested_parts(problem: Problem, units: Ints) -> list[Bools]:
    """Return every part but the whole as marks of all units, single units included."""
    every = np.arange(problem.size)
    return [np.isin(every, part) for part in _joined(problem, units)]


def _joined(problem: Problem, units: Ints) -> list[Ints]:
    """Return all parts that are joined to others, in the order of joining: the last two make the whole."""
    if len(units) < 2:
        return []
    minutes = problem.travel_min[np.ix_(units, units)]
    apart = np.where(np.isfinite(minutes), minutes, 2 * minutes[np.isfinite(minutes)].max() + 1)
    made = linkage(squareform((apart + apart.T) / 2, checks=False), "average")
    members, order = [[number] for number in range(len(units))], list[int]()
    for a, b in made[:, :2].astype(np.int64).tolist():
        members.append(members[a] + members[b])
        order += [a, b]
    return [np.sort(units[members[number]]) for number in order]
