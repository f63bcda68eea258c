"""Piles: ground that holds more incidents than expected there, found by one rule in records and in random redraws.

In:     incidents (points in metres, weights) and the chance surface they are held against.
Out:    each pile's incidents, expected incidents and grid cells; how unusual it is; what redraws of the surface form.
Method: DBSCAN's own rule worked on a fine grid, because a redraw has no better resolution than its surface, at rising
        thresholds; excess by Kulldorff's (1997) likelihood ratio; p family-wise over all piles of a redraw.

A draw costs time by its incidents and not by the ground, which is mostly empty: the arrays over the grid are kept.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special
from scipy.sparse import csgraph

from analysis.chance_surface import ChanceSurface, Floats, Ints
from gis_data.progress import Share

CELLS_PER_EPS = 6  # discs on such a grid are true in area to 0.1 % (radius eps) and 3 % (half of it)
THRESHOLD_STEP = 1.25  # each next threshold asks for a quarter more incidents
CELLS_AT_ONCE = 50_000


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
class Piles:
    """The piles of one draw: incidents and expected incidents (piles,), flat grid cells of each."""

    count: Floats
    expected: Floats
    cells: list[Ints]


class Finder(Protocol):
    """A rule that finds piles, the same in records, redraws and resamples."""

    surface: ChanceSurface

    def find(self, xy: Floats, weight: Floats) -> Piles:
        """Return the piles that incidents ``weight`` (n,) at the points ``xy`` (n, 2) form."""
        ...

    def find_by_chance(self, rng: np.random.Generator) -> Piles:
        """Return the piles of one redraw of the surface."""
        ...


class GridFinder:
    """Finds piles by ``PileRule`` on the grid of a surface whose cells are a sixth of ``eps_m`` wide."""

    def __init__(self, surface: ChanceSurface, rule: PileRule) -> None:
        self.surface, self.rule = surface, rule
        grid = surface.grid
        self._near, self._half = grid.disc(rule.eps_m), grid.disc(rule.eps_m / 2)
        self._runs = np.split(self._near, np.flatnonzero(np.diff(self._near) > 1) + 1)
        self._most_cells = rule.max_area_km2 * 1e6 / grid.cell_m**2
        self._expected = surface.expected.ravel()
        self._counts = np.zeros(grid.on_land.size)
        self._ground = np.zeros(grid.on_land.size, dtype=bool)
        self._index = np.zeros(grid.on_land.size, dtype=np.int64)

    def find(self, xy: Floats, weight: Floats) -> Piles:
        """Return the piles of every threshold, the lowest first."""
        cells, at = np.unique(self.surface.grid.cells_of(xy), return_inverse=True)
        return self._find(cells, np.bincount(at, weight, minlength=len(cells)).astype(float))

    def find_by_chance(self, rng: np.random.Generator) -> Piles:
        """Return the piles of one redraw, which falls on cells at once."""
        return self._find(*self.surface.recount(rng))

    def _find(self, cells: Ints, count: Floats) -> Piles:
        self._counts[cells] = count
        around = self._around(cells)
        found = [
            pile
            for threshold in self.rule.thresholds(around.max(initial=0.0))
            for pile in self._at(cells[around >= threshold])
        ]
        self._counts[cells] = 0.0
        held, expected, ground = zip(*found, strict=True) if found else ((), (), ())
        return Piles(np.array(held, dtype=float), np.array(expected, dtype=float), list(ground))

    def _around(self, cells: Ints) -> Floats:
        """Return the incidents within eps of each cell: looked up one by one or, in a full city, by running sums."""
        if len(cells) * len(self._near) < self._counts.size:
            steps = (cells[at : at + CELLS_AT_ONCE, None] + self._near for at in range(0, len(cells), CELLS_AT_ONCE))
            return np.concatenate([np.empty(0), *(self._counts[near].sum(axis=1) for near in steps)])
        upto = np.concatenate([[0.0], np.cumsum(self._counts)])
        around = np.zeros(len(cells))
        for run in self._runs:
            around += upto[cells + run[-1] + 1] - upto[cells + run[0]]
        return around

    def _at(self, core: Ints) -> Iterator[tuple[float, float, Ints]]:
        """Yield count, expected and cells of each pile around the core cells of one threshold."""
        self._ground[core[:, None] + self._half] = True
        low, high = core[0] + self._half[0], core[-1] + self._half[-1] + 1
        covered = np.flatnonzero(self._ground[low:high]) + low
        self._index[covered] = np.arange(len(covered))
        pile = self._pieces(covered) if len(core) > 1 else np.zeros(len(covered), dtype=np.int64)
        self._ground[covered] = False
        size = np.bincount(pile)
        order = np.argsort(pile, kind="stable")
        for cells in np.split(covered[order], np.cumsum(size)[:-1]):
            if len(cells) <= self._most_cells:
                yield float(self._counts[cells].sum()), float(self._expected[cells].sum()), cells

    def _pieces(self, covered: Ints) -> Ints:
        """Return the number of the piece of each covered cell; cells that touch, by a corner too, are of one."""
        columns = self.surface.grid.on_land.shape[1]
        pairs = []
        for step in (1, columns - 1, columns, columns + 1):
            one = np.flatnonzero(self._ground[covered + step])
            pairs.append((one, self._index[covered[one] + step]))
        row, column = (np.concatenate(side) for side in zip(*pairs, strict=True))
        touching = sparse.coo_array((np.ones(len(row), np.int8), (row, column)), shape=(len(covered),) * 2)
        pieces: Ints = csgraph.connected_components(touching, directed=False)[1].astype(np.int64)
        return pieces


def excess(count: Any, expected: Any, total: float) -> Any:  # noqa: ANN401 - a number or an array
    """Return Kulldorff's log likelihood ratio of a pile; 0 where it holds no more than expected."""
    c, mu = np.asarray(count, dtype=float), np.asarray(expected, dtype=float)
    inside = special.xlogy(c, np.divide(c, mu, out=np.full(c.shape, np.inf), where=mu > 0))
    rest = np.maximum(total - mu, 1e-12)
    outside = special.xlogy(total - c, (total - c) / rest)
    return np.where(c > mu, inside + outside, 0.0)


