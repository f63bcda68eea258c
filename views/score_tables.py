"""The scorecard's tables as people read them: counts with intervals, verdicts in words, zones never ranked.

In:     a plan "scorecard".
Out:    small frames of words for the page and the spreadsheet, zones by number. Nothing is computed but rounding.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from models.feedback_audit import RULES
from models.patrol_record import JOINED
from models.plan import Plan
from views.figures import DASH, records
from views.score_words import count_with_interval, rate_with_interval, told_apart

VERDICT_TINT = {"met": "#DCEBD7", "not_met": "#F6D9C6", "not_readable": "#ECEAE4"}
VERDICTS = ("met", "not_met", "not_readable", "no_data")
PER_HOURS = ("arrests_per_100h", "arrests_low_per_100h", "arrests_high_per_100h")

SHRUNK = ("shrunk", "shrunk_low", "shrunk_high")

Row = Mapping[str, Any]


def per_of(plan: Plan) -> str:
    """Return the ending of the plan's rates: per head, or per square kilometre where there are no people."""
    return "per_10k_year" if plan.settings["exposure"] == "population" else "per_km2_year"


def reported(plan: Plan) -> pd.DataFrame:
    """Return what residents reported, zone by zone."""
    per, zones = per_of(plan), len(plan.to_frame())
    rows = [
        {
            "zone_id": row["zone_id"],
            "population": f"{row['population']:,}" if row["population"] else DASH,
            "reported": count_with_interval(row["reported"], row["reported_low"], row["reported_high"]),
            f"shrunk_{per}": rate_with_interval(*(row[f"{name}_{per}"] for name in SHRUNK)),
            "observed_to_expected": _limits(row, "observed_to_expected"),
            "expected_word": text(f"scorecard.word.{row['expected_word']}"),
            "latest_before": f"{row['latest']} / {row['before']}",
            "change_word": text(f"scorecard.word.{row['change_word']}"),
            "told_apart": told_apart(row["rank_best"], row["rank_worst"], zones),
        }
        for row in records(plan.to_frame())
    ]  # fmt: skip
    return _named(rows)


def further(plan: Plan) -> pd.DataFrame:
    """Return what else the plan knows of each zone: ground, unshrunken rate, expected count, change, people caught."""
    per = per_of(plan)
    rows = [
        {
            "zone_id": row["zone_id"],
            "area_km2": f"{row['area_km2']:.2f}",
            f"rate_{per}": rate_with_interval(*(row[f"{name}_{per}"] for name in ("rate", "rate_low", "rate_high"))),
            "expected": _number(row["expected"], ",.1f"),
            "change_ratio": rate_with_interval(row["change_ratio"], row["change_low"], row["change_high"]),
            "arrested_people": f"{row['arrested_people']:,}",
            "reported_with_arrest": f"{row['reported_with_arrest']:,}",
            "reported_with_arrest_pct": rate_with_interval(
                *(row[f"reported_with_arrest_{name}"] for name in ("pct", "low_pct", "high_pct"))
            ),
        }
        for row in records(plan.to_frame())
    ]
    return _named(rows)


def _limits(row: Row, name: str) -> str:
    return rate_with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"])


def patrols(plan: Plan) -> pd.DataFrame:
    """Return what patrols did and brought in, zone by zone; rates are those of the zone's pool."""
    rows = [
        {
            "zone_id": row["zone_id"],
            "road_km": f"{row['road_km']:.1f}" if row["road_km"] else DASH,
            "patrol_hours": _number(row["patrol_hours"], ",.0f"),
            "patrol_passes_per_week": _number(row["patrol_passes_per_week"], ".1f"),
            "check_ins": _number(row["check_ins"], ",.0f"),
            "visibility_pct": _number(row["visibility_pct"], ".1f"),
            "reached_pct": _number(row["reached_pct"], ".0f"),
            "checkpoints_met_pct": _number(row["checkpoints_met_pct"], ".0f"),
            "discovered": f"{row['discovered']:,}",
            "arrest_incidents": count_with_interval(row["arrest_incidents"], row["arrest_low"], row["arrest_high"]),
            "arrests_per_100h": rate_with_interval(*(row[name] for name in PER_HOURS)),
            "arrest_pool": zones_of(row["arrest_pool"]) if pd.notna(row["arrests_per_100h"]) else DASH,
        }
        for row in records(plan.to_frame())
    ]
    return _named(rows)


