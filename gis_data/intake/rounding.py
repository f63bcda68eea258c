"""Rounding: a file whose coordinates were cut to a grid (three decimals, whole hundreds of feet).

In:     coordinates as written, and as they were meant.
Out:    which rows lie on the grid and how wide it is; which rows of a rounded file stand for their village's centre.
Method: a grid that half of the file lies on is the file's; what few rows lie on it in a finer file are masts and blocks
        (locating). Rounding puts neighbours together, so a repeated point says nothing by itself: at a village's centre
        it is told only if all centres together hold far more rows than the ground around them (Poisson).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import KDTree

from gis_data.intake import values
from gis_data.intake.notation import Written

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]

M_PER_DEGREE = 111_195.0
DECIMALS = (1, 2, 3)
OF_THE_FILE = 0.5  # share of the rows on the grid from which on it is the file's own
LEAST_ROWS, LEAST_SPOTS = 20, 10
FINE_M = 50.0  # a grid this narrow is as good as none
ROAD_M = 150.0  # a wider one does not even tell the road
AROUND, TIMES, HARDLY_CHANCE = 3.0, 3.0, 1e-6


@dataclass(frozen=True)
class Rounding:
    """The grid of a file.

    Attributes
    ----------
    rows
        Which rows lie on it; none where the file has no grid.
    few
        Which rows lie on a hundred-metre grid in a file that has none.
    step_m
        Width of the grid north to south; 0 where the file has none.
    """

    rows: Flags
    few: Flags
    step_m: float = 0.0

    @property
    def keeps_the_road(self) -> bool:
        """Whether a point still tells its road."""
        return self.step_m <= ROAD_M


def rounding_of(written: Written, pairs: Sequence[tuple[pd.Series, pd.Series]], spot: Whole, crs: str) -> Rounding:
    """Tell whether a file's coordinates lie on a grid.

    Parameters
    ----------
    pairs
        The coordinate columns as written; metres and feet are looked at in the first.
    spot
        A number for each distinct point, -1 without one.
    crs
        What the columns are in, where the station says it; else "".
    """
    nothing = np.zeros(len(spot), dtype=bool)
    in_degrees = np.isfinite(written.lon) & written.how.isin(("degrees", "degrees_swapped"))
    for decimals in DECIMALS:
        on = _on_grid(written, in_degrees, decimals)
        if _is_the_files(on, in_degrees, spot):
            return Rounding(on, nothing, M_PER_DEGREE * 10.0**-decimals)
    few = on if on.sum() < OF_THE_FILE * max(1, in_degrees.sum()) else nothing
    # Of a file with four decimals one row in a hundred lies on the coarser grid by chance.
    of_four = _on_grid(written, in_degrees, DECIMALS[-1] + 1).sum() >= OF_THE_FILE * in_degrees.sum()
    if of_four and few.sum() <= TIMES * max(1.0, in_degrees.sum() / 100):
        few = nothing
    in_metres = np.isfinite(written.x) & (written.how != "web_mercator")
    if pairs and _is_the_files(in_metres, in_metres, spot):
        step_m = _common_step(pairs[0], in_metres) * _unit_m(crs)
        if step_m > FINE_M:
            return Rounding(in_metres, nothing, step_m)
    return Rounding(nothing, few)


def _on_grid(written: Written, in_degrees: Flags, decimals: int) -> Flags:
    on = in_degrees.copy()
    for part in (written.lon, written.lat):
        on &= np.abs(part - np.round(part, decimals)) < 1e-9
    return on


def _is_the_files(on: Flags, of: Flags, spot: Whole) -> bool:
    if on.sum() < max(LEAST_ROWS, OF_THE_FILE * of.sum()):
        return False
    return len(np.unique(spot[on])) >= LEAST_SPOTS


def _common_step(pair: tuple[pd.Series, pd.Series], asked: Flags) -> float:
    """Return the largest step of which all coordinates are whole multiples; 0 where they are no whole numbers."""
    numbers = [values.as_number(column[asked]).dropna().to_numpy() for column in pair]
    if any((part != np.round(part)).any() for part in numbers):
        return 0.0
    return float(min(np.gcd.reduce(part.astype(np.int64)) for part in numbers))


def _unit_m(crs: str) -> float:
    return float(pyproj.CRS(crs).axis_info[0].unit_conversion_factor) if crs else 1.0


def at_centres(x: Floats, y: Floats, asked: Flags, step_m: float, villages: gpd.GeoDataFrame) -> Flags:
    """Tell which of the rounded points asked about lie where a village's centre is rounded to, if these are heaped."""
    found = np.zeros(len(x), dtype=bool)
    rows = np.flatnonzero(asked & np.isfinite(x))
    if not len(rows) or villages.empty:
        return found
    xy = np.round(np.column_stack([x[rows], y[rows]]), 1)
    spots, at, counts = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    tree = KDTree(spots)
    centres = villages[["centre_x", "centre_y"]].to_numpy(dtype=float)
    nearest_m, nearest = tree.query(centres)
    near = nearest_m <= 0.75 * step_m
    reach_m = AROUND * step_m
    around = sum(int(counts[ring].sum()) for ring in tree.query_ball_point(spots[nearest[near]], reach_m))
    there = int(counts[nearest[near]].sum())
    cells = np.pi * AROUND**2 * near.sum()  # at least: towards the poles a cell of degrees is narrower
    usual = (around - there) / max(1.0, cells - near.sum())
    if stats.poisson.sf(there - 1, TIMES * usual * near.sum()) < HARDLY_CHANCE:
        heaped = np.zeros(len(spots), dtype=bool)
        heaped[nearest[near]] = True
        found[rows[heaped[at]]] = True
    return found
