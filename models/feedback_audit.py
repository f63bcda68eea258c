"""Feedback audit: where patrols would go if they followed arrests, in a town whose zones are all alike.

In:     the zones, and the station's own month: reported incidents, patrol hours, on-the-spot arrests.
Out:    each zone's share of the patrol over three years under three rules, in many simulated towns. It is printed
        beside the scorecard and enters no plan.
Method: the runaway feedback loop (Lum & Isaac 2016) as a generalised Pólya urn (Ensign et al. 2018): an arrest on the
        spot needs a patrol on the spot, so a zone's arrests grow with its patrol hours, and the next patrol with them.
        Counting an arrest with the inverse of the patrol sent to it repairs the urn (Ensign et al., section 4).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rule = Literal["reported", "arrests", "arrests_per_hour"]

RULES: tuple[Rule, ...] = ("reported", "arrests", "arrests_per_hour")
MONTHS, MEMORY_MONTHS = 36, 12  # three years; each month's patrol follows the twelve months before it
# The repair weighs rare finds heavily, so it needs every month there is: with twelve it would be mostly chance.
REPAIR_MEMORY_MONTHS = MONTHS + MEMORY_MONTHS
COVERAGE = 0.90  # of the simulated towns
MOST_DRAWN = 20_000  # zones times runs: keeps the audit of a city's 300 zones as quick as a town's
MOST_RUNS, FEWEST_RUNS = 1_000, 100
PATHS = 12  # zones of one town whose months are kept for the chart: the most and the least patrolled at the end


@dataclass(frozen=True)
class Station:
    """A station's own month, for the whole town."""

    zones: int
    reported_per_month: float
    arrests_per_month: float
    patrol_h_per_month: float


@dataclass(frozen=True)
class Audit:
    """What became of the patrol.

    Attributes
    ----------
    ends
        One row a rule: ``most_pct`` and ``least_pct``, the mean share of the most and of the least patrolled zone in
        the last month; ``low_pct`` to ``high_pct``, between which 90 % of all zones end; ``fair_pct``;
        ``deserted_pct``, the share of towns in which a zone ends without any patrol.
    zones
        One row a rule and zone, of the middle town (median of the most patrolled zone's share): ``share_pct``.
    paths
        One row a rule, month and zone of the middle town: ``share_pct``, with ``low_pct`` and ``high_pct`` over all.
    runs
        Number of simulated towns.
    """

    ends: pd.DataFrame
    zones: pd.DataFrame
    paths: pd.DataFrame
    runs: int


