"""A planner's week in a real Chromium: files in, what they are taken for, plans approved, tables and paper out."""

import re
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page

from gis_data.catalogue import text

from .browsing import (
    FINISHED,
    WAIT_MS,
    after_edits,
    check_map,
    copied,
    follow,
    go_to,
    keep_edits,
    map_of,
    opened,
)

pytestmark = pytest.mark.browser


def choose_file(page: Page, file: Path, rows: str) -> None:
    """Write a table as stations export it, and choose it on the page Data."""
    file.write_text(rows, encoding="gb18030")
    page.locator("[data-testid=stExpander] summary").first.click()
    page.locator("input[type=file]").set_input_files(file)


def test_a_file_is_chosen_looked_at_imported_and_reported(browser: Browser, tiny_station: Path, tmp_path: Path):
    rows = (
        "报警时间,警情类别,警情细类,所属村庄,经度,纬度,处警民警\n"
        "2024-01-03 08:10,治安警情,打架斗殴,集上,120.0335,36.8182,张三\n"
        ",刑事警情,盗窃,集上,120.0341,36.8175,李四\n"
    )
    with copied(tiny_station, tmp_path) as url, opened(browser, url) as page:
        check_map(page, go_to(page, "data"), "data")
        choose_file(page, tmp_path / "警情2024.csv", rows)
        page.get_by_text("警情2024.csv（警情，2 行）").wait_for(timeout=WAIT_MS)
        understood = f"警情类别（{text('page.upload.how.exact')}）"
        page.locator("[data-testid=stSelectbox] label").get_by_text(understood, exact=True).wait_for(timeout=WAIT_MS)
        page.get_by_text("2024-01-03 08:10").wait_for(timeout=WAIT_MS)
        page.wait_for_selector(FINISHED, timeout=WAIT_MS)  # only now can it be said what is not shown
        assert page.get_by_text("张三").count() == 0
        page.get_by_text(text("page.upload.import", count=1), exact=True).click()
        page.get_by_text("读入 2 行 = 接受 1 + 搁置 1 + 拒绝 0").wait_for(timeout=WAIT_MS)
        page.locator("[data-testid=stMetricValue]", has_text="407").wait_for(timeout=WAIT_MS)
        check_map(page, map_of(page), "data")


def test_a_file_that_nobody_knows_is_shown_with_twenty_rows_and_a_choice_for_every_unknown_column(
    page: Page, tmp_path: Path
):
    rows = "".join(f"2024-01-{day:02d} 08:1{day % 10},盗窃{day},张三\n" for day in range(1, 26))
    go_to(page, "data")
    choose_file(page, tmp_path / "台账.csv", "来电时刻,事情小类,值班人\n" + rows)
    page.get_by_text(text("page.upload.unknown")).wait_for(timeout=WAIT_MS)
    page.wait_for_selector(FINISHED, timeout=WAIT_MS)
    page.get_by_role("combobox", name=text("page.upload.table")).click()
    page.get_by_role("option", name=text("page.table.incidents"), exact=True).click()
    for name, how in (("来电时刻", "left_out"), ("事情小类", "guessed")):
        label = f"{name}（{text(f'page.upload.how.{how}')}）"
        page.locator("[data-testid=stSelectbox] label").get_by_text(label, exact=True).wait_for(timeout=WAIT_MS)
    page.wait_for_selector(FINISHED, timeout=WAIT_MS)
    assert page.locator("[data-testid=stSelectbox] label").get_by_text("值班人").count() == 0, "staff are never mapped"
    assert page.get_by_role("cell", name="盗窃20", exact=True).count() == 1
    assert page.get_by_role("cell", name="盗窃21", exact=True).count() == 0
    assert page.get_by_text("张三").count() == 0


