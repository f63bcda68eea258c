"""The choice: published and hand answers, all subsets by brute force, and what must hold for every plan."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gis_data.errors import InfeasibleError
from models.cameras.coverage import cheapest_cordon, most_covered
from models.cameras.problem import (
    Problem,
    lost_entrances,
    lost_weight,
    merged_rows,
    undominated,
    without_idle,
)

EXACT = {"gap": 0.0, "time_limit_s": 600.0}


def problem(
    sees, *, guards=None, weight=None, camera_cny=None, pole=None, pole_cny=None, stands=None, must=None, limit=4
):
    sees = np.atleast_2d(np.asarray(sees, dtype=float))
    cameras, points = sees.shape
    pole = np.arange(cameras) if pole is None else np.asarray(pole)
    return Problem(
        sees=sparse.csr_array(sees),
        guards=sparse.csr_array(
            np.zeros((cameras, 0), dtype=bool) if guards is None else np.asarray(guards, dtype=bool)
        ),
        weight=np.ones(points) if weight is None else np.asarray(weight, dtype=float),
        camera_cny=np.ones(cameras) if camera_cny is None else np.asarray(camera_cny, dtype=float),
        pole_cny=np.zeros(pole.max() + 1) if pole_cny is None else np.asarray(pole_cny, dtype=float),
        pole=pole,
        stands=np.zeros(cameras, dtype=bool) if stands is None else np.asarray(stands),
        must=np.zeros(cameras, dtype=bool) if must is None else np.asarray(must),
        required=np.ones(0 if guards is None else np.asarray(guards).shape[1], dtype=bool),
        max_per_pole=limit,
    )


def sets(*members, points):
    return [[k in member for k in range(1, points + 1)] for member in members]


def test_hand_cover():
    cover = sets({1, 2}, {3, 4}, {1, 3}, {2}, points=4)
    assert cheapest_cordon(problem(np.zeros((4, 0)), guards=cover), time_limit_s=600).objective == 2
    assert most_covered(problem(cover), budget_cny=1, **EXACT).objective == pytest.approx(50)


def test_greedy_falls_into_the_trap_and_the_plan_does_not():
    trap = problem(sets({1, 2, 3, 4}, {1, 2, 5}, {3, 4, 6}, points=6))
    best = most_covered(trap, budget_cny=2, **EXACT)  # greedy sees 5 of 6: it takes the first set first
    assert (best.objective, list(best.chosen), best.ended_by) == (pytest.approx(100), [1, 2], "optimal")


def test_four_stores_leave_the_published_21_san_francisco_tracts_uncovered():
    table = pd.read_csv(Path(__file__).with_name("sf_stores.csv"), comment="#")
    within = table["stores_within_5_km"].map(lambda code: int(str(code), 16)).to_numpy()
    sees = (within[None, :] >> np.arange(16)[:, None]) & 1 == 1
    stores = problem(sees, weight=table["people"])
    best = most_covered(stores, budget_cny=4, **EXACT)
    assert (~stores.seen(best.chosen)).sum() == 21
    people = max(table["people"][sees[list(four)].any(axis=0)].sum() for four in combinations(range(16), 4))
    assert best.objective == pytest.approx(100 * people / table["people"].sum())


def random_problem(seed: int, *, cameras: int = 10, poles: int = 4, points: int = 14, entrances: int = 3) -> Problem:
    rng = np.random.default_rng(seed)
    return problem(
        rng.random((cameras, points)) < 0.3,
        guards=rng.random((cameras, entrances)) < 0.3,
        weight=rng.integers(0, 9, points),
        camera_cny=rng.choice([15, 18], cameras),
        pole=np.sort(rng.integers(0, poles, cameras)),
        pole_cny=rng.choice([8, 30], poles),
        stands=rng.random(cameras) < 0.1,
        limit=int(rng.integers(1, 4)),
    )


def all_plans(p: Problem):
    """Every set of cameras that keeps the limit per pole: (rows, price, weight seen, entrances guarded)."""
    sees, guards = p.sees.toarray(), p.guards.toarray()
    new = np.flatnonzero(~p.stands)
    for size in range(len(new) + 1):
        for some in combinations(new, size):
            if size and np.bincount(p.pole[list(some)]).max() > p.max_per_pole:
                continue
            rows = np.union1d(np.flatnonzero(p.stands), some).astype(int)
            price = p.camera_cny[list(some)].sum() + p.pole_cny[np.unique(p.pole[list(some)])].sum() if size else 0.0
            yield rows, price, p.weight[sees[rows].any(axis=0)].sum(), guards[rows].any(axis=0)


@pytest.mark.parametrize("seed", range(25))
def test_plan_equals_brute_force_over_all_subsets(seed):
    p = random_problem(seed)
    plans = list(all_plans(p))
    need = p.guards.toarray().any(axis=0)
    full = [price for _, price, _, guarded in plans if (guarded >= need).all()]
    if not full:
        with pytest.raises(InfeasibleError):
            cheapest_cordon(p, time_limit_s=600)
        return
    cordon = cheapest_cordon(p, time_limit_s=600)
    assert cordon.objective == pytest.approx(min(full))
    for budget in (min(full), 1.3 * min(full) + 10, 200.0):
        within = [(weight, (guarded >= need).all()) for _, price, weight, guarded in plans if price <= budget]
        best = most_covered(p, budget_cny=budget, cordon=cordon, **EXACT)
        free = most_covered(p, budget_cny=budget, **EXACT)
        assert best.objective == pytest.approx(100 * max(w for w, ok in within if ok) / p.weight.sum())
        assert free.objective == pytest.approx(100 * max(w for w, _ in within) / p.weight.sum())
        assert best.bound == pytest.approx(best.objective)
        assert p.cost_cny(best.chosen) <= budget
        assert (p.guards.toarray()[best.chosen].any(axis=0) >= need).all()


def test_a_budget_below_the_cordon_is_told_with_both_numbers():
    p = problem(np.zeros((2, 1)), guards=np.eye(2), pole_cny=[3000, 3000], camera_cny=[1500, 1800])
    cordon = cheapest_cordon(p, time_limit_s=600)
    assert cordon.objective == 9300
    with pytest.raises(InfeasibleError, match=r"9,000.*9,300"):
        most_covered(p, budget_cny=9000, cordon=cordon, **EXACT)


def test_too_few_cameras_a_pole_is_told():
    p = problem(np.zeros((2, 1)), guards=np.eye(2), pole=[0, 0], limit=1)
    with pytest.raises(InfeasibleError, match="1"):
        cheapest_cordon(p, time_limit_s=600)


def test_no_budget_buys_nothing_and_standing_cameras_are_free():
    p = problem(np.eye(3), camera_cny=[5, 5, 5], pole_cny=[2, 2, 2], stands=[False, True, False])
    nothing = most_covered(p, budget_cny=0, **EXACT)
    assert list(nothing.chosen) == [1]
    assert nothing.objective == pytest.approx(100 / 3)
    assert p.cost_cny(nothing.chosen) == 0
    assert list(most_covered(p, budget_cny=7, **EXACT).chosen) in ([0, 1], [1, 2])


def test_a_camera_seen_by_none_of_the_points_is_never_bought():
    assert list(most_covered(problem([[1, 1], [0, 0]]), budget_cny=2, **EXACT).chosen) == [0]


def test_dominance_stays_inside_one_pole():
    sees = sets({1, 2}, {1}, {1, 2}, {1}, points=2)
    kept = undominated(problem(sees, pole=[0, 0, 1, 2], camera_cny=[2, 2, 9, 2]))
    assert list(kept) == [0, 2, 3]  # the second goes; the dear wide one and the narrow one stand on other poles
    cheaper = undominated(problem(sees, pole=[0, 0, 1, 2], camera_cny=[2, 1, 9, 2]))
    assert 1 in cheaper  # it sees less but costs less


def test_equal_cameras_on_a_pole_leave_exactly_one():
    assert list(undominated(problem(sets({1}, {1}, {1}, points=1), pole=[0, 0, 0]))) == [0]


def test_points_seen_by_the_same_cameras_become_one_row():
    sees = sparse.csr_array(np.array([[1, 1, 0, 0, 1], [0, 0, 0, 1, 0]], dtype=float))
    rows, weight, room = merged_rows(sees, np.array([1.0, 2, 4, 8, 16]), np.array([1, 1, 1, 1, 0.5]))
    assert sorted(zip(rows.toarray().T.tolist(), weight.tolist(), room.tolist(), strict=True)) == [
        ([0, 1], 8, 1),
        ([1, 0], 3, 1),
        ([1, 0], 16, 0.5),
    ]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), first=st.floats(0, 150), more=st.floats(0, 100))
def test_more_money_never_sees_less(seed, first, more):
    p = random_problem(seed)
    less, rich = (most_covered(p, budget_cny=b, **EXACT).objective for b in (first, first + more))
    assert rich >= less - 1e-6


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), budget=st.floats(0, 250))
def test_dropping_any_camera_loses_what_it_says(seed, budget):
    p = random_problem(seed)
    chosen = most_covered(p, budget_cny=budget, **EXACT).chosen
    weight, entrances = lost_weight(p, chosen), lost_entrances(p, chosen)
    guards = p.guards.toarray()
    for k in range(len(chosen)):
        rest = np.delete(chosen, k)
        assert p.weight[p.seen(chosen)].sum() - p.weight[p.seen(rest)].sum() == pytest.approx(weight[k])
        assert guards[chosen].any(axis=0).sum() - guards[rest].any(axis=0).sum() == entrances[k]
        assert p.stands[chosen[k]] or weight[k] > 0 or entrances[k] > 0


def test_idle_cameras_are_dropped_until_each_is_needed():
    p = problem(sets({1}, {1}, {1, 2}, points=2), camera_cny=[1, 2, 3])
    assert list(without_idle(p, np.array([0, 1, 2]))) == [2]
