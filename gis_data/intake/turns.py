"""Turns: files in which systems of coordinates take turns row by row (a terminal's own fix, a click on a web map).

In:     for each row and system the class of two distances, as datum.py sorts them; how they fall by chance.
Out:    how likely each system is for each row, and how much better a file of turns explains the rows than stretches do.
Method: a mixture of the three systems and of points astray, which fit nowhere better than by chance; shares and
        distances are learnt together (expectation-maximisation, Dempster, Laird and Rubin 1977). Without the astray,
        what fits no system would be taken for whichever it fits best by accident.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FLOOR = 0.005  # share of any distance that even a right system may show: a careless click
ASTRAY = 0.05  # share of points that fit nowhere, to begin with
ROUNDS, SETTLED = 50, 1e-3


@dataclass(frozen=True)
class Classes:
    """Classes of the two distances of rows, and how they fall by chance.

    Attributes
    ----------
    fit, village
        To the nearest building or road, and to the village named (one class more where none is): rows × 3 systems.
    fit_chance, village_chance
        Share of each class among points moved off at random.
    """

    fit: Ints
    village: Ints
    fit_chance: Floats
    village_chance: Floats

    def evidence(self, fit_right: Floats, village_right: Floats) -> Floats:
        """Return the log-likelihood ratio of each row under each system against chance (n × 3)."""
        by_fit = ratio(fit_right, self.fit_chance)[self.fit]
        by_village = np.append(ratio(village_right, self.village_chance), 0.0)[self.village]
        return np.asarray(by_fit + by_village, dtype=float)


@dataclass(frozen=True)
class Turns:
    """A file of turns, as learnt.

    Attributes
    ----------
    evidence
        Log-likelihood ratio of each row under each system, no lower than that of a point astray (n × 3).
    share
        Share of each system.
    """

    evidence: Floats
    share: Floats

    @property
    def log_likelihood(self) -> float:
        """Of all rows."""
        return float(_log_sum(self._joint).sum())

    @property
    def belongs(self) -> Floats:
        """Probability of each system for each row (n × 3)."""
        return np.asarray(np.exp(self._joint - _log_sum(self._joint)), dtype=float)

    @property
    def odds(self) -> Floats:
        """Natural logarithm of how much likelier each row's likeliest system is than all others together."""
        joint = np.sort(self._joint, axis=1)
        return np.asarray(joint[:, -1] - _log_sum(joint[:, :-1])[:, 0], dtype=float)

    @property
    def likeliest(self) -> Ints:
        """Each row's likeliest system."""
        return np.asarray(self._joint.argmax(axis=1), dtype=np.int64)

    @property
    def _joint(self) -> Floats:
        return np.asarray(np.log(self.share) + self.evidence, dtype=float)


def find_turns(classes: Classes, fit_right: Floats, village_right: Floats, prior: Floats) -> Turns:
    """Learn the shares of the systems and how their distances fall, from starting values."""
    share = np.append((1 - ASTRAY) * prior, ASTRAY)
    before = -np.inf
    for _ in range(ROUNDS):
        evidence = classes.evidence(fit_right, village_right)
        joint = np.log(share) + np.column_stack([evidence, np.zeros(len(evidence))])
        total = _log_sum(joint)
        belongs = np.exp(joint - total)
        share = (belongs.sum(axis=0) + 0.5) / (len(joint) + 0.5 * len(share))
        fit_right = histogram(classes.fit, len(fit_right), belongs[:, :-1])
        village_right = histogram(classes.village, len(village_right), belongs[:, :-1])
        if total.sum() - before < SETTLED:
            break
        before = float(total.sum())
    known = share[:-1].sum()
    evidence = np.logaddexp(np.log(known) + classes.evidence(fit_right, village_right), np.log(share[-1]))
    return Turns(evidence, share[:-1] / known)


def ratio(right: Floats, chance: Floats) -> Floats:
    """Return how much likelier each class is where a system is right than by chance (natural logarithm)."""
    return np.asarray(np.log(((1 - FLOOR) * right + FLOOR * chance) / chance), dtype=float)


def histogram(classes: Ints, count: int, weights: Floats | None = None) -> Floats:
    """Return the share of each class; classes beyond ``count`` («not known») are left out."""
    given = None if weights is None else weights.ravel()
    found = np.bincount(classes.ravel(), given, minlength=count)[:count] + 0.5
    return np.asarray(found / found.sum(), dtype=float)


def _log_sum(joint: Floats) -> Floats:
    """Return the logarithm of the sum of each row's exponentials (n × 1)."""
    most = joint.max(axis=1, keepdims=True)
    return np.asarray(most + np.log(np.exp(joint - most).sum(axis=1, keepdims=True)), dtype=float)
