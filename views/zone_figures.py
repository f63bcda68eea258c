"""Other zone plans as people read them: each option in words, as a point of a chart and as a row of a table.

In:     the plan "options" and the zone plan in use.
Out:    small frames of words and numbers. Nothing is computed here but rounding.
"""

from collections.abc import Callable, Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from gis_data.catalogue import text
from models.edit import Judged
from models.plan import Plan
from views import figures


def option_of(options: pd.DataFrame, plan: Plan) -> str:
    """Return the option that the plan is: the one picked, or one with its settings and its ways; "" if none is."""
    picked = str(plan.settings.get("option", ""))
    if picked or plan.objective is None:
        return picked
    same = (options["count"] == plan.settings["count"]) & ((options["travel_min"] - plan.objective).abs() < 1e-6)
    settings = plan.settings["zones"]
    same &= ((options["tolerance"] - settings["tolerance"]).abs() < 1e-9) & (options["kind"] == "balance")
    return str(options.loc[same, "option_id"].iloc[0]) if same.any() else ""


def option_points(options: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return the options with a plan as points: ``kind``, ``asked``, ``travel_min``, ``bound_min``, ``words``."""
    found = options[options["found"]]
    asked = {"moves": found["budget"], "balance": 100 * found["tolerance"], "count": found["count"]}
    return found.assign(
        asked=sum(column.where(found["kind"] == kind, 0) for kind, column in asked.items()),
        words=[option_words(row) for row in figures.records(found)],
        in_use=found["option_id"] == option_of(found, plan),
    )


def option_words(option: Mapping[str, Any]) -> str:
    """Say what an option asks and what it costs."""
    return text(
        "page.adjust.option", asked=_asked(option), travel=f"{option['travel_min']:.2f}",
        ratio=f"{option['max_ratio']:.2f}", gap=figures.percent(100 * option["gap"]),
    )  # fmt: skip


def _asked(option: Mapping[str, Any]) -> str:
    values = {"budget": option["budget"], "tolerance": f"{100 * option['tolerance']:g}", "count": option["count"]}
    return text(f"page.adjust.asked.{option['kind']}", **values)


def option_lines(options: pd.DataFrame) -> list[str]:
    """Return a line an option: what it costs and how many villages it moves, or that there is no such plan."""
    lines = []
    for row in figures.records(options):
        if row["found"]:
            moved = text("page.adjust.option_moves", moved=row["moved"]) if row["moved"] >= 0 else ""
            lines.append(option_words(row) + moved)
        else:
            lines.append(text("page.adjust.option_none", asked=_asked(row), why=_no_option(row)))
    return lines


def options_table(options: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return every option with ways, proven distance to the best, balance, villages moved; also those without a plan.

    The one in use carries a mark.
    """
    now = option_of(options, plan)
    rows = []
    for row in figures.records(options):
        found = bool(row["found"])
        mark = text("page.adjust.in_use") if row["option_id"] == now else ""
        rows.append(
            {
                "option": _asked(row) + mark,
                "travel": f"{row['travel_min']:.2f}" if found else figures.DASH,
                "gap": figures.percent(100 * row["gap"]) if found else _no_option(row),
                "max_ratio": f"{row['max_ratio']:.2f}" if found else figures.DASH,
                "min_ratio": f"{row['min_ratio']:.2f}" if found else figures.DASH,
                "moved": f"{row['moved']}" if found and row["moved"] >= 0 else figures.DASH,
                "ground": f"{row['ground_rms_km']:.2f}" if found else figures.DASH,
            }
        )
    return pd.DataFrame(rows).rename(columns=lambda key: text(f"page.adjust.column.{key}"))


def _no_option(option: Mapping[str, Any]) -> str:
    return text("page.adjust.proven_none" if option["ended_by"] == "infeasible" else "page.adjust.none_found")


def settings_words(plan: Plan) -> str:
    """Return the zone settings that make a plan again, as the command line takes them."""
    names = ("tolerance", "move_budget", "move_price_min")
    values = {"count": plan.settings["count"]} | {name: plan.settings["zones"][name] for name in names}
    return " ".join(f"--set zones.{name}={value:g}" for name, value in values.items())


def judged_table(before: Judged, after: Judged | None) -> pd.DataFrame:
    """Return a hand's plan before a change and after it, figure by figure; the index holds the figures' keys."""
    stages = [before] if after is None else [before, after]
    names = ("before", "after")[: len(stages)]
    rows = [
        {"figure": text(f"page.hand.figure.{key}")}
        | {name: shown(stage) for name, stage in zip(names, stages, strict=True)}
        for key, shown in _JUDGED.items()
    ]
    return pd.DataFrame(rows, index=list(_JUDGED)).rename(columns=lambda key: text(f"page.hand.column.{key}"))


_JUDGED: dict[str, Callable[[Judged], str]] = {
    "travel": lambda judged: f"{judged.travel_min:.2f}",
    "bound": lambda judged: figures.DASH if judged.bound_min is None else f"{judged.bound_min:.2f}",
    "gap": lambda judged: figures.DASH if judged.gap is None else figures.percent(100 * max(judged.gap, 0.0)),
    "busiest": lambda judged: f"{judged.max_ratio:.2f}",
    "quietest": lambda judged: f"{judged.min_ratio:.2f}",
    "moved": lambda judged: figures.DASH if judged.moved < 0 else f"{judged.moved}",
    "connected": lambda judged: text("page.hand.no" if judged.cut_off else "page.hand.yes"),
}


def crossing_names(
    crossings: gpd.GeoDataFrame, barriers: pd.DataFrame, roads: pd.DataFrame, villages: gpd.GeoDataFrame
) -> dict[int, str]:
    """Return each crossing's number and what people call it: the river or line, the road, the village it is near."""
    barrier = barriers.set_index("barrier_id")
    road = roads.set_index("road_id")["name"]
    names: dict[int, str] = {}
    for row in crossings.itertuples():
        wall = barrier.loc[row.barrier_id]
        over = wall["name"] or text(f"page.hand.barrier.{wall['kind']}")
        near = villages["name"].iloc[int(villages.distance(row.geometry).argmin())] if len(villages) else ""
        parts = [over, str(road.get(row.road_id, "")), text("page.hand.near", village=near) if near else ""]
        names[int(row.crossing_id)] = " · ".join([part for part in parts if part] + [f"#{row.crossing_id}"])
    return dict(sorted(names.items(), key=lambda item: item[1]))
