"""A proven bound for a large ground: prices climbed over some posts, then held against every post there could be.

In:     a ``CityProblem`` and a plan (posts and zones).
Out:    a number that no plan can fall below.
Method: L(v) of ``bound`` with the prices of ``dual``. Two things keep a hundred thousand posts within minutes:

        Climbing looks at posts spread over the ground and, in later rounds, at those that came out cheapest.

        The proof looks at every post j, but only as far as R minutes around it, and at any multiplier q_j, for

            V_j ≥ q_j·T + Σ_i w_i·min(0, d_ij − v_i − q_j),   T = (1+e)W for q_j < 0, (1−e)W for q_j > 0

        holds for any q_j (weak duality). A unit beyond R adds nothing if v_i − d_ij ≤ −q_j. Every way out passes a
        unit s of the rim (R − longest step < d_sj ≤ R), and if v climbs no faster than the walk, v_i ≤ v_s + d_is,
        then v_i − d_ij ≤ v_s − d_sj: so it is enough that q_j ≤ −max_s (v_s − d_sj), and a greater q_j is cut down
        to that. v is made so first: v_i ← min_s v_s + d_is. Where the cut spoils V_j of a post that counts, R grows.
        The sum of the k smallest of these values bounds the k smallest V_j, hence every plan: also one with split
        units and torn zones.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import dijkstra

from models.districting.city_problem import CityProblem, members_of
from models.districting.climbing import Look, raise_bound, spread_posts_evenly
from models.districting.dual import Limits, Offers, bound_over
from models.districting.layout import PricedPosts
from models.districting.problem import Floats, Ints

WIDER = 1.35  # growth of R where it was too short
ROUNDS = 8  # of looking again at the posts that count
FAR = 1.6  # R of the first look, in widths of a zone from its post to (nearly) its farthest unit
JOINED_HIT = 1.2  # growth of R of a block where a cheapest post was cut
STEPS, MORE, CLIMBS = 60, 25, 3


@dataclass(frozen=True)
class Judged:
    """A valid lower value of every post, the multiplier it was had with, and whether R cut it down."""

    value: Floats
    q: Floats
    cut: np.ndarray


def city_bound(ground: CityProblem, zone: Ints, minutes: Floats, *, enough: Callable[[float], bool]) -> float:
    """Return a bound on every plan's cost.

    Parameters
    ----------
    zone, minutes
        The zone of each unit in the plan at hand and its minutes to the post: blocks and reach are taken from them.
    enough
        Asked after each round of climbing whether the bound (or the time) is enough.
    """
    limits = limits_of(ground)
    widths = [float(np.quantile(minutes[units], 0.98)) for units in members_of(zone, ground.count)]
    reach = FAR * np.maximum(np.array(widths), 2 * ground.longest_step)

    def nearest(posts: Ints) -> Ints:
        return PricedPosts(ground, posts).nearest(np.zeros(len(posts)))[0]

    def judge(v: Floats, offers: Offers) -> tuple[Floats, float, Floats]:
        v = gently(ground, v)
        near = offers.filling_prices(v)[nearest(offers.post)]
        bound, judged = proven_bound(ground, v, q=near, zone=zone, reach=reach)
        cheapest = np.argpartition(judged.value, ground.count)[: ground.count]
        reach[np.unique(zone[cheapest[judged.cut[cheapest]]])] *= JOINED_HIT
        return v, bound, judged.value

    look = Look(lambda posts: offers_around(ground, posts, zone, reach), judge, nearest)
    mean_min = float(minutes @ ground.load / ground.load.sum())
    first = spread_posts_evenly(ground.neighbours, ground.count)
    return raise_bound(
        limits, look, first, mean_min=mean_min, steps=STEPS, more=MORE, rounds=CLIMBS, enough=enough
    ).bound


def gently(ground: CityProblem, v: Floats) -> Floats:
    """Return min_s v_s + d_is: the greatest prices up to v that climb no faster than the walk."""
    return PricedPosts(ground, np.arange(ground.size)).nearest(v)[1]


def proven_bound(ground: CityProblem, v: Floats, *, q: Floats, zone: Ints, reach: Floats) -> tuple[float, Judged]:
    """Return L at prices that climb gently, over all posts.

    Parameters
    ----------
    q
        A multiplier for every post, shape (n,); the nearer to the best the higher the bound, any is valid.
    zone, reach
        A block of each unit as a post, and the minutes R looked at around each block.
    """
    blocks, limits = members_of(zone, len(reach)), limits_of(ground)
    judged = Judged(np.full(ground.size, -math.inf), q.copy(), np.zeros(ground.size, dtype=bool))
    for block, minutes in zip(blocks, reach.tolist(), strict=True):
        _judge(ground, v, block, minutes, judged, search=False)
    far = reach.copy()
    for _ in range(ROUNDS):
        # A post counts while its value is among the k smallest; only those are worth the best q and a wider R.
        kth = np.partition(judged.value, ground.count)[ground.count]
        counts = judged.value <= kth
        before = bound_over(limits, v, judged.value)
        for place, block in enumerate(blocks):
            weak = block[counts[block]]
            if len(weak):
                if judged.cut[weak].any():
                    far[place] *= WIDER
                _judge(ground, v, weak, float(far[place]), judged, search=True)
        if bound_over(limits, v, judged.value) - before <= 1e-4 * abs(before):
            break
    return bound_over(limits, v, judged.value), judged


def limits_of(ground: CityProblem) -> Limits:
    """Return what the knapsacks need to know of a ground."""
    return Limits(ground.load, ground.lowest, ground.highest, ground.count)


def _judge(ground: CityProblem, v: Floats, posts: Ints, minutes: float, judged: Judged, *, search: bool) -> None:
    """Write a valid value of some neighbouring posts; with ``search`` at the best multiplier, else at the one held."""
    near, ways = _around(ground, posts, minutes)
    ratio = ways - v[near]
    rim = np.isfinite(ways) & (ways > minutes - ground.longest_step * (1 + 1e-9))
    highest_q = ratio.min(axis=1, where=rim, initial=math.inf)
    ratio[np.arange(len(posts)), np.searchsorted(near, posts)] = math.inf  # a post's own unit is always taken
    work, own = ground.load[near], ground.load[posts]
    q = _best_q(ground, ratio, work, own) if search else judged.q[posts]
    allowed = np.minimum(q, highest_q)
    target = np.where(allowed > 0, ground.lowest, ground.highest)
    value = allowed * (target - own) + np.minimum(ratio - allowed[:, None], 0.0) @ work - own * v[posts]
    better = value > judged.value[posts]
    judged.value[posts[better]] = value[better]
    judged.q[posts[better]] = allowed[better]
    judged.cut[posts] = allowed < q


def _best_q(ground: CityProblem, ratio: Floats, work: Floats, own: Floats) -> Floats:
    """Return the minutes at which each post's zone fills up, by halving."""
    wish = (ratio < 0) @ work + own
    target = np.clip(wish, ground.lowest, ground.highest)
    most = float(np.abs(ratio[np.isfinite(ratio)]).max(initial=1.0))
    low, high = np.where(target < wish, -most, 0.0), np.where(target > wish, most, 0.0)
    for _ in range(24):
        middle = (low + high) / 2
        short = (ratio < middle[:, None]) @ work + own <= target
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return high


