"""Every town of the bench with every number of zones: our plan in half of GerryChain's time, and our proof.

``python -m benchmarks.proofs.town`` writes town.csv beside this file, a row a case (``benchmarks.zones.one_case``), and
goes on where it was stopped; with seeds behind it these towns are measured anew. ``plan_s`` must not exceed half of
``peer_s``.
"""

import csv
import itertools
import sys
from pathlib import Path

from benchmarks.proofs import kept
from benchmarks.zones import Row, one_case, summary

TABLE = Path(__file__).with_suffix(".csv")
SEEDS, ZONES = range(1, 11), range(4, 11)
PROOF_S = 30.0  # limit of a proof
HEADER = ("seed", "zones", "ended_by", "peer_min", "peer_s", "plan_min", "plan_s", "best_min", "gap_pct", "proof_s",
          "max_over_mean", "peer_max_over_mean", "note", "measured")  # fmt: skip


def main(seeds: list[int]) -> None:
    """Measure what is missing and the named seeds, write the table after every case, print what it comes to."""
    rows: dict[tuple[int, int], Row] = {(int(row["seed"]), int(row["zones"])): dict(row) for row in kept("town")}
    for case in itertools.product(SEEDS, ZONES):
        if case not in rows or case[0] in seeds:
            rows[case] = one_case(*case, proof_s=PROOF_S)
            with TABLE.open("w", newline="", encoding="utf-8") as file:
                out = csv.DictWriter(file, HEADER, restval="", lineterminator="\n")
                out.writeheader()
                out.writerows(rows[case] for case in sorted(rows))
    print(summary(list(rows.values())))


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]])
