"""How even the parts of a graph can be at all, where single units are the only way between its pieces.

In:     a ``Problem`` whose graph is connected.
Out:    a load that the heaviest part of no plan can fall below.
Method: roads of a zone hang together like a tree of nets: a village's, joined to the next by one road. Take away a unit
        that joins (a cut vertex), and each piece that is too light to be a part goes whole with that unit. So, up the
        tree of blocks and cut vertices (Hopcroft & Tarjan 1973), for a heaviest load U on trial, it is kept of what
        hangs below a unit

            how many whole parts m lie below, and in which intervals the load of the unit's own part below may be

        Within a block anything may be joined: its heaviest pieces stay whole, all the rest is dust that can be shared
        out at will. So a U for which no shares add up to k parts is truly out of reach; the least other U is the bound.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx

from models.beats.partition import Problem

DUST_SHARE, MOST_WAYS = 0.01, 500  # a piece lighter than this share of a part is dust; ways to group those of a block
HALVINGS, MOST_INTERVALS = 20, 12
Interval = tuple[float, float]
Groups = tuple[Interval, ...]
Loads = dict[int, list[Interval]]  # for each number of whole parts below, the load of the part that reaches up


def least_heaviest(problem: Problem) -> float:
    """Return a load that the heaviest part of no plan can fall below."""
    if problem.count == 1 or len(problem.load) == 1:
        return problem.bound
    tree = _Tree.of(problem)
    low, high = problem.bound, 2 * problem.bound
    if tree.can_be(low):
        return low
    while not tree.can_be(high):
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if tree.can_be(middle) else (middle, high)
    return low


@dataclass(frozen=True)
class _Tree:
    """Blocks and cut vertices from the leaves to the root block; what each holds.

    ``order`` names a block by its number and a cut vertex v by −1 − v; ``children`` lists those hanging below each.
    """

    problem: Problem
    order: list[int]
    children: dict[int, list[int]]
    units: dict[int, list[int]]  # units of each block that are no cut vertices

    @classmethod
    def of(cls, problem: Problem) -> "_Tree":
        graph = nx.Graph()
        graph.add_nodes_from(range(len(problem.load)))
        graph.add_edges_from(problem.pairs.tolist())
        cuts, blocks = set(nx.articulation_points(graph)), [sorted(block) for block in nx.biconnected_components(graph)]
        above = nx.Graph()
        for number, block in enumerate(blocks):
            above.add_node(number)
            above.add_edges_from((number, -1 - unit) for unit in block if unit in cuts)
        root = max(range(len(blocks)), key=lambda number: sum(problem.load[blocks[number]]))
        children = nx.dfs_successors(above, root)
        order = list(nx.dfs_postorder_nodes(above, root))
        units = {number: [unit for unit in block if unit not in cuts] for number, block in enumerate(blocks)}
        return cls(problem, order, children, units)

    def can_be(self, most: float) -> bool:
        """Tell whether parts of no more than this load are not out of reach."""
        rule = _Rule(most * (1 + 1e-9), self.problem.count)
        found: dict[int, Loads] = {}
        below: dict[int, float] = {}
        for node in self.order:
            children = self.children.get(node, [])
            if node < 0:
                own = float(self.problem.load[-1 - node])
                below[node] = own + sum(below[block] for block in children)
                found[node] = {0: [(own, own)]}
                for block in children:
                    found[node] = rule.both(found[node], found[block])
            else:
                pieces = [(below[cut], found[cut]) for cut in children]
                pieces += [(w, {0: [(w, w)]}) for w in self.problem.load[self.units[node]].tolist()]
                below[node] = sum(weight for weight, _ in pieces)
                whole, dust = _heaviest(pieces, least=DUST_SHARE * self.problem.mean)
                if node == self.order[-1]:
                    return rule.adds_up(whole, dust)
                found[node] = rule.shared(whole, dust)
            if not found[node]:
                return False
        raise AssertionError("the root is a block")


def _heaviest(pieces: list[tuple[float, Loads]], *, least: float) -> tuple[list[Loads], float]:
    """Return the heaviest pieces, which stay whole, and the weight of all others; few enough to try every grouping."""
    ordered = sorted(pieces, key=lambda piece: -piece[0])
    whole: list[Loads] = []
    ways = 1
    for weight, loads in ordered:
        ways *= (len(whole) + 2) * sum(map(len, loads.values()))
        if weight < least or ways > MOST_WAYS:
            break
        whole.append(loads)
    return whole, sum(weight for weight, _ in ordered[len(whole) :])


@dataclass(frozen=True)
class _Rule:
    """No part may exceed ``most``, and there are ``count`` of them."""

    most: float
    count: int

    def both(self, a: Loads, b: Loads) -> Loads:
        """Return the loads of a part that reaches into two pieces of ground."""
        sums: Loads = {}
        for (m, some), (n, others) in itertools.product(a.items(), b.items()):
            sums.setdefault(m + n, []).extend(
                (x[0] + y[0], x[1] + y[1]) for x, y in itertools.product(some, others)
            )  # fmt: skip
        return self._kept(sums)

    def shared(self, whole: list[Loads], dust: float) -> Loads:
        """Return the loads that the part of a block's upper cut vertex may have in the block and below it."""
        loads: Loads = {}
        for inside, groups in self._grouped(whole):
            (low, high), closed = groups[0], groups[1:]
            for bare in range(self.count - inside - len(closed)):
                left = max(0.0, dust - self._room(closed, bare))
                loads.setdefault(inside + len(closed) + bare, []).append((low + left, high + dust))
        return self._kept(loads)

    def adds_up(self, whole: list[Loads], dust: float) -> bool:
        """Tell whether the root block can be shared out into just as many parts as there shall be."""
        for inside, groups in self._grouped(whole):
            closed = groups if groups[0][1] > 0 else groups[1:]
            bare = self.count - inside - len(closed)
            if bare >= 0 and dust <= self._room(closed, bare):
                return True
        return False

    def _room(self, closed: Groups, bare: int) -> float:
        """Return the most dust that parts can take which hold whole pieces, and some that hold dust alone."""
        return sum(self.most - low for low, _ in closed) + bare * self.most

    def _grouped(self, whole: list[Loads]) -> list[tuple[int, Groups]]:
        """Return every way to group whole pieces into parts; the first group reaches up and may hold none."""
        ways: list[tuple[int, Groups]] = [(0, ((0.0, 0.0),))]
        for loads in whole:
            ways = [
                way for inside, groups in ways for m, intervals in loads.items() for piece in intervals
                for way in self._joined(inside + m, groups, piece)
            ]  # fmt: skip
        return ways

    def _joined(self, inside: int, groups: Groups, piece: Interval) -> Iterator[tuple[int, Groups]]:
        """Give the groups with a piece put into each of them, or into a new one."""
        for at in range(len(groups) + 1):
            wide = groups if at < len(groups) else (*groups, (0.0, 0.0))
            fuller = wide[at][0] + piece[0], wide[at][1] + piece[1]
            if fuller[0] <= self.most and inside + len(wide) - 1 <= self.count:
                yield inside, (*wide[:at], fuller, *wide[at + 1 :])

    def _kept(self, loads: Loads) -> Loads:
        """Return the loads that no part exceeds, neighbouring intervals joined."""
        kept: Loads = {}
        for m, intervals in loads.items():
            if m >= self.count:
                continue
            joined: list[Interval] = []
            for low, high in sorted(intervals):
                if low > self.most:
                    break
                if joined and low <= joined[-1][1]:
                    joined[-1] = joined[-1][0], max(joined[-1][1], min(high, self.most))
                else:
                    joined.append((low, min(high, self.most)))
            if len(joined) > MOST_INTERVALS:
                joined = [(joined[0][0], joined[-1][1])]
            if joined:
                kept[m] = joined
        return kept
