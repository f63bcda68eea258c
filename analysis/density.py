"""Density: incidents per km2 and year around each cell, by a kernel that is named and a bandwidth that is fixed.

In:     incident points with weights, and how much of each cell of a square grid is land; metres.
Out:    density in the middle of each land cell, with kernel, bandwidth and correction, and a class whose limits are the
        same on every map, so that two maps can be compared by their colours.
Method: each incident is shared among the four nearest middles of fine bins, then the bins are convolved with the kernel
        (Silverman 1986): row by row and column by column for the Gaussian, which is the product of two, by Fourier
        transform for the quartic. At the border of the land either the density is divided by the part of the kernel's
        mass on land ("uniform"), or each incident's weight is ("spread", Diggle 1985): the first leaves an even town
        even, the second keeps the number of incidents.

A density shows where incidents are; it tests nothing (``analysis.gi_star``, ``analysis.hotspots`` do). The bandwidth is
an argument without default: chosen once per study, not once per map.
"""

import math
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage, signal

from analysis.counting import require_crs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kernel = Literal["gaussian", "quartic"]
Edge = Literal["uniform", "spread", "none"]

# Limits of the classes, incidents per km2 and year. The same for every town, type and year.
CLASS_LIMITS = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)

# Sharing an incident among bins of side b is linear interpolation of the kernel, off by at most b^2/8 times its second
# derivative along each axis: at these sides less than 0.5 % of a lone incident's peak, wherever in its bin it lies.
MOST_BIN: dict[Kernel, float] = {"gaussian": 1 / 7.5, "quartic": 1 / 16}
TAIL_SD = 5.5  # beyond it lie 4e-8 of a Gaussian


@dataclass(frozen=True)
class Ground:
    """A square grid, from its south-west corner; ``land`` (rows, cols) is the share of each cell that is land."""

    west: float
    south: float
    cell_m: float
    land: Floats

    @classmethod
    def of_cells(cls, cells: gpd.GeoDataFrame, *, cell_m: float) -> "Ground":
        """Lay the grid of the table CELLS, whose side is ``cell_m``; cells not in the table are no land."""
        row, col = (cells[name].to_numpy() for name in ("row", "col"))
        # A cell's point is its middle, or some point of its land where the middle is water: nearly all agree.
        first_row, first_col = (
            np.median(np.floor(cells[axis] / cell_m) - index) for axis, index in (("y", row), ("x", col))
        )
        land = np.zeros((row.max() + 1, col.max() + 1))
        land[row, col] = np.minimum(cells["area_m2"] / cell_m**2, 1.0)
        return cls(first_col * cell_m, first_row * cell_m, cell_m, land)


@dataclass(frozen=True)
class Density:
    """Incidents per km2 and year at the cells' middles (rows, cols), NaN off land, and what they were made with.

    ``elsewhere`` is the weight of incidents off the land, which no cell shows.
    """

    per_km2_year: Floats
    kernel: Kernel
    bandwidth_m: float
    edge: Edge
    elsewhere: float

    def classes(self) -> Ints:
        """Return the class of each cell, 0 below the first of ``CLASS_LIMITS``, -1 off land."""
        return density_class(self.per_km2_year)


def density_class(per_km2_year: Floats) -> Ints:
    """Return the class of each density: the number of ``CLASS_LIMITS`` it reaches, -1 for NaN."""
    return np.where(np.isnan(per_km2_year), -1, np.digitize(per_km2_year, CLASS_LIMITS)).astype(np.int64)


def density_cells(
    incidents: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    *,
    cell_m: float,
    years: float,
    bandwidth_m: float,
    kernel: Kernel = "gaussian",
    edge: Edge = "uniform",
) -> gpd.GeoDataFrame:
    """Return the cells with density_per_km2_year and density_class.

    Parameters
    ----------
    incidents
        Reported incidents with a usable point; ``count`` gives the incidents a row stands for.
    cells
        Table CELLS, of side ``cell_m``.
    years
        Length of the period the incidents cover.

    Raises
    ------
    CrsError
        If the two tables are in different coordinate reference systems.
    """
    require_crs(incidents, cells, name="incidents")
    found = density(
        shapely.get_coordinates(incidents.geometry.to_numpy()),
        incidents["count"].to_numpy(dtype=float),
        Ground.of_cells(cells, cell_m=cell_m),
        years=years, bandwidth_m=bandwidth_m, kernel=kernel, edge=edge,
    )  # fmt: skip
    here = found.per_km2_year[cells["row"], cells["col"]]
    return cells.assign(density_per_km2_year=here, density_class=density_class(here))


