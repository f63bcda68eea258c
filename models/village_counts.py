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
