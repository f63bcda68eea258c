"""Sacramento: feet, 01/01/1900, dates without a clock, a misspelt header."""

import re

import numpy as np
import pandas as pd
import pyproj
import pytest

from gis_data.taxonomy import USABLE_POINT, has_a_place
from tests.gis_data.real_files import filled, real, set_aside, taken, tellings, unzipped, within, workspace

SACRAMENTO = (-121.60, 38.40, -121.30, 38.70)
NEVER = "01/01/1900"
CALLS = {  # the station's own words; the first that fits counts
    "TRAFFIC|VEHICLE ACCIDENT|HIT": "crash", "BURGLARY": "burglary", "THEFT|SHOPLIFT": "theft",
    "ROBBERY|CARJACK": "robbery", "ASSAULT|BATTERY": "assault", "VANDALISM": "criminal_damage", "": "other_po",
}  # fmt: skip


def sacramento_words(raw):
    words = {
        text: next(t for holds, t in CALLS.items() if re.search(holds, text)) for text in raw["Description"].unique()
    }
    return "[intake.classes]\n" + "\n".join(f'"{word}" = "{kind}"' for word, kind in words.items())


@pytest.fixture(scope="module")
def dispatch(shared_data):
    (packed,) = real(shared_data / "calls_sacramento", "dispatch_2019_01.csv.gz")
    return packed, pd.read_csv(packed, dtype=str)


@pytest.fixture(scope="module")
def sacramento(dispatch, tmp_path_factory):
    packed, raw = dispatch
    folder = tmp_path_factory.mktemp("sacramento")
    ws = workspace(folder, SACRAMENTO, "America/Los_Angeles", own=sacramento_words(raw))
    return ws, raw, *taken(ws, unzipped(packed, folder))


@pytest.fixture(scope="module")
def in_feet(dispatch, tmp_path_factory):
    """Return the same once the station has said what the columns are in."""
    packed, raw = dispatch
    folder = tmp_path_factory.mktemp("feet")
    own = '\n[intake.datum]\n"dispatch_*.csv" = "EPSG:2226"'
    ws = workspace(folder, SACRAMENTO, "America/Los_Angeles", own=sacramento_words(raw) + own)
    return ws, raw, *taken(ws, unzipped(packed, folder))


def zeros(raw):
    return raw.index[(raw["X_Coordinate"] == "0") | (raw["Y_Coordinate"] == "0")]


def test_feet_are_told_as_no_known_range_and_none_is_on_the_map(sacramento):
    _, raw, report, rows = sacramento
    assert report.rows_read == report.accepted == len(raw) == 22_265
    feet = raw.index.difference(zeros(raw))
    placed, placeless = tellings(rows, feet)
    assert placed + placeless == 22_239
    assert report.problems["coordinates_unknown"] == placed
    assert rows.geometry.is_empty.all()
    assert not rows["precision"].isin(USABLE_POINT).any()


def test_zero_coordinates_are_no_place(sacramento, in_feet):
    for ws, raw, report, rows in (sacramento, in_feet):
        placed, placeless = tellings(rows, zeros(raw))
        assert len(zeros(raw)) == 26 == placed + placeless
        unknown = report.problems.get("coordinates_unknown", 0)
        assert report.problems["no_point"] == placed + unknown
        assert rows.loc[zeros(raw)].geometry.is_empty.all()
        assert not set_aside(ws, "outside") & set(zeros(raw))


def test_feet_come_out_right_once_the_station_names_their_crs(in_feet):
    ws, raw, report, rows = in_feet
    assert report.remarks[0] == ("intake.remark.own_datum", {"system": "EPSG:2226"})
    feet = raw.loc[raw.index.difference(zeros(raw)), ["X_Coordinate", "Y_Coordinate"]].astype(float)
    degrees = pyproj.Transformer.from_crs(2226, 4326, always_xy=True)
    lon, lat = degrees.transform(feet["X_Coordinate"].to_numpy(), feet["Y_Coordinate"].to_numpy())
    there = pd.DataFrame({"lon": lon, "lat": lat}, index=feet.index)
    middle = there.quantile([0.01, 0.99]).round(3).to_numpy().ravel()
    np.testing.assert_allclose(middle, [-121.541, 38.453, -121.377, 38.673], atol=0.002)  # as the README says
    beyond = there.index[~within(there["lon"], there["lat"], SACRAMENTO)]
    outside = set_aside(ws, "outside")
    assert report.problems["outside"] == len(outside)
    assert outside <= set(beyond)
    rest = rows.loc[sorted(set(beyond) - outside)]
    assert not has_a_place(rest).any()
    with_point = rows[~rows.geometry.is_empty]
    assert len(with_point) == len(rows) - (~has_a_place(rows)).sum() - report.problems["no_point"]
    east, north = pyproj.Transformer.from_crs(4326, ws.study.crs, always_xy=True).transform(
        *there.loc[with_point.index].to_numpy().T
    )
    np.testing.assert_allclose(with_point.geometry.x, east, atol=0.01)
    np.testing.assert_allclose(with_point.geometry.y, north, atol=0.01)


