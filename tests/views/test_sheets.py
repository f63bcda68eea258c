"""The zone sheet: read back from the PDF, its millimetres are what its scale says and its words are right."""

import datetime
import itertools
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pdfplumber
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pdfminer.pdftypes import resolve_all

from gis_data.errors import InfeasibleError, InputError
from gis_data.study import Study
from gis_data.tables import TABLES
from models.plan import Plan
from views import sheets
from views.sheets import frame, svg
from views.sheets.beat_page import of_zone
from views.sheets.drawing import Drawing, Scene
from views.sheets.imprint import plan_id
from views.sheets.labels import Label, place_labels
from views.sheets.names import clock_hours
from views.sheets.zone_map import draw_zone
from views.sheets.zone_sheet import GROUND, cameras_of

from .paper import PT_PER_MM, code_on, said, scale_of, village_marks, words_of

CRS = "EPSG:4549"
EAST, NORTH = 489_000.0, 4_054_000.0
DAY = datetime.date(2024, 3, 1)
NAMES = (
    "镇东村", "镇西村", "后万家埠村", "西周家屯村", "大官庄", "小官庄",
    "前李家疃", "后李家疃", "东王家丘", "西王家丘", "于家庄", "宋家埠",
)  # fmt: skip


def table(name, rows, shapes):
    return TABLES[name].conform(gpd.GeoDataFrame(rows, geometry=list(shapes), crs=CRS), crs=CRS)


def small_ground(width_km=6.0, height_km=4.0):
    """Twelve villages in a 4 × 3 grid of lots, roads of every class, a river with one bridge, and a railway."""
    w, h = width_km * 1000 / 4, height_km * 1000 / 3
    rng = np.random.default_rng(5)
    lots = [
        shapely.box(EAST + i * w, NORTH + j * h, EAST + (i + 1) * w, NORTH + (j + 1) * h)
        for j in range(3)
        for i in range(4)
    ]
    centres = [shapely.Point(*(np.array(lot.centroid.coords[0]) + rng.uniform(-200, 200, 2))) for lot in lots]
    villages = table("villages", {
        "village_id": [f"V{k:03d}" for k in range(12)], "name": NAMES, "population": np.arange(12) * 150 + 300,
        "centre_x": [p.x for p in centres], "centre_y": [p.y for p in centres],
    }, centres)  # fmt: skip
    x0, x1, y0, y1 = EAST, EAST + 4 * w, NORTH, NORTH + 3 * h
    lines = [
        ("expressway", "青新高速", [(x0, y0 + 0.2 * h), (x1, y0 + 0.6 * h)]),
        ("provincial", "禾平路", [(x0 + 2.1 * w, y0), (x0 + 2.2 * w, y1)]),
        ("county", "东西大街", [(x0, y0 + 1.5 * h), (x1, y0 + 1.6 * h)]),
        ("township", "官庄路", [(x0 + 0.7 * w, y0), (x0 + 0.6 * w, y1)]),
        ("village", "", [(x0, y0 + 2.4 * h), (x1, y0 + 2.5 * h)]),
        ("track", "", [(x0 + 1.5 * w, y0), (x0 + 1.4 * w, y1)]),
        ("path", "", [(x0 + 3.5 * w, y0), (x0 + 3.4 * w, y1)]),
    ]
    roads = table("roads", {
        "road_id": range(7), "road_class": [line[0] for line in lines], "name": [line[1] for line in lines],
        "length_m": 1.0, "speed_kmh": 30.0, "from_node": 0, "to_node": 1,
    }, [shapely.LineString(line[2]) for line in lines])  # fmt: skip
    river = shapely.LineString([(x0, y0 + 2.8 * h), (x0 + 2 * w, y0 + 1.9 * h), (x1, y0 + 2.2 * h)])
    rail = shapely.LineString([(x0 + 3.1 * w, y0), (x0 + 2.9 * w, y1)])
    houses = [shapely.box(p.x + dx, p.y + dy, p.x + dx + 14, p.y + dy + 9) for p in centres
              for dx in range(-150, 150, 30) for dy in range(-90, 90, 30)]  # fmt: skip
    bridge = river.intersection(roads.geometry.iloc[1])
    ground = {
        "villages": villages,
        "roads": roads,
        "water": table("water", {"water_id": [0], "name": ["北塘"]}, [shapely.Point(x0 + 900, y0 + 900).buffer(150)]),
        "buildings": table("buildings", {"building_id": range(len(houses))}, houses),
        "barriers": table("barriers", {"barrier_id": [0, 1], "kind": ["river", "railway"], "name": ["禾水", ""]},
                          [river, rail]),
        "crossings": table("crossings", {"crossing_id": [0], "barrier_id": [0], "road_id": [1]}, [bridge]),
        "places": table("places", {"place_id": [0, 1, 2, 3], "kind": ["police", "market", "school", "hospital"]},
                        [shapely.Point(x0 + 2.3 * w + 90 * k, y0 + 1.7 * h) for k in range(4)]),
        "cameras": table("cameras", {"camera_id": ["JK1"], "status": ["working"]},
                         [shapely.Point(x0 + 900, y0 + 2000)]),
    }  # fmt: skip
    return ground, lots


