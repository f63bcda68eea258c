"""The end of a part of a search tree: all zones a better plan of it could use are listed and put together.

In:     a ``Problem``, disjoint parts R of the ground with k_R posts each, open pairs, prices u_i, what is to be beaten.
Out:    the best plan of them that beats it, or that there is none; nothing where the lists would be too long.
Method: at the prices of a node a plan cheaper than C uses of post j in R only zones with

            V ≤ C − L(u) + min(V_j, the k_R-th smallest of R)

        As L rises from node to node these get few long before the posts are settled: 1,500 open pairs and a room of
        2.5 % make 20,000 zones (70 villages, 10 zones), which ``stock`` ends in 0.1 s. The programme of pairs takes
        seconds with every post settled. A set of villages stands once for each post: the posts of a part count.
"""

from collections.abc import Sequence

import numpy as np

from models.districting.partition import Best, Count
from models.districting.parts import nested_parts
from models.districting.problem import Bools, Floats, Ints, Problem
from models.districting.stock import best_of_stock
from models.districting.watch import Watch
from models.districting.whole_zones import Zones, ZonesOfPost, joined, leave_whole_zones, no_zones

IN_ALL = 1_000_000  # zones of all posts, beyond which lists are too long


def best_by_zones(
    problem: Problem, parts: Sequence[tuple[Ints, int]], open_pairs: Bools, u: Floats, cost: float, *,
    most: int, watch: Watch, seed: int,
) -> Best | None:  # fmt: skip
    """Return the best plan with the posts of the parts that costs less than ``cost``; None if lists are too long.

    ``most`` is how many unfinished zones a post may have.
    """
    zones = _zones_within(problem, parts, open_pairs, u, cost, most=most)
    if zones is None:
        return None
    if not len(zones):
        return Best(None, cost, True)
    counts = tuple(Count(_marks(problem.size, posts), count, count) for posts, count in parts)
    nested = nested_parts(problem, np.concatenate([posts for posts, _ in parts]))
    return best_of_stock(zones, problem.count, cost, u, watch=watch, seed=seed, proof=True, parts=nested, counts=counts)


def _zones_within(
    problem: Problem, parts: Sequence[tuple[Ints, int]], open_pairs: Bools, u: Floats, cost: float, *, most: int
) -> Zones | None:
    """Return all zones a better plan could use, or None if there are too many; the longest lists are tried first."""
    source = [ZonesOfPost(problem, j, open_pairs[:, j]) for posts, _ in parts for j in posts.tolist()]
    tables = [of_post.tables(u) for of_post in source]
    least = np.array([of_post.least_value(u, table) for of_post, table in zip(source, tables, strict=True)])
    dearest, room, first = np.empty(len(least)), cost - float(u.sum()), 0
    for posts, count in parts:
        lowest = np.sort(least[first : first + len(posts)])[:count]
        room, dearest[first : first + len(posts)] = room - float(lowest.sum()), lowest[-1]
        first += len(posts)
    if not np.isfinite(room):
        return no_zones(problem.size)
    limits, found, total = room + np.minimum(least, dearest), list[Zones](), 0
    for place in sorted(np.flatnonzero(least <= limits).tolist(), key=lambda place: -len(source[place].near)):
        below = source[place].below(u, tables[place], float(limits[place]), most=most, all_or_none=True)
        total += len(below.zones)
        if below.complete_to < limits[place] or total > IN_ALL:
            return None
        found.append(below.zones)
    every = joined([no_zones(problem.size), *found])
    return every.only(leave_whole_zones(problem, every))


def _marks(size: int, posts: Ints) -> Bools:
    marks = np.zeros(size, dtype=bool)
    marks[posts] = True
    return marks
