"""Chicago: identical rows, no coordinates, a false origin."""

import numpy as np
import pandas as pd
import pytest

from tests.gis_data.real_files import real, set_aside, taken, tellings, within, workspace

CHICAGO = (-87.95, 41.60, -87.50, 42.05)


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
