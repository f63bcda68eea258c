"""The last weeks of each zone as its card shows them: calls by type and by six-hour band, small counts held back.

In:     incidents, the zones and which zone each unit belongs to.
Out:    two tables of all zones for the last 28 days: types, hours. Calls of residents only, of types with a place.
Method: a card leaves the station, and one burglary with its hours is somebody's burglary. A type with fewer than
        ``least`` calls in a zone is named without its number and counted with the others like it; were these together
        few, the smallest type shown joins them. A call counts in the bands in which it may have happened
        (``analysis.hours``), rounded to whole calls; small numbers are held back as in what is published
        (``models.publication``). Types and bands are not crossed in numbers, as differences would give small ones away:
        of a type only the band is told in which at least half of it, and no few calls, happened.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.hours import BANDS, band_weights
from gis_data.periods import Period
from gis_data.taxonomy import TYPES, has_a_place
from models.publication import hidden
from models.zone_counts import zone_of

DAYS = 28
LEAST_SHOWN = 5  # what is shared inside the service (DOMAIN 6.4)
OTHER = ""


@dataclass(frozen=True)
class Recent:
    """The last 28 days. A number held back is missing; a zone without calls has no rows.

    Attributes
    ----------
    period
        The days.
    types
        ``zone_id``, ``type`` (``OTHER`` for the zone's other types, last), ``count``, ``mostly`` (the band of
        ``analysis.hours.BANDS`` in which most happened, "" where none stands out).
    few
        ``zone_id``, ``type``: what had from 1 to ``least`` - 1 calls, in the order of the taxonomy.
    hours
        ``zone_id``, ``count``, and the calls in each band.
    """

    period: Period
    types: pd.DataFrame
    few: pd.DataFrame
    hours: pd.DataFrame


def recent_of(
    incidents: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, unit_zone: pd.Series, *, least: int = LEAST_SHOWN
) -> Recent:
    """Count the last 28 days, of which the last is the day of the last report."""
    end = Period.of(incidents["reported_at"]).end
    period = Period(end - pd.Timedelta(days=DAYS), end)
    kept = (incidents["origin"] == "reported") & has_a_place(incidents) & period.holds(incidents["reported_at"])
    calls = incidents[kept]
    bands = band_weights(calls["occurred_from"], calls["occurred_to"]) * calls["count"].to_numpy()[:, None]
    counts = pd.DataFrame(bands, columns=list(BANDS)).assign(
        zone_id=zone_of(calls, zones, unit_zone).to_numpy(), type=calls["type"].astype(str).to_numpy(),
        count=calls["count"].to_numpy(),
    )  # fmt: skip
    by_type = counts[counts["zone_id"] != ""].groupby(["zone_id", "type"], as_index=False).sum()
    few = by_type.loc[by_type["count"] < least, ["zone_id", "type"]]
    order = ["zone_id", "type"]
    few = few.sort_values(order, key=lambda column: column.map(_rank) if column.name == "type" else column)
    zone_ids = sorted(by_type["zone_id"].unique())
    own = [by_type[by_type["zone_id"] == zone_id] for zone_id in zone_ids]
    return Recent(
        period,
        types=pd.DataFrame([row for one in own for row in _types(one, least)], columns=[*order, "count", "mostly"]),
        few=few.reset_index(drop=True),
        hours=pd.DataFrame([_hours(one, least) for one in own], columns=["zone_id", "count", *BANDS]),
    )


def _rank(name: str) -> int:
    return list(TYPES).index(name) if name in TYPES else len(TYPES)


def _types(zone: pd.DataFrame, least: int) -> list[tuple[str, str, float, str]]:
    """Return a zone's types, the largest first, the others last."""
    ordered = zone.sort_values(["count", "type"], ascending=[False, True])
    shown = int((ordered["count"] >= least).sum())
    other = ordered["count"].iloc[shown:].sum()
    while 0 < other < least and shown:
        shown -= 1
        other += ordered["count"].iloc[shown]
    zone_id = zone["zone_id"].iloc[0]
    rows = [
        (zone_id, str(row["type"]), float(row["count"]), _mostly(row, least))
        for _, row in ordered.head(shown).iterrows()
    ]
    return [*rows, (zone_id, OTHER, float(other) if other >= least else np.nan, "")] if other else rows


def _mostly(row: pd.Series, least: int) -> str:
    band = max(BANDS, key=lambda name: row[name])
    return band if row[band] >= max(least, row["count"] / 2) else ""


def _hours(zone: pd.DataFrame, least: int) -> tuple[str | float, ...]:
    total, bands = zone["count"].sum(), zone[list(BANDS)].sum().round()
    hide, hide_all = hidden(bands, least=least)
    shown = bands.mask(hide | hide_all).to_list()
    return (zone["zone_id"].iloc[0], float(total) if total >= least else np.nan, *shown)
