"""Milwaukee: a call log with wrong geocodes, one time only, and much that nobody called about."""

import numpy as np
import pandas as pd
import pytest

from gis_data.taxonomy import USABLE_POINT, drives_allocation, has_a_place
from tests.gis_data.real_files import (
    FIRST_ROW,
    filled,
    real,
    set_aside,
    taken,
    tellings,
    told_without_coordinates,
    unzipped,
    within,
    workspace,
)

MILWAUKEE = (-88.1005, 42.8995, -87.7995, 43.2005)  # halves of the file's last decimal: no point lies on the border


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
    assert told_without_coordinates(report, rows, raw.index[raw["lon"].isna() | raw["lat"].isna()]) == 11


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


def test_addresses_without_the_citys_ending_and_crossings_are_told(milwaukee):
    _, raw, report, rows = milwaukee
    taken_in = raw.loc[rows.index, "location"]
    assert raw["location"].str.endswith(",MKE").sum() == 31_263
    without = (~taken_in.str.endswith(",MKE")).sum()
    assert report.problems["address_partial"] == without
    assert ("intake.remark.address_partial", {"rows": 901, "part": ",MKE"}) in report.remarks
    assert report.problems["address_crossing"] == taken_in.str.contains(r"\D/|/\D").sum() > 4_000


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
