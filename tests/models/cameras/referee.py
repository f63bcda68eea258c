"""What a written camera plan sees, worked out by code that shares nothing with the model."""

import dataclasses

import numpy as np
import shapely

from gis_data.settings import CameraSettings, Settings
from models.cameras.demand import find_demand
from models.cameras.plan import plan_cameras
from models.cameras.visibility import Lens


def planned(town, **changes):
    town = dataclasses.replace(town, **changes)
    return plan_cameras(town.study, *town.tables, period=town.period, seed=1)


def with_settings(town, **settings):
    old = dataclasses.asdict(town.study.settings.cameras)
    cameras = CameraSettings(**(old | settings))
    return dataclasses.replace(town.study, settings=Settings(cameras=cameras))


def seen_from(plan, points, buildings, px_per_m, settings):
    """Camera x point from the written cameras alone: polar arithmetic, one STRtree query a camera."""
    tree = shapely.STRtree(buildings.geometry.to_numpy())
    xy = shapely.get_coordinates(points)
    matrix = []
    for camera in plan.to_frame().itertuples():
        lens = Lens.of(camera.hfov_deg, settings)
        dx, dy = xy[:, 0] - camera.x, xy[:, 1] - camera.y
        off = (np.degrees(np.arctan2(dx, dy)) - camera.azimuth_deg + 180) % 360 - 180
        depth = np.hypot(dx, dy) * np.cos(np.radians(off))
        seen = (np.abs(off) <= camera.hfov_deg / 2) & (depth >= lens.near_m) & (depth <= lens.reach_m(px_per_m))
        if seen.any():
            lines = shapely.linestrings([[(camera.x, camera.y), point] for point in xy[seen]])
            seen[np.flatnonzero(seen)[np.unique(tree.query(lines, predicate="intersects")[0])]] = False
        matrix.append(seen)
    return np.array(matrix).reshape(-1, len(xy))


def seen_by_night(plan, matrix, points, lamps, settings):
    """Of what cameras see by day what a lamp within 25 m lights or their own infrared light reaches."""
    xy, lamp = shapely.get_coordinates(points), shapely.get_coordinates(lamps)
    lit = (np.hypot(*(xy[:, None] - lamp[None]).transpose(2, 0, 1)) <= 25).any(axis=1)
    poles = plan.to_frame()[["x", "y"]].to_numpy()
    near = np.hypot(*(poles[:, None] - xy[None]).transpose(2, 0, 1)) <= settings.infrared_m
    return matrix & (lit[None, :] | near)


def demand_of(town):
    named = sorted(town.villages["village_id"])
    return find_demand(*town.tables[:5], town.incidents, named=named, risk_bandwidth_m=75.0)
