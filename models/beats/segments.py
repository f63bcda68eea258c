"""Segments: the driven roads cut at the zones' borders, with the work that each piece asks of the patrols.

In:     roads, the cells with their zones, incidents, villages.
Out:    one row a piece of road that lies in one zone, with its end nodes, kind and minutes a week. The pieces of a zone
        carry the zone's whole work: patrol by length, incidents at the nearest piece, fixed duties at village centres,
        the way to a unit's incidents where these are.
Method: a road is cut where it crosses the border of two zones; a piece belongs to the zone of the cell that holds its
        middle, as the zones' own road kilometres are counted.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data import cells as grid
from gis_data.settings import WorkloadSettings
from gis_data.streets import DRIVEN
from gis_data.taxonomy import drives_allocation, with_point
from models.workload import minutes_by_class, place_in_units, unit_of_cells

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAME_POINT_M = 0.01
WORK = ("patrol_min", "incident_min", "fixed_min", "trip_min")


def cut_roads(
    roads: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    villages: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    zone_of: pd.Series,
) -> gpd.GeoDataFrame:
    """Return the driven roads cut at the zones' borders; pieces outside all zones have no ``zone_id``.

    Parameters
    ----------
    zones
        Table of the zone plan, with the ground of each zone.
    zone_of
        Zone of each unit of the zone plan, by unit id.

    Returns
    -------
    GeoDataFrame
        ``road_id``, ``name``, ``highway``, ``road_class``, ``lit``, ``unit_id``, ``zone_id``, ``length_m``,
        ``from_node``, ``to_node`` and the line; in an order that the rows of ``roads`` do not change.
    """
    driven = roads[roads["road_class"].isin(DRIVEN)].reset_index(drop=True)
    owner, lines, from_node, to_node = _cut(driven, zones.geometry.to_numpy())
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    kept = driven.iloc[owner][["road_id", "name", "highway", "road_class", "lit"]].reset_index(drop=True)
    table = gpd.GeoDataFrame(kept, geometry=lines, crs=roads.crs)
    table["from_node"], table["to_node"], table["length_m"] = from_node, to_node, shapely.length(lines)
    cell = grid.locate(cells, gpd.GeoSeries(middle))
    unit_of = unit_of_cells(villages, cells).set_axis(cells["cell_id"])
    table["unit_id"] = pd.Series(cell).map(unit_of).fillna("").astype("str")
    table["zone_id"] = table["unit_id"].map(zone_of).fillna("").astype("str")
    order = np.lexsort((table["length_m"], shapely.get_y(middle).round(3), shapely.get_x(middle).round(3)))
    return table.iloc[order].reset_index(drop=True)


def _cut(roads: gpd.GeoDataFrame, zones: NDArray[np.object_]) -> tuple[Ints, NDArray[np.object_], Ints, Ints]:
    """Return owner row, line, first and last node of each piece between the zones' borders."""
    lines = roads.geometry.to_numpy()
    road, along = _border_points(lines, zones)
    whole = np.setdiff1d(np.arange(len(lines)), road)
    from_node, to_node = roads["from_node"].to_numpy(), roads["to_node"].to_numpy()
    fresh = max(from_node.max(initial=0), to_node.max(initial=0)) + 1
    owner, pieces = [whole], [lines[whole]]
    starts, ends = [from_node[whole]], [to_node[whole]]
    for i in np.unique(road):
        at = along[road == i]
        stops = np.r_[0.0, at, shapely.length(lines[i])]
        nodes = np.r_[from_node[i], fresh + np.arange(len(at)), to_node[i]]
        fresh += len(at)
        owner.append(np.full(len(stops) - 1, i))
        pieces.append(_between(lines[i], stops))
        starts.append(nodes[:-1])
        ends.append(nodes[1:])
    return tuple(np.concatenate(part) for part in (owner, pieces, starts, ends))  # type: ignore[return-value]


def _border_points(lines: NDArray[np.object_], zones: NDArray[np.object_]) -> tuple[Ints, Floats]:
    """Return the roads that meet a border, and how far along; ends left out, sorted by road and way."""
    borders = shapely.get_parts(shapely.boundary(zones))
    road, border = shapely.STRtree(borders).query(lines, predicate="intersects")
    points, pair = shapely.get_coordinates(shapely.intersection(lines[road], borders[border]), return_index=True)
    road = road[pair]
    along = shapely.line_locate_point(lines[road], shapely.points(points))
    order = np.lexsort((along, road))
    road, along = road[order], along[order]
    inside = (along > SAME_POINT_M) & (along < shapely.length(lines[road]) - SAME_POINT_M)
    road, along = road[inside], along[inside]
    again = np.r_[False, (np.diff(road) == 0) & (np.diff(along) < SAME_POINT_M)][: len(road)]
    return road[~again], along[~again]


