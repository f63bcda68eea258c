"""Placing: where each row of a sheet of incidents happened, and how well that is known.

In:     coordinates, village names and addresses as written; what stands on the study's ground.
Out:    village, precision and point of every row; notes, the points that were moved or dropped, remarks on the file.
Method: DOMAIN 2.6, pitfalls 1 to 5 and 11. In this order: notation (ranges), spikes and phone cells (repeated points
        that name many villages), datum (fit to the ground), village (by name, then address, then point).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gis_data.coordinates import SHIFTED_LAT, SHIFTED_LON
from gis_data.errors import InputError
from gis_data.intake import datum, masts, places, rounding, values
from gis_data.intake.headers import Match
from gis_data.intake.notation import Written, read_coordinates
from gis_data.intake.sheets import Sheet, shapes_in
from gis_data.study import WGS84, Study
from gis_data.taxonomy import NEVER_A_PLACE, has_a_place

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Fraud keeps its village (whom to warn); of these even the village would point at a family.
NOT_EVEN_A_VILLAGE = NEVER_A_PLACE - {"fraud", "telecom_fraud", "minor_fraud"}
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
class Surroundings:
    """What places are held against.

    Attributes
    ----------
    buildings, roads, places
        The ground of the study; empty where no extract was imported yet.
    own_datum
        File name (or pattern) -> system, from ``[intake.datum]`` of ``station.toml``: the answer to an open question.
        Where the columns are neither degrees nor metres of the study's CRS, the code of theirs ("EPSG:2226").
    """

    study: Study
    villages: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    own_datum: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def ground(self) -> datum.Ground:
        """Buildings and roads, indexed."""
        return datum.Ground(self.study, self.buildings, self.roads)

    @cached_property
    def may_be_shifted(self) -> bool:
        """Whether the web maps shift the study's ground at all."""
        middle = gpd.GeoSeries([self.study.boundary.centroid], crs=self.study.crs).to_crs(WGS84).iloc[0]
        lon, lat = middle.x, middle.y
        (west, east), (south, north) = SHIFTED_LON, SHIFTED_LAT
        return bool(west < lon < east and south < lat < north)

    def datum_of(self, file: str) -> str:
        """Return the system that the station says a file is in; "" if it says nothing.

        Raises
        ------
        InputError
            If it names a system that does not exist.
        """
        for pattern, system in self.own_datum.items():
            if fnmatch(file, pattern):
                if system not in datum.SYSTEMS and not _is_crs(system):
                    known = ", ".join((*datum.SYSTEMS, "EPSG:…"))
                    raise InputError("intake.own_datum", file=pattern, found=system, known=known)
                return system
        return ""

    def crs_of(self, file: str) -> str:
        """Return the code of the CRS that the station says a file's columns are in; "" for one of the three systems."""
        system = self.datum_of(file)
        return "" if system in datum.SYSTEMS else system


@dataclass(frozen=True)
class Placed:
    """The places of a sheet's rows.

    Attributes
    ----------
    frame
        ``village_id``, ``precision``, ``outside``, ``geometry``; the sheet's index.
    notes
        Note -> which rows it is true of.
    corrections
        Points moved, or dropped (to NaN): ``row`` (position), ``kind``, ``from_lon``, ``from_lat``, ``to_lon``,
        ``to_lat``.
    remarks
        Catalogue keys and values about the whole file.
    """

    frame: pd.DataFrame
    notes: dict[str, pd.Series]
    corrections: pd.DataFrame
    remarks: tuple[tuple[str, Mapping[str, Any]], ...]


def _is_crs(code: str) -> bool:
    try:
        return bool(re.fullmatch(r"[A-Z]+:\d+", code)) and pyproj.CRS.from_user_input(code) is not None
    except pyproj.exceptions.CRSError:
        return False


