"""Explain: why a zone or beat has its type and size, why a checkpoint stands where it does, why another does not.

In:     a plan "beats" and the id of a zone, beat or checkpoint, or the name of a candidate that was left out.
Out:    sentences in the running language.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from gis_data.errors import InputError
from models.beats.types import spoken
from models.plan import Plan

LEAST_TOLD_KM = 0.05


def explain(plan: Plan, place: str) -> tuple[str, ...]:
    """Return the reasons for one place of the plan («because…», «why not here»), as sentences.

    Raises
    ------
    InputError
        If the plan knows no such zone, beat, checkpoint or candidate.
    """
    for name, column, words in (
        ("zones", "zone_id", _zone), ("beats", "beat_id", _beat), ("checkpoints", "checkpoint_id", _checkpoint),
        ("left_out", "name", _left_out),
    ):  # fmt: skip
        found = plan.tables[name][plan.tables[name][column] == place]
        if len(found):
            return tuple(sentence for _, row in found.iterrows() for sentence in words(row))
    raise InputError("beats.no_place", found=place)


def _zone(row: pd.Series) -> tuple[str, ...]:
    if not row["beats"]:
        return (*spoken(row["reason"]), text("beats.because.no_beats", zone=row["zone_id"]))
    hours, km = f"{row['workload_h_per_week']:.1f}", f"{row['road_km']:.1f}"
    values: dict[str, Any] = {"zone": row["zone_id"], "beats": row["beats"], "hours": hours, "km": km}
    even: dict[str, Any] = {
        "max": f"{row['max_ratio']:.2f}",
        "min": f"{row['min_ratio']:.2f}",
        "bound": f"{row['bound_ratio']:.2f}",
    }
    if row["beats"] == 1:
        return (*spoken(row["reason"]), text("beats.because.one_beat", hours=hours, km=km))
    return (*spoken(row["reason"]), text("beats.because.count", **values), text("beats.because.balance", **even))


def _beat(row: pd.Series) -> tuple[str, ...]:
    values: dict[str, Any] = {"beat": row["beat_id"], "hours": f"{row['workload_h_per_week']:.1f}",
              "ratio": f"{row['load_ratio']:.2f}", "km": f"{row['road_km']:.1f}"}  # fmt: skip
    sentences = [*spoken(row["reason"]), text("beats.because.work", **values)]
    if row["hotspots"]:
        sentences.append(text("beats.because.hotspots", hotspots=row["hotspots"]))
    if row["loose_km"] >= LEAST_TOLD_KM:
        sentences.append(text("beats.because.loose", km=f"{row['loose_km']:.1f}"))
    visits: dict[str, Any] = {
        "checkpoints": row["checkpoints"],
        "visits": row["visits_per_week"],
        "minutes": f"{row['visit_min_per_week']:.0f}",
        "standing": f"{row['standing_min_per_week']:.0f}",
    }
    return (*sentences, text("beats.because.visits", **visits))


def _checkpoint(row: pd.Series) -> tuple[str, ...]:
    return (*spoken(row["reason"]), when(row))


def when(row: Mapping[str, Any] | pd.Series) -> str:
    """Say how often and when a crew must be at a checkpoint."""
    hours, days = row["hours"].replace(";", text("beats.and_hours")), row["market_days"]
    visits, stop = int(row["min_visits_per_week"]), f"{row['stop_min']:g}"
    if days:
        return text("beats.when.market", hours=hours, days=days, visits=visits, stop=stop)
    if hours:
        return text("beats.when.hours", hours=hours, visits=visits, stop=stop)
    return text("beats.when.any_hour", visits=visits, stop=stop)


def _left_out(row: pd.Series) -> tuple[str, ...]:
    return (*spoken(row["reason"]), *spoken(row["why"]))
