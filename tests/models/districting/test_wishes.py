"""Locked units, fixed posts, a price of moving, and re-cutting: against every partition with every choice of posts."""

import itertools
import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.districting.problem import broken_rules, objective
from models.districting.recut import recut
from models.districting.search import search
from models.districting.solve import solve
from models.districting.wishes import Wishes, moved, moved_by_post, obeys, with_wishes


def all_answers(problem, graph):
    """Every legal partition with every choice of posts, as arrays of posts."""
    for zone in itertools.product(range(problem.count), repeat=problem.size):
        zone = np.array(zone)
        numbers, first = np.unique(zone, return_index=True)
        if len(numbers) != problem.count or (np.diff(first) < 0).any():
            continue
        members = [np.flatnonzero(zone == z).tolist() for z in range(problem.count)]
        loads = np.array([problem.load[m].sum() for m in members])
        if (loads < problem.lowest).any() or (loads > problem.highest).any():
            continue
        if all(nx.is_connected(graph.subgraph(m)) for m in members):
            for posts in itertools.product(*members):
                yield np.array(posts)[zone]


def case(ground, seed):
    problem = ground.random(seed, size=7, count=2 + seed % 2, tolerance=0.4, honest=True)
    return problem, np.random.default_rng(seed).integers(2, size=7)


@pytest.mark.parametrize("seed", range(10))
def test_locked_units_and_fixed_posts_are_kept_at_the_least_cost(ground, seed):
    problem, today = case(ground, seed)
    wishes = Wishes(today=today, locked=(0, 3), fixed_posts=(seed % 7,))
    legal = [post for post in all_answers(problem, ground.graph(problem)) if obeys(wishes, post)]
    answer = solve(with_wishes(problem, wishes), seed=1, time_limit_s=600.0)
    if not legal:
        assert answer.post is None or not obeys(wishes, answer.post)
        return
    assert obeys(wishes, answer.post)
    assert answer.post[seed % 7] == seed % 7
    assert objective(problem, answer.post) == pytest.approx(min(objective(problem, post) for post in legal))


@pytest.mark.parametrize("seed", range(10))
def test_a_price_of_moving_is_paid_once_a_village_and_weighed_against_travel(ground, seed):
    problem, today = case(ground, seed)
    for price in (0.5, 5.0, 500.0):
        wishes = Wishes(today=today, price=price)
        sums = [
            objective(problem, post) + price * (today[post] != today).sum()
            for post in all_answers(problem, ground.graph(problem))
        ]
        if not sums:
            return
        answer = solve(with_wishes(problem, wishes), seed=1, time_limit_s=600.0)
        assert answer.cost == pytest.approx(min(sums))
        assert answer.cost == pytest.approx(
            objective(problem, answer.post) + price * moved_by_post(wishes, answer.post)
        )
        assert moved(today, answer.post)[0] >= 0


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), zones=st.integers(1, 5), olds=st.integers(1, 5))
def test_moves_are_counted_by_the_match_that_moves_fewest(ground, seed, zones, olds):
    rng = np.random.default_rng(seed)
    today, zone = rng.integers(olds, size=9), rng.integers(zones, size=9)
    post = np.array([int(np.argmax(zone == z)) for z in zone])
    count, names = moved(today, post)
    posts, numbers = np.unique(post), np.unique(today).tolist()
    wide = numbers + [-1] * len(posts)
    least = min(
        sum(int((today[post == j] != name).sum()) for j, name in zip(posts, match, strict=True))
        for match in set(itertools.permutations(wide, len(posts)))
    )
    assert count == least
    assert len(set(names.values())) == len(names)


def test_a_price_without_todays_map_is_refused():
    with pytest.raises(ValueError, match="today"):
        Wishes(price=1.0)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_recutting_keeps_the_rules_and_never_costs_more(ground, seed):
    problem = ground.random(seed, size=24, count=4, tolerance=0.15, honest=True)
    found = search(problem, rng=np.random.default_rng(seed), starts=1, moves=300)
    if found.post is None:
        return
    better = recut(problem, found.post, deadline=math.inf, seed=1)
    assert broken_rules(problem, better) == []
    assert objective(problem, better) <= found.cost + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_the_answer_is_never_worse_than_the_plan_it_starts_from(ground, seed):
    problem = ground.random(seed, size=30, count=4, tolerance=0.15, honest=True)
    best = solve(problem, seed=1, time_limit_s=600.0)
    if best.post is None:
        return
    again = solve(problem, seed=2, time_limit_s=0.0, start=best.post)
    assert again.cost <= best.cost + 1e-9
    broken = replace(problem, tolerance=1e-9)
    assert solve(broken, seed=1, time_limit_s=0.0, start=best.post).post is None
