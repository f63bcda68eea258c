"""Masts: points that stand for wherever a telephone was, known by what all imports together say of them.

In:     coordinates as a file writes them; the points of all incidents, with their precision and villages.
Out:    which rows stand at a mast known from earlier; which incidents stand at one that was not known when they came.
Method: a place where things happen lies in one village. A point at which several incidents name three villages is a
        mast or a default (DOMAIN 2.6, pitfalls 2 and 5); a month's file shows a mast once or twice, two years show it.
        A point is the same one if its six decimals, or its metres, are.
"""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.intake.notation import Written
from gis_data.slim import PLACE
from gis_data.study import WGS84, Study, transformer

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MAST_ROWS, MAST_VILLAGES = 4, 3
PER_DEGREE, PER_METRE = 1e6, 1.0
REACH_M = 2000.0  # so far off may be the place of a call (DOMAIN 2.6, pitfall 5)


def known_masts(incidents: pd.DataFrame) -> Floats:
    """Return the points, metres (n × 2), at which incidents (a slim table) are known to stand for a mast."""
    at = incidents.loc[incidents["precision"] == "cell", PLACE].to_numpy(dtype=float)
    return np.unique(at[np.isfinite(at).all(axis=1)], axis=0)


def at_known(written: Written, masts: Floats, study: Study) -> Flags:
    """Tell which rows are written as standing at one of the masts; degrees are WGS-84, as operators give them."""
    if not len(masts):
        return np.zeros(len(written.lon), dtype=bool)
    lon, lat = transformer(study.crs, WGS84).transform(*masts.T)
    in_degrees = np.isin(_keys(written.lon, written.lat, PER_DEGREE), _keys(lon, lat, PER_DEGREE))
    in_metres = np.isin(_keys(written.x, written.y, PER_METRE), _keys(masts[:, 0], masts[:, 1], PER_METRE))
    return np.asarray(in_degrees & np.isfinite(written.lon) | in_metres & np.isfinite(written.x))


def in_reach(x: Floats, y: Floats, asked: Flags, study: Study) -> Flags:
    """Tell which of the places asked about (metres) are so near that a call from the study may be located there."""
    found = np.zeros(len(x), dtype=bool)
    rows = np.flatnonzero(asked)
    found[rows] = shapely.dwithin(study.boundary, shapely.points(x[rows], y[rows]), REACH_M)
    return found


def late_masts(incidents: pd.DataFrame) -> pd.Series:
    """Tell which incidents (a slim table) with an exact point stand at a mast, as all incidents together show."""
    found = np.zeros(len(incidents), dtype=bool)
    precision, village = (incidents[name].to_numpy(dtype=object) for name in ("precision", "village_id"))
    xy = incidents[PLACE].to_numpy(dtype=float)
    rows = np.flatnonzero(incidents["precision"].isin(("exact", "cell")).to_numpy() & np.isfinite(xy).all(axis=1))
    if not len(rows):
        return pd.Series(found, index=incidents.index)
    xy = xy[rows]
    spot = pd.factorize(_keys(xy[:, 0], xy[:, 1], PER_METRE))[0]
    often = np.bincount(spot) >= MAST_ROWS
    asked = often[spot]
    named = pd.DataFrame({"spot": spot[asked], "village": village[rows[asked]]})
    named = named[named["village"] != ""].drop_duplicates()
    is_mast = often & (np.bincount(named["spot"], minlength=len(often)) >= MAST_VILLAGES)
    is_mast[spot[precision[rows] == "cell"]] = True
    found[rows] = is_mast[spot] & (precision[rows] == "exact")
    return pd.Series(found, index=incidents.index)


def _keys(first: Floats, second: Floats, scale: float) -> NDArray[np.int64]:
    """Return one whole number for each pair of coordinates, equal where both are."""
    whole = [np.round(np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0) * scale) for part in (first, second)]
    return whole[0].astype(np.int64) * 2**32 + whole[1].astype(np.int64)
