"""The ground that zones are cut from: units with their work and place, minutes between them, and who touches whom.

In:     villages, cells and their walkable neighbours, roads, incidents, the workload settings.
Out:    a ``Ground``: a row a unit (village; cell where there are no villages), d_ij, touching pairs, remarks.
Method: d_ij are minutes by road between village centres, or along the cells where there are no roads. Two units touch
        where a pair of their cells can be walked without crossing a barrier off a road. The way to the incidents is
        work too; it has to be known before the posts are, so it is reckoned from the nearest of k posts placed for
        short ways alone (p-median by interchange, Teitz & Bart 1968).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gis_data import cells as grid
from gis_data.settings import WorkloadSettings
from gis_data.streets import ACCESS_MIN_PER_KM, DRIVEN, RoadNetwork
from gis_data.taxonomy import drives_allocation
from models.closures import closed_in
from models.districting.problem import Floats, Ints
from models.village_parts import Parts, divide
from models.workload import TERMS, place_in_units, unit_of_cells, unit_workload

ISLET_SHARE = 0.05  # of a zone's mean load: a cut-off group of cells lighter than this is no ground for a zone
Note = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Ground:
    """What the model is built from: units with their work and place, minutes, touching pairs, remarks."""

    units: gpd.GeoDataFrame
    travel_min: Floats
    pairs: Ints
    notes: tuple[Note, ...]
    parts: Parts | None = None


def survey(
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    cell_edges: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    settings: WorkloadSettings,
    *,
    weeks: float,
    count: int,
    parts: Parts | None = None,
) -> Ground:
    """Gather units, minutes and touching pairs from the tables.

    Parameters
    ----------
    incidents
        Those of the period, which lasts ``weeks``.
    count
        Number of zones that the ground will be cut into.
    parts
        Those of divided villages, which are units in place of the villages.
    """
    called = dict(zip(villages["village_id"], villages["name"], strict=True))
    if parts is not None:
        villages, cells, incidents = (
            parts.of_villages(villages, cells), parts.of_cells(cells), parts.of_incidents(incidents)
        )  # fmt: skip
    work = unit_workload(incidents, villages, cells, settings, weeks=weeks)
    units = place_units(work, villages, cells)
    pairs = touching_units(villages, cells, cell_edges)
    travel, travel_notes = minutes_between(units, cells, cell_edges, roads, settings)
    units = _with_trips(units, travel, settings, count=count)
    load = units["total_min"].to_numpy()
    kept, islet_notes = without_islets(load, pairs, count) if villages.empty else (np.arange(len(units)), ())
    number = np.full(len(units), -1)
    number[kept] = np.arange(len(kept))
    pairs = number[pairs]
    return Ground(
        units.iloc[kept].reset_index(drop=True),
        travel[np.ix_(kept, kept)],
        pairs[(pairs >= 0).all(axis=1)],
        (basis_note(incidents, villages, cells, weeks=weeks), *travel_notes, *islet_notes,
         *_divided_notes(parts, called, units, count)),
        parts,
    )  # fmt: skip


def _divided_notes(
    parts: Parts | None, called: Mapping[str, str], units: pd.DataFrame, count: int
) -> tuple[Note, ...]:  # fmt: skip
    """Say which villages are divided, and how many zones' work each of them holds."""
    if parts is None:
        return ()
    load = units.set_index("unit_id")["total_min"]
    zones = count * load / load.sum()
    return tuple(
        ("zones.note.divided",
         {"unit": called[str(village)], "parts": len(own), "zones": f"{zones[own['unit_id']].sum():.1f}"})
        for village, own in parts.shares.groupby("village_id")
    )  # fmt: skip


def basis_note(
    incidents: gpd.GeoDataFrame, villages: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, *, weeks: float
) -> Note:  # fmt: skip
    """Say how many incidents the work is reckoned from, and how many lie in no unit."""
    counted = drives_allocation(incidents)
    unplaced = int(counted.loc[(place_in_units(counted, villages, cells) == "").to_numpy(), "count"].sum())
    basis = {"counted": int(counted["count"].sum()) - unplaced, "unplaced": unplaced, "weeks": round(weeks, 1)}
    return "zones.note.basis", basis


