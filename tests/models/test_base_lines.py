"""Base lines: passed, not passed, or not to be read; never a rank."""

import numpy as np
import pandas as pd
import pytest

from gis_data.settings import ScorecardSettings, WorkloadSettings
from models.base_lines import judge, measures

SETTINGS, WORK = ScorecardSettings(), WorkloadSettings()


def verdicts(**columns):
    """Verdicts on one zone; what is not said has no data."""
    names = {name for m in measures(SETTINGS, WORK) for name in (m.column, m.low, m.high) if name}
    row = dict.fromkeys(names, np.nan) | columns
    table = judge(pd.DataFrame([row], index=["Z1"]), SETTINGS, WORK)
    return dict(zip(table["measure"], table["verdict"], strict=True))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.8, 1.25, "met"), (0.8, 1.26, "not_readable"), (1.25, 1.9, "not_readable"), (1.26, 1.9, "not_met"),
        (0.0, np.inf, "not_readable"), (1.3, np.inf, "not_met"),
    ],
)  # fmt: skip
def test_an_outcome_passes_or_fails_only_with_its_whole_interval(low, high, verdict):
    found = verdicts(observed_to_expected=1.0, observed_to_expected_low=low, observed_to_expected_high=high,
                     change_ratio=1.0, change_low=low, change_high=high)  # fmt: skip
    assert found["observed_to_expected"] == found["change_ratio"] == verdict


@pytest.mark.parametrize(("value", "verdict"), [(80.0, "met"), (79.9, "not_met"), (np.nan, "no_data")])
def test_a_counted_fact_is_reached_or_not(value, verdict):
    assert verdicts(reached_pct=value)["reached_pct"] == verdict


def test_base_lines_are_the_settings_own_and_patrol_is_held_against_the_planned_passes():
    lines = {measure.column: measure.base_line for measure in measures(SETTINGS, WORK)}
    assert lines == {
        "observed_to_expected": 1.25, "change_ratio": 1.25, "reached_pct": 80.0, "checkpoints_met_pct": 90.0,
        "patrol_passes_per_week": WORK.patrol_passes_per_week,
    }  # fmt: skip
    assert verdicts(patrol_passes_per_week=1.9)["patrol_passes_per_week"] == "not_met"


def test_a_ratio_of_nothing_to_nothing_has_no_verdict():
    assert verdicts(change_ratio=np.nan, change_low=0.0, change_high=np.inf)["change_ratio"] == "no_data"
