"""The camera plan: which villages, which sites, what each camera sees, what stays blind, and what it costs.

In:     the study's tables and the planning period.
Out:    ``Plan("cameras")``: tables cameras, sites, views, entrances, blind_spots, areas, left_out, villages, rules,
        summary, checklist, curve, rollout.
Method: rules -> demand -> sites -> visibility -> coverage -> refine -> left_out -> money, one file each.
        The objective is the share of the named villages' weighted road that cameras see by day and by night, in per
        cent. All prices are assumptions of the settings.
"""

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_data.periods import Period
from gis_data.progress import Progress, silent
from gis_data.settings import CameraSettings
from gis_data.study import Study
from models.cameras import coverage, money, rules
from models.cameras.bounds import wish_bounds
from models.cameras.checklist import checklist
from models.cameras.demand import find_demand
from models.cameras.entrances import fewest_cuts
from models.cameras.left_out import left_out_sites, with_best_sites
from models.cameras.many import most_covered_by_price, parts_of
from models.cameras.problem import Choice, Ints, Problem
from models.cameras.refine import Wishes, refine
from models.cameras.scene import Scene, make_scene, released
from models.cameras.tables import empty_tables, plan_tables, summary_table
from models.cameras.two_sides import two_sided
from models.plan import Plan

BUDGET_STEP_CNY = 10_000.0
ONE_MODEL = 30  # villages

Note = tuple[str, dict[str, Any]]


def plan_cameras(
    study: Study,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    cameras: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    *,
    period: Period,
    seed: int,
    progress: Progress = silent,
) -> Plan:
    """Plan the cameras of all villages that the rules name, under one budget.

    Parameters
    ----------
    period
        The days that ``incidents`` cover; only reported incidents are used.
    seed
        Written into the plan; nothing here is drawn by chance.

    Returns
    -------
    Plan
        ``objective`` and ``bound`` are per cent of weighted road; None when no village can be planned.

    Raises
    ------
    InfeasibleError
        If the budget is smaller than the least price at which every entrance is watched.
    """
    started = time.perf_counter()
    settings = study.settings.cameras
    named = rules.name_villages(villages, incidents, period=period, settings=settings)
    chosen_ids = sorted(named.loc[named["named"], "village_id"])
    progress("cameras.step.demand", 0.05)
    about = {"villages": _at_their_centres(named, villages), "rules": rules.cover_by_rule(named)}
    if not chosen_ids or roads.empty or buildings.empty:
        tables = empty_tables(study.crs) | about
        why = "cameras.no_village" if not chosen_ids else "cameras.no_ground"
        return _plan(study, tables, seed, started, notes=[(why, {"villages": len(chosen_ids)})])
    demand = find_demand(
        villages, cells, roads, buildings, places, incidents,
        named=chosen_ids, risk_bandwidth_m=settings.risk_bandwidth_m,
    )  # fmt: skip
    progress("cameras.step.sites", 0.15)
    scene = make_scene(demand, roads, buildings, places, cameras, settings=settings)
    progress("cameras.step.choice", 0.45)
    answer = choose(scene, settings=settings)
    progress("cameras.step.views", 0.90)
    tables = plan_tables(scene, answer.best, demand, villages, roads, buildings, cameras, settings)
    tables |= about
    tables["summary"] = summary_table(named, demand, scene, answer.best, tables, fewest_cuts(demand.areas, roads))
    tables["checklist"] = checklist(tables["cameras"], tables["views"], places, scene.private_ground, settings=settings)
    tables["left_out"] = left_out_sites(scene, answer.best, budget_cny=answer.budget_cny)
    tables["blind_spots"] = with_best_sites(tables["blind_spots"], scene, answer.best, demand)
    tables |= _money_tables(scene, answer, tables["cameras"], settings)
    notes = _notes(answer, tables, scene, settings)
    return _plan(study, tables, seed, started, notes=notes, best=answer.best, budget_cny=answer.budget_cny)


