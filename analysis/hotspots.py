"""Hotspots: small areas with more reported incidents than what stands there explains.

In:     reported incidents with a usable point (``with_point(drives_allocation(...))``), the land, and what incidents
        can fall on (buildings, roads, places), all in the study's metre CRS.
Out:    one row per cluster with its polygon, count, expected count, p-value, hours and types. Only ``is_hotspot`` rows
        may steer anything; the others are kept and marked «not distinguishable from chance».
Method: DBSCAN (Ester et al. 1996) on metres, repeated points as weights, at rising thresholds; of nested
        clusters no wider than the area limit the most unusual is reported, as in a scan (Kulldorff 1997).
Null:   the same number of incidents redrawn where houses, roads and places are, at the level of incidents that the
        surroundings (a Gaussian of ``null_bandwidth_m``) have. Villages being where people are, and some villages
        being busier than others, so belongs to the null; only piles tighter than that count. p is family-wise: the
        share of redraws whose most unusual pile, found by the same rule, is at least as unusual as this one.

Wide clusters are taken apart by asking for more incidents within the radius, and not by a smaller radius, because
points are often snapped to a road or a block: below that step every block would be a cluster.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.chance_surface import (
    CELLS_PER_EPS,
    ChanceSurface,
    Floats,
    Grid,
    Ints,
    PileRule,
    chance_piles,
    excess,
)
from analysis.hours import busiest_hours, hour_profile
from analysis.weighted_dbscan import joined, weight_within
from gis_data.catalogue import text
from gis_data.settings import HotspotSettings

MAIN_TYPES = 3
DISC_SEGMENTS = 8  # a quarter circle in 8 lines: 0.6 % short in area
FEW_POINTS_PCT = 80.0  # above this share at one exact point, a person should check the address before the place

COLUMNS: dict[str, str] = {
    "hotspot_id": "str",
    "is_hotspot": "bool",
    "count": "int64",
    "share_pct": "float64",
    "area_km2": "float64",
    "density_per_km2_year": "float64",
    "expected_count": "float64",
    "times_expected": "float64",
    "p_value": "float64",
    "chance_clusters": "float64",
    "peak_hours": "str",
    "peak_share_pct": "float64",
    "main_types": "str",
    "months_active": "int64",
    "one_point_pct": "float64",
}

Progress = Callable[[str, float], None]


def _silent(key: str, share: float) -> None:
    """Report progress to nobody."""


def find_hotspots(
    incidents: gpd.GeoDataFrame,
    land: shapely.Geometry,
    *,
    years: float,
    settings: HotspotSettings,
    rng: np.random.Generator,
    opportunity: Sequence[gpd.GeoDataFrame] = (),
    progress: Progress = _silent,
) -> gpd.GeoDataFrame:
    """Find clusters of incidents and tell which are more than chance (columns: ``COLUMNS``, times, polygon).

    Parameters
    ----------
    incidents
        Reported incidents with a usable point; ``count`` gives the incidents a row stands for.
    land
        Ground on which incidents can happen. Incidents farther than ``eps_m`` from it are left out.
    years
        Length of the period the incidents cover.
    rng
        Chance of the redraws.
    opportunity
        Layers that incidents can fall on: buildings, roads, places. Without any, all land is alike, and in open
        country each village then stands out as a cluster against its fields.

    Returns
    -------
    geopandas.GeoDataFrame
        Hotspots first, by falling count, ids H1, H2, ...; ``count`` is exactly the incidents inside the polygon
        before it is cut to the land. ``chance_clusters`` is the number of clusters as unusual as this one that one
        redraw forms on average.
    """
    near = incidents[incidents.geometry.dwithin(land, settings.eps_m)]
    rule = PileRule(settings.eps_m, math.ceil(settings.min_incidents_per_year * years), settings.max_area_km2)
    xy, weight, spot = _collapse(near)
    areas = np.array(list(cluster_areas(xy, weight, rule)), dtype=object)
    if len(areas) == 0:
        return _table([], incidents)
    surface = _surface(xy, weight, land, opportunity, settings)
    spots = shapely.STRtree(shapely.points(xy))
    inside = [spots.query(area, predicate="intersects") for area in areas]
    count = np.array([weight[here].sum() for here in inside])
    expected = np.array([surface.inside(area) for area in areas])
    likelihood = excess(count, expected, surface.total)
    kept = _most_unusual(likelihood, inside)
    p_value, by_chance = _significance(likelihood[kept], surface, rule, settings, rng, progress)
    rows = [
        _describe(near[np.isin(spot, inside[i])], areas[i], land, years=years, total=weight.sum())
        | {
            "is_hotspot": bool(p <= settings.alpha),
            "expected_count": expected[i],
            "times_expected": count[i] / expected[i],
            "p_value": p,
            "chance_clusters": chance,
        }
        for i, p, chance in zip(kept, p_value, by_chance, strict=True)
    ]
    return _table(rows, incidents)


def cluster_areas(xy: Floats, weight: Floats, rule: PileRule) -> Iterator[shapely.Geometry]:
    """Yield the ground of each DBSCAN cluster, threshold by threshold: all within half of eps of a core point.

    Core points of two clusters of one threshold are more than eps apart, so their grounds never overlap and every
    incident on a ground belongs to its cluster; grounds of a higher threshold lie inside those of a lower one.
    """
    if len(xy) == 0:
        return
    around = weight_within(xy, weight, eps_m=rule.eps_m)
    for threshold in rule.thresholds(around.max()):
        core = xy[around >= threshold]
        cluster = joined(core, eps_m=rule.eps_m)
        ends = np.bincount(cluster).cumsum()[:-1]
        for members in np.split(core[np.argsort(cluster, kind="stable")], ends):
            if _least_area_m2(members, rule.eps_m / 2) > rule.max_area_km2 * 1e6:
                continue  # no need to draw the ground of a town-wide cluster, only to refuse it
            # Drawing one disc per point and joining them is 10 to 80 times faster than buffering a MultiPoint.
            area = shapely.union_all(shapely.buffer(shapely.points(members), rule.eps_m / 2, quad_segs=DISC_SEGMENTS))
            if area.area <= rule.max_area_km2 * 1e6:
                yield area


def _least_area_m2(xy: Floats, radius_m: float) -> float:
    """Return an area that discs around the points cover at least: a square with a point in it is inside its disc."""
    side_m = radius_m / math.sqrt(2)
    return len(np.unique(np.floor(xy / side_m), axis=0)) * side_m**2


def explain(hotspot: pd.Series) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return the reasons for one row as catalogue keys and values («because…»)."""
    verdict = "p" if hotspot["is_hotspot"] else "chance"
    reasons: list[tuple[str, dict[str, Any]]] = [
        ("hotspots.because.count", {"count": hotspot["count"], "share_pct": round(hotspot["share_pct"], 1)}),
        (
            "hotspots.because.expected",
            {"expected": round(hotspot["expected_count"], 1), "times": round(hotspot["times_expected"], 1)},
        ),
        (f"hotspots.because.{verdict}", {"p_value": f"{hotspot['p_value']:.3f}"}),
        ("hotspots.because.types", {"types": _names_of(hotspot["main_types"])}),
        ("hotspots.because.months", {"months": hotspot["months_active"]}),
    ]
    if hotspot["peak_hours"]:
        hours = {"hours": hotspot["peak_hours"], "share_pct": round(hotspot["peak_share_pct"])}
        reasons.append(("hotspots.because.hours", hours))
    if hotspot["one_point_pct"] > FEW_POINTS_PCT:
        reasons.append(("hotspots.because.one_point", {"share_pct": round(hotspot["one_point_pct"])}))
    return tuple(reasons)


