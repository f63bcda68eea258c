"""Where things happened: notations, shifted systems, and what is never guessed."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis_data.coordinates import wgs84_to_bd09, wgs84_to_gcj02
from gis_data.errors import InputError
from gis_data.intake import datum
from gis_data.intake.notation import read_coordinates
from gis_data.intake.surroundings import Surroundings
from gis_data.study import Study

CRS = "EPSG:4549"
X, Y = 490_000.0, 4_054_000.0
STUDY = Study("镇", shapely.box(X - 7000, Y - 6000, X + 7000, Y + 6000), CRS)
# DOMAIN 2.6: 119.85, 36.68 is E 486,592.502 N 4,061,009.571 in EPSG:4549; zone 40 adds 40,000,000.
PLACE = (119.86, 36.64)


def read(first, second):
    return read_coordinates(pd.Series([first], dtype=object), pd.Series([second], dtype=object), STUDY)


def metres(place=PLACE, crs=CRS):
    point = gpd.GeoSeries([shapely.Point(place)], crs=4326).to_crs(crs).iloc[0]
    return point.x, point.y


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        (119.86, 36.64, "degrees"),
        ("119.86", " 36.64 ", "degrees"),
        (36.64, 119.86, "degrees_swapped"),
        ("119°51′36″", "36°38′24″", "degree_minutes"),
        ("119°51.6'", "36°38.4'", "degree_minutes"),
        ("东经119度51分36秒", "北纬36度38分24秒", "degree_minutes"),
        ("E119°51'36\"", "N36°38'24\"", "degree_minutes"),
    ],
)
def test_degrees_are_read_however_they_are_written(first, second, how):
    found = read(first, second)
    assert found.how[0] == how
    assert (found.lon[0], found.lat[0]) == pytest.approx(PLACE, abs=1e-9)


def test_metres_are_told_by_their_range():
    east, north = metres()
    for first, second, how in (
        (east, north, "metres"),
        (north, east, "metres_swapped"),
        (east + 40_000_000, north, "zone_prefix"),
        (north, east + 40_000_000, "zone_prefix"),
        (*metres(crs="EPSG:3857"), "web_mercator"),
    ):
        found = read(first, second)
        assert found.how[0] == how
        assert (found.x[0], found.y[0]) == pytest.approx((east, north), abs=0.01)


def test_the_published_easting_of_zone_40_is_read():
    found = read(40_486_592.502, 4_061_009.571)
    back = gpd.GeoSeries([shapely.Point(found.x[0], found.y[0])], crs=CRS).to_crs(4326).iloc[0]
    assert (back.x, back.y) == pytest.approx((119.85, 36.68), abs=1e-8)


@pytest.mark.parametrize(
    ("first", "second"), [(0, 0), (119.86, 0), ("", ""), (None, 36.6), ("无", "无"), (np.nan, np.nan)]
)
def test_what_is_not_written_is_no_place(first, second):
    found = read(first, second)
    assert found.how[0] == ""
    assert np.isnan([found.lon[0], found.lat[0], found.x[0], found.y[0]]).all()


@pytest.mark.parametrize(("first", "second"), [(5_000.0, 7_000.0), (999_999_999, 1), (486_592, 4_999_999)])
def test_numbers_in_no_known_range_are_elsewhere_and_no_point(first, second):
    found = read(first, second)
    assert found.how[0] == "elsewhere"
    assert np.isnan([found.lon[0], found.lat[0], found.x[0], found.y[0]]).all()


def test_a_place_of_another_continent_is_read_as_written():
    found = read(-87.6, 41.9)
    assert found.how[0] == "degrees"
    assert (found.lon[0], found.lat[0]) == (-87.6, 41.9)


@given(st.lists(st.one_of(st.none(), st.text(max_size=12), st.floats(allow_nan=True)), min_size=1, max_size=12))
def test_any_cell_is_read_or_left(cells):
    column = pd.Series(cells, dtype=object)
    found = read_coordinates(column, column[::-1].reset_index(drop=True), STUDY)
    in_degrees, in_metres = np.isfinite(found.lon), np.isfinite(found.x)
    assert not (in_degrees & in_metres).any()
    assert ((in_degrees | in_metres) == ~np.isin(found.how, ["", "elsewhere"])).all()


# ---- which system ----


@pytest.fixture(scope="module")
def town():
    """A village of 400 houses in lanes, and a road; the house of each of 300 incidents."""
    rng = np.random.default_rng(3)
    x, y = np.meshgrid(X + np.arange(20) * 16.0, Y + np.arange(20) * 30.0)
    houses = shapely.box(x.ravel() - 5, y.ravel() - 5, x.ravel() + 5, y.ravel() + 5)
    roads = [shapely.LineString([(X - 20, Y + 30 * k + 12), (X + 340, Y + 30 * k + 12)]) for k in range(20)]
    ground = datum.Ground(STUDY, gpd.GeoDataFrame(geometry=houses, crs=CRS), gpd.GeoDataFrame(geometry=roads, crs=CRS))
    chosen = shapely.centroid(rng.choice(houses, 300))
    places = gpd.GeoSeries(chosen, crs=CRS).to_crs(4326)
    centre = np.tile([X + 152.0, Y + 285.0], (300, 1))
    return ground, places.x.to_numpy(), places.y.to_numpy(), centre


@pytest.mark.parametrize(("name", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
@pytest.mark.parametrize(("first", "last"), [(0, 300), (0, 120), (100, 160), (290, 300)])
def test_a_stretch_in_another_system_is_found_to_the_row(town, name, shift, first, last):
    ground, lon, lat, centre = town
    written_lon, written_lat = lon.copy(), lat.copy()
    written_lon[first:last], written_lat[first:last] = shift(lon[first:last], lat[first:last])
    found = datum.find_datum(written_lon, written_lat, centre, ground)
    wrong = np.flatnonzero((found.system == name) != ((np.arange(300) >= first) & (np.arange(300) < last)))
    assert len(wrong) <= 2
    back = datum.to_wgs84(written_lon, written_lat, found.system)
    right = np.setdiff1d(np.arange(300), wrong)
    assert np.abs(back[0][right] - lon[right]).max() < 1e-9
    assert found.stretches["rows"].sum() == 300


def test_a_file_in_wgs84_stays_as_it_is_whatever_its_length(town):
    ground, lon, lat, centre = town
    for count in (1, 2, 5, 40, 300):
        assert (datum.find_datum(lon[:count], lat[:count], centre[:count], ground).system == "wgs84").all()


def test_points_that_fit_nothing_are_never_moved(town):
    """Random points of the fields say nothing for any system: they stay, or are asked about."""
    ground, _, _, _ = town
    rng = np.random.default_rng(5)
    away = gpd.GeoSeries(gpd.points_from_xy(X + rng.uniform(-6e3, 6e3, 200), Y + rng.uniform(-5e3, 5e3, 200)), crs=CRS)
    degrees = away.to_crs(4326)
    nowhere = np.full((200, 2), np.nan)
    found = datum.find_datum(degrees.x.to_numpy(), degrees.y.to_numpy(), nowhere, ground)
    assert set(found.system) <= {"wgs84", "unclear"}


@pytest.mark.parametrize("count", [20, 60, 300])
def test_points_strewn_about_a_village_are_never_moved(town, count):
    """No point has to do with a house; all name one village and lie to one side of it, as a shift would lay them.

    Two or three of forty clouds do lie where a shift lays the village, whose lanes are so near that all there fits.
    """
    ground, _, _, centre = town
    rng = np.random.default_rng(count)
    moved = 0
    for _ in range(40):
        x, y = centre[0, :, None] + rng.normal(0, 400, (2, 1)) + rng.normal(0, 300, (2, count))
        degrees = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=CRS).to_crs(4326)
        found = datum.find_datum(degrees.x.to_numpy(), degrees.y.to_numpy(), np.tile(centre[0], (count, 1)), ground)
        moved += bool(set(found.system) - {"wgs84", "unclear"})
    assert moved <= 3


def test_three_points_with_no_village_named_are_not_moved_on_a_guess(town):
    ground, lon, lat, _ = town
    written = wgs84_to_gcj02(lon[:1] + 0.02, lat[:1] + 0.02)
    found = datum.find_datum(*written, np.full((1, 2), np.nan), ground)
    assert set(found.system) <= {"wgs84", "unclear"}


def test_without_a_ground_nothing_is_told():
    nothing = gpd.GeoDataFrame(geometry=[], crs=CRS)
    ground = datum.Ground(STUDY, nothing, nothing)
    found = datum.find_datum(np.array([119.86]), np.array([36.64]), np.full((1, 2), np.nan), ground)
    assert list(found.system) == ["wgs84"]


def test_a_long_file_is_decided_on_spread_rows_and_its_switch_found_exactly(town, monkeypatch):
    ground, lon, lat, centre = town
    monkeypatch.setattr(datum, "MOST_ROWS", 50)
    lon, lat, centre = np.tile(lon, 4), np.tile(lat, 4), np.tile(centre, (4, 1))
    written_lon, written_lat = lon.copy(), lat.copy()
    written_lon[700:], written_lat[700:] = wgs84_to_gcj02(lon[700:], lat[700:])
    found = datum.find_datum(written_lon, written_lat, centre, ground)
    assert abs(int((found.system == "gcj02").sum()) - 500) <= 2


def test_the_stations_own_answer_overrules_and_must_be_a_system():
    empty = gpd.GeoDataFrame({"kind": []}, geometry=[], crs=CRS)
    around = Surroundings(STUDY, empty, empty, empty, empty, own_datum={"2023*.csv": "gcj02", "b.csv": "mars"})
    assert around.datum_of("2023年3月.csv") == "gcj02"
    assert around.datum_of("2022年3月.csv") == ""
    with pytest.raises(InputError, match="mars"):
        around.datum_of("b.csv")


def test_systems_that_take_turns_are_told_row_by_row_in_a_long_file_too(town, monkeypatch):
    ground, lon, lat, centre = town
    monkeypatch.setattr(datum, "MOST_ROWS", 300)
    monkeypatch.setattr(datum, "MOST_SWITCHES", 20)
    lon, lat, centre = np.tile(lon, 3), np.tile(lat, 3), np.tile(centre, (3, 1))
    shifted = np.random.default_rng(2).random(900) < 0.4
    written_lon, written_lat = lon.copy(), lat.copy()
    written_lon[shifted], written_lat[shifted] = wgs84_to_gcj02(lon[shifted], lat[shifted])
    found = datum.find_datum(written_lon, written_lat, centre, ground)
    moved = found.system == "gcj02"
    assert (moved & ~shifted).sum() <= 0.02 * max(1, moved.sum())
    assert found.stretches["rows"].sum() == 900


@pytest.mark.parametrize("share", [0.15, 0.5, 0.85])
@pytest.mark.parametrize(("name", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_systems_that_take_turns_row_by_row_are_told_or_asked_about_never_guessed(town, name, shift, share):
    ground, lon, lat, centre = town
    shifted = np.random.default_rng(7).random(300) < share
    written_lon, written_lat = lon.copy(), lat.copy()
    written_lon[shifted], written_lat[shifted] = shift(lon[shifted], lat[shifted])
    found = datum.find_datum(written_lon, written_lat, centre, ground)
    told = found.system != "unclear"
    assert (found.system[told] == np.where(shifted, name, "wgs84")[told]).mean() >= 0.98
    assert (told & shifted).sum() >= 0.9 * shifted.sum()
    assert found.stretches["system"].tolist() == [datum.MIXED]


def test_careless_points_of_one_system_are_no_turns(town):
    """A fifth of the points lie somewhere in the fields, where nothing stands."""
    ground, lon, lat, centre = town
    rng = np.random.default_rng(8)
    away = rng.random(300) < 0.2
    lon, lat = lon + away * rng.uniform(-0.02, 0.02, 300), lat + away * rng.uniform(-0.02, 0.02, 300)
    assert set(datum.find_datum(lon, lat, centre, ground).system) == {"wgs84"}


def test_a_named_crs_is_taken_as_said_and_what_it_does_not_reach_is_no_place():
    x, y = pyproj.Transformer.from_crs(4549, 4527, always_xy=True).transform(X, Y)  # zone 39: another meridian
    first, second = (
        pd.Series([x, f"{x:.3f}", 0, None, "无", 1e30, x + 1e6]),
        pd.Series([y, f"{y:.3f}", y, y, y, 1e30, y]),
    )
    found = read_coordinates(first.astype(object), second.astype(object), STUDY, crs="EPSG:4527")
    assert found.how.tolist() == ["metres", "metres", "", "", "", "elsewhere", "metres"]
    np.testing.assert_allclose(found.x[:2], X, atol=0.001)
    np.testing.assert_allclose(found.y[:2], Y, atol=0.001)
    assert np.isnan(found.x[2:6]).all()
    assert np.isnan(found.lon).all()
    assert abs(found.x[6] - X) > 500_000, "far off is a place, and outside"


@pytest.mark.parametrize("code", ["EPSG:99999999", "epsg 2226", "2226", "NAD83"])
def test_a_crs_must_be_the_code_of_one(code):
    none = gpd.GeoDataFrame({"kind": []}, geometry=[], crs=STUDY.crs)
    around = Surroundings(
        STUDY, none, none, none, none, own_datum={"a.csv": code, "b.csv": "EPSG:2226", "c.csv": "gcj02"}
    )
    assert around.crs_of("b.csv") == "EPSG:2226"
    assert around.crs_of("c.csv") == around.crs_of("d.csv") == ""
    with pytest.raises(InputError, match=re.escape(code)):
        around.crs_of("a.csv")


def likeliest(evidence: np.ndarray, switch: float) -> list[int]:
    """Viterbi by its book, without a shortcut."""
    total, back = datum.PRIOR + evidence[0], []
    for row in evidence[1:]:
        ways = total[:, None] + np.where(np.eye(3, dtype=bool), 0.0, np.log(switch))
        back.append(ways.argmax(axis=0))
        total = ways.max(axis=0) + row
    states = [int(total.argmax())]
    for came_from in reversed(back):
        states.append(int(came_from[states[-1]]))
    return states[::-1]


def test_files_in_one_system_are_decoded_as_viterbi_does_whether_or_not_a_stretch_might_gain_by_another():
    rng, at_once = np.random.default_rng(0), 0
    for drift in np.repeat([0.0, 0.3, 1.0, 3.0], 25):
        evidence = rng.normal(0, 2, (rng.integers(1, 60), 3))
        evidence[:, rng.integers(3)] += drift
        assert datum._viterbi(evidence, 0.01).tolist() == likeliest(evidence, 0.01)
        at_once += datum._only_one(evidence, np.log(0.01)) is not None
    assert 20 < at_once < 80  # both ways were gone
