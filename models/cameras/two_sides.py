"""Seen from two sides: a point that two fixed cameras look at from directions at least 45 degrees apart.

In:     the problem, where its poles and points are, and a selection.
Out:    which points the selection sees from two sides (backup cover of Hogan & ReVelle 1986, with a direction).
Method: the widest gap between neighbouring directions is at most 315 degrees exactly when they do not all lie within an
        arc of less than 45. A camera that turns (PTZ) looks elsewhere most of the time and does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.cameras.problem import PROVEN, Bools, Floats, Ints, Problem

APART_DEG = 45.0


@dataclass(frozen=True)
class Directions:
    """Where poles (s x 2) and points (i x 2) are, in metres: from which side a camera looks at a point."""

    pole_xy: Floats
    point_xy: Floats

    def bearing_deg(self, pole: Ints, point: Ints) -> Floats:
        """Return the bearings of poles from points, 0 to 360."""
        step = self.pole_xy[pole] - self.point_xy[point]
        bearing: Floats = np.degrees(np.arctan2(step[:, 0], step[:, 1])) % 360
        return bearing


def two_sided(problem: Problem, directions: Directions, chosen: Ints) -> Bools:
    """Tell which points the cameras see from two sides."""
    pairs = problem.sees[chosen].tocoo()
    fixed = pairs.data >= 1 - PROVEN
    camera, point = pairs.coords[0][fixed], pairs.coords[1][fixed]
    bearing = directions.bearing_deg(problem.pole[chosen[camera]], point)
    order = np.argsort(point, kind="stable")
    where, starts = np.unique(point[order], return_index=True)
    seen = np.zeros(problem.sees.shape[1], dtype=bool)
    for i, around in zip(where, np.split(bearing[order], starts)[1:], strict=True):
        seen[i] = are_apart(around.tolist())
    return seen


def are_apart(bearings: Sequence[float]) -> bool:
    """Tell whether some two of the directions (degrees) are at least 45 degrees apart."""
    if len(bearings) < 2:
        return False
    around = sorted(bearings)
    widest = max(b - a for a, b in zip(around, [*around[1:], around[0] + 360], strict=True))
    return 360 - widest >= APART_DEG - PROVEN
