"""Balance a map of many units and shorten its ways: units change zone across borders, zones stay whole.

In:     a ``CityProblem``, its zones and their posts.
Out:    the same number of connected zones in the band (if that was reached), and ways no single move shortens.
Method: a unit i moves from zone a to a zone b it touches, if a stays connected and the energy falls:

            E = Σ w_i·d_ij + μ/(2W)·Σ_z (load_z − W)²        first, with μ rising until all loads are in the band:
                                                             work runs from full to empty zones through those between
            E = Σ w_i·d_ij, loads kept in the band           then

        Whether a stays connected without i is mostly told by i's own surroundings: its neighbours in a must be joined
        by their neighbours; only where they are not is the zone walked.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import dijkstra

from models.districting.city_problem import CityProblem, members_of
from models.districting.problem import Ints

PRESSURES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)  # μ, in mean minutes to the post
SWEEPS = 12  # over all borders, at most, for each pressure
RINGS = 6  # steps a border may wander before the zones are settled anew


@dataclass(frozen=True)
class Bordered:
    """Zones after the moves; ``outside`` is load outside the band."""

    zone: Ints
    outside: float


def settle_borders(ground: CityProblem, zone: Ints, posts: Ints, *, rng: np.random.Generator) -> Bordered:
    """Bring the loads into the band, then shorten the ways inside it."""
    borders = _Borders(ground, zone, posts)
    for pressure in PRESSURES:
        if borders.outside() == 0:
            break
        for _ in range(SWEEPS):
            if not borders.sweep(pressure * borders.mean_min, rng=rng) or borders.outside() == 0:
                break
    if borders.outside() == 0:
        for _ in range(SWEEPS):
            if not borders.sweep(None, rng=rng):
                break
    return Bordered(np.array(borders.zone, dtype=np.int64), borders.outside())


class _Borders:
    """Zones as lists, for many small moves."""

    def __init__(self, ground: CityProblem, zone: Ints, posts: Ints) -> None:
        self.ground, self.near = ground, ground.neighbours
        self.zone: list[int] = zone.tolist()
        self.posts = set(posts.tolist())
        self.work: list[float] = ground.load.tolist()
        self.total: list[float] = np.bincount(zone, weights=ground.load, minlength=len(posts)).tolist()
        self.ways = _ways_nearby(ground, zone, posts)
        own = np.array([self.ways[z].get(i, 0.0) for i, z in enumerate(self.zone)])
        self.mean_min = max(float(own @ ground.load / ground.load.sum()), ground.longest_step / 10)
        self.low, self.high, self.mean = ground.lowest, ground.highest, ground.mean_load

    def outside(self) -> float:
        """Return the load outside the band."""
        return sum(max(load - self.high, 0.0) + max(self.low - load, 0.0) for load in self.total)

    def sweep(self, pressure: float | None, *, rng: np.random.Generator) -> int:
        """Try every unit on a border once, in random order; return how many moved."""
        edges = self.ground.walk_min
        zone = np.array(self.zone)
        differs = np.add.reduceat(
            np.append(zone[edges.indices] != np.repeat(zone, np.diff(edges.indptr)), False),
            edges.indptr[:-1],
        ) * (np.diff(edges.indptr) > 0)
        return sum(self._move(i, pressure) for i in rng.permutation(np.flatnonzero(differs)).tolist())

    def _move(self, i: int, pressure: float | None) -> bool:
        """Move unit i to the neighbouring zone that lowers the energy most, if one does."""
        a = self.zone[i]
        if i in self.posts:
            return False
        best, least = -1, -1e-9
        for b in {self.zone[j] for j in self.near[i]} - {a}:
            change = self._change(i, a, b, pressure)
            if change < least:
                best, least = b, change
        if best < 0 or not self._stays_whole(i, a):
            return False
        self.zone[i] = best
        self.total[a] -= self.work[i]
        self.total[best] += self.work[i]
        return True

    def _change(self, i: int, a: int, b: int, pressure: float | None) -> float:
        work = self.work[i]
        change = work * (self.ways[b].get(i, math.inf) - self.ways[a].get(i, math.inf))
        if pressure is None:
            fits = self.total[a] - work >= self.low and self.total[b] + work <= self.high
            return change if fits else math.inf
        return change + pressure * work * (self.total[b] - self.total[a] + work) / self.mean

    def _stays_whole(self, i: int, a: int) -> bool:
        around = [j for j in self.near[i] if self.zone[j] == a]
        if len(around) <= 1:
            return bool(around)  # a zone's last unit stays
        close = set(around)
        for j in around:
            close.update(m for m in self.near[j] if m != i and self.zone[m] == a)
        return self._joins(around, close, i) or self._joins(around, None, i)

    def _joins(self, wanted: list[int], inside: set[int] | None, without: int) -> bool:
        """Tell whether units of one zone reach each other within it (or within a set), not through ``without``."""
        zone, a = self.zone, self.zone[without]
        seen, edge, left = {wanted[0], without}, [wanted[0]], set(wanted[1:])
        while edge and left:
            for m in self.near[edge.pop()]:
                if m not in seen and zone[m] == a and (inside is None or m in inside):
                    seen.add(m)
                    edge.append(m)
                    left.discard(m)
        return not left


def _ways_nearby(ground: CityProblem, zone: Ints, posts: Ints) -> list[dict[int, float]]:
    """Return the minutes from each post to the units of its zone and to those some steps around it."""
    found = []
    for units, post in zip(members_of(zone, len(posts)), posts.tolist(), strict=True):
        around = _widened(ground, units)
        ways = dijkstra(ground.walk_min[around][:, around], indices=int(np.searchsorted(around, post)))
        found.append(dict(zip(around.tolist(), ways.tolist(), strict=True)))
    return found


def _widened(ground: CityProblem, units: Ints) -> Ints:
    """Return the units and those within some steps of them, sorted."""
    steps = ground.walk_min
    inside = np.zeros(ground.size, dtype=bool)
    inside[units] = True
    edge = units
    for _ in range(RINGS):
        reached = np.concatenate([steps.indices[steps.indptr[i] : steps.indptr[i + 1]] for i in edge.tolist()])
        edge = np.unique(reached[~inside[reached]])
        if len(edge) == 0:
            break
        inside[edge] = True
    return np.flatnonzero(inside)
