"""Real files with known traps: what intake reports of them is held against a plain query of the same raw file.

The data (``../shared/data``, see its README) are open police records of three American cities and the names and
outlines of Pingdu. None of it is used to set anything: only how many rows have each defect is compared.
"""

import gzip
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from gis_data.coordinates import gcj02_to_wgs84, wgs84_to_gcj02
from gis_data.errors import CrsError, InputError
from gis_data.intake import places
from gis_data.intake.door import import_files, new_workspace
from gis_data.intake.notation import read_coordinates
from gis_data.intake.surroundings import Surroundings
from gis_data.study import Study
from gis_data.taxonomy import USABLE_POINT, drives_allocation, has_a_place
from gis_data.workspace import Workspace

FIRST_ROW = 2  # of a csv, as a spreadsheet numbers it
MILWAUKEE = (-88.1005, 42.8995, -87.7995, 43.2005)  # halves of the file's last decimal: no point lies on the border
SACRAMENTO = (-121.60, 38.40, -121.30, 38.70)
CHICAGO = (-87.95, 41.60, -87.50, 42.05)
PINGDU = (119.50, 36.45, 120.35, 37.07)
NEVER = "01/01/1900"


def real(folder: Path, *names: str) -> list[Path]:
    """Return files of a set of real data, or skip naming what is missing."""
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        pytest.skip(f"real data missing in {folder.name}: {', '.join(missing)}")
    return [folder / name for name in names]


def unzipped(path: Path, folder: Path) -> Path:
    """Write the csv inside a csv.gz, unchanged."""
    csv = folder / path.name.removesuffix(".gz")
    csv.write_bytes(gzip.decompress(path.read_bytes()))
    return csv


def workspace(folder: Path, box: tuple[float, ...], timezone: str, *, own: str = "") -> Workspace:
    """Make a workspace of a box of degrees; ``own`` is what the station adds to station.toml."""
    boundary = folder / "boundary.geojson"
    # A long edge in degrees bends in metres: with many corners the box is the same in both.
    outline = shapely.segmentize(shapely.box(*box), 0.005)
    gpd.GeoDataFrame(geometry=[outline], crs=4326).to_file(boundary)
    ws = new_workspace(folder / "ws", name="city", boundary=boundary, timezone=timezone)
    toml = ws.root / "station.toml"
    toml.write_text(f"{toml.read_text(encoding='utf-8')}\n{own}\n", encoding="utf-8")
    return Workspace.open(ws.root)


def taken(ws, file):
    """Import one file; return its report, and its rows in the table by row of the file from 0."""
    report = import_files(ws, [file]).files[0]
    rows = ws.read("incidents")
    first = 0 if file.suffix == ".parquet" else FIRST_ROW
    start = rows["source_row"].min() if first == 0 else first
    rows = rows.set_index(pd.Index(rows["source_row"] - start, name="row"))
    assert report.rows_read == report.accepted + report.set_aside + report.refused
    stored = ws.read("quality").set_index("problem")["rows"].to_dict()
    assert stored == report.problems, "the table holds what the report says"
    return report, rows


def within(lon, lat, box):
    west, south, east, north = box
    return lon.between(west, east) & lat.between(south, north)


def set_aside(ws, reason):
    """Return the rows of the file (from 0) that wait in set_aside/ for one reason."""
    aside = ws.read("aside")
    return set(aside["row"][aside["reason"] == reason] - FIRST_ROW)


def filled(ws):
    """Return how many rows have each field filled."""
    return ws.read("completeness").groupby("field")["filled"].sum().to_dict()


def tellings(rows, raw_rows):
    """Return how many of some rows of the file may have a place (the report tells of them), and how many may not."""
    known = has_a_place(rows).reindex(raw_rows)
    return int((known == True).sum()), int((known == False).sum())  # noqa: E712 - a row set aside is neither


# --- Milwaukee: a call log with wrong geocodes, one time only, and much that nobody called about ---


