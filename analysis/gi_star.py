"""Gi*: cells around which there are more incidents, or fewer, than if all counts were dealt out anew.

In:     counts per land cell (weights, where an incident is spread over cells or hours), and who is near whom.
Out:    z, the chance of as many and the chance of as few, each also corrected for having looked at every cell.
Method: z of Getis & Ord (1992), Ord & Getis (1995). Chance by conditional permutation: a cell keeps its own count, its
        k neighbours get k of the other n - 1 counts, each set equally likely. For whole counts that law is known in
        closed form, so nothing is drawn and no seed is needed. Benjamini & Hochberg (1995) over the cells, as Caldas de
        Castro & Singer (2006) do.

Sparse counts are mostly ties. Folding the two tails into one p-value, as is usual, then calls an empty cell among
empty cells extreme; so both tails are given apart, and a tie belongs to both.

The law is conditional on the cell's own count: a lone busy cell among quiet ones is not hot here, however busy. Its
count stands beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import geopandas as gpd
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from analysis.compare import false_discovery
from analysis.counting import count_per_cell
from gis_data.errors import SchemaError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Dependence = Literal["positive", "any"]

# Sums of the same weights taken in another order differ by rounding; this part of the largest weight is still a tie.
TIE = 1e-9


class Neighbourhood(Protocol):
    """Who is near whom, all weights 1; each place is in its own neighbourhood."""

    @property
    def number(self) -> Ints:
        """Places in each neighbourhood, its own included; shape (n,)."""

    def sums(self, values: Floats) -> Floats:
        """Return the sum of the values (n,) in each neighbourhood."""


@dataclass(frozen=True)
class GridNeighbourhood:
    """Cells within ``reach`` steps, sideways or aslant, on a grid with holes: reach 1 is the queen's neighbourhood."""

    row: Ints
    col: Ints
    reach: int
    number: Ints

    @classmethod
    def of(cls, row: ArrayLike, col: ArrayLike, *, reach: int = 1) -> "GridNeighbourhood":
        """Build it from the cells' rows and columns (n,), each pair once; absent cells are no ground."""
        rows, cols = (np.asarray(x, dtype=np.int64) - np.min(x) for x in (row, col))
        bare = cls(rows, cols, reach, np.empty(0, dtype=np.int64))
        return cls(rows, cols, reach, np.rint(bare.sums(np.ones(len(rows)))).astype(np.int64))

    def sums(self, values: Floats) -> Floats:
        """Return the sum of the values (n,) in each neighbourhood: one pass along rows, one along columns."""
        ground = np.zeros((self.row.max() + 1, self.col.max() + 1))
        ground[self.row, self.col] = values
        for axis in (0, 1):
            one_way = np.moveaxis(ground, axis, 0)
            total = one_way.copy()
            for step in range(1, min(self.reach, len(one_way) - 1) + 1):
                total[step:] += one_way[:-step]
                total[:-step] += one_way[step:]
            ground = np.moveaxis(total, 0, axis)
        return ground[self.row, self.col]


@dataclass(frozen=True)
class ListedNeighbourhood:
    """Places that a matrix (n, n) of zeros and ones says are near; ones are put on its diagonal."""

    matrix: csr_array
    number: Ints

    @classmethod
    def of(cls, near: ArrayLike | csr_array) -> "ListedNeighbourhood":
        """Build it from a dense or sparse matrix; row i names the neighbours of place i."""
        matrix = csr_array(near, dtype=float)
        matrix.data[:] = 1.0
        matrix.setdiag(1.0)
        matrix.eliminate_zeros()
        return cls(matrix, np.diff(matrix.indptr).astype(np.int64))

    def sums(self, values: Floats) -> Floats:
        """Return the sum of the values (n,) in each neighbourhood."""
        total: Floats = self.matrix @ values
        return total


@dataclass(frozen=True)
class GiStar:
    """One row per cell; all arrays (n,).

    Attributes
    ----------
    around
        Sum of the counts in the neighbourhood, the cell's own included.
    number
        Cells in the neighbourhood, the cell itself included.
    z
        Getis and Ord's standard score; 0 where nothing varies. It ranks; on sparse counts it is no test.
    p_hot, p_cold
        Chance that the neighbours hold at least, and at most, as many as they do.
    q_hot, q_cold
        The same, corrected for looking at every cell: of the cells with q <= 0.10 at most a tenth are chance.
    """

    around: Floats
    number: Ints
    z: Floats
    p_hot: Floats
    p_cold: Floats
    q_hot: Floats
    q_cold: Floats

    def verdict(self, *, alpha: float = 0.10) -> NDArray[np.str_]:
        """Return "hot", "cold" or "none" for each cell, each kind's false discoveries held at ``alpha``."""
        return np.where(self.q_hot <= alpha, "hot", np.where(self.q_cold <= alpha, "cold", "none"))


