"""A village heavier than a zone: divided only when the settings allow, by its dwellings, nothing lost or doubled."""

import geopandas as gpd
import networkx as nx
import pandas as pd
import pytest
import shapely

from gis_data.catalogue import LANGUAGES, text
from gis_data.errors import InfeasibleError
from models.village_parts import divide
from models.zones import plan_zones

EAST, NORTH = 486_000.0, 4_061_000.0
HEAVY = {"tolerance": 0.3, "split_heavy": True}


@pytest.fixture(scope="module")
def heavy_town(grid_town):
    """Return the small town where V0 carries most of the work, half of it in its west, half in its east."""

    def make(**zones):
        town = grid_town(bridges=(300.0, 2100.0), counts=(0, 20, 20, 20, 20, 20, 20, 20), zones=HEAVY | zones)
        rows = [{"x": x, "y": y, "village_id": "V0"} for x in (100, 500) for y in (100, 500) for _ in range(50)]
        rows += [{"x": 100, "y": 100, "village_id": "V0", "precision": "village"}] * 40
        rows += [{"x": 300 + 600 * (k % 4), "y": 300 + 1000 * (k // 4)} for k in range(1, 8) for _ in range(20)]
        return town.with_incidents(*rows)

    return make


@pytest.fixture(scope="module")
def dwellings():
    """Two natural villages in V0: three dwellings in its west, one in its east."""
    boxes = [shapely.box(EAST + x, NORTH + y, EAST + x + 20, NORTH + y + 20)
             for x, y in ((60, 60), (90, 90), (90, 300), (520, 300))]  # fmt: skip
    return gpd.GeoDataFrame({"building_id": range(4), "is_dwelling": True}, geometry=boxes, crs="EPSG:4549")


def planned(town, buildings, count=4):
    return plan_zones(town.study, *town.tables, period=town.period, seed=1, count=count, buildings=buildings)


def test_the_village_is_divided_only_when_the_settings_allow(heavy_town, dwellings):
    with pytest.raises(InfeasibleError, match=r"村0.*split_heavy"):
        planned(heavy_town(split_heavy=False), dwellings)
    plan = planned(heavy_town(), dwellings)
    note = dict(plan.notes)["zones.note.divided"]
    parts = plan.tables["parts"]
    assert note["unit"] == "村0"
    assert note["parts"] == parts["unit_id"].nunique()
    assert float(note["zones"]) > 1.3
    for lang in LANGUAGES:
        assert "{" not in text("zones.note.divided", lang=lang, **note)


def test_parts_hold_the_villages_cells_connected_and_its_work_once(heavy_town, dwellings):
    town = heavy_town()
    plan, whole = planned(town, dwellings), planned(heavy_town(tolerance=9.0), dwellings)
    parts = plan.tables["parts"]
    own = set(town.cells.loc[town.cells["village_id"] == "V0", "cell_id"])
    assert set(parts["cell_id"]) == own
    assert parts["cell_id"].is_unique
    graph = nx.Graph(town.cell_edges[["cell_a", "cell_b"]].itertuples(index=False))
    for _, members in parts.groupby("unit_id")["cell_id"]:
        assert nx.is_connected(graph.subgraph(members))
    assert parts.drop_duplicates("unit_id")["share"].sum() == pytest.approx(1.0)
    terms = ["incident_min", "patrol_min", "fixed_min"]
    units, before = plan.tables["units"], whole.tables["units"].set_index("unit_id")
    mine = units[units["unit_id"].str.startswith("V0#")]
    assert mine[terms].sum().to_dict() == pytest.approx(before.loc["V0", terms].to_dict())
    assert mine["area_km2"].sum() == pytest.approx(before.loc["V0", "area_km2"])
    assert abs(mine["population"].sum() - 1000) <= 1
    assert units["unit_id"].is_unique
    load = units.groupby("zone_id")["total_min"].sum()
    assert (abs(load / load.mean() - 1) <= 0.3 + 1e-5).all()


def test_natural_villages_follow_the_dwellings_and_share_what_has_no_point(heavy_town, dwellings):
    town = heavy_town()
    parts = divide(["V0"], town.cells, town.cell_edges, dwellings, town.cells["road_m"].to_numpy(), most=1e9)
    shares = parts.shares.set_index("unit_id")["share"]
    assert sorted(shares) == [0.25, 0.75]
    cells = town.cells.set_index("cell_id").loc[parts.cells["cell_id"]]
    west = parts.cells["unit_id"].to_numpy()[(cells["x"] < EAST + 200).to_numpy()]
    east = parts.cells["unit_id"].to_numpy()[(cells["x"] > EAST + 400).to_numpy()]
    assert set(west) & set(east) == set()
    named = parts.of_incidents(town.incidents)
    mine = town.incidents["village_id"] == "V0"
    assert set(named.loc[mine, "village_id"]) == set(shares.index)
    assert (named.loc[~mine, "village_id"] == town.incidents.loc[~mine, "village_id"]).all()
    # More records beside them move no incident to another part.
    arrests = town.incidents.assign(incident_id="X" + town.incidents["incident_id"], origin="discovered")
    both = parts.of_incidents(gpd.GeoDataFrame(pd.concat([arrests, town.incidents], ignore_index=True)))
    again = both.set_index("incident_id").loc[named["incident_id"], "village_id"]
    assert again.tolist() == named["village_id"].tolist()


def test_a_village_of_one_dwelling_or_none_is_halved_and_one_cell_is_not(heavy_town, dwellings):
    town = heavy_town()
    none = dwellings.iloc[:0]
    plan = planned(town, none)
    assert len(set(plan.tables["parts"]["unit_id"])) > 1
    one_spot = town.with_incidents(*[{"x": 100, "y": 100, "village_id": "V0"}] * 900)
    with pytest.raises(InfeasibleError, match="村0"):
        planned(one_spot, none)
