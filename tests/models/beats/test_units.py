"""What stays together: a loose road hangs where a road leads, not where the crow flies."""

import geopandas as gpd
import numpy as np
import shapely

from models.beats.units import make_units, touching_pieces


def road(*rows):
    """Rows (from node, to node, line) as pieces of one zone."""
    lines = [shapely.LineString(row[2]) for row in rows]
    table = {
        "from_node": [row[0] for row in rows], "to_node": [row[1] for row in rows], "unit_id": "V0", "built": False,
        "road_class": "village", "length_m": shapely.length(lines), "total_min": shapely.length(lines),
    }  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=lines, crs="EPSG:4549")


WEST, EAST = (0, 1, [(0, 0), (1000, 0)]), (1, 2, [(1000, 0), (2000, 0)])
LANE = (10, 11, [(100, 200), (200, 200)])
AROUND = (11, 2, [(200, 200), (2000, 300), (2000, 0)])  # through the neighbouring zone


def test_a_loose_road_goes_to_the_piece_that_is_nearest_by_road():
    zone = road(WEST, EAST, LANE)
    ground = make_units(zone, [], road(WEST, EAST, LANE, AROUND), mean_load=1000.0)
    assert ground.loose.tolist() == [False, False, True]
    assert ground.unit[2] == ground.unit[1] != ground.unit[0]
    assert (ground.loose_groups, ground.by_air) == (1, 0)


def test_where_no_road_leads_it_goes_to_the_nearest_as_the_crow_flies():
    zone = road(WEST, EAST, LANE)
    ground = make_units(zone, [], zone, mean_load=1000.0)
    assert ground.unit[2] == ground.unit[0] != ground.unit[1]
    assert (ground.loose_groups, ground.by_air) == (1, 1)


def test_a_cut_off_network_of_half_a_beats_work_is_a_group_of_its_own():
    ground = make_units(road(WEST, EAST, LANE), [], road(WEST, EAST, LANE, AROUND), mean_load=190.0)
    assert not ground.loose.any()
    assert ground.component.max() == 1


def test_pieces_touch_when_they_share_a_junction():
    """Brute force over all pairs, with three roads at one junction and two between the same junctions."""
    start, end = np.array([0, 0, 0, 5, 5, 9]), np.array([1, 2, 3, 6, 6, 9])
    wanted = {(a, b) for a in range(6) for b in range(a + 1, 6) if {start[a], end[a]} & {start[b], end[b]}}
    assert {tuple(pair) for pair in touching_pieces(start, end).tolist()} == wanted
