"""Where a camera can look from the pole it hangs on.

In:     sites, roads, and the entrances that each site has in sight.
Out:    configurations (site, azimuth, lens) with the camera's price.
Method: azimuths follow the roads at the pole and point at the entrances in sight; eight even ones fill up.
"""

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from gis_data.settings import CameraSettings
from models.cameras.sites import SPACING_M
from models.cameras.visibility import bearing_deg, site_xy

LOOK_AHEAD_M = 30.0
EVEN_AZIMUTHS = 8
SAME_AZIMUTH_DEG = 3.0


def make_configurations(
    sites: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    entrances: gpd.GeoDataFrame,
    entrances_in_sight: sparse.csr_array,
    *,
    settings: CameraSettings,
) -> pd.DataFrame:
    """Return every azimuth and lens at every site: ``site`` (row), ``azimuth_deg``, ``hfov_deg``, ``cost_cny``.

    Where the settings price a turning camera, one at every site (``hfov_deg`` 360) is among them.
    """
    aims = pd.concat(
        [_towards_entrances(sites, entrances, entrances_in_sight), _along_roads(sites, roads), _even_aims(len(sites))]
    ).sort_values("site", kind="stable")
    aims = _distinct(aims)
    lenses = pd.DataFrame({"hfov_deg": settings.lens_hfov_deg, "cost_cny": settings.camera_cny})
    fixed = aims.merge(lenses, how="cross").assign(turns=False)
    if not settings.ptz_cny:
        return fixed
    domes = {"site": range(len(sites)), "azimuth_deg": 0.0, "hfov_deg": 360.0, "cost_cny": settings.ptz_cny}
    return pd.concat([fixed, pd.DataFrame(domes).assign(turns=True)], ignore_index=True)


def _towards_entrances(
    sites: gpd.GeoDataFrame, entrances: gpd.GeoDataFrame, in_sight: sparse.csr_array
) -> pd.DataFrame:
    site, entrance = in_sight.tocoo().coords
    return pd.DataFrame({"site": site, "azimuth_deg": bearing_deg(site_xy(sites)[site], site_xy(entrances)[entrance])})


def _along_roads(sites: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the bearings from each site to the points 30 m on along the roads it stands at, in both directions."""
    site, road = shapely.STRtree(roads.geometry.to_numpy()).query(sites.geometry.to_numpy(), "dwithin", SPACING_M)
    lines = roads.geometry.to_numpy()[road]
    here = shapely.line_locate_point(lines, sites.geometry.to_numpy()[site])
    aims = []
    for step in (-LOOK_AHEAD_M, LOOK_AHEAD_M):
        there = np.clip(here + step, 0, shapely.length(lines))
        worth = np.abs(there - here) >= LOOK_AHEAD_M / 3
        target = shapely.get_coordinates(shapely.line_interpolate_point(lines, there))
        bearing = bearing_deg(site_xy(sites)[site], target)
        aims.append(pd.DataFrame({"site": site[worth], "azimuth_deg": bearing[worth]}))
    return pd.concat(aims)


def _even_aims(sites: int) -> pd.DataFrame:
    even = np.arange(EVEN_AZIMUTHS) * 360 / EVEN_AZIMUTHS
    return pd.DataFrame({"site": np.repeat(np.arange(sites), EVEN_AZIMUTHS), "azimuth_deg": np.tile(even, sites)})


def _distinct(aims: pd.DataFrame) -> pd.DataFrame:
    """Drop an azimuth that lies within 3 degrees of an earlier one at the same site."""
    site, azimuth = aims["site"].to_numpy(dtype=np.int64), aims["azimuth_deg"].to_numpy()
    kept = np.zeros(len(aims), dtype=bool)
    bounds = np.append(np.flatnonzero(np.diff(site, prepend=-1)), len(site))
    for start, stop in pairwise(bounds):
        seen: list[float] = []
        for row in range(start, stop):
            if all(abs((azimuth[row] - other + 180) % 360 - 180) > SAME_AZIMUTH_DEG for other in seen):
                seen.append(azimuth[row])
                kept[row] = True
    # A tenth of a degree is what a fitter can set and a sheet can print: the plan is computed with what it prints.
    return pd.DataFrame({"site": site[kept], "azimuth_deg": azimuth[kept].round(1) % 360})
