"""Cutting a graph into even, compact, connected parts: against every possible cut, and by its rules."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from models.beats.partition import Problem, divide, price


def is_connected(problem: Problem, members: np.ndarray) -> bool:
    return connected_components(problem.graph[members][:, members], directed=False)[0] == 1


def every_cut(problem: Problem):
    """Yield each way to cut the graph into connected parts, none empty (brute force)."""
    for rest in itertools.product(range(problem.count), repeat=len(problem.load) - 1):
        part = np.array((0, *rest))
        parts = [np.flatnonzero(part == number) for number in range(problem.count)]
        if all(len(members) for members in parts) and all(is_connected(problem, members) for members in parts):
            yield part


def random_problem(rng: np.random.Generator, *, units: int, count: int, tolerance: float = 0.0) -> Problem:
    """A random tree and some more edges, as roads are."""
    tree = [(int(rng.integers(unit)), unit) for unit in range(1, units)]
    more = [tuple(sorted(rng.choice(units, 2, replace=False).tolist())) for _ in range(units // 3)]
    pairs = np.unique(np.array(tree + more), axis=0)
    return Problem(rng.integers(1, 30, units).astype(float), rng.random((units, 2)) * 1000, pairs, count, tolerance)


@pytest.mark.parametrize("seed", range(8))
def test_the_heaviest_part_is_as_light_as_in_the_best_of_all_cuts(seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, units=9 - 2 * (seed % 2), count=2 + seed % 2)
    best = min(np.bincount(part, weights=problem.load).max() for part in every_cut(problem))
    found = divide(problem, rng=rng)
    assert np.bincount(found, weights=problem.load).max() == best
    assert problem.bound <= best


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5])
def test_within_the_tolerance_the_parts_are_as_compact_as_in_the_best_of_all_cuts(seed):
    rng = np.random.default_rng(100 + seed)
    problem = random_problem(rng, units=9, count=2, tolerance=0.3)
    low, high = 0.7 * problem.mean, 1.3 * problem.mean
    fair = [part for part in every_cut(problem) if all(low <= load <= high for load in loads(problem, part))]
    assert fair
    least = min(spread(problem, part) for part in fair)
    assert spread(problem, divide(problem, rng=rng)) == pytest.approx(least)


def loads(problem: Problem, part: np.ndarray) -> np.ndarray:
    return np.bincount(part, weights=problem.load, minlength=problem.count)


def spread(problem: Problem, part: np.ndarray) -> float:
    """Moment of inertia straight from its definition."""
    total = 0.0
    for number in range(problem.count):
        weight, xy = problem.load[part == number], problem.xy[part == number]
        middle = (weight[:, None] * xy).sum(axis=0) / weight.sum()
        total += float((weight * ((xy - middle) ** 2).sum(axis=1)).sum())
    return total


def test_the_price_of_a_plan_is_its_heaviest_part_and_its_moment_of_inertia():
    problem = random_problem(np.random.default_rng(3), units=8, count=2)
    part = next(every_cut(problem))
    heaviest, inertia = price(problem, part)
    assert heaviest == pytest.approx(loads(problem, part).max())
    assert inertia == pytest.approx(spread(problem, part))


def test_a_square_grid_falls_into_four_square_quarters():
    """METHODS B.4: 12 x 12 equal squares in 4 parts: 36 each; the four 6 x 6 squares have the least inertia."""
    side = 12
    unit = np.arange(side * side).reshape(side, side)
    pairs = np.vstack([
        np.column_stack([unit[:, :-1].ravel(), unit[:, 1:].ravel()]),
        np.column_stack([unit[:-1].ravel(), unit[1:].ravel()]),
    ])  # fmt: skip
    xy = np.column_stack([unit.ravel() % side, unit.ravel() // side]).astype(float)
    problem = Problem(np.ones(side * side), xy, pairs, 4, 0.0)
    part = divide(problem, rng=np.random.default_rng(1))
    assert loads(problem, part).tolist() == [36.0] * 4
    quarters = (xy[:, 0] >= 6).astype(int) + 2 * (xy[:, 1] >= 6)
    assert spread(problem, part) <= 1.15 * spread(problem, quarters)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), units=st.integers(2, 30), count=st.integers(1, 4))
def test_every_part_is_connected_and_none_is_empty(seed, units, count):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, units=units, count=min(count, units), tolerance=0.3)
    part = divide(problem, rng=rng)
    assert sorted(set(part.tolist())) == list(range(problem.count))
    assert all(is_connected(problem, np.flatnonzero(part == number)) for number in range(problem.count))
    assert loads(problem, part).max() >= problem.bound - 1e-9


def test_the_bound_counts_two_heavy_units_that_must_share_a_part():
    pairs = np.array([[0, 1], [1, 2], [2, 3]])
    problem = Problem(np.array([9.0, 9.0, 9.0, 1.0]), np.zeros((4, 2)), pairs, 2, 0.0)
    assert problem.bound == 18.0
    assert isinstance(problem.graph, csr_array)
