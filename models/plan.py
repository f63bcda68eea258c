"""A plan: one question's answer, frozen, with its cost, its proven bound and what it was made from.

In:     tables and settings that a model was given.
Out:    a ``Plan`` whose ``tables`` feed map, print and export, and whose head is one JSON object.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Plan:
    """The answer to one question.

    Attributes
    ----------
    name
        "hotspots", "zones", "beats", "scorecard" or "cameras".
    tables
        The answer; ``tables[name]`` is the main table.
    objective, bound
        What was minimised or maximised, and what no plan can beat; None where nothing is optimised.
    unit
        Catalogue key of the objective's unit.
    ended_by
        "optimal", "gap", "time", "hand" (changed by hand) or "exact" (nothing was searched).
    seconds, seed, settings, inputs
        How long it took, its chance, its settings, and the hash of each input table.
    notes
        Catalogue keys and values a planner must read with the plan.
    """

    name: str
    tables: Mapping[str, pd.DataFrame]
    settings: Mapping[str, Any]
    seed: int
    seconds: float
    objective: float | None = None
    bound: float | None = None
    unit: str = ""
    ended_by: str = "exact"
    inputs: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def __post_init__(self) -> None:
        for name in ("tables", "settings", "inputs"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def gap(self) -> float | None:
        """Relative distance between objective and bound, 0 when proven optimal; None where there is no bound."""
        if self.objective is None or self.bound is None or not math.isfinite(self.bound):
            return None
        if self.objective == self.bound:
            return 0.0
        return abs(self.objective - self.bound) / max(abs(self.objective), abs(self.bound))

    def to_frame(self) -> pd.DataFrame:
        """Return the plan's main table."""
        return self.tables[self.name]

    def head(self) -> dict[str, Any]:
        """Return everything but the tables, ready for JSON."""
        return {
            "name": self.name,
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "unit": self.unit,
            "ended_by": self.ended_by,
            "seconds": self.seconds,
            "seed": self.seed,
            "settings": dict(self.settings),
            "inputs": dict(self.inputs),
            "notes": [[key, dict(values)] for key, values in self.notes],
        }
