"""Many cells: the same tables, rules and words as a plan of few, with the ordinary engine as the peer."""

import networkx as nx
import numpy as np
import pytest

import models.zones
from gis_data.errors import InfeasibleError, InputError
from models.zones import plan_zones


@pytest.fixture
def as_city(monkeypatch):
    """Take the city engine for every study without villages."""
    monkeypatch.setattr(models.zones, "CITY_FROM", 10)


def planned(town, *, count=3, seed=1):
    return plan_zones(town.study, *town.tables, period=town.period, seed=seed, count=count)


def town_of_cells(grid_town, **zones):
    return grid_town(villages=False, roads=False, counts=(9, 4, 4, 2, 4, 3, 5, 9), zones={"tolerance": 0.25} | zones)


def test_a_city_plan_has_the_tables_of_a_plan_of_cells_and_comes_near_it(grid_town, monkeypatch):
    town = town_of_cells(grid_town)
    few = planned(town)
    monkeypatch.setattr(models.zones, "CITY_FROM", 10)
    many = planned(town)
    for name, table in few.tables.items():
        assert list(many.tables[name].columns) == list(table.columns)
        assert len(many.tables[name]) == len(table)
    assert many.bound <= few.objective + 0.1
    assert many.objective <= 1.15 * few.objective
    units, zones = many.tables["units"], many.tables["zones"]
    assert zones["load_ratio"].between(0.75 - 1e-5, 1.25 + 1e-5).all()
    # Judged from the printed table alone: mean way = objective, hours add up, zones are whole.
    way = (units["travel_min"] * units["total_min"]).sum() / units["total_min"].sum()
    assert way == pytest.approx(many.objective)
    assert zones["workload_h_per_week"].sum() == pytest.approx(units["total_min"].sum() / 60)
    graph = nx.Graph(town.cell_edges[["cell_a", "cell_b"]].itertuples(index=False))
    zone = units.set_index(units["unit_id"].astype(int))["zone_id"]
    assert all(nx.is_connected(graph.subgraph(members)) for members in zone.groupby(zone).groups.values())
    terms = units[["incident_min", "patrol_min", "fixed_min", "trip_min"]]
    assert terms.sum(axis="columns").to_numpy() == pytest.approx(units["total_min"].to_numpy())
    assert terms["trip_min"].sum() > 0
    assert any(key == "zones.note.travel_city" for key, _ in many.notes)


@pytest.mark.usefixtures("as_city")
def test_without_a_bridge_no_zone_of_a_city_lies_on_both_banks(grid_town):
    # Fields without work count too: roads give every cell on them some patrol minutes, cells apart from them none.
    town = grid_town(villages=False, bridges=(), counts=(8,) * 8, zones={"tolerance": 0.25})
    units = planned(town, count=4).tables["units"]
    north = (units["y"] > units["y"].mean()).to_numpy()
    assert all(len(np.unique(north[rows])) == 1 for rows in units.groupby("zone_id").indices.values())


@pytest.mark.usefixtures("as_city")
def test_a_city_refuses_what_it_cannot_serve_and_says_what_to_do(grid_town):
    with pytest.raises(InputError, match=r"zones\.compactness_price_min"):
        planned(town_of_cells(grid_town, compactness_price_min=1.0))
    with pytest.raises(InfeasibleError, match="25%"):
        planned(grid_town(villages=False, counts=(900, 0, 0, 0, 0, 0, 0, 1), zones={"tolerance": 0.25}))
