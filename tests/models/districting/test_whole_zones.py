"""Lists of zones, their prices and the plans put together of them: against every set and every partition."""

import dataclasses
import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models.districting.stock as stocks
from models.districting.partition import Count, broken_triples, relax, whole
from models.districting.parts import halves, nested_parts
from models.districting.problem import broken_rules, objective
from models.districting.stock import best_of_stock
from models.districting.watch import FOR_EVER
from models.districting.whole_zones import ZonesOfPost, leave_whole_zones, no_zones, sums, zones_of
from models.districting.zone_prices import bound_of, dearest_used, raise_prices, sweep


def every_zone(problem, graph, j, u):
    """Value of every connected set that holds j and keeps the band."""
    others = [i for i in range(problem.size) if i != j]
    found = {}
    for size in range(problem.size):
        for rest in itertools.combinations(others, size):
            members = [j, *rest]
            load = problem.load[members].sum()
            if problem.lowest <= load <= problem.highest and nx.is_connected(graph.subgraph(members)):
                found[frozenset(members)] = sum(problem.load[i] * problem.travel_min[i, j] - u[i] for i in members)
    return found


def source_of(problem):
    return [ZonesOfPost(problem, j, np.ones(problem.size, dtype=bool)) for j in range(problem.size)]


def sets_of(zones):
    return [frozenset(np.flatnonzero(row).tolist()) for row in zones.members]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000), tolerance=st.sampled_from([0.05, 0.3]), share=st.floats(0, 1), most=st.integers(1, 500)
)
def test_a_list_holds_every_connected_zone_up_to_the_value_it_names_and_no_other(ground, seed, tolerance, share, most):
    problem = ground.random(seed, size=9, count=2, tolerance=tolerance, honest=seed % 2 == 0)
    u = problem.load * np.random.default_rng(seed).uniform(0, 8, 9)
    for j, source in enumerate(source_of(problem)[:3]):
        true = every_zone(problem, ground.graph(problem), j, u)
        limit = float(np.quantile(list(true.values()), share)) if true else 1.0
        found = source.below(u, source.tables(u), limit, most=most)
        listed = dict(zip(sets_of(found.zones), found.value.tolist(), strict=True))
        assert len(listed) == len(found.zones)
        assert all(listed[s] == pytest.approx(true[s]) and listed[s] <= limit + 1e-9 for s in listed)
        assert {s for s, value in true.items() if value < min(limit, found.complete_to) - 1e-9} <= set(listed)
        assert found.zones.cost == pytest.approx([true[s] + u[list(s)].sum() for s in sets_of(found.zones)])
        assert source.least_value(u, source.tables(u)) <= min(true.values(), default=np.inf) + 1e-9
        if most == 500:
            assert found.complete_to == limit


def test_rounding_loads_to_steps_loses_no_zone_that_is_just_full(ground):
    # A step is a thousandth of a zone: five of 133.6 steps and one of 332 are just a zone, but 1,002 when rounded.
    load = [133.6] * 5 + [332.0] + [133.6] * 5 + [332.0]
    problem = ground.grid(6, 2, count=2, tolerance=0.0, load=load)
    for source in source_of(problem):
        found = source.below(np.zeros(12), source.tables(np.zeros(12)), 1e9, most=10_000)
        assert len(found.zones) > 0


def test_seventy_units_in_reach_of_a_post_take_two_words(ground):
    problem = ground.grid(70, 1, count=1, tolerance=0.5, load=np.ones(70))
    source, u = ZonesOfPost(problem, 35, np.ones(70, dtype=bool)), np.full(70, 100.0)
    whole = float(problem.travel_min[:, 35].sum()) - 7_000
    # Without its western end the line costs 65 more at these prices, without its eastern end 66, without both 131.
    found = source.below(u, source.tables(u), whole + 70, most=100_000)
    line = set(range(70))
    assert set(sets_of(found.zones)) == {frozenset(line), frozenset(line - {0}), frozenset(line - {69})}


def best_cost(ground, problem):
    return min((c for deviation, c in ground.all_partitions(problem) if deviation <= problem.tolerance), default=np.inf)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), moved=st.booleans())
