"""The village camera sheet: read back from the PDF, its millimetres are what its scale says and its words are right."""

import datetime
import itertools
import re

import numpy as np
import pdfplumber
import pypdfium2
import pytest
import shapely
from scipy.spatial import KDTree

from gis_data.catalogue import text
from gis_data.errors import InputError
from gis_data.tables import TABLES
from gis_data.workspace import Workspace
from models.store import load_plans
from views.sheets.camera_map import poles_of
from views.sheets.camera_sheet import GROUND, planned_villages, write_camera_sheet
from views.sheets.imprint import plan_id

from .paper import PT_PER_MM, boxes_of, scale_of, words_of
from .tiny_cameras import cameras
from .tiny_town import study, tiny_tables

DAY = datetime.date(2024, 3, 1)


class Tables:
    """The tiny town's tables without a folder on disk."""

    def __init__(self):
        self.study, self.tables = study(), tiny_tables()

    def read(self, name):
        known, schema = self.tables.get(name), TABLES[name]
        if known is None:
            return schema.empty(crs=self.study.crs)
        return schema.conform(known, crs=self.study.crs, timezone=self.study.timezone)


@pytest.fixture(scope="module")
def town():
    return Tables()


@pytest.fixture(scope="module")
def plan(town):
    return cameras(town)


@pytest.fixture(scope="module")
def ground(town):
    return {name: town.read(name) for name in GROUND}


@pytest.fixture(scope="module", params=["zh", "en"])
def leaf(request, town, plan, ground, tmp_path_factory):
    path = tmp_path_factory.mktemp("sheet") / "V5.pdf"
    write_camera_sheet(town.study, ground, plan, "V5", path, printed_on=DAY, audit="3f2a91c0d4e5ff", lang=request.param)
    with pdfplumber.open(path) as book:
        yield request.param, book.pages


def filled(page, colour):
    """Middles on paper (mm) and numbers of corners of the shapes filled with a colour, on the map."""
    wanted = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    edge = max((rect for rect in page.rects if rect["stroke"]), key=lambda rect: rect["width"] * rect["height"])
    found = []
    for shape in [*page.curves, *page.rects]:
        ink = np.atleast_1d(shape["non_stroking_color"] or (1, 1, 1))
        on_map = shape["x1"] < edge["x1"] and shape["bottom"] < edge["bottom"]
        if shape["fill"] and on_map and np.allclose(np.broadcast_to(ink, 3), wanted, atol=0.01):
            box = np.array([shape["x0"], shape["top"], shape["x1"], shape["bottom"]]) / PT_PER_MM
            found.append(((box[:2] + box[2:]) / 2, len(shape["pts"])))
    return found


def test_marks_stand_apart_on_paper_as_on_the_ground_within_a_fifth_of_a_millimetre_in_ten_centimetres(leaf, plan):
    page = leaf[1][0]
    scale = scale_of(page)
    entrances = plan.tables["entrances"].query("village_id == 'V5'")
    seen, unseen = filled(page, "#1d6b3a"), filled(page, "#b00020")
    paper = sorted((xy.tolist() for xy, _ in [*seen, *unseen]), key=lambda xy: xy[0])
    truth = sorted((p.x, p.y) for p in entrances.geometry)
    assert len(paper) == len(truth) == 3
    for (p, a), (q, b) in itertools.combinations(zip(paper, truth, strict=True), 2):
        asked = np.hypot(*np.subtract(a, b)) * 1000 / scale
        assert np.hypot(*np.subtract(p, q)) == pytest.approx(asked, abs=max(0.002 * asked, 0.05))
    assert max(p[0] for p in paper) - min(p[0] for p in paper) > 40


def test_watched_and_open_entrances_differ_in_shape_not_only_in_colour(leaf):
    page = leaf[1][0]
    corners = {colour: {n for _, n in filled(page, colour)} for colour in ("#1d6b3a", "#b00020")}
    assert min(corners["#1d6b3a"]) > max(corners["#b00020"]), "a disc has curves, a diamond four corners"


def test_the_view_on_paper_is_the_view_in_the_plan(leaf, plan):
    """Area of the tinted shape on paper, at the printed scale, against the plan's polygon."""
    page = leaf[1][0]
    scale = scale_of(page)
    view = plan.tables["views"].query("village_id == 'V5' and level == 'coverage'").geometry.iloc[0]
    shapes = [np.array(s["pts"]) / PT_PER_MM for s in page.curves if s["fill"] and s["width"] / PT_PER_MM > 20]
    areas = [shapely.Polygon(shape).area * (scale / 1000) ** 2 for shape in shapes]
    assert min(abs(area - view.area) for area in areas) < 0.01 * view.area


def test_two_pages_of_a4_with_two_embedded_fonts_and_no_word_outside_the_margins(leaf):
    _, pages = leaf
    assert len(pages) == 2
    names = {char["fontname"] for page in pages for char in page.chars}
    assert all(re.fullmatch(r"[A-Z]{6}\+NotoSansCJKsc.*", name) for name in names)
    for page in pages:
        assert sorted((page.width / PT_PER_MM, page.height / PT_PER_MM)) == pytest.approx([210, 297], abs=0.01)
        for char in page.chars:
            assert char["x0"] / PT_PER_MM > 7.5
            assert char["x1"] / PT_PER_MM < page.width / PT_PER_MM - 7.5
            assert char["top"] / PT_PER_MM > 5
            assert char["bottom"] / PT_PER_MM < page.height / PT_PER_MM - 5