@pytest.fixture(scope="module")
def milwaukee(shared_data, tmp_path_factory):
    (packed,) = real(shared_data / "calls_milwaukee", "calls_2018_05.csv.gz")
    folder = tmp_path_factory.mktemp("milwaukee")
    ws = workspace(folder, MILWAUKEE, "America/Chicago")
    return ws, pd.read_csv(packed), *taken(ws, unzipped(packed, folder))


def test_every_nature_of_the_call_log_is_known(milwaukee):
    _, raw, report, _ = milwaukee
    assert report.rows_read == len(raw) == 32_164
    assert not report.unknown
    assert "class_unknown" not in report.problems


def test_calls_without_coordinates_are_told(milwaukee):
    _, raw, report, rows = milwaukee
    without = raw.index[raw["lon"].isna() | raw["lat"].isna()]
    placed, placeless = tellings(rows, without)
    assert len(without) == 11 == placed + placeless
    assert report.problems["no_point"] == placed
    assert rows.loc[without].geometry.is_empty.all()


def test_wrong_geocodes_are_told_and_none_is_on_the_map(milwaukee):
    """Of the 522 wrong geocodes those that may have a place are set aside; no other row keeps its point."""
    ws, raw, report, rows = milwaukee
    beyond = raw.index[raw["lon"].notna() & ~within(raw["lon"], raw["lat"], MILWAUKEE)]
    assert len(beyond) == 522
    outside = set_aside(ws, "outside")
    assert report.problems["outside"] == len(outside)
    assert outside <= set(beyond)
    rest = rows.loc[sorted(set(beyond) - outside)]
    assert not has_a_place(rest).any()
    assert rest.geometry.is_empty.all()
    assert report.problems["placeless"] == (~has_a_place(rows)).sum()
    assert report.problems["outside"] + report.problems["placeless_misplaced"] == 522, "no wrong geocode goes untold"
    moved = ws.read("corrections")
    assert set(moved["source_row"][moved["kind"].str.contains("outside")] - FIRST_ROW) == outside


def test_a_file_rounded_to_three_decimals_is_told_as_one_and_not_as_phone_masts(milwaukee):
    """Nine thousand points of a hundred metres: many addresses at each, and none of them a mast or a default."""
    _, raw, report, rows = milwaukee
    written = raw[["lon", "lat"]].dropna()
    assert len(written) == 32_153
    np.testing.assert_allclose(written * 1000, (written * 1000).round(), atol=1e-6)
    assert ("intake.remark.coordinates_rounded", {"rows": 32_153, "metres": 111}) in report.remarks
    placed, _ = tellings(rows, written.index[within(written["lon"], written["lat"], MILWAUKEE)])
    assert report.problems["coordinates_rounded"] == placed > 16_000
    assert not {"cell_point", "default_point", "village_centre"} & set(report.problems)
    assert (rows["precision"][~rows.geometry.is_empty] == "road").all()


def test_points_in_the_box_stay_where_the_call_log_puts_them(milwaukee):
    _, raw, _, rows = milwaukee
    with_point = rows[~rows.geometry.is_empty]
    back = with_point.geometry.to_crs(4326)
    assert len(with_point) > 16_000
    np.testing.assert_allclose(back.x, raw["lon"][with_point.index], atol=1e-8)
    np.testing.assert_allclose(back.y, raw["lat"][with_point.index], atol=1e-8)


def test_what_officers_begin_is_discovered_and_moves_no_patrol(milwaukee):
    _, raw, report, rows = milwaukee
    readme = ["TRAFFIC STOP", "BUSINESS CHECK", "RETURN STATION", "FOLLOW UP", "PATROL", "REPORTS"]
    begun = raw.index[raw["nature"].isin(readme)]
    ours = rows.reindex(begun).dropna(subset="origin")
    lost = set(begun) - set(ours.index)
    assert len(begun) == 10_983
    assert lost <= set_aside(milwaukee[0], "outside")
    assert (ours["origin"] == "discovered").all()
    assert report.problems["found_by_nature"] == (rows["origin"] == "discovered").sum() >= 0.4 * len(raw)
    called = raw.index[
        raw["nature"].str.contains(r"^(?:FIGHT|BATTERY|ROBBERY|SHOTS FIRED|ACC |NOISE|ENTRY|TRBL|THEFT)")
    ]
    assert (rows["origin"].reindex(called).dropna() == "reported").all()
    steering = raw["nature"].loc[drives_allocation(rows).index]
    assert not steering.isin(readme).any()
    assert len(steering) < 0.6 * len(raw)


