"""The base map: every thing in its place, drawn once, and never more tiles than allowed."""

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from gis_data.workspace import Workspace
from views import basemap
from views.basemap import Label, TileSet

from .conftest import tiny_workspace
from .tiny_town import CRS, X, Y


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, TileSet]:
    ws = tiny_workspace(tmp_path_factory.mktemp("map") / "town")
    return ws, basemap.ensure_tiles(ws)


def test_a_village_that_has_ended_is_not_on_the_map(tmp_path: Path, monkeypatch):
    ws = tiny_workspace(tmp_path / "town")
    villages, last = ws.read("villages"), ws.read("incidents")["reported_at"].max()
    named: list[set[str]] = []

    def draw(
        study: object, tables: dict[str, gpd.GeoDataFrame], folder: Path, *, key: str, progress: object
    ) -> TileSet:
        named.append(set(tables["villages"]["name"]))
        folder.mkdir(parents=True)
        (folder / "map.json").write_text("{}")
        return TileSet(key, 0.0, 0.0, 0.0, 0.0, 12, 12, 0)

    monkeypatch.setattr(basemap, "draw_tiles", draw)
    first = basemap.ensure_tiles(ws).key
    villages.loc[villages["name"] == "西河", "valid_to"] = last + pd.Timedelta(days=1)
    ws.write({"villages": villages})
    standing = basemap.ensure_tiles(ws).key
    villages.loc[villages["name"] == "西河", "valid_to"] = last - pd.Timedelta(days=1)
    ws.write({"villages": villages})
    ended = basemap.ensure_tiles(ws).key
    assert [len(names) for names in named] == [6, 6, 5]
    assert "西河" not in named[-1]
    assert len({first, standing, ended}) == 3


