"""The back of the zone sheet: the zone's beats and checkpoints, and the places that got none.

In:     the plan "beats", if there is one, and a zone.
Out:    what the map draws of them, and the tables of the back page. Nothing is computed here but words.
"""

import datetime
from typing import Any

import geopandas as gpd
import pandas as pd

from gis_data.catalogue import text
from gis_data.study import Study
from models.beats.types import spoken
from models.plan import Plan
from views.beat_tables import hours, listed
from views.figures import records
from views.sheets.names import clock_hours

Page = dict[str, Any]


def of_zone(plan: Plan | None, zone_id: str, *, crs: str) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the beats and checkpoints of a zone; empty tables where no beats are planned."""
    if plan is None:
        empty = gpd.GeoDataFrame({"zone_id": [], "beat_id": [], "number": []}, geometry=[], crs=crs)
        return empty, empty
    beats: gpd.GeoDataFrame = plan.to_frame()
    checkpoints: gpd.GeoDataFrame = plan.tables["checkpoints"]
    return beats[beats["zone_id"] == zone_id], checkpoints[checkpoints["zone_id"] == zone_id]


def back_page(study: Study, plan: Plan | None, zone_id: str, *, printed_on: datetime.date) -> Page | None:
    """Return the back page; None where the zone has no beats."""
    if plan is None:
        return None
    beats, checkpoints = of_zone(plan, zone_id, crs=study.crs)
    if beats.empty:
        return None
    left = plan.tables["left_out"]
    tables = [_beats(beats), _checkpoints(checkpoints, zone_id)]
    if (left["zone_id"] == zone_id).any():
        tables.append(_left_out(left[left["zone_id"] == zone_id]))
    zones = dict(zip(plan.tables["zones"]["zone_id"], plan.tables["zones"]["reason"], strict=True))
    return {
        "title": text("sheet.back.title", town=study.name, zone=zone_id),
        "subtitle": spoken(zones[zone_id])[0],
        "tables": tables,
        "foot": text("sheet.back.subtitle") + " · " + printed_on.isoformat(),
    }


def _beats(beats: pd.DataFrame) -> Page:
    rows = [
        [
            row["beat_id"].rpartition("-")[2],
            text(f"beats.type.{row['beat_type']}"),
            f"{row['road_km']:.1f}",
            f"{row['workload_h_per_week']:.1f}",
            f"{row['visits_per_week']}",
            f"{row['visit_min_per_week']:.0f} / {row['standing_min_per_week']:.0f}",
            f"{spoken(row['reason'])[0]} {listed(row['villages'])}",
        ]
        for row in records(beats)
    ]
    columns = ("beat", "type", "road", "work", "visits", "minutes", "reason")
    return _table(text("sheet.back.beats"), columns, [0, 0, 0, 0, 0, 0, 1], rows)


def _checkpoints(checkpoints: pd.DataFrame, zone_id: str) -> Page:
    rows = [
        [
            f"{row['number']}",
            row["beat_id"].rpartition("-")[2],
            text(f"beats.kind.{row['kind']}"),
            row["name"],
            f"{row['min_visits_per_week']}",
            clock_hours(hours(row)),
            " ".join(spoken(row["reason"])),
        ]
        for row in records(checkpoints)
    ]
    columns = ("number", "beat", "kind", "name", "least", "hours", "reason")
    return _table(text("sheet.back.checkpoints", zone=zone_id), columns, [0, 0, 0, 0, 0, 0, 1], rows)


def _left_out(left: pd.DataFrame) -> Page:
    rows = [[text(f"beats.kind.{row['kind']}"), row["name"], " ".join(spoken(row["why"]))] for row in records(left)]
    return _table(text("sheet.back.left_out"), ("kind", "name", "why"), [0, 0, 1], rows)


def _table(title: str, columns: tuple[str, ...], widths: list[int], rows: list[list[str]]) -> Page:
    head = [text(f"sheet.back.column.{column}") for column in columns]
    return {"title": title, "head": head, "widths": widths, "rows": rows,
            "empty": text("sheet.back.none")}  # fmt: skip
