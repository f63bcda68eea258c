"""Patrol zones: the town cut into k connected parts of equal work, with short ways and no village split.

In:     the study, villages, cells and their walkable neighbours, roads, incidents.
Out:    a ``Plan`` "zones": a row a zone, a row a unit (village; cell where there are no villages), today's work areas
        beside it, with the objective, its proven bound and the gap.
Method: balanced p-median on the graph of units (``models.districting``) over the ground of ``models.zone_ground``,
        with the wishes of ``models.zone_wishes``. The objective is printed as mean minutes from the post to the work.
        Which engine solves it is decided by the number of units: the rule stands in ``models.city_zones``.
"""

import dataclasses
import math
import time
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_data.catalogue import text
from gis_data.errors import InfeasibleError, InputError
from gis_data.periods import Period
from gis_data.progress import Progress, Share, silent, silent_share
from gis_data.study import Study
from models.city_zones import CITY_FROM, plan_city
from models.districting.feasible import heaviest_excess, needed_tolerance, zones_by_component
from models.districting.problem import Districted, Ints, Problem, broken_rules, pieces
from models.districting.solve import EXACT_UP_TO, Solution, least_tolerance, nearest_count, solve
from models.districting.wishes import obeys, with_wishes
from models.ensemble import sample_plans
from models.frontier import solve_within, today_as_answer
from models.plan import Plan
from models.zone_case import Case, make_case, zone_count
from models.zone_notes import notes_of
from models.zone_tables import NONE_DRAWN, areas_of_today, unit_table, zone_table
from models.zone_wishes import check_settings

STEP = "command.step.zones"
THIN = 5  # steps of the chain between two random plans


def plan_zones(
    study: Study,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    cell_edges: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    *,
    period: Period,
    seed: int,
    count: int | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    progress: Progress = silent,
) -> Plan:
    """Cut the study into patrol zones, as its settings ask.

    Parameters
    ----------
    period
        Days whose incidents make the workload.
    count
        Number of zones; if None the setting ``zones.count``, else one for each work area of the village table.
    buildings
        Where people live: a village too heavy for a zone is divided by them, if the settings allow.

    Raises
    ------
    SchemaError
        If a setting is out of its range.
    InputError
        If no number of zones is known, there is no work at all, a village is unknown, settings contradict each other,
        or a wish needs work areas.
    InfeasibleError
        If no plan keeps the tolerance and the wishes; the sentence names the reason and the ways out. Nothing is
        relaxed silently.
    """
    started = time.perf_counter()
    if villages.empty and len(cells) > CITY_FROM:
        return _plan_city(study, villages, cells, cell_edges, incidents, period, count, seed=seed, progress=progress)
    case = make_case(
        study, villages, cells, cell_edges, roads, incidents, period=period, count=count, buildings=buildings
    )  # fmt: skip
    progress(STEP, 0.1)
    answer = solve_case(case, seed=seed, share=lambda share: progress(STEP, 0.1 + 0.7 * share))
    plan = as_plan(case, answer, seed=seed, share=lambda share: progress(STEP, 0.8 + 0.2 * share))
    return dataclasses.replace(plan, seconds=time.perf_counter() - started)


def _plan_city(
    study: Study, villages: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, cell_edges: pd.DataFrame,
    incidents: gpd.GeoDataFrame, period: Period, count: int | None, *, seed: int, progress: Progress,
) -> Plan:  # fmt: skip
    check_settings(study.settings.zones)
    return plan_city(
        study.settings, cells, cell_edges, incidents[period.holds(incidents["reported_at"])],
        weeks=period.weeks, count=zone_count(villages, count or study.settings.zones.count), seed=seed,
        refuse=lambda problem, units, answer: _no_plan(problem, units, answer, seed=seed),
        share=lambda share: progress(STEP, share),
    )  # fmt: skip


