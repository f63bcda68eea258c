"""The ground: OSM ways to roads, rivers to barriers, boundary to cells, roads to minutes."""

from xml.etree import ElementTree

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box

from gis_data import cells as grid
from gis_data import osm
from gis_data.barriers import find_barriers, find_crossings
from gis_data.errors import CrsError, InputError
from gis_data.settings import Settings
from gis_data.streets import RoadNetwork, road_table
from gis_data.study import Study
from gis_data.tables import BARRIERS, CROSSINGS, ROADS, VILLAGES

CRS = "EPSG:4549"
EAST, NORTH = 487_000.0, 4_061_000.0


def ways(*rows):
    """Return tagged lines; each row is (points relative to the corner, tags)."""
    lines = [LineString([(EAST + x, NORTH + y) for x, y in points]) for points, _ in rows]
    frame = pd.DataFrame({tag: [tags.get(tag, "") for _, tags in rows] for tag in (*osm.TAGS, "osm_id")})
    return gpd.GeoDataFrame(frame, geometry=lines, crs=CRS)


def write_osm(path, rows):
    """Write the lines as an OSM file; equal points are one node, as mappers draw them."""
    to_lonlat = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True).transform
    node = {point: number for number, point in enumerate(dict.fromkeys(p for points, _ in rows for p in points), 1)}
    out = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6">']
    for (x, y), number in node.items():
        lon, lat = to_lonlat(EAST + x, NORTH + y)
        out.append(f'<node id="{number}" lon="{lon:.7f}" lat="{lat:.7f}"/>')
    for number, (points, tags) in enumerate(rows, 1000):
        out += [f'<way id="{number}">', *(f'<nd ref="{node[point]}"/>' for point in points)]
        out += [*(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items() if value), "</way>"]
    path.write_text("\n".join([*out, "</osm>"]), encoding="utf-8")
    return path


def at(*points):
    return gpd.GeoSeries([Point(EAST + x, NORTH + y) for x, y in points], crs=CRS)


def study(boundary, **changes):
    return Study("test", boundary, CRS, settings=Settings.from_mapping(changes))


def villages_at(*points):
    names = [f"V{number}" for number in range(len(points))]
    frame = gpd.GeoDataFrame({"village_id": names, "name": names, "population": 100}, geometry=at(*points), crs=CRS)
    return VILLAGES.conform(frame, crs=CRS)


# --- roads ---


def test_ways_are_split_where_they_share_a_vertex_and_not_where_they_merely_cross():
    found = road_table(
        ways(
            ([(0, 0), (100, 0), (200, 0)], {"highway": "residential"}),
            ([(100, 0), (100, 100)], {"highway": "residential"}),
            ([(150, -50), (150, 50)], {"highway": "primary", "bridge": "yes"}),
        ),
        crs=CRS,
    )
    assert sorted(found["length_m"]) == [100, 100, 100, 100]
    assert found["bridge"].sum() == 1
    assert RoadNetwork.from_roads(found).components.max() == 1, "the bridge does not meet the street below it"


def test_a_road_has_the_class_and_speed_of_its_tag_unless_a_speed_is_posted():
    found = road_table(
        ways(
            ([(0, 0), (9, 0)], {"highway": "secondary"}),
            ([(0, 9), (9, 9)], {"highway": "track", "surface": "dirt"}),
            ([(0, 19), (9, 19)], {"highway": "tertiary", "maxspeed": "30 km/h"}),
            ([(0, 29), (9, 29)], {"highway": "proposed"}),
        ),
        crs=CRS,
    )
    assert found["road_class"].tolist() == ["county", "track", "township"]
    assert found["speed_kmh"].tolist() == [50, 15, 30]
    assert found["closed_in_rain"].tolist() == [False, True, False]


def test_a_way_against_its_drawing_is_turned_round():
    found = road_table(ways(([(0, 0), (60, 0)], {"highway": "residential", "oneway": "-1"})), crs=CRS)
    assert found["oneway"].tolist() == [True]
    assert shapely.get_coordinates(found.geometry.iloc[0])[0].tolist() == [EAST + 60, NORTH]
    minutes = RoadNetwork.from_roads(found).travel_min(at((60, 0), (0, 0)), at((0, 0), (60, 0)))
    assert minutes[0, 0] == pytest.approx(60 / 25 * 0.06)


