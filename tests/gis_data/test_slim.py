"""Slim tables say what the full ones say, in a fraction of the memory."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data import geopackage, slim
from gis_data.errors import SchemaError
from gis_data.study import Study
from gis_data.tables import INCIDENTS
from gis_data.workspace import Workspace

CRS = "EPSG:4549"


def incidents(count, *, kinds=("theft", "fraud"), crs=CRS):
    at = pd.Timestamp("2024-03-05", tz="Asia/Shanghai") + pd.to_timedelta(np.arange(count), unit="min")
    table = pd.DataFrame(
        {"incident_id": [f"{n:032x}" for n in range(count)], "reported_at": at, "incident_class": "criminal",
         "type": [kinds[n % len(kinds)] for n in range(count)], "origin": "reported",
         "village_id": [("", "V1", "V2")[n % 3] for n in range(count)], "precision": "exact"}
    )  # fmt: skip
    places = [shapely.Point() if n % 5 == 0 else shapely.Point(500_000 + n, 4_050_000.5) for n in range(count)]
    return INCIDENTS.conform(gpd.GeoDataFrame(table, geometry=places, crs=crs), crs=crs)


def full(table, crs=CRS):
    """Return a slim table as a full one."""
    points = slim.points(*(table[name].to_numpy() for name in slim.PLACE))
    return INCIDENTS.conform(gpd.GeoDataFrame(table.drop(columns=slim.PLACE), geometry=points, crs=crs), crs=crs)


def assert_same(found, expected):
    pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(expected))
    assert shapely.equals_exact(found.geometry.to_numpy(), expected.geometry.to_numpy(), 0).all()


@pytest.fixture
def ws(tmp_path):
    ground = shapely.box(499_000, 4_049_000, 502_000, 4_052_000)
    return Workspace.create(tmp_path / "ws", Study(name="t", boundary=ground, crs=CRS))


def test_a_slim_table_is_the_full_one_and_stays_slim_under_its_schema():
    table = incidents(40)
    thin = INCIDENTS.conform(slim.slimmed(table))
    assert slim.is_slim(thin)
    assert not slim.is_slim(table)
    assert_same(full(thin), table)
    words = [name for name, dtype in thin.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]
    assert {"type", "village_id", "source_file"} <= set(words)
    assert not {"incident_id", "linked_id"} & set(words)
    assert slim.bounds(thin) == tuple(table.total_bounds)


@pytest.mark.parametrize("block", [geopackage.BLOCK_ROWS, 7])
def test_both_are_written_alike_and_read_alike(ws, monkeypatch, block):
    monkeypatch.setattr(geopackage, "BLOCK_ROWS", block)
    table = incidents(40)
    ws.write({"incidents": table})
    before = ws.table_hash("incidents")
    ws.write({"incidents": slim.slimmed(table)})
    assert ws.table_hash("incidents") == before
    assert_same(ws.read("incidents"), table)
    thin = ws.read("incidents", slim=True)
    assert slim.is_slim(thin)
    assert isinstance(thin["type"].dtype, pd.CategoricalDtype)
    assert_same(full(thin), table)


def test_an_empty_table_is_slim_too(ws):
    thin = ws.read("incidents", slim=True)
    assert slim.is_slim(thin)
    assert len(thin) == 0
    ws.write({"incidents": thin})
    assert len(ws.read("incidents")) == 0


def test_tables_of_other_words_lie_one_under_the_other():
    first, second = incidents(7), incidents(9, kinds=("robbery", "theft", "snatch"))
    both = slim.one_under_other(*(INCIDENTS.conform(slim.slimmed(part)) for part in (first, second)))
    assert isinstance(both["type"].dtype, pd.CategoricalDtype)
    both["incident_id"] = [f"{n:032x}" for n in range(len(both))]
    expected = pd.concat([first, second], ignore_index=True).assign(incident_id=both["incident_id"])
    assert_same(full(both), expected)


def test_the_words_of_a_slim_table_are_checked():
    wrong = slim.slimmed(incidents(5)).assign(type=pd.Series(["theft"] * 4 + ["tea"], dtype="category"))
    with pytest.raises(SchemaError, match="tea"):
        INCIDENTS.conform(wrong)
