"""Every town of the bench with every number of zones: our plan in half of GerryChain's time, and our proof.

``python -m benchmarks.proofs.town`` writes town.csv beside this file, a row a case, and goes on where it was stopped;
cases behind it, as 7/10, are measured anew. ``plan_s`` must not exceed half of ``peer_s``. Limits and seconds of proofs
are the processor's (``zones.proof_of``): of a machine with other work. With ``wall`` as first word they are the wall's,
which needs a quiet machine with two cores, and only proofs are measured where plans are there.
"""

import csv
import itertools
import sys
from pathlib import Path

from benchmarks._grounds import town
from benchmarks.proofs import kept
from benchmarks.zones import Row, one_case, proof_of, summary

TABLE = Path(__file__).with_suffix(".csv")
SEEDS, ZONES = range(1, 11), range(4, 11)
PROOF_S = 30.0  # limit of a proof
HEADER = ("seed", "zones", "ended_by", "peer_min", "peer_s", "plan_min", "plan_s", "best_min", "gap_pct", "proof_s",
          "clock", "max_over_mean", "peer_max_over_mean", "note", "measured")  # fmt: skip


def main(words: list[str]) -> None:
    """Measure what is missing and what is named, write the table after every case, print what it comes to."""
    rows: dict[tuple[int, int], Row] = {(int(row["seed"]), int(row["zones"])): dict(row) for row in kept("town")}
    clock = "wall" if words[:1] == ["wall"] else "cpu"
    named = {tuple(map(int, word.split("/"))) for word in words if "/" in word}
    for case in itertools.product(SEEDS, ZONES):
        there: Row = rows.get(case, {})
        if case not in named and (there.get("clock") or there.get("note")):
            continue
        if not there or clock == "cpu":
            there = one_case(*case)
        if there["ended_by"] != "infeasible":
            there |= proof_of(town(*case), proof_s=PROOF_S, clock=clock)
        rows[case] = there
        with TABLE.open("w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, HEADER, restval="", lineterminator="\n")
            out.writeheader()
            out.writerows(rows[case] for case in sorted(rows))
    print(summary(list(rows.values())))


if __name__ == "__main__":
    main(sys.argv[1:])
