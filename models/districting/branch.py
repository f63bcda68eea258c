"""The best plan of a town, proven: branch on how many posts stand in each part of the ground.

In:     a ``Problem`` with a load band, an answer to start from, a watch.
Out:    the best answer met (never worse than the start), a bound no plan can fall below, and how the work ended.
Method: the relaxation of rules (1)–(5) sets posts by halves, so that every part of the ground gets exactly the share
        of a zone that its load asks for; with tight tolerance and uneven villages this hides 5–10 % of the cost.
        Branching on one post cuts little off, for its neighbour takes its place. So a node holds disjoint parts R of
        the ground with whole numbers of posts,

            Σ_{j∈R} x_jj = k_R,

        and a branch splits a part in two (by average linkage of minutes) and shares k_R between them in every way. In
        a node the prices v of ``bound.py`` are moved on, first with continuous knapsacks, then with whole villages:

            V_j(v) = min Σ_i w_i·(d_ij − v_i)·x_ij,  x ∈ {0, 1},  load in the band             (``knapsack``)

        A good plan early is half of the proof, so the posts that the prices choose are looked at by themselves, each
        choice once: mostly one raising of the prices shows that no better plan has them. Pairs whose toll lifts the
        bound over the best answer are closed for the node and all below it. A node whose bound has come near to what
        is to be beaten is ended by its zones (``node_lists``). Where every part is a single post and its zones are too
        many, what is left is an assignment, which HiGHS finishes with cuts of contiguity (``exact``).
"""

import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from models.districting.bound import Knapsacks, columns_of, continuous_knapsacks, lagrangian_bound
from models.districting.exact import connected_pairs, solve_exactly
from models.districting.knapsack import Knapsack
from models.districting.node_lists import best_by_zones
from models.districting.partition import Best
from models.districting.parts import halves
from models.districting.problem import SAME, Bools, Floats, Ints, Problem, objective, recentred
from models.districting.watch import Watch

ROOT_MOVES, NODE_MOVES = (300, 60), (40, 8)  # subgradient moves with continuous and with whole villages
LONGEST = 50_000  # unfinished zones a post may have in a list that ends a node
SETTLED = 3  # times as many where every post is settled: such a list takes 0.5 s, HiGHS 1–4 s (70 villages, 10 zones)
NEAR, AGAIN = 0.06, 0.7  # room (of what is to be beaten) for a first list; of the room at which one was too long


@dataclass(frozen=True)
class Branched:
    """What branching came to."""

    post: Ints
    bound: float
    ended_by: str  # "optimal" or "time"
    nodes: int
    solves: int
    cuts: int
    left: tuple["_Node", ...] = ()  # parts of the tree not looked at yet


@dataclass(frozen=True)
class _Node:
    """Parts of the ground with a number of posts each, the pairs (unit, post) still open, prices, and a bound."""

    parts: tuple[tuple[Ints, int], ...]
    open_pairs: Bools
    v: Floats
    bound: float
    too_long: float = math.inf  # room in which a list was too long here or above

    @property
    def posts(self) -> Ints:
        return np.concatenate([posts for posts, _ in self.parts])

    @property
    def settled(self) -> bool:
        return all(len(posts) == count for posts, count in self.parts)


