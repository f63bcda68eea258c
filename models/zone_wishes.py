"""What the station's settings ask of a zone plan beside short ways, checked and turned into numbers.

In:     the zone settings, the units (with today's work areas, place and area).
Out:    ``Wishes`` by row numbers, for the engines; or one sentence that says which settings contradict each other.
Method: compactness is the moment of inertia of a zone's ground about its post (Weaver & Hess 1963; Li, Goodchild &
        Church 2013): Σ a_i·r_ij² with area a_i and straight distance r_ij. Divided by the town's area it is a mean
        square distance in km²; its price μ is what a square kilometre of it may cost of the mean way to the work:

            mean minutes to the work + μ · mean square distance of the ground from its post

        Both are sums over pairs (unit, post), so every bound holds for the priced objective as it does for the ways.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from gis_data.errors import InputError, SchemaError
from gis_data.settings import ZoneSettings
from models.districting.problem import Floats, Ints, Problem
from models.districting.wishes import Wishes, weight_of

LIMITS = {
    "count": (0, 10_000), "tolerance": (0.0, 10.0), "move_price_min": (0.0, 1e6), "move_budget": (-1, 1_000_000),
    "compactness_price_min": (0.0, 1e3), "random_plans": (0, 100_000), "time_limit_s": (0.1, 86_400.0),
}  # fmt: skip


def check_settings(settings: ZoneSettings) -> None:
    """Refuse values out of range and settings that contradict each other.

    Raises
    ------
    SchemaError
        If a value is out of its range.
    InputError
        If two settings cannot hold together.
    """
    for name, (low, high) in LIMITS.items():
        value = getattr(settings, name)
        if not low <= value <= high:
            raise SchemaError("setting.range", name=f"zones.{name}", found=value, low=low, high=high)
    if settings.move_price_min > 0 and settings.move_budget >= 0:
        raise InputError("zones.price_and_budget")
    posts = names_in(settings.post_villages)
    if settings.count and len(posts) > settings.count:
        raise InputError("zones.more_posts", posts=len(posts), count=settings.count)


def names_in(words: str) -> list[str]:
    """Return the names in a setting, separated by semicolons or commas of either script."""
    return [name.strip() for name in re.split(r"[;；,，、]", words) if name.strip()]


def read_wishes(settings: ZoneSettings, units: pd.DataFrame, problem: Problem) -> Wishes:
    """Return the wishes by row numbers; today's zones are the work areas, where every unit names one.

    Raises
    ------
    InputError
        If a village is unknown, more posts are fixed than zones asked, or a wish needs today's zones.
    """
    locked = rows_named(names_in(settings.locked_villages), units, setting="locked_villages")
    posts = rows_named(names_in(settings.post_villages), units, setting="post_villages")
    if len(posts) > problem.count:
        raise InputError("zones.more_posts", posts=len(posts), count=problem.count)
    today = today_of(units)
    if today is None and (settings.move_price_min > 0 or settings.move_budget >= 0 or locked):
        raise InputError("zones.today_missing")
    extra = settings.compactness_price_min * inertia(units, problem) if settings.compactness_price_min > 0 else None
    return Wishes(today, settings.move_price_min, tuple(locked), tuple(posts), extra)


def today_of(units: pd.DataFrame) -> Ints | None:
    """Return today's zone of each unit as a number, None where not every unit names its work area."""
    if units.empty or (units["work_area"] == "").any():
        return None
    return units.groupby("work_area").ngroup().to_numpy().astype(np.int64)


def rows_named(names: Sequence[str], units: pd.DataFrame, *, setting: str) -> list[int]:
    """Return the row numbers of units by name or id.

    Raises
    ------
    InputError
        If a name is in neither column.
    """
    rows: list[int] = []
    for name in names:
        found = np.flatnonzero((units[["name", "village", "unit_id"]] == name).any(axis="columns"))
        if not len(found):
            raise InputError("zones.unknown_village", setting=setting, found=name)
        rows += [int(row) for row in found if int(row) not in rows]
    return rows


def inertia(units: pd.DataFrame, problem: Problem) -> Floats:
    """Return what each pair (unit, post) adds to the mean square distance of ground to post, per minute of work.

    Shape (n, n), km²: Σ_i w_i·inertia_ij / Σ_i w_i is the mean square distance.
    """
    share = units["area_km2"].to_numpy() / max(float(units["area_km2"].sum()), 1e-12)
    return share[:, None] * square_km(units) * float(problem.load.sum()) / weight_of(problem)[:, None]


def square_km(units: pd.DataFrame) -> Floats:
    """Return r_ij², the squared straight distances between units in km², shape (n, n)."""
    xy = units[["x", "y"]].to_numpy() / 1000
    return np.asarray(((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2))


def root_mean_square_km(units: pd.DataFrame, post: Ints) -> float:
    """Return how far the ground lies from its post: the root of the mean square distance, in km."""
    area = units["area_km2"].to_numpy()
    xy = units[["x", "y"]].to_numpy() / 1000
    square = ((xy - xy[post]) ** 2).sum(axis=1)
    return float(np.sqrt((area * square).sum() / max(float(area.sum()), 1e-12)))
