"""Elsewhere: points that do not lie in the village that their row names.

In:     places in metres and the village that each row names; the villages.
Out:    which points lie in another village, and which of these lie on the named one's border.
Method: the village named counts, the point stays where it is written; this is only told. Of a village with an outline a
        point lies elsewhere outside it. Of one known by its centre alone it does where another centre is less than
        half as far: its land may reach far on one side.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEAR_BORDER_M = 30.0  # a street on the border, and how far from its middle a house stands
SURELY_NEARER = 0.5


def in_other_village(
    x: Floats, y: Floats, named: pd.Series, asked: Flags, villages: gpd.GeoDataFrame
) -> tuple[Flags, Flags]:
    """Tell which of the points asked about lie in another village than the one named, and which of these on its border.

    Parameters
    ----------
    x, y
        Metres; NaN for no place.
    named
        Village id of each row (words); "" where it names none.
    """
    found, border = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=bool)
    place = {village: number for number, village in enumerate(villages["village_id"])}
    of_code = np.array([place.get(name, -1) for name in named.cat.categories], dtype=np.int64)
    village = of_code[named.cat.codes.to_numpy()]
    rows = np.flatnonzero(asked & (village >= 0) & np.isfinite(x))
    if not len(rows):
        return found, border
    shapes = villages.geometry.to_numpy()
    outlined = shapely.area(shapes) > 0
    centres = villages[["centre_x", "centre_y"]].to_numpy(dtype=float)
    far = rows[~outlined[village[rows]]]
    found[far[_nearer_another(np.column_stack([x[far], y[far]]), village[far], centres)]] = True
    rows = rows[outlined[village[rows]]]
    order = rows[np.argsort(village[rows], kind="stable")]
    for part in np.split(order, np.flatnonzero(np.diff(village[order])) + 1) if len(order) else []:
        outline = shapes[village[part[0]]]
        shapely.prepare(outline)
        out = part[~shapely.intersects_xy(outline, x[part], y[part])]
        found[out] = True
        border[out] = shapely.dwithin(shapely.points(x[out], y[out]), outline, NEAR_BORDER_M)
    return found, border


def _nearer_another(xy: Floats, village: NDArray[np.int64], centres: Floats) -> Flags:
    """Tell which places are less than half as far from another centre as from their own."""
    found = np.zeros(len(xy), dtype=bool)
    if not len(xy) or len(centres) < 2:
        return found
    own_m = np.hypot(*(xy - centres[village]).T)
    tree = KDTree(centres)
    apart_m = tree.query(centres, k=2)[0][:, 1]
    # Another centre is half as near only from two thirds of the way to it on: few rows are asked about.
    rows = np.flatnonzero(own_m > apart_m[village] / (1 + SURELY_NEARER))
    found[rows] = tree.query(xy[rows])[0] < SURELY_NEARER * own_m[rows]
    return found
