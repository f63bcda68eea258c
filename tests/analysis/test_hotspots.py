"""Hotspots: planted ones found, none in null towns, and every figure counted again by other means."""

import dataclasses
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.hotspot_table import explain, types_of
from analysis.hotspots import find_hotspots
from gis_data.errors import CrsError
from gis_data.periods import Period
from gis_data.settings import HotspotSettings

CRS = "EPSG:4549"
WEST, SOUTH, SIDE = 487_000.0, 4_060_000.0, 3_000.0
LAND = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
SETTINGS = HotspotSettings(eps_m=200.0, simulations=39, resamples=0)
FIRST = pd.Timestamp("2024-01-01", tz="Asia/Shanghai")


def incidents(xy, *, count=1, hour=None, kind="theft"):
    """Return incidents at these points, one a day, at the same hour or spread over the day."""
    number = np.arange(len(xy))
    hours = number * 7 % 24 if hour is None else np.full(len(xy), hour)
    when = FIRST + pd.to_timedelta(number % 365 * 24 + hours, unit="h")
    frame = pd.DataFrame({"reported_at": when, "occurred_from": when, "occurred_to": when, "count": count})
    return gpd.GeoDataFrame(frame.assign(type=kind), geometry=gpd.points_from_xy(*np.transpose(xy)), crs=CRS)


def even(n, rng, *, side=SIDE):
    return rng.uniform((WEST, SOUTH), (WEST + side, SOUTH + side), (n, 2))


def town(rng, *, planted=40, background=150):
    """Return incidents of an even town with ``planted`` more around one market place."""
    market = rng.normal((WEST + 2100, SOUTH + 900), 40, (planted, 2))
    return incidents(np.vstack([even(background, rng), market]))


def find(frame, *, land=LAND, seed=1, years=1.0, chosen=SETTINGS, opportunity=()):
    return search(frame, land=land, seed=seed, years=years, chosen=chosen, opportunity=opportunity).table


def search(frame, *, land=LAND, seed=1, years=1.0, chosen=SETTINGS, opportunity=()):
    period = Period(FIRST, FIRST + pd.Timedelta(days=365.25 * years))
    return find_hotspots(
        frame, land, period=period, settings=chosen, rng=np.random.default_rng(seed), opportunity=opportunity
    )


# --- what is found ---


def test_a_planted_cluster_is_the_only_hotspot_and_holds_what_was_planted():
    found = find(town(np.random.default_rng(3)))
    hot = found[found["is_hotspot"]]
    assert len(hot) == 1
    assert hot.geometry.iloc[0].contains(shapely.Point(WEST + 2100, SOUTH + 900))
    assert 36 <= hot["count"].iloc[0] <= 46, "40 planted, and what chance puts among them"
    assert hot["p_value"].iloc[0] == 1 / 40, "no redraw was as unusual"
    assert found["hotspot_id"].iloc[0] == "H1"


def test_null_towns_report_a_hotspot_at_most_at_the_stated_level():
    """30 towns whose incidents fall on houses as chance has it (benchmarks/nulls has a thousand)."""
    chosen = HotspotSettings(simulations=19, resamples=0, min_incidents_per_year=4.0)
    rng = np.random.default_rng(11)
    side, alarms = 1_500.0, 0
    land = shapely.box(WEST, SOUTH, WEST + side, SOUTH + side)
    for number in range(30):
        centres = even(5, rng, side=side)
        houses = centres[rng.integers(5, size=300)] + rng.normal(0, 120, (300, 2))
        houses = houses[shapely.contains_xy(land, houses)]
        spots = houses[rng.integers(len(houses), size=80)] + rng.uniform(-5, 5, (80, 2))
        layer = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*houses.T), crs=CRS)
        found = find(incidents(spots), land=land, seed=number, chosen=chosen, opportunity=[layer])
        alarms += bool((found["status"] != "chance").any())
    assert stats.binom.sf(alarms - 1, 30, chosen.alpha) > 0.01, f"{alarms} of 30 towns"