def test_a_river_is_a_detour():
    """Two banks, one bridge 3 km away: 6.1 km at 30 km/h are 12.2 minutes, for points 100 m apart."""
    found = road_table(
        ways(
            ([(0, 0), (3000, 0)], {"highway": "unclassified"}),
            ([(3000, 0), (3000, 100)], {"highway": "unclassified", "bridge": "yes"}),
            ([(3000, 100), (0, 100)], {"highway": "unclassified"}),
        ),
        crs=CRS,
    )
    minutes = RoadNetwork.from_roads(found).travel_min(at((0, 0)), at((0, 100)))
    assert minutes[0, 0] == pytest.approx(6.1 / 30 * 60)


def test_of_two_roads_between_the_same_junctions_the_quicker_is_driven():
    curve = [(0, 0), (500, 800), (1000, 0)]
    found = road_table(
        ways(
            (curve, {"highway": "tertiary"}),
            ([(0, 0), (1000, 0)], {"highway": "tertiary"}),
            ([(-100, 0), (0, 0)], {"highway": "tertiary"}),
            ([(1000, 0), (1100, 0)], {"highway": "tertiary"}),
        ),
        crs=CRS,
    )
    minutes = RoadNetwork.from_roads(found).travel_min(at((-100, 0)), at((1100, 0)))
    assert minutes[0, 0] == pytest.approx(1.2 / 40 * 60)


def test_two_points_on_one_segment_drive_straight_between_them():
    found = road_table(ways(([(0, 0), (3000, 0)], {"highway": "unclassified"})), crs=CRS)
    minutes = RoadNetwork.from_roads(found).travel_min(at((1000, 50)), at((1600, 0)))
    assert minutes[0, 0] == pytest.approx(0.6 / 30 * 60 + 0.05 * 12)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_minutes_are_those_of_networkx(seed):
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, 5000, (12, 2)).round()
    pairs = {tuple(sorted(rng.choice(12, 2, replace=False))) for _ in range(20)}
    rows = [([tuple(spots[a]), tuple(spots[b])], {"highway": "tertiary"}) for a, b in sorted(pairs)]
    network = RoadNetwork.from_roads(road_table(ways(*rows), crs=CRS))
    graph = nx.Graph()
    for a, b in pairs:
        graph.add_edge(a, b, minutes=np.hypot(*(spots[a] - spots[b])) / 40 * 0.06)
    # A loose piece under a kilometre is passed over on purpose (see the stray piece of map below).
    parts = [graph.subgraph(part) for part in nx.connected_components(graph)]
    assume(min(part.size(weight="minutes") for part in parts) > 1.0 * 60 / 40)
    known = sorted(graph)
    found = network.travel_min(at(*spots[known]), at(*spots[known]))
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph, weight="minutes"))
    wanted = [[lengths[a].get(b, np.inf) for b in known] for a in known]
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_one_way_segments_are_driven_forwards_only():
    """A one-way square of 4 × 300 m at 30 km/h: 100 m ahead is 12 s, 100 m back is 1,100 m round, 132 s."""
    corners = [(0, 0), (300, 0), (300, 300), (0, 300), (0, 0)]
    ring = road_table(ways((corners, {"highway": "unclassified", "oneway": "yes"})), crs=CRS)
    minutes = RoadNetwork.from_roads(ring).travel_min(at((100, 0), (200, 0)), at((100, 0), (200, 0)))
    np.testing.assert_allclose(minutes, [[0, 0.2], [2.2, 0]], atol=1e-9)


def test_a_stray_piece_of_map_cuts_nobody_off():
    found = road_table(
        ways(
            ([(0, 0), (5000, 0)], {"highway": "unclassified"}),
            ([(950, 100), (1050, 100)], {"highway": "track"}),
        ),
        crs=CRS,
    )
    minutes = RoadNetwork.from_roads(found).travel_min(at((1000, 100)), at((4000, 0)))
    assert minutes[0, 0] == pytest.approx(0.1 * 12 + 3 / 30 * 60)


