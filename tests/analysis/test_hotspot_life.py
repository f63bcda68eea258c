"""Lives of hotspots: what was planted is followed as planted, and events are those a person would name."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from analysis.hotspot_life import EVENTS, LIVES, PICTURES, Book, Seen, follow_hotspots, match, overlaps, windows_of
from analysis.hotspots import find_hotspots
from gis_data.periods import Period
from gis_data.settings import HotspotSettings
from tests.analysis.test_hotspots import FIRST, LAND, SOUTH, WEST, even, incidents

TWO_YEARS = Period(FIRST, FIRST + pd.DateOffset(years=2))
CHOSEN = HotspotSettings(eps_m=100.0, simulations=39, resamples=0, life_simulations=79)
PLACE = (WEST + 2_000.0, SOUTH + 1_000.0)


def dated(xy, months, rng):
    """Return incidents at these points in these months (1 is January 2024), on any day and hour."""
    frame = incidents(xy)
    days = pd.to_timedelta(rng.uniform(0, 28, len(xy)), unit="D").floor("min")
    when = pd.DatetimeIndex([FIRST + pd.DateOffset(months=int(month) - 1) for month in months]) + days
    return frame.assign(reported_at=when, occurred_from=when, occurred_to=when)


def town(planted, seed=1, *, a_month=20):
    """Return an even town of two years with incidents planted by (place, first month, last month, each month).

    Nothing else falls within 150 m of a planted place: a stray incident in the month before would be its first sign.
    """
    rng = np.random.default_rng(seed)
    xy, month = even(24 * a_month, rng), np.repeat(np.arange(1, 25), a_month)
    clear = [np.hypot(*(xy - place).T) > 150 for place, *_ in planted]
    kept = np.all([np.ones(len(xy), dtype=bool), *clear], axis=0)
    parts = [dated(xy[kept], month[kept], rng)]
    for place, first, last, each in planted:
        months = np.repeat(np.arange(first, last + 1), each)
        parts.append(dated(rng.normal(place, 12, (len(months), 2)), months, rng))
    return pd.concat(parts, ignore_index=True)


def follow(frame, *, land=LAND, chosen=CHOSEN, seed=2):
    found = find_hotspots(frame, land, period=TWO_YEARS, settings=chosen, rng=np.random.default_rng(seed))
    return follow_hotspots(found, period=TWO_YEARS, settings=chosen, rng=np.random.default_rng(seed))


def life_at(found, place, *, within=150):
    """Return the life whose way comes near a place, and its pictures."""
    near = found.lives[found.lives.distance(shapely.Point(place)) <= within]
    assert len(near) == 1, near
    life = near.iloc[0]
    return life, found.pictures[found.pictures["life_id"] == life["life_id"]]


def month_name(number):
    return str(pd.Period("2024-01", "M") + number - 1)


def moved_east(metres):
    return (PLACE[0] + metres, PLACE[1])


# --- planted lives ---


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hotspot_that_comes_moves_and_goes_is_followed_as_planted(seed):
    """It comes in July, moves 80 m in the next January and is last seen in June."""
    found = follow(town([(PLACE, 7, 12, 4), (moved_east(80), 13, 18, 4)], seed))
    life, pictures = life_at(found, PLACE)
    assert (life["first_month"], life["last_month"]) == (month_name(7), month_name(18))
    assert (life["ended"], life["from_start"], life["returned"]) == ("ended", False, 0)
    assert life["moved_m"] == pytest.approx(80, abs=15)
    assert pictures["event"].iloc[0] == "born"
    assert pictures["event"].iloc[-1] == "ended"
    assert life["hotspot_id"] != "", "it is a hotspot of the two years too"
    # The window that ends with month m looks back on six months: found from July on, gone when June is out of sight.
    assert pictures["month"].iloc[0] <= month_name(9)
    assert month_name(20) <= pictures["month"].iloc[-1] <= month_name(24)


def test_a_hotspot_of_the_whole_period_has_neither_birth_nor_end():
    life, pictures = life_at(follow(town([(PLACE, 1, 24, 3)])), PLACE)
    assert (life["from_start"], life["ended"], life["pictures"]) == (True, "", 19)
    assert life["moved_m"] < 30
    assert pictures["is_hotspot"].all()
    assert life["last_month"] == month_name(24)


def test_a_hotspot_of_one_season_comes_back_under_its_name():
    life, pictures = life_at(follow(town([(PLACE, 2, 5, 6), (PLACE, 15, 18, 6)])), PLACE)
    assert life["returned"] == 1
    assert pictures["event"].tolist().count("ended") == 2
    assert pictures["event"].tolist().count("returned") == 1


def test_two_places_apart_live_two_lives():
    found = follow(town([(PLACE, 4, 24, 4), ((WEST + 800.0, SOUTH + 2_200.0), 10, 24, 4)]))
    one, other = life_at(found, PLACE)[0], life_at(found, (WEST + 800.0, SOUTH + 2_200.0))[0]
    assert one["life_id"] != other["life_id"]
    assert (one["first_month"], other["first_month"]) == (month_name(4), month_name(10))


def test_towns_without_any_hotspot_rarely_tell_a_life():
    """Alpha is 5 % for the whole two years of a town."""
    told = sum(not follow(town([], seed)).lives.empty for seed in range(8))
    assert told <= 2, "three or more of eight have a chance of 0.6 %"


# --- what must not matter ---


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_neither_the_order_of_rows_nor_a_shift_of_the_crs_changes_a_life(seed):
    """EPSG:4528 is EPSG:4549 with the zone's number before the easting: a shift by 40,000 km."""
    frame = town([(PLACE, 7, 12, 4), (moved_east(80), 13, 18, 4)], seed)
    here = follow(frame)
    shuffled = follow(frame.iloc[np.random.default_rng(seed).permutation(len(frame))])
    pd.testing.assert_frame_equal(pd.DataFrame(here.lives), pd.DataFrame(shuffled.lives))
    pd.testing.assert_frame_equal(pd.DataFrame(here.pictures), pd.DataFrame(shuffled.pictures))
    shifted = follow(frame.to_crs(4528), land=shapely.transform(LAND, lambda xy: xy + np.array([40_000_000, 0])))
    assert shifted.lives.crs.to_epsg() == 4528
    for one, other in ((here.lives, shifted.lives), (here.pictures, shifted.pictures)):
        plain = [pd.DataFrame(table.drop(columns="geometry")) for table in (one, other)]
        pd.testing.assert_frame_equal(*plain, rtol=1e-3)


