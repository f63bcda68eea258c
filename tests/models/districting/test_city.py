"""Large grounds: the engine for many units against brute force and the exact one on small ground, and its rules."""

import dataclasses
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.districting.border import settle_borders
from models.districting.cells_bound import cells_bound
from models.districting.city import solve_city
from models.districting.city_bound import city_bound, gently, proven_bound
from models.districting.city_problem import broken_rules_of, city_from_pairs, minutes_to_post
from models.districting.dual import Limits, Offers, bound_over, climb, falling, soft_smallest
from models.districting.layout import PricedPosts, allocate, joined_to_posts, spread_posts
from models.districting.problem import Problem, neighbours_from_pairs
from models.districting.solve import solve


def town_ground(seed, *, width=7, height=6, count=3, tolerance=0.2, bridges=2):
    """A grid with uneven minutes and loads, a river after the third row that a few bridges cross."""
    rng = np.random.default_rng(seed)
    number = np.arange(width * height).reshape(height, width)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    down = np.column_stack([number[:-1].ravel(), number[1:].ravel()])
    over = np.flatnonzero(down[:, 0] // width == height // 2 - 1)
    down = np.delete(down, rng.permutation(over)[bridges:], axis=0)
    pairs = np.vstack([across, down])
    return city_from_pairs(
        rng.gamma(2.0, 1.0, width * height), pairs, rng.uniform(0.3, 1.0, len(pairs)), count=count, tolerance=tolerance
    )


def as_problem(ground) -> Problem:
    """The same ground with the table of all minutes, made by networkx."""
    edges = ground.walk_min.tocoo()
    graph = nx.Graph()
    graph.add_weighted_edges_from(zip(edges.row.tolist(), edges.col.tolist(), edges.data.tolist(), strict=True))
    travel = np.asarray(nx.floyd_warshall_numpy(graph, nodelist=range(ground.size)))
    pairs = np.column_stack([edges.row, edges.col])
    return Problem(ground.load, travel, neighbours_from_pairs(ground.size, pairs), ground.count, ground.tolerance)


@pytest.mark.parametrize("seed", range(3))
def test_the_city_engine_comes_near_the_proven_optimum_and_no_bound_passes_it(ground, seed):
    town = town_ground(seed, width=6, height=6)
    problem = as_problem(town)
    exact = solve(problem, seed=1, time_limit_s=600.0)
    answer = solve_city(town, seed=1, time_limit_s=600.0)
    assert exact.ended_by == "optimal"
    assert exact.cost - 1e-9 <= answer.cost <= 1.1 * exact.cost
    zone, minutes = np.unique(exact.post, return_inverse=True)[1], minutes_to_post(town, exact.post)
    for bound in (
        answer.bound,
        cells_bound(problem, exact.cost, enough=lambda _: False),
        city_bound(town, zone, minutes, enough=lambda _: False),
    ):
        assert 0.9 * exact.cost <= bound <= exact.cost + 1e-9
    found = ground.judge(problem, answer.post)
    assert found["zones"] == found["pieces"] == 3
    assert found["deviation"] <= 0.2 + 1e-5
    assert found["posts_inside"]
    assert found["cost"] == pytest.approx(answer.cost)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), tolerance=st.sampled_from([0.05, 0.2, 0.5]), reach=st.sampled_from([0.4, 1.5, 9.0]))