def test_without_roads_nothing_can_be_reached_by_road():
    network = RoadNetwork.from_roads(ROADS.empty(crs=CRS))
    assert np.isinf(network.travel_min(at((0, 0)), at((0, 0), (1, 1)))).all()


@pytest.mark.parametrize(
    ("tags", "column", "value"),
    [
        ({"highway": "tertiary", "maxspeed": "20 mph"}, "speed_kmh", pytest.approx(32.19, abs=0.01)),
        ({"highway": "tertiary", "maxspeed": "CN:urban"}, "speed_kmh", 40),
        ({"highway": "tertiary", "maxspeed": "999"}, "speed_kmh", 40),
        ({"highway": "tertiary", "junction": "roundabout"}, "oneway", True),
        ({"highway": "motorway"}, "oneway", True),
        ({"highway": "motorway", "oneway": "no"}, "oneway", False),
        ({"highway": "residential", "oneway": "True"}, "oneway", True),
        ({"highway": "service", "service": "driveway"}, "road_class", "path"),
        ({"highway": "service"}, "road_class", "village"),
        ({"highway": "track", "tracktype": "grade1"}, "closed_in_rain", False),
        ({"highway": "track"}, "closed_in_rain", True),
        ({"highway": "residential", "bridge": "viaduct"}, "bridge", True),
        ({"highway": "residential", "tunnel": "no"}, "tunnel", False),
    ],
)
def test_tags_are_read_as_mappers_mean_them(tags, column, value):
    assert road_table(ways(([(0, 0), (9, 0)], tags)), crs=CRS)[column].iloc[0] == value


def lattice(size=6, step=250):
    """Return a small town: a lattice of streets, some one-way, a fast road, a bridge, with bends."""
    rng = np.random.default_rng(7)
    rows = []
    for k in range(size):
        bend = rng.uniform(-40, 40, size)
        across = [(x * step, k * step + bend[x]) for x in range(size)]
        tags = [{"highway": "residential"}, {"highway": "secondary", "oneway": "yes"}, {"highway": "tertiary"}][k % 3]
        rows.append((across, tags))
    streets = {k: points for k, (points, _) in enumerate(rows)}
    for x in range(size):
        tags = {"highway": "unclassified", "oneway": "-1" if x == 2 else ""}
        rows.append(([streets[k][x] for k in range(size)], tags))
    return rows, [point for points in streets.values() for point in points]


def test_minutes_are_those_of_osmnx_on_the_graph_it_is_given():
    rows, corners = lattice()
    network = RoadNetwork.from_roads(road_table(ways(*rows), crs=CRS))
    graph = network.as_graph()
    spots = at(*corners[::5])
    ids = [int(np.hypot(*(network.node_xy - [p.x, p.y]).T).argmin()) for p in spots]
    found = network.travel_min(spots, spots)
    for i, a in enumerate(ids):
        for j, b in enumerate(ids):
            route = osmnx.routing.shortest_path(graph, a, b, weight="travel_time")
            assert found[i, j] * 60 == pytest.approx(nx.path_weight(graph, route, "travel_time"), rel=1e-9)


def test_the_streets_are_those_that_osmnx_reads_from_the_same_file(tmp_path):
    rows, corners = lattice()
    path = write_osm(tmp_path / "lattice.osm", rows)
    ours = RoadNetwork.from_roads(
        osm.ground_tables(osm.read_extract(path, boundary=None, crs=CRS), study(box(0, 0, 1, 1)))["roads"]
    )
    theirs = osmnx.project_graph(osmnx.graph_from_xml(path, simplify=False, retain_all=True), to_crs=CRS)
    speeds = {"residential": 25, "secondary": 50, "tertiary": 40, "unclassified": 30}
    for _, _, data in theirs.edges(data=True):
        data["minutes"] = data["length"] / speeds[data["highway"]] * 0.06
    spots = at(*corners[::4])
    ids = osmnx.nearest_nodes(theirs, spots.x, spots.y)
    lengths = [nx.single_source_dijkstra_path_length(theirs, a, weight="minutes") for a in ids]
    wanted = [[row.get(b, np.inf) for b in ids] for row in lengths]
    np.testing.assert_allclose(
        ours.travel_min(spots, spots), wanted, rtol=5e-3, atol=2e-4
    )  # osmnx measures on a sphere


