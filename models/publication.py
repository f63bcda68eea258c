"""What of the scorecard may leave the station: small counts suppressed, so that no sum gives them away.

In:     a plan "scorecard" and the least count that is published (setting ``privacy.publish_at_least``).
Out:    tables without small counts and without anything they could be computed from.
Method: a count from 1 to ``least`` - 1 is not published (Washington State Department of Health: 10), and beside a
        published sum further counts are held back until the hidden ones are at least two and, beyond one each, add up
        to ``least`` (secondary suppression). Rates and limits of a hidden count are held back with it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.plan import Plan

GROUND = ("zone_id", "population", "road_km", "area_km2")
PER_HOURS = ("arrests_per_100h", "arrests_low_per_100h", "arrests_high_per_100h")


@dataclass(frozen=True)
class PublicCard:
    """The tables that may leave the station; a suppressed number is missing.

    Attributes
    ----------
    zones
        ``zone_id``, ground, ``reported``, ``rate``, ``rate_low``, ``rate_high``, ``expected_word``.
    pools
        ``pool``, ``patrol_hours``, ``arrest_incidents``, ``arrests_per_100h`` with limits.
    reported, arrests
        Sums of the town; None where not even these are published.
    least
        Least count published.
    """

    zones: pd.DataFrame
    pools: pd.DataFrame
    reported: int | None
    arrests: int | None
    least: int


def publish(card: Plan, *, least: int) -> PublicCard:
    """Return what of a scorecard may be published."""
    zones, reported = _public_zones(card, least)
    pools, arrests = _public_pools(card.tables["arrest_pools"], least)
    return PublicCard(zones, pools, reported, arrests, least)


def hidden(counts: pd.Series, *, least: int) -> tuple[pd.Series, bool]:
    """Tell which counts are held back, and whether their sum is too.

    The smallest counts are held back beyond the small ones until the hidden ones cover each other; where there are not
    enough of them, the sum is hidden as well. Counts of nought are published.
    """
    hide = (counts > 0) & (counts < least)
    if not hide.any():
        return hide, False
    for following in sorted(set(counts[counts >= least])):
        if _cover_each_other(counts[hide], least):
            break
        hide |= counts == following  # equals go together: which of them was taken would tell where the small one is
    return hide, not _cover_each_other(counts[hide], least)


def _cover_each_other(counts: pd.Series, least: int) -> bool:
    """Tell whether hidden counts stay unknown though their sum is known.

    Each is at least 1, so it is what the sum has beyond that which hides them. Without this, a hidden sum would say
    that nine hidden counts are nine ones.
    """
    return len(counts) >= 2 and int(counts.sum()) - len(counts) >= least


def _public_zones(card: Plan, least: int) -> tuple[pd.DataFrame, int | None]:
    table = card.to_frame()
    per = "per_10k_year" if card.settings["exposure"] == "population" else "per_km2_year"
    hide, hide_sum = hidden(table["reported"], least=least)
    rates = {name: table[f"{name}_{per}"].mask(hide) for name in ("rate", "rate_low", "rate_high")}
    # With a sum nobody may know, the words would tell what it was measured against.
    words = table["expected_word"].mask(hide | hide_sum, "hidden")
    reported = table["reported"].astype(float).mask(hide)
    public = table[list(GROUND)].assign(reported=reported, **rates, expected_word=words)
    return public, None if hide_sum else int(table["reported"].sum())


def _public_pools(pools: pd.DataFrame, least: int) -> tuple[pd.DataFrame, int | None]:
    """Suppress arrests in the pools alone: beside counts of single zones a pool would give its members away."""
    hide, hide_sum = hidden(pools["arrest_incidents"], least=least)
    arrests = pools["arrest_incidents"].astype(float).mask(hide)
    rates = {name: pools[name].mask(hide, np.nan) for name in PER_HOURS}
    public = pools[["pool", "patrol_hours"]].assign(arrest_incidents=arrests, **rates)
    return public, None if hide_sum else int(pools["arrest_incidents"].sum())
