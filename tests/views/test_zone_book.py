"""The spreadsheet of the zone plan, read back by openpyxl: terms that sum, every village with its reason, settings."""

import openpyxl
import pytest

from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.workspace import Workspace
from models.store import load_plans
from views.zone_book import write_zone_book


@pytest.mark.parametrize("lang", LANGUAGES)
def test_terms_sum_to_the_work_and_every_village_has_its_reason(planned_town, tmp_path, lang):
    ws = Workspace.open(planned_town)
    zones = load_plans(ws)["zones"]
    with speaking(lang):
        book = openpyxl.load_workbook(write_zone_book(zones, None, ws.study, tmp_path / "zones.xlsx"))
        sheets = [book[text(f"zones.book.{name}")] for name in ("zones", "units", "compare", "notes")]
        head = [cell.value for cell in sheets[0][1]]
        terms = [
            head.index(text(f"zones.column.{term}_h_per_week")) for term in ("incident", "patrol", "fixed", "trip")
        ]
        total = head.index(text("zones.column.workload_h_per_week"))
    rows = list(sheets[0].iter_rows(min_row=2, values_only=True))
    assert len(rows) == len(zones.to_frame())
    for row in rows:
        assert sum(row[term] for term in terms) == pytest.approx(row[total])
    villages = list(sheets[1].iter_rows(min_row=2, values_only=True))
    assert sorted(row[1] for row in villages) == sorted(zones.tables["units"]["name"])
    assert all(row[-1] and "{" not in row[-1] for row in villages)
    assert sheets[2].max_row >= 3
    said = "\n".join(str(row[0]) for row in sheets[3].iter_rows(values_only=True))
    assert "zones.move_budget" in said
    assert "workload.trips_per_incident" in said


def test_the_same_plan_gives_the_same_bytes(planned_town, tmp_path):
    ws = Workspace.open(planned_town)
    zones = load_plans(ws)["zones"]
    first, again = (write_zone_book(zones, None, ws.study, tmp_path / f"{n}.xlsx").read_bytes() for n in (1, 2))
    assert first == again
