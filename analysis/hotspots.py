"""Hotspots: small areas with more reported incidents than what stands there explains.

In:     reported incidents with a usable point (``with_point(drives_allocation(...))``), the land, and what incidents
        can fall on (buildings, roads, places), all in the study's metre CRS.
Out:    one row per cluster with its polygon, count, expected count, p-value, stability, months, expiry, hours and
        types. Only ``is_hotspot`` rows may steer anything; the others are kept and marked «not distinguishable from
        chance» or «expired».
Method: DBSCAN (Ester et al. 1996) on metres, repeated points as weights, eps from the data (``analysis.reach``), at
        rising thresholds; of nested clusters no wider than the area limit the most unusual is reported, as in a scan
        (Kulldorff 1997). HDBSCAN (``analysis.density_clusters``) by the setting ``method``.
Null:   the same number of incidents redrawn where houses, roads and places are, at the level of incidents that the
        surroundings (a Gaussian of ``null_bandwidth_m``) have. Villages being where people are, and some villages
        being busier than others, so belongs to the null; only piles tighter than that count. p is family-wise: the
        share of redraws whose most unusual pile, found by the same rule, is at least as unusual as this one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from analysis.chance_surface import ChanceSurface, Floats, Grid
from analysis.counting import require_crs
from analysis.density_clusters import DensityFinder
from analysis.grounds import Grounds, collapse, dbscan_grounds, hdbscan_grounds
from analysis.hotspot_table import Found, hotspot_table
from analysis.piles import CELLS_PER_EPS, Finder, GridFinder, PileRule, by_chance, excess, most_unusual
from analysis.reach import NEAREST_M, Reach, choose_reach
from analysis.stability import stability
from gis_data.errors import CrsError, InputError
from gis_data.periods import Period
from gis_data.progress import Progress, silent
from gis_data.settings import HotspotSettings
from gis_data.study import is_metric

METHODS = ("dbscan", "hdbscan")
DETAIL_M = 25.0  # a house with its yard: how precisely an incident is known to be at one
COARSE_CELL_M = 30.0  # for the choice of eps, before which no finer cell is known


@dataclass(frozen=True)
class Hotspots:
    """The clusters found, and how.

    Attributes
    ----------
    table
        One row per cluster (columns of ``analysis.hotspot_table``, polygon): hotspots first, then expired ones, then
        what chance explains, each by falling count; ids H1, H2, ...
    reach
        eps, the least count, and the clusters chance forms with them.
    uncut
        Clusters wider than the area limit with nothing tighter inside: whole villages, told and not listed.
    surface
        What is expected where; None without incidents.
    incidents
        The incidents near enough to the land to be clustered.
    """

    table: gpd.GeoDataFrame
    reach: Reach
    uncut: int
    surface: ChanceSurface | None
    incidents: gpd.GeoDataFrame


def find_hotspots(
    incidents: gpd.GeoDataFrame,
    land: shapely.Geometry,
    *,
    period: Period,
    settings: HotspotSettings,
    rng: np.random.Generator,
    opportunity: Sequence[gpd.GeoDataFrame] = (),
    progress: Progress = silent,
) -> Hotspots:
    """Find clusters of incidents and tell which are more than chance.

    Parameters
    ----------
    incidents
        Reported incidents with a usable point; ``count`` gives the incidents a row stands for.
    land
        Ground on which incidents can happen. Incidents farther from it than the eps given, or ``NEAREST_M`` where it
        is to come from the data, are left out.
    period
        The days the incidents cover.
    rng
        Chance of the redraws and resamples.
    opportunity
        Layers that incidents can fall on: buildings, roads, places. Without any, all land is alike, and in open
        country each village then stands out as a cluster against its fields.

    Returns
    -------
    Hotspots
        In its table ``count`` is exactly the incidents inside the polygon before it is cut to the land;
        ``chance_clusters`` is the number of clusters as unusual as this one that one redraw forms on average;
        ``stability_pct`` the share of resamples in which it reappears (NaN without resamples).
        A month is active when it has more incidents here than expected: the expected count in proportion to the
        town's incidents of the month. ``expires_at`` lies ``expire_after_months`` after the last active month: a
        hotspot not seen since is no hotspot any more.

    Raises
    ------
    InputError
        If the settings name an unknown method.
    CrsError
        If the incidents are not in metres, or a layer is in another CRS than they.
    """
    _check(incidents, opportunity, settings)
    least = math.ceil(settings.min_incidents_per_year * period.years)
    near = incidents[incidents.geometry.dwithin(land, settings.eps_m or NEAREST_M)]
    xy, weight, spot = collapse(near)
    if weight.sum() < least:
        eps_m = settings.eps_m or NEAREST_M
        table = hotspot_table([], near, spot, land, period, settings)
        return Hotspots(table, Reach(eps_m, least, "given", 0.0, math.nan, 0.0, 0.0, 0.0, 0), 0, None, near)
    layers = [as_points(layer, step_m=COARSE_CELL_M) for layer in opportunity if len(layer)]
    reach = choose_reach(
        xy, weight, surface_of(xy, weight, land, layers, settings, cell_m=COARSE_CELL_M),
        least=least, rng=rng, given_m=settings.eps_m,
    )  # fmt: skip
    eps_m = NEAREST_M if settings.method == "hdbscan" else reach.eps_m
    surface = surface_of(xy, weight, land, layers, settings, cell_m=eps_m / CELLS_PER_EPS)
    grounds, finder = search(xy, weight, surface, reach, settings)
    found = judge(xy, weight, grounds, finder, settings, rng, progress)
    return Hotspots(hotspot_table(found, near, spot, land, period, settings), reach, grounds.uncut, surface, near)


def _check(incidents: gpd.GeoDataFrame, opportunity: Sequence[gpd.GeoDataFrame], settings: HotspotSettings) -> None:
    if settings.method not in METHODS:
        raise InputError("hotspots.method", found=settings.method, known=", ".join(METHODS))
    if incidents.crs is None or not is_metric(incidents.crs):
        raise CrsError("crs.not_metric", crs="?" if incidents.crs is None else incidents.crs.to_string())
    for layer in opportunity:
        require_crs(layer, incidents, name="opportunity")


def search(
    xy: Floats, weight: Floats, surface: ChanceSurface, reach: Reach, settings: HotspotSettings
) -> tuple[Grounds, Finder]:
    """Return the grounds of all clusters by the method of the settings, and the same rule for redraws."""
    if settings.method == "hdbscan":
        density = DensityFinder(surface, least=reach.least, max_area_km2=settings.max_area_km2)
        return hdbscan_grounds(xy, weight, density), density
    rule = PileRule(reach.eps_m, reach.least, settings.max_area_km2)
    return dbscan_grounds(xy, weight, rule), GridFinder(surface, rule)


def surface_of(
    xy: Floats, weight: Floats, land: shapely.Geometry, layers: Sequence[Floats], settings: HotspotSettings, *,
    cell_m: float,
) -> ChanceSurface:  # fmt: skip
    """Return what is expected where, on cells of ``cell_m``."""
    # The margin keeps every incident let in beyond the border on the grid, and its neighbourhood.
    grid = Grid.over(land, cell_m=cell_m, margin_m=3 * max(cell_m * CELLS_PER_EPS, NEAREST_M, settings.eps_m))
    return ChanceSurface.around(
        xy, weight, grid, opportunity=layers, bandwidth_m=settings.null_bandwidth_m, detail_m=DETAIL_M
    )


def inside_of(xy: Floats, areas: Sequence[shapely.Geometry]) -> list[Any]:
    """Return for each area the numbers of the points inside."""
    spots = shapely.STRtree(shapely.points(xy))
    return [spots.query(area, predicate="intersects") for area in areas]


def judge(
    xy: Floats, weight: Floats, grounds: Grounds, finder: Finder, settings: HotspotSettings,
    rng: np.random.Generator, progress: Progress,
) -> list[Found]:  # fmt: skip
    """Return the clusters to report, each with what chance says of it.

    ``xy`` (n, 2) are the distinct points in metres, ``weight`` (n,) the incidents at each; ``finder`` finds clusters in
    redraws by the rule that found ``grounds``.
    """
    if not grounds.areas:
        return []
    surface = finder.surface
    inside = inside_of(xy, grounds.areas)
    count = np.array([weight[here].sum() for here in inside])
    expected = np.array([surface.inside(area) for area in grounds.areas])
    likelihood = excess(count, expected, surface.total)
    kept = most_unusual(likelihood, inside)
    chance = by_chance(
        finder, simulations=settings.simulations, rng=rng,
        progress=lambda share: progress("hotspots.simulating", share * 2 / 3),
    )  # fmt: skip
    p_value = chance.p_value(likelihood[kept])
    hot = [i for i, p in zip(kept, p_value, strict=True) if p <= settings.alpha]
    back = stability(
        xy, weight, [surface.cells_in(grounds.areas[i]) for i in hot], finder, chance,
        alpha=settings.alpha, resamples=settings.resamples, rng=rng,
        progress=lambda share: progress("hotspots.simulating", (2 + share) / 3),
    )  # fmt: skip
    stable = dict(zip(hot, back, strict=True))
    often = chance.piles_a_draw(likelihood[kept])
    return [
        Found(inside[i], grounds.areas[i], expected[i], p, clusters, 100 * stable.get(i, math.nan))
        for i, p, clusters in zip(kept, p_value, often, strict=True)
    ]


def as_points(layer: gpd.GeoDataFrame, *, step_m: float) -> Floats:
    """Return a layer as points: a polygon by its middle, a line by a point every few metres."""
    shapes = layer.geometry.to_numpy()
    lines = np.isin(shapely.get_type_id(shapes), (1, 5))
    along = shapely.get_coordinates(shapely.segmentize(shapes[lines], step_m))
    return np.vstack([shapely.get_coordinates(shapely.centroid(shapes[~lines])), along])
