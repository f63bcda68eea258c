"""Random legal plans: every one keeps the rules, all of a small ground are met, shares are counted by hand."""

import numpy as np
import pytest

from models.districting.problem import Problem, broken_rules, neighbours_from_pairs
from models.districting.solve import solve
from models.ensemble import Ensemble, recombined, sample_plans


def grid(width, height, count, tolerance):
    number = np.arange(width * height).reshape(height, width)
    pairs = np.vstack(
        [np.c_[number[:, :-1].ravel(), number[:, 1:].ravel()], np.c_[number[:-1].ravel(), number[1:].ravel()]]
    )
    y, x = np.divmod(np.arange(width * height), width)
    minutes = np.abs(x[:, None] - x) + np.abs(y[:, None] - y).astype(float)
    return Problem(np.ones(width * height), minutes, neighbours_from_pairs(width * height, pairs), count, tolerance)


def test_every_step_of_the_chain_is_a_legal_plan():
    problem = grid(6, 6, 4, 0.12)
    post = solve(problem, seed=1, time_limit_s=600.0).post
    rng, changed = np.random.default_rng(1), 0
    for _ in range(60):
        after = recombined(problem, post, rng=rng)
        assert broken_rules(problem, after) == []
        changed += (after != post).any()
        post = after
    assert changed > 30


def test_all_ways_to_halve_a_small_grid_are_met():
    # 2 x 4 squares in two connected halves of four: by rows, by columns, and the two bent ones with their mirrors.
    problem = grid(4, 2, 2, 0.0)
    post = np.array([0, 0, 0, 0, 4, 4, 4, 4])
    rng, seen = np.random.default_rng(2), set()
    for _ in range(400):
        post = recombined(problem, post, rng=rng)
        seen.add(tuple((post == post[0]).tolist()))
    halves = 0
    import itertools

    import networkx as nx

    graph = nx.Graph((i, j) for i, near in enumerate(problem.neighbours) for j in near)
    for rest in itertools.combinations(range(1, 8), 3):
        side = {0, *rest}
        halves += nx.is_connected(graph.subgraph(side)) and nx.is_connected(graph.subgraph(set(range(8)) - side))
    assert len(seen) == halves


def test_the_best_plan_beats_nearly_all_random_ones_and_shares_are_counted_with_ties_as_halves():
    problem = grid(6, 6, 4, 0.12)
    best = solve(problem, seed=1, time_limit_s=600.0)
    sample = sample_plans(problem, best.post, plans=100, thin=3, rng=np.random.default_rng(3))
    assert sample.distinct > 50
    assert (sample.travel_min >= best.cost / 36 - 1e-9).all()
    assert sample.beaten(travel_min=best.cost / 36, max_ratio=1.0)[0] > 90
    three = Ensemble(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.1, 1.1, 1.2, 1.0]), 4, 4)
    assert three.beaten(travel_min=2.0, max_ratio=1.1) == (62.5, 50.0)


def test_a_plan_that_breaks_a_rule_is_refused_as_a_start():
    with pytest.raises(ValueError, match="contiguity"):
        sample_plans(grid(3, 1, 2, 0.5), np.array([0, 1, 0]), plans=1, thin=1, rng=np.random.default_rng(1))