def base_lines(plan: Plan) -> pd.DataFrame:
    """Return the verdict of each zone and measure; the base line stands in the heading."""
    table = plan.tables["base_lines"]
    wide = table.set_index(["zone_id", "measure"])["verdict"].unstack()  # noqa: PD010 - each pair once
    heads = {row["measure"]: base_line_head(row) for row in records(table.drop_duplicates("measure"))}
    words = wide[list(heads)].map(lambda verdict: text(f"scorecard.verdict.{verdict}")).rename(columns=heads)
    order = list(dict.fromkeys(table["zone_id"]))
    return words.loc[order].rename_axis(None, axis="columns").reset_index(names=text("scorecard.column.zone_id"))


def base_line_head(row: Row) -> str:
    """Return a measure with its base line, «Observed ÷ expected ≤ 1.25»."""
    return text(f"scorecard.base_line.{row['measure']}", line=f"{row['base_line']:g}")


def pools(plan: Plan) -> pd.DataFrame:
    """Return the zones whose arrests are read together, with their hours."""
    rows = [{"arrest_pool": zones_of(row["pool"]), **_arrests(row)} for row in records(plan.tables["arrest_pools"])]
    return _named(rows)


def spans(plan: Plan) -> pd.DataFrame:
    """Return the town's arrests in the shortest spans that can be read."""
    rows = [
        {
            "span": _span(row["first_day"], row["last_day"]),
            **_arrests(row),
            "change_word": text(f"scorecard.word.{row['change_word']}") if row["change_word"] else DASH,
        }
        for row in records(plan.tables["arrest_spans"])
    ]
    return _named(rows)


def _span(first: str, last: str) -> str:
    """Return two months where they are whole, else two days."""
    whole = first.endswith("-01") and (pd.Timestamp(last) + pd.Timedelta(days=1)).day == 1
    return f"{first[:7]}–{last[:7]}".replace("-", "/") if whole else f"{first} – {last}"


def _arrests(row: Row) -> dict[str, str]:
    rate = rate_with_interval(*(row[name] for name in PER_HOURS))
    return {
        "patrol_hours": _number(row["patrol_hours"], ",.0f"),
        "arrest_incidents": count_with_interval(row["arrest_incidents"], row["arrest_low"], row["arrest_high"]),
        "arrests_per_100h": rate if row["readable"] or rate == DASH else text("scorecard.unreadable", rate=rate),
    }


def checkpoints(plan: Plan) -> pd.DataFrame:
    """Return each checkpoint's visits against the least it must have."""
    rows = [
        {
            "zone_id": row["zone_id"],
            "checkpoint_id": row["checkpoint_id"],
            "checkpoint": row["name"] or DASH,
            "min_visits_per_week": f"{row['min_visits_per_week']}",
            "visits_per_week": f"{row['visits_per_week']:.1f}",
            "in_time_per_week": f"{row['in_time_per_week']:.1f}",
            "weeks_met": f"{row['weeks_met']} / {row['weeks']}",
            "met_pct": f"{row['met_pct']:.0f}",
        }
        for row in records(plan.tables["checkpoints"])
    ]
    return _named(rows)


def feedback(plan: Plan) -> pd.DataFrame:
    """Return each zone's share of the patrol after three years in the middle town, and the range of all, by rule."""
    table = plan.tables["feedback_zones"].set_index(["zone_id", "rule"])["share_pct"].unstack()  # noqa: PD010
    order = list(dict.fromkeys(plan.tables["feedback_zones"]["zone_id"]))
    shares = table.loc[order, list(RULES)].map(lambda share: f"{share:.1f}%")
    ends = plan.tables["feedback"].set_index("rule")
    shares.loc[text("scorecard.feedback.range")] = [
        f"{ends['low_pct'][rule]:.1f}–{ends['high_pct'][rule]:.1f}%" for rule in RULES
    ]
    shares.loc[text("scorecard.feedback.deserted")] = [f"{ends['deserted_pct'][rule]:.1f}%" for rule in RULES]
    named = shares.rename(columns={rule: text(f"scorecard.feedback.{rule}") for rule in RULES})
    return named.rename_axis(None, axis="columns").reset_index(names=text("scorecard.column.zone_id"))


def zones_of(pool: str) -> str:
    """Return the zones of a pool as a list."""
    return text("list.mark").join(pool.split(JOINED))


def _number(value: float, form: str) -> str:
    return DASH if pd.isna(value) else f"{value:{form}}"


def _named(rows: list[dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows).rename(columns=lambda key: text(f"scorecard.column.{key}"))
