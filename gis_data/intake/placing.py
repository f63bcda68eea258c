"""Placing: where each row of a sheet of incidents happened, and how well that is known.

In:     coordinates, village names and addresses as written; what stands on the study's ground.
Out:    village, precision and point of every row; notes, the points that were moved or dropped, remarks on the file.
Method: DOMAIN 2.6, pitfalls 1 to 5 and 11. First the points (locating.py), then the village by name, address or point.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.intake import elsewhere, masts, places, rounding, values
from gis_data.intake.headers import Match
from gis_data.intake.locating import MOVED, Located, Spots, locate, read_spots
from gis_data.intake.report import Told
from gis_data.intake.sheets import Sheet
from gis_data.intake.surroundings import Surroundings
from gis_data.tables import PRECISIONS
from gis_data.taxonomy import NEVER_A_PLACE, USABLE_POINT, has_a_place

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Fraud keeps its village (whom to warn); of these even the village would point at a family.
NOT_EVEN_A_VILLAGE = NEVER_A_PLACE - {"fraud", "telecom_fraud", "minor_fraud"}
POINT_GONE = ("none", "village", "default")
MOVING = (*MOVED, "gcj02", "bd09")
DROPPING = ("village_centre", "default_point", "datum_unclear", "outside")


@dataclass(frozen=True)
class Said:
    """What a sheet's rows say of their places, read before it is known when they were.

    Attributes
    ----------
    texts, area
        Village names and addresses, and work areas, as written (words).
    named, names
        The village that each row names, and whatever it names as its place (words).
    unlisted
        Which rows name a village that no list holds.
    spots
        Their points as written.
    """

    texts: tuple[pd.Series, pd.Series]
    area: pd.Series
    named: pd.Series
    names: pd.Series
    unlisted: Flags
    spots: Spots


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
    remarks: tuple[Told, ...]


def read_places(cells: Mapping[str, pd.Series], sheet: Sheet, match: Match, around: Surroundings) -> Said:
    """Read what each row says of its place.

    Parameters
    ----------
    cells
        The sheet's known columns by field (``address``, ``village``, ``work_area`` are read).
    """
    index, villages = sheet.frame.index, around.villages
    nothing = pd.Series("", index=index, dtype="str")
    addresses, written, area = (
        values.as_words(cells.get(name, nothing)) for name in ("address", "village", "work_area")
    )
    named = values.first_filled(
        places.village_by_name(written, villages), places.village_in_address(addresses, villages)
    )
    unlisted = ((written != "") & (named == "")).to_numpy() & bool(len(villages))
    names = values.first_filled(values.first_filled(named, written), addresses)
    spots = read_spots(coordinate_pairs(sheet, match), index, sheet, around)
    return Said((written, addresses), area, named, names, unlisted, spots)


def place_rows(
    said: Said, cells: Mapping[str, pd.Series], sheet: Sheet, rows: pd.DataFrame, around: Surroundings,
    known_masts: Floats,
) -> Placed:  # fmt: skip
    """Place all rows.

    Parameters
    ----------
    cells
        The sheet's known columns by field (``locating`` is read).
    rows
        What is known of the rows already: ``type``, ``incident_class``, ``reported_at``.
    known_masts
        Points, metres (n × 2), that earlier imports have shown to be masts.
    """
    index, villages = rows.index, around.villages
    named, unclear_name = places.told_apart(said.named, said.texts, said.area, rows["reported_at"], villages)
    point = locate(said.spots, cells, sheet, rows, named, said.names, around, known_masts)
    coarse = point.rounded & (not point.grid.keeps_the_road)
    centre = places.at_village_centre(point.x, point.y, villages) & ~point.spike & ~point.grid.rows
    centre |= rounding.at_centres(point.x, point.y, point.rounded, point.grid.step_m, villages)
    village = _by_point(named, ~point.spike & ~point.unclear & ~coarse, point, villages)
    placeless = ~has_a_place(rows).to_numpy()
    # The county's own default point may lie outside, and a mast serves both sides of a border: where a row names one of
    # our villages, such a point says no more of the place than one inside.
    far = point.beyond & (named != "").to_numpy()
    far_default, far_mast = far & point.spike, masts.in_reach(point.x, point.y, far & point.mast, around.study)
    unknown = point.nowhere | point.unclear
    precision = _precision(
        ("none", unknown), ("village", unknown & (village != "").to_numpy()), ("road", point.rounded),
        ("cell", point.mast | coarse), ("village", centre | far_mast), ("default", point.spike), ("none", placeless),
        index=index,
    )  # fmt: skip
    village = values.with_word(village, rows["type"].isin(NOT_EVEN_A_VILLAGE), "")
    outside = point.beyond & ~placeless & ~point.unclear & ~far_default & ~far_mast
    usable = precision.isin(USABLE_POINT).to_numpy() & ~outside
    other, border = elsewhere.in_other_village(point.x, point.y, named, usable, villages)
    notes = {
        "no_point": point.nowhere & ~far_default,
        "coordinates_zero": said.spots.zero & point.nowhere,
        "coordinates_second": said.spots.second,
        "coordinates_unknown": point.written.how == "elsewhere",
        "default_point": point.spike,
        "cell_point": point.mast,
        "village_centre": centre,
        "village_elsewhere": other & ~border,
        "village_border": border,
        "village_unlisted": said.unlisted,
        "address_unmatched": _unmatched(said, village, unclear_name, villages),
        "village_ambiguous": unclear_name & (village == "").to_numpy(),
        "coordinates_rounded": point.rounded & ~coarse & ~centre,
        "coordinates_coarse": coarse & ~centre,
        "placeless": placeless,
        "placeless_misplaced": point.beyond | point.spike,
        **point.read_as,
    }
    notes = {name: flags & (placeless == name.startswith("placeless")) for name, flags in notes.items()}
    gone = precision.isin(POINT_GONE).to_numpy()
    x, y = (np.where(gone, np.nan, part) for part in (point.x, point.y))
    frame = pd.DataFrame({"village_id": village, "precision": precision, "outside": outside, "x_m": x, "y_m": y})
    told = {name: pd.Series(flags, index=index) for name, flags in notes.items()}
    return Placed(frame, told, _corrections(point, notes | {"outside": outside}), point.remarks)


def _unmatched(said: Said, village: pd.Series, unclear_name: Flags, villages: gpd.GeoDataFrame) -> Flags:
    """Tell which rows have an address in which no village was recognised, and no point to find it by."""
    lost = ((village == "") & (said.texts[1] != "")).to_numpy() & ~said.unlisted & ~unclear_name
    return lost & bool(len(villages))


def _by_point(named: pd.Series, asked: Flags, point: Located, villages: gpd.GeoDataFrame) -> pd.Series:
    """Return the village that each row names; of rows asked about that name none the one in which they lie."""
    asked = asked & (named == "").to_numpy()
    near = pd.Series("", index=named.index, dtype=object)
    near[asked] = places.village_by_point(point.x[asked], point.y[asked], villages)
    return values.first_filled(named, values.as_words(near.astype("str")))


def _precision(*told: tuple[str, Flags], index: pd.Index) -> pd.Series:
    """Return how well each place is known: exactly, but for what is told of some rows, the last word counts."""
    found = np.full(len(index), PRECISIONS.index("exact"), dtype=np.int8)
    for name, where in told:
        found[where] = PRECISIONS.index(name)
    return values.words_of(PRECISIONS, found, index)


def _corrections(point: Located, notes: Mapping[str, Flags]) -> pd.DataFrame:
    """Return the points that are not where they were written, with all that was done to each."""
    moved, dropped = (np.logical_or.reduce([notes[name] for name in names]) for names in (MOVING, DROPPING))
    changed = np.flatnonzero(moved | dropped)
    kind = pd.Series("", index=range(len(changed)), dtype="str")
    for name in (*MOVING, *DROPPING):
        kind = kind.mask(notes[name][changed], kind + ";" + name)
    kind = kind.str.removeprefix(";")
    gone = dropped[changed]
    lon, lat, as_written_lon, as_written_lat = (
        part[changed] for part in (point.lon, point.lat, point.written.lon, point.written.lat)
    )
    return pd.DataFrame(
        {
            "row": changed,
            "kind": kind.to_numpy(),
            "from_lon": np.where(np.isfinite(as_written_lon), as_written_lon, lon),
            "from_lat": np.where(np.isfinite(as_written_lat), as_written_lat, lat),
            "to_lon": np.where(gone, np.nan, lon),
            "to_lat": np.where(gone, np.nan, lat),
        }
    )


def coordinate_pairs(sheet: Sheet, match: Match) -> list[tuple[pd.Series, pd.Series]]:
    """Return the sheet's pairs of coordinate columns."""
    columns = zip(match.fields.get("lon", ()), match.fields.get("lat", ()), strict=False)
    return [(sheet.frame[x], sheet.frame[y]) for x, y in columns]
