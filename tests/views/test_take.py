"""Every page is taken away by one menu: its tables, its map, its sheet; each file opens, and none says too much."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from PIL import Image

from analysis.gi_star import gi_star_cells
from gis_data import acting
from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.study import WGS84
from gis_data.taxonomy import drives_allocation, with_point
from gis_data.workspace import Workspace
from views.downloads import Download
from views.maps.cells import Cells
from views.maps.corrections import _Moves
from views.maps.layers import Signs
from views.pages import frame
from views.station import open_station
from views.village_card import card_of
from views.village_words import count_line

from .test_pages import shown

TABLES, MAP, SHEET = {"xlsx", "csv"}, {"png", "gpkg"}, {"pdf"}
PAGES = {  # page and query -> what it can be taken away as
    ("today", ""): TABLES | MAP | SHEET,
    ("data", ""): TABLES | MAP | SHEET,
    ("map", ""): TABLES | MAP,
    ("map", "mode=two"): TABLES | MAP,
    ("patterns", ""): TABLES | MAP | SHEET,
    ("patterns", "part=changed"): TABLES | SHEET,
    ("hotspots", ""): TABLES | MAP,
    ("zones", ""): TABLES | MAP | SHEET,
    ("scorecard", ""): TABLES | {"gpkg"} | SHEET,
    ("cameras", ""): TABLES | MAP | SHEET | {"geojson"},
    ("cameras", "village=V5"): TABLES | MAP | SHEET | {"geojson"},
    ("villages", ""): TABLES | MAP | SHEET,
    ("plans", ""): TABLES,
    ("plans", "tab=log"): TABLES,
    ("settings", ""): TABLES,
    ("print", ""): SHEET,
}
OF_THE_TOWN = {
    ("beats", ""): TABLES | MAP | SHEET,
    ("adjust", ""): TABLES | {"gpkg", "pdf"},
    ("edit", ""): TABLES | MAP,
    ("edit", "mode=checkpoints"): TABLES | MAP,
}


@pytest.fixture
def taken(monkeypatch) -> Callable[..., list[Download]]:
    """Open a page and return what it offers."""

    def offered(station: Path, name: str, query: str) -> list[Download]:
        found: list[Download] = []
        monkeypatch.setattr(frame, "download", lambda _, one, **__: found.append(one))
        shown(station, name, **dict(part.split("=") for part in query.split("&") if part))
        return found

    return offered


def kinds(offers: list[Download]) -> set[str]:
    """Return the kinds of files, tables as CSV counted alike in one file or in an archive of them."""
    endings = {one.file.rpartition(".")[2] for one in offers}
    return (endings - {"zip"}) | ({"csv"} if "zip" in endings else set())


def check(one: Download, folder: Path) -> None:
    """Open a file as the program does that it is made for."""
    data, ending = one.make(), one.file.rpartition(".")[2]
    if ending == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(data))
        assert all(sheet.max_row > 1 for sheet in book.worksheets[:1]), one.file
    elif ending == "csv":
        check_csv(data)
    elif ending == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert len(archive.namelist()) > 1
            for name in archive.namelist():
                check_csv(archive.read(name))
    elif ending == "png":
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
        assert len(np.unique(pixels)) > 5, one.file
    elif ending == "gpkg":
        path = folder / "map.gpkg"
        path.write_bytes(data)
        layers = gpd.list_layers(path)["name"]
        assert len(layers)
        assert all(len(gpd.read_file(path, layer=layer)) for layer in layers), one.file
    else:
        assert data.startswith({"pdf": b"%PDF", "geojson": b"{"}[ending]), one.file


def check_csv(data: bytes) -> None:
    assert data.startswith(b"\xef\xbb\xbf")
    assert len(pd.read_csv(io.BytesIO(data)))


@pytest.mark.parametrize(("name", "query"), PAGES)
def test_every_page_is_taken_away_and_every_file_opens(tiny_station, taken, tmp_path, name, query):
    offers = taken(tiny_station, name, query)
    assert kinds(offers) == PAGES[name, query]
    assert len({one.file for one in offers}) == len(offers)
    for one in offers:
        check(one, tmp_path)


@pytest.mark.parametrize(("name", "query"), OF_THE_TOWN)
def test_beats_and_edits_are_taken_away_and_every_file_opens(planned_town, taken, tmp_path, name, query):
    offers = taken(planned_town, name, query)
    assert kinds(offers) == OF_THE_TOWN[name, query]
    for one in offers:
        if not one.file.endswith(".pdf"):  # the town's sheets are opened where all products are printed
            check(one, tmp_path)


CARDS = [("today", ""), ("data", ""), ("map", ""), ("patterns", ""), ("hotspots", ""), ("zones", ""), ("cameras", ""),
         ("cameras", "village=V5"), ("villages", "village=V5")]  # fmt: skip


@pytest.mark.parametrize(("name", "query"), CARDS)
def test_whatever_can_be_clicked_on_a_map_answers_with_numbers(tiny_station, monkeypatch, name, query):
    check_cards(tiny_station, monkeypatch, name, query)


def test_whatever_can_be_clicked_on_the_map_of_beats_answers_with_numbers(planned_town, monkeypatch):
    check_cards(planned_town, monkeypatch, "beats", "")


def check_cards(station: Path, monkeypatch, name: str, query: str) -> None:
    cards = list(cards_of(map_of(station, monkeypatch, name, query)))
    assert cards
    assert [card for card in cards if not re.search(r"<b>.+</b>", card) or not re.search(r"\d", card)] == []
    assert any("xq-because" in card for card in cards)


def map_of(station: Path, monkeypatch, name: str, query: str) -> folium.Map:
    drawn = {}
    monkeypatch.setattr(frame, "take", lambda *_, maps=None, **__: drawn.update(maps or {}))
    shown(station, name, **dict(part.split("=") for part in query.split("&") if part))
    return drawn[""]()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_cell_of_the_patterns_map_says_why_it_is_hot_or_what_it_lacks(planned_town, monkeypatch, lang):
    """With the numbers of the functions, in one sentence for each cell of the town."""
    ws = Workspace.open(planned_town)
    cells, points = ws.read("cells"), with_point(drives_allocation(ws.read("incidents")))
    wanted = gi_star_cells(points, cells)
    with speaking(lang):
        (layer,) = [one for one in map_of(planned_town, monkeypatch, "patterns", "")._children.values()
                    if isinstance(one, Cells)]  # fmt: skip
        cards = layer.cards()
        assert len(cards) == len(cells)
        for at in (0, 700, int(wanted["around_count"].argmax())):
            row, name = wanted.iloc[at], text("page.patterns.column.cell")
            assert f"<b>{name} {row['cell_id']}</b>" in cards[at]
            q = "&lt;0.001" if row["q_hot"] < 0.0005 else f"{row['q_hot']:.3f}"
            said = text(f"page.patterns.why_{row['verdict']}", cells=row["around_cells"], around=row["around_count"],
                        q=q, fewest="@").partition("@")[0]  # fmt: skip
            assert said in cards[at]
    whole = gpd.points_from_xy([row[1] for row in layer.options["rows"]], [row[0] for row in layer.options["rows"]])
    inside = gpd.GeoSeries(whole, crs=WGS84).to_crs(ws.study.crs)
    squares = np.isclose(cells.area, ws.study.settings.cell_size_m**2)  # the boundary cuts no part off these
    assert inside[squares].distance(cells.geometry.centroid[squares], align=False).max() < 0.2


def test_a_villages_ring_says_its_count_what_is_expected_and_leads_to_its_page(tiny_station, monkeypatch):
    station = open_station(tiny_station)
    card = card_of("V5", station.study, station.table, {})
    (words,) = [one for one in cards_of(map_of(tiny_station, monkeypatch, "today", "")) if "village=V5" in one]
    assert f"{card.counted.count} ({card.counted.low:.0f}–{card.counted.high:.0f})" in words
    assert f"{card.counted.expected:.1f}" in words
    assert count_line(card.counted) in words
    assert text(f"page.villages.side.{card.counted.side}") in words


def cards_of(parent) -> Iterator[str]:
    """Yield what the card shows for each shape and sign of a map that catches the mouse."""
    for child in parent._children.values():
        if isinstance(child, folium.GeoJson) and child.options.get("interactive"):
            assert child.on_each_feature is not None
            for feature in child.data["features"]:
                yield feature["properties"]["tip"] + feature["properties"]["more"]
        elif isinstance(child, Cells):
            yield from child.cards()
        elif isinstance(child, _Moves):
            yield from (tip + more for *_, tip, more in child.moves)
        elif isinstance(child, Signs):
            yield from (tip + more for _, _, _, tip, more in child.rows)
        else:
            yield from cards_of(child)


def test_a_page_without_plans_or_records_offers_nothing_it_does_not_have(empty_station, unplanned_station, taken):
    for name in ("zones", "hotspots", "cameras", "beats", "scorecard", "adjust", "edit"):
        assert taken(unplanned_station, name, "") == []
    assert taken(empty_station, "data", "") == []
    assert taken(unplanned_station, "patterns", "") == []
    hours = taken(unplanned_station, "patterns", "part=when")
    assert kinds(hours) == TABLES  # no cells yet: no map, and no zones to print by


def test_what_a_viewer_takes_away_holds_no_exact_point(tiny_station, taken, tmp_path, monkeypatch):
    """Points and ends of lines in the layers are no places that a file brought."""
    exact = Workspace.open(tiny_station)
    written = exact.read("corrections")[["from_lon", "from_lat"]].to_numpy()
    known = {tuple(place) for place in np.round(written, 4)} | ends_of(exact.read("incidents").to_crs(WGS84))
    found: dict[str, bool] = {}
    for role, guarded in (("station", ""), ("viewer", "1")):
        monkeypatch.setenv(acting.GUARDED, guarded)  # who has not said who acts may only look
        for name in ("data", "map", "patterns", "villages"):
            for one in taken(tiny_station, name, ""):
                if one.file.endswith(".gpkg"):
                    path = tmp_path / f"{name}.gpkg"
                    path.write_bytes(one.make())
                    layers = [gpd.read_file(path, layer=layer) for layer in gpd.list_layers(path)["name"]]
                    found[f"{role} {name}"] = any(known & ends_of(layer.to_crs(WGS84)) for layer in layers)
    assert len(found) == 8
    assert found.pop("station data")  # the test can see an exact point
    assert not any(found.values())


def ends_of(layer: gpd.GeoDataFrame) -> set[tuple[float, float]]:
    """Return the places that points and the ends of lines of a layer give away, to about ten metres."""
    simple = layer.geometry[layer.geom_type.isin(["Point", "LineString"])]
    return {tuple(place) for place in np.round(shapely.get_coordinates(simple.to_numpy()), 4)}
