"""The page Data: the report's numbers in both languages, and the way in: preview, headers, import, report, undo."""

import html
import re
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.intake import import_files
from gis_data.workspace import Workspace
from views import figures
from views.formats import headed
from views.pages.upload import ENDINGS, MOST_MB
from views.quality import quality_of

from .conftest import tiny_workspace
from .test_pages import html as html_of
from .test_pages import shown, words

CALLS = """接警编号,报警时间,类别,警情细类,报警方式,所属村庄,经度,纬度,处警民警,占地
33090013101313000001,2024-01-03 08:10,治安警情,打架斗殴,110接警,集上,120.0335,36.8182,张三,东河
33090013101313000002,2024-01-05 21:40,刑事警情,盗窃,110接警,集上,120.0341,36.8175,张三,东河
33090013101313000003,,刑事警情,盗窃,110接警,集上,120.0341,36.8175,李四,西河
"""
NEXT = "33090013101313000009,2024-02-03 08:10,纠纷,邻里纠纷,110接警,集上,120.0335,36.8182,张三,东河\n"


@pytest.fixture
def station(tmp_path: Path) -> Path:
    return tiny_workspace(tmp_path / "town").root


def chosen(page: AppTest, *files: tuple[str, str]) -> AppTest:
    uploads = [(name, content.encode(), "text/csv") for name, content in files]
    page = page.file_uploader[0].set_value(uploads).run()
    assert not page.exception, page.exception[0].message
    return page


def pressed(page: AppTest, key: str) -> AppTest:
    page = page.button(key=key).click().run(timeout=120)
    assert not page.exception, page.exception[0].message
    while any(button.key == "stop work" for button in page.button):  # an import runs beside the page
        time.sleep(0.1)
        page = page.run(timeout=120)
        assert not page.exception, page.exception[0].message
    return page


def undo_button(page: AppTest) -> str:
    return next(str(button.key) for button in page.button if str(button.key).startswith("undo "))


def alerts(page: AppTest) -> str:
    return "\n".join(str(one.value) for kind in (page.success, page.warning, page.error) for one in kind)


