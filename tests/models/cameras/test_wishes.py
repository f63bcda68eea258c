"""Second views, private ground, money and order: against pairs, areas and sums worked out another way."""

import dataclasses
from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from gis_data.errors import InfeasibleError
from gis_data.settings import CameraSettings
from models.cameras.bounds import wish_bounds
from models.cameras.coverage import cheapest_cordon, coverage_bound, most_covered
from models.cameras.entrances import fewest_cuts
from models.cameras.many import most_covered_by_price, parts_of
from models.cameras.money import budget_curve, build_order, rollout
from models.cameras.private import masks, private_ground, seen_private_m2
from models.cameras.problem import Choice, Problem, joined
from models.cameras.refine import Wishes, price_of_ground, refine, worth
from models.cameras.two_sides import Directions, are_apart, two_sided

CRS = "EPSG:4549"


def random_scene(seed: int, *, cameras: int = 30, poles: int = 9, points: int = 25) -> tuple[Problem, Wishes]:
    rng = np.random.default_rng(seed)
    pole = np.sort(rng.integers(0, poles, cameras))
    share = (rng.random((cameras, points)) < 0.25) * np.where(rng.random((cameras, 1)) < 0.15, 0.2, 1.0)
    problem = Problem(
        sees=sparse.csr_array(share),
        guards=sparse.csr_array(rng.random((cameras, 4)) < 0.2),
        weight=rng.gamma(2.0, 5.0, points),
        camera_cny=rng.choice([15.0, 18.0], cameras),
        pole_cny=rng.choice([8.0, 30.0], poles),
        pole=pole,
        stands=rng.random(cameras) < 0.07,
        must=np.zeros(cameras, dtype=bool),
        required=np.ones(4, dtype=bool),
        max_per_pole=3,
    )
    directions = Directions(rng.random((poles, 2)) * 100, rng.random((points, 2)) * 100)
    return problem, Wishes(directions, rng.gamma(2.0, 20.0, cameras), pole % 2)


@given(st.lists(st.floats(0, 359.9), max_size=6))
def test_two_sides_means_some_pair_at_least_45_degrees_apart(bearings):
    pairs = [abs((a - b + 180) % 360 - 180) for a, b in combinations(bearings, 2)]
    if any(abs(angle - 45) < 1e-4 for angle in pairs):
        return
    assert are_apart(bearings) == any(angle >= 45 for angle in pairs)


def test_a_point_on_a_lane_between_two_cameras_is_seen_from_two_sides_and_one_beside_both_is_not():
    problem, _ = random_scene(0, cameras=3, poles=3, points=2)
    problem = dataclasses.replace(
        problem, sees=sparse.csr_array(np.array([[1, 1], [1, 0], [0.2, 1]])), pole=np.array([0, 1, 2])
    )
    directions = Directions(np.array([[0.0, 0], [10, 0], [0, 2]]), np.array([[5.0, 0], [20, 1]]))
    assert list(two_sided(problem, directions, np.array([0, 1, 2]))) == [True, False]
    assert list(two_sided(problem, directions, np.array([0, 2]))) == [False, False]


