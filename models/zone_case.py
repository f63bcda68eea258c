"""What is asked of a zone plan: the ground, the districting problem on it, and the wishes.

In:     the study with its settings, villages, cells and their walkable neighbours, roads, incidents.
Out:    a ``Case``, or the error that says why there is nothing to solve.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.errors import InfeasibleError, InputError
from gis_data.periods import Period
from gis_data.settings import WorkloadSettings, ZoneSettings
from gis_data.study import Study
from models.districting.problem import Ints, Problem, neighbours_from_pairs, objective
from models.districting.wishes import Wishes, paid
from models.village_parts import Parts
from models.zone_ground import Ground, for_count, survey, survey_divided
from models.zone_wishes import check_settings, read_wishes


@dataclass(frozen=True)
class Case:
    """What is asked: the ground, the problem on it, the wishes, and the settings they came from."""

    ground: Ground
    problem: Problem
    wishes: Wishes
    settings: ZoneSettings
    workload: WorkloadSettings

    @classmethod
    def of(cls, ground: Ground, settings: ZoneSettings, workload: WorkloadSettings, *, count: int) -> "Case":
        """Return what the settings ask of a ground."""
        problem = make_problem(ground.units, ground.travel_min, ground.pairs, count=count, tolerance=settings.tolerance)
        return cls(ground, problem, read_wishes(settings, ground.units, problem), settings, workload)

    def with_count(self, count: int) -> "Case":
        """Return the same case for another number of zones."""
        ground = for_count(self.ground, self.workload, count=count)
        return Case.of(ground, self.settings, self.workload, count=count)

    def mean_min(self, post: Ints) -> float:
        """Return the objective as printed: mean minutes from the post to the work."""
        return objective(self.problem, post) / float(self.problem.load.sum())

    def bound_min(self, bound: float, post: Ints) -> float:
        """Return a bound of the problem with its wishes as a bound on the mean minutes.

        Where wishes are priced it speaks of the plans that pay no more for them than this one.
        """
        return min((bound - paid(self.problem, self.wishes, post)) / float(self.problem.load.sum()),
                   self.mean_min(post))  # fmt: skip


def make_case(
    study: Study,
    villages: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    cell_edges: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    *,
    period: Period,
    count: int | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    parts: Parts | None = None,
) -> Case:
    """Gather what ``plan_zones`` has to solve; raises as that does, but for what no plan can keep.

    ``parts`` are those of villages already divided; if None they are found, where the settings allow.
    """
    settings, workload = study.settings.zones, study.settings.workload
    check_settings(settings)
    k = zone_count(villages, count or settings.count)
    now = incidents[period.holds(incidents["reported_at"])]
    tables = (villages, cells, cell_edges, roads, now, workload)
    if parts is None and settings.split_heavy and buildings is not None:
        ground = survey_divided(*tables, buildings, weeks=period.weeks, count=k, tolerance=settings.tolerance)
    else:
        ground = survey(*tables, weeks=period.weeks, count=k, parts=parts)
    return Case.of(ground, settings, workload, count=k)


def zone_count(villages: pd.DataFrame, asked: int) -> int:
    """Return the number of zones: as asked, else one for each work area.

    Raises
    ------
    InputError
        If none is asked and there are no villages, or they name no work areas.
    """
    areas = set(villages["work_area"]) - {""}
    if asked <= 0 and not areas:
        raise InputError("zones.count_missing" if len(villages) else "zones.no_villages")
    return asked if asked > 0 else len(areas)


def make_problem(
    units: pd.DataFrame, travel_min: NDArray[np.float64], pairs: Ints, *, count: int, tolerance: float
) -> Problem:
    """Return the districting problem of units with a column ``total_min``.

    Raises
    ------
    InputError
        If the units hold no work.
    InfeasibleError
        If there are fewer units than zones.
    """
    load = units["total_min"].to_numpy(dtype=np.float64)
    if load.sum() <= 0:
        raise InputError("zones.no_work")
    if count > len(units):
        raise InfeasibleError("zones.too_many", count=count, units=len(units))
    return Problem(load, travel_min, neighbours_from_pairs(len(units), pairs), count, tolerance)
