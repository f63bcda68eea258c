"""Locating: the point of each row of a sheet of incidents, and what the points of all rows show together.

In:     coordinates as written; the village that each row names; what stands on the study's ground.
Out:    every point in WGS-84 and in metres; which repeat as a default or a phone mast do, to what grid they are
        rounded, in which system they were written; remarks on the file.
Method: DOMAIN 2.6, pitfalls 1 to 5. In this order: notation (ranges), spikes and phone cells (repeated points that name
        many villages), datum (fit to the ground).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.intake import datum, masts, places, rounding, values
from gis_data.intake.notation import Written, read_coordinates, written_as
from gis_data.intake.report import Told
from gis_data.intake.sheets import Sheet, shapes_in
from gis_data.intake.surroundings import Surroundings
from gis_data.study import WGS84, Study, transformer
from gis_data.taxonomy import has_a_place

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# The station's own point, also in a file too short to show a spike.
STATION_M, STATION_ROWS, STATION_VILLAGES = 60.0, 3, 2
MOST_REMARKS = 5
BY_PHONE = r"基站|手机定位|扇区|LBS|cell"
MOVED = {
    "coordinates_swapped": ("degrees_swapped", "metres_swapped"),
    "coordinates_minutes": ("degree_minutes",),
    "zone_prefix": ("zone_prefix",),
    "web_mercator": ("web_mercator",),
}


@dataclass(frozen=True)
class Spots:
    """The points of a sheet's rows as they are written.

    Attributes
    ----------
    written
        Degrees or metres of each row.
    number
        A number for each distinct point (6 decimals, or centimetres); -1 without one.
    grid
        To what the file's coordinates are rounded.
    zero, second
        Which rows have zeros in place of a point; which have theirs from another pair of columns than the first.
    """

    written: Written
    number: NDArray[np.int64]
    grid: rounding.Rounding
    zero: Flags
    second: Flags


@dataclass(frozen=True)
class Located:
    """The points of a sheet's rows, before it is judged what they are worth.

    Attributes
    ----------
    written, system
        Points as written, and the system of their degrees ("" for metres and none, "unclear").
    lon, lat, x, y
        The same in WGS-84, and in the study's metres; NaN for no point.
    beyond
        Which lie outside the study.
    grid
        To what the file's coordinates are rounded.
    spike, mast
        Which sit at a default of the dispatch system, and which at a phone mast.
    remarks
        Catalogue keys and values about the whole file.
    """

    written: Written
    system: NDArray[np.object_]
    lon: Floats
    lat: Floats
    x: Floats
    y: Floats
    beyond: Flags
    grid: rounding.Rounding
    spike: Flags
    mast: Flags
    remarks: tuple[Told, ...]

    @cached_property
    def nowhere(self) -> Flags:
        """Which have no point."""
        return ~np.isfinite(self.x)

    @cached_property
    def unclear(self) -> Flags:
        """Which are in a system that nobody can tell."""
        return np.asarray(self.system == "unclear")

    @cached_property
    def rounded(self) -> Flags:
        """Which stand at a point of the grid for no other reason than rounding."""
        return self.grid.rows & ~self.nowhere & ~self.unclear & ~self.spike & ~self.mast

    @property
    def read_as(self) -> dict[str, Flags]:
        """Notes on what the points' notation and system were taken for."""
        systems = {name: self.system == name for name in ("gcj02", "bd09")}
        return {"datum_unclear": self.unclear, **systems} | {
            name: self.written.written_by(*hows) for name, hows in MOVED.items()
        }


def read_spots(
    pairs: Sequence[tuple[pd.Series, pd.Series]], index: pd.Index, sheet: Sheet, around: Surroundings
) -> Spots:
    """Read the points as they are written: those of the sheet's own geometry, or of its best pair of columns."""
    if sheet.shapes is not None:
        written, zero = _shapes_as_written(sheet)
        second = np.zeros(len(index), dtype=bool)
    else:
        written, second = _first_pair(pairs, index, sheet, around)
        zero = _zeros(pairs, np.asarray(written.how == ""))
    number = _numbered(written)
    grid = rounding.rounding_of(written, pairs, number, around.crs_of(sheet.path.name))
    return Spots(written, number, grid, zero, second)


def locate(
    spots: Spots, cells: Mapping[str, pd.Series], sheet: Sheet, rows: pd.DataFrame, named: pd.Series, names: pd.Series,
    around: Surroundings, known_masts: Floats,
) -> Located:  # fmt: skip
    """Find each row's point, and what else the points of all rows show.

    Parameters
    ----------
    cells, rows, known_masts
        As ``placing.place_rows`` takes them.
    named, names
        The village that each row names, and whatever it names as its place (words).
    """
    written, grid = spots.written, spots.grid
    spike, mast = _repeated(spots, names, named, cells, around)
    mast |= masts.at_known(written, known_masts, around.study) & ~spike
    system, remarks = _system(written, named, rows, sheet, ~(spike | mast), around)
    x, y, lon, lat = _points(written, system, around.study)
    x, y, beyond = places.keep_inside(x, y, around.study)
    return Located(written, system, lon, lat, x, y, beyond, grid, spike, mast, (*remarks, *_grid_remarks(grid)))


