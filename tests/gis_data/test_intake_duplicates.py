"""Several calls about one event become one row; true multiples stay; brute force says the same."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_data.intake import duplicates, incidents, values

NAN = float("nan")


def calls(*changes: dict[str, object]) -> pd.DataFrame:
    usual = {"is_call": True, "minute": 0, "incident_class": "public_order", "type": "assault", "x_m": 0.0, "y_m": 0.0,
             "village_id": "V1", "address": "禾川镇甲村东头", "follows": False}  # fmt: skip
    table = pd.DataFrame([usual | change for change in changes])
    return table.assign(reported_at=pd.Timestamp("2024-03-05") + pd.to_timedelta(table["minute"], unit="min"))


def merged(*changes: dict[str, object]) -> list[int]:
    return duplicates.merge_calls(calls(*changes)).tolist()


def test_several_callers_become_the_first_call():
    assert merged({"minute": 5, "x_m": 150}, {}, {"minute": 29, "y_m": 199}) == [1, -1, 1]


@pytest.mark.parametrize("start", range(60))
def test_calls_exactly_half_an_hour_and_200_m_apart_are_one_event(start: int):
    """In units of the window such a pair may lie a rounding error outside it."""
    assert merged({}, {"minute": 200 + start}, {"minute": 230 + start, "x_m": 200.0})[2] == 1
    nowhere = {"x_m": NAN}
    assert merged({}, {"minute": 200 + start} | nowhere, {"minute": 230 + start} | nowhere)[2] == 1


@pytest.mark.parametrize(
    "other",
    [{"minute": 31}, {"x_m": 201}, {"x_m": 150, "y_m": 150}, {"incident_class": "criminal"}, {"type": "gambling"},
     {"is_call": False}],
)  # fmt: skip
def test_what_differs_in_time_place_or_class_stays(other: dict[str, object]):
    assert merged({}, {"minute": 10} | other) == [-1, -1]


def test_a_type_that_says_only_other_contradicts_none():
    assert merged({}, {"minute": 10, "type": "other_po"}) == [-1, 0]


def test_without_points_village_and_address_must_be_the_same():
    nowhere = {"x_m": NAN, "y_m": NAN}
    same = merged(nowhere, nowhere | {"minute": 9})
    one_point = merged({}, nowhere | {"minute": 9})
    assert same == one_point == [-1, 0]
    for other in ({"address": "禾川镇甲村西头"}, {"village_id": "V2"}, {"minute": 31}):
        assert merged(nowhere, nowhere | {"minute": 9} | other) == [-1, -1]
    for unknown in ({"address": ""}, {"village_id": ""}):
        assert merged(nowhere | unknown, nowhere | unknown | {"minute": 9}) == [-1, -1]


def test_the_same_address_does_not_overrule_two_points():
    assert merged({}, {"minute": 9, "x_m": 900}) == [-1, -1]


def test_a_chain_of_calls_does_not_swallow_an_hour():
    assert merged({}, {"minute": 20}, {"minute": 40}, {"minute": 60}) == [-1, 0, -1, 2]


def test_a_call_with_a_destroyed_link_is_looked_for_longer_and_goes_to_the_latest_call():
    assert merged({}, {"minute": 40}, {"minute": 100, "follows": True}) == [-1, -1, 1]
    assert merged({}, {"minute": 40}, {"minute": 100}) == [-1, -1, -1]
    assert merged({"follows": True}, {"minute": 121}) == [-1, -1]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["33090013101313002369", "33090013101313002370"], [False, False]),
        (["3.3090013101313002e+19", "3.3E+19"], [True, True]),
        (["37990023120513100000", "37990023120513100001"], [True, False]),
        ([str(int(float(f"3309001310131300{n}"))) for n in range(2369, 2389)], [True] * 20),
        (["37090013101311500", *(f"370900131013115{n}" for n in range(11, 20))], [False] * 10),
        ([f"370900131013{n}0" for n in range(100, 120)], [True] * 20),
        ([f"370900131013{n}" for n in range(1000, 1020)], [False] * 20),
        (["", "12", "A-77"], [False] * 3),
        # The first call of each day's series, and those after it.
        ([f"379900240{day}0251{n:06d}" for day in (1, 2) for n in range(7)], [False] * 14),
        # Of cut numbers no other goes on where they begin, or two of one day are now the same.
        (["37990024010251300000", *(f"3799002401025130{n}" for n in range(4711, 4716))], [True] + [False] * 5),
        (["37990024010251300000"] * 2 + [f"3799002401025130000{n}" for n in range(1, 9)], [True] * 2 + [False] * 8),
    ],
)  # fmt: skip
def test_numbers_cut_by_a_spreadsheet_are_seen(numbers: list[str], expected: list[bool]):
    assert duplicates.is_damaged(pd.Series(numbers, dtype="str")).tolist() == expected


@st.composite
def lists_of_calls(draw: st.DrawFn) -> pd.DataFrame:
    one = st.fixed_dictionaries(
        {
            "is_call": st.sampled_from([True, True, True, False]),
            "minute": st.integers(0, 150),
            "incident_class": st.sampled_from(["criminal", "public_order"]),
            "type": st.sampled_from(["assault", "other_po", "burglary"]),
            "x_m": st.sampled_from([0.0, 120.0, 199.0, 260.0, 1000.0, NAN]),
            "y_m": st.sampled_from([0.0, 90.0]),
            "village_id": st.sampled_from(["", "V1", "V2"]),
            "address": st.sampled_from(["", "甲", "乙"]),
            "follows": st.sampled_from([False, False, True]),
        }
    )
    return calls(*draw(st.lists(one, min_size=1, max_size=14)))


def by_hand(rows: pd.DataFrame) -> list[int]:
    """Walk through the calls in time, as a clerk would."""
    into = [-1] * len(rows)
    table = rows.to_dict("records")
    order = sorted(range(len(table)), key=lambda n: (table[n]["minute"], n))
    for place, later in enumerate(order):
        mine = table[later]
        earlier = [
            n for n in order[:place] if into[n] < 0 and one_event(table[n], mine, 120 if mine["follows"] else 30)
        ]
        if mine["is_call"] and earlier:
            minutes = [table[n]["minute"] for n in earlier]
            wanted = max(minutes) if mine["follows"] else min(minutes)
            into[later] = min(n for n in earlier if table[n]["minute"] == wanted)
    return into


def one_event(a: dict, b: dict, window: int) -> bool:
    if not (a["is_call"] and b["is_call"]) or a["incident_class"] != b["incident_class"]:
        return False
    if a["type"] != b["type"] and "other_po" not in (a["type"], b["type"]):
        return False
    if abs(a["minute"] - b["minute"]) > window:
        return False
    away = np.hypot(a["x_m"] - b["x_m"], a["y_m"] - b["y_m"])
    if np.isfinite(away):
        return bool(away <= 200)
    return bool(a["village_id"] and a["address"]) and (a["village_id"], a["address"]) == (b["village_id"], b["address"])


@settings(max_examples=300, deadline=None)
@given(rows=lists_of_calls())
def test_calls_are_merged_as_a_clerk_would(rows: pd.DataFrame):
    found = duplicates.merge_calls(rows)
    expected = by_hand(rows)
    assert (found >= 0).tolist() == [into >= 0 for into in expected]
    minute = np.append(rows["minute"].to_numpy(), -1)  # of two first calls in one minute either will do
    assert minute[found].tolist() == minute[expected].tolist()
    kept = found.to_numpy()[found.to_numpy() >= 0]
    assert (found.to_numpy()[kept] == -1).all()  # a call is merged into one that stays


def test_a_large_city_is_searched_without_comparing_all_with_all():
    rng = np.random.default_rng(1)
    n = 20_000
    table = calls({}).loc[[0] * n].reset_index(drop=True)
    table = table.assign(x_m=rng.uniform(0, 20_000, n), y_m=rng.uniform(0, 20_000, n))
    table["reported_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 60 * 24 * 20, n), unit="min")
    found = duplicates.merge_calls(table)
    # Expected by chance: n * (n / (20 days * 400 km2)) * 30 min * 0.1257 km2
    assert (found >= 0).sum() == pytest.approx(n * n / (20 * 48 * 400) * 0.1257, rel=0.15)


def test_rows_are_numbered_by_all_their_columns_in_the_order_they_come():
    columns = [pd.Series(["b", "a", "b", "a", "b"]), pd.Series(["x", "x", "x", "y", "y"])]
    numbers, first = values.numbered(columns)
    assert numbers.tolist() == [0, 1, 0, 2, 3]
    assert first.tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("hours", "known", "expected"),
    [
        ((10, 11), (True, True), [False, True]),
        ((11, 10), (True, True), [True, False]),
        ((14, 0), (True, False), [False, True]),  # 00:00 for «hour unknown»: the file's order decides
        ((0, 14), (False, True), [False, True]),
        ((0, 0), (False, False), [False, True]),
        ((10, 10), (True, True), [False, True]),
    ],
)
def test_of_two_calls_that_name_each_other_only_the_later_follows(
    hours: tuple[int, int], known: tuple[bool, bool], expected: list[bool]
):
    at = [pd.Timestamp("2024-03-05") + pd.Timedelta(hours=hour) for hour in hours]
    rows = pd.DataFrame({"incident_id": ["a", "b"], "linked_id": ["b", "a"], "reported_at": at})
    nothing_yet = SimpleNamespace(incident_ids=frozenset())
    assert incidents._follow_ups(rows, np.array([True, True]), pd.Series(known), nothing_yet).tolist() == expected


def test_only_reported_calls_of_a_list_of_calls_are_merged():
    """Arrests by a patrol, counts, and rows without a call number are true multiples."""
    rows = calls({}, {"minute": 5}).assign(origin="reported", count=1, precision="exact", source_row=[2, 3])
    rows["geometry"] = [shapely.Point(0, 0)] * 2
    numbers = pd.DataFrame({"number": ["1", "2"], "damaged": False, "follows": False})
    cells = {"address": rows["address"]}

    def verdicts(table: pd.DataFrame, found: pd.DataFrame) -> list[tuple[str, str]]:
        nothing = pd.Series("", index=table.index, dtype="str")
        asked = pd.Series(True, index=table.index)
        first = SimpleNamespace(earlier=None, comes_back=False)
        return list(zip(*incidents._merge_calls(cells, table, found, asked, nothing, nothing, first), strict=True))

    assert verdicts(rows, numbers) == [("", ""), ("same_event", "2")]
    assert verdicts(rows, numbers.assign(number="", damaged=True)) == [("", ""), ("same_event", "2")]
    for table in (rows.assign(origin="discovered"), rows.assign(count=[1, 4])):
        assert verdicts(table, numbers) == [("", ""), ("", "")]
    assert verdicts(rows, numbers.assign(number="")) == [("", ""), ("", "")]
