"""The grid on a map: kilometre lines, and the squares by which a village is found (letter from the left, number down).

In:     a map window.
Out:    where the lines lie on paper, what the squares are called. A turned map's lines follow the paper and name no
        kilometres.
"""

import string
from bisect import bisect
from itertools import pairwise

import numpy as np
import shapely

from views.sheets.frame import MapWindow, grid_step_m

INDEX_MM = 2.2  # the middle of letters and numbers from the frame's edge
SLIVER_MM = 10.0  # a narrower square at the edge belongs to its neighbour


def grid_lines(window: MapWindow, axis: str) -> list[tuple[float, float | None]]:
    """Return millimetres on paper of each line across an axis ("x", "y"), and its metres on the ground."""
    step = grid_step_m(window.scale)
    length_mm = _length_mm(window, axis)
    if window.turn_deg:
        apart = step * 1000 / window.scale
        return [(float(at), None) for at in np.arange(length_mm / 2 % apart, length_mm, apart)]
    west, south, east, north = window.ground
    low, high = (west, east) if axis == "x" else (south, north)
    metres = np.arange(np.ceil(low / step) * step, high, step)
    millimetres = (metres - west if axis == "x" else north - metres) * 1000 / window.scale
    return list(zip(millimetres.tolist(), metres.tolist(), strict=True))


def square(window: MapWindow, point: shapely.Point) -> str:
    """Name the square that a point on paper lies in."""
    return _letter(bisect(_edges(window, "x"), point.x)) + f"{bisect(_edges(window, 'y'), point.y) + 1}"


def squares(window: MapWindow) -> list[tuple[str, float, float]]:
    """Return the letters along the top and the numbers down the left side, each in the middle of its squares (x, y)."""
    across, down = (pairwise([0.0, *_edges(window, axis), _length_mm(window, axis)]) for axis in ("x", "y"))
    found = [(_letter(number), (low + high) / 2, INDEX_MM) for number, (low, high) in enumerate(across)]
    return found + [(f"{number}", INDEX_MM, (low + high) / 2) for number, (low, high) in enumerate(down, start=1)]


def _edges(window: MapWindow, axis: str) -> list[float]:
    """Return the lines between squares, in order."""
    inside = (SLIVER_MM, _length_mm(window, axis) - SLIVER_MM)
    return sorted(at for at, _ in grid_lines(window, axis) if inside[0] <= at <= inside[1])


def _length_mm(window: MapWindow, axis: str) -> float:
    return window.frame.width if axis == "x" else window.frame.height


def _letter(number: int) -> str:
    return string.ascii_uppercase[number % len(string.ascii_uppercase)]
