"""The zone card (巡区卡): what a crew knows of its zone, as blocks for the back of the zone sheet.

In:     a zone's scene and the plans.
Out:    blocks of words. Nothing is computed here: every number comes from a plan.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.hours import BANDS
from gis_data.catalogue import text
from models.plan import Plan
from models.recent import Recent
from views.figures import records
from views.sheets.content import Block, Columns, Facts, Heading, Table, Words
from views.sheets.divided import divided_words, village_count
from views.sheets.drawing import Scene
from views.sheets.imprint import period_of
from views.sheets.names import clock_hours

MOST_HOTSPOTS = 6
BLANK = "＿" * 8


def card_blocks(scene: Scene, plans: Mapping[str, Plan], recent: Recent | None) -> list[Block]:
    """Return the card: the zone beside its incidents, its last weeks beside its hotspots."""
    above = (_about(scene, plans["zones"]), _incidents(scene, plans))
    below = (_recent(scene, recent), _spots(scene, plans))
    return [*_beside(above), *_villages(scene, plans), *_beside(below)]


def _beside(groups: Iterable[Sequence[Block]]) -> list[Block]:
    """Return what there is of some groups of blocks, side by side."""
    found = tuple(tuple(group) for group in groups if group)
    return [Columns(found)] if found else []


def _about(scene: Scene, zones: Plan) -> list[Block]:
    zone, villages = scene.zone, village_count(zones, scene.zone_id)
    has_villages = len(scene.ground["villages"]) > 0
    mean_hours = scene.zones["workload_h_per_week"].mean()
    balance = 100 * (zone["workload_h_per_week"] / mean_hours - 1) if mean_hours > 0 else 0.0
    rows = [
        (text("sheet.card.phone"), BLANK),
        (text("sheet.card.villages"), text("sheet.card.villages_value", count=villages)) if has_villages else None,
        _row("population", zone.get("population"), "{:,.0f}") if has_villages else None,
        _row("road_km", zone.get("road_km"), "{:.1f} km"),
        _row("area_km2", zone.get("area_km2"), "{:.1f} km²"),
        (
            text("sheet.card.workload"),
            text(
                "sheet.card.workload_value",
                hours=f"{zone['workload_h_per_week']:.1f}",
                balance=f"{balance:+.0f}".replace("-", "−"),
            ),
        ),
        _row("travel", zone.get("mean_travel_min"), text("sheet.card.minutes", minutes="{:.1f}")),
    ]
    return [Heading(text("sheet.card.about", zone=scene.zone_id)), Facts(tuple(row for row in rows if row))]


def _villages(scene: Scene, plans: Mapping[str, Plan]) -> list[Block]:
    if not len(scene.ground["villages"]):
        return []
    units = scene.units[scene.units["zone_id"] == scene.zone_id]
    names = Words(text("list.mark").join(units.sort_values("unit_id")["name"]))
    return [names, *map(Words, divided_words(scene.ground["villages"], plans["zones"], scene.zone_id))]


def _row(key: str, value: Any, form: str) -> tuple[str, str] | None:  # noqa: ANN401 - a number or nothing
    if value is None or pd.isna(value) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return text(f"sheet.card.{key}"), form.format(value)


def _incidents(scene: Scene, plans: Mapping[str, Plan]) -> list[Block]:
    if "scorecard" not in plans:
        return []
    plan = plans["scorecard"]
    score = plan.to_frame().set_index("zone_id").to_dict("index")[scene.zone_id]
    level = round(100 * plan.settings["scorecard"]["level"])
    rows = [
        (text("sheet.card.reported"), _interval(score["reported"], score["reported_low"], score["reported_high"])),
        (text("sheet.card.expected"), text(f"sheet.expected.{score['expected_word']}")),
        (text("sheet.card.change"), text(f"sheet.change.{score['change_word']}")),
        (
            text("sheet.card.arrests"),
            _interval(score["arrest_incidents"], score["arrest_low"], score["arrest_high"]),
        ),
    ]
    hours = _row("patrol_hours", score["patrol_hours"], "{:,.0f}")
    said = (text("sheet.card.interval_note", level=level), text("sheet.card.arrest_note"))
    notes = [Words(sentence, quiet=True) for sentence in said]
    title = text("sheet.card.incidents", period=period_of(plan))
    return [Heading(title), Facts((*rows, *((hours,) if hours else ()))), *notes]


def _interval(count: float, low: float, high: float) -> str:
    return text("sheet.card.interval", count=f"{count:,.0f}", low=f"{low:,.0f}", high=f"{high:,.0f}")


def _spots(scene: Scene, plans: Mapping[str, Plan]) -> list[Block]:
    if "hotspots" not in plans:
        return []
    inside = scene.hotspots[scene.hotspots.geometry.intersects(scene.zone.geometry)]
    title = Heading(text("sheet.card.hotspots"))
    if inside.empty:
        return [title, Words(text("sheet.card.no_hotspots"))]
    shown = inside.sort_values("count", ascending=False).head(MOST_HOTSPOTS)
    rows = tuple(
        (name, f"{count:,}", clock_hours(hours) or "—", _types(types))
        for name, count, hours, types in zip(
            shown["hotspot_id"], shown["count"], shown["peak_hours"], shown["main_types"], strict=True
        )
    )
    head = tuple(text(f"sheet.card.hotspot_{column}") for column in ("id", "count", "hours", "types"))
    more = len(inside) - len(shown)
    note = [Words(text("sheet.card.more_hotspots", count=more))] if more else []
    return [title, Table(head, rows, (0, 0, 0, 1)), *note]


def _recent(scene: Scene, recent: Recent | None) -> list[Block]:
    """Return the last weeks by type and six-hour band."""
    if recent is None:
        return []
    title = Heading(text("sheet.card.recent", days=recent.period.days, period=str(recent.period)))
    types, few, hours = (one[one["zone_id"] == scene.zone_id] for one in (recent.types, recent.few, recent.hours))
    if hours.empty:
        return [title, Words(text("sheet.card.recent_none"))]
    head = tuple(text(f"sheet.card.{name}") for name in ("hotspot_types", "hotspot_count", "recent_mostly"))
    rows = [
        (
            text(f"type.{row['type']}") if row["type"] else text("sheet.card.recent_other"), _number(row["count"]),
            text(f"sheet.card.band.{BANDS.index(row['mostly'])}") if row["mostly"] else "",
        )
        for row in records(types)
    ]  # fmt: skip
    (total,) = records(hours)
    rows.append((text("quality.total"), _number(total["count"]), ""))
    by_band = text("list.mark").join(
        text("sheet.card.recent_band", band=text(f"sheet.card.band.{number}"), count=_number(total[band]))
        for number, band in enumerate(BANDS)
    )
    said = [text("sheet.card.recent_hours", bands=by_band)]
    if len(few):
        said.append(text("sheet.card.recent_few", types=[text(f"type.{name}") for name in few["type"]]))
    note = Words(text("sheet.card.recent_note"), quiet=True)
    return [title, Table(head, tuple(rows), (1, 0, 1), (1,)), *map(Words, said), note]


def _number(count: float) -> str:
    return "—" if pd.isna(count) else f"{count:,.0f}"


def _types(counts: str) -> str:
    names = [part.partition(":")[0] for part in counts.split(";") if part]
    return text("list.mark").join(text(f"type.{name}") for name in names)
