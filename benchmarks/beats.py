"""Beats of a zone on one net of streets: ours, GerryChain's search and spopt's Skater on the same segments.

A net is a jittered lattice of streets with gaps, each segment with its patrol minutes and, log-normal, those of its
incidents. All three cut the graph of segments that share a junction. GerryChain searches connected parts within the
tolerance for the least moment of inertia, which is what ours does; ``answers_equal`` says that every plan of both is
connected and within the tolerance and none of ours is less compact. Skater (Assunção et al. 2006) cuts a spanning tree
for like neighbours, here like in place: connected, but it knows no balance, so it stands beside as a yardstick only.

``objective_ratio`` is our moment of inertia over GerryChain's, net by net (under 1: ours is more compact);
``max_over_mean`` the heaviest beat over the mean, ``way_min`` the mean minutes from a beat's middle to its work on its
own streets, the worst and the mean of all nets, for ours, GerryChain and Skater.
"""

import warnings
from typing import Any

import geopandas as gpd
import libpysal
import networkx as nx
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from spopt.region import Skater

from benchmarks import timed
from benchmarks._gerrychain import BURST, short_bursts
from models.beats.partition import Ints, Problem, divide, price
from models.beats.units import touching_pieces

SIDE, STEP_M, GAPS = 16, 200.0, 0.25
NETS = tuple((seed, 3 + (seed - 1) % 4) for seed in range(1, 11))  # (seed, beats): 3 to 6
TOLERANCE, UNEVEN = 0.05, 0.9
BURSTS = 100
KM_PER_H = 25.0


def run() -> list[dict[str, Any]]:
    """Cut ten nets with all three, judge the answers, then give the ratio of times."""
    ours_s = peer_s = skater_s = 0.0
    rows = []
    segments = []
    for seed, count in NETS:
        problem, length_m = net(seed, count)
        ours, seconds = timed(lambda p=problem, s=seed: divide(p, rng=np.random.default_rng(s)))
        theirs, peer_seconds = timed(lambda p=problem: by_gerrychain(p))
        tree, skater_seconds = timed(lambda p=problem: by_skater(p))
        segments.append(len(problem.load))
        ours_s, peer_s, skater_s = ours_s + seconds, peer_s + peer_seconds, skater_s + skater_seconds
        rows.append([judged(problem, length_m, part) for part in (ours, theirs, tree)])
    compact, heaviest, way, whole = (np.array(column) for column in zip(*(zip(*row, strict=True) for row in rows),
                                                                        strict=True))  # fmt: skip
    kept = whole[:, :2].all() and heaviest[:, :2].max() <= 1 + TOLERANCE + 1e-3
    ratios = compact[:, 0] / compact[:, 1]
    size = f"10 nets of {SIDE} × {SIDE} junctions, {min(segments)} to {max(segments)} segments, 3 to 6 beats, ±5 %"
    return [
        {
            "name": "beats", "peer": f"GerryChain ReCom, {BURST * BURSTS:,} steps in short bursts", "size": size,
            "ratio": round(peer_s / ours_s, 1), "answers_equal": bool(kept and ratios.max() <= 1 + 1e-9),
            "ours_s": round(ours_s, 2), "peer_s": round(peer_s, 2), "skater_s": round(skater_s, 2),
            "objective_ratio": [round(float(ratio), 3) for ratio in ratios],
            "skater_objective_ratio": [round(float(ratio), 3) for ratio in compact[:, 0] / compact[:, 2]],
            "max_over_mean": [round(float(load), 3) for load in heaviest.max(axis=0)],
            "way_min": [round(float(minutes), 3) for minutes in way.mean(axis=0)],
            "connected": [bool(all_) for all_ in whole.all(axis=0)],
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


def by_skater(problem: Problem) -> Ints:
    """Return Skater's parts: a spanning tree of the segments' middles, cut where neighbours are least alike."""
    table = gpd.GeoDataFrame({"x": problem.xy[:, 0], "y": problem.xy[:, 1]},
                             geometry=gpd.points_from_xy(*problem.xy.T))  # fmt: skip
    near = {unit: list(problem.neighbours[unit]) for unit in range(len(problem.load))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Skater(table, libpysal.weights.W(near), ["x", "y"], n_clusters=problem.count,
                       floor=len(near) // (2 * problem.count))  # fmt: skip
        model.solve()
    return np.unique(model.labels_, return_inverse=True)[1].astype(np.int64)


def judged(problem: Problem, length_m: Any, part: Ints) -> tuple[float, float, float, bool]:  # noqa: ANN401 - an array
    """Return a plan's moment of inertia, heaviest beat over the mean, mean way in minutes, and whether it is whole."""
    load = np.bincount(part, weights=problem.load, minlength=problem.count)
    a, b = problem.pairs.T
    minutes = (length_m[a] + length_m[b]) / 2 / 1000 / KM_PER_H * 60
    ways, whole = 0.0, True
    for number in range(part.max() + 1):
        members = np.flatnonzero(part == number)
        inside = csr_array((minutes, (a, b)), shape=(len(part),) * 2)[members][:, members]
        whole &= connected_components(inside, directed=False)[0] == 1
        ways += float((dijkstra(inside, directed=False) @ problem.load[members]).min())
    return price(problem, part)[1], float(load.max()) / problem.mean, ways / float(problem.load.sum()), whole
