"""Cameras: our coverage model against spopt's, the same matrix of what every camera sees, equal optima.

spopt counts facilities and knows no poles, so here a camera costs 1, a pole nothing, and any number hangs on one:
``most_covered`` is then maximal covering (Church & ReVelle 1974) and ``cheapest_cordon`` set covering (Toregas 1971).
The matrix comes from real geometry: lanes, houses and two lenses, as in the plan.
"""

import math
import time
import warnings
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pulp
import shapely
from scipy import sparse
from spopt.locate import LSCP, MCLP

from gis_data.settings import CameraSettings
from models.cameras.coverage import cheapest_cordon, most_covered
from models.cameras.problem import Problem
from models.cameras.visibility import sees

BLOCKS, BLOCK_M = 7, 36.0
AIMS = 12
POINT_STEP_M = 8.0
TAKEN = 16
ENTRANCES = 7
CRS = "EPSG:4549"


def run() -> list[dict[str, Any]]:
    """Solve both models with both programs on one village, compare the optima, then give the ratios of times."""
    problem = village()
    return [maximal_cover(problem), set_cover(problem)]


@dataclass(frozen=True)
class Ground:
    """A village of lanes and houses: poles at the crossings, cameras in twelve directions with two lenses."""

    poles: gpd.GeoDataFrame
    cameras: pd.DataFrame
    points: gpd.GeoDataFrame
    houses: gpd.GeoDataFrame
    rng: np.random.Generator


def ground(seed: int = 20240101) -> Ground:
    """Return a village of 7 x 7 blocks, some plots empty."""
    rng = np.random.default_rng(seed)
    steps = np.arange(BLOCKS + 1) * BLOCK_M
    plots = [(x + 4 + k * 9.3, y + 4) for x in steps[:-1] for y in steps[:-1] for k in range(3) if rng.random() < 0.9]
    houses = gpd.GeoDataFrame(geometry=[shapely.box(x, y, x + 8.3, y + BLOCK_M - 8) for x, y in plots], crs=CRS)
    poles = gpd.GeoDataFrame(geometry=[shapely.Point(x + 2, y + 2) for x in steps for y in steps], crs=CRS)
    along = np.arange(0, BLOCKS * BLOCK_M, POINT_STEP_M) + POINT_STEP_M / 2
    road = [(a, line) for line in steps for a in along] + [(line, a) for line in steps for a in along]
    points = gpd.GeoDataFrame(geometry=shapely.points(road), crs=CRS)
    aims = pd.DataFrame({"azimuth_deg": np.arange(AIMS) * 360 / AIMS})
    cameras = pd.DataFrame({"site": range(len(poles))}).merge(aims, how="cross")
    cameras = cameras.merge(pd.DataFrame({"hfov_deg": CameraSettings().lens_hfov_deg}), how="cross")
    return Ground(poles, cameras, points, houses, rng)


def village() -> Problem:
    """Return what cameras at the corners of a grid of lanes see of its road, every camera and pole at one price."""
    settings, place = CameraSettings(), ground()
    seen = sees(
        place.poles, place.cameras, place.points, place.houses, px_per_m=settings.coverage_px_per_m, settings=settings
    )
    seen = seen[:, np.flatnonzero(np.asarray(seen.sum(axis=0)) > 0)]
    return Problem(
        sees=seen,
        guards=seen,
        weight=place.rng.gamma(2.0, 5.0, seen.shape[1]),
        camera_cny=np.ones(len(place.cameras)),
        pole_cny=np.zeros(len(place.poles)),
        pole=place.cameras["site"].to_numpy(),
        stands=np.zeros(len(place.cameras), dtype=bool),
        must=np.zeros(len(place.cameras), dtype=bool),
        required=np.ones(seen.shape[1], dtype=bool),
        max_per_pole=len(place.cameras),
    )


