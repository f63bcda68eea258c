"""Zone sheet (巡区图): one A4 page a crew carries: the zone's map at a true 1:n, and its card.

In:     a study, its ground tables, the plan "zones", and "scorecard", "hotspots", "beats" where they exist.
Out:    one PDF a zone. Nothing is computed here but words: every number comes from a plan.
"""

import datetime
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from gis_data.catalogue import Language, language, speaking, text
from gis_data.errors import InputError
from gis_data.study import Study
from models.plan import Plan, silent
from views.sheets.beat_page import back_page, of_zone
from views.sheets.frame import fit, scale_bar, write_pdf
from views.sheets.names import clock_hours
from views.sheets.zone_map import Picture, Scene, draw_zone
from views.summary import credit

GROUND = ("roads", "water", "buildings", "villages", "barriers", "crossings", "places")
MOST_HOTSPOTS = 6
LEGEND_SPLITS_AT = 9

Block = dict[str, Any]


def write_zone_sheet(
    study: Study,
    ground: Mapping[str, gpd.GeoDataFrame],
    plans: Mapping[str, Plan],
    zone_id: str,
    path: Path,
    *,
    printed_on: datetime.date,
    lang: Language | None = None,
) -> Path:
    """Write the sheet of one zone.

    Parameters
    ----------
    ground
        The tables named in ``GROUND``, in the study's CRS.
    plans
        "zones", and "scorecard", "hotspots" and "beats" where they exist.
    printed_on
        Date in the footer; the same date gives the same bytes.

    Raises
    ------
    InputError
        If there is no such zone, or no zones at all.
    InfeasibleError
        If the zone is too large for any scale.
    """
    with speaking(lang or language()):
        zones = _zones(plans)
        if zone_id not in set(zones["zone_id"]):
            raise InputError("sheet.no_zone", found=zone_id, known=", ".join(zones["zone_id"]))
        beats, checkpoints = of_zone(plans.get("beats"), zone_id, crs=study.crs)
        units = plans["zones"].tables["units"]
        scene = Scene(zone_id, zones, units, _hotspots(plans, zones), beats, checkpoints, ground)
        layout, window = fit(scene.zone.geometry.bounds)
        picture = draw_zone(scene, window)
        number = list(zones["zone_id"]).index(zone_id) + 1
        blocks = [
            _about(scene),
            *_incidents(scene, plans),
            *_spots(scene, plans),
            _legend(picture.legend, layout.columns),
        ]
        sheet = {
            "lang": language(),
            "layout": {"width": layout.width, "height": layout.height, "map": layout.map, "card": layout.card},
            "title": text("sheet.title", town=study.name, zone=zone_id),
            "subtitle": text("sheet.subtitle", scale=f"{window.scale:,}"),
            "secrecy": text("sheet.secrecy"),
            "synthetic": text("sheet.synthetic") if study.synthetic else "",
            "page": text("sheet.page", number=number, count=len(zones)),
            "print_at_100": text("sheet.print_at_100"),
            "map": _map(picture, window.scale),
            "card": _in_columns(blocks, layout.columns),
            "foot": _foot(study, plans, printed_on),
            "back": back_page(study, plans.get("beats"), zone_id, printed_on=printed_on),
        }
        return write_pdf("zone_sheet.typ", sheet, path)


def write_all_zone_sheets(
    study: Study,
    ground: Mapping[str, gpd.GeoDataFrame],
    plans: Mapping[str, Plan],
    folder: Path,
    *,
    printed_on: datetime.date,
    lang: Language | None = None,
    progress: Any = silent,  # noqa: ANN401 - models.plan.Progress
) -> list[Path]:
    """Write the sheet of every zone into a folder and return their paths in the zones' order."""
    names = list(_zones(plans)["zone_id"])
    with speaking(lang or language()):
        paths = [folder / text("sheet.file", zone=name) for name in names]
    for done, (name, path) in enumerate(zip(names, paths, strict=True)):
        progress("command.step.sheets", done / len(names))
        write_zone_sheet(study, ground, plans, name, path, printed_on=printed_on, lang=lang)
    progress("command.step.sheets", 1.0)
    return paths


