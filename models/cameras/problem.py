"""The choice of cameras as sets: which camera sees and guards what, what it costs, and what a selection is worth.

In:     yes/no and share matrices made by the geometry (``scene``), prices, weights.
Out:    ``Problem`` and the arithmetic of a selection: price, weight seen, what each camera alone brings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

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
    sees
        Share of the time that camera j sees point i: 1 for a fixed camera, less for one that turns (PTZ). Shares add
        up to 1 at most.
    guards
        Yes/no matrix j x e.
    weight
        What point i counts.
    camera_cny, pole_cny
        Price of camera j without its pole, and of pole s.
    pole
        The pole of camera j.
    stands
        Whether camera j stands already and works: taken, at no price.
    must
        Whether camera j was placed by hand: taken, at its price.
    required
        Which entrances must be guarded where some candidate can: all but those released by hand.
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
    must: Bools
    required: Bools
    max_per_pole: int

    @property
    def guardable(self) -> Bools:
        """Tell which entrances some candidate guards."""
        return np.asarray(self.guards.sum(axis=0) > 0)

    def cost_cny(self, chosen: Ints) -> float:
        """Return the price of cameras with their poles; those that stand are free."""
        new = chosen[~self.stands[chosen]]
        return float(self.camera_cny[new].sum() + self.pole_cny[np.unique(self.pole[new])].sum())

    def share(self, chosen: Ints) -> Floats:
        """Return for each point the share of the time that the cameras see it."""
        return np.minimum(np.asarray(self.sees[chosen].sum(axis=0), dtype=np.float64), 1.0)

    def seen(self, chosen: Ints) -> Bools:
        """Tell which points the cameras see all the time."""
        return np.asarray(self.share(chosen) >= 1 - PROVEN)

    def share_pct(self, chosen: Ints) -> float:
        """Return the weight that the cameras see, in per cent of all weight."""
        return self.pct(float(self.weight @ self.share(chosen)))

    def pct(self, weight: float) -> float:
        """Return a weight in per cent of all weight; 0 where nothing has any."""
        total = float(self.weight.sum())
        return 100 * weight / total if total > 0 else 0.0


@dataclass(frozen=True)
class Choice:
    """Cameras taken (rows of the problem, standing ones included), with the proof.

    ``objective`` and ``bound`` are per cent of all weight for coverage and second views, yuan for the cordon, and
    square metres for private ground.
    """

    chosen: Ints
    objective: float
    bound: float
    ended_by: EndedBy


def lost_weight(problem: Problem, chosen: Ints) -> Floats:
    """Return for each chosen camera the weight that would go unseen without it."""
    part = sparse.csr_array(problem.sees[chosen], dtype=np.float64)
    total = np.asarray(part.sum(axis=0))
    pairs = part.tocoo()
    camera, point = pairs.coords
    loss = np.minimum(total[point], 1.0) - np.minimum(total[point] - pairs.data, 1.0)
    return np.bincount(camera, problem.weight[point] * loss, minlength=len(chosen)).astype(np.float64)


def lost_entrances(problem: Problem, chosen: Ints) -> Ints:
    """Return for each chosen camera the number of entrances that would go unguarded without it."""
    part = problem.guards[chosen].astype(np.int64)
    return np.asarray(part @ (np.asarray(part.sum(axis=0)) == 1).astype(np.int64))


def without_idle(problem: Problem, chosen: Ints) -> Ints:
    """Drop new cameras one by one that neither weight nor an entrance needs (an optimum may hold spare ones)."""
    while True:
        idle = (lost_weight(problem, chosen) <= PROVEN) & (lost_entrances(problem, chosen) == 0)
        idle &= ~(problem.stands | problem.must)[chosen]
        if not idle.any():
            return chosen
        dearest = np.argmax(np.where(idle, problem.camera_cny[chosen], -1))
        chosen = np.delete(chosen, dearest)


def undominated(problem: Problem, burden: Floats | None = None) -> Ints:
    """Return the new cameras that no other camera on their own pole replaces at no higher price.

    Parameters
    ----------
    burden
        What else a camera costs (private ground in view); the one that replaces must not burden more.
    """
    both = sparse.hstack([problem.sees, problem.guards], format="csr").astype(np.float64)
    rows = np.flatnonzero(~problem.stands & ((np.diff(both.indptr) > 0) | problem.must))
    order = rows[np.argsort(problem.pole[rows], kind="stable")]
    weighs = [problem.camera_cny] if burden is None else [problem.camera_cny, burden]
    kept = []
    for group in np.split(order, np.flatnonzero(np.diff(problem.pole[order])) + 1):
        part = both[group]
        part = part[:, np.unique(part.indices)].toarray()
        within = (part[:, None, :] <= part[None, :, :]).all(axis=2)  # [a, b]: b sees all that a sees
        for weigh in weighs:
            within &= weigh[group][None, :] <= weigh[group][:, None]
        first = np.arange(len(group))[None, :] < np.arange(len(group))[:, None]
        replaced = (within & (~within.T | first)).any(axis=1) & ~problem.must[group]
        kept.append(group[~replaced])
    return np.sort(np.concatenate([*kept, np.empty(0, dtype=np.int64)])).astype(np.int64)


def joined(problems: Sequence[Problem]) -> Problem:
    """Return the problem of all villages, which share nothing but the money; poles hold what the first one's hold."""
    first = np.cumsum([0, *(len(p.pole_cny) for p in problems)])
    return Problem(
        sees=sparse.csr_array(sparse.block_diag([p.sees for p in problems])),
        guards=sparse.csr_array(sparse.block_diag([p.guards for p in problems])),
        weight=np.concatenate([p.weight for p in problems]),
        camera_cny=np.concatenate([p.camera_cny for p in problems]),
        pole_cny=np.concatenate([p.pole_cny for p in problems]),
        pole=np.concatenate([p.pole + start for p, start in zip(problems, first[:-1], strict=True)]),
        stands=np.concatenate([p.stands for p in problems]),
        must=np.concatenate([p.must for p in problems]),
        required=np.concatenate([p.required for p in problems]),
        max_per_pole=problems[0].max_per_pole,
    )


def merged_rows(sees: sparse.csr_array, weight: Floats, room: Floats) -> tuple[sparse.csr_array, Floats, Floats]:
    """Join points that the same cameras see and leave out those that none sees.

    Parameters
    ----------
    sees
        Share matrix j x i.
    weight, room
        What a point counts, and what share of it standing cameras leave open; both of length i.

    Returns
    -------
    tuple
        The matrix j x row, and weight and room of each row.
    """
    columns = sees.tocsc()
    columns.sort_indices()
    filled = np.flatnonzero(np.diff(columns.indptr))
    ends = columns.indptr
    keys = [
        (columns.indices[ends[i] : ends[i + 1]].tobytes(), columns.data[ends[i] : ends[i + 1]].tobytes(), room[i])
        for i in filled
    ]
    number: dict[tuple[bytes, bytes, float], int] = {}
    row = np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)
    first = filled[np.unique(row, return_index=True)[1]]
    return columns[:, first].tocsr(), np.bincount(row, weight[filled]).astype(np.float64), room[first]
