"""Times that a clerk or a program spoiled: read as they were meant, or their hour not used; each one counted."""

import numpy as np
import pandas as pd
import pytest

from gis_data.intake import times

SHANGHAI = "Asia/Shanghai"


def at(*written: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(written))).dt.tz_localize(SHANGHAI)


def read(reported: list[object], numbers: list[str] | None = None, **other: list[object]) -> times.Times:
    cells = {"reported_at": pd.Series(reported, dtype=object)}
    cells |= {name: pd.Series(cell, dtype=object) for name, cell in other.items()}
    calls = pd.Series(numbers or [""] * len(reported), dtype="str")
    return times.read_times(cells, calls, timezone=SHANGHAI)


def shown(column: pd.Series) -> list[str]:
    return column.dt.strftime("%Y-%m-%d %H:%M").fillna("").tolist()


def flagged(found: times.Times) -> dict[str, list[int]]:
    return {name: np.flatnonzero(flags).tolist() for name, flags in found.notes.items() if flags.any()}


def calls(count: int, *, start: str = "2022-08-01", every: str = "67min") -> pd.Series:
    return pd.Series(pd.date_range(start, periods=count, freq=every))


def number_of(moments: pd.Series, form: str = "379900%y%m%d%H%M") -> list[str]:
    return [moment.strftime(form) + f"{1000 + n}" for n, moment in enumerate(moments)]


@pytest.mark.parametrize("form", ["379900%y%m%d%H%M", "370283%Y%m%d%H%M", "%Y%m%d%H%M", "37028301%y%m%d%H%M"])
def test_the_minute_in_the_call_number_is_found_however_the_number_is_cut(form: str):
    moments = calls(40)
    found = times.stamps_in(pd.Series(number_of(moments, form)), moments.dt.tz_localize(SHANGHAI), timezone=SHANGHAI)
    assert (found == moments.dt.tz_localize(SHANGHAI)).all()


def test_numbers_that_only_hold_a_day_are_not_believed():
    moments = calls(40)
    numbers = pd.Series(number_of(moments, "370283%y%m%d0000"))
    assert times.stamps_in(numbers, moments.dt.tz_localize(SHANGHAI), timezone=SHANGHAI).isna().all()


def test_a_twelve_hour_clock_is_mended_by_the_number_and_counted():
    moments = calls(300)
    written = moments.dt.strftime("%Y-%m-%d %I:%M").tolist()
    found = read(written, number_of(moments))
    assert (found.frame["reported_at"] == moments.dt.tz_localize(SHANGHAI)).all()
    # 12-hour clocks write 12:xx after midnight and 01-11 in the afternoon; noon stays as it is.
    wrong = (moments.dt.hour >= 13) | (moments.dt.hour == 0)
    assert flagged(found)["hour_repaired"] == np.flatnonzero(wrong).tolist()
    assert found.hour_known.all()


def test_a_twelve_hour_clock_without_numbers_is_seen_by_its_empty_afternoon_and_not_used():
    moments = calls(300)
    found = read(moments.dt.strftime("%Y-%m-%d %I:%M").tolist())
    assert not found.hour_known.any()
    assert (found.frame["reported_at"] == moments.dt.normalize().dt.tz_localize(SHANGHAI)).all()
    assert len(flagged(found)["hour_unknown"]) == 300


def test_the_test_for_an_empty_afternoon_is_made_month_by_month():
    good, bad = calls(300, start="2022-07-01", every="140min"), calls(300, start="2022-08-01", every="140min")
    written = [*good.dt.strftime("%Y-%m-%d %H:%M"), *bad.dt.strftime("%Y-%m-%d %I:%M")]
    found = read(written)
    assert set(pd.Series(written)[found.notes["hour_unknown"]].str[:7]) == {"2022-08"}
    assert found.notes["hour_unknown"].sum() == 300


def test_a_day_shift_and_a_small_file_are_no_twelve_hour_clock():
    mornings = pd.Series([f"2022-08-{n % 28 + 1:02d} {7 + n % 5:02d}:{n % 60:02d}" for n in range(200)])
    assert read(mornings.tolist()).hour_known.all()
    assert read(calls(12).dt.strftime("%Y-%m-%d %I:%M").tolist()).hour_known.all()


