"""The table's words: months above expectation, expiry, hours, size and stability of a hotspot."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.activity import Activity, activity, expires_at, monthly_counts, months_of
from analysis.chance_surface import ChanceSurface, Grid
from analysis.hotspot_table import FEWEST_TIMES, explain
from analysis.piles import Chance, GridFinder, PileRule, by_chance
from analysis.stability import jaccard, stability
from gis_data.errors import InputError
from gis_data.periods import Period
from tests.analysis.test_hotspots import FIRST, SETTINGS, SOUTH, WEST, even, find, incidents, search, town

MARKET = (WEST + 2_100, SOUTH + 900)


def in_months(months, rng, *, each=3, where=MARKET):
    """Return incidents at one place, so many in each month of 2024."""
    frame = incidents(rng.normal(where, 20, (each * len(months), 2)))
    when = [FIRST + pd.DateOffset(months=month - 1, days=int(day)) for month in months for day in range(1, each + 1)]
    return frame.assign(reported_at=when, occurred_from=when, occurred_to=when)


def with_town(here, rng, *, n=240):
    """Add an even town, twenty incidents a month."""
    frame = incidents(even(n, rng))
    when = [FIRST + pd.DateOffset(months=number % 12, days=number // 12) for number in range(n)]
    return pd.concat([here, frame.assign(reported_at=when, occurred_from=when, occurred_to=when)], ignore_index=True)


def at_market(table):
    return table[table.covers(shapely.Point(MARKET))].iloc[0]


# --- months and expiry ---


def test_a_month_is_active_when_it_has_more_than_its_share_of_the_towns():
    months = months_of(Period(FIRST, FIRST + pd.DateOffset(months=4)))
    here = in_months([1, 1, 2, 3], np.random.default_rng(1), each=1)
    signs = activity(here, np.array([10, 10, 40, 20]), expected=4.0, months=months)
    assert signs.count.tolist() == [2, 1, 1, 0]
    assert signs.expected.tolist() == [0.5, 0.5, 2.0, 1.0]
    # Two where half a one is expected: 1 - exp(-0.5) (1 + 0.5) = 0.09; one: 1 - exp(-0.5) = 0.39.
    assert signs.active.tolist() == [True, False, False, False]
    assert str(signs.last_active()) == "2024-01"
    assert activity(here.iloc[:0], np.array([10, 10, 40, 20]), 4.0, months).last_active() is None


@pytest.mark.parametrize(("counts", "run"), [
    ([0, 1, 0, 0, 5, 4, 6, 0, 0, 0, 1, 0], (5, 7)),
    ([2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2], (1, 12)),
    ([0, 0, 3, 0, 3, 3, 0, 0, 0, 0, 0, 0], (3, 6)),
])  # fmt: skip
def test_the_strongest_run_of_months_leaves_strays_out(counts, run):
    months = months_of(Period(FIRST, FIRST + pd.DateOffset(years=1)))
    found = Activity(months, np.array(counts), np.full(12, 0.2)).strongest_run()
    assert [month.month for month in found] == list(run)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_the_strongest_run_is_the_likeliest_of_all_runs_tried_one_by_one(seed):
    rng = np.random.default_rng(seed)
    counts, expected = rng.poisson(rng.choice([0.5, 3.0], 12)), rng.uniform(0.3, 2.5, 12)
    runs = {
        (first, end): stats.poisson.logpmf(c, c) - stats.poisson.logpmf(c, e)
        for first in range(12) for end in range(first + 1, 13)
        if (c := counts[first:end].sum()) > (e := expected[first:end].sum())
    }  # fmt: skip
    if runs:
        months = months_of(Period(FIRST, FIRST + pd.DateOffset(years=1)))
        first, last = Activity(months, counts, expected).strongest_run()
        assert runs[first.month - 1, last.month] == pytest.approx(max(runs.values()))


def test_months_are_calendar_months_of_local_time():
    period = Period(pd.Timestamp("2024-01-15", tz="Asia/Shanghai"), pd.Timestamp("2024-03-01", tz="Asia/Shanghai"))
    months = months_of(period)
    assert months.astype(str).tolist() == ["2024-01", "2024-02"]
    late = pd.DataFrame({"reported_at": [pd.Timestamp("2024-01-31 23:30", tz="Asia/Shanghai")], "count": [4]})
    assert monthly_counts(late, months).tolist() == [4, 0]
    assert expires_at(months[0], 6, period.start.tz) == pd.Timestamp("2024-08-01", tz="Asia/Shanghai")


@pytest.mark.parametrize(("last_month", "status"), [(12, "hotspot"), (6, "expired")])
def test_a_hotspot_without_signs_for_six_months_is_expired(last_month, status):
    rng = np.random.default_rng(3)
    frame = with_town(in_months(range(last_month - 4, last_month + 1), rng, each=8), rng)
    row = at_market(find(frame, years=366 / 365.25))
    assert row["p_value"] <= SETTINGS.alpha
    assert row["status"] == status
    assert row["is_hotspot"] == (status == "hotspot")
    assert row["expires_at"] == FIRST + pd.DateOffset(months=last_month + 6)
    assert (row["months"], row["months_active"]) == (12, 5)
    key = f"hotspots.because.{status}_until"
    assert dict(explain(row))[key] == {"day": f"{row['expires_at']:%Y-%m-%d}"}
    longer = dataclasses.replace(SETTINGS, expire_after_months=8)
    assert at_market(find(frame, chosen=longer, years=366 / 365.25))["status"] == "hotspot"


# --- hours ---


def test_hours_weigh_the_incidents_a_row_stands_for():
    """Thirty rows at 01:00 and one row of ninety at 13:00."""
    rng = np.random.default_rng(4)
    night = incidents(rng.normal(MARKET, 15, (30, 2)), hour=1)
    noon = incidents(rng.normal(MARKET, 15, (1, 2)), hour=13, count=90)
    row = at_market(find(pd.concat([night, noon, incidents(even(60, rng))], ignore_index=True)))
    start, end = map(int, row["peak_hours"].split("-"))
    assert start <= 13 < end
    assert row["peak_share_pct"] > 70
    assert row["hours_known"] == row["count"]


def test_too_few_known_times_name_no_hours():
    frame = town(np.random.default_rng(3))
    at = frame.within(shapely.Point(MARKET).buffer(150))
    frame.loc[at, ["occurred_from", "occurred_to"]] = FIRST + pd.Timedelta(hours=2)
    assert at_market(find(frame))["peak_hours"]
    unknown = frame.index[at][: at.sum() - FEWEST_TIMES + 1]
    frame.loc[unknown, ["occurred_from", "occurred_to"]] = pd.NaT
    row = at_market(find(frame))
    assert (row["peak_hours"], row["hours_known"]) == ("", FEWEST_TIMES - 1)
    assert dict(explain(row))["hotspots.because.few_hours"] == {"known": FEWEST_TIMES - 1, "fewest": FEWEST_TIMES}


# --- size ---


def test_ground_below_the_least_area_is_told_as_an_address():
    row = at_market(find(town(np.random.default_rng(3)), chosen=dataclasses.replace(SETTINGS, min_area_m2=1e5)))
    assert row["size"] == "address"
    assert row["area_m2"] == pytest.approx(row.geometry.area)
    assert [key for key, _ in explain(row) if key.endswith("small")]
    assert at_market(find(town(np.random.default_rng(3))))["size"] == "area"


# --- stability ---


def test_a_strong_hotspot_comes_back_more_often_than_a_weak_one():
    rng = np.random.default_rng(5)
    piles = [rng.normal((WEST + x, SOUTH + 900), 25, (n, 2)) for x, n in ((700, 60), (2_100, 12))]
    frame = incidents(np.vstack([*piles, even(120, rng)]))
    found = find(frame, chosen=dataclasses.replace(SETTINGS, resamples=40))
    strong, weak = (found[found.covers(shapely.Point(WEST + x, SOUTH + 900))].iloc[0] for x in (700, 2_100))
    assert strong["stability_pct"] > 90
    assert weak["status"] == "chance" or weak["stability_pct"] < strong["stability_pct"]
    assert np.isnan(found.loc[found["status"] == "chance", "stability_pct"]).all()


def test_stability_is_the_share_of_resamples_with_the_same_ground():
    """Counted again by resampling rows by hand, grounds as sets of cells; the market's points have two rows each."""
    rng = np.random.default_rng(6)
    xy, weight = np.vstack([rng.normal(MARKET, 30, (7, 2)), even(100, rng)]), np.repeat([2.0, 1.0], [7, 100])
    rows = np.repeat(xy, weight.astype(int), axis=0)
    land = shapely.box(WEST, SOUTH, WEST + 3_000, SOUTH + 3_000)
    grid = Grid.over(land, cell_m=200 / 6, margin_m=600)
    surface = ChanceSurface.around(xy, weight, grid, opportunity=[], bandwidth_m=300, detail_m=25)
    finder = GridFinder(surface, PileRule(200.0, 6, 0.5))
    chance = by_chance(finder, simulations=39, rng=rng, progress=lambda share: None)
    ground = surface.cells_in(shapely.Point(MARKET).buffer(130))
    back = stability(
        xy, weight, [ground], finder, chance,
        alpha=0.05, resamples=400, rng=rng, progress=lambda share: None,
    )[0]  # fmt: skip
    seen = 0
    for _ in range(400):
        piles = finder.find(rows[rng.integers(114, size=114)], np.ones(114))
        inside = piles.count * np.log(piles.count / piles.expected)
        outside = (114 - piles.count) * np.log((114 - piles.count) / (114 - piles.expected))
        ratio = np.where(piles.count > piles.expected, inside + outside, 0)
        taken, hit = set(), False
        for i in np.argsort(-ratio, kind="stable"):
            cells = set(piles.cells[i].tolist())
            if (chance.largest >= ratio[i]).sum() <= 1 and not cells & taken:
                taken |= cells
                hit |= len(cells & set(ground.tolist())) / len(cells | set(ground.tolist())) >= 0.5
        seen += hit
    part = surface.cells_in(shapely.Point(MARKET).buffer(60))  # less than half of any ground around the market
    less = stability(xy, weight, [part], finder, chance, alpha=0.05, resamples=60, rng=rng, progress=lambda share: None)
    assert less[0] == 0
    assert 0.05 < back < 0.98
    assert back == pytest.approx(seen / 400, abs=0.12)


