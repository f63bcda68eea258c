"""Change between periods: known chances, scipy's exact tests, counts by hand, and towns where nothing changed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.change import BANDS, area_funnel, compare_periods, reporting_delay, type_drift
from analysis.compare import chance_of_rise, poisson_interval
from gis_data.days import previous_period, year_before
from gis_data.periods import Period

ZONE = "Asia/Shanghai"


def period(first, last):
    return Period(*(pd.Timestamp(day, tz=ZONE) for day in (first, pd.Timestamp(last) + pd.Timedelta(days=1))))


APRIL, MAY = period("2024-04-01", "2024-04-30"), period("2024-05-01", "2024-05-31")


def incidents(n, span, rng, *, types=("theft",), villages=("v1",)):
    """Return n incidents at even times of a period."""
    at = span.start + pd.to_timedelta(rng.uniform(0, span.days, n), unit="D")
    return pd.DataFrame({
        "reported_at": at, "occurred_from": at, "occurred_to": at, "count": 1,
        "type": rng.choice(types, n), "village_id": rng.choice(villages, n),
    })  # fmt: skip


def both(n1, n0, seed=0, **labels):
    rng = np.random.default_rng(seed)
    return pd.concat([incidents(n1, MAY, rng, **labels), incidents(n0, APRIL, rng, **labels)], ignore_index=True)


# --- known answers ---


@pytest.mark.parametrize(("mean", "chance"), [(1.6, 27), (3, 32), (6, 27), (19, 12)])
def test_a_rise_by_half_is_common_where_nothing_changed_and_is_called_none(mean, chance):
    """DOMAIN section 7: the chance of +50 % or more at these means, in percent."""
    assert round(100 * chance_of_rise(mean, factor=1.5)) == chance
    called = sum(
        stats.poisson.pmf(n1, mean) * stats.poisson.pmf(n0, mean)
        for n1 in range(60)
        for n0 in range(60)
        if n1 + n0 and 2 * stats.binom.sf(n1 - 1, n1 + n0, 0.5) <= 0.05
    )
    assert called <= 0.025


def test_exact_poisson_limits_of_the_domain_page():
    for count, low, high in ((0, 0, 3.69), (1, 0.03, 5.57), (3, 0.62, 8.77), (5, 1.62, 11.67), (10, 4.80, 18.39)):
        assert poisson_interval(count) == pytest.approx((low, high), abs=5.1e-3)


@given(st.integers(0, 60), st.integers(0, 60))
def test_one_row_equals_scipys_exact_test_over_days(n1, n0):
    row = compare_periods(both(n1, n0), MAY, APRIL).iloc[0]
    assert (row["count"], row["count_before"], row["days"], row["days_before"]) == (n1, n0, 31, 30)
    if n1 + n0 == 0:
        assert (row["word"], row["p_value"]) == ("none", 1)
        return
    tails = [stats.binomtest(n1, n1 + n0, 31 / 61, side).pvalue for side in ("less", "greater")]
    assert row["p_value"] == pytest.approx(min(1, 2 * min(tails)))
    word = "none" if row["p_value"] > 0.05 else "up" if row["ratio"] > 1 else "down"
    assert row["word"] == word
    if row["p_value"] < 0.049:
        assert not row["low"] <= 1 <= row["high"]
    assert np.isnan(row["change_pct"]) == (n0 < 10), "few incidents: no percentage"
    if n0 >= 10:
        assert row["change_pct"] == pytest.approx(100 * (n1 / 31 / (n0 / 30) - 1))


def test_a_running_month_is_compared_with_as_many_days():
    running = period("2024-05-01", "2024-05-12")
    frame = both(310, 300)
    row = compare_periods(frame, running, previous_period(running, "month")).iloc[0]
    assert (row["days"], row["days_before"]) == (12, 12)
    days = frame["reported_at"].dt.tz_localize(None)
    assert row["count"] == ((days >= "2024-05-01") & (days < "2024-05-13")).sum()
    assert row["count_before"] == ((days >= "2024-04-01") & (days < "2024-04-13")).sum()


def test_spring_festival_is_compared_with_spring_festival():
    """Ten times the incidents in each festival week, which moved by 384 days: no change, and a plain year sees one."""
    rng = np.random.default_rng(1)
    frame = pd.concat([incidents(80, period("2009-01-26", "2009-02-01"), rng),
                       incidents(80, period("2010-02-14", "2010-02-20"), rng),
                       incidents(480, period("2008-12-01", "2010-03-31"), rng)], ignore_index=True)  # fmt: skip
    now = period("2010-02-14", "2010-02-20")
    before, aligned = year_before(now, "week")
    assert aligned
    assert compare_periods(frame, now, before)["word"].item() == "none"
    assert compare_periods(frame, now, period("2009-02-15", "2009-02-21"))["word"].item() == "up"


# --- tables ---


def labelled(seed=3):
    return both(400, 380, seed, types=["theft", "assault", "fire"], villages=["v1", "v2", "v3", "v4"])


def test_type_by_area_by_band_adds_up_and_a_planted_rise_is_the_only_one_named():
    rng = np.random.default_rng(5)
    planted = incidents(40, MAY, rng, types=["theft"], villages=["v2"])
    night = planted["reported_at"].dt.normalize() + pd.Timedelta(hours=2)
    planted = planted.assign(reported_at=night, occurred_from=night, occurred_to=night + pd.Timedelta(hours=2))
    frame = pd.concat([labelled(), planted], ignore_index=True)
    table = compare_periods(frame, MAY, APRIL, by=["type", "village_id"], bands=True)
    assert table["count"].sum() == pytest.approx(440)
    assert table["count_before"].sum() == pytest.approx(380)
    named = table[table["word"] != "none"]
    assert named[["type", "village_id", "band", "word"]].to_numpy().tolist() == [["theft", "v2", "00-06", "up"]]
    assert set(table["band"]) == set(BANDS)


def test_an_incident_between_two_bands_counts_in_both_and_an_unknown_hour_in_neither():
    frame = both(2, 0)
    frame["occurred_from"] = pd.Timestamp("2024-05-03 05:00", tz=ZONE)
    frame["occurred_to"] = pd.Timestamp("2024-05-03 08:00", tz=ZONE)
    frame.loc[1, "occurred_from"] = pd.NaT
    table = compare_periods(frame, MAY, APRIL, bands=True).set_index("band")["count"]
    assert table.to_dict() == pytest.approx({"": 1, "00-06": 1 / 3, "06-12": 2 / 3})


def test_rows_too_rare_to_show_anything_do_not_hide_the_others():
    """Three hundred villages with one incident each, and one with 24 against 4: named with them and without them."""
    rng = np.random.default_rng(2)
    busy = pd.concat([incidents(24, MAY, rng), incidents(4, APRIL, rng)])
    rare = incidents(300, MAY, rng).assign(village_id=[f"r{number}" for number in range(300)])
    for frame in (busy, pd.concat([busy, rare])):
        table = compare_periods(frame, MAY, APRIL, by=["village_id"]).set_index("village_id")
        assert table.loc["v1", "word"] == "up"
        assert (table["word"] != "none").sum() == 1
        assert table.loc["v1", "p_adj"] == pytest.approx(table.loc["v1", "p_value"])


@pytest.mark.parametrize("bands", [False, True])
def test_shuffled_rows_and_split_counts_change_nothing(bands):
    frame = labelled().assign(count=np.random.default_rng(1).integers(1, 4, 780))
    table = compare_periods(frame, MAY, APRIL, by=["type"], bands=bands)
    shuffled = compare_periods(frame.sample(frac=1, random_state=1), MAY, APRIL, by=["type"], bands=bands)
    split = frame.loc[frame.index.repeat(frame["count"])].assign(count=1)
    pd.testing.assert_frame_equal(shuffled, table)
    pd.testing.assert_frame_equal(compare_periods(split, MAY, APRIL, by=["type"], bands=bands), table)


def test_null_towns_name_a_change_at_most_at_the_stated_level():
    """300 towns of 8 villages, 3 types and 4 bands; more than 24 with a named change have a chance of under 1 %."""
    alarms = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        frame = both(*rng.poisson([310, 300]), seed, types=["a", "b", "c"], villages=[f"v{i}" for i in range(8)])
        table = compare_periods(frame, MAY, APRIL, by=["type", "village_id"], bands=seed % 2 == 0)
        alarms += bool((table["word"] != "none").any())
    assert alarms <= stats.binom.ppf(0.99, 300, 0.05), f"{alarms} of 300 towns"


# --- areas ---


def test_the_funnel_names_the_area_off_its_exposure_only():
    exposure = pd.Series(np.linspace(400, 3000, 40), index=[f"v{i}" for i in range(40)])
    rng = np.random.default_rng(4)
    count = rng.poisson(exposure * 0.01)
    count[7] += 35
    frame = pd.DataFrame({"village_id": np.repeat(exposure.index, count), "count": 1})
    table, overdispersion = area_funnel(frame, exposure)
    assert overdispersion == 1
    assert table.index[table["side"] == "above"].tolist() == ["v7"]
    assert table["count"].sum() == pytest.approx(table["expected"].sum())
    assert (table["ratio"] > table["high_998"]).sum() == 1
    assert (table["low_998"] <= table["low_95"]).all()


def test_an_area_without_incidents_or_without_exposure_stays_in_the_table():
    frame = pd.DataFrame({"village_id": ["a"] * 9 + ["c"], "count": 1})
    table, _ = area_funnel(frame, pd.Series({"a": 100.0, "b": 100.0, "c": 0.0}))
    assert table["count"].tolist() == [9, 0, 1]
    assert table["expected"].tolist() == [4.5, 4.5, 0]
    assert np.isnan(table.loc["c", "ratio"])
    assert table.loc["c", "side"] == "inside"


# --- what only looks like change ---


def drifting(now, before):
    rows = [(MAY.start, kind, n) for kind, n in now.items()] + [(APRIL.start, kind, n) for kind, n in before.items()]
    return pd.DataFrame([(at, kind, 1) for at, kind, n in rows for _ in range(n)],
                        columns=["reported_at", "type", "count"])  # fmt: skip


def test_a_new_code_a_lost_one_a_jump_and_a_growing_other_are_told():
    frame = drifting(
        {"ebike_theft": 40, "assault": 130, "fire": 30, "debt": 120, "other_help": 60},
        {"theft": 60, "assault": 100, "fire": 32, "debt": 50, "other_help": 20},
    )
    table = type_drift(frame, MAY, APRIL).set_index("type")
    warned = table.loc[table["warning"] != "", "warning"].to_dict()
    assert warned == {"debt": "jump", "theft": "gone", "ebike_theft": "new", "other_help": "other_grows"}
    fisher = stats.fisher_exact([[120, 260], [50, 212]], "greater").pvalue
    assert table.loc["debt", "p_adj"] >= 2 * fisher * (1 - 1e-9)
    assert table["share_pct"].sum() == pytest.approx(100)


def test_the_same_mix_twice_as_often_is_no_drift():
    mix = {"theft": 40, "assault": 100, "other": 30}
    table = type_drift(drifting({kind: 2 * n for kind, n in mix.items()}, mix), MAY, APRIL)
    assert (table["warning"] == "").all()
    assert (type_drift(drifting(mix, {}), MAY, APRIL)["warning"] == "").all(), "nothing to compare with"


def delayed(rng, n, *, first, days, mean_delay):
    occurred = pd.Timestamp(first, tz=ZONE) + pd.to_timedelta(rng.uniform(0, days, n), unit="D")
    reported = occurred + pd.to_timedelta(rng.exponential(mean_delay, n), unit="D")
    return pd.DataFrame({"occurred_from": occurred, "occurred_to": occurred, "reported_at": reported, "count": 1})


def test_reports_still_to_come_are_estimated():
    """Delays of 2 days on average, known from 16 days only: how many of the last five days' reports are missing.

    Taking all delays seen so far as they are would find a fifth too few: the latest days can only show short ones.
    """
    estimates, truths = [], []
    now, as_of = period("2024-05-27", "2024-05-31"), pd.Timestamp("2024-06-01", tz=ZONE)
    for seed in range(30):
        everything = delayed(np.random.default_rng(seed), 600, first="2024-05-16", days=16, mean_delay=2.0)
        told = reporting_delay(everything, now, period("2024-05-22", "2024-05-26"), as_of=as_of)
        assert told.is_incomplete
        assert told.incidents == (everything["reported_at"] < as_of).sum()
        held = now.holds(everything["occurred_from"])
        truths.append((held & (everything["reported_at"] >= as_of)).sum())
        estimates.append(told.missing)
    assert np.mean(estimates) == pytest.approx(np.mean(truths), rel=0.1)


def test_prompt_reports_leave_nothing_to_come():
    frame = delayed(np.random.default_rng(1), 900, first="2024-01-01", days=152, mean_delay=0.01)
    told = reporting_delay(frame, MAY, APRIL, as_of=pd.Timestamp("2024-06-02", tz=ZONE))
    assert told.completeness > 0.99
    assert not told.is_incomplete
    assert (told.median_days, told.late_word) == (0, "none")
    nobody = reporting_delay(frame.iloc[:0], MAY, APRIL, as_of=MAY.end)
    assert (nobody.incidents, nobody.completeness, nobody.is_incomplete) == (0, 1.0, False)


def test_slower_reports_are_told_and_a_short_view_does_not_make_them_look_prompt():
    rng = np.random.default_rng(3)
    slower = pd.concat([delayed(rng, 300, first="2024-04-01", days=30, mean_delay=0.3),
                        delayed(rng, 300, first="2024-05-01", days=31, mean_delay=3.0)])  # fmt: skip
    assert reporting_delay(slower, MAY, APRIL, as_of=MAY.end).late_word == "up"
    now, before = period("2024-05-18", "2024-05-31"), period("2024-05-04", "2024-05-17")
    words = [
        reporting_delay(delayed(np.random.default_rng(seed), 800, first="2024-05-04", days=28, mean_delay=2.0),
                        now, before, as_of=now.end).late_word
        for seed in range(40)
    ]  # fmt: skip
    assert sum(word != "none" for word in words) <= stats.binom.ppf(0.99, 40, 0.05)


def test_delays_are_the_same_for_split_counts():
    frame = delayed(np.random.default_rng(1), 200, first="2024-04-01", days=61, mean_delay=2.0).assign(count=2)
    split = frame.loc[frame.index.repeat(2)].assign(count=1).sample(frac=1, random_state=1)
    assert reporting_delay(frame, MAY, APRIL, as_of=MAY.end) == reporting_delay(split, MAY, APRIL, as_of=MAY.end)
