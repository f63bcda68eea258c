"""Patterns of what residents reported: what the page Patterns shows, each figure with the incidents it rests on.

In:     a station's tables, and a question: which class set, which days, which unit of the calendar.
Out:    frozen results of the analysis functions, each with its ``Basis`` (n, period, class set, rows without a usable
        place or time); ``views.pattern_words`` puts them into words.

Only incidents that residents reported and that may be tied to a place are counted, here and everywhere (rules 1, 2).
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.change import ReportingDelay, area_funnel, compare_periods, reporting_delay, type_drift
from analysis.compare import RateRatio, rate_ratio
from analysis.concentration import Concentration, lorenz, measure_concentration
from analysis.density import density_cells
from analysis.emerging import FEWEST_SLICES, emerging_cells
from analysis.gi_star import GridNeighbourhood, gi_star_cells
from analysis.gi_star_fewest import fewest_to_be_hot
from analysis.hours import DayHours, HourProfile, hour_profile, hours_by_day_kind, hours_by_weekday
from analysis.near_repeat import NearRepeats, active_windows, find_near_repeats, near_bands, places_in_windows
from analysis.scan import MAX_DAYS, Scan, scan_villages
from gis_data.cells import village_territories
from gis_data.days import Unit, is_market_day, previous_period, year_before
from gis_data.periods import Period
from gis_data.study import Study
from gis_data.taxonomy import CLASSES, PREVENTABLE, drives_allocation, with_point
from models.plan import Plan

EVERY, CAN_BE_PREVENTED = "all", "preventable"
UNITS: tuple[Unit, ...] = ("week", "month", "quarter", "year")
SCAN_RADIUS_M = 2_000.0  # what one patrol looks after; METHODS A.3.5
RECENT_SLICES = 3
LIKELIEST = 3
SCAN_DRAWS, NEAR_DRAWS, FOCUS_DRAWS = 5, 6, 7  # numbers of the random streams, beside those of the plans

# What counts ask of incidents: of a million rows no more is copied than is asked for.
COUNTED = ["origin", "incident_class", "type", "caught_count", "reported_at", "occurred_from", "count", "village_id",
           "precision", "geometry"]  # fmt: skip

Tables = Callable[[str], Any]


@dataclass(frozen=True)
class Question:
    """Which incidents are asked about, of which days, and how far records reach back."""

    class_set: str
    period: Period
    unit: Unit
    known: Period

    @property
    def now(self) -> Period:
        """The week, month, quarter or year of the period's last day, as far as the period goes."""
        last = self.period.end - pd.Timedelta(days=1)
        starts = {
            "week": last - pd.Timedelta(days=last.weekday()),
            "month": last.replace(day=1),
            "quarter": last.replace(month=3 * ((last.month - 1) // 3) + 1, day=1),
            "year": last.replace(month=1, day=1),
        }
        return Period(starts[self.unit], self.period.end)

    def reaches(self, period: Period) -> bool:
        """Tell whether records cover a whole period."""
        return bool(self.known.start <= period.start and period.end <= self.known.end)


@dataclass(frozen=True)
class Basis:
    """What a figure rests on, in incidents: all of the set in the period, those used, and what could not be used."""

    class_set: str
    period: Period
    incidents: int
    used: int
    no_place: int
    no_time: int

    @classmethod
    def of(cls, rows: gpd.GeoDataFrame, question: Question, *, used: int | None = None) -> "Basis":
        """Count the rows of a set and a period."""
        total = _sum(rows)
        return cls(
            question.class_set, question.period, total, total if used is None else used,
            no_place=total - _sum(with_point(rows)), no_time=_sum(rows[rows["occurred_from"].isna()]),
        )  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A period against the one before (环比) or a year before (同比); ``table`` is None where records do not reach."""

    now: Period
    before: Period
    by_festival: bool
    group: str
    whole: pd.DataFrame | None
    table: pd.DataFrame | None
    basis: Basis


@dataclass(frozen=True)
class Doubts:
    """What only looks like change: shares of types that jumped, reports still to come; None without a period before."""

    now: Period
    before: Period
    drift: pd.DataFrame | None
    delay: ReportingDelay | None


@dataclass(frozen=True)
class MarketDays:
    """Incidents of the villages with a market, on its market days and on others, per village and day."""

    by_kind: DayHours
    ratio: RateRatio
    villages: int


@dataclass(frozen=True)
class Hours:
    """When things happen: the profile of the day, hours by weekday, market days where there are markets."""

    profile: HourProfile
    week: pd.DataFrame
    market: MarketDays | None
    basis: Basis


@dataclass(frozen=True)
class Ground:
    """Where: cells with Gi* and the fewest incidents that make each hot, density, patterns over slices of time.

    ``emerging`` is None where the period is too short.
    """

    hot: gpd.GeoDataFrame
    density: gpd.GeoDataFrame
    bandwidth_m: float
    emerging: gpd.GeoDataFrame | None
    slices: int
    slice_unit: Unit
    basis: Basis
    emerging_basis: Basis


@dataclass(frozen=True)
class Focus:
    """How concentrated: over cells and over villages, the Lorenz curve of the cells, villages out of the funnel."""

    cells: Concentration | None
    villages: Concentration | None
    curve: pd.DataFrame
    funnel: pd.DataFrame
    overdispersion: float
    basis: Basis
    funnel_basis: Basis


@dataclass(frozen=True)
class News:
    """Whether something new goes on today: the scan of villages."""

    scan: Scan
    basis: Basis


@dataclass(frozen=True)
class Repeats:
    """Near repeats of one type (or of the whole set), and the villages and places in a window open on ``today``.

    ``near`` tells which bands are raised and joined to the nearest ones; only these open windows.
    """

    kind: str
    found: NearRepeats
    near: NDArray[np.bool_]
    windows: gpd.GeoDataFrame
    villages: pd.DataFrame
    places: pd.DataFrame
    today: pd.Timestamp
    basis: Basis


# ---- which incidents, which days ----


def class_sets(incidents: gpd.GeoDataFrame) -> list[str]:
    """Return the class sets that can be chosen: all, what patrols can prevent, and each class that occurs."""
    rows = incidents[["origin", "incident_class", "type"]]
    present = set(drives_allocation(rows)["incident_class"].unique())
    return [EVERY, CAN_BE_PREVENTED, *(name for name in CLASSES if name in present)]


def of_set(incidents: gpd.GeoDataFrame, class_set: str) -> gpd.GeoDataFrame:
    """Return the incidents of a class set, out of those that may move a patrol."""
    return narrowed(drives_allocation(incidents), class_set)


def narrowed(reported: gpd.GeoDataFrame, class_set: str) -> gpd.GeoDataFrame:
    """Return the incidents of a class set; the very same table for every class, for a million rows weigh 0.3 GB."""
    if class_set == EVERY:
        return reported
    if class_set == CAN_BE_PREVENTED:
        return reported[reported["type"].isin(PREVENTABLE)]
    return reported[reported["incident_class"] == class_set]


def planned_period(plans: Mapping[str, Plan], incidents: gpd.GeoDataFrame) -> Period:
    """Return the days the plans were made from; without plans, all days of the records."""
    for plan in plans.values():
        if "period_start" in plan.settings:
            zone = incidents["reported_at"].dt.tz
            return Period(*(pd.Timestamp(plan.settings[f"period_{end}"], tz=zone) for end in ("start", "end")))
    return Period.of(incidents["reported_at"])


def in_period(incidents: gpd.GeoDataFrame, question: Question) -> gpd.GeoDataFrame:
    """Return the incidents of the question's set, reported in its period."""
    return _reported_in(incidents, question, question.period)


def _reported_in(incidents: gpd.GeoDataFrame, question: Question, *periods: Period) -> gpd.GeoDataFrame:
    """Return the incidents of the question's set, reported in one of the periods; the others are not even copied."""
    held = np.logical_or.reduce([period.holds(incidents["reported_at"]) for period in periods])
    return of_set(incidents[held], question.class_set)


# ---- what changed ----


def changes(incidents: gpd.GeoDataFrame, question: Question) -> tuple[Change, Change]:
    """Compare the unit of the last day with the one before and with a year before, by class or by type."""
    now = question.now
    year, by_festival = year_before(now, question.unit)
    return (
        _change(incidents, question, previous_period(now, question.unit), by_festival=False),
        _change(incidents, question, year, by_festival=by_festival),
    )


def _change(incidents: gpd.GeoDataFrame, question: Question, before: Period, *, by_festival: bool) -> Change:
    now = question.now
    group = "incident_class" if question.class_set == EVERY else "type"
    rows = _reported_in(incidents[COUNTED], question, now, before)
    basis = Basis.of(rows, dataclasses.replace(question, period=now))
    if not (question.reaches(before) and question.reaches(now)):
        return Change(now, before, by_festival, group, None, None, basis)
    whole = compare_periods(rows, now, before)
    return Change(now, before, by_festival, group, whole, compare_periods(rows, now, before, by=[group]), basis)


def doubts(incidents: gpd.GeoDataFrame, question: Question) -> Doubts:
    """Look for what only looks like change in the unit of the last day."""
    asked = incidents[COUNTED].drop(columns=["village_id", "precision", "geometry"])
    now, rows = question.now, of_set(asked, question.class_set)
    before = previous_period(now, question.unit)
    if not (question.reaches(before) and question.reaches(now)):
        return Doubts(now, before, None, None)
    delay = reporting_delay(rows, now, before, as_of=question.known.end)
    return Doubts(now, before, type_drift(rows, now, before), delay)


# ---- when ----


def hours(incidents: gpd.GeoDataFrame, villages: gpd.GeoDataFrame, question: Question) -> Hours:
    """Spread the incidents over the hours of day and week, and compare market days with others."""
    rows = in_period(incidents, question)
    windows = rows["occurred_from"], rows["occurred_to"], rows["count"]
    profile = hour_profile(*windows)
    basis = Basis.of(rows, question, used=profile.known)
    return Hours(profile, hours_by_weekday(*windows), _market_days(rows, villages, question.period), basis)


def _market_days(rows: gpd.GeoDataFrame, villages: gpd.GeoDataFrame, period: Period) -> MarketDays | None:
    """Sum over the villages that share their market days, so that each village's own days are counted."""
    weight = pd.DataFrame(0.0, index=[False, True], columns=range(24))
    days = pd.Series(0, index=[False, True])
    held = villages[villages["market_days"].fillna("") != ""]
    for digits, of_digits in held.groupby("market_days"):
        there = rows[rows["village_id"].isin(of_digits["village_id"])]

        def kind(dates: pd.DatetimeIndex, digits: str = str(digits)) -> Any:  # noqa: ANN401 - an array of flags
            return is_market_day(dates, digits)

        found = hours_by_day_kind(
            there["occurred_from"], there["occurred_to"], kind, there["count"], period=(period.start, period.end)
        )
        weight = weight.add(found.weight, fill_value=0.0)
        days = days.add(len(of_digits) * found.days, fill_value=0)
    if held.empty or weight.to_numpy().sum() == 0:
        return None
    total = weight.sum(axis=1)
    ratio = rate_ratio(total[True], days[True], total[False], days[False])
    return MarketDays(DayHours(weight, days), ratio, len(held))


# ---- where ----


def ground(incidents: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, study: Study, question: Question) -> Ground:
    """Judge the cells: hot and cold, density, patterns over time."""
    rows = in_period(incidents, question)
    points, settings = with_point(rows), study.settings
    hot = gi_star_cells(points, cells)
    near = GridNeighbourhood.of(cells["row"], cells["col"])
    hot["fewest_count"] = fewest_to_be_hot(hot["count"], near, hot["p_hot"].to_numpy())
    density = density_cells(
        points, cells, cell_m=settings.cell_size_m, years=question.period.years,
        bandwidth_m=settings.hotspots.null_bandwidth_m,
    )  # fmt: skip
    edges, unit = slice_edges(question.period)
    emerging = None
    if len(edges) > FEWEST_SLICES:
        emerging = emerging_cells(points, cells, edges, recent=RECENT_SLICES)
    return Ground(
        hot, density, settings.hotspots.null_bandwidth_m, emerging, len(edges) - 1, unit,
        basis=Basis.of(rows, question, used=int(hot["count"].sum())),
        emerging_basis=Basis.of(rows, question, used=0 if emerging is None else int(emerging["count"].sum())),
    )  # fmt: skip


def slice_edges(period: Period) -> tuple[pd.DatetimeIndex, Unit]:
    """Return the borders of the whole months in a period; of its weeks, the last ending with it, if months are few."""
    months = pd.date_range(period.start, period.end, freq="MS")
    if len(months) > FEWEST_SLICES:
        return months, "month"
    return pd.date_range(end=period.end, periods=period.days // 7 + 1, freq="7D"), "week"


def news(incidents: gpd.GeoDataFrame, villages: gpd.GeoDataFrame, study: Study, question: Question) -> News | None:
    """Scan the villages for something new on the period's last day; None without villages or without two incidents."""
    rows = in_period(incidents[COUNTED], question)
    of_village = _sum(rows[rows["village_id"].isin(villages["village_id"])])
    if of_village < 2 or question.period.days < 2:
        return None
    found = scan_villages(
        rows, villages, question.period, max_radius_m=SCAN_RADIUS_M, clusters=LIKELIEST,
        max_days=min(MAX_DAYS, question.period.days // 2), rng=np.random.default_rng([study.settings.seed, SCAN_DRAWS]),
    )  # fmt: skip
    return News(found, Basis.of(rows, question, used=of_village))


def focus(
    incidents: gpd.GeoDataFrame, hot: gpd.GeoDataFrame | None, villages: gpd.GeoDataFrame, study: Study,
    question: Question,
) -> Focus:  # fmt: skip
    """Measure concentration over cells (``hot`` has their counts) and villages, and lay the villages in a funnel."""
    rows = in_period(incidents[COUNTED], question)
    rng = np.random.default_rng([study.settings.seed, FOCUS_DRAWS])
    per_village = rows.groupby("village_id")["count"].sum().reindex(villages["village_id"], fill_value=0)
    people = villages.set_index("village_id")["population"]
    has_cells, has_people = hot is not None and hot["count"].sum() > 0, bool((people > 0).any())
    of_cells = measure_concentration(hot["count"], rng=rng) if has_cells and hot is not None else None
    of_villages = None
    if has_people and per_village.sum() > 0:
        of_villages = measure_concentration(per_village, rng=rng, exposure=people.fillna(0))
    funnel, overdispersion = area_funnel(rows, people) if has_people else (pd.DataFrame(columns=["side"]), float("nan"))
    return Focus(
        of_cells, of_villages, lorenz(hot["count"]) if has_cells and hot is not None else pd.DataFrame(),
        funnel, overdispersion,
        basis=Basis.of(rows, question, used=of_cells.incidents if of_cells else 0),
        funnel_basis=Basis.of(rows, question, used=int(per_village.sum())),
    )  # fmt: skip


# ---- near repeats ----


def repeat_kinds(incidents: gpd.GeoDataFrame, question: Question) -> pd.Series:
    """Return the incidents with a usable point of each type of the set, and of the whole set (""), most first."""
    points = with_point(in_period(incidents, question))
    of_type = points.groupby("type")["count"].sum().sort_values(ascending=False, kind="stable")
    return pd.concat([of_type.head(1), pd.Series({"": _sum(points)}), of_type.iloc[1:]]) if len(of_type) else of_type


def repeats(read: Tables, study: Study, question: Question, kind: str) -> Repeats:
    """Find near repeats of a type ("" for the whole set), and what lies in a window open on the day after the period.

    Dates are exchanged within their quarter only, so that a season is no near repeat.
    """
    rows = in_period(read("incidents"), question)
    rows = rows[rows["type"] == kind] if kind else rows
    points = with_point(rows)
    quarter = points["reported_at"].dt.tz_localize(None).dt.to_period("Q").astype(str)
    found = find_near_repeats(
        points, crs=study.crs, rng=np.random.default_rng([study.settings.seed, NEAR_DRAWS]), exchange=quarter
    )
    today, near = question.period.end, near_bands(found.bands)
    windows = active_windows(points, found, today, crs=study.crs)
    villages, places = active_places(windows, read)
    basis = Basis.of(rows, question, used=found.events)
    return Repeats(kind, found, near, windows, villages, places, today, basis)


def active_places(windows: gpd.GeoDataFrame, read: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the villages whose ground touches an open window, and the named places inside one with their village."""
    cells, villages, places = read("cells"), read("villages"), read("places")
    if windows.empty or cells.empty or villages.empty:
        return pd.DataFrame(columns=["village_id", "name"]), pd.DataFrame(columns=["village_id", "name"])
    land = village_territories(cells, villages)[["village_id", "name", "geometry"]]
    active = pd.DataFrame(places_in_windows(land, windows).drop(columns="geometry"))
    named = places[places["name"].fillna("") != ""]
    inside = places_in_windows(named, windows)
    of_village = gpd.sjoin(inside, land[["village_id", "geometry"]], predicate="intersects").drop_duplicates("place_id")
    return active, pd.DataFrame(of_village.drop(columns=["geometry", "index_right"]))


def _sum(rows: pd.DataFrame) -> int:
    return int(rows["count"].sum())
