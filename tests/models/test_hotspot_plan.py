"""The plan of hotspots: what it says of its own limits."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.catalogue import LANGUAGES, text
from gis_data.periods import Period
from gis_data.settings import HotspotSettings, Settings
from gis_data.study import Study
from models.hotspots import plan_hotspots

CRS, SIDE = "EPSG:4549", 2_000.0
WEST, SOUTH = 487_000.0, 4_060_000.0
YEAR = Period(pd.Timestamp("2023-01-01", tz="Asia/Shanghai"), pd.Timestamp("2024-01-01", tz="Asia/Shanghai"))
DRAWS = HotspotSettings(simulations=9, resamples=0, life_simulations=9)


def incidents(xy):
    when = YEAR.start + pd.to_timedelta(np.arange(len(xy)) % 365, unit="D")
    return gpd.GeoDataFrame(
        {"reported_at": when, "occurred_from": when, "occurred_to": when, "count": 1, "origin": "reported",
         "type": "theft", "incident_class": "criminal", "precision": "exact"},
        geometry=gpd.points_from_xy(*xy.T), crs=CRS,
    )  # fmt: skip


def notes_of(xy, layers):
    study = Study("镇", shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE), CRS, settings=Settings(hotspots=DRAWS))
    plan = plan_hotspots(study, incidents(xy), layers, period=YEAR, seed=1)
    for lang in LANGUAGES:
        assert all(text(key, lang=lang, **values) for key, values in plan.notes)
    return dict(plan.notes)


@pytest.fixture
def layers():
    empty = gpd.GeoDataFrame({"road_class": pd.Series(dtype=str)}, geometry=[], crs=CRS)
    return dict.fromkeys(("buildings", "roads", "places"), empty)


def scattered():
    return np.random.default_rng(1).uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (80, 2))


def test_a_plan_says_how_far_its_surroundings_reach_and_that_nothing_is_known_to_stand_there(layers):
    xy = scattered()
    notes = notes_of(xy, layers)
    assert notes["hotspots.surroundings"] == {"bandwidth_m": "300"}
    assert "hotspots.bare" in notes
    assert "hotspots.rounded" not in notes
    houses = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T).buffer(5), crs=CRS)
    assert "hotspots.bare" not in notes_of(xy, layers | {"buildings": houses})


def test_a_plan_says_that_coordinates_are_rounded(layers):
    notes = notes_of(np.rint(scattered() / 200) * 200, layers)
    assert notes["hotspots.rounded"] == {"step_m": "200"}