def branch(
    problem: Problem, start: Ints, *, watch: Watch, seed: int, most_nodes: int | None = None,
    begin: tuple["_Node", ...] | None = None, longest: int = LONGEST,
) -> Branched:  # fmt: skip
    """Return the cheapest connected answer, or the best found and the bound when the time (or nodes) is over.

    With ``begin``, what an earlier run left, the work goes on there; ``start`` may cost less than what that run found.
    """
    best, cost = start, objective(problem, start)
    number, nodes, solves, cuts = itertools.count(), 0, 0, 0
    looked_at = set[bytes]()
    first = _root(problem, start) if begin is None else begin
    waiting: list[tuple[float, int, _Node]] = [(node.bound, next(number), node) for node in first]
    heapq.heapify(waiting)
    while waiting and waiting[0][0] < cost * (1 - SAME):
        best, cost = watch.better(best, cost, min(cost, waiting[0][0]))
        if watch.over() or nodes == most_nodes:
            left = tuple(node for _, _, node in sorted(waiting))
            return Branched(best, min(cost, left[0].bound), "time", nodes, solves, cuts, left)
        _, _, node = heapq.heappop(waiting)
        nodes += 1
        tight, taken = _tightened(problem, node, cost, moves=NODE_MOVES if nodes > 1 else ROOT_MOVES)
        if tight is None:
            continue
        room = cost - tight.bound
        if tight.settled or room < min(NEAR * cost, AGAIN * tight.too_long):
            ended = _by_zones(problem, tight, cost, longest=longest, watch=watch, seed=seed)
            if ended is not None:
                solves += 1
                if ended.post is not None:
                    best, cost = ended.post, ended.cost
                if not ended.proven:  # back on the pile: its bound still counts
                    heapq.heappush(waiting, (tight.bound, next(number), tight))
                continue
            tight = replace(tight, too_long=room)
        if tight.settled:
            leaf = solve_exactly(problem, best, tight.open_pairs, time_limit_s=watch.left_s, seed=seed)
            solves, cuts = solves + leaf.solves, cuts + leaf.cuts
            if leaf.post is not None and objective(problem, leaf.post) < cost:
                best, cost = leaf.post, objective(problem, leaf.post)
            if leaf.ended_by == "time":
                heapq.heappush(waiting, (tight.bound, next(number), tight))
            continue
        likely = _with_likeliest_posts(problem, tight)
        if likely.posts.tobytes() not in looked_at:
            looked_at.add(likely.posts.tobytes())
            dived = _dive(problem, likely, best, cost, longest=longest, watch=watch, seed=seed)
            best, cost = dived, objective(problem, dived)
        for child in _children(problem, tight, taken):
            heapq.heappush(waiting, (child.bound, next(number), child))
    return Branched(best, cost, "optimal", nodes, solves, cuts)


def _root(problem: Problem, start: Ints) -> tuple[_Node, ...]:
    """Return the node that holds every answer cheaper than the start; none if there are too few posts for one."""
    proof = lagrangian_bound(problem, start, iterations=600)
    open_pairs = proof.open_pairs & within_reach(problem)
    posts = np.flatnonzero(np.diag(open_pairs))
    if len(posts) < problem.count:
        return ()
    return (_Node(((posts, problem.count),), open_pairs, proof.minutes, proof.value),)


def _by_zones(problem: Problem, node: _Node, cost: float, *, longest: int, watch: Watch, seed: int) -> Best | None:
    most = SETTLED * longest if node.settled else longest
    u = problem.load * node.v
    return best_by_zones(problem, node.parts, node.open_pairs, u, cost, most=most, watch=watch, seed=seed)


def _with_likeliest_posts(problem: Problem, node: _Node) -> _Node:
    """Return the part of a node whose posts are those that the prices choose."""
    solved = continuous_knapsacks(problem, columns_of(problem, node.posts, node.open_pairs), node.v)
    posts = np.sort(node.posts[_chosen(node, solved.value)])
    open_pairs = np.zeros_like(node.open_pairs)
    open_pairs[:, posts] = node.open_pairs[:, posts]
    open_pairs[posts] = False
    open_pairs[posts, posts] = True
    return replace(node, parts=tuple((posts[[place]], 1) for place in range(len(posts))), open_pairs=open_pairs)


def _dive(problem: Problem, node: _Node, best: Ints, cost: float, *, longest: int, watch: Watch, seed: int) -> Ints:
    """Return the best plan with a node's settled posts, or ``best`` if that is no worse or the lists are too long.

    With uneven villages the search may stay 20 % over the best plan; the prices point to its posts at once.
    """
    tight, _ = _tightened(problem, node, cost, moves=NODE_MOVES)
    found = None if tight is None else _by_zones(problem, tight, cost, longest=longest, watch=watch, seed=seed)
    return best if found is None or found.post is None else recentred(problem, found.post)


