"""The pages' logic: what they say with plans, without plans, without records, and in both languages."""

import shutil
import sqlite3
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gis_data import acting
from gis_data.catalogue import LANGUAGES, flat, speaking, text
from gis_data.change_settings import change_settings
from gis_data.workspace import Workspace
from models.plan import Plan
from models.store import save_plans
from views import figures, patterns
from views.formats import day_words
from views.pages import print_out, today
from views.station import open_station

from .conftest import tiny_workspace
from .tiny_plans import tiny_plans
from .tiny_town import study

APP = Path(__file__).resolve().parents[2] / "app.py"
PAGES = ("today", "data", "map", "patterns", "hotspots", "zones", "cameras")
PLANNED = PAGES[4:]


def one_page(root: str, name: str, lang: str) -> None:
    import importlib
    from pathlib import Path

    from gis_data.acting import may
    from gis_data.catalogue import set_language
    from views.station import open_station

    set_language(lang)
    module = {"map": "incident_map", "print": "print_out"}.get(name, name)
    importlib.import_module(f"views.pages.{module}").show(open_station(Path(root), coarse=not may("points")))


def shown(
    root: Path, name: str, lang: str = "zh", *, session: Mapping[str, object] | None = None, **query: str
) -> AppTest:
    page = AppTest.from_function(one_page, args=(str(root), name, lang), default_timeout=120)
    for key, value in (session or {}).items():
        page.session_state[key] = value
    page.query_params.update(query)
    page.run()
    assert not page.exception, page.exception[0].message
    return page


@pytest.mark.parametrize(
    ("name", "query", "key"),
    [
        ("villages", {"village": "V3"}, "village"),
        ("hotspots", {"hotspot": "H2"}, "hotspot"),
        ("patterns", {"set": "preventable"}, "pattern set"),
        ("patterns", {"unit": "week", "part": "changed"}, "pattern unit"),
        ("map", {"set": "preventable"}, "map set"),
        ("cameras", {"village": "V5"}, "camera village"),
        ("zones", {"unit": "V5"}, "unit"),
        ("data", {"file": "a警情2023.xlsx", "part": "problems"}, "data file"),
        ("patterns", {"type": "crash", "part": "repeats"}, "pattern type all"),
    ],
)
def test_a_page_begins_with_what_its_address_asks_for_where_that_is_known(tiny_station, name, query, key):
    """The lines of Today and the page of a village lead to these pages so."""
    asked, value = next(iter(query.items()))
    page = shown(tiny_station, name, **query)
    assert page.selectbox(key=key).value == value
    assert page.query_params[asked] == value
    page = shown(tiny_station, name, **query | {asked: "unheard of"})
    assert page.selectbox(key=key).value not in ("unheard of", None)


def words(page: AppTest) -> str:
    """Everything on the page that is not a number of its own, as one text."""
    kinds = (page.header, page.subheader, page.caption, page.markdown, page.info, page.error)
    metrics = [f"{metric.label} {metric.value}" for metric in page.metric]
    return "\n".join([str(element.value) for kind in kinds for element in kind] + metrics + html(page))


def html(page: AppTest) -> list[str]:
    return [element.proto.body for element in page.get("html")]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_its_heading_help_map_and_mark(tiny_station, name, lang):
    page = shown(tiny_station, name, lang)
    said = words(page)
    assert [header.value for header in page.header] == [text(f"page.{name}.title", lang=lang)]
    assert text(f"page.{name}.help", lang=lang) in said
    assert text("map.synthetic", lang=lang) in said
    assert len(page.get("iframe")) == 1


@pytest.mark.parametrize("name", PAGES)
def test_no_chinese_is_left_on_an_english_page_but_names(tiny_station, name):
    said = words(shown(tiny_station, name, "en"))
    for own in ("东河", "西河", "南岭", "北岭", "集上", "王庄", "环镇路", "警情2023.xlsx"):
        said = said.replace(own, "")
    assert [letter for letter in said if "\u4e00" <= letter <= "\u9fff" or letter in "，。；：、（）「」"] == []


@pytest.mark.parametrize("name", PLANNED)
def test_a_missing_plan_is_named_with_the_command_that_makes_it(unplanned_station, name):
    page = shown(unplanned_station, name)
    assert [f"plan {unplanned_station.name} {name}" in info.value for info in page.info] == [True]
    assert len(page.get("iframe")) == 0