def test_family_violence_has_no_point(milwaukee):
    _, raw, _, rows = milwaukee
    family = raw.index[raw["nature"].str.contains(r"\bDV$")]
    assert len(family) == 1070
    assert (rows.loc[family, "type"] == "domestic_violence").all()
    assert rows.loc[family].geometry.is_empty.all()


def test_a_call_log_with_one_time_shows_that_the_others_are_missing(milwaukee):
    ws, raw, _, rows = milwaukee
    assert {name: filled(ws)[name] for name in ("occurred_from", "occurred_to", "arrived_at", "closed_at")} == {
        "occurred_from": 0, "occurred_to": 0, "arrived_at": 0, "closed_at": 0,
    }  # fmt: skip
    assert filled(ws)["point"] == rows["precision"].isin(USABLE_POINT).sum()
    when = pd.to_datetime(raw["time"]).dt.floor("min").loc[rows.index]
    assert (rows["reported_at"].dt.tz_localize(None) == when).all()


def test_minutes_of_a_dispatch_clock_are_not_told_as_heaped(milwaukee):
    assert "minutes_heaped" not in milwaukee[2].problems


def test_a_column_of_mixed_codes_is_named_as_left_out(milwaukee):
    _, raw, report, rows = milwaukee
    assert {"1", "CITY", "SPD", "OUT"} <= set(raw["district"])
    assert report.left_out == ("district",)
    assert "district" not in rows


def test_calls_about_one_event_are_few_and_each_names_its_first(milwaukee):
    """No line of the log comes twice; what is merged is of one kind, near in time and place."""
    ws, raw, report, rows = milwaukee
    assert not raw.drop(columns="call_no").duplicated().any()
    aside = ws.read("aside").query("reason == 'same_event'")
    assert report.problems["same_event"] == len(aside) < 0.006 * len(raw)
    later, first = raw.loc[aside["row"] - FIRST_ROW], raw.loc[aside["detail"].astype(int) - FIRST_ROW]
    apart = pd.to_datetime(later["time"]).to_numpy() - pd.to_datetime(first["time"]).to_numpy()
    assert (np.abs(apart) <= np.timedelta64(30, "m")).all()
    assert set(first.index) <= set(rows.index)


# --- Sacramento: feet, 01/01/1900, dates without a clock, a misspelt header ---

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


# --- The station's word on a CRS, without any real data ---

EAST, NORTH = 490_000.0, 4_054_000.0
TOWN = Study("镇", shapely.box(EAST - 7000, NORTH - 6000, EAST + 7000, NORTH + 6000), "EPSG:4549")


def test_a_named_crs_is_taken_as_said_and_what_it_does_not_reach_is_no_place():
    x, y = pyproj.Transformer.from_crs(4549, 4527, always_xy=True).transform(EAST, NORTH)  # zone 39: another meridian
    first, second = (
        pd.Series([x, f"{x:.3f}", 0, None, "无", 1e30, x + 1e6]),
        pd.Series([y, f"{y:.3f}", y, y, y, 1e30, y]),
    )
    found = read_coordinates(first.astype(object), second.astype(object), TOWN, crs="EPSG:4527")
    assert found.how.tolist() == ["metres", "metres", "", "", "", "elsewhere", "metres"]
    np.testing.assert_allclose(found.x[:2], EAST, atol=0.001)
    np.testing.assert_allclose(found.y[:2], NORTH, atol=0.001)
    assert np.isnan(found.x[2:6]).all()
    assert np.isnan(found.lon).all()
    assert abs(found.x[6] - EAST) > 500_000, "far off is a place, and outside"


