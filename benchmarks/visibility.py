"""What every camera sees: lines of sight once per pole, cut by direction and lens, against one polygon per camera.

The peer is what one writes first with shapely: the view of each camera as a polygon less the shadow of every wall of
the village, and the points that lie in it. The second row is our own view polygon, which asks an index for the walls
in the way first. Both are timed on some cameras and scaled; there the matrices are compared whole.
A point that lies on the very edge of a view (1e-6 m) may count either way and is left out of the comparison.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from scipy import sparse

from benchmarks.camera_model import Ground, ground
from gis_data.settings import CameraSettings
from models.cameras.visibility import Lens, sees, site_xy, view_polygon

NAIVE_EVERY, INDEXED_EVERY = 96, 20
FAR_M = 400.0
Pole = tuple[float, float]


def run() -> list[dict[str, Any]]:
    """Compare the rows of some cameras, then give the ratios of CPU time."""
    place, settings = ground(), CameraSettings()
    level = settings.coverage_px_per_m
    started = time.process_time()
    ours = sees(place.poles, place.cameras, place.points, place.houses, px_per_m=level, settings=settings)
    ours_s = time.process_time() - started
    walls = place.houses.geometry.to_numpy()

    def naive(pole: Pole, azimuth: float, lens: Lens) -> shapely.Geometry:
        view = view_polygon(pole, azimuth, lens, walls[:0], px_per_m=level)
        return view.difference(shapely.union_all([*(_shadow(pole, wall) for wall in walls), *walls]))

    def indexed(pole: Pole, azimuth: float, lens: Lens) -> shapely.Geometry:
        return view_polygon(pole, azimuth, lens, walls, px_per_m=level)

    rows = []
    for make, every, peer in (
        (naive, NAIVE_EVERY, "every wall's shadow"),
        (indexed, INDEXED_EVERY, "the walls in the way"),
    ):
        chosen = np.arange(0, len(place.cameras), every)
        equal, compared, peer_s = _timed(make, chosen, place, ours)
        peer_s *= len(place.cameras) / len(chosen)
        rows.append(
            {
                "name": "visibility",
                "peer": f"shapely, a polygon per camera less {peer}, scaled from {len(chosen)}",
                "size": f"{len(place.cameras)} cameras, {len(place.points)} points, {len(walls)} houses",
                "ratio": round(peer_s / ours_s, 1),
                "answers_equal": equal,
                "ours_s": round(ours_s, 3),
                "peer_s": round(peer_s, 2),
                "compared": compared,
            }
        )
    return rows


def _timed(
    make: Callable[[Pole, float, Lens], shapely.Geometry], rows: np.ndarray, place: Ground, ours: sparse.csr_array
) -> tuple[bool, int, float]:
    """Return whether the matrices are equal, how many cells were compared, and the peer's CPU seconds."""
    poles, points = site_xy(place.poles), place.points.geometry.to_numpy()
    settings = CameraSettings()
    started = time.process_time()
    views = []
    for row in rows:
        camera = place.cameras.iloc[row]
        pole = poles[int(camera["site"])]
        views.append(
            make((float(pole[0]), float(pole[1])), camera["azimuth_deg"], Lens.of(camera["hfov_deg"], settings))
        )
    theirs = np.array([shapely.intersects(view, points) for view in views])
    peer_s = time.process_time() - started
    clear = np.array([shapely.distance(shapely.boundary(view), points) for view in views]) > 1e-6
    return bool((theirs == ours[rows].toarray())[clear].all()), int(clear.sum()), peer_s


def _shadow(pole: Pole, wall: shapely.Geometry) -> shapely.Geometry:
    """Return what one house hides: the house and itself magnified from the pole, wall by wall."""
    ring = shapely.get_coordinates(wall) - pole
    quads = []
    for a, b in pairwise(ring):
        times = FAR_M / max(shapely.LineString([a, b]).distance(shapely.Point(0, 0)), 1e-6)
        quad = shapely.Polygon(np.array([a, b, b * times, a * times]) + pole)
        if quad.is_valid and quad.area > 1e-6:
            quads.append(quad)
    return shapely.union_all(quads)
