"""Zones of a town of villages and of a grid of cells against GerryChain's search, of a city beside METIS; p-median.

GerryChain searches balanced, connected zones as ours does, but proves nothing. Ours is timed to a plan (``ours_s``,
``ratio``), of cells also to the end of the proof (``proof_s``); all seventy towns are proven by ``proofs.town``.
``objective_ratio`` is our mean way over that of GerryChain, place by place (under 1: ours is shorter), ``gap_pct`` how
far ours may be from the best, and ``answers_equal`` says that all plans keep the rules and none of ours is longer.

GerryChain would need hours for a city. METIS cuts it in a second into connected zones of even work, knowing nothing
of ways; the weighted k-means of scikit-learn is a yardstick of short ways that knows neither balance nor contiguity.
``beside`` holds METIS and what spopt has at that size (``_beside``): our mean way over theirs, each part with its best
post, the busiest zone over the mean, in how many plans all zones are connected and all rules kept, and the seconds.
A shorter way than ours is one that pays with a rule. ``peak_gb`` is the process's whole memory.

The grounds are those of ``_grounds``. The p-median of spopt knows neither balance nor contiguity, so ours is asked the
same there and the two optima must be equal.
"""

import datetime
import math
import resource
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pulp
from scipy.sparse.csgraph import dijkstra
from sklearn.cluster import KMeans
from spopt.locate import PMedian

from benchmarks import _beside, timed
from benchmarks._clock import on_the_processors_clock
from benchmarks._gerrychain import BURST, short_bursts
from benchmarks._grounds import CITY_INCIDENTS, CITY_ZONES, TOLERANCE, VILLAGES, cells, city, town, villages
from benchmarks.proofs import kept
from models.districting.city import solve_city
from models.districting.city_problem import CityProblem, broken_rules_of, members_of
from models.districting.feasible import is_hopeless
from models.districting.problem import Districted, Ints, Problem, broken_rules, recentred
from models.districting.search import search_many
from models.districting.solve import Solution, least_tolerance, nearest_count, solve

TOWNS = tuple((seed, 4 + (seed - 1) % 7) for seed in range(1, 11))  # (seed, zones): 4 to 10 zones in turn
SIDE, CELL_ZONES, CELL_STEPS = 50, 6, 1_000
CITY_LIMIT_S = 3_600.0  # by the wall, which a busy machine stretches; the bound has a fixed number of rounds
PLAN = 0.44  # of GerryChain's seconds, after which our search for a town's plan ends
BURSTS = 200
SEEDS, CITY_SEEDS = range(100), range(20)  # of METIS, which takes milliseconds: the best plan of all counts
P_MEDIAN_S = 20.0
WHOLE, TORN_MIN = 1e-3, 1e6  # peers round work to whole numbers, a ten-thousandth of a zone; minutes of no way
Row = dict[str, Any]


def run() -> list[Row]:
    """Cut the same ground with both peers and ours, judge the answers, then give the ratios of times."""
    in_the_city = in_city()  # first, so that the memory is its own
    return [in_villages(), in_cells(), in_the_city, p_median(town(1, 6))]


def in_city() -> Row:
    """Cut a city, with the proven gap, memory and time; k-means beside it."""
    ground, place = city(1)
    ours, ours_s = timed(lambda: solve_city(ground, seed=1, time_limit_s=CITY_LIMIT_S))
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    if ours.post is None or (broken := broken_rules_of(ground, ours.post)):
        raise AssertionError(f"our answer breaks {broken}")
    made = {
        "METIS": lambda: _by_metis(ground, CITY_SEEDS),
        "spopt Ward": lambda: _beside.ward(place, ground.neighbours, ground.count),
        "scikit-learn KMeans": lambda: KMeans(CITY_ZONES, n_init=1, random_state=1)
        .fit_predict(place, sample_weight=ground.load).astype(np.int64),
    }  # fmt: skip
    beside = {name: judged(ground, *timed(work), ours.cost) for name, work in made.items()}
    metis = beside["METIS"]
    return {
        "name": "zones_city",
        "peer": f"METIS, best of {len(CITY_SEEDS)} seeds (no ways)",
        "size": f"{ground.size:,} cells, {CITY_ZONES} zones, {CITY_INCIDENTS:,} incidents, ±{100 * TOLERANCE:g} %",
        "ratio": round(metis["s"] / ours_s, 3),
        "answers_equal": "not the same question",
        "ours_s": round(ours_s, 1),  # the proof included
        "peer_s": round(metis["s"], 1),
        "objective_ratio": round(metis["ratio"], 4),
        "max_over_mean": round(heaviest(ground, ours.post), 3),
        "gap": gap_of(ours),
        "mean_min": round(ours.cost / float(ground.load.sum()), 3),
        "beside": together({name: [row] for name, row in beside.items()}),
        "peak_gb": round(peak_gb, 2),
    }


