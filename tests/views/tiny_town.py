"""The tiny town as tables: six villages between a river and a crossroads, made by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.study import Study

CRS = "EPSG:4549"
X, Y = 500_000.0, 4_075_000.0
NAMES = ("东河", "西河", "南岭", "北岭", "集上", "王庄")


def study() -> Study:
    return Study("禾川镇", shapely.box(X, Y, X + 6_000, Y + 4_000), CRS, synthetic=True, credit="手工样例")


def tiny_tables() -> dict[str, pd.DataFrame]:
    areas = village_areas()
    centres = shapely.centroid(areas)
    river = shapely.LineString([(X + 2_000, Y - 200), (X + 1_950, Y + 2_000), (X + 2_050, Y + 4_200)])
    barriers = gpd.GeoDataFrame({"barrier_id": [1], "kind": ["river"], "name": ["白沙河"]}, geometry=[river], crs=CRS)
    return {
        "villages": village_table(areas),
        "roads": road_table(),
        "buildings": building_table(centres),
        "barriers": barriers,
        "water": gpd.GeoDataFrame({"water_id": [1], "name": [""]}, geometry=[river.buffer(40)], crs=CRS),
        "landuse": gpd.GeoDataFrame({"landuse_id": [1], "kind": ["farmland"]}, geometry=[areas[1]], crs=CRS),
        "cameras": gpd.GeoDataFrame(
            {"camera_id": ["C1"], "status": ["working"], "azimuth_deg": [90.0], "hfov_deg": [84.0]},
            geometry=[centres[4]],
            crs=CRS,
        ),
        "incidents": tiny_incidents(centres, np.random.default_rng(7)).assign(import_id="a"),
        "imports": tiny_imports(),
        **tiny_quality(),
    }


def village_areas() -> np.ndarray:
    return np.array(
        [shapely.box(X + a, Y + b, X + a + 2_000, Y + b + 2_000) for b in (0, 2_000) for a in (0, 2_000, 4_000)]
    )


def village_table(areas: np.ndarray) -> gpd.GeoDataFrame:
    centres = shapely.centroid(areas)
    return gpd.GeoDataFrame(
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


def road_table() -> gpd.GeoDataFrame:
    lines = {
        "county": [((X, Y + 2_000), (X + 6_000, Y + 2_000))],
        "township": [((X + a, Y), (X + a, Y + 4_000)) for a in (1_000, 3_000, 5_000)],
        "village": [
            ((X + a, Y + b), (X + a + 700, Y + b)) for a in (600, 2_600, 4_600) for b in (900, 1_100, 2_900, 3_100)
        ],
    }
    shapes = [(kind, shapely.LineString(line)) for kind, found in lines.items() for line in found]
    return gpd.GeoDataFrame(
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


def building_table(centres: np.ndarray) -> gpd.GeoDataFrame:
    corners = [(c.x + dx, c.y + dy) for c in centres for dx in (-90, 0, 90) for dy in (-60, 0, 60)]
    return gpd.GeoDataFrame(
        {"building_id": range(len(corners)), "kind": "house", "levels": 1.0, "is_dwelling": True},
        geometry=[shapely.box(x, y, x + 14, y + 10) for x, y in corners],
        crs=CRS,
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