def test_at_any_prices_multipliers_and_reach_the_bound_holds(ground, seed, tolerance, reach):
    rng = np.random.default_rng(seed)
    town = town_ground(seed, width=4, height=2, count=2, tolerance=tolerance, bridges=2)
    legal = [cost for deviation, cost in ground.all_partitions(as_problem(town)) if deviation <= tolerance]
    v = gently(town, rng.uniform(0, 3, 8))
    edges = town.walk_min.tocoo()
    assert (v[edges.row] - v[edges.col] <= edges.data + 1e-9).all()
    zone = rng.permutation(np.arange(8) % 2)
    value, _ = proven_bound(town, v, q=rng.uniform(-2, 2, 8), zone=zone, reach=np.full(2, reach))
    assert value <= min(legal, default=math.inf) + 1e-9


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), low=st.floats(0, 3), wide=st.floats(0.5, 5))
def test_a_knapsack_is_the_cheapest_split_zone(seed, low, wide):
    # Peer: the linear programme itself, by scipy.
    from scipy.optimize import linprog

    rng = np.random.default_rng(seed)
    load, minutes, v = rng.uniform(0.5, 2, 6), rng.uniform(0, 4, (6, 6)), rng.uniform(0, 4, 6)
    np.fill_diagonal(minutes, 0)
    highest = load.max() + low + wide
    limits = Limits(load, load.max() + low, highest, 2)
    offers = Offers(
        np.arange(6), np.arange(6) * 6, np.tile(np.arange(6, dtype=np.int32), 6),
        minutes.T.astype(np.float32).ravel(), limits,
    )  # fmt: skip
    value, _ = offers.knapsacks(v)
    for j in range(6):
        fixed = [(1.0 if i == j else 0.0, 1.0) for i in range(6)]
        found = linprog(load * (minutes[:, j] - v), A_ub=[load, -load], b_ub=[highest, -limits.lowest], bounds=fixed)
        if found.status == 0:
            assert value[j] == pytest.approx(found.fun, abs=1e-4)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), size=st.integers(3, 40), heat=st.sampled_from([1e-3, 0.1, 10.0]))
def test_soft_shares_add_up_and_prefer_the_smallest(seed, size, heat):
    value = np.random.default_rng(seed).normal(size=size)
    share = soft_smallest(value, 3, heat=heat)
    assert share.sum() == pytest.approx(3, rel=2e-3)
    assert ((share >= 0) & (share <= 1)).all()
    assert (np.diff(share[np.argsort(value)]) <= 1e-12).all()


def test_with_hardly_any_heat_the_soft_choice_is_the_k_smallest():
    value = np.array([5.0, 1.0, 3.0, 2.0, 4.0])
    assert soft_smallest(value, 2, heat=1e-3).round(6).tolist() == [0, 1, 0, 1, 0]


def test_climbing_raises_the_bound_and_never_hands_back_a_lower_one():
    town = town_ground(5, width=12, height=10, count=4, tolerance=0.1)
    problem = as_problem(town)
    limits, size = Limits(town.load, town.lowest, town.highest, 4), town.size
    offers = Offers(
        np.arange(size), np.arange(size) * size, np.tile(np.arange(size, dtype=np.int32), size),
        problem.travel_min.T.astype(np.float32).ravel(), limits,
    )  # fmt: skip
    start = np.full(size, 2.0)
    first = bound_over(limits, start, offers.knapsacks(start)[0])
    _, few = climb(offers, start, heats=falling(0.2, 0.004, 60)[:10])
    _, all_ = climb(offers, start, heats=falling(0.2, 0.004, 60))
    assert first <= few <= all_
    plan = solve_city(town, seed=1, time_limit_s=0.0)
    assert 0.95 * plan.cost <= all_ <= plan.cost


def test_every_unit_goes_to_the_cheapest_priced_post_and_zones_are_whole():
    town = town_ground(1, width=15, height=10, count=4)
    rng = np.random.default_rng(1)
    posts, price = rng.choice(town.size, 4, replace=False), rng.uniform(-1, 1, 4)
    zone, way = PricedPosts(town, posts).nearest(price)
    offers = as_problem(town).travel_min[:, posts] + price
    assert way == pytest.approx(offers.min(axis=1))
    assert offers[np.arange(town.size), zone] == pytest.approx(offers.min(axis=1))
    graph = nx.Graph(zip(*(axis.tolist() for axis in town.walk_min.nonzero()), strict=True))
    for z in np.unique(zone):
        assert nx.is_connected(graph.subgraph(np.flatnonzero(zone == z).tolist()))