# --- barriers ---


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


# --- reading ---

TOWN = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6">
 <node id="1" lat="36.60" lon="119.88"/><node id="2" lat="36.60" lon="119.89"/>
 <node id="3" lat="36.601" lon="119.88"/><node id="4" lat="36.601" lon="119.8801"/>
 <node id="5" lat="36.6011" lon="119.8801"/><node id="6" lat="36.6011" lon="119.88"/>
 <node id="7" lat="36.602" lon="119.88"><tag k="power" v="pole"/></node>
 <node id="8" lat="36.602" lon="119.881"><tag k="amenity" v="marketplace"/><tag k="name" v="大集"/></node>
 <way id="10"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/><tag k="name" v="省道"/><tag k="lit" v="yes"/></way>
 <way id="11"><nd ref="3"/><nd ref="4"/><nd ref="5"/><nd ref="6"/><nd ref="3"/><tag k="building" v="house"/><tag k="building:levels" v="2"/></way>
 <way id="12"><nd ref="1"/><nd ref="3"/><tag k="waterway" v="river"/></way>
</osm>
"""  # noqa: E501


def test_an_osm_file_gives_roads_buildings_rivers_and_places(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text(TOWN, encoding="utf-8")
    tables = osm.ground_tables(osm.read_extract(path, boundary=None, crs=CRS), study(box(0, 0, 1, 1)))
    road = tables["roads"].iloc[0]
    assert (road["name"], road["road_class"], road["lit"], road["osm_id"]) == ("省道", "provincial", True, "10")
    assert road["length_m"] == pytest.approx(894.5, abs=1)  # 0.01 degree of longitude at 36.6 N
    building = tables["buildings"].iloc[0]
    assert (building["kind"], building["levels"], building["is_dwelling"]) == ("house", 2, True)
    assert tables["barriers"]["kind"].tolist() == ["river"]
    assert sorted(tables["places"]["kind"]) == ["market", "pole"]


def pbf(kind, number, value):
    """Return one protobuf field: an integer (kind 0) or bytes (kind 2)."""

    def varint(integer):
        out = b""
        while True:
            integer, low = integer >> 7, integer & 127
            if not integer:
                return out + bytes([low])
            out += bytes([low | 128])

    return varint(number << 3 | kind) + (varint(value) if kind == 0 else varint(len(value)) + value)


def write_pbf(path, xml):
    """Write an OSM file as PBF, by the format's published description (plain nodes, one block, no compression)."""

    def signed(integer):
        return integer << 1 if integer >= 0 else (-integer << 1) - 1

    def packed(integers):
        return b"".join(pbf(0, 0, integer)[1:] for integer in integers)

    root, words, nodes, block_ways = ElementTree.fromstring(xml.encode()), [b""], b"", b""
    for item in root:
        tags = [(tag.get("k").encode(), tag.get("v").encode()) for tag in item.iter("tag")]
        words += [word for tag in tags for word in tag]
        first = len(words) - 2 * len(tags)
        keys, values = packed(range(first, len(words), 2)), packed(range(first + 1, len(words), 2))
        body = pbf(2, 2, keys) + pbf(2, 3, values) if tags else b""
        if item.tag == "node":
            place = [signed(round(float(item.get(name)) * 1e7)) for name in ("lat", "lon")]
            nodes += pbf(
                2, 1, pbf(0, 1, signed(int(item.get("id")))) + body + pbf(0, 8, place[0]) + pbf(0, 9, place[1])
            )
        else:
            refs = [int(ref.get("ref")) for ref in item.iter("nd")]
            steps = [signed(b - a) for a, b in zip([0, *refs[:-1]], refs, strict=True)]
            block_ways += pbf(2, 3, pbf(0, 1, int(item.get("id"))) + body + pbf(2, 8, packed(steps)))
    table = pbf(2, 1, b"".join(pbf(2, 1, word) for word in words))
    head = pbf(2, 4, b"OsmSchema-V0.6")
    with path.open("wb") as file:
        for name, data in ((b"OSMHeader", head), (b"OSMData", table + pbf(2, 2, nodes) + pbf(2, 2, block_ways))):
            blob = pbf(2, 1, data)
            header = pbf(2, 1, name) + pbf(0, 3, len(blob))
            file.write(len(header).to_bytes(4, "big") + header + blob)


