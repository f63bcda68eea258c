"""A tiny town with finished plans: six villages between a river and a crossroads, made by hand, planned in no time."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.periods import Period
from gis_data.study import Study
from gis_data.tables import TABLES
from gis_data.workspace import Workspace
from models.patrol_record import PatrolLog
from models.plan import Plan
from models.scorecard import score_zones
from models.store import save_plans
from models.town_plan import prepare_ground

CRS = "EPSG:4549"
X, Y = 500_000.0, 4_075_000.0
NAMES = ("东河", "西河", "南岭", "北岭", "集上", "王庄")


@pytest.fixture(scope="session")
def tiny_station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with records, cells and four plans (do not change it)."""
    ws = tiny_workspace(tmp_path_factory.mktemp("tiny") / "town")
    prepare_ground(ws)
    save_plans(ws, tiny_plans(ws), run="20240701T080000")
    return ws.root


@pytest.fixture(scope="session")
def unplanned_station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with records and no plans."""
    return tiny_workspace(tmp_path_factory.mktemp("unplanned") / "town").root


@pytest.fixture(scope="session")
def empty_station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace without any records."""
    return Workspace.create(tmp_path_factory.mktemp("empty") / "town", study()).root


def study() -> Study:
    return Study("禾川镇", shapely.box(X, Y, X + 6_000, Y + 4_000), CRS, synthetic=True, credit="手工样例")


def tiny_workspace(root: Path) -> Workspace:
    ws = Workspace.create(root, study())
    ws.write({name: TABLES[name].conform(frame, crs=CRS) for name, frame in tiny_tables().items()})
    return ws


def tiny_tables() -> dict[str, pd.DataFrame]:
    areas = village_areas()
    centres = shapely.centroid(areas)
    villages = gpd.GeoDataFrame(
        {
            "village_id": [f"V{n}" for n in range(1, 7)],
            "name": NAMES,
            "population": [1800, 900, 700, 650, 2100, 500],
            "households": [600, 300, 230, 210, 700, 170],
            "market_days": ["", "", "", "", "5,10", ""],
            "is_seat": [False] * 4 + [True, False],
            "centre_x": shapely.get_x(centres),
            "centre_y": shapely.get_y(centres),
        },
        geometry=areas,
        crs=CRS,
    )
    lines = {
        "county": [((X, Y + 2_000), (X + 6_000, Y + 2_000))],
        "township": [((X + a, Y), (X + a, Y + 4_000)) for a in (1_000, 3_000, 5_000)],
        "village": [
            ((X + a, Y + b), (X + a + 700, Y + b)) for a in (600, 2_600, 4_600) for b in (900, 1_100, 2_900, 3_100)
        ],
    }
    shapes = [(kind, shapely.LineString(line)) for kind, found in lines.items() for line in found]
    roads = gpd.GeoDataFrame(
        {
            "road_id": range(len(shapes)),
            "name": ["环镇路" if kind == "county" else "" for kind, _ in shapes],
            "road_class": [kind for kind, _ in shapes],
            "length_m": [line.length for _, line in shapes],
            "speed_kmh": 40.0,
            "from_node": 0,
            "to_node": 1,
        },
        geometry=[line for _, line in shapes],
        crs=CRS,
    )
    rng = np.random.default_rng(7)
    corners = [(c.x + dx, c.y + dy) for c in centres for dx in (-90, 0, 90) for dy in (-60, 0, 60)]
    buildings = gpd.GeoDataFrame(
        {"building_id": range(len(corners)), "kind": "house", "levels": 1.0, "is_dwelling": True},
        geometry=[shapely.box(x, y, x + 14, y + 10) for x, y in corners],
        crs=CRS,
    )
    river = shapely.LineString([(X + 2_000, Y - 200), (X + 1_950, Y + 2_000), (X + 2_050, Y + 4_200)])
    barriers = gpd.GeoDataFrame({"barrier_id": [1], "kind": ["river"], "name": ["白沙河"]}, geometry=[river], crs=CRS)
    return {
        "villages": villages,
        "roads": roads,
        "buildings": buildings,
        "barriers": barriers,
        "water": gpd.GeoDataFrame({"water_id": [1], "name": [""]}, geometry=[river.buffer(40)], crs=CRS),
        "landuse": gpd.GeoDataFrame({"landuse_id": [1], "kind": ["farmland"]}, geometry=[areas[1]], crs=CRS),
        "cameras": gpd.GeoDataFrame(
            {"camera_id": ["C1"], "status": ["working"], "azimuth_deg": [90.0], "hfov_deg": [84.0]},
            geometry=[centres[4]],
            crs=CRS,
        ),
        "incidents": tiny_incidents(centres, rng),
        "imports": tiny_imports(),
        **tiny_quality(),
    }


