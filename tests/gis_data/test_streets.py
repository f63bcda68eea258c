"""Streets: OSM ways to roads, roads to minutes."""

import networkx as nx
import numpy as np
import osmnx
import pyproj
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from gis_data import osm
from gis_data.streets import RoadNetwork, road_table
from gis_data.tables import ROADS
from tests.gis_data.drawn_ground import CRS, EAST, NORTH, at, study, ways


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


def test_ways_round_closed_streets_are_those_of_osmnx_and_none_gets_shorter():
    rows, corners = lattice()
    whole = RoadNetwork.from_roads(road_table(ways(*rows), crs=CRS))
    spots = at(*corners[::5])
    ids = [int(np.hypot(*(whole.node_xy - [p.x, p.y]).T).argmin()) for p in spots]
    rng, network, before = np.random.default_rng(3), whole, whole.travel_min(spots, spots)
    for _ in range(8):
        network = network.without(rng.choice(whole.roads["road_id"], size=5).tolist())
        found = network.travel_min(spots, spots)
        assert (found >= before - 1e-9).all()
        graph, before = network.as_graph(), found
        standing = np.flatnonzero(~network.closed[network.snap(spots)[0]])
        for row in standing:
            ways_s = nx.single_source_dijkstra_path_length(graph, ids[row], weight="travel_time")
            wanted = [ways_s.get(ids[other], np.inf) / 60 for other in standing]
            np.testing.assert_allclose(found[row, standing], wanted, rtol=1e-9)
    assert (before > whole.travel_min(spots, spots) + 0.1).any()


def test_from_a_closed_street_one_walks_to_its_ends():
    found = road_table(
        ways(
            ([(0, 0), (1000, 0)], {"highway": "tertiary"}),
            ([(1000, 0), (2000, 0)], {"highway": "tertiary", "oneway": "yes"}),
            ([(2000, 0), (2000, 900), (1000, 900), (1000, 0)], {"highway": "tertiary"}),
        ),
        crs=CRS,
    )
    network = RoadNetwork.from_roads(found).without(found["road_id"].iloc[[1]])
    a_km = 60 / 40
    minutes = network.travel_min(at((1300, 0)), at((0, 0), (2000, 100), (1500, 0)))
    np.testing.assert_allclose(minutes[0], [0.3 * 12 + a_km, 0.3 * 12 + (0.9 + 1.0 + 0.8) * a_km, 0.2 * 12])


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