def test_arrival_and_occurrence_follow_the_mended_report():
    moments = calls(300, start="2022-08-01 00:20")
    arrived, began = moments + pd.Timedelta("12min"), moments - pd.Timedelta("7min")
    long_before = moments - pd.Timedelta("5h")

    def clock(column: pd.Series) -> list[object]:
        return column.dt.strftime("%Y-%m-%d %I:%M").tolist()

    found = read(clock(moments), number_of(moments), arrived_at=clock(arrived), occurred_from=clock(began))
    assert (found.frame["arrived_at"] == arrived.dt.tz_localize(SHANGHAI)).all()
    took = found.frame["occurred_from"] == began.dt.tz_localize(SHANGHAI)
    # A call just after midnight about something just before it: the day itself is another one, nothing is lost.
    assert took.mean() > 0.98
    assert not flagged(found).get("occurrence_hour_unknown")
    # Hours before an afternoon call it may have been morning or afternoon: the whole day up to the report.
    found = read(clock(moments), number_of(moments), occurred_from=clock(long_before))
    unsure = found.notes["occurrence_hour_unknown"]
    assert unsure.any()
    start, end = found.frame["occurred_from"][unsure], found.frame["occurred_to"][unsure]
    assert (start == start.dt.normalize()).all()
    assert ((end <= found.frame["reported_at"][unsure]) | (end - start == pd.Timedelta("1D"))).all()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3月5日23时许", "2024-03-05 23:00"),
        ("３月５日２３时许", "2024-03-05 23:00"),
        ("3月5日23:10", "2024-03-05 23:10"),
        ("3-5 23:10", "2024-03-05 23:10"),
        ("3月5日晚11点半左右", "2024-03-05 23:30"),
        ("3月4日下午3时10分", "2024-03-04 15:10"),
        ("2024年3月5日下午3时许", "2024-03-05 15:00"),
        ("3月5日凌晨12点", "2024-03-05 00:00"),
        ("3月5日24:00", "2024-03-06 00:00"),
        ("3月5日中午12时", "2024-03-05 12:00"),
    ],
)
def test_a_day_without_a_year_takes_it_from_the_rows_around(written: str, meant: str):
    found = read(["2024-03-04 10:00", written, "2024-03-06 08:00"])
    assert shown(found.frame["reported_at"])[1] == meant
    assert flagged(found).get("year_added", []) == ([] if "2024" in written else [1])


def test_at_the_turn_of_the_year_the_nearer_year_is_taken():
    found = read(["2023-12-30 10:00", "12月31日23时许", "1月1日1时许", "2024-01-02 08:00"])
    assert shown(found.frame["reported_at"])[1:3] == ["2023-12-31 23:00", "2024-01-01 01:00"]


def test_the_year_in_the_number_goes_before_the_rows_around():
    moments = calls(20, start="2023-03-01")
    written: list[object] = moments.dt.strftime("%Y-%m-%d %H:%M").tolist()
    numbers = number_of(moments)
    written[7], numbers[7] = "3月5日23时许", "37990022030523101234"
    assert shown(read(written, numbers).frame["reported_at"])[7] == "2022-03-05 23:00"


def test_without_anything_around_no_year_is_invented():
    assert read(["3月5日23时许", "昨晚"]).frame["reported_at"].isna().all()
    far = read(["2022-09-01 10:00", "3月5日23时许", "2023-10-01 10:00"])
    assert far.frame["reported_at"].isna().tolist() == [False, True, False]


def test_a_vague_report_takes_the_minute_of_its_number_or_keeps_only_its_day():
    moments = calls(20)
    written: list[object] = moments.dt.strftime("%Y-%m-%d %H:%M").tolist()
    written[3] = "昨晚"
    found = read(written, number_of(moments))
    assert shown(found.frame["reported_at"])[3] == moments.dt.strftime("%Y-%m-%d %H:%M")[3]
    assert flagged(found) == {"time_from_number": [3]}
    written[3] = "8月1日晚"
    found = read(written)
    assert shown(found.frame["reported_at"])[3] == "2022-08-01 00:00"
    assert not found.hour_known[3]
    assert flagged(found)["time_vague"] == [3]
    found = read(written, occurred_from=["昨晚" if at == 5 else "" for at in range(20)])
    assert flagged(found)["time_vague"] == [3, 5], "the report's and the occurrence's"


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ("昨晚", "2024-03-04 18:00", "2024-03-05 00:00"),
        ("今天凌晨", "2024-03-05 00:00", "2024-03-05 06:00"),
        ("昨天", "2024-03-04 00:00", "2024-03-05 00:00"),
        ("前天夜里", "2024-03-03 18:00", "2024-03-04 00:00"),
        ("昨晚11点", "2024-03-04 23:00", ""),
        ("3月4日下午", "2024-03-04 12:00", "2024-03-04 18:00"),
        ("今天上午", "2024-03-05 06:00", "2024-03-05 09:30"),  # cut at the report
        ("12月31日", "2023-12-31 00:00", "2024-01-01 00:00"),
        ("不清楚", "", ""),
    ],
)
def test_vague_words_of_an_occurrence_become_an_interval_before_the_report(written: str, start: str, end: str):
    found = read(["2024-03-05 09:30"], occurred_from=[written])
    assert shown(found.frame["occurred_from"]) == [start]
    assert shown(found.frame["occurred_to"]) == [end]


