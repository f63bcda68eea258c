"""Standing villages: the table of villages as it is on one day, and what happened in a village that has ended since.

In:     the villages with the days from and to which they stand; tables that count by village; a day.
Out:    the villages that stand on that day; the tables with every village that has ended replaced by its successor.
Method: the successor is the village that bears the ended one's name as an alias (DOMAIN 2.6, pitfall 12), through
        several mergers; where none does, the nearest that stands: its people live in some village now.
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
from scipy.spatial import KDTree

from gis_data.intake import places, values


def standing(villages: gpd.GeoDataFrame, at: pd.Timestamp) -> gpd.GeoDataFrame:
    """Return the villages that stand on a day."""
    begun = villages["valid_from"].isna() | (villages["valid_from"] <= at)
    return villages[begun & (villages["valid_to"].isna() | (villages["valid_to"] > at))].reset_index(drop=True)


def successors(villages: gpd.GeoDataFrame, at: pd.Timestamp) -> dict[str, str]:
    """Return, for each village that has ended by a day, the village that stands in its place."""
    here = standing(villages, at)
    ended = villages[villages["valid_to"] <= at]
    if ended.empty or here.empty:
        return {}
    days = pd.Series(at, index=ended.index)
    heirs = values.as_written(places.valid_then(ended["village_id"], days, villages))
    centre = ["centre_x", "centre_y"]
    nearest = KDTree(here[centre].to_numpy(dtype=float)).query(ended[centre].to_numpy(dtype=float))[1]
    heirs = heirs.where(heirs.isin(here["village_id"]), here["village_id"].to_numpy()[nearest])
    return dict(zip(ended["village_id"], heirs, strict=True))


def as_of(tables: Mapping[str, Any], at: pd.Timestamp) -> dict[str, Any]:
    """Return tables as a plan of a day needs them: its villages, and everything of ended ones with their successors."""
    villages = tables["villages"]
    here, heirs = standing(villages, at), successors(villages, at)
    if len(here) == len(villages):
        return dict(tables)
    moved = {
        name: table.assign(village_id=table["village_id"].replace(heirs).astype("str"))
        for name, table in tables.items()
        if name != "villages" and "village_id" in table
    }
    return {**tables, **moved, "villages": here}