def in_villages() -> Row:
    """Hold ours against GerryChain over ten towns: ReCom in short bursts, scored by the same mean way."""
    rows = [one_case(seed, count) for seed, count in TOWNS]
    beside = [beside_town(seed, count, float(row["plan_min"])) for (seed, count), row in zip(TOWNS, rows, strict=True)]
    ours_s, peer_s = (sum(row[name] for row in rows) for name in ("plan_s", "peer_s"))
    told = summary(rows)
    return {
        "name": "zones_town",
        "peer": f"GerryChain ReCom, {BURST * BURSTS} steps in short bursts",
        "size": f"{len(rows)} of the 70 towns of proofs.town: {VILLAGES} uneven villages, 4 to 10 zones, ±5 %",
        "ratio": round(peer_s / ours_s, 2),
        "answers_equal": told["above_peer"] == 0,
        "ours_s": round(ours_s, 3),
        "peer_s": round(peer_s, 3),
        "objective_ratio": [round(row["plan_min"] / row["peer_min"], 4) for row in rows],
        "gap": [round(row["gap_pct"] / 100, 4) for row in rows],
        **told,
        "beside": together({name: [town[name] for town in beside] for name in beside[0]}),
        "all_seventy": summary(kept("town")),
    }


def beside_town(seed: int, zones: int, ours: float) -> dict[str, Row]:
    """Return what METIS and spopt come to in one town against the cost of our plan."""
    problem, xy = town(seed, zones), villages(np.random.default_rng(seed))
    made = {
        "METIS": lambda: _by_metis(problem),
        "spopt PMedian, capacities": lambda: _beside.p_median(
            problem.travel_min, problem.load, zones, most=problem.limits[1], limit_s=P_MEDIAN_S
        ),
        "spopt Skater": lambda: _beside.skater(xy, problem.neighbours, zones),
        "spopt Ward": lambda: _beside.ward(xy, problem.neighbours, zones),
    }
    return {name: judged(problem, *timed(work), ours) for name, work in made.items()}


def _by_metis(ground: Districted, seeds: range = SEEDS) -> Ints:
    """Return the plan of METIS with the shortest ways of those that keep the tolerance, else the most even."""

    def rank(part: Ints) -> tuple[float, ...]:
        post = middles(ground, part)
        over = max(0.0, heaviest(ground, post) - (1 + TOLERANCE + WHOLE))
        return over, float(ground.own_ways(post) @ ground.load)

    return _beside.metis(ground.load, ground.neighbours, ground.count, tolerance=TOLERANCE, seeds=seeds, rank=rank)


def judged(ground: Districted, part: Ints, seconds: float, ours: float) -> Row:
    """Return what a peer's parts come to, each with its best post, against the cost of our plan."""
    post, loose = middles(ground, part), replace(ground, tolerance=TOLERANCE + WHOLE)
    broken = broken_rules(loose, post) if isinstance(loose, Problem) else broken_rules_of(loose, post)
    return {
        "ratio": ours / float(ground.own_ways(post) @ ground.load), "max_over_mean": heaviest(ground, post),
        "connected": "contiguity" not in broken, "kept": not broken, "s": seconds,
    }  # fmt: skip


def together(beside: dict[str, list[Row]]) -> dict[str, Row]:
    """Return the median ratio, the busiest zone, in how many plans zones are connected and rules kept, the seconds."""
    return {
        name: {
            "objective_ratio": round(float(np.median([row["ratio"] for row in rows])), 4),
            "max_over_mean": round(max(row["max_over_mean"] for row in rows), 3),
            "connected": f"{sum(row['connected'] for row in rows)}/{len(rows)}",
            "rules_kept": f"{sum(row['kept'] for row in rows)}/{len(rows)}",
            "s": round(sum(row["s"] for row in rows), 2),
        }
        for name, rows in beside.items()
    }


def middles(ground: Districted, part: Ints) -> Ints:
    """Return for each unit the unit of its part from which the part's ways are shortest."""
    if isinstance(ground, Problem):
        return _posts(ground, part)
    assert isinstance(ground, CityProblem)
    post = np.empty(ground.size, dtype=np.int64)
    for units in members_of(part, ground.count):
        ways = np.asarray(dijkstra(ground.walk_min[units][:, units]))
        post[units] = units[np.argmin(np.where(np.isfinite(ways), ways, TORN_MIN) @ ground.load[units])]
    return post


