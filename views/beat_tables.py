"""What the beats plan says, as tables of words: zones' types, beats, checkpoints, places without one.

In:     a plan "beats".
Out:    plain frames with headings in the running language, for page, sheet and spreadsheet. Nothing is computed here
        but rounding.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from models.beats.types import spoken
from models.plan import Plan
from views.figures import DASH, records


def zones(plan: Plan) -> pd.DataFrame:
    """Return each zone's type with its reasons, and how even its beats are."""
    rows = [
        {
            "zone_id": row["zone_id"],
            "zone_type": text(f"beats.zone_type.{row['zone_type']}"),
            "beats": f"{row['beats']}",
            "max_ratio": _ratio(row["max_ratio"]),
            "bound_ratio": _ratio(row["bound_ratio"]),
            "reason": " ".join(spoken(row["reason"])),
        }
        for row in records(plan.tables["zones"])
    ]
    return _named(rows, ("zone_id", "zone_type", "beats", "max_ratio", "bound_ratio", "reason"))


def beats(plan: Plan) -> pd.DataFrame:
    """Return the beats with type, work, road, hotspots and visits."""
    rows = [
        {
            "beat_id": row["beat_id"],
            "beat_type": text(f"beats.type.{row['beat_type']}"),
            "road_km": f"{row['road_km']:.1f}",
            "workload": f"{row['workload_h_per_week']:.1f}",
            "load_ratio": f"{row['load_ratio']:.2f}",
            "hotspots": listed(row["hotspots"]) or DASH,
            "checkpoints": f"{row['checkpoints']}",
            "visits": f"{row['visits_per_week']}",
            "visit_min": f"{row['visit_min_per_week']:.0f} / {row['standing_min_per_week']:.0f}",
            "villages": listed(row["villages"]),
            "reason": " ".join(spoken(row["reason"])),
        }
        for row in records(plan.to_frame())
    ]
    columns = ("beat_id", "beat_type", "road_km", "workload", "load_ratio", "hotspots", "checkpoints", "visits",
               "visit_min", "villages", "reason")  # fmt: skip
    return _named(rows, columns)


def checkpoints(plan: Plan, zone_id: str = "") -> pd.DataFrame:
    """Return the checkpoints of a zone ("" for all) with kind, visits, hours and reasons."""
    table = plan.tables["checkpoints"]
    rows = [
        {
            "checkpoint_id": row["checkpoint_id"],
            "beat_id": row["beat_id"],
            "kind": text(f"beats.kind.{row['kind']}"),
            "name": row["name"],
            "min_visits": f"{row['min_visits_per_week']}",
            "hours": hours(row),
            "reason": " ".join(spoken(row["reason"])),
        }
        for row in records(table if not zone_id else table[table["zone_id"] == zone_id])
    ]
    return _named(rows, ("checkpoint_id", "beat_id", "kind", "name", "min_visits", "hours", "reason"))


def left_out(plan: Plan) -> pd.DataFrame:
    """Return the places that got no checkpoint, with the reason («why not here»)."""
    rows = [
        {
            "kind": text(f"beats.kind.{row['kind']}"),
            "name": row["name"],
            "beat_id": row["beat_id"] or DASH,
            "why": " ".join(spoken(row["why"])),
            "reason": " ".join(spoken(row["reason"])),
        }
        for row in records(plan.tables["left_out"])
    ]
    return _named(rows, ("kind", "name", "beat_id", "why", "reason"))


def hours(row: Mapping[str, Any]) -> str:
    """Say when a crew must be at a checkpoint: hours, and the lunar days of a market."""
    words = row["hours"].replace(";", text("list.mark")) or text("beats.any_hour")
    return words if not row["market_days"] else text("beats.market_hours", hours=words, days=row["market_days"])


def listed(names: str) -> str:
    """Return names that a plan keeps with the Chinese list mark, in the running language."""
    return names.replace("、", text("list.mark"))


def _ratio(value: float) -> str:
    return DASH if pd.isna(value) else f"{value:.2f}"


def _named(rows: list[dict[str, str]], columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.rename(columns=lambda key: text(f"page.beats.column.{key}"))