def test_a_workspace_without_plans_shows_what_came_in_and_says_what_to_do_next(unplanned_station):
    page = shown(unplanned_station, "today")
    assert text("agenda.plan.first") in words(page)
    assert len(page.get("iframe")) == 1
    plans = shown(unplanned_station, "plans")
    assert [f"plan {unplanned_station.name}」" in info.value for info in plans.info] == [True]


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_workspace_says_what_to_do_first(empty_station, name):
    page = shown(empty_station, name)
    wanted = f"plan {empty_station.name} {name}" if name in PLANNED else f"import {empty_station.name}"
    assert [wanted in info.value for info in page.info] == [True]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("beats", "plan {} beats"), ("scorecard", "plan {} scorecard"), ("adjust", "plan {} zones"),
        ("edit", "plan {} zones"), ("villages", "import {} "), ("plans", "plan {}"), ("print", "plan {}"),
    ],
)  # fmt: skip
def test_the_other_pages_of_an_empty_workspace_say_which_command_comes_first(empty_station, name, command):
    page = shown(empty_station, name)
    assert [command.format(empty_station.name) in info.value for info in page.info] == [True]


def test_settings_can_be_read_before_there_are_records(empty_station):
    page = shown(empty_station, "settings")
    assert text("page.settings.name", name=study().name) in words(page)


def test_totals_and_accounts_on_today_add_up(tiny_station):
    from gis_data.workspace import Workspace

    incidents = Workspace.open(tiny_station).read("incidents")
    reported, found = ((incidents["origin"] == origin).sum() for origin in ("reported", "discovered"))
    assert (
        figures.totals_by_class(incidents)["count"].sum() == figures.totals_by_month(incidents)["count"].sum() + found
    )
    page = shown(tiny_station, "today")
    value = {metric.label: metric.value for metric in page.metric}
    assert value[text("page.today.new_reports")] == str(reported)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_today_and_the_scorecard_count_differently_has_two_names(tiny_station, lang):
    named, helps = [], []
    for page in ("today", "scorecard"):
        metrics = shown(tiny_station, page, lang).metric
        named.append({metric.label for metric in metrics})
        helps.append(" ".join(metric.help for metric in metrics))
    assert not named[0] & named[1]
    other = [text("page.scorecard.title", lang=lang).casefold(), text("page.today.title", lang=lang).casefold()]
    assert [title in said.casefold() for title, said in zip(other, helps, strict=True)] == [True, True]


def test_cameras_that_stand_in_the_villages_named_only_are_called_so(tiny_station):
    for query, key in (({}, "page.cameras.standing_named"), ({"village": "V5"}, "page.cameras.standing")):
        labels = {metric.label for metric in shown(tiny_station, "cameras", **query).metric}
        both = {text("page.cameras.standing_named"), text("page.cameras.standing")}
        assert labels & both == {text(key)}


@pytest.mark.parametrize("name", ["plans", "adjust", "print", "settings"])
def test_what_an_account_may_not_do_is_at_rest_with_the_reason(tiny_station, monkeypatch, name):
    offered = {button.label for button in shown(tiny_station, name).button if not button.disabled}
    monkeypatch.setenv(acting.GUARDED, "1")  # who has not said who acts may only look
    buttons = {button.label: button for button in shown(tiny_station, name).button}
    assert offered
    assert offered <= buttons.keys()
    reasons = {text(f"error.access.{deed}") for deed in ("change", "approve")}
    assert [label for label, button in buttons.items() if not (button.disabled and button.help in reasons)] == []


def test_a_press_of_what_is_at_rest_does_nothing_and_whom_to_ask_stands_there(tiny_station, monkeypatch):
    monkeypatch.setenv(acting.GUARDED, "1")
    monkeypatch.setattr(print_out.work, "begin", lambda *_: pytest.fail("a viewer started work"))
    monkeypatch.setattr(st, "button", lambda *_, **__: True)  # as a browser that was told to says
    assert text("page.deed.change") in words(shown(tiny_station, "print"))