def test_the_tables_have_their_columns_with_and_without_lives():
    nothing = follow(town([]).iloc[:3])
    for found in (follow(town([(PLACE, 7, 18, 4)])), nothing):
        assert found.pictures.columns.tolist() == [*PICTURES, "geometry"]
        assert found.lives.columns.tolist() == [*LIVES, "geometry"]
        assert set(found.pictures["event"]) <= set(EVENTS)
    assert (len(nothing.lives), len(nothing.pictures)) == (0, 0)


# --- the book of lives, by hand ---


def square(west, south=0.0, side=100.0, *, p=0.01, count=9):
    area, centre = shapely.box(west, south, west + side, south + side), np.array([west + side / 2, south + side / 2])
    return Seen(TWO_YEARS, area, centre, count, 1.0, p)


def written(*turns):
    book = Book(born=0.05)
    for number, seen in enumerate(turns):
        book.turn(f"M{number}", seen)
    return [(row["life_id"], row["month"], row["event"], row["other"]) for row in book.pictures], book


def test_a_life_grows_shrinks_goes_on_and_ends():
    rows, _ = written([square(0)], [square(10)], [square(0, side=120)], [square(0, side=80)], [], [])
    assert rows == [
        ("L1", "M0", "born", ""), ("L1", "M1", "continues", ""), ("L1", "M2", "grows", ""), ("L1", "M3", "shrinks", ""),
        ("L1", "M4", "ended", ""),
    ]  # fmt: skip