def test_a_village_is_no_hotspot_where_its_houses_are_known_and_one_where_they_are_not():
    rng = np.random.default_rng(4)
    village = rng.normal((WEST + 800, SOUTH + 2000), 90, (120, 2))
    spots = np.vstack([village[rng.integers(120, size=60)] + rng.normal(0, 8, (60, 2)), even(40, rng)])
    houses = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*village.T).buffer(5), crs=CRS)
    assert (find(incidents(spots))["status"] != "chance").any()
    assert (find(incidents(spots), opportunity=[houses])["status"] == "chance").all()


def test_a_wide_cluster_is_taken_apart_into_its_tight_piles():
    """Two piles joined by a bridge of incidents: at the lowest threshold they are one cluster, too wide to use."""
    rng = np.random.default_rng(5)
    piles = [rng.normal((WEST + x, SOUTH + 1500), 30, (40, 2)) for x in (700, 2300)]
    road = np.column_stack([np.linspace(WEST + 700, WEST + 2300, 90), np.full(90, SOUTH + 1500)])
    found = find(incidents(np.vstack([*piles, road])))
    assert (found["area_km2"] <= SETTINGS.max_area_km2).all()
    for x in (700, 2300):
        assert found.contains(shapely.Point(WEST + x, SOUTH + 1500)).sum() == 1


# --- each figure, counted again ---


def test_count_share_area_and_density_are_those_of_shapely():
    frame = town(np.random.default_rng(3))
    years = 183 / 365.25
    found = find(frame, years=years)
    assert len(found) > 1
    for row in found.itertuples():
        inside = sum(row.geometry.covers(point) for point in frame.geometry)
        assert row.count == inside
        assert row.share_pct == pytest.approx(100 * inside / len(frame))
        assert row.area_km2 == pytest.approx(row.geometry.area / 1e6)
        assert row.density_per_km2_year == pytest.approx(inside / (row.geometry.area / 1e6) / years)
    assert found["hotspot_id"].tolist() == [f"H{number}" for number in range(1, len(found) + 1)]


def test_ground_beyond_the_border_counts_for_no_area():
    """A pile on the western border: half of its disc lies outside."""
    spots = np.random.default_rng(6).normal((WEST, SOUTH + 1500), 1, (30, 2))
    elsewhere = even(60, np.random.default_rng(7), side=SIDE - 600) + np.array([600, 0])
    found = find(incidents(np.vstack([spots, elsewhere])))
    row = found[found.distance(shapely.Point(WEST, SOUTH + 1500)) < 1].iloc[0]
    assert row["count"] == 30, "incidents a metre outside still count"
    assert row.geometry.within(LAND.buffer(1e-6))
    assert row["area_km2"] == pytest.approx(math.pi * 0.1**2 / 2, rel=0.05)


def test_incidents_far_from_the_land_are_left_out():
    far = np.random.default_rng(6).normal((WEST - 900, SOUTH + 1500), 5, (60, 2))
    near = town(np.random.default_rng(3))
    both = pd.concat([near, incidents(far)], ignore_index=True)
    pd.testing.assert_frame_equal(pd.DataFrame(find(both)), pd.DataFrame(find(near)))


@pytest.mark.parametrize(("method", "eps_m"), [("dbscan", 800.0), ("hdbscan", 300.0)])
def test_an_incident_let_in_from_beyond_the_border_is_one_of_the_town(method, eps_m):
    frame = pd.concat([town(np.random.default_rng(3)), incidents([(WEST - 0.95 * eps_m, SOUTH + 1500)])])
    chosen = dataclasses.replace(SETTINGS, method=method, eps_m=eps_m, simulations=19)
    assert search(frame, chosen=chosen).surface.total == len(frame)


def test_hours_types_and_months_are_those_of_the_rows_inside():
    rng = np.random.default_rng(8)
    here = (WEST + 1500, SOUTH + 1500)
    night = pd.concat(
        [
            incidents(rng.normal(here, 20, (30, 2)), hour=1),
            incidents(rng.normal(here, 20, (12, 2)), hour=2, kind="assault"),
        ],
        ignore_index=True,
    )
    frame = pd.concat([night, incidents(even(80, rng))], ignore_index=True)
    row = find(frame).iloc[0]
    inside = frame[frame.intersects(row.geometry)]
    assert row.geometry.covers(shapely.points(here))
    assert types_of(row["main_types"])[:2] == [("theft", row["count"] - 12), ("assault", 12)]
    start, end = map(int, row["peak_hours"].split("-"))
    assert (end - start) % 24 == 4
    assert {1, 2} <= {(start + step) % 24 for step in range(4)}
    assert (row["first_at"], row["last_at"]) == (inside["reported_at"].min(), inside["reported_at"].max())


