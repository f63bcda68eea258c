"""What sheets say where there is next to nothing: no calls, an empty zone, one village, a name of thirty letters."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pypdfium2
import pytest
import shapely

from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.tables import TABLES
from gis_data.workspace import Workspace
from models.plan import Plan
from models.store import load_plans
from models.town_plan import prepare_ground
from views.sheets import frame, print_all
from views.sheets.content import write_sheets
from views.sheets.desk import Desk
from views.sheets.patrol_log import log_pages

from . import tiny_plans
from .paper import PT_PER_MM, letter_boxes
from .test_sheets import DAY
from .tiny_town import CRS, study, tiny_tables

LONG = "大" * 28 + "家庄"
QUIET = pd.Timedelta(days=200)


def quiet_tables():
    """No resident has called for 200 days, but a patrol found something since; the first village's name is long."""
    tables = tiny_tables()
    calls = tables["incidents"]
    old = calls[calls["reported_at"] < calls["reported_at"].max() - QUIET]
    last = calls.loc[[calls["reported_at"].idxmax()]].assign(origin="discovered")
    villages = tables["villages"].assign(name=[LONG, *tables["villages"]["name"][1:]])
    return tables | {"incidents": gpd.GeoDataFrame(pd.concat([old, last]), crs=CRS), "villages": villages}


def odd_plans(ws):
    """One village alone in Z1, all others in Z2, nothing at all in Z9."""
    plan = tiny_plans.zones(ws)
    units, zones = plan.tables["units"].copy(), plan.to_frame()
    units["zone_id"] = ["Z1", *["Z2"] * (len(units) - 1)]
    units["name"] = [LONG, *units["name"][1:]]
    corner = shapely.Point(*zones.total_bounds[:2])
    nothing = zones.iloc[[0]].assign(zone_id="Z9", geometry=[shapely.box(*corner.buffer(300).bounds)])
    nothing[[name for name in ("population", "road_km", "workload_h_per_week") if name in zones]] = 0
    nothing[[name for name in ("post_x", "post_y") if name in zones]] = np.nan
    zones = gpd.GeoDataFrame(pd.concat([zones, nothing], ignore_index=True), crs=zones.crs)
    planned = Plan("zones", {**plan.tables, "units": units, "zones": zones}, plan.settings, seed=1, seconds=0.0)
    built = tiny_plans.cameras(ws)
    built = replace(built, tables={**built.tables, "summary": built.tables["summary"].assign(name=LONG)})
    plans = (tiny_plans.hotspots(ws), planned, tiny_plans.scorecard(ws, planned), built)
    return {one.name: one for one in plans}


@pytest.fixture(scope="module", params=LANGUAGES)
def printed(request, tmp_path_factory):
    """The pages' words and sizes of each PDF of a quiet town, by its file's name."""
    ws = Workspace.create(tmp_path_factory.mktemp("odd") / "town", study())
    ws.write({name: TABLES[name].conform(table, crs=CRS) for name, table in quiet_tables().items()})
    prepare_ground(ws)
    with speaking(request.param):
        files = print_all(ws, odd_plans(ws))
        yield {file.name: read(file) for file in files if file.suffix == ".pdf"}


def read(file):
    with pypdfium2.PdfDocument(file) as pages:
        for page in pages:
            boxes, width = letter_boxes(page), page.get_width() / PT_PER_MM
            assert frame.MARGIN - 1 < boxes[:, 0].min() <= boxes[:, 2].max() < width - frame.MARGIN + 1, file.name
        return ["".join(page.get_textpage().get_text_range().split()) for page in pages]


def plain(key, **values):
    return "".join(text(key, **values).split())


def test_a_week_without_a_call_is_a_whole_sheet(printed):
    (page,) = printed[f"{text('print.file.weekly')}.pdf"]
    assert plain("weekly.same", kind=text("weekly.all"), this=0, per_day="0.0", before=0) in page
    assert plain("weekly.none") in page
    assert "%" not in page.split(plain("weekly.overview"))[1]


def test_an_empty_zone_and_a_zone_of_one_village_have_both_sides(printed):
    front, back = printed[text("sheet.file", zone="Z9")]
    assert plain("sheet.card.villages_value", count=0) in back
    assert plain("sheet.card.recent_none") in back
    assert LONG not in back
    front, back = printed[text("sheet.file", zone="Z1")]
    assert plain("sheet.card.villages_value", count=1) in back
    assert LONG in front
    assert LONG in back


def test_a_name_of_thirty_letters_is_whole_in_contents_village_sheet_and_camera_plan(printed):
    book = printed[f"{text('print.file.book_a4')}.pdf"]
    assert LONG in book[1]
    assert any(LONG in page for page in printed[f"{text('print.file.villages')}.pdf"])
    camera_sheets = [
        pages
        for name, pages in printed.items()
        if name in [text("camera_sheet.file", village=f"V{k}") for k in range(1, 7)]
    ]
    assert len(camera_sheets) >= 1
    assert all(LONG in page for pages in camera_sheets for page in pages)


def test_the_scorecard_and_the_quality_report_name_every_zone_and_file(printed):
    card = "".join(printed[f"{text('print.file.scorecard')}.pdf"])
    assert all(zone in card for zone in ("Z1", "Z2", "Z9"))
    assert "警情2023.xlsx" in "".join(printed[text("sheet.file_quality_pdf")])


def test_a_beat_without_checkpoints_and_a_long_name_have_their_log(planned_town, tmp_path):
    ws = Workspace.open(planned_town)
    desk = Desk.of(ws, load_plans(ws), printed_on=DAY)
    plan = desk.plan("beats")
    beats, checkpoints = plan.to_frame().head(2), plan.tables["checkpoints"].copy()
    checkpoints = checkpoints[checkpoints["beat_id"] == beats["beat_id"].iloc[1]].assign(name=LONG)
    odd = replace(plan, tables={**plan.tables, "beats": beats, "checkpoints": checkpoints})
    write_sheets(desk.imprint("beats"), "x", log_pages(odd, ws.study), tmp_path / "log.pdf")
    empty, long = read(tmp_path / "log.pdf")
    assert plain("patrol_log.no_checkpoints") in empty
    assert LONG in long
    assert all(plain("patrol_log.signed.leader") in page for page in (empty, long))