def one_case(seed: int, zones: int) -> Row:
    """Return what one town comes to with a number of zones, not proven.

    The clock that ends our work is the processor's: on a busy machine the wall's would measure the neighbours.
    ``plan`` is what ``solve`` has when it is stopped early; ``plan_s`` is all it took. A case that no plan fits names
    the village that is too heavy and the ways out.
    """
    problem, row = town(seed, zones), {"seed": seed, "zones": zones, "measured": datetime.date.today().isoformat()}
    if is_hopeless(problem):
        heavy = int(np.argmax(problem.load))
        other, least = nearest_count(problem, seed=1), 100 * least_tolerance(problem, seed=1)
        told = (f"village {heavy} holds {problem.load[heavy] / problem.mean_load:.3f} of a zone; ways out: split it, "
                f"{other} zones, tolerance {least:.0f} %")  # fmt: skip
        return row | {"ended_by": "infeasible", "note": told}
    theirs, peer_s = timed(lambda: gerrychain(problem, bursts=BURSTS))
    with on_the_processors_clock():
        plan, plan_s = timed(lambda: solve(problem, seed=1, time_limit_s=PLAN * peer_s))
        keep_the_rules(problem, plan.post, theirs)
        row |= {"ended_by": plan.ended_by, "peer_min": round(cost_of(problem, theirs), 3), "peer_s": round(peer_s, 2),
                "plan_min": round(plan.cost, 3), "plan_s": round(plan_s, 2), "gap_pct": gap_pct(plan),
                "max_over_mean": round(heaviest(problem, plan.post), 4),
                "peer_max_over_mean": round(heaviest(problem, theirs), 4)}  # fmt: skip
    return row


def proof_of(problem: Problem, *, proof_s: float, clock: str) -> Row:
    """Prove a town within a limit of ``proof_s``; the figures of the best plan and its proof.

    By the "wall" the machine has to be quiet. By the "cpu" the seconds are those of the process that asks and of the
    busiest that it started: what the wall would show with a core for each.
    """
    if clock == "wall":
        begun = time.perf_counter()
        best, took_s = solve(problem, seed=1, time_limit_s=proof_s), time.perf_counter() - begun
    else:
        with on_the_processors_clock() as beside_s:
            best, took_s = timed(lambda: solve(problem, seed=1, time_limit_s=proof_s))
        took_s += max(beside_s, default=0.0) - sum(beside_s)
    keep_the_rules(problem, best.post)
    return {"ended_by": best.ended_by, "best_min": round(best.cost, 3), "proof_s": round(took_s, 2),
            "gap_pct": gap_pct(best), "clock": clock}  # fmt: skip


def gap_of(answer: Solution) -> float:
    """Return how far an answer may be from the best, as a share of its cost."""
    return round((answer.cost - answer.bound) / answer.cost, 5)


def gap_pct(answer: Solution) -> float:
    """Return how far an answer may be from the best, in per cent of its cost."""
    return round(100 * (answer.cost - answer.bound) / answer.cost, 3)


def summary(rows: list[Row]) -> Row:
    """Return what the cases come to together."""
    able = [row for row in rows if row["ended_by"] != "infeasible"]
    ratio = np.array([float(row["plan_min"]) / float(row["peer_min"]) for row in able])
    half = np.array([float(row["plan_s"]) / float(row["peer_s"]) for row in able])
    told = {
        "cases": len(rows), "infeasible": len(rows) - len(able), "median_ratio": round(float(np.median(ratio)), 4),
        "worst_ratio": round(float(ratio.max()), 4), "above_peer": int((ratio > 1 + 1e-6).sum()),
        "median_time_share": round(float(np.median(half)), 2), "worst_time_share": round(float(half.max()), 2),
        "max_over_mean": max(float(row["max_over_mean"]) for row in able),
        "peer_max_over_mean": max(float(row["peer_max_over_mean"]) for row in able),
    }  # fmt: skip
    done = [row for row in able if row.get("best_min")]
    if done:
        proven = [row for row in done if row["ended_by"] == "optimal"]
        best = np.array([float(row["best_min"]) / float(row["peer_min"]) for row in done])
        seconds = np.array([float(row["proof_s"]) for row in proven])
        told |= {
            "tried": len(done), "proven": len(proven), "best_median_ratio": round(float(np.median(best)), 4),
            "best_worst_ratio": round(float(best.max()), 4), "proof_median_s": round(float(np.median(seconds)), 1),
            "proof_longest_s": round(float(seconds.max()), 1), "worst_gap_pct": max(float(r["gap_pct"]) for r in done),
        }  # fmt: skip
    return told


