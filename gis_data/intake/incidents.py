"""Incidents: the rows of a 110 export, of a monthly sheet, or of open city data.

In:     a sheet with a report time and a class or type; the study, its villages, what was imported before.
Out:    rows of schema INCIDENTS; every other row with the reason why it was set aside or refused.

A call number becomes a salted hash and is not kept (identities.py). Only in a list of calls are rows merged that no
number ties together (duplicates.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis_data import keys
from gis_data.intake import codes, duplicates, lists, places, placing, times, values, whole_file, writing
from gis_data.intake.headers import Match
from gis_data.intake.identities import call_numbers, identities
from gis_data.intake.report import Sorted, mostly_outside
from gis_data.intake.sheets import Sheet
from gis_data.intake.surroundings import Surroundings
from gis_data.side_by_side import give_back, side_by_side
from gis_data.slim import PLACE
from gis_data.study import Study
from gis_data.tables import INCIDENTS
from gis_data.taxonomy import USABLE_POINT, has_a_place

CODED = ("class", "type", "subtype", "channel", "place_type", "mo", "target_type", "village")
WORDS = (*CODED, "address")
NUMBERS = ("call_id", "linked_call_id", "serial_no", "incident_id", "linked_id")
NO_COUNT = 1e6  # a call number that has slipped into the column of counts
# «Objects only»: what was aimed at may be a thing, not a kind of person.
PERSON_TARGETS = re.compile(
    "妇女|女性|男性|老人|儿童|学生|未成年|青年|幼女|残疾|外来人员|person|woman|women|child|elder", re.IGNORECASE
)


@dataclass(frozen=True)
class Known:
    """What the door already knows when a sheet of incidents arrives.

    Attributes
    ----------
    incident_ids
        Incidents of all imports; one that comes again replaces the older row.
    this_import
        Those that the same file has brought already; one that comes again is a duplicate.
    earlier
        The incidents of all imports (a slim table), or None; the shares of a new file are held against theirs.
    comes_back
        Whether the rows come back from ``set_aside/``: a person has said that they are events of their own.
    masts
        Points, metres (n × 2), that earlier imports have shown to be phone masts.
    """

    around: Surroundings
    incident_ids: frozenset[str]
    salt: str
    own_words: Mapping[str, str]
    this_import: frozenset[str] = frozenset()
    earlier: pd.DataFrame | None = None
    comes_back: bool = False
    masts: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))

    @property
    def study(self) -> Study:
        """The study of the workspace."""
        return self.around.study


def read(sheet: Sheet, match: Match, known: Known, *, import_id: str) -> Sorted:
    """Sort the rows of one sheet of incidents."""
    cells = _cells(sheet, match)
    calls = call_numbers(cells)
    when, (decoded, notes, unknown), said = side_by_side(
        partial(times.read_times, cells, calls["number"], timezone=known.study.timezone),
        partial(_decode, cells, known),
        partial(placing.read_places, cells, sheet, match, known.around),
    )
    give_back()
    hashes = identities(cells, calls, known.salt)
    origin = {"source_file": sheet.name, "import_id": import_id}
    same = {name: values.one_word(word, when.frame.index) for name, word in origin.items()}
    rows = when.frame.assign(**decoded, source_row=sheet.rows, **same)
    placed = placing.place_rows(said, cells, sheet, rows, known.around, known.masts)
    del said  # of very many rows what nobody asks any more is let go at once
    give_back()
    place = placed.frame
    then = places.valid_then(place["village_id"], rows["reported_at"], known.around.villages)
    notes["village_merged"] = values.differ(then, place["village_id"])
    place = place.assign(village_id=then)
    ids, linked = hashes()
    del hashes
    rows = rows.assign(incident_id=ids, linked_id=linked, **place.drop(columns="outside"))
    written, spelt = _written(cells, sheet, rows, calls)
    notes |= when.notes | written | {"number_damaged": calls["damaged"], "link_damaged": calls["follows"]}
    notes = {key: flags for key, flags in {**notes, **placed.notes}.items() if flags.any()}
    for given in (when.notes, placed.notes):
        given.clear()
    reasons, details = _judge(cells, rows, calls, place["outside"], when.hour_known, known)
    elsewhere = mostly_outside(place["outside"], has_a_place(rows))
    kept = reasons == ""
    told = {key: notes.pop(key) & kept for key in [*notes]}
    del cells, calls, place
    give_back()
    frame = rows[kept.to_numpy()]
    accepted, (told_of_file, remarks), marks = side_by_side(
        partial(INCIDENTS.conform, frame, timezone=known.study.timezone),
        partial(whole_file.look, frame, kept, known.earlier, timezone=known.study.timezone),
        partial(_marks, rows),
    )
    return Sorted(
        "incidents", accepted, reasons, details, refused=("private",), notes=told | told_of_file, unknown=unknown,
        remarks=(*elsewhere, *when.remarks, *placed.remarks, *spelt, *remarks),
        corrections=_traceable(placed.corrections, rows), marks=marks,
    )  # fmt: skip


def _written(
    cells: Mapping[str, pd.Series], sheet: Sheet, rows: pd.DataFrame, calls: pd.DataFrame
) -> tuple[dict[str, pd.Series], list[tuple[str, dict[str, object]]]]:
    """Tell which rows write a word, an address or a whole row in another way than most, or again."""
    index, spelling = rows.index, np.zeros(len(rows), dtype=bool)
    for name in ("class", "type", "subtype"):
        spelling |= writing.rarer_spellings(_words(cells, name, index), rows["incident_class"])
    addresses = _words(cells, "address", index)
    partial, usual = writing.partial_addresses(addresses)
    nameless = ((calls["number"] == "") & ~calls["damaged"]).to_numpy()
    flags = {
        "word_spelling": spelling,
        "address_partial": partial,
        "address_crossing": writing.crossings(addresses),
        "said_before": writing.said_before(sheet.frame.assign(x_m=rows["x_m"], y_m=rows["y_m"]), nameless),
    }
    told = [("intake.remark.address_partial", {"rows": int(partial.sum()), "part": usual})] if usual else []
    return {name: pd.Series(there, index=index) for name, there in flags.items()}, told


def _marks(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what must outlast a row's setting aside."""
    village = values.as_written(rows["village_id"])
    return rows[["incident_id", "linked_id"]].assign(village_id=village, placeless=~has_a_place(rows))


