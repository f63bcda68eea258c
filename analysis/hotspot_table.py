"""The table of hotspots: what the incidents inside a cluster say of themselves, and why it is one.

In:     clusters with what chance says of each; the incidents they were found in.
Out:    one row per cluster with the columns ``COLUMNS`` and ``TIMES`` and its polygon; the reasons of a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.activity import Activity, activity, expires_at, monthly_counts, months_of
from analysis.chance_surface import Ints
from analysis.hours import busiest_hours, hour_profile
from gis_data.catalogue import text
from gis_data.periods import Period
from gis_data.settings import HotspotSettings

MAIN_TYPES = 3
FEW_POINTS_PCT = 80.0  # above this share at one exact point, a person should check the address before the place
FEWEST_TIMES = 20  # with fewer known times four busiest hours say nothing
STABLE_PCT = 80.0  # below this share of resamples a hotspot stands on few incidents: told, not hidden
STATUSES = ("hotspot", "expired", "chance")

COLUMNS: dict[str, str] = {
    "hotspot_id": "str",
    "is_hotspot": "bool",
    "status": "str",  # "hotspot", "expired" or "chance"
    "count": "int64",
    "share_pct": "float64",
    "area_km2": "float64",
    "area_m2": "float64",
    "size": "str",  # "area", or "address" below the least area
    "density_per_km2_year": "float64",
    "expected_count": "float64",
    "times_expected": "float64",
    "p_value": "float64",
    "chance_clusters": "float64",
    "stability_pct": "float64",
    "peak_hours": "str",
    "peak_share_pct": "float64",
    "hours_known": "int64",
    "main_types": "str",
    "months": "int64",
    "months_active": "int64",
    "active_share_pct": "float64",
    "one_point_pct": "float64",
}
TIMES = ("first_at", "last_at", "last_active_at", "expires_at")


@dataclass(frozen=True)
class Found:
    """A cluster: numbers of the points inside, its area, the incidents expected there, and what chance says of it."""

    points: Ints
    area: shapely.Geometry
    expected: float
    p_value: float
    chance_clusters: float
    stability_pct: float


def hotspot_table(
    found: Sequence[Found], incidents: gpd.GeoDataFrame, spot: Ints, land: shapely.Geometry, period: Period,
    settings: HotspotSettings,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return a row a cluster, hotspots first (columns of this module, polygon cut to the land).

    ``spot`` (incidents,) is for each incident the number of its point, by which ``Found.points`` names them.
    """
    months, zone = months_of(period), incidents["reported_at"].dt.tz
    town_counts, rows = monthly_counts(incidents, months), []
    for one in found:
        inside = incidents[np.isin(spot, one.points)]
        signs = activity(inside, town_counts, one.expected, months)
        row = _describe(one, inside, incidents, land, period, settings) | _months(signs, settings, zone)
        alive = row["expires_at"] > period.end
        row["status"] = "chance" if one.p_value > settings.alpha else "hotspot" if alive else "expired"
        row["is_hotspot"] = row["status"] == "hotspot"
        rows.append(row)
    return _sorted(rows, incidents)


