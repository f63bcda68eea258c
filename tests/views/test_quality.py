"""The quality report: its numbers are the tables' own, counted here a second time, on page, spreadsheet and sheet."""

import datetime
import io
import json
import math
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path

import openpyxl
import pandas as pd
import pdfplumber
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_data import audit
from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.intake.class_words import words_in
from gis_data.study import Study
from gis_data.tables import COMPLETENESS, CORRECTIONS, IMPORTS, QUALITY, ROADS
from gis_data.workspace import Workspace
from views import figures
from views.formats import headed
from views.maps.corrections import MOST_MOVES, _Moves, correction_map
from views.maps.frame import as_html
from views.palette import MOVES
from views.quality import DROPPED, MOVED, quality_of
from views.quality_book import quality_xlsx
from views.sheets import print_all
from views.sheets.desk import Desk
from views.sheets.frame import TEXT_FOOT
from views.sheets.imprint import AUDIT_LETTERS
from views.sheets.products import quality_file
from views.sheets.quality_sheet import MOST_FILES, MOST_PROBLEMS, write_quality_sheet

from .conftest import tiny_workspace
from .tiny_town import CRS, study

DAY = datetime.date(2024, 3, 1)
PROBLEMS = [
    "no_time", "class_unknown", "outside", "duplicate", "follow_up", "private", "no_place", "wrong_shape",
    "no_population", "no_name", "total_row", "mode_unknown", "no_hours", "band_unknown", "village_unknown", "no_month",
    "bad_angle", "sheet_unknown", "type_guessed", "channel_unknown", "target_person", "domestic", "found_by_nature",
    "no_point", "default_point", "village_centre", "placeless", "coordinates_unknown", "cell_point", "datum_unclear",
]  # fmt: skip


def tables_of(imports=(), quality=(), completeness=(), corrections=()) -> dict[str, pd.DataFrame]:
    file = ["import_id", "file", "table"]
    given_ = (
        (IMPORTS, imports, [*file, "rows_read", "accepted", "set_aside", "refused"]),
        (QUALITY, quality, [*file, "problem", "outcome", "rows", "examples"]),
        (COMPLETENESS, completeness, list(COMPLETENESS.columns)),
        (CORRECTIONS, corrections, list(CORRECTIONS.columns)),
    )
    made = {}
    for schema, rows, columns in given_:
        frame = pd.DataFrame(list(rows), columns=columns)
        if schema is IMPORTS:
            frame = frame.assign(imported_at=pd.Timestamp("2024-01-02 09:00"), remarks="[]")
        made[schema.name] = schema.conform(frame)
    return made


def report_of(**rows):
    return quality_of(tables_of(**rows).__getitem__)


@pytest.fixture(scope="module")
def two_files():
    """Two files of incidents and one of villages, small enough to count by hand."""
    return report_of(
        imports=[("a", "甲.csv", "incidents", 200, 150, 49, 1), ("b", "村.xlsx", "villages", 10, 9, 1, 0),
                 ("c", "乙.csv", "incidents", 50, 50, 0, 0)],
        quality=[("a", "甲.csv", "incidents", "gcj02", "accepted", 20, "5,6,7"),
                 ("a", "甲.csv", "incidents", "follow_up", "set_aside", 49, "9,11,12"),
                 ("a", "甲.csv", "incidents", "private", "refused", 1, "3"),
                 ("b", "村.xlsx", "villages", "total_row", "set_aside", 1, "12"),
                 ("c", "乙.csv", "incidents", "gcj02", "accepted", 30, "2,3,4")],
        completeness=[("a", "2023-01", "point", 100, 40), ("a", "2023-02", "point", 50, 50),
                      ("a", "2023-01", "occurred_from", 120, 90), ("c", "2023-02", "point", 50, 0)],
        corrections=[("a", "甲.csv", 5, "coordinates_swapped;gcj02", 120.0, 36.0, 119.99, 36.0),
                     ("a", "甲.csv", 6, "coordinates_minutes", 120.0, 36.0, 120.0, 36.0),
                     ("c", "乙.csv", 2, "gcj02;village_centre", 120.0, 36.0, None, None),
                     ("c", "乙.csv", 3, "outside", 121.0, 36.0, None, None)],
    )  # fmt: skip


