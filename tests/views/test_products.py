"""All that is printed: every PDF of the sample town read back, documents opened, the standard sentences."""

import ast
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import docx
import openpyxl
import pypdfium2
import pytest

from gis_data.catalogue import LANGUAGES, sentences, speaking, text
from gis_data.errors import InputError
from gis_data.workspace import Workspace
from models.store import load_plans
from views import sheets
from views.sheets import frame
from views.sheets.content import Table, Words
from views.sheets.desk import Desk
from views.sheets.products import PRODUCTS
from views.sheets.village_sheet import village_pages
from views.sheets.weekly_sheet import change_words

from .paper import PT_PER_MM, letter_boxes
from .test_sheets import DAY


@pytest.fixture(scope="module")
def desk(planned_town):
    ws = Workspace.open(planned_town)
    return Desk.of(ws, load_plans(ws), printed_on=DAY)


def test_a_sheet_bears_the_day_of_the_station_and_not_of_the_machine(tiny_station):
    ws = Workspace.open(tiny_station)
    there = (replace(ws, study=replace(ws.study, timezone=zone)) for zone in ("Pacific/Kiritimati", "Etc/GMT+12"))
    first, last = (Desk.of(one, {}) for one in there)  # 26 hours apart: never on one day
    assert first.printed_on > last.printed_on
    assert first.today().printed_on > last.today().printed_on


def test_every_page_of_every_pdf_stays_in_its_frame_is_marked_and_numbered(planned_town):
    files = sorted((planned_town / "out").glob("*.pdf"))
    assert len(files) >= 12
    for file in files:
        with pypdfium2.PdfDocument(file) as pages:
            for number, page in enumerate(pages, start=1):
                size = (page.get_width() / PT_PER_MM, page.get_height() / PT_PER_MM)
                assert tuple(sorted(map(round, size))) in {(210, 297), (297, 420)}, file.name
                boxes = letter_boxes(page)
                where = (file.name, number)
                assert boxes[:, 0].min() > frame.MARGIN - 1, where
                assert boxes[:, 2].max() < size[0] - frame.MARGIN + 1, where
                assert boxes[:, 1].min() > 4, where
                assert boxes[:, 3].max() < size[1] - 5, where
                words = page.get_textpage().get_text_range().replace(" ", "")
                for expected in ("内部资料注意保管", "合成数据，非真实警情", f"第{number}页，共{len(pages)}页"):
                    assert expected in words, (*where, expected)


def test_every_font_on_paper_is_an_embedded_subset_of_the_one_typeface(planned_town):
    for file in (planned_town / "out").glob("*.pdf"):
        names = set(re.findall(rb"/BaseFont/([A-Z]{6}\+[\w-]+|[\w+-]+)", file.read_bytes()))
        assert names, file.name
        assert all(re.fullmatch(rb"[A-Z]{6}\+NotoSansCJKsc.*", name) for name in names), (file.name, names)


def test_the_log_has_a_row_for_each_checkpoint_and_two_signatures_in_pdf_and_word(planned_town, desk):
    checkpoints = desk.plan("beats").tables["checkpoints"]
    with pypdfium2.PdfDocument(planned_town / "out" / "巡逻日志.pdf") as pages:
        said = [page.get_textpage().get_text_range() for page in pages]
    assert len(said) == len(desk.plan("beats").to_frame())
    assert all("巡逻人签字" in words and "值班领导签字" in words for words in said)
    assert sum(len(re.findall(r"Z\d+-C\d+", words)) for words in said) == len(checkpoints)
    document = docx.Document(str(planned_town / "out" / "巡逻日志.docx"))
    cells = [row.cells[0].text for table in document.tables for row in table.rows]
    assert [cell for cell in cells if re.fullmatch(r"Z\d+-C\d+", cell)] == list(checkpoints["checkpoint_id"])
    assert "内部资料 注意保管" in document.sections[0].header.paragraphs[0].text


def test_the_weekly_document_says_what_the_sheet_says(planned_town):
    document = docx.Document(str(planned_town / "out" / "警情周分析.docx"))
    with pypdfium2.PdfDocument(planned_town / "out" / "警情周分析.pdf") as pages:
        paper = re.sub(r"\s", "", "".join(page.get_textpage().get_text_range() for page in pages))
    headings = [one.text for one in document.paragraphs if one.style.name.startswith("Heading")]
    assert headings[:4] == ["禾川镇警情周分析", "一、警情概况", "二、警情分析", "（一）刑事警情"]
    sentence = next(one.text for one in document.paragraphs if one.text.startswith("本周共接报各类警情"))
    assert sentence.partition("。")[0] in paper
    assert len(document.inline_shapes) >= 4, "the bars, and the trend of each class"
    assert {run.font.name for run in document.paragraphs[1].runs} == {None}, "fonts come from the styles"


@pytest.fixture(scope="module")
def converted(planned_town, tmp_path_factory):
    """Every document and spreadsheet of the sample town as LibreOffice prints it, by its file's name."""
    if shutil.which("soffice") is None:
        assert not os.environ.get("CI"), "the continuous run installs LibreOffice"
        pytest.skip("LibreOffice is not installed")
    folder = tmp_path_factory.mktemp("office")
    out = planned_town / "out"
    files = sorted([*out.glob("*.docx"), *out.glob("*.xlsx")])
    own = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    subprocess.run(["soffice", own, "--headless", "--convert-to", "pdf", "--outdir", folder, *files],
                   check=True, timeout=300, capture_output=True)  # fmt: skip
    return {file: folder / f"{file.stem}.pdf" for file in files}


