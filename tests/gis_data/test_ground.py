"""The ground: OSM ways to roads, rivers to barriers, boundary to cells, roads to minutes."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
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


@settings(max_examples=25, deadline=None)
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
    known = sorted(graph)
    found = network.travel_min(at(*spots[known]), at(*spots[known]))
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph, weight="minutes"))
    wanted = [[lengths[a].get(b, np.inf) for b in known] for a in known]
    np.testing.assert_allclose(found, wanted, atol=1e-9)


# --- barriers ---


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


@settings(max_examples=20, deadline=None)
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
    assert shapely.union_all(cells.geometry.to_numpy()).symmetric_difference(boundary).area < 1
    assert set(cells["village_id"]) == set(villages["village_id"])
    matrix = grid.edge_matrix(len(cells), edges)
    for _, own in cells.groupby("village_id"):
        ids = own["cell_id"].to_numpy()
        piece = nx.from_scipy_sparse_array(matrix[ids][:, ids])
        assert nx.number_connected_components(piece) <= own["component"].nunique()


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


@settings(max_examples=20, deadline=None)
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
