"""The map book, read back: every sheet true to scale on both papers, bookmarks, contents, squares, turned zones."""

import itertools
import re
from dataclasses import replace
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pdfplumber
import pypdfium2
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.distance import pdist

from gis_data.catalogue import text
from gis_data.errors import InfeasibleError
from gis_data.settings import PrintSettings, Settings
from gis_data.workspace import Workspace
from models.plan import Plan
from models.recent import recent_of
from models.store import load_plans
from views.sheets import binding, frame, map_book
from views.sheets.book_index import Index
from views.sheets.content import Columns, Table, TextPage, Words, write_sheets
from views.sheets.desk import Desk
from views.sheets.frame import MapWindow, fit
from views.sheets.imprint import plan_id
from views.sheets.index_grid import square, squares
from views.sheets.map_book import write_map_book

from .paper import PT_PER_MM, boxes_of, code_on, marks_on, said, scale_of, village_marks, words_of
from .test_sheets import DAY, small_ground, small_plans, study_of

PAPER_MM = {"A4": {210, 297}, "A3": {297, 420}}


@pytest.fixture(scope="module")
def town(planned_town):
    ws = Workspace.open(planned_town)
    return ws, load_plans(ws)


@pytest.fixture(scope="module", params=["A4", "A3"])
def book(planned_town, request):
    """The sample town's book, printed with the town."""
    with pypdfium2.PdfDocument(planned_town / "out" / f"巡区图册_{request.param}.pdf") as pages:
        yield request.param, pages


def test_every_map_of_the_book_is_true_to_scale_and_legible(book, town):
    paper, pages = book
    ws, plans = town
    units = plans["zones"].tables["units"].set_index("unit_id")["zone_id"]
    villages = ws.read("villages")
    zones = ["", *plans["zones"].to_frame()["zone_id"]]
    assert len(pages) == 2 * len(zones)
    for zone, page in zip(zones, itertools.islice(pages, 0, None, 2), strict=True):
        words = page.get_textpage()
        scale = int(re.search(r"比例尺\s*1:([\d,]+)", words.get_text_range()).group(1).replace(",", ""))
        assert {round(page.get_width() / PT_PER_MM), round(page.get_height() / PT_PER_MM)} == PAPER_MM[paper]
        mine = villages if not zone else villages[villages["village_id"].map(units) == zone]
        truth = np.sort(pdist(mine[["centre_x", "centre_y"]].to_numpy())) * 1000 / scale
        drawn = np.sort(pdist(marks_on(page)))
        assert np.abs(drawn - truth).max() < np.maximum(0.2, truth / 100 * 0.2).min(), "0.2 mm over 10 cm"
        boxes = boxes_of(words, list(villages["name"]))
        assert all(boxes[name] for name in mine["name"]) or not zone
        every = [shapely.box(*box) for found in boxes.values() for box in found]
        assert not any(a.intersection(b).area > 0.01 for a, b in itertools.combinations(every, 2))


def test_the_book_has_bookmarks_contents_and_both_numbers_on_every_page(book, town):
    _, pages = book
    ws, plans = town
    zones = list(plans["zones"].to_frame()["zone_id"])
    marks = [(mark.level, mark.get_title(), mark.get_dest().get_index()) for mark in pages.get_toc()]
    leaves = [
        (level, f"禾川镇巡区{kind} {zone}", 2 + 2 * k + level)
        for k, zone in enumerate(zones)
        for level, kind in ((0, "图"), (1, "卡"))
    ]
    assert marks == [(0, "禾川镇总图", 0), (0, "图册目录", 1), *leaves]
    number = plan_id(plans["zones"])
    said = [page.get_textpage().get_text_range().replace(" ", "") for page in pages]
    for k, words in enumerate(said, start=1):
        for expected in (f"第{k}页，共{len(pages)}页", "内部资料注意保管", "合成数据，非真实警情", f"计划编号{number}"):
            assert expected in words, (k, expected)
    for k, zone in enumerate(zones):
        scale = re.search(r"比例尺(1:[\d,]+)", said[2 + 2 * k]).group(1)
        assert f"{zone}{scale}{3 + 2 * k}\r" in said[1], zone
    assert all(name in said[1] for name in ws.read("villages")["name"])


