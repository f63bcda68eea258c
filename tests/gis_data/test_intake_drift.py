"""Code tables that change within the year are told; months of usual calls and seasons are not."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gis_data.intake import drift

USUAL = {("criminal", "burglary"): 0.25, ("public_order", "assault"): 0.25, ("dispute", "neighbour"): 0.2,
         ("help", "other_help"): 0.1, ("traffic", "crash"): 0.2}  # fmt: skip


def month(when: str, mix: dict[tuple[str, str], float], rng: np.random.Generator, *, rows: int = 200) -> pd.DataFrame:
    kinds = list(mix)
    share = np.array(list(mix.values()))
    drawn = [kinds[n] for n in rng.choice(len(kinds), rows, p=share / share.sum())]
    at = pd.Timestamp(when, tz="Asia/Shanghai") + pd.to_timedelta(rng.uniform(0, 27 * 1440, rows), unit="min")
    table = pd.DataFrame(drawn, columns=["incident_class", "type"]).assign(reported_at=at, count=1)
    return table.assign(word=table["type"] + "词")


def months(*mixes: dict[tuple[str, str], float], seed: int = 1, start: str = "2023-01-01") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    starts = pd.date_range(start, periods=len(mixes), freq="MS")
    return pd.concat(
        [month(str(when.date()), mix, rng) for when, mix in zip(starts, mixes, strict=True)], ignore_index=True
    )


def find(rows: pd.DataFrame, before: pd.DataFrame | None = None) -> drift.Drift:
    return drift.find_drift(rows, rows.iloc[:0] if before is None else before, by_festival=True)


def noted(found: drift.Drift) -> set[tuple[str, str, str]]:
    return set(found.told[["note", "month", "kind"]].itertuples(index=False, name=None))


RECODED = {("criminal", "burglary"): 0.25, ("public_order", "assault"): 0.03, ("dispute", "other_dispute"): 0.42,
           ("help", "other_help"): 0.1, ("traffic", "crash"): 0.2}  # fmt: skip


def test_public_order_dropped_to_dispute_is_told_in_the_month_it_begins():
    rows = months(USUAL, USUAL, USUAL, USUAL, RECODED)
    found = find(rows)
    told = noted(found)
    assert {("share_jump", "2023-05", kind) for kind in ("public_order", "assault", "dispute", "other_dispute")} <= told
    assert {month for _, month, _ in told} == {"2023-05"}
    flags = found.notes["share_jump"]
    in_may = rows["reported_at"].dt.month == 5
    assert flags[in_may & rows["incident_class"].isin(["public_order", "dispute"])].all()
    assert not flags[~in_may | (rows["incident_class"] == "traffic")].any()


def test_the_months_of_earlier_imports_count_as_before():
    before, rows = months(USUAL, USUAL, USUAL), months(RECODED, start="2023-04-01")
    assert not noted(find(rows))
    assert ("share_jump", "2023-04", "dispute") in noted(find(rows, before))
    assert len(find(rows, before).notes["share_jump"]) == len(rows)


def test_a_season_seen_the_year_before_is_no_drift():
    harvest = {("fire_rescue", "straw_burning"): 0.3} | USUAL
    year = [USUAL] * 5 + [harvest] + [USUAL] * 6
    two = months(*year, *year)
    told = noted(find(two))
    assert ("share_jump", "2023-06", "straw_burning") in told
    assert not {one for one in told if one[1] >= "2024-01"}


def test_other_that_creeps_up_is_told_although_no_month_jumps():
    mixes = [USUAL | {("help", "other_help"): 0.1 * 1.13**n} for n in range(10)]
    told = noted(find(months(*mixes)))
    assert {note for note, _, _ in told} == {"rest_growing"}
    assert max(month for _, month, _ in told) == "2023-10"


def test_words_never_seen_before_are_told_once_when_they_are_many():
    rows = months(USUAL, USUAL, USUAL, USUAL)
    later = rows["reported_at"].dt.month >= 3
    rows["word"] = rows["word"].mask(later & (rows["type"] == "burglary"), "100101")
    rows.loc[rows.index[-1], "word"] = "偶见一次"
    found = find(rows)
    assert noted(found) == {("word_new", "2023-03", "100101")}
    assert found.notes["word_new"].sum() == ((rows["reported_at"].dt.month == 3) & (rows["word"] == "100101")).sum()


def test_months_of_usual_calls_are_told_no_more_often_than_the_level_says():
    runs = 40
    false = sum(len(find(months(*[USUAL] * 12, seed=seed)).told) > 0 for seed in range(runs))
    assert false <= stats.binom.ppf(0.999, runs, 3 * drift.ALPHA)


@pytest.mark.parametrize("rows", [months(USUAL), months(USUAL, RECODED).iloc[:0], months(USUAL, RECODED).iloc[:40]])
def test_too_little_to_compare_tells_nothing(rows: pd.DataFrame):
    found = find(rows)
    assert len(found.told) == 0
    assert not any(flags.any() for flags in found.notes.values())


def test_counts_of_aggregated_sheets_weigh():
    rows = months(USUAL, USUAL, USUAL, RECODED)
    grouped = rows.assign(day=rows["reported_at"].dt.normalize()).groupby(
        ["day", "incident_class", "type", "word"], as_index=False)["count"].sum()  # fmt: skip
    assert noted(find(grouped.rename(columns={"day": "reported_at"}))) == noted(find(rows))


@pytest.mark.parametrize("seed", range(4))
def test_chances_that_may_tell_anything_are_fishers(seed: int):
    rng = np.random.default_rng(seed)
    rows, earlier = rng.integers(25, 80, 60), rng.integers(50, 200, 60)
    table = pd.DataFrame(
        {"has": rng.integers(0, rows // 3), "had": rng.integers(0, earlier // 4), "rows": rows, "earlier": earlier}
    )
    squares = [[[a, r - a], [b, e - b]] for a, b, r, e in table.to_numpy().tolist()]
    high, low = (
        np.array([stats.fisher_exact(square, alternative=side).pvalue for square in squares])
        for side in ("greater", "less")
    )
    for both_ways, wanted in ((False, high), (True, np.minimum(1, 2 * np.minimum(low, high)))):
        found = drift.chance_of(table, both_ways=both_ways)
        told = wanted < 0.5
        assert told.sum() > 5
        np.testing.assert_allclose(found[told], wanted[told], rtol=1e-9)
        assert (found[~told] >= 0.5).all()
