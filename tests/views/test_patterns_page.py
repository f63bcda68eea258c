"""The page Patterns: its numbers are the functions' numbers, each figure says what it rests on, in both languages."""

import dataclasses
import html
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.change import compare_periods, reporting_delay, type_drift
from analysis.concentration import measure_concentration
from analysis.counting import count_per_cell
from analysis.gi_star import gi_star_cells
from analysis.hours import hour_profile
from analysis.near_repeat import find_near_repeats
from analysis.scan import scan_villages
from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.periods import Period
from gis_data.taxonomy import PREVENTABLE, drives_allocation, has_a_place, with_point
from gis_data.workspace import Workspace
from models.store import load_plans
from views import pattern_words as said
from views import patterns, today
from views.formats import day_words, headed
from views.pages import today as today_page
from views.pages.address import TO
from views.pages.patterns import PARTS
from views.patterns import Question
from views.station import Station

from .conftest import tiny_workspace
from .test_pages import html as html_of
from .test_pages import shown, words

NAMES = ("东河", "西河", "南岭", "北岭", "集上", "王庄")


@pytest.fixture(scope="module")
def town(planned_town):
    ws = Workspace.open(planned_town)
    incidents = ws.read("incidents")
    known = Period.of(incidents["reported_at"])
    return ws, incidents, drives_allocation(incidents), known


def month(start: str, end: str) -> Period:
    return Period(*(pd.Timestamp(day, tz="Asia/Shanghai") for day in (start, end)))


def question(known: Period, class_set: str = "all", period: Period | None = None, unit: str = "month") -> Question:
    return Question(class_set, period or known, unit, known)


