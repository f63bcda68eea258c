"""Beats of a zone on one net of streets: ours, GerryChain's search, METIS and spopt's Skater on the same segments.

A net is a jittered lattice of streets with gaps, each segment with its patrol minutes and, log-normal, those of its
incidents. All cut the graph of segments that share a junction. GerryChain searches connected parts within the
tolerance for the least moment of inertia, which is what ours does; ``answers_equal`` says that every plan of both is
connected and within the tolerance and none of ours is less compact. METIS keeps both rules too, and cuts as few
junctions as it can; of its hundred plans (seeds) the most compact that keeps them counts. Skater (Assunção et al. 2006)
cuts a spanning tree for like neighbours, here like in place: connected, but it knows no balance.

``objective_ratio`` is our moment of inertia over GerryChain's, net by net (under 1: ours is more compact), ``gap`` how
far our heaviest beat may be from the best there can be, nothing inside the tolerance. ``beside`` tells of each the
median of that ratio, the heaviest beat over the mean, the mean minutes from a beat's middle to its work on its own
streets (``way_min``), in how many nets all beats are connected and none exceeds the tolerance, and the seconds.
"""

from typing import Any

import networkx as nx
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from benchmarks import _beside, timed
from benchmarks._gerrychain import BURST, short_bursts
from models.beats.partition import Ints, Problem, divide, price
from models.beats.units import touching_pieces

SIDE, STEP_M, GAPS = 16, 200.0, 0.25
NETS = tuple((seed, 3 + (seed - 1) % 4) for seed in range(1, 11))  # (seed, beats): 3 to 6
TOLERANCE, UNEVEN = 0.05, 0.9
BURSTS, SEEDS = 100, range(100)
WHOLE = 1e-3  # peers round work to whole numbers
KM_PER_H = 25.0


def run() -> list[dict[str, Any]]:
    """Cut ten nets with all of them, judge the answers, then give the ratio of times."""
    found: dict[str, list[dict[str, Any]]] = {}
    segments, ratios = [], []
    for seed, count in NETS:
        problem, length_m = net(seed, count)
        segments.append(len(problem.load))
        made = {
            "ours": lambda p=problem, s=seed: divide(p, rng=np.random.default_rng(s)),
            "GerryChain": lambda p=problem: by_gerrychain(p),
            "METIS": lambda p=problem: by_metis(p),
            "spopt Skater": lambda p=problem: _beside.skater(p.xy, p.neighbours, p.count),
        }
        for name, work in made.items():
            found.setdefault(name, []).append(judged(problem, length_m, *timed(work)))
        ratios.append(found["ours"][-1]["inertia"] / found["GerryChain"][-1]["inertia"])
    kept = all(row["kept"] for name in ("ours", "GerryChain") for row in found[name])
    ours, gerrychain = (together(found[name], found["ours"]) for name in ("ours", "GerryChain"))
    size = f"10 nets of {SIDE} × {SIDE} junctions, {min(segments)} to {max(segments)} segments, 3 to 6 beats, ±5 %"
    return [
        {
            "name": "beats", "peer": f"GerryChain ReCom, {BURST * BURSTS:,} steps in short bursts", "size": size,
            "ratio": round(gerrychain["s"] / ours["s"], 1), "answers_equal": bool(kept and max(ratios) <= 1 + 1e-9),
            "ours_s": ours["s"], "peer_s": gerrychain["s"],
            "objective_ratio": [round(ratio, 3) for ratio in ratios],
            "max_over_mean": ours["max_over_mean"], "gap": 0.0 if kept else None,
            "beside": {name: together(rows, found["ours"]) for name, rows in found.items()},
        }
    ]  # fmt: skip


def net(seed: int, count: int) -> tuple[Problem, np.ndarray[Any, Any]]:
    """Return the segments of a net of streets as a problem, and their metres."""
    rng = np.random.default_rng(seed)
    spot = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), axis=-1).reshape(-1, 2) * STEP_M
    spot += rng.uniform(-0.35, 0.35, spot.shape) * STEP_M
    number = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    streets = np.vstack([across, np.column_stack([number[:-1].ravel(), number[1:].ravel()])])
    order = rng.permutation(len(streets))
    tree = nx.minimum_spanning_tree(nx.Graph([(int(a), int(b), {"weight": w}) for (a, b), w in
                                              zip(streets.tolist(), order.tolist(), strict=True)]))  # fmt: skip
    in_tree = np.array([tree.has_edge(int(a), int(b)) for a, b in streets])
    streets = streets[in_tree | (rng.random(len(streets)) >= GAPS)]
    length_m = np.hypot(*(spot[streets[:, 0]] - spot[streets[:, 1]]).T)
    load = 2 * length_m / 1000 / KM_PER_H * 60 + rng.lognormal(0, UNEVEN, len(streets))
    pairs = touching_pieces(streets[:, 0], streets[:, 1])
    return Problem(load, spot[streets].mean(axis=1), pairs, count, TOLERANCE), length_m


def by_gerrychain(problem: Problem) -> Ints:
    """Return the most compact plan that GerryChain's short bursts find."""
    return short_bursts(
        problem.load, problem.pairs.tolist(), problem.count, tolerance=TOLERANCE, bursts=BURSTS,
        measure=lambda part: price(problem, part)[1],
    )  # fmt: skip


def by_metis(problem: Problem) -> Ints:
    """Return the most compact of METIS's plans that exceed the tolerance least."""

    def rank(part: Ints) -> tuple[float, ...]:
        load = np.bincount(part, weights=problem.load, minlength=problem.count)
        over = max(0.0, float(load.max()) / problem.mean - (1 + TOLERANCE + WHOLE))
        return over, price(problem, part)[1]

    return _beside.metis(
        problem.load, problem.neighbours, problem.count, tolerance=TOLERANCE, seeds=SEEDS, rank=rank
    )  # fmt: skip


def judged(problem: Problem, length_m: np.ndarray[Any, Any], part: Ints, seconds: float) -> dict[str, Any]:
    """Return what a plan comes to: moment of inertia, heaviest beat over the mean, mean way, whether it is whole."""
    load = np.bincount(part, weights=problem.load, minlength=problem.count)
    a, b = problem.pairs.T
    minutes = (length_m[a] + length_m[b]) / 2 / 1000 / KM_PER_H * 60
    ways, whole = 0.0, True
    for number in range(part.max() + 1):
        members = np.flatnonzero(part == number)
        inside = csr_array((minutes, (a, b)), shape=(len(part),) * 2)[members][:, members]
        whole &= connected_components(inside, directed=False)[0] == 1
        ways += float((dijkstra(inside, directed=False) @ problem.load[members]).min())
    over = float(load.max()) / problem.mean
    return {
        "inertia": price(problem, part)[1], "max_over_mean": over, "way_min": ways / float(problem.load.sum()),
        "whole": whole, "kept": whole and over <= 1 + TOLERANCE + WHOLE, "s": seconds,
    }  # fmt: skip


def together(rows: list[dict[str, Any]], ours: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the plans of one come to in all nets."""
    ratios = [our["inertia"] / row["inertia"] for our, row in zip(ours, rows, strict=True)]
    return {
        "objective_ratio": round(float(np.median(ratios)), 3),
        "max_over_mean": round(max(row["max_over_mean"] for row in rows), 3),
        "way_min": round(float(np.mean([row["way_min"] for row in rows])), 3),
        "connected": f"{sum(row['whole'] for row in rows)}/{len(rows)}",
        "rules_kept": f"{sum(row['kept'] for row in rows)}/{len(rows)}",
        "s": round(sum(row["s"] for row in rows), 2),
    }