def survey_divided(
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    cell_edges: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    settings: WorkloadSettings,
    buildings: gpd.GeoDataFrame,
    *,
    weeks: float,
    count: int,
    tolerance: float,
) -> Ground:
    """Survey, with each village heavier than a zone may be divided into its natural villages (``village_parts``)."""
    whole = survey(villages, cells, cell_edges, roads, incidents, settings, weeks=weeks, count=count)
    load = whole.units["total_min"]
    mean = float(load.sum()) / count
    heavy = whole.units[load > (1 + tolerance) * mean]
    if heavy.empty or villages.empty:
        return whole
    none = villages.iloc[:0]
    work = unit_workload(incidents, none, cells, settings, weeks=weeks)[["incident_min", "patrol_min"]].sum(axis=1)
    parts = divide(heavy["unit_id"], cells, cell_edges, buildings, work.to_numpy(), most=mean / 2)
    return survey(
        villages, cells, cell_edges, roads, incidents, settings, weeks=weeks, count=count, parts=parts
    )  # fmt: skip


def for_count(ground: Ground, settings: WorkloadSettings, *, count: int) -> Ground:
    """Return the ground with the way to the incidents reckoned for another number of zones."""
    return replace(ground, units=_with_trips(ground.units, ground.travel_min, settings, count=count))


def _with_trips(
    units: gpd.GeoDataFrame, travel_min: Floats, settings: WorkloadSettings, *, count: int
) -> gpd.GeoDataFrame:  # fmt: skip
    trips = trip_minutes(units["incidents_per_week"].to_numpy(), travel_min, settings, count=count)
    units = units.assign(trip_min=trips)
    return units.assign(total_min=units[list(TERMS)].sum(axis="columns"))


def trip_minutes(incidents: Floats, travel_min: Floats, settings: WorkloadSettings, *, count: int) -> Floats:
    """Return the minutes a week on the way to each unit's incidents and back.

    Parameters
    ----------
    incidents
        Incidents a week of each unit, shape (n,).
    travel_min
        d_ij, minutes from j to unit i, shape (n, n); inf where there is no way, which then counts for nothing.
    """
    trips = 2 * settings.trips_per_incident * incidents
    if not trips.any():
        return np.zeros(len(incidents))
    nearest = travel_min[:, nearest_posts(incidents, travel_min, count=count)].min(axis=1)
    return np.where(np.isfinite(nearest), trips * nearest, 0.0)


def nearest_posts(weight: Floats, travel_min: Floats, *, count: int) -> Ints:
    """Return ``count`` posts from which the weighted ways are short: one by one, then exchanged while that helps."""
    finite = travel_min[np.isfinite(travel_min)]
    ways = weight[:, None] * np.where(np.isfinite(travel_min), travel_min, 10 * float(finite.max(initial=1.0)))
    posts: list[int] = []
    best = np.full(len(weight), np.inf)
    for _ in range(min(count, len(weight))):
        posts.append(int(np.minimum(best[:, None], ways).sum(axis=0).argmin()))
        best = ways[:, posts].min(axis=1)
    improved = True
    while improved:
        improved = False
        for place in range(len(posts)):
            others = ways[:, posts[:place] + posts[place + 1 :]].min(axis=1, initial=np.inf)
            totals = np.minimum(others[:, None], ways).sum(axis=0)
            if totals.min() < totals[posts[place]] * (1 - 1e-9):
                posts[place], improved = int(totals.argmin()), True
    return np.array(posts, dtype=np.int64)


