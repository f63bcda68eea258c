"""Other zone plans beside the one made: what moving fewer villages, evener work, or another number of zones would cost.

In:     a ``Case`` (ground, wishes, settings).
Out:    a ``Plan`` "options": a row an option with its travel, bound, gap, balance and villages moved; and the posts of
        each, so that a planner can pick one and have it at once (``answer_of``).
Method: ``models.frontier``, with the wishes of the settings; a price of moving is left out, for the frontier shows it.
"""

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gis_data.errors import InputError
from gis_data.progress import Progress, silent
from models.districting.problem import Floats
from models.districting.solve import Solution
from models.districting.wishes import obeys, paid, villages_moved, with_wishes
from models.frontier import balance_frontier, count_table, moves_frontier
from models.plan import Plan
from models.zone_case import Case
from models.zone_tables import balance_row

KINDS = ("moves", "balance", "count")
BUDGETS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30)  # METHODS: 0, 1, 2, 3, 5 … villages
TOLERANCES = (0.02, 0.03, 0.05, 0.075, 0.10, 0.15, 0.20)
COUNTS_BELOW, COUNTS_ABOVE = 2, 4  # zones fewer and more than asked
SOLVE_S = 10.0  # for each option, or the setting if that is less
MOST_UNITS = 600  # above, a table of thirty options would take hours
STEP = "command.step.options"


def plan_options(case: Case, *, seed: int, progress: Progress = silent) -> Plan:
    """Solve the case for other budgets of moves, tolerances and numbers of zones.

    Raises
    ------
    InputError
        If the ground has too many units for so many plans.
    """
    if case.problem.size > MOST_UNITS:
        raise InputError("options.too_many", units=case.problem.size, most=MOST_UNITS)
    started = time.perf_counter()
    case = _without_price(case)
    rows = []
    for number, kind in enumerate(KINDS):
        found = _frontier(case, kind, number, seed=seed, progress=progress)
        rows += [_option(case, {str(name): value for name, value in row.items()}) for row in found.to_dict("records")]
    table = pd.DataFrame([row for row, _ in rows])
    units = case.ground.units["unit_id"].to_numpy()
    posts = [
        pd.DataFrame({"option_id": row["option_id"], "unit_id": units, "post_unit": units[post]})
        for row, post in rows
        if post is not None
    ]
    empty = pd.DataFrame({"option_id": [], "unit_id": [], "post_unit": []}, dtype="str")
    return Plan(
        name="options",
        tables={"options": table, "posts": pd.concat(posts, ignore_index=True) if posts else empty},
        settings={
            "zones": dataclasses.asdict(case.settings),
            "workload": dataclasses.asdict(case.workload),
            "count": case.problem.count,
        },
        seed=seed,
        seconds=time.perf_counter() - started,
        notes=(("options.note.basis", {"options": len(table), "seconds": f"{_limit(case):g}"}),),
    )


def _limit(case: Case) -> float:
    return min(SOLVE_S, case.settings.time_limit_s)


def _without_price(case: Case) -> Case:
    settings = dataclasses.replace(case.settings, move_price_min=0.0, move_budget=-1)
    return Case.of(case.ground, settings, case.workload, count=case.problem.count)


def _frontier(case: Case, kind: str, number: int, *, seed: int, progress: Progress) -> pd.DataFrame:
    """Return the plans of one kind, with the count and tolerance of each."""

    def share(part: float) -> None:
        progress(STEP, (number + part) / len(KINDS))

    limit, tolerance, count = _limit(case), case.problem.tolerance, case.problem.count
    base = with_wishes(case.problem, case.wishes)
    if kind == "moves":
        if case.wishes.today is None:
            return pd.DataFrame()
        budgets = [budget for budget in BUDGETS if budget < base.size]
        table = moves_frontier(base, case.wishes.today, budgets=budgets, seed=seed, time_limit_s=limit, share=share)
        return table.assign(kind=kind, count=count, tolerance=tolerance)
    if kind == "balance":
        tolerances = sorted({*TOLERANCES, tolerance})
        table = balance_frontier(base, tolerances=tolerances, seed=seed, time_limit_s=limit, share=share)
        return table.assign(kind=kind, count=count, budget=-1)
    counts = range(max(1, count - COUNTS_BELOW), min(base.size, count + COUNTS_ABOVE) + 1)
    tables = []
    for place, other in enumerate(counts):
        if other >= len(case.wishes.fixed_posts):
            asked = case.with_count(other)
            tables.append(count_table(with_wishes(asked.problem, asked.wishes), counts=[other], seed=seed,
                                      time_limit_s=limit))  # fmt: skip
        share((place + 1) / len(counts))
    return pd.concat(tables, ignore_index=True).assign(kind=kind, tolerance=tolerance, budget=-1)


