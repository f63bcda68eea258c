"""The schemas: which columns each table has, in which units and ranges. Checked at the door and nowhere else.

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
from gis_data.taxonomy import CLASSES, TYPES

Kind = Literal["text", "int", "float", "bool", "time"]

ROAD_CLASSES = ("expressway", "provincial", "county", "township", "village", "track", "path")
BARRIER_KINDS = ("river", "railway", "expressway")
PRECISIONS = ("exact", "road", "cell", "village", "default", "none")
CHECKPOINT_KINDS = ("by_hand", "hotspot", "market", "school", "back_lane")  # in the order of choice


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


TEXT, TIME, FLAG = Column("text"), Column("time"), Column("bool")
COUNT = Column("int", low=0)
KEY = Column("text", unique=True)
# Where a row of the station's own tables came from.
ORIGIN = {"source_file": TEXT, "source_row": COUNT, "import_id": TEXT}

INCIDENTS = Schema(
    "incidents",
    {
        "incident_id": Column("text", unique=True, doc="salted hash of the call number"),
        "linked_id": TEXT,
        "reported_at": TIME,
        "occurred_from": TIME,
        "occurred_to": TIME,
        "arrived_at": TIME,
        "closed_at": TIME,
        "incident_class": Column("text", allowed=tuple(CLASSES)),
        "type": Column("text", allowed=tuple(TYPES)),
        "subtype": Column("text", doc="the station's own name of the type, from its code table"),
        "origin": Column("text", allowed=("reported", "discovered"), default="reported"),
        "channel": TEXT,
        "place_type": TEXT,
        "mo": TEXT,
        "target_type": TEXT,
        "caught_count": Column("int", low=0, doc="on-the-spot arrests; never feeds allocation"),
        "count": Column("int", low=1, default=1, doc="more than 1 in aggregated sheets"),
        "village_id": TEXT,
        "precision": Column("text", allowed=PRECISIONS, default="none"),
        **ORIGIN,
    },
    required=("incident_id", "reported_at", "incident_class", "type", "origin"),
    geometry=("Point",),
    may_be_empty=True,
)
VILLAGES = Schema(
    "villages",
    {
        "village_id": KEY,
        "name": Column("text", doc="two villages may share it; the id tells them apart"),
        "aliases": Column("text", doc="other names, separated by ;"),
        "population": COUNT,
        "households": COUNT,
        "market_days": Column("text", doc='last digits of lunar market days, "5,10"; "" for no market'),
        "work_area": TEXT,
        "is_seat": FLAG,
        "valid_from": TIME,
        "valid_to": TIME,
        "centre_x": Column("float", doc="village centre in the study's CRS, metres"),
        "centre_y": Column("float", doc="village centre in the study's CRS, metres"),
        **ORIGIN,
    },
    required=("village_id", "name", "population"),
    geometry=("Point", "Polygon", "MultiPolygon"),
)
ROADS = Schema(
    "roads",
    {
        "road_id": Column("int", unique=True),
        "osm_id": TEXT,
        "name": TEXT,
        "highway": Column("text", doc="OSM highway tag"),
        "road_class": Column("text", allowed=ROAD_CLASSES),
        "length_m": Column("float", low=0),
        "speed_kmh": Column("float", low=1, high=130),
        "oneway": Column("bool", doc="only in the direction of the line"),
        "lit": FLAG,
        "closed_in_rain": FLAG,
        "bridge": FLAG,
        "tunnel": FLAG,
        "from_node": Column("int", doc="junction where the line starts"),
        "to_node": Column("int", doc="junction where the line ends"),
    },
    required=("road_id", "road_class", "length_m", "speed_kmh", "from_node", "to_node"),
    geometry=("LineString",),
)
BARRIERS = Schema(
    "barriers",
    {"barrier_id": Column("int", unique=True), "kind": Column("text", allowed=BARRIER_KINDS), "name": TEXT},
    required=("barrier_id", "kind"),
    geometry=("LineString", "MultiLineString"),
)
CROSSINGS = Schema(
    "crossings",
    {"crossing_id": Column("int", unique=True), "barrier_id": Column("int"), "road_id": Column("int"), "name": TEXT},
    required=("crossing_id", "barrier_id", "road_id"),
    geometry=("Point",),
)
BUILDINGS = Schema(
    "buildings",
    {
        "building_id": Column("int", unique=True),
        "kind": Column("text", doc="OSM building tag"),
        "levels": Column("float", low=0),
        "is_dwelling": FLAG,
    },
    required=("building_id",),
    geometry=("Polygon", "MultiPolygon"),
)
WATER = Schema("water", {"water_id": Column("int", unique=True), "name": TEXT}, geometry=("Polygon", "MultiPolygon"))
LANDUSE = Schema(
    "landuse",
    {"landuse_id": Column("int", unique=True), "kind": Column("text", doc="OSM landuse, leisure or natural tag")},
    geometry=("Polygon", "MultiPolygon"),
)
PLACES = Schema(
    "places",
    {
        "place_id": Column("int", unique=True),
        "kind": Column("text", doc="market, school, hospital, bank, shop, police, factory, pole, lamp, venue, ..."),
        "name": TEXT,
    },
    required=("place_id", "kind"),
    geometry=("Point",),
)
CAMERAS = Schema(
    "cameras",
    {
        "camera_id": KEY,
        "status": Column("text", allowed=("working", "broken", "planned", "forbidden"), default="working"),
        "azimuth_deg": Column("float", low=0, high=360),
        "hfov_deg": Column("float", low=1, high=360),
        "note": TEXT,
        **ORIGIN,
    },
    required=("camera_id",),
    geometry=("Point",),
)
CREWS = Schema(
    "crews",
    {
        "crew_id": KEY,
        "mode": Column("text", allowed=("vehicle", "motorcycle", "ebike", "foot")),
        "officers": COUNT,
        "auxiliaries": COUNT,
        "shift": TEXT,
        "powers": Column("text", allowed=("full", "assist", "observe"), default="assist"),
        **ORIGIN,
    },
    required=("crew_id", "mode"),
)
PATROL_HOURS = Schema(
    "patrol_hours",
    {
        "month": Column("text", doc="YYYY-MM"),
        "village_id": TEXT,
        "band": Column("text", allowed=("00-06", "06-12", "12-18", "18-24")),
        "hours": Column("float", low=0, doc="crew hours"),
        **ORIGIN,
    },
    required=("month", "village_id", "band", "hours"),
)
VISITS = Schema(
    "visits",
    {
        "crew_id": Column("text", doc="a crew's number, never a person's"),
        "checkpoint": TEXT,
        "visited_at": TIME,
        **ORIGIN,
    },
    required=("crew_id", "checkpoint", "visited_at"),
    geometry=("Point",),
    may_be_empty=True,
)
# Table "checkpoints" (必巡点) of the plan "beats": planned, and so no table of station.gpkg. A check-in of VISITS
# belongs to the checkpoint whose checkpoint_id is named in its ``checkpoint``.
CHECKPOINTS = Schema(
    "checkpoints",
    {
        "checkpoint_id": Column("text", unique=True, doc='"Z1-C03": the zone and the number on its sheet'),
        "number": Column("int", low=1, doc="number on the zone's sheet"),
        "zone_id": TEXT,
        "beat_id": Column("text", doc='"Z1-B2"; the beat on whose road the point stands'),
        "kind": Column("text", allowed=CHECKPOINT_KINDS, doc="the first of its reasons"),
        "name": Column("text", doc="of the market, the school or the road; never of a dwelling"),
        "reason": Column("text", doc="JSON: catalogue keys and values, [[key, {name: value}], ...]"),
        "min_visits_per_week": Column("int", low=1, doc="least number of check-ins in a week of seven days"),
        "stop_min": Column("float", low=0, doc="minutes that one visit takes"),
        "hours": Column("text", doc='when to be there, from-to in whole hours, "19-23;07-09"; "" for any hour'),
        "market_days": Column("text", doc='last digits of lunar days, as in VILLAGES, "5,10"; "" for any day'),
    },
    required=("checkpoint_id", "zone_id", "beat_id", "kind", "min_visits_per_week"),
    geometry=("Point",),
)
CELLS = Schema(
    "cells",
    {
        "cell_id": Column("int", unique=True),
        "row": Column("int"),
        "col": Column("int"),
        "x": Column("float", doc="centre, metres"),
        "y": Column("float", doc="centre, metres"),
        "area_m2": Column("float", low=0, doc="land inside the boundary"),
        "road_m": Column("float", low=0, doc="road to patrol inside the cell, expressways and paths left out"),
        "village_id": TEXT,
        "component": Column("int", doc="piece of ground that can be reached without crossing a barrier off a road"),
    },
    required=("cell_id", "row", "col", "x", "y", "area_m2"),
    geometry=("Polygon", "MultiPolygon"),
)
CELL_EDGES = Schema(
    "cell_edges",
    {"cell_a": Column("int"), "cell_b": Column("int"), "border_m": Column("float", low=0)},
    required=("cell_a", "cell_b"),
)
IMPORTS = Schema(
    "imports",
    {
        "import_id": TEXT,
        "file": TEXT,
        "sha256": TEXT,
        "table": TEXT,
        "rows_read": COUNT,
        "accepted": COUNT,
        "set_aside": COUNT,
        "refused": COUNT,
        "imported_at": TIME,
        "problems": Column("text", doc="JSON: reason -> number of rows"),
        "remarks": Column("text", doc="JSON: catalogue keys and values about the whole file"),
    },
    required=("import_id", "file"),
)
QUALITY = Schema(
    "quality",
    {
        "import_id": TEXT,
        "file": TEXT,
        "table": TEXT,
        "problem": Column("text", doc="reason or note, a key under intake.reason"),
        "outcome": Column("text", allowed=("accepted", "set_aside", "refused"), doc="what became of these rows"),
        "rows": COUNT,
        "examples": Column("text", doc="up to three row numbers, as the user's own program shows them: 12,45,99"),
    },
    required=("import_id", "problem", "outcome", "rows"),
)
COMPLETENESS = Schema(
    "completeness",
    {
        "import_id": TEXT,
        "month": Column("text", doc="YYYY-MM of the report time"),
        "field": Column("text", doc="column of INCIDENTS, or 'point' for a usable point"),
        "rows": COUNT,
        "filled": COUNT,
    },
    required=("import_id", "month", "field", "rows", "filled"),
)
CORRECTIONS = Schema(
    "corrections",
    {
        "import_id": TEXT,
        "source_file": TEXT,
        "source_row": COUNT,
        "kind": Column("text", doc="notes that say why, keys under intake.reason: coordinates_swapped;gcj02"),
        "from_lon": Column("float", doc="as written, degrees read as WGS-84"),
        "from_lat": Column("float"),
        "to_lon": Column("float", doc="WGS-84; missing where the point was dropped"),
        "to_lat": Column("float"),
    },
    required=("import_id", "source_row", "kind"),
)
ASIDE = Schema(
    "aside",
    {
        "key": Column("text", unique=True, doc="name of the row in the files of set_aside/, for the way back"),
        "import_id": TEXT,
        "file": TEXT,
        "row": COUNT,
        "reason": TEXT,
        "detail": TEXT,
        "table": TEXT,
        "cells": Column("text", doc="JSON: column -> what stands in it; persons, calls and addresses left out"),
        "incident_id": Column("text", doc="salted hash, so that the corrected row is known again"),
        "linked_id": TEXT,
        "village_id": Column("text", doc="what the address named"),
        "shape": Column("text", doc="WKT in the study's CRS, of rows that came from a layer"),
        "moved_to": Column("text", doc="import in which the row came again; empty while it waits"),
    },
    required=("key", "import_id", "row", "reason", "table"),
)
SETTLED = Schema(
    "settled",
    {
        "incident_id": TEXT,
        "import_id": TEXT,
        "what": Column("text", allowed=("village", "mast"), default="village", doc="what was learnt after it came"),
    },
    required=("incident_id", "import_id"),
)
UNLOGGED = Schema(
    "unlogged",
    {"token": KEY, "entry": Column("text", doc="JSON of an audit entry whose action is done and not yet logged")},
    required=("token", "entry"),
)


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


# Tables whose rows come one by one from a station's own files.
RECORDS = (INCIDENTS, VILLAGES, CREWS, CAMERAS, PATROL_HOURS, VISITS)

TABLES: dict[str, Schema] = {
    schema.name: schema
    for schema in (
        INCIDENTS, VILLAGES, ROADS, BARRIERS, CROSSINGS, BUILDINGS, WATER, LANDUSE, PLACES, CAMERAS, CREWS,
        PATROL_HOURS, VISITS, CELLS, CELL_EDGES, IMPORTS, QUALITY, COMPLETENESS, CORRECTIONS,
        ASIDE, SETTLED, UNLOGGED, *map(superseded, RECORDS),
    )
}  # fmt: skip