def density(
    xy: Floats,
    weight: Floats,
    ground: Ground,
    *,
    years: float,
    bandwidth_m: float,
    kernel: Kernel = "gaussian",
    edge: Edge = "uniform",
) -> Density:
    """Spread incidents over the land.

    Parameters
    ----------
    xy, weight
        Points (n, 2) in metres and the incidents each stands for (n,).
    bandwidth_m
        Standard deviation of the Gaussian, radius of the quartic kernel.
    edge
        "uniform" divides by the kernel's mass on land around the cell, "spread" around the incident; "none" lets the
        mass over the border be lost.
    """
    parts = _parts(ground.cell_m, bandwidth_m, kernel)
    bin_m = ground.cell_m / parts
    # One bin more on each side takes the shares of incidents near the border of the grid.
    land = np.pad(np.repeat(np.repeat(ground.land, parts, axis=0), parts, axis=1), 1)
    counts, elsewhere = _shared(xy, weight, land, west=ground.west - bin_m, south=ground.south - bin_m, bin_m=bin_m)
    middles = slice(1 + parts // 2, -1, parts)
    if edge == "spread":
        mass = _convolved(land, bandwidth_m / bin_m, kernel, slice(None))
        counts = np.divide(counts, mass, out=np.zeros_like(counts), where=counts > 0)
    spread = _convolved(counts, bandwidth_m / bin_m, kernel, middles)
    if edge == "uniform":
        spread /= np.maximum(_convolved(land, bandwidth_m / bin_m, kernel, middles), np.finfo(float).tiny)
    per_km2_year = np.where(ground.land > 0, spread / (bin_m**2 / 1e6) / years, np.nan)
    return Density(per_km2_year, kernel, bandwidth_m, edge, elsewhere)


def _parts(cell_m: float, bandwidth_m: float, kernel: Kernel) -> int:
    """Return in how many bins a cell's side is cut; odd, so that the middle of a cell is the middle of a bin."""
    parts = math.ceil(cell_m / (MOST_BIN[kernel] * bandwidth_m) - 1e-9)
    return max(parts + (parts + 1) % 2, 1)


def _shared(
    xy: Floats, weight: Floats, land: Floats, *, west: float, south: float, bin_m: float
) -> tuple[Floats, float]:
    """Return the weight in each bin (rows, cols), each incident shared by nearness, and the weight on no land."""
    rows, cols = land.shape
    place = (xy - (west, south)) / bin_m
    own = np.floor(place).astype(np.int64)
    col, row = np.clip(own, 0, (cols - 1, rows - 1)).T  # what lies off the grid falls on its rim, which is no land
    inside = land[row, col] > 0
    first = np.floor(place[inside] - 0.5).astype(np.int64)
    beyond = place[inside] - 0.5 - first
    shares: Floats = np.zeros(land.size)
    for east in (0, 1):
        for north in (0, 1):
            share = np.abs(1 - east - beyond[:, 0]) * np.abs(1 - north - beyond[:, 1]) * weight[inside]
            at = (first[:, 1] + north) * cols + first[:, 0] + east
            shares += np.bincount(at, share, minlength=land.size)
    return shares.reshape(land.shape), float(weight[~inside].sum())


def _convolved(values: Floats, width: float, kernel: Kernel, wanted: slice) -> Floats:
    """Return the values spread by the kernel, at the wanted rows and columns.

    ``width`` is the bandwidth in bins; the kernel's weights add up to 1.
    """
    if kernel == "gaussian":
        steps = np.arange(-math.ceil(TAIL_SD * width), math.ceil(TAIL_SD * width) + 1)
        weights = np.exp(-0.5 * (steps / width) ** 2)
        weights /= weights.sum()
        along = ndimage.correlate1d(values, weights, axis=0, mode="constant")[wanted]
        spread: Floats = ndimage.correlate1d(along, weights, axis=1, mode="constant")[:, wanted]
        return spread
    reach = math.floor(width)
    steps = np.arange(-reach, reach + 1)
    disc = np.maximum(1 - (steps[:, None] ** 2 + steps**2) / width**2, 0.0) ** 2
    rows, cols = values.shape
    spread = signal.oaconvolve(values, disc / disc.sum(), mode="full")[reach : reach + rows, reach : reach + cols]
    return np.maximum(spread[wanted, wanted], 0.0)  # the transform leaves rounding below zero
