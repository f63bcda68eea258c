"""Good plans quickly: price location-allocation for the first map, annealing of border moves and swaps for the rest.

In:     a ``Problem`` and a random generator.
Out:    an answer that obeys every rule, or None with the least deviation that was reached.
Method: every post carries a price p_j in minutes; unit i goes to argmin_j d_ij + p_j; prices move until the loads fit,
        then posts move to the middle of their zones (an additively weighted Voronoi diagram on the graph, whose cells
        are star-shaped on shortest paths). Then simulated annealing of border shifts and swaps, load outside the
        band costing a rising penalty, zones kept connected at every step (Kirkpatrick 1983).
"""

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from models.districting.feasible import zones_by_component
from models.districting.problem import (
    Floats,
    Ints,
    Problem,
    broken_rules,
    objective,
    pieces,
    recentred,
    worst_deviation,
)

PENALTIES = (4.0, 12.0, 36.0)  # of load outside the band, in turn. At 1, two of four uneven towns of 70 villages had no
# legal plan in 40 starts or one 24 % over the best; at 12 all had one within 1 %. Even towns want less.
NEARBY = 40  # units looked at as the next post of a zone of many
SWAPS_UP_TO = 200  # units; beyond it units are small against a zone and shifts alone balance the loads


@dataclass(frozen=True)
class Found:
    """What the search came to: the best answer (None if none obeys the balance), the best balance, plans of starts."""

    post: Ints | None
    cost: float
    least_deviation: float
    plans: tuple[Ints, ...] = ()


def search(
    problem: Problem, *, rng: np.random.Generator, starts: int, moves: int, agree: int = 0, deadline: float = math.inf
) -> Found:
    """Return the best of several starts, each annealed for a number of moves.

    Parameters
    ----------
    agree
        End as soon as so many starts have come to the best plan (0: never).
    deadline
        A time of the monotonic clock after which none but the first start begins.
    """
    best, met, plans = Found(None, math.inf, math.inf), 0, list[Ints]()
    for start in range(starts):
        if start and time.monotonic() > deadline:
            break
        first = first_map(problem, rng=rng)
        found = anneal(problem, first, rng=rng, moves=moves, penalty=PENALTIES[start % len(PENALTIES)])
        least = min(best.least_deviation, found.least_deviation)
        met = met + 1 if math.isclose(found.cost, best.cost, rel_tol=1e-9) else 1 if found.cost < best.cost else met
        winner = found if found.cost < best.cost else best
        best = Found(winner.post, winner.cost, least)
        plans += [] if found.post is None else [found.post]
        if best.post is not None and met == agree:
            break
    return replace(best, plans=tuple(plans))


def search_many(
    problem: Problem, *, rng: np.random.Generator, maps: int = 24, polished: int = 4, moves: int = 40_000
) -> Found:
    """Return the best of the most promising of many first maps, each polished coldly: for units by the thousand.

    A first map is near its best already there, and a hot start forgets it: on 2,500 cells in 6 zones 4 hot anneals of
    150,000 moves came to 13,207-13,457, 4 cold ones of 40,000 to 13,175, from the best of 20 maps.
    """
    drawn = [first_map(problem, rng=rng) for _ in range(maps)]
    promise = [objective(problem, post) * (1 + max(0.0, worst_deviation(problem, post) - problem.tolerance))
               for post in drawn]  # fmt: skip
    best = Found(None, math.inf, math.inf)
    for place in np.argsort(promise, kind="stable")[:polished].tolist():
        found = anneal(problem, drawn[place], rng=rng, moves=moves, heat=0.03)
        least = min(best.least_deviation, found.least_deviation)
        winner = found if found.cost < best.cost else best
        best = Found(winner.post, winner.cost, least)
    return best