def _first_pair(
    pairs: Sequence[tuple[pd.Series, pd.Series]], index: pd.Index, sheet: Sheet, around: Surroundings
) -> tuple[Written, Flags]:
    """Return the first pair that is written at all, and where it was not the first.

    Systems keep a located and a clicked pair, often both zero.
    """
    nothing, crs = pd.Series(np.nan, index=index), around.crs_of(sheet.path.name)
    (first, second), *others = pairs or [(nothing, nothing)]
    found = read_coordinates(first, second, around.study, crs=crs)
    by_other = np.zeros(len(index), dtype=bool)
    for first, second in others:
        empty = np.asarray(found.how == "")
        if not empty.any():
            break
        other = read_coordinates(first[empty], second[empty], around.study, crs=crs)
        for name in ("lon", "lat", "x", "y", "how"):
            getattr(found, name)[empty] = getattr(other, name)
        by_other[empty] = other.how != ""
    return found, by_other


def _zeros(pairs: Sequence[tuple[pd.Series, pd.Series]], asked: Flags) -> Flags:
    """Tell which of the rows asked about have a zero written for both coordinates of a pair."""
    found, rows = np.zeros(len(asked), dtype=bool), np.flatnonzero(asked)
    for pair in pairs if len(rows) else ():
        x, y = (values.as_number(column.iloc[rows]).to_numpy() for column in pair)
        found[rows] |= (x == 0) & (y == 0)
    return found


def _shapes_as_written(sheet: Sheet) -> tuple[Written, Flags]:
    """Return the middles of a sheet's shapes, and which of them are the origin that systems write for no place."""
    assert sheet.shapes is not None
    # By shapely: geopandas warns of middles in degrees, which are right for points and good enough for a street.
    middles = shapely.centroid(shapes_in(sheet.path, sheet.shapes, WGS84).fillna(shapely.Point()).to_numpy())
    middles = np.where(shapely.is_empty(middles), None, middles)  # GEOS has no x for some empty middles
    bounds = sheet.shapes.bounds.to_numpy(dtype=float)
    zero = (bounds == 0).all(axis=1)
    lon, lat = (np.where(zero, np.nan, part) for part in (shapely.get_x(middles), shapely.get_y(middles)))
    nothing = np.full(len(lon), np.nan)
    return Written(lon, lat, nothing, nothing.copy(), written_as("degrees", np.isfinite(lon))), zero


def _grid_remarks(grid: rounding.Rounding) -> list[Told]:
    """Say to what grid the file's coordinates were rounded, if to any."""
    if not grid.step_m:
        return []
    return [("intake.remark.coordinates_rounded", {"rows": int(grid.rows.sum()), "metres": round(grid.step_m)})]


def _numbered(written: Written) -> NDArray[np.int64]:
    """Return a number for each distinct point as written (6 decimals, or centimetres); -1 without one."""
    known = np.asarray((written.how != "") & (written.how != "elsewhere"))
    in_metres = np.isfinite(written.x)[known]
    first, second = (
        np.where(in_metres, metres[known] * 1e2, degrees[known] * 1e6)
        for metres, degrees in ((written.x, written.lon), (written.y, written.lat))
    )
    key = np.rint(first).astype(np.int64) * (1 << 32) + np.rint(second).astype(np.int64)
    spot = np.full(len(known), -1, dtype=np.int64)
    spot[known] = pd.factorize(key)[0]
    return spot


def _repeated(
    spots: Spots, names: pd.Series, named: pd.Series, cells: Mapping[str, pd.Series], around: Surroundings
) -> tuple[Flags, Flags]:
    """Tell which rows sit at a default of the dispatch system, and which at a phone mast."""
    spot, grid = spots.number, spots.grid
    known = spot >= 0
    rows = np.bincount(spot[known], minlength=max(1, spot.max(initial=0) + 1))
    # A grid puts neighbours at one point: their addresses are many, their villages are not.
    often = known & (rows[np.where(known, spot, 0)] >= STATION_ROWS)
    count = _named_at(np.where(often, spot, -1), named if grid.step_m else names, len(rows))
    default = (rows >= max(places.SPIKE_ROWS, places.SPIKE_SHARE * known.sum())) & (count >= places.SPIKE_VILLAGES)
    least = masts.MAST_VILLAGES if grid.step_m else STATION_VILLAGES
    default |= _at_station(spot, spots.written, (rows >= STATION_ROWS) & (count >= least), around)
    mast = ~default & (rows >= masts.MAST_ROWS) & (count >= masts.MAST_VILLAGES)
    at = np.where(known, spot, 0)
    by_phone = known & (mast[at] | grid.few)
    if "locating" in cells:
        by_phone |= known & values.as_text(cells["locating"]).str.contains(BY_PHONE, case=False).to_numpy()
    return known & default[at], by_phone & ~default[at]