def test_words_of_both_sides(leaf, plan):
    lang, pages = leaf
    expected = {
        "zh": ("禾川镇集上监控布点图", "内部资料注意保管", "合成数据，非真实警情", "第2页，共2页", "路口新杆",
               "看守进村路口E2、E3", "杆1", "没有合适杆位，见最近可立杆点", "42m", "枪机24度", "太阳能供电",
               "现有杆位（编号）", "7-1:条例第七条第一款", "先征得同意：C1", "录像保存30天", "盲区共1处、80米",
               "看到加权道路72.00%，任何方案至多72.50%，相差0.69%", "村中心东120米", "环镇路"),
        "en": ("camerasof集上", "INTERNAL", "SYNTHETICDATA", "Page2of2", "E2,E3", "pole1", "42m", "gap0.69%"),
    }[lang]  # fmt: skip
    said = words_of(*pages)
    for one in (*expected, plan_id(plan), "3f2a91c0d4e5", "90.0°", "24°", "6m", "7,400", "2024-03-01"):
        assert one in said, one
    if lang == "en":
        assert not set(said) & set("杆监控")


def test_the_bill_adds_up_to_the_villages_price(leaf, plan):
    lines = leaf[1][1].extract_text().split("\n")
    counted = [re.search(r" (\d+) ([\d,]+) ([\d,]+)$", line) for line in lines]
    sums = [[int(number.replace(",", "")) for number in found.groups()] for found in counted if found]
    bill = [row for row in sums if row[0] * row[1] == row[2]]
    assert bill == [[1, 1_800, 1_800], [1, 3_000, 3_000], [1, 2_600, 2_600]]
    price = plan.tables["summary"].set_index("village_id").loc["V5", "cost_cny"]
    assert sum(row[2] for row in bill) == price
    assert any(re.fullmatch(rf"\S+ {price:,.0f}", line) for line in lines)


def test_poles_are_numbered_in_the_cameras_order(plan):
    poles = poles_of(plan, "V5")
    assert list(zip(poles["site_id"], poles["number"], strict=True)) == [("S2", 1), ("S3", 2)]


def test_one_sheet_a_village_and_an_unknown_village_is_told(town, plan, ground, tmp_path):
    assert planned_villages(plan) == ["V1", "V5"]
    path = write_camera_sheet(town.study, ground, plan, "V1", tmp_path / "V1.pdf", printed_on=DAY)
    assert path.read_bytes()[:5] == b"%PDF-"
    with pytest.raises(InputError, match="V9"):
        write_camera_sheet(town.study, ground, plan, "V9", tmp_path / "x.pdf", printed_on=DAY)


# ---- several villages of the sample town, whole maps and larger ones ----


def starts(page):
    """Where thin dark lines of a map begin (mm): at a pole, for the arrow of a camera, or at a sign that gave way."""
    edge = max((rect for rect in page.rects if rect["stroke"]), key=lambda rect: rect["width"] * rect["height"])
    low, high = (np.array([edge[x], edge[y]]) / PT_PER_MM for x, y in (("x0", "top"), ("x1", "bottom")))
    thin = [
        line for line in page.lines
        if abs(line["linewidth"] / PT_PER_MM - 0.25) < 0.005 and np.allclose(line["stroking_color"], 0.067, atol=0.01)
    ]  # fmt: skip
    first = [np.array(line["pts"][0]) / PT_PER_MM for line in thin]
    return np.array([xy for xy in first if (low + 3 < xy).all() and (xy < high - 3).all()])


@pytest.mark.parametrize("nth", [0, 1, 4, 8])
def test_poles_of_the_sample_towns_villages_stand_as_on_the_ground_on_each_of_their_maps(planned_town, nth):
    ws = Workspace.open(planned_town)
    plan = load_plans(ws)["cameras"]
    village = planned_villages(plan)[nth]
    file = planned_town / "out" / text("camera_sheet.file", village=village)
    entrances = plan.tables["entrances"].query("village_id == @village").geometry
    truth = KDTree(shapely.get_coordinates([*poles_of(plan, village).geometry, *entrances]))
    names = list(ws.read("villages")["name"])
    with pdfplumber.open(file) as book, pypdfium2.PdfDocument(file) as pages:
        maps = [(page, words) for page, words in zip(book.pages, pages, strict=True) if "比例尺" in words_of(page)]
        for page, words in maps:
            found = starts(page) * (1, -1) * scale_of(page) / 1000  # metres, north upwards
            assert len(found) >= 3
            off = [truth.query(found - found[0] + spot)[0] for spot in truth.data]  # the first one laid on each spot
            least = min(off, key=lambda one: one.max())
            assert (least <= 0.002 * np.hypot(*(found - found[0]).T) + 0.03 * scale_of(page) / 1000).all()
            boxes = [shapely.box(*box) for boxes in boxes_of(words.get_textpage(), names).values() for box in boxes]
            assert not any(a.intersection(b).area > 0.01 for a, b in itertools.combinations(boxes, 2))