@pytest.mark.parametrize("code", ["EPSG:99999999", "epsg 2226", "2226", "NAD83"])
def test_a_crs_must_be_the_code_of_one(code):
    none = gpd.GeoDataFrame({"kind": []}, geometry=[], crs=TOWN.crs)
    around = Surroundings(
        TOWN, none, none, none, none, own_datum={"a.csv": code, "b.csv": "EPSG:2226", "c.csv": "gcj02"}
    )
    assert around.crs_of("b.csv") == "EPSG:2226"
    assert around.crs_of("c.csv") == around.crs_of("d.csv") == ""
    with pytest.raises(InputError, match=re.escape(code)):
        around.crs_of("a.csv")


# --- Chicago: identical rows, no coordinates, a false origin ---


@pytest.fixture(scope="module")
def chicago(shared_data, tmp_path_factory):
    (file,) = real(shared_data / "chicago", "chicago_west_2016_2017.parquet")
    folder = tmp_path_factory.mktemp("chicago")
    ws = workspace(folder, CHICAGO, "America/Chicago")
    return ws, pd.read_parquet(file), *taken(ws, file)


def test_reported_crimes_without_coordinates_are_told(chicago):
    _, raw, report, rows = chicago
    without = raw.index[raw["lon"].isna()]
    placed, placeless = tellings(rows, without)
    assert len(without) == 516 == placed + placeless
    assert report.problems["no_point"] == placed
    assert rows.loc[without].geometry.is_empty.all()


def test_identical_rows_are_kept(chicago):
    """They may be true multiples: two cars broken into in one block."""
    _, raw, report, rows = chicago
    assert raw.duplicated().sum() == 237
    assert report.accepted == len(raw) == 87_513
    assert not {"duplicate", "same_event"} & set(report.problems)
    assert rows["incident_id"].is_unique


def test_heaped_minutes_and_midnights_are_told(chicago):
    """A third of all minutes are :00; 00:01 is what a program writes for «unknown», 00:00 no more than other hours."""
    _, raw, report, rows = chicago
    minute = raw["timestamp"].dt.minute
    at_midnight = (raw["timestamp"].dt.hour == 0) & minute.eq(0)
    first_minute = (raw["timestamp"].dt.hour == 0) & minute.eq(1)
    assert (minute.eq(0).sum(), at_midnight.sum(), first_minute.sum()) == (27_038, 910, 672)
    assert report.problems["midnight_unknown"] == 672
    assert (rows["reported_at"].dt.minute[first_minute.to_numpy()] == 0).all()
    # One time is moved by the clock change from within the hour that it skips onto the next full hour.
    local = raw["timestamp"].dt.tz_localize("America/Chicago", ambiguous=False, nonexistent="shift_forward")
    full, half = (int(local.dt.minute.eq(at).sum()) for at in (0, 30))
    assert full == 27_039
    assert report.problems["minutes_heaped"] == full + half
    counts = {"full": full, "half": half, "rows": len(raw) - 672, "midnight": 910}
    assert ("intake.remark.minutes_heaped", counts) in report.remarks


def test_arrests_and_domestic_rows_are_those_of_the_file(chicago):
    _, raw, report, rows = chicago
    assert (rows["caught_count"].to_numpy() == raw["arrest"].to_numpy()).all()
    assert report.problems["domestic"] == raw["domestic"].sum()
    assert rows.loc[raw.index[raw["domestic"]]].geometry.is_empty.all()
    found = raw["category"].isin(["NARCOTICS", "WEAPONS VIOLATION", "GAMBLING", "PROSTITUTION", "LIQUOR LAW VIOLATION"])
    assert (rows["origin"][found.to_numpy()] == "discovered").all()
    assert report.problems["found_by_nature"] == (rows["origin"] == "discovered").sum() >= found.sum()