def gi_star(
    count: ArrayLike, near: Neighbourhood, *, mid_p: bool = False, dependence: Dependence = "positive"
) -> GiStar:
    """Judge whole counts (n,) by the exact conditional permutation law.

    Parameters
    ----------
    mid_p
        Count half of the ties, so that p is 0.5 on average under chance; a little bolder than its name.
    dependence
        "positive" corrects by Benjamini and Hochberg (neighbouring cells share counts, so they are hot together);
        "any" by Benjamini and Yekutieli (2001), which needs no such reason and finds less.

    Raises
    ------
    SchemaError
        If a count is negative or no whole number (weights: ``gi_star_weighted``).
    """
    counts = whole(count)
    around = near.sums(counts.astype(float))
    p_hot, p_cold = exact_tails(counts, np.rint(around).astype(np.int64) - counts, near.number - 1, mid_p=mid_p)
    return judged(counts.astype(float), around, near.number, p_hot, p_cold, dependence=dependence)


def gi_star_weighted(
    weight: ArrayLike,
    near: Neighbourhood,
    *,
    draws: int = 9_999,
    rng: np.random.Generator,
    mid_p: bool = False,
    dependence: Dependence = "positive",
) -> GiStar:
    """Judge weights (n,), for example aoristic ones, by ``draws`` random deals that all cells share.

    p is never below 1 / (draws + 1); to call one cell of n hot at q by itself, n / q draws are needed.
    """
    weights = np.asarray(weight, dtype=float)
    around = near.sums(weights)
    p_hot, p_cold = sampled_tails(weights, around - weights, near.number - 1, draws=draws, rng=rng, mid_p=mid_p)
    return judged(weights, around, near.number, p_hot, p_cold, dependence=dependence)


def gi_star_cells(
    incidents: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    *,
    reach: int = 1,
    alpha: float = 0.10,
    mid_p: bool = False,
) -> gpd.GeoDataFrame:
    """Count incidents on the land cells and mark those in hot and cold surroundings.

    Parameters
    ----------
    incidents
        Reported incidents with a usable point; ``count`` gives the incidents a row stands for.
    cells
        Table CELLS, land only: cells outside the jurisdiction would change what chance means.
    reach
        Steps to the farthest neighbour; 1 is the queen's neighbourhood.
    alpha
        Share of the marked cells that may be chance.

    Returns
    -------
    geopandas.GeoDataFrame
        ``cells`` with count, around_count, around_cells, z, p_hot, p_cold, q_hot, q_cold, verdict.

    Raises
    ------
    CrsError
        If the two tables are in different coordinate reference systems.
    """
    count, _ = count_per_cell(incidents, cells)
    found = gi_star(count, GridNeighbourhood.of(cells["row"], cells["col"], reach=reach), mid_p=mid_p)
    return cells.assign(
        count=count,
        around_count=np.rint(found.around).astype(np.int64),
        around_cells=found.number,
        z=found.z,
        p_hot=found.p_hot,
        p_cold=found.p_cold,
        q_hot=found.q_hot,
        q_cold=found.q_cold,
        verdict=found.verdict(alpha=alpha),
    )


def whole(count: ArrayLike) -> Ints:
    """Return counts as integers.

    Raises
    ------
    SchemaError
        If one is negative or no whole number.
    """
    given = np.asarray(count)
    counts = np.rint(given).astype(np.int64)
    wrong = (given != counts) | (counts < 0)
    if wrong.any():
        raise SchemaError("table.values", table="count", problems=f"count: {given[wrong][0]} ∉ {{0, 1, 2, …}}")
    return counts


def judged(
    values: Floats, around: Floats, number: Ints, p_hot: Floats, p_cold: Floats, *, dependence: Dependence = "positive"
) -> GiStar:
    """Put the score and the corrected chances beside the chances of each cell."""
    # Under any dependence the correction is as many times stricter as 1 + 1/2 + ... + 1/n.
    times = 1.0 if dependence == "positive" else (1 / np.arange(1, len(values) + 1)).sum()
    q_hot, q_cold = (np.minimum(1.0, times * false_discovery(p)) for p in (p_hot, p_cold))
    return GiStar(around, number, gi_star_z(values, around, number), p_hot, p_cold, q_hot, q_cold)


def gi_star_z(values: Floats, around: Floats, number: Ints) -> Floats:
    """Return Getis and Ord's z: (sum - m W) / (s sqrt((n W - W^2) / (n - 1))), with s^2 over n; 0 where nothing varies.

    ``values`` (n,) are all values that stand for comparison, ``around`` and ``number`` the sum and size W of each
    neighbourhood.
    """
    n = len(values)
    spread = values.std() * np.sqrt(number * (n - number) / max(n - 1, 1))
    away = around - values.mean() * number
    return np.divide(away, spread, out=np.zeros(len(around)), where=spread > 0)


