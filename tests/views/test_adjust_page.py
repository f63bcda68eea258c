"""The page for adjusting zones: options shown with their bounds, one picked becomes the plan."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from gis_data.catalogue import LANGUAGES, text
from gis_data.workspace import Workspace
from models.plan import Plan
from models.store import load_plans, save_plans

from .test_pages import shown, words


def option(option_id, kind, **values):
    plain = {
        "option_id": option_id, "kind": kind, "count": 6, "tolerance": 0.1, "budget": -1, "ended_by": "optimal",
        "travel_min": 4.4, "bound_min": 4.4, "gap": 0.0, "max_ratio": 1.09, "min_ratio": 0.92, "ground_rms_km": 1.97,
        "moved": 24, "found": True,
    }  # fmt: skip
    return plain | values


@pytest.fixture
def town(planned_town, tmp_path):
    """A copy of the planned sample town with three options: the plan itself under two names, and one without plan."""
    root = tmp_path / "town"
    shutil.copytree(planned_town, root)
    ws = Workspace.open(root)
    plans = load_plans(ws)
    zones = plans["zones"]
    rows = [
        option("moves-3", "moves", budget=3, ended_by="infeasible", found=False, travel_min=float("nan")),
        option("balance-10", "balance", travel_min=zones.objective, bound_min=zones.bound),
        option("balance-15", "balance", tolerance=0.15, travel_min=zones.objective, bound_min=4.3, gap=0.02),
    ]  # fmt: skip
    post = zones.tables["units"]["zone_id"].map(zones.to_frame().set_index("zone_id")["post_unit"])
    units = zones.tables["units"]["unit_id"]
    posts = pd.concat(
        [
            pd.DataFrame({"option_id": name, "unit_id": units, "post_unit": post})
            for name in ("balance-10", "balance-15")
        ]
    )
    note = ("options.note.basis", {"options": 3, "seconds": "10"})
    tables = {"options": pd.DataFrame(rows), "posts": posts}
    made = Plan(
        "options", tables, dict(zones.settings), seed=zones.seed, seconds=9.0, inputs=zones.inputs, notes=(note,)
    )  # fmt: skip
    save_plans(ws, plans | {"options": made}, run="29990101T000000")
    return root


@pytest.mark.parametrize("lang", LANGUAGES)
def test_options_stand_with_their_bounds_and_those_without_a_plan_say_so(town, lang):
    said = words(shown(town, "adjust", lang))
    assert text("page.adjust.proven_none", lang=lang) in said
    assert text("page.adjust.asked.balance", lang=lang, tolerance="15") in said
    assert text("page.adjust.in_use", lang=lang) in said
    assert "2.0%" in said


def test_a_picked_option_becomes_the_plan_and_says_how_to_get_it_again(town):
    page = shown(town, "adjust")
    assert page.button(key="take option").disabled
    page.selectbox(key="option").select("balance-15").run()
    page.button(key="take option").click().run(timeout=120)
    assert not page.exception
    assert "--set zones.tolerance=0.15" in page.success[0].value
    zones = load_plans(Workspace.open(town))["zones"]
    assert zones.settings["option"] == "balance-15"
    assert zones.bound == pytest.approx(4.3)


def test_a_town_without_options_offers_to_reckon_them(town):
    ws = Workspace.open(town)
    save_plans(ws, {"zones": load_plans(ws)["zones"]}, run="29990102T000000")
    page = shown(town, "adjust")
    assert text("page.adjust.none") in words(page)
    assert page.button(key="reckon options").label == text("page.adjust.reckon")


def test_a_city_of_many_units_has_no_yardstick_and_no_dash_for_a_number(town):
    ws = Workspace.open(town)
    plans = load_plans(ws)
    today = plans["zones"].tables["today"].assign(
        beats_travel_pct=float("nan"), beats_balance_pct=float("nan"), random_plans=0, random_distinct=0
    )  # fmt: skip
    zones = replace(plans["zones"], tables={**plans["zones"].tables, "today": today})
    save_plans(ws, plans | {"zones": zones}, run="29990102T000000")
    said = words(shown(town, "adjust"))
    assert "nan" not in said
    assert text("page.adjust.yardstick", plans=1000, distinct=981)[:8] not in said
