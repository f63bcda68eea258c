"""The scorecard as a spreadsheet: read back, its cells are the plan's numbers with their limits."""

import openpyxl
import pytest

from gis_data import audit
from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.workspace import Workspace
from models.plan import Plan
from models.store import load_plans
from views.documents import write_scorecard
from views.score_words import count_with_interval, rate_with_interval, told_apart
from views.sheets import print_all

from .conftest import tiny_workspace
from .tiny_plans import tiny_plans


@pytest.fixture(scope="module")
def station(tiny_station):
    ws = Workspace.open(tiny_station)
    return ws.study, tiny_plans(ws)


def book_of(station, path, lang="zh"):
    study, plans = station
    with speaking(lang):
        return openpyxl.load_workbook(write_scorecard(plans["scorecard"], plans["zones"], study, path))


def cells(sheet):
    return [[cell.value for cell in row] for row in sheet]


def test_printed_rows_are_the_plans_counts_with_their_limits(station, tmp_path):
    rows = cells(book_of(station, tmp_path / "a.xlsx").worksheets[0])
    head = next(row for row in rows if row[0] == "巡区")
    by_zone = {row[0]: dict(zip(head, row, strict=True)) for row in rows if row[0] in ("Z1", "Z2", "全镇")}
    # Limits of a Poisson count of 80, 200, 4 and 20 (Garwood 1936; R: poisson.test)
    assert by_zone["Z1"]["居民报警（起，区间）"] == "80 (63–100)"
    assert by_zone["Z2"]["居民报警（起，区间）"] == "200 (173–230)"
    assert by_zone["Z1"]["抓获现行（起，区间）"] == "4 (1.1–10)"
    assert by_zone["Z2"]["抓获现行（起，区间）"] == "20 (12–31)"
    assert by_zone["Z1"]["与全镇相比"] == text("scorecard.word.below")
    assert (by_zone["全镇"]["人口（人）"], by_zone["全镇"]["居民报警（起，区间）"]) == (6650, 280)


def test_raw_numbers_are_numbers_and_the_whole_table(station, tmp_path):
    sheet = book_of(station, tmp_path / "a.xlsx")[text("scorecard.sheet.raw")]
    names, *rows = list(sheet.iter_rows(min_row=2, values_only=True))
    table = station[1]["scorecard"].to_frame()
    assert list(names) == list(table.columns)
    assert [row[names.index("reported_low")] for row in rows] == pytest.approx(list(table["reported_low"]))
    assert all(row[names.index("patrol_hours")] is None for row in rows), "no log of patrol hours: a blank, not a zero"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sheet_says_internal_and_invented_and_prints_on_a4(station, tmp_path, lang):
    book = book_of(station, tmp_path / "a.xlsx", lang)
    names = ("print", "base_lines", "patrols", "raw", "villages", "notes")  # no log of hours, so nothing to audit
    assert book.sheetnames == [text(f"scorecard.sheet.{name}", lang=lang) for name in names]
    for sheet in book.worksheets:
        assert sheet.oddFooter.left.text == text("scorecard.internal_mark", lang=lang)
        assert sheet.oddFooter.right.text == text("scorecard.synthetic", lang=lang)
        assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == (9, "landscape")
    words = "\n".join(str(value) for sheet in book.worksheets for row in cells(sheet) for value in row if value)
    assert text("scorecard.synthetic", lang=lang) in words
    if lang == "en":
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in drop_names(words, station[1]["zones"]))


def drop_names(words: str, zones: Plan) -> str:
    for name in (*zones.tables["units"]["name"], "禾川镇"):
        words = words.replace(name, "")
    return words