def place_rows(
    cells: Mapping[str, pd.Series], pairs: Sequence[tuple[pd.Series, pd.Series]], sheet: Sheet, rows: pd.DataFrame,
    around: Surroundings, known_masts: Floats,
) -> Placed:  # fmt: skip
    """Place all rows.

    Parameters
    ----------
    cells
        The sheet's known columns by field (``address``, ``village``, ``locating`` are read).
    pairs
        Pairs of coordinate columns, the best first.
    rows
        What is known of the rows already: ``type``, ``incident_class``, ``reported_at``.
    known_masts
        Points, metres (n × 2), that earlier imports have shown to be masts.
    """
    index = rows.index
    written = _shapes_as_written(sheet) if sheet.shapes is not None else _first_pair(pairs, index, sheet, around)
    named, names = _named(cells, index, around.villages)
    spot = _spots(written)
    grid = rounding.rounding_of(written, pairs, spot, around.crs_of(sheet.path.name))
    spike, mast = _repeated(spot, names, named, written, cells, grid, around)
    mast |= masts.at_known(written, known_masts, around.study) & ~spike
    system, remarks = _system(written, named, rows, sheet, ~(spike | mast), around)
    points, lon, lat = _points(written, system, around.study, index)
    points, outside = places.keep_inside(points, around.study)
    unclear = pd.Series(system == "unclear", index=index)
    spike_, mast_ = pd.Series(spike, index=index), pd.Series(mast, index=index)
    rounded = pd.Series(grid.rows, index=index) & ~points.is_empty & ~unclear & ~spike_ & ~mast_
    coarse = rounded & (not grid.keeps_the_road)
    centre = places.at_village_centre(points, around.villages) & ~spike_ & ~grid.rows
    centre |= rounding.at_centres(points, rounded.to_numpy(), grid.step_m, around.villages)
    near = places.village_by_point(points.mask(unclear | coarse, shapely.Point()), around.villages)
    village = named.mask((named == "") & ~spike_, near)
    precision = pd.Series("exact", index=index)
    unknown = points.is_empty | unclear
    precision = precision.mask(unknown, "none").mask(unknown & (village != ""), "village")
    precision = precision.mask(rounded, "road").mask(mast_ | coarse, "cell")
    precision = precision.mask(centre, "village").mask(spike_, "default")
    placeless = ~has_a_place(rows)
    village = village.mask(rows["type"].isin(NOT_EVEN_A_VILLAGE), "")
    precision = precision.mask(placeless, "none")
    gone = precision.isin(["none", "village", "default"])
    frame = pd.DataFrame(
        {"village_id": village, "precision": precision, "outside": outside & ~placeless & ~unclear,
         "geometry": points.mask(gone, shapely.Point()).to_numpy()}
    )  # fmt: skip
    notes = {
        "no_point": points.is_empty & ~placeless,
        "coordinates_unknown": pd.Series(written.how == "elsewhere", index=index) & ~placeless,
        "default_point": spike_ & ~placeless,
        "cell_point": mast_ & ~placeless,
        "village_centre": centre & ~placeless,
        "coordinates_rounded": rounded & ~coarse & ~centre & ~placeless,
        "coordinates_coarse": coarse & ~centre & ~placeless,
        "placeless": placeless,
        "placeless_misplaced": (outside | spike_) & placeless,
        "datum_unclear": unclear & ~placeless,
        **{name: pd.Series(system == name, index=index) & ~placeless for name in ("gcj02", "bd09")},
        **{name: pd.Series(np.isin(written.how, hows), index=index) & ~placeless for name, hows in MOVED.items()},
    }
    moved = notes["gcj02"] | notes["bd09"] | pd.concat([notes[name] for name in MOVED], axis=1).any(axis=1)
    dropped = notes["default_point"] | notes["village_centre"] | notes["datum_unclear"] | frame["outside"]
    corrections = _corrections(written, lon, lat, notes | {"outside": frame["outside"]}, moved, dropped)
    if grid.step_m:
        of_the_file = {"rows": int(grid.rows.sum()), "metres": round(grid.step_m)}
        remarks = (*remarks, ("intake.remark.coordinates_rounded", of_the_file))
    return Placed(frame, notes, corrections, remarks)


def _first_pair(
    pairs: Sequence[tuple[pd.Series, pd.Series]], index: pd.Index, sheet: Sheet, around: Surroundings
) -> Written:
    """Return the first pair that is written at all (systems keep a located and a clicked pair, often both zero)."""
    nothing, crs = pd.Series(np.nan, index=index), around.crs_of(sheet.path.name)
    found = read_coordinates(nothing, nothing, around.study)
    for first, second in pairs:
        empty = found.how == ""
        if not empty.any():
            break
        other = read_coordinates(first, second, around.study, crs=crs)
        fields = ((getattr(found, name), getattr(other, name)) for name in ("lon", "lat", "x", "y", "how"))
        found = Written(*(np.where(empty, theirs, ours) for ours, theirs in fields))
    return found


