"""Barriers and cells: rivers and railways to walls with crossings, a boundary to cells, cells to villages."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from gis_data import cells as grid
from gis_data.barriers import find_barriers, find_crossings
from gis_data.errors import InputError
from gis_data.streets import road_table
from gis_data.tables import BARRIERS, CROSSINGS, ROADS, VILLAGES
from tests.gis_data.drawn_ground import CRS, EAST, NORTH, study, villages_at, ways


def crossings_of(*rows):
    lines = ways(*rows)
    roads = road_table(lines[lines["highway"] != ""], crs=CRS)
    barriers = find_barriers(lines, roads, crs=CRS)
    found = find_crossings(barriers, roads, crs=CRS)
    return sorted((round(p.x - EAST), round(p.y - NORTH)) for p in found.geometry)


RIVER = ([(0, 0), (1000, 0)], {"waterway": "river"})


def test_a_way_cut_in_the_middle_of_the_bridge_crosses_once():
    south, north = ([(300, -50), (300, 0)], {"highway": "tertiary"}), ([(300, 0), (300, 50)], {"highway": "tertiary"})
    assert crossings_of(RIVER, south, north) == [(300, 0)]
    west, east = ([(0, 0), (300, 0)], RIVER[1]), ([(300, 0), (1000, 0)], RIVER[1])
    assert set(crossings_of(west, east, south, north)) == {(300, 0)}, "the river may be cut there too"


def test_two_streets_that_meet_on_one_bank_do_not_cross():
    one, other = ([(200, -50), (300, 0)], {"highway": "tertiary"}), ([(300, 0), (400, -50)], {"highway": "residential"})
    assert crossings_of(RIVER, one, other) == []


def test_a_road_over_a_bend_crosses_twice():
    bend = ([(0, 0), (400, 0), (500, 100), (600, 0), (1000, 0)], {"waterway": "river"})
    assert crossings_of(bend, ([(400, 50), (600, 50)], {"highway": "tertiary"})) == [(450, 50), (550, 50)]


def test_only_roads_that_are_driven_cross_and_only_open_water_parts():
    assert crossings_of(RIVER, ([(300, -50), (300, 50)], {"highway": "footway"})) == []
    assert crossings_of(([(0, 0), (9, 0)], {"waterway": "river", "tunnel": "culvert"}),
                        ([(5, -5), (5, 5)], {"highway": "tertiary"})) == []  # fmt: skip
    over = crossings_of(([(0, 0), (900, 0)], {"highway": "motorway"}),
                        ([(300, -50), (300, 50)], {"highway": "track", "tunnel": "yes", "layer": "-1"}),
                        ([(600, -50), (600, 50)], {"highway": "motorway_link"}))  # fmt: skip
    assert over == [(300, 0)], "a track beneath the expressway crosses it, a ramp does not"


def test_roads_cross_a_river_on_bridges_and_a_railway_at_level_crossings():
    lines = ways(
        ([(0, 0), (1000, 0)], {"waterway": "river", "name": "大河"}),
        ([(0, 500), (300, 500), (1000, 500)], {"railway": "rail"}),
        ([(0, 900), (1000, 900)], {"waterway": "stream"}),
        ([(200, -100), (200, 100)], {"highway": "tertiary", "bridge": "yes"}),
        ([(300, 400), (300, 500)], {"highway": "residential"}),
        ([(300, 500), (300, 600)], {"highway": "residential"}),
        ([(600, 300), (600, 500)], {"highway": "residential"}),
    )
    roads = road_table(lines[lines["highway"] != ""], crs=CRS)
    barriers = find_barriers(lines, roads, crs=CRS)
    assert sorted(barriers["kind"]) == ["railway", "river"]
    crossings = find_crossings(barriers, roads, crs=CRS)
    spots = {(round(p.x - EAST), round(p.y - NORTH)) for p in crossings.geometry}
    assert spots == {(200, 0), (300, 500)}, "a street that ends at the railway does not cross it"


# --- cells ---


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.sampled_from([150.0, 200.0, 333.0]))
def test_every_square_metre_is_in_one_cell_and_every_village_keeps_a_territory(seed, size):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 14))
    radius = rng.uniform(900, 1800, 14)
    boundary = Polygon(np.column_stack([EAST + radius * np.cos(angle), NORTH + radius * np.sin(angle)])).buffer(0)
    spots = [tuple(spot) for spot in rng.uniform(-500, 500, (5, 2))]
    villages = villages_at(*spots)
    cells, edges = grid.make_cells(
        study(boundary, cell_size_m=size),
        villages,
        ROADS.empty(crs=CRS),
        BARRIERS.empty(crs=CRS),
        CROSSINGS.empty(crs=CRS),
    )
    assert cells["area_m2"].sum() == pytest.approx(boundary.area, rel=1e-9)
    assert cells.geometry.contains(gpd.GeoSeries.from_xy(cells["x"], cells["y"], crs=CRS)).all()
    assert not cells.duplicated(["row", "col"]).any()
    assert shapely.union_all(cells.geometry.to_numpy()).symmetric_difference(boundary).area < 1
    assert set(cells["village_id"]) == set(villages["village_id"])
    matrix = grid.edge_matrix(len(cells), edges)
    for _, own in cells.groupby("village_id"):
        ids = own["cell_id"].to_numpy()
        piece = nx.from_scipy_sparse_array(matrix[ids][:, ids])
        assert nx.number_connected_components(piece) <= own["component"].nunique()


BANK = np.linspace(-50, 3050, 12)
CORNER = [562.9, 615.8, 425.1, -748.5, -719.7, -272.9, 601.6, 721.4, 52.2, 456.2, -273.1, 508.9]
CORNER_X = 2196.8


def river_town(bends, *bridges):
    """Return cells and edges of a 3 × 3 km town with a river from west to east and short bridges at these x."""
    y = 1500 + np.asarray(bends)
    rows = [(list(zip(BANK, y, strict=True)), {"waterway": "river"})]
    for x in bridges:
        spot = np.searchsorted(BANK, x)
        way = np.array([BANK[spot] - BANK[spot - 1], y[spot] - y[spot - 1]])
        side = np.array([-way[1], way[0]]) / np.hypot(*way) * 25
        middle = np.array([x, np.interp(x, BANK, y)])
        rows.append(([tuple(middle - side), tuple(middle + side)], {"highway": "tertiary", "bridge": "yes"}))
    return town_of(box(EAST, NORTH, EAST + 3000, NORTH + 3000), *rows)


def town_of(boundary, *rows, **settings):
    lines = ways(*rows)
    roads = road_table(lines[lines["highway"] != ""], crs=CRS)
    barriers = find_barriers(lines, roads, crs=CRS)
    crossings = find_crossings(barriers, roads, crs=CRS)
    return grid.make_cells(study(boundary, **settings), VILLAGES.empty(crs=CRS), roads, barriers, crossings)


@settings(max_examples=15, deadline=None)
# Sharper bends than these can leave a bridge that no step between cell middles uses: then the banks stay apart.
@given(bends=st.lists(st.floats(-250, 250), min_size=12, max_size=12), x=st.floats(400, 2600))
@example(bends=[0.0] * 12, x=1500.0)  # exactly through the middles of a row of cells
@example(bends=CORNER, x=CORNER_X)  # over the corner of its cell
def test_a_river_parts_the_town_and_one_bridge_joins_it(bends, x):
    apart, _ = river_town(bends)
    assert apart["component"].nunique() == 2
    north = apart["y"] + 0.07 > NORTH + np.interp(apart["x"] + 0.11 - EAST, BANK, 1500 + np.asarray(bends))
    assert apart.groupby(north)["component"].nunique().tolist() == [1, 1], "each bank is one piece"
    joined, edges = river_town(bends, x)
    assert set(joined["component"]) == {0}
    over = edges[north.to_numpy()[edges["cell_a"]] != north.to_numpy()[edges["cell_b"]]]
    cells = joined.set_index("cell_id")
    bridge = Point(EAST + x, NORTH + np.interp(x, BANK, 1500 + np.asarray(bends)))
    for step in over.itertuples():
        assert min(cells.geometry[step.cell_a].distance(bridge), cells.geometry[step.cell_b].distance(bridge)) <= 100


def test_a_bridge_over_one_river_opens_no_other():
    boundary = box(EAST, NORTH, EAST + 2000, NORTH + 2000)
    rows = [([(-50, y), (2050, y)], {"waterway": "river"}) for y in (920, 1080)]
    bridge = ([(500, 900), (500, 960)], {"highway": "tertiary", "bridge": "yes"})
    assert town_of(boundary, *rows, bridge)[0]["component"].nunique() == 2
    second = ([(500, 960), (500, 1100)], {"highway": "tertiary", "bridge": "yes"})
    assert town_of(boundary, *rows, bridge, second)[0]["component"].max() == 0


def test_two_carriageways_are_one_wall():
    boundary = box(EAST, NORTH, EAST + 2000, NORTH + 2000)
    rows = [([(-50, y), (2050, y)], {"highway": "motorway"}) for y in (985, 1015)]
    below = ([(500, 900), (500, 1100)], {"highway": "track"})
    assert town_of(boundary, *rows)[0]["component"].nunique() == 2
    assert town_of(boundary, *rows, below)[0]["component"].max() == 0


def test_a_territory_reaches_over_a_river_only_by_the_bridge():
    lines = ways(
        ([(-100, 1000), (4100, 1000)], {"waterway": "river"}),
        ([(3900, 500), (3900, 1500)], {"highway": "tertiary", "bridge": "yes"}),
    )
    roads = road_table(lines[lines["highway"] != ""], crs=CRS)
    barriers = find_barriers(lines, roads, crs=CRS)
    crossings = find_crossings(barriers, roads, crs=CRS)
    boundary = box(EAST, NORTH, EAST + 4000, NORTH + 2000)
    # The north bank has one village far to the east; a cell just over the river from V0 is nearer to V0 by air.
    villages = villages_at((300, 700), (3500, 1700))
    cells, edges = grid.make_cells(study(boundary), villages, roads, barriers, crossings)
    assert (cells["component"] == 0).all()
    opposite = cells[(cells["x"] < EAST + 600) & (cells["y"] > NORTH + 1000)]
    assert (opposite["village_id"] == "V1").all()
    a, b = (cells.set_index("cell_id").loc[edges[name], "y"].to_numpy() for name in ("cell_a", "cell_b"))
    over = edges[(a - NORTH - 1000) * (b - NORTH - 1000) < 0]
    bridge = set(grid.locate(cells, crossings.geometry))
    assert len(over) > 0
    assert all(bridge & {row.cell_a, row.cell_b} for row in over.itertuples())


def test_two_villages_in_one_cell_each_keep_ground():
    boundary = box(EAST, NORTH, EAST + 600, NORTH + 600)
    empty = (ROADS.empty(crs=CRS), BARRIERS.empty(crs=CRS), CROSSINGS.empty(crs=CRS))
    cells, _ = grid.make_cells(study(boundary), villages_at((290, 300), (310, 300)), *empty)
    assert set(cells["village_id"]) == {"V0", "V1"}


def test_village_polygons_own_the_cells_whose_middle_they_hold():
    boundary = box(EAST, NORTH, EAST + 2000, NORTH + 1000)
    villages = villages_at((500, 500), (1500, 500))
    halves = [box(EAST, NORTH, EAST + 1250, NORTH + 1000), box(EAST + 1250, NORTH, EAST + 2000, NORTH + 1000)]
    villages = VILLAGES.conform(villages.set_geometry(gpd.GeoSeries(halves, crs=CRS)), crs=CRS)
    empty = (ROADS.empty(crs=CRS), BARRIERS.empty(crs=CRS), CROSSINGS.empty(crs=CRS))
    cells, _ = grid.make_cells(study(boundary), villages, *empty)
    west = cells["x"] < EAST + 1250
    assert (cells["village_id"] == np.where(west, "V0", "V1")).all()
    ground = grid.village_territories(cells, villages).set_index("village_id")
    assert ground.area.sum() == pytest.approx(boundary.area)


def test_road_metres_of_cells_add_up_to_the_roads_inside():
    lines = ways(
        ([(-500, 333), (2500, 777)], {"highway": "tertiary"}),
        ([(100, 100), (900, 900)], {"highway": "footway"}),
    )
    roads = road_table(lines, crs=CRS)
    boundary = box(EAST, NORTH, EAST + 2000, NORTH + 1000)
    cells, _ = grid.make_cells(
        study(boundary), villages_at((500, 500)), roads, BARRIERS.empty(crs=CRS), CROSSINGS.empty(crs=CRS)
    )
    inside = shapely.intersection(roads.geometry.iloc[0], boundary).length
    assert cells["road_m"].sum() == pytest.approx(inside)


def test_a_road_along_the_edge_of_cells_is_counted_once():
    west = EAST - EAST % 200
    boundary = box(west, NORTH, west + 800, NORTH + 800)
    cells, _ = town_of(boundary, ([(west + 400 - EAST, 100), (west + 400 - EAST, 700)], {"highway": "tertiary"}))
    assert cells["road_m"].sum() == pytest.approx(600)


def test_more_villages_than_cells_are_refused_with_the_way_out():
    boundary = box(EAST, NORTH, EAST + 150, NORTH + 150)
    empty = (ROADS.empty(crs=CRS), BARRIERS.empty(crs=CRS), CROSSINGS.empty(crs=CRS))
    with pytest.raises(InputError, match="cell_size_m"):
        grid.make_cells(study(boundary), villages_at((10, 10), (20, 20), (30, 30), (40, 40), (50, 50)), *empty)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_point_is_located_in_exactly_the_cell_that_holds_it(seed):
    rng = np.random.default_rng(seed)
    boundary = Point(EAST, NORTH).buffer(1000)
    empty = (ROADS.empty(crs=CRS), BARRIERS.empty(crs=CRS), CROSSINGS.empty(crs=CRS))
    cells, _ = grid.make_cells(study(boundary), villages_at((0, 0)), *empty)
    points = gpd.GeoSeries.from_xy(EAST + rng.uniform(-1100, 1100, 60), NORTH + rng.uniform(-1100, 1100, 60), crs=CRS)
    corners = gpd.GeoSeries.from_xy(cells["x"].head(20) + 100, cells["y"].head(20), crs=CRS)
    points = pd.concat([points, corners], ignore_index=True)
    found = grid.locate(cells, points)
    for point, cell in zip(points, found, strict=True):
        holding = cells.loc[cells.intersects(point), "cell_id"]
        assert cell == (holding.min() if len(holding) else -1)


def test_without_roads_minutes_follow_the_cells():
    boundary = box(EAST, NORTH, EAST + 2000, NORTH + 200)
    empty = (ROADS.empty(crs=CRS), BARRIERS.empty(crs=CRS), CROSSINGS.empty(crs=CRS))
    cells, edges = grid.make_cells(study(boundary), villages_at((0, 0)), *empty)
    row = cells.sort_values("x")["cell_id"].to_numpy()
    minutes = grid.cell_travel_min(cells, edges, row[:1], row[-1:], speed_km_per_h=30.0)
    assert minutes[0, 0] == pytest.approx(0.2 * (len(row) - 1) / 30 * 60)