def test_midnight_heaped_as_unknown_is_not_used_and_a_single_midnight_is():
    moments = calls(400, every="101min")
    written = moments.dt.strftime("%Y-%m-%d %H:%M")
    unknown = np.arange(0, 400, 20)
    heaped = written.copy()
    heaped[unknown] = heaped[unknown].str[:10] + " 00:00"
    found = read(heaped.tolist())
    assert set(flagged(found)["midnight_unknown"]) == set(unknown)
    assert not found.hour_known[unknown].any()
    assert found.hour_known.sum() == 380
    single = written.copy()
    single[5] = single[5][:10] + " 00:00"
    assert read(single.tolist()).hour_known.all()


def test_midnight_takes_its_hour_from_the_number():
    moments = calls(400, every="101min")
    written = moments.dt.strftime("%Y-%m-%d %H:%M")
    written[::20] = written[::20].str[:10] + " 00:00"
    found = read(written.tolist(), number_of(moments))
    assert (found.frame["reported_at"] == moments.dt.tz_localize(SHANGHAI)).all()
    assert found.hour_known.all()


def test_full_hours_written_by_hand_are_no_heap_at_midnight():
    moments = pd.Series(pd.date_range("2022-08-01", periods=480, freq="1h"))
    assert read(moments.dt.strftime("%Y-%m-%d %H:%M").tolist()).hour_known.all()


def test_days_without_any_clock_have_no_hour():
    found = read([f"2022-08-{day:02d}" for day in range(1, 21)])
    assert not found.hour_known.any()


def test_an_occurrence_at_a_heaped_midnight_is_the_whole_day():
    moments = calls(200)
    began = (moments - pd.Timedelta("20min")).dt.strftime("%Y-%m-%d %H:%M")
    began[::10] = began[::10].str[:10] + " 00:00"
    found = read(moments.dt.strftime("%Y-%m-%d %H:%M").tolist(), occurred_from=began.tolist())
    unsure = found.notes["occurrence_hour_unknown"]
    assert np.flatnonzero(unsure).tolist() == list(range(0, 200, 10))
    assert found.frame["occurred_to"][unsure].notna().all()
    assert found.frame["occurred_to"][~unsure].isna().all()


def test_times_that_only_looked_like_times_are_read_and_counted():
    found = read(
        ["２０２４－０３－０５　２３：１０", "2024-03-05 24:00", "45356.5", "2024-03-05 10:24:00", "2024-03-05 11:00"],
        closed_at=["", "", "", "", "1899-12-30 00:00"],
    )
    assert shown(found.frame["reported_at"])[:3] == ["2024-03-05 23:10", "2024-03-06 00:00", "2024-03-05 12:00"]
    assert found.frame["closed_at"].isna().all()
    assert flagged(found) == {
        "time_full_width": [0], "time_24": [1], "time_serial": [2], "time_placeholder": [4],
    }  # fmt: skip


def test_what_happened_after_it_was_reported_is_not_used():
    found = read(
        ["2024-03-05 10:00"] * 6,
        occurred_from=["2024-03-05 11:00", "2024-03-05 10:05", "2024-03-05 09:00", "2024-03-04 22:00",
                       "2023-03-04 22:00", "2024-03-04 20:00"],
        occurred_to=["", "", "2024-03-05 12:00", "2024-03-04 20:00", "2024-03-04 23:00", "2024-03-05 07:00"],
    )  # fmt: skip
    assert flagged(found) == {"occurred_after_report": [0, 2], "interval_swapped": [3], "interval_long": [4]}
    assert shown(found.frame["occurred_from"]) == [
        "", "2024-03-05 10:05", "2024-03-05 09:00", "2024-03-04 20:00", "", "2024-03-04 20:00",
    ]  # fmt: skip
    assert shown(found.frame["occurred_to"]) == [
        "", "", "2024-03-05 10:00", "2024-03-04 22:00", "", "2024-03-05 07:00",
    ]  # fmt: skip


def test_a_report_that_names_only_its_hour_lasts_until_the_next():
    found = read(["2024-03-04 10:00", "3月5日10时许", "3月5日10时许"],
                 occurred_from=["", "2024-03-05 10:20", "2024-03-05 12:00"])  # fmt: skip
    assert flagged(found) == {"year_added": [1, 2], "occurred_after_report": [2]}


