"""The best plan of a town, proven at one look: all zones a better plan could use are listed and put together.

In:     a ``Problem``, an answer to start from, a watch.
Out:    the best answer met (never worse than the start), a bound no plan can fall below, and whether the two are one.
Method: the relaxation of rules (1)–(5) sets posts and zones by halves; with tight tolerance and uneven villages this
        hides 5–10 % of the cost. Whole, connected zones hide 1–8 %, and of these so few lie within that room of the
        best that they can be listed (``zone_prices``), and the best plan of them be found (``stock``). A short list
        gives a good plan first, which makes the room smaller. Where zones hold many villages the lists get too long;
        then ``branch`` goes on.
"""

import functools
from collections.abc import Sequence

import numpy as np

from models.districting.bound import lagrangian_bound
from models.districting.branch import Branched, within_reach
from models.districting.exact import connected_pairs
from models.districting.parts import nested_parts
from models.districting.problem import SAME, Floats, Ints, Problem, broken_rules, objective
from models.districting.stock import best_of_stock
from models.districting.watch import Watch
from models.districting.whole_zones import ZonesOfPost, sums, zones_of
from models.districting.zone_prices import bound_of, dearest_used, raise_prices, sweep

LISTS = ((3_000, 0.65), (30_000, 0.45), (300_000, 0.1), (3_000_000, 0.0))
PATIENT = tuple((most, 1.0) for most, _ in LISTS)  # where another process goes the other way meanwhile
MOST = 2_500_000  # zones in all lists together beyond which no longer ones are made
LIKELY = 20_000  # cheapest zones of an incomplete list that are tried for a better plan


def best_by_lists(
    problem: Problem, start: Ints, *, watch: Watch, seed: int, lists: Sequence[tuple[int, float]] = LISTS
) -> Branched:
    """Return the best answer found and the bound; "optimal" where the lists were complete in time, else "time".

    ``lists`` are tried in turn: unfinished zones of a post in a list, and the share of posts whose list may then still
    be too long for the next to be made.
    """
    best, cost = start, objective(problem, start)
    proof = lagrangian_bound(problem, start, iterations=600)
    if watch.over():
        return Branched(best, min(cost, proof.value), "time", 0, 0, 0)
    open_pairs = connected_pairs(problem, proof.open_pairs & within_reach(problem))
    posts = np.flatnonzero(np.diag(open_pairs))
    if len(posts) < problem.count or not open_pairs.any(axis=1).all():
        return Branched(best, cost, "optimal", 0, 0, 0)
    source = [ZonesOfPost(problem, j, open_pairs[:, j]) for j in posts.tolist()]
    priced = raise_prices(problem, source, problem.load * proof.minutes, zones_of(problem, start), cost, watch=watch)
    if priced.bound >= cost * (1 - SAME):
        return Branched(best, cost, "optimal", 1, 0, 0)
    u, least, stock, solves = priced.u, priced.least, priced.stock, 0
    bound = max(proof.value, bound_of(problem.count, u, least))
    missing, parts = np.ones(len(least), dtype=bool), nested_parts(problem, posts)
    for most, few in lists:
        best, cost = watch.better(best, cost, bound)
        if watch.over():
            break
        room = functools.partial(_room, problem.count, u, cost, least)
        swept = sweep(source, u, room, most=most, only=missing, watch=watch)
        least = np.maximum(least, swept.least)
        stock = stock.with_others(*swept.zones)
        value = stock.cost - sums(stock.members, u)
        while True:
            limits = _room(problem.count, u, cost, least, least)
            complete = bool((np.where(missing, swept.complete_to, np.inf) >= limits - SAME * cost).all())
            some = stock if complete else stock.only(np.argsort(value, kind="stable")[:LIKELY])
            found = best_of_stock(some, problem.count, cost, u, watch=watch, seed=seed,
                                  proof=complete, parts=parts)  # fmt: skip
            solves += 1
            if found.post is not None:
                best, cost = _checked(problem, found.post), found.cost
            if complete or found.post is None:
                break
        if complete and found.proven:
            return Branched(best, cost, "optimal", 1, solves, 0)
        missing &= swept.complete_to < limits - SAME * cost
        bound = max(bound, bound_of(problem.count, u, least), found.bound if complete else -np.inf)
        if complete or missing.mean() > few or len(stock) > MOST:
            break
    return Branched(best, min(cost, bound), "time", 1, solves, 0)


def _room(count: int, u: Floats, cost: float, known: Floats, lowest: Floats) -> Floats:
    """Return the value up to which a plan cheaper than ``cost`` may use zones of each post."""
    least = np.maximum(known, lowest)
    return cost - bound_of(count, u, least) + dearest_used(count, least)


def _checked(problem: Problem, post: Ints) -> Ints:
    if broken := broken_rules(problem, post):
        raise RuntimeError(f"zones put together break: {broken}")
    return post
