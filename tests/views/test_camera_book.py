"""The camera plan's spreadsheet, read back with another library and held against the plan."""

import openpyxl
import pytest

from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.intake import cameras
from gis_data.intake.headers import recognise
from gis_data.intake.sheets import open_sheets
from gis_data.workspace import Workspace
from models.store import load_plans
from views.camera_book import write_camera_book
from views.osm_tags import surveillance_geojson


@pytest.fixture(scope="module")
def plan(planned_town):
    return load_plans(Workspace.open(planned_town))["cameras"]


@pytest.fixture(scope="module", params=LANGUAGES)
def book(request, plan, planned_town, tmp_path_factory):
    study = Workspace.open(planned_town).study
    with speaking(request.param):
        path = write_camera_book(plan, study, tmp_path_factory.mktemp(request.param) / "book.xlsx")
        yield openpyxl.load_workbook(path)


def column(sheet, key):
    heads = {cell.value: cell.column for cell in sheet[1]}
    return [row[heads[text(key)] - 1] for row in sheet.iter_rows(min_row=2, values_only=True)]


def test_the_filing_table_has_every_new_camera_where_it_stands(book, plan):
    sheet = book[text("camera_book.sheet.filing")]
    new = plan.to_frame().query("status != 'existing'")
    names = column(sheet, "camera_book.column.camera_id")[: len(new)]
    assert sorted(names) == sorted(plan.tables["checklist"]["camera_id"])
    assert names[0].endswith("-C1")
    assert [name.split("-")[0] for name in names] == sorted(name.split("-")[0] for name in names)
    degrees = new.set_index("camera_id").geometry.to_crs("EPSG:4326").reindex(names)
    assert column(sheet, "camera_book.column.lon")[: len(new)] == pytest.approx(degrees.x.to_list())
    assert column(sheet, "camera_book.column.lat")[: len(new)] == pytest.approx(degrees.y.to_list())
    assert min(column(sheet, "camera_book.column.retention")[: len(new)]) >= 30


def test_the_bill_of_materials_adds_up_to_the_plan(book, plan):
    sheet = book[text("camera_book.sheet.materials")]
    total = len(plan.tables["summary"])
    signs, cost = (column(sheet, f"camera_book.column.{name}") for name in ("signs", "cost"))
    assert signs[total] == (plan.to_frame()["status"] != "existing").sum()
    assert cost[total] == pytest.approx(plan.tables["summary"]["cost_cny"].sum())


def test_entrances_and_money_are_the_plan_s(book, plan):
    entrances = column(book[text("camera_book.sheet.entrances")], "camera_book.column.entrance_id")
    assert entrances == list(plan.tables["entrances"]["entrance_id"])
    seen = column(book[text("camera_book.sheet.money")], "camera_book.money.covered_pct")
    years = len(plan.tables["rollout"])
    assert seen[:years] == pytest.approx(plan.tables["rollout"]["covered_pct"].to_list())


def test_the_book_says_that_no_person_is_recognised(book):
    lines = [row[0] for row in book[text("camera_book.sheet.notes")].iter_rows(values_only=True)]
    assert text("camera_book.no_person") in lines


def test_the_same_plan_gives_the_same_bytes(plan, planned_town, tmp_path):
    study = Workspace.open(planned_town).study
    once, twice = (write_camera_book(plan, study, tmp_path / f"{k}.xlsx").read_bytes() for k in (1, 2))
    assert once == twice


def test_the_plan_as_osm_tags_comes_back_as_cameras_placed_by_hand(plan, planned_town, tmp_path):
    study = Workspace.open(planned_town).study
    path = tmp_path / "cameras.geojson"
    path.write_bytes(surveillance_geojson(plan))
    sheet = open_sheets(path)[0]
    match = recognise(sheet.frame.columns, has_shapes=True)
    assert match is not None
    assert match.table == "cameras"
    back = cameras.read(sheet, match, study)
    assert (back.reasons == "").all(), back.reasons.value_counts()
    ours = plan.to_frame().set_index("camera_id")
    theirs = back.accepted.set_index("camera_id").reindex(ours.index)
    assert theirs.geometry.distance(ours.geometry).max() < 0.02
    fixed = ~ours["turns"]
    assert theirs.loc[fixed, "azimuth_deg"].tolist() == pytest.approx(ours.loc[fixed, "azimuth_deg"].tolist())
    assert theirs["hfov_deg"].tolist() == pytest.approx(ours["hfov_deg"].tolist())
    assert (theirs["status"] == "planned").tolist() == (ours["status"] != "existing").tolist()
