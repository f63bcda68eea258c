"""Why a cell is not hot: how many incidents there would have to be around it, all other cells as they are.

In:     counts per land cell, who is near whom, and the chance of as many around each cell (``analysis.gi_star``).
Out:    for each cell the fewest incidents around it, its own included, at which it would be called hot.
Method: Benjamini and Hochberg (1995) call a cell hot up to a chance that depends on how many others are; the law of its
        neighbours' sum (``analysis.gi_star``) says which sum has no greater one. Both are exact, nothing is drawn.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.gi_star import Floats, Ints, Neighbourhood, laws_without_one, whole


def fewest_to_be_hot(count: ArrayLike, near: Neighbourhood, p_hot: Floats, *, alpha: float = 0.10) -> Ints:
    """Return the fewest incidents (n,) in each neighbourhood, the cell's own included, that would make the cell hot.

    The cell keeps its own count and all others theirs. Where no deal of the town's counts could hold enough, it is one
    more than the largest can.

    Parameters
    ----------
    count
        Whole counts (n,).
    p_hot
        Chance that the neighbours hold at least as many as they do, as ``gi_star`` gives it (n,).
    alpha
        Share of the hot cells that may be chance.

    Raises
    ------
    SchemaError
        If a count is negative or no whole number.
    """
    own, number = whole(count), near.number - 1
    level = largest_hot_p(p_hot, alpha=alpha)
    values, copies = np.unique(own, return_counts=True)
    draws = int(number.max())
    most = int(np.sort(own)[::-1][:draws].sum())  # no neighbours hold more
    fewest = np.empty(len(own), dtype=np.int64)
    for index, law in laws_without_one(values, copies, draws, most + 2, draws / len(own)):
        mine = np.flatnonzero(own == values[index])
        at_least = law[:, ::-1].cumsum(axis=1)[:, ::-1]
        tail = at_least / at_least[:, :1]
        enough: NDArray[np.bool_] = tail[number[mine]] <= level[mine, None]
        fewest[mine] = own[mine] + enough.argmax(axis=1)  # the last column is never reached: its chance is none
    return fewest


def largest_hot_p(p: ArrayLike, *, alpha: float) -> Floats:
    """Return for each of n tests the largest p at which it would be called hot, the other p-values (n,) as they are.

    Benjamini and Hochberg reject the k smallest for the largest k with k of them at most alpha k / n. A test whose p is
    set anew is among them up to alpha k / n for the largest k that k - 1 of the others allow.
    """
    given = np.asarray(p, dtype=float)
    n = len(given)
    rank = np.arange(1, n + 1)
    limit = alpha * rank / n
    below = np.searchsorted(np.sort(given), limit, side="right")  # how many are at most alpha k / n, for each k
    with_it = int(np.where(below >= rank, rank, 0).max(initial=0))
    without = np.maximum.accumulate(np.where(below >= rank - 1, rank, 0))  # the largest such k up to each k
    first = np.searchsorted(limit, given)  # from here on a test's own p is one of those below
    level: Floats = alpha * np.where(with_it > first, with_it, without[np.maximum(first, 1) - 1]) / n
    return level
