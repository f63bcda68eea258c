"""What a page is taken away as: the picture shows what the screen shows, files open elsewhere, incidents stay here."""

import io
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from PIL import Image

from gis_data.workspace import Workspace
from models.store import load_plans
from views.downloads import layers_gpkg, tables_xlsx
from views.maps.frame import finished, town_map
from views.maps.incidents import incident_row
from views.maps.layers import shape_layer
from views.maps.picture import as_png
from views.maps.zones import zone_map

from .tiny_town import CRS, X, Y, study


def picture(town) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(as_png(town, None, Path()))).convert("RGB")).astype(int)


def near(pixels: np.ndarray, colour: tuple[int, int, int], *, within: int = 6) -> np.ndarray:
    return np.abs(pixels - np.array(colour)).max(axis=2) <= within


def test_a_shape_is_drawn_where_it_lies_and_as_large_as_it_is():
    """A red square over the east half of the study's bounds fills the right half of the picture of the town."""
    town = town_map(study(), None)
    west, south, east, north = study().boundary.bounds
    half = gpd.GeoDataFrame(geometry=[shapely.box((west + east) / 2, south, east, north)], crs=CRS)
    style = {"stroke": False, "fillColor": "#ff0000", "fillOpacity": 1.0}
    shape_layer(half, style).add_to(town)
    red = near(picture(finished(town, [])), (255, 0, 0))
    rows, columns = np.nonzero(red)
    assert red.sum() / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1)) > 0.97  # a filled box
    assert (np.ptp(columns) + 1) / (np.ptp(rows) + 1) == pytest.approx((east - west) / 2 / (north - south), rel=0.03)


def test_incidents_stand_on_the_picture_and_hidden_layers_do_not():
    points = gpd.GeoDataFrame(
        {"count": 1, "reported_at": pd.to_datetime(["2024-01-01"] * 2).tz_localize("Asia/Shanghai")},
        geometry=gpd.points_from_xy([X + 1_000, X + 5_000], [Y + 1_000, Y + 3_000]), crs=CRS,
    )  # fmt: skip
    without = picture(finished(town_map(study(), None), []))
    town = town_map(study(), None)
    incident_row(town, points)
    box = gpd.GeoDataFrame(geometry=[study().boundary], crs=CRS)
    shape_layer(box, {"fillColor": "#00ff00", "fillOpacity": 1.0}, show=False).add_to(town)
    with_points = picture(finished(town, []))
    changed = np.abs(with_points[:, : without.shape[1]] - without).max(axis=2) > 20
    assert 20 < changed.sum() < 0.01 * changed.size


def test_tables_open_as_a_spreadsheet_and_layers_as_a_geopackage_without_incidents(tiny_station, tmp_path):
    ws = Workspace.open(tiny_station)
    plans = load_plans(ws)
    book = openpyxl.load_workbook(
        io.BytesIO(tables_xlsx({"巡区/区": pd.DataFrame({"名": ["=1+1"], "数": [2]})}, ws.study))
    )
    assert [[cell.value for cell in row] for row in book["巡区 区"]] == [["名", "数"], ["=1+1", 2]]
    path = tmp_path / "map.gpkg"
    path.write_bytes(
        layers_gpkg({"zones": plans["zones"].to_frame(), "units": plans["zones"].tables["units"]}, ws.study)
    )
    assert set(gpd.list_layers(path)["name"]) == {"zones", "units"}
    zones = gpd.read_file(path, layer="zones")
    assert zones.crs == CRS
    assert zones.geometry.area.sum() == pytest.approx(plans["zones"].to_frame().geometry.area.sum())


def test_the_map_of_zones_becomes_a_picture_with_its_legend(tiny_station):
    ws = Workspace.open(tiny_station)
    plans = load_plans(ws)
    tables = {name: ws.read(name) for name in ("villages", "barriers")}
    pixels = picture(zone_map(ws.study, plans["zones"], plans["scorecard"].to_frame(), tables, None))
    assert pixels.shape[1] > 1_200
    assert near(pixels, (0x77, 0xAA, 0xDD), within=60).sum() > 10_000  # the first zone's colour over paper
    assert (pixels[:, -200:] < 120).any()  # words of the legend
