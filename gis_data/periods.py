"""A period of whole days: from a first day up to, but not including, an end day."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Period:
    """Whole days of local time; ``end`` is the first day after the period."""

    start: pd.Timestamp
    end: pd.Timestamp

    @classmethod
    def of(cls, times: pd.Series, *, until: str | None = None) -> "Period":
        """Return the days that a column of local times covers, cut before the day ``until``."""
        known = times.dropna()
        start, end = known.min().normalize(), known.max().normalize() + pd.Timedelta(days=1)
        if until is not None:
            end = min(end, pd.Timestamp(until, tz=known.dt.tz).normalize())
        return cls(start, end)

    @property
    def days(self) -> int:
        """Number of days."""
        return round((self.end - self.start) / pd.Timedelta(days=1))

    @property
    def weeks(self) -> float:
        """Number of weeks."""
        return self.days / 7

    @property
    def years(self) -> float:
        """Number of years of 365.25 days."""
        return self.days / 365.25

    def holds(self, times: pd.Series) -> pd.Series:
        """Tell which times fall inside the period."""
        return (times >= self.start) & (times < self.end)

    def __str__(self) -> str:
        """Return first and last day."""
        return f"{self.start:%Y-%m-%d} – {self.end - pd.Timedelta(days=1):%Y-%m-%d}"
