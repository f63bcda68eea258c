"""Stability: how often a hotspot comes back when the incidents are drawn again from themselves.

In:     incidents, the rule that found the hotspots, what chance forms, and the ground of each hotspot.
Out:    for each hotspot the share of resamples in which it reappears.
Method: bootstrap of the incidents (Efron 1979); a hotspot reappears when one hotspot of the resample, found and judged
        by the same rule, covers the same ground by a Jaccard index of at least a half (after Hennig 2007, who asks the
        same of a cluster's members).
"""

from collections.abc import Sequence

import numpy as np

from analysis.chance_surface import Floats, Ints
from analysis.piles import Chance, Finder, excess, most_unusual
from gis_data.progress import Share

SAME_GROUND = 0.5


def stability(
    xy: Floats, weight: Floats, grounds: Sequence[Ints], finder: Finder, chance: Chance, *,
    alpha: float, resamples: int, rng: np.random.Generator, progress: Share,
) -> Floats:  # fmt: skip
    """Return for each ground (flat grid cells) the share of resamples in which it reappears; NaN without resamples.

    Parameters
    ----------
    xy, weight
        (n, 2) points and (n,) incidents at each.
    alpha
        A pile of a resample is a hotspot when redraws form one as unusual with at most this probability.
    """
    total = round(float(weight.sum()))
    back = np.zeros(len(grounds))
    for done in range(resamples if len(grounds) else 0):
        drawn = rng.multinomial(total, weight / weight.sum()).astype(float)
        here = drawn > 0
        piles = finder.find(xy[here], drawn[here])
        likelihood = excess(piles.count, piles.expected, total)
        hot = np.flatnonzero(chance.p_value(likelihood) <= alpha)
        reported = [piles.cells[hot[i]] for i in most_unusual(likelihood[hot], [piles.cells[i] for i in hot])]
        back += [any(jaccard(ground, other) >= SAME_GROUND for other in reported) for ground in grounds]
        progress((done + 1) / resamples)
    return back / resamples if resamples else np.full(len(grounds), np.nan)


def jaccard(one: Ints, other: Ints) -> float:
    """Return the cells in both grounds over the cells in either."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    either = len(one) + len(other) - both
    return both / either if either else 0.0