def test_jaccard_is_shared_ground_over_all_ground():
    assert jaccard(np.array([1, 2, 3]), np.array([2, 3, 4, 5])) == 2 / 5
    assert jaccard(np.array([1]), np.array([2])) == 0


def test_without_resamples_there_is_no_stability():
    none = stability(
        np.zeros((1, 2)), np.ones(1), [np.array([1])], None, Chance(np.zeros(1), np.zeros(1)),
        alpha=0.05, resamples=0, rng=np.random.default_rng(1), progress=lambda share: None,
    )  # fmt: skip
    assert np.isnan(none).all()


# --- how the search is told ---


def test_eps_comes_from_the_data_unless_given_and_is_told():
    frame = town(np.random.default_rng(3))
    found = search(frame, chosen=dataclasses.replace(SETTINGS, eps_m=0.0))
    assert found.reach.rule in ("chance", "knee")
    assert found.reach.chance_clusters <= 1
    assert at_market(found.table)["is_hotspot"]
    assert (search(frame).reach.rule, search(frame).reach.eps_m) == ("given", 200.0)
    assert found.uncut == 0


def test_hdbscan_finds_the_planted_place_too():
    frame = town(np.random.default_rng(3))
    found = search(frame, chosen=dataclasses.replace(SETTINGS, method="hdbscan", simulations=19)).table
    assert at_market(found)["p_value"] == 1 / 20
    assert 36 <= at_market(found)["count"] <= 50


def test_an_unknown_method_is_told():
    with pytest.raises(InputError, match="optics"):
        search(town(np.random.default_rng(3)), chosen=dataclasses.replace(SETTINGS, method="optics"))