def _named_at(spot: NDArray[np.int64], names: pd.Series, spots: int) -> NDArray[np.int64]:
    """Return how many different places the rows at each spot name."""
    asked, kinds = (spot >= 0) & (names != "").to_numpy(), len(names.cat.categories)
    pairs = pd.unique(spot[asked] * kinds + names.cat.codes.to_numpy()[asked])
    return np.bincount(pairs // kinds, minlength=spots)


def _at_station(spot: NDArray[np.int64], written: Written, asked: Flags, around: Surroundings) -> Flags:
    """Tell which of the spots asked about are the police station's own point, in any of the three systems."""
    found = np.zeros(len(asked), dtype=bool)
    if not asked.any():
        return found
    stations = around.places[around.places["kind"] == "police"].geometry.to_numpy() if len(around.places) else []
    first = values.first_of(spot)
    first = first[asked[spot[first]] & np.isfinite(written.lon[first])]
    if not len(stations) or not len(first):
        return found
    for name in datum.SYSTEMS:
        system = np.full(len(first), name, dtype=object)
        xy = around.ground.metres(*datum.to_wgs84(written.lon[first], written.lat[first], system))
        near = shapely.dwithin(shapely.points(xy)[:, None], np.asarray(stations)[None, :], STATION_M).any(axis=1)
        found[spot[first[near]]] = True
    return found


def _system(
    written: Written, named: pd.Series, rows: pd.DataFrame, sheet: Sheet, usable: Flags, around: Surroundings
) -> tuple[NDArray[np.object_], tuple[Told, ...]]:
    """Return each row's system of degrees ("" for metres and none), and what to say about the file."""
    system = np.full(len(written.lon), "", dtype=object)
    system[np.isfinite(written.lon)] = "wgs84"
    own = around.datum_of(sheet.path.name)
    # A layer says itself in which CRS it is.
    if own and (sheet.shapes is None or own in datum.SYSTEMS):
        return np.where(system == "wgs84", own, system), (("intake.remark.own_datum", {"system": own}),)
    asked = np.flatnonzero(
        (system == "wgs84") & usable & written.written_by("degrees", "degrees_swapped", "degree_minutes")
    )
    if not around.may_be_shifted or not around.ground.is_known or len(asked) == 0:
        return system, ()
    when = rows["reported_at"].dt.tz_convert(None).to_numpy()
    asked = asked[np.argsort(when[asked], kind="stable")]
    centres = around.villages.set_index("village_id")[["centre_x", "centre_y"]].reindex(named.cat.categories)
    named_xy = centres.to_numpy(dtype=float)[named.cat.codes.to_numpy()[asked]]
    verdict = datum.find_datum(written.lon[asked], written.lat[asked], named_xy, around.ground)
    system[asked] = verdict.system
    return system, tuple(_stretch_remarks(verdict, rows.iloc[asked]))


def _stretch_remarks(verdict: datum.Verdict, rows: pd.DataFrame) -> list[Told]:
    """Say which stretches are not in WGS-84, with their odds; of very many the longest.

    Only rows that may have a place are counted, as in the notes.
    """
    shifted = verdict.stretches[verdict.stretches["system"] != "wgs84"]
    when, placed = rows["reported_at"], has_a_place(rows).to_numpy()
    remarks: list[Told] = []
    for row in shifted.nlargest(MOST_REMARKS, "rows").sort_index().to_dict("records"):
        within = slice(int(row["first"]), int(row["last"]) + 1)
        inside = when.iloc[within].dropna()
        span = [f"{day:%Y-%m-%d}" for day in (inside.min(), inside.max())] if len(inside) else ["?", "?"]
        about: dict[str, Any] = {"first": span[0], "last": span[1], "rows": int(placed[within].sum())}
        about["odds"] = round(float(row["odds_log10"]), 1)
        if row["system"] == datum.MIXED:
            told = verdict.system[placed]
            about |= {name: int((told == name).sum()) for name in ("gcj02", "bd09", "unclear")}
        remarks.append((f"intake.remark.{row['system']}", about))
    return remarks


def _points(written: Written, system: NDArray[np.object_], study: Study) -> tuple[Floats, Floats, Floats, Floats]:
    """Return all places in the study's metres, and their WGS-84 degrees."""
    lon, lat = datum.to_wgs84(written.lon, written.lat, system)
    x, y = written.x.copy(), written.y.copy()
    degrees = np.flatnonzero(np.isfinite(lon))
    across = transformer(WGS84, study.crs)
    east, north = across.transform(lon[degrees], lat[degrees])
    # A place where the study's projection does not reach (the null island of another continent) has no metres.
    reachable = np.isfinite(east) & np.isfinite(north)
    x[degrees[reachable]], y[degrees[reachable]] = east[reachable], north[reachable]
    metres = np.flatnonzero(np.isfinite(written.x))
    if len(metres):
        back = transformer(study.crs, WGS84)
        lon[metres], lat[metres] = back.transform(written.x[metres], written.y[metres])
    return x, y, lon, lat