def test_the_code_of_the_book_says_its_plan_and_a_line_of_the_log(book, town, planned_town):
    with pdfplumber.open(planned_town / "out" / f"巡区图册_{book[0]}.pdf") as again:
        name, number, audit = code_on(again.pages[1], is_map=False).split()
    assert (name, number) == ("XUNQU", plan_id(town[1]["zones"]).upper())
    assert f'"previous": "{audit.lower()}' in (planned_town / "audit.jsonl").read_text(encoding="utf-8")
    assert (planned_town / "out" / f"巡区图册_{book[0]}.pdf").stat().st_size < 10_000_000


def test_each_card_says_the_last_28_days_as_they_are_counted(book, town):
    _, pages = book
    ws, plans = town
    units = plans["zones"].tables["units"].set_index("unit_id")["zone_id"]
    recent = recent_of(ws.read("incidents"), plans["zones"].to_frame(), units)
    for page, zone in zip(itertools.islice(pages, 3, None, 2), plans["zones"].to_frame()["zone_id"], strict=True):
        words = re.sub(r"\s", "", page.get_textpage().get_text_range())
        assert f"近28天居民报警（{recent.period}）".replace(" ", "") in words
        total = recent.hours.set_index("zone_id").loc[zone, "count"]
        assert f"合计{total:.0f}" in words
        for name in recent.few.loc[recent.few["zone_id"] == zone, "type"]:
            assert text(f"type.{name}") in words


# ---- binding ----


def test_a_leaf_that_flows_on_keeps_every_number_of_the_contents_right(tmp_path):
    """Twenty leaves, three lots; the seventh back takes two pages, so that a blank one follows it."""
    ground, lots = small_ground()
    plans = small_plans(lots)
    desk = desk_of(ground, plans, study_of(lots))
    front, _ = map_book.leaf(desk, "Z1")
    long = Table(("a",), tuple((f"第{k}行",) for k in range(90)))
    imprint = desk.imprint("zones")

    def leaves():
        for k in range(20):
            rows = (long, long) if k == 6 else (Words(f"卡{k}"),)
            yield replace(front, title=f"图{k}", anchor=f"zone-{k}")
            yield TextPage(f"卡{k}", rows, fit=True, level=2)

    finished = list(binding.bound(imprint, leaves()))
    numbers = map_book._numbers(finished, before=1)
    write_sheets(imprint, "x", [TextPage("目录", (Words("x"),)), *finished], tmp_path / "book.pdf")
    with pypdfium2.PdfDocument(tmp_path / "book.pdf") as pages:
        said = [page.get_textpage().get_text_range() for page in pages]
        marks = [mark.get_title() for mark in pages.get_toc()]
    parts = sum(page.further for page in finished)
    assert parts >= 1
    assert len(said) == numbers["zone-19"] + 1
    for k in range(20):
        number = numbers[f"zone-{k}"]
        assert number % 2 == 1
        assert f"图{k}" in said[number - 1]
        assert f"第 {number} 页，共 {len(said)} 页" in said[number - 1]
    assert numbers["zone-7"] - numbers["zone-6"] == 2 + parts + (parts % 2)
    assert marks == ["目录", *(f"{kind}{k}" for k in range(20) for kind in "图卡")]


def test_the_contents_of_a_city_fill_pages_without_flowing_on():
    index = Index("城", "A4")
    for zone in range(40):
        index.enter(f"Z{zone}", 25_000, [(f"东小马家庄村{k}", "B6") for k in range(12)])
    pages = index.pages({f"zone-Z{zone}": 5 + 2 * zone for zone in range(40)})
    rows = [row for page in pages for block in page.blocks if isinstance(block, Columns)
            for (table,) in block.groups for row in table.rows]  # fmt: skip
    assert sum(len(row) == 4 for row in rows) == 480
    assert [row[2] for row in rows if row[0] == "Z39"] == ["@page:zone-Z39 83"]
    ground, lots = small_ground()
    assert (
        binding.page_count(desk_of(ground, small_plans(lots), study_of(lots)).imprint("zones"), pages)
        == len(pages)
        == 4
    )


