"""The tiny town's camera plan, table by table: one named village with a new camera, one with an old one too."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.settings import CameraSettings
from gis_data.workspace import Workspace
from models.plan import Plan

from .tiny_town import CRS


def cameras(ws: Workspace) -> Plan:
    villages = ws.read("villages")
    named = villages["village_id"].isin(["V1", "V5"])
    about = pd.DataFrame(villages[["village_id", "name", "population"]]).assign(
        named=named,
        reasons=["population", "", "", "", "population;market", ""],
        incidents=[50, 40, 30, 30, 150, 20],
        population_rule=named,
        market_rule=villages["village_id"] == "V5",
        disorder_rule=False,
        by_hand_rule=False,
        market_days=villages["market_days"],
        by_hand_reason="",
        deferred="",
        window_weeks=26,
        disorder_until="2024-07-01",
        **{f"{name}_per_10k_{k}": 90.0 for name in ("rate", "low", "town", "top_decile") for k in (1, 2)},
    )
    centre = villages.geometry.centroid
    about = gpd.GeoDataFrame(about, geometry=centre.to_numpy(), crs=CRS)
    site = [centre[0], centre[4], centre[4]]
    tables = {
        "cameras": camera_table(site),
        "views": view_table(site),
        "entrances": entrance_table(site),
        "blind_spots": blind_table(site),
        "villages": about,
        "rules": rule_table(),
        "summary": summary_table(),
        "sites": site_table(site),
        "areas": gpd.GeoDataFrame(
            {"village_id": ["V1", "V5"]},
            geometry=[shapely.box(p.x - 60, p.y - 60, p.x + 70, p.y + 60) for p in site[:2]],
            crs=CRS,
        ),
        **camera_money(),
    }
    settings = dataclasses.asdict(CameraSettings())
    return Plan(
        "cameras",
        tables,
        {"cameras": settings, "budget_cny": 10_000.0, "period_end": "2024-01-01"},
        seed=0,
        seconds=0.2,
        objective=72.0,
        bound=72.5,
        unit="cameras.unit",
        ended_by="gap",
    )


def camera_table(site: list[shapely.Point]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "camera_id": ["V1-C1", "V5-C1", "C1"],
            "village_id": ["V1", "V5", "V5"],
            "site_id": ["S1", "S2", "S3"],
            "site_kind": ["lamp", "junction", "existing"],
            "status": ["new", "new", "existing"],
            "x": [p.x for p in site],
            "y": [p.y for p in site],
            "azimuth_deg": [0.0, 90.0, 180.0],
            "hfov_deg": [84.0, 24.0, 84.0],
            "level": "recognition",
            "cost_cny": [1500.0, 1800.0, 0.0],
            "entrances": ["E1", "E2;E3", ""],
            "entrances_only": 0,
            "gain_pct": [21.0, 30.5, 4.0],
            "turns": False,
            "private_m2": [12.0, 0.0, 5.0],
            "masks": ["12-18;40-44", "", ""],
            "year": [1, 2, 0],
        },
        geometry=site,
        crs=CRS,
    )


def view_table(site: list[shapely.Point]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "camera_id": ["V1-C1", "V5-C1"] * 2,
            "village_id": ["V1", "V5"] * 2,
            "level": ["coverage"] * 2 + ["recognition"] * 2,
            "px_per_m": 62.5,
            "area_m2": 900.0,
        },
        geometry=[p.buffer(r) for r in (55, 28) for p in site[:2]],
        crs=CRS,
    )


def entrance_table(site: list[shapely.Point]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "entrance_id": ["E1", "E2", "E3", "E4"],
            "village_id": ["V1", "V5", "V5", "V5"],
            "road": ["", "环镇路", "", ""],
            "seen": [True, True, True, False],
            "seen_at_night": [True, False, True, False],
            "can_be_seen": [True, True, True, False],
            "cameras": ["V1-C1", "V5-C1", "V5-C1", ""],
            "released": "",
            "build_distance_m": [np.nan, np.nan, np.nan, 42.0],
            "build_x": [np.nan, np.nan, np.nan, site[1].x + 108],
            "build_y": [np.nan, np.nan, np.nan, site[1].y],
        },
        geometry=[
            shapely.Point(p.x + dx, p.y)
            for p, dx in zip((site[0], *site[1:], site[1]), (50, 60, -60, 150), strict=True)
        ],
        crs=CRS,
    )


def blind_table(site: list[shapely.Point]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "blind_spot_id": ["V5-B1"],
            "village_id": ["V5"],
            "road": ["环镇路"],
            "length_m": [80.0],
            "weight_pct": [3.2],
            "x": [site[1].x + 120],
            "y": [site[1].y],
            "from_centre_m": [120.0],
            "direction": ["E"],
        },
        geometry=[site[1].buffer(20)],
        crs=CRS,
    )


def rule_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rule": ["population", "market", "disorder", "by_hand", "any", "none"],
            "villages": [2, 1, 0, 0, 2, 4],
            "people": [3900, 2100, 0, 0, 3900, 2750],
            "people_pct": [58.6, 31.6, 0, 0, 58.6, 41.4],
            "incidents": [200, 150, 0, 0, 200, 120],
            "incidents_pct": [62.5, 46.9, 0, 0, 62.5, 37.5],
        }
    )


def summary_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "village_id": ["V1", "V5"],
            "name": ["东河", "集上"],
            "reasons": ["population", "population;market"],
            "population": [1800, 2100],
            "new_cameras": [1, 1],
            "existing_cameras": [0, 1],
            "poles": [1, 1],
            "cost_cny": [2300.0, 7400.0],
            "road_m": [900.0, 1200.0],
            "seen_m": [700.0, 800.0],
            "seen_at_night_m": [300.0, 500.0],
            "covered_pct": [80.0, 66.0],
            "entrances": [1, 3],
            "entrances_seen": [1, 2],
            "fewest_cut": [1, 3],
            "private_m2": [12.0, 5.0],
        }
    )


def site_table(site: list[shapely.Point]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "site_id": ["S1", "S2", "S3"],
            "village_id": ["V1", "V5", "V5"],
            "kind": ["lamp", "junction", "existing"],
            "power": ["grid", "solar", "grid"],
            "link": "wire",
            "cost_cny": [800.0, 5600.0, 0.0],
        },
        geometry=site,
        crs=CRS,
    )


def camera_money() -> dict[str, pd.DataFrame]:
    """The cards of the two new cameras, the years of building and the curve of the budget."""
    state = {"cameras": [1, 2], "spent_cny": [2300.0, 7100.0], "entrances": [1, 3], "covered_pct": [30.0, 72.0]}
    cards = {
        "camera_id": ["V1-C1", "V5-C1"],
        "village_id": ["V1", "V5"],
        "purpose": ["entrance", "entrance"],
        "basis": "7-1",
        "filing_days": 30,
        "retention_days": 30,
        "unit": "",
        "private_m2": [12.0, 0.0],
        "masks": ["12-18;40-44", ""],
        "on_private_ground": [False, True],
    }
    return {
        "checklist": pd.DataFrame(cards),
        "rollout": pd.DataFrame({"year": [1, 2], "budget_cny": [5e3, 1e4], **state, "bound_pct": [40.0, 72.5]}),
        "curve": pd.DataFrame({"budget_cny": [5e3, 1e4], **state, "bound_pct": [40.0, 72.5]}),
    }