def test_shares_are_of_the_rows_read_in_the_file_and_in_all_files_of_the_kind(two_files):
    assert two_files.sums == {"rows_read": 260, "accepted": 209, "set_aside": 50, "refused": 1}
    of_file = {(row["file"], row["problem"]): row["share_pct"] for row in two_files.problems.to_dict("records")}
    assert of_file[("甲.csv", "gcj02")] == 10
    assert of_file[("乙.csv", "gcj02")] == 60
    assert of_file[("村.xlsx", "total_row")] == 10
    total = {row["problem"]: row for row in two_files.totals.to_dict("records")}
    assert (total["gcj02"]["rows"], total["gcj02"]["share_pct"], total["gcj02"]["files"]) == (50, 20, 2)
    assert (total["gcj02"]["file"], total["gcj02"]["examples"]) == ("乙.csv", "2,3,4")
    assert list(two_files.totals["problem"]) == ["private", "follow_up", "total_row", "gcj02"], "work to do comes first"


def test_completeness_and_trend_of_two_files_counted_by_hand(two_files):
    share = {(row["month"], row["field"]): row["filled_pct"] for row in two_files.completeness.to_dict("records")}
    assert share == {("2023-01", "point"): 40, ("2023-02", "point"): 50, ("2023-01", "occurred_from"): 75}
    first, second = two_files.trend.to_dict("records")
    assert (first["file"], second["file"]) == ("甲.csv", "乙.csv")
    assert (first["first_month"], first["last_month"]) == ("2023-01", "2023-02")
    wanted = ("set_aside_pct", "refused_pct", "point_pct", "occurred_pct", "moved_pct", "dropped_pct")
    assert [first[name] for name in wanted] == [24.5, 0.5, 60, 75, 1, 0]
    assert [second[name] for name in wanted[:3]] == [0, 0, 0]
    assert math.isnan(second["occurred_pct"]), "nobody was asked: no share, not a share of nothing"
    assert second["dropped_pct"] == 4


def test_each_corrected_point_is_in_the_group_of_what_became_of_it(two_files):
    assert list(two_files.moves["group"]) == ["gcj02", "notation", "village_centre", "outside"]
    east_m = 0.01 * math.pi / 180 * 6_378_137 * math.cos(math.radians(36))  # a sphere, so good to 0.3 %
    assert list(two_files.moves["moved_m"])[:2] == pytest.approx([east_m, 0], rel=4e-3, abs=1e-6)
    assert two_files.moves["moved_m"][2:].isna().all()


def test_nothing_imported_is_a_report_too():
    report = report_of()
    assert report.sums == dict.fromkeys(("rows_read", "accepted", "set_aside", "refused"), 0)
    parts = (report.files, report.problems, report.totals, report.completeness, report.trend, report.moves)
    assert [len(part) for part in parts] == [0] * 6
    with pdfplumber.open(io.BytesIO(quality_pdf(study(), report, ROADS.empty(crs=CRS), DAY))) as book:
        assert len(book.pages) == 1
    assert len(openpyxl.load_workbook(io.BytesIO(quality_xlsx(report, study()))).worksheets) == 6


counts = st.tuples(st.integers(0, 500), st.integers(0, 90), st.integers(0, 90))


@given(files=st.lists(counts, min_size=1, max_size=6), data=st.data())
def test_totals_are_the_sums_of_the_files_and_no_share_leaves_0_to_100(files, data):
    imports, quality = [], []
    for number, (accepted, aside, refused) in enumerate(files):
        kind = data.draw(st.sampled_from(["incidents", "villages"]))
        name = f"f{number}"
        imports.append((name, name, kind, accepted + aside + refused, accepted, aside, refused))
        rows = {("follow_up", "set_aside"): aside, ("private", "refused"): refused, ("no_point", "accepted"): accepted}
        quality += [(name, name, kind, *key, count, "1") for key, count in rows.items() if count]
    report = report_of(imports=imports, quality=quality)
    assert report.totals["rows"].sum() == report.problems["rows"].sum() == report.sums["rows_read"]
    for table in (report.problems, report.totals):
        assert table["share_pct"].between(0, 100).all()
    whole = report.problems.groupby("file")["share_pct"].sum()
    assert list(whole) == pytest.approx([100.0] * len(whole))


# ---- the sample town: everything counted a second time, with neither pandas nor our code ----


@pytest.fixture(scope="module")
def town(planned_town: Path):
    ws = Workspace.open(planned_town)
    return quality_of(ws.read, words=words_in(ws))


