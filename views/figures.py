"""Tables as people read them: the catalogue's words over finished numbers, counts with their intervals.

In:     tables and plans.
Out:    small frames of words, and a frame as an HTML table. Nothing is computed here but rounding and sums.
"""

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.hotspot_table import FEWEST_TIMES, types_of
from gis_data.catalogue import text
from gis_data.taxonomy import CLASSES
from models.cameras.rules import reasons
from models.plan import Plan
from views.formats import headed, measured
from views.quality import COUNTS, MEASURES, QualityReport
from views.summary import NO_GAP, optimality

DASH = "—"
SHORT = 19  # half-width letters that stay on one line; a Chinese one is two
WIDE = re.compile("[\u2e80-\uffef]")
UNIT = re.compile(r"(\uff08[^\uff08\uff09]{1,8}\uff09|\([^()]{1,14}\))$")
PARTS = ("hotspots", "zones", "beats", "scorecard", "cameras")
WORK_TERMS = ("incident", "patrol", "fixed", "trip")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as dictionaries."""
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def totals_by_class(incidents: pd.DataFrame) -> pd.DataFrame:
    """Return incidents by class and origin: ``class`` (its name), ``origin``, ``count``."""
    counts = incidents.groupby(["incident_class", "origin"])["count"].sum()
    every = pd.MultiIndex.from_product([CLASSES, ("reported", "discovered")], names=["incident_class", "origin"])
    table = counts.reindex(every, fill_value=0).reset_index()
    shown = table.groupby("incident_class")["count"].transform("sum") > 0
    return table[shown].assign(**{"class": table["incident_class"].map(lambda key: headed(text(f"class.{key}")))})


def totals_by_month(incidents: pd.DataFrame) -> pd.DataFrame:
    """Return reported incidents by calendar month of local time (columns ``month``, ``count``)."""
    rows = (incidents["origin"] == "reported") & incidents["reported_at"].notna()
    reported = pd.DataFrame(incidents[["reported_at", "count"]])[rows]  # a copy of all columns takes a second a million
    month = reported["reported_at"].dt.tz_localize(None).dt.to_period("M").dt.to_timestamp()
    return reported.groupby(month.rename("month"))["count"].sum().reset_index()


def plans_table(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Return each plan's state: what came out, how far from the proven bound, how long it took."""
    rows = []
    for name in PARTS:
        plan = plans.get(name)
        rows.append(
            {
                "plan": text(f"page.plan.{name}"),
                "answer": text("page.plans.not_planned") if plan is None else answer(plan),
                "optimality": DASH if plan is None or plan.bound is None else optimality(plan),
                "ended_by": DASH if plan is None else text(f"page.ended.{plan.ended_by}"),
                "seconds": DASH if plan is None else f"{plan.seconds:.1f}",
            }
        )
    return _named(pd.DataFrame(rows), "page.plans.plan")


def answer(plan: Plan) -> str:
    """Say in a few words what a plan came to."""
    table = plan.to_frame()
    if plan.name == "hotspots":
        found, chance = (int((table["status"] == status).sum()) for status in ("hotspot", "chance"))
        return text("page.answer.hotspots", count=found, others=chance)
    if plan.name == "cameras":
        new = int((table["status"] == "new").sum()) if "status" in table else len(table)
        named = int(plan.tables["villages"]["named"].sum())
        return text("page.answer.cameras", villages=named, cameras=new)
    if plan.name == "beats":
        return text("page.answer.beats", count=len(table), checkpoints=len(plan.tables["checkpoints"]))
    return text(f"page.answer.{plan.name}", count=len(table))


def hotspot_table(hotspots: pd.DataFrame) -> pd.DataFrame:
    """Return hotspots with count, expectation, p, stability, months, expiry and hours."""
    rows = [
        {
            "hotspot_id": row["hotspot_id"],
            "count": f"{row['count']:,}",
            "share": f"{row['share_pct']:.1f}%",
            "expected": f"{row['expected_count']:.1f}",
            "times": f"{row['times_expected']:.1f}",
            "p": f"{row['p_value']:.3f}",
            "area": f"{row['area_m2']:,.0f}",
            "stability": percent_or_dash(row["stability_pct"]),
            "months": f"{row['months_active']} / {row['months']}",
            "until": f"{row['expires_at']:%Y-%m-%d}",
            "hours": peak_hours(row["peak_hours"], row["peak_share_pct"], known=row["hours_known"]),
            "types": type_names(row["main_types"]),
            "span": f"{row['first_at']:%Y-%m} – {row['last_at']:%Y-%m}",
        }
        for row in records(hotspots)
    ]
    return _named(pd.DataFrame(rows), "page.hotspots.column")