def in_cells() -> Row:
    """Hold ours against GerryChain on a grid of cells."""
    problem = cells(1, SIDE, CELL_ZONES)
    plan, ours_s = timed(lambda: search_many(problem, rng=np.random.default_rng([1, problem.size, problem.count])))
    ours, proof_s = timed(lambda: solve(problem, seed=1, time_limit_s=CITY_LIMIT_S))
    theirs, peer_s = timed(lambda: gerrychain(problem, bursts=CELL_STEPS // BURST))
    keep_the_rules(problem, ours.post, theirs)
    if plan.cost > ours.cost * (1 + 1e-9):
        raise AssertionError("the plan alone is not the plan that was proven")
    ratio = ours.cost / cost_of(problem, theirs)
    place = np.column_stack(np.divmod(np.arange(problem.size), SIDE)).astype(np.float64)
    made = {
        "METIS": lambda: _by_metis(problem),
        "spopt Skater": lambda: _beside.skater(place, problem.neighbours, problem.count),
        "spopt Ward": lambda: _beside.ward(place, problem.neighbours, problem.count),
    }
    return {
        "name": "zones_cells",
        "peer": f"GerryChain ReCom, {CELL_STEPS} steps in short bursts",
        "size": f"{problem.size:,} cells, {CELL_ZONES} zones, tolerance {100 * TOLERANCE:g} %",
        "ratio": round(peer_s / ours_s, 2),
        "answers_equal": ratio <= 1 + 1e-9,
        "ours_s": round(ours_s, 3),
        "proof_s": round(proof_s, 1),
        "peer_s": round(peer_s, 3),
        "objective_ratio": round(ratio, 4),
        "gap": gap_of(ours),
        "max_over_mean": round(heaviest(problem, ours.post), 3),
        "peer_max_over_mean": round(heaviest(problem, theirs), 3),
        "beside": together({name: [judged(problem, *timed(work), ours.cost)] for name, work in made.items()}),
    }


def keep_the_rules(problem: Problem, *answers: Ints) -> None:
    """Raise where an answer breaks a rule."""
    for post in answers:
        if broken := broken_rules(replace(problem, tolerance=TOLERANCE + WHOLE), post):
            raise AssertionError(f"an answer breaks {broken}")


def p_median(problem: Problem) -> Row:
    """Hold ours, without balance and with every unit touching every other, against spopt's exact p-median."""
    everywhere = tuple(tuple(j for j in range(problem.size) if j != i) for i in range(problem.size))
    free = replace(problem, neighbours=everywhere, tolerance=math.inf)
    ours, ours_s = timed(lambda: solve(free, seed=1, time_limit_s=60.0))

    def peer() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            model = PMedian.from_cost_matrix(problem.travel_min, problem.load, p_facilities=problem.count)
            return float(model.solve(pulp.PULP_CBC_CMD(msg=False)).problem.objective.value())

    theirs, peer_s = timed(peer)
    return {
        "name": "zones_p_median",
        "peer": "spopt PMedian (CBC)",
        "size": f"{problem.size} villages, {problem.count} posts",
        "ratio": round(peer_s / ours_s, 2),
        "answers_equal": math.isclose(theirs, ours.cost, rel_tol=1e-6) and ours.ended_by == "optimal",
        "ours_s": round(ours_s, 3),
        "peer_s": round(peer_s, 3),
        "objective_ratio": round(theirs / ours.cost, 6),
    }


def gerrychain(problem: Problem, *, bursts: int) -> Ints:
    """Return the best of GerryChain's plans as posts."""
    edges = [(i, j) for i, near in enumerate(problem.neighbours) for j in near]
    part = short_bursts(
        problem.load, edges, problem.count, tolerance=TOLERANCE, bursts=bursts,
        measure=lambda part: cost_of(problem, _posts(problem, part)),
    )  # fmt: skip
    return _posts(problem, part)


def _posts(problem: Problem, part: Ints) -> Ints:
    first = np.unique(part, return_index=True)[1]
    return recentred(problem, first[part].astype(np.int64))


def cost_of(problem: Problem, post: Ints) -> float:
    """Return the work times minutes of an answer, judged apart from our code."""
    return float((problem.load * problem.travel_min[np.arange(problem.size), post]).sum())


def heaviest(problem: Districted, post: Ints) -> float:
    """Return the busiest zone's load over the mean."""
    loads = np.bincount(np.unique(post, return_inverse=True)[1], weights=problem.load)
    return float(loads.max()) / problem.mean_load