def explain(hotspot: pd.Series) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return the reasons for one row as catalogue keys and values («because…»)."""
    verdict = "chance" if hotspot["status"] == "chance" else "p"
    reasons: list[tuple[str, dict[str, Any]]] = [
        ("hotspots.because.count", {"count": hotspot["count"], "share_pct": round(hotspot["share_pct"], 1)}),
        (
            "hotspots.because.expected",
            {"expected": round(hotspot["expected_count"], 1), "times": round(hotspot["times_expected"], 1)},
        ),
        (f"hotspots.because.{verdict}", {"p_value": f"{hotspot['p_value']:.3f}"}),
        ("hotspots.because.types", {"types": _names_of(hotspot["main_types"])}),
        ("hotspots.because.months", {"active": hotspot["months_active"], "months": hotspot["months"]}),
        *_doubts(hotspot),
    ]
    if hotspot["status"] != "chance":
        day = f"{hotspot['expires_at']:%Y-%m-%d}"
        reasons.append((f"hotspots.because.{hotspot['status']}_until", {"day": day}))
    return tuple(reasons)


def _doubts(hotspot: pd.Series) -> list[tuple[str, dict[str, Any]]]:
    """Return the hours, and what a person should know before trusting the row."""
    reasons: list[tuple[str, dict[str, Any]]] = []
    if hotspot["peak_hours"]:
        hours = {"hours": hotspot["peak_hours"], "share_pct": round(hotspot["peak_share_pct"])}
        reasons.append(("hotspots.because.hours", hours))
    elif hotspot["hours_known"] < FEWEST_TIMES:
        reasons.append(("hotspots.because.few_hours", {"known": hotspot["hours_known"], "fewest": FEWEST_TIMES}))
    if hotspot["stability_pct"] == hotspot["stability_pct"]:
        word = "stable" if hotspot["stability_pct"] >= STABLE_PCT else "unstable"
        reasons.append((f"hotspots.because.{word}", {"share_pct": round(hotspot["stability_pct"])}))
    if hotspot["size"] == "address":
        reasons.append(("hotspots.because.small", {"area_m2": f"{hotspot['area_m2']:,.0f}"}))
    if hotspot["one_point_pct"] > FEW_POINTS_PCT:
        reasons.append(("hotspots.because.one_point", {"share_pct": round(hotspot["one_point_pct"])}))
    return reasons


def types_of(main_types: str) -> list[tuple[str, int]]:
    """Read a ``main_types`` cell ("assault:12;theft:7") as (type, count), the most frequent first."""
    return [(name, int(count)) for name, _, count in (part.partition(":") for part in main_types.split(";") if part)]


def _names_of(main_types: str) -> str:
    parts = (f"{text(f'type.{name}')} {count}" for name, count in types_of(main_types))
    return text("list.mark").join(parts)


def _describe(
    found: Found, inside: gpd.GeoDataFrame, town: gpd.GeoDataFrame, land: shapely.Geometry, period: Period,
    settings: HotspotSettings,
) -> dict[str, Any]:  # fmt: skip
    count = int(inside["count"].sum())
    ground = shapely.intersection(found.area, land)
    ground = found.area if ground.is_empty else ground
    at_one_point = inside.groupby(inside.geometry.to_wkb())["count"].sum().max()
    when = inside["occurred_from"].fillna(inside["reported_at"])
    return {
        "count": count,
        "share_pct": 100 * count / int(town["count"].sum()),
        "area_km2": ground.area / 1e6,
        "area_m2": ground.area,
        "size": "address" if ground.area < settings.min_area_m2 else "area",
        "density_per_km2_year": count / (ground.area / 1e6) / period.years,
        "expected_count": found.expected,
        "times_expected": count / found.expected,
        "p_value": found.p_value,
        "chance_clusters": found.chance_clusters,
        "stability_pct": found.stability_pct,
        "main_types": _main_types(inside),
        "first_at": when.min(),
        "last_at": when.max(),
        "one_point_pct": 100 * at_one_point / count,
        "geometry": ground,
        **_peak(inside),
    }


def _months(signs: Activity, settings: HotspotSettings, zone: tzinfo | None) -> dict[str, Any]:
    last = signs.last_active() or signs.months[0]
    return {
        "months": len(signs.months),
        "months_active": int(signs.active.sum()),
        "active_share_pct": 100 * float(signs.active.mean()),
        "last_active_at": last.to_timestamp().tz_localize(zone),
        "expires_at": expires_at(last, settings.expire_after_months, zone),
    }


def _main_types(inside: pd.DataFrame) -> str:
    counts = inside.groupby("type")["count"].sum().reset_index()
    first = counts.sort_values(["count", "type"], ascending=[False, True]).head(MAIN_TYPES)
    return ";".join(f"{name}:{count}" for name, count in zip(first["type"], first["count"], strict=True))


def _peak(inside: pd.DataFrame, *, alpha: float = 0.05) -> dict[str, Any]:
    """Return the busiest hours; nothing where the times known are too few or a flat day would give such a peak too."""
    profile = hour_profile(inside["occurred_from"], inside["occurred_to"], inside["count"])
    peak = busiest_hours(profile.by_hour)
    if profile.known < FEWEST_TIMES or peak.p_value > alpha:
        return {"peak_hours": "", "peak_share_pct": float("nan"), "hours_known": profile.known}
    hours = f"{peak.start:02d}-{peak.end:02d}"
    return {"peak_hours": hours, "peak_share_pct": 100 * peak.share, "hours_known": profile.known}


def _sorted(rows: list[dict[str, Any]], incidents: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return hotspots, then expired ones, then chance, each by falling count, from west to east."""
    names = [*COLUMNS, *TIMES, "geometry"]
    frame = pd.DataFrame(rows, columns=names)
    frame["rank"] = [STATUSES.index(row["status"]) for row in rows]
    frame["west"] = [row["geometry"].bounds[0] for row in rows]
    frame = frame.sort_values(["rank", "count", "west"], ascending=[True, False, True]).reset_index(drop=True)
    frame["hotspot_id"] = [f"H{number}" for number in range(1, len(frame) + 1)]
    types = COLUMNS | dict.fromkeys(TIMES, incidents["reported_at"].dtype)
    return gpd.GeoDataFrame(frame[names].astype(types), geometry="geometry", crs=incidents.crs)
