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
from views.basemap import look, names, tiles
from views.basemap.names import Label
from views.basemap.tiles import TileSet

from .conftest import tiny_workspace
from .tiny_town import CRS, X, Y


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, TileSet]:
    ws = tiny_workspace(tmp_path_factory.mktemp("map") / "town")
    return ws, tiles.ensure_tiles(ws)


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

    monkeypatch.setattr(tiles, "draw_tiles", draw)
    first = tiles.ensure_tiles(ws).key
    villages.loc[villages["name"] == "西河", "valid_to"] = last + pd.Timedelta(days=1)
    ws.write({"villages": villages})
    standing = tiles.ensure_tiles(ws).key
    villages.loc[villages["name"] == "西河", "valid_to"] = last - pd.Timedelta(days=1)
    ws.write({"villages": villages})
    ended = tiles.ensure_tiles(ws).key
    assert [len(names) for names in named] == [6, 6, 5]
    assert "西河" not in named[-1]
    assert len({first, standing, ended}) == 3


def slippy(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """Tile numbers with fractions, after the formula that the OpenStreetMap wiki publishes."""
    n = 2**zoom
    return (lon + 180) / 360 * n, (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n


def colour_at(ws: Workspace, drawn: TileSet, x: float, y: float, zoom: int) -> tuple[int, int, int]:
    lon, lat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    column, row = slippy(lon, lat, zoom)
    path = ws.root / "tiles" / drawn.key / str(zoom) / str(int(column)) / f"{int(row)}.webp"
    if not path.is_file():
        return ImageColor.getrgb(look.PAPER)  # bare paper has no file
    tile = Image.open(path).convert("RGB")
    return tile.getpixel((int(column % 1 * tile.width), int(row % 1 * tile.height)))


def is_near(colour: tuple[int, int, int], wanted: str) -> bool:
    return (
        max(abs(a - b) for a, b in zip(colour, ImageColor.getrgb(wanted), strict=True)) <= 11
    )  # WebP is lossy; no two colours asked for here are closer


@pytest.mark.parametrize("zoom", [14, 16])
def test_things_are_drawn_where_the_published_tile_formula_puts_them(station, zoom):
    ws, drawn = station
    county, township = look.ROADS["county"], look.ROADS["township"]
    assert is_near(colour_at(ws, drawn, X + 5_600, Y + 2_000, zoom), county.core)
    assert is_near(colour_at(ws, drawn, X + 1_000, Y + 3_700, zoom), township.core)
    assert is_near(colour_at(ws, drawn, X + 2_000 - 25, Y + 700, zoom), look.WATER)
    assert is_near(colour_at(ws, drawn, X + 2_500, Y + 300, zoom), look.LAND["farmland"])
    assert is_near(colour_at(ws, drawn, X + 4_100, Y + 3_800, zoom), look.PAPER)


def test_a_house_is_drawn_only_when_one_is_near(station):
    ws, drawn = station
    centre = ws.read("villages").geometry.centroid[1]
    house = colour_at(ws, drawn, centre.x - 90 + 7, centre.y - 60 + 5, 16)
    assert is_near(house, look.BUILDING)


def test_all_zooms_of_the_set_have_tiles_and_none_is_left_out_inside(station):
    ws, drawn = station
    folder = ws.root / "tiles" / drawn.key
    seen = {int(path.name) for path in folder.iterdir() if path.is_dir() and any(path.rglob("*.webp"))}
    assert seen == set(range(drawn.min_zoom, drawn.max_zoom + 1))
    assert sum(1 for _ in folder.rglob("*.webp")) == drawn.tiles
    west, north = slippy(drawn.west, drawn.north, drawn.min_zoom)
    east, south = slippy(drawn.east, drawn.south, drawn.min_zoom)
    assert (east - west) * look.TILE_PX <= tiles.FIRST_VIEW_PX[0]
    assert (south - north) * look.TILE_PX <= tiles.FIRST_VIEW_PX[1]


def test_tiles_are_drawn_again_only_when_the_ground_changes(tmp_path, monkeypatch):
    ws = tiny_workspace(tmp_path / "town")
    first = tiles.ensure_tiles(ws)
    with monkeypatch.context() as patch:
        patch.setattr(tiles, "draw_tiles", lambda *_, **__: pytest.fail("nothing has changed"))
        assert tiles.ensure_tiles(ws) == first
        ws.write({"incidents": ws.read("incidents").iloc[:10]})
        assert tiles.ensure_tiles(ws) == first
    ws.write({"roads": ws.read("roads").iloc[1:]})
    second = tiles.ensure_tiles(ws)
    assert second.key != first.key
    assert tiles.current_tiles(ws.root) == second
    assert [path.name for path in (ws.root / "tiles").iterdir() if path.is_dir()] == [second.key]


def test_a_stop_in_the_middle_leaves_the_last_complete_tiles(tmp_path, monkeypatch):
    ws = tiny_workspace(tmp_path / "town")
    first = tiles.ensure_tiles(ws)
    ws.write({"roads": ws.read("roads").iloc[1:]})

    def stop(key: str, share: float) -> None:
        if share > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiles.ensure_tiles(ws, progress=stop)
    assert tiles.current_tiles(ws.root) == first
    assert tiles.ensure_tiles(ws).key != first.key


@given(width_km=st.floats(0.5, 500), height_km=st.floats(0.5, 500))
def test_a_city_never_gets_more_tiles_than_allowed(width_km, height_km):
    frame = (13_000_000.0, 4_000_000.0, 13_000_000 + width_km * 1_000, 4_000_000 + height_km * 1_000)
    zooms = tiles.zoom_levels(frame)
    ranges = [tiles._tile_range(frame, zoom) for zoom in zooms[1:]]
    assert zooms == list(range(zooms[0], zooms[-1] + 1))
    assert sum((east - west) * (south - north) for west, north, east, south in ranges) <= tiles.MOST_TILES


@given(places=st.lists(st.tuples(st.floats(0, 9_000), st.floats(0, 9_000)), max_size=25), zoom=st.integers(12, 16))
def test_names_never_cover_each_other(places, zoom):
    labels = tuple(
        Label(f"村{n}", 1e7 + x, 4e6 + y, n, 13, 400, "#000000", 12, dot=True) for n, (x, y) in enumerate(places)
    )
    metre_px = look.TILE_PX * 2**zoom / look.EARTH_M
    boxes = []
    for label, dx, dy in names.placed_names(labels, zoom, (1e7, 4e6, 1e7 + 9_000, 4e6 + 9_000)):
        height = names.size_px(label, zoom)
        width = names.pillow_font(height).getlength(label.text)
        x, y = label.x * metre_px + dx, -label.y * metre_px + dy
        boxes.append(shapely.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    assert all(not a.intersects(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_a_name_at_the_towns_edge_stands_on_the_side_that_is_in_sight():
    town = (1e7, 4e6, 1e7 + 9_000, 4e6 + 9_000)
    east, north = (Label("前彭家庄村", *at, n, 13, 400, "#000000", 12, dot=True)
                   for n, at in enumerate([(1e7 + 8_900, 4e6 + 4_000), (1e7 + 4_000, 4e6 + 8_990)]))  # fmt: skip
    placed = {label: (dx, dy) for label, dx, dy in names.placed_names((east, north), 13, town)}
    assert placed[east][0] < 0
    assert placed[north][1] > 0
    assert names.placed_names((east,), 13, (1e7, 4e6, 1e7 + 90_000, 4e6 + 9_000))[0][1:] == (
        0.0,
        pytest.approx(-12, abs=3),
    )


def test_a_villages_sign_stands_at_its_centre_or_inside_it():
    areas = [shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)]
    villages = gpd.GeoDataFrame({"centre_x": [9.0, np.nan], "centre_y": [1.0, np.nan]}, geometry=areas, crs=3857)
    first, second = names.village_points(villages)
    assert (first.x, first.y) == (9.0, 1.0)
    assert second.within(areas[1])


def test_bare_paper_needs_no_file(tmp_path: Path):
    bare, drawn = Image.new("RGB", (256, 256), look.PAPER), Image.new("RGB", (256, 256), look.PAPER)
    drawn.putpixel((3, 3), (0, 0, 0))
    assert tiles._save((bare, tmp_path / "a.webp")) == 0
    assert tiles._save((drawn, tmp_path / "b.webp")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.webp"]
