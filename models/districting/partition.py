"""The best plan out of a stock of zones: set partitioning with rows of three villages.

In:     zones (``whole_zones``), how many of them make a plan, what is to be beaten.
Out:    prices of the units that prove a bound over the stock; the best plan of the stock, and whether that is proven.
Method: min Σ_S c(S)·λ_S   s.t.  Σ_{S∋i} λ_S = 1 every unit i;   Σ_S λ_S = k;   λ ∈ {0, 1}

        The relaxation takes zones by halves. Of all zones that hold two of three villages a plan has at most one, so

            Σ_S ⌊|S∩T|/2⌋·λ_S ≤ 1       every T of three villages                               (subset rows)

        are added while they are broken (Jepsen, Petersen, Spoorendonk & Pisinger 2008), and zones whose reduced cost
        lifts the bound over what is to be beaten leave. What is left goes to HiGHS as a whole-number programme.
"""

import heapq
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import highspy
import numpy as np
from scipy.sparse import csr_array

from models.districting.problem import Bools, Floats, Ints
from models.districting.whole_zones import Zones
from models.solver import quiet_highs

SAME = 1e-9  # two costs nearer than this share are one
FIRST, JOIN, KEEP = 500, 300, 1_000  # zones a programme begins with, that join it at once, that the next begins with
CUTS_A_ROUND, CUTS_A_UNIT, BROKEN_BY = 40, 5, 0.03
ROUNDS, STILL, STALE = 40, 3e-4, 3  # rounds of cuts; the gain (of what is to be beaten) that counts; how many without
SMALL, PLAN_NODES = 1_500, 20  # zones that HiGHS is given; its nodes where only a good plan is wanted
FEW, CANDIDATES = 200, 6  # zones that need no more rows; pairs of units that are tried before a stock is split
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Relaxed:
    """The relaxation's bound, prices of units and triples, share of each zone, and reduced costs."""

    bound: float
    u: Floats
    fees: Floats
    share: Floats
    reduced: Floats
    used: Ints  # zones that the programme looked at


@dataclass(frozen=True)
class Best:
    """The best plan of a stock that beats a cost (None: none found), whether no other can, and their bound."""

    post: Ints | None
    cost: float
    proven: bool
    bound: float = -math.inf  # of a stock looked at in part


def matrix_of(zones: Zones, triples: Sequence[Triple]) -> csr_array:
    """Return the coefficients of all rows, a line for each zone: units, the number of zones, triples."""
    count, size = zones.members.shape
    table = np.empty((count, size + 1 + len(triples)), dtype=bool)
    table[:, :size], table[:, size] = zones.members, True
    held = np.ascontiguousarray(zones.members.T).view(np.int8) if triples else np.zeros((0, 0), dtype=np.int8)
    for column, (a, b, c) in enumerate(triples, start=size + 1):
        table[:, column] = held[a] + held[b] + held[c] >= 2
    # 2.3 times as quick as scipy's own way from a table (town 1 with 8 zones: 1.6 million zones, 92 tables).
    place = np.flatnonzero(table.ravel())
    ends = np.concatenate([[0], np.cumsum(table.sum(axis=1))])
    return csr_array((np.ones(len(place)), place % table.shape[1], ends), shape=table.shape)


def relax(
    zones: Zones, count: int, triples: Sequence[Triple] = (), *,
    begin: Ints | None = None, box: tuple[Floats, Floats] | None = None,
) -> Relaxed:  # fmt: skip
    """Solve the relaxation for plans of ``count`` zones; with ``box`` (middle, half width) units' prices stay in it."""
    size, matrix = zones.members.shape[1], matrix_of(zones, triples)
    scale = float(np.abs(zones.cost).max(initial=1e-9))
    cost, solver = zones.cost / scale, _rows(size, count, triples)
    solver.setOptionValue("simplex_strategy", 4)  # primal: zones join a basis that stays good
    # A unit left over or taken twice costs at least the box's edge; without a box more than any plan.
    over, under = (10.0 * np.ones(size), -10.0 * np.ones(size)) if box is None else (
        (box[0] + box[1]) / scale, (box[0] - box[1]) / scale)  # fmt: skip
    for price, sign in ((over, 1.0), (under, -1.0)):
        places = np.arange(size, dtype=np.int32)
        solver.addCols(size, sign * price, np.zeros(size), np.full(size, math.inf), size, places, places,
                       np.full(size, sign))  # fmt: skip
    inside, order = np.zeros(len(zones), dtype=bool), np.zeros(0, dtype=np.int64)
    joins = np.arange(min(FIRST, len(zones))) if begin is None else begin
    while True:
        _add(solver, matrix, cost, joins)
        inside[joins] = True
        order = np.append(order, joins)
        solver.run()
        if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            joins = np.flatnonzero(~inside)  # too few zones are in yet
            if not len(joins):
                return _none(zones, size)
            continue
        solution = solver.getSolution()
        dual = np.array(solution.row_dual)
        reduced = cost - matrix @ dual
        joins = np.flatnonzero((reduced < -1e-8) & ~inside)
        if not len(joins):
            break
        joins = joins[np.argsort(reduced[joins], kind="stable")[:JOIN]]
    share = np.zeros(len(zones))
    share[order] = np.array(solution.col_value)[2 * size :]
    bound = float(solver.getInfo().objective_function_value)
    bound += count * min(0.0, float(reduced.min(initial=0.0)))  # what the solver's tolerance may have left out
    fees = -dual[size + 1 :]
    return Relaxed(bound * scale, dual[:size] * scale, fees * scale, share, reduced * scale, order)


