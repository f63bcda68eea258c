"""Moments: what real files write, read as the time that was meant."""

import pandas as pd
import pytest

from gis_data.intake.moments import as_moment

SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-03-05 23:10:07", "2024-03-05 23:10:07"),
        ("2024/3/5 8:03", "2024-03-05 08:03"),
        ("2024年3月5日23时10分", "2024-03-05 23:10"),
        ("2024年3月5日23时许", "2024-03-05 23:00"),
        ("２０２４－０３－０５　２３：１０", "2024-03-05 23:10"),
        ("2024.03.05", "2024-03-05"),
        ("2024-03-05 24:00", "2024-03-06"),
        ("20240305231007", "2024-03-05 23:10:07"),
        ("20240305", "2024-03-05"),
        ("2024-03-05T23:10:07.250", "2024-03-05 23:10:07"),
        ("2024-03-05T15:10:00Z", "2024-03-05 23:10"),
        ("2024-03-05T23:10:00+08:00", "2024-03-05 23:10"),
        ("45356.5", "2024-03-05 12:00"),
        ("03/05/2024 11:10 PM", "2024-03-05 23:10"),
        ("03/05/2024 12:10 AM", "2024-03-05 00:10"),
        (pd.Timestamp("2024-03-05 08:03"), "2024-03-05 08:03"),
    ],
)
def test_a_moment_is_read_as_it_was_meant(written: object, meant: str):
    read = as_moment(pd.Series([written], dtype=object), timezone=SHANGHAI)
    assert read.iloc[0] == pd.Timestamp(meant, tz=SHANGHAI)


@pytest.mark.parametrize(
    "written",
    [
        "昨晚",
        "3月5日23时许",
        "",
        None,
        "2024-02-30 10:00",
        "2024-03-05 25:00",
        "2024-03-05 23:61",
        "1900-01-00",
        "1899-12-31",
        "0",
        "12:30",
        "2024-03-05 24:10",
    ],
)
def test_what_is_no_moment_stays_missing(written: object):
    assert as_moment(pd.Series([written, "2024-01-01"], dtype=object), timezone=SHANGHAI).isna().tolist() == [
        True,
        False,
    ]


def test_hours_that_the_clock_change_skips_or_repeats_do_not_stop_a_city():
    written = pd.Series(pd.to_datetime(["2016-03-13 02:30", "2016-11-06 01:30", "2016-11-06 03:30"]))
    read = as_moment(written, timezone="America/Chicago")
    assert read.dt.tz_convert("UTC").dt.strftime("%m-%d %H:%M").tolist() == [
        "03-13 08:00",
        "11-06 07:30",
        "11-06 09:30",
    ]
