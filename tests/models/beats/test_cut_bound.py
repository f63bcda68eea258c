"""What roads that hang on single roads allow: against every possible cut, and by a cross of roads in arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.beats.cut_bound import least_heaviest
from models.beats.partition import Problem
from tests.models.beats.test_partition import every_cut, random_problem


def lightest(problem: Problem) -> float:
    return float(min(np.bincount(part, weights=problem.load).max() for part in every_cut(problem)))


def test_three_arms_too_light_to_be_a_part_all_go_with_the_joint_but_one():
    """One unit of 1 with three arms of 4 in two parts: an arm alone leaves 9, though the mean is 6.5."""
    pairs = np.array([[0, 1], [1, 2], [0, 3], [3, 4], [0, 5], [5, 6]])
    problem = Problem(np.array([1.0, 3, 1, 2, 2, 1, 3]), np.zeros((7, 2)), pairs, 2, 0.0)
    assert problem.bound == 6.5
    assert least_heaviest(problem) == pytest.approx(9.0, rel=1e-4)


def ring(first: int, count: int) -> list[tuple[int, int]]:
    return [(first + k, first + (k + 1) % count) for k in range(count)]


def test_a_net_of_small_streets_can_be_shared_but_does_not_vanish():
    """4 and 4 in a row hang on a net of 100 streets, 2 in all: the far 4 alone leaves 6, the mean is 5."""
    load = np.array([4.0, 4.0] + [0.02] * 100)
    problem = Problem(load, np.zeros((102, 2)), np.array([(0, 1), (1, 2), *ring(2, 100)]), 2, 0.0)
    assert problem.bound == pytest.approx(5.0)
    assert least_heaviest(problem) == pytest.approx(6.0, rel=1e-4)


def test_streets_that_no_part_below_takes_reach_up():
    """Behind that net one road leads to another of 2.2: the far 4 alone leaves 8.3, both 4 together are 8."""
    load = np.array([4.0, 4.0] + [0.02] * 100 + [0.1] + [0.022] * 100)
    pairs = [(0, 1), (1, 2), *ring(2, 100), (50, 102), (102, 103), *ring(103, 100)]
    problem = Problem(load, np.zeros((203, 2)), np.array(pairs), 2, 0.0)
    assert least_heaviest(problem) == pytest.approx(8.0, rel=1e-4)


def test_what_one_part_cannot_take_of_a_net_the_others_must():
    """11, 0.1 and 11 in a row hang on a net of 20 in all: 11.1 apart leaves 15.5 each; the mean is 14.03."""
    load = np.array([11.0, 0.1, 11.0] + [0.1] * 200)
    problem = Problem(load, np.zeros((203, 2)), np.array([(0, 1), (1, 2), (2, 3), *ring(3, 200)]), 3, 0.0)
    assert least_heaviest(problem) == pytest.approx(15.5, rel=1e-4)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 3))
def test_on_a_tree_of_roads_it_is_the_heaviest_part_of_the_best_of_all_cuts(seed, count):
    rng = np.random.default_rng(seed)
    pairs = np.array([(int(rng.integers(unit)), unit) for unit in range(1, 7)])
    problem = Problem(rng.integers(1, 30, 7).astype(float), np.zeros((7, 2)), pairs, count, 0.0)
    assert least_heaviest(problem) == pytest.approx(lightest(problem), rel=1e-4)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 3))
def test_no_cut_of_any_roads_falls_below_it(seed, count):
    problem = random_problem(np.random.default_rng(seed), units=7, count=count)
    assert problem.bound - 1e-9 <= least_heaviest(problem) <= lightest(problem) + 1e-9


def test_the_smallest_problems_have_the_plain_bound():
    one = Problem(np.array([5.0]), np.zeros((1, 2)), np.empty((0, 2), dtype=np.int64), 1, 0.0)
    two = Problem(np.array([5.0, 3.0]), np.zeros((2, 2)), np.array([[0, 1]]), 2, 0.0)
    assert least_heaviest(one) == one.bound
    assert least_heaviest(two) == pytest.approx(5.0)