def audit_feedback(station: Station, zone_ids: Sequence[str], *, rng: np.random.Generator) -> Audit | None:
    """Simulate three years under each rule in a town whose zones have the same true rate and begin with equal patrol.

    The first ``MEMORY_MONTHS`` months have equal patrol. Returns None where there is nothing to follow: a single zone,
    no arrests, or no patrol.
    """
    if station.zones < 2 or station.arrests_per_month <= 0 or station.patrol_h_per_month <= 0:
        return None
    runs = int(np.clip(MOST_DRAWN // station.zones, FEWEST_RUNS, MOST_RUNS))
    shares = {rule: simulate(station, rule, runs=runs, rng=rng) for rule in RULES}
    return Audit(
        ends=pd.DataFrame([{"rule": rule, **_ends(share)} for rule, share in shares.items()]),
        zones=pd.concat([_middle_town(rule, share, zone_ids) for rule, share in shares.items()], ignore_index=True),
        paths=pd.concat([_paths(rule, share, zone_ids) for rule, share in shares.items()], ignore_index=True),
        runs=runs,
    )


def simulate(station: Station, rule: Rule, *, runs: int, rng: np.random.Generator) -> Floats:
    """Return the shares of patrol, of shape (months + 1, runs, zones); month 0 is equal patrol."""
    shape = (runs, station.zones)
    arrests_per_h = station.arrests_per_month / station.patrol_h_per_month
    reported = np.full(shape, station.reported_per_month / station.zones)

    def draw(share: Floats) -> Floats:
        if rule == "reported":
            return rng.poisson(reported).astype(float)
        return rng.poisson(arrests_per_h * station.patrol_h_per_month * share).astype(float)

    equal = np.full(shape, 1 / station.zones)
    first = [draw(equal) for _ in range(MEMORY_MONTHS)]
    return follow(
        first, draw, periods=MONTHS, memory=REPAIR_MEMORY_MONTHS if rule == "arrests_per_hour" else MEMORY_MONTHS,
        share_of=shrunken if rule == "reported" else np.asarray, corrected=rule == "arrests_per_hour",
    )  # fmt: skip


def follow(
    first: Sequence[Floats],
    draw: Callable[[Floats], Floats],
    *,
    periods: int,
    memory: int,
    share_of: Callable[[Floats], Floats] = np.asarray,
    corrected: bool = False,
) -> Floats:
    """Let the patrol of each period follow what was found in the ``memory`` periods before it.

    Parameters
    ----------
    first
        What each of the first periods found, shape (runs, zones), under equal patrol. One period of ones and an
        endless memory is the standard Pólya urn.
    draw
        What a period finds (runs, zones), given the shares of patrol.
    share_of
        What the sum of the finds becomes before it is made a share.
    corrected
        Count each find with the inverse of the patrol that was sent to it.

    Returns
    -------
    array (periods + 1, runs, zones)
        Shares of patrol; the first is equal. Where nothing was found in the memory, the share stays.
    """
    equal = np.full(first[0].shape, 1 / first[0].shape[1])
    finds, shares = list(first), [equal]
    total = np.sum(finds[-memory:], axis=0)
    for _ in range(periods):
        score = share_of(np.maximum(total, 0.0))
        whole = score.sum(axis=1, keepdims=True)
        share = np.where(whole > 0, score / np.where(whole > 0, whole, 1.0), shares[-1])
        found = draw(share)
        if corrected:
            found = np.divide(found * equal, share, out=np.zeros_like(found), where=share > 0)
        finds.append(found)
        shares.append(share)
        total = total + found - (finds[-memory - 1] if len(finds) > memory else 0.0)
    return np.stack(shares)


def shrunken(count: Floats) -> Floats:
    """Return counts of equal exposure (runs, zones), each row drawn towards its mean by moments (Marshall 1991)."""
    mean = count.mean(axis=1, keepdims=True)
    variance = ((count - mean) ** 2).mean(axis=1, keepdims=True)
    beyond_chance = np.maximum(variance - mean, 0.0)
    weight = np.divide(beyond_chance, variance, out=np.zeros_like(mean), where=variance > 0)
    return np.asarray(mean + weight * (count - mean))


def _ends(shares: Floats) -> dict[str, float]:
    last = shares[-1]
    low, high = _band(last)
    return {
        "fair_pct": 100 / last.shape[1],
        "most_pct": float(100 * last.max(axis=1).mean()),
        "least_pct": float(100 * last.min(axis=1).mean()),
        "low_pct": low,
        "high_pct": high,
        "deserted_pct": float(100 * (last.min(axis=1) == 0).mean()),
    }


def _band(share: Floats) -> tuple[float, float]:
    low, high = np.quantile(share, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(100 * low), float(100 * high)


def _middle(shares: Floats) -> Floats:
    """Return the town (months + 1, zones) whose most patrolled zone ends with the median share."""
    return shares[:, np.argsort(shares[-1].max(axis=1), kind="stable")[shares.shape[1] // 2]]


def _middle_town(rule: str, shares: Floats, zone_ids: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({"rule": rule, "zone_id": zone_ids, "share_pct": 100 * _middle(shares)[-1]})


def _paths(rule: str, shares: Floats, zone_ids: Sequence[str]) -> pd.DataFrame:
    town = _middle(shares)
    order = np.argsort(-town[-1], kind="stable")
    kept = np.sort(order if len(order) <= PATHS else np.r_[order[: PATHS // 2], order[-PATHS // 2 :]])
    low, high = zip(*(_band(month) for month in shares), strict=True)
    months = np.arange(len(shares))
    return pd.concat(
        [
            pd.DataFrame({"rule": rule, "month": months, "zone_id": zone_ids[z], "share_pct": 100 * town[:, z],
                          "low_pct": low, "high_pct": high})
            for z in kept
        ]
    )  # fmt: skip
