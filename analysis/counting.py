"""Incidents counted on the ground: the one place where a pattern's points meet its cells.

In:     incidents with a usable point and the table CELLS, in one metre CRS.
Out:    incidents per cell; a table in another CRS is an error, never a shifted map.
"""

import geopandas as gpd
import numpy as np
import pyproj
from numpy.typing import NDArray

from gis_data.cells import locate
from gis_data.errors import CrsError

Ints = NDArray[np.int64]


def require_crs(table: gpd.GeoDataFrame, wanted: gpd.GeoDataFrame, *, name: str) -> None:
    """Check that ``table``, called ``name``, is in the CRS of ``wanted``.

    Raises
    ------
    CrsError
        If it is in another one, or if either has none.
    """
    if table.crs is None or wanted.crs is None or not pyproj.CRS(table.crs).equals(pyproj.CRS(wanted.crs), True):
        found, needed = ("?" if crs is None else pyproj.CRS(crs).to_string() for crs in (table.crs, wanted.crs))
        raise CrsError("crs.differ", table=name, found=found, wanted=needed)


def rows_of_cells(incidents: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> Ints:
    """Return for each incident the row (0, 1, ...) of its cell in ``cells``, -1 where it lies on none.

    Raises
    ------
    CrsError
        If the two tables are in different coordinate reference systems.
    """
    require_crs(incidents, cells, name="incidents")
    cell_id = locate(cells, incidents.geometry)
    row_of = np.full(int(cells["cell_id"].max()) + 2, -1, dtype=np.int64)  # the last place is for id -1
    row_of[cells["cell_id"].to_numpy()] = np.arange(len(cells))
    return row_of[cell_id]


def count_per_cell(incidents: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> tuple[Ints, int]:
    """Return the incidents in each cell (n,), and how many lie on no cell; the two add up to all incidents.

    Raises
    ------
    CrsError
        If the two tables are in different coordinate reference systems.
    """
    row, count = rows_of_cells(incidents, cells), incidents["count"].to_numpy()
    inside = row >= 0
    per_cell = np.bincount(row[inside], count[inside], minlength=len(cells)).astype(np.int64)
    return per_cell, int(count[~inside].sum())