def small_plans(lots, cut=2):
    """Two zones (the lots left and right of a line), a scorecard, two hotspots and one heap that is not one."""
    zone = ["Z1" if k % 4 < cut else "Z2" for k in range(12)]
    units = gpd.GeoDataFrame(
        {"unit_id": [f"V{k:03d}" for k in range(12)], "name": NAMES, "zone_id": zone}, geometry=lots, crs=CRS
    )
    zones = units.dissolve("zone_id").reset_index()[["zone_id", "geometry"]].assign(
        population=[6000, 7300], road_km=[31.5, 28.25], area_km2=[12.0, 12.0], workload_h_per_week=[41.0, 39.0],
        mean_travel_min=[6.25, 7.0], post_x=[EAST + 1500.0, EAST + 4200.0], post_y=[NORTH + 2400.0, NORTH + 1800.0],
    )  # fmt: skip
    score = pd.DataFrame({
        "zone_id": ["Z1", "Z2"],
        "reported": [412, 377], "reported_low": [373.2, 339.9], "reported_high": [453.8, 417.0],
        "expected_word": ["above", "none"], "change_word": ["none", "down"], "arrest_incidents": [7, 0],
        "arrest_low": [2.8, 0.0], "arrest_high": [14.4, 3.7], "patrol_hours": [1234.0, float("nan")],
    })  # fmt: skip
    spots = gpd.GeoDataFrame({
        "hotspot_id": ["H1", "H2", "H3"], "is_hotspot": [True, True, False], "count": [64, 31, 22],
        "peak_hours": ["02-04", "", "10-12"], "main_types": ["burglary:40;theft:20", "assault:31", "theft:22"],
    }, geometry=[shapely.Point(EAST + x, NORTH + 2000).buffer(180) for x in (1900, 4600, 800)], crs=CRS)  # fmt: skip
    days = {"period_start": "2022-01-01", "period_end": "2024-01-01"}
    common = {"seed": 1, "seconds": 0.1}
    return {
        "zones": Plan("zones", {"zones": zones, "units": units}, days, **common),
        "scorecard": Plan("scorecard", {"scorecard": score}, days | {"scorecard": {"level": 0.95}}, **common),
        "hotspots": Plan("hotspots", {"hotspots": spots}, days, **common),
    }


def study_of(lots, **changes):
    return Study(**({"name": "禾川镇", "boundary": shapely.union_all(lots), "crs": CRS, "synthetic": True} | changes))


@pytest.fixture(scope="module")
def town():
    ground, lots = small_ground()
    return study_of(lots), ground, small_plans(lots)


AUDIT = "3f2a91c0d4e5" * 5


@pytest.fixture(scope="module")
def leaf(town, tmp_path_factory):
    """Front and back of zone Z1 in Chinese."""
    path = tmp_path_factory.mktemp("out") / "Z1.pdf"
    sheets.write_zone_sheet(*town, "Z1", path, printed_on=DAY, audit=AUDIT, lang="zh")
    with pdfplumber.open(path) as book:
        yield book.pages


@pytest.fixture
def sheet(leaf):
    """The front of zone Z1 in Chinese."""
    return leaf[0]


def millimetres(shape):
    return np.array(shape["pts"]) / PT_PER_MM


def drawn(shapes, *, ink=None, width_mm=None):
    """The shapes stroked with an ink (grey value) and of a line width."""
    return [
        millimetres(shape) for shape in shapes
        if (ink is None or np.allclose(shape["stroking_color"], ink, atol=0.01))
        and (width_mm is None or abs(shape["linewidth"] / PT_PER_MM - width_mm) < 0.005)
    ]  # fmt: skip


