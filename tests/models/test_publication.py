"""What leaves the station: an attacker who knows the rule and every published number learns no small count."""

import itertools
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.plan import Plan
from models.publication import PER_HOURS, hidden, publish

counts = st.lists(st.integers(0, 60), min_size=1, max_size=9)


def published(values, least):
    """Everything that can be seen: shown counts, which are hidden, and the sum if it is shown."""
    series = pd.Series(values)
    hide, hide_sum = hidden(series, least=least)
    shown = tuple(None if h else n for n, h in zip(values, hide, strict=True))
    return shown, None if hide_sum else sum(values)


@pytest.mark.parametrize(("zones", "least", "most"), [(2, 4, 12), (3, 3, 8), (4, 3, 6)])
def test_no_small_count_can_be_worked_out_from_what_is_published(zones, least, most):
    """Brute force over every town: at least two towns look alike from outside and differ in each hidden small count."""
    alike = defaultdict(list)
    for town in itertools.product(range(most + 1), repeat=zones):
        alike[published(town, least)].append(town)
    checked = 0
    for (shown, total), towns in alike.items():
        for zone in (k for k, value in enumerate(shown) if value is None):
            possible = {town[zone] for town in towns}
            if min(possible) < least and (total is None or total <= most):  # larger sums are cut off by ``most``
                assert len(possible) > 1, (shown, total, towns)
                checked += 1
    assert checked > 10


@given(counts)
def test_every_count_from_one_to_nine_is_hidden_and_the_hidden_ones_hide_each_other(values):
    series = pd.Series(values)
    hide, hide_sum = hidden(series, least=10)
    assert hide[(series > 0) & (series < 10)].all()
    assert not hide[series == 0].any()
    if hide.any() and not hide_sum:
        assert hide.sum() >= 2
        assert series[hide].sum() >= 10 + hide.sum()
    if not ((series > 0) & (series < 10)).any():
        assert not hide.any()
        assert not hide_sum


def card(reported, arrests, hours=1000.0):
    names = [f"Z{k + 1}" for k in range(len(reported))]
    zones = pd.DataFrame({"zone_id": names, "population": 1000, "road_km": 9.0, "area_km2": 4.0, "reported": reported,
                          "expected_word": "none", "latest": reported, "before": reported})  # fmt: skip
    rates = {f"{name}_per_10k_year": 10.0 * zones["reported"] for name in ("rate", "rate_low", "rate_high")}
    pools = pd.DataFrame({"pool": [f"P{k}" for k in range(len(arrests))], "patrol_hours": hours,
                          "arrest_incidents": arrests})  # fmt: skip
    pools = pools.assign(**dict.fromkeys(PER_HOURS, pools["arrest_incidents"] / 10))
    tables = {"scorecard": zones.assign(**rates), "arrest_pools": pools}
    return Plan("scorecard", tables, {"exposure": "population"}, seed=1, seconds=0.0)


def test_what_belongs_to_a_hidden_count_is_hidden_with_it():
    public = publish(card([120, 7, 30, 40], [24, 7, 15]), least=10)
    assert public.zones["reported"].tolist() == pytest.approx([120, np.nan, np.nan, 40], nan_ok=True)
    assert (
        public.zones["rate"].isna().tolist() == public.zones["rate_high"].isna().tolist() == [False, True, True, False]
    )
    assert public.zones["expected_word"].tolist() == ["none", "hidden", "hidden", "none"]
    assert public.reported == 197
    assert public.pools["arrest_incidents"].tolist() == pytest.approx([24, np.nan, np.nan], nan_ok=True)
    assert public.pools["arrests_per_100h"].isna().tolist() == [False, True, True]
    assert public.arrests == 46


def test_no_count_of_a_zones_arrests_and_no_part_of_the_period_leaves():
    public = publish(card([120, 70, 30, 40], [24, 17, 15]), least=10)
    assert not any("arrest" in name for name in public.zones)
    assert not {"latest", "before", "discovered"} & {*public.zones, *public.pools}


def test_a_lone_small_count_hides_the_sum_as_well():
    public = publish(card([0, 7, 0, 0], [4]), least=10)
    assert (public.reported, public.arrests) == (None, None)
    assert public.zones["reported"].tolist() == pytest.approx([0, np.nan, 0, 0], nan_ok=True)
    assert (public.zones["expected_word"] == "hidden").all()