def first_map(problem: Problem, *, rng: np.random.Generator, rounds: int = 12) -> Ints:
    """Return connected zones of nearly equal load by price location-allocation (balance is not promised)."""
    posts = _spread_posts(problem, rng=rng)
    prices = np.zeros(problem.count)
    best, best_cost = np.empty(0, dtype=np.int64), math.inf
    for _ in range(rounds):
        zone, prices = fit_prices(problem, posts, prices)
        post = join_orphans(problem, posts[zone], posts)
        cost = objective(problem, post) * (1 + worst_deviation(problem, post))
        if cost < best_cost:
            best, best_cost = post, cost
        moved = np.array([recentred_post(problem, post, j) for j in posts])
        if (moved == posts).all():
            break
        posts = moved
    return recentred(problem, best)


def fit_prices(problem: Problem, posts: Ints, prices: Floats, *, steps: int = 60) -> tuple[Ints, Floats]:
    """Move the posts' prices until the loads lie in the band; return the zone of each unit and the prices.

    A zone above the band gets dearer, one below it cheaper (the multipliers of rule 5); steps shrink as 1/√t.
    The allocation with the least load outside the band is kept.
    """
    minutes = problem.travel_min[:, posts]
    reach = _typical_minutes(problem, posts)
    low, high = problem.lowest, problem.highest
    dearer, cheaper = np.maximum(prices, 0), np.maximum(-prices, 0)
    best, best_prices, least = np.empty(0, dtype=np.int64), prices, math.inf
    for step in range(1, steps + 1):
        price = dearer - cheaper
        zone = np.argmin(minutes + price, axis=1)
        load = np.bincount(zone, weights=problem.load, minlength=len(posts))
        outside = float(np.maximum(load - high, 0).sum() + np.maximum(low - load, 0).sum())
        if outside < least:
            best, best_prices, least = zone, price, outside
        if outside == 0:
            break
        pace = reach / math.sqrt(step) / problem.mean_load
        dearer = np.maximum(0, dearer + pace * (load - high))
        cheaper = np.maximum(0, cheaper + pace * (low - load))
    return best, best_prices


def _typical_minutes(problem: Problem, posts: Ints) -> float:
    nearest = problem.travel_min[:, posts].min(axis=1)
    known = nearest[np.isfinite(nearest)]
    return float(known.mean()) if len(known) and known.mean() > 0 else 1.0


def _spread_posts(problem: Problem, *, rng: np.random.Generator) -> Ints:
    """Draw posts far apart, with odds by load and minutes (k-means++), so many on each piece of ground as fit."""
    posts: list[int] = []
    for part, count in enumerate(zones_by_component(problem)[0].tolist()):
        members = np.flatnonzero(problem.component == part)
        weight = problem.load[members] + 1e-9 * problem.mean_load
        chosen = [int(rng.choice(members, p=weight / weight.sum()))]
        while len(chosen) < count:
            nearest = problem.travel_min[np.ix_(members, np.array(chosen))].min(axis=1)
            nearest = np.where(np.isfinite(nearest), nearest, 1e6)
            odds = weight * nearest**2 + 1e-12 * (~np.isin(members, chosen))
            chosen.append(int(rng.choice(members, p=odds / odds.sum())))
        posts += chosen
    return np.array(posts, dtype=np.int64)


def recentred_post(problem: Problem, post: Ints, j: int) -> int:
    """Return the unit of j's zone where its post would cost least; in a zone of many units, where steps lead to.

    Each step looks at the nearest units only: of 416 cells all pairs took three quarters of the search's time.
    """
    members = np.flatnonzero(post == j)
    if len(members) <= 2 * NEARBY:
        return int(members[int(np.argmin(problem.cost[np.ix_(members, members)].sum(axis=0)))])
    least, load = math.inf, problem.load[members]
    while True:
        near = members[np.argpartition(problem.travel_min[j, members], NEARBY)[:NEARBY]]
        costs = load @ problem.travel_min[np.ix_(members, near)]
        if costs.min() >= least * (1 - 1e-12):
            return j
        j, least = int(near[np.argmin(costs)]), float(costs.min())