@pytest.mark.parametrize("seed", range(12))
def test_wishes_never_make_the_plan_worse_dearer_or_open_an_entrance(seed):
    problem, wishes = random_scene(seed)
    cordon = cheapest_cordon(problem, time_limit_s=600)
    budget = 1.4 * cordon.objective + 40
    best = most_covered(problem, budget_cny=budget, cordon=cordon, gap=0.0, time_limit_s=600)
    after = refine(problem, wishes, best, budget_cny=budget)
    per_m2 = price_of_ground(problem, wishes, best.chosen)
    assert worth(problem, wishes, after.chosen, per_m2) >= worth(problem, wishes, best.chosen, per_m2) - 1e-6
    assert problem.cost_cny(after.chosen) <= budget + 1e-6
    new = after.chosen[~problem.stands[after.chosen]]
    assert np.bincount(problem.pole[new]).max(initial=0) <= problem.max_per_pole
    guarded = np.asarray(problem.guards[best.chosen].sum(axis=0)) > 0
    assert (np.asarray(problem.guards[after.chosen].sum(axis=0)) > 0)[guarded].all()
    assert after.objective == pytest.approx(problem.share_pct(after.chosen))
    assert after.objective <= best.bound + 1e-6
    whole = worth(problem, wishes, after.chosen, per_m2)
    guarded = np.asarray(problem.guards[after.chosen].sum(axis=0)) > 0
    for camera in new:
        rest = after.chosen[after.chosen != camera]
        opens = (guarded & ~(np.asarray(problem.guards[rest].sum(axis=0)) > 0)).any()
        assert opens or worth(problem, wishes, rest, per_m2) < whole  # no camera is bought for nothing


@pytest.mark.parametrize("seed", range(8))
def test_no_selection_as_good_beats_the_bounds_of_the_wishes(seed):
    """Every one of 4,096 selections within the budget that guards as much and sees as much as the plan."""
    problem, wishes = random_scene(seed, cameras=12, poles=5, points=14)
    cordon = cheapest_cordon(problem, time_limit_s=600)
    budget = 1.4 * cordon.objective + 40
    best = most_covered(problem, budget_cny=budget, cordon=cordon, gap=0.0, time_limit_s=600)
    best = refine(problem, wishes, best, budget_cny=budget)
    most, least = wish_bounds(problem, wishes, best, budget_cny=budget, time_limit_s=600)
    second, ground, feasible = [], [], 0
    for bits in range(1 << 12):
        chosen = np.flatnonzero([(bits >> k) & 1 for k in range(12)])
        if not set(np.flatnonzero(problem.stands)) <= set(chosen) or not is_as_good(problem, best, chosen, budget):
            continue
        feasible += 1
        second.append(problem.pct(float(problem.weight @ two_sided(problem, wishes.directions, chosen))))
        if second[-1] >= problem.pct(float(problem.weight @ two_sided(problem, wishes.directions, best.chosen))) - 1e-9:
            ground.append(float(wishes.private_m2[chosen].sum()))
    assert feasible
    assert max(second) <= most + 1e-6
    assert min(ground) >= least - 1e-6
    assert least <= wishes.private_m2[best.chosen].sum() + 1e-9


def is_as_good(problem, best, chosen, budget):
    new = chosen[~problem.stands[chosen]]
    guards = np.asarray(problem.guards[chosen].sum(axis=0)) > 0
    return (
        problem.cost_cny(chosen) <= budget
        and np.bincount(problem.pole[new], minlength=1).max(initial=0) <= problem.max_per_pole
        and guards[problem.guardable].all()
        and problem.share_pct(chosen) >= best.objective - 1e-9
    )


def test_of_two_equal_cameras_the_one_that_sees_less_private_ground_is_taken():
    problem, _ = random_scene(0, cameras=2, poles=2, points=3)
    problem = dataclasses.replace(
        problem, sees=sparse.csr_array(np.ones((2, 3))), guards=sparse.csr_array((2, 0), dtype=bool),
        camera_cny=np.ones(2), pole_cny=np.zeros(2), pole=np.array([0, 1]), stands=np.zeros(2, dtype=bool),
        required=np.ones(0, dtype=bool),
    )  # fmt: skip
    best = most_covered(problem, budget_cny=1.0, gap=0.0, time_limit_s=600)
    for quiet in (0, 1):
        ground = np.where(np.arange(2) == quiet, 5.0, 90.0)
        wishes = Wishes(Directions(np.zeros((2, 2)), np.ones((3, 2))), ground, np.zeros(2, dtype=np.int64))
        assert list(refine(problem, wishes, best, budget_cny=1.0).chosen) == [quiet]


