"""The tiny town's plans, made by hand: hotspots with their lives, zones; the scorecard as the main job makes it."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.periods import Period
from gis_data.workspace import Workspace
from models.patrol_record import PatrolLog
from models.plan import Plan
from models.scorecard import score_zones

from .tiny_cameras import cameras
from .tiny_town import CRS, X, Y


def tiny_plans(ws: Workspace) -> dict[str, Plan]:
    planned = zones(ws)
    return {plan.name: plan for plan in (hotspots(ws), planned, scorecard(ws, planned), cameras(ws))}


def hotspots(ws: Workspace) -> Plan:
    centre = ws.read("villages").geometry.centroid
    table = gpd.GeoDataFrame(
        {
            "hotspot_id": ["H1", "H2"],
            "is_hotspot": [True, False],
            "status": ["hotspot", "chance"],
            "count": [60, 14],
            "share_pct": [18.2, 4.1],
            "area_km2": [0.06, 0.05],
            "area_m2": [61_575.0, 45_238.0],
            "size": ["area", "area"],
            "density_per_km2_year": [1000.0, 280.0],
            "expected_count": [9.6, 8.1],
            "times_expected": [6.25, 1.7],
            "p_value": [0.005, 0.62],
            "chance_clusters": [0.0, 0.9],
            "stability_pct": [93.0, np.nan],
            "peak_hours": ["19-23", ""],
            "peak_share_pct": [92.0, np.nan],
            "hours_known": [58, 12],
            "main_types": ["theft:20;assault:15", "crash:4"],
            "months": [12, 12],
            "months_active": [12, 7],
            "active_share_pct": [100.0, 58.3],
            "one_point_pct": [4.0, 22.0],
            "first_at": pd.to_datetime(["2023-01-03", "2023-02-01"]).tz_localize("Asia/Shanghai"),
            "last_at": pd.to_datetime(["2023-12-30", "2023-11-01"]).tz_localize("Asia/Shanghai"),
            "last_active_at": pd.to_datetime(["2023-12-01", "2023-10-01"]).tz_localize("Asia/Shanghai"),
            "expires_at": pd.to_datetime(["2024-07-01", "2024-05-01"]).tz_localize("Asia/Shanghai"),
        },
        geometry=[centre[4].buffer(140), centre[0].buffer(120)],
        crs=CRS,
    )
    lives, pictures = hotspot_lives(table)
    tables = {"hotspots": table, "lives": lives, "pictures": pictures}
    settings = {"hotspots": {"life_window_months": 6}, "reach": {"eps_m": 90.0, "least": 12}}
    return Plan("hotspots", tables, settings, seed=1, seconds=0.5)


def hotspot_lives(table: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return three lives: one that goes on, one that moved, split from it and ended, one seen in a single month."""
    here = table.geometry[0]
    east = shapely.affinity.translate(here, 300)
    way = shapely.LineString([here.centroid, shapely.affinity.translate(here.centroid, 80)])
    point = shapely.LineString([here.centroid, here.centroid])
    lives = gpd.GeoDataFrame(
        {
            "life_id": ["L1", "L2", "L3"], "hotspot_id": ["H1", "", ""],
            "first_month": ["2023-01", "2023-03", "2023-05"], "last_month": ["2023-12", "2023-08", "2023-06"],
            "from_start": [True, False, False], "ended": ["", "ended", "ended"], "other": ["", "L1", ""],
            "returned": [1, 0, 0], "pictures": [3, 2, 1], "most": [21, 9, 6], "moved_m": [12.0, 80.0, 0.0],
        },
        geometry=[point, way, point], crs=CRS,
    )  # fmt: skip
    rows = [
        ("L1", "2023-06", "born", 20, here), ("L1", "2023-07", "split", 21, here),
        ("L1", "2023-08", "continues", 9, here),
        ("L2", "2023-07", "split", 9, east), ("L2", "2023-08", "shrinks", 7, east), ("L2", "2023-09", "ended", 0, None),
        ("L3", "2023-07", "born", 6, east), ("L3", "2023-08", "ended", 0, None),
    ]  # fmt: skip
    pictures = gpd.GeoDataFrame(
        {
            "life_id": [row[0] for row in rows], "month": [row[1] for row in rows], "event": [row[2] for row in rows],
            "other": "", "count": [row[3] for row in rows],
            "expected_count": [2.0 if row[3] else np.nan for row in rows],
            "p_value": [0.01 if row[3] else np.nan for row in rows], "is_hotspot": [row[3] > 8 for row in rows],
            "area_m2": [row[4].area if row[4] else 0.0 for row in rows],
        },
        geometry=[row[4] or shapely.Polygon() for row in rows], crs=CRS,
    )  # fmt: skip
    return lives, pictures


