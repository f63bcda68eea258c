"""Zones of whole villages: all that hold one post, keep the load band, are connected, and cost little at given prices.

In:     a ``Problem``, a post j, the units open to it, prices u_i of the units (minutes of work).
Out:    zones, with the value below which none is missing.
Method: 1. ``knapsack`` gives the least value with which the first t units (nearest first) can fill a zone from any
           load.
        2. From the farthest unit on each is taken or left; what cannot end within the limit is dropped at once, and so
           is a taken unit none of whose neighbours was taken. Every few units all sets are walked at once.
        All zones with V ≤ limit are found so: the columns of a set partitioning (Garfinkel & Nemhauser 1970;
        enumeration under a gap: Baldacci, Christofides & Mingozzi 2008).
        3. A zone beside which some piece of ground is left that makes no whole number of zones is in no plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.districting.knapsack import Knapsack
from models.districting.problem import Bools, Floats, Ints, Problem

Words = NDArray[np.uint64]
WORD = 64
LOOK_EVERY, WORTH_A_LOOK = 4, 500  # units between looks for islands; sets that are worth one


@dataclass(frozen=True)
class Zones:
    """Zones: which units each holds, shape (m, n), where its post stands, and c(S) = Σ_{i∈S} c_ij."""

    members: Bools
    post: Ints
    cost: Floats

    def __len__(self) -> int:
        return len(self.post)

    def only(self, which: Ints | Bools) -> "Zones":
        """Return some of the zones."""
        return Zones(self.members[which], self.post[which], self.cost[which])

    def with_others(self, *others: "Zones") -> "Zones":
        """Return these and others, every set of units once, with the post at which it costs least."""
        every = joined((self, *others))
        order = np.lexsort((every.post, every.cost))
        packed = np.ascontiguousarray(np.packbits(every.members[order], axis=1))
        _, first = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_index=True)
        return every.only(np.sort(order[first]))


def joined(every: Sequence[Zones]) -> Zones:
    """Return zones one list after the other."""
    members, post, cost = (np.concatenate([getattr(zones, name) for zones in every])
                           for name in ("members", "post", "cost"))  # fmt: skip
    return Zones(members, post, cost)


def no_zones(size: int) -> Zones:
    """Return no zone of a ground of some units."""
    return Zones(np.zeros((0, size), dtype=bool), np.zeros(0, dtype=np.int64), np.zeros(0))


def zones_of(problem: Problem, post: Ints) -> Zones:
    """Return the zones of an answer."""
    posts = np.unique(post)
    members = post[None, :] == posts[:, None]
    return Zones(members, posts, np.array([problem.cost[m, j].sum() for m, j in zip(members, posts, strict=True)]))


def sums(members: Bools, weight: Floats) -> Floats:
    """Return the weight of the units that each line marks: eight marks are a byte that looks its sum up.

    Five times as quick as numpy's product of a table of marks and numbers.
    """
    packed, marks = np.packbits(members, axis=1), np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    of_byte = np.pad(weight, (0, -len(weight) % 8)).reshape(-1, 8) @ marks.T
    total = np.zeros(len(members))
    for column, known in enumerate(of_byte):
        total += known[packed[:, column]]
    return total


def leave_whole_zones(problem: Problem, zones: Zones) -> Bools:
    """Tell beside which zones every connected piece of the other ground makes a whole number of zones.

    A line for each unit, a bit for each zone: one piece of each zone's rest is walked at a time, 64 rests at once.
    """
    usable, every = np.ones(len(zones), dtype=bool), np.arange(len(zones))
    left, fewest = ~zones.members, np.zeros(len(zones))
    while len(every):
        piece = _first_pieces(problem, left)
        load = sums(piece, problem.load)
        count = np.maximum(np.ceil(load / problem.highest - 1e-9), 1.0)
        fewest[every] += np.where(load > 0, count, 0.0)
        usable[every] &= (load >= count * problem.lowest - 1e-9 * problem.mean_load) | ~piece.any(axis=1)
        usable[every] &= fewest[every] <= problem.count - 1
        left &= ~piece
        more = usable[every] & left.any(axis=1)
        every, left = every[more], left[more]
    return usable


def _first_pieces(problem: Problem, ground: Bools) -> Bools:
    """Return of every line, some units each, the connected piece that holds its first unit."""
    held = np.packbits(np.ascontiguousarray(ground.T), axis=1)
    lines = np.ascontiguousarray(np.pad(held, ((0, 0), (0, -held.shape[1] % 8)))).view(np.uint64)
    reached, begun = np.zeros_like(lines), np.zeros_like(lines[0])
    for i in range(problem.size):
        reached[i] = lines[i] & ~begun
        begun |= lines[i]
    near = [list(units) for units in problem.neighbours]
    while True:
        before = reached.copy()
        for i in (*range(problem.size), *reversed(range(problem.size))):
            if near[i]:
                reached[i] |= lines[i] & np.bitwise_or.reduce(reached[near[i]], axis=0)
        if (reached == before).all():
            break
    return np.unpackbits(reached.view(np.uint8), axis=1)[:, : len(ground)].T.view(np.bool_)


@dataclass(frozen=True)
class Below:
    """The zones found, their values, and the value below which none is missing."""

    zones: Zones
    value: Floats
    complete_to: float


class ZonesOfPost(Knapsack):
    """The zones of one post, at any prices."""

    def __init__(self, problem: Problem, j: int, open_units: Bools) -> None:
        super().__init__(problem, j, open_units)
        self._mark_neighbours()

    def _mark_neighbours(self) -> None:
        """Note who touches whom, and after which unit a taken one must have a taken neighbour."""
        count, place = len(self.near), {int(i): t for t, i in enumerate(self.near.tolist())}
        self.words = max(1, -(-count // WORD))
        self.bit = np.zeros((count, self.words), dtype=np.uint64)
        self.touches = np.zeros((count, self.words), dtype=np.uint64)
        self.beside: list[list[int]] = []
        self.by_post = np.zeros(count, dtype=bool)
        self.judged_after: dict[int, list[int]] = {}
        for t, i in enumerate(self.near.tolist()):
            self.bit[t, t // WORD] = np.uint64(1) << np.uint64(t % WORD)
            self.beside.append([place[m] for m in self.problem.neighbours[i] if m in place])
            for s in self.beside[t]:
                self.touches[t, s // WORD] |= np.uint64(1) << np.uint64(s % WORD)
            self.by_post[t] = self.j in self.problem.neighbours[i]
            if not self.by_post[t]:
                self.judged_after.setdefault(min([*self.beside[t], t]), []).append(t)

    def below(self, u: Floats, tables: list[Floats], limit: float, *, most: int, all_or_none: bool = False) -> Below:
        """Return the connected zones with V ≤ limit; of more than ``most`` unfinished ones the cheapest, or none."""
        gains, complete_to = self.gains(u), limit
        taken, value, load = np.zeros((1, self.words), np.uint64), np.array([-u[self.j]]), np.array([self.own])
        for t in range(len(self.near) - 1, -1, -1):
            rest, step = tables[t], self.steps[t]
            left = np.flatnonzero(value + rest[load] <= limit)
            more = np.flatnonzero(load + step < len(rest))
            more = more[value[more] + gains[t] + rest[load[more] + step] <= limit]
            taken = np.concatenate([taken[left], taken[more] | self.bit[t]])
            value = np.concatenate([value[left], value[more] + gains[t]])
            load = np.concatenate([load[left], load[more] + step])
            kept = np.flatnonzero(self._not_alone(taken, self.judged_after.get(t, [])))
            if t % LOOK_EVERY == 1 and len(kept) > WORTH_A_LOOK:
                kept = kept[self._connected(taken[kept], t)]
            if len(kept) > most and all_or_none:
                return Below(no_zones(self.problem.size), np.zeros(0), -np.inf)
            if len(kept) > most:
                hope = value[kept] + rest[load[kept]]
                order = np.argpartition(hope, most)
                complete_to = min(complete_to, float(hope[order[most:]].min()))
                kept = kept[order[:most]]
            taken, value, load = taken[kept], value[kept], load[kept]
        return self._finished(taken, value, complete_to)

    def _not_alone(self, taken: Words, judged: list[int]) -> Bools:
        good = np.ones(len(taken), dtype=bool)
        for t in judged:
            alone = (taken[:, t // WORD] & self.bit[t, t // WORD]) != 0
            for word in np.flatnonzero(self.touches[t]).tolist():
                alone &= (taken[:, word] & self.touches[t, word]) == 0
            good &= ~alone
        return good

    def _finished(self, taken: Words, value: Floats, complete_to: float) -> Below:
        problem = self.problem
        kept = self._connected(taken, 0)
        taken, value = taken[kept], value[kept]
        members = np.zeros((len(value), problem.size), dtype=bool)
        members[:, self.j] = True
        members[:, self.near] = _held(taken, len(self.near))
        load = sums(members, problem.load)
        kept = (load >= problem.lowest) & (load <= problem.highest)
        members, value = members[kept], value[kept]
        column = np.where(np.isfinite(problem.cost[:, self.j]), problem.cost[:, self.j], 0.0)
        return Below(Zones(members, np.full(len(value), self.j), sums(members, column)), value, complete_to)

    def _connected(self, taken: Words, decided: int) -> Bools:
        """Tell which sets walks reach from the post and from the units before ``decided``, which may yet be taken.

        A line for each unit, a bit for each set: one operation of words walks in 64 sets at once.
        """
        if not len(taken):
            return np.zeros(0, dtype=bool)
        held = np.packbits(np.ascontiguousarray(_held(taken, len(self.near)).T), axis=1)
        lines = np.ascontiguousarray(np.pad(held, ((0, 0), (0, -held.shape[1] % 8)))).view(np.uint64)
        reached = np.zeros_like(lines)
        reached[self.by_post] = lines[self.by_post]
        reached[:decided] = ~np.uint64(0)
        later = range(decided, len(self.near))
        while True:
            before = reached.copy()
            for t in later:
                if self.beside[t]:
                    reached[t] |= lines[t] & np.bitwise_or.reduce(reached[self.beside[t]], axis=0)
            if (reached == before).all():
                break
        missed = np.bitwise_or.reduce(lines[decided:] & ~reached[decided:], axis=0)
        return np.unpackbits(missed.view(np.uint8))[: len(taken)] == 0


def _held(taken: Words, count: int) -> Bools:
    """Return sets held as words as a table, a line for each set, a column for each unit."""
    held = np.unpackbits(taken.view(np.uint8), axis=1, bitorder="little", count=count)
    return held.view(np.bool_)