def test_one_address_with_all_incidents_is_told():
    spot = np.tile((WEST + 1500, SOUTH + 1500), (30, 1))
    row = find(incidents(np.vstack([spot, even(60, np.random.default_rng(9))]))).iloc[0]
    assert row["one_point_pct"] == pytest.approx(100 * 30 / row["count"])
    assert [key for key, _ in explain(row) if key.endswith("one_point")]


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_is_found_where_nothing_clusters(count):
    found = find(incidents(even(count, np.random.default_rng(2)) if count else np.empty((0, 2))))
    assert len(found) == 0
    assert {"hotspot_id", "is_hotspot", "p_value", "geometry"} <= set(found.columns)


# --- what must not matter ---


def figures(found):
    return pd.DataFrame(found.drop(columns=["geometry", "hotspot_id"])).reset_index(drop=True)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.tuples(st.integers(-300, 300), st.integers(-300, 300)))
def test_shifting_the_town_by_whole_cells_changes_no_figure(seed, steps):
    frame = town(np.random.default_rng(seed), background=60)
    dx, dy = (step * 200.0 for step in steps)
    moved = frame.set_geometry(frame.translate(dx, dy))
    here, there = find(frame), find(moved, land=shapely.affinity.translate(LAND, dx, dy))
    pd.testing.assert_frame_equal(figures(here), figures(there), rtol=1e-6)
    assert shapely.equals_exact(here.translate(dx, dy).to_numpy(), there.geometry.to_numpy(), 1e-3).all()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_rows_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    frame = town(rng, background=60)
    pd.testing.assert_frame_equal(figures(find(frame)), figures(find(frame.iloc[rng.permutation(len(frame))])))


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(["dbscan", "hdbscan"]))
def test_a_row_with_a_count_is_so_many_single_rows(seed, method):
    rng = np.random.default_rng(seed)
    spots = np.vstack([rng.normal((WEST + 900, SOUTH + 900), 30, (8, 2)), even(20, rng)])
    counted = incidents(spots, count=rng.integers(1, 12, len(spots)))
    single = counted.loc[counted.index.repeat(counted["count"])].assign(count=1).sample(frac=1, random_state=rng)
    chosen = dataclasses.replace(SETTINGS, method=method, simulations=9, resamples=5)
    found, split = find(counted, chosen=chosen), find(single, chosen=chosen)
    assert len(found) > 0
    pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(split))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_quarter_turn_keeps_every_cluster_and_its_counts(seed):
    """The land is a square about its middle; only the redraws fall elsewhere, so p may move a little."""
    frame = town(np.random.default_rng(seed), background=60)
    middle = (WEST + SIDE / 2, SOUTH + SIDE / 2)
    turned = frame.set_geometry(frame.rotate(90, origin=middle))
    columns = ["count", "area_km2", "expected_count", "main_types", "peak_hours"]
    here, there = (find(one)[columns].sort_values(["count", "area_km2"], ignore_index=True) for one in (frame, turned))
    # Discs are drawn as polygons, and their vertices turn with them; a point on an edge may fall either side.
    pd.testing.assert_frame_equal(pd.DataFrame(here), pd.DataFrame(there), rtol=1e-6)


def test_another_crs_is_an_error_that_names_both():
    frame = town(np.random.default_rng(3), background=20)
    houses = gpd.GeoDataFrame(geometry=frame.geometry)
    with pytest.raises(CrsError, match=r"EPSG:4528.*EPSG:4549"):
        find(frame, opportunity=[houses, houses.to_crs(4528)])
    with pytest.raises(CrsError, match="EPSG:4326"):
        find(frame.to_crs(4326))
    with pytest.raises(CrsError):
        find(frame.set_crs(None, allow_override=True))


def test_the_same_seed_gives_the_same_p_values_and_others_nearly():
    frame = town(np.random.default_rng(3), planted=14)
    one, again, other = find(frame, seed=1), find(frame, seed=1), find(frame, seed=2)
    pd.testing.assert_series_equal(one["p_value"], again["p_value"])
    assert (one["p_value"] - other["p_value"]).abs().max() < 0.3
