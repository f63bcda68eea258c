"""Candidate cameras of all named villages and what each one sees: the geometry behind the choice.

In:     demand, roads, buildings, places and existing cameras.
Out:    ``Scene``: sites, configurations and the ``Problem`` made of them; rows of all three correspond.
Method: the problem's points are the road points by day and, below them, the same points by night. By night a camera
        sees what a street lamp lights or its own infrared light reaches; beyond, it only detects. A camera that turns
        (PTZ) sees all round as far as its settings say, each direction for its share of the time: (1 - time under
        manual control) / presets; it guards no entrance, for it may look elsewhere when somebody passes.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy import sparse

from gis_data.settings import CameraSettings
from models.cameras.aims import make_configurations
from models.cameras.demand import Demand
from models.cameras.private import private_ground, seen_private_m2
from models.cameras.problem import Bools, Floats, Ints, Problem
from models.cameras.rules import with_reasons
from models.cameras.shortlist import best_sites
from models.cameras.sites import (
    allowed,
    can_guard,
    find_sites,
    on_shared_poles,
    roadside_sites,
    standing_sites,
)
from models.cameras.two_sides import Directions
from models.cameras.visibility import Lens, in_view, line_of_sight, site_xy


@dataclass(frozen=True)
class Scene:
    """Candidate cameras of all named villages, with what each sees: the geometry behind a ``Problem``.

    ``private_m2`` is the private ground in each configuration's view; ``private_ground`` is that ground.
    """

    sites: gpd.GeoDataFrame
    configurations: pd.DataFrame
    problem: Problem
    directions: Directions
    private_m2: Floats
    private_ground: shapely.Geometry

    def by_day(self, chosen: Ints) -> Bools:
        """Tell which road points the cameras see by day."""
        return self.problem.seen(chosen)[: len(self.directions.point_xy) // 2]

    def by_night(self, chosen: Ints) -> Bools:
        """Tell which road points the cameras see by night."""
        return self.problem.seen(chosen)[len(self.directions.point_xy) // 2 :]


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
    possible = allowed(find_sites(demand, roads, buildings, places, settings=settings), cameras)
    found = _look(possible, demand, walls, settings)
    unguarded = demand.entrances[np.asarray(found.guarding(demand, settings).sum(axis=0)) == 0]
    roadside = roadside_sites(unguarded, demand.areas, roads, buildings, places, settings=settings)
    found = found.plus(_look(allowed(roadside, cameras), demand, walls, settings))
    kept = best_sites(
        found.sites, found.points, found.guarding(demand, settings), demand.points["weight"].to_numpy(),
        per_village=settings.max_poles_per_village,
    )  # fmt: skip
    new = found.take(kept)
    aims = make_configurations(new.sites, roads, demand.entrances, new.guarding(demand, settings), settings=settings)
    standing = standing_sites(cameras, demand.areas, buildings, places, settings=settings)
    both = new.plus(_look(standing, demand, walls, settings))
    configurations = pd.concat([aims, _as_they_stand(standing, len(new.sites), settings)], ignore_index=True)
    configurations["site"] = on_shared_poles(both.sites, configurations)
    ground = private_ground(demand.areas, roads, buildings)
    return Scene(
        sites=_with_site_id(both.sites),
        configurations=configurations,
        problem=_problem(both, configurations, demand, settings),
        directions=Directions(site_xy(both.sites), np.tile(site_xy(demand.points), (2, 1))),
        private_m2=seen_private_m2(site_xy(both.sites), configurations, ground, walls, settings=settings),
        private_ground=ground,
    )


def scene_of_cameras(
    cameras: gpd.GeoDataFrame,
    demand: Demand,
    buildings: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    private: shapely.Geometry,
    *,
    settings: CameraSettings,
) -> Scene:
    """Return the scene of a finished plan: its cameras (status "working" or "planned") and no other candidate.

    Private ground per candidate is left at 0: nothing is chosen here.
    """
    standing = standing_sites(cameras, demand.areas, buildings, places, settings=settings)
    sights = _look(standing, demand, buildings.geometry.to_numpy(), settings)
    configurations = _as_they_stand(standing, 0, settings).reset_index(drop=True)
    configurations["site"] = on_shared_poles(sights.sites, configurations)
    return Scene(
        sites=_with_site_id(sights.sites),
        configurations=configurations,
        problem=_problem(sights, configurations, demand, settings),
        directions=Directions(site_xy(sights.sites), np.tile(site_xy(demand.points), (2, 1))),
        private_m2=np.zeros(len(configurations)),
        private_ground=private,
    )


def released(settings: CameraSettings) -> dict[str, str]:
    """Return the entrances that need not be guarded, each with the reason somebody gave.

    Raises
    ------
    InputError
        If an entrance has no reason.
    """
    return with_reasons(settings.released_entrances, "released_entrances")


def _look(sites: gpd.GeoDataFrame, demand: Demand, walls: NDArray[np.object_], settings: CameraSettings) -> Sights:
    """Draw the lines of sight from every site to the points and entrances that any lens could reach."""
    lenses = [Lens.of(hfov, settings) for hfov in settings.lens_hfov_deg]
    levels = (settings.coverage_px_per_m, settings.entrance_px_per_m)
    points, entrances = (
        line_of_sight(site_xy(sites), site_xy(targets), walls, radius_m=max(lens.corner_m(level) for lens in lenses))
        for targets, level in zip((demand.points, demand.entrances), levels, strict=True)
    )
    return Sights(sites, points, entrances)


def _as_they_stand(standing: gpd.GeoDataFrame, first_site: int, settings: CameraSettings) -> pd.DataFrame:
    """Return the usable existing cameras as configurations of price 0, those placed by hand at their lens's price."""
    columns = ["camera_id", "azimuth_deg", "hfov_deg", "turns", "must"]
    table = pd.DataFrame(standing[columns]).assign(site=first_site + np.arange(len(standing)))
    nearest = np.abs(np.subtract.outer(table["hfov_deg"].to_numpy(), settings.lens_hfov_deg)).argmin(axis=1)
    price = np.where(table["turns"], settings.ptz_cny, np.take(settings.camera_cny, nearest))
    table["cost_cny"] = np.where(table["must"], price, 0.0)
    usable: pd.DataFrame = table[standing["usable"]].fillna({"azimuth_deg": 0.0})
    return usable