@pytest.fixture(scope="module")
def false_origin(shared_data, tmp_path_factory):
    """Return the rows of the whole city at the false origin, with some hundred others and all spellings of one kind."""
    (file,) = real(shared_data / "chicago", "chicago_2013_2018.parquet")
    raw = pd.read_parquet(file)
    odd = (raw["lon"] < -90) | raw["category"].astype(str).str.startswith("NON")
    raw = raw[odd | (np.arange(len(raw)) % 4000 == 0)].reset_index(drop=True)
    folder = tmp_path_factory.mktemp("false_origin")
    raw.to_csv(folder / "crimes.csv", index=False)
    ws = workspace(folder, CHICAGO, "America/Chicago")
    return ws, raw, *taken(ws, folder / "crimes.csv")


def test_the_false_origin_is_told_as_outside(false_origin):
    ws, raw, report, rows = false_origin
    island = raw.index[raw["lon"].round(6).eq(-91.686566) & raw["lat"].round(6).eq(36.619446)]
    assert len(island) == 14 == (raw["lon"].notna() & ~within(raw["lon"], raw["lat"], CHICAGO)).sum()
    outside = set_aside(ws, "outside")
    assert report.problems["outside"] == len(outside) == 14 - tellings(rows, island)[1]
    assert outside <= set(island)
    assert rows.reindex(sorted(set(island) - outside)).geometry.is_empty.all()
    shown = rows[~rows.geometry.is_empty].geometry.to_crs(4326)
    assert within(shown.x, shown.y, CHICAGO).all()


def test_three_spellings_of_one_kind_are_one_kind(false_origin):
    _, raw, _, rows = false_origin
    spelt = raw["category"].astype(str).str.startswith("NON")
    assert raw["category"][spelt].nunique() == 3
    assert rows["incident_class"].reindex(raw.index[spelt]).unique().tolist() == ["invalid"]


# --- Pingdu: names of villages, and outlines in the system of the web maps ---


@pytest.fixture(scope="module")
def names(shared_data):
    (file,) = real(shared_data / "china_pingdu", "villages.csv.gz")
    return pd.read_csv(file, dtype=str)


def as_villages(names):
    return pd.DataFrame({"village_id": names["village_code"], "name": names["name"], "aliases": "", "valid_to": pd.NaT})


def test_official_names_are_matched_and_only_a_repeated_one_is_not_its_own(names):
    found = places.village_by_name(names["name"], as_villages(names))
    wrong = names[(found != names["village_code"]).to_numpy()]
    assert len(names) == 766
    assert (found != "").all()
    short = names["name"]
    for tail in ("(?:村民委员会|居民委员会|村委会|居委会)$", "村$", "社区$", "村$"):
        short = short.str.replace(tail, "", regex=True)
    assert short[wrong.index].isin(short[short.duplicated()]).all()
    assert len(wrong) < 0.04 * len(names)


def test_villages_are_found_in_addresses_without_their_committee(names):
    """In an address stands 石桥村, in the list 石桥村村民委员会."""
    spoken = names["name"].str.replace(r"(村民委员会|村委会|居民委员会|居委会)$", "", regex=True)
    found = places.village_in_address("平度市" + names["town"] + spoken + "12号", as_villages(names))
    assert (found == names["village_code"]).mean() >= 0.98
    assert (found == "").mean() < 0.01


def test_a_town_is_not_taken_for_a_village_of_its_name(names, shared_data):
    (file,) = real(shared_data / "china_pingdu", "towns.csv")
    towns = pd.read_csv(file, dtype=str)
    ours = towns[towns["county_code"] == "370283"]
    assert (len(towns), len(ours)) == (43, 18)
    assert set(ours["town_code"]) == set(names["town_code"][names["county_code"] == "370283"])
    found = places.village_in_address("山东省平度市" + ours["town"], as_villages(names))
    assert (found == "").all()