def test_of_two_equal_cameras_the_one_that_looks_from_another_side_is_taken():
    """A stands and sees the first point from the south; B sees both from the south too, C both from the east."""
    problem, _ = random_scene(0, cameras=3, poles=3, points=2)
    problem = dataclasses.replace(
        problem, sees=sparse.csr_array(np.array([[1.0, 0], [1, 1], [1, 1]])),
        guards=sparse.csr_array((3, 0), dtype=bool), weight=np.array([10.0, 10.0]), camera_cny=np.array([0.0, 1, 1]),
        pole_cny=np.zeros(3), pole=np.arange(3), stands=np.array([True, False, False]), required=np.ones(0, dtype=bool),
    )  # fmt: skip
    poles, points = np.array([[0.0, -20.0], [1.0, -20.0], [20.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 1.0]])
    wishes = Wishes(Directions(poles, points), np.zeros(3), np.zeros(3, dtype=np.int64))
    start = Choice(np.array([0, 1]), 100.0, 100.0, "optimal")
    assert sorted(refine(problem, wishes, start, budget_cny=1.0).chosen) == [0, 2]


def test_a_camera_that_an_exchange_makes_superfluous_is_not_bought():
    """A sees the first point past much private ground, C the second; B sees both: in comes B, out go A and C."""
    problem, _ = random_scene(0, cameras=3, poles=3, points=2)
    problem = dataclasses.replace(
        problem, sees=sparse.csr_array(np.array([[1.0, 0], [1, 1], [0, 1]])),
        guards=sparse.csr_array((3, 0), dtype=bool), weight=np.array([10.0, 1.0]), camera_cny=np.ones(3),
        pole_cny=np.zeros(3), pole=np.arange(3), stands=np.zeros(3, dtype=bool), required=np.ones(0, dtype=bool),
    )  # fmt: skip
    wishes = Wishes(Directions(np.zeros((3, 2)), np.ones((2, 2))), np.array([90.0, 0, 0]), np.zeros(3, dtype=np.int64))
    both = Choice(np.array([0, 2]), 100.0, 100.0, "optimal")
    assert list(refine(problem, wishes, both, budget_cny=2.0).chosen) == [1]


@pytest.mark.parametrize("seed", range(6))
def test_money_curve_rises_stays_under_its_bound_and_meets_the_plan(seed):
    problem, _ = random_scene(seed)
    best = most_covered(problem, budget_cny=150.0, gap=0.0, time_limit_s=600)
    order = build_order(problem, best.chosen)
    curve = budget_curve(problem, best, order, budget_cny=150.0, step_cny=40.0, cordon_cny=np.inf)
    assert curve["covered_pct"].is_monotonic_increasing
    assert (curve["covered_pct"] <= curve["bound_pct"] + 1e-6).all()
    assert (curve["spent_cny"] <= curve["budget_cny"] + 0.01).all()
    here = curve.set_index("budget_cny").loc[150.0]
    assert here["covered_pct"] == pytest.approx(best.objective)
    for _, row in curve.iterrows():
        exact = most_covered(problem, budget_cny=row["budget_cny"], gap=0.0, time_limit_s=600)
        assert row["covered_pct"] <= exact.objective + 1e-6 <= row["bound_pct"] + 2e-6
        assert coverage_bound(problem, budget_cny=row["budget_cny"]) == pytest.approx(row["bound_pct"])


