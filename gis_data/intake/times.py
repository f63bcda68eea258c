"""Times: what an incident's five times say, what a clerk or a program spoiled in them, and what may still be used.

In:     the time columns as written, and the call numbers, which often hold the minute of the call.
Out:    moments in local time; which report times have an hour that may be used; a note for every row that was touched.
Method: DOMAIN 2.6, pitfalls 8, 9, 10. What is not read at once is read as a clerk says it (spoken_times.py). The
        minute in the call number is believed only in a file where it agrees with the report times. A 12-hour clock is
        known by that minute, or by an afternoon without a single call; midnight as «unknown» by a day written without
        a clock, or by a heap that chance does not make. An hour that is not known is never guessed: such a report
        keeps its day at 00:00, such an occurrence becomes the whole day, so that hour profiles spread it evenly; such
        an arrival is missing, for a delay cannot be had from it. Minutes heaped on full hours are told, not mended.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from gis_data.intake import values
from gis_data.intake.moments import EARLIEST, as_moment, assembled, localised, usual_moments
from gis_data.intake.report import Told
from gis_data.intake.spoken_times import DAY, as_spoken, date_of, year_around, year_from_report
from gis_data.letters import Letters, Whole, all_digits, letters_in, number_in, pieces

Moments = NDArray[np.datetime64]

AFTER_THE_REPORT = ("arrived_at", "closed_at")
OCCURRENCE = ("occurred_from", "occurred_to")
TIMES = ("reported_at", *OCCURRENCE, *AFTER_THE_REPORT)
HOUR_US = 3_600_000_000
HOUR, HALF_DAY = pd.Timedelta(hours=1), pd.Timedelta(hours=12)
CLOSE = pd.Timedelta(minutes=10)  # two clocks of one call
# The minute in a call number: believed if it agrees with this share of at least this many report times.
STAMP_SHARE, STAMP_ROWS, STAMP_SAMPLE = 0.8, 5, 2000
STAMP_START_WITHIN, STAMP_DIGITS = 9, 12
# A month without an afternoon: a quarter of all calls come then at the very least (in both years of the sample town, in
# Chicago and in Milwaukee it is near half), and on a 12-hour clock the afternoon's calls lie at 01-05.
AFTERNOON_SHARE, AFTERNOON_LEFT, NIGHT_SHARE = 0.25, 0.05, 0.15
HARDLY_CHANCE = 1e-6
MIDNIGHT_ROWS, MIDNIGHT_TIMES = 5, 3.0
ROUND_MINUTES, ROUND_TIMES, ROUND_ROWS = (0, 30), 3.0, 30
# On a 12-hour clock an occurrence within this time before the report is taken; earlier ones may be either half.
SOON = HOUR
LONGEST_INTERVAL = pd.Timedelta(days=31)

_BEFORE = r"(?:18\d\d|19[0-8]\d)"  # no file reaches back so far: programs write 01/01/1900 for «never»
_PLACEHOLDER = rf"^{_BEFORE}(?:[-年/.]|\d{{4}}(?:\d{{4}}|\d{{6}})?$)|^\d{{1,2}}[-/.]\d{{1,2}}[-/.]{_BEFORE}|^0(?:\.0)?$"
_AT_24 = r"(?:^|[ 日号t])24[:时点]"
_CLOCK = r"[:时点]|^\d{12}(?:\d\d)?$|\d\.\d"  # what tells an hour; 24:00 tells one too


@dataclass(frozen=True)
class Times:
    """The times of a sheet's rows.

    Attributes
    ----------
    frame
        The time columns that the sheet has, in local time.
    hour_known
        Which report times have an hour that may be used.
    notes
        Note -> which rows it is true of.
    remarks
        Catalogue keys and values about the whole file.
    """

    frame: pd.DataFrame
    hour_known: pd.Series
    notes: dict[str, pd.Series]
    remarks: tuple[Told, ...] = ()


def read_times(cells: Mapping[str, pd.Series], numbers: pd.Series, *, timezone: str) -> Times:
    """Read and mend the time columns of a sheet.

    Parameters
    ----------
    cells
        ``reported_at`` and any of the other four, as written.
    numbers
        Call numbers; "" where there is none or a spreadsheet has cut it.
    """
    written = cells["reported_at"]
    usual = {name: usual_moments(cells[name]) for name in TIMES if name in cells}
    notes = _oddities(cells, usual)
    moments = {name: as_moment(cells[name], timezone=timezone, usual=known) for name, known in usual.items()}
    del usual
    reported = moments["reported_at"]
    stamps = stamps_in(numbers, reported, timezone=timezone)
    reported, hour_known, by_hour, about = _report_times(written, reported, stamps, timezone)
    notes |= about
    reported, hour_known, lost, about = _twelve_hours(reported, hour_known, stamps)
    notes |= about
    reported, hour_known, about = _midnights(written, reported, hour_known, stamps)
    notes |= about
    heaped, remarks = _heaped_minutes(reported, hour_known)
    columns, no_hour = {"reported_at": reported}, pd.Series(False, index=written.index)
    for name in AFTER_THE_REPORT:
        if name in cells:
            read = moments[name]
            unsure = _hour_unknown(cells[name], _clock_us(read))
            no_hour |= unsure
            columns[name] = _first_after(read.where(~unsure), reported, lost & hour_known)
    notes |= {"minutes_heaped": heaped, "after_hour_unknown": no_hour}
    if any(name in cells for name in OCCURRENCE):
        no_hour = ~hour_known | _at_midnight(reported)
        latest = _with(_with(reported, no_hour, _next_day), by_hour, lambda times: times + HOUR)
        start, end, about = _occurrence(cells, moments, reported, latest, lost, timezone)
        columns |= {"occurred_from": start, "occurred_to": end}
        if "time_vague" in notes:  # of the report
            about["time_vague"] |= notes["time_vague"]
        notes |= about
    return Times(pd.DataFrame(columns), hour_known, notes, remarks)


def stamps_in(numbers: pd.Series, reported: pd.Series, *, timezone: str) -> pd.Series:
    """Return the minute that each call number holds; NaT everywhere in a file whose numbers hold none.

    Numbers are cut in many ways (area, then yymmddHHMM or yyyymmddHHMM, then a serial number). The cut is believed
    under which the numbers' minutes agree with the report times, a half day more or less allowed.
    """
    letters, upto = letters_in(numbers)
    whole = all_digits(letters, upto) & (np.diff(upto) >= STAMP_DIGITS)
    usable = np.flatnonzero(whole & reported.notna().to_numpy())
    nothing = _no_time(reported)
    if len(usable) < STAMP_ROWS:
        return nothing
    sample = usable[np.unique(np.linspace(0, len(usable) - 1, STAMP_SAMPLE).astype(int))]
    times = reported.iloc[sample]
    if times.dt.strftime("%H:%M").nunique() < 3:
        return nothing
    shares = {}
    for width in (12, 10):
        for start in range(STAMP_START_WITHIN):
            found = localised(pd.Series(_stamp(letters, upto, sample, start, width)), timezone)
            off = (found - times.reset_index(drop=True)).abs()
            agrees = (off <= CLOSE) | ((off - HALF_DAY).abs() <= CLOSE)
            shares[start, width] = float(agrees.mean())
    best = max(shares, key=lambda cut: shares[cut])
    if shares[best] < STAMP_SHARE:
        return nothing
    stamps = np.full(len(reported), np.datetime64("NaT", "us"))
    for piece in pieces(len(stamps)):
        start, stop = upto[piece.start], upto[piece.stop]
        inside = upto[piece.start : piece.stop + 1] - start
        stamps[piece] = _stamp(letters[start:stop], inside, np.arange(len(inside) - 1), *best)
    stamps[~whole] = np.datetime64("NaT", "us")
    return localised(pd.Series(stamps, index=reported.index), timezone)


def _no_time(like: pd.Series) -> pd.Series:
    return pd.Series(pd.NaT, index=like.index, dtype=like.dtype)


def _stamp(letters: Letters, upto: Whole, rows: Whole, start: int, width: int) -> Moments:
    """Return the moments that digits ``start`` to ``start + width`` of some rows spell (naive)."""
    lengths = upto[rows + 1] - upto[rows]
    if len(rows) == len(upto) - 1 and lengths.min() == lengths.max():
        long = rows if lengths[0] >= start + width else rows[:0]
        table = letters.reshape(len(rows), -1)[: len(long), start : start + width]
    else:
        long = np.flatnonzero(lengths >= start + width)
        table = letters[upto[rows[long], None] + np.arange(start, start + width)]
    ends = [0, *range(width - 8, width + 1, 2)]
    year, *parts = (number_in(table[:, first:last])[0] for first, last in itertools.pairwise(ends))
    stamps = np.full(len(rows), np.datetime64("NaT", "us"))
    stamps[long] = assembled(year + (0 if width == 12 else 2000), *parts)
    return stamps


def _oddities(cells: Mapping[str, pd.Series], usual: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Tell which rows write a time in a way that only looks like one, or that needed care to read."""
    patterns = {
        "time_full_width": "[０-９：]",
        "time_24": _AT_24,
        "time_placeholder": _PLACEHOLDER,
        "time_serial": r"^\d{5}(?:\.\d+)?$",
    }
    found = {name: pd.Series(False, index=cells["reported_at"].index) for name in patterns}
    for field, known in usual.items():
        if pd.api.types.is_datetime64_any_dtype(cells[field].dtype):
            continue
        found["time_placeholder"] |= known < EARLIEST
        rest = np.flatnonzero(known.isna() & cells[field].notna() & (cells[field] != ""))
        codes, distinct = pd.factorize(cells[field].iloc[rest].astype(object))
        text = pd.Series(
            [value if isinstance(value, str) else values.cell_text(value) for value in distinct], dtype="str"
        )
        for name, pattern in patterns.items():
            text = text if name == "time_full_width" else text.map(values.cell_text)
            found[name] |= _at(rest[text.str.contains(pattern).to_numpy(dtype=bool)[codes]], known.index)
    return found


