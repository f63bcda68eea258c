"""Cameras: our coverage model against spopt's, the same matrix of what every camera sees, equal optima.

spopt counts facilities and knows no poles, so here a camera costs 1, a pole nothing, and any number hangs on one:
``most_covered`` is then maximal covering (Church & ReVelle 1974) and ``cheapest_cordon`` set covering (Toregas 1971).
The matrix comes from real geometry: lanes, houses and two lenses, as in the plan.
"""

import math
import time
import warnings
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
CRS = "EPSG:4549"


def run() -> list[dict[str, Any]]:
    """Solve both models with both programs on one village, compare the optima, then give the ratios of times."""
    problem = village()
    return [maximal_cover(problem), set_cover(problem)]


def village() -> Problem:
    """Return what cameras at the corners of a grid of lanes see of its road, houses standing between."""
    rng = np.random.default_rng(20240101)
    steps = np.arange(BLOCKS + 1) * BLOCK_M
    plots = [(x + 4 + k * 9.3, y + 4) for x in steps[:-1] for y in steps[:-1] for k in range(3) if rng.random() < 0.9]
    houses = gpd.GeoDataFrame(geometry=[shapely.box(x, y, x + 8.3, y + BLOCK_M - 8) for x, y in plots], crs=CRS)
    poles = gpd.GeoDataFrame(geometry=[shapely.Point(x + 2, y + 2) for x in steps for y in steps], crs=CRS)
    along = np.arange(0, BLOCKS * BLOCK_M, POINT_STEP_M) + POINT_STEP_M / 2
    road = [(a, line) for line in steps for a in along] + [(line, a) for line in steps for a in along]
    points = gpd.GeoDataFrame(geometry=shapely.points(road), crs=CRS)
    settings = CameraSettings()
    aims = pd.DataFrame({"azimuth_deg": np.arange(AIMS) * 360 / AIMS})
    cameras = pd.DataFrame({"site": range(len(poles))}).merge(aims, how="cross")
    cameras = cameras.merge(pd.DataFrame({"hfov_deg": settings.lens_hfov_deg}), how="cross")
    seen = sees(poles, cameras, points, houses, px_per_m=settings.coverage_px_per_m, settings=settings)
    seen = seen[:, np.flatnonzero(np.asarray(seen.sum(axis=0)) > 0)]
    return Problem(
        sees=seen,
        guards=seen,
        weight=rng.gamma(2.0, 5.0, seen.shape[1]),
        camera_cny=np.ones(len(cameras)),
        pole_cny=np.zeros(len(poles)),
        pole=cameras["site"].to_numpy(),
        stands=np.zeros(len(cameras), dtype=bool),
        must=np.zeros(len(cameras), dtype=bool),
        required=np.ones(seen.shape[1], dtype=bool),
        max_per_pole=len(cameras),
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
    return _row("cameras.maximal_cover", "spopt MCLP (CBC)", problem, ours.objective / 100 * problem.weight.sum(),
                theirs, ours_s, peer_s, taken=TAKEN)  # fmt: skip


def set_cover(problem: Problem) -> dict[str, Any]:
    """Hold the fewest cameras that see everything against spopt's LSCP."""
    started = time.perf_counter()
    ours = cheapest_cordon(problem, time_limit_s=60.0)
    ours_s = time.perf_counter() - started

    started = time.perf_counter()
    theirs = _solve(LSCP.from_cost_matrix(_distance(problem), service_radius=0.5))
    peer_s = time.perf_counter() - started
    return _row("cameras.set_cover", "spopt LSCP (CBC)", problem, ours.objective, theirs, ours_s, peer_s,
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
