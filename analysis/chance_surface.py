"""What chance alone would pile up, if incidents fell at random on what there is for them to fall on.

In:     incident points with weights, the land, points of opportunity (houses, roads, places), a kernel bandwidth.
Out:    a grid of expected incidents (the null), and random redraws of it.
Method: opportunity as a mixture fitted by EM; its level from a ratio of two Gaussian kernel surfaces, as relative-risk
        surfaces are made (Kelsall & Diggle 1995).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_OPEN_LAND = 0.01
EM_ROUNDS = 100
CELLS_PER_SD = 4  # a kernel is drawn on cells at most so many times finer than itself: true to 3 % of its peak


@dataclass(frozen=True)
class Grid:
    """A fine grid over the land, with a margin wide enough for every neighbourhood."""

    west: float
    south: float
    cell_m: float
    on_land: NDArray[np.bool_]

    @classmethod
    def over(cls, land: shapely.Geometry, *, cell_m: float, margin_m: float) -> "Grid":
        """Lay the grid over ``land``."""
        west, south, east, north = shapely.box(*land.bounds).buffer(margin_m).bounds
        columns, rows = (int(np.ceil(size / cell_m)) for size in (east - west, north - south))
        x, y = np.meshgrid(west + (np.arange(columns) + 0.5) * cell_m, south + (np.arange(rows) + 0.5) * cell_m)
        shapely.prepare(land)
        return cls(west, south, cell_m, shapely.contains_xy(land, x.ravel(), y.ravel()).reshape(rows, columns))

    def cells_of(self, xy: Floats) -> Ints:
        """Return the flat cell number of each point that lies on the grid."""
        rows, columns = self.on_land.shape
        column = np.floor((xy[:, 0] - self.west) / self.cell_m).astype(np.int64)
        row = np.floor((xy[:, 1] - self.south) / self.cell_m).astype(np.int64)
        cells: Ints = (row * columns + column)[(column >= 0) & (column < columns) & (row >= 0) & (row < rows)]
        return cells

    def smooth(self, values: Floats, bandwidth_m: float) -> Floats:
        """Return values per cell spread by a Gaussian kernel; what falls off the grid is lost.

        A kernel much wider than the cells is worked on blocks of cells and read between their middles.
        """
        block = max(int(bandwidth_m / self.cell_m / CELLS_PER_SD), 1)
        if block == 1:
            spread: Floats = ndimage.gaussian_filter(values, bandwidth_m / self.cell_m, mode="constant")
            return spread
        rows, columns = values.shape
        padded = np.pad(values, ((0, -rows % block), (0, -columns % block)))
        blocks = padded.reshape(len(padded) // block, block, -1, block).mean(axis=(1, 3))
        wide = ndimage.gaussian_filter(blocks, bandwidth_m / self.cell_m / block, mode="constant")
        fine: Floats = ndimage.zoom(wide, block, order=1, mode="nearest", grid_mode=True)[:rows, :columns]
        return fine

    def disc(self, radius_m: float) -> Ints:
        """Return the flat steps from a cell to all cells whose centre lies within ``radius_m``."""
        reach = int(radius_m / self.cell_m)
        row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        inside = (row**2 + column**2) * self.cell_m**2 <= radius_m**2 * (1 + 1e-9)
        steps: Ints = (row * self.on_land.shape[1] + column)[inside].astype(np.int64)
        return steps


def opportunity_surface(
    cells: Ints, weight: Floats, grid: Grid, opportunity: Sequence[Floats], *, detail_m: float
) -> Floats:
    """Mix open land and the given points (houses, roads, places) as the incidents themselves do, town-wide.

    The shares of the mixture are those under which the incidents are likeliest (EM); open land keeps a
    hundredth, so that no place on land is impossible. The surface adds up to 1.
    """
    layers = [grid.on_land.astype(float)]
    for points in opportunity:
        on_grid = np.bincount(grid.cells_of(points), minlength=grid.on_land.size).reshape(grid.on_land.shape)
        layers.append(grid.smooth(on_grid.astype(float), detail_m) * grid.on_land)
    surfaces = np.array([layer.ravel() / layer.sum() for layer in layers if layer.any()])
    here = surfaces[:, cells]
    share = np.full(len(surfaces), 1 / len(surfaces))
    for _ in range(EM_ROUNDS):
        part = share[:, None] * here
        share = (part / np.maximum(part.sum(axis=0), np.finfo(float).tiny)) @ weight
        share = np.maximum(share / share.sum(), [LEAST_OPEN_LAND] + [0.0] * (len(share) - 1))
    mixture: Floats = (share / share.sum() @ surfaces).reshape(grid.on_land.shape)
    return mixture


@dataclass(frozen=True)
class ChanceSurface:
    """Expected incidents per grid cell under the null; they add up to the incidents observed.

    ``per_level`` is what a cell expects where the surroundings are at level 1.
    """

    grid: Grid
    expected: Floats
    bandwidth_m: float
    per_level: Floats

    @classmethod
    def around(
        cls,
        xy: Floats,
        weight: Floats,
        grid: Grid,
        *,
        opportunity: Sequence[Floats],
        bandwidth_m: float,
        detail_m: float,
    ) -> "ChanceSurface":
        """Let incidents fall where there is something for them to fall on, at the level of the wider surroundings.

        expected(x) = o(x) * (K i)(x) / (K o)(x): o is the opportunity (``opportunity_surface``), i the incidents and
        K a Gaussian of ``bandwidth_m``. The same kernel above and below the line cancels at the border of the land.
        """
        o = opportunity_surface(grid.cells_of(xy), weight, grid, opportunity, detail_m=detail_m)
        per_level = o / np.maximum(grid.smooth(o, bandwidth_m), np.finfo(float).tiny)
        return cls(grid, o, bandwidth_m, per_level).at_level_of(xy, weight)

    def at_level_of(self, xy: Floats, weight: Floats) -> "ChanceSurface":
        """Return the surface of other incidents (of some months, say) on the same opportunity."""
        counts = np.bincount(self.grid.cells_of(xy), weight, minlength=self.per_level.size).astype(np.float64)
        expected = self.per_level * self.grid.smooth(counts.reshape(self.per_level.shape), self.bandwidth_m)
        scale = weight.sum() / max(float(expected.sum()), np.finfo(float).tiny)
        return ChanceSurface(self.grid, expected * scale, self.bandwidth_m, self.per_level)

    @cached_property
    def total(self) -> int:
        """Number of incidents."""
        return round(float(self.expected.sum()))

    @cached_property
    def _steps(self) -> tuple[Ints, Floats]:
        cells = np.flatnonzero(self.expected.ravel())
        steps = np.cumsum(self.expected.ravel()[cells])
        return cells, steps / steps[-1]

    def redraw(self, rng: np.random.Generator) -> Floats:
        """Return (total, 2) points: as many incidents, thrown anew over the surface, anywhere in their cells."""
        cells, steps = self._steps
        at = np.sort(rng.random(self.total))  # sorted, they are looked up three times as fast
        thrown = cells[np.minimum(np.searchsorted(steps, at), len(cells) - 1)]
        row, column = np.divmod(thrown, self.grid.on_land.shape[1])
        share = rng.random((self.total, 2))
        return np.column_stack([
            self.grid.west + (column + share[:, 0]) * self.grid.cell_m,
            self.grid.south + (row + share[:, 1]) * self.grid.cell_m,
        ])  # fmt: skip

    def recount(self, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """Return the flat cells (rising) that a redraw falls on, and its incidents in each.

        Where there are more incidents than cells each cell's number is drawn and not each incident's cell.
        """
        cells, steps = self._steps
        if self.total <= len(cells):
            found, number = np.unique(self.grid.cells_of(self.redraw(rng)), return_counts=True)
            return found, number.astype(float)
        number = rng.multinomial(self.total, np.diff(steps, prepend=0.0))
        some = np.flatnonzero(number)
        return cells[some], number[some].astype(float)

    def cells_in(self, area: shapely.Geometry) -> Ints:
        """Return the flat numbers of the grid cells whose middle lies inside ``area``."""
        columns, rows = (
            slice(max(int((low - start) / self.grid.cell_m), 0), int((high - start) / self.grid.cell_m) + 1)
            for low, high, start in zip(
                area.bounds[:2], area.bounds[2:], (self.grid.west, self.grid.south), strict=True
            )
        )
        height, width = self.expected.shape
        row, column = np.mgrid[rows.start : min(rows.stop, height), columns.start : min(columns.stop, width)]
        x, y = self.grid.west + (column + 0.5) * self.grid.cell_m, self.grid.south + (row + 0.5) * self.grid.cell_m
        cells: Ints = (row * width + column)[shapely.contains_xy(area, x, y)]
        return cells

    def inside(self, area: shapely.Geometry) -> float:
        """Return the expected incidents inside ``area``."""
        return float(self.expected.ravel()[self.cells_in(area)].sum())
