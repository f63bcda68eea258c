"""Incidents: the rows of a 110 export, of a monthly sheet, or of open city data.

In:     a sheet with a report time and a class or type; the study, its villages, what was imported before.
Out:    rows of schema INCIDENTS; every other row with the reason why it was set aside or refused.

A call number becomes a salted hash and is not kept. A row without one (or with one that a spreadsheet has cut to 15
digits) is known by its content: time, words and place, and how many identical rows came before it, because identical
rows may be true multiples.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.intake import codes, lists, places, values
from gis_data.intake.headers import Match
from gis_data.intake.report import Sorted
from gis_data.intake.sheets import Sheet, shapes_in
from gis_data.study import Study
from gis_data.tables import INCIDENTS
from gis_data.taxonomy import NEVER_A_PLACE, has_a_place

MOMENTS = ("reported_at", "occurred_from", "occurred_to", "arrived_at", "closed_at")
CODED = ("class", "type", "subtype", "channel", "place_type", "mo", "target_type", "village")
# Fraud keeps its village (whom to warn); of these even the village would point at a family.
NOT_EVEN_A_VILLAGE = NEVER_A_PLACE - {"fraud", "telecom_fraud", "minor_fraud"}
SHORTEST_CALL_NUMBER = 8
# «Objects only»: what was aimed at may be a thing, not a kind of person.
PERSON_TARGETS = "妇女|女性|男性|老人|儿童|学生|未成年|青年|幼女|残疾|外来人员|person|woman|women|child|elder"


@dataclass(frozen=True)
class Known:
    """What the door already knows when a sheet of incidents arrives."""

    study: Study
    villages: gpd.GeoDataFrame
    incident_ids: frozenset[str]
    salt: str
    own_words: Mapping[str, str]


def read(sheet: Sheet, match: Match, known: Known, *, import_id: str) -> Sorted:
    """Sort the rows of one sheet of incidents."""
    cells = _cells(sheet, match)
    rows, notes, unknown = _decode(cells, known)
    ids, linked = _identities(cells, known)
    rows = rows.assign(incident_id=ids, linked_id=linked)
    rows = rows.assign(source_file=sheet.name, source_row=sheet.rows, import_id=import_id)
    place, place_notes = _place(cells, sheet, rows, known)
    rows = rows.assign(**place.drop(columns=["geometry", "outside"]))
    reasons, details = _judge(cells, rows, place["outside"], known)
    kept = reasons == ""
    frame = gpd.GeoDataFrame(rows, geometry=place["geometry"].to_numpy(), crs=known.study.crs)[kept.to_numpy()]
    accepted = INCIDENTS.conform(frame, crs=known.study.crs, timezone=known.study.timezone)
    told = {key: flags & kept for key, flags in {**notes, **place_notes}.items()}
    return Sorted("incidents", accepted, reasons, details, refused=("private",), notes=told, unknown=unknown)


def _cells(sheet: Sheet, match: Match) -> dict[str, pd.Series]:
    """Return the sheet's known columns by field, the first filled one where several hold the same field."""
    found: dict[str, pd.Series] = {}
    for name, columns in match.fields.items():
        if name in ("lon", "lat"):
            continue
        cell = sheet.frame[columns[0]]
        for column in columns[1:]:
            cell = cell.where(values.as_text(cell) != "", sheet.frame[column])
        found[name] = cell
    return found | _coordinates(sheet, match)


def _coordinates(sheet: Sheet, match: Match) -> dict[str, pd.Series]:
    """Return the first pair of coordinates that is not zero (systems keep a located and a clicked pair)."""
    nothing = pd.Series(np.nan, index=sheet.frame.index)
    lon, lat = nothing, nothing
    for column_x, column_y in zip(match.fields.get("lon", ()), match.fields.get("lat", ()), strict=False):
        x, y = values.as_number(sheet.frame[column_x]), values.as_number(sheet.frame[column_y])
        empty = lon.isna() | lat.isna() | (lon == 0) | (lat == 0)
        lon, lat = lon.mask(empty, x), lat.mask(empty, y)
    return {"lon": lon, "lat": lat}