@pytest.fixture(scope="module")
def stored(planned_town: Path):
    """Rows of the workspace's tables as dictionaries, straight from SQLite."""
    with sqlite3.connect(f"file:{planned_town / 'station.gpkg'}?mode=ro", uri=True) as base:
        base.row_factory = sqlite3.Row
        names = ("imports", "quality", "completeness", "corrections")
        yield {name: [dict(row) for row in base.execute(f"select * from {name}")] for name in names}


def test_the_sample_town_is_accounted_for_row_by_row(town, stored):
    read = Counter()
    for row in stored["imports"]:
        assert row["rows_read"] == row["accepted"] + row["set_aside"] + row["refused"]
        read[row["table"]] += row["rows_read"]
    assert town.sums["rows_read"] == sum(read.values()) > 30_000
    rows = Counter()
    for row in stored["quality"]:
        rows[(row["table"], row["problem"], row["outcome"])] += row["rows"]
    found = {(row["table"], row["problem"], row["outcome"]): row for row in town.totals.to_dict("records")}
    assert {key: row["rows"] for key, row in found.items()} == dict(rows)
    for (table, _, _), row in found.items():
        assert row["share_pct"] == pytest.approx(100 * row["rows"] / read[table])


def test_the_sample_towns_completeness_and_trend_are_the_stored_counts(town, stored):
    month, whole = Counter(), Counter()
    of_import = {}
    for row in stored["completeness"]:
        month[row["month"], row["field"]] += row["filled"]
        whole[row["month"], row["field"]] += row["rows"]
        filled, rows = of_import.get((row["import_id"], row["field"]), (0, 0))
        of_import[row["import_id"], row["field"]] = (filled + row["filled"], rows + row["rows"])
    for row in town.completeness.to_dict("records"):
        key = row["month"], row["field"]
        assert row["filled_pct"] == pytest.approx(100 * month[key] / whole[key], nan_ok=True)
    assert len(town.completeness) == len(month) > 200
    files = {row["import_id"] for row in stored["imports"] if row["table"] == "incidents"}
    assert set(town.trend["import_id"]) == files
    assert len(town.trend) == len(files) >= 5
    for row in town.trend.to_dict("records"):
        for measure, field in (("point_pct", "point"), ("occurred_pct", "occurred_from")):
            filled, rows = of_import[row["import_id"], field]
            assert row[measure] == pytest.approx(100 * filled / rows)
        moved = sum(1 for one in stored["corrections"] if one["import_id"] == row["import_id"] and one["to_lon"])
        assert row["moved_pct"] == pytest.approx(100 * moved / row["rows_read"])


def test_the_sample_towns_planted_shifts_are_as_long_as_they_must_be(town):
    """GCJ-02 is 440 to 500 m and BD-09 1.2 to 1.3 km off in this part of the country (DOMAIN 2.6)."""
    metres = town.moves.groupby("group")["moved_m"].median()
    assert 440 < metres["gcj02"] < 500
    assert 1_200 < metres["bd09"] < 1_300
    assert metres["notation"] < 0.1
    assert town.moves.loc[town.moves["group"].isin(DROPPED), "to_lon"].isna().all()
    assert town.moves.loc[town.moves["group"].isin(MOVED), "to_lon"].notna().all()


# ---- the map ----


def written(words: str) -> str:
    """Words as they stand in the page's scripts."""
    return json.dumps(words)[1:-1]


def test_the_map_draws_each_moved_point_and_each_place_given_up_with_its_rows(tiny_station):
    ws = Workspace.open(tiny_station)
    report = quality_of(ws.read)
    town = correction_map(ws.study, report.moves, None)
    layers = {layer.colour: layer.moves for layer in town._children.values() if isinstance(layer, _Moves)}
    moved, dropped = layers[MOVES["gcj02"]], layers[MOVES["default_point"]]
    assert [mark[:2] for mark in moved] == [
        [[36.8201, 120.0152], [36.8199, 120.01]], [[36.8251, 120.0252], [36.8249, 120.02]],
        [[36.8151, 120.0302], [36.8149, 120.025]],
    ]  # fmt: skip
    assert [mark[0] for mark in dropped] == [[36.818, 120.033]], "two rows at one place are one ring"
    assert text("map.moved.rows", count="2") in dropped[0][3]
    page = as_html(town)
    assert written(text("map.dropped.default_point", count="2")) in page
    metres = f"{report.moves['moved_m'].median():,.0f}"
    assert written(text("map.moved.gcj02", count="3", metres=metres)) in page


