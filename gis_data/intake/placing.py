"""Placing: where each row of a sheet of incidents happened, and how well that is known.

In:     coordinates, village names and addresses as written; what stands on the study's ground.
Out:    village, precision and point of every row; notes, the points that were moved or dropped, remarks on the file.
Method: DOMAIN 2.6, pitfalls 1 to 5 and 11. In this order: notation (ranges), spikes and phone cells (repeated points
        that name many villages), datum (fit to the ground), village (by name, then address, then point).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.intake import datum, elsewhere, masts, places, rounding, values
from gis_data.intake.headers import Match
from gis_data.intake.notation import Written, read_coordinates, written_as
from gis_data.intake.sheets import Sheet, shapes_in
from gis_data.intake.surroundings import Surroundings
from gis_data.study import WGS84, Study, transformer
from gis_data.tables import PRECISIONS
from gis_data.taxonomy import NEVER_A_PLACE, USABLE_POINT, has_a_place

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
MOVING = (*MOVED, "gcj02", "bd09")
DROPPING = ("village_centre", "default_point", "datum_unclear", "outside")


@dataclass(frozen=True)
class Placed:
    """The places of a sheet's rows.

    Attributes
    ----------
    frame
        ``village_id``, ``precision`` (words), ``outside``, ``x_m``, ``y_m`` (metres; NaN for no point); the sheet's
        index.
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
    named, names, unlisted, unclear_name = _named(cells, rows["reported_at"], around.villages)
    spot = _spots(written)
    grid = rounding.rounding_of(written, pairs, spot, around.crs_of(sheet.path.name))
    spike, mast = _repeated(spot, names, named, written, cells, grid, around)
    mast |= masts.at_known(written, known_masts, around.study) & ~spike
    system, remarks = _system(written, named, rows, sheet, ~(spike | mast), around)
    x, y, lon, lat = _points(written, system, around.study)
    x, y, beyond = places.keep_inside(x, y, around.study)
    unclear, nowhere = system == "unclear", ~np.isfinite(x)
    rounded = grid.rows & ~nowhere & ~unclear & ~spike & ~mast
    coarse = rounded & (not grid.keeps_the_road)
    centre = places.at_village_centre(x, y, around.villages) & ~spike & ~grid.rows
    centre |= rounding.at_centres(x, y, rounded, grid.step_m, around.villages)
    asked = (named == "").to_numpy() & ~spike & ~unclear & ~coarse
    village = _by_point(named, asked, x, y, around.villages)
    placeless = ~has_a_place(rows).to_numpy()
    unknown = nowhere | unclear
    precision = _precision(
        ("none", unknown), ("village", unknown & (village != "").to_numpy()), ("road", rounded),
        ("cell", mast | coarse), ("village", centre), ("default", spike), ("none", placeless), index=index,
    )  # fmt: skip
    village = values.with_word(village, rows["type"].isin(NOT_EVEN_A_VILLAGE), "")
    gone = precision.isin(["none", "village", "default"])
    outside = beyond & ~placeless & ~unclear
    usable = precision.isin(USABLE_POINT).to_numpy() & ~outside
    other, border = elsewhere.in_other_village(x, y, named, usable, around.villages)
    frame = pd.DataFrame(
        {"village_id": village, "precision": precision, "outside": outside,
         "x_m": np.where(gone, np.nan, x), "y_m": np.where(gone, np.nan, y)}, index=index,
    )  # fmt: skip
    notes = {
        "no_point": nowhere,
        "coordinates_unknown": written.how == "elsewhere",
        "default_point": spike,
        "cell_point": mast,
        "village_centre": centre,
        "village_elsewhere": other & ~border,
        "village_border": border,
        "village_unlisted": unlisted,
        "village_ambiguous": unclear_name & (village == "").to_numpy(),
        "coordinates_rounded": rounded & ~coarse & ~centre,
        "coordinates_coarse": coarse & ~centre,
        "placeless": placeless,
        "placeless_misplaced": beyond | spike,
        "datum_unclear": unclear,
        **{name: system == name for name in ("gcj02", "bd09")},
        **{name: written.how.isin(hows) for name, hows in MOVED.items()},
    }
    notes = {name: flags & (placeless == name.startswith("placeless")) for name, flags in notes.items()}
    corrections = _corrections(written, lon, lat, notes | {"outside": outside})
    told = {name: pd.Series(flags, index=index) for name, flags in notes.items()}
    return Placed(frame, told, corrections, (*remarks, *_grid_remarks(grid)))


def _grid_remarks(grid: rounding.Rounding) -> list[tuple[str, Mapping[str, Any]]]:
    """Say to what grid the file's coordinates were rounded, if to any."""
    if not grid.step_m:
        return []
    return [("intake.remark.coordinates_rounded", {"rows": int(grid.rows.sum()), "metres": round(grid.step_m)})]


def _by_point(named: pd.Series, asked: Flags, x: Floats, y: Floats, villages: gpd.GeoDataFrame) -> pd.Series:
    """Return the village that each row names, of those asked about the one in which they lie."""
    near = pd.Series("", index=named.index, dtype=object)
    near[asked] = places.village_by_point(x[asked], y[asked], villages)
    return values.first_filled(named, values.as_words(near.astype("str")))


def _precision(*told: tuple[str, Flags], index: pd.Index) -> pd.Series:
    """Return how well each place is known: exactly, but for what is told of some rows, the last word counts."""
    found = np.full(len(index), PRECISIONS.index("exact"), dtype=np.int8)
    for name, where in told:
        found[where] = PRECISIONS.index(name)
    return values.words_of(PRECISIONS, found, index)


