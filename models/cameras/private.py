"""Private ground: what of it a camera sees, and the masks it needs.

In:     built-up areas, roads, buildings; poles and configurations, or the views of chosen cameras.
Out:    private ground as one shape; its square metres per configuration; masks as ranges of azimuth.
Method: private ground lies within 6 m of a dwelling's walls and not on a road, taken 2 to 7 m wide on either side by
        its class; nobody maps yard walls, so this stands for the yard and for what a window shows. Dwellings
        themselves are walls: a camera sees none of the inside. Candidates are counted on a 5 m grid by the same lines
        of sight as the road; chosen cameras exactly, by their view's shape. A mask covers the azimuths in which a
        camera sees private ground and no road: hiding them costs nothing. (State Council Order 799, art. 8 and 13.)
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.settings import CameraSettings
from models.cameras.problem import Floats
from models.cameras.visibility import Lens, in_view, line_of_sight

YARD_M = 6.0
GRID_M = 5.0
RAY_DEG = 1.0
ROAD_HALF_M = {"provincial": 7.0, "county": 6.0, "township": 4.0, "village": 3.0, "track": 2.0, "path": 2.0}
AROUND_M = 120.0


def road_ground(roads: gpd.GeoDataFrame, near: shapely.Geometry) -> shapely.Geometry:
    """Return the public ground of the roads near a shape."""
    beside = roads[shapely.intersects(roads.geometry.to_numpy(), near)]
    half = beside["road_class"].map(ROAD_HALF_M).fillna(2.0).to_numpy(dtype=float)
    return shapely.union_all(shapely.buffer(beside.geometry.to_numpy(), half, quad_segs=2, cap_style="flat"))


def private_ground(areas: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> shapely.Geometry:
    """Return the private ground in and around the built-up areas as one shape."""
    near = shapely.buffer(areas.union_all(), AROUND_M, quad_segs=3)
    shapely.prepare(near)
    walls = buildings.geometry.to_numpy()
    inside = shapely.intersects(walls, near)
    dwellings = walls[inside & buildings["is_dwelling"].to_numpy(dtype=bool)]
    yards = shapely.union_all(shapely.buffer(dwellings, YARD_M, quad_segs=2))
    taken = shapely.union_all([road_ground(roads, near), *walls[inside]])
    return shapely.difference(yards, taken)


def seen_private_m2(
    poles: Floats,
    configurations: pd.DataFrame,
    ground: shapely.Geometry,
    walls: np.ndarray,
    *,
    settings: CameraSettings,
) -> Floats:
    """Return the private ground that each configuration sees at coverage level, in square metres (5 m grid)."""
    grid = _grid(ground)
    px_per_m = settings.coverage_px_per_m
    radius_m = max(Lens.of(f, settings).corner_m(px_per_m) for f in settings.lens_hfov_deg)
    sight = line_of_sight(poles, grid, walls, radius_m=radius_m)
    seen = in_view(sight, configurations, poles, grid, px_per_m=px_per_m, settings=settings)
    return np.asarray(seen.sum(axis=1), dtype=np.float64) * GRID_M**2


def masks(
    pole: tuple[float, float], view: shapely.Geometry, private: shapely.Geometry, road: shapely.Geometry
) -> list[tuple[float, float]]:
    """Return the ranges of azimuth (degrees, from, to; clockwise) that show private ground and no road."""
    if view.is_empty:
        return []
    reach = float(shapely.hausdorff_distance(shapely.Point(pole), view)) + 1.0
    azimuth = np.arange(0.0, 360.0, RAY_DEG) + RAY_DEG / 2
    ends = np.asarray(pole) + reach * np.column_stack([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
    rays = shapely.linestrings(np.stack([np.broadcast_to(pole, ends.shape), ends], axis=1))
    seen = shapely.intersection(rays, view)
    hides = shapely.intersects(seen, private) & ~shapely.intersects(seen, road) & ~shapely.is_empty(seen)
    return _ranges(azimuth, hides)


def _ranges(azimuth: Floats, hides: np.ndarray) -> list[tuple[float, float]]:
    """Join neighbouring rays; a range over north is one range whose end is smaller than its start."""
    if hides.all():
        return [(0.0, 360.0)]
    first = int(np.flatnonzero(~hides)[0])
    turned, hidden = np.roll(azimuth, -first), np.roll(hides, -first)
    edge = np.diff(hidden.astype(np.int8), prepend=0, append=0)
    starts, stops = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1) - 1
    half = RAY_DEG / 2
    return [
        (float((turned[a] - half) % 360), float((turned[b] + half) % 360)) for a, b in zip(starts, stops, strict=True)
    ]


def _grid(ground: shapely.Geometry) -> Floats:
    """Return the middles of the 5 m squares that lie on the ground."""
    parts = shapely.get_parts(ground)
    if len(parts) == 0:
        return np.empty((0, 2))
    found = []
    for part in parts:
        low_x, low_y, high_x, high_y = np.floor(np.array(part.bounds) / GRID_M)
        x, y = np.meshgrid(np.arange(low_x, high_x + 1), np.arange(low_y, high_y + 1))
        at = (np.column_stack([x.ravel(), y.ravel()]) + 0.5) * GRID_M
        shapely.prepare(part)
        found.append(at[shapely.contains_xy(part, at)])
    return np.concatenate(found)
