"""What the fictional town is made after: its villages, the yearly mix of incidents, and when each type happens.

In:     the four csv files beside this module (all figures of DOMAIN 5; no real place, no real record).
Out:    plain tables; the villages with their centres in metres from the town's anchor.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import ArrayLike

from gis_data.study import WGS84

SAMPLE_NAME = "禾川镇"
MARK = "合成数据，非真实警情"
CRS = "EPSG:4549"
ANCHOR_LON, ANCHOR_LAT = 119.88, 36.62
YEARS = (2022, 2023)

_FOLDER = Path(__file__).resolve().parent


@cache
def _projections() -> tuple[pyproj.Transformer, pyproj.Transformer, float, float]:
    there = pyproj.Transformer.from_crs(WGS84, CRS, always_xy=True)
    back = pyproj.Transformer.from_crs(CRS, WGS84, always_xy=True)
    anchor_x, anchor_y = there.transform(ANCHOR_LON, ANCHOR_LAT)
    return there, back, anchor_x, anchor_y


def to_metres(lon: ArrayLike, lat: ArrayLike) -> np.ndarray:
    """Return metres east and north of the town's anchor (n × 2) for WGS-84 degrees."""
    there, _, anchor_x, anchor_y = _projections()
    x, y = there.transform(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
    return np.column_stack([x - anchor_x, y - anchor_y])


def to_degrees(xy: np.ndarray) -> np.ndarray:
    """Return WGS-84 longitude and latitude (n × 2) for metres from the anchor."""
    _, back, anchor_x, anchor_y = _projections()
    xy = np.asarray(xy, dtype=float).reshape(-1, 2)
    return np.column_stack(back.transform(xy[:, 0] + anchor_x, xy[:, 1] + anchor_y))


def to_grid(xy: np.ndarray) -> np.ndarray:
    """Return coordinates in the study's CRS (n × 2) for metres from the anchor."""
    _, _, anchor_x, anchor_y = _projections()
    return np.asarray(xy, dtype=float).reshape(-1, 2) + np.array([anchor_x, anchor_y])


def villages() -> pd.DataFrame:
    """Return the 71 villages: id, name, population, households, work area, market days, lon, lat, x_m, y_m."""
    table = pd.read_csv(_FOLDER / "villages_reference.csv", dtype={"work_area": str}, keep_default_na=False)
    table = table.rename(columns={"pop": "population", "lon_wgs84": "lon", "lat_wgs84": "lat"})
    x_m, y_m = to_metres(table["lon"], table["lat"]).T
    kept = ["village_id", "name", "population", "households", "work_area", "is_seat", "market_days", "lon", "lat"]
    return table[kept].assign(x_m=x_m, y_m=y_m)


def annual_mix() -> pd.DataFrame:
    """Return expected incidents a year, reported share and chance of an on-the-spot arrest, by type."""
    return pd.read_csv(_FOLDER / "annual_mix.csv").set_index("type")


def hour_profiles() -> pd.DataFrame:
    """Return the share of each hour of day, by type (rows sum to 1)."""
    table = pd.read_csv(_FOLDER / "profiles_hour.csv").set_index("type")
    return table.div(table.sum(axis=1), axis=0)


def month_profiles() -> pd.DataFrame:
    """Return the relative frequency of each month (mean 1), by type."""
    return pd.read_csv(_FOLDER / "profiles_month.csv").set_index("type")