@dataclass(frozen=True)
class Answer:
    """The best plan, the cheapest cordon in it, and what no plan without the cordon's guarantee can cover.

    ``wish_bounds`` are the most second views (per cent) and the least private ground (5 m grid) of plans as good.
    """

    best: Choice
    cordon: Choice
    unguarded_bound_pct: float
    wish_bounds: tuple[float, float]
    budget_cny: float


def choose(scene: Scene, *, settings: CameraSettings) -> Answer:
    """Solve in order: the cheapest cordon, the most weight within the budget, then the two lesser wishes."""
    problem, limit_s = scene.problem, settings.time_limit_s
    cordon = coverage.cheapest_cordon(problem, time_limit_s=limit_s)
    budget_cny = settings.budget_cny or _usual_budget_cny(problem, cordon, settings)
    village = pd.factorize(scene.sites["village_id"])[0][problem.pole].astype(np.int64)
    best = _most_covered(problem, village, cordon, budget_cny=budget_cny, settings=settings)
    wishes = Wishes(scene.directions, scene.private_m2, village)
    best = refine(problem, wishes, best, budget_cny=budget_cny)
    unguarded = coverage.coverage_bound(problem, budget_cny=budget_cny)
    bounds = wish_bounds(problem, wishes, best, budget_cny=budget_cny, time_limit_s=limit_s)
    return Answer(best, cordon, unguarded, bounds, budget_cny)


def _most_covered(
    problem: Problem, village: Ints, cordon: Choice, *, budget_cny: float, settings: CameraSettings
) -> Choice:
    """Solve all villages in one model; where they are many, each by itself at a common price of money."""
    limit_s = settings.time_limit_s
    if len(np.unique(village)) <= ONE_MODEL:
        return coverage.most_covered(
            problem, budget_cny=budget_cny, cordon=cordon, gap=settings.gap, time_limit_s=limit_s
        )
    parts, rows = parts_of(problem, village)
    many = most_covered_by_price(parts, budget_cny=budget_cny, time_limit_s=limit_s)
    chosen = np.sort(np.concatenate([own[taken] for own, taken in zip(rows, many.chosen, strict=True)]))
    objective = problem.share_pct(chosen)
    return Choice(chosen, objective, max(problem.pct(many.bound), objective), "gap")


def _money_tables(
    scene: Scene, answer: Answer, cameras: pd.DataFrame, settings: CameraSettings
) -> dict[str, pd.DataFrame]:
    """Return the budget curve and the rollout; the year of each new camera is written into ``cameras``."""
    order = money.build_order(scene.problem, answer.best.chosen)
    limits = {"budget_cny": answer.budget_cny, "cordon_cny": answer.cordon.objective}
    year, rollout = money.rollout(scene.problem, order, years=settings.rollout_years, **limits)
    of = pd.Series(year, index=order.rows).reindex(answer.best.chosen).fillna(0).astype("int64")
    cameras["year"] = of.to_numpy()
    curve = money.budget_curve(scene.problem, answer.best, order, step_cny=settings.curve_step_cny, **limits)
    return {"curve": curve, "rollout": rollout}


