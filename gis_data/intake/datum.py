"""Datum: which of WGS-84, GCJ-02 and BD-09 a file's degrees are in, told by how well they fit the ground.

In:     degrees in the order they were recorded, what stands on the ground (buildings, roads), the villages named.
Out:    the system of each row, and the stretches behind that verdict with their odds; a stretch that cannot be told
        is «unclear»: its rows are asked about, never moved on a guess.
Method: a program is switched from one system to another at some day, so a file is one or a few stretches (a hidden
        Markov chain, decoded by Viterbi 1967). What a row says for a system is the likelihood ratio of two distances,
        to the nearest building or road and to the village it names, against the same distances of points moved off by
        as much in other directions. The ratios are learnt from the file itself (expectation-maximisation). As a ratio
        learnt from points strewn anywhere finds the best of three chances, rows are moved only where their new points
        also stand at buildings and roads as real ones do (``FIT_SCALE_M``), which no file teaches. Where no stretches
        but turns row by row explain the file (turns.py), each row is told by itself, if it can be.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.coordinates import bd09_to_wgs84, gcj02_to_wgs84
from gis_data.intake.turns import Classes, Turns, find_turns, histogram, ratio
from gis_data.study import WGS84, Study, transformer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SYSTEMS = ("wgs84", "gcj02", "bd09")
PRIOR = np.log([0.90, 0.05, 0.05])
# How often the system changes from one row to the next: learnt, from this start and as if these rows had none.
FIRST_SWITCH, ROWS_WITHOUT_SWITCH = 0.05, 10_000
CLEAR = np.log(100.0)  # a stretch is told when its system is a hundred times likelier than the next
CLEAR_ALONE = np.log(200.0)  # a row by itself
# Turns are believed where they explain the rows so much better than stretches do: points that stand where their village
# is not (a field, a wrong name) gain a little by turns too, in proportion to the rows, and so do short stretches.
TURNS_GAIN, TURNS_GAIN_PER_ROW, SURE_GAIN_PER_ROW = 2 * CLEAR, 0.1, 0.25
MIXED = "mixed"
MOST_SWITCHES = 50
MOST_ROWS = 8_000  # longer files are decided on evenly spread rows; only where the system changes all rows are read
FIT_EDGES_M = np.array([0, 2, 5, 10, 15, 25, 40, 60, 100, 150, 250, 400, np.inf])
VILLAGE_EDGES_M = np.array([0, 2, 100, 200, 300, 400, 500, 650, 800, 1000, 1300, 1700, 2500, np.inf])
FIT_SCALE_M, VILLAGE_SCALE_M = 12.0, 250.0
STRIP_M = 200.0
ROUNDS = 6
SURELY = 1e-6  # far more than sums of so many rows are rounded by


def _exponential(edges_m: Floats, scale_m: float) -> Floats:
    return np.asarray(np.diff(1 - np.exp(-edges_m / scale_m)), dtype=float)


# How distances fall where a system is right, before a file has taught it.
FIT_RIGHT, VILLAGE_RIGHT = _exponential(FIT_EDGES_M, FIT_SCALE_M), _exponential(VILLAGE_EDGES_M, VILLAGE_SCALE_M)


@dataclass(frozen=True)
class Verdict:
    """What a file's degrees are in.

    Attributes
    ----------
    system
        One of ``SYSTEMS`` for each row that can be told, "unclear" for those that must be asked about.
    stretches
        ``first``, ``last`` (positions of rows), ``rows``, ``system``, ``odds_log10`` against the next likely system;
        of a file of turns one, its system ``MIXED``.
    """

    system: NDArray[np.object_]
    stretches: pd.DataFrame


class Ground:
    """What coordinates are held against."""

    def __init__(self, study: Study, buildings: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> None:
        self.study = study
        shapes = [*buildings.geometry.to_numpy(), *roads.geometry.to_numpy()]
        self.tree = shapely.STRtree(shapes, node_capacity=4)  # narrow: a search for the nearest opens whole nodes
        self.is_known = len(shapes) > 0
        self.across = transformer(WGS84, study.crs)

    def off_m(self, xy: Floats) -> Floats:
        """Return the distance from each point to the nearest building or road; infinite where there is none near."""
        off = np.full(len(xy), np.inf)
        order = np.lexsort([xy[:, 0], xy[:, 1] // STRIP_M])  # neighbours one after the other: their shapes are at hand
        (found, _), metres = self.tree.query_nearest(
            shapely.points(xy[order]), max_distance=float(FIT_EDGES_M[-2]), return_distance=True, all_matches=False
        )
        off[order[found]] = metres
        return off

    def metres(self, lon: Floats, lat: Floats) -> Floats:
        """Return WGS-84 degrees in the study's metres (n × 2)."""
        return np.column_stack(self.across.transform(lon, lat))