def _option(case: Case, row: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return one option as printed: minutes without the prices of wishes, its bound in the same measure."""
    case = case.with_count(int(row["count"])) if row["count"] != case.problem.count else case
    problem = dataclasses.replace(case.problem, tolerance=float(row["tolerance"]))
    post, work = row["post"], float(problem.load.sum())
    post = None if post is None or not obeys(case.wishes, post) else post
    asked = {
        "option_id": _option_id(row), "kind": row["kind"], "count": int(row["count"]),
        "tolerance": float(row["tolerance"]), "budget": int(row["budget"]), "ended_by": row["ended_by"],
    }  # fmt: skip
    if post is None:
        unknown = ("travel_min", "bound_min", "gap", "max_ratio", "min_ratio", "ground_rms_km")
        return asked | dict.fromkeys(unknown, np.nan) | {"moved": -1, "found": False}, None
    judged = balance_row(problem, case.ground.units, "", post)
    travel = judged["mean_travel_min"]
    bound = min(float(row["bound_min"]) - paid(problem, case.wishes, post) / work, travel)
    gap = (travel - bound) / travel if travel > 0 else 0.0
    figures = {name: judged[name] for name in ("max_ratio", "min_ratio", "ground_rms_km")}
    moved = -1 if case.wishes.today is None else villages_moved(case.wishes.today, post)
    values = {"travel_min": travel, "bound_min": bound, "gap": gap, "moved": moved, "found": True}
    return asked | figures | values, post


def _option_id(row: Mapping[str, Any]) -> str:
    value = {"moves": row["budget"], "balance": f"{100 * row['tolerance']:g}", "count": row["count"]}[row["kind"]]
    return f"{row['kind']}-{value}"


def option_changes(option: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that an option stands for, as a table of ``[settings.zones]``."""
    changes: dict[str, Any] = {"count": int(option["count"]), "tolerance": float(option["tolerance"])}
    return changes | {"move_budget": int(option["budget"]), "move_price_min": 0.0}


def find_option(options: Plan, option_id: str) -> dict[str, Any]:
    """Return an option by its id.

    Raises
    ------
    InputError
        If there is none of that id, or no plan was found for it.
    """
    table = options.to_frame()
    rows = table[(table["option_id"] == option_id) & table["found"]]
    if rows.empty:
        raise InputError("options.unknown", found=option_id, known=", ".join(table.loc[table["found"], "option_id"]))
    return {str(name): value for name, value in rows.iloc[0].items()}


def answer_of(options: Plan, option: Mapping[str, Any], case: Case) -> Solution:
    """Return an option's answer to the case of its settings.

    Raises
    ------
    InputError
        If the option was reckoned for other units than the case has.
    """
    posts = options.tables["posts"]
    post_of = posts[posts["option_id"] == option["option_id"]].set_index("unit_id")["post_unit"]
    row = pd.Series(np.arange(case.problem.size), index=case.ground.units["unit_id"])
    if set(post_of.index) != set(row.index):
        raise InputError("options.stale")
    post = row[post_of[row.index]].to_numpy(dtype=np.int64)
    work = float(case.problem.load.sum())
    costs: Floats = case.problem.cost[np.arange(len(post)), post]
    own = paid(case.problem, case.wishes, post)
    bound = float(option["bound_min"]) * work + own
    return Solution(post, float(costs.sum()) + own, bound, str(option["ended_by"]))
