"""Why no camera stands at a possible site: what one more would add there, at which price, and what speaks against it.

In:     a scene, the choice made in it, the budget, and the blind spots that the choice leaves.
Out:    a table of the possible sites without a camera, and for each blind spot the site that would see most of it.
Method: nothing is solved. At each free site the camera (direction and lens) that adds most weight is priced with its
        pole. It brings nothing new (seen), costs more than is left (budget), or its private ground weighs more than
        what it adds (ground, at the price of ground that ``refine`` uses). Where none of these holds, it would be a
        plan within the budget, so that what it adds lies within the proven gap (gap).
"""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from models.cameras.demand import Demand
from models.cameras.problem import PROVEN, Choice, Floats, Ints, Problem, lost_entrances, lost_weight
from models.cameras.refine import Wishes, price_of_ground
from models.cameras.scene import Scene

COLUMNS = (
    "site_id", "village_id", "kind", "azimuth_deg", "hfov_deg", "cost_cny", "left_cny", "gain_pct", "already_pct",
    "pct_per_1k_cny", "least_pct_per_1k_cny", "private_m2", "why",
)  # fmt: skip
BEST = ("best_site_id", "best_seen_pct", "best_cny")
WHYS = ("seen", "budget", "ground", "gap")
NOTHING_PCT = 0.005  # what is printed as 0.00 %


def left_out_sites(scene: Scene, best: Choice, *, budget_cny: float) -> gpd.GeoDataFrame:
    """Return one row per possible site without a camera; Point.

    Columns: ``azimuth_deg`` and ``hfov_deg`` of the camera that would add most there; ``cost_cny`` of it with its pole;
    ``left_cny`` of the budget; ``gain_pct`` of all weight that it would add; ``already_pct`` of what it would see that
    other cameras see already; ``pct_per_1k_cny`` what a thousand yuan buy there, and ``least_pct_per_1k_cny`` what they
    buy at the least worthwhile camera of the plan (NaN where all of its new cameras guard an entrance); ``private_m2``
    of private ground in its view; ``why`` (one of ``WHYS``).
    """
    problem = scene.problem
    free = np.flatnonzero(scene.configurations["camera_id"].isna().to_numpy())
    free = free[~np.isin(problem.pole[free], problem.pole[best.chosen])]
    gain, whole = _gains(problem, best.chosen, free)
    price = problem.camera_cny[free] + problem.pole_cny[problem.pole[free]]
    order = np.lexsort((price, -np.round(gain, 9), problem.pole[free]))
    first = order[np.unique(problem.pole[free][order], return_index=True)[1]]
    rows, gain, whole, price = free[first], gain[first], whole[first], price[first]
    sites, aims = scene.sites.iloc[problem.pole[rows]], scene.configurations.iloc[rows]
    left = max(budget_cny - problem.cost_cny(best.chosen), 0.0)
    gain_pct = np.array([problem.pct(float(one)) for one in gain])
    ground = scene.private_m2[rows]
    wishes = Wishes(scene.directions, scene.private_m2, np.zeros(len(scene.private_m2), dtype=np.int64))
    too_private = gain <= price_of_ground(problem, wishes, best.chosen) * ground
    table = pd.DataFrame(
        {
            "site_id": sites["site_id"].to_numpy(),
            "village_id": sites["village_id"].to_numpy(),
            "kind": sites["kind"].to_numpy(),
            "azimuth_deg": aims["azimuth_deg"].to_numpy(dtype=float),
            "hfov_deg": aims["hfov_deg"].to_numpy(dtype=float),
            "cost_cny": price,
            "left_cny": left,
            "gain_pct": gain_pct,
            "already_pct": 100 * (1 - np.divide(gain, whole, out=np.zeros(len(gain)), where=whole > 0)),
            "pct_per_1k_cny": 1_000 * gain_pct / np.maximum(price, 1.0),
            "least_pct_per_1k_cny": _least_bought(problem, best.chosen),
            "private_m2": ground,
            "why": np.select([gain_pct < NOTHING_PCT, price > left + PROVEN, too_private], WHYS[:3], WHYS[3]),
        }
    )
    return gpd.GeoDataFrame(table, geometry=sites.geometry.to_numpy(), crs=scene.sites.crs)


