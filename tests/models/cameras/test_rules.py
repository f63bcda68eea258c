"""The three rules: the reference town's known counts, the boundary case, and a disorder rule that nobody can tick."""

import numpy as np
import pandas as pd
import pytest

from gis_data.catalogue import LANGUAGES, text
from gis_data.errors import InputError, SchemaError
from gis_data.periods import Period
from gis_data.settings import CameraSettings
from models.cameras.rules import RULES, cover_by_rule, name_villages, reasons

ZONE = "Asia/Shanghai"
PERIOD = Period(pd.Timestamp("2022-01-01", tz=ZONE), pd.Timestamp("2024-01-01", tz=ZONE))


def villages(population, *, market_days=""):
    n = len(population)
    days = [market_days] * n if isinstance(market_days, str) else market_days
    return pd.DataFrame(
        {
            "village_id": [f"V{k}" for k in range(n)],
            "name": [f"村{k}" for k in range(n)],
            "population": population,
            "market_days": days,
        }
    )


def incidents(*rows):
    """Rows of (village number, days before the period's end, how many, kind, origin)."""
    table = pd.DataFrame(rows, columns=["village", "days_before", "count", "type", "origin"])
    at = [PERIOD.end - pd.Timedelta(days=days) for days in table["days_before"]]
    return table.assign(
        village_id="V" + table["village"].astype(str), reported_at=pd.Series(at, dtype=f"datetime64[us, {ZONE}]"),
        incident_class="criminal", caught_count=0,
    )  # fmt: skip


def disordered_town(*, latest=9, earlier=9, kind="theft", origin="reported"):
    """Forty villages with one theft each half-year; village 7 has more of something."""
    rows = [(k, days, 1, "theft", "reported") for k in range(40) for days in (60, 250)]
    return incidents(*rows, (7, 50, latest, kind, origin), (7, 240, earlier, kind, origin))


def disorderly(table, *, people=None, **settings):
    named = name_villages(villages(people or [700] * 40), table, period=PERIOD, settings=CameraSettings(**settings))
    return list(named.loc[named["disorder_rule"], "village_id"])


@pytest.mark.parametrize(("sign", "count"), [(">", 5), (">=", 6)])
def test_reference_town_has_five_villages_above_1500_and_six_from_it_on(shared_data, sign, count):
    table = pd.read_csv(shared_data.parent / "domain" / "villages_reference.csv", encoding="utf-8-sig")
    table = table.rename(columns={"pop": "population"}).assign(market_days=table["market_days"].fillna(""))
    none = disordered_town().iloc[:0]
    named = name_villages(table, none, period=PERIOD, settings=CameraSettings(population_operator=sign))
    assert named["population_rule"].sum() == count
    assert named["named"].sum() == {">": 9, ">=": 10}[sign]


@pytest.mark.parametrize(("sign", "named"), [(">", [False, False, True]), (">=", [False, True, True])])
def test_exactly_1500_people_depend_on_the_operator(sign, named):
    table = name_villages(
        villages([1499, 1500, 1501]),
        disordered_town().iloc[:0],
        period=PERIOD,
        settings=CameraSettings(population_operator=sign),
    )
    assert list(table["population_rule"]) == named


def test_another_operator_is_refused():
    with pytest.raises(SchemaError, match="≥"):
        name_villages(villages([1]), disordered_town(), period=PERIOD, settings=CameraSettings(population_operator="≥"))


def test_a_village_is_disorderly_only_when_both_half_years_stand_out():
    assert disorderly(disordered_town()) == ["V7"]
    assert disorderly(disordered_town(earlier=1)) == []
    assert disorderly(disordered_town(latest=1)) == []


@pytest.mark.parametrize(
    ("kind", "origin"),
    [("theft", "discovered"), ("domestic_violence", "reported"), ("fraud", "reported"), ("neighbour", "reported")],
)
def test_what_patrols_found_what_has_no_place_and_what_no_camera_prevents_never_makes_disorder(kind, origin):
    assert disorderly(disordered_town(latest=60, earlier=60, kind=kind, origin=origin)) == []


def test_a_rate_needs_people_and_a_small_count_in_a_big_village_is_no_disorder():
    people = [700] * 40
    people[7] = 0
    assert disorderly(disordered_town(), people=people) == []
    people[7] = 9000
    assert disorderly(disordered_town(), people=people) == []


def test_equal_villages_have_no_disorderly_one():
    rows = [(k, days, 3, "theft", "reported") for k in range(40) for days in (60, 250)]
    assert disorderly(incidents(*rows)) == []


def test_a_period_shorter_than_two_windows_judges_nobody():
    short = Period(PERIOD.end - pd.Timedelta(weeks=40), PERIOD.end)
    named = name_villages(villages([700] * 40), disordered_town(), period=short, settings=CameraSettings())
    assert not named["disorder_rule"].any()


