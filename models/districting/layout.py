"""The first map of a large ground: price location-allocation from posts that halving the ground spreads evenly.

In:     a ``CityProblem`` and a random generator.
Out:    a ``Layout``: posts, the zone of each unit, prices. Zones are connected; their loads are near the band, the rest
        is for ``border``.
Method: 1. The ground is halved by work again and again (k₁ of k zones on one side), across the longest way in it; a
           central unit of each part is a post. So every quarter of the city begins with the posts its work asks for:
           posts drawn at random need hundreds of rounds to drift there.
        2. A unit goes to argmin_j d_ij + p_j: one Dijkstra from all posts at once, post j starting at p_j (an
           additively weighted Voronoi diagram on the graph; its zones are star-shaped, hence connected). Prices are
           the multipliers of the load limits: a zone above the band gets dearer, one below it cheaper.
        3. Each post moves to the middle of its zone; back to 2.
        The price step is Newton's for a round zone: its load grows by about 2·W/r for each minute of reach r.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from models.districting.city_problem import CityProblem, main_pieces, members_of
from models.districting.feasible import zones_by_component
from models.districting.problem import Floats, Ints

FAR = 1e6  # minutes: no way
PRICE_STEPS, DAMPING = 40, 0.5
CANDIDATES, HOPS = 30, 6  # units tried as the next post, nearest first, and how often it may move on


@dataclass(frozen=True)
class Layout:
    """Posts with prices, and who goes where."""

    posts: Ints
    zone: Ints  # place of each unit's post in ``posts``
    price: Floats
    cost: float  # Σ w_i·d_ij
    outside: float  # load outside the band


def lay_out(ground: CityProblem, *, rng: np.random.Generator, rounds: int = 25) -> Layout:
    """Return the cheapest layout met in some rounds of allocation and re-centring."""
    posts = spread_posts(ground, rng=rng)
    price, best = np.zeros(ground.count), None
    for _ in range(rounds):
        here = allocate(ground, posts, price)
        price = here.price
        if best is None or _promise(ground, here) < _promise(ground, best):
            best = here
        moved = central_posts(ground, here.zone, posts)
        if (moved == posts).all():
            break
        posts = moved
    assert best is not None
    return best


def _promise(ground: CityProblem, layout: Layout) -> float:
    """Return the cost with load outside the band at twice the mean minutes."""
    return layout.cost * (1 + 2 * layout.outside / float(ground.load.sum()))


class PricedPosts:
    """Nearest post by d_ij + p_j: one Dijkstra from the posts, each entered by an edge of its price."""

    def __init__(self, ground: CityProblem, posts: Ints) -> None:
        walk, count = ground.walk_min, len(posts)
        self.size, self.edges = ground.size, len(walk.data)
        first = np.concatenate([walk.indptr, walk.indptr[-1] + np.arange(1, count + 1)]).astype(np.int32)
        ends = np.concatenate([walk.indices, posts]).astype(np.int32)
        both = ground.size + count
        self.graph = csr_array((np.concatenate([walk.data, np.ones(count)]), ends, first), shape=(both, both))
        self.entries = np.arange(ground.size, both)

    def nearest(self, price: Floats) -> tuple[Ints, Floats]:
        """Return each unit's post (by its place among the posts) and d_ij + p_j, shapes (n,)."""
        shift = 1e-3 - float(price.min())  # csgraph reads an edge of no length as no edge
        self.graph.data[self.edges :] = price + shift
        way, _, source = dijkstra(self.graph, indices=self.entries, min_only=True, return_predecessors=True)
        return source[: self.size].astype(np.int64) - self.size, way[: self.size] - shift


def allocate(ground: CityProblem, posts: Ints, price: Floats) -> Layout:
    """Move the prices until the loads lie in the band, or the steps are over; keep the least load outside."""
    dearer, cheaper = np.maximum(price, 0.0), np.maximum(-price, 0.0)
    priced, best = PricedPosts(ground, posts), None
    for step in range(PRICE_STEPS):
        price = dearer - cheaper
        zone, way = priced.nearest(price)
        load = np.bincount(zone, weights=ground.load, minlength=len(posts))
        work = np.bincount(zone, weights=ground.load * (way - price[zone]), minlength=len(posts))
        over, under = load - ground.highest, ground.lowest - load
        outside = float(np.maximum(over, 0).sum() + np.maximum(under, 0).sum())
        if best is None or outside < best.outside:
            best = Layout(posts, zone, price, float(work.sum()), outside)
        if outside == 0:
            break
        reach = np.maximum(work / np.maximum(load, 1e-9), ground.longest_step / 2)
        pace = DAMPING * reach / ground.mean_load / (1 + step / 30)
        dearer, cheaper = np.maximum(0.0, dearer + pace * over), np.maximum(0.0, cheaper + pace * under)
    assert best is not None
    return best


