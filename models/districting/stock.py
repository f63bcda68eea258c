"""The best plan out of a stock of zones, proven: a tree over the relaxation of ``partition``.

In:     zones (``whole_zones``), how many of them make a plan, what is to be beaten, parts of the ground to count in.
Out:    the best plan of the stock that beats it, and whether that is proven.
Method: rows of three villages are added while they are broken; zones whose reduced cost lifts the bound over what is to
        be beaten leave. A stock that is still large is split in two: by how many posts stand in a part of the ground
        (a count that the relaxation leaves between two whole numbers), or by two units that are together in a zone or
        apart (Ryan & Foster 1981); of some candidates that which lifts both bounds most (strong branching, Applegate,
        Bixby, Chvatal & Cook 1995). What is left in the end goes to HiGHS as a whole-number programme.
"""

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import highspy
import numpy as np

from models.districting.partition import (
    FIRST,
    PLAN_NODES,
    Best,
    Count,
    Triple,
    add_zones,
    broken_triples,
    matrix_of,
    post_of,
    relax,
    rows_of,
    whole,
)
from models.districting.problem import SAME, Bools, Floats, Ints
from models.districting.watch import Watch
from models.districting.whole_zones import Zones, sums

KEEP = 1_000  # zones that the next programme begins with
ROUNDS, STILL, STALE = 40, 3e-4, 3  # rounds of triples; the gain (of what is to be beaten) that counts; rounds without
SMALL = 1_500  # zones that HiGHS is given
FEW, CANDIDATES = 200, 8  # zones that need no more rows; counts, and pairs of units, that are tried for a split


@dataclass(frozen=True)
class _Open:
    """A part of the stock not looked at yet, with its rows and the zones a programme begins with."""

    zones: Zones
    triples: list[Triple]
    counts: tuple[Count, ...]
    begin: Ints


@dataclass(frozen=True)
class _Rest:
    """What a part of the stock is after its rows: zones that may be in a better plan, shares and reduced costs."""

    bound: float
    zones: Zones
    triples: list[Triple]
    counts: tuple[Count, ...]
    share: Floats
    reduced: Floats
    begin: Ints


@dataclass(frozen=True)
class _Side:
    """One side of a split: the zones that stay, or the count that is kept."""

    stays: Bools
    row: Count | None = None


def best_of_stock(
    zones: Zones, count: int, cost: float, u: Floats, *,
    watch: Watch, seed: int, proof: bool, parts: Sequence[Bools] = (), counts: tuple[Count, ...] = (),
) -> Best:  # fmt: skip
    """Return the best plan that is ``count`` zones of a stock and costs less than ``cost``.

    Parameters
    ----------
    u
        Prices of the units near which the relaxation is to be looked for.
    proof
        Go on until no plan of the stock can be better, or the time is over; else only look for a good plan.
    parts
        Sets of units in which posts are counted where that splits the stock.
    counts
        What every plan has to keep.
    """
    best = Best(None, cost, True)
    begin = np.argsort(zones.cost - sums(zones.members, u), kind="stable")[:FIRST]
    number = itertools.count()
    waiting: list[tuple[float, int, _Open]] = [(-math.inf, next(number), _Open(zones, [], counts, begin))]
    while waiting:
        if watch.over():
            return replace(best, proven=False, bound=waiting[0][0])
        lowest, order, some = heapq.heappop(waiting)
        if lowest >= best.cost * (1 - SAME):
            break
        rest = _with_rows(some, count, best.cost, watch=watch)
        if watch.over():
            return replace(best, proven=False, bound=lowest)
        if rest is None:
            continue
        chosen = np.flatnonzero(rest.share > 1 - 1e-6)
        if len(chosen) and (rest.zones.members[chosen].sum(axis=0) == 1).all():
            best = replace(best, post=post_of(rest.zones, chosen), cost=float(rest.zones.cost[chosen].sum()))
            continue  # the relaxation is a plan, so nothing left is better
        if order == 0 and len(rest.zones) > SMALL:  # a plan of the zones that look best: what it beats leaves
            few = rest.zones.only(np.argsort(rest.reduced, kind="stable")[:SMALL])
            best = _better(best, whole(few, count, rest.triples, best.cost, time_limit_s=watch.left_s,
                                       seed=seed, most_nodes=PLAN_NODES, counts=rest.counts))  # fmt: skip
            if not proof:
                return replace(best, proven=False)
        if len(rest.zones) <= SMALL:
            found = whole(rest.zones, count, rest.triples, best.cost, time_limit_s=watch.left_s, seed=seed,
                          counts=rest.counts, most_nodes=None if proof else PLAN_NODES)  # fmt: skip
            best = _better(best, found)
            if not found.proven:
                return replace(best, proven=False, bound=max(lowest, rest.bound) if not waiting else lowest)
            continue
        for child in _split(rest, count, best.cost, parts):
            heapq.heappush(waiting, (rest.bound, next(number), child))
    return best


def _better(best: Best, found: Best) -> Best:
    return best if found.post is None else replace(best, post=found.post, cost=found.cost)


