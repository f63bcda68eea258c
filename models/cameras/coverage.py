"""Which cameras to put up: the cheapest cordon, then the most weighted coverage within one budget, proven.

In:     ``Problem``: what each candidate camera sees and guards, what it and its pole cost, what each point weighs.
Out:    ``Choice``: the cameras taken, what they cover, and the bound that no plan within the budget can beat.
Method: maximal covering location (Church & ReVelle 1974) with poles, for all villages in one model, on HiGHS.

    max  sum_i w_i y_i                             (1) weight seen
    s.t. y_i <= sum_{j sees i} x_j     all i       (2) a point counts when some camera sees it
         x_j <= z_s                    j on s      (3) a camera needs its pole
         sum_{j on s} x_j <= M z_s     all s       (4) no more than M cameras on a pole
         sum_j c_j x_j + sum_s f_s z_s <= B        (5) budget
         sum_{j guards e} x_j >= 1     all e       (6) the cordon: every entrance that a candidate can guard
         x, z in {0, 1}, 0 <= y <= 1               (7) y comes out whole by itself

The cheapest cordon is min (5) s.t. (3), (4), (6). Reductions are exact: points seen by the same cameras are one row;
a camera that sees no more than another on the SAME pole at no lower price is left out (across poles the pole's price
and (4) would make that wrong). Refused: a curve per village and a knapsack, 12 times slower and 1.2 % worse.
"""

from dataclasses import dataclass
from typing import Literal

import highspy
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from gis_data.errors import InfeasibleError
from models.solver import quiet_highs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
EndedBy = Literal["optimal", "gap", "time"]
PROVEN = 1e-6


@dataclass(frozen=True)
class Problem:
    """Candidate cameras j on poles s, points i and entrances e.

    Attributes
    ----------
    sees, guards
        Yes/no matrices j x i and j x e.
    weight
        What point i counts.
    camera_cny, pole_cny
        Price of camera j without its pole, and of pole s.
    pole
        The pole of camera j.
    stands
        Whether camera j stands already and works: taken, at no price.
    max_per_pole
        Most new cameras on one pole.
    """

    sees: sparse.csr_array
    guards: sparse.csr_array
    weight: Floats
    camera_cny: Floats
    pole_cny: Floats
    pole: Ints
    stands: Bools
    max_per_pole: int

    @property
    def guardable(self) -> Bools:
        """Tell which entrances some candidate guards."""
        return np.asarray(self.guards.sum(axis=0) > 0)

    def cost_cny(self, chosen: Ints) -> float:
        """Return the price of cameras with their poles; standing cameras are free."""
        new = chosen[~self.stands[chosen]]
        return float(self.camera_cny[new].sum() + self.pole_cny[np.unique(self.pole[new])].sum())

    def seen(self, chosen: Ints) -> Bools:
        """Tell which points the cameras see."""
        return np.asarray(self.sees[chosen].sum(axis=0) > 0)

    def share_pct(self, chosen: Ints) -> float:
        """Return the weight that the cameras see, in per cent of all weight."""
        return self._pct(float(self.weight[self.seen(chosen)].sum()))

    def _pct(self, weight: float) -> float:
        total = float(self.weight.sum())
        return 100 * weight / total if total > 0 else 0.0


@dataclass(frozen=True)
class Choice:
    """Cameras taken (rows of the problem, standing ones included), with the proof.

    ``objective`` and ``bound`` are per cent of all weight for coverage, yuan for the cordon.
    """

    chosen: Ints
    objective: float
    bound: float
    ended_by: EndedBy


def cheapest_cordon(problem: Problem, *, time_limit_s: float) -> Choice:
    """Return the cheapest cameras that guard every guardable entrance.

    Raises
    ------
    InfeasibleError
        If the limit of cameras per pole leaves an entrance unguarded.
    """
    candidates = undominated(problem)
    model = _Model(problem, candidates, with_points=False)
    model.require_cordon()
    solved = model.solve(model.price, maximise=False, gap=PROVEN, time_limit_s=time_limit_s)
    if solved is None:
        raise InfeasibleError("cameras.cordon_poles", limit=problem.max_per_pole)
    chosen = _with_standing(problem, candidates[solved.taken])
    return Choice(chosen, problem.cost_cny(chosen), solved.bound, solved.ended_by)