def zones(ws: Workspace) -> Plan:
    villages = ws.read("villages")
    units = gpd.GeoDataFrame(
        {
            "unit_id": villages["village_id"],
            "name": villages["name"],
            "zone_id": ["Z1", "Z2", "Z2", "Z1", "Z2", "Z2"],
            "total_min": 210.0,
            "travel_min": 4.5,
            "next_zone_id": ["Z2", "Z1", "Z1", "Z2", "Z1", "Z1"],
            "next_travel_min": 8.0,
            "reason": "nearest",
        },
        geometry=villages.geometry.to_numpy(),
        crs=CRS,
    )
    table = (
        units[["zone_id", "geometry"]]
        .dissolve("zone_id")
        .reset_index()
        .assign(
            name=["东河区", "集上区"],
            population=[2450, 4200],
            road_km=[9.0, 17.5],
            area_km2=[8.0, 16.0],
            load_ratio=[0.67, 1.33],
            incident_h_per_week=[4.0, 8.0],
            patrol_h_per_week=[2.0, 4.0],
            fixed_h_per_week=[1.0, 2.0],
            trip_h_per_week=[0.0, 0.0],
            workload_h_per_week=[7.0, 14.0],
            mean_travel_min=[4.0, 5.5],
            post_name=["东河", "集上"],
            post_x=[X + 1_000, X + 3_000],
            post_y=[Y + 2_000, Y + 2_000],
        )
    )
    today = pd.DataFrame(
        {
            "map": ["plan", "work_area"],
            "zones": [2, 2],
            "max_ratio": [1.33, 1.6],
            "min_ratio": [0.67, 0.4],
            "mean_travel_min": [5.0, 6.1],
            "unreached_units": [0, 0],
            "pieces": [2, 3],
            "ground_rms_km": [1.2, 1.4],
            "beats_travel_pct": [99.5, 60.0],
            "beats_balance_pct": [80.0, 1.0],
            "random_plans": [0, 0],
            "random_distinct": [0, 0],
        }
    )
    tables = {"zones": table, "units": units, "today": today}
    return Plan(
        "zones", tables, {}, seed=1, seconds=0.4, objective=5.0, bound=5.0, unit="zones.unit.mean_min",
        ended_by="optimal",
    )  # fmt: skip


def scorecard(ws: Workspace, planned: Plan) -> Plan:
    """Score the zones as the main job does, with one cell a village."""
    villages, incidents = ws.read("villages"), ws.read("incidents")
    cells = pd.DataFrame({"cell_id": range(6), "village_id": villages["village_id"], "road_m": 3_000.0, "area_m2": 4e6})
    return score_zones(
        planned.to_frame(),
        planned.tables["units"].set_index("unit_id")["zone_id"],
        incidents,
        villages,
        cells,
        PatrolLog(ws.read("patrol_hours"), ws.read("visits"), gpd.GeoDataFrame(geometry=[], crs=CRS)),
        period=Period.of(incidents["reported_at"]),
        settings=ws.study.settings,
        seed=1,
    )
