"""One GeoPackage file, written table by table in one SQLite transaction.

In:     frames that conform to a schema.
Out:    a valid GeoPackage (OGC 12-128r18) that QGIS opens, in WAL mode: readers go on reading while a writer writes,
        and a kill at any moment leaves the last complete state.

Everything goes through Python's own ``sqlite3``, not through GDAL: two copies of the SQLite library in one process do
not see each other's locks, and closing a file in one drops the locks of the other (How To Corrupt An SQLite Database
File, section 2.2.1). The dashboard reads in one thread while another may write, so the file has one library. The tests
let GDAL read it back.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import shapely

from gis_data.schema import Kind, Schema
from gis_data.slim import PLACE, bounds, is_slim, points, slimmed
from gis_data.table_rows import read_columns

WAIT_S = 60.0
BLOCK_ROWS = 20_000  # written at a time
_SQL_TYPES: dict[Kind, str] = {"text": "TEXT", "int": "INTEGER", "float": "REAL", "bool": "BOOLEAN", "time": "DATETIME"}
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ','now')"
_DEFINITION = f"""
PRAGMA application_id = {0x47504B47};
PRAGMA user_version = 10300;
BEGIN;
CREATE TABLE IF NOT EXISTS gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE IF NOT EXISTS gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT ({_NOW}), min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
  srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE IF NOT EXISTS gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES
  ('Undefined cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined cartesian coordinate reference system'),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system');
COMMIT;
"""  # noqa: S608 - constants only


def create(path: Path) -> None:
    """Make an empty GeoPackage in WAL mode."""
    with closing(sqlite3.connect(path, timeout=WAIT_S)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_DEFINITION)
        _add_srs(connection, pyproj.CRS("EPSG:4326"))


def write(path: Path, tables: Sequence[tuple[Schema, pd.DataFrame]], *, crs: str) -> None:
    """Replace the given tables, all together or not at all; the frames conform to their schemas.

    Parameters
    ----------
    crs
        What the places of slim tables are in.
    """
    with closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        with _transaction(connection):
            for schema, frame in tables:
                _replace(connection, schema, frame, crs)


def wipe(path: Path) -> None:
    """Write the file anew, so that nothing of rows that are gone is left in its free pages or its write-ahead log."""
    with closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def read(path: Path, schema: Schema, *, crs: str, timezone: str, slim: bool = False) -> Any:  # noqa: ANN401
    """Return one table as its schema says; an empty one if it was never written."""
    with closing(_reader(path)) as connection:
        connection.execute("BEGIN")  # all blocks of one version, whatever is written meanwhile
        columns = read_columns(connection, schema) if _has(connection, schema.name) else {}
    if columns:
        table = schema.conform(_frame(schema, columns, crs), crs=crs, timezone=timezone)
    else:
        table = schema.empty(crs=crs, timezone=timezone)
    return schema.conform(slimmed(table), timezone=timezone) if slim else table


def content_hash(path: Path, schema: Schema) -> str:
    """Return the SHA-256 of a table's rows in order; of nothing if it was never written or is empty."""
    digest = hashlib.sha256()
    columns = ", ".join(f'"{name}"' for name in [*schema.columns, *(["geometry"] if schema.geometry else [])])
    with closing(_reader(path)) as connection:
        if _has(connection, schema.name):
            for row in connection.execute(f'SELECT {columns} FROM "{schema.name}" ORDER BY fid'):  # noqa: S608
                digest.update(repr(row).encode())
    return digest.hexdigest()


