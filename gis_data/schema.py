"""What a schema is: which columns a table has, in which units and ranges, and how a frame is brought to it.

In:     a frame that somebody made (an importer, or a user's call).
Out:    the same rows with exactly the schema's columns, dtypes and CRS; or one error naming all problems found.

Missing text is "", a missing time is NaT, a missing number is NaN, a missing place is an empty geometry.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from geopandas.array import GeometryArray

from gis_data.errors import CrsError, SchemaError
from gis_data.keys import repeated
from gis_data.slim import PLACE, is_slim

Kind = Literal["text", "int", "float", "bool", "time"]


@dataclass(frozen=True)
class Column:
    """One column: its kind, and what its values must satisfy."""

    kind: Kind
    unique: bool = False
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    default: Any = None
    doc: str = ""

    @property
    def missing(self) -> Any:  # noqa: ANN401 - depends on the kind
        """Value that stands for «not known» in this column."""
        if self.default is not None:
            return self.default
        return {"text": "", "int": 0, "float": float("nan"), "bool": False, "time": pd.NaT}[self.kind]


@dataclass(frozen=True)
class Schema:
    """One table: its name, its columns in order, and its geometry types (None: a plain table)."""

    name: str
    columns: Mapping[str, Column]
    required: tuple[str, ...] = ()
    geometry: tuple[str, ...] | None = None
    may_be_empty: bool = field(default=False)
    _empty: dict[tuple[str | None, str], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def conform(self, frame: pd.DataFrame, *, crs: str | None = None, timezone: str = "Asia/Shanghai") -> Any:  # noqa: ANN401
        """Return the frame with exactly this schema's columns and dtypes; columns not required may be absent.

        Raises
        ------
        SchemaError
            If a required column is absent or a value is outside its range; all problems are named together.
        CrsError
            If the table is in another CRS than ``crs``.

        Notes
        -----
        A slim table (slim.py) stays one: its words are words, its places metres of the study's CRS.
        """
        absent = [name for name in self.required if name not in frame.columns]
        if absent:
            raise SchemaError("table.columns", table=self.name, missing=", ".join(absent))
        slim = self.geometry == ("Point",) and is_slim(frame)
        columns = {
            name: frame[name]
            if slim and column.kind == "text" and name in frame and _is_words(frame[name])
            else _cast(frame, name, column, timezone)
            for name, column in self.columns.items()
        }
        plain = pd.DataFrame(columns, index=frame.index, copy=False).reset_index(drop=True)
        # Of words, which stand for few texts, it is asked faster whether all are allowed.
        asked = {
            name: frame[name] if name in frame and _is_words(frame[name]) else plain[name] for name in self.columns
        }
        problems = [problem for name, column in self.columns.items() for problem in _problems(asked[name], column)]
        if problems:
            raise SchemaError("table.values", table=self.name, problems="; ".join(problems))
        if slim:
            return plain.assign(**{name: frame[name].to_numpy(dtype=float) for name in PLACE})
        if self.geometry is None:
            return plain
        return self._with_geometry(frame, plain, crs)

    def empty(self, *, crs: str | None = None, timezone: str = "Asia/Shanghai") -> Any:  # noqa: ANN401
        """Return a table of this schema with no rows."""
        if (crs, timezone) not in self._empty:  # asked for again and again, and slow to make
            frame: pd.DataFrame = pd.DataFrame({name: [] for name in self.columns})
            if self.geometry is not None:
                frame = gpd.GeoDataFrame(frame, geometry=[], crs=crs)
            self._empty[crs, timezone] = self.conform(frame, crs=crs, timezone=timezone)
        return self._empty[crs, timezone].copy()

    def _with_geometry(self, frame: pd.DataFrame, plain: pd.DataFrame, crs: str | None) -> gpd.GeoDataFrame:
        if not isinstance(frame, gpd.GeoDataFrame):
            raise SchemaError("table.no_geometry", table=self.name)
        if frame.crs is None or (crs is not None and not pyproj.CRS(frame.crs).equals(pyproj.CRS(crs), True)):
            raise CrsError("crs.differ", table=self.name, found=_crs_name(frame.crs), wanted=crs or "?")
        shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
        if shapely.has_z(shapes).any():
            shapes = shapely.force_2d(shapes)
        missing = shapely.is_missing(shapes)
        shapes = np.where(missing, shapely.Point(), shapes) if missing.any() else shapes
        empty = shapely.is_empty(shapes)
        first = np.unique(shapely.get_type_id(shapes[~empty]), return_index=True)[1]
        found = {shape.geom_type for shape in shapes[~empty][first]}
        wrong = found - set(self.geometry or ())
        if wrong:
            raise SchemaError(
                "table.geometry", table=self.name, found=", ".join(sorted(wrong)), wanted=", ".join(self.geometry or ())
            )
        if not self.may_be_empty and empty.any():
            raise SchemaError("table.geometry_empty", table=self.name)
        return gpd.GeoDataFrame(plain, geometry=GeometryArray(shapes, crs=crs or frame.crs), copy=False)


def narrowed(schema: Schema, only: Sequence[str]) -> Schema:
    """Return the schema of some of a table's columns, without its shapes."""
    required = tuple(name for name in schema.required if name in only)
    return dataclasses.replace(
        schema, columns={name: schema.columns[name] for name in only}, required=required, geometry=None
    )