def test_a_map_of_very_many_points_says_that_it_draws_only_some():
    rows = [("a", "f", n, "bd09", 120 + n / 1e5, 36.0, 120.01 + n / 1e5, 36.0) for n in range(MOST_MOVES + 1)]
    report = report_of(imports=[("a", "f", "incidents", 5_000, 5_000, 0, 0)], corrections=rows)
    page = as_html(correction_map(study(), report.moves, None))
    assert written(text("map.moved.thinned", shown=f"{MOST_MOVES:,}")) in page
    assert "4,001" in page


# ---- the spreadsheet ----


def book_of(report, of: Study, lang: str):
    with speaking(lang):
        return openpyxl.load_workbook(io.BytesIO(quality_xlsx(report, of)))


def rows_under(sheet, lang: str) -> list[dict[str, object]]:
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows if row[1] is not None]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_spreadsheet_read_back_holds_the_reports_numbers(town, planned_town, lang):
    book = book_of(town, Workspace.open(planned_town).study, lang)
    assert book.sheetnames == [
        text(f"quality.sheet.{name}", lang=lang)
        for name in ("files", "problems", "words", "completeness", "trend", "moves")
    ]
    say = lambda name: text(f"page.data.column.{name}", lang=lang)  # noqa: E731
    files, problems, named, months, trend, moves = (rows_under(sheet, lang) for sheet in book.worksheets)
    assert [row[say("accepted")] for row in files] == [*town.files["accepted"], town.sums["accepted"]]
    assert [row[say("rows")] for row in problems] == list(town.problems["rows"])
    assert [row[say("share")] for row in problems] == pytest.approx(list(town.problems["share_pct"]))
    assert [(row[say("word")], row[say("rows")]) for row in named] == [(one.word, one.rows) for one in town.words]
    assert town.words
    assert {row[say("effect")] for row in problems} == {
        text(f"intake.effect.{row['problem']}", lang=lang, rows=f"{row['rows']:,}")
        for row in town.problems.to_dict("records")
    }
    point = town.completeness[town.completeness["field"] == "point"]
    assert [row[text("page.data.field.point", lang=lang)] for row in months] == pytest.approx(list(point["filled_pct"]))
    share = f"{text('page.data.measure.dropped_pct', lang=lang)} (%)"
    assert [row[share] for row in trend] == pytest.approx(list(town.trend["dropped_pct"]))
    assert [row[say("row")] for row in moves] == list(town.moves["row"])
    gone = town.moves["to_lon"].isna()
    assert [row[say("to_lon")] is None for row in moves] == list(gone), "a dropped point is a blank, not a zero"
    odds = [str(values["odds"]) for _, key, values in town.remarks if key.rpartition(".")[2] in ("gcj02", "bd09")]
    said = " ".join(str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row)
    assert [figure for figure in odds if figure not in said] == [] != odds, "what a page puts in words is a figure here"


def test_a_file_name_in_the_spreadsheet_never_becomes_a_formula():
    name = '=HYPERLINK("http://x")'
    report = report_of(imports=[("a", name, "incidents", 1, 1, 0, 0)])
    book = book_of(report, study(), "zh")
    found = [cell for row in book.worksheets[0] for cell in row if str(cell.value).startswith("=")]
    assert [cell.data_type for cell in found] == ["s"]


# ---- the sheet ----


def quality_pdf(of, report, roads, printed_on):
    with tempfile.TemporaryDirectory() as folder:
        return write_quality_sheet(of, report, roads, Path(folder) / "q.pdf", printed_on=printed_on).read_bytes()


def page_of(data: bytes):
    with pdfplumber.open(io.BytesIO(data)) as book:
        assert len(book.pages) == 1
        page = book.pages[0]
        assert (round(page.width), round(page.height)) == (595, 842)
        inside = [letter for letter in page.chars if letter["top"] >= 0 and letter["bottom"] <= page.height]
        assert len(inside) == len(page.chars), "nothing runs off the paper"
        body = [letter["bottom"] for letter in page.chars if letter["top"] < page.height - (TEXT_FOOT - 2) * 72 / 25.4]
        assert max(body) <= page.height - TEXT_FOOT * 72 / 25.4 + 0.5, "nothing runs into the foot"
        return page.extract_text(), min(letter["size"] for letter in page.chars)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sheet_is_one_page_whose_words_and_numbers_can_be_searched(town, planned_town, lang):
    ws = Workspace.open(planned_town)
    with speaking(lang):
        words, smallest_pt = page_of(quality_pdf(ws.study, town, ws.read("roads"), DAY))
    flat = "".join(words.split())
    wanted = [text("quality.title", lang=lang, town=ws.study.name), f"{town.sums['rows_read']:,}", "2024-03-01"]
    wanted += [
        text("sheet.synthetic", lang=lang),
        text("page.data.trend", lang=lang),
        text("page.data.places", lang=lang),
    ]
    largest = town.totals.sort_values("rows").iloc[-1]
    wanted += [f"{largest['rows']:,}", headed(text(f"intake.reason.{largest['problem']}", lang=lang))[:6]]
    assert [one for one in wanted if "".join(one.split()) not in flat] == []
    assert smallest_pt >= 4.5
    for row in town.trend.to_dict("records"):
        assert f"{row['rows_read']:,}{figures.percent(row['set_aside_pct'])}" in flat


