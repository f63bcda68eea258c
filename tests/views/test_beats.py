"""The beats page, their sheet's back and their spreadsheet, on the sample town and where no beats are planned."""

import datetime
import html
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pdfplumber
import pyogrio
import pytest
import shapely
from streamlit.testing.v1 import AppTest

from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.workspace import Workspace
from models.beats.plan import explain
from models.borders import as_drawn
from models.store import load_plans
from views import beat_tables
from views.beat_book import write_beat_book
from views.maps.beats import beat_map
from views.maps.frame import as_html
from views.plan_layers import write_plan_layers
from views.sheets.beat_page import of_zone
from views.sheets.drawing import Drawing, Scene
from views.sheets.frame import fit
from views.sheets.symbols import CHECKPOINT_MM
from views.sheets.zone_sheet import GROUND, cameras_of, write_zone_sheet

from .test_pages import one_page, words


@pytest.fixture(scope="module")
def planned(planned_town: Path):
    ws = Workspace.open(planned_town)
    return ws, load_plans(ws)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_shows_beats_checkpoints_and_why(planned_town, planned, lang):
    page = AppTest.from_function(one_page, args=(str(planned_town), "beats", lang), default_timeout=120).run()
    assert not page.exception
    said = words(page)
    plan = planned[1]["beats"]
    with speaking(lang):
        first = plan.to_frame()["beat_id"].iloc[0]
        assert [header.value for header in page.header] == [text("page.beats.title")]
        assert f"{text('page.beats.count')} {len(plan.to_frame())}" in said
        assert all(html.escape(sentence) in said for sentence in explain(plan, first))
    assert len(page.get("iframe")) == 1
    page.selectbox(key="beat").select("Z1-C01").run()
    with speaking(lang):
        assert html.escape(explain(plan, "Z1-C01")[-1]) in words(page)


def test_without_a_plan_the_page_names_the_command(unplanned_station):
    page = AppTest.from_function(one_page, args=(str(unplanned_station), "beats", "zh"), default_timeout=120).run()
    assert [f"plan {unplanned_station.name} beats" in info.value for info in page.info] == [True]


def test_the_map_draws_each_beat_and_each_checkpoint(planned):
    ws, plans = planned
    plan = plans["beats"]
    tables = {name: ws.read(name) for name in ("barriers", "villages")}
    page = as_html(beat_map(ws.study, plan, plans["zones"].to_frame(), tables, None))
    assert page.count('"xq-beat"') == len(plan.to_frame())
    assert all(checkpoint in page for checkpoint in plan.tables["checkpoints"]["checkpoint_id"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sheets_back_lists_the_zones_beats_and_checkpoints(planned, tmp_path, lang):
    ws, plans = planned
    ground = {name: ws.read(name) for name in GROUND}
    day = datetime.date(2024, 1, 2)
    path = write_zone_sheet(ws.study, ground, plans, "Z4", tmp_path / "a.pdf", printed_on=day, lang=lang)
    with pdfplumber.open(path) as book:
        front, back = (page.extract_text() for page in book.pages)
    here = plans["beats"].tables["checkpoints"].query("zone_id == 'Z4'")
    assert {"B1", "B2", "B3"} <= set(front.split())
    for row in here.itertuples():
        line = next(line for line in back.splitlines() if line.startswith(f"{row.number} "))
        assert row.name in back
        assert text(f"beats.kind.{row.kind}", lang=lang) in line
    without = {name: plan for name, plan in plans.items() if name != "beats"}
    path = write_zone_sheet(ws.study, ground, without, "Z4", tmp_path / "b.pdf", printed_on=day, lang=lang)
    with pdfplumber.open(path) as book:
        assert text("sheet.back.beats", lang=lang) not in book.pages[1].extract_text().splitlines()


def test_checkpoints_discs_on_paper_do_not_cover_each_other(planned):
    ws, plans = planned
    zones = plans["zones"].to_frame()
    ground = {name: ws.read(name) for name in GROUND}
    beats, checkpoints = of_zone(plans["beats"], "Z4", crs=ws.study.crs)
    units, spots = plans["zones"].tables["units"], plans["hotspots"].to_frame()
    scene = Scene("Z4", zones, units, spots, beats, checkpoints, cameras_of({}, ground, crs=ws.study.crs), ground)
    drawing = Drawing(scene, fit(scene.zone.geometry)[1])
    apart = [((a - b) ** 2).sum() ** 0.5 for a, b in combinations(drawing.discs, 2)]
    assert min(apart) >= 2 * CHECKPOINT_MM - 0.01


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_spreadsheet_holds_the_plans_rows(planned, tmp_path, lang):
    ws, plans = planned
    plan = plans["beats"]
    with speaking(lang):
        book = openpyxl.load_workbook(write_beat_book(plan, ws.study, tmp_path / "a.xlsx"))
        for name in ("beats", "checkpoints", "left_out", "zones"):
            sheet = book[text(f"beats.book.{name}")]
            table = getattr(beat_tables, name)(plan)
            assert [cell.value for cell in sheet[3]] == list(table.columns)
            assert sheet.max_row == 3 + len(table)
            assert [cell.value for cell in sheet["A"][3:]] == list(table.iloc[:, 0])
        again = write_beat_book(plan, ws.study, tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == again.read_bytes()


def test_a_plan_without_beats_still_has_its_page(planned, tmp_path):
    plan = planned[1]["beats"]
    empty = replace(plan, tables={name: table.iloc[:0] for name, table in plan.tables.items()}, objective=None)
    assert beat_tables.beats(empty).empty
    assert beat_tables.checkpoints(empty).empty


def test_the_layers_are_read_back_from_the_geopackage(planned, tmp_path):
    plans = as_drawn(planned[1])
    path = write_plan_layers(plans, write_plan_layers(plans, tmp_path / "layers.gpkg"))  # the second over the first
    assert [entry.name for entry in tmp_path.iterdir()] == ["layers.gpkg"]
    tables = {
        "zones": plans["zones"].to_frame(), "units": plans["zones"].tables["units"],
        "beats": plans["beats"].to_frame(), "checkpoints": plans["beats"].tables["checkpoints"],
    }  # fmt: skip
    assert {name for name, _ in pyogrio.list_layers(path)} == set(tables)
    for name, table in tables.items():
        back = gpd.read_file(path, layer=name)
        assert back.crs == table.crs
        assert set(back.columns) == set(table.columns)
        assert len(back) == len(table)
        assert shapely.equals_exact(back.geometry.to_numpy(), table.geometry.to_numpy(), 1e-6).all()
    beats = gpd.read_file(path, layer="beats")
    assert beats["beat_id"].tolist() == tables["beats"]["beat_id"].tolist()
    np.testing.assert_allclose(beats["workload_h_per_week"], tables["beats"]["workload_h_per_week"])
    assert not beats["reason"].str.startswith("[").any(), "reasons are sentences"


def test_drawn_borders_of_the_sample_town_move_no_zone_by_more_than_three_percent(planned):
    cells, shown = planned[1]["zones"], as_drawn(planned[1])["zones"]
    for name, most in (("zones", 0.03), ("units", 0.15)):
        before, after = cells.tables[name].area.to_numpy(), shown.tables[name].area.to_numpy()
        np.testing.assert_allclose(after, before, rtol=most)
        assert (after != before).any()
    units = shown.tables["units"]
    assert shapely.coverage_is_valid(units.geometry.to_numpy())
    assert shapely.covers(units.geometry.to_numpy(), shapely.points(units["x"], units["y"])).all()
