"""Candidate cameras of all named villages and what each one sees: the geometry behind the choice.

In:     demand, roads, buildings, places and existing cameras.
Out:    ``Scene``: sites, configurations and the ``Problem`` made of them; rows of all three correspond.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from gis_data.settings import CameraSettings
from models.cameras.coverage import Problem
from models.cameras.demand import Demand
from models.cameras.sites import best_sites, find_sites, make_configurations, standing_sites
from models.cameras.visibility import Lens, in_view, line_of_sight, site_xy


@dataclass(frozen=True)
class Scene:
    """Candidate cameras of all named villages, with what each sees: the geometry behind a ``Problem``."""

    sites: gpd.GeoDataFrame
    configurations: pd.DataFrame
    problem: Problem


def make_scene(
    demand: Demand,
    roads: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    cameras: gpd.GeoDataFrame,
    *,
    settings: CameraSettings,
) -> Scene:
    """Find sites and configurations and compute what each one sees."""
    candidates = find_sites(demand, roads, buildings, places, settings=settings)
    walls = buildings.geometry.to_numpy()
    sight, guard = _in_sight(candidates, demand, walls, settings)
    weight = demand.points["weight"].to_numpy()
    kept = best_sites(candidates, sight, guard, weight, per_village=settings.max_poles_per_village)
    new = candidates.iloc[kept].reset_index(drop=True)
    aims = make_configurations(new, roads, demand.entrances, guard[kept], settings=settings)
    standing = standing_sites(cameras, demand.areas, buildings)
    old_sight, old_guard = _in_sight(standing, demand, walls, settings)
    sites = _with_site_id(pd.concat([new, standing], ignore_index=True))
    configurations = pd.concat([aims, _as_they_stand(standing, len(new))], ignore_index=True)
    in_sight = (sparse.vstack([sight[kept], old_sight]).tocsr(), sparse.vstack([guard[kept], old_guard]).tocsr())
    return Scene(sites, configurations, _problem(sites, configurations, demand, in_sight, settings))


def _in_sight(
    sites: gpd.GeoDataFrame, demand: Demand, walls: NDArray[np.object_], settings: CameraSettings
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return the yes/no matrices site x point and site x entrance, whatever the azimuth."""
    lenses = [Lens.of(hfov, settings) for hfov in settings.lens_hfov_deg]
    return tuple(  # type: ignore[return-value]
        line_of_sight(site_xy(sites), site_xy(targets), walls, radius_m=max(lens.corner_m(px_per_m) for lens in lenses))
        for targets, px_per_m in (
            (demand.points, settings.coverage_px_per_m),
            (demand.entrances, settings.entrance_px_per_m),
        )
    )


def _as_they_stand(standing: gpd.GeoDataFrame, first_site: int) -> pd.DataFrame:
    """Return the usable existing cameras as configurations of price 0."""
    table = pd.DataFrame(standing[["camera_id", "azimuth_deg", "hfov_deg"]]).assign(
        site=first_site + np.arange(len(standing)), cost_cny=0.0
    )
    return table[standing["usable"]]


def _problem(
    sites: gpd.GeoDataFrame,
    configurations: pd.DataFrame,
    demand: Demand,
    in_sight: tuple[sparse.csr_array, sparse.csr_array],
    settings: CameraSettings,
) -> Problem:
    at = site_xy(sites)
    levels = (settings.coverage_px_per_m, settings.entrance_px_per_m)
    sees, guards = (
        in_view(sight, configurations, at, site_xy(targets), px_per_m=level, settings=settings)
        for sight, targets, level in zip(in_sight, (demand.points, demand.entrances), levels, strict=True)
    )
    return Problem(
        sees=sees,
        guards=guards,
        weight=demand.points["weight"].to_numpy(dtype=float),
        camera_cny=configurations["cost_cny"].to_numpy(dtype=float),
        pole_cny=sites["cost_cny"].to_numpy(dtype=float),
        pole=configurations["site"].to_numpy(dtype=np.int64),
        stands=configurations["camera_id"].notna().to_numpy(),
        max_per_pole=settings.max_cameras_per_pole,
    )


def _with_site_id(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    number = sites.groupby("village_id").cumcount() + 1
    return sites.assign(site_id=sites["village_id"] + "-S" + number.astype(str))