def join_orphans(problem: Problem, post: Ints, posts: Ints) -> Ints:
    """Return the answer with every unit that is cut off from its post joined to the cheapest zone it touches."""
    joined = np.full(problem.size, -1, dtype=np.int64)
    post = post.copy()
    post[posts] = posts
    for j in posts:
        for piece in pieces(problem, np.flatnonzero(post == j)):
            if j in piece:
                joined[piece] = j
    while (joined < 0).any():
        options = [
            (problem.cost[i, joined[near]], int(i), int(joined[near]))
            for i in np.flatnonzero(joined < 0)
            for near in problem.neighbours[i]
            if joined[near] >= 0
        ]
        _, i, j = min(options)
        joined[i] = j
    return joined


def anneal(
    problem: Problem, post: Ints, *, rng: np.random.Generator, moves: int, heat: float = 1.0, penalty: float = 4.0
) -> Found:
    """Improve an answer by border shifts and swaps.

    Parameters
    ----------
    heat
        First temperature as a multiple of the mean cost of a unit; it falls to a thousandth of that.
    penalty
        Price of load outside the band, as a multiple of twice the mean minutes to the post; it rises tenfold.
    """
    state = _State(problem, post)
    picks = rng.integers(problem.size, size=moves).tolist()
    sides = rng.random(moves).tolist()
    luck = rng.exponential(size=moves).tolist()
    kinds = (rng.random(moves) < 0.5).tolist() if problem.size <= SWAPS_UP_TO else [False] * moves
    hot = heat * max(objective(problem, post) / problem.size, 1e-9)
    every = max(50, moves // 60)
    for step in range(moves):
        if step % every == 0:
            share = step / moves
            temperature = hot * 0.001**share
            state.recentre(penalty_factor=penalty * (1.0 + 9.0 * share))
        state.try_move(picks[step], sides[step], temperature * luck[step], swap=kinds[step])
    state.recentre(penalty_factor=10.0 * penalty)
    return state.found()


class _State:
    """Zones during annealing. Sets of units are integers (one bit a unit): a border test is one ``&``."""

    def __init__(self, problem: Problem, post: Ints) -> None:
        self.problem = problem
        self.near, self.bits = problem.neighbours, problem.neighbour_bits
        self.work: list[float] = problem.load.tolist()
        self.low, self.high = problem.lowest, problem.highest
        posts, zone = np.unique(post, return_inverse=True)
        self.zone: list[int] = zone.tolist()
        self.posts: list[int] = posts.tolist()
        self.best: list[int] | None = None
        self.best_posts: list[int] = []
        self.best_cost = math.inf
        self.least = math.inf
        self.recentre(penalty_factor=1.0)

    def recentre(self, *, penalty_factor: float) -> None:
        """Move the posts to the middle of their zones and rebuild all sums (no rounding error grows)."""
        zone = np.array(self.zone)
        post, count = np.array(self.posts, dtype=np.int64)[zone], len(self.posts)
        self.posts = [recentred_post(self.problem, post, j) for j in self.posts]
        post = np.array(self.posts, dtype=np.int64)[zone]
        self.cost: list[list[float]] = [self.problem.cost[:, j].tolist() for j in self.posts]
        self.total: list[float] = np.bincount(zone, weights=self.problem.load, minlength=count).tolist()
        self.members = [0] * count
        for i, z in enumerate(self.zone):
            self.members[z] |= 1 << i
        self.now = objective(self.problem, post)
        self.penalty = penalty_factor * 2.0 * max(self.now, 1e-9) / max(float(self.problem.load.sum()), 1e-9)
        self.out = sum(self.excess(load) for load in self.total)
        self.keep_if_best()

    def excess(self, load: float) -> float:
        """Return the load outside the band."""
        if load > self.high:
            return load - self.high
        return self.low - load if load < self.low else 0.0

    def keep_if_best(self) -> None:
        """Remember the answer if it obeys the band and costs less than the best so far."""
        mean = self.problem.mean_load
        self.least = min(self.least, max(max(self.total) / mean - 1, 1 - min(self.total) / mean))
        if self.now < self.best_cost - 1e-9 and all(self.low <= load <= self.high for load in self.total):
            self.best, self.best_posts, self.best_cost = self.zone.copy(), self.posts.copy(), self.now

    def try_move(self, i: int, side: float, allowance: float, *, swap: bool) -> None:
        """Move unit i (or swap it) across the border it may touch, if this costs at most ``allowance``."""
        near = self.near[i]
        if not near:
            return
        a, b = self.zone[i], self.zone[near[int(side * len(near))]]
        if a == b or self.posts[a] == i:
            return
        if swap:
            self._try_swap(i, a, b, side, allowance)
        else:
            self._try_shift(i, a, b, allowance)

    def _try_shift(self, i: int, a: int, b: int, allowance: float) -> None:
        work, total = self.work[i], self.total
        change = self.cost[b][i] - self.cost[a][i]
        out = (
            self.excess(total[a] - work) + self.excess(total[b] + work) - self.excess(total[a]) - self.excess(total[b])
        )
        if change + self.penalty * out > allowance or not self._stays_whole(a, i):
            return
        self._apply(i, a, b)
        self._settle(change, out)

    def _try_swap(self, i: int, a: int, b: int, side: float, allowance: float) -> None:
        partner = self._partner(i, a, b, side)
        if partner < 0:
            return
        more, total = self.work[partner] - self.work[i], self.total
        change = self.cost[b][i] - self.cost[a][i] + self.cost[a][partner] - self.cost[b][partner]
        out = (
            self.excess(total[a] + more) + self.excess(total[b] - more) - self.excess(total[a]) - self.excess(total[b])
        )
        if change + self.penalty * out > allowance:
            return
        here, there = 1 << i, 1 << partner
        if not (self._is_whole(self.members[a] ^ here | there) and self._is_whole(self.members[b] ^ there | here)):
            return
        self._apply(i, a, b)
        self._apply(partner, b, a)
        self._settle(change, out)

    def _partner(self, i: int, a: int, b: int, side: float) -> int:
        """Choose a unit of zone b on the border of a, other than b's post; -1 if there is none."""
        rest = self.members[a] & ~(1 << i)
        options = [m for m in _units(self.members[b]) if self.bits[m] & rest and m != self.posts[b]]
        return options[int(side * 7919) % len(options)] if options else -1

    def _apply(self, i: int, a: int, b: int) -> None:
        bit = 1 << i
        self.members[a] &= ~bit
        self.members[b] |= bit
        self.total[a] -= self.work[i]
        self.total[b] += self.work[i]
        self.zone[i] = b

    def _settle(self, change: float, out: float) -> None:
        self.now += change
        self.out += out
        if self.out <= 1e-9 * self.high or self.now < self.best_cost:
            self.keep_if_best()

    def _stays_whole(self, a: int, i: int) -> bool:
        """Tell whether zone a is still connected without unit i (which is not its post)."""
        rest = self.members[a] & ~(1 << i)
        around = self.bits[i] & rest
        return around & (around - 1) == 0 or self._joins(around, rest)

    def _is_whole(self, members: int) -> bool:
        return self._joins(members, members)

    def _joins(self, wanted: int, inside: int) -> bool:
        """Tell whether one walk inside the set reaches all wanted units; ends as soon as it does."""
        seen = edge = wanted & -wanted
        while wanted & ~seen:
            reached = 0
            for unit in _units(edge):
                reached |= self.bits[unit]
            edge = reached & inside & ~seen
            if not edge:
                return False
            seen |= edge
        return True

    def found(self) -> Found:
        """Return the best answer met, checked against every rule."""
        if self.best is None:
            return Found(None, math.inf, self.least)
        post = recentred(self.problem, np.array(self.best_posts, dtype=np.int64)[np.array(self.best)])
        broken = broken_rules(self.problem, post)
        return Found(None if broken else post, math.inf if broken else objective(self.problem, post), self.least)


def _units(members: int) -> list[int]:
    """Return the units of a set held as bits."""
    found = []
    while members:
        last = members & -members
        found.append(last.bit_length() - 1)
        members ^= last
    return found
