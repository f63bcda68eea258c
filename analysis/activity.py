"""Months in which a place shows signs: more incidents than the place's share of that month's incidents in town.

In:     incidents inside a ground and those of the town, the count expected on the ground, the period.
Out:    the counts and expected counts of each calendar month; first and last active month; when the ground expires.
Rule:   a month is active when its count is so far above the expected one that chance gives as many in at most one
        month of five (Poisson). Expected is the ground's expected count in proportion to the town's incidents of the
        month, so that a town-wide season is no sign; and one stray incident is none where one every other month is
        expected. A hotspot expires a set number of months after its last active month unless a new one comes: at the
        least rate of six incidents a year, six months without any have a chance of 5 % (exp(-3)).
"""

from dataclasses import dataclass
from datetime import tzinfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from gis_data.periods import Period

ONE_MONTH_IN_FIVE = 0.2


@dataclass(frozen=True)
class Activity:
    """Counts and expected counts (months,) of a ground, by calendar months of local time."""

    months: pd.PeriodIndex
    count: NDArray[np.int64]
    expected: NDArray[np.float64]

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which months are above expectation by more than chance gives in one month of five."""
        above: NDArray[np.bool_] = (stats.poisson.sf(self.count - 1, self.expected) <= ONE_MONTH_IN_FIVE) & (
            self.count > self.expected
        )
        return above

    def strongest_run(self) -> tuple[pd.Period, pd.Period]:
        """Return first and last month of the run of months that is most unusual by Poisson's likelihood ratio.

        A stray incident some quiet months away is not worth those months, so that it moves neither birth nor end.
        """
        upto_count, upto_expected = (np.concatenate([[0.0], np.cumsum(side)]) for side in (self.count, self.expected))
        count = upto_count[None, :] - upto_count[:, None]
        expected = upto_expected[None, :] - upto_expected[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = special.xlogy(count, count / expected) - (count - expected)
        ratio = np.where((count > expected) & (expected > 0), ratio, -1.0)
        first, end = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        return self.months[int(first)], self.months[max(int(end) - 1, int(first))]

    def last_active(self) -> pd.Period | None:
        """Return the last active month."""
        return self.months[len(self.months) - 1 - int(np.argmax(self.active[::-1]))] if self.active.any() else None


def months_of(period: Period) -> pd.PeriodIndex:
    """Return the calendar months that a period touches."""
    last = (period.end - pd.Timedelta(days=1)).tz_localize(None)
    return pd.period_range(period.start.tz_localize(None), last, freq="M")


def monthly_counts(incidents: pd.DataFrame, months: pd.PeriodIndex) -> NDArray[np.int64]:
    """Return the incidents reported in each of the months (m,); a row stands for ``count`` of them."""
    month = incidents["reported_at"].dt.tz_localize(None).dt.to_period("M")
    counts: NDArray[np.int64] = (
        incidents["count"].groupby(month).sum().reindex(months, fill_value=0).to_numpy(dtype=np.int64)
    )
    return counts


def activity(inside: pd.DataFrame, town_counts: NDArray[np.int64], expected: float, months: pd.PeriodIndex) -> Activity:
    """Hold the months of the incidents inside a ground against the town's (``town_counts`` of the same months)."""
    share = town_counts / max(int(town_counts.sum()), 1)
    return Activity(months, monthly_counts(inside, months), expected * share)


def expires_at(last_active: pd.Period, months: int, zone: tzinfo | None) -> pd.Timestamp:
    """Return the first day on which a ground last active in a month is expired."""
    first_day: pd.Timestamp = (last_active + 1 + months).to_timestamp().tz_localize(zone)
    return first_day