def types_of(main_types: str) -> list[tuple[str, int]]:
    """Read a ``main_types`` cell ("assault:12;theft:7") as (type, count), the most frequent first."""
    return [(name, int(count)) for name, _, count in (part.partition(":") for part in main_types.split(";") if part)]


def _names_of(main_types: str) -> str:
    parts = (f"{text(f'type.{name}')} {count}" for name, count in types_of(main_types))
    return text("hotspots.because.list_mark").join(parts)


def _collapse(incidents: gpd.GeoDataFrame) -> tuple[Floats, Floats, Ints]:
    """Return distinct points, the incidents at each, and for each row the number of its point."""
    points = shapely.get_coordinates(incidents.geometry.to_numpy())
    # A point read as one complex number sorts by x, then y, as its row would, seven times as fast.
    distinct, spot = np.unique(points.view(np.complex128).ravel(), return_inverse=True)
    xy = distinct.view(np.float64).reshape(-1, 2)
    return xy, np.bincount(spot, incidents["count"], minlength=len(xy)).astype(float), spot.astype(np.int64)


def _most_unusual(likelihood: Floats, inside: list[NDArray[np.int64]]) -> list[int]:
    """Return the clusters to report: the most unusual first, then each that shares no incident with those before."""
    taken: set[int] = set()
    kept = []
    for i in np.argsort(-likelihood, kind="stable"):
        if taken.isdisjoint(inside[i].tolist()):
            taken.update(inside[i].tolist())
            kept.append(int(i))
    return kept