def test_good_times_are_left_alone():
    moments = calls(500)
    shifts = {"occurred_from": -30, "occurred_to": -5, "arrived_at": 9, "closed_at": 70}
    meant = {name: moments + pd.Timedelta(minutes=shift) for name, shift in shifts.items()}
    cells = {name: column.dt.strftime("%Y-%m-%d %H:%M").tolist() for name, column in meant.items()}
    found = read(moments.dt.strftime("%Y-%m-%d %H:%M").tolist(), number_of(moments), **cells)
    assert flagged(found) == {}
    for name, column in meant.items():
        assert (found.frame[name] == column.dt.tz_localize(SHANGHAI)).all()


@pytest.mark.parametrize(
    "never", ["01/01/1900", "1/1/1900 0:00", "1900-01-01", "1900/1/1", "1900年1月1日", "19000101", "1899-12-30", "0"]
)
def test_a_date_that_means_never_is_told_however_it_is_written(never: str):
    found = read(["2024-03-05 10:00", "2024-03-05 11:00"], arrived_at=[never, "2024-03-05 11:10"])
    assert flagged(found) == {"time_placeholder": [0]}
    assert shown(found.frame["arrived_at"]) == ["", "2024-03-05 11:10"]


def test_days_of_people_and_of_our_time_are_no_placeholders():
    found = read(["03/05/2024 10:00", "2024-03-05 11:00"], arrived_at=["12/30/1999 10:10", "1990-01-02 08:00"])
    assert flagged(found) == {}


@pytest.mark.parametrize("day", ["2024-03-05", "03/05/2024", "2024年3月5日", "20240305", "45356"])
def test_a_day_without_a_clock_is_no_arrival_and_no_hour_of_a_report(day: str):
    found = read([day, "2024-03-05 11:00"], closed_at=["2024-03-05 12:00", day])
    assert set(flagged(found)) - {"time_serial"} == {"midnight_unknown", "after_hour_unknown"}
    assert flagged(found)["midnight_unknown"] == [0]
    assert flagged(found)["after_hour_unknown"] == [1]
    assert shown(found.frame["closed_at"]) == ["2024-03-05 12:00", ""]
    assert found.hour_known.tolist() == [False, True]


def test_arrivals_at_a_heaped_midnight_are_missing_and_those_written_as_24_00_are_not():
    moments = calls(200)
    written = moments.dt.strftime("%Y-%m-%d %H:%M")
    arrived = (moments + pd.Timedelta("9min")).dt.strftime("%Y-%m-%d %H:%M")
    heaped = arrived.mask(arrived.index % 10 == 0, arrived.str[:10] + " 00:00")
    found = read(written.tolist(), arrived_at=heaped.tolist())
    assert flagged(found) == {"after_hour_unknown": list(range(0, 200, 10))}
    assert found.frame["arrived_at"].isna().sum() == 20
    at_24 = arrived.mask(arrived.index % 10 == 0, arrived.str[:10] + " 24:00")
    found = read(written.tolist(), arrived_at=at_24.tolist())
    assert flagged(found) == {"time_24": list(range(0, 200, 10))}
    assert found.frame["arrived_at"].notna().all()


def test_the_minute_after_midnight_is_unknown_where_it_is_heaped():
    moments = calls(400, every="101min")
    written = moments.dt.strftime("%Y-%m-%d %H:%M")
    written[::20] = written[::20].str[:10] + " 00:01"
    found = read(written.tolist())
    assert flagged(found)["midnight_unknown"] == list(range(0, 400, 20))
    assert shown(found.frame["reported_at"][::20]) == (written[::20].str[:10] + " 00:00").tolist()


def test_minutes_heaped_on_full_and_half_hours_are_told_with_their_counts():
    rng = np.random.default_rng(1)
    moments = pd.Series(pd.Timestamp("2022-08-01") + pd.to_timedelta(rng.integers(0, 60 * 24 * 90, 1000), unit="min"))
    even = read(moments.dt.strftime("%Y-%m-%d %H:%M").tolist())
    assert "minutes_heaped" not in flagged(even)
    assert even.remarks == ()
    rounded = moments.mask(moments.index < 300, moments.dt.round("30min"))
    found = read(rounded.dt.strftime("%Y-%m-%d %H:%M").tolist())
    on = rounded.dt.minute.isin([0, 30])
    assert flagged(found)["minutes_heaped"] == np.flatnonzero(on).tolist()
    counts = {"full": (rounded.dt.minute == 0).sum(), "half": (rounded.dt.minute == 30).sum(), "rows": 1000}
    counts["midnight"] = (rounded == rounded.dt.normalize()).sum()
    assert found.remarks == (("intake.remark.minutes_heaped", counts),)
    assert (found.frame["reported_at"].dt.tz_localize(None) == rounded).all()