def exact_tails(own: Ints, others: Ints, number: Ints, *, mid_p: bool = False) -> tuple[Floats, Floats]:
    """Return the exact chances that ``number`` neighbours hold at least, and at most, ``others`` incidents.

    Parameters
    ----------
    own, others, number
        A cell's count, the sum of its neighbours' counts, how many neighbours it has; each (n,), over all n cells.
    """
    copies = np.bincount(own)
    values = np.flatnonzero(copies)
    copies = copies[values]
    draws = int(number.max())
    p_hot, p_cold = np.empty(len(own)), np.empty(len(own))
    order = np.argsort(own, kind="stable")
    ends = np.cumsum(copies)
    for index, law in laws_without_one(values, copies, draws, int(others.max()) + 2, draws / len(own)):
        mine = order[ends[index] - copies[index] : ends[index]]
        k, s = number[mine], others[mine]
        # Sums run from the far end of each tail, so that small chances keep their digits.
        at_most, at_least = law.cumsum(axis=1), law[:, ::-1].cumsum(axis=1)[:, ::-1]
        half_tie = law[k, s] / 2 if mid_p else 0.0
        p_hot[mine] = (at_least[k, s] - half_tie) / at_least[k, 0]
        p_cold[mine] = (at_most[k, s] - half_tie) / at_most[k, -1]
    return p_hot, p_cold


def laws_without_one(values: Ints, copies: Ints, draws: int, length: int, scale: float) -> Iterator[tuple[int, Floats]]:
    """Yield, for each distinct value, how many sets of the other cells have each sum: array (set size, sum).

    The numbers of sets of j cells with sum s are the coefficients of y^j t^s in the product over values v of
    (1 + y t^v)^copies. Taking one copy out by division would subtract nearly equal numbers; so the product is built for
    each value from the others, halves of the list sharing their work, and only positive numbers are ever added. Sets
    of j cells are counted in units of scale^-j, or large neighbourhoods would overflow. No cell asks for sums above the
    largest that was seen: they all stand together in the last column.
    """
    none = np.zeros((draws + 1, length))
    none[0, 0] = 1.0
    waiting = [(0, len(values), none)]
    while waiting:
        low, high, outside = waiting.pop()
        if high - low == 1:
            yield low, _with_value(outside, values[low], copies[low] - 1, scale)
            continue
        middle = (low + high) // 2
        for start, end, part in ((low, middle, range(middle, high)), (middle, high, range(low, middle))):
            law = outside
            for index in part:
                law = _with_value(law, values[index], copies[index], scale)
            waiting.append((start, end, law))


def _with_value(law: Floats, value: int, copies: int, scale: float) -> Floats:
    """Return the numbers of sets when ``copies`` more cells with this value may be chosen too."""
    draws, length = law.shape[0] - 1, law.shape[1]
    more = law.copy()
    ways = 1.0
    for chosen in range(1, min(draws, copies) + 1):
        ways *= (copies - chosen + 1) / chosen * scale
        shift = min(chosen * value, length - 1)
        more[chosen:, shift:-1] += ways * law[:-chosen, : length - 1 - shift]
        more[chosen:, -1] += ways * law[:-chosen, length - 1 - shift :].sum(axis=1)
    return more


def sampled_tails(
    own: Floats, others: Floats, number: Ints, *, draws: int, rng: np.random.Generator, mid_p: bool = False
) -> tuple[Floats, Floats]:
    """Return estimates of the same two chances for weights, from one sample of deals that all cells share.

    A deal is a random sequence of distinct cells; its first k are k random neighbours. A deal that holds the cell
    itself says nothing about that cell and is left out for it, which leaves exactly the conditional law.
    """
    most = int(number.max())
    deals = _distinct(len(own), most, draws, rng)
    sums = np.hstack([np.zeros((draws, 1)), own[deals].cumsum(axis=1)])
    slack = TIE * np.abs(own).max(initial=0.0)
    p_hot, p_cold = np.empty(len(own)), np.empty(len(own))
    for k in np.unique(number):
        mine = np.flatnonzero(number == k)
        low, high = others[mine] - slack, others[mine] + slack
        drawn = np.sort(sums[:, k])
        less, not_more = np.searchsorted(drawn, low, side="left"), np.searchsorted(drawn, high, side="right")
        deal, place = np.nonzero(number[deals[:, :k]] == k)
        itself = np.searchsorted(mine, deals[deal, place])
        its_less = np.bincount(itself, sums[deal, k] < low[itself], minlength=len(mine))
        its_not_more = np.bincount(itself, sums[deal, k] <= high[itself], minlength=len(mine))
        its_all = np.bincount(itself, minlength=len(mine))
        less, not_more, every = less - its_less, not_more - its_not_more, draws - its_all
        ties = not_more - less + 1  # the deal that was seen is one of the ties
        unseen = ties / 2 if mid_p else 0.0
        p_hot[mine] = (every - less + 1 - unseen) / (every + 1)
        p_cold[mine] = (not_more + 1 - unseen) / (every + 1)
    return p_hot, p_cold


def _distinct(n: int, k: int, draws: int, rng: np.random.Generator) -> Ints:
    """Return ``draws`` random sequences of k distinct numbers below n (Floyd's method, then shuffled)."""
    chosen = np.empty((draws, k), dtype=np.int64)
    for place in range(k):
        last = n - k + place
        number = rng.integers(0, last + 1, size=draws)
        taken = (chosen[:, :place] == number[:, None]).any(axis=1)
        chosen[:, place] = np.where(taken, last, number)
    return rng.permuted(chosen, axis=1)