def find_datum(lon: Floats, lat: Floats, named_xy: Floats, ground: Ground) -> Verdict:
    """Tell in which system each row's degrees are.

    Parameters
    ----------
    lon, lat
        Degrees as written, in the order of recording; n values, none missing.
    named_xy
        Centre of the village that each row names, metres (n × 2); NaN where it names none.
    """
    count = len(lon)
    if count == 0 or not ground.is_known:
        return _all_as_written(count)
    step = max(1, -(-count // MOST_ROWS))
    looked = np.arange(0, count, step)
    model = _Likelihood(ground)
    evidence, standing = model.fitted(lon[looked], lat[looked], named_xy[looked])
    turns = model.turns()
    if _takes_turns(turns, standing, model.switch):
        return _row_by_row(model.turns(*model.bins(lon, lat, named_xy)) if step > 1 else turns)
    state = _viterbi(evidence, model.switch)
    if step > 1 and np.count_nonzero(np.diff(state)) > MOST_SWITCHES:
        # Very many short stretches: rows far apart do not speak for the rows between them.
        looked, step = np.arange(count), 1
        evidence, standing = model.evidence(lon, lat, named_xy)
        state = _viterbi(evidence, model.switch)
    if step > 1:
        state = _with_exact_switches(np.repeat(state, step)[:count], step, model, lon, lat, named_xy)
    return _judged(state, looked, evidence, standing)


def to_wgs84(lon: Floats, lat: Floats, system: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Return degrees in WGS-84; rows of an unclear system stay as written."""
    lon, lat = lon.copy(), lat.copy()
    for name, back in (("gcj02", gcj02_to_wgs84), ("bd09", bd09_to_wgs84)):
        rows = system == name
        lon[rows], lat[rows] = back(lon[rows], lat[rows])
    return lon, lat


class _Likelihood:
    """How much likelier a row is under each system than by chance, from two distances."""

    classes: Classes

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.fit_ratio = self.village_ratio = self.standing_ratio = np.empty(0)
        self.switch = FIRST_SWITCH

    def fitted(self, lon: Floats, lat: Floats, named_xy: Floats) -> tuple[Floats, Floats]:
        """Learn the ratios from the rows, starting from exponential distances; return the rows' evidence."""
        fit, village = self.bins(lon, lat, named_xy)
        fit_chance, village_chance = self._by_chance(lon, lat, named_xy)
        self.classes = Classes(fit, village, fit_chance, village_chance)
        fit_right, village_right = FIT_RIGHT, VILLAGE_RIGHT
        self.standing_ratio = ratio(fit_right, fit_chance)
        before = None
        for _ in range(ROUNDS):
            self.fit_ratio = ratio(fit_right, fit_chance)
            self.village_ratio = np.append(ratio(village_right, village_chance), 0.0)
            chosen = _viterbi(self._evidence(fit, village), self.switch)
            if before is not None and np.array_equal(chosen, before):  # from here on every round is the same
                break
            before = chosen
            self.switch = (1 + np.count_nonzero(np.diff(chosen))) / (len(chosen) + ROWS_WITHOUT_SWITCH)
            rows = np.arange(len(lon))
            fit_right = histogram(fit[rows, chosen], len(fit_chance))
            village_right = histogram(village[rows, chosen], len(village_chance))
        return self._evidence(fit, village), self.standing_ratio[fit]

    def evidence(self, lon: Floats, lat: Floats, named_xy: Floats) -> tuple[Floats, Floats]:
        """Return the log-likelihood ratio of each row under each system, as learnt and of its fit alone as unlearnt.

        Both are n × 3.
        """
        fit, village = self.bins(lon, lat, named_xy)
        return self._evidence(fit, village), self.standing_ratio[fit]

    def turns(self, *bins: Ints) -> Turns:
        """Return the rows learnt from, or rows with other classes of distances, as a file of turns."""
        classes = self.classes
        if bins:
            classes = Classes(bins[0], bins[1], classes.fit_chance, classes.village_chance)
        return find_turns(classes, FIT_RIGHT, VILLAGE_RIGHT, np.exp(PRIOR))

    def _evidence(self, fit: Ints, village: Ints) -> Floats:
        return np.asarray(self.fit_ratio[fit] + self.village_ratio[village], dtype=float)

    def bins(self, lon: Floats, lat: Floats, named_xy: Floats) -> tuple[Ints, Ints]:
        """Return the classes of the two distances of each row under each system (n × 3 each)."""
        fits, villages = [], []
        for name in SYSTEMS:
            system = np.full(len(lon), name, dtype=object)
            xy = self.ground.metres(*to_wgs84(lon, lat, system))
            fits.append(_bin(self.ground.off_m(xy), FIT_EDGES_M))
            villages.append(_bin(np.hypot(*(xy - named_xy).T), VILLAGE_EDGES_M))
        return np.column_stack(fits), np.column_stack(villages)

    def _by_chance(self, lon: Floats, lat: Floats, named_xy: Floats) -> tuple[Floats, Floats]:
        """Return how the distances fall for points moved off as far as the systems differ, in other directions."""
        shown = np.arange(0, len(lon), max(1, len(lon) // 1_000))
        xy, named = self.ground.metres(lon[shown], lat[shown]), named_xy[shown]
        moves = [
            reach * np.array([np.sin(angle), np.cos(angle)])
            for reach in (480.0, 800.0, 1270.0)
            for angle in np.radians([100, 170, 240, 310])
        ]
        fits = _bin(self.ground.off_m(np.concatenate([xy + move for move in moves])), FIT_EDGES_M)
        far = np.concatenate([_bin(np.hypot(*(xy + move - named).T), VILLAGE_EDGES_M) for move in moves])
        return histogram(fits, len(FIT_EDGES_M) - 1), histogram(far, len(VILLAGE_EDGES_M) - 1)


def _bin(distance_m: Floats, edges_m: Floats) -> Ints:
    """Return the class of each distance; one class more for «not known»."""
    inner = np.searchsorted(edges_m[1:-1], distance_m, side="right")
    return np.where(np.isnan(distance_m), len(edges_m) - 1, inner).astype(np.int64)


def _takes_turns(turns: Turns, standing: Floats, switch: float) -> bool:
    """Tell whether turns row by row explain the rows better than stretches do, and both systems' rows stand as real."""
    rows, evidence = len(turns.evidence), turns.evidence
    gain = turns.log_likelihood - TURNS_GAIN - _best_path(evidence, switch)
    if gain < TURNS_GAIN_PER_ROW * rows:
        return False
    two = np.argsort(turns.share)[-2:]
    if ((turns.belongs * standing).sum(axis=0)[two] < CLEAR).any():
        return False
    changes = np.count_nonzero(np.diff(_viterbi(evidence, switch)))
    as_often = _best_path(evidence, max(switch, (1 + changes) / rows))
    return gain >= SURE_GAIN_PER_ROW * rows or turns.log_likelihood - as_often >= CLEAR


def _best_path(evidence: Floats, switch: float) -> float:
    """Return the log-likelihood of the likeliest stretches."""
    state = _viterbi(evidence, switch)
    own = evidence[np.arange(len(state)), state].sum()
    return float(PRIOR[state[0]] + own + np.count_nonzero(np.diff(state)) * np.log(switch))


def _row_by_row(turns: Turns) -> Verdict:
    """Tell each row by itself, where it can be."""
    told = turns.odds >= CLEAR_ALONE
    system = np.where(told, np.array(SYSTEMS, dtype=object)[turns.likeliest], "unclear")
    rows = len(system)
    alone = float(max(turns.evidence.sum(axis=0) + PRIOR))
    about = {"first": 0, "last": rows - 1, "rows": rows, "system": MIXED,
             "odds_log10": (turns.log_likelihood - alone) / np.log(10)}  # fmt: skip
    return Verdict(system, pd.DataFrame([about]))


def _viterbi(evidence: Floats, switch: float) -> Ints:
    """Return the likeliest sequence of systems, which change from one row to the next with probability ``switch``."""
    cost = float(np.log(switch))
    one = _only_one(evidence, cost)
    if one is not None:
        return np.full(len(evidence), one, dtype=np.int64)
    a, b, c = (PRIOR + evidence[0]).tolist()
    back = []
    # In plain numbers, one for each system: three are too few for arrays to pay, and for lists.
    for in_a, in_b, in_c in evidence[1:].tolist():
        most, best = (a, 0) if a >= b else (b, 1)
        if c > most:
            most, best = c, 2
        changed = most + cost
        back.append((0 if a >= changed else best, 1 if b >= changed else best, 2 if c >= changed else best))
        a = (a if a >= changed else changed) + in_a
        b = (b if b >= changed else changed) + in_b
        c = (c if c >= changed else changed) + in_c
    state = [int(np.argmax([a, b, c]))]
    for came_from in reversed(back):
        state.append(came_from[state[-1]])
    return np.array(state[::-1], dtype=np.int64)


def _only_one(evidence: Floats, cost: float) -> int | None:
    """Return the system that all rows are likeliest in if no stretch of them could gain by another; None if one might.

    Of a stretch it is asked what the best of the other systems, row by row, would gain: no way through them gains more.
    """
    own = int((PRIOR + evidence.sum(axis=0)).argmax())
    others = [system for system in range(len(SYSTEMS)) if system != own]
    upto = np.r_[0.0, np.cumsum(evidence[:, others].max(axis=1) - evidence[:, own])]
    at_start = float(PRIOR[others].max() - PRIOR[own])
    lowest = np.minimum.accumulate(upto)
    gains = (
        upto[-1] + at_start,  # of all rows
        upto.max() + cost + at_start,  # of the first ones
        upto[-1] - upto.min() + cost,  # of the last ones
        (upto - lowest).max() + 2 * cost,
    )
    return own if max(gains) < -SURELY else None


def _with_exact_switches(
    state: Ints, step: int, model: _Likelihood, lon: Floats, lat: Floats, named_xy: Floats
) -> Ints:
    """Find between which two rows the system changes, where only every ``step``-th row was looked at."""
    state = state.copy()
    for switch in (int(at) + 1 for at in np.flatnonzero(np.diff(state))):
        low, high = max(0, switch - 2 * step), min(len(state), switch + 2 * step)
        near = slice(low, high)
        before, after = state[low], state[high - 1]
        evidence, _ = model.evidence(lon[near], lat[near], named_xy[near])
        gain = np.concatenate([[0.0], np.cumsum(evidence[:, before] - evidence[:, after])])
        cut = int(gain.argmax())
        state[low : low + cut], state[low + cut : high] = before, after
    return state


def _judged(state: Ints, looked: Ints, evidence: Floats, standing: Floats) -> Verdict:
    """Cut the rows into stretches and tell each, by the rows looked at."""
    starts = np.r_[0, np.flatnonzero(np.diff(state)) + 1]
    rows = np.diff(np.r_[starts, len(state)])
    ends = np.asarray(np.searchsorted(looked, np.r_[starts, len(state)]), dtype=np.int64)
    total = _of_stretches(evidence, ends) + PRIOR
    own = np.asarray(state[starts])
    at = np.arange(len(starts))
    best_other = total.copy()
    best_other[at, own] = -np.inf
    lead = total[at, own] - best_other.max(axis=1)
    stands = _of_stretches(standing, ends)[at, own] >= CLEAR
    # Few rows say little; what is likeliest as written stays as written, but no row is moved without clear odds.
    told = (stands & (lead >= CLEAR)) | ((own == 0) & (lead >= 0))
    name = np.where(told, np.array(SYSTEMS, dtype=object)[own], "unclear")
    stretches = pd.DataFrame(
        {"first": starts, "last": starts + rows - 1, "rows": rows, "system": name, "odds_log10": lead / np.log(10)}
    )
    return Verdict(np.repeat(name, rows), stretches)


def _of_stretches(evidence: Floats, ends: Ints) -> Floats:
    summed = np.vstack([np.zeros((1, evidence.shape[1])), np.cumsum(evidence, axis=0)])
    return np.asarray(summed[ends[1:]] - summed[ends[:-1]], dtype=float)


def _all_as_written(count: int) -> Verdict:
    empty = pd.DataFrame(columns=["first", "last", "rows", "system", "odds_log10"])
    return Verdict(np.full(count, SYSTEMS[0], dtype=object), empty)
