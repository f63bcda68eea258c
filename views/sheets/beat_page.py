"""The back of the zone sheet: the zone's beats and checkpoints, and the places that got none.

In:     the plan "beats", if there is one, and a zone.
Out:    what the map draws of them, and the tables of the back page. Nothing is computed here but words.
"""

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from gis_data.catalogue import text
from models.beats.types import spoken
from models.plan import Plan
from views.beat_tables import hours, listed
from views.figures import records
from views.sheets.content import Block, Heading, Table, Words
from views.sheets.names import clock_hours


def of_zone(plan: Plan | None, zone_id: str, *, crs: str) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the beats and checkpoints of a zone; empty tables where no beats are planned."""
    if plan is None:
        empty = gpd.GeoDataFrame({"zone_id": [], "beat_id": [], "number": []}, geometry=[], crs=crs)
        return empty, empty
    beats: gpd.GeoDataFrame = plan.to_frame()
    checkpoints: gpd.GeoDataFrame = plan.tables["checkpoints"]
    return beats[beats["zone_id"] == zone_id], checkpoints[checkpoints["zone_id"] == zone_id]


def beat_blocks(plan: Plan | None, zone_id: str, *, crs: str) -> list[Block]:
    """Return the blocks about a zone's beats and checkpoints; none where the zone has no beats."""
    if plan is None:
        return []
    beats, checkpoints = of_zone(plan, zone_id, crs=crs)
    if beats.empty:
        return []
    left = plan.tables["left_out"]
    left = left[left["zone_id"] == zone_id]
    zones = dict(zip(plan.tables["zones"]["zone_id"], plan.tables["zones"]["reason"], strict=True))
    blocks: list[Block] = [Heading(text("sheet.back.beats")), Words(spoken(zones[zone_id])[0]), _beats(beats)]
    blocks += [Heading(text("sheet.back.checkpoints", zone=zone_id)), _checkpoints(checkpoints)]
    return blocks + ([Heading(text("sheet.back.left_out")), _left_out(left)] if len(left) else [])


def _beats(beats: pd.DataFrame) -> Table:
    rows = [
        (
            row["beat_id"].rpartition("-")[2],
            text(f"beats.type.{row['beat_type']}"),
            f"{row['road_km']:.1f}",
            f"{row['workload_h_per_week']:.1f}",
            f"{row['visits_per_week']}",
            f"{row['visit_min_per_week']:.0f} / {row['standing_min_per_week']:.0f}",
            f"{spoken(row['reason'])[0]} {listed(row['villages'])}",
        )
        for row in records(beats)
    ]
    return _table(("beat", "type", "road", "work", "visits", "minutes", "reason"), rows)


def _checkpoints(checkpoints: pd.DataFrame) -> Table:
    rows = [
        (
            f"{row['number']}",
            row["beat_id"].rpartition("-")[2],
            text(f"beats.kind.{row['kind']}"),
            row["name"],
            f"{row['min_visits_per_week']}",
            clock_hours(hours(row)),
            " ".join(spoken(row["reason"])),
        )
        for row in records(checkpoints)
    ]
    return _table(("number", "beat", "kind", "name", "least", "hours", "reason"), rows)


def _left_out(left: pd.DataFrame) -> Table:
    rows = [(text(f"beats.kind.{row['kind']}"), row["name"], " ".join(spoken(row["why"]))) for row in records(left)]
    return _table(("kind", "name", "why"), rows)


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    """Return a table whose last column takes the room that is left."""
    head = tuple(text(f"sheet.back.column.{column}") for column in columns)
    widths = (0.0,) * (len(columns) - 1) + (1.0,)
    return Table(head, tuple(rows), widths, empty=text("sheet.back.none"))
