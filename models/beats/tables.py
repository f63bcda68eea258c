"""The tables of a beats plan: a row a beat, a row a zone, each with its type and the reason.

In:     pieces of road with their beats, checkpoints, the zones.
Out:    tables in the study's CRS, ready to be drawn and printed; nothing downstream has to compute.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from gis_data.settings import BeatSettings, WorkloadSettings
from models.beats import types
from models.beats.divide import standing_min
from models.beats.segments import WORK
from models.plan import Plan


@dataclass(frozen=True)
class Tables:
    """The study's tables that beats are made from."""

    villages: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    landuse: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    incidents: gpd.GeoDataFrame

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> "Tables":
        """Return those out of all tables by name."""
        return cls(**{field.name: tables[field.name] for field in dataclasses.fields(cls)})


@dataclass(frozen=True)
class ZoneCut:
    """How one zone was cut: the least minutes of the heaviest beat of any cut, and how many groups of roads hung loose.

    ``by_air`` counts the groups that no road leads to at all.
    """

    zone_id: str
    bound_min: float = 0.0
    loose_groups: int = 0
    by_air: int = 0


def beat_table(
    pieces: gpd.GeoDataFrame, checkpoints: pd.DataFrame, villages: pd.DataFrame, settings: BeatSettings,
    workload: WorkloadSettings,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return one row a beat."""
    mainly = _main_villages(pieces, villages)
    rows = [_beat_row(beat_id, part, mainly.get(beat_id, "")) for beat_id, part in pieces.groupby("beat_id")]
    columns = list(_beat_row("", pieces.iloc[:0], ""))
    table = gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=pieces.crs)
    mean = table.groupby("zone_id")["workload_h_per_week"].transform("mean")
    table.insert(len(columns) - 1, "load_ratio", table["workload_h_per_week"] / mean.where(mean > 0, 1.0))
    for place, name in enumerate(("checkpoints", "visits_per_week", "visit_min_per_week")):
        table.insert(len(columns) + place, name, 0)
    table.insert(len(columns) + 3, "standing_min_per_week", standing_min(settings, workload))
    return with_visits(table, checkpoints, settings)


def with_visits(beats: gpd.GeoDataFrame, checkpoints: pd.DataFrame, settings: BeatSettings) -> gpd.GeoDataFrame:
    """Return the table of beats with the checkpoints, visits and minutes that each has in a table of checkpoints."""
    found = checkpoints.groupby("beat_id")["min_visits_per_week"].agg(["size", "sum"]).reindex(beats["beat_id"])
    count, visits = (found[name].fillna(0).astype("int64").to_numpy() for name in ("size", "sum"))
    return beats.assign(
        checkpoints=count, visits_per_week=visits, visit_min_per_week=visits * settings.stop_min
    )  # fmt: skip


def _beat_row(beat_id: str, part: gpd.GeoDataFrame, villages: str) -> dict[str, Any]:
    kind, reasons = types.beat_type(part)
    return {
        "beat_id": beat_id,
        "zone_id": part["zone_id"].iloc[0] if len(part) else "",
        "beat_type": kind,
        "reason": types.pack(reasons),
        "villages": villages,
        "segments": len(part),
        "road_km": float(part["length_m"].sum()) / 1000,
        **{f"{name}_km": km for name, km in types.kilometres_by_kind(part).items()},
        "loose_km": float(part.loc[part["loose"], "length_m"].sum()) / 1000,
        "hotspots": "、".join(sorted(set(part["hotspot_id"]) - {""})),
        "incidents_per_week": float(part["incidents_per_week"].sum()),
        **{f"{name.removesuffix('_min')}_h_per_week": float(part[name].sum()) / 60 for name in WORK},
        "workload_h_per_week": float(part["total_min"].sum()) / 60,
        "geometry": shapely.multilinestrings(part.geometry.to_numpy()),
    }


def _main_villages(pieces: pd.DataFrame, villages: pd.DataFrame) -> dict[str, str]:
    """Return the villages that have most of their road in each beat."""
    if villages.empty:
        return {}
    metres: pd.DataFrame = pieces.groupby(["unit_id", "beat_id"], as_index=False).agg({"length_m": "sum"})
    most = metres.sort_values("length_m", kind="stable").drop_duplicates("unit_id", keep="last")
    most = villages[["village_id", "name"]].merge(most, left_on="village_id", right_on="unit_id")
    return {str(beat_id): "、".join(names) for beat_id, names in most.groupby("beat_id")["name"]}


def zone_table(
    pieces: gpd.GeoDataFrame, cuts: Sequence[ZoneCut], zones: Plan, markets: gpd.GeoDataFrame, tables: Tables
) -> pd.DataFrame:
    """Return one row a zone: its type with the reasons, and how even its beats are (ratios to the zone's mean beat)."""
    zone_of = zones.tables["units"].set_index("unit_id")["zone_id"]
    village_zone = tables.villages["village_id"].map(zone_of)
    rows = []
    for cut, ground in zip(cuts, zones.to_frame().geometry, strict=True):
        mine = pieces[pieces["zone_id"] == cut.zone_id]
        about = types.ZoneGround(
            ground, tables.villages[village_zone == cut.zone_id], mine, tables.landuse,
            tables.places[tables.places.geometry.intersects(ground)], markets[markets.geometry.intersects(ground)],
        )  # fmt: skip
        kind, reasons = types.zone_type(about)
        load = mine.groupby("beat_id")["total_min"].sum()
        mean = float(load.mean()) if len(load) and load.sum() > 0 else math.nan
        rows.append(
            {
                "zone_id": cut.zone_id, "zone_type": kind, "reason": types.pack(reasons), "beats": len(load),
                "road_km": float(mine["length_m"].sum()) / 1000, "workload_h_per_week": float(load.sum()) / 60,
                "max_ratio": float(load.max()) / mean, "min_ratio": float(load.min()) / mean,
                "bound_ratio": cut.bound_min / mean, "loose_groups": cut.loose_groups,
                "loose_km": float(mine.loc[mine["loose"], "length_m"].sum()) / 1000, "by_air": cut.by_air,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