def _reader(path: Path) -> sqlite3.Connection:
    # A write-protected stick has no place for the WAL index, and nothing changes on it. Elsewhere a reader
    # may recover the file after a kill, and the last one to close tidies the -wal and -shm files away.
    mode = "mode=rw" if os.access(path.parent, os.W_OK) else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=WAIT_S, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _has(connection: sqlite3.Connection, table: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    return found is not None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _replace(connection: sqlite3.Connection, schema: Schema, frame: Any, crs: str) -> None:  # noqa: ANN401
    name = schema.name
    columns = [f'"{column}" {_SQL_TYPES[spec.kind]}' for column, spec in schema.columns.items()]
    if schema.geometry is not None:
        columns.append(f'"geometry" {_geometry_type(schema)}')
    # QGIS may have added an index and a row count, which would go on telling of the old rows.
    for table in ("gpkg_ogr_contents", "gpkg_extensions", "gpkg_geometry_columns", "gpkg_contents"):
        if _has(connection, table):
            connection.execute(f"DELETE FROM {table} WHERE table_name = ?", (name,))  # noqa: S608 - constants
    connection.execute(f'DROP TABLE IF EXISTS "rtree_{name}_geometry"')
    connection.execute(f'DROP TABLE IF EXISTS "{name}"')
    connection.execute(f'CREATE TABLE "{name}" (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, {", ".join(columns)})')
    names = ", ".join(column.rsplit(" ", 1)[0] for column in columns)
    marks = ", ".join("?" * len(columns))
    connection.executemany(f'INSERT INTO "{name}" ({names}) VALUES ({marks})', _rows(schema, frame, crs))  # noqa: S608
    _register(connection, schema, frame, crs)


def _register(connection: sqlite3.Connection, schema: Schema, frame: Any, crs: str) -> None:  # noqa: ANN401
    insert = "INSERT INTO gpkg_contents (table_name, data_type, identifier, min_x, min_y, max_x, max_y, srs_id)"
    if schema.geometry is None:
        connection.execute(f"{insert} VALUES (?, 'attributes', ?, NULL, NULL, NULL, NULL, 0)", (schema.name,) * 2)
        return
    slim = is_slim(frame)
    srs_id = _add_srs(connection, pyproj.CRS(crs if slim else frame.crs))
    reach = [None if np.isnan(value) else float(value) for value in (bounds(frame) if slim else frame.total_bounds)]
    connection.execute(f"{insert} VALUES (?, 'features', ?, ?, ?, ?, ?, ?)", (*(schema.name,) * 2, *reach, srs_id))
    connection.execute(
        "INSERT INTO gpkg_geometry_columns VALUES (?, 'geometry', ?, ?, 0, 0)",
        (schema.name, _geometry_type(schema), srs_id),
    )


def _add_srs(connection: sqlite3.Connection, crs: pyproj.CRS) -> int:
    code = _srs_id(crs)
    row = (crs.name, code, "EPSG", code, crs.to_wkt("WKT1_GDAL"), None)
    connection.execute("INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.commit() if not connection.in_transaction else None
    return code


def _srs_id(crs: pyproj.CRS) -> int:
    code = crs.to_epsg()
    if code is None:
        raise ValueError(f"a study's CRS has an EPSG code: {crs.name}")
    return code


def _geometry_type(schema: Schema) -> str:
    kinds = schema.geometry or ()
    return kinds[0].upper() if len(kinds) == 1 else "GEOMETRY"


def _rows(schema: Schema, frame: Any, crs: str) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """Give a table's rows, made block by block: as objects all at once they take over a kilobyte each."""
    slim = is_slim(frame)
    srs_id = None if schema.geometry is None else _srs_id(pyproj.CRS(crs if slim else frame.crs))
    for start in range(0, len(frame), BLOCK_ROWS):
        block = frame.iloc[start : start + BLOCK_ROWS]
        columns: list[list[Any]] = [_values(block[name], spec.kind) for name, spec in schema.columns.items()]
        if srs_id is not None:
            shapes = points(*(block[name].to_numpy() for name in PLACE)) if slim else block.geometry.to_numpy()
            columns.append(_blobs(shapes, srs_id))
        yield from zip(*columns, strict=True)


def _values(values: pd.Series, kind: Kind) -> list[Any]:
    if kind == "time":
        moments = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[ms]")
        stamps = np.datetime_as_string(moments).tolist()
        return [None if stamp == "NaT" else f"{stamp}Z" for stamp in stamps]
    return (values.astype("int64") if kind == "bool" else values).tolist()


def _blobs(shapes: Any, srs_id: int) -> list[bytes]:  # noqa: ANN401 - array of geometries
    # Header of a GeoPackage blob: "GP", version 0, flags (little endian; bit 4 for an empty geometry), SRS id.
    heads = [b"GP\x00" + bytes([flags]) + srs_id.to_bytes(4, "little", signed=True) for flags in (0x01, 0x11)]
    empty = shapely.is_empty(shapes).tolist()
    bodies = shapely.to_wkb(shapes, byte_order=1).tolist()
    return [heads[is_empty] + body for is_empty, body in zip(empty, bodies, strict=True)]


def _frame(schema: Schema, columns: Mapping[str, Any], crs: str) -> Any:  # noqa: ANN401
    plain = pd.DataFrame(
        {name: _column(columns[name], spec.kind) for name, spec in schema.columns.items() if name in columns},
        copy=False,
    )
    if schema.geometry is None:
        return plain
    return gpd.GeoDataFrame(plain, geometry=columns["geometry"], crs=crs)


def _column(values: pa.ChunkedArray, kind: Kind) -> pd.Series:
    if kind == "text":
        return pd.Series(pd.array(values.combine_chunks(), dtype="str"))
    return values.to_pandas()