def tables(page) -> list[list[list[str]]]:
    """Return every table on the page as rows of words, its head first."""
    found = []
    for block in html_of(page):
        if "xq-table" in block and "<thead>" in block:
            # A head is kept in one piece by spans around its unit and by hyphens that do not break.
            plain = re.sub(r"</?span[^>]*>", "", block).replace("\u2011", "-")
            rows = re.findall(r"<tr>(.*?)</tr>", plain, re.DOTALL)
            found.append([[html.unescape(c) for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows])
    return found


def table_with(page, column: str, lang: str, *, at: int = 0) -> list[list[str]]:
    head = text(f"page.patterns.column.{column}", lang=lang)
    return [rows for rows in tables(page) if head in rows[0]][at]


def captions(page) -> str:
    return "\n".join(str(caption.value) for caption in page.caption)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_changes_are_those_of_the_function_and_few_have_no_percentage(planned_town, town, lang):
    _, _, reported, _ = town
    page = shown(planned_town, "patterns", lang, part="changed")
    now = month("2023-12-01", "2024-01-01")
    for at, before in enumerate((month("2023-11-01", "2023-12-01"), month("2022-12-01", "2023-01-01"))):
        rows = {row[0]: row[1:] for row in table_with(page, "count_before", lang, at=at)[1:]}
        wanted = compare_periods(reported, now, before, by=["incident_class"])
        assert len(rows) == len(wanted) + 1
        for row in wanted.to_dict("records"):
            few = np.isnan(row["change_pct"])
            assert few == (row["count_before"] < 10)
            assert rows[headed(text(f"class.{row['incident_class']}", lang=lang))] == [
                f"{row['count']:.0f}", f"{row['count_before']:.0f}",
                text("page.patterns.few", lang=lang) if few else f"{row['change_pct']:+.0f}%",
                f"{row['low']:.2f}–{row['high']:.2f}", text(f"scorecard.word.{row['word']}", lang=lang),
            ]  # fmt: skip
        whole = compare_periods(reported, now, before).iloc[0]
        assert rows[text("page.patterns.together", lang=lang)][:2] == [
            f"{whole['count']:.0f}", f"{whole['count_before']:.0f}"
        ]  # fmt: skip
        both = reported[now.holds(reported["reported_at"]) | before.holds(reported["reported_at"])]
        assert basis(both, text("page.patterns.against", lang=lang, now=now, before=before), lang) in captions(page)


def basis(rows: gpd.GeoDataFrame, period: object, lang: str, *, used: int | None = None, which: str = "") -> str:
    """Return the caption of a figure, counted anew."""
    total = int(rows["count"].sum())
    return text(
        "page.patterns.basis", lang=lang, set=which or text("page.patterns.set.all", lang=lang), period=period,
        incidents=f"{total:,}", used=f"{total if used is None else used:,}",
        no_place=f"{total - int(with_point(rows)['count'].sum()):,}",
        no_time=f"{int(rows.loc[rows['occurred_from'].isna(), 'count'].sum()):,}",
    )  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hours_are_those_of_the_function(planned_town, town, lang):
    _, _, reported, known = town
    page = shown(planned_town, "patterns", lang, part="when")
    profile = hour_profile(reported["occurred_from"], reported["occurred_to"], reported["count"])
    bands = table_with(page, "share_short", lang)[1:]
    assert [row[1] for row in bands] == [f"{weight:,.0f}" for weight in profile.by_band]
    assert f"{100 * profile.long_span_share:.1f}%" in captions(page)
    assert basis(reported, known, lang, used=profile.known) in captions(page)
    assert len(page.get("vega_lite_chart")) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hot_cells_are_those_of_the_function(planned_town, town, lang):
    ws, _, reported, known = town
    page, points, cells = shown(planned_town, "patterns", lang), with_point(reported), ws.read("cells")
    hot = gi_star_cells(points, cells)
    hot = hot[hot["verdict"] == "hot"]
    rows = {row[0]: row for row in table_with(page, "around", lang)[1:]}
    assert {(key, rows[key][3], rows[key][4]) for key in rows} == {
        (str(row["cell_id"]), f"{row['around_count']}", f"{row['z']:.1f}") for row in hot.to_dict("records")
    }
    on_cells, _ = count_per_cell(points, cells)
    assert basis(reported, known, lang, used=int(on_cells.sum())) in captions(page)
    assert text("page.patterns.hot", lang=lang, count=len(hot), cold=0) in words(page)
    assert len(page.get("iframe")) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_new_is_what_the_scan_finds(planned_town, town, lang):
    ws, _, reported, known = town
    page = shown(planned_town, "patterns", lang, part="news")
    rng = np.random.default_rng([ws.study.settings.seed, patterns.SCAN_DRAWS])
    scan = scan_villages(reported, ws.read("villages"), known, max_radius_m=2_000, clusters=3, rng=rng).clusters
    news = table_with(page, "since", lang)[1:]
    assert [row[2:] for row in news] == [
        [f"{row['count']}", f"{row['expected']:.1f}", f"{row['p_value']:.3f}"] for row in scan.to_dict("records")
    ]
    p = scan["p_value"].iloc[0]
    answer = text(f"page.patterns.news.{'yes' if p <= 0.05 else 'no'}", lang=lang, p=f"{p:.3f}", looks=20)
    assert answer in html.unescape("".join(html_of(page)))
    here = reported["village_id"].isin(ws.read("villages")["village_id"])
    assert basis(reported, known, lang, used=int(reported.loc[here, "count"].sum())) in captions(page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_concentration_is_that_of_the_function(planned_town, town, lang):
    ws, _, reported, known = town
    page = shown(planned_town, "patterns", lang, part="focus")
    on_cells, _ = count_per_cell(with_point(reported), ws.read("cells"))
    rng = np.random.default_rng([ws.study.settings.seed, patterns.FOCUS_DRAWS])
    focus = measure_concentration(on_cells, rng=rng)
    row = table_with(page, "gini_unbiased", lang)[1]
    assert row[1] == f"{focus.gini_unbiased:.2f} ({focus.low:.2f}–{focus.high:.2f})"
    assert row[4] == f"{focus.gini:.2f}"
    assert basis(reported, known, lang, used=int(on_cells.sum())) in captions(page)
    assert len(page.get("vega_lite_chart")) == 1


@pytest.mark.parametrize("part", PARTS)
def test_a_part_says_once_what_its_figures_rest_on_and_comes_back_from_its_address(planned_town, part):
    page = shown(planned_town, "patterns", part=part)
    assert page.query_params.get("part", "where") == part
    said_so = [line for line in captions(page).split("\n") if "这里用到" in line and "无可用位置" in line]
    assert len(said_so) == len(set(said_so)) == (2 if part == "changed" else 1)  # two comparisons, of different days


@pytest.mark.parametrize("lang", LANGUAGES)
def test_near_repeats_are_those_of_the_function_or_too_few(planned_town, town, lang):
    ws, _, reported, known = town
    page = shown(planned_town, "patterns", lang, part="repeats")
    crashes = reported[reported["type"] == "crash"]
    points = with_point(crashes)
    quarter = points["reported_at"].dt.tz_localize(None).dt.to_period("Q").astype(str)
    rng = np.random.default_rng([ws.study.settings.seed, patterns.NEAR_DRAWS])
    found = find_near_repeats(points, crs=ws.study.crs, rng=rng, exchange=quarter)
    cells = [cell for row in table_with(page, "distance", lang)[1:] for cell in row[1:]]
    said_there = [re.findall(r"[\d.,]+", cell)[:2] for cell in cells]  # the ratio, and the pairs it rests on
    assert said_there == [
        [f"{ratio:.2f}", f"{pairs:,.0f}"] for ratio, pairs in found.bands[["times_expected", "observed"]].to_numpy()
    ]
    assert [cell[0] in "▲△" for cell in cells] == found.bands["is_raised"].tolist()
    crash = text("type.crash", lang=lang)
    assert basis(crashes, known, lang, used=len(points), which=crash) in captions(page)
    with speaking(lang):  # AppTest names the options here, the page names them there
        page = page.selectbox(key="pattern type all").set_value("burglary").run()
    burglaries = len(with_point(reported[reported["type"] == "burglary"]))
    assert text("page.patterns.too_few", lang=lang, events=burglaries, fewest=200) in captions(page)
    assert not [rows for rows in tables(page) if text("page.patterns.column.distance", lang=lang) in rows[0]]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_warnings_of_codes_and_late_reports_are_those_of_the_functions(planned_town, town, lang):
    _, incidents, reported, known = town
    page = shown(planned_town, "patterns", lang, part="changed")
    now, before = month("2023-12-01", "2024-01-01"), month("2023-11-01", "2023-12-01")
    drift = type_drift(reported, now, before)
    delay = reporting_delay(reported, now, before, as_of=known.end)
    assert (drift["warning"] == "").all()
    everything = html.unescape("".join(html_of(page)))
    assert text("page.patterns.no_drift", lang=lang, types=len(drift)) in everything
    assert f"{100 * delay.completeness:.1f}%" in everything
    assert f"{delay.incidents:,}" in everything
    renamed = incidents.assign(type=incidents["type"].where(~now.holds(incidents["reported_at"]), "other_help"))
    with speaking(lang):
        lines = list(said.doubt_lines(patterns.doubts(renamed, question(known))))
        grown = text("type.other_help")
    assert any(grown in line for line in lines), "a month in which all was written as «other» is told"


def test_a_class_set_and_a_period_are_used_by_every_figure(planned_town, town):
    _, _, reported, _ = town
    page = shown(planned_town, "patterns")
    page = page.selectbox(key="pattern set").set_value("preventable").run()
    summer = month("2023-06-01", "2023-09-01")
    page = page.date_input[0].set_value((summer.start.date(), pd.Timestamp("2023-08-31").date())).run(timeout=120)
    assert not page.exception
    rows = reported[reported["type"].isin(PREVENTABLE) & summer.holds(reported["reported_at"])]
    which = text("page.patterns.set.preventable")
    asked = dict(page.query_params)
    assert asked == {"set": "preventable", "days": "2023-06-01..2023-08-31"}
    for part, used in (("where", len(with_point(rows))), ("when", int(rows["occurred_from"].notna().sum()))):
        said_there = captions(shown(planned_town, "patterns", **asked, part=part))
        assert basis(rows, summer, "zh", which=which, used=used) in said_there
    page = shown(planned_town, "patterns", **asked, part="changed")
    assert "2023-08-01 – 2023-08-31 对比 2023-07-01 – 2023-07-31" in captions(page)
    groups = {row[0] for row in table_with(page, "count_before", "zh")[1:]}
    assert groups <= {text(f"type.{kind}") for kind in PREVENTABLE} | {text("page.patterns.together")}
    assert "按周切成 13 段" in captions(shown(planned_town, "patterns", **asked, part="news"))


def test_a_set_without_incidents_in_the_period_is_one_sentence(planned_town):
    page = shown(planned_town, "patterns")
    page = page.selectbox(key="pattern set").set_value("fire_rescue").run()
    day = pd.Timestamp("2023-12-19").date()
    page = page.date_input[0].set_value((day, day)).run()
    assert [info.value for info in page.info] == [text("page.patterns.nothing")]


@pytest.mark.parametrize("unit", patterns.UNITS)
def test_records_that_do_not_reach_back_are_not_compared(town, unit):
    _, incidents, _, known = town
    early = dataclasses.replace(known, end=pd.Timestamp("2022-01-20", tz="Asia/Shanghai"))
    before, year = patterns.changes(incidents, question(known, period=early, unit=unit))
    assert year.table is None
    assert str(year.before) in said.change_line(year)
    assert (before.table is None) == (unit != "week")
    assert said.change_table(year).empty


@pytest.mark.parametrize(
    ("unit", "first"), [("week", "2023-08-07"), ("month", "2023-08-01"), ("quarter", "2023-07-01"),
                        ("year", "2023-01-01")],
)  # fmt: skip
def test_the_unit_compared_is_the_one_of_the_last_day(town, unit, first):
    known = town[3]
    asked = question(known, period=month("2022-03-01", "2023-08-10"), unit=unit)
    assert asked.now == month(first, "2023-08-10")


def test_the_plans_period_is_the_one_asked_about(planned_town, town):
    ws, incidents, _, known = town
    plans = load_plans(ws)
    cut = {"hotspots": dataclasses.replace(plans["hotspots"], settings={"period_start": "2022-01-01",
                                                                        "period_end": "2023-07-01"})}  # fmt: skip
    assert patterns.planned_period(plans, incidents) == known
    assert patterns.planned_period(cut, incidents) == month("2022-01-01", "2023-07-01")
    assert patterns.planned_period({}, incidents) == known


def test_a_sign_of_today_leads_to_the_days_it_was_read_from(town, monkeypatch):
    _, incidents, _, known = town
    last = incidents[
        (incidents["reported_at"] >= known.end - pd.Timedelta(days=31)) & (incidents["origin"] == "reported")
    ]
    grown = pd.concat([incidents, *[last[last["incident_class"] == "dispute"]] * 4], ignore_index=True)
    signs = list(today.change_signs(grown, "month"))
    assert ("dispute", known.end) in [(sign.query["set"], sign.period.end) for sign in signs]
    led: list[dict[str, str]] = []
    monkeypatch.setattr(today_page.frame, "link", lambda page, label, **query: led.append(query))
    today_page._sign_line(signs[0])
    first, final = led[0]["days"].split(TO)
    assert (first, final) == (f"{signs[0].period.start:%Y-%m-%d}", "2023-12-31")


@pytest.mark.parametrize("newer", [False, True])
def test_the_page_says_when_calls_are_newer_than_its_days(planned_town, newer):
    page = shown(planned_town, "patterns", part="changed", **({"days": "2023-01-01..2023-11-30"} if newer else {}))
    assert (text("page.patterns.newer", last=day_words(pd.Timestamp("2023-12-31"))) in captions(page)) == newer


def test_what_patrols_found_and_sensitive_types_are_in_no_set(town):
    _, incidents, _, known = town
    more = incidents.sample(500, random_state=1).assign(origin="discovered", caught_count=3)
    fraud = incidents.sample(500, random_state=2).assign(origin="reported", type="telecom_fraud")
    mixed = pd.concat([incidents, more, fraud], ignore_index=True)
    assert patterns.class_sets(mixed) == patterns.class_sets(incidents)
    for name in patterns.class_sets(incidents):
        rows = patterns.in_period(mixed, question(known, name))
        assert len(rows) == len(patterns.in_period(incidents, question(known, name)))
        assert (rows["origin"] == "reported").all()
        assert has_a_place(rows).all()


def planted(town, *, pairs: int = 150) -> gpd.GeoDataFrame:
    """Return burglaries of which each is followed within a week and 80 m by another, up to the last day."""
    ws, incidents, _, known = town
    rng = np.random.default_rng(1)
    xy = shapely.get_coordinates(ws.read("places").sample(pairs, random_state=3).geometry.centroid)
    day = known.start + pd.to_timedelta(rng.uniform(0, known.days - 7, pairs), unit="D")
    day = day.where(np.arange(pairs) > 0, known.end - pd.Timedelta(days=6))
    later = day + pd.to_timedelta(rng.uniform(0.1, 3.0, pairs), unit="D")
    points = np.vstack([xy, xy + rng.uniform(20, 50, (pairs, 2))])
    when = pd.Series(day.append(later).tz_convert("Asia/Shanghai"))
    return gpd.GeoDataFrame(
        {
            "incident_id": [f"p{n}" for n in range(2 * pairs)], "reported_at": when, "occurred_from": when,
            "occurred_to": when, "incident_class": "criminal", "type": "burglary", "origin": "reported",
            "caught_count": 0, "count": 1, "village_id": "", "precision": "exact",
        },
        geometry=gpd.points_from_xy(points[:, 0], points[:, 1]), crs=incidents.crs,
    )  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
def test_planted_near_repeats_open_windows_and_name_villages_and_places(town, lang):
    ws, _, _, known = town
    rows = planted(town)
    read = {"incidents": rows}
    found = patterns.repeats(lambda name: read[name] if name in read else ws.read(name), ws.study, question(known), "")
    assert found.found.bands.query("from_m == 1 and from_day == 0")["is_raised"].all()
    first = rows.geometry.iloc[0]
    assert set(found.windows["reach_m"]) == {100.0}
    assert found.windows.geometry.covers(first).any()
    land = set(found.villages["name"])
    cells = ws.read("cells")
    here = cells[cells.covers(first)]["village_id"].iloc[0]
    names = ws.read("villages").set_index("village_id")["name"]
    assert names[here] in land
    assert set(found.places["village_id"]) <= set(found.villages["village_id"])
    near = ws.read("places").set_index("place_id").loc[found.places["place_id"]]
    assert near.intersects(found.windows.union_all()).all()
    with speaking(lang):
        table = said.active_table(found)
        bands = said.repeat_table(found)
    assert len(table) == len(found.villages)
    assert any(cell.startswith("▲") for cell in bands.iloc[1, 1:])


def test_the_page_lists_the_villages_in_an_open_window(town, tmp_path):
    ws, _, _, _ = town
    from gis_data.tables import INCIDENTS

    copy = Workspace.create(tmp_path / "town", ws.study)
    copy.write({name: ws.read(name) for name in ("villages", "cells", "places")})
    copy.write({"incidents": INCIDENTS.conform(planted(town), crs=ws.study.crs)})
    page = shown(copy.root, "patterns", part="repeats")
    rows = table_with(page, "windows", "zh")
    assert len(rows) >= 2
    assert {row[0] for row in rows[1:]} <= set(ws.read("villages")["name"])
    assert any("▲" in cell for row in table_with(page, "distance", "zh")[1:] for cell in row)
    assert text("page.take.xlsx") in [button.label for button in page.get("download_button")]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_empty_workspace_says_what_to_do_first(empty_station, lang):
    page = shown(empty_station, "patterns", lang)
    assert [info.value for info in page.info] == [text("page.no_incidents", lang=lang, folder=empty_station.name)]
    assert text("page.patterns.help", lang=lang) in words(page)
    assert page.get("iframe") == [] == list(page.metric)


def test_without_cells_the_page_says_how_to_get_them_and_shows_the_rest(unplanned_station):
    page = shown(unplanned_station, "patterns")
    assert [info.value for info in page.info] == [text("page.patterns.no_ground", folder=unplanned_station.name)]
    assert page.get("iframe") == []
    assert len(table_with(shown(unplanned_station, "patterns", part="when"), "share_short", "zh")) == 5
    assert len(table_with(shown(unplanned_station, "patterns", part="news"), "since", "zh")) > 1
    assert table_with(shown(unplanned_station, "patterns", part="focus"), "gini_unbiased", "zh")[1:]


def test_without_villages_nothing_is_scanned(tmp_path):
    ws = tiny_workspace(tmp_path / "town")
    ws.write({"villages": ws.read("villages").iloc[:0]})
    assert text("page.patterns.no_news") in captions(shown(ws.root, "patterns", part="news"))


@pytest.mark.parametrize("part", PARTS)
def test_no_chinese_is_left_on_an_english_page_but_names(planned_town, town, part):
    ws = town[0]
    written = words(shown(planned_town, "patterns", "en", part=part))
    for name in [*ws.read("villages")["name"], *NAMES]:
        written = written.replace(name, "")
    assert [letter for letter in written if "\u4e00" <= letter <= "\u9fff" or letter in "，。；：、（）「」"] == []


def test_results_are_kept_while_the_station_stays_as_it_is(planned_town, monkeypatch):
    asked = []
    whole = patterns.ground
    monkeypatch.setattr(patterns, "ground", lambda *parts: asked.append(1) or whole(*parts))
    page = shown(planned_town, "patterns").selectbox(key="pattern set").set_value("help").run(timeout=120)
    page.button_group(key="pattern part").set_value("focus").run(timeout=120)
    assert len(asked) <= 2, "once for all, unless kept already, and once for the class"
    before = len(asked)
    with speaking("en"):
        shown(planned_town, "patterns", "en").selectbox(key="pattern set").set_value("help").run(timeout=120)
    assert len(asked) == before


def test_a_village_that_has_ended_is_no_longer_named_and_its_incidents_are_its_successors(tmp_path, monkeypatch):
    ws = tiny_workspace(tmp_path / "town")
    villages, incidents = ws.read("villages"), ws.read("incidents")
    ended, heir = (villages.loc[villages["name"] == name, "village_id"].item() for name in ("西河", "东河"))
    was, last = incidents["village_id"].value_counts(), incidents["reported_at"].max()
    villages.loc[villages["name"] == "西河", "valid_to"] = last - pd.Timedelta(days=30)
    villages.loc[villages["name"] == "东河", "aliases"] = "西河"
    ws.write({"villages": villages})
    station = Station(ws, {}, None, "").as_of(last)
    assert set(station.table("villages")["village_id"]) == set(villages["village_id"]) - {ended}
    now = station.table("incidents")["village_id"].value_counts()
    assert (now[heir], now.sum()) == (was[heir] + was[ended], was.sum())
    asked, scan, focus = [], patterns.news, patterns.focus
    monkeypatch.setattr(patterns, "news", lambda rows, of, *rest: asked.append((rows, of)) or scan(rows, of, *rest))
    monkeypatch.setattr(
        patterns, "focus", lambda rows, hot, of, *rest: asked.append((rows, of)) or focus(rows, hot, of, *rest)
    )
    for part in ("news", "focus"):
        shown(ws.root, "patterns", part=part)
    assert len(asked) == 2
    for rows, of in asked:
        assert set(of["village_id"]) == set(station.table("villages")["village_id"])
        assert not (rows["village_id"] == ended).any()