def most_unusual(likelihood: Floats, inside: Sequence[NDArray[np.int64]]) -> list[int]:
    """Return the piles to report: the most unusual first, then each that shares nothing with those before."""
    taken: set[int] = set()
    kept = []
    for i in np.argsort(-likelihood, kind="stable"):
        if taken.isdisjoint(inside[i].tolist()):
            taken.update(inside[i].tolist())
            kept.append(int(i))
    return kept


@dataclass(frozen=True)
class Chance:
    """What redraws of the surface formed: the excess of each one's most unusual pile (draws,), and of every pile."""

    largest: Floats
    every: Floats

    def p_value(self, likelihood: Floats) -> Floats:
        """Return the family-wise p-value of each likelihood (m,): the share of redraws with any pile as unusual."""
        p_value: Floats = (1 + (self.largest >= likelihood[:, None]).sum(axis=1)) / (len(self.largest) + 1)
        return p_value

    def piles_a_draw(self, likelihood: Floats) -> Floats:
        """Return for each likelihood (m,) how many piles as unusual one redraw forms on average."""
        often: Floats = (self.every >= likelihood[:, None]).sum(axis=1) / max(len(self.largest), 1)
        return often


def by_chance(finder: Finder, *, simulations: int, rng: np.random.Generator, progress: Share) -> Chance:
    """Find piles in random redraws of the finder's surface."""
    found = []
    for done in range(simulations):
        piles = finder.find_by_chance(rng)
        found.append(excess(piles.count, piles.expected, finder.surface.total))
        progress((done + 1) / simulations)
    largest = np.array([one.max(initial=0.0) for one in found])
    return Chance(largest, np.concatenate([np.empty(0), *found]))