def most_covered(
    problem: Problem,
    *,
    budget_cny: float,
    gap: float,
    time_limit_s: float,
    cordon: Choice | None = None,
    start: Choice | None = None,
) -> Choice:
    """Return the cameras within the budget that see most weight; with ``cordon``, all its entrances stay guarded.

    The answer is never worse than ``start``, a choice known to be within the budget.

    Raises
    ------
    InfeasibleError
        If the budget is smaller than the price of the cordon.
    """
    if cordon is not None and cordon.objective > budget_cny + PROVEN:
        raise InfeasibleError("cameras.budget", budget=f"{budget_cny:,.0f}", least=f"{cordon.objective:,.0f}")
    candidates = undominated(problem)
    model = _Model(problem, candidates, with_points=True)
    model.limit(model.price, budget_cny)
    if cordon is not None:
        model.require_cordon()
    known = start or cordon
    if known is not None:
        model.start_from(np.isin(candidates, known.chosen))
    solved = model.solve(model.weight, maximise=True, gap=gap, time_limit_s=time_limit_s)
    if solved is None:
        raise InfeasibleError("cameras.no_answer", seconds=f"{time_limit_s:.0f}")
    chosen = without_idle(problem, _with_standing(problem, candidates[solved.taken]))
    objective = problem.share_pct(chosen)
    bound = max(problem._pct(model.standing_weight + solved.bound), objective)
    return Choice(chosen, objective, bound, solved.ended_by)


def lost_weight(problem: Problem, chosen: Ints) -> Floats:
    """Return for each chosen camera the weight that would go unseen without it."""
    part = problem.sees[chosen].astype(np.int64)
    only = problem.weight * (np.asarray(part.sum(axis=0)) == 1)
    return np.asarray(part @ only)


def lost_entrances(problem: Problem, chosen: Ints) -> Ints:
    """Return for each chosen camera the number of entrances that would go unguarded without it."""
    part = problem.guards[chosen].astype(np.int64)
    return np.asarray(part @ (np.asarray(part.sum(axis=0)) == 1).astype(np.int64))


def without_idle(problem: Problem, chosen: Ints) -> Ints:
    """Drop new cameras one by one that neither weight nor an entrance needs (an optimum may hold spare ones)."""
    while True:
        idle = (lost_weight(problem, chosen) <= PROVEN) & (lost_entrances(problem, chosen) == 0)
        idle &= ~problem.stands[chosen]
        if not idle.any():
            return chosen
        dearest = np.argmax(np.where(idle, problem.camera_cny[chosen], -1))
        chosen = np.delete(chosen, dearest)


def undominated(problem: Problem) -> Ints:
    """Return the new cameras that no other camera on their own pole replaces at no higher price."""
    both = sparse.hstack([problem.sees, problem.guards], format="csr")
    kept = []
    rows = np.flatnonzero(~problem.stands & (np.diff(both.indptr) > 0))
    order = rows[np.argsort(problem.pole[rows], kind="stable")]
    for group in np.split(order, np.flatnonzero(np.diff(problem.pole[order])) + 1):
        part = both[group].astype(np.int32)
        common = (part @ part.T).toarray()
        size, price = common.diagonal(), problem.camera_cny[group]
        within = (common == size[:, None]) & (price[None, :] <= price[:, None])  # [a, b]: b replaces a
        first = np.arange(len(group))[None, :] < np.arange(len(group))[:, None]
        replaced = (within & (~within.T | first)).any(axis=1)
        kept.append(group[~replaced])
    return np.sort(np.concatenate([*kept, np.empty(0, dtype=np.int64)])).astype(np.int64)


def merged_rows(sees: sparse.csr_array, weight: Floats) -> tuple[sparse.csr_array, Floats]:
    """Join points that the same cameras see and leave out those that none sees: matrix j x row, weight of each row."""
    columns = sees.tocsc()
    columns.sort_indices()
    filled = np.flatnonzero(np.diff(columns.indptr))
    keys = [columns.indices[columns.indptr[i] : columns.indptr[i + 1]].tobytes() for i in filled]
    row, _ = pd.factorize(np.array(keys, dtype=object))
    first = filled[np.unique(row, return_index=True)[1]]
    return columns[:, first].tocsr(), np.bincount(row, weight[filled]).astype(np.float64)


@dataclass(frozen=True)
class _Solved:
    taken: Bools
    bound: float
    ended_by: EndedBy


