"""The fewest incidents that make a cell hot: by trying every number, and by trying every p against the correction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.compare import false_discovery
from analysis.gi_star import GridNeighbourhood, exact_tails, gi_star
from analysis.gi_star_fewest import fewest_to_be_hot, largest_hot_p

ALPHA = 0.10


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.sampled_from([0.05, 0.10, 0.5]))
def test_up_to_the_largest_p_a_test_is_hot_and_above_it_never(steps, alpha):
    p = np.array(steps) / 40
    for i, level in enumerate(largest_hot_p(p, alpha=alpha)):
        at, above = p.copy(), p.copy()
        at[i], above[i] = level, level + 1e-6
        assert false_discovery(at)[i] <= alpha + 1e-9
        assert false_discovery(above)[i] > alpha


@pytest.mark.parametrize("seed", range(4))
def test_the_number_is_the_first_at_which_the_cell_is_hot(seed):
    """Try every number around a cell against the law of ``exact_tails`` and the correction over all cells."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.4, (7, 8))
    counts[2:5, 3:6] += rng.poisson(1.5 * seed, (3, 3))
    row, col = (x.ravel() for x in np.indices(counts.shape))
    near, own = GridNeighbourhood.of(row, col), counts.ravel()
    found = gi_star(own, near)
    fewest = fewest_to_be_hot(own, near, found.p_hot, alpha=ALPHA)
    assert (found.verdict(alpha=ALPHA) == "hot").tolist() == (found.around >= fewest).tolist()
    for i in range(0, len(own), 5):
        assert fewest[i] == first_hot(i, own, near.number - 1, found.p_hot)


def first_hot(i: int, own, number, p_hot) -> int:
    for others in range(int(np.sort(own)[::-1][: number[i]].sum()) + 2):
        tails, _ = exact_tails(own, np.where(np.arange(len(own)) == i, others, 0), number)
        p = p_hot.copy()
        p[i] = tails[i]
        if false_discovery(p)[i] <= ALPHA:
            return int(own[i]) + others
    raise AssertionError(i)


def test_a_town_without_incidents_asks_for_more_than_there_are():
    near = GridNeighbourhood.of(*(x.ravel() for x in np.indices((4, 4))))
    none = np.zeros(16, dtype=int)
    assert fewest_to_be_hot(none, near, np.ones(16)).tolist() == [1] * 16
