"""The best plan, proven: the model of ``problem.py`` in HiGHS, contiguity by cuts.

In:     a ``Problem``, an answer to start from (or None), the pairs still open after the bound.
Out:    the best connected answer and a proven bound; never worse than the start.
Method: solve (1)–(5); where a zone has an island C, take for every unit j that C does not touch S = the units that C
        touches and that j reaches without them (a minimal separator of C and j) and add, for every i in C,

            x_ij ≤ Σ_{s∈S} x_sj                                                (7) i may join j only through S

        then solve again (Oehrlein & Haunert 2017). Each solve leaves rules out, so its bound holds for the whole.
"""

import math
import time
from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from models.districting.problem import SAME, SLACK, Ints, Problem, broken_rules, objective, pieces, recentred
from models.solver import quiet_highs


@dataclass(frozen=True)
class Proven:
    """The best answer (None if there is none), the proven bound, and how the solver ended."""

    post: Ints | None
    bound: float
    ended_by: str  # "optimal", "time" or "infeasible"
    solves: int
    cuts: int


@dataclass
class _Cuts:
    """The rows (7) found so far: unit, post, separator."""

    rows: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)


@dataclass(frozen=True)
class AtMost:
    """A row beside the rules: of the marked pairs (unit, post) an answer uses at most so many."""

    marked: NDArray[np.bool_]  # shape (n, n)
    most: int

    def keeps(self, post: Ints) -> bool:
        """Tell whether an answer keeps the row."""
        return int(self.marked[np.arange(len(post)), post].sum()) <= self.most


def solve_exactly(
    problem: Problem, start: Ints | None, open_pairs: NDArray[np.bool_], *, time_limit_s: float, seed: int,
    at_most: AtMost | None = None,
) -> Proven:  # fmt: skip
    """Return the cheapest connected answer, or the best found and the bound reached when the time is over.

    With ``at_most`` it is the cheapest of the answers that keep that row; the start must keep it.
    """
    deadline = time.monotonic() + time_limit_s
    best, best_cost = start, math.inf if start is None else objective(problem, start)
    open_pairs = connected_pairs(problem, open_pairs)
    bound, cuts, solves = -math.inf, _first_cuts(problem, open_pairs), 0
    model = _Model(problem, open_pairs, at_most)
    while True:
        solves += 1
        left = deadline - time.monotonic()
        status, post, proven = model.solve(cuts, best, seed=seed, time_limit_s=left)
        if status == "infeasible":
            # Nothing cheaper than the start is left among the open pairs, or there is no plan at all.
            return Proven(best, best_cost, "infeasible" if best is None else "optimal", solves, len(cuts.rows))
        bound = max(bound, min(proven, best_cost))
        if proven >= best_cost * (1 - SAME):
            return Proven(best, best_cost, "optimal", solves, len(cuts.rows))
        new = _missing_cuts(problem, post, open_pairs) if post is not None else []
        if post is not None and not new:
            centred = recentred(problem, post)
            post = centred if at_most is None or at_most.keeps(centred) else post
            if broken := broken_rules(problem, post):
                raise RuntimeError(f"the solver's answer breaks: {broken}")
            if objective(problem, post) < best_cost:
                best, best_cost = post, objective(problem, post)
            if status == "optimal":
                return Proven(best, best_cost, "optimal", solves, len(cuts.rows))
        if status == "time" or time.monotonic() >= deadline:
            return Proven(best, min(bound, best_cost), "time", solves, len(cuts.rows))
        cuts.rows += new