def test_the_years_build_the_whole_plan_and_entrances_come_first():
    problem, _ = random_scene(3)
    cordon = cheapest_cordon(problem, time_limit_s=600)
    best = most_covered(problem, budget_cny=cordon.objective + 120, cordon=cordon, gap=0.0, time_limit_s=600)
    order = build_order(problem, best.chosen)
    assert sorted(order.rows) == sorted(best.chosen[~problem.stands[best.chosen]])
    assert order.price_cny[-1] == pytest.approx(problem.cost_cny(best.chosen))
    assert order.covered_pct[-1] == pytest.approx(best.objective)
    closed = int(np.argmax(order.guarded == order.guarded[-1]))
    assert (np.diff(order.guarded[: closed + 1]) > 0).all()  # no other camera before the last entrance is watched
    year, table = rollout(problem, order, years=3, budget_cny=cordon.objective + 120, cordon_cny=cordon.objective)
    assert (np.diff(year) >= 0).all()
    assert table["cameras"].iloc[-1] == len(order.rows)
    assert table["covered_pct"].iloc[-1] == pytest.approx(best.objective)
    assert (table["spent_cny"] <= table["budget_cny"] + 0.01).all()


def street() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """A lane along y = 0 with a dwelling on either side, its walls 8 m off the middle."""
    houses = [shapely.box(0, 8, 20, 18), shapely.box(0, -18, 20, -8)]
    buildings = gpd.GeoDataFrame({"is_dwelling": [True, True]}, geometry=houses, crs=CRS)
    roads = gpd.GeoDataFrame({"road_class": ["village"]}, geometry=[shapely.LineString([(-60, 0), (80, 0)])], crs=CRS)
    return roads, buildings, gpd.GeoDataFrame(geometry=[shapely.box(-20, -30, 40, 30)], crs=CRS)


def test_private_ground_lies_round_dwellings_and_off_the_road():
    roads, buildings, areas = street()
    ground = private_ground(areas, roads, buildings)
    assert not shapely.intersects(ground, shapely.box(-60, -2.99, 80, 2.99))
    assert not shapely.intersects(ground, buildings.buffer(-0.01).union_all())
    # Each house: 6 m all round, the corners rounded by two segments a quarter; the strip towards the lane is 5 m wide.
    corner = 2 * 6**2 * np.sin(np.pi / 4)
    whole = 2 * (2 * 6 * (20 + 10) + 2 * corner)
    assert shapely.area(ground) == pytest.approx(whole - 2 * _over_the_lane(), rel=1e-6)
    assert shapely.area(private_ground(areas, roads, buildings.assign(is_dwelling=False))) == 0


def _over_the_lane() -> float:
    """What of one house's 6 m lies within 3 m of the lane's middle."""
    return shapely.area(shapely.box(0, 8, 20, 18).buffer(6, quad_segs=2).intersection(shapely.box(-60, -3, 80, 3)))


def test_square_metres_on_the_grid_agree_with_the_view_s_own_area():
    from models.cameras.visibility import Lens, view_polygon

    roads, buildings, areas = street()
    ground = private_ground(areas, roads, buildings)
    settings = CameraSettings()
    walls = buildings.geometry.to_numpy()
    aims = pd.DataFrame({"site": 0, "azimuth_deg": np.arange(0.0, 360.0, 20.0), "hfov_deg": 84.0})
    counted = seen_private_m2(np.array([[-15.0, 0.5]]), aims, ground, walls, settings=settings)
    lens = Lens.of(84.0, settings)
    exact = [
        shapely.area(shapely.intersection(view_polygon((-15.0, 0.5), a, lens, walls, px_per_m=62.5), ground))
        for a in aims["azimuth_deg"]
    ]
    assert max(exact) > 60
    assert np.abs(counted - exact).max() <= 60  # a handful of 25 m² squares on the edge
    assert counted.sum() == pytest.approx(sum(exact), rel=0.15)


def test_masks_hide_yards_and_never_the_road():
    roads, buildings, areas = street()
    ground, road = private_ground(areas, roads, buildings), roads.buffer(3, cap_style="flat").union_all()
    view = shapely.Point(-15, 0.5).buffer(40).difference(buildings.union_all())
    ranges = masks((-15.0, 0.5), view, ground, road)
    assert ranges == []  # from the lane itself every direction begins on the road
    yard_side = shapely.Point(-3, 12).buffer(9).difference(buildings.union_all())
    ranges = masks((-3.0, 12.0), yard_side, ground, road)
    assert len(ranges) >= 1
    for start, stop in ranges:
        for azimuth in np.radians(np.arange(start + 0.5, start + ((stop - start) % 360), 1.0)):
            ray = shapely.LineString([(-3, 12), (-3 + 50 * np.sin(azimuth), 12 + 50 * np.cos(azimuth))])
            assert not shapely.intersects(ray.intersection(yard_side), road)