def test_xml_pbf_and_layer_files_give_the_same_tables(tmp_path):
    (tmp_path / "town.osm").write_text(TOWN, encoding="utf-8")
    write_pbf(tmp_path / "town.osm.pbf", TOWN)
    layers = osm.read_extract(tmp_path / "town.osm", boundary=None, crs=CRS)
    for name, layer in layers.items():
        layer.to_crs(4326).to_file(tmp_path / "town.gpkg", layer=name)
        layer.to_crs(4326).to_parquet(tmp_path / f"{name}.parquet")
    area = study(box(0, 0, 1, 1))
    wanted = osm.ground_tables(layers, area)
    assert all(len(wanted[name]) for name in ("roads", "buildings", "barriers", "places"))
    for source in (
        tmp_path / "town.osm.pbf",
        tmp_path / "town.gpkg",
        [tmp_path / f"{name}.parquet" for name in layers],
    ):
        found = osm.ground_tables(osm.read_extract(source, boundary=None, crs=CRS), area)
        for name, table in wanted.items():
            pd.testing.assert_frame_equal(
                pd.DataFrame(found[name].drop(columns="geometry")), pd.DataFrame(table.drop(columns="geometry"))
            )
            assert shapely.equals_exact(
                found[name].geometry.to_numpy(), table.geometry.to_numpy(), tolerance=1e-4
            ).all()


@pytest.mark.parametrize("name", ["town.osm", "town.osm.pbf", "town.gpkg", "lines.parquet"])
def test_a_file_cut_short_is_said_to_be_damaged(tmp_path, name):
    (tmp_path / "town.osm").write_text(TOWN, encoding="utf-8")
    write_pbf(tmp_path / "town.osm.pbf", TOWN)
    lines = osm.read_extract(tmp_path / "town.osm", boundary=None, crs=CRS)["lines"]
    lines.to_file(tmp_path / "town.gpkg")
    lines.to_parquet(tmp_path / "lines.parquet")
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=name):
        osm.read_extract(tmp_path / name, boundary=None, crs=CRS)


def areas(*rows):
    """Return layers of tagged polygons; each row is (polygon relative to the corner, tags)."""
    shapes = [shapely.affinity.translate(shape, EAST, NORTH) for shape, _ in rows]
    frame = pd.DataFrame({tag: [tags.get(tag, "") for _, tags in rows] for tag in (*osm.TAGS, "osm_id")})
    empty = ways()
    return {"lines": empty, "polygons": gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS), "points": empty}


def test_a_feature_in_two_layer_files_counts_once_with_the_tags_of_both():
    pond = box(0, 0, 50, 50)
    layers = areas(
        (pond, {"osm_id": "7", "natural": "water", "name": "水库"}),
        (pond, {"osm_id": "7", "landuse": "reservoir"}),
        (box(100, 0, 150, 50), {"osm_id": "7", "landuse": "reservoir"}),  # cut in two by somebody: not the same shape
        (box(200, 0, 250, 50), {"natural": "water"}),
        (box(200, 0, 250, 50), {"natural": "water"}),  # without an id nobody can tell
    )
    tables = osm.ground_tables(layers, study(box(0, 0, 1, 1)))
    assert len(tables["water"]) == 4
    assert sorted(tables["landuse"]["kind"]) == ["reservoir", "reservoir"]
    assert "水库" in set(tables["water"]["name"])


def test_a_way_and_a_relation_with_one_number_are_two(tmp_path):
    frame = gpd.GeoDataFrame(
        {"osm_id": ["5", None], "osm_way_id": [None, "5"], "building": ["house", "house"]},
        geometry=[box(0, 0, 10, 10), box(0, 0, 10, 10)], crs=CRS,
    )  # fmt: skip
    frame.to_parquet(tmp_path / "buildings.parquet")
    layers = osm.read_extract(tmp_path / "buildings.parquet", boundary=None, crs=CRS)
    assert layers["polygons"]["osm_id"].tolist() == ["-5", "5"]


