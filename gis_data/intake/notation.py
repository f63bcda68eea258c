"""Notation: how coordinates are written, told by the ranges that the study's ground allows (DOMAIN 2.6, pitfall 3).

In:     two columns of coordinates as a file gave them, and the study.
Out:    for each row degrees (of a datum still to be told) or metres in the study's CRS, and how they were written.
Method: the columns' own order is tried first; swapped, without or with a zone prefix, or Web Mercator only where the
        place as written is nowhere near the study and the other reading is. What fits nothing stays as written. Where
        the station names the CRS of a file (feet of some state plane), nothing is told by ranges.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.intake import values
from gis_data.study import WGS84, Study, transformer

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEAR_DEGREES = 0.5  # how far outside the study's box a coordinate may lie and still be meant for it
ZONE_M = 1_000_000.0
WEB_MERCATOR = "EPSG:3857"
HOWS = (
    "", "degrees", "degrees_swapped", "degree_minutes", "metres", "metres_swapped", "zone_prefix", "web_mercator",
    "elsewhere",
)  # fmt: skip
_DMS = re.compile(
    r"^[EN东北]?(?:经|纬)?[:：]?\s*(\d{1,3})\s*[°度d]\s*(?:(\d{1,2}(?:\.\d+)?)\s*['′’分m]\s*)?"
    r"(?:(\d{1,2}(?:\.\d+)?)\s*(?:[\"″”秒s]|'')?)?\s*[EN]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Written:
    """Coordinates as they were meant.

    Attributes
    ----------
    lon, lat
        Degrees; NaN where the row is written in metres or not at all.
    x, y
        Metres in the study's CRS where the row is written in metres; NaN elsewhere.
    how
        "" for none; "degrees", "degrees_swapped", "degree_minutes"; "metres", "metres_swapped", "zone_prefix",
        "web_mercator"; "elsewhere" for numbers in no known range. Categories ``HOWS``.
    """

    lon: Floats
    lat: Floats
    x: Floats
    y: Floats
    how: "pd.Categorical[str]"

    def written_by(self, *hows: str) -> Flags:
        """Tell which rows are written in one of some ways."""
        return np.isin(HOWS, hows)[self.how.codes]


def written_as(name: str, where: Flags) -> "pd.Categorical[str]":
    """Return how rows are written: so where told, not at all elsewhere."""
    return pd.Categorical.from_codes(np.where(where, HOWS.index(name), 0), categories=pd.Index(HOWS))


def read_coordinates(first: pd.Series, second: pd.Series, study: Study, *, crs: str = "") -> Written:
    """Read a pair of columns (longitude or easting, latitude or northing).

    Parameters
    ----------
    crs
        What the columns are in, where it is known ("EPSG:2226"); "" if it is to be told by their ranges.
    """
    a, a_minutes = _numbers(first)
    b, b_minutes = _numbers(second)
    known = np.isfinite(a) & np.isfinite(b) & (a != 0) & (b != 0)
    a, b = np.where(known, a, np.nan), np.where(known, b, np.nan)
    how = written_as("elsewhere", known)
    if crs:
        return _in_crs(a, b, how, crs, study)
    lon, lat = _degrees(a, b, known, how, study)
    x, y = _metres(a, b, how, study)
    minutes = (a_minutes | b_minutes) & (how == "degrees")
    how[minutes] = "degree_minutes"
    return Written(lon, lat, x, y, how)


def _in_crs(a: Floats, b: Floats, how: "pd.Categorical[str]", crs: str, study: Study) -> Written:
    x, y = transformer(crs, study.crs).transform(a, b)
    # What the CRS does not reach is no place; what it reaches far off is one, and is judged later as lying outside.
    reached = np.isfinite(x) & np.isfinite(y)
    how[reached] = "metres"
    nothing = np.full(len(a), np.nan)
    return Written(nothing, nothing.copy(), np.where(reached, x, np.nan), np.where(reached, y, np.nan), how)


def _numbers(cells: pd.Series) -> tuple[Floats, Flags]:
    """Return cells as floats, degrees and minutes made into degrees, and which cells were degrees and minutes."""
    numbers = values.plain_numbers(cells)
    rest = np.flatnonzero(np.isnan(numbers) & (cells.notna() & (cells != "")).to_numpy(dtype=bool))
    numbers[rest] = pd.to_numeric(cells.iloc[rest], errors="coerce").to_numpy(dtype=float)
    rest = rest[np.isnan(numbers[rest])]
    in_minutes = np.zeros(len(cells), dtype=bool)
    for row, cell in zip(rest.tolist(), cells.iloc[rest].tolist(), strict=True):
        text = str(cell).strip().replace(",", "")
        found = _DMS.match(text)
        if found:
            degrees, minutes, seconds = (float(part or 0) for part in found.groups())
            numbers[row] = degrees + minutes / 60 + seconds / 3600
            in_minutes[row] = True
        else:
            plain = re.match(r"^-?\d+(?:\.\d+)?(?=$|\s|[EN米m])", text)
            numbers[row] = float(plain.group()) if plain else np.nan
    return numbers, in_minutes


def _degrees(a: Floats, b: Floats, known: Flags, how: "pd.Categorical[str]", study: Study) -> tuple[Floats, Floats]:
    corners = transformer(study.crs, WGS84).transform(*shapely.get_coordinates(study.boundary).T)
    (west, east), (south, north) = ((part.min(), part.max()) for part in corners)
    fits = _inside(a, b, west, south, east, north, NEAR_DEGREES)
    swapped = ~fits & _inside(b, a, west, south, east, north, NEAR_DEGREES)
    # A place of another continent is a place, not a notation: it is judged later, as lying outside.
    possible = known & ~swapped & (np.abs(a) <= 180) & (np.abs(b) <= 90)
    how[possible], how[swapped] = "degrees", "degrees_swapped"
    lon, lat = np.where(swapped, b, a), np.where(swapped, a, b)
    in_degrees = possible | swapped
    return np.where(in_degrees, lon, np.nan), np.where(in_degrees, lat, np.nan)


def _metres(a: Floats, b: Floats, how: "pd.Categorical[str]", study: Study) -> tuple[Floats, Floats]:
    west, south, east, north = study.boundary.bounds
    reach = max(east - west, north - south)
    x, y = np.full(len(a), np.nan), np.full(len(a), np.nan)
    rest = np.flatnonzero(how == "elsewhere")
    a, b = a[rest], b[rest]

    def take(name: str, east_m: Floats, north_m: Floats) -> None:
        rows = (how[rest] == "elsewhere") & _inside(east_m, north_m, west, south, east, north, reach)
        how[rest[rows]], x[rest[rows]], y[rest[rows]] = name, east_m[rows], north_m[rows]

    take("metres", a, b)
    take("metres_swapped", b, a)
    take("zone_prefix", a % ZONE_M, b)
    take("zone_prefix", b % ZONE_M, a)
    if len(rest):
        take("web_mercator", *transformer(WEB_MERCATOR, study.crs).transform(a, b))
    return x, y


def _inside(x: Floats, y: Floats, west: float, south: float, east: float, north: float, reach: float) -> Flags:
    with np.errstate(invalid="ignore"):
        found: Flags = (x >= west - reach) & (x <= east + reach) & (y >= south - reach) & (y <= north + reach)
    return found
