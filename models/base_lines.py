"""Base lines: what every zone should reach, each passed or not, never ranked.

In:     the scorecard's rows and the settings.
Out:    one row per zone and measure: value, limits, base line, verdict.

A counted fact (hours, visits) passes or does not. An outcome passes only when its whole interval is on the good side
and fails only when it is on the other; a base line inside the interval cannot be read. Arrests have no base line: a
number that must be reached decides where patrols go, which is the loop that ``feedback_audit`` shows.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis_data.settings import ScorecardSettings, WorkloadSettings


@dataclass(frozen=True)
class Measure:
    """A measure of the scorecard and its base line."""

    column: str
    base_line: float
    at_most: bool
    low: str = ""  # columns of its limits; a counted fact has none
    high: str = ""


def measures(settings: ScorecardSettings, workload: WorkloadSettings) -> tuple[Measure, ...]:
    """Return the measures that have a base line."""
    ratio, change = "observed_to_expected", "change_ratio"
    return (
        Measure(ratio, settings.most_observed_to_expected, at_most=True, low=f"{ratio}_low", high=f"{ratio}_high"),
        Measure(change, settings.most_change_ratio, at_most=True, low="change_low", high="change_high"),
        Measure("patrol_passes_per_week", workload.patrol_passes_per_week, at_most=False),
        Measure("reached_pct", settings.least_reached_pct, at_most=False),
        Measure("checkpoints_met_pct", settings.least_checkpoints_met_pct, at_most=False),
    )


def judge(table: pd.DataFrame, settings: ScorecardSettings, workload: WorkloadSettings) -> pd.DataFrame:
    """Return the verdict on each zone and measure: "met", "not_met", "not_readable" or "no_data"."""
    judged = [_judged(table, measure) for measure in measures(settings, workload)]
    return pd.concat(judged, ignore_index=True)


def _judged(table: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    value = table[measure.column].astype(float)
    low, high = (table[name].astype(float) if name else value for name in (measure.low, measure.high))
    if measure.at_most:
        met, not_met = high <= measure.base_line, low > measure.base_line
    else:
        met, not_met = low >= measure.base_line, high < measure.base_line
    verdict = np.select([value.isna(), met, not_met], ["no_data", "met", "not_met"], "not_readable")
    return pd.DataFrame(
        {
            "zone_id": table.index,
            "measure": measure.column,
            "value": value.to_numpy(),
            "low": low.to_numpy() if measure.low else np.nan,
            "high": high.to_numpy() if measure.high else np.nan,
            "base_line": measure.base_line,
            "at_most": measure.at_most,
            "verdict": verdict,
        }
    )
