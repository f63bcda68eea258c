"""The beats plan: each zone cut into beats one crew can patrol in a shift, typed, with their checkpoints.

In:     the plans "zones" and "hotspots", the study's tables and the planning period.
Out:    ``Plan("beats")``. ``beats``: a row a beat with type, reason, work, road and checkpoints; ``zones``: a row a
        zone with type, reason, balance and bound; ``segments``: a row a piece of road; ``checkpoints`` (schema
        CHECKPOINTS); ``left_out``: the candidates that got no checkpoint, with the reason.
Method: segments -> units -> partition -> checkpoints, one file each. The objective is the heaviest beat of any zone as
        a multiple of its zone's mean; the bound is what no partition of these units can fall below.
"""

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.periods import Period
from gis_data.progress import Progress, silent
from gis_data.settings import BeatSettings, WorkloadSettings
from gis_data.study import Study
from models.beats import types
from models.beats.checkpoints import Wish, place_checkpoints
from models.beats.divide import divide_zone, standing_min
from models.beats.explain import explain
from models.beats.segments import add_work, cut_roads
from models.beats.tables import Tables, ZoneCut, beat_table, zone_table
from models.plan import Plan

__all__ = ["Tables", "checkpoints_of", "explain", "placed_figures", "plan_beats", "wishes_of"]

Note = tuple[str, dict[str, Any]]


def plan_beats(
    study: Study,
    zones: Plan,
    hotspots: gpd.GeoDataFrame | None,
    tables: Tables,
    *,
    period: Period,
    seed: int,
    by_hand: Sequence[Wish] = (),
    progress: Progress = silent,
) -> Plan:
    """Cut every zone into beats and place their checkpoints.

    Parameters
    ----------
    zones
        The plan of the zones.
    hotspots
        Table of the plan "hotspots"; only rows that are more than chance count. None where there is none.
    period
        Days whose reported incidents make the workload.
    by_hand
        Checkpoints that somebody asks for; kept in the settings.

    Returns
    -------
    Plan
        ``objective`` and ``bound`` are multiples of a zone's mean beat; None where no zone has roads.
    """
    started = time.perf_counter()
    settings, workload = study.settings.beats, study.settings.workload
    markets = _markets(tables, study)[1]
    town, pieces = _pieces_with_work(zones, markets, tables, period, workload)
    progress("command.step.beats", 0.2)
    hot = None if hotspots is None else _more_than_chance(hotspots)
    pieces, cuts = _divide_zones(pieces, town, zones.to_frame()["zone_id"], hot, study, seed)
    progress("command.step.beats", 0.8)
    checkpoints, left_out = checkpoints_of(pieces, hotspots, tables, study, by_hand)
    zone_rows = zone_table(pieces, cuts, zones, markets, tables)
    progress("command.step.beats", 1.0)
    objective, bound = _heaviest(zone_rows)
    return Plan(
        name="beats",
        tables={
            "beats": beat_table(pieces, checkpoints, tables.villages, settings, workload),
            "zones": zone_rows,
            "segments": pieces,
            "checkpoints": checkpoints,
            "left_out": left_out,
        },
        settings={
            "beats": dataclasses.asdict(settings),
            "workload": dataclasses.asdict(workload),
            "by_hand": [dataclasses.asdict(wish) for wish in by_hand],
        },
        seed=seed,
        seconds=time.perf_counter() - started,
        objective=objective,
        bound=bound,
        unit="" if objective is None else "beats.unit.ratio",
        ended_by=_ended_by(objective, bound),
        notes=tuple(_notes(zone_rows, hot, pieces, checkpoints, left_out, settings, workload)),
    )


def _heaviest(zones: pd.DataFrame) -> tuple[float | None, float | None]:
    """Return the heaviest beat of any zone and its bound, both in multiples of a zone's mean; None without any beat."""
    cut = zones[zones["max_ratio"].notna()]
    if cut.empty:
        return None, None
    return float(cut["max_ratio"].max()), float(cut["bound_ratio"].max())


def _ended_by(objective: float | None, bound: float | None) -> str:
    if objective is None or bound is None:
        return "exact"
    return "optimal" if math.isclose(objective, bound, rel_tol=1e-5) else "gap"


