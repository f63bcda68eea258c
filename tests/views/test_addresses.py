"""What a page shows stands in its address: a link that is pasted shows it again, and nonsense in a link is ignored."""

import datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from views.pages import edit

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
