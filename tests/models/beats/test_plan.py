"""Beats of a small town in arithmetic: nested, connected, whole hotspots, nothing from arrests, nothing lost."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gis_data.catalogue import speaking
from gis_data.errors import InputError
from gis_data.tables import ROADS
from gis_data.workspace import Workspace
from models.beats.plan import explain
from models.beats.segments import cut_roads
from models.store import load_plans
from models.zones import plan_zones

SHORT_SHIFTS = {"beats": {"max_km_per_shift": 1.5}, "zones": {"tolerance": 0.5}}


def town_of(grid_town, **settings):
    return grid_town(**{**SHORT_SHIFTS, **settings})


def is_connected(segments: pd.DataFrame) -> bool:
    names, at = np.unique(np.r_[segments["from_node"], segments["to_node"]], return_inverse=True)
    size = len(segments)
    graph = csr_array((np.ones(size), (at[:size], at[size:])), shape=(len(names),) * 2)
    return connected_components(graph, directed=False)[0] == 1


def one_beat_in_each_zone(segments: pd.DataFrame) -> bool:
    return bool(len(segments)) and segments.drop_duplicates("beat_id")["zone_id"].is_unique


def without_geometry(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(table.drop(columns="geometry", errors="ignore"))


def assert_same(left, right):
    assert left.objective == right.objective
    for name, table in left.tables.items():
        pd.testing.assert_frame_equal(without_geometry(table), without_geometry(right.tables[name]), obj=name)
        if isinstance(table, gpd.GeoDataFrame):
            assert (table.geometry.to_wkb() == right.tables[name].geometry.to_wkb()).all()


def shuffled(table):
    return table.sample(frac=1.0, random_state=7).reset_index(drop=True)


@pytest.fixture(scope="module")
def town(grid_town):
    return town_of(grid_town)


@pytest.fixture(scope="module")
def plan(town, make_beats):
    return make_beats(town)


def test_every_metre_of_a_zones_road_is_in_exactly_one_beat_of_that_zone(town, plan):
    segments = plan.tables["segments"]
    zones = plan_zones(town.study, *town.tables, period=town.period, seed=1, count=2).to_frame().set_index("zone_id")
    assert segments["length_m"].sum() == pytest.approx(town.roads["length_m"].sum())
    assert (segments["beat_id"].str.partition("-")[0] == segments["zone_id"]).all()
    for zone_id, mine in segments.groupby("zone_id"):
        assert zones.geometry[zone_id].buffer(0.01).covers(mine.union_all())
        assert mine["length_m"].sum() / 1000 == pytest.approx(zones["road_km"][zone_id])
    drawn = plan.to_frame().set_index("beat_id").geometry
    for beat_id, mine in segments.groupby("beat_id"):
        assert drawn[beat_id].length == pytest.approx(mine["length_m"].sum())


def test_the_beats_of_a_zone_carry_its_whole_work(town, plan):
    zones = plan_zones(town.study, *town.tables, period=town.period, seed=1, count=2).to_frame().set_index("zone_id")
    work = plan.to_frame().groupby("zone_id")["workload_h_per_week"].sum()
    assert work.to_dict() == pytest.approx(zones["workload_h_per_week"].to_dict())


def test_a_beat_is_connected_by_its_own_roads(plan):
    segments = plan.tables["segments"]
    assert not segments["loose"].any()
    assert len(plan.to_frame()) >= 4
    assert all(is_connected(mine) for _, mine in segments.groupby("beat_id"))


def test_a_beat_crosses_the_river_by_the_bridge_or_not_at_all(grid_town, make_beats):
    """One zone on both banks: with the bridge one network, without it two that no beat may join."""
    for bridges, networks in (((1200.0,), 1), ((), 2)):
        town = town_of(grid_town, bridges=bridges)
        segments = one_zone(town, make_beats).tables["segments"]
        north = segments.geometry.centroid.y > 4_061_800.0
        here = segments.assign(north=north).groupby("beat_id")["north"].mean()
        both = here.between(0, 1, inclusive="neither")
        crossing = segments[segments.geometry.length.gt(900) & (segments.geometry.bounds["maxy"] > 4_062_000.0)]
        assert len(crossing) == (1 if networks == 1 else 0)
        assert set(both.index[both]) <= set(crossing["beat_id"])
        assert all(is_connected(mine) for _, mine in segments.groupby("beat_id"))


def one_zone(town, make_beats):
    """Return the beats of the whole town as one zone: its cells can all be walked between, whatever the river."""
    shapes = town.cells.geometry.to_numpy()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="touches")
    walked = replace(town, cell_edges=pd.DataFrame({"cell_a": a[a < b], "cell_b": b[a < b], "border_m": 1.0}))
    zones = plan_zones(town.study, *walked.tables, period=town.period, seed=1, count=1)
    return make_beats(town, zones=zones)


def test_a_hotspot_stays_in_one_beat_with_the_road_between_its_parts(town, make_beats):
    spots = pd.concat([spot("H1", 1200, 300, 250.0, "19-23"), spot("H2", 600, 1300, 100.0, "")], ignore_index=True)
    plan = make_beats(town, hotspots=spots)
    segments = plan.tables["segments"]
    for _, row in spots.iterrows():
        inside = segments[segments.intersects(row.geometry)]
        assert len(inside) >= 2
        assert one_beat_in_each_zone(inside)
    assert "H1" in "".join(plan.to_frame()["hotspots"])


def spot(name, x, y, radius, hours):
    table = {"hotspot_id": [name], "is_hotspot": [True], "count": [12], "peak_hours": [hours]}
    return gpd.GeoDataFrame(table, geometry=[shapely.Point(486_000 + x, 4_061_000 + y).buffer(radius)], crs="EPSG:4549")


def test_clusters_that_chance_would_make_change_nothing(town, plan, make_beats):
    assert_same(make_beats(town, hotspots=spot("H1", 600, 300, 250.0, "").assign(is_hotspot=False)),
                make_beats(town, hotspots=spot("H1", 600, 300, 250.0, "").iloc[:0]))  # fmt: skip


def test_five_hundred_arrests_change_nothing(grid_town, incident_rows, make_beats):
    town = town_of(grid_town)
    zones = plan_zones(town.study, *town.tables, period=town.period, seed=1, count=2)
    rows = [{"x": 300.0, "y": 300.0, "origin": "discovered", "caught_count": 1, "village_id": "V0"}] * 500
    more = incident_rows(*rows).assign(incident_id=[f"A{k}" for k in range(500)])
    arrests = pd.concat([town.incidents, more], ignore_index=True)
    assert_same(make_beats(replace(town, incidents=arrests), zones=zones), make_beats(town, zones=zones))


def test_the_order_of_the_rows_changes_nothing(town, make_beats):
    zones = plan_zones(town.study, *town.tables, period=town.period, seed=1, count=2)
    mixed = replace(town, roads=shuffled(town.roads), incidents=shuffled(town.incidents))
    assert_same(make_beats(mixed, zones=zones), make_beats(town, zones=zones))


def test_the_same_seed_gives_the_same_beats(town, plan, make_beats):
    assert_same(make_beats(town), plan)


def test_a_study_without_roads_has_no_beats_and_says_so(grid_town, make_beats):
    plan = make_beats(town_of(grid_town, roads=False))
    assert plan.to_frame().empty
    assert plan.objective is None
    assert plan.notes == (("beats.note.no_roads", {}),)
    assert (plan.tables["zones"]["beats"] == 0).all()
    with speaking("en"):
        assert explain(plan, "Z1")[-1] == "Z1 has no road that a patrol can drive, and so no beats."


def test_a_zone_without_roads_is_told_and_the_others_are_cut(grid_town, make_beats):
    town = town_of(grid_town, bridges=())
    south = town.roads[town.roads.geometry.centroid.y < 4_061_800.0].reset_index(drop=True)
    plan = make_beats(replace(town, roads=south))
    bare = plan.tables["zones"].set_index("zone_id")["beats"] == 0
    assert bare.sum() == 1
    assert ("beats.note.bare_zones", {"zones": [bare.idxmax()]}) in plan.notes
    assert set(plan.to_frame()["zone_id"]) == set(bare.index[~bare])


def test_zones_of_one_village_each_are_one_beat_or_more(grid_town, make_beats):
    plan = make_beats(grid_town(zones={"tolerance": 0.9}), count=8)
    assert plan.to_frame().groupby("zone_id").size().tolist() == [1] * 8
    assert plan.gap == 0
    with speaking("en"):
        assert "the zone is one beat" in explain(plan, "Z1")[-1]


def test_a_road_that_no_road_leads_to_goes_to_the_nearest_beat_and_is_told(grid_town, make_beats):
    town = town_of(grid_town, bridges=())
    lane = gpd.GeoDataFrame(
        {"road_id": [99], "road_class": "village", "length_m": 20.0, "speed_kmh": 25.0, "from_node": [900],
         "to_node": [901]},
        geometry=[shapely.LineString([(486_300, 4_061_700), (486_320, 4_061_700)])], crs="EPSG:4549",
    )  # fmt: skip
    roads = ROADS.conform(pd.concat([town.roads, lane], ignore_index=True), crs="EPSG:4549")
    plan = make_beats(replace(town, roads=roads))
    segments = plan.tables["segments"]
    loose = segments[segments["loose"]]
    assert loose["road_id"].tolist() == [99]
    near = segments[segments["beat_id"] == loose["beat_id"].iloc[0]]
    assert near.drop(loose.index).distance(loose.geometry.iloc[0]).min() == pytest.approx(400.0, abs=1.0)
    told = dict(plan.notes)["beats.note.loose"]
    assert (told["groups"], told["by_air"]) == (1, 1)


def test_roads_are_cut_only_where_they_cross_the_border_of_two_zones(town):
    zones = plan_zones(town.study, *town.tables, period=town.period, seed=1, count=2)
    zone_of = zones.tables["units"].set_index("unit_id")["zone_id"]
    pieces = cut_roads(town.roads, town.cells, town.villages, zones.to_frame(), zone_of)
    borders = shapely.boundary(zones.to_frame().geometry.to_numpy())
    cut = pieces[pieces["road_id"].duplicated(keep=False)]
    for road_id, parts in cut.groupby("road_id"):
        whole = town.roads.set_index("road_id").geometry[road_id]
        assert parts["length_m"].sum() == pytest.approx(whole.length)
        assert any(whole.crosses(border) for border in borders)
        ends = set(parts["from_node"]) & set(parts["to_node"])
        assert len(ends) == len(parts) - 1


def test_a_place_the_plan_does_not_know_is_an_error(plan):
    with pytest.raises(InputError, match="Z9"):
        explain(plan, "Z9")


@pytest.fixture(scope="module")
def sample(planned_town):
    return load_plans(Workspace.open(planned_town))


def test_the_sample_towns_beats_keep_the_rules(sample):
    plan = sample["beats"]
    segments, zones = plan.tables["segments"], sample["zones"].to_frame().set_index("zone_id")
    assert plan.bound <= plan.objective <= 1.10
    assert set(plan.to_frame()["zone_id"]) == set(zones.index)
    for zone_id, mine in segments.groupby("zone_id"):
        assert mine["length_m"].sum() / 1000 == pytest.approx(zones["road_km"][zone_id])
        assert mine["total_min"].sum() / 60 == pytest.approx(zones["workload_h_per_week"][zone_id])
        assert zones.geometry[zone_id].buffer(0.01).covers(mine.union_all())
    joined = segments[~segments["loose"]]
    assert all(is_connected(mine) for _, mine in joined.groupby("beat_id"))
    hotspots = sample["hotspots"].to_frame().query("is_hotspot")
    for ground in hotspots.geometry:
        inside = segments[segments.intersects(ground)]
        assert one_beat_in_each_zone(inside)
