"""Divide: how many beats a zone needs, and which pieces of road make each.

In:     the pieces of one zone with their work, hotspots, the settings of a shift.
Out:    the beat of each piece, numbered from north-west to south-east, and the bound on the heaviest beat.
"""

import math
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis_data.settings import BeatSettings, WorkloadSettings
from models.beats.cut_bound import least_heaviest
from models.beats.partition import SAME, Ints, Problem, divide
from models.beats.units import Ground, make_units

Floats = NDArray[np.float64]


def beat_count(work_min: float, road_km: float, settings: BeatSettings, workload: WorkloadSettings) -> int:
    """Return k: how many beats a zone needs so that one crew can patrol each in a shift.

    A beat is passed ``patrol_passes_per_week`` times a week, in as many shifts; of each hour of a shift the crew moves
    ``moving_min_per_h`` minutes, and in a shift it drives no more than ``max_km_per_shift``.
    """
    shifts = max(workload.patrol_passes_per_week, 1.0)
    by_work = work_min / (shifts * settings.shift_h * settings.moving_min_per_h)
    return max(1, math.ceil(by_work - 1e-9), math.ceil(road_km / settings.max_km_per_shift - 1e-9))


def standing_min(settings: BeatSettings, workload: WorkloadSettings) -> float:
    """Return the minutes a week that the crews of a beat stand at its checkpoints."""
    shifts = max(workload.patrol_passes_per_week, 1.0)
    return shifts * settings.shift_h * (60.0 - settings.moving_min_per_h)


@dataclass(frozen=True, eq=False)
class ZoneBeats:
    """The beats of one zone.

    Attributes
    ----------
    beat
        Beat (0 … k−1, from north-west to south-east) of each piece.
    ground
        The units that were cut.
    heaviest_min, bound_min
        Minutes a week of the heaviest beat, and the least that it can have with these units and this many beats.
    """

    beat: Ints
    ground: Ground
    heaviest_min: float
    bound_min: float


def divide_zone(
    pieces: gpd.GeoDataFrame, town: gpd.GeoDataFrame, hotspots: list[shapely.Geometry], settings: BeatSettings,
    workload: WorkloadSettings, *, rng: np.random.Generator,
) -> ZoneBeats:  # fmt: skip
    """Return the beats of one zone; a village's streets are split only where no even beats can be made otherwise."""
    load = pieces["total_min"].to_numpy()
    load = load if load.sum() > 0 else pieces["length_m"].to_numpy()
    count = beat_count(float(pieces["total_min"].sum()), float(pieces["length_m"].sum()) / 1000, settings, workload)
    mean = float(load.sum()) / count
    found = []
    for whole in (True, False):
        ground = make_units(pieces, hotspots, town, mean_load=mean, whole_villages=whole)
        found.append(_cut(pieces, load, ground, _problem(pieces, load, ground, settings.tolerance, count), rng))
        if found[-1].heaviest_min <= (1 + settings.tolerance) * mean * (1 + SAME):
            break
    return min(found, key=lambda beats: beats.heaviest_min)


def _cut(
    pieces: gpd.GeoDataFrame, load: NDArray[Any], ground: Ground, problem: Problem, rng: np.random.Generator
) -> ZoneBeats:
    """Share the beats out over the groups of roads that are cut off from each other, and divide each."""
    parts = ground.component.max() + 1
    weight = np.bincount(ground.component, weights=problem.load)
    counts = share_out(weight, np.bincount(ground.component), problem.count)
    beat, first, bounds = np.zeros(len(problem.load), dtype=np.int64), 0, [float(problem.load.max())]
    for component in range(parts):
        members = np.flatnonzero(ground.component == component)
        inner = problem.of(members, int(counts[component]))
        beat[members] = first + divide(inner, rng=rng)
        first += inner.count
        bounds.append(least_heaviest(inner) if parts == 1 else inner.mean)
    heaviest = float(np.bincount(beat, weights=problem.load).max())
    return ZoneBeats(_in_reading_order(pieces, load, beat[ground.unit]), ground, heaviest, max(bounds))


def share_out(load: NDArray[Any], units: NDArray[Any], count: int) -> Ints:
    """Return how many beats each cut-off group of roads gets: at least one, then always where the mean is greatest.

    This makes the greatest mean as small as it can be. No group gets more beats than it has units.
    """
    counts = np.ones(len(load), dtype=np.int64)
    for _ in range(count - len(load)):
        mean = np.where(counts < units, load / counts, -1.0)
        if mean.max() < 0:
            break
        counts[int(mean.argmax())] += 1
    return counts


def _problem(pieces: gpd.GeoDataFrame, load: NDArray[Any], ground: Ground, tolerance: float, count: int) -> Problem:
    middle = shapely.line_interpolate_point(pieces.geometry.to_numpy(), 0.5, normalized=True)
    weight = pieces["length_m"].to_numpy()
    total = np.bincount(ground.unit, weights=weight)
    xy = np.column_stack(
        [np.bincount(ground.unit, weights=weight * part(middle)) / total for part in (shapely.get_x, shapely.get_y)]
    )
    return Problem(np.bincount(ground.unit, weights=load).astype(np.float64), xy, ground.pairs, count, tolerance)


def _in_reading_order(pieces: gpd.GeoDataFrame, load: Floats, part: Ints) -> Ints:
    """Return the parts numbered from north-west to south-east, so that numbers stay where they are."""
    middle = shapely.line_interpolate_point(pieces.geometry.to_numpy(), 0.5, normalized=True)
    south_east = shapely.get_x(middle) - shapely.get_y(middle)
    weight = np.maximum(load, 1e-9)
    mean = np.bincount(part, weights=weight * south_east) / np.bincount(part, weights=weight)
    place = np.empty(len(mean), dtype=np.int64)
    place[np.argsort(np.round(mean, 3), kind="stable")] = np.arange(len(mean))
    return place[part]
