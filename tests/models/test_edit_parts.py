"""Cells of a divided village moved by hand: parts stay connected, nothing is lost, and the plan is kept as left."""

import shutil

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.errors import InputError
from gis_data.tables import BUILDINGS
from gis_data.workspace import Workspace
from models.edit import Change, changed, judge
from models.rezone import open_edit, record_change
from models.store import load_plans
from models.town_plan import plan_town
from models.village_parts import MARK, Parts
from views.edit_map import cells as cell_map
from views.edit_map import zones as zone_map

CRS, EAST, NORTH = "EPSG:4549", 486_000.0, 4_061_000.0


@pytest.fixture(scope="module")
def divided(small_workspace):
    """Eight villages in two zones; the first has more work than a zone may, and is divided."""
    ws = small_workspace(counts=(4,) * 8, tolerance=0.9, split_heavy=True)
    rows = ws.read("incidents")
    heavy = pd.concat([rows] + [rows[rows["village_id"] == "V0"]] * 60, ignore_index=True)
    heavy["incident_id"] = [f"H{k}" for k in range(len(heavy))]
    spread = np.random.default_rng(1).uniform(10, 590, (2, len(heavy)))
    mine = (heavy["village_id"] == "V0").to_numpy()
    heavy.loc[mine, "geometry"] = shapely.points(EAST + spread[0][mine], NORTH + spread[1][mine])
    homes = [shapely.box(EAST + x, NORTH + y, EAST + x + 20, NORTH + y + 20) for x in (60, 520) for y in (60, 300, 500)]
    frame = gpd.GeoDataFrame({"building_id": range(6), "is_dwelling": True}, geometry=homes, crs=CRS)
    ws.write({"incidents": heavy, "buildings": BUILDINGS.conform(frame, crs=CRS)})
    plan_town(ws.asking({"zones": {"tolerance": 0.4}}), ["zones", "scorecard"], seed=1)
    return ws


@pytest.fixture
def hand(divided):
    return open_edit(divided)[2]


def parts_of(hand):
    return hand.case.ground.parts.cells


def connected(hand):
    graph = nx.Graph(hand.tables.cell_edges[["cell_a", "cell_b"]].itertuples(index=False))
    return all(nx.is_connected(graph.subgraph(own)) for _, own in parts_of(hand).groupby("unit_id")["cell_id"])


def test_every_cell_can_be_moved_and_every_part_stays_connected(hand):
    cells = parts_of(hand)
    assert len(set(cells["unit_id"])) > 1
    zone_of = {unit: hand.zone_of(row) for row, unit in enumerate(hand.ids)}
    for cell, unit in zip(cells["cell_id"], cells["unit_id"], strict=True):
        other = next(zone for zone in hand.zone_ids if zone != zone_of[unit])
        after = changed(hand, Change("cells", cells=(int(cell),), zone_id=other))
        assert connected(after)
        assert set(parts_of(after)["cell_id"]) == set(cells["cell_id"])
        now = parts_of(after).set_index("cell_id")["unit_id"]
        zones = {name: after.zone_of(row) for row, name in enumerate(after.ids)}
        before = cells.set_index("cell_id")["unit_id"].map(zone_of)
        assert now.map(zones).to_dict() == before.to_dict() | {cell: other}
        assert after.case.ground.parts.shares.groupby("village_id")["share"].sum().tolist() == pytest.approx([1.0])
        # The ways to the incidents depend on where the parts are; all other work is there once.
        terms = ["incident_min", "patrol_min", "fixed_min"]
        assert after.case.ground.units[terms].sum().sum() == pytest.approx(hand.case.ground.units[terms].sum().sum())
        verdict = judge(after)
        assert verdict.broken or verdict.bound_min <= verdict.travel_min + 1e-9


def test_a_cell_moved_there_and_back_leaves_the_zones_as_they_were(hand):
    cells = parts_of(hand)
    cell, unit = int(cells["cell_id"].iloc[0]), cells["unit_id"].iloc[0]
    own = hand.zone_of(hand.ids.index(unit))
    other = next(zone for zone in hand.zone_ids if zone != own)
    there = changed(hand, Change("cells", cells=(cell,), zone_id=other))
    back = changed(there, Change("cells", cells=(cell,), zone_id=own))
    with pytest.raises(InputError, match="没有改动"):
        changed(back, Change("cells", cells=(cell,), zone_id=own))
    assert judge(back).max_ratio == pytest.approx(judge(hand).max_ratio, rel=1e-3)


def test_what_is_no_cell_of_a_divided_village_is_refused(hand):
    whole = hand.tables.cells.loc[hand.tables.cells["village_id"] != "V0", "cell_id"].iloc[0]
    with pytest.raises(InputError, match="拆"):
        changed(hand, Change("cells", cells=(int(whole),), zone_id="Z1"))


def test_moved_cells_are_kept_with_their_reason(divided, tmp_path):
    shutil.copytree(divided.root, tmp_path / "town")
    ws = Workspace.open(tmp_path / "town")
    hand = open_edit(ws)[2]
    cells = parts_of(hand)
    unit = cells["unit_id"].iloc[0]
    own = tuple(int(cell) for cell in cells.loc[cells["unit_id"] == unit, "cell_id"][:2])
    other = next(zone for zone in hand.zone_ids if zone != hand.zone_of(hand.ids.index(unit)))
    after = changed(hand, Change("cells", cells=own, zone_id=other))
    record_change(ws, Change("cells", cells=own, zone_id=other), reason="沿街分", insist=True)
    kept = load_plans(ws)["zones"]
    now = Parts(kept.tables["parts"]).cells.set_index("cell_id").loc[list(own), "unit_id"]
    assert set(kept.tables["units"].set_index("unit_id").loc[now, "zone_id"]) == {other}
    assert all(name.startswith(f"V0{MARK}") for name in now)
    assert judge(open_edit(ws)[2]) == judge(after)
    assert any(key == "zones.note.by_hand.cells" and values["reason"] == "沿街分" for key, values in kept.notes)


def test_the_map_shows_each_cell_in_its_zone_and_the_others_whole(hand):
    drawn = cell_map.ground(hand)["units"]
    assert [unit["id"] for unit in drawn if unit["fixed"]] == [f"V{k}" for k in range(1, 8)]
    assert [unit["id"] for unit in drawn if not unit["fixed"]] == parts_of(hand)["cell_id"].tolist()
    row = len(drawn) - 1
    own = cell_map.state(hand, hand, ["#fff"] * 2)["zone"][row]
    event = {"kind": "cells", "cells": [drawn[row]["id"]], "zone": hand.zone_ids[1 - own]}
    after = changed(hand, zone_map.change_of(event, None))
    state = cell_map.state(hand, after, ["#fff"] * 2)
    assert [k for k, (was, now) in enumerate(zip(state["was"], state["zone"], strict=True)) if was != now] == [row]
    assert (state["was"][row], state["zone"][row]) == (own, 1 - own)
    for zone, post in zip(state["zones"], after.posts, strict=True):
        assert hand.zone_ids[state["zone"][zone["post"]]] == zone["id"] == after.zone_of(post)
    units = zone_map.state(hand, after, ["#fff"] * 2)
    assert len(units["zone"]) == len(units["was"]) == len(after.ids) == len(zone_map.ground(after)["units"])
