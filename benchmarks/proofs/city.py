"""A city from tables to a plan: 1,000,000 incidents, 100,000 cells, 300 zones, against five minutes and 4 GB.

``python -m benchmarks.proofs.city`` makes the tables, times ``plan_zones`` on them by the wall and by the processor,
and adds a row to city.csv beside this file. The ground is ``benchmarks._grounds.city``: a river, four bridges, and
incidents around sixty spots, here as points of a schema table; the plan's limit of time is ``LIMIT_S``.
``peak_gb`` is the most the whole process held, the tables and the making of them included.
"""

import csv
import datetime
import os
import platform
import resource
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks import timed
from benchmarks._grounds import CITY, CITY_INCIDENTS, CITY_ZONES, TOLERANCE, city_points
from gis_data.barriers import find_crossings
from gis_data.cells import make_cells
from gis_data.periods import Period
from gis_data.settings import Settings
from gis_data.study import Study
from gis_data.tables import BARRIERS, INCIDENTS, ROADS, VILLAGES
from models.zones import plan_zones

TABLE = Path(__file__).with_suffix(".csv")
CRS, EAST, NORTH, CELL_M = "EPSG:4549", 486_000.0, 4_061_000.0, 100.0
LIMIT_S = 240.0  # of the search and the bound; reading and writing tables comes on top
ROWS, COLUMNS = CITY


def main() -> None:
    """Time one plan and add its row to the table."""
    tables, study, period = city_tables(1)
    before_gb = _peak_gb()
    started = time.perf_counter()
    plan, cpu_s = timed(lambda: plan_zones(study, *tables, period=period, seed=1))
    wall_s = time.perf_counter() - started
    zones = plan.to_frame()
    assert plan.objective is not None
    assert plan.bound is not None
    row = {
        "measured": datetime.date.today().isoformat(), "machine": _machine(), "load": round(os.getloadavg()[0], 1),
        "incidents": len(tables[-1]), "cells": len(tables[1]), "zones": len(zones), "limit_s": LIMIT_S,
        "wall_s": round(wall_s, 1), "cpu_s": round(cpu_s, 1), "tables_gb": round(before_gb, 2),
        "peak_gb": round(_peak_gb(), 2), "mean_min": round(plan.objective, 4), "bound_min": round(plan.bound, 4),
        "gap_pct": round(100 * (1 - plan.bound / plan.objective), 2), "ended_by": plan.ended_by,
        "min_over_mean": round(float(zones["load_ratio"].min()), 3),
        "max_over_mean": round(float(zones["load_ratio"].max()), 3),
    }  # fmt: skip
    new = not TABLE.exists()
    with TABLE.open("a", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            out.writeheader()
        out.writerow(row)
    print(row)


def city_tables(seed: int) -> tuple[tuple[Any, ...], Study, Period]:
    """Return the tables that ``plan_zones`` takes, the study and the period of the incidents."""
    rows, columns = CITY
    boundary = shapely.box(EAST, NORTH, EAST + columns * CELL_M, NORTH + rows * CELL_M)
    zones = {"count": CITY_ZONES, "tolerance": TOLERANCE, "time_limit_s": LIMIT_S}
    study = Study("城", boundary, CRS, settings=Settings.from_mapping({"cell_size_m": CELL_M, "zones": zones}))
    middle = NORTH + rows // 2 * CELL_M
    river = shapely.LineString([(EAST - 50, middle), (EAST + columns * CELL_M + 50, middle)])
    barriers = BARRIERS.conform(gpd.GeoDataFrame({"barrier_id": [0], "kind": ["river"]}, geometry=[river], crs=CRS),
                                crs=CRS)  # fmt: skip
    villages, roads = VILLAGES.empty(crs=CRS), _bridges(middle)
    cells, edges = make_cells(study, villages, roads, barriers, find_crossings(barriers, roads, crs=CRS))
    row, column = city_points(seed).T
    when = pd.Timestamp("2024-01-01", tz=study.timezone) + pd.to_timedelta(
        np.arange(CITY_INCIDENTS) * (364 * 86_400 // CITY_INCIDENTS), unit="s"
    )
    incidents = gpd.GeoDataFrame(
        {"incident_id": np.arange(CITY_INCIDENTS).astype(str), "reported_at": when, "incident_class": "dispute",
         "type": "neighbour", "origin": "reported", "precision": "exact"},
        geometry=gpd.points_from_xy(EAST + column * CELL_M, NORTH + row * CELL_M), crs=CRS,
    )  # fmt: skip
    period = Period(pd.Timestamp("2024-01-01", tz=study.timezone), pd.Timestamp("2024-12-29", tz=study.timezone))
    return (villages, cells, edges, roads, INCIDENTS.conform(incidents, crs=CRS)), study, period


def _bridges(middle: float) -> gpd.GeoDataFrame:
    columns = CITY[1]
    at = [EAST + (int(columns * share) + 0.5) * CELL_M for share in (0.1, 0.35, 0.6, 0.9)]
    lines = [shapely.LineString([(x, middle - 150), (x, middle + 150)]) for x in at]
    table = gpd.GeoDataFrame(
        {"road_id": range(4), "road_class": "village", "length_m": 300.0, "speed_kmh": 25.0,
         "from_node": [0, 2, 4, 6], "to_node": [1, 3, 5, 7]}, geometry=lines, crs=CRS,
    )  # fmt: skip
    return ROADS.conform(table, crs=CRS)


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