# ---- true scale, read back from the PDF ----


def test_villages_stand_apart_on_paper_as_on_the_ground_at_the_printed_scale(sheet, town):
    _, ground, plans = town
    units = plans["zones"].tables["units"]
    mine = ground["villages"].merge(
        units[units["zone_id"] == "Z1"][["unit_id"]], left_on="village_id", right_on="unit_id"
    )
    paper = sorted(village_marks(sheet), key=lambda xy: xy[0])
    truth = mine.sort_values("centre_x")[["centre_x", "centre_y"]].to_numpy()
    assert len(paper) == len(truth) == 6
    for (p, a), (q, b) in itertools.combinations(zip(paper, truth, strict=True), 2):
        assert np.hypot(*(p - q)) == pytest.approx(np.hypot(*(a - b)) * 1000 / scale_of(sheet), abs=0.05)


def test_a_kilometre_of_the_grid_measures_what_the_scale_says(sheet):
    lines = drawn(sheet.lines, ink=0.604)
    upright = sorted(line[0][0] for line in lines if line[0][0] == pytest.approx(line[1][0], abs=1e-4))
    level = sorted(line[0][1] for line in lines if line[0][1] == pytest.approx(line[1][1], abs=1e-4))
    assert len(upright) >= 4
    assert len(level) >= 4
    for gaps in (np.diff(upright), np.diff(level)):
        assert gaps == pytest.approx(1000 * 1000 / scale_of(sheet), abs=0.01)


def test_grid_label_stands_on_its_own_line(sheet):
    word = next(word for word in sheet.extract_words() if word["text"] == "490")
    upright = {
        line[0][0] for line in drawn(sheet.lines, ink=0.604) if line[0][0] == pytest.approx(line[1][0], abs=1e-4)
    }
    west_mark = min(village_marks(sheet), key=lambda xy: xy[0])
    middle = (word["x0"] + word["x1"]) / 2 / PT_PER_MM
    assert min(abs(middle - x) for x in upright) < 0.2
    # 490 km east lies right of the westernmost village (at 489.73 km) by what the scale says
    assert middle - west_mark[0] > 0


def test_scale_bar_measures_what_it_says(sheet):
    bar = [
        millimetres(rect)
        for rect in sheet.rects
        if rect["stroke"] and rect["fill"] and 1.5 < rect["height"] / PT_PER_MM < 1.7
    ]
    assert len(bar) == 4
    length = max(r[:, 0].max() for r in bar) - min(r[:, 0].min() for r in bar)
    kilometres = float(re.search(r"(\d+) km(?=\n)", sheet.extract_text()).group(1))
    assert length == pytest.approx(kilometres * 1e6 / scale_of(sheet), abs=0.01)


def test_ruler_measures_100_mm_with_a_tick_each_millimetre(sheet):
    ticks = sorted(line[0][0] for line in drawn(sheet.lines, ink=(0.067, 0.067, 0.067), width_mm=0.12))
    assert len(ticks) == 101
    assert np.diff(ticks) == pytest.approx(1.0, abs=0.001)
    assert ticks[-1] - ticks[0] == pytest.approx(100.0, abs=0.005)


def test_page_is_a4(sheet):
    assert (sheet.width / PT_PER_MM, sheet.height / PT_PER_MM) == pytest.approx((210, 297), abs=0.01)


@pytest.mark.parametrize(
    ("size_km", "scale", "paper"),
    [
        ((6.0, 4.0), 25_000, "upright"),
        ((1.2, 0.9), 5_000, "upright"),
        ((20.0, 3.0), 40_000, "lying"),
        ((2.0, 12.0), 50_000, "lying"),
    ],
)
def test_zone_of_another_shape_takes_another_scale_and_layout(tmp_path, size_km, scale, paper):
    ground, lots = small_ground(*size_km)
    path = tmp_path / "Z1.pdf"
    sheets.write_zone_sheet(study_of(lots), ground, small_plans(lots), "Z1", path, printed_on=DAY)
    with pdfplumber.open(path) as book:
        page = book.pages[0]
        assert scale_of(page) == scale
        assert ("lying" if page.width > page.height else "upright") == paper
        assert len(village_marks(page)) == 6


