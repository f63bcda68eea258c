"""Sight: known reaches, the triangle, one wall, and a referee that shares no code with the matrix or the polygons."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_data.settings import CameraSettings
from models.cameras.visibility import Lens, bearing_deg, in_view, line_of_sight, reach_m, sees, view_polygon

CAMERA = CameraSettings()
NO_WALLS = np.array([], dtype=object)


@pytest.mark.parametrize(
    ("px_per_m", "hfov_deg", "metres"),
    [
        (125, 84, 11.9), (62.5, 84, 23.9), (25, 84, 59.7), (250, 84, 6.0),
        (125, 24, 50.6), (62.5, 24, 101.2), (25, 24, 252.9), (250, 24, 25.3),
    ],
)  # fmt: skip
def test_reach_is_the_hand_computed_table(px_per_m, hfov_deg, metres):
    assert reach_m(px_per_m, hfov_deg, width_px=2688) == pytest.approx(metres, abs=0.05)


def look(point, *, azimuth_deg=0.0, hfov_deg=84.0, px_per_m=62.5, walls=NO_WALLS, pole=(0.0, 0.0)):
    poles, points = np.array([pole], dtype=float), np.array([point], dtype=float)
    configuration = pd.DataFrame({"site": [0], "azimuth_deg": [azimuth_deg], "hfov_deg": [hfov_deg]})
    sight = line_of_sight(poles, points, walls, radius_m=300.0)
    return bool(in_view(sight, configuration, poles, points, px_per_m=px_per_m, settings=CAMERA).toarray()[0, 0])


def at(bearing, distance):
    return distance * math.sin(math.radians(bearing)), distance * math.cos(math.radians(bearing))


def test_the_view_is_a_triangle_not_a_sector():
    assert look(at(40, 30.0))  # depth 22.98 m, though 30 m away and the reach is 23.9 m
    assert not look(at(0, 24.0))
    assert not look(at(43, 15.0))  # outside the angle
    assert look(at(130, 30.0), azimuth_deg=90)
    assert not look(at(40, 30.0), azimuth_deg=180)


def test_nothing_is_seen_nearer_than_the_lower_edge_of_the_picture():
    lens = Lens.of(84.0, CAMERA)
    assert lens.near_m == pytest.approx(2.42, abs=0.01)
    assert not look(at(0, 2.3))
    assert look(at(0, 2.5))


@pytest.mark.parametrize("hfov_deg", [24.0, 50.0, 84.0])
def test_near_and_far_edge_span_the_picture_height(hfov_deg):
    lens = Lens.of(hfov_deg, CAMERA)
    down = [math.atan(CAMERA.mount_height_m / depth) for depth in (lens.near_m, lens.reach_m(62.5))]
    vertical_view = 2 * math.atan(math.tan(math.radians(hfov_deg / 2)) * 1520 / 2688)
    assert down[0] - down[1] == pytest.approx(vertical_view)


@pytest.mark.parametrize(("point", "seen"), [((0, 10), False), ((3, 10), True), ((2, 10), False), ((0, 4.9), True)])
def test_one_wall_hides_what_lies_behind_it(point, seen):
    wall = np.array([shapely.LineString([(-1, 5), (1, 5)])])  # (2, 10) is on the shadow's edge: touching blocks
    assert look(point, walls=wall) is seen


def test_sees_puts_site_wall_and_lens_together():
    sites = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0), shapely.Point(20, 0)])
    points = gpd.GeoDataFrame(geometry=[shapely.Point(0, 10), shapely.Point(20, 10)])
    house = gpd.GeoDataFrame(geometry=[shapely.box(-2, 4, 2, 6)])
    configurations = pd.DataFrame({"site": [0, 1, 1], "azimuth_deg": [0, 0, 300], "hfov_deg": [84.0, 84.0, 84.0]})
    matrix = sees(sites, configurations, points, house, px_per_m=62.5, settings=CAMERA).toarray()
    assert matrix.tolist() == [[False, False], [False, True], [True, False]]


def referee(pole, azimuth_deg, hfov_deg, walls, points, px_per_m):
    """See point by point, with polar arithmetic and one geometry of all walls."""
    lens = Lens.of(hfov_deg, CAMERA)
    step = points - np.asarray(pole)
    off = np.radians((bearing_deg(np.zeros(2), step) - azimuth_deg + 180) % 360 - 180)
    depth = np.hypot(*step.T) * np.cos(off)
    inside = (np.abs(off) <= math.radians(hfov_deg / 2)) & (depth >= lens.near_m) & (depth <= lens.reach_m(px_per_m))
    lines = shapely.linestrings(np.stack([np.broadcast_to(pole, points.shape), points], axis=1))
    return inside & ~shapely.intersects(lines, shapely.union_all(walls))


def scene(name):
    """Walls that are hard for a sight algorithm, seen from a pole at the origin."""
    rng = np.random.default_rng(5)
    if name == "crossing the range limit":
        return np.array([shapely.box(-300, 15, 300, 16), shapely.box(30, -200, 31, 200), shapely.box(-5, 90, 200, 95)])
    if name == "collinear with the pole":
        return np.array(
            [
                shapely.box(0, 5, 8, 15),
                shapely.box(0, 20, 8, 40),
                shapely.box(10, 0, 40, 6),
                shapely.box(-30, -0.0, -20, 4),
            ]
        )
    if name == "pole on a corner":
        return np.array([shapely.box(0.35, 0.35, 12, 9), shapely.box(-15, 0.5, -0.5, 12)])
    xy, size, turn = rng.uniform(-90, 90, (60, 2)), rng.uniform(4, 18, (60, 2)), rng.uniform(0, 90, 60)
    houses = [shapely.affinity.rotate(shapely.box(*c, *(c + s)), t) for c, s, t in zip(xy, size, turn, strict=True)]
    return np.array([house for house in houses if house.distance(shapely.Point(0, 0)) > 0.3])


@pytest.mark.parametrize("hfov_deg", [84.0, 24.0])
@pytest.mark.parametrize(
    "name", ["sixty houses", "crossing the range limit", "collinear with the pole", "pole on a corner"]
)
def test_matrix_and_polygon_agree_with_a_referee_at_20_000_points(name, hfov_deg):
    walls, lens, rng = scene(name), Lens.of(hfov_deg, CAMERA), np.random.default_rng(11)
    wrong_matrix = wrong_polygon = shown = 0
    for azimuth in (0.0, 90.0, 37.0, 200.5):
        corner = lens.corner_m(62.5)
        points = rng.uniform(-corner, corner, (5_000, 2))
        truth = referee((0.0, 0.0), azimuth, hfov_deg, walls, points, 62.5)
        configuration = pd.DataFrame({"site": [0], "azimuth_deg": [azimuth], "hfov_deg": [hfov_deg]})
        sight = line_of_sight(np.zeros((1, 2)), points, walls, radius_m=2 * corner)
        seen = in_view(sight, configuration, np.zeros((1, 2)), points, px_per_m=62.5, settings=CAMERA).toarray()[0]
        view = view_polygon((0.0, 0.0), azimuth, lens, walls, px_per_m=62.5)
        marks = shapely.points(points)
        off_edge = shapely.distance(view.boundary, marks) > 1e-6
        wrong_matrix += int((seen != truth).sum())
        wrong_polygon += int((shapely.contains(view, marks) != truth)[off_edge].sum())
        shown += int(truth.sum())
    assert (wrong_matrix, wrong_polygon) == (0, 0)
    assert shown > 50  # the scene hides much, but not everything


def test_a_camera_inside_a_wall_sees_nothing():
    walls = np.array([shapely.box(-1, -1, 1, 1)])
    assert view_polygon((0.0, 0.0), 0.0, Lens.of(84.0, CAMERA), walls, px_per_m=62.5).is_empty
    assert not look((0, 10), walls=walls)


coordinate = st.floats(-60, 60)


@settings(deadline=None, max_examples=60)
@given(
    points=st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=30),
    house=st.tuples(coordinate, coordinate, st.floats(1, 30), st.floats(1, 30)),
    azimuth=st.floats(0, 360),
)
def test_a_house_never_shows_more_and_a_finer_level_never_reaches_further(points, house, azimuth):
    xy, pole = np.array(points), np.zeros((1, 2))
    x, y, wide, deep = house
    walls = np.array([shapely.box(x, y, x + wide, y + deep)])
    configuration = pd.DataFrame({"site": [0, 0], "azimuth_deg": azimuth, "hfov_deg": [84.0, 24.0]})

    def seen(walls, px_per_m):
        sight = line_of_sight(pole, xy, walls, radius_m=150)
        return in_view(sight, configuration, pole, xy, px_per_m=px_per_m, settings=CAMERA).toarray()

    assert (seen(walls, 62.5) <= seen(NO_WALLS, 62.5)).all()
    assert (seen(walls, 125.0) <= seen(walls, 62.5)).all()
