"""Schemas: what a frame may lack, what is told of it, and that a table once conformed stays as it is."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis_data.errors import CrsError, SchemaError
from gis_data.schema import Column, Schema, narrowed, superseded
from gis_data.tables import TABLES

CRS, OTHER = "EPSG:4549", "EPSG:32650"
WELLS = Schema(
    "wells",
    {
        "well_id": Column("text", unique=True),
        "owner": Column("text", allowed=("village", "school")),
        "depth_m": Column("float", low=0, high=300),
        "buckets": Column("int", low=1, default=1),
        "in_use": Column("bool"),
        "dug_at": Column("time"),
    },
    required=("well_id",),
    geometry=("Point",),
)


def wells(*rows: dict[str, object], crs: str = CRS) -> gpd.GeoDataFrame:
    places = [row.get("geometry", shapely.Point(place, 0)) for place, row in enumerate(rows)]
    table = pd.DataFrame([{name: value for name, value in row.items() if name != "geometry"} for row in rows])
    return gpd.GeoDataFrame(table, geometry=places, crs=crs)


def test_what_a_frame_lacks_is_written_as_not_known():
    (row,) = WELLS.conform(wells({"well_id": "w1", "tree": "elm"}), crs=CRS).to_dict("records")
    assert list(row) == [*WELLS.columns, "geometry"]
    assert (row["owner"], row["buckets"], row["in_use"]) == ("", 1, False)
    assert pd.isna(row["depth_m"])
    assert row["dug_at"] is pd.NaT


def test_all_that_is_wrong_is_told_in_one_sentence():
    bad = wells({"well_id": "w1", "owner": "fox", "depth_m": -3.0}, {"well_id": "w1", "depth_m": 301.0, "buckets": 0})
    with pytest.raises(SchemaError) as error:
        WELLS.conform(bad, crs=CRS)
    for said in ("well_id: w1 ×2", "owner: fox", "depth_m: -3.0 < 0", "depth_m: 301.0 > 300", "buckets: 0 < 1"):
        assert said in str(error.value)
    with pytest.raises(SchemaError, match="well_id"):
        WELLS.conform(wells({"owner": "school"}), crs=CRS)


@pytest.mark.parametrize(("depth_m", "buckets"), [(0.0, 1), (300.0, 1)])
def test_a_limit_itself_is_allowed(depth_m, buckets):
    kept = WELLS.conform(wells({"well_id": "w1", "depth_m": depth_m, "buckets": buckets}), crs=CRS)
    assert (kept["depth_m"].item(), kept["buckets"].item()) == (depth_m, buckets)


def test_a_table_in_another_crs_or_of_other_shapes_is_refused_and_never_only_warned_of():
    with pytest.raises(CrsError) as error:
        WELLS.conform(wells({"well_id": "w1"}, crs=OTHER), crs=CRS)
    assert OTHER in str(error.value)
    assert CRS in str(error.value)
    with pytest.raises(SchemaError, match="LineString"):
        WELLS.conform(wells({"well_id": "w1", "geometry": shapely.LineString([(0, 0), (1, 1)])}), crs=CRS)
    for nowhere in (None, shapely.Point()):
        with pytest.raises(SchemaError):
            WELLS.conform(wells({"well_id": "w1", "geometry": nowhere}), crs=CRS)
    with pytest.raises(SchemaError):
        WELLS.conform(pd.DataFrame({"well_id": ["w1"]}), crs=CRS)


def test_heights_are_dropped_and_a_moment_is_told_by_the_station_clock():
    deep = wells({"well_id": "w1", "geometry": shapely.Point(1, 2, 3), "dug_at": "2020-01-01 00:00+00:00"})
    kept = WELLS.conform(deep, crs=CRS)
    assert not kept.geometry.has_z.any()
    assert str(kept["dug_at"].item()) == "2020-01-01 08:00:00+08:00"


@pytest.mark.parametrize("schema", TABLES.values(), ids=list(TABLES))
def test_a_conformed_table_stays_as_it_is(schema):
    once = schema.empty(crs=CRS if schema.geometry else None)
    pd.testing.assert_frame_equal(pd.DataFrame(schema.conform(once)), pd.DataFrame(once))
    assert set(schema.required) <= set(schema.columns)


def test_rows_that_were_replaced_may_share_a_name_and_some_columns_may_be_asked_for_alone():
    twice = wells({"well_id": "w1"}, {"well_id": "w1"})
    assert len(superseded(WELLS).conform(twice, crs=CRS)) == 2
    some = narrowed(WELLS, ["depth_m", "owner"]).conform(pd.DataFrame({"owner": ["school"]}))
    assert list(some.columns) == ["depth_m", "owner"]