@pytest.mark.parametrize("lang", LANGUAGES)
def test_twenty_files_and_thirty_problems_stay_on_one_page_the_smallest_summed_up(lang):
    """But for rows set aside: they wait for a person, however few they are."""
    files = [
        (
            f"i{n}",
            f"某某派出所接处警系统导出_{n:02d}_2023年第{n}次补报（修订稿）.xlsx",
            "incidents",
            1_000 + n,
            900,
            99 + n,
            1,
        )
        for n in range(20)
    ]
    quality = [
        (*files[n % 20][:3], problem, "accepted" if n else "set_aside", 10 * (n + 1), "10001,10002,10003")
        for n, problem in enumerate(PROBLEMS)
    ]
    months = [f"20{year}-{month:02d}" for year in (22, 23, 24) for month in range(1, 13)]
    filled = [(f"i{n}", month, "point", 30, 20) for n, month in enumerate(months[:20])]
    report = report_of(imports=files, quality=quality, completeness=filled)
    roads = ROADS.empty(crs=CRS)
    with speaking(lang):
        words, smallest_pt = page_of(quality_pdf(study(), report, roads, DAY))
    flat = "".join(words.split())
    smaller = sum(one[3] for one in files[: 20 - MOST_FILES])
    rest = sum(row[5] for row in quality[1 : 31 - MOST_PROBLEMS])
    assert "".join(headed(text(f"intake.reason.{PROBLEMS[0]}", lang=lang)).split()) in flat
    assert "".join(text("quality.more_files", lang=lang, count=20 - MOST_FILES).split()) in flat
    assert f"{smaller:,}" in flat
    more = "".join(text("quality.more_problems", lang=lang, count=30 - MOST_PROBLEMS).split())
    assert f"{more}{rest:,}" in flat
    assert smallest_pt >= 4.0


def test_a_month_is_a_window_the_sheet_shows_the_last_two_years():
    months = [f"{year}-{month:02d}" for year in range(2020, 2024) for month in range(1, 13)]
    report = report_of(
        imports=[("a", "f", "incidents", 1, 1, 0, 0)], completeness=[("a", month, "point", 1, 1) for month in months]
    )
    words, _ = page_of(quality_pdf(study(), report, ROADS.empty(crs=CRS), DAY))
    assert "22-01" in words
    assert "21-12" not in words


def test_the_same_report_and_day_give_the_same_bytes(two_files):
    roads = ROADS.empty(crs=CRS)
    assert quality_pdf(study(), two_files, roads, DAY) == quality_pdf(study(), two_files, roads, DAY)
    assert quality_xlsx(two_files, study()) == quality_xlsx(two_files, study())


def test_printing_the_quality_report_needs_no_plan(tmp_path):
    ws = tiny_workspace(tmp_path / "town")
    written = print_all(ws, {}, only=["quality"])
    assert [path.name for path in written] == [text("sheet.file_quality_xlsx"), text("sheet.file_quality_pdf")]
    last = json.loads((ws.root / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert last["action"] == "print"


def test_the_sheet_from_its_page_names_the_logs_last_line(tmp_path):
    ws = tiny_workspace(tmp_path / "town")
    ws.log("tested")
    words, _ = page_of(quality_file(Desk.of(ws, {}), quality_of(ws.read)).data())
    assert audit.last(ws.root / "audit.jsonl")[:AUDIT_LETTERS] in words


def test_points_without_a_place_of_their_own_are_on_no_map():
    report = report_of(
        imports=[("a", "f", "incidents", 1, 1, 0, 0)],
        corrections=[("a", "f", 1, "default_point", None, None, None, None)],
    )
    page = as_html(correction_map(study(), report.moves, None))
    assert written(text("map.dropped.default_point", count="1")) in page