def _traceable(corrections: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return moved and dropped points with the row and the import they belong to."""
    row = rows[["source_file", "source_row", "import_id"]].iloc[corrections["row"]].reset_index(drop=True)
    row = row.assign(**{name: values.as_written(row[name]) for name in ("source_file", "import_id")})
    return pd.concat([row, corrections.drop(columns="row")], axis=1)


def _cells(sheet: Sheet, match: Match) -> dict[str, pd.Series]:
    """Return the sheet's known columns by field, the first filled one where several hold the same field."""
    found: dict[str, pd.Series] = {}
    for name, columns in match.fields.items():
        if name in ("lon", "lat"):
            continue
        cell = sheet.frame[columns[0]]
        for column in columns[1:]:
            cell = values.as_written(cell)
            cell = cell.where(values.as_text(cell) != "", values.as_written(sheet.frame[column]))
        if name in WORDS:
            found[name] = values.as_words(cell)
        else:
            found[name] = values.as_text(cell) if name in NUMBERS else values.as_written(cell)
    return found | _coordinates(sheet, match)


def _coordinates(sheet: Sheet, match: Match) -> dict[str, pd.Series]:
    """Return the first pair of coordinate columns as written; nothing where there is none."""
    pairs = placing.coordinate_pairs(sheet, match)
    nothing = pd.Series(np.nan, index=sheet.frame.index)
    lon, lat = pairs[0] if pairs else (nothing, nothing)
    return {"lon": lon, "lat": lat}


def _decode(cells: Mapping[str, pd.Series], known: Known) -> tuple[pd.DataFrame, dict[str, pd.Series], dict[str, int]]:
    """Return codes and counts of all rows, notes on them, and the words that nobody knows."""
    index = cells["lon"].index
    words = {name: _words(cells, name, index) for name in CODED}
    found = codes.resolve(words["class"], words["type"], words["subtype"], known.own_words)
    domestic = _flag(cells, "is_domestic", index)
    by_channel, by_nature = codes.origins(words["channel"]), found["origin"]
    origin = values.first_filled(by_channel, by_nature)
    columns = {
        "incident_class": found["incident_class"],
        "type": values.with_word(found["type"], domestic & (found["type"] != ""), "domestic_violence"),
        "origin": values.with_word(origin, origin == "", "reported"),
    }
    for name in ("subtype", "channel", "place_type", "mo", "target_type"):
        columns[name] = values.recoded(words[name], values.code)
    about_person = values.flagged(columns["target_type"], PERSON_TARGETS.search)
    columns["target_type"] = values.with_word(columns["target_type"], about_person, "")
    columns["caught_count"] = _count(cells, "caught_count", index, least=0)
    columns["count"] = _count(cells, "count", index, least=1)
    rows = pd.DataFrame(columns)
    unheard = (words["channel"] != "") & (by_channel == "")
    notes = {
        "type_guessed": found["guessed"],
        "channel_unknown": unheard,
        "target_person": about_person,
        "domestic": domestic,
        "found_by_nature": (by_channel == "") & (by_nature == "discovered"),
    }
    missed = (columns["type"] == "") | notes["type_guessed"]
    unknown = pd.concat([_named(words, missed), values.as_written(words["channel"][unheard])])
    unknown = unknown[~values.is_private(unknown) & unknown.str.len().between(1, values.LONGEST_CODE)]
    return rows, notes, {str(word): int(times) for word, times in unknown.value_counts().items()}


def _named(words: Mapping[str, pd.Series], where: pd.Series) -> pd.Series:
    """Return how some rows name what happened: class/type/subtype."""
    said = [values.as_written(words[name][where]) for name in ("class", "type", "subtype")]
    return (said[0] + "/" + said[1] + "/" + said[2]).str.strip("/").str.replace("//", "/", regex=False)


def _judge(
    cells: Mapping[str, pd.Series], rows: pd.DataFrame, calls: pd.DataFrame, outside: pd.Series, hour_known: pd.Series,
    known: Known,
) -> tuple[pd.Series, pd.Series]:  # fmt: skip
    """Return each row's reason ("" if accepted) and what the reason names."""
    reasons, details = _by_itself(cells, rows, outside, hour_known, known)
    return _merge_calls(cells, rows, calls, (reasons == "") & hour_known, reasons, details, known)


def _by_itself(
    cells: Mapping[str, pd.Series], rows: pd.DataFrame, outside: pd.Series, hour_known: pd.Series, known: Known
) -> tuple[pd.Series, pd.Series]:
    """Return the reason of each row that is not good or whose call is known, and what the reason names."""
    index = rows.index
    private = pd.Series(False, index=index)
    for name in CODED:
        if name in cells:
            private |= values.is_private(cells[name])
    own = rows["incident_id"]
    reasons = pd.Series("", index=index, dtype="str")
    for reason, where in (
        ("outside", outside),
        ("class_unknown", rows["type"] == ""),
        ("no_time", rows["reported_at"].isna()),
        ("total_row", _totals(cells, rows["reported_at"].isna())),
        ("private", private),
    ):
        reasons[where] = reason
    good = reasons == ""
    ours = keys.among(own, known.this_import)
    again, twice = good & ours, own[good & keys.shared(own)]
    again[twice.index[twice.duplicated()]] = True
    reasons[again] = "duplicate"
    follows = _follow_ups(rows, (reasons == "").to_numpy(), hour_known, known)
    reasons[follows] = "follow_up"
    named = own[again & ~ours | follows]
    named = named.where(~follows[named.index], rows["linked_id"][named.index])
    asked = good & keys.among(own, named)
    first = dict(zip(own[asked][::-1], rows["source_row"][asked][::-1].astype("str"), strict=True))
    details = pd.Series("", index=index, dtype="str")
    details[named.index] = np.array([first.get(name, "") for name in named], dtype=object)
    unknown = reasons == "class_unknown"
    details[unknown] = _named({name: _words(cells, name, index) for name in CODED}, unknown)
    return reasons, details


def _totals(cells: Mapping[str, pd.Series], asked: pd.Series) -> pd.Series:
    """Tell which of the rows asked about are totals under a table."""
    found, rows = pd.Series(False, index=asked.index), asked.index[asked]
    for cell in cells.values() if len(rows) else ():
        found[rows] |= values.is_total(cell[rows])
    return found


def _follow_ups(rows: pd.DataFrame, good: np.ndarray, hour_known: pd.Series, known: Known) -> pd.Series:
    """Tell which rows follow up a call that is accepted and was made no later."""
    follows = np.zeros(len(rows), dtype=bool)
    asked = np.flatnonzero(good & (rows["linked_id"] != "").to_numpy())
    if not len(asked):
        return pd.Series(follows, index=rows.index)
    linked, own = rows["linked_id"].iloc[asked], rows["incident_id"].iloc[asked]
    accepted = pa.array(rows["incident_id"][good])
    place = np.asarray(pc.fill_null(pc.index_in(pa.array(linked), value_set=accepted), -1))
    first = np.flatnonzero(good)[place]  # of those not found any row: it is not looked at
    earlier, later = (rows["reported_at"].iloc[at].reset_index(drop=True) for at in (first, asked))
    # Two calls that name each other must not remove each other: only the later one follows the earlier one. Where an
    # hour is not known, or both are of one minute, the file's order is all there is.
    clear = hour_known.to_numpy()[first] & hour_known.to_numpy()[asked] & (earlier != later)
    clear |= earlier.dt.normalize() != later.dt.normalize()
    before = (place >= 0) & np.where(clear, earlier < later, first < asked)
    follows[asked] = (linked != own).to_numpy() & (before | keys.among(linked, known.incident_ids))
    return pd.Series(follows, index=rows.index)


def _merge_calls(
    cells: Mapping[str, pd.Series], rows: pd.DataFrame, calls: pd.DataFrame, asked: pd.Series, reasons: pd.Series,
    details: pd.Series, known: Known,
) -> tuple[pd.Series, pd.Series]:  # fmt: skip
    """Set aside the calls about an event that another row already tells, each with that row's number."""
    is_call = asked & ((calls["number"] != "") | calls["damaged"] | (_words(cells, "was_call", rows.index) == "1"))
    is_call &= (rows["origin"] == "reported") & (rows["count"] == 1)
    unusable = ~rows["precision"].isin(USABLE_POINT)
    about = rows[["reported_at", "incident_class", "type", "village_id"]].assign(
        **{name: rows[name].mask(unusable) for name in ("x_m", "y_m")},
        is_call=is_call, address=_words(cells, "address", rows.index), follows=calls["follows"],
    )  # fmt: skip
    reasons, details = reasons.copy(), details.copy()
    earlier = _earlier_calls(rows, known)
    into = duplicates.merge_into_earlier(about, earlier)
    merged = into >= 0
    reasons[merged] = "same_event"
    first = earlier.iloc[into[merged]]
    details[merged] = (first["source_file"].astype("str") + " " + first["source_row"].astype("str")).to_numpy()
    into = duplicates.merge_calls(about.assign(is_call=is_call & ~merged))
    merged = into >= 0
    reasons[merged] = np.where(calls["follows"][merged], "follow_up", "same_event")
    details[merged] = rows["source_row"].iloc[into[merged]].astype("str").to_numpy()
    return reasons, details


def _earlier_calls(rows: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Return the incidents of earlier imports that the rows' calls may be about."""
    names = ["reported_at", "incident_class", "type", "source_file", "source_row"]
    table = known.earlier
    if table is None or table.empty or known.comes_back:
        return pd.DataFrame({name: [] for name in (*names, *PLACE)})
    at, reach = rows["reported_at"], pd.Timedelta(minutes=duplicates.WINDOW_MIN)
    near = table["reported_at"].between(at.min() - reach, at.max() + reach)
    table = table[near & (table["origin"] == "reported") & (table["count"] == 1)]
    # Of a report at 00:00 the hour may not be known; a row that comes again replaces itself.
    table = table[table["precision"].isin(USABLE_POINT) & (table["reported_at"] != table["reported_at"].dt.normalize())]
    table = table[~keys.among(table["incident_id"], rows["incident_id"])]
    return pd.DataFrame(table[[*names, *PLACE]])


def _words(cells: Mapping[str, pd.Series], name: str, index: pd.Index) -> pd.Series:
    return cells[name] if name in cells else values.words_of([], np.full(len(index), -1), index)


def _flag(cells: Mapping[str, pd.Series], name: str, index: pd.Index) -> pd.Series:
    if name not in cells:
        return pd.Series(False, index=index)
    if pd.api.types.is_bool_dtype(cells[name].dtype):
        return cells[name].astype(bool)
    flags = lists.words("flag")
    return values.by_distinct(values.as_text(cells[name]), lambda word: flags.get(lists.plain(word)) == "1").astype(
        bool
    )


def _count(cells: Mapping[str, pd.Series], name: str, index: pd.Index, *, least: int) -> pd.Series:
    if name not in cells:
        return pd.Series(least, index=index)
    flags = lists.words("flag")
    codes, words = pd.factorize(values.as_text(cells[name]))
    said = pd.Series([flags.get(lists.plain(word), word) for word in words], dtype="str")
    number = pd.Series(values.as_number(said).to_numpy()[codes], index=index)
    return number.where(number < NO_COUNT).fillna(least).clip(lower=least).round().astype("int64")
