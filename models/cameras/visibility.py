"""What each camera sees: a rectilinear view cut by walls, at a stated number of pixels per metre.

In:     sites (poles), configurations (azimuth and lens at a site), points and building footprints, in metres.
Out:    sparse yes/no matrices configuration x point, and view polygons for the few cameras that were chosen.
Method: a rectilinear lens has constant pixels per metre on the plane at DEPTH z, not at radius z:
        px_per_m = width_px / (2 z tan(hfov/2)); so the reach is a triangle whose corners lie 1/cos(hfov/2) further than
        the sector that web tools draw. The tilt puts the far edge of the coverage level on the picture's upper edge;
        the lower edge then meets the ground at the near edge. (The slant makes true pixels per metre a little lower:
        below 1 % at 50 m from a 6 m pole; left out.) EN 62676-4 gives the levels.
        Walls: the straight line from pole to point must not touch a building; it is computed once per pole and only
        then cut by azimuth and lens, which is where the speed comes from.
"""

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from gis_data.settings import CameraSettings

Floats = NDArray[np.float64]
# Points closer to the edge than this (metres, degrees of rounding) count as seen: aiming along a lane is exact.
EDGE_M = 1e-6
MAX_HFOV_DEG = 160.0  # a wider view is a dome that turns, not a lens: it sees nothing as one


def reach_m(px_per_m: float, hfov_deg: float, *, width_px: int) -> float:
    """Return the depth at which a lens still gives ``px_per_m``."""
    return width_px / (2 * px_per_m * math.tan(math.radians(hfov_deg) / 2))


@dataclass(frozen=True)
class Lens:
    """A lens on a picture of ``width_px`` x ``height_px`` at a mount height, tilted for ``coverage_px_per_m``."""

    hfov_deg: float
    width_px: int
    height_px: int
    mount_height_m: float
    coverage_px_per_m: float

    @classmethod
    def of(cls, hfov_deg: float, settings: CameraSettings) -> "Lens":
        """Return the lens as the study's settings mount it."""
        return cls(
            hfov_deg,
            settings.image_width_px,
            settings.image_height_px,
            settings.mount_height_m,
            settings.coverage_px_per_m,
        )

    @property
    def half_width_slope(self) -> float:
        """Half the width of the view per metre of depth: tan(hfov / 2)."""
        return math.tan(math.radians(self.hfov_deg) / 2)

    @property
    def near_m(self) -> float:
        """Depth at which the picture's lower edge meets the ground; nothing nearer is seen."""
        vertical = 2 * math.atan(self.half_width_slope * self.height_px / self.width_px)
        tilt = math.atan(self.mount_height_m / self.reach_m(self.coverage_px_per_m)) + vertical / 2
        lower_edge = tilt + vertical / 2
        return 0.0 if lower_edge >= math.pi / 2 else self.mount_height_m / math.tan(lower_edge)

    def reach_m(self, px_per_m: float) -> float:
        """Return the depth at which the lens still gives ``px_per_m``."""
        return reach_m(px_per_m, self.hfov_deg, width_px=self.width_px)

    def corner_m(self, px_per_m: float) -> float:
        """Return the distance from the pole to the far corners of the view."""
        return self.reach_m(px_per_m) * math.hypot(1.0, self.half_width_slope)


def sees(
    sites: gpd.GeoDataFrame,
    configurations: pd.DataFrame,
    points: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    *,
    px_per_m: float,
    settings: CameraSettings,
) -> sparse.csr_array:
    """Return the yes/no matrix configuration x point.

    Parameters
    ----------
    configurations
        ``site`` (row number in ``sites``), ``azimuth_deg`` (clockwise from north), ``hfov_deg``.
    px_per_m
        Level that a point must be seen at.
    """
    radius_m = max((Lens.of(f, settings).corner_m(px_per_m) for f in configurations["hfov_deg"].unique()), default=0.0)
    xy, target = site_xy(sites), site_xy(points)
    sight = line_of_sight(xy, target, buildings.geometry.to_numpy(), radius_m=radius_m)
    return in_view(sight, configurations, xy, target, px_per_m=px_per_m, settings=settings)


def line_of_sight(poles: Floats, points: Floats, walls: NDArray[np.object_], *, radius_m: float) -> sparse.csr_array:
    """Return the yes/no matrix pole x point: within the radius, and no wall touches the straight line between them."""
    pairs = pairs_within(poles, points, radius_m)
    if len(walls) and len(pairs):
        lines = shapely.linestrings(np.stack([poles[pairs[:, 0]], points[pairs[:, 1]]], axis=1))
        blocked = shapely.STRtree(walls).query(lines, predicate="intersects")[0]
        pairs = np.delete(pairs, np.unique(blocked), axis=0)
    values = np.ones(len(pairs), dtype=bool)
    return sparse.csr_array((values, (pairs[:, 0], pairs[:, 1])), shape=(len(poles), len(points)))


def in_view(
    sight: sparse.csr_array,
    configurations: pd.DataFrame,
    poles: Floats,
    points: Floats,
    *,
    px_per_m: float,
    settings: CameraSettings,
) -> sparse.csr_array:
    """Cut what each pole has in sight by every configuration's azimuth and lens: matrix configuration x point."""
    site = configurations["site"].to_numpy(dtype=np.int64)
    rows = sight[site].tocoo()
    configuration, point = rows.coords
    inside = _inside_view(configurations, points[point] - poles[site[configuration]], configuration, px_per_m, settings)
    kept = (np.ones(int(inside.sum()), dtype=bool), (configuration[inside], point[inside]))
    return sparse.csr_array(kept, shape=(len(configurations), len(points)))


