"""The least value of a zone of whole villages that holds one post and keeps the load band; connected or not.

In:     a ``Problem``, a post j, the units open to it, prices u_i of the units (minutes of work).
Out:    V_j(u) and the units that come to it, or the table to list all zones near it with.
Method: a dynamic programme over loads in ``STEPS`` a zone,

               V_j(u) = min Σ_{i∈S} (c_ij − u_i),  j ∈ S,  load of S in the band

        by the least value with which the first t units (nearest first) can fill a zone from any load.
"""

import math

import numpy as np

from models.districting.problem import Bools, Floats, Ints, Problem

STEPS = 1_000  # of a zone's mean load: the grain of the dynamic programme; rounding only widens the band


class Knapsack:
    """The knapsack of one post, at any prices.

    Loads are rounded to the nearest step; the band is widened by what the rounding of the units can add up to, so no
    zone within the band is lost and the value is a bound.
    """

    def __init__(self, problem: Problem, j: int, open_units: Bools) -> None:
        self.problem, self.j = problem, j
        near = np.flatnonzero(open_units & (problem.load + problem.load[j] <= problem.highest))
        near = near[near != j]
        self.near = near[np.argsort(problem.travel_min[near, j], kind="stable")]
        exact = problem.load * STEPS / problem.mean_load
        steps = np.rint(exact).astype(np.int64)
        low, high = (limit * STEPS / problem.mean_load for limit in (problem.lowest, problem.highest))
        off = (steps - exact)[np.append(near, j)]
        self.steps, self.own = steps[self.near].tolist(), int(steps[j])
        self.most = math.floor(high + off[off > 0].sum() + 1e-6)
        self.least = max(0, math.ceil(low + off[off < 0].sum() - 1e-6))

    def tables(self, u: Floats) -> list[Floats]:
        """tables[t][q] = the least value by which the first t units fill a zone from q steps up into the band."""
        table = np.full(max(self.most, self.own) + 1, np.inf)
        table[self.least : self.most + 1] = 0.0
        tables, size = [table], len(table)
        for step, gain in zip(self.steps, self.gains(u).tolist(), strict=True):
            filled = table.copy()
            if step < size:
                np.minimum(filled[: size - step], table[step:] + gain, out=filled[: size - step])
            tables.append(filled)
            table = filled
        return tables

    def gains(self, u: Floats) -> Floats:
        """Return what each unit adds to the value, in the order of ``near``."""
        gains: Floats = self.problem.cost[self.near, self.j] - u[self.near]
        return gains

    def least_value(self, u: Floats, tables: list[Floats]) -> float:
        """Return V_j, inf where nothing fills the band."""
        return float(tables[-1][self.own] - u[self.j])

    def cheapest(self, tables: list[Floats]) -> Ints:
        """Return the units beside the post that come to V_j."""
        taken, at = [], self.own
        for t in range(len(self.near) - 1, -1, -1):
            if tables[t][at] > tables[t + 1][at] + 1e-12:
                at += self.steps[t]
                taken.append(t)
        return self.near[taken]