def test_no_plan_is_cheaper_than_the_bound_of_any_prices_and_its_zones_lie_within_the_room(ground, seed, moved):
    problem = ground.random(seed, size=8, count=3, tolerance=0.4, honest=True)
    best = best_cost(ground, problem)
    if not np.isfinite(best):
        return
    source = source_of(problem)
    u = problem.load * np.random.default_rng(seed).uniform(0, 5, 8)
    if moved:
        priced = raise_prices(problem, source, u, no_zones(8), best, watch=FOR_EVER)
        assert priced.bound <= best + 1e-9
        assert priced.bound >= bound_of(3, u, sweep(source, u, lambda v: v - 1, most=9).least) - 1e-9
        u = priced.u
    least = sweep(source, u, lambda v: np.full(8, 1e9), most=10_000).least
    assert bound_of(3, u, least) <= best + 1e-9
    room = best - bound_of(3, u, least) + dearest_used(3, least)
    listed = sweep(source, u, lambda _: room + 1e-9, most=10_000).zones
    stock = no_zones(8).with_others(*listed)
    found = best_of_stock(stock, 3, best * (1 + 1e-6), u, watch=FOR_EVER, seed=1, proof=True)
    assert found.cost == pytest.approx(best)
    assert found.proven
    assert broken_rules(problem, found.post) == []
    assert objective(problem, found.post) == pytest.approx(best)


@pytest.mark.parametrize("by", ["pairs", "counts"])
@pytest.mark.parametrize("small", [0, 5, 1_500])
@pytest.mark.parametrize("seed", range(6))
def test_the_best_plan_of_a_stock_is_that_of_all_partitions_whoever_finishes_it(ground, seed, small, by, monkeypatch):
    monkeypatch.setattr(stocks, "SMALL", small)  # 0: splitting alone comes to the end, HiGHS gets nothing
    monkeypatch.setattr(stocks, "FEW", 10_000 if by == "counts" else 0)  # no rows of triples, so there is to split
    problem = ground.random(seed, size=9, count=3, tolerance=0.5, honest=True)
    problem = dataclasses.replace(problem, load=np.random.default_rng(seed).lognormal(0, 0.6, 9))
    best = best_cost(ground, problem)
    assert np.isfinite(best)
    lists = sweep(source_of(problem), np.zeros(9), lambda v: np.full(9, 1e9), most=10_000).zones
    stock = no_zones(9).with_others(*lists)
    parts = nested_parts(problem, np.arange(9)) if by == "counts" else []
    found = best_of_stock(stock, 3, 3 * best, np.zeros(9), watch=FOR_EVER, seed=1, proof=True, parts=parts)
    assert (found.proven, found.cost) == (True, pytest.approx(best))
    none = best_of_stock(stock, 3, best, np.zeros(9), watch=FOR_EVER, seed=1, proof=True, parts=parts)
    assert (none.post, none.proven) == (None, True)
    # HiGHS keeps its rows within a tolerance: the plan to beat is none that beats it, or it would be found for ever.
    again = whole(stock, 3, (), best, time_limit_s=600.0, seed=1)
    assert (again.post, again.proven) == (None, True)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_rows_of_triples_lift_the_bound_and_never_over_the_best_plan(ground, seed):
    problem = ground.random(seed, size=9, count=3, tolerance=0.3, honest=True)
    best = best_cost(ground, problem)
    if not np.isfinite(best):
        return
    lists = sweep(source_of(problem), np.zeros(9), lambda v: np.full(9, 1e9), most=10_000).zones
    stock = no_zones(9).with_others(*lists)
    triples, last = [], -np.inf
    for _ in range(4):
        relaxed = relax(stock, 3, triples)
        assert last - 1e-6 <= relaxed.bound <= best + 1e-6
        last = relaxed.bound
        triples += broken_triples(stock, relaxed.share, triples)


@pytest.mark.parametrize("seed", [10, 11, 15, 20, 23])
def test_rows_of_triples_close_the_gap_of_towns_that_halve_their_zones(ground, seed):
    problem = ground.random(seed, size=9, count=3, tolerance=0.3, honest=True)
    best = best_cost(ground, problem)
    lists = sweep(source_of(problem), np.zeros(9), lambda v: np.full(9, 1e9), most=10_000).zones
    stock = no_zones(9).with_others(*lists)
    halved = relax(stock, 3)
    assert halved.bound < 0.99 * best
    assert relax(stock, 3, broken_triples(stock, halved.share, [])).bound == pytest.approx(best)