def _around(ground: CityProblem, posts: Ints, minutes: float) -> tuple[Ints, Floats]:
    """Return the units within some minutes of any of the posts (sorted), and the minutes, shape (m, units)."""
    near = np.flatnonzero(np.isfinite(dijkstra(ground.walk_min, indices=posts, min_only=True, limit=minutes)))
    part = ground.walk_min[near][:, near]
    return near, np.asarray(dijkstra(part, indices=np.searchsorted(near, posts), limit=minutes))


def offers_around(ground: CityProblem, posts: Ints, zone: Ints, reach: Floats) -> Offers:
    """Return the offers of some posts to the units within reach of their block."""
    post, start, unit, minutes, filled = [], [], [], [], 0
    for block, far in zip(members_of(zone[posts], len(reach)), reach.tolist(), strict=True):
        if len(block) == 0:
            continue
        near, ways = _around(ground, posts[block], far)
        inside = np.isfinite(ways)
        lengths = inside.sum(axis=1)
        post.append(posts[block])
        start.append(filled + np.concatenate([[0], np.cumsum(lengths)[:-1]]))
        unit.append(near[np.nonzero(inside)[1]].astype(np.int32))
        minutes.append(ways[inside].astype(np.float32))
        filled += int(lengths.sum())
    return Offers(
        np.concatenate(post), np.concatenate(start), np.concatenate(unit), np.concatenate(minutes), limits_of(ground)
    )
