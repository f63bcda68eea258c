"""Two runs side by side: a new number is no move, and every figure is read from the right plan."""

import geopandas as gpd
import pandas as pd
import shapely
from hypothesis import given
from hypothesis import strategies as st

from models.plan import Plan
from models.two_plans import compare_figures, moved_units, zone_match


def plan(owner, work=None) -> Plan:
    size = len(owner)
    units = gpd.GeoDataFrame(
        {"unit_id": [f"V{i}" for i in range(size)], "name": "村", "zone_id": list(owner),
         "total_min": work or [10.0] * size},
        geometry=[shapely.Point(i, 0) for i in range(size)], crs="EPSG:4549",
    )  # fmt: skip
    zones = pd.DataFrame({"zone_id": sorted(set(owner)), "load_ratio": 1.0, "workload_h_per_week": [1.0, 3.0],
                          "mean_travel_min": [4.0, 8.0]})  # fmt: skip
    return Plan("zones", {"zones": zones, "units": units}, {}, seed=1, seconds=0.1, objective=5.0, bound=4.0)


@given(st.lists(st.sampled_from(["Z1", "Z2"]), min_size=2, max_size=12).filter(lambda one: len(set(one)) == 2))
def test_zones_that_are_only_numbered_anew_move_nothing(owner):
    swapped = ["Z2" if zone == "Z1" else "Z1" for zone in owner]
    assert moved_units(plan(owner), plan(swapped)).empty
    assert zone_match(plan(owner), plan(swapped)) == {"Z1": "Z2", "Z2": "Z1"}


def test_what_moves_is_told_with_both_zones_and_the_match_goes_by_work():
    first, second = plan("AABB"), plan("BABB")  # V0 moves from A to B
    moved = moved_units(first, second)
    assert moved[["unit_id", "zone_id", "new_zone_id"]].to_numpy().tolist() == [["V0", "A", "B"]]
    heavy = plan("AABB", [99.0, 1.0, 1.0, 1.0])  # nearly all of A's work is V0's: B now continues A
    assert zone_match(heavy, second)["B"] == "A"


def test_figures_are_read_from_both_runs_and_missing_plans_stay_blank():
    table = compare_figures({"zones": plan("AABB")}, {}).set_index("figure")
    assert table.loc["travel", "first"] == (4.0 * 1 + 8.0 * 3) / 4
    assert table.loc["gap", "first"] == 20.0
    assert table["second"].isna().all()
    assert "cameras" not in table.index