def _between(line: shapely.LineString, stops: Floats) -> NDArray[np.object_]:
    """Return the pieces of a line between distances along it."""
    vertices = shapely.get_coordinates(line)
    at = np.r_[0.0, np.cumsum(np.hypot(*np.diff(vertices, axis=0).T))]
    found = np.empty(len(stops) - 1, dtype=object)
    ends = shapely.get_coordinates(shapely.line_interpolate_point(line, stops))
    for k in range(len(found)):
        inner = vertices[(at > stops[k] + SAME_POINT_M) & (at < stops[k + 1] - SAME_POINT_M)]
        found[k] = shapely.linestrings(np.vstack([ends[k], inner, ends[k + 1]]))
    return found


def add_work(
    pieces: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    units: pd.DataFrame,
    settings: WorkloadSettings,
    *,
    weeks: float,
) -> gpd.GeoDataFrame:
    """Return the pieces with ``incidents_per_week``, the columns of ``WORK`` and their sum ``total_min``.

    Parameters
    ----------
    incidents
        All incidents of the period; only those that residents reported count. One with a usable point counts at the
        nearest piece of its zone, one known by village only is spread over the village's pieces by their length.
    units
        Units of the zone plan: ``unit_id``, ``zone_id``, ``trip_min``.
    """
    zone_of = units.set_index("unit_id")["zone_id"]
    counted = drives_allocation(incidents)
    unit = place_in_units(counted, villages, cells)
    count = counted["count"].to_numpy(dtype=np.float64)
    each = counted["incident_class"].map(minutes_by_class(settings)).astype("float64").fillna(settings.minutes_other)
    work = np.column_stack([count, count * each.to_numpy()])
    pointed = counted.index.isin(with_point(counted).index)
    sums = _at_nearest(pieces, counted[pointed].geometry, unit[pointed].map(zone_of).fillna(""), work[pointed])
    length = pieces["length_m"].to_numpy()
    sums += _spread(pieces, unit[~pointed], zone_of, work[~pointed], by=length)
    fixed = np.zeros(len(pieces))
    if len(villages):
        centres = gpd.GeoSeries(gpd.points_from_xy(villages["centre_x"], villages["centre_y"]), crs=pieces.crs)
        duty = np.full((len(villages), 1), settings.fixed_min_per_week_per_village)
        fixed = _at_nearest(pieces, centres, villages["village_id"].map(zone_of).fillna(""), duty)[:, 0]
    hours = pieces["length_m"] / 1000 / settings.patrol_speed_km_per_h
    trips = units["trip_min"].to_numpy(dtype=np.float64)[:, None]
    table = pieces.assign(
        incidents_per_week=sums[:, 0] / weeks,
        patrol_min=hours * 60 * settings.patrol_passes_per_week,
        incident_min=sums[:, 1] / weeks,
        fixed_min=fixed,
        # A hair of length, so that the ways of a unit whose incidents lie elsewhere are not lost.
        trip_min=_spread(pieces, units["unit_id"], zone_of, trips, by=sums[:, 0] + 1e-9 * length)[:, 0],
    )
    return table.assign(total_min=table[list(WORK)].sum(axis="columns"))


def _at_nearest(pieces: gpd.GeoDataFrame, points: gpd.GeoSeries, zone: pd.Series, work: Floats) -> Floats:
    """Return the work summed at the nearest piece of the zone of each point, shape (pieces, columns of work)."""
    sums = np.zeros((len(pieces), work.shape[1]))
    shapes, zones = points.to_numpy(), zone.to_numpy(dtype=object)
    for name, rows in pieces.groupby("zone_id").indices.items():
        mine = np.flatnonzero(zones == name)
        tree = shapely.STRtree(pieces.geometry.to_numpy()[rows])
        nearest = tree.query_nearest(shapes[mine], all_matches=False)
        np.add.at(sums, rows[nearest[1]], work[mine[nearest[0]]])
    return sums


def _spread(pieces: gpd.GeoDataFrame, unit: pd.Series, zone_of: pd.Series, work: Floats, *, by: Floats) -> Floats:
    """Return the work of whole units shared out over their pieces; over the zone's where a unit has none."""
    names = unit.to_numpy(dtype=object)
    by_unit = {name: work[names == name].sum(axis=0) for name in set(names) - {""}}
    sums = np.zeros((len(pieces), work.shape[1]))
    own, zones = pieces.groupby("unit_id").indices, pieces.groupby("zone_id").indices
    for name in sorted(by_unit):
        rows = own.get(name, zones.get(zone_of.get(name, ""), np.empty(0, dtype=np.int64)))
        if len(rows):
            sums[rows] += by_unit[name] * (by[rows] / by[rows].sum())[:, None]
    return sums
