"""Pingdu: names of villages, and outlines in the system of the web maps."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from gis_data.coordinates import gcj02_to_wgs84, wgs84_to_gcj02
from gis_data.errors import CrsError
from gis_data.intake import places
from gis_data.intake.door import import_files, new_workspace
from tests.gis_data.real_files import FIRST_ROW, real, workspace

PINGDU = (119.50, 36.45, 120.35, 37.07)


@pytest.fixture(scope="module")
def names(shared_data):
    (file,) = real(shared_data / "china_pingdu", "villages.csv.gz")
    return pd.read_csv(file, dtype=str)


def as_villages(names):
    return pd.DataFrame({"village_id": names["village_code"], "name": names["name"], "aliases": "", "valid_to": pd.NaT})


def test_official_names_are_matched_and_only_a_repeated_one_is_not_its_own(names):
    found = places.village_by_name(names["name"], as_villages(names))
    wrong = names[(found != names["village_code"]).to_numpy()]
    assert len(names) == 766
    assert (found != "").all()
    short = names["name"]
    for tail in ("(?:村民委员会|居民委员会|村委会|居委会)$", "村$", "社区$", "村$"):
        short = short.str.replace(tail, "", regex=True)
    assert short[wrong.index].isin(short[short.duplicated()]).all()
    assert len(wrong) < 0.04 * len(names)


def test_villages_are_found_in_addresses_without_their_committee(names):
    """In an address stands 石桥村, in the list 石桥村村民委员会."""
    spoken = names["name"].str.replace(r"(村民委员会|村委会|居民委员会|居委会)$", "", regex=True)
    found = places.village_in_address("平度市" + names["town"] + spoken + "12号", as_villages(names))
    assert (found == names["village_code"]).mean() >= 0.98
    assert (found == "").mean() < 0.01


def test_a_town_is_not_taken_for_a_village_of_its_name(names, shared_data):
    (file,) = real(shared_data / "china_pingdu", "towns.csv")
    towns = pd.read_csv(file, dtype=str)
    ours = towns[towns["county_code"] == "370283"]
    assert (len(towns), len(ours)) == (43, 18)
    assert set(ours["town_code"]) == set(names["town_code"][names["county_code"] == "370283"])
    found = places.village_in_address("山东省平度市" + ours["town"], as_villages(names))
    assert (found == "").all()


@pytest.fixture
def pingdu(names, tmp_path):
    """The villages of Pingdu in a workspace; the list has no coordinates, so they stand on a lattice."""
    ws = workspace(tmp_path, PINGDU, "Asia/Shanghai")
    ours = names[names["county_code"] == "370283"].reset_index(drop=True)
    west, south, east, north = PINGDU
    side = int(np.ceil(np.sqrt(len(ours))))
    row, column = np.divmod(np.arange(len(ours)), side)
    table = pd.DataFrame({"村庄代码": ours["village_code"], "村名": ours["name"], "乡镇": ours["town"], "人口": 1000})
    table["经度"] = (west + (column + 0.5) / side * (east - west)).round(5)
    table["纬度"] = (south + (row + 0.5) / side * (north - south)).round(5)
    table.to_csv(tmp_path / "villages.csv", index=False)
    return ws, ours, import_files(ws, [tmp_path / "villages.csv"]).files[0]


def test_a_name_that_two_towns_bear_is_kept_twice_and_told(pingdu):
    ws, ours, report = pingdu
    twice = ours["name"].duplicated(keep=False)
    assert ours["name"][twice].tolist() == ["石桥村村民委员会"] * 2
    assert (report.rows_read, report.accepted) == (363, 363)
    assert report.problems == {"village_namesake": 2}
    assert report.examples["village_namesake"] == tuple(np.flatnonzero(twice) + FIRST_ROW)
    assert set(ws.read("villages")["village_id"]) == set(ours["village_code"]), "codes stay text"


def test_the_town_in_an_address_tells_two_villages_of_one_name_apart_and_nothing_else_is_guessed(pingdu, tmp_path):
    ws, ours, _ = pingdu
    twice = ours[ours["name"].duplicated(keep=False)]
    places_said = ["平度市" + town + "石桥村12号" for town in twice["town"]] + ["石桥村李某家", "石桥村"]
    frame = pd.DataFrame({"案发地址": places_said, "警情类别": "纠纷"})
    frame["报警时间"] = [f"2024-03-0{day} 10:1{day}" for day in range(1, 5)]
    frame.to_csv(tmp_path / "calls.csv", index=False)
    report = import_files(ws, [tmp_path / "calls.csv"]).files[0]
    found = ws.read("incidents").sort_values("source_row")["village_id"].tolist()
    assert found == [*twice["village_code"], "", ""]
    assert report.problems["village_ambiguous"] == 2
    assert report.examples["village_ambiguous"] == (4, 5)


@pytest.fixture(scope="module")
def outlines(shared_data):
    (file,) = real(shared_data / "china_pingdu", "counties_gcj02.parquet")
    return file, gpd.read_parquet(file)


def test_the_outline_of_the_web_maps_moves_by_half_a_kilometre_and_back(outlines):
    _, counties = outlines
    pingdu = counties.set_index("adcode").loc[counties.set_index("adcode").index.astype(str) == "370283"].geometry
    lon, lat = shapely.get_coordinates(pingdu.to_numpy()).T
    assert (lon.min().round(3), lon.max().round(3)) == (119.531, 120.326)
    assert (lat.min().round(3), lat.max().round(3)) == (36.472, 37.047)
    true_lon, true_lat = gcj02_to_wgs84(lon, lat)
    _, _, moved_m = pyproj.Geod(ellps="WGS84").inv(lon, lat, true_lon, true_lat)
    assert 400 < moved_m.min() < moved_m.max() < 560
    assert (true_lon < lon).all(), "the web maps move Shandong to the east"
    np.testing.assert_allclose(wgs84_to_gcj02(true_lon, true_lat), (lon, lat), rtol=0, atol=1e-9)


def test_an_outline_without_a_crs_is_refused_as_a_boundary(outlines, tmp_path):
    file, counties = outlines
    assert counties.crs is None
    with pytest.raises(CrsError, match=re.escape(file.name)) as refused:
        new_workspace(tmp_path / "ws", name="平度", boundary=file, where="adcode=370283")
    assert refused.value.key == "crs.absent"
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "ws").exists()