def _at(rows: NDArray[np.intp], index: pd.Index) -> pd.Series:
    """Return flags of some rows."""
    flags = np.zeros(len(index), dtype=bool)
    flags[rows] = True
    return pd.Series(flags, index=index)


def _report_times(
    written: pd.Series, reported: pd.Series, stamps: pd.Series, timezone: str
) -> tuple[pd.Series, pd.Series, pd.Series, dict[str, pd.Series]]:
    """Fill in report times that were not read at once: as spoken, with a year from around, or from the number.

    Also return which hours are known, and which times name no more than an hour.
    """
    unread = reported.isna()
    if not unread.any():
        return reported, ~unread, unread, {}
    spoken = as_spoken(written.where(unread))
    year = spoken["year"].fillna(year_around(spoken, reported, stamps))
    day = localised(date_of(year, spoken["month"], spoken["day"]), timezone)
    as_said = day + pd.to_timedelta(spoken["first_min"], unit="min")
    exact = spoken["first_min"] == spoken["last_min"]
    read = unread & as_said.notna()
    by_number = unread & stamps.notna() & ~(read & exact)
    vague = read & ~exact & ~by_number
    filled = reported.where(~read, as_said).where(~by_number, stamps).where(~vague, day)
    notes = {
        "year_added": read & spoken["year"].isna() & ~by_number,
        "time_from_number": by_number,
        "time_vague": vague,
    }
    by_hour = read & exact & ~by_number & (spoken["first_min"] % 60 == 0)
    return filled, filled.notna() & ~vague, by_hour, notes


