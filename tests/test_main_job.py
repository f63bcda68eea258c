"""The main job on the sample town: planted truth, the rules that hold for ever, and the same numbers again."""

import json
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.taxonomy import has_a_place
from gis_data.workspace import Workspace
from models import town_plan
from models.store import load_plans


@pytest.fixture(scope="session")
def plans(planned_town):
    return load_plans(Workspace.open(planned_town))


@pytest.fixture(scope="session")
def incidents(planned_town):
    return Workspace.open(planned_town).read("incidents")


def test_every_row_of_every_file_is_accounted_for(planned_town):
    imports = Workspace.open(planned_town).read("imports")
    assert len(imports) >= 6
    assert (imports["rows_read"] == imports["accepted"] + imports["set_aside"] + imports["refused"]).all()


def test_the_town_has_its_villages_households_and_people(planned_town):
    villages = Workspace.open(planned_town).read("villages")
    assert (len(villages), villages["households"].sum(), villages["population"].sum()) == (71, 16_000, 50_000)


def test_every_village_is_in_one_zone_and_every_zone_within_the_tolerance(plans, planned_town):
    units, zones = plans["zones"].tables["units"], plans["zones"].to_frame()
    assert units["unit_id"].is_unique
    assert len(units) == 71
    tolerance = Workspace.open(planned_town).study.settings.zones.tolerance
    assert zones["load_ratio"].between(1 - tolerance - 1e-9, 1 + tolerance + 1e-9).all()
    assert plans["zones"].gap is not None
    assert plans["zones"].bound <= plans["zones"].objective


def test_a_second_run_gives_the_same_numbers(planned_town, plans, tmp_path):
    copy = tmp_path / "town"
    shutil.copytree(planned_town, copy)
    again = town_plan.plan_town(Workspace.open(copy))
    for name, plan in again.items():
        assert without_seconds(town_plan.as_json(plan)) == without_seconds(town_plan.as_json(plans[name])), name


def test_arrests_and_discovered_incidents_move_nothing_but_the_scorecard(planned_town, plans, incidents, tmp_path):
    """DESIGN 3, rule 1: 500 arrests and 500 discovered incidents added in one zone."""
    copy = tmp_path / "town"
    shutil.copytree(planned_town, copy)
    ws = Workspace.open(copy)
    units = plans["zones"].tables["units"]
    first_zone = units.loc[units["zone_id"] == units["zone_id"].iloc[0], "unit_id"]
    there = incidents[incidents["village_id"].isin(first_zone) & has_a_place(incidents)]
    there = there.sample(500, replace=True, random_state=1)
    extra = there.assign(
        incident_id=[f"extra-{n}" for n in range(500)], linked_id="", origin="discovered", caught_count=1
    )
    ws.write({"incidents": pd.concat([incidents, extra], ignore_index=True)})
    moved = town_plan.plan_town(ws)
    for name in ("hotspots", "zones", "beats", "cameras"):
        before, after = (without_seconds(town_plan.as_json(found[name])) for found in (plans, moved))
        before.pop("inputs"), after.pop("inputs")
        assert after["rows"] == before["rows"], name
        assert after["tables"] == before["tables"], name
        assert after["objective"] == before["objective"], name
    changed, was = moved["scorecard"].to_frame(), plans["scorecard"].to_frame()
    assert changed["arrested_people"].sum() - was["arrested_people"].sum() == 500
    assert changed["discovered"].sum() - was["discovered"].sum() == 500
    assert (changed["reported"] == was["reported"]).all()


@pytest.mark.parametrize("name", ["market_street", "park_gate"])
def test_a_planted_fixed_hotspot_is_found(planned_town, plans, name):
    found = plans["hotspots"].to_frame().query("is_hotspot")
    here = planted(planned_town, name).to_crs(found.crs).union_all()
    assert found.contains(here.centroid).sum() == 1
    hit = found[found.contains(here.centroid)].iloc[0]
    assert hit.geometry.intersection(here.buffer(1)).area > 0.8 * here.buffer(1).area
    assert hit["p_value"] <= 0.05


def test_the_stations_default_point_is_not_reported_as_a_hotspot(planned_town, plans):
    found = plans["hotspots"].to_frame()
    there = planted(planned_town, "false_station_default").to_crs(found.crs).union_all()
    assert not found[found["is_hotspot"]].intersects(there).any()


def planted(root, name):
    """Return where the sample town's truth says something was planted."""
    truth = json.loads((root.parent / "town_raw" / "真值" / "埋设.json").read_text(encoding="utf-8"))
    points = [shapely.Point(xy) for xy in truth[name]]
    shape = shapely.LineString(points) if len(points) > 1 else points[0]
    return gpd.GeoSeries([shape], crs=4326)


def test_sensitive_types_never_become_a_point(incidents):
    assert incidents[~has_a_place(incidents)].geometry.is_empty.all()


def test_planning_before_a_day_uses_no_later_incident(planned_town, incidents, tmp_path):
    copy = tmp_path / "town"
    shutil.copytree(planned_town, copy)
    day = "2023-01-01"
    plans = town_plan.plan_town(Workspace.open(copy), ["hotspots"], until=day)
    assert plans["hotspots"].settings["period_end"] == day
    known = incidents[incidents["reported_at"] < pd.Timestamp(day, tz="Asia/Shanghai")]
    assert plans["hotspots"].to_frame()["count"].sum() <= len(known)


def without_seconds(plan):
    text = json.dumps(plan, sort_keys=True, default=str)
    loaded = json.loads(text)
    loaded.pop("seconds")
    return loaded


def test_numbers_in_json_are_plain(plans):
    for plan in plans.values():
        values = [value for row in town_plan.as_json(plan)["rows"] for value in row.values()]
        assert not any(isinstance(value, np.generic) for value in values)