def test_the_sample_towns_book_says_verdicts_pools_and_the_audit(planned_town, tmp_path):
    ws = Workspace.open(planned_town)
    plans = load_plans(ws)
    card = plans["scorecard"]
    book = openpyxl.load_workbook(write_scorecard(card, plans["zones"], ws.study, tmp_path / "a.xlsx"))
    said = {sheet.title: [value for row in cells(sheet) for value in row if value] for sheet in book.worksheets}
    verdicts = said[text("scorecard.sheet.base_lines")]
    for verdict, count in card.tables["base_lines"]["verdict"].value_counts().items():
        assert verdicts.count(text(f"scorecard.verdict.{verdict}")) == count
    pools = card.tables["arrest_pools"]
    for row in pools.itertuples():
        shown = count_with_interval(row.arrest_incidents, row.arrest_low, row.arrest_high)
        assert shown in said[text("scorecard.sheet.patrols")]
    audit = book[text("scorecard.sheet.feedback")]
    assert audit["A1"].value == text("scorecard.note.feedback", **dict(card.notes)["scorecard.note.feedback"])
    assert len(audit._charts) == 2
    ends = card.tables["feedback"].set_index("rule")
    wanted = f"{ends['low_pct']['arrests']:.1f}–{ends['high_pct']['arrests']:.1f}%"
    assert wanted in said[text("scorecard.sheet.feedback")]
    crews = set(ws.read("visits")["crew_id"]) | set(ws.read("crews")["crew_id"])
    assert not any(crew in str(value) for values in said.values() for value in values for crew in crews)


def test_a_name_from_a_file_never_becomes_a_formula(station, tmp_path):
    study, plans = station
    zones = plans["zones"]
    units = zones.tables["units"].assign(name='=HYPERLINK("http://x")')
    bad = Plan("zones", dict(zones.tables) | {"units": units}, {}, seed=1, seconds=0.0)
    path = write_scorecard(plans["scorecard"], bad, study, tmp_path / "a.xlsx")
    values = [cell for row in openpyxl.load_workbook(path)[text("scorecard.sheet.villages")] for cell in row]
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in values)
    assert {cell.data_type for cell in values if str(cell.value).startswith("=")} == {"s"}


def test_the_same_plans_give_the_same_bytes(station, tmp_path):
    study, plans = station
    made = [
        write_scorecard(plans["scorecard"], plans["zones"], study, tmp_path / name) for name in ("a.xlsx", "b.xlsx")
    ]
    assert made[0].read_bytes() == made[1].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx"]


def test_printing_all_writes_the_scorecard_beside_the_sheets_and_logs_it(tmp_path):
    ws = tiny_workspace(tmp_path / "town")
    written = print_all(ws, tiny_plans(ws))
    assert [path.name for path in written] == [
        "巡区图册_A4.pdf",
        "巡区图册_A3.pdf",
        "巡区方案.xlsx",
        "巡区图_Z1.pdf",
        "巡区图_Z2.pdf",
        text("sheet.file_layers"),
        "警情周分析.pdf",
        "警情周分析.docx",
        "村情单.pdf",
        "巡区成绩单.pdf",
        "巡区成绩单.xlsx",
        "巡区成绩单_对外.xlsx",
        "监控备案表.pdf",
        "监控方案与备案表.xlsx",
        "监控布点图_V1.pdf",
        "监控布点图_V5.pdf",
        "数据质量报告.xlsx",
        "数据质量报告.pdf",
    ]
    assert all(path.stat().st_size > 5_000 for path in written)
    assert audit.entries(ws.root / "audit.jsonl")[-1]["action"] == "print"


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (count_with_interval(1234, 1166.1, 1304.8), "1,234 (1,166–1,305)"),
        (count_with_interval(0, 0.0, 3.69), "0 (0–3.7)"),
        (rate_with_interval(284.2, 91.04, 308.4), "284 (91.0–308)"),
        (rate_with_interval(float("nan"), 0.0, 1.0), "—"),
        (rate_with_interval(2.0, 0.5, float("inf")), "2.00 (0.50–∞)"),
        (told_apart(3, 3, 6), "2 个更高，3 个更低"),
        (told_apart(1, 4, 6), "0 个更高，2 个更低，3 个分不出"),
        (told_apart(1, 6, 6), "分不出"),
        (told_apart(1, 1, 1), "只有一个巡区"),
    ],
)
def test_numbers_are_written_as_a_chief_reads_them(shown, words):
    assert shown == words