@pytest.fixture
def pingdu(names, tmp_path):
    """The villages of Pingdu in a workspace; the list has no coordinates, so they stand on a lattice."""
    ws = workspace(tmp_path, PINGDU, "Asia/Shanghai")
    ours = names[names["county_code"] == "370283"].reset_index(drop=True)
    west, south, east, north = PINGDU
    side = int(np.ceil(np.sqrt(len(ours))))
    row, column = np.divmod(np.arange(len(ours)), side)
    table = pd.DataFrame({"村庄代码": ours["village_code"], "村名": ours["name"], "乡镇": ours["town"], "人口": 1000})
    table["经度"] = (west + (column + 0.5) / side * (east - west)).round(5)
    table["纬度"] = (south + (row + 0.5) / side * (north - south)).round(5)
    table.to_csv(tmp_path / "villages.csv", index=False)
    return ws, ours, import_files(ws, [tmp_path / "villages.csv"]).files[0]


def test_a_name_that_two_towns_bear_is_kept_twice_and_told(pingdu):
    ws, ours, report = pingdu
    twice = ours["name"].duplicated(keep=False)
    assert ours["name"][twice].tolist() == ["石桥村村民委员会"] * 2
    assert (report.rows_read, report.accepted) == (363, 363)
    assert report.problems == {"village_namesake": 2}
    assert report.examples["village_namesake"] == tuple(np.flatnonzero(twice) + FIRST_ROW)
    assert set(ws.read("villages")["village_id"]) == set(ours["village_code"]), "codes stay text"


def test_the_town_in_an_address_tells_two_villages_of_one_name_apart_and_nothing_else_is_guessed(pingdu, tmp_path):
    ws, ours, _ = pingdu
    twice = ours[ours["name"].duplicated(keep=False)]
    places_said = ["平度市" + town + "石桥村12号" for town in twice["town"]] + ["石桥村李某家", "石桥村"]
    frame = pd.DataFrame({"案发地址": places_said, "警情类别": "纠纷"})
    frame["报警时间"] = [f"2024-03-0{day} 10:1{day}" for day in range(1, 5)]
    frame.to_csv(tmp_path / "calls.csv", index=False)
    report = import_files(ws, [tmp_path / "calls.csv"]).files[0]
    found = ws.read("incidents").sort_values("source_row")["village_id"].tolist()
    assert found == [*twice["village_code"], "", ""]
    assert report.problems["village_ambiguous"] == 2
    assert report.examples["village_ambiguous"] == (4, 5)


@pytest.fixture(scope="module")
def outlines(shared_data):
    (file,) = real(shared_data / "china_pingdu", "counties_gcj02.parquet")
    return file, gpd.read_parquet(file)


def test_the_outline_of_the_web_maps_moves_by_half_a_kilometre_and_back(outlines):
    _, counties = outlines
    pingdu = counties.set_index("adcode").loc[counties.set_index("adcode").index.astype(str) == "370283"].geometry
    lon, lat = shapely.get_coordinates(pingdu.to_numpy()).T
    assert (lon.min().round(3), lon.max().round(3)) == (119.531, 120.326)
    assert (lat.min().round(3), lat.max().round(3)) == (36.472, 37.047)
    true_lon, true_lat = gcj02_to_wgs84(lon, lat)
    _, _, moved_m = pyproj.Geod(ellps="WGS84").inv(lon, lat, true_lon, true_lat)
    assert 400 < moved_m.min() < moved_m.max() < 560
    assert (true_lon < lon).all(), "the web maps move Shandong to the east"
    np.testing.assert_allclose(wgs84_to_gcj02(true_lon, true_lat), (lon, lat), rtol=0, atol=1e-9)


def test_an_outline_without_a_crs_is_refused_as_a_boundary(outlines, tmp_path):
    file, counties = outlines
    assert counties.crs is None
    with pytest.raises(CrsError, match=re.escape(file.name)) as refused:
        new_workspace(tmp_path / "ws", name="平度", boundary=file, where="adcode=370283")
    assert refused.value.key == "crs.absent"
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "ws").exists()