def test_the_scorecard_downloads_as_a_spreadsheet(page: Page):
    map_of(page)
    follow(page, "scorecard")
    page.wait_for_selector(FINISHED, timeout=WAIT_MS)
    with page.expect_download(timeout=WAIT_MS) as waiting:
        page.get_by_text(text("page.take.title"), exact=True).click()
        page.get_by_text(text("page.download.scorecard"), exact=True).click()
    assert waiting.value.suggested_filename.endswith(".xlsx")
    book = openpyxl.load_workbook(BytesIO(Path(waiting.value.path()).read_bytes()))
    assert book.worksheets[0]["A1"].value == text("scorecard.title", town="禾川镇")
    assert "200 (173–230)" in [cell.value for row in book.worksheets[0] for cell in row]


def test_the_quality_report_downloads_as_a_spreadsheet_and_as_one_page(page: Page):
    go_to(page, "data")
    page.get_by_text(text("page.take.title"), exact=True).click()
    for name, head in {"quality_xlsx": b"PK", "quality_pdf": b"%PDF"}.items():
        with page.expect_download(timeout=WAIT_MS) as waiting:
            page.get_by_text(text(f"page.download.{name}"), exact=True).click()
        assert waiting.value.suggested_filename == text(f"sheet.file_{name}")
        assert Path(waiting.value.path()).read_bytes().startswith(head)


@pytest.mark.slow
def test_a_planners_week_from_a_dirty_file_to_a_printed_sheet(browser: Browser, town_address: str, tmp_path: Path):
    rows = (
        "报警时间,警情类别,警情细类,所属村庄,经度,纬度\n"
        ",治安警情,打架斗殴,镇东村,120.03,36.81\n"
        "2024-01-03 08:10,刑事警情,盗窃,370283199001011234,120.03,36.81\n"
    )
    with opened(browser, town_address) as page:
        map_of(page)
        follow(page, "data")
        page.wait_for_selector(FINISHED, timeout=WAIT_MS)
        choose_file(page, tmp_path / "本周警情.csv", rows)
        page.get_by_text(text("page.upload.import", count=1), exact=True).click(timeout=WAIT_MS)
        page.get_by_text("读入 2 行 = 接受 0 + 搁置 1 + 拒绝 1").wait_for(timeout=WAIT_MS)
        frame = go_to(page, "hotspots")
        frame.locator("path.xq-hotspot").first.dispatch_event("click")
        frame.locator(".xq-because li").first.wait_for(timeout=WAIT_MS)
        follow(page, "edit")
        after_edits(page, 0)
        changed = page.locator("table", has_text=text("page.hand.figure.gap")).get_by_text(
            text("page.hand.column.after")
        )
        page.locator("path.xq-unit").nth(20).dispatch_event("click")
        page.locator(".xq-targets button:enabled").first.click()
        after_edits(page, 1)
        changed.wait_for(timeout=WAIT_MS)
        keep_edits(page, "周会决定")
        follow(page, "plans")
        page.wait_for_selector(FINISHED, timeout=WAIT_MS)
        note = page.get_by_role("textbox", name=re.compile("说明|理由")).first
        note.fill("周会核对")
        note.press("Enter")
        page.get_by_role("button", name=text("page.plans.to.checked")).click()
        page.get_by_role("button", name=text("page.plans.to.approved")).click(timeout=WAIT_MS)
        page.get_by_text(text("page.plans.done", state=text("approval.state.approved"))).wait_for(timeout=WAIT_MS)
        follow(page, "print")
        page.get_by_text(text("page.plans.in_force")[:2]).first.wait_for(timeout=WAIT_MS)
        page.locator("[data-testid=stImage] img").wait_for(timeout=2 * WAIT_MS)  # a page of the sheet is drawn
        with page.expect_download(timeout=2 * WAIT_MS) as waiting:  # and all its pages
            page.get_by_text(text("page.take.part", what=text("page.print.take"), part="PDF"), exact=True).click()
        assert Path(waiting.value.path()).read_bytes().startswith(b"%PDF")