class _Model:
    """The mixed-integer model over the candidates that are not dominated; columns are x, then z, then y."""

    def __init__(self, problem: Problem, candidates: Ints, *, with_points: bool) -> None:
        standing = np.flatnonzero(problem.stands)
        seen, guarded = problem.seen(standing), np.asarray(problem.guards[standing].sum(axis=0) > 0)
        self.standing_weight = float(problem.weight[seen].sum())
        self._guards = problem.guards[candidates][:, np.flatnonzero(problem.guardable & ~guarded)]
        poles, self._pole = np.unique(problem.pole[candidates], return_inverse=True)
        open_points = np.flatnonzero(~seen) if with_points else np.empty(0, dtype=np.int64)
        sees, row_weight = merged_rows(problem.sees[candidates][:, open_points], problem.weight[open_points])
        self._x, self._z, self._y = len(candidates), len(poles), len(row_weight)
        self.price = np.concatenate([problem.camera_cny[candidates], problem.pole_cny[poles], np.zeros(self._y)])
        self.weight = np.concatenate([np.zeros(self._x + self._z), row_weight])
        self._rows: list[sparse.csr_array] = []
        self._low: list[Floats] = []
        self._high: list[Floats] = []
        self._start: Floats | None = None
        self._link(sees.astype(np.float64), problem.max_per_pole)

    def _link(self, sees: sparse.csr_array, max_per_pole: int) -> None:
        one, own = sparse.eye_array(self._x), self._on_pole()
        none_y = sparse.csr_array((self._x, self._y))
        self._add(sparse.hstack([-sees.T, sparse.csr_array((self._y, self._z)), sparse.eye_array(self._y)]))  # (2)
        self._add(sparse.hstack([one, -own, none_y]))  # (3)
        cap = [own.T, -max_per_pole * sparse.eye_array(self._z), sparse.csr_array((self._z, self._y))]
        self._add(sparse.hstack(cap))  # (4)

    def _on_pole(self) -> sparse.csr_array:
        return sparse.csr_array((np.ones(self._x), (np.arange(self._x), self._pole)), shape=(self._x, self._z))

    def _add(self, rows: sparse.sparray, *, low: float = -np.inf, high: float = 0.0) -> None:
        self._rows.append(sparse.csr_array(rows, dtype=np.float64))
        self._low.append(np.full(rows.shape[0], low))
        self._high.append(np.full(rows.shape[0], high))

    def limit(self, price: Floats, budget_cny: float) -> None:
        """Add the budget (5)."""
        self._add(sparse.csr_array(price[None, :]), high=budget_cny)

    def require_cordon(self) -> None:
        """Add one row per entrance that can be guarded and is not yet (6)."""
        rest = sparse.csr_array((self._guards.shape[1], self._z + self._y))
        self._add(sparse.hstack([self._guards.T.astype(np.float64), rest]), low=1.0, high=np.inf)

    def start_from(self, taken: Bools) -> None:
        """Give the search a plan that is known to satisfy every row."""
        x = taken.astype(np.float64)
        pole_up, seen = self._on_pole().T @ x > 0, -self._rows[0][:, : self._x] @ x > 0
        self._start = np.concatenate([x, pole_up, seen])

    def solve(self, value: Floats, *, maximise: bool, gap: float, time_limit_s: float) -> _Solved | None:
        """Solve for the best total of ``value``; None when no plan exists or none was found in time."""
        if self._x == 0:
            possible = all((low <= 0).all() for low in self._low)
            return _Solved(np.zeros(0, dtype=bool), 0.0, "optimal") if possible else None
        highs = quiet_highs(mip_rel_gap=gap, time_limit=time_limit_s)
        highs.passModel(self._lp(value, maximise=maximise))
        if self._start is not None:
            start = highspy.HighsSolution()
            start.col_value = self._start.tolist()
            highs.setSolution(start)
        highs.run()
        return self._read(highs)

    def _lp(self, value: Floats, *, maximise: bool) -> highspy.HighsLp:
        matrix = sparse.vstack(self._rows, format="csr")
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.col_cost_ = value
        lp.col_lower_, lp.col_upper_ = np.zeros(len(value)), np.ones(len(value))
        lp.row_lower_, lp.row_upper_ = np.concatenate(self._low), np.concatenate(self._high)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.num_row_, lp.a_matrix_.num_col_ = matrix.shape
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        whole, part = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        lp.integrality_ = [whole] * (self._x + self._z) + [part] * self._y
        lp.sense_ = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
        return lp

    def _read(self, highs: highspy.Highs) -> _Solved | None:
        """Read the answer; the model status is checked because a solve that never ran also has «values»."""
        status, info = highs.getModelStatus(), highs.getInfo()
        out_of_time = status == highspy.HighsModelStatus.kTimeLimit
        if status != highspy.HighsModelStatus.kOptimal and not out_of_time:
            return None
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        taken = np.array(highs.getSolution().col_value[: self._x]) > 0.5
        proven: EndedBy = "optimal" if info.mip_gap <= PROVEN else "gap"
        return _Solved(taken, float(info.mip_dual_bound), "time" if out_of_time else proven)


def _with_standing(problem: Problem, new: Ints) -> Ints:
    return np.union1d(np.flatnonzero(problem.stands), new).astype(np.int64)