def plan_id(plan: Plan) -> str:
    """Return eight letters that stand for what the plan was made from: inputs, settings, seed."""
    head = {name: value for name, value in plan.head().items() if name in ("name", "inputs", "settings", "seed")}
    return hashlib.sha256(json.dumps(head, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _map(picture: Picture, scale: int) -> Block:
    return {
        "svg": picture.svg,
        "labels": picture.labels,
        "bar": scale_bar(scale),
        "north": picture.north,
        "north_letter": text("sheet.north"),
        "north_note": text("sheet.grid_north"),
    }


def _zones(plans: Mapping[str, Plan]) -> gpd.GeoDataFrame:
    if "zones" not in plans:
        raise InputError("sheet.no_plan", plan="zones")
    table: gpd.GeoDataFrame = plans["zones"].to_frame()
    return table


def _hotspots(plans: Mapping[str, Plan], zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the hotspots that are more than chance; heaps that chance would make too are no business of a crew."""
    if "hotspots" in plans:
        table = plans["hotspots"].to_frame()
        return table[table["is_hotspot"]]
    return gpd.GeoDataFrame({"hotspot_id": [], "peak_hours": []}, geometry=[], crs=zones.crs)


# ---- the card ----


def _about(scene: Scene) -> Block:
    zone = scene.zone
    units = scene.units[scene.units["zone_id"] == scene.zone_id]
    has_villages = len(scene.ground["villages"]) > 0
    mean_hours = scene.zones["workload_h_per_week"].mean()
    balance = 100 * (zone["workload_h_per_week"] / mean_hours - 1) if mean_hours > 0 else 0.0
    rows = [
        (text("sheet.card.villages"), text("sheet.card.villages_value", count=len(units))) if has_villages else None,
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
    listed = [text("list.mark").join(units.sort_values("unit_id")["name"])] if has_villages else []
    return {"title": text("sheet.card.about", zone=scene.zone_id), "rows": [row for row in rows if row], "text": listed}


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
    notes = [text("sheet.card.interval_note", level=level), text("sheet.card.arrest_note")]
    return [
        {
            "title": text("sheet.card.incidents", period=_period(plan)),
            "rows": [*rows, *([hours] if hours else [])],
            "text": notes,
        }
    ]


def _interval(count: float, low: float, high: float) -> str:
    return text("sheet.card.interval", count=f"{count:,.0f}", low=f"{low:,.0f}", high=f"{high:,.0f}")


def _spots(scene: Scene, plans: Mapping[str, Plan]) -> list[Block]:
    if "hotspots" not in plans:
        return []
    inside = scene.hotspots[scene.hotspots.geometry.intersects(scene.zone.geometry)]
    title = text("sheet.card.hotspots")
    if inside.empty:
        return [{"title": title, "text": [text("sheet.card.no_hotspots")]}]
    shown = inside.sort_values("count", ascending=False).head(MOST_HOTSPOTS)
    table = [
        [name, f"{count:,}", clock_hours(hours) or "—", _types(types)]
        for name, count, hours, types in zip(
            shown["hotspot_id"], shown["count"], shown["peak_hours"], shown["main_types"], strict=True
        )
    ]
    head = [text(f"sheet.card.hotspot_{column}") for column in ("id", "count", "hours", "types")]
    more = len(inside) - len(shown)
    note = [text("sheet.card.more_hotspots", count=more)] if more else []
    return [{"title": title, "head": head, "widths": [0, 0, 0, 1], "table": table, "text": note}]


def _types(counts: str) -> str:
    names = [part.partition(":")[0] for part in counts.split(";") if part]
    return text("list.mark").join(text(f"type.{name}") for name in names)


def _legend(entries: list[tuple[str, str]], columns: int) -> Block:
    side_by_side = 2 if len(entries) > LEGEND_SPLITS_AT or columns == 1 else 1
    return {"title": text("sheet.card.legend"), "legend": entries, "columns": side_by_side}


def _in_columns(blocks: list[Block], columns: int) -> list[list[Block]]:
    """Deal the blocks to the card's columns: the zone first, the legend last, the rest between."""
    if columns == 1 or len(blocks) < 3:
        return [blocks] if columns == 1 else [[block] for block in blocks]
    first, *middle, last = blocks
    between = [middle] if columns == 3 else [[block] for block in middle]
    return [[first], *between, [last]]


# ---- the footer ----


def _foot(study: Study, plans: Mapping[str, Plan], printed_on: datetime.date) -> dict[str, list[str]]:
    plan = plans["zones"]
    return {
        "left": [text("sheet.foot.proposal")],
        "right": [
            text("sheet.foot.plan", plan=plan_id(plan), date=printed_on.isoformat()),
            text("sheet.foot.period", period=_period(plan)),
            text("sheet.foot.projection", crs=study.crs),
            *([text("sheet.foot.credit", credit=credit(study))] if credit(study) else []),
        ],
    }


def _period(plan: Plan) -> str:
    start, end = plan.settings.get("period_start"), plan.settings.get("period_end")
    if not start or not end:
        return text("sheet.card.no_period")
    last = datetime.date.fromisoformat(str(end)) - datetime.timedelta(days=1)
    return text("sheet.card.period", start=start, last=last.isoformat())
