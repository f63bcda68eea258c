"""GCJ-02 and BD-09 against published vectors, known shifts, and their own way back."""

import csv

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_data.coordinates import (
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

# Vectors of public libraries: (system from, lon, lat, lon, lat).
PUBLISHED = [
    (wgs84_to_gcj02, 121.5272106, 31.1774276, 121.531541859215, 31.17530398364597),  # eviltransform, Shanghai
    (wgs84_to_gcj02, 113.912316, 22.543847, 113.9171764808363, 22.540796131694766),  # eviltransform, Shenzhen
    (wgs84_to_gcj02, 116.377817, 39.911954, 116.38404722455657, 39.91334545536069),  # eviltransform, Beijing
    (wgs84_to_gcj02, 116.404, 39.915, 116.41024449916938, 39.91640428150164),  # coordtransform
    (gcj02_to_bd09, 116.404, 39.915, 116.41036949371029, 39.92133699351021),  # coordtransform
]
CHINA = (73.5, 3.8, 135.1, 53.6)  # degrees: from end to end
MICROMETRE_DEG = 9e-12


@pytest.mark.parametrize(("convert", "lon", "lat", "to_lon", "to_lat"), PUBLISHED)
def test_published_vectors_are_met(convert, lon, lat, to_lon, to_lat):
    found = convert(lon, lat)
    assert found[0] == pytest.approx(to_lon, abs=1e-11)
    assert found[1] == pytest.approx(to_lat, abs=1e-11)


def test_the_town_lies_where_the_domain_page_says():
    assert np.round(wgs84_to_gcj02(119.85, 36.68), 8).tolist() == [119.85526438, 36.68019243]
    assert np.round(wgs84_to_bd09(119.85, 36.68), 8).tolist() == [119.86171777, 36.68628519]


@pytest.mark.parametrize(
    ("lon", "lat", "gcj_m", "bd_m"),
    [(119.70, 36.60, 492.1, 1264.3), (119.85, 36.68, 471.0, 1258.3), (120.02, 36.80, 481.2, 1280.8)],
)
def test_known_shifts_in_metres(lon, lat, gcj_m, bd_m):
    geod = pyproj.Geod(ellps="WGS84")
    for convert, metres in ((wgs84_to_gcj02, gcj_m), (wgs84_to_bd09, bd_m)):
        to_lon, to_lat = convert(lon, lat)
        assert geod.inv(lon, lat, float(to_lon), float(to_lat))[2] == pytest.approx(metres, abs=0.06)


def assert_comes_back(lon: float, lat: float) -> None:
    for there, back in (
        (wgs84_to_gcj02, gcj02_to_wgs84),
        (gcj02_to_bd09, bd09_to_gcj02),
        (wgs84_to_bd09, bd09_to_wgs84),
    ):
        again = back(*there(lon, lat))
        assert abs(again[0] - lon) < MICROMETRE_DEG
        assert abs(again[1] - lat) < MICROMETRE_DEG


@given(lon=st.floats(CHINA[0], CHINA[2]), lat=st.floats(CHINA[1], CHINA[3]))
def test_the_way_back_is_exact(lon, lat):
    assert_comes_back(lon, lat)


def test_the_way_back_is_exact_a_hair_beside_the_meridian_where_the_formula_has_its_root():
    """There a step of the search gains least. One by one: many at once would all wait for the slowest."""
    rng = np.random.default_rng(1)
    for beside, lat in zip(10 ** rng.uniform(-15, -3, 400), rng.uniform(CHINA[1], CHINA[3], 400), strict=True):
        assert_comes_back(105 + beside, lat)


def test_a_one_step_inverse_would_be_metres_off():
    """What coordtransform publishes as the inverse of this point is a decimetre to two metres from the exact one."""
    lon, lat = gcj02_to_wgs84(116.404, 39.915)
    off_m = pyproj.Geod(ellps="WGS84").inv(float(lon), float(lat), 116.39775550083061, 39.91359571849836)[2]
    assert 0.05 < off_m < 2.5


def test_outside_china_nothing_moves():
    assert wgs84_to_gcj02([9.55, -87.7], [47.2, 41.8])[0].tolist() == [9.55, -87.7]


def test_missing_coordinates_stay_missing():
    lon, lat = bd09_to_wgs84([np.nan, 119.86171777110201], [np.nan, 36.686285189302424])
    assert np.isnan(lon[0])
    assert np.isnan(lat[0])
    assert (lon[1], lat[1]) == pytest.approx((119.85, 36.68), abs=1e-9)


def one_step_to_wgs84(lon, lat):
    """The usual inverse: one step of the forward formula."""
    there_lon, there_lat = wgs84_to_gcj02(lon, lat)
    return 2 * lon - there_lon, 2 * lat - there_lat


def one_step_from_bd09(lon, lat):
    """The usual inverse: the waves taken at the shifted place."""
    x, y = lon - 0.0065, lat - 0.006
    radius = np.hypot(x, y) - 2e-5 * np.sin(y * np.pi * 3000 / 180)
    angle = np.arctan2(y, x) - 3e-6 * np.cos(x * np.pi * 3000 / 180)
    return radius * np.cos(angle), radius * np.sin(angle)


# What each kind of vector was made by; beside the two one-step inverses, ours, and how far it may be from them (m).
MADE_BY = {
    "w2g": (wgs84_to_gcj02, None), "g2b": (gcj02_to_bd09, None),
    "b2g": (one_step_from_bd09, (bd09_to_gcj02, 0.2)), "g2w_rough": (one_step_to_wgs84, (gcj02_to_wgs84, 2.0)),
}  # fmt: skip


def test_all_shared_vectors_are_met_within_their_stated_tolerance(shared_data):
    """To a micrometre, where no other is stated. The two that are one-step inverses are met as such.

    Ours is the better one: going forward from it comes back, going forward from theirs does not.
    """
    with (shared_data.parent / "domain" / "coord_vectors.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 15
    geod, forward = pyproj.Geod(ellps="WGS84"), {"b2g": gcj02_to_bd09, "g2w_rough": wgs84_to_gcj02}

    def apart_m(there, then):
        return geod.inv(*map(float, there), *map(float, then))[2]

    for row in rows:
        start, end = ((float(row[f"{side}_lng"]), float(row[f"{side}_lat"])) for side in ("in", "out"))
        made, exact = MADE_BY[row["op"]]
        assert apart_m(made(*start), end) <= float(row["recheck_error_m"] or 0) + 1e-6, row
        if exact is not None:
            ours, least_m = exact
            assert 0.001 < apart_m(ours(*start), end) < least_m, row
            again = forward[row["op"]]
            assert apart_m(again(*ours(*start)), start) < 1e-6 < 0.001 < apart_m(again(*end), start), row