def within_reach(problem: Problem) -> Bools:
    """Tell which pairs one zone can hold: the lightest walk between the two is no heavier than a zone may be."""
    rows = np.repeat(np.arange(problem.size), [len(near) for near in problem.neighbours])
    ends = np.array([j for near in problem.neighbours for j in near], dtype=np.int64)
    half = problem.load / 2 + 1e-12 * problem.mean_load
    steps = csr_array((half[rows] + half[ends], (rows, ends)), shape=(problem.size, problem.size))
    walk = dijkstra(steps, directed=False) + half[:, None] + half[None, :]
    np.fill_diagonal(walk, problem.load)
    return walk <= problem.highest * (1 + 1e-9)


def _tightened(problem: Problem, node: _Node, cost: float, *, moves: tuple[int, int]) -> tuple[_Node | None, Floats]:
    """Raise the node's bound and close what a cheaper answer cannot use; None if nothing cheaper is left.

    Also returns how much of a post the relaxation sets in each unit.
    """
    none = np.zeros(0)
    columns = columns_of(problem, node.posts, node.open_pairs)
    climbed = _climb(problem, node, lambda v: continuous_knapsacks(problem, columns, v), cost, moves=moves[0])
    node = replace(node, v=climbed.v, bound=max(node.bound, climbed.bound))
    closed = None if node.bound >= cost * (1 - SAME) else _closed(problem, node, cost)
    if closed is None:
        return None, none
    whole = WholeKnapsacks(problem, closed.parts, closed.open_pairs)
    again = _climb(problem, closed, whole, cost, moves=moves[1], pace=0.1, patience=3)
    if again.bound > closed.bound:
        closed = replace(closed, v=again.v, bound=again.bound)
    return (None, none) if closed.bound >= cost * (1 - SAME) else (closed, climbed.taken)


@dataclass(frozen=True)
class _Climbed:
    bound: float
    v: Floats
    taken: Floats  # share of the last moves in which a post stood in each unit


def _climb(
    problem: Problem, node: _Node, solve: Callable[[Floats], Knapsacks], cost: float,
    *, moves: int, pace: float = 0.2, patience: int = 5,
) -> _Climbed:  # fmt: skip
    """Move the prices by subgradients with Polyak's step towards ``cost``; keep the best."""
    posts, v, taken = node.posts, node.v, np.zeros(problem.size)
    best, best_v, stale, direction = -math.inf, node.v, 0, np.zeros(problem.size)
    for move in range(moves):
        solved = solve(v)
        chosen = _chosen(node, solved.value)
        value = float(problem.load @ v + solved.value[chosen].sum())
        if not math.isfinite(value):
            return _Climbed(math.inf, v, taken)
        weight = 0.08 if move > 8 else 0.3
        taken *= 1 - weight
        taken[posts[chosen]] += weight
        if value > best + 1e-7 * cost:
            best, best_v, stale = value, v, 0
        else:
            stale += 1
        if best >= cost:
            break
        if stale >= patience:
            pace, stale, v, direction = pace / 2, 0, best_v, np.zeros(problem.size)
        used = solved.share[:, chosen].sum(axis=1)
        used[posts[chosen]] += 1
        direction = (1 - used) + 0.6 * direction
        steepness = float((problem.load * direction**2).sum())
        if steepness < 1e-12 or pace < 5e-3:
            break
        v = v + pace * (cost - value) / steepness * direction
    return _Climbed(best, best_v, taken)


def _chosen(node: _Node, value: Floats) -> Ints:
    """Return the places of the cheapest posts: k_R of each part."""
    chosen, first = [], 0
    for posts, count in node.parts:
        chosen.append(first + np.argpartition(value[first : first + len(posts)], count - 1)[:count])
        first += len(posts)
    return np.concatenate(chosen)


