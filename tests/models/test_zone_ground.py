"""The way to the incidents is work: by hand along the road, and from posts that no exchange makes nearer."""

import itertools

import numpy as np
import pytest

from gis_data.settings import WorkloadSettings
from models.zone_ground import nearest_posts, survey, trip_minutes, without_islets


def surveyed(town, *, count=1, **settings):
    return survey(*town.tables, WorkloadSettings(**settings), weeks=52.0, count=count)


def test_trips_go_by_road_over_the_one_bridge_and_add_to_the_work(grid_town):
    # V0 and V4 face each other; the one bridge stands in the far east, so the way is 1.8 + 1.0 + 1.8 km at 25 km/h.
    town = grid_town(bridges=(2100.0,), counts=(104, 0, 0, 0, 26, 0, 0, 0))
    units = surveyed(town).units.set_index("unit_id")
    assert units.loc["V4", "trip_min"] == pytest.approx(2 * 0.5 * 4.6 / 25 * 60)
    assert units["trip_min"].sum() == pytest.approx(units.loc["V4", "trip_min"])
    terms = units[["incident_min", "patrol_min", "fixed_min", "trip_min"]]
    assert units["total_min"].to_numpy() == pytest.approx(terms.sum(axis="columns").to_numpy())
    nearer = grid_town(bridges=(300.0,), counts=(104, 0, 0, 0, 26, 0, 0, 0))
    assert surveyed(nearer).units.set_index("unit_id").loc["V4", "trip_min"] == pytest.approx(2 * 0.5 * 1.0 / 25 * 60)
    assert (surveyed(town, count=2).units["trip_min"] == 0).all()
    assert (surveyed(town, trips_per_incident=0.0).units["trip_min"] == 0).all()


def test_no_exchange_of_one_post_is_nearer_and_small_grounds_are_best():
    rng, best_found = np.random.default_rng(5), 0
    for _ in range(20):
        xy, weight = rng.random((9, 2)), rng.integers(0, 5, 9).astype(float)
        travel = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
        posts = nearest_posts(weight, travel, count=3)

        def cost(chosen, weight=weight, travel=travel):
            return (weight * travel[:, list(chosen)].min(axis=1)).sum()

        for out, instead in itertools.product(posts, range(9)):
            assert cost(posts) <= cost([*(set(posts.tolist()) - {out}), instead]) + 1e-12
        best_found += cost(posts) <= min(map(cost, itertools.combinations(range(9), 3))) + 1e-12
    assert best_found >= 18


def test_ground_that_no_way_leads_to_costs_no_trips():
    travel = np.array([[0.0, 2.0, np.inf], [2.0, 0.0, np.inf], [np.inf, np.inf, 0.0]])
    trips = trip_minutes(np.array([1.0, 1.0, 0.5]), travel, WorkloadSettings(), count=1)
    assert trips.tolist() in ([0.0, 4.0, 0.0], [4.0, 0.0, 0.0])


def test_a_group_of_cells_far_too_light_for_a_zone_is_left_out_and_said():
    # Two zones of the whole weigh about 20 each: a cut-off cell of 0.9 is under a twentieth of that, one of 1.2 is not.
    pairs = np.array([[0, 1], [1, 2], [2, 3]])
    kept, notes = without_islets(np.array([10.0, 10.0, 10.0, 10.0, 0.9]), pairs, 2)
    assert kept.tolist() == [0, 1, 2, 3]
    assert notes == (("zones.note.islets", {"cells": 1, "share_pct": "2.20"}),)
    kept, notes = without_islets(np.array([10.0, 10.0, 10.0, 10.0, 1.2]), pairs, 2)
    assert (kept.tolist(), notes) == ([0, 1, 2, 3, 4], ())