def village_areas() -> np.ndarray:
    return np.array(
        [shapely.box(X + a, Y + b, X + a + 2_000, Y + b + 2_000) for b in (0, 2_000) for a in (0, 2_000, 4_000)]
    )


def tiny_incidents(centres: np.ndarray, rng: np.random.Generator) -> gpd.GeoDataFrame:
    size = 400
    village = rng.integers(0, 6, size)
    spread = np.where(np.arange(size)[:, None] < 60, 40.0, 350.0)
    village[:60] = 4
    xy = shapely.get_coordinates(centres)[village] + rng.normal(0, spread, (size, 2))
    kinds = rng.choice(["theft", "assault", "neighbour", "crash", "telecom_fraud"], size)
    classes = {
        "theft": "criminal",
        "assault": "public_order",
        "neighbour": "dispute",
        "crash": "traffic",
        "telecom_fraud": "criminal",
    }
    day = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 365, size), unit="D")
    reported = day + pd.to_timedelta(np.where(np.arange(size) < 60, 20, rng.integers(0, 24, size)), unit="h")
    return gpd.GeoDataFrame(
        {
            "incident_id": [f"i{n}" for n in range(size)],
            "reported_at": reported,
            "occurred_from": reported,
            "incident_class": [classes[kind] for kind in kinds],
            "type": kinds,
            "origin": np.where(rng.random(size) < 0.9, "reported", "discovered"),
            "caught_count": (rng.random(size) < 0.08).astype(int),
            "count": 1,
            "village_id": [f"V{n + 1}" for n in village],
            "precision": "exact",
        },
        geometry=gpd.points_from_xy(xy[:, 0], xy[:, 1]),
        crs=CRS,
    )


def tiny_imports() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "import_id": ["a"],
            "file": ["警情2023.xlsx"],
            "sha256": ["0"],
            "table": ["incidents"],
            "rows_read": [405],
            "accepted": [400],
            "set_aside": [4],
            "refused": [1],
            "imported_at": [pd.Timestamp("2024-01-02")],
            "problems": ['{"no_time": 4, "private": 1}'],
            "remarks": [
                '[["intake.remark.gcj02", {"first": "2023-03-01", "last": "2023-03-31", "rows": 9, "odds": 12.5}]]'
            ],
        }
    )