extent = st.tuples(
    st.floats(-1e5, 1e6), st.floats(1e6, 5e6), st.floats(50, 60_000), st.floats(50, 60_000)
).map(lambda t: (t[0], t[1], t[0] + t[2], t[1] + t[3]))  # fmt: skip


@given(extent)
@settings(max_examples=60, deadline=None)
def test_the_ground_fits_the_frame_and_would_not_at_the_next_larger_scale(bounds):
    layout, window = frame.fit(shapely.box(*bounds))
    corners = window.to_paper(shapely.box(*bounds)).bounds
    assert corners[0] >= 3.99
    assert corners[1] >= 3.99
    assert corners[2] <= layout.map.width - 3.99
    assert corners[3] <= layout.map.height - 3.99
    larger = [scale for scale in frame.SCALES if scale < window.scale]
    if larger:
        needed = np.array([bounds[2] - bounds[0], bounds[3] - bounds[1]]) * 1000 / max(larger) + 8
        assert not any(needed[0] <= one.map.width and needed[1] <= one.map.height for one in frame.LAYOUTS["A4"])


def test_ground_too_large_for_a4_says_what_to_change():
    with pytest.raises(InfeasibleError, match=r"zones\.count"):
        frame.fit(shapely.box(0, 0, 300_000, 300_000))


# ---- words ----


def test_words_on_the_chinese_sheet(leaf):
    for expected in (
        "禾川镇巡区图 Z1", "内部资料 注意保管", "合成数据，非真实警情", "第1页，共2页", "第2页，共2页",
        "日志编号3f2a91c0d4e5", "打印时选 100 %，不缩放",
        "412 起（373–454）", "高于其他巡区", "无显著变化", "7 起（3–14）", "H1 64 02:00–04:00", "入室盗窃、盗窃",
        "41.0 小时（比平均 +2%）", "6,000", "31.5 km", "东王家丘", "派出所", "禾水", "EPSG:4549", "2024-03-01",
        "2022-01-01 至 2023-12-31", "© OpenStreetMap contributors", plan_id(small_plans(small_ground()[1])["zones"]),
    ):  # fmt: skip
        assert said(expected, *leaf), expected
    assert re.search("H3|H2", "".join(map(words_of, leaf))) is None, (
        "H2 lies in the other zone, H3 is not more than chance"
    )


def test_english_sheet_speaks_english(town, tmp_path):
    path = sheets.write_zone_sheet(*town, "Z2", tmp_path / "Z2.pdf", printed_on=DAY, lang="en")
    with pdfplumber.open(path) as book:
        for expected in (
            "patrol zone Z2", "INTERNAL", "SYNTHETIC DATA", "Page 2 of 2", "Print at 100 %, do not scale",
            "377 (340–417)", "no significant difference", "0 (0–4)", "fight or assault", "Police station",
        ):  # fmt: skip
            assert said(expected, *book.pages), expected
        assert not re.search("[巡警图]", "".join(map(words_of, book.pages)))


def test_a_credit_that_repeats_the_mark_of_invented_data_is_not_printed_twice(town, tmp_path):
    study, ground, plans = town
    made_up = study_of([study.boundary], credit="合成数据，非真实警情")
    path = sheets.write_zone_sheet(made_up, ground, plans, "Z1", tmp_path / "Z1.pdf", printed_on=DAY, lang="en")
    with pdfplumber.open(path) as book:
        assert not said("合成数据", book.pages[0])
        assert not said("Base data", book.pages[0])
        assert said("SYNTHETIC DATA", book.pages[0])


def test_a_real_study_carries_no_synthetic_mark(town, tmp_path):
    study, ground, plans = town
    path = sheets.write_zone_sheet(
        study_of([study.boundary], synthetic=False), ground, plans, "Z1", tmp_path / "Z1.pdf", printed_on=DAY
    )
    with pdfplumber.open(path) as book:
        assert "合成数据" not in book.pages[0].extract_text()


def test_the_code_on_both_sides_says_plan_and_audit_number(leaf, town):
    number = plan_id(town[2]["zones"])
    for page in leaf:
        assert code_on(page, is_map=page.page_number == 1) == f"XUNQU {number.upper()} {AUDIT[:12].upper()}"
        assert said(f"计划编号{number}", page)