def road_rows(edges) -> gpd.GeoDataFrame:
    """Roads between named nodes at places: (node, node) pairs."""
    at = {"in": (0, 0), "east": (340, 0), "west": (-340, 0), "north": (0, 340), "bend": (0, 900), "far": (0, 1500),
          "other": (1500, 0)}  # fmt: skip
    number = {name: k for k, name in enumerate(at)}
    table = {
        "road_class": "village",
        "from_node": [number[a] for a, _ in edges],
        "to_node": [number[b] for _, b in edges],
    }
    return gpd.GeoDataFrame(table, geometry=[shapely.LineString([at[a], at[b]]) for a, b in edges], crs=CRS)


def test_a_village_on_one_bridge_can_be_cut_off_in_one_place():
    area = gpd.GeoDataFrame({"village_id": ["V1"]}, geometry=[shapely.box(-90, -90, 90, 90)], crs=CRS)
    lanes = [("in", "east"), ("in", "west"), ("in", "north"), ("east", "north"), ("north", "west")]
    bridge, second = ("north", "far"), ("east", "other")
    assert fewest_cuts(area, road_rows([*lanes, bridge])).to_dict() == {"V1": 1}
    assert fewest_cuts(area, road_rows([*lanes, bridge, second])).to_dict() == {"V1": 2}
    assert fewest_cuts(area, road_rows(lanes)).to_dict() == {"V1": 0}


def test_a_road_of_many_pieces_leads_out_as_one_piece_does():
    area = gpd.GeoDataFrame({"village_id": ["V1"]}, geometry=[shapely.box(-90, -90, 90, 90)], crs=CRS)
    assert fewest_cuts(area, road_rows([("in", "north"), ("north", "bend"), ("bend", "far")])).to_dict() == {"V1": 1}


def test_a_price_of_money_for_many_villages_comes_near_the_one_model_and_its_bound_holds():
    problems = [random_scene(seed)[0] for seed in range(20, 32)]
    one = joined(problems)
    village = np.repeat(np.arange(12), [len(p.pole) for p in problems])
    parts, rows = parts_of(one, village)
    assert [len(r) for r in rows] == [len(p.pole) for p in problems]
    cordon = cheapest_cordon(one, time_limit_s=600)
    budget = 1.3 * cordon.objective
    exact = most_covered(one, budget_cny=budget, cordon=cordon, gap=0.0, time_limit_s=600)
    many = most_covered_by_price(parts, budget_cny=budget, time_limit_s=600)
    best = exact.objective / 100 * one.weight.sum()
    assert many.weight <= best + 1e-6 <= many.bound + 2e-6
    assert many.weight >= 0.98 * best
    assert many.spent_cny <= budget + 1e-6
    for part, chosen in zip(parts, many.chosen, strict=True):
        assert (np.asarray(part.guards[chosen].sum(axis=0)) > 0)[part.guardable].all()
    bare = most_covered_by_price(parts, budget_cny=cordon.objective, time_limit_s=600)
    exact = most_covered(one, budget_cny=cordon.objective, cordon=cordon, gap=0.0, time_limit_s=600)
    assert bare.weight <= exact.objective / 100 * one.weight.sum() + 1e-6 <= bare.bound + 2e-6
    with pytest.raises(InfeasibleError, match=r"\d,?\d*"):
        most_covered_by_price(parts, budget_cny=0.9 * cordon.objective, time_limit_s=600)
