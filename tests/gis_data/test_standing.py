"""Villages of a day: the ended ones gone, and all that happened in them with whoever took them over."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis_data.standing import as_of, standing, successors
from gis_data.tables import VILLAGES

CRS = "EPSG:4549"
ZONE = "Asia/Shanghai"


def villages(rows) -> gpd.GeoDataFrame:
    """Return villages from (id, aliases, valid from, valid to, x)."""
    table = pd.DataFrame(rows, columns=["village_id", "aliases", "valid_from", "valid_to", "centre_x"])
    for name in ("valid_from", "valid_to"):
        table[name] = pd.to_datetime(table[name]).dt.tz_localize(ZONE)
    table = table.assign(name=table["village_id"] + "村", population=100, centre_x=table["centre_x"], centre_y=0.0)
    return VILLAGES.conform(gpd.GeoDataFrame(table, geometry=shapely.points(table["centre_x"], 0.0), crs=CRS), crs=CRS)


MERGED = [("甲", "", None, "2019-01-01", 0.0), ("乙", "甲村", None, "2021-01-01", 900.0),
          ("丙", "乙村", "2021-01-01", None, 5000.0), ("丁", "", None, None, 1000.0),
          ("戊", "", None, "2020-01-01", 1100.0), ("新", "", "2030-01-01", None, 10.0)]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "here", "heirs"),
    [
        ("2018-06-01", "甲乙丁戊", {}),
        ("2019-01-01", "乙丁戊", {"甲": "乙"}),
        ("2020-06-01", "乙丁", {"甲": "乙", "戊": "丁"}),  # nobody bears 戊's name: the nearest that stands
        ("2022-06-01", "丙丁", {"甲": "丙", "乙": "丙", "戊": "丁"}),
    ],
)
def test_a_village_that_has_ended_is_its_successor_by_name_and_else_the_nearest(day, here, heirs):
    table, at = villages(MERGED), pd.Timestamp(day, tz=ZONE)
    assert "".join(standing(table, at)["village_id"]) == here
    assert successors(table, at) == heirs


@given(
    st.lists(st.sampled_from([*"甲乙丙丁戊", ""]), min_size=1, max_size=30), st.sampled_from([2018, 2019, 2020, 2022])
)
def test_nothing_that_happened_is_lost_and_all_of_it_is_in_a_standing_village(happened, year):
    table, at = villages(MERGED), pd.Timestamp(f"{year}-06-01", tz=ZONE)
    incidents = pd.DataFrame({"village_id": happened, "count": 1})
    after = as_of({"villages": table, "incidents": incidents, "roads": pd.DataFrame()}, at)
    assert len(after["incidents"]) == len(happened)
    assert (after["incidents"]["village_id"] == "").sum() == happened.count("")
    if year > 2020:
        assert set(after["incidents"]["village_id"]) <= {*after["villages"]["village_id"], ""}
    assert incidents["village_id"].tolist() == happened, "the tables given are left as they are"


def test_without_an_end_nothing_changes():
    table = villages([(name, "", None, None, place) for place, name in enumerate(np.array(list("子丑寅")))])
    tables = {"villages": table, "incidents": pd.DataFrame({"village_id": ["子"]})}
    after = as_of(tables, pd.Timestamp("2024-01-01", tz=ZONE))
    assert all(after[name] is tables[name] for name in tables)