@pytest.mark.parametrize("size", [1, 8, 13, 70])
def test_sums_over_marks_are_those_of_the_product(size):
    rng = np.random.default_rng(size)
    members, weight = rng.random((50, size)) < 0.5, rng.normal(size=size)
    assert sums(members, weight) == pytest.approx(members @ weight)
    assert sums(members[:0], weight).tolist() == []


def test_of_one_set_of_units_the_stock_keeps_the_cheapest_post(ground):
    problem = ground.grid(3, 1, count=1, tolerance=0.5)
    ends, middle = zones_of(problem, np.array([0, 0, 0])), zones_of(problem, np.array([1, 1, 1]))
    both = ends.with_others(middle, ends)
    assert (len(both), both.post.tolist(), both.cost.tolist()) == (1, [1], [2.0])


def pieces_that_make_zones(problem, graph, members):
    """Whether every connected piece beside a zone weighs what some number of zones may, one zone at least each."""
    fewest = 0
    for piece in nx.connected_components(graph.subgraph(set(range(problem.size)) - members)):
        load = problem.load[list(piece)].sum()
        counts = [m for m in range(1, problem.size) if m * problem.lowest - 1e-9 <= load <= m * problem.highest + 1e-9]
        if not counts:
            return False
        fewest += counts[0]
    return fewest <= problem.count - 1


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), tolerance=st.sampled_from([0.05, 0.3, 0.6]), count=st.integers(1, 4))
def test_of_all_zones_those_stay_beside_which_every_piece_makes_a_whole_number_of_zones(ground, seed, tolerance, count):
    problem = ground.random(seed, size=9, count=count, tolerance=tolerance, honest=seed % 2 == 0)
    listed = sweep_all(problem)
    usable = leave_whole_zones(problem, listed)
    graph = ground.graph(problem)
    assert usable.tolist() == [pieces_that_make_zones(problem, graph, members) for members in sets_of(listed)]


def sweep_all(problem):
    """Every connected zone of every post that keeps the band, once a set."""
    none = np.zeros(problem.size)
    found = [source.below(none, source.tables(none), 1e9, most=10_000).zones for source in source_of(problem)]
    return no_zones(problem.size).with_others(*found)


def test_parts_are_nested_hold_every_unit_alone_and_the_last_two_make_the_whole(ground):
    problem = ground.random(3, size=9, honest=True)
    parts = nested_parts(problem, np.arange(9))
    assert sorted(np.flatnonzero(p).tolist() for p in parts if p.sum() == 1) == [[i] for i in range(9)]
    assert all((a & b).sum() in (0, a.sum(), b.sum()) for a, b in itertools.combinations(parts, 2))
    assert [np.flatnonzero(part).tolist() for part in parts[-2:]] == [p.tolist() for p in halves(problem, np.arange(9))]
    assert (parts[-1] ^ parts[-2]).all()


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), few=st.integers(0, 2))
def test_counts_of_posts_in_a_part_bound_the_plans_that_keep_them_and_no_others(ground, seed, few):
    problem = ground.random(seed, size=8, count=3, tolerance=0.4, honest=True)
    stock, part = sweep_all(problem), np.random.default_rng(seed).random(8) < 0.5
    sets = sets_of(stock)
    for row in (Count(part, few, np.inf), Count(part, -np.inf, few)):
        plans = (trio for trio in itertools.combinations(range(len(sets)), 3)
                 if sum(len(sets[zone]) for zone in trio) == 8 and len(frozenset().union(*(sets[z] for z in trio))) == 8
                 and row.low <= part[stock.post[list(trio)]].sum() <= row.high)  # fmt: skip
        best = min((float(stock.cost[list(trio)].sum()) for trio in plans), default=np.inf)
        assert relax(stock, 3, (), (row,)).bound <= best + 1e-6
        exact = whole(stock, 3, (), 1e6, time_limit_s=600.0, seed=1, counts=(row,))
        assert exact.cost == pytest.approx(min(best, 1e6))
