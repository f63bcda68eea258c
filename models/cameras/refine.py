"""The last two wishes of the camera plan: a second view from another side, then less private ground.

In:     the plan with most coverage, where poles and points are, private ground per candidate.
Out:    a plan at least as good by the sum of coverage and wishes, no dearer, with the same entrances guarded.
Method: worth = weight seen + 0.05 weight seen from two sides - p * private ground, p making the private ground of the
        plan with most coverage worth 0.1 % of its coverage. One camera after the other is exchanged for the candidate
        of its village that raises the worth most, until no exchange does. (As one model with formula (7) of
        ``coverage`` on the sample town it took twenty times as long and gained 0.1 points of second views; on twenty
        drawn villages it found nothing better in nine seconds.)
"""

import dataclasses

import numpy as np

from models.cameras.problem import PROVEN, Choice, Floats, Ints, Problem, undominated
from models.cameras.two_sides import Directions, are_apart, two_sided

SECOND_VIEW = 0.05
PRIVATE = 0.001
TRIED = 8
MOST_ROUNDS = 5


@dataclasses.dataclass(frozen=True)
class Wishes:
    """Where poles and points are, private ground per candidate in square metres, the village of each candidate."""

    directions: Directions
    private_m2: Floats
    village: Ints


def refine(problem: Problem, wishes: Wishes, best: Choice, *, budget_cny: float) -> Choice:
    """Exchange cameras while that raises the worth; ``objective`` is the coverage, ``bound`` stays that of ``best``."""
    per_m2 = price_of_ground(problem, wishes, best.chosen)
    candidates = undominated(problem, wishes.private_m2)
    of_village = {int(k): candidates[wishes.village[candidates] == k] for k in np.unique(wishes.village[candidates])}
    state = _State(problem, wishes, per_m2, list(best.chosen))
    for _ in range(MOST_ROUNDS):
        improved = False
        for camera in list(state.chosen):
            if problem.stands[camera] or problem.must[camera]:
                continue
            improved |= state.exchange(int(camera), of_village[int(wishes.village[camera])], budget_cny)
        if not improved:
            break
    chosen = np.sort(np.array(state.chosen, dtype=np.int64))
    return dataclasses.replace(best, chosen=chosen, objective=problem.share_pct(chosen))


def price_of_ground(problem: Problem, wishes: Wishes, chosen: Ints) -> float:
    """Return what a square metre of private ground costs in weight, by the plan with most coverage."""
    ground = float(wishes.private_m2[chosen].sum())
    return PRIVATE * float(problem.weight @ problem.share(chosen)) / ground if ground > 0 else 0.0


def worth(problem: Problem, wishes: Wishes, chosen: Ints, per_m2: float) -> float:
    """Return weight seen plus wishes."""
    second = float(problem.weight @ two_sided(problem, wishes.directions, chosen))
    seen = float(problem.weight @ problem.share(chosen))
    return seen + SECOND_VIEW * second - per_m2 * float(wishes.private_m2[chosen].sum())


class _State:
    """A plan with, for every point, the cameras that see it: what one exchange changes is read off a few points."""

    def __init__(self, problem: Problem, wishes: Wishes, per_m2: float, chosen: list[int]) -> None:
        self.problem, self.wishes, self.per_m2 = problem, wishes, per_m2
        self.chosen = [int(camera) for camera in chosen]
        self._total = np.asarray(problem.sees[self.chosen].sum(axis=0), dtype=np.float64)
        self._guards = np.asarray(problem.guards[self.chosen].sum(axis=0), dtype=np.int64)
        self._on_pole = np.bincount(problem.pole[self.chosen], minlength=len(problem.pole_cny))
        self._sides: dict[int, list[tuple[int, float]]] = {}
        for camera in self.chosen:
            self._look(camera)

    def exchange(self, camera: int, candidates: Ints, budget_cny: float) -> bool:
        """Replace a camera by the candidate that raises the worth most, or by none where it brings nothing itself."""
        self._remove(camera)
        needed = (self._guards == 0) & (self.problem.guards[[camera]].toarray()[0] > 0)
        others = self.problem.cost_cny(np.array(self.chosen, dtype=np.int64))
        gain = self._gain(candidates)
        allowed = ~np.isin(candidates, self.chosen)
        allowed &= self._price(candidates) + others <= budget_cny + PROVEN
        allowed &= self._on_pole[self.problem.pole[candidates]] < self.problem.max_per_pole
        if needed.any():
            allowed &= (
                np.asarray((self.problem.guards[candidates][:, np.flatnonzero(needed)] > 0).sum(axis=1)) == needed.sum()
            )
        gain = np.where(allowed, gain, -np.inf)
        first = np.argsort(-gain, kind="stable")[:TRIED]
        tried = [camera, *(int(candidates[k]) for k in first if np.isfinite(gain[k]))]
        value = [float(self._gain(np.array([c]))[0]) + SECOND_VIEW * self._second(c) for c in tried]
        if max(value) <= PROVEN and not needed.any():
            return True
        chosen = tried[int(np.argmax(value))] if max(value) > value[0] + PROVEN else camera
        self._add(chosen)
        return chosen != camera

    def _gain(self, cameras: Ints) -> Floats:
        """Return what each camera adds: new weight less its private ground."""
        rows = self.problem.sees[cameras].tocsr()
        room = np.maximum(1.0 - self._total, 0.0)
        new = np.minimum(rows.data, room[rows.indices]) * self.problem.weight[rows.indices]
        camera = np.repeat(np.arange(len(cameras)), np.diff(rows.indptr))
        weight = np.bincount(camera, new, minlength=len(cameras))
        return np.asarray(weight - self.per_m2 * self.wishes.private_m2[cameras], dtype=np.float64)

    def _price(self, cameras: Ints) -> Floats:
        pole = self.problem.pole[cameras]
        paid = np.isin(pole, self.problem.pole[[c for c in self.chosen if not self.problem.stands[c]]])
        return np.asarray(self.problem.camera_cny[cameras] + np.where(paid, 0.0, self.problem.pole_cny[pole]))

    def _second(self, camera: int) -> float:
        """Return the weight that the camera would bring into sight from a second side."""
        gained = 0.0
        for point, bearing in self._bearings(camera):
            sides = [side for _, side in self._sides.get(point, [])]
            if sides and not are_apart(sides) and are_apart([*sides, bearing]):
                gained += float(self.problem.weight[point])
        return gained

    def _bearings(self, camera: int) -> list[tuple[int, float]]:
        row = self.problem.sees[[camera]].tocoo()
        point = row.coords[1][row.data >= 1 - PROVEN]
        bearing = self.wishes.directions.bearing_deg(np.full(len(point), self.problem.pole[camera]), point)
        return list(zip(point.tolist(), bearing.tolist(), strict=True))

    def _look(self, camera: int) -> None:
        for point, bearing in self._bearings(camera):
            self._sides.setdefault(point, []).append((camera, bearing))

    def _add(self, camera: int) -> None:
        self.chosen.append(camera)
        self._shift(camera, 1)
        self._look(camera)

    def _remove(self, camera: int) -> None:
        self.chosen.remove(camera)
        self._shift(camera, -1)
        for point, _ in self._bearings(camera):
            self._sides[point] = [side for side in self._sides[point] if side[0] != camera]

    def _shift(self, camera: int, step: int) -> None:
        sees, guards = self.problem.sees[[camera]].tocoo(), self.problem.guards[[camera]].tocoo()
        self._total[sees.coords[1]] += step * sees.data
        self._guards[guards.coords[1]] += step
        self._on_pole[self.problem.pole[camera]] += step