def spread_posts(ground: CityProblem, *, rng: np.random.Generator) -> Ints:
    """Return k posts, spread by work: so many on each connected piece of ground as its work asks for."""
    posts: list[int] = []
    for part, count in enumerate(zones_by_component(ground)[0].tolist()):
        posts += _halved(ground, np.flatnonzero(ground.component == part), count, rng)
    return np.array(posts, dtype=np.int64)


def _halved(ground: CityProblem, units: Ints, count: int, rng: np.random.Generator) -> list[int]:
    part = ground.walk_min[units][:, units]
    if count == 1:
        some = rng.choice(len(units), size=min(16, len(units)), replace=False)
        ways = _known(np.asarray(dijkstra(part, indices=some)))
        return [int(units[some[np.argmin(ways @ ground.load[units])]])]
    start = _known(np.asarray(dijkstra(part, indices=int(rng.integers(len(units))))))
    end = _known(np.asarray(dijkstra(part, indices=_farthest(start))))
    other = _known(np.asarray(dijkstra(part, indices=_farthest(end))))
    order = np.lexsort((rng.random(len(units)), end - other))
    filled, few = np.cumsum(ground.load[units[order]]), count // 2
    cut = int(np.searchsorted(filled, filled[-1] * few / count)) + 1
    cut = min(max(cut, few), len(units) - (count - few))
    here, there = np.sort(units[order[:cut]]), np.sort(units[order[cut:]])
    return _halved(ground, here, few, rng) + _halved(ground, there, count - few, rng)


def _known(minutes: Floats) -> Floats:
    return np.where(np.isfinite(minutes), minutes, FAR)


def _farthest(minutes: Floats) -> int:
    return int(np.argmax(np.where(minutes < FAR, minutes, -1.0)))


def central_posts(ground: CityProblem, zone: Ints, posts: Ints) -> Ints:
    """Return each zone's cheapest post that steps from its present one lead to, by ways inside the zone."""
    return np.array(
        [_centre(ground, units, int(post)) for units, post in zip(members_of(zone, len(posts)), posts, strict=True)],
        dtype=np.int64,
    )


def _centre(ground: CityProblem, units: Ints, post: int) -> int:
    place = int(np.searchsorted(units, post))
    if place == len(units) or units[place] != post:
        return post  # priced out of its own zone: where it stands the price decides
    inside, load = ground.walk_min[units][:, units], ground.load[units]
    ways = np.asarray(dijkstra(inside, indices=place))
    reached = np.isfinite(ways)
    least = float(ways[reached] @ load[reached])
    for _ in range(HOPS):
        near = np.argsort(ways, kind="stable")[1:CANDIDATES]
        near = near[np.isfinite(ways[near])]
        if len(near) == 0:
            break
        rows = np.asarray(dijkstra(inside, indices=near))
        costs = np.where(reached, rows, 0.0) @ load
        if costs.min() >= least - 1e-9 * max(least, 1.0):
            break
        place, ways, least = int(near[np.argmin(costs)]), rows[np.argmin(costs)], float(costs.min())
    return int(units[place])


def joined_to_posts(ground: CityProblem, zone: Ints, posts: Ints) -> Ints:
    """Return the zones with every unit that is cut off from its post joined to a zone it touches."""
    zone = zone.copy()
    zone[posts] = np.arange(len(posts))
    joined = main_pieces(ground, zone, posts)
    edge = np.flatnonzero(~joined).tolist()
    while edge:
        waiting = []
        for i in edge:
            near = [j for j in ground.neighbours[i] if joined[j]]
            if near:
                zone[i], joined[i] = zone[near[0]], True
            else:
                waiting.append(i)
        if len(waiting) == len(edge):
            raise ValueError("a piece of the ground has no post")
        edge = waiting
    return zone