def _with_rows(some: _Open, count: int, cost: float, *, watch: Watch) -> _Rest | None:
    """Add rows of triples while that lifts the bound; None if nothing better than ``cost`` is left, or no time."""
    zones, triples, begin = some.zones, some.triples, some.begin
    last, stale = -math.inf, 0
    for _ in range(ROUNDS):
        relaxed = relax(zones, count, triples, some.counts, begin=begin, watch=watch)
        if watch.over():
            return None
        if relaxed.bound >= cost * (1 - SAME):
            return None
        # What lifts the bound to what is to be beaten leaves the stock.
        kept = relaxed.reduced <= cost * (1 - SAME) - relaxed.bound + 1e-9 * cost
        first = np.zeros(len(zones), dtype=bool)
        first[relaxed.used[np.argsort(relaxed.reduced[relaxed.used], kind="stable")[:KEEP]]] = True
        zones, begin = zones.only(kept), np.flatnonzero(first[kept])
        stale = stale + 1 if relaxed.bound - last < STILL * cost else 0
        last = relaxed.bound
        triples = [three for three, fee in zip(triples, relaxed.fees, strict=True) if fee > 1e-9 * cost]
        rest = _Rest(last, zones, triples, some.counts, relaxed.share[kept], relaxed.reduced[kept], begin)
        new = broken_triples(zones, rest.share, triples) if stale < STALE and len(zones) > FEW else []
        if not new:
            break
        triples = triples + new
    return rest


def _split(rest: _Rest, count: int, cost: float, parts: Sequence[Bools]) -> list[_Open]:
    """Split a stock in two, in the way of some candidates that lifts both bounds most."""
    near = np.argsort(rest.reduced, kind="stable")[:KEEP]
    ways = _by_counts(rest, parts) + _by_pairs(rest)
    rises = _rises(rest, count, cost, near, ways)
    least = 1e-6 * cost
    best = max(range(len(ways)), key=lambda way: max(min(rises[way]), least) * max(*rises[way], least))
    begin = np.zeros(len(rest.zones), dtype=bool)
    begin[rest.begin] = True
    return [
        _Open(rest.zones.only(side.stays), rest.triples, rest.counts + (() if side.row is None else (side.row,)),
              np.flatnonzero(begin[side.stays]))
        for side in ways[best]
    ]  # fmt: skip


def _by_counts(rest: _Rest, parts: Sequence[Bools]) -> list[tuple[_Side, _Side]]:
    """Return splits by the posts in a part of the ground, those nearest to a half first, none twice."""
    used = np.flatnonzero(rest.share > 1e-6)
    post, share = rest.zones.post[used], rest.share[used]
    every, met = np.ones(len(rest.zones), dtype=bool), set[bytes]()
    halves = [(abs(float(share @ part[post]) % 1 - 0.5), place) for place, part in enumerate(parts)]
    ways: list[tuple[_Side, _Side]] = []
    for half, place in sorted(halves):
        part = parts[place]
        if half > 0.5 - 1e-4 or len(ways) == CANDIDATES or (held := part[post].tobytes()) in met:
            continue
        met.add(held)
        most = math.floor(float(share @ part[post]))
        few = every if most else ~part[rest.zones.post]
        ways.append((_Side(few, Count(part, -math.inf, most)), _Side(every, Count(part, most + 1, math.inf))))
    return ways


def _by_pairs(rest: _Rest) -> list[tuple[_Side, _Side]]:
    """Return splits by two units that are together or apart, those nearest to a half first."""
    used = np.flatnonzero(rest.share > 1e-6)
    members = rest.zones.members[used].astype(np.float64)
    pair = np.triu((members * rest.share[used][:, None]).T @ members, 1)
    halves = np.minimum(pair, 1 - pair)
    ways = []
    for place in np.argsort(-halves, axis=None, kind="stable")[:CANDIDATES].tolist():
        a, b = divmod(place, len(pair))
        both = rest.zones.members[:, a] & rest.zones.members[:, b]
        either = rest.zones.members[:, a] | rest.zones.members[:, b]
        ways.append((_Side(both | ~either), _Side(~both)))
    return ways


def _rises(
    rest: _Rest, count: int, cost: float, near: Ints, ways: Sequence[tuple[_Side, _Side]]
) -> list[tuple[float, float]]:
    """Return by how much each side of each way lifts the bound over the zones that look best."""
    few, rows = rest.zones.only(near), [way[0].row for way in ways if way[0].row is not None]
    free = [replace(row, low=-math.inf, high=math.inf) for row in rows]
    counts = (*rest.counts, *free)
    scale = float(few.cost.max())
    solver = rows_of(few.members.shape[1], count, rest.triples, counts)
    add_zones(solver, matrix_of(few, rest.triples, counts), few.cost / scale, np.arange(len(few)))
    solver.run()
    basis, first, rises = solver.getBasis(), solver.getNumRow() - len(free), []
    none = np.zeros(len(few))

    def rise(place: int, side: _Side) -> float:
        out = np.flatnonzero(~side.stays[near]).astype(np.int32)
        solver.changeColsBounds(len(out), out, none[out], none[out])
        if side.row is not None:
            solver.changeRowBounds(first + place, side.row.low, side.row.high)
        solver.run()
        ended = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        value = float(solver.getInfo().objective_function_value) * scale if ended else cost
        solver.changeColsBounds(len(out), out, none[out], np.full(len(out), math.inf))
        if side.row is not None:
            solver.changeRowBounds(first + place, -math.inf, math.inf)
        solver.setBasis(basis)
        return min(value, cost) - rest.bound

    for place, (one, other) in enumerate(ways):
        rises.append((rise(place, one), rise(place, other)))
    return rises
