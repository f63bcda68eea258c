"""Why no camera stands at a possible site, judged by code that shares nothing with the model."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import sparse

from models.cameras.hand import CameraChange, CameraGround, CameraHand, changed
from models.cameras.left_out import left_out_sites
from models.cameras.private import private_ground
from models.cameras.problem import Choice, Problem
from models.cameras.scene import Scene

from .referee import demand_of, seen_by_night, seen_from


class Alone:
    """Cameras in the form that the referee reads."""

    def __init__(self, cameras):
        self.cameras = cameras

    def to_frame(self):
        return self.cameras


def weight_seen(cameras, town):
    """Return the weight seen, by day and by night, camera x point."""
    demand, settings = demand_of(town), town.study.settings.cameras
    at = demand.points.geometry.to_numpy()
    by_day = seen_from(Alone(cameras), at, town.buildings, 62.5, settings)
    by_night = seen_by_night(Alone(cameras), by_day, at, town.places.geometry.to_numpy(), settings)
    night = demand.night_share
    return np.hstack([by_day * (1 - night), by_night * night]) * np.tile(demand.points["weight"].to_numpy(), 2)


def test_what_a_camera_would_add_at_a_free_site_is_what_it_sees_and_no_camera_of_the_plan_does(plan, town):
    left_out = plan.tables["left_out"]
    assert len(left_out) > 20
    tried = pd.DataFrame(left_out.iloc[:: max(len(left_out) // 15, 1)])
    tried = tried.assign(x=[point.x for point in tried.geometry], y=[point.y for point in tried.geometry])
    there = weight_seen(plan.to_frame(), town).max(axis=0) > 0
    own, total = weight_seen(tried, town), demand_of(town).points["weight"].sum()
    assert 100 * own[:, ~there].sum(axis=1) / total == pytest.approx(tried["gain_pct"].to_numpy(), abs=1e-9)
    known = own.sum(axis=1) > 0
    share = 100 * own[known][:, there].sum(axis=1) / own[known].sum(axis=1)
    assert share == pytest.approx(tried["already_pct"].to_numpy()[known])


def test_money_left_never_buys_more_than_the_proven_gap(plan):
    left_out = plan.tables["left_out"]
    assert set(left_out["why"]) == {"budget"}
    spent = plan.tables["summary"]["cost_cny"].sum()
    assert left_out["left_cny"].to_numpy() == pytest.approx(plan.settings["budget_cny"] - spent)
    assert (left_out["cost_cny"] > left_out["left_cny"]).all()
    affordable = left_out[left_out["cost_cny"] <= left_out["left_cny"]]
    assert (plan.objective + affordable["gain_pct"] <= plan.bound + 1e-9).all()


def test_each_reason_on_five_poles_worked_out_by_hand():
    """Pole 0 is in use and sees points 0 to 3 of eight; 2,500 yuan of 5,000 are left."""
    sees = np.array(
        [[1, 1, 1, 1, 0, 0, 0, 0],  # in use
         [1, 1, 0, 0, 0, 0, 0, 0],  # sees what is seen
         [0, 0, 0, 1, 1, 1, 0, 0],  # sees two new points, at 3,000
         [0, 0, 0, 0, 0, 0, 1, 0],  # sees a new point worth 1 across 5,000 m2 of yards
         [0, 0, 0, 0, 0, 0, 0, 1]], dtype=float)  # fmt: skip
    size = len(sees)
    problem = Problem(
        sees=sparse.csr_array(sees), guards=sparse.csr_array((size, 1)), weight=np.array([10.0] * 6 + [1.0, 9.0]),
        camera_cny=np.array([1_500.0, 1_500.0, 2_000.0, 1_500.0, 1_500.0]), pole_cny=np.full(size, 1_000.0),
        pole=np.arange(size), stands=np.zeros(size, bool), must=np.zeros(size, bool), required=np.ones(1, bool),
        max_per_pole=4,
    )  # fmt: skip
    sites = gpd.GeoDataFrame({"site_id": [f"S{n}" for n in range(size)], "village_id": "V", "kind": "lamp"},
                             geometry=gpd.points_from_xy(range(size), range(size)), crs="EPSG:4549")  # fmt: skip
    aims = pd.DataFrame({"site": range(size), "camera_id": None, "azimuth_deg": 0.0, "hfov_deg": 84.0})
    ground = np.array([100.0, 0.0, 0.0, 5_000.0, 0.0])  # 100 m2 are worth a thousandth of 40, so 5,000 m2 are worth 2
    scene = Scene(sites, aims, problem, None, ground, shapely.Polygon())
    found = left_out_sites(scene, Choice(np.array([0]), 0.0, 0.0, "gap"), budget_cny=5_000.0).set_index("site_id")
    assert found["why"].to_dict() == {"S1": "seen", "S2": "budget", "S3": "ground", "S4": "gap"}
    assert found["gain_pct"].to_dict() == pytest.approx({"S1": 0, "S2": 100 * 20 / 70, "S3": 100 / 70, "S4": 900 / 70})
    assert found["already_pct"].to_dict() == pytest.approx({"S1": 100, "S2": 100 / 3, "S3": 0, "S4": 0})
    assert found["cost_cny"].to_dict() == {"S1": 2_500, "S2": 3_000, "S3": 2_500, "S4": 2_500}
    assert (found["left_cny"] == 2_500).all()
    assert found["pct_per_1k_cny"]["S4"] == pytest.approx(900 / 70 / 2.5)
    assert found["least_pct_per_1k_cny"]["S4"] == pytest.approx(100 * 40 / 70 / 2.5)  # the camera in use, with its pole


def test_a_site_in_use_is_not_left_out(plan):
    assert not set(plan.tables["left_out"]["site_id"]) & set(plan.tables["sites"]["site_id"])


def test_the_best_site_for_a_blind_spot_sees_that_share_of_it_and_none_sees_more(plan, town):
    blind, points = plan.tables["blind_spots"], demand_of(town).points
    known = blind[blind["best_site_id"] != ""]
    assert len(known)
    assert ((known["best_seen_pct"] > 0) & (known["best_seen_pct"] <= 100 + 1e-9)).all()
    left_out = plan.tables["left_out"].set_index("site_id")
    free = known[known["best_site_id"].isin(left_out.index)]
    for spot in free.head(5).itertuples():
        at = left_out.geometry[spot.best_site_id]
        aims = pd.DataFrame({"x": at.x, "y": at.y, "azimuth_deg": np.arange(0.0, 360.0, 1.0), "hfov_deg": 24.0})
        inside = points.within(spot.geometry).to_numpy() & (points["village_id"] == spot.village_id).to_numpy()
        weight = points.loc[inside, "weight"].to_numpy()
        seen = seen_from(
            Alone(aims), points.geometry.to_numpy()[inside], town.buildings, 62.5, town.study.settings.cameras
        )
        assert (
            100 * (seen @ weight).max() / weight.sum() >= spot.best_seen_pct - 1e-6
        )  # some direction sees at least that much


def test_a_change_by_hand_forgets_only_the_village_it_was_made_in(plan, town):
    demand = demand_of(town)
    ground = CameraGround(demand, town.villages, town.roads, town.buildings, town.places,
                          private_ground(demand.areas, town.roads, town.buildings))  # fmt: skip
    hand = CameraHand(ground, town.study.settings.cameras, plan.tables, town.cameras, plan.objective)
    camera = plan.to_frame().iloc[0]
    after = changed(hand, CameraChange("remove", camera["camera_id"])).tables
    assert set(after["left_out"]["village_id"]) == set(plan.tables["left_out"]["village_id"]) - {camera["village_id"]}
    blind = after["blind_spots"]
    elsewhere = blind["village_id"] != camera["village_id"]
    assert blind.loc[elsewhere, "best_seen_pct"].notna().all()