def connected_pairs(problem: Problem, open_pairs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Close the pairs (i, j) whose unit i no walk over units open to j joins with j."""
    touching = np.zeros((problem.size, problem.size), dtype=np.float32)
    for i, near in enumerate(problem.neighbours):
        touching[i, list(near)] = 1.0
    reached = np.diag(np.diag(open_pairs))
    while True:
        wider = reached | (open_pairs & (touching @ reached.astype(np.float32) > 0))
        if (wider == reached).all():
            return reached
        reached = wider


def _first_cuts(problem: Problem, open_pairs: NDArray[np.bool_]) -> _Cuts:
    """Return the row (7) of every unit alone as an island: the commonest kind, and there is one row a pair."""
    units, posts = np.nonzero(open_pairs)
    near = problem.neighbours
    return _Cuts([(i, j, near[i]) for i, j in zip(units.tolist(), posts.tolist(), strict=True)
                  if i != j and j not in near[i]])  # fmt: skip


def _missing_cuts(
    problem: Problem, post: Ints, open_pairs: NDArray[np.bool_]
) -> list[tuple[int, int, tuple[int, ...]]]:
    """Return a row (7) for every unit of every island, for every post that the island does not touch.

    A row for the island's present post alone would let the next solve give the same island to the post beside it.
    """
    found = []
    for j in np.unique(post).tolist():
        for island in pieces(problem, np.flatnonzero(post == j)):
            if j not in island:
                found += narrowest_cuts(problem, j, np.flatnonzero(post == j), island, open_pairs[:, j])
                through = separators(problem, island)
                found += [
                    (int(i), other, rows) for other, rows in through.items() for i in island if open_pairs[i, other]
                ]
    return found


def separators(problem: Problem, island: Ints) -> dict[int, tuple[int, ...]]:
    """Return for each unit off the island a minimal set of units that every path between the two goes through.

    Units that the island touches have none.
    """
    rim = {near for i in island.tolist() for near in problem.neighbours[i]} - set(island.tolist())
    beyond = np.array([i for i in range(problem.size) if i not in rim and i not in island], dtype=np.int64)
    through: dict[int, tuple[int, ...]] = {}
    for home in pieces(problem, beyond):
        inside = set(home.tolist())
        rows = tuple(sorted(s for s in rim if inside.intersection(problem.neighbours[s])))
        through |= dict.fromkeys(home.tolist(), rows)
    return through


def narrowest_cuts(
    problem: Problem, j: int, zone: Ints, island: Ints, open_units: NDArray[np.bool_]
) -> list[tuple[int, int, tuple[int, ...]]]:
    """Return rows (7) through the fewest units that part an island from its post, for all units behind them.

    The fewest units outside the zone: a largest flow from island to post over open units, each passed once (Menger).
    Of the narrowest separators the one by the post is taken: it holds back every other island behind it too.
    """
    size, big = problem.size, problem.size
    inside = np.zeros(size, dtype=bool)
    inside[zone] = True
    usable = np.flatnonzero(open_units | inside)
    enter, leave = 2 * np.arange(size), 2 * np.arange(size) + 1
    arcs = [(enter[s], leave[s], big if inside[s] else 1) for s in usable.tolist()]
    arcs += [(leave[a], enter[b], big) for a in usable.tolist() for b in problem.neighbours[a]
             if open_units[b] or inside[b]]  # fmt: skip
    start = 2 * size
    arcs += [(start, enter[i], big) for i in island.tolist()]
    rows, ends, room = (np.array(column, dtype=np.int32) for column in zip(*arcs, strict=True))
    graph = csr_array((room, (rows, ends)), shape=(start + 1, start + 1))
    flow = maximum_flow(graph, start, int(enter[j])).flow
    left = graph - flow
    left.data[left.data < 0] = 0
    left.eliminate_zeros()
    # What can still send flow to the post lies on the post's side.
    near = np.zeros(start + 1, dtype=bool)
    near[breadth_first_order(left.T.tocsr(), int(enter[j]), directed=True, return_predecessors=False)] = True
    through = tuple(int(s) for s in usable if near[leave[s]] and not near[enter[s]])
    behind = [int(i) for i in usable if not near[enter[i]] and not near[leave[i]]]
    return [(i, j, through) for i in behind]


class _Model:
    """The rows (2)–(5) over the open pairs; loads are divided by W so that the solver's tolerance is ours."""

    def __init__(self, problem: Problem, open_pairs: NDArray[np.bool_], at_most: AtMost | None) -> None:
        self.problem, self.at_most = problem, at_most
        allowed = open_pairs & np.isfinite(problem.travel_min)
        self.unit, self.post = np.nonzero(allowed)
        self.column = np.full((problem.size, problem.size), -1, dtype=np.int64)
        self.column[self.unit, self.post] = np.arange(len(self.unit))
        self.scale = max(float(problem.cost[self.unit, self.post].sum()) / max(len(self.unit), 1), 1e-9)

    def solve(
        self, cuts: _Cuts, start: Ints | None, *, seed: int, time_limit_s: float
    ) -> tuple[str, Ints | None, float]:
        """Return how the solver ended, the answer it holds (if any) and its bound."""
        if time_limit_s <= 0:
            return "time", None, -math.inf
        solver = self._solver(cuts, seed=seed, time_limit_s=time_limit_s)
        if start is not None and not self._warm(solver, start):
            # The start lies outside the open pairs, so HiGHS does not know what it has to beat.
            limit = objective(self.problem, start) * (1 - SAME) / self.scale
            columns = np.arange(len(self.unit), dtype=np.int32)
            solver.addRow(-math.inf, limit, len(columns), columns, self.problem.cost[self.unit, self.post] / self.scale)
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return "infeasible", None, math.inf
        ended = {
            highspy.HighsModelStatus.kOptimal: "optimal",
            highspy.HighsModelStatus.kTimeLimit: "time",
        }
        if status not in ended:
            raise RuntimeError(f"HiGHS ended with {solver.modelStatusToString(status)}")
        info = solver.getInfo()
        holds = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        post = self._read(solver.getSolution().col_value) if holds else None
        return ended[status], post, info.mip_dual_bound * self.scale

    def _solver(self, cuts: _Cuts, *, seed: int, time_limit_s: float) -> highspy.Highs:
        solver = quiet_highs(
            random_seed=seed % 2**31,
            time_limit=time_limit_s,
            mip_rel_gap=0.0,
            mip_abs_gap=1e-9,
            mip_feasibility_tolerance=SLACK / 10,
        )
        if solver.passModel(self._programme(cuts)) == highspy.HighsStatus.kError:
            raise RuntimeError("HiGHS refused the model")
        return solver

    def _programme(self, cuts: _Cuts) -> highspy.HighsLp:
        problem, pairs = self.problem, len(self.unit)
        n, load = problem.size, problem.load / problem.mean_load
        own = self.column[np.arange(n), np.arange(n)]
        posts = np.flatnonzero(own >= 0)
        rows = _Rows(pairs)
        rows.add(self.unit, np.arange(pairs), np.ones(pairs), n, 1.0, 1.0)  # (2)
        apart = np.flatnonzero(self.unit != self.post)
        line = np.arange(len(apart))
        rows.add(
            np.concatenate([line, line]), np.concatenate([apart, own[self.post[apart]]]),
            np.concatenate([np.ones(len(apart)), -np.ones(len(apart))]), len(apart), -math.inf, 0.0,
        )  # (3)  # fmt: skip
        rows.add(np.zeros(len(posts), dtype=np.int64), own[posts], np.ones(len(posts)), 1, problem.count, problem.count)
        place = np.searchsorted(posts, self.post)
        if math.isfinite(problem.limits[1]):
            least, most = (limit / problem.mean_load for limit in problem.limits)
            for limit, low, high in ((most, -math.inf, 0.0), (least, 0.0, math.inf)):
                value = load[self.unit].copy()  # (5)
                value[own[posts]] -= limit
                rows.add(place, np.arange(pairs), value, len(posts), low, high)
        for i, j, through in cuts.rows:  # (7)
            if self.column[i, j] >= 0:
                inner = [self.column[s, j] for s in through if self.column[s, j] >= 0]
                rows.add(
                    np.zeros(1 + len(inner), dtype=np.int64), np.array([self.column[i, j], *inner]),
                    np.array([1.0, *[-1.0] * len(inner)]), 1, -math.inf, 0.0,
                )  # fmt: skip
        if self.at_most is not None:
            marked = np.flatnonzero(self.at_most.marked[self.unit, self.post])
            line = np.zeros(len(marked), dtype=np.int64)
            rows.add(line, marked, np.ones(len(marked)), 1, -math.inf, self.at_most.most)
        return rows.programme(problem.cost[self.unit, self.post] / self.scale)  # (1)

    def _warm(self, solver: highspy.Highs, start: Ints) -> bool:
        """Give the solver the start, if all its pairs are open; tell whether they are."""
        values = np.zeros(len(self.unit))
        columns = self.column[np.arange(self.problem.size), start]
        if (columns < 0).any():
            return False
        values[columns] = 1.0
        solution = highspy.HighsSolution()
        solution.col_value = values.tolist()
        solver.setSolution(solution)
        return True

    def _read(self, values: list[float]) -> Ints:
        chosen = np.array(values) > 0.5
        post = np.full(self.problem.size, -1, dtype=np.int64)
        post[self.unit[chosen]] = self.post[chosen]
        return post


class _Rows:
    """Rows of a programme, gathered block by block."""

    def __init__(self, columns: int) -> None:
        self.columns, self.count = columns, 0
        self.line: list[NDArray[np.int64]] = []
        self.column: list[NDArray[np.int64]] = []
        self.value: list[NDArray[np.float64]] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, line: Ints, column: Ints, value: NDArray[np.float64], count: int, low: float, high: float) -> None:
        """Add a block of ``count`` rows with equal limits; ``line`` counts from the block's first row."""
        self.line.append(line + self.count)
        self.column.append(column)
        self.value.append(value)
        self.low += [low] * count
        self.high += [high] * count
        self.count += count

    def programme(self, cost: NDArray[np.float64]) -> highspy.HighsLp:
        """Return the programme in the solver's form, all columns binary."""
        entries = (np.concatenate(self.line), np.concatenate(self.column))
        matrix = coo_array((np.concatenate(self.value), entries), shape=(self.count, self.columns)).tocsr()
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.columns, self.count
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(self.columns), np.ones(self.columns)
        lp.row_lower_, lp.row_upper_ = np.array(self.low), np.array(self.high)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = self.columns, self.count
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        lp.integrality_ = [highspy.HighsVarType.kInteger] * self.columns
        return lp