def _closed(problem: Problem, node: _Node, cost: float) -> _Node | None:
    """Close the posts and pairs that would lift the bound to ``cost``; None if a part is left with too few posts.

    Weak duality holds for any price q_j of the load row, so the pair's toll max(0, w_i·(d_ij − v_i − q_j)) is valid.
    """
    posts = node.posts
    solved = continuous_knapsacks(problem, columns_of(problem, posts, node.open_pairs), node.v)
    dearest, first, value = np.empty(len(posts)), 0, float(problem.load @ node.v)
    for part, count in node.parts:
        ordered = np.sort(solved.value[first : first + len(part)])
        value += float(ordered[:count].sum())
        dearest[first : first + len(part)] = ordered[count - 1]
        first += len(part)
    if not math.isfinite(value):
        return None
    toll = problem.load[:, None] * (problem.travel_min[:, posts] - node.v[:, None] - solved.price[None, :])
    toll = np.where(np.isfinite(problem.travel_min[:, posts]), np.maximum(0.0, toll), np.inf)
    toll[posts, np.arange(len(posts))] = 0.0
    to_open = np.maximum(0.0, solved.value - dearest)
    still = node.open_pairs[:, posts] & (to_open[None, :] + toll <= cost * (1 - SAME) - value)
    kept = still[posts, np.arange(len(posts))]
    open_pairs = np.zeros_like(node.open_pairs)
    open_pairs[:, posts] = still & kept[None, :]
    open_pairs = connected_pairs(problem, open_pairs)
    parts = tuple((part[np.diag(open_pairs)[part]], count) for part, count in node.parts)
    if any(len(part) < count for part, count in parts) or not open_pairs.any(axis=1).all():
        return None
    return replace(node, parts=parts, open_pairs=open_pairs)


def _children(problem: Problem, node: _Node, taken: Floats) -> list[_Node]:
    """Split the part whose halves hold the least whole numbers of posts, in every way."""
    options = []
    for number, (part, count) in enumerate(node.parts):
        if len(part) > count:
            here, there = halves(problem, part)
            share = float(taken[here].sum())
            # Parts of several zones first: how many zones a part gets decides more than where a post stands.
            options.append((abs(share - round(share)) * (2 if count > 1 else 1) + 0.01 * count, number, here, there))
    _, number, here, there = max(options, key=lambda option: option[0])
    count = node.parts[number][1]
    children = []
    for mine in range(max(0, count - len(there)), min(count, len(here)) + 1):
        split = tuple((part, few) for part, few in ((here, mine), (there, count - mine)) if few)
        parts = (*node.parts[:number], *split, *node.parts[number + 1 :])
        kept = np.concatenate([part for part, _ in parts])
        open_pairs = np.zeros_like(node.open_pairs)
        open_pairs[:, kept] = node.open_pairs[:, kept]
        children.append(replace(node, parts=parts, open_pairs=open_pairs))
    return children


class WholeKnapsacks:
    """The cheapest zone of whole villages of every post that may be among the k_R cheapest of its part."""

    def __init__(self, problem: Problem, parts: Sequence[tuple[Ints, int]], open_pairs: Bools) -> None:
        self.problem, self.parts, self.open_pairs = problem, parts, open_pairs
        self.columns = columns_of(problem, np.concatenate([posts for posts, _ in parts]), open_pairs)
        self.knapsacks = dict[int, Knapsack]()  # made when first needed

    def __call__(self, v: Floats) -> Knapsacks:
        """Return V_j and the units taken; inf for posts that, even with villages divided, cost more than k_R others."""
        least = continuous_knapsacks(self.problem, self.columns, v).value
        u, count, first = self.problem.load * v, len(least), 0
        value, share = np.full(count, np.inf), np.zeros((self.problem.size, count))
        for posts, few in self.parts:
            cheapest = np.full(few, np.inf)
            for place in (first + np.argsort(least[first : first + len(posts)])).tolist():
                if least[place] > cheapest[-1]:
                    break
                knapsack = self._knapsack(place)
                tables = knapsack.tables(u)
                value[place] = knapsack.least_value(u, tables)
                if value[place] < cheapest[-1]:
                    share[knapsack.cheapest(tables), place] = 1.0
                    cheapest = np.sort(np.append(cheapest[:-1], value[place]))
            first += len(posts)
        return Knapsacks(value, share, np.zeros(count))

    def _knapsack(self, place: int) -> Knapsack:
        if place not in self.knapsacks:
            j = int(self.columns.post[place])
            self.knapsacks[place] = Knapsack(self.problem, j, self.open_pairs[:, j])
        return self.knapsacks[place]
