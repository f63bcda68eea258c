"""Slim tables: very many rows of points as the intake holds them, each in a quarter of the memory.

In:     rows of a schema of points, their texts as words (categories) or plain, their places as objects or as metres.
Out:    a plain frame with the schema's columns, words where few texts stand for all, and ``x_m``, ``y_m`` (NaN for no
        place) in place of ``geometry``.
Method: a point as an object takes 200 bytes, as two numbers 16; a text of a few letters 20, as the place in a list of
        all different texts one or two.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

PLACE = ["x_m", "y_m"]
KEYS = ("incident_id", "linked_id")  # texts of which nearly all are different


def is_slim(frame: pd.DataFrame) -> bool:
    """Tell whether a table has its places as metres."""
    return not isinstance(frame, gpd.GeoDataFrame) and set(PLACE) <= set(frame.columns)


def slimmed(table: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a table of points as a slim one."""
    plain = pd.DataFrame(table.drop(columns=table.geometry.name))
    texts = [name for name in plain.columns if plain[name].dtype == "str" and name not in KEYS]
    places = dict(zip(PLACE, coordinates(table.geometry.to_numpy()).T, strict=True))
    return plain.assign(**{name: plain[name].astype("category") for name in texts}, **places)


def one_under_other(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of two slim tables of the same columns."""
    columns = {}
    for name in first.columns:
        parts = [first[name], second[name]]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            columns[name] = _words_in_all(parts)
        else:
            columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns, copy=False)


def points(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return places in metres as points; NaN is an empty one."""
    found = np.full(len(x), shapely.Point(), dtype=object)
    known = np.isfinite(x)
    found[known] = shapely.points(x[known], y[known])
    return found


def bounds(frame: pd.DataFrame) -> tuple[float, ...]:
    """Return the least and the greatest metres, east and north in turn; NaN where no row has a place."""
    x, y = (frame[name] for name in PLACE)
    return x.min(), y.min(), x.max(), y.max()


def _words_in_all(columns: list[pd.Series]) -> pd.Series:
    """Return columns of words one under the other, as words."""
    texts = np.concatenate([column.cat.categories.to_numpy(dtype=object) for column in columns])
    every = pd.Index(pd.unique(texts), dtype="str")
    codes = [every.get_indexer(column.cat.categories)[column.cat.codes.to_numpy()] for column in columns]
    return pd.Series(pd.Categorical.from_codes(np.concatenate(codes), every))


def coordinates(shapes: Any) -> NDArray[np.float64]:  # noqa: ANN401 - array of points
    """Return the metres of points, n × 2; NaN for an empty one."""
    shapes = np.where(shapely.is_empty(shapes), None, shapes)  # GEOS has no x for some empty points
    return np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
