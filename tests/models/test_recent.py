"""The last 28 days of a zone: counts by hand, small ones held back so that no sum gives them away, rules 1 and 2."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from models.recent import OTHER, recent_of

CRS = "EPSG:4549"
LAST = pd.Timestamp("2023-12-31", tz="Asia/Shanghai")
ZONES = gpd.GeoDataFrame({"zone_id": ["Z1", "Z2"]}, geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)],
                         crs=CRS)  # fmt: skip


def calls(*rows):
    """Rows of (days before the last, hour, type, x)."""
    at = [LAST - pd.Timedelta(days=ago) + pd.Timedelta(hours=hour) for ago, hour, *_ in rows]
    return gpd.GeoDataFrame(
        {
            "reported_at": at, "occurred_from": at, "occurred_to": at, "type": [row[2] for row in rows],
            "incident_class": "traffic", "origin": "reported", "count": 1, "precision": "exact",
            "village_id": ["V1" if row[3] < 10 else "V2" for row in rows],
        },
        geometry=[shapely.Point(row[3], 5) for row in rows], crs=CRS,
    )  # fmt: skip


def recent(table):
    return recent_of(table, ZONES, pd.Series({"V1": "Z1", "V2": "Z2"}))


def shown(table):
    """Rows without their zone; None for what is held back."""
    return [[None if isinstance(one, float) and np.isnan(one) else one for one in row] for row in
            table.drop(columns="zone_id").itertuples(index=False)]  # fmt: skip


def of(table, zone):
    return shown(table[table["zone_id"] == zone])


def test_28_days_counted_by_hand():
    table = calls(
        *[(ago, 20, "crash", 3) for ago in range(6)], *[(ago, 8, "crash", 3) for ago in range(20, 28)],
        *[(1, 21, "fire", 3)] * 5, (28, 8, "crash", 3),
        *[(0, 8, "theft", 3)] * 4, (3, 9, "burglary", 3), (1, 8, "theft", 15),
    )  # fmt: skip
    more = [table, table.iloc[[0]].assign(origin="discovered"), table.iloc[[0]].assign(type="domestic_violence")]
    found = recent(pd.concat(more))
    assert str(found.period) == "2023-12-04 – 2023-12-31"
    assert of(found.types, "Z1") == [["crash", 14, "06-12"], ["fire", 5, "18-24"], [OTHER, 5, ""]]
    assert of(found.hours, "Z1") == [[24, 0, 13, 0, 11]]
    assert of(found.few, "Z1") == [["theft"], ["burglary"]], "in the taxonomy's order, not by their number"
    assert (of(found.types, "Z2"), of(found.hours, "Z2")) == ([[OTHER, None, ""]], [[None] * 5])


def test_few_others_take_the_smallest_type_along_or_the_total_would_tell_them():
    found = recent(calls(*[(1, 8, "crash", 3)] * 9, *[(1, 8, "fire", 3)] * 6, (1, 8, "theft", 3)))
    assert of(found.types, "Z1") == [["crash", 9, "06-12"], [OTHER, 7, ""]]
    assert of(found.few, "Z1") == [["theft"]]


def test_no_calls_in_the_last_days_leave_no_rows():
    outside = calls((0, 8, "crash", 500))
    assert len(recent(outside).hours) == 1, "its village tells the zone"
    alone = recent(outside.assign(village_id="V9"))
    assert alone.types.empty
    assert alone.few.empty
    assert alone.hours.empty


@given(st.lists(st.tuples(st.integers(0, 27), st.integers(0, 23), st.sampled_from(["crash", "theft", "fire"]),
                          st.just(3)), min_size=1, max_size=60))  # fmt: skip
@settings(max_examples=60)
def test_no_number_from_1_to_4_is_shown_or_follows_from_the_others(rows):
    found = recent(calls(*rows))
    counts = [row[1] for row in of(found.types, "Z1")] if len(found.types) else []
    if None in counts:
        assert counts == [None], "beside a shown one the total would tell"
    assert all(one is None or one >= 5 for one in counts)
    for total, *bands in of(found.hours, "Z1"):
        assert total == (None if None in counts else sum(counts))
        known = [one for one in bands if one is not None]
        assert all(one == 0 or one >= 5 for one in known)
        unknown = len(bands) - len(known)
        assert unknown != 1 or total is None
        if total is not None and unknown not in (0, 4):
            assert total - sum(known) - unknown >= 5


def test_a_vague_call_counts_where_it_may_have_been():
    table = calls(*[(1, 0, "crash", 3)] * 12)
    assert of(recent(table).hours, "Z1") == [[12, 12, 0, 0, 0]]
    table["occurred_to"] = table["occurred_from"] + pd.Timedelta(hours=12)
    assert of(recent(table).hours, "Z1") == [[12, 6, 6, 0, 0]]
    assert of(recent(table).types, "Z1") == [["crash", 12, "00-06"]]
