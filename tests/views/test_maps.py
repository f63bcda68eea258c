"""The maps: nothing from outside, nobody's secret on them, and every number said with its interval."""

import base64
import json
import re
from pathlib import Path

import geopandas as gpd
import networkx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.taxonomy import drives_allocation, with_point
from gis_data.workspace import Workspace
from models.store import load_plans
from views import camera_words, life_words
from views.basemap.names import village_name_boxes
from views.basemap.tiles import TileSet
from views.figures import records
from views.maps.cameras import blind_bands, camera_map, town_camera_map
from views.maps.frame import as_html, panel_rows
from views.maps.hotspots import hotspot_map
from views.maps.incidents import FEW_POINTS, MOST_ROWS, levels_of, months_of
from views.maps.layers import degrees, lat_lon
from views.maps.overview import overview_map
from views.maps.place_cards import place_cells
from views.maps.zones import name_points, zone_colours, zone_map
from views.palette import ZONES
from views.sheets.zone_sheet import cameras_of

from .tiny_town import CRS, X, Y
from .tiny_town import study as town_study

TILES = TileSet("0123456789abcdef", 119.99, 36.79, 120.08, 36.85, 12, 16, 10)


@pytest.fixture(scope="module")
def town(tiny_station: Path):
    ws = Workspace.open(tiny_station)
    tables = {
        name: ws.read(name) for name in ("villages", "cameras", "incidents", "barriers", "roads", "buildings", "water")
    }
    return ws.study, tables, load_plans(ws)


def lives(plans):
    tables = plans["hotspots"].tables
    return life_words.on_the_map(tables["lives"], tables["pictures"])


def all_maps(town) -> dict[str, str]:
    study, tables, plans = town
    points = with_point(drives_allocation(tables["incidents"]))
    made = {
        "overview": overview_map(study, tables | {"incidents": points}, plans, TILES),
        "hotspots": hotspot_map(study, plans["hotspots"].to_frame(), points, TILES, **lives(plans)),
        "zones": zone_map(study, plans["zones"], plans["scorecard"].to_frame(), tables, TILES),
        "cameras": town_camera_map(study, plans["cameras"], tables["villages"], TILES),
        "village": camera_map(study, plans["cameras"], "V5", tables, TILES),
    }
    return {name: as_html(found) for name, found in made.items()}


