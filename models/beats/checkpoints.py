"""Checkpoints (必巡点): the points a crew must see, how often and when, as many as the beat's standing minutes hold.

In:     pieces of road with their beats, hotspots, places, villages, incidents, dwellings.
Out:    the table CHECKPOINTS and, beside it, every candidate that was left out with the reason («why not here»).
Rules:  what somebody asked for by hand comes first; then one candidate for each hotspot; each market (a market place,
        or a village with market days); each school; the back lanes of each village and beat that are long enough. A
        point stands on the nearest road of its zone, never on or in a dwelling. In this order, and within a kind by
        reported incidents and then by length, they are placed while the visits fit the beat's minutes; one that is
        near another of the same hours joins it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.settings import BeatSettings
from gis_data.tables import CHECKPOINT_KINDS, CHECKPOINTS
from models.beats.types import Reason, pack

MERGE_M = 100.0  # two points this near are seen from one place
ROAD_WITHIN_M = 500.0  # a place farther from every road of its zone has no checkpoint
STEP_M = 5.0  # steps along a road in search of a point outside the dwellings
BACK_LANES_M = 300.0  # shorter back lanes of a village are seen from its street
MARKET_HOURS = "06-12"
SCHOOL_HOURS = "07-08;16-17"
NIGHT = "22-05"

LEFT_OUT = {
    "kind": "str", "name": "str", "zone_id": "str", "beat_id": "str", "reason": "str", "why": "str",
    "min_visits_per_week": "int64", "visit_min": "float64", "geometry": "object",
}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """A checkpoint that somebody asks for by hand, metres in the study's CRS; ``visits`` a week."""

    wish_id: str
    name: str
    x: float
    y: float
    visits: int
    reason: str = ""


@dataclass(frozen=True)
class Candidate:
    """A point that a rule asks for; ``weight`` orders the candidates of one kind, the greatest first."""

    kind: str
    name: str
    point: shapely.Point
    reasons: tuple[Reason, ...]
    visits: int
    hours: str = ""
    market_days: str = ""
    weight: tuple[float, ...] = ()
    zone_id: str = ""
    beat_id: str = ""
    why: tuple[Reason, ...] = field(default=())

    @property
    def rank(self) -> tuple[int, tuple[float, ...], float, float]:
        """Place in the order of choice."""
        first = CHECKPOINT_KINDS.index(self.kind)
        return first, tuple(-value for value in self.weight), round(self.point.x, 2), round(self.point.y, 2)


