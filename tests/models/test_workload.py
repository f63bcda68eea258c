"""Workload: every minute by hand, and none from what patrols found."""

import numpy as np
import pytest

from gis_data.settings import WorkloadSettings
from models.workload import minutes_by_class, place_in_units, unit_workload

SETTINGS = WorkloadSettings()


def workload(town, *, weeks=52.0, settings=SETTINGS):
    return unit_workload(town.incidents, town.villages, town.cells, settings, weeks=weeks)


def test_every_term_is_the_one_by_hand(grid_town):
    town = grid_town(counts=(26, 0, 0, 0, 0, 0, 0, 13))
    table = workload(town)
    assert table["incidents_per_week"].to_dict() == pytest.approx({"V0": 0.5, "V7": 0.25} | dict.fromkeys(
        ["V1", "V2", "V3", "V4", "V5", "V6"], 0.0))  # fmt: skip
    assert table["incident_min"].sum() == pytest.approx(120 * (26 + 13) / 52)
    # 2 x 2.4 km of road along the banks and 1 km over the bridge, twice a week at 25 km/h.
    assert table["road_km"].sum() == pytest.approx(5.8)
    assert table["patrol_min"].sum() == pytest.approx(5.8 / 25 * 60 * 2)
    assert (table["fixed_min"] == 30).all()


@pytest.mark.parametrize(
    ("incident_class", "kind", "minutes"),
    [("criminal", "burglary", 120), ("public_order", "assault", 75), ("dispute", "neighbour", 60),
     ("help", "lockout", 30), ("accident", "natural", 90)],
)  # fmt: skip
def test_each_class_takes_its_minutes_times_its_count(grid_town, incident_class, kind, minutes):
    town = grid_town().with_incidents({"incident_class": incident_class, "type": kind, "count": 3})
    assert workload(town, weeks=2)["incident_min"].sum() == pytest.approx(3 * minutes / 2)


@pytest.mark.parametrize(
    "row",
    [
        {"origin": "discovered"},
        {"origin": "discovered", "caught_count": 9},
        {"type": "fraud"},
        {"type": "telecom_fraud"},
        {"type": "domestic_violence", "incident_class": "public_order"},
        {"type": "sexual_offence"},
        {"type": "crisis", "incident_class": "help"},
        {"type": "mass", "incident_class": "mass"},
    ],
    ids=lambda row: "-".join(str(value) for value in row.values()),
)
def test_what_may_not_drive_allocation_makes_no_work(grid_town, row):
    town = grid_town().with_incidents(*[row] * 500)
    assert workload(town)["incident_min"].sum() == 0


def test_arrests_add_nothing_to_a_reported_incident(grid_town):
    town = grid_town()
    arrested = workload(town.with_incidents({"caught_count": 9}))
    assert arrested.equals(workload(town.with_incidents({"caught_count": 0})))


def test_a_usable_point_tells_the_unit_and_the_village_only_without_one(grid_town):
    town = grid_town().with_incidents(
        {"x": 300, "y": 300, "village_id": "V7"},
        {"x": 300, "y": 300, "village_id": "V7", "precision": "village"},
        {"x": -900, "y": 300, "village_id": "V7"},
        {"x": 300, "y": 300, "village_id": "nowhere", "precision": "none"},
    )
    assert place_in_units(town.incidents, town.villages, town.cells).tolist() == ["V0", "V7", "V7", ""]


def test_without_villages_the_cells_carry_the_work(grid_town):
    town = grid_town(villages=False).with_incidents({"x": 100, "y": 100, "count": 5}, {"x": 2300, "y": 1500})
    table = workload(town, weeks=1)
    assert len(table) == len(town.cells) == 96
    assert table["incidents_per_week"].sum() == 6
    assert (table["fixed_min"] == 0).all()
    assert table["incident_min"].max() == pytest.approx(5 * 120)


def test_minutes_are_the_settings():
    changed = WorkloadSettings(minutes_dispute=7.5)
    assert minutes_by_class(changed)["dispute"] == 7.5
    assert set(minutes_by_class(changed)) == {
        "criminal", "public_order", "dispute", "traffic", "fire_rescue", "help", "accident",
    }  # fmt: skip
    assert np.isfinite(list(minutes_by_class(changed).values())).all()
