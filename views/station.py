"""What the dashboard's pages show: one station's tables and plans, read once and shared by all open pages.

In:     a workspace folder.
Out:    a frozen ``Station``; tables are read when a page first asks for them, and again when the workspace has changed.
        Who may not see exact points draws and lists incidents at the centres of cells; figures are reckoned from the
        exact ones all the same, or two accounts would read two numbers of one thing.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import streamlit as st

from gis_data import audit
from gis_data.standing import as_of
from gis_data.study import Study
from gis_data.tables import TABLES
from gis_data.taxonomy import drives_allocation, with_point
from gis_data.workspace import Workspace, listed
from models.borders import as_drawn
from models.plan import Plan
from models.reviews import Decision, decisions
from models.store import current_run, load_plans
from views.basemap.tiles import TileSet, current_tiles
from views.maps.frame import TownMap, as_html

COARSE = " coarse"  # ends the stamp of a station whose incidents stand at the centres of cells


@dataclass(frozen=True)
class Station:
    """One station at one moment: ``stamp`` changes when its records, plans or tiles do."""

    ws: Workspace
    plans: Mapping[str, Plan]
    tiles: TileSet | None
    stamp: str
    coarse: bool = False
    """Whether incidents stand at the centres of cells, for those who may not see exact points."""
    on_day: pd.Timestamp | None = None
    """The day whose villages it shows; today's if None."""
    _read: dict[str, Any] = field(default_factory=dict, repr=False)
    _reading: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    @property
    def study(self) -> Study:
        """The study of the workspace."""
        return self.ws.study

    def table(self, name: str) -> Any:  # noqa: ANN401 - a frame, or a geo frame where the schema has a geometry
        """Return a table of the workspace."""
        return self.kept(name, lambda: self._table(name))

    def _table(self, name: str) -> Any:  # noqa: ANN401 - a frame, or a geo frame
        found = self.ws.read(name)
        if self.coarse and name == "incidents":
            found = found.set_geometry(at_cell_centres(found.geometry, self.study.settings.cell_size_m))
        return found

    def as_of(self, at: pd.Timestamp) -> "Station":
        """Return the station with the villages that stand on a day, and its incidents in these."""
        tables = as_of({name: self.table(name) for name in ("villages", "incidents")}, at)
        read = {name: table for name, table in self._read.items() if name in TABLES}  # nothing made of other incidents
        return replace(self, on_day=at, _read={**read, **tables})

    @property
    def exact(self) -> "Station":
        """The same station with every incident at its own point: to count and to measure, never to draw or to list."""
        if not self.coarse:
            return self
        found = _open(str(self.ws.root), self.stamp.removesuffix(COARSE), coarse=False)
        return found if self.on_day is None else found.as_of(self.on_day)

    def reported(self) -> Any:  # noqa: ANN401 - a geo frame
        """Return the reported incidents that may be tied to a place (rules 1 and 2)."""
        return self.kept("reported", lambda: drives_allocation(self.table("incidents")))

    def reported_points(self) -> Any:  # noqa: ANN401 - a geo frame
        """Return the reported incidents that may be drawn as points."""
        return self.kept("reported points", lambda: with_point(self.reported()))

    def kept(self, name: str, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - what was made
        """Return what was made once of the tables, shared by all sessions: a million rows are not read or copied twice.

        A session that asks while another one makes it waits for that one.
        """
        if name not in self._read:
            with self._reading:
                if name not in self._read:
                    self._read[name] = make()
        return self._read[name]


def open_station(root: Path, *, coarse: bool = False) -> Station:
    """Return the station as it is now; nothing is read again while nothing has changed.

    Parameters
    ----------
    coarse
        Put incidents at the centres of cells.

    Raises
    ------
    WorkspaceError
        If the folder is no workspace or is damaged.
    """
    return _open(str(root), _stamp(root) + (COARSE if coarse else ""), coarse=coarse)


def standing_decisions(station: Station) -> list[Decision]:
    """Return what people decided by hand and is in force, the next to be looked at first."""
    today = pd.Timestamp.now(station.study.timezone).normalize()
    entries = audit.entries(station.ws.root / audit.NAME)
    return decisions(station.plans, station.table("cameras"), station.study.settings, entries, today=today)


def at_cell_centres(points: gpd.GeoSeries, size_m: float) -> gpd.GeoSeries:
    """Move each point to the centre of the cell of the metre grid it lies in; missing points stay missing."""
    x, y = (np.floor(shapely.get_coordinates(points)[:, axis] / size_m) * size_m + size_m / 2 for axis in (0, 1))
    moved = np.full(len(points), None, dtype=object)
    moved[~(points.isna() | points.is_empty).to_numpy()] = shapely.points(x, y)
    return gpd.GeoSeries(moved, index=points.index, crs=points.crs)


def show_map(
    station: Station, kind: str, draw: Callable[[], TownMap], *, lang: str, height_px: int, about: str
) -> None:
    """Show a map; a map already drawn for this station, kind and language is not drawn again."""
    st.iframe(map_page(station, kind, draw, lang=lang), height=height_px, alt=about)


def map_page(station: Station, kind: str, draw: Callable[[], TownMap], *, lang: str) -> str:
    """Return the page of a map, drawn once for this station, kind and language."""
    return _page(station.stamp, kind, lang, draw)


@st.cache_resource(max_entries=3, show_spinner=False)
def _open(root: str, stamp: str, *, coarse: bool) -> Station:
    ws = Workspace.open(Path(root))
    return Station(ws, as_drawn(load_plans(ws)), current_tiles(ws.root), stamp, coarse)


@st.cache_data(max_entries=64, show_spinner=False)
def _page(stamp: str, kind: str, lang: str, _draw: Callable[[], TownMap]) -> str:  # noqa: ARG001 - the cache's key
    return as_html(_draw())


def _stamp(root: Path) -> str:
    ws = Workspace.open(root)
    run = current_run(ws)
    # A reader too makes the log's index, and an empty log, which the last to close the file takes away.
    files = [(path, known) for path, known in listed(root, "station.*") if not path.name.endswith("-shm")]
    changed = [known.st_mtime_ns for _, known in files if known.st_size]
    tiles = current_tiles(root)
    return f"{root} {run.name if run else ''} {changed} {tiles.key if tiles else ''}"
