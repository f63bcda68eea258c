"""What chance alone would pile up, if incidents fell at random on what there is for them to fall on.

In:     incident points with weights, the land, points of opportunity (houses, roads, places), a kernel bandwidth.
Out:    a grid of expected incidents (the null), the piles that random redraws of it form, and how unusual each is.
Method: opportunity as a mixture fitted by EM; its level from a ratio of two Gaussian kernel surfaces, as relative-risk
        surfaces are made (Kelsall & Diggle 1995); excess by Kulldorff's (1997) likelihood ratio; piles by DBSCAN's own
        rule, worked on a fine grid because a redraw has no better resolution than its surface and a grid costs about
        the same for a town and for a city.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage, special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELLS_PER_EPS = 6  # discs on such a grid are true in area to 0.1 % (radius eps) and 3 % (half of it)
THRESHOLD_STEP = 1.25  # each next threshold asks for a quarter more incidents
LEAST_OPEN_LAND = 0.01
EM_ROUNDS = 100


@dataclass(frozen=True)
class PileRule:
    """What counts as a pile: places with enough incidents within ``eps_m``, joined while ``eps_m`` apart.

    A pile is the ground within half of ``eps_m`` of such places, if no wider than ``max_area_km2``. The lowest
    threshold is ``min_count``; higher ones find the tight piles inside wide ones.
    """

    eps_m: float
    min_count: int
    max_area_km2: float

    def thresholds(self, most: float) -> Iterator[int]:
        """Yield the thresholds that some place reaches, where no place has more than ``most`` incidents around it."""
        threshold = self.min_count
        while threshold <= most:
            yield threshold
            threshold = math.ceil(threshold * THRESHOLD_STEP)


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
        """Return values per cell spread by a Gaussian kernel; what falls off the grid is lost."""
        spread: Floats = ndimage.gaussian_filter(values, bandwidth_m / self.cell_m, mode="constant")
        return spread

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
    """Expected incidents per grid cell under the null; they add up to the incidents observed."""

    grid: Grid
    expected: Floats

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
        cells = grid.cells_of(xy)
        o = opportunity_surface(cells, weight, grid, opportunity, detail_m=detail_m)
        incidents: Floats = np.bincount(cells, weight, minlength=o.size).reshape(o.shape).astype(np.float64)
        level = grid.smooth(incidents, bandwidth_m) / np.maximum(grid.smooth(o, bandwidth_m), np.finfo(float).tiny)
        return cls(grid, o * level * (weight.sum() / (o * level).sum()))

    @cached_property
    def total(self) -> int:
        """Number of incidents."""
        return round(float(self.expected.sum()))

    @cached_property
    def _steps(self) -> tuple[Ints, Floats]:
        cells = np.flatnonzero(self.expected.ravel())
        steps = np.cumsum(self.expected.ravel()[cells])
        return cells, steps / steps[-1]

    def redraw(self, rng: np.random.Generator) -> Ints:
        """Return counts per cell (flat) of as many incidents, thrown anew over the surface."""
        cells, steps = self._steps
        thrown = cells[np.minimum(np.searchsorted(steps, rng.random(self.total)), len(cells) - 1)]
        return np.bincount(thrown, minlength=self.expected.size)

    def inside(self, area: shapely.Geometry) -> float:
        """Return the expected incidents inside ``area``."""
        columns, rows = (
            slice(max(int((low - start) / self.grid.cell_m), 0), int((high - start) / self.grid.cell_m) + 1)
            for low, high, start in zip(
                area.bounds[:2], area.bounds[2:], (self.grid.west, self.grid.south), strict=True
            )
        )
        part = self.expected[rows, columns]
        x = self.grid.west + (np.arange(part.shape[1]) + columns.start + 0.5) * self.grid.cell_m
        y = self.grid.south + (np.arange(part.shape[0]) + rows.start + 0.5) * self.grid.cell_m
        return float(part[shapely.contains_xy(area, *np.meshgrid(x, y))].sum())


def excess(count: Any, expected: Any, total: float) -> Any:  # noqa: ANN401 - a number or an array
    """Return Kulldorff's log likelihood ratio of a pile; 0 where it holds no more than expected."""
    c, mu = np.asarray(count, dtype=float), np.asarray(expected, dtype=float)
    inside = special.xlogy(c, np.divide(c, mu, out=np.full(c.shape, np.inf), where=mu > 0))
    rest = np.maximum(total - mu, 1e-12)
    outside = special.xlogy(total - c, (total - c) / rest)
    return np.where(c > mu, inside + outside, 0.0)


def chance_piles(
    surface: ChanceSurface,
    rule: PileRule,
    *,
    simulations: int,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> list[Floats]:
    """Return, for each random redraw of the surface, the excess of every pile that formed."""
    found = []
    for done in range(simulations):
        piles = grid_piles(surface.redraw(rng), surface.expected.ravel(), surface.grid, rule)
        found.append(np.concatenate([np.empty(0), *(excess(*pile, surface.total) for pile in piles)]))
        progress((done + 1) / simulations)
    return found


def grid_piles(counts: Ints, expected: Floats, grid: Grid, rule: PileRule) -> Iterator[tuple[Floats, Floats]]:
    """Find the piles of counts on the grid and yield (counts, expected) of those that form at each threshold."""
    near, half = grid.disc(rule.eps_m), grid.disc(rule.eps_m / 2)
    width_limit = rule.max_area_km2 * 1e6 / grid.cell_m**2
    cells = np.flatnonzero(counts)
    neighbours = counts[cells[:, None] + near].sum(axis=1)
    for threshold in rule.thresholds(neighbours.max(initial=0)):
        cells, neighbours = cells[neighbours >= threshold], neighbours[neighbours >= threshold]
        ground = np.zeros(grid.on_land.shape, dtype=bool)
        ground.ravel()[cells[:, None] + half] = True
        label = ndimage.label(ground, structure=np.ones((3, 3)))[0].ravel()
        covered = np.flatnonzero(label)
        pile = label[covered]
        narrow = np.flatnonzero(np.bincount(pile) <= width_limit)[1:]  # pile 0 is the ground outside, of no cells
        sums = (np.bincount(pile, values[covered]).astype(np.float64)[narrow] for values in (counts, expected))
        yield next(sums), next(sums)