def priced_village(seed: int) -> Problem:
    """Return a village with prices, no more than four cameras on a pole, and seven entrances to guard."""
    settings, place = CameraSettings(), ground(seed)
    level = {"sees": settings.coverage_px_per_m, "guards": settings.entrance_px_per_m}
    edge = np.flatnonzero(place.points.geometry.x.isin([place.points.geometry.x.min(), place.points.geometry.x.max()]))
    doors = place.points.iloc[np.sort(place.rng.choice(edge, ENTRANCES, replace=False))]
    matrices = {
        name: sees(place.poles, place.cameras, target, place.houses, px_per_m=level[name], settings=settings)
        for name, target in (("sees", place.points), ("guards", doors))
    }
    narrow = place.cameras["hfov_deg"].to_numpy() < max(settings.lens_hfov_deg)
    return Problem(
        **matrices,
        weight=place.rng.gamma(2.0, 5.0, len(place.points)),
        camera_cny=np.where(narrow, max(settings.camera_cny), min(settings.camera_cny)),
        pole_cny=np.full(len(place.poles), settings.pole_cny),
        pole=place.cameras["site"].to_numpy(),
        stands=np.zeros(len(place.cameras), dtype=bool),
        must=np.zeros(len(place.cameras), dtype=bool),
        required=np.ones(ENTRANCES, dtype=bool),
        max_per_pole=settings.max_cameras_per_pole,
    )


def maximal_cover(problem: Problem) -> dict[str, Any]:
    """Hold the most weight that a number of cameras see against spopt's MCLP."""
    started = time.perf_counter()
    # A weight decides nothing about the cordon, so the model is asked without one.
    bare = Problem(
        **(
            vars(problem)
            | {"guards": sparse.csr_array((len(problem.pole), 0), dtype=bool), "required": np.ones(0, dtype=bool)}
        )
    )
    ours = most_covered(bare, budget_cny=float(TAKEN), gap=0.0, time_limit_s=60.0)
    ours_s = time.perf_counter() - started

    started = time.perf_counter()
    model = MCLP.from_cost_matrix(_distance(problem), problem.weight, service_radius=0.5, p_facilities=TAKEN)
    theirs = _solve(model)
    peer_s = time.perf_counter() - started
    return _row("camera_model.maximal_cover", "spopt MCLP (CBC)", problem, ours.objective / 100 * problem.weight.sum(),
                theirs, ours_s, peer_s, taken=TAKEN)  # fmt: skip


def set_cover(problem: Problem) -> dict[str, Any]:
    """Hold the fewest cameras that see everything against spopt's LSCP."""
    started = time.perf_counter()
    ours = cheapest_cordon(problem, time_limit_s=60.0)
    ours_s = time.perf_counter() - started

    started = time.perf_counter()
    theirs = _solve(LSCP.from_cost_matrix(_distance(problem), service_radius=0.5))
    peer_s = time.perf_counter() - started
    return _row("camera_model.set_cover", "spopt LSCP (CBC)", problem, ours.objective, theirs, ours_s, peer_s,
                taken=len(ours.chosen))  # fmt: skip


def _distance(problem: Problem) -> np.ndarray:
    """Return spopt's matrix, point x camera: 0 where the camera sees the point, else 1."""
    return 1.0 - problem.sees.toarray().T.astype(np.float64)


def _solve(model: Any) -> float:  # noqa: ANN401 - MCLP or LSCP
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(model.solve(pulp.PULP_CBC_CMD(msg=False)).problem.objective.value())


def _row(
    name: str, peer: str, problem: Problem, ours: float, theirs: float, ours_s: float, peer_s: float, *, taken: int
) -> dict[str, Any]:
    cameras, points = problem.sees.shape
    return {
        "name": name,
        "peer": peer,
        "size": f"{cameras} cameras, {points} points, {taken} taken",
        "ratio": round(peer_s / ours_s, 2),
        "answers_equal": math.isclose(ours, theirs, rel_tol=1e-6),
        "ours_s": round(ours_s, 3),
        "peer_s": round(peer_s, 3),
        "objective_ratio": round(theirs / ours, 6),
    }