def test_libreoffice_prints_every_document_and_spreadsheet_with_its_words(converted, desk):
    assert len(converted) >= 8
    for file, pdf in converted.items():
        with pypdfium2.PdfDocument(pdf) as pages:
            said = [re.sub(r"\s", "", page.get_textpage().get_text_range()) for page in pages]
        whole = "".join(said)
        assert all(said), (file.name, "a blank page", [k for k, words in enumerate(said, start=1) if not words])
        assert all(mark in whole for mark in ("内部资料", "合成数据")) or "对外" in file.name
        for words in spoken_in(file):
            assert re.sub(r"\s", "", words) in whole, (file.name, words)
        if file.stem == text("print.file.patrol_log"):
            assert len(said) == len(desk.plan("beats").to_frame()), "one form a page"
        if file.stem == text("print.file.weekly"):
            assert len(said) <= 4


def spoken_in(file):
    """Headings of a document; the first row of words of each sheet of a spreadsheet."""
    if file.suffix == ".docx":
        return [one.text for one in docx.Document(str(file)).paragraphs if one.style.name.startswith("Heading")]
    rows = [next(sheet.iter_rows(values_only=True), ()) for sheet in openpyxl.load_workbook(file).worksheets]
    return [cell for row in rows for cell in row if isinstance(cell, str)]


@pytest.mark.parametrize(
    ("this", "before", "sentence"),
    [
        (30, 35, "本周共接报盗窃30起（日均4.3起），较上周的35起减少5起，环比下降14.3%。"),
        (15, 10, "本周共接报盗窃15起（日均2.1起），较上周的10起增加5起，环比上升50.0%。"),
        (6, 9, "本周共接报盗窃6起（日均0.9起），较上周的9起减少3起（数量少，不计百分比）。"),
        (2, 0, "本周共接报盗窃2起（日均0.3起），较上周的0起增加2起（数量少，不计百分比）。"),
        (0, 0, "本周共接报盗窃0起（日均0.0起），与上周持平。"),
    ],
)
def test_the_standard_sentence_gives_no_percentage_of_a_small_count(this, before, sentence):
    assert change_words("盗窃", this, before) == sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_product_has_a_title_and_files_in_both_languages(desk, lang):
    with speaking(lang):
        assert all(product.title and product.about and not product.lacks(desk) for product in PRODUCTS)
        names = [file.name for product in PRODUCTS for file in product.files(desk)]
    assert len(names) == len(set(names))
    if lang == "en":
        assert not re.search("[\u4e00-\u9fff]", "".join(names))


def test_pages_lead_to_sheets_that_there_are():
    """A page names its sheet by a word; Print shows its first sheet for a word it does not know."""
    pages = Path(sheets.__file__).parents[1] / "pages"
    calls = [node for file in pages.glob("*.py") for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
             if isinstance(node, ast.Call) and ast.unparse(node.func) == "frame.take"]  # fmt: skip
    named = [word.value for call in calls for word in call.keywords if word.arg == "product"]
    assert len(named) >= 3
    assert {ast.unparse(word) for word in named} <= {repr(key) for key in sheets.SHEETS}


def test_a_file_is_made_alone_and_can_be_looked_at(desk):
    (log, _) = next(product for product in PRODUCTS if product.key == "patrol_log").files(desk)
    assert log.data().startswith(b"%PDF")
    assert log.picture().startswith(b"\x89PNG")


def test_a_product_that_lacks_its_plan_or_rows_says_so(desk, tmp_path):
    with pytest.raises(InputError, match="x"):
        sheets.print_all(desk.ws, desk.plans, only=["x"])
    with pytest.raises(InputError, match=r"还没有可以打印的计划「beats」"):
        sheets.print_all(desk.ws, {"zones": desk.plans["zones"]}, only=["patrol_log"])
    assert not list(tmp_path.iterdir())


def test_no_sentence_of_the_catalogue_needs_a_sign_the_typeface_lacks():
    from fontTools.ttLib import TTFont

    from views.fonts import font_file

    with TTFont(font_file(), fontNumber=2, lazy=True) as font:
        known = font.getBestCmap()
    printed = [
        words
        for lang in LANGUAGES
        for key, words in sentences(lang).items()
        if not key.startswith(("page.", "map.", "edit_map."))  # the browser has other typefaces
    ]
    used = {sign for words in printed for sign in words} - {"\n"}
    assert {sign for sign in used if ord(sign) not in known} == set()
    assert text("scorecard.verdict.not_met")


def test_village_sheets_name_every_beat_on_a_villages_roads_and_each_checkpoint_once(desk):
    segments = desk.plan("beats").tables["segments"]
    beats = segments.groupby("unit_id")["beat_id"].unique()
    stand: list[str] = []
    for village, page in zip(desk.table("villages")["village_id"], village_pages(desk), strict=True):
        words = [block.words for block in page.blocks if isinstance(block, Words)]
        assert any(set(re.findall(r"Z\d+-B\d+", line)) == set(beats[village]) for line in words), village
        stand += [row[0] for block in page.blocks if isinstance(block, Table) for row in block.rows]
    checkpoints = desk.plan("beats").tables["checkpoints"]["checkpoint_id"]
    assert sorted(name for name in stand if name in set(checkpoints)) == sorted(checkpoints)
