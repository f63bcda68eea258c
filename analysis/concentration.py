"""How concentrated incidents are on few places, and whether more so than chance alone would concentrate them.

In:     incidents per place (every place that could have any, the empty ones too).
Out:    the Lorenz curve, the Gini coefficient, and both corrected for sparse data; the range that chance gives.
Method: with fewer incidents than places, even one incident a place leaves most places empty, and the plain Gini is high
        whatever happens. The generalised Gini compares with the greatest equality the data allow (Bernasco &
        Steenbeek 2017), and is divided by the most it can reach (the small-sample correction of their R package).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Concentration:
    """How concentrated the incidents are.

    Attributes
    ----------
    places, incidents
        What the figures rest on.
    gini, gini_generalised, gini_unbiased
        Plain; against the greatest equality possible; the latter so scaled that all incidents at one place give 1.
    low, high
        Interval of ``gini_unbiased`` over resampled places.
    chance_low, chance_high, p_value
        The same measure when each incident falls on any place alike (or by exposure): its interval, and the share of
        such draws at least as concentrated as the data.
    half_in_pct
        Share of the places that hold half of the incidents, the busiest first.
    """

    places: int
    incidents: int
    gini: float
    gini_generalised: float
    gini_unbiased: float
    low: float
    high: float
    chance_low: float
    chance_high: float
    p_value: float
    half_in_pct: float


def gini(count: ArrayLike) -> Floats:
    """Return the Gini coefficient (0 to 1) of counts (..., places) over the last axis (...); NaN without incidents."""
    ordered = np.sort(np.asarray(count, dtype=float), axis=-1)
    n, total = ordered.shape[-1], ordered.sum(axis=-1)
    rank = np.arange(1, n + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * (ordered * rank).sum(axis=-1) / (n * total) - (n + 1) / n)


def gini_generalised(count: ArrayLike, *, unbiased: bool = True) -> Floats:
    """Return Bernasco & Steenbeek's Gini of the last axis: 0 is the greatest equality that so few incidents allow.

    With ``unbiased`` it is divided by its greatest value, so that 1 is all incidents at one place; NaN where there are
    fewer than two incidents, or two places, to be unequal.
    """
    counts = np.asarray(count, dtype=float)
    places, incidents = counts.shape[-1], counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.maximum(1.0, places / incidents) * (gini(counts) - 1) + 1
        fewest = np.minimum(places, incidents)
        return np.asarray(found * np.where(fewest > 1, fewest / (fewest - 1), np.nan) if unbiased else found)


def lorenz(count: ArrayLike) -> pd.DataFrame:
    """Return the Lorenz curve, busiest places first, from (0, 0) to (1, 1).

    Returns
    -------
    pandas.DataFrame
        ``place_share``, ``incident_share``, and ``most_equal_share``: what the same share of places would hold if the
        incidents were as equal as their number allows. It reaches 1 at incidents / places where places are more.
    """
    ordered = np.sort(np.asarray(count, dtype=float))[::-1]
    places, incidents = len(ordered), ordered.sum()
    place_share = np.arange(places + 1) / places
    held = np.r_[0.0, np.cumsum(ordered)] / incidents
    reach = min(1.0, incidents / places)
    return pd.DataFrame(
        {"place_share": place_share, "incident_share": held, "most_equal_share": np.minimum(place_share / reach, 1.0)}
    )


def measure_concentration(
    count: ArrayLike,
    *,
    rng: np.random.Generator,
    exposure: ArrayLike | None = None,
    simulations: int = 999,
    level: float = 0.95,
) -> Concentration:
    """Measure the concentration of whole counts, with the interval it has and the one that chance gives.

    Parameters
    ----------
    count
        (places,) incidents.
    exposure
        (places,) what incidents can fall on (people, road); without it each place is alike. Then plain differences in
        size are part of «chance».

    Raises
    ------
    ValueError
        If there is no place.
    """
    counts = np.sort(np.asarray(count, dtype=np.int64))  # so that the order of the rows changes nothing
    order = np.argsort(np.asarray(count), kind="stable")
    if len(counts) == 0:
        raise ValueError("concentration needs at least one place")
    places, incidents = len(counts), int(counts.sum())
    weight = np.ones(places) if exposure is None else np.asarray(exposure, dtype=float)[order]
    tails = (1 - level) / 2, (1 + level) / 2
    resampled = gini_generalised(counts[rng.integers(places, size=(simulations, places))])
    by_chance = gini_generalised(rng.multinomial(incidents, weight / weight.sum(), size=simulations))
    found = float(gini_generalised(counts))
    nothing = np.isnan(found)
    held = np.cumsum(counts[::-1])
    return Concentration(
        places=places,
        incidents=incidents,
        gini=float(gini(counts)),
        gini_generalised=float(gini_generalised(counts, unbiased=False)),
        gini_unbiased=found,
        low=float("nan") if nothing else float(np.nanquantile(resampled, tails[0])),
        high=float("nan") if nothing else float(np.nanquantile(resampled, tails[1])),
        chance_low=float("nan") if nothing else float(np.quantile(by_chance, tails[0])),
        chance_high=float("nan") if nothing else float(np.quantile(by_chance, tails[1])),
        p_value=1.0 if nothing else float((1 + (by_chance >= found - 1e-12).sum()) / (simulations + 1)),
        half_in_pct=100 * float(1 + np.searchsorted(held, incidents / 2)) / places if incidents else float("nan"),
    )
