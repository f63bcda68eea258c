"""Two runs of plans beside each other: their figures, and what changes place between them.

In:     the plans of two runs.
Out:    one row for each figure that both or one of them has; one row for each unit that changes its zone.
Method: zones of the second run carry the names of those of the first that they share most work with (Hungarian match
        over the minutes of common units), so that a zone that is only numbered anew is no change.
"""

from collections.abc import Callable, Mapping

import geopandas as gpd
import pandas as pd
from scipy.optimize import linear_sum_assignment

from models.plan import Plan

Plans = Mapping[str, Plan]
LOWER, HIGHER, NEITHER = "lower", "higher", ""  # which way a figure is better


def compare_figures(first: Plans, second: Plans) -> pd.DataFrame:
    """Return one row a figure: ``plan``, ``figure``, ``first``, ``second`` (None where a run lacks it), ``better``."""
    rows = []
    for plan, figure, better, read in FIGURES:
        values = [_read(plans, plan, read) for plans in (first, second)]
        if any(value is not None for value in values):
            rows.append({"plan": plan, "figure": figure, "first": values[0], "second": values[1], "better": better})
    return pd.DataFrame(rows, columns=["plan", "figure", "first", "second", "better"])


def moved_units(first: Plan, second: Plan) -> gpd.GeoDataFrame:
    """Return the units that both plans have and that change zone.

    Returns
    -------
    geopandas.GeoDataFrame
        ``unit_id``, ``name``, ``zone_id`` (of the first plan), ``new_zone_id`` (as the second plan names it),
        ``continues`` (the first plan's zone that this one continues; "" for a new one), ``work_min`` a week, and the
        unit's ground.
    """
    old, new = first.tables["units"], second.tables["units"]
    both = old.merge(new[["unit_id", "zone_id"]].rename(columns={"zone_id": "new_zone_id"}), on="unit_id")
    same = zone_match(first, second)
    both["continues"] = both["new_zone_id"].map(same).fillna("")
    moved = both[both["zone_id"] != both["continues"]]
    columns = ["unit_id", "name", "zone_id", "new_zone_id", "continues", "total_min", "geometry"]
    return gpd.GeoDataFrame(moved[columns].rename(columns={"total_min": "work_min"}), geometry="geometry", crs=old.crs)


def zone_match(first: Plan, second: Plan) -> dict[str, str]:
    """Return, for each zone of the second plan, the zone of the first that it continues; new ones are left out."""
    old, new = first.tables["units"], second.tables["units"]
    both = old[["unit_id", "zone_id", "total_min"]].merge(new[["unit_id", "zone_id"]], on="unit_id",
                                                          suffixes=("", "_new"))  # fmt: skip
    shared = both.pivot_table("total_min", "zone_id_new", "zone_id", aggfunc="sum", fill_value=0.0)
    rows, columns = linear_sum_assignment(shared.to_numpy(), maximize=True)
    pairs = zip(rows, columns, strict=True)
    return {str(shared.index[row]): str(shared.columns[col]) for row, col in pairs if shared.iloc[row, col] > 0}


def _read(plans: Plans, plan: str, read: Callable[[Plan], float | None]) -> float | None:
    return read(plans[plan]) if plan in plans else None


def _mean_travel(plan: Plan) -> float:
    """Return the mean minutes to the work: each zone's mean weighted by its work."""
    zones = plan.to_frame()
    weight = zones["workload_h_per_week"]
    return float((zones["mean_travel_min"] * weight).sum() / weight.sum())


def _found(plan: Plan) -> float:
    return float((plan.to_frame()["status"] == "hotspot").sum())


def _gap_pct(plan: Plan) -> float | None:
    return None if plan.gap is None else 100 * plan.gap


def _verdicts(verdict: str) -> Callable[[Plan], float]:
    return lambda plan: float((plan.tables["base_lines"]["verdict"] == verdict).sum())


def _summed(column: str) -> Callable[[Plan], float]:
    return lambda plan: float(plan.tables["summary"][column].sum())


def _covered_pct(plan: Plan) -> float | None:
    summary = plan.tables["summary"]
    road = summary["road_m"].sum()
    return float(100 * summary["seen_m"].sum() / road) if road else None


FIGURES: tuple[tuple[str, str, str, Callable[[Plan], float | None]], ...] = (
    ("zones", "zones", NEITHER, lambda plan: float(len(plan.to_frame()))),
    ("zones", "busiest", LOWER, lambda plan: float(plan.to_frame()["load_ratio"].max())),
    ("zones", "quietest", HIGHER, lambda plan: float(plan.to_frame()["load_ratio"].min())),
    ("zones", "travel", LOWER, _mean_travel),
    ("zones", "gap", LOWER, _gap_pct),
    ("zones", "by_hand", NEITHER, lambda plan: float(len(plan.settings.get("by_hand", ())))),
    ("beats", "beats", NEITHER, lambda plan: float(len(plan.to_frame()))),
    ("beats", "beat_spread", LOWER, lambda plan: plan.objective),
    ("beats", "checkpoints", NEITHER, lambda plan: float(len(plan.tables["checkpoints"]))),
    ("hotspots", "hotspots", NEITHER, _found),
    ("scorecard", "met", HIGHER, _verdicts("met")),
    ("scorecard", "not_met", LOWER, _verdicts("not_met")),
    ("cameras", "cameras", NEITHER, _summed("new_cameras")),
    ("cameras", "cost", LOWER, _summed("cost_cny")),
    ("cameras", "covered", HIGHER, _covered_pct),
)