def _decode(cells: Mapping[str, pd.Series], known: Known) -> tuple[pd.DataFrame, dict[str, pd.Series], dict[str, int]]:
    """Return times, codes and counts of all rows, notes on them, and the words that nobody knows."""
    index = cells["lon"].index
    words = {name: _text(cells, name, index) for name in ("class", "type", "subtype", "channel")}
    found = codes.resolve(words["class"], words["type"], words["subtype"], known.own_words)
    columns: dict[str, pd.Series] = {
        name: values.as_moment(cells[name], timezone=known.study.timezone) for name in MOMENTS if name in cells
    }
    columns["incident_class"] = pd.Series([code.incident_class for code in found], index=index, dtype="str")
    columns["type"] = pd.Series([code.type for code in found], index=index, dtype="str")
    domestic = _flag(cells, "is_domestic", index)
    columns["type"] = columns["type"].mask(domestic & (columns["type"] != ""), "domestic_violence")
    by_channel, by_nature = codes.origins(words["channel"]), pd.Series([code.origin for code in found], index=index)
    origin = by_channel.mask(by_channel == "", by_nature)
    columns["origin"] = origin.mask(origin == "", "reported").astype("str")
    for name in ("subtype", "channel", "place_type", "mo", "target_type"):
        columns[name] = values.as_code(cells[name]) if name in cells else pd.Series("", index=index, dtype="str")
    about_person = columns["target_type"].str.contains(PERSON_TARGETS, case=False)
    columns["target_type"] = columns["target_type"].mask(about_person, "")
    columns["caught_count"] = _count(cells, "caught_count", index, least=0)
    columns["count"] = _count(cells, "count", index, least=1)
    rows = _from_before_to(pd.DataFrame(columns))
    unheard = (words["channel"] != "") & (by_channel == "")
    notes = {
        "type_guessed": pd.Series([code.guessed for code in found], index=index),
        "channel_unknown": unheard,
        "target_person": about_person,
        "domestic": domestic,
        "found_by_nature": (by_channel == "") & (by_nature == "discovered"),
    }
    missed = (columns["type"] == "") | notes["type_guessed"]
    named = (words["class"] + "/" + words["type"] + "/" + words["subtype"])[missed].str.strip("/")
    unknown = pd.concat([named, words["channel"][unheard]])
    unknown = unknown[~values.is_private(unknown) & unknown.str.len().between(1, values.LONGEST_CODE)]
    return rows, notes, {str(word): int(times) for word, times in unknown.value_counts().items()}


def _identities(cells: Mapping[str, pd.Series], known: Known) -> tuple[pd.Series, pd.Series]:
    """Return the salted hash of each row's own call number (or content), and of the call it follows up."""
    index = cells["lon"].index
    numbers = _text(cells, "call_id", index)
    serials = _text(cells, "serial_no", index)
    if "call_id" not in cells and (serials.str.len() >= SHORTEST_CALL_NUMBER).mean() > 0.5:
        numbers = serials
    numbers = numbers.mask(_is_damaged(numbers), "")
    by_content = _content(cells, index)
    keys = numbers.mask(numbers == "", by_content)
    linked = _text(cells, "linked_call_id", index)
    linked = linked.mask(_is_damaged(linked), "")
    return _hashed(keys, known.salt), _hashed(linked, known.salt)


def _is_damaged(numbers: pd.Series) -> pd.Series:
    """Tell which call numbers a spreadsheet has cut: it keeps 15 digits and fills up with zeros."""
    return numbers.str.contains(r"e\+", case=False) | numbers.str.fullmatch(r"\d{15}0{3,}")


def _content(cells: Mapping[str, pd.Series], index: pd.Index) -> pd.Series:
    """Return what a row says, with the number of identical rows before it; arrests left out, they come later."""
    names = (
        "reported_at",
        "occurred_from",
        "class",
        "type",
        "subtype",
        "address",
        "village",
        "place_type",
        "lon",
        "lat",
    )
    joined = pd.Series("row", index=index, dtype="str")
    for name in names:
        if name in cells:
            joined = joined + "\x1f" + values.as_text(cells[name])
    return joined + "\x1f" + joined.groupby(joined).cumcount().astype("str")


def _hashed(keys: pd.Series, salt: str) -> pd.Series:
    secret = salt.encode()

    def one(key: str) -> str:
        return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()[:32] if key else ""

    return pd.Series([one(key) for key in keys], index=keys.index, dtype="str")


def _place(
    cells: Mapping[str, pd.Series], sheet: Sheet, rows: pd.DataFrame, known: Known
) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """Return geometry, precision and village of all rows, which of them lie outside, and notes."""
    index = rows.index
    lon, lat, points = cells["lon"], cells["lat"], places.read_points(cells["lon"], cells["lat"], known.study)
    if sheet.shapes is not None:
        points = shapes_in(sheet.path, sheet.shapes, known.study.crs).fillna(shapely.Point()).centroid
        lon, lat = points.x.round(2), points.y.round(2)
    points, outside = places.keep_inside(points, known.study)
    addresses, villages = _text(cells, "address", index), _text(cells, "village", index)
    named = places.village_by_name(villages, known.villages)
    named = named.mask(named == "", places.village_in_address(addresses, known.villages))
    names = named.mask(named == "", villages).mask(lambda text: text == "", addresses)
    spike = places.spikes(lon, lat, names, points)
    centre = places.at_village_centre(points, known.villages) & ~spike
    near = places.village_by_point(points, known.villages)
    village = named.mask((named == "") & ~spike, near)
    precision = pd.Series("exact", index=index).mask(points.is_empty, "none")
    precision = (
        precision.mask(points.is_empty & (village != ""), "village").mask(centre, "village").mask(spike, "default")
    )
    placeless = ~has_a_place(rows)
    village = village.mask(rows["type"].isin(NOT_EVEN_A_VILLAGE), "")
    precision = precision.mask(placeless, "none")
    gone = precision.isin(["none", "village", "default"])
    found = pd.DataFrame(
        {"village_id": village, "precision": precision, "outside": outside & ~placeless,
         "geometry": points.mask(gone, shapely.Point()).to_numpy()}
    )  # fmt: skip
    notes = {
        "no_point": points.is_empty & ~placeless,
        "default_point": spike & ~placeless,
        "village_centre": centre & ~placeless,
        "placeless": placeless,
    }
    return found, notes