def test_feet_rounded_to_three_hundred_are_told(in_feet):
    _, raw, report, rows = in_feet
    feet = raw.loc[raw.index.difference(zeros(raw)), ["X_Coordinate", "Y_Coordinate"]].astype(float)
    assert (feet % 300 == 0).all(axis=None)
    assert report.remarks[1] == ("intake.remark.coordinates_rounded", {"rows": len(feet), "metres": 91})
    assert set(rows["precision"][~rows.geometry.is_empty]) == {"road"}
    assert not {"cell_point", "default_point"} & set(report.problems)


def test_1900_is_never_in_every_column_that_is_read(sacramento):
    _, raw, report, rows = sacramento
    never = {name: int((raw[name] == NEVER).sum()) for name in ("Received_Date", "At_Scene_Date", "Clear_Date")}
    assert never == {"Received_Date": 0, "At_Scene_Date": 6963, "Clear_Date": 1}
    told = raw[["Received_Date", "Occurence_Date", "At_Scene_Date", "Clear_Date"]].eq(NEVER).any(axis=1)
    assert report.problems["time_placeholder"] == told.sum() == 6964
    for name in ("reported_at", "occurred_from"):
        assert rows[name].dt.year.min() >= 2018


def test_days_of_arrival_give_no_delay(sacramento):
    ws, raw, report, rows = sacramento
    days = raw[["At_Scene_Date", "Clear_Date"]]
    assert days.apply(lambda column: column.str.fullmatch(r"\d\d/\d\d/\d{4}")).all(axis=None)
    assert report.problems["after_hour_unknown"] == days.ne(NEVER).any(axis=1).sum()
    assert rows[["arrived_at", "closed_at"]].isna().all(axis=None)
    assert filled(ws)["arrived_at"] == filled(ws)["closed_at"] == 0


def test_columns_nobody_asks_for_are_named(sacramento):
    _, raw, report, _ = sacramento
    assert round(100 * (raw["Dispatch_Date"] == NEVER).mean(), 1) == 27.8
    assert set(report.left_out) == {
        "Report_Created", "Police_District", "Beat", "Grid", "Day_of_Week", "Dispatch_Date", "Enroute_Date",
    }  # fmt: skip


def test_days_without_a_clock_give_no_hour(sacramento):
    _, raw, report, rows = sacramento
    assert raw["Received_Date"].str.fullmatch(r"\d\d/\d\d/\d{4}").all()
    assert report.problems["midnight_unknown"] == report.problems["occurrence_hour_unknown"] == len(raw)
    day = pd.to_datetime(raw["Occurence_Date"], format="%m/%d/%Y").loc[rows.index]
    assert (rows["occurred_from"].dt.tz_localize(None) == day).all()
    assert (rows["occurred_to"] - rows["occurred_from"] == pd.Timedelta(days=1)).all()
    received = pd.to_datetime(raw["Received_Date"], format="%m/%d/%Y").loc[rows.index]
    assert (rows["reported_at"].dt.tz_localize(None) == received).all()


def test_places_that_are_crossings_are_told(sacramento):
    _, raw, report, _ = sacramento
    slash, half = (raw["Location"].str.contains(mark, regex=False, na=False) for mark in ("/", " 1/2 "))
    crossing = slash & ~half
    assert (slash.sum(), crossing.sum()) == (6_990, 6_984), "six are house numbers and a half"
    assert report.problems["address_crossing"] == crossing.sum()


def test_a_misspelt_header_is_a_guess_and_shown_as_one(sacramento):
    _, _, report, _ = sacramento
    assert report.guessed == {"Occurence_Date": "occurred_from"}
    assert any("Occurence_Date" in line for line in report.sentences())


def test_no_call_comes_twice(sacramento, in_feet):
    for _, raw, report, rows in (sacramento, in_feet):
        assert raw["call_no"].is_unique
        assert not {"duplicate", "same_event", "follow_up"} & set(report.problems)
        assert rows["incident_id"].is_unique


def test_stops_by_officers_are_discovered_by_code_and_words(sacramento):
    _, raw, report, rows = sacramento
    stops = raw.index[raw["Description"].isin(["TRAFFIC STOP", "SUBJECT STOP", "BUSINESS CHECK", "PARK CHECK"])]
    assert len(stops) == 4120
    assert (rows.loc[stops, "origin"] == "discovered").all()
    assert report.problems["found_by_nature"] == (rows["origin"] == "discovered").sum()