def test_posts_are_spread_by_work_over_cut_off_pieces_of_ground():
    town = town_ground(3, width=10, height=6, count=6, bridges=0)
    posts = spread_posts(town, rng=np.random.default_rng(1))
    loads = np.bincount(town.component, weights=town.load)
    assert len(np.unique(posts)) == 6
    assert np.bincount(town.component[posts]).tolist() == np.rint(6 * loads / loads.sum()).tolist()


def test_units_cut_off_from_their_post_join_a_zone_they_touch():
    line = city_from_pairs(np.ones(6), np.array([[i, i + 1] for i in range(5)]), np.ones(5), count=2, tolerance=0.5)
    zone = joined_to_posts(line, np.array([0, 0, 1, 1, 0, 0]), np.array([1, 3]))
    assert zone.tolist() == [0, 0, 1, 1, 1, 1]


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000), tolerance=st.sampled_from([0.05, 0.15]))
def test_settled_borders_keep_zones_whole_and_bring_loads_into_the_band(seed, tolerance):
    town = town_ground(seed, width=16, height=12, count=5, tolerance=tolerance, bridges=5)
    rng = np.random.default_rng(seed)
    posts = spread_posts(town, rng=rng)
    layout = allocate(town, posts, np.zeros(5))
    zone = joined_to_posts(town, layout.zone, posts)
    settled = settle_borders(town, zone, posts, rng=rng)
    broken = broken_rules_of(town, posts[settled.zone])
    assert set(broken) <= {"balance"}
    assert ("balance" in broken) is (settled.outside > 1e-6 * town.mean_load)
    assert settled.outside <= layout.outside + 1e-9


def test_with_ground_that_lets_no_band_be_met_there_is_no_plan():
    town = town_ground(1, count=3, tolerance=0.05)
    heavy = dataclasses.replace(town, load=np.where(np.arange(town.size) == 0, 100.0, town.load))
    assert solve_city(heavy, seed=1, time_limit_s=600.0).ended_by == "infeasible"


def test_taking_a_bridge_away_yields_no_zone_that_needs_it():
    # Two banks, k = 3: with a bridge one zone lies on both; without it none may.
    def solved(bridges):
        town = town_ground(2, width=12, height=8, count=3, tolerance=0.5, bridges=bridges)
        return town, solve_city(town, seed=1, time_limit_s=5.0).post

    for bridges in (1, 0):
        town, post = solved(bridges)
        graph = nx.Graph(zip(*(axis.tolist() for axis in town.walk_min.nonzero()), strict=True))
        assert all(nx.is_connected(graph.subgraph(np.flatnonzero(post == j).tolist())) for j in np.unique(post))
    banks = np.arange(town.size) // 12 >= 4
    assert all(len(set(banks[post == j].tolist())) == 1 for j in np.unique(post))


def test_more_time_changes_the_bound_but_not_the_plan_and_the_same_seed_gives_the_same():
    town = town_ground(4, width=15, height=14, count=5, tolerance=0.1, bridges=6)
    short = solve_city(town, seed=2, time_limit_s=0.0)
    long = solve_city(town, seed=2, time_limit_s=600.0)
    assert (short.post == long.post).all()
    assert short.bound <= long.bound <= long.cost == short.cost
    again = solve_city(town, seed=2, time_limit_s=600.0)
    assert (again.cost, again.bound) == (long.cost, long.bound)


def test_judge_of_large_ground_names_what_an_answer_breaks():
    line = city_from_pairs(np.ones(4), np.array([[0, 1], [1, 2], [2, 3]]), np.ones(3), count=2, tolerance=0.1)
    assert broken_rules_of(line, np.array([0, 0, 2, 2])) == []
    assert broken_rules_of(line, np.array([0, 2, 2, 0])) == ["contiguity"]
    assert broken_rules_of(line, np.array([0, 0, 0, 3])) == ["balance"]
    assert set(broken_rules_of(line, np.array([0, 0, 0, 0]))) == {"count", "balance"}
    assert "post" in broken_rules_of(line, np.array([1, 0, 2, 2]))
    assert minutes_to_post(line, np.array([0, 0, 2, 2])).tolist() == [0, 1, 0, 1]