def _judge(
    cells: Mapping[str, pd.Series], rows: pd.DataFrame, outside: pd.Series, known: Known
) -> tuple[pd.Series, pd.Series]:
    """Return each row's reason ("" if accepted) and what the reason names."""
    index = rows.index
    private = pd.Series(False, index=index)
    for name in CODED:
        if name in cells:
            private |= values.is_private(values.as_text(cells[name]))
    own = rows["incident_id"]
    reasons = pd.Series("", index=index, dtype="str")
    reasons = reasons.mask(outside, "outside")
    reasons = reasons.mask(rows["type"] == "", "class_unknown")
    reasons = reasons.mask(rows["reported_at"].isna(), "no_time")
    reasons = reasons.mask(private, "private")
    good = reasons == ""
    repeated = good & (own.isin(known.incident_ids) | own.where(good).duplicated())
    reasons = reasons.mask(repeated, "duplicate")
    follows = _follow_ups(rows, (reasons == "").to_numpy(), known)
    reasons = reasons.mask(follows, "follow_up")
    first = dict(zip(own[good][::-1], rows["source_row"][good][::-1], strict=True))
    details = own.map(first).where(repeated & ~own.isin(known.incident_ids))
    details = details.mask(follows, rows["linked_id"].map(first))
    words = [_text(cells, name, index) for name in ("class", "type", "subtype")]
    said = (words[0] + "/" + words[1] + "/" + words[2]).str.strip("/")
    return reasons, details.astype(object).mask(reasons == "class_unknown", said).fillna("").map(_detail).astype("str")


def _follow_ups(rows: pd.DataFrame, good: np.ndarray, known: Known) -> pd.Series:
    """Tell which rows follow up a call that is accepted and was made no later."""
    linked = rows["linked_id"]
    place = pd.Series(np.arange(len(rows))[good], index=rows["incident_id"][good])
    order = linked.map(place).astype("float64")
    # By position, not by mapping the moments themselves: pandas takes an empty mapping for one of floats.
    earlier = rows["reported_at"].reset_index(drop=True).reindex(order.fillna(-1).astype("int64")).set_axis(rows.index)
    # Two calls that name each other must not remove each other: only the later one follows the earlier one.
    before = (earlier < rows["reported_at"]) | ((earlier == rows["reported_at"]) & (order < np.arange(len(rows))))
    follows = (linked != "") & (linked != rows["incident_id"]) & (before | linked.isin(known.incident_ids))
    return follows & good


def _detail(value: object) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def _from_before_to(rows: pd.DataFrame) -> pd.DataFrame:
    """Swap an occurrence interval that is written the wrong way round (上限 and 下限 are used in both senses)."""
    if not {"occurred_from", "occurred_to"} <= set(rows.columns):
        return rows
    wrong = rows["occurred_from"] > rows["occurred_to"]
    start, end = rows["occurred_from"], rows["occurred_to"]
    return rows.assign(occurred_from=start.where(~wrong, end), occurred_to=end.where(~wrong, start))


def _text(cells: Mapping[str, pd.Series], name: str, index: pd.Index) -> pd.Series:
    return values.as_text(cells[name]) if name in cells else pd.Series("", index=index, dtype="str")


def _flag(cells: Mapping[str, pd.Series], name: str, index: pd.Index) -> pd.Series:
    if name not in cells:
        return pd.Series(False, index=index)
    if pd.api.types.is_bool_dtype(cells[name].dtype):
        return cells[name].astype(bool)
    return values.as_text(cells[name]).map(lambda word: lists.words("flag").get(lists.plain(word)) == "1").astype(bool)


def _count(cells: Mapping[str, pd.Series], name: str, index: pd.Index, *, least: int) -> pd.Series:
    if name not in cells:
        return pd.Series(least, index=index)
    text = values.as_text(cells[name]).map(lambda word: lists.words("flag").get(lists.plain(word), word))
    return values.as_number(text).fillna(least).clip(lower=least).round().astype("int64")