def test_the_larger_part_of_a_split_keeps_the_name():
    rows, _ = written([square(0, side=200)], [square(0, side=120), square(130, side=60)])
    assert rows[1:] == [("L2", "M1", "split", "L1"), ("L1", "M1", "split", "L2")]


def test_of_two_that_merge_the_more_alike_keeps_its_name():
    rows, book = written([square(0), square(150, side=50)], [square(0, side=200)])
    assert rows[2:] == [("L1", "M1", "merged", "L2"), ("L2", "M1", "merged", "L1")]
    assert [(life.ended, life.other) for life in book.lives] == [("", ""), ("merged", "L1")]


def test_what_merges_and_splits_in_one_month_is_called_merged_and_names_all():
    rows, _ = written([square(0, side=200), square(210, side=50)], [square(90, side=180), square(0, side=80)])
    assert rows[2:] == [("L3", "M1", "split", "L1"), ("L1", "M1", "merged", "L2;L3"), ("L2", "M1", "merged", "L1")]


def test_what_chance_forms_too_begins_no_life_but_does_not_end_one():
    rows, _ = written([square(0, p=0.2)], [square(0)], [square(0, p=0.4)], [square(0, p=0.6)])
    assert [row[1:3] for row in rows] == [("M1", "born"), ("M2", "continues"), ("M3", "ended")]


def test_a_place_that_comes_back_keeps_its_name_and_a_new_one_elsewhere_does_not():
    rows, book = written([square(0)], [], [square(20)], [square(20), square(900)])
    assert rows[2] == ("L1", "M2", "returned", "")
    assert rows[3:] == [("L2", "M3", "born", ""), ("L1", "M3", "continues", "")]
    assert [life.from_start for life in book.lives] == [True, False]


def test_hotspots_side_by_side_are_not_swapped():
    """Greedy by the first would give the first cluster to both; the best sum does not."""
    rows, _ = written([square(0), square(60, 200)], [square(30), square(60, 200)])
    assert [row[2] for row in rows[2:]] == ["continues", "continues"]
    likeness = np.array([[0.5, 0.4], [0.6, 0.0]])
    assert match(likeness) == {0: 1, 1: 0}
    assert match(np.zeros((2, 0))) == {}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_overlaps_are_shares_of_area(seed):
    rng = np.random.default_rng(seed)
    one, other = ([square(*rng.uniform(0, 150, 2), side=rng.uniform(50, 150)).area for _ in range(3)] for _ in "ab")
    share, likeness = overlaps(one, other)
    for i, first in enumerate(one):
        for j, second in enumerate(other):
            both = first.intersection(second).area
            assert share[i, j] == pytest.approx(both / min(first.area, second.area))
            assert likeness[i, j] == pytest.approx(both / first.union(second).area)
    best = linear_sum_assignment(-likeness)
    assert sum(likeness[i, j] for i, j in match(likeness).items()) == pytest.approx(likeness[best].sum())


def test_windows_move_on_by_a_month_and_end_with_the_period():
    windows = windows_of(TWO_YEARS, 6)
    assert len(windows) == 19
    assert (windows[0].start, windows[-1].end) == (TWO_YEARS.start, TWO_YEARS.end)
    assert all(one.start + pd.DateOffset(months=1) == other.start for one, other in itertools.pairwise(windows))
    assert windows_of(Period(FIRST, FIRST + pd.DateOffset(months=5)), 6) == []


def test_too_short_a_period_has_no_lives():
    short = Period(FIRST, FIRST + pd.DateOffset(months=6))
    frame = town([(PLACE, 1, 6, 5)])
    frame = frame[short.holds(frame["reported_at"])]
    found = find_hotspots(frame, LAND, period=short, settings=CHOSEN, rng=np.random.default_rng(1))
    assert found.table["is_hotspot"].any()
    assert follow_hotspots(found, period=short, settings=CHOSEN, rng=np.random.default_rng(1)).lives.empty


def test_fewer_redraws_than_the_level_needs_are_made_up_for():
    few = dataclasses.replace(CHOSEN, life_simulations=5)
    assert not life_at(follow(town([(PLACE, 1, 24, 4)]), chosen=few), PLACE)[1].empty