# ---- squares, turned maps, chosen scales ----

windows = st.builds(
    MapWindow,
    scale=st.sampled_from(frame.SCALES),
    x=st.floats(-1e5, 1e6),
    y=st.floats(1e6, 5e6),
    frame=st.builds(frame.Box, st.just(8), st.just(19), st.floats(120, 380), st.floats(120, 380)),
    turn_deg=st.sampled_from([0.0, 0.0, 33.0, -71.0]),
)


@given(windows)
def test_the_middle_of_a_square_is_in_that_square(window):
    named = squares(window)
    letters = [(name, x) for name, x, _ in named if name.isalpha()]
    numbers = [(name, y) for name, _, y in named if name.isdigit()]
    assert [x for _, x in letters] == sorted(x for _, x in letters)
    assert [int(name) for name, _ in numbers] == list(range(1, len(numbers) + 1))
    for (letter, x), (number, y) in itertools.product(letters, numbers):
        assert square(window, shapely.Point(x, y)) == letter + number


@given(windows, st.tuples(st.floats(-900, 900), st.floats(-900, 900)))
def test_a_turned_map_keeps_lengths_and_turns_north_as_its_arrow(window, away):
    here, there = shapely.Point(window.x, window.y), shapely.Point(window.x + away[0], window.y + away[1])
    paper = window.to_paper(np.array([here, there, shapely.Point(window.x, window.y + 1000)]))
    assert paper[0].distance(paper[1]) == pytest.approx(np.hypot(*away) * 1000 / window.scale, abs=1e-6)
    assert (paper[0].x, paper[0].y) == pytest.approx((window.frame.width / 2, window.frame.height / 2), abs=1e-6)
    north = np.degrees(np.arctan2(paper[2].x - paper[0].x, paper[0].y - paper[2].y))  # clockwise from up
    assert north == pytest.approx(-window.turn_deg, abs=1e-6)
    west, south, east, bound = window.ground
    corners = window.to_paper(shapely.box(west, south, east, bound))
    sheet = shapely.box(0, 0, window.frame.width, window.frame.height)
    assert corners.buffer(1e-6).contains(sheet)


def test_a_long_slanting_zone_is_turned_and_stays_true(tmp_path):
    """A lot of 1 × 9 km at 45 degrees: upright 1:40,000 on A4, turned 1:40,000 at most; the drawn distances decide."""
    slanting = shapely.affinity.rotate(shapely.box(0, 0, 1_000, 6_500), -40, origin=(0, 0))
    layout, window = fit(slanting)
    upright = min(one for one in frame.SCALES if any(
        frame._fits(slanting.bounds, form.map, one) for form in frame.LAYOUTS["A4"]))  # fmt: skip
    assert window.scale < upright
    assert abs(window.turn_deg) <= 90
    inside = window.to_paper(slanting).bounds
    assert min(inside[:2]) >= 3.99
    assert inside[2] <= layout.map.width - 3.99
    assert inside[3] <= layout.map.height - 3.99


def test_a_chosen_scale_is_used_or_said_to_be_too_large():
    area = shapely.box(0, 0, 3_000, 3_000)
    assert fit(area, scale=50_000)[1].scale == 50_000
    assert fit(area)[1].scale == 25_000
    with pytest.raises(InfeasibleError, match=r"3\.0 × 3\.0 公里按 1:10,000 放不进 A4：请用更大的纸"):
        fit(area, scale=10_000)


# ---- odd towns ----


def desk_of(ground, plans, study, tables=None):
    known = ground | {"incidents": ground["villages"][:0]} | (tables or {})
    ws = SimpleNamespace(study=study, read=lambda name: known[name])
    return Desk(ws, plans, "ab" * 32, DAY)