def place_checkpoints(
    pieces: gpd.GeoDataFrame,
    hotspots: gpd.GeoDataFrame,
    markets: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    dwellings: gpd.GeoDataFrame,
    settings: BeatSettings,
    *,
    standing_min: float,
    timezone: str,
    by_hand: Sequence[Wish] = (),
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the table CHECKPOINTS and the candidates that were left out (columns ``LEFT_OUT``).

    Parameters
    ----------
    pieces
        Pieces of road with ``beat_id``, ``zone_id``, ``kind`` and ``incidents_per_week``.
    hotspots
        Hotspots that are more than chance.
    standing_min
        Minutes a week that the crews of one beat stand at checkpoints.
    by_hand
        Checkpoints that somebody asks for; they are placed before all others.
    """
    asked = [
        *_by_hand(by_hand), *_at_hotspots(hotspots, pieces, settings), *_at_markets(markets, settings),
        *_at_schools(places, settings), *_at_back_lanes(pieces, villages, settings),
    ]  # fmt: skip
    roads = _Roads(pieces, dwellings)
    on_road = [roads.put(candidate) for candidate in asked]
    chosen, left_out = _choose(sorted(on_road, key=lambda c: c.rank), settings, standing_min=standing_min)
    return _table(chosen, settings, pieces.crs, timezone), _left_out_table(left_out, settings, pieces.crs)


def _by_hand(wishes: Sequence[Wish]) -> Iterator[Candidate]:
    for place, wish in enumerate(wishes):
        reason = ("beats.because.checkpoint.by_hand", {"reason": wish.reason, "wish": wish.wish_id})
        yield Candidate(
            "by_hand", wish.name, shapely.Point(wish.x, wish.y), (reason,), wish.visits, weight=(-float(place),)
        )  # fmt: skip


def _at_hotspots(hotspots: gpd.GeoDataFrame, pieces: gpd.GeoDataFrame, settings: BeatSettings) -> Iterator[Candidate]:
    lines, zone = pieces.geometry.to_numpy(), pieces["zone_id"].to_numpy()
    tree = shapely.STRtree(lines)
    table = hotspots[["hotspot_id", "count", "peak_hours", "geometry"]]
    for name, count, hours, ground in table.itertuples(index=False, name=None):
        inside = np.sort(tree.query(ground, predicate="intersects"))
        point = ground.centroid
        if len(inside):
            # A hotspot on a border belongs to the zone with more of its road; inside a ring of roads nobody stands.
            cut = shapely.intersection(lines[inside], ground)
            metres = pd.Series(shapely.length(cut)).groupby(zone[inside]).sum()
            point = _nearest_on(cut[zone[inside] == metres.idxmax()], point)
        reason = ("beats.because.checkpoint.hotspot", {"hotspot": name, "count": int(count)})
        weight = (float(count),)
        yield Candidate("hotspot", str(name), point, (reason,), settings.visits_hotspot, str(hours), weight=weight)


def _nearest_on(lines: NDArray[np.object_], point: shapely.Point) -> shapely.Point:
    return shapely.get_point(shapely.shortest_line(shapely.union_all(lines), point), 0)


def _at_markets(markets: gpd.GeoDataFrame, settings: BeatSettings) -> Iterator[Candidate]:
    for name, village, days, point in _rows(markets, "name", "village", "market_days", "geometry"):
        key = "market_village" if village else "market_place"
        reason = (f"beats.because.checkpoint.{key}", {"name": name, "village": village, "days": days})
        yield Candidate("market", name, point, (reason,), settings.visits_market, MARKET_HOURS, days)


def _at_schools(places: gpd.GeoDataFrame, settings: BeatSettings) -> Iterator[Candidate]:
    for name, point in _rows(places[places["kind"] == "school"], "name", "geometry"):
        reason = ("beats.because.checkpoint.school", {"name": name})
        yield Candidate("school", name, point, (reason,), settings.visits_school, SCHOOL_HOURS)


def _at_back_lanes(pieces: gpd.GeoDataFrame, villages: pd.DataFrame, settings: BeatSettings) -> Iterator[Candidate]:
    """Ask for the back lanes of each village in each beat, where there are enough of them."""
    lanes = pieces[pieces["kind"] == "back_lane"]
    names = dict(_rows(villages, "village_id", "name"))
    for (_, unit), part in lanes.groupby(["beat_id", "unit_id"]):
        metres, weekly = float(part["length_m"].sum()), float(part["incidents_per_week"].sum())
        if metres < BACK_LANES_M:
            continue
        lines = part.geometry.to_numpy()
        point = _nearest_on(lines, shapely.union_all(lines).centroid)
        name = names.get(unit, "")
        values = {"village": name, "km": f"{metres / 1000:.1f}", "per_year": f"{52 * weekly:.0f}"}
        quiet = "_quiet" if values["per_year"] == "0" else ""
        reason = (f"beats.because.checkpoint.back_lane{quiet}", values)
        yield Candidate(
            "back_lane", name, point, (reason,), settings.visits_back_lane, NIGHT, weight=(weekly, metres)
        )  # fmt: skip


def _rows(table: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name] for name in columns), strict=True)


class _Roads:
    """Where a crew can stand: the zones' roads, outside all dwellings."""

    def __init__(self, pieces: gpd.GeoDataFrame, dwellings: gpd.GeoDataFrame) -> None:
        self.lines = pieces.geometry.to_numpy()
        self.zone, self.beat = pieces["zone_id"].to_numpy(), pieces["beat_id"].to_numpy()
        self.tree = shapely.STRtree(self.lines)
        self.homes = shapely.STRtree(dwellings.geometry.to_numpy())

    def put(self, candidate: Candidate) -> Candidate:
        """Return the candidate on the nearest road, with its beat; or with the reason why it has no point there."""
        found = self.tree.query_nearest(candidate.point, max_distance=ROAD_WITHIN_M, all_matches=False)
        if len(found) == 0:
            return replace(candidate, why=(("beats.why_not.no_road", {"metres": f"{ROAD_WITHIN_M:.0f}"}),))
        line = self.lines[found[0]]
        put = replace(candidate, zone_id=str(self.zone[found[0]]), beat_id=str(self.beat[found[0]]))
        along = line.project(candidate.point)
        steps = np.arange(0.0, line.length + STEP_M, STEP_M)
        for at in (along, *steps[np.argsort(np.abs(steps - along), kind="stable")]):
            point = line.interpolate(min(at, line.length))
            if len(self.homes.query(point, predicate="intersects")) == 0:
                return replace(put, point=point)
        return replace(put, why=(("beats.why_not.dwelling", {}),))


def _choose(
    candidates: Sequence[Candidate], settings: BeatSettings, *, standing_min: float
) -> tuple[list[Candidate], list[Candidate]]:
    """Place the candidates in their order while the visits fit; return those placed and those left out."""
    chosen: list[Candidate] = []
    left_out: list[Candidate] = []
    spent: dict[str, float] = {}
    for candidate in candidates:
        if candidate.why:
            left_out.append(candidate)
            continue
        twin = next((k for k, other in enumerate(chosen) if _is_twin(candidate, other)), None)
        before = 0 if twin is None else chosen[twin].visits
        need = max(0, candidate.visits - before) * settings.stop_min
        left = standing_min - spent.get(candidate.beat_id, 0.0)
        if need > left:
            values = {"need": f"{need:.0f}", "left": f"{left:.0f}", "standing": f"{standing_min:.0f}"}
            left_out.append(replace(candidate, why=(("beats.why_not.minutes", values),)))
            continue
        spent[candidate.beat_id] = spent.get(candidate.beat_id, 0.0) + need
        if twin is None:
            chosen.append(candidate)
        else:
            both = (*chosen[twin].reasons, *candidate.reasons)
            chosen[twin] = replace(chosen[twin], reasons=both, visits=max(before, candidate.visits))
    return chosen, left_out


def _is_twin(candidate: Candidate, other: Candidate) -> bool:
    """Tell whether a visit to the other, already placed, is a visit to this one too."""
    same_time = candidate.hours in ("", other.hours) and candidate.market_days in ("", other.market_days)
    return same_time and candidate.beat_id == other.beat_id and candidate.point.distance(other.point) <= MERGE_M


def _table(chosen: Sequence[Candidate], settings: BeatSettings, crs: Any, timezone: str) -> gpd.GeoDataFrame:  # noqa: ANN401
    rows, numbers = [], dict.fromkeys({c.zone_id for c in chosen}, 0)
    for candidate in sorted(chosen, key=lambda c: (c.zone_id, c.beat_id, c.rank)):
        numbers[candidate.zone_id] += 1
        number = numbers[candidate.zone_id]
        rows.append(
            {
                "checkpoint_id": f"{candidate.zone_id}-C{number:02d}", "number": number,
                "zone_id": candidate.zone_id, "beat_id": candidate.beat_id, "kind": candidate.kind,
                "name": candidate.name, "reason": pack(candidate.reasons),
                "min_visits_per_week": candidate.visits, "stop_min": settings.stop_min, "hours": candidate.hours,
                "market_days": candidate.market_days, "geometry": candidate.point,
            }
        )  # fmt: skip
    if not rows:
        return CHECKPOINTS.empty(crs=crs, timezone=timezone)
    frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=crs)
    return CHECKPOINTS.conform(frame, crs=crs, timezone=timezone)


def _left_out_table(left_out: Sequence[Candidate], settings: BeatSettings, crs: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
    rows = [
        (
            c.kind, c.name, c.zone_id, c.beat_id, pack(c.reasons), pack(c.why), c.visits,
            c.visits * settings.stop_min, c.point,
        )
        for c in left_out
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(LEFT_OUT)).astype(LEFT_OUT)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs)