def _twelve_hours(
    reported: pd.Series, hour_known: pd.Series, stamps: pd.Series
) -> tuple[pd.Series, pd.Series, pd.Series, dict[str, pd.Series]]:
    """Mend the hours of a clock that lost «AM/PM»; also return the rows of such a clock."""
    ahead, clock_us = stamps - reported, _clock_us(reported)
    later, earlier = (ahead.between(shift - CLOSE, shift + CLOSE) for shift in (HALF_DAY, -HALF_DAY))
    # Midnight may stand for «unknown»: a call at noon does not show a 12-hour clock.
    later &= clock_us != 0
    repaired = hour_known & (later | earlier)
    on_such_a_clock = _without_afternoon(reported, np.where(hour_known, clock_us, -1))
    on_such_a_clock &= (clock_us > 0) & (clock_us < 13 * HOUR_US)
    mended = _with(reported, later & repaired, lambda times: times + HALF_DAY)
    mended = _with(mended, earlier & repaired, lambda times: times - HALF_DAY)
    unknown = on_such_a_clock & hour_known & ~repaired & ~(ahead.abs() <= CLOSE)
    mended = _with(mended, unknown, _day)
    lost = repaired | on_such_a_clock
    return mended, hour_known & ~unknown, lost, {"hour_repaired": repaired, "hour_unknown": unknown}


def _without_afternoon(reported: pd.Series, clock_us: NDArray[np.int64]) -> pd.Series:
    """Tell the rows of months that have no afternoon, and a night as full as an afternoon (-1 for no hour)."""
    local = reported.dt.tz_localize(None).to_numpy()
    known = ~np.isnat(local)
    month = np.where(known, local.astype("datetime64[M]").astype(np.int64), 0)
    month -= month.min(initial=0)
    timed, afternoon, night = (
        np.bincount(month[asked], minlength=month.max(initial=0) + 1)
        for asked in (clock_us > 0, clock_us >= 13 * HOUR_US, (clock_us >= HOUR_US) & (clock_us < 6 * HOUR_US))
    )
    empty = (afternoon <= AFTERNOON_LEFT * timed) & (night >= NIGHT_SHARE * timed)
    empty[empty] = stats.binom.cdf(afternoon[empty], timed[empty], AFTERNOON_SHARE) < HARDLY_CHANCE
    return pd.Series(empty[month] if empty.any() else np.zeros(len(month), dtype=bool), index=reported.index)