def test_no_map_loads_anything_but_our_own_tiles(town):
    for page in all_maps(town).values():
        loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)|url\(([^)]+)\)|@import\s+([^;]+)""", page)
        loaded = [address for found in loaded for address in found if address]
        assert [address for address in loaded if not address.startswith(("data:", "#"))] == ["https://leafletjs.com"]
        assert "<link" not in page
        assert re.findall(r'L\.tileLayer\(\s*"([^"]+)"', page) == [TILES.url]
        assert "$(" not in page  # jQuery is not there


def test_leaflets_one_outside_address_is_a_link_in_the_credit_that_we_switch_off(town):
    assert all('"attributionControl": false' in page for page in all_maps(town).values())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_map_carries_the_credit_and_says_that_data_are_invented(town, lang):
    with speaking(lang):
        for page in all_maps(town).values():
            assert json.dumps(text("map.synthetic"))[1:-1] in page
            assert json.dumps(town[0].credit)[1:-1] in page
            assert "imperial: false" in page


def test_what_patrols_found_and_what_never_has_a_place_is_on_no_map(town):
    study, tables, plans = town
    secret = tables["incidents"].iloc[:2].copy()
    secret["type"], secret["incident_class"] = ["telecom_fraud", "theft"], "criminal"
    secret["origin"] = ["reported", "discovered"]
    secret = secret.set_geometry(gpd.points_from_xy([X + 5_901, X + 5_911], [Y + 3_907, Y + 3_917]), crs=CRS)
    more = dict(tables) | {"incidents": gpd.pd.concat([tables["incidents"], secret])}
    pages = all_maps((study, more, plans))
    shown = with_point(more["incidents"][more["incidents"]["origin"] == "reported"]).iloc[:1]
    drawn = points_of(pages["overview"])
    assert drawn.distance(shown.geometry.iloc[0]).min() < 0.5  # the test can see a point that is there
    for place, (lat, lon) in zip(secret.geometry, lat_lon(secret), strict=True):
        assert drawn.distance(place).min() > 0.6
        assert all(str(number) not in page for number in (lat, lon) for page in pages.values())


def points_of(page: str) -> gpd.GeoSeries:
    """Return the incidents that a map holds, from its own 16-bit places."""
    level = json.loads(re.search(r"xq\.incidents\((\{.*\})\);", page)[1])["levels"][0]
    rows = np.frombuffer(base64.b64decode(level["data"]), dtype="<u2").reshape(-1, 4)
    x, y = level["west"] + rows[:, 0] * level["step"], level["south"] + rows[:, 1] * level["step"]
    return gpd.GeoSeries(gpd.points_from_xy(x, y), crs="EPSG:3857").to_crs(CRS)


def test_a_camera_that_is_wished_for_or_forbidden_is_not_among_those_that_stand(town):
    """A camera set by hand, or taken away, is kept in the same list; Today and the zone sheet show what stands."""
    study, tables, plans = town
    listed = tables["cameras"]
    kinds = ["working", "broken", "planned", "forbidden"]
    wished = gpd.GeoDataFrame(
        {"camera_id": [f"wish-{number}" for number in range(4)], "status": kinds},
        geometry=gpd.points_from_xy([X + 10 * number for number in range(4)], [Y] * 4), crs=CRS,
    )  # fmt: skip
    more = pd.concat([listed[["camera_id", "status", "geometry"]], wished], ignore_index=True)
    drawn = overview_map(study, tables | {"cameras": more}, plans, None)
    assert text("map.standing_cameras", count=len(listed) + 2) in [row.label for row in panel_rows(drawn)]
    page = as_html(drawn)
    assert [f"wish-{number}" in page for number in range(4)] == [True, True, False, False]
    shown = cameras_of({}, {"cameras": more}, crs=CRS)
    assert [shown.distance(point).min() == 0 for point in wished.geometry] == [True, True, False, False]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_any_place_says_why_it_is_no_hotspot(lang):
    shapes = [shapely.box(X + 200 * column, Y, X + 200 * (column + 1), Y + 200) for column in range(4)]
    cells = gpd.GeoDataFrame({"cell_id": [7, 8, 9, 10], "row": 0, "col": range(4)}, geometry=shapes, crs=CRS)
    places = pd.DataFrame({
        "count": [5.0, 0.0, 9.0, 14.0], "expected": [2.0, 0.04, 3.1, 9.0], "low": [0.0, 0.0, 0.0, 4.0],
        "high": [5.0, 1.0, 7.0, 15.0], "densest": [5.0, 0.0, 6.0, 13.0], "hotspot_id": ["H8", "", "", ""],
        "status": ["chance", "", "", ""], "reason": ["touches", "sparse", "scattered", "chance"],
    })  # fmt: skip
    with speaking(lang):
        cards = place_cells(cells, places, cell_m=200.0, eps_m=90.0, least=12, most_km2=0.5).cards()
        said = {"eps": "90", "least": "12", "area": "0.5"}
        status = text("page.hotspots.list.maybe")
        assert text("page.hotspots.why_not.touches", hotspot="H8", status=status) in cards[0]
        for card, reason, densest in zip(cards[1:], ("sparse", "scattered", "chance"), ("0", "6", "13"), strict=True):
            assert text(f"page.hotspots.why_not.{reason}", densest=densest, **said) in card
        assert all(value in cards[2] for value in (">9<", ">3.1<", ">0–7<", ">6<"))


def test_names_from_files_are_words_and_never_code(town):
    study, tables, _ = town
    bad = tables["villages"].assign(name="<img src=x onerror=alert(1)>`${alert(2)}`\\")
    page = as_html(overview_map(study, tables | {"villages": bad}, {}, None))
    assert "<img src=x" not in page
    assert "onerror=alert(1)\\u0026gt;\\u0026#96;\\u0026#36;{alert(2)}\\u0026#96;\\u0026#92;" in page


def test_a_zone_says_its_counts_with_their_limits(town):
    page = all_maps(town)["zones"]
    assert "200 (173\\u2013230)" in page
    assert "20 (12\\u201331)" in page


def test_lives_that_ended_and_ways_of_those_that_moved_are_drawn_with_their_line(town):
    study, tables, plans = town
    told = lives(plans)
    assert (told["gone"]["life_id"].tolist(), told["ways"]["life_id"].tolist()) == (["L2"], ["L2"])
    assert told["gone"].geometry.iloc[0].area == pytest.approx(plans["hotspots"].to_frame().geometry.iloc[0].area)
    page = all_maps(town)["hotspots"]
    assert "xq-life-gone" in page
    assert "xq-life-ways" in page
    assert page.count(json.dumps("移动 80 米")[1:-1]) == 2
    with_none = hotspot_map(study, plans["hotspots"].to_frame(), tables["incidents"].iloc[:0], TILES)
    assert "xq-life" not in as_html(with_none)


def _nothing() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"status": np.array([], str), "hotspot_id": []}, geometry=[], crs=CRS)


def made_incidents(size: int, *, months: int = 24, seed: int = 3) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 6_000, (size, 2)) + np.array([X, Y])
    day = pd.Timestamp("2022-01-15", tz="Asia/Shanghai")
    at = pd.DatetimeIndex([day + pd.DateOffset(months=month) for month in range(months)])
    return gpd.GeoDataFrame(
        {"count": rng.integers(1, 4, size), "reported_at": at[rng.integers(0, months, size)]},
        geometry=gpd.points_from_xy(*xy.T), crs=CRS,
    )  # fmt: skip


def test_few_incidents_are_points_where_they_lie_in_the_month_they_came():
    points = made_incidents(500)
    names, month = months_of(points)
    (level,) = levels_of(points, month)
    assert names[0] == "2022年1月"
    back = gpd.GeoSeries(
        gpd.points_from_xy(level.west + level.rows[:, 0] * level.step, level.south + level.rows[:, 1] * level.step),
        crs="EPSG:3857",
    ).to_crs(CRS)
    near = gpd.sjoin_nearest(gpd.GeoDataFrame(geometry=back), points, distance_col="away")
    assert near["away"].max() < 0.5
    local = near["reported_at"].dt.tz_localize(None).dt
    assert (level.rows[near.index, 2] == (local.year - 2022) * 12 + local.month - 1).all()
    assert (level.rows[near.index, 3] == near["count"]).all()


@pytest.mark.parametrize("size", [FEW_POINTS + 1, 100_000])
def test_many_incidents_are_counts_by_cell_and_month_that_add_up_at_every_size(size):
    points = made_incidents(size)
    month = months_of(points)[1]
    levels = list(levels_of(points, month))
    assert len(levels) >= 2
    assert [level.cell for level in levels] == sorted(level.cell for level in levels)
    by_month = np.bincount(month, weights=points["count"])
    flat = points.to_crs("EPSG:3857").geometry
    for level in levels:
        cells = [
            ((at - least) // level.cell).astype(int) for at, least in ((flat.x, level.west), (flat.y, level.south))
        ]
        counted = points["count"].groupby([*cells, month]).sum()
        assert counted.index.tolist() == list(map(tuple, level.rows[:, :3].tolist()))
        assert counted.tolist() == level.rows[:, 3].tolist()
        assert len(level.rows) <= MOST_ROWS
        rows = level.rows.astype(np.int64)
        assert (np.bincount(rows[:, 2], weights=rows[:, 3]) == by_month).all()
        places = rows[:, 0] << 16 | rows[:, 1]
        assert (np.diff(places) >= 0).all()  # the page adds up what follows each other
    page = as_html(hotspot_map(town_study(), _nothing(), points, None))
    assert len(page) < 3_000_000


@given(st.lists(st.integers(0, 9), min_size=64, max_size=64))
def test_zones_that_touch_never_share_a_colour(owners):
    """On an 8 x 8 board cut at random into at most ten zones (in pieces, even): harder than any town."""
    cells = gpd.GeoDataFrame(
        {"zone_id": owners}, geometry=[shapely.box(x, y, x + 1, y + 1) for x in range(8) for y in range(8)], crs=CRS
    )
    zones = cells.dissolve("zone_id").reset_index()
    colours = zone_colours(zones)
    touching = [(a, b) for a in range(len(zones)) for b in range(a) if zones.geometry[a].intersects(zones.geometry[b])]
    if max(networkx.core_number(networkx.Graph(touching)).values(), default=0) < len(ZONES):  # as on every plane map
        assert all(colours[a] != colours[b] for a, b in touching)
    assert len(set(colours)) == min(len(zones), len(ZONES)) or touching


def test_degrees_are_short_and_right_to_ten_centimetres():
    point = gpd.GeoSeries([shapely.Point(X + 1_234.567, Y + 765.432)], crs=CRS)
    (shape,) = degrees(point)
    back = gpd.GeoSeries([shape], crs=4326).to_crs(CRS)[0]
    assert back.distance(point[0]) < 0.1
    assert len(str(shape.x)) <= len("120.000000")


def test_the_name_of_a_zone_stands_inside_it_and_clear_of_names_and_posts(town):
    study, tables, plans = town
    zones = plans["zones"].to_frame()
    names = [*village_name_boxes(study, tables["villages"], 12), *village_name_boxes(study, tables["villages"], 13)]
    points = name_points(zones, names)
    assert points.within(zones.geometry.to_crs(points.crs)).all()
    posts = gpd.GeoSeries(gpd.points_from_xy(zones["post_x"], zones["post_y"]), crs=CRS).to_crs(points.crs)
    assert all(shapely.distance(point, [*names, *posts]).min() > 150 for point in points)
    middle = name_points(zones.drop(columns=["post_x", "post_y"]), [])
    assert middle.distance(zones.geometry.centroid.to_crs(points.crs)).max() < 250


def test_a_station_without_villages_has_its_zone_map_too(town):
    study, tables, plans = town
    bare = tables | {name: tables[name].iloc[:0] for name in ("villages", "barriers")}
    assert "xq-zone-area" in as_html(zone_map(study, plans["zones"], None, bare, None))


def test_bands_of_blind_spots_are_the_same_drawn_again_or_anew():
    rng = np.random.default_rng(1)
    discs = [shapely.MultiPoint(rng.uniform(0, 60, (8, 2)) * (1, 0.1)).buffer(6) for _ in range(3)]
    blind = gpd.GeoDataFrame({"blind_spot_id": list("abc")}, geometry=discs, crs=CRS, index=[5, 7, 9])
    first, again = blind_bands(blind), blind_bands(blind.iloc[[2, 0]])
    assert first.geom_equals_exact(blind.geometry.buffer(6).buffer(-9), 0.0).all()
    assert first.loc[[9, 5]].geom_equals_exact(again, 0.0).all()
    assert (again.crs, len(blind_bands(blind.iloc[:0]))) == (first.crs, 0)


def test_the_cards_of_cameras_say_why_and_why_not(planned_town):
    plan = load_plans(Workspace.open(planned_town))["cameras"]
    summary = plan.tables["summary"]
    left = plan.settings["budget_cny"] - summary["cost_cny"].sum()
    with speaking("en"):
        site = records(plan.tables["left_out"].query("why == 'budget'"))[0]
        said = list(camera_words.left_out_lines(site))
        assert f"{site['gain_pct']:.2f}%" in said[0]
        assert f"{site['cost_cny']:,.0f} yuan" in said[0]
        assert f"only {left:,.0f} yuan" in said[0]
        villages = plan.tables["villages"]
        lines = list(camera_words.village_lines(plan, villages.loc[villages["reasons"] == "", "village_id"].iloc[0]))
        assert [text("cameras.rule.none"), text("cameras.why.no_market")] == [lines[0], lines[2]]
        for blind in records(plan.tables["blind_spots"].head(3)):
            assert len(list(camera_words.blind_lines(blind, left))) == 1
        entrance = records(plan.tables["entrances"])[0]
        for change, said_so in (
            ({"seen": False, "released": "wide road"}, text("cameras.why.released", reason="wide road")),
            ({"seen": False, "can_be_seen": True}, text("cameras.why.open")),
            ({"seen": False, "can_be_seen": False, "build_distance_m": 31.0},
             text("cameras.why.unseeable", metres="31")),
            ({"seen": False, "can_be_seen": False, "build_distance_m": float("nan")}, text("cameras.why.nowhere")),
        ):  # fmt: skip
            assert list(camera_words.entrance_lines(entrance | change)) == [said_so]
