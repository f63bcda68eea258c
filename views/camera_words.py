"""The cameras' cards in words: why a camera is where it is, and why there is none elsewhere.

In:     rows of the camera plan's tables.
Out:    sentences in the running language, each with the model's own numbers.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from models.cameras.rules import WINDOWS, reasons
from models.plan import Plan
from views.figures import records
from views.formats import number


def camera_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a camera hangs where it does."""
    if row["status"] in ("existing", "by_hand"):
        yield text(f"cameras.why.{row['status']}")
    if row["entrances"]:
        names = str(row["entrances"]).split(";")
        yield text("cameras.why.entrances", count=len(names), entrances=names, only=int(row["entrances_only"]))
    yield text("cameras.why.gain", gain=f"{row['gain_pct']:.2f}")
    if row["private_m2"] > 0:
        yield text("cameras.why.private", m2=f"{row['private_m2']:,.0f}", masks=row["masks"].replace(";", "; ") or "–")


def entrance_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield which cameras guard an entrance, or why none does."""
    if row["seen"]:
        yield text("cameras.why.guarded", cameras=str(row["cameras"]).split(";"))
        if not row["seen_at_night"]:
            yield text("cameras.why.dark")
    elif row["released"]:
        yield text("cameras.why.released", reason=row["released"])
    elif row["can_be_seen"]:
        yield text("cameras.why.open")
    elif pd.notna(row["build_distance_m"]):
        yield text("cameras.why.unseeable", metres=f"{row['build_distance_m']:.0f}")
    else:
        yield text("cameras.why.nowhere")


def blind_lines(row: Mapping[str, Any], left_cny: float) -> Iterator[str]:
    """Yield why a stretch of road is not seen: the camera that would see most of it, and its price."""
    if pd.isna(row.get("best_seen_pct")):
        yield text("cameras.why.not_reckoned")
    elif not row["best_site_id"]:
        yield text("cameras.why.no_pole")
    else:
        yield text("cameras.why.best_pole", site=row["best_site_id"], share=f"{row['best_seen_pct']:.0f}",
                   cost=number(row["best_cny"]), left=number(left_cny))  # fmt: skip


def left_out_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield why no camera stands at a possible site."""
    yield text(
        f"cameras.why.{row['why']}", gain=f"{row['gain_pct']:.2f}", already=f"{row['already_pct']:.0f}",
        azimuth=f"{row['azimuth_deg']:.0f}", hfov=f"{row['hfov_deg']:.0f}", cost=number(row["cost_cny"]),
        left=number(row["left_cny"]), m2=f"{row['private_m2']:,.0f}",
    )  # fmt: skip
    if row["why"] != "seen" and pd.notna(row["least_pct_per_1k_cny"]):
        here, least = (f"{row[name]:.3f}" for name in ("pct_per_1k_cny", "least_pct_per_1k_cny"))
        yield text("cameras.why.per_money", here=here, least=least)


def village_lines(plan: Plan, village_id: str) -> Iterator[str]:
    """Yield why a village is named, or rule by rule why it is not; and what is the best that was not built there."""
    villages, settings = plan.tables["villages"], plan.settings["cameras"]
    village = records(villages[villages["village_id"] == village_id])[0]
    for key, values in reasons(village, settings=settings):
        yield text(key, **values)
    if not village["reasons"]:
        yield from _no_rule(village, settings)
    left_out = left_out_of(plan)
    mine = left_out[left_out["village_id"] == village_id]
    if len(mine):
        best = records(mine.sort_values("gain_pct", ascending=False, kind="stable").head(1))[0]
        yield text("cameras.why.best_left", count=len(mine), site=best["site_id"])
        yield from left_out_lines(best)


def left_out_of(plan: Plan) -> pd.DataFrame:
    """Return the possible sites without a camera; none of a plan that was made before they were kept."""
    return plan.tables.get("left_out", pd.DataFrame({"village_id": [], "gain_pct": []}))


def left_cny(plan: Plan) -> float:
    """Return what is left of the budget."""
    return max(float(plan.settings["budget_cny"]) - float(plan.tables["summary"]["cost_cny"].sum()), 0.0)


def _no_rule(village: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    yield text("cameras.why.few_people", population=f"{village['population']:,}",
               operator=settings["population_operator"], over=f"{settings['population_over']:,}")  # fmt: skip
    yield text("cameras.why.no_market")
    rates = {f"{name}_{k}": village[f"{name}_per_10k_{k}"] for name in ("rate", "low", "town", "top_decile")
             for k in range(1, WINDOWS + 1)}  # fmt: skip
    if any(pd.isna(rate) for rate in rates.values()):
        yield text("cameras.why.disorder_unknown", weeks=village["window_weeks"])
    else:
        said: dict[str, Any] = {name: f"{rate:.0f}" for name, rate in rates.items()}
        yield text("cameras.why.no_disorder", weeks=village["window_weeks"], **said)
