"""Which villages get cameras: the town plan's three rules, each a reason of its own, and whom each one leaves out.

In:     villages and incidents of the planning period.
Out:    all villages with one flag a rule and the figures behind it; a table of people and reported incidents per rule.
Method: «人口超过1500人以上» mixes > and >=, so the operator is a setting. «治安混乱» has no measure in the text; here a
        village is disorderly when in each of the last two quarters its shrunken rate of reported preventable
        incidents (gamma-Poisson, ``analysis.compare``) is in the town's top decile AND the rate's lower limit is above
        the town's mean rate. Where villages have too few incidents a quarter for any limit to say something, the two
        last half years are read instead. Nobody can tick the rule, and it holds for one such window: then newer figures
        decide. A village named by hand, or put off (缓建: «in principle» allows it), is shown with the reason given.
"""

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis import compare
from gis_data.errors import InputError, SchemaError
from gis_data.periods import Period
from gis_data.settings import CameraSettings
from gis_data.taxonomy import PREVENTABLE, drives_allocation

RULES = ("population", "market", "disorder", "by_hand")
QUARTER_WEEKS, HALF_YEAR_WEEKS = 13, 26
WINDOWS = 2
WEEKS_A_YEAR = 365.25 / 7

_OPERATORS = {">": operator.gt, ">=": operator.ge}


def name_villages(
    villages: pd.DataFrame, incidents: pd.DataFrame, *, period: Period, settings: CameraSettings
) -> pd.DataFrame:
    """Say for every village which rules name it.

    Returns
    -------
    pandas.DataFrame
        One row per village: ``population``, ``incidents`` (reported, in the period), one flag per rule of ``RULES``,
        ``named`` (any flag, and not put off), ``reasons`` (the rules' names, joined by ";"), ``by_hand_reason`` and
        ``deferred`` (why; "" where it is not), and the disorder figures of both windows.

    Raises
    ------
    SchemaError
        If the population operator is neither ">" nor ">=".
    InputError
        If a village named by hand or put off does not exist, or no reason is given.
    """
    if settings.population_operator not in _OPERATORS:
        raise SchemaError("cameras.operator", found=settings.population_operator)
    reported = drives_allocation(incidents)
    over = _OPERATORS[settings.population_operator]
    table = pd.DataFrame(villages.drop(columns="geometry", errors="ignore"))[
        ["village_id", "name", "population", "market_days"]
    ].reset_index(drop=True)
    table["incidents"] = _count_by_village(reported, table["village_id"])
    figures = disorder_figures(table, reported, period=period, settings=settings)
    table = pd.concat([table, figures], axis=1)
    table["population_rule"] = over(table["population"], settings.population_over)
    table["market_rule"] = table["market_days"] != ""
    table["disorder_rule"] = table.pop("disorderly")
    table["by_hand_reason"] = _said_of(table, settings.also_villages, "also_villages")
    table["by_hand_rule"] = table["by_hand_reason"] != ""
    table["deferred"] = _said_of(table, settings.deferred_villages, "deferred_villages")
    flags = table[[f"{rule}_rule" for rule in RULES]]
    table["named"] = flags.any(axis=1) & (table["deferred"] == "")
    table["reasons"] = [";".join(np.array(RULES)[row]) for row in flags.to_numpy(dtype=bool)]
    return table


def disorder_figures(
    villages: pd.DataFrame, reported: pd.DataFrame, *, period: Period, settings: CameraSettings
) -> pd.DataFrame:
    """Return per village the figures of the last two windows and whether they make it disorderly.

    Columns: ``window_weeks``; ``disorder_until``, the day until which the judgement holds; then for window 1 (older)
    and 2 (latest) ``count_k``, ``rate_per_10k_k`` (shrunken, a year), ``low_per_10k_k``, ``town_per_10k_k``,
    ``top_decile_per_10k_k``; and ``disorderly``. A period shorter than two windows makes nobody disorderly: its figures
    are NaN.
    """
    preventable = reported[reported["type"].isin(PREVENTABLE)]
    weeks = window_weeks(preventable, villages, period=period, settings=settings)
    until = period.end + pd.Timedelta(weeks=weeks)
    figures: dict[str, object] = {"window_weeks": weeks, "disorder_until": f"{until:%Y-%m-%d}"}
    disorderly = np.ones(len(villages), dtype=bool)
    for k in range(1, WINDOWS + 1):
        end = period.end - pd.Timedelta(weeks=weeks * (WINDOWS - k))
        window = Period(end - pd.Timedelta(weeks=weeks), end)
        count = _count_by_village(preventable[window.holds(preventable["reported_at"])], villages["village_id"])
        figures[f"count_{k}"] = count
        rate, low, town, top = _window_rates(count, villages["population"], weeks, settings)
        if window.start < period.start:
            rate, low = np.full(len(villages), np.nan), np.full(len(villages), np.nan)
        disorderly &= (rate >= top) & (low > town)
        figures |= {
            f"rate_per_10k_{k}": rate,
            f"low_per_10k_{k}": low,
            f"town_per_10k_{k}": town,
            f"top_decile_per_10k_{k}": top,
        }
    return pd.DataFrame(figures | {"disorderly": disorderly}, index=villages.index)