def solve_case(case: Case, *, seed: int, share: Share = silent_share) -> Solution:
    """Return the best answer that keeps the rules and the wishes.

    Raises
    ------
    InfeasibleError
        If there is none, or none was found.
    """
    problem, wishes, settings = case.problem, case.wishes, case.settings
    if settings.move_budget >= 0:
        within = solve_within(
            problem, wishes, budget=settings.move_budget, seed=seed, time_limit_s=settings.time_limit_s, share=share
        )
        if within.post is None and within.least >= 0:
            key = "zones.budget_proven" if within.ended_by == "infeasible" else "zones.budget"
            raise InfeasibleError(key, budget=settings.move_budget, least=within.least,
                                  tolerance_pct=f"{100 * problem.tolerance:g}")  # fmt: skip
        answer = Solution(within.post, within.cost, within.bound, within.ended_by)
    else:
        start = None if wishes.today is None else today_as_answer(problem, wishes.today)
        asked = with_wishes(problem, wishes)
        answer = solve(asked, seed=seed, time_limit_s=settings.time_limit_s, start=start, share=share)
    if answer.post is None:
        raise _no_plan(problem, case.ground.units, answer, seed=seed)
    if not obeys(wishes, answer.post):
        named = case.ground.units["name"]
        words = [list(named.iloc[list(rows)]) or "–" for rows in (wishes.locked, wishes.fixed_posts)]
        raise InfeasibleError("zones.wishes", locked=words[0], posts=words[1])
    return answer


def as_plan(
    case: Case, answer: Solution, *, seed: int, order: Ints | None = None,
    share: Share = silent_share,
) -> Plan:  # fmt: skip
    """Return an answer as a plan: its tables, what it was made from, and what to know about it.

    Parameters
    ----------
    order
        Posts in the order of the zones' numbers; by place from the north-west if None. An answer that breaks a rule (a
        change by hand that was insisted on) has no bound.
    """
    assert answer.post is not None
    problem, units, post = case.problem, case.ground.units, answer.post
    legal = not broken_rules(problem, post)
    today = areas_of_today(problem, units, post)
    today = _yardstick(problem, post, today, plans=case.settings.random_plans if legal else 0, seed=seed)
    share(1.0)
    return Plan(
        name="zones",
        tables={
            "zones": zone_table(problem, units, post, order=order),
            "units": unit_table(problem, units, post, order=order),
            "today": today,
            **({} if case.ground.parts is None else {"parts": case.ground.parts.cells}),
        },
        settings={
            "zones": dataclasses.asdict(case.settings),
            "workload": dataclasses.asdict(case.workload),
            "count": problem.count,
            "bound_with_wishes_min": answer.bound / float(problem.load.sum()),
        },
        seed=seed,
        seconds=0.0,
        objective=case.mean_min(post) if legal else float(today["mean_travel_min"].iloc[0]),
        bound=case.bound_min(answer.bound, post) if legal else None,
        unit="zones.unit.mean_min",
        ended_by=answer.ended_by,
        notes=notes_of(case, answer, today),
    )


def explain(plan: Plan, unit_id: str) -> tuple[str, ...]:
    """Return the reasons why a unit is in its zone and not in the next one, as sentences.

    Raises
    ------
    InputError
        If the plan has no such unit.
    """
    units = plan.tables["units"].set_index("unit_id")
    if unit_id not in units.index:
        raise InputError("zones.no_unit", found=unit_id)
    row = units.loc[unit_id]
    zones = plan.to_frame().set_index("zone_id")
    values = {
        "unit": row["name"], "zone": row["zone_id"], "minutes": f"{row['travel_min']:.1f}",
        "post": zones.loc[row["zone_id"], "post_name"], "hours": f"{row['total_min'] / 60:.1f}",
        "next": row["next_zone_id"], "next_minutes": f"{row['next_travel_min']:.1f}",
        "ratio": f"{zones.loc[row['zone_id'], 'load_ratio']:.2f}",
    }  # fmt: skip
    return (text("zones.because.work", **values), text(f"zones.because.{row['reason']}", **values))


