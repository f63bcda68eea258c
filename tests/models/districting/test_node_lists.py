"""Zones that end a part of a search tree: over all shares of posts between two parts they make the best partition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.districting import node_lists
from models.districting.node_lists import best_by_zones
from models.districting.problem import broken_rules, objective
from models.districting.watch import FOR_EVER

SIZE, COUNT, TOLERANCE = 8, 3, 0.4


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), above=st.sampled_from([1e-6, 0.05, 3.0]))
def test_the_best_over_all_shares_of_posts_is_that_of_all_partitions(ground, seed, above):
    problem, rng = ground.random(seed, size=SIZE, count=COUNT, tolerance=TOLERANCE), np.random.default_rng(seed)
    legal = [cost for deviation, cost in ground.all_partitions(problem) if deviation <= TOLERANCE]
    best = min(legal, default=1.0)
    part, every = rng.random(SIZE) < 0.5, np.ones((SIZE, SIZE), dtype=bool)
    u = rng.uniform(0, 2 * best / SIZE, SIZE)

    def found(cost, few):
        shares = ((np.flatnonzero(part), few), (np.flatnonzero(~part), COUNT - few))
        shares = [(posts, count) for posts, count in shares if count]
        return best_by_zones(problem, shares, every, u, cost, most=10_000, watch=FOR_EVER, seed=1)

    shares = [few for few in range(COUNT + 1) if few <= part.sum() and COUNT - few <= (~part).sum()]
    plans = {few: found(best * (1 + above), few) for few in shares}
    assert all(plan.proven for plan in plans.values())
    assert min(plan.cost for plan in plans.values()) == pytest.approx(best if legal else best * (1 + above))
    for few, plan in plans.items():
        if plan.post is not None:
            assert broken_rules(problem, plan.post) == []
            assert objective(problem, plan.post) == pytest.approx(plan.cost)
            assert part[np.unique(plan.post)].sum() == few
    assert all(found(best, few).post is None for few in shares)


@pytest.mark.parametrize(("most", "in_all", "long"), [(1, 10_000, True), (10_000, 1, True), (10_000, 10_000, False)])
def test_where_lists_would_be_too_long_for_a_post_or_in_all_there_is_no_answer(ground, monkeypatch, most, in_all, long):
    problem = ground.random(3, size=SIZE, count=COUNT, tolerance=TOLERANCE)
    every = np.ones((SIZE, SIZE), dtype=bool)
    monkeypatch.setattr(node_lists, "IN_ALL", in_all)
    found = best_by_zones(problem, [(np.arange(SIZE), COUNT)], every, np.zeros(SIZE), 1e6,
                          most=most, watch=FOR_EVER, seed=1)  # fmt: skip
    assert (found is None) == long