def _none(zones: Zones, size: int) -> Relaxed:
    nothing = np.zeros(len(zones))
    return Relaxed(math.inf, np.zeros(size), np.zeros(0), nothing, nothing, np.zeros(0, dtype=np.int64))


def _rows(size: int, count: int, triples: Sequence[Triple], **options: float) -> highspy.Highs:
    solver = quiet_highs(**options)
    low = [1.0] * size + [float(count)] + [-math.inf] * len(triples)
    high = [1.0] * size + [float(count)] + [1.0] * len(triples)
    for least, most in zip(low, high, strict=True):
        solver.addRow(least, most, 0, np.zeros(0, dtype=np.int32), np.zeros(0))
    return solver


def _add(solver: highspy.Highs, matrix: csr_array, cost: Floats, which: Ints) -> None:
    some = matrix[which]
    solver.addCols(len(which), cost[which], np.zeros(len(which)), np.full(len(which), math.inf), some.nnz,
                   some.indptr[:-1].astype(np.int32), some.indices.astype(np.int32), some.data)  # fmt: skip


def broken_triples(zones: Zones, share: Floats, have: Sequence[Triple]) -> list[Triple]:
    """Return the triples most broken by shares of zones, no unit in more than a few."""
    used = np.flatnonzero(share > 1e-6)
    members, weight, size = zones.members[used].astype(np.float64), share[used], zones.members.shape[1]
    pair = (members * weight[:, None]).T @ members
    found: list[tuple[float, Triple]] = []
    for a in range(size - 2):
        holds = members[:, a] > 0
        beyond = members[holds][:, a + 1 :]
        three = (beyond * weight[holds][:, None]).T @ beyond
        beside = pair[a, a + 1 :]
        total = np.triu(pair[a + 1 :, a + 1 :] + beside[:, None] + beside[None, :] - 2 * three, 1)
        found += [(-float(total[b, c]), (a, a + 1 + int(b), a + 1 + int(c)))
                  for b, c in np.argwhere(total > 1 + BROKEN_BY)]  # fmt: skip
    chosen: list[Triple] = []
    known, uses = set(have), np.zeros(size, dtype=np.int64)
    for _, triple in sorted(found):
        if triple not in known and uses[list(triple)].max() < CUTS_A_UNIT and len(chosen) < CUTS_A_ROUND:
            uses[list(triple)] += 1
            chosen.append(triple)
    return chosen


@dataclass(frozen=True)
class _Rest:
    """What a set of zones is after its rows: zones that may be in a better plan, their shares and reduced costs."""

    bound: float
    zones: Zones
    triples: list[Triple]
    share: Floats
    reduced: Floats
    begin: Ints


def best_of_stock(
    zones: Zones, count: int, cost: float, u: Floats, *, time_limit_s: float, seed: int, proof: bool
) -> Best:
    """Return the best plan that is ``count`` zones of a stock and costs less than ``cost``.

    Parameters
    ----------
    u
        Prices of the units near which the relaxation is to be looked for.
    proof
        Go on until no plan of the stock can be better, or the time is over; else only look for a good plan.
    """
    deadline, best = time.monotonic() + time_limit_s, Best(None, cost, True)
    begin = np.argsort(zones.cost - zones.members @ u, kind="stable")[:FIRST]
    number = itertools.count()
    waiting: list[tuple[float, int, Zones, list[Triple], Ints]] = [(-math.inf, next(number), zones, [], begin)]
    while waiting:
        if time.monotonic() > deadline:
            return replace(best, proven=False, bound=waiting[0][0])
        lowest, order, some, triples, begin = heapq.heappop(waiting)
        if lowest >= best.cost * (1 - SAME):
            break
        rest = _with_rows(some, count, best.cost, triples, begin)
        if rest is None:
            continue
        chosen = np.flatnonzero(rest.share > 1 - 1e-6)
        if len(chosen) and (rest.zones.members[chosen].sum(axis=0) == 1).all():
            best = replace(best, post=_post_of(rest.zones, chosen), cost=float(rest.zones.cost[chosen].sum()))
            continue  # the relaxation is a plan, so nothing left is better
        if order == 0 and len(rest.zones) > SMALL:  # a plan of the zones that look best: what it beats leaves
            few = rest.zones.only(np.argsort(rest.reduced, kind="stable")[:SMALL])
            best = _better(best, whole(few, count, rest.triples, best.cost, time_limit_s=deadline - time.monotonic(),
                                       seed=seed, most_nodes=PLAN_NODES))  # fmt: skip
            if not proof:
                return replace(best, proven=False)
        if len(rest.zones) <= SMALL:
            left = deadline - time.monotonic()
            found = whole(rest.zones, count, rest.triples, best.cost, time_limit_s=left, seed=seed,
                          most_nodes=None if proof else PLAN_NODES)  # fmt: skip
            best = _better(best, found)
            if not found.proven:
                return replace(best, proven=False, bound=lowest)
            continue
        for child, begin in _split(rest, count, best.cost):
            heapq.heappush(waiting, (rest.bound, next(number), child, rest.triples, begin))
    return best


