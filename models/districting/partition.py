"""Plans out of a stock of zones: set partitioning, its relaxation with rows of three villages, and HiGHS on the whole.

In:     zones (``whole_zones``), how many of them make a plan.
Out:    prices of the units that prove a bound over the stock; the best plan of a small stock.
Method: min Σ_S c(S)·λ_S   s.t.  Σ_{S∋i} λ_S = 1 every unit i;   Σ_S λ_S = k;   λ ∈ {0, 1}

        The relaxation takes zones by halves. Of all zones that hold two of three villages a plan has at most one, so

            Σ_S ⌊|S∩T|/2⌋·λ_S ≤ 1       every T of three villages                               (subset rows)

        are added while they are broken (Jepsen, Petersen, Spoorendonk & Pisinger 2008). ``stock`` branches on

            l ≤ Σ_{S: post in R} λ_S ≤ h     a part R of the ground                             (counts)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csr_array

from models.districting.problem import SAME, Bools, Floats, Ints
from models.districting.watch import FOR_EVER, Watch
from models.districting.whole_zones import Zones
from models.solver import quiet_highs

FIRST, JOIN = 500, 300  # zones a programme begins with, that join it at once
CUTS_A_ROUND, CUTS_A_UNIT, BROKEN_BY = 40, 5, 0.03
PLAN_NODES = 20  # of HiGHS where only a good plan is wanted
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Count:
    """How many zones have their post in a part of the ground: at least and at most."""

    part: Bools
    low: float
    high: float


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


def matrix_of(zones: Zones, triples: Sequence[Triple], counts: Sequence[Count] = ()) -> csr_array:
    """Return the coefficients of all rows, a line for each zone: units, the number of zones, triples, counts."""
    lines, size = zones.members.shape
    table = np.empty((lines, size + 1 + len(triples) + len(counts)), dtype=bool)
    table[:, :size], table[:, size] = zones.members, True
    held = np.ascontiguousarray(zones.members.T).view(np.int8) if triples else np.zeros((0, 0), dtype=np.int8)
    for column, (a, b, c) in enumerate(triples, start=size + 1):
        table[:, column] = held[a] + held[b] + held[c] >= 2
    for column, row in enumerate(counts, start=size + 1 + len(triples)):
        table[:, column] = row.part[zones.post]
    # 2.3 times as quick as scipy's own way from a table (town 1 with 8 zones: 1.6 million zones, 92 tables).
    place = np.flatnonzero(table.ravel())
    ends = np.concatenate([[0], np.cumsum(table.sum(axis=1))])
    return csr_array((np.ones(len(place)), place % table.shape[1], ends), shape=table.shape)


def relax(
    zones: Zones, count: int, triples: Sequence[Triple] = (), counts: Sequence[Count] = (), *,
    begin: Ints | None = None, box: tuple[Floats, Floats] | None = None, watch: Watch = FOR_EVER,
) -> Relaxed:  # fmt: skip
    """Solve the relaxation for plans of ``count`` zones; with ``box`` (middle, half width) units' prices stay in it.

    Where the time is over before all zones have been looked at, there is no bound and there are no prices.
    """
    size, matrix = zones.members.shape[1], matrix_of(zones, triples, counts)
    scale = float(np.abs(zones.cost).max(initial=1e-9))
    cost, solver = zones.cost / scale, rows_of(size, count, triples, counts)
    solver.setOptionValue("simplex_strategy", 4)  # primal: zones join a basis that stays good
    spare = _add_spare(solver, size, len(triples), len(counts), box=box, scale=scale)
    inside, order = np.zeros(len(zones), dtype=bool), np.zeros(0, dtype=np.int64)
    joins = np.arange(min(FIRST, len(zones))) if begin is None else begin
    while True:
        add_zones(solver, matrix, cost, joins)
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
        if watch.over():
            return _none(zones, size, bound=-math.inf)
        joins = joins[np.argsort(reduced[joins], kind="stable")[:JOIN]]
    share = np.zeros(len(zones))
    share[order] = np.array(solution.col_value)[spare:]
    bound = float(solver.getInfo().objective_function_value)
    bound += count * min(0.0, float(reduced.min(initial=0.0)))  # what the solver's tolerance may have left out
    fees = -dual[size + 1 : size + 1 + len(triples)]
    return Relaxed(bound * scale, dual[:size] * scale, fees * scale, share, reduced * scale, order)


def _add_spare(
    solver: highspy.Highs, size: int, triples: int, counts: int, *, box: tuple[Floats, Floats] | None, scale: float
) -> int:  # fmt: skip
    """Add columns that fill the rows where no zones do yet, and return how many.

    A unit left over or taken twice costs at least the box's edge; without a box, and for counts, more than any plan.
    """
    dear = 10.0 * np.ones(size)
    over, under = (dear, -dear) if box is None else ((box[0] + box[1]) / scale, (box[0] - box[1]) / scale)
    lines = np.concatenate([np.arange(size), size + 1 + triples + np.arange(counts)]).astype(np.int32)
    for price, sign in ((over, 1.0), (-under, -1.0)):
        cost = np.concatenate([price, 10.0 * np.ones(counts)])
        solver.addCols(len(lines), cost, np.zeros(len(lines)), np.full(len(lines), math.inf), len(lines),
                       np.arange(len(lines), dtype=np.int32), lines, np.full(len(lines), sign))  # fmt: skip
    return 2 * len(lines)


def _none(zones: Zones, size: int, *, bound: float = math.inf) -> Relaxed:
    nothing = np.zeros(len(zones))
    return Relaxed(bound, np.zeros(size), np.zeros(0), nothing, nothing, np.zeros(0, dtype=np.int64))


def rows_of(
    size: int, count: int, triples: Sequence[Triple], counts: Sequence[Count] = (), **options: float
) -> highspy.Highs:
    """Return a solver that holds all rows and no zones yet."""
    solver = quiet_highs(**options)
    low = [1.0] * size + [float(count)] + [-math.inf] * len(triples) + [row.low for row in counts]
    high = [1.0] * size + [float(count)] + [1.0] * len(triples) + [row.high for row in counts]
    for least, most in zip(low, high, strict=True):
        solver.addRow(least, most, 0, np.zeros(0, dtype=np.int32), np.zeros(0))
    return solver


def add_zones(solver: highspy.Highs, matrix: csr_array, cost: Floats, which: Ints) -> None:
    """Give a solver some zones."""
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


def post_of(zones: Zones, chosen: Ints) -> Ints:
    """Return the plan that some zones make."""
    post: Ints = (zones.members[chosen] * zones.post[chosen][:, None]).sum(axis=0)
    return post


def whole(
    zones: Zones, count: int, triples: Sequence[Triple], cost: float, *,
    time_limit_s: float, seed: int, most_nodes: int | None = None, counts: Sequence[Count] = (),
) -> Best:  # fmt: skip
    """Give the whole-number programme to HiGHS."""
    if time_limit_s <= 0:
        return Best(None, cost, False)
    scale, matrix, every = cost / count, matrix_of(zones, triples, counts), np.arange(len(zones))
    solver = rows_of(zones.members.shape[1], count, triples, counts, mip_rel_gap=0.0, mip_abs_gap=1e-9,
                     random_seed=seed % 2**31, time_limit=time_limit_s)  # fmt: skip
    if most_nodes is not None:
        solver.setOptionValue("mip_max_nodes", most_nodes)
    add_zones(solver, matrix, zones.cost / scale, every)
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
    return Best(post_of(zones, chosen), total, proven)
