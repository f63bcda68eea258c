"""Gi* on 100,000 cells: the exact law of counts, and shared deals for weights, against esda's 999 permutations.

z must be equal to 1e-10. esda's p is not comparable (it folds the tails, so that ties become extreme): our exact
chances are held instead to 200,000 random deals of their own for each of a hundred cells, within five standard errors.
esda is compiled on a small grid first; its weights are not timed, our neighbourhoods are.
"""

import time
import tracemalloc
import warnings
from typing import Any

import numpy as np

from analysis.gi_star import Floats, GiStar, GridNeighbourhood, Ints, gi_star, gi_star_weighted

ROWS, COLS = 250, 400
PERMUTATIONS = 999
SEED = 20240101
CHECKED, DEALS = 100, 200_000
RUNS = 5


def run() -> list[dict[str, Any]]:
    """Judge the same grid with both, compare z and chances, then give the ratios of times."""
    rng = np.random.default_rng(SEED)
    counts = rng.poisson(rng.gamma(0.3, 0.5, ROWS * COLS))
    row, col = np.divmod(np.arange(ROWS * COLS), COLS)

    def exact() -> GiStar:
        return gi_star(counts, GridNeighbourhood.of(row, col))

    def shared() -> GiStar:
        near = GridNeighbourhood.of(row, col)
        return gi_star_weighted(counts.astype(float), near, draws=PERMUTATIONS, rng=np.random.default_rng(SEED))

    peer_z, peer_s = _esda(counts)
    found, sampled = exact(), shared()
    z_equal = float(np.abs(found.z - peer_z).max()) < 1e-10
    true_chances = _chances_hold(counts, found, rng)
    error = np.sqrt(found.p_hot * (1 - found.p_hot) / PERMUTATIONS) + 1 / PERMUTATIONS
    near_exact = bool((np.abs(sampled.p_hot - found.p_hot) <= 5 * error).all())
    size = f"{ROWS * COLS} cells, {(counts == 0).mean():.0%} empty"
    rows = []
    for name, call, equal in (("gi_star.exact", exact, true_chances), ("gi_star.weighted", shared, near_exact)):
        ours_s, peak_mb = _measured(call)
        rows.append(
            {
                "name": name,
                "peer": f"esda G_Local, {PERMUTATIONS} permutations, warm",
                "size": size,
                "ratio": round(peer_s / ours_s, 1),
                "answers_equal": bool(z_equal and equal),
                "ours_s": round(ours_s, 4),
                "peer_s": round(peer_s, 3),
                "ours_peak_mb": round(peak_mb, 1),
            }
        )
    return rows


def _esda(counts: Ints) -> tuple[Floats, float]:
    """Return esda's z and the seconds of a call after its code is compiled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda import G_Local
        from libpysal.weights import lat2W

        how = {"transform": "B", "star": True, "permutations": PERMUTATIONS, "n_jobs": 1, "seed": SEED}
        G_Local(counts[:400].astype(float), lat2W(20, 20, rook=False), **how)
        queen = lat2W(ROWS, COLS, rook=False)
        started = time.perf_counter()
        peer = G_Local(counts.astype(float), queen, **how)
        return peer.Zs, time.perf_counter() - started


def _chances_hold(counts: Ints, found: GiStar, rng: np.random.Generator) -> bool:
    """Deal out the counts anew for some cells, hot ones among them, and compare both chances."""
    copies, values = np.bincount(counts), np.arange(counts.max() + 1)
    some = np.r_[rng.choice(len(counts), CHECKED // 2, replace=False), np.argsort(found.p_hot)[:: len(counts) // 50]]
    for cell in some:
        pool = copies - (values == counts[cell])
        sums = (
            rng.multivariate_hypergeometric(pool, int(found.number[cell]) - 1, size=DEALS, method="marginals") @ values
        )
        seen = found.around[cell] - counts[cell]
        for exact, dealt in ((found.p_hot[cell], (sums >= seen).mean()), (found.p_cold[cell], (sums <= seen).mean())):
            if abs(exact - dealt) > 5 * np.sqrt(exact * (1 - exact) / DEALS) + 2 / DEALS:
                return False
    return True


def _measured(call: Any) -> tuple[float, float]:  # noqa: ANN401 - any function without arguments
    """Return the median seconds of some calls, and the most memory one call takes, in MB."""
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return float(np.median(seconds)), peak / 1e6
