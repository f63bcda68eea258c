"""Options beside the plan: each a legal plan with its bound, milder wishes never dearer, and one picked becomes it."""

import json

import networkx as nx
import numpy as np
import pytest

from gis_data.errors import InputError
from models.rezone import choose_option
from models.store import load_plans
from models.town_plan import plan_town
from models.zone_case import make_case
from models.zone_options import plan_options

COUNTS = (9, 14, 6, 11, 10, 7, 13, 10)
ZONES = {"tolerance": 0.25, "time_limit_s": 20.0}


@pytest.fixture(scope="module")
def options(grid_town):
    town = grid_town(bridges=(300.0, 2100.0), counts=COUNTS, zones=ZONES)
    case = make_case(town.study, *town.tables, period=town.period, count=2)
    return case, plan_options(case, seed=1)


def test_every_option_is_connected_balanced_and_no_better_than_its_bound(options):
    case, plan = options
    table, posts = plan.to_frame(), plan.tables["posts"]
    ids = case.ground.units["unit_id"].to_numpy()
    graph = nx.Graph([(ids[a], ids[b]) for a, b in case.ground.pairs.tolist()])
    assert set(table["kind"]) == {"moves", "balance", "count"}
    for row in table[table["found"]].itertuples():
        post = posts[posts["option_id"] == row.option_id].set_index("unit_id")["post_unit"]
        load = case.with_count(row.count).ground.units.set_index("unit_id")["total_min"]
        zones = post.groupby(post).groups
        assert len(zones) == row.count
        assert all(nx.is_connected(graph.subgraph(members)) for members in zones.values())
        work = np.array([load[members].sum() for members in zones.values()])
        assert (abs(work / work.mean() - 1) <= row.tolerance + 1e-5).all()
        assert work.max() / work.mean() == pytest.approx(row.max_ratio)
        assert row.bound_min <= row.travel_min + 1e-9
        assert row.budget < 0 or row.moved <= row.budget


def test_more_moves_a_wider_tolerance_and_more_zones_never_cost_more(options):
    table = options[1].to_frame()
    for kind, by in (("moves", "budget"), ("balance", "tolerance"), ("count", "count")):
        mine = table[(table["kind"] == kind) & table["found"]].sort_values(by)
        assert len(mine) > 1
        assert (mine["travel_min"].diff().dropna() <= 1e-9).all()
        if kind != "count":
            assert (mine["bound_min"].diff().dropna() <= 1e-9).all()


@pytest.fixture
def workspace(small_workspace):
    """Return a planned workspace with options."""
    ws = small_workspace(counts=COUNTS, **ZONES)
    plan_town(ws, ["options"], seed=1)
    return ws


def test_a_picked_option_becomes_the_plan_with_its_settings_and_another_takes_it_back(workspace):
    before = load_plans(workspace)
    table = before["options"].to_frame().set_index("option_id")
    changed = table[table["found"] & (table["kind"] == "count") & (table["count"] == 3)].index[0]
    made = choose_option(workspace, changed)
    now = load_plans(workspace)
    assert len(now["zones"].to_frame()) == len(now["scorecard"].to_frame()) == 3
    assert now["zones"].settings["count"] == 3
    assert now["zones"].settings["option"] == changed
    assert made.objective == pytest.approx(table.loc[changed, "travel_min"])
    assert made.bound == pytest.approx(table.loc[changed, "bound_min"])
    line = json.loads((workspace.root / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["action"], line["parameters"]["option"]) == ("choose", changed)
    choose_option(workspace, "balance-25")
    again = load_plans(workspace)
    zone = [plans["zones"].tables["units"].set_index("unit_id")["zone_id"].to_dict() for plans in (before, again)]
    assert zone[0] == zone[1]
    assert again["zones"].objective == pytest.approx(before["zones"].objective)


def test_an_unknown_option_and_one_reckoned_from_older_records_are_refused(workspace):
    with pytest.raises(InputError, match="moves-99"):
        choose_option(workspace, "moves-99")
    workspace.write({"incidents": workspace.read("incidents").iloc[:-5]})
    with pytest.raises(InputError, match="plan DIR options"):
        choose_option(workspace, "balance-25")
