"""What a wish costs: rows never fall as the wish gets milder, and every bound holds."""

import itertools

import numpy as np
import pytest

from models.districting.problem import Problem, neighbours_from_pairs
from models.frontier import balance_frontier, count_table, moves_frontier


@pytest.fixture(scope="module")
def line_town():
    """Twelve villages along a road, one minute apart, uneven; today's three zones of four."""
    load = np.array([1, 2, 1, 3, 1, 1, 2, 2, 1, 1, 3, 2], dtype=float)
    number = np.arange(12)
    minutes = np.abs(number[:, None] - number[None]).astype(float)
    pairs = np.column_stack([number[:-1], number[1:]])
    return Problem(load, minutes, neighbours_from_pairs(12, pairs), 3, 0.35), number // 4


def best_on_a_line(problem, today, budget):
    """Every way to cut a line in three, with every choice of posts, by hand."""
    best = np.inf
    for a, b in itertools.combinations(range(1, 12), 2):
        zones = np.split(np.arange(12), [a, b])
        loads = np.array([problem.load[z].sum() for z in zones])
        if (np.abs(loads / problem.mean_load - 1) > problem.tolerance).any():
            continue
        options = [[(problem.cost[z, j].sum(), int((today[z] != today[j]).sum())) for j in z] for z in zones]
        for choice in itertools.product(*options):
            if sum(moves for _, moves in choice) <= budget:
                best = min(best, sum(cost for cost, _ in choice))
    return best


def test_a_larger_budget_of_moves_never_costs_more_and_no_plan_is_under_its_bound(line_town):
    problem, today = line_town
    table = moves_frontier(problem, today, budgets=(3, 0, 1, 2, 12), seed=1, time_limit_s=600.0)
    work = problem.load.sum()
    assert table["budget"].tolist() == [0, 1, 2, 3, 12]
    known = [best_on_a_line(problem, today, budget) / work for budget in table["budget"]]
    found = table["travel_min"].to_numpy()
    assert (np.diff(found[~np.isnan(found)]) <= 1e-9).all()
    for row, least in zip(table.itertuples(), known, strict=True):
        assert row.bound_min <= least + 1e-9
        assert np.isnan(row.travel_min) or (row.moved <= row.budget and row.travel_min >= least - 1e-9)
    assert found[-1] == pytest.approx(known[-1])


def test_between_the_corners_of_the_frontier_the_bound_stays_under_the_best_plan():
    between = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        number = np.arange(12)
        minutes = np.abs(number[:, None] - number[None]).astype(float)
        near = neighbours_from_pairs(12, np.column_stack([number[:-1], number[1:]]))
        problem = Problem(rng.integers(1, 6, 12).astype(float), minutes, near, 3, 0.5)
        today = np.searchsorted([2, 5], number, side="right")
        table = moves_frontier(problem, today, budgets=range(8), seed=1, time_limit_s=600.0)
        work = problem.load.sum()
        for row in table.itertuples():
            least = best_on_a_line(problem, today, row.budget) / work
            assert row.bound_min <= least + 1e-9
            between += bool(row.travel_min > least + 1e-9)
    assert between > 0


def test_a_wider_tolerance_never_costs_more_and_says_where_there_is_no_plan(line_town):
    problem, _ = line_town
    table = balance_frontier(problem, tolerances=(0.5, 0.01, 0.2, 0.35), seed=1, time_limit_s=600.0)
    assert table["tolerance"].tolist() == [0.01, 0.2, 0.35, 0.5]
    assert table["ended_by"].iloc[0] == "infeasible"
    assert (table["travel_min"].dropna().diff().dropna() <= 1e-9).all()
    assert (table["max_ratio"].dropna() <= 1 + table.loc[table["max_ratio"].notna(), "tolerance"] + 1e-5).all()


def test_every_number_of_zones_has_its_own_proven_row(line_town):
    problem, _ = line_town
    table = count_table(problem, counts=(1, 2, 3), seed=1, time_limit_s=600.0)
    assert table["count"].tolist() == [1, 2, 3]
    assert (table["gap"] < 1e-6).all()
    assert (table["travel_min"].diff().dropna() < 0).all()
    assert table["travel_min"].iloc[0] * problem.load.sum() == pytest.approx(problem.cost.sum(axis=0).min())