def test_fonts_are_embedded_subsets(sheet):
    names = {char["fontname"] for char in sheet.chars}
    assert len(names) == 2, "regular and bold"
    assert all(re.fullmatch(r"[A-Z]{6}\+NotoSansCJKsc.*", name) for name in names)
    fonts = resolve_all(sheet.page_obj.resources["Font"]).values()
    about = [font["DescendantFonts"][0]["FontDescriptor"] for font in fonts]
    sizes = [len((one.get("FontFile3") or one["FontFile2"]).get_data()) for one in about]
    assert len(sizes) == 2
    assert all(5_000 < size < 200_000 for size in sizes)


def test_no_word_leaves_the_margins_and_no_place_name_covers_another(sheet, town):
    for char in sheet.chars:
        assert char["x0"] / PT_PER_MM > 7.5
        assert char["x1"] / PT_PER_MM < 202.5
        assert char["top"] / PT_PER_MM > 5
        assert char["bottom"] / PT_PER_MM < 292
    names = set(town[1]["villages"]["name"])
    boxes = [shapely.box(w["x0"], w["top"], w["x1"], w["bottom"]) for w in sheet.extract_words() if w["text"] in names]
    assert len(boxes) >= 6
    assert not any(a.intersects(b) for a, b in itertools.combinations(boxes, 2))


# ---- labels ----

spots = st.lists(st.tuples(st.floats(0, 150), st.floats(0, 120)), min_size=1, max_size=25)


@given(spots, st.booleans())
@settings(max_examples=40, deadline=None)
def test_labels_stay_inside_and_optional_ones_never_cover_anything(points, must):
    labels = [Label("前李家疃村", x, y, 8, must=must) for x, y in points]
    block = shapely.box(60, 40, 90, 60)
    placed = place_labels(labels, width_mm=150, height_mm=120, keep_clear=[block])
    assert all(one.box.within(shapely.box(0, 0, 150, 120)) for one in placed)
    if must:
        assert len(placed) == len(labels)
    else:
        boxes = [*(one.box for one in placed), block]
        assert all(a.intersection(b).area < 1e-9 for a, b in itertools.combinations(boxes, 2))


def test_label_box_is_as_wide_as_its_words():
    """Measured against the glyph: a CJK character is one em wide."""
    width, _ = Label("巡区", 0, 0, 72 / 25.4 * 10).size_mm
    assert width == pytest.approx(2 * 10 + 0.8, abs=0.05)


def test_a_covered_spot_gets_a_leader_line():
    crowd = shapely.box(30, 30, 50, 50)
    (placed,) = place_labels([Label("大官庄", 40, 40, 8)], width_mm=150, height_mm=120, keep_clear=[crowd])
    assert not placed.box.intersects(crowd)
    assert placed.leader is not None
    assert placed.leader[:2] == (40, 40)


# ---- drawing ----


def test_hatching_stays_inside_its_area_and_fills_it():
    area = shapely.Point(10, 10).buffer(5).difference(shapely.Point(10, 10).buffer(2))
    lines = shapely.union_all(svg.hatch(area, spacing_mm=1.0))
    assert lines.within(area.buffer(1e-6))
    assert lines.length == pytest.approx(area.area * np.sqrt(2), rel=0.03), "one line of √2·h a millimetre of width"


def test_a_shared_border_is_drawn_once(town):
    """Two zones of 3 × 4 km side by side: 8 km around Z1 are bold, of the other border only Z2's free sides remain."""
    _, ground, plans = town
    zones = plans["zones"].to_frame()
    scene = Scene(
        "Z1",
        zones,
        plans["zones"].tables["units"],
        plans["hotspots"].to_frame(),
        *of_zone(None, "Z1", crs=zones.crs),
        cameras_of(plans, ground, crs=zones.crs),
        ground,
    )
    _, window = frame.fit(shapely.box(*zones.total_bounds))
    drawing = Drawing(scene, window).picture().svg
    thin = re.search(r'd="([^"]+)"[^>]*stroke="#444444"', drawing).group(1)
    xy = [np.array([float(v) for v in pair.split()]) for pair in re.split("[ML]", thin) if pair]
    length_m = sum(np.hypot(*(b - a)) for a, b in itertools.pairwise(xy)) * window.scale / 1000
    assert length_m == pytest.approx(3000 + 4000 + 3000, rel=0.001)