def _midnights(
    written: pd.Series, reported: pd.Series, hour_known: pd.Series, stamps: pd.Series
) -> tuple[pd.Series, pd.Series, dict[str, pd.Series]]:
    """Take the hour of reports at 00:00 from the call number, or for unknown where none was written or meant."""
    same_day = (stamps - reported).between(CLOSE, DAY, inclusive="neither")
    clock_us = _clock_us(reported)
    by_number = hour_known & (clock_us == 0) & same_day
    unsure = _hour_unknown(written, np.where(hour_known, clock_us, -1))
    unknown = unsure & ~by_number & ~((stamps - reported).abs() <= CLOSE)
    mended = _with(_with(reported, by_number, _from(stamps)), unknown, _day)
    return mended, hour_known & ~unknown, {"midnight_repaired": by_number, "midnight_unknown": unknown}


def _with(times: pd.Series, where: pd.Series, changed: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Return times, some of them changed: mostly few, so only they are worked out."""
    rows = np.flatnonzero(where)
    if not len(rows):
        return times
    found = times.copy()
    found.iloc[rows] = changed(times.iloc[rows])
    return found


def _from(others: pd.Series) -> Callable[[pd.Series], pd.Series]:
    """Return the way from times to those of another column."""
    return lambda times: others.loc[times.index]


def _day(times: pd.Series) -> pd.Series:
    return times.dt.normalize()


def _next_day(times: pd.Series) -> pd.Series:
    return times.dt.normalize() + DAY


def _at_midnight(times: pd.Series) -> pd.Series:
    return pd.Series(_clock_us(times) == 0, index=times.index)


def _clock_us(times: pd.Series) -> NDArray[np.int64]:
    """Return the microseconds that local clocks show since midnight; -1 for no time."""
    local = times.dt.tz_localize(None).dt.as_unit("us").to_numpy()
    return np.where(np.isnat(local), -1, local.view(np.int64) % (DAY // pd.Timedelta(microseconds=1)))


def _hour_unknown(written: pd.Series, clock_us: NDArray[np.int64]) -> pd.Series:
    """Tell which times are no more than a day: written without a clock, or 00:00 and 00:01 where these are heaped."""
    at, clock_us = np.flatnonzero(clock_us == 0), clock_us.copy()
    text = values.as_text(written.iloc[at])
    clock_us[at[text.str.contains(_AT_24).to_numpy(dtype=bool)]] = -1
    day_only = at[~text.str.contains(_CLOCK).to_numpy(dtype=bool)]
    return _at(day_only, written.index) | _heaped_midnight(clock_us, written.index)


def _heaped_midnight(clock_us: NDArray[np.int64], index: pd.Index) -> pd.Series:
    """Tell which times are 00:00 or 00:01 where these are far more frequent than the times around and full hours."""
    minutes = np.bincount(clock_us[clock_us >= 0] // 60_000_000, minlength=1440)
    rows, found = int(minutes.sum()), np.zeros(len(index), dtype=bool)
    for minute in (0, 1):
        at = clock_us == minute * 60_000_000
        heap = int(at.sum())
        near = np.r_[minutes[2:31], minutes[1410:] if minute == 0 else []].mean()
        same_minute = minutes[60 + minute :: 60].mean()
        expected = max(near, same_minute, rows / 1440) * MIDNIGHT_TIMES / max(rows, 1)
        unlikely = stats.binom.sf(heap - 1, rows, min(1.0, expected)) < HARDLY_CHANCE
        if heap >= MIDNIGHT_ROWS and (unlikely or heap == rows):
            found |= at
    return pd.Series(found, index=index)


def _heaped_minutes(times: pd.Series, usable: pd.Series) -> tuple[pd.Series, tuple[Told, ...]]:
    """Tell which times lie on full and half hours where these are far more frequent than chance makes them."""
    minute, rows = times.dt.minute.where(usable), int(usable.sum())
    found = pd.Series(False, index=times.index)
    for at in ROUND_MINUTES:
        heap = int((minute == at).sum())
        if rows >= ROUND_ROWS and stats.binom.sf(heap - 1, rows, ROUND_TIMES / 60) < HARDLY_CHANCE:
            found |= minute == at
    if not found.any():
        return found, ()
    counts = {"full": int((minute == 0).sum()), "half": int((minute == 30).sum())}
    counts |= {"rows": rows, "midnight": int((usable & _at_midnight(times)).sum())}
    return found, (("intake.remark.minutes_heaped", counts),)


def _first_after(times: pd.Series, reported: pd.Series, lost: pd.Series) -> pd.Series:
    """Move times of a 12-hour clock by the half day that brings them after the report, within twelve hours."""
    if not lost.any():
        return times
    halves = ((reported - CLOSE - times).dt.total_seconds() / HALF_DAY.total_seconds()).apply(np.ceil)
    moved = times + pd.to_timedelta(halves.where(halves.abs() <= 2) * 12, unit="h")
    return times.where(~(lost & moved.notna()), moved)


def _occurrence(
    cells: Mapping[str, pd.Series], moments: Mapping[str, pd.Series], reported: pd.Series, latest: pd.Series,
    lost: pd.Series, timezone: str,
) -> tuple[pd.Series, pd.Series, dict[str, pd.Series]]:  # fmt: skip
    """Return from when to when it happened, never after the latest moment of the report, never longer than a month."""
    index = reported.index
    ends = {}
    vague = pd.Series(False, index=index)
    unsure = pd.Series(False, index=index)
    for name in OCCURRENCE:
        if name not in cells:
            ends[name] = ends[f"{name}_last"] = _no_time(reported)
            continue
        times = moments[name]
        first, last = _said(cells[name], times.isna(), reported, timezone)
        said = first.notna()
        vague |= said & (first != last)
        heap = _hour_unknown(cells[name], _clock_us(times))
        times, either = _last_before(times, latest, lost)
        unsure |= heap | either
        ends[name] = _with(_with(times, heap | either, _day), said, _from(first))
        ends[f"{name}_last"] = _with(_with(times, heap | either, _next_day), said, _from(last))
    start, end = ends["occurred_from"], ends["occurred_to_last"]
    vague_start = ends["occurred_from_last"] > start
    end = _with(end, end.isna() & vague_start, _from(ends["occurred_from_last"]))
    swapped = start > end
    start = _with(start, swapped, _from(ends["occurred_to"]))
    end = _with(end, swapped, _from(ends["occurred_from_last"]))
    end = _with(end, (vague | unsure) & (end > latest), _from(latest))
    after = start > latest + CLOSE
    late_end = ~after & (end > latest + CLOSE)
    end = _with(end, late_end, _from(latest))
    long = (end - start) > LONGEST_INTERVAL
    start, end = (_with(times, after | long, _from(_no_time(times))) for times in (start, end))
    notes = {"time_vague": vague, "occurrence_hour_unknown": unsure, "occurred_after_report": after | late_end,
             "interval_swapped": swapped & ~after & ~long, "interval_long": long}  # fmt: skip
    return start, end, notes


def _said(written: pd.Series, unread: pd.Series, reported: pd.Series, timezone: str) -> tuple[pd.Series, pd.Series]:
    """Return from when to when «昨晚», «3月5日23时许» and the like mean, seen from the day of the report."""
    rows = np.flatnonzero(unread & written.notna() & (written != ""))
    if not len(rows):
        return _no_time(reported), _no_time(reported)
    spoken, reported_then = as_spoken(written.iloc[rows]), reported.iloc[rows]
    year = spoken["year"].fillna(year_from_report(spoken, reported_then))
    day = localised(date_of(year, spoken["month"], spoken["day"]), timezone)
    day = day.fillna(reported_then.dt.normalize() - pd.to_timedelta(spoken["back"], unit="D"))
    ends = (day + pd.to_timedelta(spoken[name], unit="min") for name in ("first_min", "last_min"))
    return tuple(end.reindex(reported.index).astype(reported.dtype) for end in ends)  # type: ignore[return-value]


def _last_before(times: pd.Series, latest: pd.Series, lost: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Take of the two halves of a day the one shortly before the report; tell where it may be either."""
    if not lost.any():
        return times, pd.Series(False, index=times.index)
    morning = times.dt.normalize() + (times - times.dt.normalize()) % HALF_DAY
    asked = lost & times.notna() & (times.dt.hour <= 12) & ~_at_midnight(times)
    afternoon = morning + HALF_DAY
    soon = [((latest - half).between(-CLOSE, SOON)) for half in (morning, afternoon)]
    only_morning = afternoon > latest + CLOSE
    taken = times.where(~(asked & soon[1]), afternoon).where(~(asked & ~soon[1] & (soon[0] | only_morning)), morning)
    return taken, asked & ~soon[0] & ~soon[1] & ~only_morning
