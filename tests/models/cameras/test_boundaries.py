"""The camera plan at its edges: 1,500 people to the head, no road, no house, one bridge, no money, too little money.

Each case goes through the whole plan, on villages of four houses' blocks.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.errors import InfeasibleError

from .referee import planned, seen_from, with_settings


@pytest.fixture(scope="module")
def town(make_town):
    """Two villages 1.5 km apart, of two by two blocks of houses."""
    return make_town(villages=2, blocks=2, populations=[1500, 1501], incidents=20, population_operator=">=")


@pytest.fixture(scope="module")
def plan(town):
    return planned(town)


def west(town, table):
    """Which rows of a table lie in the first village's half."""
    return (table.geometry.centroid.x < town.villages["centre_x"].mean()).to_numpy()


def has_cameras(plan):
    return plan.tables["summary"].set_index("village_id")["new_cameras"].gt(0).to_dict()


def test_exactly_1500_people_are_planned_with_one_operator_and_not_with_the_other(town, plan):
    assert has_cameras(plan) == {"V000": True, "V001": True}
    above = planned(town, study=with_settings(town, population_operator=">"))
    assert list(above.tables["summary"]["village_id"]) == ["V001"]
    assert set(above.to_frame()["village_id"]) == {"V001"}
    assert above.tables["villages"].set_index("village_id")["reasons"].to_dict() == {"V000": "", "V001": "population"}


@pytest.mark.parametrize("missing", ["roads", "buildings"])
def test_a_village_without_road_or_without_buildings_gets_nothing_is_named_and_costs_the_other_nothing(town, missing):
    table = getattr(town, missing)
    after = planned(town, **{missing: table[~west(town, table)]})
    assert has_cameras(after) == {"V000": False, "V001": True}
    row = after.tables["summary"].set_index("village_id").loc["V000"]
    assert (row["entrances"], row["fewest_cut"], row["cost_cny"], row["road_m"]) == (0, 0, 0, 0)
    assert dict(after.notes)["cameras.village_without_ground"] == {"villages": ["村0"]}
    assert after.tables["entrances"]["seen"].all()
    assert np.isfinite([after.objective, after.bound]).all()


def test_a_village_behind_one_bridge_has_one_entrance_and_one_place_that_cuts_it_off(town):
    """Of the four roads that lead into the first village only the northern one is left: a bridge, then open road."""
    after = planned(town, roads=with_one_bridge(town))
    row = after.tables["summary"].set_index("village_id").loc["V000"]
    assert (row["entrances"], row["entrances_seen"], row["fewest_cut"]) == (1, 1, 1)
    entrance = after.tables["entrances"].set_index("village_id").loc[["V000"]].geometry.to_numpy()
    assert shapely.get_y(entrance) > town.villages["centre_y"].iloc[0]
    assert seen_from(after, entrance, town.buildings, 125.0, town.study.settings.cameras).any()


def with_one_bridge(town):
    """The town's roads, the first village's with a single way out, 1.4 km long."""
    centre = town.villages.geometry.iloc[0]
    far = shapely.get_point(town.roads.geometry.to_numpy(), -1)
    leads_out = shapely.distance(far, centre) > 200
    bridge = leads_out & (shapely.get_y(far) > centre.y + 200) & west(town, town.roads)
    assert bridge.sum() == 1
    beyond = town.roads[bridge].assign(
        road_id=town.roads["road_id"].max() + 1,
        from_node=town.roads.loc[bridge, "to_node"],
        to_node=town.roads["to_node"].max() + 1,
        geometry=[shapely.LineString([far[bridge][0], (centre.x, centre.y + 1400)])],
    )
    kept = town.roads.assign(bridge=bridge)[~west(town, town.roads) | ~leads_out | bridge]
    return gpd.GeoDataFrame(pd.concat([kept, beyond], ignore_index=True), crs=town.roads.crs)


def test_a_budget_of_nothing_means_none_is_set_and_the_plan_says_what_it_took(town, plan):
    least, spent = cordon_of(plan), plan.tables["summary"]["cost_cny"].sum()
    assert town.study.settings.cameras.budget_cny == 0
    assert plan.settings["budget_cny"] == 10_000 * np.ceil(1.5 * least / 10_000)
    assert dict(plan.notes)["cameras.budget"] == {
        "budget": f"{plan.settings['budget_cny']:,.0f}", "spent": f"{spent:,.0f}"
    }  # fmt: skip


@pytest.mark.parametrize("share", [1e-5, 0.5, 1.0])
def test_a_budget_under_the_cordon_is_refused_with_both_numbers(town, plan, share):
    """A few yuan, half the price, and one yuan too few."""
    least = cordon_of(plan)
    budget = np.ceil(share * (least - 1))
    with pytest.raises(InfeasibleError, match=rf"\b{budget:,.0f} .*\b{least:,.0f} "):
        planned(town, study=with_settings(town, budget_cny=float(budget)))


def test_the_cordon_s_own_price_is_enough_and_all_is_spent_on_entrances(town, plan):
    least = cordon_of(plan)
    exactly = planned(town, study=with_settings(town, budget_cny=least))
    assert exactly.tables["entrances"]["seen"].all()
    assert exactly.tables["summary"]["cost_cny"].sum() <= least
    assert (exactly.to_frame()["entrances"] != "").all()


def cordon_of(plan):
    return float(dict(plan.notes)["cameras.cordon"]["least"].replace(",", ""))