def slippy(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """Tile numbers with fractions, after the formula that the OpenStreetMap wiki publishes."""
    n = 2**zoom
    return (lon + 180) / 360 * n, (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n


def colour_at(ws: Workspace, tiles: TileSet, x: float, y: float, zoom: int) -> tuple[int, int, int]:
    lon, lat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    column, row = slippy(lon, lat, zoom)
    path = ws.root / "tiles" / tiles.key / str(zoom) / str(int(column)) / f"{int(row)}.webp"
    if not path.is_file():
        return ImageColor.getrgb(basemap.PAPER)  # bare paper has no file
    tile = Image.open(path).convert("RGB")
    return tile.getpixel((int(column % 1 * tile.width), int(row % 1 * tile.height)))


def is_near(colour: tuple[int, int, int], wanted: str) -> bool:
    return (
        max(abs(a - b) for a, b in zip(colour, ImageColor.getrgb(wanted), strict=True)) <= 11
    )  # WebP is lossy; no two colours asked for here are closer


@pytest.mark.parametrize("zoom", [14, 16])
def test_things_are_drawn_where_the_published_tile_formula_puts_them(station, zoom):
    ws, tiles = station
    county, township = basemap.ROADS["county"], basemap.ROADS["township"]
    assert is_near(colour_at(ws, tiles, X + 5_600, Y + 2_000, zoom), county.core)
    assert is_near(colour_at(ws, tiles, X + 1_000, Y + 3_700, zoom), township.core)
    assert is_near(colour_at(ws, tiles, X + 2_000 - 25, Y + 700, zoom), basemap.WATER)
    assert is_near(colour_at(ws, tiles, X + 2_500, Y + 300, zoom), basemap.LAND["farmland"])
    assert is_near(colour_at(ws, tiles, X + 4_100, Y + 3_800, zoom), basemap.PAPER)


def test_a_house_is_drawn_only_when_one_is_near(station):
    ws, tiles = station
    centre = ws.read("villages").geometry.centroid[1]
    house = colour_at(ws, tiles, centre.x - 90 + 7, centre.y - 60 + 5, 16)
    assert is_near(house, basemap.BUILDING)


def test_all_zooms_of_the_set_have_tiles_and_none_is_left_out_inside(station):
    ws, tiles = station
    folder = ws.root / "tiles" / tiles.key
    drawn = {int(path.name) for path in folder.iterdir() if path.is_dir() and any(path.rglob("*.webp"))}
    assert drawn == set(range(tiles.min_zoom, tiles.max_zoom + 1))
    assert sum(1 for _ in folder.rglob("*.webp")) == tiles.tiles
    west, north = slippy(tiles.west, tiles.north, tiles.min_zoom)
    east, south = slippy(tiles.east, tiles.south, tiles.min_zoom)
    assert (east - west) * basemap.TILE_PX <= basemap.FIRST_VIEW_PX[0]
    assert (south - north) * basemap.TILE_PX <= basemap.FIRST_VIEW_PX[1]


def test_tiles_are_drawn_again_only_when_the_ground_changes(tmp_path, monkeypatch):
    ws = tiny_workspace(tmp_path / "town")
    first = basemap.ensure_tiles(ws)
    with monkeypatch.context() as patch:
        patch.setattr(basemap, "draw_tiles", lambda *_, **__: pytest.fail("nothing has changed"))
        assert basemap.ensure_tiles(ws) == first
        ws.write({"incidents": ws.read("incidents").iloc[:10]})
        assert basemap.ensure_tiles(ws) == first
    ws.write({"roads": ws.read("roads").iloc[1:]})
    second = basemap.ensure_tiles(ws)
    assert second.key != first.key
    assert basemap.current_tiles(ws.root) == second
    assert [path.name for path in (ws.root / "tiles").iterdir() if path.is_dir()] == [second.key]


def test_a_stop_in_the_middle_leaves_the_last_complete_tiles(tmp_path, monkeypatch):
    ws = tiny_workspace(tmp_path / "town")
    first = basemap.ensure_tiles(ws)
    ws.write({"roads": ws.read("roads").iloc[1:]})

    def stop(key: str, share: float) -> None:
        if share > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        basemap.ensure_tiles(ws, progress=stop)
    assert basemap.current_tiles(ws.root) == first
    assert basemap.ensure_tiles(ws).key != first.key


@given(width_km=st.floats(0.5, 500), height_km=st.floats(0.5, 500))
def test_a_city_never_gets_more_tiles_than_allowed(width_km, height_km):
    frame = (13_000_000.0, 4_000_000.0, 13_000_000 + width_km * 1_000, 4_000_000 + height_km * 1_000)
    zooms = basemap.zoom_levels(frame)
    ranges = [basemap._tile_range(frame, zoom) for zoom in zooms[1:]]
    assert zooms == list(range(zooms[0], zooms[-1] + 1))
    assert sum((east - west) * (south - north) for west, north, east, south in ranges) <= basemap.MOST_TILES


@given(places=st.lists(st.tuples(st.floats(0, 9_000), st.floats(0, 9_000)), max_size=25), zoom=st.integers(12, 16))
def test_names_never_cover_each_other(places, zoom):
    labels = tuple(
        Label(f"村{n}", 1e7 + x, 4e6 + y, n, 13, 400, "#000000", 12, dot=True) for n, (x, y) in enumerate(places)
    )
    metre_px = basemap.TILE_PX * 2**zoom / basemap.EARTH_M
    boxes = []
    for label, dx, dy in basemap._placed(labels, zoom, (1e7, 4e6, 1e7 + 9_000, 4e6 + 9_000)):
        height = basemap._size_px(label, zoom)
        width = basemap.pillow_font(height).getlength(label.text)
        x, y = label.x * metre_px + dx, -label.y * metre_px + dy
        boxes.append(shapely.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    assert all(not a.intersects(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_a_name_at_the_towns_edge_stands_on_the_side_that_is_in_sight():
    town = (1e7, 4e6, 1e7 + 9_000, 4e6 + 9_000)
    east, north = (Label("前彭家庄村", *at, n, 13, 400, "#000000", 12, dot=True)
                   for n, at in enumerate([(1e7 + 8_900, 4e6 + 4_000), (1e7 + 4_000, 4e6 + 8_990)]))  # fmt: skip
    placed = {label: (dx, dy) for label, dx, dy in basemap._placed((east, north), 13, town)}
    assert placed[east][0] < 0
    assert placed[north][1] > 0
    assert basemap._placed((east,), 13, (1e7, 4e6, 1e7 + 90_000, 4e6 + 9_000))[0][1:] == (
        0.0,
        pytest.approx(-12, abs=3),
    )


def test_a_villages_sign_stands_at_its_centre_or_inside_it():
    areas = [shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)]
    villages = gpd.GeoDataFrame({"centre_x": [9.0, np.nan], "centre_y": [1.0, np.nan]}, geometry=areas, crs=3857)
    first, second = basemap.village_points(villages)
    assert (first.x, first.y) == (9.0, 1.0)
    assert second.within(areas[1])


def test_bare_paper_needs_no_file(tmp_path: Path):
    bare, drawn = Image.new("RGB", (256, 256), basemap.PAPER), Image.new("RGB", (256, 256), basemap.PAPER)
    drawn.putpixel((3, 3), (0, 0, 0))
    assert basemap._save((bare, tmp_path / "a.webp")) == 0
    assert basemap._save((drawn, tmp_path / "b.webp")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.webp"]
