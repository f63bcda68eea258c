"""The life of a hotspot: found anew month by month, and followed from one month to the next.

In:     incidents with a usable point, the hotspots of the whole period (for their reach and surface), the period.
Out:    pictures, one row per life and month with its event, counts and ground; lives, one row each with birth, last
        sign, how it ended and how far it moved.
Method: the search of ``find_hotspots`` in windows of ``life_window_months`` that move on by a month, at the reach of
        the whole period. Grounds of two successive windows are of one life when they share at least ``SAME_LIFE`` of
        the smaller one; where several do, pairs are matched so that their Jaccard indices sum up highest, the rest
        have split off or merged (the events of Kalnis, Mamoulis & Bakiras 2005 and Spiliopoulou et al. 2006).

A life is born when a window's hotspot is more than chance over the whole period: alpha is shared among the windows that
do not overlap, four of half a year in two years. It goes on while a cluster stands there that is more unusual than
every second redraw: asking for as much as at birth would end and begin it again by chance. A place that comes back
after its end keeps its name.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.optimize import linear_sum_assignment

from analysis.activity import activity, monthly_counts, months_of
from analysis.chance_surface import Floats
from analysis.grounds import collapse
from analysis.hotspots import Hotspots, judge, search
from gis_data.periods import Period
from gis_data.progress import Progress, silent
from gis_data.settings import HotspotSettings

SAME_LIFE = 0.25
GOES_ON = 0.5
GROWS, SHRINKS = 1.25, 0.8
FEWEST = 5  # METHODS A.3.4: no cluster of fewer than five
EVENTS = ("born", "continues", "grows", "shrinks", "split", "merged", "returned", "ended")

PICTURES: dict[str, str] = {
    "life_id": "str",
    "month": "str",  # the window's last month, "2024-05"
    "event": "str",  # one of EVENTS
    "other": "str",  # the lives it split from, split into or merged with
    "count": "int64",
    "expected_count": "float64",
    "p_value": "float64",
    "is_hotspot": "bool",
    "area_m2": "float64",
}
LIVES: dict[str, str] = {
    "life_id": "str",
    "hotspot_id": "str",  # the hotspot of the whole period on the same ground, or ""
    "first_month": "str",  # first month of its strongest run (``Activity.strongest_run``) before any end
    "last_month": "str",  # last month of its strongest run since its last return
    "from_start": "bool",  # there already in the first picture of all: its birth is not known
    "ended": "str",  # "", "ended" or "merged"
    "other": "str",  # the life it split from at birth or merged into at its end
    "returned": "int64",  # times it came back after an end
    "pictures": "int64",
    "most": "int64",  # the highest count of a picture
    "moved_m": "float64",  # from the centre of its first picture to that of its last
}


@dataclass(frozen=True)
class Lives:
    """What became of the hotspots: a row for each life and month (``PICTURES``), and one for each life (``LIVES``).

    A picture's polygon is its ground (empty at the end of a life), a life's line the way of its centre.
    """

    pictures: gpd.GeoDataFrame
    lives: gpd.GeoDataFrame


@dataclass(frozen=True)
class Seen:
    """A cluster in one window."""

    window: Period
    area: shapely.Geometry
    centre: Floats
    count: int
    expected: float
    p_value: float


def follow_hotspots(
    found: Hotspots,
    *,
    period: Period,
    settings: HotspotSettings,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> Lives:
    """Follow the hotspots through the period; without two windows or any incident there is nothing to follow.

    Parameters
    ----------
    rng
        Chance of the redraws of each window.
    """
    windows = windows_of(period, settings.life_window_months)
    if found.surface is None or len(windows) < 2:
        return _as_tables(Book(1.0), found)
    born = settings.alpha * windows[0].days / period.days
    simulations = max(settings.life_simulations, math.ceil(1 / born) - 1)  # fewer could not reach so small a p
    once = dataclasses.replace(settings, simulations=simulations, resamples=0)
    book = Book(born)
    for number, window in enumerate(windows):
        book.turn(_month(window), _seen_in(window, found, once, period, rng))
        progress("hotspots.following", (number + 1) / len(windows))
    return _as_tables(book, found)


def windows_of(period: Period, months: int) -> list[Period]:
    """Return windows of so many months, each a month later than the one before, the last ending with the period."""
    found = []
    back = 0
    while (start := period.end - pd.DateOffset(months=back + months)) >= period.start:
        found.append(Period(start, period.end - pd.DateOffset(months=back)))
        back += 1
    return found[::-1]


def _month(window: Period) -> str:
    return f"{window.end - pd.Timedelta(days=1):%Y-%m}"


def _seen_in(
    window: Period, found: Hotspots, settings: HotspotSettings, period: Period, rng: np.random.Generator
) -> list[Seen]:
    """Search one window; the clusters come in an order that does not depend on that of the rows."""
    surface, rows = found.surface, found.incidents[window.holds(found.incidents["reported_at"])]
    least = max(FEWEST, math.ceil(found.reach.least * window.days / period.days))
    if surface is None or rows.empty or int(rows["count"].sum()) < least:
        return []
    xy, weight, _ = collapse(rows)
    here = surface.at_level_of(xy, weight)
    grounds, finder = search(xy, weight, here, dataclasses.replace(found.reach, least=least), settings)
    seen = []
    for one in judge(xy, weight, grounds, finder, settings, rng, silent):
        held = weight[one.points]
        centre = held @ xy[one.points] / held.sum()
        seen.append(Seen(window, one.area, centre, int(held.sum()), one.expected, one.p_value))
    return sorted(seen, key=lambda one: (-one.count, one.centre[0], one.centre[1]))


class Life:
    """A life while it is being written."""

    def __init__(self, name: str, seen: Seen, *, from_start: bool, other: str) -> None:
        self.name, self.from_start, self.other = name, from_start, other
        self.stretches = [[seen]]  # from a birth or return to an end
        self.ended = ""

    @property
    def seen(self) -> list[Seen]:
        """All pictures, the first one first."""
        return [one for stretch in self.stretches for one in stretch]


class Book:
    """The lives written month by month."""

    def __init__(self, born: float) -> None:
        self.born = born
        self.lives: list[Life] = []
        self.pictures: list[dict[str, object]] = []
        self._first_page = True

    def turn(self, month: str, seen: Sequence[Seen]) -> None:
        """Write what became of each life in the next window, and which are new."""
        going = [life for life in self.lives if not life.ended]
        may_go_on = [one for one in seen if one.p_value <= GOES_ON]
        share, likeness = overlaps([life.seen[-1].area for life in going], [one.area for one in may_go_on])
        linked = share >= SAME_LIFE
        matched = match(np.where(linked, likeness, 0.0))
        heir = {there: going[at] for at, there in matched.items()}  # the life that each cluster goes on as
        parts: dict[str, list[str]] = {life.name: [] for life in going}
        for there, one in enumerate(may_go_on):
            if there not in heir and one.p_value <= self.born:
                parents = [going[at].name for at in np.flatnonzero(linked[:, there])]
                heir[there] = self._begin(month, one, parents)
                parts.update({name: [*parts[name], heir[there].name] for name in parents[:1]})
        for at, life in enumerate(going):
            if at in matched:
                joining = [going[k].name for k in np.flatnonzero(linked[:, matched[at]]).tolist() if k not in matched]
                self._go_on(life, month, may_go_on[matched[at]], joining, parts[life.name])
            else:
                self._end(life, month, [heir[k].name for k in np.flatnonzero(linked[at]).tolist() if k in heir])
        self._first_page = False

    def _begin(self, month: str, one: Seen, parents: Sequence[str]) -> Life:
        if not parents:
            for life in self.lives:
                if life.ended == "ended" and overlaps([life.seen[-1].area], [one.area])[0][0, 0] >= SAME_LIFE:
                    life.ended = ""
                    life.stretches.append([one])
                    self._write(life, month, "returned", "", one)
                    return life
        other = parents[0] if parents else ""
        life = Life(f"L{len(self.lives) + 1}", one, from_start=self._first_page, other=other)
        self.lives.append(life)
        self._write(life, month, "split" if other else "born", other, one)
        return life

    def _go_on(self, life: Life, month: str, one: Seen, joining: Sequence[str], parts: Sequence[str]) -> None:
        ratio = one.area.area / life.seen[-1].area.area
        event = "grows" if ratio >= GROWS else "shrinks" if ratio <= SHRINKS else "continues"
        event = "merged" if joining else "split" if parts else event
        life.stretches[-1].append(one)
        self._write(life, month, event, ";".join((*joining, *parts)), one)

    def _end(self, life: Life, month: str, into: Sequence[str]) -> None:
        life.ended = "merged" if into else "ended"
        if into:
            life.other = into[0]
        self._write(life, month, life.ended, ";".join(into), None)

    def _write(self, life: Life, month: str, event: str, other: str, one: Seen | None) -> None:
        self.pictures.append({
            "life_id": life.name, "month": month, "event": event, "other": other,
            "count": one.count if one else 0, "expected_count": one.expected if one else math.nan,
            "p_value": one.p_value if one else math.nan, "is_hotspot": one is not None and one.p_value <= self.born,
            "area_m2": one.area.area if one else 0.0, "geometry": one.area if one else shapely.Polygon(),
        })  # fmt: skip


def overlaps(one: Sequence[shapely.Geometry], other: Sequence[shapely.Geometry]) -> tuple[Floats, Floats]:
    """Return for each pair of grounds (one, other) the share of the smaller that both hold, and the Jaccard index."""
    if not one or not other:
        return np.zeros((len(one), len(other))), np.zeros((len(one), len(other)))
    first, second = np.array(one, dtype=object)[:, None], np.array(other, dtype=object)[None, :]
    both = shapely.area(shapely.intersection(first, second))
    area, area_other = shapely.area(first), shapely.area(second)
    return both / np.minimum(area, area_other), both / (area + area_other - both)


def match(likeness: Floats) -> dict[int, int]:
    """Return the one-to-one pairs (row, column) whose likenesses sum up highest; pairs without any are left out."""
    row, column = linear_sum_assignment(likeness, maximize=True)
    return {int(i): int(j) for i, j in zip(row, column, strict=True) if likeness[i, j] > 0}


def _as_tables(book: Book, found: Hotspots) -> Lives:
    order = {life.name: number for number, life in enumerate(book.lives)}
    pictures = sorted(book.pictures, key=lambda row: (order[str(row["life_id"])], str(row["month"])))
    lives = [_summary(life, found) for life in book.lives]
    return Lives(_table(pictures, PICTURES, found.table), _table(lives, LIVES, found.table))


def _summary(life: Life, found: Hotspots) -> dict[str, object]:
    centres = np.array([one.centre for one in life.seen])
    ground = shapely.union_all([one.area for one in life.seen])
    shared = found.table.geometry.intersection(ground).area.where(found.table["status"] != "chance", 0.0)
    line = shapely.LineString(centres if len(centres) > 1 else np.repeat(centres, 2, axis=0))
    return {
        "life_id": life.name,
        "hotspot_id": found.table.loc[shared.idxmax(), "hotspot_id"] if shared.max() > 0 else "",
        "first_month": _strongest_run(life.stretches[0], found)[0],
        "last_month": _strongest_run(life.stretches[-1], found)[1],
        "from_start": life.from_start, "ended": life.ended, "other": life.other,
        "returned": len(life.stretches) - 1, "pictures": len(centres), "most": max(one.count for one in life.seen),
        "moved_m": float(np.hypot(*(centres[-1] - centres[0]))), "geometry": line,
    }  # fmt: skip


def _strongest_run(stretch: Sequence[Seen], found: Hotspots) -> tuple[str, str]:
    """Return first and last month of a stretch of life, from all incidents on its ground in its windows."""
    ground = shapely.union_all([one.area for one in stretch])
    months = months_of(Period(stretch[0].window.start, stretch[-1].window.end))
    town = monthly_counts(found.incidents, months)
    share = town.sum() / max(int(found.incidents["count"].sum()), 1)
    expected = found.surface.inside(ground) * share if found.surface else 0.0
    run = activity(found.incidents[found.incidents.within(ground)], town, expected, months).strongest_run()
    return str(run[0]), str(run[1])


def _table(rows: list[dict[str, object]], columns: dict[str, str], like: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(rows, columns=[*columns, "geometry"]).astype(columns)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=like.crs)
