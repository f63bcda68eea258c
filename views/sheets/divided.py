"""Divided villages on a zone's sheet: its natural villages by name on the map, and a plain sentence on the card.

In:     the village table and the plan "zones", whose table "parts" says what was divided.
Out:    the villages as the plan has them; sentences.
"""

import geopandas as gpd
import pandas as pd

from gis_data.catalogue import text
from models.plan import Plan


def with_parts(villages: gpd.GeoDataFrame, zones: Plan) -> gpd.GeoDataFrame:
    """Return the villages with a row a part, at the part's own place, instead of each divided one.

    The column ``village`` holds the name of the whole.
    """
    if "parts" not in zones.tables:
        return villages
    village_of = _village_of(zones)
    units = zones.tables["units"]
    parts = units[units["unit_id"].isin(village_of.index)]
    parent = villages.set_index("village_id").loc[parts["unit_id"].map(village_of)].reset_index(drop=True)
    own = {"village_id": parts["unit_id"], "name": parts["name"], "centre_x": parts["x"], "centre_y": parts["y"]}
    rows = parent.assign(village=parent["name"], **{name: column.to_numpy() for name, column in own.items()})
    rows = rows.set_geometry(gpd.GeoSeries.from_xy(parts["x"], parts["y"], crs=villages.crs).reset_index(drop=True))
    whole = villages[~villages["village_id"].isin(village_of)]
    return gpd.GeoDataFrame(pd.concat([whole.assign(village=whole["name"]), rows], ignore_index=True), crs=villages.crs)


def village_count(zones: Plan, zone_id: str) -> int:
    """Return how many villages a zone has, a divided one counted once however many of its parts are there."""
    units = zones.tables["units"]
    mine = units.loc[units["zone_id"] == zone_id, "unit_id"]
    return len(set(mine)) if "parts" not in zones.tables else int(mine.map(_village_of(zones)).fillna(mine).nunique())


def _village_of(zones: Plan) -> pd.Series:
    """Return the divided village of each part, by the part's id."""
    return zones.tables["parts"].drop_duplicates("unit_id").set_index("unit_id")["village_id"]


def divided_words(villages: pd.DataFrame, zones: Plan, zone_id: str) -> list[str]:
    """Say of each divided village that reaches into a zone which parts are here and where the others are.

    ``villages`` are those of ``with_parts``.
    """
    if "parts" not in zones.tables:
        return []
    village_of = _village_of(zones)
    units = zones.tables["units"].sort_values("unit_id")
    units = units.assign(village_id=units["unit_id"].map(village_of)).dropna(subset="village_id")
    named = dict(zip(villages["village_id"], villages["village"], strict=True))
    said = []
    for _, parts in units.groupby("village_id"):
        here = parts["zone_id"] == zone_id
        if not here.any():
            continue
        mark, values = text("list.mark"), {"village": named[parts["unit_id"].iloc[0]], "count": len(parts)}
        rest = mark.join(
            text("sheet.card.part_in_zone", part=name, zone=zone)
            for name, zone in zip(parts.loc[~here, "name"], parts.loc[~here, "zone_id"], strict=True)
        )
        if rest:
            said.append(text("sheet.card.divided", **values, here=mark.join(parts.loc[here, "name"]), rest=rest))
        else:
            said.append(text("sheet.card.divided_here", **values))
    return said
