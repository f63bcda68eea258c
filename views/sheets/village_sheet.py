"""Village sheet (村情单): what is known of each village: people, zone and beats, calls with intervals, camera rules.

In:     villages, incidents' counts by village, the plan "zones", and "beats" and "cameras" where they exist.
Out:    one page a village. Nothing is computed here but rounding.
"""

from typing import Any

import pandas as pd

from gis_data.catalogue import text
from gis_data.periods import Period
from models.plan import Plan
from models.village_counts import count_villages, five_preventions, types_by_village
from views.beat_tables import hours
from views.figures import DASH, records, rule_names
from views.score_words import count_with_interval, rate_with_interval
from views.sheets.content import Block, Facts, Heading, Table, TextPage, Words
from views.sheets.desk import Desk
from views.sheets.names import clock_hours
from views.village_card import beats_of, checkpoints_on, land_of

COUNT = ("reported", "reported_low", "reported_high")
RATE = ("per_1k_year", "low_per_1k_year", "high_per_1k_year")

Row = dict[str, Any]


def village_pages(desk: Desk) -> tuple[TextPage, ...]:
    """Return the page of each village, in the order of the villages' table; the period is the zones'."""
    villages, incidents, plans = desk.table("villages"), desk.table("incidents"), desk.plans
    period = Period.of(incidents["reported_at"], until=desk.plan("zones").settings.get("period_end"))
    counts = count_villages(incidents, villages, period=period)
    types = types_by_village(incidents, period=period)
    units = plans["zones"].tables["units"]
    zones = dict(zip(units["unit_id"], units["zone_id"], strict=True))
    return tuple(
        TextPage(
            text("village_sheet.title", village=village["name"]),
            (
                *_people(village, zones.get(village["village_id"], DASH)),
                *_calls(count, types[types["village_id"] == village["village_id"]], period),
                *_beats(desk, village["village_id"]),
                *_cameras(plans.get("cameras"), village["village_id"]),
                *_to_fill_in(),
            ),
            desk.study.name,
            fit=True,
        )
        for village, count in zip(records(villages), records(counts), strict=True)
    )


def _people(village: Row, zone: str) -> list[Block]:
    rows = (
        ("population", f"{village['population']:,}"),
        ("households", f"{village['households']:,}" if pd.notna(village["households"]) else DASH),
        ("work_area", village["work_area"] or DASH),
        ("market_days", village["market_days"] or DASH),
        ("zone", zone),
    )
    return [Heading(text("village_sheet.people")),
            Facts(tuple((text(f"village_sheet.{key}"), value) for key, value in rows), columns=2)]  # fmt: skip


def _calls(count: Row, types: pd.DataFrame, period: Period) -> list[Block]:
    facts = Facts(
        (
            (text("village_sheet.reported"), count_with_interval(*(count[name] for name in COUNT))),
            (text("village_sheet.rate"), rate_with_interval(*(count[name] for name in RATE))),
        )
    )
    head = tuple(text(f"village_sheet.{name}") for name in ("class", "type", "count"))
    rows = tuple(
        (text(f"class.{row['incident_class']}"), text(f"type.{row['type']}"), f"{row['reported']}")
        for row in records(types.sort_values(["reported", "type"], ascending=[False, True]))
    )
    table = Table(head, rows, (1, 2, 1), numbers=(2,), empty=text("village_sheet.no_calls"))
    five = five_preventions(types)
    groups: dict[str, Any] = {name: f"{number:,}" for name, number in five.items()}
    said = Words(text("village_sheet.five", **groups))
    help_ = Words(text("village_sheet.calls_help"), quiet=True)
    return [Heading(text("village_sheet.calls", period=str(period))), facts, said, table, help_]


def _beats(desk: Desk, village_id: str) -> list[Block]:
    if "beats" not in desk.plans:
        return []
    villages = desk.table("villages")
    row = villages[villages["village_id"] == village_id].iloc[0]
    mine = list(beats_of(desk.plans, village_id, desk.study)["beat_id"])
    here = checkpoints_on(desk.plans, land_of(village_id, row, villages, desk.table("cells")), desk.study)
    head = tuple(text(f"village_sheet.{column}") for column in ("checkpoint", "kind", "hours", "least"))
    rows = tuple(
        (row["checkpoint_id"], text(f"beats.kind.{row['kind']}") + " " + row["name"], clock_hours(hours(row)),
         f"{row['min_visits_per_week']}")
        for row in records(here)
    )  # fmt: skip
    table = Table(head, rows, (1, 2, 2, 1), numbers=(3,), empty=text("village_sheet.no_checkpoints"))
    named = text("list.mark").join(mine) or DASH
    return [Heading(text("village_sheet.beats")), Words(text("village_sheet.in_beats", beats=named)), table]


def _cameras(plan: Plan | None, village_id: str) -> list[Block]:
    if plan is None:
        return []
    known = plan.tables["villages"].set_index("village_id")
    if village_id not in known.index or not known.loc[village_id, "named"]:
        return [Heading(text("village_sheet.cameras")), Words(text("village_sheet.not_named"))]
    summary = plan.tables["summary"].set_index("village_id").loc[village_id]
    said = text("village_sheet.planned", new=summary["new_cameras"], existing=summary["existing_cameras"],
                seen=summary["entrances_seen"], entrances=summary["entrances"])  # fmt: skip
    reasons = rule_names(str(known.loc[village_id, "reasons"]))
    return [Heading(text("village_sheet.cameras")), Words(text("village_sheet.because", reasons=reasons)), Words(said)]


def _to_fill_in() -> list[Block]:
    """Return what the station keeps by hand, in numbers and never in names."""
    rows = tuple((text(f"village_sheet.by_hand.{name}"), "", "") for name in ("six_ones", "mediators", "hours"))
    head = tuple(text(f"village_sheet.{name}") for name in ("measure", "number", "checked_on"))
    return [Heading(text("village_sheet.by_hand_title")), Table(head, rows, (3, 1, 1), lined=True, row_mm=7.0)]