def place_units(work: pd.DataFrame, villages: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the units with name, people, area, centre (x, y), centre cell and ground."""
    if villages.empty:
        units = gpd.GeoDataFrame(work.reset_index(), geometry=cells.geometry.to_numpy(), crs=cells.crs)
        return units.assign(
            area_km2=cells["area_m2"].to_numpy() / 1e6, name=units["unit_id"], village=units["unit_id"],
            population=0, work_area="",
            x=cells["x"].to_numpy(), y=cells["y"].to_numpy(), cell=np.arange(len(cells)),
        )  # fmt: skip
    owner = unit_of_cells(villages, cells)
    rows = cells.groupby(owner).indices
    shapes = cells.geometry.to_numpy()
    ground = [shapely.union_all(shapes[rows[unit]]) if unit in rows else shapely.Polygon() for unit in work.index]
    units = gpd.GeoDataFrame(work.reset_index(), geometry=ground, crs=cells.crs)
    units["area_km2"] = cells["area_m2"].groupby(owner).sum().reindex(work.index).fillna(0.0).to_numpy() / 1e6
    middle = villages.geometry.representative_point()
    units = units.assign(
        name=villages["name"].to_numpy(), village=villages.get("village", villages["name"]).to_numpy(),
        population=villages["population"].to_numpy(),
        work_area=villages["work_area"].to_numpy(),
        x=villages["centre_x"].fillna(middle.x).to_numpy(), y=villages["centre_y"].fillna(middle.y).to_numpy(),
    )  # fmt: skip
    return units.assign(cell=[_centre_cell(unit, cells, rows) for unit in units.itertuples()])


def _centre_cell(unit: Any, cells: gpd.GeoDataFrame, rows: Mapping[str, Ints]) -> int:  # noqa: ANN401 - a table row
    own = rows.get(unit.unit_id, np.arange(len(cells)))
    near = np.hypot(cells["x"].to_numpy()[own] - unit.x, cells["y"].to_numpy()[own] - unit.y)
    return int(own[int(np.argmin(near))])


def touching_units(villages: pd.DataFrame, cells: pd.DataFrame, cell_edges: pd.DataFrame) -> Ints:
    """Return the pairs of units (row numbers) whose cells can be walked between, shape (m, 2).

    A village touches others only on the piece of ground where most of it lies: a strip of its fields behind a river
    without a bridge joins nothing.
    """
    ids = villages["village_id"] if len(villages) else cells["cell_id"].astype("str")
    owner = unit_of_cells(villages, cells).map(pd.Series(np.arange(len(ids)), index=ids)).fillna(-1).to_numpy(np.int64)
    if len(villages):
        area = cells.groupby([owner, cells["component"]])["area_m2"].sum()
        main = area.groupby(level=0).idxmax().map(lambda key: key[1])
        owner = np.where(pd.Series(owner).map(main).to_numpy() == cells["component"].to_numpy(), owner, -1)
    by_cell = pd.Series(owner, index=cells["cell_id"])
    pairs = np.column_stack([cell_edges["cell_a"].map(by_cell), cell_edges["cell_b"].map(by_cell)]).astype(np.int64)
    pairs = np.sort(pairs[(pairs >= 0).all(axis=1) & (pairs[:, 0] != pairs[:, 1])], axis=1)
    return np.unique(pairs, axis=0).reshape(-1, 2)


def minutes_between(
    units: pd.DataFrame, cells: gpd.GeoDataFrame, cell_edges: pd.DataFrame, roads: gpd.GeoDataFrame,
    settings: WorkloadSettings,
) -> tuple[Floats, tuple[Note, ...]]:  # fmt: skip
    """Return d_ij (from a post in j to unit i) by road; along the cells where no road leads, or there are none.

    The more roads are closed (column ``closed``), the longer every way.
    """
    speed = settings.patrol_speed_km_per_h
    places = units["cell"].to_numpy(dtype=np.int64)
    if not roads["road_class"].isin(DRIVEN).any():
        walked = grid.cell_travel_min(cells, cell_edges, places, places, speed_km_per_h=speed)
        return walked.T, (("zones.note.travel_cells", {"speed": f"{speed:g}"}),)
    points = gpd.GeoSeries(gpd.points_from_xy(units["x"], units["y"]), crs=cells.crs)
    network, closed = RoadNetwork.from_roads(roads), closed_in(roads)
    minutes = network.travel_min(points, points).T
    missing = np.isinf(minutes)
    if not missing.any() and not closed:
        return minutes, (("zones.note.travel_roads", {}),)
    walked = grid.cell_travel_min(cells, cell_edges, places, places, speed_km_per_h=speed).T
    if closed:
        # By the roads that are left, or over the fields on foot; a closed road is no gain, where a path is quicker.
        on_foot = walked * speed * ACCESS_MIN_PER_KM / 60
        minutes = np.maximum(minutes, np.minimum(network.without(closed).travel_min(points, points).T, on_foot))
    if not missing.any():
        return minutes, (("zones.note.travel_roads", {}),)
    lost = int(missing.all(axis=1).sum() + (missing.sum(axis=1) == len(units) - 1).sum())
    note = ("zones.note.travel_mixed", {"pairs": int(missing.sum()), "units": lost, "speed": f"{speed:g}"})
    return np.where(missing, walked, minutes), (note,)


def without_islets(load: Floats, pairs: Ints, count: int) -> tuple[Ints, tuple[Note, ...]]:
    """Leave out groups of cells that no neighbour leads to and that are far too light to be a zone (and say so)."""
    graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(load), len(load)))
    component = connected_components(graph, directed=False)[1]
    light = (np.bincount(component, weights=load) < ISLET_SHARE * load.sum() / count)[component]
    if not light.any() or light.all():
        return np.arange(len(load)), ()
    share_pct = f"{100 * load[light].sum() / load.sum():.2f}"
    return np.flatnonzero(~light), (("zones.note.islets", {"cells": int(light.sum()), "share_pct": share_pct}),)