def with_best_sites(blind: gpd.GeoDataFrame, scene: Scene, best: Choice, demand: Demand) -> gpd.GeoDataFrame:
    """Add to each blind spot the camera that would see most of it.

    Columns: ``best_site_id`` ("" where no possible site sees any of it), ``best_seen_pct`` of its weight, and
    ``best_cny`` with the pole where that is not in use yet.
    """
    problem = scene.problem
    free = np.flatnonzero(scene.configurations["camera_id"].isna().to_numpy())
    paid = np.isin(problem.pole[free], problem.pole[best.chosen])
    price = problem.camera_cny[free] + np.where(paid, 0.0, problem.pole_cny[problem.pole[free]])
    unseen = np.flatnonzero(~scene.by_day(best.chosen))
    spot = _spot_of(blind, demand.points.iloc[unseen])
    weight = demand.points["weight"].to_numpy(dtype=float)[unseen]
    sees = problem.sees[free][:, unseen].tocsc()
    found = []
    for row in range(len(blind)):
        own = np.flatnonzero(spot == row)
        seen = np.asarray(sees[:, own] @ weight[own])
        one = int(np.lexsort((price, -np.round(seen, 9)))[0]) if len(seen) else -1
        if one < 0 or seen[one] <= 0:
            found.append(("", 0.0, np.nan))
            continue
        site = scene.sites["site_id"].iloc[problem.pole[free[one]]]
        found.append((site, 100 * float(seen[one] / weight[own].sum()), float(price[one])))
    return blind.assign(**dict(pd.DataFrame(found, columns=list(BEST), index=blind.index)))


def with_why_not(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return a camera plan's tables, those of a plan made before it said why not with nothing said."""
    blind = tables["blind_spots"]
    nowhere = gpd.GeoDataFrame({name: [] for name in COLUMNS}, geometry=[], crs=tables["cameras"].crs)
    if "best_site_id" not in blind:
        blind = blind.assign(best_site_id="", best_seen_pct=np.nan, best_cny=np.nan)
    return {"left_out": nowhere, **tables, "blind_spots": blind}


def _gains(problem: Problem, chosen: Ints, cameras: Ints) -> tuple[Floats, Floats]:
    """Return for each camera the weight it would add to the chosen ones, and all the weight in its view."""
    rows = problem.sees[cameras].tocsr()
    room = 1.0 - problem.share(chosen)
    camera = np.repeat(np.arange(len(cameras)), np.diff(rows.indptr))
    weight = problem.weight[rows.indices]
    new, whole = np.minimum(rows.data, room[rows.indices]) * weight, rows.data * weight
    gain, view = (np.bincount(camera, part, minlength=len(cameras)) for part in (new, whole))
    return gain.astype(np.float64), view.astype(np.float64)


def _least_bought(problem: Problem, chosen: Ints) -> float:
    """Return the least weight (per cent of all) that a thousand yuan bring at a new camera that guards nothing alone.

    A pole is paid by its last camera only.
    """
    spare = ~(problem.stands | problem.must)[chosen] & (lost_entrances(problem, chosen) == 0)
    if not spare.any():
        return float("nan")
    alone = np.bincount(problem.pole[chosen], minlength=len(problem.pole_cny))[problem.pole[chosen]] == 1
    saved = problem.camera_cny[chosen] + np.where(alone, problem.pole_cny[problem.pole[chosen]], 0.0)
    lost = lost_weight(problem, chosen)
    return float(min(1_000 * problem.pct(lost[k]) / max(saved[k], 1.0) for k in np.flatnonzero(spare)))


def _spot_of(blind: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return the row of the blind spot that each unseen point lies in, of its own village; -1 for none."""
    point, spot = shapely.STRtree(blind.geometry.to_numpy()).query(points.geometry.to_numpy(), predicate="intersects")
    same = points["village_id"].to_numpy()[point] == blind["village_id"].to_numpy()[spot]
    found = np.full(len(points), -1, dtype=np.int64)
    found[point[same][::-1]] = spot[same][::-1]
    return found
