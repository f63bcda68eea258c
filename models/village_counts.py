"""What residents of each village reported in a period: counts and rates with their intervals.

In:     incidents with their village, the villages, a period.
Out:    one row per village. Only incidents that may be tied to a place (rule 2), reported by residents (rule 1).
Method: exact Poisson limits (``analysis.compare``).
"""

import geopandas as gpd
import pandas as pd

from analysis.compare import poisson_interval
from gis_data.periods import Period
from gis_data.taxonomy import drives_allocation

PEOPLE = 1_000  # base of a rate per head
# The town plan's five (防盗、防火、防破坏、防事故、防矛盾激化) name no types: this regrouping is ours.
FIVE_PREVENTIONS = {
    "theft": (
        "theft", "burglary", "vehicle_theft", "ebike_theft", "theft_from_vehicle", "pickpocketing", "farm_theft",
        "cable_theft", "robbery", "snatch", "minor_theft", "trespass",
    ),
    "fire": ("fire", "straw_burning", "arson"),
    "sabotage": ("criminal_damage",),
    "accident": ("crash", "hit_run", "water_danger", "work_safety", "hazmat", "food", "natural"),
    "escalation": (
        "neighbour", "family", "land", "debt", "labour", "consumer", "water", "other_dispute", "assault", "disorder",
        "injury",
    ),
}  # fmt: skip


def count_villages(incidents: gpd.GeoDataFrame, villages: pd.DataFrame, *, period: Period) -> pd.DataFrame:
    """Return ``village_id``, ``reported``, ``reported_low``, ``reported_high`` and the rate per 1,000 people and year.

    The rate and its limits (``per_1k_year``, ``low_per_1k_year``, ``high_per_1k_year``) are NaN without people.
    """
    counted = drives_allocation(incidents[period.holds(incidents["reported_at"])])
    count = counted.groupby("village_id")["count"].sum().reindex(villages["village_id"], fill_value=0)
    low, high = poisson_interval(count.to_numpy())
    table = pd.DataFrame({"village_id": count.index, "reported": count.to_numpy(), "reported_low": low,
                          "reported_high": high})  # fmt: skip
    people_years = villages["population"].to_numpy(float) / PEOPLE * period.years
    for name, rate in (("", "reported"), ("low_", "reported_low"), ("high_", "reported_high")):
        table[f"{name}per_1k_year"] = (table[rate] / people_years).where(people_years > 0)
    return table


def types_by_village(incidents: gpd.GeoDataFrame, *, period: Period) -> pd.DataFrame:
    """Return ``village_id``, ``incident_class``, ``type``, ``reported``: the same incidents by type."""
    counted = drives_allocation(incidents[period.holds(incidents["reported_at"])])
    counts = counted.groupby(["village_id", "incident_class", "type"])["count"].sum()
    return counts.rename("reported").reset_index()


def five_preventions(types: pd.DataFrame) -> dict[str, int]:
    """Return how many calls (``type``, ``reported``) belong to each of the five preventions, and to none ("other")."""
    of_type = {name: group for group, names in FIVE_PREVENTIONS.items() for name in names}
    counts = types["reported"].groupby(types["type"].map(of_type).fillna("other")).sum()
    return {group: int(counts.get(group, 0)) for group in (*FIVE_PREVENTIONS, "other")}
