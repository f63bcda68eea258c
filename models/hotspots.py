"""The plan of hotspots: where reported incidents pile up, how sure that is, and what became of each place.

In:     incidents of the planning period, and what they can fall on (buildings, roads, places).
Out:    a plan with the tables "hotspots", "lives" and "pictures" (analysis.hotspot_table, analysis.hotspot_life).
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np

from analysis.hotspot_life import follow_hotspots
from analysis.hotspots import Hotspots, find_hotspots
from analysis.reach import NEAREST_M, STEPS_APART, Reach
from gis_data.periods import Period
from gis_data.progress import Progress, silent
from gis_data.settings import HotspotSettings
from gis_data.streets import DRIVEN
from gis_data.study import Study
from gis_data.taxonomy import drives_allocation, with_point
from models.plan import Plan

SEARCH, LIVES = 1, 2  # numbers of the chance of each part


def plan_hotspots(
    study: Study,
    incidents: gpd.GeoDataFrame,
    tables: Mapping[str, gpd.GeoDataFrame],
    *,
    period: Period,
    seed: int,
    progress: Progress = silent,
) -> Plan:
    """Find the hotspots of a period and follow them through it.

    Parameters
    ----------
    incidents
        All incidents of the period; only reported ones with a usable point are clustered.
    tables
        "buildings", "roads" and "places": what incidents can fall on.
    """
    settings, started = study.settings.hotspots, time.perf_counter()
    points, opportunity = with_point(drives_allocation(incidents)), opportunity_of(tables.__getitem__)
    found = find_hotspots(
        points,
        study.boundary,
        period=period,
        settings=settings,
        rng=np.random.default_rng([seed, SEARCH]),
        opportunity=opportunity,
        progress=lambda key, share: progress(key, share / 2),
    )
    lives = follow_hotspots(
        found, period=period, settings=settings, rng=np.random.default_rng([seed, LIVES]),
        progress=lambda key, share: progress(key, (1 + share) / 2),
    )  # fmt: skip
    notes = [("hotspots.basis", {"points": len(points), "rows": len(incidents), "period": str(period)})]
    if not any(map(len, opportunity)):
        notes.append(("hotspots.bare", {}))
    return Plan(
        name="hotspots",
        tables={"hotspots": found.table, "lives": lives.lives, "pictures": lives.pictures},
        settings={"hotspots": dataclasses.asdict(settings), "reach": _plain(found.reach)},
        seed=seed,
        seconds=time.perf_counter() - started,
        notes=(*notes, *_notes(found, settings)),
    )


def opportunity_of(read: Callable[[str], gpd.GeoDataFrame]) -> tuple[gpd.GeoDataFrame, ...]:
    """Return what incidents can fall on, of the tables by name: buildings, driven roads and places."""
    roads = read("roads")
    return read("buildings"), roads[roads["road_class"].isin(DRIVEN)], read("places")


def _plain(reach: Reach) -> dict[str, Any]:
    known = dataclasses.asdict(reach).items()
    return {key: None if value != value else value for key, value in known}  # NaN is no JSON


def _notes(found: Hotspots, settings: HotspotSettings) -> list[tuple[str, dict[str, Any]]]:
    """Say which distance makes neighbours, why, what chance forms with it, and what the search cannot tell."""
    reach = found.reach
    numbers = {"clusters": reach.chance_clusters, "low": reach.low, "high": reach.high}
    said = {name: f"{number:.1f}" for name, number in numbers.items()}
    said |= {"eps_m": f"{reach.eps_m:.0f}", "least": str(reach.least), "draws": str(reach.draws)}
    notes: list[tuple[str, dict[str, Any]]] = [(f"hotspots.reach.{reach.rule}", said)]
    if reach.step_m > NEAREST_M / STEPS_APART:
        notes.append(("hotspots.rounded", {"step_m": f"{reach.step_m:.0f}"}))
    notes.append(("hotspots.surroundings", {"bandwidth_m": f"{settings.null_bandwidth_m:.0f}"}))
    if found.uncut:
        notes.append(("hotspots.uncut", {"count": found.uncut, "max_area_km2": settings.max_area_km2}))
    return notes