def _pieces_with_work(
    zones: Plan, markets: gpd.GeoDataFrame, tables: Tables, period: Period, workload: WorkloadSettings
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the pieces of all driven roads, and those that lie in a zone, with their work and kind."""
    units = zones.tables["units"]
    zone_of = units.set_index("unit_id")["zone_id"]
    town = cut_roads(tables.roads, tables.cells, tables.villages, zones.to_frame(), zone_of)
    incidents = tables.incidents[period.holds(tables.incidents["reported_at"])]
    pieces = town[town["zone_id"] != ""].reset_index(drop=True)
    pieces = add_work(pieces, incidents, tables.villages, tables.cells, units, workload, weeks=period.weeks)
    return town, types.add_kinds(pieces, tables.roads, tables.buildings, tables.landuse, markets)


def _divide_zones(
    pieces: gpd.GeoDataFrame, town: gpd.GeoDataFrame, zone_ids: pd.Series, hotspots: gpd.GeoDataFrame | None,
    study: Study, seed: int,
) -> tuple[gpd.GeoDataFrame, list[ZoneCut]]:  # fmt: skip
    """Return the pieces with ``beat_id``, ``loose`` and ``hotspot_id``, and how each zone was cut."""
    grounds = [] if hotspots is None else list(hotspots.geometry)
    beat, loose, cuts = np.full(len(pieces), "", dtype=object), np.zeros(len(pieces), dtype=bool), []
    rows_of = pieces.groupby("zone_id").indices
    for number, zone_id in enumerate(zone_ids):
        rows = rows_of.get(zone_id)
        if rows is None:
            cuts.append(ZoneCut(zone_id))
            continue
        mine = pieces.iloc[rows].reset_index(drop=True)
        found = divide_zone(
            mine, town, grounds, study.settings.beats, study.settings.workload,
            rng=np.random.default_rng([seed, number]),
        )  # fmt: skip
        beat[rows] = [f"{zone_id}-B{place + 1}" for place in found.beat]
        loose[rows] = found.ground.loose
        cuts.append(ZoneCut(zone_id, found.bound_min, found.ground.loose_groups, found.ground.by_air))
    about = {"beat_id": pd.Series(beat, dtype="str"), "loose": loose, "hotspot_id": _hotspot_of(pieces, hotspots)}
    return pieces.assign(**about), cuts


def _hotspot_of(pieces: gpd.GeoDataFrame, hotspots: gpd.GeoDataFrame | None) -> pd.Series:
    """Return the first hotspot that each piece reaches into, "" for none."""
    found = pd.Series("", index=pieces.index, dtype="str")
    if hotspots is None:
        return found
    tree = shapely.STRtree(pieces.geometry.to_numpy())
    for name, ground in reversed(list(zip(hotspots["hotspot_id"], hotspots.geometry, strict=True))):
        found.iloc[tree.query(ground, predicate="intersects")] = name
    return found


def _markets(tables: Tables, study: Study) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the places inside the boundary, and the markets."""
    places = tables.places[tables.places.geometry.intersects(study.boundary)]
    return places, types.find_markets(places, tables.villages)


def _more_than_chance(hotspots: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return hotspots[hotspots["is_hotspot"]]


def wishes_of(settings: Mapping[str, Any]) -> tuple[Wish, ...]:
    """Return the checkpoints that a beats plan of these settings was asked for by hand."""
    return tuple(Wish(**wish) for wish in settings.get("by_hand", ()))


def checkpoints_of(
    pieces: gpd.GeoDataFrame, hotspots: gpd.GeoDataFrame | None, tables: Tables, study: Study, by_hand: Sequence[Wish]
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:  # fmt: skip
    """Return the checkpoints on the pieces of road, and what was left out (``checkpoints.place_checkpoints``).

    ``hotspots`` is the table of the plan "hotspots", as for ``plan_beats``.
    """
    places, markets = _markets(tables, study)
    nothing = gpd.GeoDataFrame(
        {"hotspot_id": [], "count": [], "peak_hours": []}, geometry=[], crs=pieces.crs
    )  # fmt: skip
    return place_checkpoints(
        pieces, nothing if hotspots is None else _more_than_chance(hotspots), markets, places, tables.villages,
        tables.buildings[tables.buildings["is_dwelling"]], study.settings.beats,
        standing_min=standing_min(study.settings.beats, study.settings.workload), timezone=study.timezone,
        by_hand=by_hand,
    )  # fmt: skip


def placed_figures(checkpoints: pd.DataFrame, left_out: pd.DataFrame) -> dict[str, Any]:
    """Return how many checkpoints and visits there are and what was left out, as a note says them."""
    visits = int(checkpoints["min_visits_per_week"].sum())
    return {"placed": len(checkpoints), "visits": visits, "left": len(left_out)}


def _notes(
    zones: pd.DataFrame, hotspots: gpd.GeoDataFrame | None, pieces: gpd.GeoDataFrame, checkpoints: pd.DataFrame,
    left_out: pd.DataFrame, settings: BeatSettings, workload: WorkloadSettings,
) -> list[Note]:  # fmt: skip
    bare = list(zones.loc[zones["beats"] == 0, "zone_id"])
    if len(bare) == len(zones):
        return [("beats.note.no_roads", {})]
    size = {
        "hours": f"{settings.shift_h:g}", "moving": f"{settings.moving_min_per_h:g}",
        "km": f"{settings.max_km_per_shift:g}", "passes": f"{workload.patrol_passes_per_week:g}",
    }  # fmt: skip
    notes: list[Note] = [("beats.note.size", size)]
    notes.append(("beats.note.tolerance", {"tolerance_pct": f"{100 * settings.tolerance:g}"}))
    uneven = zones[zones["max_ratio"] > 1 + settings.tolerance + 1e-6]
    if len(uneven):
        rows = zip(uneven["zone_id"], uneven["max_ratio"], uneven["bound_ratio"], strict=True)
        named = [f"{zone} {most:.3f} (≥ {least:.3f})" for zone, most, least in rows]
        notes.append(("beats.note.uneven", {"zones": named, "tolerance_pct": f"{100 * settings.tolerance:g}"}))
    loose = zones[zones["loose_groups"] > 0]
    if len(loose):
        values = {"groups": int(loose["loose_groups"].sum()), "km": f"{loose['loose_km'].sum():.1f}",
                  "by_air": int(loose["by_air"].sum())}  # fmt: skip
        notes.append(("beats.note.loose", values))
    if bare:
        notes.append(("beats.note.bare_zones", {"zones": list(bare)}))
    shared = pieces[pieces["hotspot_id"] != ""].groupby("hotspot_id")["zone_id"].nunique()
    if (shared > 1).any():
        notes.append(("beats.note.shared_hotspots", {"hotspots": list(shared.index[shared > 1])}))
    if hotspots is None:
        notes.append(("beats.note.no_hotspots", {}))
    visits = placed_figures(checkpoints, left_out) | {
        "standing": f"{standing_min(settings, workload):.0f}", "stop": f"{settings.stop_min:g}",
    }  # fmt: skip
    return [*notes, ("beats.note.checkpoints", visits), ("beats.note.assumed", {})]