def _no_plan(problem: Districted, units: pd.DataFrame, answer: Solution, *, seed: int) -> InfeasibleError:
    """Return the error that says which rule no plan can keep, and the ways out that were tried and work."""
    values: dict[str, Any] = {
        "count": problem.count, "tolerance_pct": f"{100 * problem.tolerance:g}",
        "mean_h": f"{problem.mean_load / 60:.1f}", **_two_ways_out(problem, seed=seed),
    }  # fmt: skip
    if heaviest_excess(problem) > problem.tolerance:
        heaviest = int(problem.load.argmax())
        hours, limit = problem.load[heaviest] / 60, (1 + problem.tolerance) * problem.mean_load / 60
        values |= {"unit": units["name"].iloc[heaviest], "hours": f"{hours:.1f}", "limit_h": f"{limit:.1f}"}
        return InfeasibleError("zones.unit_too_heavy", **values)
    if zones_by_component(problem)[1] > problem.tolerance:
        return InfeasibleError("zones.cut_off", **(values | _lightest_piece(problem, units)))
    if answer.ended_by == "infeasible":
        return InfeasibleError("zones.infeasible", **values)
    return InfeasibleError("zones.not_found", **values)


def _two_ways_out(problem: Districted, *, seed: int) -> dict[str, Any]:
    """Return another number of zones and a wider tolerance, as numbers and in words that say what was tried."""
    if not isinstance(problem, Problem) or problem.size > EXACT_UP_TO:
        least_pct = f"{100 * needed_tolerance(problem):.0f}"
        return {
            "other": "–", "count_way": text("zones.way.any_count"), "least_pct": least_pct,
            "tolerance_way": text("zones.way.beyond", least_pct=least_pct),
        }  # fmt: skip
    least, other = least_tolerance(problem, seed=seed), nearest_count(problem, seed=seed)
    least_pct = f"{100 * least:.0f}" if np.isfinite(least) else "–"
    return {
        "other": other or "–", "least_pct": least_pct,
        "count_way": text("zones.way.count", other=other) if other else text("zones.way.no_count"),
        "tolerance_way": text(
            "zones.way.tolerance" if np.isfinite(least) else "zones.way.no_tolerance", least_pct=least_pct
        ),
    }  # fmt: skip


def _yardstick(problem: Problem, post: Ints, today: pd.DataFrame, *, plans: int, seed: int) -> pd.DataFrame:
    """Add the share of random legal plans (per cent) that the plan, and today's areas, beat; NaN for none drawn.

    With more zones every map has shorter ways, so areas of another number than the plans are not held against them.
    """
    if not plans or problem.count < 2 or problem.size > EXACT_UP_TO:
        return today.assign(**NONE_DRAWN)
    sample = sample_plans(problem, post, plans=plans, thin=THIN, rng=np.random.default_rng([seed, plans]))
    beaten = [
        sample.beaten(travel_min=row["mean_travel_min"], max_ratio=row["max_ratio"])
        if row["zones"] == problem.count
        else (math.nan, math.nan)
        for row in today.to_dict("records")
    ]
    return today.assign(
        beats_travel_pct=[travel for travel, _ in beaten], beats_balance_pct=[balance for _, balance in beaten],
        random_plans=plans, random_distinct=sample.distinct,
    )  # fmt: skip


def _lightest_piece(problem: Districted, units: pd.DataFrame) -> dict[str, Any]:
    parts = pieces(problem, np.arange(problem.size))
    lightest = min(parts, key=lambda part: float(problem.load[part].sum()))
    names = [str(name) for name in units["name"].iloc[lightest[:3]]]
    hours = problem.load[lightest].sum() / 60
    return {"parts": len(parts), "piece": names, "units": len(lightest), "hours": f"{hours:.1f}"}