def test_what_somebody_else_set_meanwhile_is_not_set_back(tiny_station, tmp_path):
    root = Path(shutil.copytree(tiny_station, tmp_path / "town"))
    page = shown(root, "settings")
    field, other = "zones.tolerance", "beats.shift_h"
    change_settings(Workspace.open(root), {"beats": {"shift_h": 8.0}}, reason="a colleague's")
    (mine,) = (one for one in page.number_input if one.key.startswith(f"setting {field} "))
    mine.set_value(0.2)
    page.button[0].click().run()
    found = dict(flat(Workspace.open(root).study.settings.to_mapping()))
    assert (found[field], found[other]) == (0.2, 8.0)
    assert text("page.settings.moved", names=[text(f"page.settings.field.{other}")]) in page.success[0].value


def test_who_sees_cells_for_points_reads_the_same_figures(tiny_station, monkeypatch):
    read = words(shown(tiny_station, "hotspots"))
    monkeypatch.setenv(acting.GUARDED, "1")  # who has not said who acts sees cells
    assert words(shown(tiny_station, "hotspots")) == read


@pytest.mark.parametrize(("part", "made"), [("where", "ground"), ("repeats", "repeats")])
def test_patterns_are_reckoned_from_exact_points_whoever_looks(tiny_station, monkeypatch, part, made):
    taken = []

    def spy(rows, *others):
        taken.append((rows("incidents") if callable(rows) else rows).geometry)
        return reckon(rows, *others)

    reckon = getattr(patterns, made)
    monkeypatch.setattr(patterns, made, spy)
    monkeypatch.setenv(acting.GUARDED, "1")
    st.cache_data.clear()
    shown(tiny_station, "patterns", part=part)
    assert taken[0].geom_equals(open_station(tiny_station).table("incidents").geometry).sum() > 10
    assert not taken[0].geom_equals(open_station(tiny_station, coarse=True).table("incidents").geometry).all()


def test_a_planner_may_check_a_plan_and_not_approve_it(unplanned_station, tmp_path, monkeypatch):
    root = Path(shutil.copytree(unplanned_station, tmp_path / "town"))
    save_plans(Workspace.open(root), tiny_plans(Workspace.open(root)), run="20240701T080000")
    monkeypatch.setattr(acting, "actor", lambda: acting.Actor("规划员", "planner"))
    page = shown(root, "plans")
    page.text_input(key="step note").set_value("核对").run()
    page.button(key="to checked").click().run()
    page.text_input(key="step note").set_value("再看").run()
    approve = page.button(key="to approved")
    assert (approve.disabled, approve.help) == (True, text("error.access.approve"))
    assert not page.button(key="to proposal").disabled


def test_the_chosen_hotspot_is_explained_and_chance_is_called_chance(tiny_station):
    page = shown(tiny_station, "hotspots")
    assert "难以归于偶然" in words(page)
    page.selectbox(key="hotspot").select("H2").run()
    assert "与偶然无法区分，不作热点" in words(page)


def test_the_lives_of_hotspots_are_told_in_a_line_each(tiny_station):
    page = shown(tiny_station, "hotspots", list="lives")
    assert "期初已有，中断 1 次后再现，至今仍在" in words(page)
    assert "2023-03 从 L1 分出，移动 80 米，最后迹象在 2023-08" in words(page)
    assert "未列出的 1 处" in words(page)


def test_a_village_is_told_why_it_is_in_its_zone(tiny_station):
    page = shown(tiny_station, "zones")
    page.selectbox(key="unit").select("V5").run()
    assert "集上每周工作量 3.5 小时，划入 Z2" in words(page)


def test_the_camera_page_counts_a_village_alone_and_the_town_as_a_whole(tiny_station):
    page = shown(tiny_station, "cameras")
    value = {metric.label: metric.value for metric in page.metric}
    assert (value["新增监控"], value["看住路口"], value["价格（元）"]) == ("2", "3 / 4", "9,700")
    page.selectbox(key="camera village").select("V5").run()
    value = {metric.label: metric.value for metric in page.metric}
    assert (value["新增监控"], value["看住路口"], value["价格（元）"]) == ("1", "2 / 3", "7,400")
    assert "村中心东 120 米" in words(page)


def test_plans_that_found_nothing_are_pages_too(tmp_path):
    ws = tiny_workspace(tmp_path / "town")
    plans = tiny_plans(ws)
    nothing = {
        name: {key: table.iloc[:0] for key, table in plans[name].tables.items()} for name in ("hotspots", "cameras")
    }
    nothing["cameras"] |= {name: plans["cameras"].tables[name] for name in ("rules", "villages")}
    save_plans(
        ws,
        plans
        | {name: Plan(name, tables, plans[name].settings, seed=1, seconds=0.1) for name, tables in nothing.items()},
        run="1",
    )
    assert text("page.hotspots.none") in words(shown(ws.root, "hotspots"))
    value = {metric.label: metric.value for metric in shown(ws.root, "cameras").metric}
    assert (value["新增监控"], value["看住路口"], value["价格（元）"]) == ("0", "0 / 0", "0")
    shown(ws.root, "today")