def _shapes_as_written(sheet: Sheet) -> Written:
    assert sheet.shapes is not None
    # By shapely: geopandas warns of middles in degrees, which are right for points and good enough for a street.
    middles = shapely.centroid(shapes_in(sheet.path, sheet.shapes, WGS84).fillna(shapely.Point()).to_numpy())
    middles = np.where(shapely.is_empty(middles), None, middles)  # GEOS has no x for some empty middles
    lon, lat = shapely.get_x(middles), shapely.get_y(middles)
    nothing = np.full(len(lon), np.nan)
    how = np.where(np.isfinite(lon), "degrees", "").astype(object)
    return Written(lon, lat, nothing, nothing.copy(), how)


def _named(cells: Mapping[str, pd.Series], index: pd.Index, villages: gpd.GeoDataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the village that each row names, and whatever it names as its place."""
    addresses, written = (
        cells[name] if name in cells else pd.Series("", index=index, dtype="str") for name in ("address", "village")
    )
    named = places.village_by_name(written, villages)
    named = named.mask(named == "", places.village_in_address(addresses, villages))
    return named, named.mask(named == "", written).mask(lambda text: text == "", addresses)


def _spots(written: Written) -> NDArray[np.int64]:
    """Return a number for each distinct point as written (6 decimals, or centimetres); -1 without one."""
    known = (written.how != "") & (written.how != "elsewhere")
    in_metres = np.isfinite(written.x)
    first = np.where(in_metres, np.round(written.x, 2), np.round(written.lon, 6))
    second = np.where(in_metres, np.round(written.y, 2), np.round(written.lat, 6))
    spot = np.full(len(known), -1, dtype=np.int64)
    spot[known], _ = values.numbered([pd.Series(first[known]), pd.Series(second[known])])
    return spot


def _repeated(
    spot: NDArray[np.int64], names: pd.Series, named: pd.Series, written: Written, cells: Mapping[str, pd.Series],
    grid: rounding.Rounding, around: Surroundings,
) -> tuple[Flags, Flags]:  # fmt: skip
    """Tell which rows sit at a default of the dispatch system, and which at a phone mast."""
    known = spot >= 0
    rows = np.bincount(spot[known], minlength=max(1, spot.max(initial=0) + 1))
    # A grid puts neighbours at one point: their addresses are many, their villages are not.
    count = _named_at(spot, named if grid.step_m else names, len(rows))
    default = (rows >= max(places.SPIKE_ROWS, places.SPIKE_SHARE * known.sum())) & (count >= places.SPIKE_VILLAGES)
    least = masts.MAST_VILLAGES if grid.step_m else STATION_VILLAGES
    default |= _at_station(spot, written, (rows >= STATION_ROWS) & (count >= least), around)
    mast = ~default & (rows >= masts.MAST_ROWS) & (count >= masts.MAST_VILLAGES)
    at = np.where(known, spot, 0)
    by_phone = known & (mast[at] | grid.few)
    if "locating" in cells:
        by_phone |= known & values.as_text(cells["locating"]).str.contains(BY_PHONE, case=False).to_numpy()
    return known & default[at], by_phone & ~default[at]


def _named_at(spot: NDArray[np.int64], names: pd.Series, spots: int) -> NDArray[np.int64]:
    """Return how many different places the rows at each spot name."""
    asked = (spot >= 0) & (names != "").to_numpy()
    pairs = pd.DataFrame({"spot": spot[asked], "name": names.to_numpy()[asked]}).drop_duplicates()
    return np.bincount(pairs["spot"], minlength=spots)


def _at_station(spot: NDArray[np.int64], written: Written, asked: Flags, around: Surroundings) -> Flags:
    """Tell which of the spots asked about are the police station's own point, in any of the three systems."""
    found = np.zeros(len(asked), dtype=bool)
    if not asked.any():
        return found
    stations = around.places[around.places["kind"] == "police"].geometry.to_numpy() if len(around.places) else []
    first = np.unique(spot, return_index=True)[1]
    first = first[(spot[first] >= 0) & asked[spot[first]] & np.isfinite(written.lon[first])]
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
) -> tuple[NDArray[np.object_], tuple[tuple[str, Mapping[str, Any]], ...]]:
    """Return each row's system of degrees ("" for metres and none), and what to say about the file."""
    system = np.where(np.isfinite(written.lon), "wgs84", "").astype(object)
    own = around.datum_of(sheet.path.name)
    # A layer says itself in which CRS it is.
    if own and (sheet.shapes is None or own in datum.SYSTEMS):
        return np.where(system == "wgs84", own, system), (("intake.remark.own_datum", {"system": own}),)
    asked = np.flatnonzero((system == "wgs84") & usable & np.isin(written.how, ("degrees", "degrees_swapped")))
    if not around.may_be_shifted or not around.ground.is_known or len(asked) == 0:
        return system, ()
    asked = asked[rows["reported_at"].iloc[asked].argsort(kind="stable").to_numpy()]
    centres = around.villages.set_index("village_id")[["centre_x", "centre_y"]].reindex(named.iloc[asked])
    verdict = datum.find_datum(written.lon[asked], written.lat[asked], centres.to_numpy(dtype=float), around.ground)
    system[asked] = verdict.system
    return system, tuple(_stretch_remarks(verdict, rows["reported_at"].iloc[asked]))