def slanted(ground, lots, degrees):
    """The same little town, turned about its corner."""
    middle = shapely.union_all(lots).centroid
    turn = [shapely.affinity.rotate(lot, degrees, origin=middle) for lot in lots]
    tables = {}
    for name, table in ground.items():
        shapes = [shapely.affinity.rotate(shape, degrees, origin=middle) for shape in table.geometry]
        tables[name] = table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs))
    centres = tables["villages"].geometry
    tables["villages"] = tables["villages"].assign(centre_x=centres.x, centre_y=centres.y)
    return tables, turn


def test_a_book_of_slanting_zones_measures_on_paper_what_its_scale_says(tmp_path):
    ground, lots = slanted(*small_ground(2.4, 6.6), 50)
    plans = small_plans(lots)
    desk = desk_of(ground, plans, study_of(lots))
    with pdfplumber.open(write_map_book(desk, tmp_path / "book.pdf")) as book:
        assert len(book.pages) == 6
        page = book.pages[2]
        units = plans["zones"].tables["units"]
        mine = ground["villages"][(units["zone_id"] == "Z1").to_numpy()]
        truth = np.sort(pdist(mine[["centre_x", "centre_y"]].to_numpy())) * 1000 / scale_of(page)
        assert np.sort(pdist(np.array(village_marks(page)))) == pytest.approx(truth, rel=0.002)
        assert not said("4054", page), "a turned map's grid names no kilometres"


def test_a_zone_of_nothing_a_zone_of_one_village_and_a_name_of_thirty_letters_have_their_leaves(tmp_path):
    ground, lots = small_ground()
    plans = small_plans(lots)
    units = plans["zones"].tables["units"].copy()
    units["zone_id"] = ["Z1"] + ["Z2"] * 11  # one village
    long_name = "大" * 28 + "家庄"
    units.loc[0, "name"] = long_name
    ground["villages"] = ground["villages"].assign(name=[long_name, *ground["villages"]["name"][1:]])
    zones = plans["zones"].to_frame()
    empty = zones.iloc[[0]].assign(zone_id="Z3", geometry=[shapely.box(495_500, 4_054_000, 496_200, 4_054_600)],
                                   population=0, road_km=0.0, post_x=np.nan, post_y=np.nan)  # fmt: skip
    zones = pd.concat([zones, empty], ignore_index=True)
    changed = {"zones": Plan("zones", {"zones": zones, "units": units}, plans["zones"].settings, seed=1, seconds=0.0)}
    desk = desk_of(ground, changed, study_of(lots))
    with pdfplumber.open(write_map_book(desk, tmp_path / "book.pdf", paper="A3")) as book:
        assert len(book.pages) == 8
        one, one_card, nothing, nothing_card = (book.pages[k] for k in (2, 3, 6, 7))
        assert said(long_name, one)
        assert said("1个", one_card)
        assert len(village_marks(one)) == 1
        assert len(village_marks(nothing)) == 0
        assert said("0个", nothing_card)
        for page in book.pages:
            for char in page.chars:
                assert char["x0"] / PT_PER_MM > frame.MARGIN - 1
                assert char["x1"] / PT_PER_MM < page.width / PT_PER_MM - frame.MARGIN + 1, words_of(page)[:40]


def test_a_book_at_a_chosen_scale_uses_it_for_every_zone(tmp_path):
    ground, lots = small_ground()
    study = study_of(lots, settings=Settings(print=PrintSettings(zone_scale=50_000)))
    with pdfplumber.open(write_map_book(desk_of(ground, small_plans(lots), study), tmp_path / "book.pdf")) as book:
        assert [scale_of(page) for page in book.pages[2::2]] == [50_000, 50_000]


def test_a_picture_of_a_book_is_its_first_page_alone(tmp_path):
    ground, lots = small_ground()
    desk = desk_of(ground, small_plans(lots), study_of(lots))
    with Image.open(write_map_book(desk, tmp_path / "book.png")) as picture:
        across, down = (round(side / frame.PICTURE_PPI * 25.4) for side in picture.size)
    assert sorted((across, down)) == [210, 297]