def test_crossed_rings_are_mended_and_rings_without_area_dropped():
    bow = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    flat = Polygon([(0, 0), (10, 0), (5, 0), (0, 0)])
    for tags in ({"building": "house"}, {"natural": "water"}, {"landuse": "forest"}):
        tables = osm.ground_tables(areas((bow, tags), (flat, tags)), study(box(0, 0, 1, 1)))
        found = pd.concat([tables[name].geometry for name in ("buildings", "water", "landuse")])
        assert found.area.tolist() == [50]


def test_an_unnamed_building_is_a_dwelling_unless_something_speaks_against_it():
    house = box(0, 0, 10, 10)
    layers = areas(
        (house, {"building": "yes"}),
        (house, {"building": "apartments"}),
        (house, {"building": "yes", "amenity": "school"}),
        (house, {"building": "industrial"}),
        (shapely.affinity.translate(house, 500), {"building": "yes"}),
        (box(400, -100, 600, 100), {"landuse": "industrial"}),
        (box(0, 0, 4, 4), {"building": "yes"}),
    )
    found = osm.ground_tables(layers, study(box(0, 0, 1, 1)))["buildings"]
    assert found["is_dwelling"].tolist() == [True, True, False, False, False, False]


def test_places_are_named_by_what_they_are():
    rows = [
        ({"amenity": "marketplace"}, "market"), ({"amenity": "karaoke_box"}, "venue"), ({"shop": "books"}, "shop"),
        ({"man_made": "works"}, "factory"), ({"power": "pole"}, "pole"), ({"highway": "street_lamp"}, "lamp"),
        ({"amenity": "recycling"}, "scrap_site"), ({"man_made": "water_well"}, "well"), ({"amenity": "bench"}, None),
        ({"building": "greenhouse"}, "greenhouse"), ({"amenity": "kindergarten", "building": "yes"}, "school"),
    ]  # fmt: skip
    found = osm.ground_tables(areas(*((box(0, 0, 9, 9), tags) for tags, _ in rows)), study(box(0, 0, 1, 1)))["places"]
    assert found["kind"].tolist() == [kind for _, kind in rows if kind]


def test_only_what_lies_near_the_boundary_is_kept(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text(TOWN, encoding="utf-8")
    far = gpd.GeoSeries([Point(500_000, 4_200_000).buffer(100)], crs=CRS)
    assert all(frame.empty for frame in osm.read_extract(path, boundary=far, crs=CRS).values())


def test_a_missing_extract_and_a_layer_without_crs_are_said(tmp_path):
    with pytest.raises(InputError, match=r"gone\.osm"):
        osm.read_extract(tmp_path / "gone.osm", boundary=None, crs=CRS)
    bare = tmp_path / "roads.parquet"
    gpd.GeoDataFrame({"highway": ["primary"]}, geometry=[LineString([(0, 0), (1, 1)])]).to_parquet(bare)
    with pytest.raises(CrsError, match=r"roads\.parquet"):
        osm.read_extract(bare, boundary=None, crs=CRS)


def test_liechtenstein_is_read_whole(shared_data):
    source = shared_data / "osm_liechtenstein"
    layers = osm.read_extract(sorted(source.glob("*.parquet")), boundary=None, crs="EPSG:32632")
    area = Study("L", box(0, 0, 1, 1), "EPSG:32632")
    tables = osm.ground_tables(layers, area)
    raw = gpd.read_parquet(source / "roads.parquet").to_crs(32632)
    kept = raw[raw["highway"].isin(set(tables["roads"]["highway"]))]
    assert tables["roads"]["length_m"].sum() == pytest.approx(kept.length.sum(), rel=1e-6)
    assert len(tables["buildings"]) == 14_035
    network = RoadNetwork.from_roads(tables["roads"])
    assert np.bincount(network.components).max() / len(network.node_xy) > 0.9
