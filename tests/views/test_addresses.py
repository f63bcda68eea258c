"""What a page shows stands in its address: a link that is pasted shows it again, and nonsense in a link is ignored."""

import datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gis_data.catalogue import text
from views.pages import beats, data, edit, patterns, scorecard

from .test_pages import shown

NONSENSE = ("unheard of", "2023-13-99..x", "..", "2031-01-01..2032-01-01", "2023-06-30..2023-06-01")


def copied(page: AppTest, station: Path, name: str) -> AppTest:
    """Open the page's address in a session of its own."""
    return shown(station, name, **dict(page.query_params))


def test_the_days_of_patterns_come_back_from_their_address(tiny_station):
    page = shown(tiny_station, "patterns")
    assert "days" not in page.query_params  # the plan's days need no word
    spring = (datetime.date(2023, 3, 1), datetime.date(2023, 5, 31))
    page.date_input[0].set_value(spring).run()
    assert page.query_params["days"] == "2023-03-01..2023-05-31"
    again = copied(page, tiny_station, "patterns")
    assert again.date_input[0].value == spring
    assert [one.value for one in again.metric] == [one.value for one in page.metric]


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_days_that_are_none_or_outside_the_records_are_ignored(tiny_station, nonsense):
    usual = shown(tiny_station, "patterns").date_input[0].value
    page = shown(tiny_station, "patterns", days=nonsense)
    assert page.date_input[0].value == usual
    assert "days" not in page.query_params


def test_the_beat_comes_back_from_its_address(planned_town):
    page = shown(planned_town, "beats")
    chosen = page.selectbox(key="beat").options[-1]
    page.selectbox(key="beat").select(chosen).run()
    assert copied(page, planned_town, "beats").selectbox(key="beat").value == chosen
    first = shown(planned_town, "beats", beat="unheard of").selectbox(key="beat")
    assert first.value == first.options[0]


def test_the_file_of_rows_set_aside_comes_back_from_its_address(planned_town):
    page = shown(planned_town, "data", part="problems")
    first = page.selectbox(key="set aside file").value
    chosen = sorted(path.stem for path in (planned_town / "set_aside").glob("*.csv"))[-1]
    assert chosen != first
    page.selectbox(key="set aside file").set_value(chosen).run()
    assert page.query_params["aside"] == chosen
    assert copied(page, planned_town, "data").selectbox(key="set aside file").value == chosen
    assert shown(planned_town, "data", part="problems", aside="../x").selectbox(key="set aside file").value == first


PARTS = [("patterns", "part", patterns.PARTS), ("data", "part", data.PARTS), ("scorecard", "part", scorecard.PARTS),
         ("hotspots", "list", ("found", "lives", "maybe")), ("cameras", "table", ("villages", "money")),
         ("beats", "table", beats.TABLES)]  # fmt: skip


@pytest.mark.parametrize(("page", "name", "known"), PARTS)
def test_a_page_begins_with_the_part_of_its_address(planned_town, page, name, known):
    """The first part needs no word in the address; nonsense there is the first part."""
    for asked in (known[-1], "unheard of"):
        opened = shown(planned_town, page, **{name: asked})
        (choice,) = [one for one in opened.button_group if tuple(one.options) == texts(page, name, known)]
        assert choice.value == (known[-1] if asked == known[-1] else known[0])
        assert opened.query_params.get(name, known[0]) == choice.value


def texts(page: str, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text(f"page.{page}.{name}.{one}") for one in known)


def test_the_edit_page_begins_with_the_mode_and_the_village_of_its_address(
    tiny_station, unplanned_station, monkeypatch
):
    monkeypatch.setattr(edit, "_open", lambda *_: None)  # to open a plan for editing takes seconds; its choices do not
    monkeypatch.setattr(edit, "cameras_after", lambda *_: None)
    monkeypatch.setattr(edit.cameras, "villages", lambda _: {"V1": "东河", "V5": "集上"})
    monkeypatch.setattr(edit, "_cameras", lambda *_: None)
    for asked, village in (("V5", "V5"), ("unheard of", "V1")):
        page = shown(tiny_station, "edit", mode="cameras", village=asked)
        assert page.button_group(key="edit mode").value == "cameras"
        assert page.selectbox(key="edit village").value == village
        assert dict(page.query_params) == {"mode": "cameras", "village": village}
    for asked, mode in (("roads", "roads"), ("unheard of", "zones")):
        assert shown(unplanned_station, "edit", mode=asked).button_group(key="edit mode").value == mode


def test_the_plans_page_comes_back_to_its_log_and_what_is_looked_for_there(tiny_station):
    page = shown(tiny_station, "plans", tab="log")
    action = "create"
    page.multiselect(key="actions").set_value([action]).run()
    assert page.query_params["actions"] == action
    again = copied(page, tiny_station, "plans")
    assert again.button_group(key="plans tab").value == "log"
    assert again.multiselect(key="actions").value == [action]
    assert shown(tiny_station, "plans", tab="log", actions="unheard of..create").multiselect(key="actions").value == [
        action
    ]
    assert shown(tiny_station, "plans", tab="unheard of").button_group(key="plans tab").value == "steps"
