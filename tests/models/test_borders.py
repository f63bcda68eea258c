"""Drawn borders: one coverage, nobody on another side, along rivers and known polygons exactly."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from models.borders import FARTHEST, as_drawn, drawn_ground
from models.store import load_plans

CELL_M = 200.0
NO_LINES = np.array([], dtype=object)


def grounds_of(owner):
    """Return the ground of each number in a grid of owners, shape (rows, columns)."""
    rows, columns = np.indices(owner.shape)
    squares = shapely.box(columns * CELL_M, rows * CELL_M, (columns + 1) * CELL_M, (rows + 1) * CELL_M)
    return np.array([shapely.union_all(squares[owner == name]) for name in range(owner.max() + 1)], dtype=object)


def drawn(owner, *, inside=None, lines=NO_LINES, known=None):
    grounds = grounds_of(owner)
    inside = shapely.point_on_surface(grounds) if inside is None else inside
    known = [None] * len(grounds) if known is None else known
    return grounds, drawn_ground(grounds, inside, np.array(lines, dtype=object), known, cell_size_m=CELL_M)


def test_a_staircase_becomes_a_slope_that_favours_nobody():
    rows, columns = np.indices((12, 12))
    grounds, shapes = drawn((columns >= rows).astype(int))
    assert shapely.coverage_is_valid(shapes)
    border = shapely.intersection(shapes[0].boundary, shapes[1].boundary)
    inner = shapely.intersection(border, shapely.box(300, 300, 2100, 2100))
    xy = shapely.get_coordinates(inner)
    assert np.ptp(xy[:, 1] - xy[:, 0]) < 1e-6, "one straight line at 45 degrees"
    np.testing.assert_allclose(shapely.area(shapes), shapely.area(grounds), rtol=0.002)  # but for its two ends


def test_a_border_lies_on_the_river_beside_it_and_not_on_one_too_far():
    owner = (np.indices((12, 12))[1] >= 6).astype(int)
    river = shapely.LineString([(1290, -100), (1260, 700), (1320, 1500), (1280, 2500)])
    far = shapely.LineString([(1800, -100), (1800, 2500)])
    grounds, shapes = drawn(owner, lines=[river, far])
    border = shapely.intersection(shapes[0].boundary, shapes[1].boundary)
    assert border.length == pytest.approx(shapely.intersection(river, shapely.union_all(grounds)).length, rel=1e-6)
    assert shapely.hausdorff_distance(border, shapely.intersection(river, shapely.union_all(grounds))) < 0.01
    assert shapely.coverage_is_valid(shapes)


def test_a_line_whose_detour_is_too_long_is_not_followed():
    owner = (np.indices((12, 12))[1] >= 6).astype(int)
    zigzag = shapely.LineString([(1200 + 180 * (k % 2), 60.0 * k - 60) for k in range(44)])
    _, shapes = drawn(owner, lines=[zigzag])
    border = shapely.intersection(shapes[0].boundary, shapes[1].boundary)
    assert border.length == pytest.approx(2400, rel=1e-6)


def test_the_neck_of_a_ground_is_not_given_away():
    owner = np.zeros((12, 12), dtype=int)
    owner[5:7] = 1
    owner[5:7, 5] = 0
    roads = [shapely.LineString([(-100, y), (2500, y)]) for y in (1050.0, 1350.0)]
    _, shapes = drawn(owner, inside=shapely.points([(300, 300), (300, 1200)]), lines=roads)
    assert len(shapely.get_parts(shapes[0])) == 1
    assert len(shapely.get_parts(shapes[1])) == 2


def test_known_polygons_are_drawn_as_they_are():
    field = shapely.box(0, 0, 2400, 2400)
    west = shapely.Polygon([(0, 0), (1130, 0), (1310, 900), (1040, 1700), (1250, 2400), (0, 2400)])
    known = [west, field.difference(west)]
    columns, rows = np.meshgrid(np.arange(12), np.arange(12))
    middle = shapely.points((columns + 0.5) * CELL_M, (rows + 0.5) * CELL_M)
    _, shapes = drawn((~shapely.covers(west, middle)).astype(int), known=known)
    assert max(shapely.area(shapely.symmetric_difference(shapes, known))) < 1.0


def test_a_point_in_the_corner_of_a_step_stays_on_its_side():
    rows, columns = np.indices((12, 12))
    owner = (columns >= rows).astype(int)
    # In the corner that the slope would cut off.
    inside = np.array([shapely.Point(1185, 1210), shapely.Point(1815, 1790)])
    grounds, shapes = drawn(owner, inside=inside)
    assert shapely.covers(grounds, inside).all()
    assert shapely.covers(shapes, inside).all()
    assert shapely.coverage_is_valid(shapes)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 7), lines=st.integers(0, 4))
def test_borders_leave_no_gap_no_overlap_and_nobody_changes_sides(seed, count, lines):
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((11, 14))
    seeds = rng.permutation(11 * 14)[:count]
    cells = np.stack([rows.ravel(), columns.ravel()], axis=1)
    away = np.abs(cells[:, None] - cells[seeds]).sum(axis=2) + rng.uniform(0, 0.5, count)
    owner = away.argmin(axis=1).reshape(rows.shape)
    inside = shapely.points((cells[seeds][:, ::-1] + rng.uniform(0.05, 0.95, (count, 2))) * CELL_M)
    drawn_lines = [
        shapely.LineString(np.cumsum(rng.normal(0, 250, (12, 2)), axis=0) + rng.uniform(0, 2400, 2))
        for _ in range(lines)
    ]
    grounds, shapes = drawn(owner, inside=inside, lines=drawn_lines)
    assert shapely.coverage_is_valid(shapes)
    assert shapely.area(shapes).sum() == pytest.approx(shapely.area(grounds).sum(), rel=1e-6)
    assert shapely.symmetric_difference(shapely.union_all(shapes), shapely.union_all(grounds)).area < 1.0
    assert shapely.covers(shapes, inside).all()
    pieces = [len(shapely.get_parts(shape)) for shape in shapes]
    assert pieces <= [len(shapely.get_parts(ground)) for ground in grounds]
    reach = shapely.buffer(shapely.boundary(grounds), FARTHEST * CELL_M)
    moved = shapely.difference(shapely.symmetric_difference(shapes, grounds), reach)
    assert shapely.area(moved).max() < 1.0


@pytest.fixture(scope="module")
def small_plans(small_workspace):
    ws = small_workspace(counts=(40, 20, 20, 40, 40, 20, 20, 40), tolerance=0.6)
    return ws, load_plans(ws)


def test_the_plan_keeps_its_cells_and_shows_borders_of_whole_villages(small_plans):
    _, plans = small_plans
    shown = as_drawn(plans)["zones"]
    zones, units = shown.to_frame(), shown.tables["units"]
    assert shapely.coverage_is_valid(units.geometry.to_numpy())
    for zone_id, ground in zip(zones["zone_id"], zones.geometry, strict=True):
        mine = units.geometry[units["zone_id"] == zone_id]
        assert shapely.symmetric_difference(shapely.union_all(mine.to_numpy()), ground).area < 1e-3
    river_y = 4_061_800.0
    banks = {bool(y > river_y) for y in units["y"]}
    assert banks == {True, False}
    for y, ground in zip(units["y"], units.geometry, strict=True):
        south, north = ground.bounds[1], ground.bounds[3]
        assert south == pytest.approx(river_y) if y > river_y else north == pytest.approx(river_y)
    assert list(as_drawn({"hotspots": plans["scorecard"]})) == ["hotspots"]
    np.testing.assert_array_equal(zones["workload_h_per_week"], plans["zones"].to_frame()["workload_h_per_week"])