def cells_of(page: AppTest) -> set[str]:
    found = {cell for block in html_of(page) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", block)}
    return {html.unescape(cell) for cell in found}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sample_towns_numbers_stand_on_the_page_in_both_languages(planned_town, lang):
    page = shown(planned_town, "data", lang)
    report = quality_of(Workspace.open(planned_town).read)
    value = {metric.label: metric.value for metric in page.metric}
    for name, rows in report.sums.items():
        assert value[text(f"page.data.column.{name}", lang=lang)] == f"{rows:,}"
    lists = (pd.read_csv(path, dtype=str) for path in (planned_town / "set_aside").glob("*.csv"))
    assert value[text("page.data.waiting", lang=lang)] == f"{sum(map(len, lists)):,}"
    cells = cells_of(page)
    for row in report.files.to_dict("records"):
        assert {row["file"], f"{row['rows_read']:,}"} <= cells
    with speaking(lang):
        assert [line for line in report.sentences() if line not in html.unescape("".join(html_of(page)))] == []
    cells = cells_of(shown(planned_town, "data", lang, part="problems"))
    for row in report.totals.to_dict("records"):
        rows = f"{row['rows']:,}"
        said = {rows, headed(text(f"intake.reason.{row['problem']}", lang=lang)), figures.percent(row["share_pct"])}
        said |= {text(f"intake.effect.{row['problem']}", lang=lang, rows=rows)}
        assert said <= cells
    for part in ("months", "imports"):
        assert len(shown(planned_town, "data", lang, part=part).get("vega_lite_chart")) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_files_problems_are_its_own_with_row_numbers(planned_town, lang):
    page = shown(planned_town, "data", lang, part="problems")
    report = quality_of(Workspace.open(planned_town).read)
    one = report.problems[report.problems["problem"] == "gcj02"].iloc[0]
    page = page.selectbox(key="data file").set_value(one["import_id"] + one["file"]).run()
    cells = cells_of(page)
    numbers = one["examples"].replace(",", text("list.mark", lang=lang))
    assert {numbers, f"{one['rows']:,}", figures.percent(one["share_pct"])} <= cells
    others = report.problems[report.problems["file"] != one["file"]]["problem"]
    strange = set(others) - set(report.problems.loc[report.problems["file"] == one["file"], "problem"])
    assert not {headed(text(f"intake.reason.{problem}", lang=lang)) for problem in strange} & cells


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_empty_workspace_offers_the_way_in_and_says_where_to_begin(empty_station, lang):
    page = shown(empty_station, "data", lang)
    assert [info.value for info in page.info] == [text("page.data.first", lang=lang, folder=empty_station.name)]
    assert len(page.file_uploader) == 1
    assert page.get("iframe") == [] == list(page.metric)


def test_uploads_are_limited_in_size_and_kind(station):
    uploader = shown(station, "data").file_uploader[0]
    assert uploader.allowed_type == ENDINGS
    assert {".csv", ".xlsx", ".zip"} <= set(ENDINGS)
    assert not {".shp", ".exe", ".py"} & set(ENDINGS)
    assert uploader.proto.max_upload_size_mb == MOST_MB == 200


def test_a_preview_shows_how_columns_are_understood_and_no_persons(station):
    page = chosen(shown(station, "data"), ("2024.csv", CALLS))
    fields = {box.label.split("（")[0]: box.value for box in page.selectbox if "（" in box.label}
    assert fields["类别"] == "class"
    assert fields["占地"] == ""
    assert "处警民警" not in fields
    said = words(page)
    assert "2024-01-03 08:10" in said
    assert "33090013101313" not in said
    assert "张三" not in said


def test_a_file_is_imported_as_shown_reported_and_taken_back(station):
    before = len(Workspace.open(station).read("incidents"))
    page = pressed(chosen(shown(station, "data"), ("2024.csv", CALLS)), "import")
    said = words(page) + alerts(page)
    assert "读入 3 行 = 接受 2 + 搁置 1 + 拒绝 0" in said
    assert text("page.to_plans") in said, "the next step is a link, not a command line"
    assert "{" not in alerts(page)
    (noticed,) = [one for one in page.expander if one.label == text("page.upload.noticed", count=4)]
    assert text("intake.dropped", names="处警民警") in noticed.get("html")[0].value
    assert len(Workspace.open(station).read("incidents")) == before + 2
    value = {metric.label: metric.value for metric in page.metric}
    assert (value["读入"], value["接受"], value["搁置"]) == ("408", "402", "5")
    page = page.button(key="to aside").click().run()
    assert "2024" in next(str(one.value) for one in page.selectbox if one.key == "set aside file")
    page = pressed(page, undo_button(page))
    assert "2024.csv" in alerts(page)
    assert len(Workspace.open(station).read("incidents")) == before
    assert {metric.label: metric.value for metric in page.metric}["读入"] == "405"


def test_an_import_that_came_in_after_the_page_was_drawn_is_not_taken_back_unseen(station, tmp_path):
    page = shown(station, "data")
    old = undo_button(page)
    (tmp_path / "新.csv").write_text(CALLS, encoding="utf-8")
    import_files(Workspace.open(station), [tmp_path / "新.csv"], drop_person_columns=True)
    page = pressed(page, old)
    assert "新.csv" in Workspace.open(station).read("imports")["file"].tolist()
    assert undo_button(page) != old
    assert "新.csv" in words(page), "the page names what would go now"


def test_a_header_set_right_by_hand_is_used_now_and_known_the_next_time(station):
    strange = CALLS.replace("所属村庄", "甲乙丙").replace("占地", "所在")
    page = chosen(shown(station, "data"), ("2024.csv", strange))
    box = next(box for box in page.selectbox if box.label.startswith("甲乙丙"))
    assert box.value == ""
    page = pressed(box.set_value("village").run(), "import")
    assert not page.error
    assert '"甲乙丙" = "village"' in (station / "station.toml").read_text(encoding="utf-8")
    page = chosen(page, ("2024b.csv", strange.splitlines()[0] + "\n" + NEXT))
    box = next(box for box in page.selectbox if box.label.startswith("甲乙丙"))
    assert (box.value, text("page.upload.how.own") in box.label) == ("village", True)


def test_a_table_that_nobody_knows_is_understood_once_its_columns_are_named(station):
    page = chosen(shown(station, "data"), ("x.csv", "报警时间,寅卯,案发地址\n2024-01-03 08:10,盗窃,某路\n"))
    assert "x.csv 看不出是什么表" in alerts(page)
    assert text("page.upload.first_rows_unknown", count=1) in words(page), "the address is there, so it must be said"
    assert text("page.upload.first_rows", count=1) not in words(page)
    assert text("page.upload.unknown") in words(page)
    table = next(box for box in page.selectbox if box.label == text("page.upload.table"))
    page = table.set_value("incidents").run()
    first = next(box for box in page.selectbox if box.label.startswith("寅卯")).options[1:5]
    assert "报警时间" in first, "what a table cannot do without is offered first"
    for header, field in (("报警时间", "reported_at"), ("寅卯", "type")):
        page = next(box for box in page.selectbox if box.label.startswith(header)).set_value(field).run()
    page = pressed(page, "save")
    assert text("page.upload.unknown") not in words(page)
    page = pressed(page, "import")
    assert "读入 1 行 = 接受 1 + 搁置 0 + 拒绝 0" in words(page)


def test_a_table_named_by_hand_is_mapped_as_it_would_be_by_itself(station):
    content = "寅卯,警情细类,案发地址,报警方式,处警人,简要案情\n2024-01-03 08:10,盗窃,某路,110接警,张三,某事\n"
    page = chosen(shown(station, "data"), ("z.csv", content))
    table = next(box for box in page.selectbox if box.label == text("page.upload.table"))
    page = table.set_value("incidents").run()
    fields = {box.label.split("（")[0]: box.value for box in page.selectbox if "（" in box.label}
    assert fields == {"寅卯": "", "警情细类": "subtype", "案发地址": "address", "报警方式": "channel"}
    assert text("intake.dropped", names="处警人、简要案情") in words(page)
    page = next(box for box in page.selectbox if box.label.startswith("寅卯")).set_value("reported_at").run()
    page = pressed(page, "import")
    assert "读入 1 行 = 接受 1 + 搁置 0 + 拒绝 0" in words(page)
    written = (station / "station.toml").read_text(encoding="utf-8")
    assert ('"寅卯" = "reported_at"' in written, "警情细类" in written) == (True, False)


def test_a_file_without_any_known_header_is_shown_with_its_rows_mapped_and_remembered(station):
    rows = "".join(f"2024-01-{day:02d} 08:1{day % 10};盗窃{day}\n" for day in range(1, 26))
    page = chosen(shown(station, "data"), ("y.csv", "某某登记\n子丑;寅卯\n" + rows))
    assert text("page.upload.unknown") in words(page)
    (head,) = (body for body in (one.proto.body for one in page.get("html")) if "盗窃1" in body)
    assert ("盗窃1" in head, "盗窃20" in head, "盗窃21" in head) == (True, True, False)
    table = next(box for box in page.selectbox if box.label == text("page.upload.table"))
    page = table.set_value("incidents").run()
    for header, field in (("子丑", "reported_at"), ("寅卯", "type")):
        page = next(box for box in page.selectbox if box.label.startswith(header)).set_value(field).run()
    page = pressed(page, "import")
    assert "读入 25 行" in words(page)
    assert '"子丑" = "reported_at"' in (station / "station.toml").read_text(encoding="utf-8")


def test_a_file_about_persons_is_refused_before_it_is_read_and_nothing_is_kept(station):
    file = ("名单.csv", "报警时间,类别,报警人姓名\n2024-01-03 08:10,盗窃,王五\n")
    page = chosen(shown(station, "data"), file)
    assert "报警人姓名" in alerts(page)
    assert "王五" not in words(page)
    assert page.button(key="import").disabled
    page = next(box for box in page.checkbox if "个人信息" in box.label).check().run()
    page = pressed(page, "import")
    assert "读入 1 行 = 接受 1" in words(page)
    everything = b"".join(
        path.read_bytes() for path in station.rglob("*") if path.is_file() and "raw" not in path.parts
    )
    assert "王五".encode() not in everything


def test_only_the_files_that_are_understood_are_imported_and_the_button_says_so(station):
    strange, persons = ("z.csv", "寅卯,卯辰\n2024-01-03 08:10,盗窃\n"), ("p.csv", "寅卯,报警人姓名\n盗窃,王五\n")
    page = chosen(shown(station, "data"), ("2024.csv", CALLS), strange, persons)
    assert page.button(key="import").label == text("page.upload.import_some", count=1, left=2)
    assert [("p.csv" in one.value, "报警人姓名" in one.value) for one in page.error] == [(True, True)]
    assert ["z.csv" in one.value for one in page.warning] == [True], "of the refused file one thing is said"
    table = next(box for box in page.selectbox if box.label == text("page.upload.table"))
    page = table.set_value("incidents").run()
    for header, field in (("寅卯", "reported_at"), ("卯辰", "type")):
        assert len(page.warning) == 1
        page = next(box for box in page.selectbox if box.label.startswith(header)).set_value(field).run()
    assert page.button(key="import").label == text("page.upload.import_some", count=2, left=1)
    assert not page.warning, "what was not understood now is"
    before = len(Workspace.open(station).read("imports"))
    pressed(page, "import")
    assert set(Workspace.open(station).read("imports")["file"].iloc[before:]) == {"2024.csv", "z.csv"}


def test_a_damaged_file_is_one_sentence_and_cannot_be_imported(station):
    page = chosen(shown(station, "data"), ("坏.xlsx", "PK\x03\x04 not a workbook"))
    assert "坏.xlsx" in alerts(page)
    assert page.button(key="import").disabled


def test_names_from_outside_are_words_and_not_markup(station):
    page = chosen(shown(station, "data"), ("a[b](x)`c`.csv", CALLS.replace("占地", ":red[x] <b>")))
    labels = [box.label for box in page.selectbox]
    assert any(label.startswith(r"\:red\[x\] \<b\>") for label in labels)
    assert r"a\[b\](x)\`c\`.csv" in "\n".join(str(one.value) for one in page.markdown)


def test_an_uploads_folder_goes_away(station, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    pressed(chosen(shown(station, "data"), ("../../2024.csv", CALLS)), "import")
    assert list(place.iterdir()) == []
    assert not list(tmp_path.rglob("2024.csv")), "the name of an upload is never a path"
    shutil.rmtree(place)


def test_a_coordinate_system_that_a_person_knows_is_said_with_the_file_and_kept(station):
    page = chosen(shown(station, "data"), ("一月.csv", CALLS))
    system = next(one for one in page.selectbox if str(one.key).startswith("datum "))
    assert system.value == ""
    system.set_value("gcj02").run()
    pressed(page, "import")
    assert Workspace.open(station).intake["datum"] == {"一月.csv": "gcj02"}
    remarks = Workspace.open(station).read("imports")["remarks"].iloc[-1]
    assert "own_datum" in remarks


def box_of(page: AppTest, word: str):
    return next(box for box in page.selectbox if box.label.startswith(word))


def test_class_words_are_named_before_a_file_comes_in_and_known_from_then_on(station):
    strange = CALLS.replace("打架斗殴", "推推搡搡").replace("刑事警情,盗窃", "甲,顺手牵羊")
    page = chosen(shown(station, "data"), ("2024.csv", strange))
    assert text("page.words.help_before") in words(page)
    assert "治安警情/推推搡搡（1 行，只认出大类）" in [box.label for box in page.selectbox]
    page = box_of(page, "甲/顺手牵羊（2 行").set_value("theft").run()
    page = pressed(page, "import")
    assert "读入 3 行 = 接受 2 + 搁置 1" in words(page), "only the row without a time is set aside"
    assert '"顺手牵羊" = "theft"' in (station / "station.toml").read_text(encoding="utf-8")
    page = chosen(page, ("2024b.csv", strange.splitlines()[0] + "\n" + NEXT.replace("邻里纠纷", "顺手牵羊")))
    assert box_of(page, "纠纷/顺手牵羊（1 行，本所的）").value == "theft"


def test_class_words_are_named_afterwards_and_their_rows_read_anew(station):
    strange = CALLS.replace("打架斗殴", "推推搡搡").replace("刑事警情,盗窃", "甲,顺手牵羊")
    before = len(Workspace.open(station).read("incidents"))
    page = pressed(chosen(shown(station, "data"), ("2024.csv", strange)), "import")
    assert "甲/顺手牵羊 1 行" in words(page), "the report names the words; the other row waits for its time first"
    page = page.button(key="to aside").click().run()
    assert page.button(key="save words").disabled
    assert box_of(page, "治安警情/推推搡搡（1 行").options[1].startswith("治安警情"), (
        "of a known class its types stand first"
    )
    page = box_of(page, "甲/顺手牵羊（1 行，不认识）").set_value("theft").run()
    page = box_of(page, "治安警情/推推搡搡（1 行，只认出大类）").set_value("assault").run()
    page = pressed(page, "save words")
    assert text("page.words.done", words=2, rows=2) in alerts(page)
    assert "读入 2 行 = 接受 1 + 搁置 1" in words(page), "the row without a time waits for that now"
    table = Workspace.open(station).read("incidents").iloc[before:]
    assert sorted(zip(table["type"], table["subtype"], strict=True)) == [("assault", "推推搡搡"), ("theft", "顺手牵羊")]
    assert box_of(page, "刑事警情/顺手牵羊（1 行，本所的）").value == "theft"