def _surface(
    xy: Floats,
    weight: Floats,
    land: shapely.Geometry,
    opportunity: Sequence[gpd.GeoDataFrame],
    settings: HotspotSettings,
) -> ChanceSurface:
    # The margin keeps every neighbourhood of an incident near the border on the grid.
    grid = Grid.over(land, cell_m=settings.eps_m / CELLS_PER_EPS, margin_m=3 * settings.eps_m)
    return ChanceSurface.around(
        xy, weight, grid,
        opportunity=[_as_points(layer, step_m=grid.cell_m) for layer in opportunity if len(layer)],
        bandwidth_m=settings.null_bandwidth_m, detail_m=settings.eps_m / 4,
    )  # fmt: skip


def _as_points(layer: gpd.GeoDataFrame, *, step_m: float) -> Floats:
    """Return a layer as points: a polygon by its middle, a line by a point every few metres."""
    shapes = layer.geometry.to_numpy()
    lines = np.isin(shapely.get_type_id(shapes), (1, 5))
    along = shapely.get_coordinates(shapely.segmentize(shapes[lines], step_m))
    return np.vstack([shapely.get_coordinates(shapely.centroid(shapes[~lines])), along])


def _significance(
    likelihood: Floats,
    surface: ChanceSurface,
    rule: PileRule,
    settings: HotspotSettings,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[Floats, Floats]:
    """Return the family-wise p-values, and how many clusters as unusual one redraw forms on average."""
    piles = chance_piles(
        surface, rule, simulations=settings.simulations, rng=rng,
        progress=lambda share: progress("hotspots.simulating", share),
    )  # fmt: skip
    largest = np.array([pile.max(initial=0.0) for pile in piles])
    p_value = (1 + (largest[None, :] >= likelihood[:, None]).sum(axis=1)) / (settings.simulations + 1)
    every = np.concatenate([*piles, np.empty(0)])
    return p_value, (every[None, :] >= likelihood[:, None]).sum(axis=1) / settings.simulations


def _describe(
    inside: gpd.GeoDataFrame, area: shapely.Geometry, land: shapely.Geometry, *, years: float, total: float
) -> dict[str, Any]:
    count = int(inside["count"].sum())
    ground = shapely.intersection(area, land)
    ground = area if ground.is_empty else ground
    at_one_point = inside.groupby(inside.geometry.to_wkb())["count"].sum().max()
    when = inside["occurred_from"].fillna(inside["reported_at"])
    return {
        "count": count,
        "share_pct": 100 * count / total,
        "area_km2": ground.area / 1e6,
        "density_per_km2_year": count / (ground.area / 1e6) / years,
        "main_types": _main_types(inside),
        "first_at": when.min(),
        "last_at": when.max(),
        "months_active": when.dt.tz_localize(None).dt.to_period("M").nunique(),
        "one_point_pct": 100 * at_one_point / count,
        "geometry": ground,
        **_peak(inside),
    }


def _main_types(inside: pd.DataFrame) -> str:
    counts = inside.groupby("type")["count"].sum().reset_index()
    first = counts.sort_values(["count", "type"], ascending=[False, True]).head(MAIN_TYPES)
    return ";".join(f"{name}:{count}" for name, count in zip(first["type"], first["count"], strict=True))


def _peak(inside: pd.DataFrame, *, alpha: float = 0.05) -> dict[str, Any]:
    """Return the busiest hours, or nothing when a flat day would give such a peak too."""
    profile = hour_profile(inside["occurred_from"], inside["occurred_to"])
    peak = busiest_hours(profile.by_hour)
    if peak.p_value > alpha:
        return {"peak_hours": "", "peak_share_pct": float("nan")}
    return {"peak_hours": f"{peak.start:02d}-{peak.end:02d}", "peak_share_pct": 100 * peak.share}


def _table(rows: list[dict[str, Any]], incidents: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    names = [*COLUMNS, "first_at", "last_at", "geometry"]
    frame = pd.DataFrame(rows, columns=names)
    frame["west"] = [row["geometry"].bounds[0] for row in rows]
    frame = frame.sort_values(["is_hotspot", "count", "west"], ascending=[False, False, True]).reset_index(drop=True)
    frame["hotspot_id"] = [f"H{number}" for number in range(1, len(frame) + 1)]
    types = COLUMNS | dict.fromkeys(("first_at", "last_at"), incidents["reported_at"].dtype)
    return gpd.GeoDataFrame(frame[names].astype(types), geometry="geometry", crs=incidents.crs)
