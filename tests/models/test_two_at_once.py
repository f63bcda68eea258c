"""Two people who change the plans at the same moment: nobody's decision is lost without a word."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gis_data.errors import InputError
from models.edit import Change
from models.rezone import open_edit, record_change
from models.store import load_plans
from models.town_plan import plan_town


@pytest.fixture
def ws(small_workspace):
    return small_workspace(tolerance=0.6)


def locked(ws):
    return {item["units"][0] for item in load_plans(ws)["zones"].settings["by_hand"]}


def test_what_two_keep_in_the_same_moment_is_both_kept(ws):
    units = open_edit(ws)[2].ids[:3]
    with ThreadPoolExecutor(3) as pool:
        made = [pool.submit(record_change, ws, Change("lock", (unit,)), reason="试") for unit in units]
    assert [one.exception() for one in made] == [None] * 3
    assert locked(ws) == set(units)


def test_a_plan_reckoned_meanwhile_does_not_overwrite_what_a_hand_decided(ws):
    unit = open_edit(ws)[2].ids[0]
    kept = []

    def colleague(step, share):
        if not kept and step == "command.step.zones" and share == 1.0:
            kept.append(record_change(ws, Change("lock", (unit,)), reason="工作站在此"))

    with pytest.raises(InputError, match="重新计算"):
        plan_town(ws, ["zones"], seed=1, progress=colleague)
    assert locked(ws) == {unit}
    assert "zones" in plan_town(ws, ["zones"], seed=1)