def _problem(sights: Sights, configurations: pd.DataFrame, demand: Demand, settings: CameraSettings) -> Problem:
    at = site_xy(sights.sites)
    turns = configurations["turns"].to_numpy(dtype=bool)
    levels = (settings.coverage_px_per_m, settings.entrance_px_per_m)
    targets = ((sights.points, demand.points), (sights.entrances, demand.entrances))
    sees, guards = (
        in_view(sight, configurations, at, site_xy(target), px_per_m=level, settings=settings)
        for (sight, target), level in zip(targets, levels, strict=True)
    )
    by_day = sees + _turning(sights.points, configurations, at, site_xy(demand.points), settings)
    weight = demand.points["weight"].to_numpy(dtype=float)
    must = configurations["must"].eq(True).to_numpy()
    return Problem(
        sees=sparse.csr_array(sparse.hstack([by_day, _by_night(by_day, configurations, at, demand, settings)])),
        guards=_rows_where(guards, ~turns),
        weight=np.concatenate([weight * (1 - demand.night_share), weight * demand.night_share]),
        camera_cny=configurations["cost_cny"].to_numpy(dtype=float),
        pole_cny=sights.sites["cost_cny"].to_numpy(dtype=float),
        pole=configurations["site"].to_numpy(dtype=np.int64),
        stands=configurations["camera_id"].notna().to_numpy() & ~must,
        must=must,
        required=~demand.entrances["entrance_id"].isin(released(settings)).to_numpy(),
        max_per_pole=settings.max_cameras_per_pole,
    )


def _turning(
    sight: sparse.csr_array, configurations: pd.DataFrame, at: Floats, points: Floats, settings: CameraSettings
) -> sparse.csr_array:
    """Return the share matrix of the cameras that turn; the rows of fixed ones are empty."""
    site = configurations["site"].to_numpy(dtype=np.int64)
    pairs = _rows_where(sight[site], configurations["turns"].to_numpy(dtype=bool)).tocoo()
    row, point = pairs.coords
    near = np.hypot(*(at[site[row]] - points[point]).T) <= settings.ptz_reach_m
    share = (1 - settings.ptz_manual_share) / settings.ptz_presets
    return sparse.csr_array((np.full(int(near.sum()), share), (row[near], point[near])), shape=pairs.shape)


def _by_night(
    by_day: sparse.csr_array, configurations: pd.DataFrame, at: Floats, demand: Demand, settings: CameraSettings
) -> sparse.csr_array:
    """Keep of what cameras see by day what is lit or within reach of their infrared light."""
    pairs = by_day.tocoo()
    row, point = pairs.coords
    pole = at[configurations["site"].to_numpy(dtype=np.int64)[row]]
    near = np.hypot(*(pole - site_xy(demand.points)[point]).T) <= settings.infrared_m
    kept = near | demand.points["lit"].to_numpy()[point]
    return sparse.csr_array((pairs.data[kept], (row[kept], point[kept])), shape=by_day.shape)


def _rows_where(matrix: sparse.csr_array, wanted: Bools) -> sparse.csr_array:
    pairs = matrix.tocoo()
    kept = wanted[pairs.coords[0]]
    return sparse.csr_array((pairs.data[kept], (pairs.coords[0][kept], pairs.coords[1][kept])), shape=matrix.shape)


def _with_site_id(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    number = sites.groupby("village_id").cumcount() + 1
    return sites.assign(site_id=sites["village_id"] + "-S" + number.astype(str))