def _stretch_remarks(verdict: datum.Verdict, when: pd.Series) -> list[tuple[str, Mapping[str, Any]]]:
    """Say which stretches are not in WGS-84, with their odds; of very many the longest."""
    shifted = verdict.stretches[verdict.stretches["system"] != "wgs84"]
    remarks: list[tuple[str, Mapping[str, Any]]] = []
    for row in shifted.nlargest(MOST_REMARKS, "rows").sort_index().to_dict("records"):
        inside = when.iloc[int(row["first"]) : int(row["last"]) + 1].dropna()
        span = [f"{day:%Y-%m-%d}" for day in (inside.min(), inside.max())] if len(inside) else ["?", "?"]
        odds = round(float(row["odds_log10"]), 1)
        about = {"first": span[0], "last": span[1], "rows": int(row["rows"]), "odds": odds}
        remarks.append((f"intake.remark.{row['system']}", about))
    return remarks


def _points(
    written: Written, system: NDArray[np.object_], study: Study, index: pd.Index
) -> tuple[gpd.GeoSeries, Floats, Floats]:
    """Return all points in the study's CRS, and their WGS-84 degrees."""
    lon, lat = datum.to_wgs84(written.lon, written.lat, system)
    points = np.full(len(index), shapely.Point(), dtype=object)
    degrees = np.flatnonzero(np.isfinite(lon))
    across = pyproj.Transformer.from_crs(WGS84, study.crs, always_xy=True)
    x, y = across.transform(lon[degrees], lat[degrees])
    # A place where the study's projection does not reach (the null island of another continent) has no metres.
    reachable = np.isfinite(x) & np.isfinite(y)
    points[degrees[reachable]] = shapely.points(x[reachable], y[reachable])
    metres = np.flatnonzero(np.isfinite(written.x))
    points[metres] = shapely.points(written.x[metres], written.y[metres])
    back = pyproj.Transformer.from_crs(study.crs, WGS84, always_xy=True)
    lon[metres], lat[metres] = back.transform(written.x[metres], written.y[metres])
    return gpd.GeoSeries(points, index=index, crs=study.crs), lon, lat


def _corrections(
    written: Written, lon: Floats, lat: Floats, notes: Mapping[str, pd.Series], moved: pd.Series, dropped: pd.Series
) -> pd.DataFrame:
    """Return the points that are not where they were written, with all that was done to each."""
    changed = np.flatnonzero((moved | dropped).to_numpy())
    kind = pd.Series("", index=range(len(changed)), dtype="str")
    for name in (*MOVED, "gcj02", "bd09", "village_centre", "default_point", "datum_unclear", "outside"):
        kind = kind.mask(notes[name].to_numpy()[changed], kind + ";" + name)
    kind = kind.str.removeprefix(";")
    gone = dropped.to_numpy()[changed]
    as_written_lon, as_written_lat = (
        np.where(np.isfinite(part), part, done) for part, done in ((written.lon, lon), (written.lat, lat))
    )
    return pd.DataFrame(
        {
            "row": changed,
            "kind": kind.to_numpy(),
            "from_lon": as_written_lon[changed],
            "from_lat": as_written_lat[changed],
            "to_lon": np.where(gone, np.nan, lon[changed]),
            "to_lat": np.where(gone, np.nan, lat[changed]),
        }
    )


def coordinate_pairs(sheet: Sheet, match: Match) -> list[tuple[pd.Series, pd.Series]]:
    """Return the sheet's pairs of coordinate columns."""
    columns = zip(match.fields.get("lon", ()), match.fields.get("lat", ()), strict=False)
    return [(sheet.frame[x], sheet.frame[y]) for x, y in columns]