def _at_their_centres(named: pd.DataFrame, villages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    centres = gpd.points_from_xy(villages["centre_x"], villages["centre_y"])
    return gpd.GeoDataFrame(named, geometry=centres, crs=villages.crs)


def _usual_budget_cny(problem: Problem, cordon: Choice, settings: CameraSettings) -> float:
    """Return the cordon's price and half as much again, in whole steps: where nobody has named a budget yet.

    What hands placed is no part of that price, or each camera locked would raise the budget; but it must be paid for.
    """
    bare = cordon
    if problem.must.any():
        free = dataclasses.replace(problem, must=np.zeros_like(problem.must))
        bare = coverage.cheapest_cordon(free, time_limit_s=settings.time_limit_s)
    wanted = max(settings.budget_per_cordon * bare.objective, cordon.objective)
    return float(max(np.ceil(wanted / BUDGET_STEP_CNY), 1) * BUDGET_STEP_CNY)


def _notes(answer: Answer, tables: dict[str, pd.DataFrame], scene: Scene, settings: CameraSettings) -> list[Note]:
    entrances = tables["entrances"]
    spent = scene.problem.cost_cny(answer.best.chosen)
    seen, least = int(entrances["seen"].sum()), yuan(answer.cordon.objective)
    shares = {"with_pct": f"{answer.best.objective:.1f}", "without_pct": f"{answer.unguarded_bound_pct:.1f}"}
    notes: list[Note] = [
        ("cameras.budget", {"budget": yuan(answer.budget_cny), "spent": yuan(spent)}),
        ("cameras.cordon", {"seen": seen, "entrances": len(entrances), "least": least}),
        ("cameras.cordon_price", shares),
    ]
    if not entrances["seen"].all():
        notes.append(("cameras.unseen_entrances", {"count": int((~entrances["seen"]).sum())}))
    freed = released(settings)
    if freed:
        notes.append(("cameras.released", {"entrances": [f"{k} ({why})" for k, why in freed.items()]}))
    notes.append(("cameras.night", night_figures(tables["summary"])))
    notes.append(("cameras.wishes", _wish_figures(scene, answer.best, tables)))
    notes.append(("cameras.wish_bounds", _wish_bounds(scene, answer)))
    bare = tables["summary"].loc[tables["summary"]["road_m"] == 0, "name"]
    if len(bare):
        notes.append(("cameras.village_without_ground", {"villages": list(bare)}))
    unusable = scene.sites["usable"].eq(False).sum() if "usable" in scene.sites else 0
    if unusable:
        notes.append(("cameras.standing_unusable", {"count": int(unusable)}))
    prices = {"camera": " / ".join(yuan(price) for price in settings.camera_cny)}
    prices |= {"pole": yuan(settings.pole_cny), "mount": yuan(settings.mount_cny)}
    return [*notes, ("cameras.prices_assumed", prices)]


def night_figures(summary: pd.DataFrame) -> dict[str, Any]:
    """Return the shares of road seen by day and by night as a note says them."""
    road = summary["road_m"].sum()
    day, night = (100 * summary[name].sum() / road if road else 0.0 for name in ("seen_m", "seen_at_night_m"))
    return {"day_pct": f"{day:.1f}", "night_pct": f"{night:.1f}"}


def _wish_figures(scene: Scene, best: Choice, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    problem = scene.problem
    second = problem.pct(float(problem.weight @ two_sided(problem, scene.directions, best.chosen)))
    return {"second_pct": f"{second:.1f}", "private_m2": f"{tables['cameras']['private_m2'].sum():,.0f}"}


def _wish_bounds(scene: Scene, answer: Answer) -> dict[str, Any]:
    most, least = answer.wish_bounds
    ground = float(scene.private_m2[answer.best.chosen].sum())
    return {"most_pct": f"{most:.1f}", "grid_m2": f"{ground:,.0f}", "least_m2": f"{least:,.0f}"}


def _plan(
    study: Study,
    tables: dict[str, pd.DataFrame],
    seed: int,
    started: float,
    *,
    notes: list[Note],
    best: Choice | None = None,
    budget_cny: float = 0.0,
) -> Plan:
    return Plan(
        name="cameras",
        tables=tables,
        settings={"cameras": dataclasses.asdict(study.settings.cameras), "budget_cny": budget_cny},
        seed=seed,
        seconds=time.perf_counter() - started,
        objective=None if best is None else best.objective,
        bound=None if best is None else best.bound,
        unit="" if best is None else "cameras.unit",
        ended_by="exact" if best is None else best.ended_by,
        notes=tuple(notes),
    )


def yuan(amount: float) -> str:
    """Return an amount as notes say it."""
    return f"{amount:,.0f}"
