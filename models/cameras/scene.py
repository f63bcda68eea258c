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
from models.cameras.sites import (
    best_sites,
    can_guard,
    find_sites,
    make_configurations,
    roadside_sites,
    standing_sites,
)
from models.cameras.visibility import Lens, in_view, line_of_sight, site_xy


@dataclass(frozen=True)
class Scene:
    """Candidate cameras of all named villages, with what each sees: the geometry behind a ``Problem``."""

    sites: gpd.GeoDataFrame
    configurations: pd.DataFrame
    problem: Problem


@dataclass(frozen=True)
class Sights:
    """Sites, and the yes/no matrices of the points and the entrances that lie in sight of each, in any direction."""

    sites: gpd.GeoDataFrame
    points: sparse.csr_array
    entrances: sparse.csr_array

    def plus(self, other: "Sights") -> "Sights":
        """Return these sites and the others below them."""
        if len(other.sites) == 0:
            return self
        return Sights(
            pd.concat([self.sites, other.sites], ignore_index=True),
            sparse.vstack([self.points, other.points], format="csr"),
            sparse.vstack([self.entrances, other.entrances], format="csr"),
        )

    def take(self, rows: NDArray[np.int64]) -> "Sights":
        """Return some of the sites."""
        return Sights(self.sites.iloc[rows].reset_index(drop=True), self.points[rows], self.entrances[rows])

    def guarding(self, demand: Demand, settings: CameraSettings) -> sparse.csr_array:
        """Keep of the entrances in sight those that a lens aimed straight at them recognises."""
        pairs = self.entrances.tocoo()
        site, entrance = pairs.coords
        distance_m = np.hypot(*(site_xy(self.sites)[site] - site_xy(demand.entrances)[entrance]).T)
        useful = can_guard(distance_m, settings=settings)
        kept = (pairs.data[useful], (site[useful], entrance[useful]))
        return sparse.csr_array(kept, shape=self.entrances.shape)


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
    walls = buildings.geometry.to_numpy()
    found = _look(find_sites(demand, roads, buildings, places, settings=settings), demand, walls, settings)
    unguarded = demand.entrances[np.asarray(found.guarding(demand, settings).sum(axis=0)) == 0]
    roadside = roadside_sites(unguarded, demand.areas, roads, buildings, settings=settings)
    found = found.plus(_look(roadside, demand, walls, settings))
    kept = best_sites(
        found.sites, found.points, found.guarding(demand, settings), demand.points["weight"].to_numpy(),
        per_village=settings.max_poles_per_village,
    )  # fmt: skip
    new = found.take(kept)
    aims = make_configurations(new.sites, roads, demand.entrances, new.guarding(demand, settings), settings=settings)
    standing = standing_sites(cameras, demand.areas, buildings)
    both = new.plus(_look(standing, demand, walls, settings))
    configurations = pd.concat([aims, _as_they_stand(standing, len(new.sites))], ignore_index=True)
    return Scene(_with_site_id(both.sites), configurations, _problem(both, configurations, demand, settings))


def _look(sites: gpd.GeoDataFrame, demand: Demand, walls: NDArray[np.object_], settings: CameraSettings) -> Sights:
    """Draw the lines of sight from every site to the points and entrances that any lens could reach."""
    lenses = [Lens.of(hfov, settings) for hfov in settings.lens_hfov_deg]
    levels = (settings.coverage_px_per_m, settings.entrance_px_per_m)
    points, entrances = (
        line_of_sight(site_xy(sites), site_xy(targets), walls, radius_m=max(lens.corner_m(level) for lens in lenses))
        for targets, level in zip((demand.points, demand.entrances), levels, strict=True)
    )
    return Sights(sites, points, entrances)


def _as_they_stand(standing: gpd.GeoDataFrame, first_site: int) -> pd.DataFrame:
    """Return the usable existing cameras as configurations of price 0."""
    table = pd.DataFrame(standing[["camera_id", "azimuth_deg", "hfov_deg"]]).assign(
        site=first_site + np.arange(len(standing)), cost_cny=0.0
    )
    usable: pd.DataFrame = table[standing["usable"]]
    return usable


def _problem(sights: Sights, configurations: pd.DataFrame, demand: Demand, settings: CameraSettings) -> Problem:
    at = site_xy(sights.sites)
    levels = (settings.coverage_px_per_m, settings.entrance_px_per_m)
    targets = ((sights.points, demand.points), (sights.entrances, demand.entrances))
    sees, guards = (
        in_view(sight, configurations, at, site_xy(target), px_per_m=level, settings=settings)
        for (sight, target), level in zip(targets, levels, strict=True)
    )
    return Problem(
        sees=sees,
        guards=guards,
        weight=demand.points["weight"].to_numpy(dtype=float),
        camera_cny=configurations["cost_cny"].to_numpy(dtype=float),
        pole_cny=sights.sites["cost_cny"].to_numpy(dtype=float),
        pole=configurations["site"].to_numpy(dtype=np.int64),
        stands=configurations["camera_id"].notna().to_numpy(),
        max_per_pole=settings.max_cameras_per_pole,
    )


def _with_site_id(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    number = sites.groupby("village_id").cumcount() + 1
    return sites.assign(site_id=sites["village_id"] + "-S" + number.astype(str))
