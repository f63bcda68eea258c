"""A village's card in words: counts with their intervals, why it is where it is, and what the rules say of cameras."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from models.plan import Plan
from models.zones import explain
from views import figures
from views.figures import records
from views.formats import DASH, number, span_words
from views.pattern_words import interval
from views.village_card import Counted, VillageCard

MOST_TYPES = 6


def count_line(found: Counted | None) -> str:
    """Say the year's count with its interval, and what its people lead to expect."""
    if found is None:
        return text("page.villages.no_incidents")
    values: dict[str, Any] = {
        "period": span_words(found.period.start, found.period.end), "count": number(found.count),
        "low": number(found.low), "high": number(found.high),
    }  # fmt: skip
    if math.isnan(found.expected):
        return text("page.villages.counted", **values)
    return text(
        "page.villages.counted_expected", expected=number(found.expected, 1),
        funnel=f"{number(found.expected * found.funnel_low)}–{number(found.expected * found.funnel_high)}",
        side=text(f"page.villages.side.{found.side}"), **values,
    )  # fmt: skip


def change_line(card: VillageCard) -> str:
    """Say the year against the one before."""
    found = card.changed
    if found is None:
        return text("page.villages.no_before")
    return text(
        "page.villages.changed", before=number(found.count_before), word=text(f"scorecard.word.{found.word}"),
        interval=interval(found.low, found.high),
    )  # fmt: skip


def type_line(card: VillageCard) -> str:
    """Say the year's main types."""
    if card.types.empty:
        return text("page.villages.no_types")
    parts = [f"{text(f'type.{name}')} {number(count)}" for name, count in card.types.head(MOST_TYPES).items()]
    rest = int(card.types.iloc[MOST_TYPES:].sum())
    parts += [text("page.villages.rest", count=number(rest))] if rest else []
    return text("page.villages.types", types=text("list.mark").join(parts))


def zone_lines(card: VillageCard, plans: Mapping[str, Plan]) -> Iterator[str]:
    """Say why the village is in its zone and why not in the next; where it was divided, of each part."""
    if "zones" not in plans:
        yield text("page.villages.no_zones")
        return
    zones, units = plans["zones"], plans["zones"].tables["units"]
    village = str(card.village["village_id"])
    parts = zones.tables.get("parts", pd.DataFrame({"village_id": [], "unit_id": []}))
    mine = {village, *parts.loc[parts["village_id"] == village, "unit_id"]}
    own = [unit for unit in units["unit_id"] if unit in mine]
    for unit in own:
        yield from explain(zones, unit)
    if not own:
        yield text("page.villages.no_zone")
    if len(card.beats):
        beats = text("list.mark").join(
            text("page.villages.beat", beat=row["beat_id"], km=f"{row['village_road_m'] / 1000:.1f}")
            for row in records(card.beats)
        )
        yield text("page.villages.beats", beats=beats)


def camera_lines(card: VillageCard, plans: Mapping[str, Plan]) -> Iterator[str]:
    """Say which rules name the village, or by how much it fails each; what its plan sees and costs."""
    rules = card.camera_rules
    if rules is None:
        yield text("page.villages.no_cameras")
        return
    if not rules["reasons"]:
        over = plans["cameras"].settings["cameras"]["population_over"]
        days = text("page.villages.market" if rules["market_rule"] else "page.villages.no_market")
        people = number(rules["population"])
        yield text("page.villages.not_named", people=people, over=number(over), days=days)
        return
    yield text("page.villages.named", rules=figures.why_named(plans["cameras"], str(rules["village_id"])))
    found = card.camera_sum
    if found is not None:
        covered = DASH if pd.isna(found["covered_pct"]) else f"{found['covered_pct']:.0f}"
        yield text(
            "page.villages.camera_plan", new=number(found["new_cameras"]), old=number(found["existing_cameras"]),
            seen=number(found["entrances_seen"]), entrances=number(found["entrances"]), covered=covered,
            cost=number(found["cost_cny"]),
        )  # fmt: skip


def hotspot_table(card: VillageCard) -> pd.DataFrame:
    """Return the hotspots that touch the village."""
    return figures.hotspot_table(card.hotspots) if len(card.hotspots) else pd.DataFrame()


def village_table(card: VillageCard, plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Return the whole card as a table of two columns, for a spreadsheet."""
    rows = [
        (text("page.villages.column.village"), str(card.village["name"])),
        (text("page.villages.column.people"), number(card.village["population"])),
        (text("page.villages.column.households"), number(card.village["households"])),
        (text("page.villages.column.market_days"), str(card.village["market_days"] or DASH)),
        (text("page.villages.column.incidents"), f"{count_line(card.counted)} {change_line(card)}"),
        (text("page.villages.column.types"), type_line(card)),
        (text("page.villages.column.zone"), " ".join(zone_lines(card, plans))),
        (text("page.villages.column.hotspots"), text("list.mark").join(map(str, _ids(card))) or DASH),
        (text("page.villages.column.cameras"), " ".join(camera_lines(card, plans))),
    ]
    return pd.DataFrame(rows, columns=[text("page.villages.column.what"), text("page.villages.column.known")])


def _ids(card: VillageCard) -> list[str]:
    return list(card.hotspots["hotspot_id"]) if len(card.hotspots) else []