def test_only_what_is_on_the_sheet_is_in_its_legend(town):
    _, ground, plans = town
    zones = plans["zones"].to_frame()
    nothing = ("water", "barriers", "crossings", "places", "roads", "buildings", "cameras")
    bare = ground | {name: ground[name].iloc[:0] for name in nothing}
    beats, checkpoints = of_zone(None, "Z1", crs=zones.crs)
    units, no_spots = plans["zones"].tables["units"], plans["hotspots"].to_frame().iloc[:0]
    scene = Scene("Z1", zones, units, no_spots, beats, checkpoints, cameras_of({}, bare, crs=zones.crs), bare)
    _, window = frame.fit(scene.zone.geometry)
    words = [words for _, words in draw_zone(scene, window).legend]
    assert words == ["本巡区边界", "村界", "相邻巡区界", "村庄", "驻勤点"]


@pytest.mark.parametrize(("hours", "shown"), [("22-02", "22:00–02:00"), ("", ""), ("全天", "全天")])
def test_hours_are_written_as_a_clock_shows_them(hours, shown):
    assert clock_hours(hours) == shown


# ---- odd zones, files, errors ----


def test_a_zone_without_villages_hotspots_or_scores_still_has_its_sheet(town, tmp_path):
    _, ground, plans = town
    bare = {name: ground[name].iloc[:0] for name in GROUND}
    units = plans["zones"].tables["units"].assign(name="")
    zones = plans["zones"].to_frame().drop(columns=["post_x", "population"])
    only = {"zones": Plan("zones", {"zones": zones, "units": units}, {}, seed=1, seconds=0.0)}
    path = sheets.write_zone_sheet(town[0], bare, only, "Z2", tmp_path / "Z2.pdf", printed_on=DAY)
    with pdfplumber.open(path) as book:
        assert said("28.2 km", *book.pages)
        assert not said("人口", *book.pages)
        assert not said("驻勤点", *book.pages)


def test_a_card_with_forty_long_names_stays_in_its_box(town, tmp_path):
    study, ground, plans = town
    units = plans["zones"].tables["units"]
    many = pd.concat(
        [units.assign(unit_id=units["unit_id"] + f"-{k}", name=units["name"] + f"第{k}生产大队") for k in range(7)]
    )
    crowded = plans | {
        "zones": Plan("zones", {"zones": plans["zones"].to_frame(), "units": many}, {}, seed=1, seconds=0.0)
    }
    path = sheets.write_zone_sheet(study, ground, crowded, "Z1", tmp_path / "Z1.pdf", printed_on=DAY)
    with pdfplumber.open(path) as book:
        assert len(book.pages) == 2
        words = book.pages[1].extract_words()
    last = max(word["bottom"] for word in words if "生产大队" in word["text"])
    assert last / PT_PER_MM <= 297 - frame.TEXT_FOOT
    assert "宋家埠第6生产大队" not in "".join(word["text"] for word in words), "that village lies in Z2"


def test_all_sheets_are_written_in_order_and_the_same_input_gives_the_same_bytes(town, tmp_path):
    steps = []
    first = sheets.write_all_zone_sheets(
        *town, tmp_path / "a", printed_on=DAY, progress=lambda key, share: steps.append(share)
    )
    second = sheets.write_all_zone_sheets(*town, tmp_path / "b", printed_on=DAY)
    assert [path.name for path in first] == ["巡区图_Z1.pdf", "巡区图_Z2.pdf"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert steps == [0.0, 0.5, 1.0]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(path.name for path in first)


def test_another_seed_or_input_is_another_plan_number(town):
    plan = town[2]["zones"]
    others = [Plan("zones", plan.tables, plan.settings, seed=2, seconds=9.0),
              Plan("zones", plan.tables, plan.settings, seed=1, seconds=9.0, inputs={"incidents": "0a"})]  # fmt: skip
    slower = Plan("zones", plan.tables, plan.settings, seed=1, seconds=99.0)
    assert len({plan_id(plan), *map(plan_id, others)}) == 3
    assert plan_id(slower) == plan_id(plan)


def test_unknown_zone_and_missing_plan_are_said(town, tmp_path):
    study, ground, plans = town
    with pytest.raises(InputError, match="没有巡区「Z9」：可打印的是 Z1, Z2"):
        sheets.write_zone_sheet(study, ground, plans, "Z9", tmp_path / "x.pdf", printed_on=DAY)
    with pytest.raises(InputError, match="还没有可以打印的计划「zones」"):
        sheets.write_all_zone_sheets(study, ground, {}, tmp_path, printed_on=DAY)
    assert list(tmp_path.iterdir()) == []