def peak_hours(hours: str, share_pct: float, *, known: int) -> str:
    """Return "19-23 (41%)", a dash where no hours stand out, or «too few» where too few times are known."""
    if hours:
        return f"{hours} ({share_pct:.0f}%)"
    return DASH if known >= FEWEST_TIMES else text("page.hotspots.too_few")


def percent_or_dash(share_pct: float) -> str:
    """Return "93%", or a dash where nothing was measured."""
    return DASH if math.isnan(share_pct) else f"{share_pct:.0f}%"


def type_names(main_types: str) -> str:
    """Return the main types with their counts in words."""
    return text("list.mark").join(f"{text(f'type.{name}')} {count}" for name, count in types_of(main_types))


def zone_work(zones: pd.DataFrame) -> pd.DataFrame:
    """Return hours of work a week by zone and term (columns ``zone_id``, ``term``, ``hours``)."""
    terms = [f"{term}_h_per_week" for term in WORK_TERMS]
    return (
        zones[["zone_id", *terms]]
        .melt("zone_id", var_name="term", value_name="hours")
        .sort_values("zone_id", kind="stable")
    )


def today_table(today: pd.DataFrame, *, short: bool = False) -> pd.DataFrame:
    """Return balance and ways of the plan, and of today's areas where they are known; ``short`` for half a page."""
    rows = [
        {
            "map": text(f"page.zones.today.{row['map']}"),
            "zones": f"{row['zones']}",
            "max_ratio": f"{row['max_ratio']:.2f}",
            "min_ratio": f"{row['min_ratio']:.2f}",
            "travel": f"{row['mean_travel_min']:.1f}",
            "pieces": f"{row['pieces']}",
            "ground": f"{row['ground_rms_km']:.2f}",
            "beats_travel": percent(row["beats_travel_pct"]),
            "beats_balance": percent(row["beats_balance_pct"]),
        }
        for row in records(today)
    ]
    left_out = ["ground", "beats_travel", "beats_balance"] if short else []
    return _named(pd.DataFrame(rows).drop(columns=left_out), "page.zones.column")


def rules_table(rules: pd.DataFrame) -> pd.DataFrame:
    """Return what each camera rule covers."""
    rows = [
        {
            "rule": text(f"page.cameras.rule.{row['rule']}"),
            "villages": f"{row['villages']:,}",
            "people": f"{row['people']:,} ({row['people_pct']:.0f}%)",
            "incidents": f"{row['incidents']:,} ({row['incidents_pct']:.0f}%)"
            if pd.notna(row["incidents_pct"])
            else DASH,
        }
        for row in records(rules)
    ]
    return _named(pd.DataFrame(rows), "page.cameras.column")


def rule_names(reasons: str) -> str:
    """Return the names of the rules that name a village."""
    return " · ".join(text(f"page.cameras.rule.{rule}") for rule in reasons.split(";") if rule)


def why_named(plan: Plan, village_id: str) -> str:
    """Say rule by rule, with the figures, why cameras are planned for a village, or that it is put off."""
    villages = plan.tables["villages"]
    village = records(villages[villages["village_id"] == village_id])[0]
    told = reasons(village, settings=plan.settings["cameras"])
    return text("list.break").join(text(key, **_with_thousands(values)) for key, values in told)


