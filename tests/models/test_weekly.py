"""The week: counts by hand, whole weeks only, zones without calls told, verdicts against chance."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis_data.periods import Period
from gis_data.taxonomy import NEVER_A_PLACE, TYPES
from models.village_counts import FIVE_PREVENTIONS, count_villages, five_preventions, types_by_village
from models.weekly import last_week, week_of

CRS = "EPSG:4549"
MONDAY = pd.Timestamp("2023-12-25", tz="Asia/Shanghai")
WEEK = Period(MONDAY, MONDAY + pd.Timedelta(days=7))
ZONES = gpd.GeoDataFrame({"zone_id": ["Z1", "Z2"]}, geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)],
                         crs=CRS)  # fmt: skip


def calls(*rows):
    """Rows of (days from Monday, class, type, x, minutes to arrival), each reported at noon."""
    at = [MONDAY + pd.Timedelta(days=day, hours=12) for day, *_ in rows]
    return gpd.GeoDataFrame(
        {
            "reported_at": at, "occurred_from": at, "occurred_to": at,
            "arrived_at": [when + pd.Timedelta(minutes=row[4]) for when, row in zip(at, rows, strict=True)],
            "incident_class": [row[1] for row in rows], "type": [row[2] for row in rows],
            "origin": "reported", "count": 1, "caught_count": 0, "precision": "exact",
            "village_id": ["V1" if row[3] < 10 else "V2" for row in rows],
        },
        geometry=[shapely.Point(row[3], 5) for row in rows], crs=CRS,
    )  # fmt: skip


def week(table):
    return week_of(table, ZONES, pd.Series({"V1": "Z1", "V2": "Z2"}), week=WEEK)


@pytest.mark.parametrize(
    ("last", "monday"),
    [
        ("2023-12-31 23:00", "2023-12-25"),  # a Sunday: its week is whole
        ("2023-12-30 23:00", "2023-12-18"),  # a Saturday: the week runs
        ("2024-01-01 00:10", "2023-12-25"),
    ],
)
def test_the_last_week_is_whole_and_runs_from_monday_to_sunday(last, monday):
    times = pd.Series(pd.to_datetime(["2023-01-01 08:00", last]).tz_localize("Asia/Shanghai"))
    found = last_week(times)
    assert (found.start, found.days) == (pd.Timestamp(monday, tz="Asia/Shanghai"), 7)


def test_a_week_counted_by_hand():
    table = calls(
        (0, "criminal", "theft", 3, 4), (6, "criminal", "burglary", 15, 5), (2, "criminal", "fraud", 3, 6),
        (3, "invalid", "invalid", 3, 40), (-1, "criminal", "theft", 3, 10), (-7, "traffic", "crash", 15, 16),
        (-8, "criminal", "theft", 3, 1), (7, "criminal", "theft", 3, 1),
    )  # fmt: skip
    found = week(pd.concat([table, table.iloc[[0]].assign(origin="discovered")]))
    assert found.calls == (4, 2)
    assert found.valid == (3, 2)
    classes = found.classes.set_index("incident_class")
    assert classes.loc["criminal", ["this", "before"]].tolist() == [3, 1]
    zones = found.zones.set_index(["incident_class", "zone_id"])
    assert zones.loc[("criminal", "Z1"), ["this", "before"]].tolist() == [1, 1], "fraud belongs to no place"
    assert zones.loc[("traffic", "Z1"), ["this", "before"]].tolist() == [0, 0]
    assert found.arrival == (2, 1, 0, 0, 1)
    assert found.bands.loc["criminal"].tolist() == [0, 0, 3, 0]
    trend = found.trend[found.trend["incident_class"] == "criminal"]
    assert (len(trend), trend["count"].tolist()[-3:], trend["count"].sum()) == (15, [1, 1, 3], 5)


@pytest.mark.parametrize(("this", "before", "word"), [(5, 3, "none"), (30, 8, "up"), (8, 30, "down"), (0, 0, "none")])
def test_only_what_chance_does_not_do_is_called_up_or_down(this, before, word):
    table = calls(*[(1, "traffic", "crash", 3, 5)] * this, *[(-3, "traffic", "crash", 3, 5)] * before,
                  (0, "help", "lockout", 3, 5))  # fmt: skip
    assert week(table).classes.set_index("incident_class").loc["traffic", "word"] == word


def test_villages_calls_have_the_exact_limits_and_leave_out_what_has_no_place():
    """Poisson limits of 3 and 0 (Garwood): 0.62 to 8.77, 0 to 3.69; 1,000 people for a year make the rate the count."""
    table = calls(*[(0, "criminal", "theft", 3, 5)] * 3, (0, "criminal", "fraud", 3, 5))
    villages = pd.DataFrame({"village_id": ["V1", "V2", "V3"], "population": [1000, 500, 0]})
    year = Period(MONDAY - pd.Timedelta(days=300), MONDAY + pd.Timedelta(days=65.25))
    found = count_villages(table, villages, period=year).set_index("village_id")
    assert found.loc["V1", ["reported", "reported_low", "reported_high"]].tolist() == pytest.approx(
        [3, 0.62, 8.77], abs=0.01
    )
    assert found.loc["V2", ["reported", "reported_low", "reported_high"]].tolist() == pytest.approx(
        [0, 0, 3.69], abs=0.01
    )
    assert found.loc["V1", "per_1k_year"] == pytest.approx(3, rel=0.01)
    assert found.loc["V3", "per_1k_year"] != found.loc["V3", "per_1k_year"], "no people, no rate"
    assert types_by_village(table, period=year)["type"].tolist() == ["theft"]


def test_the_five_preventions_share_every_type_at_most_once_and_lose_no_call():
    names = [name for group in FIVE_PREVENTIONS.values() for name in group]
    assert len(names) == len(set(names))
    assert set(names) <= set(TYPES) - NEVER_A_PLACE
    types = pd.DataFrame({"type": ["burglary", "fire", "land", "crash", "lost_item", "theft"], "reported": range(1, 7)})
    assert five_preventions(types) == {
        "theft": 7, "fire": 2, "sabotage": 0, "accident": 4, "escalation": 3, "other": 5
    }  # fmt: skip
