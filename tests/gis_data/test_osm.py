"""Reading OpenStreetMap: XML, PBF and layer files to roads, buildings, rivers and places."""

from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import LineString, Point, Polygon, box

from gis_data import osm
from gis_data.errors import CrsError, InputError
from gis_data.streets import RoadNetwork
from gis_data.study import Study
from tests.gis_data.drawn_ground import CRS, EAST, NORTH, study, ways

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