def _post_of(zones: Zones, chosen: Ints) -> Ints:
    post: Ints = (zones.members[chosen] * zones.post[chosen][:, None]).sum(axis=0)
    return post


def _better(best: Best, found: Best) -> Best:
    return best if found.post is None else replace(best, post=found.post, cost=found.cost)


def _with_rows(zones: Zones, count: int, cost: float, triples: list[Triple], begin: Ints) -> _Rest | None:
    """Add rows of triples while that lifts the bound; None if nothing better than ``cost`` is left."""
    last, stale = -math.inf, 0
    for _ in range(ROUNDS):
        relaxed = relax(zones, count, triples, begin=begin)
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
        rest = _Rest(last, zones, triples, relaxed.share[kept], relaxed.reduced[kept], begin)
        new = broken_triples(zones, rest.share, triples) if stale < STALE and len(zones) > FEW else []
        if not new:
            break
        triples = triples + new
    return rest


def _split(rest: _Rest, count: int, cost: float) -> list[tuple[Zones, Ints]]:
    """Split a stock by two units that are together in a zone or apart (Ryan & Foster 1981), the best of a few pairs."""
    members = rest.zones.members.astype(np.float64)
    used = np.flatnonzero(rest.share > 1e-6)
    pair = np.triu((members[used] * rest.share[used][:, None]).T @ members[used], 1)
    halves = np.minimum(pair, 1 - pair)
    near = np.argsort(rest.reduced, kind="stable")[:KEEP]
    few, best, chosen = rest.zones.only(near), -1.0, (0, 1)
    for place in np.argsort(-halves, axis=None, kind="stable")[:CANDIDATES].tolist():
        a, b = divmod(place, len(pair))
        rises = [min(relax(few.only(side[near]), count, rest.triples).bound, cost) - rest.bound
                 for side in _sides(rest.zones, a, b)]  # fmt: skip
        gain = max(min(rises), 1e-6 * cost) * max(*rises, 1e-6 * cost)
        if gain > best:
            best, chosen = gain, (a, b)
    begin = np.zeros(len(rest.zones), dtype=bool)
    begin[rest.begin] = True
    return [(rest.zones.only(side), np.flatnonzero(begin[side])) for side in _sides(rest.zones, *chosen)]


def _sides(zones: Zones, a: int, b: int) -> tuple[Bools, Bools]:
    both, either = zones.members[:, a] & zones.members[:, b], zones.members[:, a] | zones.members[:, b]
    return both | ~either, ~both


def whole(
    zones: Zones, count: int, triples: Sequence[Triple], cost: float, *,
    time_limit_s: float, seed: int, most_nodes: int | None = None,
) -> Best:  # fmt: skip
    """Give the whole-number programme to HiGHS."""
    if time_limit_s <= 0:
        return Best(None, cost, False)
    scale, matrix, every = cost / count, matrix_of(zones, triples), np.arange(len(zones))
    solver = _rows(zones.members.shape[1], count, triples, mip_rel_gap=0.0, mip_abs_gap=1e-9,
                   random_seed=seed % 2**31, time_limit=time_limit_s)  # fmt: skip
    if most_nodes is not None:
        solver.setOptionValue("mip_max_nodes", most_nodes)
    _add(solver, matrix, zones.cost / scale, every)
    columns = every.astype(np.int32)
    solver.changeColsIntegrality(len(every), columns, np.full(len(every), highspy.HighsVarType.kInteger))
    solver.addRow(-math.inf, cost * (1 - SAME) / scale, len(every), columns, zones.cost / scale)
    solver.run()
    status, info = solver.getModelStatus(), solver.getInfo()
    ends = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible)
    limits = (highspy.HighsModelStatus.kTimeLimit, highspy.HighsModelStatus.kSolutionLimit)
    if status not in ends + limits:
        raise RuntimeError(f"HiGHS ended with {solver.modelStatusToString(status)}")
    proven = status in ends
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Best(None, cost, proven)
    chosen = np.flatnonzero(np.array(solver.getSolution().col_value) > 0.5)
    if (total := float(zones.cost[chosen].sum())) >= cost * (1 - SAME):
        return Best(None, cost, proven)  # the plan to beat once more, within the solver's tolerance of its row
    return Best(_post_of(zones, chosen), total, proven)