def test_quarters_are_read_where_counts_allow():
    few = name_villages(villages([700] * 40), disordered_town(), period=PERIOD, settings=CameraSettings())
    many_rows = [(k, days, 6, "theft", "reported") for k in range(40) for days in range(30, 730, 91)]
    many = name_villages(villages([700] * 40), incidents(*many_rows), period=PERIOD, settings=CameraSettings())
    assert (set(few["window_weeks"]), set(many["window_weeks"])) == ({26}, {13})


def test_the_figures_behind_the_rule_are_counts_of_the_two_windows():
    named = name_villages(villages([700] * 40), disordered_town(), period=PERIOD, settings=CameraSettings()).set_index(
        "village_id"
    )
    assert (named.loc["V7", "count_1"], named.loc["V7", "count_2"]) == (10, 10)
    town = 10_000 * (40 + 9) / (40 * 700) / (26 * 7 / 365.25)
    assert named.loc["V7", "town_per_10k_2"] == pytest.approx(town)
    assert (
        town
        < named.loc["V7", "low_per_10k_2"]
        < named.loc["V7", "rate_per_10k_2"]
        < 10_000 * 10 / 700 / (26 * 7 / 365.25)
    )


def by_settings(people, **settings):
    return name_villages(villages(people), disordered_town(), period=PERIOD, settings=CameraSettings(**settings))


def test_villages_named_by_hand_carry_the_reason_and_unknown_or_unreasoned_ones_are_refused():
    table = by_settings([9, 9, 9], also_villages="村1=新市场; V2=代表要求")
    assert list(table["reasons"]) == ["", "by_hand", "by_hand"]
    assert list(table["by_hand_reason"]) == ["", "新市场", "代表要求"]
    for setting in ("also_villages", "deferred_villages"):
        with pytest.raises(InputError, match=f"{setting}.*没有村"):
            by_settings([9], **{setting: "没有村=x"})
        with pytest.raises(InputError, match=f"{setting}.*村0"):
            by_settings([9], **{setting: "村0"})


def test_a_village_put_off_is_not_planned_and_is_counted_apart():
    table = by_settings([1600, 1700, 9], deferred_villages="村1=修路; 村2=不符合")
    assert list(table["named"]) == [True, False, False]
    assert list(table["population_rule"]) == [True, True, False]
    told = reasons(table.to_dict("records")[1], settings=vars(CameraSettings()))
    assert told[-1] == ("cameras.rule.deferred", {"reason": "修路"})
    counted = cover_by_rule(table).set_index("rule")["people"]
    assert counted.loc[["any", "deferred", "none"]].tolist() == [1600, 1700, 9]


def test_the_disorder_rule_holds_for_one_window_and_says_until_when():
    table = by_settings([700] * 40)
    assert set(table["disorder_until"]) == {"2024-07-01"}
    told = dict(reasons(table.to_dict("records")[7], settings=vars(CameraSettings())))
    assert told["cameras.rule.disorder"]["until"] == "2024-07-01"


def test_each_rule_tells_the_people_and_incidents_it_covers_and_none_those_left_out():
    people = [2000] + [700] * 39
    named = name_villages(
        villages(people, market_days=["", "5,10"] + [""] * 38),
        disordered_town(),
        period=PERIOD,
        settings=CameraSettings(),
    )
    table = cover_by_rule(named).set_index("rule")
    assert list(table.index) == [*RULES, "any", "none"]
    assert list(table["villages"]) == [1, 1, 1, 0, 3, 37]
    assert list(table["people"]) == [2000, 700, 700, 0, 3400, 37 * 700]
    assert list(table["incidents"]) == [2, 2, 20, 0, 24, 74]
    assert table.loc[["any", "none"], "people_pct"].sum() == pytest.approx(100)


def test_every_reason_is_a_sentence_in_both_languages():
    people = [2000] + [700] * 39
    settings = CameraSettings(also_villages="村3=村民要求", deferred_villages="村0=修路")
    named = name_villages(
        villages(people, market_days=["", "5,10"] + [""] * 38), disordered_town(), period=PERIOD, settings=settings
    )
    told = {key for village in named.to_dict("records") for key, _ in reasons(village, settings=vars(settings))}
    assert told == {f"cameras.rule.{rule}" for rule in (*RULES, "none", "deferred")}
    for village in named.to_dict("records"):
        for key, values in reasons(village, settings=vars(settings)):
            assert all("{" not in text(key, lang=lang, **values) for lang in LANGUAGES)
    assert np.isfinite(named.loc[7, "low_per_10k_1"])