def test_what_was_looked_ahead_is_not_computed_again(tiny_station, monkeypatch):
    st.cache_data.clear()  # of the pages that other tests opened
    with speaking("en"):
        today.look_ahead(open_station(tiny_station))

    def again(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    for module, names in ((patterns, ("news", "focus", "changes", "doubts")), (figures, ("totals_by_month",))):
        for name in names:
            monkeypatch.setattr(module, name, again)
    monkeypatch.setattr(today, "_map", again)
    shown(tiny_station, "today", "en")


def test_a_station_that_is_being_read_is_the_same_station(tiny_station):
    before = open_station(tiny_station)
    with closing(sqlite3.connect(tiny_station / "station.gpkg")) as reader:
        reader.execute("SELECT count(*) FROM incidents").fetchone()
        assert len(list(tiny_station.glob("station.gpkg-*"))) == 2
        assert open_station(tiny_station) is before


def test_sessions_that_ask_at_once_read_a_table_once(tiny_station):
    station, made = open_station(tiny_station), []

    def make() -> int:
        made.append(1)
        time.sleep(0.05)
        return 7

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: station.kept("asked at once", make), range(4))) == [7] * 4
    assert len(made) == 1


def test_the_door_opens_today_and_switches_its_language(tiny_station, monkeypatch):
    monkeypatch.setenv("XUNQU_WORKSPACE", str(tiny_station))
    page = AppTest.from_file(str(APP), default_timeout=120).run()
    assert [header.value for header in page.header] == ["今日"]
    page.radio(key="lang").set_value("en").run()
    assert [header.value for header in page.header] == ["Today"]
    assert not page.exception


def test_a_folder_that_is_no_workspace_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("XUNQU_WORKSPACE", str(tmp_path))
    page = AppTest.from_file(str(APP), default_timeout=120).run()
    assert not page.exception
    assert [str(tmp_path) in error.value for error in page.error] == [True]


def test_a_village_put_off_is_due_on_today_and_let_stand_on_the_page_of_plans(tmp_path):
    ws = tiny_workspace(tmp_path / "town")
    save_plans(ws, tiny_plans(ws), run="20240701T080000")
    toml = ws.root / "station.toml"
    before = toml.read_text(encoding="utf-8")
    assert 'deferred_villages = ""' in before
    toml.write_text(before.replace('deferred_villages = ""', 'deferred_villages = "东河=等新路"'), encoding="utf-8")
    kind = text("page.plans.decision.deferred_villages")
    day = day_words(pd.Timestamp.now("Asia/Shanghai").normalize())
    due = text("agenda.review.undated", kind=kind, names="东河", reason="等新路", day=day)
    assert due in words(shown(ws.root, "today"))
    page = shown(ws.root, "plans", tab="decisions")
    assert "等新路" in words(page)
    assert page.button(key="decision stands").disabled
    page.text_input(key="decision note").input("路还没通").run()
    page.button(key="decision stands").click().run()
    assert [done.value for done in page.success] == [text("page.plans.decision_noted", months=6)]
    assert due not in words(shown(ws.root, "today"))


def test_new_plans_appear_without_a_restart(tmp_path):
    ws = tiny_workspace(tmp_path / "town")
    plans = tiny_plans(ws)
    save_plans(ws, {"zones": plans["zones"]}, run="1")
    assert shown(ws.root, "hotspots").info
    save_plans(ws, plans, run="2")
    assert not shown(ws.root, "hotspots").info


def test_a_download_made_later_still_speaks_the_pages_language():
    from views.pages.frame import speaking as later

    with speaking("en"):
        make = later(lambda: text("page.zones.title").encode())
    assert make() == b"Patrol zones"


def test_tables_for_download_open_with_the_right_characters(tiny_station):
    from gis_data.workspace import Workspace

    data = figures.as_csv(Workspace.open(tiny_station).read("villages"))
    assert data.startswith(b"\xef\xbb\xbf")
    assert "集上" in data.decode("utf-8-sig")
    assert b"geometry" not in data
