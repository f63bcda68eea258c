"""Branching on parts of the ground: what it closes no cheaper plan needs, and its bounds hold for every partition."""

import dataclasses
import itertools
import time

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.districting.branch import (
    LONGEST,
    WholeKnapsacks,
    _dive,
    _root,
    _with_likeliest_posts,
    branch,
    within_reach,
)
from models.districting.exact import connected_pairs, narrowest_cuts
from models.districting.problem import broken_rules, objective, pieces
from models.districting.search import search
from models.districting.watch import FOR_EVER, Watch


def connected_sets(problem, graph, j):
    """Every connected set of units that holds j."""
    others = [i for i in range(problem.size) if i != j]
    for size in range(problem.size):
        for rest in itertools.combinations(others, size):
            if nx.is_connected(graph.subgraph((j, *rest))):
                yield {j, *rest}


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_a_row_of_contiguity_forbids_the_island_and_no_connected_zone(ground, seed):
    problem = ground.random(seed, size=9)
    rng = np.random.default_rng(seed)
    j = int(rng.integers(9))
    zone = np.union1d(rng.choice(9, size=4, replace=False), [j])
    islands = [piece for piece in pieces(problem, zone) if j not in piece]
    open_units = connected_pairs(problem, np.ones((9, 9), dtype=bool))[:, j]
    for island in islands:
        rows = narrowest_cuts(problem, j, zone, island, open_units)
        assert {i for i, _, _ in rows} >= set(island.tolist())
        assert not any(set(through) & set(zone.tolist()) for _, _, through in rows)
        for members in connected_sets(problem, ground.graph(problem), j):
            assert all(i not in members or members & set(through) for i, _, through in rows)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), tolerance=st.sampled_from([0.05, 0.2, 0.5]))
def test_units_out_of_reach_are_together_in_no_connected_zone_that_is_light_enough(ground, seed, tolerance):
    problem = ground.random(seed, size=9, count=3, tolerance=tolerance)
    near = within_reach(problem)
    for j in range(3):
        for members in connected_sets(problem, ground.graph(problem), j):
            if problem.load[list(members)].sum() <= problem.highest:
                assert near[list(members), j].all()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), tolerance=st.sampled_from([0.01, 0.05, 0.3]))
def test_no_zone_is_cheaper_than_the_knapsack_of_whole_villages_and_rounding_costs_little(ground, seed, tolerance):
    problem = ground.random(seed, size=8, count=2, tolerance=tolerance, honest=True)
    v = np.random.default_rng(seed).uniform(0, 8, 8)
    wider = dataclasses.replace(problem, tolerance=tolerance + 0.02)
    found = WholeKnapsacks(problem, [(np.arange(8), 8)], np.ones((8, 8), dtype=bool))(v)
    for j in range(8):
        least = {True: np.inf, False: np.inf}
        for chosen in itertools.product([False, True], repeat=8):
            members = np.flatnonzero(chosen)
            if j not in members:
                continue
            gain = float((problem.load[members] * (problem.travel_min[members, j] - v[members])).sum())
            load = problem.load[members].sum()
            for exact, band in ((True, problem), (False, wider)):
                if band.lowest <= load <= band.highest:
                    least[exact] = min(least[exact], gain)
        assert least[False] - 1e-9 <= found.value[j] <= least[True] + 1e-9


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), few=st.integers(1, 4))
def test_the_cheapest_zones_of_each_part_are_the_same_whichever_posts_are_looked_at(ground, seed, few):
    problem, rng = ground.random(seed, size=16, count=4, tolerance=0.1, honest=True), np.random.default_rng(seed)
    open_pairs, v = rng.random((16, 16)) < 0.8, rng.uniform(0, 8, 16)
    parts = [(np.arange(5), 1), (np.arange(5, 16), few)]
    some = WholeKnapsacks(problem, parts, open_pairs)(v)
    every = WholeKnapsacks(problem, [(np.arange(16), 16)], open_pairs)(v)
    for posts, count in parts:
        cheapest = np.argsort(some.value[posts], kind="stable")[:count]
        assert some.value[posts][cheapest].tolist() == np.sort(every.value[posts])[:count].tolist()
        assert (some.share[:, posts[cheapest]] == every.share[:, posts[cheapest]]).all()