def _first_pair(
    pairs: Sequence[tuple[pd.Series, pd.Series]], index: pd.Index, sheet: Sheet, around: Surroundings
) -> Written:
    """Return the first pair that is written at all (systems keep a located and a clicked pair, often both zero)."""
    nothing, crs = pd.Series(np.nan, index=index), around.crs_of(sheet.path.name)
    (first, second), *others = pairs or [(nothing, nothing)]
    found = read_coordinates(first, second, around.study, crs=crs)
    for first, second in others:
        empty = np.asarray(found.how == "")
        if not empty.any():
            break
        other = read_coordinates(first[empty], second[empty], around.study, crs=crs)
        for name in ("lon", "lat", "x", "y", "how"):
            getattr(found, name)[empty] = getattr(other, name)
    return found


def _shapes_as_written(sheet: Sheet) -> Written:
    assert sheet.shapes is not None
    # By shapely: geopandas warns of middles in degrees, which are right for points and good enough for a street.
    middles = shapely.centroid(shapes_in(sheet.path, sheet.shapes, WGS84).fillna(shapely.Point()).to_numpy())
    middles = np.where(shapely.is_empty(middles), None, middles)  # GEOS has no x for some empty middles
    lon, lat = shapely.get_x(middles), shapely.get_y(middles)
    nothing = np.full(len(lon), np.nan)
    return Written(lon, lat, nothing, nothing.copy(), written_as("degrees", np.isfinite(lon)))


def _named(
    cells: Mapping[str, pd.Series], at: pd.Series, villages: gpd.GeoDataFrame
) -> tuple[pd.Series, pd.Series, Flags, Flags]:
    """Return the village that each row names, whatever it names as its place, where no list holds it or two bear it."""
    nothing = pd.Series("", index=at.index, dtype="str")
    addresses, written, area = (
        values.as_words(cells.get(name, nothing)) for name in ("address", "village", "work_area")
    )
    named = values.first_filled(
        places.village_by_name(written, villages), places.village_in_address(addresses, villages)
    )
    unlisted = ((written != "") & (named == "")).to_numpy()
    names = values.first_filled(values.first_filled(named, written), addresses)
    named, unclear = places.told_apart(named, (written, addresses), area, at, villages)
    return named, names, unlisted & bool(len(villages)), unclear


def _spots(written: Written) -> NDArray[np.int64]:
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
    spot: NDArray[np.int64], names: pd.Series, named: pd.Series, written: Written, cells: Mapping[str, pd.Series],
    grid: rounding.Rounding, around: Surroundings,
) -> tuple[Flags, Flags]:  # fmt: skip
    """Tell which rows sit at a default of the dispatch system, and which at a phone mast."""
    known = spot >= 0
    rows = np.bincount(spot[known], minlength=max(1, spot.max(initial=0) + 1))
    # A grid puts neighbours at one point: their addresses are many, their villages are not.
    often = known & (rows[np.where(known, spot, 0)] >= STATION_ROWS)
    count = _named_at(np.where(often, spot, -1), named if grid.step_m else names, len(rows))
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
) -> tuple[NDArray[np.object_], tuple[tuple[str, Mapping[str, Any]], ...]]:
    """Return each row's system of degrees ("" for metres and none), and what to say about the file."""
    system = np.full(len(written.lon), "", dtype=object)
    system[np.isfinite(written.lon)] = "wgs84"
    own = around.datum_of(sheet.path.name)
    # A layer says itself in which CRS it is.
    if own and (sheet.shapes is None or own in datum.SYSTEMS):
        return np.where(system == "wgs84", own, system), (("intake.remark.own_datum", {"system": own}),)
    asked = np.flatnonzero(
        (system == "wgs84") & usable & written.how.isin(("degrees", "degrees_swapped", "degree_minutes"))
    )
    if not around.may_be_shifted or not around.ground.is_known or len(asked) == 0:
        return system, ()
    when = rows["reported_at"].dt.tz_convert(None).to_numpy()
    asked = asked[np.argsort(when[asked], kind="stable")]
    centres = around.villages.set_index("village_id")[["centre_x", "centre_y"]].reindex(named.cat.categories)
    named_xy = centres.to_numpy(dtype=float)[named.cat.codes.to_numpy()[asked]]
    verdict = datum.find_datum(written.lon[asked], written.lat[asked], named_xy, around.ground)
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


def points(x: Floats, y: Floats) -> NDArray[np.object_]:
    """Return places in metres as points; NaN is an empty one."""
    found = np.full(len(x), shapely.Point(), dtype=object)
    known = np.isfinite(x)
    found[known] = shapely.points(x[known], y[known])
    return found


def _corrections(written: Written, lon: Floats, lat: Floats, notes: Mapping[str, Flags]) -> pd.DataFrame:
    """Return the points that are not where they were written, with all that was done to each."""
    moved, dropped = (np.logical_or.reduce([notes[name] for name in names]) for names in (MOVING, DROPPING))
    changed = np.flatnonzero(moved | dropped)
    kind = pd.Series("", index=range(len(changed)), dtype="str")
    for name in (*MOVING, *DROPPING):
        kind = kind.mask(notes[name][changed], kind + ";" + name)
    kind = kind.str.removeprefix(";")
    gone = dropped[changed]
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
