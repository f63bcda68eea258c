"""What the two lesser wishes could come to at best: bounds for second views and for private ground.

In:     the problem, its wishes, and the plan.
Out:    no plan within the budget that guards the entrances and sees as much road as this one has more weight seen from
        two sides, or (with as much of that too) less private ground in its cameras' views.
Method: linear relaxation; x, y, z and (1) to (6) as in ``coverage``, u_i = seen from two sides.

    y_i + u_i <= sum_j a_ij x_j    all i that poles on two sides could see    (7) a second look needs a second camera
    sum_i w_i y_i >= coverage of the plan                                     (8)
    sum_i w_i u_i >= second views of the plan                                 (9) for private ground only

Refused: one row per arc of 45 degrees in place of (7), four times slower for a bound of 4.2 instead of 4.9 % (sample
town); the mixed-integer model, whose bound at 50 s of CPU (1.7 %) hangs on how busy the machine is.
"""

import highspy
import numpy as np
from scipy import sparse

from models.cameras.problem import PROVEN, Choice, Floats, Problem, undominated
from models.cameras.refine import Wishes
from models.cameras.two_sides import two_sided
from models.solver import quiet_highs


def wish_bounds(
    problem: Problem, wishes: Wishes, best: Choice, *, budget_cny: float, time_limit_s: float
) -> tuple[float, float]:
    """Return the most weight seen from two sides in per cent, and the least private ground in square metres.

    Parameters
    ----------
    best
        The plan; it satisfies all rows, so that neither bound is on the wrong side of its own figures.
    time_limit_s
        For each bound; past it the bound is the one that needs no proof (all that two sides could see, and 0).
    """
    lp = _Relaxation(problem, wishes, best, budget_cny, time_limit_s)
    second = float(problem.weight @ two_sided(problem, wishes.directions, best.chosen))
    most = lp.solve(lp.second, highspy.ObjSense.kMaximize)
    least = lp.solve(lp.private, highspy.ObjSense.kMinimize, at_least=second)
    ground = float(wishes.private_m2[best.chosen].sum())
    return problem.pct(max(most, second)), min(max(least, 0.0), ground)


class _Relaxation:
    """Columns: cameras (standing ones fixed at 1), poles, points, points that two sides could see."""

    def __init__(self, problem: Problem, wishes: Wishes, best: Choice, budget_cny: float, time_limit_s: float) -> None:
        self._time_limit_s = time_limit_s
        new, standing = undominated(problem, wishes.private_m2), np.flatnonzero(problem.stands)
        # What a hand or an exchange put into the plan stays a candidate: the plan must satisfy every row.
        new = np.union1d(new, best.chosen[~problem.stands[best.chosen]])
        every = np.concatenate([new, standing]).astype(np.int64)
        poles, on = np.unique(problem.pole[new], return_inverse=True)
        sees = sparse.csc_array(problem.sees[every])
        seen = np.flatnonzero(np.diff(sees.indptr))
        twice = np.flatnonzero(two_sided(problem, wishes.directions, every)[seen])
        weight, sees = problem.weight[seen], sees[:, seen]
        self._sizes = (len(every), len(poles), len(seen), len(twice))
        self._rows: list[sparse.csr_array] = []
        self._limits: list[tuple[Floats, Floats]] = []
        second = sparse.csr_array((np.ones(len(twice)), (twice, np.arange(len(twice)))), shape=(len(seen), len(twice)))
        pole = sparse.csr_array((np.ones(len(new)), (np.arange(len(new)), on)), shape=(len(new), len(poles)))
        camera = sparse.eye_array(len(every), format="csr")[: len(new)]
        self._add(-sees.T, None, sparse.eye_array(len(seen)), second)  # (1) (7)
        self._add(camera, -pole)  # (2)
        self._add(pole.T @ camera, -problem.max_per_pole * sparse.eye_array(len(poles)))  # (3)
        price = np.where(problem.stands[every], 0.0, problem.camera_cny[every])
        self._add(_row(price), _row(problem.pole_cny[poles]), high=budget_cny)  # (4)
        needed = problem.guardable & problem.required
        guarded = np.asarray(problem.guards[best.chosen].sum(axis=0) > 0) & needed
        self._add(sparse.csr_array(problem.guards[every].T, dtype=np.float64)[np.flatnonzero(guarded)], low=1.0)  # (6)
        covered = float(problem.weight @ problem.share(best.chosen))
        self._add(None, None, _row(weight), low=covered * (1 - PROVEN), high=np.inf)  # (8)
        self._lower = np.concatenate(
            [problem.must[every] | problem.stands[every], np.zeros(sum(self._sizes[1:]))]
        ).astype(np.float64)
        self.second = np.concatenate([np.zeros(sum(self._sizes[:3])), weight[twice]])
        self.private = np.concatenate([wishes.private_m2[every], np.zeros(sum(self._sizes[1:]))])

    def solve(self, value: Floats, sense: highspy.ObjSense, *, at_least: float = 0.0) -> float:
        """Return the best total of a value per column; ``at_least`` is (9)."""
        rows = [*self._rows, _row(self.second)]
        low = np.concatenate([*(low for low, _ in self._limits), [at_least * (1 - PROVEN)]])
        high = np.concatenate([*(high for _, high in self._limits), [np.inf]])
        matrix = sparse.csr_array(sparse.vstack(rows, format="csr"))
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.col_cost_, lp.sense_ = value, sense
        lp.col_lower_, lp.col_upper_ = self._lower, np.ones(len(value))
        lp.row_lower_, lp.row_upper_ = low, high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.num_row_, lp.a_matrix_.num_col_ = matrix.shape
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        highs = quiet_highs(time_limit=self._time_limit_s)
        highs.passModel(lp)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:  # no proof: the bound that is always true
            return float(self.second.sum()) if sense == highspy.ObjSense.kMaximize else 0.0
        return float(highs.getInfo().objective_function_value)

    def _add(self, *blocks: sparse.sparray | None, low: float = -np.inf, high: float = 0.0) -> None:
        height = next(block.shape[0] for block in blocks if block is not None)
        filled = [*blocks, *[None] * (4 - len(blocks))]
        parts = [
            sparse.csr_array((height, size)) if block is None else block
            for block, size in zip(filled, self._sizes, strict=True)
        ]
        self._rows.append(sparse.csr_array(sparse.hstack(parts, format="csr")))
        self._limits.append((np.full(height, low), np.full(height, np.inf if low > -np.inf else high)))


def _row(values: Floats) -> sparse.csr_array:
    return sparse.csr_array(values[None, :])
