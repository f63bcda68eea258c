"""Prices of the units that prove how cheap a plan of whole, connected zones can be, and the zones that matter at them.

In:     the zones of every post (``whole_zones``), the number of zones k, prices to start from.
Out:    prices u_i (minutes of work), the bound they prove, the zones met on the way; all zones within a room above it.
Method: with V_j(u) the least value of a zone of post j

            L(u) = Σ_i u_i + sum of the k smallest V_j       ≤ every plan's cost

        u is moved by column generation: the relaxation of ``partition`` over the zones met, its prices kept in a box
        around the best ones so far (boxstep: Marsten, Hogan & Blankenship 1975), all zones little above the cheapest
        join, the box narrows where L does not follow. A plan cheaper than C uses of post j only zones with

            V ≤ C − L(u) + min(V_j, the k-th smallest)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.districting.partition import relax
from models.districting.problem import Bools, Floats, Problem
from models.districting.watch import FOR_EVER, Watch
from models.districting.whole_zones import Zones, ZonesOfPost, leave_whole_zones, sums

ROUNDS, ENOUGH, NARROWEST = 25, 5e-4, 1e-2  # moves of the prices; the gain (of the cost) and the box that end them
NEAR, AT_MOST = 0.03, 400  # of a zone's mean cost: how far above the cheapest zones join; unfinished ones a post
WIDTH, LIGHT = 0.3, 0.2  # of the mean minutes; of the mean unit: half width of the box, and what it is for light units
BEGIN = 300
Source = Sequence[ZonesOfPost]


@dataclass(frozen=True)
class Swept:
    """What a look at every post found: zones, V_j, and the value up to which none is missing, in the order of posts."""

    zones: list[Zones]
    least: Floats
    complete_to: Floats


@dataclass(frozen=True)
class Priced:
    """Prices, the bound they prove, V_j of every post, and all zones met."""

    u: Floats
    bound: float
    least: Floats
    stock: Zones


def sweep(
    source: Source, u: Floats, limit: Callable[[Floats], Floats], *,
    most: int, only: Bools | None = None, watch: Watch = FOR_EVER,
) -> Swept:  # fmt: skip
    """Find every post's zones up to its limit, which is told the values that no zone of a post falls below.

    Of posts that are not come to in time no zone is found.
    """
    tables = [of_post.tables(u) for of_post in source]
    least = np.array([of_post.least_value(u, table) for of_post, table in zip(source, tables, strict=True)])
    limits, complete_to, zones = limit(least), np.full(len(source), np.inf), []
    for place, of_post in enumerate(source):
        if only is not None and not only[place]:
            continue
        complete_to[place] = max(limits[place], least[place])
        if watch.over():
            complete_to[place] = least[place]
        elif least[place] <= limits[place]:
            found = of_post.below(u, tables[place], float(limits[place]), most=most)
            usable = leave_whole_zones(of_post.problem, found.zones)
            zones.append(found.zones.only(usable))
            complete_to[place] = found.complete_to
            least[place] = max(least[place], min(found.complete_to, float(found.value[usable].min(initial=np.inf))))
    return Swept(zones, least, complete_to)


def bound_of(count: int, u: Floats, least: Floats) -> float:
    """Return L(u)."""
    return float(u.sum() + np.sort(least)[:count].sum())


def dearest_used(count: int, least: Floats) -> Floats:
    """Return for every post min(V_j, the k-th smallest)."""
    return np.minimum(least, np.sort(least)[count - 1])


def raise_prices(problem: Problem, source: Source, u: Floats, stock: Zones, cost: float, *, watch: Watch) -> Priced:
    """Move the prices until the bound stands still, reaches the cost, or the time is over."""
    count, near = problem.count, NEAR * cost / problem.count
    mean_load = float(problem.load.mean())
    width = WIDTH * cost / float(problem.load.sum()) * np.maximum(problem.load, LIGHT * mean_load)

    def limit(least: Floats) -> Floats:
        return np.full(len(least), np.sort(least)[count - 1] + near)

    swept = sweep(source, u, limit, most=AT_MOST, watch=watch)
    least, bound = swept.least, bound_of(count, u, swept.least)
    stock = stock.with_others(*swept.zones)
    pace = 1.0
    for _ in range(ROUNDS):
        if bound >= cost or not np.isfinite(bound) or watch.over():
            break
        begin = np.argsort(stock.cost - sums(stock.members, u), kind="stable")[:BEGIN]
        relaxed = relax(stock, count, begin=begin, box=(u, pace * width), watch=watch)
        if not np.isfinite(relaxed.bound):
            break
        swept = sweep(source, relaxed.u, limit, most=AT_MOST, watch=watch)
        stock = stock.with_others(*swept.zones)
        reached, hoped = bound_of(count, relaxed.u, swept.least), relaxed.bound - bound
        pace /= 1.0 if reached - bound >= WIDTH * hoped else 1.5 if reached > bound else 3.0
        if reached > bound:
            u, bound, least = relaxed.u, reached, swept.least
        if hoped < ENOUGH * cost or pace < NARROWEST:
            break
    return Priced(u, bound, least, stock)