def tiny_quality() -> dict[str, pd.DataFrame]:
    """Return what the import found: two reasons, two notes, twelve fields by month, five corrected points."""
    file = {"import_id": "a", "file": "警情2023.xlsx", "table": "incidents"}
    quality = pd.DataFrame(
        [
            file | {"problem": "no_time", "outcome": "set_aside", "rows": 4, "examples": "7,19,33"},
            file | {"problem": "private", "outcome": "refused", "rows": 1, "examples": "50"},
            file | {"problem": "default_point", "outcome": "accepted", "rows": 12, "examples": "2,3,4"},
            file | {"problem": "gcj02", "outcome": "accepted", "rows": 9, "examples": "91,92,95"},
        ]
    )
    months = [f"2023-{month:02d}" for month in range(1, 13)]
    filled = {"point": 30, "village_id": 33, "occurred_from": 28, "channel": 0}
    completeness = pd.DataFrame(
        [
            {"import_id": "a", "month": month, "field": name, "rows": 33, "filled": count}
            for name, count in filled.items()
            for month in months
        ]
    )
    shifted = [(120.0152, 36.8201), (120.0252, 36.8251), (120.0302, 36.8151)]
    corrections = pd.DataFrame(
        [
            {"source_row": 91 + n, "kind": "gcj02", "from_lon": lon, "from_lat": lat, "to_lon": lon - 0.0052,
             "to_lat": lat - 0.0002}
            for n, (lon, lat) in enumerate(shifted)
        ]
        + [{"source_row": 2 + n, "kind": "default_point", "from_lon": 120.033, "from_lat": 36.818} for n in range(2)]
    ).assign(import_id="a", source_file="警情2023.xlsx")  # fmt: skip
    return {"quality": quality, "completeness": completeness, "corrections": corrections}


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
    return Plan("hotspots", tables, {"hotspots": {"life_window_months": 6}}, seed=1, seconds=0.5)


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
        }
    )
    tables = {"zones": table, "units": units, "today": today}
    return Plan(
        "zones",
        tables,
        {},
        seed=1,
        seconds=0.4,
        objective=5.0,
        bound=5.0,
        unit="zones.unit.mean_min",
        ended_by="optimal",
    )


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


def cameras(ws: Workspace) -> Plan:
    villages = ws.read("villages")
    named = villages["village_id"].isin(["V1", "V5"])
    about = pd.DataFrame(villages[["village_id", "name", "population"]]).assign(
        named=named, reasons=["population", "", "", "", "population;market", ""], incidents=[50, 40, 30, 30, 150, 20]
    )
    site = [villages.geometry.centroid[0], villages.geometry.centroid[4], villages.geometry.centroid[4]]
    table = gpd.GeoDataFrame(
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
    views = gpd.GeoDataFrame(
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
    entrances = gpd.GeoDataFrame(
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
        },
        geometry=[
            shapely.Point(p.x + dx, p.y)
            for p, dx in zip((site[0], *site[1:], site[1]), (50, 60, -60, 150), strict=True)
        ],
        crs=CRS,
    )
    blind = gpd.GeoDataFrame(
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
    rules = pd.DataFrame(
        {
            "rule": ["population", "market", "disorder", "by_hand", "any", "none"],
            "villages": [2, 1, 0, 0, 2, 4],
            "people": [3900, 2100, 0, 0, 3900, 2750],
            "people_pct": [58.6, 31.6, 0, 0, 58.6, 41.4],
            "incidents": [200, 150, 0, 0, 200, 120],
            "incidents_pct": [62.5, 46.9, 0, 0, 62.5, 37.5],
        }
    )
    summary = pd.DataFrame(
        {
            "village_id": ["V1", "V5"],
            "name": ["东河", "集上"],
            "reasons": ["population", "population;market"],
            "population": [1800, 2100],
            "new_cameras": [1, 1],
            "existing_cameras": [0, 1],
            "poles": [1, 1],
            "cost_cny": [2300.0, 4800.0],
            "road_m": [900.0, 1200.0],
            "seen_m": [700.0, 800.0],
            "seen_at_night_m": [300.0, 500.0],
            "covered_pct": [80.0, 66.0],
            "entrances": [1, 3],
            "entrances_seen": [1, 2],
            "fewest_cut": [1, 3],
        }
    )
    tables = {
        "cameras": table,
        "views": views,
        "entrances": entrances,
        "blind_spots": blind,
        "villages": about,
        "rules": rules,
        "summary": summary,
        "sites": pd.DataFrame(
            {
                "site_id": ["S1", "S2", "S3"],
                "village_id": ["V1", "V5", "V5"],
                "kind": ["lamp", "junction", "existing"],
                "power": ["grid", "solar", "grid"],
                "link": "wire",
                "cost_cny": [800.0, 3000.0, 0.0],
            }
        ),
        **camera_money(),
    }
    settings = {"population_over": 1500, "lens_hfov_deg": [84.0, 24.0]}
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