def superseded(schema: Schema) -> Schema:
    """Return the schema of a table's rows that newer rows have replaced; undo brings them back."""
    columns = {name: dataclasses.replace(column, unique=False) for name, column in schema.columns.items()}
    return dataclasses.replace(schema, name=f"superseded_{schema.name}", columns=columns)


def _crs_name(crs: Any) -> str:  # noqa: ANN401
    return "?" if crs is None else (crs.to_string() if len(crs.to_string()) < 40 else crs.name)


def _cast(frame: pd.DataFrame, name: str, column: Column, timezone: str) -> pd.Series:
    if name not in frame.columns:
        values: Any = pd.Series([column.missing] * len(frame), index=frame.index, dtype=object)
    else:
        values = frame[name]
    if _is_words(values):
        values = pd.Series(values.cat.categories.array.take(values.cat.codes.to_numpy()), index=values.index)
    if _is_cast(values, column, timezone):
        return values
    if column.kind == "text":
        return values.astype(object).where(values.notna(), column.missing).astype(str).astype("str")
    if column.kind == "time":
        times = pd.to_datetime(values, errors="raise")
        if len(times) == 0 or times.dtype == object:
            times = pd.Series(pd.DatetimeIndex(times), index=frame.index)
        times = times.dt.tz_localize(timezone) if times.dt.tz is None else times.dt.tz_convert(timezone)
        return times.dt.as_unit("us")
    numbers = pd.to_numeric(values.astype(object).where(values.notna(), column.missing), errors="raise")
    return numbers.astype({"int": "int64", "float": "float64", "bool": "bool"}[column.kind])


def _is_words(values: pd.Series) -> bool:
    """Tell whether a column holds texts as categories, and none is missing."""
    return isinstance(values.dtype, pd.CategoricalDtype) and values.cat.categories.dtype == "str" and not values.hasnans


def _is_cast(values: pd.Series, column: Column, timezone: str) -> bool:
    """Tell whether a column has its dtype already, and nothing is missing that should be written otherwise."""
    if column.kind == "text":
        return values.dtype == "str" and not values.hasnans
    if column.kind == "time":
        return bool(values.dtype == pd.DatetimeTZDtype("us", timezone))
    if column.kind == "float" and column.default is not None:
        return False
    return bool(values.dtype == {"int": "int64", "float": "float64", "bool": "bool"}[column.kind])


def _problems(values: pd.Series, column: Column) -> list[str]:
    found = []
    if column.unique and (again := repeated(values)).any():
        found.append(f"{values.name}: {values[again].iloc[0]} ×2")
    if column.allowed:
        wrong = values[~values.isin([*column.allowed, column.missing])]
        if len(wrong):
            found.append(f"{values.name}: {wrong.iloc[0]} ∉ {{{', '.join(column.allowed)}}}")
    if column.low is not None and (values < column.low).any():
        found.append(f"{values.name}: {values[values < column.low].iloc[0]} < {column.low}")
    if column.high is not None and (values > column.high).any():
        found.append(f"{values.name}: {values[values > column.high].iloc[0]} > {column.high}")
    return found