def _with_thousands(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a sentence with their thousands marked."""
    return {name: f"{value:,}" if isinstance(value, int) else value for name, value in values.items()}


def camera_villages(summary: pd.DataFrame) -> pd.DataFrame:
    """Return one row per named village: why, cameras, entrances and road seen, price."""
    rows = [
        {
            "village": row["name"],
            "rule": rule_names(row["reasons"]),
            "people_count": f"{row['population']:,}",
            "new": f"{row['new_cameras']:,}",
            "standing": f"{row['existing_cameras']:,}",
            "poles": f"{row['poles']:,}",
            "entrances_seen": f"{row['entrances_seen']} / {row['entrances']}",
            "fewest_cut": f"{row['fewest_cut']}",
            "covered": f"{row['covered_pct']:.0f}%" if pd.notna(row["covered_pct"]) else DASH,
            "cost": f"{row['cost_cny']:,.0f}",
        }
        for row in records(summary)
    ]
    return _named(pd.DataFrame(rows), "page.cameras.column")


def camera_table(cameras: pd.DataFrame) -> pd.DataFrame:
    """Return one village's cameras: where they look, which entrances they watch, what they add, what they cost."""
    rows = [
        {
            "camera_id": row["camera_id"],
            "site_kind": text(f"page.cameras.site.{row['site_kind']}"),
            "azimuth": f"{row['azimuth_deg']:.0f}°" if pd.notna(row["azimuth_deg"]) else DASH,
            "hfov": f"{row['hfov_deg']:.0f}°" if pd.notna(row["hfov_deg"]) else DASH,
            "entrances": str(row["entrances"]).count(";") + 1 if row["entrances"] else 0,
            "gain": f"{row['gain_pct']:.2f}%",
            "cost": f"{row['cost_cny']:,.0f}",
        }
        for row in records(cameras)
    ]
    return _named(pd.DataFrame(rows), "page.cameras.column")


def card_table(plan: Plan, village_id: str) -> pd.DataFrame:
    """Return what the law asks of one village's new cameras: purpose, basis, masks, private ground in view."""
    cards = plan.tables["checklist"]
    guarded = plan.to_frame().set_index("camera_id")["entrances"]
    rows = [
        {
            "camera_id": row["camera_id"],
            "purpose": purpose_of(row, guarded[row["camera_id"]]),
            "basis": text(f"camera_book.basis.{row['basis']}"),
            "private_m2": f"{row['private_m2']:,.0f}",
            "masks": row["masks"].replace(";", "; ") or DASH,
        }
        for row in records(cards[cards["village_id"] == village_id])
    ]
    return _named(pd.DataFrame(rows), "camera_book.column")


def years_table(plan: Plan) -> pd.DataFrame:
    """Return the years of building: money, cameras, entrances, road seen, and what that money could see at most."""
    rows = [
        {
            "year": f"{row['year']}",
            "spent_cny": f"{row['spent_cny']:,.0f}",
            "cameras": f"{row['cameras']:,}",
            "entrances": f"{row['entrances']:,}",
            "covered_pct": f"{row['covered_pct']:.1f}",
            "bound_pct": f"{row['bound_pct']:.1f}",
        }
        for row in records(plan.tables["rollout"])
    ]
    return _named(pd.DataFrame(rows), "camera_book.money")


def purpose_of(card: Mapping[str, Any], entrances: str) -> str:
    """Say what a camera is for."""
    if card["purpose"] == "entrance":
        names = entrances.replace(";", text("list.mark"))
        return text("camera_book.purpose.entrance", entrances=names)
    return text(f"camera_book.purpose.{card['purpose']}")


def blind_table(blind: pd.DataFrame) -> pd.DataFrame:
    """Return one village's blind spots, the weightiest first."""
    rows = [
        {
            "where": text(
                "page.cameras.where", metres=f"{row['from_centre_m']:.0f}", side=text(f"page.side.{row['direction']}")
            ),
            "road": row["road"] or DASH,
            "length": measured(row["length_m"], "m"),
            "weight": f"{row['weight_pct']:.2f}%",
        }
        for row in records(blind)
    ]
    return _named(pd.DataFrame(rows), "page.cameras.column")


# ---- the quality report ----


def quality_files(report: QualityReport) -> pd.DataFrame:
    """Return the account of each file."""
    rows = [
        {
            "file": file_called(row["file"]),
            "table": table_name(row["table"]),
            **{name: f"{row[name]:,}" for name in COUNTS},
        }
        for row in records(report.files)
    ]
    return _named(pd.DataFrame(rows), "page.data.column")


def quality_problems(table: pd.DataFrame) -> pd.DataFrame:
    """Return problems (of one file, or of all) with share, examples, effect, and what to do."""
    rows = [
        {
            "problem": headed(text(f"intake.reason.{row['problem']}")),
            "outcome": text(f"page.data.outcome.{row['outcome']}"),
            "rows": f"{row['rows']:,}",
            "share": percent(row["share_pct"]),
            "examples": examples(row),
            "effect": text(f"intake.effect.{row['problem']}", rows=f"{row['rows']:,}"),
            "advice": text(f"intake.advice.{row['problem']}"),
        }
        for row in records(table)
    ]
    return _named(pd.DataFrame(rows), "page.data.column")


def examples(row: Mapping[str, Any]) -> str:
    """Return the example rows by number, with their file where the table is about all files."""
    if not row["examples"]:
        return DASH
    numbers = row["examples"].replace(",", text("list.mark"))
    return text("page.data.examples", file=row["file"], rows=numbers) if "files" in row else numbers


def quality_trend(trend: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of each import of incidents."""
    rows = [
        {"number": f"{number}", "file": row["file"], "rows_read": f"{row['rows_read']:,}"}
        | {text(f"page.data.measure.{name}"): percent(row[name]) for name in MEASURES}
        for number, row in enumerate(records(trend), start=1)
    ]
    named = ("number", "file", "rows_read")
    return pd.DataFrame(rows).rename(columns={name: text(f"page.data.column.{name}") for name in named})


def trend_shares(trend: pd.DataFrame) -> pd.DataFrame:
    """Return the shares as one long table (columns ``label``, ``file``, ``measure``, ``pct``)."""
    months = [
        row["first_month"] if row["first_month"] == row["last_month"] else f"{row['first_month']}–{row['last_month']}"
        for row in records(trend)
    ]
    labels = [f"{number}. {span}".rstrip(". ") for number, span in enumerate(months, start=1)]
    long = trend.assign(label=labels).melt(["label", "file"], list(MEASURES), var_name="measure", value_name="pct")
    return long.astype({"label": "str"})


def table_name(table: str) -> str:
    """Return what a table is called."""
    return text(f"page.table.{table}") if table else DASH


def file_called(file: str) -> str:
    """Return what a file is called; of one from ``set_aside/`` whose rows it holds, without its import's name."""
    ours = re.fullmatch(r"I[0-9a-f]{12}_(.+)\.csv", file)
    return text("page.data.from_aside", file=ours[1]) if ours else file


def percent(share_pct: float) -> str:
    """Return "9.0%", "<0.1%" for what is there but rounds to nothing, or a dash where there is no share."""
    if math.isnan(share_pct):
        return DASH
    return "<0.1%" if 100 * NO_GAP < share_pct < 0.05 else f"{share_pct:.1f}%"


# ---- as HTML, as files ----


def as_html(table: pd.DataFrame, *, words: Sequence[str] = (), tint: Mapping[str, str] | None = None) -> str:
    """Return a table as HTML: text columns (``words``) to the left, numbers to the right, some words tinted."""
    tint = tint or {}
    left = {*words, table.columns[0]} if len(table.columns) else set()
    head = "".join(f'<th class="{_side(name, left)}">{_heading(str(name))}</th>' for name in table.columns)
    body = "".join(
        "<tr>" + "".join(_cell(name, value, left, tint) for name, value in row.items()) + "</tr>"
        for row in records(table)
    )
    rows = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="xq-scroll"><table class="xq-table">{rows}</table></div>'


def _heading(name: str) -> str:
    """Return a column's heading; where it has no room it breaks between words, and its unit stays in one piece."""
    return UNIT.sub(r"<span>\1</span>", html.escape(name).replace("-", "\u2011"))


def _side(name: str, left: set[str]) -> str:
    return "l" if name in left else "r"


def _cell(name: Any, value: Any, left: set[str], tint: Mapping[str, str]) -> str:  # noqa: ANN401 - any value
    look = f' style="background:{tint[str(value)]}"' if str(value) in tint else ""
    short = " s" if len(str(value)) + len(WIDE.findall(str(value))) <= SHORT else ""
    return f'<td class="{_side(name, left)}{short}"{look}>{html.escape(str(value))}</td>'


def as_csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV that a spreadsheet opens with the right characters."""
    return table.drop(columns="geometry", errors="ignore").to_csv(index=False).encode("utf-8-sig")


def _named(table: pd.DataFrame, section: str) -> pd.DataFrame:
    return table.rename(columns=lambda key: text(f"{section}.{key}"))