def view_polygon(
    pole: tuple[float, float],
    azimuth_deg: float,
    lens: Lens,
    walls: NDArray[np.object_],
    *,
    px_per_m: float,
) -> shapely.Geometry:
    """Return the ground that one camera sees: the trapezoid of its view less the shadows of the walls."""
    view = _trapezoid(pole, azimuth_deg, lens, px_per_m)
    whole = shapely.Polygon([pole, *view.exterior.coords[2:4]])
    in_way = walls[shapely.STRtree(walls).query(whole, predicate="intersects")] if len(walls) else walls
    if len(in_way) == 0:
        return view
    if shapely.intersects(shapely.Point(pole), in_way).any():
        return shapely.Polygon()
    shadows = _shadows(np.asarray(pole), in_way, length_m=lens.corner_m(px_per_m))
    return shapely.difference(view, shapely.union_all([*shadows, *in_way]))


def dome_polygon(pole: tuple[float, float], reach: float, walls: NDArray[np.object_]) -> shapely.Geometry:
    """Return the ground that a camera which turns can see: a circle less the shadows of the walls."""
    view = shapely.buffer(shapely.Point(pole), reach, quad_segs=16)
    in_way = walls[shapely.STRtree(walls).query(view, predicate="intersects")] if len(walls) else walls
    if len(in_way) == 0:
        return view
    return shapely.difference(view, shapely.union_all([*_shadows(np.asarray(pole), in_way, length_m=reach), *in_way]))


def site_xy(frame: gpd.GeoDataFrame) -> Floats:
    """Return the points of a table as an n x 2 array."""
    xy: Floats = shapely.get_coordinates(frame.geometry.to_numpy()).reshape(-1, 2)
    return xy


def bearing_deg(start: Floats, end: Floats) -> Floats:
    """Return bearings clockwise from north, 0 to 360."""
    step = np.asarray(end, dtype=float) - np.asarray(start, dtype=float)
    bearing: Floats = np.degrees(np.arctan2(step[..., 0], step[..., 1])) % 360
    return bearing


def pairs_within(a: Floats, b: Floats, radius_m: float) -> NDArray[np.int64]:
    """Return the pairs (row of a, row of b) no further apart than the radius, ordered."""
    if len(a) == 0 or len(b) == 0:
        return np.empty((0, 2), dtype=np.int64)
    near = cKDTree(b).query_ball_point(a, radius_m + EDGE_M, return_sorted=True)
    rows = np.repeat(np.arange(len(a)), [len(found) for found in near])
    return np.column_stack([rows, np.concatenate([*near, []]).astype(np.int64)])


def _inside_view(
    configurations: pd.DataFrame,
    step: Floats,
    configuration: NDArray[np.int64],
    px_per_m: float,
    settings: CameraSettings,
) -> NDArray[np.bool_]:
    lenses = {f: Lens.of(f, settings) for f in configurations["hfov_deg"].clip(upper=MAX_HFOV_DEG).unique()}
    hfov = configurations["hfov_deg"].clip(upper=MAX_HFOV_DEG)
    slope = hfov.map({f: lens.half_width_slope for f, lens in lenses.items()}).to_numpy()[configuration]
    near = hfov.map({f: lens.near_m for f, lens in lenses.items()}).to_numpy()[configuration]
    far = hfov.map({f: lens.reach_m(px_per_m) for f, lens in lenses.items()}).to_numpy()[configuration]
    azimuth = np.radians(configurations["azimuth_deg"].to_numpy(dtype=float))[configuration]
    depth = step[:, 0] * np.sin(azimuth) + step[:, 1] * np.cos(azimuth)
    aside = np.abs(step[:, 0] * np.cos(azimuth) - step[:, 1] * np.sin(azimuth))
    inside: NDArray[np.bool_] = (depth >= near - EDGE_M) & (depth <= far + EDGE_M) & (aside <= depth * slope + EDGE_M)
    inside &= configurations["hfov_deg"].to_numpy()[configuration] <= MAX_HFOV_DEG
    return inside


def _trapezoid(pole: tuple[float, float], azimuth_deg: float, lens: Lens, px_per_m: float) -> shapely.Polygon:
    azimuth = math.radians(azimuth_deg)
    ahead = np.array([math.sin(azimuth), math.cos(azimuth)])
    right = np.array([ahead[1], -ahead[0]])
    far = lens.reach_m(px_per_m)
    near = min(lens.near_m, far)
    depths, sides = np.array([near, near, far, far]), np.array([-1, 1, 1, -1]) * lens.half_width_slope
    return shapely.Polygon(np.asarray(pole) + depths[:, None] * (ahead + sides[:, None] * right))


def _shadows(pole: Floats, walls: NDArray[np.object_], *, length_m: float) -> NDArray[np.object_]:
    """Return one quadrilateral per wall: the wall, and the wall magnified from the pole until all of it is too far.

    Both ends grow by the same factor: ends thrown to the same distance would leave the middle of a long near wall's
    shadow uncovered.
    """
    xy, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(walls)), return_index=True)
    same = ring[1:] == ring[:-1]
    a, b = xy[:-1][same] - pole, xy[1:][same] - pole
    distance = shapely.distance(shapely.linestrings(np.stack([a, b], axis=1)), shapely.Point(0, 0))
    times = np.maximum(length_m / np.maximum(distance, EDGE_M), 1.0)[:, None]
    quads = shapely.polygons(pole + np.stack([a, b, b * times, a * times], axis=1))
    kept: NDArray[np.object_] = quads[(shapely.area(quads) > EDGE_M) & shapely.is_valid(quads)]
    return kept
