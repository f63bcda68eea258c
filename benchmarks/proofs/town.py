"""Every town of the bench with every number of zones: our plan in half of GerryChain's time, and our proof.

``python -m benchmarks.proofs.town`` writes town.csv beside this file, a row a case, and goes on where it was stopped;
with seeds behind it these towns are measured anew. Seconds are those of the processor, and so are the limits: the clock
that ends our work is the processor's here: on a busy machine the wall's would measure the neighbours. ``plan`` is what
``solve`` has when it is stopped early; ``plan_s`` is all it took and must not exceed half of ``peer_s``.
A case that no plan fits names the village that is too heavy and the ways out.
"""

import csv
import datetime
import itertools
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import timed
from benchmarks.zones import BURSTS, cost_of, gerrychain, heaviest, keep_the_rules, town
from models.districting.feasible import is_hopeless
from models.districting.solve import least_tolerance, nearest_count, solve

TABLE = Path(__file__).with_suffix(".csv")
SEEDS, ZONES = range(1, 11), range(4, 11)
PLAN, PROOF_S = 0.38, 30.0  # of GerryChain's seconds, after which our search for a plan ends; limit of a proof
HEADER = ("seed", "zones", "ended_by", "peer_min", "peer_s", "plan_min", "plan_s", "best_min", "gap_pct", "proof_s",
          "max_over_mean", "peer_max_over_mean", "note", "measured")  # fmt: skip
Row = dict[str, Any]


def one_case(seed: int, zones: int, *, proof_s: float | None = PROOF_S) -> Row:
    """Return the row of one case; without a proof where ``proof_s`` is None."""
    problem, row = town(seed, zones), {"seed": seed, "zones": zones, "measured": datetime.date.today().isoformat()}
    if is_hopeless(problem):
        heavy = int(np.argmax(problem.load))
        other, least = nearest_count(problem, seed=1), 100 * least_tolerance(problem, seed=1)
        told = (f"village {heavy} holds {problem.load[heavy] / problem.mean_load:.3f} of a zone; ways out: split it, "
                f"{other} zones, tolerance {least:.0f} %")  # fmt: skip
        return row | {"ended_by": "infeasible", "note": told}
    theirs, peer_s = timed(lambda: gerrychain(problem, bursts=BURSTS))
    with mock.patch("time.monotonic", time.process_time):
        plan, plan_s = timed(lambda: solve(problem, seed=1, time_limit_s=PLAN * peer_s))
        keep_the_rules(problem, plan.post, theirs)
        row |= {"ended_by": plan.ended_by, "peer_min": round(cost_of(problem, theirs), 3), "peer_s": round(peer_s, 2),
                "plan_min": round(plan.cost, 3), "plan_s": round(plan_s, 2),
                "max_over_mean": round(heaviest(problem, plan.post), 4),
                "peer_max_over_mean": round(heaviest(problem, theirs), 4)}  # fmt: skip
        if proof_s is None:
            return row
        best, took_s = timed(lambda: solve(problem, seed=1, time_limit_s=proof_s))
    keep_the_rules(problem, best.post)
    return row | {"ended_by": best.ended_by, "best_min": round(best.cost, 3), "proof_s": round(took_s, 2),
                  "gap_pct": round(100 * (best.cost - best.bound) / best.cost, 3)}  # fmt: skip


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


def main(seeds: list[int]) -> None:
    """Measure what is missing and the named seeds, write the table after every case, print what it comes to."""
    rows = {}
    if TABLE.exists():
        with TABLE.open(newline="", encoding="utf-8") as file:
            rows = {(int(row["seed"]), int(row["zones"])): row for row in csv.DictReader(file)}
    for case in itertools.product(SEEDS, ZONES):
        if case not in rows or case[0] in seeds:
            rows[case] = one_case(*case)
            with TABLE.open("w", newline="", encoding="utf-8") as file:
                out = csv.DictWriter(file, HEADER, restval="", lineterminator="\n")
                out.writeheader()
                out.writerows(rows[case] for case in sorted(rows))
    print(summary(list(rows.values())))


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]])