def window_weeks(preventable: pd.DataFrame, villages: pd.DataFrame, *, period: Period, settings: CameraSettings) -> int:
    """Return 13 where the average village has enough preventable incidents a quarter to be judged, else 26."""
    quarters = period.weeks / QUARTER_WEEKS
    known = preventable["village_id"].isin(villages["village_id"])
    per_quarter = preventable.loc[known, "count"].sum() / max(len(villages), 1) / max(quarters, 1e-9)
    return QUARTER_WEEKS if per_quarter >= settings.disorder_quarter_count else HALF_YEAR_WEEKS


def reasons(village: Mapping[str, Any], *, settings: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return catalogue keys and values that say why a village is named, or that no rule names it.

    Parameters
    ----------
    village
        One row of ``name_villages``.
    settings
        The camera settings as written in the plan.
    """
    figures = {f"{name}_{k}": village.get(f"{name}_per_10k_{k}") for name in ("rate", "low", "town") for k in (1, 2)}
    values = {
        "population": {
            "population": village["population"],
            "operator": settings["population_operator"],
            "population_over": settings["population_over"],
        },
        "market": {"market_days": village["market_days"]},
        "disorder": {"weeks": village["window_weeks"], "until": village["disorder_until"]}
        | {name: f"{rate:.0f}" for name, rate in figures.items()},
        "by_hand": {"reason": village["by_hand_reason"]},
    }
    named = [rule for rule in RULES if village[f"{rule}_rule"]]
    found = [(f"cameras.rule.{rule}", values[rule]) for rule in named] or [("cameras.rule.none", {})]
    return [*found, ("cameras.rule.deferred", {"reason": village["deferred"]})] if village["deferred"] else found


def cover_by_rule(named: pd.DataFrame) -> pd.DataFrame:
    """Return villages, people and reported incidents that each rule covers, that any covers, and that none does.

    Villages put off are a row of their own, where there are any; "any" are those planned.
    """
    groups = {rule: named[f"{rule}_rule"] for rule in RULES} | {"any": named["named"]}
    if (later := (named["deferred"] != "") & (named["reasons"] != "")).any():
        groups["deferred"] = later
    groups["none"] = named["reasons"] == ""
    rows = [_cover_row(rule, named, chosen) for rule, chosen in groups.items()]
    return pd.DataFrame(rows)


def _cover_row(rule: str, villages: pd.DataFrame, chosen: pd.Series) -> dict[str, object]:
    people, incidents = villages.loc[chosen, "population"].sum(), villages.loc[chosen, "incidents"].sum()
    return {
        "rule": rule,
        "villages": int(chosen.sum()),
        "people": int(people),
        "people_pct": _pct(people, villages["population"].sum()),
        "incidents": int(incidents),
        "incidents_pct": _pct(incidents, villages["incidents"].sum()),
        "incidents_per_1k": 1_000 * incidents / people if people else np.nan,
    }


def _window_rates(
    count: pd.Series, population: pd.Series, weeks: int, settings: CameraSettings
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return shrunken rates, their lower limits, the town's rate and the top decile, all per 10,000 people a year."""
    exposure = population.to_numpy(dtype=float) / 10_000 * weeks / WEEKS_A_YEAR
    judged = exposure > 0
    rate, low = np.full(len(count), np.nan), np.full(len(count), np.nan)
    if not judged.any() or count[judged].sum() == 0:
        return rate, low, np.nan, np.nan
    shrunk = compare.shrink(count[judged], exposure[judged], level=settings.disorder_level)
    rate[judged], low[judged] = shrunk.rate, shrunk.low
    town = float(count[judged].sum() / exposure[judged].sum())
    return rate, low, town, float(np.quantile(rate[judged], settings.disorder_quantile))


def _count_by_village(incidents: pd.DataFrame, village_id: pd.Series) -> pd.Series:
    counts = incidents.groupby("village_id")["count"].sum()
    return counts.reindex(village_id).fillna(0).astype("int64").set_axis(village_id.index)


def with_reasons(said: str, setting: str) -> dict[str, str]:
    """Read «name=reason; name=reason», as a setting holds what a person decided.

    Raises
    ------
    InputError
        If a name has no reason.
    """
    pairs = [part.partition("=") for part in said.split(";") if part.strip()]
    bare = [name.strip() for name, _, reason in pairs if not reason.strip()]
    if bare:
        raise InputError("cameras.reason", setting=f"cameras.{setting}", names=bare)
    return {name.strip(): reason.strip() for name, _, reason in pairs}


def _said_of(villages: pd.DataFrame, said: str, setting: str) -> pd.Series:
    """Return the reason given for each village, by its name or id; "" where none is."""
    wanted = with_reasons(said, setting)
    unknown = set(wanted) - set(villages["name"]) - set(villages["village_id"])
    if unknown:
        raise InputError("cameras.unknown_village", setting=f"cameras.{setting}", found=sorted(unknown))
    pairs = zip(villages["village_id"], villages["name"], strict=True)
    said_of = [wanted.get(key, wanted.get(name, "")) for key, name in pairs]
    return pd.Series(said_of, index=villages.index, dtype=object)


def _pct(part: float, whole: float) -> float:
    return 100 * part / whole if whole else np.nan
