"""The week as a station reports it: calls by class, area, type, hour and how soon a crew was there.

In:     incidents of every class, which zone each unit belongs to, the week.
Out:    a frozen ``Weekly`` of counts, this week beside the last. Whole weeks, Monday to Sunday, are compared: a running
        week beside a whole one would always seem to fall (DOMAIN 2.6).
Method: exact conditional tests of two Poisson counts, false discoveries held over the classes (``analysis.compare``).
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.compare import false_discovery, rate_ratio
from analysis.hours import band_weights
from gis_data.periods import Period
from gis_data.taxonomy import CLASSES, has_a_place
from models.zone_counts import zone_of

WEEK = pd.Timedelta(days=7)
TREND_WEEKS = 15  # as long as Shanghai's weekly alert looks back (DOMAIN 2.4)
ARRIVAL_MIN = (5, 10, 15, 30)  # the bounds of the second weekly form (DOMAIN 2.4)
ALPHA = 0.05


@dataclass(frozen=True)
class Weekly:
    """One week of calls that residents made.

    Attributes
    ----------
    classes
        ``incident_class``, ``this``, ``before``, ``word`` ("up", "down", "none": told apart from chance or not).
    types
        ``incident_class``, ``type``, ``this``, ``before``.
    zones
        ``incident_class``, ``zone_id``, ``this``, ``before``; only types that may be tied to a place.
    bands
        ``incident_class`` and the weight of each six-hour band (columns 0 to 3): a call whose time of event is vague
        counts in parts (``analysis.hours``), one without any such time in none.
    trend
        ``incident_class``, ``week`` (its Monday), ``count``: the last fifteen weeks.
    arrival
        Calls of the week by minutes from call to arrival: up to 5, 10, 15, 30, more; empty where arrival is not kept.
    """

    week: Period
    classes: pd.DataFrame
    types: pd.DataFrame
    zones: pd.DataFrame
    bands: pd.DataFrame
    trend: pd.DataFrame
    arrival: tuple[int, ...]

    @property
    def calls(self) -> tuple[int, int]:
        """All calls of this week and of the last."""
        return int(self.classes["this"].sum()), int(self.classes["before"].sum())

    @property
    def valid(self) -> tuple[int, int]:
        """Calls of this week and of the last that were about something."""
        real = self.classes[self.classes["incident_class"] != "invalid"]
        return int(real["this"].sum()), int(real["before"].sum())


def last_week(times: pd.Series) -> Period:
    """Return the last whole week, Monday to Sunday, that a column of local times covers.

    The day of the last time counts as whole: a station reports on Monday, when Sunday's calls are in.
    """
    days = Period.of(times)
    end = days.end - pd.Timedelta(days=days.end.weekday())
    return Period(end - WEEK, end)


def week_of(incidents: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, unit_zone: pd.Series, *, week: Period) -> Weekly:
    """Count a week and the week before it."""
    reported = incidents[incidents["origin"] == "reported"]
    both = reported[Period(week.start - WEEK, week.end).holds(reported["reported_at"])]
    both = both.assign(this=week.holds(both["reported_at"]))
    placed = both[has_a_place(both)]
    placed = placed.assign(zone_id=zone_of(placed, zones, unit_zone))
    this = both[both["this"]]
    weights = band_weights(this["occurred_from"], this["occurred_to"]) * this["count"].to_numpy()[:, None]
    trend = reported[Period(week.end - TREND_WEEKS * WEEK, week.end).holds(reported["reported_at"])]
    ago = (week.end - trend["reported_at"]) // WEEK
    return Weekly(
        week=week,
        classes=_told_apart(_two(both, ["incident_class"])),
        types=_two(both, ["incident_class", "type"]),
        zones=_every_zone(_two(placed, ["incident_class", "zone_id"]), zones["zone_id"]),
        bands=pd.DataFrame(weights).groupby(this["incident_class"].to_numpy()).sum().rename_axis("incident_class"),
        trend=_weeks(trend.assign(week=week.end - (ago + 1) * WEEK), week),
        arrival=_arrival(this),
    )


def _two(calls: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    counts = calls.assign(this_count=calls["count"].where(calls["this"], 0),
                          before_count=calls["count"].where(~calls["this"], 0))  # fmt: skip
    sums = counts.groupby(by)[["this_count", "before_count"]].sum()
    return sums.rename(columns={"this_count": "this", "before_count": "before"}).reset_index()


def _told_apart(classes: pd.DataFrame) -> pd.DataFrame:
    classes = classes.set_index("incident_class").reindex(list(CLASSES), fill_value=0)
    p = false_discovery(rate_ratio(classes["this"], 1, classes["before"], 1).p_value)
    word = np.where(p >= ALPHA, "none", np.where(classes["this"] > classes["before"], "up", "down"))
    return classes.assign(word=word).reset_index()


def _every_zone(counts: pd.DataFrame, zones: pd.Series) -> pd.DataFrame:
    """Return a row for each zone of each class that was called in: a zone without calls is told too."""
    every = pd.MultiIndex.from_product([counts["incident_class"].unique(), zones], names=["incident_class", "zone_id"])
    return counts.set_index(["incident_class", "zone_id"]).reindex(every, fill_value=0).reset_index()


def _weeks(calls: pd.DataFrame, week: Period) -> pd.DataFrame:
    mondays = [week.start - back * WEEK for back in reversed(range(TREND_WEEKS))]
    every = pd.MultiIndex.from_product([list(CLASSES), mondays], names=["incident_class", "week"])
    counts = calls.groupby(["incident_class", "week"])["count"].sum()
    return counts.reindex(every, fill_value=0).rename("count").reset_index()


def _arrival(calls: pd.DataFrame) -> tuple[int, ...]:
    minutes = ((calls["arrived_at"] - calls["reported_at"]).dt.total_seconds() / 60).dropna()
    minutes = minutes[minutes >= 0]
    if minutes.empty:
        return ()
    bounds = np.searchsorted(ARRIVAL_MIN, minutes.to_numpy(), side="left")
    return tuple(int(n) for n in np.bincount(bounds, minlength=len(ARRIVAL_MIN) + 1))
