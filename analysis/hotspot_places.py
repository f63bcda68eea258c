"""Why a place is no hotspot: each cell's incidents beside what stands there leads to expect, and how dense they lie.

In:     the cells, the incidents that were searched, the land and what incidents can fall on, the hotspots found.
Out:    one row a cell: its count, its expected count, the range of chance and the reason. Nothing is searched again.
Method: the expected count is that of the search (``analysis.chance_surface``), summed over the cell; its range holds
        95 % of a Poisson count. How dense: the most incidents within eps of one of the cell's own incidents.
"""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import stats
from scipy.spatial import KDTree

from analysis.chance_surface import Floats
from analysis.grounds import collapse
from analysis.hotspots import DETAIL_M, as_points, surface_of
from analysis.reach import NEAREST_M
from gis_data.cells import locate
from gis_data.settings import HotspotSettings

REASONS = ("touches", "sparse", "scattered", "chance")
CHANCE_PCT = 95.0


def hotspot_places(
    cells: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    land: shapely.Geometry,
    hotspots: gpd.GeoDataFrame,
    *,
    eps_m: float,
    least: int,
    settings: HotspotSettings,
    opportunity: Sequence[gpd.GeoDataFrame] = (),
) -> pd.DataFrame:
    """Tell of each cell why it is, or is not, part of a hotspot.

    Parameters
    ----------
    cells
        The table CELLS.
    incidents
        Reported incidents with a usable point, of the period that was searched.
    hotspots
        All clusters of the search (columns of ``analysis.hotspot_table``).
    eps_m, least
        Metres within which incidents are neighbours, and how many of them make a place dense.

    Returns
    -------
    pd.DataFrame
        ``count``, ``expected``, ``low`` and ``high`` (within which chance keeps the count 95 times of 100),
        ``densest`` (the most incidents within ``eps_m`` of one of the cell's), ``hotspot_id`` and ``status`` of a
        cluster that it touches, and ``reason``: it "touches" a cluster; it is "sparse"; it has more incidents than
        chance brings but they are "scattered"; it is dense, and "chance" explains that as well (or it is part of a
        ground wider than a hotspot may be). Rows as in ``cells``.
    """
    near = incidents[incidents.geometry.dwithin(land, settings.eps_m or NEAREST_M)]
    xy, weight, _ = collapse(near)
    home = locate(cells, gpd.GeoSeries(shapely.points(xy), crs=cells.crs))
    row_of = pd.Series(np.arange(len(cells)), index=cells["cell_id"])
    inside = home >= 0
    row = row_of.reindex(home[inside]).to_numpy(dtype=np.int64)
    count = np.bincount(row, weight[inside], minlength=len(cells))
    densest = np.zeros(len(cells))
    np.maximum.at(densest, row, _within(xy, weight, eps_m)[inside])
    expected = np.zeros(len(cells))
    if weight.sum():
        layers = [as_points(layer, step_m=DETAIL_M) for layer in opportunity if len(layer)]
        surface = surface_of(xy, weight, land, layers, settings, cell_m=DETAIL_M)
        expected = np.array([surface.inside(cell) for cell in cells.geometry])
    tail = (1 - CHANCE_PCT / 100) / 2
    high = stats.poisson.ppf(1 - tail, expected)
    table = pd.DataFrame({
        "count": count, "expected": expected, "low": stats.poisson.ppf(tail, expected), "high": high,
        "densest": densest, **_touched(cells, hotspots),
    }, index=cells.index)  # fmt: skip
    reasons = [table["hotspot_id"] != "", (densest < least) & (count > high), densest < least]
    return table.assign(reason=np.select(reasons, ["touches", "scattered", "sparse"], "chance"))


def _within(xy: Floats, weight: Floats, radius_m: float) -> Floats:
    """Return the incidents within ``radius_m`` of each point, itself among them."""
    if not len(xy):
        return np.zeros(0)
    each = KDTree(np.repeat(xy, weight.astype(np.int64), axis=0))
    return np.asarray(each.query_ball_point(xy, radius_m, return_length=True), dtype=float)


def _touched(cells: gpd.GeoDataFrame, hotspots: gpd.GeoDataFrame) -> dict[str, list[str]]:
    """Return the cluster that each cell shares ground with ("" for none): the first of them, hotspots before others."""
    cluster, cell = shapely.STRtree(cells.geometry.to_numpy()).query(hotspots.geometry.to_numpy(), "intersects")
    names, states = [""] * len(cells), [""] * len(cells)
    for number, place in sorted(zip(cluster, cell, strict=True), reverse=True):
        names[place], states[place] = str(hotspots["hotspot_id"].iloc[number]), str(hotspots["status"].iloc[number])
    return {"hotspot_id": names, "status": states}
