"""The mixed-integer model behind the camera plan, on HiGHS.

In:     a ``Problem`` and the candidates that are not dominated.
Out:    which candidates are taken, with HiGHS's bound. Columns: x (cameras), z (poles), y (points); the
        formulas (1) to (6) stand in ``coverage``.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from models.cameras.problem import PROVEN, Bools, EndedBy, Floats, Ints, Problem, merged_rows
from models.solver import quiet_highs


@dataclass(frozen=True)
class Solved:
    """Candidates taken, the solver's bound on the objective, and what ended the search."""

    taken: Bools
    bound: float
    ended_by: EndedBy


class Model:
    """The model over candidates; add what must hold, then solve for the best total of any value per column."""

    def __init__(self, problem: Problem, candidates: Ints, *, with_points: bool) -> None:
        standing = np.flatnonzero(problem.stands)
        share = problem.share(standing)
        self.standing_weight = float(problem.weight @ share)
        self._guards, self._guarded = problem.guards[candidates], np.asarray(problem.guards[standing].sum(axis=0) > 0)
        self._required = problem.guardable & problem.required
        poles, self._pole = np.unique(problem.pole[candidates], return_inverse=True)
        open_points = np.flatnonzero(share < 1 - PROVEN) if with_points else np.empty(0, dtype=np.int64)
        sees, row_weight, room = merged_rows(
            problem.sees[candidates][:, open_points], problem.weight[open_points], 1.0 - share[open_points]
        )
        self._sees = sees.astype(np.float64)
        self._sizes = [len(candidates), len(poles), len(row_weight)]
        self._upper = np.concatenate([np.ones(len(candidates) + len(poles)), room])
        self._must = problem.must[candidates].astype(np.float64)
        self.price = np.concatenate([problem.camera_cny[candidates], problem.pole_cny[poles], np.zeros(len(room))])
        self.weight = np.concatenate([np.zeros(len(candidates) + len(poles)), row_weight])
        self._rows: list[list[sparse.sparray | None]] = []
        self._limits: list[tuple[Floats, Floats]] = []
        self._start: Floats | None = None
        self._link(problem.max_per_pole)

    def limit(self, value: Floats, *, low: float = -np.inf, high: float = np.inf) -> None:
        """Hold the total of a value per column within limits: the budget (4), or what must be kept."""
        self._add(*self._blocks(value), low=low, high=high)

    def require_cordon(self) -> None:
        """Add one row per entrance that must and can be guarded and is not yet (6)."""
        wanted = np.flatnonzero(self._required & ~self._guarded)
        self._add(self._guards[:, wanted].T.astype(np.float64), low=1.0, high=np.inf)

    def per_camera(self, value: Floats) -> Floats:
        """Return a value per candidate as a value per column."""
        return np.concatenate([value, np.zeros(sum(self._sizes[1:]))])

    def start_from(self, taken: Bools) -> None:
        """Give the search a plan that is known to satisfy every row."""
        x = taken.astype(np.float64)
        y = np.minimum(self._sees.T @ x, self._upper[sum(self._sizes[:2]) : sum(self._sizes[:3])])
        self._start = np.concatenate([x, np.asarray(self._on_pole().T @ x > 0, dtype=np.float64), y])

    def solve(self, value: Floats, *, maximise: bool, gap: float, time_limit_s: float) -> Solved | None:
        """Solve for the best total of ``value``; None when no plan exists or none was found in time."""
        if self._sizes[0] == 0:
            possible = all((low <= 0).all() for low, _ in self._limits)
            return Solved(np.zeros(0, dtype=bool), 0.0, "optimal") if possible else None
        highs = quiet_highs(mip_rel_gap=gap, time_limit=time_limit_s)
        highs.passModel(self._lp(value, maximise=maximise))
        if self._start is not None:
            start = highspy.HighsSolution()
            start.col_value = self._start.tolist()
            highs.setSolution(start)
        highs.run()
        return self._read(highs)

    def relaxed(self, value: Floats, *, maximise: bool) -> float | None:
        """Return the best total of ``value`` when cameras may be taken in parts: a bound; None when nothing fits."""
        if self._sizes[0] == 0:
            return 0.0
        highs = quiet_highs(solve_relaxation=True)
        highs.passModel(self._lp(value, maximise=maximise))
        highs.run()
        optimal = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return float(highs.getInfo().objective_function_value) if optimal else None

    def _link(self, max_per_pole: int) -> None:
        own = self._on_pole()
        self._add(-self._sees.T, None, sparse.eye_array(self._sizes[2]))  # (1)
        self._add(sparse.eye_array(self._sizes[0]), -own)  # (2)
        self._add(own.T, -max_per_pole * sparse.eye_array(self._sizes[1]))  # (3)

    def _on_pole(self) -> sparse.csr_array:
        cameras, poles = self._sizes[:2]
        return sparse.csr_array((np.ones(cameras), (np.arange(cameras), self._pole)), shape=(cameras, poles))

    def _blocks(self, value: Floats) -> list[sparse.sparray | None]:
        ends = np.cumsum(self._sizes)
        return [sparse.csr_array(part[None, :]) if part.any() else None for part in np.split(value, ends[:-1])]

    def _add(self, *blocks: sparse.sparray | None, low: float = -np.inf, high: float = 0.0) -> None:
        if all(block is None for block in blocks):
            return
        height = next(block.shape[0] for block in blocks if block is not None)
        self._rows.append(list(blocks))
        self._limits.append((np.full(height, low), np.full(height, high)))

    def _matrix(self) -> sparse.csr_array:
        """Put the blocks side by side, with empty ones where a row says nothing of a kind of column."""
        whole = []
        for blocks in self._rows:
            height = next(block.shape[0] for block in blocks if block is not None)
            filled = [*blocks, *[None] * (3 - len(blocks))]
            parts = [
                sparse.csr_array((height, size)) if block is None else block
                for block, size in zip(filled, self._sizes, strict=True)
            ]
            whole.append(sparse.hstack(parts, format="csr"))
        return sparse.csr_array(sparse.vstack(whole, format="csr"), dtype=np.float64)

    def _lp(self, value: Floats, *, maximise: bool) -> highspy.HighsLp:
        matrix = self._matrix()
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.col_cost_ = value
        lp.col_lower_, lp.col_upper_ = self.per_camera(self._must), self._upper
        lp.row_lower_ = np.concatenate([low for low, _ in self._limits])
        lp.row_upper_ = np.concatenate([high for _, high in self._limits])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.num_row_, lp.a_matrix_.num_col_ = matrix.shape
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        whole, part = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        lp.integrality_ = [whole] * sum(self._sizes[:2]) + [part] * sum(self._sizes[2:])
        lp.sense_ = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
        return lp

    def _read(self, highs: highspy.Highs) -> Solved | None:
        """Read the answer; the model status is checked because a solve that never ran also has «values»."""
        status, info = highs.getModelStatus(), highs.getInfo()
        out_of_time = status == highspy.HighsModelStatus.kTimeLimit
        if status != highspy.HighsModelStatus.kOptimal and not out_of_time:
            return None
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        taken = np.array(highs.getSolution().col_value[: self._sizes[0]]) > 0.5
        proven: EndedBy = "optimal" if info.mip_gap <= PROVEN else "gap"
        return Solved(taken, float(info.mip_dual_bound), "time" if out_of_time else proven)
