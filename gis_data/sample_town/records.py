"""How the station wrote it down: call numbers, delays, addresses, and the usual errors at their usual rates.

In:     what happened (incidents.py), the villages, a generator.
Out:    one row per record as a 110 export has it (a follow-up call is a row of its own), with the truth beside it.
Method: rates as DOMAIN 5.7. Each record gets at most one error of its place; disputes are only ever recorded at the
        middle of their village.
"""

import numpy as np
import pandas as pd

from gis_data.coordinates import wgs84_to_bd09, wgs84_to_gcj02
from gis_data.sample_town import layout, reference

AREA_CODE = "379900"  # of no real county
STOLEN = frozenset({"burglary", "ebike_theft", "vehicle_theft", "theft_from_vehicle", "farm_theft", "cable_theft"})

PLACE_ERRORS = {"zero": 0.15, "station_default": 0.06, "phone_mast": 0.03, "swapped": 0.005, "degree_minutes": 0.004,
                "zone_prefix": 0.004}  # fmt: skip
# When the clicked map was not in WGS-84: 8 % and 3 % of two years.
SHIFTED = {"gcj02": ("2023-03-08", "2023-05-05"), "bd09": ("2022-10-05", "2022-10-27")}
FOLLOW_UP_SHARE = 0.09
NO_OCCURRENCE_SHARE, VAGUE_INTERVAL_SHARE = 0.12, 0.25
TEXT_DATE_SHARE, NO_YEAR_SHARE = 0.03, 0.003
# Other people who call about the same event: how many, how long after, how far away, who words the address otherwise.
OTHER_CALLERS_SHARE, OTHER_WITHIN_MIN, OTHER_SPREAD_M, OTHER_WORDS_SHARE = 0.03, (1, 26), 50.0, 0.04
MIDNIGHT_SHARE, OCCURRED_MIDNIGHT_SHARE = 0.03, 0.03
FULL_WIDTH_SHARE, AT_24_SHARE = 0.005, 0.01
ALIAS_SHARE, HOUSEHOLDER_SHARE = 0.4, 0.3  # of the villages that have another name; of all addresses

# The village's other names; the second one was merged into 前赵家丘村 and still turns up in addresses.
ALIASES = {"V003": "万埠", "V019": "前赵家丘;西赵家丘", "V031": "西高屯"}
CHANNELS = (("110接警", 0.72), ("来所报案", 0.16), ("微信报警", 0.07), ("群众扭送", 0.05))
FOUND_BY_PATROL = (("巡逻发现", 0.7), ("工作中发现", 0.3))


def write_down(happened: pd.DataFrame, villages: pd.DataFrame, town: str, *, rng: np.random.Generator) -> pd.DataFrame:
    """Return the records, rising in report time.

    Returns
    -------
    DataFrame
        As written: ``number``, ``linked``, ``reported_at``, ``occurred_from``, ``occurred_to``, ``arrived_at``,
        ``closed_at`` (texts), ``incident_class``, ``subtype``, ``channel``, ``village``, ``address``, ``place``,
        ``lon``, ``lat``, ``caught``. The truth: ``true_lon``, ``true_lat``, ``village_id``, ``type``, ``planted``,
        ``error``, ``system`` (of the degrees), ``moment`` (when reported), ``same_as`` (number of the first call about
        the same event), ``midnight``, ``occurred_midnight``, ``full_width``, ``at_24`` (how its times were spoiled).
    """
    records = _reported(happened, rng=rng)
    records = _numbered(records, rng=rng)
    records = _placed(records, villages, town, rng=rng)
    records = _with_follow_ups(records, rng=rng)
    records = _as_text(_in_order(records), rng=rng)
    # A generator of their own: with other errors the town stays the same.
    (own,) = rng.spawn(1)
    records = _in_order(_with_other_callers(records, villages, town, rng=own))
    return _with_spoiled_times(records, rng=own)


def _in_order(records: pd.DataFrame) -> pd.DataFrame:
    return records.sort_values(["moment", "number"], kind="stable").reset_index(drop=True)


