"""Check-ins by zone, people reached, visits to checkpoints: counted by hand, and no crew anywhere."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.periods import Period
from gis_data.settings import ScorecardSettings
from gis_data.tables import VISITS
from models.presence import believable, checkpoint_visits, met_by_zone, presence_of, weeks_of

SETTINGS = ScorecardSettings()
CHINA = "Asia/Shanghai"
ZONES = pd.Index(["Z1", "Z2", "Z3", "Z4"])
UNIT_ZONE = pd.Series({f"V{k}": f"Z{1 + k % 4}" for k in range(8)})
EAST, NORTH = 486_000.0, 4_061_000.0


@pytest.fixture(scope="module")
def town(grid_town):
    town = grid_town()
    return dataclasses.replace(town, villages=town.villages.assign(population=[100, 200, 300, 400, 50, 0, 0, 0]))


def check_ins(*rows, crs="EPSG:4549"):
    """Rows of (time, village or None for no point, checkpoint)."""
    points = [
        shapely.Point()
        if where is None
        else shapely.Point(EAST + 300 + 600 * (where % 4), NORTH + 300 + 1000 * (where // 4))
        for _, where, _ in rows
    ]
    table = pd.DataFrame({"crew_id": "车巡1组", "checkpoint": [name for *_, name in rows],
                          "visited_at": pd.to_datetime([at for at, *_ in rows]).tz_localize(CHINA)})  # fmt: skip
    return VISITS.conform(gpd.GeoDataFrame(table, geometry=points, crs=crs), crs=crs)


def five_weeks(*more):
    """Village 0 every Monday of five weeks at nine; village 1 twice in the first week."""
    mondays = [(f"{day:%Y-%m-%d} 09:05", 0, "村0委会") for day in pd.date_range("2023-01-02", periods=5, freq="7D")]
    return check_ins(*mondays, ("2023-01-03 09:10", 1, "村1"), ("2023-01-03 09:50", 1, "村1"),
                     ("2023-02-05 20:00", 5, "村5"), *more)  # fmt: skip


def seen(town, visits, **changes):
    span = weeks_of(visits, town.period)
    settings = dataclasses.replace(SETTINGS, **changes)
    return presence_of(visits, town.cells, town.villages, UNIT_ZONE, ZONES, span, settings)


def test_whole_weeks_are_taken_and_fewer_than_four_say_nothing(town):
    span = weeks_of(five_weeks(("2023-02-07 01:00", 0, "x")), town.period)
    assert str(span) == "2023-01-02 – 2023-02-05"
    assert weeks_of(check_ins(("2023-01-02 08:00", 0, "a"), ("2023-01-28 08:00", 0, "a")), town.period) is None
    assert weeks_of(check_ins(), town.period) is None
    assert weeks_of(check_ins(("2021-01-02 08:00", 0, "a"), ("2021-12-28 08:00", 0, "a")), town.period) is None


def test_check_ins_hours_and_people_are_counted_by_hand(town):
    table, notes = seen(town, five_weeks(("2023-01-20 10:00", None, "村0委会")))
    assert table["check_ins"].tolist() == [5, 3, 0, 0]
    # Zone 1 in five hours of 35 days; zone 2 in two: both check-ins of the third fall in one hour.
    assert table["visibility_pct"].tolist() == pytest.approx([100 * 5 / 840, 100 * 2 / 840, 0, 0])
    # Zone 1: village 0 (100 people) in every week, village 4 (50) in none. Zone 2: village 1 (200) in one of five.
    assert table["reached_pct"].tolist() == pytest.approx([100 * 100 / 150, 100 / 5, 0, 0])
    assert dict(notes)["scorecard.note.check_ins"] | {"period": ""} == {
        "period": "", "weeks": 5, "visits": 9, "placed": 8,
    }  # fmt: skip


def test_reached_asks_for_the_stated_number_of_check_ins_a_week(town):
    table, _ = seen(town, five_weeks(), reached_per_week=2)
    assert table["reached_pct"].tolist() == pytest.approx([0, 100 / 5, 0, 0])


def test_without_people_road_is_reached(town):
    nobody = dataclasses.replace(town, villages=town.villages.assign(population=0))
    table, _ = seen(nobody, five_weeks())
    road = town.cells.groupby("village_id")["road_m"].sum()
    assert table["reached_pct"]["Z1"] == pytest.approx(100 * road["V0"] / (road["V0"] + road["V4"]))


def test_without_a_log_nothing_is_said_rather_than_nought(town):
    table, notes = seen(town, check_ins())
    assert table.isna().all(axis=None)
    assert notes == [("scorecard.note.no_check_ins", {})]


def stops(*rows):
    """Checkpoints of (id, zone, village it stands in, name, least visits a week)."""
    return gpd.GeoDataFrame(
        {"checkpoint_id": [row[0] for row in rows], "zone_id": [row[1] for row in rows],
         "name": [row[3] for row in rows], "min_visits_per_week": [row[4] for row in rows]},
        geometry=[shapely.Point(EAST + 300 + 600 * (row[2] % 4), NORTH + 300 + 1000 * (row[2] // 4)) for row in rows],
        crs="EPSG:4549",
    )  # fmt: skip


PLANNED = [("Z1-C01", "Z1", 0, "村口", 1), ("Z2-C01", "Z2", 1, "", 2), ("Z2-C02", "Z2", 5, "学校", 1)]


def visited(town, visits, *planned, **changes):
    table = stops(*(planned or PLANNED))
    return checkpoint_visits(visits, table, weeks_of(visits, town.period), dataclasses.replace(SETTINGS, **changes))


def test_a_check_in_counts_for_the_checkpoint_it_names_else_for_the_one_it_stands_at(town):
    table = visited(town, five_weeks(("2023-01-03 08:00", None, "Z2-C01"), ("2023-01-10 09:00", 0, "Z2-C02")))
    assert table["checkpoint_id"].tolist() == ["Z1-C01", "Z2-C01", "Z2-C02"]
    assert table["visits"].tolist() == [5, 3, 2]
    assert table["weeks_met"].tolist() == [5, 1, 2]
    assert table["met_pct"].tolist() == pytest.approx([100, 20, 40])
    assert table["visits_per_week"].tolist() == pytest.approx([1, 0.6, 0.4])


def test_a_check_in_out_of_reach_counts_for_none(town):
    moved = five_weeks()
    away = moved.set_geometry(moved.geometry.translate(150.0, 0.0))
    assert visited(town, away)["visits"].sum() == 0
    assert visited(town, away, checkpoint_reach_m=151.0)["visits"].sum() == 8


def test_weeks_count_from_the_first_that_names_a_checkpoint_and_without_one_nobody_is_judged(town):
    told = visited(town, five_weeks(("2023-01-18 08:00", 0, "Z1-C01")))
    assert told["weeks"].tolist() == [3, 3, 3]
    assert told["visits"].tolist() == [4, 0, 1]
    assert told["in_use"].all()
    untold = visited(town, five_weeks(("2023-01-18 08:00", 0, "村口")))  # a name is no number: "村口" stands anywhere
    assert untold["visits"].tolist() == [6, 2, 1]
    assert not untold["in_use"].any()
    assert met_by_zone(untold, ZONES)["checkpoints"].tolist() == [1, 2, 0, 0]
    assert met_by_zone(untold, ZONES)["checkpoints_met_pct"].isna().all()


def test_weeks_met_are_those_a_plain_count_finds(town):
    rng = np.random.default_rng(4)
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 24 * 70, 300)), unit="h")
    visits = check_ins(
        *((str(day), int(village), "?") for day, village in zip(days, rng.integers(0, 8, 300), strict=True))
    )
    table = visited(town, visits, *((f"C{k}", UNIT_ZONE[f"V{k}"], k, "", 1 + k % 4) for k in range(8)))
    first = visits["visited_at"].min().normalize()
    for row in table.itertuples():
        k = int(row.checkpoint_id[1:])
        here = visits[
            (visits.geometry.x == EAST + 300 + 600 * (k % 4)) & (visits.geometry.y == NORTH + 300 + 1000 * (k // 4))
        ]
        per_week = [
            sum(
                first + pd.Timedelta(days=7 * w) <= at < first + pd.Timedelta(days=7 * w + 7)
                for at in here["visited_at"]
            )
            for w in range(row.weeks)
        ]
        assert (row.visits, row.weeks_met) == (sum(per_week), sum(n >= 1 + k % 4 for n in per_week))


def test_zones_sum_their_checkpoints_and_zones_without_any_have_no_share(town):
    table = met_by_zone(visited(town, five_weeks(("2023-01-03 08:00", None, "Z2-C01"))), ZONES)
    assert table["checkpoints"].tolist() == [1, 2, 0, 0]
    assert table["checkpoints_met_pct"].tolist()[:2] == pytest.approx([100, 20])  # 1 + 1 of ten weeks
    assert table["checkpoints_met_pct"].isna().tolist() == [False, False, True, True]
    none = met_by_zone(
        checkpoint_visits(five_weeks(), stops(), Period(town.period.start, town.period.end), SETTINGS), ZONES
    )
    assert none["checkpoints"].sum() == 0


def test_the_order_of_check_ins_and_their_crews_change_nothing(town):
    visits = five_weeks()
    other = visits.iloc[::-1].assign(crew_id="摩巡2组").reset_index(drop=True)
    pd.testing.assert_frame_equal(seen(town, visits)[0], seen(town, other)[0])
    pd.testing.assert_frame_equal(visited(town, visits), visited(town, other))


def test_check_ins_written_afterwards_or_out_of_reach_do_not_count():
    rng = np.random.default_rng(8)
    days = pd.date_range("2023-01-02", periods=30)
    honest = [(f"{day:%Y-%m-%d} {h:02d}:{m:02d}", 0, "a") for day in days for h, m in ((9, int(rng.integers(60))),)]
    desk = check_ins(*((f"{day:%Y-%m-%d} {h:02d}:30", 1, "b") for day in days for h in (9, 10)))
    leap = check_ins(("2023-02-20 08:00", 0, "a"), ("2023-02-20 08:01", 0, "a"))
    far = leap.set_geometry([leap.geometry.iloc[0], shapely.affinity.translate(leap.geometry.iloc[1], 9000)])
    log = pd.concat([check_ins(*honest), desk.assign(crew_id="摩巡3组"), far.assign(crew_id="车巡9组")])
    kept = believable(log)
    assert kept["crew_id"].value_counts().to_dict() == {"车巡1组": 30, "车巡9组": 1}
    assert len(believable(log.iloc[::-1])) == len(kept)
    assert believable(check_ins()).empty


def test_only_check_ins_in_the_hours_and_on_the_market_days_meet_a_checkpoint(town):
    # 26 January 2023 is the 5th, 31 January the 10th day of the first lunar month; 27 January is neither.
    visits = check_ins(
        ("2023-01-01 12:00", 7, "?"), ("2023-01-26 09:30", 0, "A"), ("2023-01-27 09:30", 0, "A"),
        ("2023-01-26 12:00", 0, "A"), ("2023-01-31 06:00", 0, "A"), ("2023-01-27 23:10", 0, "B"),
        ("2023-01-28 04:59", 0, "B"), ("2023-01-28 05:00", 0, "B"), ("2023-01-28 21:59", 0, "B"),
        ("2023-01-27 12:00", 0, "C"), ("2023-01-28 16:00", 0, "D"), ("2023-01-28 07:59", 0, "D"),
        ("2023-01-28 09:00", 0, "D"), ("2023-02-04 12:00", 7, "?"),
    )  # fmt: skip
    planned = stops(*((name, "Z1", 0, "", 1) for name in "ABCD"))
    asked = planned.assign(hours=["06-12", "22-05", "", "07-08;16-17"], market_days=["5,10", "", "", ""])
    table = checkpoint_visits(visits, asked, weeks_of(visits, town.period), SETTINGS)
    assert table["visits"].tolist() == [4, 4, 1, 3]
    assert (table["in_time_per_week"] * table["weeks"]).round().tolist() == [2, 2, 1, 2]
    # The 26th and the 31st lie in two weeks of the log, which begins on the 1st.
    assert table["weeks_met"].tolist() == [2, 1, 1, 1]