def test_rounding_loads_to_steps_loses_no_zone_that_is_just_full(ground):
    # A step is a thousandth of a zone: five of 133.6 steps and one of 332 are just a zone, but 1,002 when rounded.
    load = [133.6] * 5 + [332.0] + [133.6] * 5 + [332.0]
    problem = ground.grid(6, 2, count=2, tolerance=0.0, load=load)
    found = WholeKnapsacks(problem, [(np.arange(12), 12)], np.ones((12, 12), dtype=bool))(np.zeros(12))
    assert np.isfinite(found.value).all()


@pytest.mark.parametrize("longest", [0, LONGEST])  # ended by the solver, by lists of zones
@pytest.mark.parametrize("seed", range(12))
def test_from_the_worst_legal_plan_branching_comes_to_the_best(ground, seed, longest):
    problem = ground.random(seed, size=9, count=3, tolerance=0.4, honest=seed % 2 == 0)
    legal = [cost for deviation, cost in ground.all_partitions(problem) if deviation <= 0.4]
    start = search(problem, rng=np.random.default_rng(seed), starts=1, moves=1).post
    if not legal or start is None:
        return
    found = branch(problem, start, watch=FOR_EVER, seed=1, longest=longest)
    assert objective(problem, found.post) == pytest.approx(min(legal)) == pytest.approx(found.bound)
    assert found.ended_by == "optimal"
    step, post, left, bounds = None, start, None, []
    while step is None or step.ended_by == "time":  # one node a turn, each turn where the one before ended
        step = branch(problem, post, watch=FOR_EVER, seed=1, most_nodes=1, begin=left, longest=longest)
        post, left = step.post, step.left
        bounds.append(step.bound)
    assert objective(problem, post) == pytest.approx(min(legal))
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("seed", [2, 6, 8, 24, 30, 33, 42, 48, 50])
def test_a_dive_comes_to_the_best_plan_with_the_posts_that_the_prices_choose(ground, seed):
    problem = ground.random(seed, size=9, count=3, tolerance=0.4, honest=seed % 2 == 0)
    start = search(problem, rng=np.random.default_rng(seed), starts=1, moves=1).post
    for node in () if start is None else _root(problem, start):
        likely, cost = _with_likeliest_posts(problem, node), objective(problem, start)
        free = np.setdiff1d(np.arange(9), likely.posts)
        plans = np.tile(np.arange(9), (3**6, 1))
        plans[:, free] = list(itertools.product(likely.posts, repeat=6))
        best = min([cost, *(objective(problem, plan) for plan in plans if not broken_rules(problem, plan))])
        dived = _dive(problem, likely, start, cost, longest=LONGEST, watch=FOR_EVER, seed=1)
        assert broken_rules(problem, dived) == []
        assert objective(problem, dived) <= best + 1e-9  # less where a post moves inside its zone
        assert best < cost or dived.tolist() == start.tolist()


def uneven_town(ground, *, seed, count):
    """Forty villages, the heaviest a dozen times the median."""
    problem = ground.random(seed, size=40, count=count, tolerance=0.05, honest=True)
    return dataclasses.replace(problem, load=np.random.default_rng(seed).lognormal(0, 0.9, 40))


def test_when_the_time_is_over_the_plan_is_legal_no_worse_than_the_start_and_above_the_bound(ground):
    problem = uneven_town(ground, seed=2, count=5)
    start = search(problem, rng=np.random.default_rng(1), starts=10, moves=2000).post
    assert start is not None
    costs = [(branch(problem, start, watch=Watch(time.monotonic() + limit), seed=1)) for limit in (0.0, 0.3, 600.0)]
    assert [broken_rules(problem, found.post) for found in costs] == [[], [], []]
    assert all(found.bound <= objective(problem, found.post) <= objective(problem, start) for found in costs)
    assert costs[-1].ended_by == "optimal"