def _reported(happened: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Add when each incident was reported, and between which times its owner says it happened."""
    size = len(happened)
    at = happened["at"]
    vague = happened["type"].isin(STOLEN).to_numpy() & (rng.random(size) < VAGUE_INTERVAL_SHARE)
    before = np.where(vague, rng.uniform(60, 600, size), 0.0)
    after = np.where(vague, rng.uniform(30, 360, size), 0.0)
    delay = after + rng.exponential(np.where(happened["type"].isin(STOLEN), 40.0, 9.0))
    moment = at + _minutes(delay)
    arrived = moment + _minutes(rng.uniform(6, 28, size))
    silent = rng.random(size) < NO_OCCURRENCE_SHARE
    start, end = at - _minutes(before), at + _minutes(after)
    return happened.assign(
        moment=moment,
        arrived=arrived,
        closed=arrived + _minutes(rng.uniform(20, 110, size)),
        start=start.mask(silent),
        end=end.where(vague & ~silent),
        silent=silent,
    )


def _minutes(values: np.ndarray) -> pd.TimedeltaIndex:
    return pd.to_timedelta(np.round(values), unit="min")


def _numbered(records: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    serial = rng.permutation(9000)[np.arange(len(records)) % 9000] + 1000
    stamp = records["moment"].dt.strftime("%y%m%d%H%M")
    numbers = AREA_CODE + stamp + pd.Series(serial, index=records.index).astype(str)
    return records.assign(number=numbers, linked="")


def _placed(records: pd.DataFrame, villages: pd.DataFrame, town: str, *, rng: np.random.Generator) -> pd.DataFrame:
    """Add what was written of the place: address, village, coordinates, and which error they carry."""
    size = len(records)
    known = villages.set_index("village_id")
    true = reference.to_degrees(records[["x_m", "y_m"]].to_numpy())
    centre = known.loc[records["village_id"], ["lon", "lat"]].to_numpy()
    error = _place_errors(records, rng=rng)
    written = true.copy()
    written[error == "zero"] = 0.0
    written[error == "station_default"] = reference.to_degrees(np.array([layout.STATION_POINT]))[0]
    written[error == "village_centre"] = centre[error == "village_centre"]
    written[error == "phone_mast"] = _nearest_mast(records[["x_m", "y_m"]].to_numpy())[error == "phone_mast"]
    system = _systems(records["moment"], error)
    for name, shift in (("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)):
        rows = system == name
        written[rows] = np.column_stack(shift(written[rows, 0], written[rows, 1]))
    written[error == "swapped"] = written[error == "swapped"][:, ::-1]
    written_name = known["name"].loc[records["village_id"]].to_numpy()
    alias = records["village_id"].map({key: text.split(";")[-1] for key, text in ALIASES.items()})
    called = np.where(alias.notna() & (rng.random(size) < ALIAS_SHARE), alias, written_name)
    ending = np.where(rng.random(size) < HOUSEHOLDER_SHARE, "某某家附近", "村内")
    lon, lat = _noted(written, error)
    return records.assign(
        true_lon=true[:, 0], true_lat=true[:, 1], lon=lon, lat=lat, error=error, system=system,
        village=written_name, address=[f"{town}{place}{rest}" for place, rest in zip(called, ending, strict=True)],
    )  # fmt: skip


def _place_errors(records: pd.DataFrame, *, rng: np.random.Generator) -> np.ndarray:
    """Return the error of each record's place; disputes without another one are put at their village's middle."""
    error = np.full(len(records), "", dtype=object)
    draw, before = rng.random(len(records)), 0.0
    for name, share in PLACE_ERRORS.items():
        error[(draw >= before) & (draw < before + share)] = name
        before += share
    error[(records["type"] == "dispute").to_numpy() & (error == "")] = "village_centre"
    return error


def _systems(moment: pd.Series, error: np.ndarray) -> np.ndarray:
    """Return the system of each record's degrees: twice somebody switched the clicked map for a while."""
    system = np.full(len(moment), "wgs84", dtype=object)
    clicked = ~np.isin(error, ("zero", "station_default", "phone_mast", "zone_prefix"))
    for name, (first, last) in SHIFTED.items():
        system[clicked & (moment >= first).to_numpy() & (moment < last).to_numpy()] = name
    return system


def _nearest_mast(xy: np.ndarray) -> np.ndarray:
    """Return the degrees of the phone mast that each point's call came over."""
    masts = np.array(layout.PHONE_MASTS, dtype=float)
    nearest = np.hypot(*(xy[:, None] - masts[None]).transpose(2, 0, 1)).argmin(axis=1)
    return reference.to_degrees(masts[nearest])


def _noted(written: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates as they stand in the file: six decimals, degrees and minutes, or metres with a zone prefix."""
    lon, lat = (np.round(part, 6).astype(object) for part in written.T)
    for row in np.flatnonzero(error == "degree_minutes"):
        lon[row], lat[row] = (_in_minutes(value) for value in written[row])
    prefixed = np.flatnonzero(error == "zone_prefix")
    metres = reference.to_grid(reference.to_metres(*written[prefixed].T)) + np.array([40_000_000.0, 0.0])
    lon[prefixed], lat[prefixed] = np.round(metres, 1).T
    return lon, lat


def _in_minutes(degrees: float) -> str:
    whole, minutes = int(degrees), (degrees - int(degrees)) * 60
    return f"{whole}°{int(minutes)}′{(minutes - int(minutes)) * 60:.2f}″"


def _with_follow_ups(records: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Add the calls in which somebody asks again about a call made before."""
    records = records.assign(channel=_channels(records, rng=rng), follow_up=False)
    count = round(FOLLOW_UP_SHARE / (1 - FOLLOW_UP_SHARE) * len(records))
    again = records.iloc[np.sort(rng.choice(len(records), count, replace=False))]
    later = again["moment"] + _minutes(rng.uniform(4, 90, count))
    serial = pd.Series(rng.integers(1000, 9999, count), index=again.index).astype(str)
    never = pd.Series(pd.NaT, index=again.index)
    again = again.assign(
        linked=again["number"], moment=later, arrived=never, closed=never, caught=0, channel="110接警",
        number=AREA_CODE + later.dt.strftime("%y%m%d%H%M") + serial, follow_up=True,
    )  # fmt: skip
    return pd.concat([records, again], ignore_index=True).drop_duplicates("number", ignore_index=True)


def _channels(records: pd.DataFrame, *, rng: np.random.Generator) -> np.ndarray:
    by_public, by_patrol = (
        np.array([word for word, _ in words], dtype=object)[
            rng.choice(len(words), len(records), p=[share for _, share in words])
        ]
        for words in (CHANNELS, FOUND_BY_PATROL)
    )
    return np.where(records["discovered"], by_patrol, by_public)


def _as_text(records: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Write the times as clerks and systems do."""
    text = {name: records[column].dt.strftime("%Y-%m-%d %H:%M").fillna("") for name, column in _TIMES.items()}
    draw = rng.random(len(records))
    moment = records["moment"]
    by_hand = moment.dt.strftime("%Y年%m月%d日 %H:%M").str.replace(r"(?<=[年月])0", "", regex=True)
    no_year = moment.dt.strftime("%m月%d日%H时许")
    text["reported_at"] = text["reported_at"].mask(draw < TEXT_DATE_SHARE, by_hand).mask(draw < NO_YEAR_SHARE, no_year)
    return records.assign(**text, no_year=draw < NO_YEAR_SHARE)


def _with_other_callers(
    records: pd.DataFrame, villages: pd.DataFrame, town: str, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Add the calls of other people about the same event: numbers and places of their own, no link."""
    first = records[~records["follow_up"] & ~records["discovered"] & ~records["no_year"]]
    first = first.iloc[np.sort(rng.choice(len(first), round(OTHER_CALLERS_SHARE * len(records)), replace=False))]
    count = len(first)
    away_m = np.clip(rng.normal(0, OTHER_SPREAD_M, (count, 2)), -2 * OTHER_SPREAD_M, 2 * OTHER_SPREAD_M)
    moment = first["moment"] + _minutes(rng.uniform(*OTHER_WITHIN_MIN, count))
    serial = pd.Series(rng.integers(1000, 9999, count), index=first.index).astype(str)
    other = first.assign(
        x_m=first["x_m"] + away_m[:, 0], y_m=first["y_m"] + away_m[:, 1], moment=moment, same_as=first["number"],
        number=AREA_CODE + moment.dt.strftime("%y%m%d%H%M") + serial, reported_at=moment.dt.strftime("%Y-%m-%d %H:%M"),
        arrived_at="", closed_at="", caught=0, channel="110接警",
    )  # fmt: skip
    other = _placed(other, villages, town, rng=rng)
    same_words = rng.random(count) >= OTHER_WORDS_SHARE
    other = other.assign(address=other["address"].mask(same_words, first["address"]))
    both = pd.concat([records.assign(same_as=""), other], ignore_index=True)
    return both.drop_duplicates("number", ignore_index=True)


def _with_spoiled_times(records: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Write some times as 00:00 («unknown»), in full-width digits, or as 24:00 of the day before."""
    size, usual = len(records), records["reported_at"].str.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d")
    midnight = usual & (rng.random(size) < MIDNIGHT_SHARE)
    full_width = usual & ~midnight & (rng.random(size) < FULL_WIDTH_SHARE)
    wide = str.maketrans("0123456789:-", "０１２３４５６７８９：－")
    reported = records["reported_at"].mask(midnight, records["reported_at"].str[:10] + " 00:00")
    reported = reported.mask(full_width, reported.str.translate(wide))
    began = (records["occurred_from"] != "") & (rng.random(size) < OCCURRED_MIDNIGHT_SHARE)
    occurred = records["occurred_from"].mask(began, records["occurred_from"].str[:10] + " 00:00")
    at_24 = (records["closed_at"] != "") & (rng.random(size) < AT_24_SHARE)
    closed = records["closed_at"].mask(at_24, records["closed_at"].str[:10] + " 24:00")
    return records.assign(
        reported_at=reported, occurred_from=occurred, closed_at=closed, midnight=midnight, occurred_midnight=began,
        full_width=full_width, at_24=at_24,
    )  # fmt: skip


_TIMES = {"reported_at": "moment", "occurred_from": "start", "occurred_to": "end", "arrived_at": "arrived",
          "closed_at": "closed"}  # fmt: skip
